-- Photos and voice notes of async visits: which of their bytes have arrived, and what became of them. The bytes are
-- elsewhere, under names that tell nothing.

CREATE TABLE async_upload (
    tenant_id          text        NOT NULL,
    id                 uuid        NOT NULL,
    owner_id           text        NOT NULL,
    patient_id         text        NOT NULL,
    client_mutation_id uuid        NOT NULL,
    attachment_index   smallint    NOT NULL CHECK (attachment_index BETWEEN 0 AND 9),
    kind               text        NOT NULL CHECK (kind IN ('original', 'preview')),
    length             integer     NOT NULL CHECK (length BETWEEN 1 AND 10485760),
    -- What was stored before it was counted; a chunk that is not named here was never received.
    received           integer     NOT NULL CHECK (received BETWEEN 0 AND length),
    folder             text        NOT NULL,
    chunks             text[]      NOT NULL,
    writer             uuid,
    state              text        NOT NULL
        CHECK (state IN ('receiving', 'checking', 'ready', 'rejected', 'discarded')),
    reason             text,
    content_key        text,
    content_type       text,
    content_size       integer,
    discarded_at       timestamptz,
    expires_at         timestamptz NOT NULL,
    -- When somebody must look at it. A leased upload is one that is due later: when the lease runs out, it is due by itself.
    due_at             timestamptz,
    lease_token        uuid,
    checks             integer     NOT NULL CHECK (checks >= 0),
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((state = 'receiving') = (received < length) OR state = 'discarded'),
    CHECK ((state = 'ready') = (content_key IS NOT NULL)),
    CHECK ((state = 'ready') = (content_type IS NOT NULL)),
    CHECK ((state = 'ready') = (content_size IS NOT NULL)),
    CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CHECK ((state = 'discarded') = (discarded_at IS NOT NULL))
);
-- One upload for one attachment of one draft; the next one may begin when it was discarded. A draft's id is drawn by a
-- phone: another patient's draft of the same id is another draft.
CREATE UNIQUE INDEX async_upload_by_slot
    ON async_upload (tenant_id, client_mutation_id, patient_id, attachment_index, kind) WHERE state <> 'discarded';
CREATE INDEX async_upload_by_owner ON async_upload (tenant_id, owner_id, created_at);
CREATE INDEX async_upload_due ON async_upload (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX async_upload_unchecked ON async_upload (updated_at) WHERE state = 'checking';

GRANT SELECT, INSERT, UPDATE, DELETE ON async_upload TO vcare_api;
-- Background work across tenants learns which uploads are due, and takes them; what is in them it sees as their tenant.
GRANT SELECT (tenant_id, id, state, due_at, checks, updated_at) ON async_upload TO vcare_system;
GRANT UPDATE (due_at, lease_token, checks) ON async_upload TO vcare_system;
ALTER TABLE async_upload ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON async_upload TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant ON async_upload TO vcare_system USING (true);

-- Links to attachments are signed with a key of their own.
ALTER TABLE tenant_key
    DROP CONSTRAINT tenant_key_purpose_check,
    ADD CONSTRAINT tenant_key_purpose_check CHECK (purpose IN ('joinKey', 'jitsiSecret', 'attachmentLink'));
