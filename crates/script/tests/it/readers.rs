use sori_script::{Action, Format, Item, Limits, Options, Parsed, ScriptError, read, read_with};

fn parse(text: &str, format: Format) -> Parsed {
    read(text.as_bytes(), format, &Limits::default()).unwrap_or_else(|e| panic!("{e}\n{:#?}", e.problems()))
}

/// One row per item, in a short notation: `SPEAKER (style) [facts]: text @line:column`.
fn rows(parsed: &Parsed) -> Vec<String> {
    let row = |item: &Item| {
        let at = item.origin().expect("readers keep origins");
        let at = format!("@{}:{}", at.line, at.column);
        match item {
            Item::Pause(pause) => format!("pause {} {at}", pause.pause_ms),
            Item::Chapter(chapter) => format!("== {} {at}", chapter.title),
            Item::Line(line) => {
                let mut facts = Vec::new();
                facts.extend(line.id.as_ref().map(|v| format!("id {v}")));
                facts.extend(line.style.as_ref().map(|v| format!("style {v}")));
                facts.extend(line.speed.map(|v| format!("speed {v}")));
                facts.extend(line.pause_after_ms.map(|v| format!("after {v}")));
                facts.extend(line.overlap_ms.map(|v| format!("overlap {v}")));
                facts.extend(line.start_ms.map(|v| format!("start {v}")));
                facts.extend(line.end_ms.map(|v| format!("end {v}")));
                facts.extend(line.translation.as_ref().map(|v| format!("means {v}")));
                let facts = if facts.is_empty() { String::new() } else { format!(" [{}]", facts.join(", ")) };
                format!("{}{facts}: {} {at}", line.speaker, line.text)
            }
        }
    };
    parsed.script.items.iter().map(row).collect()
}

fn warnings(parsed: &Parsed) -> Vec<(&'static str, u32, u32)> {
    parsed.problems.iter().map(|p| (p.code, p.line, p.column)).collect()
}

#[track_caller]
fn check(text: &str, format: Format, expected: &[&str], expected_warnings: &[(&str, u32, u32)]) {
    let parsed = parse(text, format);
    assert_eq!(rows(&parsed), expected);
    assert_eq!(warnings(&parsed), expected_warnings);
}

#[track_caller]
fn check_error(text: &str, format: Format, expected: &[(&str, u32, u32)]) {
    let error = read(text.as_bytes(), format, &Limits::default()).expect_err("it should be refused");
    assert!(matches!(error, ScriptError::Invalid(_)), "{error:?}");
    let got: Vec<_> = error.problems().iter().map(|p| (p.code, p.line, p.column)).collect();
    assert_eq!(got, expected);
}

#[test]
fn a_typed_dialogue_keeps_its_cast_styles_times_and_pauses() {
    let text = include_str!("../data/dialogue.txt");
    check(
        text,
        Format::Text,
        &[
            "== Morning @9:1",
            "MINA: Good morning. It rains: again. @10:1",
            "BEN [id b1, style whispering, speed 1.1, after 300, means Pas si fort.]: Not so loud. @12:1",
            "민호: 안녕하세요. @15:1",
            "pause 500 @15:1",
            "민호: 반갑습니다. @15:1",
            "pause 1500 @17:1",
            "MINA [start 62000]: On time. @18:1",
            "BEN [start 65500, end 67000]: On time too. Note: this is text of Ben's. BEN: this as well. @19:1",
        ],
        &[("NOT_IN_CAST", 20, 1)],
    );
    let script = parse(text, Format::Text).script;
    assert_eq!((script.title.as_str(), script.lang.as_str(), script.gap_ms), ("At the café", "en-GB", 400));
    let mina = &script.cast["MINA"];
    assert_eq!(
        (mina.voice.as_deref(), mina.speed, mina.name.as_deref()),
        (Some("af_heart"), Some(0.95), Some("Mina Kim"))
    );
    assert_eq!(script.cast.len(), 3);
    assert_eq!(script.display_name("MINA"), "Mina Kim");
}

#[test]
fn without_a_cast_every_label_speaks_and_odd_ones_are_remarked_on() {
    check(
        "MINA: Hi.\nNote: buy milk.\nBEN: Yo.\r\rand he said: so.\n",
        Format::Text,
        &["MINA: Hi. @1:1", "Note: buy milk. @2:1", "BEN: Yo. @3:1", "and he said: so. @5:1"],
        &[("LOOKS_LIKE_REMARK", 2, 1), ("LOOKS_LIKE_REMARK", 5, 1)],
    );
}

