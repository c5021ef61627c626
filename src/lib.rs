//! Liaison.
pub mod stix;
pub mod taxii;
pub mod registry;
pub mod policy;
pub mod store;
pub mod ingest;
pub mod feed;
pub mod http;
pub mod client;
pub mod cli;
pub mod clock;
pub mod config;
pub mod pki;
pub mod telemetry;
