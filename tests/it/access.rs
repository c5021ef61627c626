//! Who may do what (TAXII 2.1 §1.6.9, §8.2.2), and that what is hidden looks like what is not there.

use crate::app::{
    Answer, Client, ENDED, INDICATORS, PRIVATE, REGISTRY, TestApp, collection, manifest_of, object_in,
    objects_of,
};
use crate::raw;
use crate::sample::{amber, id, indicator};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::json;

/// Every endpoint with every method it takes.
fn endpoints(id: &str) -> Vec<(Method, String)> {
    let object = object_in(id, &amber(1));
    let reads = ["/taxii2/".to_owned(), "/exchange/".to_owned(), "/exchange/collections/".to_owned()];
    let of_collection =
        [collection(id), manifest_of(id), objects_of(id), object.clone(), format!("{object}versions/")];
    let mut all: Vec<(Method, String)> =
        reads.into_iter().chain(of_collection).map(|path| (Method::GET, path)).collect();
    all.push((Method::GET, "/exchange/status/11111111-1111-4111-8111-111111111111/".to_owned()));
    all.push((Method::POST, objects_of(id)));
    all.push((Method::DELETE, object));
    all
}

#[test]
fn a_certificate_that_no_registry_names_gets_401_with_a_challenge_everywhere() {
    let app = TestApp::start();
    app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    for name in ["cert-a/nobody", "cert-z/feed"] {
        let client = app.client(name);
        let mut requests = endpoints(INDICATORS);
        requests.push((Method::GET, "/unknown/".to_owned()));
        requests.push((Method::OPTIONS, "/taxii2/".to_owned()));
        requests.push((Method::HEAD, "/taxii2/".to_owned()));
        for (method, path) in requests {
            let answer = client.request(method.clone(), &path).send();
            assert_eq!(answer.status, 401, "{name} {method} {path}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("ClientCertificate"), "{challenge}");
        }
    }
    assert_eq!(app.client("cert-a/feed").get(&objects_of(INDICATORS)).objects().len(), 1);
}

#[test]
fn a_client_taken_out_of_the_registry_gets_401_on_its_open_connection() {
    let app = TestApp::start();
    let client = app.client("cert-a/siem");
    assert_eq!(client.get(&objects_of(INDICATORS)).status, 200);
    let locked = REGISTRY.replacen(
        "id = \"siem\"\n  role = \"consumer\"",
        "id = \"siem\"\n  role = \"consumer\"\n  revoked = true",
        1,
    );
    app.apply(&locked);
    assert_eq!(client.request(Method::GET, &objects_of(INDICATORS)).send().status, 401);
    assert_eq!(app.client("cert-b/siem").get(&objects_of(INDICATORS)).status, 200, "nobody else");
    app.apply(REGISTRY);
}

#[test]
fn authorization_headers_are_no_identity_whatever_their_spelling() {
    let app = TestApp::start();
    for scheme in ["Basic", "basic", "BASIC", "Bearer"] {
        let header = format!("{scheme} Y2VydC1hL2ZlZWQ6eA==");
        let known = app
            .client("cert-b/siem")
            .request(Method::GET, "/taxii2/")
            .header("authorization", header.as_str())
            .send();
        assert_eq!(known.status, 200, "a client that sends it beside its certificate is served");
        let unknown = app
            .client("cert-a/nobody")
            .request(Method::GET, "/taxii2/")
            .header("authorization", header.as_str())
            .send();
        assert_eq!(unknown.status, 401, "{scheme}");
    }
}

#[test]
fn no_header_changes_who_the_caller_is() {
    let app = TestApp::start();
    app.client("cert-a/feed").publish(INDICATORS, &[indicator(1, 0, Tlp::Red)]);
    let client = app.client("cert-b/siem");
    for (name, value) in [
        ("x-forwarded-client-cert", "URI=urn:liaison:cert-a:feed"),
        ("x-ssl-client-s-dn", "CN=cert-a/feed"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-http-method-override", "DELETE"),
        ("synchronized-upsert", "true"),
    ] {
        let answer = client.request(Method::GET, &objects_of(INDICATORS)).header(name, value).send();
        assert_eq!(answer.text(), "{}", "{name}");
    }
}

#[test]
fn each_role_has_its_rights() {
    let app = TestApp::start();
    let body = || json!({"objects": [amber(1)]}).to_string();
    let rights = |name: &str| {
        let client = app.client(name);
        [
            client.get(&collection(INDICATORS)).status,
            client.get(&objects_of(INDICATORS)).status,
            client.post(&objects_of(INDICATORS), body()).status,
        ]
    };
    assert_eq!(rights("cert-a/feed"), [200, 200, 202]);
    assert_eq!(rights("cert-a/siem"), [200, 200, 403]);
    assert_eq!(rights("cert-a/ops"), [404, 404, 404], "the operator runs the hub and reads nothing");
    assert_eq!(rights("cert-a/audit"), [404, 404, 404]);
    assert_eq!(rights("cert-c/feed"), [404, 404, 404], "no party of the agreement");
}

#[test]
fn the_certificate_alone_decides_for_all_collection_data() {
    let app = TestApp::start();
    let levels = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
    let objects: Vec<_> = levels.iter().enumerate().map(|(n, tlp)| indicator(n as u32, 0, *tlp)).collect();
    app.client("cert-a/feed").publish(INDICATORS, &objects);
    for (name, count) in
        [("cert-a/feed", 5), ("cert-a/siem", 5), ("cert-b/feed", 4), ("cert-b/siem", 4), ("cert-a/guest", 2)]
    {
        assert_eq!(app.client(name).get(&objects_of(INDICATORS)).objects(), objects[..count], "{name}");
        assert_eq!(app.client(name).get(&manifest_of(INDICATORS)).objects().len(), count, "{name}");
    }
}

/// An answer without what differs between any two: ids asked for, the error's own id, the date.
fn masked(answer: &Answer, ids: &[&str]) -> (u16, Vec<(String, String)>, String) {
    let mut text = answer.text();
    let json = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
    if let Some(error_id) = json["error_id"].as_str() {
        text = text.replace(error_id, "ERROR");
    }
    ids.iter().for_each(|id| text = text.replace(id, "ID"));
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, text)
}

#[track_caller]
fn assert_same(client: &Client, method: &Method, hidden: &str, missing: &str, ids: &[&str]) {
    let send = |path: &str| {
        let request = client.request(method.clone(), path);
        let request = match *method {
            Method::POST => request
                .header("content-type", crate::app::TAXII)
                .body(json!({"objects": [amber(5)]}).to_string()),
            _ => request,
        };
        masked(&request.send(), ids)
    };
    assert_eq!(send(hidden), send(missing), "{method} {hidden}");
}

#[test]
fn hidden_and_missing_collections_give_equal_answers() {
    let app = TestApp::start();
    app.client("cert-a/feed").publish(PRIVATE, &[amber(1)]);
    let missing = "11111111-1111-4111-8111-111111111111";
    let client = app.client("cert-b/feed");
    for (method, path) in endpoints(PRIVATE).into_iter().filter(|(_, path)| path.contains(PRIVATE)) {
        assert_same(&client, &method, &path, &path.replace(PRIVATE, missing), &[PRIVATE, missing]);
        assert_same(
            &client,
            &method,
            &path.replace(PRIVATE, "private"),
            &path.replace(PRIVATE, "nothing"),
            &["private", "nothing"],
        );
    }
    assert_same(&client, &Method::GET, "/elsewhere/", "/nowhere99/", &["elsewhere", "nowhere99"]);
}

#[test]
fn hidden_and_missing_objects_give_equal_answers() {
    let app = TestApp::start();
    app.client("cert-a/feed")
        .publish(INDICATORS, &[indicator(1, 0, Tlp::Red), indicator(1, 1, Tlp::Red), amber(3)]);
    let client = app.client("cert-b/feed");
    let (hidden, missing) = (id("indicator", 1), id("indicator", 2));
    let objects = objects_of(INDICATORS);
    for query in ["", "?match[version]=all", "?limit=1", "?match[version]=2026-01-01T00:00:00.000Z"] {
        for (method, suffix) in
            [(Method::GET, "/"), (Method::HEAD, "/"), (Method::GET, "/versions/"), (Method::DELETE, "/")]
        {
            let path = |id: &str| format!("{objects}{id}{suffix}{query}");
            assert_same(&client, &method, &path(&hidden), &path(&missing), &[&hidden, &missing]);
        }
    }
    for base in [objects, manifest_of(INDICATORS)] {
        let path = |id: &str| format!("{base}?match[id]={id}");
        assert_same(&client, &Method::GET, &path(&hidden), &path(&missing), &[]);
    }
    let status = app.client("cert-a/feed").publish(INDICATORS, &[amber(4)]);
    let (hidden, missing) = (status["id"].as_str().unwrap(), "11111111-1111-4111-8111-111111111111");
    let path = |id: &str| format!("/exchange/status/{id}/");
    assert_same(&client, &Method::GET, &path(hidden), &path(missing), &[hidden, missing]);
}

#[test]
fn an_agreement_out_of_its_dates_is_403_for_its_parties_and_hidden_from_others() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    assert_eq!(client.get(&collection(ENDED)).status, 200);
    let answer = client.get(&objects_of(ENDED));
    assert_eq!(answer.status, 403);
    assert!(answer.json()["title"].as_str().unwrap().contains("`ended` is not in force"));
    assert_eq!(client.post(&objects_of(ENDED), "{}").status, 403);
    assert_eq!(client.delete(&object_in(ENDED, &amber(1))).status, 403);
    assert_eq!(app.client("cert-c/feed").get(&objects_of(ENDED)).status, 404);
}

