//! What was heard since the last look, for the alerts; and the last minutes, for rates.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use sori_contracts::{ContentId, MediaId};
use uuid::Uuid;

use crate::alerts::Alert;

/// A whole folder may be gone: so many files are remembered until the next look, and the rest are
/// noticed again when somebody asks for them.
const MOST_INCIDENTS: usize = 1_000;

/// Something is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) alert: Alert,
    /// Who notices knows the file, or the content, or both.
    pub(crate) media: Option<MediaId>,
    pub(crate) content: Option<ContentId>,
    pub(crate) at_ms: i64,
}

impl Incident {
    pub(super) fn missing(media: Option<MediaId>, content: Option<ContentId>, at_ms: i64) -> Self {
        Self { alert: Alert::FileMissing, media, content, at_ms }
    }

    pub(super) fn damaged(media: MediaId, content: ContentId, at_ms: i64) -> Self {
        Self { alert: Alert::FileDamaged, media: Some(media), content: Some(content), at_ms }
    }

    /// What is spoken of: a content once, however many of its files are gone.
    pub(crate) fn subject(&self) -> Uuid {
        let media = self.media.map(|media| media.0);
        self.content.map(|content| content.0).or(media).unwrap_or_default()
    }
}

/// Counted since the start of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) hits: i64,
    pub(crate) misses: i64,
}

/// Not told to the database yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) errors: i64,
    pub(crate) looks: Looks,
    pub(crate) incidents: Vec<Incident>,
}

#[derive(Debug, Default)]
pub(crate) struct Heard {
    errors: AtomicI64,
    hits: AtomicI64,
    misses: AtomicI64,
    told: Mutex<Told>,
    incidents: Mutex<HashMap<(Alert, Uuid), Incident>>,
}

/// How much of the counts the database knows.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    errors: i64,
    looks: Looks,
}

impl Heard {
    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    pub(super) fn look(&self, is_hit: bool) {
        if is_hit { &self.hits } else { &self.misses }.fetch_add(1, Relaxed);
    }

    pub(super) fn incident(&self, incident: Incident) {
        let mut incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (incident.alert, incident.subject());
        if incidents.len() < MOST_INCIDENTS || incidents.contains_key(&key) {
            incidents.insert(key, incident);
        }
    }

    pub(crate) fn looks(&self) -> Looks {
        Looks { hits: self.hits.load(Relaxed), misses: self.misses.load(Relaxed) }
    }

    /// What is new; it stays new until [`Heard::tell`].
    pub(crate) fn news(&self) -> News {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let looks = self.looks();
        let incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        News {
            errors: self.errors.load(Relaxed) - told.errors,
            looks: Looks { hits: looks.hits - told.looks.hits, misses: looks.misses - told.looks.misses },
            incidents: incidents.values().copied().collect(),
        }
    }

    /// The database knows this now.
    pub(crate) fn tell(&self, news: &News) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.errors += news.errors;
        told.looks.hits += news.looks.hits;
        told.looks.misses += news.looks.misses;
        let mut incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        for known in &news.incidents {
            let key = (known.alert, known.subject());
            if incidents.get(&key) == Some(known) {
                incidents.remove(&key);
            }
        }
    }
}

const RATE_WINDOW_MS: i64 = 300_000;
const BANDWIDTH_WINDOW_MS: i64 = 10_000;
/// Looks that come closer together than this are one.
const CLOSEST_MS: i64 = 1_000;

/// Counts as they were at several moments of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Moment>);

#[derive(Clone, Copy, Debug)]
struct Moment {
    at_ms: i64,
    sent_bytes: u64,
    looks: Looks,
}

