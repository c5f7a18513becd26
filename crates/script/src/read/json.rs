//! JSON scripts: the canonical form, the body of `POST /v1/synthesize`, and relatives of it.
//!
//! A list of lines is found under `items`, `script`, `lines`, `inputs` (ElevenLabs) or `turns`
//! (Kokoro-FastAPI), or is the whole document; a single `input` with a `voice` is OpenAI's. A line
//! that names a voice instead of a role (`speaker_id`, `voice_id`, `voice`) is spoken by a cast
//! member of that name who has that voice. Keys that only concern rendering are passed over;
//! other unknown keys are warned about, because they are mostly misspelt known ones.

mod node;

use node::{Fields, Node, Positions};

use super::draft::Draft;
use crate::{CastMember, Limits, Line, Origin, Script, findings::Finding, problem::Problems};

pub(super) fn read(text: &str, limits: &Limits, problems: &mut Problems) -> Script {
    let positions = Positions::new(text);
    if let Some((offset, finding)) = node::refuse(text, limits) {
        problems.add(&finding, positions.at(offset));
        return Script::default();
    }
    let document = match Node::document(text) {
        Ok(document) => document,
        Err((reason, at)) => {
            problems.add(&Finding::JsonSyntax { reason: &reason }, at);
            return Script::default();
        }
    };
    let mut reader = Reader { positions: &positions, draft: Draft::new(limits, problems) };
    reader.document(document);
    reader.draft.script
}

/// Keys of a request that say how to render, not what.
const RENDERING: [&str; 27] = [
    "output",
    "output_format",
    "sample_rate",
    "caption_format",
    "captions",
    "lexicons",
    "seed",
    "based_on",
    "priority",
    "callback_url",
    "metadata",
    "model",
    "model_id",
    "response_format",
    "stream",
    "stream_format",
    "settings",
    "voice_settings",
    "language_code",
    "pronunciation_dictionary_locators",
    "apply_text_normalization",
    "volume",
    "formats",
    "version",
    "speed",
    "return_timestamps",
    "instructions",
];

struct Reader<'a> {
    positions: &'a Positions<'a>,
    draft: Draft<'a>,
}

impl<'a> Reader<'a> {
    fn document(&mut self, document: Node<'a>) {
        if let Some(items) = document.array() {
            return self.items(&items);
        }
        let Some(fields) = self.object(document, "script") else { return };
        let mut list = None;
        let mut single = None;
        for (key, node) in fields.iter() {
            match key {
                "title" => self.draft.script.title = self.string(key, node).unwrap_or_default(),
                "lang" | "language" => {
                    if let Some(lang) = self.string(key, node) {
                        self.draft.script.lang = lang;
                    }
                }
                "author" => self.draft.script.author = self.string(key, node),
                "description" => self.draft.script.description = self.string(key, node),
                "gap_ms" | "pause_between_turns_ms" => {
                    if let Some(ms) = self.whole(key, node) {
                        self.draft.script.gap_ms = ms;
                    }
                }
                "pause_between_turns" => {
                    if let Some(seconds) = self.number(key, node) {
                        self.draft.script.gap_ms = whole_ms(seconds);
                    }
                }
                "cast" | "speakers" => self.cast(key, node),
                "items" | "script" | "lines" | "inputs" | "turns" => list = Some((key, node)),
                "input" => single = Some(node),
                "voice" if fields.get("input").is_some() => {}
                _ if RENDERING.contains(&key) => {}
                _ => self.unknown(key, node),
            }
        }
        if let Some((key, node)) = list {
            match node.array() {
                Some(items) => self.items(&items),
                None => self.wrong(key, node, "a list", "목록이"),
            }
        } else if let Some(input) = single {
            let text = self.string("input", input).unwrap_or_default();
            let voice = fields.get("voice").and_then(|voice| self.string("voice", voice));
            let at = self.at(input);
            let speaker = self.speaker_of_voice(voice.unwrap_or_else(|| crate::NARRATOR.to_owned()), at);
            self.draft.line(Line { speaker, text, ..Line::default() }, at);
        } else {
            self.draft.warn(&Finding::JsonNoScript, self.at(document));
        }
    }

    /// `{"MINA": {"voice": …}}`, `{"MINA": "af_heart"}`.
    fn cast(&mut self, key: &str, node: Node<'a>) {
        let Some(members) = self.object(node, key) else { return };
        for (name, node) in members.iter() {
            let at = self.at(node);
            let member = if let Some(voice) = node.string() {
                CastMember { voice: Some(voice), ..CastMember::default() }
            } else if node.is_null() {
                CastMember::default()
            } else {
                let Some(fields) = self.object(node, name) else { continue };
                self.member(&fields)
            };
            let name = crate::decode::tidy(name);
            if self.draft.speaker(&name, at) {
                self.draft.script.cast.insert(name, member);
            }
        }
    }

