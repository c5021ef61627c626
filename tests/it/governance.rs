//! Who reads what, as markings and the registry say, through the whole hub.

use crate::app::{INDICATORS, MALWARE, REGISTRY, TestApp, object_in, objects_of};
use crate::sample::{self, CREATED, id, indicator, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

const RELEASABILITY: &str = "extension-definition--3a279e9a-6ac9-4ea4-bfd5-59d5078e01c5";
const HANDLING: &str = "extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb";

/// Without a marking.
fn malware(n: u32) -> Value {
    let mut object = sample::malware(n, 0);
    object.as_object_mut().unwrap().remove("object_marking_refs");
    object
}

fn with_level(mut object: Value, tlp: Tlp) -> Value {
    object["object_marking_refs"] = json!([tlp.marking_id()]);
    object
}

fn relation(n: u32, source: &Value, target: &Value, tlp: Tlp) -> Value {
    with_level(
        json!({
            "type": "relationship", "spec_version": "2.1", "id": id("relationship", n),
            "created": CREATED, "modified": version(0), "relationship_type": "related-to",
            "source_ref": source["id"], "target_ref": target["id"],
        }),
        tlp,
    )
}

fn marking(n: u32, extension: &str, says: Value) -> Value {
    let mut says = says;
    says["extension_type"] = json!("property-extension");
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", n),
        "created": CREATED, "name": "m", "extensions": {extension: says},
    })
}

