//! Drafts, claims, answers, and what follows an answer.

use time::macros::datetime;

use super::support::*;
use crate::*;

#[test]
fn a_draft_is_kept_as_it_was_said_whatever_the_phones_clock_shows() {
    let said = [datetime!(1970-01-01 0:00 UTC), datetime!(2099-12-31 23:59 UTC), NOON].map(Some);
    for authored_at in said.into_iter().chain([None]) {
        let visit = AsyncVisit::submit(NewAsyncVisit { authored_at, ..draft() }, NOON).unwrap();
        assert_eq!(visit.parts().authored_at, authored_at);
        assert_eq!(visit.parts().submitted_at, NOON);
        assert_eq!(visit.status(), AsyncVisitStatus::Submitted);
        assert_eq!(visit.stored(), None);
        assert_eq!(visit.events(), [Recorded { at: NOON, event: AsyncVisitEvent::Submitted }]);
    }
}

#[test]
fn a_draft_has_so_many_symptoms_and_attachments_and_no_more() {
    let symptoms = |n| vec![Symptom::parse("تب").unwrap(); n];
    let with = |symptoms, attachments_expected| {
        AsyncVisit::submit(NewAsyncVisit { symptoms, attachments_expected, ..draft() }, NOON).map(|_| ())
    };
    assert_eq!(with(symptoms(50), 10), Ok(()));
    assert_eq!(with(symptoms(51), 0), Err(InvalidAsyncVisit::TooManySymptoms));
    assert_eq!(with(symptoms(0), 11), Err(InvalidAsyncVisit::TooManyAttachments));
}

#[test]
fn a_claim_lasts_from_one_minute_to_four_hours() {
    for minutes in [1, 30, 240] {
        assert!(ClaimLease::minutes(minutes).is_ok(), "{minutes}");
    }
    for minutes in [0, 241, u16::MAX] {
        assert_eq!(ClaimLease::minutes(minutes), Err(InvalidAsyncVisit::LeaseOutOfRange), "{minutes}");
    }
    assert_eq!(ClaimLease::minutes(30), Ok(ClaimLease::default()));
}

#[test]
fn a_claim_keeps_others_away_until_its_time_is_over() {
    let mut visit = submitted();
    assert_eq!(visit.claim(lease(10), &by(DOCTOR, 0)), Ok(Outcome::Applied));
    let theirs = AsyncVisitRefusal::ClaimedByAnother { until: minute(10) };
    assert_eq!(visit.claim(lease(10), &by(COLLEAGUE, 9)), Err(theirs));
    assert_eq!(visit.claim(lease(10), &by(COLLEAGUE, 10)), Ok(Outcome::Applied));
    let claim = visit.parts().state.claim().unwrap();
    assert_eq!((claim.by.as_str(), claim.claimed_at, claim.until), (COLLEAGUE, minute(10), minute(20)));
    // Who lost it finds out when they want to answer.
    let lost = AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Respond };
    assert_eq!(visit.respond(answer("rest"), Advice::None, &by(DOCTOR, 11)), Err(lost));
}

#[test]
fn a_claim_again_by_the_same_person_lasts_longer_and_began_when_it_began() {
    let mut visit = in_status(AsyncVisitStatus::UnderReview);
    assert_eq!(visit.claim(lease(10), &by(DOCTOR, 2)), Ok(Outcome::AlreadyApplied), "a shorter one shortens nothing");
    assert_eq!(visit.claim(lease(30), &seeing(1, by(DOCTOR, 7))), Ok(Outcome::Applied), "an old version is no matter");
    let claim = visit.parts().state.claim().unwrap();
    assert_eq!((claim.claimed_at, claim.until), (minute(1), minute(37)));
}

#[test]
fn who_holds_a_visit_answers_it_also_when_their_time_is_over_and_nobody_took_it() {
    let mut visit = in_status(AsyncVisitStatus::UnderReview);
    assert_eq!(visit.respond(answer("rest"), Advice::InPerson, &by(DOCTOR, 500)), Ok(Outcome::Applied));
    let response = visit.parts().state.response().unwrap();
    assert_eq!((response.by.as_str(), response.advice), (DOCTOR, Advice::InPerson));
    assert_eq!((response.claimed_at, response.responded_at, response.seconds()), (minute(1), minute(500), 499 * 60));
    assert_eq!(response.encounter, EncounterRecord::Pending);
    assert_eq!(visit.follow_ups(), [FollowUp::CreateEncounter]);
}

#[test]
fn the_same_answer_again_is_no_answer_and_another_one_is_refused() {
    for status in [AsyncVisitStatus::Responded, AsyncVisitStatus::Closed] {
        let mut visit = in_status(status);
        let again = visit.respond(answer("rest"), Advice::LiveVisit, &seeing(1, by(DOCTOR, 9)));
        assert_eq!(again, Ok(Outcome::AlreadyApplied), "{status}");
        for (text, advice) in [("drink", Advice::LiveVisit), ("rest", Advice::None)] {
            let other = visit.respond(answer(text), advice, &by(DOCTOR, 9));
            let refusal = AsyncVisitRefusal::InvalidTransition { action: AsyncVisitAction::Respond, from: status };
            assert_eq!(other, Err(refusal), "{status}");
        }
        assert!(visit.follow_ups().is_empty());
    }
}

