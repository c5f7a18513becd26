//! When an alert begins and when it is over: a function of what was, what is measured, and the time.
//!
//! An alert fires when its measure was over the line for a while without a break, and is over when it
//! was calm for a while without a break. Calm is further away than the line: a measure that swings
//! around the line neither fires nor resolves again and again.

use serde::{Deserialize, Serialize};

/// How bad it is; P0 wakes somebody up.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Severity {
    P0,
    P1,
    P2,
}

impl Severity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
        }
    }
}

/// A line that a measure can be over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    AtLeast(f64),
    Above(f64),
    AtMost(f64),
    Below(f64),
}

impl Line {
    #[must_use]
    pub fn is_crossed_by(self, measure: f64) -> bool {
        match self {
            Self::AtLeast(line) => measure >= line,
            Self::Above(line) => measure > line,
            Self::AtMost(line) => measure <= line,
            Self::Below(line) => measure < line,
        }
    }

    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Self::AtLeast(line) | Self::Above(line) | Self::AtMost(line) | Self::Below(line) => line,
        }
    }
}

/// The times of a rule and its two lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    pub fires: Line,
    /// Further away than `fires`.
    pub calms: Line,
    pub fires_after_ms: i64,
    pub calms_after_ms: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    #[default]
    Ok,
    /// Over the line, not for long enough.
    Pending,
    Firing,
    /// Firing still, and calm; not for long enough.
    Calming,
}

impl Phase {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Calming => "calming",
        }
    }

    /// The inverse of [`Phase::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Pending, Self::Firing, Self::Calming]
            .into_iter()
            .find(|phase| phase.as_str() == text)
    }

    /// Whether somebody was told that it fires and not yet that it is over.
    #[must_use]
    pub fn is_firing(self) -> bool {
        matches!(self, Self::Firing | Self::Calming)
    }
}

/// A phase and since when it lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    pub since_ms: i64,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Firing,
    Resolved,
}

