//! What a value may be, ready to be checked against.

use std::sync::Arc;

/// What a value may be.
#[derive(Debug, Default)]
pub struct Shape {
    pub(super) kind: Kind,
    pub(super) properties: Vec<Property>,
    pub(super) slots: Vec<u8>,
    /// Of lists and dictionaries.
    pub(super) item: Option<Arc<Shape>>,
    /// What the names of members must be.
    pub keys: Option<Keys>,
    /// At least one item or member, or one character.
    pub non_empty: bool,
    /// Least value.
    pub minimum: Option<f64>,
    /// Greatest value.
    pub maximum: Option<f64>,
    /// The form that a string must have.
    pub format: Option<Format>,
    /// The form that it should have.
    pub advised: Option<Advice>,
    /// The words that it may or should be.
    pub terms: Option<Terms>,
    pub(super) targets: Vec<String>,
    /// The only value.
    pub constant: Option<String>,
    /// The rule that a violation breaks, where it is not the general one.
    pub rule: Option<&'static str>,
    /// What else is to be checked.
    pub role: Role,
    /// Under the profile `interop` it may be there, though it must not.
    pub tolerated: bool,
    /// Still allowed, but no longer advised.
    pub deprecated: bool,
    /// What must hold between members.
    pub rules: Vec<Rule>,
}

/// What kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A string of no special form.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// `true` or `false`
    Boolean,
    /// A string that is a time.
    Timestamp,
    /// A string that names an object.
    Identifier,
    /// A string of hexadecimal digits.
    Hex,
    /// A string in base64.
    Binary,
    /// Algorithm to hash value.
    Hashes,
    /// Any names to values of one kind.
    Dictionary,
    /// A list.
    List,
    /// Known names to values.
    Object,
    /// A string or a whole number.
    StringOrInteger,
    /// Anything.
    #[default]
    Any,
}

/// A member that an object may have.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub shape: Arc<Shape>,
    /// Must it be there?
    pub required: bool,
}

/// What the names of a dictionary's members must be.
#[derive(Debug)]
pub struct Keys {
    /// The form they must have.
    pub format: Format,
    /// The form they should have.
    pub advised: Option<Advice>,
    /// The rule that a violation breaks.
    pub rule: Option<&'static str>,
}

/// A vocabulary.
#[derive(Debug)]
pub struct Terms {
    /// Others are allowed, with a remark.
    pub open: bool,
    /// Sorted.
    pub words: Vec<String>,
}

/// What must hold between members; sets of members are bits in the order of `properties`.
#[derive(Debug)]
pub enum Rule {
    /// At least one of the sets is there.
    AnyOf(Vec<u64>),
    /// Exactly one of the sets is there.
    OneOf(Vec<u64>),
    /// If the first is there, so is the second.
    Requires(usize, usize),
    /// If the member has this value, something holds of another.
    If(usize, bool, Then),
    /// The first is after (`true`), or not before, the second.
    Order(usize, bool, usize),
}

/// What holds under a condition.
#[derive(Debug)]
pub enum Then {
    /// The member is there.
    Present(usize),
    /// The member is not there.
    Absent(usize),
}

/// A form that strings must have; the names are those in the schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "schemas/README.md tells each form")]
pub enum Format {
    Timestamp,
    TimestampMs,
    TimestampS,
    Identifier,
    ObjectId,
    Hex,
    Base64,
    Url,
    DomainName,
    EmailAddress,
    Ipv4,
    Ipv6,
    Mac,
    Cpe,
    LanguageTag,
    Charset,
    RelationshipType,
    RegistryKey,
    DictionaryKey,
    CasedDictionaryKey,
    HashAlgorithm,
    PropertyName,
    ExtensionPropertyName,
    Selector,
}

/// A form that strings should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "schemas/README.md tells each form")]
pub enum Advice {
    MediaType,
    Country,
    Product,
    Protocol,
    IpfixElement,
    PdfInfoKey,
    HttpHeader,
    SocketOption,
    KillChainTerm,
}

/// What is to be checked of a value beside its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Nothing.
    #[default]
    Plain,
    /// Must not be there at all.
    Never,
    /// Allowed, but means nothing here.
    NotApplicable,
    /// `hashes`
    Hashes,
    /// An external reference.
    ExternalReference,
    /// `extensions`
    Extensions,
    /// `extensions` where there must be none.
    NoExtensions,
    /// `extensions` of an observable.
    ObservableExtensions,
    /// The deprecated `objects` of observed data.
    Container,
    /// A list for which some producers write its only item.
    ListOrItem,
}

impl Shape {
    /// Any string.
    pub fn string() -> Self {
        Self { kind: Kind::String, ..Self::default() }
    }

    /// What kind of value.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a member of an object may be.
    pub fn property(&self, name: &str) -> Option<&Shape> {
        self.position(name.as_bytes()).map(|at| self.properties[at].shape.as_ref())
    }

    /// What each item of a list, or value of a dictionary, may be.
    pub fn item(&self) -> Option<&Shape> {
        self.item.as_deref()
    }

    /// The types that a reference may name; may hold the names of classes, or `*`.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// The members that an object may have.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// Where a member stands among `properties`.
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash(name) & mask;
        loop {
            let at = usize::from(self.slots[slot]);
            if at == EMPTY {
                return None;
            }
            if self.properties[at].name.as_bytes() == name {
                return Some(at);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Makes `position` know the properties.
    pub(super) fn index(&mut self) {
        if self.properties.is_empty() {
            return;
        }
        self.slots = vec![EMPTY as u8; (self.properties.len() * 4).next_power_of_two()];
        let mask = self.slots.len() - 1;
        for (at, property) in self.properties.iter().enumerate() {
            let mut slot = hash(property.name.as_bytes()) & mask;
            while usize::from(self.slots[slot]) != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = u8::try_from(at).unwrap_or(EMPTY as u8);
        }
    }
}

/// Cheap, and good enough for a few dozen known names.
fn hash(name: &[u8]) -> usize {
    let byte = |at: usize| usize::from(name.get(at).copied().unwrap_or_default());
    let length = name.len();
    length ^ (byte(0) << 1) ^ (byte(length / 2) << 3) ^ (byte(length.saturating_sub(1)) << 5)
}

const EMPTY: usize = u8::MAX as usize;