    fn member(&mut self, fields: &Fields<'a>) -> CastMember {
        let mut member = CastMember::default();
        let mut engine = None;
        for (key, node) in fields.iter() {
            match key {
                "voice" | "voice_id" | "speaker_id" => member.voice = self.string(key, node),
                "engine" => engine = self.string(key, node),
                "speed" => member.speed = self.speed(node),
                "name" => member.name = self.string(key, node),
                _ => self.unknown(key, node),
            }
        }
        if let (Some(engine), Some(voice)) = (engine, &mut member.voice)
            && !matches!(engine.as_str(), "builtin" | "bundled")
        {
            *voice = format!("{engine}:{voice}");
        }
        member
    }

    fn items(&mut self, items: &[Node<'a>]) {
        for &node in items {
            if self.draft.is_full() {
                return;
            }
            if let Some(fields) = self.object(node, "item") {
                self.item(node, &fields);
            }
        }
    }

    fn item(&mut self, node: Node<'a>, fields: &Fields<'a>) {
        let kind = fields.get("type").and_then(|kind| kind.string());
        match kind.as_deref() {
            Some("line" | "text") => self.line(node, fields),
            Some("pause") => self.pause(node, fields),
            Some("chapter") => self.chapter(node, fields),
            Some(_) => self.draft.warn(&Finding::JsonItemUnknown, self.at(node)),
            None if fields.get("text").is_some() => self.line(node, fields),
            None if fields.get("pause_ms").is_some() => self.pause(node, fields),
            None if fields.get("chapter").is_some() => self.chapter(node, fields),
            None if fields.get("audio").is_some() => {
                self.draft.warn(&Finding::AudioItemSkipped, self.at(node))
            }
            None if fields.get("speaker").or(fields.get("speaker_id")).is_some() => {
                self.draft.warn(&Finding::JsonMissing { field: "text" }, self.at(node));
            }
            None => self.draft.warn(&Finding::JsonItemUnknown, self.at(node)),
        }
    }

    fn pause(&mut self, node: Node<'a>, fields: &Fields<'a>) {
        self.known(fields, &["type", "pause_ms", "origin"]);
        let at = self.origin(node, fields);
        match fields.get("pause_ms") {
            Some(ms) => {
                if let Some(ms) = self.whole("pause_ms", ms) {
                    self.draft.pause(ms, at);
                }
            }
            None => self.draft.warn(&Finding::JsonMissing { field: "pause_ms" }, at),
        }
    }

    fn chapter(&mut self, node: Node<'a>, fields: &Fields<'a>) {
        self.known(fields, &["type", "chapter", "title", "origin"]);
        let at = self.origin(node, fields);
        match fields.get("chapter").map(|n| ("chapter", n)).or(fields.get("title").map(|n| ("title", n))) {
            Some((key, title)) => {
                if let Some(title) = self.string(key, title) {
                    self.draft.chapter(&title, at);
                }
            }
            None => self.draft.warn(&Finding::JsonMissing { field: "title" }, at),
        }
    }

    fn line(&mut self, node: Node<'a>, fields: &Fields<'a>) {
        let at = self.origin(node, fields);
        let mut line = Line::default();
        let mut voice = None;
        for (key, value) in fields.iter() {
            match key {
                "speaker" | "name" | "role" => line.speaker = self.string(key, value).unwrap_or_default(),
                "speaker_id" | "voice_id" | "voice" => voice = self.string(key, value),
                "text" => match self.string(key, value) {
                    Some(text) => line.text = text,
                    None => return,
                },
                "id" => line.id = self.string(key, value),
                "style" => line.style = self.string(key, value),
                "speed" => line.speed = self.speed(value),
                "pause_after_ms" => line.pause_after_ms = self.whole(key, value),
                "overlap_ms" => line.overlap_ms = self.whole(key, value),
                "start_ms" => line.start_ms = self.time(key, value),
                "end_ms" => line.end_ms = self.time(key, value),
                "translation" => line.translation = self.string(key, value),
                "fit" => {
                    if let Some(fit) = self.object(value, key) {
                        line.end_ms = fit.get("end_ms").and_then(|end| self.time("end_ms", end));
                    }
                }
                "markup" => {
                    let markup = self.string(key, value).unwrap_or_default();
                    if !matches!(markup.as_str(), "" | "none" | "plain" | "text") {
                        self.draft.warn(&Finding::MarkupUnsupported { markup: &markup }, self.at(value));
                    }
                }
                "type" | "origin" | "cache" | "engine" | "lang" => {}
                _ => self.unknown(key, value),
            }
        }
        match voice {
            // A role that is given a voice on the spot takes it, unless the cast knows better.
            Some(voice) if line.speaker.is_empty() => line.speaker = self.speaker_of_voice(voice, at),
            Some(voice) => {
                self.draft.speaker(&line.speaker, at);
                if let Some(member) = self.draft.script.cast.get_mut(&line.speaker) {
                    member.voice.get_or_insert(voice);
                }
            }
            None if crate::decode::tidy(&line.speaker).is_empty() => {
                self.draft.warn(&Finding::JsonMissing { field: "speaker" }, at);
                return;
            }
            None => {}
        }
        if crate::decode::tidy(&line.text).is_empty() {
            self.draft.warn(&Finding::EmptyText, at);
            return;
        }
        self.draft.line(line, at);
    }

    /// A cast member named like the voice. In a cast of its own the name wins.
    fn speaker_of_voice(&mut self, voice: String, at: Origin) -> String {
        let voice = crate::decode::tidy(&voice);
        if !self.draft.script.cast.contains_key(&voice)
            && self.draft.speaker(&voice, at)
            && voice != crate::NARRATOR
        {
            let member = CastMember { voice: Some(voice.clone()), ..CastMember::default() };
            self.draft.script.cast.insert(voice.clone(), member);
        }
        voice
    }

    /// Where the item came from: a canonical script may say it, otherwise it is the place here.
    fn origin(&mut self, node: Node<'a>, fields: &Fields<'a>) -> Origin {
        fields
            .get("origin")
            .and_then(|origin| serde_json::from_str(origin.text()).ok())
            .filter(|origin: &Origin| origin.line > 0 && origin.column > 0)
            .unwrap_or_else(|| self.at(node))
    }

    fn at(&self, node: Node<'a>) -> Origin {
        self.positions.at(self.positions.offset_of(node))
    }

    fn known(&mut self, fields: &Fields<'a>, known: &[&str]) {
        for (key, node) in fields.iter().filter(|(key, _)| !known.contains(key)) {
            self.unknown(key, node);
        }
    }

    fn unknown(&mut self, key: &str, node: Node<'a>) {
        if !node.is_null() {
            self.draft.warn(&Finding::JsonUnknownField { field: key }, self.at(node));
        }
    }

    fn wrong(&mut self, field: &str, node: Node<'a>, expected: &str, expected_ko: &str) {
        self.draft.warn(&Finding::JsonType { field, expected, expected_ko }, self.at(node));
    }

    fn object(&mut self, node: Node<'a>, field: &str) -> Option<Fields<'a>> {
        match node.object() {
            Some((fields, None)) => Some(fields),
            Some((_, Some(twice))) => {
                self.draft.warn(&Finding::JsonDuplicateField { field: &twice }, self.at(node));
                None
            }
            None => {
                self.wrong(field, node, "an object", "객체");
                None
            }
        }
    }

    /// `null` is as if the key were not there.
    fn string(&mut self, field: &str, node: Node<'a>) -> Option<String> {
        let value = node.string();
        if value.is_none() && !node.is_null() {
            self.wrong(field, node, "a string", "문자열이");
        }
        value
    }

    fn number(&mut self, field: &str, node: Node<'a>) -> Option<f64> {
        let value = node.number();
        if value.is_none() && !node.is_null() {
            self.wrong(field, node, "a number", "숫자");
        }
        value
    }

    fn speed(&mut self, node: Node<'a>) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation, reason = "a speed needs no more")]
        self.number("speed", node).map(|speed| speed as f32)
    }

    fn time(&mut self, field: &str, node: Node<'a>) -> Option<u64> {
        let value = node.whole();
        if value.is_none() && !node.is_null() {
            self.wrong(field, node, "a whole number of milliseconds", "밀리초 정수");
        }
        value
    }

    fn whole(&mut self, field: &str, node: Node<'a>) -> Option<u32> {
        self.time(field, node).map(|ms| u32::try_from(ms).unwrap_or(u32::MAX))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; the range is checked later"
)]
fn whole_ms(seconds: f64) -> u32 {
    (seconds * 1_000.0).round() as u32
}
