//! Signed notes: text with Ed25519 signatures below it (<https://c2sp.org/signed-note>).

use super::hash::{from_hex, sha256, to_hex};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// Longest signed note, in bytes: a checkpoint with dozens of witnesses' signatures.
pub const NOTE_MAX_BYTES: usize = 128 * 1024;

/// A key that signs. Its name is the one that its signatures and its [`Verifier`] carry.
#[derive(Debug)]
pub struct Signer {
    verifier: Verifier,
    pair: Ed25519KeyPair,
}

/// A public key, and the name of who signs with it; as text, `name+hash+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; KEY_BYTES],
}

/// What is wrong with a key or a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a name for a key.
    #[error("`{0}` cannot name a key: give a name without spaces and `+`, such as the hub's host name")]
    Name(String),
    /// Not a private key.
    #[error(
        "not an Ed25519 private key in PEM (`BEGIN PRIVATE KEY`, PKCS#8): restore the file or make a new key"
    )]
    PrivateKey,
    /// The cryptographic library failed.
    #[error("the system could not make or write an Ed25519 key")]
    Crypto,
    /// Not a verifier key.
    #[error("not a verifier key `name+hash+key`: copy the whole line that the signer published")]
    VerifierKey,
    /// Parts of a verifier key belong to different keys.
    #[error("the verifier key of `{0}` does not match its hash: copy the whole line again")]
    VerifierHash(String),
    /// Not a signed note.
    #[error("not a signed note: {0}; copy the whole file, with its line ends")]
    Malformed(&'static str),
    /// A signature of a known key is wrong.
    #[error("the signature of `{0}` is wrong: the text was changed after it was signed")]
    BadSignature(String),
    /// No known key signed.
    #[error("none of your verifier keys signed this: ask the signer for the verifier key in use")]
    NotSigned,
}

impl Signer {
    /// A new key.
    pub fn generate(name: &str) -> Result<Self, Error> {
        Self::new(name, Ed25519KeyPair::generate().map_err(|_| Error::Crypto)?)
    }

    /// The key with this seed, which is the private key of RFC 8032 §5.1.5.
    pub fn from_seed(name: &str, seed: &[u8; KEY_BYTES]) -> Result<Self, Error> {
        Self::new(name, Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::PrivateKey)?)
    }

    /// The key in the PEM text of a PKCS#8 document (RFC 7468 §10, RFC 8410 §7).
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, Error> {
        let base64 = pem.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        let base64: String = base64.ok_or(Error::PrivateKey)?.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| Error::PrivateKey)?;
        Self::new(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| Error::PrivateKey)?)
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<Self, Error> {
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(pair.public_key().as_ref());
        Ok(Self { verifier: Verifier::new(name, key)?, pair })
    }

    /// The private key as PEM: keep it where nobody but the hub reads it. `openssl pkey` reads it too.
    pub fn to_pem(&self) -> Result<String, Error> {
        let der = self.pair.to_pkcs8v1().map_err(|_| Error::Crypto)?;
        Ok(format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der)))
    }

    /// What others need to check signatures.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The note of a text. Only checkpoints are signed: a key that signs whatever it is given could be
    /// given a checkpoint. The text must be printable, in lines that each end with a line feed.
    pub(super) fn sign(&self, text: &str) -> Result<String, Error> {
        check_text(text)?;
        let mut signature = self.verifier.hash().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        Ok(format!("{text}\n{DASH}{} {}\n", self.verifier.name, STANDARD.encode(signature)))
    }
}

impl Verifier {
    fn new(name: &str, key: [u8; KEY_BYTES]) -> Result<Self, Error> {
        match is_name(name) {
            true => Ok(Self { name: name.to_owned(), key }),
            false => Err(Error::Name(name.to_owned())),
        }
    }

    /// The name of who signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key ID (signed-note, "Signatures").
    fn hash(&self) -> [u8; HASH_BYTES] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ED25519_TYPE], &self.key]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }
}

