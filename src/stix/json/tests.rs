use super::*;
use proptest::prelude::*;

fn items(text: &str) -> Document {
    read(text.as_bytes().to_vec()).unwrap()
}

fn error(text: &[u8]) -> String {
    read(text.to_vec()).unwrap_err().to_string()
}

#[test]
fn white_space_goes_and_nothing_else_changes() {
    let document = items(
        " { \"objects\" : [ { \"a b\" : [ 1.50 , -0 , 1e3 ] ,\n\"\\u0061\":\"\\u00e9 \\\" é\" } ] , \"x\":null } ",
    );
    let text = String::from_utf8(document.text.to_vec()).unwrap();
    assert_eq!(text, r#"{"objects":[{"a b":[1.50,-0,1e3],"\u0061":"\u00e9 \" é"}],"x":null}"#);
    let item = &document.items.as_ref().unwrap()[0];
    assert_eq!(document.member(item, "a b"), Some(&b"[1.50,-0,1e3]"[..]));
    assert_eq!(
        document.member(item, "a"),
        Some(&br#""\u00e9 \" \u00e9""#[..]).map(|_| "\"\\u00e9 \\\" é\"".as_bytes())
    );
    assert_eq!(document.member(&document.root, "x"), Some(&b"null"[..]));
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
    assert!(read(at_limit).is_ok());
}

#[test]
fn a_duplicate_among_many_keys_is_found() {
    let keys: Vec<String> = (0..500).map(|n| format!("\"k{n}\":0")).collect();
    assert!(read(format!("{{{}}}", keys.join(",")).into_bytes()).is_ok());
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
    let found: Vec<_> = document.items.unwrap().into_iter().map(|item| item.defect).collect();
    assert_eq!(found[0], None);
    assert_eq!(found[1], Some(Defect::Number("9007199254740992".into())));
    assert_eq!(found[2], Some(Defect::Number("1e400".into())));
    assert_eq!(found[3], Some(Defect::Nul));
    assert_eq!(found[4], Some(Defect::Items));
    assert_eq!(found[5], Some(Defect::Members));
    assert!(matches!(found[6], Some(Defect::Number(_))));
    assert_eq!(found[7], None);
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
    fn any_document_keeps_its_value(value in any_json()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let document = read(pretty.into_bytes()).unwrap();
        let back: serde_json::Value = serde_json::from_slice(&document.text).unwrap();
        prop_assert_eq!(back, value);
    }

    #[test]
    fn any_bytes_end_in_an_answer_that_serde_json_agrees_with(text in prop::collection::vec(any::<u8>(), 0..64)) {
        if read(text.clone()).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn near_json_is_never_accepted_against_serde_json(text in "[\\[\\]{},:\"0-9eE.+\\-truefalsn \\\\u]{0,24}") {
        let ours = read(text.clone().into_bytes()).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        // Ours also refuses duplicate keys; theirs also refuses 1e400.
        prop_assert!(!ours || theirs || text.contains(['e', 'E']));
    }
}
