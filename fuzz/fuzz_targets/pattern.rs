//! A pattern as an indicator carries it, also matched against observations.

#![no_main]

use liaison::stix::pattern::Pattern;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::sync::LazyLock;

fuzz_target!(|text: &[u8]| {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(error.offset() <= text.len(), "{error}");
            // It may quote the text, but not many times.
            assert!(error.to_string().len() < text.len() + ERROR_MAX_BYTES, "{error:.300}");
            return;
        }
    };
    for warning in pattern.warnings() {
        assert!(warning.offset <= text.len() && !warning.to_string().is_empty());
    }
    assert!(!pattern.explain().is_empty());
    let canonical = pattern.to_string();
    // The canonical form has blanks that the text may lack, and may so become too long.
    if canonical.len() > TEXT_MAX_BYTES {
        return;
    }
    let again = match Pattern::parse(&canonical) {
        Ok(again) => again,
        Err(error) => panic!("the canonical form is no pattern: {error}: {canonical}"),
    };
    assert_eq!(again.to_string(), canonical, "the canonical form has another");
    assert_eq!(again.atoms(), pattern.atoms());
    for observations in OBSERVATIONS.iter() {
        let answer = pattern.matches_within(observations, STEPS);
        if let Err(error) = &answer {
            assert!(!error.to_string().is_empty());
        }
        assert_eq!(answer.ok(), again.matches_within(observations, STEPS).ok(), "{canonical}");
    }
});

/// Two bundles, each on its own and both together.
static OBSERVATIONS: LazyLock<[Vec<Value>; 3]> = LazyLock::new(|| {
    let [one, other]: [Value; 2] =
        [FILES, TRAFFIC].map(|text| serde_json::from_str(text).expect("it is JSON"));
    [vec![one.clone()], vec![other.clone()], vec![one, other]]
});

const TEXT_MAX_BYTES: usize = 64 * 1024;
const ERROR_MAX_BYTES: usize = 1024;
const STEPS: u64 = 10_000;

const FILES: &str = include_str!("files.json");
const TRAFFIC: &str = include_str!("traffic.json");
