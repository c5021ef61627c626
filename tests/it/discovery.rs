//! Discovery and API roots (TAXII 2.1 §4.1, §4.2).

use crate::app::{REGISTRY, TestApp};
use crate::raw;
use serde_json::{Value, json};

fn roots(discovery: &Value) -> Vec<&str> {
    discovery["api_roots"].as_array().into_iter().flatten().map(|root| root.as_str().unwrap()).collect()
}

#[test]
fn discovery_lists_the_roots_that_the_client_may_use() {
    let app = TestApp::start();
    let of = |client: &str| app.client(client).get("/taxii2/").json();
    let (both, one) = (of("cert-a/feed"), of("cert-b/feed"));
    let url = app.url();
    assert_eq!(roots(&both), [format!("{url}/elsewhere/"), format!("{url}/exchange/")]);
    assert_eq!(roots(&one), [format!("{url}/exchange/")]);
    assert_eq!(both["default"], format!("{url}/elsewhere/"));
    assert_eq!((&both["title"], &both["description"]), (&json!("Test hub"), &json!("For tests")));
}

#[test]
fn a_client_without_roots_gets_discovery_without_the_list() {
    let app = TestApp::start();
    let answer = app.client("cert-a/ops").get("/taxii2/").json();
    assert_eq!(answer, json!({"title": "Test hub", "description": "For tests"}));
    let app = TestApp::with(&REGISTRY[..REGISTRY.find("[[agreement]]").unwrap()]).start();
    assert!(app.client("cert-a/feed").get("/taxii2/").json().get("api_roots").is_none());
}

#[test]
fn every_advertised_root_answers_at_the_url_advertised() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let found = client.get("/taxii2/").json();
    let mut bodies = Vec::new();
    for root in roots(&found) {
        let path = root.strip_prefix(&app.url()).unwrap();
        let answer = client.get(path);
        assert_eq!(answer.status, 200);
        bodies.push(answer.json());
    }
    assert_eq!(bodies.len(), 2);
    assert_ne!(bodies[0], bodies[1]);
    for body in bodies {
        assert_eq!(body["versions"], json!(["application/taxii+json;version=2.1"]));
        assert_eq!(body["max_content_length"], 10 * 1024 * 1024);
    }
}

#[test]
fn unknown_and_hidden_roots_are_not_found() {
    let app = TestApp::start();
    assert_eq!(app.client("cert-a/feed").get("/nowhere/").status, 404);
    assert_eq!(app.client("cert-b/feed").get("/elsewhere/").status, 404);
    assert_eq!(app.client("cert-b/feed").get("/elsewhere/collections/").status, 404);
    assert_eq!(app.client("cert-a/feed").get("/elsewhere/").status, 200);
}

#[test]
fn discovery_refuses_with_the_usual_codes() {
    let app = TestApp::start();
    assert_eq!(app.client("cert-a/nobody").get("/taxii2/").status, 401);
    let client = app.client("cert-a/feed");
    assert_eq!(
        client.request(reqwest::Method::GET, "/taxii2/").header("accept", "text/html").send().status,
        406
    );
    assert_eq!(client.get("/taxii2/more/").status, 404);
}

#[test]
fn a_path_without_its_last_slash_is_the_same_resource() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for path in ["/taxii2/", "/exchange/", "/exchange/collections/", "/exchange/collections/indicators/"] {
        let (with, without) = (client.get(path), client.get(path.trim_end_matches('/')));
        assert_eq!((with.status, &with.body), (200, &without.body), "{path}");
    }
    for path in ["manifest", "objects"] {
        let path = format!("/exchange/collections/indicators/{path}");
        assert_eq!(client.get(&path).status, 200, "{path}");
    }
}

#[test]
fn user_agent_is_not_needed() {
    let app = TestApp::start();
    let answer =
        raw::request(&app, "cert-a/feed", "GET /taxii2/", "Accept: application/taxii+json;version=2.1\r\n");
    assert_eq!(answer.status, 200);
}

#[test]
fn head_is_get_without_the_body() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(crate::app::INDICATORS, &crate::sample::ambers(0..3));
    let object = crate::app::object_in(crate::app::INDICATORS, &crate::sample::amber(0));
    let objects = crate::app::objects_of(crate::app::INDICATORS);
    let paths = [
        "/taxii2/",
        "/exchange/",
        "/exchange/collections/",
        "/exchange/collections/indicators/",
        "/exchange/collections/indicators/manifest/?limit=2",
        &objects,
        &object,
        &format!("{object}versions/"),
        "/exchange/collections/none/",
        "/exchange/collections/indicators/objects/?limit=0",
    ];
    for path in paths {
        let (get, head) = (client.get(path), client.head(path));
        assert_eq!(get.status, head.status, "{path}");
        assert_eq!(head.body, b"", "{path}");
        for name in ["content-type", "content-length", "x-taxii-date-added-first", "x-taxii-date-added-last"]
        {
            assert_eq!(get.header(name), head.header(name), "{path}: {name}");
        }
    }
}
