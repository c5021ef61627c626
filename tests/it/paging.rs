//! Paging by `next` and by `added_after` (TAXII 2.1 §3.4, §3.5).

use crate::app::{
    Answer, Client, INDICATORS, MALWARE, REGISTRY, TestApp, manifest_of, name, names, object_in, objects_of,
    with,
};
use crate::sample::{amber, ambers, id, indicator};
use liaison::stix::Tlp;
use serde_json::Value;
use std::collections::HashSet;

const LIMITS: [usize; 6] = [1, 2, 3, 7, 24, 1000];

fn all_names(objects: &[Value]) -> Vec<String> {
    objects.iter().map(name).collect()
}

/// Twenty-five objects in batches of several sizes.
fn published(client: &Client) -> Vec<String> {
    for range in [0..1, 1..10, 10..12, 12..25] {
        client.publish(INDICATORS, &ambers(range));
    }
    all_names(&ambers(0..25))
}

/// The version lists of pages, which have no objects.
fn versions(pages: &[Answer]) -> Vec<String> {
    pages.iter().flat_map(Answer::versions).collect()
}

#[test]
fn next_brings_each_object_once_in_order_for_every_page_size() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    for limit in LIMITS {
        for path in [objects_of(INDICATORS), manifest_of(INDICATORS)] {
            let pages = client.walk(&with(&path, &format!("limit={limit}")));
            assert_eq!(names(&pages), want, "{path} {limit}");
            assert_eq!(pages.len(), 25_usize.div_ceil(limit), "{path} {limit}");
        }
    }
}

#[test]
fn added_after_brings_each_object_once_in_order_for_every_page_size() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    for limit in LIMITS {
        for path in [objects_of(INDICATORS), manifest_of(INDICATORS)] {
            let pages = client.walk_by_date(&with(&path, &format!("limit={limit}")));
            assert_eq!(names(&pages), want, "{path} {limit}");
        }
    }
}

#[test]
fn the_date_headers_are_those_of_the_first_and_last_object_of_the_page() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    published(&client);
    let records = client.get(&manifest_of(INDICATORS)).objects();
    for limit in LIMITS {
        let pages = client.walk(&format!("{}?limit={limit}", objects_of(INDICATORS)));
        for (page, records) in pages.iter().zip(records.chunks(limit)) {
            assert_eq!(page.first(), records.first().unwrap()["date_added"].as_str());
            assert_eq!(page.last(), records.last().unwrap()["date_added"].as_str());
            assert_eq!(page.names(), all_names(records));
        }
    }
    let dates: HashSet<&str> = records.iter().map(|record| record["date_added"].as_str().unwrap()).collect();
    assert_eq!(dates.len(), 25, "no two objects share a date");
}

#[test]
fn versions_and_one_object_are_paged_like_everything_else() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for k in [4, 1, 0, 3, 2] {
        client.publish(INDICATORS, &[indicator(1, k, Tlp::Amber)]);
        client.publish(INDICATORS, &[amber(100 + k)]);
    }
    let object = format!("{}?match[version]=all", object_in(INDICATORS, &amber(1)));
    let list = format!("{}versions/", object_in(INDICATORS, &amber(1)));
    let whole = client.get(&list).versions();
    assert_eq!(whole, [4, 1, 0, 3, 2].map(crate::sample::version), "in date_added order");
    for limit in [1, 2, 3, 5, 9] {
        let limit = format!("limit={limit}");
        assert_eq!(versions(&client.walk(&with(&list, &limit))), whole, "{limit}");
        assert_eq!(versions(&client.walk_by_date(&with(&list, &limit))), whole, "{limit}");
        assert_eq!(names(&client.walk(&with(&object, &limit))).len(), 5, "{limit}");
        assert_eq!(names(&client.walk_by_date(&with(&object, &limit))).len(), 5, "{limit}");
    }
}

#[test]
fn next_works_with_another_limit_and_with_none() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    let path = objects_of(INDICATORS);
    let next = client.get(&with(&path, "limit=4")).next().unwrap();
    assert_eq!(client.get(&format!("{path}?next={next}")).names(), want[4..]);
    let page = client.get(&format!("{path}?limit=3&next={next}"));
    assert_eq!(page.names(), want[4..7]);
    let next = page.next().unwrap();
    assert_eq!(client.get(&format!("{path}?limit=10&next={next}")).names(), want[7..17]);
}

