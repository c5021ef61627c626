//! Bytes as text: hex and base64.

use super::{Fault, require};

/// An even, non-zero count of `0-9a-f` (STIX 2.1 §2.8); upper-case digits are a relaxed fault.
pub fn hex(text: &str) -> Result<(), Fault> {
    let is_even = !text.is_empty() && text.len().is_multiple_of(2);
    require(is_even && text.bytes().all(|byte| byte.is_ascii_hexdigit()), HEX)?;
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Err(Fault::relaxed("hex digits in lower case")),
        false => Ok(()),
    }
}

/// Base64 with the standard alphabet and padding, no line breaks (STIX 2.1 §2.1, RFC 4648 §4).
///
/// The bits that padding leaves over may be anything, since RFC 4648 §3.5 lets decoders choose.
pub fn base64(text: &str) -> Result<(), Fault> {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    require(text.len().is_multiple_of(4) && body.bytes().all(is_alphabet), BASE64)
}

const HEX: &str = "an even number of hex digits, at least two";
const BASE64: &str =
    "base64 with the alphabet A-Z a-z 0-9 + /, padded with = to a multiple of four, without line breaks";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_even_and_lower_case() {
        for good in ["00", "0123456789abcdef", "ffd8"] {
            assert_eq!(hex(good), Ok(()), "{good}");
        }
        for bad in ["", "0", "abc", "0g", "0x00", "ff d8", "ffd8\n", "é", "١٢"] {
            assert_eq!(hex(bad), Err(Fault::new(HEX)), "{bad:?}");
        }
        assert!(hex("FFD8").unwrap_err().relaxed);
        assert!(!hex("FFD").unwrap_err().relaxed);
    }

    #[test]
    fn base64_follows_the_vectors_of_rfc_4648() {
        for good in ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy", "+/+/", "Zh==", "Zm9="] {
            assert_eq!(base64(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for bad in [
            "Z", "Zg", "Zm8", "Zg=", "=", "==", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm\n9v", "Zm9-",
            "Zm9_", "Zm 9", "Zmé=", "Zg=a",
        ] {
            assert!(base64(bad).is_err(), "{bad:?}");
        }
    }
}
