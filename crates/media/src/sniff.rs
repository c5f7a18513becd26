//! What a file is, by its first bytes. What a client says about a file is not believed, and what is
//! not on this list never reaches FFmpeg: a playlist that calls itself a song could name other files.

/// How many bytes are enough to tell.
pub const SNIFFED_BYTES: usize = 4096;

/// A container that is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Mp3,
    Wav,
    Flac,
    Ogg,
    /// ISO/IEC 14496-12: MP4, M4A, QuickTime.
    Mp4,
    /// AAC in ADTS frames.
    Aac,
    /// EBML: Matroska and WebM.
    Matroska,
    WebM,
    Aiff,
}

/// As people call them, for a refusal.
pub const SUPPORTED: [&str; 12] =
    ["mp3", "wav", "flac", "ogg", "opus", "m4a", "aac", "aiff", "mp4", "mov", "mkv", "webm"];

impl Container {
    /// `None` for what is none of them. `head` is the beginning of the file, [`SNIFFED_BYTES`] of it
    /// or all.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
        if at(0, b"ID3") {
            return Self::behind_id3(head);
        }
        if at(8, b"WAVE") && (at(0, b"RIFF") || at(0, b"RF64")) {
            Some(Self::Wav)
        } else if at(0, b"fLaC") {
            Some(Self::Flac)
        } else if at(0, b"OggS") {
            Some(Self::Ogg)
        } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
            Some(Self::Aiff)
        } else if at(4, b"ftyp") || (at(4, b"moov") || at(4, b"mdat") || at(4, b"wide")) {
            // QuickTime files of old begin without `ftyp`.
            Some(Self::Mp4)
        } else if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
            let is_webm = head
                .iter()
                .take(64)
                .collect::<Vec<_>>()
                .windows(4)
                .any(|four| four == [&b'w', &b'e', &b'b', &b'm']);
            Some(if is_webm { Self::WebM } else { Self::Matroska })
        } else {
            Self::of_frames(head)
        }
    }

    /// An ID3v2 tag may stand before frames of MPEG audio, and, written by some, before FLAC.
    fn behind_id3(head: &[u8]) -> Option<Self> {
        let size = head.get(6..10)?;
        // ID3v2.4, 6.2: four times seven bits. A set eighth bit is no tag.
        if size.iter().any(|byte| byte & 0x80 != 0) {
            return None;
        }
        let size = size.iter().fold(0_usize, |size, byte| size << 7 | usize::from(*byte));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        match head.get(10 + size + footer..) {
            // A picture is longer than what was read of the file: FFmpeg has the last word.
            None | Some([]) => Some(Self::Mp3),
            Some(rest) if rest.starts_with(b"fLaC") => Some(Self::Flac),
            Some(rest) => {
                // Padding that the tag does not count.
                let rest = &rest[rest.iter().position(|byte| *byte != 0).unwrap_or(rest.len())..];
                if rest.is_empty() { Some(Self::Mp3) } else { Self::of_frames(rest) }
            }
        }
    }

    /// MPEG audio (ISO/IEC 11172-3, 2.4.1.3) and ADTS (ISO/IEC 13818-7, 6.2) begin with twelve set bits.
    fn of_frames(head: &[u8]) -> Option<Self> {
        let [0xff, second, third, ..] = *head else { return None };
        let layer = second >> 1 & 3;
        if second & 0xf6 == 0xf0 {
            let rate = third >> 2 & 0xf;
            return (rate < 13).then_some(Self::Aac);
        }
        let (version, bitrate, rate) = (second >> 3 & 3, third >> 4, third >> 2 & 3);
        let is_frame = second & 0xe0 == 0xe0 && version != 1 && layer == 1 && bitrate != 15 && rate != 3;
        is_frame.then_some(Self::Mp3)
    }

    /// The media type to answer with.
    #[must_use]
    pub fn content_type(self, has_picture: bool) -> &'static str {
        match (self, has_picture) {
            (Self::Mp3, _) => "audio/mpeg",
            (Self::Wav, _) => "audio/wav",
            (Self::Flac, _) => "audio/flac",
            (Self::Ogg, false) => "audio/ogg",
            (Self::Ogg, true) => "video/ogg",
            (Self::Mp4, false) => "audio/mp4",
            (Self::Mp4, true) => "video/mp4",
            (Self::Aac, _) => "audio/aac",
            (Self::WebM, false) => "audio/webm",
            (Self::WebM, true) => "video/webm",
            (Self::Matroska, false) => "audio/x-matroska",
            (Self::Matroska, true) => "video/x-matroska",
            (Self::Aiff, _) => "audio/aiff",
        }
    }

    /// Its short name, which is also the ending of its file.
    #[must_use]
    pub fn format(self, has_picture: bool) -> &'static str {
        match (self, has_picture) {
            (Self::Mp3, _) => "mp3",
            (Self::Wav, _) => "wav",
            (Self::Flac, _) => "flac",
            (Self::Ogg, _) => "ogg",
            (Self::Mp4, false) => "m4a",
            (Self::Mp4, true) => "mp4",
            (Self::Aac, _) => "aac",
            (Self::WebM, _) => "webm",
            (Self::Matroska, false) => "mka",
            (Self::Matroska, true) => "mkv",
            (Self::Aiff, _) => "aiff",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &[u8], expected: Option<Container>) {
        assert_eq!(Container::sniff(head), expected, "{:?}", String::from_utf8_lossy(head));
    }

    #[test]
    fn containers_are_known_by_their_first_bytes() {
        check(b"RIFF\x24\0\0\0WAVEfmt ", Some(Container::Wav));
        check(b"RF64\xff\xff\xff\xffWAVEds64", Some(Container::Wav));
        check(b"fLaC\0\0\0\x22", Some(Container::Flac));
        check(b"OggS\0\x02", Some(Container::Ogg));
        check(b"\0\0\0\x20ftypisom", Some(Container::Mp4));
        check(b"FORM\0\0\0\0AIFFCOMM", Some(Container::Aiff));
        check(b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm", Some(Container::WebM));
        check(b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x88matroska", Some(Container::Matroska));
        check(&[0xff, 0xfb, 0x90, 0x00], Some(Container::Mp3));
        check(&[0xff, 0xf3, 0x40, 0xc4], Some(Container::Mp3));
        check(&[0xff, 0xf1, 0x50, 0x80], Some(Container::Aac));
    }

    #[test]
    fn a_tag_before_the_sound_is_looked_behind() {
        let tagged = |rest: &[u8]| [b"ID3\x04\0\0\0\0\0\x04abcd".as_slice(), rest].concat();
        check(&tagged(&[0xff, 0xfb, 0x90, 0x00]), Some(Container::Mp3));
        check(&tagged(&[0, 0, 0, 0xff, 0xfb, 0x90, 0x00]), Some(Container::Mp3));
        check(&tagged(b"fLaC"), Some(Container::Flac));
        check(b"ID3\x04\0\0\0\x7f\x7f\x7fpicture", Some(Container::Mp3));
        // FFmpeg looks behind the tag as well, and would follow what the list names.
        check(&tagged(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), None);
        check(b"ID3\x04\0\0\xff\0\0\x04abcd", None);
    }

    #[test]
    fn what_only_says_that_it_is_media_is_none() {
        for head in [
            b"".as_slice(),
            b"I",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd",
            b"ffconcat version 1.0\nfile /etc/passwd",
            b"<svg xmlns=",
            b"RIFF\x24\0\0\0AVI LIST",
            b"PK\x03\x04",
            b"\x7fELF",
            b"MZ",
            b"just text",
            &[0xff, 0xff, 0xff, 0xff],
            &[0xff, 0xd8, 0xff, 0xe0],
        ] {
            check(head, None);
        }
    }
}
