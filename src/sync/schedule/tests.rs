use super::*;
use crate::stix::Timestamp;
use proptest::prelude::*;

fn at(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().micros()
}

fn schedule(toml: &str) -> Schedule {
    Schedule::parse(&toml::from_str(toml).unwrap()).unwrap()
}

fn cron(expression: &str, timezone: &str) -> Schedule {
    schedule(&format!("cron = \"{expression}\"\ntimezone = \"{timezone}\"\njitter = \"0s\""))
}

/// The runs after a time, by a program that is always up.
fn runs(schedule: &Schedule, after: &str) -> impl Iterator<Item = i64> {
    let next = |last: &i64| schedule.next_after(*last, Some(*last), 0);
    std::iter::successors(Some(at(after)), move |last| Some(next(last))).skip(1)
}

fn is_run_at(schedule: &Schedule, after: &str, expected: &[&str]) {
    let found: Vec<i64> = runs(schedule, after).take(expected.len()).collect();
    let expected: Vec<i64> = expected.iter().map(|text| at(text)).collect();
    assert_eq!(found, expected, "{}", schedule.describe());
}

const MINUTE: i64 = 60 * SECOND;
const NEVER: u16 = 0;

#[test]
fn wrong_keys_are_explained_with_an_example() {
    for (keys, wrong, right) in [
        ("", "say when", "every = \"5m\""),
        ("every = \"5m\"\ncron = \"* * * * *\"", "exclude each other", "remove one"),
        ("every = \"5\"", "ends in no unit", "every = \"5m\""),
        ("every = \"m\"", "no whole number", "every = \"5m\""),
        ("every = \"-5m\"", "no whole number", "every = \"5m\""),
        ("every = \"1.5h\"", "no whole number", "every = \"5m\""),
        ("every = \"5 m\"", "no whole number", "every = \"5m\""),
        ("every = \"99999999999999999999s\"", "no whole number", "every = \"5m\""),
        ("every = \"9223372036854775807d\"", "more than 366 days", "every = \"5m\""),
        ("every = \"367d\"", "more than 366 days", "every = \"5m\""),
        ("every = \"0s\"", "nothing at all", "every = \"5m\""),
        ("every = \"5m\"\njitter = \"x\"", "`jitter` is `x`", "jitter = \"30s\""),
        ("every = \"5m\"\njitter = \"6m\"", "longer than `every`", "tenth"),
        ("every = \"5m\"\ntimezone = \"UTC\"", "`timezone` goes with `cron`", "remove it"),
        ("every = \"5m\"\ncatch_up = true", "`catch_up` goes with `cron`", "remove it"),
        ("cron = \"* * * *\"", "4 fields, not five", "cron = \"*/10"),
        ("cron = \"0 * * * * *\"", "6 fields, not five", "cron = \"*/10"),
        ("cron = \"61 * * * *\"", "cannot be read", "cron = \"*/10"),
        ("cron = \"* * * * FOO\"", "cannot be read", "cron = \"*/10"),
        ("cron = \"@reboot\"", "cannot be read", "cron = \"*/10"),
        ("cron = \"0 0 30 2 *\"", "never comes", "cron = \"*/10"),
        ("cron = \"* * * * *\"\ntimezone = \"Berlin\"", "no name of the IANA", "Europe/Berlin"),
    ] {
        let keys: Keys = toml::from_str(keys).unwrap();
        let error = Schedule::parse(&keys).unwrap_err();
        assert!(error.contains(wrong) && error.contains(right), "{keys:?}: {error}");
    }
    assert!(toml::from_str::<Keys>("evry = \"5m\"").is_err());
}

#[test]
fn a_schedule_is_described_for_people() {
    for (keys, words) in [
        ("every = \"5m\"", "every 5 min, up to 30 s later by chance"),
        ("every = \"30s\"\njitter = \"0s\"", "every 30 s"),
        ("every = \"3s\"", "every 3 s, up to 300 ms later by chance"),
        ("every = \"90m\"", "every 1 h 30 min, up to 1 min later by chance"),
        ("every = \"36h\"\njitter = \"2h\"", "every 1 d 12 h, up to 2 h later by chance"),
        ("cron = \"0 6 * * *\"", "at `0 6 * * *` in UTC, up to 1 min later by chance"),
        (
            "cron = \" @daily\"\ntimezone = \"Europe/Berlin\"\njitter = \"0s\"\ncatch_up = false",
            "at `@daily` in Europe/Berlin; missed runs are left out",
        ),
    ] {
        assert_eq!(schedule(keys).describe(), words);
    }
}

