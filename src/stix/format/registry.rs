//! Names that IANA, ISO and others keep lists of; the lists are `schemas/registries/`.

use super::Verdict;
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The name of a character set: IANA's preferred MIME name, or its name, in any case (`*_enc`).
pub fn charset(text: &str) -> Verdict {
    match CHARSETS.find(text) {
        Some(_) => Verdict::Good,
        None => Verdict::Bad(
            "a character set of the IANA registry, by its preferred name, like UTF-8 or windows-1252",
        ),
    }
}

/// A media type of the IANA registry in any case, without parameters (RFC 6838 §4.2).
pub fn media_type(text: &str) -> Verdict {
    let is_form =
        text.split_once('/').is_some_and(|(top, sub)| is_restricted_name(top) && is_restricted_name(sub));
    if !is_form {
        return Verdict::Advice("a media type like application/pdf, without parameters");
    }
    super::advise(MEDIA_TYPES.find(text).is_some(), "a media type of the IANA registry")
}

/// A protocol of network traffic: an IANA service name in lower case (STIX 2.1 §6.12).
pub fn protocol(text: &str) -> Verdict {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Verdict::Advice("the protocol in lower case");
    }
    super::advise(SERVICES.find(text).is_some(), "a service name of the IANA registry")
}

/// The name of an IPFIX element in its own case.
pub fn ipfix_element(text: &str) -> Verdict {
    IPFIX.exactly(text, "an IPFIX element of the IANA registry")
}

/// An ISO 3166-1 alpha-2 code in upper case; withdrawn and reserved codes pass.
pub fn country(text: &str) -> Verdict {
    COUNTRIES.exactly(text, "an ISO 3166-1 code of two letters")
}

/// The name of an HTTP header field of the IANA registry, in any case.
pub fn http_header(text: &str) -> Verdict {
    super::advise(HTTP_HEADERS.find(text).is_some(), "a header field of the IANA registry")
}

/// The name of a socket option, such as `SO_KEEPALIVE` or `TCP_NODELAY`.
pub fn socket_option(text: &str) -> Verdict {
    SOCKET_OPTIONS.exactly(text, "the name of a socket option, like SO_KEEPALIVE")
}

/// A key of a PDF's document information dictionary without its slash, such as `Title`.
pub fn pdf_info_key(text: &str) -> Verdict {
    PDF_INFO.exactly(text, "a key of the PDF document information dictionary, like Title")
}

/// True for the region of a language tag, whose case does not matter.
pub(super) fn is_country_in_any_case(text: &str) -> bool {
    COUNTRIES.find(text).is_some()
}

