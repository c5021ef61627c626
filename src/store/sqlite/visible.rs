//! Which handlings a scope sees: decided by the policy once, and kept until the registry, the
//! handlings or a date make it another answer.

use super::Shared;
use super::classes::Classes;
use crate::policy::ReadScope;
use std::sync::Arc;

/// What a scope was found to see.
#[derive(Debug)]
pub(super) struct Visible {
    scope: ReadScope,
    /// How many handlings there were.
    handlings: usize,
    /// When another answer is due, in microseconds since 1970.
    until: i64,
    bits: Arc<[u64]>,
}

impl Shared {
    /// One bit for each handling: does the scope see it?
    pub(super) fn visibility(&self, classes: &Classes, scope: &ReadScope) -> Arc<[u64]> {
        let key = (scope.client().clone(), scope.collection().to_owned());
        let count = classes.handlings().len();
        if let Some(found) = self.scopes.read().get(&key) {
            let now = scope.now();
            let in_time = found.scope.now() <= now && now.micros() < found.until;
            if in_time && found.handlings == count && found.scope.is_same_reader(scope) {
                return found.bits.clone();
            }
        }
        let (mut bits, mut until) = (vec![0; count / 64 + 1], i64::MAX);
        for (at, handling) in classes.handlings().iter().enumerate() {
            until = until.min(scope.holds_until(handling).unwrap_or(i64::MAX));
            if scope.sees(handling) {
                bits[at / 64] |= 1 << (at % 64);
            }
        }
        let bits: Arc<[u64]> = bits.into();
        let visible = Visible { scope: scope.clone(), handlings: count, until, bits: bits.clone() };
        self.scopes.write().insert(key, visible);
        bits
    }
}