#[test]
fn prose_is_narrated_and_dashes_take_turns() {
    check(
        "Once upon a time\nthere was text.\n\nAnd more.",
        Format::Text,
        &["narrator: Once upon a time there was text. @1:1", "narrator: And more. @4:1"],
        &[("NO_SPEAKER", 1, 1)],
    );
    check(
        "- Who is it?\n- Me.\n— MINA: And me.",
        Format::Text,
        &["Speaker 1: Who is it? @1:1", "Speaker 2: Me. @2:1", "MINA: And me. @3:1"],
        &[("SPEAKERS_UNNAMED", 1, 1)],
    );
}

#[test]
fn mistakes_in_text_are_found_where_they_are() {
    check_error("A: x\n@kast B = y", Format::Text, &[("DIRECTIVE_INVALID", 2, 1)]);
    check_error("A: x\n  [pause 1 week]", Format::Text, &[("PAUSE_INVALID", 2, 3)]);
    check_error("A {loud 3}: x", Format::Text, &[("ATTRIBUTE_INVALID", 1, 1)]);
    check_error(">> y\nA: x", Format::Text, &[("TRANSLATION_WITHOUT_LINE", 1, 1)]);
    check_error("A:\n\nB: x", Format::Text, &[("TEXT_EMPTY", 1, 1)]);
    check_error("A {speed 9}: x", Format::Text, &[("SPEED_OUT_OF_RANGE", 1, 1)]);
    check_error("# only a remark", Format::Text, &[("SCRIPT_EMPTY", 1, 1)]);
    check_error("A {id 1}: x\nB {id 1}: y", Format::Text, &[("LINE_ID_DUPLICATE", 2, 1)]);
}

#[test]
fn a_screenplay_becomes_lines_and_chapters() {
    let text = include_str!("../data/cafe.fountain");
    check(
        text,
        Format::Fountain,
        &[
            "== INT. CAFE - MORNING @12:1",
            "MINA [style whispering]: Good morning. @18:1",
            "pause 600 @19:1",
            "MINA: Is this [Sori](/sˈoɹi/)? @20:1",
            "BEN: It is, and it has been for forty years. @23:1",
            "민호: 안녕하세요. @27:1",
            "McAvoy [style on phone]: Not now! @30:1",
            "MINA [overlap 600000]: Both at once. @41:1",
            "pause 1500 @41:14",
            "MINA: And then not. @41:29",
            "== A FORCED HEADING @45:1",
            "BEN [id l9, speed 1.25]: Good*night*. @51:1",
        ],
        &[("ACTION_SKIPPED", 14, 1)],
    );
    let script = parse(text, Format::Fountain).script;
    assert_eq!((script.title.as_str(), script.lang.as_str()), ("At the Café", "en-GB"));
    assert_eq!(script.author.as_deref(), Some("Mina Kim"));
    assert_eq!(script.cast["MINA"].voice.as_deref(), Some("af_heart"));
    assert_eq!(script.cast["BEN"].voice, None);
}

#[test]
fn action_is_narrated_when_asked_for() {
    let text = "INT. ROOM\n\nIt rains.\n\nMINA\nYes.\n";
    let narrated = ["== INT. ROOM @1:1", "narrator: It rains. @3:1", "MINA: Yes. @6:1"];
    let options = Options { action: Action::Narrate, ..Options::default() };
    assert_eq!(rows(&read_with(text.as_bytes(), Format::Fountain, &options).unwrap()), narrated);
    let asked = format!("Title: X\nNarration: on\n\n{text}");
    assert_eq!(rows(&parse(&asked, Format::Fountain))[1], "narrator: It rains. @6:1");
}

#[test]
fn fountain_subtleties_follow_the_standard() {
    // Two blanks keep a speech open; a note on a row of its own does not end it.
    check("MINA\nOne.\n  \nTwo.\n[[note]]\nThree.", Format::Fountain, &["MINA: One. Two. Three. @2:1"], &[]);
    // A name needs words under it; capitals alone are action.
    check("BANG!\n\nMINA\nHi.", Format::Fountain, &["MINA: Hi. @4:1"], &[("ACTION_SKIPPED", 1, 1)]);
    // Korean has no capitals: without a declaration a name is action.
    check("민호\n안녕.\n\n@민호\n응.", Format::Fountain, &["민호: 응. @5:1"], &[("ACTION_SKIPPED", 1, 1)]);
    // What is never closed is text.
    check(
        "MINA\nA /* b [[ c.",
        Format::Fountain,
        &["MINA: A /* b [[ c. @2:1"],
        &[("BONEYARD_OPEN", 2, 3), ("NOTE_OPEN", 2, 8)],
    );
    check("MINA\nA [[over\ntwo rows]] b.", Format::Fountain, &["MINA: A b. @2:1"], &[]);
    // A lower-case extension and an escaped caret.
    check("@R2\\^D2 (cont'd)\nBeep.", Format::Fountain, &["R2^D2: Beep. @2:1"], &[]);
    check(
        "FADE IN:\n\nMINA\nHi.\n\nCUT TO:\n\nBEN\nYo.",
        Format::Fountain,
        &["MINA: Hi. @4:1", "BEN: Yo. @9:1"],
        &[("ACTION_SKIPPED", 1, 1)],
    );
}

