//! `sori voices`

use clap::Args;
use serde_json::json;

use super::{Speaking, print_json, write_output};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Voices {
    /// Only voices of this language, such as `en-GB`.
    #[arg(long = "language", value_name = "TAG")]
    language: Option<String>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    speaking: Speaking,
}

impl Voices {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut voices = self.speaking.engines().voices();
        if let Some(language) = &self.language {
            voices.retain(|voice| voice.lang.eq_ignore_ascii_case(language));
        }
        if self.json {
            return print_json(&json!({ "items": voices }));
        }
        let mut table = format!(
            "{:<16} {:<14} {:<7} {:<7} {:<6} {}\n",
            "VOICE", "NAME", "GENDER", "LANG", "GRADE", "INSTALLED"
        );
        for voice in voices {
            let gender = format!("{:?}", voice.gender).to_lowercase();
            let installed = if voice.available { "yes" } else { "no (make assets)" };
            let grade = voice.grade.as_deref().unwrap_or("-");
            table += &format!(
                "{:<16} {:<14} {:<7} {:<7} {:<6} {}\n",
                voice.id, voice.name, gender, voice.lang, grade, installed
            );
        }
        write_output(std::path::Path::new("-"), table.as_bytes())
    }
}
