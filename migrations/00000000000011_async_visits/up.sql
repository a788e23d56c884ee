-- Visits without a live link: written offline, answered by a clinician.

CREATE TABLE async_visit (
    tenant_id            text        NOT NULL,
    id                   uuid        NOT NULL,
    -- The draft's name, given by the phone. Whoever sends it first wins; the same again is answered the same bytes.
    client_mutation_id   uuid        NOT NULL,
    content_hash         bytea       NOT NULL CHECK (octet_length(content_hash) = 32),
    original_body        bytea       NOT NULL,
    node_id              text,
    patient_id           text        NOT NULL,
    appointment_id       text,
    -- The live visit that it goes on with.
    session_id           uuid,
    submitted_by         text        NOT NULL,
    chief_complaint      text        NOT NULL,
    symptoms             text[]      NOT NULL,
    locale               text,
    attachments_expected smallint    NOT NULL CHECK (attachments_expected BETWEEN 0 AND 10),
    -- By the phone's clock, which may say anything; submitted_at is by ours.
    authored_at          timestamptz NOT NULL,
    submitted_at         timestamptz NOT NULL,
    status               text        NOT NULL CHECK (status IN ('submitted', 'under_review', 'responded', 'closed')),
    provider_id          text,
    claimed_at           timestamptz,
    claimed_until        timestamptz,
    response_text        text,
    follow_up            text        CHECK (follow_up IN ('none', 'live_visit', 'in_person')),
    responded_at         timestamptz,
    closed_at            timestamptz,
    encounter_status     text        CHECK (encounter_status IN ('pending', 'parked', 'created')),
    encounter_id         text,
    charged_at           timestamptz,
    version              integer     NOT NULL CHECK (version >= 1),
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, client_mutation_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES virtual_session (tenant_id, id),
    CHECK ((status = 'submitted') = (provider_id IS NULL)),
    CHECK ((status = 'submitted') = (claimed_at IS NULL)),
    CHECK ((status = 'under_review') = (claimed_until IS NOT NULL)),
    CHECK ((status IN ('responded', 'closed')) = (responded_at IS NOT NULL)),
    CHECK ((responded_at IS NULL) = (response_text IS NULL)),
    CHECK ((responded_at IS NULL) = (follow_up IS NULL)),
    CHECK ((responded_at IS NULL) = (encounter_status IS NULL)),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((encounter_status IS NOT DISTINCT FROM 'created') = (encounter_id IS NOT NULL))
);
CREATE INDEX async_visit_by_arrival ON async_visit (tenant_id, submitted_at, id);
CREATE INDEX async_visit_by_patient ON async_visit (tenant_id, patient_id, submitted_at, id);
-- The queue: what nobody has answered.
CREATE INDEX async_visit_unanswered ON async_visit (tenant_id, submitted_at, id)
    WHERE status IN ('submitted', 'under_review');
CREATE INDEX async_visit_without_encounter ON async_visit (tenant_id, responded_at)
    WHERE encounter_status IN ('pending', 'parked');
CREATE INDEX async_visit_without_charge ON async_visit (tenant_id, responded_at)
    WHERE encounter_status = 'created' AND charged_at IS NULL;

-- What was submitted never changes, and no visit is ever deleted: nobody is given the right to.
GRANT SELECT, INSERT ON async_visit TO vcare_api;
GRANT UPDATE (status, provider_id, claimed_at, claimed_until, response_text, follow_up, responded_at, closed_at,
              encounter_status, encounter_id, charged_at, version, updated_at) ON async_visit TO vcare_api;
GRANT SELECT (tenant_id, id, status, responded_at, encounter_status, charged_at) ON async_visit TO vcare_operator;

ALTER TABLE async_visit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON async_visit TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant_for_operators ON async_visit FOR SELECT TO vcare_operator USING (true);

-- A job's session_id is the visit it is for, whichever kind of visit its kind is about: ids are drawn once.
ALTER TABLE retry_job
    DROP CONSTRAINT retry_job_kind_check,
    ADD CONSTRAINT retry_job_kind_check CHECK (kind IN (
        'create_async_encounter', 'create_encounter', 'create_thread', 'fail_lost_visit', 'push_summary'));
