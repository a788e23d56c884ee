-- Why a visit goes on in messages, in the words of who asked for that. NULL when no reason was given, and in rows that a
-- version before this one has written; it writes no column that it does not know, so that a reason outlives its updates.
ALTER TABLE virtual_session ADD COLUMN messaging_reason text;
