-- What people and clinics are called.

-- The clinic as its patients know it.
ALTER TABLE tenant_config
    ADD COLUMN clinic_name  text CHECK (char_length(clinic_name) BETWEEN 1 AND 80),
    ADD COLUMN clinic_phone text CHECK (clinic_phone ~ '^[+]?[0-9]{3,15}$');

-- The name and the language of each person in a visit, by participant. A column of its own, as a version before this one
-- reads no field of a participant that it does not know. Names are sealed; a language is a plain word.
ALTER TABLE virtual_session ADD COLUMN people jsonb NOT NULL DEFAULT '{}';

-- Names are sealed with a key that is derived for the tenant: its versions are kept with those of the other keys.
ALTER TABLE tenant_key
    DROP CONSTRAINT tenant_key_purpose_check,
    ADD CONSTRAINT tenant_key_purpose_check
        CHECK (purpose IN ('joinKey', 'jitsiSecret', 'attachmentLink', 'internalToken', 'displayName'));

-- Our own small copy of a tenant's logo, for the page on which patients wait. It is of the address that stands beside it: where
-- a version before this one changed the address, there is no copy.
CREATE TABLE tenant_logo (
    tenant_id  text        NOT NULL PRIMARY KEY,
    source_url text        NOT NULL,
    media_type text        NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    bytes      bytea       NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 2048),
    fetched_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_logo TO vcare_api;
ALTER TABLE tenant_logo ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenant_logo TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));
