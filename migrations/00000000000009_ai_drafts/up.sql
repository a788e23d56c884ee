-- Summaries that a machine drafted. The text is sealed with a key of its own, which only the tenant's key store opens; and
-- it is held only where it is still needed: until a draft was declined, expired, or came into the chart.

CREATE TABLE ai_draft (
    tenant_id       text        NOT NULL,
    id              uuid        NOT NULL,
    session_id      uuid        NOT NULL,
    requested_by    text        NOT NULL,
    model           text        NOT NULL,
    template        text        NOT NULL,
    transcript_hash bytea       NOT NULL CHECK (octet_length(transcript_hash) = 32),
    draft_hash      bytea       NOT NULL CHECK (octet_length(draft_hash) = 32),
    status          text        NOT NULL CHECK (status IN ('pending', 'accepted', 'declined', 'expired')),
    delivery        text        CHECK (delivery IN ('owed', 'parked', 'done')),
    key_id          text,
    sealed          bytea       CHECK (octet_length(sealed) BETWEEN 1 AND 131072),
    decided_by      text,
    decided_at      timestamptz,
    content_hash    bytea       CHECK (octet_length(content_hash) = 32),
    human_edited    boolean,
    note_id         text,
    delivered_at    timestamptz,
    version         integer     NOT NULL CHECK (version >= 1),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status = 'accepted') = (delivery IS NOT NULL)),
    CHECK ((status = 'pending') = (decided_at IS NULL)),
    CHECK ((delivery IS NOT DISTINCT FROM 'done') = (delivered_at IS NOT NULL)),
    -- A text is there exactly as long as it is needed.
    CHECK ((sealed IS NOT NULL) = (status = 'pending' OR (status = 'accepted' AND delivery <> 'done'))),
    CHECK ((sealed IS NULL) = (key_id IS NULL))
);
CREATE INDEX ai_draft_by_session ON ai_draft (tenant_id, session_id) WHERE status = 'accepted' AND delivered_at IS NULL;
CREATE INDEX ai_draft_by_expiry ON ai_draft (expires_at) WHERE status = 'pending';

-- Background work finds out which drafts have expired, and learns nothing else of them.
GRANT SELECT, INSERT, UPDATE ON ai_draft TO vcare_api;
GRANT SELECT (tenant_id, id, status, expires_at) ON ai_draft TO vcare_system;
ALTER TABLE ai_draft ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ai_draft TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant ON ai_draft FOR SELECT TO vcare_system USING (true);