#[test]
fn every_runs_at_the_first_start_and_then_an_interval_after_the_last_start() {
    let every = schedule("every = \"5m\"");
    let now = at("2026-05-01T12:00:00Z");
    assert_eq!(every.next_after(now, None, 65535), now);
    assert_eq!(every.next_after(now, Some(now), 0), now + 5 * MINUTE);
    assert_eq!(every.next_after(now, Some(now - 2 * MINUTE), 0), now + 3 * MINUTE);
    assert_eq!(every.next_after(now, Some(now - 5 * MINUTE), 0), now);
    assert_eq!(every.next_after(now, Some(now - 900 * MINUTE), 0), now);
}

#[test]
fn chance_delays_a_run_by_a_part_of_the_jitter() {
    let now = at("2026-05-01T12:00:00Z");
    let next = |keys: &str, chance| schedule(keys).next_after(now, Some(now), chance) - now;
    assert_eq!(next("every = \"5m\"", 65535), 5 * MINUTE + 30 * SECOND);
    assert_eq!(next("every = \"5m\"", 21845), 5 * MINUTE + 10 * SECOND);
    assert_eq!(next("every = \"5h\"", 65535), 301 * MINUTE);
    assert_eq!(next("every = \"5m\"\njitter = \"4m\"", 65535), 9 * MINUTE);
    assert_eq!(next("every = \"5m\"\njitter = \"0s\"", 65535), 5 * MINUTE);
    assert_eq!(next("cron = \"*/5 * * * *\"", 65535), 5 * MINUTE + 30 * SECOND);
    assert_eq!(next("cron = \"0 18 * * *\"", 65535), 361 * MINUTE);
    // Never so much that the next time is passed over.
    assert_eq!(next("cron = \"*/5 * * * *\"\njitter = \"2h\"", 65535), 10 * MINUTE);
}

#[test]
fn cron_waits_for_its_time_at_the_first_start() {
    let daily = schedule("cron = \"0 6 * * *\"\njitter = \"0s\"");
    assert_eq!(daily.next_after(at("2026-05-01T05:00:00Z"), None, 0), at("2026-05-01T06:00:00Z"));
    assert_eq!(daily.next_after(at("2026-05-01T06:05:00Z"), None, 0), at("2026-05-02T06:00:00Z"));
    let woken_late = at("2026-05-01T06:00:00.004Z");
    assert_eq!(daily.next_after(woken_late, None, 0), woken_late);
}

#[test]
fn one_run_makes_up_for_those_missed_while_the_program_was_down() {
    let hourly = schedule("cron = \"0 * * * *\"\njitter = \"0s\"");
    let (last, now) = (at("2026-05-01T03:00:00Z"), at("2026-05-01T09:20:00Z"));
    assert_eq!(hourly.next_after(now, Some(last), 0), now);
    assert_eq!(hourly.next_after(now, Some(now), 0), at("2026-05-01T10:00:00Z"));
}

#[test]
fn missed_runs_are_left_out_without_catch_up() {
    let hourly = schedule("cron = \"0 * * * *\"\njitter = \"5m\"\ncatch_up = false");
    let last = at("2026-05-01T03:00:00Z");
    let next = |now: &str, chance| hourly.next_after(at(now), Some(last), chance);
    assert_eq!(next("2026-05-01T09:20:00Z", 0), at("2026-05-01T10:00:00Z"));
    // Not missed, but waiting for its chance, or just woken.
    assert_eq!(next("2026-05-01T09:02:00Z", 65535), at("2026-05-01T09:05:00Z"));
    assert_eq!(next("2026-05-01T09:05:01Z", 65535), at("2026-05-01T09:05:01Z"));
    assert_eq!(next("2026-05-01T09:07:00Z", 65535), at("2026-05-01T10:05:00Z"));
    let just_run = at("2026-05-01T09:00:00.010Z");
    assert_eq!(hourly.next_after(just_run, Some(just_run), 0), at("2026-05-01T10:00:00Z"));
}

#[test]
fn a_clock_set_back_by_hours_does_not_stop_a_job() {
    let (true_time, set_back) = (at("2026-05-01T12:04:00Z"), at("2026-05-01T09:04:00Z"));
    let every = schedule("every = \"1d\"");
    assert_eq!(every.next_after(set_back, Some(true_time), 0), set_back);
    assert_eq!(every.next_after(set_back, Some(set_back), 0), set_back + 1440 * MINUTE);
    let cron = schedule("cron = \"*/10 * * * *\"\njitter = \"0s\"");
    assert_eq!(cron.next_after(set_back, Some(true_time), 0), at("2026-05-01T09:10:00Z"));
    // Corrected by a little, a run just made is not made again.
    assert_eq!(every.next_after(set_back, Some(set_back + SECOND), 0), set_back + SECOND + 1440 * MINUTE);
}

