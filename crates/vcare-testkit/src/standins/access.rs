//! access-policy: who has which patient in their care, and who acts for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::exchange::{Answer, Asked};
use super::journal::{read_whole, write_whole};

const ASSIGNED: &str = "virtual_care:patient:assigned";
const PROXY: &str = "virtual_care:patient:proxy";

/// By account: the patients in their care; and the patients that they act for, with what they are to them in the chart.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Relations {
    assigned: BTreeMap<String, BTreeSet<String>>,
    proxies: BTreeMap<String, BTreeMap<String, String>>,
}

/// People's relations to patients. None at the start.
#[derive(Debug, Default)]
pub(super) struct RelationRegister {
    relations: Mutex<Relations>,
    /// The tenant that is named in answers in the place of the one that was asked about. Not kept.
    answers_about: Mutex<Option<String>>,
    file: Option<PathBuf>,
}

impl RelationRegister {
    /// With what is in the folder already, if there is one.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let file = folder.join("relations.json");
        let relations = read_whole(&file)?.unwrap_or_default();
        Ok(Self { relations: Mutex::new(relations), file: Some(file), ..Self::default() })
    }

    fn relations(&self) -> MutexGuard<'_, Relations> {
        self.relations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Relations)) {
        let mut relations = self.relations();
        change(&mut relations);
        if let Some(file) = &self.file {
            write_whole(file, &*relations);
        }
    }

    pub fn assign(&self, user: &str, patient: &str) {
        self.change(|relations| {
            relations.assigned.entry(user.to_owned()).or_default().insert(patient.to_owned());
        });
    }

    pub fn unassign(&self, user: &str, patient: &str) {
        self.change(|relations| {
            relations.assigned.entry(user.to_owned()).or_default().remove(patient);
        });
    }

    pub fn make_proxy(&self, user: &str, patient: &str, related_person: &str) {
        self.change(|relations| {
            let of_user = relations.proxies.entry(user.to_owned()).or_default();
            of_user.insert(patient.to_owned(), related_person.to_owned());
        });
    }

    pub fn end_proxy(&self, user: &str, patient: &str) {
        self.change(|relations| {
            relations.proxies.entry(user.to_owned()).or_default().remove(patient);
        });
    }

    pub fn is_assigned(&self, user: &str, patient: &str) -> bool {
        self.relations().assigned.get(user).is_some_and(|patients| patients.contains(patient))
    }

    pub fn proxy(&self, user: &str, patient: &str) -> Option<String> {
        self.relations().proxies.get(user)?.get(patient).cloned()
    }

    pub fn answer_about(&self, tenant: Option<&str>) {
        *self.answers_about.lock().unwrap_or_else(PoisonError::into_inner) = tenant.map(ToOwned::to_owned);
    }

    pub fn answers_about(&self) -> Option<String> {
        self.answers_about.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `POST /internal/access/evaluate` with `{tenantId, subject, action, resource}`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if segments != ["evaluate"] {
            return Answer::not_found();
        }
        if asked.method != "POST" {
            return Answer::not_allowed("POST");
        }
        match self.decide(asked) {
            Ok(decision) => Answer::json(200, &decision),
            Err(message) => Answer::json(400, &json!({"error": "VALIDATION_ERROR", "message": message})),
        }
    }

    fn decide(&self, asked: &Asked) -> Result<Value, &'static str> {
        let question = asked.object().ok_or("the body is no JSON object")?;
        let tenant = text(&question, "tenantId").ok_or("tenantId is missing")?;
        let user = one(&question, "subject", "User").ok_or("subject must be a User with an id")?;
        let patient = one(&question, "resource", "Patient").ok_or("resource must be a Patient with an id")?;
        let mut decision = match text(&question, "action") {
            Some(ASSIGNED) if self.is_assigned(user, patient) => json!({"decision": "allow", "reasons": ["assigned"]}),
            Some(PROXY) => match self.proxy(user, patient) {
                Some(person) => json!({"decision": "allow", "reasons": ["proxy"], "relatedPersonId": person}),
                None => denied(),
            },
            Some(ASSIGNED) => denied(),
            _ => return Err("action names one that there is not"),
        };
        decision["tenantId"] = json!(self.answers_about().unwrap_or_else(|| tenant.to_owned()));
        Ok(decision)
    }
}

fn denied() -> Value {
    json!({"decision": "deny", "reasons": ["no_relation"]})
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The id of one of that type.
fn one<'a>(question: &'a Map<String, Value>, name: &str, kind: &str) -> Option<&'a str> {
    let named = question.get(name)?.as_object()?;
    text(named, "type").filter(|found| *found == kind)?;
    text(named, "id")
}
