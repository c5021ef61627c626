use super::*;
use proptest::prelude::*;

type Told = (Option<usize>, Option<Defect>, Vec<(String, String)>);

/// What a visitor is shown: which item, its defect, and its members' names and texts.
fn tell(seen: Seen) -> Told {
    let raw = |value: Value| String::from_utf8(value.raw().to_vec()).unwrap();
    let members = seen.value.members().map(|(key, value)| (key.name().into_owned(), raw(value)));
    (seen.item, seen.defect.cloned(), members.collect())
}

fn items(text: &str) -> Document<Told> {
    read(text.as_bytes().to_vec(), tell).unwrap()
}

fn error(text: &[u8]) -> String {
    let whole = read(text.to_vec(), |_| ()).unwrap_err();
    assert_eq!(by_bytes(text, 1).map(|_| ()), Err(whole.clone()), "{}", String::from_utf8_lossy(text));
    whole.to_string()
}

/// Reads one document that comes in parts of `step` bytes.
fn by_bytes(text: &[u8], step: usize) -> Result<Document<Told>, JsonError> {
    let mut chunks = text.chunks(step);
    let mut more = |so_far: &mut Vec<u8>| {
        chunks.next().is_some_and(|chunk| {
            so_far.extend_from_slice(chunk);
            true
        })
    };
    let scanned = scanner::scan(source::Source::growing(&mut more)?, scanner::Count::One, tell)?;
    Ok(Document { text: scanned.text, root: scanned.roots.into_iter().next().unwrap() })
}

