//! What kind of incident an indicator stands for: RSIT 1003 (governance §9).

use serde_json::Value;

/// A class and type of RSIT; the class follows from the type (governance §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classification {
    place: u8,
    /// RSIT has no type for it, IntelMQ has.
    is_anonymizer: bool,
}

impl Classification {
    /// Nobody said, and nothing tells.
    pub const UNDETERMINED: Self = Self::at(UNDETERMINED);

    /// All types.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TYPES.len() as u8).map(Self::at)
    }

    /// The type of a name, in the spelling of RSIT or of IntelMQ (governance §9).
    pub fn of_type(name: &str) -> Option<Self> {
        let name = if name == USE_INTELMQ { USE } else { name };
        Self::all().find(|one| one.type_name() == name)
    }

    /// The first label of the form `rsit:<class>="<type>"`, quoted or not, that names a class and a type of
    /// it (governance §9).
    pub fn of_labels<'a>(labels: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        labels.into_iter().find_map(of_label)
    }

    /// The class, such as `fraud`.
    pub fn class(self) -> &'static str {
        TYPES[usize::from(self.place)].0
    }

    /// The type, such as `phishing`.
    pub fn type_name(self) -> &'static str {
        TYPES[usize::from(self.place)].1
    }

    /// The type as IntelMQ spells it (governance §9).
    pub fn intelmq(self) -> &'static str {
        match self.type_name() {
            _ if self.is_anonymizer => "tor",
            USE => USE_INTELMQ,
            name => name,
        }
    }

    /// The label: `rsit:fraud="phishing"`.
    pub fn label(self) -> String {
        format!("rsit:{}=\"{}\"", self.class(), self.type_name())
    }

    /// What an indicator stands for, by its label; or by its own types and references and by the objects
    /// that it is known to indicate, none if they are not at hand (governance §9).
    pub fn of_indicator(indicator: &Value, indicated: &[&Value]) -> Self {
        if let Some(labelled) = Self::of_labels(texts(&indicator["labels"])) {
            return labelled;
        }
        let has_type = |name| texts(&indicator["indicator_types"]).any(|one| one == name);
        let infrastructure = |name| {
            indicated.iter().any(|one| {
                one["type"] == "infrastructure" && texts(&one["infrastructure_types"]).any(|one| one == name)
            })
        };
        let told = |name| Self::of_type(name).unwrap_or(Self::UNDETERMINED);
        match () {
            () if has_type(ANONYMIZATION) => Self { is_anonymizer: true, ..told("other") },
            () if infrastructure("command-and-control") || indicated.iter().any(|one| is_c2(one)) => {
                told("c2-server")
            }
            () if infrastructure("phishing") || is_phishing(indicator) => told("phishing"),
            () if indicated.iter().any(|one| one["type"] == "attack-pattern" && is_phishing(one)) => {
                told("phishing")
            }
            () if infrastructure("hosting-malware") => told("malware-distribution"),
            () if has_type(COMPROMISED) => told("system-compromise"),
            () => Self::UNDETERMINED,
        }
    }

    const fn at(place: u8) -> Self {
        Self { place, is_anonymizer: false }
    }
}

/// May a label tell the class?
pub(super) fn is_label(label: &str) -> bool {
    label.starts_with(LABEL)
}

/// Does one of `indicator_types` tell the class?
pub(super) fn is_telling_type(name: &str) -> bool {
    [ANONYMIZATION, COMPROMISED].contains(&name)
}

/// May the JSON of one of [`REFERENCES`] name a technique that tells the class? With escapes it may.
pub(super) fn may_name(json: &[u8]) -> bool {
    let digits = &PHISHING.as_bytes()[1..];
    json.windows(digits.len()).any(|part| part == digits) || json.contains(&b'\\')
}

