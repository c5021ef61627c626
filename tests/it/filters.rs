//! Filters (TAXII 2.1 §3.4): what is malformed, and what each field selects.

use crate::app::{Client, INDICATORS, TestApp, manifest_of, name, names, object_in, objects_of, with};
use crate::sample::{address, amber, ambers, id, indicator, malware, version};
use liaison::stix::Tlp;
use serde_json::{Value, json};

/// Three versions of indicator 1 (arriving as 2, 1, 3), one of indicator 2, two of malware 3, one
/// address.
fn published(app: &TestApp) -> Client<'_> {
    let client = app.client("cert-a/feed");
    for k in [1, 0, 2] {
        client.publish(INDICATORS, &[indicator(1, k, Tlp::Amber)]);
    }
    client.publish(INDICATORS, &[amber(2), malware(3, 0), malware(3, 5), address(4)]);
    client
}

/// What both endpoints give for a query; they must agree.
#[track_caller]
fn ask(client: &Client, query: &str) -> Vec<String> {
    let objects = client.get(&format!("{}?{query}", objects_of(INDICATORS)));
    let manifest = client.get(&format!("{}?{query}", manifest_of(INDICATORS)));
    assert_eq!(objects.names(), manifest.names(), "{query}");
    assert_eq!((objects.first(), objects.last()), (manifest.first(), manifest.last()), "{query}");
    assert_eq!(objects.more(), manifest.more(), "{query}");
    objects.names()
}

fn all_names(objects: &[Value]) -> Vec<String> {
    objects.iter().map(name).collect()
}

fn ind(k: u32) -> Value {
    indicator(1, k, Tlp::Amber)
}

#[test]
fn malformed_parameters_are_400_on_every_endpoint_that_takes_them() {
    let app = TestApp::start();
    let client = published(&app);
    let object = object_in(INDICATORS, &amber(2));
    let endpoints =
        [objects_of(INDICATORS), manifest_of(INDICATORS), object.clone(), format!("{object}versions/")];
    for bad in [
        "limit=0",
        "limit=-1",
        "limit=",
        "limit=x",
        "limit=1.0",
        "limit=%2B5",
        "limit=5&limit=6",
        "added_after=",
        "added_after=yesterday",
        "added_after=2026-01-01",
        "added_after=2026-13-01T00:00:00Z",
        "added_after=2026-01-01T00:00:00",
        "added_after=2026-01-01T00:00:00%2B00:00",
        "added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z",
        "added_after=2026-01-01T00:00:00Z,2026-01-02T00:00:00Z",
        "next=x",
        "next=00",
        "match[version]=newest",
        "match[version]=",
        "match[version]=2026-01-01",
        "match[version]=all,last",
        "match[version]=first,all",
        "match[version]=last,last",
        "match[version]=2026-01-01T00:00:00Z,2026-01-01T00:00:00.000Z",
        "match[version]=last&match[version]=first",
        "match[spec_version]=2.1&match%5Bspec_version%5D=2.1",
        "match[spec_version]=",
    ] {
        for endpoint in &endpoints {
            assert_eq!(client.get(&format!("{endpoint}?{bad}")).status, 400, "{endpoint} {bad}");
        }
        assert_eq!(
            client.delete(&format!("{object}?{bad}")).status,
            if bad.starts_with("next") { 200 } else { 400 },
            "{bad}"
        );
        if bad.starts_with("next") {
            client.publish(INDICATORS, &[amber(2)]);
        }
    }
    for bad in
        ["match[id]=a&match[id]=b", "match[type]=a&match%5Btype%5D=b", "match[type]=,", "match[id]=a,,b"]
    {
        assert_eq!(client.get(&format!("{}?{bad}", objects_of(INDICATORS))).status, 400, "{bad}");
    }
}

#[test]
fn an_error_of_a_filter_names_the_parameter() {
    let app = TestApp::start();
    let answer = app.client("cert-a/feed").get(&format!("{}?limit=0", objects_of(INDICATORS)));
    assert!(answer.json()["title"].as_str().unwrap().contains("`limit`"));
}

#[test]
fn without_parameters_comes_the_latest_version_of_everything() {
    let app = TestApp::start();
    let client = published(&app);
    assert_eq!(ask(&client, ""), all_names(&[ind(2), amber(2), malware(3, 5), address(4)]));
}

