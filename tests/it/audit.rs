//! The audit log: who received what, who may read of it, and that nothing changes in it unnoticed.

use crate::app::{Answer, Client, INDICATORS, MALWARE, TestApp, manifest_of, name, object_in, objects_of};
use crate::sample::{amber, ambers, id, indicator, malware, version};
use liaison::audit::proof::verify_consistency;
use liaison::audit::{Checkpoint, Hash, Verifier};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The pages noted until now are in the log after this.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(2_200));
}

fn ask(client: &Client, path: &str) -> Answer {
    // Not by `get`, which has it asked for again later, when the log has grown.
    client.request(Method::GET, &format!("/liaison/v1/audit{path}")).send()
}

/// All records that a client may see.
fn log(client: &Client) -> Vec<Value> {
    let (mut after, mut all): (Value, Vec<Value>) = (Value::Null, Vec::new());
    loop {
        let query = after.as_u64().map(|after| format!("?after={after}")).unwrap_or_default();
        let page = ask(client, &query).json();
        let records = page["records"].as_array().unwrap();
        all.extend(records.iter().map(|text| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap()));
        if page["after"] == after {
            return all;
        }
        after = page["after"].clone();
    }
}

fn of_kind(log: &[Value], kind: &str) -> Vec<Value> {
    log.iter().filter(|record| record["kind"] == kind).cloned().collect()
}

/// For each collection and `id version`: who received it, and whether the object itself.
type Received = BTreeMap<(String, String), BTreeMap<String, bool>>;

fn received(client: &Client, ids: &BTreeSet<String>) -> Received {
    let mut all = Received::new();
    for id in ids {
        let answer = ask(client, &format!("/recipients/{id}"));
        assert_eq!(answer.status, 200, "{id}: {}", answer.text());
        for found in answer.json()["versions"].as_array().unwrap() {
            let key = (found["collection"].as_str().unwrap().to_owned(), name(&with_id(found, id)));
            // A version that was deleted and came again is there twice.
            let known = all.entry(key).or_default();
            for one in found["recipients"].as_array().unwrap() {
                let client = one["client"].as_str().unwrap().to_owned();
                *known.entry(client).or_default() |= one["how"] == "objects";
            }
        }
    }
    all
}

fn with_id(found: &Value, id: &str) -> Value {
    json!({"id": id, "version": found["version"]})
}

/// A random walk of publishing, deleting and reading. What the answers held is the truth.
struct Walk<'a> {
    app: &'a TestApp,
    seed: u64,
    truth: Received,
    ids: BTreeSet<String>,
}

