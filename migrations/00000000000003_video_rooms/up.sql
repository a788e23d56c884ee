-- Video rooms: what a tenant's backends are told, who is seen in a room, what was recorded.

ALTER TABLE tenant_config
    ADD COLUMN video_backend          text NOT NULL DEFAULT 'jitsi' CHECK (video_backend IN ('jitsi', 'zoom')),
    ADD COLUMN jicofo_health_url      text,
    ADD COLUMN prosody_url            text,
    ADD COLUMN zoom_account_id        text,
    ADD COLUMN zoom_host_user         text NOT NULL DEFAULT 'me',
    ADD COLUMN branding_logo_url      text CHECK (branding_logo_url LIKE 'https://%'),
    ADD COLUMN branding_primary_color text CHECK (branding_primary_color ~ '^#[0-9a-f]{6}$'),
    -- A tenant whose visits are elsewhere has no Jitsi.
    ALTER COLUMN jitsi_server_url DROP NOT NULL,
    ADD CHECK (video_backend <> 'jitsi' OR jitsi_server_url IS NOT NULL);
-- A path segment on a shared Jitsi is one tenant's: its rooms and its branding are found by it.
CREATE UNIQUE INDEX tenant_config_by_path ON tenant_config (jitsi_tenant) WHERE jitsi_tenant IS NOT NULL;
CREATE INDEX tenant_config_by_prefix ON tenant_config (room_slug_prefix) WHERE jitsi_tenant IS NULL;

ALTER TABLE virtual_session
    ADD COLUMN recording_withdrawn_at timestamptz,
    ADD COLUMN further_recordings     text[] NOT NULL DEFAULT '{}';
CREATE INDEX virtual_session_by_room ON virtual_session (room_name);

-- Connections that the video server saw in a room. Hints, kept apart from the visit: they come twice and out of order, and
-- only what they mean for the visit is a change of it.
CREATE TABLE presence (
    tenant_id      text        NOT NULL,
    session_id     uuid        NOT NULL,
    occupant       text        NOT NULL,
    participant_id uuid        NOT NULL,
    joined_at      timestamptz,
    left_at        timestamptz,
    PRIMARY KEY (tenant_id, session_id, occupant)
);
GRANT SELECT, INSERT, UPDATE ON presence TO vcare_api;
ALTER TABLE presence ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON presence TO vcare_api
    USING (tenant_id = current_setting('vcare.tenant_id', true));

-- A video server knows rooms and not tenants. These two questions, and no others, are answered across tenants; they run
-- with the rights of the tables' owner.
CREATE FUNCTION session_of_room(tenant_path text, room text) RETURNS TABLE (tenant_id text, session_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT visit.tenant_id, visit.id
      FROM public.virtual_session AS visit
      JOIN public.tenant_config AS config ON config.tenant_id = visit.tenant_id
     WHERE visit.room_name = room
       AND visit.video_backend = 'jitsi'
       AND config.jitsi_tenant IS NOT DISTINCT FROM tenant_path;
END;
CREATE FUNCTION branding_of(tenant_path text, prefix text)
    RETURNS TABLE (branding_logo_url text, branding_primary_color text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT config.branding_logo_url, config.branding_primary_color
      FROM public.tenant_config AS config
     WHERE config.jitsi_tenant = tenant_path
        OR (tenant_path IS NULL AND config.jitsi_tenant IS NULL AND config.room_slug_prefix = prefix)
     LIMIT 2;
END;
REVOKE ALL ON FUNCTION session_of_room, branding_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION session_of_room, branding_of TO vcare_api;
