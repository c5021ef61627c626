//! The same by comparing each value with each entry, as §12.1 says it.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Debug, Clone)]
struct Plain {
    form: &'static str,
    attributes: Vec<&'static str>,
    entries: Vec<String>,
}

fn reaches(attribute: &str, kind: Kind) -> bool {
    attribute.split('|').any(|half| match half {
        "ALL" => true,
        "ip-dst" => matches!(kind, Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network),
        "domain" => kind == Kind::Domain,
        "url" => kind == Kind::Url,
        "email-src" => kind == Kind::Email,
        "filename" => kind == Kind::FileName,
        _ => false,
    })
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).ok()
}

fn matches(form: &str, entry: &str, atom: &Atom) -> bool {
    let text = atom.text();
    let is_lower = !matches!(atom.kind(), Kind::Url | Kind::FileName);
    let entry = if is_lower && form != "regex" { entry.to_lowercase() } else { entry.to_owned() };
    let host = atom.host().unwrap_or(text);
    match form {
        // An entry in another spelling of the same value counts too.
        "string" => text == entry || Atom::parse(atom.kind(), &entry).is_ok_and(|one| one == *atom),
        "substring" => text.contains(&entry),
        "hostname" if atom.kind() == Kind::FileName => false,
        "hostname" => {
            let entry = entry.trim_matches('.').to_lowercase();
            let is_name = host.parse::<std::net::IpAddr>().is_err() && network(host).is_none();
            host == entry || (is_name && host.ends_with(&format!(".{entry}")))
        }
        "cidr" => match (network(&entry), network(host)) {
            (Some(entry), Some(value)) => entry.contains(&value) || value.contains(&entry),
            _ => false,
        },
        _ => {
            let (pattern, flags) = entry[1..].rsplit_once('/').unwrap();
            regex::Regex::new(&format!("(?{}){pattern}", if flags == "i" { "i" } else { "-i" }))
                .unwrap()
                .is_match(text)
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(select(vec!["a", "b", "ab", "B", "example"]), 1..4)
        .prop_map(|labels| labels.join("."))
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u8..4, 0_u8..4).prop_map(|(a, b)| format!("8.{a}.0.{b}")),
        (0_u8..4, 8_u8..=32).prop_map(|(a, length)| format!("8.{a}.0.0/{length}")),
        (0_u8..4).prop_map(|a| format!("2600::{a}")),
        (0_u8..4, 16_u8..=128).prop_map(|(a, length)| format!("2600::{a}/{length}")),
    ]
}

fn value() -> impl Strategy<Value = (Kind, String)> {
    let host = prop_oneof![name(), (0_u8..4).prop_map(|a| format!("8.{a}.0.1"))];
    prop_oneof![
        name().prop_map(|text| (Kind::Domain, text)),
        address().prop_map(|text| (if text.contains(':') { Kind::Ipv6 } else { Kind::Ipv4 }, text)),
        (host, "[aB/]{0,3}").prop_map(|(host, path)| (Kind::Url, format!("http://{host}/{path}"))),
        ("[abB]{1,2}", name()).prop_map(|(local, host)| (Kind::Email, format!("{local}@{host}"))),
        "[abB.]{1,3}".prop_map(|text| (Kind::FileName, text)),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let attributes =
        select(vec!["ip-dst", "domain", "url", "email-src", "filename|md5", "domain|ip-dst", "ALL"]);
    let attributes = proptest::collection::vec(attributes, 1..3);
    let of = |entry: BoxedStrategy<String>| proptest::collection::vec(entry, 0..6);
    let dotted =
        (name(), select(vec!["", "."]), select(vec!["", "."])).prop_map(|(n, a, b)| format!("{a}{n}{b}"));
    let whole = value().prop_filter_map("none", |(kind, text)| {
        // In the one spelling or in capitals, which the naive way understands too.
        Some(Atom::parse(kind, &text).ok()?.text().to_owned())
    });
    let expressions = select(vec!["/^a/", "/B/i", "/[.]b$/", "/8[.]1/", "/@/g"]).prop_map(str::to_owned);
    let rows = prop_oneof![
        of(whole.boxed()).prop_map(|entries| ("string", entries)),
        of("[abB.@/]{1,3}".boxed()).prop_map(|entries| ("substring", entries)),
        of(dotted.boxed()).prop_map(|entries| ("hostname", entries)),
        of(address().boxed()).prop_map(|entries| ("cidr", entries)),
        of(expressions.boxed()).prop_map(|entries| ("regex", entries)),
    ];
    (rows, attributes).prop_map(|((form, mut entries), attributes)| {
        entries.sort_unstable();
        entries.dedup();
        Plain { form, attributes, entries }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn all_indexes_say_what_comparing_with_every_entry_says(
        plains in proptest::collection::vec((plain(), select(vec![Action::Inform, Action::Review, Action::Block])), 0..8),
        values in proptest::collection::vec(value(), 1..20),
    ) {
        let written: Vec<Value> = plains.iter().enumerate().map(|(number, (plain, _))| {
            let entries: Vec<&str> = plain.entries.iter().map(String::as_str).collect();
            let mut one = list(plain.form, &plain.attributes, &entries);
            one["name"] = json!(format!("{number}"));
            one
        }).collect();
        let actions = plains.iter().enumerate().map(|(number, one)| (number.to_string(), one.1)).collect();
        let settings = Settings { actions, ..Settings::default() };
        let (lists, _) = WarningLists::load(Some(directory(&written).path()), &settings).unwrap();
        for (kind, text) in &values {
            let Ok(atom) = Atom::parse(*kind, text) else { continue };
            let hits = lists.hits(&atom);
            let found: Vec<String> = hits.iter().map(|hit| hit.list.to_owned()).filter(|name| !name.contains(':')).collect();
            let expected = plains.iter().enumerate().filter(|(_, (plain, _))| {
                plain.attributes.iter().any(|one| reaches(one, atom.kind()))
                    && plain.entries.iter().any(|entry| matches(plain.form, entry, &atom))
            });
            let expected: Vec<String> = expected.map(|(number, _)| number.to_string()).collect();
            prop_assert_eq!(found, expected, "{:?}", atom);
            prop_assert_eq!(lists.verdict(&atom), hits.iter().map(|hit| hit.action).max());
        }
    }
}
