//! What is said as lyrics (extension `songLyrics`, version 2): a line each, its words with times and with
//! their place in the text.

use sori_voice::Transcript;

use super::answer::Element;

/// `enhanced`: with words, speakers and translations.
pub(super) fn lyrics(transcript: &Transcript, enhanced: bool) -> Element {
    let captions = transcript.captions();
    let mut speakers: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    let mut cue_lines = Vec::new();
    for (index, cue) in captions.cues.iter().enumerate() {
        lines.push(Element::new().number("start", cue.start_ms).body(cue.text.as_str()));
        let words = places(&cue.text, cue.words.iter().map(|word| word.text.as_str()));
        let cues: Vec<Element> = cue
            .words
            .iter()
            .zip(words)
            .filter_map(|(word, place)| {
                let (begin, end) = place?;
                let times = Element::new().number("start", word.start_ms).number("end", word.end_ms);
                Some(times.number("byteStart", begin).number("byteEnd", end).body(&cue.text[begin..=end]))
            })
            .collect();
        if cues.is_empty() {
            continue;
        }
        let speaker = cue.speaker.as_deref().unwrap_or_default();
        let agent = speakers.iter().position(|known| *known == speaker).unwrap_or_else(|| {
            speakers.push(speaker);
            speakers.len() - 1
        });
        let line =
            Element::new().number("index", index).number("start", cue.start_ms).number("end", cue.end_ms);
        let line = line.text("value", cue.text.as_str()).text("agentId", agent_id(agent));
        cue_lines.push(line.many("cue", cues));
    }
    let main = track(transcript, &transcript.lang).many("line", lines);
    if !enhanced {
        return Element::new().many("structuredLyrics", vec![main]);
    }
    let mut main = Element::new().text("kind", "main").and(main);
    if !cue_lines.is_empty() {
        main = main.many_as("agents", "agent", agents(&speakers)).many("cueLine", cue_lines);
    }
    let tracks = std::iter::once(main).chain(translation(transcript)).collect();
    Element::new().many("structuredLyrics", tracks)
}

fn track(transcript: &Transcript, lang: &str) -> Element {
    Element::new().text("displayTitle", transcript.title.as_str()).text("lang", lang).flag("synced", true)
}

/// Exactly one is the main voice.
fn agents(speakers: &[&str]) -> Vec<Element> {
    let agents = speakers.iter().enumerate().map(|(place, name)| {
        let role = if place == 0 { "main" } else { "voice" };
        let agent = Element::new().text("id", agent_id(place)).text("role", role);
        agent.text_if("name", Some(*name).filter(|name| !name.is_empty()))
    });
    agents.collect()
}

fn agent_id(place: usize) -> String {
    format!("s{place}")
}

/// Its language is not written down anywhere.
fn translation(transcript: &Transcript) -> Option<Element> {
    let lines: Vec<Element> = transcript
        .lines
        .iter()
        .filter_map(|line| {
            Some(Element::new().number("start", line.start_ms).body(line.translation.as_deref()?))
        })
        .collect();
    (!lines.is_empty())
        .then(|| Element::new().text("kind", "translation").and(track(transcript, "und")).many("line", lines))
}

/// Where each word stands in the text: its first and its last byte. One that is not found, since it is
/// spoken otherwise than it is written, has no place.
fn places<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Vec<Option<(usize, usize)>> {
    let mut from = 0;
    words
        .map(|word| {
            let begin = from + text[from..].find(word).filter(|_| !word.is_empty())?;
            from = begin + word.len();
            Some((begin, from - 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn a_word_that_is_said_twice_stands_at_two_places() {
        let text = "Oh love love me";
        let found = places(text, ["Oh", "love", "love", "you", "me"].into_iter());
        assert_eq!(found, [Some((0, 1)), Some((3, 6)), Some((8, 11)), None, Some((13, 14))]);
    }

    #[test]
    fn places_are_counted_in_bytes() {
        assert_eq!(places("눈을 뜬", ["눈을", "뜬"].into_iter()), [Some((0, 5)), Some((7, 9))]);
        assert_eq!(places("", ["a", ""].into_iter()), [None, None]);
    }
}
