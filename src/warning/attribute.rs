//! The names that other platforms give to kinds of values.

use crate::stix::atom::{Kind, Kinds};

/// What a list's `matching_attributes` reach; without any, or with `ALL`, all.
pub(super) fn reach(names: Option<&[String]>) -> Kinds {
    match names {
        None | Some([]) => Kinds::ALL,
        Some(names) if names.iter().any(|name| name == "ALL") => Kinds::ALL,
        // Of `a|b` both halves are tested.
        Some(names) => names
            .iter()
            .flat_map(|name| name.split('|'))
            .fold(Kinds::default(), |reach, name| reach.and(Kinds::of(kinds(name)))),
    }
}

/// Kinds whose one spelling is in lower case, so that entries are lowered for them.
pub(super) const LOWERED: [Kind; 14] = [
    Kind::Ipv4,
    Kind::Ipv4Network,
    Kind::Ipv6,
    Kind::Ipv6Network,
    Kind::Domain,
    Kind::Email,
    Kind::FileMd5,
    Kind::FileSha1,
    Kind::FileSha256,
    Kind::FileSha512,
    Kind::CertificateMd5,
    Kind::CertificateSha1,
    Kind::CertificateSha256,
    Kind::Mac,
];

/// The kinds of one name; of names that we have no kind for, none.
fn kinds(name: &str) -> &'static [Kind] {
    match name {
        "ip-src" | "ip-dst" | "ip" => &[Kind::Ipv4, Kind::Ipv4Network, Kind::Ipv6, Kind::Ipv6Network],
        "domain" | "hostname" => &[Kind::Domain],
        "url" | "uri" | "link" => &[Kind::Url],
        "email"
        | "email-src"
        | "email-dst"
        | "email-reply-to"
        | "target-email"
        | "dns-soa-email"
        | "whois-registrant-email" => &[Kind::Email],
        "filename" | "attachment" => &[Kind::FileName],
        "malware-sample" => &[Kind::FileName, Kind::FileMd5],
        "md5" => &[Kind::FileMd5],
        "sha1" => &[Kind::FileSha1],
        "sha256" => &[Kind::FileSha256],
        "sha512" => &[Kind::FileSha512],
        "ssdeep" => &[Kind::FileSsdeep],
        "x509-fingerprint-md5" => &[Kind::CertificateMd5],
        "x509-fingerprint-sha1" => &[Kind::CertificateSha1],
        "x509-fingerprint-sha256" => &[Kind::CertificateSha256],
        "AS" => &[Kind::AsNumber],
        "mac-address" => &[Kind::Mac],
        "mutex" => &[Kind::Mutex],
        "regkey" => &[Kind::RegistryKey],
        "target-user" => &[Kind::Account],
        "user-agent" => &[Kind::UserAgent],
        "iban" => &[Kind::Iban],
        "phone-number" | "whois-registrant-phone" => &[Kind::Phone],
        "btc" | "dash" | "xmr" => &[Kind::Wallet],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(names: &[&str]) -> Vec<Kind> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let reach = reach(Some(&names));
        Kind::ALL.into_iter().filter(|kind| reach.has(*kind)).collect()
    }

    #[test]
    fn names_lead_to_kinds_and_of_two_both_halves_count() {
        let ip = [Kind::Ipv4, Kind::Ipv4Network, Kind::Ipv6, Kind::Ipv6Network];
        assert_eq!(reached(&["ip-src"]), ip);
        assert_eq!(reached(&["ip-dst|port"]), ip);
        assert_eq!(reached(&["domain|ip"]), [&ip[..], &[Kind::Domain]].concat());
        assert_eq!(reached(&["filename|sha256"]), [Kind::FileName, Kind::FileSha256]);
        assert_eq!(reached(&["uri", "target-email"]), [Kind::Url, Kind::Email]);
        assert_eq!(
            reached(&["x509-fingerprint-sha1", "whois-registrant-phone"]),
            [Kind::CertificateSha1, Kind::Phone]
        );
        assert_eq!(reached(&["snort", "sha224"]), []);
    }

    #[test]
    fn all_and_none_reach_everything() {
        assert_eq!(reached(&["md5", "ALL"]), Kind::ALL);
        assert_eq!(reached(&[]), Kind::ALL);
        assert_eq!(reach(None), Kinds::ALL);
        assert_eq!(reached(&["all"]), [], "the literal is in upper case");
    }
}
