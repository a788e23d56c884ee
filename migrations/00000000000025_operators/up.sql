-- What an operator on call looks at and takes in hand.

-- Who set a job aside and who took it up again, and when; NULL where a version before this one did it.
ALTER TABLE retry_job
    ADD COLUMN parked_at   timestamptz,
    ADD COLUMN parked_by   text,
    ADD COLUMN requeued_at timestamptz,
    ADD COLUMN requeued_by text;

-- Of a visit its version, its times and its Encounter's id, and nothing of its people.
GRANT SELECT (version, created_at, scheduled_start, scheduled_end, started_at, cancelled_at, no_show_at, updated_at,
              encounter_id) ON virtual_session TO vcare_operator;
GRANT SELECT (version, submitted_at, claimed_at, closed_at, updated_at, encounter_id) ON async_visit TO vcare_operator;

-- The events of one visit that wait or are kept, and nothing of what is in them. Others than visits' are not answered: who is
-- named in their keys is nobody's business here.
CREATE FUNCTION events_of_visit(visit text)
    RETURNS TABLE (event_id uuid, subject text, created_at timestamptz, acknowledged_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT event.event_id, event.subject, event.created_at, event.acknowledged_at
      FROM (SELECT waiting.position, waiting.event_id, waiting.subject, waiting.ordering_key, waiting.created_at,
                   NULL::timestamptz AS acknowledged_at
              FROM public.outbox AS waiting
            UNION ALL
            SELECT kept.position, kept.event_id, kept.subject, kept.ordering_key, kept.created_at, kept.acknowledged_at
              FROM public.kept_event AS kept) AS event
     WHERE event.ordering_key = visit AND visit ~ '^(vsn|avs)_[0-9A-Z]{26}$'
     ORDER BY event.position;
END;
REVOKE ALL ON FUNCTION events_of_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION events_of_visit TO vcare_operator;

-- Deletes the settings of the tenant that the transaction is bound to, and of no other, unless it has visits or uploads;
-- answers whether it did.
CREATE FUNCTION delete_tenant_config()
    RETURNS SETOF text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    DELETE FROM public.tenant_config AS config
     WHERE config.tenant_id = current_setting('vcare.tenant_id', true)
       AND NOT EXISTS (SELECT FROM public.virtual_session AS visit WHERE visit.tenant_id = config.tenant_id)
       AND NOT EXISTS (SELECT FROM public.async_visit AS visit WHERE visit.tenant_id = config.tenant_id)
       AND NOT EXISTS (SELECT FROM public.async_upload AS upload
                        WHERE upload.tenant_id = config.tenant_id AND upload.state <> 'discarded')
    RETURNING config.tenant_id;
END;
REVOKE ALL ON FUNCTION delete_tenant_config FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_tenant_config TO vcare_api;
