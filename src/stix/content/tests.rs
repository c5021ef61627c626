use super::*;
use crate::stix::json;
use proptest::prelude::*;
use serde_json::{Value as Tree, json};
use std::collections::HashSet;

const PROFILES: [Profile; 3] = [Profile::Strict, Profile::Interop, Profile::Permissive];
/// Objects written by hand from the standard, which the tests with Python use too.
const VALID: &str = include_str!("../../../tests/python/content/valid.jsonl");
const RULES: &str = include_str!("../../../tests/python/content/rules.jsonl");

fn review(text: &str, profile: Profile) -> Findings {
    let mut reviewer = Reviewer::new(Options { profile, advise: true, ..Options::default() });
    match json::read(text.as_bytes().to_vec(), |seen| reviewer.see(seen)) {
        Ok(document) => reviewer.whole(document.root, &document.text),
        Err(error) => error.into(),
    }
}

fn codes(findings: &[Finding]) -> HashSet<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn lines(text: &str) -> impl Iterator<Item = Tree> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn text_of(line: &Tree) -> String {
    line["text"].as_str().map_or_else(|| line["object"].to_string(), str::to_owned)
}

#[test]
fn good_objects_of_every_type_pass() {
    let mut types = HashSet::new();
    for line in lines(VALID) {
        let findings = review(&text_of(&line), Profile::Strict);
        assert!(findings.is_valid(), "{}: {:?}", line["name"], findings.errors);
        types.insert(line["object"]["type"].as_str().unwrap_or_default().to_owned());
    }
    assert!(types.len() > 43, "the types of the standard, and some of our own");
}

#[test]
fn every_rule_is_kept_and_broken_under_each_profile() {
    let mut rules = HashSet::new();
    for line in lines(RULES) {
        for (profile, name) in PROFILES.into_iter().zip(["strict", "interop", "permissive"]) {
            let findings = review(&text_of(&line), profile);
            if let Some(valid) = line["valid"][name].as_bool() {
                assert_eq!(findings.is_valid(), valid, "{name} {}: {findings:?}", line["name"]);
            }
            let found: HashSet<_> =
                codes(&findings.errors).union(&codes(&findings.warnings)).copied().collect();
            for code in line["errors"].as_array().into_iter().flatten().filter_map(Tree::as_str) {
                let is_there =
                    found.contains(code) || found.contains("prop.required") || found.contains("json.syntax");
                assert!(is_there, "{name} {}: no {code} in {found:?}", line["name"]);
            }
        }
        rules.insert(line["rule"].as_str().unwrap_or_default().to_owned());
    }
    assert!(rules.len() > 75, "{}", rules.len());
}

#[test]
fn another_implementation_of_json_schema_agrees_where_the_schemas_say_it() {
    let documents: Vec<_> = crate::stix::schema::files()
        .map(|(name, text)| {
            (format!("urn:liaison:schema:stix:{name}"), serde_json::from_str::<Tree>(text).unwrap())
        })
        .collect();
    let resources =
        documents.iter().map(|(id, tree)| (id.clone(), jsonschema::Resource::from_contents(tree.clone())));
    let registry = jsonschema::Registry::new().extend(resources).unwrap().prepare().unwrap();
    let accepts = |object: &Tree| {
        let id = format!("urn:liaison:schema:stix:{}", object["type"].as_str().unwrap_or_default());
        let tree = documents.iter().find(|(known, _)| *known == id)?;
        Some(jsonschema::options().with_registry(&registry).build(&tree.1).unwrap().is_valid(object))
    };
    for line in lines(VALID).filter(|line| line["object"]["type"] != "bundle") {
        // Of a reserved or a predefined name another object may make use, where ours looks closer.
        assert_ne!(accepts(&line["object"]), Some(false), "{}", line["name"]);
    }
    // Numbers beyond 2^53, custom content and types, and what is in an identifier, only ours looks at.
    let ours = ["2^53", "custom", "SROs only", "new-", "beyond", "exponent", "extension"];
    let mut refused = 0;
    for line in lines(RULES).filter(|line| line["valid"]["strict"] == false) {
        let said = ["prop.required", "enum", "prop.range", "rule.oneof", "prop.reserved"];
        let name = line["name"].as_str().unwrap_or_default();
        let is_said =
            said.iter().any(|rule| line["rule"] == *rule) && !ours.iter().any(|word| name.contains(word));
        let is_single = line["errors"].as_array().is_some_and(|errors| errors.len() == 1)
            && line["object"]["objects"].is_null();
        if is_said && is_single {
            assert_eq!(accepts(&line["object"]), Some(false), "{name}");
            refused += 1;
        }
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn a_finding_tells_rule_place_value_and_remedy() {
    let object = json!({"type": "identity", "spec_version": "2.1", "id": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2025-01-01T00:00:00.000Z", "name": 5, "x~/y": 1,
        "external_references": [{"source_name": "a", "url": "http://x y"}]});
    let told: Vec<_> =
        review(&object.to_string(), Profile::Strict).errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "fmt.url: `/external_references/0/url` is \"http://x y\"; expected a URL without blanks, control characters and any of < > \" { } | \\ ^ `",
            "prop.type: `/name` is 5; it must be a string",
            "prop.name: `/x~0~1y`; expected 3 to 250 lower-case ASCII letters, digits and underscores, a letter first",
            "ts.order: `/modified`; 2025-01-01T00:00:00.000Z must be not earlier than `created`, 2026-01-01T00:00:00.000Z",
        ]
    );
}