#[test]
fn a_screenplay_without_dialogue_is_empty() {
    check_error(
        "INT. ROOM\n\nIt rains.",
        Format::Fountain,
        &[("SCRIPT_EMPTY", 1, 1), ("ACTION_SKIPPED", 3, 1)],
    );
}

#[test]
fn srt_from_the_wild_is_read() {
    let text = include_str!("../data/wild.srt");
    check(
        text,
        Format::Srt,
        &[
            "MINA [start 1000, end 2500]: Good & early. @3:1",
            "Speaker 1 [start 3500, end 4846]: Who is it? @7:1",
            "Speaker 2 [start 4846, end 5250]: Me. @7:1",
            "narrator [start 6000, end 7000]: No number, no hours: and a blank row. @11:1",
            "MINA [start 9000, end 10000]: Look: a bird. @21:1",
        ],
        &[("SPEAKERS_UNNAMED", 7, 1), ("NO_SPEAKER", 11, 1), ("SOUND_SKIPPED", 17, 1)],
    );
}

#[test]
fn names_in_subtitles_are_in_capitals_or_come_back() {
    let srt = "1\n00:00:01,000 --> 00:00:02,000\nListen: it works.\n\n2\n00:00:02,000 --> 00:00:03,000\n미나: 응.\n\n3\n00:00:03,000 --> 00:00:04,000\n미나: 그래.\n";
    let speakers: Vec<_> = parse(srt, Format::Srt).script.lines().map(|(_, l)| l.speaker.clone()).collect();
    assert_eq!(speakers, ["narrator", "미나", "미나"]);
}

#[test]
fn broken_times_are_errors_and_reversed_ones_lose_their_end() {
    check_error("1\n00:00:01,000 --> 0x\nHi", Format::Srt, &[("TIMING_INVALID", 2, 17)]);
    check_error("1\n00:61,000 --> 00:00:05,000\nHi", Format::Srt, &[("TIMING_INVALID", 2, 1)]);
    check(
        "1\n00:00:09,000 --> 00:00:05,000\nA\n\n2\n00:00:01,000 --> 00:00:02,000\nB",
        Format::Srt,
        &["narrator [start 1000, end 2000]: B @7:1", "narrator [start 9000]: A @3:1"],
        &[("CUE_REVERSED", 3, 1), ("CUES_OUT_OF_ORDER", 7, 1), ("NO_SPEAKER", 7, 1)],
    );
}

#[test]
fn voices_of_webvtt_become_speakers() {
    check(
        include_str!("../data/voices.vtt"),
        Format::Vtt,
        &[
            "Mina Kim [start 1000, end 1919]: Good morning <all>. @12:1",
            "Ben [start 1919, end 2500]: Not so loud! @12:1",
            "narrator [start 3000, end 4000]: Nobody says this. @16:1",
            "MINA [start 5000, end 6000]: No blank row before. @18:1",
        ],
        &[("NO_SPEAKER", 16, 1), ("TEXT_OUTSIDE_CUE", 20, 1)],
    );
    check_error("WEBVTTX\n\n00:01.000 --> 00:02.000\nHi", Format::Vtt, &[("HEADER_MISSING", 1, 1)]);
}

#[test]
fn dialogue_of_ass_is_read_in_the_order_of_time() {
    let text = include_str!("../data/karaoke.ass");
    check(
        text,
        Format::Ass,
        &[
            "Mina [start 1000, end 2500]: Good morning, all of you. @14:55",
            "Ben [start 4000, end 5500]: Second, with a comma @13:54",
            "MINA [start 8000, end 9000]: Bye. @17:51",
        ],
        &[("CUES_OUT_OF_ORDER", 14, 55), ("CUE_REPEATED", 15, 55)],
    );
    assert_eq!(parse(text, Format::Ass).script.title, "Karaoke night");
    check_error("[Script Info]\n", Format::Ass, &[("HEADER_MISSING", 1, 1)]);
    check_error(
        "[Events]\nDialogue: 0,0:00:01.00,x,Default,A,0,0,0,,Hi",
        Format::Ass,
        &[("TIMING_INVALID", 2, 24)],
    );
    check_error("[Events]\nDialogue: 0,0:00:01.00", Format::Ass, &[("ASS_COLUMNS", 2, 1)]);
}

