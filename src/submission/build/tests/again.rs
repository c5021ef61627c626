//! What is handed in beside what the target has.

use super::*;

#[test]
fn a_change_is_a_new_version_that_keeps_what_must_be_kept() {
    let mut target = HashMap::new();
    let first = publish(&domain(), &terms(NOW), &mut target);
    let mut changed = domain();
    changed.records[0].details.confidence = Some(95);
    changed.records[0].details.valid_from = StixTime::parse(LATER);
    changed.records[0].details.labels = vec!["rat".to_owned()];
    let built = publish(&changed, &terms(LATER), &mut target);
    let [indicator] = &built.objects[..] else { panic!("{built:?}") };
    for name in ["created", "valid_from", "valid_until", "id", "name", "description", "pattern"] {
        assert_eq!(indicator[name], first.objects[0][name], "{name}");
    }
    assert_eq!((&indicator["modified"], &indicator["confidence"]), (&json!(LATER), &json!(95)));
    // A clock that stands still, or goes wrong.
    changed.records[0].details.confidence = Some(96);
    let built = publish(&changed, &terms(NOW), &mut target);
    assert_eq!(built.objects[0]["modified"], "2026-11-24T06:00:00.001Z");
    // Defaults change nothing.
    let plain =
        publish(&domain(), &Terms { confidence: 10, valid_days: Some(9), ..terms(LATER) }, &mut target);
    assert_eq!(plain.objects, [] as [Value; 0]);
}

#[test]
fn a_container_keeps_what_it_names() {
    let mut target = HashMap::new();
    publish(&domain(), &terms(NOW), &mut target);
    let built =
        publish(&draft(vec![cve(), record(Kind::FileName, "a.exe", false)]), &terms(LATER), &mut target);
    let report = built.objects.last().unwrap();
    assert_eq!(report["object_refs"].as_array().unwrap().len(), 3);
    assert_eq!(report["report_types"], json!(["indicator", "vulnerability"]));
    assert_eq!((&report["created"], &report["published"]), (&json!(NOW), &json!(NOW)));
    let context = Container::Grouping { context: "suspicious-activity".to_owned() };
    let built = publish(&domain(), &Terms { container: context, ..terms(LATER) }, &mut target);
    assert_eq!((built.objects.len(), built.unchanged.len()), (1, 1));
    assert_eq!(built.objects[0]["context"], "suspicious-activity");
    let alone = Terms { container: Container::None, ..terms(LATER) };
    let built =
        publish(&draft(vec![cve(), record(Kind::FileName, "a.exe", false)]), &alone, &mut HashMap::new());
    assert_eq!((built.objects.len(), built.left_out.len()), (1, 1));
    assert!(built.left_out[0].reason.contains("only sent inside"));
    assert_eq!(objects(&draft(vec![]), &terms(NOW), &HashMap::new()), Ok(Built::default()));
}

#[test]
fn levels_never_fall_and_a_container_has_the_highest() {
    let level = |object: &Value| {
        let refs = object["object_marking_refs"].as_array().unwrap();
        let found: Vec<Tlp> = refs.iter().filter_map(|id| Tlp::of_marking(id.as_str().unwrap())).collect();
        assert_eq!(found.len(), 1, "{object}");
        found[0]
    };
    let mut target = HashMap::new();
    let mut draft = domain();
    draft.records[0].details.tlp = Some(Tlp::AmberStrict);
    draft.records[0].details.pap = Some(Pap::Red);
    draft.records.push(cve());
    let built = publish(&draft, &terms(NOW), &mut target);
    assert_eq!(
        // Behind the definition of the level of PAP.
        built.objects[1..].iter().map(level).collect::<Vec<_>>(),
        [Tlp::AmberStrict, Tlp::Green, Tlp::AmberStrict]
    );
    let built = publish(&domain(), &Terms { tlp: Tlp::Clear, ..terms(LATER) }, &mut target);
    assert_eq!(built.objects, [] as [Value; 0], "handed in lower, it stays where it is");
    draft.tlp = Some(Tlp::Red);
    let built = publish(&draft, &terms(LATER), &mut target);
    assert_eq!(built.objects.iter().map(level).collect::<Vec<_>>(), [Tlp::Red; 3]);
    assert!(
        built.objects[0]["object_marking_refs"].as_array().unwrap().contains(&json!(Pap::Red.marking_id()))
    );
    // Context has no level but that of its container.
    let mut context = super::draft(vec![record(Kind::FileName, "a.exe", false)]);
    context.records[0].details.tlp = Some(Tlp::Amber);
    let built = publish(&context, &Terms { title: "Context", ..terms(NOW) }, &mut target);
    assert_eq!(level(built.objects.last().unwrap()), Tlp::Amber);
}

