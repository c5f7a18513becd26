//! Which file of a content is packaged, and which renditions it is given. Pure.

use serde::{Deserialize, Serialize};
use sori_contracts::{Content, ContentFile, ContentId, MediaFacts, MediaId, PictureFacts, Sound, SoundFacts};

/// What is packaged. Stands in the payload of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub content_id: ContentId,
    pub media_id: MediaId,
    pub duration_ms: Option<u64>,
    /// What is in it, if that is known without a look at it.
    #[serde(default)]
    pub facts: Option<MediaFacts>,
}

/// One rendition to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// Its name in addresses, such as `64k`.
    pub(crate) name: String,
    pub(crate) has_picture: bool,
    pub(crate) sound: Option<Sound>,
    /// Of everything in it.
    pub(crate) expected_bps: u64,
}

/// What becomes of the whole, as it came.
pub(crate) const ORIGINAL: &str = "original";

/// For speech 64 kbit/s has no audible damage; the first is the one to begin with.
const MONO_BPS: [u32; 3] = [64_000, 48_000, 128_000];
const STEREO_BPS: [u32; 3] = [128_000, 64_000, 192_000];
/// AAC knows 6144 bits for 1024 samples of a channel at the most (ISO/IEC 14496-3, 4.5.3.1).
const AAC_BITS_PER_SAMPLE: u64 = 6;
/// The largest rate that every player of AAC-LC takes.
const HIGHEST_RATE_HZ: u32 = 48_000;
const LOSSLESS: [&str; 3] = ["flac", "alac", "wavpack"];

impl Source {
    /// The file that loses least: a lossless one, or else the one of the highest rate. `None`: nothing
    /// in this content is known to play.
    #[must_use]
    pub fn of(content: &Content) -> Option<Self> {
        let file = content.files.iter().max_by_key(|file| {
            let has_picture = file.video_codec.is_some();
            let is_lossless = file.audio_codec.as_deref().is_some_and(is_lossless);
            // Of equals the first is the last in this order.
            (has_picture, is_lossless, file.bitrate_bps, std::cmp::Reverse(position(content, file)))
        })?;
        Some(Self {
            content_id: content.id,
            media_id: file.media,
            duration_ms: content.duration_ms,
            facts: facts(content, file),
        })
    }
}

fn position(content: &Content, file: &ContentFile) -> Option<usize> {
    content.files.iter().position(|other| other.media == file.media)
}

/// Whether enough is known to spare a look into the file.
fn facts(content: &Content, file: &ContentFile) -> Option<MediaFacts> {
    let sound = SoundFacts {
        codec: file.audio_codec.clone()?,
        channels: file.channels?,
        sample_rate_hz: file.sample_rate_hz?,
        bitrate_bps: file.bitrate_bps,
    };
    let picture = match &file.video_codec {
        None => None,
        Some(codec) => Some(PictureFacts {
            codec: codec.clone(),
            width: file.width?,
            height: file.height?,
            bitrate_bps: file.bitrate_bps,
        }),
    };
    Some(MediaFacts { duration_ms: content.duration_ms, sound: Some(sound), picture })
}

fn is_lossless(codec: &str) -> bool {
    codec.starts_with("pcm_") || LOSSLESS.contains(&codec)
}

/// The renditions, the one to begin with first; none for what only the original file can give.
#[must_use]
pub(crate) fn rungs(facts: &MediaFacts) -> Vec<Rung> {
    match (&facts.picture, &facts.sound) {
        (Some(picture), sound) => film(picture, sound.as_ref()).into_iter().collect(),
        (None, Some(sound)) => speech(sound),
        (None, None) => Vec::new(),
    }
}

/// Transcoding a film takes longer than watching it: H.264 goes in as it is, anything else not at all.
fn film(picture: &PictureFacts, sound: Option<&SoundFacts>) -> Option<Rung> {
    /// When the file does not say it.
    const USUAL_BPS: u64 = 4_000_000;
    let sound = match sound {
        None => None,
        Some(sound) if sound.codec == "aac" => Some(Sound::Copied),
        Some(sound) => Some(aac(sound, STEREO_BPS[0])),
    };
    let expected_bps = picture.bitrate_bps.unwrap_or(USUAL_BPS)
        + match sound {
            Some(Sound::Aac { bitrate_bps, .. }) => u64::from(bitrate_bps),
            _ => 0,
        };
    let rung = Rung { name: ORIGINAL.to_owned(), has_picture: true, sound, expected_bps };
    (picture.codec == "h264").then_some(rung)
}

fn speech(sound: &SoundFacts) -> Vec<Rung> {
    let rates = if sound.channels > 1 { STEREO_BPS } else { MONO_BPS };
    let is_aac = sound.codec == "aac";
    // Encoding a lossy file anew at its own rate adds damage and nothing else.
    let ceiling = match sound.bitrate_bps {
        Some(rate) if is_aac => rate * 3 / 4,
        Some(rate) if !is_lossless(&sound.codec) => rate + rate / 10,
        _ => u64::MAX,
    };
    let channels = sound.channels.clamp(1, 2);
    let most = AAC_BITS_PER_SAMPLE * u64::from(rate_hz(sound)) * u64::from(channels);
    let mut rungs: Vec<Rung> = rates
        .into_iter()
        .filter(|&rate| u64::from(rate) <= ceiling.min(most))
        .map(|rate| encoded(sound, rate))
        .collect();
    if is_aac {
        let expected_bps = sound.bitrate_bps.unwrap_or_else(|| u64::from(rates[0]));
        let sound = Some(Sound::Copied);
        rungs.insert(0, Rung { name: ORIGINAL.to_owned(), has_picture: false, sound, expected_bps });
    } else if rungs.is_empty() {
        let lowest = u64::from(rates.into_iter().min().unwrap_or(48_000));
        rungs.push(encoded(sound, u32::try_from(lowest.min(most)).unwrap_or(u32::MAX)));
    }
    rungs
}

