//! Exports on a server that runs: who fetches what, when a file is made anew and when not, and what the
//! audit log is told.

use crate::app::{Answer, Client, INDICATORS, PRIVATE, REGISTRY, TestApp, object_in};
use crate::sample::{CREATED, amber, id, indicator};
use liaison::clock::Clock;
use liaison::stix::atom::{Atom, Kind};
use liaison::stix::{Timestamp, Tlp};
use liaison::store::sqlite::Tool;
use liaison::warning::WarningLists;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

const SOC: &str = "/liaison/v1/export/soc/";

/// An export of the shared collection, for cert-a.
fn export(name: &str, format: &str, more: &str) -> String {
    format!(
        "[[export]]\nid = \"{name}\"\norganisation = \"cert-a\"\ncollections = [\"{INDICATORS}\"]\nformat = \"{format}\"\ntlp_max = \"AMBER\"\n{more}\n"
    )
}

fn with(exports: &[String]) -> String {
    format!("{REGISTRY}\n{}", exports.join("\n"))
}

fn start() -> TestApp {
    TestApp::with(&with(&[export("soc", "list", "options = { comments = false }")])).start()
}

/// An indicator of the n-th hash, for ever; more overrides.
fn hash(n: u32, more: &Value) -> Value {
    let mut object = amber(n);
    object["pattern"] = format!("[file:hashes.MD5 = '{}']", text(n)).into();
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn text(n: u32) -> String {
    format!("{n:032x}")
}

fn publish(app: &TestApp, objects: &[Value]) {
    app.client("cert-a/feed").publish(INDICATORS, objects);
}

/// Not by `Client::get`, which asks again with HEAD at the end, when the time may be another.
fn fetch(client: &Client, path: &str) -> Answer {
    client.request(Method::GET, path).send()
}

fn again(client: &Client, path: &str, tag: &str) -> Answer {
    client.request(Method::GET, path).header("if-none-match", tag).send()
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

/// What a list has, as numbers of hashes; and that its tag is another one than before.
#[track_caller]
fn newer(client: &Client, known: &mut String) -> Vec<u32> {
    let answer = again(client, SOC, known);
    assert_eq!(answer.status, 200, "nothing is new");
    assert_ne!(tag(&answer), *known);
    *known = tag(&answer);
    answer.text().lines().map(|line| u32::from_str_radix(line, 16).unwrap()).collect()
}

/// In so many seconds from now.
fn ahead(seconds: i64) -> String {
    Timestamp::from_micros(Clock::system().now().micros() + seconds * 1_000_000).to_string()
}

#[test]
fn an_export_is_listed_fetched_and_described() {
    let app = start();
    publish(&app, &[hash(7, &json!({})), hash(3, &json!({}))]);
    let client = app.client("cert-a/siem");
    let list = client.get("/liaison/v1/export/").json();
    let url = format!("{}/liaison/v1/export/soc", app.url());
    assert_eq!(list, json!({"exports": [{"name": "soc", "format": "list", "url": url}]}));
    let answer = client.get(SOC);
    assert_eq!((answer.status, answer.text()), (200, format!("{}\n{}\n", text(3), text(7))));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    assert!(answer.header("last-modified").is_some());
    assert_eq!(client.get(&format!("{SOC}soc.txt")).body, answer.body);
    let meta = client.get(&format!("{SOC}soc.meta.json")).json();
    assert_eq!((&meta["rows"], &meta["tlp"], &meta["format"]), (&json!(2), &json!("AMBER"), &json!("list")));
    assert_eq!(tag(&answer), format!("\"{}\"", meta["files"][0]["sha256"].as_str().unwrap()));
    assert!(meta.get("is_state").is_none() && meta["collections"] == json!(["indicators"]));
    let files = [
        ("soc.csv", 404),
        ("soc.txt.sha256", 200),
        (".lock", 404),
        ("..%2f..%2fliaison.db", 400),
        ("soc.txt/", 200),
    ];
    for (file, expected) in files {
        assert_eq!(client.get(&format!("{SOC}{file}")).status, expected, "{file}");
    }
    assert_eq!(client.request(Method::POST, SOC).body("x").send().status, 405);
    assert_eq!(client.delete(SOC).status, 405);
}

#[test]
fn whoever_may_not_fetch_an_export_finds_none() {
    let exports = [
        export("soc", "list", ""),
        export("named", "list", "readers = [\"siem\"]"),
        export("green", "list", "").replace("AMBER", "GREEN"),
    ];
    let app = TestApp::with(&with(&exports)).start();
    let cases = [
        ("cert-a/siem", &["soc", "named", "green"][..]),
        ("cert-a/feed", &["soc", "green"]),
        ("cert-a/guest", &["green"]),
        ("cert-a/ops", &[]),
        ("cert-a/audit", &[]),
        ("cert-b/siem", &[]),
        ("cert-c/feed", &[]),
    ];
    for (name, may) in cases {
        let client = app.client(name);
        let list = client.get("/liaison/v1/export/").json();
        let names: Vec<&str> =
            list["exports"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, may, "{name}");
        for export in ["soc", "named", "green", "none"] {
            for file in ["", "/", &format!("/{export}.txt"), &format!("/{export}.meta.json")] {
                let answer = client.get(&format!("/liaison/v1/export/{export}{file}"));
                let expected = if may.contains(&export) { 200 } else { 404 };
                assert_eq!(answer.status, expected, "{name} {export}{file}");
                if expected == 404 {
                    let absent =
                        client.get(&format!("/liaison/v1/export/absent{file}").replace(export, "absent"));
                    let told = |answer: &Answer| {
                        let mut json = answer.json();
                        json["error_id"] = Value::Null;
                        json
                    };
                    assert_eq!(told(&answer), told(&absent), "{name} {export}{file}");
                }
            }
        }
    }
}

#[test]
fn what_has_not_changed_is_known_by_its_tag_without_asking_the_objects() {
    let app = start();
    publish(&app, &[hash(1, &json!({})), hash(2, &json!({}))]);
    let client = app.client("cert-a/siem");
    let first = fetch(&client, SOC);
    let known = tag(&first);
    // What is in the database now, the server can only say if it looks there.
    let database = rusqlite::Connection::open(app.database()).unwrap();
    assert_eq!(database.execute("DELETE FROM atom", []).unwrap(), 2);
    let [gzip, zstandard] = ["gzip", "zstd"].map(|coding| format!("\"{}-{coding}\"", known.replace('"', "")));
    for tags in [
        known.clone(),
        format!("W/{known}"),
        format!("\"other\", {known}"),
        "*".to_owned(),
        gzip.clone(),
        zstandard.clone(),
    ] {
        let answer = again(&client, SOC, &tags);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
        assert_eq!(tag(&answer), known);
    }
    assert_eq!(fetch(&client, SOC).body, first.body);
    assert_eq!(again(&client, SOC, "\"other\"").body, first.body);
    for other in [gzip.replace("gzip", "br"), gzip.replace("-gzip", ""), gzip.replace("-gzip", "gzip")] {
        assert_eq!(again(&client, SOC, &other).status, if other == known { 304 } else { 200 }, "{other}");
    }
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("GZIP;q=1.0, zstd;q=0.5", Some("gzip")),
        ("zstd;q=0, gzip;q=0.1, identity;q=0.05", Some("gzip")),
        ("deflate, br", None),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("*", None),
        ("", None),
        ("gzip;q=7", None),
    ] {
        let packed = client.request(Method::GET, SOC).header("accept-encoding", accepted).send();
        assert_eq!(packed.header("content-encoding"), coding, "{accepted}");
        assert_eq!(packed.header("vary"), Some("accept-encoding"));
        let mut unpacked = Vec::new();
        let (body, expected) = match coding {
            Some("gzip") => {
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed.body), &mut unpacked)
                    .unwrap();
                (unpacked, &gzip)
            }
            Some(_) => (zstd::bulk::decompress(&packed.body, 1 << 20).unwrap(), &zstandard),
            None => (packed.body.to_vec(), &known),
        };
        assert_eq!((tag(&packed), body == first.body), (expected.clone(), true), "{accepted}");
    }
    // Somebody else's collection is of no interest.
    app.client("cert-a/feed").publish(PRIVATE, &[amber(9)]);
    assert_eq!(again(&client, SOC, &known).status, 304);
    // And here it looks, and finds none of the old: else what went before would show nothing.
    publish(&app, &[hash(3, &json!({}))]);
    assert_eq!(fetch(&client, SOC).text(), format!("{}\n", text(3)));
}

