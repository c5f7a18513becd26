//! What a player hears is where the timeline says, in every format and at every rate.

use std::{fs, path::Path};

use sori_audio::{Format, SAMPLE_RATES_HZ};
use sori_contracts::MediaFault;
use sori_media::{Chapter, EncodeSpec, Encoder, Ffmpeg, Tags};

fn ffmpeg() -> Ffmpeg {
    Ffmpeg::find().expect("these tests need FFmpeg: apt-get install ffmpeg")
}

/// Bursts of a 1 kHz tone, 20 ms long, that begin at these samples.
fn bursts(onsets: &[usize], sample_rate_hz: u32, length: usize) -> Vec<f32> {
    let mut samples = vec![0.0; length];
    let burst = sample_rate_hz as usize * 20 / 1000;
    for &onset in onsets {
        for (n, sample) in samples.iter_mut().skip(onset).take(burst).enumerate() {
            let phase = std::f64::consts::TAU * 1_000.0 * n as f64 / f64::from(sample_rate_hz);
            *sample = (0.6 * phase.cos()) as f32;
        }
    }
    samples
}

/// The lag in samples (within 12 ms) at which the decoded sound fits the original best around
/// an onset.
fn lag_at(original: &[f32], decoded: &[f32], onset: usize, sample_rate_hz: u32) -> i64 {
    let reach = i64::from(sample_rate_hz * 12 / 1000);
    let window =
        onset.saturating_sub(reach as usize)..(onset + sample_rate_hz as usize / 30).min(original.len());
    let fit = |lag: i64| -> f64 {
        window
            .clone()
            .filter_map(|n| {
                let other = decoded.get(usize::try_from(n as i64 + lag).ok()?)?;
                Some(f64::from(original[n]) * f64::from(*other))
            })
            .sum()
    };
    (-reach..=reach).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).unwrap()
}

fn encode(ffmpeg: &Ffmpeg, spec: &EncodeSpec, samples: &[f32], path: &Path) {
    let mut encoder = ffmpeg.encoder(spec, path).unwrap();
    for block in samples.chunks(8_192) {
        encoder.write(block).unwrap();
    }
    let encoded = encoder.finish().unwrap();
    assert_eq!(encoded.bytes, fs::metadata(path).unwrap().len());
    assert_eq!(encoded.sha256.len(), 64);
}

#[track_caller]
fn check_onsets(format: Format, limit_ms: f64) {
    let folder = tempfile::tempdir().unwrap();
    let ffmpeg = ffmpeg();
    for sample_rate_hz in SAMPLE_RATES_HZ {
        let path = folder.path().join(format!("{sample_rate_hz}.{format}"));
        let rate = sample_rate_hz as usize;
        let onsets =
            [rate / 10, rate + 1, 2 * rate + 337, 5 * rate + 7, 9 * rate + 4_001, 11 * rate + rate / 2];
        // An odd length: the end must be right too.
        let length = 12 * rate + 311;
        let samples = bursts(&onsets, sample_rate_hz, length);
        encode(&ffmpeg, &EncodeSpec::new(format, sample_rate_hz), &samples, &path);
        let decoded = ffmpeg.decode(&path, sample_rate_hz, 1 << 24).unwrap().samples;
        for onset in onsets {
            let lag_ms =
                lag_at(&samples, &decoded, onset, sample_rate_hz) as f64 * 1000.0 / f64::from(sample_rate_hz);
            assert!(
                lag_ms.abs() <= limit_ms,
                "{format} at {sample_rate_hz} Hz, sample {onset}: {lag_ms} ms late"
            );
        }
        let missing_ms = (length as f64 - decoded.len() as f64) * 1000.0 / f64::from(sample_rate_hz);
        // Padding to whole frames (1,024 samples in AAC) is heard as silence; a cut end would be
        // lost speech.
        let frame_ms = 1_024_000.0 / f64::from(sample_rate_hz.min(20_000));
        assert!(
            (-frame_ms..=limit_ms).contains(&missing_ms),
            "{format} at {sample_rate_hz} Hz: {missing_ms} ms short"
        );
    }
}