#[test]
fn different_fields_are_anded_and_values_of_one_are_ored() {
    let app = TestApp::start();
    let client = published(&app);
    let (one, two) = (id("indicator", 1), id("indicator", 2));
    assert_eq!(ask(&client, &format!("match[id]={one},{two}")), all_names(&[ind(2), amber(2)]));
    assert_eq!(ask(&client, &format!("match[id]={one},{two}&match[type]=malware")), [""; 0]);
    assert_eq!(
        ask(&client, &format!("match[id]={one},{}&match[type]=malware", id("malware", 3))),
        all_names(&[malware(3, 5)])
    );
    assert_eq!(ask(&client, "match[type]=malware,ipv4-addr"), all_names(&[malware(3, 5), address(4)]));
    assert_eq!(
        ask(&client, &format!("match[id]={one}&match[version]=first,last")),
        all_names(&[ind(0), ind(2)])
    );
}

#[test]
fn brackets_and_commas_may_be_percent_encoded() {
    let app = TestApp::start();
    let client = published(&app);
    let plain = ask(&client, "match[type]=malware,ipv4-addr&match[version]=all");
    assert_eq!(ask(&client, "match%5Btype%5D=malware%2Cipv4-addr&match%5Bversion%5D=all"), plain);
    assert_eq!(ask(&client, "match%5btype%5d=malware%2cipv4%2daddr&match[version]=all"), plain);
    assert_eq!(plain.len(), 3);
}

#[test]
fn unknown_parameters_and_match_fields_are_ignored() {
    let app = TestApp::start();
    let client = published(&app);
    assert_eq!(ask(&client, "match[colour]=red&x=1&x=2").len(), 4);
}

#[test]
fn a_later_date_than_added_after_is_strictly_later() {
    let app = TestApp::start();
    let client = published(&app);
    let records = client.get(&format!("{}?match[version]=all", manifest_of(INDICATORS))).objects();
    assert_eq!(records.len(), 7);
    for (at, record) in records.iter().enumerate() {
        let date = record["date_added"].as_str().unwrap();
        let left = all_names(&records[at + 1..]);
        assert_eq!(
            ask(&client, &format!("match[version]=all&added_after={date}")),
            left,
            "its own date excludes it"
        );
        let micros = liaison::stix::Timestamp::parse(date).unwrap().micros();
        let before = liaison::stix::Timestamp::from_micros(micros - 1);
        assert_eq!(
            ask(&client, &format!("match[version]=all&added_after={before}")),
            all_names(&records[at..])
        );
    }
}

#[test]
fn added_after_takes_no_to_nine_fraction_digits() {
    let app = TestApp::start();
    let client = published(&app);
    for digits in ["", ".0", ".00", ".000", ".000000", ".0000000", ".000000000"] {
        assert_eq!(ask(&client, &format!("added_after=2026-01-01T00:00:00{digits}Z")).len(), 4, "{digits}");
    }
    let refused = format!("{}?added_after=2026-01-01T00:00:00.0000000000Z", objects_of(INDICATORS));
    assert_eq!(client.get(&refused).status, 400);
}

#[test]
fn an_added_after_in_the_future_is_an_empty_page() {
    let app = TestApp::start();
    assert_eq!(ask(&published(&app), "added_after=2999-01-01T00:00:00Z"), [""; 0]);
}

#[test]
fn a_date_cut_to_milliseconds_brings_nothing_again() {
    let app = TestApp::start();
    let client = published(&app);
    for n in 10..15 {
        client.publish(INDICATORS, &ambers(n * 10..n * 10 + n));
        let last = client.get(&objects_of(INDICATORS)).last().unwrap().to_owned();
        let cut = format!("{}Z", &last[..23]);
        assert_eq!(ask(&client, &format!("added_after={cut}")), [""; 0], "{last}");
    }
}

#[test]
fn times_inside_the_object_do_not_matter_to_added_after() {
    let app = TestApp::start();
    let client = published(&app);
    let mut old = amber(77);
    old["created"] = json!("1999-01-01T00:00:00.000Z");
    old["modified"] = json!("1999-01-01T00:00:00.000Z");
    let last = client.get(&objects_of(INDICATORS)).last().unwrap().to_owned();
    client.publish(INDICATORS, std::slice::from_ref(&old));
    assert_eq!(ask(&client, &format!("added_after={last}")), all_names(&[old]));
}

#[test]
fn limit_is_never_exceeded_and_what_fits_comes_whole() {
    let app = TestApp::with(crate::app::REGISTRY).page_max(5).start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..5));
    for limit in 1..=7_usize {
        let page = client.get(&format!("{}?limit={limit}", objects_of(INDICATORS)));
        assert_eq!((page.objects().len(), page.more()), (limit.min(5), limit < 5), "{limit}");
    }
    assert_eq!(ask(&client, "limit=99999999999999999999999").len(), 5, "above the largest: the largest");
    client.publish(INDICATORS, &[amber(5)]);
    let page = client.get(&format!("{}?limit=6", objects_of(INDICATORS)));
    assert_eq!((page.objects().len(), page.more()), (5, true), "the server's own limit");
}