/// `restricted-name` of RFC 6838 §4.2.
fn is_restricted_name(text: &str) -> bool {
    (1..=127).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

/// The lines of a registry file after its first, sorted without regard to ASCII case.
struct Registry(LazyLock<Vec<&'static str>>);

impl Registry {
    const fn new(lines: fn() -> Vec<&'static str>) -> Self {
        Self(LazyLock::new(lines))
    }

    /// The entry as the registry spells it.
    fn find(&self, name: &str) -> Option<&'static str> {
        let at = self.0.binary_search_by(|entry| compare(entry, name)).ok()?;
        self.0.get(at).copied()
    }

    /// Good for an entry in its own case.
    fn exactly(&self, name: &str, advice: &'static str) -> Verdict {
        match self.find(name) {
            Some(entry) if entry == name => Verdict::Good,
            Some(_) => Verdict::Advice("the upper and lower case that the registry uses"),
            None => Verdict::Advice(advice),
        }
    }
}

fn compare(entry: &str, name: &str) -> Ordering {
    let entry = entry.bytes().map(|byte| byte.to_ascii_lowercase());
    entry.cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn entries(text: &'static str) -> Vec<&'static str> {
    text.lines().skip(1).collect()
}

static CHARSETS: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/charsets.txt")));
static MEDIA_TYPES: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/media-types.txt")));
static SERVICES: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/services.txt")));
static IPFIX: Registry = Registry::new(|| entries(include_str!("../../../schemas/registries/ipfix.txt")));
static COUNTRIES: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/countries.txt")));
static HTTP_HEADERS: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/http-headers.txt")));
static SOCKET_OPTIONS: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/socket-options.txt")));
static PDF_INFO: Registry =
    Registry::new(|| entries(include_str!("../../../schemas/registries/pdf-info.txt")));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_is_sorted_without_repeats() {
        for registry in [
            &CHARSETS,
            &MEDIA_TYPES,
            &SERVICES,
            &IPFIX,
            &COUNTRIES,
            &HTTP_HEADERS,
            &SOCKET_OPTIONS,
            &PDF_INFO,
        ] {
            assert!(registry.0.len() > 8);
            for pair in registry.0.windows(2) {
                assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            }
            for entry in registry.0.iter() {
                assert!(!entry.is_empty() && entry.bytes().all(|byte| byte.is_ascii_graphic()), "{entry:?}");
                assert_eq!(registry.find(entry), Some(*entry));
            }
        }
    }

    #[test]
    fn charsets_go_by_their_preferred_name_in_any_case() {
        for good in ["UTF-8", "utf-8", "windows-1252", "Shift_JIS", "ISO-8859-1", "US-ASCII", "Big5"] {
            assert_eq!(charset(good), Verdict::Good, "{good}");
        }
        for bad in ["", "utf8", "latin1", "cp1252", "ISO_8859-1:1987", "UTF-8 ", "#", "é"] {
            assert!(matches!(charset(bad), Verdict::Bad(_)), "{bad}");
        }
    }

    #[test]
    fn media_types_are_looked_up_once_their_form_is_right() {
        for good in ["application/pdf", "text/plain", "IMAGE/PNG", "application/stix+json", "message/rfc822"]
        {
            assert_eq!(media_type(good), Verdict::Good, "{good}");
        }
        for odd in
            ["application/x-msdownload", "", "pdf", "/", "a/", "text/plain; charset=utf-8", "a/b/c", "é/b"]
        {
            assert!(matches!(media_type(odd), Verdict::Advice(_)), "{odd}");
        }
        assert_ne!(media_type("application/x-msdownload"), media_type("pdf"));
    }

    #[test]
    fn protocols_are_service_names_in_lower_case() {
        for good in ["ipv4", "ipv6", "tcp", "udp", "http", "https", "dns", "smtp", "icmp", "ssh", "3com-nsd"]
        {
            assert_eq!(protocol(good), Verdict::Good, "{good}");
        }
        for odd in ["TCP", "Http", "", "no-such-protocol", "http\n", "é"] {
            assert!(matches!(protocol(odd), Verdict::Advice(_)), "{odd}");
        }
    }

    #[test]
    fn names_with_a_case_of_their_own_are_matched_exactly() {
        for (check, good, odd) in [
            (ipfix_element as fn(&str) -> Verdict, "octetDeltaCount", ["octetdeltacount", "Reserved", ""]),
            (country, "DE", ["de", "Germany", "XX"]),
            (socket_option, "SO_KEEPALIVE", ["so_keepalive", "SO_FOO", "KEEPALIVE"]),
            (socket_option, "ICMP6_FILTER", ["icmp6_filter", "ICMP", ""]),
            (pdf_info_key, "Title", ["title", "/Title", ""]),
        ] {
            assert_eq!(check(good), Verdict::Good, "{good}");
            for name in odd {
                assert!(matches!(check(name), Verdict::Advice(_)), "{name}");
            }
        }
        assert_ne!(country("de"), country("Germany"));
    }

    #[test]
    fn header_fields_match_in_any_case() {
        for good in ["User-Agent", "user-agent", "HOST", "Accept-Encoding", "Cookie", "DNT", "Connection"] {
            assert_eq!(http_header(good), Verdict::Good, "{good}");
        }
        for odd in ["X-Custom", "", "User Agent", "User-Agent:"] {
            assert!(matches!(http_header(odd), Verdict::Advice(_)), "{odd}");
        }
    }
}
