use super::*;
use crate::export::format::hostile::{self, about, abouts, rows, text, write};
use crate::export::{About, Row};
use crate::stix::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;

const EXAMPLE: &str = "\
$TTL 300
@ IN SOA localhost. hostmaster.liaison.example. ( 1795413600 900 300 604800 300 )
  IN NS localhost.
bad-login.example CNAME .
*.bad-login.example CNAME .
32.7.100.51.198.rpz-ip CNAME .
24.0.113.0.203.rpz-ip CNAME .
48.zz.bad.db8.2001.rpz-ip CNAME .
";

fn example() -> Vec<Row> {
    vec![
        hostile::row(Kind::Domain, "bad-login.example"),
        hostile::row(Kind::Ipv4, "198.51.100.7"),
        hostile::row(Kind::Ipv4Network, "203.0.113.0/24"),
        hostile::row(Kind::Ipv6Network, "2001:db8:bad::/48"),
    ]
}

fn body(text: &str) -> &str {
    &text[text.find("$TTL").unwrap()..]
}

fn error(options: &str) -> String {
    Rpz.check(&options.parse().unwrap()).unwrap_err()
}

#[test]
fn the_example_of_the_specification_comes_out() {
    let files = write(&Rpz, &about(), &example(), "");
    assert_eq!(body(text(&files)), EXAMPLE);
    assert!(text(&files).starts_with("; liaison export soc-1  collection=feed-a"));
    assert_eq!((&*files.files[0].name, files.files[0].rows), ("soc-1.rpz", 4));
}

#[test]
fn an_empty_zone_has_its_first_records() {
    let files = write(&Rpz, &about(), &[], "ttl = 60");
    assert_eq!(body(text(&files)).lines().count(), 3);
    assert!(body(text(&files)).starts_with("$TTL 60\n"));
}