#[test]
fn a_clock_set_forward_makes_no_burst() {
    let (last, forward) = (at("2026-05-01T09:00:00Z"), at("2026-05-04T16:02:00Z"));
    for keys in ["every = \"5m\"", "cron = \"*/5 * * * *\"", "cron = \"*/5 * * * *\"\ncatch_up = false"] {
        let job = schedule(keys);
        let first = job.next_after(forward, Some(last), 0);
        let then = std::iter::successors(Some(first), |last| Some(job.next_after(*last, Some(*last), 0)));
        let within_the_hour = then.take_while(|start| *start < forward + 60 * MINUTE).count();
        assert!((12..=13).contains(&within_the_hour), "{keys}: {within_the_hour}");
    }
}

#[test]
fn a_local_time_that_does_not_exist_is_taken_at_the_next_instant_that_does() {
    let berlin = "Europe/Berlin";
    is_run_at(
        &cron("30 2 * * *", berlin),
        "2026-03-27T12:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    // All that do not exist are one.
    is_run_at(
        &cron("*/20 2 * * *", berlin),
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:20:00Z"],
    );
    is_run_at(
        &cron("*/30 * * * *", berlin),
        "2026-03-29T00:00:00Z",
        &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
    );
    is_run_at(
        &cron("30 2 * * *", "America/New_York"),
        "2026-03-07T12:00:00Z",
        &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
    );
    // Samoa skipped 30 December 2011.
    is_run_at(
        &cron("30 2 * * *", "Pacific/Apia"),
        "2011-12-29T09:00:00Z",
        &["2011-12-29T12:30:00Z", "2011-12-30T10:00:00Z", "2011-12-30T12:30:00Z"][..2],
    );
}

#[test]
fn a_local_time_that_comes_twice_is_taken_once() {
    is_run_at(
        &cron("30 2 * * *", "Europe/Berlin"),
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    is_run_at(
        &cron("0,30 1-2 * * *", "Europe/Berlin"),
        "2026-10-24T23:00:00Z",
        &["2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T00:00:00Z"],
    );
    is_run_at(
        &cron("30 1 * * *", "America/New_York"),
        "2026-10-31T12:00:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
    );
}

#[test]
fn a_job_that_runs_through_the_repeated_hour_does_not_pause() {
    for expression in ["*/20 * * * *", "*/20 0-5 * * *", "*/20 22-4 * * *"] {
        let job = cron(&expression.replace("22-4", "22-23,0-4"), "Europe/Berlin");
        let found: Vec<i64> = runs(&job, "2026-10-24T23:00:00Z").take(9).collect();
        let expected: Vec<i64> = (1..10).map(|n| at("2026-10-24T23:00:00Z") + n * 20 * MINUTE).collect();
        assert_eq!(found, expected, "{expression}");
    }
    is_run_at(
        &cron("50 * * * *", "America/New_York"),
        "2026-11-01T05:00:00Z",
        &["2026-11-01T05:50:00Z", "2026-11-01T06:50:00Z", "2026-11-01T07:50:00Z"],
    );
    // Half an hour is repeated on Lord Howe.
    is_run_at(
        &cron("*/15 * * * *", "Australia/Lord_Howe"),
        "2026-04-04T14:30:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z", "2026-04-04T15:30:00Z"],
    );
}

#[test]
fn the_interval_is_that_around_a_time() {
    let work = cron("*/10 6-20 * * MON-FRI", "Europe/Berlin");
    let minutes = |time: &str| work.interval(at(time)).as_secs() / 60;
    assert_eq!(minutes("2026-05-06T10:03:00Z"), 10);
    assert_eq!(minutes("2026-05-06T10:10:00Z"), 10);
    assert_eq!(minutes("2026-05-06T22:00:00Z"), 9 * 60 + 10);
    assert_eq!(minutes("2026-05-09T12:00:00Z"), 2 * 1440 + 9 * 60 + 10);
    let hourly = cron("15 * * * *", "Europe/Berlin");
    assert_eq!(hourly.interval(at("2026-10-25T01:20:00Z")).as_secs(), 3600);
    assert_eq!(schedule("every = \"7m\"").interval(0).as_secs(), 7 * 60);
}

#[test]
fn missed_runs_are_counted_across_nights_and_weekends() {
    let work = cron("*/10 6-20 * * MON-FRI", "UTC");
    let missed = |since: &str, now: &str| work.missed(at(since), at(now), 3);
    assert_eq!(missed("2026-05-08T20:50:02Z", "2026-05-11T05:59:00Z"), 0);
    assert_eq!(missed("2026-05-08T20:50:02Z", "2026-05-11T06:15:00Z"), 2);
    assert_eq!(missed("2026-05-08T20:50:02Z", "2026-05-11T12:15:00Z"), 3);
    // Who waits for its chance is not late yet.
    let by_chance = schedule("cron = \"0 * * * *\"\njitter = \"20m\"");
    assert_eq!(by_chance.missed(at("2026-05-08T20:30:00Z"), at("2026-05-08T21:19:59Z"), 3), 0);
    assert_eq!(by_chance.missed(at("2026-05-08T20:30:00Z"), at("2026-05-08T21:20:00Z"), 3), 1);
    let every = schedule("every = \"10m\"");
    assert_eq!(every.missed(0, 10 * MINUTE, 3), 0);
    assert_eq!(every.missed(0, 11 * MINUTE, 3), 1);
    assert_eq!(every.missed(0, 3000 * MINUTE, 3), 3);
    assert_eq!(every.missed(3000 * MINUTE, 0, 3), 0);
}

#[derive(serde::Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    timezone: String,
    cron: String,
    from: i64,
    to: i64,
    count: usize,
    sum: i64,
    first: Vec<i64>,
    last: Vec<i64>,
    /// When clocks change.
    changes: Vec<i64>,
}

