//! Who and what there is in the sandbox.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Consents, Issuer, Standins, TokenSpec};

/// The two tenants: id, room prefix, time zone.
pub const TENANTS: [(&str, &str, &str); 2] =
    [("hosp-kabul", "kabul", "Asia/Kabul"), ("hosp-herat", "herat", "Asia/Kabul")];

/// A patient with every consent.
pub const CONSENTED: &str = "pat-consented";
/// A patient with none.
pub const NO_CONSENT: &str = "pat-no-consent";
/// A patient who may be cared for but not recorded.
pub const NO_RECORDING_CONSENT: &str = "pat-no-recording-consent";

/// Long enough for a front-end developer's year.
const TOKEN_LIFE: Duration = Duration::days(365);

/// The accounts of a tenant: name in `sandbox.json`, account, role.
const ACCOUNTS: [(&str, &str, &str); 6] = [
    ("clinician", "dr-amin", "clinician"),
    ("clinician2", "dr-bashir", "clinician"),
    ("nurse_practitioner", "np-laila", "nurse_practitioner"),
    ("scheduler", "sched-omar", "scheduler"),
    ("admin", "admin-zahra", "admin"),
    ("tenant_admin", "ta-yusuf", "tenant_admin"),
];

/// Tells the stand-ins what the patients consented to, and that the clinicians did.
pub fn consents(standins: &Standins) {
    standins.set_consent(CONSENTED, Consents::ALL);
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

/// The tenants with a token for each account, and the one that their Jitsi would show, as they stand in `sandbox.json`.
pub fn tenants(standins: &Standins, internal_tokens: &[String]) -> Vec<Value> {
    let tenants = TENANTS.iter().zip(internal_tokens).map(|((tenant, _, _), internal)| {
        let mut tokens = serde_json::Map::new();
        for (name, account, role) in ACCOUNTS {
            tokens.insert(name.to_owned(), token(standins.issuer(), tenant, account, role).into());
        }
        let patient = TokenSpec::new(format!("user-{CONSENTED}.{tenant}"), *tenant, &["patient"]);
        let patient = patient.patient(CONSENTED).lifetime(TOKEN_LIFE);
        tokens.insert("patient".to_owned(), standins.issuer().token(&patient).into());
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
    })
}
