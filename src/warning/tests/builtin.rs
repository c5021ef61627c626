use super::*;
use crate::warning::builtin::{EMPTY, RANGES};

fn own() -> Settings {
    let own = Declared {
        hosts: vec!["TAXII.cert.co.uk".into(), "9.9.9.9".into(), "2620:fe::fe".into()],
        networks: vec!["9.10.0.0/16".parse().unwrap()],
    };
    let peers =
        Declared { hosts: vec!["peer.example".into()], networks: vec!["2a00:1::/32".parse().unwrap()] };
    Settings { own, peers, ..Settings::default() }
}

/// The part after `built-in: ` of the names of the lists that say something.
fn names(settings: &Settings, kind: Kind, text: &str) -> Vec<(String, How)> {
    let (lists, warnings) = WarningLists::load(None, settings).unwrap();
    assert_eq!(warnings, [""; 0]);
    let atom = atom(kind, text);
    let hits = lists.hits(&atom);
    assert_eq!(lists.verdict(&atom), (!hits.is_empty()).then_some(Action::Review));
    assert!(hits.iter().all(|hit| hit.action == Action::Review));
    hits.iter().map(|hit| (hit.list.strip_prefix("built-in: ").unwrap().to_owned(), hit.how)).collect()
}

fn one(kind: Kind, text: &str) -> Option<(String, How)> {
    let mut names = names(&Settings::default(), kind, text);
    assert!(names.len() <= 1, "{text}: {names:?}");
    names.pop()
}

