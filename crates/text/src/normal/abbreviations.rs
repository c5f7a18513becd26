//! Abbreviations: titles, months, Latin, streets, ranks, companies; single symbols of speech such as `w/`.

use super::line::{Line, Reading, pattern, spelled, starts_digit, starts_lower, starts_upper};

/// Titles: always followed by a name, so the stop never ends a sentence.
const TITLES: [(&str, &str); 26] = [
    ("Mr", "Mister"),
    ("Mrs", "Missus"),
    ("Ms", "Miz"),
    ("Messrs", "Messers"),
    ("Prof", "Professor"),
    ("Rev", "Reverend"),
    ("Fr", "Father"),
    ("Hon", "Honorable"),
    ("Gen", "General"),
    ("Col", "Colonel"),
    ("Maj", "Major"),
    ("Capt", "Captain"),
    ("Cpt", "Captain"),
    ("Cmdr", "Commander"),
    ("Lt", "Lieutenant"),
    ("Sgt", "Sergeant"),
    ("Cpl", "Corporal"),
    ("Pvt", "Private"),
    ("Adm", "Admiral"),
    ("Gov", "Governor"),
    ("Sen", "Senator"),
    ("Rep", "Representative"),
    ("Pres", "President"),
    ("Supt", "Superintendent"),
    ("Mt", "Mount"),
    ("Dr", "Doctor"),
];

/// Read in full when they carry their stop.
const STOPPED: [(&str, &str); 47] = [
    ("Jan", "January"),
    ("Feb", "February"),
    ("Mar", "March"),
    ("Apr", "April"),
    ("Jun", "June"),
    ("Jul", "July"),
    ("Aug", "August"),
    ("Sep", "September"),
    ("Sept", "September"),
    ("Oct", "October"),
    ("Nov", "November"),
    ("Dec", "December"),
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Tues", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Thur", "Thursday"),
    ("Thurs", "Thursday"),
    ("Fri", "Friday"),
    ("Inc", "Incorporated"),
    ("Ltd", "Limited"),
    ("Corp", "Corporation"),
    ("Co", "Company"),
    ("Bros", "Brothers"),
    ("Jr", "Junior"),
    ("Sr", "Senior"),
    ("Esq", "Esquire"),
    ("Ave", "Avenue"),
    ("Blvd", "Boulevard"),
    ("Rd", "Road"),
    ("Ln", "Lane"),
    ("Hwy", "Highway"),
    ("Pkwy", "Parkway"),
    ("approx", "approximately"),
    ("dept", "department"),
    ("Dept", "Department"),
    ("est", "established"),
    ("misc", "miscellaneous"),
    ("max", "maximum"),
    ("Univ", "University"),
    ("Assn", "Association"),
    ("govt", "government"),
    ("Govt", "Government"),
    ("incl", "including"),
    ("abbr", "abbreviation"),
    ("anon", "anonymous"),
];

/// Read in full with or without a stop.
const ALWAYS: [(&str, &str); 23] = [
    ("etc", "et cetera"),
    ("vs", "versus"),
    ("e.g", "for example"),
    ("eg", "for example"),
    ("i.e", "that is"),
    ("ie", "that is"),
    ("cf", "compare"),
    ("viz", "namely"),
    ("al", "al"),
    ("a.k.a", "also known as"),
    ("aka", "also known as"),
    ("w/", "with"),
    ("w/o", "without"),
    ("c/o", "care of"),
    ("b/c", "because"),
    ("n/a", "not applicable"),
    ("N/A", "not applicable"),
    ("PhD", "P H D"),
    ("Ph.D", "P H D"),
    ("p.s", "P S"),
    ("P.S", "P S"),
    ("Blvd", "Boulevard"),
    ("Pkwy", "Parkway"),
];

/// Read in full only before a number.
const NUMBERED: [(&str, &str); 18] = [
    ("No", "number"),
    ("no", "number"),
    ("Nos", "numbers"),
    ("nos", "numbers"),
    ("Fig", "figure"),
    ("fig", "figure"),
    ("Figs", "figures"),
    ("Vol", "volume"),
    ("vol", "volume"),
    ("Ch", "chapter"),
    ("ch", "chapter"),
    ("p", "page"),
    ("pp", "pages"),
    ("Sec", "section"),
    ("sec", "section"),
    ("Art", "article"),
    ("Eq", "equation"),
    ("ext", "extension"),
];

/// Does the stop after this word never end a sentence?
pub(crate) fn never_ends(word: &str) -> bool {
    lookup(&TITLES, word).is_some_and(|_| word != "Dr")
        || matches!(word, "Dr" | "St" | "e.g" | "i.e" | "vs" | "cf" | "viz" | "approx" | "Ft")
}