/// The ids that a client reads, sorted.
fn reads(app: &TestApp, client: &str, collection: &str) -> Vec<String> {
    let objects = app.client(client).request(Method::GET, &objects_of(collection)).send().objects();
    let mut ids: Vec<String> =
        objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn sees(app: &TestApp, client: &str, collection: &str, object: &Value) -> bool {
    reads(app, client, collection).contains(&object["id"].as_str().unwrap().to_owned())
}

fn publish(app: &TestApp, objects: &[Value]) {
    app.client("cert-a/feed").publish(INDICATORS, objects);
}

fn failure(app: &TestApp, collection: &str, objects: &[Value]) -> String {
    let status = app.client("cert-a/feed").offer(collection, objects);
    status["failures"][0]["message"].as_str().unwrap_or_else(|| panic!("{status}")).to_owned()
}

/// cert-a/guest reads up to GREEN, cert-a/siem everything.
#[test]
fn a_relationship_is_as_high_as_its_ends_in_whichever_order_they_come() {
    let app = TestApp::start();
    let (low, high) = (with_level(malware(1), Tlp::Green), with_level(malware(2), Tlp::Amber));
    let first = relation(1, &low, &high, Tlp::Clear);
    let later = relation(2, &high, &low, Tlp::Clear);
    let plain = relation(3, &low, &low, Tlp::Clear);
    publish(&app, std::slice::from_ref(&first));
    publish(&app, std::slice::from_ref(&plain));
    assert!(sees(&app, "cert-a/guest", INDICATORS, &first), "its ends are not there yet");
    publish(&app, std::slice::from_ref(&low));
    assert!(sees(&app, "cert-a/guest", INDICATORS, &first));
    publish(&app, std::slice::from_ref(&high));
    publish(&app, std::slice::from_ref(&later));
    for object in [&first, &later] {
        assert!(!sees(&app, "cert-a/guest", INDICATORS, object), "{object}");
        assert!(sees(&app, "cert-a/siem", INDICATORS, object), "{object}");
    }
    assert!(sees(&app, "cert-a/guest", INDICATORS, &plain));
    app.restart();
    assert!(!sees(&app, "cert-a/guest", INDICATORS, &first));
    // A later version of an end raises what is about it, after a restart as well.
    let mut raised = with_level(malware(1), Tlp::AmberStrict);
    raised["modified"] = json!(version(5));
    publish(&app, std::slice::from_ref(&raised));
    assert!(!sees(&app, "cert-a/guest", INDICATORS, &plain));
    assert!(sees(&app, "cert-b/siem", INDICATORS, &plain));
}

#[test]
fn a_relationship_in_one_envelope_with_its_ends_is_as_high_as_they_are() {
    let app = TestApp::start();
    let (one, other) = (with_level(malware(1), Tlp::Green), with_level(malware(2), Tlp::Amber));
    for (n, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].into_iter().enumerate() {
        let relation = relation(10 + n as u32, &one, &other, Tlp::Clear);
        let all = [one.clone(), relation.clone(), other.clone()];
        let all = order.map(|at| all[at].clone());
        publish(&app, &all);
        assert!(!sees(&app, "cert-a/guest", INDICATORS, &relation));
        assert!(sees(&app, "cert-a/siem", INDICATORS, &relation));
    }
}

#[test]
fn versions_of_a_raised_relationship_stay_the_versions_that_they_are() {
    let app = TestApp::start();
    let (one, other) = (with_level(malware(1), Tlp::Clear), with_level(malware(2), Tlp::Amber));
    let first = relation(1, &one, &other, Tlp::Clear);
    let mut second = relation(1, &one, &one, Tlp::Clear);
    second["modified"] = json!(version(1));
    publish(&app, &[first, second.clone(), one]);
    publish(&app, &[other]);
    // Of both versions the first one alone was about what is higher, but they are one object.
    let path = object_in(INDICATORS, &second);
    let siem = app.client("cert-a/siem").request(Method::GET, &format!("{path}?match[version]=all")).send();
    assert_eq!(siem.objects().len(), 2);
    assert_eq!(app.client("cert-a/siem").request(Method::GET, &path).send().objects(), [second]);
    assert_eq!(app.client("cert-a/guest").request(Method::GET, &path).send().status, 404);
}

#[test]
fn an_object_without_a_marking_takes_what_it_came_in_with() {
    let registry = REGISTRY.replacen("unmarked = \"assume:AMBER\"", "unmarked = \"inherit\"", 2);
    let app = TestApp::with(&registry).start();
    let inside = malware(1);
    let grouping = with_level(
        json!({
            "type": "grouping", "spec_version": "2.1", "id": id("grouping", 1), "created": CREATED,
            "modified": version(0), "context": "suspicious-activity", "object_refs": [inside["id"]],
        }),
        Tlp::Green,
    );
    assert!(failure(&app, INDICATORS, std::slice::from_ref(&inside)).contains("neither it nor an object"));
    publish(&app, &[inside.clone(), grouping]);
    assert!(sees(&app, "cert-a/guest", INDICATORS, &inside));
}

#[test]
fn a_marking_must_be_known_and_says_who_reads() {
    let app = TestApp::start();
    let only_a = marking(1, RELEASABILITY, json!({"rel_to": ["AA"]}));
    let mut object = malware(1);
    object["object_marking_refs"] = json!([Tlp::Green.marking_id(), only_a["id"]]);
    assert!(
        failure(&app, INDICATORS, std::slice::from_ref(&object))
            .contains("send its marking-definition along")
    );
    publish(&app, std::slice::from_ref(&only_a));
    app.restart();
    publish(&app, std::slice::from_ref(&object));
    for thing in [&only_a, &object] {
        assert!(sees(&app, "cert-a/siem", INDICATORS, thing));
        assert!(!sees(&app, "cert-b/siem", INDICATORS, thing), "{thing}");
    }
    // What hides it does not keep its owner from deleting it.
    let nobody = marking(2, RELEASABILITY, json!({"rel_to": []}));
    let mut closed = malware(2);
    closed["object_marking_refs"] = json!([Tlp::Green.marking_id(), nobody["id"]]);
    publish(&app, &[nobody, closed.clone()]);
    let path = object_in(INDICATORS, &closed);
    assert_eq!(app.client("cert-a/siem").request(Method::GET, &path).send().status, 404);
    assert_eq!(app.client("cert-b/feed").request(Method::DELETE, &path).send().status, 404);
    assert_eq!(app.client("cert-a/feed").request(Method::DELETE, &path).send().status, 200);
    // Another collection does not know the marking.
    assert!(failure(&app, MALWARE, &[object]).contains("send its marking-definition along"));
}

#[test]
fn a_marking_that_is_not_written_as_it_must_be_is_refused_with_what_refers_to_it() {
    let app = TestApp::start();
    let broken = marking(1, RELEASABILITY, json!({"rel_too": ["AA"]}));
    let mut object = malware(1);
    object["object_marking_refs"] = json!([broken["id"]]);
    let status = app.client("cert-a/feed").offer(INDICATORS, &[broken, object]);
    let told: Vec<&str> =
        status["failures"].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap()).collect();
    assert!(told[0].contains("`rel_too`") && told[1].contains("its definition was refused"), "{told:?}");
}

