//! The pipeline with the tone engine: places, times, loudness and what is spoken again.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use sori_audio::{Format, wav};
use sori_contracts::{Cancel, Fault, MediaFault, Progress, ProgressReport};
use sori_script::{Format as ScriptFormat, Limits, Script};
use sori_voice::{
    EncodedFile, Encoders, Engines, FileEncoder, FileOrder, LineCache, RenderFault, RenderOptions, Rendered,
    Renderer, engine::Engine, testing::CountingTone,
};

/// WAV only, in memory and then at once: enough to look at samples.
struct WavEncoders;

struct WavFile {
    samples: Vec<f32>,
    rate_hz: u32,
    path: std::path::PathBuf,
}

impl Encoders for WavEncoders {
    fn begin(&self, order: &FileOrder, path: &Path) -> Result<Box<dyn FileEncoder>, MediaFault> {
        Ok(Box::new(WavFile { samples: Vec::new(), rate_hz: order.sample_rate_hz, path: path.to_owned() }))
    }

    fn decoded_peak_dbtp(&self, _path: &Path) -> Result<f64, MediaFault> {
        Ok(f64::NEG_INFINITY)
    }
}

impl FileEncoder for WavFile {
    fn write(&mut self, samples: &[f32]) -> Result<(), MediaFault> {
        self.samples.extend_from_slice(samples);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<EncodedFile, MediaFault> {
        let length = wav::Length::Known(self.samples.len() as u64);
        let mut file = wav::Writer::new(Vec::new(), self.rate_hz, wav::Depth::Int16, length).unwrap();
        file.write(&self.samples).unwrap();
        let bytes = file.finish().unwrap();
        std::fs::write(&self.path, &bytes).unwrap();
        Ok(EncodedFile { size_bytes: bytes.len() as u64, sha256: String::new() })
    }
}

/// The same for every format, with a coder for M4A that overshoots by 6 dB.
struct LoudM4a;

impl Encoders for LoudM4a {
    fn begin(&self, order: &FileOrder, path: &Path) -> Result<Box<dyn FileEncoder>, MediaFault> {
        WavEncoders.begin(order, path)
    }

