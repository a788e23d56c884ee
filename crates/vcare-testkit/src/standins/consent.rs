//! access-policy: what patients have consented to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::exchange::{Answer, Asked};
use super::journal::{read_whole, write_whole};

/// What a patient has consented to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    /// Visits by video.
    pub telehealth: bool,
    /// Their being recorded.
    pub recording: bool,
    /// Their being written down by a machine.
    pub ai_transcription: bool,
}

impl Consents {
    /// To nothing: so has every patient of whom nothing was said.
    pub const NONE: Self = Self { telehealth: false, recording: false, ai_transcription: false };
    /// To visits only.
    pub const TELEHEALTH: Self = Self { telehealth: true, ..Self::NONE };
    /// To everything.
    pub const ALL: Self = Self { telehealth: true, recording: true, ai_transcription: true };

    fn granted(self, gate: &str) -> Option<bool> {
        match gate {
            "telehealth_consent" => Some(self.telehealth),
            "recording_consent" => Some(self.recording),
            "ai_transcription_consent" => Some(self.ai_transcription),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct ConsentRegister {
    granted: Mutex<BTreeMap<String, Consents>>,
    /// How often each of these has changed their consents: the version. Not kept: a start has none.
    versions: Mutex<BTreeMap<String, u32>>,
    /// Those who care and have consented to being written down by a machine. Not kept: a start has none.
    providers: Mutex<BTreeSet<String>>,
    file: Option<PathBuf>,
}

impl ConsentRegister {
    /// With what is in the folder already, if there is one.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let file = folder.join("consents.json");
        let granted = read_whole(&file)?.unwrap_or_default();
        Ok(Self { granted: Mutex::new(granted), file: Some(file), ..Self::default() })
    }

    pub fn set(&self, patient: &str, consents: Consents) {
        self.has_changed(patient);
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.insert(patient.to_owned(), consents);
        if let Some(file) = &self.file {
            write_whole(file, &*granted);
        }
    }

    /// Says whether who cares has consented to being written down by a machine; by nothing else are they asked.
    pub fn set_provider(&self, user: &str, ai_transcription: bool) {
        self.has_changed(user);
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        if ai_transcription {
            providers.insert(user.to_owned())
        } else {
            providers.remove(user)
        };
    }

    fn has_changed(&self, holder: &str) {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner).entry(holder.to_owned()).or_default() += 1;
    }

    fn version_of(&self, holder: &str) -> u32 {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(holder).copied().unwrap_or_default()
    }

    pub fn of_provider(&self, user: &str) -> Consents {
        let consented = self.providers.lock().unwrap_or_else(PoisonError::into_inner).contains(user);
        Consents { ai_transcription: consented, ..Consents::NONE }
    }

    pub fn of(&self, patient: &str) -> Consents {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).get(patient).copied().unwrap_or_default()
    }

    /// `POST /internal/access/consents/evaluate` with `{tenantId, patientId, gates[]}`; `userId`
    /// in the place of `patientId` for who cares. A decision that grants names the consent.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if segments != ["consents", "evaluate"] {
            return Answer::not_found();
        }
        if asked.method != "POST" {
            return Answer::not_allowed("POST");
        }
        match self.decide(asked) {
            Ok(decisions) => Answer::json(200, &json!({ "decisions": decisions })),
            Err(message) => Answer::json(400, &json!({"error": "VALIDATION_ERROR", "message": message})),
        }
    }

    fn decide(&self, asked: &Asked) -> Result<Vec<Value>, &'static str> {
        let question = asked.object().ok_or("the body is no JSON object")?;
        let text = |name: &str| question.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text("tenantId").ok_or("tenantId is missing")?;
        let gates = question.get("gates").and_then(Value::as_array).filter(|gates| !gates.is_empty());
        let (holder, consents) = match (text("patientId"), text("userId")) {
            (Some(patient), None) => (patient, self.of(patient)),
            (None, Some(user)) => (user, self.of_provider(user)),
            _ => return Err("one of patientId and userId is needed"),
        };
        let decide = |gate: &Value| {
            let gate = gate.as_str().ok_or("gates holds something that is no text")?;
            let granted = consents.granted(gate).ok_or("gates names one that there is not")?;
            let mut decision = json!({"gate": gate, "granted": granted});
            if granted {
                decision["consentId"] = json!(format!("{gate}-{holder}").replace([':', '@', '|'], "-"));
                decision["version"] = json!(self.version_of(holder).to_string());
                decision["givenAt"] = json!("2026-01-15T08:00:00.000Z");
            }
            Ok(decision)
        };
        gates.ok_or("gates is missing")?.iter().map(decide).collect()
    }
}