#[test]
fn purposes_of_object_collection_and_client_must_meet() {
    let registry = REGISTRY
        .replace("title = \"Cyber incident information\"", "title = \"Crime\"\npurposes = [\"organised-crime\", \"cyber-defence\"]\nlegal_basis = \"Treaty, article 4\"")
        .replace("id = \"cert-b\"\nname", "id = \"cert-b\"\npurposes = [\"cyber-defence\"]\nname");
    let app = TestApp::with(&registry).start();
    let crime = marking(1, HANDLING, json!({"purposes": ["organised-crime"]}));
    let other = marking(2, HANDLING, json!({"purposes": ["research"]}));
    let marked = |n: u32, marking: &Value| {
        let mut object = malware(n);
        object["object_marking_refs"] = json!([Tlp::Green.marking_id(), marking["id"]]);
        object
    };
    let (criminal, usual) = (marked(1, &crime), with_level(malware(2), Tlp::Green));
    publish(&app, &[crime, criminal.clone(), usual.clone(), other.clone()]);
    assert!(
        failure(&app, INDICATORS, &[marked(3, &other)])
            .contains("this collection serves cyber-defence, organised-crime")
    );
    assert!(
        sees(&app, "cert-a/siem", INDICATORS, &criminal) && sees(&app, "cert-b/siem", INDICATORS, &usual)
    );
    assert!(!sees(&app, "cert-b/siem", INDICATORS, &criminal));
}

#[test]
fn who_is_in_no_audience_of_a_collection_does_not_know_of_it() {
    let audience = |members: &str, active: bool| {
        let head = format!(
            "[[audience]]\nid = \"aaaaaaaa-0000-4000-8000-000000000001\"\nname = \"circle\"\nmembers = [{members}]\nactive = {active}\n"
        );
        let placed = REGISTRY.replacen(
            "  alias = \"indicators\"",
            "  alias = \"indicators\"\n  audiences = [\"circle\"]",
            1,
        );
        placed.replacen("[[agreement]]", &format!("{head}\n[[agreement]]"), 1)
    };
    let app = TestApp::with(&audience("\"cert-a\"", true)).start();
    let object = with_level(malware(1), Tlp::Green);
    publish(&app, std::slice::from_ref(&object));
    let path = objects_of(INDICATORS);
    let status = |client: &str| app.client(client).request(Method::GET, &path).send().status;
    assert_eq!((status("cert-a/siem"), status("cert-b/siem")), (200, 404));
    for nobody in [audience("", true), audience("\"cert-a\", \"cert-b\"", false)] {
        app.apply(&nobody);
        assert_eq!((status("cert-a/siem"), status("cert-b/siem")), (404, 404));
    }
    app.apply(&audience("\"cert-a\", \"cert-b\"", true));
    assert!(sees(&app, "cert-b/siem", INDICATORS, &object));
}

#[test]
fn only_the_owner_lowers_and_only_where_that_is_allowed() {
    let app = TestApp::start();
    let object = indicator(1, 0, Tlp::Amber);
    let lower = indicator(1, 1, Tlp::Green);
    // PRIVATE says nothing of lowering.
    let private = crate::app::PRIVATE;
    app.client("cert-a/feed").publish(private, std::slice::from_ref(&object));
    assert!(
        failure(&app, private, std::slice::from_ref(&lower))
            .contains("lower than that of the version before")
    );
    publish(&app, std::slice::from_ref(&object));
    publish(&app, std::slice::from_ref(&lower));
    assert!(sees(&app, "cert-a/guest", INDICATORS, &lower));
    // The version before keeps its level.
    let path = format!("{}?match[version]=all", object_in(INDICATORS, &object));
    let of = |client: &str| app.client(client).request(Method::GET, &path).send().objects().len();
    assert_eq!((of("cert-a/guest"), of("cert-a/siem")), (1, 2));
}

