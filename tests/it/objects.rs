//! Getting and adding objects (TAXII 2.1 §5.3, §5.4, §5.5, §5.6).

use crate::app::{INBOX, INDICATORS, REGISTRY, TAXII, TestApp, manifest_of, name, object_in, objects_of};
use crate::raw;
use crate::sample::{CREATED, address, amber, ambers, id, indicator, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn a_post_is_answered_with_202_and_a_finished_status() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let answer = client.post(&objects_of(INDICATORS), json!({"objects": ambers(0..3)}).to_string());
    assert_eq!((answer.status, answer.header("content-type")), (202, Some(TAXII)));
    let status = answer.json();
    assert_eq!(
        (&status["status"], &status["total_count"], &status["success_count"]),
        (&json!("complete"), &json!(3), &json!(3))
    );
    let again = client.post(&objects_of(INDICATORS), json!({"objects": ambers(0..3)}).to_string());
    assert_eq!(again.status, 202, "also when everything is there already");
}

#[test]
fn successes_of_a_complete_status_are_readable_by_everybody_entitled() {
    let app = TestApp::start();
    let status = app.client("cert-a/feed").publish(INDICATORS, &ambers(0..20));
    let reader = app.client("cert-b/siem");
    for success in status["successes"].as_array().unwrap() {
        let path = format!("{}?match[id]={}", objects_of(INDICATORS), success["id"].as_str().unwrap());
        assert_eq!(
            reader.get(&path).names(),
            [format!("{} {}", success["id"].as_str().unwrap(), success["version"].as_str().unwrap())]
        );
    }
}

#[test]
fn an_object_comes_back_as_it_was_posted() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let text = concat!(
        r#"{"valid_from":"2026-01-01T00:00:00.000000Z","x_custom":{"b":1.0,"a":[1e3,-0.0,"\u00e9é\/"]},"pattern":"[url:value = 'x']","#,
        r#""pattern_type":"stix","modified":"2026-01-01T00:00:00.1000Z","created":"2026-01-01T00:00:00.000Z","type":"indicator","#,
        r#""id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","spec_version":"2.1","x_deep":{"n":null,"l":[]},"revoked":false}"#
    );
    assert_eq!(
        client.post(&objects_of(INDICATORS), format!("{{\"objects\":[{text}]}}")).json()["success_count"],
        1
    );
    let body = format!("{{\"objects\":[{text}]}}");
    assert_eq!(client.get(&objects_of(INDICATORS)).text(), body);
    assert_eq!(
        app.client("cert-b/siem")
            .get(&format!("{}indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f/", objects_of(INDICATORS)))
            .text(),
        body
    );
    assert_eq!(
        client.get(&manifest_of(INDICATORS)).objects()[0]["version"],
        "2026-01-01T00:00:00.1000Z",
        "verbatim"
    );
}

#[test]
fn posting_an_object_again_is_no_error_for_it() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let before = client.get(&manifest_of(INDICATORS)).body;
    let status = client.publish(INDICATORS, &[amber(1), amber(1)]);
    assert_eq!(status["success_count"], 2);
    assert!(status["successes"][0]["message"].as_str().unwrap().contains("already there"));
    assert_eq!(client.get(&manifest_of(INDICATORS)).body, before, "it keeps its date");
    let mut spelt = amber(1);
    spelt["revoked"] = json!(false);
    client.publish(INDICATORS, &[spelt]);
}

#[test]
fn the_same_version_with_other_content_fails() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let mut other = amber(1);
    other["pattern"] = json!("[url:value = 'other']");
    let status = client.offer(INDICATORS, &[other]);
    assert!(status["failures"][0]["message"].as_str().unwrap().contains("conflict"));
    assert_eq!(client.get(&objects_of(INDICATORS)).objects(), [amber(1)]);
}