#[test]
fn a_page_is_bounded_in_bytes_but_never_empty() {
    let app = TestApp::with(crate::app::REGISTRY).page_max_bytes(1_000).start();
    let client = app.client("cert-a/feed");
    let mut large = ambers(0..9);
    large[4]["description"] = json!("x".repeat(10_000));
    client.publish(INDICATORS, &large);
    let pages = client.walk(&objects_of(INDICATORS));
    assert_eq!(names(&pages), all_names(&large));
    assert!(pages.len() >= 5, "{}", pages.len());
    assert!(pages.iter().all(|page| page.body.len() < 1_300 || page.objects().len() == 1));
}

#[test]
fn an_id_nothing_matches_is_an_empty_envelope() {
    let app = TestApp::start();
    let client = published(&app);
    for id in [
        id("indicator", 99),
        "nonsense".to_owned(),
        "'%20OR%201=1".to_owned(),
        id("indicator", 1).to_uppercase(),
    ] {
        let answer = client.get(&format!("{}?match[id]={id}", objects_of(INDICATORS)));
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"), "{id}");
    }
}

#[test]
fn every_type_of_stix_can_be_asked_for() {
    let app = TestApp::start();
    let client = published(&app);
    for object_type in STIX_TYPES {
        let found = ask(&client, &format!("match[type]={object_type}"));
        assert!(found.iter().all(|name| name.starts_with(&format!("{object_type}--"))), "{object_type}");
        assert_eq!(
            found.is_empty(),
            !["indicator", "malware", "ipv4-addr"].contains(&object_type),
            "{object_type}"
        );
    }
}

#[test]
fn custom_types_can_be_asked_for_one_by_one() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let custom = |kind: &str, n| {
        let mut object = amber(n);
        (object["type"], object["id"]) = (json!(kind), json!(id(kind, n)));
        object
    };
    let objects = [custom("x-one", 1), custom("x-two", 2), amber(3), custom("x-one", 4)];
    client.publish(INDICATORS, &objects);
    assert_eq!(ask(&client, "match[type]=x-one"), all_names(&[objects[0].clone(), objects[3].clone()]));
    assert_eq!(ask(&client, "match[type]=x-two,indicator"), all_names(&objects[1..3]));
    assert_eq!(ask(&client, "match[type]=x-three"), [""; 0]);
    assert_eq!(ask(&client, "match[type]=*"), [""; 0]);
}

#[test]
fn version_words_and_times_select_what_they_name() {
    let app = TestApp::start();
    let client = published(&app);
    let of = |words: &str| ask(&client, &format!("match[id]={}&match[version]={words}", id("indicator", 1)));
    let (first, second, third) = (version(0), version(1), version(2));
    assert_eq!(of("last"), all_names(&[ind(2)]));
    assert_eq!(of("first"), all_names(&[ind(0)]), "decided by `modified`, not by arrival");
    assert_eq!(of("all"), all_names(&[ind(1), ind(0), ind(2)]), "in order of arrival");
    assert_eq!(of(&second), all_names(&[ind(1)]));
    assert_eq!(of(&format!("{first},{third}")), all_names(&[ind(0), ind(2)]));
    assert_eq!(of(&format!("{second},last")), all_names(&[ind(1), ind(2)]));
    assert_eq!(of("first,last"), all_names(&[ind(0), ind(2)]));
    assert_eq!(of("2019-01-01T00:00:00Z"), [""; 0]);
}

#[test]
fn a_version_that_two_words_match_comes_once() {
    let app = TestApp::start();
    let client = published(&app);
    let one = format!("match[id]={}", id("indicator", 1));
    let two = format!("match[id]={}", id("indicator", 2));
    assert_eq!(ask(&client, &format!("{two}&match[version]=first,last")), all_names(&[amber(2)]));
    assert_eq!(
        ask(&client, &format!("{two}&match[version]=first,last,{}", version(0))),
        all_names(&[amber(2)])
    );
    assert_eq!(ask(&client, &format!("{one}&match[version]=last,{}", version(2))), all_names(&[ind(2)]));
}

