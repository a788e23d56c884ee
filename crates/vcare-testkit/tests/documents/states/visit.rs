//! A live visit, its participants, and what follows it.

use std::collections::{BTreeMap, BTreeSet};

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_domain::{
    Change, Delay, EncounterId, FreeText, Heard, HttpsUrl, LinkUse, MediaMode, NewParticipant, NewSession, NewTime,
    NoShowCode, Outcome, ParticipantId, ParticipantRole, ParticipantStatus, Patience, PatientId, Profile, Reason,
    ReasonCode, RecordingRef, Refusal, Room, RoomName, Schedule, SegmentCause, SessionId, SessionStatus, TenantId,
    ThreadId, TimeZoneName, UserId, VideoBackend, VirtualSession,
};

use super::explore::{Cells, Command, Machine, OUTSIDE, are_all_commands, explore};

pub const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
pub const DOCTOR: &str = "dr-amiri";
const LIMIT: u8 = 3;
const WINDOW: Duration = Duration::MINUTE;
const PATIENCE: Patience = Patience::DEFAULT;
/// Patient, provider and interpreter: one of each who comes in a way of their own.
const PEOPLE: [(u128, ParticipantRole); 3] =
    [(1, ParticipantRole::Patient), (2, ParticipantRole::Provider), (3, ParticipantRole::Interpreter)];

fn person(n: u128) -> ParticipantId {
    ParticipantId::from_uuid(Uuid::from_u128(n))
}

fn user(n: u128) -> UserId {
    UserId::parse(if n == 2 { DOCTOR } else { "karim" }).unwrap()
}

/// Everything happens long after what was before, so that no window is still open.
fn later(visit: &VirtualSession) -> OffsetDateTime {
    visit.parts().updated_at + Duration::minutes(2)
}

fn by_the_doctor(visit: &VirtualSession) -> Change {
    Change { by: user(2), at: later(visit), expected: None }
}

fn created() -> VirtualSession {
    let zone = TimeZoneName::parse("Asia/Kabul").unwrap();
    let new = NewSession {
        id: SessionId::from_uuid(Uuid::from_u128(100)),
        tenant_id: TenantId::parse("hosp-kabul").unwrap(),
        node_id: None,
        patient_id: PatientId::parse("pat-1").unwrap(),
        patient_participant_id: person(1),
        appointment_id: None,
        provider: Some((user(2), person(2))),
        initiator_id: user(2),
        video_backend: VideoBackend::Jitsi,
        room: Room {
            name: RoomName::parse("kabul-abcdefgh").unwrap(),
            url: HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap(),
        },
        schedule: Schedule::plan(NOON, None, zone, NOON).unwrap(),
        recording_enabled: true,
    };
    VirtualSession::create(new, NOON)
}

/// A command for each of the people.
fn of_each(
    name: &'static str,
    give: impl Fn(&mut VirtualSession, u128, ParticipantRole) -> Result<Outcome, Refusal> + Copy + 'static,
) -> impl Iterator<Item = Command<VirtualSession>> {
    PEOPLE.into_iter().map(move |(n, role)| {
        let command = move |visit: &mut VirtualSession| give(visit, n, role).ok();
        (name, Box::new(command) as Box<dyn Fn(&mut VirtualSession) -> Option<Outcome>>)
    })
}

fn of_all(
    name: &'static str,
    give: impl Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + 'static,
) -> impl Iterator<Item = Command<VirtualSession>> {
    std::iter::once((name, Box::new(move |visit: &mut VirtualSession| give(visit).ok()) as Box<_>))
}

fn reason<C: ReasonCode>() -> Reason<C> {
    Reason::noted(FreeText::parse("snow").unwrap())
}

fn newest_token(visit: &VirtualSession, n: u128) -> u32 {
    visit.parts().participant(person(n)).map_or(0, |participant| participant.token_version)
}