#[test]
fn every_range_is_met_to_its_ends_and_no_further() {
    for (inside, outside) in [
        (&["10.0.0.0", "10.255.255.255", "10.1.0.0/16"][..], &["9.255.255.255", "11.0.0.0"][..]),
        (&["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
        (&["192.168.0.0", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
        (&["100.64.0.0", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
        (&["127.0.0.0", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
        (&["169.254.0.0", "169.254.255.255"], &["169.253.255.255", "169.255.0.0"]),
        (&["192.0.2.0", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
        (&["198.51.100.0", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
        (&["203.0.113.0", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
        (&["224.0.0.0", "239.255.255.255"], &["223.255.255.255"]),
        (&["0.0.0.0"], &["0.0.0.1"]),
    ] {
        for text in inside {
            assert!(one(Kind::Ipv4, text).is_some(), "{text}");
            if !text.contains('/') {
                assert!(one(Kind::Url, &format!("http://{text}/x")).is_some(), "{text}");
                assert!(one(Kind::Ipv6, &format!("::ffff:{text}")).is_some(), "{text}");
            }
        }
        outside.iter().for_each(|text| assert_eq!(one(Kind::Ipv4, text), None, "{text}"));
    }
    for (inside, outside) in [
        (&["fc00::", "fdff:ffff::1"][..], &["fbff::1", "fe00::1"][..]),
        (&["::1"], &["::2"]),
        (&["fe80::1", "febf::1"], &["fe7f::1", "fec0::1"]),
        (&["2001:db8::", "2001:db8:ffff::1"], &["2001:db7::1", "2001:db9::1"]),
        (&["3fff::1", "3fff:fff::1"], &["3ffe::1", "3fff:1000::1"]),
        (&["ff00::", "ffff::1"], &["feff::1"]),
        (&["::"], &[]),
    ] {
        inside.iter().for_each(|text| assert!(one(Kind::Ipv6, text).is_some(), "{text}"));
        outside.iter().for_each(|text| assert_eq!(one(Kind::Ipv6, text), None, "{text}"));
    }
    let count: usize = RANGES.iter().map(|(_, networks)| networks.len()).sum();
    assert_eq!(count, 18);
}

#[test]
fn wide_networks_are_met_by_their_width_alone() {
    let is_wide = |kind, text| names(&Settings::default(), kind, text).iter().any(|hit| hit.1 == How::Wide);
    for text in ["0.0.0.0/0", "64.0.0.0/7", "128.0.0.0/1"] {
        assert!(is_wide(Kind::Ipv4Network, text), "{text}");
    }
    for text in ["::/0", "2600::/15", "8000::/1"] {
        assert!(is_wide(Kind::Ipv6Network, text), "{text}");
    }
    assert_eq!(one(Kind::Ipv4Network, "64.0.0.0/8"), None);
    assert_eq!(one(Kind::Ipv6Network, "2600::/16"), None);
    assert_eq!(one(Kind::Ipv4, "64.0.0.1"), None);
    assert_eq!(one(Kind::Ipv4Network, "192.0.0.0/15").map(|hit| hit.1), Some(How::Contains));
}

#[test]
fn hashes_of_nothing_are_met() {
    use aws_lc_rs::digest;
    let hex = |algorithm| -> String {
        digest::digest(algorithm, b"").as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(
        EMPTY[1..],
        [hex(&digest::SHA1_FOR_LEGACY_USE_ONLY), hex(&digest::SHA256), hex(&digest::SHA512)]
    );
    let kinds = [Kind::FileMd5, Kind::FileSha1, Kind::FileSha256, Kind::FileSha512];
    for (kind, hash) in kinds.into_iter().zip(EMPTY) {
        assert!(one(kind, &hash.to_uppercase()).is_some(), "{kind:?}");
        assert_eq!(one(kind, &hash.replace('e', "0")), None);
    }
    assert!(one(Kind::CertificateSha256, EMPTY[2]).is_some());
    assert_eq!(one(Kind::FileName, EMPTY[0]), None);
}

#[test]
fn public_suffixes_are_met_and_names_below_are_not() {
    for text in ["com", "co.uk", "github.io", "www.ck.", "x.ck", "xn--p1ai", "公司.cn", "unknown-tld"] {
        let expected = text != "www.ck.";
        assert_eq!(one(Kind::Domain, text).is_some(), expected, "{text}");
    }
    for text in ["example.com", "a.co.uk", "a.github.io", "a.unknown-tld"] {
        assert_eq!(one(Kind::Domain, text), None, "{text}");
    }
    assert_eq!(one(Kind::Url, "http://github.io/x"), None, "a URL blocks no more than itself");
}

#[test]
fn what_is_ours_and_our_peers_is_met_from_below_and_above() {
    let settings = own();
    let (hub, peers) = ("hosts and networks of this hub", "hosts and networks of peers");
    let says = |kind, text| names(&settings, kind, text);
    for (kind, text, name, how) in [
        (Kind::Domain, "taxii.cert.co.uk", hub, How::Equal),
        (Kind::Domain, "x.taxii.cert.co.uk", hub, How::Inside),
        (Kind::Domain, "cert.co.uk", hub, How::Contains),
        (Kind::Url, "https://taxii.cert.co.uk/taxii2/", hub, How::Equal),
        (Kind::Email, "soc@taxii.cert.co.uk", hub, How::Equal),
        (Kind::Ipv4, "9.9.9.9", hub, How::Equal),
        (Kind::Ipv4, "9.9.9.0/24", hub, How::Contains),
        (Kind::Ipv4, "9.10.3.4", hub, How::Inside),
        (Kind::Ipv6, "2620:fe::fe", hub, How::Equal),
        (Kind::Url, "http://[2620:fe::fe]/", hub, How::Equal),
        (Kind::Domain, "www.peer.example", peers, How::Inside),
        (Kind::Ipv6, "2a00:1::5", peers, How::Inside),
    ] {
        assert_eq!(says(kind, text), [(name.to_owned(), how)], "{text}");
    }
    assert_eq!(says(Kind::Domain, "notcert.co.uk"), []);
    assert_eq!(says(Kind::Email, "soc@cert.co.uk"), []);
    assert_eq!(says(Kind::Ipv4, "9.11.0.1"), []);
    assert_eq!(says(Kind::Domain, "co.uk").len(), 2, "a suffix, and above our host");
}

#[test]
fn nobody_removes_built_in_lists_or_changes_what_they_do() {
    let (lists, _) = WarningLists::load(None, &Settings::default()).unwrap();
    let actions = lists.lists().iter().map(|list| (list.name.clone(), Action::Inform)).collect();
    let settings = Settings { actions, default: Action::Inform, ..Settings::default() };
    let (again, warnings) = WarningLists::load(None, &settings).unwrap();
    assert_eq!(again.lists(), lists.lists());
    assert_eq!(warnings.len(), lists.lists().len());
    assert!(lists.lists().iter().all(|list| list.is_builtin && list.action == Action::Review));
}

#[test]
fn the_digest_follows_what_was_declared() {
    let generation =
        |settings: &Settings| WarningLists::load(None, settings).unwrap().0.generation().to_owned();
    let mut settings = own();
    let before = generation(&settings);
    assert_eq!((generation(&settings), before.len()), (before.clone(), 64));
    settings.peers.networks.clear();
    assert_ne!(generation(&settings), before);
    settings.own.hosts.push("no host".to_owned());
    let error = WarningLists::load(None, &settings).unwrap_err();
    assert_eq!(error.to_string(), "`no host` is no host name and no address");
}
