pub mod stix;
pub mod taxii;
