//! `sori render scene.fountain -o scene.mp3 --captions vtt,srt,json`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use sori_audio::Format;
use sori_script::{Limits, Severity};
use sori_voice::{
    RenderFault, Transcript,
    routes::{CaptionFormat, CaptionOptions, write_captions},
};

use super::{Speaking, folder_of, print_json, read_input, write_output};
use crate::failure::{Failure, say};

#[derive(Args)]
pub(crate) struct Render {
    /// The script: JSON, `NAME: line` text, Fountain, SRT, WebVTT or ASS; `-` for standard input.
    script: PathBuf,
    /// Audio file, its format by its ending; `-` for standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Further audio formats beside the output: `wav,flac,mp3,opus,m4a`.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    formats: Vec<String>,
    /// Audio format when the output is `-`.
    #[arg(long, default_value = "wav", value_name = "FORMAT")]
    output_format: String,
    /// Caption files beside the output: `vtt,srt,ass,json,textgrid`.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    captions: Vec<String>,
    /// Word times inside the cues of `vtt` and `ass`.
    #[arg(long)]
    karaoke: bool,
    /// Format of the script when its name does not tell: json, text, fountain, srt, vtt, ass.
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// Choose a voice for a speaker: `NAME=VOICE`. May be repeated.
    #[arg(long = "cast", value_name = "NAME=VOICE")]
    cast: Vec<String>,
    /// Print what was made as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    speaking: Speaking,
}

impl Render {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let script = self.read_script()?;
        let to_stdout = self.output == Path::new("-");
        if to_stdout && (self.json || !self.captions.is_empty() || !self.formats.is_empty()) {
            return Err(Failure::Usage(
                "with -o - only the audio can be written: leave out --json, --captions and --formats".into(),
            ));
        }
        let captions =
            self.captions.iter().map(|name| name.parse::<CaptionFormat>()).collect::<Result<Vec<_>, _>>()?;
        let formats = self.formats()?;
        let options = self.speaking.options(formats, None)?;
        let scratch;
        let (folder, stem) = if to_stdout {
            scratch = tempfile::tempdir().map_err(|error| Failure::Other(error.to_string()))?;
            (scratch.path(), "audio".to_owned())
        } else {
            let stem = self.output.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            (folder_of(&self.output), stem.ok_or_else(|| Failure::Usage("-o needs a file name".into()))?)
        };
        if !folder.is_dir() {
            return Err(Failure::NotFound(format!("{}: no such folder", folder.display())));
        }
        let rendered = self.speaking.render(&script, &options, folder, &stem)?;
        if to_stdout {
            return write_output(&self.output, &read_input(&rendered.files[0].path)?);
        }
        let caption_files = self.write_captions(&rendered.transcript, &captions, folder, &stem)?;
        self.tell(&rendered, &caption_files)
    }

    fn read_script(&self) -> Result<sori_script::Script, Failure> {
        let bytes = read_input(&self.script)?;
        let name = self.script.to_string_lossy();
        let format = match &self.from {
            Some(format) => sori_script::Format::from_name(&format!(".{format}")).ok_or_else(|| {
                Failure::Usage(format!("--from {format}: use json, txt, fountain, srt, vtt or ass"))
            })?,
            None => sori_script::Format::detect(Some(&*name), &bytes).map_err(RenderFault::Script)?,
        };
        let parsed = sori_script::read(&bytes, format, &Limits::default()).map_err(RenderFault::Script)?;
        for problem in parsed.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
            say(&format!("{name}:{}:{}: warning: {}", problem.line, problem.column, problem.message));
        }
        let mut script = parsed.script;
        for choice in &self.cast {
            let (speaker, voice) = choice
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--cast {choice}: write NAME=VOICE")))?;
            if !script.lines().any(|(_, line)| line.speaker == speaker) {
                return Err(Failure::Usage(format!(
                    "--cast {choice}: nobody called {speaker} speaks in this script"
                )));
            }
            script.cast.entry(speaker.to_owned()).or_default().voice = Some(voice.to_owned());
        }
        if script.title.is_empty() {
            script.title =
                self.script.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        }
        Ok(script)
    }

    fn formats(&self) -> Result<Vec<Format>, Failure> {
        let by_name = |name: &str| name.parse::<Format>().map_err(|error| Failure::Usage(error.to_string()));
        let first = if self.output == Path::new("-") {
            by_name(&self.output_format)?
        } else {
            let ending = self
                .output
                .extension()
                .map(|ending| ending.to_string_lossy().into_owned())
                .unwrap_or_default();
            by_name(&ending)?
        };
        let mut formats = vec![first];
        for name in &self.formats {
            let format = by_name(name)?;
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        Ok(formats)
    }

    fn write_captions(
        &self,
        transcript: &Transcript,
        formats: &[CaptionFormat],
        folder: &Path,
        stem: &str,
    ) -> Result<Vec<PathBuf>, Failure> {
        let options = CaptionOptions { karaoke: self.karaoke, ..CaptionOptions::default() };
        formats
            .iter()
            .map(|&format| {
                let path = folder.join(format!("{stem}.{}", format.extension()));
                write_output(&path, write_captions(transcript, format, &options).as_bytes())?;
                Ok(path)
            })
            .collect()
    }

    fn tell(&self, rendered: &sori_voice::Rendered, captions: &[PathBuf]) -> Result<(), Failure> {
        if self.json {
            return print_json(&json!({
                "audio": rendered.files.iter().map(|file| json!({
                    "format": file.format, "path": file.path, "size_bytes": file.file.size_bytes, "sha256": file.file.sha256,
                })).collect::<Vec<_>>(),
                "captions": captions,
                "sample_rate_hz": rendered.sample_rate_hz,
                "integrated_lufs": rendered.integrated_lufs,
                "true_peak_dbtp": rendered.true_peak_dbtp,
                "lines_cached": rendered.lines_cached,
                "transcript": rendered.transcript,
            }));
        }
        let seconds = rendered.transcript.duration_ms as f64 / 1000.0;
        for path in rendered.files.iter().map(|file| &file.path).chain(captions) {
            say(&format!("{}", path.display()));
        }
        say(&format!(
            "{seconds:.1} s, {} lines ({} from the cache)",
            rendered.transcript.lines.len(),
            rendered.lines_cached
        ));
        Ok(())
    }
}
