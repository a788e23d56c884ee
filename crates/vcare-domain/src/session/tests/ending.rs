//! Media modes, cancelling, failing, ending, and the Encounter.

use super::support::*;
use crate::*;

fn seconds(visit: &VirtualSession) -> (u32, u32, u32) {
    let SecondsPerMode { video, audio, message } = visit.parts().seconds();
    (video, audio, message)
}

fn change(visit: &mut VirtualSession, mode: MediaMode, cause: SegmentCause, minutes: i64) {
    applied(visit.change_media_mode(mode, cause, minute(minutes)));
}

#[test]
fn a_cancelled_visit_keeps_who_waited_and_why_it_was_called_off() {
    let mut visit = waiting();
    applied(visit.cancel(reason(), &at(2)));
    assert_eq!(events(&visit), [SessionEvent::Cancelled]);
    assert_eq!(visit.parts().state, SessionState::Cancelled { cancelled_at: minute(2), reason: reason() });
    let patient = visit.parts().patient().unwrap();
    assert_eq!((patient.joined_at, patient.left_at), (Some(minute(1)), Some(minute(2))));
    assert_eq!(visit.follow_ups(), []);
}

#[test]
fn cancelling_again_is_answered_alike_whatever_version_was_seen_and_keeps_the_first_reason() {
    let other = Reason::noted(FreeText::parse("another reason").unwrap());
    repeated(&mut cancelled(), |visit| visit.cancel(other, &seeing(1, at(3))));
}

#[test]
fn changing_the_medium_closes_one_segment_and_opens_the_next() {
    let mut visit = active();
    change(&mut visit, MediaMode::Audio, SegmentCause::LinkDegraded, 5);
    let (from, to, cause) = (MediaMode::Video, MediaMode::Audio, SegmentCause::LinkDegraded);
    assert_eq!(events(&visit), [SessionEvent::MediaModeChanged { from, to, cause }]);
    let [video, audio] = visit.parts().segments[..] else { panic!("two segments") };
    assert_eq!((video.to, audio.from, audio.to), (Some(minute(5)), minute(5), None));
    repeated(&mut visit, |visit| visit.change_media_mode(MediaMode::Audio, SegmentCause::Chosen, minute(6)));
}

#[test]
fn the_segments_sum_to_the_duration() {
    let mut visit = active();
    change(&mut visit, MediaMode::Audio, SegmentCause::LinkDegraded, 5);
    change(&mut visit, MediaMode::Message, SegmentCause::LinkDegraded, 6);
    change(&mut visit, MediaMode::Video, SegmentCause::LinkRecovered, 8);
    applied(visit.end(None, &at(12)));
    assert_eq!(seconds(&visit), (7 * 60, 60, 2 * 60));
    assert_eq!(events(&visit).last(), Some(&SessionEvent::Ended { duration_seconds: 600 }));
}

#[test]
fn parts_of_seconds_are_lost_at_no_border() {
    let mut visit = active();
    for (n, mode) in [MediaMode::Audio, MediaMode::Video].into_iter().cycle().take(10).enumerate() {
        let later = time::Duration::milliseconds(700 * (i64::try_from(n).unwrap() + 1));
        applied(visit.change_media_mode(mode, SegmentCause::Chosen, minute(2) + later));
    }
    let end = Change { at: minute(2) + time::Duration::milliseconds(7999), ..at(2) };
    applied(visit.end(None, &end));
    assert_eq!(events(&visit).last(), Some(&SessionEvent::Ended { duration_seconds: 7 }));
}

#[test]
fn an_ended_visit_owes_an_encounter() {
    let mut visit = active();
    applied(visit.end(None, &at(12)));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 600 }]);
    assert_eq!(visit.follow_ups(), [FollowUp::CreateEncounter]);
    let encounter = EncounterRecord::Pending;
    let state = SessionState::Ended {
        started_at: Some(minute(2)),
        ended_at: minute(12),
        cause: EndCause::Person,
        reason: None,
        encounter,
    };
    assert_eq!(visit.parts().state, state);
    assert!(visit.parts().participants.iter().all(|p| p.joined_at.is_some() == (p.left_at == Some(minute(12)))));
}

