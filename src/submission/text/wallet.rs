//! Addresses of wallets, by the checksums of their currencies.

use aws_lc_rs::digest::{SHA256, digest};
use sha3::{Digest, Keccak256};

/// Is it the address of a wallet? Bitcoin, Litecoin, Dogecoin, Tron, Ripple, Monero, Ethereum.
pub(super) fn is_wallet(text: &str) -> bool {
    match (text.len(), text.as_bytes().first()) {
        (42, Some(b'0')) => is_ethereum(text),
        (25..=35, Some(b'1' | b'3' | b'L' | b'M' | b'D' | b'A' | b'9' | b'T')) => {
            is_base58check(text, BITCOIN_LETTERS, &VERSIONS)
        }
        (25..=35, Some(b'r')) => is_base58check(text, RIPPLE_LETTERS, &[0x00]),
        (95 | 106, Some(b'4' | b'8')) => is_monero(text),
        (14..=90, Some(b'b' | b'B' | b'l' | b'L')) => is_segwit(text),
        _ => false,
    }
}

/// `0x` and 20 bytes in hex; letters of both cases are a checksum (EIP-55).
fn is_ethereum(text: &str) -> bool {
    let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    else {
        return false;
    };
    let first = digits.as_bytes()[0];
    if digits.bytes().all(|byte| byte == first) {
        return false;
    }
    let (has_upper, has_lower) =
        (digits.bytes().any(|b| b.is_ascii_uppercase()), digits.bytes().any(|b| b.is_ascii_lowercase()));
    !(has_upper && has_lower) || has_checksum_case(digits)
}

/// A letter is in upper case where the hash of the lower-case digits has a half-byte of 8 or more.
fn has_checksum_case(digits: &str) -> bool {
    let hash = Keccak256::digest(digits.to_ascii_lowercase().as_bytes());
    digits.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic()).all(|(at, byte)| {
        let half = hash.get(at / 2).map_or(0, |pair| if at % 2 == 0 { pair >> 4 } else { pair & 15 });
        byte.is_ascii_uppercase() == (half >= 8)
    })
}

/// A version byte, 20 bytes, and four bytes of the double SHA-256 of both.
fn is_base58check(text: &str, letters: &[u8; 58], versions: &[u8]) -> bool {
    let Some(bytes) = base58::<25>(text, letters) else { return false };
    let (payload, sum) = bytes.split_at(21);
    let twice = digest(&SHA256, digest(&SHA256, payload).as_ref());
    versions.contains(&payload[0])
        && twice.as_ref().starts_with(sum)
        && has_right_zeros(text, letters, payload)
}

/// Each zero byte at the start is one letter for zero, no more and no fewer.
fn has_right_zeros(text: &str, letters: &[u8; 58], payload: &[u8]) -> bool {
    let written = text.bytes().take_while(|byte| *byte == letters[0]).count();
    written == payload.iter().take_while(|byte| **byte == 0).count()
}

/// A number in base 58 as exactly so many bytes, the highest first.
fn base58<const N: usize>(text: &str, letters: &[u8; 58]) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    for letter in text.bytes() {
        let mut carry = u32::try_from(letters.iter().position(|one| *one == letter)?).ok()?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(bytes)
}

/// Blocks of 11 letters for 8 bytes; the last four bytes are of the Keccak hash of those before.
fn is_monero(text: &str) -> bool {
    let mut bytes = Vec::with_capacity(80);
    for block in text.as_bytes().chunks(11) {
        let Ok(block) = std::str::from_utf8(block) else { return false };
        // So many bytes are in a block of so many letters.
        let length = match block.len() {
            11 => 8,
            7 => 5,
            _ => return false,
        };
        let Some(decoded) = base58::<8>(block, BITCOIN_LETTERS) else { return false };
        let (high, low) = decoded.split_at(8 - length);
        if high.iter().any(|byte| *byte != 0) {
            return false;
        }
        bytes.extend_from_slice(low);
    }
    let (payload, sum) = bytes.split_at(bytes.len() - 4);
    matches!(payload[0], 18 | 19 | 42) && Keccak256::digest(payload).starts_with(sum)
}

