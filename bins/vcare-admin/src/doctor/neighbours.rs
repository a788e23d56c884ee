//! The services around us.

use vcare_app::ports::ConsentSubject;
use vcare_app::{Gate, TraceContext};
use vcare_boot::Service;
use vcare_domain::{PatientId, TenantId};

use super::Findings;

pub(super) async fn look(service: &Service, found: &mut Findings) {
    let trace = TraceContext::begin(&*service.ids);
    let (Ok(tenant), Ok(patient)) = (TenantId::parse("vcare-doctor"), PatientId::parse("vcare-doctor")) else { return };
    let around = &service.app.neighbours;
    match around.licence.check(&tenant, None, &trace).await {
        Ok(_) => found.ok("licences", "answers"),
        Err(error) => found.problem("licences", format!("{error}: no visit can be created. See [licence]")),
    }
    match around.consent.check(&tenant, ConsentSubject::Patient(&patient), &[Gate::TelehealthConsent], &trace).await {
        Ok(_) => found.ok("consents", "answers"),
        Err(error) => found.problem("consents", format!("{error}: no visit can be created. See [consent]")),
    }
    for (section, probe) in &service.probes {
        let (check, impact) = described(section);
        let advice = format!("{impact}. See [{section}]");
        match probe.ask(&tenant, &trace).await {
            Ok(200..=299 | 404 | 405 | 410) => found.ok(check, "answers"),
            Ok(401) => found.problem(check, format!("refuses our credentials (401): {advice}, bearer_token")),
            // It may refuse only because the tenant does not exist.
            Ok(403) => found.warning(
                check,
                format!("answers 403: either because the tenant vcare-doctor does not exist, which is no problem, or it refuses our credentials: {advice}, bearer_token"),
            ),
            Ok(status @ 300..=399) => {
                found.problem(check, format!("leads elsewhere ({status}): {advice}, base_url"));
            }
            Ok(status @ 500..) => found.problem(check, format!("answers {status}: {advice}, and call who runs it")),
            Ok(status) => found.warning(check, format!("answers {status}: is it the right address? See [{section}]")),
            Err(error) => found.problem(check, format!("{error}: {advice}")),
        }
    }
}

/// The name of a neighbour, and the effect on visits while it does not answer.
fn described(section: &str) -> (&'static str, &'static str) {
    match section {
        "fhir" => ("FHIR gateway", "Encounters and charges wait"),
        "communication" => ("communication-service", "visits that fall back to messages wait for their thread"),
        "chart" => ("chart", "summaries that were accepted wait"),
        _ => ("AI gateway", "there are no transcripts and summaries; care goes on"),
    }
}
