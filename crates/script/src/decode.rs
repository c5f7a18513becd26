//! Bytes to text: byte order marks, UTF-16, and what is certainly no text at all.

use crate::{Limits, Origin, ScriptError, findings::Finding, problem::Problems};

/// The text of a script file without its byte order mark, in any line-ending style.
///
/// UTF-8 is expected; UTF-16 is understood by its mark. Anything else is an error that names the
/// byte, because guessing an encoding turns names into garbage silently.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<String, ScriptError> {
    if bytes.len() > limits.max_bytes {
        let finding = Finding::TooLarge { bytes: bytes.len(), max_bytes: limits.max_bytes };
        return Err(ScriptError::TooLarge(finding.at(Origin::START)));
    }
    reject_binary(bytes)?;
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            Err(ScriptError::Encoding(Finding::Utf32.at(Origin::START)))
        }
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

/// Refuses files that begin like a picture, an archive, audio or video.
pub(crate) fn reject_binary(bytes: &[u8]) -> Result<(), ScriptError> {
    const KNOWN: [(&[u8], &str, &str); 14] = [
        (b"\x89PNG", "a PNG image", "PNG 이미지"),
        (b"\xFF\xD8\xFF", "a JPEG image", "JPEG 이미지"),
        (b"GIF8", "a GIF image", "GIF 이미지"),
        (b"PK\x03\x04", "a ZIP archive (or a .docx)", "ZIP 압축 파일(또는 .docx)"),
        (b"%PDF", "a PDF document", "PDF 문서"),
        (b"\x1F\x8B", "a gzip archive", "gzip 압축 파일"),
        (b"\xD0\xCF\x11\xE0", "an old Office document", "옛 오피스 문서"),
        (b"{\\rtf", "an RTF document", "RTF 문서"),
        (b"RIFF", "a RIFF file (WAV or AVI)", "RIFF 파일(WAV 또는 AVI)"),
        (b"ID3", "an MP3 file", "MP3 파일"),
        (b"OggS", "an Ogg file", "Ogg 파일"),
        (b"fLaC", "a FLAC file", "FLAC 파일"),
        (b"\x1A\x45\xDF\xA3", "a Matroska or WebM file", "Matroska 또는 WebM 파일"),
        (b"\x7FELF", "a program", "실행 파일"),
    ];
    let mut found = KNOWN.iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|(_, en, ko)| (*en, *ko));
    if bytes.get(4..8) == Some(b"ftyp") {
        found = Some(("an MP4 file", "MP4 파일"));
    }
    match found {
        Some((what, what_ko)) => {
            Err(ScriptError::NotText(Finding::NotText { what, what_ko }.at(Origin::START)))
        }
        None => Ok(()),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ScriptError> {
    let without_mark = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(without_mark) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = error.valid_up_to();
            let before = String::from_utf8_lossy(&without_mark[..valid]);
            let byte = valid + (bytes.len() - without_mark.len());
            Err(ScriptError::Encoding(Finding::BrokenUtf8 { byte }.at(end_of(&before))))
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ScriptError> {
    let mut text = String::with_capacity(bytes.len());
    let mut byte = 2;
    let pairs = bytes.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    for decoded in char::decode_utf16(pairs.map(|pair| unit([pair[0], pair[1]]))) {
        let Ok(c) = decoded else {
            return Err(ScriptError::Encoding(Finding::BrokenUtf16 { byte }.at(end_of(&text))));
        };
        byte += 2 * c.len_utf16();
        text.push(c);
    }
    if odd {
        return Err(ScriptError::Encoding(Finding::BrokenUtf16 { byte }.at(end_of(&text))));
    }
    Ok(text)
}

/// The place right behind `text`.
fn end_of(text: &str) -> Origin {
    let mut at = Origin::START;
    let mut previous = '\0';
    for c in text.chars() {
        match c {
            '\n' if previous == '\r' => {}
            '\n' | '\r' => at = Origin { line: at.line + 1, column: 1 },
            _ => at.column += 1,
        }
        previous = c;
    }
    at
}

/// One physical line of a text file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceLine<'a> {
    /// Without its line ending.
    pub(crate) text: &'a str,
    /// Counts from 1.
    pub(crate) number: u32,
}

impl SourceLine<'_> {
    /// The place of the byte offset `offset` of this line.
    pub(crate) fn at(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        Origin { line: self.number, column: u32::try_from(before.chars().count()).unwrap_or(u32::MAX) + 1 }
    }

    /// The place of the first character that is not white space.
    pub(crate) fn start(&self) -> Origin {
        self.at(self.text.len() - self.text.trim_start().len())
    }
}

