//! Who is right about a position: the one rule for every update, from whichever device and however
//! late it comes. Pure.
//!
//! An update says on which version of the position it builds. Who builds on the newest one knows what
//! they replace, and wins. Who does not, wins only when their listening is later for certain: by the
//! clock of the same device, or by how long ago it was by the clock that both of its times were
//! read from. The clocks of two devices are never compared, so a wrong one harms nobody.
//!
//! A player that opens at the beginning, before it has sought to where its listener stopped, says
//! "at zero" and knows the newest version. So nothing near the start replaces a position far behind it,
//! unless the listener went there on purpose.

/// Where somebody stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// 1 for the first, then one more with each update that won.
    pub(crate) version: i64,
    pub(crate) position_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    /// The device that was listened on.
    pub(crate) device: String,
    /// When, by the clock of that device.
    pub(crate) device_time_ms: Option<i64>,
    /// When, by the clock of the server.
    pub(crate) heard_at_ms: i64,
}

/// A device says where its listener is, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) position_ms: u64,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) device: String,
    pub(crate) base: Base,
    pub(crate) when: When,
    /// The listener went there on purpose.
    pub(crate) sought: bool,
}

/// What the device knew of the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Version(i64),
    /// It named none, as clients do that know of no versions.
    Unsaid {
        /// The version that it was told last.
        told: Option<i64>,
        /// Where it said it was the last time.
        last_position_ms: Option<u64>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// While it is heard.
    Now { device_time_ms: Option<i64> },
    /// Without a connection, and told afterwards.
    Earlier {
        device_time_ms: i64,
        /// By the clock of the server: now, less the time that went by on the clock of the device.
        heard_at_ms: i64,
    },
}

impl When {
    pub(crate) fn device_time_ms(self) -> Option<i64> {
        match self {
            Self::Now { device_time_ms } => device_time_ms,
            Self::Earlier { device_time_ms, .. } => Some(device_time_ms),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wins(Reason),
    Loses(Reason),
    /// It is what stands, told again.
    Known,
}

/// Why an update won or lost; its name goes into the log and to the loser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    // It won:
    /// Nothing stood before.
    First,
    /// It builds on what stands.
    Informed,
    /// The same device, later.
    SameDevice,
    /// Heard without a connection, after what stands was heard.
    Later,
    /// A client that knows of no versions, and somebody is listening on it.
    Moved,
    // It lost:
    /// Near the start, where players are before they have found their place.
    StartsOver,
    /// Heard before what stands.
    Older,
    /// Does not know what stands, and could have asked.
    Stale,
    /// A client that knows of no versions and tells the same place again: a player left open.
    Still,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Informed => "informed",
            Self::SameDevice => "same_device",
            Self::Later => "later",
            Self::Moved => "moved",
            Self::StartsOver => "starts_over",
            Self::Older => "older",
            Self::Stale => "stale",
            Self::Still => "still",
        }
    }
}

/// Less is the jitter of a paused player.
const MOVED_MS: u64 = 1_000;

/// Whether an update replaces what stands.
pub(crate) fn judge(standing: Option<&Standing>, update: &Update) -> Verdict {
    let Some(standing) = standing else { return Verdict::Wins(Reason::First) };
    let is_same_device = update.device == standing.device;
    if is_same_device && is_told_again(standing, update) {
        return Verdict::Known;
    }
    let is_informed = match update.base {
        Base::Version(version) => version == standing.version,
        Base::Unsaid { told, .. } => told == Some(standing.version),
    };
    let is_meant = update.sought && (is_informed || is_same_device);
    if starts_over(standing, update) && !is_meant {
        return Verdict::Loses(Reason::StartsOver);
    }
    if is_same_device {
        return of_same_device(standing, update, is_informed);
    }
    match (update.when, update.base) {
        (When::Earlier { heard_at_ms, .. }, _) if heard_at_ms <= standing.heard_at_ms => {
            Verdict::Loses(Reason::Older)
        }
        _ if is_informed => Verdict::Wins(Reason::Informed),
        (When::Earlier { .. }, _) => Verdict::Wins(Reason::Later),
        (When::Now { .. }, Base::Version(_)) => Verdict::Loses(Reason::Stale),
        (When::Now { .. }, Base::Unsaid { last_position_ms, .. }) => match last_position_ms {
            Some(last) if last.abs_diff(update.position_ms) >= MOVED_MS => Verdict::Wins(Reason::Moved),
            _ => Verdict::Loses(Reason::Still),
        },
    }
}

/// Sent a second time because the first answer was lost.
fn is_told_again(standing: &Standing, update: &Update) -> bool {
    update.when.device_time_ms().is_some()
        && update.when.device_time_ms() == standing.device_time_ms
        && update.position_ms == standing.position_ms
}

/// Both times are of one clock. That clock may have been put back: who knows what stands wins anyway,
/// except with something from before.
fn of_same_device(standing: &Standing, update: &Update, is_informed: bool) -> Verdict {
    let is_older = match (update.when.device_time_ms(), standing.device_time_ms) {
        (Some(given), Some(known)) => given < known,
        _ => false,
    };
    match update.when {
        When::Now { .. } if is_informed => Verdict::Wins(Reason::Informed),
        When::Now { .. } | When::Earlier { .. } if is_older => Verdict::Loses(Reason::Older),
        When::Earlier { heard_at_ms, .. }
            if standing.device_time_ms.is_none() && heard_at_ms <= standing.heard_at_ms =>
        {
            Verdict::Loses(Reason::Older)
        }
        _ => Verdict::Wins(Reason::SameDevice),
    }
}

fn starts_over(standing: &Standing, update: &Update) -> bool {
    let zone_ms = start_zone_ms(update.duration_ms.or(standing.duration_ms));
    update.position_ms < zone_ms && standing.position_ms.saturating_sub(update.position_ms) >= zone_ms
}

/// How far from the start a player may come before its listener notices that it is in the wrong place:
/// a tenth of the whole, between five seconds and a minute.
fn start_zone_ms(duration_ms: Option<u64>) -> u64 {
    duration_ms.map_or(30_000, |duration| (duration / 10).clamp(5_000, 60_000))
}

#[cfg(test)]
mod tests;
