//! Times: ours in whole microseconds, STIX's with the precision they were sent with.

use std::cmp::Ordering;
use std::fmt;

/// Microseconds since 1970 in UTC; written as TAXII 2.1 §2 wants it, with six fraction digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// To the millisecond, as STIX 2.1 §3.2 writes `created` and `modified`.
    pub fn to_millis(self) -> String {
        let text = self.to_string();
        format!("{}Z", &text[..text.len() - 4])
    }

    /// Parses RFC 3339 in UTC with 0 to 9 fraction digits; digits past microseconds are cut.
    pub fn parse(text: &str) -> Option<Self> {
        let scanned = scan(text)?;
        (scanned.fraction.len() <= 9).then(|| Self(scanned.micros()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.div_euclid(MICROS), self.0.rem_euclid(MICROS));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        if !(0..10_000).contains(&year) {
            return write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z");
        }
        // Answers have tens of thousands of them.
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut two = |at: usize, number: i64| {
            text[at] = b'0' + (number as u8 / 10);
            text[at + 1] = b'0' + (number as u8 % 10);
        };
        let date = [(0, year / 100), (2, year % 100), (5, month), (8, day)];
        let time = [(11, hour), (14, minute), (17, second)];
        let fraction = [(20, micros / 10_000), (22, micros / 100 % 100), (24, micros % 100)];
        date.into_iter().chain(time).chain(fraction).for_each(|(at, number)| two(at, number));
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A STIX timestamp (STIX 2.1 §2.15): the text as received, compared by its full value.
#[derive(Debug, Clone)]
pub struct StixTime {
    text: Box<str>,
    micros: i64,
    /// Fraction digits past the sixth, without trailing zeros.
    rest: Box<str>,
}

impl StixTime {
    /// Parses the one form STIX allows: upper-case `T` and `Z`, UTC, any number of fraction digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, rest) = instant(text)?;
        Some(Self { text: text.into(), micros, rest: rest.into() })
    }

    /// The text as received.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value cut to microseconds since 1970.
    pub fn micros(&self) -> i64 {
        self.micros
    }

    /// What the microseconds leave out: further fraction digits without trailing zeros.
    pub fn rest(&self) -> &str {
        &self.rest
    }
}

impl PartialEq for StixTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for StixTime {}
impl PartialOrd for StixTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for StixTime {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.micros, &self.rest).cmp(&(other.micros, &other.rest))
    }
}

/// What times are compared by: microseconds since 1970, and the further fraction digits without
/// trailing zeros.
pub fn instant(text: &str) -> Option<(i64, &str)> {
    let scanned = scan(text)?;
    Some((scanned.micros(), scanned.fraction.get(6..).unwrap_or("").trim_end_matches('0')))
}

struct Scanned<'a> {
    seconds: i64,
    fraction: &'a str,
}

impl Scanned<'_> {
    fn micros(&self) -> i64 {
        let digits = self.fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
        let fraction = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.seconds * MICROS + fraction
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.f+]Z` with a date that exists; second 60 only as 23:59:60.
fn scan(text: &str) -> Option<Scanned<'_>> {
    let body = text.strip_suffix('Z')?;
    let bytes = body.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, want)| bytes.get(*at) != Some(want)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let date_ok = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    let time_ok = hour < 24 && minute < 60 && (second < 60 || (hour, minute, second) == LEAP);
    let fraction = match body.get(19..)? {
        "" => "",
        dotted => dotted.strip_prefix('.').filter(|digits| !digits.is_empty())?,
    };
    if !date_ok || !time_ok || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Scanned { seconds, fraction })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

const MICROS: i64 = 1_000_000;
const LEAP: (i64, i64, i64) = (23, 59, 60);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn timestamps_are_written_with_six_digits() {
        let parse = |text| Timestamp::parse(text).unwrap().to_string();
        assert_eq!(parse("2016-04-06T20:03:48Z"), "2016-04-06T20:03:48.000000Z");
        assert_eq!(parse("2000-02-29T00:00:00.5Z"), "2000-02-29T00:00:00.500000Z");
        assert_eq!(parse("1969-12-31T23:59:59.999999999Z"), "1969-12-31T23:59:59.999999Z");
        assert_eq!(parse("9999-12-31T23:59:60Z"), "10000-01-01T00:00:00.000000Z");
        assert_eq!(parse("9999-12-31T23:59:59.123456Z"), "9999-12-31T23:59:59.123456Z");
        assert_eq!(parse("0001-02-03T04:05:06.000007Z"), "0001-02-03T04:05:06.000007Z");
        assert_eq!(Timestamp(-62_167_219_200 * MICROS).to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp(-62_167_219_200 * MICROS - 1).to_string(), "-001-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_not_a_timestamp_is_refused() {
        for bad in [
            "",
            "2016-04-06",
            "2016-04-06T20:03:48",
            "2016-04-06t20:03:48Z",
            "2016-04-06T20:03:48z",
            "2016-04-06 20:03:48Z",
            "2016-04-06T20:03:48+00:00",
            "2016-04-06T20:03:48.Z",
            "2016-02-30T20:03:48Z",
            "1900-02-29T20:03:48Z",
            "2016-04-06T20:03:60Z",
            "2016-04-06T24:00:00Z",
            "2016-13-06T20:03:48Z",
            "2016-04-06T20:03:48.12345678٣Z",
        ] {
            assert!(StixTime::parse(bad).is_none(), "{bad}");
        }
        assert!(Timestamp::parse("2016-04-06T20:03:48.1234567890Z").is_none());
    }

    #[test]
    fn stix_times_compare_by_value_not_by_text() {
        let time = |text| StixTime::parse(text).unwrap();
        assert_eq!(time("2020-01-01T00:00:00.678Z"), time("2020-01-01T00:00:00.678000Z"));
        assert!(time("2020-01-01T00:00:00Z") < time("2020-01-01T00:00:00.001Z"));
        assert!(time("2020-01-01T00:00:00.0000001Z") > time("2020-01-01T00:00:00Z"));
        assert_eq!(time("2016-12-31T23:59:60Z"), time("2017-01-01T00:00:00.000Z"));
    }

    proptest! {
        #[test]
        fn writing_and_parsing_agree(micros in -62_135_596_800_000_000_i64..253_402_300_799_999_999) {
            let stamp = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&stamp.to_string()), Some(stamp));
        }
    }
}
