//! Where the fragments of a growing MP4 file begin and how long they play (ISO/IEC 14496-12).

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A fragment: `moof` with its `mdat`, and what stands between it and the fragment before (`sidx`, `styp`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 4]", into = "[u64; 4]")]
pub(crate) struct Segment {
    pub(crate) bytes: Range<u64>,
    /// In units of [`Fragments::timescale`].
    pub(crate) start: u64,
    pub(crate) duration: u64,
}

impl From<[u64; 4]> for Segment {
    fn from([from, to, start, duration]: [u64; 4]) -> Self {
        Self { bytes: from..to, start, duration }
    }
}

impl From<Segment> for [u64; 4] {
    fn from(segment: Segment) -> Self {
        [segment.bytes.start, segment.bytes.end, segment.start, segment.duration]
    }
}

/// What playlists are written from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fragments {
    /// Ticks in a second, from the media header; 0 until it was read.
    pub(crate) timescale: u32,
    /// Bytes before the first fragment: `ftyp` and `moov`.
    pub(crate) init: Range<u64>,
    /// RFC 6381, those of all tracks.
    pub(crate) codecs: String,
    /// Width and height of the picture.
    pub(crate) resolution: Option<(u32, u32)>,
    pub(crate) segments: Vec<Segment>,
}

impl Fragments {
    #[must_use]
    pub(crate) fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / f64::from(self.timescale.max(1))
    }

    #[must_use]
    pub(crate) fn duration_s(&self) -> f64 {
        self.seconds(self.segments.iter().map(|segment| segment.duration).sum())
    }

    /// Where the last whole fragment ends.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.segments.last().map_or(self.init.end, |segment| segment.bytes.end)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("a box of {0} bytes is smaller than its own head")]
    SmallBox(u64),
    #[error("a box {0:?} of {1} bytes is larger than is read at once")]
    LargeBox(String, u64),
    #[error("the file ends within a {0}")]
    Cut(&'static str),
    #[error("there is no {0}")]
    Missing(&'static str),
    #[error("more than {0} fragments")]
    TooMany(usize),
    #[error("a fragment's times are out of range")]
    Time,
}

/// Of boxes that are read whole (`moov`, `moof`); `mdat` is only skipped.
const LARGEST_BOX: u64 = 64 << 20;
/// A day of segments of four seconds.
const MOST_SEGMENTS: usize = 24 * 3_600 / 4;

/// Reads a file while it grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct FragmentIndex {
    found: Fragments,
    /// Where the next box begins.
    position: u64,
    /// The track whose times count: the first with a picture, or the first.
    track: u32,
    /// Samples without a duration of their own last so long (`trex`).
    default_duration: u32,
    /// A `moof` whose `mdat` is still to come, with the place where the segment begins.
    open: Option<(u64, Times)>,
    segment_start: Option<u64>,
    /// Fragments are joined until they last so long, all but the first.
    least_s: f64,
    /// Joined, and not yet long enough.
    joined: Option<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    start: u64,
    duration: u64,
}

impl FragmentIndex {
    /// Segments of several fragments, each `least_s` or longer. The first fragment is one of its own, so
    /// that whoever waits can begin, and the last is as long as what is left when
    /// [`finish`](Self::finish) is called.
    #[must_use]
    pub(crate) fn joining(least_s: f64) -> Self {
        Self { least_s, ..Self::default() }
    }

    /// What is known of a file that does not grow any more.
    #[must_use]
    pub(crate) fn finish(mut self) -> Fragments {
        self.found.segments.extend(self.joined.take());
        self.found
    }

    /// The byte that [`extend`](Self::extend) wants next.
    #[must_use]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What is known so far.
    #[must_use]
    pub(crate) fn found(&self) -> &Fragments {
        &self.found
    }

