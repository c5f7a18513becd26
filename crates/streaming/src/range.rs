//! Which bytes a `Range` header means (RFC 9110, 14). No IO in here.

use std::ops::Range;

/// More ranges than this in one header are ignored, and the whole is sent: no player asks for so
/// many, and RFC 9110, 14.2 warns of those who do. (Readers of PDF files ask for some dozens.)
pub const MOST_RANGES: usize = 64;
/// Ranges with a smaller gap are sent as one: the head of another part would be longer
/// (RFC 9110, 15.3.7.2).
pub const GAP_BYTES: u64 = 80;

/// Which bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// 200.
    Whole,
    /// 206; at least one, none empty, all within the size, no two overlap. In the order in which
    /// they were asked for.
    Parts(Vec<Range<u64>>),
    /// 416.
    Unsatisfiable,
}

impl Selection {
    /// What is sent first of a representation of `size_bytes`; `None` when nothing is.
    pub(crate) fn first_byte(&self, size_bytes: u64) -> Option<u64> {
        match self {
            Self::Whole => (size_bytes > 0).then_some(0),
            Self::Parts(parts) => parts.first().map(|part| part.start),
            Self::Unsatisfiable => None,
        }
    }
}

/// Reads a `Range` value for a representation of `size_bytes`.
///
/// A value that is not understood is ignored, as section 14.2 allows: another unit, broken syntax
/// in any of its ranges, a first position after the last, too many ranges. Ranges that overlap or
/// nearly touch become one; so the answer is never longer than the representation and the heads of
/// its parts. O(n log n).
#[must_use]
pub fn select(range: &str, size_bytes: u64) -> Selection {
    let Some((unit, set)) = range.split_once('=') else { return Selection::Whole };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    // Empty elements of a list are to be skipped (RFC 9110, 5.6.1.2).
    let mut specs = set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty());
    let mut parts = Vec::new();
    let mut is_empty = true;
    for spec in specs.by_ref().take(MOST_RANGES) {
        is_empty = false;
        match one(spec, size_bytes) {
            One::Part(part) => parts.push(part),
            One::Outside => {}
            One::NotUnderstood => return Selection::Whole,
        }
    }
    if is_empty || specs.next().is_some() {
        return Selection::Whole;
    }
    if parts.is_empty() { Selection::Unsatisfiable } else { Selection::Parts(coalesced(parts)) }
}

enum One {
    Part(Range<u64>),
    Outside,
    NotUnderstood,
}

fn one(spec: &str, size_bytes: u64) -> One {
    let Some((first, last)) = spec.split_once('-') else { return One::NotUnderstood };
    match (position(first), position(last)) {
        // The last bytes: all of them when there are fewer, none is unsatisfiable (14.1.2).
        (Position::Open, Position::At(0)) => One::Outside,
        // Satisfiable, but no Content-Range can say which bytes of nothing these are.
        (Position::Open, Position::At(_)) if size_bytes == 0 => One::NotUnderstood,
        (Position::Open, Position::At(suffix)) => One::Part(size_bytes.saturating_sub(suffix)..size_bytes),
        (Position::At(first), Position::At(last)) if last < first => One::NotUnderstood,
        (Position::At(first), Position::At(_) | Position::Open) if first >= size_bytes => One::Outside,
        (Position::At(first), Position::At(last)) => One::Part(first..last.saturating_add(1).min(size_bytes)),
        (Position::At(first), Position::Open) => One::Part(first..size_bytes),
        _ => One::NotUnderstood,
    }
}

enum Position {
    Open,
    At(u64),
    Bad,
}

/// Numbers beyond `u64` are as good as its largest.
fn position(text: &str) -> Position {
    match text {
        "" => Position::Open,
        _ if text.bytes().all(|b| b.is_ascii_digit()) => Position::At(text.parse().unwrap_or(u64::MAX)),
        _ => Position::Bad,
    }
}

