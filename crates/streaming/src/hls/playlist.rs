//! Playlists as text (RFC 8216, version 7: fragmented MP4 and byte ranges).

use std::fmt::Write as _;

use super::index::{Fragments, Segment};

/// Whether more is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// FFmpeg is still writing: players load the playlist again.
    Growing,
    Complete,
}

/// One quality of the multivariant playlist.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variant<'a> {
    pub(crate) uri: String,
    pub(crate) fragments: &'a Fragments,
    /// Bits a second that were ordered, as long as not all of it is there to be measured.
    pub(crate) expected_bps: Option<u64>,
}

/// A subtitles rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subtitles {
    pub(crate) uri: String,
    /// For the listener's menu.
    pub(crate) name: String,
    /// BCP 47.
    pub(crate) language: String,
}

/// The playlist of one rendition: every segment a byte range of the file at `uri`. All renditions of a
/// package have one `target_s`, which does not change while it grows (6.2.1); it has to be as long as the
/// longest segment, rounded (4.3.3.1).
#[must_use]
pub(crate) fn media_playlist(fragments: &Fragments, target_s: u32, uri: &str, progress: Progress) -> String {
    let kind = match progress {
        Progress::Growing => "EVENT",
        Progress::Complete => "VOD",
    };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    if progress == Progress::Growing {
        // Players begin what is not complete near its end, if nothing else is said.
        text.push_str("#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n");
    }
    let (uri, init) = (plain(uri), &fragments.init);
    let _ = writeln!(text, "#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"{}@{}\"", init.end - init.start, init.start);
    for segment in &fragments.segments {
        let (seconds, bytes) = (fragments.seconds(segment.duration), &segment.bytes);
        let _ = write!(
            text,
            "#EXTINF:{seconds:.6},\n#EXT-X-BYTERANGE:{}@{}\n",
            bytes.end - bytes.start,
            bytes.start
        );
        let _ = writeln!(text, "{uri}");
    }
    if progress == Progress::Complete {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}

/// The target duration for whole segments: at least `least_s`.
#[must_use]
pub(crate) fn target_s<'a>(renditions: impl IntoIterator<Item = &'a Fragments>, least_s: u32) -> u32 {
    let longest = |fragments: &Fragments| {
        let ticks = fragments.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
        fragments.seconds(ticks).round() as u32
    };
    renditions.into_iter().map(longest).fold(least_s, u32::max)
}

/// All renditions, the one that players shall begin with first.
#[must_use]
pub(crate) fn multivariant_playlist(variants: &[Variant<'_>], subtitles: &[Subtitles]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for (number, track) in subtitles.iter().enumerate() {
        let default = if number == 0 { "YES" } else { "NO" };
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"{}\",LANGUAGE=\"{}\",DEFAULT={default},\
             AUTOSELECT=YES,FORCED=NO,URI=\"{}\"",
            plain(&track.name),
            plain(&track.language),
            plain(&track.uri)
        );
    }
    for variant in variants {
        let (peak, average) = variant.bandwidths();
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{}\"",
            plain(&variant.fragments.codecs)
        );
        if let Some((width, height)) = variant.fragments.resolution {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if !subtitles.is_empty() {
            text.push_str(",SUBTITLES=\"captions\"");
        }
        let _ = write!(text, "\n{}\n", plain(&variant.uri));
    }
    text
}

/// A WebVTT file of the whole length as the one segment of a rendition.
#[must_use]
pub(crate) fn subtitles_playlist(uri: &str, duration_s: f64) -> String {
    let target = (duration_s.ceil() as u64).max(1);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:{duration_s:.6},\n{}\n#EXT-X-ENDLIST\n",
        plain(uri)
    )
}

/// A WebVTT file that says where its times begin in those of the media (3.5): where those begin.
#[must_use]
pub(crate) fn timed_webvtt(webvtt: &str) -> String {
    let (first, rest) = webvtt.split_once('\n').unwrap_or((webvtt, ""));
    format!("{}\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n{rest}", first.trim_end())
}

impl Variant<'_> {
    /// Bits a second of the largest segment, and of all together (RFC 8216, 4.3.4.2).
    fn bandwidths(&self) -> (u64, u64) {
        let segments = &self.fragments.segments;
        let rate = |bytes: u64, ticks: u64| {
            let seconds = self.fragments.seconds(ticks);
            if seconds > 0.0 { (bytes as f64 * 8.0 / seconds).ceil() as u64 } else { 0 }
        };
        let size = |segment: &Segment| segment.bytes.end - segment.bytes.start;
        let measured = rate(segments.iter().map(size).sum(), segments.iter().map(|s| s.duration).sum());
        // The last segment may be a fraction of a second and mostly its own head.
        let whole = segments.len().saturating_sub(1).max(1);
        let peak = segments.iter().take(whole).map(|segment| rate(size(segment), segment.duration)).max();
        let peak = peak.unwrap_or(0);
        match self.expected_bps {
            None => (peak.max(measured), measured),
            // An encoder that was told a rate keeps to it within a tenth, over seconds.
            Some(expected) => (peak.max(expected + expected / 10), expected),
        }
    }
}

