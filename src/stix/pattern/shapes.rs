//! Follows object paths through the object model, without any object.

use super::ast::{Path, Step};
use crate::stix::schema::{Kind, Shape, observable};

/// What the object model says of the end of a path.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing: a custom type or property is on the way.
    Unknown,
    Known {
        kinds: Vec<Kind>,
        /// The value is the address of an IPv4 or IPv6 address object.
        is_address: bool,
    },
    /// The step of this number cannot be taken.
    Missing { step: usize, why: Why },
}

/// Why a step cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    NoSuchProperty,
    IsList,
    IsNoList,
}

/// A place in the object model; several are possible after a reference.
#[derive(Debug, Clone, Copy)]
enum Node {
    Shape(&'static Shape),
    /// An object of a known type.
    Object(&'static Shape, bool),
    /// A `_ref`, which stands for the object it names.
    Reference(&'static Shape),
    /// A `_refs`.
    References(&'static Shape),
    /// The address of an address object.
    Address,
    Plain(Kind),
    Unknown,
}

/// Where a path leads.
pub(super) fn follow(path: &Path) -> End {
    let Some(root) = object(&path.object_type) else { return End::Unknown };
    let mut nodes = vec![root];
    for (step, taken) in path.steps.iter().enumerate() {
        let mut next = Vec::new();
        let mut why = Why::NoSuchProperty;
        for node in nodes.into_iter().flat_map(dereferenced) {
            match advance(node, taken) {
                Ok(node) => next.push(node),
                Err(reason) => why = reason,
            }
        }
        if next.is_empty() {
            return End::Missing { step, why };
        }
        if next.iter().any(|node| matches!(node, Node::Unknown)) {
            return End::Unknown;
        }
        nodes = next;
    }
    End::Known {
        kinds: nodes.iter().map(kind).collect(),
        is_address: nodes.iter().any(|n| matches!(n, Node::Address)),
    }
}

fn object(object_type: &str) -> Option<Node> {
    let shape = observable(object_type)?;
    Some(Node::Object(shape, matches!(object_type, "ipv4-addr" | "ipv6-addr")))
}

/// The objects a reference may name, when a node is one; else the node itself.
fn dereferenced(node: Node) -> Vec<Node> {
    match node {
        Node::Reference(shape) if shape.targets().is_empty() => vec![Node::Unknown],
        Node::Reference(shape) => {
            shape.targets().iter().map(|target| object(target).unwrap_or(Node::Unknown)).collect()
        }
        node => vec![node],
    }
}

fn advance(node: Node, step: &Step) -> Result<Node, Why> {
    let (shape, is_address) = match node {
        Node::Shape(shape) => (shape, None),
        Node::Object(shape, is_address) => (shape, Some(is_address)),
        Node::References(shape) => return element(shape, step),
        Node::Reference(_) | Node::Unknown => return Ok(Node::Unknown),
        Node::Address | Node::Plain(_) => return Err(no_container(step)),
    };
    match step {
        Step::Property(name) => match is_address {
            Some(true) if &**name == "value" => Ok(Node::Address),
            Some(_) => property(shape, name).or_else(|why| common(name).ok_or(why)),
            None => property(shape, name),
        },
        Step::Index(_) | Step::Any if shape.kind() == Kind::List => Ok(item(shape)),
        Step::Index(_) | Step::Any if shape.kind() == Kind::Any => Ok(Node::Unknown),
        Step::Index(_) | Step::Any => Err(Why::IsNoList),
    }
}

fn property(shape: &'static Shape, name: &str) -> Result<Node, Why> {
    if let Some(found) = shape.property(name) {
        return Ok(match found.kind() {
            Kind::Identifier if name.ends_with("_ref") => Node::Reference(found),
            Kind::List if name.ends_with("_refs") => Node::References(found),
            _ => Node::Shape(found),
        });
    }
    match shape.kind() {
        Kind::Hashes => Ok(Node::Plain(Kind::String)),
        Kind::Dictionary => Ok(item(shape)),
        Kind::Any => Ok(Node::Unknown),
        Kind::List => Err(Why::IsList),
        // Extensions that others define (STIX 2.1 §7.3) are known by their identifier only.
        _ if name.starts_with("extension-definition--") => Ok(Node::Unknown),
        _ => Err(Why::NoSuchProperty),
    }
}

fn element(list: &'static Shape, step: &Step) -> Result<Node, Why> {
    match (step, list.item()) {
        (Step::Property(_), _) => Err(Why::IsList),
        (_, Some(item)) => Ok(Node::Reference(item)),
        (_, None) => Ok(Node::Unknown),
    }
}

fn item(shape: &'static Shape) -> Node {
    match shape.item() {
        Some(item) if item.kind() == Kind::Any => Node::Unknown,
        Some(item) => Node::Shape(item),
        None => Node::Unknown,
    }
}

/// Properties that every observable has (STIX 2.1 §3.2).
fn common(name: &str) -> Option<Node> {
    match name {
        "type" | "spec_version" => Some(Node::Plain(Kind::String)),
        "id" => Some(Node::Plain(Kind::Identifier)),
        "defanged" => Some(Node::Plain(Kind::Boolean)),
        "object_marking_refs" | "granular_markings" | "extensions" => Some(Node::Unknown),
        _ => None,
    }
}

fn kind(node: &Node) -> Kind {
    match node {
        Node::Shape(shape) => shape.kind(),
        // A path that ends in a reference compares the object it names.
        Node::Object(..) | Node::Reference(_) => Kind::Object,
        Node::References(_) => Kind::List,
        Node::Address => Kind::String,
        Node::Plain(kind) => *kind,
        Node::Unknown => Kind::Any,
    }
}

fn no_container(step: &Step) -> Why {
    match step {
        Step::Property(_) => Why::NoSuchProperty,
        Step::Index(_) | Step::Any => Why::IsNoList,
    }
}
