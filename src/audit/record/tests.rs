use super::*;
use crate::audit::event::*;
use std::collections::BTreeMap;

const AT: &str = "2026-11-28T17:30:00.000000Z";

fn text(text: &str) -> String {
    text.to_owned()
}

/// Fails to compile when an event is added, so that it is added here too.
fn each_kind(event: &Event) -> usize {
    match event {
        Event::Publish(_) => 0,
        Event::Served(_) => 1,
        Event::Refused(_) => 2,
        Event::Registry(_) => 3,
        Event::Released(_) => 4,
        Event::Declined(_) => 5,
        Event::Deleted(_) => 6,
        Event::Erased(_) => 7,
        Event::Hold(_) => 8,
        Event::Started { .. } => 9,
        Event::Stopped => 10,
        Event::Checkpoint { .. } => 11,
        Event::Damaged { .. } => 12,
        Event::Confirmed { .. } => 13,
        Event::Proof { .. } => 14,
    }
}

const PUBLISH: &str = r#""publish","by":"alpha","key":"ab","collection":"c","request":"r","received":"2026-11-28T17:30:00.000000Z","first":"f","last":"l","count":3,"rows":"00","levels":{"amber":2,"green":1},"handlings":[[4,2],[7,1]],"present":1,"pending":2,"refused":[{"id":"i","version":"v","code":"tlp"}],"lowered":[{"id":"i","version":"v","from":"red","to":"amber"}]"#;

fn publish() -> Event {
    Event::Publish(Box::new(Publish {
        by: text("alpha"),
        key: Some(text("ab")),
        collection: text("c"),
        request: Some(text("r")),
        received: text(AT),
        first: Some(text("f")),
        last: Some(text("l")),
        count: 3,
        rows: text("00"),
        levels: BTreeMap::from([(text("green"), 1), (text("amber"), 2)]),
        handlings: vec![(4, 2), (7, 1)],
        present: 1,
        pending: 2,
        refused: vec![RefusedVersion { id: text("i"), version: text("v"), code: text("tlp") }],
        lowered: vec![LoweredVersion {
            id: text("i"),
            version: text("v"),
            from: text("red"),
            to: text("amber"),
        }],
    }))
}

const SERVED: &str = r#""served","by":"alpha","key":"ab","collection":"c","view":"manifest","filter":{"limit":3,"type":"indicator"},"objects":0,"pages":1,"visible":"0202","newest":"2026-11-28T17:29:00.000000Z","log_from":5,"log_to":6,"until":"2026-11-28T17:30:00.000000Z""#;

fn served() -> Event {
    Event::Served(Box::new(Served {
        by: text("alpha"),
        key: text("ab"),
        collection: text("c"),
        view: View::Manifest,
        filter: BTreeMap::from([(text("type"), "indicator".into()), (text("limit"), 3.into())]),
        first: None,
        last: None,
        objects: 0,
        pages: 1,
        visible: [1, 9].into_iter().collect(),
        newest: text("2026-11-28T17:29:00.000000Z"),
        log_from: 5,
        log_to: 6,
        until: text(AT),
    }))
}

fn decision(date_added: Option<&str>) -> Box<Decision> {
    Box::new(Decision {
        by: text("rita"),
        key: None,
        collection: text("c"),
        submission: text("s"),
        id: text("i"),
        version: text("v"),
        level: text("amber"),
        submitter: text("alpha"),
        date_added: date_added.map(text),
    })
}

