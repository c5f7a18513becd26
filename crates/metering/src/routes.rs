//! `/metrics` for Prometheus, and the alerts for admins.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sori_contracts::{Caller, Role, Scope, UiLanguage};
use sori_http::{AccessFault, Json, Page, PageQuery, Problem, ProblemBody, Query, Sender, Ui, Who};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Metering, MeteringFault,
    alerts::{Alert, AlertRow, Change, ChangeRow, Phase, Severity, changes, standing},
};

/// Of the text format (Prometheus, "Exposition formats").
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A proxy on this machine asks for somebody else.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

impl Metering {
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(get_metrics)).routes(routes!(get_alerts)).with_state(self.clone())
    }

    fn may_read(&self, caller: &Caller, sender: Sender, headers: &HeaderMap) -> Result<(), AccessFault> {
        let is_admin = caller
            .member()
            .is_some_and(|member| member.role >= Role::Admin && member.scopes.has(Scope::Admin));
        let is_near = sender.0.is_some_and(|address| address.to_canonical().is_loopback())
            && !FORWARDED.iter().any(|name| headers.contains_key(*name));
        if self.0.parts.metrics_settings.open || is_admin || is_near {
            return Ok(());
        }
        Err(if caller.member().is_some() { AccessFault::Forbidden } else { AccessFault::InvalidToken })
    }
}

/// The numbers of this server, for Prometheus
///
/// Open to programs on the same machine and to admins (an API key with the scope `admin`), and to everybody when
/// `metrics.open` says so.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "server", security(()),
    responses(
        (status = 200, description = "Prometheus' text format", content_type = "text/plain", body = String),
        (status = 401, description = "`AUTH_INVALID_TOKEN`: neither near nor known", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: not an admin", body = ProblemBody),
    ))]
async fn get_metrics(
    State(metering): State<Metering>,
    Who(caller): Who,
    sender: Sender,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    metering.may_read(&caller, sender, &headers)?;
    metering.read().await;
    let text = metering.0.parts.metrics.text().map_err(MeteringFault::Text)?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], text).into_response())
}

/// An alert as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AlertView {
    #[schema(example = "stream_slots_filling")]
    name: &'static str,
    severity: Severity,
    /// `calming` fires still.
    phase: Phase,
    since_ms: Option<i64>,
    summary: &'static str,
    /// What was measured last; `null` when too little happened to tell.
    measure: Option<f64>,
    threshold: f64,
    /// Which files, for those about files.
    detail: Option<String>,
    fired_at_ms: Option<i64>,
    resolved_at_ms: Option<i64>,
    looked_at_ms: Option<i64>,
}

/// Something that was told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AlertChange {
    id: Uuid,
    name: String,
    severity: Option<Severity>,
    change: Change,
    summary: Option<&'static str>,
    measure: Option<f64>,
    detail: Option<String>,
    at_ms: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Alerts {
    /// All that there are, the gravest first.
    alerts: Vec<AlertView>,
    /// What was told, the newest first.
    changes: Page<AlertChange>,
}

/// Alerts: how they stand, and what was told
#[utoipa::path(get, path = "/api/admin/alerts", operation_id = "get_alerts", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(PageQuery),
    responses((status = 200, description = "The alerts", body = Alerts)))]
async fn get_alerts(
    State(metering): State<Metering>,
    Ui(language): Ui,
    Query(page): Query<PageQuery>,
) -> Result<Json<Alerts>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<Uuid>()?);
    let db = &metering.0.parts.db;
    let rows = standing(db).await?;
    let told = changes(db, after, limit + 1).await?;
    let alerts = Alert::ALL.map(|alert| {
        let row = rows.iter().find(|row| row.name == alert.name());
        metering.view(alert, row, language)
    });
    let changes = told.into_iter().map(|row| change(row, language)).collect();
    let changes = Page::cut(changes, limit, |change: &AlertChange| change.id.to_string());
    Ok(Json(Alerts { alerts: alerts.into(), changes }))
}

impl Metering {
    fn view(&self, alert: Alert, row: Option<&AlertRow>, language: UiLanguage) -> AlertView {
        AlertView {
            name: alert.name(),
            severity: alert.severity(),
            phase: row.and_then(|row| Phase::parse(&row.phase)).unwrap_or_default(),
            since_ms: row.map(|row| row.since_ms),
            summary: alert.summary(language),
            measure: row.and_then(|row| row.measure),
            threshold: alert.rule(&self.0.parts.alert_settings).fires.number(),
            detail: row.and_then(|row| row.detail.clone()),
            fired_at_ms: row.and_then(|row| row.fired_at_ms),
            resolved_at_ms: row.and_then(|row| row.resolved_at_ms),
            looked_at_ms: row.map(|row| row.looked_at_ms),
        }
    }
}

fn change(row: ChangeRow, language: UiLanguage) -> AlertChange {
    let alert = Alert::parse(&row.name);
    AlertChange {
        id: row.id,
        severity: alert.map(Alert::severity),
        change: if row.change == Change::Firing.as_str() { Change::Firing } else { Change::Resolved },
        summary: alert.map(|alert| alert.summary(language)),
        name: row.name,
        measure: row.measure,
        detail: row.detail,
        at_ms: row.at_ms,
    }
}
