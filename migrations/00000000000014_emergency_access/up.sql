-- Emergency access: who had to know at once about a patient who was not in their care, why, and until when.

CREATE TABLE emergency_access (
    tenant_id  text        NOT NULL,
    id         uuid        NOT NULL,
    user_id    text        NOT NULL,
    patient_id text        NOT NULL,
    reason     text        NOT NULL CHECK (char_length(reason) BETWEEN 10 AND 200),
    -- The visit at which it was needed, as people see its id: of either kind, or of neither.
    visit      text,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK (expires_at > granted_at)
);
CREATE INDEX emergency_access_by_people ON emergency_access (tenant_id, user_id, patient_id, expires_at);

-- What was granted is neither changed nor forgotten. Those who watch over it see who, whom and why: it is what they look for.
GRANT SELECT, INSERT ON emergency_access TO vcare_api;
GRANT SELECT ON emergency_access TO vcare_operator;
ALTER TABLE emergency_access ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON emergency_access TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant_for_operators ON emergency_access FOR SELECT TO vcare_operator USING (true);
