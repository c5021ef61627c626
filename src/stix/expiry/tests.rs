use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_micros(1_780_000_000_123_456);

fn after(days: f64) -> Timestamp {
    later(START, (days * DAY_MICROS as f64) as i64)
}

fn model(name: &str) -> Model {
    Model::named(name).unwrap_or_else(|| panic!("{name}"))
}

fn days(until: Option<Timestamp>) -> f64 {
    (until.unwrap().micros() - START.micros()) as f64 / DAY_MICROS as f64
}

fn facts() -> Facts {
    Facts {
        confidence: None,
        valid_from: START,
        valid_until: None,
        modified: START,
        last_seen: None,
        last_sighting: None,
        revoked: false,
        pattern_is_stix: true,
        votes: Votes::default(),
    }
}

fn network() -> Rules {
    Rules { model: model("network"), ..Rules::default() }
}

#[test]
fn the_polynomial_model_gives_the_known_scores() {
    // Governance §20, vector 8.
    for (day, expected) in
        [(0.0, 80.0), (1.0, 72.697), (7.0, 60.678), (30.0, 40.0), (60.0, 23.431), (120.0, 0.0)]
    {
        let found = score(model("network"), 80.0, START, after(day));
        assert!((found - expected).abs() < 0.0005, "day {day}: {found}");
    }
    assert_eq!(score(model("network"), 80.0, START, after(-1.0)), 0.0);
    assert_eq!(score(model("network"), 80.0, START, after(500.0)), 0.0);
}

#[test]
fn the_variant_of_opencti_gives_the_known_scores() {
    // Governance §20, vector 9.
    for (name, day, expected) in
        [("opencti-ip", 7.0, 68.465), ("opencti-domain", 30.0, 66.595), ("opencti-file", 90.0, 83.678)]
    {
        let found = score(model(name), 100.0, START, after(day));
        assert!((found - expected).abs() < 0.0005, "{name}: {found}");
    }
}

#[test]
fn scores_fall_below_their_threshold_on_the_known_days() {
    // Governance §11.2.
    for (name, expected) in [("network", 46.875), ("phishing", 1.018), ("voice-scam", 3.393)] {
        let found = days(expires_at(model(name), 80.0, START));
        assert!((found - expected).abs() < 0.0005, "{name}: {found}");
    }
    // Governance §11.3.
    for (name, expected) in [
        ("opencti-ip", 32.5),
        ("opencti-url", 32.5),
        ("opencti-domain", 187.8),
        ("opencti-file", 376.3),
        ("opencti", 371.8),
    ] {
        let found = days(expires_at(model(name), 100.0, START));
        assert!((found - expected).abs() < 0.05, "{name}: {found}");
    }
    assert_eq!(expires_at(Model::NONE, 80.0, START), None);
    assert_eq!(expires_at(model("network"), 29.0, START), Some(START), "it never was good enough");
    assert_eq!(expires_at(Model::polynomial(3.0, 1.0, 0.0).unwrap(), 80.0, START), None);
    assert_eq!(days(expires_at(Model::opencti(3.0, 1.0, 0.0).unwrap(), 80.0, START)), 3.0);
}

#[test]
fn at_the_threshold_one_model_is_good_and_the_other_is_not() {
    let at = |model: Model| days(expires_at(model, 80.0, START)) * 86_400.0;
    assert_eq!(at(Model::polynomial(1.0, 1.0, 40.0).unwrap()), 43_201.0);
    assert_eq!(at(Model::opencti(1.0, 1.0 / 3.0, 40.0).unwrap()), 43_200.0);
}

#[test]
fn models_that_do_not_fall_are_refused() {
    let nan = f64::NAN;
    for (lifetime, speed, threshold) in [
        (0.0, 1.0, 30.0),
        (-1.0, 1.0, 30.0),
        (nan, 1.0, 30.0),
        (f64::INFINITY, 1.0, 30.0),
        (1.0, 0.0, 30.0),
        (1.0, -1.0, 30.0),
        (1.0, nan, 30.0),
        (1.0, 1.0, 101.0),
        (1.0, 1.0, -1.0),
        (1.0, 1.0, nan),
    ] {
        assert!(Model::polynomial(lifetime, speed, threshold).is_err(), "{lifetime} {speed} {threshold}");
        assert!(Model::opencti(lifetime, speed, threshold).is_err());
    }
    assert_eq!(Model::polynomial(120.0, 2.0, 30.0).ok(), Model::named("network"));
    assert_eq!(Model::opencti(470.0, 0.35, 20.0).ok(), Model::named("opencti"));
    assert_eq!(Model::named("Network"), None);
    assert!(Model::names().all(|name| Model::named(name).is_some()));
}

