//! Liaison: the hub through which national CERTs exchange cyber-threat information.
//!
//! # Where everything lives
//!
//! A module imports only from modules above it in this list; a test holds that.
//!
//! * [`stix`]: STIX 2.1 content. Strict JSON, the schemas and the judging of objects by them, forms of
//!   values, patterns, ids, timestamps, TLP, the header of an object. Pure.
//! * [`submission`]: what analysts hand in, tables, events, text, becomes STIX objects. Pure.
//! * [`taxii`]: the wire protocol, for server and client. Envelopes, filters, `next`, resources. Pure.
//! * [`registry`]: who takes part and what they have agreed, as `registry.toml` declares it. Pure.
//! * [`warning`]: values that look like threats and are not. Reads files of lists, pure otherwise.
//! * [`audit`]: the log of who did what and received what, which nobody changes unnoticed. Pure.
//! * [`freshness`]: how long things take to get to whom, and who stays away. Pure.
//! * [`policy`]: who may see and add what. Its values (`Peer`, `ReadScope`, `Admitted`) are the only
//!   keys to the store, so no path goes round it. Pure.
//! * [`store`]: the contract that keeps objects, its SQLite backend, and the cache of pages.
//! * [`ingest`]: an envelope becomes a batch for the store.
//! * [`feed`]: pages as they are sent: fast paths, `next`, cache.
//! * [`export`]: files for those who never speak TAXII: lists, rules, feeds.
//! * [`lookup`]: which shared objects name a value, for many values at once.
//! * [`push`]: exports are sent to SIEMs and programs as they change.
//! * [`http`]: the server. Its route table is one function.
//! * [`client`]: a TAXII client, for our own server and others.
//! * [`sync`]: jobs that move objects between servers, by a schedule.
//! * [`cli`]: the commands; the only place that wires things together.
//!
//! Beside the stack: [`clock`] (the time, used by `client`, `sync`, `http` and `cli`), [`config`], [`pki`] and
//! [`telemetry`] (used by `cli` alone).
//!
//! # The way of a publish
//!
//! `http::peer` (certificate → `Peer`) → `http::objects::add` (body, limits) → `taxii::Envelope` →
//! `ingest::prepare` (each object: `stix::Object`, `policy::admit`) → `store::Store::add` (one
//! transaction, group commit) → status.
//!
//! # The way of a poll
//!
//! `http::peer` → `policy::read_scope` → `feed::Feed::page` (nothing new? cached?) →
//! `store::Store::page` (scope inside the SQL) → the stored bytes, in an envelope.

pub mod stix;

pub mod submission;

pub mod taxii;

pub mod registry;

pub mod warning;

pub mod audit;

pub mod freshness;

pub mod policy;

pub mod store;

pub mod ingest;

pub mod feed;

pub mod export;

pub mod lookup;

pub mod push;

pub mod http;

pub mod client;

pub mod sync;

pub mod cli;

pub mod clock;
pub mod config;
pub mod pki;
pub mod telemetry;
