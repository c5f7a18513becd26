//! What was heard without a connection, told afterwards. Telling it twice is telling it once.

use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, Caller, ContentId, Kind, Member};
use sori_db::{Tx, now_ms};
use uuid::Uuid;

use super::{Progress, store};
use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    routes::{input, time::ClientTime},
    rule::{Base, Update, Verdict, When},
    sync::{Envelope, Push},
};

pub(crate) const MOST_ENTRIES: usize = 200;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct Replay {
    /// The player; the sign-in when left out.
    pub(crate) device_id: Option<String>,
    /// The device's clock at the moment of sending. What was heard is placed by how long before that
    /// it was, so the clock may be wrong.
    pub(crate) sent_at: ClientTime,
    /// At most 200.
    pub(crate) entries: Vec<ReplayEntry>,
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct ReplayEntry {
    /// Made by the device; an entry whose id has come before is not counted again.
    pub(crate) id: Uuid,
    pub(crate) content_id: ContentId,
    #[schema(example = 1_234_500)]
    pub(crate) position_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    /// When that was, by the device's clock.
    pub(crate) client_time: ClientTime,
    /// The version that the device knew.
    pub(crate) base_version: Option<i64>,
    /// The listener went there on purpose.
    #[serde(default)]
    pub(crate) seek: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayAnswer {
    /// In the order of the entries.
    pub(crate) entries: Vec<Replayed>,
    /// What stands now in each content that was named and exists.
    pub(crate) progress: Vec<Progress>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Replayed {
    pub(crate) id: Uuid,
    /// `accepted`, `lost` (newer listening stands), `known` (it came before) or `not_found`.
    pub(crate) outcome: &'static str,
}

impl Listening {
    /// All of it or nothing.
    pub(crate) async fn replay(
        &self,
        member: Member,
        replay: &Replay,
    ) -> Result<ReplayAnswer, ListeningFault> {
        if replay.entries.len() > MOST_ENTRIES {
            return Err(input::refused(
                "entries",
                format!("At most {MOST_ENTRIES} entries."),
                format!("항목은 최대 {MOST_ENTRIES}개입니다."),
            )
            .into());
        }
        let device = DeviceId::given_or_of(replay.device_id.as_deref(), &member)?;
        let durations = self.durations(member, &replay.entries).await?;
        // Rows are locked in one order, or two replays could wait for each other.
        let mut order: Vec<usize> = (0..replay.entries.len()).collect();
        order.sort_by_key(|&index| {
            let entry = &replay.entries[index];
            (entry.content_id, entry.client_time.ms(), index)
        });
        let mut answers: Vec<Replayed> =
            replay.entries.iter().map(|entry| Replayed { id: entry.id, outcome: "not_found" }).collect();
        let mut standing: Vec<Progress> = Vec::new();
        let mut news = Vec::new();
        let received_at_ms = now_ms();
        let mut tx = self.0.db.begin().await?;
        for index in order {
            let entry = &replay.entries[index];
            let Some((_, duration_ms)) = durations.iter().find(|(id, _)| *id == entry.content_id) else {
                continue;
            };
            let update = update_of(entry, *duration_ms, &device, replay.sent_at, received_at_ms)?;
            let entry = store::Entry {
                account: member.account,
                content: entry.content_id,
                update: &update,
                received_at_ms,
                entry_id: Some(entry.id),
            };
            let (outcome, progress) = put(&mut tx, &entry).await?;
            answers[index].outcome = outcome;
            match standing.last_mut().filter(|last| last.content_id == progress.content_id) {
                Some(last) => *last = progress,
                None => standing.push(progress),
            }
            if outcome == "accepted" {
                news.push(entry.content);
            }
        }
        crate::devices::heard_from(&mut tx, member.account, &device, None, received_at_ms).await?;
        let news = standing
            .iter()
            .filter(|progress| news.contains(&progress.content_id))
            .map(|progress| {
                Envelope::but(member.account, &device, &Push::Progress { progress: progress.clone() })
            })
            .collect();
        self.0.sync.commit(tx, news).await?;
        standing.retain(|progress| progress.version > 0);
        Ok(ReplayAnswer { entries: answers, progress: standing })
    }

    /// Those of the contents that exist for the caller, with how long they are.
    async fn durations(
        &self,
        member: Member,
        entries: &[ReplayEntry],
    ) -> Result<Vec<(ContentId, Option<u64>)>, ListeningFault> {
        let mut ids: Vec<ContentId> = entries.iter().map(|entry| entry.content_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.0.contents.content(&Caller::Account(member), id).await {
                Ok(content) => found.push((id, content.duration_ms)),
                Err(fault) if fault.kind() == Kind::NotFound => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(found)
    }
}

fn update_of(
    entry: &ReplayEntry,
    duration_ms: Option<u64>,
    device: &DeviceId,
    sent_at: ClientTime,
    received_at_ms: i64,
) -> Result<Update, ListeningFault> {
    let duration_ms = duration_ms.or(entry.duration_ms.map(input::position).transpose()?);
    let ago_ms = sent_at.ms().saturating_sub(entry.client_time.ms()).max(0);
    Ok(Update {
        position_ms: input::position(entry.position_ms)?.min(duration_ms.unwrap_or(u64::MAX)),
        duration_ms,
        device: device.to_string(),
        base: entry.base_version.map_or(Base::Unsaid { told: None, last_position_ms: None }, Base::Version),
        when: When::Earlier {
            device_time_ms: entry.client_time.ms(),
            heard_at_ms: received_at_ms.saturating_sub(ago_ms),
        },
        sought: entry.seek,
    })
}

/// What became of an entry, and what stands after it.
async fn put(tx: &mut Tx, entry: &store::Entry<'_>) -> Result<(&'static str, Progress), ListeningFault> {
    let row = store::take(tx, entry.account, entry.content).await?;
    if is_known(tx, entry.account, entry).await? {
        return Ok(("known", row.progress()));
    }
    let applied = store::apply(tx, &row, entry).await?;
    let outcome = match applied.verdict {
        Verdict::Wins(_) => "accepted",
        Verdict::Loses(_) => "lost",
        Verdict::Known => "known",
    };
    Ok((outcome, applied.progress))
}

async fn is_known(tx: &mut Tx, account: AccountId, entry: &store::Entry<'_>) -> Result<bool, ListeningFault> {
    let known: Option<(i64,)> = tx
        .query("SELECT number FROM listening_log WHERE account_id = $1 AND entry_id = $2")
        .bind(account)
        .bind(entry.entry_id)
        .fetch_optional()
        .await?;
    Ok(known.is_some())
}
