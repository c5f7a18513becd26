//! Step one of a render: every line spoken or taken from the cache, over all cores.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use sori_contracts::{Cancel, Progress, ProgressReport};
use sori_text::Lexicon;

use crate::{
    cast::{self, CastLine},
    engine::{LineRequest, Reading},
    engines::Engines,
    fault::{BadLine, RenderFault},
    line_cache::{LineCache, LineKey, LineShape},
};

/// A line with its place in the cache. The samples stay on disk until they are mixed, so that
/// memory does not grow with the script.
#[derive(Clone, Debug)]
pub struct VoicedLine {
    pub key: LineKey,
    pub shape: LineShape,
    /// It was in the cache before this render.
    pub was_cached: bool,
}

pub struct Voicing<'a> {
    pub engines: &'a Engines,
    pub cache: &'a LineCache,
    pub lexicon: &'a Lexicon,
    pub seed: u64,
    pub lanes: usize,
    pub progress: &'a dyn ProgressReport,
    pub cancel: &'a Cancel,
}

/// Lines that sound the same are spoken once.
struct Order<'a> {
    key: LineKey,
    line: &'a CastLine<'a>,
    /// Kept from the check of all lines until this one is spoken.
    reading: OnceLock<Reading>,
}

/// A reading is some ten times as large as its text. Beyond this much text (an hour of speech) lines
/// are read again when they are spoken, so that memory does not grow with the script.
const MAX_KEPT_TEXT_BYTES: usize = 64 << 10;

impl Voicing<'_> {
    /// Speaks what the cache does not hold. The answer has the order of `lines`.
    pub fn voice(&self, lines: &[CastLine<'_>]) -> Result<Vec<VoicedLine>, RenderFault> {
        self.report("reading", lines.len(), 0, 0);
        let keys = self.keys(lines)?;
        let mut shapes: HashMap<LineKey, LineShape> = HashMap::new();
        let mut orders: Vec<Order<'_>> = Vec::new();
        let mut ordered = HashSet::new();
        for (line, key) in lines.iter().zip(&keys) {
            if shapes.contains_key(key) || ordered.contains(key) {
                continue;
            }
            match self.cache.shape(key) {
                Some(shape) => {
                    shapes.insert(key.clone(), shape);
                }
                None => {
                    ordered.insert(key.clone());
                    orders.push(Order { key: key.clone(), line, reading: OnceLock::new() });
                }
            }
        }
        self.read(&orders)?;
        shapes.extend(self.speak(orders, lines.len(), lines.len() - count(&keys, &ordered))?);
        Ok(keys
            .into_iter()
            .map(|key| VoicedLine { shape: shapes[&key].clone(), was_cached: !ordered.contains(&key), key })
            .collect())
    }

    fn request<'b>(&'b self, line: &'b CastLine<'_>, lanes: usize) -> LineRequest<'b> {
        LineRequest {
            voice: &line.voice,
            text: &line.line.text,
            speed: line.speed,
            seed: self.seed,
            lexicon: self.lexicon,
            lanes,
        }
    }

    fn keys(&self, lines: &[CastLine<'_>]) -> Result<Vec<LineKey>, RenderFault> {
        let mut versions = HashMap::new();
        let mut bad = Vec::new();
        let mut keys = Vec::with_capacity(lines.len());
        for line in lines {
            let engine = match self.engines.for_voice(&line.voice) {
                Ok(engine) => engine,
                Err(error) => {
                    bad.push(BadLine::of(line.item, line.line, error));
                    continue;
                }
            };
            let version = match versions.get(&line.voice) {
                Some(version) => version,
                None => match engine.version(&line.voice) {
                    Ok(version) => versions.entry(line.voice.clone()).or_insert(version),
                    Err(error) => {
                        bad.push(BadLine::of(line.item, line.line, error));
                        continue;
                    }
                },
            };
            let can = engine.capabilities();
            keys.push(LineKey::of(&self.request(line, 1), can.id, version, can.sample_rate_hz));
        }
        if bad.is_empty() { Ok(keys) } else { Err(RenderFault::BadLines(bad)) }
    }

    /// Names every line that cannot be spoken before the first one costs time.
    fn read(&self, orders: &[Order<'_>]) -> Result<(), RenderFault> {
        let bad = Mutex::new(Vec::new());
        let kept_bytes = AtomicUsize::new(0);
        self.each(orders, |_, order| {
            match cast::read(self.engines, &self.request(order.line, 1)) {
                Ok(reading) => {
                    let bytes = order.line.line.text.len();
                    if kept_bytes.fetch_add(bytes, Ordering::Relaxed) <= MAX_KEPT_TEXT_BYTES {
                        order.reading.get_or_init(|| reading);
                    }
                }
                Err(error) => {
                    let bad_line = BadLine::of(order.line.item, order.line.line, error);
                    bad.lock().unwrap_or_else(PoisonError::into_inner).push(bad_line);
                }
            }
            Ok(())
        })?;
        let mut bad = bad.into_inner().unwrap_or_else(PoisonError::into_inner);
        bad.sort_by_key(|line| line.number);
        if bad.is_empty() { Ok(()) } else { Err(RenderFault::BadLines(bad)) }
    }

    /// Long lines first: then no core is left alone with a long one at the end.
    fn speak(
        &self,
        mut orders: Vec<Order<'_>>,
        total: usize,
        cached: usize,
    ) -> Result<Vec<(LineKey, LineShape)>, RenderFault> {
        orders.sort_by_key(|order| std::cmp::Reverse(order.line.line.text.len()));
        let lanes_each = (self.lanes / orders.len().max(1)).max(1);
        let done = AtomicUsize::new(0);
        let spoken = Mutex::new(Vec::with_capacity(orders.len()));
        self.report("voicing", total, cached, cached);
        self.each(&orders, |_, order| {
            let engine = self.engines.for_voice(&order.line.voice)?;
            let request = self.request(order.line, lanes_each);
            let again;
            let reading = match order.reading.get() {
                Some(reading) => reading,
                None => {
                    again = engine.read(&request)?;
                    &again
                }
            };
            let line = engine.synth(&request, reading, self.cancel)?;
            let shape = self.cache.put(&order.key, &line)?;
            spoken.lock().unwrap_or_else(PoisonError::into_inner).push((order.key.clone(), shape));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            self.report("voicing", total, cached + done, cached);
            Ok(())
        })?;
        Ok(spoken.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `work` on every item over the lanes; the first failure stops all.
    fn each<T: Sync>(
        &self,
        items: &[T],
        work: impl Fn(usize, &T) -> Result<(), RenderFault> + Sync,
    ) -> Result<(), RenderFault> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let lane = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return };
                let outcome =
                    if self.cancel.is_cancelled() { Err(RenderFault::Cancelled) } else { work(index, item) };
                if let Err(fault) = outcome {
                    next.store(items.len(), Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.lanes.min(items.len()) {
                scope.spawn(lane);
            }
            lane();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(RenderFault::Engine(crate::engine::EngineError::Cancelled)) => Err(RenderFault::Cancelled),
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Voicing is nearly all of the work: it gets the first ninety per cent of the bar.
    fn report(&self, stage: &str, total: usize, done: usize, cached: usize) {
        self.progress.report(Progress {
            percent: (done * 90 / total.max(1)) as u8,
            stage: stage.to_owned(),
            lines_done: done as u32,
            lines_total: total as u32,
            lines_cached: cached as u32,
        });
    }
}

fn count(keys: &[LineKey], ordered: &HashSet<LineKey>) -> usize {
    keys.iter().filter(|key| ordered.contains(key)).count()
}
