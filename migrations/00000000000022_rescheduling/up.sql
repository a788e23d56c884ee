-- Visits move to another time, and patients say that they come later.

-- How much later than planned the patient comes, as they said.
ALTER TABLE virtual_session ADD COLUMN delay_minutes smallint CHECK (delay_minutes IN (10, 20, 30));

-- The links of a visit that moves are kept until its new end.
GRANT UPDATE (expires_at) ON short_link TO vcare_api;
CREATE INDEX short_link_by_session ON short_link (tenant_id, session_id);

-- Visits that failed and were neither resumed nor ended.
CREATE INDEX virtual_session_failed ON virtual_session (tenant_id, failed_at) WHERE status = 'failed';

-- As before, but a patient who said that they come later is waited for from then on.
CREATE OR REPLACE FUNCTION visits_not_held(moment timestamptz, most integer)
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
                ELSE greatest(visit.scheduled_start
                                  + make_interval(mins => config.no_show_minutes + coalesce(visit.delay_minutes, 0)),
                              visit.scheduled_end)
           END <= moment
     ORDER BY visit.scheduled_start, visit.id
     LIMIT most;
END;

-- How many visits have failed and were neither resumed nor ended, and since when the oldest has: nothing of which they are.
CREATE FUNCTION failed_visits()
    RETURNS TABLE (visits bigint, oldest timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT count(*), min(failed_at) FROM public.virtual_session WHERE status = 'failed';
END;
REVOKE ALL ON FUNCTION failed_visits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION failed_visits TO vcare_system;
GRANT SELECT (failed_at) ON virtual_session TO vcare_operator;
