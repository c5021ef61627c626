//! Patterns that others published.

use super::{Pattern, parse, refused};
use serde_json::Value;

#[test]
fn test_patterns_of_the_validator_are_judged_as_published() {
    let Some(text) = shared("patterns/patterns.jsonl") else { return };
    let mut rows = 0;
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let pattern = row["pattern"].as_str().unwrap();
        let parsed = Pattern::parse(pattern);
        assert_eq!(parsed.is_ok(), row["valid"].as_bool().unwrap(), "{pattern}: {parsed:?}");
        rows += 1;
    }
    assert_eq!(rows, 45);
}

#[test]
fn all_patterns_of_real_indicator_bundles_parse() {
    let mut seen = 0;
    for name in BUNDLES {
        let Some(text) = shared(&format!("indicators/{name}.json")) else { return };
        let bundle: Value = serde_json::from_str(&text).unwrap();
        for object in bundle["objects"].as_array().unwrap() {
            if let (Some(pattern), true) = (object["pattern"].as_str(), object["pattern_type"] == "stix") {
                let canonical = parse(pattern).to_string();
                assert_eq!(parse(&canonical).to_string(), canonical);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 5477);
}

#[test]
fn patterns_that_misp_writes_parse_except_those_that_mix_types() {
    let Some(text) = shared("indicators/misp-stix-mapping-objects.jsonl") else { return };
    let mut failed = Vec::new();
    for line in text.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        if let (Some(pattern), true) = (object["pattern"].as_str(), object["pattern_type"] == "stix")
            && let Err(error) = Pattern::parse(pattern)
        {
            failed.push((pattern.to_owned(), error.to_string()));
        }
    }
    let mixed = failed.iter().filter(|(_, error)| error.contains("joined by AND inside one pair"));
    assert_eq!(mixed.count(), failed.len(), "{failed:#?}");
}

#[test]
fn examples_of_the_standard_parse_without_warning() {
    for pattern in [
        "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
        "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\\\.exe$']",
        "[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4'] FOLLOWEDBY [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\foo\\\\bar'] WITHIN 300 SECONDS",
        "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
        "[network-traffic:dst_ref.value ISSUBSET '2001:0db8:dead:beef:0000:0000:0000:0000/64']",
        "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
        "[windows-registry-key:values[*].name = 'Foo' AND windows-registry-key:values[*].data_type = 'REG_SZ']",
        "[artifact:mime_type = 'application/vnd.tcpdump.pcap' AND artifact:payload_bin MATCHES '\\\\xd4\\\\xc3\\\\xb2\\\\xa1\\\\x02\\\\x00\\\\x04\\\\x00']",
        "[process:command_line MATCHES '^.+>-add GlobalSign.cer -c -s -r localMachine Root$'] FOLLOWEDBY [process:command_line MATCHES '^.+>-add GlobalSign.cer -c -s -r localMachineTrustedPublisher$'] WITHIN 300 SECONDS",
    ] {
        assert_eq!(parse(pattern).warnings(), [], "{pattern}");
    }
    assert!(refused("[file:hashes.MD5 = '79054025']").contains("32 hexadecimal digits"));
}

#[expect(clippy::disallowed_methods, reason = "where the shared data lies depends on the machine")]
fn shared(path: &str) -> Option<String> {
    let root = std::env::var("LIAISON_SHARED").ok()?;
    Some(std::fs::read_to_string(format!("{root}/data/{path}")).unwrap())
}

const BUNDLES: [&str; 10] = [
    "amnesty-android_campaign",
    "amnesty-cytrox",
    "amnesty-novispy",
    "amnesty-pegasus",
    "amnesty-wintego_helios",
    "mvt-candiru",
    "mvt-coruna",
    "mvt-kingspawn",
    "mvt-operation_triangulation",
    "mvt-predator",
];
