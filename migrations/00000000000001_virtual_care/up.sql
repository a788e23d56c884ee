-- The virtual care service's own database. Migrations only add; an existing one never changes.
--
-- Two roles, neither of which owns a table, so that row-level security holds for both:
--   vcare_api     sees the rows of one tenant: the one named by the setting vcare.tenant_id; with none named, no row
--   vcare_system  sees the outbox and the durable work of all tenants, and nothing else
-- The login that runs the service is a member of both and takes one of them on each connection.

DO $$
BEGIN
    CREATE ROLE vcare_api NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE vcare_system NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT vcare_api, vcare_system TO CURRENT_USER;

-- How a tenant holds its visits. Never a secret.
CREATE TABLE tenant_config (
    tenant_id                    text        PRIMARY KEY,
    version                      integer     NOT NULL CHECK (version >= 1),
    jitsi_server_url             text        NOT NULL CHECK (jitsi_server_url LIKE 'https://%'),
    jitsi_tenant                 text,
    jitsi_xmpp_domain            text        NOT NULL,
    jitsi_app_id                 text        NOT NULL,
    jitsi_audience               text        NOT NULL,
    room_slug_prefix             text        NOT NULL,
    max_participants             integer     NOT NULL CHECK (max_participants BETWEEN 2 AND 20),
    session_grace_minutes_before integer     NOT NULL,
    session_grace_minutes_after  integer     NOT NULL,
    time_zone                    text        NOT NULL,
    updated_at                   timestamptz NOT NULL DEFAULT now()
);

-- One telehealth visit. Its participants and media segments are part of the row: they change with it, under its version.
CREATE TABLE virtual_session (
    tenant_id           text        NOT NULL,
    id                  uuid        NOT NULL,
    node_id             text,
    patient_id          text        NOT NULL,
    appointment_id      text,
    provider_id         text,
    initiator_id        text        NOT NULL,
    video_backend       text        NOT NULL,
    room_name           text        NOT NULL,
    room_url            text        NOT NULL,
    status              text        NOT NULL
        CHECK (status IN ('scheduled', 'waiting', 'active', 'ended', 'cancelled', 'failed')),
    scheduled_start     timestamptz NOT NULL,
    scheduled_end       timestamptz NOT NULL CHECK (scheduled_end > scheduled_start),
    time_zone           text        NOT NULL,
    recording_enabled   boolean     NOT NULL,
    recording_ref       text,
    messaging_thread_id text,
    started_at          timestamptz,
    failed_at           timestamptz,
    ended_at            timestamptz,
    cancelled_at        timestamptz,
    cancel_reason       text,
    encounter_status    text
        CHECK (encounter_status IN ('not_required', 'pending', 'parked', 'created')),
    encounter_id        text,
    participants        jsonb       NOT NULL,
    segments            jsonb       NOT NULL,
    version             integer     NOT NULL CHECK (version >= 1),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- A room is never used twice.
    UNIQUE (tenant_id, room_name),
    CHECK ((status = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((status = 'ended') = (encounter_status IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK ((encounter_status IS NOT DISTINCT FROM 'created') = (encounter_id IS NOT NULL)),
    CHECK (jsonb_array_length(jsonb_path_query_array(participants, '$[*] ? (@.role == "patient")')) <= 1)
);
CREATE INDEX virtual_session_by_start ON virtual_session (tenant_id, scheduled_start, id);
CREATE INDEX virtual_session_by_patient ON virtual_session (tenant_id, patient_id, scheduled_start, id);

-- What was answered under an Idempotency-Key; committed with the effect. Holds no token.
CREATE TABLE idempotency_key (
    tenant_id   text        NOT NULL,
    actor       text        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    status      smallint    NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, actor, key)
);
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);

-- Finished events, written with the change they tell of, deleted when the stream has acknowledged them. Read across all
-- tenants by position among the rows that are there, never by "last position seen": positions become visible out of order.
CREATE TABLE outbox (
    position     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    text        NOT NULL,
    event_id     uuid        NOT NULL,
    subject      text        NOT NULL,
    ordering_key text        NOT NULL,
    body         bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- Durable work. A leased job is one whose due_at lies ahead: when the lease runs out, it is due again by itself.
CREATE TABLE retry_job (
    tenant_id      text        NOT NULL,
    session_id     uuid        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('create_encounter')),
    id             uuid        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('open', 'parked')),
    attempts       integer     NOT NULL CHECK (attempts >= 0),
    due_at         timestamptz NOT NULL,
    lease_token    uuid,
    last_error     text,
    correlation_id text        NOT NULL,
    traceparent    text        NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id, kind)
);
CREATE INDEX retry_job_due ON retry_job (due_at) WHERE state = 'open';
CREATE INDEX retry_job_by_session ON retry_job (session_id);

-- Visits are never deleted by the service, so nobody is given the right to.
GRANT SELECT, INSERT, UPDATE ON tenant_config, virtual_session TO vcare_api;
GRANT SELECT, INSERT ON idempotency_key TO vcare_api;
GRANT INSERT ON outbox TO vcare_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON retry_job TO vcare_api;
GRANT SELECT, DELETE ON outbox TO vcare_system;
GRANT SELECT, UPDATE ON retry_job TO vcare_system;
GRANT SELECT (created_at), DELETE ON idempotency_key TO vcare_system;

ALTER TABLE tenant_config ENABLE ROW LEVEL SECURITY;
ALTER TABLE virtual_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE retry_job ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON tenant_config TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON virtual_session TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON idempotency_key TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON outbox TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON retry_job TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant ON outbox TO vcare_system USING (true);
CREATE POLICY every_tenant ON retry_job TO vcare_system USING (true);
CREATE POLICY every_tenant ON idempotency_key TO vcare_system USING (true);
