//! PKCS#12 files that browsers, operating systems and Java import (RFC 7292).
//!
//! **3DES and SHA-1, on purpose.** Apple's keychain reads AES (PBES2) only since macOS 15, and not
//! on every path; Windows Server 2016 and Android 12 do not read it at all; all of them read 3DES.
//! What protects the file is its password: 130 random bits, which no number of guesses finds, however
//! weak the key derivation. 3DES then stands for 112 bits, and SHA-1 is used where collisions do not
//! matter (key derivation and HMAC). Sources and measurements: `certs/README.md`.
//!
//! The format has been frozen since 1999, so it is written out here with the primitives of the one
//! crypto provider rather than with a library that brings a second one and forty crates.

use aws_lc_rs::{
    cipher::{self, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest, hmac,
    iv::FixedLength,
};

use super::{Error, random};

/// The count that OpenSSL writes. With such a password a higher one would only be waiting.
const ITERATIONS: u16 = 2048;
/// Letters and digits that are not mistaken for each other; 32 of them, so 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const PASSWORD_LEN: usize = 26;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
/// `[0]`, constructed.
const CONTEXT: u8 = 0xa0;
/// `[0] IMPLICIT OCTET STRING`.
const CONTEXT_OCTETS: u8 = 0x80;

// Object identifiers below 1.2.840.113549.1, the PKCS arc.
const DATA: &[u8] = &[7, 1];
const ENCRYPTED_DATA: &[u8] = &[7, 6];
const FRIENDLY_NAME: &[u8] = &[9, 20];
const LOCAL_KEY_ID: &[u8] = &[9, 21];
const X509_CERTIFICATE: &[u8] = &[9, 22, 1];
const PBE_SHA1_3DES: &[u8] = &[12, 1, 3];
const SHROUDED_KEY_BAG: &[u8] = &[12, 10, 1, 2];
const CERTIFICATE_BAG: &[u8] = &[12, 10, 1, 3];
/// AlgorithmIdentifier of SHA-1.
const SHA1: &[u8] = &[SEQUENCE, 9, OBJECT_IDENTIFIER, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];

/// A random password of 130 bits.
pub(super) fn password() -> Result<String, Error> {
    let digits = random::<PASSWORD_LEN>()?.map(|b| char::from(ALPHABET[usize::from(b % 32)]));
    Ok(digits.iter().collect())
}

/// A PKCS#12 file with a client's key, its certificate, and the CA's certificate (all DER).
pub(super) fn write(
    name: &str,
    password: &str,
    key: &[u8],
    certificate: &[u8],
    ca: &[u8],
) -> Result<Vec<u8>, Error> {
    let attributes = attributes(name, digest::digest(&digest::SHA256, certificate).as_ref());
    let leaf = certificate_bag(certificate, attributes.clone());
    let bags = sequence(&[leaf, certificate_bag(ca, Vec::new())]);
    let (algorithm, encrypted) = encrypt(password, bags)?;
    let encrypted = tlv(CONTEXT_OCTETS, &[encrypted]);
    let content = sequence(&[pkcs(DATA), algorithm, encrypted]);
    let certificates = content_info(ENCRYPTED_DATA, sequence(&[integer(0), content]));

    let (algorithm, encrypted) = encrypt(password, key.to_vec())?;
    let shrouded = tlv(CONTEXT, &[sequence(&[algorithm, octets(&encrypted)])]);
    let bag = sequence(&[pkcs(SHROUDED_KEY_BAG), shrouded, attributes]);
    let keys = content_info(DATA, octets(&sequence(&[bag])));

    let safe = sequence(&[certificates, keys]);
    let mac = mac(password, &safe)?;
    let safe = content_info(DATA, octets(&safe));
    Ok(sequence(&[integer(3), safe, mac]))
}

/// Both the key and its certificate carry these; importers pair them by the local key id.
fn attributes(name: &str, key_id: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let attribute = |id, value| sequence(&[pkcs(id), tlv(SET, &[value])]);
    let mut attributes =
        [attribute(FRIENDLY_NAME, tlv(BMP_STRING, &[name])), attribute(LOCAL_KEY_ID, octets(key_id))];
    attributes.sort(); // DER orders a SET OF by encoding.
    tlv(SET, &attributes)
}

fn certificate_bag(certificate: &[u8], attributes: Vec<u8>) -> Vec<u8> {
    let value = tlv(CONTEXT, &[octets(certificate)]);
    let value = sequence(&[pkcs(X509_CERTIFICATE), value]);
    sequence(&[pkcs(CERTIFICATE_BAG), tlv(CONTEXT, &[value]), attributes])
}

fn content_info(kind: &[u8], content: Vec<u8>) -> Vec<u8> {
    sequence(&[pkcs(kind), tlv(CONTEXT, &[content])])
}

/// pbeWithSHAAnd3-KeyTripleDES-CBC: the AlgorithmIdentifier and the ciphertext.
#[expect(deprecated, reason = "3DES is what all importers read")]
fn encrypt(password: &str, mut content: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let salt = random::<8>()?;
    let key: [u8; 24] = derive(password, &salt, 1);
    let iv = FixedLength::from(derive::<8>(password, &salt, 2));
    UnboundCipherKey::new(&cipher::DES_EDE3_FOR_LEGACY_USE_ONLY, &key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.less_safe_encrypt(&mut content, EncryptionContext::Iv64(iv)))
        .map_err(Error::crypto("encrypt the .p12 file"))?;
    let parameters = sequence(&[octets(&salt), integer(ITERATIONS)]);
    Ok((sequence(&[pkcs(PBE_SHA1_3DES), parameters]), content))
}

/// MacData (RFC 7292 §4): HMAC-SHA-1 over the authenticated safe.
fn mac(password: &str, safe: &[u8]) -> Result<Vec<u8>, Error> {
    let salt = random::<8>()?;
    let key: [u8; 20] = derive(password, &salt, 3);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = octets(hmac::sign(&key, safe).as_ref());
    let info = sequence(&[SHA1.to_vec(), tag]);
    Ok(sequence(&[info, octets(&salt), integer(ITERATIONS)]))
}

/// Key derivation of RFC 7292 §B.2 with SHA-1; `id` is 1 for a key, 2 for an IV, 3 for a MAC key.
fn derive<const N: usize>(password: &str, salt: &[u8], id: u8) -> [u8; N] {
    const BLOCK: usize = 64;
    let password = password.encode_utf16().chain([0]);
    let password: Vec<u8> = password.flat_map(u16::to_be_bytes).collect();
    let mut input = Vec::new();
    for part in [salt, &password] {
        let filled = part.len().next_multiple_of(BLOCK);
        input.extend(part.iter().cycle().take(filled));
    }
    let mut derived = Vec::new();
    while derived.len() < N {
        let mut hash = sha1(&[&[id; BLOCK][..], &input].concat());
        for _ in 1..ITERATIONS {
            hash = sha1(hash.as_ref());
        }
        derived.extend_from_slice(hash.as_ref());
        // Every block of the input grows by one plus the hash, repeated to the length of a block.
        for block in input.chunks_mut(BLOCK) {
            let mut carry = 1;
            for (i, byte) in block.iter_mut().enumerate().rev() {
                carry += u16::from(*byte) + u16::from(hash.as_ref()[i % 20]);
                [_, *byte] = carry.to_be_bytes();
                carry >>= 8;
            }
        }
    }
    std::array::from_fn(|i| derived[i])
}

fn sha1(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

/// DER: tag, length, and the parts one after the other.
fn tlv(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = &length[content.len().leading_zeros() as usize / 8..];
    let mut der = vec![tag];
    match significant {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        _ => {
            der.push(0x80 | u8::try_from(significant.len()).expect("at most eight"));
            der.extend_from_slice(significant);
        }
    }
    der.extend(content);
    der
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(OCTETS, &[bytes.to_vec()])
}

/// An object identifier below the PKCS arc.
fn pkcs(tail: &[u8]) -> Vec<u8> {
    let arc = vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1];
    tlv(OBJECT_IDENTIFIER, &[arc, tail.to_vec()])
}

/// An INTEGER below 2¹⁵.
fn integer(value: u16) -> Vec<u8> {
    match value.to_be_bytes() {
        [0, low] => tlv(INTEGER, &[vec![low]]),
        both => tlv(INTEGER, &[both.to_vec()]),
    }
}