static AHEAD: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_micros(Clock::system().now().micros() + AHEAD.load(Ordering::SeqCst) * 1_000_000)
}

#[test]
fn every_change_of_what_is_in_it_makes_another_file() {
    let shrinks = "options = { comments = false }\nmax_shrink = 100";
    let registry = with(&[export("soc", "list", shrinks)]);
    let app = TestApp::with(&registry).clock(now).start();
    let policy = json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 1), "created": CREATED,
        "name": "IEP", "external_references": [{"source_name": "iep", "url": "https://iep.example/"}],
        "extensions": {"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": {"extension_type": "property-extension",
            "iep_version": "2.0", "iep_id": "5a2c5f6e-1d7c-4b5f-9a42-9a7a2e4b3c33", "permitted_actions": "internally-visible-actions", "start_date": ahead(10_000)}}});
    let marks = json!([Tlp::Amber.marking_id(), policy["id"]]);
    let objects = [
        policy,
        hash(1, &json!({"valid_until": ahead(3_600)})),
        hash(2, &json!({"valid_from": ahead(7_200)})),
        hash(3, &json!({})),
        hash(4, &json!({"object_marking_refs": marks})),
        hash(
            5,
            &json!({"pattern": "[ipv4-addr:value = '192.0.2.1']", "valid_until": "2999-01-01T00:00:00Z"}),
        ),
    ];
    publish(&app, &objects);
    let (client, mut known) = (app.client("cert-a/siem"), "\"none\"".to_owned());
    assert_eq!(newer(&client, &mut known), [1, 3, 4]);
    publish(&app, &[hash(6, &json!({}))]);
    assert_eq!(newer(&client, &mut known), [1, 3, 4, 6], "a new object");
    let revoked = json!({"modified": "2026-02-01T00:00:00.000Z", "revoked": true});
    publish(&app, &[hash(3, &revoked)]);
    assert_eq!(newer(&client, &mut known), [1, 4, 6], "one that is revoked");
    assert_eq!(app.client("cert-a/feed").delete(&object_in(INDICATORS, &hash(6, &json!({})))).status, 200);
    assert_eq!(newer(&client, &mut known), [1, 4], "a deletion");
    AHEAD.store(3_500, Ordering::SeqCst);
    assert_eq!(again(&client, SOC, &known).status, 304);
    AHEAD.store(3_700, Ordering::SeqCst);
    assert_eq!(newer(&client, &mut known), [4], "one that is over");
    AHEAD.store(7_300, Ordering::SeqCst);
    assert_eq!(newer(&client, &mut known), [2, 4], "one whose time has come");
    AHEAD.store(10_100, Ordering::SeqCst);
    assert_eq!(newer(&client, &mut known), [2], "one whose policy is in force now: no blocking");
    let opinion = |n: u32| {
        json!({"type": "opinion", "spec_version": "2.1", "id": id("opinion", n), "created": CREATED, "modified": CREATED,
            "opinion": "disagree", "explanation": "ours", "object_refs": [id("indicator", 2)], "object_marking_refs": [Tlp::Amber.marking_id()]})
    };
    app.client("cert-b/feed").publish(INDICATORS, &[opinion(1), opinion(2)]);
    assert_eq!(again(&client, SOC, &known).status, 304, "two opinions of one organisation are one");
    publish(&app, &[opinion(3)]);
    assert_eq!(newer(&client, &mut known), [0; 0], "its owner says that it is wrong");
    let file = "[file:hashes.MD5 = '00000000000000000000000000000009']";
    publish(&app, &[hash(9, &json!({"pattern": file, "confidence": 10}))]);
    assert_eq!(newer(&client, &mut known), [9]);
    app.apply(&registry.replace(shrinks, &format!("{shrinks}\nconfidence_min = 11")));
    assert_eq!(newer(&client, &mut known), [0; 0], "the registry asks for more");
    app.apply(&registry);
    assert_eq!(newer(&client, &mut known), [9]);
    confirm(&app, "192.0.2.1", &id("indicator", 5));
    let begun = Instant::now();
    while again(&client, SOC, &known).status == 304 {
        assert!(begun.elapsed() < Duration::from_secs(5), "a confirmation is not heard of");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fetch(&client, SOC).text(), format!("192.0.2.1\n{}\n", text(9)), "one that was confirmed");
}

