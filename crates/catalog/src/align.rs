//! Which line of the old script each line of the new one is, so that ids (and with them times,
//! takes and bookmarks) survive an edit.
//!
//! In this order: the author's id; equal lines in order (patience: unique lines are anchors, then
//! a longest common subsequence between them); equal lines that moved; and a line that was
//! reworded in its place, by the same speaker between the same neighbours.

use std::collections::HashMap;

/// What a line is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Known<'a> {
    /// Ids that name this line: the author's first, then ours.
    pub(crate) ids: [Option<&'a str>; 2],
    pub(crate) speaker: &'a str,
    pub(crate) text: &'a str,
}

type Key<'a> = (&'a str, &'a str);

/// The table of a longest common subsequence has at most this many cells; a larger stretch of
/// repeated lines is matched greedily. Keeps the worst case of 20,000 equal lines linear.
const MAX_CELLS: usize = 1 << 18;

/// For every new line the index of the old line that it is. No old line is used twice.
///
/// O(n log n) for ordinary scripts, plus [`MAX_CELLS`] per stretch between anchors.
pub(crate) fn align(old: &[Known<'_>], new: &[Known<'_>]) -> Vec<Option<usize>> {
    let mut found = vec![None; new.len()];
    let mut used = vec![false; old.len()];
    by_id(old, new, &mut found, &mut used);

    let rest_old: Vec<usize> = (0..old.len()).filter(|&o| !used[o]).collect();
    let rest_new: Vec<usize> = (0..new.len()).filter(|&n| found[n].is_none()).collect();
    let old_keys: Vec<Key<'_>> = rest_old.iter().map(|&o| key(&old[o])).collect();
    let new_keys: Vec<Key<'_>> = rest_new.iter().map(|&n| key(&new[n])).collect();
    for (o, n) in common(&old_keys, &new_keys) {
        pair(&mut found, &mut used, rest_old[o], rest_new[n]);
    }
    moved(old, new, &mut found, &mut used);
    reworded(old, new, &mut found, &mut used);
    found
}

fn key<'a>(line: &Known<'a>) -> Key<'a> {
    (line.speaker, line.text)
}

fn pair(found: &mut [Option<usize>], used: &mut [bool], old: usize, new: usize) {
    found[new] = Some(old);
    used[old] = true;
}

fn by_id(old: &[Known<'_>], new: &[Known<'_>], found: &mut [Option<usize>], used: &mut [bool]) {
    let mut places = HashMap::new();
    for (o, line) in old.iter().enumerate() {
        for id in line.ids.into_iter().flatten() {
            places.entry(id).or_insert(o);
        }
    }
    for (n, line) in new.iter().enumerate() {
        let place = line.ids.into_iter().flatten().find_map(|id| places.get(id).copied());
        if let Some(o) = place.filter(|&o| !used[o]) {
            pair(found, used, o, n);
        }
    }
}

/// Pairs of equal elements, rising in both.
fn common(old: &[Key<'_>], new: &[Key<'_>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    // Stretches still to be compared; a stack, because a script is as deep as it is long.
    let mut stretches = vec![(0..old.len(), 0..new.len())];
    while let Some((mut o, mut n)) = stretches.pop() {
        while !o.is_empty() && !n.is_empty() && old[o.start] == new[n.start] {
            pairs.push((o.start, n.start));
            (o.start, n.start) = (o.start + 1, n.start + 1);
        }
        while !o.is_empty() && !n.is_empty() && old[o.end - 1] == new[n.end - 1] {
            (o.end, n.end) = (o.end - 1, n.end - 1);
            pairs.push((o.end, n.end));
        }
        if o.is_empty() || n.is_empty() {
            continue;
        }
        let anchors = rising(&unique_in_both(&old[o.clone()], &new[n.clone()]));
        if anchors.is_empty() {
            let inner = if o.len() * n.len() <= MAX_CELLS {
                longest(&old[o.clone()], &new[n.clone()])
            } else {
                greedy(&old[o.clone()], &new[n.clone()])
            };
            pairs.extend(inner.into_iter().map(|(a, b)| (o.start + a, n.start + b)));
            continue;
        }
        let (mut from_o, mut from_n) = (o.start, n.start);
        for (a, b) in anchors {
            let (a, b) = (o.start + a, n.start + b);
            pairs.push((a, b));
            stretches.push((from_o..a, from_n..b));
            (from_o, from_n) = (a + 1, b + 1);
        }
        stretches.push((from_o..o.end, from_n..n.end));
    }
    pairs
}

/// Elements that stand once in each, in the order of `new`.
fn unique_in_both(old: &[Key<'_>], new: &[Key<'_>]) -> Vec<(usize, usize)> {
    fn once<'k, 'a>(keys: &'k [Key<'a>]) -> HashMap<&'k Key<'a>, Option<usize>> {
        let mut places = HashMap::new();
        for (place, key) in keys.iter().enumerate() {
            places.entry(key).and_modify(|seen| *seen = None).or_insert(Some(place));
        }
        places
    }
    let (in_old, in_new) = (once(old), once(new));
    new.iter()
        .enumerate()
        .filter(|(_, key)| in_new[key].is_some())
        .filter_map(|(n, key)| Some(((*in_old.get(key)?)?, n)))
        .collect()
}

