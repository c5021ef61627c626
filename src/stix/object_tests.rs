use super::*;
use crate::stix::json;

fn parse(text: &str) -> Result<Object, ObjectError> {
    let document = json::read(text.as_bytes().to_vec(), Header::read).unwrap();
    Ok(Object::new(document.root.part.seen?, document.text))
}

fn campaign(more: &str) -> String {
    format!(
        r#"{{"type":"campaign","spec_version":"2.1","id":"campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2016-04-06T20:03:00.000Z","modified":"2016-04-06T20:03:23.000Z","name":"x"{more}}}"#
    )
}

#[test]
fn the_version_is_modified_else_created_else_fixed() {
    assert_eq!(parse(&campaign("")).unwrap().version().as_str(), "2016-04-06T20:03:23.000Z");
    let marking = parse(
        r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2016-04-06T20:03:00Z"}"#,
    );
    assert_eq!(marking.unwrap().version().as_str(), "2016-04-06T20:03:00Z");
    let dated = r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2016-04-06T20:03:00Z","modified":"2016-04-07T20:03:00Z"}"#;
    assert_eq!(parse(dated).unwrap().version().as_str(), "2016-04-06T20:03:00Z");
    assert!(parse(&dated.replace("04-07T", "yesterday")).is_err());
    let address = r#"{"type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3""#;
    assert_eq!(parse(&format!("{address}}}")).unwrap().version().as_str(), UNVERSIONED);
    let dated = format!(r#"{address},"created":"2016-04-06T20:03:00Z","modified":"2016-04-07T20:03:00Z"}}"#);
    assert_eq!(parse(&dated).unwrap().version().as_str(), UNVERSIONED);
}

#[test]
fn a_wrong_header_is_refused_with_the_property_and_the_rule() {
    let base = campaign("");
    let cases = [
        (base.replace("\"type\":\"campaign\",", ""), "`type` is missing"),
        (base.replace("\"type\":\"campaign\"", "\"type\":7"), "`type` is `7`"),
        (base.replace("campaign--8e", "malware--8e"), "its type part must be `campaign`"),
        (base.replace("8e2e2d2b-", "xyz"), "`id` is `campaign--xyz"),
        (base.replace("\"spec_version\":\"2.1\",", ""), "`spec_version` is missing"),
        (base.replace("\"2.1\"", "\"2.0\""), "`spec_version` is `2.0`"),
        (base.replace("\"2.1\"", "2.1"), "`spec_version` is `2.1`; this server"),
        (base.replace("\"created\":\"2016-04-06T20:03:00.000Z\",", ""), "`created` is missing"),
        (base.replace("\"modified\":\"2016-04-06T20:03:23.000Z\",", ""), "`modified` is missing"),
        (base.replace("20:03:00.000Z", "20:03:60.000Z"), "`created` is `2016-04-06T20:03:60.000Z`"),
        (base.replace("20:03:23.000Z", "20:02:23.000Z"), "must not be earlier than `created`"),
        (
            campaign(r#","created_by_ref":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f""#),
            "must name an `identity`",
        ),
        (campaign(r#","object_marking_refs":"x""#), "`object_marking_refs` is"),
        (
            campaign(r#","object_marking_refs":["tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]"#),
            "marking-definition ids only",
        ),
        (campaign(r#","granular_markings":[7]"#), "`granular_markings` is `7`"),
        (campaign(r#","labels":"tlp:red""#), "`labels` is"),
        (campaign(r#","x":1e999"#), "1e999"),
    ];
    for (text, want) in cases {
        let found = parse(&text).unwrap_err().to_string();
        assert!(found.contains(want), "{text}\n{found}");
    }
}

#[test]
fn markings_are_found_wherever_they_are_written() {
    let amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
    let clear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
    let refs = format!(r#","object_marking_refs":["{amber}","{clear}"]"#);
    let granular = format!(
        r#","granular_markings":[{{"selectors":["name"],"marking_ref":"{amber}"}},{{"selectors":["name"],"lang":"fr"}}]"#
    );
    assert_eq!(parse(&campaign(&refs)).unwrap().marks(), [clear, amber]);
    assert_eq!(parse(&campaign(&format!("{refs}{granular}"))).unwrap().marks(), [clear, amber]);
    assert_eq!(parse(&campaign(&granular)).unwrap().marks(), [amber]);
    let labelled = parse(&campaign(r#","labels":["x","TLP:GREEN","pap:red"]"#)).unwrap();
    let labelled = labelled.labelled().unwrap();
    assert_eq!((labelled.tlp, labelled.pap), (Some(Tlp::Green), Some(crate::stix::marking::Pap::Red)));
    assert!(parse(&campaign("")).unwrap().labelled().is_none());
}

#[test]
fn stamping_adds_the_marking_and_nothing_else() {
    let other = "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    for text in [campaign(""), campaign(&format!(r#","object_marking_refs":["{other}"]"#))] {
        let before: serde_json::Value = serde_json::from_str(&text).unwrap();
        let stamped = parse(&text).unwrap().stamped(Tlp::Amber);
        let mut after: serde_json::Value = serde_json::from_slice(stamped.json()).unwrap();
        let refs = after["object_marking_refs"].as_array_mut().unwrap();
        assert_eq!(refs.remove(0), Tlp::Amber.marking_id());
        if refs.is_empty() {
            after.as_object_mut().unwrap().remove("object_marking_refs");
        }
        assert_eq!(before, after);
    }
}

#[test]
fn a_failed_object_is_still_called_by_its_name() {
    let text = br#"{"objects":[{"id":"x","modified":"y"},{"id":5},[]]}"#;
    let items = json::read(text.to_vec(), label).unwrap().root.items.unwrap();
    let labels: Vec<_> = items.into_iter().map(|item| item.seen).collect();
    assert_eq!((labels[0].id.as_str(), labels[0].version.as_str()), ("x", "y"));
    assert_eq!((labels[1].id.as_str(), labels[1].version.as_str()), ("objects[1]", UNVERSIONED));
    assert_eq!(labels[2].id, "objects[2]");
}
