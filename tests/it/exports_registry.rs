//! What the registry says of exports and of decay, and what is told of each mistake.

use crate::app::{INDICATORS, REGISTRY};
use liaison::export::serve;
use liaison::registry::Registry;

const DECLARED: &str = r#"
[[decay]]
id = "slow"
lifetime_days = 200.0
decay_speed = 2.0
threshold = 30.0

[[export]]
id = "soc"
organisation = "cert-a"
collections = ["3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"]
format = "list"
types = ["domain-name"]
labels = ["wave-7"]
confidence_min = 50
tlp_max = "AMBER"
purposes = ["cyber-defence"]
understands = ["acs"]
personal_data = true
tlp_write = "1.0"
max_shrink = 20
readers = ["siem"]
token_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
options = { comments = false }
"#;

/// The registry with the first of two texts replaced by the second.
fn with(from: &str, to: &str) -> String {
    assert!(DECLARED.contains(from), "{from}");
    format!("{REGISTRY}{}", DECLARED.replacen(from, to, 1))
}

/// All that is found wrong with it.
fn problems(from: &str, to: &str) -> String {
    match Registry::parse(&with(from, to)) {
        Ok(registry) => serve::check(&registry).join("\n"),
        Err(problems) => problems.iter().map(|problem| problem.to_string() + "\n").collect(),
    }
}

#[test]
fn everything_that_can_be_said_is_taken_and_survives_being_written() {
    assert_eq!(problems("soc", "soc"), "");
    let registry = Registry::parse(&with("soc", "soc")).unwrap();
    assert_eq!(Registry::parse(&registry.to_toml()).unwrap(), registry);
    assert_eq!((registry.exports[0].max_shrink, registry.exports[0].personal_data), (20, true));
    let short = "[[export]]\nid = \"b\"\norganisation = \"cert-a\"\ncollections = [\"3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11\"]\nformat = \"csv\"\ntlp_max = \"GREEN\"\n";
    let short = Registry::parse(&format!("{REGISTRY}{short}")).unwrap();
    assert_eq!((short.exports[0].max_shrink, short.exports[0].personal_data), (50, false));
    assert_eq!(Registry::parse(&short.to_toml()).unwrap(), short);
}

#[test]
fn each_mistake_in_an_export_is_named() {
    let twice = "[[export]]\nid = \"soc\"\norganisation = \"cert-a\"\ncollections = [\"3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11\"]\nformat = \"csv\"\ntlp_max = \"GREEN\"\n\n[[export]]";
    let collections = format!("collections = [\"{INDICATORS}\"]");
    let cases = [
        ("id = \"soc\"", "id = \"../soc\"", "export ../soc: `../soc` must be 1 to 63"),
        ("[[export]]", twice, "export soc: export `soc` occurs twice"),
        (
            "organisation = \"cert-a\"",
            "organisation = \"cert-z\"",
            "export soc: organisation `cert-z` is not in this registry",
        ),
        (&collections, "collections = []", "export soc: collections must name at least one"),
        (
            "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11",
            "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12",
            "export soc: collection `3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12` is not in",
        ),
        (
            "readers = [\"siem\"]",
            "readers = [\"siem\", \"other\"]",
            "export soc: readers names `other`, which is no client of the organisation",
        ),
        (
            "confidence_min = 50",
            "confidence_min = 101",
            "export soc: confidence_min and max_shrink are from 0 to 100",
        ),
        (
            "max_shrink = 20",
            "max_shrink = 101",
            "export soc: confidence_min and max_shrink are from 0 to 100",
        ),
        ("confidence_min = 50", "confidence_min = 256", "256"),
        ("e3b0c4", "E3B0C4", "export soc: token_sha256 must be 64 lower-case hexadecimal digits"),
        ("e3b0c4", "e3b0c", "export soc: token_sha256 must be 64 lower-case hexadecimal digits"),
        (
            "tlp_write = \"1.0\"",
            "tlp_write = \"1\"",
            "export soc: tlp_write must be \"2.0\", \"1.0\" or \"both\"",
        ),
        ("tlp_max = \"AMBER\"", "tlp_max = \"PURPLE\"", "PURPLE"),
        ("tlp_max = \"AMBER\"", "", "missing field `tlp_max`"),
        ("max_shrink = 20", "max_shrnk = 20", "unknown field `max_shrnk`"),
        (
            "format = \"list\"",
            "format = \"lists\"",
            "export soc: there is no format `lists`; `liaison export formats` lists them",
        ),
        ("comments = false", "coments = false", "export soc: "),
        ("comments = false", "max_entries = 0", "export soc: max_entries must be at least 1"),
        ("domain-name", "domain", "export soc: types names `domain`, of which no values are kept"),
    ];
    for (from, to, expected) in cases {
        let found = problems(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
    // Whole objects are of any type.
    let whole = with("format = \"list\"", "format = \"ndjson\"")
        .replace("domain-name", "x-own")
        .replace("{ comments = false }", "{}");
    assert_eq!(serve::check(&Registry::parse(&whole).unwrap()), [""; 0]);
}

#[test]
fn each_mistake_in_a_model_of_decay_is_named() {
    let twice =
        "[[decay]]\nid = \"slow\"\nlifetime_days = 1.0\ndecay_speed = 1.0\nthreshold = 1.0\n\n[[export]]";
    let cases = [
        ("id = \"slow\"", "id = \"Slow\"", "decay Slow: `Slow` must be 1 to 63"),
        ("[[export]]", twice, "decay slow: decay `slow` occurs twice"),
        ("200.0", "0.0", "decay slow: lifetime_days and decay_speed must be above 0"),
        ("200.0", "nan", "decay slow: lifetime_days and decay_speed must be above 0"),
        (
            "decay_speed = 2.0",
            "decay_speed = -1.0",
            "decay slow: lifetime_days and decay_speed must be above 0",
        ),
        // Models that nothing can reckon with would be none at all, and values would stay for ever.
        ("200.0", "40000.0", "decay slow: the lifetime must be more than 0 and at most 36,500 days"),
        ("decay_speed = 2.0", "decay_speed = 0.001", "decay slow: the speed must be from 0.01 to 100"),
        ("threshold = 30.0", "threshold = 100.5", "decay slow: threshold must be from 0 to 100"),
        ("threshold = 30.0", "treshold = 30.0", "unknown field `treshold`"),
    ];
    for (from, to, expected) in cases {
        let found = problems(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
}

#[test]
fn a_collection_names_a_model_that_is_there() {
    let named = |model: &str| {
        let registry = REGISTRY.replacen(
            "alias = \"indicators\"",
            &format!("alias = \"indicators\"\n  decay = \"{model}\""),
            1,
        );
        let found = Registry::parse(&format!("{registry}{DECLARED}"));
        found.err().unwrap_or_default().iter().map(|problem| problem.to_string()).collect::<String>()
    };
    for model in ["slow", "network", "none", "opencti-ip"] {
        assert_eq!(named(model), "", "{model}");
    }
    assert!(
        named("slower").contains("decay names `slower`, which is no [[decay]] and none of none, network"),
        "{}",
        named("slower")
    );
}
