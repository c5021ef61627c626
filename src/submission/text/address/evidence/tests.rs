use super::*;
use crate::submission::text::{address, find};

/// Is the first number of a text an address?
fn is_address(text: &str) -> bool {
    is_address_below(text, Above::Nothing)
}

fn is_address_below(text: &str, above: Above) -> bool {
    let digits = text.match_indices(|c: char| c.is_ascii_digit());
    let (at, quad) =
        digits.filter_map(|(at, _)| address::quad(text, at).map(|quad| (at, quad))).next().unwrap();
    address::v4(text, at, &quad, above).is_some()
}

fn check(addresses: &[&str], others: &[&str]) {
    for text in addresses {
        assert!(is_address(text), "{text}");
    }
    for text in others {
        assert!(!is_address(text), "{text}");
    }
}

#[test]
fn small_parts_need_evidence_and_large_ones_do_not() {
    check(
        &["we saw 95.214.26.11 today", "about 203.0.113.2", "then 45.83.9.28", "on 10.60.9.12"],
        &["we saw 4.2.1.9 today", "it is 124.0.0.0", "about 12.0.4.118", "and 5.2.1.7."],
    );
}

#[test]
fn what_touches_a_number_speaks() {
    check(
        &[
            "5.9.11.23:443",
            "5.9.11.23#53",
            "5.9.11.23 port 22",
            "5.9.11.0/24",
            "5.9.11.23/gate.php",
            "evil.example (5.9.11.23)",
            "evil-host.example,5.9.11.23,2026",
            "| evil-host.example | 5.9.11.23 |",
            "evil[.]example 5.9.11.23",
            "5.9.11.23 evil.example",
            "(unknown [5.9.11.23])",
            "/dev/tcp/5.9.11.23/4444",
            "5.9.11.23 - - [12/Jun/2026:10:00:00 +0200]",
        ],
        &[
            "5.9.11.23: better menus",
            "the tool (4.2.1.9)",
            "Socket.IO 4.7.5.1",
            "tool.exe | 4.8.1.2",
            "## [4.2.1.9] - May",
            "5.9.1.2 / 5.9.1.3",
        ],
    );
}

#[test]
fn words_before_a_number_speak() {
    check(
        &[
            "IP 1.2.3.4",
            "\"client_ip\": \"1.2.3.4\"",
            "{\"type\": \"ip-dst\", \"value\": \"5.9.11.23\"}",
            "ip-dst|5.9.11.23",
            "dirección 5.2.1.7",
            "IP地址为5.9.11.23",
            "C2: 5.2.1.7",
            "IN A 5.2.1.7",
            "the loader contacted 5.2.1.7",
            "traffic went to 5.9.11.23",
            "downloads the payload from 5.9.11.23",
            "Zugriffe von 5.9.11.23",
            "blocked: 5.2.1.7",
        ],
        &[
            "the download of 4.2.1.9",
            "the scan engine 4.2.1.9",
            "clients, then 4.2.1.9",
            "IPv4 stack 4.2.1.9",
        ],
    );
}

#[test]
fn seeing_and_fetching_speak() {
    check(
        &[
            "We saw 2.57.90.16 and 2.57.90.17",
            "observed 31.13.64.5",
            "$ curl 5.9.11.23",
            "Proxy 5.9.11.23",
            "it was fetched from 5.9.11.23",
            "denied 5.9.11.23",
        ],
        &["- Proxy 4.2.1.9", "HAProxy 2.8.1.3", "we observed 4.2.1.9 on two hosts", "the old curl 7.8.1.2"],
    );
}

#[test]
fn paths_of_files_hold_versions_and_shares_addresses() {
    check(
        &["\\\\2.57.90.16\\share", "\\\\?\\UNC\\2.57.90.16\\x", "copy \\\\\\\\2.57.90.16\\\\x"],
        &["'\\Vendor\\Update\\2.57.90.16\\'", "C:\\\\Vendor\\\\2.57.90.16\\\\a.exe"],
    );
}

#[test]
fn what_runs_or_is_replaced_is_a_version() {
    check(
        &[
            "Hosts on 7.10.0.203 must be isolated",
            "running on 95.214.26.11",
            "the server 10.0.0.5 was updated",
            "update the DNS record from 5.9.11.23 to 5.9.11.24",
        ],
        &["appliances running 10.1.3.2", "Nodes on 7.10.0.203 should be upgraded to 7.12.1.6"],
    );
    let values = |text: &str| find(text).len();
    assert_eq!(values("appliances running 10.1.3.2 to 10.1.6.0."), 0);
    assert_eq!(values("Please update all three gateways from 6.2.1.9 to 6.2.2.3 on Sunday."), 0);
}

#[test]
fn machines_have_addresses_and_products_versions() {
    check(
        &[
            "the server 5.2.1.7",
            "Server: 5.2.1.7",
            "servers 5.2.1.7",
            "control server at 5.9.11.23",
            "workstation 10.1.2.3",
        ],
        &["Exchange Server 15.2.1.7", "VPN client 10.2.0.15", "Server 5.2.1.7", "servers run 10.2.7.14"],
    );
}

#[test]
fn another_word_right_before_a_number_doubts_it() {
    check(
        &["on 10.4.22.7 and", "Hetzner 95.214.26.11"],
        &["order 10.4.22.7", "Order 10.4.22.7", "Fluxtool 45.83.9.28", "Zählernummer 10.33.81.44"],
    );
}

#[test]
fn words_after_a_number_speak() {
    check(
        &[
            "5.2.1.7 Command server of the group",
            "5.9.11.23 is a Tor exit",
            "5.9.11.23 | C2",
            "10.0.0.5 connects out",
        ],
        &[
            "4.2.1.9 fixes a crash when the server is slow",
            "4.2.1.9: login for users",
            "10.4.2.1 Scope of it",
        ],
    );
}

#[test]
fn what_stands_above_speaks() {
    assert!(is_address_below("5.2.1.7", Above::Addresses));
    assert!(!is_address_below("198.51.100.7", Above::Versions));
    let values = |text: &str| find(text).len();
    for text in [
        "IP;Land\n5.9.11.23;DE\n",
        "| Address | Port |\n|---|---|\n| 5.9.11.23 | 80 |",
        "IP addresses:\n5.9.11.23\n",
    ] {
        assert_eq!(values(text), 1, "{text}");
    }
    for text in ["| Package | Version |\n|---|---|\n| a | 95.214.26.11 |", "Affected versions:\n10.9.11.23\n"]
    {
        assert_eq!(values(text), 0, "{text}");
    }
}

#[test]
fn neighbours_share_their_kind() {
    check(
        &["5.2.1.7, 95.214.26.11", "- 5.2.1.7\n- 95.214.26.11", "5.2.1.7\nevil[.]example"],
        &["10.2.7.15, 11.0.3.6", "- 10.2.7.15\n- 10.2.7", "10.2.7.15 / 10.2.x"],
    );
}

#[test]
fn sentences_about_versions_sections_and_telephones_speak() {
    check(
        &["resolved to 5.9.11.23", "before: 198.51.100.7"],
        &[
            "version 198.51.100.7",
            "Version of the app: 10.2.1.4",
            "upgrade the gateway to 10.1.2.0",
            "< 10.1.0.8",
            "10.1.2.3 and earlier",
            "section 10.4.2.1",
            "10.4.2.1 Scope ....... 12",
            "Tel. 79.55.12.40",
            "79.55.12.40 (fax)",
        ],
    );
}
