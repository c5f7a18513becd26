//! Ranges and preconditions of RFC 9110: which bytes a request means. No IO in here.

use std::ops::Range;

/// Which bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// 200.
    Whole,
    /// 206; never empty and within the size.
    Part(Range<u64>),
    /// 416.
    Unsatisfiable,
}

/// Reads a `Range` value (RFC 9110, 14.2) for a representation of `size_bytes`.
///
/// A value that is not understood is ignored, as section 14.2 allows: another unit, broken
/// syntax, a first position after the last, and (until multipart answers exist) several ranges.
#[must_use]
pub fn select(range: &str, size_bytes: u64) -> Selection {
    let Some((unit, set)) = range.split_once('=') else { return Selection::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    // Empty elements of a list are to be skipped (RFC 9110, 5.6.1.2).
    let mut specs = set.split(',').map(str::trim).filter(|spec| !spec.is_empty());
    match (specs.next(), specs.next()) {
        (Some(spec), None) => select_one(spec, size_bytes),
        _ => Selection::Whole,
    }
}

fn select_one(spec: &str, size_bytes: u64) -> Selection {
    let Some((first, last)) = spec.split_once('-') else { return Selection::Whole };
    match (position(first), position(last)) {
        // The last bytes: all of them when there are fewer, none is unsatisfiable (14.1.2).
        (Some(None), Some(Some(0))) => Selection::Unsatisfiable,
        (Some(None), Some(Some(_))) if size_bytes == 0 => Selection::Whole,
        (Some(None), Some(Some(suffix))) => Selection::Part(size_bytes.saturating_sub(suffix)..size_bytes),
        (Some(Some(first)), Some(last)) => match last {
            Some(last) if last < first => Selection::Whole,
            _ if first >= size_bytes => Selection::Unsatisfiable,
            last => Selection::Part(first..last.map_or(size_bytes, |l| l.saturating_add(1).min(size_bytes))),
        },
        _ => Selection::Whole,
    }
}

/// `None` for what is no number, `Some(None)` for nothing. Numbers beyond `u64` are as good as
/// its largest.
fn position(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    text.bytes().all(|b| b.is_ascii_digit()).then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

/// The headers that make a request conditional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_range: Option<&'a str>,
}

/// What the preconditions say, in the order of RFC 9110, 13.2.2.
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

/// `tag`: the strong entity tag, with its quotes. There is no modification date, so the
/// conditions that compare dates do not apply (13.1.3, 13.1.4), and a date in `If-Range` does
/// not match (13.1.5).
#[must_use]
pub fn judge(conditions: Conditions<'_>, tag: &str) -> Verdict {
    if conditions.if_match.is_some_and(|list| !list_holds(list, tag, false)) {
        return Verdict::PreconditionFailed;
    }
    if conditions.if_none_match.is_some_and(|list| list_holds(list, tag, true)) {
        return Verdict::NotModified;
    }
    match conditions.if_range {
        Some(validator) if validator.trim() != tag => Verdict::ProceedWhole,
        _ => Verdict::Proceed,
    }
}

/// Looks for `tag` in a list of entity tags; a tag may contain commas.
fn list_holds(list: &str, tag: &str, weakly: bool) -> bool {
    let mut rest = list.trim();
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
    use proptest::prelude::*;

    use super::{Selection::*, *};

    #[track_caller]
    fn check(range: &str, expected: Selection) {
        assert_eq!(select(range, 100), expected, "{range}");
    }

    #[test]
    fn one_range_in_all_its_forms() {
        check("bytes=0-9", Part(0..10));
        check("bytes=10-", Part(10..100));
        check("bytes=-10", Part(90..100));
        check("bytes=-1000", Part(0..100));
        check("bytes=90-1000", Part(90..100));
        check("bytes=99-99", Part(99..100));
        check("Bytes=0-9", Part(0..10));
        check("bytes= 0-9 ,", Part(0..10));
        check("bytes=0-99999999999999999999999", Part(0..100));
    }

    #[test]
    fn what_lies_outside_is_unsatisfiable() {
        check("bytes=100-", Unsatisfiable);
        check("bytes=100-200", Unsatisfiable);
        check("bytes=-0", Unsatisfiable);
        check("bytes=99999999999999999999999-", Unsatisfiable);
        assert_eq!(select("bytes=0-", 0), Unsatisfiable);
        assert_eq!(select("bytes=-5", 0), Whole);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "lines=0-1",
            "bytes=9-0",
            "bytes=a-b",
            "bytes=0",
            "bytes=0-9-9",
            "bytes=+1-2",
            "bytes=0 -9",
            "bytes=0-9,20-29",
        ] {
            check(range, Whole);
        }
    }

    #[track_caller]
    fn check_verdict(if_match: &str, if_none_match: &str, if_range: &str, expected: Verdict) {
        fn given(value: &str) -> Option<&str> {
            Some(value).filter(|value| !value.is_empty())
        }
        let conditions = Conditions {
            if_match: given(if_match),
            if_none_match: given(if_none_match),
            if_range: given(if_range),
        };
        assert_eq!(judge(conditions, "\"a,b\""), expected, "{conditions:?}");
    }

    #[test]
    fn preconditions_are_judged_in_their_order() {
        check_verdict("", "", "", Verdict::Proceed);
        check_verdict("\"a,b\"", "", "", Verdict::Proceed);
        check_verdict("*", "", "", Verdict::Proceed);
        check_verdict("\"x\", \"a,b\"", "", "", Verdict::Proceed);
        check_verdict("\"x\"", "\"a,b\"", "", Verdict::PreconditionFailed);
        check_verdict("W/\"a,b\"", "", "", Verdict::PreconditionFailed);
        check_verdict("", "\"x\" ,W/\"a,b\"", "", Verdict::NotModified);
        check_verdict("", "*", "\"x\"", Verdict::NotModified);
        check_verdict("", "\"a\", b\"", "", Verdict::Proceed);
        check_verdict("", "", "\"a,b\"", Verdict::Proceed);
        check_verdict("", "", "W/\"a,b\"", Verdict::ProceedWhole);
        check_verdict("", "", "Sat, 21 Nov 2026 04:00:00 GMT", Verdict::ProceedWhole);
    }

    proptest! {
        #[test]
        fn a_selected_part_is_never_empty_nor_outside(range in "(bytes=)?[0-9, -]{0,12}|\\PC{0,20}", size in 0_u64..200) {
            if let Part(part) = select(&range, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }

        #[test]
        fn every_valid_range_is_found(first in 0_u64..200, more in 0_u64..200, size in 1_u64..200) {
            let expected = if first < size { Part(first..(first + more + 1).min(size)) } else { Unsatisfiable };
            prop_assert_eq!(select(&format!("bytes={first}-{}", first + more), size), expected);
        }

        #[test]
        fn no_list_of_tags_makes_it_panic(list in "\\PC{0,30}|[W/\", a]{0,12}") {
            let conditions = Conditions { if_match: Some(&list), if_none_match: Some(&list), if_range: Some(&list) };
            let verdict = judge(conditions, "\"a\"");
            prop_assert!(list != "*" || verdict == Verdict::NotModified);
        }
    }
}
