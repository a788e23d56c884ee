-- What tenants bring, sealed, and which versions of their derived keys are in use. Nothing here is worth anything without
-- the key store.

-- A value is bound to its tenant, name and version: in another row it does not open.
CREATE TABLE tenant_secret (
    tenant_id  text        NOT NULL,
    name       text        NOT NULL CHECK (name IN ('jitsiJwtSecret', 'zoomApiKey', 'zoomApiSecret')),
    version    integer     NOT NULL CHECK (version >= 1),
    key_id     text        NOT NULL CHECK (length(key_id) BETWEEN 1 AND 2048),
    sealed     bytea       NOT NULL CHECK (octet_length(sealed) BETWEEN 1 AND 8192),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Derived keys are stored nowhere; a key that was never rotated has no row, and is version 1.
CREATE TABLE tenant_key (
    tenant_id       text        NOT NULL,
    purpose         text        NOT NULL CHECK (purpose IN ('joinKey', 'jitsiSecret')),
    current_version integer     NOT NULL,
    oldest_version  integer     NOT NULL CHECK (oldest_version >= 1),
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, purpose),
    CHECK (oldest_version <= current_version)
);

-- A secret that was removed is gone. Versions are not forgotten: an old one must not come to life again.
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_secret TO vcare_api;
GRANT SELECT, INSERT, UPDATE ON tenant_key TO vcare_api;
ALTER TABLE tenant_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenant_secret TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
CREATE POLICY own_tenant ON tenant_key TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
