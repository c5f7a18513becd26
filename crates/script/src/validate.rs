//! Whether a script can be rendered: rules that hold for every source of a script.

use std::collections::HashSet;

use crate::{
    Item, Limits, Line, Origin, Problem, Script,
    decode::{tidy, unwanted},
    findings::Finding,
    problem::Problems,
};

/// The speeds that voices can speak without falling apart.
pub(crate) const SPEED: std::ops::RangeInclusive<f32> = 0.5..=2.0;
/// The longest pause, overlap or gap: ten minutes. More is a slip of units.
pub(crate) const MAX_PAUSE_MS: u32 = 600_000;
/// The latest time of a timed line: 1,000 hours.
const MAX_TIME_MS: u64 = 3_600_000_000;

/// Every rule that `script` breaks, in order; empty means that it can be rendered as far as a
/// script alone can tell (whether a voice exists is known elsewhere). Linear in its size.
#[must_use]
pub fn validate(script: &Script, limits: &Limits) -> Vec<Problem> {
    let mut check = Check { problems: Problems::new(limits.max_problems), limits };
    check.script(script);
    let mut ids = HashSet::new();
    let mut has_line = false;
    for (index, item) in script.items.iter().enumerate().take(limits.max_lines) {
        let at = item.origin().unwrap_or_else(|| item_place(index));
        match item {
            Item::Line(line) => {
                check.line(script, line, index, at);
                if line.overlap_ms.is_some_and(|ms| ms > 0) && !has_line {
                    check.item(&Finding::NothingToOverlap, index, at);
                }
                if let Some(id) = line.id.as_deref().filter(|id| !ids.insert(*id)) {
                    check.item(&Finding::DuplicateId { id }, index, at);
                }
                has_line = true;
            }
            Item::Pause(pause) => check.pause("pause_ms", Some(pause.pause_ms), index, at),
            Item::Chapter(chapter) => check.item_field("chapter", Some(&chapter.title), index, at),
        }
    }
    if !has_line {
        check.problems.add(&Finding::Empty, Origin::START);
    }
    check.problems.into_vec()
}

/// The place of an item that came from no file: its number.
fn item_place(index: usize) -> Origin {
    Origin { line: u32::try_from(index).unwrap_or(u32::MAX - 1) + 1, column: 1 }
}

struct Check<'a> {
    problems: Problems,
    limits: &'a Limits,
}

