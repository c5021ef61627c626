//! What in a line of a log may be looked up: addresses, names, URLs, e-mail addresses, hashes. Rather too much
//! than too little: what is no value, nobody shares.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Adds the candidates of a line to `found`, in their order, each once.
pub fn candidates<'l>(line: &'l [u8], found: &mut Vec<&'l str>) {
    let start = found.len();
    let mut take = |bytes: &'l [u8]| {
        if bytes.len() <= super::VALUE_BYTES_MAX
            && let Ok(text) = std::str::from_utf8(bytes)
            && !found[start..].contains(&text)
        {
            found.push(text);
        }
    };
    let mut at = 0;
    while at < line.len() {
        if !is_token(line[at]) {
            at += 1;
            continue;
        }
        let length = line[at..].iter().position(|byte| !is_token(*byte)).unwrap_or(line.len() - at);
        let end = at + length;
        // `http://`: the colon is of the token, the slashes are not.
        if line[at..end].ends_with(b":")
            && line[end..].starts_with(b"//")
            && let Some(scheme) = scheme(&line[at..end - 1])
        {
            at = url(line, end - 1 - scheme, end + 2, &mut take);
            continue;
        }
        token(&line[at..end], &mut take);
        at = end;
    }
}

/// The length of the scheme that a text ends with.
fn scheme(text: &[u8]) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let length = text.iter().rev().take_while(|byte| is_part(byte)).count();
    // A scheme begins with a letter, and what stands before it is another word.
    let skipped = text[text.len() - length..].iter().position(u8::is_ascii_alphabetic)?;
    (length - skipped <= SCHEME_MAX).then_some(length - skipped)
}

/// Takes a URL, and those inside it; where to go on.
fn url<'l>(line: &'l [u8], start: usize, rest: usize, take: &mut impl FnMut(&'l [u8])) -> usize {
    let is_end =
        |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'<>|\\^`{}".contains(byte);
    let end = line[rest..].iter().position(is_end).map_or(line.len(), |length| rest + length);
    // What closes a sentence or a bracket is not of it.
    let last = line[rest..end].iter().rposition(|byte| !b".,;:!?)]".contains(byte));
    let Some(last) = last else { return end };
    let is_v6 = line[rest] == b'[' && line.get(rest + last + 1) == Some(&b']');
    let whole = &line[start..=rest + last + usize::from(is_v6)];
    take(whole);
    let inside = &line[rest..end];
    let mut from = 0;
    while let Some(found) = inside[from..].windows(3).position(|part| part == b"://") {
        if let Some(length) = scheme(&inside[from..from + found]) {
            take(&inside[from + found - length..=last]);
        }
        from += found + 3;
    }
    end
}

/// Takes what a word is, or its parts.
fn token<'l>(text: &'l [u8], take: &mut impl FnMut(&'l [u8])) {
    let text = trimmed(text);
    if text.contains(&b'@') {
        return mail(text, take);
    }
    if text.contains(&b':') {
        if is_v6(text) || is_mac(text) {
            return take(text);
        }
        // A host with a port, a name with a value.
        return text.split(|byte| *byte == b':').for_each(|part| word(trimmed(part), take));
    }
    word(text, take);
}

fn mail<'l>(text: &'l [u8], take: &mut impl FnMut(&'l [u8])) {
    let mut parts = text.split(|byte| *byte == b'@');
    let (Some(local), Some(host), None) = (parts.next(), parts.next(), parts.next()) else {
        return text.split(|byte| *byte == b'@').for_each(|part| token(part, take));
    };
    // `mailto:` before it, a port behind it.
    let skipped = local.iter().rposition(|byte| *byte == b':').map_or(0, |at| at + 1);
    let host = host.split(|byte| *byte == b':').next().unwrap_or_default();
    match is_domain(trimmed(host)) && skipped < local.len() {
        true => take(&text[skipped..local.len() + 1 + trimmed(host).len()]),
        false => word(trimmed(host), take),
    }
}

fn word<'l>(text: &'l [u8], take: &mut impl FnMut(&'l [u8])) {
    if let Some(address) = v4(text) {
        take(address);
    } else if is_hash(text) || is_domain(text) {
        take(text);
    }
}

/// An IPv4 address; a port may follow after one more dot.
fn v4(text: &[u8]) -> Option<&[u8]> {
    if !(7..=21).contains(&text.len()) || !text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    let mut dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
    let end = dots.nth(3).unwrap_or(text.len());
    if dots.next().is_some() {
        return None;
    }
    std::str::from_utf8(&text[..end]).ok()?.parse::<Ipv4Addr>().ok().map(|_| &text[..end])
}

fn is_v6(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    text.len() <= 45
        && text.iter().filter(|byte| **byte == b':').count() > 1
        && text.iter().all(is_part)
        && std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_mac(text: &[u8]) -> bool {
    let is_right =
        |(at, byte): (usize, &u8)| if at % 3 == 2 { *byte == b':' } else { byte.is_ascii_hexdigit() };
    text.len() == 17 && text.iter().enumerate().all(is_right)
}

fn is_hash(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 40 | 64 | 128) && text.iter().all(u8::is_ascii_hexdigit)
}

