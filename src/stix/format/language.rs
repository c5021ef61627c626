//! Language tags (RFC 5646).

use super::{Fault, Verdict, registry, require};
use std::iter::Peekable;
use std::str::Split;

/// A well-formed language tag whose primary subtag has two or three letters, or `x-` and private use.
///
/// Two-letter languages and regions that no standard knows give advice, as do repeated variants
/// and extensions; longer subtags are not looked up.
pub fn language_tag(text: &str) -> Verdict {
    if IRREGULAR.iter().any(|tag| tag.eq_ignore_ascii_case(text)) {
        return Verdict::Good;
    }
    match read(text) {
        Err(fault) => Verdict::Bad(fault.expected),
        Ok(None) => Verdict::Good,
        Ok(Some(advice)) => Verdict::Advice(advice),
    }
}

/// Walks through the tag in the order of RFC 5646 §2.1; returns advice.
fn read(text: &str) -> Result<Option<&'static str>, Fault> {
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    require(text.split('-').all(is_subtag), SUBTAG)?;
    let mut subtags = text.split('-').peekable();
    let primary = subtags.next().unwrap_or("");
    if primary.eq_ignore_ascii_case("x") {
        return require(subtags.next().is_some(), PRIVATE).map(|()| None);
    }
    require(matches!(primary.len(), 2 | 3) && is_letters(primary), PRIMARY)?;
    for _ in 0..3 {
        subtags.next_if(|part| part.len() == 3 && is_letters(part));
    }
    subtags.next_if(|part| part.len() == 4 && is_letters(part));
    let region = subtags.next_if(|part| is_region(part));
    let is_variant_new = read_variants(&mut subtags);
    let is_extension_new = read_extensions(&mut subtags)?;
    let doubts = [
        (!is_known_language(primary), "a language of ISO 639"),
        (region.is_some_and(|region| !is_known_region(region)), "a region of ISO 3166-1"),
        (!is_variant_new, "every variant only once, and few of them"),
        (!is_extension_new, "every extension only once"),
    ];
    Ok(doubts.iter().find(|(is_doubtful, _)| *is_doubtful).map(|(_, advice)| *advice))
}

/// Takes the variants; false if one comes twice or there are more than any language has.
fn read_variants<'a>(subtags: &mut Peekable<Split<'a, char>>) -> bool {
    let mut seen = [""; VARIANTS_MAX];
    let (mut count, mut is_new) = (0, true);
    while let Some(variant) = subtags.next_if(|part| is_variant(part)) {
        is_new &= !seen.iter().any(|earlier| earlier.eq_ignore_ascii_case(variant));
        match seen.get_mut(count) {
            Some(place) => *place = variant,
            None => is_new = false,
        }
        count = (count + 1).min(VARIANTS_MAX);
    }
    is_new
}

/// Takes extensions and private use up to the end; false if a singleton comes twice.
fn read_extensions(subtags: &mut Peekable<Split<'_, char>>) -> Result<bool, Fault> {
    let (mut seen, mut is_new) = (0_u128, true);
    while let Some(singleton) = subtags.next() {
        require(singleton.len() == 1, ORDER)?;
        let letter = singleton.as_bytes()[0].to_ascii_lowercase();
        if letter == b'x' {
            return require(subtags.next().is_some(), PRIVATE).map(|()| is_new);
        }
        require(subtags.next_if(|part| part.len() > 1).is_some(), EXTENSION)?;
        while subtags.next_if(|part| part.len() > 1).is_some() {}
        is_new &= seen & (1 << letter) == 0;
        seen |= 1 << letter;
    }
    Ok(is_new)
}