fn commands() -> Vec<Command<VirtualSession>> {
    let mut commands: Vec<Command<VirtualSession>> = Vec::new();
    commands.extend(of_each("invite", |visit, n, role| {
        let new = NewParticipant { id: person(n), user_id: Some(user(n)), role };
        visit.invite(new, LIMIT, &by_the_doctor(visit))
    }));
    commands.extend(of_each("issue_join_token", |visit, n, _| {
        visit.issue_join_token(person(n), None, LIMIT, &by_the_doctor(visit))
    }));
    commands.extend(of_each("join", |visit, n, role| {
        // Nobody can hold a link that is issued to nobody.
        if role == ParticipantRole::Provider {
            return Err(Refusal::ProvidersSignIn);
        }
        visit.join(person(n), newest_token(visit, n), PATIENCE.resume, later(visit))
    }));
    commands.extend(of_all("join_as_provider", |visit| {
        visit.join_as_provider(person(2), LIMIT, PATIENCE, &by_the_doctor(visit))
    }));
    commands.extend(of_each("admit", |visit, n, _| visit.admit(person(n), &by_the_doctor(visit))));
    commands.extend(of_each("connect", |visit, n, _| visit.connect(person(n), later(visit), PATIENCE)));
    commands.extend(of_each("disconnect", |visit, n, _| visit.disconnect(person(n), later(visit), WINDOW)));
    for heard in Heard::ALL {
        commands.extend(of_each("hear", move |visit, n, _| visit.hear(person(n), heard, later(visit), PATIENCE)));
    }
    commands.extend(of_each("note_link", |visit, n, _| {
        visit.note_link(person(n), LinkUse { mode: MediaMode::Audio, cap_kbps: 30 }, false, later(visit))
    }));
    commands.extend(of_each("remove", |visit, n, _| visit.remove(person(n), reason(), &by_the_doctor(visit))));
    commands.extend(of_all("change_media_mode", |visit| {
        visit.change_media_mode(MediaMode::Audio, SegmentCause::LinkDegraded, later(visit))
    }));
    commands.extend(of_all("withdraw_recording", |visit| visit.withdraw_recording(&by_the_doctor(visit))));
    commands.extend(of_all("record_recording", |visit| {
        visit.record_recording(RecordingRef::parse("a.mp4").unwrap(), later(visit))
    }));
    commands.extend(of_all("fall_back", |visit| visit.fall_back(None, &by_the_doctor(visit))));
    commands
        .extend(of_all("record_thread", |visit| visit.record_thread(ThreadId::parse("thr_1").unwrap(), later(visit))));
    commands.extend(of_all("park_thread", |visit| visit.park_thread(later(visit))));
    commands.extend(of_all("fail", |visit| visit.fail(WINDOW, later(visit))));
    commands.extend(of_each("invite_described", |visit, n, role| {
        let new = NewParticipant { id: person(n), user_id: Some(user(n)), role };
        visit.invite_described(new, &Profile::default(), LIMIT, &by_the_doctor(visit))
    }));
    commands.extend(of_each("describe", |visit, n, _| {
        visit.describe(person(n), &Profile::default()).map(|()| Outcome::AlreadyApplied)
    }));
    commands.extend(of_all("join_as_named_provider", |visit| {
        visit.join_as_named_provider(person(2), None, LIMIT, PATIENCE, &by_the_doctor(visit))
    }));
    commands.extend(of_all("cancel", |visit| visit.cancel(reason(), &by_the_doctor(visit))));
    commands.extend(of_each("cancel_by_link", |visit, n, _| {
        visit.cancel_by_link(person(n), newest_token(visit, n), reason(), later(visit))
    }));
    commands.extend(of_all("reschedule", |visit| {
        let to = NewTime { start: Some(later(visit) + Duration::HOUR), ..NewTime::default() };
        visit.reschedule(&to, Duration::ZERO, &by_the_doctor(visit))
    }));
    let delay = Delay::from_minutes(30).unwrap();
    commands.extend(of_all("announce_delay", move |visit| visit.announce_delay(delay, later(visit))));
    commands.extend(of_each("announce_delay_by_link", move |visit, n, _| {
        visit.announce_delay_by_link(person(n), newest_token(visit, n), delay, later(visit))
    }));
    commands.extend(of_all("end_by_itself", |visit| {
        visit.end_by_itself(PATIENCE, visit.parts().updated_at + Duration::days(2))
    }));
    commands
        .extend(of_all("mark_no_show", |visit| visit.mark_no_show(NoShowCode::PatientAbsent, &by_the_doctor(visit))));
    commands.extend(of_all("end", |visit| visit.end(None, &by_the_doctor(visit))));
    commands.extend(of_all("record_encounter", |visit| {
        visit.record_encounter(EncounterId::parse("enc-1").unwrap(), later(visit))
    }));
    commands.extend(of_all("park_encounter", |visit| visit.park_encounter(later(visit))));
    commands.extend(of_all("repoint_encounter", |visit| {
        visit.repoint_encounter(PatientId::parse("pat-2").unwrap(), later(visit))
    }));
    commands
}

