use super::*;

/// What is said of a file with these bytes.
fn refused(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("the-list.json"), bytes).unwrap();
    let error = WarningLists::load(Some(dir.path()), &Settings::default()).unwrap_err().to_string();
    assert!(error.contains("the-list.json: "), "{error} names no file");
    error
}

fn warned(one: &Value) -> Vec<String> {
    WarningLists::load(Some(directory(std::slice::from_ref(one)).path()), &Settings::default()).unwrap().1
}

#[test]
fn files_that_are_no_lists_are_refused_by_name() {
    let good = list("string", &["md5"], &["a", "b"]);
    let changed = |key: &str, value: Value| {
        let mut bad = good.clone();
        bad[key] = value;
        refused(bad.to_string().as_bytes())
    };
    assert!(changed("colour", json!(1)).contains("unknown field `colour`"));
    assert!(changed("version", json!("1")).contains("invalid type: string"));
    assert!(changed("version", json!(-1)).contains("invalid value"));
    assert!(changed("type", json!("glob")).contains("unknown variant `glob`"));
    assert!(changed("category", json!("other")).contains("unknown variant `other`"));
    assert!(changed("list", json!(["a", 1])).contains("invalid type: integer"));
    assert!(changed("list", json!({})).contains("invalid type: map"));
    assert!(changed("list", json!(["a", "b", "a"])).contains("`a` is in `list` twice"));
    assert!(changed("name", json!("")).contains("`name`"));
    assert!(changed("name", json!("built-in: loopback")).contains("another list"));
    for key in ["name", "version", "description", "type", "list"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(key);
        assert!(refused(bad.to_string().as_bytes()).contains(&format!("missing field `{key}`")));
    }
    let text = good.to_string();
    assert!(refused(&text.as_bytes()[..text.len() - 3]).contains("EOF"));
    assert!(refused(text.replace("\"a\"", "\"\u{0}\"").as_bytes()).contains("control character"));
    assert!(
        refused(&text.replace('a', "\u{e9}").chars().map(|c| c as u8).collect::<Vec<u8>>())
            .contains("unicode")
    );
    assert!(refused(format!("{text}x").as_bytes()).contains("trailing"));
    assert!(refused(text.replacen('{', "{\"version\":1,", 1).as_bytes()).contains("duplicate field"));
    assert!(refused(b"").contains("EOF"));
    assert!(refused("[".repeat(100_000).as_bytes()).contains("invalid type"));
}

#[test]
fn optional_keys_may_be_missing() {
    let mut one = list("string", &[], &["x.example"]);
    one.as_object_mut().unwrap().remove("matching_attributes");
    let lists = load(&[one.clone()]);
    assert_eq!(met(&lists, Kind::Mutex, "x.example"), says("x.example", How::Equal));
    let category = |lists: &WarningLists| lists.hits(&atom(Kind::Mutex, "x.example"))[0].category;
    assert_eq!(category(&lists), Category::FalsePositive);
    one["category"] = json!("known");
    assert_eq!(category(&load(&[one])), Category::Known);
}

#[test]
fn entries_that_are_none_are_left_out_and_said() {
    let name = "warning list `cidr list`: left out";
    assert_eq!(
        warned(&list("cidr", &["ip-src"], &["10.0.0.0/33", "1.2.3.4", "host.example"])),
        [format!("{name} 2 entries that are none, such as `10.0.0.0/33`")]
    );
    assert_eq!(warned(&list("hostname", &["ALL"], &["..", "a"])).len(), 1);
    assert_eq!(warned(&list("substring", &["ALL"], &[""])).len(), 1);
    assert_eq!(warned(&list("string", &["ALL"], &["", "x"])).len(), 1);
    assert_eq!(warned(&list("string", &["ALL"], &[&"x".repeat(5000)])).len(), 1);
    let expressions = ["/(?=x)/", r"/(a)\1/", r"/(\w{200}){200}/", "/fine/"];
    let warnings = warned(&list("regex", &["ALL"], &expressions));
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[2].starts_with(r"warning list `regex list`: left out `/(\w{200}){200}/`: compiled"));
    assert_eq!(
        warned(&list("string", &["snort"], &["x"])),
        ["warning list `string list`: matches no kind of value that is known here"]
    );
}

#[test]
fn what_matches_nothing_harms_nothing() {
    let lists =
        load(&[list("substring", &["url"], &[]), list("regex", &["url"], &[]), list("cidr", &["url"], &[])]);
    assert_eq!(lists.verdict(&atom(Kind::Url, "http://x.example/")), None);
}

#[test]
fn both_layouts_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, one: &Value| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, one.to_string()).unwrap();
    };
    let names = || {
        let settings = Settings::default();
        let (lists, _) = WarningLists::load(Some(dir.path()), &settings).unwrap();
        let outside = lists.lists().iter().filter(|list| !list.is_builtin);
        outside.map(|list| format!("{} {}", list.name, list.entries)).collect::<Vec<_>>()
    };
    write("a.json", &list("string", &["md5"], &["x", "y"]));
    write("b/list.json", &list("cidr", &["ip-src"], &["1.2.3.4"]));
    write("b/other.json", &json!({}));
    write(".hidden.json", &json!({}));
    write("README.md", &json!({}));
    assert_eq!(names(), ["string list 2", "cidr list 1"]);
    write("lists/c/list.json", &list("hostname", &["url"], &["x"]));
    write("lists/schema.json", &json!({}));
    assert_eq!(names(), ["hostname list 1"], "beside `lists` lie other things");
}

#[test]
fn two_lists_of_one_name_and_missing_directories_are_refused() {
    let one = list("string", &["md5"], &["x"]);
    let error = WarningLists::load(Some(directory(&[one.clone(), one]).path()), &Settings::default());
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("1.json: another list is called `string list` too"), "{error}");
    let missing = tempfile::tempdir().unwrap().path().join("none");
    let error = WarningLists::load(Some(&missing), &Settings::default()).unwrap_err();
    assert!(matches!(error, Error::Read { .. }) && error.to_string().contains("none: "));
}

#[test]
fn the_digest_follows_the_entries_and_not_the_names_of_files() {
    let one = list("string", &["md5"], &["x"]);
    let generation = |one: &Value| load(std::slice::from_ref(one)).generation().to_owned();
    let before = generation(&one);
    assert_eq!(generation(&one), before);
    let mut other = one.clone();
    other["list"] = json!(["y"]);
    assert_ne!(generation(&other), before);
}
