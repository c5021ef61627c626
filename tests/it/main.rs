//! The one integration binary: each topic a module, each test a sentence.
//!
//! `docs/conformance.md` says which test shows which clause; `ledger.rs` keeps it honest.

#![expect(unreachable_pub, reason = "a binary has no outside; `pub` tells what other modules use")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod app;
mod check;
mod raw;
mod sample;

mod access;
mod audit;
mod collections;
mod content;
mod content_extensions;
mod content_fixed;
mod deletion;
mod discovery;
mod errors;
mod exports;
mod exports_registry;
mod filters;
mod governance;
mod layers;
mod ledger;
mod lineage;
mod lookup;
mod model;
mod negotiation;
mod objects;
mod paging;
mod preview;
mod retention;
mod retention_store;
mod review;
mod review_again;
mod revocation;
mod schemas;
mod status;
mod store_atoms;
mod store_contract;
mod tls;
mod versions;
