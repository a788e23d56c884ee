//! Creating a visit, inviting people, issuing links.

use super::support::*;
use crate::*;
use time::Duration;

fn token_version(visit: &VirtualSession, n: u128) -> u32 {
    visit.parts().participant(person(n)).unwrap().token_version
}

#[test]
fn a_new_visit_is_scheduled_at_version_1_with_patient_and_provider_invited() {
    let visit = VirtualSession::create(plan(Some("dr-amiri")), NOON);
    assert_eq!(visit.status(), SessionStatus::Scheduled);
    assert_eq!(visit.version(), Version::FIRST);
    assert_eq!(events(&visit), [SessionEvent::Created]);
    assert_eq!(visit.follow_ups(), []);
    assert_eq!(visit.stored(), None);
    let parts = visit.parts();
    assert_eq!(parts.provider_id, Some(user("dr-amiri")));
    assert_eq!((parts.created_at, parts.updated_at), (NOON, NOON));
    assert_eq!(parts.patient().map(|p| p.id), Some(person(PATIENT)));
    assert_eq!(parts.provider(&user("dr-amiri")).map(|p| p.id), Some(person(PROVIDER)));
    assert!(parts.participants.iter().all(|p| p.state == ParticipantState::Invited && p.token_version == 0));
}

#[test]
fn a_visit_without_provider_has_only_its_patient() {
    let visit = VirtualSession::create(plan(None), NOON);
    assert_eq!(visit.parts().participants.len(), 1);
    assert_eq!(visit.parts().provider_id, None);
}

#[test]
fn an_invited_person_is_noted_with_role_and_id() {
    let mut visit = scheduled();
    applied(visit.invite(observer(9), LIMIT, &at(1)));
    assert_eq!(
        events(&visit),
        [SessionEvent::ParticipantInvited { participant: person(9), role: ParticipantRole::Observer }]
    );
    assert_eq!(status_of(&visit, 9), ParticipantStatus::Invited);
}

#[test]
fn the_same_account_is_invited_once_in_a_role() {
    let mut visit = scheduled();
    let karim = |n, role| with_role(n, Some("karim"), role);
    repeated(&mut visit, |visit| visit.invite(karim(9, ParticipantRole::Interpreter), LIMIT, &seeing(1, at(1))));
    applied(visit.invite(karim(9, ParticipantRole::Observer), LIMIT, &at(1)));
}

#[test]
fn people_without_account_are_never_taken_for_each_other() {
    let mut visit = scheduled();
    applied(visit.invite(observer(8), LIMIT, &at(1)));
    applied(visit.invite(observer(9), LIMIT, &at(1)));
}

#[test]
fn a_visit_has_one_patient() {
    let second = with_role(9, Some("pat-2"), ParticipantRole::Patient);
    refused(&mut scheduled(), Refusal::PatientAlreadyInvited, |visit| visit.invite(second, LIMIT, &at(1)));
}

#[test]
fn the_tenants_limit_holds_and_a_removed_person_frees_a_place() {
    let mut visit = scheduled();
    refused(&mut visit, Refusal::TooManyParticipants { limit: 4 }, |visit| visit.invite(observer(9), 4, &at(1)));
    refused(&mut visit, Refusal::TooManyParticipants { limit: 4 }, |visit| {
        visit.join_as_provider(person(9), 4, PATIENCE, &by("dr-noori", 1))
    });
    applied(visit.remove(person(OBSERVER), reason(), &at(1)));
    applied(visit.invite(observer(9), 4, &at(1)));
}

#[test]
fn a_removed_person_is_invited_again_as_the_same_participant() {
    let mut visit = scheduled();
    applied(visit.remove(person(INTERPRETER), reason(), &at(1)));
    let mut visit = saved(visit);
    let karim = || with_role(9, Some("karim"), ParticipantRole::Interpreter);
    refused(&mut visit, Refusal::TooManyParticipants { limit: 3 }, |visit| visit.invite(karim(), 3, &at(2)));
    applied(visit.invite(karim(), 4, &at(2)));
    assert_eq!(
        events(&visit),
        [SessionEvent::ParticipantInvited { participant: person(INTERPRETER), role: ParticipantRole::Interpreter }]
    );
    assert_eq!(visit.parts().participant(person(9)), None);
    refused(&mut visit, Refusal::TokenSuperseded, |visit| {
        visit.join(person(INTERPRETER), 1, PATIENCE.resume, minute(2))
    });
    refused(&mut visit, Refusal::TokenSuperseded, |visit| {
        visit.join(person(INTERPRETER), 0, PATIENCE.resume, minute(2))
    });
}

#[test]
fn a_removed_provider_comes_back_by_a_new_invitation() {
    let mut visit = active();
    applied(visit.invite(with_role(8, Some("dr-noori"), ParticipantRole::Provider), LIMIT, &at(3)));
    applied(visit.remove(person(8), reason(), &at(3)));
    let come = |visit: &mut VirtualSession| visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-noori", 4));
    refused(&mut visit, Refusal::ParticipantRemoved, come);
    applied(visit.invite(with_role(9, Some("dr-noori"), ParticipantRole::Provider), LIMIT, &at(4)));
    applied(come(&mut visit));
    assert_eq!(status_of(&visit, 8), ParticipantStatus::Active);
}

