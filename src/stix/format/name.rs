//! Names (STIX 2.1 §3.1): object types, properties, dictionary keys, relationship types, terms.

use super::{Fault, Verdict, advise, require};

/// The name of an object type: `[a-z][a-z0-9]*(-[a-z0-9]+)*`, 3 to 250 characters (STIX 2.1 §3.1).
pub fn object_type(text: &str) -> Result<(), Fault> {
    let holds = LENGTH.contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('-').all(|part| !part.is_empty() && part.bytes().all(is_lower_or_digit));
    require(holds, OBJECT_TYPE)
}

/// The name of a property: `[a-z][a-z0-9_]*`, 3 to 250 characters, or `id` (STIX 2.1 §3.1).
///
/// A longer alphabet after `x_` is a relaxed fault: MISP sends `x_misp_Capital`.
pub fn property(text: &str) -> Result<(), Fault> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    if text == "id" || (starts_well && is_property_alphabet(text)) {
        return Ok(());
    }
    let is_relaxed = text.starts_with("x_")
        && LENGTH.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    Err(if is_relaxed { Fault::relaxed(PROPERTY) } else { Fault::new(PROPERTY) })
}

/// The name of a property inside an extension: `[a-z0-9_]`, 3 to 250 characters (STIX 2.1 §7.3).
///
/// Every fault is relaxed.
pub fn extension_property(text: &str) -> Result<(), Fault> {
    if is_property_alphabet(text) { Ok(()) } else { Err(Fault::relaxed(EXTENSION_PROPERTY)) }
}

/// The key of a legacy custom extension: an object type name that ends in `-ext` (STIX 2.1 §11.3).
pub fn legacy_extension(text: &str) -> Verdict {
    if object_type(text).is_err() || !text.ends_with("-ext") {
        return Verdict::Bad(LEGACY_EXTENSION);
    }
    advise(text.starts_with("x-"), "a name that begins with x- and the source's name")
}

/// A dictionary key: `[a-zA-Z0-9_-]`, 1 to 250 characters, better lower case (STIX 2.1 §2.3).
pub fn dictionary_key(text: &str) -> Verdict {
    if !(1..=250).contains(&text.len()) || !text.bytes().all(is_key_byte) {
        return Verdict::Bad(DICTIONARY_KEY);
    }
    advise(!text.bytes().any(|byte| byte.is_ascii_uppercase()), "a key in lower case")
}

/// A `relationship_type`: `[a-z0-9-]+` (STIX 2.1 §5.1).
pub fn relationship_type(text: &str) -> Result<(), Fault> {
    let holds = !text.is_empty() && text.bytes().all(|byte| is_lower_or_digit(byte) || byte == b'-');
    require(holds, "lower-case ASCII letters, digits and hyphens only")
}

/// A term that its open vocabulary does not list: lower case, hyphens, 3 to 250 characters
/// (STIX 2.1 §2.13).
pub fn vocabulary_term(text: &str) -> Verdict {
    match lower_hyphenated(text, VOCABULARY_TERM) {
        Verdict::Good => {
            advise(is_long_enough(text) && text.chars().nth(250).is_none(), "a term of 3 to 250 characters")
        }
        other => other,
    }
}

/// `kill_chain_name` and `phase_name`: lower case with hyphens (STIX 2.1 §2.11).
pub fn kill_chain(text: &str) -> Verdict {
    lower_hyphenated(text, "lower case, with hyphens instead of spaces and underscores")
}

/// `product` of a malware analysis: lower-case words joined by hyphens (STIX 2.1 §4.12).
pub fn product(text: &str) -> Verdict {
    lower_hyphenated(text, "lower-case words joined by hyphens, or `anonymized`")
}

/// True for a byte of a dictionary key.
pub(super) fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn lower_hyphenated(text: &str, advice: &'static str) -> Verdict {
    let is_off = |c: char| c == '_' || c.is_uppercase() || c.is_whitespace();
    advise(!text.is_empty() && !text.contains(is_off), advice)
}

fn is_long_enough(text: &str) -> bool {
    text.chars().nth(2).is_some()
}

