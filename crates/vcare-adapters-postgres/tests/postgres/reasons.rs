//! Reasons are stored as a code and a note, beside a version that knows only notes.

use time::Duration;
use vcare_app::ports::{EmergencyReads, Ids};
use vcare_domain::{
    CancelCode, Change, EmergencyAccess, EmergencyAccessId, EmergencyCode, EmergencyReason, NewEmergencyAccess,
    NoShowCode, ParticipantState, PatientId, Reason, RemovalCode, SessionState, SessionStatus, VirtualSession,
};

use crate::support::{Bench, KABUL, PATIENT, PROVIDER, applied, patient_of, prose, tenant, user, uuid_of};

fn by_the_provider(bench: &Bench) -> Change {
    Change { by: user(PROVIDER), at: bench.now(), expected: None }
}

async fn state(bench: &Bench, visit: &VirtualSession) -> SessionState {
    bench.read(visit).await.unwrap().unwrap().parts().state.clone()
}

async fn text(bench: &Bench, what: &str, visit: &VirtualSession) -> Option<String> {
    let query = format!("SELECT {what} FROM virtual_session WHERE id = $1");
    bench.database.query_one(&query, &[&uuid_of(visit)]).await.unwrap().get(0)
}

async fn removal(bench: &Bench, visit: &VirtualSession) -> Reason<RemovalCode> {
    let read = bench.read(visit).await.unwrap().unwrap();
    match &read.parts().patient().unwrap().state {
        ParticipantState::Removed { reason, .. } => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_reason_to_cancel_reads_back_with_and_without_a_note_and_the_version_before_finds_one() {
    let bench = Bench::start().await;
    for code in CancelCode::ALL.iter().copied() {
        for note in [None, Some(prose("brother Habib came to the ward"))] {
            let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
            let reason = Reason { code, note };
            applied(visit.cancel(reason.clone(), &by_the_provider(&bench)));
            bench.save(KABUL, &mut visit).await;
            let SessionState::Cancelled { reason: read, .. } = state(&bench, &visit).await else { panic!() };
            assert_eq!(read, reason);
            // That version reads no cancelled visit without a note.
            let stored = text(&bench, "cancel_reason", &visit).await.unwrap();
            assert_eq!(stored, reason.note.map_or("no note was given", |_| "[encrypted]"));
        }
    }
}

#[tokio::test]
async fn every_reason_of_a_no_show_reads_back() {
    let bench = Bench::start().await;
    for code in NoShowCode::ALL.iter().copied() {
        let mut visit = bench.saved(KABUL, SessionStatus::Scheduled).await;
        let at = visit.parts().schedule.start();
        applied(visit.mark_no_show(code, &Change { at, ..by_the_provider(&bench) }));
        bench.save(KABUL, &mut visit).await;
        assert_eq!(state(&bench, &visit).await, SessionState::NoShow { noted_at: at, code });
    }
}

#[tokio::test]
async fn every_reason_of_a_removal_reads_back_with_and_without_a_note_and_the_version_before_finds_one() {
    let bench = Bench::start().await;
    for code in RemovalCode::ALL.iter().copied() {
        for note in [None, Some(prose("quarrelled with brother Habib"))] {
            let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
            let reason = Reason { code, note };
            applied(visit.remove(patient_of(&visit), reason.clone(), &by_the_provider(&bench)));
            bench.save(KABUL, &mut visit).await;
            assert_eq!(removal(&bench, &visit).await, reason);
            let stored = text(&bench, "participants #>> '{0,reason}'", &visit).await.unwrap();
            assert_eq!(stored, reason.note.map_or("no note was given", |_| "[encrypted]"));
        }
    }
}

#[tokio::test]
async fn what_the_version_before_wrote_reads_as_unstated_and_so_does_a_word_of_a_later_one() {
    let bench = Bench::start().await;
    for word in ["NULL", "'a_word_of_a_later_version'"] {
        let visit = bench.saved(KABUL, SessionStatus::Cancelled).await;
        let SessionState::Cancelled { reason: Reason { note, .. }, .. } = &visit.parts().state else { panic!() };
        let note = note.as_ref().map(|note| note.as_str().to_owned());
        let written = format!("UPDATE virtual_session SET cancel_code = {word}, no_show_code = {word}");
        bench.run(&written, &[]).await;
        let SessionState::Cancelled { reason, .. } = state(&bench, &visit).await else { panic!() };
        assert_eq!((reason.code, reason.note.map(|note| note.as_str().to_owned())), (CancelCode::Other, note));
        let visit = bench.saved(KABUL, SessionStatus::NoShow).await;
        bench.run(&written, &[]).await;
        let SessionState::NoShow { code, .. } = state(&bench, &visit).await else { panic!() };
        assert_eq!(code, NoShowCode::PatientAbsent);
    }
    // A cancelled visit of a version that keeps its notes elsewhere.
    let visit = bench.saved(KABUL, SessionStatus::Cancelled).await;
    bench.run("UPDATE virtual_session SET cancel_code = 'duplicate', cancel_reason = NULL", &[]).await;
    let SessionState::Cancelled { reason, .. } = state(&bench, &visit).await else { panic!() };
    assert_eq!(reason, Reason::of(CancelCode::Duplicate));
}

#[tokio::test]
async fn the_code_of_a_removal_does_not_count_for_a_later_one_by_the_version_before() {
    let bench = Bench::start().await;
    let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    applied(visit.remove(patient_of(&visit), Reason::of(RemovalCode::Disruptive), &by_the_provider(&bench)));
    bench.save(KABUL, &mut visit).await;
    // As it leaves a row in which it brought the patient back: it does not know the column of the codes.
    let back = "UPDATE virtual_session
                   SET participants = jsonb_set(participants #- '{0,reason}', '{0,status}', '\"waiting\"')";
    bench.run(back, &[]).await;
    let read = bench.read(&visit).await.unwrap().unwrap();
    assert!(matches!(read.parts().patient().unwrap().state, ParticipantState::Waiting { .. }));
    let again = "UPDATE virtual_session SET participants = jsonb_set(jsonb_set(jsonb_set(participants,
                     '{0,status}', '\"removed\"'), '{0,since}', '\"2026-03-01T12:34:56.7Z\"'),
                     '{0,reason}', '\"no note was given\"')";
    bench.run(again, &[]).await;
    assert_eq!(removal(&bench, &visit).await, Reason::noted(prose("no note was given")));
}