impl Change {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl Rule {
    /// The state after a look. Without a measure (too little happened to tell) all is calm.
    #[must_use]
    pub fn step(&self, state: State, measure: Option<f64>, now_ms: i64) -> (State, Option<Change>) {
        let is_over = measure.is_some_and(|measure| self.fires.is_crossed_by(measure));
        let is_calm = !is_over && measure.is_none_or(|measure| self.calms.is_crossed_by(measure));
        // A clock that was set back does not make a phase longer.
        let state = State { since_ms: state.since_ms.min(now_ms), ..state };
        let lasted_ms = now_ms - state.since_ms;
        let begin = |phase| State { phase, since_ms: now_ms };
        match state.phase {
            Phase::Ok if !is_over => (state, None),
            Phase::Ok if self.fires_after_ms > 0 => (begin(Phase::Pending), None),
            Phase::Ok => (begin(Phase::Firing), Some(Change::Firing)),
            Phase::Pending if !is_over => (begin(Phase::Ok), None),
            Phase::Pending if lasted_ms < self.fires_after_ms => (state, None),
            Phase::Pending => (begin(Phase::Firing), Some(Change::Firing)),
            Phase::Firing if !is_calm => (state, None),
            Phase::Firing if self.calms_after_ms > 0 => (begin(Phase::Calming), None),
            Phase::Firing => (begin(Phase::Ok), Some(Change::Resolved)),
            Phase::Calming if !is_calm => (begin(Phase::Firing), None),
            Phase::Calming if lasted_ms < self.calms_after_ms => (state, None),
            Phase::Calming => (begin(Phase::Ok), Some(Change::Resolved)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule {
        fires: Line::AtLeast(90.0),
        calms: Line::Below(80.0),
        fires_after_ms: 30_000,
        calms_after_ms: 60_000,
    };

    /// What is told about measures that come every ten seconds, with the second it is told at.
    fn told(rule: &Rule, measures: &[f64]) -> Vec<(i64, Change)> {
        let mut state = State::default();
        let mut told = Vec::new();
        for (place, measure) in measures.iter().enumerate() {
            let now_ms = place as i64 * 10_000;
            let (next, change) = rule.step(state, Some(*measure), now_ms);
            state = next;
            told.extend(change.map(|change| (now_ms / 1_000, change)));
        }
        told
    }

    #[track_caller]
    fn check(measures: &[f64], expected: &[(i64, Change)]) {
        assert_eq!(told(&RULE, measures), expected, "{measures:?}");
    }

    #[test]
    fn it_fires_when_the_line_was_crossed_for_long_enough() {
        check(&[10.0, 95.0, 95.0, 95.0], &[]);
        check(&[10.0, 95.0, 95.0, 90.0, 90.0], &[(40, Change::Firing)]);
        // A break begins it anew.
        check(&[95.0, 95.0, 89.9, 95.0, 95.0, 95.0], &[]);
        check(&[95.0, 95.0, 89.9, 95.0, 95.0, 95.0, 95.0, 95.0, 95.0], &[(60, Change::Firing)]);
    }

    #[test]
    fn it_is_over_when_it_was_calm_for_long_enough() {
        let mut measures = vec![95.0; 4];
        measures.extend([85.0; 30]);
        // Between the lines it goes on firing.
        check(&measures, &[(30, Change::Firing)]);
        measures.extend([79.0; 6]);
        check(&measures, &[(30, Change::Firing)]);
        measures.push(0.0);
        check(&measures, &[(30, Change::Firing), (400, Change::Resolved)]);
    }

    #[test]
    fn what_swings_around_the_line_is_told_once() {
        let swinging: Vec<f64> = (0..400).map(|n| if n < 4 || n % 2 == 0 { 91.0 } else { 85.0 }).collect();
        check(&swinging, &[(30, Change::Firing)]);
        let wider: Vec<f64> = (0..400).map(|n| if n < 4 || n % 5 == 0 { 99.0 } else { 10.0 }).collect();
        check(&wider, &[(30, Change::Firing)]);
    }

    #[test]
    fn without_times_it_fires_and_ends_at_once() {
        let rule = Rule { fires_after_ms: 0, calms_after_ms: 0, ..RULE };
        assert_eq!(told(&rule, &[0.0, 90.0, 85.0, 79.0]), [(10, Change::Firing), (30, Change::Resolved)]);
    }

    #[test]
    fn nothing_measured_is_calm_and_never_fires() {
        let firing = State { phase: Phase::Firing, since_ms: 0 };
        let (calming, told) = RULE.step(firing, None, 10_000);
        assert_eq!((calming.phase, told), (Phase::Calming, None));
        assert_eq!(RULE.step(calming, None, 70_000).1, Some(Change::Resolved));
        assert_eq!(RULE.step(State { phase: Phase::Pending, since_ms: 0 }, None, 99_000).0.phase, Phase::Ok);
        // Not a number is over no line.
        assert_eq!(RULE.step(State::default(), Some(f64::NAN), 5).0.phase, Phase::Ok);
    }

    #[test]
    fn a_clock_that_goes_back_begins_the_phase_again() {
        let pending = State { phase: Phase::Pending, since_ms: 1_000_000 };
        let (state, told) = RULE.step(pending, Some(95.0), 500_000);
        assert_eq!((state, told), (State { phase: Phase::Pending, since_ms: 500_000 }, None));
        assert_eq!(RULE.step(state, Some(95.0), 530_000).1, Some(Change::Firing));
    }

    proptest! {
        #[test]
        fn what_is_told_alternates_and_keeps_its_times(
            measures in prop::collection::vec((0.0..120.0_f64, 0..40_000_i64), 0..200),
            fires_after_ms in 0..60_000_i64,
            calms_after_ms in 0..60_000_i64,
        ) {
            let rule = Rule { fires_after_ms, calms_after_ms, ..RULE };
            let (mut state, mut now_ms) = (State::default(), 0);
            let (mut firing_since, mut over_since, mut calm_since) = (None, None, None);
            for (measure, later_ms) in measures {
                now_ms += later_ms;
                over_since = if measure >= 90.0 { over_since.or(Some(now_ms)) } else { None };
                calm_since = if measure < 80.0 { calm_since.or(Some(now_ms)) } else { None };
                let (next, change) = rule.step(state, Some(measure), now_ms);
                match change {
                    Some(Change::Firing) => {
                        prop_assert!(firing_since.is_none());
                        prop_assert!(over_since.is_some_and(|since| now_ms - since >= fires_after_ms));
                        firing_since = Some(now_ms);
                    }
                    Some(Change::Resolved) => {
                        prop_assert!(firing_since.take().is_some());
                        prop_assert!(calm_since.is_some_and(|since| now_ms - since >= calms_after_ms));
                    }
                    None => {}
                }
                prop_assert_eq!(next.phase.is_firing(), firing_since.is_some());
                state = next;
            }
        }
    }
}
