//! The threads in which visits go on: what they are made of, however the communication-service learns that one is wanted.

mod created;

use uuid::Uuid;
use vcare_domain::{SessionId, SessionParts, UserId};

use crate::ports::ThreadDraft;

/// What the thread is about, for people: no name and nothing clinical, as it is shown in lists and notifications.
const SUBJECT: &str = "Telehealth visit";

/// Names the threads of visits among all that have a name of this kind.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1f_7b52_3c1d_4a8e_9b60_5d2c_8e47_a193);

/// The key of a visit's thread, in our requests and our events: whichever comes first makes the thread, and the other one
/// finds it.
#[must_use]
pub fn thread_key(session: SessionId) -> Uuid {
    Uuid::new_v5(&NAMESPACE, session.as_uuid().as_bytes())
}

/// The accounts that write with the patient: who asked for the thread first, and the visit's provider.
pub(crate) fn thread_participants(visit: &SessionParts, requested_by: &UserId) -> Vec<UserId> {
    let mut accounts = vec![requested_by.clone()];
    accounts.extend(visit.provider_id.clone().filter(|provider| provider != requested_by));
    accounts
}

/// What the communication-service is asked for: the same for every attempt, byte for byte, as its answer is kept under a key
/// that stands for one request. `None` when nobody fell back.
pub(crate) fn thread_draft(visit: &SessionParts) -> Option<ThreadDraft> {
    let fallback = visit.fallback.as_ref()?;
    Some(ThreadDraft {
        idempotency_key: thread_key(visit.id),
        session_id: visit.id,
        participant_ids: thread_participants(visit, &fallback.requested_by),
        patient_id: visit.patient_id.clone(),
        subject: SUBJECT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visits_key_is_its_own_and_never_changes() {
        let session = |n| SessionId::from_uuid(Uuid::from_u128(n));
        assert_eq!(thread_key(session(1)).to_string(), "eccb9cb9-340e-55fb-96b8-5d6a91257fb1");
        assert_ne!(thread_key(session(1)), thread_key(session(2)));
    }
}
