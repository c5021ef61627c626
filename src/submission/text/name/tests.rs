use super::*;

fn name(text: &str) -> Option<String> {
    let start = text.find('^').map_or(0, |mark| mark + 1);
    let text = text.replacen('^', "", 1);
    let chain = Chain::read(&text, start.saturating_sub(1));
    judge(&text, &chain, false).map(|atom| atom.text().to_owned())
}

#[test]
fn live_names_end_in_real_ends() {
    for (text, expected) in [
        ("evil.com", "evil.com"),
        ("Evil.COM", "evil.com"),
        ("EVIL.RU.", "evil.ru"),
        ("a.b.co.uk,", "a.b.co.uk"),
        ("c2.example", "c2.example"),
        ("abc234.onion", "abc234.onion"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("t.me", "t.me"),
        ("dead.beef.com", "dead.beef.com"),
        ("\"^evil-host.top\": \"malicious\"", "evil-host.top"),
        ("the file was hosted at ^drop.one", "drop.one"),
        ("^evil-one.ai, dropper.exe, bad.com", "evil-one.ai"),
        ("www.update.zip", "www.update.zip"),
        ("mail.gov.md", "mail.gov.md"),
        ("domain: ^update.zip", "update.zip"),
        ("banco.com.py", "banco.com.py"),
        ("evil.com下载", "evil.com"),
        ("访问^evil.com下载", "evil.com"),
        ("paypal登录.com", "xn--paypal-uz2li34m.com"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("evil.com(198.51.100.7)", "evil.com"),
    ] {
        assert_eq!(name(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn files_code_and_sentences_are_no_names() {
    for text in [
        "update.zip",
        "run.sh",
        "README.md",
        "setup.py",
        "invoice.pdf",
        "os.path",
        "System.Net",
        "foo.bar()",
        "node.js",
        "com.vendor.app",
        "self.name",
        "server.port=",
        "e.g.",
        "i.e.",
        "a.m.",
        "Ph.D.",
        "U.S.",
        "done.In",
        "done.It was",
        "user.id = 3",
        "process.name",
        "main.rs",
        "Trojan.Win32.Agent.cc",
        "ASP.NET",
        "$^a.me",
        "\\^user.name",
        "@^foo.live",
        "/tmp/^x.so",
        "import ^evil.net",
        "foo_bar.io",
        "document.write(1",
        "u.name,",
        "div.info {",
        "a.link:hover",
        "Store.name",
        "Cart.java:41",
        "someObject.id",
        "192.168",
        "dead.beef.cafe",
        "\"^ttl.in\": 60",
        "<div class=\"^nav.top\">",
        "a OneNote file (^order.one)",
        "^order.one is a OneNote file",
        "movie.mov, ^clip.ai, setup.exe",
    ] {
        assert_eq!(name(text), None, "{text}");
    }
}

#[test]
fn harmless_names_count_whatever_they_end_in() {
    for (text, expected) in [
        ("dc01[.]corp[.]lan", Some("dc01.corp.lan")),
        ("update[.]zip", Some("update.zip")),
        ("evil dot com", Some("evil.com")),
        ("evil\\.com", Some("evil.com")),
        ("evil[.com", Some("evil.com")),
        ("payload[.]exe", None),
        ("the dot is", None),
        ("array[.length", None),
        ("C:\\Users\\^x\\.me", None),
    ] {
        assert_eq!(name(text).as_deref(), expected, "{text}");
    }
}