/// BIP 173 and BIP 350: `bc1` or `ltc1`, a version, a program of 2 to 40 bytes, six letters of checksum.
fn is_segwit(text: &str) -> bool {
    let is_one_case =
        !(text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase()));
    let lower = text.to_ascii_lowercase();
    let Some((prefix, rest)) = ["bc", "ltc"].iter().find_map(|prefix| {
        lower.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('1')).map(|rest| (*prefix, rest))
    }) else {
        return false;
    };
    let values: Option<Vec<u8>> = rest
        .bytes()
        .map(|letter| {
            BECH32_LETTERS.iter().position(|one| *one == letter).and_then(|at| u8::try_from(at).ok())
        })
        .collect();
    let Some(values) = values.filter(|values| values.len() > 7 && is_one_case) else { return false };
    let version = values[0];
    let constant = if version == 0 { 1 } else { BECH32M };
    let program = (values.len() - 7) * 5 / 8;
    let has_length = match version {
        0 => matches!(program, 20 | 32),
        1..=16 => (2..=40).contains(&program),
        _ => false,
    };
    has_length && polymod(prefix, &values) == constant
}

/// The checksum of BIP 173.
fn polymod(prefix: &str, values: &[u8]) -> u32 {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low).chain(values.iter().copied()).fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATORS.iter().enumerate().fold(next, |next, (bit, generator)| match top >> bit & 1 {
            1 => next ^ generator,
            _ => next,
        })
    })
}

const BITCOIN_LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE_LETTERS: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
const BECH32_LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32M: u32 = 0x2bc8_30a3;
const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Version bytes: Bitcoin 0 and 5, Litecoin 0x30 and 0x32, Dogecoin 0x1e and 0x16, Tron 0x41.
const VERSIONS: [u8; 7] = [0x00, 0x05, 0x30, 0x32, 0x1e, 0x16, 0x41];

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses from the standards and of public knowledge (genesis block, BIP 173, BIP 350, EIP-55, donations).
    const GOOD: [&str; 12] = [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359",
        "rrrrrrrrrrrrrrrrrrrrrhoLvTp",
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    ];

    #[test]
    fn checksums_of_the_currencies_hold() {
        for good in GOOD {
            assert!(is_wallet(good), "{good}");
        }
    }

    #[test]
    fn one_wrong_letter_breaks_each() {
        for good in GOOD.iter().filter(|good| !good.starts_with("0xfb")) {
            for at in [4, good.len() / 2, good.len() - 1] {
                let mut wrong = good.as_bytes().to_vec();
                wrong[at] = match wrong[at] {
                    b'A' => b'C',
                    b'a' => b'c',
                    byte if byte.is_ascii_digit() && good.starts_with("0x") => continue,
                    byte if byte.is_ascii_lowercase() && good.starts_with("0x") => byte.to_ascii_uppercase(),
                    byte if byte.is_ascii_uppercase() && good.starts_with("0x") => byte.to_ascii_lowercase(),
                    b'2' | b'Q' | b'q' => b'3',
                    byte if byte.is_ascii_uppercase() => b'Q',
                    byte if byte.is_ascii_lowercase() => b'q',
                    _ => b'2',
                };
                let wrong = String::from_utf8(wrong).unwrap();
                assert!(!is_wallet(&wrong), "{wrong} from {good}");
            }
        }
    }

    #[test]
    fn other_words_are_no_wallets() {
        for other in [
            "",
            "1",
            "0x0000000000000000000000000000000000000000",
            "bc1",
            "thequickbrownfoxjumpsoverthelazydog",
        ] {
            assert!(!is_wallet(other), "{other}");
        }
        assert!(
            !is_wallet("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4"),
            "BIP 350, bad letter"
        );
    }
}
