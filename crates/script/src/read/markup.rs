//! What subtitles carry around their words: tags, overrides and character references.

use std::borrow::Cow;

/// A stretch of a cue that one voice says. Line breaks of the cue are kept as `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) speaker: Option<String>,
    pub(super) text: String,
}

/// Reads WebVTT cue text (W3C WebVTT, 4.2.2): voices make spans, other tags vanish, ruby text and
/// time stamps too.
pub(super) fn vtt_spans(payload: &str) -> Vec<Span> {
    let mut spans = vec![Span::default()];
    let mut in_ruby_text = false;
    let mut rest = payload;
    while let Some(open) = rest.find('<') {
        push(&mut spans, &rest[..open], in_ruby_text);
        rest = &rest[open..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.'));
        let Some(close) = clip(rest, 1_024).find('>').filter(|_| is_tag) else {
            push(&mut spans, "<", in_ruby_text);
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[1..close];
        rest = &rest[close + 1..];
        let name_end = tag.find(|c: char| c == '.' || c.is_whitespace()).unwrap_or(tag.len());
        match &tag[..name_end] {
            "v" => {
                let annotation = tag.find(char::is_whitespace).map_or("", |at| &tag[at..]);
                let speaker = decode_references(annotation.trim()).trim().to_owned();
                spans.push(Span { speaker: Some(speaker).filter(|s| !s.is_empty()), ..Span::default() });
            }
            "/v" => spans.push(Span::default()),
            "rt" => in_ruby_text = true,
            "/rt" | "/ruby" => in_ruby_text = false,
            _ => {}
        }
    }
    push(&mut spans, rest, in_ruby_text);
    spans.retain(|span| !span.text.trim().is_empty());
    spans
}

/// A tag is short: looking no further keeps a file of opening brackets linear.
fn clip(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn push(spans: &mut [Span], text: &str, hidden: bool) {
    if let Some(last) = spans.last_mut().filter(|_| !hidden) {
        last.text.push_str(&decode_references(text));
    }
}

/// SubRip knows the tags of old HTML and, by custom, position overrides such as `{\an8}`. Any
/// other `<` is text.
pub(super) fn srt_text(payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some(open) = rest.find(['<', '{']) {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let end = if rest.starts_with("{\\") {
            clip(rest, 256).find('}')
        } else {
            clip(rest, 256).find('>').filter(|close| is_srt_tag(&rest[1..*close]))
        };
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    decode_references(&out).into_owned()
}

fn is_srt_tag(tag: &str) -> bool {
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let name = tag.split([' ', '\t']).next().unwrap_or_default();
    ["b", "i", "u", "s", "font"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// ASS text: override blocks vanish, `\N`, `\n` and `\h` are blanks of their kinds, and vector
/// drawings (`\p1`) are no words.
pub(super) fn ass_text(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut drawing = false;
    let mut rest = field;
    while let Some(at) = rest.find(['\\', '{']) {
        if !drawing {
            out.push_str(&rest[..at]);
        }
        rest = &rest[at..];
        let mut kept = None;
        let taken = match rest.as_bytes() {
            [b'\\', b'N', ..] => {
                kept = Some('\n');
                2
            }
            [b'\\', b'n' | b'h', ..] => {
                kept = Some(' ');
                2
            }
            [b'\\', c @ (b'{' | b'}'), ..] => {
                kept = Some(char::from(*c));
                2
            }
            [b'{', ..] => match rest.find('}') {
                Some(end) => {
                    drawing = draws(&rest[1..end]).unwrap_or(drawing);
                    end + 1
                }
                None => {
                    kept = Some('{');
                    1
                }
            },
            _ => {
                kept = Some('\\');
                1
            }
        };
        out.extend(kept.filter(|_| !drawing));
        rest = &rest[taken..];
    }
    if !drawing {
        out.push_str(rest);
    }
    // Our writer keeps a backslash from being read as an escape with a zero-width space.
    if out.contains("\\\u{200B}") { out.replace("\\\u{200B}", "\\") } else { out }
}

/// Whether an override block switches drawing on or off (`\p1`, `\p0`), if it does either.
fn draws(block: &str) -> Option<bool> {
    block
        .split('\\')
        .filter_map(|tag| {
            let digits = tag.trim().strip_prefix('p')?;
            (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| digits.bytes().any(|b| b != b'0'))
        })
        .next_back()
}

/// Decodes the character references of WebVTT and numeric ones; anything else stays as it is.
pub(super) fn decode_references(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        // The longest reference that is understood is `&#x10FFFF;`.
        let end = rest.bytes().take(10).position(|b| b == b';');
        if let Some((end, c)) = end.and_then(|end| Some((end, reference(&rest[1..end])?))) {
            out.push(c);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn reference(name: &str) -> Option<char> {
    let code = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some('\u{A0}'),
        "lrm" => return Some('\u{200E}'),
        "rlm" => return Some('\u{200F}'),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match code.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (code, 10),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::{Span, ass_text, decode_references, srt_text, vtt_spans};

    fn span(speaker: &str, text: &str) -> Span {
        Span { speaker: (!speaker.is_empty()).then(|| speaker.to_owned()), text: text.to_owned() }
    }

    #[test]
    fn voices_of_a_webvtt_cue_become_spans() {
        assert_eq!(
            vtt_spans("<v.loud Mina &amp; Co>Hi <i>there</i><00:00:01.200> <c.red>you</c></v>\n<v Ben>Yo"),
            [span("Mina & Co", "Hi there you"), span("Ben", "Yo")]
        );
        assert_eq!(vtt_spans("plain &lt;b&gt; a < b <"), [span("", "plain <b> a < b <")]);
        assert_eq!(vtt_spans("<ruby>漢<rt>kan</rt>字<rt>ji</rt></ruby>"), [span("", "漢字")]);
        assert_eq!(vtt_spans("<v >x"), [span("", "x")]);
        assert_eq!(vtt_spans("<i></i>"), []);
    }

    #[test]
    fn tags_of_srt_vanish_and_other_angle_brackets_stay() {
        assert_eq!(srt_text("{\\an8}<i>Hi</i> <FONT color=\"#f00\">you</font>"), "Hi you");
        assert_eq!(srt_text("1 < 2 > 0 <tag> {brace} &amp; AT&T"), "1 < 2 > 0 <tag> {brace} & AT&T");
        assert_eq!(srt_text("<i"), "<i");
    }

    #[test]
    fn overrides_and_drawings_of_ass_vanish() {
        assert_eq!(ass_text(r"{\k20}Ka{\k30}ra\Noke\hhere"), "Kara\noke here");
        assert_eq!(ass_text(r"a{\p1}m 0 0 l 1 1{\p0}b"), "ab");
        assert_eq!(ass_text(r"{\pos(1,2)}x \{y\} C:\dir {open"), r"x {y} C:\dir {open");
    }

    #[test]
    fn only_known_references_are_decoded() {
        assert_eq!(
            decode_references("&lt;&#44032;&#xAC01;&nbsp;&bogus;&#0;&#xD800;&"),
            "<가각\u{A0}&bogus;&#0;&#xD800;&"
        );
        assert_eq!(decode_references("&&amp;amp;"), "&&amp;");
    }
}
