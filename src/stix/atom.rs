//! Plain values that lists carry and that people look up: their kinds, and the one spelling of each.

mod fraud;
mod kinds;
mod network;
mod read;
mod source;
mod stored;
mod text;

pub use kinds::Kinds;
pub use read::{of_indicator, of_observable};
pub(in crate::stix) use source::seen;
pub use source::{Named, Source, description, may_name_values, read};
pub(crate) use stored::{INDICATOR_TYPES, brief_of, put_length, source_of, take_length};

use std::fmt;

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An IPv4 address.
    Ipv4 = 1,
    /// An IPv4 network, such as `203.0.113.0/24`.
    Ipv4Network,
    /// An IPv6 address.
    Ipv6,
    /// An IPv6 network.
    Ipv6Network,
    /// A host or domain name.
    Domain,
    /// A URL with a host.
    Url,
    /// An e-mail address.
    Email,
    /// A file's name.
    FileName,
    /// MD5 of a file.
    FileMd5,
    /// SHA-1 of a file.
    FileSha1,
    /// SHA-256 of a file.
    FileSha256,
    /// SHA-512 of a file.
    FileSha512,
    /// The fuzzy hash of a file.
    FileSsdeep,
    /// MD5 of a certificate.
    CertificateMd5,
    /// SHA-1 of a certificate.
    CertificateSha1,
    /// SHA-256 of a certificate.
    CertificateSha256,
    /// The number of an autonomous system.
    AsNumber,
    /// A MAC address.
    Mac,
    /// The name of a mutex.
    Mutex,
    /// A key of the Windows registry.
    RegistryKey,
    /// The name of an account.
    Account,
    /// A user agent.
    UserAgent,
    /// An international bank account number.
    Iban,
    /// A telephone number.
    Phone,
    /// The address of a wallet.
    Wallet,
}

impl Kind {
    /// All, in order.
    pub const ALL: [Self; 25] = [
        Self::Ipv4,
        Self::Ipv4Network,
        Self::Ipv6,
        Self::Ipv6Network,
        Self::Domain,
        Self::Url,
        Self::Email,
        Self::FileName,
        Self::FileMd5,
        Self::FileSha1,
        Self::FileSha256,
        Self::FileSha512,
        Self::FileSsdeep,
        Self::CertificateMd5,
        Self::CertificateSha1,
        Self::CertificateSha256,
        Self::AsNumber,
        Self::Mac,
        Self::Mutex,
        Self::RegistryKey,
        Self::Account,
        Self::UserAgent,
        Self::Iban,
        Self::Phone,
        Self::Wallet,
    ];

    /// The number that it is stored by.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind stored by a number.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number.checked_sub(1)?)).copied()
    }

    /// The STIX type of the observable that has such a value.
    pub fn object_type(self) -> &'static str {
        match self {
            Self::Ipv4 | Self::Ipv4Network => "ipv4-addr",
            Self::Ipv6 | Self::Ipv6Network => "ipv6-addr",
            Self::Domain => "domain-name",
            Self::Url => "url",
            Self::Email => "email-addr",
            Self::FileName
            | Self::FileMd5
            | Self::FileSha1
            | Self::FileSha256
            | Self::FileSha512
            | Self::FileSsdeep => "file",
            Self::CertificateMd5 | Self::CertificateSha1 | Self::CertificateSha256 => "x509-certificate",
            Self::AsNumber => "autonomous-system",
            Self::Mac => "mac-addr",
            Self::Mutex => "mutex",
            Self::RegistryKey => "windows-registry-key",
            Self::Account => "user-account",
            Self::UserAgent => "user-agent",
            Self::Iban => "bank-account",
            Self::Phone => "phone-number",
            Self::Wallet => "cryptocurrency-wallet",
        }
    }

    /// The path of the value in that observable, as patterns write it.
    pub fn path(self) -> &'static str {
        match self {
            Self::FileName | Self::Mutex => "name",
            Self::FileMd5 | Self::CertificateMd5 => "hashes.MD5",
            Self::FileSha1 | Self::CertificateSha1 => "hashes.'SHA-1'",
            Self::FileSha256 | Self::CertificateSha256 => "hashes.'SHA-256'",
            Self::FileSha512 => "hashes.'SHA-512'",
            Self::FileSsdeep => "hashes.SSDEEP",
            Self::AsNumber => "number",
            Self::RegistryKey => "key",
            Self::Account => "account_login",
            Self::Iban => "iban",
            _ => "value",
        }
    }

    /// Its name: the type, and where a type has several values, the path: `file:hashes.'SHA-256'`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FileName => "file:name",
            Self::FileMd5 => "file:hashes.MD5",
            Self::FileSha1 => "file:hashes.'SHA-1'",
            Self::FileSha256 => "file:hashes.'SHA-256'",
            Self::FileSha512 => "file:hashes.'SHA-512'",
            Self::FileSsdeep => "file:hashes.SSDEEP",
            Self::CertificateMd5 => "x509-certificate:hashes.MD5",
            Self::CertificateSha1 => "x509-certificate:hashes.'SHA-1'",
            Self::CertificateSha256 => "x509-certificate:hashes.'SHA-256'",
            _ => self.object_type(),
        }
    }
}

