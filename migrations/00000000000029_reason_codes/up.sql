-- Why a visit was called off or is a no-show, why somebody was put out, and why somebody took emergency access: as codes of closed
-- lists, beside the notes in people's own words. NULL, or absent, in rows that a version before this one has written.
--
-- The lists stand in the code and not in checks: a version reads a word that it does not know as `other`, so that a later version
-- may add one while both run.

ALTER TABLE virtual_session
    ADD COLUMN cancel_code  text CHECK (cancel_code ~ '^[a-z_]{1,40}$'),
    ADD COLUMN no_show_code text CHECK (no_show_code ~ '^[a-z_]{1,40}$'),
    -- By participant: when they were put out, and the code. A column of its own, as a version before this one reads no field of a
    -- participant that it does not know. It counts for the removal of that time only: such a version may have brought the same
    -- person back and put them out again.
    ADD COLUMN removals     jsonb NOT NULL DEFAULT '{}';

ALTER TABLE emergency_access
    ADD COLUMN reason_code text CHECK (reason_code ~ '^[a-z_]{1,40}$');

-- Operators see codes beside the state of a visit, and no note of it. Of emergency_access they see every column.
GRANT SELECT (cancel_code, no_show_code) ON virtual_session TO vcare_operator;