    fn decoded_peak_dbtp(&self, path: &Path) -> Result<f64, MediaFault> {
        let overshoot_db = if path.extension().unwrap() == "m4a" { 6.0 } else { 0.0 };
        Ok(peak_db(path) + overshoot_db)
    }
}

fn peak_db(path: &Path) -> f64 {
    let pcm = wav::read(std::fs::File::open(path).unwrap()).unwrap();
    20.0 * f64::from(pcm.samples.iter().fold(0.0_f32, |max, s| max.max(s.abs()))).log10()
}

#[derive(Default)]
struct Watched(Mutex<Vec<Progress>>);

impl ProgressReport for Watched {
    fn report(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

struct Studio {
    folder: tempfile::TempDir,
    engine: Arc<CountingTone>,
    progress: Watched,
    cancel: Cancel,
}

impl Studio {
    fn new(cancel_after: usize) -> Self {
        let cancel = Cancel::new();
        let engine = CountingTone::cancelling_at(cancel_after, cancel.clone());
        Self {
            folder: tempfile::tempdir().unwrap(),
            engine: Arc::new(engine),
            progress: Watched::default(),
            cancel,
        }
    }

    fn render(&self, script: &Script, sample_rate_hz: u32) -> Result<Rendered, RenderFault> {
        let options =
            RenderOptions { formats: vec![Format::Wav], sample_rate_hz, ..RenderOptions::default() };
        self.render_with(&WavEncoders, script, &options)
    }

    fn render_with(
        &self,
        encoders: &dyn Encoders,
        script: &Script,
        options: &RenderOptions,
    ) -> Result<Rendered, RenderFault> {
        let engines = Engines::of([Arc::clone(&self.engine) as Arc<dyn Engine>]);
        let cache = LineCache::open(self.folder.path().join("lines")).unwrap();
        let renderer = Renderer {
            engines: &engines,
            cache: &cache,
            encoders,
            lanes: 2,
            progress: &self.progress,
            cancel: &self.cancel,
        };
        renderer.render(script, options, self.folder.path(), "out")
    }

    fn spoken(&self) -> usize {
        self.engine.lines_spoken()
    }
}

fn script(text: &str) -> Script {
    let cast = "@cast A = tone:440\n@cast B = tone:880\n";
    sori_script::read(format!("{cast}{text}").as_bytes(), ScriptFormat::Text, &Limits::default())
        .unwrap()
        .script
}

/// Start and end of every line in milliseconds.
#[track_caller]
fn check_places(text: &str, expected: &[(u64, u64)]) {
    let rendered = Studio::new(usize::MAX).render(&script(text), 24_000).unwrap();
    let places: Vec<_> = rendered.transcript.lines.iter().map(|line| (line.start_ms, line.end_ms)).collect();
    assert_eq!(places, expected, "{text}");
}

// A tone of four letters lasts 160 ms, with 50 ms of silence on either side: 260 ms.

#[test]
fn lines_follow_each_other_with_the_scripts_gap_and_written_pauses_take_its_place() {
    check_places("A: word\nB: word", &[(0, 260), (510, 770)]);
    check_places("A: word\n[pause 1s]\nB: word", &[(0, 260), (1260, 1520)]);
    check_places("A: word\n[pause 1s]\n[pause 1s]\nB: word", &[(0, 260), (2260, 2520)]);
    check_places("[pause 1s]\nA: word", &[(1000, 1260)]);
}

#[test]
fn a_line_may_begin_before_the_one_before_it_has_ended() {
    let mut dialogue = script("A: word\nB: word");
    let sori_script::Item::Line(second) = &mut dialogue.items[1] else { panic!("two lines") };
    second.overlap_ms = Some(100);
    let rendered = Studio::new(usize::MAX).render(&dialogue, 24_000).unwrap();
    assert_eq!(rendered.transcript.lines[1].start_ms, 160);
}

#[test]
fn timed_lines_begin_at_their_time_and_nobody_is_talked_over() {
    let mut subtitles = script("A: word\nB: word word word word word word\nA: word\nB: word");
    for (item, start_ms) in subtitles.items.iter_mut().zip([1000, 2000, 2300, 9000]) {
        let sori_script::Item::Line(line) = item else { panic!("only lines") };
        line.start_ms = Some(start_ms);
    }
    let lines = Studio::new(usize::MAX).render(&subtitles, 24_000).unwrap().transcript.lines;
    assert_eq!((lines[0].start_ms, lines[1].start_ms, lines[3].start_ms), (1000, 2000, 9000));
    let natural_ms = 50 + 6 * 210;
    assert!(lines[1].end_ms < 2000 + natural_ms, "it was spoken faster to fit: {:?}", lines[1]);
    assert_eq!(lines[2].start_ms, lines[1].end_ms, "and what still ran over pushed the next line");
}

#[test]
fn word_times_are_right_to_the_sample_at_every_rate_and_do_not_drift() {
    let text: String = (0..400).map(|n| format!("A: number {n}\n")).collect();
    for rate in [8_000, 22_050, 44_100] {
        let studio = Studio::new(usize::MAX);
        let rendered = studio.render(&script(&text), rate).unwrap();
        let pcm = wav::read(std::fs::File::open(&rendered.files[0].path).unwrap()).unwrap();
        let loudest = pcm.samples.iter().fold(0.0_f32, |max, s| max.max(s.abs()));
        for line in rendered.transcript.lines.iter().step_by(57) {
            let word = &line.words[0];
            let per_ms = f64::from(rate) / 1000.0;
            let from = ((word.start_ms as f64 - 20.0) * per_ms) as usize;
            let onset = from + pcm.samples[from..].iter().position(|s| s.abs() > loudest / 2.0).unwrap();
            let error_ms = onset as f64 / per_ms - word.start_ms as f64;
            assert!(error_ms.abs() <= 1.0, "{rate} Hz, {word:?}: {error_ms} ms");
        }
    }
}

#[test]
fn the_same_words_in_the_same_voice_are_spoken_once_and_a_changed_line_alone() {
    let studio = Studio::new(usize::MAX);
    studio.render(&script("A: yes\nB: yes\nA: yes\nB: no"), 24_000).unwrap();
    assert_eq!(studio.spoken(), 3);
    let again = studio.render(&script("A: yes\nB: yes\nA: maybe\nB: no"), 16_000).unwrap();
    assert_eq!((studio.spoken(), again.lines_cached), (4, 3));
}

#[test]
fn a_line_is_read_once_on_its_way_to_be_spoken_and_a_cached_one_not_at_all() {
    let studio = Studio::new(usize::MAX);
    let text: String = (0..40).map(|n| format!("A: number {n}\n")).collect();
    studio.render(&script(&text), 24_000).unwrap();
    assert_eq!((studio.engine.lines_read(), studio.spoken()), (40, 40));
    studio.render(&script(&text), 24_000).unwrap();
    assert_eq!(studio.engine.lines_read(), 40);
}

#[test]
fn of_a_script_too_long_to_keep_what_was_read_the_rest_is_read_again() {
    let studio = Studio::new(usize::MAX);
    let text: String = (0..30).map(|n| format!("A: number {n}\n")).collect();
    let mut long = script(&text);
    for item in &mut long.items {
        let sori_script::Item::Line(line) = item else { panic!("only lines") };
        line.text.push_str(&" ".repeat(4_000));
    }
    studio.render(&long, 24_000).unwrap();
    let (read, spoken) = (studio.engine.lines_read(), studio.spoken());
    assert_eq!(spoken, 30);
    assert!(read > 30 && read < 60, "{read} of 30 lines were read");
}

#[test]
fn a_cancelled_render_keeps_what_was_spoken_and_leaves_no_file() {
    let text: String = (0..50).map(|n| format!("A: number {n}\n")).collect();
    let studio = Studio::new(10);
    assert!(matches!(studio.render(&script(&text), 24_000), Err(RenderFault::Cancelled)));
    assert!(studio.spoken() < 20);
    assert!(!studio.folder.path().join("out.wav").exists());
}

#[test]
fn every_line_that_cannot_be_spoken_is_named_with_its_place() {
    let mut wrong = script("A: fine\nB: also fine");
    wrong.cast.get_mut("B").unwrap().voice = Some("tone:99999".into());
    let fault = Studio::new(usize::MAX).render(&wrong, 24_000).unwrap_err();
    assert_eq!(fault.code(), "VOICE_UNKNOWN");
    let problem = &fault.details().unwrap()["problems"][0];
    assert_eq!((&problem["line"], &problem["speaker"]), (&4.into(), &"B".into()));
}

#[test]
fn a_coder_that_overshoots_is_given_less_and_no_other_file_is() {
    let dialogue = script("A: wordwordword wordwordword\nB: wordwordwordword");
    let files = |formats: &[Format]| {
        let studio = Studio::new(usize::MAX);
        let options =
            RenderOptions { formats: formats.to_vec(), target_lufs: -9.0, ..RenderOptions::default() };
        let rendered = studio.render_with(&LoudM4a, &dialogue, &options).unwrap();
        let read = |file: &sori_voice::render::RenderedFile| {
            (file.format, std::fs::read(&file.path).unwrap(), peak_db(&file.path))
        };
        rendered.files.iter().map(read).collect::<Vec<_>>()
    };
    let together = files(&[Format::M4a, Format::Wav, Format::Mp3]);
    let formats: Vec<_> = together.iter().map(|(format, ..)| *format).collect();
    assert_eq!(formats, [Format::M4a, Format::Wav, Format::Mp3], "in the order of the request");
    let (m4a, wav, mp3) = (&together[0], &together[1], &together[2]);
    assert!(m4a.2 + 6.0 <= -1.0, "a player puts out {} dB", m4a.2 + 6.0);
    assert!(wav.2 > m4a.2 + 1.0, "{} and {}", wav.2, m4a.2);
    assert!(files(&[Format::Wav])[0].1 == wav.1, "what else is asked for makes no difference");
    assert!(files(&[Format::Mp3])[0].1 == mp3.1);
}

#[test]
fn progress_only_grows_and_names_its_stages() {
    let studio = Studio::new(usize::MAX);
    studio.render(&script("A: one\nB: two\nA: three"), 24_000).unwrap();
    let seen = studio.progress.0.lock().unwrap();
    let stages: Vec<_> = seen.iter().map(|progress| progress.stage.as_str()).collect();
    for stage in ["reading", "voicing", "mixing", "encoding", "storing"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    assert!(seen.last().unwrap().percent >= 95);
}

#[test]
fn chapters_begin_at_the_beginning_and_where_their_first_line_is() {
    let rendered =
        Studio::new(usize::MAX).render(&script("== One ==\nA: word\n== Two ==\nB: word"), 24_000).unwrap();
    let chapters: Vec<_> =
        rendered.transcript.chapters.iter().map(|c| (c.title.as_str(), c.start_ms)).collect();
    assert_eq!(chapters, [("One", 0), ("Two", 510)]);
}
