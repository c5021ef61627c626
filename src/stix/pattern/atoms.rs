//! The plain values a pattern names, for exports of lists.

use super::ast::{Check, Comparison, Constant, Observations, Relation, Test};
use super::network::network;
use super::print::{Digits, Steps};

/// A value that alone fulfils the pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom {
    /// The object type, such as `file`.
    pub object_type: String,
    /// The path without the type, in canonical spelling, such as `hashes.'SHA-256'`.
    pub path: String,
    /// The constant as text, without quotes.
    pub value: String,
}

/// The atoms of one observation whose tests are joined by `OR` only; else none.
pub(super) fn of(root: &Observations) -> Vec<Atom> {
    let Observations::Bracket(comparison) = root else { return Vec::new() };
    let tests: &[Comparison] = match comparison {
        Comparison::Or(parts) => parts,
        other => std::slice::from_ref(other),
    };
    let atoms: Option<Vec<Vec<Atom>>> = tests.iter().map(of_test).collect();
    atoms.unwrap_or_default().concat()
}

fn of_test(part: &Comparison) -> Option<Vec<Atom>> {
    let Comparison::Test(test) = part else { return None };
    if test.negated {
        return None;
    }
    match &test.check {
        Check::Compare(Relation::Equal, constant) => Some(vec![atom(test, value(constant))]),
        Check::In(constants) if is_address(test) => {
            Some(constants.iter().map(|constant| atom(test, value(constant))).collect())
        }
        Check::IsSubset(text) if is_address(test) && network(text).is_some() => {
            Some(vec![atom(test, text.to_string())])
        }
        _ => None,
    }
}

fn is_address(test: &Test) -> bool {
    matches!(&*test.path.object_type, "ipv4-addr" | "ipv6-addr")
}

fn atom(test: &Test, value: String) -> Atom {
    let path = Steps(&test.path.steps).to_string();
    Atom { object_type: test.path.object_type.to_string(), path, value }
}

fn value(constant: &Constant) -> String {
    match constant {
        Constant::Integer(text) | Constant::Float(text) | Constant::String(text) => text.to_string(),
        Constant::Boolean(value) => value.to_string(),
        Constant::Hex(bytes) => Digits(bytes).to_string(),
        Constant::Binary(bytes) => super::literal::encode_base64(bytes),
        Constant::Timestamp(time) => time.as_str().to_owned(),
    }
}
