//! Words and numbers for confidence (governance §10).

/// The confidence that a text says: a number from 0 to 100, a word, or an Admiralty grade such as `B2`.
/// Nothing if it says that nobody knows.
pub(super) fn confidence(text: &str) -> Result<Option<u8>, String> {
    let text = text.trim();
    if let Ok(number) = text.strip_suffix('%').unwrap_or(text).parse::<f64>() {
        return percent(number).map(Some).ok_or_else(|| format!("{number} is not between 0 and 100"));
    }
    let word = text.to_ascii_lowercase();
    if let Some((_, confidence)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Ok(*confidence);
    }
    credibility(&word).ok_or_else(|| {
        "a confidence is a number from 0 to 100, one of none, low, medium, high, or an Admiralty grade such as B2"
            .to_owned()
    })
}

/// A number between 0 and 100, rounded.
pub(super) fn percent(number: f64) -> Option<u8> {
    // The range is checked, so nothing is lost but the fraction.
    (0.0..=100.0).contains(&number).then(|| number.round() as u8)
}

/// Of a grade the digit counts. The letter is about the source, and says nothing of one value.
fn credibility(grade: &str) -> Option<Option<u8>> {
    match grade.as_bytes() {
        [b'a'..=b'f', digit @ b'1'..=b'6'] => Some(of_credibility(*digit)),
        _ => None,
    }
}

fn of_credibility(digit: u8) -> Option<u8> {
    match digit {
        b'1' => Some(90),
        b'2' => Some(70),
        b'3' => Some(50),
        b'4' => Some(30),
        b'5' => Some(10),
        _ => None,
    }
}

/// What a tag of MISP says of confidence: nothing if it is about something else, and within that nothing if
/// it says that nobody knows.
pub(super) fn of_tag(tag: &str) -> Option<Option<u8>> {
    let (predicate, word) = tag.split_once('=')?;
    let word = word.trim_matches('"').to_ascii_lowercase();
    match predicate.to_ascii_lowercase().as_str() {
        "misp:confidence-level" => {
            TAG_WORDS.iter().find(|(known, _)| *known == word).map(|(_, found)| *found)
        }
        "admiralty-scale:information-credibility" => match word.as_bytes() {
            [digit @ b'1'..=b'6'] => Some(of_credibility(*digit)),
            _ => None,
        },
        "estimative-language:likelihood-probability" => {
            LIKELIHOODS.iter().find(|(known, _)| *known == word).map(|(_, found)| Some(*found))
        }
        "estimative-language:confidence-in-analytic-judgment" => {
            WORDS.iter().find(|(known, _)| *known == word).map(|(_, found)| *found)
        }
        _ => None,
    }
}

const WORDS: [(&str, Option<u8>); 8] = [
    ("none", Some(0)),
    ("low", Some(15)),
    ("med", Some(50)),
    ("medium", Some(50)),
    ("moderate", Some(50)),
    ("high", Some(85)),
    ("unknown", None),
    ("not specified", None),
];
const TAG_WORDS: [(&str, Option<u8>); 6] = [
    ("completely-confident", Some(100)),
    ("usually-confident", Some(75)),
    ("fairly-confident", Some(50)),
    ("rarely-confident", Some(25)),
    ("unconfident", Some(0)),
    ("confidence-cannot-be-evaluated", None),
];
/// The middles of the ranges that ICD 203 gives; governance §10 has no table of its own for them.
const LIKELIHOODS: [(&str, u8); 7] = [
    ("almost-no-chance", 3),
    ("very-unlikely", 13),
    ("unlikely", 33),
    ("roughly-even-chance", 50),
    ("likely", 68),
    ("very-likely", 88),
    ("almost-certain", 97),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_and_grades_are_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("80", Some(80)),
            (" 79.6 ", Some(80)),
            ("100%", Some(100)),
            ("Low", Some(15)),
            ("medium", Some(50)),
            ("HIGH", Some(85)),
            ("none", Some(0)),
            ("B2", Some(70)),
            ("f1", Some(90)),
            ("A6", None),
            ("unknown", None),
        ] {
            assert_eq!(confidence(text), Ok(expected), "{text}");
        }
        for wrong in ["101", "-1", "NaN", "inf", "G1", "B7", "B", "sure", ""] {
            assert!(confidence(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_are_read() {
        for (tag, expected) in [
            ("misp:confidence-level=\"usually-confident\"", Some(Some(75))),
            ("misp:confidence-level=\"confidence-cannot-be-evaluated\"", Some(None)),
            ("admiralty-scale:information-credibility=\"2\"", Some(Some(70))),
            ("admiralty-scale:information-credibility=\"6\"", Some(None)),
            ("admiralty-scale:source-reliability=\"b\"", None),
            ("estimative-language:likelihood-probability=\"likely\"", Some(Some(68))),
            ("tlp:amber", None),
            ("misp:confidence-level", None),
        ] {
            assert_eq!(of_tag(tag), expected, "{tag}");
        }
    }
}
