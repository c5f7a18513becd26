//! Who speaks with which voice, and which of a script's lines can be spoken at all.

use std::collections::BTreeMap;

use sori_script::{Line, Script};

use crate::{
    engine::{EngineError, LineRequest, Reading},
    engines::Engines,
    fault::{BadLine, RenderFault},
    voices::VoiceName,
};

/// Given in this order to speakers whose voice nobody chose: neighbours differ clearly in sex and accent.
const DEFAULT_VOICES: [&str; 8] =
    ["af_heart", "am_michael", "bf_emma", "bm_george", "af_bella", "am_fenrir", "bf_isabella", "bm_fable"];

const DEFAULT_SPEED: f32 = 1.0;

/// A line of the script, ready to be asked of an engine.
#[derive(Clone, Debug)]
pub struct CastLine<'a> {
    /// Index into the script's items.
    pub item: usize,
    pub line: &'a Line,
    pub voice: VoiceName,
    pub speed: f32,
}

/// The voice of every speaker.
pub fn voices(
    script: &Script,
    default_voice: Option<&VoiceName>,
) -> Result<BTreeMap<String, VoiceName>, RenderFault> {
    let mut voices = BTreeMap::new();
    let mut unchosen = DEFAULT_VOICES.iter().cycle();
    let chosen: Vec<&str> = script.cast.values().filter_map(|member| member.voice.as_deref()).collect();
    let free = DEFAULT_VOICES.iter().filter(|voice| !chosen.contains(voice)).count();
    for (number, line) in script.lines() {
        if voices.contains_key(&line.speaker) {
            continue;
        }
        let voice = match script.cast.get(&line.speaker).and_then(|member| member.voice.as_deref()) {
            Some(name) => name
                .parse()
                .map_err(|_| BadLine::of(number, line, EngineError::VoiceUnknown(name.to_owned())))
                .map_err(|bad| RenderFault::BadLines(vec![bad]))?,
            None => match default_voice {
                Some(voice) => voice.clone(),
                None => unchosen
                    .by_ref()
                    .find(|voice| free == 0 || !chosen.contains(voice))
                    .and_then(|voice| voice.parse().ok())
                    .expect("the default voices are never all taken and have valid names"),
            },
        };
        voices.insert(line.speaker.clone(), voice);
    }
    Ok(voices)
}

/// Every spoken line with the voice and the speed that apply to it.
pub fn cast_lines<'a>(script: &'a Script, voices: &BTreeMap<String, VoiceName>) -> Vec<CastLine<'a>> {
    script
        .lines()
        .map(|(item, line)| {
            let member = script.cast.get(&line.speaker);
            CastLine {
                item,
                line,
                voice: voices[&line.speaker].clone(),
                speed: line.speed.unwrap_or(1.0) * member.and_then(|m| m.speed).unwrap_or(DEFAULT_SPEED),
            }
        })
        .collect()
}

/// Lets the engine read the line, which finds out whether it can be spoken, limits included.
pub fn read(engines: &Engines, request: &LineRequest<'_>) -> Result<Reading, EngineError> {
    let engine = engines.for_voice(request.voice)?;
    let can = engine.capabilities();
    if request.text.chars().count() > can.max_text_chars {
        return Err(EngineError::BadText {
            code: "TEXT_TOO_LONG",
            en: format!("This line is longer than {} characters: split it.", can.max_text_chars),
            ko: format!("이 대사가 {}자를 넘습니다. 나누어 주세요.", can.max_text_chars),
            at: None,
        });
    }
    if !can.speed.contains(&request.speed) {
        let (from, to) = (can.speed.start(), can.speed.end());
        return Err(EngineError::BadText {
            code: "SPEED_OUT_OF_RANGE",
            en: format!(
                "The speed {} lies outside of {from} to {to} (speaker and line multiplied).",
                request.speed
            ),
            ko: format!(
                "속도 {}은(는) {from}~{to} 범위를 벗어났습니다 (화자 속도 × 대사 속도).",
                request.speed
            ),
            at: None,
        });
    }
    engine.read(request)
}
