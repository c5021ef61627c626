use super::*;
use proptest::prelude::*;

/// Values of any kind, as hostile as their kinds allow.
fn atoms() -> impl Strategy<Value = Atom> {
    let text = prop_oneof![
        "[ -~é\\\\']{1,20}",
        "[a-z0-9]{1,8}(\\.[a-z0-9]{1,8}){1,3}",
        "https?://[a-z]{1,8}\\.example[ -~]{0,20}",
        "[a-z.+']{1,8}@[a-z]{1,8}\\.example",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?",
        "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){1,3}::(/[0-9]{1,3})?",
        "[0-9a-fA-F]{32}",
        "[0-9a-f]{40}",
        "[0-9a-f]{64}",
        "[0-9]{1,10}",
        "\\+[1-9][0-9]{6,14}",
    ];
    (0..Kind::ALL.len(), text)
        .prop_filter_map("no value of the kind", |(at, text)| Atom::parse(Kind::ALL[at], &text).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_pattern_says_exactly_its_value(atom in atoms()) {
        let value = Record { what: What::Value(atom.clone()), place: String::new(), details: Details { for_detection: true, ..Details::default() } };
        let built = objects(&draft(vec![value]), &terms(NOW), &HashMap::new()).unwrap();
        let pattern = built.objects[0]["pattern"].as_str().unwrap();
        prop_assert_eq!(atom::of_indicator(pattern), Some(vec![atom]), "{}", pattern);
    }

    #[test]
    fn what_was_handed_in_is_nothing_new(
        atoms in proptest::collection::vec((atoms(), any::<bool>(), proptest::option::of(0..=100_u8), proptest::option::of("[ -~]{1,9}")), 1..8),
        level in 0..5_usize,
        days in proptest::option::of(1..400_u32),
    ) {
        let records = atoms.into_iter().map(|(atom, for_detection, confidence, label)| {
            let mut details = Details { for_detection, confidence, ..Details::default() };
            if let Some(label) = label {
                details.add_label(&label);
            }
            Record { what: What::Value(atom), place: String::new(), details }
        });
        let mut draft = draft(records.collect());
        draft.merge_same();
        let terms = Terms { tlp: Tlp::ALL[level], valid_days: days, ..terms(NOW) };
        let mut target = HashMap::new();
        let built = publish(&draft, &terms, &mut target);
        prop_assert_eq!(built.objects.len() + built.left_out.len(), draft.records.len() + usize::from(built.left_out.len() < draft.records.len()));
        let again = publish(&draft, &Terms { now: LATER, ..terms.clone() }, &mut target);
        let lapsed = days == Some(1);
        prop_assert!(lapsed || again.objects.is_empty(), "{:?}", again.objects);
    }
}
