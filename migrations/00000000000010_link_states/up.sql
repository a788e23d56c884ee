-- What a visit's links carry, and how it goes on in messages.

-- What is known of a person's link between two probes. Apart from the visit: most of it is no change of it.
CREATE TABLE link_state (
    tenant_id      text        NOT NULL,
    session_id     uuid        NOT NULL,
    participant_id uuid        NOT NULL,
    level          text        NOT NULL CHECK (level IN ('full', 'reduced', 'small', 'audio', 'message')),
    better         text        CHECK (better IN ('full', 'reduced', 'small', 'audio')),
    prefer         text        CHECK (prefer IN ('video', 'audio', 'message')),
    counted_since  timestamptz NOT NULL,
    changes        integer     NOT NULL CHECK (changes BETWEEN 0 AND 255),
    PRIMARY KEY (tenant_id, session_id, participant_id)
);
GRANT SELECT, INSERT, UPDATE ON link_state TO vcare_api;
ALTER TABLE link_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON link_state TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));

-- What the visit knows of it: by participant, the medium and the cap. A column of its own, as a version before this one
-- reads no field of a participant that it does not know.
ALTER TABLE virtual_session
    ADD COLUMN links                  jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN messaging_status       text  CHECK (messaging_status IN ('pending', 'parked', 'created')),
    ADD COLUMN messaging_requested_by text,
    ADD CHECK ((messaging_status IS NULL) = (messaging_requested_by IS NULL)),
    ADD CHECK ((messaging_status IS NOT DISTINCT FROM 'created') = (messaging_thread_id IS NOT NULL));