/// What may stand in a line and between quotation marks (RFC 8216, 4.2).
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        '"' => '\'',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments() -> Fragments {
        let segment = |k: u64, duration| Segment {
            bytes: 700 + k * 32_000..700 + (k + 1) * 32_000,
            start: k * 192_000,
            duration,
        };
        Fragments {
            timescale: 48_000,
            init: 0..700,
            codecs: "mp4a.40.2".to_owned(),
            resolution: None,
            segments: vec![segment(0, 192_000), segment(1, 192_000), segment(2, 24_000)],
        }
    }

    #[test]
    fn a_media_playlist_names_the_bytes_of_each_segment() {
        let text = media_playlist(&fragments(), 4, "file?a=1&b=2", Progress::Complete);
        assert_eq!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"file?a=1&b=2\",BYTERANGE=\"700@0\"\n\
             #EXTINF:4.000000,\n#EXT-X-BYTERANGE:32000@700\nfile?a=1&b=2\n\
             #EXTINF:4.000000,\n#EXT-X-BYTERANGE:32000@32700\nfile?a=1&b=2\n\
             #EXTINF:0.500000,\n#EXT-X-BYTERANGE:32000@64700\nfile?a=1&b=2\n#EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn what_grows_has_no_end_and_begins_at_its_beginning() {
        let text = media_playlist(&fragments(), 4, "file", Progress::Growing);
        assert!(text.contains("TYPE:EVENT") && text.contains("START:TIME-OFFSET=0"), "{text}");
        assert!(!text.contains("ENDLIST"), "{text}");
    }

    #[test]
    fn the_target_is_the_longest_segment_of_all_renditions() {
        let mut long = fragments();
        long.segments[1].duration = 48_000 * 9 + 24_000;
        assert_eq!(target_s([&fragments()], 4), 4);
        assert_eq!(target_s([&fragments(), &long], 4), 10);
        assert_eq!(target_s([&Fragments::default()], 4), 4);
    }

    #[test]
    fn a_multivariant_playlist_has_rates_codecs_and_captions() {
        let fragments = fragments();
        let variant = Variant { uri: "64.m3u8".to_owned(), fragments: &fragments, expected_bps: None };
        let captions = Subtitles {
            uri: "en.m3u8".to_owned(),
            name: "English \"plain\"".to_owned(),
            language: "en".to_owned(),
        };
        let text = multivariant_playlist(std::slice::from_ref(&variant), &[captions]);
        assert!(text.contains("NAME=\"English 'plain'\""), "{text}");
        // 96,000 bytes in 8.5 s; no whole segment has a higher rate than the mean.
        let line = "#EXT-X-STREAM-INF:BANDWIDTH=90353,AVERAGE-BANDWIDTH=90353,CODECS=\"mp4a.40.2\",SUBTITLES=\"captions\"\n64.m3u8\n";
        assert!(text.contains(line), "{text}");
        let growing = Variant { expected_bps: Some(64_000), ..variant.clone() };
        let text = multivariant_playlist(&[growing], &[]);
        assert!(text.contains("BANDWIDTH=70400,AVERAGE-BANDWIDTH=64000,"), "{text}");
        let film = Fragments { resolution: Some((640, 360)), ..fragments.clone() };
        let text = multivariant_playlist(&[Variant { fragments: &film, ..variant }], &[]);
        assert!(text.contains("RESOLUTION=640x360\n64.m3u8"), "{text}");
    }

    #[test]
    fn a_uri_cannot_break_out_of_its_line() {
        let text = media_playlist(&fragments(), 4, "a\n#EXT-X-ENDLIST\"b", Progress::Growing);
        assert!(!text.contains("\n#EXT-X-ENDLIST"), "{text}");
    }

    #[test]
    fn captions_say_where_their_times_begin() {
        let text = timed_webvtt("WEBVTT\r\n\n1\n00:00.000 --> 00:01.000\nHello\n");
        assert!(text.starts_with("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n1\n"), "{text}");
        assert!(timed_webvtt("WEBVTT").ends_with("MPEGTS:0\n"));
    }

    #[test]
    fn captions_are_one_segment_of_the_whole_length() {
        let text = subtitles_playlist("captions.vtt", 12.25);
        assert!(text.contains("TARGETDURATION:13"), "{text}");
        assert!(text.contains("#EXTINF:12.250000,\ncaptions.vtt\n#EXT-X-ENDLIST"), "{text}");
    }
}
