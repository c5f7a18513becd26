//! Answers of the Subsonic API: one tree, written as JSON or as XML.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event},
};
use serde_json::{Map, Value};
use sori_contracts::{Fault, Kind, UiLanguage};
use sori_http::Problem;

/// Of the protocol that all players know.
const VERSION: &str = "1.16.1";
const NAMESPACE: &str = "http://subsonic.org/restapi";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Xml,
    Json,
}

/// An element of XML with its attributes; an object of JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element(Vec<(&'static str, Field)>);

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Text(String),
    Number(i64),
    Flag(bool),
    /// The text inside of the element; JSON calls it `value`.
    Body(String),
    One(Element),
    /// Repeated under this name in XML; an array of JSON.
    Many(&'static str, Vec<Element>),
    Numbers(Vec<i64>),
}

impl Element {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn with(mut self, name: &'static str, field: Field) -> Self {
        self.0.push((name, field));
        self
    }

    pub(super) fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, Field::Text(text.into()))
    }

    pub(super) fn text_if(self, name: &'static str, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Numbers beyond what a signed one holds are as large as it can say.
    pub(super) fn number(self, name: &'static str, number: impl TryInto<i64>) -> Self {
        self.with(name, Field::Number(number.try_into().unwrap_or(i64::MAX)))
    }

    pub(super) fn number_if(self, name: &'static str, number: Option<impl TryInto<i64>>) -> Self {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &'static str, flag: bool) -> Self {
        self.with(name, Field::Flag(flag))
    }

    pub(super) fn body(self, text: impl Into<String>) -> Self {
        self.with("value", Field::Body(text.into()))
    }

    pub(super) fn one(self, name: &'static str, element: Self) -> Self {
        self.with(name, Field::One(element))
    }

    pub(super) fn many(self, name: &'static str, elements: Vec<Self>) -> Self {
        self.with(name, Field::Many(name, elements))
    }

    /// The protocol has two names for some lists.
    pub(super) fn many_as(self, name: &'static str, in_xml: &'static str, elements: Vec<Self>) -> Self {
        self.with(name, Field::Many(in_xml, elements))
    }

    pub(super) fn numbers(self, name: &'static str, numbers: &[i64]) -> Self {
        self.with(name, Field::Numbers(numbers.to_vec()))
    }

    /// All fields of both.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn to_json(&self) -> Value {
        let fields = self.0.iter().map(|(name, field)| {
            let value = match field {
                Field::Text(text) | Field::Body(text) => text.as_str().into(),
                Field::Number(number) => (*number).into(),
                Field::Flag(flag) => (*flag).into(),
                Field::One(element) => element.to_json(),
                Field::Many(_, elements) => elements.iter().map(Self::to_json).collect(),
                Field::Numbers(numbers) => numbers.clone().into(),
            };
            ((*name).to_owned(), value)
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }

    fn write(&self, name: &str, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(name);
        for (name, field) in &self.0 {
            let text = match field {
                Field::Text(text) => allowed(text),
                Field::Number(number) => number.to_string(),
                Field::Flag(flag) => flag.to_string(),
                Field::Body(_) | Field::One(_) | Field::Many(..) | Field::Numbers(_) => continue,
            };
            start.push_attribute((*name, text.as_str()));
        }
        writer.write_event(Event::Start(start))?;
        for (name, field) in &self.0 {
            match field {
                Field::Body(text) => writer.write_event(Event::Text(BytesText::new(&allowed(text))))?,
                Field::One(element) => element.write(name, writer)?,
                Field::Many(name, elements) => elements.iter().try_for_each(|one| one.write(name, writer))?,
                Field::Numbers(numbers) => numbers
                    .iter()
                    .try_for_each(|number| Self::new().body(number.to_string()).write(name, writer))?,
                Field::Text(_) | Field::Number(_) | Field::Flag(_) => {}
            }
        }
        writer.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// Without the signs that XML cannot hold in any way (XML 1.0, 2.2).
fn allowed(text: &str) -> String {
    let is_allowed = |sign: &char| match sign {
        '\t' | '\n' | '\r' => true,
        sign => *sign >= ' ' && !matches!(sign, '\u{fffe}' | '\u{ffff}'),
    };
    text.chars().filter(is_allowed).collect()
}

/// Why a call is not done, in the codes of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn generic(message: impl Into<String>) -> Self {
        Self::new(0, message)
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(10, format!("Required parameter is missing: {name}."))
    }

    pub(super) fn not_found() -> Self {
        Self::new(70, "The requested data was not found.")
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::of(problem.fault())
    }
}

impl From<Box<dyn Fault>> for Refusal {
    fn from(fault: Box<dyn Fault>) -> Self {
        Self::of(&*fault)
    }
}

impl Refusal {
    pub(super) fn of(fault: &dyn Fault) -> Self {
        let code = match fault.kind() {
            Kind::NotFound => 70,
            Kind::Unauthenticated => 40,
            Kind::Forbidden => 50,
            Kind::Internal => {
                tracing::error!(code = fault.code(), error = %fault, "a call of the Subsonic API failed");
                0
            }
            _ => 0,
        };
        Self::new(code, fault.message(UiLanguage::En))
    }
}

/// What a call answers with: the protocol says `ok` or `failed` in the body, always with status 200.
pub(super) fn written(outcome: Result<Element, Refusal>, form: Form) -> Response {
    let status = if outcome.is_ok() { "ok" } else { "failed" };
    let head = Element::new()
        .text("status", status)
        .text("version", VERSION)
        .text("type", "sori")
        .text("serverVersion", env!("CARGO_PKG_VERSION"))
        .flag("openSubsonic", true);
    let answer = match outcome {
        Ok(element) => head.and(element),
        Err(refusal) => {
            let error = Element::new().number("code", refusal.code).text("message", refusal.message);
            head.one("error", error)
        }
    };
    let (kind, body) = match form {
        Form::Json => {
            let whole = Element::new().one("subsonic-response", answer);
            ("application/json", whole.to_json().to_string().into_bytes())
        }
        Form::Xml => ("application/xml; charset=utf-8", xml(answer)),
    };
    (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

fn xml(answer: Element) -> Vec<u8> {
    let mut writer = Writer::new(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec());
    let whole = Element::new().text("xmlns", NAMESPACE).and(answer);
    whole.write("subsonic-response", &mut writer).expect("memory takes what is written");
    writer.into_inner()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn text(element: Element, form: Form) -> String {
        let body = to_bytes(written(Ok(element), form).into_body(), 1 << 16).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn lyrics() -> Element {
        let line = Element::new().number("start", 7).body("a < b & \u{1}\"c\"");
        let lyrics = Element::new().text("lang", "ko\u{0}\"").flag("synced", true).many("line", vec![line]);
        Element::new().one("lyrics", lyrics.numbers("versions", &[1, 2]))
    }

    #[tokio::test]
    async fn the_same_answer_is_written_in_both_forms() {
        let json: Value = serde_json::from_str(&text(lyrics(), Form::Json).await).unwrap();
        let answer = &json["subsonic-response"];
        assert_eq!((&answer["status"], &answer["openSubsonic"]), (&"ok".into(), &true.into()));
        assert_eq!(answer["lyrics"]["line"][0]["start"], 7);
        assert_eq!(answer["lyrics"]["line"][0]["value"], "a < b & \u{1}\"c\"");
        assert_eq!(answer["lyrics"]["versions"], serde_json::json!([1, 2]));

        let xml = text(lyrics(), Form::Xml).await;
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<subsonic-response xmlns=\"http://subsonic.org/restapi\" status=\"ok\""), "{xml}");
        let body = "<lyrics lang=\"ko&quot;\" synced=\"true\"><line start=\"7\">a &lt; b &amp; &quot;c&quot;</line>\
                    <versions>1</versions><versions>2</versions></lyrics></subsonic-response>";
        assert!(xml.ends_with(body), "{xml}");
    }
}
