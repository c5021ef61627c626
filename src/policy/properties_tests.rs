//! What holds of the decision whatever markings say, and the test vectors of the rule book.

use super::reader::Reader;
use super::*;
use crate::registry::Unmarked;
use crate::stix::Tlp;
use crate::stix::content::Options;
use crate::stix::marking::{HANDLING_EXTENSION, RELEASABILITY_EXTENSION, Terms};
use crate::taxii::Envelope;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: i64 = 1_000;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A client of organisation `b`, country `BB`, identity `c`.
fn reader() -> Reader {
    Reader {
        collection: "k".to_owned(),
        client: "b/siem".into(),
        organisation: "b".to_owned(),
        places: ["BB".to_owned(), "c".to_owned()],
        identity: Some("d".to_owned()),
        ceiling: Some(Ceiling { tlp: Tlp::Red, place: "no ceiling" }),
        audiences: set(&["a", "b"]),
        purposes: set(&["cyber-defence", "a", "b"]),
        understands: set(&["a"]),
        consents: BTreeMap::new(),
    }
}

fn handled(terms: Terms) -> Handling {
    let owner = "a".to_owned();
    Handling { owner, relay: None, source: Source::Own, floor: Tlp::Clear, for_all_purposes: false, terms }
}

fn refusal(terms: Terms) -> Option<Reason> {
    reader().refusal(&handled(terms), now())
}