fn confirm(app: &TestApp, address: &str, object: &str) {
    let lists = WarningLists::load(None, &Default::default()).unwrap().0;
    let atom = Atom::parse(Kind::Ipv4, address).unwrap();
    let named: Vec<_> =
        lists.hits(&atom).iter().map(|hit| (object.to_owned(), hit.list.to_owned(), hit.version)).collect();
    assert_eq!(named.len(), 1);
    Tool::open(&app.database(), now()).unwrap().confirm(&named, "analyst", now()).unwrap();
}

#[test]
fn an_export_that_would_lose_too_much_stays_until_somebody_has_looked() {
    let app = start();
    let some: Vec<Value> = (1..=10).map(|n| hash(n, &json!({}))).collect();
    publish(&app, &some);
    let client = app.client("cert-a/siem");
    let known = tag(&fetch(&client, SOC));
    let revoked = |n| hash(n, &json!({"modified": "2026-02-01T00:00:00.000Z", "revoked": true}));
    publish(&app, &(1..=6).map(revoked).collect::<Vec<_>>());
    assert_eq!(again(&client, SOC, &known).status, 304, "4 of 10 are left");
    assert_eq!(fetch(&client, SOC).text().lines().count(), 10);
    publish(&app, &[hash(11, &json!({}))]);
    assert_eq!(fetch(&client, SOC).text().lines().count(), 5, "5 of 10 are half");
}

