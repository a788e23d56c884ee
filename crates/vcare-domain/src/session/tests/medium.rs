//! In which medium a visit is held: links, presence, and the fallback to messages.

use super::support::*;
use crate::*;

const VIDEO: LinkUse = LinkUse { mode: MediaMode::Video, cap_kbps: 500 };
const AUDIO: LinkUse = LinkUse { mode: MediaMode::Audio, cap_kbps: 30 };
const MESSAGE: LinkUse = LinkUse { mode: MediaMode::Message, cap_kbps: 0 };

fn noted(visit: &mut VirtualSession, n: u128, link: LinkUse, minutes: i64) {
    applied(visit.note_link(person(n), link, false, minute(minutes)));
}

/// The mode and cause of each segment.
fn held(visit: &VirtualSession) -> Vec<(MediaMode, SegmentCause)> {
    visit.parts().segments.iter().map(|segment| (segment.mode, segment.cause)).collect()
}

fn mode(visit: &VirtualSession) -> MediaMode {
    visit.parts().segments.last().unwrap().mode
}

fn thread(id: &str) -> ThreadId {
    ThreadId::parse(id).unwrap()
}

#[test]
fn a_visit_begins_in_what_the_links_carried_before() {
    for (patient, provider, begins) in [
        (None, None, MediaMode::Video),
        (Some(VIDEO), None, MediaMode::Video),
        (Some(AUDIO), Some(VIDEO), MediaMode::Audio),
        (Some(VIDEO), Some(AUDIO), MediaMode::Audio),
        (Some(MESSAGE), Some(AUDIO), MediaMode::Message),
    ] {
        let mut visit = waiting();
        for (n, link) in [(PATIENT, patient), (PROVIDER, provider)] {
            if let Some(link) = link {
                noted(&mut visit, n, link, 1);
            }
        }
        applied(visit.admit(person(PATIENT), &at(2)));
        assert_eq!(held(&visit), [(begins, SegmentCause::Started)]);
    }
}

#[test]
fn the_medium_follows_the_poorest_link_of_patient_and_providers_who_are_there() {
    let mut visit = active();
    noted(&mut visit, PATIENT, AUDIO, 3);
    noted(&mut visit, PROVIDER, MESSAGE, 4);
    noted(&mut visit, PROVIDER, VIDEO, 6);
    noted(&mut visit, PATIENT, VIDEO, 7);
    assert_eq!(
        held(&visit),
        [
            (MediaMode::Video, SegmentCause::Started),
            (MediaMode::Audio, SegmentCause::LinkDegraded),
            (MediaMode::Message, SegmentCause::LinkDegraded),
            (MediaMode::Audio, SegmentCause::LinkRecovered),
            (MediaMode::Video, SegmentCause::LinkRecovered),
        ]
    );
    let link = |participant, role, link| SessionEvent::LinkChanged { participant: person(participant), role, link };
    let (from, to, cause) = (MediaMode::Video, MediaMode::Audio, SegmentCause::LinkDegraded);
    assert_eq!(
        events(&visit)[..2],
        [link(PATIENT, ParticipantRole::Patient, AUDIO), SessionEvent::MediaModeChanged { from, to, cause }]
    );
    applied(visit.end(None, &at(12)));
    assert_eq!(visit.parts().seconds(), SecondsPerMode { video: 360, audio: 120, message: 120 });
}

#[test]
fn interpreters_observers_and_who_is_not_there_drag_nobody_down() {
    let mut visit = active();
    applied(visit.admit(person(INTERPRETER), &at(3)));
    for n in [INTERPRETER, OBSERVER] {
        noted(&mut visit, n, MESSAGE, 4);
    }
    applied(visit.invite(with_role(9, Some("dr-noori"), ParticipantRole::Provider), LIMIT, &at(4)));
    noted(&mut visit, 9, MESSAGE, 5);
    assert_eq!(mode(&visit), MediaMode::Video);
    applied(visit.join_as_provider(person(77), LIMIT, PATIENCE, &by("dr-noori", 6)));
    assert_eq!(mode(&visit), MediaMode::Message, "a provider who is there counts");
    applied(visit.disconnect(person(9), minute(7), WINDOW));
    assert_eq!(mode(&visit), MediaMode::Video, "one who is gone does not");
    assert_eq!(visit.link_for(person(INTERPRETER)), Some(MESSAGE), "their own link counts for themselves");
    assert_eq!(visit.link_for(person(PATIENT)), None, "nobody else's was probed");
}

