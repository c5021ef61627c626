mod again;
mod properties;

use super::*;
use crate::stix::atom::{self, Atom, Kind};
use crate::stix::marking::{EvidenceUse, OnwardTransfer, Terms as MarkingTerms};
use crate::stix::object::Header;
use crate::submission::{Details, Record, Reference, misp};
use serde_json::json;
use std::collections::BTreeSet;

const AUTHOR: &str = "identity--7c2e9a64-52cb-4a41-9d53-b1c1e9a0c0aa";
const NOW: &str = "2026-11-23T06:00:00.000Z";
const LATER: &str = "2026-11-24T06:00:00.000Z";

fn terms(now: &str) -> Terms<'_> {
    Terms {
        author: AUTHOR,
        author_name: "CERT Alphaland",
        tlp: Tlp::Green,
        pap: None,
        purposes: &[],
        handling: None,
        title: "Wave 7",
        description: None,
        container: Container::Report,
        now,
        valid_days: Some(30),
        confidence: 60,
        labels: &[],
    }
}

fn record(kind: Kind, text: &str, for_detection: bool) -> Record {
    let what = What::Value(Atom::parse(kind, text).unwrap());
    Record { what, place: "line 7".to_owned(), details: Details { for_detection, ..Details::default() } }
}

fn cve() -> Record {
    let what = crate::submission::vulnerability("cve-2026-1234").unwrap();
    Record { what, place: "line 8".to_owned(), details: Details::default() }
}

fn draft(records: Vec<Record>) -> Draft {
    Draft { records, ..Draft::default() }
}

fn domain() -> Draft {
    draft(vec![record(Kind::Domain, "c2.evil.example", true)])
}

/// Hands in, and what the target has afterwards.
fn publish(draft: &Draft, terms: &Terms, target: &mut HashMap<String, Value>) -> Built {
    let built = objects(draft, terms, target).unwrap();
    for object in &built.objects {
        sound(object);
        target.insert(object["id"].as_str().unwrap().to_owned(), object.clone());
    }
    let asked: BTreeSet<String> = ids(draft, terms, target).into_iter().collect();
    let left_out: Vec<_> = built.left_out.iter().map(|out| out.text.clone()).collect();
    let told = built
        .objects
        .iter()
        .filter_map(|one| one["id"].as_str())
        .chain(built.unchanged.iter().map(String::as_str));
    for id in told {
        assert!(asked.contains(id), "{id} is not among the ids that were asked for; {left_out:?}");
    }
    built
}

/// No error under the strict profile; the only advice against it is about what the design wants: ids that
/// follow from content, patterns of types that the standard does not have (governance §17), and references
/// without hashes of what nobody has fetched.
fn sound(object: &Value) {
    let options = Options { profile: Profile::Strict, advise: true, ..Options::default() };
    let text = object.to_string().into_bytes();
    let read = json::read(text, |seen| (judge(seen, options), Header::read(seen).map(drop))).unwrap();
    let (findings, header) = read.root.part.seen;
    header.unwrap();
    assert_eq!(findings.errors, [], "{object}");
    let is_ours =
        FRAUD.iter().any(|name| object["pattern"].as_str().is_some_and(|text| text.starts_with(name)));
    for warning in findings.warnings {
        let is_meant = matches!(warning.code, "id.version" | "extref.hash")
            || (warning.code == "indicator.pattern"
                && is_ours
                && warning.message.contains("not a type of STIX"));
        assert!(is_meant, "{warning}: {object}");
    }
}

const FRAUD: [&str; 4] = ["[bank-account:", "[phone-number:", "[cryptocurrency-wallet:", "[user-agent:"];

