use proptest::prelude::*;

use super::{Base::*, Reason::*, Verdict::*, When::*, *};

const HOUR_MS: u64 = 3_600_000;

fn standing(device: &str, version: i64, position_ms: u64) -> Standing {
    Standing {
        version,
        position_ms,
        duration_ms: Some(HOUR_MS),
        device: device.into(),
        device_time_ms: Some(1_000_000),
        heard_at_ms: 1_000_000,
    }
}

fn update(device: &str, base: Base, position_ms: u64) -> Update {
    Update {
        position_ms,
        duration_ms: Some(HOUR_MS),
        device: device.into(),
        base,
        when: Now { device_time_ms: None },
        sought: false,
    }
}

fn at(update: Update, device_time_ms: i64) -> Update {
    Update { when: Now { device_time_ms: Some(device_time_ms) }, ..update }
}

fn earlier(update: Update, device_time_ms: i64, heard_at_ms: i64) -> Update {
    Update { when: Earlier { device_time_ms, heard_at_ms }, ..update }
}

fn unsaid(told: Option<i64>, last_position_ms: Option<u64>) -> Base {
    Unsaid { told, last_position_ms }
}

#[track_caller]
fn check(update: &Update, expected: Verdict) {
    assert_eq!(judge(Some(&standing("phone", 7, 1_800_000)), update), expected, "{update:?}");
}

#[test]
fn the_first_update_wins_wherever_it_is() {
    assert_eq!(judge(None, &update("phone", Version(0), 0)), Wins(First));
    assert_eq!(judge(None, &update("phone", unsaid(None, None), 900_000)), Wins(First));
}

#[test]
fn who_knows_what_stands_replaces_it() {
    check(&update("laptop", Version(7), 1_810_000), Wins(Informed));
    check(&update("laptop", Version(7), 600_000), Wins(Informed));
    check(&update("phone", Version(7), 1_810_000), Wins(Informed));
    // Its clock was put back by a year.
    check(&at(update("phone", Version(7), 1_810_000), -5), Wins(Informed));
}

#[test]
fn a_device_that_has_not_seen_what_stands_loses() {
    check(&update("laptop", Version(6), 1_900_000), Loses(Stale));
    check(&update("laptop", Version(0), 1_900_000), Loses(Stale));
    // Of a database that was put back to an older copy.
    check(&update("laptop", Version(8), 1_900_000), Loses(Stale));
    // Whatever its clock says.
    check(&at(update("laptop", Version(6), 1_900_000), i64::MAX), Loses(Stale));
    check(&at(update("laptop", Version(6), 1_900_000), i64::MIN), Loses(Stale));
}

#[test]
fn answers_that_got_lost_do_not_turn_a_device_against_itself() {
    check(&at(update("phone", Version(6), 1_810_000), 1_010_000), Wins(SameDevice));
    check(&update("phone", Version(6), 1_810_000), Wins(SameDevice));
    check(&at(update("phone", Version(6), 1_800_000), 1_000_000), Known);
    check(&at(update("phone", Version(5), 1_700_000), 900_000), Loses(Older));
}

#[test]
fn nothing_near_the_start_replaces_what_was_heard() {
    for base in [Version(7), Version(3), unsaid(Some(7), None), unsaid(None, Some(1_700_000))] {
        check(&update("phone", base, 0), Loses(StartsOver));
        check(&update("laptop", base, 59_999), Loses(StartsOver));
    }
    check(&earlier(update("laptop", Version(7), 0), 2_000_000, 2_000_000), Loses(StartsOver));
    check(&update("laptop", Version(7), 60_000), Wins(Informed));
    let rewound = update("phone", Version(7), 50_000);
    assert_eq!(judge(Some(&standing("phone", 7, 65_000)), &rewound), Wins(Informed));
}

#[test]
fn the_listener_may_start_over_on_purpose() {
    let sought = |device, version| Update { sought: true, ..update(device, Version(version), 0) };
    check(&sought("laptop", 7), Wins(Informed));
    check(&sought("phone", 6), Wins(SameDevice));
    check(&sought("laptop", 6), Loses(StartsOver));
}