#[test]
fn dates_make_states() {
    let rules = Rules::default();
    let dated = Facts { valid_until: Some(after(10.0)), ..facts() };
    let micro = Timestamp::from_micros;
    assert_eq!(state(&rules, &dated, micro(START.micros() - 1)), State::Pending);
    assert_eq!(state(&rules, &dated, START), State::Active);
    assert_eq!(state(&rules, &dated, micro(after(10.0).micros() - 1)), State::Active);
    assert_eq!(state(&rules, &dated, after(10.0)), State::Expired);
    assert_eq!(state(&rules, &facts(), after(90_000.0)), State::Active, "no date, no decay");
    for day in [-1.0, 1.0, 11.0] {
        assert_eq!(state(&rules, &Facts { revoked: true, ..dated }, after(day)), State::Revoked);
    }
}

#[test]
fn decay_makes_states_of_stix_patterns_only() {
    assert_eq!(state(&network(), &facts(), after(46.87)), State::Active);
    assert_eq!(state(&network(), &facts(), after(46.88)), State::Expired);
    let yara = Facts { pattern_is_stix: false, ..facts() };
    assert_eq!(view(&network(), &yara, after(460.0)).score, 80.0);
    assert_eq!(state(&network(), &yara, after(460.0)), State::Active);
    let sure = Facts { confidence: Some(100), ..facts() };
    assert_eq!(state(&network(), &sure, after(46.88)), State::Active);
    let none = Facts { confidence: Some(0), ..facts() };
    assert_eq!(state(&network(), &none, after(0.0)), State::Expired, "none is not unknown");
    let short = Facts { valid_until: Some(after(2.0)), ..facts() };
    assert_eq!(view(&network(), &short, START).expires_at, Some(after(2.0)), "what comes first");
}

#[test]
fn what_is_heard_anew_counts_from_then() {
    let sighted = Facts { last_sighting: Some(after(40.0)), ..facts() };
    assert_eq!(state(&network(), &sighted, after(80.0)), State::Active);
    assert_eq!(state(&network(), &sighted, after(87.0)), State::Expired);
    let modified = Facts { modified: after(60.0), ..sighted };
    assert_eq!(reference(&modified, after(70.0)), after(60.0));
    let seen = Facts { last_seen: Some(after(65.0)), ..modified };
    assert_eq!(reference(&seen, after(70.0)), after(65.0));
    assert_eq!(reference(&seen, after(62.0)), after(60.0), "what is yet to come does not count");
}

#[test]
fn a_time_to_come_neither_kills_nor_keeps_alive() {
    let wrong = Facts { last_seen: Some(after(27_000.0)), ..facts() };
    assert_eq!(state(&network(), &wrong, after(1.0)), State::Active);
    assert_eq!(state(&network(), &wrong, after(50.0)), State::Expired);
    let view_of = view(&network(), &wrong, after(50.0));
    assert_eq!(view_of.changes_at, Some(after(27_000.0)));
    let ahead = Facts { modified: after(0.1), ..facts() };
    let fresh = view(&network(), &ahead, START);
    assert_eq!((fresh.state, fresh.score), (State::Active, 80.0), "their clock is ahead");
}

#[test]
fn without_a_date_lists_keep_values_for_the_days_of_their_kind() {
    for (kind, expected) in [
        (Kind::Ipv4, Some(30)),
        (Kind::Ipv6Network, Some(30)),
        (Kind::Url, Some(30)),
        (Kind::Domain, Some(180)),
        (Kind::Email, Some(180)),
        (Kind::FileSha256, None),
        (Kind::FileMd5, None),
        (Kind::Iban, Some(365)),
        (Kind::Account, Some(365)),
        (Kind::Phone, Some(365)),
    ] {
        assert_eq!(default_ttl(kind), expected, "{kind:?}");
    }
    let rules = Rules { ttl_days: default_ttl(Kind::Ipv4), ..Rules::default() };
    assert_eq!(state(&rules, &facts(), after(29.9)), State::Active);
    assert_eq!(state(&rules, &facts(), after(30.0)), State::Expired);
    let dated = Facts { valid_until: Some(after(60.0)), ..facts() };
    assert_eq!(state(&rules, &dated, after(31.0)), State::Active, "the owner's date counts");
    let later = Facts { valid_from: after(20.0), ..facts() };
    assert_eq!(state(&rules, &later, after(45.0)), State::Active);
    let sighted = Facts { last_sighting: Some(after(20.0)), ..facts() };
    assert_eq!(state(&rules, &sighted, after(45.0)), State::Active);
}

fn opinion(organisation: &'static str, value: &'static str, day: f64) -> Opinion<'static> {
    Opinion { organisation, value, is_explained: true, revoked: false, modified: after(day) }
}

