//! The dictionary `hashes` (STIX 2.1 §2.7): names of algorithms and their values.

use super::{Verdict, name};

/// A key of `hashes`: a name of the vocabulary; other names are accepted with advice.
pub fn algorithm(key: &str) -> Verdict {
    if !(3..=250).contains(&key.len()) || !key.bytes().all(name::is_key_byte) {
        return Verdict::Bad("3 to 250 ASCII letters, digits, hyphens and underscores");
    }
    if ALGORITHMS.iter().any(|(name, ..)| *name == key) {
        return Verdict::Good;
    }
    Verdict::Advice(match meant(key) {
        Some(advice) => advice,
        None if key.starts_with("x_") => "a hash algorithm that STIX lists",
        None => "a hash algorithm that STIX lists, or a name that begins with x_",
    })
}

/// The value of a hash: the right number of hex digits in either case, or the algorithm's own form.
///
/// Values of algorithms that STIX does not list are not looked at.
pub fn value(algorithm: &str, text: &str) -> Verdict {
    let is_hex = |digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (holds, expected) = match algorithm {
        "MD5" => (is_hex(32), "32 hex digits"),
        "SHA-1" => (is_hex(40), "40 hex digits"),
        "SHA-256" | "SHA3-256" => (is_hex(64), "64 hex digits"),
        "SHA-512" | "SHA3-512" => (is_hex(128), "128 hex digits"),
        "TLSH" => (is_tlsh(text), "70 hex digits, perhaps with T1 before them"),
        "SSDEEP" => return ssdeep(text),
        _ => return Verdict::Good,
    };
    if holds { Verdict::Good } else { Verdict::Bad(expected) }
}

/// `<block size>:<chunk>:<chunk>`; the tool itself writes at most 148 characters.
fn ssdeep(text: &str) -> Verdict {
    let mut parts = text.split(':');
    let is_size =
        parts.next().is_some_and(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()));
    let is_chunk =
        |chunk: &str| chunk.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if !is_size
        || !parts.next().is_some_and(is_chunk)
        || !parts.next().is_some_and(is_chunk)
        || parts.next().is_some()
    {
        return Verdict::Bad("a block size and two chunks joined by colons, like 96:s4Ud1Lj:s4I");
    }
    super::advise(text.len() <= SSDEEP_MAX, "an SSDEEP hash of at most 150 characters")
}

fn is_tlsh(text: &str) -> bool {
    let digits = text.strip_prefix("T1").unwrap_or(text);
    digits.len() == 70 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The advice for a misspelt name: case and separators do not count.
fn meant(key: &str) -> Option<&'static str> {
    let signs = || key.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    ALGORITHMS.iter().find(|(_, plain, _)| signs().eq(plain.bytes())).map(|(.., advice)| *advice)
}

const SSDEEP_MAX: usize = 150;

/// Name, the name without separators in lower case, what to say to who writes it otherwise.
const ALGORITHMS: &[(&str, &str, &str)] = &[
    ("MD5", "md5", "the spelling MD5"),
    ("SHA-1", "sha1", "the spelling SHA-1"),
    ("SHA-256", "sha256", "the spelling SHA-256"),
    ("SHA-512", "sha512", "the spelling SHA-512"),
    ("SHA3-256", "sha3256", "the spelling SHA3-256"),
    ("SHA3-512", "sha3512", "the spelling SHA3-512"),
    ("SSDEEP", "ssdeep", "the spelling SSDEEP"),
    ("TLSH", "tlsh", "the spelling TLSH"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_algorithms_are_good_and_others_get_advice() {
        for good in ["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"] {
            assert_eq!(algorithm(good), Verdict::Good, "{good}");
        }
        for (misspelt, right) in [
            ("md5", "MD5"),
            ("SHA1", "SHA-1"),
            ("sha-1", "SHA-1"),
            ("SHA256", "SHA-256"),
            ("sha256", "SHA-256"),
            ("SHA_512", "SHA-512"),
            ("SHA3256", "SHA3-256"),
            ("sha3-512", "SHA3-512"),
            ("ssdeep", "SSDEEP"),
            ("Tlsh", "TLSH"),
        ] {
            let Verdict::Advice(advice) = algorithm(misspelt) else { panic!("{misspelt}") };
            assert!(advice.ends_with(&format!(" {right}")), "{misspelt}: {advice}");
        }
        assert_eq!(algorithm("x_foo"), Verdict::Advice("a hash algorithm that STIX lists"));
        assert!(matches!(algorithm("SHA-384"), Verdict::Advice(advice) if advice.contains("x_")));
        for bad in ["", "ab", "SHA 256", "sha512/256", "хэш", &"a".repeat(251)] {
            assert!(matches!(algorithm(bad), Verdict::Bad(_)), "{bad}");
        }
    }

    #[test]
    fn hex_hashes_have_their_length_in_either_case() {
        for (name, digits) in [
            ("MD5", 32),
            ("SHA-1", 40),
            ("SHA-256", 64),
            ("SHA3-256", 64),
            ("SHA-512", 128),
            ("SHA3-512", 128),
        ] {
            assert_eq!(value(name, &"aF".repeat(digits / 2)), Verdict::Good, "{name}");
            for bad in [
                "",
                &"a".repeat(digits - 1),
                &"a".repeat(digits + 1),
                &"g".repeat(digits),
                &"é".repeat(digits / 2),
            ] {
                assert!(matches!(value(name, bad), Verdict::Bad(_)), "{name} {bad}");
            }
        }
        assert_eq!(value("x_foo", "anything"), Verdict::Good);
    }

    #[test]
    fn fuzzy_hashes_have_their_own_forms() {
        for good in ["96:abc:def", "3::", "1536:yB+A8bMtMeRlbIzvDqZL4QzNxVDm+5gt+M2hDDDvNZ3YZ7sU:N8/8"] {
            assert_eq!(value("SSDEEP", good), Verdict::Good, "{good}");
        }
        for bad in
            ["", "::", "96:abc", "96:a:b:c", "x:a:b", "96:a b:c", "96:a:b,\"f.exe\"", "96:é:b", "96:a:b\n"]
        {
            assert!(matches!(value("SSDEEP", bad), Verdict::Bad(_)), "{bad:?}");
        }
        assert!(matches!(value("SSDEEP", &format!("96:{}:b", "a".repeat(146))), Verdict::Advice(_)));
        assert_eq!(value("SSDEEP", &format!("96:{}:b", "a".repeat(145))), Verdict::Good);
        let tlsh = "6FF02BEF718027B0160B4391212923ED7F1A463D563B1549B86CF62973B197AD2731F8";
        assert_eq!(value("TLSH", tlsh), Verdict::Good);
        assert_eq!(value("TLSH", &format!("T1{tlsh}")), Verdict::Good);
        for bad in ["", "T1", &tlsh[1..], &format!("T2{tlsh}"), &format!("t1{tlsh}"), &format!("{tlsh}00")] {
            assert!(matches!(value("TLSH", bad), Verdict::Bad(_)), "{bad}");
        }
    }
}
