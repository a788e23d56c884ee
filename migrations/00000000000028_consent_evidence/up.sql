-- Consents that opened a gate: which, in which version, given when, for which visit. Proof for as long as the visit is kept.

CREATE TABLE consent_evidence (
    tenant_id       text        NOT NULL,
    id              bigint      GENERATED ALWAYS AS IDENTITY,
    -- As people see its id: vsn_… or avs_….
    visit           text        NOT NULL,
    gate            text        NOT NULL
        CHECK (gate IN ('telehealth_consent', 'recording_consent', 'ai_transcription_consent')),
    -- Whose consent it is, and the id of that patient or account.
    holder_kind     text        NOT NULL CHECK (holder_kind IN ('patient', 'provider')),
    holder_id       text        NOT NULL,
    -- As access-policy has them; null where it does not say.
    consent_id      text,
    consent_version text,
    consented_at    timestamptz,
    relied_on_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- One row for each version of a consent that a visit relied on.
    UNIQUE NULLS NOT DISTINCT (tenant_id, visit, gate, holder_kind, holder_id, consent_id, consent_version)
);

-- Evidence is added and read, never changed.
GRANT SELECT, INSERT ON consent_evidence TO vcare_api;
ALTER TABLE consent_evidence ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON consent_evidence TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
