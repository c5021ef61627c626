//! Collections (TAXII 2.1 §5.1, §5.2).

use crate::app::{
    ELSEWHERE, ENDED, INBOX, INDICATORS, MALWARE, PRIVATE, REGISTRY, TestApp, collection, manifest_of,
    objects_of,
};
use crate::sample::{amber, ambers};
use serde_json::{Value, json};

const LIST: &str = "/exchange/collections/";

fn ids(list: &Value) -> Vec<&str> {
    list["collections"].as_array().into_iter().flatten().map(|found| found["id"].as_str().unwrap()).collect()
}

#[test]
fn the_list_holds_what_the_client_may_use_sorted_by_id() {
    let app = TestApp::start();
    let list = app.client("cert-a/feed").get(LIST).json();
    assert_eq!(ids(&list), [INDICATORS, MALWARE, INBOX, PRIVATE, ENDED]);
    let list = app.client("cert-b/siem").get(LIST).json();
    assert_eq!(
        ids(&list),
        [INDICATORS, MALWARE, ENDED],
        "a consumer cannot write, so the inbox is not for it"
    );
    let list = app.client("cert-a/feed").get("/elsewhere/collections/").json();
    assert_eq!(ids(&list), [ELSEWHERE]);
}

#[test]
fn the_order_is_the_same_on_every_request_and_after_a_restart() {
    let app = TestApp::start();
    let first = app.client("cert-a/feed").get(LIST).body;
    for _ in 0..5 {
        assert_eq!(app.client("cert-a/feed").get(LIST).body, first);
    }
    app.restart();
    assert_eq!(app.client("cert-a/feed").get(LIST).body, first);
}

#[test]
fn a_root_without_collections_for_the_client_is_hidden() {
    let app = TestApp::start();
    let answer = app.client("cert-c/feed").get("/elsewhere/collections/");
    assert_eq!(ids(&answer.json()), [ELSEWHERE]);
    assert_eq!(app.client("cert-a/ops").get(LIST).status, 404);
    assert_eq!(app.client("cert-b/feed").get("/elsewhere/collections/").status, 404);
}

#[test]
fn a_list_of_no_collections_leaves_the_key_out() {
    let list = liaison::taxii::resource::Collections::default();
    assert_eq!(serde_json::to_string(&list).unwrap(), "{}");
    crate::check::assert_is("collections", &json!({}), "an empty list");
}

#[test]
fn one_collection_is_its_entry_of_the_list() {
    let app = TestApp::start();
    for client in ["cert-a/feed", "cert-a/siem", "cert-b/feed", "cert-b/siem", "cert-c/feed"] {
        let client = app.client(client);
        let list = client.get(LIST).json();
        for entry in list["collections"].as_array().unwrap() {
            assert_eq!(&client.get(&collection(entry["id"].as_str().unwrap())).json(), entry);
        }
    }
}

#[test]
fn rights_stated_are_rights_given() {
    let app = TestApp::start();
    for name in ["cert-a/feed", "cert-a/siem", "cert-b/feed", "cert-b/siem", "cert-c/feed"] {
        let client = app.client(name);
        let list = client.get(LIST).json();
        for entry in list["collections"].as_array().unwrap() {
            let id = entry["id"].as_str().unwrap();
            if id == ENDED {
                continue;
            }
            let read = if entry["can_read"] == true { 200 } else { 403 };
            let write = if entry["can_write"] == true { 202 } else { 403 };
            assert_eq!(client.get(&objects_of(id)).status, read, "{name} {id}");
            assert_eq!(client.get(&manifest_of(id)).status, read, "{name} {id}");
            let body = json!({"objects": [amber(1)]}).to_string();
            assert_eq!(client.post(&objects_of(id), body).status, write, "{name} {id}");
        }
    }
    let inbox = |name: &str| app.client(name).get(&collection(INBOX)).json();
    assert_eq!(
        (&inbox("cert-a/feed")["can_read"], &inbox("cert-a/feed")["can_write"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&inbox("cert-b/feed")["can_read"], &inbox("cert-b/feed")["can_write"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn an_alias_stands_for_the_id_within_its_root() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..2));
    assert_eq!(client.get("/exchange/collections/indicators/").json()["id"], INDICATORS);
    assert_eq!(client.get("/elsewhere/collections/indicators/").json()["id"], ELSEWHERE);
    let by_alias = client.get("/exchange/collections/indicators/objects/?limit=1");
    assert_eq!(by_alias.body, client.get(&format!("{}?limit=1", objects_of(INDICATORS))).body);
    let next = by_alias.next().unwrap();
    assert_eq!(
        client.get(&format!("{}?next={next}", objects_of(INDICATORS))).objects().len(),
        1,
        "a `next` serves both names"
    );
    assert!(client.get("/elsewhere/collections/indicators/objects/").objects().is_empty());
}

#[test]
fn two_collections_of_a_root_cannot_share_an_alias() {
    let twice = REGISTRY.replace("alias = \"private\"", "alias = \"indicators\"");
    assert!(format!("{:?}", liaison::registry::Registry::parse(&twice)).contains("occurs twice"));
}

#[test]
fn media_types_name_everything_that_is_stored() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let found = client.get(&collection(INDICATORS)).json();
    assert_eq!(found["media_types"], json!(["application/stix+json;version=2.1"]));
    client.publish(INDICATORS, &[amber(1)]);
    let record = &client.get(&manifest_of(INDICATORS)).objects()[0];
    assert_eq!(record["media_type"], found["media_types"][0]);
}

#[test]
fn unknown_and_hidden_collections_are_not_found() {
    let app = TestApp::start();
    let unknown = "11111111-1111-4111-8111-111111111111";
    let client = app.client("cert-b/feed");
    for id in [unknown, PRIVATE, "private", "no-alias", ELSEWHERE, &INDICATORS.to_uppercase()] {
        for path in [collection(id), objects_of(id), manifest_of(id), format!("{}x--1/", objects_of(id))] {
            assert_eq!(client.get(&path).status, 404, "{path}");
        }
        assert_eq!(client.post(&objects_of(id), "{}").status, 404, "{id}");
        assert_eq!(client.delete(&format!("{}x--1/", objects_of(id))).status, 404, "{id}");
    }
}

#[test]
fn the_description_tells_what_becomes_of_unmarked_objects() {
    let app = TestApp::start();
    let found = app.client("cert-a/feed").get(&collection(INDICATORS)).json();
    let text = found["description"].as_str().unwrap();
    assert!(text.contains("count as TLP:AMBER") && text.contains("Cyber incident information"), "{text}");
}
