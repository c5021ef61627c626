//! The definitions of levels as those who made them have published them.

use super::{PAP_EXTENSION, Pap, TLP_2_EXTENSION, Tlp};

/// TLP 1.0: ids and levels (STIX 2.1 §7.2.1.4).
pub const TLP_1: [(&str, &str); 4] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "white"),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "amber"),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"),
];

/// The definition of the level with this id, to the letter (STIX 2.1 §7.2.1.4; governance §1.2, §2). There is
/// none for ids that others have given to the same levels.
pub fn published(id: &str) -> Option<String> {
    let said = tlp_1(id).or_else(|| tlp_2(id)).or_else(|| pap(id))?;
    Some(format!(r#"{{"type":"marking-definition","spec_version":"2.1","id":"{id}",{said}}}"#))
}

fn tlp_1(id: &str) -> Option<String> {
    let (_, level) = TLP_1.iter().find(|(known, _)| *known == id)?;
    let name = level.to_ascii_uppercase();
    Some(format!(
        r#""created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:{name}","definition":{{"tlp":"{level}"}}"#
    ))
}

fn tlp_2(id: &str) -> Option<String> {
    let tlp = Tlp::of_marking(id).filter(|tlp| tlp.marking_id() == id)?;
    Some(extended("2022-10-01", &tlp.to_string(), (TLP_2_EXTENSION, "tlp_2_0", tlp.name())))
}

fn pap(id: &str) -> Option<String> {
    let (name, day) = match Pap::of_marking(id)? {
        Pap::Clear if id == PAP_WHITE => ("WHITE", "2022-10-01"),
        level if level.marking_id() != id => return None,
        Pap::Clear => ("CLEAR", "2022-10-01"),
        Pap::Green => ("GREEN", "2022-10-09"),
        Pap::Amber => ("AMBER", "2022-10-02"),
        Pap::Red => ("RED", "2022-10-06"),
    };
    Some(extended(day, &format!("PAP:{name}"), (PAP_EXTENSION, "pap", name)))
}

/// A definition by means of an extension, which has the level in one property.
fn extended(day: &str, name: &str, (extension, property, level): (&str, &str, &str)) -> String {
    let level = level.to_ascii_lowercase();
    format!(
        r#""created":"{day}T00:00:00.000Z","name":"{name}","extensions":{{"{extension}":{{"extension_type":"property-extension","{property}":"{level}"}}}}"#
    )
}

/// CLEAR by its older name.
const PAP_WHITE: &str = "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730";