#[test]
fn two_organisations_or_the_owner_call_for_review() {
    let counted = |opinions: &[Opinion<'static>]| Votes::count(opinions.iter().copied(), "owner", None);
    let of = |votes| state(&Rules::default(), &Facts { votes, ..facts() }, after(1.0));
    let (a, b) = (opinion("a", "disagree", 0.1), opinion("b", "strongly-disagree", 0.2));
    assert_eq!(of(counted(&[a])), State::Active);
    assert_eq!(of(counted(&[a, opinion("a", "strongly-disagree", 0.3)])), State::Active, "one organisation");
    assert_eq!(of(counted(&[a, b])), State::Review);
    assert_eq!(of(counted(&[opinion("owner", "disagree", 0.1)])), State::Review);
    for value in ["neutral", "agree", "strongly-agree", "Disagree"] {
        assert_eq!(of(counted(&[a, opinion("b", value, 0.1)])), State::Active, "{value}");
    }
    let changed = opinion("b", "agree", 0.3);
    assert_eq!(of(counted(&[a, b, changed])), State::Active, "the last one counts");
    assert_eq!(of(counted(&[changed, b, a])), State::Active, "in any order");
    assert_eq!(of(counted(&[a, Opinion { revoked: true, ..b }])), State::Active);
    assert_eq!(of(counted(&[a, Opinion { is_explained: false, ..b }])), State::Active);
    assert_eq!(of(Votes::count([a, b], "owner", Some(after(0.15)))), State::Active, "confirmed since");
    let votes = counted(&[a, b]);
    assert_eq!(
        state(&Rules { fp_review_votes: 3, ..Rules::default() }, &Facts { votes, ..facts() }, START),
        State::Active
    );
    let ended = Facts { votes, valid_until: Some(after(0.5)), ..facts() };
    assert_eq!(state(&Rules::default(), &ended, after(1.0)), State::Expired);
    assert_eq!(state(&Rules { fp_review_votes: 0, ..Rules::default() }, &facts(), START), State::Active);
}

fn any_model() -> impl Strategy<Value = Model> {
    let named = proptest::sample::select(Model::names().collect::<Vec<_>>()).prop_map(model);
    let made = (0.001..36_500.0, 0.01..100.0, 0.0..=100.0, any::<bool>()).prop_map(
        |(lifetime, speed, end, is_variant): (f64, f64, f64, bool)| match is_variant {
            true => Model::opencti(lifetime, f64::max(speed / 3.0, 0.004), end).unwrap(),
            false => Model::polynomial(lifetime, speed, end).unwrap(),
        },
    );
    prop_oneof![named, made]
}

prop_compose! {
    fn any_facts()(
        confidence in proptest::option::of(0_u8..=100),
        days in proptest::array::uniform3(0_i64..200_000_000),
        until in proptest::option::of(0_i64..400_000_000),
        seen in proptest::option::of(0_i64..400_000_000),
        against in 0_u32..3,
        revoked in proptest::bool::weighted(0.1),
        pattern_is_stix in proptest::bool::weighted(0.9),
    ) -> Facts {
        let at = |micros: i64| later(START, micros * 100_000);
        Facts {
            confidence,
            valid_from: at(days[0]),
            valid_until: until.map(|until| at(until + days[0] + 1)),
            modified: at(days[1]),
            last_seen: None,
            last_sighting: seen.map(at),
            revoked,
            pattern_is_stix,
            votes: Votes { against, is_owner_against: false },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn scores_never_rise_and_stay_between_nothing_and_the_base(
        model in any_model(), base in 0.0..=100.0, first in 0_i64..4_000_000_000, more in 0_i64..4_000_000_000,
    ) {
        let at = |seconds: i64| score(model, base, START, later(START, seconds * SECOND_MICROS));
        let (early, late) = (at(first), at(first + more));
        prop_assert!(0.0 <= late && late <= early && early <= base, "{early} {late}");
    }

    #[test]
    fn the_moment_of_expiry_is_where_the_score_falls(model in any_model(), base in 0.0..=100.0) {
        let is_expired = |now| {
            let rules = Rules { model, default_base: 0, ..Rules::default() };
            let facts = Facts { confidence: Some(base as u8), ..facts() };
            state(&rules, &facts, now) == State::Expired
        };
        let base = f64::from(base as u8);
        if let Some(moment) = expires_at(model, base, START) {
            let before = Timestamp::from_micros(moment.micros() - 1);
            prop_assert!(is_expired(moment));
            if moment > START {
                prop_assert!(!is_expired(before));
                prop_assert!(score(model, base, START, before) >= score(model, base, START, moment));
            }
        } else {
            prop_assert!(!is_expired(later(START, 36_501 * DAY_MICROS)));
        }
    }

    #[test]
    fn a_state_holds_until_the_moment_that_was_given(
        model in any_model(), facts in any_facts(), ttl in proptest::option::of(0_u32..400), now in 0_i64..400_000_000, part in 0.0..1.0,
    ) {
        let rules = Rules { model, ttl_days: ttl, ..Rules::default() };
        let now = later(START, now * 100_000);
        let first = view(&rules, &facts, now);
        let end = first.changes_at.unwrap_or(later(now, 40_000 * DAY_MICROS));
        prop_assert!(end > now);
        let between = later(now, ((end.micros() - 1 - now.micros()) as f64 * part) as i64);
        for moment in [between, Timestamp::from_micros(end.micros() - 1)] {
            prop_assert_eq!(view(&rules, &facts, moment).state, first.state);
        }
    }
}