/// What auditors read of exports that were served.
fn served(app: &TestApp) -> Vec<(String, String, u64)> {
    // What was noted until now is in the log after this.
    std::thread::sleep(Duration::from_millis(2_200));
    let auditor = app.client("cert-a/audit");
    let page = fetch(&auditor, "/liaison/v1/audit/?limit=1000").json();
    let records = page["records"].as_array().unwrap().iter();
    let records = records.map(|text| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap());
    records
        .filter(|record| record["kind"] == "served" && record["view"] == "export")
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            (text("by"), text("collection"), record["objects"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn the_log_tells_who_received_an_export() {
    let app = start();
    publish(&app, &[hash(1, &json!({})), hash(2, &json!({}))]);
    let client = app.client("cert-a/siem");
    let known = tag(&fetch(&client, SOC));
    again(&client, SOC, &known);
    fetch(&client, &format!("{SOC}soc.meta.json"));
    fetch(&client, "/liaison/v1/export/");
    fetch(&app.client("cert-b/siem"), SOC);
    assert_eq!(served(&app), [("cert-a/siem".to_owned(), INDICATORS.to_owned(), 2)], "once, and nobody else");
    let owner = app.client("cert-a/feed");
    let told = fetch(&owner, &format!("/liaison/v1/audit/recipients/{}/", id("indicator", 1))).json();
    assert_eq!(told["versions"][0]["recipients"][0]["client"], "cert-a/siem", "{told}");
}

#[test]
fn a_stix_file_has_what_its_objects_need_and_nothing_that_was_taken_back() {
    let exports = [export("soc", "ndjson", "types = [\"indicator\"]"), export("all", "ndjson", "")];
    let app = TestApp::with(&with(&exports)).start();
    let identity = json!({"type": "identity", "spec_version": "2.1", "id": id("identity", 1), "created": CREATED, "modified": CREATED, "name": "Us",
        "object_marking_refs": [Tlp::Green.marking_id()]});
    let statement = json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 2), "created": CREATED,
        "definition_type": "statement", "definition": {"statement": "Ours"}});
    let other = json!({"type": "malware", "spec_version": "2.1", "id": id("malware", 1), "created": CREATED, "modified": CREATED,
        "is_family": false, "revoked": true, "object_marking_refs": [Tlp::Amber.marking_id()]});
    let marks = json!([Tlp::Amber.marking_id(), statement["id"]]);
    let made = hash(1, &json!({"created_by_ref": identity["id"], "object_marking_refs": marks}));
    let query = indicator(2, 0, Tlp::Amber);
    let mut query = query.as_object().unwrap().clone();
    query.extend([("pattern_type".to_owned(), json!("x-kql")), ("pattern".to_owned(), json!("take 1"))]);
    publish(&app, &[identity, statement, other, made, Value::Object(query)]);
    let client = app.client("cert-a/siem");
    for name in ["soc", "all"] {
        let text = fetch(&client, &format!("/liaison/v1/export/{name}/")).text();
        let mut ids: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        ids.retain(|id| Tlp::Amber.marking_id() != id && Tlp::Green.marking_id() != id);
        ids.sort();
        assert_eq!(
            ids,
            [id("identity", 1), id("indicator", 1), id("indicator", 2), id("marking-definition", 2)],
            "{name}"
        );
    }
}

