//! Rules whose breach leaves a pattern valid: feeds break them, and refusing loses indicators.

use super::ast::{Check, Constant, Observations, Path, Qualifier, Step, Test};
use super::error::Warning;
use super::network::network;
use super::print::Steps;
use super::shapes::{End, Why, follow};
use crate::stix::schema::{Class, Kind, is_known_type};
use crate::stix::timestamp::StixTime;

/// All warnings that the tree gives rise to.
pub(super) fn of(root: &Observations, found: &mut Vec<Warning>) {
    root.each_test(&mut |test| {
        object_type(&test.path, found);
        match &test.check {
            Check::In(constants) if constants.is_empty() => {
                found.push(Warning::new("pattern.list", test.constant_offset, "an empty list never matches"));
            }
            Check::Matches(expression) => expression_warnings(expression, test.constant_offset, found),
            Check::IsSubset(text) | Check::IsSuperset(text) => address(text, test, found),
            _ => {}
        }
        path_end(test, found);
    });
    intervals(root, &mut |start, stop, offset| {
        if start >= stop {
            found.push(Warning::new(
                "pattern.interval",
                offset,
                "STOP is not after START: this never matches",
            ));
        }
    });
}

/// Intervals of `START … STOP` that leave the validity of the indicator.
pub(super) fn outside_validity(
    root: &Observations,
    from: &StixTime,
    until: Option<&StixTime>,
) -> Vec<Warning> {
    let mut found = Vec::new();
    intervals(root, &mut |start, stop, offset| {
        if start < from || until.is_some_and(|until| stop > until) {
            let message = "START … STOP reaches beyond valid_from … valid_until of the indicator";
            found.push(Warning::new("pattern.validity", offset, message));
        }
    });
    found
}

fn intervals(node: &Observations, visit: &mut dyn FnMut(&StixTime, &StixTime, usize)) {
    match node {
        Observations::Bracket(_) => {}
        Observations::And(parts) | Observations::Or(parts) | Observations::FollowedBy(parts) => {
            parts.iter().for_each(|part| intervals(part, visit));
        }
        Observations::Qualified(inner, qualifier) => {
            intervals(inner, visit);
            if let Qualifier::StartStop(interval) = qualifier {
                visit(&interval.start, &interval.stop, interval.offset);
            }
        }
    }
}

fn object_type(path: &Path, found: &mut Vec<Warning>) {
    let name = &*path.object_type;
    let mut warn = |message: String| found.push(Warning::new("pattern.type", path.offset, message));
    match is_known_type(name) {
        Some(Class::Sco) => return,
        Some(_) => warn(format!("{name} is no observable, so no observation holds one: this never matches")),
        None if name.starts_with("x-") => {}
        None => match old_name(name) {
            Some(new) => warn(format!("{name} is not a type of STIX 2.1: write {new}")),
            None => warn(format!("{name} is not a type of STIX 2.1; custom types start with x-")),
        },
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        warn(format!("object types are written in lower case: {}", name.to_ascii_lowercase()));
    }
}

/// Types as earlier versions, or feeds, name them.
fn old_name(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "winregistrykey" | "windowsregistrykey" | "registrykey" => "windows-registry-key",
        "ipv4addr" | "ipv4address" | "ipv4" => "ipv4-addr",
        "ipv6addr" | "ipv6address" | "ipv6" => "ipv6-addr",
        "emailaddr" | "emailaddress" | "email" => "email-addr",
        "domainname" | "domain" | "hostname" => "domain-name",
        "macaddr" | "macaddress" | "mac" => "mac-addr",
        "x509certificate" | "x509" | "certificate" => "x509-certificate",
        "networktraffic" | "networkconnection" => "network-traffic",
        "useraccount" => "user-account",
        "emailmessage" => "email-message",
        "as" | "asn" | "autonomoussystem" => "autonomous-system",
        _ => return None,
    })
}

fn expression_warnings(expression: &super::expression::Expression, offset: usize, found: &mut Vec<Warning>) {
    if let Some(lacks) = &expression.lacks {
        let message = format!("this product never evaluates the expression, because of: {lacks}");
        found.push(Warning::new("pattern.regex", offset, message));
    }
    if let Some(note) = expression.note {
        found.push(Warning::new("pattern.regex", offset, note));
    }
}

fn address(text: &str, test: &Test, found: &mut Vec<Warning>) {
    if network(text).is_none() {
        let message =
            "the constant is neither an address nor a network such as '198.51.100.0/24': this never matches";
        found.push(Warning::new("pattern.address", test.constant_offset, message));
    }
}

