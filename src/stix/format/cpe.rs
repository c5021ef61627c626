//! CPE 2.3 formatted strings (NISTIR 7695 §6.2; STIX 2.1 §6.14).

use super::{Fault, Verdict, require};

/// `cpe:2.3:` and eleven components, each a value, `*` for any or `-` for not applicable.
///
/// A backslash before `-`, `.` or `_` is needless and gives advice.
pub fn cpe23(text: &str) -> Verdict {
    match check(text) {
        Err(fault) => Verdict::Bad(fault.expected),
        Ok(is_needless) => super::advise(!is_needless, "no backslash before hyphen, dot and underscore"),
    }
}

/// True if there is a needless escape.
fn check(text: &str) -> Result<bool, Fault> {
    let mut rest = text.strip_prefix("cpe:2.3:").ok_or(Fault::new(PREFIX))?;
    let mut is_needless = false;
    for index in 0..COMPONENTS {
        let end = component_end(rest);
        let component = &rest[..end];
        match index {
            PART => require(matches!(component, "a" | "o" | "h" | "*" | "-"), KIND)?,
            LANGUAGE => require(is_logical(component) || is_language(component), LANG)?,
            _ => is_needless |= !is_logical(component) && check_value(component)?,
        }
        let is_last = index + 1 == COMPONENTS;
        require((end == rest.len()) == is_last, COUNT)?;
        rest = rest.get(end + 1..).unwrap_or("");
    }
    Ok(is_needless)
}

/// Where the component at the front ends: at the next colon that has no backslash before it.
fn component_end(rest: &str) -> usize {
    let mut is_escaped = false;
    let found = rest.bytes().position(|byte| {
        let is_end = byte == b':' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    found.unwrap_or(rest.len())
}

fn is_logical(component: &str) -> bool {
    matches!(component, "*" | "-")
}

/// Wildcards at the ends only: one `*` or a run of `?`; between them at least one character.
fn check_value(component: &str) -> Result<bool, Fault> {
    let front = component.strip_prefix('*').unwrap_or_else(|| component.trim_start_matches('?'));
    check_body(trim_end_wildcard(front))
}

/// Cuts a `*` or a run of `?` off the end unless a backslash makes its first sign a plain character.
fn trim_end_wildcard(text: &str) -> &str {
    let cut = text.strip_suffix('*').unwrap_or_else(|| text.trim_end_matches('?'));
    let backslashes = cut.bytes().rev().take_while(|byte| *byte == b'\\').count();
    // After an odd number of backslashes the first wildcard belongs to the value.
    if cut.len() == text.len() || backslashes % 2 == 0 { cut } else { &text[..cut.len() + 1] }
}

/// Letters, digits, `-._` and escaped punctuation; true if an escape is needless.
fn check_body(body: &str) -> Result<bool, Fault> {
    require(!body.is_empty(), VALUE)?;
    let mut is_needless = false;
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            require(byte.is_ascii_alphanumeric() || b"-._".contains(&byte), VALUE)?;
            continue;
        }
        let escaped = bytes.next().filter(u8::is_ascii_punctuation).ok_or(Fault::new(VALUE))?;
        is_needless |= b"-._".contains(&escaped);
    }
    Ok(is_needless)
}

