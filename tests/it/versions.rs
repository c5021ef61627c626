//! Versions of an object (TAXII 2.1 §5.8), and which of them a client may know of.

use crate::app::{
    Client, INBOX, INDICATORS, MALWARE, TestApp, UNVERSIONED, manifest_of, name, object_in, objects_of,
};
use crate::sample::{address, amber, indicator, version};
use liaison::stix::Tlp;

fn list(collection: &str) -> String {
    format!("{}versions/", object_in(collection, &amber(1)))
}

#[test]
fn all_versions_are_listed_in_the_order_added() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[2, 0, 1].map(|k| indicator(1, k, Tlp::Amber)));
    client.publish(INDICATORS, &[address(1), amber(2)]);
    assert_eq!(client.get(&list(INDICATORS)).versions(), [version(2), version(0), version(1)]);
    let address = format!("{}versions/", object_in(INDICATORS, &address(1)));
    assert_eq!(client.get(&address).versions(), [UNVERSIONED]);
}

#[test]
fn the_version_filter_does_not_apply_to_the_list() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[0, 1, 2].map(|k| indicator(1, k, Tlp::Amber)));
    for query in ["match[version]=last", "match[version]=first", "match[id]=x", "match[type]=malware"] {
        assert_eq!(client.get(&format!("{}?{query}", list(INDICATORS))).versions().len(), 3, "{query}");
    }
}

#[test]
fn dates_limits_and_spec_versions_apply_to_the_list() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[0, 1, 2].map(|k| indicator(1, k, Tlp::Amber)));
    let of = |query: &str| client.get(&format!("{}?{query}", list(INDICATORS)));
    let first = of("limit=1");
    assert_eq!((first.versions(), first.more()), (vec![version(0)], true));
    assert_eq!(of(&format!("added_after={}", first.last().unwrap())).versions(), [version(1), version(2)]);
    assert_eq!(of(&format!("limit=1&next={}", first.next().unwrap())).versions(), [version(1)]);
    assert_eq!(of("match[spec_version]=2.1").versions().len(), 3);
    let none = of("match[spec_version]=2.0");
    assert_eq!((none.status, none.text().as_str()), (200, "{}"), "nothing to list: the key is left out");
    assert_eq!(of("added_after=2999-01-01T00:00:00Z").text(), "{}");
}

#[test]
fn versions_of_what_is_not_there_or_not_readable_are_refused() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    assert_eq!(client.get(&list(MALWARE)).status, 404);
    assert_eq!(client.get(&format!("{}versions/", object_in(INDICATORS, &amber(9)))).status, 404);
    assert_eq!(app.client("cert-b/feed").get(&list(INBOX)).status, 403);
}

/// What a client gets for one object, on each of the four endpoints.
fn views(client: &Client, words: &str) -> [Vec<String>; 3] {
    let id = amber(1)["id"].as_str().unwrap().to_owned();
    let query = if words.is_empty() { String::new() } else { format!("match[version]={words}") };
    [
        client.get(&format!("{}?match[id]={id}&{query}", objects_of(INDICATORS))).names(),
        client.get(&format!("{}?match[id]={id}&{query}", manifest_of(INDICATORS))).names(),
        client.get(&format!("{}?{query}", object_in(INDICATORS, &amber(1)))).names(),
    ]
}

#[test]
fn a_hidden_newer_version_leaves_the_older_as_the_latest_of_those_who_see_it() {
    let app = TestApp::start();
    let (owner, other, colleague) =
        (app.client("cert-a/feed"), app.client("cert-b/feed"), app.client("cert-a/siem"));
    let (old, new) = (indicator(1, 1, Tlp::Amber), indicator(1, 2, Tlp::Red));
    owner.publish(INDICATORS, std::slice::from_ref(&old));
    assert_eq!(views(&other, ""), [(); 3].map(|()| vec![name(&old)]), "before, and now in every cache");
    owner.publish(INDICATORS, std::slice::from_ref(&new));
    for words in ["", "last"] {
        assert_eq!(views(&other, words), [(); 3].map(|()| vec![name(&old)]), "{words}");
        assert_eq!(views(&owner, words), [(); 3].map(|()| vec![name(&new)]), "{words}");
        assert_eq!(views(&colleague, words), [(); 3].map(|()| vec![name(&new)]), "{words}");
    }
    assert_eq!(views(&other, "all"), [(); 3].map(|()| vec![name(&old)]));
    assert_eq!(views(&other, &version(2)), [(); 3].map(|()| Vec::<String>::new()));
    assert_eq!(other.get(&list(INDICATORS)).versions(), [version(1)]);
    assert_eq!(owner.get(&list(INDICATORS)).versions(), [version(1), version(2)]);
}

#[test]
fn a_hidden_earlier_version_leaves_the_later_as_the_first_of_those_who_see_it() {
    let app = TestApp::start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    let objects = [indicator(1, 0, Tlp::Red), indicator(1, 1, Tlp::Green), indicator(1, 2, Tlp::Amber)];
    owner.publish(INDICATORS, &objects);
    assert_eq!(views(&owner, "first"), [(); 3].map(|()| vec![name(&objects[0])]));
    assert_eq!(views(&other, "first"), [(); 3].map(|()| vec![name(&objects[1])]));
    assert_eq!(
        views(&app.client("cert-a/guest"), "last"),
        [(); 3].map(|()| vec![name(&objects[1])]),
        "GREEN is its ceiling"
    );
}

#[test]
fn an_object_of_which_every_version_is_hidden_is_like_one_that_is_not_there() {
    let app = TestApp::start();
    app.client("cert-a/feed").publish(INDICATORS, &[indicator(1, 0, Tlp::Red), indicator(1, 1, Tlp::Red)]);
    let other = app.client("cert-b/feed");
    assert_eq!(views_status(&other), [200, 200, 404, 404]);
    assert_eq!(other.get(&objects_of(INDICATORS)).text(), "{}");
    assert_eq!(views_status(&app.client("cert-a/siem")), [200; 4]);
}

fn views_status(client: &Client) -> [u16; 4] {
    let object = object_in(INDICATORS, &amber(1));
    [objects_of(INDICATORS), manifest_of(INDICATORS), object.clone(), format!("{object}versions/")]
        .map(|path| client.get(&path).status)
}

#[test]
fn a_hidden_object_moves_no_header_and_no_page_of_others() {
    let app = TestApp::start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/siem"));
    owner.publish(INDICATORS, &[amber(1), amber(2)]);
    let paths = [
        objects_of(INDICATORS),
        format!("{}?limit=2", objects_of(INDICATORS)),
        manifest_of(INDICATORS),
        list(INDICATORS),
    ];
    let before = paths.clone().map(|path| other.get(&path));
    owner.publish(
        INDICATORS,
        &[indicator(1, 9, Tlp::Red), indicator(7, 0, Tlp::Red), indicator(8, 0, Tlp::Red)],
    );
    for (path, before) in paths.iter().zip(before) {
        let after = other.get(path);
        assert_eq!(after.body, before.body, "{path}");
        assert_eq!(
            (after.first(), after.last(), after.more()),
            (before.first(), before.last(), before.more()),
            "{path}"
        );
    }
}
