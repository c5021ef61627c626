//! Checkpoints: what the log was at one size, signed (<https://c2sp.org/tlog-checkpoint>).

use super::hash::Hash;
use super::note::{self, Signer, Verifier};
use super::record::is_time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The state of a log: its first `size` records have the root `root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log; the name of the key that signs.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// When it was signed: RFC 3339, UTC, with microseconds.
    pub time: String,
}

/// Why a checkpoint was not made or not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key or a signature.
    #[error(transparent)]
    Note(#[from] note::Error),
    /// The text is not one of ours.
    #[error("not a checkpoint of an audit log: {0}")]
    Malformed(&'static str),
    /// A key may sign for its own log only.
    #[error("the checkpoint is of the log `{origin}`, but `{key}` signed it: use the key of that log")]
    Origin {
        /// Whose log.
        origin: String,
        /// Who signed.
        key: String,
    },
}

impl Checkpoint {
    /// The signed checkpoint. That no smaller tree and no other root of this size was ever signed is
    /// for the caller to make sure.
    pub fn sign(&self, signer: &Signer) -> Result<String, Error> {
        let text = self.text();
        // What a verifier would not accept is not signed, such as an origin with a line feed.
        if Self::parse(&text)? != *self {
            return Err(Error::Malformed("its origin has line feeds"));
        }
        self.belongs_to(signer.verifier())?;
        Ok(signer.sign(&text)?)
    }

    /// The checkpoint in a note that one of the keys signed. Nothing is read before that is known.
    pub fn open(note: &str, keys: &[Verifier]) -> Result<Self, Error> {
        let (text, key) = note::open(note, keys)?;
        let checkpoint = Self::parse(text)?;
        checkpoint.belongs_to(key)?;
        Ok(checkpoint)
    }

    fn belongs_to(&self, key: &Verifier) -> Result<(), Error> {
        match self.origin == key.name() {
            true => Ok(()),
            false => Err(Error::Origin { origin: self.origin.clone(), key: key.name().to_owned() }),
        }
    }

    /// The text that is signed (tlog-checkpoint, "Note text").
    fn text(&self) -> String {
        let root = STANDARD.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n{TIME}{}\n", self.origin, self.size, self.time)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let lines: Vec<_> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
        // Later extension lines are for readers that know them.
        let [origin, size, root, time, ..] = lines[..] else {
            return Err(Error::Malformed("it has fewer than four lines"));
        };
        if lines.contains(&"") {
            return Err(Error::Malformed("it has an empty line"));
        }
        let number = size.parse().ok().filter(|number: &u64| number.to_string() == size);
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let time = time.strip_prefix(TIME).filter(|time| is_time(time));
        Ok(Self {
            origin: origin.to_owned(),
            size: number.ok_or(Error::Malformed("its second line is not a size"))?,
            root: Hash::from_bytes(root.ok_or(Error::Malformed("its third line is not a root hash"))?),
            time: time.ok_or(Error::Malformed("its fourth line is not a time"))?.to_owned(),
        })
    }
}

/// Begins the extension line with the time.
const TIME: &str = "time ";

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::from_seed("hub.example/audit", &[7; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "hub.example/audit".to_owned(),
            size: 20_852_163,
            root: Hash::leaf(b""),
            time: "2026-11-28T17:30:00.000000Z".to_owned(),
        }
    }

    #[test]
    fn a_checkpoint_is_signed_and_opened() {
        let note = checkpoint().sign(&signer()).unwrap();
        let (text, signature) = note.split_once("\n\n").unwrap();
        assert_eq!(
            text,
            "hub.example/audit\n20852163\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\ntime 2026-11-28T17:30:00.000000Z"
        );
        assert!(signature.starts_with("— hub.example/audit "));
        let keys = [signer().verifier().clone()];
        assert_eq!(Checkpoint::open(&note, &keys), Ok(checkpoint()));
        let other = Signer::from_seed("hub.example/audit", &[8; 32]).unwrap();
        let both = [other.verifier().clone(), signer().verifier().clone()];
        assert_eq!(Checkpoint::open(&note, &both), Ok(checkpoint()));
        assert_eq!(Checkpoint::open(&note, &both[..1]), Err(note::Error::NotSigned.into()));
    }

    #[test]
    fn a_key_signs_for_its_own_log_only() {
        let other = Signer::from_seed("other.example", &[7; 32]).unwrap();
        assert!(matches!(checkpoint().sign(&other), Err(Error::Origin { .. })));
        let note = other.sign(&checkpoint().text()).unwrap();
        assert!(matches!(Checkpoint::open(&note, &[other.verifier().clone()]), Err(Error::Origin { .. })));
    }

    #[test]
    fn what_cannot_be_read_is_not_signed() {
        let wrong = |change: fn(&mut Checkpoint)| {
            let mut checkpoint = checkpoint();
            change(&mut checkpoint);
            checkpoint.sign(&signer())
        };
        assert!(wrong(|it| it.origin = "hub.example/audit\n3\n".to_owned()).is_err());
        assert!(wrong(|it| it.origin = String::new()).is_err());
        assert!(wrong(|it| it.time = "2026-11-28T17:30:00Z".to_owned()).is_err());
        assert!(wrong(|it| it.time.push_str("\nmore")).is_err());
        assert!(wrong(|it| it.size = u64::MAX).is_ok());
    }

    #[test]
    fn texts_are_read_strictly() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
        assert_eq!(Checkpoint::parse(&format!("{text}later extension\n")), Ok(checkpoint()));
        for (from, to) in [
            ("20852163", "020852163"),
            ("20852163", "+20852163"),
            ("20852163", "20852163 "),
            ("20852163", "18446744073709551616"),
            ("B0=", "B1="),
            ("B0=", "B0"),
            ("bjQLnP+zepicpUTmu3gK", ""),
            ("time ", "time  "),
            ("time ", "clock "),
            ("Z\n", "Z\n\n"),
            ("hub.example/audit", ""),
        ] {
            assert!(matches!(Checkpoint::parse(&text.replace(from, to)), Err(Error::Malformed(_))), "{from}");
        }
    }

    /// The checkpoint that the specification shows is of a log that does not state the time.
    #[test]
    fn the_specifications_example_lacks_our_time_only() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert!(matches!(Checkpoint::parse(text), Err(Error::Malformed("it has fewer than four lines"))));
        let ours = format!("{text}time 2026-11-28T17:30:00.000000Z\n");
        let checkpoint = Checkpoint::parse(&ours).unwrap();
        assert_eq!((checkpoint.size, checkpoint.text()), (20_852_163, ours));
    }
}
