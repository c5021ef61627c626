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
fn definitions_of_levels_are_as_published() {
    let known: Vec<serde_json::Value> = serde_json::from_str(DEFINITIONS).unwrap();
    for known in &known {
        let text = published(known["id"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), *known);
    }
    let ids: Vec<&str> = known.iter().filter_map(|one| one["id"].as_str()).collect();
    let paps = [Pap::Clear, Pap::Green, Pap::Amber, Pap::Red].map(|pap| (pap, pap.marking_id()));
    assert!(paps.iter().all(|(pap, id)| Pap::of_marking(id) == Some(*pap) && ids.contains(id)));
    assert!(Tlp::ALL.iter().all(|tlp| ids.contains(&tlp.marking_id())));
    for other in ["826578e1-40ad-459f-bc73-ede076f81f37", "4e4e3b84-de45-53df-9d9b-b21207699fd8"] {
        assert_eq!(published(&format!("marking-definition--{other}")), None, "an id of OpenCTI's own");
    }
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

/// Those of STIX 2.1 §7.2.1.4, and the examples of the extensions for TLP 2.0 and PAP among the STIX common objects.
const DEFINITIONS: &str = r#"[
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:WHITE","definition":{"tlp":"white"}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:GREEN","definition":{"tlp":"green"}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:AMBER","definition":{"tlp":"amber"}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:RED","definition":{"tlp":"red"}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","created":"2022-10-01T00:00:00.000Z","name":"TLP:CLEAR","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"clear"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb","created":"2022-10-01T00:00:00.000Z","name":"TLP:GREEN","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"green"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421","created":"2022-10-01T00:00:00.000Z","name":"TLP:AMBER","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"amber"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003","created":"2022-10-01T00:00:00.000Z","name":"TLP:AMBER+STRICT","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"amber+strict"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","created":"2022-10-01T00:00:00.000Z","name":"TLP:RED","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"red"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92","created":"2022-10-01T00:00:00.000Z","name":"PAP:CLEAR","extensions":{"extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b":{"extension_type":"property-extension","pap":"clear"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9","created":"2022-10-09T00:00:00.000Z","name":"PAP:GREEN","extensions":{"extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b":{"extension_type":"property-extension","pap":"green"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab","created":"2022-10-02T00:00:00.000Z","name":"PAP:AMBER","extensions":{"extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b":{"extension_type":"property-extension","pap":"amber"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e","created":"2022-10-06T00:00:00.000Z","name":"PAP:RED","extensions":{"extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b":{"extension_type":"property-extension","pap":"red"}}},
{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730","created":"2022-10-01T00:00:00.000Z","name":"PAP:WHITE","extensions":{"extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b":{"extension_type":"property-extension","pap":"white"}}}
]"#;