impl Walk<'_> {
    fn below(&mut self, end: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % end
    }

    fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[self.below(of.len() as u64) as usize]
    }

    fn step(&mut self) {
        let collection = self.one(&[INDICATORS, MALWARE]);
        match self.below(10) {
            0..4 => self.publish(collection),
            4 => self.delete(collection),
            _ => self.read(collection),
        }
    }

    fn publish(&mut self, collection: &str) {
        let owner = self.one(&["cert-a/feed", "cert-b/feed"]);
        let offset = if owner == "cert-a/feed" { 0 } else { 100 };
        let mut objects = Vec::new();
        for _ in 0..=self.below(3) {
            let (n, k) = (offset + self.below(6) as u32, self.below(5) as u32);
            let tlp = [Tlp::Green, Tlp::Amber, Tlp::Red][self.below(3) as usize];
            objects.push(if self.below(4) == 0 { malware(n, k) } else { indicator(n, k, tlp) });
        }
        let status = self.app.client(owner).offer(collection, &objects);
        for done in status["successes"].as_array().into_iter().flatten() {
            let id = done["id"].as_str().unwrap().to_owned();
            self.truth.entry((collection.to_owned(), name(done))).or_default();
            self.ids.insert(id);
        }
    }

    fn delete(&mut self, collection: &str) {
        let words = self.one(&["", "?match[version]=last", "?match[version]=first"]);
        let n = self.below(6) as u32;
        let object = indicator(n, 0, Tlp::Amber);
        let path = format!("{}{words}", object_in(collection, &object));
        self.app.client("cert-a/feed").delete(&path);
    }

    fn read(&mut self, collection: &str) {
        let client = self.one(&["cert-a/siem", "cert-a/guest", "cert-b/siem", "cert-b/feed", "cert-a/feed"]);
        let version = match self.below(6) {
            0 => "match[version]=all".to_owned(),
            1 => "match[version]=first".to_owned(),
            2 => format!("match[version]={}", version(self.below(5) as u32)),
            3 => format!("match[version]=last,{}", version(self.below(5) as u32)),
            _ => "x=y".to_owned(),
        };
        let kind = self.one(&["", "match[type]=indicator", "match[type]=malware,tool"]);
        let limit = 1 + self.below(4);
        let n = self.below(6) as u32;
        let query = format!("?{version}&limit={limit}&{kind}");
        let client_name = client.to_owned();
        let client = self.app.client(client);
        let reader = client_name.as_str();
        match self.below(5) {
            0 => self.note(
                &client.walk(&format!("{}{query}", manifest_of(collection))),
                collection,
                reader,
                false,
            ),
            1 => {
                let path = object_in(collection, &indicator(n, 0, Tlp::Amber));
                let answer = client.request(Method::GET, &format!("{path}{query}")).send();
                if answer.status == 200 {
                    self.note(&[answer], collection, reader, true);
                }
            }
            2 => {
                let path = format!("{}versions/", object_in(collection, &indicator(n, 0, Tlp::Amber)));
                let answer = client.request(Method::GET, &path).send();
                for version in if answer.status == 200 { answer.versions() } else { Vec::new() } {
                    let name = format!("{} {version}", id("indicator", n));
                    self.truth
                        .entry((collection.to_owned(), name))
                        .or_default()
                        .entry(client_name.clone())
                        .or_default();
                }
            }
            3 => {
                let path = format!("{}{query}&match[id]={}", objects_of(collection), id("indicator", n));
                self.note(&client.walk(&path), collection, reader, true);
            }
            _ => self.note(
                &client.walk(&format!("{}{query}", objects_of(collection))),
                collection,
                reader,
                true,
            ),
        }
    }

    fn note(&mut self, pages: &[Answer], collection: &str, client: &str, has_content: bool) {
        for name in pages.iter().flat_map(Answer::names) {
            let clients = self.truth.entry((collection.to_owned(), name)).or_default();
            *clients.entry(client.to_owned()).or_default() |= has_content;
        }
    }
}

#[test]
fn recipients_are_exactly_those_to_whom_a_version_was_sent() {
    for seed in 1..=4 {
        let app = TestApp::start();
        let mut walk = Walk { app: &app, seed, truth: Received::new(), ids: BTreeSet::new() };
        (0..150).for_each(|_| walk.step());
        settle();
        let found = received(&app.client("cert-a/audit"), &walk.ids);
        for (key, clients) in &walk.truth {
            assert_eq!(found.get(key), Some(clients), "seed {seed}: {key:?}");
        }
        assert_eq!(found.len(), walk.truth.len());
        // The same from the database, with the server gone.
        app.restart();
        assert_eq!(received(&app.client("cert-a/audit"), &walk.ids), found);
        // What is told to an organisation agrees with what its objects' recipients are.
        for organisation in ["cert-a", "cert-b"] {
            let told = log(&app.client(&format!("{organisation}/feed")));
            let to_whom: BTreeSet<_> = of_kind(&told, "served")
                .iter()
                .map(|one| one["client"].as_str().unwrap().to_owned())
                .collect();
            let offset = if organisation == "cert-a" { "0000000" } else { "0000006" };
            let own =
                found.iter().filter(|((_, name), _)| name.split("--").nth(1).unwrap().starts_with(offset));
            let want: BTreeSet<_> = own.flat_map(|(_, clients)| clients.keys().cloned()).collect();
            assert_eq!(to_whom, want, "{organisation}");
        }
    }
}

