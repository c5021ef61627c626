use super::*;

fn one(kind: Kind, text: &str) -> Option<String> {
    Atom::parse(kind, text).ok().map(|atom| atom.text)
}

#[test]
fn numbers_lead_to_their_kinds_and_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::of_number(kind.number()), Some(kind));
    }
    assert_eq!([Kind::of_number(0), Kind::of_number(26)], [None, None]);
}

#[test]
fn names_are_the_type_and_where_it_has_several_values_the_path() {
    for kind in Kind::ALL {
        let several = Kind::ALL
            .iter()
            .filter(|other| other.path() != kind.path())
            .any(|other| other.object_type() == kind.object_type());
        let expected = if several {
            format!("{}:{}", kind.object_type(), kind.path())
        } else {
            kind.object_type().to_owned()
        };
        assert_eq!(kind.name(), expected);
    }
}

#[test]
fn addresses_are_canonical_or_refused() {
    assert_eq!(one(Kind::Ipv4, "198.51.100.7").as_deref(), Some("198.51.100.7"));
    assert_eq!(Atom::parse(Kind::Ipv4, "203.0.113.9/24").unwrap().text, "203.0.113.0/24");
    assert_eq!(Atom::parse(Kind::Ipv4, "203.0.113.9/32").unwrap().kind, Kind::Ipv4);
    assert_eq!(one(Kind::Ipv6, "2001:DB8:0::66").as_deref(), Some("2001:db8::66"));
    for wrong in ["1.2.3", "01.2.3.4", "1.2.3.4/33", "host.example", "1.2.3.4 ", ""] {
        assert_eq!(one(Kind::Ipv4, wrong), None, "{wrong:?}");
    }
}

#[test]
fn hosts_are_lower_case_a_labels() {
    assert_eq!(one(Kind::Domain, "Bücher.Example.").as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!(one(Kind::Url, "HTTP://A.Example:80/x#y").as_deref(), Some("http://a.example/x"));
    assert_eq!(one(Kind::Email, "CEO@Bad-Login.example").as_deref(), Some("ceo@bad-login.example"));
    for wrong in ["a b.example", "a..example", "-a.example", "1.2.3.4", "1.2", "a\n.example", "*.example"] {
        assert_eq!(one(Kind::Domain, wrong), None, "{wrong:?}");
    }
    for wrong in ["mailto:a@b.example", "http://", "http://a.example/ b", "x", "http://a;b.example/"] {
        assert_eq!(one(Kind::Url, wrong), None, "{wrong:?}");
    }
    let host = |kind, text: &str| Atom::parse(kind, text).unwrap().host().map(str::to_owned);
    assert_eq!(host(Kind::Url, "http://u:p@a.example:81/x@y").as_deref(), Some("a.example"));
    assert_eq!(host(Kind::Url, "http://[2001:db8::1]:81/").as_deref(), Some("2001:db8::1"));
}

#[test]
fn accounts_are_checked() {
    // Governance §20, vector 10.
    assert_eq!(one(Kind::Iban, "gb33 BUKB 2020 1555 5555 55").as_deref(), Some("GB33BUKB20201555555555"));
    assert_eq!(one(Kind::Iban, "GB33BUKB20201555555556"), None);
    assert_eq!(one(Kind::Phone, "+1 (555) 555-0100").as_deref(), Some("+15555550100"));
}

#[test]
fn of_patterns_only_what_is_joined_by_or_gives_values() {
    let texts = |pattern| {
        of_indicator(pattern).map(|atoms| atoms.iter().map(|atom| atom.text.clone()).collect::<Vec<_>>())
    };
    assert_eq!(texts("[ipv4-addr:value = '198.51.100.7']"), Some(vec!["198.51.100.7".to_owned()]));
    assert_eq!(
        texts("[ipv4-addr:value ISSUBSET '203.0.113.0/24' OR domain-name:value = 'C2.example']"),
        Some(vec!["203.0.113.0/24".to_owned(), "c2.example".to_owned()])
    );
    assert_eq!(texts("[file:hashes.'SHA-1' = 'x' OR file:name = 'a.exe']"), None);
    assert_eq!(texts("[file:name = 'a' AND file:size = 3]"), None);
    assert_eq!(texts("[domain-name:value LIKE '%.example']"), None);
    assert_eq!(texts("[email-message:from_ref.value = 'A@b.example']"), Some(vec!["a@b.example".to_owned()]));
}

#[test]
fn observables_give_their_values() {
    let file = serde_json::json!({"type": "file", "name": "x.exe", "hashes": {"MD5": "D41D8CD98F00B204E9800998ECF8427E"}});
    let texts: Vec<String> = of_observable(&file).into_iter().map(|atom| atom.text).collect();
    assert_eq!(texts, ["x.exe", "d41d8cd98f00b204e9800998ecf8427e"]);
}

#[test]
fn the_short_way_through_a_pattern_says_what_the_parser_says() {
    let long = |pattern: &str| {
        let parsed = crate::stix::pattern::Pattern::parse(pattern).ok()?;
        let atoms: Option<Vec<Atom>> = parsed
            .atoms()
            .iter()
            .map(|one| super::read::of_path(&one.object_type, &one.path, &one.value))
            .collect();
        let mut atoms = atoms.filter(|atoms| !atoms.is_empty())?;
        atoms.sort_unstable();
        atoms.dedup();
        Some(atoms)
    };
    for value in
        ["198.51.100.7", "c2.example", "0".repeat(64).as_str(), "a = b", "a' OR b", "x\\y", "", "é", "a b"]
    {
        for object_type in
            ["ipv4-addr", "domain-name", "file", "url", "mutex", "windows-registry-key", "x-own", "File"]
        {
            for path in [
                "value",
                "name",
                "key",
                "hashes.MD5",
                "hashes.'SHA-256'",
                "hashes.\"SHA-256\"",
                "extensions.x",
                "value ",
            ] {
                let pattern = format!("[{object_type}:{path} = '{value}']");
                assert_eq!(of_indicator(&pattern), long(&pattern), "{pattern}");
                for joined in [" OR ", " AND ", " OR  ", "OR", "] OR ["] {
                    let pattern =
                        format!("[{object_type}:{path} = '{value}'{joined}url:value = 'http://a.example/']");
                    assert_eq!(of_indicator(&pattern), long(&pattern), "{pattern}");
                }
            }
        }
    }
}
