//! Who writes what SQL they like, and two tenants for them to look at.

use serde_json::json;
use vcare_testkit::TestDatabase;
use vcare_testkit::postgres::tokio_postgres::error::SqlState;
use vcare_testkit::postgres::tokio_postgres::{Client, NoTls, connect};

use super::tables;
use crate::support::{OTHER_TENANT, TENANT, TestApp, Visit, occupant};

/// The service's own login in one of its roles, which may write what SQL it likes.
pub struct Intruder(pub Client);

impl Intruder {
    pub async fn come(database: &TestDatabase, setup: &str) -> Self {
        let (client, connection) = connect(&database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(setup).await.unwrap();
        Self(client)
    }

    /// As the role of requests, bound to that tenant.
    pub async fn api(database: &TestDatabase, tenant: &str) -> Self {
        let setup = format!("SET ROLE vcare_api; SELECT set_config('vcare.tenant_id', '{tenant}', false)");
        Self::come(database, &setup).await
    }

    /// As an operator's login, which alone may take that role.
    pub async fn operator(database: &TestDatabase) -> Self {
        let (client, connection) = connect(&database.admin_url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SET ROLE vcare_operator").await.unwrap();
        Self(client)
    }

    /// The tenants whose rows it sees in a table.
    pub async fn sees(&self, table: &str) -> Vec<String> {
        let query = format!("SELECT DISTINCT tenant_id FROM {table} ORDER BY 1");
        let rows = self.0.query(&query, &[]).await.unwrap_or_else(|error| panic!("{table}: {error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How many rows a statement touches.
    pub async fn touches(&self, statement: &str) -> u64 {
        self.0.execute(statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    pub async fn is_refused(&self, statement: &str) {
        let refused = self.0.execute(statement, &[]).await;
        let code = refused.as_ref().err().and_then(|error| error.code());
        assert_eq!(code, Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {refused:?}");
    }
}

/// Two tenants with rows in every table.
pub async fn two_tenants() -> TestApp {
    let app = TestApp::start().await;
    app.standins.set_mode(vcare_testkit::Name::Fhir, vcare_testkit::Mode::DOWN);
    for (tenant, user) in [(TENANT, "clinician-1"), (OTHER_TENANT, "clinician-2")] {
        let token = app.token_of(tenant, user, "clinician");
        let created = app.post_once(&token, "/sessions", &app.wish(), "once").await.expect(201);
        let visit = Visit::of(&created.body);
        let at = |path: &str| format!("/sessions/{}{path}", visit.id);
        let part = |path: &str| at(&format!("/{path}/{}", visit.patient));
        let link = app.post(&token, &format!("{}/join-token", part("participants")), &json!({})).await.expect(201);
        app.join(&link.text("joinToken")).await.expect(200);
        app.post(&token, &part("admit"), &json!({})).await.expect(200);
        let probe = json!({"rttMs": 9, "lossPercent": 0, "upKbps": 300, "downKbps": 300});
        app.post(&token, &at("/link-probe"), &probe).await.expect(200);
        let (server, now) = (app.internal_token(tenant, 1).await, app.now().unix_timestamp());
        let seen = occupant("joined", &created.text("roomName"), &visit.patient, "phone", now);
        app.tell_as(&server, "//internal/jitsi/events/occupant/joined", &seen).await.expect(204);
        app.post(&token, &at("/ai/summary"), &json!({"transcript": "cough"})).await.expect(201);
        app.clock.advance(time::Duration::MINUTE);
        app.post(&token, &at("/end"), &json!({})).await.expect(200);
        let statements = format!(
            "INSERT INTO tenant_secret VALUES ('{tenant}', 'zoomApiKey', 1, 'local:1', 'sealed', now());
             INSERT INTO tenant_logo VALUES ('{tenant}', 'https://logo.example', 'image/png', 'x', now());
             INSERT INTO tenant_key VALUES ('{tenant}', 'joinKey', 2, 1, now());
             INSERT INTO kept_event SELECT position, tenant_id, gen_random_uuid(), subject, ordering_key, body, created_at, 1
               FROM outbox WHERE tenant_id = '{tenant}' LIMIT 1;
             INSERT INTO async_upload (tenant_id, id, owner_id, patient_id, client_mutation_id, attachment_index, kind,
                                       length, received, folder, chunks, state, expires_at, checks, created_at, updated_at)
             VALUES ('{tenant}', gen_random_uuid(), 'user-1', 'pat-1', gen_random_uuid(), 0, 'original', 1, 0,
                     repeat('a', 32), '{{}}', 'receiving', now(), 0, now(), now());
             INSERT INTO async_visit (tenant_id, id, client_mutation_id, content_hash, original_body, patient_id,
                                      submitted_by, chief_complaint, symptoms, attachments_expected, authored_at,
                                      submitted_at, status, version, updated_at)
             VALUES ('{tenant}', gen_random_uuid(), gen_random_uuid(), sha256(''), '', 'pat-1', 'user-1', 'cough',
                     '{{}}', 0, now(), now(), 'submitted', 1, now());
             INSERT INTO consent_evidence VALUES ('{tenant}', DEFAULT, 'vsn_1', 'telehealth_consent', 'patient', 'pat-1', NULL, NULL,
                     NULL, now());
             INSERT INTO ai_transcription SELECT tenant_id, gen_random_uuid(), id, '', 1, 0, 2500, 0, now(), now()
               FROM consent_evidence WHERE tenant_id = '{tenant}' AND visit = 'vsn_1';
             INSERT INTO emergency_access VALUES ('{tenant}', gen_random_uuid(), 'clinician-3', 'pat-1',
                     'no pulse on arrival', NULL, now(), now() + interval '30 minutes')"
        );
        app.database.client().await.unwrap().batch_execute(&statements).await.unwrap();
    }
    for table in tables(&app.database).await {
        let query = format!("SELECT count(DISTINCT tenant_id) FROM {table}");
        let tenants: i64 = app.database.query_one(&query, &[]).await.unwrap().get(0);
        assert_eq!(tenants, 2, "{table}");
    }
    app
}
