//! Tags and chapters as an FFMETADATA file (FFmpeg formats manual, "Metadata").

use super::{EncodeSpec, Tags};

/// Tags are for people: what is longer is cut.
const MAX_TEXT_CHARS: usize = 500;
/// ID3 counts the entries of its table of contents in one byte.
const MAX_CHAPTERS: usize = 255;

/// The file's text, or `None` when there is nothing to say.
pub(super) fn ffmetadata(spec: &EncodeSpec) -> Option<String> {
    let Tags { title, artist, album, language } = &spec.tags;
    let mut text = String::from(";FFMETADATA1\n");
    let heading = text.len();
    for (key, value) in [("title", title), ("artist", artist), ("album", album), ("language", language)] {
        if let Some(value) = value.as_deref().map(escape).filter(|value| !value.is_empty()) {
            text += &format!("{key}={value}\n");
        }
    }
    for chapter in spec.chapters.iter().take(MAX_CHAPTERS).filter(|chapter| chapter.end_ms > chapter.start_ms)
    {
        let (start, end, title) = (chapter.start_ms, chapter.end_ms, escape(&chapter.title));
        text += &format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n");
    }
    (text.len() > heading).then_some(text)
}

/// One line without control characters, with the five special characters escaped.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.trim().chars().take(MAX_TEXT_CHARS) {
        match character {
            '=' | ';' | '#' | '\\' => escaped.extend(['\\', character]),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use sori_audio::Format;

    use super::*;
    use crate::ffmpeg::Chapter;

    #[test]
    fn nothing_to_say_is_no_file() {
        let mut spec = EncodeSpec::new(Format::Mp3, 24_000);
        assert_eq!(ffmetadata(&spec), None);
        spec.tags.title = Some(" \n".into());
        assert_eq!(ffmetadata(&spec), None);
    }

    #[test]
    fn a_title_cannot_smuggle_in_a_chapter() {
        let mut spec = EncodeSpec::new(Format::Mp3, 24_000);
        spec.tags.title = Some("a=b;c#d\\e\n[CHAPTER]\nSTART=0".into());
        assert_eq!(
            ffmetadata(&spec).unwrap(),
            ";FFMETADATA1\ntitle=a\\=b\\;c\\#d\\\\e [CHAPTER] START\\=0\n"
        );
    }

    #[test]
    fn chapters_without_length_are_left_out() {
        let mut spec = EncodeSpec::new(Format::M4a, 24_000);
        let chapter = |start_ms, end_ms| Chapter { start_ms, end_ms, title: "둘".into() };
        spec.chapters = vec![chapter(5, 5), chapter(5, 9)];
        let text = ffmetadata(&spec).unwrap();
        assert!(text.ends_with("[CHAPTER]\nTIMEBASE=1/1000\nSTART=5\nEND=9\ntitle=둘\n"));
        assert_eq!(text.matches("[CHAPTER]").count(), 1);
    }
}
