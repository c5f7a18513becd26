//! A script as a file, in every format that can be read.

use sori_captions::{Captions, Cue, CueWord, TimeSource, VttOptions};
use sori_contracts::{Caller, Right, ScriptId};
use sori_script::{Format, Script};

use crate::{Catalog, CatalogFault, LineView, document::unsigned, lines::FoundLine};

/// A file to be sent.
pub(crate) struct Export {
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Catalog {
    /// # Errors
    /// [`CatalogFault::NotTimed`] for subtitles of a script that was neither rendered nor timed.
    pub(crate) async fn export_script(
        &self,
        caller: &Caller,
        id: ScriptId,
        format: Format,
    ) -> Result<Export, CatalogFault> {
        let script = self.document_for(caller, id, Right::Read).await?.script;
        let text = match format {
            Format::Json => sori_script::to_json(&script.clone().without_origins()),
            Format::Text => sori_script::to_text(&script),
            Format::Fountain => sori_script::to_fountain(&script),
            Format::Srt => sori_captions::to_srt(&self.captions(caller, id, &script).await?),
            Format::Vtt => {
                let options = VttOptions { karaoke: false, speakers: true };
                sori_captions::to_vtt(&self.captions(caller, id, &script).await?, &options)
            }
            Format::Ass => sori_captions::to_ass(&self.captions(caller, id, &script).await?, false),
        };
        Ok(Export { title: script.title, text })
    }

    /// One cue a line: whoever reads the file back gets the same lines.
    async fn captions(
        &self,
        caller: &Caller,
        id: ScriptId,
        script: &Script,
    ) -> Result<Captions, CatalogFault> {
        let found: Vec<FoundLine> = self.all_lines(caller, id).await?;
        let lines = self.with_words(found).await?;
        let cues: Option<Vec<Cue>> = lines.into_iter().enumerate().map(|(at, line)| cue(line, at)).collect();
        let cues = cues.ok_or(CatalogFault::NotTimed(id))?;
        Ok(Captions {
            title: script.title.clone(),
            lang: script.lang.clone(),
            duration_ms: cues.iter().map(|cue| cue.end_ms).max().unwrap_or(0),
            cues,
        })
    }
}

/// Rendered times, else those of the timed file that the script came from.
fn cue(line: LineView, at: usize) -> Option<Cue> {
    let (start_ms, end_ms) = match (line.start_ms, line.end_ms) {
        (Some(start), Some(end)) => (start, end),
        _ => (line.fit_start_ms?, line.fit_end_ms?),
    };
    let words = line.words.into_iter().map(|word| CueWord {
        text: word.text,
        start_ms: unsigned(word.start_ms),
        end_ms: unsigned(word.end_ms),
        source: TimeSource::Engine,
    });
    Some(Cue {
        start_ms: unsigned(start_ms),
        end_ms: unsigned(end_ms),
        speaker: Some(line.speaker).filter(|speaker| !speaker.is_empty()),
        text: shown(&line.text),
        words: words.collect(),
        line: Some(at),
        line_id: Some(line.id.to_string()),
    })
}

/// `[word](/phonemes/)` tells a voice how to speak; a reader sees the word.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let inner = &rest[open + 1..];
        let word = inner.find("](/").map(|end| &inner[..end]).filter(|word| !word.contains(['[', ']']));
        let spoken = word.and_then(|word| {
            let after = &inner[word.len() + "](/".len()..];
            after.find("/)").map(|end| (word, &after[end + "/)".len()..]))
        });
        match spoken {
            Some((word, after)) => {
                shown.push_str(&rest[..open]);
                shown.push_str(word);
                rest = after;
            }
            None => {
                shown.push_str(&rest[..=open]);
                rest = inner;
            }
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn readings_are_for_the_voice_only() {
        check("Take [two](/tuː/) [of](/ʌv/) them.", "Take two of them.");
        check("[a] [two](/tuː/", "[a] [two](/tuː/");
        check("[[x](/y/)] [", "[x] [");
        check("커피 [두](/두/) 잔", "커피 두 잔");
        check("", "");
    }
}