#[tokio::test]
async fn every_reason_of_an_emergency_reads_back_with_and_without_a_note_and_the_version_before_finds_one() {
    let bench = Bench::start().await;
    let patient = PatientId::parse(PATIENT).unwrap();
    for (code, words) in [
        (EmergencyCode::LifeThreatening, None),
        (EmergencyCode::Handover, Some("the colleague fell ill")),
        (EmergencyCode::Other, Some("no pulse on arrival")),
    ] {
        let reason = Reason { code, note: words.map(|words| EmergencyReason::parse(words).unwrap()) };
        let new = NewEmergencyAccess {
            id: EmergencyAccessId::from_uuid(bench.ids.uuid()),
            tenant_id: tenant(KABUL),
            user_id: user(PROVIDER),
            patient_id: patient.clone(),
            reason: reason.clone(),
            visit: None,
        };
        let access = EmergencyAccess::grant(new, bench.now());
        let mut tx = bench.begin(KABUL).await;
        tx.emergencies().keep(&access, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let read = bench.store.open_emergency(&tenant(KABUL), &user(PROVIDER), &patient, bench.now()).await.unwrap();
        assert_eq!(read, Some(access));
        let stored =
            bench.database.query_one("SELECT reason FROM emergency_access ORDER BY granted_at DESC LIMIT 1", &[]);
        assert_eq!(stored.await.unwrap().get::<_, &str>(0), words.unwrap_or("no note was given"));
        bench.clock.advance(Duration::HOUR);
    }
    // As the version before writes it.
    bench.run("UPDATE emergency_access SET reason_code = NULL, expires_at = expires_at + interval '1 day'", &[]).await;
    let read = bench.store.open_emergency(&tenant(KABUL), &user(PROVIDER), &patient, bench.now()).await.unwrap();
    assert_eq!(read.unwrap().reason, Reason::noted(EmergencyReason::parse("no pulse on arrival").unwrap()));
}
