//! A source becomes a package: claimed, written by FFmpeg, indexed, stored.
//!
//! A damaged source is tried a second time, passing over what cannot be read. If that fails too, or if
//! much is missing then, the package is given up for a while, everybody who listens to events hears of
//! it, and the original is played as it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use sori_contracts::{
    Cancel, Event, Fault, Kind, MediaFacts, MediaFault, MediaId, PackagingOrder, RenditionOrder,
};
use sori_db::now_ms;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Hls, HlsFault,
    growing::fragments_of,
    ladder::{Rung, Source, rungs},
    packages::{PackageId, StoredRendition},
    playlist::target_s,
};

/// How long a process that died keeps a package from others.
const LEASE: Duration = Duration::from_secs(12);
const RENEW_EVERY: Duration = Duration::from_secs(3);
const ATTEMPTS: u32 = 2;
/// Until a damaged source is looked at again.
const DAMAGED_FOR: Duration = Duration::from_secs(3_600);
/// Until something that may pass (no FFmpeg, no room, no file) is tried again.
const AWAY_FOR: Duration = Duration::from_secs(15);
/// What cannot be packaged today cannot be tomorrow either; a new version may.
const UNSUITABLE_FOR: Duration = Duration::from_secs(86_400);
/// Added to the source's own length: FFmpeg needs a twentieth of it.
const LEAST_TIMEOUT: Duration = Duration::from_secs(300);
/// A film is cut at its key frames, most of which are less than this apart.
const FILM_TARGET_S: u32 = 12;
const FILM_SEGMENT_S: u32 = 4;
/// Short, since whoever waits can begin with the first; the others are joined to segments.
const FRAGMENT_MS: u32 = 2_000;

pub(crate) const UNSUITABLE: &str = "FORMAT_NOT_PACKAGED";

/// How an attempt ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packaged {
    Ready,
    /// Somebody else is at it, or it was done already.
    Elsewhere,
}

impl Hls {
    /// Begins to package for somebody who waits, unless this process is at it.
    pub(crate) fn begin(&self, source: &Source) {
        let cancel = Cancel::new();
        {
            let mut under_way = self.under_way();
            if under_way.contains_key(&source.media_id) {
                return;
            }
            under_way.insert(source.media_id, cancel.clone());
        }
        let (hls, source) = (self.clone(), source.clone());
        tokio::spawn(async move {
            let _entry = UnderWay(&hls, source.media_id);
            let _permit = hls.0.live.acquire().await;
            if let Err(fault) = hls.package(&source, &cancel, Arc::new(|_| ())).await {
                tracing::warn!(content = %source.content_id, %fault, "a content could not be packaged");
            }
        });
    }

    /// All attempts. `report` is told the percentage.
    pub(crate) async fn package(
        &self,
        source: &Source,
        cancel: &Cancel,
        report: Arc<dyn Fn(u8) + Send + Sync>,
    ) -> Result<Packaged, HlsFault> {
        let plan = source.facts.as_ref().map(rungs).unwrap_or_default();
        for attempt in 1..=ATTEMPTS {
            let until_ms = after(LEASE);
            let target_s = initial_target_s(&plan, source.duration_ms);
            let Some(id) = self.0.packages.claim(source, &plan, target_s, until_ms).await? else {
                return Ok(Packaged::Elsewhere);
            };
            let percent = Arc::new(AtomicU8::new(0));
            let _renewing = self.keep_claimed(id, Arc::clone(&percent), cancel.clone());
            let progress = Progress { percent, report: Arc::clone(&report) };
            let made = self.attempt(source, id, attempt > 1, cancel, progress).await;
            if let Err(fault) = self.0.growing.remove(id).await {
                tracing::warn!(package = %id, %fault, "a folder of packaging stays until it is swept");
            }
            let fault = match made {
                Ok(()) => return Ok(Packaged::Ready),
                Err(fault) => fault,
            };
            self.discard(id).await?;
            if cancel.is_cancelled() {
                self.0.packages.give_back(id).await?;
                return Err(MediaFault::Cancelled.into());
            }
            if attempt < ATTEMPTS && is_worth_another_try(&fault) {
                tracing::warn!(content = %source.content_id, %fault, "packaged a second time, with patience for damage");
                self.0.packages.give_back(id).await?;
                continue;
            }
            let code = match &fault {
                HlsFault::NotPackaged { code, .. } => code,
                fault => fault.code(),
            };
            self.0.packages.fail(id, code, after(given_up_for(&fault))).await?;
            if !matches!(fault, HlsFault::NotPackaged { .. }) {
                self.0.announce.announce(Event::PackagingFailed {
                    content_id: source.content_id,
                    media_id: source.media_id,
                    error_code: fault.code().to_owned(),
                    error_message: fault.to_string(),
                    at_ms: now_ms(),
                });
            }
            return Err(fault);
        }
        Ok(Packaged::Elsewhere)
    }