/// Splits at LF, CRLF and CR, and finds what no line of a script may hold.
pub(crate) fn source_lines<'a>(
    text: &'a str,
    limits: &Limits,
    problems: &mut Problems,
) -> Vec<SourceLine<'a>> {
    // Ctrl-Z ended text files in DOS; old subtitle tools still write it.
    let text = text.trim_end_matches('\u{1A}');
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let mut line = SourceLine { text: &rest[..end], number: number(lines.len()) };
        inspect(&mut line, limits, problems);
        lines.push(line);
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
    }
    lines
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX - 1) + 1
}

/// A row that is too long is cut, so that readers need not fear its length.
fn inspect(line: &mut SourceLine<'_>, limits: &Limits, problems: &mut Problems) {
    if line.text.len() > limits.max_line_chars
        && let Some((offset, _)) = line.text.char_indices().nth(limits.max_line_chars)
    {
        problems.add(&Finding::TextLineTooLong { max: limits.max_line_chars }, line.at(offset));
        line.text = &line.text[..offset];
        return;
    }
    if let Some((offset, finding)) = unwanted(line.text) {
        problems.add(&finding, line.at(offset));
    }
}

/// The first character of `text` that does not belong into a script, as a finding.
pub(crate) fn unwanted(text: &str) -> Option<(usize, Finding<'static>)> {
    text.char_indices().find_map(|(offset, c)| {
        let code = u32::from(c);
        match c {
            '\t' | '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' => None,
            _ if c.is_control() => Some((offset, Finding::ControlCharacter { code })),
            // They show text in another order than it is stored, which hides what is spoken
            // (Unicode Technical Standard 55, 4.1); nobody needs them for a script.
            '\u{202D}' | '\u{202E}' => Some((offset, Finding::BidiOverride { code })),
            _ => None,
        }
    })
}

/// Embeddings and isolates are common in right-to-left subtitles and are not spoken.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Text for speaking: runs of white space become one blank; marks that nobody sees are left out.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = true;
        } else if !(is_bidi_control(c) || c == '\u{FEFF}') {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{decode, tidy};
    use crate::Limits;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<&str, (&str, u32, u32)>) {
        let got = decode(bytes, &Limits::default())
            .map_err(|e| (e.problems()[0].code, e.problems()[0].line, e.problems()[0].column));
        assert_eq!(got.as_deref().map_err(|e| *e), expected);
    }

    #[test]
    fn text_comes_out_of_every_unicode_file() {
        check(b"a\xEB\xAF\xBC", Ok("a민"));
        check(b"\xEF\xBB\xBFa", Ok("a"));
        check(b"\xFF\xFEa\0\xFC\xBB", Ok("a민"));
        check(b"\xFE\xFF\0a\xBB\xFC", Ok("a민"));
        check(b"", Ok(""));
    }

    #[test]
    fn broken_text_is_an_error_at_its_byte() {
        check(b"one\nA: \xFF", Err(("BROKEN_UTF8", 2, 4)));
        check(
            "민\r\n".as_bytes().iter().copied().chain([0xC3, 0x28]).collect::<Vec<_>>().as_slice(),
            Err(("BROKEN_UTF8", 2, 1)),
        );
        check(b"\xFF\xFEa\0\n\0\x00\xD8b\0", Err(("BROKEN_UTF16", 2, 1)));
        check(b"\xFF\xFEa\0b", Err(("BROKEN_UTF16", 1, 2)));
        check(b"\xFF\xFE\0\0a\0\0\0", Err(("UTF32", 1, 1)));
    }

    #[test]
    fn a_picture_is_no_script() {
        check(b"\x89PNG\r\n\x1a\n\0\0", Err(("NOT_TEXT", 1, 1)));
        check(b"\0\0\0\x20ftypisom", Err(("NOT_TEXT", 1, 1)));
        check(&vec![b'a'; 9 << 20], Err(("TOO_LARGE", 1, 1)));
    }

    #[test]
    fn tidy_text_has_single_blanks_and_no_hidden_marks() {
        assert_eq!(tidy("  a \t\r\n b\u{202A}c\u{FEFF} "), "a bc");
        assert_eq!(tidy("\u{A0}가\u{3000}나"), "가 나");
    }
}