    /// How many bytes of the box at [`position`](Self::position) have to be handed to
    /// [`extend`](Self::extend), judged by its first sixteen; `None` while it is not wholly in the file.
    ///
    /// # Errors
    /// Those of [`extend`](Self::extend).
    pub(crate) fn wanted(&self, head: &[u8], file_length: u64) -> Result<Option<usize>, IndexError> {
        let Some(head) = Head::read(head)? else { return Ok(None) };
        let is_read = matches!(&head.kind, b"moov" | b"moof");
        if is_read && head.length > LARGEST_BOX {
            return Err(IndexError::LargeBox(name(head.kind), head.length));
        }
        let is_there = self.position.checked_add(head.length).is_some_and(|end| end <= file_length);
        Ok(is_there.then_some(if is_read { head.length as usize } else { head.size }))
    }

    /// Reads what was added to the file: `bytes` begin at [`position`](Self::position). Takes whole boxes, and of an
    /// `mdat` only its head; says how many bytes to skip beyond `bytes`, through [`position`](Self::position). Linear.
    pub(crate) fn extend(&mut self, bytes: &[u8], file_length: u64) -> Result<(), IndexError> {
        let begin = self.position;
        loop {
            let Some(rest) = usize::try_from(self.position - begin).ok().and_then(|at| bytes.get(at..))
            else {
                return Ok(());
            };
            let Some(head) = Head::read(rest)? else { return Ok(()) };
            let end = self.position.checked_add(head.length).ok_or(IndexError::SmallBox(head.length))?;
            match &head.kind {
                b"moov" | b"moof" => {
                    if head.length > LARGEST_BOX {
                        return Err(IndexError::LargeBox(name(head.kind), head.length));
                    }
                    let Some(body) = rest.get(head.size..head.length as usize) else { return Ok(()) };
                    if &head.kind == b"moov" { self.read_moov(body, end)? } else { self.read_moof(body)? }
                }
                b"mdat" => {
                    if end > file_length {
                        return Ok(());
                    }
                    self.close(end)?;
                }
                b"styp" | b"sidx" | b"prft" | b"emsg" => {
                    self.segment_start.get_or_insert(self.position);
                }
                _ => {}
            }
            self.position = end;
        }
    }

    fn read_moov(&mut self, body: &[u8], end: u64) -> Result<(), IndexError> {
        let tracks = boxes(body).filter(|(kind, _)| kind == b"trak").map(|(_, track)| Track::read(track));
        let tracks = tracks.collect::<Result<Vec<_>, _>>()?;
        let main = tracks.iter().find(|track| track.size.is_some()).or(tracks.first());
        let main = main.ok_or(IndexError::Missing("track"))?;
        let extends = find(body, b"mvex").into_iter().flat_map(boxes);
        // Version and flags, track, sample description, then the duration.
        let mut defaults = extends.filter(|(kind, body)| kind == b"trex" && number(body, 4) == Some(main.id));
        self.default_duration = defaults.next().and_then(|(_, defaults)| number(defaults, 12)).unwrap_or(0);
        self.track = main.id;
        (self.found.timescale, self.found.resolution) = (main.timescale, main.size);
        self.found.codecs = tracks.iter().map(|track| track.codec.as_str()).collect::<Vec<_>>().join(",");
        self.found.init = 0..end;
        Ok(())
    }

    fn read_moof(&mut self, body: &[u8]) -> Result<(), IndexError> {
        if self.found.timescale == 0 {
            return Err(IndexError::Missing("moov before the first moof"));
        }
        let ours =
            |fragment: &&[u8]| find(fragment, b"tfhd").and_then(|head| number(head, 4)) == Some(self.track);
        let mut fragments = boxes(body).filter(|(kind, _)| kind == b"traf").map(|(_, fragment)| fragment);
        let fragment = fragments.find(ours).ok_or(IndexError::Missing("traf"))?;
        let header = find(fragment, b"tfhd").ok_or(IndexError::Missing("tfhd"))?;
        let default = fragment_default(header)?.unwrap_or(self.default_duration);
        let decode_time = find(fragment, b"tfdt").ok_or(IndexError::Missing("tfdt"))?;
        let start = match decode_time.first() {
            Some(1) => long_number(decode_time, 4),
            _ => number(decode_time, 4).map(u64::from),
        };
        let start = start.ok_or(IndexError::Cut("tfdt"))?;
        let mut duration = 0_u64;
        for (_, run) in boxes(fragment).filter(|(kind, _)| kind == b"trun") {
            duration = duration.checked_add(run_duration(run, default)?).ok_or(IndexError::Time)?;
        }
        start.checked_add(duration).ok_or(IndexError::Time)?;
        let begin = self.segment_start.take().unwrap_or(self.position);
        self.open = Some((begin, Times { start, duration }));
        Ok(())
    }