/// A value in its one spelling; made by [`Atom::parse`] only, so it holds what its kind must hold: no
/// control characters, hosts and addresses that are such, hashes of the right length.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    kind: Kind,
    text: String,
}

/// Why a text is no value of a kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAtom(pub(crate) &'static str);

impl Atom {
    /// Reads a value, and brings it to its one spelling. An address with a prefix length becomes a network,
    /// one with the longest an address.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, NoAtom> {
        if text.len() > LENGTH_MAX {
            return Err(NoAtom("longer than 4096 bytes"));
        }
        let (kind, text) = match kind {
            Kind::Ipv4 | Kind::Ipv4Network => network::v4(text)?,
            Kind::Ipv6 | Kind::Ipv6Network => network::v6(text)?,
            Kind::Domain => (kind, network::domain(text)?),
            Kind::Url => (kind, network::url(text)?),
            Kind::Email => (kind, network::email(text)?),
            Kind::FileMd5 | Kind::CertificateMd5 => (kind, text::hex(text, 32)?),
            Kind::FileSha1 | Kind::CertificateSha1 => (kind, text::hex(text, 40)?),
            Kind::FileSha256 | Kind::CertificateSha256 => (kind, text::hex(text, 64)?),
            Kind::FileSha512 => (kind, text::hex(text, 128)?),
            Kind::FileSsdeep => (kind, text::ssdeep(text)?),
            Kind::AsNumber => (kind, text::number(text)?),
            Kind::Mac => (kind, text::mac(text)?),
            Kind::Iban => (kind, fraud::iban(text)?),
            Kind::Phone => (kind, fraud::phone(text)?),
            Kind::Wallet => (kind, fraud::wallet(text)?),
            Kind::FileName | Kind::Mutex | Kind::RegistryKey | Kind::Account | Kind::UserAgent => {
                (kind, text::plain(text)?)
            }
        };
        Ok(Self { kind, text })
    }

    /// A value as it was stored, which was parsed before.
    pub(crate) fn stored(kind: Kind, text: String) -> Self {
        Self { kind, text }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its one spelling.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same, by itself.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The host of a URL, the domain of an e-mail address, the name itself of a domain: without brackets.
    pub fn host(&self) -> Option<&str> {
        match self.kind {
            Kind::Domain => Some(&self.text),
            Kind::Email => self.text.rsplit_once('@').map(|(_, host)| host),
            Kind::Url => host_of(&self.text),
            _ => None,
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The host of a URL in its one spelling, without brackets.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next(),
        None => host.split(':').next(),
    }
}

/// The longest value, in bytes.
const LENGTH_MAX: usize = 4096;

#[cfg(test)]
mod tests;