#[test]
fn a_visit_has_one_encounter_and_one_charge_whoever_records_them() {
    for status in [AsyncVisitStatus::Responded, AsyncVisitStatus::Closed] {
        let mut visit = in_status(status);
        assert_eq!(visit.park_encounter(minute(10)), Ok(Outcome::Applied));
        assert_eq!(visit.park_encounter(minute(11)), Ok(Outcome::AlreadyApplied));
        assert_eq!(visit.record_encounter(encounter("enc-1"), minute(12)), Ok(Outcome::Applied));
        assert_eq!(visit.record_encounter(encounter("enc-2"), minute(13)), Ok(Outcome::AlreadyApplied));
        assert!(visit.park_encounter(minute(14)).is_err());
        let record = &visit.parts().state.response().unwrap().encounter;
        assert_eq!(record, &EncounterRecord::Created(encounter("enc-1")));
        let charges = visit.events().iter().filter(|one| matches!(one.event, AsyncVisitEvent::Chargeable { .. }));
        assert_eq!(charges.count(), 1);
        assert_eq!(visit.status(), status);
    }
}

#[test]
fn who_answered_adds_to_the_answer_and_nothing_is_overwritten() {
    for status in [AsyncVisitStatus::Responded, AsyncVisitStatus::Closed] {
        let mut visit = in_status(status);
        let before = visit.parts().state.response().unwrap().clone();
        assert_eq!(visit.amend(answer("no milk"), &by(DOCTOR, 20)), Ok(Outcome::Applied), "{status}");
        assert_eq!(visit.amend(answer("no milk"), &seeing(1, by(DOCTOR, 21))), Ok(Outcome::AlreadyApplied), "{status}");
        assert_eq!(visit.amend(answer("no tea"), &by(DOCTOR, 22)), Ok(Outcome::Applied), "{status}");
        assert_eq!(visit.amend(answer("no milk"), &by(DOCTOR, 23)), Ok(Outcome::Applied), "said anew, later");
        let theirs = AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Amend };
        assert_eq!(visit.amend(answer("no milk"), &by(COLLEAGUE, 24)), Err(theirs), "{status}");
        let response = visit.parts().state.response().unwrap();
        let added: Vec<_> = response.addenda.iter().map(|one| (one.text.as_str(), one.at, one.by.as_str())).collect();
        let expected =
            [("no milk", minute(20), DOCTOR), ("no tea", minute(22), DOCTOR), ("no milk", minute(23), DOCTOR)];
        assert_eq!(added, expected);
        assert_eq!(Response { addenda: Vec::new(), ..response.clone() }, before);
        assert_eq!(visit.status(), status);
        let told = visit.events().iter().filter(|one| one.event == AsyncVisitEvent::AddendumAdded).count();
        assert_eq!((told, visit.follow_ups()), (3, &[][..]));
    }
}

#[test]
fn an_answer_is_added_to_so_often_and_no_more() {
    let mut visit = in_status(AsyncVisitStatus::Closed);
    for n in 0..MAX_ADDENDA {
        assert_eq!(visit.amend(answer(&format!("{n}")), &by(DOCTOR, 20)), Ok(Outcome::Applied));
    }
    let full = Err(AsyncVisitRefusal::TooManyAddenda { limit: 20 });
    assert_eq!(visit.amend(answer("more"), &by(DOCTOR, 21)), full);
    assert_eq!(visit.amend(answer("19"), &by(DOCTOR, 21)), Ok(Outcome::AlreadyApplied), "what is there already fits");
    assert_eq!(visit.parts().state.response().unwrap().addenda.len(), MAX_ADDENDA);
}

#[test]
fn encounter_and_charge_name_the_patient_whom_the_chart_names() {
    let other = PatientId::parse("pat-2").unwrap();
    let charted = |patient: &str| {
        let patient = Some(PatientId::parse(patient).unwrap());
        ChartedEncounter { id: encounter("enc-1"), patient }
    };
    for (patient, kept) in [("pat-1", None), ("pat-2", Some(other.clone()))] {
        let mut visit = in_status(AsyncVisitStatus::Responded);
        assert_eq!(visit.record_encounter(charted(patient), minute(20)), Ok(Outcome::Applied));
        assert_eq!(visit.parts().encounter_patient_id, kept);
        assert_eq!(visit.parts().encounter_patient().as_str(), patient);
        assert_eq!(visit.parts().patient_id.as_str(), "pat-1", "whose visit it was stays");
    }
    // By hand: as long as the Encounter is owed.
    let mut visit = in_status(AsyncVisitStatus::Responded);
    assert_eq!(visit.park_encounter(minute(10)), Ok(Outcome::Applied));
    assert_eq!(visit.repoint_encounter(other.clone(), minute(11)), Ok(Outcome::Applied));
    assert_eq!(visit.repoint_encounter(other.clone(), minute(12)), Ok(Outcome::AlreadyApplied));
    assert_eq!(visit.parts().encounter_patient(), &other);
    assert_eq!(visit.record_encounter(encounter("enc-1"), minute(13)), Ok(Outcome::Applied));
    assert_eq!(visit.parts().encounter_patient(), &other, "a chart that does not say whose it is changes nothing");
    let late = AsyncVisitRefusal::InvalidTransition {
        action: AsyncVisitAction::RepointEncounter,
        from: AsyncVisitStatus::Responded,
    };
    assert_eq!(visit.repoint_encounter(other, minute(14)), Err(late));
}

#[test]
fn time_never_runs_backwards_whatever_the_clocks_of_two_servers_say() {
    let mut visit = in_status(AsyncVisitStatus::UnderReview);
    assert_eq!(visit.respond(answer("rest"), Advice::None, &by(DOCTOR, -60)), Ok(Outcome::Applied));
    let response = visit.parts().state.response().unwrap();
    assert_eq!((response.claimed_at, response.responded_at, response.seconds()), (minute(1), minute(1), 0));
}

#[test]
fn what_people_wrote_is_not_printed_with_their_visit() {
    let shown = format!("{:?}", in_status(AsyncVisitStatus::Closed));
    for text in ["سر درد", "تب", "rest", "pat-1", DOCTOR] {
        assert!(!shown.contains(text), "{text}");
    }
}
