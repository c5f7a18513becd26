//! `speed 1.1, pause 300ms, id "l1"`: the small facts that text formats carry beside the words.

use crate::{CastMember, Line, validate::MAX_PAUSE_MS};

/// Reads attributes of a line into `line`.
///
/// # Errors
/// The part that cannot be understood.
pub(super) fn line_attributes<'a>(text: &'a str, line: &mut Line) -> Result<(), &'a str> {
    for (key, value, part) in Pairs::new(text).collect::<Result<Vec<_>, _>>()? {
        match key {
            "id" => line.id = Some(value),
            "style" => line.style = Some(value),
            "speed" => line.speed = Some(number(&value).ok_or(part)?),
            "pause" => line.pause_after_ms = Some(duration_ms(&value).ok_or(part)?),
            "overlap" => line.overlap_ms = Some(duration_ms(&value).ok_or(part)?),
            "start" => line.start_ms = Some(clock_ms(&value).ok_or(part)?),
            "end" => line.end_ms = Some(clock_ms(&value).ok_or(part)?),
            "translation" => line.translation = Some(value),
            _ => return Err(part),
        }
    }
    Ok(())
}

/// Reads `MINA = af_heart speed 0.95 name "Mina Kim"`, the voice being optional.
///
/// # Errors
/// The part that cannot be understood.
pub(super) fn cast_entry(text: &str) -> Result<(String, CastMember), &str> {
    let text = text.trim();
    let (name, rest) = match text.strip_prefix('"') {
        Some(_) => {
            let (name, rest) = quoted(text).ok_or(text)?;
            let rest = rest.trim_start();
            if !rest.is_empty() && !rest.starts_with('=') {
                return Err(text);
            }
            (name, rest.strip_prefix('=').unwrap_or_default())
        }
        None => {
            let (name, rest) = text.split_once('=').unwrap_or((text, ""));
            (name.trim().to_owned(), rest)
        }
    };
    if name.is_empty() {
        return Err(text);
    }
    let mut member = CastMember::default();
    let mut rest = rest.trim();
    let first_end = rest.find([' ', '\t', ',']).unwrap_or(rest.len());
    if !rest.is_empty() && !matches!(&rest[..first_end], "speed" | "name" | "voice") {
        member.voice = Some(rest[..first_end].to_owned());
        rest = &rest[first_end..];
    }
    for (key, value, part) in Pairs::new(rest).collect::<Result<Vec<_>, _>>()? {
        match key {
            "voice" => member.voice = Some(value),
            "speed" => member.speed = Some(number(&value).ok_or(part)?),
            "name" => member.name = Some(value),
            _ => return Err(part),
        }
    }
    Ok((name, member))
}

/// `1.5s`, `500ms`, `2` (seconds), `1초`, `1m`, within the longest pause.
pub(super) fn duration_ms(text: &str) -> Option<u32> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let value = decimal(digits)?;
    let ms = match unit.trim().to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millis" | "milliseconds" | "밀리초" => value,
        "" | "s" | "sec" | "secs" | "second" | "seconds" | "초" => value * 1_000.0,
        "m" | "min" | "minute" | "minutes" | "분" => value * 60_000.0,
        _ => return None,
    }
    .round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range")]
    (0.0..=f64::from(MAX_PAUSE_MS)).contains(&ms).then_some(ms as u32)
}

/// `01:02:03.450`, `02:03,45`, `1:02`: hours optional, comma or point, any number of decimals of
/// which three count.
pub(super) fn clock_ms(text: &str) -> Option<u64> {
    let (clock, fraction) = match text.trim().split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, fraction),
        None => (text.trim(), "0"),
    };
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ms: u64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let parts: Vec<u64> = clock
        .split(':')
        .map(|part| {
            let part = part.trim();
            (1..=6).contains(&part.len()).then_some(part)?;
            part.bytes().all(|b| b.is_ascii_digit()).then_some(part)?.parse().ok()
        })
        .collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [minutes, seconds] if seconds < 60 => minutes * 60 + seconds,
        [hours, minutes, seconds] if minutes < 60 && seconds < 60 => hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    Some(seconds * 1_000 + ms)
}

fn number(text: &str) -> Option<f32> {
    #[allow(clippy::cast_possible_truncation, reason = "a speed needs no more")]
    text.parse::<f32>().ok().filter(|value| value.is_finite())
}

fn decimal(digits: &str) -> Option<f64> {
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    digits.replace(',', ".").parse().ok()
}