#[test]
fn validity_ends_and_begins_anew() {
    let mut target = HashMap::new();
    publish(&domain(), &terms(NOW), &mut target);
    let next_year = terms("2027-11-23T06:00:00.000Z");
    let built = publish(&domain(), &next_year, &mut target);
    assert_eq!(built.objects[0]["valid_until"], "2027-12-23T06:00:00.000Z");
    assert_eq!(built.objects[0]["valid_from"], NOW);
    let open = Terms { valid_days: None, ..terms("2028-11-23T06:00:00.000Z") };
    assert!(publish(&domain(), &open, &mut target).objects[0].get("valid_until").is_none());
    assert_eq!(publish(&domain(), &next_year, &mut target).objects, [] as [Value; 0]);
}

#[test]
fn what_is_revoked_is_said_again_under_a_new_id() {
    let mut target = HashMap::new();
    let first = publish(&domain(), &terms(NOW), &mut target);
    let id = first.objects[0]["id"].as_str().unwrap().to_owned();
    target.get_mut(&id).unwrap()["revoked"] = json!(true);
    let built = publish(&domain(), &terms(LATER), &mut target);
    assert_eq!(built.objects.len(), 2, "the indicator, and the report that names it too");
    assert_ne!(built.objects[0]["id"], id.as_str());
    assert_eq!(built.objects[0]["created"], LATER);
    assert_eq!(built.objects[1]["object_refs"].as_array().unwrap().len(), 2);
    assert_eq!(publish(&domain(), &terms(LATER), &mut target).objects, [] as [Value; 0]);
}

#[test]
fn strange_things_at_the_target_do_no_harm() {
    let first = objects(&domain(), &terms(NOW), &HashMap::new()).unwrap();
    let id = |at: usize| first.objects[at]["id"].as_str().unwrap().to_owned();
    for strange in [
        json!(null),
        json!(7),
        json!({}),
        json!({"type": "indicator", "created": 7}),
        json!({"type": "malware"}),
    ] {
        let target = HashMap::from([(id(0), strange.clone()), (id(1), strange)]);
        assert_eq!(objects(&domain(), &terms(NOW), &target).unwrap(), first);
    }
    // What others have added stays.
    let mut target: HashMap<String, Value> =
        first.objects.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one.clone())).collect();
    let releasable = json!("marking-definition--a0000000-0000-4000-8000-000000000040");
    let mine = target.get_mut(&id(0)).unwrap();
    mine["object_marking_refs"].as_array_mut().unwrap().insert(0, releasable.clone());
    mine["kill_chain_phases"] = json!([{"kill_chain_name": "x-chain", "phase_name": "delivery"}]);
    mine["valid_from"] = json!("2026-11-23T06:00:00Z");
    assert_eq!(publish(&domain(), &terms(LATER), &mut target.clone()).objects, [] as [Value; 0]);
    let higher = publish(&domain(), &Terms { tlp: Tlp::Red, ..terms(LATER) }, &mut target);
    assert!(higher.objects[0]["object_marking_refs"].as_array().unwrap().contains(&releasable));
    assert_eq!(higher.objects[0]["kill_chain_phases"][0]["phase_name"], "delivery");
}