#[test]
fn a_choice_is_told_from_a_poor_link() {
    let mut visit = active();
    applied(visit.note_link(person(PATIENT), AUDIO, true, minute(3)));
    assert_eq!(held(&visit)[1], (MediaMode::Audio, SegmentCause::Chosen));
}

#[test]
fn a_link_that_is_used_as_before_changes_nothing() {
    let mut visit = active();
    noted(&mut visit, PATIENT, VIDEO, 3);
    assert_eq!(held(&visit).len(), 1, "it was held in video all the time");
    repeated(&mut visit, |visit| visit.note_link(person(PATIENT), VIDEO, false, minute(4)));
    noted(&mut visit, PATIENT, LinkUse { cap_kbps: 250, ..VIDEO }, 5);
    assert_eq!(held(&visit).len(), 1, "less of the same is no other medium");
}

#[test]
fn who_was_put_out_or_is_a_stranger_has_no_link() {
    let mut visit = active();
    applied(visit.remove(person(PATIENT), reason(), &at(3)));
    let audio = |n| move |visit: &mut VirtualSession| visit.note_link(person(n), AUDIO, false, minute(4));
    refused(&mut visit, Refusal::ParticipantRemoved, audio(PATIENT));
    refused(&mut visit, Refusal::ParticipantNotFound, audio(77));
}

#[test]
fn while_the_patient_is_gone_no_link_changes_the_medium() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    noted(&mut visit, PROVIDER, AUDIO, 6);
    assert_eq!(held(&visit).len(), 1);
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(7)));
    assert_eq!(held(&visit)[1], (MediaMode::Audio, SegmentCause::LinkDegraded));
}

#[test]
fn us_008_falling_back_goes_on_in_messages_and_asks_for_a_thread_once() {
    let mut visit = active();
    applied(visit.fall_back(None, &at(5)));
    assert_eq!(held(&visit)[1], (MediaMode::Message, SegmentCause::Chosen));
    assert_eq!(visit.follow_ups(), [FollowUp::CreateThread]);
    let (from, to, cause) = (MediaMode::Video, MediaMode::Message, SegmentCause::Chosen);
    assert_eq!(events(&visit), [SessionEvent::FallbackInitiated, SessionEvent::MediaModeChanged { from, to, cause }]);
    let wanted = Fallback { requested_by: user("dr-amiri"), reason: None, thread: ThreadRecord::Pending };
    assert_eq!(visit.parts().fallback, Some(wanted));
    repeated(&mut visit, |visit| visit.fall_back(None, &seeing(1, by("dr-noori", 6))));
    let mut visit = saved(visit);
    applied(visit.record_thread(thread("thr_1"), minute(7)));
    assert_eq!(events(&visit), [SessionEvent::FallbackThreadCreated { thread: thread("thr_1") }]);
    repeated(&mut visit, |visit| visit.record_thread(thread("thr_2"), minute(8)));
    repeated(&mut visit, |visit| visit.fall_back(None, &at(9)));
    let refusal = Refusal::InvalidTransition { action: Action::ParkThread, from: SessionStatus::Active };
    refused(&mut visit, refusal, |visit| visit.park_thread(minute(9)));
}

#[test]
fn us_008_a_failed_visit_falls_back_without_another_segment() {
    let mut visit = failed();
    applied(visit.fall_back(None, &at(20)));
    assert_eq!(visit.follow_ups(), [FollowUp::CreateThread]);
    assert_eq!(events(&visit), [SessionEvent::FallbackInitiated]);
    applied(visit.end(None, &at(30)));
    assert_eq!(visit.parts().seconds().total(), 600);
    applied(visit.record_thread(thread("thr_1"), minute(31)));
    assert_eq!(visit.status(), SessionStatus::Ended, "the thread may come late");
}