    /// One attempt, which is ours under the lease of `id`.
    async fn attempt(
        &self,
        source: &Source,
        id: PackageId,
        is_tolerant: bool,
        cancel: &Cancel,
        progress: Progress,
    ) -> Result<(), HlsFault> {
        let (_, file) = self.0.files.open(source.media_id).await?;
        let facts = match &source.facts {
            Some(facts) => facts.clone(),
            None => {
                let packager = Arc::clone(&self.0.packager);
                let looked_at = file.try_clone().map_err(|e| MediaFault::from_io("reading a source", e))?;
                blocking(move || packager.inspect(&looked_at)).await?
            }
        };
        let plan = rungs(&facts);
        if plan.is_empty() {
            return Err(HlsFault::NotPackaged { content: source.content_id, code: UNSUITABLE.to_owned() });
        }
        let duration_ms = source.duration_ms.or(facts.duration_ms);
        let least_target_s = initial_target_s(&plan, duration_ms);
        if source.facts.is_none() {
            self.0.packages.set_plan(id, &plan, least_target_s).await?;
        }
        let folder = self.0.growing.folder_of(id);
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(|e| MediaFault::from_io("making a folder to package in", e))?;
        let order = PackagingOrder {
            source: file,
            renditions: plan.iter().map(|rung| self.ordered(id, rung)).collect(),
            fragment_ms: FRAGMENT_MS,
            is_tolerant,
            timeout: LEAST_TIMEOUT + Duration::from_millis(duration_ms.unwrap_or(0)),
        };
        let (packager, cancel) = (Arc::clone(&self.0.packager), cancel.clone());
        let total_ms = duration_ms.unwrap_or(0).max(1);
        blocking(move || {
            let mut last = 0;
            let mut done = |done_ms: u64| {
                // The last percent is for storing.
                let percent = u8::try_from(done_ms.saturating_mul(100) / total_ms).unwrap_or(99).min(99);
                if percent > last {
                    last = percent;
                    progress.is_at(percent);
                }
            };
            packager.package(&order, &mut done, &cancel)
        })
        .await?;
        let segment_s = least_s(&plan, least_target_s);
        let renditions = self.store(id, &plan, &facts, duration_ms, segment_s).await?;
        let target_s = target_s(renditions.iter().map(|rendition| &rendition.fragments), least_target_s);
        // Somebody else has it now: what was stored is thrown away.
        let is_ours = self.0.packages.finish(id, target_s).await?;
        if is_ours { Ok(()) } else { Err(MediaFault::Cancelled.into()) }
    }

    fn ordered(&self, id: PackageId, rung: &Rung) -> RenditionOrder {
        RenditionOrder {
            path: self.0.growing.path_of(id, &rung.name),
            has_picture: rung.has_picture,
            sound: rung.sound,
        }
    }

    /// The files move into the store, each with its index.
    async fn store(
        &self,
        id: PackageId,
        plan: &[Rung],
        facts: &MediaFacts,
        duration_ms: Option<u64>,
        segment_s: u32,
    ) -> Result<Vec<StoredRendition>, HlsFault> {
        let content_type = if facts.picture.is_some() { "video/mp4" } else { "audio/mp4" };
        let mut indexed = Vec::new();
        for rung in plan {
            let path = self.0.growing.path_of(id, &rung.name);
            let read = move || {
                fragments_of(&path, segment_s)
                    .map_err(|error| MediaFault::Ffmpeg(format!("unreadable MP4: {error}")))
            };
            let fragments = blocking(read).await?;
            let packaged_ms = (fragments.duration_s() * 1000.0) as u64;
            if fragments.segments.is_empty() || is_much_missing(packaged_ms, duration_ms) {
                let expected = duration_ms.unwrap_or(0);
                return Err(MediaFault::Ffmpeg(format!("{packaged_ms} of {expected} ms came out")).into());
            }
            let media_id = MediaId::generate();
            indexed.push(StoredRendition { name: rung.name.clone(), media_id, fragments });
        }
        self.0.packages.note(id, &indexed).await?;
        for rendition in &indexed {
            let path = self.0.growing.path_of(id, &rendition.name);
            self.0.media.put_file(rendition.media_id, content_type, &path).await?;
        }
        Ok(indexed)
    }

