//! Settings as files, variables and arguments give them.

use super::*;

fn load(text: &str, variables: &[(&str, &str)], sets: &[&str]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("liaison.toml");
    std::fs::write(&path, text).unwrap();
    let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Config::load(&path, variables, &sets).map_err(|error| error.to_string())
}

#[test]
fn the_example_holds_every_setting_with_its_default() {
    let example = include_str!("../../liaison.example.toml");
    let is_setting = |text: &&str| {
        let name = text.split(" = ").next().unwrap_or_default();
        *text == "[[push]]"
            || text.contains(" = ") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let uncommented: String = example
        .lines()
        .map(|line| line.strip_prefix("# ").filter(is_setting).unwrap_or(line))
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let shown = load(&uncommented, &[], &[]).unwrap();
    let plain = load("", &[], &[]).unwrap();
    let describe = |config: &Config| {
        let mut config = config.clone();
        // These have no default that a file could show.
        (config.server.public_url, config.server.description, config.server.contact) = (None, None, None);
        config.server.workers = None;
        config.tls = Tls::default();
        config.audit = Audit::default();
        config.export = Export::default();
        config.warning_lists = Lists::default();
        config.push.clear();
        config.sync = Sync::default();
        config.store.url.clear();
        format!("{config:?}")
    };
    assert_eq!(describe(&shown), describe(&plain));
    let kinds: Vec<_> = shown.push.iter().map(|push| push.kind).collect();
    assert_eq!(kinds, [PushKind::Command, PushKind::SplunkHec, PushKind::Elastic, PushKind::Syslog]);
    assert!(plain.push.is_empty() && shown.push.iter().all(|push| push.strange().is_empty()));
    for key in [
        "public_url",
        "description",
        "contact",
        "workers",
        "client_ca",
        "crl",
        "url",
        "checkpoints",
        "origin",
        "action",
        "networks",
    ] {
        assert!(example.contains(&format!("{key} = ")), "{key}");
    }
}

#[test]
fn overrides_win_in_order() {
    let config = load(
        "[server]\npage_max = 5\n",
        &[("LIAISON_SERVER__PAGE_MAX", "6"), ("LIAISON_SERVER__TITLE", "x y"), ("LIAISON_URL", "ignored")],
        &["server.page_max=7", "log.format=json"],
    )
    .unwrap();
    assert_eq!((config.server.page_max, config.server.title.as_str()), (7, "x y"));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn mistakes_name_their_place() {
    let error = |text, variables: &[(&str, &str)], sets: &[&str]| load(text, variables, sets).unwrap_err();
    assert!(error("[server]\npage_maxx = 5\n", &[], &[]).contains("line 2"));
    assert!(error("[server]\npage_max = \"five\"\n", &[], &[]).contains("line 2"));
    assert!(error("", &[("LIAISON_SERVER__PORT", "1")], &[]).contains("server.port"));
    assert!(error("", &[], &["page_max"]).contains("section.key=value"));
    assert!(error("", &[], &["server.page_max=x"]).contains("--set"));
    assert!(error("", &[], &["server.public_url=http://x"]).contains("https"));
    assert!(error("", &[], &["store.url=postgres://x"]).contains("sqlite:FILE"));
}
