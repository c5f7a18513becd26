//! The passwords of ten letters and more that are guessed first.
//!
//! Shorter ones are refused anyway. Lists of leaked passwords of that length begin with a few words,
//! rows of a keyboard and runs of digits, with years and marks behind them: those are named here
//! by their stems instead of by the million.

/// Compared after digits, marks and spaces at both ends are cut off.
const STEMS: &str = "\
    password passwort passw0rd p@ssword p@ssw0rd pa$$word pa55word motdepasse contrasena administrator \
    administrador admin adminadmin root rootroot superuser sysadmin letmein letmeinplease welcome \
    welcomeback changeme changemenow default secret topsecret iloveyou iloveyousomuch iloveu ilovegod \
    ilovemyself lovelove loveyou forever qwerty qwertyui qwertyuio qwertyuiop qwertyqwerty qwertz \
    qwertzuiop azerty azertyuiop asdfgh asdfghjkl asdfasdf asdfghjklqwerty zxcvbn zxcvbnm \
    zxcvbnmasdfghjkl qazwsx qazwsxedc qazwsxedcrfv 1q2w3e4r5t6y q1w2e3r4t5y6 q1w2e3r4t5 1q2w3e4r \
    q1w2e3r4 1qaz2wsx3edc zaq12wsx abcdef abcdefgh abcdefghij abcdefghijk abcdefghijkl abcabc abcd \
    football baseball basketball superman batman spiderman pokemon starwars dragonball dragon monkey \
    princess sunshine butterfly chocolate computer internet michael michelle jennifer jordan liverpool \
    manchester manchesterunited barcelona realmadrid chelsea arsenal juventus samsung google facebook \
    whatever trustno trustnoone helloworld hellohello hello goodbye nothing blessed jesuschrist \
    ilovejesus heaven master shadow killer hunter access login guest guestguest test testtest testing \
    temporary temppass example database server oracle mustang corvette ferrari mercedes playstation \
    minecraft nintendo fuckyou fuckoff pussycat sweetheart babygirl angel correcthorsebatterystaple \
    thisisapassword mypassword yourpassword newpassword nopassword passwordpassword passpass passphrase \
    soripassword sori sorisori dkssudgktpdy tkfkdgody qlalfqjsgh 사랑해 사랑해요 비밀번호 안녕하세요 대한민국 1q2w3e4r5t \
    q2w3e4r5t 1q2w3e4r5t6y7u";
const PHRASES: &[&str] = &["correct horse battery staple"];

pub(crate) fn is_common(folded: &str) -> bool {
    let is_padding = |c: char| c.is_ascii_digit() || c.is_ascii_punctuation() || c == ' ';
    let stem = folded.trim_matches(is_padding);
    let inner = folded.trim_end_matches(is_padding);
    let is_it = |common: &str| common == stem || common == inner || common == folded;
    stem.is_empty() && !has_variety(folded)
        || STEMS.split(' ').chain(PHRASES.iter().copied()).any(is_it)
        || is_monotonous(folded)
}

/// Digits and marks alone are fine when there are many different ones in no order.
fn has_variety(text: &str) -> bool {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let long = text.chars().count() >= 14;
    long && letters.len() >= 8 && !is_monotonous(text)
}

/// Few letters over and over, or each the neighbour of the one before.
fn is_monotonous(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let mut different = letters.clone();
    different.sort_unstable();
    different.dedup();
    let steps = letters.windows(2).filter(|pair| (pair[0] as i64 - pair[1] as i64).abs() <= 1).count();
    // Nine to zero is a step on a keyboard.
    let wraps = letters.windows(2).filter(|pair| matches!(pair, ['9', '0'] | ['0', '9'])).count();
    different.len() <= 3 || (steps + wraps) * 10 >= letters.len().saturating_sub(1) * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(password: &str, common: bool) {
        assert_eq!(is_common(password), common, "{password}");
    }

    #[test]
    fn what_is_guessed_first_is_common() {
        for password in [
            "password123!",
            "12345678901",
            "0987654321",
            "qwerty12345",
            "abcdefghijklm",
            "1111111111",
            "abababababab",
            "iloveyou2024",
            "123456789a"[..9].repeat(2).as_str(),
            "welcome2026!",
            "1q2w3e4r5t",
            "20260101!!",
            "correct horse battery staple",
            "p@ssw0rd2026",
            "비밀번호123456",
        ] {
            check(password, true);
        }
        for password in
            ["blue tram 44 sings", "xkq vmlt opq", "48159263074815", "나는오늘도라디오를", "tr0ub4dor&3x"]
        {
            check(password, false);
        }
    }
}
