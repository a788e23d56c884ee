//! A store, and visits to put into it.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration as Patience;

use time::{Duration, OffsetDateTime};
use tokio::time::timeout;
use uuid::Uuid;
use vcare_adapters_postgres::{PgConfig, PgJobQueue, PgOutbox, PgSealedSecrets, PgStore};
use vcare_app::ports::{Clock, Ids, OutboxWake, Reads, Store, StoreError, UnitOfWork};
use vcare_app::{ActorRef, Scope, TraceContext};
use vcare_domain::{
    Change, FreeText, HttpsUrl, NewParticipant, NewSession, NoShowCode, Outcome, ParticipantId, ParticipantRole,
    PatientId, Reason, Refusal, Room, RoomName, Schedule, SessionId, SessionStatus, TenantId, TimeZoneName, UserId,
    VideoBackend, VirtualSession,
};
use vcare_testkit::postgres::tokio_postgres::types::ToSql;
use vcare_testkit::{HandClock, SeededIds, TestDatabase, TestRecordKeys};

/// How long people are waited for.
pub const PATIENCE: vcare_domain::Patience = vcare_domain::Patience::DEFAULT;

pub const KABUL: &str = "hosp-kabul";
pub const HERAT: &str = "hosp-herat";
pub const PROVIDER: &str = "dr-amiri";
/// Must stand in no error.
pub const PATIENT: &str = "pat-ahmad-rahimi";
/// The tenant's limit of participants.
pub const LIMIT: u8 = 6;

/// A database with a store.
pub struct Bench {
    pub database: TestDatabase,
    pub clock: Arc<HandClock>,
    pub ids: Arc<SeededIds>,
    pub wake: OutboxWake,
    pub config: PgConfig,
    pub store: PgStore,
}

/// Every store of a process draws other ids.
fn ids() -> Arc<SeededIds> {
    static STORES: AtomicU64 = AtomicU64::new(1);
    Arc::new(SeededIds::new(STORES.fetch_add(1, Ordering::Relaxed)))
}

/// A store that has no connection yet.
pub fn store(config: &PgConfig, clock: &Arc<HandClock>, ids: &Arc<SeededIds>, wake: &OutboxWake) -> PgStore {
    let (secrets, keys) = (PgSealedSecrets::new(config), Arc::new(TestRecordKeys));
    PgStore::new(config, secrets, keys, Arc::clone(clock) as _, Arc::clone(ids) as _, wake.clone())
}