fn is_property_alphabet(text: &str) -> bool {
    LENGTH.contains(&text.len()) && text.bytes().all(|byte| is_lower_or_digit(byte) || byte == b'_')
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Characters of most names; they are ASCII, so bytes count the same.
const LENGTH: std::ops::RangeInclusive<usize> = 3..=250;
const OBJECT_TYPE: &str =
    "3 to 250 lower-case ASCII letters and digits in words joined by single hyphens, a letter first";
const PROPERTY: &str = "3 to 250 lower-case ASCII letters, digits and underscores, a letter first";
const EXTENSION_PROPERTY: &str = "3 to 250 lower-case ASCII letters, digits and underscores";
const LEGACY_EXTENSION: &str = "lower-case words joined by hyphens that end in -ext, 3 to 250 characters";
const DICTIONARY_KEY: &str = "1 to 250 ASCII letters, digits, hyphens and underscores";
const VOCABULARY_TERM: &str =
    "a listed term, or one in lower case with hyphens instead of spaces and underscores";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_types_are_lower_case_words_with_single_hyphens() {
        for good in ["url", "attack-pattern", "x-mitre-tactic", "ipv4-addr", "a1-2-3", &"a".repeat(250)] {
            assert_eq!(object_type(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ab",
            "-abc",
            "abc-",
            "a--b",
            "Abc",
            "a_bc",
            "1abc",
            "ab c",
            "ab\n",
            "äbc",
            "---",
            &"a".repeat(251),
        ] {
            assert!(object_type(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn property_names_are_lower_case_with_underscores() {
        for good in ["id", "name", "x_misp_count", "a1_", &"a".repeat(250)] {
            assert_eq!(property(good), Ok(()), "{good}");
        }
        for bad in
            ["", "ab", "Name", "1st", "_abc", "na-me", "na me", "nam\u{e9}", "name\n", &"a".repeat(251)]
        {
            assert_eq!(property(bad), Err(Fault::new(PROPERTY)), "{bad:?}");
        }
    }

    #[test]
    fn only_custom_names_are_relaxed_and_only_for_some_characters() {
        for seen in ["x_misp_Capital", "x_misp_cfr-type-of-incident", "x_a.b"] {
            assert_eq!(property(seen), Err(Fault::relaxed(PROPERTY)), "{seen}");
        }
        for bad in ["x_misp name", "x_é", "X_misp", "Capital", &format!("x_{}", "A".repeat(249))] {
            assert_eq!(property(bad), Err(Fault::new(PROPERTY)), "{bad}");
        }
    }

    #[test]
    fn extension_properties_may_begin_with_a_digit_and_every_fault_is_relaxed() {
        assert_eq!(extension_property("2nd_stage"), Ok(()));
        assert_eq!(extension_property("tlp_2_0"), Ok(()));
        for bad in ["ab", "id", "Rank", "a-b-c", "", &"a".repeat(251)] {
            assert_eq!(extension_property(bad), Err(Fault::relaxed(EXTENSION_PROPERTY)), "{bad}");
        }
    }

    #[test]
    fn legacy_extensions_end_in_ext() {
        assert_eq!(legacy_extension("x-acme-ext"), Verdict::Good);
        assert!(matches!(legacy_extension("acme-ext"), Verdict::Advice(_)));
        for bad in ["x-acme", "ext", "-ext", "X-acme-ext", "x_acme-ext", "x-acme-ext\n"] {
            assert!(matches!(legacy_extension(bad), Verdict::Bad(_)), "{bad}");
        }
    }

    #[test]
    fn dictionary_keys_should_be_lower_case() {
        for good in ["a", "foo_bar-1", "0", &"k".repeat(250)] {
            assert_eq!(dictionary_key(good), Verdict::Good, "{good}");
        }
        assert!(matches!(dictionary_key("Foo"), Verdict::Advice(_)));
        for bad in ["", "a.b", "a b", "ключ", "k\n", &"k".repeat(251)] {
            assert!(matches!(dictionary_key(bad), Verdict::Bad(_)), "{bad:?}");
        }
    }

    #[test]
    fn relationship_types_have_three_kinds_of_characters() {
        for good in ["uses", "related-to", "av-analysis-of", "-", "2"] {
            assert_eq!(relationship_type(good), Ok(()), "{good}");
        }
        for bad in ["", "Uses", "related_to", "related to", "uses\n", "é"] {
            assert!(relationship_type(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn terms_phases_and_products_are_lower_case_with_hyphens() {
        for good in ["command-and-control", "c2-server", "größe", "x86-64"] {
            for check in [vocabulary_term, kill_chain, product] {
                assert_eq!(check(good), Verdict::Good, "{good}");
            }
        }
        for off in ["Command", "command and control", "command_and_control", "a\u{a0}b", "ÄB-cd", ""] {
            for check in [vocabulary_term, kill_chain, product] {
                assert!(matches!(check(off), Verdict::Advice(_)), "{off:?}");
            }
        }
        assert_eq!(kill_chain("c2"), Verdict::Good);
        assert_eq!(product("anonymized"), Verdict::Good);
        assert!(matches!(vocabulary_term("c2"), Verdict::Advice(_)));
        assert_eq!(vocabulary_term(&"é".repeat(250)), Verdict::Good);
        assert!(matches!(vocabulary_term(&"é".repeat(251)), Verdict::Advice(_)));
    }
}
