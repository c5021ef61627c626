//! Values that objects name, as the store gives them to lists and look-ups: on every backend.

use crate::sample::{amber, id, indicator};
use crate::store_contract::{World, at, on_every_backend};
use liaison::stix::Tlp;
use liaison::stix::atom::Kind;
use liaison::store::atoms::{AtomQuery, Named, Wanted};
use serde_json::{Value, json};

fn with(number: u32, pattern: &str, more: &Value) -> Value {
    let mut object = indicator(number, 0, Tlp::Amber);
    object["pattern"] = pattern.into();
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// Values that a client's lists are made of.
fn listed(world: &World, client: &str, alive_at: i64) -> (Vec<String>, u64) {
    let query = AtomQuery { kinds: vec![true; 26], alive_at: at(alive_at), with_observables: false };
    let mut found = Vec::new();
    let over =
        world.store.atoms(&world.scope(client), &query, &mut |named| found.push(text(&named))).unwrap();
    (found, over)
}

fn text(named: &Named) -> String {
    named.atom.as_ref().map_or_else(|| format!("({})", named.source.id), ToString::to_string)
}

fn looked_up(world: &World, client: &str, wanted: &[Wanted]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let scopes = [world.scope(client)];
    world
        .store
        .named(&scopes, wanted, 100, &mut |number, _, named| found.push((number, text(&named))))
        .unwrap();
    found.sort();
    found
}

fn domain(n: u32) -> Wanted {
    Wanted::Value(Kind::Domain, format!("n{n}.example"))
}

#[test]
fn lists_hold_the_values_of_the_last_versions_that_the_scope_sees() {
    on_every_backend(|world| {
        world.add(&[amber(0), amber(1), indicator(2, 0, Tlp::Red)], at(0));
        let mut newer = indicator(1, 1, Tlp::Amber);
        newer["pattern"] = "[ipv4-addr:value = '198.51.100.9']".into();
        world.add(&[newer], at(1));
        world.add(&[indicator(0, 1, Tlp::Red)], at(2));
        // Who sees no newer version has the one before it.
        assert_eq!(listed(world, "cert-b/siem", 0).0, ["n0.example", "198.51.100.9"]);
        assert_eq!(listed(world, "cert-a/feed", 0).0, ["n2.example", "198.51.100.9", "n0.example"]);
        world.delete("cert-a/feed", &id("indicator", 1), "last", at(3));
        assert_eq!(listed(world, "cert-b/siem", 0).0, ["n0.example", "n1.example"]);
    });
}

#[test]
fn values_over_or_revoked_are_counted_and_patterns_that_are_no_lists_have_a_row() {
    on_every_backend(|world| {
        let until = json!({"valid_until": "2026-06-01T00:00:01Z"});
        let revoked = json!({"revoked": true});
        world.add(
            &[
                with(0, "[ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '198.51.100.2']", &until),
                with(1, "[ipv4-addr:value = '198.51.100.3']", &revoked),
                with(2, "[file:name = 'a' AND file:size = 3]", &json!({})),
                with(3, "rule a { condition: true }", &json!({"pattern_type": "yara"})),
            ],
            at(0),
        );
        let complex = [2, 3].map(|n| format!("({})", id("indicator", n)));
        assert_eq!(
            listed(world, "cert-b/siem", 0),
            ([&["198.51.100.1".to_owned(), "198.51.100.2".to_owned()][..], &complex].concat(), 1)
        );
        assert_eq!(listed(world, "cert-b/siem", 1_000_000), (complex.to_vec(), 3));
    });
}

#[test]
fn values_are_looked_up_by_their_keys_before_and_after_a_restart() {
    on_every_backend(|world| {
        let url = with(7, "[url:value = 'http://c2.example:81/gate']", &json!({}));
        let ip = json!({"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd", "value": "198.51.100.3",
            "object_marking_refs": [Tlp::Amber.marking_id()]});
        world.add(&[amber(0), url, ip, indicator(2, 0, Tlp::Red)], at(0));
        let wanted = [
            domain(0),
            domain(1),
            domain(2),
            Wanted::UrlsOf("c2.example".to_owned()),
            Wanted::Value(Kind::Ipv4, "198.51.100.3".to_owned()),
        ];
        let expected = [(0, "n0.example"), (3, "http://c2.example:81/gate"), (4, "198.51.100.3")];
        let expected: Vec<(usize, String)> = expected.map(|(n, text)| (n, text.to_owned())).to_vec();
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected);
        // The filter is there now: what comes later must be found too.
        world.add(&(10..40).map(amber).collect::<Vec<_>>(), at(1));
        let later: Vec<Wanted> = (10..40).map(domain).collect();
        assert_eq!(looked_up(world, "cert-b/siem", &later).len(), 30);
        world.reopen(at(2));
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected);
        assert_eq!(looked_up(world, "cert-b/siem", &later).len(), 30);
        world.delete("cert-a/feed", &id("indicator", 0), "all", at(3));
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected[1..]);
    });
}
