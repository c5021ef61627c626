//! Liaison.
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod feed;
pub mod http;
pub mod ingest;
pub mod pki;
pub mod policy;
pub mod registry;
pub mod stix;
pub mod store;
pub mod taxii;
pub mod telemetry;
