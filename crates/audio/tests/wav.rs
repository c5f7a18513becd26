//! WAV files: what is written is read, by this crate and by another; what is broken is refused.

use std::io::Cursor;

use proptest::prelude::*;
use sori_audio::{
    AudioError, Pcm,
    wav::{Depth, Length, Writer, read, read_limited},
};

fn ramp(length: usize) -> Vec<f32> {
    (0..length).map(|n| ((n * 37 % 2_001) as f32 / 1_000.0) - 1.0).collect()
}

fn written(samples: &[f32], depth: Depth, length: Length) -> Vec<u8> {
    let mut writer = Writer::new(Cursor::new(Vec::new()), 24_000, depth, length).unwrap();
    for block in samples.chunks(333) {
        writer.write(block).unwrap();
    }
    writer.finish_and_patch().unwrap().into_inner()
}

#[track_caller]
fn check_round_trip(depth: Depth, tolerance: f32) {
    for length in [0, 1, 2, 999, 10_001] {
        let samples = ramp(length);
        for announced in [Length::Known(length as u64), Length::Unknown] {
            let bytes = written(&samples, depth, announced);
            let pcm = read(&bytes[..]).unwrap();
            assert_eq!((pcm.samples.len(), pcm.sample_rate_hz), (length, 24_000));
            for (a, b) in pcm.samples.iter().zip(&samples) {
                assert!((a - b).abs() <= tolerance, "{a} for {b}");
            }
            let other = hound::WavReader::new(&bytes[..]).unwrap();
            assert_eq!(other.duration() as usize, length);
        }
        assert_eq!(
            written(&samples, depth, Length::Unknown),
            written(&samples, depth, Length::Known(length as u64))
        );
    }
}

#[test]
fn what_is_written_is_read() {
    // Full scale itself is one step too high for whole numbers.
    check_round_trip(Depth::Int16, 1.01 / 32_768.0);
    check_round_trip(Depth::Int16Dithered { seed: 7 }, 2.01 / 32_768.0);
    check_round_trip(Depth::Int24, 1.01 / 8_388_608.0);
}

#[test]
fn sixteen_bits_come_back_unchanged() {
    let exact: Vec<f32> = (i16::MIN..=i16::MAX).map(|x| f32::from(x) / 32_768.0).collect();
    let bytes = written(&exact, Depth::Int16, Length::Unknown);
    assert_eq!(read(&bytes[..]).unwrap().samples, exact);
}

#[test]
fn values_beyond_full_scale_are_clipped() {
    for depth in [Depth::Int16, Depth::Int16Dithered { seed: 1 }, Depth::Int24] {
        let pcm = read(&written(&[3.0, -3.0, 1.0], depth, Length::Unknown)[..]).unwrap();
        assert!(pcm.samples[0] > 0.999 && pcm.samples[1] < -0.999 && pcm.samples[2] > 0.999);
    }
}

#[test]
fn dither_is_the_same_for_a_seed_and_another_for_another() {
    let dithered = |seed| written(&ramp(999), Depth::Int16Dithered { seed }, Length::Unknown);
    assert_eq!(dithered(1), dithered(1));
    assert_ne!(dithered(1), dithered(2));
}

#[test]
fn dither_turns_what_is_below_one_step_into_its_true_mean() {
    let quiet = vec![0.3 / 32_768.0; 100_000];
    let mean = |depth| {
        let pcm = read(&written(&quiet, depth, Length::Unknown)[..]).unwrap();
        pcm.samples.iter().map(|x| f64::from(*x)).sum::<f64>() / 100_000.0 * 32_768.0
    };
    assert_eq!(mean(Depth::Int16), 0.0);
    let dithered = mean(Depth::Int16Dithered { seed: 3 });
    assert!((dithered - 0.3).abs() < 0.02, "{dithered}");
}

#[test]
fn a_wrong_announcement_is_noticed() {
    let mut writer = Writer::new(Vec::new(), 8_000, Depth::Int16, Length::Known(3)).unwrap();
    writer.write(&[0.0; 2]).unwrap();
    assert!(matches!(writer.finish(), Err(AudioError::WavLength { announced: 3, written: 2 })));
}

#[test]
fn a_pipe_header_is_read_to_the_end() {
    let mut writer = Writer::new(Vec::new(), 8_000, Depth::Int16, Length::Unknown).unwrap();
    writer.write(&[0.5; 77]).unwrap();
    let bytes = writer.finish().unwrap();
    assert_eq!(bytes[4..8], [0xFF; 4]);
    assert_eq!(read(&bytes[..]).unwrap().samples, vec![0.5; 77]);
}

#[test]
fn beyond_four_gigabytes_the_header_is_rf64() {
    let frames = 3_u64 << 30;
    let writer = Writer::new(Vec::new(), 48_000, Depth::Int16, Length::Known(frames)).unwrap();
    // Nothing was written, so `finish` would refuse: look at the header through a short read.
    drop(writer);
    let mut header = Vec::new();
    drop(Writer::new(&mut header, 48_000, Depth::Int16, Length::Known(frames)).unwrap());
    assert_eq!(&header[..4], b"RF64");
    assert_eq!(&header[12..16], b"ds64");
    assert_eq!(header[28..36], (frames * 2).to_le_bytes());
    assert_eq!(header[36..44], frames.to_le_bytes());
    assert_eq!(header[header.len() - 4..], [0xFF; 4]);
    assert!(matches!(read_limited(&header[..], 1_000), Err(AudioError::WavTooLong { .. })));
}

#[test]
fn several_channels_become_their_mean() {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in [1.0_f32, 0.0, 0.5, -0.5] {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let expected = Pcm { samples: vec![0.5, 0.0], sample_rate_hz: 44_100 };
    assert_eq!(read(&bytes.into_inner()[..]).unwrap(), expected);
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = written(&ramp(50), Depth::Int16, Length::Unknown);
    change(&mut bytes);
    assert!(matches!(read(&bytes[..]), Err(AudioError::Wav(_))));
}

#[test]
fn broken_headers_are_refused() {
    check_refused(Vec::clear);
    check_refused(|b| b[0] = b'X');
    check_refused(|b| b.truncate(30));
    check_refused(|b| b.truncate(b.len() - 1));
    check_refused(|b| b[22] = 0);
    check_refused(|b| b[22] = 200);
    check_refused(|b| b[24..28].fill(0));
    check_refused(|b| b[24..28].fill(0xFF));
    check_refused(|b| b[20] = 85);
    check_refused(|b| b[34] = 12);
    check_refused(|b| b[16] = 200);
    check_refused(|b| b[36..40].copy_from_slice(b"junk"));
}

#[test]
fn a_file_longer_than_the_limit_is_refused() {
    let bytes = written(&ramp(50), Depth::Int16, Length::Unknown);
    assert!(read_limited(&bytes[..], 50).is_ok());
    assert!(matches!(read_limited(&bytes[..], 49), Err(AudioError::WavTooLong { limit_frames: 49 })));
}

proptest! {
    #[test]
    fn no_input_makes_the_reader_panic(
        noise in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..44, length in 0_usize..80
    ) {
        let mut bytes = written(&ramp(length), Depth::Int24, Length::Unknown);
        for (byte, new) in bytes.iter_mut().skip(at).zip(noise.iter().take(9)) {
            *byte = *new;
        }
        let _ = read_limited(&bytes[..], 10_000);
        let _ = read_limited(&noise[..], 10_000);
    }
}