impl Bench {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut PgConfig)) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let mut config = PgConfig::new(database.url());
        change(&mut config);
        let (clock, ids, wake) = (HandClock::new(), ids(), OutboxWake::default());
        let store = store(&config, &clock, &ids, &wake);
        Self { database, clock, ids, wake, config, store }
    }

    /// The same with a store that has no connection yet.
    pub fn anew(self) -> Self {
        let store = store(&self.config, &self.clock, &self.ids, &self.wake);
        Self { store, ..self }
    }

    /// The outbox, as another process sees it.
    pub fn outbox(&self) -> PgOutbox {
        PgOutbox::new(&self.config)
    }

    /// The jobs, as another process sees them.
    pub fn jobs(&self) -> PgJobQueue {
        PgJobQueue::new(&self.config, ids())
    }

    pub async fn begin(&self, tenant: &str) -> Box<dyn UnitOfWork> {
        self.store.begin("test", &scope(tenant)).await.unwrap()
    }

    /// Saves and commits.
    pub async fn save(&self, tenant: &str, visit: &mut VirtualSession) {
        let mut tx = self.begin(tenant).await;
        tx.sessions().save(visit).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A new visit in that state, saved and committed.
    pub async fn saved(&self, tenant: &str, status: SessionStatus) -> VirtualSession {
        let mut visit = self.visit(tenant, status);
        self.save(tenant, &mut visit).await;
        visit
    }

    pub async fn read(&self, visit: &VirtualSession) -> Result<Option<VirtualSession>, StoreError> {
        self.store.session(&visit.parts().tenant_id, visit.parts().id).await
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.database.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }

    /// A statement of the owner's.
    pub async fn run(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> u64 {
        self.database.execute(statement, values).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    /// Waits until a query of the owner's answers true.
    pub async fn until(&self, query: &str) {
        self.database.until(query, Patience::from_secs(20)).await.unwrap();
    }

    /// Waits until some connection of the service's waits for a lock.
    pub async fn until_somebody_waits(&self) {
        self.until(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .await;
    }

    /// Whether the relay was woken since the last look.
    pub async fn was_rung(&self) -> bool {
        timeout(Patience::ZERO, self.wake.rung()).await.is_ok()
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    fn person(&self) -> ParticipantId {
        ParticipantId::from_uuid(self.ids.uuid())
    }

    /// A visit that was never saved, in that state, with a person in each role.
    pub fn visit(&self, tenant: &str, status: SessionStatus) -> VirtualSession {
        let id = self.ids.uuid();
        let room = format!("kabul-{}", &id.simple().to_string()[20..]);
        let zone = TimeZoneName::parse("Asia/Kabul").unwrap();
        let (patient, now) = (self.person(), self.now());
        let new = NewSession {
            id: SessionId::from_uuid(id),
            tenant_id: TenantId::parse(tenant).unwrap(),
            node_id: None,
            patient_id: PatientId::parse(PATIENT).unwrap(),
            patient_participant_id: patient,
            appointment_id: None,
            provider: Some((user(PROVIDER), self.person())),
            initiator_id: user("scheduler-1"),
            video_backend: VideoBackend::Jitsi,
            room: Room {
                url: HttpsUrl::parse(&format!("https://meet.example/{room}")).unwrap(),
                name: RoomName::parse(room).unwrap(),
            },
            schedule: Schedule::plan(now + Duration::HOUR, None, zone, now).unwrap(),
            recording_enabled: true,
        };
        let mut visit = VirtualSession::create(new, now);
        let change = |minutes: i64| Change { by: user(PROVIDER), at: now + Duration::minutes(minutes), expected: None };
        let guest = |id, role| NewParticipant { id, user_id: None, role };
        let (interpreter, observer) = (self.person(), self.person());
        applied(visit.invite(guest(interpreter, ParticipantRole::Interpreter), LIMIT, &change(0)));
        applied(visit.invite(guest(observer, ParticipantRole::Observer), LIMIT, &change(0)));
        if status == SessionStatus::Scheduled {
            return visit;
        }
        if status == SessionStatus::NoShow {
            let planned = visit.parts().schedule.start();
            applied(visit.mark_no_show(NoShowCode::Unreachable, &Change { at: planned, ..change(1) }));
            return visit;
        }
        applied(visit.issue_join_token(patient, None, LIMIT, &change(1)));
        applied(visit.join(patient, 1, PATIENCE.resume, change(1).at));
        match status {
            SessionStatus::Scheduled | SessionStatus::Waiting => return visit,
            SessionStatus::Cancelled => {
                applied(visit.cancel(Reason::noted(prose("ناروغ نه دی راغلی\nدوهم")), &change(2)));
                return visit;
            }
            SessionStatus::NoShow => unreachable!("that patient has come"),
            SessionStatus::Active | SessionStatus::Failed | SessionStatus::Ended => {}
        }
        applied(visit.remove(observer, Reason::noted(prose("not wanted")), &change(2)));
        applied(visit.admit(patient, &change(2)));
        match status {
            SessionStatus::Failed => {
                applied(visit.disconnect(patient, change(8).at, Duration::MINUTE));
                applied(visit.fail(Duration::MINUTE, change(9).at));
            }
            SessionStatus::Ended => applied(visit.end(None, &change(9))),
            _ => {}
        }
        visit
    }
}

#[track_caller]
pub fn applied(outcome: Result<Outcome, Refusal>) {
    assert_eq!(outcome, Ok(Outcome::Applied));
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub fn prose(text: &str) -> FreeText {
    FreeText::parse(text).unwrap()
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub fn scope(tenant: &str) -> Scope {
    scope_of(tenant, ActorRef::User(user(PROVIDER)))
}

pub fn scope_of(name: &str, actor: ActorRef) -> Scope {
    let trace = TraceContext { correlation_id: "req-1".to_owned(), traceparent: "00-1-2-01".to_owned() };
    Scope { tenant_id: tenant(name), actor, trace }
}

/// The patient of a visit.
pub fn patient_of(visit: &VirtualSession) -> ParticipantId {
    visit.parts().patient().unwrap().id
}

pub fn uuid_of(visit: &VirtualSession) -> Uuid {
    *visit.parts().id.as_uuid()
}

/// A change that any visit takes: one more observer.
pub fn change(bench: &Bench, visit: &mut VirtualSession) {
    let change = Change { by: user(PROVIDER), at: bench.now(), expected: None };
    let id = ParticipantId::from_uuid(bench.ids.uuid());
    let new = NewParticipant { id, user_id: None, role: ParticipantRole::Observer };
    applied(visit.invite(new, LIMIT, &change));
}

/// All that an error says, its causes and what a debugger sees included.
pub fn told(error: &StoreError) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told} {error} {error:?}");
        cause = error.source();
    }
    told
}