#[test]
fn each_link_ends_the_one_before() {
    let mut visit = VirtualSession::create(plan(None), NOON);
    for version in 1..=3 {
        applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(1)));
        assert_eq!(token_version(&visit, PATIENT), version);
        assert_eq!(
            events(&visit).last(),
            Some(&SessionEvent::JoinTokenIssued { participant: person(PATIENT), token_version: version })
        );
    }
    for old in [0, 1, 2, 4] {
        assert_eq!(visit.admits_token(person(PATIENT), old).err(), Some(Refusal::TokenSuperseded), "{old}");
    }
    assert_eq!(visit.admits_token(person(PATIENT), 3).map(|p| p.id), Ok(person(PATIENT)));
}

#[test]
fn a_removed_person_whose_place_was_taken_gets_no_link() {
    let mut visit = scheduled();
    applied(visit.remove(person(INTERPRETER), reason(), &at(1)));
    applied(visit.invite(observer(9), 4, &at(2)));
    refused(&mut visit, Refusal::TooManyParticipants { limit: 4 }, |visit| {
        visit.issue_join_token(person(INTERPRETER), None, 4, &at(3))
    });
    applied(visit.issue_join_token(person(PATIENT), None, 4, &at(3)));
    applied(visit.issue_join_token(person(INTERPRETER), None, 5, &at(3)));
}

#[test]
fn who_was_given_no_link_cannot_come_by_one() {
    let mut visit = VirtualSession::create(plan(Some("dr-amiri")), NOON);
    for n in [PATIENT, PROVIDER] {
        refused(&mut visit, Refusal::TokenSuperseded, |visit| visit.join(person(n), 0, PATIENCE.resume, minute(1)));
    }
}

#[test]
fn a_new_link_for_somebody_inside_is_for_providers_alone_and_leads_to_the_waiting_room() {
    let mut visit = active();
    let stranger = Change { by: UserId::parse("scheduler-1").unwrap(), ..at(3) };
    refused(&mut visit, Refusal::NotItsProvider, |visit| {
        visit.issue_join_token(person(PATIENT), None, LIMIT, &stranger)
    });
    assert_eq!(visit.entry(person(PATIENT)), Entry::DirectJoin);
    applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(3)));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Invited);
    assert_eq!(visit.entry(person(PATIENT)), Entry::WaitingRoom);
    assert!(matches!(visit.admit(person(PATIENT), &at(4)), Err(Refusal::NotWaiting { .. })));
}

#[test]
fn providers_get_no_link_and_strangers_neither() {
    let mut visit = scheduled();
    refused(&mut visit, Refusal::ProvidersSignIn, |visit| {
        visit.issue_join_token(person(PROVIDER), None, LIMIT, &at(1))
    });
    refused(&mut visit, Refusal::ParticipantNotFound, |visit| visit.issue_join_token(person(9), None, LIMIT, &at(1)));
}

#[test]
fn a_link_opens_until_the_planned_end_and_the_grace() {
    let hour = Duration::hours(1);
    let planned = minute(30) + hour;
    assert_eq!(scheduled().link_expires_at(hour, minute(0)), planned);
    assert_eq!(scheduled().link_expires_at(hour, minute(300)), planned);
    assert_eq!(active().link_expires_at(hour, minute(5)), planned);
}

#[test]
fn a_link_that_is_issued_is_good_for_an_hour_at_least() {
    let grace = Duration::minutes(10);
    assert_eq!(scheduled().new_link_expires_at(grace, minute(-300)), minute(40));
    for visit in [scheduled(), active()] {
        assert_eq!(visit.new_link_expires_at(grace, minute(35)), minute(95));
    }
}

#[test]
fn whoever_came_in_time_keeps_getting_in_however_late_the_clinic_runs() {
    let (issued_until, late) = (minute(90), minute(500));
    let opens = |visit: &VirtualSession, n| visit.link_is_open(person(n), issued_until, late);
    for visit in [waiting(), active(), failed()] {
        assert!(opens(&visit, PATIENT), "{}", visit.status());
        assert!(!opens(&visit, OBSERVER), "the observer has not come: {}", visit.status());
    }
    assert!(!opens(&scheduled(), PATIENT), "nobody has come");
    assert!(scheduled().link_is_open(person(PATIENT), issued_until, minute(89)));
    for visit in [ended(), cancelled(), no_show()] {
        assert!(!opens(&visit, PATIENT), "{}", visit.status());
    }
    // The visit was moved since the link was issued.
    assert!(scheduled().link_is_open(person(PATIENT), minute(-60), minute(29)));
    assert!(!scheduled().link_is_open(person(PATIENT), minute(-60), minute(30)));
}

#[test]
fn a_visit_that_runs_late_keeps_its_links_open() {
    let hour = Duration::hours(1);
    for visit in [waiting(), active()] {
        assert_eq!(visit.link_expires_at(hour, minute(300)), minute(360));
    }
    for visit in [failed(), ended(), cancelled()] {
        assert_eq!(visit.link_expires_at(hour, minute(300)), minute(90));
    }
}
