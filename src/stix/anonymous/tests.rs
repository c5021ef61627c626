use super::*;
use crate::stix::content::{self, Options, Profile};
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

const COMMUNITY: &str = "identity--c0000000-0000-4000-8000-000000000001";
const OWNER: &str = "identity--a0000000-0000-4000-8000-00000000000a";
const OTHER: &str = "identity--b0000000-0000-4000-8000-00000000000b";
const OWN: &str = "campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
const LINKED: &str = "malware--11111111-17d4-4cbf-938f-98ee46b3cd3f";
const KEPT: &str = "tool--22222222-17d4-4cbf-938f-98ee46b3cd3f";
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const SECRET: [u8; 32] = [7; 32];
const VALID: &str = include_str!("../../../tests/python/content/valid.jsonl");
const RULES: &str = include_str!("../../../tests/python/content/rules.jsonl");

fn id(text: &str) -> StixId {
    StixId::parse(text).unwrap()
}

fn with_disguise<T>(owners: &[&str], run: impl FnOnce(&Disguise) -> T) -> T {
    run(&Disguise {
        identity: &id(COMMUNITY),
        secret: &SECRET,
        owner_identities: owners,
        owner_names: &["CERT A", "Veldhoven CERT"],
        owner_hosts: &["cert-a.example", "bücher.example", "advisories.example.org"],
    })
}

fn new_id(text: &str) -> String {
    with_disguise(&[OWNER], |disguise| disguise.new_id(&id(text)).unwrap())
}

fn parse(text: &str) -> Result<Object, RecreateError> {
    let document = json::read(text.as_bytes().to_vec(), Header::read)?;
    Ok(Object::new(document.root.part.seen?, document.text))
}

/// Re-creates an object of the owner's, to which two ids are known to be renamed.
fn recreated(text: &str) -> Result<String, RecreateError> {
    with_disguise(&[OWNER], |disguise| {
        let mut renaming = Renaming::default();
        [OWN, LINKED, OWNER, RED].iter().for_each(|known| renaming.add(&id(known), disguise));
        let new = recreate(&parse(text)?, &renaming, disguise)?;
        Ok(String::from_utf8(new.json().to_vec()).unwrap())
    })
}

fn object(object_type: &str, more: &str) -> String {
    let id = OWN.replace("campaign", object_type);
    format!(
        r#"{{"type":"{object_type}","spec_version":"2.1","id":"{id}","created":"2026-04-06T20:03:00.000Z","modified":"2026-04-06T20:03:23.000Z"{more}}}"#
    )
}

/// What becomes of the members `more` of a campaign that is one already but for its id.
fn becomes(more: &str, expected: &str) {
    let expected = object("campaign", expected).replacen(OWN, &new_id(OWN), 1);
    assert_eq!(recreated(&object("campaign", more)).unwrap(), expected);
}

#[test]
fn new_ids_are_those_that_python_computes() {
    // uuid5(UUID(bytes=hmac(secret, community, sha256)[:16]), original id)
    assert_eq!(new_id(OWN), "campaign--3b26747b-a25a-5ea0-b87f-4ef0e1929d3b");
    assert_eq!(new_id(&OWN.replace("8e2e2d2b", "8E2E2D2B")), new_id(OWN));
    let other = id(OTHER);
    with_disguise(&[], |disguise| {
        let elsewhere = Disguise { identity: &other, ..*disguise }.new_id(&id(OWN)).unwrap();
        let another = Disguise { secret: &[8; 32], ..*disguise }.new_id(&id(OWN)).unwrap();
        assert!(elsewhere != new_id(OWN) && another != new_id(OWN) && another != elsewhere);
    });
}

#[test]
fn what_is_known_by_its_id_keeps_it() {
    with_disguise(&[OWNER], |disguise| {
        for kept in ["url", "ipv4-addr", "process", "marking-definition", "extension-definition", "bundle"] {
            let kept = id(&OWN.replace("campaign", kept));
            assert_eq!(disguise.new_id(&kept), None, "{kept}");
        }
        assert_eq!(disguise.new_id(&id(OWNER)), None);
        assert_eq!(disguise.new_id(&id(COMMUNITY)), None);
        assert!(disguise.new_id(&id(OTHER)).unwrap().starts_with("identity--"));
        assert!(disguise.new_id(&id(&OWN.replace("campaign", "x-misp-object"))).is_some());
    });
}

