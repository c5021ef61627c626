//! Values that objects name, as the store gives them to lists and look-ups: on every backend.

use crate::sample::{amber, id, indicator};
use crate::store_contract::{World, at, on_every_backend};
use liaison::policy::Handling;
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

fn query(alive_at: i64, with_descriptions: bool) -> AtomQuery {
    AtomQuery { kinds: vec![true; 26], alive_at: at(alive_at), with_observables: false, with_descriptions }
}

/// Values that a client's lists are made of.
fn listed(world: &World, client: &str, alive_at: i64) -> (Vec<String>, u64) {
    let query = query(alive_at, false);
    let mut found = Vec::new();
    let over =
        world.store.atoms(&world.scope(client), &query, &mut |named| found.push(text(&named))).unwrap();
    (found, over)
}

fn text(named: &Named) -> String {
    named.atom.as_ref().map_or_else(|| format!("({})", named.source.id()), ToString::to_string)
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

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("n{n}.example")).collect()
}

fn domain(name: &str) -> Wanted<'_> {
    Wanted::Value(Kind::Domain, name)
}

#[test]
fn descriptions_come_to_who_asks_for_them_and_are_kept_of_what_has_no_name() {
    on_every_backend(|world| {
        let named =
            with(0, "[domain-name:value = 'n0.example']", &json!({"name": "N", "description": "of \"n0\""}));
        let two = "[domain-name:value = 'n1.example' OR domain-name:value = 'n2.example']";
        let nameless = with(1, two, &json!({"description": "ü".repeat(300)}));
        world.add(&[named, nameless, with(3, "[domain-name:value = 'n3.example']", &json!({}))], at(0));
        let told = |with_descriptions| {
            let mut found = Vec::new();
            let mut take = |named: Named| found.push((text(&named), named.source.description().to_owned()));
            let query = query(0, with_descriptions);
            world.store.atoms(&world.scope("cert-b/siem"), &query, &mut take).unwrap();
            found
        };
        let long = "ü".repeat(200);
        let all = |first: &str| {
            let of = |name: &str, text: &str| (name.to_owned(), text.to_owned());
            [of("n0.example", first), of("n1.example", &long), of("n2.example", &long), of("n3.example", "")]
        };
        assert_eq!(told(true), all("of \"n0\""));
        assert_eq!(told(false), all(""));
    });
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
        let (names, later) = (names(0..3), names(10..40));
        let wanted = [
            domain(&names[0]),
            domain(&names[1]),
            domain(&names[2]),
            Wanted::UrlsOf("c2.example"),
            Wanted::Value(Kind::Ipv4, "198.51.100.3"),
        ];
        let expected = [(0, "n0.example"), (3, "http://c2.example:81/gate"), (4, "198.51.100.3")];
        let expected: Vec<(usize, String)> = expected.map(|(n, text)| (n, text.to_owned())).to_vec();
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected);
        // The filter is there now: what comes later must be found too.
        world.add(&(10..40).map(amber).collect::<Vec<_>>(), at(1));
        let later: Vec<Wanted> = later.iter().map(|name| domain(name)).collect();
        assert_eq!(looked_up(world, "cert-b/siem", &later).len(), 30);
        world.reopen(at(2));
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected);
        assert_eq!(looked_up(world, "cert-b/siem", &later).len(), 30);
        world.delete("cert-a/feed", &id("indicator", 0), "all", at(3));
        assert_eq!(looked_up(world, "cert-b/siem", &wanted), expected[1..]);
    });
}

#[test]
fn of_what_many_objects_name_the_last_that_came_are_given() {
    on_every_backend(|world| {
        let same = |n: u32| with(n, "[domain-name:value = 'a.example']", &json!({}));
        // Some are merged into the table, some wait in memory; what is not seen takes no place.
        for n in 0..40 {
            world.add(&[same(n)], at(i64::from(n)));
        }
        let red = |n: u32| {
            with(
                n,
                "[domain-name:value = 'a.example']",
                &json!({"object_marking_refs": [Tlp::Red.marking_id()]}),
            )
        };
        world.add(&[red(50), red(51)], at(100));
        let wanted = [Wanted::Value(Kind::Domain, "a.example")];
        let given = |client: &str, most: usize| {
            let mut found = Vec::new();
            let scopes = [world.scope(client)];
            let mut take = |_: usize, _: usize, named: Named| found.push(named.source.id().to_owned());
            world.store.named(&scopes, &wanted, most, &mut take).unwrap();
            found.sort();
            found
        };
        let ids = |numbers: &[u32]| numbers.iter().map(|n| id("indicator", *n)).collect::<Vec<_>>();
        assert_eq!(given("cert-b/siem", 3), ids(&[37, 38, 39]));
        assert_eq!(given("cert-a/feed", 3), ids(&[39, 50, 51]));
        assert_eq!(given("cert-b/siem", 100).len(), 40);
    });
}

#[test]
fn values_are_found_among_very_many_of_one_object() {
    on_every_backend(|world| {
        let all: Vec<String> = (0..900).map(|n| format!("n{n}.example")).collect();
        let pattern = all.iter().map(|name| format!("domain-name:value = '{name}'")).collect::<Vec<_>>();
        world.add(&[with(0, &format!("[{}]", pattern.join(" OR ")), &json!({}))], at(0));
        for name in [&all[0], &all[899], &all[450], &all[99]] {
            assert_eq!(looked_up(world, "cert-b/siem", &[domain(name)]), [(0, name.clone())]);
        }
        let wanted: Vec<Wanted> = all.iter().map(|name| domain(name)).collect();
        assert_eq!(looked_up(world, "cert-b/siem", &wanted).len(), 900);
        assert_eq!(looked_up(world, "cert-b/siem", &[domain("n900.example")]), []);
    });
}

