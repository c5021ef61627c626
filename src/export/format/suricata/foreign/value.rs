//! Values of options.

use regex::bytes::RegexBuilder;

/// A whole number without signs.
pub(super) fn number(text: &str) -> Option<u32> {
    let is_plain = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// The bytes that a content stands for: text, and hex between pipes.
pub(super) fn content(text: &str) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let parts: Vec<&str> = quoted(text)?.split('|').collect();
    for (n, part) in parts.iter().enumerate() {
        if n % 2 == 0 {
            // A backslash makes one of these plain.
            let mut rest = part.chars();
            while let Some(c) = rest.next() {
                let plain = match c {
                    '\\' => rest.next().filter(|c| matches!(c, '\\' | '"' | ';' | ':'))?,
                    '"' | ';' | ':' => return None,
                    _ => c,
                };
                found.push(u8::try_from(plain).ok()?);
            }
        } else {
            let digits: String = part.split(' ').collect();
            let is_paired = part.split(' ').all(|pair| !pair.is_empty() && pair.len() % 2 == 0);
            if !is_paired || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            for at in (0..digits.len()).step_by(2) {
                found.push(u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?);
            }
        }
    }
    (parts.len() % 2 == 1 && (1..=255).contains(&found.len())).then_some(found)
}

/// A regular expression that means the same here and in PCRE, and does not look around or back.
pub(super) fn expression(text: &str) -> Option<()> {
    let inner = quoted(text)?.strip_prefix('/')?;
    let (pattern, flags) = inner.rsplit_once('/')?;
    let is_flag = |(n, c): (usize, char)| "ism".contains(c) && !flags[..n].contains(c);
    let mut escaped = false;
    for c in pattern.chars() {
        if escaped && !"dDwWsSbBnrt\\.+*?()[]{}|^$/-".contains(c) {
            return None;
        }
        if !escaped && matches!(c, '"' | ';' | ':' | '/' | '&' | '~' | '#') {
            return None;
        }
        escaped = c == '\\' && !escaped;
    }
    // `(?` opens what the two languages differ in, `[[` classes within classes, `{,` counts.
    let is_common = !["(?", "(*", "[[", "--", "{,", "[]", "[^]", "\\b{", "++", "*+", "?+", "}+"]
        .iter()
        .any(|sign| pattern.contains(sign));
    let plain = pattern.replace("\\/", "/");
    let reads = || RegexBuilder::new(&plain).unicode(false).size_limit(1 << 20).build().is_ok();
    let fits = !pattern.is_empty() && pattern.len() <= 1000 && is_common && flags.char_indices().all(is_flag);
    (fits && reads()).then_some(())
}

/// `msg`: text in quotes, with a backslash before what means something.
pub(super) fn message(text: &str) -> Option<()> {
    let inner = quoted(text)?;
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next().filter(|c| matches!(c, '\\' | '"' | ';' | ':'))?),
            '"' | ';' => return None,
            _ => {}
        }
    }
    (1..=500).contains(&inner.trim().len()).then_some(())
}

/// `url,host/path` or `cve,year-number` and the like.
pub(super) fn reference(text: &str) -> Option<()> {
    let (system, value) = text.split_once(',')?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/?=&%+:@".contains(&b);
    let fits = matches!(system, "url" | "cve" | "md5")
        && (1..=500).contains(&value.len())
        && value.bytes().all(is_plain);
    fits.then_some(())
}

/// Pairs of words, with commas between.
pub(super) fn metadata(text: &str) -> Option<()> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b"-._/ ".contains(&b);
    let is_pair = |pair: &str| {
        pair.trim().split_once(' ').is_some_and(|(key, value)| !key.is_empty() && !value.trim().is_empty())
            && pair.bytes().all(is_word)
    };
    text.split(',').all(is_pair).then_some(())
}

/// The direction in a `flow`, if there is one.
pub(super) fn flow(text: &str, protocol: &str) -> Option<Option<bool>> {
    let mut is_to_server = None;
    let mut is_established = false;
    for word in text.split(',').map(str::trim) {
        match word {
            "established" if !is_established && protocol != "udp" => is_established = true,
            "to_server" | "from_client" if is_to_server.is_none() => is_to_server = Some(true),
            "to_client" | "from_server" if is_to_server.is_none() => is_to_server = Some(false),
            _ => return None,
        }
    }
    Some(is_to_server)
}

/// The classes that Suricata comes with.
pub(super) const CLASSES: [&str; 16] = [
    "trojan-activity",
    "command-and-control",
    "domain-c2",
    "credential-theft",
    "social-engineering",
    "coin-mining",
    "exploit-kit",
    "targeted-activity",
    "bad-unknown",
    "misc-activity",
    "misc-attack",
    "policy-violation",
    "attempted-admin",
    "attempted-user",
    "attempted-recon",
    "web-application-attack",
];
