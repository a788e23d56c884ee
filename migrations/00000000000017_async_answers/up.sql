-- What async visits can lack and gain, and the patient that an Encounter was written for.

ALTER TABLE async_visit
    -- The phone did not say when it was written. authored_at is then when it arrived: a version before this one reads it.
    ADD COLUMN authored_at_missing      boolean NOT NULL DEFAULT false,
    -- The code of the complaint, where the sender had one.
    ADD COLUMN complaint_code_system    text,
    ADD COLUMN complaint_code           text,
    ADD COLUMN complaint_code_display   text,
    -- What the clinician added to the answer, in order: by whom, when, and the words.
    ADD COLUMN addenda                  jsonb   NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(addenda) = 'array'),
    -- The patient that the Encounter is written for, where that is not patient_id: the record that took its place.
    ADD COLUMN encounter_patient_id     text,
    ADD CHECK ((complaint_code_system IS NULL) = (complaint_code IS NULL)),
    ADD CHECK (complaint_code_display IS NULL OR complaint_code IS NOT NULL),
    ADD CHECK (addenda = '[]' OR responded_at IS NOT NULL);
GRANT UPDATE (addenda, encounter_patient_id) ON async_visit TO vcare_api;

ALTER TABLE virtual_session ADD COLUMN encounter_patient_id text;

-- A decision that names no draft is about the only one that waits.
CREATE INDEX ai_draft_undecided ON ai_draft (tenant_id, session_id) WHERE status = 'pending';
