use proptest::prelude::*;
use sori_captions::{Cue, CueLayout, layout};
use unicode_width::UnicodeWidthStr;

use super::cue;

#[track_caller]
fn check(cue: &Cue, expected: &[(u64, u64, &str)]) {
    let parts = layout(std::slice::from_ref(cue), &CueLayout::default());
    let got: Vec<_> = parts.iter().map(|part| (part.start_ms, part.end_ms, part.text.as_str())).collect();
    assert_eq!(got, expected);
}

#[test]
fn what_fits_stays_one_cue_with_balanced_rows() {
    check(&cue(0, 900, "A", "Good morning."), &[(0, 900, "Good morning.")]);
    check(
        &cue(0, 900, "A", "She opened the door and looked at the rain for a while."),
        &[(0, 900, "She opened the door and looked\nat the rain for a while.")],
    );
}

#[test]
fn a_long_line_is_cut_after_clauses_at_the_times_of_its_words() {
    let text = "When the rain had stopped at last, she went down to the harbour. The boats were gone, and nobody \
                could tell her where they had sailed.";
    check(
        &cue(1_000, 27_000, "A", text),
        &[
            (1_000, 14_000, "When the rain had stopped at last,\nshe went down to the harbour."),
            (14_000, 27_000, "The boats were gone, and nobody could\ntell her where they had sailed."),
        ],
    );
}

#[test]
fn words_go_with_their_part() {
    let text = "one two three four five six seven eight nine ten eleven twelve. thirteen fourteen fifteen sixteen seventeen";
    let parts = layout(&[cue(0, 17_000, "A", text)], &CueLayout::default());
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].words.last().unwrap().text, "twelve");
    assert_eq!(parts[1].words[0].text, "thirteen");
    assert_eq!(parts[1].start_ms, parts[1].words[0].start_ms);
    assert_eq!(parts[0].words.len() + parts[1].words.len(), 17);
}

#[test]
fn without_word_times_parts_last_by_their_length() {
    let mut cue = cue(0, 1_000, "A", &"word ".repeat(40));
    cue.words.clear();
    let parts = layout(&[cue], &CueLayout::default());
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(|part| (250..=400).contains(&(part.end_ms - part.start_ms))), "{parts:?}");
}

#[test]
fn hangul_counts_double_and_scripts_without_blanks_are_cut_between_signs() {
    let room = CueLayout { max_chars: 10, max_lines: 1 };
    let texts = |text: &str| -> Vec<String> {
        layout(&[cue(0, 900, "A", text)], &room).into_iter().map(|c| c.text).collect()
    };
    assert_eq!(texts("안녕하세요 여러분"), ["안녕하세요", "여러분"]);
    assert_eq!(texts("吾輩は猫である。名前はまだ無い。"), ["吾輩は猫", "である。", "名前はま", "だ無い。"]);
    assert_eq!(texts("السلام عليكم"), ["السلام", "عليكم"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_part_fits_and_no_text_or_word_is_lost(
        words in proptest::collection::vec(prop_oneof!["[a-z]{1,12}[.,]?", "[가-힣]{1,7}", "[\u{4E00}-\u{4E50}]{1,30}", "[a-z]{40,90}", Just("👩‍👩‍👧!".to_owned())], 1..60),
        max_chars in 4..50_usize, max_lines in 1..4_usize, length in 0..60_000_u64,
    ) {
        let text = words.join(" ");
        let whole = cue(500, 500 + length, "A", &text);
        let room = CueLayout { max_chars, max_lines };
        let parts = layout(std::slice::from_ref(&whole), &room);
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(parts.iter().map(|part| squeeze(&part.text)).collect::<String>(), squeeze(&text));
        prop_assert_eq!(parts.iter().map(|part| part.words.len()).sum::<usize>(), whole.words.len());
        for part in &parts {
            prop_assert!(part.text.lines().count() <= max_lines);
            prop_assert!(part.text.lines().all(|row| row.width() <= max_chars), "{:?}", part.text);
            prop_assert!(part.start_ms <= part.end_ms);
        }
        prop_assert_eq!((parts[0].start_ms, parts[parts.len() - 1].end_ms), (500, 500 + length));
        prop_assert!(parts.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
        // Laying out again changes nothing, as long as no word was broken.
        if words.iter().all(|word| word.is_ascii() && word.len() <= max_chars) {
            prop_assert_eq!(layout(&parts, &room), parts);
        }
    }
}