#[test]
fn the_start_is_short_in_a_short_script() {
    #[track_caller]
    fn check(duration_ms: Option<u64>, zone_ms: u64) {
        assert_eq!(start_zone_ms(duration_ms), zone_ms);
    }
    check(None, 30_000);
    check(Some(0), 5_000);
    check(Some(180_000), 18_000);
    check(Some(HOUR_MS), 60_000);
}

#[test]
fn what_was_heard_without_a_connection_goes_by_when_it_was_heard() {
    check(&earlier(update("laptop", Version(5), 900_000), 77, 999_999), Loses(Older));
    check(&earlier(update("laptop", Version(5), 900_000), 77, 1_000_001), Wins(Later));
    // Even when a careless client names the newest version when it sends.
    check(&earlier(update("laptop", Version(7), 900_000), 77, 999_999), Loses(Older));
    check(&earlier(update("phone", Version(5), 900_000), 999_999, 1_000_500), Loses(Older));
    check(&earlier(update("phone", Version(5), 900_000), 1_000_001, 5), Wins(SameDevice));
}

#[test]
fn clients_that_know_of_no_versions_keep_working() {
    // It asked where to go on, and went on.
    check(&update("old app", unsaid(Some(7), None), 1_805_000), Wins(Informed));
    // Its own updates follow each other.
    check(&update("phone", unsaid(Some(3), Some(1_790_000)), 1_810_000), Wins(SameDevice));
    // A player left open tells the same place again and again.
    check(&update("old app", unsaid(Some(3), Some(900_000)), 900_000), Loses(Still));
    check(&update("old app", unsaid(None, None), 900_000), Loses(Still));
    // Somebody plays on it.
    check(&update("old app", unsaid(Some(3), Some(900_000)), 910_000), Wins(Moved));
}

/// One thing that happens to a listener with several devices.
#[derive(Clone, Debug)]
enum Act {
    /// The device learns the newest version.
    Sync,
    /// Listens for a while and tells it at once.
    Play { position_ms: u64 },
    /// The player opens at zero, without having found its place.
    OpenAtZero,
    /// Listens without a connection.
    PlayOffline { position_ms: u64 },
    /// Comes back and tells what it heard, all of it again when the answer got lost.
    Replay { twice: bool },
    /// An update arrives a second time, late.
    Repeat,
}

fn acts() -> impl Strategy<Value = Vec<(usize, u64, Act)>> {
    let position = 0..HOUR_MS;
    let act = prop_oneof![
        Just(Act::Sync),
        position.clone().prop_map(|position_ms| Act::Play { position_ms }),
        Just(Act::OpenAtZero),
        position.prop_map(|position_ms| Act::PlayOffline { position_ms }),
        any::<bool>().prop_map(|twice| Act::Replay { twice }),
        Just(Act::Repeat),
    ];
    prop::collection::vec((0..3_usize, 1..600_000_u64, act), 1..40)
}

#[derive(Clone, Debug, Default)]
struct Device {
    /// By how much its clock is wrong.
    skew_ms: i64,
    /// The version it saw last.
    known: i64,
    offline: Vec<(u64, i64)>,
    last: Option<Update>,
}

/// Knows neither of versions nor of times, and keeps nothing for later.
const OLD_CLIENT: usize = 2;

/// What really happened, beside what the rule knows.
struct World {
    now_ms: i64,
    standing: Option<Standing>,
    /// When the standing position was really heard.
    heard_ms: i64,
    told: [(Option<i64>, Option<u64>); 3],
}

