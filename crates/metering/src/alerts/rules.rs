//! The alerts of this server: what each measures, its lines, and how it is told to people.

use sori_contracts::UiLanguage;

use super::rule::{Line, Rule, Severity};
use crate::settings::AlertSettings;

/// Errors are counted over this long: the requirement speaks of a minute.
pub(crate) const ERROR_WINDOW_MS: i64 = 60_000;
/// The hit rate is that of the last five minutes, and of no fewer looks than this.
pub(crate) const HIT_WINDOW_MS: i64 = 300_000;
pub(crate) const FEWEST_LOOKS: i64 = 20;
/// A file that nobody asks for any more stays missing: it is spoken of for this long after the last
/// time somebody noticed.
pub(crate) const INCIDENT_KEPT_MS: i64 = 900_000;

/// What is known at a moment, of all servers that share the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The fullest kind.
    pub(crate) slots_percent: Option<f64>,
    pub(crate) errors: i64,
    pub(crate) hits: i64,
    pub(crate) misses: i64,
    pub(crate) missing_files: i64,
    pub(crate) damaged_files: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Alert {
    SlotsFilling,
    StreamErrors,
    HitRateLow,
    FileMissing,
    FileDamaged,
}

impl Alert {
    pub(crate) const ALL: [Self; 5] =
        [Self::FileMissing, Self::StreamErrors, Self::SlotsFilling, Self::FileDamaged, Self::HitRateLow];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SlotsFilling => "stream_slots_filling",
            Self::StreamErrors => "stream_errors_high",
            Self::HitRateLow => "stream_cache_hit_rate_low",
            Self::FileMissing => "file_missing",
            Self::FileDamaged => "file_damaged",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alert| alert.name() == name)
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::FileMissing | Self::StreamErrors => Severity::P0,
            Self::SlotsFilling | Self::FileDamaged => Severity::P1,
            Self::HitRateLow => Severity::P2,
        }
    }

    pub(crate) fn rule(self, settings: &AlertSettings) -> Rule {
        let slots = f64::from(settings.slots_percent);
        let errors = f64::from(settings.errors_per_minute);
        let hits = f64::from(settings.hit_rate_percent);
        let at_once = |fires, calms, calms_after_ms| Rule { fires, calms, fires_after_ms: 0, calms_after_ms };
        match self {
            Self::SlotsFilling => Rule {
                fires: Line::AtLeast(slots),
                calms: Line::Below(slots - 10.0),
                fires_after_ms: 15_000,
                calms_after_ms: 60_000,
            },
            // The minute is in the measure already.
            Self::StreamErrors => at_once(Line::Above(errors), Line::AtMost(errors / 2.0), 120_000),
            Self::HitRateLow => Rule {
                fires: Line::Below(hits),
                calms: Line::AtLeast(hits + 5.0),
                fires_after_ms: 60_000,
                calms_after_ms: 300_000,
            },
            Self::FileMissing | Self::FileDamaged => at_once(Line::Above(0.0), Line::AtMost(0.0), 0),
        }
    }

    /// `None` when too little happened to tell.
    pub(crate) fn measure(self, facts: &Facts) -> Option<f64> {
        match self {
            Self::SlotsFilling => facts.slots_percent,
            Self::StreamErrors => Some(facts.errors as f64),
            Self::HitRateLow => {
                let looks = facts.hits + facts.misses;
                (looks >= FEWEST_LOOKS).then(|| facts.hits as f64 / looks as f64 * 100.0)
            }
            Self::FileMissing => Some(facts.missing_files as f64),
            Self::FileDamaged => Some(facts.damaged_files as f64),
        }
    }

    pub(crate) fn summary(self, language: UiLanguage) -> &'static str {
        let (en, ko) = match self {
            Self::SlotsFilling => {
                ("Almost all streaming slots are taken (percent).", "스트리밍 슬롯이 거의 찼습니다(%).")
            }
            Self::StreamErrors => {
                ("Many streams fail (errors in a minute).", "스트리밍 오류가 많습니다(분당 오류 수).")
            }
            Self::HitRateLow => {
                ("The cache is seldom hit (percent of five minutes).", "캐시 적중률이 낮습니다(5분간 %).")
            }
            Self::FileMissing => {
                ("Media files are missing (how many).", "미디어 파일을 찾을 수 없습니다(파일 수).")
            }
            Self::FileDamaged => (
                "Media files cannot be made ready for streaming (how many).",
                "스트리밍용으로 처리할 수 없는 미디어 파일이 있습니다(파일 수).",
            ),
        };
        language.pick(en, ko)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::rule::{Change, State};

    /// Whether the facts, lasting, let the alert fire.
    #[track_caller]
    fn check(alert: Alert, facts: Facts, fires: bool) {
        let rule = alert.rule(&AlertSettings::default());
        let (pending, at_once) = rule.step(State::default(), alert.measure(&facts), 0);
        let (_, later) = rule.step(pending, alert.measure(&facts), 600_000);
        assert_eq!(at_once.or(later) == Some(Change::Firing), fires, "{alert:?} {facts:?}");
    }

    #[test]
    fn the_lines_are_those_of_the_requirements() {
        let none = Facts::default();
        for alert in Alert::ALL {
            check(alert, none.clone(), false);
            assert_eq!(Alert::parse(alert.name()), Some(alert));
        }
        check(Alert::SlotsFilling, Facts { slots_percent: Some(89.9), ..none.clone() }, false);
        check(Alert::SlotsFilling, Facts { slots_percent: Some(90.0), ..none.clone() }, true);
        check(Alert::StreamErrors, Facts { errors: 10, ..none.clone() }, false);
        check(Alert::StreamErrors, Facts { errors: 11, ..none.clone() }, true);
        check(Alert::HitRateLow, Facts { hits: 8, misses: 12, ..none.clone() }, false);
        check(Alert::HitRateLow, Facts { hits: 7, misses: 13, ..none.clone() }, true);
        // One miss in the night is no rate.
        check(Alert::HitRateLow, Facts { hits: 0, misses: 19, ..none.clone() }, false);
        check(Alert::FileMissing, Facts { missing_files: 1, ..none.clone() }, true);
        check(Alert::FileDamaged, Facts { damaged_files: 1, ..none }, true);
        let severities = Alert::ALL.map(|alert| (alert.name(), alert.severity().as_str()));
        let expected = [
            ("file_missing", "P0"),
            ("stream_errors_high", "P0"),
            ("stream_slots_filling", "P1"),
            ("file_damaged", "P1"),
            ("stream_cache_hit_rate_low", "P2"),
        ];
        assert_eq!(severities, expected);
    }

    #[test]
    fn a_hit_rate_of_zero_percent_turns_it_off() {
        let settings = AlertSettings { hit_rate_percent: 0, ..AlertSettings::default() };
        let rule = Alert::HitRateLow.rule(&settings);
        let nothing_hit = Facts { misses: 1_000, ..Facts::default() };
        let (state, told) = rule.step(State::default(), Alert::HitRateLow.measure(&nothing_hit), 0);
        assert_eq!((state, told), (State::default(), None));
    }
}
