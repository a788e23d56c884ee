//! Visits whose patients wait, by the ten thousand: one real visit, copies of its row, and a token for each.

use anyhow::{Context, Result, bail};
use vcare_app::ports::JoinTokenClaims;
use vcare_app::sessions::{CreateSession, Device, GivenProfile};
use vcare_app::{Caller, Done, Role, TraceContext};
use vcare_boot::{Config, Overrides, compose};
use vcare_domain::{ParticipantRole, PatientId, SessionId, TenantId, UserId};

use crate::bench_jobs::world::World;
use crate::seed::{CONSENTED, TENANTS};

/// A hundred providers, each with a line.
const COPY: &str = "
INSERT INTO virtual_session
SELECT (jsonb_populate_record(visit, jsonb_build_object(
           'id', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'),
           'provider_id', 'dr-' || n % 100,
           'room_name', 'bench-' || n))).*
  FROM virtual_session AS visit, generate_series(1, $1) AS n";

/// Writes the visits; answers their patients' tokens.
pub async fn waiting(world: &World, count: u32) -> Result<Vec<String>> {
    let service = compose(&Config::from_file(&world.settings)?, Overrides::default()).await?;
    let (app, now) = (&service.app, service.clock.now());
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
        scheduled_start: now,
        scheduled_end: None,
        appointment_id: None,
        provider_id: None,
        recording_enabled: false,
        time_zone: None,
        patient: GivenProfile::default(),
        provider_name: None,
    };
    let Done::Now(visit) = app.create_session(&caller, wish, None).await? else { bail!("it was created before") };
    let (id, patient) =
        (visit.session.parts().id, visit.session.parts().patient().context("a visit has a patient")?.id);
    let link = app.issue_join_token(&caller, id, &patient.into(), None, None).await?;
    app.join_by_token(&link.token, &Device::default(), caller.trace.clone()).await?;
    world.owner.execute(COPY, &[&i32::try_from(count)?]).await.context("copies of a visit")?;
    world.owner.batch_execute("DELETE FROM outbox").await?;
    world.owner.batch_execute("VACUUM ANALYZE").await?;
    let rows = world.owner.query("SELECT id FROM virtual_session ORDER BY id LIMIT $1", &[&i64::from(count)]).await?;
    let mut tokens = Vec::new();
    for row in rows {
        let claims = JoinTokenClaims {
            tenant_id: caller.tenant_id.clone(),
            session_id: SessionId::from_uuid(row.get(0)),
            participant_id: patient,
            role: ParticipantRole::Patient,
            version: 1,
            issued_at: now,
            expires_at: link.expires_at,
        };
        tokens.push(app.join_tokens.sign(&claims).await?);
    }
    Ok(tokens)
}
