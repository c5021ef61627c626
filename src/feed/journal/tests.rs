use super::*;

struct Pages {
    journal: Journal,
    client: Arc<str>,
    visibility: Arc<[u64]>,
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

impl Pages {
    fn new(max: usize) -> Self {
        Self { journal: Journal::new(max), client: "cert-b/feed".into(), visibility: Arc::new([0b101]) }
    }

    /// A page of objects asked for after `after`, with rows from `first` to `last`.
    fn send(&self, after: Option<i64>, first: i64, last: i64) -> Result<(), JournalFull> {
        self.send_as(after, first, last, |_| {})
    }

    fn send_as(
        &self,
        after: Option<i64>,
        first: i64,
        last: i64,
        change: impl FnOnce(&mut Sent),
    ) -> Result<(), JournalFull> {
        let matches = Match::default();
        let mut sent = Sent {
            client: &self.client,
            key: "ab",
            collection: "c",
            kind: Kind::Objects,
            description: "c last",
            matches: &matches,
            visibility: &self.visibility,
            after: after.map(at),
            range: (at(first), at(last)),
            objects: 2,
            state: State { newest: Some(at(900)), log_from: 7, turn: 0, log_to: 7 },
            at: at(1_000),
        };
        change(&mut sent);
        self.journal.sent(&sent)
    }

    fn served(&self) -> Vec<Served> {
        let events = self.journal.take();
        self.journal.written();
        let served = events.into_iter().filter_map(|event| match event {
            Event::Served(served) => Some(*served),
            _ => None,
        });
        served.collect()
    }

