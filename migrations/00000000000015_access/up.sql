-- Who stands how to a visit.

-- Who comes in the patient's place, by participant: a column of its own, as a version before this one reads no field of a
-- participant that it does not know.
ALTER TABLE virtual_session ADD COLUMN related_persons jsonb NOT NULL DEFAULT '{}';

-- Who sent a visit in the patient's place.
ALTER TABLE async_visit ADD COLUMN related_person_id text;

-- How who uploads stands to the patient; NULL in rows that a version before this one has written.
ALTER TABLE async_upload ADD COLUMN uploader text CHECK (uploader IN ('patient', 'staff'));
-- Everybody has slots of their own: nobody takes another one's. Which of them a visit shows, the visit says.
CREATE UNIQUE INDEX async_upload_by_owned_slot
    ON async_upload (tenant_id, client_mutation_id, patient_id, attachment_index, kind, owner_id)
    WHERE state <> 'discarded';
DROP INDEX async_upload_by_slot;
