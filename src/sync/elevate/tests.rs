use super::*;
use crate::stix::content::{self, Options};
use crate::stix::json;
use crate::stix::object::Header;
use proptest::prelude::*;
use serde_json::json;

/// Made with the classes of python-stix2 for STIX 2.0: `tests/python/stix20_corpus.py`.
const CORPUS: &str = include_str!("stix20.jsonl");

const RED: &str = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
const AMBER: &str = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
const UUID: &str = "b67d30ff-02ac-498a-92f9-32f845f448cf";

fn corpus() -> impl Iterator<Item = Map<String, Value>> {
    CORPUS.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// An object with what all have, and more.
fn object(kind: &str, more: Value) -> Map<String, Value> {
    let mut object = json!({
        "type": kind, "id": format!("{kind}--{UUID}"),
        "created": "2017-03-01T10:00:00.000Z", "modified": "2017-03-02T11:30:00.123Z",
    });
    let object = object.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    std::mem::take(object)
}

fn elevated(kind: &str, more: Value) -> Value {
    let mut all = elevate(&object(kind, more)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn observed(objects: Value, more: Value) -> Map<String, Value> {
    let mut object = object(
        "observed-data",
        json!({
            "first_observed": "2015-12-21T19:00:00Z", "last_observed": "2015-12-21T19:00:00Z",
            "number_observed": 1, "objects": objects,
        }),
    );
    object.extend(more.as_object().unwrap().clone());
    object
}

/// The observables, and the observed-data.
fn split(objects: Value, more: Value) -> (Vec<Value>, Value) {
    let mut all = elevate(&observed(objects, more)).unwrap();
    let last = all.pop().unwrap();
    (all, last)
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Errors of the profile `interop` and of the header.
fn errors(object: &Value) -> Vec<String> {
    let judge = |seen: json::Seen| {
        let findings = content::judge(seen, Options::default());
        let header = Header::read(seen).err().map(|error| error.to_string());
        findings.errors.iter().map(ToString::to_string).chain(header).collect()
    };
    json::read(object.to_string().into_bytes(), judge).unwrap().root.part.seen
}

#[test]
fn every_object_of_the_corpus_becomes_valid_and_always_the_same() {
    assert!(corpus().count() >= 60);
    for old in corpus() {
        let all = elevate(&old).unwrap();
        for new in &all {
            assert_eq!(errors(new), Vec::<String>::new(), "{new:#}");
            assert_eq!(new["spec_version"], "2.1");
            // What is elevated stays as it is.
            assert_eq!(elevate(new.as_object().unwrap()).unwrap(), std::slice::from_ref(new));
        }
        assert_eq!(elevate(&old).unwrap(), all);
        let (Some(new), time) = (all.last(), |value: &Value| {
            value.as_str().and_then(crate::stix::timestamp::instant).map(|(micros, _)| micros)
        }) else {
            panic!("nothing came out of {old:?}")
        };
        for name in ["id", "type", "created_by_ref", "name", "description", "external_references", "revoked"]
        {
            assert!(old.get(name).is_none_or(|value| new.get(name) == Some(value)), "{name}");
        }
        for name in ["created", "modified"] {
            assert_eq!(new.get(name).map(time), old.get(name).map(time), "{name}");
        }
    }
}

#[test]
fn no_word_of_the_corpus_is_lost() {
    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            Value::Object(members) => members.values().for_each(|member| strings(member, found)),
            _ => {}
        }
    }
    for old in corpus() {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        strings(&elevate(&old).unwrap().into(), &mut after);
        let mut old = old.clone();
        let keys: Vec<String> = old
            .get("objects")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|all| all.keys().cloned())
            .collect();
        for changed in ["pattern", "sectors", "granular_markings"] {
            old.remove(changed);
        }
        strings(&old.into(), &mut before);
        let is_lost = |text: &&String| {
            !after.contains(text) && !keys.contains(text) && !after.contains(&text.replace('Z', ".000Z"))
        };
        let lost: Vec<&String> =
            before.iter().filter(is_lost).filter(|text| *text != "2017-03-01T10:00:00.5Z").collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[test]
fn what_is_2_1_already_comes_back_as_it_is() {
    for current in [
        object("indicator", json!({"spec_version": "2.1", "labels": ["benign"], "pattern": "x"})),
        object(
            "tool",
            json!({"spec_version": "2.1", "labels": ["remote-access"], "created": "2017-03-01T10:00:00Z"}),
        ),
        json!({"type": "ipv4-addr", "id": format!("ipv4-addr--{UUID}"), "value": "198.51.100.3"})
            .as_object()
            .unwrap()
            .clone(),
        json!({"type": "file", "id": format!("file--{UUID}"), "name": "x", "created": "x"})
            .as_object()
            .unwrap()
            .clone(),
        json!({"type": "x-new", "id": format!("x-new--{UUID}"), "value": 1}).as_object().unwrap().clone(),
    ] {
        assert_eq!(elevate(&current), Ok(vec![Value::Object(current.clone())]));
    }
}

#[test]
fn what_cannot_be_elevated_names_object_and_property() {
    let address = json!({"0": {"type": "ipv4-addr", "value": "198.51.100.3"}});
    let cases = [
        (object("indicator", json!({"pattern": "[a:b = 1]"})), "`valid_from` is missing"),
        (object("indicator", json!({"valid_from": "2016-01-01T00:00:00Z"})), "`pattern` is missing"),
        (object("bundle", json!({})), "`type` is `bundle`"),
        (object("tool", json!({"spec_version": "3.0"})), "`spec_version` is neither"),
        (object("tool", json!({"spec_version": 2.1})), "`spec_version` is neither"),
        (object("observed-data", json!({})), "`objects` is missing"),
        (observed(json!({}), json!({})), "`objects` is no dictionary, or an empty one"),
        (observed(json!([]), json!({})), "`objects` is no dictionary, or an empty one"),
        (observed(address.clone(), json!({"object_refs": []})), "`objects` stands beside `object_refs`"),
        (observed(json!({"0": 7}), json!({})), "`objects.0` is no object"),
        (observed(json!({"0": {"value": "x"}}), json!({})), "`objects.0.type` is missing"),
        (observed(address.clone(), json!({"id": "observed-data--x"})), "`id` is missing or no identifier"),
        (
            observed(
                json!({"0": {"type": "network-traffic", "protocols": ["tcp"], "src_ref": "9"}}),
                json!({}),
            ),
            "`objects.0.src_ref` names `9`, which is no key",
        ),
        (
            observed(
                json!({"0": {"type": "process", "pid": 1, "extensions": {"windows-service-ext": {"service_dll_refs": ["7"]}}}}),
                json!({}),
            ),
            "`objects.0.extensions.windows-service-ext.service_dll_refs.[0]` names `7`",
        ),
        (
            observed(
                json!({
                    "a": {"type": "file", "name": "a", "extensions": {"archive-ext": {"contains_refs": ["b"]}}},
                    "b": {"type": "file", "name": "b", "extensions": {"archive-ext": {"contains_refs": ["a"]}}},
                }),
                json!({}),
            ),
            "`objects.a` refers to itself in a circle",
        ),
        (observed(address.clone(), json!({"object_marking_refs": "x"})), "`object_marking_refs` is no list"),
        (observed(address.clone(), json!({"granular_markings": {}})), "`granular_markings` is no list"),
        (
            observed(address.clone(), json!({"granular_markings": [{"selectors": ["objects.0"]}]})),
            "`granular_markings.[0]` has no `marking_ref`",
        ),
        (
            observed(address.clone(), json!({"granular_markings": [{"marking_ref": RED}]})),
            "`granular_markings.[0]` has no list of `selectors`",
        ),
        (
            observed(
                address,
                json!({"granular_markings": [{"marking_ref": RED, "selectors": ["objects.1.value"]}]}),
            ),
            "`granular_markings.[0]` selects `objects.1.value`, which is not there",
        ),
    ];
    for (old, reason) in cases {
        let error = elevate(&old).unwrap_err();
        let id = old["id"].as_str().unwrap();
        assert!(error.starts_with(id) && error.contains(reason), "{error}\nexpected: {reason}");
    }
    let nameless = elevate(json!({"type": "bundle"}).as_object().unwrap()).unwrap_err();
    assert!(nameless.starts_with("bundle without id: `type`"), "{nameless}");
}

#[test]
fn labels_that_say_the_type_move_and_others_stay() {
    for (kind, label, property) in [
        ("indicator", "benign", "indicator_types"),
        ("malware", "webshell", "malware_types"),
        ("report", "threat-report", "report_types"),
        ("threat-actor", "spy", "threat_actor_types"),
        ("tool", "remote-access", "tool_types"),
    ] {
        let more = json!({"labels": ["own", label, "tlp:red"], "pattern": "[a:b = 1]", "valid_from": "2016-01-01T00:00:00Z"});
        let new = elevated(kind, more);
        assert_eq!((&new[property], &new["labels"]), (&json!([label]), &json!(["own", "tlp:red"])), "{kind}");
        let only = elevated(
            kind,
            json!({"labels": [label], "pattern": "[a:b = 1]", "valid_from": "2016-01-01T00:00:00Z"}),
        );
        assert_eq!((only.get(property), only.get("labels")), (Some(&json!([label])), None), "{kind}");
    }
    let identity = elevated(
        "identity",
        json!({"labels": ["national-cert", "tlp:amber"], "sectors": ["defence", "energy"]}),
    );
    assert_eq!(identity["roles"], json!(["national-cert"]));
    assert_eq!(identity["labels"], json!(["tlp:amber"]));
    assert_eq!(identity["sectors"], json!(["defense", "energy"]));
    let plain = elevated("campaign", json!({"labels": ["campaign"]}));
    assert_eq!(plain["labels"], json!(["campaign"]));
    let both =
        elevated("malware", json!({"labels": ["worm"], "malware_types": ["virus"], "is_family": true}));
    assert_eq!((&both["labels"], &both["is_family"]), (&json!(["worm"]), &json!(true)));
    assert_eq!(elevated("malware", json!({"labels": ["worm"]}))["is_family"], false);
}

#[test]
fn granular_markings_follow_labels() {
    let marking = |selectors: &[&str]| json!({"marking_ref": RED, "selectors": selectors});
    let markings = [marking(&["labels.[2]", "labels.[0]", "labels.[1]", "name"]), marking(&["labels"])];
    let new = elevated("malware", json!({"labels": ["own", "worm", "virus"], "granular_markings": markings}));
    let expected = [
        marking(&["malware_types.[1]", "labels.[0]", "malware_types.[0]", "name"]),
        marking(&["malware_types", "labels"]),
    ];
    assert_eq!(new["granular_markings"], json!(expected));
}

#[test]
fn hashes_of_references_get_their_names_and_markings_follow() {
    let reference =
        |name: &str| json!([{"source_name": "a", "url": "http://example.com/", "hashes": {name: "3::"}}]);
    let marking = |selectors: Value| json!([{"marking_ref": RED, "selectors": selectors}]);
    let more = json!({
        "external_references": reference("ssdeep"), "x_more": reference("ssdeep"),
        "granular_markings": marking(json!(["external_references.[0].hashes.ssdeep", "external_references.[0].hashes.ssdeepest"])),
    });
    let new = elevated("campaign", more);
    assert_eq!(new["external_references"], reference("SSDEEP"));
    assert_eq!(new["x_more"], reference("ssdeep"));
    let expected =
        json!(["external_references.[0].hashes.SSDEEP", "external_references.[0].hashes.ssdeepest"]);
    assert_eq!(new["granular_markings"], marking(expected));
}

#[test]
fn times_get_milliseconds_and_stay_the_same_instants() {
    for (old, new) in [
        ("2017-03-01T10:00:00Z", "2017-03-01T10:00:00.000Z"),
        ("2017-03-01T10:00:00.5Z", "2017-03-01T10:00:00.500Z"),
        ("2017-03-01T10:00:00.25Z", "2017-03-01T10:00:00.250Z"),
        ("2017-03-01T10:00:00.123456Z", "2017-03-01T10:00:00.123456Z"),
        ("yesterday", "yesterday"),
        ("2017-03-01 10:00Z", "2017-03-01 10:00Z"),
    ] {
        assert_eq!(elevated("campaign", json!({"created": old}))["created"], new);
    }
}

#[test]
fn levels_of_tlp_are_the_built_in_ones() {
    for old in corpus().filter(|old| old.get("definition_type") == Some(&json!("tlp"))) {
        let new = elevate(&old).unwrap().remove(0);
        let said = |seen: json::Seen| content::level_definition(seen.value).map(|(_, definition)| definition);
        let said = json::read(new.to_string().into_bytes(), said).unwrap().root.part.seen;
        assert_eq!(said, Some(content::Definition::Exact), "{new}");
    }
}

#[test]
fn patterns_are_written_as_2_1_wants_them() {
    for (old, new) in [
        (
            "[a:b = 1] START '2016-06-01T00:00:00Z' STOP  '2016-07-01T00:00:00Z'",
            "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP  t'2016-07-01T00:00:00Z'",
        ),
        ("[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'", ""),
        (r"[a:b = 'START \' START '] WITHIN 5 SECONDS", ""),
        ("[file:created > t'2016-06-01T00:00:00Z']", "[file:ctime > t'2016-06-01T00:00:00Z']"),
        ("[x-a:created = 'file:created' AND x-a:hashes = 'ssdeep']", ""),
        (
            "[file:parent_directory_ref.modified = t'2016-06-01T00:00:00Z']",
            "[file:parent_directory_ref.mtime = t'2016-06-01T00:00:00Z']",
        ),
        (
            "[process:binary_ref.created = t'2016-06-01T00:00:00Z']",
            "[process:image_ref.ctime = t'2016-06-01T00:00:00Z']",
        ),
        ("[process:name IN ('a','b')]", "[process:image_ref.name IN ('a','b')]"),
        ("[process:child_refs[*].name = 'a']", "[process:child_refs[*].image_ref.name = 'a']"),
        ("[process:arguments[0] LIKE '%x']", "[process:x_stix20_arguments[0] LIKE '%x']"),
        (
            "[user-account:password_last_changed = t'2016-06-01T00:00:00Z']",
            "[user-account:credential_last_changed = t'2016-06-01T00:00:00Z']",
        ),
        (
            "[windows-registry-key:modified = t'2016-06-01T00:00:00Z']",
            "[windows-registry-key:modified_time = t'2016-06-01T00:00:00Z']",
        ),
        (
            "[file:hashes.'ssdeep' = '3::' OR file:hashes.ssdeep = '3::']",
            "[file:hashes.SSDEEP = '3::' OR file:hashes.SSDEEP = '3::']",
        ),
        ("[file:hashes.'SHA-256' LIKE 'a%' OR file:name = 'é:created']", ""),
        (
            "[file:extensions.'archive-ext'.version = '5']",
            "[file:extensions.'archive-ext'.x_stix20_version = '5']",
        ),
        ("[file:extensions.'pdf-ext'.version = '5']", ""),
    ] {
        let expected = if new.is_empty() { old } else { new };
        assert_eq!(pattern::elevate(old), expected);
        assert!(crate::stix::pattern::Pattern::parse(expected).is_ok(), "{expected}");
    }
    let more = json!({"pattern": "alert tcp", "pattern_type": "snort", "valid_from": "2016-01-01T00:00:00Z"});
    assert_eq!(elevated("indicator", more)["pattern"], "alert tcp");
}

#[test]
fn observables_get_the_ids_of_the_standard_and_name_each_other_by_them() {
    let objects = json!({
        "0": {"type": "ipv4-addr", "value": "198.51.100.3"},
        "1": {"type": "domain-name", "value": "example.com", "resolves_to_refs": ["0"]},
        "2": {"type": "file", "name": "a", "parent_directory_ref": "3"},
        "3": {"type": "directory", "path": "/tmp", "contains_refs": ["2"]},
    });
    let (found, data) = split(objects, json!({}));
    for observable in &found {
        let text = observable.to_string();
        let id = crate::stix::observable_id::deterministic_id_from_text(&text);
        assert_eq!(id, observable["id"].as_str().map(str::to_owned), "{text}");
    }
    // The ids of python-stix2.
    assert_eq!(found[0]["id"], "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    assert_eq!(found[1]["resolves_to_refs"], json!([found[0]["id"]]));
    assert_eq!(found[2]["parent_directory_ref"], found[3]["id"]);
    assert_eq!(found[3]["contains_refs"], json!([found[2]["id"]]));
    assert_eq!(data["object_refs"], json!(found.iter().map(id_of).collect::<Vec<_>>()));
    assert!(data.get("objects").is_none());
}

#[test]
fn where_no_content_determines_an_id_the_observed_data_does() {
    let process =
        |pid: u32| json!({"0": {"type": "process", "pid": pid}, "1": {"type": "process", "pid": pid}});
    let (first, _) = split(process(7), json!({}));
    assert_ne!(first[0]["id"], first[1]["id"]);
    assert_eq!(split(process(7), json!({})).0, first);
    // Observables have no versions: another content is another object.
    assert_ne!(split(process(8), json!({})).0[0]["id"], first[0]["id"]);
    let other = "observed-data--c67d30ff-02ac-498a-92f9-32f845f448cf";
    assert_ne!(split(process(7), json!({"id": other})).0[0]["id"], first[0]["id"]);
}

#[test]
fn an_observable_that_has_an_id_of_its_type_keeps_it() {
    let (mutex, url, file) = (format!("mutex--{UUID}"), format!("url--{UUID}"), format!("file--{UUID}"));
    let objects = json!({
        "0": {"type": "mutex", "id": mutex, "name": "m", "x_other_ref": url},
        "1": {"type": "url", "id": file, "value": "http://example.com/"},
    });
    let (found, _) = split(objects, json!({}));
    assert_eq!((&found[0]["id"], &found[0]["x_other_ref"]), (&json!(mutex), &json!(url)));
    assert!(found[1]["id"].as_str().unwrap().starts_with("url--"));
}

#[test]
fn equal_observables_are_one_and_different_ones_with_one_id_stay_two() {
    let md5 = "a".repeat(32);
    let objects = json!({
        "0": {"type": "ipv4-addr", "value": "198.51.100.3"},
        "1": {"type": "ipv4-addr", "value": "198.51.100.3"},
        "2": {"type": "file", "hashes": {"MD5": md5}, "size": 1},
        "3": {"type": "file", "hashes": {"MD5": md5}, "size": 2},
        "4": {"type": "network-traffic", "protocols": ["tcp"], "src_ref": "0", "dst_ref": "1"},
        "10": {"type": "url", "value": "http://example.com/"},
    });
    let marking = json!([{"marking_ref": RED, "selectors": ["objects.1.value"]}]);
    let (found, data) = split(objects, json!({"granular_markings": marking}));
    assert_eq!(found.len(), 5);
    assert_eq!(found[0]["granular_markings"], json!([{"marking_ref": RED, "selectors": ["value"]}]));
    assert_ne!(found[1]["id"], found[2]["id"]);
    assert_eq!(found[3]["src_ref"], found[3]["dst_ref"]);
    assert_eq!(found[4]["type"], "url", "keys are in the order of their numbers");
    assert_eq!(data["object_refs"].as_array().unwrap().len(), 5);
}

#[test]
fn an_observable_is_as_restricted_as_the_observed_data_it_came_in() {
    let objects = json!({
        "0": {"type": "file", "name": "a", "created": "2016-01-01T00:00:00Z"},
        "1": {"type": "process", "pid": 1, "name": "b.exe"},
        "a.b": {"type": "mutex", "name": "m"},
        "a": {"type": "mutex", "name": "n", "object_marking_refs": [RED]},
    });
    let more = json!({
        "labels": ["tlp:amber", "seen"], "object_marking_refs": [AMBER],
        "granular_markings": [
            {"marking_ref": RED, "selectors": ["objects.0.created", "objects.1.name", "number_observed"]},
            {"marking_ref": RED, "selectors": ["objects.a.b", "objects.a"]},
        ],
    });
    let (found, data) = split(objects, more);
    let kinds: Vec<&Value> = found.iter().map(|found| &found["type"]).collect();
    assert_eq!(kinds, ["file", "process", "file", "mutex", "mutex"]);
    let part = |selector: &str| json!([{"marking_ref": RED, "selectors": [selector]}]);
    assert_eq!(found[0]["granular_markings"], part("ctime"));
    assert_eq!(found[1]["granular_markings"], part("image_ref"));
    assert_eq!(
        (&found[2]["name"], &found[2]["object_marking_refs"]),
        (&json!("b.exe"), &json!([AMBER, RED]))
    );
    assert_eq!((&found[3]["name"], &found[3]["object_marking_refs"]), (&json!("n"), &json!([RED, AMBER])));
    assert_eq!((&found[4]["name"], &found[4]["object_marking_refs"]), (&json!("m"), &json!([AMBER, RED])));
    assert_eq!(found[0]["object_marking_refs"], json!([AMBER]));
    assert!(found.iter().all(|found| found["labels"] == json!(["tlp:amber"])));
    let kept = json!([
        {"marking_ref": RED, "selectors": ["number_observed"]}, {"marking_ref": RED, "selectors": ["object_refs.[4]", "object_refs.[3]"]},
    ]);
    assert_eq!(data["granular_markings"], kept);
    let (all, _) = split(
        json!({"0": {"type": "process", "pid": 1, "name": "b.exe"}}),
        json!({"granular_markings": [{"marking_ref": RED, "selectors": ["objects.0"]}]}),
    );
    assert!(all.len() == 2 && all.iter().all(|found| found["object_marking_refs"] == json!([RED])));
    let (all, data) = split(
        json!({"0": {"type": "url", "value": "http://example.com/"}}),
        json!({"granular_markings": [{"marking_ref": RED, "selectors": ["objects"]}]}),
    );
    assert_eq!(all[0]["object_marking_refs"], json!([RED]));
    assert_eq!(data["granular_markings"], part("object_refs"));
}

#[test]
fn properties_of_observables_get_their_names_and_forms_of_2_1() {
    let objects = json!({
        "0": {"type": "email-message", "is_multipart": true, "body_multipart": [{"body_raw_ref": "1"}],
              "additional_header_fields": {"X-A": "b", "X-C": ["d"]}},
        "1": {"type": "artifact", "payload_bin": "VGVzdA=="},
        "2": {"type": "file", "name": "f", "extended_properties": {"archive-ext": {"contains_refs": ["3"], "version": "5"}},
              "accessed": "2016-01-01T00:00:00Z", "is_encrypted": true, "hashes": {"ssdeep": "3::"}},
        "3": {"type": "file", "name": "g", "extensions": {"x-odd": {"a": 1}}},
        "4": {"type": "process", "name": "p", "binary_ref": "3", "arguments": ["-x"]},
        "5": {"type": "network-traffic", "protocols": ["tcp"], "src_ref": "6", "encapsulates_by_ref": "5",
              "extensions": {"http-request-ext": {"request_method": "get", "request_value": "/", "request_header": {"Host": "h"}}}},
        "6": {"type": "ipv4-addr", "value": "198.51.100.3", "x_more": {"hashes": {"ssdeep": "3::"}}},
        "7": {"type": "directory", "path": "/", "created": "2016-01-01T00:00:00Z", "ctime": "2017-01-01T00:00:00Z"},
        "8": {"type": "process", "name": "p"},
        "8/image": {"type": "mutex", "name": "m"},
    });
    let (found, _) = split(objects, json!({}));
    assert_eq!(found[6]["x_more"], json!({"hashes": {"ssdeep": "3::"}}));
    assert_eq!(
        (&found[7]["created"], &found[7]["ctime"]),
        (&json!("2016-01-01T00:00:00Z"), &json!("2017-01-01T00:00:00Z"))
    );
    assert_eq!((&found[8]["x_stix20_name"], found[8].get("image_ref")), (&json!("p"), None));
    assert_eq!(found[9]["type"], "mutex");
    assert_eq!(found[0]["additional_header_fields"], json!({"X-A": ["b"], "X-C": ["d"]}));
    assert_eq!(found[0]["body_multipart"][0]["body_raw_ref"], found[1]["id"]);
    let archive = json!({"archive-ext": {"contains_refs": [found[3]["id"]], "x_stix20_version": "5"}});
    assert_eq!(found[2]["extensions"], archive);
    assert_eq!(found[2]["atime"], "2016-01-01T00:00:00Z");
    assert_eq!(found[2]["x_stix20_is_encrypted"], true);
    assert_eq!(found[2]["hashes"], json!({"SSDEEP": "3::"}));
    assert_eq!(found[3]["extensions"], json!({"x-odd-ext": {"a": 1}}));
    assert_eq!(found[4]["image_ref"], found[3]["id"]);
    assert_eq!((&found[4]["x_stix20_name"], &found[4]["x_stix20_arguments"]), (&json!("p"), &json!(["-x"])));
    assert_eq!(found[5]["encapsulated_by_ref"], found[5]["id"]);
    assert_eq!(found[5]["extensions"]["http-request-ext"]["request_header"], json!({"Host": ["h"]}));
}

#[test]
fn a_long_chain_of_references_is_refused_and_not_followed_to_the_end() {
    let link = |at: usize| {
        let content = json!({"type": "file", "name": "a", "extensions": {"archive-ext": {"contains_refs": [format!("{}", at + 1)]}}});
        (at.to_string(), content)
    };
    let mut objects: Map<String, Value> = (0..5000).map(link).collect();
    objects.insert("5000".to_owned(), json!({"type": "file", "name": "end"}));
    let error = elevate(&observed(objects.into(), json!({}))).unwrap_err();
    assert!(error.contains("more than 100 references"), "{error}");
}

#[test]
fn an_observed_data_of_too_many_observables_is_refused() {
    let objects = |count: usize| -> Value {
        let entry = |at: usize| (at.to_string(), json!({"type": "mutex", "name": at.to_string()}));
        Value::Object((0..count).map(entry).collect())
    };
    let error = elevate(&observed(objects(10_001), json!({}))).unwrap_err();
    assert!(error.contains("more than 10000 entries"), "{error}");
    assert_eq!(elevate(&observed(objects(10_000), json!({}))).unwrap().len(), 10_001);
}

#[test]
fn markings_cannot_be_multiplied_without_end() {
    let many = |observables: usize, markings: usize| {
        let entry = |at: usize| (at.to_string(), json!({"type": "mutex", "name": at.to_string()}));
        let objects = Value::Object((0..observables).map(entry).collect());
        let marking = json!({"marking_ref": RED, "selectors": ["objects", "objects"]});
        elevate(&observed(objects, json!({"granular_markings": vec![marking; markings]})))
    };
    assert_eq!(many(100, 1000).unwrap()[7]["object_marking_refs"], json!([RED]));
    for (observables, markings) in [(101, 1000), (1, 1001)] {
        let error = many(observables, markings).unwrap_err();
        assert!(error.contains("`granular_markings` has too many markings"), "{error}");
    }
}

#[test]
fn an_observed_data_that_has_references_already_keeps_them() {
    let reference =
        |name: &str| json!([{"source_name": "a", "url": "http://example.com/", "hashes": {name: "3::"}}]);
    let more = |name: &str| {
        let selectors = [format!("external_references.[0].hashes.{name}")];
        json!({"object_refs": [format!("mutex--{UUID}")], "external_references": reference(name),
            "granular_markings": [{"marking_ref": RED, "selectors": selectors}]})
    };
    let mut expected = object("observed-data", more("SSDEEP"));
    expected.insert("spec_version".to_owned(), "2.1".into());
    assert_eq!(elevated("observed-data", more("ssdeep")), Value::Object(expected));
}

proptest! {
    #[test]
    fn a_text_without_names_of_2_0_stays_as_it_is(text in r"[\[\]a-d:.' \\=*é0-9_-]{0,60}") {
        prop_assert_eq!(pattern::elevate(&text), text);
    }

    #[test]
    fn any_path_is_carried_along(selector in "[a-z.\\[\\]0-9]{1,20}") {
        let data = observed(
            json!({"0": {"type": "file", "name": "a", "created": "2016-01-01T00:00:00Z"}}),
            json!({"granular_markings": [{"marking_ref": RED, "selectors": [format!("objects.0.{selector}"), selector]}]}),
        );
        let all = elevate(&data).unwrap();
        prop_assert!(all.iter().all(|object| object.get("granular_markings").is_some()));
    }
}