fn encoded(sound: &SoundFacts, bitrate_bps: u32) -> Rung {
    Rung {
        name: format!("{}k", bitrate_bps / 1000),
        has_picture: false,
        sound: Some(aac(sound, bitrate_bps)),
        expected_bps: bitrate_bps.into(),
    }
}

fn aac(sound: &SoundFacts, bitrate_bps: u32) -> Sound {
    Sound::Aac { bitrate_bps, channels: sound.channels.clamp(1, 2), sample_rate_hz: rate_hz(sound) }
}

fn rate_hz(sound: &SoundFacts) -> u32 {
    if sound.sample_rate_hz == 0 { HIGHEST_RATE_HZ } else { sound.sample_rate_hz.min(HIGHEST_RATE_HZ) }
}

#[cfg(test)]
mod tests {
    use sori_contracts::ContentKind;

    use super::*;

    fn sound(codec: &str, channels: u32, sample_rate_hz: u32, bitrate_bps: Option<u64>) -> SoundFacts {
        SoundFacts { codec: codec.to_owned(), channels, sample_rate_hz, bitrate_bps }
    }

    #[track_caller]
    fn check(sound: SoundFacts, expected: &[&str]) {
        let rungs = rungs(&MediaFacts { sound: Some(sound), ..MediaFacts::default() });
        let names: Vec<&str> = rungs.iter().map(|rung| rung.name.as_str()).collect();
        assert_eq!(names, expected);
        assert!(rungs.iter().all(|rung| !rung.has_picture));
    }

    #[test]
    fn speech_has_three_rates_and_stereo_has_more() {
        check(sound("pcm_s16le", 1, 24_000, Some(384_000)), &["64k", "48k", "128k"]);
        check(sound("flac", 2, 44_100, Some(900_000)), &["128k", "64k", "192k"]);
        check(sound("flac", 6, 96_000, None), &["128k", "64k", "192k"]);
    }

    #[test]
    fn a_lossy_file_is_not_encoded_above_its_own_rate() {
        check(sound("mp3", 1, 24_000, Some(64_000)), &["64k", "48k"]);
        check(sound("opus", 1, 48_000, Some(24_000)), &["48k"]);
        check(sound("mp3", 2, 44_100, None), &["128k", "64k", "192k"]);
    }

    #[test]
    fn aac_goes_in_as_it_is() {
        check(sound("aac", 1, 24_000, Some(128_000)), &["original", "64k", "48k"]);
        check(sound("aac", 1, 24_000, Some(48_000)), &["original"]);
    }

    #[test]
    fn no_rate_is_asked_for_that_aac_does_not_have() {
        check(sound("pcm_s16le", 1, 16_000, None), &["64k", "48k"]);
        check(sound("pcm_s16le", 1, 8_000, None), &["48k"]);
        check(sound("pcm_s16le", 1, 6_000, None), &["36k"]);
    }

    #[test]
    fn films_are_copied_or_left_alone() {
        let film = |codec: &str, sound| {
            let picture = PictureFacts {
                codec: codec.to_owned(),
                width: 640,
                height: 360,
                bitrate_bps: Some(1_000_000),
            };
            rungs(&MediaFacts { picture: Some(picture), sound, ..MediaFacts::default() })
        };
        let copied = film("h264", Some(sound("aac", 2, 48_000, None)));
        assert_eq!((copied[0].sound, copied[0].expected_bps), (Some(Sound::Copied), 1_000_000));
        let half = film("h264", Some(sound("ac3", 6, 48_000, None)));
        assert!(matches!(half[0].sound, Some(Sound::Aac { channels: 2, .. })), "{half:?}");
        assert_eq!(film("h264", None)[0].sound, None);
        assert!(film("vp9", Some(sound("opus", 2, 48_000, None))).is_empty());
        assert!(rungs(&MediaFacts::default()).is_empty());
    }

    #[test]
    fn the_file_that_loses_least_is_packaged() {
        let file = |format: &str, codec: &str, bitrate_bps| ContentFile {
            media: MediaId::generate(),
            format: format.to_owned(),
            content_type: "audio/x".to_owned(),
            size_bytes: 1,
            audio_codec: Some(codec.to_owned()),
            channels: Some(1),
            sample_rate_hz: Some(24_000),
            video_codec: None,
            width: None,
            height: None,
            bitrate_bps: Some(bitrate_bps),
        };
        let mut content = Content {
            id: ContentId::generate(),
            kind: ContentKind::Audio,
            title: String::new(),
            owner: None,
            duration_ms: Some(1000),
            files: vec![
                file("mp3", "mp3", 64_000),
                file("wav", "pcm_s16le", 384_000),
                file("m4a", "aac", 96_000),
            ],
            script: None,
            rendering: None,
            show: None,
            alternative: None,
        };
        let source = Source::of(&content).unwrap();
        assert_eq!(source.media_id, content.files[1].media);
        assert_eq!(source.facts.unwrap().sound.unwrap().channels, 1);
        content.files.remove(1);
        content.files[1].channels = None;
        let source = Source::of(&content).unwrap();
        assert_eq!((source.media_id, source.facts), (content.files[1].media, None));
        content.files[1].bitrate_bps = content.files[0].bitrate_bps;
        assert_eq!(Source::of(&content).unwrap().media_id, content.files[0].media);
        content.files.clear();
        assert_eq!(Source::of(&content), None);
    }
}
