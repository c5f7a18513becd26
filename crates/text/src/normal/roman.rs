//! Roman numerals: of kings ("Henry the eighth"), of parts ("Chapter four"), of sequels ("Rocky two").

use super::line::{Line, Reading, starts_upper};
use super::numbers;

/// What is counted in Roman numerals.
const COUNTED: [&str; 37] = [
    "act", "annex", "apollo", "appendix", "article", "band", "book", "bowl", "canto", "chapter", "class",
    "division", "episode", "figure", "grade", "lesson", "level", "mark", "olympiad", "part", "phase",
    "rocky", "round", "scene", "season", "section", "stage", "table", "tier", "title", "type", "unit",
    "vatican", "volume", "vol", "war", "wars",
];

const RULERS: [&str; 60] = [
    "Albert",
    "Alexander",
    "Alfonso",
    "Antiochus",
    "Baldwin",
    "Benedict",
    "Boniface",
    "Carl",
    "Catherine",
    "Charles",
    "Christian",
    "Clement",
    "Constantine",
    "Cyrus",
    "Darius",
    "Edward",
    "Elizabeth",
    "Ferdinand",
    "Francis",
    "Frederick",
    "George",
    "Gregory",
    "Gustav",
    "Haakon",
    "Harald",
    "Henri",
    "Henry",
    "Innocent",
    "Isabella",
    "Ivan",
    "James",
    "John",
    "Joseph",
    "Julius",
    "Justinian",
    "Karl",
    "Leo",
    "Leopold",
    "Louis",
    "Margaret",
    "Mary",
    "Maximilian",
    "Murad",
    "Napoleon",
    "Nicholas",
    "Olaf",
    "Otto",
    "Paul",
    "Peter",
    "Philip",
    "Pius",
    "Ptolemy",
    "Ramesses",
    "Richard",
    "Robert",
    "Sixtus",
    "Suleiman",
    "Umberto",
    "Urban",
    "William",
];

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let word = line.core(index);
    let (numeral, possessive) = match word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")) {
        Some(bare) => (bare, "'s"),
        None => (word, ""),
    };
    let value = value(numeral)?;
    let previous = line.previous_word(index);
    if previous.is_empty() {
        return None;
    }
    let ruler = RULERS.contains(&previous)
        || (index >= 2 && matches!(line.core(index - 2), "King" | "Queen" | "Pope" | "Emperor" | "Tsar"));
    if ruler && starts_upper(previous) && !is_pronoun(line, index, numeral) {
        return Reading::one(format!("the {}{possessive}", numbers::ordinal(value, line.accent)));
    }
    if COUNTED.contains(&previous.to_ascii_lowercase().as_str()) && !is_pronoun(line, index, numeral) {
        return Reading::one(format!("{}{possessive}", numbers::cardinal(value, line.accent)));
    }
    // A sequel: only numerals that are no word and no other abbreviation.
    let plainly_numeral =
        numeral.len() >= 2 && numeral.bytes().all(|c| b"IVX".contains(&c)) && numeral != "XX";
    if plainly_numeral && starts_upper(previous) {
        return Reading::one(format!("{}{possessive}", numbers::cardinal(value, line.accent)));
    }
    None
}

/// "Part I argue with": a lone I before a verb of the first person.
fn is_pronoun(line: &Line, index: usize, numeral: &str) -> bool {
    const VERBS: [&str; 22] = [
        "am", "argue", "believe", "can", "could", "did", "do", "enjoyed", "had", "have", "know", "like",
        "liked", "love", "loved", "mean", "played", "saw", "think", "want", "will", "would",
    ];
    numeral == "I" && line.next(index).is_some_and(|next| VERBS.contains(&next))
}

/// The value of a numeral in its regular form, at most 3,999.
fn value(numeral: &str) -> Option<u64> {
    if numeral.is_empty() || numeral.len() > 15 || !numeral.bytes().all(|c| b"IVXLCDM".contains(&c)) {
        return None;
    }
    let digit = |c: u8| match c {
        b'I' => 1,
        b'V' => 5,
        b'X' => 10,
        b'L' => 50,
        b'C' => 100,
        b'D' => 500,
        _ => 1000,
    };
    let digits: Vec<u64> = numeral.bytes().map(digit).collect();
    let mut sum = 0;
    for (at, &value) in digits.iter().enumerate() {
        let smaller = digits.get(at + 1).is_some_and(|&next| value < next);
        sum = if smaller { sum - i64::try_from(value).ok()? } else { sum + i64::try_from(value).ok()? };
    }
    let sum = u64::try_from(sum).ok()?;
    (regular(sum) == numeral).then_some(sum)
}

fn regular(mut value: u64) -> String {
    const PARTS: [(u64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut numeral = String::new();
    for (part, sign) in PARTS {
        while value >= part {
            numeral.push_str(sign);
            value -= part;
        }
    }
    numeral
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_numerals_have_a_value() {
        assert_eq!(value("VIII"), Some(8));
        assert_eq!(value("MCMXCIX"), Some(1999));
        assert_eq!(value("IIII"), None);
        assert_eq!(value("IC"), None);
        assert_eq!(value("IIX"), None);
        assert_eq!(value("Mix"), None);
    }
}
