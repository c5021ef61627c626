//! How fast content is judged: objects and patterns a second on one thread, beside the Python
//! validator in the same run, and what hostile input costs.

#![expect(clippy::print_stdout, reason = "it prints a table")]

mod hostile;
mod python;

use anyhow::Context;
use clap::Parser;
use liaison::stix::content::{self, Options, Profile};
use liaison::stix::json;
use liaison::stix::pattern::Pattern;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the judging of content.
#[derive(Parser)]
struct Args {
    /// Fewer rounds, and fewer objects for the Python validator.
    #[arg(long)]
    quick: bool,
    /// Exit with 1 if a target is missed.
    #[arg(long)]
    check: bool,
    /// Where data/attack/ and data/indicators/ are.
    #[arg(long, env = "LIAISON_SHARED", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"))]
    shared: PathBuf,
    /// A Python that has stix2-validator; tests/run makes this one.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python"))]
    python: PathBuf,
    /// Cargo gives this when it runs benches, and not when it runs tests.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if !args.bench {
        return Ok(());
    }
    println!("| figure | measured | target | met |\n| --- | ---: | ---: | --- |");
    let mut all_met = true;
    let mut row = |figure: &str, measured: f64, target: Option<f64>| {
        let met = target.is_none_or(|target| measured >= target);
        all_met &= met;
        let target = target.map(|target| format!(">= {target}")).unwrap_or_default();
        println!("| {figure} | {measured:.0} | {target} | {} |", if met { "yes" } else { "NO" });
    };
    match enterprise(&args.shared) {
        Err(error) => println!("left out: ATT&CK Enterprise ({error:#})"),
        Ok(text) => {
            let rounds = if args.quick { 3 } else { 9 };
            let strict = objects_per_second(&text, Profile::Strict, false, rounds)?;
            let interop = objects_per_second(&text, Profile::Interop, false, rounds)?;
            let advised = objects_per_second(&text, Profile::Strict, true, rounds)?;
            row(
                "ATT&CK Enterprise, bytes to verdict, errors as the hub looks for them: objects/s",
                interop,
                Some(150_000.0),
            );
            row("the same, strict: objects/s", strict, Some(150_000.0));
            row("the same with all warnings: objects/s", advised, None);
            match python::objects_per_second(&args.python, &text, if args.quick { 100 } else { 1_000 }) {
                Err(error) => println!("left out: stix2-validator ({error:#})"),
                Ok(theirs) => {
                    row("stix2-validator on a sample of them: objects/s", theirs, None);
                    row("Liaison against stix2-validator, times", strict / theirs, Some(300.0));
                }
            }
        }
    }
    match patterns(&args.shared) {
        Err(error) => println!("left out: patterns of the indicator bundles ({error:#})"),
        Ok(patterns) => {
            let measured = parses_per_second(&patterns, if args.quick { 5 } else { 50 });
            let title = format!("patterns of the indicator bundles ({}), checked: parses/s", patterns.len());
            row(&title, measured, Some(500_000.0));
        }
    }
    all_met &= hostile::measure();
    anyhow::ensure!(all_met || !args.check, "a target is missed");
    Ok(())
}

fn enterprise(shared: &Path) -> anyhow::Result<Vec<u8>> {
    let path = shared.join("data/attack/enterprise-attack-18.1.json.gz");
    let packed = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut text)?;
    Ok(text)
}

/// The best of several rounds: noise only ever makes it slower.
fn objects_per_second(text: &[u8], profile: Profile, advise: bool, rounds: usize) -> anyhow::Result<f64> {
    let options = Options { profile, advise, ..Options::default() };
    let mut best: f64 = 0.0;
    for _ in 0..rounds {
        let copy = text.to_vec();
        let started = Instant::now();
        let read = json::read(copy, |seen| content::judge(seen, options).is_valid())?;
        let seconds = started.elapsed().as_secs_f64();
        let items = read.root.items.context("the file is no bundle")?;
        let refused = items.iter().filter(|item| !item.seen).count();
        anyhow::ensure!(refused == 0 || profile != Profile::Interop, "{refused} objects refused");
        best = best.max(items.len() as f64 / seconds);
    }
    Ok(best)
}

/// The STIX patterns of the indicator bundles.
fn patterns(shared: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let directory = shared.join("data/indicators");
    for entry in std::fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let read = json::read(std::fs::read(&path)?, |seen| {
                seen.value.member("pattern").and_then(|pattern| pattern.text().map(String::from))
            })?;
            found.extend(read.root.items.into_iter().flatten().filter_map(|item| item.seen));
        }
    }
    anyhow::ensure!(!found.is_empty(), "no pattern in {}", directory.display());
    Ok(found)
}

fn parses_per_second(patterns: &[String], rounds: usize) -> f64 {
    let started = Instant::now();
    let mut valid = 0;
    for _ in 0..rounds {
        valid += patterns.iter().filter(|pattern| Pattern::parse(pattern).is_ok()).count();
    }
    assert_eq!(valid, patterns.len() * rounds, "all of them are valid");
    valid as f64 / started.elapsed().as_secs_f64()
}
