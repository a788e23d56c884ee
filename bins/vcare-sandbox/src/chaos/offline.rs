//! A visit that is written offline, claimed and answered.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::chance::Chance;
use super::phone::{Phone, Unanswered, Wish};
use super::visit::{Staff, Told, text};
use crate::seed;

/// Goes through it. Nothing has a key here: the draft has a name of its own, and claiming and answering twice is once.
pub async fn go(phone: &Phone, staff: &Staff, chance: &Chance, told: &mut Told) -> Result<(), Unanswered> {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, told.plan.appointment().as_bytes());
    let draft = json!({
        "clientMutationId": name, "patientId": seed::CONSENTED, "appointmentId": told.plan.appointment(),
        "chiefComplaint": "cough", "symptoms": [], "locale": "en", "attachments": [],
    });
    let submitted = ask(phone, chance, ("submit", &staff.patient), "/async-visits", draft).await?;
    let id = text(&submitted, "id")?;
    told.sessions.push(id.clone());
    for (verb, body, status) in
        [("claim", json!({}), "under_review"), ("respond", json!({"responseText": "rest and drink"}), "responded")]
    {
        let path = format!("/async-visits/{id}/{verb}");
        let answer = ask(phone, chance, (verb, &staff.first), &path, body).await?;
        if answer["status"] != status {
            told.wrong.push(format!("the answer says {} instead of {status}", answer["status"]));
        }
        told.version = told.version.max(answer["version"].as_u64().unwrap_or_default());
        told.encounters.extend(answer["encounterId"].as_str().map(ToOwned::to_owned));
    }
    Ok(())
}

async fn ask(
    phone: &Phone,
    chance: &Chance,
    (verb, token): (&'static str, &str),
    path: &str,
    body: Value,
) -> Result<Value, Unanswered> {
    let wish = Wish { verb, method: Method::POST, token: Some(token), path: path.to_owned(), key: None, body };
    phone.ask(chance, &wish).await
}
