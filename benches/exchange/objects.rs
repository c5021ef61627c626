//! What is published: indicators of about 1 kB, the same in every run but for their dates.

use liaison::stix::{Timestamp, Tlp};

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// Makes indicators, one after the other.
pub(crate) struct Indicators {
    random: Random,
    at: u64,
    first_micros: i64,
    padding: usize,
    /// A second marking of each, in turn.
    markings: Vec<String>,
    /// Of so many one is still in force.
    in_force: u64,
}

impl Indicators {
    /// Those from number `from` on; numbers that differ make other ids.
    pub(crate) fn new(from: u64, now: Timestamp) -> Self {
        Self {
            random: Random::new(from.wrapping_mul(0xA076_1D64_78BD_642F) ^ SEED),
            at: from,
            // A day back, so that no date comes out ahead of the clock.
            first_micros: now.micros() - 24 * 3600 * 1_000_000,
            padding: 0,
            markings: Vec::new(),
            in_force: 1,
        }
    }

    /// The time of all but one in so many is over.
    pub(crate) fn aged(mut self, in_force: u64) -> Self {
        self.in_force = in_force;
        self
    }

    /// GREEN all, and each with one of these markings.
    pub(crate) fn marked(mut self, markings: Vec<String>) -> Self {
        self.markings = markings;
        self
    }

    /// With so many more bytes each.
    pub(crate) fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// An envelope of so many.
    pub(crate) fn envelope(&mut self, count: u64) -> Vec<u8> {
        let mut out = b"{\"objects\":[".to_vec();
        for at in 0..count {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.object().as_bytes());
        }
        out.extend_from_slice(b"]}");
        out
    }

    fn object(&mut self) -> String {
        let bits = u128::from(self.random.next()) << 64 | u128::from(self.random.next());
        let uuid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
        let time = Timestamp::from_micros(self.first_micros + self.at.cast_signed() * 1000);
        let at = usize::try_from(self.at).unwrap_or(0);
        let markings = match self.markings.is_empty() {
            true => LEVELS[at % 3].marking_id().to_owned(),
            false => {
                let own = &self.markings[at % self.markings.len()];
                format!("{}\",\"{own}", Tlp::Green.marking_id())
            }
        };
        let digest = [self.random.next(), self.random.next(), self.random.next(), self.random.next()];
        let digest: String = digest.iter().map(|part| format!("{part:016x}")).collect();
        let (at, padding) = (self.at, "x".repeat(self.padding));
        let until = match at.is_multiple_of(self.in_force) {
            true => String::new(),
            false => format!("\"valid_until\":\"{}\",", Timestamp::from_micros(time.micros() + 1_000_000)),
        };
        self.at += 1;
        format!(
            "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--{uuid}\",\
             \"created_by_ref\":\"identity--8a0d8d9c-7c1a-4d0d-9f5f-6ad3c0a1b0f4\",\"created\":\"{time}\",\"modified\":\"{time}\",\
             \"name\":\"Loader number {at}\",\"description\":\"{TEXT}{padding}\",\
             \"indicator_types\":[\"malicious-activity\"],\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\",\
             \"pattern\":\"[file:hashes.'SHA-256' = '{digest}' OR domain-name:value = 'host-{at}.example.com']\",\
             \"valid_from\":\"{time}\",{until}\"confidence\":75,\"lang\":\"en\",\
             \"kill_chain_phases\":[{{\"kill_chain_name\":\"mitre-attack\",\"phase_name\":\"command-and-control\"}}],\
             \"object_marking_refs\":[\"{markings}\"]}}"
        )
    }
}

const SEED: u64 = 0x4C69_6169_736F_6E21;
const LEVELS: [Tlp; 3] = [Tlp::Clear, Tlp::Green, Tlp::Amber];
const TEXT: &str = "Second stage that is fetched after the first mail attachment was opened; it keeps \
    itself alive by a scheduled task and asks its control server for orders every ninety seconds, over HTTPS with a certificate of its own.";
