-- Idempotency keys are callers' words, and nobody can tell what callers put there: from here on they are kept as a hash.
--
-- The version before writes a key as it was sent, and looks for it as it was sent. What it keeps gets its hash here, so that
-- this version finds it. What this version keeps it does not find, and does again; but the hash is taken by then, so that
-- nothing of it is committed, and the caller is told to try again (409 CONCURRENT_UPDATE).

-- The hash that a key is kept as. Tenant and account are in it: the same key of two people is not the same hash. A key in quotes
-- is the key within them.
CREATE FUNCTION hash_of_idempotency_key(tenant text, actor text, key text)
    RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT sha256(convert_to(tenant || chr(10) || actor || chr(10) ||
        CASE WHEN key ~ '^"([^"\\]|\\["\\])+"$'
             THEN regexp_replace(substr(key, 2, length(key) - 2), '\\(["\\])', '\1', 'g')
             ELSE key END, 'UTF8'));
END;
REVOKE ALL ON FUNCTION hash_of_idempotency_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hash_of_idempotency_key TO vcare_api;

-- NULL only where the version before kept two answers, under a key with quotes and under the same without them.
ALTER TABLE idempotency_key
    ADD COLUMN key_hash bytea CHECK (octet_length(key_hash) = 32);

UPDATE idempotency_key AS kept
   SET key_hash = hashed.key_hash
  FROM (SELECT DISTINCT ON (key_hash) tenant_id, actor, key, key_hash
          FROM (SELECT tenant_id, actor, key, created_at, hash_of_idempotency_key(tenant_id, actor, key) AS key_hash
                  FROM idempotency_key) AS each_key
         ORDER BY key_hash, created_at, key) AS hashed
 WHERE (kept.tenant_id, kept.actor, kept.key) = (hashed.tenant_id, hashed.actor, hashed.key);

CREATE UNIQUE INDEX idempotency_key_by_hash ON idempotency_key (tenant_id, actor, key_hash);

CREATE FUNCTION hash_idempotency_key()
    RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.key_hash := coalesce(NEW.key_hash, public.hash_of_idempotency_key(NEW.tenant_id, NEW.actor, NEW.key));
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION hash_idempotency_key FROM PUBLIC;

-- For the version before: this one brings the hash.
CREATE TRIGGER hash_idempotency_key BEFORE INSERT ON idempotency_key
    FOR EACH ROW EXECUTE FUNCTION hash_idempotency_key();
