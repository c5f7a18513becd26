//! Positions: saved by whichever device is listened on, kept by the [rule](crate::rule).

mod log;
mod replay;
mod store;

use serde::Serialize;
use serde_json::Value;
use sori_contracts::{AccountId, Caller, ContentId, Member};
use sori_db::now_ms;

pub(crate) use log::{LogEntry, Undo};
pub(crate) use replay::{Replay, ReplayAnswer};

use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    devices::NowPlaying,
    rule::{Base, Reason, Update, Verdict, When},
    sync::{Envelope, Push},
};

/// Where an account is in a content.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Progress {
    pub(crate) content_id: ContentId,
    #[schema(example = 1_234_500)]
    pub(crate) position_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    /// 0 to 100; `null` while the duration is unknown.
    #[schema(example = 17)]
    pub(crate) progress_percent: Option<u8>,
    /// Grows with each change. Name it as `base_version` of the next update.
    pub(crate) version: i64,
    /// On which device that was.
    pub(crate) device_id: String,
    /// When it was listened to, by the server's clock.
    pub(crate) heard_at_ms: i64,
    pub(crate) updated_at_ms: i64,
}

/// What a device says.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) content: ContentId,
    pub(crate) position_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) device: DeviceId,
    pub(crate) client_time_ms: Option<i64>,
    pub(crate) base_version: Option<i64>,
    pub(crate) sought: bool,
    pub(crate) playing: Option<bool>,
    pub(crate) speed: Option<f64>,
}

/// What became of a report, and what stands now.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) lost: Option<Reason>,
    pub(crate) progress: Progress,
}

impl Outcome {
    /// The loser is told what stands, as `write` writes it.
    pub(crate) fn or_conflict(
        self,
        write: impl FnOnce(&Progress) -> Value,
    ) -> Result<Progress, ListeningFault> {
        match self.lost {
            None => Ok(self.progress),
            Some(reason) => {
                Err(ListeningFault::Lost { reason: reason.as_str(), standing: write(&self.progress) })
            }
        }
    }
}

#[must_use]
pub(crate) fn percent(position_ms: u64, duration_ms: Option<u64>) -> Option<u8> {
    let duration = duration_ms.filter(|duration| *duration > 0)? as f64;
    Some((position_ms as f64 / duration * 100.0).round().min(100.0) as u8)
}

impl Listening {
    /// Saves a position, if the rule lets it, and tells the other devices at once.
    pub(crate) async fn save(&self, member: Member, report: Report) -> Result<Outcome, ListeningFault> {
        let content = self.0.contents.content(&Caller::Account(member), report.content).await?;
        let account = member.account;
        let received_at_ms = now_ms();
        let duration_ms = content.duration_ms.or(report.duration_ms);
        let position_ms = report.position_ms.min(duration_ms.unwrap_or(u64::MAX));
        let mut tx = self.0.db.begin().await?;
        let standing = store::take(&mut tx, account, report.content).await?;
        let base = match report.base_version {
            Some(version) => Base::Version(version),
            None => store::told(&mut tx, account, report.content, &report.device).await?,
        };
        let update = Update {
            position_ms,
            duration_ms,
            device: report.device.to_string(),
            base,
            when: When::Now { device_time_ms: report.client_time_ms },
            sought: report.sought,
        };
        let entry = store::Entry {
            account,
            content: report.content,
            update: &update,
            received_at_ms,
            entry_id: None,
        };
        let applied = store::apply(&mut tx, &standing, &entry).await?;
        // A client that names no version has not read what it lost against.
        let told = match (applied.verdict, base) {
            (Verdict::Loses(_), Base::Unsaid { told, .. }) => told.unwrap_or(0),
            _ => applied.progress.version,
        };
        store::tell(&mut tx, &entry, told).await?;
        let playing = NowPlaying {
            content: report.content,
            position_ms,
            playing: report.playing.unwrap_or(true),
            speed: report.speed,
        };
        let device =
            crate::devices::heard_from(&mut tx, account, &report.device, Some(&playing), received_at_ms)
                .await?;
        let mut news = Vec::new();
        if let Verdict::Wins(_) = applied.verdict {
            news.push(Push::Progress { progress: applied.progress.clone() });
        }
        if let Some(device) = device {
            news.push(Push::Device { device });
        }
        let news = news.into_iter().map(|push| Envelope::but(account, &report.device, &push)).collect();
        self.0.sync.commit(tx, news).await?;
        Ok(Outcome { lost: applied.lost(), progress: applied.progress })
    }

    /// Where the account is; `device` is told, and may build on it without naming the version.
    pub(crate) async fn progress_for(
        &self,
        member: Member,
        content: ContentId,
        device: &DeviceId,
    ) -> Result<Progress, ListeningFault> {
        self.0.contents.content(&Caller::Account(member), content).await?;
        let progress = self.progress_of(member.account, content).await?;
        store::told_by_asking(&self.0.db, member.account, &progress, device).await?;
        Ok(progress)
    }

    pub(crate) async fn progress_of(
        &self,
        account: AccountId,
        content: ContentId,
    ) -> Result<Progress, ListeningFault> {
        let found = store::find(&self.0.db, account, content).await?;
        found.ok_or(ListeningFault::NoProgress(content))
    }

    /// What the account has begun, the last heard first.
    pub(crate) async fn recent(
        &self,
        account: AccountId,
        before: Option<(i64, ContentId)>,
        limit: u32,
    ) -> Result<Vec<Progress>, ListeningFault> {
        Ok(store::recent(&self.0.db, account, before, limit).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percent_is_of_the_whole() {
        assert_eq!(percent(1_234_500, Some(7_200_000)), Some(17));
        assert_eq!(percent(9, Some(3)), Some(100));
        assert_eq!(percent(0, Some(3)), Some(0));
        assert_eq!(percent(5, None), None);
        assert_eq!(percent(5, Some(0)), None);
    }
}