#[test]
fn a_time_means_the_same_instant_however_it_is_spelt() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let mut fine = amber(1);
    fine["modified"] = json!("2026-03-01T00:00:00.1234567Z");
    let mut finer = amber(1);
    finer["modified"] = json!("2026-03-01T00:00:00.12345678Z");
    let mut whole = amber(1);
    whole["modified"] = json!("2026-03-01T00:00:01.000000Z");
    client.publish(INDICATORS, &[fine.clone(), finer.clone(), whole.clone()]);
    let of = |time: &str| ask(&client, &format!("match[version]={time}"));
    assert_eq!(of("2026-03-01T00:00:00.1234567Z"), all_names(std::slice::from_ref(&fine)));
    assert_eq!(of("2026-03-01T00:00:00.123456700Z"), all_names(&[fine]));
    assert_eq!(of("2026-03-01T00:00:00.12345678Z"), all_names(&[finer]));
    assert_eq!(of("2026-03-01T00:00:00.123456Z"), [""; 0]);
    assert_eq!(of("2026-03-01T00:00:01.000Z"), all_names(std::slice::from_ref(&whole)));
    assert_eq!(of("2026-03-01T00:00:01Z"), all_names(std::slice::from_ref(&whole)));
    assert_eq!(ask(&client, "match[version]=last"), all_names(&[whole]), "latest by the full value");
}

#[test]
fn latest_and_earliest_go_by_value_when_versions_arrive_out_of_order() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let mut arrived = Vec::new();
    for k in [5, 2, 9, 0, 7, 1] {
        client.publish(INDICATORS, &[ind(k)]);
        arrived.push(k);
        let (low, high) = (*arrived.iter().min().unwrap(), *arrived.iter().max().unwrap());
        assert_eq!(ask(&client, "match[version]=last"), all_names(&[ind(high)]));
        assert_eq!(ask(&client, "match[version]=first"), all_names(&[ind(low)]));
        assert_eq!(ask(&client, "match[version]=all").len(), arrived.len());
    }
}

#[test]
fn last_after_a_date_is_the_latest_of_all_not_of_the_rest() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[ind(5)]);
    let date = client.get(&objects_of(INDICATORS)).last().unwrap().to_owned();
    client.publish(INDICATORS, &[ind(2)]);
    assert_eq!(
        ask(&client, &format!("added_after={date}")),
        [""; 0],
        "an old version that comes late is nobody's latest"
    );
    assert_eq!(ask(&client, &format!("added_after={date}&match[version]=all")), all_names(&[ind(2)]));
}

#[test]
fn spec_version_21_is_everything_and_others_are_nothing() {
    let app = TestApp::start();
    let client = published(&app);
    assert_eq!(ask(&client, "match[spec_version]=2.1"), ask(&client, ""));
    assert_eq!(ask(&client, "match[spec_version]=2.0,2.1").len(), 4);
    for other in ["2.0", "3.0", "x", "2.1.0"] {
        assert_eq!(ask(&client, &format!("match[spec_version]={other}")), [""; 0], "{other}");
    }
}

#[test]
fn objects_without_versions_have_one_constant_version_everywhere() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let status = client.publish(INDICATORS, &[address(1)]);
    let version = "1970-01-01T00:00:00.000Z";
    assert_eq!(status["successes"][0]["version"], version);
    assert_eq!(client.get(&manifest_of(INDICATORS)).objects()[0]["version"], version);
    assert_eq!(client.get(&format!("{}versions/", object_in(INDICATORS, &address(1)))).versions(), [version]);
    for words in ["last", "first", "all", version, "1970-01-01T00:00:00Z"] {
        assert_eq!(ask(&client, &format!("match[version]={words}")), all_names(&[address(1)]), "{words}");
    }
}

#[test]
fn filters_work_with_limit_and_next() {
    let app = TestApp::start();
    let client = published(&app);
    let query = format!("{}?match[type]=indicator,malware&match[version]=all", objects_of(INDICATORS));
    let whole = client.get(&query).names();
    assert_eq!(whole.len(), 6);
    for limit in 1..7 {
        assert_eq!(names(&client.walk(&with(&query, &format!("limit={limit}")))), whole, "{limit}");
    }
}

#[test]
fn too_many_parameters_or_values_are_refused() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let values = vec!["x"; 101].join(",");
    assert_eq!(client.get(&format!("{}?match[id]={values}", objects_of(INDICATORS))).status, 400);
    let parameters = "a=1&".repeat(70);
    assert_eq!(client.get(&format!("{}?{parameters}", objects_of(INDICATORS))).status, 400);
    let target = format!("{}?x={}", objects_of(INDICATORS), "y".repeat(9_000));
    assert_eq!(client.get(&target).status, 414);
}

const STIX_TYPES: [&str; 42] = [
    "artifact",
    "attack-pattern",
    "autonomous-system",
    "campaign",
    "course-of-action",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "location",
    "mac-addr",
    "malware",
    "malware-analysis",
    "marking-definition",
    "mutex",
    "network-traffic",
    "note",
    "observed-data",
    "opinion",
    "process",
    "relationship",
    "report",
    "sighting",
    "software",
    "threat-actor",
    "tool",
    "url",
    "user-account",
    "vulnerability",
    "windows-registry-key",
    "x509-certificate",
];