#[test]
fn values_are_listed_found_and_gone_however_many_stand_together() {
    on_every_backend(|world| {
        // As a row has room for, by number; and some that are longer.
        let counts = [1, 2, 63, 64, 65, 128, 129, 80];
        let long = format!("{0}.{0}.{0}", "a".repeat(60));
        let name = |n: usize, value: usize| match n {
            7 => format!("{n}-{value:03}.{}.example", long[..value * 2 + 1].trim_end_matches('.')),
            _ => format!("{n}-{value:03}.example"),
        };
        let names: Vec<Vec<String>> =
            (0..counts.len()).map(|n| (0..counts[n]).map(|value| name(n, value)).collect()).collect();
        let mut objects = Vec::new();
        for (n, names) in (0..).zip(&names) {
            // Of two kinds.
            let of = |(at, name): (usize, &String)| {
                let path = if at.is_multiple_of(2) { "domain-name:value" } else { "mutex:name" };
                format!("{path} = '{name}'")
            };
            let pattern = names.iter().enumerate().map(of).collect::<Vec<_>>().join(" OR ");
            objects.push(with(n, &format!("[{pattern}]"), &json!({})));
        }
        world.add(&objects, at(0));
        let kind = |at: usize| if at.is_multiple_of(2) { Kind::Domain } else { Kind::Mutex };
        let found = |world: &World, from: usize| {
            let all = names.iter().flat_map(|names| names.iter().enumerate());
            let wanted: Vec<Wanted> = all.map(|(at, name)| Wanted::Value(kind(at), name)).collect();
            let expected: Vec<String> = names[from..].iter().flatten().cloned().collect();
            let found = looked_up(world, "cert-b/siem", &wanted).into_iter().map(|(_, name)| name);
            assert_eq!(found.collect::<Vec<_>>(), expected);
            for (at, name) in names.iter().flat_map(|names| names.iter().enumerate()) {
                let expected: Vec<(usize, String)> =
                    expected.contains(name).then(|| (0, name.clone())).into_iter().collect();
                assert_eq!(looked_up(world, "cert-b/siem", &[Wanted::Value(kind(at), name)]), expected);
            }
            let (mut listed, mut expected) = (listed(world, "cert-b/siem", 0).0, expected);
            listed.sort();
            expected.sort();
            assert_eq!(listed, expected);
            let other = names.iter().flat_map(|names| names.iter().enumerate());
            let other: Vec<Wanted> = other.map(|(at, name)| Wanted::Value(kind(at + 1), name)).collect();
            assert_eq!(looked_up(world, "cert-b/siem", &other), []);
        };
        found(world, 0);
        world.reopen(at(1));
        found(world, 0);
        for (n, second) in (0..4).zip(2..) {
            world.delete("cert-a/feed", &id("indicator", n), "all", at(second));
        }
        found(world, 4);
        world.reopen(at(9));
        found(world, 4);
    });
}

#[test]
fn what_is_said_of_objects_is_given_once_and_to_those_who_see_it() {
    on_every_backend(|world| {
        let sighting = |n: u32, tlp: Tlp| {
            json!({"type": "sighting", "spec_version": "2.1", "id": id("sighting", n), "created": crate::sample::CREATED,
                "modified": crate::sample::CREATED, "sighting_of_ref": id("indicator", 0), "object_marking_refs": [tlp.marking_id()]})
        };
        let opinion = json!({"type": "opinion", "spec_version": "2.1", "id": id("opinion", 1), "created": crate::sample::CREATED,
            "modified": crate::sample::CREATED, "opinion": "agree", "object_refs": [id("indicator", 0), id("indicator", 1)],
            "object_marking_refs": [Tlp::Amber.marking_id()]});
        let relation = json!({"type": "relationship", "spec_version": "2.1", "id": id("relationship", 1), "created": crate::sample::CREATED,
            "modified": crate::sample::CREATED, "relationship_type": "related-to", "source_ref": id("indicator", 0),
            "target_ref": id("indicator", 1), "object_marking_refs": [Tlp::Amber.marking_id()]});
        let said = [sighting(1, Tlp::Amber), sighting(2, Tlp::Red), opinion, relation];
        world.add(&[&[amber(0), amber(1)], &said[..]].concat(), at(0));
        let given = |world: &World, client: &str, numbers: &[u32]| {
            let ids: Vec<String> = numbers.iter().map(|n| id("indicator", *n)).collect();
            let objects: Vec<(usize, &str)> = ids.iter().map(|id| (0, id.as_str())).collect();
            let mut found = Vec::new();
            let scopes = [world.scope(client)];
            let mut take = |_: usize, _: &Handling, json: &[u8]| {
                let object: Value = serde_json::from_slice(json).unwrap();
                found.push(object["id"].as_str().unwrap().to_owned());
            };
            world.store.said(&scopes, &objects, 10, &mut take).unwrap();
            found.sort();
            found
        };
        for _ in 0..2 {
            let expected = [id("opinion", 1), id("sighting", 1)];
            assert_eq!(given(world, "cert-b/siem", &[0, 1]), expected);
            assert_eq!(given(world, "cert-b/siem", &[1]), expected[..1]);
            assert_eq!(given(world, "cert-a/feed", &[0]).len(), 3);
            assert_eq!(given(world, "cert-a/feed", &[2]), [""; 0]);
            world.reopen(at(1));
        }
        world.delete("cert-a/feed", &id("opinion", 1), "all", at(2));
        assert_eq!(given(world, "cert-b/siem", &[1]), [""; 0]);
    });
}
