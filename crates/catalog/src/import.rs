//! From an uploaded file or a pasted text to a script.

use sori_http::RequestFault;
use sori_script::{Format, Limits, Parsed};

use crate::CatalogFault;

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) format: Format,
    pub(crate) parsed: Parsed,
    /// What the file says, for the editor.
    pub(crate) source_text: String,
}

/// Finds the format when none is given, and reads. Runs where it may take its time: a file of
/// 8 MiB keeps a core busy for a noticeable moment.
pub(crate) async fn import(
    bytes: impl AsRef<[u8]> + Send + 'static,
    name: Option<String>,
    format: Option<Format>,
) -> Result<Imported, CatalogFault> {
    tokio::task::spawn_blocking(move || {
        let bytes = bytes.as_ref();
        let format = match format {
            Some(format) => format,
            None => Format::detect(name.as_deref(), bytes)?,
        };
        let parsed = sori_script::read(bytes, format, &Limits::default())?;
        Ok(Imported { format, parsed, source_text: text_of(bytes) })
    })
    .await?
}

/// The format that a client names.
pub(crate) fn format(name: &str) -> Result<Format, RequestFault> {
    let name = name.trim().to_ascii_lowercase();
    // The names are the extensions, apart from `text` whose files end in `txt`.
    Format::from_name(&format!("x.{name}")).ok_or_else(|| RequestFault::Field {
        field: "format",
        en: "format must be json, text, fountain, srt, vtt or ass.".into(),
        ko: "format은 json, text, fountain, srt, vtt, ass 중 하나여야 합니다.".into(),
    })
}

/// `dir/the_night radio.v2.fountain` names a script "the_night radio.v2" when nothing else does.
pub(crate) fn title_from_file(name: &str) -> Option<String> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).trim();
    (!stem.is_empty()).then(|| stem.chars().filter(|c| !c.is_control()).take(300).collect())
}

/// The text of a file that a reader took: UTF-8 or, with its mark, UTF-16.
fn text_of(bytes: &[u8]) -> String {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_file_has_no_byte_order_mark() {
        assert_eq!(text_of("가: 나".as_bytes()), "가: 나");
        assert_eq!(text_of("\u{feff}A: b".as_bytes()), "A: b");
        let little: Vec<u8> = "\u{feff}가: 🦜".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&little), "가: 🦜");
        let big: Vec<u8> = "\u{feff}가: 🦜".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text_of(&big), "가: 🦜");
    }

    #[test]
    fn formats_are_known_by_name_and_extension() {
        for known in Format::ALL {
            let name = serde_json::to_value(known).unwrap();
            assert_eq!(format(name.as_str().unwrap()).unwrap(), known);
            assert_eq!(format(known.extension()).unwrap(), known);
        }
        assert!(format("docx").is_err());
    }

    #[test]
    fn a_file_names_its_script() {
        assert_eq!(title_from_file("C:\\a\\밤의 라디오.v2.srt").as_deref(), Some("밤의 라디오.v2"));
        assert_eq!(title_from_file("/x/.srt"), None);
        assert_eq!(title_from_file(""), None);
    }
}
