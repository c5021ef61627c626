//! URLs by the grammar of RFC 3986, not by what browsers repair (STIX 2.1 §6.15).

use super::{Fault, Verdict, require};
use std::net::Ipv6Addr;

/// An absolute URL: a scheme, a colon and something after it; a fragment may follow.
pub fn url(text: &str) -> Verdict {
    match check(text) {
        Err(fault) => Verdict::Bad(fault.expected),
        Ok((_, port)) if !is_port_number(port) => Verdict::Advice(PORT_NUMBER),
        // RFC 3986 §3.2.2: the grammar lets these schemes go without a host, their meaning does not.
        Ok((host, _)) => super::advise(!(host.is_empty() && is_web(text)), HOST),
    }
}

/// Returns the host and the digits of the port, empty where there are none.
fn check(text: &str) -> Result<(&str, &str), Fault> {
    let (scheme, rest) = text.split_once(':').ok_or(Fault::new(SCHEME))?;
    require(is_scheme(scheme), SCHEME)?;
    require(!rest.is_empty() && rest != "//", REST)?;
    check_characters(rest)?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (hierarchy, tail) = rest.split_at(end);
    let (authority, path) = split_authority(hierarchy);
    // Brackets are for IP literals in the authority, a second # is nowhere allowed.
    require(!path.contains(['[', ']']) && !tail.contains(['[', ']']), BRACKETS)?;
    require(tail.bytes().filter(|byte| *byte == b'#').count() < 2, FRAGMENT)?;
    check_authority(authority.unwrap_or(""))
}

/// What stands between `//` and the path, if there is one, and the path.
fn split_authority(hierarchy: &str) -> (Option<&str>, &str) {
    match hierarchy.strip_prefix("//") {
        None => (None, hierarchy),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(authority), path)
        }
    }
}

/// The characters of RFC 3986 §2, and two hex digits after every percent sign.
fn check_characters(rest: &str) -> Result<(), Fault> {
    require(rest.is_ascii(), ASCII)?;
    require(rest.bytes().all(|byte| is_name_byte(byte) || b":/?#[]@%".contains(&byte)), CHARACTERS)?;
    let mut after_percent = rest.split('%').skip(1).map(str::as_bytes);
    require(after_percent.all(|part| part.len() > 1 && part[..2].iter().all(u8::is_ascii_hexdigit)), PERCENT)
}

/// `[userinfo@]host[:port]`; returns the host and the port's digits.
fn check_authority(authority: &str) -> Result<(&str, &str), Fault> {
    let (user, host_port) = authority.split_once('@').unwrap_or(("", authority));
    require(!user.contains(['[', ']']) && !host_port.contains('@'), AUTHORITY)?;
    let (host, port) = split_port(host_port)?;
    require(port.bytes().all(|byte| byte.is_ascii_digit()), PORT)?;
    Ok((host, port))
}

fn split_port(host_port: &str) -> Result<(&str, &str), Fault> {
    let Some(literal) = host_port.strip_prefix('[') else {
        let (host, port) = host_port.split_once(':').unwrap_or((host_port, ""));
        return require(!host_port.contains(['[', ']']), BRACKETS).map(|()| (host, port));
    };
    let (host, after) = literal.split_once(']').ok_or(Fault::new(LITERAL))?;
    require(is_ip_literal(host), LITERAL)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((host, port)),
        None => require(after.is_empty(), PORT).map(|()| (host, "")),
    }
}

/// An IPv6 address without a zone, or `v<hex>.<name>`.
fn is_ip_literal(host: &str) -> bool {
    let Some(future) = host.strip_prefix(['v', 'V']) else {
        return host.parse::<Ipv6Addr>().is_ok();
    };
    future.split_once('.').is_some_and(|(version, name)| {
        !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !name.is_empty()
            && name.bytes().all(|byte| is_name_byte(byte) || byte == b':')
    })
}