    fn close(&mut self, end: u64) -> Result<(), IndexError> {
        let Some((begin, times)) = self.open.take() else { return Ok(()) };
        if self.found.segments.len() >= MOST_SEGMENTS {
            return Err(IndexError::TooMany(MOST_SEGMENTS));
        }
        let mut segment = Segment { bytes: begin..end, start: times.start, duration: times.duration };
        if let Some(joined) = self.joined.take() {
            segment.bytes.start = joined.bytes.start;
            segment.start = joined.start;
            segment.duration = segment.duration.checked_add(joined.duration).ok_or(IndexError::Time)?;
        }
        let is_first = self.found.segments.is_empty();
        // Sums of ticks as seconds are not exact.
        if is_first || self.found.seconds(segment.duration) + 1e-6 >= self.least_s {
            self.found.segments.push(segment);
        } else {
            self.joined = Some(segment);
        }
        Ok(())
    }
}

/// What the header says of a track.
struct Track {
    id: u32,
    timescale: u32,
    codec: String,
    size: Option<(u32, u32)>,
}

impl Track {
    fn read(track: &[u8]) -> Result<Self, IndexError> {
        let header = find(track, b"tkhd").ok_or(IndexError::Missing("tkhd"))?;
        // Version 1 has times of eight bytes before the id, and before all that follows.
        let at = if header.first() == Some(&1) { 20 } else { 12 };
        let id = number(header, at).ok_or(IndexError::Cut("tkhd"))?;
        let media = find(track, b"mdia").ok_or(IndexError::Missing("mdia"))?;
        let media_header = find(media, b"mdhd").ok_or(IndexError::Missing("mdhd"))?;
        let at = if media_header.first() == Some(&1) { 20 } else { 12 };
        let timescale = number(media_header, at).filter(|&scale| scale > 0).ok_or(IndexError::Cut("mdhd"))?;
        let table =
            find(media, b"minf").and_then(|info| find(info, b"stbl")).and_then(|table| find(table, b"stsd"));
        // Version and flags, number of entries, then the entries.
        let entry = table.and_then(|table| table.get(8..)).and_then(|entries| boxes(entries).next());
        let (kind, entry) = entry.ok_or(IndexError::Missing("stsd"))?;
        let half = |at: usize| entry.get(at..at + 2).map(|b| u32::from(u16::from_be_bytes([b[0], b[1]])));
        let is_picture = find(media, b"hdlr").and_then(|handler| handler.get(8..12)) == Some(b"vide");
        let size = if is_picture { half(24).zip(half(26)) } else { None };
        Ok(Self { id, timescale, codec: codec(kind, entry), size })
    }
}

/// As RFC 6381 writes it.
fn codec(kind: [u8; 4], entry: &[u8]) -> String {
    /// Bytes before the boxes of a sample entry of each kind.
    const PICTURE: usize = 78;
    const SOUND: usize = 28;
    let inner = |at: usize, kind: &[u8; 4]| entry.get(at..).and_then(|boxes| find(boxes, kind));
    match &kind {
        b"avc1" | b"avc3" => match inner(PICTURE, b"avcC").and_then(|config| config.get(1..4)) {
            Some([profile, compatibility, level]) => {
                format!("{}.{profile:02X}{compatibility:02X}{level:02X}", name(kind))
            }
            _ => name(kind),
        },
        b"mp4a" => {
            let object = inner(SOUND, b"esds").and_then(audio_object);
            object.map_or_else(|| "mp4a.40.2".to_owned(), |object| format!("mp4a.40.{object}"))
        }
        b"Opus" => "opus".to_owned(),
        _ => name(kind),
    }
}

