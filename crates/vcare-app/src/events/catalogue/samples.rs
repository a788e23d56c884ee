//! A sample of every event, told by visits that really run: a sample cannot show what the code does not write.

mod async_visits;
mod emergency;

use std::collections::BTreeMap;
use std::error::Error;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_domain::{
    AppointmentId, CancelCode, Change, Delay, EncounterId, EventId, FreeText, HttpsUrl, LinkUse, MediaMode,
    NewParticipant, NewSession, NewTime, NoShowCode, NodeId, Outcome, ParticipantId, ParticipantRole, Patience,
    PatientId, Reason, RecordingRef, Refusal, RemovalCode, Room, RoomName, Schedule, SegmentCause, SessionEvent,
    SessionId, TenantConfig, TenantConfigDraft, TenantId, ThreadId, TimeZoneName, UserId, Version, VideoBackend,
    VirtualSession,
};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::authorisation::Permission;
use crate::events::{AuditEntry, config_event, session_event};
use crate::gates::{Gate, GateBlock};
use crate::ports::ConsentSubject;

/// A sample that cannot be made: a fixed value below does not pass its own check any more.
pub type SampleError = Box<dyn Error + Send + Sync>;

const WINDOW: Duration = Duration::MINUTE;
const GRACE: Duration = Duration::minutes(15);
const PATIENCE: Patience = Patience::DEFAULT;
const CREATED_AT: OffsetDateTime = datetime!(2026-03-01 08:00 UTC);
const LIMIT: u8 = 6;
const SCHEDULER: &str = "2b1f0c9e-5a0e-4c7e-9b61-0d9a4f1f7a10";
const CLINICIAN: &str = "7d0c2b54-3c55-4f0a-8a0e-6f1f6f0f2a21";
const INTERPRETER: &str = "c4a9e0d2-91b7-4f6e-b6b1-2f0f9f7f3b32";
/// Free text that people wrote. No event may carry it.
const WHY_REMOVED: &str = "the interpreter knows the family";
const WHY_MESSAGES: &str = "the grandmother cannot hear on this line";
const WHY_CANCELLED: &str = "the patient came to the clinic instead";

/// A sample of every event type, by subject: the very bytes that would be published.
///
/// # Errors
/// [`SampleError`] if a fixed value of the samples is refused.
pub fn samples() -> Result<BTreeMap<&'static str, Vec<u8>>, SampleError> {
    let mut samples = BTreeMap::new();
    for (_, subject, body) in told()? {
        samples.entry(subject).or_insert(body);
    }
    Ok(samples)
}

