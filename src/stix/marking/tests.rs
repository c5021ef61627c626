use super::*;
use crate::stix::json::{self, Seen};
use proptest::prelude::*;

fn of(definition: &str) -> Result<Terms, String> {
    let read = |seen: Seen| Terms::of_definition(seen.value);
    json::read(definition.as_bytes().to_vec(), read).unwrap().root.part.seen
}

fn with(extension: &str, properties: &str) -> Result<Terms, String> {
    of(&format!(
        r#"{{"extensions":{{"{extension}":{{"extension_type":"property-extension"{properties}}}}}}}"#
    ))
}

#[test]
fn levels_of_pap_have_all_ids_and_labels() {
    let own = |uuid: &str| Pap::of_marking(&format!("marking-definition--{uuid}"));
    assert_eq!(own("ad15a0cd-55b6-4588-a14c-a66105329b92"), Some(Pap::Clear));
    assert_eq!(own("a3bea94c-b469-41dc-9cfe-d6e7daba7730"), Some(Pap::Clear));
    assert_eq!(own("4e4e3b84-de45-53df-9d9b-b21207699fd8"), Some(Pap::Red));
    assert_eq!(Pap::of_label("\"PAP:Amber\""), Some(Pap::Amber));
    assert_eq!(Pap::of_label("pap:amber+strict"), None);
    assert!(Pap::Clear < Pap::Green && Pap::Green < Pap::Amber && Pap::Amber < Pap::Red);
}