#[test]
fn a_visit_in_messages_misses_nobodys_connection_and_talks_again_when_the_patient_is_back() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    applied(visit.fall_back(None, &at(6)));
    refused(&mut visit, Refusal::PatientNotLost, |visit| visit.fail(WINDOW, minute(60)));
    applied(visit.disconnect(person(PROVIDER), minute(7), WINDOW));
    noted(&mut visit, PROVIDER, AUDIO, 8);
    assert_eq!(mode(&visit), MediaMode::Message);
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(9)));
    assert_eq!(held(&visit)[2], (MediaMode::Video, SegmentCause::LinkRecovered));
    let mut visit = saved(visit);
    applied(visit.fall_back(None, &at(10)));
    assert_eq!(visit.follow_ups(), [], "the thread is under way");
    assert_eq!(mode(&visit), MediaMode::Message);
}

#[test]
fn messages_that_were_asked_for_stay_whoever_else_comes_and_goes() {
    let mut visit = active();
    applied(visit.fall_back(None, &at(5)));
    applied(visit.disconnect(person(PROVIDER), minute(6), WINDOW));
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-noori", 7)));
    noted(&mut visit, PATIENT, LinkUse { cap_kbps: 1500, ..VIDEO }, 8);
    assert_eq!(mode(&visit), MediaMode::Message, "more of the same is no news");
}

#[test]
fn a_thread_that_was_refused_is_asked_for_again_by_a_person() {
    let mut visit = active();
    applied(visit.fall_back(None, &at(5)));
    applied(visit.park_thread(minute(6)));
    repeated(&mut visit, |visit| visit.park_thread(minute(7)));
    let mut visit = saved(visit);
    applied(visit.fall_back(None, &by("dr-noori", 8)));
    assert_eq!(visit.follow_ups(), [FollowUp::CreateThread]);
    let wanted = Fallback { requested_by: user("dr-amiri"), reason: None, thread: ThreadRecord::Pending };
    assert_eq!(visit.parts().fallback, Some(wanted), "the same thread as before");
    applied(visit.park_thread(minute(9)));
    applied(visit.record_thread(thread("thr_1"), minute(10)));
}

#[test]
fn us_008_the_patient_of_a_failed_visit_and_nobody_else_is_offered_to_go_on_without_a_live_link() {
    let mut visit = failed();
    let offered = |visit: &VirtualSession| visit.fallback_offer(person(PATIENT));
    assert_eq!(offered(&visit), Some(FallbackOffer { thread: None, continue_async: true }));
    for other in [PROVIDER, INTERPRETER, OBSERVER, 77] {
        assert_eq!(visit.fallback_offer(person(other)), None);
    }
    applied(visit.fall_back(None, &at(20)));
    applied(visit.record_thread(thread("thr_1"), minute(21)));
    assert_eq!(offered(&visit), Some(FallbackOffer { thread: Some(thread("thr_1")), continue_async: true }));
    applied(visit.end(None, &at(30)));
    for visit in [visit, scheduled(), waiting(), active(), cancelled()] {
        assert_eq!(offered(&visit), None);
    }
}

#[test]
fn the_last_reason_that_was_given_is_kept_and_a_repeat_without_effect_changes_none() {
    let text = |text: &str| FreeText::parse(text).unwrap();
    let kept = |visit: &VirtualSession| visit.parts().fallback.clone().unwrap().reason;
    let mut visit = active();
    applied(visit.fall_back(Some(text("no sound")), &at(5)));
    assert_eq!(kept(&visit), Some(text("no sound")));
    repeated(&mut visit, |visit| visit.fall_back(Some(text("another")), &at(6)));
    applied(visit.park_thread(minute(7)));
    applied(visit.fall_back(None, &at(8)));
    assert_eq!(kept(&visit), Some(text("no sound")));
    applied(visit.park_thread(minute(9)));
    applied(visit.fall_back(Some(text("the line is dead")), &at(10)));
    assert_eq!(kept(&visit), Some(text("the line is dead")));
}

#[test]
fn a_visit_that_nobody_fell_back_in_has_no_thread() {
    let mut visit = active();
    for (action, answer) in [
        (Action::RecordThread, unchanged(&mut visit, |visit| visit.record_thread(thread("thr_1"), minute(5)))),
        (Action::ParkThread, unchanged(&mut visit, |visit| visit.park_thread(minute(5)))),
    ] {
        assert_eq!(answer, Err(Refusal::InvalidTransition { action, from: SessionStatus::Active }));
    }
}