fn terms() -> impl Strategy<Value = Terms> {
    let names = || prop::collection::btree_set("[a-d]|BB|CC", 0..4);
    let maybe = || prop::option::of(names());
    let audiences = prop::collection::btree_set(names(), 0..2);
    let purposes = prop::option::of(prop::collection::btree_set("[a-c]|cyber-defence", 0..3));
    let first = (0_usize..5, maybe(), names(), maybe(), audiences);
    let second = (any::<bool>(), prop::option::of(NOW - 1..NOW + 2), purposes, names());
    (first, second).prop_map(|((tlp, rel_to, not_rel_to, recipients, audiences), second)| {
        let (originator_control, valid_until, purposes, needs) = second;
        let tlp = Some(Tlp::ALL[tlp]);
        Terms {
            tlp,
            rel_to,
            not_rel_to,
            recipients,
            audiences,
            originator_control,
            valid_until,
            purposes,
            needs,
            ..Terms::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// But for recipients, which RED alone asks for and so opens RED to those named.
    #[test]
    fn another_marking_never_widens_the_audience(one in terms(), other in terms(), relayed in any::<bool>()) {
        let relay = relayed.then(|| "c".to_owned());
        let other = Terms { recipients: if one.recipients.is_some() { other.recipients } else { None }, ..other };
        // A purpose takes the place of the usual ones, and so may be one that the usual ones are not.
        let other = Terms { purposes: other.purposes.filter(|_| one.purposes.is_some()), ..other };
        let mut both = one.clone();
        both.add(&other);
        let sees = |terms: &Terms| {
            reader().refusal(&Handling { relay: relay.clone(), ..handled(terms.clone()) }, now()).is_none()
        };
        prop_assert!(!sees(&both) || sees(&one));
    }

    #[test]
    fn an_empty_list_is_for_nobody(marked in terms()) {
        let nobody = Some(BTreeSet::new());
        let closed = [
            Terms { rel_to: nobody.clone(), ..marked.clone() },
            Terms { purposes: nobody.clone(), ..marked.clone() },
            Terms { audiences: BTreeSet::from([BTreeSet::new()]), ..marked.clone() },
            Terms { recipients: nobody, tlp: Some(Tlp::Red), ..marked },
        ];
        for terms in closed {
            prop_assert!(refusal(terms).is_some());
        }
    }

    #[test]
    fn releasability_never_widens_a_level(marked in terms(), ceiling in 0_usize..5) {
        let all = Terms { rel_to: Some(set(&["BB", "c"])), not_rel_to: BTreeSet::new(), ..marked };
        let low = Reader { ceiling: Some(Ceiling { tlp: Tlp::ALL[ceiling], place: "" }), ..reader() };
        let passes = low.refusal(&handled(all.clone()), now()).is_none();
        prop_assert!(!passes || all.tlp <= Some(Tlp::ALL[ceiling]));
    }

    #[test]
    fn a_floor_never_widens(marked in terms(), floor in 0_usize..5) {
        let plain = handled(marked);
        let raised = plain.raised(Tlp::ALL[floor]);
        prop_assert!(raised.level(now()) >= plain.level(now()));
        prop_assert!(reader().refusal(&raised, now()).is_some() || reader().refusal(&plain, now()).is_none());
    }
}

#[test]
fn each_line_has_both_sides() {
    let amber = || Terms { tlp: Some(Tlp::Amber), ..Terms::default() };
    assert_eq!(refusal(amber()), None);
    let cases = [
        (Terms { audiences: BTreeSet::from([set(&["x"])]), ..amber() }, Some(Reason::NotInAudience)),
        (Terms { audiences: BTreeSet::from([set(&["x", "a"]), set(&["b"])]), ..amber() }, None),
        (Terms { rel_to: Some(set(&["CA"])), ..amber() }, Some(Reason::NotReleasable)),
        (Terms { rel_to: Some(set(&["CA", "BB"])), ..amber() }, None),
        (Terms { rel_to: Some(set(&["c"])), ..amber() }, None),
        (
            Terms { rel_to: Some(set(&["BB"])), not_rel_to: set(&["c"]), ..amber() },
            Some(Reason::NotReleasable),
        ),
        (Terms { valid_until: Some(NOW), ..amber() }, Some(Reason::NotReleasable)),
        (Terms { valid_until: Some(NOW + 1), ..amber() }, None),
        (Terms { tlp: Some(Tlp::Red), ..amber() }, Some(Reason::TlpNotRecipient)),
        (Terms { tlp: Some(Tlp::Red), recipients: Some(set(&["d"])), ..amber() }, None),
        (Terms { tlp: Some(Tlp::Red), recipients: Some(set(&["c"])), ..amber() }, None),
        (Terms { tlp: Some(Tlp::AmberStrict), ..amber() }, None),
        (Terms { purposes: Some(set(&["research"])), ..amber() }, Some(Reason::PurposeMismatch)),
        (Terms { purposes: Some(set(&["research", "b"])), ..amber() }, None),
        (Terms { needs: set(&["acs"]), ..amber() }, Some(Reason::MarkingNotUnderstood)),
        (Terms { needs: set(&["a"]), ..amber() }, None),
        (Terms { tlp: None, ..amber() }, Some(Reason::TlpNotRecipient)),
    ];
    for (marked, want) in cases {
        assert_eq!(refusal(marked.clone()), want, "{marked:?}");
    }
}

#[test]
fn what_is_passed_on_goes_no_further_without_consent() {
    let relayed = |terms: Terms| Handling { relay: Some("c".to_owned()), ..handled(terms) };
    let strict = relayed(Terms { tlp: Some(Tlp::AmberStrict), ..Terms::default() });
    let controlled = relayed(Terms { tlp: Some(Tlp::Green), originator_control: true, ..Terms::default() });
    let by = |reader: &Reader, handling: &Handling| reader.refusal(handling, now());
    assert_eq!(by(&reader(), &strict), Some(Reason::TlpNotRecipient));
    assert_eq!(by(&reader(), &controlled), Some(Reason::OriginatorConsentMissing));
    for organisation in ["a", "c"] {
        let close = Reader { organisation: organisation.to_owned(), ..reader() };
        assert_eq!((by(&close, &strict), by(&close, &controlled)), (None, None), "{organisation}");
    }
    for (end, want) in
        [(None, None), (Some(NOW + 1), None), (Some(NOW), Some(Reason::OriginatorConsentMissing))]
    {
        let agreed = Reader { consents: BTreeMap::from([("a".to_owned(), end)]), ..reader() };
        assert_eq!(by(&agreed, &controlled), want);
    }
    let other = Reader { consents: BTreeMap::from([("x".to_owned(), None)]), ..reader() };
    assert_eq!(by(&other, &controlled), Some(Reason::OriginatorConsentMissing));
}

/// How the objects of an envelope stand: level and refusal code.
fn standings(objects: &[String], unmarked: Unmarked) -> Vec<Result<(Tlp, Tlp), &'static str>> {
    let body = format!("{{\"objects\":[{}]}}", objects.join(","));
    let envelope = Envelope::parse(body.into_bytes(), Options::default()).unwrap();
    let items: Vec<Item> = envelope
        .objects()
        .map(|found| match found {
            Ok(object) => Item::Object(object),
            Err(rejected) => {
                let claims = crate::stix::claims::Claims::of(&rejected.json);
                Item::Rejected(Box::new((*rejected, claims)))
            }
        })
        .collect();
    let markings = Markings::default();
    let around = Around { unmarked, markings: &markings, stored: &|_| None, now: now() };
    let level =
        |standing: Standing| (super::handling::level(&standing.terms, now()).unwrap(), standing.floor);
    let standings = Together::new(&items, around).standings();
    standings.into_iter().map(|found| found.map(level).map_err(|refusal| refusal.code())).collect()
}

fn id(object_type: &str, n: u8) -> String {
    format!("{object_type}--00000000-0000-4000-8000-0000000000{n:02x}")
}

fn object(object_type: &str, n: u8, more: &str) -> String {
    let times = r#""created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z""#;
    format!(r#"{{"type":"{object_type}","spec_version":"2.1","id":"{}",{times}{more}}}"#, id(object_type, n))
}

fn malware(n: u8, more: &str) -> String {
    object("malware", n, &format!(r#","is_family":false,"name":"m"{more}"#))
}

fn marked(tlp: Tlp) -> String {
    format!(r#","object_marking_refs":["{}"]"#, tlp.marking_id())
}

fn report(n: u8, of: &[String], more: &str) -> String {
    let of: Vec<String> = of.iter().map(|id| format!("\"{id}\"")).collect();
    let more =
        format!(r#","name":"r","published":"2026-01-01T00:00:00Z","object_refs":[{}]{more}"#, of.join(","));
    object("report", n, &more)
}

#[test]
fn the_vectors_of_the_rule_book_hold() {
    let reject = |objects: &[String]| standings(objects, Unmarked::Reject);
    let clear = Tlp::Clear;
    // 1
    let one = r#","object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],"labels":["tlp:amber+strict"]"#;
    assert_eq!(reject(&[malware(1, one)]), [Ok((Tlp::AmberStrict, clear))]);
    // 2
    let inside = malware(1, "");
    let outside = report(2, &[id("malware", 1)], &marked(Tlp::AmberStrict));
    assert_eq!(
        reject(&[inside.clone(), outside.clone()]),
        [Ok((Tlp::AmberStrict, clear)), Ok((Tlp::AmberStrict, clear))]
    );
    assert_eq!(reject(std::slice::from_ref(&inside)), [Err("unmarked")]);
    // 3
    let green = Tlp::Green.marking_id();
    let granular = format!(
        r#","granular_markings":[{{"selectors":["name"],"marking_ref":"{green}"}}]{}"#,
        marked(clear)
    );
    assert_eq!(reject(&[malware(1, &granular)]), [Ok((Tlp::Green, clear))]);
    // 4
    let opencti = r#","object_marking_refs":["marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"]"#;
    assert_eq!(reject(&[malware(1, opencti)]), [Ok((Tlp::AmberStrict, clear))]);
    let statement = format!(
        r#"{{"type":"marking-definition","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{{"statement":"(c)"}}}}"#,
        id("marking-definition", 9)
    );
    let refers = format!(r#","object_marking_refs":["{}"]"#, id("marking-definition", 9));
    assert_eq!(reject(&[statement, malware(1, &refers)]), [Ok((clear, clear)), Err("unmarked")]);
    assert_eq!(reject(&[malware(1, &refers)]), [Err("marking_unknown")]);
    // 5
    let nobody = Terms { tlp: Some(clear), rel_to: Some(BTreeSet::new()), ..Terms::default() };
    for organisation in ["a", "b", "c"] {
        let reader = Reader { organisation: organisation.to_owned(), ..reader() };
        assert_eq!(reader.refusal(&handled(nobody.clone()), now()), Some(Reason::NotReleasable));
    }
    // 13
    let relation = format!(
        r#","relationship_type":"related-to","source_ref":"{}","target_ref":"{}"{}"#,
        id("malware", 1),
        id("malware", 2),
        marked(clear)
    );
    let all = [
        malware(1, &marked(Tlp::Green)),
        object("relationship", 3, &relation),
        malware(2, &marked(Tlp::Amber)),
    ];
    assert_eq!(reject(&all)[1], Ok((clear, Tlp::Amber)));
}

#[test]
fn levels_are_passed_on_to_any_depth_and_the_highest_counts() {
    let inner = report(3, &[id("malware", 1)], "");
    let outer = report(4, &[id("report", 3)], &marked(Tlp::Amber));
    let other = report(5, &[id("malware", 1)], &marked(Tlp::Green));
    let all = [malware(1, ""), inner, outer, other];
    let levels: Vec<Tlp> =
        standings(&all, Unmarked::Inherit).into_iter().map(|found| found.unwrap().0).collect();
    assert_eq!(levels, [Tlp::Amber, Tlp::Amber, Tlp::Amber, Tlp::Green]);
    // Each names the other: no level comes of that.
    let circle = [report(3, &[id("report", 4)], ""), report(4, &[id("report", 3)], "")];
    assert_eq!(standings(&circle, Unmarked::Inherit), [Err("unmarked"), Err("unmarked")]);
    assert_eq!(standings(&circle, Unmarked::Assume(Tlp::Green))[0], Ok((Tlp::Green, Tlp::Clear)));
}

#[test]
fn a_refused_container_still_says_what_its_sender_meant() {
    let broken = report(2, &[id("malware", 1)], &marked(Tlp::Red)).replace("\"name\":\"r\",", "");
    assert_eq!(
        standings(&[malware(1, ""), broken], Unmarked::Assume(Tlp::Green))[0],
        Ok((Tlp::Red, Tlp::Clear))
    );
}

#[test]
fn types_without_a_level_of_their_own_have_one() {
    let identity = object("identity", 1, r#","name":"i","identity_class":"group""#);
    let location = object("location", 2, r#","region":"europe""#);
    let both = [identity, location];
    let levels = |rule| standings(&both, rule).into_iter().map(|found| found.unwrap().0).collect::<Vec<_>>();
    assert_eq!(levels(Unmarked::Reject), [Tlp::Green, Tlp::Green]);
    assert_eq!(levels(Unmarked::Assume(Tlp::Amber)), [Tlp::Amber, Tlp::Amber]);
    let address = r#"{"type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}"#;
    assert_eq!(standings(&[address.to_owned()], Unmarked::Reject), [Err("unmarked")]);
    let relation = format!(
        r#","relationship_type":"related-to","source_ref":"{}","target_ref":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"{}"#,
        id("malware", 1),
        marked(Tlp::Amber)
    );
    let found = standings(&[address.to_owned(), object("relationship", 3, &relation)], Unmarked::Reject);
    assert_eq!(found[0], Ok((Tlp::Amber, Tlp::Clear)));
}

#[test]
fn what_a_container_asks_for_is_asked_of_what_takes_its_level() {
    let extension =
        |id: &str, what: &str| format!(r#""{id}":{{"extension_type":"property-extension",{what}}}"#);
    let definition = format!(
        r#"{{"type":"marking-definition","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","name":"x","extensions":{{{},{}}}}}"#,
        id("marking-definition", 9),
        extension(RELEASABILITY_EXTENSION, r#""rel_to":["CA"]"#),
        extension(HANDLING_EXTENSION, r#""purposes":["research"]"#),
    );
    let refs = format!(
        r#","object_marking_refs":["{}","{}"]"#,
        Tlp::Green.marking_id(),
        id("marking-definition", 9)
    );
    let body = format!(
        "{{\"objects\":[{},{},{}]}}",
        malware(1, ""),
        definition,
        report(2, &[id("malware", 1)], &refs)
    );
    let envelope = Envelope::parse(body.into_bytes(), Options::default()).unwrap();
    let items: Vec<Item> = envelope.objects().map(|found| Item::Object(found.unwrap())).collect();
    let markings = Markings::default();
    let around = Around { unmarked: Unmarked::Reject, markings: &markings, stored: &|_| None, now: now() };
    let standing = Together::new(&items, around).standings().remove(0).unwrap();
    assert_eq!(standing.terms.rel_to, Some(set(&["CA"])));
    assert_eq!(standing.terms.purposes, Some(set(&["research"])));
    assert_eq!(standing.source, Source::Container);
}
