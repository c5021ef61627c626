//! The three certificate profiles. `certs/README.md` has them in a table.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use super::{Error, random};

/// Certificates and CRLs begin this long before they are made: partners' clocks differ, and one
/// from the future is refused without tolerance.
pub(super) const BACKDATE: Duration = Duration::minutes(5);
/// Scheme of the identity URI (design §3).
pub(super) const URN: &str = "urn:liaison:";

/// Start and end.
pub(super) type Validity = (OffsetDateTime, OffsetDateTime);

/// `days` from [`BACKDATE`] ago, if that is within the limit for this kind of certificate.
pub(super) fn validity(
    kind: &'static str,
    days: u32,
    max: u32,
    now: OffsetDateTime,
) -> Result<Validity, Error> {
    if days == 0 || days > max {
        return Err(Error::Days(kind, days, max));
    }
    let start = now.truncate_to_second() - BACKDATE;
    Ok((start, start + Duration::days(days.into())))
}

/// The CA: it signs leaves and CRLs, and nothing below it may be a CA.
pub(super) fn ca(hub_name: &str, validity: Validity) -> Result<CertificateParams, Error> {
    let length = hub_name.chars().count();
    let blank = hub_name.trim().is_empty();
    // X.520 ends a name at 64 characters, and " CA" is to fit.
    if blank || length > 60 || hub_name.chars().any(char::is_control) {
        return Err(Error::HubName(hub_name.to_owned()));
    }
    let mut params = leaf(Some(hub_name), &format!("{hub_name} CA"), validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// The hub's own certificate. Clients look at the names only; the subject is for people.
pub(super) fn server(names: &[String], validity: Validity) -> Result<CertificateParams, Error> {
    if names.is_empty() {
        return Err(Error::ServerName(String::new()));
    }
    let mut params = leaf(None, "Liaison server", validity)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in names {
        params.subject_alt_names.push(server_name(name)?);
    }
    Ok(params)
}

/// A client's certificate. The URI alone is its identity; the subject is for people.
pub(super) fn client(org: &str, client: &str, validity: Validity) -> Result<CertificateParams, Error> {
    check_slug("organisation", org)?;
    check_slug("client", client)?;
    let uri = format!("{URN}{org}:{client}");
    let uri = uri.try_into().map_err(Error::crypto("write the identity"))?;
    let mut params = leaf(Some(org), client, validity)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![SanType::URI(uri)];
    Ok(params)
}

/// What the profiles share.
fn leaf(
    organisation: Option<&str>,
    common_name: &str,
    (not_before, not_after): Validity,
) -> Result<CertificateParams, Error> {
    let mut name = DistinguishedName::new();
    if let Some(organisation) = organisation {
        name.push(DnType::OrganizationName, organisation);
    }
    name.push(DnType::CommonName, common_name);
    // 128 bits. The first two are 01, so that the number is positive and always has 16 octets.
    let mut serial = random::<16>()?;
    serial[0] = serial[0] & 0x3f | 0x40;

    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = not_before;
    params.not_after = not_after;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn server_name(name: &str) -> Result<SanType, Error> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    let refused = || Error::ServerName(name.to_owned());
    let host = name.strip_prefix("*.").unwrap_or(name);
    // A last label of digits alone is a mistyped address; no client would match it as a name.
    let mistyped = host.rsplit('.').next().map(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > 253 || mistyped == Some(true) || !host.split('.').all(is_label) {
        return Err(refused());
    }
    name.try_into().map(SanType::DnsName).map_err(|_| refused())
}

/// An organisation or client id becomes part of a URI and of a path.
fn check_slug(kind: &'static str, value: &str) -> Result<(), Error> {
    if is_label(value) && !value.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Error::Slug(kind, value.to_owned()))
}

/// Letters, digits and inner hyphens, 1 to 63 (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
