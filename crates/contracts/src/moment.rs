//! Points in time as clients read and write them: RFC 3339, in UTC, to the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970; in JSON `"2026-11-21T09:15:00.000Z"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:15:00.000Z")]
pub struct Moment(pub i64);

const DAY_MS: i64 = 86_400_000;
/// The last one that has four digits of a year.
const LAST_MS: i64 = 253_402_300_799_999;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.clamp(0, LAST_MS);
        let (year, month, day) = date_of(ms / DAY_MS);
        let (s, ms) = (ms % DAY_MS / 1000, ms % 1000);
        let (hour, minute, second) = (s / 3600, s / 60 % 60, s % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// The date of a day, counted from 1970-01-01, in the Gregorian calendar: years are counted from March,
/// so that a leap day is the last of its year.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The inverse of [`date_of`].
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-11-21T09:15:00Z")]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    /// Any RFC 3339 time between 1970 and 9999; parts of a millisecond are cut off.
    fn from_str(text: &str) -> Result<Self, NoMoment> {
        read(text).ok_or(NoMoment)
    }
}

fn read(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let is_mark = |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|mark| marks.contains(mark));
    let shaped =
        is_mark(4, b"-") && is_mark(7, b"-") && is_mark(10, b"Tt ") && is_mark(13, b":") && is_mark(16, b":");
    if !shaped || !text.is_ascii() {
        return None;
    }
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?);
    let (hour, minute, second) = (number(text, 11, 2)?, number(text, 14, 2)?, number(text, 17, 2)?);
    let days = day_of(year, month, day);
    let exists = (1..=12).contains(&month) && date_of(days) == (year, month, day);
    if !exists || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = &text[19..];
    let (fraction_ms, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let ms =
                rest[..digits].bytes().chain(*b"000").take(3).fold(0, |ms, d| ms * 10 + i64::from(d - b'0'));
            (if digits == 0 { None } else { Some(ms) }?, &rest[digits..])
        }
        None => (0, rest),
    };
    let minutes = (days * 24 + hour) * 60 + minute - offset_minutes(zone)?;
    let ms = (minutes * 60 + second) * 1000 + fraction_ms;
    (0..=LAST_MS).contains(&ms).then_some(Moment(ms))
}

fn offset_minutes(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.as_bytes() {
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(zone, 1, 2)?, number(zone, 4, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn number(text: &str, at: usize, digits: usize) -> Option<i64> {
    let part = text.get(at..at + digits)?;
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, ms: Option<i64>) {
        assert_eq!(text.parse().ok(), ms.map(Moment), "{text}");
    }

    #[test]
    fn times_are_read_as_rfc_3339_has_them() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:34:56.789Z", Some(951_827_696_789));
        check("2026-11-21T18:15:00+09:00", Some(1_795_252_500_000));
        check("2026-11-21t09:15:00.1239z", Some(1_795_252_500_123));
        check("2026-11-21 09:15:00-00:00", Some(1_795_252_500_000));
        for wrong in [
            "",
            "2026-11-21",
            "2026-11-21T09:15:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T09:15:00.Z",
            "2026-11-21T09:15:00+0900",
            "+026-11-21T09:15:00Z",
            "2026-11-21T09:15:00Zé",
            "1969-12-31T23:59:59Z",
            "0000-00-00T00:00:00Z",
        ] {
            check(wrong, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(ms in 0..=LAST_MS) {
            prop_assert_eq!(Moment(ms).to_string().parse(), Ok(Moment(ms)));
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            let _either_way = text.parse::<Moment>();
        }
    }
}
