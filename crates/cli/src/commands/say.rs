//! `sori say "Hello." -v bm_george -o hello.wav`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use sori_audio::Format;
use sori_script::{Item, Line, NARRATOR, Script};
use sori_voice::voices::VoiceName;

use super::{Speaking, folder_of, print_json, read_input, write_output};
use crate::failure::{Failure, say};

#[derive(Args)]
pub(crate) struct Say {
    /// What to say; `-` reads standard input.
    text: String,
    /// A voice of `sori voices`, or a blend such as `af_heart*0.6+bm_george*0.4`.
    #[arg(short, long, default_value = "af_heart")]
    voice: String,
    /// Audio file, its format by its ending; `-` for WAV on standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// 0.5 to 2.0.
    #[arg(long, default_value_t = 1.0)]
    speed: f32,
    /// Print the time of every word as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    speaking: Speaking,
}

impl Say {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let to_stdout = self.output == Path::new("-");
        if to_stdout && self.json {
            return Err(Failure::Usage(
                "--json needs -o FILE, because the audio goes to standard output".into(),
            ));
        }
        if to_stdout && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            return Err(Failure::Usage(
                "the audio would go to the terminal: name a file with -o, or pipe it into a player".into(),
            ));
        }
        let voice: VoiceName = self
            .voice
            .parse()
            .map_err(|_| sori_voice::engine::EngineError::VoiceUnknown(self.voice.clone()))?;
        let text = self.text()?;
        let line = Line { speaker: NARRATOR.into(), text, speed: Some(self.speed), ..Line::default() };
        let script = Script { items: vec![Item::Line(line)], ..Script::default() };
        let ending = self.output.extension().map(|ending| ending.to_string_lossy().into_owned());
        let format: Format = match (to_stdout, ending) {
            (true, _) => Format::Wav,
            (false, ending) => ending
                .unwrap_or_default()
                .parse()
                .map_err(|error: sori_audio::UnknownFormat| Failure::Usage(error.to_string()))?,
        };
        let options = self.speaking.options(vec![format], Some(voice))?;
        let scratch = tempfile::tempdir().map_err(|error| Failure::Other(error.to_string()))?;
        let stem = self
            .output
            .file_stem()
            .map_or_else(|| "audio".into(), |stem| stem.to_string_lossy().into_owned());
        let folder = if to_stdout { scratch.path() } else { folder_of(&self.output) };
        if !folder.is_dir() {
            return Err(Failure::NotFound(format!("{}: no such folder", folder.display())));
        }
        let rendered = self.speaking.render(&script, &options, folder, &stem)?;
        if to_stdout {
            return write_output(&self.output, &read_input(&rendered.files[0].path)?);
        }
        if self.json {
            return print_json(
                &json!({ "audio": rendered.files[0].path, "transcript": rendered.transcript }),
            );
        }
        say(&format!(
            "{} ({:.1} s)",
            rendered.files[0].path.display(),
            rendered.transcript.duration_ms as f64 / 1000.0
        ));
        Ok(())
    }

    fn text(&self) -> Result<String, Failure> {
        if self.text != "-" {
            return Ok(self.text.clone());
        }
        let bytes = read_input(Path::new("-"))?;
        String::from_utf8(bytes).map_err(|error| {
            Failure::Usage(format!(
                "standard input is not UTF-8 at byte {}",
                error.utf8_error().valid_up_to()
            ))
        })
    }
}