/// Does the stop belong to the word when a number follows?
pub(crate) fn before_number(word: &str) -> bool {
    lookup(&NUMBERED, word).is_some() || matches!(word, "№" | "ca" | "c" | "v" | "Op" | "op")
}

/// May the stop both belong to the word and end the sentence?
pub(crate) fn may_end(word: &str) -> bool {
    lookup(&STOPPED, word).is_some()
        || matches!(word, "etc" | "al" | "Ph.D" | "PhD" | "ft" | "lb" | "oz" | "in")
}

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let word = line.core(index);
    let stopped = line.stopped(index);
    if let Some(full) = lookup(&ALWAYS, word)
        && (stopped || !matches!(word, "al" | "eg" | "ie" | "cf" | "viz"))
    {
        return Reading::one(full).map(Reading::taking_stops);
    }
    if let Some(full) = lookup(&NUMBERED, word)
        && stopped
        && starts_digit(line.following(index))
    {
        return Reading::one(full).map(Reading::taking_stops);
    }
    if let Some(full) = street_or_saint(line, index) {
        return Reading::one(full).map(Reading::taking_stops);
    }
    // Titles are written without a stop in British English: "Mr Darcy".
    let titled =
        stopped || (word != "Gen" && word != "Rep" && word != "Fr" && word != "Hon" && word != "Col");
    if let Some(full) = lookup(&TITLES, word)
        && titled
        && (starts_upper(line.following(index)) || line.stopped(index))
    {
        return Reading::one(full).map(Reading::taking_stops);
    }
    if let Some(full) = lookup(&STOPPED, word)
        && stopped
        && stops_as_abbreviation(line, index)
    {
        return Reading::one(full).map(Reading::taking_stops);
    }
    if word == "hr" || word == "hrs" || word == "yr" || word == "yrs" {
        let full = if word.starts_with('h') { "hour" } else { "year" };
        let many = if word.ends_with('s') { "s" } else { "" };
        return Reading::one(format!("{full}{many}")).map(Reading::taking_stops);
    }
    // "U.S.", "D.C.", "J.R.R.": letters with stops between them; the lexicon has no words like these.
    if pattern!(r"^(?:[A-Za-z]\.)+[A-Za-z]$").is_match(word) {
        return Reading::one(spelled(word)).map(Reading::taking_stops);
    }
    // An initial: "J. Smith".
    let initial = word.len() == 1 && starts_upper(word) && stopped && !line.is_last(index);
    if initial && starts_upper(line.following(index)) {
        return Reading::one(word).map(Reading::taking_stops);
    }
    None
}

/// The word itself may end a sentence ("He sat. Mar. 3"): months and days need a fitting neighbour.
fn stops_as_abbreviation(line: &Line, index: usize) -> bool {
    let word = line.core(index);
    match word {
        "est" | "max" | "Co" | "Mar" | "Sun" | "Sat" | "Mon" | "Wed" | "Fri" => {
            !line.is_last(index) || word == "Co"
        }
        _ => true,
    }
}

/// "St." is Saint before a name and Street after one; "Dr." Doctor or Drive; "Ft." Fort or feet.
fn street_or_saint(line: &Line, index: usize) -> Option<&'static str> {
    let word = line.core(index);
    let (before_name, after_name) = match word {
        "St" => ("Saint", "Street"),
        "Dr" => ("Doctor", "Drive"),
        "Ft" => ("Fort", "Feet"),
        _ => return None,
    };
    let previous = line.previous(index);
    let next = line.following(index);
    let after_number = previous.ends_with("st")
        || previous.ends_with("nd")
        || previous.ends_with("rd")
        || previous.ends_with("th");
    let house_number = index >= 2 && starts_digit(line.core(index - 2)) && starts_upper(previous);
    let named_road = starts_upper(previous)
        && (line.is_last(index) || starts_lower(next) || line.trail(index).contains(','));
    if (after_number && starts_digit(previous)) || house_number || named_road {
        return Some(after_name);
    }
    (starts_upper(next)).then_some(before_name)
}

fn lookup(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(short, _)| *short == word).map(|(_, full)| *full)
}

/// Every word this module may say, for the check that the lexicons know them.
#[cfg(test)]
pub(crate) fn vocabulary() -> Vec<String> {
    let tables = TITLES.iter().chain(&STOPPED).chain(&ALWAYS).chain(&NUMBERED);
    tables.flat_map(|(_, full)| full.split(' ').map(str::to_owned)).collect()
}