fn path_end(test: &Test, found: &mut Vec<Warning>) {
    let path = &test.path;
    match follow(path) {
        End::Unknown => {}
        End::Missing { step, why } => {
            found.push(Warning::new("pattern.property", path.offset, missing(path, step, why)));
        }
        End::Known { kinds, is_address } => {
            if let Some(standard) = respelt_algorithm(path) {
                let message = format!(
                    "the algorithm is named '{standard}' in the standard, and names are compared exactly"
                );
                found.push(Warning::new("pattern.property", path.offset, message));
            }
            if let Some((code, message)) = unfit(test, &kinds, is_address) {
                found.push(Warning::new(code, test.constant_offset, message));
            }
        }
    }
}

fn missing(path: &Path, step: usize, why: Why) -> String {
    let before = Steps(&path.steps[..step]);
    match (why, &path.steps[step]) {
        (Why::IsList, _) => {
            format!("{before} is a list: write {before}[*] for any element or {before}[0] for the first")
        }
        (Why::IsNoList, _) => format!("{before} is no list: this step gives no value"),
        (Why::NoSuchProperty, Step::Property(name)) if step == 0 => {
            format!(
                "{} has no property {name} in STIX 2.1; custom properties start with x_",
                path.object_type
            )
        }
        (Why::NoSuchProperty, _) => {
            format!("{before} has no property {} in STIX 2.1", Steps(&path.steps[step..=step]))
        }
    }
}

/// The standard spelling of a hash algorithm that is spelt otherwise.
fn respelt_algorithm(path: &Path) -> Option<&'static str> {
    let (parent, name) = path.last_two()?;
    if parent != "hashes" && !parent.ends_with("_hashes") {
        return None;
    }
    let bare = |name: &str| name.replace(['-', '_'], "").to_ascii_uppercase();
    let standard = ALGORITHMS.into_iter().find(|standard| bare(standard) == bare(name))?;
    (standard != name).then_some(standard)
}

/// Why a test can never hold (with `!=`, never fail) for values of these kinds.
fn unfit(test: &Test, kinds: &[Kind], is_address: bool) -> Option<(&'static str, String)> {
    let path = &test.path;
    match &test.check {
        Check::Exists => None,
        _ if kinds.iter().all(|kind| is_container(*kind)) => Some((
            "pattern.property",
            format!("{path} is a list, dictionary or object: name the value inside it"),
        )),
        Check::Compare(_, constant) => unfit_constant(path, constant, kinds),
        Check::In(constants) => unfit_constant(path, constants.first()?, kinds),
        Check::Like(_) | Check::Matches(_) if all_among(kinds, &NO_TEXTS) => {
            Some(("pattern.constant", format!("{path} is no text: LIKE and MATCHES never hold for it")))
        }
        Check::IsSubset(_) | Check::IsSuperset(_) if !is_address => {
            Some(("pattern.address", format!("{path} is not the value of an ipv4-addr or ipv6-addr")))
        }
        _ => None,
    }
}

fn unfit_constant(path: &Path, constant: &Constant, kinds: &[Kind]) -> Option<(&'static str, String)> {
    let (never, instead): (&[Kind], &str) = match constant {
        Constant::Boolean(_) => (&NO_BOOLEANS, ""),
        Constant::Integer(_) | Constant::Float(_) => (&NO_NUMBERS, ""),
        Constant::String(_) if kinds.contains(&Kind::Timestamp) => {
            (&[Kind::Timestamp], ": write a timestamp as t'…'")
        }
        Constant::String(_) => (&NO_TEXTS, ": write numbers, true and false without quotes"),
        Constant::Hex(_) | Constant::Binary(_) => (&NO_BYTES, ""),
        Constant::Timestamp(_) => (&NO_TIMES, ""),
    };
    if !all_among(kinds, never) {
        return None;
    }
    Some(("pattern.constant", format!("{path} never holds a {}{instead}", constant.kind())))
}

/// Kinds are listed by what they cannot hold, so that a new one raises no warning.
fn all_among(kinds: &[Kind], never: &[Kind]) -> bool {
    kinds.iter().all(|kind| is_container(*kind) || never.contains(kind))
}

fn is_container(kind: Kind) -> bool {
    matches!(kind, Kind::List | Kind::Dictionary | Kind::Object | Kind::Hashes)
}

const NO_TEXTS: [Kind; 3] = [Kind::Integer, Kind::Float, Kind::Boolean];
const NO_NUMBERS: [Kind; 6] =
    [Kind::String, Kind::Boolean, Kind::Timestamp, Kind::Identifier, Kind::Hex, Kind::Binary];
const NO_BOOLEANS: [Kind; 7] =
    [Kind::String, Kind::Integer, Kind::Float, Kind::Timestamp, Kind::Identifier, Kind::Hex, Kind::Binary];
const NO_BYTES: [Kind; 5] = [Kind::Integer, Kind::Float, Kind::Boolean, Kind::Timestamp, Kind::Identifier];
const NO_TIMES: [Kind; 7] =
    [Kind::String, Kind::Integer, Kind::Float, Kind::Boolean, Kind::Identifier, Kind::Hex, Kind::Binary];
const ALGORITHMS: [&str; 8] =
    ["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"];
