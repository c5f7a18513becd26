//! Conditional requests (RFC 9110, 13). No IO in here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, Method, header};
use sori_contracts::StoredMedia;

/// What the preconditions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    /// Without looking at `Range`.
    ProceedWhole,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// What a representation is compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The strong entity tag, with its quotes: the hash of the content, the same wherever a copy lies.
    pub etag: String,
    /// In whole seconds. Left out in the very second of its making: only a date that lies behind can
    /// be a strong validator (8.8.2.2).
    pub last_modified: Option<SystemTime>,
}

impl Validators {
    #[must_use]
    pub fn of(media: &StoredMedia, now: SystemTime) -> Self {
        let seconds = u64::try_from(media.created_at_ms / 1_000).ok();
        let made = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let is_over = |made: &SystemTime| now.duration_since(*made).is_ok_and(|age| age.as_secs() >= 1);
        Self { etag: format!("\"{}\"", media.sha256), last_modified: made.filter(is_over) }
    }

    /// Judges a request in the order of RFC 9110, 13.2.2.
    #[must_use]
    pub fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        // A precondition that is there is never taken for absent because it is odd.
        if let Some(list) = joined(headers, header::IF_MATCH) {
            if !list_holds(&list, &self.etag, false) {
                return Verdict::PreconditionFailed;
            }
        } else if let Some(date) = self.later_than(headers, header::IF_UNMODIFIED_SINCE)
            && date
        {
            return Verdict::PreconditionFailed;
        }
        let is_read = *method == Method::GET || *method == Method::HEAD;
        if let Some(list) = joined(headers, header::IF_NONE_MATCH) {
            if list_holds(&list, &self.etag, true) {
                return if is_read { Verdict::NotModified } else { Verdict::PreconditionFailed };
            }
        } else if is_read && self.later_than(headers, header::IF_MODIFIED_SINCE) == Some(false) {
            return Verdict::NotModified;
        }
        match joined(headers, header::IF_RANGE) {
            Some(validator) if !self.is_exactly(validator.trim()) => Verdict::ProceedWhole,
            _ => Verdict::Proceed,
        }
    }

    /// Whether the representation is newer than the date in a header; `None` when there is no date,
    /// more than one, or nothing to compare with (13.1.3, 13.1.4).
    fn later_than(&self, headers: &HeaderMap, name: HeaderName) -> Option<bool> {
        let date = httpdate::parse_http_date(&joined(headers, name)?).ok()?;
        Some(self.last_modified? > date)
    }

    /// The strong comparison of `If-Range` (13.1.5): this tag, or exactly this date.
    fn is_exactly(&self, validator: &str) -> bool {
        validator == self.etag
            || httpdate::parse_http_date(validator).is_ok_and(|date| Some(date) == self.last_modified)
    }
}

/// The lines of a header as one list (5.2). Entity tags may hold bytes beyond ASCII; ours do not, so
/// it does no harm that these are replaced.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let mut lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let mut all = lines.next()?.into_owned();
    for line in lines {
        all.push_str(", ");
        all.push_str(&line);
    }
    Some(all)
}

