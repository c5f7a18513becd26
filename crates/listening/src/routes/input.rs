//! Numbers and texts of requests, within bounds.

use sori_http::RequestFault;

use crate::playback::Span;

/// A thousand hours.
const LONGEST_MS: u64 = 3_600_000_000;
/// What players offer, and some more.
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 8.0;

pub(crate) fn refused(field: &'static str, en: String, ko: String) -> RequestFault {
    RequestFault::Field { field, en, ko }
}

pub(crate) fn position(ms: u64) -> Result<u64, RequestFault> {
    if ms <= LONGEST_MS {
        return Ok(ms);
    }
    Err(refused(
        "position_ms",
        "Positions and durations end at a thousand hours.".into(),
        "위치와 길이는 최대 1000시간입니다.".into(),
    ))
}

/// Seconds, as the older API has them.
pub(crate) fn seconds(field: &'static str, seconds: f64) -> Result<u64, RequestFault> {
    let ms = (seconds * 1_000.0).round();
    if (0.0..=LONGEST_MS as f64).contains(&ms) {
        return Ok(ms as u64);
    }
    Err(refused(
        field,
        format!("{field} is a number of seconds, from 0 to a thousand hours."),
        format!("{field}은(는) 0초에서 1000시간 사이의 초 단위 숫자여야 합니다."),
    ))
}

pub(crate) fn speed(speed: f64) -> Result<f64, RequestFault> {
    if (SLOWEST..=FASTEST).contains(&speed) {
        return Ok(speed);
    }
    Err(refused(
        "speed",
        format!("speed lies between {SLOWEST} and {FASTEST}."),
        format!("speed는 {SLOWEST}에서 {FASTEST} 사이여야 합니다."),
    ))
}

/// A span begins before it ends, and within the content as far as its length is known.
pub(crate) fn span(field: &'static str, span: Span, duration_ms: Option<u64>) -> Result<(), RequestFault> {
    let end_ms = duration_ms.unwrap_or(LONGEST_MS);
    if span.start_ms < span.end_ms && span.end_ms <= end_ms {
        return Ok(());
    }
    Err(refused(
        field,
        format!("{field}: the start lies before the end, and the end within {end_ms} ms."),
        format!("{field}: 시작은 끝보다 앞서야 하고 끝은 {end_ms}ms 이내여야 합니다."),
    ))
}

/// Text for people: trimmed, not empty, without control characters other than line breaks.
pub(crate) fn text(field: &'static str, given: &str, most_chars: usize) -> Result<String, RequestFault> {
    let text = given.trim();
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    if !text.is_empty() && text.chars().count() <= most_chars && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(refused(
        field,
        format!("{field} takes 1 to {most_chars} characters and no control characters."),
        format!("{field}은(는) 제어 문자 없이 1~{most_chars}자여야 합니다."),
    ))
}

/// Empty counts as absent.
pub(crate) fn optional_text(
    field: &'static str,
    given: Option<&str>,
    most_chars: usize,
) -> Result<Option<String>, RequestFault> {
    given.filter(|given| !given.trim().is_empty()).map(|given| text(field, given, most_chars)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_milliseconds_and_nonsense_nothing() {
        assert_eq!(seconds("position", 1_234.5).unwrap(), 1_234_500);
        assert_eq!(seconds("position", 0.000_4).unwrap(), 0);
        for wrong in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert!(seconds("position", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_go_forward_within_the_content() {
        let check =
            |start_ms, end_ms, duration_ms| span("loop", Span { start_ms, end_ms }, duration_ms).is_ok();
        assert!(check(0, 1, None) && check(0, 10, Some(10)));
        assert!(
            !check(1, 1, None) && !check(2, 1, None) && !check(0, 11, Some(10)) && !check(0, u64::MAX, None)
        );
    }

    #[test]
    fn speeds_are_those_of_players() {
        assert!(speed(0.5).is_ok() && speed(4.0).is_ok());
        assert!(
            speed(0.0).is_err() && speed(f64::NAN).is_err() && speed(100.0).is_err() && speed(-1.0).is_err()
        );
    }
}
