//! How fast a hub is, beside what the machine could do at best.
//!
//! A run starts the release `liaison` on scratch hubs, talks to it over mutual TLS as clients do,
//! and does the same in the same run with a yardstick: a *bare* server that answers the same
//! requests with the same bytes from memory, or a *raw* insert of the same rows into SQLite. Both
//! sides take turns in short slices, and a figure is the median of the ratios of neighbouring
//! slices, so that whatever else the machine does weighs on both. `benches/README.md` tells what
//! each figure means.
//!
//! * [`args`]: the command line; [`report`]: the table
//! * [`hub`]: a scratch hub and its server; [`process`]: what the kernel tells about a process
//! * [`objects`]: what is published; [`http`], [`load`]: clients
//! * [`bare`]: the server to compare with
//! * [`polls`], [`pages`], [`silent`], [`publish`], [`handlings`], [`insert`], [`exports`],
//!   [`lookups`]: the figures

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod args;
mod bare;
mod exports;
mod handlings;
mod http;
mod hub;
mod insert;
mod load;
mod lookups;
mod objects;
mod pages;
mod polls;
mod process;
mod publish;
mod report;
mod silent;

use anyhow::Context;
use args::{Args, Group};
use clap::Parser;
use hub::Hub;
use report::Report;
use std::path::Path;
use std::process::ExitCode;

// As in the program, so that both servers allocate alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.bare {
        Some(bare) => bare::serve(bare).map(|()| true),
        // `cargo test --all-targets` starts benches without this flag, to see that they build.
        None if !args.bench => Ok(true),
        None => run(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("exchange: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True unless a target was to be checked and is missed.
fn run(args: &Args) -> anyhow::Result<bool> {
    // Must come before any TLS client is built.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    let hubs = args.hubs.as_deref().unwrap_or(scratch.path());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(CLIENT_THREADS).enable_all().build()?;
    let mut report = Report::new(args);
    if args.wants(Group::Publish) {
        publish::measure(args, scratch.path(), &mut report)?;
    }
    let [few, many] = args.sizes()?;
    let at_rest = args.wants(Group::Polls) || args.wants(Group::Pages) || args.wants(Group::Silent);
    if at_rest {
        let few = filled(&runtime, hubs, "few", few, &mut report)?;
        let many = filled(&runtime, hubs, "many", many, &mut report)?;
        if args.wants(Group::Polls) {
            polls::measure(args, &runtime, &[&few, &many], scratch.path(), &mut report)?;
        }
        if args.wants(Group::Silent) {
            silent::measure(&runtime, &many, &mut report)?;
        }
        if args.wants(Group::Pages) {
            pages::measure(args, &runtime, [&few, &many], scratch.path(), &mut report)?;
        }
    }
    if args.wants(Group::Handlings) {
        handlings::measure(args, &runtime, scratch.path(), &mut report)?;
    }
    if args.wants(Group::Insert) {
        let tenth = filled(&runtime, hubs, "tenth", many / 10, &mut report)?;
        let many = filled(&runtime, hubs, "many", many, &mut report)?;
        insert::measure(args, &runtime, [&tenth, &many], &mut report)?;
    }
    if args.wants(Group::Exports) {
        exports::measure(args, &runtime, hubs, &mut report)?;
    }
    if args.wants(Group::Lookup) {
        lookups::measure(args, &runtime, hubs, many, &mut report)?;
    }
    report.memory();
    report.print(args)?;
    Ok(!args.check || report.all_met())
}

/// A hub with at least so many objects; one of an earlier run if it is kept.
fn filled(
    runtime: &tokio::runtime::Runtime,
    hubs: &Path,
    name: &str,
    objects: u64,
    report: &mut Report,
) -> anyhow::Result<Hub> {
    let dir = hubs.join(name);
    let hub = if dir.exists() { Hub::reopen(&dir)? } else { Hub::create(&dir)? };
    let there = hub.objects()?;
    if there < objects {
        insert::fill(runtime, &hub, there, objects, report)?;
    }
    Ok(hub)
}

/// Load comes from so many threads: as many as the machine that the targets are set for has cores.
const CLIENT_THREADS: usize = 2;
