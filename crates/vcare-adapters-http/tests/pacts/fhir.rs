//! The FHIR gateway: one Encounter a visit.

use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;
use vcare_adapters_http::{HttpFhirGateway, NeighbourConfig, encounter_resource};
use vcare_app::ports::{
    EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant, FhirError, FhirGateway, NeighbourFault, Period,
    Secret, VirtualService,
};
use vcare_domain::{
    AppointmentId, ChartedEncounter, EncounterId, HttpsUrl, MediaMode, NodeId, PatientId, UserId, VideoBackend,
};
use vcare_testkit::pacts::{Interaction, Matcher, Request, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{DEADLINE, client, trace};

const SYSTEM: &str = "urn:ghasi:virtual-care:session";
const FHIR_JSON: &str = "application/fhir+json";
const ID: &str = r"^[A-Za-z0-9.-]{1,64}$";

fn draft(visit: u128) -> EncounterDraft {
    let period = Period { start: datetime!(2026-11-23 10:00 UTC), end: datetime!(2026-11-23 10:20 UTC) };
    let person = |user: &str, part| EncounterParticipant {
        individual: vcare_app::ports::Individual::Practitioner(UserId::parse(user).unwrap()),
        part,
        period,
    };
    EncounterDraft {
        identifier_system: SYSTEM,
        identifier_value: Uuid::from_u128(visit).to_string(),
        patient_id: PatientId::parse("pat-1").unwrap(),
        reason: None,
        appointment_id: Some(AppointmentId::parse("appt-1").unwrap()),
        node_id: Some(NodeId::parse("node-1").unwrap()),
        kinds: vec![EncounterKind::Live(MediaMode::Video)],
        virtual_service: Some(VirtualService {
            backend: VideoBackend::Jitsi,
            address: HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap(),
        }),
        participants: vec![person("dr-9", EncounterPart::PrimaryPerformer), person("tr-1", EncounterPart::Translator)],
        period,
        length_seconds: Some(1200),
    }
}

fn of_fhir(method: &str) -> Request {
    ours(method, "/fhir/R4/Encounter").header("Accept", FHIR_JSON).header("X-Tenant-Id", "kabul")
}

fn create(draft: &EncounterDraft) -> Request {
    of_fhir("POST")
        .header("Prefer", "return=representation")
        .header("If-None-Exist", &format!("identifier={SYSTEM}|{}", draft.identifier_value))
        .body(FHIR_JSON, encounter_resource(draft))
}

fn encounter(status: u16) -> Response {
    let rules = Rules::new().body("$.id", Matcher::regex(ID));
    Response::json(status, FHIR_JSON, json!({"resourceType": "Encounter", "id": "enc-1"})).matching(rules)
}

fn given(interaction: Interaction, draft: &EncounterDraft, count: u32) -> Interaction {
    let params = json!({"system": SYSTEM, "value": draft.identifier_value, "count": count});
    interaction.given("so many Encounters have an identifier", &params)
}

async fn written(port: u16, draft: &EncounterDraft, token: &'static [u8]) -> Result<ChartedEncounter, FhirError> {
    let base = format!("http://127.0.0.1:{port}/fhir/R4");
    let config = NeighbourConfig::new(&base, DEADLINE, Some(Secret::new(token))).unwrap();
    HttpFhirGateway::new(client(), config).create_encounter(&kabul(), draft, Duration::seconds(5), &trace()).await
}

fn outcome(status: u16) -> Response {
    let rules = Rules::new().body("$.issue", Matcher::SOME).body("$.issue[*].severity", Matcher::TYPE);
    let body = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]});
    Response::json(status, FHIR_JSON, body).matching(rules)
}

