//! Object paths and roots.

use super::{matches, observing, try_match};
use serde_json::{Value, json};

fn process_tree() -> Value {
    observing(&[
        json!({"type": "process", "pid": 1, "child_refs": ["1", "2", "9"], "image_ref": "3", "parent_ref": "9"}),
        json!({"type": "process", "pid": 2, "child_refs": ["0"], "parent_ref": "0"}),
        json!({"type": "process", "pid": 3, "child_refs": [], "parent_ref": "0"}),
        json!({"type": "file", "name": "init", "hashes": {"SHA-256": "ab", "MD5": "cd"}, "l": [[1, 2], [3]],
               "extensions": {"windows-pebinary-ext": {"sections": [{"entropy": 1.0}, {"entropy": 7.5}]}}}),
    ])
}

#[test]
fn steps_reach_names_elements_and_any_element() {
    let tree = [process_tree()];
    for (test, expected) in [
        ("file:hashes.'SHA-256' LIKE 'ab'", true),
        ("file:'hashes'.MD5 LIKE 'cd'", true),
        ("file:hashes[*] = 'cd'", false),
        ("EXISTS file:hashes[*]", false),
        ("file:l[0][1] = 2", true),
        ("file:l[*][*] = 3", true),
        ("file:l[*][1] = 3", false),
        ("file:l[2][0] = 3", false),
        ("EXISTS file:l[99999999999]", false),
        ("EXISTS file:name.x", false),
        ("EXISTS file:name[0]", false),
        ("file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0", true),
        ("file:extensions.'windows-pebinary-ext'.sections[0].entropy > 7.0", false),
        ("file:extensions.'windows-pebinary-ext'.sections[*].entropy NOT > 7.0", true),
        ("file:type = 'file'", true),
    ] {
        assert_eq!(matches(&format!("[{test}]"), &tree), expected, "{test}");
    }
}

#[test]
fn references_lead_to_objects_of_the_same_observation() {
    let tree = [process_tree()];
    for (test, expected) in [
        ("process:image_ref.name = 'init'", true),
        ("process:image_ref.type = 'file'", true),
        ("process:image_ref = '3'", false),
        ("process:image_ref != '3'", true),
        ("EXISTS process:image_ref", true),
        ("EXISTS process:image_ref.name", true),
        ("process:child_refs[0].pid = 2", true),
        ("process:child_refs[2].pid = 3", false),
        ("EXISTS process:child_refs[2]", false),
        ("process:child_refs[*].pid = 3", true),
        ("process:child_refs[*].child_refs[*].pid = 1", true),
        ("process:child_refs.pid = 2", false),
        ("process:child_refs = '1'", false),
        ("process:parent_ref.parent_ref.pid = 1", false),
        ("process:parent_ref.image_ref.name = 'init'", true),
        ("process:pid = 1 AND NOT EXISTS process:parent_ref", true),
        ("process:pid = 3 AND NOT EXISTS process:child_refs", true),
        ("process:pid = 2 AND NOT EXISTS process:child_refs", false),
    ] {
        assert_eq!(matches(&format!("[{test}]"), &tree), expected, "{test}");
    }
}

#[test]
fn references_that_are_no_text_or_no_list_give_no_value() {
    let odd = [observing(&[json!({"type": "x-a", "p_ref": 5, "q_refs": "0", "r_refs": [1, "0"], "n": 1})])];
    for (test, expected) in [
        ("EXISTS x-a:p_ref", false),
        ("EXISTS x-a:q_refs", false),
        ("x-a:r_refs[*].n = 1", true),
        ("x-a:r_refs[0].n = 1", false),
        ("x-a:r_refs[1].n = 1", true),
    ] {
        assert_eq!(matches(&format!("[{test}]"), &odd), expected, "{test}");
    }
}

#[test]
fn one_object_must_fulfil_all_tests_of_a_bracket() {
    let two = [observing(&[json!({"type": "x-a", "m": 1}), json!({"type": "x-a", "n": 2, "m": 5})])];
    assert!(!matches("[x-a:m = 1 AND x-a:n = 2]", &two));
    assert!(matches("[x-a:m = 5 AND x-a:n = 2]", &two));
    assert!(matches("[x-a:m = 1 OR x-a:n = 3]", &two));
    assert!(!matches("[x-a:m = 1 AND (x-a:n = 2 OR x-b:n = 2)]", &two));
    assert!(matches("[x-a:m = 1 AND (x-a:n = 2 OR x-a:m < 3)]", &two));
    let spread = [observing(&[json!({"type": "x-a", "l": [{"m": 1, "n": 1}, {"m": 2, "n": 2}]})])];
    assert!(
        matches("[x-a:l[*].m = 1 AND x-a:l[*].n = 2]", &spread),
        "the root is one object, its elements differ"
    );
}

#[test]
fn only_observables_of_exactly_that_type_are_roots() {
    let mixed = [observing(&[
        json!({"type": "indicator", "name": "a"}),
        json!({"type": "relationship", "name": "a"}),
        json!({"type": "x-own", "name": "a"}),
        json!({"name": "a"}),
        json!("file"),
    ])];
    assert!(matches("[x-own:name = 'a']", &mixed));
    for other in ["indicator", "relationship", "observed-data", "x-Own", "x-o", "file"] {
        assert!(!matches(&format!("[{other}:name = 'a' OR {other}:type = '{other}']"), &mixed), "{other}");
    }
}

#[test]
fn circular_references_end() {
    let objects: Vec<Value> = (0..50)
        .map(|pid| {
            let all: Vec<String> = (0..50).map(|key| key.to_string()).collect();
            json!({"type": "process", "pid": pid, "child_refs": all})
        })
        .collect();
    let path = ".child_refs[*]".repeat(200);
    let ring = [observing(&objects)];
    assert_eq!(try_match(&format!("[process:child_refs[*]{path}.pid = 49]"), &ring), Ok(true));
    assert_eq!(try_match(&format!("[process:child_refs[*]{path}.pid = 50]"), &ring), Ok(false));
}