fn of_label(label: &str) -> Option<Classification> {
    let (class, name) = label.strip_prefix(LABEL)?.split_once('=')?;
    let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Classification::of_type(quoted.unwrap_or(name)).filter(|found| found.class() == class)
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// True for T1566 of ATT&CK and its kinds, named as a reference or as a phase.
fn is_phishing(object: &Value) -> bool {
    let of = |list: &str, key: &str| -> bool {
        let entries = object[list].as_array().into_iter().flatten();
        entries.filter_map(|entry| entry[key].as_str()).any(is_technique)
    };
    of(REFERENCES[0], "external_id") || of(REFERENCES[1], "phase_name")
}

fn is_technique(id: &str) -> bool {
    let rest = id.get(..PHISHING.len()).filter(|start| start.eq_ignore_ascii_case(PHISHING));
    rest.is_some() && !id[PHISHING.len()..].starts_with(|next: char| next.is_ascii_alphanumeric())
}

/// True for malware whose name or description speaks of command and control.
fn is_c2(object: &Value) -> bool {
    let said = [&object["name"], &object["description"]].into_iter().filter_map(Value::as_str);
    let said = said.chain(texts(&object["aliases"])).chain(texts(&object["labels"]));
    object["type"] == "malware" && said.map(str::to_lowercase).any(|text| speaks_of_c2(&text))
}

fn speaks_of_c2(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '&');
    let plain = text.replace(['-', '_'], " ");
    words.any(|word| matches!(word, "c2" | "c&c" | "cnc"))
        || plain.contains("command and control")
        || plain.contains("command & control")
}

/// Properties that name techniques.
pub(super) const REFERENCES: [&str; 2] = ["external_references", "kill_chain_phases"];
const LABEL: &str = "rsit:";
const ANONYMIZATION: &str = "anonymization";
const COMPROMISED: &str = "compromised";
const PHISHING: &str = "T1566";
const USE: &str = "unauthorised-use-of-resources";
const USE_INTELMQ: &str = "unauthorized-use-of-resources";
const UNDETERMINED: u8 = 37;