#[test]
fn white_space_goes_and_nothing_else_changes() {
    let document = items(
        " { \"objects\" : [ { \"a b\" : [ 1.50 , -0 , 1e3 ] ,\n\"\\u0061\":\"\\u00e9 \\\" é\" } ] , \"x\":null } ",
    );
    let text = String::from_utf8(document.text.to_vec()).unwrap();
    assert_eq!(text, r#"{"objects":[{"a b":[1.50,-0,1e3],"\u0061":"\u00e9 \" é"}],"x":null}"#);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (item, defect, members) = &document.root.items.unwrap()[0].seen;
    assert_eq!((item, defect), (&Some(0), &None));
    assert_eq!(members, &[pair("a b", "[1.50,-0,1e3]"), pair("a", r#""\u00e9 \" é""#)]);
    assert_eq!(
        document.root.part.seen.2,
        [pair("objects", r#"[{"a b":[1.50,-0,1e3],"\u0061":"\u00e9 \" é"}]"#), pair("x", "null")]
    );
}

#[test]
fn values_are_what_the_text_says() {
    let text = br#"{"i":[0,-7,5.0,5e0,5.5,9007199254740991,9007199254740992],"o":{"e":{},"l":[]},"b":[true,false,null],"s":"\ud83d\ude00"}"#;
    let read = read(text.to_vec(), |seen| {
        let value = |name: &str| seen.value.member(name).unwrap();
        let integers: Vec<_> = value("i").items().map(|item| item.integer()).collect();
        let five = Some(5);
        assert_eq!(integers, [Some(0), Some(-7), five, five, None, Some(9_007_199_254_740_991), None]);
        assert_eq!(value("i").items().last().map(|item| item.kind()), Some(Kind::BigInteger));
        assert_eq!(value("i").items().nth(4).and_then(|item| item.float()), Some(5.5));
        assert!(value("o").members().all(|(_, inner)| inner.is_empty()) && !value("o").is_empty());
        let kinds: Vec<_> = value("b").items().map(|item| item.kind()).collect();
        assert_eq!(kinds, [Kind::True, Kind::False, Kind::Null]);
        assert_eq!(value("s").text().as_deref(), Some("\u{1f600}"));
        assert!(value("s").members().next().is_none() && value("s").items().next().is_none());
    });
    assert!(read.is_ok());
}

#[test]
fn documents_follow_each_other_in_lines() {
    let text = b"{\"a\":1}\n\n {\"objects\":[{\"b\":2},\n3]}\n\"x\" 7\n";
    for step in 1..text.len() {
        let mut chunks = text.chunks(step);
        let mut more =
            |so_far: &mut Vec<u8>| chunks.next().map(|chunk| so_far.extend_from_slice(chunk)).is_some();
        let found = read_all(&mut more, |seen| seen.item).unwrap();
        let told: Vec<_> =
            found.roots.iter().map(|root| (root.line, root.items.as_ref().map(Vec::len))).collect();
        assert_eq!(told, [(1, None), (3, Some(2)), (5, None), (5, None)]);
        let second = &found.roots[1].items.as_ref().unwrap()[1];
        assert_eq!((&found.text[second.range.clone()], second.seen), (&b"3"[..], Some(1)));
    }
    let mut once = Some(b"{}\n{}\n{\"a\" 1}".to_vec());
    let mut more = |so_far: &mut Vec<u8>| once.take().map(|text| so_far.extend(text)).is_some();
    let error = read_all(&mut more, |_| ()).unwrap_err();
    assert_eq!(error.line, 3);
}

#[test]
fn what_is_not_i_json_is_refused() {
    let nested = [b"[".repeat(65), b"]".repeat(65)].concat();
    let bad: Vec<(&[u8], &str)> = vec![
        (b"", "ends where a value"),
        (b"{", "ends inside"),
        (b"{}}", "after the end"),
        (b"{\"a\":1,}", "comma before"),
        (b"[1,]", "comma before"),
        (b"[,1]", "expected a JSON value"),
        (b"{\"a\" 1}", "expected `:`"),
        (b"{'a':1}", "double quotes"),
        (b"{a:1}", "double quotes"),
        (b"[1 2]", "expected `,`"),
        (b"[01]", "needless zeros"),
        (b"[-]", "must start with a digit"),
        (b"[1.]", "after the decimal point"),
        (b"[1e]", "exponent"),
        (b"[.5]", "expected a JSON value"),
        (b"[+1]", "expected a JSON value"),
        (b"[NaN]", "expected a JSON value"),
        (b"[Infinity]", "expected a JSON value"),
        (b"[tru]", "expected a JSON value"),
        (b"[1]//x", "after the end"),
        (b"[\"\t\"]", "control character"),
        (b"[\"\\x\"]", "unknown escape"),
        (b"[\"\\u12\"]", "four hexadecimal digits"),
        (b"[\"\\ud800\"]", "lone surrogate"),
        (b"[\"\\ud800\\u0041\"]", "lone surrogate"),
        (b"[\"\\udc00\"]", "lone surrogate"),
        (b"[\"abc", "inside a string"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[\"\xff\"]", "not UTF-8"),
        (b"[\"\xed\xa0\x80\"]", "not UTF-8"),
        (b"{\"a\":1,\"a\":2}", "`a` occurs twice"),
        (b"{\"a\":1,\"\\u0061\":2}", "`a` occurs twice"),
        (b"{\"x\":{\"a\":1,\"b\":2,\"a\":2}}", "`a` occurs twice"),
        (&nested, "nested deeper than 64"),
    ];
    for (text, want) in bad {
        let found = error(text);
        assert!(found.contains(want), "{}: {found}", String::from_utf8_lossy(text));
    }
    let at_limit = [b"[".repeat(64), b"]".repeat(64)].concat();
    assert!(read(at_limit, |_| ()).is_ok());
}

#[test]
fn a_duplicate_among_many_keys_is_found() {
    let keys: Vec<String> = (0..500).map(|n| format!("\"k{n}\":0")).collect();
    assert!(read(format!("{{{}}}", keys.join(",")).into_bytes(), |_| ()).is_ok());
    let twice = format!("{{{},\"k77\":1}}", keys.join(","));
    assert!(error(twice.as_bytes()).contains("`k77` occurs twice"));
}

#[test]
fn defects_belong_to_one_item_and_leave_the_others_alone() {
    let long_list = format!("[{}0]", "0,".repeat(10_000));
    let many = (0..1_001).map(|n| format!("\"k{n}\":0")).collect::<Vec<_>>().join(",");
    let text = format!(
        r#"{{"objects":[{{"n":9007199254740991}},{{"n":9007199254740992}},{{"n":1e400}},{{"s":"\u0000"}},{{"l":{long_list}}},{{{many}}},{{"n":-9007199254740993}},7]}}"#
    );
    let document = items(&text);
    let found: Vec<_> = document.root.items.unwrap().into_iter().map(|item| item.seen.1).collect();
    assert_eq!(found[0], None);
    assert_eq!(found[1], None);
    assert_eq!(found[2], Some(Defect::Number("1e400".into())));
    assert_eq!(found[3], Some(Defect::Nul));
    assert_eq!(found[4], Some(Defect::Items));
    assert_eq!(found[5], Some(Defect::Members));
    assert_eq!(found[6], None);
    assert_eq!(found[7], None);
}

#[test]
fn of_an_object_with_too_many_values_only_the_outer_members_are_kept() {
    let lists = vec![format!("[{}0]", "0,".repeat(9_999)); 30].join(",");
    let text =
        format!(r#"{{"objects":[{{"id":"x","l":[{lists}],"o":{{"a":1}},"modified":"y"}},{{"id":"z"}}]}}"#);
    let document = items(&text);
    let [first, second] = &document.root.items.unwrap()[..] else { panic!("two items") };
    assert_eq!(first.seen.1, Some(Defect::Values));
    let names: Vec<_> = first.seen.2.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id", "l", "o", "modified"]);
    assert_eq!(first.seen.2[3].1, "\"y\"");
    assert_eq!((second.seen.1.clone(), second.seen.2.len()), (None, 1));
}

#[test]
fn an_error_names_the_item_it_stands_in() {
    let found = error(br#"{"objects":[{"a":1},{"b":tru}]}"#);
    assert_eq!(found, "expected a JSON value (byte 25, in objects[1])");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..9_007_199_254_740_991).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_keeps_its_value(value in any_json(), step in 1_usize..40) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let document = read(pretty.clone().into_bytes(), |_| ()).unwrap();
        let cut = by_bytes(pretty.as_bytes(), step).unwrap();
        prop_assert_eq!(&cut.text, &document.text);
        let back: serde_json::Value = serde_json::from_slice(&document.text).unwrap();
        prop_assert_eq!(back, value);
    }

    #[test]
    fn any_bytes_end_in_an_answer_that_serde_json_agrees_with(text in prop::collection::vec(any::<u8>(), 0..64)) {
        if read(text.clone(), |_| ()).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn near_json_is_never_accepted_against_serde_json(text in "[\\[\\]{},:\"0-9eE.+\\-truefalsn \\\\u]{0,24}") {
        let ours = read(text.clone().into_bytes(), |_| ()).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        // Ours also refuses duplicate keys; theirs also refuses 1e400.
        prop_assert!(!ours || theirs || text.contains(['e', 'E']));
    }
}
