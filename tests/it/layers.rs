//! The architecture: a module imports only from modules below it.

use std::path::{Path, PathBuf};

/// Lowest first.
const ORDER: [&[&str]; 17] = [
    &["stix"],
    &["submission"],
    &["taxii"],
    &["registry", "warning"],
    &["audit"],
    &["freshness"],
    &["policy"],
    &["store"],
    &["ingest"],
    &["feed"],
    &["export"],
    &["lookup"],
    &["push"],
    &["client"],
    &["sync"],
    &["http"],
    &["cli"],
];

/// Beside the stack: the module, and who may use it. They themselves know `stix` only.
const BESIDE: [(&str, &[&str]); 4] = [
    ("clock", &["client", "sync", "http", "cli"]),
    ("config", &["cli", "telemetry"]),
    ("pki", &["cli"]),
    ("telemetry", &["cli"]),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each source file: its module, its path and its code, without what only tests use.
fn modules() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let code = files.into_iter().filter_map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let is_test = name.contains("test") || ["lib.rs", "main.rs"].contains(&name.as_str());
        let module = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (!is_test).then_some((module, name, text))
    });
    code.collect()
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|level| level.contains(&module))
}

/// The modules of ours that a text names: `crate::x`, also in `use crate::{x, y}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let grouped = after.strip_prefix('{').map(|rest| rest.split('}').next().unwrap().split(','));
            let names: Vec<&str> = grouped.map_or_else(|| vec![after], Iterator::collect);
            for name in names {
                let end = name
                    .trim()
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(name.trim().len());
                found.push(name.trim()[..end].to_owned());
            }
        }
    }
    found
}

fn may(user: &str, used: &str) -> bool {
    if user == used {
        return true;
    }
    if let Some((_, users)) = BESIDE.iter().find(|(name, _)| *name == used) {
        return users.contains(&user);
    }
    match (rank(user), rank(used)) {
        (Some(user), Some(used)) => used < user,
        (None, Some(_)) => used == "stix",
        _ => false,
    }
}

#[test]
fn modules_import_only_from_those_below() {
    let modules = modules();
    let wrong: Vec<String> = modules
        .iter()
        .flat_map(|(module, file, text)| {
            let bad = imports(text).into_iter().filter(|used| !may(module, used));
            bad.map(|used| format!("{file} uses crate::{used}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(modules.len() > 40);
}

#[test]
fn every_module_has_its_place() {
    for (module, file, _) in modules() {
        let beside = BESIDE.iter().any(|(name, _)| *name == module);
        assert!(rank(&module).is_some() || beside, "{file}: put `{module}` into the order");
    }
}

#[test]
fn sql_http_and_loose_errors_stay_where_they_belong() {
    for (word, allowed) in
        [("rusqlite", &["store"][..]), ("actix_web", &["http", "cli"]), ("anyhow", &["cli"])]
    {
        for (module, file, text) in modules() {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let names = code
                .into_iter()
                .any(|line| line.contains(&format!("{word}::")) || line.contains(&format!("{word}_")));
            assert!(!names || allowed.contains(&module.as_str()), "{file} uses {word}");
        }
    }
}

#[test]
fn the_reader_of_imports_sees_what_is_there() {
    assert_eq!(imports("use crate::stix::{Object, Tlp};"), ["stix"]);
    assert_eq!(
        imports("use crate::{feed, http::Serving};\n    let x = crate::clock::Clock::system();"),
        ["feed", "http", "clock"]
    );
    assert_eq!(imports("// crate::http"), [""; 0]);
    assert!(may("http", "clock") && !may("store", "clock") && !may("stix", "taxii") && !may("feed", "pki"));
}
