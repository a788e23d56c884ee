//! What people are called, where others look: in answers, in the video room, on the patient's page.

mod bad_input;
mod keys;
mod language;
mod shown;
mod whose;

use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, Visit};

/// What the clinician of these tests is called, as their token says.
const DOCTOR: &str = "Dr. Parwana Noori";
const INTERPRETER: &str = "زرغونه کریمي";
const PATIENT: &str = "Ahmad Rahimi";

impl TestApp {
    /// `clinician-1`, whose token has a name.
    fn named_clinician(&self) -> String {
        let account = self.account(TENANT, "clinician-1", "clinician").claim("name", json!(DOCTOR));
        self.standins.issuer().token(&account)
    }

    /// A visit in which everybody has a name: provider, patient, and an interpreter who signs in as `tr-1`.
    async fn named_visit(&self) -> Visit {
        let mut wish = self.wish();
        wish["patientName"] = json!(PATIENT);
        let token = self.named_clinician();
        let visit = Visit::of(&self.post(&token, "/sessions", &wish).await.expect(201).body);
        let guest = json!({"role": "interpreter", "userId": "tr-1", "displayName": INTERPRETER, "language": "ps"});
        self.invite(&visit, &guest).await.expect(201);
        visit
    }
}

/// The names in an answer, in the order of the participants.
fn names(session: &Value) -> Vec<Value> {
    session["participants"].as_array().unwrap().iter().map(|one| one["displayName"].clone()).collect()
}
