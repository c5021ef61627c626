//! Timestamps (STIX 2.1 §2.15): form, calendar and precision.
//!
//! This says what is wrong with a text; `StixTime` reads the value of one that is right.

/// What is wrong with a timestamp; one rule of the validator each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFault {
    /// Not the one form that STIX allows (`ts.form`).
    Form,
    /// The form is right, but there is no such day or second (`ts.calendar`).
    Calendar,
    /// Too few or too many fraction digits for this property (`ts.precision`).
    Precision(&'static str),
}

impl TimeFault {
    /// What is expected instead, for a person.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Form => FORM,
            Self::Calendar => CALENDAR,
            Self::Precision(expected) => expected,
        }
    }
}

/// A timestamp with any number of fraction digits.
pub fn timestamp(text: &str) -> Result<(), TimeFault> {
    fraction_digits(text).map(|_| ())
}

/// A timestamp with three or more fraction digits: `created` and `modified` (STIX 2.1 §3.2).
pub fn milliseconds(text: &str) -> Result<(), TimeFault> {
    match fraction_digits(text)? {
        0..3 => Err(TimeFault::Precision("a time with at least three fraction digits, like 12:31:12.000Z")),
        _ => Ok(()),
    }
}

/// A timestamp without a fraction: `time_date_stamp` of a PE file (STIX 2.1 §6.7.6).
pub fn whole_seconds(text: &str) -> Result<(), TimeFault> {
    match fraction_digits(text)? {
        0 => Ok(()),
        _ => Err(TimeFault::Precision("a time in whole seconds without a fraction, like 12:31:12Z")),
    }
}

/// How many fraction digits there are, if everything else is right.
fn fraction_digits(text: &str) -> Result<usize, TimeFault> {
    let body = text.strip_suffix('Z').ok_or(TimeFault::Form)?;
    let (moment, rest) = body.as_bytes().split_at_checked(19).ok_or(TimeFault::Form)?;
    if !has_shape(moment) {
        return Err(TimeFault::Form);
    }
    let digits = match rest.split_first() {
        None => 0,
        Some((b'.', digits)) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits.len(),
        Some(_) => return Err(TimeFault::Form),
    };
    if exists(moment) { Ok(digits) } else { Err(TimeFault::Calendar) }
}

/// `YYYY-MM-DDTHH:MM:SS` with month, day, hour, minute and second in their ranges.
fn has_shape(moment: &[u8]) -> bool {
    let is_template = moment.iter().zip(b"0000-00-00T00:00:00").all(|(byte, template)| match template {
        b'0' => byte.is_ascii_digit(),
        separator => byte == separator,
    });
    is_template
        && (1..=12).contains(&number(moment, 5))
        && (1..=31).contains(&number(moment, 8))
        && number(moment, 11) < 24
        && number(moment, 14) < 60
        && number(moment, 17) <= 60
}

/// The day is in the calendar, and second 60 stands only at the end of a day.
fn exists(moment: &[u8]) -> bool {
    let year = number(moment, 0) * 100 + number(moment, 2);
    let day_exists = number(moment, 8) <= days_in_month(year, number(moment, 5));
    day_exists && (number(moment, 17) < 60 || &moment[11..16] == b"23:59")
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The two digits at `at`; the caller knows that they are digits.
fn number(moment: &[u8], at: usize) -> u32 {
    u32::from(moment[at] - b'0') * 10 + u32::from(moment[at + 1] - b'0')
}

const FORM: &str = "a time in UTC like 2016-01-20T12:31:12.123Z: upper-case T and Z, no offset, no blanks, \
    digits after a dot";
const CALENDAR: &str = "a day that exists in the calendar, and second 60 only as 23:59:60";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::timestamp::StixTime;
    use proptest::prelude::*;

    #[test]
    fn good_timestamps_pass() {
        for good in [
            "2016-01-20T12:31:12Z",
            "2016-01-20T12:31:12.1Z",
            "2016-01-20T12:31:12.123456789012345678901234567890Z",
            "2000-02-29T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(timestamp(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_wrong_form_is_told_from_an_impossible_date() {
        for bad in [
            "",
            "Z",
            "2016-01-20",
            "2016-01-20T12:31:12",
            "2016-01-20t12:31:12Z",
            "2016-01-20T12:31:12z",
            "2016-01-20 12:31:12Z",
            "2016-01-20T12:31:12+00:00",
            "2016-01-20T12:31:12.Z",
            "2016-01-20T12:31:12,5Z",
            "2016-01-20T12:31Z",
            "2016-1-20T12:31:12Z",
            "2016-13-20T12:31:12Z",
            "2016-00-20T12:31:12Z",
            "2016-01-32T12:31:12Z",
            "2016-01-00T12:31:12Z",
            "2016-01-20T24:00:00Z",
            "2016-01-20T12:60:12Z",
            "2016-01-20T12:31:61Z",
            "2016-02-30T12:31:12.Z",
            "2016-01-20T12:31:12Z\n",
            " 2016-01-20T12:31:12Z",
            "２016-01-20T12:31:12Z",
            "2016-01-20T12:31:12.٣Z",
        ] {
            assert_eq!(timestamp(bad), Err(TimeFault::Form), "{bad:?}");
        }
        for bad in [
            "2016-02-30T12:31:12Z",
            "2015-02-29T12:31:12Z",
            "1900-02-29T12:31:12Z",
            "2016-04-31T12:31:12.123Z",
            "2016-01-20T12:31:60Z",
            "2016-01-20T23:58:60Z",
        ] {
            assert_eq!(timestamp(bad), Err(TimeFault::Calendar), "{bad:?}");
            assert_eq!(milliseconds(bad), Err(TimeFault::Calendar), "{bad:?}");
        }
    }

    #[test]
    fn precision_is_asked_for_where_it_matters() {
        let precise = "2016-01-20T12:31:12.123Z";
        assert_eq!(milliseconds(precise), Ok(()));
        assert_eq!(milliseconds("2016-01-20T12:31:12.123456Z"), Ok(()));
        assert!(matches!(milliseconds("2016-01-20T12:31:12.12Z"), Err(TimeFault::Precision(_))));
        assert!(matches!(milliseconds("2016-01-20T12:31:12Z"), Err(TimeFault::Precision(_))));
        assert_eq!(whole_seconds("2016-01-20T12:31:12Z"), Ok(()));
        assert!(matches!(whole_seconds(precise), Err(TimeFault::Precision(_))));
        assert!(matches!(whole_seconds("2016-01-20T12:31:12.0Z"), Err(TimeFault::Precision(_))));
        assert!(milliseconds("2016-01-20").unwrap_err().expected().contains("UTC"));
    }

    proptest! {
        #[test]
        fn the_check_agrees_with_the_reader(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-4]):[0-6][0-9]:([0-5][0-9]|6[01])(\\.[0-9]{0,4})?Z?"
        ) {
            prop_assert_eq!(timestamp(&text).is_ok(), StixTime::parse(&text).is_some(), "{}", text);
        }

        #[test]
        fn second_60_agrees_with_the_reader(text in "2016-02-(29|3[01])T2[23]:5[89]:(59|60)Z") {
            prop_assert_eq!(timestamp(&text).is_ok(), StixTime::parse(&text).is_some(), "{}", text);
        }
    }
}
