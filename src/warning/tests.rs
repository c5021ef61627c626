use super::*;
use crate::stix::atom::Kind;
use serde_json::{Value, json};

mod builtin;
mod files;
mod naive;
mod volume;

/// Lists in a directory of their own, as `<number>.json`.
fn directory(lists: &[Value]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (number, list) in lists.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{number}.json")), list.to_string()).unwrap();
    }
    dir
}

fn load(lists: &[Value]) -> WarningLists {
    let (lists, warnings) = WarningLists::load(Some(directory(lists).path()), &Settings::default()).unwrap();
    assert_eq!(warnings, [""; 0]);
    lists
}

fn list(form: &str, attributes: &[&str], entries: &[&str]) -> Value {
    let name = format!("{form} list");
    json!({"name": name, "version": 20261123, "description": "d", "type": form,
        "matching_attributes": attributes, "list": entries})
}

fn atom(kind: Kind, text: &str) -> Atom {
    Atom::parse(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What one list from outside says: the entry and how it is met.
fn met(lists: &WarningLists, kind: Kind, text: &str) -> Option<(String, How)> {
    let atom = atom(kind, text);
    let hits = lists.hits(&atom).into_iter().filter(|hit| !hit.list.starts_with("built-in"));
    let mut hits: Vec<(String, How)> = hits.map(|hit| (hit.entry, hit.how)).collect();
    assert!(hits.len() <= 1, "one hit for a list");
    assert!(hits.is_empty() || lists.verdict(&atom).is_some());
    hits.pop()
}

fn says(entry: &str, how: How) -> Option<(String, How)> {
    Some((entry.to_owned(), how))
}

#[test]
fn a_host_is_met_by_its_own_name_and_those_above() {
    // Governance §20, vector 11.
    let lists =
        load(&[list("hostname", &["domain", "url", "email-src"], &["example.com", ".Trailing.Example."])]);
    assert_eq!(met(&lists, Kind::Url, "http://a.example.com./x"), says("example.com", How::Inside));
    assert_eq!(met(&lists, Kind::Domain, "notexample.com"), None);
    assert_eq!(met(&lists, Kind::Domain, "Example.COM"), says("example.com", How::Equal));
    assert_eq!(met(&lists, Kind::Domain, "a.b.example.com"), says("example.com", How::Inside));
    assert_eq!(met(&lists, Kind::Domain, "com"), None);
    assert_eq!(met(&lists, Kind::Domain, "x.trailing.example"), says("trailing.example", How::Inside));
    assert_eq!(met(&lists, Kind::Url, "https://u:p@example.com:8443/?q=1"), says("example.com", How::Equal));
    assert_eq!(met(&lists, Kind::Url, "http://other.example/example.com"), None);
    assert_eq!(met(&lists, Kind::Email, "A@mail.example.com"), says("example.com", How::Inside));
    assert_eq!(met(&lists, Kind::FileName, "example.com"), None, "the list is not for file names");
}

#[test]
fn all_levels_of_a_name_are_tried_but_none_of_an_address() {
    for entry in ["a.b.example", "b.example", "example"] {
        let lists = load(&[list("hostname", &["ALL"], &[entry, "4", "3.4", "bücher.test"])]);
        assert!(met(&lists, Kind::Domain, "a.b.example").is_some(), "{entry}");
        assert_eq!(met(&lists, Kind::Url, "http://1.2.3.4/"), None);
        assert_eq!(met(&lists, Kind::Ipv4, "1.2.3.4"), None);
        assert_eq!(met(&lists, Kind::Url, "http://x.BÜCHER.test/"), says("xn--bcher-kva.test", How::Inside));
    }
    let lists = load(&[list("hostname", &["url"], &["1.2.3.4"])]);
    assert_eq!(met(&lists, Kind::Url, "http://1.2.3.4/x"), says("1.2.3.4", How::Equal));
}

#[test]
fn networks_are_met_inside_equal_and_around() {
    // Governance §20, vector 12.
    let entries = ["172.16.0.0/12", "198.18.0.1", "2001:db9::/32", "172.30.0.0/16"];
    let lists = load(&[list("cidr", &["ip-src", "domain|ip"], &entries)]);
    let v4 = |text| met(&lists, Kind::Ipv4, text);
    assert_eq!(v4("172.16.1.1"), says("172.16.0.0/12", How::Inside));
    assert_eq!(v4("172.20.0.0/16"), says("172.16.0.0/12", How::Inside));
    assert_eq!(v4("172.0.0.0/8"), says("172.16.0.0/12", How::Contains));
    assert_eq!(v4("172.16.0.0/12"), says("172.16.0.0/12", How::Equal));
    assert_eq!(v4("172.30.1.0/24"), says("172.30.0.0/16", How::Inside));
    assert_eq!(v4("172.15.255.255"), None);
    assert_eq!(v4("172.32.0.0"), None);
    assert_eq!(v4("172.32.0.0/11"), None);
    assert_eq!(v4("198.18.0.1"), says("198.18.0.1", How::Equal));
    assert_eq!(v4("198.18.0.0/31"), says("198.18.0.1", How::Contains));
    assert_eq!(met(&lists, Kind::Ipv6, "2001:db9:1::1"), says("2001:db9::/32", How::Inside));
    assert_eq!(met(&lists, Kind::Ipv6, "2001:db9::/20"), says("2001:db9::/32", How::Contains));
    assert_eq!(met(&lists, Kind::Ipv6, "2001:dba::1"), None);
    assert_eq!(met(&lists, Kind::Ipv6, "::ffff:172.16.0.1"), says("172.16.0.0/12", How::Inside));
    assert_eq!(met(&lists, Kind::Url, "http://172.16.0.1/"), None, "the list is not for URLs");
    let lists = load(&[list("cidr", &["url"], &entries)]);
    assert_eq!(met(&lists, Kind::Url, "http://172.16.0.1:8080/"), says("172.16.0.0/12", How::Inside));
    assert_eq!(met(&lists, Kind::Url, "http://[2001:db9::1]/"), says("2001:db9::/32", How::Inside));
    assert_eq!(met(&lists, Kind::Ipv4, "172.16.0.1"), None, "the list is not for addresses");
}

#[test]
fn whole_values_are_equal_or_not() {
    let md5 = "0123456789ABCDEF0123456789ABCDEF";
    let entries =
        [md5, "HTTP://A.Example:80/X", "2001:0DB9::0001", "Evil.EXE", "Who@B.Example", "198.18.0.9/24"];
    let lists = load(&[list("string", &["ALL"], &entries)]);
    assert_eq!(met(&lists, Kind::FileMd5, md5), says(&md5.to_lowercase(), How::Equal));
    assert_eq!(met(&lists, Kind::Url, "http://a.example/X"), says("http://a.example/X", How::Equal));
    assert_eq!(met(&lists, Kind::Url, "http://a.example/x"), None, "paths have cases");
    assert_eq!(met(&lists, Kind::Ipv6, "2001:db9::1"), says("2001:db9::1", How::Equal));
    assert_eq!(met(&lists, Kind::FileName, "Evil.EXE"), says("Evil.EXE", How::Equal));
    assert_eq!(met(&lists, Kind::FileName, "evil.exe"), None);
    assert_eq!(met(&lists, Kind::Domain, "evil.exe"), says("evil.exe", How::Equal));
    assert_eq!(met(&lists, Kind::Domain, "x.evil.exe"), None);
    assert_eq!(met(&lists, Kind::Email, "wHO@b.example"), says("who@b.example", How::Equal));
    assert_eq!(met(&lists, Kind::Ipv4, "198.18.0.0/24"), says("198.18.0.0/24", How::Equal));
    let lists = load(&[list("string", &["sha1"], &entries)]);
    assert_eq!(met(&lists, Kind::FileMd5, md5), None, "the list is for another hash");
}

#[test]
fn parts_are_found_anywhere() {
    let lists = load(&[list("substring", &["ALL"], &["@Mail.example", "/Track/", "aba"])]);
    assert_eq!(met(&lists, Kind::Email, "x@mail.example"), says("@mail.example", How::Substring));
    assert_eq!(met(&lists, Kind::Email, "x@amail.example"), None);
    assert_eq!(met(&lists, Kind::Url, "http://b.example/Track/1"), says("/Track/", How::Substring));
    assert_eq!(met(&lists, Kind::Url, "http://b.example/track/1"), None);
    assert_eq!(met(&lists, Kind::Domain, "xababa.example"), says("aba", How::Substring));
}

#[test]
fn expressions_are_fulfilled_or_not() {
    let soc = r"/^(soc|abuse)\@.*\..*$/i";
    let lists = load(&[list("regex", &["email-dst"], &[soc, "/zz/g"])]);
    assert_eq!(met(&lists, Kind::Email, "Abuse@b.example"), says(soc, How::Regex));
    assert_eq!(met(&lists, Kind::Email, "x-abuse@b.example"), None);
    assert_eq!(met(&lists, Kind::Email, "x@zz.example"), says("/zz/g", How::Regex));
    assert_eq!(met(&lists, Kind::Domain, "zz.example"), None, "the list is not for names");
}

#[test]
fn the_strongest_action_counts_and_is_set_by_name_or_folder() {
    let named = |name: &str| {
        let mut one = list("hostname", &["ALL"], &[&format!("{name}.example"), "all.example"]);
        one["name"] = json!(name);
        one
    };
    let dir = directory(&[named("a"), named("b"), named("c")]);
    let set = |actions: &[(&str, Action)], default| {
        let actions = actions.iter().map(|(name, action)| ((*name).to_owned(), *action)).collect();
        WarningLists::load(Some(dir.path()), &Settings { actions, default, ..Settings::default() }).unwrap()
    };
    let (lists, warnings) =
        set(&[("a", Action::Block), ("1", Action::Review), ("z", Action::Block)], Action::Inform);
    assert_eq!(warnings, ["there is no warning list `z`"]);
    let verdict = |name: &str| lists.verdict(&atom(Kind::Domain, name));
    assert_eq!(verdict("a.example"), Some(Action::Block));
    assert_eq!(verdict("b.example"), Some(Action::Review), "by the name of the file");
    assert_eq!(verdict("c.example"), Some(Action::Inform));
    assert_eq!(verdict("x.all.example"), Some(Action::Block));
    assert_eq!(verdict("d.example"), None);
    let hits = lists.hits(&atom(Kind::Domain, "all.example"));
    let said: Vec<_> = hits.iter().map(|hit| (hit.list, hit.version, hit.action)).collect();
    assert_eq!(
        said,
        [("a", 20261123, Action::Block), ("b", 20261123, Action::Review), ("c", 20261123, Action::Inform)]
    );
    let (other, _) = set(&[("a", Action::Block)], Action::Inform);
    assert_ne!(other.generation(), lists.generation(), "an action changed");
}
