-- Visits that nobody ends: how long a tenant waits for people, and what becomes of such visits.

ALTER TABLE tenant_config
    ADD COLUMN auto_end_minutes integer NOT NULL DEFAULT 10,
    ADD COLUMN resume_minutes   integer NOT NULL DEFAULT 30,
    ADD COLUMN no_show_minutes  integer NOT NULL DEFAULT 60;

-- A no-show is stored as a cancelled visit that has no_show_at, as a version before this one cannot read a status that it does
-- not know. end_cause is NULL in rows that such a version has ended: there, a person did.
ALTER TABLE virtual_session
    ADD COLUMN end_cause  text CHECK (end_cause IN ('person', 'everybody_left', 'connection_lost', 'not_held')),
    ADD COLUMN end_reason text,
    ADD COLUMN no_show_at timestamptz,
    ADD CONSTRAINT virtual_session_no_show_check CHECK (no_show_at IS NULL OR status = 'cancelled');

ALTER TABLE retry_job
    DROP CONSTRAINT retry_job_kind_check,
    ADD CONSTRAINT retry_job_kind_check CHECK (kind IN (
        'create_async_encounter', 'create_encounter', 'create_thread', 'end_by_itself', 'fail_lost_visit', 'push_summary'));

-- Visits that have not begun, by their planned start.
CREATE INDEX virtual_session_not_begun ON virtual_session (tenant_id, scheduled_start)
    WHERE status IN ('scheduled', 'waiting');

-- Visits whose time is over and that have not begun, of all tenants: background work learns their ids, and nothing of their
-- people. The patient did not come within the tenant's no_show_minutes; or came, and nobody admitted them for a day.
CREATE FUNCTION visits_not_held(moment timestamptz, most integer)
    RETURNS TABLE (tenant_id text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT visit.tenant_id, visit.id
      FROM public.virtual_session AS visit
      JOIN public.tenant_config AS config ON config.tenant_id = visit.tenant_id
     WHERE visit.status IN ('scheduled', 'waiting')
       AND visit.scheduled_start < moment
       AND CASE WHEN jsonb_path_exists(visit.participants, '$[*] ? (@.role == "patient" && exists(@.joined_at))')
                THEN visit.scheduled_end + interval '1 day'
                ELSE greatest(visit.scheduled_start + make_interval(mins => config.no_show_minutes), visit.scheduled_end)
           END <= moment
     ORDER BY visit.scheduled_start, visit.id
     LIMIT most;
END;
REVOKE ALL ON FUNCTION visits_not_held FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visits_not_held TO vcare_system;