#[test]
fn ending_again_is_answered_alike_whatever_version_was_seen() {
    repeated(&mut ended(), |visit| visit.end(None, &seeing(1, at(30))));
}

#[test]
fn a_visit_ended_from_the_waiting_room_has_no_duration_no_encounter_and_no_charge() {
    let mut visit = waiting();
    applied(visit.end(None, &at(25)));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 0 }]);
    assert_eq!(visit.follow_ups(), []);
    let state = SessionState::Ended {
        started_at: None,
        ended_at: minute(25),
        cause: EndCause::Person,
        reason: None,
        encounter: EncounterRecord::NotRequired,
    };
    assert_eq!(visit.parts().state, state);
    for action in [Action::RecordEncounter, Action::ParkEncounter, Action::RepointEncounter] {
        let refusal = Refusal::InvalidTransition { action, from: SessionStatus::Ended };
        refused(&mut visit, refusal, |visit| match action {
            Action::ParkEncounter => visit.park_encounter(minute(26)),
            Action::RepointEncounter => visit.repoint_encounter(PatientId::parse("pat-2").unwrap(), minute(26)),
            _ => visit.record_encounter(encounter("enc-1"), minute(26)),
        });
    }
}

#[test]
fn a_visit_of_one_second_counts() {
    let mut visit = active();
    applied(visit.end(None, &Change { at: minute(2) + time::Duration::SECOND, ..at(2) }));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 1 }]);
    assert_eq!(visit.follow_ups(), [FollowUp::CreateEncounter]);
}

#[test]
fn a_visit_of_less_than_a_second_counts_as_nothing() {
    let mut visit = active();
    applied(visit.end(None, &Change { at: minute(2) + time::Duration::milliseconds(999), ..at(2) }));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 0 }]);
    assert_eq!(visit.follow_ups(), []);
    assert_eq!(visit.parts().state.encounter(), Some(&EncounterRecord::NotRequired));
}

#[test]
fn a_visit_is_given_up_when_its_patient_has_been_gone_for_the_whole_window() {
    let mut visit = active();
    refused(&mut visit, Refusal::PatientNotLost, |visit| visit.fail(WINDOW, minute(4)));
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    assert_eq!(visit.follow_ups(), [FollowUp::FailLostVisit { due: minute(6) }]);
    let early = minute(6) - time::Duration::MILLISECOND;
    refused(&mut visit, Refusal::PatientAwaited { until: minute(6) }, |visit| visit.fail(WINDOW, early));
    applied(visit.fail(WINDOW, minute(6)));
    repeated(&mut visit, |visit| visit.fail(WINDOW, minute(7)));
}

#[test]
fn a_patient_who_came_back_in_time_was_never_lost() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(6)));
    refused(&mut visit, Refusal::PatientNotLost, |visit| visit.fail(WINDOW, minute(60)));
    applied(visit.disconnect(person(PATIENT), minute(60), WINDOW));
    refused(&mut visit, Refusal::PatientAwaited { until: minute(61) }, |visit| visit.fail(WINDOW, minute(60)));
}

#[test]
fn a_visit_goes_on_without_anybody_but_its_patient() {
    let mut visit = active();
    applied(visit.admit(person(INTERPRETER), &at(3)));
    for n in [PROVIDER, INTERPRETER] {
        applied(visit.disconnect(person(n), minute(4), WINDOW));
    }
    assert_eq!(visit.follow_ups(), []);
    refused(&mut visit, Refusal::PatientNotLost, |visit| visit.fail(WINDOW, minute(60)));
}

#[test]
fn a_failed_visit_counts_until_its_patient_was_lost() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(12), WINDOW));
    // Nobody was there to give it up for an hour.
    let mut visit = saved(visit);
    applied(visit.fail(WINDOW, minute(72)));
    assert_eq!(events(&visit), [SessionEvent::Failed]);
    assert_eq!(visit.parts().state, SessionState::Failed { started_at: minute(2), failed_at: minute(72) });
    assert_eq!(seconds(&visit), (600, 0, 0));
    let due = minute(72) + time::Duration::DAY;
    assert_eq!(visit.follow_ups(), [FollowUp::EndByItself { due }], "a clinician may close it before");
    let mut visit = saved(visit);
    applied(visit.end(None, &at(75)));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 600 }]);
    assert_eq!(visit.parts().state.ended_at(), Some(minute(12)), "when the patient was lost, not when it was closed");
    assert_eq!(visit.follow_ups(), [FollowUp::CreateEncounter]);
}

