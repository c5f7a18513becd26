//! Answers that are files to keep.

use axum::http::HeaderValue;

/// `Content-Disposition` with the title as the file's name, also where it is Korean (RFC 8187).
#[must_use]
pub fn attachment(title: &str, extension: &str) -> HeaderValue {
    let title = if title.trim().is_empty() { "sori" } else { title.trim() };
    let encoded: String = format!("{title}.{extension}")
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename=\"sori.{extension}\"; filename*=UTF-8''{encoded}"))
        .expect("only letters, digits and percent signs")
}