#[test]
fn warnings_that_say_the_same_are_told_once() {
    let refs: Vec<String> =
        (0..40).map(|n| format!("tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd{n:02}")).collect();
    let object = json!({"type": "report", "spec_version": "2.1", "id": "report--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "name": "r",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "published": "2026-01-01T00:00:00Z",
        "object_refs": refs});
    let findings = review(&object.to_string(), Profile::Strict);
    let told: Vec<_> = findings.warnings.iter().map(|w| (w.code, w.pointer.as_str(), w.count)).collect();
    assert_eq!(told, [("ref.dangling", "/object_refs/0", 40)]);
}

#[test]
fn of_very_many_errors_the_first_are_told_and_the_rest_counted() {
    let object = json!({"type": "identity", "spec_version": "2.1", "id": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "name": "n",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "labels": vec![1; 5_000]});
    let findings = review(&object.to_string(), Profile::Strict);
    assert_eq!((findings.errors.len(), findings.more_errors), (100, 4_900));
}

#[test]
fn an_extension_is_judged_by_the_schema_that_it_brought() {
    let id = "extension-definition--0bbc9eae-6b60-495f-9ee5-08d93b445403";
    let schema =
        r#"{"type":"object","properties":{"rank":{"type":"integer","maximum":5},"x_rank":{"const":7}}}"#;
    let mut extensions = Extensions::default();
    extensions.add(id, Some(schema)).unwrap();
    assert!(extensions.knows(id));
    let judged = |kind: &str, rank: i64, outer: i64| {
        let object = json!({"type": "identity", "spec_version": "2.1", "id": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "n", "x_rank": outer,
            "extensions": {id: {"extension_type": kind, "rank": rank}}});
        let options = Options { extensions: Some(&extensions), ..Options::default() };
        let read = json::read(object.to_string().into_bytes(), |seen| judge(seen, options)).unwrap();
        read.root.part.seen.errors.into_iter().map(|error| (error.code, error.pointer)).collect::<Vec<_>>()
    };
    assert_eq!(judged("property-extension", 5, 8), []);
    assert_eq!(judged("property-extension", 6, 7), [("ext.props", format!("/extensions/{id}/rank"))]);
    assert_eq!(judged("toplevel-property-extension", 6, 8), [("ext.props", "/x_rank".to_owned())]);
    for bad in ["{", r#"{"type":7}"#, r#"{"$ref":"https://example.com/x"}"#, r#"{"pattern":"(?=a)"}"#] {
        assert!(Extensions::default().add(id, Some(bad)).is_err(), "{bad}");
    }
}

/// A good object with one value, somewhere, replaced.
fn damaged() -> impl Strategy<Value = String> {
    let count = VALID.lines().count();
    let value = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Tree::from),
        "\\PC{0,12}".prop_map(Tree::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, [], {"a": null}])),
        Just(json!({"extension-definition--x": 1, "MD5": [], "x_Ref": "a"})),
    ];
    (0..count, any::<prop::sample::Index>(), value).prop_map(|(line, place, value)| {
        let line = VALID.lines().nth(line).unwrap_or_default();
        let mut object: Tree = serde_json::from_str::<Tree>(line).unwrap()["object"].take();
        let pointers = pointers(&object, String::new());
        if let Some(found) = object.pointer_mut(&pointers[place.index(pointers.len())]) {
            *found = value;
        }
        object.to_string()
    })
}

fn pointers(value: &Tree, at: String) -> Vec<String> {
    let step = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    let inner: Vec<String> = match value {
        Tree::Object(members) => {
            members.iter().flat_map(|(name, value)| pointers(value, step(name))).collect()
        }
        Tree::Array(items) => {
            items.iter().enumerate().flat_map(|(n, value)| pointers(value, step(&n.to_string()))).collect()
        }
        _ => Vec::new(),
    };
    [vec![at], inner].concat()
}

proptest! {
    #[test]
    fn profiles_differ_only_in_what_refuses(text in damaged()) {
        let [strict, interop, permissive] = PROFILES.map(|profile| review(&text, profile));
        prop_assert!(!strict.is_valid() || interop.is_valid());
        prop_assert!(!interop.is_valid() || permissive.is_valid());
        let all = |findings: &Findings| {
            let both = findings.errors.iter().chain(&findings.warnings);
            both.map(|finding| (finding.code, finding.pointer.split('/').map(|s| s.parse::<u32>().map_or(s, |_| "*")).collect::<Vec<_>>().join("/"))).collect::<HashSet<_>>()
        };
        prop_assert_eq!(all(&strict), all(&interop));
        prop_assert_eq!(all(&strict), all(&permissive));
        for finding in strict.errors.iter().chain(&strict.warnings) {
            let whole: Tree = serde_json::from_str(&text).unwrap();
            let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(whole.pointer(&finding.pointer).is_some() || whole.pointer(parent).is_some(), "{}", finding);
        }
    }

    #[test]
    fn any_json_ends_in_an_answer(text in "[\\[\\]{},:\"0-9eE.+\\-truefalsn \\\\u_idyp]{0,40}") {
        for profile in PROFILES {
            let _ = review(&text, profile);
        }
    }
}
