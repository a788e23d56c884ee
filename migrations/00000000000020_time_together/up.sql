-- When each participant was in the visit: {"<participant>": [{"from": ..., "to": ...}]}. A column of its own, as a version
-- before this one reads no field of a participant that it does not know. Empty in rows that it has written: then the times
-- come from the participant itself.
ALTER TABLE virtual_session ADD COLUMN stays jsonb NOT NULL DEFAULT '{}';
