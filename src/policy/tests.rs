use super::*;
use crate::registry::{Registry, Unmarked};
use crate::stix::content::Options;
use crate::stix::marking::Terms;
use crate::stix::{Object, Tlp};
use crate::taxii::Envelope;

const REGISTRY: &str = r#"
[[organisation]]
id = "a"
name = "A"
country = "AA"
  [[organisation.client]]
  id = "feed"
  role = "publisher"
  [[organisation.client]]
  id = "siem"
  role = "consumer"
  tlp_max = "GREEN"
  [[organisation.client]]
  id = "gone"
  role = "publisher"
  revoked = true
  [[organisation.client]]
  id = "root"
  role = "operator"

[[organisation]]
id = "b"
name = "B"
country = "BB"
trust_anchor = "PEM"
  [[organisation.client]]
  id = "feed"
  role = "publisher"
  san = "urn:b:feed"
  key_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

[[organisation]]
id = "c"
name = "C"
country = "CC"
  [[organisation.client]]
  id = "feed"
  role = "publisher"

[[agreement]]
id = "ab"
title = "A and B"
parties = ["a", "b"]
tlp_max = "RED"
relays = ["b"]
types = ["indicator", "identity", "marking-definition"]
valid_from = 2026-02-09
valid_until = 2026-12-31
  [[agreement.collection]]
  id = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"
  title = "Both ways"
  alias = "both"
  api_root = "exchange"
  [[agreement.collection]]
  id = "1f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12"
  title = "A to B"
  api_root = "exchange"
  write = ["a"]
  read = ["b"]
  unmarked = "stamp:AMBER"
"#;

fn directory() -> Directory {
    Directory::new(Registry::parse(REGISTRY).unwrap())
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
}

fn hub(uris: &[&str]) -> Credential {
    let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
    Credential { anchor: Anchor::Hub, uris, key_sha256: "00".repeat(32) }
}

fn peer(name: &str) -> Arc<Peer> {
    let urn = format!("urn:liaison:{}", name.replace('/', ":"));
    directory().find(&hub(&[&urn])).unwrap()
}

fn indicator(more: &str) -> Object {
    let text = format!(
        r#"{{"objects":[{{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-04-06T20:03:48.000Z","modified":"2026-04-06T20:03:48.000Z","pattern":"[url:value = 'x']","pattern_type":"stix","valid_from":"2026-04-06T20:03:48Z"{more}}}]}}"#
    );
    only(&text)
}

fn only(envelope: &str) -> Object {
    Envelope::parse(envelope.as_bytes().to_vec(), Options::default())
        .unwrap()
        .objects()
        .next()
        .unwrap()
        .unwrap()
}