#[test]
fn references_and_mentions_follow_and_the_rest_stays_to_the_byte() {
    let new = new_id(LINKED);
    becomes(
        &format!(r#","created_by_ref":"{OWNER}","object_marking_refs":["{RED}"]"#),
        &format!(r#","created_by_ref":"{COMMUNITY}","object_marking_refs":["{RED}"]"#),
    );
    // Who is said to have made it is hidden, whether it is the owner or not.
    becomes(
        &format!(r#","created_by_ref":"{OTHER}","x_seen":"{OTHER}""#),
        &format!(r#","created_by_ref":"{COMMUNITY}","x_seen":"{COMMUNITY}""#),
    );
    becomes(
        &format!(
            r#","x_a":{{"b_refs":["{LINKED}","{KEPT}"],"c_ref":"{OWNER}"}},"name":"\u00e9\/ 1.50e1","n":1.50e1"#
        ),
        &format!(
            r#","x_a":{{"b_refs":["{new}","{KEPT}"],"c_ref":"{COMMUNITY}"}},"name":"\u00e9\/ 1.50e1","n":1.50e1"#
        ),
    );
    becomes(
        &format!(r#","description":"é --- see{LINKED}, x-{LINKED}; {OWNER}","x_ref":"x-{LINKED}""#),
        &format!(r#","description":"é --- see{new}, x-{new}; {COMMUNITY}","x_ref":"x-{LINKED}""#),
    );
    becomes(
        &format!(
            r#","x_votes":{{"{OWNER}":1}},"granular_markings":[{{"selectors":["x_votes.{OWNER}"],"lang":"en"}}]"#
        ),
        &format!(
            r#","x_votes":{{"{COMMUNITY}":1}},"granular_markings":[{{"selectors":["x_votes.{COMMUNITY}"],"lang":"en"}}]"#
        ),
    );
    let escaped = LINKED.replace("--", "\\u002d-").replace("4cbf", "4CBF");
    becomes(&format!(r#","x_ref":"{escaped}""#), &format!(r#","x_ref":"{new}""#));
    let listed = object("x-thing", &format!(r#","objects":[{{"a_ref":"{LINKED}"}}],"x_ref":"{LINKED}""#));
    assert!(!recreated(&listed).unwrap().contains(LINKED));
}

#[test]
fn external_references_to_the_owner_are_dropped() {
    let foreign = r#"{"source_name":"cve","external_id":"CVE-2026-1234"}"#;
    for own in [
        r#"{"source_name":" cert a ","description":"x"}"#,
        r#"{"source_name":"x","url":"https://CERT-A.example:8443/1"}"#,
        r#"{"source_name":"x","url":"misp://events.Cert%2DA.example./1"}"#,
        r#"{"source_name":"x","url":"https://www.xn--bcher-kva.example"}"#,
        r#"{"source_name":"x","url":"mailto:soc@cert-a.example"}"#,
        r#"{"source_name":"x","url":"https://cert-a.example:99999/"}"#,
        r#"{"source_name":"www.cert-a.example","description":"x"}"#,
    ] {
        let left = format!(r#","external_references":[{foreign}],"name":"x""#);
        for list in
            [format!("{own},{foreign}"), format!("{foreign},{own}"), format!("{own},{foreign},{own},{own}")]
        {
            becomes(&format!(r#","external_references":[{list}],"name":"x""#), &left);
        }
        becomes(&format!(r#","external_references":[{own}]"#), "");
        becomes(&format!(r#","external_references":[{own},{own}],"name":"x""#), r#","name":"x""#);
    }
    for kept in
        ["https://notcert-a.example/", "https://cert-a.example.org/cert-a.example", "https://x@example/"]
    {
        let kept = format!(r#","external_references":[{{"source_name":"CERT AB","url":"{kept}"}}]"#);
        becomes(&kept, &kept);
    }
    let first =
        object("campaign", "").replacen('{', r#"{"external_references":[{"source_name":"cert a"}],"#, 1);
    assert_eq!(recreated(&first).unwrap(), recreated(&object("campaign", "")).unwrap());
}

#[test]
fn markings_on_dropped_references_still_select_something() {
    let own = r#"{"source_name":"CERT A","url":"https://cert-a.example"}"#;
    let foreign = r#"{"source_name":"cve","external_id":"CVE-2026-1234"}"#;
    let text = |list: &str, url: &str| {
        format!(
            r#","granular_markings":[{{"selectors":["{url}","external_references.[1].external_id"],"marking_ref":"{RED}"}}],"external_references":[{list}]"#
        )
    };
    becomes(
        &text(&format!("{own},{foreign}"), "external_references.[0].url"),
        &text(
            &format!(r#"{{"source_name":"withheld","description":"withheld"}},{foreign}"#),
            "external_references.[0]",
        ),
    );
    let named = format!(r#"{},"name":"x""#, text(&format!("{own},{foreign}"), "external_references.[0].url"));
    let new = recreated(&object("campaign", &named)).unwrap();
    assert!(errors(new.as_bytes(), Profile::Strict).is_empty(), "{new}");
}

#[test]
fn sightings_tell_neither_where_nor_how_often() {
    for (count, rounded) in [
        ("0", "0"),
        ("1", "1"),
        ("2", "2"),
        ("9", "2"),
        ("10", "10"),
        ("99", "10"),
        ("100", "100"),
        ("12e2", "100"),
    ] {
        let text = |count: &str, of: &str, places: &str, selector: &str| {
            object(
                "sighting",
                &format!(
                    r#","sighting_of_ref":"{of}","count":{count},"where_sighted_refs":[{places}],"granular_markings":[{{"selectors":["{selector}"],"lang":"en"}}]"#
                ),
            )
        };
        let before = text(count, LINKED, &format!(r#""{OTHER}","{OWNER}""#), "where_sighted_refs.[1]");
        let after = text(rounded, &new_id(LINKED), &format!(r#""{COMMUNITY}""#), "where_sighted_refs");
        let own = OWN.replace("campaign", "sighting");
        assert_eq!(recreated(&before).unwrap(), after.replace(&own, &new_id(&own)));
    }
    becomes(r#","count":57"#, r#","count":57"#);
}

#[test]
fn observables_keep_their_content_and_what_tells_the_owner_is_refused() {
    let url = format!(
        r#"{{"type":"url","id":"url--be22e93a-5e33-5678-b19f-8b4ea06df0bd","value":"https://x/{LINKED}","x_of_ref":"{LINKED}"}}"#
    );
    assert_eq!(
        recreated(&url).unwrap(),
        url.replace(&format!("\"{LINKED}\""), &format!("\"{}\"", new_id(LINKED)))
    );
    let refused = |text: &str| matches!(recreated(text), Err(RecreateError::Identifying(_)));
    assert!(refused(&object("identity", "").replace(&OWN.replace("campaign", "identity"), OWNER)));
    assert!(refused(&object("language-content", &format!(r#","object_ref":"{OWNER}""#))));
    assert!(!refused(&object("language-content", &format!(r#","object_ref":"{LINKED}""#))));
    let twice = format!(r#","x_votes":{{"{OWNER}":1,"{COMMUNITY}":2}}"#);
    assert!(matches!(recreated(&object("campaign", &twice)), Err(RecreateError::Json(_))));
}

fn errors(text: &[u8], profile: Profile) -> Vec<content::Finding> {
    let options = Options { profile, ..Options::default() };
    alone(text, |seen| content::judge(seen, options).errors).unwrap().2
}

/// The objects of the validator's tests that are readable at all.
fn samples() -> Vec<Object> {
    let lines = VALID.lines().chain(RULES.lines()).map(|line| serde_json::from_str::<Tree>(line).unwrap());
    let texts =
        lines.map(|line| line["text"].as_str().map_or_else(|| line["object"].to_string(), str::to_owned));
    texts.filter_map(|text| parse(&text).ok()).collect()
}

#[test]
fn what_was_valid_stays_valid() {
    let samples = samples();
    let done = with_disguise(&[OWNER], |disguise| {
        let mut renaming = Renaming::default();
        samples.iter().for_each(|object| renaming.add(object.id(), disguise));
        let mut done = 0;
        for before in &samples {
            let after = match recreate(before, &renaming, disguise) {
                Ok(after) => after,
                Err(RecreateError::Identifying(_)) => continue,
                Err(error) => panic!("{error}"),
            };
            for profile in [Profile::Strict, Profile::Interop, Profile::Permissive] {
                let valid = errors(before.json(), profile).is_empty();
                let found = errors(after.json(), profile);
                assert!(!valid || found.is_empty(), "{:?}\n{found:?}", before.json());
            }
            let tree: Tree = serde_json::from_slice(after.json()).unwrap();
            assert!(tree.get("created_by_ref").is_none_or(|creator| creator == COMMUNITY));
            done += 1;
        }
        done
    });
    assert!(done > 500, "{done} of {}", samples.len());
}

fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => prop::sample::select(vec![OWN, LINKED, OWNER, KEPT, OTHER, RED]).prop_map(str::to_owned),
        1 => Just(LINKED.to_uppercase()),
        2 => prop::sample::select(vec!["--", "-", " ", "x-", "é", "\"", "\\", "8e2e2d2b"]).prop_map(str::to_owned),
        1 => ".{0,6}".prop_filter("NUL is refused", |text| !text.contains('\0')),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf =
        prop_oneof![any_text().prop_map(Tree::from), any::<i32>().prop_map(Tree::from), Just(json!(true))];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::from),
            prop::collection::vec((any_text(), inner), 0..5)
                .prop_map(|members| Tree::Object(members.into_iter().collect())),
        ]
    })
}

/// The same by plain replacing, for texts in which no id is part of another.
fn replaced(text: &str) -> String {
    if StixId::parse(text).is_ok() && ![OWN, LINKED, OWNER].contains(&text) {
        return text.to_owned();
    }
    let known = [(OWN, new_id(OWN)), (LINKED, new_id(LINKED)), (OWNER, COMMUNITY.to_owned())];
    let upper = LINKED.to_uppercase();
    known.iter().fold(text.replace(&upper, LINKED), |text, (old, new)| text.replace(old, new))
}

fn replaced_tree(tree: &Tree) -> Tree {
    match tree {
        Tree::String(text) => replaced(text).into(),
        Tree::Array(items) => items.iter().map(replaced_tree).collect(),
        Tree::Object(members) => {
            members.iter().map(|(name, value)| (replaced(name), replaced_tree(value))).collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_id_is_left_and_all_else_is(more in prop::collection::vec(any_tree(), 0..6), escape in any::<bool>()) {
        let members = more.iter().enumerate().map(|(at, value)| format!(r#","x_{at}":{value}"#));
        let mut text = object("campaign", &members.collect::<String>());
        if escape {
            text = text.replace("--", "\\u002d-").replace("17d4", "\\u00317d4");
        }
        let Ok(new) = recreated(&text) else { return Ok(()) };
        prop_assert_eq!(&recreated(&text).unwrap(), &new);
        let tree: Tree = serde_json::from_str(&new).unwrap();
        prop_assert_eq!(&tree, &replaced_tree(&serde_json::from_str(&text).unwrap()));
        let lower = tree.to_string().to_lowercase();
        // Of ids of another type the same letters are no part.
        let hidden = [OWN, LINKED, OWNER];
        for text in lower.split('"').filter(|text| StixId::parse(text).is_err() || hidden.contains(text)) {
            prop_assert!(!hidden.iter().any(|hidden| text.contains(hidden)), "{text} in {new}");
        }
    }
}
