-- When the link is bad: more kinds of durable work.

-- Workers take one kind at a time, so that a neighbour that is down holds up its own kind only: the oldest due of a kind
-- must be found without passing by the others'.
ALTER TABLE retry_job
    DROP CONSTRAINT retry_job_kind_check,
    ADD CONSTRAINT retry_job_kind_check
        CHECK (kind IN ('create_encounter', 'create_thread', 'fail_lost_visit', 'push_summary'));
DROP INDEX retry_job_due;
CREATE INDEX retry_job_due ON retry_job (kind, due_at) WHERE state = 'open';
