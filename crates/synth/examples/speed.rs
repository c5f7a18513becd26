//! How fast the voices are on this machine: `cargo run --release -p sori-synth --example speed [kokoro|hibari]`.
//!
//! Prints one Markdown table. Models are taken from `SORI_ASSETS_DIR` or the default cache; text is given as
//! phonemes, so that only the voices are measured.
#![allow(clippy::print_stdout, reason = "a program whose output is a table")]

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use sori_synth::{Hibari, Kokoro, Speech, SynthError, VoiceVectors};
use sori_text::{Phrase, PhraseEnd, Piece};

/// About 60 characters of text: "I have been learning English for a little over two years."
const SENTENCE: &str = "ˌI hæv bɪn lˈɜɹnɪŋ ˈɪŋɡlɪʃ fɔɹ ɐ lˈɪtᵊl ˈOvəɹ tˈu jˈɪɹz.";

/// Ten sentences of ordinary length, about 33 s when af_heart speaks them.
const SENTENCES: [&str; 10] = [
    SENTENCE,
    "ðə lˈAst tɹˈAn lˈɛft ðə stˈAʃən əbˈWt tˈɛn mˈɪnəts ɐɡˈO, ænd nˈObˌɑdi tˈOld ˌʌs wˈI.",
    "pˈʊt ðə kˈi ˈʌndəɹ ðə blˈu stˈOn bəsˈId ðə dˈɔɹ.",
    "wi wˈɔkt əlˈɔŋ ðə ɹˈɪvəɹ ʌntˈɪl ðə lˈIts əv ðə sˈɪɾi dˌɪsəpˈɪɹd bəhˈInd ðə hˈɪlz.",
    "ˈɪf ju kæn hˈɪɹ mˌi, tˈɜɹn ˈɔf ðə ˈɛnʤən ænd wˈAt.",
    "ʃi ˈɔlwˌAz sˈɛd ðæt ðə bˈɛst stˈɔɹiz ɑɹ ðə wˌʌnz wi ˈɔlmˌOst fəɹɡˈɑt.",
    "nˈO, ˌI dˈOnt θˈɪŋk sˌO.",
    "ðə dˈɑktəɹ ˈOpənd ðə wˈɪndO, lˈʊkt Wt æt ðə snˈO, ænd bəɡˈæn tə lˈæf.",
    "təmˈɑɹO mˈɔɹnɪŋ wi wɪl nˈO mˈɔɹ əbˈWt ˈɪt ðæn wi dˈu təndˈA.",
    "ɡˈʊd nˈIt, ænd sˈi ju ɐɡˈɛn nˈɛkst wˈik.",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::args().nth(1);
    let assets = assets_dir();
    println!("| what | wall | CPU | audio | times real time |\n|---|---|---|---|---|");
    if wanted.as_deref().is_none_or(|name| name == "kokoro") {
        kokoro(&assets)?;
    }
    if wanted.as_deref().is_none_or(|name| name == "hibari") {
        hibari(&assets)?;
    }
    println!("\nPeak memory: {}", peak_memory());
    Ok(())
}

fn kokoro(assets: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let folder = assets.join("kokoro");
    let vocab = std::fs::read(folder.join("vocab.json"))?;
    let voice = VoiceVectors::from_bytes(&std::fs::read(folder.join("voices/af_heart.bin"))?)?;
    for threads in [1, 2] {
        let model = std::fs::read(folder.join("model.onnx"))?;
        let (spent, voices) = Spent::on(|| Kokoro::load(model, &vocab, threads))?;
        row(&format!("kokoro: load, {threads} threads a call"), spent, 0.0);
        let speak = |phrase: &Phrase| voices.speak(phrase, &voice, 1.0, 0);
        measure("kokoro", threads, &speak)?;
    }
    Ok(())
}

