-- What people wrote or sent is encrypted with a random key of its visit or upload, which is wrapped by a random key of the
-- patient, which is wrapped by a key of the tenant that the keeper of the master keys derives. To delete a key is to erase what
-- it encrypted, in every backup too. So keys have a schema of their own, whose backups are kept for a shorter time.

CREATE SCHEMA vcare_keys;
GRANT USAGE ON SCHEMA vcare_keys TO vcare_api;

-- Each patient about whom something was written, with what the law asks for.
CREATE TABLE vcare_keys.subject (
    tenant_id     text        NOT NULL,
    patient_id    text        NOT NULL,
    -- The wrapped key, and the version of the tenant's key that unwraps it. NULL once the patient was erased.
    key_version   integer     CHECK (key_version >= 1),
    wrapped       bytea       CHECK (octet_length(wrapped) = 60),
    created_at    timestamptz NOT NULL,
    -- A legal hold, a restriction, an erasure: since when, and by whom.
    held_at       timestamptz,
    held_by       text,
    restricted_at timestamptz,
    restricted_by text,
    erased_at     timestamptz,
    erased_by     text,
    PRIMARY KEY (tenant_id, patient_id),
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (key_version IS NULL)),
    CHECK ((held_at IS NULL) = (held_by IS NULL)),
    CHECK ((restricted_at IS NULL) = (restricted_by IS NULL)),
    CHECK ((erased_at IS NULL) = (erased_by IS NULL)),
    CHECK (erased_at IS NULL OR (held_at IS NULL AND restricted_at IS NULL))
);

-- Each visit or upload about which something was written.
CREATE TABLE vcare_keys.record_key (
    tenant_id  text        NOT NULL,
    record_id  uuid        NOT NULL,
    patient_id text        NOT NULL,
    -- Wrapped by the patient's key.
    wrapped    bytea       NOT NULL CHECK (octet_length(wrapped) = 60),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, record_id),
    FOREIGN KEY (tenant_id, patient_id) REFERENCES vcare_keys.subject (tenant_id, patient_id)
);
CREATE INDEX record_key_by_patient ON vcare_keys.record_key (tenant_id, patient_id);

-- Who cares for patients makes keys and uses them, and deletes none.
GRANT SELECT, INSERT, UPDATE (held_at, held_by, restricted_at, restricted_by) ON vcare_keys.subject TO vcare_api;
GRANT SELECT, INSERT ON vcare_keys.record_key TO vcare_api;
ALTER TABLE vcare_keys.subject ENABLE ROW LEVEL SECURITY;
ALTER TABLE vcare_keys.record_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON vcare_keys.subject TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON vcare_keys.record_key TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));

-- The encrypted values stand beside the columns that they take the place of. Those hold a placeholder, which the version before
-- shows: it cannot decrypt.
ALTER TABLE async_visit
    -- The complaint, symptoms, the answer, and what was added to it.
    ADD COLUMN sealed          bytea,
    -- The answer to the first submission, byte for byte.
    ADD COLUMN original_sealed bytea,
    -- When everything that people wrote was erased.
    ADD COLUMN erased_at       timestamptz;
GRANT UPDATE (sealed) ON async_visit TO vcare_api;
ALTER TABLE virtual_session
    -- Notes to reasons, and what people are called.
    ADD COLUMN sealed          bytea,
    ADD COLUMN erased_at       timestamptz;

-- The visit with whose key the answer is encrypted; NULL when it is not, as nothing was written in the visit.
ALTER TABLE idempotency_key
    ADD COLUMN record_id       uuid;
CREATE INDEX idempotency_key_by_record ON idempotency_key (tenant_id, record_id) WHERE record_id IS NOT NULL;

-- Erases: deletes keys, and what a version before this one wrote beside them. A role of its own, which a transaction takes on for
-- this alone, within its tenant.
DO $$
BEGIN
    CREATE ROLE vcare_eraser NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT vcare_eraser TO CURRENT_USER;
GRANT USAGE ON SCHEMA vcare_keys TO vcare_eraser;
GRANT SELECT, UPDATE (key_version, wrapped, restricted_at, restricted_by, erased_at, erased_by) ON vcare_keys.subject
   TO vcare_eraser;
GRANT SELECT, DELETE ON vcare_keys.record_key TO vcare_eraser;
GRANT SELECT (tenant_id, id, patient_id, response_text, addenda, version, updated_at),
      UPDATE (original_body, original_sealed, chief_complaint, symptoms, locale, response_text, complaint_code_system,
              complaint_code, complaint_code_display, addenda, sealed, erased_at, version, updated_at)
   ON async_visit TO vcare_eraser;
GRANT SELECT (tenant_id, id, patient_id, cancel_reason, end_reason, messaging_reason, no_show_at, participants, people, version,
              updated_at),
      UPDATE (cancel_reason, end_reason, messaging_reason, participants, people, recording_ref, further_recordings, sealed,
              erased_at, version, updated_at)
   ON virtual_session TO vcare_eraser;
GRANT SELECT (tenant_id, session_id, status, version),
      UPDATE (status, decided_at, key_id, sealed, version)
   ON ai_draft TO vcare_eraser;
GRANT SELECT (tenant_id, patient_id), UPDATE (reason) ON emergency_access TO vcare_eraser;
GRANT SELECT (tenant_id, record_id), DELETE ON idempotency_key TO vcare_eraser;
GRANT SELECT (tenant_id, session_id), DELETE ON link_state, presence, presence_lease, short_link TO vcare_eraser;
CREATE POLICY own_tenant_for_erasing ON vcare_keys.subject TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON vcare_keys.record_key TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON async_visit TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON virtual_session TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON ai_draft TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON emergency_access TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON idempotency_key TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON link_state TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON presence TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON presence_lease TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant_for_erasing ON short_link TO vcare_eraser
    USING (tenant_id = current_setting('vcare.tenant_id', true));