fn encounter(visit: &VirtualSession) -> &'static str {
    visit.parts().state.encounter().map_or(OUTSIDE, |record| record.status().as_str())
}

fn thread(visit: &VirtualSession) -> &'static str {
    visit.parts().fallback.as_ref().map_or(OUTSIDE, |fallback| fallback.thread.as_str())
}

fn state_of(visit: &VirtualSession, n: u128) -> &'static str {
    visit.parts().participant(person(n)).map_or(OUTSIDE, |participant| participant.state.status().as_str())
}

/// What decides about what may come. A link counts only while none was ever issued.
fn key(visit: &VirtualSession) -> String {
    let people = PEOPLE.map(|(n, _)| {
        let invited = visit.parts().participant(person(n)).is_some_and(|participant| participant.token_version > 0);
        (state_of(visit, n), invited)
    });
    let medium = visit.parts().segments.last().map(|segment| (segment.mode, segment.to.is_some()));
    format!("{} {people:?} {} {} {medium:?}", visit.status().as_str(), encounter(visit), thread(visit))
}

/// The machines that are found in a live visit, and what each command comes to.
pub struct Found {
    pub visit: Machine,
    pub by_link: Machine,
    pub provider: Machine,
    pub encounter: Machine,
    pub thread: Machine,
    pub table: String,
}

pub fn found() -> Found {
    let commands = commands();
    let mut names: Vec<&'static str> = commands.iter().map(|(name, _)| *name).collect();
    names.dedup();
    are_all_commands(&names, "session");
    let mut visit = Machine::beginning("create", SessionStatus::Scheduled.as_str());
    let mut by_link = Machine::beginning("create", ParticipantStatus::Invited.as_str());
    let mut provider = Machine::beginning("create", ParticipantStatus::Invited.as_str());
    let (mut encounters, mut threads, mut cells) = (Machine::default(), Machine::default(), Cells::default());
    explore(created(), &commands, key, |before, command, after, answer| {
        let (from, to) = (before.status().as_str(), after.status().as_str());
        cells.note(from, command, to, answer);
        visit.step(from, command, to);
        for (n, role) in PEOPLE {
            let machine = if role == ParticipantRole::Provider { &mut provider } else { &mut by_link };
            machine.step(state_of(before, n), command, state_of(after, n));
        }
        encounters.step(encounter(before), command, encounter(after));
        threads.step(thread(before), command, thread(after));
    });
    let states: Vec<&str> = SessionStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(
        visit.states(),
        states.iter().copied().collect::<BTreeSet<_>>(),
        "states of a visit that nothing leads to"
    );
    let all: BTreeSet<&str> = ParticipantStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(by_link.states(), all, "states of a participant that nothing leads to");
    let table = cells.table(&states, &names);
    Found {
        visit: visit.ending(&["ended", "cancelled"]),
        by_link,
        provider,
        encounter: encounters,
        thread: threads.ending(&["created"]),
        table,
    }
}

/// A visit in which the doctor has taken part, as a draft needs one.
pub fn held() -> VirtualSession {
    let mut visit = created();
    let steps: BTreeMap<&str, _> = commands().into_iter().rev().collect();
    for step in ["issue_join_token", "join", "admit"] {
        assert_eq!(steps[step](&mut visit), Some(Outcome::Applied), "{step}");
    }
    visit
}
