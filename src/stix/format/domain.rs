//! Domain names with IDNA labels (STIX 2.1 §6.4, RFC 1034, RFC 5890).

use super::{Fault, Verdict, require};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// A domain name: labels of letters, digits, hyphens and underscores, U-labels and A-labels.
///
/// One dot at the end is accepted with advice.
pub fn domain_name(text: &str) -> Verdict {
    let name = text.strip_suffix('.').unwrap_or(text);
    if let Err(fault) = check(name) {
        return Verdict::Bad(fault.expected);
    }
    super::advise(name.len() == text.len(), "a name without the dot at the end")
}

fn check(name: &str) -> Result<(), Fault> {
    let mut is_international = false;
    // A label in Unicode has no more characters than its A-label, so this bounds both forms.
    require(name.chars().nth(NAME_BYTES_MAX).is_none(), LENGTH)?;
    for label in name.split('.') {
        require(!label.is_empty(), EMPTY)?;
        require(label.bytes().all(is_label_byte), CHARACTERS)?;
        require(!label.starts_with('-') && !label.ends_with('-'), HYPHENS)?;
        match label.is_ascii() {
            true => require(label.len() <= LABEL_BYTES_MAX, LENGTH)?,
            // RFC 5891 §4.2.3.1; ASCII labels like r3---sn are in use.
            false => require(!label.chars().skip(2).take(2).eq("--".chars()), HYPHENS)?,
        }
        is_international |= !label.is_ascii() || is_marked(label);
    }
    if is_international { check_idna(name) } else { Ok(()) }
}

/// Every A-label decodes, every U-label is in its lower-case normal form, and lengths hold encoded.
fn check_idna(name: &str) -> Result<(), Fault> {
    let idna = Uts46::new();
    let (deny, hyphens) = (AsciiDenyList::EMPTY, Hyphens::CheckFirstLast);
    let encoded =
        idna.to_ascii(name.as_bytes(), deny, hyphens, DnsLength::Ignore).map_err(|_| Fault::new(IDNA))?;
    let is_short =
        encoded.len() <= NAME_BYTES_MAX && encoded.split('.').all(|label| label.len() <= LABEL_BYTES_MAX);
    require(is_short, LENGTH)?;
    let (decoded, _) = idna.to_unicode(name.as_bytes(), deny, hyphens);
    let mut labels = decoded.split('.');
    let is_kept =
        name.split('.').all(|label| labels.next().is_some_and(|read| label.is_ascii() || label == read));
    require(is_kept && labels.next().is_none(), NORMAL)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii()
}

/// True for a label that begins `xn--`, in any case.
fn is_marked(label: &str) -> bool {
    label.as_bytes().first_chunk::<4>().is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"))
}

const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
const EMPTY: &str = "a domain name like www.example.com, without an empty label";
const CHARACTERS: &str = "a domain name of letters, digits, hyphens and underscores, like www.example.com";
const HYPHENS: &str = "a domain name whose labels neither begin nor end with a hyphen \
    (international ones have no `--` after two characters)";
const LENGTH: &str =
    "a domain name of at most 253 characters with labels of at most 63 (counted in ASCII form)";
const IDNA: &str = "international labels that IDNA allows (an xn-- label must decode)";
const NORMAL: &str = "international labels in lower case and normal form (NFC), with plain dots between them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_ascii_labels_pass() {
        let longest = [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), "d".repeat(61).as_str()].join(".");
        for good in [
            "example.com",
            "EXAMPLE.com",
            "localhost",
            "a.b.c.d",
            "_dmarc.example.com",
            "r3---sn-abc.example.net",
            "3com.com",
            "a-b.example",
            &longest,
        ] {
            assert_eq!(domain_name(good), Verdict::Good, "{good}");
        }
        assert!(matches!(domain_name("example.com."), Verdict::Advice(_)));
        assert!(matches!(domain_name(&format!("{longest}.")), Verdict::Advice(_)));
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        let too_long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62)].join(".");
        for bad in [
            "",
            ".",
            "..",
            "example..com",
            ".example.com",
            "example.com..",
            "-a.com",
            "a-.com",
            "a b.com",
            "*.example.com",
            "example.com/x",
            "http://example.com",
            "example.com:80",
            "user@example.com",
            "example[.]com",
            "example.com\n",
            "exa\u{0}mple.com",
            &format!("{}.com", "a".repeat(64)),
            &too_long,
        ] {
            assert!(matches!(domain_name(bad), Verdict::Bad(_)), "{bad:?}");
        }
    }

    #[test]
    fn international_labels_pass_in_both_forms() {
        for good in [
            "münchen.example",
            "xn--mnchen-3ya.example",
            "XN--MNCHEN-3YA.example",
            "例え.テスト",
            "xn--r8jz45g.xn--zckzah",
            "пример.xn--e1afmkfd",
            "straße.example",
            "_dmarc.münchen.example",
            "a--b.münchen.example",
            "العربية.example",
        ] {
            assert_eq!(domain_name(good), Verdict::Good, "{good}");
        }
        assert!(matches!(domain_name("münchen.example."), Verdict::Advice(_)));
    }

    #[test]
    fn what_idna_forbids_is_refused() {
        for bad in [
            "xn--.example",
            "xn--a-.example",
            "xn--abc-.example",
            "xn--zz9999999999.example",
            "xn--mnchen-3y\u{e4}.example",
            "MÜNCHEN.example",
            "mu\u{308}nchen.example",
            "münchen。example",
            "ｅxample.com",
            "a\u{200b}b.example",
            "\u{301}a.example",
            "a\u{ad}b.example",
            "ü-.example",
            "aü--b.example",
            &format!("{}.example", "ü".repeat(64)),
            &"ü.".repeat(200),
        ] {
            assert!(matches!(domain_name(bad), Verdict::Bad(_)), "{bad:?}");
        }
    }
}
