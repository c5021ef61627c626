//! What may be given as observations.

use super::{MatchError, at, matches, observing, parse, try_match};
use serde_json::{Value, json};

const FILE: &str = "file--30038539-3eb6-44bc-a59e-d0d3fe84695a";
const OTHER: &str = "file--30038539-3eb6-44bc-a59e-d0d3fe84695b";

fn observed(number: u32, references: &[&str]) -> Value {
    json!({
        "type": "observed-data", "id": format!("observed-data--{number:08}-3eb6-44bc-a59e-d0d3fe84695a"),
        "modified": "2020-01-01T00:00:00Z",
        "first_observed": "2020-01-01T00:00:00Z", "last_observed": "2020-01-01T00:00:00Z",
        "number_observed": 1, "object_refs": references,
    })
}

fn file(id: &str, name: &str) -> Value {
    json!({"type": "file", "id": id, "name": name})
}

fn bundle(objects: &[Value]) -> Value {
    json!({"type": "bundle", "id": "bundle--1", "objects": objects})
}

#[test]
fn objects_are_found_in_any_bundle_but_belong_only_where_they_are_named() {
    let apart = [bundle(&[observed(1, &[FILE])]), bundle(&[file(FILE, "a"), file(OTHER, "b")])];
    assert!(matches("[file:name = 'a']", &apart));
    assert!(!matches("[file:name = 'b']", &apart), "no observed-data names it");
    let loose = [observed(1, &[FILE]), file(FILE, "a")];
    assert!(matches("[file:name = 'a']", &loose));
    assert!(!matches("[file:name = 'a']", &[observed(1, &[FILE])]), "the object is not given");
    assert!(!matches("[file:name = 'a']", &[bundle(&[file(FILE, "a")])]), "nothing was observed");
    assert!(!matches("[file:name = 'a']", &[]));
    assert!(!matches("[file:name = 'a']", &[json!({"type": "bundle", "id": "bundle--1"})]));
}

#[test]
fn references_do_not_leave_the_observation() {
    let directory = "directory--93c0a9b0-520d-545d-9094-1a08ddf46b05";
    let mut inside = file(FILE, "a");
    inside["parent_directory_ref"] = json!(directory);
    let parent = json!({"type": "directory", "id": directory, "path": "/"});
    let pattern = "[file:parent_directory_ref.path = '/']";
    assert!(matches(pattern, &[bundle(&[inside.clone(), parent.clone(), observed(1, &[FILE, directory])])]));
    assert!(!matches(pattern, &[bundle(&[inside, parent, observed(1, &[FILE])])]));
}

#[test]
fn objects_that_came_along_are_preferred() {
    let given = [
        bundle(&[file(FILE, "first")]),
        bundle(&[file(FILE, "own"), observed(1, &[FILE])]),
        bundle(&[observed(2, &[FILE])]),
    ];
    assert!(matches("[file:name = 'own'] AND [file:name = 'first']", &given));
}

#[test]
fn versions_of_one_observed_data_count_once() {
    let old = observed(1, &[FILE]);
    let mut new = observed(1, &[OTHER]);
    new["modified"] = json!("2020-01-02T00:00:00Z");
    for given in [[old.clone(), new.clone()], [new, old.clone()]] {
        let given = [bundle(&given), file(FILE, "a"), file(OTHER, "b")];
        assert!(matches("[file:name = 'b']", &given) && !matches("[file:name = 'a']", &given));
    }
    let twice = [bundle(&[old.clone(), old, file(FILE, "a")])];
    assert!(matches("[file:name = 'a']", &twice) && !matches("[file:name = 'a'] REPEATS 2 TIMES", &twice));
}

#[test]
fn deprecated_containers_use_their_keys() {
    let old = json!({
        "type": "observed-data", "id": "observed-data--1", "number_observed": 1,
        "first_observed": "2020-01-01T00:00:00Z", "last_observed": "2020-01-01T00:00:00Z",
        "objects": {"0": {"type": "file", "name": "a", "parent_directory_ref": "d"}, "d": {"type": "directory", "path": "/"}},
    });
    assert!(matches("[file:parent_directory_ref.path = '/']", &[bundle(std::slice::from_ref(&old))]));
    assert!(matches("[file:name = 'a']", &[old]));
}

#[test]
fn broken_observations_are_errors_with_a_clear_text() {
    for (name, value, words) in [
        ("first_observed", Some(json!("yesterday")), "`first_observed` is missing or no STIX timestamp"),
        ("first_observed", None, "`first_observed` is missing"),
        ("last_observed", Some(json!(5)), "`last_observed` is missing or no STIX timestamp"),
        ("last_observed", Some(json!("2019-01-01T00:00:00Z")), "lies before `first_observed`"),
        ("number_observed", Some(json!(0)), "`number_observed` is missing or no integer"),
        ("number_observed", Some(json!(1.5)), "`number_observed` is missing or no integer"),
        ("number_observed", Some(json!(1_000_000_000)), "from 1 to 999999999"),
        ("number_observed", None, "`number_observed` is missing"),
        ("object_refs", None, "neither `object_refs` nor `objects`"),
        ("object_refs", Some(json!("x")), "`object_refs` is no list"),
        ("objects", Some(json!({})), "both `object_refs` and `objects`"),
    ] {
        let mut broken = observed(7, &[FILE]);
        let object = broken.as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(name.to_owned(), value),
            None => object.remove(name),
        };
        let error = try_match("[file:name = 'a']", &[broken]).unwrap_err().to_string();
        assert!(error.contains(words) && error.starts_with("observed-data--00000007"), "{name}: {error}");
    }
    for (value, words) in [
        (json!(5), "value 0: neither a bundle nor an observed-data"),
        (json!({"objects": []}), "value 0: neither a bundle"),
        (json!({"type": "bundle", "objects": {}}), "is a list"),
    ] {
        assert!(try_match("[file:name = 'a']", &[value]).unwrap_err().to_string().contains(words));
    }
}

#[test]
fn spent_work_is_an_answer_of_its_own() {
    let many: Vec<Value> = (0..100).map(|n| at(0, 0, 1, &[json!({"type": "x-a", "n": n})])).collect();
    let pattern = parse("[x-a:n = 99]");
    assert_eq!(pattern.matches_within(&many, 10), Err(MatchError::Limit { steps: 10 }));
    assert_eq!(pattern.matches_within(&many, 10_000), Ok(true));
    assert_eq!(parse("[x-a:n = 0]").matches_within(&many, 10), Ok(true));
}

#[test]
fn expressions_the_engine_lacks_are_never_answered() {
    let given = [observing(&[json!({"type": "x-a", "s": "a"})])];
    let pattern = r"[x-a:s = 'a' OR x-a:s MATCHES '(a)\\1']";
    let error = try_match(pattern, &given).unwrap_err();
    assert_eq!(error, MatchError::Expression { offset: 30, reason: "back-references".to_owned() });
}
