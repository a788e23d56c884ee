-- A decision that names no draft is about the only one that waits.
CREATE INDEX ai_draft_undecided ON ai_draft (tenant_id, session_id) WHERE status = 'pending';
