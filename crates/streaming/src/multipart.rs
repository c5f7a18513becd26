//! The body of an answer as a sequence of text and spans of the file (RFC 9110, 14.6). No IO in here.

use std::{collections::VecDeque, ops::Range};

use bytes::Bytes;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(Bytes),
    Span(Range<u64>),
}

impl Segment {
    pub(crate) fn length_bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Span(span) => span.end - span.start,
        }
    }
}

/// `multipart/byteranges` of several parts.
pub(crate) fn segments(
    parts: &[Range<u64>],
    size_bytes: u64,
    content_type: &str,
    boundary: &str,
) -> VecDeque<Segment> {
    let mut segments = VecDeque::with_capacity(2 * parts.len() + 1);
    for part in parts {
        // A line break before the first boundary would be an empty preamble; without it the body
        // begins with the boundary.
        let lead = if segments.is_empty() { "" } else { "\r\n" };
        let head = format!(
            "{lead}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
            content_range(part, Some(size_bytes))
        );
        segments.push_back(Segment::Text(head.into()));
        segments.push_back(Segment::Span(part.clone()));
    }
    segments.push_back(Segment::Text(format!("\r\n--{boundary}--\r\n").into()));
    segments
}

/// Of something that grows, nobody knows the size.
pub(crate) fn content_range(part: &Range<u64>, size_bytes: Option<u64>) -> String {
    let size = size_bytes.map_or_else(|| "*".to_owned(), |size| size.to_string());
    format!("bytes {}-{}/{size}", part.start, part.end - 1)
}
