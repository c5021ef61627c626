//! The grammar and its limits.

use super::super::Pattern;

fn data(path: &str) -> Option<String> {
    let root = std::env::var("LIAISON_SHARED").ok()?;
    Some(std::fs::read_to_string(format!("{root}/data/{path}")).unwrap())
}

#[test]
fn published_test_patterns_are_judged_as_published() {
    let Some(text) = data("patterns/patterns.jsonl") else { return };
    let mut rows = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let pattern = row["pattern"].as_str().unwrap();
        let parsed = Pattern::parse(pattern);
        assert_eq!(parsed.is_ok(), row["valid"].as_bool().unwrap(), "{pattern}: {parsed:?}");
        rows += 1;
    }
    assert_eq!(rows, 45);
}
