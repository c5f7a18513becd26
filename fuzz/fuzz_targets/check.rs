//! What has to hold for every file, whatever its format.

use sori_script::{Format, Limits, read, to_fountain, to_json, to_text, validate};

pub fn file(bytes: &[u8], format: Format) {
    let limits = Limits::default();
    let _ = Format::detect(None, bytes);
    let parsed = match read(bytes, format, &limits) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.problems().iter().any(|problem| problem.is_error()));
            assert!(error.problems().iter().all(|problem| problem.line > 0 && problem.column > 0));
            assert!(!error.message().is_empty() && !error.message_ko().is_empty());
            return;
        }
    };
    assert!(parsed.problems.iter().all(|problem| !problem.is_error()));
    assert!(validate(&parsed.script, &limits).iter().all(|problem| !problem.is_error()));
    let script = parsed.script.without_origins();
    for (written, format) in [
        (to_json(&script), Format::Json),
        (to_text(&script), Format::Text),
        (to_fountain(&script), Format::Fountain),
    ] {
        // A row of a text format may get longer than a row may be; that is an error, not a loss.
        match read_again(&written, format) {
            Ok(back) => assert_eq!(back, script, "{format:?}\n{written}"),
            Err(code) => assert_eq!(code, "LINE_TOO_LONG", "{format:?}\n{written}"),
        }
    }
}

fn read_again(written: &str, format: Format) -> Result<sori_script::Script, &'static str> {
    match sori_script::read(written.as_bytes(), format, &Limits::default()) {
        Ok(parsed) => Ok(parsed.script.without_origins()),
        Err(error) => Err(error.problems().iter().find(|p| p.is_error()).map_or("", |p| p.code)),
    }
}