#[test]
fn wav_is_exact() {
    check_onsets(Format::Wav, 0.0);
}

#[test]
fn flac_is_exact() {
    check_onsets(Format::Flac, 0.0);
}

#[test]
fn mp3_is_within_five_milliseconds() {
    check_onsets(Format::Mp3, 5.0);
}

#[test]
fn opus_is_within_five_milliseconds() {
    check_onsets(Format::Opus, 5.0);
}

#[test]
fn m4a_is_within_five_milliseconds() {
    check_onsets(Format::M4a, 5.0);
}

#[test]
fn everything_comes_out_as_loud_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let ffmpeg = ffmpeg();
    let tone: Vec<f32> =
        (0..96_000).map(|n| (0.3 * (std::f64::consts::TAU * f64::from(n) / 48.0).sin()) as f32).collect();
    let before = sori_audio::loudness_of(&tone, 48_000).unwrap().unwrap();
    for format in Format::ALL {
        let bitrates: &[_] = match format {
            Format::Mp3 => &[None, Some(64_000), Some(160_000), Some(192_000), Some(224_000), Some(320_000)],
            _ => &[None],
        };
        for &bitrate in bitrates {
            let path = folder.path().join(format!("tone.{format}"));
            encode(&ffmpeg, &EncodeSpec { bitrate, ..EncodeSpec::new(format, 48_000) }, &tone, &path);
            let decoded = ffmpeg.decode(&path, 48_000, 1 << 20).unwrap();
            let after = sori_audio::loudness_of(&decoded.samples, 48_000).unwrap().unwrap();
            assert!((after - before).abs() < 0.1, "{format} at {bitrate:?}: {:.2} dB", after - before);
        }
    }
}

#[test]
fn wav_and_flac_hold_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let ffmpeg = ffmpeg();
    let samples: Vec<f32> =
        (0..30_000).map(|n| ((n * 7_919 % 65_536) as f32 / 32_768.0 - 1.0) * 0.9).collect();
    let decoded = [Format::Wav, Format::Flac].map(|format| {
        let path = folder.path().join(format!("a.{format}"));
        encode(&ffmpeg, &EncodeSpec::new(format, 24_000), &samples, &path);
        ffmpeg.decode(&path, 24_000, 1 << 20).unwrap()
    });
    assert_eq!(decoded[0], decoded[1]);
    assert_eq!(decoded[0].samples.len(), 30_000);
}

#[test]
fn tags_and_chapters_are_seen_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let ffmpeg = ffmpeg();
    for format in [Format::Mp3, Format::M4a] {
        let path = folder.path().join(format!("- 소리 %d=1.{format}"));
        let spec = EncodeSpec {
            tags: Tags {
                title: Some("A; b=c # \\ 제목".into()),
                artist: Some("Mina".into()),
                ..Tags::default()
            },
            chapters: vec![
                Chapter { start_ms: 0, end_ms: 1_500, title: "하나".into() },
                Chapter { start_ms: 1_500, end_ms: 4_000, title: "Two = 2".into() },
            ],
            ..EncodeSpec::new(format, 24_000)
        };
        encode(&ffmpeg, &spec, &bursts(&[1_000], 24_000, 96_000), &path);
        let probe = ffmpeg.probe(&path).unwrap();
        assert_eq!(probe.tags["title"], "A; b=c # \\ 제목");
        assert_eq!(probe.tags["artist"], "Mina");
        assert_eq!((probe.sample_rate_hz, probe.channels), (24_000, 1));
        assert!((3_950..=4_100).contains(&probe.duration_ms), "{}", probe.duration_ms);
        let chapters: Vec<_> =
            probe.chapters.iter().map(|c| (c.start_ms, c.end_ms, c.title.as_str())).collect();
        assert_eq!(chapters, [(0, 1_500, "하나"), (1_500, 4_000, "Two = 2")], "{format}");
        // The chapters do not move the sound.
        let decoded = ffmpeg.decode(&path, 24_000, 1 << 20).unwrap().samples;
        let lag = lag_at(&bursts(&[1_000], 24_000, 96_000), &decoded, 1_000, 24_000);
        assert!(lag.abs() <= 120, "{format}: {lag}");
    }
    let probe_of_opus = {
        let path = folder.path().join("a.opus");
        let tags = Tags { title: Some("T".into()), ..Tags::default() };
        let spec = EncodeSpec { tags, ..EncodeSpec::new(Format::Opus, 22_050) };
        encode(&ffmpeg, &spec, &bursts(&[1_000], 22_050, 22_050), &path);
        ffmpeg.probe(&path).unwrap()
    };
    assert_eq!((probe_of_opus.codec.as_str(), probe_of_opus.tags["title"].as_str()), ("opus", "T"));
}