/// The object type of MPEG-4 audio (ISO/IEC 14496-1, 7.2.6): the first five bits of the decoder's own description.
fn audio_object(descriptors: &[u8]) -> Option<u8> {
    const DECODER_SPECIFIC: u8 = 5;
    let mut bytes = descriptors.get(4..)?;
    loop {
        let tag = *bytes.first()?;
        let mut size = 0_usize;
        let mut at = 1;
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            size = size << 7 | usize::from(byte & 0x7F);
            if byte & 0x80 == 0 || at > 4 {
                break;
            }
        }
        let body = bytes.get(at..)?;
        bytes = match tag {
            // ES descriptor: id and flags, then others; decoder configuration: thirteen bytes, then others.
            3 => body.get(3..)?,
            4 => body.get(13..)?,
            DECODER_SPECIFIC => return body.first().map(|byte| byte >> 3),
            _ => body.get(size..)?,
        };
    }
}

fn name(kind: [u8; 4]) -> String {
    kind.iter().map(|&byte| char::from(byte)).collect()
}

struct Head {
    kind: [u8; 4],
    /// Bytes of the head itself.
    size: usize,
    /// Of the whole box.
    length: u64,
}

impl Head {
    /// `None`: the head is not there yet.
    fn read(bytes: &[u8]) -> Result<Option<Self>, IndexError> {
        let (Some(length), Some(kind)) = (number(bytes, 0), bytes.get(4..8)) else { return Ok(None) };
        let kind = [kind[0], kind[1], kind[2], kind[3]];
        let (size, length) = match length {
            1 => match long_number(bytes, 8) {
                Some(length) => (16, length),
                None => return Ok(None),
            },
            length => (8, u64::from(length)),
        };
        // A length of 0 means "to the end of the file"; no fragmented file needs it.
        if length < size as u64 {
            Err(IndexError::SmallBox(length))
        } else {
            Ok(Some(Self { kind, size, length }))
        }
    }
}

/// The boxes in the body of another, those that are whole.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let head = Head::read(bytes).ok().flatten()?;
        let length = usize::try_from(head.length).ok()?;
        let body = bytes.get(head.size..length)?;
        bytes = &bytes[length..];
        Some((head.kind, body))
    })
}

fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, body)| body)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

fn long_number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(number(bytes, at)?) << 32 | u64::from(number(bytes, at + 4)?))
}

/// The sample duration in a `tfhd`, if it has one.
fn fragment_default(header: &[u8]) -> Result<Option<u32>, IndexError> {
    let flags = number(header, 0).ok_or(IndexError::Cut("tfhd"))?;
    if flags & 0x08 == 0 {
        return Ok(None);
    }
    // Base data offset and sample description index stand before it when they are there.
    let at = 8 + if flags & 0x01 != 0 { 8 } else { 0 } + if flags & 0x02 != 0 { 4 } else { 0 };
    number(header, at).map(Some).ok_or(IndexError::Cut("tfhd"))
}

