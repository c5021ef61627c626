use crate::registry::{Registry, Unmarked, diff};
use crate::stix::Tlp;

pub(crate) const SAMPLE: &str = r#"
[[organisation]]
id = "cert-a"
name = "CERT A"
country = "AA"
  [[organisation.client]]
  id = "feed"
  role = "publisher"
  tlp_max = "AMBER"
  [[organisation.client]]
  id = "old"
  role = "consumer"
  revoked = true

[[organisation]]
id = "cert-b"
name = "CERT B"
country = "BB"
  [[organisation.client]]
  id = "siem"
  role = "consumer"

[[agreement]]
id = "cyber-2026"
title = "Cyber incident information"
parties = ["cert-a", "cert-b"]
purposes = ["cyber-defence", "incident-response"]
legal_basis = "Memorandum of 9 February 2026, article 4"
tlp_max = "AMBER+STRICT"
release = "direct"
relays = ["cert-a"]
valid_from = 2026-02-09

  [[agreement.collection]]
  id = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"
  title = "Indicators"
  alias = "indicators"
  api_root = "exchange"
  write = ["cert-a"]
  unmarked = "assume:AMBER"
"#;

fn problems(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    match Registry::parse(&SAMPLE.replacen(from, to, 1)) {
        Ok(_) => "accepted".to_owned(),
        Err(problems) => problems.iter().map(|p| p.to_string() + "\n").collect(),
    }
}

#[test]
fn the_sample_is_accepted_and_survives_being_written() {
    let registry = Registry::parse(SAMPLE).unwrap();
    assert_eq!(registry.organisations[0].clients[0].tlp_max, Tlp::Amber);
    assert_eq!(registry.agreements[0].collections[0].unmarked, Unmarked::Assume(Tlp::Amber));
    assert_eq!(Registry::parse(&registry.to_toml()).unwrap(), registry);
    assert_eq!(registry.organisations[0].identity(), registry.organisations[0].identity());
}

#[test]
fn each_mistake_is_named() {
    let cases = [
        ("id = \"cert-b\"", "id = \"Cert B\"", "must be 1 to 63"),
        ("id = \"cert-b\"", "id = \"cert-a\"", "organisation `cert-a` occurs twice"),
        ("country = \"BB\"", "country = \"bb\"", "two capital letters"),
        ("country = \"BB\"", "country = \"BB\"\nidentity = \"tool--x\"", "not a STIX identity"),
        ("country = \"BB\"", "countri = \"BB\"", "unknown field `countri`"),
        ("id = \"old\"", "id = \"feed\"", "client `cert-a/feed` occurs twice"),
        ("role = \"consumer\"", "role = \"reader\"", "unknown variant `reader`"),
        ("id = \"siem\"", "id = \"siem\"\nsan = \"urn:x\"", "need a trust_anchor"),
        ("\"cert-a\", \"cert-b\"", "\"cert-a\", \"cert-c\"", "party `cert-c` is not"),
        ("relays = [\"cert-a\"]", "relays = [\"cert-z\"]", "relays names `cert-z`"),
        ("write = [\"cert-a\"]", "write = [\"cert-z\"]", "write names `cert-z`"),
        ("4f5e", "1f5e", "version 4 UUID"),
        ("3f0e7d0c", "3F0E7D0C", "version 4 UUID"),
        ("\"exchange\"", "\"taxii2\"", "reserved"),
        ("\"exchange\"", "\"a/b\"", "must be 1 to 63"),
        ("\"indicators\"", "\"3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11\"", "must not look like an id"),
        ("assume:AMBER", "assume:PURPLE", "`PURPLE` is no TLP level"),
        ("assume:AMBER", "guess", "no rule for unmarked"),
        ("assume:AMBER\"", "assume:AMBER\"\ntlp_max = \"GREEN\"", "above tlp_max"),
        ("assume:AMBER\"", "assume:AMBER\"\naudiences = [\"x\"]", "no [[audience]]"),
        ("assume:AMBER\"", "assume:AMBER\"\npurposes = [\"research\"]", "not among the agreement's"),
        ("assume:AMBER\"", "assume:AMBER\"\nretention_days = 0", "1 or more"),
        ("id = \"siem\"", "id = \"siem\"\nidentity = \"tool--x\"", "not a STIX identity"),
        ("legal_basis = \"Memorandum of 9 February 2026, article 4\"\n", "", "accepted"),
        (
            "\"incident-response\"]\nlegal_basis = \"Memorandum of 9 February 2026, article 4\"",
            "\"research\"]",
            "name the legal_basis",
        ),
        ("[[agreement]]", "[[audience]]\nid = \"x\"\nname = \"y\"\n[[agreement]]", "must be a UUID"),
        (
            "[[agreement]]",
            "[[consent]]\noriginator = \"cert-z\"\nto = []\nreference = \"l\"\n[[agreement]]",
            "originator names `cert-z`",
        ),
        ("assume:AMBER", "assume:RED", "above the agreement's tlp_max"),
        ("2026-02-09\n", "2026-02-09T08:00:00Z\n", "must be dates"),
        ("tlp_max = \"AMBER\"", "tlp_max = \"amber\"", "unknown variant `amber`"),
    ];
    for (from, to, want) in cases {
        let found = problems(from, to);
        assert!(found.contains(want), "{from} → {to}: {found}");
    }
}

#[test]
fn changes_are_told_one_by_one() {
    let old = Registry::parse(SAMPLE).unwrap();
    assert!(diff(&old, &old).is_empty());
    let text = SAMPLE
        .replace("write = [\"cert-a\"]", "write = [\"cert-a\", \"cert-b\"]")
        .replace("id = \"siem\"", "id = \"soc\"");
    let new = Registry::parse(&text).unwrap();
    let lines: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "- client cert-b/siem",
            "+ client cert-b/soc  role = \"consumer\", tlp_max = \"RED\"",
            "~ collection 3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11  write: [\"cert-a\"] → [\"cert-a\", \"cert-b\"]",
        ]
    );
    assert_eq!(diff(&Registry::default(), &old).len(), 7, "{:?}", diff(&Registry::default(), &old));
}

#[test]
fn models_of_decay_must_be_ones_that_can_be_made() {
    let with = |lifetime: u32, speed: f64| {
        let model = format!(
            "[[decay]]\nid = \"slow\"\nlifetime_days = {lifetime}\ndecay_speed = {speed:?}\nthreshold = 20\n\n[[agreement]]"
        );
        problems("[[agreement]]", &model)
    };
    assert_eq!(with(36_500, 2.0), "accepted");
    // Nothing would decay under these, although the registry says that it does.
    assert!(with(36_501, 2.0).contains("at most 36,500 days"));
    assert!(with(100, 1_000.0).contains("the speed must be"));
}