fn hibari(assets: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let model = std::fs::read(assets.join("hibari/hibari.onnx"))?;
    for threads in [1, 2] {
        let (spent, voice) = Spent::on(|| Hibari::load(model.clone(), threads))?;
        row(&format!("hibari: load, {threads} threads a call"), spent, 0.0);
        measure("hibari", threads, &|phrase| voice.speak(phrase, 1.0, 0))?;
    }
    Ok(())
}

type Speak<'a> = &'a (dyn Fn(&Phrase) -> Result<Speech, SynthError> + Sync);

fn measure(name: &str, threads: usize, speak: Speak<'_>) -> Result<(), SynthError> {
    let sentence = phrase(SENTENCE);
    speak(&sentence)?;
    let (spent, audio_s) = best_of(3, || Ok(seconds(&speak(&sentence)?)))?;
    row(&format!("{name}: one sentence of 60 characters, {threads} threads"), spent, audio_s);
    let phrases = SENTENCES.map(phrase);
    let calls = 2 / threads;
    let (spent, audio_s) = best_of(2, || in_parallel(calls, &phrases, speak))?;
    row(&format!("{name}: ten sentences, {calls} at once with {threads} threads each"), spent, audio_s);
    row(&format!("{name}: the same for 30 s of audio"), spent.times(30.0 / audio_s), 30.0);
    Ok(())
}

fn in_parallel(calls: usize, phrases: &[Phrase], speak: Speak<'_>) -> Result<f64, SynthError> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let lane = || {
        let mut total_s = 0.0;
        while let Some(phrase) = phrases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            total_s += seconds(&speak(phrase)?);
        }
        Ok(total_s)
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..calls).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().map(|lane| lane.join().expect("a lane does not panic")).sum()
    })
}

fn best_of(
    times: usize,
    mut run: impl FnMut() -> Result<f64, SynthError>,
) -> Result<(Spent, f64), SynthError> {
    let mut best = Spent::on(&mut run)?;
    for _ in 1..times {
        let again = Spent::on(&mut run)?;
        if again.0.wall_s < best.0.wall_s {
            best = again;
        }
    }
    Ok(best)
}

fn phrase(phonemes: &str) -> Phrase {
    let piece = Piece { phonemes: phonemes.to_owned(), word: None };
    Phrase { source: 0..0, pieces: vec![piece], end: PhraseEnd::Sentence }
}

fn seconds(speech: &Speech) -> f64 {
    speech.samples.len() as f64 / f64::from(speech.sample_rate_hz)
}

fn row(what: &str, spent: Spent, audio_s: f64) {
    let Spent { wall_s, cpu_s } = spent;
    match audio_s {
        0.0 => println!("| {what} | {wall_s:.3} s | {cpu_s:.2} s | | |"),
        _ => println!("| {what} | {wall_s:.3} s | {cpu_s:.2} s | {audio_s:.2} s | {:.1} |", audio_s / wall_s),
    }
}

/// On a machine with other work only the processor time can be compared.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall_s: f64,
    cpu_s: f64,
}

impl Spent {
    fn on<T>(work: impl FnOnce() -> Result<T, SynthError>) -> Result<(Self, T), SynthError> {
        let (start, cpu_before_s) = (Instant::now(), process_cpu_s());
        let result = work()?;
        Ok((Self { wall_s: start.elapsed().as_secs_f64(), cpu_s: process_cpu_s() - cpu_before_s }, result))
    }

    fn times(self, factor: f64) -> Self {
        Self { wall_s: self.wall_s * factor, cpu_s: self.cpu_s * factor }
    }
}

/// User and system time of this process, as Linux tells it in ticks of 10 ms (proc(5), fields 14 and 15).
fn process_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The high-water mark of resident memory, as Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "not known here".to_owned(), |value| value.trim().to_owned())
}

fn assets_dir() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let caches = || std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    std::env::var_os("SORI_ASSETS_DIR").map_or_else(|| caches().join("sori/assets"), PathBuf::from)
}
