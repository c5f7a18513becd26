//! The finished sound measures what was asked for, whatever came in.

use std::f64::consts::TAU;

use sori_audio::{
    AudioError, Loudness, Mastered, Pcm, PcmBlocks, factor_to_db, loudness_of, master, true_peak_of,
};

/// Something like speech: syllables of a harmonic voice (phases spread, as by a vocal
/// tract) with pauses, peaks far above the mean.
fn speech_like(sample_rate_hz: u32, seconds: u32, level: f64) -> Vec<f32> {
    let rate = f64::from(sample_rate_hz);
    (0..sample_rate_hz * seconds)
        .map(|n| {
            let t = f64::from(n) / rate;
            let syllable = (t * 4.0).fract();
            let pause = if (t / 3.0).fract() > 0.8 { 0.0 } else { 1.0 };
            let envelope = pause * (syllable * 9.0).min(1.0) * (-3.0 * syllable).exp();
            let pitch_hz = 120.0 + 20.0 * (t * 1.3).sin();
            let voice: f64 = (1..14_u32)
                .filter(|h| f64::from(*h) * pitch_hz < rate / 2.2)
                .map(|h| {
                    (TAU * pitch_hz * f64::from(h) * t + 0.7 * f64::from(h * h)).sin() / f64::from(h).sqrt()
                })
                .sum();
            (level * envelope * voice / 5.0) as f32
        })
        .collect()
}

fn mastered(samples: Vec<f32>, sample_rate_hz: u32, target: &Loudness) -> (Vec<f32>, Mastered) {
    let mut out = Vec::new();
    let mut mix = PcmBlocks::new(Pcm { samples, sample_rate_hz });
    let report = master(&mut mix, target, &mut |block: &[f32]| {
        out.extend_from_slice(block);
        Ok::<(), AudioError>(())
    })
    .unwrap();
    (out, report)
}

#[track_caller]
fn check(samples: Vec<f32>, sample_rate_hz: u32, ceiling_dbtp: f64) {
    let target = Loudness { ceiling_dbtp, ..Loudness::default() };
    let length = samples.len();
    let (out, report) = mastered(samples, sample_rate_hz, &target);
    assert_eq!(out.len(), length);
    let lufs = loudness_of(&out, sample_rate_hz).unwrap().unwrap();
    assert!((lufs + 16.0).abs() <= 0.3, "{lufs} LUFS");
    assert!((lufs - report.integrated_lufs.unwrap()).abs() < 1e-9);
    let peak = factor_to_db(f64::from(true_peak_of(&out)));
    assert!(peak <= ceiling_dbtp, "{peak} dBTP");
    assert!((peak - report.true_peak_dbtp).abs() < 1e-6);
}

#[test]
fn speech_comes_out_at_minus_sixteen_at_every_rate_and_level() {
    for sample_rate_hz in sori_audio::SAMPLE_RATES_HZ {
        for level in [0.25, 0.6, 3.0] {
            check(speech_like(sample_rate_hz, 7, level), sample_rate_hz, -1.0);
        }
    }
    check(speech_like(24_000, 7, 0.4), 24_000, -3.0);
}

#[test]
fn silence_stays_silence() {
    for length in [0, 1, 100, 50_000] {
        let (out, report) = mastered(vec![0.0; length], 24_000, &Loudness::default());
        assert_eq!(out, vec![0.0; length]);
        assert_eq!((report.integrated_lufs, report.gain_db), (None, 0.0));
        assert_eq!(report.true_peak_dbtp, f64::NEG_INFINITY);
        assert_eq!(report.frames, length as u64);
    }
}

#[test]
fn a_whisper_of_background_noise_is_not_blown_up() {
    let (_, report) = mastered(speech_like(24_000, 5, 0.005), 24_000, &Loudness::default());
    assert_eq!(report.gain_db, sori_audio::MAX_GAIN_DB);
}

#[test]
fn lone_clicks_end_below_the_ceiling_and_do_not_hang() {
    let mut clicks = vec![0.0; 240_000];
    clicks.iter_mut().step_by(24_000).for_each(|x| *x = 1.0);
    let (out, _) = mastered(clicks, 24_000, &Loudness::default());
    assert!(factor_to_db(f64::from(true_peak_of(&out))) <= -1.0);
}

#[test]
fn a_single_loud_sample_is_limited() {
    let (out, _) = mastered(vec![5.0], 24_000, &Loudness::default());
    assert!(out[0] > 0.5 && out[0] <= 0.8913);
}

#[test]
fn a_failing_sink_stops_the_work() {
    let mut mix = PcmBlocks::new(Pcm { samples: vec![0.1; 100_000], sample_rate_hz: 24_000 });
    let mut calls = 0;
    let result = master(&mut mix, &Loudness::default(), &mut |_: &[f32]| {
        calls += 1;
        Err(AudioError::Wav("full"))
    });
    assert!(matches!(result, Err(AudioError::Wav("full"))));
    assert_eq!(calls, 1);
}
