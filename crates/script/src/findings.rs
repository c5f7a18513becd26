//! Everything that can be said about a script: code, severity, and the words in two languages.
//!
//! One table, so that texts stay alike and codes stay unique.

use crate::{Origin, Problem, Severity};

/// A finding with its facts; [`Finding::at`] gives it a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding<'a> {
    // The file as a whole.
    TooLarge { bytes: usize, max_bytes: usize },
    NotText { what: &'a str, what_ko: &'a str },
    BrokenUtf8 { byte: usize },
    BrokenUtf16 { byte: usize },
    Utf32,
    ControlCharacter { code: u32 },
    BidiOverride { code: u32 },
    BidiControl { code: u32 },
    Empty,
    TooManyItems { max: usize },
    TooManySpeakers { max: usize },
    TextLineTooLong { max: usize },
    MoreProblems { count: usize },
    // One item.
    LineTooLong { chars: usize, max: usize },
    EmptyText,
    EmptySpeaker,
    NameTooLong { max: usize },
    FieldTooLong { field: &'a str, max: usize },
    SpeakerUnknown { name: &'a str },
    SpeedOutOfRange { speed: f32 },
    BadVoice { voice: &'a str },
    BadLanguage { lang: &'a str },
    DuplicateId { id: &'a str },
    TimeReversed,
    TimeTooLarge { field: &'a str, max_ms: u64 },
    NothingToOverlap,
    // JSON.
    JsonSyntax { reason: &'a str },
    JsonTooDeep { max: usize },
    JsonType { field: &'a str, expected: &'a str, expected_ko: &'a str },
    JsonMissing { field: &'a str },
    JsonNoScript,
    JsonUnknownField { field: &'a str },
    JsonDuplicateField { field: &'a str },
    JsonItemUnknown,
    AudioItemSkipped,
    MarkupUnsupported { markup: &'a str },
    // Text.
    NoSpeaker,
    NotInCast { name: &'a str },
    LooksLikeRemark { name: &'a str },
    SpeakersUnnamed,
    BadDirective { text: &'a str },
    BadAttribute { text: &'a str },
    BadPause { text: &'a str },
    TranslationWithoutLine,
    // Fountain.
    ActionSkipped { count: usize },
    BoneyardOpen,
    NoteOpen,
    // Subtitles.
    BadTiming { text: &'a str },
    CueReversed,
    CuesOutOfOrder,
    HeaderMissing { header: &'a str },
    SoundSkipped { count: usize },
    CueRepeated { count: usize },
    TextOutsideCue { text: &'a str },
    AssColumns,
}

impl Finding<'_> {
    pub(crate) fn at(&self, at: Origin) -> Problem {
        let (severity, code, message, message_ko) = self.words();
        Problem { severity, code, message, message_ko, line: at.line, column: at.column, item: None }
    }

    #[allow(clippy::too_many_lines, reason = "one table of texts")]
    fn words(&self) -> (Severity, &'static str, String, String) {
        use Severity::{Error, Warning};
        match self {
            Self::TooLarge { bytes, max_bytes } => (
                Error,
                "TOO_LARGE",
                format!("The script has {bytes} bytes; at most {max_bytes} are taken."),
                format!("대본이 {bytes}바이트입니다. 최대 {max_bytes}바이트까지 받습니다."),
            ),
            Self::NotText { what, what_ko } => (
                Error,
                "NOT_TEXT",
                format!("This is {what}, not a script."),
                format!("대본이 아니라 {what_ko}입니다."),
            ),
            Self::BrokenUtf8 { byte } => (
                Error,
                "BROKEN_UTF8",
                format!("The text is not UTF-8 at byte {byte}. Save the file as UTF-8 and try again."),
                format!(
                    "{byte}번째 바이트에서 UTF-8이 깨졌습니다. 파일을 UTF-8로 저장한 뒤 다시 시도해 주세요."
                ),
            ),
            Self::BrokenUtf16 { byte } => (
                Error,
                "BROKEN_UTF16",
                format!("The text is not valid UTF-16 at byte {byte}. Save the file as UTF-8 and try again."),
                format!(
                    "{byte}번째 바이트에서 UTF-16이 깨졌습니다. 파일을 UTF-8로 저장한 뒤 다시 시도해 주세요."
                ),
            ),
            Self::Utf32 => (
                Error,
                "UTF32",
                "The text is UTF-32. Save the file as UTF-8 and try again.".to_owned(),
                "UTF-32 텍스트입니다. 파일을 UTF-8로 저장한 뒤 다시 시도해 주세요.".to_owned(),
            ),
            Self::ControlCharacter { code } => (
                Error,
                "CONTROL_CHARACTER",
                format!("There is a control character (U+{code:04X}) here; a script is plain text."),
                format!("제어 문자(U+{code:04X})가 있습니다. 대본은 일반 텍스트여야 합니다."),
            ),
            Self::BidiOverride { code } => (
                Error,
                "BIDI_OVERRIDE",
                format!(
                    "An invisible character here (U+{code:04X}) turns the direction of the text around; remove it."
                ),
                format!("글자 방향을 뒤집는 보이지 않는 문자(U+{code:04X})가 있습니다. 지워 주세요."),
            ),
            Self::BidiControl { code } => (
                Warning,
                "BIDI_CONTROL",
                format!("An invisible direction character (U+{code:04X}) was left out."),
                format!("보이지 않는 방향 문자(U+{code:04X})를 뺐습니다."),
            ),
            Self::Empty => (
                Error,
                "SCRIPT_EMPTY",
                "The script has no spoken line. A line looks like “MINA: Hello.”".to_owned(),
                "대본에 말하는 줄이 없습니다. 줄은 “미나: 안녕하세요.”처럼 씁니다.".to_owned(),
            ),
            Self::TooManyItems { max } => (
                Error,
                "TOO_MANY_LINES",
                format!("The script has more than {max} lines."),
                format!("대본이 {max}줄을 넘습니다."),
            ),
            Self::TooManySpeakers { max } => (
                Error,
                "TOO_MANY_SPEAKERS",
                format!("The script has more than {max} speakers."),
                format!("화자가 {max}명을 넘습니다."),
            ),
            Self::TextLineTooLong { max } => (
                Error,
                "LINE_TOO_LONG",
                format!("This line of the file is longer than {max} characters; break it up."),
                format!("파일의 이 줄이 {max}자를 넘습니다. 나누어 주세요."),
            ),
            Self::MoreProblems { count } => (
                Warning,
                "MORE_PROBLEMS",
                format!("{count} further problems are not listed."),
                format!("문제 {count}개는 목록에서 생략했습니다."),
            ),
            Self::LineTooLong { chars, max } => (
                Error,
                "LINE_TOO_LONG",
                format!("This line has {chars} characters; at most {max} are spoken in one go. Break it up."),
                format!("이 줄은 {chars}자입니다. 한 번에 {max}자까지 말할 수 있으니 나누어 주세요."),
            ),
            Self::EmptyText => (
                Error,
                "TEXT_EMPTY",
                "This line has no text.".to_owned(),
                "이 줄에 말할 내용이 없습니다.".to_owned(),
            ),
            Self::EmptySpeaker => (
                Error,
                "SPEAKER_EMPTY",
                "The speaker has no name.".to_owned(),
                "화자 이름이 비어 있습니다.".to_owned(),
            ),
            Self::NameTooLong { max } => (
                Error,
                "NAME_TOO_LONG",
                format!("The name of the speaker is longer than {max} characters."),
                format!("화자 이름이 {max}자를 넘습니다."),
            ),
            Self::FieldTooLong { field, max } => (
                Error,
                "FIELD_TOO_LONG",
                format!("`{field}` is longer than {max} characters."),
                format!("`{field}` 값이 {max}자를 넘습니다."),
            ),
            Self::SpeakerUnknown { name } => (
                Error,
                "SPEAKER_UNKNOWN",
                format!("“{}” is not in the cast.", short(name)),
                format!("“{}”은(는) 배역에 없습니다.", short(name)),
            ),
            Self::SpeedOutOfRange { speed } => (
                Error,
                "SPEED_OUT_OF_RANGE",
                format!("A speed of {speed} cannot be spoken; it goes from 0.5 to 2."),
                format!("속도 {speed}은(는) 쓸 수 없습니다. 0.5에서 2까지 됩니다."),
            ),
            Self::BadVoice { voice } => (
                Error,
                "VOICE_INVALID",
                format!(
                    "“{}” is not how a voice is written, such as `af_heart` or `af_heart*0.6+bm_george*0.4`.",
                    short(voice)
                ),
                format!(
                    "“{}”은(는) 목소리 이름이 아닙니다. `af_heart` 또는 `af_heart*0.6+bm_george*0.4`처럼 씁니다.",
                    short(voice)
                ),
            ),
            Self::BadLanguage { lang } => (
                Error,
                "LANGUAGE_INVALID",
                format!("“{}” is not a language tag such as `ko` or `en-US`.", short(lang)),
                format!("“{}”은(는) `ko`, `en-US` 같은 언어 태그가 아닙니다.", short(lang)),
            ),
            Self::DuplicateId { id } => (
                Error,
                "LINE_ID_DUPLICATE",
                format!("Another line has the id “{}” already.", short(id)),
                format!("id “{}”은(는) 다른 줄에 이미 있습니다.", short(id)),
            ),
            Self::TimeReversed => (
                Error,
                "TIME_REVERSED",
                "This line ends before it starts.".to_owned(),
                "이 줄은 시작하기 전에 끝납니다.".to_owned(),
            ),
            Self::TimeTooLarge { field, max_ms } => (
                Error,
                "TIME_TOO_LARGE",
                format!("`{field}` is more than {max_ms} ms."),
                format!("`{field}` 값이 {max_ms}ms를 넘습니다."),
            ),
            Self::NothingToOverlap => (
                Warning,
                "NOTHING_TO_OVERLAP",
                "There is no line before this one that it could overlap.".to_owned(),
                "이 줄과 겹칠 앞 줄이 없습니다.".to_owned(),
            ),
            Self::JsonSyntax { reason } => (
                Error,
                "JSON_SYNTAX",
                format!("This is not valid JSON: {reason}."),
                format!("올바른 JSON이 아닙니다: {reason}."),
            ),
            Self::JsonTooDeep { max } => (
                Error,
                "JSON_TOO_DEEP",
                format!("The JSON is nested deeper than {max} levels."),
                format!("JSON이 {max}단계보다 깊게 중첩되어 있습니다."),
            ),
            Self::JsonType { field, expected, expected_ko } => (
                Error,
                "JSON_TYPE",
                format!("`{}` has to be {expected}.", short(field)),
                format!("`{}` 값은 {expected_ko}여야 합니다.", short(field)),
            ),
            Self::JsonMissing { field } => (
                Error,
                "JSON_FIELD_MISSING",
                format!("`{field}` is missing here."),
                format!("`{field}` 값이 없습니다."),
            ),
            Self::JsonNoScript => (
                Error,
                "JSON_NO_SCRIPT",
                "There is no list of lines: the JSON needs `\"script\": [{\"speaker\": …, \"text\": …}]`."
                    .to_owned(),
                "줄 목록이 없습니다. `\"script\": [{\"speaker\": …, \"text\": …}]`가 필요합니다.".to_owned(),
            ),
            Self::JsonUnknownField { field } => (
                Warning,
                "JSON_FIELD_UNKNOWN",
                format!("`{}` is not known here and was left out.", short(field)),
                format!("`{}`은(는) 모르는 항목이라 무시했습니다.", short(field)),
            ),
            Self::JsonDuplicateField { field } => (
                Error,
                "JSON_FIELD_DUPLICATE",
                format!("`{}` is given twice.", short(field)),
                format!("`{}` 항목이 두 번 있습니다.", short(field)),
            ),
            Self::JsonItemUnknown => (
                Error,
                "JSON_ITEM_UNKNOWN",
                "An item needs `text` with a speaker, `pause_ms`, or `chapter`.".to_owned(),
                "항목에는 화자와 `text`, 또는 `pause_ms`, 또는 `chapter`가 있어야 합니다.".to_owned(),
            ),
            Self::AudioItemSkipped => (
                Warning,
                "AUDIO_SKIPPED",
                "Audio items are not mixed in yet; this one was left out.".to_owned(),
                "오디오 항목은 아직 섞을 수 없어 뺐습니다.".to_owned(),
            ),
            Self::MarkupUnsupported { markup } => (
                Error,
                "MARKUP_UNSUPPORTED",
                format!("The markup “{}” cannot be read; only plain text can be spoken.", short(markup)),
                format!("“{}” 마크업은 읽을 수 없습니다. 일반 텍스트만 말할 수 있습니다.", short(markup)),
            ),
            Self::NoSpeaker => (
                Warning,
                "NO_SPEAKER",
                "This text names no speaker; the narrator reads it.".to_owned(),
                "화자가 없는 글이라 내레이터가 읽습니다.".to_owned(),
            ),
            Self::NotInCast { name } => (
                Warning,
                "NOT_IN_CAST",
                format!(
                    "“{0}” is not in the cast, so this is read as text. For a speaker, add `@cast {0}`; for a remark, start the line with #.",
                    short(name)
                ),
                format!(
                    "“{0}”은(는) 배역에 없어 본문으로 읽습니다. 화자라면 `@cast {0}`을 더하고, 메모라면 줄을 #으로 시작해 주세요.",
                    short(name)
                ),
            ),
            Self::LooksLikeRemark { name } => (
                Warning,
                "LOOKS_LIKE_REMARK",
                format!(
                    "“{}” was read as a speaker. If it is none, start the line with # (a remark) or \\ (text).",
                    short(name)
                ),
                format!(
                    "“{}”을(를) 화자로 읽었습니다. 아니라면 줄을 #(메모)이나 \\(본문)로 시작해 주세요.",
                    short(name)
                ),
            ),
            Self::SpeakersUnnamed => (
                Warning,
                "SPEAKERS_UNNAMED",
                "Dialogue with dashes names nobody; two speakers take turns here.".to_owned(),
                "줄표 대화에는 이름이 없어 두 화자가 번갈아 말합니다.".to_owned(),
            ),
            Self::BadDirective { text } => (
                Error,
                "DIRECTIVE_INVALID",
                format!(
                    "“{}” cannot be read. A cast line looks like `@cast MINA = af_heart speed 0.95`.",
                    short(text)
                ),
                format!(
                    "“{}”을(를) 읽을 수 없습니다. 배역은 `@cast 미나 = af_heart speed 0.95`처럼 씁니다.",
                    short(text)
                ),
            ),
            Self::BadAttribute { text } => (
                Error,
                "ATTRIBUTE_INVALID",
                format!("“{}” cannot be read. Attributes look like `speed 1.1, pause 300ms`.", short(text)),
                format!(
                    "“{}”을(를) 읽을 수 없습니다. 속성은 `speed 1.1, pause 300ms`처럼 씁니다.",
                    short(text)
                ),
            ),
            Self::BadPause { text } => (
                Error,
                "PAUSE_INVALID",
                format!(
                    "“{}” is no pause. A pause looks like `[pause 1.5s]` and lasts at most 10 minutes.",
                    short(text)
                ),
                format!("“{}”은(는) 쉼이 아닙니다. `[pause 1.5s]`처럼 쓰며 최대 10분입니다.", short(text)),
            ),
            Self::TranslationWithoutLine => (
                Error,
                "TRANSLATION_WITHOUT_LINE",
                "A translation (>>) has to follow a spoken line.".to_owned(),
                "번역(>>)은 말하는 줄 다음에 와야 합니다.".to_owned(),
            ),
            Self::ActionSkipped { count } => (
                Warning,
                "ACTION_SKIPPED",
                format!(
                    "{count} passages of action are not spoken; `Narration: on` in the title page has them read."
                ),
                format!("지문 {count}곳은 말하지 않습니다. 표지에 `Narration: on`을 쓰면 읽습니다."),
            ),
            Self::BoneyardOpen => (
                Warning,
                "BONEYARD_OPEN",
                "`/*` is never closed by `*/`, so it is read as text.".to_owned(),
                "`/*`가 `*/`로 닫히지 않아 본문으로 읽습니다.".to_owned(),
            ),
            Self::NoteOpen => (
                Warning,
                "NOTE_OPEN",
                "`[[` is never closed by `]]`, so it is read as text.".to_owned(),
                "`[[`가 `]]`로 닫히지 않아 본문으로 읽습니다.".to_owned(),
            ),
            Self::BadTiming { text } => (
                Error,
                "TIMING_INVALID",
                format!("“{}” is not a time; it looks like 00:01:02.500.", short(text)),
                format!("“{}”은(는) 시간이 아닙니다. 00:01:02.500처럼 씁니다.", short(text)),
            ),
            Self::CueReversed => (
                Warning,
                "CUE_REVERSED",
                "This cue ends before it starts; its end was left out.".to_owned(),
                "자막이 시작하기 전에 끝나서 끝 시간을 뺐습니다.".to_owned(),
            ),
            Self::CuesOutOfOrder => (
                Warning,
                "CUES_OUT_OF_ORDER",
                "The cues are not in the order of time; they were sorted.".to_owned(),
                "자막이 시간 순서가 아니어서 정렬했습니다.".to_owned(),
            ),
            Self::HeaderMissing { header } => (
                Error,
                "HEADER_MISSING",
                format!("The file has to start with `{header}`."),
                format!("파일은 `{header}`(으)로 시작해야 합니다."),
            ),
            Self::SoundSkipped { count } => (
                Warning,
                "SOUND_SKIPPED",
                format!("{count} descriptions of sounds such as “[door]” or “♪” are not spoken."),
                format!("“[문소리]”나 “♪” 같은 소리 설명 {count}개는 말하지 않습니다."),
            ),
            Self::CueRepeated { count } => (
                Warning,
                "CUE_REPEATED",
                format!("{count} cues repeat another one at the same time and were left out."),
                format!("같은 시간에 되풀이된 자막 {count}개를 뺐습니다."),
            ),
            Self::TextOutsideCue { text } => (
                Warning,
                "TEXT_OUTSIDE_CUE",
                format!("“{}” belongs to no cue and was left out.", short(text)),
                format!("“{}”은(는) 어느 자막에도 속하지 않아 뺐습니다.", short(text)),
            ),
            Self::AssColumns => (
                Error,
                "ASS_COLUMNS",
                "This event does not have the columns that its Format line promises.".to_owned(),
                "이 줄에는 Format 줄이 정한 열이 없습니다.".to_owned(),
            ),
        }
    }
}

/// At most 40 characters of what the author wrote, on one line.
fn short(text: &str) -> String {
    let mut out: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}
