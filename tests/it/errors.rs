//! Error messages (TAXII 2.1 §3.6), and inputs that must not bring the server down.

use crate::app::{INDICATORS, TAXII, TestApp, collection, manifest_of, object_in, objects_of};
use crate::raw;
use crate::sample::{amber, ambers};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::json;

#[test]
fn every_error_is_an_error_message_with_its_own_status() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    // What an error message must hold, `check.rs` demands of each answer.
    let mut found = Vec::new();
    found.push(client.get(&format!("{}?limit=0", objects_of(INDICATORS))).status);
    found.push(app.client("cert-a/nobody").get("/exchange/").status);
    found.push(app.client("cert-b/feed").get(&objects_of(crate::app::INBOX)).status);
    found.push(client.get("/exchange/nothing/").status);
    found.push(client.request(Method::PUT, "/exchange/").send().status);
    found.push(client.request(Method::GET, "/exchange/").header("accept", "text/html").send().status);
    found.push(
        client
            .request(Method::POST, &objects_of(INDICATORS))
            .header("content-type", "text/html")
            .body("x")
            .send()
            .status,
    );
    found.push(client.post(&objects_of(INDICATORS), "{}").status);
    assert_eq!(found, [400, 401, 403, 404, 405, 406, 415, 422]);
}

#[test]
fn each_error_has_an_id_of_its_own() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let id = || client.get("/exchange/nothing/").json()["error_id"].clone();
    assert_ne!(id(), id());
}

#[test]
fn unsupported_methods_are_405_with_allow() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let object = object_in(INDICATORS, &amber(1));
    let read_only = [
        "/taxii2/",
        "/exchange/",
        "/exchange/collections/",
        &collection(INDICATORS),
        &manifest_of(INDICATORS),
        "/exchange/status/x/",
    ];
    let versions = format!("{object}versions/");
    let mut table: Vec<(&str, &str)> = read_only.iter().map(|path| (*path, "GET, HEAD")).collect();
    let objects = objects_of(INDICATORS);
    table.extend([
        (versions.as_str(), "GET, HEAD"),
        (&objects, "GET, HEAD, POST"),
        (&object, "GET, HEAD, DELETE"),
    ]);
    for (path, allow) in table {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if allow.contains(method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = client.request(method.clone(), path).send();
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        }
    }
    assert_eq!(client.get(&object).objects(), [amber(1)]);
}

#[test]
fn a_range_header_is_ignored() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..5));
    let plain = client.get(&objects_of(INDICATORS));
    for range in ["bytes=0-9", "items 0-1", "items=0-1"] {
        let answer = client.request(Method::GET, &objects_of(INDICATORS)).header("range", range).send();
        assert_eq!((answer.status, &answer.body), (200, &plain.body), "{range}");
        assert!(answer.header("content-range").is_none());
    }
}

#[test]
fn conditional_headers_are_ignored() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for (name, value) in [
        ("if-none-match", "*"),
        ("if-modified-since", "Mon, 01 Jan 2035 00:00:00 GMT"),
        ("if-match", "\"x\""),
    ] {
        assert_eq!(
            client.request(Method::GET, &objects_of(INDICATORS)).header(name, value).send().status,
            200,
            "{name}"
        );
    }
}

#[test]
fn unknown_paths_are_404_with_an_error_message() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for path in [
        "/",
        "/exchange/x/",
        "/exchange/collections/indicators/x/",
        "/exchange/collections/indicators/objects/x/y/",
        "/exchange/collections/indicators/objects/x/versions/y/",
        "/exchange//collections/",
        "/taxii/",
        "/taxii2/collections/",
        "/EXCHANGE/",
        "/exchange/Collections/",
        "/console/",
        "/healthz",
        "/status",
    ] {
        assert_eq!(client.request(Method::GET, path).send().status, 404, "{path}");
    }
}

#[test]
fn strange_paths_are_400_or_404() {
    let app = TestApp::start();
    for path in [
        "/%65xchange/",
        "/exchange/%2e%2e/taxii2/",
        "/exchange/../../etc/passwd",
        "/exchange/%00/",
        "/exchange/%ff/",
        "/exchange/%",
        "/exchange/collections/%2Fobjects/",
    ] {
        let answer = raw::request(&app, "cert-a/feed", &format!("GET {path}"), "");
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        crate::check::assert_is("error", &answer.json(), path);
    }
}

#[test]
fn a_host_that_is_not_ours_is_misdirected() {
    let app = TestApp::start();
    let answer = raw::send(
        &app,
        "cert-a/feed",
        b"GET /taxii2/ HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(answer.status, 421);
    crate::check::assert_is("error", &answer.json(), "421");
}

#[test]
fn malformed_requests_are_400_and_never_5xx() {
    let app = TestApp::start();
    for text in [
        "GET /taxii2/ HTTP/1.1\r\n\r\n",
        "GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET /taxii2/ HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET  /taxii2/  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /exchange/collections/indicators/objects/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /exchange/collections/indicators/objects/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /exchange/collections/indicators/objects/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        "nonsense\r\n\r\n",
    ] {
        let answer = raw::send(&app, "cert-a/feed", text.as_bytes());
        assert_eq!(answer.status, 400, "{text}");
    }
}

#[test]
fn a_refused_post_does_not_leave_its_body_to_be_taken_for_a_request() {
    let app = TestApp::start();
    let smuggled = format!("DELETE {} HTTP/1.1\r\nHost: localhost\r\n\r\n", object_in(INDICATORS, &amber(1)));
    app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    let text = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{smuggled}",
        objects_of(INDICATORS),
        smuggled.len()
    );
    let answer = raw::send(&app, "cert-a/feed", text.as_bytes());
    assert_eq!((answer.status, answer.header("connection")), (415, Some("close")));
    assert_eq!(app.client("cert-a/feed").get(&objects_of(INDICATORS)).objects().len(), 1);
}

#[test]
fn an_expectation_we_do_not_know_is_417() {
    let app = TestApp::start();
    let answer = raw::request(&app, "cert-a/feed", "GET /taxii2/", "Expect: the-moon\r\n");
    assert_eq!(answer.status, 417);
}

#[test]
fn no_query_and_no_body_brings_a_5xx() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..3));
    let keys = [
        "match[id]",
        "match[version]",
        "match[type]",
        "match[spec_version]",
        "limit",
        "next",
        "added_after",
        "x",
    ];
    let parameter = (
        prop::sample::select(keys.to_vec()),
        "[ -~]{0,12}|[0-9]{1,25}|\\PC{0,6}|20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:.]{0,20}Z?",
    );
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(parameters in prop::collection::vec(parameter, 0..4), cut in 0_usize..400, at in 0_usize..400, byte in any::<u8>())| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        parameters.iter().for_each(|(key, value)| { query.append_pair(key, value); });
        let query = query.finish();
        for path in [objects_of(INDICATORS), manifest_of(INDICATORS), object_in(INDICATORS, &amber(1))] {
            // `check.rs` fails at any 5xx and at any answer that does not conform.
            client.request(Method::GET, &format!("{path}?{query}")).send();
        }
        let mut body = json!({"objects": [amber(7)]}).to_string().into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(body.len().saturating_sub(cut % 3));
        client.post(&objects_of(INDICATORS), body);
    });
}

#[test]
fn a_description_tells_the_sender_what_to_change() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let answer = client
        .request(Method::POST, &objects_of(INDICATORS))
        .header("content-type", "text/html")
        .body("x")
        .send();
    assert!(answer.json()["description"].as_str().unwrap().contains(TAXII));
}