#[test]
fn nothing_and_one_sample_can_be_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let ffmpeg = ffmpeg();
    for format in Format::ALL {
        let path = folder.path().join(format!("one.{format}"));
        encode(&ffmpeg, &EncodeSpec::new(format, 44_100), &[0.5], &path);
        assert!(!ffmpeg.decode(&path, 44_100, 1 << 20).unwrap().samples.is_empty(), "{format}");
    }
    for format in [Format::Wav, Format::Flac] {
        let path = folder.path().join(format!("nothing.{format}"));
        encode(&ffmpeg, &EncodeSpec::new(format, 8_000), &[], &path);
    }
}

#[test]
fn a_file_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let spec = EncodeSpec {
            tags: Tags { title: Some("T".into()), ..Tags::default() },
            ..EncodeSpec::new(format, 24_000)
        };
        let mut encoder = ffmpeg().encoder(&spec, &folder.path().join("a")).unwrap();
        encoder.write(&[0.1; 50_000]).unwrap();
        drop(encoder);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_destination_that_cannot_be_written_is_a_fault_and_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder/a.mp3");
    let mut encoder = ffmpeg().encoder(&EncodeSpec::new(Format::Mp3, 24_000), &path).unwrap();
    // FFmpeg may not have noticed at the first blocks.
    let fault = (0..1_000)
        .find_map(|_| encoder.write(&[0.0; 8_192]).err())
        .unwrap_or_else(|| encoder.finish().unwrap_err());
    assert!(matches!(&fault, MediaFault::Ffmpeg(said) if said.contains("No such file")), "{fault}");
}

#[test]
fn what_is_no_audio_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp3");
    fs::write(&path, "this is a text and no sound at all").unwrap();
    assert!(matches!(ffmpeg().probe(&path), Err(MediaFault::Ffmpeg(_))));
    assert!(matches!(ffmpeg().decode(&path, 24_000, 1_000), Err(MediaFault::Ffmpeg(_))));
    assert!(matches!(ffmpeg().probe(Path::new("/no/such/file")), Err(MediaFault::Ffmpeg(_))));
}

#[test]
fn a_playlist_that_points_to_the_network_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let path = folder.path().join("a.m3u8");
    let address = listener.local_addr().unwrap();
    fs::write(
        &path,
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n"),
    )
    .unwrap();
    assert!(ffmpeg().decode(&path, 24_000, 1_000).is_err());
    assert!(listener.accept().is_err(), "FFmpeg went to the network");
}

#[test]
fn decoding_stops_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let mut encoder = Encoder::wav(&EncodeSpec::new(Format::Wav, 8_000), &path).unwrap();
    encoder.write(&[0.1; 100_000]).unwrap();
    encoder.finish().unwrap();
    assert!(matches!(ffmpeg().decode(&path, 8_000, 50_000), Err(MediaFault::TooLarge { .. })));
}