/// What was published, and because of what; `None` for what is no event of a live visit.
type Told = (Option<SessionEvent>, &'static str, Vec<u8>);

fn told() -> Result<Vec<Told>, SampleError> {
    let mut narrator = Narrator { told: Vec::new() };
    narrator.a_visit_that_is_held()?;
    narrator.a_visit_that_is_cancelled()?;
    narrator.a_visit_that_fails()?;
    narrator.a_visit_that_is_recorded()?;
    narrator.visits_that_go_on_in_messages()?;
    narrator.a_visit_without_consent()?;
    narrator.settings_that_are_changed()?;
    narrator.an_async_visit_that_is_answered()?;
    narrator.an_async_visit_whose_encounter_is_refused()?;
    narrator.an_emergency()?;
    narrator.an_erasure()?;
    Ok(narrator.told)
}

fn minute(n: i64) -> OffsetDateTime {
    CREATED_AT + Duration::minutes(n)
}

/// A UUIDv7 of that instant, with a number where chance would be.
fn uuid(at: OffsetDateTime, number: usize) -> Uuid {
    let milliseconds = at.unix_timestamp_nanos().unsigned_abs() / 1_000_000;
    let version_and_variant = 0x7000_8000_0000_0000_0000_u128;
    Uuid::from_u128((milliseconds << 80) | version_and_variant | number as u128)
}

fn participant(n: usize) -> ParticipantId {
    ParticipantId::from_uuid(uuid(CREATED_AT, 0x100 + n))
}

fn user(id: &str) -> Result<UserId, SampleError> {
    Ok(UserId::parse(id)?)
}

fn scope(actor: ActorRef) -> Result<Scope, SampleError> {
    let trace = TraceContext {
        correlation_id: "req-01KJKG7B00CORRELATION00000".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    };
    Ok(Scope { tenant_id: TenantId::parse("kabul-central-hospital")?, actor, trace })
}

/// A visit of patient 1, provider 2 and whoever is invited to it.
fn plan(number: usize) -> Result<NewSession, SampleError> {
    let room = format!("kabul-k3v9x2q{number}");
    Ok(NewSession {
        id: SessionId::from_uuid(uuid(CREATED_AT, number)),
        tenant_id: TenantId::parse("kabul-central-hospital")?,
        node_id: Some(NodeId::parse("outpatient-2")?),
        patient_id: PatientId::parse("pat-5f1c7e20")?,
        patient_participant_id: participant(1),
        appointment_id: Some(AppointmentId::parse("appt-88213")?),
        provider: Some((user(CLINICIAN)?, participant(2))),
        initiator_id: user(SCHEDULER)?,
        video_backend: VideoBackend::Jitsi,
        room: Room { url: HttpsUrl::parse(&format!("https://meet.example/{room}"))?, name: RoomName::parse(room)? },
        schedule: Schedule::plan(minute(60), None, TimeZoneName::parse("Asia/Kabul")?, CREATED_AT)?,
        recording_enabled: false,
    })
}

/// Runs visits and writes down what they publish.
struct Narrator {
    told: Vec<Told>,
}

impl Narrator {
    fn a_visit_that_is_held(&mut self) -> Result<(), SampleError> {
        let (patient, interpreter) = (participant(1), participant(3));
        let mut visit = self.created(1)?;
        let invited =
            NewParticipant { id: interpreter, user_id: Some(user(INTERPRETER)?), role: ParticipantRole::Interpreter };
        self.user(&mut visit, SCHEDULER, 1, |visit, change| visit.invite(invited, LIMIT, &change))?;
        self.come_and_be_admitted(&mut visit)?;
        self.of(&mut visit, ActorRef::Participant(patient), |visit| {
            visit.change_media_mode(MediaMode::Audio, SegmentCause::LinkDegraded, minute(68))
        })?;
        self.of(&mut visit, ActorRef::Participant(patient), |visit| visit.disconnect(patient, minute(70), WINDOW))?;
        self.of(&mut visit, ActorRef::Participant(patient), |visit| {
            visit.join(patient, 1, PATIENCE.resume, minute(71))
        })?;
        let reason = Reason { code: RemovalCode::NoLongerNeeded, note: Some(FreeText::parse(WHY_REMOVED)?) };
        self.user(&mut visit, CLINICIAN, 75, |visit, change| visit.remove(interpreter, reason, &change))?;
        self.user(&mut visit, CLINICIAN, 83, |visit, change| visit.end(None, &change))?;
        let encounter = EncounterId::parse("enc-77120")?;
        self.of(&mut visit, ActorRef::System("encounter"), |visit| visit.record_encounter(encounter, minute(84)))
    }

    fn a_visit_that_is_cancelled(&mut self) -> Result<(), SampleError> {
        let mut visit = self.created(2)?;
        let reason = Reason { code: CancelCode::SeenElsewhere, note: Some(FreeText::parse(WHY_CANCELLED)?) };
        self.user(&mut visit, SCHEDULER, 30, |visit, change| visit.cancel(reason, &change))?;
        let mut visit = self.created(6)?;
        let delay = Delay::from_minutes(20).ok_or("20 minutes can be announced")?;
        let patient = participant(1);
        self.of(&mut visit, ActorRef::Participant(patient), |visit| visit.announce_delay(delay, minute(50)))?;
        let to = NewTime { start: Some(minute(120)), ..NewTime::default() };
        self.user(&mut visit, SCHEDULER, 55, |visit, change| visit.reschedule(&to, GRACE, &change))?;
        self.user(&mut visit, CLINICIAN, 150, |visit, change| visit.mark_no_show(NoShowCode::PatientAbsent, &change))
    }

    fn a_visit_that_fails(&mut self) -> Result<(), SampleError> {
        let mut visit = self.created(3)?;
        self.come_and_be_admitted(&mut visit)?;
        let patient = participant(1);
        self.of(&mut visit, ActorRef::Participant(patient), |visit| visit.disconnect(patient, minute(71), WINDOW))?;
        self.of(&mut visit, ActorRef::System("reconnect_window"), |visit| visit.fail(WINDOW, minute(72)))?;
        let back = |visit: &mut VirtualSession| visit.join(patient, 1, PATIENCE.resume, minute(74));
        self.of(&mut visit, ActorRef::Participant(patient), back)?;
        self.user(&mut visit, CLINICIAN, 80, |visit, change| visit.end(None, &change))?;
        self.of(&mut visit, ActorRef::System("encounter"), |visit| visit.park_encounter(minute(81)))
    }

    fn a_visit_that_is_recorded(&mut self) -> Result<(), SampleError> {
        let mut visit = VirtualSession::create(NewSession { recording_enabled: true, ..plan(4)? }, CREATED_AT);
        self.tell(&mut visit, ActorRef::User(user(SCHEDULER)?))?;
        self.come_and_be_admitted(&mut visit)?;
        self.user(&mut visit, CLINICIAN, 70, |visit, change| visit.withdraw_recording(&change))?;
        self.user(&mut visit, CLINICIAN, 83, |visit, change| visit.end(None, &change))?;
        let recording = RecordingRef::parse("kabul/kabul-k3v9x2q4/2026-03-01-09-01-07.mp4")?;
        self.of(&mut visit, ActorRef::System("jibri"), |visit| visit.record_recording(recording, minute(90)))
    }

    fn visits_that_go_on_in_messages(&mut self) -> Result<(), SampleError> {
        let patient = participant(1);
        let mut visit = self.created(5)?;
        self.come_and_be_admitted(&mut visit)?;
        let link = LinkUse { mode: MediaMode::Audio, cap_kbps: 30 };
        self.of(&mut visit, ActorRef::Participant(patient), |visit| visit.note_link(patient, link, false, minute(65)))?;
        let reason = FreeText::parse(WHY_MESSAGES)?;
        self.user(&mut visit, CLINICIAN, 68, |visit, change| visit.fall_back(Some(reason), &change))?;
        let thread = ThreadId::parse("thr_01KA8Z0Q3CJ9XW2V5T7N4B6M8R")?;
        self.of(&mut visit, ActorRef::System("fallback"), |visit| visit.record_thread(thread, minute(69)))?;
        let mut refused = self.created(6)?;
        self.come_and_be_admitted(&mut refused)?;
        self.user(&mut refused, CLINICIAN, 68, |visit, change| visit.fall_back(None, &change))?;
        self.of(&mut refused, ActorRef::System("fallback"), |visit| visit.park_thread(minute(69)))
    }

    fn a_visit_without_consent(&mut self) -> Result<(), SampleError> {
        let block = GateBlock::ConsentRequired(Gate::TelehealthConsent);
        let patient = PatientId::parse("pat-5f1c7e20")?;
        let entry = AuditEntry::consent_gate_blocked(
            block,
            ConsentSubject::Patient(&patient),
            Permission::SessionCreate,
            CREATED_AT,
        );
        let entry = entry.ok_or("a missing consent is a block by a consent gate")?;
        let event = entry.into_event(self.event_id(CREATED_AT), &scope(ActorRef::User(user(CLINICIAN)?))?);
        self.told.push((None, event.kind(), serde_json::to_vec(&event)?));
        Ok(())
    }

    fn settings_that_are_changed(&mut self) -> Result<(), SampleError> {
        let before = TenantConfigDraft::new("https://meet.example", "kabul");
        let mut draft = before.clone();
        draft.max_participants = 8;
        draft.branding_logo_url = Some("https://kabul.example/logo.svg".to_owned());
        let changed = before.changed_fields(&draft);
        let config = TenantConfig::check(TenantId::parse("kabul-central-hospital")?, Version::new(2), draft)?;
        let scope = scope(ActorRef::User(user(SCHEDULER)?))?;
        let event = config_event(&config, &changed, CREATED_AT, self.event_id(CREATED_AT), &scope);
        self.told.push((None, event.kind(), serde_json::to_vec(&event)?));
        Ok(())
    }

    fn created(&mut self, number: usize) -> Result<VirtualSession, SampleError> {
        let mut visit = VirtualSession::create(plan(number)?, CREATED_AT);
        self.tell(&mut visit, ActorRef::User(user(SCHEDULER)?))?;
        Ok(visit)
    }

    fn come_and_be_admitted(&mut self, visit: &mut VirtualSession) -> Result<(), SampleError> {
        let patient = participant(1);
        self.user(visit, SCHEDULER, 2, |visit, change| visit.issue_join_token(patient, None, 6, &change))?;
        self.of(visit, ActorRef::Participant(patient), |visit| visit.join(patient, 1, PATIENCE.resume, minute(58)))?;
        self.user(visit, CLINICIAN, 61, |visit, change| visit.admit(patient, &change))
    }

    fn user(
        &mut self,
        visit: &mut VirtualSession,
        by: &str,
        at: i64,
        command: impl FnOnce(&mut VirtualSession, Change) -> Result<Outcome, Refusal>,
    ) -> Result<(), SampleError> {
        let change = Change { by: user(by)?, at: minute(at), expected: Some(visit.version().into()) };
        self.of(visit, ActorRef::User(user(by)?), |visit| command(visit, change))
    }

    fn of(
        &mut self,
        visit: &mut VirtualSession,
        actor: ActorRef,
        command: impl FnOnce(&mut VirtualSession) -> Result<Outcome, Refusal>,
    ) -> Result<(), SampleError> {
        match command(visit)? {
            Outcome::Applied => self.tell(visit, actor),
            Outcome::AlreadyApplied => Err("a sample's command changed nothing".into()),
        }
    }

    /// As a store saves: what happened goes out, by whom it was caused.
    fn tell(&mut self, visit: &mut VirtualSession, actor: ActorRef) -> Result<(), SampleError> {
        let scope = scope(actor)?;
        for recorded in visit.events() {
            let id = self.event_id(recorded.at);
            let (subject, body) = session_event(visit.parts(), recorded, id, &scope)?;
            self.told.push((Some(recorded.event.clone()), subject, body));
        }
        visit.mark_saved();
        Ok(())
    }

    fn event_id(&self, at: OffsetDateTime) -> EventId {
        EventId::from_uuid(uuid(at, 0x1000 + self.told.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::events::catalogue::EVENT_TYPES;

    /// How many variants [`SessionEvent`] has. A new one does not compile below until it is counted here, and is not
    /// told until a visit above lives through it.
    const VARIANTS: usize = 24;

    fn variant(event: &SessionEvent) -> usize {
        match event {
            SessionEvent::Created => 0,
            SessionEvent::ParticipantInvited { .. } => 1,
            SessionEvent::JoinTokenIssued { .. } => 2,
            SessionEvent::ParticipantJoined { .. } => 3,
            SessionEvent::ParticipantAdmitted { .. } => 4,
            SessionEvent::ParticipantRemoved { .. } => 5,
            SessionEvent::ParticipantDisconnected { .. } => 6,
            SessionEvent::Started => 7,
            SessionEvent::MediaModeChanged { .. } => 8,
            SessionEvent::Cancelled => 9,
            SessionEvent::Failed => 10,
            SessionEvent::Ended { .. } => 11,
            SessionEvent::EncounterParked => 12,
            SessionEvent::Chargeable { .. } => 13,
            SessionEvent::RecordingWithdrawn => 14,
            SessionEvent::RecordingAvailable { .. } => 15,
            SessionEvent::LinkChanged { .. } => 16,
            SessionEvent::FallbackInitiated => 17,
            SessionEvent::FallbackThreadCreated { .. } => 18,
            SessionEvent::FallbackParked => 19,
            SessionEvent::Resumed => 20,
            SessionEvent::NoShow => 21,
            SessionEvent::Rescheduled { .. } => 22,
            SessionEvent::PatientDelayed { .. } => 23,
        }
    }

    #[test]
    fn the_samples_tell_of_everything_that_can_happen_to_a_visit() {
        let told = told().unwrap();
        let variants: BTreeSet<_> = told.iter().filter_map(|(event, ..)| event.as_ref()).map(variant).collect();
        assert_eq!(variants, (0..VARIANTS).collect());
    }

    #[test]
    fn the_catalogue_lists_exactly_what_is_published() {
        let published: BTreeSet<_> = told().unwrap().into_iter().map(|(_, subject, _)| subject).collect();
        let listed: BTreeSet<_> = EVENT_TYPES.iter().map(|event| event.subject).collect();
        assert_eq!(listed, published);
        assert_eq!(listed.len(), EVENT_TYPES.len(), "listed twice");
    }

    #[test]
    fn what_people_wrote_is_in_no_event() {
        for (_, subject, body) in told().unwrap() {
            let body = String::from_utf8(body).unwrap();
            for text in
                [WHY_REMOVED, WHY_CANCELLED, WHY_MESSAGES, emergency::WHY].into_iter().chain(async_visits::WRITTEN)
            {
                assert!(!body.contains(text), "{subject}");
            }
        }
    }

    #[test]
    fn no_two_events_share_an_id() {
        let told = told().unwrap();
        let ids: BTreeSet<_> = told
            .iter()
            .map(|(_, _, body)| serde_json::from_slice::<serde_json::Value>(body).unwrap()["id"].to_string())
            .collect();
        assert_eq!(ids.len(), told.len());
    }
}