#[test]
fn every_action_has_its_record() {
    let one = [hostile::row(Kind::Domain, "bad.example")];
    for (options, records) in [
        ("action = 'nxdomain'", &["CNAME ."][..]),
        ("action = 'nodata'", &["CNAME *."]),
        ("action = 'drop'", &["CNAME rpz-drop."]),
        ("action = 'passthru'", &["CNAME rpz-passthru."]),
        ("action = 'tcp-only'", &["CNAME rpz-tcp-only."]),
        ("action = 'redirect'\ntarget = ['Garden.Example.']", &["CNAME garden.example."]),
        (
            "action = 'redirect'\ntarget = ['2001:db8::0001', '192.0.2.1']",
            &["A 192.0.2.1", "AAAA 2001:db8::1"],
        ),
    ] {
        let files = write(&Rpz, &about(), &one, options);
        let found: Vec<&str> = body(text(&files)).lines().skip(3).collect();
        let wanted: Vec<String> = records
            .iter()
            .flat_map(|record| [format!("bad.example {record}"), format!("*.bad.example {record}")])
            .collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn wrong_options_are_refused_with_what_to_change() {
    assert!(error("colour = 1").contains("colour"));
    assert!(error("action = 'block'").contains("block"));
    assert!(error("action = 'redirect'").contains("target"));
    assert!(error("target = ['192.0.2.1']").contains("redirect"));
    assert!(error("ttl = 2147483648").contains("ttl"));
    assert!(error("zone = 'a b'").contains("zone"));
    assert!(error(&format!("zone = '{}x'", "abcdefg.".repeat(13))).contains("at most 100"));
    for target in ["*.garden.example", "a b", "192.0.2.0/24", "x.\\nevil CNAME .", ""] {
        assert!(
            error(&format!("action = 'redirect'\ntarget = [\"{target}\"]")).contains("target"),
            "{target}"
        );
    }
    assert!(error("action = 'redirect'\ntarget = ['a.example', '192.0.2.1']").contains("alone"));
    assert!(error("action = 'redirect'\ntarget = ['a.example', 'b.example']").contains("alone"));
}

#[test]
fn what_a_zone_has_no_place_for_is_left_out_and_counted() {
    let long = format!("{}.example", ["a23456789.123456789.123456789.123456789.123456789"; 4].join("."));
    let rows = [
        hostile::row(Kind::Ipv4Network, "0.0.0.0/0"),
        hostile::row(Kind::Ipv6, "::ffff:192.0.2.1"),
        hostile::row(Kind::Ipv6Network, "::/0"),
        hostile::row(Kind::Domain, "32.1.2.0.192.rpz-client-ip"),
        hostile::row(Kind::Domain, "a.bad.example"),
        hostile::row(Kind::Domain, "bad.example"),
        hostile::row(Kind::Domain, "localhost"),
        hostile::row(Kind::Domain, &long),
    ];
    let files = write(
        &Rpz,
        &about(),
        &rows,
        "zone = 'a-policy-zone-with-a-long-name-for-the-resolver.liaison.example'",
    );
    let counts: Vec<_> = files.left_out.iter().map(|(reason, count)| (*reason, *count)).collect();
    assert_eq!(
        counts,
        [("covered", 1), ("every_address", 2), ("no_place", 1), ("reserved_name", 2), ("too_long", 1)]
    );
    assert!(text(&files).contains("rows=1  left_out=7 (covered=1 every_address=2 "));
    assert_eq!(
        body(text(&files)).lines().skip(3).collect::<Vec<_>>(),
        ["bad.example CNAME .", "*.bad.example CNAME ."]
    );
}

#[test]
fn an_owner_fits_up_to_its_last_byte() {
    // `*.`, the name, a dot and the zone make 253.
    let name =
        format!("{}.{}", ["a2345678901234567890123456789012345678901234567890123456789"; 4].join("."), "ab");
    assert_eq!(name.len(), 242);
    let rows = [hostile::row(Kind::Domain, &name)];
    assert_eq!(write(&Rpz, &about(), &rows, "zone = 'rpz.test'").files[0].rows, 1);
    assert_eq!(write(&Rpz, &about(), &rows, "zone = 'rpz.tests'").left_out["too_long"], 1);
}

/// The serial of a zone written at a time after another one was.
fn next_serial(previous: Option<&str>, rows: &[Row], secs: i64) -> u32 {
    let about = About { generated: Timestamp::from_micros(secs * 1_000_000), ..about() };
    let options = toml::Table::new();
    let previous = |name: &str| {
        assert_eq!(name, "soc-1.rpz");
        previous.map(|text| text.as_bytes().to_vec())
    };
    let input =
        Input { about: &about, options: &options, rows, rules: &[], objects: &[], previous: &previous };
    let mut files = Files::default();
    Rpz.write(&input, &mut files).unwrap();
    let line = text(&files).lines().find(|line| line.starts_with("@ IN SOA")).unwrap();
    line.split(' ').nth(6).unwrap().parse().unwrap()
}

#[test]
fn the_serial_grows_with_changes_and_only_with_them() {
    let now = 1_795_413_600;
    let written = write(&Rpz, &about(), &example(), "");
    let old = Some(text(&written));
    assert_eq!(next_serial(None, &example(), now), 1_795_413_600);
    assert_eq!(next_serial(old, &example(), now + 60), 1_795_413_600, "nothing changed");
    assert_eq!(next_serial(old, &example()[1..], now + 60), 1_795_413_660);
    assert_eq!(next_serial(old, &example()[1..], now), 1_795_413_601, "a change within the second");
    assert_eq!(next_serial(old, &example()[1..], now - 900), 1_795_413_601, "a clock that went back");
    assert_eq!(next_serial(Some("no zone"), &example(), now), 1_795_413_600);
}

/// What the zone says, read by the rules of zone files and of policy zones, and of nothing else.
fn read(zone: &str) -> (BTreeSet<String>, BTreeSet<IpNet>) {
    let comments = zone.split_inclusive('\n').take_while(|line| line.starts_with(';')).map(str::len).sum();
    let zone = &zone[comments..];
    assert!(zone.ends_with('\n') && zone.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
    let lines: Vec<&str> = zone.lines().collect();
    assert_eq!(lines[..3], EXAMPLE.lines().take(3).collect::<Vec<_>>());
    let (mut exact, mut below, mut networks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in &lines[3..] {
        let [owner, "CNAME", "."] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(owner.len() <= 253 - ".rpz.liaison.internal".len());
        let is_new = match (owner.strip_suffix(".rpz-ip"), owner.strip_prefix("*.")) {
            (Some(network), _) => networks.insert(read_network(network)),
            (None, Some(name)) => below.insert(name.to_owned()),
            (None, None) => exact.insert(owner.to_owned()),
        };
        assert!(is_new, "twice: {owner}");
    }
    assert_eq!(exact, below);
    for name in &exact {
        assert!(name.split('.').all(|label| {
            let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_part)
        }));
        assert!(!name.rsplit('.').next().unwrap().starts_with("rpz-"), "a trigger: {name}");
    }
    (exact, networks)
}

fn read_network(owner: &str) -> IpNet {
    let (length, rest) = owner.split_once('.').unwrap();
    let mut parts: Vec<&str> = rest.split('.').collect();
    parts.reverse();
    let is_v4 = parts.len() == 4 && parts.iter().all(|part| *part != "zz");
    let address: IpAddr = match is_v4 {
        true => parts.join(".").parse().unwrap(),
        false => {
            let gap = parts.iter().filter(|part| **part == "zz").count();
            assert!(gap <= 1 && (gap == 1) == (parts.len() < 8 || gap == 1));
            let groups: Vec<&str> = parts.iter().map(|part| if *part == "zz" { "" } else { part }).collect();
            let text = match (groups.first(), groups.last()) {
                (Some(&""), Some(&"")) => "::".to_owned(),
                (Some(&""), _) => format!(":{}", groups.join(":")),
                (_, Some(&"")) => format!("{}:", groups.join(":")),
                _ => groups.join(":"),
            };
            IpAddr::V6(text.parse().unwrap())
        }
    };
    let network = IpNet::new(address, length.parse().unwrap()).unwrap();
    assert!(network.addr() == network.network() && network.prefix_len() > 0);
    network
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_zone_says_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Rpz)) {
        let files = write(&Rpz, &about, &rows, "");
        let (names, networks) = read(text(&files));
        prop_assert_eq!(files.files[0].rows, names.len() + networks.len());
        let left_out: u64 = files.left_out.values().sum();
        prop_assert_eq!(files.files[0].rows as u64 + left_out, rows.len() as u64);
        for row in &rows {
            let text = row.atom.text();
            if row.atom.kind() == Kind::Domain {
                let is_own = text.contains("rpz-") || text.ends_with("localhost") || text == "localhost.localdomain";
                let is_at = |name: &String| text == name || text.ends_with(&format!(".{name}"));
                let is_there = names.iter().any(is_at);
                prop_assert!(is_there || is_own || text.len() > 230, "{} is missing", text);
            } else {
                let network: IpNet = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).unwrap();
                prop_assert!(networks.contains(&network) || network.prefix_len() == 0 || text.starts_with("::ffff:"));
            }
        }
        for name in &names {
            prop_assert!(rows.iter().any(|row| row.atom.text() == name));
            let is_below = |other: &String| name.ends_with(&format!(".{other}"));
            prop_assert!(!names.iter().any(is_below));
        }
    }
}
