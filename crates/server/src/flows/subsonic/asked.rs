//! The parameters of a call: of the address, and of a form that is posted.

use std::str::FromStr;

use super::answer::{Form, Refusal};

/// More than any player sends.
const MOST: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let pairs: Vec<_> = pairs.take(MOST + 1).collect();
        if pairs.len() > MOST {
            return Err(Refusal::generic("Too many parameters."));
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Refusal::missing(name))
    }

    /// What cannot be an id names nothing.
    pub(super) fn id<T: FromStr>(&self, name: &str) -> Result<T, Refusal> {
        self.required(name)?.parse().map_err(|_| Refusal::not_found())
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let value = self.get(name).filter(|value| !value.is_empty());
        value.map(|value| value.parse().map_err(|_| wrong(name))).transpose()
    }

    /// How many things, at most `most`.
    pub(super) fn count(&self, name: &str, usual: usize, most: usize) -> Result<usize, Refusal> {
        Ok(self.parsed::<usize>(name)?.unwrap_or(usual).min(most))
    }

    pub(super) fn flag(&self, name: &str, usual: bool) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("") => Ok(usual),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(_) => Err(wrong(name)),
        }
    }

    /// `xml` when nothing is said. JSONP is not spoken: it lets any page read the answer.
    pub(super) fn form(&self) -> Result<Form, Refusal> {
        match self.get("f") {
            None | Some("" | "xml") => Ok(Form::Xml),
            Some("json") => Ok(Form::Json),
            Some(_) => Err(Refusal::generic("The parameter f is xml or json.")),
        }
    }

    /// A version of the protocol that this server speaks.
    pub(super) fn check_version(&self) -> Result<(), Refusal> {
        let Some(version) = self.get("v").filter(|version| !version.is_empty()) else { return Ok(()) };
        match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
            None => Err(wrong("v")),
            Some(0) => Err(Refusal::new(20, "Incompatible protocol version: the client must upgrade.")),
            Some(1) => Ok(()),
            Some(_) => Err(Refusal::new(30, "Incompatible protocol version: the server must upgrade.")),
        }
    }

    /// The name of a device out of what the player calls itself.
    pub(super) fn device(&self) -> String {
        let name = self.get("c").unwrap_or_default();
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        if plain.is_empty() { "subsonic".to_owned() } else { format!("subsonic:{plain}") }
    }
}

fn wrong(name: &str) -> Refusal {
    Refusal::generic(format!("The parameter {name} makes no sense."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn versions_that_are_spoken_are_those_of_1() {
        let code = |version: &str| of(&[("v", version)]).check_version().err().map(|refusal| refusal.code);
        assert_eq!(
            ["", "1.16.1", "1", "0.9", "2.0", "x", "-1"].map(code),
            [None, None, None, Some(20), Some(30), Some(0), Some(0)]
        );
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_code() {
        let asked = of(&[
            ("id", "../../etc"),
            ("size", "-3"),
            ("empty", ""),
            ("big", "99999999999999999999"),
            ("flag", "maybe"),
        ]);
        assert_eq!(asked.id::<sori_contracts::ScriptId>("id").unwrap_err().code, 70);
        assert_eq!(asked.id::<sori_contracts::ScriptId>("empty").unwrap_err().code, 10);
        assert_eq!(asked.count("size", 10, 500).unwrap_err().code, 0);
        assert_eq!(asked.count("big", 10, 500).unwrap_err().code, 0);
        assert_eq!(asked.flag("flag", true).unwrap_err().code, 0);
        assert_eq!(of(&[("size", "9999")]).count("size", 10, 500), Ok(500));
        assert_eq!(of(&[("f", "jsonp")]).form().unwrap_err().code, 0);
    }

    #[test]
    fn a_device_has_a_plain_name() {
        assert_eq!(of(&[("c", "Sub Streamer! 한")]).device(), "subsonic:SubStreamer");
        assert_eq!(of(&[]).device(), "subsonic");
        assert!(of(&[("c", &"x".repeat(500))]).device().len() <= 64);
    }
}
