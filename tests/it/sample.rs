//! Objects to publish.

use liaison::stix::Tlp;
use serde_json::{Value, json};

pub const CREATED: &str = "2026-01-01T00:00:00.000Z";

/// The k-th version's `modified`.
pub fn version(k: u32) -> String {
    format!("2026-01-{:02}T{:02}:00:00.000Z", 1 + k / 24, k % 24)
}

/// An id for the n-th object of a type.
pub fn id(object_type: &str, n: u32) -> String {
    format!("{object_type}--{n:08x}-0000-4000-8000-00000000{:04x}", n % 65_536)
}

/// The k-th version of the n-th indicator, marked.
pub fn indicator(n: u32, k: u32, tlp: Tlp) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", n), "created": CREATED, "modified": version(k),
        "pattern": format!("[domain-name:value = 'n{n}.example']"), "pattern_type": "stix", "valid_from": CREATED,
        "object_marking_refs": [tlp.marking_id()],
    })
}

/// The first version of the n-th indicator, AMBER.
pub fn amber(n: u32) -> Value {
    indicator(n, 0, Tlp::Amber)
}

/// Several of those.
pub fn ambers(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(amber).collect()
}

/// The k-th version of the n-th malware, AMBER.
pub fn malware(n: u32, k: u32) -> Value {
    json!({
        "type": "malware", "spec_version": "2.1", "id": id("malware", n), "created": CREATED, "modified": version(k),
        "is_family": false, "object_marking_refs": [Tlp::Amber.marking_id()],
    })
}

/// An observable, which has neither `created` nor `modified`.
pub fn address(n: u32) -> Value {
    json!({"type": "ipv4-addr", "id": format!("ipv4-addr--{n:08x}-0000-5000-8000-000000000000"), "value": format!("198.51.100.{}", n % 256)})
}