/// Pairs of a key and a value, separated by blanks or commas; a value with blanks is quoted.
struct Pairs<'a> {
    rest: &'a str,
}

impl<'a> Pairs<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a str, String, &'a str), &'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if start.is_empty() {
            return None;
        }
        let key_end = start.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(start.len());
        let key = &start[..key_end];
        let value_start = start[key_end..].trim_start().trim_start_matches(['=', ':']).trim_start();
        let (value, rest) = if value_start.starts_with('"') {
            match quoted(value_start) {
                Some(found) => found,
                None => {
                    self.rest = "";
                    return Some(Err(start));
                }
            }
        } else {
            let end = value_start.find([' ', '\t', ',']).unwrap_or(value_start.len());
            (value_start[..end].to_owned(), &value_start[end..])
        };
        self.rest = rest;
        if key.is_empty() || value.is_empty() {
            self.rest = "";
            return Some(Err(start));
        }
        Some(Ok((key, value, start[..start.len() - rest.len()].trim_end())))
    }
}

/// The content of a string in double quotes with `\"` and `\\`, and what follows it.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut escaped = false;
    for (offset, c) in body.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((out, &body[offset + 1..])),
            _ => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{cast_entry, clock_ms, duration_ms, line_attributes};
    use crate::{CastMember, Line};

    #[test]
    fn attributes_of_a_line_are_read_with_and_without_quotes() {
        let mut line = Line::default();
        line_attributes(r#" speed 1.1, pause 300ms id="a \"b\"" overlap: 0.2s"#, &mut line).unwrap();
        assert_eq!(line.speed, Some(1.1));
        assert_eq!(line.pause_after_ms, Some(300));
        assert_eq!(line.overlap_ms, Some(200));
        assert_eq!(line.id.as_deref(), Some("a \"b\""));
    }

    #[test]
    fn an_attribute_that_is_not_understood_is_handed_back() {
        let mut line = Line::default();
        assert_eq!(line_attributes("speed fast", &mut line), Err("speed fast"));
        assert_eq!(line_attributes("speed 1.1, volume 3", &mut line), Err("volume 3"));
        assert_eq!(line_attributes("id \"open", &mut line), Err("id \"open"));
        assert_eq!(line_attributes("speed", &mut line), Err("speed"));
        assert_eq!(line_attributes("speed NaN", &mut line), Err("speed NaN"));
    }

    #[test]
    fn a_cast_entry_has_a_name_and_perhaps_a_voice() {
        #[track_caller]
        fn check(text: &str, name: &str, voice: Option<&str>, speed: Option<f32>, display: Option<&str>) {
            let member = CastMember { voice: voice.map(Into::into), speed, name: display.map(Into::into) };
            assert_eq!(cast_entry(text), Ok((name.to_owned(), member)));
        }
        check("MINA", "MINA", None, None, None);
        check("민호 = am_adam", "민호", Some("am_adam"), None, None);
        check("Dr. Kim=hibari:heart speed 0.9", "Dr. Kim", Some("hibari:heart"), Some(0.9), None);
        check("A = speed 1.2", "A", None, Some(1.2), None);
        check("\"A=B\" = x name \"Ann, B.\"", "A=B", Some("x"), None, Some("Ann, B."));
        assert!(cast_entry(" = x").is_err());
        assert!(cast_entry("A = x loud 3").is_err());
    }

    #[test]
    fn durations_and_clocks_come_in_many_forms() {
        assert_eq!(duration_ms("1.5s"), Some(1_500));
        assert_eq!(duration_ms("500 ms"), Some(500));
        assert_eq!(duration_ms("2"), Some(2_000));
        assert_eq!(duration_ms("1초"), Some(1_000));
        assert_eq!(duration_ms("10m"), Some(600_000));
        for bad in ["", "-1s", "11m", "1x", "1.2.3s", "s", "999999999999999s"] {
            assert_eq!(duration_ms(bad), None, "{bad}");
        }
        assert_eq!(clock_ms("01:02:03.450"), Some(3_723_450));
        assert_eq!(clock_ms("02:03,4"), Some(123_400));
        assert_eq!(clock_ms("123:00:00.0019"), Some(442_800_001));
        for bad in ["", "3", "1:60", "1:2:3:4", "a:b", "1:02.", "-1:00", "99999999:00"] {
            assert_eq!(clock_ms(bad), None, "{bad}");
        }
    }
}