#[test]
fn nobody_speaks_for_another_organisation() {
    let app = TestApp::start();
    let mut forged = amber(1);
    forged["created_by_ref"] = json!(liaison::registry::identity_of("cert-a"));
    let status = app.client("cert-b/feed").offer(INDICATORS, &[forged.clone()]);
    assert!(status["failures"][0]["message"].as_str().unwrap().contains("another organisation"));
    app.client("cert-a/feed").publish(INDICATORS, &[forged]);
    let status = app.client("cert-b/feed").offer(INDICATORS, &[indicator(1, 9, Tlp::Clear)]);
    assert_eq!(status["failure_count"], 1, "nor adds versions to what is not its own");
}

#[test]
fn a_registry_change_takes_effect_on_pages_already_kept() {
    let app = TestApp::start();
    app.client("cert-a/feed")
        .publish(INDICATORS, &[indicator(1, 0, Tlp::Amber), indicator(2, 0, Tlp::Green)]);
    let client = app.client("cert-b/siem");
    assert_eq!(client.get(&objects_of(INDICATORS)).objects().len(), 2);
    let from = REGISTRY.find("id = \"cert-b\"").unwrap();
    let (before, after) = REGISTRY.split_at(from);
    app.apply(&format!(
        "{before}{}",
        after.replacen(
            "id = \"siem\"\n  role = \"consumer\"",
            "id = \"siem\"\n  role = \"consumer\"\n  tlp_max = \"GREEN\"",
            1
        )
    ));
    assert_eq!(client.get(&objects_of(INDICATORS)).objects().len(), 1);
}

#[test]
fn whoami_needs_a_known_certificate_too() {
    let app = TestApp::start();
    assert_eq!(app.client("cert-a/nobody").get("/liaison/v1/whoami").status, 401);
    assert_eq!(
        app.client("cert-a/feed").request(Method::GET, "/liaison/v1/whoami").send().json()["client"],
        "cert-a/feed"
    );
    assert_eq!(
        raw::request(&app, "cert-b/siem", "GET /liaison/v1/whoami", "").json()["organisation"],
        "cert-b"
    );
}