/// Joins what overlaps or nearly touches; what is joined stands where its first member stood.
fn coalesced(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut by_start: Vec<(usize, Range<u64>)> = parts.into_iter().enumerate().collect();
    by_start.sort_by_key(|(_, part)| part.start);
    let mut joined: Vec<(usize, Range<u64>)> = Vec::with_capacity(by_start.len());
    for (place, part) in by_start {
        match joined.last_mut() {
            Some((first, before)) if part.start <= before.end.saturating_add(GAP_BYTES) => {
                before.end = before.end.max(part.end);
                *first = place.min(*first);
            }
            _ => joined.push((place, part)),
        }
    }
    joined.sort_by_key(|(place, _)| *place);
    joined.into_iter().map(|(_, part)| part).collect()
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one part is a list of one range")]
mod tests {
    use proptest::prelude::*;

    use super::{Selection::*, *};

    const SIZE: u64 = 10_000;

    #[track_caller]
    fn check(range: &str, expected: Selection) {
        assert_eq!(select(range, SIZE), expected, "{range}");
    }

    fn parts<const N: usize>(parts: [Range<u64>; N]) -> Selection {
        Parts(parts.to_vec())
    }

    #[test]
    fn one_range_in_all_its_forms() {
        check("bytes=0-9", parts([0..10]));
        check("bytes=10-", parts([10..SIZE]));
        check("bytes=-10", parts([9_990..SIZE]));
        check("bytes=-10000000", parts([0..SIZE]));
        check("bytes=9990-10001", parts([9_990..SIZE]));
        check("bytes=9999-9999", parts([9_999..SIZE]));
        check("Bytes=0-9", parts([0..10]));
        check("bytes= 0-9 ,", parts([0..10]));
        check("bytes=0-99999999999999999999999", parts([0..SIZE]));
    }

    #[test]
    fn several_ranges_keep_their_order() {
        check("bytes=0-9,1000-1009", parts([0..10, 1_000..1_010]));
        check("bytes=-10, 0-9 ,,\t500-509", parts([9_990..SIZE, 0..10, 500..510]));
        check("bytes=0-9,20000-", parts([0..10]));
    }

    #[test]
    fn what_overlaps_or_nearly_touches_is_one() {
        check("bytes=0-99,50-149", parts([0..150]));
        check("bytes=0-9,10-19", parts([0..20]));
        check("bytes=0-9,90-99", parts([0..100]));
        check("bytes=0-9,91-99", parts([0..10, 91..100]));
        check("bytes=5000-5009,300-399,0-299,5005-5020", parts([5_000..5_021, 0..400]));
        check("bytes=0-,0-,0-", parts([0..SIZE]));
    }

    #[test]
    fn too_many_ranges_are_ignored() {
        let many = |count: u64| {
            let each: Vec<String> = (0..count).map(|n| format!("{}-{}", n * 100, n * 100)).collect();
            format!("bytes={}", each.join(","))
        };
        let Parts(parts) = select(&many(64), SIZE) else { panic!("64 are answered") };
        assert_eq!(parts.len(), 64);
        check(&many(65), Whole);
        check(&format!("bytes={}", "0-,".repeat(200)), Whole);
    }

    #[test]
    fn what_lies_outside_is_unsatisfiable() {
        check("bytes=10000-", Unsatisfiable);
        check("bytes=10000-20000", Unsatisfiable);
        check("bytes=-0", Unsatisfiable);
        check("bytes=-0,10000-", Unsatisfiable);
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
            "bytes =0-9",
            "bytes=0-9,9-0",
            "bytes=0-9,x",
            "bytes=0x1-2",
            "bytes=٠-٩",
            "bytes=0-9;10-19",
            "bytes==0-9",
        ] {
            check(range, Whole);
        }
    }

    proptest! {
        #[test]
        fn parts_are_within_the_size_apart_and_what_was_asked_for(
            asked in proptest::collection::vec((0_u64..300, 0_u64..300), 1..12), size in 1_u64..300,
        ) {
            let specs: Vec<String> = asked.iter().map(|(first, more)| format!("{first}-{}", first + more)).collect();
            let is_asked = |byte: u64| asked.iter().any(|(first, more)| (*first..=first + more).contains(&byte));
            match select(&format!("bytes={}", specs.join(",")), size) {
                Whole => prop_assert!(false, "every set of numbers is understood"),
                Unsatisfiable => prop_assert!((0..size).all(|byte| !is_asked(byte))),
                Parts(parts) => {
                    let mut sorted = parts.clone();
                    sorted.sort_by_key(|part| part.start);
                    prop_assert!(sorted.iter().all(|part| part.start < part.end && part.end <= size));
                    prop_assert!(sorted.windows(2).all(|two| two[0].end + GAP_BYTES < two[1].start));
                    for byte in (0..size).filter(|byte| is_asked(*byte)) {
                        prop_assert!(parts.iter().any(|part| part.contains(&byte)));
                    }
                    // Nothing but what was asked for, and small gaps.
                    prop_assert!(parts.iter().all(|part| is_asked(part.start) && is_asked(part.end - 1)));
                }
            }
        }

        #[test]
        fn nothing_makes_it_panic(range in "(bytes=)?[0-9, -]{0,24}|\\PC{0,20}", size in 0_u64..200) {
            if let Parts(parts) = select(&range, size) {
                prop_assert!(!parts.is_empty() && parts.iter().all(|part| part.start < part.end && part.end <= size));
            }
        }
    }
}