#[test]
fn a_body_of_just_the_allowed_length_passes_and_one_byte_more_does_not() {
    let limit = 4_000_usize;
    let app = TestApp::with(REGISTRY).max_content_length(limit as u64).start();
    let client = app.client("cert-a/feed");
    assert_eq!(client.get("/exchange/").json()["max_content_length"], limit);
    let body = |length: usize, n| {
        let mut object = amber(n);
        object["description"] = json!("");
        let bare = json!({"objects": [object]}).to_string().len();
        object["description"] = json!("x".repeat(length - bare));
        json!({"objects": [object]}).to_string()
    };
    assert_eq!(body(limit, 1).len(), limit);
    assert_eq!(client.post(&objects_of(INDICATORS), body(limit, 1)).status, 202);
    assert_eq!(client.post(&objects_of(INDICATORS), body(limit + 1, 2)).status, 413);
    assert_eq!(client.post(&objects_of(INDICATORS), vec![b' '; 10 * limit]).status, 413);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TAXII}\r\nTransfer-Encoding: chunked\r\n\r\n",
        objects_of(INDICATORS)
    );
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", limit + 1, body(limit + 1, 2));
    assert_eq!(
        raw::send(&app, "cert-a/feed", format!("{head}{chunk}").as_bytes()).status,
        413,
        "without a declared length"
    );
    assert_eq!(client.get(&objects_of(INDICATORS)).objects().len(), 1);
}

#[test]
fn malformed_bodies_are_400_and_wrong_shapes_422() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let object = amber(1).to_string();
    for (body, status) in [
        (String::new(), 400),
        ("{".to_owned(), 400),
        ("null x".to_owned(), 400),
        (format!("{{\"objects\":[{object}]}} trailing"), 400),
        (format!("{{\"objects\":[{object}],}}"), 400),
        (format!("{{\"objects\":[{object}],\"objects\":[]}}"), 400),
        ("{\"objects\":[{\"id\":\"a\",\"i\\u0064\":\"b\"}]}".to_owned(), 400),
        ("{\"objects\":[{\"id\":\"\\ud800\"}]}".to_owned(), 400),
        ("{\"objects\":[{\"id\":NaN}]}".to_owned(), 400),
        ("{'objects':[]}".to_owned(), 400),
        (format!("\u{feff}{{\"objects\":[{object}]}}"), 400),
        (format!("{{\"objects\":{}{}}}", "[".repeat(100), "]".repeat(100)), 400),
        ("[]".to_owned(), 422),
        ("null".to_owned(), 422),
        ("{}".to_owned(), 422),
        ("{\"objects\":[]}".to_owned(), 422),
        ("{\"objects\":{}}".to_owned(), 422),
        ("{\"Objects\":[{}]}".to_owned(), 422),
        (format!("{{\"objects\":[{object},1]}}"), 422),
        (format!("{{\"objects\":[{}{{}}]}}", "{},".repeat(10_000)), 422),
    ] {
        let short: String = body.chars().take(60).collect();
        assert_eq!(client.post(&objects_of(INDICATORS), body).status, status, "{short}");
    }
    assert_eq!(
        client.post(&objects_of(INDICATORS), b"{\"objects\":[{\"id\":\"\xff\"}]}".as_slice()).status,
        400
    );
    assert!(client.get(&objects_of(INDICATORS)).objects().is_empty());
}

#[test]
fn big_integers_are_kept_exactly_and_what_no_double_holds_fails_its_object_only() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let with = |n: u32, number: &str| {
        amber(n).to_string().replace("\"pattern_type\"", &format!("\"x_n\":{number},\"pattern_type\""))
    };
    let numbers = ["9007199254740993", "-123456789012345678901234567890", "-1e400", "1e400"];
    let objects: Vec<String> = numbers.iter().enumerate().map(|(n, number)| with(n as u32, number)).collect();
    let status =
        client.post(&objects_of(INDICATORS), format!("{{\"objects\":[{}]}}", objects.join(","))).json();
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(2), &json!(2)));
    let page = client.get(&objects_of(INDICATORS)).text();
    assert!(numbers[..2].iter().all(|number| page.contains(&format!("\"x_n\":{number},"))), "{page}");
}