#[test]
fn next_wins_over_the_added_after_of_the_first_request() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    let pages = client.walk(&format!("{}?added_after=2026-01-01T00:00:00Z&limit=4", objects_of(INDICATORS)));
    assert_eq!(names(&pages), want);
}

#[test]
fn a_next_can_be_used_again_by_anyone_at_any_time() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    let path = objects_of(INDICATORS);
    let next = client.get(&with(&path, "limit=4")).next().unwrap();
    let page = format!("{path}?limit=5&next={next}");
    let first = client.get(&page);
    assert_eq!(first.names(), want[4..9]);
    assert_eq!(client.get(&page).body, first.body);
    assert_eq!(app.client("cert-b/siem").get(&page).body, first.body);
    app.restart();
    assert_eq!(app.client("cert-a/feed").get(&page).body, first.body, "a restart changes nothing");
}

#[test]
fn a_next_of_other_filters_or_another_collection_is_refused() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    published(&client);
    client.publish(MALWARE, &ambers(0..5));
    let next = client.get(&format!("{}?limit=2", objects_of(INDICATORS))).next().unwrap();
    for path in [
        format!("{}?next={next}", objects_of(MALWARE)),
        format!("{}?next={next}&match[type]=indicator", objects_of(INDICATORS)),
        format!("{}?next={next}&match[version]=all", objects_of(INDICATORS)),
        format!("{}?next={next}", object_in(INDICATORS, &amber(1))),
        format!("{}versions/?next={next}", object_in(INDICATORS, &amber(1))),
    ] {
        assert_eq!(client.get(&path).status, 400, "{path}");
    }
}

#[test]
fn an_altered_next_is_refused() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    published(&client);
    let path = objects_of(INDICATORS);
    let next = client.get(&with(&path, "limit=2")).next().unwrap();
    for at in 0..next.len() {
        let other = if next.as_bytes()[at] == b'0' { '1' } else { '0' };
        let altered = format!("{}{other}{}", &next[..at], &next[at + 1..]);
        assert_eq!(
            client.request(reqwest::Method::GET, &format!("{path}?next={altered}")).send().status,
            400,
            "{altered}"
        );
    }
    for altered in [&next[1..], &next[..next.len() - 2], &next.to_uppercase(), "1", "1.5", "%00", "'"] {
        assert_eq!(client.get(&format!("{path}?next={altered}")).status, 400, "{altered}");
    }
}

#[test]
fn a_next_never_yields_more_than_the_caller_may_see() {
    let app = TestApp::start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    let objects: Vec<Value> =
        (0..9).map(|n| indicator(n, 0, if n % 2 == 0 { Tlp::Red } else { Tlp::Amber })).collect();
    owner.publish(INDICATORS, &objects);
    let path = objects_of(INDICATORS);
    let next = owner.get(&with(&path, "limit=2")).next().unwrap();
    let seen = other.get(&format!("{path}?next={next}")).names();
    assert_eq!(seen, all_names(&[objects[3].clone(), objects[5].clone(), objects[7].clone()]));
    let guest = app.client("cert-a/guest").get(&format!("{path}?next={next}"));
    assert_eq!(guest.text(), "{}");
}

#[test]
fn pages_are_full_whatever_is_hidden_between() {
    let app = TestApp::start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    let objects: Vec<Value> =
        (0..30).map(|n| indicator(n, 0, if n % 3 == 0 { Tlp::Amber } else { Tlp::Red })).collect();
    owner.publish(INDICATORS, &objects);
    let pages = other.walk(&format!("{}?limit=5", objects_of(INDICATORS)));
    let lengths: Vec<usize> = pages.iter().map(|page| page.objects().len()).collect();
    assert_eq!(lengths, [5, 5], "`more` counts what the client may see");
    assert_eq!(owner.walk(&format!("{}?limit=5", objects_of(INDICATORS))).len(), 6);
}