/// A longest subsequence that rises in both (patience sorting).
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut piles: Vec<usize> = Vec::new();
    let mut before = vec![None; pairs.len()];
    for (i, (old, _)) in pairs.iter().enumerate() {
        let pile = piles.partition_point(|&top| pairs[top].0 < *old);
        before[i] = pile.checked_sub(1).map(|left| piles[left]);
        if pile == piles.len() {
            piles.push(i);
        } else {
            piles[pile] = i;
        }
    }
    let mut chain: Vec<_> =
        std::iter::successors(piles.last().copied(), |&i| before[i]).map(|i| pairs[i]).collect();
    chain.reverse();
    chain
}

/// Longest common subsequence by its table.
fn longest(old: &[Key<'_>], new: &[Key<'_>]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    for o in (0..old.len()).rev() {
        for n in (0..new.len()).rev() {
            lengths[o * width + n] = if old[o] == new[n] {
                lengths[(o + 1) * width + n + 1] + 1
            } else {
                lengths[(o + 1) * width + n].max(lengths[o * width + n + 1])
            };
        }
    }
    let (mut o, mut n, mut pairs) = (0, 0, Vec::new());
    while o < old.len() && n < new.len() {
        if old[o] == new[n] {
            pairs.push((o, n));
            (o, n) = (o + 1, n + 1);
        } else if lengths[(o + 1) * width + n] >= lengths[o * width + n + 1] {
            o += 1;
        } else {
            n += 1;
        }
    }
    pairs
}

/// Each new element takes the next equal old one.
fn greedy(old: &[Key<'_>], new: &[Key<'_>]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&Key<'_>, Vec<usize>> = HashMap::new();
    for (o, key) in old.iter().enumerate() {
        places.entry(key).or_default().push(o);
    }
    let (mut from, mut pairs) = (0, Vec::new());
    for (n, key) in new.iter().enumerate() {
        let Some(places) = places.get(key) else { continue };
        if let Some(&o) = places.get(places.partition_point(|&o| o < from)) {
            pairs.push((o, n));
            from = o + 1;
        }
    }
    pairs
}

fn moved(old: &[Known<'_>], new: &[Known<'_>], found: &mut [Option<usize>], used: &mut [bool]) {
    let mut left: HashMap<Key<'_>, Vec<usize>> = HashMap::new();
    for o in (0..old.len()).rev().filter(|&o| !used[o]) {
        left.entry(key(&old[o])).or_default().push(o);
    }
    for n in 0..new.len() {
        if found[n].is_none()
            && let Some(o) = left.get_mut(&key(&new[n])).and_then(Vec::pop)
        {
            pair(found, used, o, n);
        }
    }
}

