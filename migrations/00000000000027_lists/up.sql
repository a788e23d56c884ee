-- Lists that answer a screen: what changed lately, and async visits by who holds or answered them.

-- What changed since a moment is little, however much there is in all.
CREATE INDEX virtual_session_by_change ON virtual_session (tenant_id, updated_at);
CREATE INDEX async_visit_by_change ON async_visit (tenant_id, updated_at);
CREATE INDEX async_visit_by_provider ON async_visit (tenant_id, provider_id, submitted_at, id)
    WHERE provider_id IS NOT NULL;

-- Cursors are signed with a tenant's own key. A version before this one passes over a purpose that it does not know.
ALTER TABLE tenant_key
    DROP CONSTRAINT tenant_key_purpose_check,
    ADD CONSTRAINT tenant_key_purpose_check
        CHECK (purpose IN ('joinKey', 'jitsiSecret', 'attachmentLink', 'internalToken', 'displayName', 'listCursor'));