    fn keep_claimed(&self, id: PackageId, percent: Arc<AtomicU8>, cancel: Cancel) -> AbortOnDropHandle<()> {
        let packages = self.0.packages.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW_EVERY).await;
                match packages.renew(id, percent.load(Ordering::Relaxed), after(LEASE)).await {
                    Ok(true) => {}
                    // Removed, or taken over by a process that could not see this one live.
                    Ok(false) => return cancel.cancel(),
                    Err(error) => tracing::warn!(package = %id, %error, "a lease could not be renewed"),
                }
            }
        }))
    }
}

/// Takes a source off the list, however its task ends.
struct UnderWay<'a>(&'a Hls, MediaId);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way().remove(&self.1);
    }
}

struct Progress {
    /// For the row.
    percent: Arc<AtomicU8>,
    report: Arc<dyn Fn(u8) + Send + Sync>,
}

impl Progress {
    fn is_at(&self, percent: u8) {
        self.percent.store(percent, Ordering::Relaxed);
        (self.report)(percent);
    }
}

/// A playlist of many hours shall not become longer than its words are worth.
fn segment_s(duration_ms: Option<u64>) -> u32 {
    match duration_ms.unwrap_or(0) / 60_000 {
        ..=30 => 4,
        31..=120 => 6,
        _ => 10,
    }
}

fn initial_target_s(plan: &[Rung], duration_ms: Option<u64>) -> u32 {
    if plan.iter().any(|rung| rung.has_picture) { FILM_TARGET_S } else { segment_s(duration_ms) }
}

/// How long the segments of a package are at least, by its target.
pub(crate) fn least_s(plan: &[Rung], target_s: u32) -> u32 {
    if plan.iter().any(|rung| rung.has_picture) { FILM_SEGMENT_S } else { target_s }
}

/// A second of slack, since containers round, and a fiftieth, since some guess.
fn is_much_missing(packaged_ms: u64, expected_ms: Option<u64>) -> bool {
    expected_ms.is_some_and(|expected_ms| packaged_ms + 1_000 + expected_ms / 50 < expected_ms)
}

fn is_worth_another_try(fault: &HlsFault) -> bool {
    matches!(fault, HlsFault::Media(MediaFault::Ffmpeg(_) | MediaFault::Io { .. }))
}

fn given_up_for(fault: &HlsFault) -> Duration {
    match fault {
        HlsFault::NotPackaged { .. } => UNSUITABLE_FOR,
        HlsFault::Media(MediaFault::Ffmpeg(_)) => DAMAGED_FOR,
        fault if fault.kind() == Kind::NotFound => DAMAGED_FOR,
        _ => AWAY_FOR,
    }
}

fn after(time: Duration) -> i64 {
    now_ms() + i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaFault> + Send + 'static,
) -> Result<T, MediaFault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| {
        Err(MediaFault::Io { doing: "packaging", source: std::io::Error::other(panic) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_contents_have_long_segments() {
        let minutes = |minutes: u64| segment_s(Some(minutes * 60_000));
        assert_eq!([minutes(0), minutes(30), minutes(31), minutes(121)], [4, 4, 6, 10]);
        assert_eq!(segment_s(None), 4);
    }

    #[test]
    fn what_containers_round_is_not_missing() {
        assert!(!is_much_missing(600_043, Some(600_000)));
        assert!(!is_much_missing(0, Some(900)));
        assert!(!is_much_missing(590_000, Some(600_000)));
        assert!(is_much_missing(300_000, Some(600_000)));
        assert!(!is_much_missing(300_000, None));
    }
}