/// What a search for two finds.
fn both(draft: &EncounterDraft) -> Response {
    let resource = |id: &str, since: &str| {
        let identifier = json!([{"system": SYSTEM, "value": draft.identifier_value}]);
        json!({"resource": {"resourceType": "Encounter", "id": id, "identifier": identifier, "meta": {"lastUpdated": since}}})
    };
    let entry: Vec<Value> = vec![resource("enc-1", "2026-11-23T10:20:01Z"), resource("enc-2", "2026-11-23T10:20:02Z")];
    let rules = Rules::new()
        .body("$.entry[*].resource.id", Matcher::regex(ID))
        .body("$.entry[*].resource.meta.lastUpdated", Matcher::regex(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*$"));
    Response::json(200, FHIR_JSON, json!({"resourceType": "Bundle", "entry": entry})).matching(rules)
}

#[tokio::test]
async fn the_contract_with_the_fhir_gateway_makes_one_encounter_a_visit() {
    let mut contract = Contract::with("interop-service");
    for (count, visit, status) in [(0, 1, 201), (1, 2, 200)] {
        let draft = draft(visit);
        let interaction = Interaction::new("the Encounter of a visit", create(&draft), encounter(status));
        let told = contract
            .says([given(interaction, &draft, count)], async |port| written(port, &draft, b"service-token").await);
        assert_eq!(told.await, Ok(EncounterId::parse("enc-1").unwrap().into()), "{status}");
    }

    let twice = draft(3);
    let refused = Interaction::new("the Encounter of a visit", create(&twice), Response::new(412));
    let token = format!("{SYSTEM}|{}", twice.identifier_value);
    let search = of_fhir("GET").query("identifier", &token).query("_count", "50");
    let search = Interaction::new("the Encounters of a visit", search, both(&twice));
    let agreed = [given(refused, &twice, 2), given(search, &twice, 2)];
    let told = contract.says(agreed, async |port| written(port, &twice, b"service-token").await);
    assert_eq!(told.await, Ok(EncounterId::parse("enc-1").unwrap().into()), "the oldest");

    let merged = EncounterDraft { patient_id: PatientId::parse("pat-merged").unwrap(), ..draft(6) };
    let stayed = EncounterDraft { patient_id: PatientId::parse("pat-stayed").unwrap(), ..draft(6) };
    let refused = Interaction::new("the Encounter of a patient whose record was merged", create(&merged), outcome(422));
    let asked = ours("GET", "/fhir/R4/Patient/pat-merged").header("Accept", FHIR_JSON).header("X-Tenant-Id", "kabul");
    let record = json!({
        "resourceType": "Patient", "id": "pat-merged", "active": false,
        "link": [{"type": "replaced-by", "other": {"reference": "Patient/pat-stayed"}}],
    });
    let record = Interaction::new("a patient's record", asked, Response::json(200, FHIR_JSON, record));
    let taken = Interaction::new("the Encounter of the record that stayed", create(&stayed), encounter(201));
    let merge = json!({"patientId": "pat-merged", "into": "Patient/pat-stayed"});
    let agreed = [refused, record, taken]
        .map(|one| given(one, &merged, 0).given("a patient's record was merged into another one", &merge));
    let told = contract.says(agreed, async |port| written(port, &merged, b"service-token").await);
    let charted = ChartedEncounter { id: EncounterId::parse("enc-1").unwrap(), patient: Some(stayed.patient_id) };
    assert_eq!(told.await, Ok(charted));

    let period = Period { start: draft(4).period.end, end: draft(4).period.start };
    let backwards = EncounterDraft { period, ..draft(4) };
    let interaction = Interaction::new("an Encounter that ends before it begins", create(&backwards), outcome(400));
    let told = contract
        .says([given(interaction, &backwards, 0)], async |port| written(port, &backwards, b"service-token").await);
    assert_eq!(told.await, Err(FhirError::Invalid { status: 400 }));

    let request = create(&draft(5)).header("Authorization", "Bearer worn-out-token");
    let interaction = Interaction::new("an Encounter under a token that is good no more", request, Response::new(401));
    let told = contract
        .says([given(interaction, &draft(5), 0)], async |port| written(port, &draft(5), b"worn-out-token").await);
    let Err(FhirError::Unavailable(error)) = told.await else { panic!("it heals") };
    assert_eq!(error.fault, NeighbourFault::Status(401));
    contract.must_be_committed();
}