#[test]
fn the_body_of_synthesize_is_read() {
    let text = include_str!("../data/rich.json");
    check(
        text,
        Format::Json,
        &[
            "== Scene 1 @5:5",
            "MINA [id l1, style cheerful, speed 1.05, after 300]: 안녕하세요. @6:5",
            "BEN [id l3, start 12500, end 14800]: Late. @7:5",
            "pause 800 @8:5",
            "narrator: The end. @10:5",
        ],
        &[("AUDIO_SKIPPED", 9, 5), ("JSON_FIELD_UNKNOWN", 10, 58)],
    );
    let script = parse(text, Format::Json).script;
    assert_eq!((script.lang.as_str(), script.gap_ms), ("ko", 300));
    assert_eq!(script.cast["MINA"].voice.as_deref(), Some("spk_01J"));
    assert_eq!(script.cast["narrator"].voice.as_deref(), Some("ko_1"));
    assert_eq!(script.cast["BEN"].voice.as_deref(), Some("hibari:heart"));
}

#[test]
fn lists_of_other_systems_are_read() {
    #[track_caller]
    fn check(json: &str) {
        let parsed = parse(json, Format::Json);
        assert_eq!(parsed.problems, []);
        let (_, line) = parsed.script.lines().next().unwrap();
        assert_eq!((line.speaker.as_str(), line.text.as_str()), ("af_heart", "Hi."));
        assert_eq!(parsed.script.cast["af_heart"].voice.as_deref(), Some("af_heart"));
    }
    check(
        r#"{"script":[{"speaker_id":"af_heart","text":"Hi."}],"output_format":"wav","sample_rate":24000,"caption_format":"vtt"}"#,
    );
    check(r#"{"inputs":[{"voice_id":"af_heart","text":"Hi."}],"model_id":"eleven_v3"}"#);
    check(r#"{"turns":[{"voice":"af_heart","text":"Hi."}],"response_format":"mp3"}"#);
    check(r#"{"model":"tts-1","input":"Hi.","voice":"af_heart","speed":1.0}"#);
    check(r#"[{"speaker_id":"af_heart","text":"Hi."}]"#);
}

#[test]
fn a_role_with_a_voice_on_the_spot_takes_it() {
    let parsed = parse(
        r#"[{"speaker":"MINA","voice":"af_sky","text":"Hi."},{"speaker":"MINA","text":"Ho."}]"#,
        Format::Json,
    );
    assert_eq!(parsed.script.cast["MINA"].voice.as_deref(), Some("af_sky"));
}

#[test]
fn mistakes_in_json_are_found_where_they_are() {
    check_error(
        "{\"script\": [\n  {\"speaker\": \"A\" \"text\": 1}]}",
        Format::Json,
        &[("JSON_SYNTAX", 2, 19)],
    );
    check_error("[\n {\"speaker\": \"민\", \"text\": 5}]", Format::Json, &[("JSON_TYPE", 2, 27)]);
    check_error(
        "[{\"speaker\":\"A\",\"text\":\"x\",\"text\":\"y\"}]",
        Format::Json,
        &[("JSON_FIELD_DUPLICATE", 1, 2)],
    );
    check_error("{\"title\":\"x\"}", Format::Json, &[("JSON_NO_SCRIPT", 1, 1)]);
    check_error("{\"script\":5}", Format::Json, &[("JSON_TYPE", 1, 11)]);
    check_error("[{\"speaker\":\"A\"}]", Format::Json, &[("JSON_FIELD_MISSING", 1, 2)]);
    check_error("[{\"text\":\"x\"}]", Format::Json, &[("JSON_FIELD_MISSING", 1, 2)]);
    check_error("[{\"speaker\":\"A\",\"text\":\" \"}]", Format::Json, &[("TEXT_EMPTY", 1, 2)]);
    check_error(
        "[{\"speaker\":\"A\",\"text\":\"<speak/>\",\"markup\":\"ssml\"}]",
        Format::Json,
        &[("MARKUP_UNSUPPORTED", 1, 44)],
    );
    check_error("[7]", Format::Json, &[("JSON_TYPE", 1, 2)]);
    check_error("[]", Format::Json, &[("SCRIPT_EMPTY", 1, 1)]);
    check_error("", Format::Json, &[("JSON_SYNTAX", 1, 1)]);
}

#[test]
fn places_are_right_in_a_minified_script_too() {
    let items: Vec<String> =
        (0..3_000).map(|i| format!("{{\"speaker\":\"민\",\"text\":\"가나다 {i}\"}}")).collect();
    let json = format!("[{}]", items.join(","));
    let parsed = parse(&json, Format::Json);
    let chars: Vec<char> = json.chars().collect();
    for (_, line) in parsed.script.lines() {
        let at = line.origin.unwrap();
        assert_eq!((at.line, chars[at.column as usize - 1]), (1, '{'));
    }
}