impl Check<'_> {
    fn script(&mut self, script: &Script) {
        let start = Origin::START;
        if script.items.len() > self.limits.max_lines {
            self.problems.add(&Finding::TooManyItems { max: self.limits.max_lines }, start);
        }
        if script.cast.len() > self.limits.max_speakers {
            self.problems.add(&Finding::TooManySpeakers { max: self.limits.max_speakers }, start);
        }
        if !is_language_tag(&script.lang) {
            self.problems.add(&Finding::BadLanguage { lang: &script.lang }, start);
        }
        if script.gap_ms > MAX_PAUSE_MS {
            let finding = Finding::TimeTooLarge { field: "gap_ms", max_ms: MAX_PAUSE_MS.into() };
            self.problems.add(&finding, start);
        }
        for (field, text) in [
            ("title", Some(&script.title)),
            ("author", script.author.as_ref()),
            ("description", script.description.as_ref()),
        ] {
            if let Some(finding) = text.and_then(|text| self.field(field, text)) {
                self.problems.add(&finding, start);
            }
        }
        for (name, member) in script.cast.iter().take(self.limits.max_speakers) {
            let display = member.name.as_deref().unwrap_or(name);
            for finding in [self.name(name), self.name(display)].into_iter().flatten() {
                self.problems.add(&finding, start);
            }
            if let Some(speed) = member.speed.filter(|speed| !SPEED.contains(speed)) {
                self.problems.add(&Finding::SpeedOutOfRange { speed }, start);
            }
            if let Some(voice) = member.voice.as_deref().filter(|voice| !is_voice(voice)) {
                self.problems.add(&Finding::BadVoice { voice }, start);
            }
        }
    }

    fn line(&mut self, script: &Script, line: &Line, index: usize, at: Origin) {
        if line.speaker.trim().is_empty() {
            self.item(&Finding::EmptySpeaker, index, at);
        } else if !script.cast.contains_key(&line.speaker) {
            self.item(&Finding::SpeakerUnknown { name: &line.speaker }, index, at);
        }
        let chars = line.text.chars().count();
        if tidy(&line.text).is_empty() {
            self.item(&Finding::EmptyText, index, at);
        } else if chars > self.limits.max_line_chars {
            self.item(&Finding::LineTooLong { chars, max: self.limits.max_line_chars }, index, at);
        } else if let Some((_, finding)) = unwanted(&line.text) {
            self.item(&finding, index, at);
        }
        if let Some(speed) = line.speed.filter(|speed| !SPEED.contains(speed)) {
            self.item(&Finding::SpeedOutOfRange { speed }, index, at);
        }
        self.pause("pause_after_ms", line.pause_after_ms, index, at);
        self.pause("overlap_ms", line.overlap_ms, index, at);
        self.item_field("id", line.id.as_ref(), index, at);
        self.item_field("style", line.style.as_ref(), index, at);
        if let Some(translation) = &line.translation {
            let chars = translation.chars().count();
            if chars > self.limits.max_line_chars {
                self.item(&Finding::LineTooLong { chars, max: self.limits.max_line_chars }, index, at);
            } else if let Some((_, finding)) = unwanted(translation) {
                self.item(&finding, index, at);
            }
        }
        for (field, time) in [("start_ms", line.start_ms), ("end_ms", line.end_ms)] {
            if time.is_some_and(|ms| ms > MAX_TIME_MS) {
                self.item(&Finding::TimeTooLarge { field, max_ms: MAX_TIME_MS }, index, at);
            }
        }
        if let (Some(start), Some(end)) = (line.start_ms, line.end_ms)
            && end <= start
        {
            self.item(&Finding::TimeReversed, index, at);
        }
    }

    fn pause(&mut self, field: &'static str, ms: Option<u32>, index: usize, at: Origin) {
        if ms.is_some_and(|ms| ms > MAX_PAUSE_MS) {
            self.item(&Finding::TimeTooLarge { field, max_ms: MAX_PAUSE_MS.into() }, index, at);
        }
    }

    fn item_field(&mut self, field: &'static str, text: Option<&String>, index: usize, at: Origin) {
        if let Some(finding) = text.and_then(|text| self.field(field, text)) {
            self.item(&finding, index, at);
        }
    }

    fn field(&self, field: &'static str, text: &str) -> Option<Finding<'static>> {
        let max = self.limits.max_field_chars;
        if text.chars().nth(max).is_some() {
            return Some(Finding::FieldTooLong { field, max });
        }
        unwanted(text).map(|(_, finding)| finding)
    }

    fn name(&self, name: &str) -> Option<Finding<'static>> {
        let max = self.limits.max_name_chars;
        if name.trim().is_empty() {
            return Some(Finding::EmptySpeaker);
        }
        if name.chars().nth(max).is_some() {
            return Some(Finding::NameTooLong { max });
        }
        unwanted(name).map(|(_, finding)| finding)
    }

    fn item(&mut self, finding: &Finding<'_>, index: usize, at: Origin) {
        self.problems.push(Problem { item: Some(index), ..finding.at(at) });
    }
}

/// The shape of a BCP 47 tag, not whether its subtags are registered.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=8).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && tag.len() <= 35
        && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The characters of voice names, engine prefixes and blends.
pub(crate) fn is_voice(voice: &str) -> bool {
    (1..=200).contains(&voice.len())
        && voice.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '*' | '+' | '@'))
}

#[cfg(test)]
mod tests {
    use super::validate;
    use crate::{CastMember, Item, Limits, Line, Script};