#[test]
fn good_objects_are_stored_and_bad_ones_named() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let mut bad: Vec<Value> = Vec::new();
    let mut wrong = |change: fn(&mut Value)| {
        let mut object = amber(100 + bad.len() as u32);
        change(&mut object);
        bad.push(object);
    };
    wrong(|o| o["id"] = json!("indicator--1"));
    wrong(|o| o["id"] = json!(id("malware", 5)));
    wrong(|o| drop(o.as_object_mut().unwrap().remove("id")));
    wrong(|o| drop(o.as_object_mut().unwrap().remove("type")));
    wrong(|o| drop(o.as_object_mut().unwrap().remove("modified")));
    wrong(|o| o["modified"] = json!("yesterday"));
    wrong(|o| o["modified"] = json!("2025-01-01T00:00:00Z"));
    wrong(|o| o["modified"] = json!("2999-01-01T00:00:00Z"));
    wrong(|o| o["spec_version"] = json!("2.0"));
    wrong(|o| o["object_marking_refs"] = json!("marking-definition--x"));
    let mixed: Vec<Value> =
        bad.iter().cloned().zip(ambers(0..20)).flat_map(|(bad, good)| [bad, good]).collect();
    let status = client.offer(INDICATORS, &mixed);
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(bad.len()), &json!(bad.len())));
    for failure in status["failures"].as_array().unwrap() {
        assert!(failure["message"].as_str().unwrap().contains('`'), "{failure} names the property");
    }
    assert_eq!(client.get(&objects_of(INDICATORS)).objects(), ambers(0..bad.len() as u32));
}

#[test]
fn a_bundle_is_taken_as_an_envelope() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let body = json!({"type": "bundle", "id": id("bundle", 1), "objects": [amber(1)]}).to_string();
    assert_eq!(client.post(&objects_of(INDICATORS), body).json()["success_count"], 1);
    let body = json!({"type": "bundle", "id": id("bundle", 1), "objects": [amber(2)]}).to_string();
    let request = client
        .request(Method::POST, &objects_of(INDICATORS))
        .header("content-type", "application/stix+json;version=2.1");
    assert_eq!(request.body(body).send().json()["success_count"], 1);
}

#[test]
fn unknown_members_of_an_envelope_are_ignored() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let body = json!({"more": true, "next": "x", "x_acme_1": 5, "date_added": "1999-01-01T00:00:00Z", "objects": [amber(1)]});
    assert_eq!(client.post(&objects_of(INDICATORS), body.to_string()).json()["success_count"], 1);
    let page = client.get(&objects_of(INDICATORS));
    assert_eq!((page.objects().len(), page.more()), (1, false));
    assert!(page.first().unwrap() > "2020");
}

const DOMAIN: [&str; 23] = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
    "relationship",
    "sighting",
    "language-content",
    "extension-definition",
];

