//! Visits without a live link.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use vcare_domain::SessionId;

use super::people::{CONSENTED, TENANT};
use super::{Answer, TestApp, Visit};

/// What a good draft says. Each is another one.
pub fn draft() -> Value {
    static DRAFTS: AtomicU64 = AtomicU64::new(1);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    json!({
        "clientMutationId": format!("7f4df2a6-3c7e-4c4a-9d0b-{number:012x}"), "patientId": CONSENTED,
        "chiefComplaint": "درې ورځې ټوخی لرم", "symptoms": ["تبه"], "locale": "ps",
        "authoredAt": "2026-11-20T06:15:00+04:30", "attachments": [{"index": 0, "contentType": "image/jpeg"}],
    })
}

impl TestApp {
    pub async fn submit(&self, draft: &Value) -> Answer {
        self.post(&self.token("patient"), "/async-visits", draft).await
    }

    /// The id of a visit that arrived a moment ago.
    pub async fn submitted(&self) -> String {
        self.submit(&draft()).await.expect(201).text("id")
    }

    /// `clinician-1` does that with a visit.
    pub async fn review(&self, id: &str, what: &str, body: &Value) -> Answer {
        self.post(&self.token("clinician"), &format!("/async-visits/{id}/{what}"), body).await
    }

    /// The id of a visit that `clinician-1` has claimed.
    pub async fn claimed(&self) -> String {
        let id = self.submitted().await;
        self.review(&id, "claim", &json!({})).await.expect(200);
        id
    }

    /// `clinician-1` answers it.
    pub async fn respond(&self, id: &str) -> Answer {
        self.review(id, "respond", &json!({"responseText": "ډېرې اوبه وڅښئ", "followUp": "in_person"})).await
    }

    /// The visit as it is now.
    pub async fn read_async(&self, id: &str) -> Value {
        self.get(&self.token("clinician"), &format!("/async-visits/{id}")).await.expect(200).body
    }

    /// A visit's link is lost for longer than anybody waits, whatever state it is in.
    pub async fn fail(&self, visit: &Visit) {
        let id: SessionId = visit.id.parse().unwrap();
        let fail = "UPDATE virtual_session SET status = 'failed', started_at = updated_at, failed_at = updated_at
                    WHERE tenant_id = $1 AND id = $2";
        assert_eq!(self.database.execute(fail, &[&TENANT, id.as_uuid()]).await.unwrap(), 1);
    }
}