impl Window {
    pub(super) fn note(&mut self, at_ms: i64, sent_bytes: u64, looks: Looks) {
        // After the clock was set back the old moments say nothing.
        if self.0.back().is_some_and(|last| last.at_ms > at_ms) {
            self.0.clear();
        }
        let before = self.0.len().checked_sub(2).and_then(|place| self.0.get(place));
        if before.is_some_and(|before| at_ms - before.at_ms < CLOSEST_MS) {
            self.0.pop_back();
        }
        self.0.push_back(Moment { at_ms, sent_bytes, looks });
        // One that is older than the window stays, as its beginning.
        while self.0.get(1).is_some_and(|second| second.at_ms <= at_ms - RATE_WINDOW_MS) {
            self.0.pop_front();
        }
    }

    pub(super) fn megabits_per_second(&self) -> f64 {
        let Some(last) = self.0.back() else { return 0.0 };
        let first = self.0.iter().rev().find(|moment| moment.at_ms <= last.at_ms - BANDWIDTH_WINDOW_MS);
        let Some(first) = first.or(self.0.front()) else { return 0.0 };
        let ms = last.at_ms - first.at_ms;
        if ms <= 0 {
            return 0.0;
        }
        last.sent_bytes.saturating_sub(first.sent_bytes) as f64 * 8.0 / 1_000.0 / ms as f64
    }

    /// Not a number when nothing was looked for.
    pub(super) fn hit_rate(&self) -> f64 {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return f64::NAN };
        // What was counted before the first moment belongs to the window of a young process.
        let is_young = last.at_ms - first.at_ms < RATE_WINDOW_MS;
        let before = if is_young { Looks::default() } else { first.looks };
        let (hits, misses) = (last.looks.hits - before.hits, last.looks.misses - before.misses);
        hits as f64 / (hits + misses) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_did_not_take_stays_new() {
        let heard = Heard::default();
        heard.error();
        heard.look(true);
        let media = MediaId::generate();
        heard.incident(Incident::missing(Some(media), None, 1));
        let news = heard.news();
        assert_eq!((news.errors, news.looks, news.incidents.len()), (1, Looks { hits: 1, misses: 0 }, 1));
        assert_eq!(heard.news(), news);
        // Noticed again while the first was written down.
        heard.error();
        heard.incident(Incident::missing(Some(media), None, 2));
        heard.tell(&news);
        let rest = heard.news();
        assert_eq!((rest.errors, rest.looks), (1, Looks::default()));
        assert_eq!(rest.incidents, [Incident::missing(Some(media), None, 2)]);
    }

    #[test]
    fn a_flood_of_missing_files_holds_little_memory() {
        let heard = Heard::default();
        for n in 0..5_000 {
            heard.incident(Incident::missing(Some(MediaId::generate()), None, n));
        }
        assert_eq!(heard.news().incidents.len(), MOST_INCIDENTS);
    }

    #[test]
    fn rates_are_of_the_last_minutes() {
        let mut window = Window::default();
        let looks = |hits, misses| Looks { hits, misses };
        assert!(window.hit_rate().is_nan());
        window.note(0, 0, looks(0, 0));
        assert!(window.hit_rate().is_nan());
        assert_eq!(window.megabits_per_second(), 0.0);
        window.note(5_000, 10_000_000, looks(1, 3));
        assert_eq!((window.hit_rate(), window.megabits_per_second()), (0.25, 16.0));
        for second in (10..=600).step_by(5) {
            window.note(second * 1_000, 10_000_000, looks(11, 3));
        }
        // All that is known is older than five minutes.
        assert!(window.hit_rate().is_nan());
        assert_eq!(window.megabits_per_second(), 0.0);
        window.note(605_000, 22_500_000, looks(12, 4));
        assert_eq!((window.hit_rate(), window.megabits_per_second()), (0.5, 10.0));
        assert!(window.0.len() < 70, "{}", window.0.len());
        window.note(1_000, 22_500_000, looks(12, 4));
        assert_eq!(window.0.len(), 1);
    }

    #[test]
    fn looking_often_keeps_no_more() {
        let mut window = Window::default();
        for ms in 0..20_000 {
            window.note(ms, ms as u64, Looks::default());
        }
        assert!(window.0.len() <= 22, "{}", window.0.len());
    }
}