/// A value of each kind.
fn each() -> Vec<(Kind, &'static str, &'static str)> {
    vec![
        (Kind::Ipv4, "198.51.100.7", "[ipv4-addr:value = '198.51.100.7']"),
        (Kind::Ipv4Network, "203.0.113.0/24", "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
        (Kind::Ipv6, "2001:db8::66", "[ipv6-addr:value = '2001:db8::66']"),
        (Kind::Ipv6Network, "2001:db8::/32", "[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        (Kind::Domain, "c2.evil.example", "[domain-name:value = 'c2.evil.example']"),
        (Kind::Url, "http://c2.evil.example/gate", "[url:value = 'http://c2.evil.example/gate']"),
        (Kind::Email, "ceo@bad-login.example", "[email-addr:value = 'ceo@bad-login.example']"),
        (Kind::FileName, r"it's\x.exe", r"[file:name = 'it\'s\\x.exe']"),
        (
            Kind::FileMd5,
            "d41d8cd98f00b204e9800998ecf8427e",
            "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
        ),
        (
            Kind::FileSha1,
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
        ),
        (Kind::FileSsdeep, "96:abc:def", "[file:hashes.SSDEEP = '96:abc:def']"),
        (
            Kind::CertificateSha1,
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "[x509-certificate:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
        ),
        (Kind::AsNumber, "64496", "[autonomous-system:number = 64496]"),
        (Kind::Mac, "00:00:5e:00:53:01", "[mac-addr:value = '00:00:5e:00:53:01']"),
        (Kind::Mutex, r"Global\m", r"[mutex:name = 'Global\\m']"),
        (Kind::RegistryKey, r"HKEY_USERS\x", r"[windows-registry-key:key = 'HKEY_USERS\\x']"),
        (Kind::Account, "root", "[user-account:account_login = 'root']"),
        (Kind::UserAgent, "Evil/1.0", "[user-agent:value = 'Evil/1.0']"),
        (Kind::Iban, "GB33BUKB20201555555555", "[bank-account:iban = 'GB33BUKB20201555555555']"),
        (Kind::Phone, "+15555550100", "[phone-number:value = '+15555550100']"),
        (
            Kind::Wallet,
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "[cryptocurrency-wallet:value = '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa']",
        ),
    ]
}

#[test]
fn every_kind_is_an_indicator_or_an_observable() {
    for for_detection in [true, false] {
        let records = each().into_iter().map(|(kind, text, _)| record(kind, text, for_detection)).collect();
        let draft = draft(records);
        let mut target = HashMap::new();
        let built = publish(&draft, &terms(NOW), &mut target);
        assert_eq!(built.left_out, []);
        assert_eq!(built.objects.len(), each().len() + 1);
        let report = built.objects.last().unwrap();
        let refs: Vec<&Value> = report["object_refs"].as_array().unwrap().iter().collect();
        for ((object, (kind, text, pattern)), named) in built.objects.iter().zip(each()).zip(refs) {
            assert_eq!(&object["id"], named);
            match for_detection {
                true => assert_eq!(object["pattern"], pattern),
                false => {
                    assert_eq!(object["type"], kind.object_type());
                    assert!(
                        atom::of_observable(object).iter().any(|atom| atom.text() == text)
                            || kind == Kind::UserAgent,
                        "{object}"
                    );
                    assert!(object.get("object_marking_refs").is_none());
                }
            }
        }
        let again = objects(&draft, &terms(LATER), &target).unwrap();
        assert_eq!((again.objects.len(), again.unchanged.len()), (0, each().len() + 1));
    }
}

#[test]
fn levels_of_pap_are_defined_where_they_are_used() {
    let definition = |pap: Pap| {
        let text = crate::stix::marking::published(pap.marking_id()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let mut draft = draft(vec![
        record(Kind::Domain, "c2.evil.example", true),
        record(Kind::Domain, "c3.evil.example", true),
        record(Kind::Domain, "c4.evil.example", false),
    ]);
    draft.pap = Some(Pap::Green);
    draft.records[1].details.pap = Some(Pap::Red);
    let mut target = HashMap::new();
    let built = publish(&draft, &terms(NOW), &mut target);
    assert_eq!(built.objects[..2], [definition(Pap::Green), definition(Pap::Red)]);
    assert_eq!(built.objects.len(), 6);
    let again = publish(&draft, &terms(LATER), &mut target);
    assert_eq!((again.objects.len(), again.unchanged.len()), (0, 6));
    // Somebody else has defined one.
    let mut other = HashMap::from([(Pap::Red.marking_id().to_owned(), definition(Pap::Red))]);
    let author = "identity--0d2f6b1c-9a3e-4c57-8a1d-5e6f7a8b9c0d";
    let built = publish(&draft, &Terms { author, ..terms(NOW) }, &mut other);
    assert_eq!((&built.objects[0], built.objects.len()), (&definition(Pap::Green), 5));
    assert_eq!(built.unchanged, [Pap::Red.marking_id()]);
    // What was handed in before its level was defined anywhere.
    target.remove(Pap::Red.marking_id());
    draft.records[1].details.pap = None;
    let built = publish(&draft, &terms(LATER), &mut target);
    assert_eq!(built.objects, [definition(Pap::Red)]);
}

#[test]
fn an_indicator_says_everything_that_consumers_want() {
    let mut draft = domain();
    let details = &mut draft.records[0].details;
    details.confidence = Some(80);
    details.description = Some("seen in mails".to_owned());
    details.labels = vec!["rat".to_owned()];
    details.indicator_types = vec!["compromised".to_owned()];
    details.valid_from = StixTime::parse("2026-11-01T00:00:00.000Z");
    details.references.extend(Reference::to("https://press.example/a"));
    let labels = ["wave-7".to_owned()];
    let built = publish(&draft, &Terms { labels: &labels, ..terms(NOW) }, &mut HashMap::new());
    let id = built.objects[0]["id"].clone();
    let expected = json!({
        "type": "indicator", "spec_version": "2.1", "id": id, "created_by_ref": AUTHOR,
        "created": NOW, "modified": NOW,
        "name": "c2.evil.example", "description": "seen in mails",
        "indicator_types": ["compromised"], "confidence": 80, "labels": ["rat", "wave-7"],
        "pattern": "[domain-name:value = 'c2.evil.example']", "pattern_type": "stix",
        "valid_from": "2026-11-01T00:00:00.000Z", "valid_until": "2026-12-23T06:00:00.000Z",
        "external_references": [{"source_name": "press.example", "url": "https://press.example/a"}],
        "object_marking_refs": [Tlp::Green.marking_id()],
    });
    assert_eq!(built.objects[0], expected);
    let report = json!({
        "type": "report", "spec_version": "2.1", "id": built.objects[1]["id"], "created_by_ref": AUTHOR,
        "created": NOW, "modified": NOW, "name": "Wave 7", "published": NOW, "report_types": ["indicator"],
        "object_refs": [id], "labels": ["wave-7"], "object_marking_refs": [Tlp::Green.marking_id()],
    });
    assert_eq!(built.objects[1], report);
    let plain = publish(&domain(), &terms(NOW), &mut HashMap::new());
    let plain = &plain.objects[0];
    assert_eq!(
        (&plain["confidence"], &plain["indicator_types"]),
        (&json!(60), &json!(["malicious-activity"]))
    );
    assert_eq!(plain["description"], "domain-name in \"Wave 7\", by CERT Alphaland");
}

/// Computed by another program: whoever computes them anew must get the same, or everything is shared twice.
#[test]
fn ids_stay_what_they_are() {
    let built = publish(
        &draft(vec![record(Kind::Domain, "c2.evil.example", true), cve()]),
        &terms(NOW),
        &mut HashMap::new(),
    );
    let ids: Vec<&str> = built.objects.iter().filter_map(|object| object["id"].as_str()).collect();
    assert_eq!(ids, IDS);
    // By the rule of STIX 2.1 §2.9 over {"iban":"GB33BUKB20201555555555"}.
    let iban = publish(
        &draft(vec![record(Kind::Iban, "GB33BUKB20201555555555", false)]),
        &terms(NOW),
        &mut HashMap::new(),
    );
    assert_eq!(iban.objects[0]["id"], IBAN);
}

const IDS: [&str; 3] = [
    "indicator--f5f3c7ba-9f1e-543e-a9d2-57f9a2108795",
    "vulnerability--ab99033f-3502-5b46-a4b2-ccc9bffc79c5",
    "report--9c7a787e-02a5-5c85-8e5e-b9abf18dcc13",
];
const IBAN: &str = "bank-account--0ffc7644-b03a-5c13-94aa-22816e581fc9";

#[test]
fn who_says_it_and_what_it_is_called_make_other_objects() {
    let ids = |terms: &Terms| super::ids(&domain(), terms, &HashMap::new());
    let one = ids(&terms(NOW));
    let other = Terms { author: "identity--39ba23d0-4102-403f-97e5-b60ff193bca9", ..terms(NOW) };
    assert!(ids(&other).iter().all(|id| !one.contains(id)));
    let renamed = ids(&Terms { title: "Wave 8", ..terms(NOW) });
    assert_eq!(renamed.iter().filter(|id| one.contains(id)).count(), 1, "the indicator is the same");
    let purposes = ["fraud-prevention".to_owned()];
    assert!(ids(&Terms { purposes: &purposes, ..terms(NOW) }).iter().all(|id| !one.contains(id)));
}

#[test]
fn what_is_said_twice_is_one_object() {
    let twice =
        [record(Kind::Domain, "c2.evil.example", false), record(Kind::Domain, "C2.evil.example.", true)];
    let built = publish(&draft(twice.to_vec()), &terms(NOW), &mut HashMap::new());
    assert_eq!(built.objects.len(), 2, "{built:?}");
    assert_eq!(built.objects[0]["type"], "indicator");
}

#[test]
fn what_contradicts_itself_is_an_error_that_names_the_place() {
    let mut draft = domain();
    draft.records[0].details.valid_from = StixTime::parse(NOW);
    draft.records[0].details.valid_until = StixTime::parse("2026-11-23T06:00:00Z");
    let errors = objects(&draft, &terms(NOW), &HashMap::new()).unwrap_err();
    assert!(
        errors[0].to_string().starts_with("line 7: valid until 2026-11-23T06:00:00Z, and that is not after"),
        "{errors:?}"
    );
    let mut target = HashMap::new();
    publish(&domain(), &terms(LATER), &mut target);
    draft.records[0].details.valid_from = StixTime::parse("2026-11-01T00:00:00Z");
    assert!(objects(&draft, &terms(NOW), &HashMap::new()).is_ok());
    let errors = objects(&draft, &terms(LATER), &target).unwrap_err();
    assert!(errors[0].to_string().contains("since when it has been shared"), "{errors:?}");
    for (terms, place) in [
        (Terms { valid_days: Some(0), ..terms(NOW) }, "valid days"),
        (Terms { valid_days: Some(u32::MAX), ..terms(NOW) }, "valid days"),
        (Terms { confidence: 101, ..terms(NOW) }, "confidence"),
        (terms("now"), "now"),
        (Terms { title: " ", ..terms(NOW) }, "title"),
        (Terms { author: "CERT", container: Container::Report, ..terms(NOW) }, ""),
    ] {
        match objects(&domain(), &terms, &HashMap::new()) {
            Err(errors) => assert_eq!(errors[0].place, place),
            Ok(built) => assert_eq!((place, built.objects.len(), built.left_out.len()), ("", 0, 1)),
        }
    }
}

#[test]
fn conditions_are_a_marking_that_is_there_once() {
    let usual = ["incident-response".to_owned(), "cyber-defence".to_owned()];
    let built = publish(&domain(), &Terms { purposes: &usual, ..terms(NOW) }, &mut HashMap::new());
    assert_eq!(built.objects.len(), 2, "the usual purposes need no marking");
    let purposes = ["organised-crime".to_owned(), "fraud-prevention".to_owned()];
    let handling = Handling {
        codes: vec!["h2".to_owned(), "H1".to_owned()],
        evidence_use: Some(EvidenceUse::PermissionRequired),
        onward_transfer: Some(OnwardTransfer::OriginatorConsent),
        legal_basis: Some("Treaty of 4 May 2026, article 12".to_owned()),
        source_evaluation: Some("B".to_owned()),
        information_evaluation: Some("2".to_owned()),
        ..Handling::default()
    };
    let with = Terms { purposes: &purposes, handling: Some(&handling), ..terms(NOW) };
    let mut target = HashMap::new();
    let built = publish(&domain(), &with, &mut target);
    let [marking, indicator, report] = &built.objects[..] else { panic!("{built:?}") };
    for object in [indicator, report] {
        assert_eq!(object["object_marking_refs"], json!([Tlp::Green.marking_id(), marking["id"]]));
    }
    assert_eq!(marking["name"], "Handling: fraud-prevention, organised-crime; H1, H2");
    let read =
        json::read(marking.to_string().into_bytes(), |seen| MarkingTerms::of_definition(seen.value)).unwrap();
    let read = read.root.part.seen.unwrap();
    assert_eq!(
        read.purposes.unwrap().into_iter().collect::<Vec<_>>(),
        ["fraud-prevention", "organised-crime"]
    );
    assert_eq!(read.handling_codes.into_iter().collect::<Vec<_>>(), ["H1", "H2"]);
    assert_eq!(read.onward_transfer, Some(OnwardTransfer::OriginatorConsent));
    let again = publish(&domain(), &Terms { now: LATER, title: "Another", ..with.clone() }, &mut target);
    assert_eq!(again.objects.len(), 1, "only the other report");
    let wrong = Handling { codes: vec!["H3".to_owned()], ..Handling::default() };
    let errors =
        objects(&domain(), &Terms { handling: Some(&wrong), ..terms(NOW) }, &HashMap::new()).unwrap_err();
    assert!(errors[0].to_string().contains("needed with H3"), "{errors:?}");
}

#[test]
fn what_no_observable_can_hold_is_left_out() {
    let records = vec![
        record(Kind::Url, "http://evil.example/a|b", false),
        record(Kind::Url, "http://evil.example/c|d", true),
    ];
    let built = publish(&draft(records), &terms(NOW), &mut HashMap::new());
    assert_eq!((built.objects.len(), built.left_out.len()), (2, 1));
    assert!(built.left_out[0].reason.contains("fmt.url"), "{:?}", built.left_out);
}

#[test]
fn a_title_holds_so_many() {
    let record =
        |nth: u32| record(Kind::Ipv4, &std::net::Ipv4Addr::from(0x0B00_0000 + nth).to_string(), true);
    let many = draft((0..=u32::try_from(REFS_MAX).unwrap()).map(record).collect());
    let errors = objects(&many, &terms(NOW), &HashMap::new()).unwrap_err();
    assert!(errors[0].to_string().contains("10001 objects under one title"), "{errors:?}");
    let alone = objects(&many, &Terms { container: Container::None, ..terms(NOW) }, &HashMap::new()).unwrap();
    assert_eq!(alone.objects.len(), REFS_MAX + 1);
}

#[test]
fn an_event_of_misp_goes_all_the_way_and_comes_back_as_nothing() {
    let mut draft = misp::read(include_bytes!("../misp/fixtures/event.json")).unwrap();
    draft.merge_same();
    let title = draft.title.clone().unwrap();
    let mut target = HashMap::new();
    let built = publish(&draft, &Terms { title: &title, ..terms(NOW) }, &mut target);
    assert_eq!(built.left_out, []);
    // The report, and the level of PAP.
    assert_eq!(built.objects.len(), draft.records.len() + 2);
    let report = built.objects.last().unwrap();
    assert_eq!(report["published"], "2026-11-23T00:00:00.000Z");
    assert_eq!(report["description"], "Words about wave 7.\nMore words.");
    assert_eq!(report["object_marking_refs"], json!([Tlp::AmberStrict.marking_id(), Pap::Red.marking_id()]));
    let again = publish(&draft, &Terms { title: &title, ..terms(LATER) }, &mut target);
    assert_eq!((again.objects.len(), again.unchanged.len()), (0, built.objects.len()));
}
