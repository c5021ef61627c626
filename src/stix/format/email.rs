//! Addresses of electronic mail (STIX 2.1 §6.5, RFC 5322 §3.4.1, RFC 6532).

use super::{Fault, require};

/// An `addr-spec` without a display name: a local part, one `@`, a domain.
///
/// Quoted local parts and domain literals are taken, obsolete forms with blanks and comments are not.
pub fn email_address(text: &str) -> Result<(), Fault> {
    require(!text.contains(is_blank_or_bracket), CHARACTERS)?;
    let (local, domain) = text.split_once('@').ok_or(Fault::new(FORM))?;
    require(!domain.contains('@') && !local.is_empty() && !domain.is_empty(), FORM)?;
    require(is_dot_atom(local) || is_quoted(local), LOCAL)?;
    require(is_dot_atom(domain) || is_literal(domain), DOMAIN)
}

fn is_blank_or_bracket(c: char) -> bool {
    matches!(c, '<' | '>') || c.is_whitespace() || c.is_control()
}

/// Atoms joined by single dots.
fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

/// `atext` of RFC 5322 §3.2.3; RFC 6532 §3.2 adds everything that is not ASCII.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte) || !byte.is_ascii()
}

/// A quoted string; a backslash takes the next character as it is.
fn is_quoted(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner.filter(|_| text.len() > 1) else { return false };
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        let is_broken = match byte {
            b'"' => true,
            b'\\' => bytes.next().is_none(),
            _ => false,
        };
        if is_broken {
            return false;
        }
    }
    true
}

/// `[...]` without further brackets and backslashes.
fn is_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(['[', ']', '\\']))
}

const FORM: &str = "an address like user@example.com: a local part, one @, a domain";
const CHARACTERS: &str =
    "an address alone, like user@example.com: no blanks, no angle brackets, no display name";
const LOCAL: &str = "a local part of words joined by single dots, other signs only in double quotes";
const DOMAIN: &str = "a domain of words joined by single dots, or an address literal in brackets";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_pass() {
        for good in [
            "john@example.com",
            "john.doe+tag@example.com",
            "!#$%&'*+-/=?^_`{|}~@example.org",
            "a@b",
            "\"john..doe\"@example.com",
            "\"a\\\"b\\\\\"@example.com",
            "\"\"@example.com",
            "jsmith@[192.168.2.1]",
            "jsmith@[IPv6:2001:db8::1]",
            "用户@例子.广告",
            "x@exa_mple.com",
        ] {
            assert_eq!(email_address(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_an_addr_spec_is_refused() {
        for (bad, reason) in [
            ("", FORM),
            ("john", FORM),
            ("@example.com", FORM),
            ("john@", FORM),
            ("@", FORM),
            ("a@b@c", FORM),
            ("\"a@b\"@c", FORM),
            ("John <john@example.com>", CHARACTERS),
            ("<john@example.com>", CHARACTERS),
            ("john doe@example.com", CHARACTERS),
            ("\"john doe\"@example.com", CHARACTERS),
            ("john@example.com\n", CHARACTERS),
            ("john\u{a0}@example.com", CHARACTERS),
            ("john\u{0}@example.com", CHARACTERS),
            ("john..doe@example.com", LOCAL),
            (".john@example.com", LOCAL),
            ("john.@example.com", LOCAL),
            ("john,doe@example.com", LOCAL),
            ("john(work)@example.com", LOCAL),
            ("\"@example.com", LOCAL),
            ("\"a\"b\"@example.com", LOCAL),
            ("\"a\\\"@example.com", LOCAL),
            ("john@example..com", DOMAIN),
            ("john@example.com.", DOMAIN),
            ("john@.example.com", DOMAIN),
            ("john@example[.]com", DOMAIN),
            ("john@[1.2.3.4", DOMAIN),
            ("john@[]", DOMAIN),
            ("john@[a[b]", DOMAIN),
            ("mailto:john@example.com", LOCAL),
        ] {
            assert_eq!(email_address(bad), Err(Fault::new(reason)), "{bad:?}");
        }
    }
}
