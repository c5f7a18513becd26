use sori_captions::{
    SrtOptions, VttOptions, from_json, to_ass, to_json, to_srt, to_srt_with, to_textgrid, to_vtt,
};

use super::{captions, cue};

#[test]
fn webvtt_has_voices_and_escapes() {
    let captions = captions(vec![
        cue(0, 1_483, "Mina & <Co>", "Good morning, <all> & sundry --> now."),
        cue(360_000_500, 360_001_000, "", "Late\n\nand in two rows."),
    ]);
    assert_eq!(
        to_vtt(&captions, &VttOptions::default()),
        "WEBVTT\n\nNOTE At the café\n\n\
         1\n00:00:00.000 --> 00:00:01.483\n<v Mina &amp; &lt;Co&gt;>Good morning, &lt;all&gt; &amp; sundry --&gt; now.\n\n\
         2\n100:00:00.500 --> 100:00:01.000\nLate\nand in two rows.\n"
    );
}

#[test]
fn karaoke_stamps_stand_before_words_and_inside_the_cue() {
    let captions = captions(vec![cue(1_000, 4_000, "Mina", "One, two & three.")]);
    let vtt = to_vtt(&captions, &VttOptions { karaoke: true, speakers: false });
    // The fourth "word" is the sign, which has no sound and so no place of its own.
    assert!(vtt.ends_with("\nOne, <00:00:01.750>two &amp; <00:00:03.250>three.\n"), "{vtt}");
    let ass = to_ass(&captions, true);
    assert!(ass.ends_with(",1 Mina,Mina,0,0,0,,{\\k75}One, {\\k150}two & {\\k75}three.\n"), "{ass}");
}

#[test]
fn karaoke_steps_of_ass_add_up_to_the_cue() {
    let text = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
    let ass = to_ass(&captions(vec![cue(3, 10_007, "Mina", text)]), true);
    let steps = ass.split("{\\k").skip(1).map(|s| s.split('}').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(steps.sum::<u64>(), 1_001);
    assert!(ass.contains("Dialogue: 0,0:00:00.00,0:00:10.01,"), "{ass}");
}

#[test]
fn srt_has_crlf_and_names() {
    let captions =
        captions(vec![cue(0, 900, "MINA", "A & B <i>\n\n x"), cue(900, 1_000, "", "{\\an8} &lt; --> y")]);
    assert_eq!(
        to_srt(&captions),
        "1\r\n00:00:00,000 --> 00:00:00,900\r\nMINA: A & B &lt;i>\r\nx\r\n\r\n\
         2\r\n00:00:00,900 --> 00:00:01,000\r\n&#123;\\an8} &amp;lt; --&gt; y\r\n\r\n"
    );
    assert!(to_srt_with(&captions, &SrtOptions { speakers: false }).contains("\r\nA & B"));
}

#[test]
fn ass_keeps_commas_out_of_its_fields() {
    let ass = to_ass(&captions(vec![cue(0, 900, "Kim, Mina", "Yes, {no}\nC:\\Notes")]), false);
    assert!(ass.contains("\nStyle: 1 Kim， Mina,Arial,"), "{ass}");
    assert!(ass.ends_with("Dialogue: 0,0:00:00.00,0:00:00.90,1 Kim， Mina,Kim， Mina,0,0,0,,Yes, \\{no\\}\\NC:\\\u{200B}Notes\n"), "{ass}");
}

#[test]
fn json_comes_back_and_names_its_version() {
    let captions = captions(vec![cue(0, 900, "Mina", "안녕, \"you\"")]);
    let json = to_json(&captions);
    assert!(json.starts_with("{\"version\":1,\"title\":\"At the café\",\"lang\":\"en-US\",\"duration_ms\":900,\"cues\":[{\"start_ms\":0,"), "{json}");
    assert!(json.contains("\"source\":\"engine\""));
    assert_eq!(from_json(&json).unwrap(), captions);
    let future = json.replace("\"version\":1", "\"version\":2");
    assert!(from_json(&future).unwrap_err().to_string().contains("version 2"));
}

#[test]
fn a_textgrid_tier_has_neither_gap_nor_overlap() {
    let mut captions = captions(vec![
        cue(0, 1_000, "Mina", "Say \"hi\" now"),
        cue(500, 900, "Ben", "Hi"),
        cue(900, 2_000, "Mina", "again"),
    ]);
    captions.duration_ms = 2_500;
    let grid = to_textgrid(&captions);
    assert!(grid.starts_with("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = 2.500\ntiers? <exists>\nsize = 4\n"), "{grid}");
    assert!(grid.contains("text = \"Say \"\"hi\"\" now\""), "{grid}");
    for tier in grid.split("    item [").skip(2) {
        let value = |row: &str| row.split(" = ").nth(1).unwrap().parse::<f64>().unwrap();
        let times: Vec<f64> = tier.lines().filter(|l| l.contains("xm")).map(value).collect();
        // The first pair is the tier's own.
        assert_eq!(times[..2], [0.0, 2.5]);
        assert_eq!((times[2], *times.last().unwrap()), (0.0, 2.5));
        assert!(times[2..].chunks(2).all(|pair| pair[0] < pair[1]), "{tier}");
        assert!(times[3..times.len() - 1].chunks(2).all(|pair| pair[0] == pair[1]), "{tier}");
        let said: usize =
            tier.split("intervals: size = ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert_eq!(said, times.len() / 2 - 1);
    }
}

#[test]
fn no_captions_are_still_files() {
    let none = captions(vec![]);
    assert_eq!(to_vtt(&none, &VttOptions::default()), "WEBVTT\n\nNOTE At the café\n");
    assert_eq!(to_srt(&none), "");
    assert!(to_ass(&none, true).ends_with("Effect, Text\n"));
    assert!(to_textgrid(&none).ends_with("xmax = 0.001\ntiers? <absent>\n"));
}
