//! Exactly once, under torture: what was acknowledged is durable, and every poller sees it
//! once and in order. Checked on the real program, from outside.
//!
//! A test binary of its own, beside `tests/it`: it drives the built program in processes that it
//! kills, stops and starves, needs most of a machine for minutes, and shares no code with the
//! server, so that an error in the server's own types cannot hide itself.
//!
//! * [`hub`] sets up and runs the server; [`wire`] speaks TAXII to it.
//! * [`publisher`] sends, versions, deletes, retries, and notes what was acknowledged;
//!   [`poller`] collects pages; [`checker`] compares the two, knowing neither's ways.
//! * [`run`] puts writers, pollers and kills together; [`faults`] is one test for each fault.
//!
//! The seed is printed; `LIAISON_TORTURE_SEED=…` repeats a run (the schedule of threads, of
//! course, is never quite the same), `LIAISON_TORTURE_SECS=…` makes the run with kills that long.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "in a test a panic is the message, and figures are printed"
)]

mod checker;
mod dice;
mod faults;
mod hub;
mod poller;
mod publisher;
mod run;
mod wire;
