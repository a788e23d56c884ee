-- How much of a visit was transcribed by a machine, in totals: for each consent that it relied on, and each model. The text is
-- kept nowhere.

CREATE TABLE ai_transcription (
    tenant_id      text        NOT NULL,
    session_id     uuid        NOT NULL,
    -- Whose consent, and in which version: the row of consent_evidence. Whoever deletes the evidence deletes the totals.
    evidence       bigint      NOT NULL,
    -- By the gateway's name; empty where it gives none.
    model          text        NOT NULL CHECK (length(model) <= 100),
    transcriptions integer     NOT NULL CHECK (transcriptions >= 1),
    -- Those of them whose length the gateway did not give.
    untimed        integer     NOT NULL CHECK (untimed BETWEEN 0 AND transcriptions),
    audio_ms       bigint      NOT NULL CHECK (audio_ms >= 0),
    -- How many of them the last audit entry of an ended visit includes.
    reported       integer     NOT NULL DEFAULT 0 CHECK (reported BETWEEN 0 AND transcriptions),
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id, evidence, model),
    FOREIGN KEY (tenant_id, evidence) REFERENCES consent_evidence (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ai_transcription_unreported ON ai_transcription (tenant_id, session_id) WHERE transcriptions > reported;

GRANT SELECT, INSERT ON ai_transcription TO vcare_api;
GRANT UPDATE (transcriptions, untimed, audio_ms, reported, last_at) ON ai_transcription TO vcare_api;
ALTER TABLE ai_transcription ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ai_transcription TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));

-- Visits that are over and have transcriptions that no audit entry of an ended visit includes. Background work may not read
-- visits.
CREATE FUNCTION unreported_transcriptions(most integer)
    RETURNS TABLE (tenant_id text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT visit.tenant_id, visit.id
      FROM (SELECT DISTINCT total.tenant_id, total.session_id
              FROM public.ai_transcription AS total
             WHERE total.transcriptions > total.reported) AS owed
      JOIN public.virtual_session AS visit ON visit.tenant_id = owed.tenant_id AND visit.id = owed.session_id
     WHERE visit.status IN ('ended', 'cancelled')
     ORDER BY visit.id
     LIMIT most;
END;
REVOKE ALL ON FUNCTION unreported_transcriptions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unreported_transcriptions TO vcare_system;