/// Looks for `tag` in a list of entity tags; a tag may contain commas.
fn list_holds(list: &str, tag: &str, weakly: bool) -> bool {
    let mut rest = list.trim_matches([',', ' ', '\t']);
    if rest == "*" {
        return true;
    }
    while !rest.is_empty() {
        let (is_weak, opaque) = rest.strip_prefix("W/").map_or((false, rest), |after| (true, after));
        let Some(end) = opaque.strip_prefix('"').and_then(|inner| inner.find('"')) else { return false };
        let (candidate, after) = opaque.split_at(end + 2);
        if candidate == tag && (weakly || !is_weak) {
            return true;
        }
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    false
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const MADE: &str = "Sat, 21 Nov 2026 04:00:00 GMT";
    const BEFORE: &str = "Sat, 21 Nov 2026 03:59:59 GMT";
    const AFTER: &str = "Sat, 21 Nov 2026 04:00:01 GMT";

    fn validators() -> Validators {
        let last_modified = httpdate::parse_http_date(MADE).ok();
        Validators { etag: "\"a,b\"".into(), last_modified }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[track_caller]
    fn check(lines: &[(&'static str, &str)], expected: Verdict) {
        assert_eq!(validators().judge(&Method::GET, &headers(lines)), expected, "{lines:?}");
    }

    #[test]
    fn a_tag_is_compared_strongly_or_weakly() {
        check(&[], Verdict::Proceed);
        check(&[("if-match", "\"a,b\"")], Verdict::Proceed);
        check(&[("if-match", "*")], Verdict::Proceed);
        check(&[("if-match", "\"x\", \"a,b\"")], Verdict::Proceed);
        check(&[("if-match", ", \"a,b\"")], Verdict::Proceed);
        check(&[("if-match", "\"x\""), ("if-match", "\"a,b\"")], Verdict::Proceed);
        check(&[("if-match", "\"x\"")], Verdict::PreconditionFailed);
        check(&[("if-match", "\"é\"")], Verdict::PreconditionFailed);
        check(&[("if-match", "a,b")], Verdict::PreconditionFailed);
        check(&[("if-match", "W/\"a,b\"")], Verdict::PreconditionFailed);
        check(&[("if-none-match", "\"x\" ,W/\"a,b\"")], Verdict::NotModified);
        check(&[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")], Verdict::NotModified);
        check(&[("if-none-match", "*")], Verdict::NotModified);
        check(&[("if-none-match", "\"a\", b\"")], Verdict::Proceed);
    }

    #[test]
    fn dates_are_compared_by_the_second() {
        check(&[("if-modified-since", BEFORE)], Verdict::Proceed);
        check(&[("if-modified-since", MADE)], Verdict::NotModified);
        check(&[("if-modified-since", AFTER)], Verdict::NotModified);
        check(&[("if-modified-since", "Saturday, 21-Nov-26 04:00:00 GMT")], Verdict::NotModified);
        check(&[("if-modified-since", "Sat Nov 21 04:00:00 2026")], Verdict::NotModified);
        check(&[("if-modified-since", "yesterday")], Verdict::Proceed);
        check(&[("if-modified-since", AFTER), ("if-modified-since", AFTER)], Verdict::Proceed);
        check(&[("if-unmodified-since", BEFORE)], Verdict::PreconditionFailed);
        check(&[("if-unmodified-since", MADE)], Verdict::Proceed);
        check(&[("if-unmodified-since", "yesterday")], Verdict::Proceed);
    }

    #[test]
    fn a_tag_goes_before_a_date() {
        check(&[("if-match", "\"a,b\""), ("if-unmodified-since", BEFORE)], Verdict::Proceed);
        check(&[("if-match", "\"x\""), ("if-unmodified-since", AFTER)], Verdict::PreconditionFailed);
        check(&[("if-none-match", "\"x\""), ("if-modified-since", AFTER)], Verdict::Proceed);
        check(&[("if-none-match", "\"a,b\""), ("if-modified-since", BEFORE)], Verdict::NotModified);
    }

    #[test]
    fn what_protects_goes_before_what_saves() {
        check(&[("if-match", "\"x\""), ("if-none-match", "\"a,b\"")], Verdict::PreconditionFailed);
        check(&[("if-unmodified-since", BEFORE), ("if-none-match", "*")], Verdict::PreconditionFailed);
        check(&[("if-match", "*"), ("if-none-match", "*"), ("if-range", "\"x\"")], Verdict::NotModified);
        check(&[("if-match", "*"), ("if-none-match", "\"x\""), ("if-range", "\"x\"")], Verdict::ProceedWhole);
    }

    #[test]
    fn a_range_is_sent_only_of_exactly_the_same() {
        check(&[("if-range", "\"a,b\"")], Verdict::Proceed);
        check(&[("if-range", MADE)], Verdict::Proceed);
        for other in ["W/\"a,b\"", "\"x\"", "*", "a,b", BEFORE, AFTER, "\"a,b\", \"x\"", ""] {
            check(&[("if-range", other)], Verdict::ProceedWhole);
        }
    }

    #[test]
    fn what_was_made_a_moment_ago_has_no_date_yet() {
        let made_ms = 1_795_000_000_123;
        let media = StoredMedia {
            id: sori_contracts::MediaId::generate(),
            content_type: "audio/mpeg".into(),
            size_bytes: 1,
            sha256: "00".into(),
            created_at_ms: made_ms,
        };
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        let date = |now| Validators::of(&media, now).last_modified;
        assert_eq!(date(at(1_795_000_000_999)), None);
        assert_eq!(date(at(1_795_000_001_000)), Some(at(1_795_000_000_000)));
        assert_eq!(date(at(0)), None);
    }

    proptest! {
        #[test]
        fn no_list_of_tags_makes_it_panic(list in "\\PC{0,30}|[W/\", a]{0,12}") {
            let Ok(value) = HeaderValue::from_bytes(list.as_bytes()) else { return Ok(()) };
            let mut map = HeaderMap::new();
            for name in [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE, header::IF_MODIFIED_SINCE] {
                map.insert(name, value.clone());
            }
            let verdict = validators().judge(&Method::GET, &map);
            prop_assert!(list.trim() != "*" || verdict == Verdict::NotModified);
        }
    }
}