/// What the samples of a `trun` last together.
fn run_duration(run: &[u8], default: u32) -> Result<u64, IndexError> {
    let cut = || IndexError::Cut("trun");
    let flags = number(run, 0).ok_or_else(cut)?;
    let count = number(run, 4).ok_or_else(cut)?;
    if flags & 0x100 == 0 {
        return Ok(u64::from(count) * u64::from(default));
    }
    let mut at = 8 + if flags & 0x01 != 0 { 4 } else { 0 } + if flags & 0x04 != 0 { 4 } else { 0 };
    let step = 4 * [0x100, 0x200, 0x400, 0x800].iter().filter(|&&bit| flags & bit != 0).count();
    let mut sum = 0;
    for _ in 0..count {
        sum += u64::from(number(run, at).ok_or_else(cut)?);
        at += step;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A file that FFmpeg fragments.
    fn made(arguments: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.mp4");
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin"])
            .args(arguments)
            .args(["-movflags", "+frag_keyframe+delay_moov+default_base_moof+skip_trailer"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        std::fs::read(path).unwrap()
    }

    fn sound(seconds: u32) -> Vec<u8> {
        let source = format!("sine=frequency=330:sample_rate=48000:duration={seconds}");
        made(&["-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "64k", "-frag_duration", "4000000"])
    }

    fn indexed(file: &[u8]) -> Fragments {
        let mut index = FragmentIndex::default();
        index.extend(file, file.len() as u64).unwrap();
        index.found
    }

    #[test]
    fn the_segments_cover_the_file_and_its_time() {
        let file = sound(30);
        let index = indexed(&file);
        assert_eq!((index.codecs.as_str(), index.resolution), ("mp4a.40.2", None));
        assert!((30.0..30.1).contains(&index.duration_s()), "{}", index.duration_s());
        assert!((7..=9).contains(&index.segments.len()), "{}", index.segments.len());
        assert_eq!(index.segments[0].bytes.start, index.init.end);
        for pair in index.segments.windows(2) {
            assert_eq!(pair[0].bytes.end, pair[1].bytes.start);
            assert_eq!(pair[0].start + pair[0].duration, pair[1].start);
        }
        assert_eq!(index.end(), file.len() as u64);
        let stored = serde_json::to_string(&index).unwrap();
        assert_eq!(serde_json::from_str::<Fragments>(&stored).unwrap(), index);
    }

    #[test]
    fn a_growing_file_gives_the_same_segments() {
        let file = sound(10);
        let whole = indexed(&file);
        for step in [1, 7, 1_000, 65_536] {
            let mut index = FragmentIndex::default();
            let mut length = 0;
            while length < file.len() {
                length = (length + step).min(file.len());
                if let Some(bytes) =
                    usize::try_from(index.position()).ok().and_then(|at| file.get(at..length))
                {
                    index.extend(bytes, length as u64).unwrap();
                }
                assert!(index.found.segments.iter().all(|segment| segment.bytes.end <= length as u64));
            }
            assert_eq!(index.found, whole, "in steps of {step}");
        }
    }

    #[test]
    fn fragments_are_joined_to_segments_all_but_the_first() {
        let file = sound(30);
        let fragments = indexed(&file);
        let mut index = FragmentIndex::joining(8.0);
        index.extend(&file, file.len() as u64).unwrap();
        let growing = index.found().clone();
        let joined = index.finish();
        // 4, 8, 8 and 8 s, and the 2 s that are left.
        assert_eq!((growing.segments.len(), joined.segments.len()), (4, 5));
        assert!(joined.segments.starts_with(&growing.segments));
        assert_eq!(joined.segments[0], fragments.segments[0]);
        assert_eq!(joined.end(), fragments.end());
        assert_eq!(joined.segments[1].start, fragments.segments[1].start);
        assert_eq!(joined.segments[1].bytes.end, fragments.segments[2].bytes.end);
        assert!((joined.duration_s() - fragments.duration_s()).abs() < 1e-9);
    }

    #[test]
    fn a_film_is_timed_by_its_picture() {
        let file = made(&[
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x180:rate=25:duration=6",
            "-f",
            "lavfi",
            "-i",
            "sine=sample_rate=44100:duration=6",
            "-c:v",
            "libx264",
            "-profile:v",
            "main",
            "-g",
            "50",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ]);
        let index = indexed(&file);
        assert_eq!(index.resolution, Some((320, 180)));
        let (picture, sound) = index.codecs.split_once(',').unwrap();
        assert!(picture.starts_with("avc1.4D") && sound == "mp4a.40.2", "{}", index.codecs);
        assert_eq!(index.segments.len(), 3);
        assert!((index.duration_s() - 6.0).abs() < 0.05);
    }

    #[test]
    fn hostile_files_are_ordinary_errors() {
        let file = sound(3);
        let mut index = FragmentIndex::default();
        let small = [0, 0, 0, 4, b'm', b'o', b'o', b'v', 0, 0];
        assert_eq!(index.extend(&small, 10), Err(IndexError::SmallBox(4)));
        // Any one byte may be anything: no panic, no endless loop.
        for at in 0..file.len().min(4_000) {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut broken = file.clone();
                broken[at] = value;
                let mut index = FragmentIndex::default();
                let _refused_or_not = index.extend(&broken, broken.len() as u64);
            }
        }
    }
}
