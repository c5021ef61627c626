//! URLs: the habits of writing schemes, and where a URL ends in a text.

mod scheme;
mod writer;

pub(super) use scheme::{Scheme, scheme};

use super::host::Chain;
use super::lex;
use crate::stix::atom::Atom;
use writer::Writer;

/// A URL of a text.
#[derive(Debug)]
pub(super) struct Url {
    /// None if it is none after all; its place is skipped.
    pub(super) atom: Option<Atom>,
    pub(super) end: usize,
    pub(super) is_defanged: bool,
}

/// Reads the URL whose authority begins after a scheme.
pub(super) fn read(text: &str, start: usize, scheme: &Scheme, name: &str) -> Option<Url> {
    let mut writer = Writer::new(text, start, format!("{name}://"));
    let mut at = writer.user(scheme.end);
    if lex::byte(text, at) == Some(b'[') {
        at = writer.literal(at)?;
    } else {
        let chain = Chain::read(text, at);
        let is_own =
            chain.is_quad() && chain.name.starts_with("127.") || chain.labels == 1 && is_no_host(&chain.name);
        let is_expression = chain.is_weak && super::name::is_in_expression(text, start, chain.end);
        if chain.is_too_long || chain.end == at || is_own || is_expression {
            return None;
        }
        writer.is_defanged |= chain.is_defanged();
        writer.written.push_str(&chain.name);
        at = chain.end;
    }
    writer.is_defanged |= scheme.is_defanged;
    writer.port_and_rest(at)
}

/// Reads what follows a host that has no scheme: port and path. Nothing if there is no path.
pub(super) fn after_host(text: &str, start: usize, host: &str, end: usize, is_defanged: bool) -> Option<Url> {
    let mut writer = Writer::new(text, start, format!("http://{host}"));
    writer.is_defanged = is_defanged;
    let before_path = writer.port(end);
    let begins = match lex::slash(text, before_path) {
        Some(slash) => {
            let next = text[slash.end..].chars().next();
            let is_path = next.is_some_and(|c| c.is_alphanumeric() || "-_~%.?=#&+@!$".contains(c));
            // After an address digits alone are a port or a wrong prefix length.
            let digits = text[slash.end..].bytes().take_while(u8::is_ascii_digit).count();
            let is_number = host.ends_with(|c: char| c.is_ascii_digit())
                && digits > 0
                && !text[slash.end + digits..]
                    .starts_with(|c: char| c.is_alphanumeric() || "/.?-_=&%".contains(c));
            // A slash alone is a path only for those who write hosts as parts of URLs.
            if is_path {
                !is_number && !is_end_of_host(text, slash.end) && !super::name::is_question(text, slash.end)
            } else {
                is_defanged && next != Some('/')
            }
        }
        None => {
            lex::byte(text, before_path) == Some(b'?')
                && text[before_path + 1..].starts_with(|c: char| c.is_alphanumeric())
        }
    };
    begins.then(|| writer.port_and_rest(end)).flatten()
}

/// Is what stands after a slash another name or address, as in `one.example/two.example`?
fn is_end_of_host(text: &str, at: usize) -> bool {
    let next = Chain::read(text, at);
    let goes_on = lex::byte(text, next.end).is_some_and(|b| b"/?=&#%".contains(&b));
    next.labels > 1
        && (!goes_on || next.is_defanged())
        && (next.is_quad() || super::name::is_plainly_name(text, &next))
}

/// Single labels that are the machine itself, and numbers.
fn is_no_host(label: &str) -> bool {
    label.eq_ignore_ascii_case("localhost") || label.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<(String, String)> {
        let scheme = scheme(text, 0)?;
        let url = read(text, 0, &scheme, scheme.name?)?;
        Some((url.atom?.text().to_owned(), text[url.end..].to_owned()))
    }

    #[test]
    fn schemes_of_all_habits_are_undone() {
        for start in [
            "hxxp://",
            "HXXP://",
            "hXXp://",
            "h**p://",
            "h__p://",
            "hxtp://",
            "htxp://",
            "meow://",
            "http[:]//",
            "http[://]",
            "http(:)//",
            "http:[//]",
            "http[:][/][/]",
            "hxxp[:]\\\\",
            "hxxp:\\\\",
            "http:// ",
            "hxxp : // ",
            "h[tt]p://",
            "h[xx]p://",
            "http]://",
            "hxxp:/",
            "http:\\/\\/",
            "http:///",
        ] {
            let read = url(&format!("{start}evil[.]example/a"));
            assert_eq!(read, Some(("http://evil.example/a".to_owned(), String::new())), "{start}");
        }
        assert_eq!(url("fxp://evil[.]example/a").unwrap().0, "ftp://evil.example/a");
        assert_eq!(url("hxxps://evil[.]example/a").unwrap().0, "https://evil.example/a");
        for other in
            ["help://x.example", "http is", "hop: //x", "https:// and", "http://<host>/", "http://{x}/"]
        {
            assert_eq!(url(other), None, "{other}");
        }
    }

    #[test]
    fn what_belongs_to_the_sentence_is_left() {
        for (text, read, rest) in [
            ("http://a.example/x).", "http://a.example/x", ")."),
            ("http://a.example/x_(y)?z=1, b", "http://a.example/x_(y)?z=1", ", b"),
            ("http://a.example/x\">link", "http://a.example/x", "\">link"),
            ("http://a.example/x**", "http://a.example/x", "**"),
            ("http://a.example/x...", "http://a.example/x", "..."),
            ("http://a.example/x,http://b.example/", "http://a.example/x", ",http://b.example/"),
            ("http://a.example/a[1].php z", "http://a.example/a[1].php", " z"),
            ("http://a.example:8080.", "http://a.example:8080/", "."),
            ("http://a.example/?a=1&amp;b=2&quot;", "http://a.example/?a=1&b=2", "&quot;"),
            ("http://a.example/x”", "http://a.example/x", "”"),
            ("hxxp://u:p@a[.]example[:]81[/]x[.]php", "http://u:p@a.example:81/x.php", ""),
            ("hxxp://[2001:db8::1]:81/x", "http://[2001:db8::1]:81/x", ""),
        ] {
            assert_eq!(url(text), Some((read.to_owned(), rest.to_owned())), "{text}");
        }
    }
}
