//! `communication.thread.created` as it is written: a CloudEvent whose data names thread, tenant, and, for threads of visits,
//! visit and key.

use serde::Deserialize;
use uuid::Uuid;
use vcare_app::ports::ThreadCreated;
use vcare_domain::{PatientId, TenantId, ThreadId};

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A thread of a visit.
    Created(ThreadCreated),
    /// A thread of something else.
    NotOurs,
    /// It cannot be read.
    Malformed,
}

// What is not here may be there all the same: only what we use is agreed on.
#[derive(Deserialize)]
struct Envelope {
    /// The tenant again, where the envelope has one.
    #[serde(default)]
    tenantid: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    thread_id: String,
    tenant_id: String,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    patient_id: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Read {
    let Ok(Envelope { tenantid, data }) = serde_json::from_slice::<Envelope>(body) else { return Read::Malformed };
    // Other services have threads of their own, of which we know nothing.
    let Some(session) = data.session_id.as_deref().filter(|session| session.starts_with("vsn_")) else {
        return Read::NotOurs;
    };
    if tenantid.is_some_and(|tenant| tenant != data.tenant_id) {
        return Read::Malformed;
    }
    let created = || {
        Some(ThreadCreated {
            tenant_id: TenantId::parse(data.tenant_id.as_str()).ok()?,
            session_id: session.parse().ok()?,
            idempotency_key: Uuid::try_parse(data.idempotency_key.as_deref()?).ok()?,
            patient_id: data.patient_id.as_deref().map(PatientId::parse).transpose().ok()?,
            thread_id: ThreadId::parse(data.thread_id.as_str()).ok()?,
        })
    };
    created().map_or(Read::Malformed, Read::Created)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message() -> Value {
        json!({
            "specversion": "1.0", "id": "1", "source": "ghasi/communication-service", "tenantid": "kabul",
            "type": "ghasi.digital_communication.thread.created",
            "data": {
                "threadId": "thr_1", "tenantId": "kabul", "sessionId": "vsn_00000000000000000000000001",
                "idempotencyKey": "eccb9cb9-340e-55fb-96b8-5d6a91257fb1", "patientId": "pat-1",
                "participantIds": ["usr_1"], "createdBy": "usr_1",
            },
        })
    }

    fn read_with(change: impl FnOnce(&mut Value)) -> Read {
        let mut message = message();
        change(&mut message);
        read(message.to_string().as_bytes())
    }

    #[test]
    fn a_thread_of_a_visit_is_read_and_what_is_not_agreed_on_is_ignored() {
        let Read::Created(created) = read_with(|_| {}) else { panic!("it is as agreed") };
        assert_eq!((created.tenant_id.as_str(), created.thread_id.as_str()), ("kabul", "thr_1"));
        assert_eq!(created.session_id.to_string(), "vsn_00000000000000000000000001");
        assert_eq!(created.patient_id.unwrap().as_str(), "pat-1");
        for field in ["patientId", "participantIds", "createdBy"] {
            assert!(
                matches!(
                    read_with(|message| drop(message["data"].as_object_mut().unwrap().remove(field))),
                    Read::Created(_)
                ),
                "{field}"
            );
        }
    }

    #[test]
    fn a_thread_without_a_visit_of_ours_is_somebody_elses() {
        assert_eq!(
            read_with(|message| drop(message["data"].as_object_mut().unwrap().remove("sessionId"))),
            Read::NotOurs
        );
        assert_eq!(read_with(|message| message["data"]["sessionId"] = json!("vcs_1")), Read::NotOurs);
    }

    #[test]
    fn what_cannot_be_read_is_told_from_it() {
        assert_eq!(read(b"no JSON"), Read::Malformed);
        assert_eq!(read(b"{}"), Read::Malformed);
        for (field, bad) in [
            ("threadId", json!("a b")),
            ("tenantId", json!("")),
            ("tenantId", json!("herat")),
            ("sessionId", json!("vsn_1")),
            ("idempotencyKey", json!("no uuid")),
            ("idempotencyKey", Value::Null),
            ("patientId", json!("a b")),
        ] {
            assert_eq!(read_with(|message| message["data"][field] = bad.clone()), Read::Malformed, "{field}: {bad}");
        }
    }
}