/// Between two kept neighbours, as many unknown lines as there were, by the same speakers.
fn reworded(old: &[Known<'_>], new: &[Known<'_>], found: &mut [Option<usize>], used: &mut [bool]) {
    let mut n = 0;
    while n < new.len() {
        if found[n].is_some() {
            n += 1;
            continue;
        }
        let end = (n..new.len()).find(|&i| found[i].is_some()).unwrap_or(new.len());
        let from = n.checked_sub(1).map_or(Some(0), |before| found[before].map(|o| o + 1));
        let to = if end < new.len() { found[end] } else { Some(old.len()) };
        if let (Some(from), Some(to)) = (from, to)
            && to.checked_sub(from) == Some(end - n)
            && (from..to).zip(n..end).all(|(o, n)| {
                // Two different ids of the author say that it is another line.
                let may_be_it = old[o].ids[0].is_none() || new[n].ids[0].is_none();
                !used[o] && old[o].speaker == new[n].speaker && may_be_it
            })
        {
            for (o, n) in (from..to).zip(n..end) {
                pair(found, used, o, n);
            }
        }
        n = end;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// `M:Hi` or `#id M:Hi`.
    fn lines(script: &str) -> Vec<Known<'_>> {
        script
            .split(" / ")
            .filter(|line| !line.is_empty())
            .map(|line| {
                let (id, line) = match line.strip_prefix('#').and_then(|line| line.split_once(' ')) {
                    Some((id, line)) => (Some(id), line),
                    None => (None, line),
                };
                let (speaker, text) = line.split_once(':').unwrap();
                Known { ids: [id, None], speaker, text }
            })
            .collect()
    }

    /// `expected` names the old index of each new line, `-` for a new one.
    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let found = align(&lines(old), &lines(new));
        let found: Vec<_> = found.iter().map(|o| o.map_or("-".to_owned(), |o| o.to_string())).collect();
        assert_eq!(found.join(" "), expected, "{old} -> {new}");
    }

    #[test]
    fn unchanged_lines_are_themselves() {
        check("A:1 / B:2 / A:3", "A:1 / B:2 / A:3", "0 1 2");
        check("A:1 / B:2", "A:0 / A:1 / B:2", "- 0 1");
        check("A:1 / B:2 / A:3", "A:1 / A:3", "0 2");
        check("", "A:1", "-");
        check("A:1", "", "");
    }

    #[test]
    fn a_reworded_line_between_its_neighbours_keeps_its_id() {
        check("A:1 / B:2 / A:3", "A:1 / B:two / A:3", "0 1 2");
        check("A:1", "A:one", "0");
        check("A:1 / B:2 / A:3", "A:1 / C:two / A:3", "0 - 2");
        check("A:1 / B:2 / A:3", "A:1 / B:two / B:three / A:3", "0 - - 2");
    }

    #[test]
    fn repeated_lines_are_matched_in_order() {
        check("A:yes / B:yes / A:yes", "A:yes / A:yes", "0 2");
        check("A:x / A:y / A:x / A:y", "A:y / A:x / A:y", "1 2 3");
    }

    #[test]
    fn a_moved_line_keeps_its_id() {
        check("A:1 / B:2 / C:3 / D:4", "D:4 / A:1 / B:2 / C:3", "3 0 1 2");
        check("A:1 / B:2", "B:2 / A:1", "1 0");
    }

    #[test]
    fn an_authors_id_counts_more_than_the_text() {
        check("#a A:1 / #b A:2", "#b A:1 / #a A:2", "1 0");
        check("#a A:1", "#c A:one", "-");
        check("#a A:1", "A:one", "0");
    }

    #[test]
    fn twenty_thousand_equal_lines_are_no_trouble() {
        let old = vec![Known { ids: [None, None], speaker: "A", text: "yes" }; 20_000];
        let mut new = old.clone();
        new.insert(0, Known { text: "first", ..new[0] });
        new.push(Known { text: "last", ..new[0] });
        let kept = align(&old, &new).into_iter().flatten().count();
        assert_eq!(kept, 20_000);
    }

    proptest! {
        #[test]
        fn no_old_line_is_used_twice_and_no_equal_line_is_lost(
            old in proptest::collection::vec((0..3_usize, 0..5_usize), 0..40),
            new in proptest::collection::vec((0..3_usize, 0..5_usize), 0..40),
        ) {
            const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
            let known = |lines: &[(usize, usize)]| -> Vec<Known<'static>> {
                lines.iter().map(|&(s, t)| Known { ids: [None, None], speaker: NAMES[s], text: NAMES[t] }).collect()
            };
            let (old, new) = (known(&old), known(&new));
            let found = align(&old, &new);
            let used: Vec<usize> = found.iter().copied().flatten().collect();
            prop_assert_eq!(used.iter().collect::<HashSet<_>>().len(), used.len());
            for line in &new {
                let count = |lines: &[Known<'_>]| lines.iter().filter(|other| key(other) == key(line)).count();
                let kept = found.iter().zip(&new).filter(|(o, n)| o.is_some_and(|o| key(&old[o]) == key(line)) && key(n) == key(line)).count();
                prop_assert_eq!(kept, count(&old).min(count(&new)));
            }
        }

        #[test]
        fn deleting_lines_keeps_the_order_of_the_rest(
            lines in proptest::collection::vec(0..4_usize, 0..30), keep in proptest::collection::vec(any::<bool>(), 30),
        ) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let old: Vec<_> = lines.iter().map(|&t| Known { ids: [None, None], speaker: "A", text: NAMES[t] }).collect();
            let new: Vec<_> = old.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(line, _)| *line).collect();
            let found: Vec<usize> = align(&old, &new).into_iter().flatten().collect();
            prop_assert_eq!(found.len(), new.len());
            prop_assert!(found.is_sorted());
        }
    }
}
