//! What holds for every link, whatever is measured of it.

use proptest::prelude::*;
use proptest::sample::select;
use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

fn thresholds() -> impl Strategy<Value = LinkThresholds> {
    (8..=500_u32, 1..=10_000_u32, 100..=10_000_u32, 1..=90_u32).prop_map(|(audio, more, rtt, loss)| LinkThresholds {
        video_min_kbps: (audio + more).clamp(50, 10_000),
        audio_min_kbps: audio,
        max_rtt_ms: rtt,
        max_loss_percent: loss,
    })
}

fn kbps() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..=100.0_f64, 0.0..=3000.0_f64, 0.0..=10_000_000.0_f64]
}

fn measured() -> impl Strategy<Value = Measured> {
    let rtt = prop_oneof![0.0..=3000.0_f64, 0.0..=600_000.0_f64];
    (rtt, 0.0..=100.0_f64, kbps(), kbps()).prop_map(|(rtt_ms, loss_percent, up_kbps, down_kbps)| Measured {
        rtt_ms,
        loss_percent,
        up_kbps,
        down_kbps,
    })
}

fn prefer() -> impl Strategy<Value = Option<MediaMode>> {
    prop_oneof![3 => Just(None), 1 => select(&MediaMode::ALL[..]).prop_map(Some)]
}

fn checked(measured: Measured) -> LinkProbe {
    LinkProbe::check(measured).unwrap()
}

fn first(measured: Measured, prefer: Option<MediaMode>, thresholds: LinkThresholds) -> LinkDecision {
    LinkState::after(None, checked(measured), prefer, thresholds, NOON).1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_better_link_without_history_never_gets_less(
        one in measured(), other in measured(), prefer in prefer(), thresholds in thresholds()
    ) {
        let better = Measured {
            rtt_ms: one.rtt_ms.min(other.rtt_ms),
            loss_percent: one.loss_percent.min(other.loss_percent),
            up_kbps: one.up_kbps.max(other.up_kbps),
            down_kbps: one.down_kbps.max(other.down_kbps),
        };
        let (poor, good) = (first(one, prefer, thresholds).link, first(better, prefer, thresholds).link);
        prop_assert_eq!(poor.poorer(good), poor, "{:?} {:?}", poor, good);
    }

    #[test]
    fn a_cap_is_what_its_medium_needs_at_least_and_what_the_link_has_at_most(
        measured in measured(), prefer in prefer(), thresholds in thresholds()
    ) {
        let LinkUse { mode, cap_kbps } = first(measured, prefer, thresholds).link;
        let least = match mode {
            MediaMode::Video => thresholds.video_min_kbps,
            MediaMode::Audio => thresholds.audio_min_kbps,
            MediaMode::Message => 0,
        };
        let most = if mode == MediaMode::Message { 0 } else { 1500.max(thresholds.video_min_kbps) };
        prop_assert!((least..=most).contains(&cap_kbps), "{cap_kbps} is not in {least}..={most}");
        prop_assert!(f64::from(cap_kbps) <= measured.up_kbps.min(measured.down_kbps));
    }

    #[test]
    fn nobody_gets_more_than_they_ask_for(measured in measured(), mode in select(&MediaMode::ALL[..]), thresholds in thresholds()) {
        let got = first(measured, Some(mode), thresholds);
        prop_assert_eq!(got.link.mode.poorer(mode), got.link.mode);
        let without = first(measured, None, thresholds);
        prop_assert_eq!(got.reason == LinkReason::Chosen, without.link.mode.poorer(mode) != without.link.mode);
    }

    /// Probe after probe, with whatever the level was before, and never too many of them.
    #[test]
    fn down_at_once_and_up_only_as_far_as_two_probes_in_a_row_say(
        probes in prop::collection::vec(measured(), 2..40), thresholds in thresholds()
    ) {
        let measures: Vec<LinkLevel> = probes.iter().map(|one| checked(*one).carries(thresholds).0).collect();
        let mut known: Option<LinkState> = None;
        for (n, one) in probes.iter().enumerate() {
            let at = NOON + Duration::minutes(i64::try_from(n).unwrap());
            let (next, decision) = LinkState::after(known.as_ref(), checked(*one), None, thresholds, at);
            prop_assert_eq!(decision.link, next.used(thresholds));
            if let Some(before) = known {
                let best_proven = before.level.min(measures[n].max(measures[n - 1]));
                prop_assert!(next.level >= best_proven, "{:?} was never proven", next.level);
                prop_assert!(measures[n] < before.level || next.level == measures[n], "a poorer link was not believed");
            } else {
                prop_assert_eq!(next.level, measures[0]);
            }
            known = Some(next);
        }
    }

    #[test]
    fn two_good_probes_in_a_row_are_enough_from_wherever_it_was(
        poor in measured(), good in measured(), thresholds in thresholds()
    ) {
        let (mut known, _) = LinkState::after(None, checked(poor), None, thresholds, NOON);
        for _ in 0..2 {
            known = LinkState::after(Some(&known), checked(good), None, thresholds, NOON).0;
        }
        prop_assert_eq!(known.level, checked(good).carries(thresholds).0);
    }

    #[test]
    fn a_probe_that_changes_nothing_now_changes_nothing_later(
        probes in prop::collection::vec((measured(), prefer()), 1..20), thresholds in thresholds()
    ) {
        let (last, prefer) = probes[probes.len() - 1];
        let mut known = None;
        for (one, prefer) in &probes {
            known = Some(LinkState::after(known.as_ref(), checked(*one), *prefer, thresholds, NOON).0);
        }
        for n in 1..4 {
            let at = NOON + Duration::HOUR * n;
            known = Some(LinkState::after(known.as_ref(), checked(last), prefer, thresholds, at).0);
        }
        let (settled, _) = LinkState::after(known.as_ref(), checked(last), prefer, thresholds, NOON + Duration::DAY);
        prop_assert_eq!(Some(settled), known);
    }

    /// Whatever a client sends as a number, it is taken or named; there is always an answer.
    #[test]
    fn every_number_is_taken_or_named(rtt in any::<f64>(), loss in any::<f64>(), up in any::<f64>(), down in any::<f64>()) {
        let measured = Measured { rtt_ms: rtt, loss_percent: loss, up_kbps: up, down_kbps: down };
        let fine = [(rtt, 6e5), (loss, 1e2), (up, 1e7), (down, 1e7)];
        let absurd = fine.iter().filter(|(value, max)| !(*value >= 0.0 && value <= max)).count();
        match LinkProbe::check(measured) {
            Ok(_) => prop_assert_eq!(absurd, 0),
            Err(named) => prop_assert_eq!(named.len(), absurd),
        }
    }
}
