-- One appointment has one live visit, and lists can be narrowed to an appointment and to a provider.

-- Not unique: earlier versions wrote several visits for one appointment, and one that still runs beside this one may. Who
-- creates a visit locks its appointment (an advisory lock of the transaction) and looks here.
CREATE INDEX virtual_session_by_appointment ON virtual_session (tenant_id, appointment_id, scheduled_start, id)
    WHERE appointment_id IS NOT NULL;
CREATE INDEX virtual_session_by_provider ON virtual_session (tenant_id, provider_id, scheduled_start, id)
    WHERE provider_id IS NOT NULL;
