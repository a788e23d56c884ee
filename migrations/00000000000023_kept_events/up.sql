-- Events that the stream has acknowledged, for some minutes. JetStream acknowledges before it writes to the disk: after a
-- power cut of all its servers the last two minutes may be gone, and this is where they are published from again.
CREATE TABLE kept_event (
    -- That of the outbox: an event that is put back has its old place.
    position        bigint      PRIMARY KEY,
    tenant_id       text        NOT NULL,
    event_id        uuid        NOT NULL,
    subject         text        NOT NULL,
    ordering_key    text        NOT NULL,
    body            bytea       NOT NULL,
    created_at      timestamptz NOT NULL,
    -- Where the stream says that it is.
    stream_sequence bigint      NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX kept_event_by_sequence ON kept_event (stream_sequence);

GRANT SELECT, INSERT, DELETE ON kept_event TO vcare_system;
-- To put back what the stream has lost.
GRANT INSERT ON outbox TO vcare_system;

ALTER TABLE kept_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_tenant ON kept_event TO vcare_system USING (true);
