//! What a link is used for, by example.

use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
const TENANT: LinkThresholds =
    LinkThresholds { video_min_kbps: 250, audio_min_kbps: 30, max_rtt_ms: 1500, max_loss_percent: 20 };

fn probe(rtt: f64, loss: f64, up: f64, down: f64) -> LinkProbe {
    LinkProbe::check(Measured { rtt_ms: rtt, loss_percent: loss, up_kbps: up, down_kbps: down }).unwrap()
}

/// A good link of so many kbit/s.
fn kbps(kbps: f64) -> LinkProbe {
    probe(100.0, 0.0, kbps, kbps)
}

/// The states after probes of so many kbit/s, one a minute.
fn levels(all: &[f64]) -> Vec<LinkLevel> {
    let mut known = None;
    let mut levels = Vec::new();
    for (minute, one) in all.iter().enumerate() {
        let at = NOON + Duration::minutes(i64::try_from(minute).unwrap());
        known = Some(LinkState::after(known.as_ref(), kbps(*one), None, TENANT, at).0);
        levels.extend(known.map(|state| state.level));
    }
    levels
}

#[test]
fn a_first_probe_is_believed_and_told_why() {
    let first = |probe| LinkState::after(None, probe, None, TENANT, NOON).1;
    for (probe, mode, cap_kbps, reason) in [
        (kbps(2000.0), MediaMode::Video, 1500, LinkReason::Good),
        (kbps(1999.0), MediaMode::Video, 500, LinkReason::Good),
        (kbps(665.0), MediaMode::Video, 250, LinkReason::Good),
        (kbps(250.0), MediaMode::Video, 250, LinkReason::Good),
        (kbps(249.9), MediaMode::Audio, 30, LinkReason::Bandwidth),
        (probe(100.0, 0.0, 30.0, 9000.0), MediaMode::Audio, 30, LinkReason::Bandwidth),
        (probe(100.0, 0.0, 9000.0, 29.0), MediaMode::Message, 0, LinkReason::Bandwidth),
        (kbps(0.0), MediaMode::Message, 0, LinkReason::Bandwidth),
        (probe(1500.0, 20.0, 300.0, 300.0), MediaMode::Video, 250, LinkReason::Good),
        (probe(1500.1, 0.0, 9000.0, 9000.0), MediaMode::Message, 0, LinkReason::Delay),
        (probe(10.0, 20.1, 9000.0, 9000.0), MediaMode::Message, 0, LinkReason::Loss),
        (probe(600_000.0, 100.0, 0.0, 0.0), MediaMode::Message, 0, LinkReason::Delay),
    ] {
        assert_eq!(first(probe), LinkDecision { link: LinkUse { mode, cap_kbps }, reason }, "{probe:?}");
    }
}

#[test]
fn a_poorer_link_is_believed_at_once_and_a_better_one_the_second_time() {
    use LinkLevel::{Audio, Full, Message, Small};
    assert_eq!(levels(&[3000.0, 100.0]), [Full, Audio]);
    assert_eq!(levels(&[100.0, 300.0, 300.0]), [Audio, Audio, Small]);
    assert_eq!(levels(&[100.0, 300.0, 100.0, 300.0, 300.0]), [Audio, Audio, Audio, Audio, Small], "not in a row");
    assert_eq!(levels(&[0.0, 3000.0, 300.0]), [Message, Message, Small], "as far as both of them say");
    assert_eq!(levels(&[0.0, 40.0, 3000.0, 3000.0]), [Message, Message, Audio, Full], "the second is a first, too");
}

#[test]
fn who_is_held_back_is_told_so() {
    let (poor, _) = LinkState::after(None, kbps(100.0), None, TENANT, NOON);
    let (held, decision) = LinkState::after(Some(&poor), kbps(3000.0), None, TENANT, NOON);
    assert_eq!((held.level, decision.reason), (LinkLevel::Audio, LinkReason::Recovering));
    let (good, decision) = LinkState::after(Some(&held), kbps(3000.0), None, TENANT, NOON);
    assert_eq!((good.level, decision.reason), (LinkLevel::Full, LinkReason::Good));
}

#[test]
fn nobody_gets_more_than_they_ask_for_nor_more_than_the_link_carries() {
    let of = |known: Option<&LinkState>, probe, prefer| LinkState::after(known, probe, Some(prefer), TENANT, NOON);
    let (state, decision) = of(None, kbps(3000.0), MediaMode::Audio);
    assert_eq!(decision.link, LinkUse { mode: MediaMode::Audio, cap_kbps: 30 });
    assert_eq!((decision.reason, state.is_chosen()), (LinkReason::Chosen, true));
    let (state, decision) = of(Some(&state), kbps(3000.0), MediaMode::Video);
    assert_eq!(decision.link.mode, MediaMode::Video, "the link was proven all the time");
    let (_, decision) = of(Some(&state), kbps(10.0), MediaMode::Audio);
    assert_eq!((decision.link.mode, decision.reason), (MediaMode::Message, LinkReason::Bandwidth));
}

#[test]
fn a_flood_of_contradictions_is_answered_and_changes_nothing_any_more() {
    let mut known = None;
    let mut changes = 0;
    for n in 0..200 {
        let probe = if n % 2 == 0 { kbps(3000.0) } else { kbps(10.0) };
        let (next, _) = LinkState::after(known.as_ref(), probe, None, TENANT, NOON + Duration::milliseconds(n));
        changes += usize::from(known != Some(next));
        known = Some(next);
    }
    assert_eq!(changes, usize::from(LinkState::MOST_CHANGES));
    let (_, decision) = LinkState::after(known.as_ref(), kbps(3000.0), None, TENANT, NOON + Duration::SECOND);
    assert!(matches!(decision.reason, LinkReason::TooOften | LinkReason::Recovering), "{decision:?}");
    let (later, _) = LinkState::after(known.as_ref(), kbps(40.0), None, TENANT, NOON + Duration::MINUTE);
    assert_ne!(Some(later), known, "a minute later it is heard again");
}

#[test]
fn a_probe_that_says_the_same_changes_nothing() {
    let (state, first) = LinkState::after(None, kbps(300.0), None, TENANT, NOON);
    let (again, second) = LinkState::after(Some(&state), kbps(310.0), None, TENANT, NOON + Duration::HOUR);
    assert_eq!((again, second), (state, first));
}

#[test]
fn numbers_that_no_link_has_are_all_named() {
    let absurd = |rtt, loss, up, down| {
        let measured = Measured { rtt_ms: rtt, loss_percent: loss, up_kbps: up, down_kbps: down };
        LinkProbe::check(measured).map_err(|all| all.iter().map(|one| one.field).collect::<Vec<_>>())
    };
    assert_eq!(
        absurd(-1.0, 101.0, f64::NAN, f64::INFINITY).unwrap_err(),
        ["rttMs", "lossPercent", "upKbps", "downKbps"]
    );
    assert_eq!(absurd(1.0, -0.1, 1.0, 1.0).unwrap_err(), ["lossPercent"]);
    assert_eq!(absurd(600_001.0, 0.0, 1.0, 10_000_001.0).unwrap_err(), ["rttMs", "downKbps"]);
    assert!(absurd(600_000.0, 100.0, 0.0, 10_000_000.0).is_ok());
    assert!(absurd(-0.0, -0.0, -0.0, -0.0).is_ok());
}
