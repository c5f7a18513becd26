//! Addresses of the web, mail and networks, handles, hash tags, versions and file names.

use super::line::{Line, Reading, is_digits, pattern, spelled};
use super::numbers;
use crate::spoken::Accent;

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if !core.contains(['.', '@', '#', '/', ':']) && !core.starts_with('v') {
        return None;
    }
    let accent = line.accent;
    let after_version = line.previous(index).eq_ignore_ascii_case("version");
    let version = version(core, accent).map(|spoken| {
        spoken.strip_prefix("version ").filter(|_| after_version).unwrap_or(&spoken).to_owned()
    });
    version.or_else(|| handle(core, accent)).or_else(|| address(core, accent)).and_then(Reading::one)
}

/// "v1.2.3", "1.2.3", "192.168.0.1", "v2".
fn version(core: &str, accent: Accent) -> Option<String> {
    let found = pattern!(r"^(v|V)?(\d{1,5}(?:\.\d{1,5})*)(?:-?(alpha|beta|rc)\.?(\d*))?$").captures(core)?;
    let parts: Vec<_> = found[2].split('.').collect();
    let prefixed = found.get(1).is_some();
    if !(prefixed || parts.len() > 2) {
        return None;
    }
    let network = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok()) && !prefixed;
    let spoken: Vec<_> = parts
        .iter()
        .map(|part| if network { numbers::paired(part, accent) } else { numbers::number(part, accent) })
        .collect();
    let mut words = spoken.join(if network { " dot " } else { " point " });
    if prefixed {
        words = format!("version {words}");
    }
    if let Some(stage) = found.get(3) {
        let stage = if stage.as_str() == "rc" { "R C" } else { stage.as_str() };
        words = format!("{words} {stage}");
        if !found[4].is_empty() {
            words = format!("{words} {}", numbers::number(&found[4], accent));
        }
    }
    Some(words)
}

/// "#rust", "@sori", "#5" is left to the numbers.
fn handle(core: &str, accent: Accent) -> Option<String> {
    let found = pattern!(r"^([#@])([A-Za-z][A-Za-z0-9_]*)$").captures(core)?;
    let name = words_of(&found[2], accent);
    Some(match &found[1] {
        "#" => format!("hashtag {name}"),
        _ => format!("at {name}"),
    })
}

/// Endings that make a dotted word an address rather than a missing space after a stop.
const DOMAINS: [&str; 30] = [
    "com", "org", "net", "edu", "gov", "io", "co", "uk", "de", "fr", "kr", "jp", "cn", "us", "ca", "au",
    "eu", "info", "dev", "app", "ai", "tv", "me", "ly", "biz", "xyz", "local", "example", "test", "int",
];

const FILES: [&str; 34] = [
    "txt", "pdf", "doc", "docx", "xls", "xlsx", "csv", "json", "xml", "html", "htm", "css", "js", "ts", "py",
    "rs", "md", "zip", "tar", "gz", "exe", "jpg", "jpeg", "png", "gif", "svg", "mp3", "mp4", "wav", "toml",
    "yaml", "yml", "sh", "log",
];

fn address(core: &str, accent: Accent) -> Option<String> {
    let (scheme, rest) = core.split_once("://").map_or((None, core), |(scheme, rest)| (Some(scheme), rest));
    if scheme.is_some_and(|scheme| {
        !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ftp" | "file")
    }) {
        return None;
    }
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let mail = rest.strip_prefix("mailto:").unwrap_or(rest);
    if let Some((user, host)) = mail.split_once('@')
        && is_host(host)
        && !user.is_empty()
    {
        return Some(format!("{} at {}", path_words(user, accent), host_words(host, accent)));
    }
    let host_end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let www = core.contains("www.");
    if is_host(host) || scheme.is_some() || (www && !host.is_empty()) {
        let path = path.trim_end_matches('/');
        let host = host_words(host, accent);
        return Some(if path.is_empty() { host } else { format!("{host} {}", path_words(path, accent)) });
    }
    // "main.rs", "report.pdf", and hidden files are left alone.
    let (name, ending) = core.rsplit_once('.')?;
    let ending_lower = ending.to_ascii_lowercase();
    let is_file = FILES.contains(&ending_lower.as_str()) && !name.is_empty();
    if is_file
        || pattern!(r"^\.?/?(?:[\w.-]+/)+[\w.-]+$").is_match(core) && FILES.contains(&ending_lower.as_str())
    {
        return Some(path_words(core, accent));
    }
    (core == "ASP.NET" || core == ".NET").then(|| path_words(core, accent))
}

