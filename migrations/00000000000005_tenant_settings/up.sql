-- What a tenant decides on language, recording and links.

ALTER TABLE tenant_config
    ADD COLUMN locale                   text    NOT NULL DEFAULT 'en' CHECK (locale IN ('en', 'fa-AF', 'ps')),
    ADD COLUMN recording_policy         text    NOT NULL DEFAULT 'with_consent'
        CHECK (recording_policy IN ('disabled', 'with_consent')),
    ADD COLUMN recording_retention_days integer NOT NULL DEFAULT 365
        CHECK (recording_retention_days BETWEEN 1 AND 3650),
    ADD COLUMN link_video_min_kbps      integer NOT NULL DEFAULT 250,
    ADD COLUMN link_audio_min_kbps      integer NOT NULL DEFAULT 30,
    ADD COLUMN link_max_rtt_ms          integer NOT NULL DEFAULT 1500,
    ADD COLUMN link_max_loss_percent    integer NOT NULL DEFAULT 20;

-- Operators see which tenants there are, and nothing of what they decided about people.
GRANT SELECT (tenant_id, version, video_backend, room_slug_prefix, updated_at) ON tenant_config TO vcare_operator;
CREATE POLICY every_tenant_for_operators ON tenant_config FOR SELECT TO vcare_operator USING (true);
