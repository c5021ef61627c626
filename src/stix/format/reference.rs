//! Names that others give: CVE and CAPEC ids, hives of the Windows registry.

use super::{Fault, Verdict, require};

/// An `external_id` seen with its `source_name` (STIX 2.1 §2.5).
///
/// Under `cve` and `capec` it must have their form; such an id under another name gives advice.
pub fn external_id(source_name: &str, external_id: &str) -> Verdict {
    match source_name {
        "cve" => require(is_cve(external_id), "an id like CVE-2014-0160 under the source name cve").into(),
        "capec" => require(is_capec(external_id), "an id like CAPEC-163 under the source name capec").into(),
        _ if is_cve(external_id) => Verdict::Advice("the source name cve for a CVE id"),
        _ if is_capec(external_id) => Verdict::Advice("the source name capec for a CAPEC id"),
        _ => Verdict::Good,
    }
}

/// The key of a Windows registry key, whose hive is written out (STIX 2.1 §6.17). Every fault is relaxed:
/// analysts type the abbreviations, and MISP's converter passes them on.
pub fn registry_key(key: &str) -> Result<(), Fault> {
    let hive = key.split('\\').next().unwrap_or("");
    match HIVES.iter().find(|(short, _)| short.eq_ignore_ascii_case(hive)) {
        Some((_, expected)) => Err(Fault::relaxed(expected)),
        None => Ok(()),
    }
}

/// `CVE-`, four digits, a hyphen, four or more digits.
fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    year.len() == 4 && is_digits(year) && number.len() >= 4 && is_digits(number)
}

/// `CAPEC-` and digits.
fn is_capec(text: &str) -> bool {
    text.strip_prefix("CAPEC-").is_some_and(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const HIVES: &[(&str, &str)] = &[
    ("HKCC", "HKEY_CURRENT_CONFIG instead of its abbreviation"),
    ("HKCR", "HKEY_CLASSES_ROOT instead of its abbreviation"),
    ("HKCU", "HKEY_CURRENT_USER instead of its abbreviation"),
    ("HKLM", "HKEY_LOCAL_MACHINE instead of its abbreviation"),
    ("HKU", "HKEY_USERS instead of its abbreviation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fit_their_source_name() {
        for (source, id) in [
            ("cve", "CVE-2014-0160"),
            ("cve", "CVE-2021-1234567"),
            ("capec", "CAPEC-163"),
            ("capec", "CAPEC-1"),
            ("mitre-attack", "T1059"),
            ("acme", "CVE-14-0160"),
            ("acme", ""),
        ] {
            assert_eq!(external_id(source, id), Verdict::Good, "{source} {id}");
        }
        for (source, id) in [("nvd", "CVE-2014-0160"), ("CVE", "CVE-2014-0160"), ("cve-mitre", "CAPEC-163")] {
            assert!(matches!(external_id(source, id), Verdict::Advice(_)), "{source} {id}");
        }
    }

    #[test]
    fn ids_that_do_not_fit_are_refused() {
        for id in [
            "",
            "2014-0160",
            "CVE-2014",
            "CVE-2014-",
            "CVE-2014-016",
            "CVE-14-0160",
            "cve-2014-0160",
            "CVE-2014-0160 ",
            "CVE-2014-0160\n",
            "CVE-2014-01a0",
            "CVE-2014-٠١٦٠",
            "CAPEC-1",
            "CVE-2014-0160-1",
        ] {
            assert!(matches!(external_id("cve", id), Verdict::Bad(_)), "{id:?}");
        }
        for id in ["", "CAPEC-", "CAPEC-x", "capec-1", "163", "CAPEC-1.1", "CVE-2014-0160"] {
            assert!(matches!(external_id("capec", id), Verdict::Bad(_)), "{id:?}");
        }
    }

    #[test]
    fn hives_are_written_out_at_the_front_only() {
        for good in [
            "HKEY_LOCAL_MACHINE\\System\\Foo",
            "hkey_users\\x",
            "HKEY_LOCAL_MACHINE\\HKLM\\HKCU",
            "HKLMX\\a",
            "Software\\HKLM",
            "",
        ] {
            assert_eq!(registry_key(good), Ok(()), "{good}");
        }
        for bad in ["HKLM\\System", "hkcu\\Software", "HkCr\\x", "HKU\\S-1-5", "HKCC\\x", "HKLM"] {
            assert!(registry_key(bad).is_err(), "{bad}");
        }
        assert!(registry_key("HKU\\x").unwrap_err().expected.contains("HKEY_USERS"));
    }
}
