//! From a script to text that people edit and programs keep. Each form reads back as the same
//! script, apart from source positions.

mod fountain;
mod text;

use crate::Script;

pub use fountain::to_fountain;
pub use text::to_text;

/// The canonical JSON, indented by two blanks, with a final newline.
#[must_use]
pub fn to_json(script: &Script) -> String {
    let mut json = serde_json::to_string_pretty(script).expect("a script has string keys only");
    json.push('\n');
    json
}

/// `1.5s`, `300ms`: the shortest form that is exact.
fn duration(ms: u32) -> String {
    if ms >= 1_000 && ms.is_multiple_of(100) {
        let (seconds, tenths) = (ms / 1_000, ms % 1_000 / 100);
        if tenths == 0 { format!("{seconds}s") } else { format!("{seconds}.{tenths}s") }
    } else {
        format!("{ms}ms")
    }
}

/// `00:01:02.500`
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}

/// A value in double quotes. Inside a Fountain note it must neither end the note nor open a
/// boneyard, so those signs are taken apart as well.
fn quote(text: &str) -> String {
    let text = one_row(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace(']', "\\]").replace('[', "\\[").replace('*', "\\*"))
}

/// Text formats have rows: white space inside a value becomes one blank.
fn one_row(text: &str) -> String {
    crate::decode::tidy(text)
}

/// `voice speed 0.95 name "Mina"`, empty when nothing is known.
fn member(member: &crate::CastMember) -> String {
    let mut parts = Vec::new();
    if let Some(voice) = &member.voice {
        // A voice that could be taken for a key is named as one.
        let is_key = matches!(voice.as_str(), "speed" | "name" | "voice");
        parts.push(if is_key { format!("voice {}", quote(voice)) } else { voice.clone() });
    }
    if let Some(speed) = member.speed {
        parts.push(format!("speed {speed}"));
    }
    if let Some(name) = &member.name {
        parts.push(format!("name {}", quote(name)));
    }
    parts.join(" ")
}
