//! Words that the normaliser writes or that listeners meet daily and that misaki's lexicons lack.

use crate::spoken::Accent;

/// Pronunciations to add where the lexicon has none.
pub(super) fn entries(accent: Accent) -> &'static [(&'static str, &'static str)] {
    match accent {
        Accent::American => &AMERICAN,
        Accent::British => &BRITISH,
    }
}

pub(super) fn digit_name(digit: char, accent: Accent) -> Option<&'static str> {
    let british = accent == Accent::British;
    Some(match digit {
        '0' if british => "zˈɪəɹQ",
        '0' => "zˈɪɹO",
        '1' => "wˈʌn",
        '2' if british => "tˈuː",
        '2' => "tˈu",
        '3' if british => "θɹˈiː",
        '3' => "θɹˈi",
        '4' if british => "fˈɔː",
        '4' => "fˈɔɹ",
        '5' => "fˈIv",
        '6' => "sˈɪks",
        '7' => "sˈɛvᵊn",
        '8' => "ˈAt",
        '9' => "nˈIn",
        _ => return None,
    })
}

// "et", "cetera" and "al" are the Latin words of "etc." and "et al."; "Miz" and "Missus" are what "Ms." and "Mrs."
// have in the lexicons (mˈɪz, mˈɪsɪz).
const AMERICAN: [(&str, &str); 8] = [
    ("Miz", "mˈɪz"),
    ("Missus", "mˈɪsɪz"),
    ("gigahertz", "ɡˈɪɡəhˌɜɹts"),
    ("kilojoule", "kˈɪləʤˌul"),
    ("hectopascal", "hˈɛktəpæskˌæl"),
    ("et", "ˌɛt"),
    ("cetera", "sˈɛɾəɹə"),
    ("mille", "mˈɪl"),
];

const BRITISH: [(&str, &str); 9] = [
    ("Miz", "mˈɪz"),
    ("Missus", "mˈɪsɪz"),
    ("megabyte", "mˈɛɡəbIt"),
    ("hectopascal", "hˈɛktəpˌaskal"),
    ("et", "ˌɛt"),
    ("cetera", "sˈɛtəɹə"),
    ("al", "ˈal"),
    ("ruble", "ɹˈuːbᵊl"),
    ("mille", "mˈɪl"),
];
