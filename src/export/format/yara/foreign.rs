//! Rules of others.

/// A rule that was understood whole.
pub(super) struct Foreign<'a> {
    /// The modules that it needs.
    pub(super) imports: Vec<&'static str>,
    /// Its name.
    pub(super) name: &'a str,
    /// What follows its name.
    pub(super) rest: &'a str,
}

/// Exactly one complete rule, or nothing.
pub(super) fn read(_text: &str) -> Option<Foreign<'_>> {
    None
}