/// Two or three letters, and perhaps a region of two letters or three digits.
fn is_language(component: &str) -> bool {
    let (language, region) = match component.split_once('-') {
        Some((language, region)) => (language, Some(region)),
        None => (component, None),
    };
    let is_letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_region = |text: &str| match text.len() {
        2 => is_letters(text),
        3 => text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    matches!(language.len(), 2 | 3) && is_letters(language) && region.is_none_or(is_region)
}

const COMPONENTS: usize = 11;
const PART: usize = 0;
const LANGUAGE: usize = 6;
const PREFIX: &str = "a CPE 2.3 name that begins with cpe:2.3: (not the older cpe:/)";
const COUNT: &str = "a CPE 2.3 name of eleven components after cpe:2.3: \
    (part, vendor, product, version, update, edition, language, sw_edition, target_sw, target_hw, other)";
const KIND: &str = "a, o, h, * or - as the first component of a CPE name";
const LANG: &str = "a language like en or en-US, * or - as the seventh component of a CPE name";
const VALUE: &str = "components of a CPE name with letters, digits, - . _, \
    a backslash before other signs, and * or ? only at the ends";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_nistir_7695_pass() {
        for good in [
            "cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*",
            "cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*",
            r"cpe:2.3:a:hp:insight_diagnostics:7.4.0.1570:-:*:*:online:win2003:x64:*",
            r"cpe:2.3:a:hp:openview_network_manager:7.51:*:*:*:*:linux:*:*",
            r"cpe:2.3:a:foo\\bar:big\$money_2010:*:*:*:*:special:ipod_touch:80gb:*",
        ] {
            assert_eq!(cpe23(good), Verdict::Good, "{good}");
        }
    }

    #[test]
    fn values_escapes_and_wildcards_pass() {
        for good in [
            "a", "-x", "x-", "1.0", r"a\:b", r"\*", r"\?", r"a\\", r"*a*", "??a??", r"*\*", r"\\*", r"a\**",
            r"\~a\!",
        ] {
            let text = format!("cpe:2.3:o:{good}:{good}:*:-:*:en-us:*:*:*:{good}");
            assert_eq!(cpe23(&text), Verdict::Good, "{text}");
        }
        for language in ["en", "eng", "en-US", "es-419", "*", "-"] {
            assert_eq!(cpe23(&format!("cpe:2.3:h:v:p:1:*:*:{language}:*:*:*:*")), Verdict::Good);
        }
        assert!(matches!(cpe23(r"cpe:2.3:a:v:p:1\.0:*:*:*:*:*:*:*"), Verdict::Advice(_)));
    }

    #[test]
    fn values_outside_the_grammar_are_refused() {
        for bad in [
            "", "a b", "a!", "a*b", "a?b", "**", "?", "***", "*a**", "?*a", "é", r"a\", r"\é", r"\a", "a\n",
            "a/b", "+",
        ] {
            let text = format!("cpe:2.3:a:v:{bad}:1:*:*:*:*:*:*:*");
            assert!(matches!(cpe23(&text), Verdict::Bad(_)), "{text:?}");
        }
    }

    #[test]
    fn the_frame_is_checked() {
        for (bad, reason) in [
            ("", PREFIX),
            ("cpe:/a:microsoft:ie:8", PREFIX),
            ("CPE:2.3:a:v:p:1:*:*:*:*:*:*:*", PREFIX),
            ("cpe:2.3:x:v:p:1:*:*:*:*:*:*:*", KIND),
            ("cpe:2.3:A:v:p:1:*:*:*:*:*:*:*", KIND),
            ("cpe:2.3:", KIND),
            ("cpe:2.3:a", COUNT),
            ("cpe:2.3:a:v:p:1:*:*:*:*:*:*", COUNT),
            ("cpe:2.3:a:v:p:1:*:*:*:*:*:*:*:*", COUNT),
            ("cpe:2.3:a:v:p:1:*:*:*:*:*:*:*:", COUNT),
            ("cpe:2.3:a:v:p:1:*:*:*:*:*:*:", VALUE),
            ("cpe:2.3:a:v:p:1:*:*:e:*:*:*:*", LANG),
            ("cpe:2.3:a:v:p:1:*:*:en-:*:*:*:*", LANG),
            ("cpe:2.3:a:v:p:1:*:*:en-usa:*:*:*:*", LANG),
            ("cpe:2.3:a:v:p:1:*:*:*:*:*:*:*\n", VALUE),
        ] {
            assert_eq!(cpe23(bad), Verdict::Bad(reason), "{bad:?}");
        }
    }
}
