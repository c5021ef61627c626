//! Content negotiation (TAXII 2.1 §1.6.8, §3.1; RFC 7231 §5.3.2).

/// The media type of every answer.
pub const TAXII: &str = "application/taxii+json;version=2.1";
/// What a collection holds.
pub const STIX: &str = "application/stix+json;version=2.1";

/// Does an `Accept` header allow an answer in TAXII 2.1?
pub fn accepts_taxii(accept: &str) -> bool {
    split(accept, ',').any(|range| {
        let Some(range) = MediaRange::parse(range) else {
            return false;
        };
        let named = match range.name.as_str() {
            "*/*" | "application/*" => true,
            "application/taxii+json" => range.version_is_ours(),
            _ => false,
        };
        named && range.quality > 0.0
    })
}

/// Is this a `Content-Type` that an envelope, or a bundle taken as one, may come with?
pub fn is_publishable(content_type: &str) -> bool {
    MediaRange::parse(content_type).is_some_and(|found| {
        matches!(
            found.name.as_str(),
            "application/taxii+json" | "application/stix+json" | "application/vnd.oasis.stix+json"
        ) && found.version_is_ours()
    })
}

/// Is this a `Content-Type` that a body of our own API may come with?
pub fn is_json(content_type: &str) -> bool {
    let is_json = MediaRange::parse(content_type).is_some_and(|found| found.name == "application/json");
    is_json || is_taxii(content_type)
}

/// Is this the `Content-Type` of a TAXII 2.1 answer?
pub fn is_taxii(content_type: &str) -> bool {
    MediaRange::parse(content_type)
        .is_some_and(|found| found.name == "application/taxii+json" && found.version_is_ours())
}

struct MediaRange {
    name: String,
    version: Option<String>,
    quality: f32,
}

impl MediaRange {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text, ';');
        let name = parts.next()?.trim().to_ascii_lowercase();
        let is_type = name.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        if !is_type {
            return None;
        }
        let mut range = Self { name, version: None, quality: 1.0 };
        for part in parts {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let (key, value) = part.split_once('=')?;
            let value = unquoted(value.trim())?;
            match key.trim().to_ascii_lowercase().as_str() {
                "version" => range.version = Some(value),
                "q" => range.quality = value.parse().ok()?,
                _ => {}
            }
        }
        Some(range)
    }

    fn version_is_ours(&self) -> bool {
        self.version.as_deref().is_none_or(|version| version == "2.1")
    }
}

/// Splits at a separator that is not inside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let here = c == separator && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        here
    })
}

fn unquoted(value: &str) -> Option<String> {
    match value.strip_prefix('"') {
        None => is_token(value).then(|| value.to_owned()),
        Some(rest) => Some(rest.strip_suffix('"')?.replace("\\", "")),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_cover_taxii_are_accepted() {
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json; version=2.1",
            "Application/TAXII+JSON ; Version=\"2.1\"",
            "application/taxii+json",
            "application/json, text/plain, */*",
            "application/*;q=0.1",
            "application/taxii+json;version=2.1, application/stix+json;version=2.1",
            "text/html;x=\"a,b;c\", application/taxii+json",
            "application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5",
        ] {
            assert!(accepts_taxii(good), "{good}");
        }
    }

    #[test]
    fn ranges_that_do_not_are_refused() {
        for bad in [
            "",
            "application/json",
            "text/html",
            "application/taxii+json;version=2.0",
            "application/taxii+json;q=0",
            "application/taxii+json;version",
            "application/taxii+json;q=x",
            "application",
            "application/stix+json;version=2.1",
            "x\"application/taxii+json",
        ] {
            assert!(!accepts_taxii(bad), "{bad}");
        }
    }

    #[test]
    fn an_envelope_comes_as_taxii_or_stix() {
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json",
            "application/stix+json; version=2.1; charset=utf-8",
        ] {
            assert!(is_publishable(good), "{good}");
        }
        for bad in ["application/json", "application/taxii+json;version=2.0", "text/plain", "", "*/*"] {
            assert!(!is_publishable(bad), "{bad}");
        }
    }
}