/// Every event with the text that it has in a record. Changing one makes old logs unreadable.
fn samples() -> Vec<(Event, &'static str)> {
    let versions = vec![text("v")];
    vec![
        (publish(), PUBLISH),
        (served(), SERVED),
        (
            Event::Refused(Refused { by: None, key: None, what: text("w"), count: 2, where_: text("/x\n") }),
            r#""refused","what":"w","count":2,"where":"/x\n""#,
        ),
        (
            Event::Registry(Registry {
                by: text("op"),
                generation: 4,
                changes: vec![text("peer β added")],
                sha256: text("00"),
                reason: None,
            }),
            r#""registry","by":"op","generation":4,"changes":["peer β added"],"sha256":"00""#,
        ),
        (
            Event::Released(decision(Some("d"))),
            r#""released","by":"rita","collection":"c","submission":"s","id":"i","version":"v","level":"amber","submitter":"alpha","date_added":"d""#,
        ),
        (
            Event::Declined(decision(None)),
            r#""declined","by":"rita","collection":"c","submission":"s","id":"i","version":"v","level":"amber","submitter":"alpha""#,
        ),
        (
            Event::Deleted(Deleted {
                by: text("alpha"),
                key: Some(text("ab")),
                collection: text("c"),
                id: text("i"),
                versions: versions.clone(),
            }),
            r#""deleted","by":"alpha","key":"ab","collection":"c","id":"i","versions":["v"]"#,
        ),
        (
            Event::Erased(Erased {
                by: text("op"),
                collection: text("c"),
                id: text("i"),
                versions,
                reason: text("r"),
                cause: Cause::Retention,
            }),
            r#""erased","by":"op","collection":"c","id":"i","versions":["v"],"reason":"r","cause":"retention""#,
        ),
        (
            Event::Hold(Hold {
                by: text("op"),
                action: HoldAction::Lift,
                what: text("w"),
                reason: text("r"),
            }),
            r#""hold","by":"op","action":"lift","what":"w","reason":"r""#,
        ),
        (Event::Started { version: text("1"), by: text("op") }, r#""started","version":"1","by":"op""#),
        (Event::Stopped, r#""stopped""#),
        (
            Event::Checkpoint { size: 9, root: Hash::ZERO },
            r#""checkpoint","size":9,"root":"0000000000000000000000000000000000000000000000000000000000000000""#,
        ),
        (Event::Damaged { what: text("w") }, r#""damaged","what":"w""#),
        (
            Event::Confirmed { by: text("op"), id: text("i"), list: text("l"), version: 5 },
            r#""confirmed","by":"op","id":"i","list":"l","version":5"#,
        ),
        (Event::Proof { by: text("op"), what: text("w") }, r#""proof","by":"op","what":"w""#),
    ]
}

#[test]
fn every_event_has_its_text_and_comes_back() {
    for (at, (event, expected)) in samples().into_iter().enumerate() {
        assert_eq!(each_kind(&event), at);
        let record = Record { n: 7, prev: Hash::leaf(b""), at: text(AT), event };
        let (bytes, leaf) = record.seal().unwrap();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            format!("{{\"n\":7,\"prev\":\"{}\",\"at\":\"{AT}\",\"kind\":{expected}}}", Hash::leaf(b""))
        );
        assert_eq!(leaf, Hash::leaf(&bytes));
        assert_eq!(Record::parse(&bytes), Ok(record));
    }
    assert_eq!(samples().len(), 15);
}

fn line(rest: &str) -> String {
    format!("{{\"n\":7,\"prev\":\"{}\",\"at\":\"{AT}\",{rest}}}", Hash::ZERO)
}

#[test]
fn heads_are_read_of_unknown_events_too() {
    let unknown = line(r#""kind":"later","x":[1,{"y":null}]"#);
    let head = Head::parse(unknown.as_bytes()).unwrap();
    assert_eq!((head.n, head.prev, head.kind.as_str()), (7, Hash::ZERO, "later"));
    assert!(matches!(Record::parse(unknown.as_bytes()), Err(Error::Event(_))));
}

#[test]
fn what_is_not_written_as_records_are_is_refused() {
    let good = line(r#""kind":"stopped","x":1"#);
    assert!(Head::parse(good.as_bytes()).is_ok());
    let zero = Hash::ZERO.to_string();
    let wrong = [
        String::new(),
        text("{}"),
        text("[]"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}{good}"),
        good.replace("\"x\":1", "\"x\":1,\"n\":8"),
        good.replace("\"x\":1", "\"x\":1,\"kind\":\"started\""),
        good.replace("\"x\":1", "\"x\":01"),
        good.replace("\"x\":1", "\"x\":\"a\tb\""),
        good.replace("\"stopped\"", "\"stopped\" "),
        good.replace("\"n\":7", "\"n\":07"),
        good.replace("\"n\":7", "\"n\": 7"),
        good.replace("\"n\":7", "\"n\":7.0"),
        good.replace("\"n\":7", "\"n\":-7"),
        good.replace("\"n\":7,", ""),
        good.replace("\"n\"", "\"\\u006e\""),
        good.replace("stopped", "st\\u006fpped"),
        good.replace(&zero, &zero[1..]),
        good.replace(&zero, &zero.replace('0', "A")),
        good.replace(".000000Z", "Z"),
        good.replace(".000000Z", ".000000+00:00"),
        good.replace("\"n\":7,", "").replace("{", "{\"x\":1,\"n\":7,"),
    ];
    for line in wrong {
        assert!(matches!(Head::parse(line.as_bytes()), Err(Error::Malformed(_))), "{line}");
    }
    assert!(matches!(Head::parse(b"{\"n\":\xff}"), Err(Error::Malformed("it is not UTF-8"))));
    assert_eq!(Head::parse(&vec![b' '; RECORD_MAX_BYTES + 1]), Err(Error::TooLong));
}

#[test]
fn records_that_nobody_could_read_are_not_sealed() {
    let record =
        |at: &str, what| Record { n: 0, prev: Hash::ZERO, at: text(at), event: Event::Damaged { what } };
    for at in ["", "2026-11-28T17:30:00Z", "2026-11-28T17:30:00.000000z", "2026-11-28 17:30:00.000000Z"] {
        assert_eq!(record(at, text("w")).seal(), Err(Error::Time(text(at))));
    }
    assert_eq!(record(AT, "w".repeat(RECORD_MAX_BYTES)).seal(), Err(Error::TooLong));
}