#[test]
fn the_encounter_makes_the_visit_chargeable_once() {
    let mut visit = ended();
    applied(visit.record_encounter(encounter("enc-1"), minute(13)));
    let seconds = SecondsPerMode { video: 600, audio: 0, message: 0 };
    assert_eq!(events(&visit), [SessionEvent::Chargeable { encounter: encounter("enc-1"), seconds }]);
    assert_eq!(visit.parts().state.encounter().and_then(EncounterRecord::id), Some(&encounter("enc-1")));
    assert_eq!(visit.parts().state.ended_at(), Some(minute(12)), "recording does not move the end");
    for id in ["enc-1", "enc-2"] {
        repeated(&mut visit, |visit| visit.record_encounter(encounter(id), minute(14)));
    }
    let refusal = Refusal::InvalidTransition { action: Action::ParkEncounter, from: SessionStatus::Ended };
    refused(&mut visit, refusal, |visit| visit.park_encounter(minute(14)));
}

#[test]
fn encounter_and_charge_name_the_patient_whom_the_chart_names() {
    let other = PatientId::parse("pat-2").unwrap();
    let mut visit = ended();
    let own = visit.parts().patient_id.clone();
    for (patient, kept) in [(own.clone(), None), (other.clone(), Some(other.clone()))] {
        let mut visit = visit.clone();
        let charted = ChartedEncounter { id: encounter("enc-1"), patient: Some(patient.clone()) };
        applied(visit.record_encounter(charted, minute(13)));
        assert_eq!((&visit.parts().encounter_patient_id, visit.parts().encounter_patient()), (&kept, &patient));
        assert_eq!(visit.parts().patient_id, own, "whose visit it was stays");
    }
    // By hand: as long as the Encounter is owed, and back again.
    applied(visit.park_encounter(minute(13)));
    applied(visit.repoint_encounter(other.clone(), minute(14)));
    repeated(&mut visit, |visit| visit.repoint_encounter(other.clone(), minute(15)));
    assert_eq!(visit.parts().encounter_patient(), &other);
    applied(visit.repoint_encounter(own.clone(), minute(16)));
    assert_eq!(visit.parts().encounter_patient_id, None);
    applied(visit.record_encounter(encounter("enc-1"), minute(17)));
    let late = Refusal::InvalidTransition { action: Action::RepointEncounter, from: SessionStatus::Ended };
    refused(&mut visit, late, |visit| visit.repoint_encounter(other.clone(), minute(18)));
}

#[test]
fn a_parked_encounter_can_still_be_recorded() {
    let mut visit = ended();
    applied(visit.park_encounter(minute(13)));
    assert_eq!(events(&visit), [SessionEvent::EncounterParked]);
    repeated(&mut visit, |visit| visit.park_encounter(minute(14)));
    applied(visit.record_encounter(encounter("enc-1"), minute(90)));
    assert!(matches!(events(&visit).last(), Some(SessionEvent::Chargeable { .. })));
    assert_eq!(visit.follow_ups(), [], "the job exists since the end");
}

#[test]
fn a_clock_that_runs_behind_never_makes_time_negative() {
    let mut visit = active();
    applied(visit.change_media_mode(MediaMode::Audio, SegmentCause::LinkDegraded, minute(-500)));
    applied(visit.disconnect(person(PATIENT), minute(-400), WINDOW));
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(-300)));
    applied(visit.end(None, &at(-200)));
    assert_eq!(events(&visit).last(), Some(&SessionEvent::Ended { duration_seconds: 0 }));
    assert_eq!(seconds(&visit), (0, 0, 0));
    assert!(visit.events().iter().all(|recorded| recorded.at == minute(2)));
    assert_eq!(visit.parts().updated_at, minute(2));
}

#[test]
fn a_visit_admitted_by_a_slow_clock_begins_no_earlier_than_it_was_last_changed() {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(-60)));
    assert_eq!(visit.parts().state.started_at(), Some(minute(1)));
    applied(visit.end(None, &at(11)));
    assert_eq!(seconds(&visit), (600, 0, 0));
}