fn marked(tlp: Tlp) -> Object {
    indicator(&format!(r#","object_marking_refs":["{}"]"#, tlp.marking_id()))
}

fn admitted(name: &str, collection: &str, object: Object) -> Result<Admitted, Refusal> {
    let directory = directory();
    let grant = directory.grant(&peer(name), "exchange", collection).unwrap();
    let scope = write_scope(&grant, now()).unwrap();
    let items = [Item::Object(object)];
    let standing = together(&items, scope.declared().unmarked).remove(0);
    let [Item::Object(object)] = items else { unreachable!() };
    admit(&directory, &scope, object, standing, now())
}

fn together(items: &[Item], unmarked: Unmarked) -> Vec<Result<Standing, Refusal>> {
    let markings = Markings::default();
    let around = Around { unmarked, markings: &markings, stored: &|_| None, now: now() };
    Together::new(items, around).standings()
}

fn by_a(tlp: Tlp) -> Handling {
    handled("a", Terms { tlp: Some(tlp), ..Terms::default() })
}

fn handled(owner: &str, terms: Terms) -> Handling {
    let owner = owner.to_owned();
    Handling { owner, relay: None, source: Source::Own, floor: Tlp::Clear, for_all_purposes: false, terms }
}

#[test]
fn one_identity_uri_names_a_client_and_nothing_else_does() {
    let directory = directory();
    assert_eq!(&**peer("a/feed").name(), "a/feed");
    for uris in [
        &[][..],
        &["urn:liaison:a:gone"],
        &["urn:liaison:a:nobody"],
        &["urn:liaison:a:feed", "urn:liaison:a:siem"],
        &["urn:liaison:a:feed", "urn:liaison:a:feed"],
        &["urn:liaison:a:feed", "URN:LIAISON:b:feed"],
        &["URN:liaison:a:feed"],
        &["urn:liaison:a:feed "],
        &["urn:liaison:A:feed"],
        &["urn:liaison:a:feed:x"],
        &["urn:liaison:a%3Afeed"],
        &["urn:b:feed"],
    ] {
        assert!(directory.find(&hub(uris)).is_none(), "{uris:?}");
    }
}

#[test]
fn an_organisations_own_authority_vouches_for_its_clients_only() {
    let directory = directory();
    let from = |org: &str, uri: &str, key: &str| {
        let anchor = Anchor::Organisation(org.to_owned());
        let credential = Credential { anchor, uris: vec![uri.to_owned()], key_sha256: key.repeat(32) };
        directory.find(&credential).map(|peer| peer.name().to_string())
    };
    assert_eq!(from("b", "urn:b:feed", "00"), Some("b/feed".to_owned()));
    assert_eq!(from("b", "x", "bb"), Some("b/feed".to_owned()));
    assert_eq!(from("b", "urn:liaison:a:feed", "00"), None);
    assert_eq!(from("b", "urn:liaison:b:feed", "00"), None);
    assert_eq!(from("a", "urn:b:feed", "bb"), None);
}

#[test]
fn rights_come_from_party_role_and_lists() {
    let directory = directory();
    let rights = |name: &str, collection: &str| {
        let grant = directory.grant(&peer(name), "exchange", collection);
        grant.map(|grant| (grant.can_read(), grant.can_write()))
    };
    let one_way = "1f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12";
    assert_eq!(rights("a/feed", "both"), Some((true, true)));
    assert_eq!(rights("a/siem", "both"), Some((true, false)));
    assert_eq!(rights("a/root", "both"), None);
    assert_eq!(rights("c/feed", "both"), None);
    assert_eq!(rights("b/feed", "both"), Some((true, true)));
    assert_eq!(rights("a/feed", one_way), Some((false, true)));
    assert_eq!(rights("b/feed", one_way), Some((true, false)));
    assert_eq!(rights("a/siem", one_way), None);
    assert_eq!(rights("a/feed", "nothing"), None);
    assert!(directory.roots(&peer("c/feed")).is_empty());
    let ids: Vec<String> =
        directory.grants(&peer("a/feed"), "exchange").iter().map(|g| g.collection().id.clone()).collect();
    assert_eq!(ids, [one_way, "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"]);
}

#[test]
fn clients_that_would_see_more_are_named() {
    let changed =
        REGISTRY.replace("tlp_max = \"GREEN\"", "tlp_max = \"AMBER\"").replace("read = [\"b\"]", "");
    let (old, new) = (directory(), Directory::new(Registry::parse(&changed).unwrap()));
    let pair = |client: &str, collection: &str| (client.to_owned(), collection.to_owned());
    let (both, one_way) = ("3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11", "1f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12");
    let want = vec![pair("a/feed", one_way), pair("a/siem", one_way), pair("a/siem", both)];
    assert_eq!(new.widened(&old), want);
    assert!(old.widened(&new).is_empty());
}

#[test]
fn an_agreement_out_of_its_dates_is_closed() {
    let grant = directory().grant(&peer("a/feed"), "exchange", "both").unwrap();
    let at = |text: &str| read_scope(&grant, Timestamp::parse(text).unwrap()).is_ok();
    assert!(!at("2026-02-08T23:59:59.999999Z"));
    assert!(at("2026-02-09T00:00:00Z"));
    assert!(at("2026-12-31T23:59:59Z"));
    assert!(!at("2027-01-01T00:00:00Z"));
    let late = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
    assert_eq!(write_scope(&grant, late).unwrap_err(), Denied::NotInForce("ab".to_owned()));
    assert!(erase_scope(&grant, late).is_err());
}

#[test]
fn red_is_for_its_owner_and_every_level_has_its_ceiling() {
    let directory = directory();
    let scope =
        |name: &str| read_scope(&directory.grant(&peer(name), "exchange", "both").unwrap(), now()).unwrap();
    assert!(scope("a/feed").sees(&by_a(Tlp::Red)));
    assert!(!scope("b/feed").sees(&by_a(Tlp::Red)));
    assert!(scope("b/feed").sees(&by_a(Tlp::AmberStrict)));
    assert!(scope("a/siem").sees(&by_a(Tlp::Green)));
    assert!(!scope("a/siem").sees(&by_a(Tlp::Amber)));
    assert!(!scope("a/siem").sees(&by_a(Tlp::Red)));
}

#[test]
fn what_is_unmarked_follows_the_collections_rule() {
    assert_eq!(admitted("a/feed", "both", indicator("")).unwrap_err(), Refusal::Unmarked);
    let stamped = admitted("a/feed", "1f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12", indicator("")).unwrap();
    assert_eq!(stamped.handling().level(now()), Tlp::Amber);
    assert_eq!(stamped.object().marks(), [Tlp::Amber.marking_id()]);
    let green = admitted("a/feed", "both", marked(Tlp::Green)).unwrap();
    assert_eq!(**green.handling(), by_a(Tlp::Green));
}

#[test]
fn nobody_speaks_for_another_organisation_unless_it_is_a_relay() {
    let by = |org: &str| {
        let identity = crate::registry::identity_of(org);
        let tlp = Tlp::Red.marking_id();
        indicator(&format!(r#","created_by_ref":"{identity}","object_marking_refs":["{tlp}"]"#))
    };
    assert!(matches!(admitted("a/feed", "both", by("b")), Err(Refusal::ForeignCreator(..))));
    assert_eq!(admitted("a/feed", "both", by("a")).unwrap().handling().owner, "a");
    assert_eq!(admitted("b/feed", "both", by("a")).unwrap().handling().owner, "a");
    assert_eq!(admitted("a/feed", "both", by("someone-else")).unwrap().handling().owner, "a");
}

#[test]
fn the_future_and_other_types_are_refused() {
    let green = Tlp::Green.marking_id();
    let at = |modified: &str| {
        let text = format!(r#","object_marking_refs":["{green}"]"#);
        let object = indicator(&text);
        let text = String::from_utf8(object.json().to_vec()).unwrap();
        let text = text
            .replace("\"modified\":\"2026-04-06T20:03:48.000Z\"", &format!("\"modified\":\"{modified}\""));
        only(&format!("{{\"objects\":[{text}]}}"))
    };
    assert!(admitted("a/feed", "both", at("2026-11-23T12:05:00.000Z")).is_ok());
    let late = admitted("a/feed", "both", at("2026-11-23T12:05:00.001Z"));
    assert!(matches!(late, Err(Refusal::Future("modified", _))));
    let text = r#"{"objects":[{"type":"url","id":"url--c1477287-23ac-5971-a010-5c287877fa60","value":"http://x.example"}]}"#;
    assert!(matches!(admitted("a/feed", "both", only(text)), Err(Refusal::TypeNotAgreed(..))));
}

proptest::proptest! {
    #[test]
    fn raising_a_marking_never_widens_the_audience(lower in 0_usize..5, higher in 0_usize..5, owner in "[ab]") {
        let (lower, higher) = (lower.min(higher), lower.max(higher));
        let directory = directory();
        for name in ["a/feed", "a/siem", "b/feed"] {
            let scope = read_scope(&directory.grant(&peer(name), "exchange", "both").unwrap(), now()).unwrap();
            let sees = |level: usize| {
                scope.sees(&handled(&owner, Terms { tlp: Some(Tlp::ALL[level]), ..Terms::default() }))
            };
            proptest::prop_assert!(!sees(higher) || sees(lower));
        }
    }
}