#[test]
fn others_are_told_of_their_own_objects_and_of_nothing_else() {
    let app = TestApp::start();
    let (a, b) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    a.publish(INDICATORS, &ambers(0..3));
    b.publish(INDICATORS, &ambers(10..12));
    app.client("cert-b/siem").walk(&format!("{}?match[id]={}", objects_of(INDICATORS), id("indicator", 0)));
    app.client("cert-a/siem").walk(&objects_of(INDICATORS));
    a.delete(&object_in(INDICATORS, &amber(2)));
    settle();
    let told_a = log(&a);
    let kinds: Vec<_> = told_a.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["publish", "deleted", "served", "served"]);
    let served = of_kind(&told_a, "served");
    let members: BTreeSet<_> = served[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["at", "client", "collection", "kind", "n", "objects", "view"]));
    let counts: Vec<_> = served
        .iter()
        .map(|one| (one["client"].as_str().unwrap(), one["objects"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("cert-b/siem", 1), ("cert-a/siem", 3)]);
    let told_b = log(&b);
    let served = of_kind(&told_b, "served");
    assert_eq!((told_b.len(), served.len()), (2, 1));
    assert_eq!((served[0]["client"].as_str(), served[0]["objects"].as_u64()), (Some("cert-a/siem"), Some(2)));
    // Recipients: of one's own, otherwise as if it were not there.
    let path = format!("/recipients/{}", id("indicator", 0));
    assert_eq!(ask(&a, &path).status, 200);
    let hidden = ask(&b, &path);
    let missing = ask(&b, &format!("/recipients/{}", id("indicator", 77)));
    let same = |answer: &Answer| {
        let mut json = answer.json();
        json["error_id"] = Value::Null;
        (answer.status, json)
    };
    assert_eq!(same(&hidden), same(&missing));
    assert_eq!(hidden.status, 404);
    assert_eq!(ask(&app.client("cert-c/feed"), &path).status, 404);
    assert_eq!(log(&app.client("cert-c/feed")), Vec::<Value>::new());
    for path in ["", path.as_str(), "/inclusion?record=0&size=1"] {
        assert_eq!(ask(&app.client("cert-a/ops"), path).status, 403, "{path}");
    }
    assert_eq!(ask(&a, "/inclusion?record=0&size=1").status, 403);
    // An object above a client's own ceiling is none of its business either.
    a.publish(INDICATORS, &[indicator(5, 0, Tlp::Red)]);
    let path = format!("/recipients/{}", id("indicator", 5));
    assert_eq!((ask(&a, &path).status, ask(&app.client("cert-a/guest"), &path).status), (200, 404));
}