const TYPES: [(&str, &str); 39] = [
    ("abusive-content", "spam"),
    ("abusive-content", "harmful-speech"),
    ("abusive-content", "violence"),
    ("malicious-code", "infected-system"),
    ("malicious-code", "c2-server"),
    ("malicious-code", "malware-distribution"),
    ("malicious-code", "malware-configuration"),
    ("information-gathering", "scanner"),
    ("information-gathering", "sniffing"),
    ("information-gathering", "social-engineering"),
    ("intrusion-attempts", "ids-alert"),
    ("intrusion-attempts", "brute-force"),
    ("intrusion-attempts", "exploit"),
    ("intrusions", "privileged-account-compromise"),
    ("intrusions", "unprivileged-account-compromise"),
    ("intrusions", "application-compromise"),
    ("intrusions", "system-compromise"),
    ("intrusions", "burglary"),
    ("availability", "dos"),
    ("availability", "ddos"),
    ("availability", "misconfiguration"),
    ("availability", "sabotage"),
    ("availability", "outage"),
    ("information-content-security", "unauthorised-information-access"),
    ("information-content-security", "unauthorised-information-modification"),
    ("information-content-security", "data-loss"),
    ("information-content-security", "data-leak"),
    ("fraud", "unauthorised-use-of-resources"),
    ("fraud", "copyright"),
    ("fraud", "masquerade"),
    ("fraud", "phishing"),
    ("vulnerable", "weak-crypto"),
    ("vulnerable", "ddos-amplifier"),
    ("vulnerable", "potentially-unwanted-accessible"),
    ("vulnerable", "information-disclosure"),
    ("vulnerable", "vulnerable-system"),
    ("other", "other"),
    ("other", "undetermined"),
    ("test", "test"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(indicator: Value, indicated: &[Value]) -> Classification {
        Classification::of_indicator(&indicator, &indicated.iter().collect::<Vec<_>>())
    }

    #[test]
    fn types_lead_to_their_class_and_their_label_back() {
        assert_eq!(Classification::UNDETERMINED.label(), r#"rsit:other="undetermined""#);
        assert_eq!(Classification::all().count(), 39);
        for one in Classification::all() {
            assert_eq!(Classification::of_labels([one.label().as_str()]), Some(one));
            assert_eq!(Classification::of_labels([one.label().replace('"', "").as_str()]), Some(one));
            assert_eq!(Classification::of_type(one.intelmq()), Some(one));
        }
    }

    #[test]
    fn only_true_labels_count_and_of_those_the_first() {
        let found = |labels: &[&'static str]| {
            Classification::of_labels(labels.iter().copied()).map(|one| one.type_name())
        };
        assert_eq!(
            found(&["x", "rsit:fraud=\"nonsense\"", "rsit:fraud=phishing", "rsit:other=other"]),
            Some("phishing")
        );
        for bad in [
            "rsit:other=\"phishing\"",
            "rsit:fraud",
            "rsit:fraud=\"phishing",
            "fraud=\"phishing\"",
            "rsit:=",
            "",
        ] {
            assert_eq!(found(&[bad]), None, "{bad}");
        }
    }

    #[test]
    fn intelmq_has_its_own_spelling() {
        let one = Classification::of_labels(["rsit:fraud=\"unauthorised-use-of-resources\""]).unwrap();
        assert_eq!((one.type_name(), one.intelmq()), (USE, USE_INTELMQ));
        let tor = of(json!({"indicator_types": ["anonymization"]}), &[]);
        assert_eq!((tor.type_name(), tor.intelmq(), tor.class()), ("other", "tor", "other"));
        let other = Classification::of_type("other").unwrap();
        assert_eq!(other.intelmq(), "other");
    }

    #[test]
    fn an_indicator_alone_tells_what_it_can() {
        let name = |indicator| of(indicator, &[]).type_name();
        assert_eq!(name(json!({})), "undetermined");
        assert_eq!(name(json!({"indicator_types": ["malicious-activity"]})), "undetermined");
        assert_eq!(
            name(json!({"indicator_types": ["malicious-activity", "compromised"]})),
            "system-compromise"
        );
        let labelled = json!({"indicator_types": ["compromised"], "labels": ["rsit:vulnerable=weak-crypto"]});
        assert_eq!(name(labelled), "weak-crypto", "a label before all");
        let phishing =
            |id| json!({"external_references": [{"source_name": "mitre-attack", "external_id": id}]});
        assert_eq!(name(phishing("T1566")), "phishing");
        assert_eq!(name(phishing("t1566.002")), "phishing");
        assert_eq!(name(phishing("T15661")), "undetermined");
        assert_eq!(name(phishing("T156€")), "undetermined");
        assert_eq!(
            name(json!({"kill_chain_phases": [{"kill_chain_name": "x", "phase_name": "T1566"}]})),
            "phishing"
        );
    }

    #[test]
    fn what_it_indicates_tells_more() {
        let infrastructure = |kind| json!({"type": "infrastructure", "infrastructure_types": [kind]});
        let name =
            |indicated: Value| of(json!({"indicator_types": ["compromised"]}), &[indicated]).type_name();
        assert_eq!(name(infrastructure("command-and-control")), "c2-server");
        assert_eq!(name(infrastructure("phishing")), "phishing");
        assert_eq!(name(infrastructure("hosting-malware")), "malware-distribution");
        assert_eq!(name(infrastructure("botnet")), "system-compromise");
        for (text, expected) in [
            ("Sliver C2", "c2-server"),
            ("a Command-and-Control tool", "c2-server"),
            ("its C&C servers", "c2-server"),
            ("abc2x", "system-compromise"),
        ] {
            assert_eq!(name(json!({"type": "malware", "name": text})), expected, "{text}");
            assert_eq!(name(json!({"type": "tool", "name": text})), "system-compromise");
        }
        let pattern =
            json!({"type": "attack-pattern", "external_references": [{"external_id": "T1566.001"}]});
        assert_eq!(name(pattern), "phishing");
    }
}