/// Several labels, of which the last has letters only, or is one of another script.
fn is_domain(text: &[u8]) -> bool {
    let Some(dot) = text.iter().rposition(|byte| *byte == b'.') else { return false };
    let last = &text[dot + 1..];
    let is_letters = last.len() > 1 && last.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let is_encoded = last.len() > 4 && last[..4].eq_ignore_ascii_case(b"xn--");
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || !byte.is_ascii();
    (is_letters || is_encoded)
        && text.len() <= DOMAIN_MAX
        && text.iter().all(is_part)
        && text[..dot].split(|byte| *byte == b'.').all(|label| !label.is_empty())
}

/// Without the signs around it that stand between words.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_between = |byte: &u8| matches!(byte, b'.' | b'-' | b'+' | b'%');
    // Two colons are the beginning or the end of an IPv6 address.
    let mut text = text;
    loop {
        let is_colon = |text: &[u8], one: Option<&u8>, two: Option<&u8>| {
            one == Some(&b':') && (two != Some(&b':') || !is_v6(text))
        };
        if text.first().is_some_and(is_between) || is_colon(text, text.first(), text.get(1)) {
            text = &text[1..];
        } else if text.last().is_some_and(is_between)
            || is_colon(text, text.last(), text.len().checked_sub(2).and_then(|at| text.get(at)))
        {
            text = &text[..text.len() - 1];
        } else {
            return text;
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'-' | b'_' | b':' | b'@' | b'%' | b'+')
        || !byte.is_ascii()
}

const SCHEME_MAX: usize = 32;
/// Bytes of a name, also of one in another script.
const DOMAIN_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<&str> {
        let mut found = Vec::new();
        candidates(line.as_bytes(), &mut found);
        found
    }

    #[test]
    fn addresses_stand_alone_with_ports_and_in_brackets() {
        assert_eq!(
            found("Nov 28 06:12:59 fw: SRC=198.51.100.7 DST=203.0.113.9:443 (192.0.2.1)"),
            ["198.51.100.7", "203.0.113.9", "192.0.2.1"]
        );
        assert_eq!(
            found("IP 198.51.100.7.52100 > 203.0.113.9.443: Flags [S]"),
            ["198.51.100.7", "203.0.113.9"]
        );
        assert_eq!(
            found("[2001:db8::1]:443 fe80::1%eth0 ::ffff:192.0.2.1"),
            ["2001:db8::1", "::ffff:192.0.2.1"]
        );
        assert_eq!(found("00:00:5e:00:53:01 at 12:34:56"), ["00:00:5e:00:53:01"]);
        assert_eq!(found("10.0.0.0/8 999.1.1.1 1.2.3 1.2.3.4.5.6"), ["10.0.0.0"]);
        assert_eq!(found("net 2001:db8::/32, 2001:db8::."), ["2001:db8::"]);
    }

    #[test]
    fn names_and_mail_addresses() {
        assert_eq!(found("query: Evil.Example. IN A +E(0)"), ["Evil.Example"]);
        assert_eq!(
            found("CONNECT evil.example:443 host=a_b.evil.example;"),
            ["evil.example", "a_b.evil.example"]
        );
        assert_eq!(
            found("from=<bad@evil.example>, mailto:x+y@evil.example."),
            ["bad@evil.example", "x+y@evil.example"]
        );
        assert_eq!(
            found("münchen.example xn--mnchen-3ya.example a.xn--p1ai"),
            ["münchen.example", "xn--mnchen-3ya.example", "a.xn--p1ai"]
        );
        assert_eq!(found("root@localhost a..b.example v1.2 3.14 etc. @evil.example"), ["evil.example"]);
    }

    #[test]
    fn urls_end_where_the_text_goes_on() {
        assert_eq!(
            found(r#""GET http://evil.example:81/a?b=c&d HTTP/1.1" (see https://evil.example/x.)"#),
            ["http://evil.example:81/a?b=c&d", "https://evil.example/x"]
        );
        assert_eq!(found("url=hxxp://evil.example/,"), ["hxxp://evil.example/"]);
        assert_eq!(
            found("http://[2001:db8::1]/ http://[2001:db8::1]"),
            ["http://[2001:db8::1]/", "http://[2001:db8::1]"]
        );
        assert_eq!(
            found("https://out.example/?to=http://evil.example/gate"),
            ["https://out.example/?to=http://evil.example/gate", "http://evil.example/gate"]
        );
        assert_eq!(found("http:// ://x file:///etc/passwd"), ["file:///etc/passwd"]);
    }

    #[test]
    fn hashes_have_their_lengths() {
        let (md5, sha256) = ("d41d8cd98f00b204e9800998ecf8427e", "ab".repeat(32));
        assert_eq!(found(&format!("MD5={md5},SHA256:{sha256} {}", "ab".repeat(31))), [md5, &sha256]);
    }

    #[test]
    fn whatever_a_line_holds_candidates_are_parts_of_it_and_come_once() {
        assert_eq!(found("a.example A.example a.example"), ["a.example", "A.example"]);
        let mut seed = 1_u64;
        let signs = b"a0.:/@[]-%+ \"\\\xff\xc3\xbc=_f";
        for _ in 0..20_000 {
            let line: Vec<u8> = (0..24)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    signs[(seed >> 33) as usize % signs.len()]
                })
                .collect();
            let mut all = Vec::new();
            candidates(&line, &mut all);
            for one in &all {
                assert!(line.windows(one.len()).any(|part| part == one.as_bytes()));
            }
        }
    }
}