fn is_host(host: &str) -> bool {
    let Some((_, ending)) = host.rsplit_once('.') else { return false };
    let known = DOMAINS.contains(&ending.to_ascii_lowercase().as_str());
    known
        && pattern!(r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$").is_match(host)
        && !pattern!(r"^(?:[A-Za-z]\.)+[A-Za-z]$").is_match(host)
}

/// "sori dot dev"; two-letter endings are spelled.
fn host_words(host: &str, accent: Accent) -> String {
    let mut labels: Vec<String> = Vec::new();
    let parts: Vec<_> = host.split('.').collect();
    for (at, label) in parts.iter().enumerate() {
        let ending = at + 1 == parts.len() && parts.len() > 1;
        labels.push(match label.to_ascii_lowercase().as_str() {
            "co" | "me" | "gov" | "edu" if at > 0 => label.to_ascii_lowercase(),
            letters if ending && letters.len() == 2 => spelled(letters),
            _ => path_words(label, accent),
        });
    }
    labels.join(" dot ")
}

/// Every sign of a path by name.
fn path_words(path: &str, accent: Accent) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut run = String::new();
    for c in path.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() {
            run.push(c);
            continue;
        }
        if !run.is_empty() {
            words.push(file_ending(&run, &words).unwrap_or_else(|| words_of(&run, accent)));
            run.clear();
        }
        let sign = match c {
            '.' => "dot",
            '/' => "slash",
            '-' => "dash",
            '_' => "underscore",
            '?' => "question mark",
            '=' => "equals",
            '&' => "and",
            '#' => "hash",
            ':' => "colon",
            '~' => "tilde",
            '@' => "at",
            '+' => "plus",
            '%' => "percent",
            _ => continue,
        };
        words.push(sign.to_owned());
    }
    words.join(" ")
}

/// File endings without vowels are spelled: "P D F".
fn file_ending(run: &str, words: &[String]) -> Option<String> {
    let after_dot = words.last().is_some_and(|word| word == "dot");
    let spell = matches!(
        run.to_ascii_lowercase().as_str(),
        "pdf"
            | "xls"
            | "xlsx"
            | "csv"
            | "xml"
            | "html"
            | "htm"
            | "css"
            | "js"
            | "ts"
            | "py"
            | "rs"
            | "md"
            | "gz"
            | "exe"
            | "svg"
            | "sh"
            | "txt"
            | "yml"
    );
    let spoken = match run.to_ascii_lowercase().as_str() {
        "txt" => "text".to_owned(),
        "jpg" | "jpeg" => "jay peg".to_owned(),
        "png" => "P N G".to_owned(),
        "mp3" => "M P three".to_owned(),
        "mp4" => "M P four".to_owned(),
        "exe" => "E X E".to_owned(),
        _ if spell => spelled(run),
        _ => return None,
    };
    after_dot.then_some(spoken)
}

/// A label as words: digits and letters apart, camel case parted, consonants alone spelled.
fn words_of(label: &str, accent: Accent) -> String {
    let parts = pattern!(r"\d+|[A-Z]?[a-z]+|[A-Z]+").find_iter(label);
    let words: Vec<_> = parts
        .map(|part| {
            let part = part.as_str();
            let vowelless =
                part.len() <= 5 && !part.to_ascii_lowercase().contains(['a', 'e', 'i', 'o', 'u', 'y']);
            if part.len() == 1 && !is_digits(part) {
                part.to_ascii_uppercase()
            } else if is_digits(part) {
                numbers::number(part, accent)
            } else if vowelless {
                spelled(part)
            } else {
                part.to_ascii_lowercase()
            }
        })
        .collect();
    words.join(" ")
}