#[test]
fn the_lowest_of_all_ceilings_counts() {
    let registry = format!("tlp_max = \"AMBER\"\n{REGISTRY}").replacen(
        "  alias = \"indicators\"",
        "  alias = \"indicators\"\n  tlp_max = \"GREEN\"",
        1,
    );
    let registry = registry.replacen("tlp_max = \"GREEN\"\n  api_root = \"exchange\"\n  downgrade = \"owner\"\n  unmarked = \"assume:AMBER\"", "tlp_max = \"GREEN\"\n  api_root = \"exchange\"\n  unmarked = \"reject\"", 1);
    let app = TestApp::with(&registry).start();
    let at = |tlp| with_level(malware(Tlp::ALL.iter().position(|one| *one == tlp).unwrap() as u32), tlp);
    publish(&app, &[at(Tlp::Green)]);
    assert!(failure(&app, INDICATORS, &[at(Tlp::Amber)]).contains("at most TLP:GREEN"));
    app.client("cert-a/feed").publish(MALWARE, &[at(Tlp::Amber)]);
    assert!(failure(&app, MALWARE, &[at(Tlp::AmberStrict)]).contains("at most TLP:AMBER "));
}

#[test]
fn a_sighting_does_not_say_who_saw_it_unless_that_is_agreed() {
    let app = TestApp::start();
    let seen = with_level(malware(1), Tlp::Green);
    let identity = liaison::registry::identity_of("cert-a");
    let sighting = |n: u32| {
        with_level(
            json!({
                "type": "sighting", "spec_version": "2.1", "id": id("sighting", n), "created": CREATED,
                "modified": version(0), "created_by_ref": identity, "sighting_of_ref": seen["id"],
                "where_sighted_refs": [identity], "count": 57,
                "external_references": [{"source_name": "cert a", "external_id": "1"}, {"source_name": "other", "external_id": "2"}],
            }),
            Tlp::Green,
        )
    };
    let status = app.client("cert-a/feed").offer(INDICATORS, &[seen.clone(), sighting(1)]);
    assert_eq!(status["total_count"], 2, "{status}");
    let told = status["successes"][1]["message"].as_str().unwrap_or_else(|| panic!("{status}"));
    assert_eq!(status["successes"][1]["id"], sighting(1)["id"]);
    let of = |client: &str, collection: &str| {
        let path = format!("{}?match[type]=sighting", objects_of(collection));
        app.client(client).request(Method::GET, &path).send().objects()
    };
    let [stored] = &of("cert-b/siem", INDICATORS)[..] else { panic!("one sighting") };
    assert!(told.contains(stored["id"].as_str().unwrap()), "{told}");
    assert_eq!(stored["count"], 10);
    assert_eq!(stored["external_references"], json!([{"source_name": "other", "external_id": "2"}]));
    let text = stored.to_string();
    assert!(!text.contains(&identity) && !text.contains(sighting(1)["id"].as_str().unwrap()), "{text}");
    let community = liaison::registry::identity_of_collection(INDICATORS);
    assert_eq!(stored["where_sighted_refs"], json!([community]));
    assert!(reads(&app, "cert-b/siem", INDICATORS).contains(&community));
    // Sent again it is there already, under its new name.
    let again = app.client("cert-a/feed").offer(INDICATORS, &[sighting(1)]);
    assert!(again["successes"][0]["message"].as_str().unwrap().contains("already there"), "{again}");
    // Where sources are named, and where its markings let it be named, it is kept as it is.
    app.apply(&REGISTRY.replacen(
        "  title = \"Malware\"",
        "  title = \"Malware\"\n  attribution = \"open\"",
        1,
    ));
    app.client("cert-a/feed").publish(MALWARE, &[seen.clone(), sighting(2)]);
    assert_eq!(of("cert-b/siem", MALWARE), [sighting(2)]);
}

