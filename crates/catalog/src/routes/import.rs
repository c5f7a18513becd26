//! `/v1/scripts/import` and `/v1/scripts/parse`: files and texts in any format that can be read.

use axum::{
    body::Bytes,
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::{HeaderMap, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use sori_contracts::{Caller, ShowId, UiLanguage};
use sori_http::{Json, Problem, ProblemBody, Query, RequestFault, SignedIn, Ui};
use sori_script::{Format, Script};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::created;
use crate::{
    Catalog, CatalogFault, NewScript, Remark, ScriptView,
    import::{self, Imported},
};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new().routes(routes!(import_script)).routes(routes!(parse_script))
}

/// The parts of an upload.
#[derive(Debug, Default, utoipa::ToSchema)]
#[allow(dead_code, reason = "describes the form; the parts are read one by one")]
struct ImportForm {
    /// The file; its name helps to find the format, and names a script without a title.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// Instead of a file.
    text: Option<String>,
    format: Option<Format>,
    /// Instead of the title that the file names.
    title: Option<String>,
    show_id: Option<ShowId>,
}

/// A script that was read from a file and stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ImportedScript {
    script: ScriptView,
    /// Warnings: an error stores nothing.
    problems: Vec<Remark>,
}

/// Import a script
///
/// JSON, `NAME: line` text, Fountain, SRT, WebVTT or ASS.
#[utoipa::path(post, path = "/v1/scripts/import", operation_id = "import_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Stored; `Location` names it", body = ImportedScript),
        (status = 400, description = "`SCRIPT_INVALID`, `SCRIPT_NOT_TEXT`, `SCRIPT_ENCODING`: `details.problems` names each place", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
        (status = 413, description = "Larger than 10 MB, or a script larger than 8 MiB", body = ProblemBody),
        (status = 415, description = "No multipart form", body = ProblemBody),
    ))]
async fn import_script(
    State(catalog): State<Catalog>,
    SignedIn(member): SignedIn,
    Ui(language): Ui,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let told = |fault: CatalogFault| fault.told_in(language);
    let upload = Upload::read(form.map_err(|_| RequestFault::UnsupportedMedia)?).await?;
    let imported = import::import(upload.bytes, upload.name.clone(), upload.format).await.map_err(told)?;
    let problems = Remark::all(&imported.parsed.problems, language);
    let mut script = imported.parsed.script;
    if let Some(title) = upload.title {
        script.title = title;
    } else if script.title.trim().is_empty() {
        script.title = upload.name.as_deref().and_then(import::title_from_file).unwrap_or_default();
    }
    let new = NewScript {
        script,
        show_id: upload.show_id,
        source_text: Some(imported.source_text),
        source_format: Some(imported.format),
        ..NewScript::default()
    };
    let id = catalog.create_script(&member, new).await.map_err(told)?;
    let script = catalog.script(&Caller::Account(member), id).await?;
    Ok(created(format!("/v1/scripts/{id}"), ImportedScript { script, problems }))
}

#[derive(Default)]
struct Upload {
    bytes: Bytes,
    name: Option<String>,
    format: Option<Format>,
    title: Option<String>,
    show_id: Option<ShowId>,
}

impl Upload {
    async fn read(mut form: Multipart) -> Result<Self, RequestFault> {
        let mut upload = Self::default();
        let mut has_script = false;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            match field.name().unwrap_or_default() {
                "file" | "text" => {
                    if has_script {
                        return Err(missing(
                            "Send one file or one text.",
                            "파일이나 텍스트를 하나만 보내 주세요.",
                        ));
                    }
                    has_script = true;
                    upload.name = field.file_name().map(str::to_owned).filter(|name| !name.is_empty());
                    let by_type = field.content_type().and_then(Format::from_media_type);
                    // A name says more than the type that a browser guessed from it.
                    if upload.name.is_none() {
                        upload.format = upload.format.or(by_type);
                    }
                    upload.bytes = field.bytes().await.map_err(broken)?;
                }
                "format" => {
                    upload.format = filled(field).await?.map(|name| import::format(&name)).transpose()?
                }
                "title" => upload.title = filled(field).await?,
                "show_id" => {
                    let id = filled(field).await?.map(|id| id.parse().map_err(|_| no_show())).transpose()?;
                    upload.show_id = id;
                }
                _ => {}
            }
        }
        if has_script {
            Ok(upload)
        } else {
            Err(missing("There is no file in the form.", "파일이 없습니다."))
        }
    }
}

/// A text field that says something; forms send empty ones for what was left out.
async fn filled(field: Field<'_>) -> Result<Option<String>, RequestFault> {
    let text = field.text().await.map_err(broken)?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn broken(error: MultipartError) -> RequestFault {
    match error.status().as_u16() {
        413 => RequestFault::TooLarge,
        _ => RequestFault::Malformed(error.body_text().chars().take(200).collect()),
    }
}

fn missing(en: &str, ko: &str) -> RequestFault {
    RequestFault::Field { field: "file", en: en.into(), ko: ko.into() }
}

fn no_show() -> RequestFault {
    RequestFault::Field {
        field: "show_id",
        en: "show_id is not an id.".into(),
        ko: "show_id가 올바른 ID가 아닙니다.".into(),
    }
}

/// A text to look at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ParseScript {
    text: String,
    /// Found by the name and the text when left out.
    #[serde(default)]
    format: Option<Format>,
    #[serde(default)]
    filename: Option<String>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ParseQuery {
    /// For a body that is no JSON: json, text, fountain, srt, vtt or ass.
    format: Option<String>,
    filename: Option<String>,
}

/// A text as a script; nothing is stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ParsedScript {
    format: Format,
    script: Script,
    /// Warnings: an error is answered as a problem.
    problems: Vec<Remark>,
}

/// Read a text without storing it
#[utoipa::path(post, path = "/v1/scripts/parse", operation_id = "parse_script", tag = "scripts",
    security(("account" = ["scripts:read"])),
    params(ParseQuery),
    request_body(content((ParseScript = "application/json", example = json!({"text": "MINA: Two coffees, please.\n"})),
        (String = "text/plain"))),
    responses(
        (status = 200, description = "The script, and what is odd about it", body = ParsedScript),
        (status = 400, description = "`SCRIPT_INVALID`, `SCRIPT_NOT_TEXT`, `SCRIPT_ENCODING`: `details.problems` names each place", body = ProblemBody),
        (status = 413, description = "Larger than 10 MB, or a script larger than 8 MiB", body = ProblemBody),
    ))]
async fn parse_script(
    Ui(language): Ui,
    Query(query): Query<ParseQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ParsedScript>, Problem> {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let imported = if is_json(media_type) {
        let asked: ParseScript =
            serde_json::from_slice(&body).map_err(|error| RequestFault::Malformed(error.to_string()))?;
        import::import(asked.text, asked.filename, asked.format).await
    } else {
        let format = query.format.as_deref().map(import::format).transpose()?;
        let format = format.or_else(|| Format::from_media_type(media_type));
        import::import(body, query.filename, format).await
    };
    let imported = imported.map_err(|fault| fault.told_in(language))?;
    Ok(Json(parsed(imported, language)))
}

fn is_json(media_type: &str) -> bool {
    Format::from_media_type(media_type) == Some(Format::Json)
}

fn parsed(imported: Imported, language: UiLanguage) -> ParsedScript {
    ParsedScript {
        format: imported.format,
        script: imported.parsed.script,
        problems: Remark::all(&imported.parsed.problems, language),
    }
}