/// `tests/python/cron_vectors.py` has asked two other implementations, `cronsim` and `croniter`.
#[test]
fn a_year_of_times_is_that_of_two_other_implementations() {
    let all: Vectors = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(all.vectors.len() >= 90);
    for vector in &all.vectors {
        let job = cron(&vector.cron, &vector.timezone);
        let clock = |last: &i64| job.next_after(*last, Some(*last), NEVER);
        let found: Vec<i64> = std::iter::successors(Some(vector.from * SECOND), |last| Some(clock(last)))
            .skip(1)
            .map(|micros| micros / SECOND)
            .take_while(|seconds| *seconds < vector.to)
            .filter(|seconds| vector.changes.iter().all(|change| (seconds - change).abs() > 3 * 3600))
            .collect();
        let label = format!("{} in {}", vector.cron, vector.timezone);
        assert_eq!(found.len(), vector.count, "{label}");
        assert_eq!(found.iter().sum::<i64>(), vector.sum, "{label}");
        assert_eq!(found[..vector.first.len()], vector.first[..], "{label}");
        assert_eq!(found.last(), vector.last.last(), "{label}");
    }
}

proptest! {
    /// Whatever the clock says: never before now, the same when asked again while waiting, and after a run not
    /// at once again.
    #[test]
    fn a_run_is_never_due_in_the_past_and_asking_changes_nothing(
        keys in prop::sample::select(vec![
            "every = \"5m\"", "every = \"1d\"\njitter = \"3h\"", "cron = \"*/10 6-20 * * MON-FRI\"",
            "cron = \"30 2 * * *\"\ntimezone = \"Europe/Berlin\"", "cron = \"*/7 * * * *\"\ncatch_up = false",
            "cron = \"*/20 * * * *\"\ntimezone = \"America/New_York\"\njitter = \"1h\"",
        ]),
        now in 0..4_000_000_000i64, last in prop::option::of(0..4_000_000_000i64), chance: u16, part in 0..100i64,
    ) {
        let job = schedule(keys);
        let (now, last) = (now * SECOND, last.map(|last| last * SECOND));
        let due = job.next_after(now, last, chance);
        prop_assert!(due >= now);
        let while_waiting = now + (due - now) / 100 * part;
        prop_assert_eq!(job.next_after(while_waiting, last, chance), due.max(while_waiting));
        prop_assert!(job.next_after(due, Some(due), chance) > due);
    }

    #[test]
    fn extreme_times_do_no_harm(now: i64, last: Option<i64>, chance: u16) {
        for keys in ["every = \"366d\"", "cron = \"0 0 29 2 *\"", "cron = \"* * * * *\"\ncatch_up = false"] {
            let job = schedule(keys);
            prop_assert!(job.next_after(now, last, chance) >= now);
            job.interval(now);
            job.missed(last.unwrap_or(now), now, 3);
        }
    }
}
