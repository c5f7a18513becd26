//! Emphasis and escapes inside a row.

/// The words of a row: `*`, `**`, `***` and `_` pairs vanish (Fountain, "Emphasis"), a backslash
/// keeps the next sign as it is, and inline pronunciations `[word](/phonemes/)` stay whole.
pub(super) fn plain(text: &str) -> String {
    let tokens = tokens(text);
    let mut hidden = vec![false; tokens.len()];
    // Positions of marks that wait for their other half; a row has few of them.
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Token::Mark(mark) = token else { continue };
        let before = index.checked_sub(1).and_then(|i| tokens.get(i)).and_then(Token::last_char);
        let after = tokens.get(index + 1).and_then(Token::first_char);
        let can_close = before.is_some_and(|c| !c.is_whitespace());
        let can_open = after.is_some_and(|c| !c.is_whitespace());
        let partner = open.iter().rposition(|(_, other)| other == mark).filter(|_| can_close);
        if let Some(at) = partner {
            hidden[index] = true;
            hidden[open[at].0] = true;
            open.truncate(at);
        } else if can_open {
            if open.len() >= 64 {
                open.remove(0);
            }
            open.push((index, mark));
        }
    }
    tokens.iter().zip(hidden).filter(|(_, hidden)| !hidden).map(|(token, _)| token.as_str()).collect()
}

enum Token<'a> {
    Text(&'a str),
    Mark(&'a str),
}

impl Token<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Mark(text) => text,
        }
    }

    fn first_char(&self) -> Option<char> {
        self.as_str().chars().next()
    }

    fn last_char(&self) -> Option<char> {
        self.as_str().chars().next_back()
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(['*', '_', '\\', '[']).unwrap_or(rest.len());
        if plain > 0 {
            tokens.push(Token::Text(&rest[..plain]));
            rest = &rest[plain..];
            continue;
        }
        let first = rest.as_bytes()[0];
        let length = match first {
            b'*' => rest.bytes().take(3).take_while(|b| *b == b'*').count(),
            b'\\' if rest[1..].starts_with(|c: char| c.is_ascii_punctuation()) => {
                tokens.push(Token::Text(&rest[1..2]));
                rest = &rest[2..];
                continue;
            }
            b'[' => {
                let length = pronunciation(rest).unwrap_or(1);
                tokens.push(Token::Text(&rest[..length]));
                rest = &rest[length..];
                continue;
            }
            b'\\' => {
                tokens.push(Token::Text("\\"));
                rest = &rest[1..];
                continue;
            }
            _ => 1,
        };
        tokens.push(Token::Mark(&rest[..length]));
        rest = &rest[length..];
    }
    tokens
}

/// The length of `[word](/phonemes/)` at the start of `text`.
fn pronunciation(text: &str) -> Option<usize> {
    // Bounded, so that a row of brackets stays linear.
    let window_end = (0..=text.len().min(400)).rev().find(|&i| text.is_char_boundary(i))?;
    let window = &text[..window_end];
    let close = window.find(']').filter(|close| !window[1..*close].contains(['[', '\\']))?;
    let rest = window[close + 1..].strip_prefix("(/")?;
    let end = rest.find("/)").filter(|end| !rest[..*end].contains('\\'))?;
    Some(close + 1 + 2 + end + 2)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn emphasis_vanishes_and_lonely_signs_stay() {
        assert_eq!(plain("*a* **b** ***c*** _d_ _*e*_"), "a b c d e");
        assert_eq!(plain("2 * 3 * 4, 5* and a_b"), "2 * 3 * 4, 5* and a_b");
        assert_eq!(plain(r"\*not\* \_this\_ C:\dir \\"), r"*not* _this_ C:\dir \");
        assert_eq!(plain("*open and _closed_"), "*open and closed");
    }

    #[test]
    fn pronunciations_stay_whole() {
        assert_eq!(plain("*say* [Sori](/s*o_ɾi*/) now"), "say [Sori](/s*o_ɾi*/) now");
        assert_eq!(plain("[*x*] ["), "[x] [");
    }
}