const OBSERVABLE: [&str; 18] = [
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

#[test]
fn every_kind_of_stix_object_is_accepted() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");

    let mut objects: Vec<Value> = DOMAIN
        .iter()
        .map(|kind| json!({"type": kind, "spec_version": "2.1", "id": id(kind, 1), "created": CREATED, "modified": CREATED, "name": "n",
            "identity_class": "group", "country": "AA", "is_family": false, "product": "p", "result": "unknown", "content": "c",
            "object_refs": [id("ipv4-addr", 1)], "first_observed": CREATED, "last_observed": CREATED, "number_observed": 1,
            "opinion": "agree", "published": CREATED, "relationship_type": "related-to", "source_ref": id("indicator", 1),
            "target_ref": id("malware", 1), "sighting_of_ref": id("indicator", 1), "object_ref": id("indicator", 1), "context": "x",
            "object_modified": CREATED, "contents": {"de": {"name": "n"}}, "pattern": "[url:value = 'x']", "pattern_type": "stix", "valid_from": CREATED,
            "created_by_ref": id("identity", 5), "schema": "https://example.com/", "version": "1.0.0",
            "extension_types": ["property-extension"]}))
        .collect();
    objects.extend(OBSERVABLE.iter().map(|kind| {
        let value = match *kind {
            "ipv4-addr" => "198.51.100.3",
            "ipv6-addr" => "2001:db8::3",
            "mac-addr" => "00:00:5e:00:53:01",
            "email-addr" => "a@example.com",
            "url" => "https://example.com/",
            _ => "x.example",
        };
        let id = if *kind == "process" { id(kind, 1) } else { id(kind, 1).replace("-4000-", "-5000-") };
        json!({"type": kind, "id": id, "value": value, "name": "x", "number": 1, "path": "/x", "is_multipart": false,
            "protocols": ["tcp"], "src_ref": crate::sample::id("ipv4-addr", 1), "user_id": "u", "key": "HKEY_LOCAL_MACHINE\\x",
            "pid": 1, "serial_number": "1", "payload_bin": "AAAA", "subject": "s"})
    }));
    objects.push(json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 7), "created": CREATED,
        "definition_type": "statement", "definition": {"statement": "s"}}));
    objects.push(json!({"type": "x-acme-thing", "spec_version": "2.1", "id": id("x-acme-thing", 7), "created": CREATED, "modified": CREATED}));
    let status = client.publish(INDICATORS, &objects);
    assert_eq!(status["success_count"], 43);
    assert_eq!(client.get(&objects_of(INDICATORS)).objects(), objects);
    let versions = client.get(&manifest_of(INDICATORS)).objects();
    let version = |kind: &str| {
        versions.iter().find(|record| record["id"].as_str().unwrap().starts_with(kind)).unwrap()["version"]
            .clone()
    };
    assert_eq!(version("marking-definition"), CREATED, "`created` where there is no `modified`");
    assert_eq!(version("url"), crate::app::UNVERSIONED);
}

#[test]
fn new_versions_are_kept_beside_the_old() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for k in 0..5 {
        client.publish(INDICATORS, &[indicator(1, k, Tlp::Amber)]);
    }
    let all = client.get(&format!("{}?match[version]=all", object_in(INDICATORS, &amber(1))));
    assert_eq!(all.objects(), (0..5).map(|k| indicator(1, k, Tlp::Amber)).collect::<Vec<_>>());
}

#[test]
fn reading_takes_the_right_to_read_and_adding_the_right_to_write() {
    let app = TestApp::start();
    let (writer, reader) = (app.client("cert-b/feed"), app.client("cert-a/feed"));
    writer.publish(INBOX, &[amber(1)]);
    let object = object_in(INBOX, &amber(1));
    for path in [objects_of(INBOX), manifest_of(INBOX), object.clone(), format!("{object}versions/")] {
        assert_eq!(writer.get(&path).status, 403, "{path}");
        assert_eq!(reader.get(&path).status, 200, "{path}");
    }
    let body = json!({"objects": [amber(2)]}).to_string();
    assert_eq!(reader.post(&objects_of(INBOX), body).status, 403);
    assert_eq!(reader.get(&objects_of(INBOX)).objects().len(), 1);
}

#[test]
fn one_object_comes_in_an_envelope_with_its_latest_version() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[indicator(1, 2, Tlp::Amber), indicator(1, 1, Tlp::Amber), amber(2)]);
    let answer = client.get(&object_in(INDICATORS, &amber(1)));
    assert_eq!(answer.objects(), [indicator(1, 2, Tlp::Amber)]);
    assert_eq!(answer.first(), answer.last());
}