    fn script(change: impl FnOnce(&mut Script, &mut Line)) -> Script {
        let mut script = Script::default();
        script.cast.insert("MINA".to_owned(), CastMember::default());
        let mut line = Line { speaker: "MINA".to_owned(), text: "Hello.".to_owned(), ..Line::default() };
        change(&mut script, &mut line);
        script.items.push(Item::Line(line));
        script
    }

    #[track_caller]
    fn check(script: &Script, expected: &[&str]) {
        let codes: Vec<_> = validate(script, &Limits::default()).iter().map(|p| p.code).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_sound_script_has_no_problems() {
        check(&script(|_, _| {}), &[]);
        check(&script(|_, l| l.speed = Some(2.0)), &[]);
        check(
            &script(|s, _| s.cast.get_mut("MINA").unwrap().voice = Some("af_heart*0.6+bm_george*0.4".into())),
            &[],
        );
    }

    #[test]
    fn every_broken_rule_is_named() {
        check(&Script::default(), &["SCRIPT_EMPTY"]);
        check(&script(|_, l| l.speaker = "BEN".into()), &["SPEAKER_UNKNOWN"]);
        check(&script(|_, l| l.speaker = " ".into()), &["SPEAKER_EMPTY"]);
        check(&script(|_, l| l.text = " \n ".into()), &["TEXT_EMPTY"]);
        check(&script(|_, l| l.text = "가".repeat(5_001)), &["LINE_TOO_LONG"]);
        check(&script(|_, l| l.text = "a\u{0}b".into()), &["CONTROL_CHARACTER"]);
        check(&script(|_, l| l.text = "a\u{202E}b".into()), &["BIDI_OVERRIDE"]);
        check(&script(|_, l| l.speed = Some(0.49)), &["SPEED_OUT_OF_RANGE"]);
        check(&script(|_, l| l.speed = Some(f32::NAN)), &["SPEED_OUT_OF_RANGE"]);
        check(&script(|_, l| (l.start_ms, l.end_ms) = (Some(5), Some(5))), &["TIME_REVERSED"]);
        check(&script(|_, l| l.end_ms = Some(u64::MAX)), &["TIME_TOO_LARGE"]);
        check(&script(|_, l| l.pause_after_ms = Some(600_001)), &["TIME_TOO_LARGE"]);
        check(&script(|_, l| l.overlap_ms = Some(100)), &["NOTHING_TO_OVERLAP"]);
        check(&script(|s, _| s.lang = "english please".into()), &["LANGUAGE_INVALID"]);
        check(&script(|s, _| s.gap_ms = u32::MAX), &["TIME_TOO_LARGE"]);
        check(&script(|s, _| s.title = "t".repeat(2_001)), &["FIELD_TOO_LONG"]);
        check(
            &script(|s, _| s.cast.get_mut("MINA").unwrap().voice = Some("../x".into())),
            &["VOICE_INVALID"],
        );
        check(
            &script(|s, _| _ = s.cast.insert("x".repeat(81), CastMember::default())),
            &["NAME_TOO_LONG", "NAME_TOO_LONG"],
        );
    }

    #[test]
    fn the_second_line_with_an_id_is_the_wrong_one() {
        let mut script = script(|_, l| l.id = Some("l1".into()));
        script.items.push(script.items[0].clone());
        let problems = validate(&script, &Limits::default());
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].code, problems[0].item, problems[0].line), ("LINE_ID_DUPLICATE", Some(1), 2));
    }

    #[test]
    fn a_thousand_problems_are_listed_up_to_the_limit() {
        let mut script = script(|_, l| l.speed = Some(9.0));
        script.items = vec![script.items[0].clone(); 1_000];
        let problems = validate(&script, &Limits::default());
        assert_eq!(problems.len(), 101);
        assert!(problems[100].message.starts_with("900 further problems"), "{}", problems[100].message);
    }
}