#[test]
fn each_deed_is_recorded_with_who_did_it() {
    let app = TestApp::start();
    let a = app.client("cert-a/feed");
    a.publish(INDICATORS, &[indicator(1, 0, Tlp::Amber), indicator(2, 0, Tlp::Red)]);
    let bad = json!({"type": "indicator", "id": "evil.example", "modified": "secret"});
    a.offer(INDICATORS, &[indicator(1, 0, Tlp::Amber), indicator(1, 1, Tlp::Green), bad]);
    a.delete(&object_in(INDICATORS, &amber(2)));
    for _ in 0..5 {
        assert_eq!(app.client("cert-a/siem").post(&objects_of(INDICATORS), "{}").status, 403);
        assert_eq!(app.client("cert-z/feed").request(Method::GET, "/taxii2/").send().status, 401);
        assert_eq!(
            app.client("cert-b/feed")
                .request(Method::GET, "/exchange/collections/evil.example/")
                .send()
                .status,
            404
        );
    }
    a.head(&objects_of(INDICATORS));
    a.request(Method::GET, &format!("{}?added_after=2999-01-01T00:00:00Z", objects_of(INDICATORS))).send();
    settle();
    app.restart();
    let all = log(&app.client("cert-a/audit"));
    assert!(!serde_json::to_string(&all).unwrap().contains("evil"), "values stay out of the log");
    assert!(!serde_json::to_string(&all).unwrap().contains("secret"));
    assert_eq!(of_kind(&all, "registry").len(), 1);
    assert_eq!(of_kind(&all, "served"), Vec::<Value>::new(), "no page with an object went out");
    let publish = of_kind(&all, "publish");
    assert_eq!(publish.len(), 2);
    assert_eq!(publish[0]["by"], "cert-a/feed");
    assert_eq!(publish[0]["key"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&publish[0]["count"], &publish[0]["levels"]),
        (&json!(2), &json!({"TLP:AMBER": 1, "TLP:RED": 1}))
    );
    assert_eq!((&publish[1]["count"], &publish[1]["present"]), (&json!(1), &json!(1)));
    assert_eq!(publish[1]["refused"], json!([{"id": "", "version": "", "code": "content"}]));
    let lowered =
        json!([{"id": id("indicator", 1), "version": version(1), "from": "TLP:AMBER", "to": "TLP:GREEN"}]);
    assert_eq!(publish[1]["lowered"], lowered);
    let deleted = of_kind(&all, "deleted");
    assert_eq!(
        (&deleted[0]["id"], &deleted[0]["versions"]),
        (&json!(id("indicator", 2)), &json!([version(0)]))
    );
    let refused = of_kind(&all, "refused");
    let count = |what: &str| {
        refused
            .iter()
            .filter(|one| one["what"] == what)
            .map(|one| one["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((count("may_not_write"), count("unknown_client")), (5, 5));
    assert_eq!(refused.iter().map(|one| one["count"].as_u64().unwrap()).sum::<u64>(), 10, "{refused:?}");
    let place = format!("/exchange/collections/{INDICATORS}");
    assert!(refused.iter().any(|one| one["by"] == "cert-a/siem" && one["where"] == json!(place)));
    assert!(refused.iter().any(|one| one.get("by").is_none() && one["key"].as_str().unwrap().len() == 64));
    let started = of_kind(&all, "started");
    assert_eq!((of_kind(&all, "stopped").len(), &started[0]["by"]), (1, &json!("tester")));
}

#[test]
fn a_walk_through_many_pages_is_few_records() {
    let app = TestApp::with(crate::app::REGISTRY).page_max(5).start();
    app.client("cert-a/feed").publish(INDICATORS, &ambers(0..500));
    let pages = app.client("cert-b/siem").walk(&objects_of(INDICATORS));
    assert_eq!(pages.len(), 100);
    settle();
    let served = of_kind(&log(&app.client("cert-a/audit")), "served");
    let sum = |name: &str| served.iter().map(|one| one[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("pages"), sum("objects")), (100, 500));
    assert!(served.len() <= 5, "{} records", served.len());
}

#[test]
fn a_partner_checks_that_the_log_only_grew() {
    let app = TestApp::start();
    let b = app.client("cert-b/feed");
    settle();
    let latest = |client: &Client| {
        let answer = ask(client, "/checkpoint");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let key: Verifier = answer.json()["vkey"].as_str().unwrap().parse().unwrap();
        Checkpoint::open(answer.json()["checkpoint"].as_str().unwrap(), &[key]).unwrap()
    };
    let old = latest(&b);
    app.client("cert-a/feed").publish(INDICATORS, &ambers(0..3));
    // A checkpoint is signed when the server stops.
    app.restart();
    let b = app.client("cert-b/feed");
    let new = latest(&b);
    assert!(new.size > old.size, "{} {}", new.size, old.size);
    let answer = ask(&b, &format!("/consistency?old={}&new={}", old.size, new.size));
    let proof: Vec<Hash> = serde_json::from_value(answer.json()["proof"].clone()).unwrap();
    verify_consistency(old.size, &old.root, new.size, &new.root, &proof).unwrap();
    for query in ["?old=3", "?old=x&new=1", "?old=2&new=1", "?old=1&new=99999999", "?old=-1&new=1"] {
        assert_eq!(ask(&b, &format!("/consistency{query}")).status, 400, "{query}");
    }
    let auditor = app.client("cert-a/audit");
    let answer = ask(&auditor, &format!("/inclusion?record=1&size={}", new.size));
    let proof: Vec<Hash> = serde_json::from_value(answer.json()["proof"].clone()).unwrap();
    let record = ask(&auditor, "?after=0&limit=1").json()["records"][0].as_str().unwrap().to_owned();
    let leaf = Hash::leaf(record.as_bytes());
    liaison::audit::proof::verify_inclusion(&leaf, 1, new.size, &proof, &new.root).unwrap();
}

#[test]
fn who_audits_may_do_nothing_else() {
    let app = TestApp::start();
    let auditor = app.client("cert-a/audit");
    assert_eq!(ask(&auditor, "").status, 200);
    for path in ["/exchange/", &objects_of(INDICATORS), &manifest_of(INDICATORS)] {
        assert_eq!(auditor.request(Method::GET, path).send().status, 404, "{path}");
    }
    assert_eq!(auditor.post(&objects_of(INDICATORS), "{}").status, 404);
    for method in [Method::POST, Method::DELETE] {
        assert_eq!(auditor.request(method, "/liaison/v1/audit").send().status, 405);
    }
}
