//! Times as files spell them; ours are in UTC, in whole milliseconds.

use crate::stix::{StixTime, Timestamp};
use time::format_description::{self, BorrowedFormatItem};
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// What a file's times are to be read by.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// In the words of `strftime`; absent: ISO 8601.
    pub(super) format: Option<String>,
    /// What a time without a zone means; absent: nobody knows, and it is refused.
    pub(super) zone: Option<UtcOffset>,
}

impl Reading {
    /// Reads a time.
    pub(super) fn read(&self, text: &str) -> Result<StixTime, String> {
        let text = text.trim();
        let (local, offset) = match self.format.as_deref() {
            None => iso(text).ok_or_else(|| {
                "no time that can be read: write it as 2026-11-23T06:00:00Z, or name its format under [times] of a \
                 mapping file"
                    .to_owned()
            })?,
            Some("unix") => (unix(text)?, Some(UtcOffset::UTC)),
            Some(format) => formatted(text, format)?,
        };
        let Some(offset) = offset.or(self.zone) else {
            return Err("a time without a zone: write it as 2026-11-23T06:00:00Z, or say `zone = \"UTC\"` under [times] of \
                        a mapping file"
                .to_owned());
        };
        of_instant(local.assume_offset(offset))
            .ok_or_else(|| "a time outside the years 1970 to 9999".to_owned())
    }
}

/// Reads an offset: `UTC`, `Z`, `+02:00`.
pub(super) fn zone(text: &str) -> Option<UtcOffset> {
    if matches!(text, "UTC" | "utc" | "Z" | "z" | "GMT") {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let is_formed = matches!(rest.len(), 2 | 4 | 5)
        && (rest.len() < 5 || rest.as_bytes()[2] == b':')
        && matches!(digits.len(), 2 | 4)
        && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_formed {
        return None;
    }
    let hours: i8 = digits[..2].parse().ok()?;
    let minutes: i8 = digits.get(2..4).unwrap_or("0").parse().unwrap_or(0);
    let is_possible = hours <= 14 && minutes < 60;
    is_possible.then(|| UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()).flatten()
}

/// Is it a format that times can be read by?
pub(super) fn check_format(format: &str) -> Result<(), String> {
    if format == "unix" {
        return Ok(());
    }
    let items = items(format)?;
    match items
        .iter()
        .any(|item| matches!(item, BorrowedFormatItem::Component(_) | BorrowedFormatItem::Compound(_)))
    {
        true => Ok(()),
        false => Err("it names no part of a time; write it as %d.%m.%Y %H:%M, or `unix`".to_owned()),
    }
}

/// The time at a number of milliseconds since 1970.
pub(super) fn of_millis(millis: i64) -> Option<StixTime> {
    let text = Timestamp::from_micros(millis.checked_mul(1000)?).to_string();
    let is_in_range = (0..=MILLIS_MAX).contains(&millis);
    is_in_range.then(|| StixTime::parse(&format!("{}Z", text.get(..23)?)))?
}

/// ISO 8601 as far as RFC 3339 and its relatives go: a blank for the `T`, no seconds, no time at all.
fn iso(text: &str) -> Option<(PrimitiveDateTime, Option<UtcOffset>)> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let plain = |text: &str| -> Option<Timestamp> { Timestamp::parse(text) };
    let (clock, offset) = match rest.strip_prefix(['T', 't', ' ']) {
        None if rest.is_empty() => ("00:00:00", None),
        None => return None,
        Some(rest) => {
            let end = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ',')).unwrap_or(rest.len());
            let (clock, offset) = rest.split_at(end);
            let offset = offset.trim();
            (clock, if offset.is_empty() { None } else { Some(zone(offset)?) })
        }
    };
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.replace(',', ".") };
    // Who counts more finely than we do has said the same.
    let clock: String = clock.chars().take("00:00:00.000000".len()).collect();
    let micros = plain(&format!("{date}T{clock}Z"))?.micros();
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
    Some((PrimitiveDateTime::new(instant.date(), instant.time()), offset))
}

/// Seconds since 1970, perhaps with a fraction; so many digits that they must be milliseconds are those.
fn unix(text: &str) -> Result<PrimitiveDateTime, String> {
    let seconds: f64 = text.parse().map_err(|_| "no number of seconds since 1970".to_owned())?;
    let millis = if seconds.abs() > SECONDS_MAX { seconds } else { seconds * 1000.0 };
    let nanos = (millis as i128).saturating_mul(1_000_000);
    let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .map_err(|_| "a number of seconds that is no time".to_owned())?;
    Ok(PrimitiveDateTime::new(instant.date(), instant.time()))
}

fn items(format: &str) -> Result<Vec<BorrowedFormatItem<'_>>, String> {
    format_description::parse_strftime_borrowed(format)
        .map_err(|error| format!("{error}; write it as %d.%m.%Y %H:%M, or `unix`"))
}

