//! Look-ups: which shared objects name a value, for whom, and that the audit log knows of it.

use crate::app::{Answer, Client, ELSEWHERE, ENDED, INDICATORS, MALWARE, PRIVATE, REGISTRY, TestApp};
use crate::sample::{CREATED, id, indicator, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

/// An indicator with a pattern, and whatever else it is to say.
fn named(n: u32, pattern: &str, more: &Value) -> Value {
    let mut object = indicator(n, 0, Tlp::Amber);
    object["pattern"] = pattern.into();
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn plain(n: u32, pattern: &str) -> Value {
    named(n, pattern, &json!({}))
}

fn ask(client: &Client, question: &Value) -> Answer {
    client.request(Method::POST, "/liaison/v1/lookup").body(question.to_string()).send()
}

#[track_caller]
fn look_up(client: &Client, values: &[&str]) -> Value {
    let answer = ask(client, &json!({ "values": values }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

/// `how value` of each hit of the one value asked.
#[track_caller]
fn hits(client: &Client, value: &str) -> Vec<String> {
    told(&look_up(client, &[value]))
}

fn told(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap();
    let hits = results.iter().flat_map(|looked| looked["hits"].as_array().unwrap());
    hits.map(|hit| format!("{} {}", hit["how"].as_str().unwrap(), hit["value"].as_str().unwrap())).collect()
}

/// The only hit.
#[track_caller]
fn hit(client: &Client, value: &str) -> Value {
    let answer = look_up(client, &[value]);
    let hits = answer["results"][0]["hits"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(hits.len(), 1, "{answer}");
    hits[0].clone()
}

fn sighting(n: u32, of: &Value, tlp: Tlp, count: u32) -> Value {
    json!({"type": "sighting", "spec_version": "2.1", "id": id("sighting", n), "created": CREATED, "modified": version(0),
        "sighting_of_ref": of["id"], "count": count, "last_seen": version(n), "object_marking_refs": [tlp.marking_id()]})
}

#[test]
fn values_meet_equal_ones_networks_domains_and_urls() {
    let app = TestApp::start();
    let patterns = [
        "[ipv4-addr:value = '198.51.100.7']",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/25']",
        "[ipv6-addr:value ISSUBSET '2001:db8:1::/48']",
        "[domain-name:value = 'evil.example']",
        "[url:value = 'http://c2.evil.example/gate']",
        "[url:value = 'http://198.51.100.7:81/x/']",
        "[email-addr:value = 'bad@evil.example' OR file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427f']",
        "[file:name = 'Invoice.exe']",
        "[autonomous-system:number = 64500]",
    ];
    let all: Vec<Value> = (0..).zip(patterns).map(|(n, pattern)| plain(n, pattern)).collect();
    app.client("cert-a/feed").publish(INDICATORS, &all);
    let reader = app.client("cert-b/siem");
    for (value, expected) in [
        (
            "198.51.100.7",
            &[
                "exact 198.51.100.7",
                "inside-network 198.51.100.0/25",
                "urls-of-host http://198.51.100.7:81/x/",
            ][..],
        ),
        ("198.51.100.8", &["inside-network 198.51.100.0/25"]),
        ("198.51.100.129", &[]),
        ("198.51.100.64/26", &["inside-network 198.51.100.0/25"]),
        ("198.51.100.0/25", &["exact 198.51.100.0/25"]),
        ("198.51.100.0/24", &[]),
        ("2001:DB8:1:0::9", &["inside-network 2001:db8:1::/48"]),
        ("2001:db8:2::9", &[]),
        ("Evil.Example.", &["exact evil.example"]),
        ("evil[.]example", &["exact evil.example"]),
        ("c2.evil.example", &["subdomain evil.example", "urls-of-host http://c2.evil.example/gate"]),
        ("notevil.example", &[]),
        ("http://evil.example/a", &["url-host evil.example"]),
        (
            "HTTP://c2.evil.example:80/gate?id=1#x",
            &["url-prefix http://c2.evil.example/gate", "subdomain evil.example"],
        ),
        ("http://c2.evil.example/gate", &["exact http://c2.evil.example/gate", "subdomain evil.example"]),
        ("http://c2.evil.example/gateway", &["subdomain evil.example"]),
        ("https://c2.evil.example/gate", &["subdomain evil.example"]),
        (
            "http://198.51.100.7:81/x/y",
            &[
                "url-prefix http://198.51.100.7:81/x/",
                "url-host 198.51.100.7",
                "inside-network 198.51.100.0/25",
            ],
        ),
        ("http://198.51.100.7:82/x/y", &["url-host 198.51.100.7", "inside-network 198.51.100.0/25"]),
        ("bad@evil.example", &["exact bad@evil.example", "subdomain evil.example"]),
        ("other@mail.evil.example", &["subdomain evil.example"]),
        ("D41D8CD98F00B204E9800998ECF8427F", &["exact d41d8cd98f00b204e9800998ecf8427f"]),
        ("Invoice.exe", &["exact Invoice.exe"]),
        ("AS64500", &["exact 64500"]),
        ("", &[]),
    ] {
        assert_eq!(hits(&reader, value), expected, "{value}");
    }
    // In bulk, with what is on no list and what is asked for twice.
    let answer = look_up(&reader, &["x.example", "evil.example", "198.51.100.8", "evil.example"]);
    assert_eq!(answer["looked_up"], 4);
    let places: Vec<_> = answer["results"].as_array().unwrap().iter().map(|one| one["at"].clone()).collect();
    assert_eq!(json!(places), json!([1, 2, 3]));
    assert_eq!(
        answer["collections"],
        json!([{"id": INDICATORS, "alias": "indicators", "title": "Indicators"}])
    );
}

#[test]
fn what_comes_later_is_found_and_what_goes_is_not() {
    let app = TestApp::start();
    let (publisher, reader) = (app.client("cert-a/feed"), app.client("cert-b/siem"));
    assert_eq!(hits(&reader, "203.0.113.9"), [""; 0]);
    publisher.publish(INDICATORS, &[plain(0, "[ipv4-addr:value ISSUBSET '203.0.113.8/30']")]);
    assert_eq!(hits(&reader, "203.0.113.9"), ["inside-network 203.0.113.8/30"]);
    let mut newer = indicator(0, 1, Tlp::Amber);
    newer["pattern"] = "[ipv4-addr:value = '203.0.113.77']".into();
    publisher.publish(INDICATORS, &[newer]);
    assert_eq!((hits(&reader, "203.0.113.9").len(), hits(&reader, "203.0.113.77").len()), (0, 1));
    app.restart();
    assert_eq!(hits(&app.client("cert-b/siem"), "203.0.113.77"), ["exact 203.0.113.77"]);
    app.client("cert-a/feed").delete(&crate::app::object_in(INDICATORS, &indicator(0, 0, Tlp::Amber)));
    assert_eq!(hits(&app.client("cert-b/siem"), "203.0.113.77"), [""; 0]);
}

#[test]
fn nothing_is_told_of_what_the_caller_does_not_see() {
    let app = TestApp::start();
    let marked = |n: u32, tlp: Tlp| {
        let mut object = plain(n, "[domain-name:value = 'evil.example']");
        object["object_marking_refs"] = json!([tlp.marking_id()]);
        object
    };
    let feed = app.client("cert-a/feed");
    feed.publish(INDICATORS, &[marked(0, Tlp::Green), marked(1, Tlp::Amber), marked(2, Tlp::Red)]);
    feed.publish(PRIVATE, &[marked(3, Tlp::Green)]);
    let elsewhere = json!({"objects": [marked(4, Tlp::Green)]}).to_string();
    let path = format!("/elsewhere/collections/{ELSEWHERE}/objects/");
    assert_eq!(feed.post(&path, elsewhere).json()["failure_count"], 0);
    let ids = |client: &str| {
        let answer = look_up(&app.client(client), &["x.evil.example"]);
        let mut ids: Vec<String> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|looked| looked["hits"].as_array().unwrap())
            .map(|hit| hit["id"].as_str().unwrap()[11..19].trim_start_matches('0').to_owned())
            .collect();
        ids.sort();
        (ids.join(","), answer["collections"].as_array().unwrap().len())
    };
    assert_eq!(ids("cert-a/siem"), (",1,2,3,4".to_owned(), 3));
    assert_eq!(ids("cert-a/guest"), (",3,4".to_owned(), 3));
    assert_eq!(ids("cert-b/siem"), (",1".to_owned(), 1));
    assert_eq!(ids("cert-c/feed"), ("3,4".to_owned(), 2));
    assert_eq!(ids("cert-a/ops"), (String::new(), 0));
    // Refused is as absent: to the byte, but for the collection's name.
    let reader = app.client("cert-b/siem");
    let refusal = |name: &str| {
        let answer = ask(&reader, &json!({"values": ["evil.example"], "collections": [name]}));
        assert_eq!(answer.status, 400, "{}", answer.text());
        answer.json()["title"].as_str().unwrap().replace(name, "NAME")
    };
    let none = refusal("00000000-0000-4000-8000-000000000000");
    assert!([PRIVATE, "private", ENDED, ELSEWHERE].iter().all(|name| refusal(name) == none), "{none}");
    let only = ask(&reader, &json!({"values": ["evil.example"], "collections": ["indicators"]})).json();
    assert_eq!(told(&only).len(), 2);
    let other = ask(&reader, &json!({"values": ["evil.example"], "collections": [MALWARE]})).json();
    assert_eq!(told(&other), [""; 0]);
}

#[test]
fn states_are_all_told_and_facts_are_those_of_the_object() {
    let app = TestApp::start();
    let author = liaison::registry::identity_of("cert-a");
    let about = json!({"confidence": 70, "name": "Gate", "labels": ["rsit:malicious-code=\"c2-server\"", "x"],
        "created_by_ref": author, "valid_until": "2099-01-01T00:00:00Z"});
    let all = [
        named(0, "[domain-name:value = 'active.example']", &about),
        named(1, "[domain-name:value = 'expired.example']", &json!({"valid_until": "2026-02-01T00:00:00Z"})),
        named(2, "[domain-name:value = 'pending.example']", &json!({"valid_from": "2090-01-01T00:00:00Z"})),
        named(3, "[domain-name:value = 'revoked.example']", &json!({"revoked": true})),
        json!({"type": "domain-name", "id": "domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5", "value": "example.com",
            "spec_version": "2.1", "object_marking_refs": [Tlp::Amber.marking_id()]}),
    ];
    let status = app.client("cert-a/feed").offer(INDICATORS, &all[..4]);
    assert_eq!(status["failure_count"], 0, "{status}");
    let reader = app.client("cert-b/siem");
    for state in ["active", "expired", "pending", "revoked"] {
        assert_eq!(hit(&reader, &format!("{state}.example"))["state"], state);
    }
    let found = hit(&reader, "active.example");
    let expected = json!({"how": "exact", "type": "domain-name", "value": "active.example", "id": all[0]["id"],
        "collection": INDICATORS, "name": "Gate", "confidence": 70, "state": "active", "tlp": "AMBER", "pap": "GREEN",
        "classification": "c2-server", "labels": about["labels"], "sources": ["CERT A"], "first_seen": "2026-01-01T00:00:00.000000Z",
        "valid_until": "2099-01-01T00:00:00.000000Z", "sightings": 0});
    assert_eq!(found, expected);
    // Who is not named is not told, and what is not known neither.
    let bare = hit(&reader, "revoked.example");
    let names = ["sources", "confidence", "last_seen", "valid_until"];
    assert!(names.iter().all(|name| bare.get(*name).is_none()), "{bare}");
    // Observables are no indicators.
    let status = app.client("cert-a/feed").offer(INDICATORS, &all[4..]);
    assert_eq!(status["failure_count"], 0, "{status}");
    let observable = hit(&reader, "example.com");
    assert!(observable.get("state").is_none() && observable.get("first_seen").is_none(), "{observable}");
}

#[test]
fn sightings_and_opinions_count_as_far_as_they_are_visible() {
    let app = TestApp::start();
    let feed = app.client("cert-a/feed");
    let of = plain(0, "[domain-name:value = 'seen.example' OR domain-name:value = 'too.example']");
    feed.publish(INDICATORS, &[of.clone(), plain(1, "[domain-name:value = 'other.example']")]);
    let said =
        [sighting(1, &of, Tlp::Amber, 1), sighting(2, &of, Tlp::Amber, 1), sighting(3, &of, Tlp::Red, 1)];
    feed.publish(INDICATORS, &said);
    let told = |client: &str, value: &str| {
        let hit = hit(&app.client(client), value);
        (hit["sightings"].as_u64().unwrap(), hit["last_seen"].as_str().map(|time| time[..13].to_owned()))
    };
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(told("cert-b/siem", "seen.example"), (2, time("2026-01-01T02")));
    assert_eq!(told("cert-b/siem", "too.example"), (2, time("2026-01-01T02")));
    assert_eq!(told("cert-a/siem", "seen.example"), (3, time("2026-01-01T03")));
    assert_eq!(told("cert-b/siem", "other.example"), (0, None));
    // Another organisation that disagrees is not enough; the one whose it is, named or not, is.
    let opinion = |n: u32, who: &str| {
        json!({"type": "opinion", "spec_version": "2.1", "id": id("opinion", n), "created": CREATED, "modified": version(0),
            "opinion": "disagree", "explanation": "ours", "created_by_ref": liaison::registry::identity_of(who),
            "object_refs": [of["id"]], "object_marking_refs": [Tlp::Amber.marking_id()]})
    };
    let state = || hit(&app.client("cert-b/siem"), "seen.example")["state"].clone();
    app.client("cert-b/feed").publish(INDICATORS, &[opinion(2, "cert-b")]);
    assert_eq!(state(), "active");
    app.client("cert-a/feed").publish(INDICATORS, &[opinion(1, "cert-a")]);
    assert_eq!(state(), "review");
    app.restart();
    assert_eq!((state(), told("cert-b/siem", "seen.example").0), (json!("review"), 2));
    // An opinion raises nothing, and one that is gone counts no more.
    app.client("cert-a/feed").delete(&crate::app::object_in(INDICATORS, &opinion(1, "cert-a")));
    assert_eq!(state(), "active");
}

#[test]
fn confidence_is_what_decay_has_left() {
    let decay = "[[decay]]\nid = \"slow\"\nlifetime_days = 36500\ndecay_speed = 1\nthreshold = 1\n\n[[agreement]]\nid = \"main\"";
    let registry = REGISTRY.replacen("[[agreement]]\nid = \"main\"", decay, 1);
    let registry = registry.replacen("title = \"Malware\"", "title = \"Malware\"\n  decay = \"slow\"", 1);
    let app = TestApp::with(&registry).start();
    let mut object = named(0, "[domain-name:value = 'old.example']", &json!({"confidence": 100}));
    for name in ["created", "modified", "valid_from"] {
        object[name] = "1980-01-01T00:00:00.000Z".into();
    }
    for collection in [INDICATORS, MALWARE] {
        app.client("cert-a/feed").publish(collection, std::slice::from_ref(&object));
    }
    let answer = look_up(&app.client("cert-b/siem"), &["old.example"]);
    let hits = answer["results"][0]["hits"].as_array().unwrap();
    let confidence = |collection: &str| {
        let hit = hits.iter().find(|hit| hit["collection"] == collection).unwrap();
        hit["confidence"].as_u64().unwrap()
    };
    assert_eq!(confidence(INDICATORS), 100);
    assert!((30..60).contains(&confidence(MALWARE)), "{answer}");
}

#[test]
fn questions_have_limits_that_are_told() {
    let app = TestApp::start();
    let reader = app.client("cert-b/siem");
    let refusal = |question: &Value| {
        let answer = ask(&reader, question);
        assert_eq!(answer.status, 400, "{}", answer.text());
        answer.json()["title"].as_str().unwrap().to_owned()
    };
    let many =
        |count: usize| json!({"values": (0..count).map(|n| format!("n{n}.example")).collect::<Vec<_>>()});
    assert_eq!(ask(&reader, &many(10_000)).json()["looked_up"], 10_000);
    assert!(refusal(&many(10_001)).contains("10001 values; at most 10000"));
    let long = |bytes: usize| json!({"values": ["a", "b".repeat(bytes)]});
    assert_eq!(ask(&reader, &long(4_096)).status, 200);
    assert!(refusal(&long(4_097)).contains("values[1] is longer than 4096 bytes"));
    assert!(refusal(&json!({"values": ["a"], "types": ["indicator"]})).contains("`indicator`"));
    assert!(refusal(&json!({"values": ["a"], "type": ["file"]})).contains("unknown field"));
    assert!(refusal(&json!({"value": "a"})).contains("values"));
    assert_eq!(reader.get("/liaison/v1/lookup").status, 405);
    let packed = reader.request(Method::POST, "/liaison/v1/lookup").header("content-encoding", "gzip");
    assert_eq!(packed.body("{}").send().status, 415);
    let small = TestApp::with(REGISTRY).max_content_length(1_000).start();
    assert_eq!(ask(&small.client("cert-b/siem"), &many(100)).status, 413);
}

#[test]
fn types_are_kept_to_and_warning_lists_are_told() {
    let app = TestApp::start();
    let pattern = "[file:name = 'a.example' OR domain-name:value = 'a.example']";
    app.client("cert-a/feed").publish(INDICATORS, &[plain(0, pattern)]);
    let reader = app.client("cert-b/siem");
    let types = |types: &[&str]| {
        let answer = ask(&reader, &json!({"values": ["a.example"], "types": types})).json();
        let hits = answer["results"][0]["hits"].as_array().cloned().unwrap_or_default();
        hits.iter().map(|hit| hit["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types(&["file"]), ["file:name"]);
    assert_eq!(types(&["domain-name"]), ["domain-name"]);
    assert_eq!(types(&["url", "ipv4-addr"]), [""; 0]);
    assert_eq!(hits(&reader, "a.example").len(), 2);
    let answer = look_up(&reader, &["10.1.2.3", "1.2.3.4"]);
    assert_eq!(answer["results"].as_array().unwrap().len(), 1, "{answer}");
    let warned = &answer["results"][0];
    assert_eq!((&warned["value"], warned["hits"].as_array().unwrap().len()), (&json!("10.1.2.3"), 0));
    assert_eq!(warned["warnings"][0]["action"], "review", "{answer}");
}

#[test]
fn values_that_are_too_common_have_fifty_hits_the_exact_ones_first() {
    let app = TestApp::start();
    let url = |n: u32| plain(n, &format!("[url:value = 'http://a.example/{n}']"));
    let same = |n: u32| plain(n, "[domain-name:value = 'b.example']");
    let feed = app.client("cert-a/feed");
    feed.publish(INDICATORS, &(0..300).map(url).collect::<Vec<_>>());
    feed.publish(INDICATORS, &(300..350).map(same).collect::<Vec<_>>());
    feed.publish(INDICATORS, &[plain(400, "[domain-name:value = 'a.example']")]);
    let reader = app.client("cert-b/siem");
    let looked = |value: &str| {
        let answer = look_up(&reader, &[value]);
        (told(&answer), answer["results"][0].get("more").is_some())
    };
    let (hits, more) = looked("a.example");
    assert_eq!((hits.len(), hits[0].as_str(), more), (50, "exact a.example", true));
    let (hits, more) = looked("b.example");
    assert_eq!((hits.len(), more), (50, false));
    feed.publish(INDICATORS, &[same(350)]);
    assert!(looked("b.example").1);
    // What is not seen makes nothing too common.
    let mut red = same(351);
    red["object_marking_refs"] = json!([Tlp::Red.marking_id()]);
    feed.delete(&crate::app::object_in(INDICATORS, &same(350)));
    feed.publish(INDICATORS, &[red]);
    assert!(!looked("b.example").1);
    assert!(look_up(&app.client("cert-a/siem"), &["b.example"])["results"][0].get("more").is_some());
}

#[test]
fn very_many_values_are_told_as_each_by_itself() {
    let app = TestApp::start();
    let publisher = app.client("cert-a/feed");
    // In two collections; some objects name many values; some values are named by more objects than are told.
    let several = |n: u32| {
        let count = if n.is_multiple_of(10) { 90 } else { 2 };
        let common = (100..160).contains(&n).then_some(7);
        let names = (n..n + count).chain(common).map(|k| format!("domain-name:value = 'a{k}.example'"));
        let pattern = names.collect::<Vec<_>>().join(" OR ");
        named(n, &format!("[{pattern}]"), &json!({"name": format!("\"{n}\" ]}}")}))
    };
    let objects: Vec<Value> = (0..600).map(several).collect();
    for objects in objects.chunks(100) {
        publisher.publish(INDICATORS, objects);
    }
    publisher.publish(PRIVATE, &objects[..50]);
    let reader = app.client("cert-a/siem");
    let value = |n: usize| match n % 4 {
        0 => format!("nowhere{n}.example"),
        1 => "10.1.2.3".to_owned(),
        _ => format!("x.a{}.example", n / 4),
    };
    let values: Vec<String> = (0..3_000).map(value).collect();
    let all = ask(&reader, &json!({ "values": values })).json();
    let mut expected: Vec<Value> = Vec::new();
    for (part, values) in values.chunks(150).enumerate() {
        let told = ask(&reader, &json!({ "values": values })).json();
        expected.extend(told["results"].as_array().unwrap().iter().cloned().map(|mut looked| {
            looked["at"] = (looked["at"].as_u64().unwrap() + part as u64 * 150).into();
            looked
        }));
    }
    assert!(expected.len() > 2_000 && all["looked_up"] == 3_000, "{}", expected.len());
    assert!(
        expected
            .iter()
            .any(|looked| looked["more"] == true && looked["hits"].as_array().unwrap().len() == 50)
    );
    assert!(all["results"].as_array().unwrap() == &expected, "they differ");
}

#[test]
fn who_looked_something_up_has_received_it() {
    let app = TestApp::start();
    let ids = [0, 1, 2].map(|n| id("indicator", n));
    let all = [0, 1, 2].map(|n| plain(n, &format!("[domain-name:value = 'n{n}.example']")));
    app.client("cert-a/feed").publish(INDICATORS, &all);
    look_up(&app.client("cert-b/siem"), &["n0.example", "x.n1.example", "n0.example", "none.example"]);
    look_up(&app.client("cert-b/feed"), &["none.example"]);
    std::thread::sleep(std::time::Duration::from_millis(2_200));
    let receivers = |id: &str| {
        let path = format!("/liaison/v1/audit/recipients/{id}");
        let answer = app.client("cert-a/feed").request(Method::GET, &path).send().json();
        let list = answer["versions"][0]["recipients"].as_array().unwrap().clone();
        list.iter()
            .map(|one| format!("{} {}", one["client"].as_str().unwrap(), one["how"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(receivers(&ids[0]), ["cert-b/siem objects"]);
    assert_eq!(receivers(&ids[1]), ["cert-b/siem objects"]);
    assert_eq!(receivers(&ids[2]), [""; 0]);
    let page = app.client("cert-a/audit").request(Method::GET, "/liaison/v1/audit").send().json();
    let records = page["records"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let records: Vec<Value> = records.map(|text| serde_json::from_str(text).unwrap()).collect();
    let served: Vec<&Value> = records.iter().filter(|record| record["view"] == "lookup").collect();
    assert_eq!(served.len(), 1, "{served:?}");
    let expected = json!({"id": [ids[0], ids[1]], "version": ["last"]});
    assert_eq!((&served[0]["filter"], &served[0]["objects"]), (&expected, &json!(2)));
    assert_eq!((&served[0]["by"], &served[0]["collection"]), (&json!("cert-b/siem"), &json!(INDICATORS)));
    assert!(!records.iter().any(|record| record.to_string().contains("n0.example")), "no values in the log");
}
