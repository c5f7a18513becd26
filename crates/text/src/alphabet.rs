//! The phoneme alphabet of the voices (misaki's, as in Kokoro's vocabulary) and its check.

use crate::error::PronunciationFault;
use crate::spoken::Accent;

/// Longest pronunciation of one lexicon entry or inline mark, in characters.
pub const MAX_PRONUNCIATION: usize = 200;

const VOWELS: &str = "AIOQWYaeiouyæɑɐɒɔəɚɛɜɨɪɯøœɤʊʌᵊᵻ";
const CONSONANTS: &str = "STbcdfhjklmnpqrstvwxzçðŋɕɖɟɡɥɰɲɳɴɸɹɻɽɾʁʂʃʈʋʎʒʔʝʣʤʥʦʧʨβθχɣꭧ";
const MODIFIERS: &str = "ˈˌːʰʲᵝ\u{303}";
const PUNCTUATION: &str = ";:,.!?—…\"()“” ";

/// Is this a symbol the voices have an id for?
pub fn is_phoneme(symbol: char) -> bool {
    is_sound(symbol) || MODIFIERS.contains(symbol) || PUNCTUATION.contains(symbol)
}

/// Is this a vowel or consonant, as opposed to a stress mark, space or punctuation?
pub fn is_sound(symbol: char) -> bool {
    VOWELS.contains(symbol) || CONSONANTS.contains(symbol)
}

pub(crate) fn is_punctuation(symbol: char) -> bool {
    PUNCTUATION.contains(symbol)
}

/// Diphthongs, affricates and look-alike letters of ordinary IPA, and what the voices call them. Apart from
/// `tʃ` across two morphemes ("nutshell"), where both sound alike, none of the left sides occurs in misaki's
/// own notation, so a string that is already right stays as it is.
const FROM_IPA: [(&str, &str); 16] = [
    ("t͡ʃ", "ʧ"),
    ("d͡ʒ", "ʤ"),
    ("tʃ", "ʧ"),
    ("dʒ", "ʤ"),
    ("eɪ", "A"),
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("ɔɪ", "Y"),
    ("oʊ", "O"),
    ("əʊ", "Q"),
    ("ɝ", "ɜɹ"),
    ("ɚ", "əɹ"),
    ("g", "ɡ"),
    ("r", "ɹ"),
    ("'", "ˈ"),
    (".", ""),
];

/// Checks a pronunciation and brings ordinary IPA into the alphabet of the voices.
///
/// Accepts the string with or without its slashes; runs of white space become one space.
pub fn pronunciation(written: &str, accent: Accent) -> Result<String, PronunciationFault> {
    let bare = written.trim().trim_matches('/').trim();
    if bare.is_empty() {
        return Err(PronunciationFault::Empty);
    }
    if bare.chars().count() > MAX_PRONUNCIATION {
        return Err(PronunciationFault::TooLong(MAX_PRONUNCIATION));
    }
    let mut phonemes = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    for (ipa, ours) in FROM_IPA {
        phonemes = phonemes.replace(ipa, ours);
    }
    if accent == Accent::American {
        // American vowels carry no length mark in this alphabet.
        phonemes = phonemes.replace('ː', "");
    }
    if let Some(unknown) = phonemes
        .chars()
        .find(|&symbol| !(is_sound(symbol) || MODIFIERS.contains(symbol) || symbol == ' ' || symbol == ','))
    {
        return Err(PronunciationFault::UnknownSymbol(unknown));
    }
    if !phonemes.chars().any(is_sound) {
        return Err(PronunciationFault::Soundless);
    }
    Ok(phonemes)
}

/// The plural or possessive ending after these phonemes (en.wiktionary.org/wiki/-s).
pub(crate) fn with_s(stem: &str, accent: Accent) -> String {
    let ending = match stem.chars().last() {
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => match accent {
            Accent::American => "ᵻz",
            Accent::British => "ɪz",
        },
        _ => "z",
    };
    format!("{stem}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: Result<&str, PronunciationFault>) {
        assert_eq!(pronunciation(written, Accent::American), expected.map(str::to_owned), "{written}");
    }

    #[test]
    fn a_pronunciation_is_brought_into_the_voices_alphabet() {
        check("/sˈɔɹi/", Ok("sˈɔɹi"));
        check("  nˈu   jˈɔɹk ", Ok("nˈu jˈɔɹk"));
        check("/tʃˈaɪnə/", Ok("ʧˈInə"));
        check("/həlˈoʊ/", Ok("həlˈO"));
        check("/biː/", Ok("bi"));
        check("/'graʊ.lər/", Ok("ˈɡɹWləɹ"));
    }

    #[test]
    fn a_wrong_pronunciation_names_its_fault() {
        check("//", Err(PronunciationFault::Empty));
        check("/ˈ ˌ/", Err(PronunciationFault::Soundless));
        check("/sˈ9/", Err(PronunciationFault::UnknownSymbol('9')));
        check("/소리/", Err(PronunciationFault::UnknownSymbol('소')));
        check(&"a".repeat(201), Err(PronunciationFault::TooLong(200)));
    }

    #[test]
    fn an_ending_follows_the_last_sound() {
        assert_eq!(with_s("sˈɔɹi", Accent::American), "sˈɔɹiz");
        assert_eq!(with_s("kˈæt", Accent::American), "kˈæts");
        assert_eq!(with_s("ʤˈɔɹʤ", Accent::American), "ʤˈɔɹʤᵻz");
        assert_eq!(with_s("ʤˈɔːʤ", Accent::British), "ʤˈɔːʤɪz");
    }
}
