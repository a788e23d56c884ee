-- An upload may be rejected by its first bytes, before any of them is kept: see docs/uploads.md.
DO $$
DECLARE
    name text;
BEGIN
    SELECT conname INTO STRICT name
      FROM pg_constraint
     WHERE conrelid = 'async_upload'::regclass AND contype = 'c'
       AND pg_get_constraintdef(oid) LIKE '%receiving%received < length%discarded%';
    EXECUTE format('ALTER TABLE async_upload DROP CONSTRAINT %I', name);
END
$$;
ALTER TABLE async_upload ADD CONSTRAINT async_upload_received CHECK (
    CASE state
        WHEN 'receiving' THEN received < length
        WHEN 'discarded' THEN true
        WHEN 'rejected' THEN received = length OR (received = 0 AND reason = 'unknown_type')
        ELSE received = length
    END);
