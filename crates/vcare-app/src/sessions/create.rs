//! A clinician or scheduler creates a visit.

use time::OffsetDateTime;
use vcare_domain::{
    AppointmentId, DisplayName, NewSession, ParticipantId, PatientId, Profile, RecordingPolicy, Relation, Room,
    RoomName, Schedule, SessionId, TenantConfig, TimeZoneName, UserId, VirtualSession,
};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::{Caller, Scope, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::consents::{ReliedOnConsent, relied_on};
use crate::error::AppError;
use crate::gates::{self, Gate, GateBlock, Question};
use crate::idempotency::{Done, Once};
use crate::ports::{ConsentSubject, RoomWish, StoreError};
use crate::sessions::GivenProfile;

/// How often a room name that was taken is drawn again.
const ROOM_DRAWS: usize = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct CreateSession {
    /// Whom it is for.
    pub patient_id: PatientId,
    /// Planned start.
    pub scheduled_start: OffsetDateTime,
    /// Planned end; half an hour after the start when absent.
    pub scheduled_end: Option<OffsetDateTime>,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// Who will care; the caller when they care for patients and named nobody.
    pub provider_id: Option<UserId>,
    /// Recording is wanted.
    pub recording_enabled: bool,
    /// The zone in which people speak of it; the tenant's when absent.
    pub time_zone: Option<TimeZoneName>,
    /// What is given of the patient.
    pub patient: GivenProfile,
    /// What the provider is called; the caller's own name when they are the provider and none is given.
    pub provider_name: Option<DisplayName>,
}

impl CreateSession {
    /// The provider: the one that the request names, else the caller if they care for patients.
    fn provider(&self, caller: &Caller) -> Option<UserId> {
        self.provider_id.clone().or_else(|| caller.cares_for_patients().then(|| caller.user_id.clone()))
    }
}

impl App {
    /// Creates a visit: gates side by side, then the room, then the row. A refusal leaves no row; a consent gate that
    /// blocks leaves an audit entry, whatever its cause. An appointment has one visit: a second one is refused before anything
    /// is reserved for it, and again where it would be written.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Schedule`], [`AppError::AppointmentHasVisit`], [`AppError::Blocked`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn create_session(
        &self,
        caller: &Caller,
        wish: CreateSession,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let scope = caller.scope();
            let (config, answered) = self.config_and_answer(&scope, once).await?;
            if let Some(answer) = answered {
                return Ok(Done::Before(answer));
            }
            if wish.provider(caller).is_some_and(|provider| provider == caller.user_id)
                && caller.person().is_patient(&wish.patient_id)
            {
                return Err(AppError::OwnTreatment);
            }
            let now = self.clock.now();
            let schedule = plan(&wish, config.as_ref(), now)?;
            if let Some(session) = self.appointments_visit(&scope, wish.appointment_id.as_ref()).await? {
                // The same request may have been answered a moment ago.
                let answered = self.config_and_answer(&scope, once).await?.1;
                return answered.map(Done::Before).ok_or(AppError::AppointmentHasVisit { session });
            }
            let (config, consents) = self.pass_gates(caller, &scope, &wish, config).await?;
            let mut draws = 1;
            loop {
                let session = self.reserve(caller, &wish, &config, schedule.clone(), now).await?;
                let room = session.parts().room.clone();
                let access = Access { relation: Relation::Scheduling, related_person: None };
                let viewer = caller.viewer(&session, &access);
                let viewed = ViewedSession { session, viewer };
                match self.insert_session("create_session", &scope, viewed, &consents, once).await {
                    Err(AppError::Store(StoreError::Conflict)) if draws < ROOM_DRAWS => draws += 1,
                    // Of a commit whose answer was lost nobody knows: its room is left alone.
                    done @ (Ok(Done::Now(_)) | Err(AppError::Store(StoreError::Unavailable(_)))) => return done,
                    done => {
                        self.release_room(&config, &room, &caller.trace).await;
                        return done;
                    }
                }
                self.release_room(&config, &room, &caller.trace).await;
            }
        };
        self.guarded(caller, Permission::SessionCreate, Audited::all("VirtualSession", caller), work).await
    }

    /// The live visit that an appointment has.
    async fn appointments_visit(
        &self,
        scope: &Scope,
        appointment: Option<&AppointmentId>,
    ) -> Result<Option<SessionId>, StoreError> {
        match appointment {
            Some(appointment) => self.store.session_of_appointment(&scope.tenant_id, appointment).await,
            None => Ok(None),
        }
    }

    /// Gives back a room whose visit was not written. One that stays, after a crash say, is harmless: nobody has its address.
    async fn release_room(&self, config: &TenantConfig, room: &Room, trace: &TraceContext) {
        let released = self.neighbours.video.of(config.video_backend()).release_room(config, room, trace).await;
        if let Err(error) = released {
            tracing::warn!(error = &error as &dyn std::error::Error, "a room that nobody uses was not given back");
        }
    }

    async fn pass_gates(
        &self,
        caller: &Caller,
        scope: &Scope,
        wish: &CreateSession,
        config: Option<TenantConfig>,
    ) -> Result<(TenantConfig, Vec<ReliedOnConsent>), AppError> {
        let consents: &[Gate] = if wish.recording_enabled {
            &[Gate::TelehealthConsent, Gate::RecordingConsent]
        } else {
            &[Gate::TelehealthConsent]
        };
        let question = Question {
            tenant: &caller.tenant_id,
            node: caller.node_id.as_ref(),
            patient: &wish.patient_id,
            consents,
            config: config.as_ref(),
            trace: &caller.trace,
        };
        match (gates::pass(&self.neighbours, &question).await, config) {
            (Ok(_), Some(config))
                if wish.recording_enabled && config.recording_policy() == RecordingPolicy::Disabled =>
            {
                Err(GateBlock::RecordingDisabled.into())
            }
            (Ok(decisions), Some(config)) => {
                let consents = relied_on(ConsentSubject::Patient(&wish.patient_id), decisions, self.clock.now());
                Ok((config, consents))
            }
            (Ok(_), None) => Err(GateBlock::VideoNotConfigured.into()),
            (Err(error), _) => {
                if let AppError::Blocked(block) = error {
                    self.audit_gate_block(
                        scope,
                        ConsentSubject::Patient(&wish.patient_id),
                        Permission::SessionCreate,
                        block,
                    )
                    .await?;
                }
                Err(error)
            }
        }
    }

    async fn reserve(
        &self,
        caller: &Caller,
        wish: &CreateSession,
        config: &TenantConfig,
        schedule: Schedule,
        now: OffsetDateTime,
    ) -> Result<VirtualSession, AppError> {
        let name = self.draw_room_name(config)?;
        let backend = config.video_backend();
        let room_wish = RoomWish { name: &name, schedule: &schedule, trace: &caller.trace };
        let room = self.neighbours.video.of(backend).create_room(config, &room_wish).await?;
        let provider = wish.provider(caller);
        let by_account = caller.name.as_ref().filter(|_| provider.as_ref() == Some(&caller.user_id));
        let provider_name = wish.provider_name.as_ref().or(by_account);
        let new = NewSession {
            id: SessionId::from_uuid(self.ids.uuid()),
            tenant_id: caller.tenant_id.clone(),
            node_id: caller.node_id.clone(),
            patient_id: wish.patient_id.clone(),
            patient_participant_id: ParticipantId::from_uuid(self.ids.uuid()),
            appointment_id: wish.appointment_id.clone(),
            provider: provider.map(|user| (user, ParticipantId::from_uuid(self.ids.uuid()))),
            initiator_id: caller.user_id.clone(),
            video_backend: backend,
            room,
            schedule,
            recording_enabled: wish.recording_enabled,
        };
        let (id, patient) = (new.id, new.patient_participant_id);
        let provider = new.provider.as_ref().map(|(_, provider)| *provider);
        let mut session = VirtualSession::create(new, now);
        session.describe(patient, &self.seal_profile(&caller.tenant_id, id, &wish.patient).await)?;
        if let Some(provider) = provider {
            let name = self.seal_name(&caller.tenant_id, id, provider_name).await;
            session.describe(provider, &Profile { name, language: None })?;
        }
        Ok(session)
    }

    fn draw_room_name(&self, config: &TenantConfig) -> Result<RoomName, AppError> {
        let drawn = RoomName::draw(config.room_slug_prefix(), || {
            // 252 is the largest multiple of 36 in a byte: no letter is likelier than another.
            loop {
                let mut byte = [0_u8; 1];
                self.ids.fill_random(&mut byte);
                if byte[0] < 252 {
                    return byte[0] % 36;
                }
            }
        });
        drawn.map_err(|_| StoreError::Corrupt { table: "tenant_config", column: "room_slug_prefix" }.into())
    }
}

fn plan(wish: &CreateSession, config: Option<&TenantConfig>, now: OffsetDateTime) -> Result<Schedule, AppError> {
    let zone = match (&wish.time_zone, config) {
        (Some(zone), _) => zone.clone(),
        (None, Some(config)) => config.time_zone().clone(),
        (None, None) => TimeZoneName::utc(),
    };
    Ok(Schedule::plan(wish.scheduled_start, wish.scheduled_end, zone, now)?)
}
