//! Free text in line formats.

/// Text as one line without control characters and marks that turn the direction of writing, at most so
/// many characters.
pub fn one_line(text: &str, max: usize) -> String {
    let is_mark = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let is_end = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let plain: String =
        text.chars().filter(|c| !is_mark(*c)).map(|c| if is_end(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_plain_line() {
        assert_eq!(one_line("a\n b\u{202e}c\0d\u{2028}e  ", 200), "a bc d e");
        assert_eq!(one_line("äöü", 2), "äö");
    }
}
