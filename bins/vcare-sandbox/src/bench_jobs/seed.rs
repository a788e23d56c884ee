//! Ended visits and their jobs, by the hundred thousand: one real visit, and copies of its row.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use time::Duration;
use vcare_app::ports::Clock;
use vcare_app::sessions::{CreateSession, Device, GivenProfile};
use vcare_app::{Caller, Done, Role, TraceContext};
use vcare_boot::{Config, Overrides, SystemClock, compose};
use vcare_domain::{PatientId, TenantId, UserId};
use vcare_testkit::{HandClock, Mode, Name};

use super::world::World;
use crate::seed::{CONSENTED, TENANTS};

/// The ids are in the order in which the visits were created, as the service's own are.
const COPY: &str = "
INSERT INTO virtual_session
SELECT (jsonb_populate_record(visit, jsonb_build_object(
           'tenant_id', CASE WHEN n % 2 = 0 THEN $2 ELSE visit.tenant_id END,
           'id', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'),
           'room_name', 'bench-' || n))).*
  FROM virtual_session AS visit, generate_series(1, $1) AS n";

/// Due one after the other, as visits end one after the other.
const JOBS: &str = "
INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, correlation_id, traceparent, created_at)
SELECT tenant_id, id, 'create_encounter', gen_random_uuid(), 'open', 1, now() - interval '1 hour' + n * interval '1 ms',
       'bench-' || n, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', now()
  FROM (SELECT tenant_id, id, row_number() OVER (ORDER BY id) AS n FROM virtual_session) AS visits";

/// Writes ended visits whose Encounter is pending.
pub async fn visits(world: &World, count: u32) -> Result<()> {
    world.standins.set_mode(Name::Fhir, Mode::DOWN);
    Box::pin(end_a_visit(world)).await?;
    world.standins.set_mode(Name::Fhir, Mode::UP);
    // One is there already.
    world.owner.execute(COPY, &[&i32::try_from(count - 1)?, &TENANTS[1].0]).await.context("copies of a visit")?;
    world.owner.batch_execute("DELETE FROM retry_job; DELETE FROM outbox").await?;
    Ok(())
}

/// Writes a job for every visit; they are due.
pub async fn jobs(world: &World) -> Result<()> {
    world.owner.execute(JOBS, &[]).await.context("jobs")?;
    world.owner.batch_execute("VACUUM ANALYZE").await?;
    world.settle_down().await
}

/// Through the service's own code, so that its row is as they are.
async fn end_a_visit(world: &World) -> Result<()> {
    let clock = HandClock::at(SystemClock.now() - Duration::HOUR);
    let overrides = Overrides { clock: Some(Arc::clone(&clock) as Arc<dyn Clock>), ..Overrides::default() };
    let service = compose(&Config::from_file(&world.settings)?, overrides).await?;
    let caller = Caller {
        tenant_id: TenantId::parse(TENANTS[0].0)?,
        user_id: UserId::parse("dr-amin")?,
        roles: vec![Role::Clinician],
        node_id: None,
        patient_id: None,
        name: None,
        emergency: None,
        trace: TraceContext::begin(&*service.ids),
    };
    let wish = CreateSession {
        patient_id: PatientId::parse(CONSENTED)?,
        scheduled_start: clock.now(),
        scheduled_end: None,
        appointment_id: None,
        provider_id: None,
        recording_enabled: false,
        time_zone: None,
        patient: GivenProfile::default(),
        provider_name: None,
    };
    let app = &service.app;
    let Done::Now(visit) = app.create_session(&caller, wish, None).await? else { bail!("it was created before") };
    let (id, patient) =
        (visit.session.parts().id, visit.session.parts().patient().context("a visit has a patient")?.id);
    let link = app.issue_join_token(&caller, id, &patient.into(), None, None).await?;
    app.join_by_token(&link.token, &Device::default(), caller.trace.clone()).await?;
    app.admit_participant(&caller, id, patient, None, None).await?;
    clock.advance(Duration::minutes(12));
    app.end_session(&caller, id, None, None).await?;
    Ok(())
}
