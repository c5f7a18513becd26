//! `/v1/scripts/{id}/export`

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sori_contracts::ScriptId;
use sori_http::{Path, Problem, ProblemBody, Query, Who, attachment};
use sori_script::Format;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Catalog, import};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new().routes(routes!(export_script))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// `json`, `text`, `fountain`, `srt`, `vtt` or `ass`.
    #[param(example = "fountain")]
    format: String,
}

/// A script as a file
///
/// What can be imported can be exported, and reads back as the same lines. Subtitles have the times
/// of the rendering, or those of the timed file that the script came from.
#[utoipa::path(get, path = "/v1/scripts/{id}/export", operation_id = "export_script", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script"), ExportQuery),
    responses(
        (status = 200, description = "The file", content_type = "text/plain", body = String),
        (status = 400, description = "`FIELD_INVALID`: not a format", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`SCRIPT_NOT_TIMED`: subtitles of lines without times", body = ProblemBody),
    ))]
async fn export_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let format = import::format(&query.format)?;
    let export = catalog.export_script(&caller, id, format).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(format))),
        (header::CONTENT_DISPOSITION, attachment(&export.title, format.extension())),
    ];
    Ok((headers, export.text).into_response())
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Vtt => "text/vtt; charset=utf-8",
        Format::Srt => "application/x-subrip; charset=utf-8",
        Format::Text | Format::Fountain | Format::Ass => "text/plain; charset=utf-8",
    }
}