    /// First and last row, pages and objects of each record.
    fn ranges(&self) -> Vec<(i64, i64, u64, u64)> {
        let micros = |text: &Option<String>| Timestamp::parse(text.as_ref().unwrap()).unwrap().micros();
        let range =
            |served: &Served| (micros(&served.first), micros(&served.last), served.pages, served.objects);
        self.served().iter().map(range).collect()
    }
}

#[test]
fn a_walk_is_one_record() {
    let pages = Pages::new(10);
    pages.send(None, 1, 10).unwrap();
    for page in 1..1_000 {
        pages.send(Some(page * 10), page * 10 + 3, page * 10 + 10).unwrap();
    }
    assert_eq!(pages.ranges(), [(1, 10_000, 1_000, 2_000)]);
    assert_eq!(pages.ranges(), []);
}

#[test]
fn repeated_and_overlapping_pages_join_what_they_touch() {
    let pages = Pages::new(10);
    pages.send(Some(100), 110, 120).unwrap();
    pages.send(Some(100), 110, 120).unwrap();
    pages.send(Some(115), 120, 140).unwrap();
    // From before, up to a row that the next page was asked for after.
    pages.send(Some(50), 60, 100).unwrap();
    assert_eq!(pages.ranges(), [(60, 140, 4, 8)]);
}

#[test]
fn pages_with_a_gap_between_them_are_two_records() {
    let pages = Pages::new(10);
    pages.send(Some(0), 1, 10).unwrap();
    // Row 11 may match and has not been sent, though the next page begins right behind it.
    pages.send(Some(11), 12, 20).unwrap();
    assert_eq!(pages.ranges(), [(1, 10, 1, 2), (12, 20, 1, 2)]);
    pages.send(Some(30), 40, 50).unwrap();
    pages.send(Some(0), 10, 29).unwrap();
    assert_eq!(pages.ranges(), [(40, 50, 1, 2), (10, 29, 1, 2)]);
}

#[test]
fn pages_that_differ_in_anything_are_two_records() {
    let other_client: Arc<str> = "cert-c/feed".into();
    let other_bits: Arc<[u64]> = Arc::new([0b111]);
    let changes: [&dyn Fn(&mut Sent); 6] = [
        &|sent| sent.client = Box::leak(Box::new(other_client.clone())),
        &|sent| sent.key = "cd",
        &|sent| sent.description = "c all",
        &|sent| sent.kind = Kind::Manifest,
        &|sent| sent.visibility = Box::leak(Box::new(other_bits.clone())),
        &|sent| sent.state.turn = 1,
    ];
    for change in changes {
        let pages = Pages::new(10);
        pages.send(Some(0), 1, 10).unwrap();
        pages.send_as(Some(10), 11, 20, |sent| change(sent)).unwrap();
        assert_eq!(pages.served().len(), 2);
    }
    let pages = Pages::new(10);
    pages.send(Some(0), 1, 10).unwrap();
    let equal: Arc<[u64]> = Arc::new([0b101]);
    pages.send_as(Some(10), 11, 20, |sent| sent.visibility = Box::leak(Box::new(equal))).unwrap();
    let [served] = &pages.served()[..] else { panic!("equal sets are one") };
    assert!(served.visible.contains(0) && !served.visible.contains(1) && served.visible.contains(2));
}

#[test]
fn a_full_journal_lets_no_further_page_out_until_it_is_written() {
    let pages = Pages::new(2);
    pages.send(Some(0), 1, 10).unwrap();
    pages.send(Some(20), 21, 30).unwrap();
    assert_eq!(pages.send(Some(40), 41, 50), Err(JournalFull));
    assert_eq!(pages.send(Some(10), 11, 12), Ok(()), "what needs no room has it");
    let events = pages.journal.take();
    assert_eq!(pages.send(Some(40), 41, 50), Err(JournalFull), "taken is not written");
    pages.journal.not_written(events);
    assert_eq!(pages.send(Some(40), 41, 50), Err(JournalFull));
    assert_eq!(pages.ranges(), [(1, 12, 2, 4), (21, 30, 1, 2)]);
    assert_eq!(pages.send(Some(40), 41, 50), Ok(()));
}

#[test]
fn refusals_are_counted_and_bounded() {
    let journal = Journal::default();
    let refusal = |n: usize| Refusal {
        by: None,
        key: Some(format!("{n}")),
        what: "unknown_client",
        place: "/taxii2".to_owned(),
    };
    for n in 0..3_000 {
        journal.refused(refusal(n % 1_500));
    }
    let events = journal.take();
    let count = |event: &Event| match event {
        Event::Refused(refused) => refused.count,
        _ => 0,
    };
    assert_eq!(events.iter().map(count).sum::<u64>(), 3_000);
    assert!(events.len() <= REFUSALS_MAX + 1);
}

#[test]
fn the_filter_is_recorded_without_what_can_match_nothing() {
    let filter_of = |query: &str| {
        let asked = crate::taxii::Filter::parse(query).unwrap();
        serde_json::to_string(&filter(&asked.matches)).unwrap()
    };
    assert_eq!(filter_of(""), "{}");
    let id = "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2";
    assert_eq!(filter_of(&format!("match[id]={id},evil.example")), format!(r#"{{"id":["{id}"]}}"#));
    assert_eq!(
        filter_of("match[type]=indicator,evil.example&match[version]=first,2026-01-02T03:04:05.67Z"),
        r#"{"type":["indicator"],"version":["first","2026-01-02T03:04:05.67Z"]}"#
    );
    assert_eq!(filter_of("match[spec_version]=2.0,2.1"), r#"{"spec_version":["2.1"]}"#);
}

/// `cargo test --release --lib journal -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn the_cost_of_a_page() {
    let pages = Pages::new(1 << 20);
    let others: Vec<Arc<str>> = (0..200).map(|n| format!("cert-{n}/feed").into()).collect();
    let description = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11 id=[] type=[\"indicator\"] version=010[] spec=[]";
    let started = std::time::Instant::now();
    let count = 1_000_000_i64;
    for n in 0..count {
        let client = &others[(n % 200) as usize];
        let walk = n / 200 * 10;
        let matches = Match::default();
        pages
            .journal
            .sent(&Sent {
                client,
                key: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                collection: "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11",
                kind: Kind::Objects,
                description,
                matches: &matches,
                visibility: &pages.visibility,
                after: Some(at(walk)),
                range: (at(walk + 1), at(walk + 10)),
                objects: 10,
                state: State { newest: Some(at(900)), log_from: 7, turn: 0, log_to: 7 },
                at: at(1_000),
            })
            .unwrap();
    }
    println!("{} ns a page", started.elapsed().as_nanos() / count as u128);
    assert_eq!(pages.served().len(), 200);
}