#[test]
fn a_definition_that_claims_a_level_has_it() {
    let tlp = |text: &str| of(text).unwrap().tlp;
    assert_eq!(tlp(r#"{"definition_type":"tlp","definition":{"tlp":"amber"}}"#), Some(Tlp::Amber));
    assert_eq!(tlp(r#"{"definition_type":"TLP","definition":{"TLP":"x"}}"#), Some(Tlp::Red));
    assert_eq!(tlp(r#"{"definition_type":"statement","name":"TLP:AMBER+STRICT"}"#), Some(Tlp::AmberStrict));
    assert_eq!(tlp(r#"{"definition_type":"statement","x_opencti_definition":"tlp:red"}"#), Some(Tlp::Red));
    assert_eq!(tlp(r#"{"definition_type":"statement","definition":{"statement":"TLP is nice"}}"#), None);
    assert_eq!(with(TLP_2_EXTENSION, r#","tlp_2_0":"amber+strict""#).unwrap().tlp, Some(Tlp::AmberStrict));
    assert!(with(TLP_2_EXTENSION, r#","tlp_2_0":"purple""#).unwrap_err().contains("tlp_2_0"));
    let pap = of(r#"{"definition_type":"PAP","name":"PAP:RED"}"#).unwrap();
    assert_eq!((pap.pap, pap.needs.len()), (Some(Pap::Red), 0));
}

#[test]
fn what_is_not_known_must_be_understood() {
    let needs = |terms: Terms| terms.needs.into_iter().collect::<Vec<_>>();
    let other = "extension-definition--11111111-1111-4111-8111-111111111111";
    assert_eq!(needs(with(other, "").unwrap()), [other]);
    assert_eq!(needs(of(r#"{"definition_type":"ais","definition":{}}"#).unwrap()), ["definition_type:ais"]);
    let acs = |text: &str| needs(with(ACS_EXTENSION, text).unwrap());
    assert_eq!(acs(r#","control_set":{"classification":"U"}"#), ["acs"]);
    assert_eq!(acs(r#","control_set":{"classification":"S"},"formal_determination":"PUBREL""#), ["acs"]);
    assert!(acs(r#","control_set":{"classification":"U"},"formal_determination":"PUBREL""#).is_empty());
    assert!(acs(r#","control_set":{"classification":"U"},"formal_determination":["X","PUBREL"]"#).is_empty());
}

#[test]
fn releasability_and_handling_are_read_whole_or_not_at_all() {
    let terms = with(RELEASABILITY_EXTENSION, r#","rel_to":["CA","IN"],"originator_control":true"#).unwrap();
    assert_eq!(terms.rel_to.unwrap().len(), 2);
    assert!(terms.originator_control);
    assert_eq!(with(RELEASABILITY_EXTENSION, r#","rel_to":[]"#).unwrap().rel_to, Some(Default::default()));
    for (wrong, name) in [
        (r#","rel_to":"CA""#, "rel_to"),
        (r#","rel_to":["ca"]"#, "rel_to"),
        (r#","rel_to":[1]"#, "rel_to"),
        (r#","recipients":["cert-a"]"#, "recipients"),
        (r#","rel_too":["CA"]"#, "rel_too"),
        (r#","originator_control":"yes""#, "originator_control"),
        (r#","valid_until":"tomorrow""#, "valid_until"),
        (r#","audiences":["x"]"#, "audiences"),
    ] {
        let error = with(RELEASABILITY_EXTENSION, wrong).unwrap_err();
        assert!(error.contains(&format!("`{name}`")), "{wrong}: {error}");
    }
    let caveats = r#","handling_codes":["H1","H2"],"purposes":["organised-crime"],"onward_transfer":"prohibited","source_evaluation":"B","information_evaluation":"2""#;
    let terms = with(HANDLING_EXTENSION, caveats).unwrap();
    assert_eq!(terms.onward_transfer, Some(OnwardTransfer::Prohibited));
    for (wrong, name) in [
        (r#","handling_codes":["H3"]"#, "handling_text"),
        (r#","handling_codes":["H9"]"#, "handling_codes"),
        (r#","evidence_use":"maybe""#, "evidence_use"),
        (r#","information_evaluation":2"#, "information_evaluation"),
        (r#","retention":"x""#, "retention"),
    ] {
        assert!(with(HANDLING_EXTENSION, wrong).unwrap_err().contains(&format!("`{name}`")), "{wrong}");
    }
}

#[test]
fn a_policy_has_dates_and_means_levels() {
    let text = r#","tlp":"white","permitted_actions":"contact-for-instruction","end_date":"2027-01-01T00:00:00Z","provider_attribution":"must-not""#;
    let terms = with(IEP_EXTENSION, text).unwrap();
    let policy = terms.policies.first().unwrap();
    assert_eq!((policy.tlp, policy.pap()), (Some(Tlp::Clear), Some(Pap::Red)));
    assert_eq!(policy.attribution, Some(Attribution::MustNot));
    let at = |text: &str| policy.is_in_force(crate::stix::Timestamp::parse(text).unwrap());
    assert!(at("2026-12-31T23:59:59Z") && !at("2027-01-01T00:00:00Z"));
    assert_eq!(Terms::of_label("tlp:ex:chr").unwrap().attribution, Some(Attribution::MustNot));
    assert_eq!(Terms::of_label("tlp:unclear"), None);
}

fn terms() -> impl Strategy<Value = Terms> {
    let names = || prop::collection::btree_set("[a-d]", 0..3);
    let set = || prop::option::of(names());
    let first =
        (prop::option::of(0_usize..5), set(), names(), set(), prop::collection::btree_set(names(), 0..2));
    let second = (any::<bool>(), prop::option::of(0_i64..9), set(), names(), prop::option::of(0_i64..9));
    (first, second).prop_map(|((tlp, rel_to, not_rel_to, recipients, audiences), second)| {
        let (originator_control, valid_until, purposes, needs, retention_until) = second;
        let tlp = tlp.map(|at| Tlp::ALL[at]);
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
            retention_until,
            ..Terms::default()
        }
    })
}

fn both(one: &Terms, other: &Terms) -> Terms {
    let mut sum = one.clone();
    sum.add(other);
    sum
}

proptest! {
    #[test]
    fn the_order_of_markings_makes_no_difference(a in terms(), b in terms(), c in terms()) {
        prop_assert_eq!(both(&a, &b), both(&b, &a));
        prop_assert_eq!(both(&both(&a, &b), &c), both(&a, &both(&b, &c)));
        prop_assert_eq!(both(&a, &a), a.clone());
        prop_assert_eq!(both(&a, &Terms::default()), a.clone());
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), a);
    }
}
