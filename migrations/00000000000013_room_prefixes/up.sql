-- Rooms of tenants without a path segment are told apart by their prefix: a tenant that took another's took its looks away.
-- From here on a prefix is one tenant's, as a path segment is.

-- Tenants that had one prefix together go on with it, and their rooms look plain as before. Only the first of them holds it:
-- the one with the oldest visit. Whoever of the others takes another prefix does not come back to this one.
ALTER TABLE tenant_config ADD COLUMN shared_room_slug_prefix text;
WITH together AS (
    SELECT room_slug_prefix FROM tenant_config WHERE jitsi_tenant IS NULL GROUP BY 1 HAVING count(*) > 1
), placed AS (
    SELECT config.tenant_id,
           row_number() OVER (PARTITION BY config.room_slug_prefix ORDER BY first.created_at NULLS LAST, config.tenant_id)
               AS place
      FROM tenant_config AS config
      JOIN together USING (room_slug_prefix)
      LEFT JOIN LATERAL (
               SELECT min(visit.created_at) AS created_at FROM virtual_session AS visit
                WHERE visit.tenant_id = config.tenant_id
           ) AS first ON true
     WHERE config.jitsi_tenant IS NULL
)
UPDATE tenant_config AS config SET shared_room_slug_prefix = config.room_slug_prefix
  FROM placed WHERE placed.tenant_id = config.tenant_id AND placed.place > 1;

CREATE UNIQUE INDEX tenant_config_prefix_once ON tenant_config (room_slug_prefix)
    WHERE jitsi_tenant IS NULL AND room_slug_prefix IS DISTINCT FROM shared_room_slug_prefix;

-- A tenant's Jitsi asks us whether its rooms may open, with a token that is derived for the tenant: its versions are kept with
-- those of the other keys.
ALTER TABLE tenant_key
    DROP CONSTRAINT tenant_key_purpose_check,
    ADD CONSTRAINT tenant_key_purpose_check
        CHECK (purpose IN ('joinKey', 'jitsiSecret', 'attachmentLink', 'internalToken'));
