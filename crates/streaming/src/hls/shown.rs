//! What a package shows of itself now, whether it is ready or grows; and waiting for it to begin.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use sori_contracts::{Content, ContentId, MediaId};
use sori_db::now_ms;
use tokio::time::Instant;

use super::{
    Hls, HlsFault,
    index::Fragments,
    ladder::{Source, rungs},
    packages::{PackageId, PackageRow, State},
    packing::{UNSUITABLE, least_s},
    playlist::Progress,
};

/// A listener who waits longer for the first segments is told to come back.
const PATIENCE: Duration = Duration::from_secs(20);
/// FFmpeg needs some 150 ms to the first segment; who waits longer looks less often.
const LOOK_EVERY: Duration = Duration::from_millis(15);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: PackageId,
    pub(crate) content_id: ContentId,
    pub(crate) target_s: u32,
    /// How long its segments are at least.
    pub(crate) least_s: u32,
    pub(crate) progress: Progress,
    /// The one to begin with first.
    pub(crate) renditions: Vec<ShownRendition>,
}

#[derive(Clone, Debug)]
pub(crate) struct ShownRendition {
    pub(crate) name: String,
    pub(crate) expected_bps: u64,
    pub(crate) fragments: Fragments,
    /// The finished object; a growing file has none.
    pub(crate) media: Option<MediaId>,
}

/// One rendition, for a listener's choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Quality {
    #[schema(example = "64k")]
    pub name: String,
    /// Bits a second.
    #[schema(example = 64_000)]
    pub bitrate: u64,
    #[schema(example = "aac")]
    pub codec: String,
    /// Its media playlist.
    pub path: String,
}

impl Shown {
    pub(crate) fn rendition(&self, name: &str) -> Option<&ShownRendition> {
        self.renditions.iter().find(|rendition| rendition.name == name)
    }

    pub(crate) fn duration_s(&self) -> f64 {
        self.renditions.first().map_or(0.0, |rendition| rendition.fragments.duration_s())
    }
}

impl Hls {
    /// The package of a source as soon as something of it can be played; begins it if nobody has.
    pub(crate) async fn playable(&self, source: &Source) -> Result<Arc<Shown>, HlsFault> {
        let began = Instant::now();
        loop {
            let row = self.0.packages.of_source(source.media_id).await?;
            match row.as_ref().filter(|row| !row.is_over(now_ms())) {
                Some(PackageRow { state: State::Failed { code }, .. }) => {
                    return Err(HlsFault::NotPackaged { content: source.content_id, code: code.clone() });
                }
                Some(row @ PackageRow { state: State::Ready | State::Packaging, .. }) => {
                    if let Some(shown) = self.shown(row).await? {
                        return Ok(shown);
                    }
                }
                Some(PackageRow { state: State::Queued, .. }) | None => self.begin(source),
            }
            let waited = began.elapsed();
            if waited > PATIENCE {
                return Err(HlsFault::Preparing(source.content_id));
            }
            tokio::time::sleep((waited / 10).clamp(LOOK_EVERY, LOOK_AT_LEAST_EVERY)).await;
        }
    }

    /// `None`: there is no such package, or nothing of it can be played yet.
    pub(crate) async fn package_shown(&self, id: PackageId) -> Result<Option<Arc<Shown>>, HlsFault> {
        if let Some(shown) = self.0.ready.get(&id) {
            return Ok(Some(shown));
        }
        match self.0.packages.get(id).await? {
            Some(row) => self.shown(&row).await,
            None => Ok(None),
        }
    }

    async fn shown(&self, row: &PackageRow) -> Result<Option<Arc<Shown>>, HlsFault> {
        match row.state {
            State::Ready => self.complete(row).await.map(Some),
            State::Packaging => Ok(self.growing(row).await?.map(Arc::new)),
            State::Queued | State::Failed { .. } => Ok(None),
        }
    }

    async fn complete(&self, row: &PackageRow) -> Result<Arc<Shown>, HlsFault> {
        if let Some(shown) = self.0.ready.get(&row.id) {
            return Ok(shown);
        }
        let mut stored = self.0.packages.renditions(row.id).await?;
        let renditions = row.plan.iter().filter_map(|rung| {
            let at = stored.iter().position(|rendition| rendition.name == rung.name)?;
            let rendition = stored.swap_remove(at);
            Some(ShownRendition {
                name: rendition.name,
                expected_bps: rung.expected_bps,
                fragments: rendition.fragments,
                media: Some(rendition.media_id),
            })
        });
        let shown = Arc::new(Shown {
            id: row.id,
            content_id: row.content_id,
            target_s: row.target_s,
            least_s: least_s(&row.plan, row.target_s),
            progress: Progress::Complete,
            renditions: renditions.collect(),
        });
        self.0.ready.insert(row.id, Arc::clone(&shown));
        Ok(shown)
    }

    /// Shown when every rendition has a segment: their codecs stand in the multivariant playlist.
    async fn growing(&self, row: &PackageRow) -> Result<Option<Shown>, HlsFault> {
        let mut renditions = Vec::new();
        let least_s = least_s(&row.plan, row.target_s);
        for rung in &row.plan {
            let (fragments, _) = self.0.growing.look(row.id, &rung.name, least_s).await?;
            if fragments.segments.is_empty() {
                return Ok(None);
            }
            renditions.push(ShownRendition {
                name: rung.name.clone(),
                expected_bps: rung.expected_bps,
                fragments,
                media: None,
            });
        }
        Ok((!renditions.is_empty()).then_some(Shown {
            id: row.id,
            content_id: row.content_id,
            target_s: row.target_s,
            least_s,
            progress: Progress::Growing,
            renditions,
        }))
    }

    /// The qualities that a content has, or will have as soon as somebody listens. Those of a file that
    /// has to be looked into first are known after that.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn qualities(&self, content: &Content) -> Result<Vec<Quality>, HlsFault> {
        let Some(source) = Source::of(content) else { return Ok(Vec::new()) };
        let row = self.0.packages.of_source(source.media_id).await?;
        let plan = match row {
            Some(PackageRow { state: State::Failed { code }, .. }) if code == UNSUITABLE => Vec::new(),
            Some(row) if !row.plan.is_empty() => row.plan,
            _ => source.facts.as_ref().map(rungs).unwrap_or_default(),
        };
        let codec = |has_picture: bool| if has_picture { "h264" } else { "aac" }.to_owned();
        let quality = |rung: super::ladder::Rung| Quality {
            path: format!("/api/stream/{}/hls/{}.m3u8", content.id, rung.name),
            bitrate: rung.expected_bps,
            codec: codec(rung.has_picture),
            name: rung.name,
        };
        Ok(plan.into_iter().map(quality).collect())
    }
}