impl World {
    fn send(&mut self, index: usize, update: &Update, heard_ms: i64) -> Result<Verdict, TestCaseError> {
        let before = self.standing.clone();
        let verdict = judge(before.as_ref(), update);
        if let (Wins(_), Some(before)) = (verdict, &before) {
            prop_assert!(heard_ms >= self.heard_ms, "older listening replaced newer: {before:?} {update:?}");
            let zone_ms = start_zone_ms(update.duration_ms);
            let lost_ms = before.position_ms.saturating_sub(update.position_ms);
            prop_assert!(update.position_ms >= zone_ms || lost_ms < zone_ms, "the start replaced {before:?}");
            let version_named = match update.base {
                Version(version) => Some(version),
                Unsaid { told, .. } => told,
            };
            let is_live = matches!(update.when, Now { .. });
            if is_live && update.device != before.device && matches!(update.base, Version(_)) {
                prop_assert_eq!(version_named, Some(before.version), "won without knowing what it replaced");
            }
        }
        if let Wins(_) = verdict {
            let heard_at_ms = match update.when {
                Now { .. } => self.now_ms,
                Earlier { heard_at_ms, .. } => heard_at_ms,
            };
            self.heard_ms = heard_ms;
            self.standing = Some(Standing {
                version: before.map_or(1, |standing| standing.version + 1),
                position_ms: update.position_ms,
                duration_ms: update.duration_ms,
                device: update.device.clone(),
                device_time_ms: update.when.device_time_ms(),
                heard_at_ms,
            });
        }
        self.told[index] =
            (self.standing.as_ref().map(|standing| standing.version), Some(update.position_ms));
        Ok(verdict)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Clocks are wrong by up to a year, updates come late and twice, players open at zero.
    #[test]
    fn newer_listening_is_never_overwritten(
        skews in prop::array::uniform3(-31_536_000_000_i64..31_536_000_000),
        acts in acts(),
    ) {
        let mut devices = skews.map(|skew_ms| Device { skew_ms, ..Device::default() });
        let mut world = World { now_ms: 1_700_000_000_000, standing: None, heard_ms: i64::MIN, told: [(None, None); 3] };
        for (index, passed_ms, act) in acts {
            world.now_ms += passed_ms as i64;
            let clock_ms = world.now_ms + devices[index].skew_ms;
            let name = format!("device {index}");
            match act {
                Act::Sync => {
                    devices[index].known = world.standing.as_ref().map_or(0, |standing| standing.version);
                    world.told[index].0 = Some(devices[index].known);
                }
                Act::Play { .. } | Act::OpenAtZero => {
                    let position_ms = if let Act::Play { position_ms } = act { position_ms } else { 0 };
                    let (told, last_position_ms) = world.told[index];
                    let update = match index {
                        OLD_CLIENT => update(&name, Unsaid { told, last_position_ms }, position_ms),
                        _ => at(update(&name, Version(devices[index].known), position_ms), clock_ms),
                    };
                    let now_ms = world.now_ms;
                    world.send(index, &update, now_ms)?;
                    devices[index].known = world.standing.as_ref().map_or(0, |standing| standing.version);
                    devices[index].last = Some(update);
                }
                Act::PlayOffline { .. } | Act::Replay { .. } | Act::Repeat if index == OLD_CLIENT => {}
                Act::PlayOffline { position_ms } => devices[index].offline.push((position_ms, clock_ms)),
                Act::Replay { twice } => {
                    let entries = std::mem::take(&mut devices[index].offline);
                    let base = Version(devices[index].known);
                    let send_all = |world: &mut World| -> Result<(), TestCaseError> {
                        for (position_ms, device_time_ms) in &entries {
                            let heard_at_ms = world.now_ms - (clock_ms - device_time_ms);
                            let update = earlier(update(&name, base, *position_ms), *device_time_ms, heard_at_ms);
                            world.send(index, &update, heard_at_ms)?;
                        }
                        Ok(())
                    };
                    send_all(&mut world)?;
                    if twice {
                        let after_once = world.standing.clone();
                        send_all(&mut world)?;
                        prop_assert_eq!(&world.standing, &after_once, "replaying twice is not replaying once");
                    }
                    devices[index].known = world.standing.as_ref().map_or(0, |standing| standing.version);
                }
                Act::Repeat => {
                    // The first time it was not judged by its arrival but by what it is.
                    if let Some(update) = devices[index].last.clone() {
                        let device_time_ms = update.when.device_time_ms().unwrap();
                        let heard_ms = device_time_ms - devices[index].skew_ms;
                        world.send(index, &update, heard_ms)?;
                    }
                }
            }
        }
    }

    #[test]
    fn no_numbers_are_too_strange(
        position_ms: u64, duration_ms: Option<u64>, version: i64, device_time_ms: i64, heard_at_ms: i64,
        standing_position_ms: u64, sought: bool, same: bool,
    ) {
        let standing = standing("phone", 7, standing_position_ms);
        let device = if same { "phone" } else { "laptop" };
        let update = Update { duration_ms, sought, ..update(device, Version(version), position_ms) };
        let _either_way = judge(Some(&standing), &earlier(update.clone(), device_time_ms, heard_at_ms));
        let _either_way = judge(Some(&standing), &at(update, device_time_ms));
    }
}