fn formatted(text: &str, format: &str) -> Result<(PrimitiveDateTime, Option<UtcOffset>), String> {
    let items = items(format)?;
    if let Ok(instant) = OffsetDateTime::parse(text, &items) {
        return Ok((PrimitiveDateTime::new(instant.date(), instant.time()), Some(instant.offset())));
    }
    if let Ok(local) = PrimitiveDateTime::parse(text, &items) {
        return Ok((local, None));
    }
    Date::parse(text, &items)
        .map(|date| (date.midnight(), None))
        .map_err(|error| format!("no time of the format `{format}`: {error}"))
}

fn of_instant(instant: OffsetDateTime) -> Option<StixTime> {
    of_millis(i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?)
}

/// The last millisecond of the year 9999.
const MILLIS_MAX: i64 = 253_402_300_799_999;
/// The last second of the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, format: Option<&str>, zone: Option<&str>) -> Result<String, String> {
        let zone = zone.map(|text| super::zone(text).unwrap());
        let reading = Reading { format: format.map(str::to_owned), zone };
        reading.read(text).map(|time| time.as_str().to_owned())
    }

    #[test]
    fn iso_times_become_utc() {
        for (text, expected) in [
            ("2026-11-23T06:00:00Z", "2026-11-23T06:00:00.000Z"),
            ("2026-11-23 06:00Z", "2026-11-23T06:00:00.000Z"),
            ("2026-11-23T06:00:00.123456+00:00", "2026-11-23T06:00:00.123Z"),
            ("2026-11-23T06:00:00.123456789Z", "2026-11-23T06:00:00.123Z"),
            ("2026-11-23 01:30:00+0200", "2026-11-22T23:30:00.000Z"),
            ("2026-11-23T23:30:00-05", "2026-11-24T04:30:00.000Z"),
            ("2026-11-23 06:00:00 UTC", "2026-11-23T06:00:00.000Z"),
        ] {
            assert_eq!(read(text, None, None).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused_unless_one_is_named() {
        for text in ["2026-11-23", "2026-11-23 06:00", "2026-11-23T06:00:00"] {
            assert!(read(text, None, None).unwrap_err().contains("without a zone"), "{text}");
        }
        assert_eq!(read("2026-11-23", None, Some("UTC")).as_deref(), Ok("2026-11-23T00:00:00.000Z"));
        assert_eq!(read("2026-11-23 06:00", None, Some("+02:00")).as_deref(), Ok("2026-11-23T04:00:00.000Z"));
        assert_eq!(
            read("2026-11-23T06:00:00Z", None, Some("+02:00")).as_deref(),
            Ok("2026-11-23T06:00:00.000Z")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "23.11.2026",
            "2026-02-30T00:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T06:00:00 CEST",
            "2026-11-23T06:00:00+25:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59-02:00",
            "2026-11-23x",
            "é026-11-23",
        ] {
            assert!(read(text, None, None).is_err(), "{text}");
        }
    }

    #[test]
    fn formats_of_others_are_read() {
        let german = Some("%d.%m.%Y %H:%M");
        assert_eq!(read("23.11.2026 06:00", german, Some("UTC")).as_deref(), Ok("2026-11-23T06:00:00.000Z"));
        assert!(read("23.11.2026 06:00", german, None).unwrap_err().contains("without a zone"));
        assert_eq!(
            read("23/11/2026", Some("%d/%m/%Y"), Some("UTC")).as_deref(),
            Ok("2026-11-23T00:00:00.000Z")
        );
        assert_eq!(read("1795413600", Some("unix"), None).as_deref(), Ok("2026-11-23T06:00:00.000Z"));
        assert_eq!(read("1795413600000", Some("unix"), None).as_deref(), Ok("2026-11-23T06:00:00.000Z"));
        assert!(read("23.11.26", german, Some("UTC")).is_err());
        for wrong in ["", "x", "%"] {
            assert!(check_format(wrong).is_err(), "{wrong}");
        }
        assert_eq!(check_format("%Y%m%d"), Ok(()));
        for wrong in ["", "Europe/Berlin", "+2", "+99:00", "+0x:00", "+é"] {
            assert_eq!(zone(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,30}", format in ".{0,10}") {
            let _ = read(&text, None, Some("UTC"));
            let _ = check_format(&format);
            let _ = read(&text, Some(&format), Some("UTC"));
            let _ = zone(&text);
        }

        #[test]
        fn what_we_write_we_read(millis in 0..=MILLIS_MAX) {
            let time = of_millis(millis).unwrap();
            prop_assert_eq!(read(time.as_str(), None, None).unwrap(), time.as_str());
            prop_assert_eq!(time.micros(), millis * 1000);
        }
    }
}