#[test]
fn objects_added_during_a_walk_come_after_those_already_there() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let mut want = published(&client);
    for (by, path) in [(0, objects_of(INDICATORS)), (1, manifest_of(INDICATORS))] {
        let path = with(&path, "limit=4");
        let mut page = client.get(&path);
        let mut seen = page.names();
        let mut n = 200 + 100 * by;
        while page.more() {
            if n % 100 < 6 {
                client.publish(INDICATORS, &[amber(n), amber(n + 50)]);
                want.extend(all_names(&[amber(n), amber(n + 50)]));
                n += 1;
            }
            let onward = if n % 2 == 0 {
                format!("next={}", page.next().unwrap())
            } else {
                format!("added_after={}", page.last().unwrap())
            };
            page = client.get(&with(&path, &onward));
            seen.extend(page.names());
        }
        assert_eq!(seen, want);
    }
}

#[test]
fn versions_that_come_late_disturb_no_walk() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let object = |n: u32, k| indicator(n, k, Tlp::Amber);
    client.publish(INDICATORS, &(0..10).map(|n| object(n, 5)).collect::<Vec<_>>());
    let path = format!("{}?limit=3&match[version]=all", objects_of(INDICATORS));
    let mut page = client.get(&path);
    let mut seen = page.names();
    let mut want: Vec<String> = (0..10).map(|n| name(&object(n, 5))).collect();
    for n in 0..4 {
        // An older and a newer version of objects before and behind the walk.
        let late = [object(n, 1), object(9 - n, 8)];
        client.publish(INDICATORS, &late);
        want.extend(all_names(&late));
        page = client.get(&with(&path, &format!("next={}", page.next().unwrap())));
        seen.extend(page.names());
    }
    while let Some(next) = page.next() {
        page = client.get(&with(&path, &format!("next={next}")));
        seen.extend(page.names());
    }
    assert_eq!(seen, want);
}

#[test]
fn a_newer_version_takes_the_place_of_the_one_before_on_pages_already_read() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..6));
    let path = format!("{}?limit=3", objects_of(INDICATORS));
    assert_eq!(names(&client.walk(&path)), all_names(&ambers(0..6)));
    client.publish(INDICATORS, &[indicator(1, 7, Tlp::Amber)]);
    let want = [amber(0), amber(2), amber(3), amber(4), amber(5), indicator(1, 7, Tlp::Amber)];
    assert_eq!(names(&client.walk(&path)), all_names(&want), "the old page is not served from memory");
    assert_eq!(client.walk(&path).len(), 2);
}

#[test]
fn deletes_during_a_walk_lose_nothing_else() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..12));
    let path = format!("{}?limit=3", objects_of(INDICATORS));
    let mut page = client.get(&path);
    let mut seen = page.names();
    // The last object read, one read earlier, and one to come.
    for n in [2, 0, 4, 11] {
        assert_eq!(client.delete(&object_in(INDICATORS, &amber(n))).status, 200);
    }
    while let Some(next) = page.next() {
        page = client.get(&with(&path, &format!("next={next}")));
        seen.extend(page.names());
    }
    let want: Vec<Value> = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10].map(amber).to_vec();
    assert_eq!(seen, all_names(&want));
}

#[test]
fn more_is_never_promised_when_all_that_was_left_has_been_deleted() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for kind in [objects_of(INDICATORS), manifest_of(INDICATORS)] {
        client.publish(INDICATORS, &ambers(0..3));
        let path = format!("{kind}?limit=2");
        assert!(client.get(&path).more());
        assert_eq!(client.delete(&object_in(INDICATORS, &amber(2))).status, 200);
        let page = client.get(&path);
        assert_eq!(
            (page.objects().len(), page.more()),
            (2, false),
            "{kind}: nothing is left after this page"
        );
    }
}

#[test]
fn a_version_that_becomes_the_latest_by_a_delete_is_seen_at_once() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let (new, old) = (indicator(1, 5, Tlp::Amber), indicator(1, 2, Tlp::Amber));
    client.publish(INDICATORS, &[new]);
    let date = client.get(&objects_of(INDICATORS)).last().unwrap().to_owned();
    client.publish(INDICATORS, std::slice::from_ref(&old));
    let path = format!("{}?added_after={date}", objects_of(INDICATORS));
    assert_eq!(client.get(&path).text(), "{}", "the version that came late is not the latest");
    let one = format!("{}?match[version]={}", object_in(INDICATORS, &old), crate::sample::version(5));
    assert_eq!(client.delete(&one).status, 200);
    assert_eq!(client.get(&path).names(), all_names(&[old]));
}