#[test]
fn in_an_anonymous_collection_nobody_is_named_and_all_holds_together() {
    let registry =
        REGISTRY.replacen("  title = \"Malware\"", "  title = \"Malware\"\n  attribution = \"anonymous\"", 1);
    let app = TestApp::with(&registry).start();
    let identity = liaison::registry::identity_of("cert-a");
    let by = |mut object: Value| {
        object["created_by_ref"] = json!(identity);
        object
    };
    let one = by(with_level(malware(1), Tlp::Green));
    app.client("cert-a/feed").offer(MALWARE, std::slice::from_ref(&one));
    // In another envelope: the reference follows.
    let other = by(with_level(malware(2), Tlp::Green));
    let relation = by(relation(1, &one, &other, Tlp::Green));
    let status = app.client("cert-a/feed").offer(MALWARE, &[relation, other]);
    assert_eq!(status["success_count"], 2, "{status}");
    let objects = app.client("cert-b/siem").request(Method::GET, &objects_of(MALWARE)).send().objects();
    let of = |name: &str| objects.iter().filter(|object| object["type"] == name).collect::<Vec<_>>();
    let (found, malwares) = (of("relationship")[0], of("malware"));
    let ids: Vec<&Value> = malwares.iter().map(|object| &object["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&found["source_ref"]) && ids.contains(&&found["target_ref"]), "{found} {ids:?}");
    assert!(!json!(objects).to_string().contains(&identity));
    // A new version of what is anonymous is one of the same object.
    let mut newer = one.clone();
    newer["modified"] = json!(version(1));
    app.client("cert-a/feed").offer(MALWARE, &[newer]);
    let path = format!(
        "{}?match[version]=all&match[id]={}",
        objects_of(MALWARE),
        found["source_ref"].as_str().unwrap()
    );
    assert_eq!(app.client("cert-b/siem").request(Method::GET, &path).send().objects().len(), 2);
}

#[test]
fn an_observable_of_several_organisations_stands_under_the_terms_of_each() {
    let app = TestApp::start();
    let address = json!({
        "type": "ipv4-addr", "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd", "value": "198.51.100.3",
    });
    let hidden = with_level(address.clone(), Tlp::Red);
    let open = with_level(address, Tlp::Green);
    publish(&app, std::slice::from_ref(&hidden));
    let status = app.client("cert-b/feed").offer(INDICATORS, std::slice::from_ref(&open));
    // Nothing tells cert-b that cert-a has it, and what cert-b publishes is read.
    assert_eq!(
        (&status["success_count"], &status["successes"][0]["message"]),
        (&json!(1), &Value::Null),
        "{status}"
    );
    let of = |client: &str| {
        let path = format!("{}?match[type]=ipv4-addr", objects_of(INDICATORS));
        app.client(client).request(Method::GET, &path).send().objects()
    };
    assert_eq!(of("cert-b/siem"), std::slice::from_ref(&open));
    assert_eq!(of("cert-a/guest"), std::slice::from_ref(&open));
    // Whoever sees both gets it once.
    assert_eq!(of("cert-a/siem"), std::slice::from_ref(&hidden));
    app.restart();
    assert_eq!((of("cert-a/siem"), of("cert-b/siem")), (vec![hidden.clone()], vec![open.clone()]));
    let path = object_in(INDICATORS, &hidden);
    assert_eq!(app.client("cert-a/feed").request(Method::DELETE, &path).send().status, 200);
    assert_eq!(of("cert-a/siem"), [open]);
}

#[test]
fn an_identity_named_only_as_where_something_was_seen_is_not_kept_beside_the_sighting() {
    let app = TestApp::start();
    let seen = with_level(malware(1), Tlp::Green);
    let identity = |n: u32| {
        json!({
            "type": "identity", "spec_version": "2.1", "id": id("identity", n), "created": CREATED,
            "modified": version(0), "name": "Victim", "identity_class": "organization",
        })
    };
    let (victim, author) = (identity(1), identity(2));
    let mut named = seen.clone();
    named["created_by_ref"] = author["id"].clone();
    let sighting = with_level(
        json!({
            "type": "sighting", "spec_version": "2.1", "id": id("sighting", 1), "created": CREATED,
            "modified": version(0), "sighting_of_ref": seen["id"],
            "where_sighted_refs": [victim["id"], author["id"]],
        }),
        Tlp::Green,
    );
    let all = [victim.clone(), author.clone(), named, sighting];
    let status = app.client("cert-a/feed").offer(INDICATORS, &all);
    let told = status["successes"][0]["message"].as_str().unwrap_or_else(|| panic!("{status}"));
    assert!(told.contains("named only as where something was seen"), "{told}");
    assert!(!sees(&app, "cert-b/siem", INDICATORS, &victim));
    assert!(sees(&app, "cert-b/siem", INDICATORS, &author));
}