#[test]
fn values_of_an_older_database_are_there_after_the_next_start() {
    let app = start();
    let url =
        json!({"pattern": "[url:value = 'http://c2.example/gate']", "valid_until": "2999-01-01T00:00:00Z"});
    publish(&app, &[hash(1, &json!({})), hash(2, &json!({})), hash(3, &url)]);
    let before = fetch(&app.client("cert-a/siem"), SOC).text();
    assert_eq!(before.lines().count(), 3);
    let database = rusqlite::Connection::open(app.database()).unwrap();
    let rows = |database: &rusqlite::Connection| {
        let mut all =
            database.prepare("SELECT key, kind, value, source, more FROM atom ORDER BY key").unwrap();
        let row = |row: &rusqlite::Row| -> rusqlite::Result<[rusqlite::types::Value; 5]> {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
        };
        all.query_map([], row).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let written = rows(&database);
    database.execute_batch("DELETE FROM atom; DELETE FROM by_value; DELETE FROM meta WHERE name = 'by_value_floor'; INSERT INTO meta (name, value) VALUES ('atoms_wanted', 1);").unwrap();
    drop(database);
    app.restart();
    let database = rusqlite::Connection::open(app.database()).unwrap();
    assert_eq!(rows(&database), written);
    let wanted: i64 = database
        .query_row("SELECT count(*) FROM meta WHERE name = 'atoms_wanted'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(wanted, 0, "it is done once");
    assert_eq!(fetch(&app.client("cert-a/siem"), SOC).text(), before);
    // New values come behind those that were filled in.
    publish(&app, &[hash(4, &json!({}))]);
    assert_eq!(fetch(&app.client("cert-a/siem"), SOC).text().lines().count(), 4);
}