fn is_web(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or("");
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// `unreserved` and `sub-delims`.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// RFC 3986 lets a port be empty and have any number of digits; TCP and UDP do not.
fn is_port_number(digits: &str) -> bool {
    let digits = digits.trim_start_matches('0');
    digits.is_empty() || digits.parse::<u16>().is_ok()
}

const SCHEME: &str = "a URL that begins with a scheme and a colon, like https://example.com/";
const REST: &str = "a URL with something after the scheme";
const ASCII: &str = "a URL in ASCII: percent-encode other characters";
const CHARACTERS: &str = "a URL without blanks, control characters and any of < > \" { } | \\ ^ `";
const PERCENT: &str = "two hex digits after every % in a URL";
const BRACKETS: &str = "square brackets in a URL only around an IP address that is its host";
const FRAGMENT: &str = "at most one # in a URL";
const AUTHORITY: &str = "at most one @ before the host of a URL, no brackets in the user part";
const HOST: &str = "a host after http:// or https://";
const PORT: &str = "digits only after the colon that follows the host of a URL";
const PORT_NUMBER: &str = "a port of at most 65535";
const LITERAL: &str = "an IPv6 address without a zone between the square brackets of a URL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3986_pass() {
        for good in [
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "http://www.ietf.org/rfc/rfc2396.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "news:comp.infosystems.www.servers.unix",
            "tel:+1-816-555-1212",
            "telnet://192.0.2.16:80/",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "foo://example.com:8042/over/there?name=ferret#nose",
        ] {
            assert_eq!(url(good), Verdict::Good, "{good}");
        }
    }

    #[test]
    fn every_part_of_the_grammar_is_taken() {
        for good in [
            "https://example.com",
            "HTTP://EXAMPLE.COM",
            "http://user:pa%20ss@example.com:8080/a//b/./../c;p=1,2?q=/?:@&x#f/?",
            "http://example.com:/",
            "http://example.com:00080/",
            "http://ex%41mple.com/",
            "http://[::ffff:192.0.2.1]:80/",
            "http://[v1.fe80::a+en1]/",
            "file:///etc/passwd",
            "file:/etc/passwd",
            "x-a.b+c:d",
            "about:blank",
            "data:,A%20b",
            "http://example.com?",
            "http://example.com#",
            "http://999.999.1.1/",
            "http://a:1@b/",
            "magnet:?xt=urn:btih:abc",
        ] {
            assert_eq!(url(good), Verdict::Good, "{good}");
        }
    }

    #[test]
    fn what_the_grammar_allows_without_sense_gives_advice() {
        for odd in [
            "http:///path",
            "HTTP://:80/",
            "https://?q",
            "http://user@/",
            "http:example.com",
            "http:/example.com",
        ] {
            assert_eq!(url(odd), Verdict::Advice(HOST), "{odd}");
        }
        for odd in ["http://example.com:65536/", "ftp://[::1]:99999999999999999999"] {
            assert_eq!(url(odd), Verdict::Advice(PORT_NUMBER), "{odd}");
        }
        assert_eq!(url("http://example.com:65535/"), Verdict::Good);
        assert_eq!(url("file:///"), Verdict::Good);
    }

    #[test]
    fn every_fault_has_its_reason() {
        for (bad, reason) in [
            ("", SCHEME),
            ("example.com", SCHEME),
            ("//example.com/", SCHEME),
            ("/path", SCHEME),
            ("1http://example.com", SCHEME),
            ("ht_tp://example.com", SCHEME),
            ("://example.com", SCHEME),
            (" http://example.com", SCHEME),
            ("http:", REST),
            ("http://", REST),
            ("mailto:", REST),
            ("a://", REST),
            ("http://exämple.com/", ASCII),
            ("http://example.com/a b", CHARACTERS),
            ("http://example.com/\n", CHARACTERS),
            ("http://example.com/\u{7f}", CHARACTERS),
            ("http://example.com/<a>", CHARACTERS),
            ("http://example.com/\"", CHARACTERS),
            ("http://example.com/{a}", CHARACTERS),
            ("http://example.com/a|b", CHARACTERS),
            ("http://example.com\\a", CHARACTERS),
            ("http://example.com/^", CHARACTERS),
            ("http://example.com/`", CHARACTERS),
            ("http://example.com/%", PERCENT),
            ("http://example.com/%4", PERCENT),
            ("http://example.com/%zz", PERCENT),
            ("http://example.com/%%20", PERCENT),
            ("http://example.com/[a]", BRACKETS),
            ("http://example.com/?a[]=1", BRACKETS),
            ("http://example.com/#[a]", BRACKETS),
            ("hxxp://example[.]com/", BRACKETS),
            ("http://example.com/#a#b", FRAGMENT),
            ("http://a@b@c/", AUTHORITY),
            ("http://[a]@c/", AUTHORITY),
            ("http://example.com:80a/", PORT),
            ("http://example.com:80:80/", PORT),
            ("http://[::1]80/", PORT),
            ("http://[::1", LITERAL),
            ("http://[]/", LITERAL),
            ("http://[1.2.3.4]/", LITERAL),
            ("http://[fe80::1%25eth0]/", LITERAL),
            ("http://[v.a]/", LITERAL),
            ("http://[v1.]/", LITERAL),
            ("http://2001:db8::1/", PORT),
        ] {
            assert_eq!(url(bad), Verdict::Bad(reason), "{bad:?}");
        }
    }
}
