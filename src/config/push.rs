//! The settings of pushes: where exports are sent as they change.

use serde::{Deserialize, Deserializer, de::Error};
use std::path::PathBuf;
use std::time::Duration;

/// `[[push]]`: paths relative to the configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// A slug: its name in commands, the audit log and files.
    pub id: String,
    /// The export, as the registry names it.
    pub export: String,
    /// What kind of target it is.
    pub kind: PushKind,
    /// How often to look whether the export has changed.
    #[serde(default = "minute", deserialize_with = "period")]
    pub every: Duration,
    /// `splunk-hec` and `elastic`: where the service is.
    pub url: Option<String>,
    /// `syslog`: `HOST` or `HOST:PORT`.
    pub address: Option<String>,
    /// `command`: where the files are copied to.
    pub dir: Option<PathBuf>,
    /// `command`: a program and its arguments.
    pub command: Option<Vec<String>>,
    /// `command`: for how long it may run.
    #[serde(default, deserialize_with = "some_period")]
    pub time_limit: Option<Duration>,
    /// `splunk-hec` and `elastic`: a file with the token alone.
    pub token_file: Option<PathBuf>,
    /// The authorities that may have signed the target's certificate, PEM.
    pub ca: Option<PathBuf>,
    /// `splunk-hec` and `elastic`: the index.
    pub index: Option<String>,
}

/// Kinds of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PushKind {
    /// A directory, and a program that is told.
    Command,
    /// An HTTP Event Collector.
    SplunkHec,
    /// The bulk interface of Elasticsearch and its kin.
    Elastic,
    /// RFC 5424 over TLS.
    Syslog,
}

impl Push {
    /// The keys that are set and have no meaning for its kind.
    pub fn strange(&self) -> Vec<&'static str> {
        use PushKind::{Command, Elastic, SplunkHec, Syslog};
        let keys: [(&str, bool, &[PushKind]); 8] = [
            ("url", self.url.is_some(), &[SplunkHec, Elastic]),
            ("address", self.address.is_some(), &[Syslog]),
            ("dir", self.dir.is_some(), &[Command]),
            ("command", self.command.is_some(), &[Command]),
            ("time_limit", self.time_limit.is_some(), &[Command]),
            ("token_file", self.token_file.is_some(), &[SplunkHec, Elastic]),
            ("ca", self.ca.is_some(), &[SplunkHec, Elastic, Syslog]),
            ("index", self.index.is_some(), &[SplunkHec, Elastic]),
        ];
        let strange = keys.into_iter().filter(|(_, is_set, kinds)| *is_set && !kinds.contains(&self.kind));
        strange.map(|(key, ..)| key).collect()
    }
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn some_period<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    period(input).map(Some)
}

/// `30s`, `5m`, `2h`: from a second to a day.
fn period<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    let wrong =
        || D::Error::custom(format!("`{text}` is no time like \"30s\", \"5m\" or \"2h\", up to \"24h\""));
    let units = [('s', 1), ('m', 60), ('h', 3600)];
    let unit = units.into_iter().find(|(unit, _)| text.ends_with(*unit)).ok_or_else(wrong)?;
    let digits = &text[..text.len() - 1];
    let number =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    let secs =
        number.and_then(|number| number.checked_mul(unit.1)).filter(|secs| (1..=86_400).contains(secs));
    secs.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<Push, String> {
        let text = format!("id = \"p\"\nexport = \"e\"\n{more}");
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn times_are_from_a_second_to_a_day() {
        let every = |text: &str| {
            parse(&format!("kind = \"syslog\"\nevery = \"{text}\"")).map(|push| push.every.as_secs())
        };
        for (text, secs) in [("1s", 1), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(every(text), Ok(secs));
        }
        for text in ["", "s", "0s", "25h", "1d", "+1s", "1 s", "1", "99999999999999999999h", "1é"] {
            assert!(every(text).is_err(), "{text}");
        }
        assert_eq!(parse("kind = \"syslog\"").unwrap().every.as_secs(), 60);
    }

    #[test]
    fn keys_of_other_kinds_and_unknown_ones_are_found() {
        let push =
            parse("kind = \"syslog\"\naddress = \"h\"\nca = \"c\"\nindex = \"i\"\ndir = \"d\"").unwrap();
        assert_eq!(push.strange(), ["dir", "index"]);
        assert_eq!(parse("kind = \"command\"\ndir = \"d\"\ncommand = [\"/x\"]").unwrap().strange(), [""; 0]);
        assert!(parse("kind = \"syslog\"\nport = 1").unwrap_err().contains("port"));
        assert!(parse("kind = \"kafka\"").unwrap_err().contains("kafka"));
    }
}
