//! Rules of others.

/// Is it one whole rule?
pub(super) fn is_rule(_text: &str) -> bool {
    false
}