fn is_letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_region(part: &str) -> bool {
    (part.len() == 2 && is_letters(part))
        || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_variant(part: &str) -> bool {
    part.len() > 4 || (part.len() == 4 && part.starts_with(|first: char| first.is_ascii_digit()))
}

fn is_known_language(primary: &str) -> bool {
    primary.len() == 3 || ISO_639_1.split(' ').any(|known| known.eq_ignore_ascii_case(primary))
}

/// ISO 3166-1 and the private-use codes of RFC 5646 §2.2.4; numbers are not looked up.
fn is_known_region(region: &str) -> bool {
    let [first, second] = region.as_bytes() else { return true };
    let is_private = match (first.to_ascii_uppercase(), second.to_ascii_uppercase()) {
        (b'A', b'A') | (b'Z', b'Z') | (b'X', _) => true,
        (b'Q', second) => second >= b'M',
        _ => false,
    };
    is_private || registry::is_country_in_any_case(region)
}

const VARIANTS_MAX: usize = 8;
const SUBTAG: &str =
    "a language tag like en or pt-BR: ASCII letters and digits in parts of 1 to 8 joined by hyphens";
const PRIMARY: &str = "a language tag that begins with a language of two or three letters, like en";
const PRIVATE: &str = "something after x- in a language tag";
const EXTENSION: &str = "something of two or more characters after the single letter of an extension";
const ORDER: &str = "a language tag in the order language, script, region, variants, extensions, private use";

/// The grandfathered tags that the grammar does not cover (RFC 5646 §2.1); the regular ones need no list.
const IRREGULAR: &[&str] = &[
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

/// ISO 639-1 with its withdrawn codes.
const ISO_639_1: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv \
    dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig \
    ii ik in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt \
    lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt \
    qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to \
    tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_5646_pass() {
        for good in [
            "de",
            "fr",
            "ja",
            "i-enochian",
            "zh-Hant",
            "zh-Hans",
            "sr-Cyrl",
            "sr-Latn",
            "zh-cmn-Hans-CN",
            "cmn-Hans-CN",
            "zh-yue-HK",
            "yue-HK",
            "zh-Hans-CN",
            "sr-Latn-RS",
            "sl-rozaj",
            "sl-rozaj-biske",
            "sl-nedis",
            "de-CH-1901",
            "sl-IT-nedis",
            "hy-Latn-IT-arevela",
            "de-DE",
            "en-US",
            "es-419",
            "de-CH-x-phonebk",
            "az-Arab-x-AZE-derbend",
            "x-whatever",
            "qaa-Qaaa-QM-x-southern",
            "de-Qaaa",
            "sr-Latn-QM",
            "sr-Qaaa-RS",
            "en-US-u-islamcal",
            "zh-CN-a-myext-x-private",
            "en-a-myext-b-another",
        ] {
            assert_eq!(language_tag(good), Verdict::Good, "{good}");
        }
    }

    #[test]
    fn case_does_not_matter_and_grandfathered_tags_pass() {
        for good in [
            "EN-us",
            "ZH-hANT",
            "X-a",
            "en-gb-OED",
            "i-klingon",
            "sgn-BE-FR",
            "art-lojban",
            "cel-gaulish",
            "no-bok",
            "no-nyn",
            "zh-guoyu",
            "zh-hakka",
            "zh-min",
            "zh-min-nan",
            "zh-xiang",
            "en-x-a-b-c",
            "en-UK",
            "x-1-2-3",
        ] {
            assert_eq!(language_tag(good), Verdict::Good, "{good}");
        }
    }

    #[test]
    fn unknown_but_well_formed_tags_give_advice() {
        for odd in
            ["xx", "en-LL", "en-QA-aabbc-AABBC", "de-1901-1901", "en-a-bb-a-cc", "ar-a-aaa-b-bbb-A-ccc"]
        {
            assert!(matches!(language_tag(odd), Verdict::Advice(_)), "{odd}");
        }
        let many: String = (0..9).map(|n| format!("-variant{n}")).collect();
        assert!(matches!(language_tag(&format!("en{many}")), Verdict::Advice(_)));
        assert_eq!(language_tag("en-QA-aabbc-aabbd"), Verdict::Good);
    }

    #[test]
    fn malformed_tags_are_refused() {
        for (bad, reason) in [
            ("", SUBTAG),
            ("-", SUBTAG),
            ("en-", SUBTAG),
            ("-en", SUBTAG),
            ("en--US", SUBTAG),
            ("en_US", SUBTAG),
            ("en US", SUBTAG),
            ("en\n", SUBTAG),
            ("дe", SUBTAG),
            ("en-abcdefghi", SUBTAG),
            ("e", PRIMARY),
            ("i", PRIMARY),
            ("i-unknown", PRIMARY),
            ("e1", PRIMARY),
            ("419", PRIMARY),
            ("engl", PRIMARY),
            ("english", PRIMARY),
            ("a-DE", PRIMARY),
            ("x", PRIVATE),
            ("en-x", PRIVATE),
            ("en-a", EXTENSION),
            ("en-a-b-cc", EXTENSION),
            ("en-a-x-cc", EXTENSION),
            ("de-419-DE", ORDER),
            ("en-US-GB", ORDER),
            ("en-US-Latn", ORDER),
            ("zh-aaa-bbb-ccc-ddd", ORDER),
            ("en-1901-US", ORDER),
            ("en-12", ORDER),
        ] {
            assert_eq!(language_tag(bad), Verdict::Bad(reason), "{bad:?}");
        }
    }
}