#[test]
fn filters_and_paging_work_on_one_object() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &(0..4).map(|k| indicator(1, k, Tlp::Amber)).collect::<Vec<_>>());
    let of = |query: &str| client.get(&format!("{}?{query}", object_in(INDICATORS, &amber(1))));
    let names = |ks: &[u32]| ks.iter().map(|k| name(&indicator(1, *k, Tlp::Amber))).collect::<Vec<_>>();
    assert_eq!(of("match[version]=first").names(), names(&[0]));
    assert_eq!(of(&format!("match[version]={},last", version(1))).names(), names(&[1, 3]));
    assert_eq!(of("match[version]=all&limit=3").names(), names(&[0, 1, 2]));
    let last = of("match[version]=all&limit=3").last().unwrap().to_owned();
    assert_eq!(of(&format!("match[version]=all&added_after={last}")).names(), names(&[3]));
    let next = of("match[version]=all&limit=2").next().unwrap();
    assert_eq!(of(&format!("match[version]=all&next={next}")).names(), names(&[2, 3]));
    assert_eq!(of("match[spec_version]=2.1").names(), names(&[3]));
}

#[test]
fn an_object_with_nothing_for_the_filter_is_an_empty_envelope_and_an_unknown_one_is_not_found() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let object = object_in(INDICATORS, &amber(1));
    for query in
        ["match[version]=1999-01-01T00:00:00Z", "match[spec_version]=2.0", "added_after=2999-01-01T00:00:00Z"]
    {
        let answer = client.get(&format!("{object}?{query}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"), "{query}");
    }
    for unknown in
        [id("indicator", 9), id("malware", 1), "nonsense".to_owned(), id("indicator", 1).to_uppercase()]
    {
        assert_eq!(client.get(&format!("{}{unknown}/", objects_of(INDICATORS))).status, 404, "{unknown}");
    }
    assert_eq!(client.get(&object_in(crate::app::MALWARE, &amber(1))).status, 404, "another collection");
}

#[test]
fn an_empty_collection_gives_empty_resources_without_dates() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for path in [objects_of(INDICATORS), manifest_of(INDICATORS)] {
        let answer = client.get(&path);
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
        assert_eq!((answer.first(), answer.last()), (None, None));
    }
}

#[test]
fn manifest_and_objects_have_the_same_members_in_the_same_order() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(
        INDICATORS,
        &[indicator(1, 3, Tlp::Amber), address(1), indicator(1, 1, Tlp::Amber), amber(2)],
    );
    for query in [
        "",
        "match[version]=all",
        "match[version]=first",
        "match[type]=indicator",
        "limit=2",
        "match[version]=all&limit=3",
    ] {
        let (objects, manifest) = (
            client.get(&format!("{}?{query}", objects_of(INDICATORS))),
            client.get(&format!("{}?{query}", manifest_of(INDICATORS))),
        );
        assert_eq!(objects.names(), manifest.names(), "{query}");
        assert_eq!(
            (objects.first(), objects.last(), objects.more()),
            (manifest.first(), manifest.last(), manifest.more()),
            "{query}"
        );
    }
}

#[test]
fn date_added_is_the_servers_clock() {
    static NOW: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1_800_000_000_000_000);
    let app = TestApp::with(REGISTRY)
        .clock(|| liaison::stix::Timestamp::from_micros(NOW.load(std::sync::atomic::Ordering::SeqCst)))
        .start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    assert_eq!(client.get(&objects_of(INDICATORS)).last(), Some("2027-01-15T08:00:00.000000Z"));
    NOW.fetch_sub(3_600_000_000, std::sync::atomic::Ordering::SeqCst);
    client.publish(INDICATORS, &[amber(2)]);
    assert_eq!(
        client.get(&objects_of(INDICATORS)).last(),
        Some("2027-01-15T08:00:00.001000Z"),
        "never backwards"
    );
}

#[test]
fn a_compressed_body_is_refused() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let request = client.request(Method::POST, &objects_of(INDICATORS)).header("content-type", TAXII);
    let answer = request.header("content-encoding", "gzip").body("x").send();
    assert_eq!((answer.status, answer.header("accept-encoding")), (415, Some("identity")));
}
