//! Who and what there is in the sandbox.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Consents, Issuer, Standins, TokenSpec};

/// The two tenants: id, room prefix, time zone.
pub const TENANTS: [(&str, &str, &str); 2] =
    [("hosp-kabul", "kabul", "Asia/Kabul"), ("hosp-herat", "herat", "Asia/Kabul")];

/// A patient with every consent.
pub const CONSENTED: &str = "pat-consented";
/// The patient of the OpenAPI document's examples, with every consent, so that the form at `/docs` works as it stands.
const EXAMPLE: &str = "pat-0001";
/// A patient with none.
pub const NO_CONSENT: &str = "pat-no-consent";
/// A patient who may be cared for but not recorded.
pub const NO_RECORDING_CONSENT: &str = "pat-no-recording-consent";
/// A child. The mother acts for it.
pub const CHILD: &str = "pat-child";
/// The mother, who is a patient, too.
pub const MOTHER: &str = "pat-mother";
/// What the mother is in the child's chart.
const RELATED_PERSON: &str = "rp-mother";

/// Long enough for a front-end developer's year.
const TOKEN_LIFE: Duration = Duration::days(365);

/// The clinician in whose care [`CONSENTED`] is, without a part in a session.
const ASSIGNED: &str = "dr-karima";

/// The accounts of a tenant: name in `sandbox.json`, account, role.
const ACCOUNTS: [(&str, &str, &str); 8] = [
    // Plans the session of the demo, and so treats its patient.
    ("clinician", "dr-amin", "clinician"),
    ("clinician2", "dr-bashir", "clinician"),
    ("unrelated_clinician", "dr-bashir", "clinician"),
    ("assigned_clinician", ASSIGNED, "clinician"),
    ("nurse_practitioner", "np-laila", "nurse_practitioner"),
    ("scheduler", "sched-omar", "scheduler"),
    ("admin", "admin-zahra", "admin"),
    ("tenant_admin", "ta-yusuf", "tenant_admin"),
];

/// The account of a patient.
fn patients_account(patient: &str, tenant: &str) -> String {
    format!("user-{patient}.{tenant}")
}

/// Tells access-policy's stand-in in whose care a patient is, and who acts for the child.
pub fn relations(standins: &Standins) {
    for (tenant, _, _) in TENANTS {
        standins.assign(&format!("{ASSIGNED}.{tenant}"), CONSENTED);
        standins.make_proxy(&patients_account(MOTHER, tenant), CHILD, RELATED_PERSON);
    }
}

/// Tells the stand-ins what the patients consented to, and that the clinicians did.
pub fn consents(standins: &Standins) {
    for patient in [CONSENTED, EXAMPLE, CHILD, MOTHER] {
        standins.set_consent(patient, Consents::ALL);
    }
    standins.set_consent(NO_CONSENT, Consents::NONE);
    standins.set_consent(NO_RECORDING_CONSENT, Consents { ai_transcription: true, ..Consents::TELEHEALTH });
    for (tenant, _, _) in TENANTS {
        for (_, account, _) in ACCOUNTS.iter().filter(|(_, _, role)| *role == "clinician") {
            standins.set_provider_consent(&format!("{account}.{tenant}"), true);
        }
    }
}

/// A token of an account of that tenant.
pub fn token(issuer: &Issuer, tenant: &str, account: &str, role: &str) -> String {
    issuer.token(&TokenSpec::new(format!("{account}.{tenant}"), tenant, &[role]).lifetime(TOKEN_LIFE))
}

/// A token of a patient's account.
pub fn patients_token(issuer: &Issuer, tenant: &str, patient: &str) -> String {
    let account = TokenSpec::new(patients_account(patient, tenant), tenant, &["patient"]);
    issuer.token(&account.patient(patient).lifetime(TOKEN_LIFE))
}

/// The tenants with a token for each account, and the one that their Jitsi would show, as they stand in `sandbox.json`.
pub fn tenants(standins: &Standins, internal_tokens: &[String]) -> Vec<Value> {
    let tenants = TENANTS.iter().zip(internal_tokens).map(|((tenant, _, _), internal)| {
        let mut tokens = serde_json::Map::new();
        for (name, account, role) in ACCOUNTS {
            tokens.insert(name.to_owned(), token(standins.issuer(), tenant, account, role).into());
        }
        for (name, patient) in [("patient", CONSENTED), ("mother", MOTHER)] {
            tokens.insert(name.to_owned(), patients_token(standins.issuer(), tenant, patient).into());
        }
        json!({"id": tenant, "tokens": tokens, "internal_token": internal})
    });
    tenants.collect()
}

/// The patients, as they stand in `sandbox.json`.
pub fn patients() -> Value {
    json!({
        "consented": CONSENTED,
        "no_consent": NO_CONSENT,
        "no_recording_consent": NO_RECORDING_CONSENT,
        "child": CHILD,
        "mother": MOTHER,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patient_of_the_documents_examples_is_known_here() {
        let document: Value = serde_json::from_str(include_str!("../../../contracts/openapi/vcare-api.json")).unwrap();
        assert_eq!(document["components"]["schemas"]["PatientId"]["examples"][0], EXAMPLE);
    }
}
