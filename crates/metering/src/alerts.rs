//! Alerts: what was counted is looked at every few seconds, and who should know is told of changes.

pub mod rule;
mod rules;
mod store;
mod webhook;

use serde::{Deserialize, Serialize};
use sori_contracts::{NewJob, Priority, UiLanguage};
use sori_db::Tx;
use uuid::Uuid;

pub use rule::{Change, Phase, Severity};
pub(crate) use rules::{Alert, Facts};
pub(crate) use store::{AlertRow, ChangeRow, changes, standing};
pub use webhook::{NOTIFY_ALERT, NotifyAlert, signature};

use crate::{Metering, MeteringFault, Reading};

/// What is told of a change: the payload of the job, and the data of the message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same at each try, so that a receiver may drop what it has.
    pub id: Uuid,
    pub alert: String,
    pub severity: Severity,
    pub change: Change,
    pub summary: String,
    pub measure: Option<f64>,
    pub threshold: f64,
    pub detail: Option<String>,
    pub at_ms: i64,
}

impl Metering {
    /// Tells the database what this process counted, and looks at all alerts if it is its turn. Answers what
    /// changed.
    ///
    /// # Errors
    /// When the database cannot be reached; what was counted is told the next time.
    pub async fn look(&self) -> Result<Vec<Notice>, MeteringFault> {
        let reading = self.read().await;
        let now_ms = self.0.parts.clock.now_ms();
        self.tell(now_ms).await?;
        let mut tx = self.0.parts.db.begin().await?;
        let mut notices = Vec::new();
        if store::take_turn(&mut tx, now_ms).await? {
            let facts = store::facts(&mut tx, now_ms, slots_percent(&reading)).await?;
            for alert in Alert::ALL {
                notices.extend(self.look_at(&mut tx, alert, &facts, now_ms).await?);
            }
            store::sweep(&mut tx, now_ms).await?;
        }
        tx.commit().await?;
        notices.iter().for_each(log);
        for row in standing(&self.0.parts.db).await? {
            if let (Some(alert), Some(phase)) = (Alert::parse(&row.name), Phase::parse(&row.phase)) {
                self.0.parts.metrics.set_alert(alert.name(), alert.severity().as_str(), phase.is_firing());
            }
        }
        Ok(notices)
    }

    async fn tell(&self, now_ms: i64) -> Result<(), MeteringFault> {
        let heard = self.0.parts.metrics.heard();
        let news = heard.news();
        if news == crate::metrics::News::default() {
            return Ok(());
        }
        let mut tx = self.0.parts.db.begin().await?;
        store::tell(&mut tx, self.0.node, &news, now_ms).await?;
        tx.commit().await?;
        heard.tell(&news);
        Ok(())
    }

    async fn look_at(
        &self,
        tx: &mut Tx,
        alert: Alert,
        facts: &Facts,
        now_ms: i64,
    ) -> Result<Option<Notice>, MeteringFault> {
        let settings = &self.0.parts.alert_settings;
        let rule = alert.rule(settings);
        let measure = alert.measure(facts);
        let (state, change) = rule.step(store::state(tx, alert).await?, measure, now_ms);
        let detail = store::detail(tx, alert, now_ms).await?;
        store::save(tx, alert, state, change, measure, detail.as_deref(), now_ms).await?;
        let Some(change) = change else { return Ok(None) };
        let notice = Notice {
            id: Uuid::now_v7(),
            alert: alert.name().to_owned(),
            severity: alert.severity(),
            change,
            summary: alert.summary(UiLanguage::En).to_owned(),
            measure,
            threshold: rule.fires.number(),
            detail,
            at_ms: now_ms,
        };
        store::note(tx, &notice).await?;
        if settings.webhook_url.is_some() {
            self.order_webhook(tx, &notice).await?;
        }
        Ok(Some(notice))
    }

    /// In the transaction of the change: it is told when, and only when, it happened.
    async fn order_webhook(&self, tx: &mut Tx, notice: &Notice) -> Result<(), MeteringFault> {
        let job = NewJob {
            id: None,
            kind: NOTIFY_ALERT,
            payload: serde_json::to_value(notice).map_err(MeteringFault::Order)?,
            priority: Priority::High,
            script_id: None,
            owner: None,
        };
        self.0.parts.queue.enqueue(tx, job).await?;
        Ok(())
    }
}

/// Of the kind that is fullest; kinds without a limit have no share.
fn slots_percent(reading: &Reading) -> Option<f64> {
    let limited = reading.slots.iter().filter(|slots| slots.most > 0);
    limited.map(|slots| slots.taken as f64 / slots.most as f64 * 100.0).reduce(f64::max)
}

fn log(notice: &Notice) {
    let Notice { alert, severity, change, summary, measure, threshold, detail, .. } = notice;
    let (severity, state, detail) = (severity.as_str(), change.as_str(), detail.as_deref());
    match (change, notice.severity) {
        (Change::Firing, Severity::P0 | Severity::P1) => {
            tracing::error!(alert, severity, state, measure, threshold, detail, "alert: {summary}");
        }
        (Change::Firing, Severity::P2) => {
            tracing::warn!(alert, severity, state, measure, threshold, detail, "alert: {summary}");
        }
        (Change::Resolved, _) => {
            tracing::info!(alert, severity, state, measure, threshold, detail, "alert is over: {summary}");
        }
    }
}