/// The text of a note, and which of the keys signed it. A wrong signature of one of them makes the
/// whole note wrong; signatures of others, such as witnesses, do not count.
pub(super) fn open<'a>(note: &'a str, keys: &'a [Verifier]) -> Result<(&'a str, &'a Verifier), Error> {
    if note.len() > NOTE_MAX_BYTES {
        return Err(Error::Malformed("it is longer than 128 KiB"));
    }
    let blank = note.rfind("\n\n").ok_or(Error::Malformed("no blank line stands before the signatures"))?;
    let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
    check_text(text)?;
    let signatures =
        signatures.strip_suffix('\n').ok_or(Error::Malformed("it does not end with a line feed"))?;
    let mut signed = None;
    for line in signatures.split('\n') {
        let (name, hash, signature) =
            parse_signature(line).ok_or(Error::Malformed("a signature is damaged"))?;
        let Some(key) = keys.iter().find(|key| key.name == name && key.hash() == hash) else { continue };
        if UnparsedPublicKey::new(&ED25519, key.key).verify(text.as_bytes(), &signature).is_err() {
            return Err(Error::BadSignature(name.to_owned()));
        }
        signed = signed.or(Some(key));
    }
    Ok((text, signed.ok_or(Error::NotSigned)?))
}

/// The notes in a text that holds one after the other; each begins where the signatures of the one
/// before end.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = rest.find("\n\n")? + 2;
        while rest[end..].starts_with(DASH) {
            end = rest[end..].find('\n').map_or(rest.len(), |line| end + line + 1);
        }
        let note;
        (note, rest) = rest.split_at(end);
        Some(note)
    })
}

/// Name, key hash and signature of a line.
fn parse_signature(line: &str) -> Option<(&str, [u8; HASH_BYTES], Vec<u8>)> {
    let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (hash, signature) = bytes.split_first_chunk()?;
    (is_name(name) && !signature.is_empty()).then(|| (name, *hash, signature.to_vec()))
}

fn check_text(text: &str) -> Result<(), Error> {
    if !text.ends_with('\n') {
        return Err(Error::Malformed("the last line has no line feed"));
    }
    match text.bytes().all(|byte| byte >= b' ' || byte == b'\n') {
        true => Ok(()),
        false => Err(Error::Malformed("it has control characters, such as carriage returns")),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || char.is_control() || char == '+')
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_TYPE], self.key.as_slice()].concat());
        write!(f, "{}+{}+{key}", self.name, to_hex(&self.hash()))
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::VerifierKey);
        };
        let typed = STANDARD.decode(base64).map_err(|_| Error::VerifierKey)?;
        let key = typed.strip_prefix(&[ED25519_TYPE]).and_then(|key| key.try_into().ok());
        let verifier = Self::new(name, key.ok_or(Error::VerifierKey)?)?;
        let hash = from_hex(hash).ok_or(Error::VerifierKey)?;
        if hash == verifier.hash() { Ok(verifier) } else { Err(Error::VerifierHash(verifier.name)) }
    }
}

