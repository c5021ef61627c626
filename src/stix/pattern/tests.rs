//! Tests of the pattern engine as a whole.

mod syntax;
