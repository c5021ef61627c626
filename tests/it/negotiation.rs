//! Media types (TAXII 2.1 §1.6.8, §3.1).

use crate::app::{INDICATORS, TAXII, TestApp, manifest_of, objects_of};
use crate::raw;
use crate::sample::amber;
use reqwest::Method;
use serde_json::json;

/// All spellings of the two defined types, and lists that hold one.
const ACCEPTED: [&str; 11] = [
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    "application/taxii+json ; version=2.1",
    "application/taxii+json;version=\"2.1\"",
    "Application/TAXII+json;Version=2.1",
    "application/taxii+json",
    "application/taxii+json;version=2.1;q=0.1, text/html",
    "text/html, application/taxii+json;q=0.001",
    "application/taxii+json;version=9.9, application/taxii+json",
    "text/x;a=\"b, c\", application/taxii+json;version=2.1",
    "application/taxii+json;charset=utf-8;version=2.1",
];

#[test]
fn an_accept_with_a_defined_type_is_never_406() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for accept in ACCEPTED {
        for path in ["/taxii2/", "/exchange/", &objects_of(INDICATORS), &manifest_of(INDICATORS)] {
            let answer = client.request(Method::GET, path).header("accept", accept).send();
            assert_eq!(answer.status, 200, "{accept} {path}");
            assert_eq!(answer.header("content-type"), Some(TAXII), "{accept} {path}");
        }
    }
}

#[test]
fn an_accept_without_version_is_answered_with_the_highest() {
    let app = TestApp::start();
    let answer = app
        .client("cert-a/feed")
        .request(Method::GET, "/taxii2/")
        .header("accept", "application/taxii+json")
        .send();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/taxii+json;version=2.1"))
    );
}

#[test]
fn wildcards_match_the_taxii_type() {
    let app = TestApp::start();
    for accept in ["*/*", "application/*", "application/json, text/plain, */*", "text/html;q=0.9,*/*;q=0.1"] {
        let answer =
            app.client("cert-a/feed").request(Method::GET, "/taxii2/").header("accept", accept).send();
        assert_eq!(answer.status, 200, "{accept}");
    }
}

#[test]
fn an_accept_that_names_only_other_types_is_406_with_an_error_message() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for accept in [
        "application/json",
        "text/html",
        "application/taxii+json;version=2.0",
        "application/vnd.oasis.taxii+json;version=2.0",
        "application/stix+json;version=2.1",
        "application/taxii+json;q=0",
        "",
        "nonsense",
    ] {
        let answer = client.request(Method::GET, &objects_of(INDICATORS)).header("accept", accept).send();
        assert_eq!(answer.status, 406, "{accept}");
        assert!(answer.json()["description"].as_str().unwrap().contains(TAXII));
    }
}

#[test]
fn several_accept_headers_count_as_one_list() {
    let app = TestApp::start();
    let headers = "Accept: text/html\r\nAccept: application/taxii+json;version=2.1\r\n";
    assert_eq!(raw::request(&app, "cert-a/feed", "GET /taxii2/", headers).status, 200);
}

#[test]
fn a_missing_accept_is_answered() {
    let app = TestApp::start();
    let answer = raw::request(&app, "cert-a/feed", "GET /taxii2/", "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(TAXII)));
}

#[test]
fn the_manifest_takes_the_accept_list_of_its_own_table() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let accept = "application/taxii+json;version=2.1, application/stix+json;version=2.1";
    let answer = client.request(Method::GET, &manifest_of(INDICATORS)).header("accept", accept).send();
    assert_eq!(answer.objects().len(), 1);
}

#[test]
fn a_post_with_a_defined_content_type_is_never_415() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for (n, content_type) in [
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        "application/taxii+json;version=\"2.1\"",
        "application/taxii+json",
        "Application/Taxii+JSON ; VERSION=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/stix+json;version=2.1",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"objects": [amber(n as u32)]}).to_string();
        let request = client.request(Method::POST, &objects_of(INDICATORS));
        let answer = request.header("content-type", content_type).body(body).send();
        assert_eq!((answer.status, &answer.json()["success_count"]), (202, &json!(1)), "{content_type}");
    }
}

#[test]
fn a_post_of_another_type_is_415_with_an_error_message() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for content_type in
        ["application/json", "text/plain", "application/taxii+json;version=2.0", "multipart/form-data", "x"]
    {
        let request = client.request(Method::POST, &objects_of(INDICATORS));
        let answer = request
            .header("content-type", content_type)
            .body(json!({"objects": [amber(1)]}).to_string())
            .send();
        assert_eq!(answer.status, 415, "{content_type}");
    }
    let answer = client.request(Method::POST, &objects_of(INDICATORS)).body("{}").send();
    assert_eq!(answer.status, 415);
    assert!(client.get(&objects_of(INDICATORS)).objects().is_empty());
}

#[test]
fn the_accept_of_a_post_is_negotiated_too() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let post = |accept: &str| {
        let request = client.request(Method::POST, &objects_of(INDICATORS)).header("accept", accept);
        request.header("content-type", TAXII).body(json!({"objects": [amber(1)]}).to_string()).send().status
    };
    assert_eq!(post("text/html"), 406);
    assert!(client.get(&objects_of(INDICATORS)).objects().is_empty(), "refused, so nothing may be stored");
    assert_eq!(post("application/taxii+json"), 202);
}

#[test]
fn a_content_type_on_get_does_not_matter() {
    let app = TestApp::start();
    let answer = app
        .client("cert-a/feed")
        .request(Method::GET, "/taxii2/")
        .header("content-type", "text/plain")
        .send();
    assert_eq!(answer.status, 200);
}
