-- Proof of completeness: what has ended must have its Encounter, and what has its Encounter must be charged.

-- When the charge was emitted, in the transaction that recorded the Encounter's id. Until now both were always one.
ALTER TABLE virtual_session ADD COLUMN charged_at timestamptz;
UPDATE virtual_session SET charged_at = updated_at WHERE encounter_status = 'created';

CREATE INDEX virtual_session_without_encounter ON virtual_session (tenant_id, ended_at)
    WHERE encounter_status IN ('pending', 'parked');
CREATE INDEX virtual_session_without_charge ON virtual_session (tenant_id, ended_at)
    WHERE encounter_status = 'created' AND charged_at IS NULL;

-- A third role, for the operators' tool: sees of all tenants what it takes to find what is stuck, and nothing about people.
DO $$
BEGIN
    CREATE ROLE vcare_operator NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT vcare_operator TO CURRENT_USER;
GRANT SELECT (tenant_id, id, status, ended_at, encounter_status, charged_at) ON virtual_session TO vcare_operator;
GRANT SELECT ON retry_job TO vcare_operator;
GRANT SELECT (position, tenant_id, subject, created_at) ON outbox TO vcare_operator;
CREATE POLICY every_tenant_for_operators ON virtual_session FOR SELECT TO vcare_operator USING (true);
CREATE POLICY every_tenant_for_operators ON retry_job FOR SELECT TO vcare_operator USING (true);
CREATE POLICY every_tenant_for_operators ON outbox FOR SELECT TO vcare_operator USING (true);

-- A tenant's administrators see which of their own events wait; what is in them nobody reads here.
GRANT SELECT (position, tenant_id, subject, created_at) ON outbox TO vcare_api;