const KEY_BYTES: usize = 32;
const HASH_BYTES: usize = 4;
/// Signature type of Ed25519 (signed-note, "Signature types").
const ED25519_TYPE: u8 = 0x01;
const DASH: &str = "\u{2014} ";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;

    // The example keys and notes of Go's `golang.org/x/mod/sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETER_PRIVATE: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

    fn peter() -> Signer {
        let seed = STANDARD.decode(PETER_PRIVATE).unwrap();
        Signer::from_seed("PeterNeumann", seed[1..].try_into().unwrap()).unwrap()
    }

    #[test]
    fn published_example_is_signed_and_opened() {
        assert_eq!(peter().verifier().to_string(), PETER);
        let note = peter().sign(TEXT).unwrap();
        assert_eq!(note, format!("{TEXT}\n{PETER_LINE}"));
        let keys: Vec<Verifier> = vec![ENOCH.parse().unwrap(), PETER.parse().unwrap()];
        assert_eq!(open(&note, &keys), Ok((TEXT, &keys[1])));
        assert_eq!(open(&note, &keys[..1]), Err(Error::NotSigned));
        let both = format!("{note}{ENOCH_LINE}");
        assert_eq!(open(&both, &keys[..1]), Ok((TEXT, &keys[0])));
        assert_eq!(open(&both, &keys[1..]), Ok((TEXT, &keys[1])));
        assert_eq!(open(&both, &[]), Err(Error::NotSigned));
    }

    #[test]
    fn notes_of_a_file_are_told_apart() {
        let one = format!("{TEXT}\n{PETER_LINE}");
        let two = format!("other\n\n{PETER_LINE}{ENOCH_LINE}");
        let file = format!("{one}{two}{one}");
        assert_eq!(split(&file).collect::<Vec<_>>(), [one.as_str(), &two, &one]);
        assert_eq!(split("").count(), 0);
        assert_eq!(split("no note\n").count(), 0);
        assert_eq!(split(&file[..file.len() - 5]).last(), Some(&one[..one.len() - 5]));
    }

    #[test]
    fn every_mangled_verifier_key_is_refused() {
        for start in 0..=PETER.len() {
            for end in start..=PETER.len() {
                assert_eq!(PETER[start..end].parse::<Verifier>().is_ok(), start == 0 && end == PETER.len());
            }
        }
        for at in 0..PETER.len() {
            let mut wrong = PETER.as_bytes().to_vec();
            wrong[at] += 1;
            assert!(String::from_utf8(wrong).unwrap().parse::<Verifier>().is_err());
        }
        let long = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==";
        let unknown = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(long.parse::<Verifier>(), Err(Error::VerifierKey));
        assert_eq!(unknown.parse::<Verifier>(), Err(Error::VerifierKey));
    }

    #[test]
    fn no_byte_of_a_note_can_be_changed() {
        let note = format!("{TEXT}\n{PETER_LINE}");
        let keys: Vec<Verifier> = vec![PETER.parse().unwrap()];
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut wrong = note.clone().into_bytes();
                wrong[at] ^= 1 << bit;
                if let Ok(wrong) = String::from_utf8(wrong) {
                    assert!(open(&wrong, &keys).is_err(), "{wrong}");
                }
            }
        }
        for length in (0..note.len()).filter(|length| note.is_char_boundary(*length)) {
            assert!(open(&note[..length], &keys).is_err());
        }
    }

    #[test]
    fn malformed_notes_say_what_is_wrong() {
        let keys: Vec<Verifier> = vec![PETER.parse().unwrap()];
        let bad = [
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            format!("{TEXT}\n{}", &PETER_LINE[..PETER_LINE.len() - 1]),
            format!("\u{1}{TEXT}\n{PETER_LINE}"),
            format!("{TEXT}\n{PETER_LINE}").replace('\n', "\r\n"),
            format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "Bad Name")),
            format!("{TEXT}\n{PETER_LINE}Unexpected line.\n"),
            format!("{TEXT}\n{}", PETER_LINE.repeat(2000)),
        ];
        for note in bad {
            assert!(matches!(open(&note, &keys), Err(Error::Malformed(_))), "{note}");
        }
        assert!(matches!(peter().sign("no line feed"), Err(Error::Malformed(_))));
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
            assert_eq!(Signer::generate(name).unwrap_err(), Error::Name(name.to_owned()));
        }
    }

    #[test]
    fn private_key_survives_its_file() {
        let signer = Signer::generate("hub.example").unwrap();
        let pem = signer.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"), "{pem}");
        let again = Signer::from_pem("hub.example", &pem).unwrap();
        assert_eq!(again.sign(TEXT), signer.sign(TEXT));
        assert_eq!(
            open(&again.sign(TEXT).unwrap(), std::slice::from_ref(signer.verifier())).unwrap().0,
            TEXT
        );
        assert!(!format!("{signer:?}").contains(&pem[80..90]));
        for wrong in [&pem[1..], &pem[..60], "", &pem.replace("MC4C", "MC5C"), &pem.replace("PRIVATE", "EC")]
        {
            assert_eq!(Signer::from_pem("hub.example", wrong).unwrap_err(), Error::PrivateKey);
        }
    }

    /// RFC 8410 §10.1, §10.3.
    #[test]
    fn the_standards_example_of_a_private_key_is_read() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            -----END PRIVATE KEY-----\n";
        let signer = Signer::from_pem("example", pem).unwrap();
        assert_eq!(STANDARD.encode(signer.verifier().key), "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
        assert_eq!(signer.to_pem().unwrap(), pem);
    }
}