#[test]
fn several_pollers_and_publishers_at_once_lose_and_repeat_nothing() {
    let app = TestApp::start();
    let (batches, size) = (12_u32, 9_u32);
    let total = 2 * batches * size;
    std::thread::scope(|scope| {
        for (writer, name) in ["cert-a/feed", "cert-b/feed"].into_iter().enumerate() {
            let client = app.client(name);
            scope.spawn(move || {
                for batch in 0..batches {
                    let from = 100_000 * writer as u32 + batch * size;
                    let sizes = 1 + batch % size;
                    client.publish(INDICATORS, &ambers(from..from + sizes));
                    client.publish(
                        INDICATORS,
                        &ambers(from + sizes..from + size + 1)[..(size - sizes) as usize + 1],
                    );
                }
            });
        }
        for (poller, limit) in [1_usize, 3, 7, 50].into_iter().enumerate() {
            let client = app.client(["cert-a/siem", "cert-b/siem"][poller % 2]);
            let want = total as usize + 2;
            scope.spawn(move || poll(&client, poller % 2 == 0, limit, want));
        }
    });
}

/// Polls until the number wanted is there; every object once, dates rising.
fn poll(client: &Client, by_next: bool, limit: usize, want: usize) {
    let path = format!("{}?limit={limit}", manifest_of(INDICATORS));
    let (mut seen, mut dates) = (HashSet::new(), vec![String::new()]);
    let mut onward: Option<String> = None;
    for _ in 0..5_000 {
        let target = onward.as_ref().map_or(path.clone(), |onward| with(&path, onward));
        let page = client.request(reqwest::Method::GET, &target).send();
        for record in page.objects() {
            let date = record["date_added"].as_str().unwrap().to_owned();
            assert!(*dates.last().unwrap() < date, "{date} is not after {}", dates.last().unwrap());
            dates.push(date);
            assert!(seen.insert(name(&record)), "{} twice", name(&record));
        }
        onward = match (page.next(), page.last()) {
            (Some(next), _) if by_next => Some(format!("next={next}")),
            (_, Some(last)) => Some(format!("added_after={last}")),
            _ => onward,
        };
        if seen.len() >= want {
            break;
        }
    }
    assert_eq!(seen.len(), want);
}

#[test]
fn a_poller_survives_a_restart_between_pages() {
    let app = TestApp::start();
    let want = published(&app.client("cert-a/feed"));
    let path = format!("{}?limit=10", objects_of(INDICATORS));
    let mut seen = app.client("cert-b/siem").get(&path).names();
    let mut onward = format!("next={}", app.client("cert-b/siem").get(&path).next().unwrap());
    loop {
        app.restart();
        let page = app.client("cert-b/siem").get(&with(&path, &onward));
        seen.extend(page.names());
        let Some(next) = page.next() else { break };
        onward = format!("next={next}");
    }
    assert_eq!(seen, want);
}

#[test]
fn the_same_next_is_good_on_manifest_and_objects() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let want = published(&client);
    let next = client.get(&format!("{}?limit=4", manifest_of(INDICATORS))).next().unwrap();
    assert_eq!(client.get(&format!("{}?limit=4&next={next}", objects_of(INDICATORS))).names(), want[4..8]);
}

#[test]
fn more_comes_with_next_and_never_with_an_empty_page() {
    let app = TestApp::with(REGISTRY).page_max(3).start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &(0..6).map(|k| indicator(1, k, Tlp::Amber)).collect::<Vec<_>>());
    let object = object_in(INDICATORS, &amber(1));
    for path in [
        format!("{}?match[version]=all", objects_of(INDICATORS)),
        format!("{}?match[version]=all", manifest_of(INDICATORS)),
        format!("{object}?match[version]=all"),
        format!("{object}versions/"),
    ] {
        // That `more` has a `next` and a page something on it, the schemas demand of each answer.
        let pages = client.walk(&path);
        assert_eq!(pages.len(), 2, "{path}");
        assert!(pages[0].more() && !pages[1].more(), "{path}");
    }
    assert_eq!(
        client.get(&format!("{}?match[id]={}", objects_of(INDICATORS), id("indicator", 9))).text(),
        "{}"
    );
}
