-- Who waits, and links that fit into a short message.

-- What was last heard of somebody's page or device: a lease that ends by itself. Apart from the visit, whose version must
-- not rise because somebody is still there.
CREATE TABLE presence_lease (
    tenant_id      text        NOT NULL,
    session_id     uuid        NOT NULL,
    participant_id uuid        NOT NULL,
    device         text        CHECK (device ~ '^[A-Za-z0-9_-]{8,64}$'),
    -- The moment that the newest news is about.
    heard_at       timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    -- The next sign of life was promised before expires_at.
    promised       boolean     NOT NULL,
    PRIMARY KEY (tenant_id, session_id, participant_id)
);
-- Who is there now, of a tenant; broken promises and what to forget, of all.
CREATE INDEX presence_lease_live ON presence_lease (tenant_id, expires_at);
CREATE INDEX presence_lease_promised ON presence_lease (expires_at) WHERE promised;
CREATE INDEX presence_lease_by_age ON presence_lease (expires_at);

-- How long a provider's, or a tenant's, latest visits took, and which go on.
CREATE INDEX virtual_session_held_by ON virtual_session (tenant_id, provider_id, ended_at)
    WHERE status = 'ended' AND started_at IS NOT NULL;
CREATE INDEX virtual_session_held ON virtual_session (tenant_id, ended_at)
    WHERE status = 'ended' AND started_at IS NOT NULL;
CREATE INDEX virtual_session_going_on ON virtual_session (tenant_id, provider_id) WHERE status = 'active';

-- A short link's code, hashed, and what it takes to sign the join token again that it stands for. Opens nothing by itself.
CREATE TABLE short_link (
    tenant_id      text        NOT NULL,
    code_hash      bytea       NOT NULL CHECK (octet_length(code_hash) = 32),
    session_id     uuid        NOT NULL,
    participant_id uuid        NOT NULL,
    token_version  integer     NOT NULL CHECK (token_version >= 1),
    issued_at      timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code_hash)
);
CREATE UNIQUE INDEX short_link_by_code ON short_link (code_hash);
CREATE INDEX short_link_by_age ON short_link (expires_at);

GRANT SELECT, INSERT, UPDATE ON presence_lease TO vcare_api;
GRANT SELECT, INSERT ON short_link TO vcare_api;
-- Background work finds broken promises and forgets what is over; it reads no device and no code.
GRANT SELECT (tenant_id, session_id, participant_id, expires_at, promised), DELETE ON presence_lease TO vcare_system;
GRANT SELECT (expires_at), DELETE ON short_link TO vcare_system;
ALTER TABLE presence_lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE short_link ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON presence_lease TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON short_link TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY every_tenant ON presence_lease TO vcare_system USING (true);
CREATE POLICY every_tenant ON short_link TO vcare_system USING (true);

-- A code names no tenant. Whose it is, is answered across tenants, to who knows the code, and to nobody else.
CREATE FUNCTION short_link_of(hash bytea)
    RETURNS TABLE (tenant_id text, session_id uuid, participant_id uuid, token_version integer,
                   issued_at timestamptz, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT link.tenant_id, link.session_id, link.participant_id, link.token_version, link.issued_at, link.expires_at
      FROM public.short_link AS link
     WHERE link.code_hash = hash;
END;
REVOKE ALL ON FUNCTION short_link_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION short_link_of TO vcare_api;
