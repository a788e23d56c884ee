//! What the real program writes down while people are cared for: nothing that is theirs.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::Method;
use serde_json::{Value, json};
use vcare_boot::{LOG_SCHEMA_VERSION, actor_id_hash};
use vcare_domain::{TenantId, UserId};
use vcare_testkit::{Licence, Mode, Name};

use crate::support::{
    Answer, CONSENTED, NO_CONSENT, NO_RECORDING_CONSENT, Program, TENANT, Visit, draft, jitsi_secret,
};

/// Stands in the configuration.
const FHIR_BEARER: &str = "fhir-bearer-7Yp2";

/// What must not be written down, and what it is.
#[derive(Default)]
struct Secrets(Mutex<BTreeMap<String, String>>);

impl Secrets {
    fn keep(&self, what: &str, text: &str) {
        assert!(text.len() >= 4, "{what}: {text:?} would be found by chance");
        self.0.lock().unwrap().insert(text.to_owned(), what.to_owned());
    }

    /// A token gives itself away by its claims and by its signature: its header is everybody's.
    fn keep_token(&self, what: &str, token: &str) {
        for part in token.split('.').skip(1) {
            self.keep(what, part);
        }
    }

    fn must_not_be_in(&self, where_: &str, text: &str) {
        for (secret, what) in &*self.0.lock().unwrap() {
            if let Some(line) = text.lines().find(|line| line.contains(secret.as_str())) {
                panic!("{what} stands in {where_}: {line}");
            }
        }
    }
}

/// A day at the clinic: visits, refusals, mistakes and outages.
struct Day {
    app: Program,
    secrets: Secrets,
}

impl Day {
    async fn begin() -> Self {
        let settings = format!(
            r#"
            fhir.bearer_token = "{FHIR_BEARER}"
            log.filter = "trace"
            "#
        );
        let app = Program::start(&settings).await;
        let day = Self { app, secrets: Secrets::default() };
        let secrets = &day.secrets;
        for patient in [CONSENTED, NO_CONSENT, NO_RECORDING_CONSENT] {
            secrets.keep("a patient's id", patient);
        }
        secrets.keep("the FHIR gateway's token", FHIR_BEARER);
        secrets.keep("the database's password", "vcare_service:vcare_service");
        let secret = String::from_utf8(jitsi_secret(TENANT).await.expose().to_vec()).unwrap();
        secrets.keep("Jitsi's secret", &secret);
        let master = std::fs::read_to_string(concat!(env!("CARGO_TARGET_TMPDIR"), "/master.key")).unwrap();
        secrets.keep("the master key", master.trim());
        day
    }

    /// An access token of somebody whose account must not be written down either.
    fn sign_in(&self, user: &str, role: &str) -> String {
        self.secrets.keep("an account", user);
        let token = self.app.token_of(TENANT, user, role);
        self.secrets.keep_token("an access token", &token);
        token
    }

    fn keep_join_token(&self, answer: &Answer) -> String {
        let token = answer.text("joinToken");
        self.secrets.keep("a short link's code", answer.text("shortUrl").split_once('#').unwrap().1);
        self.secrets.keep_token("a join token", &token);
        token
    }

    fn keep_video_url(&self, url: &str) {
        self.secrets.keep_token("a video token", url.split("%22").nth(1).unwrap());
    }

    async fn create(&self, token: &str, patient: &str, recording: bool) -> Answer {
        let wish = json!({
            "patientId": patient, "scheduledStart": self.app.minutes_ahead(30), "recordingEnabled": recording,
        });
        self.app.post(token, "/sessions", &wish).await
    }

    async fn join_token(&self, token: &str, visit: &Visit) -> String {
        let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
        self.keep_join_token(&self.app.post(token, &path, &json!({})).await.expect(201))
    }

    /// A visit from beginning to end.
    async fn care(&self, clinician: &str, patient: &str) -> Answer {
        let app = &self.app;
        let mut wish = app.wish();
        for (field, name) in [("patientName", "Ahmadshah Wardak"), ("providerName", "Parwana Stanekzai")] {
            self.secrets.keep("a name", name);
            wish[field] = json!(name);
        }
        let created = app.post(clinician, "/sessions", &wish).await.expect(201).body;
        let visit = Visit::of(&created);
        self.secrets.keep("an interpreter's account", "tr-zarghuna");
        self.secrets.keep("a name", "زرغونه کریمي");
        let wish = json!({
            "role": "interpreter", "userId": "tr-zarghuna", "displayName": "زرغونه کریمي", "language": "ps",
        });
        app.post(clinician, &visit.path("/participants"), &wish).await.expect(201);
        let link = self.join_token(clinician, &visit).await;
        app.join(&link).await.expect(200);
        app.join_by_post(&link).await.expect(200);
        self.secrets.keep("a device", "device-of-ahmad");
        app.join_on(&link, "device-of-ahmad", true).await.expect(200);
        app.join_on(&link, "another-device", false).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
        app.wait(&link, "since=0&deviceId=device-of-ahmad").await.expect(200);
        app.wait(&link, "since=x&deviceId=device-of-ahmad").await.names_field("since");
        app.tell_connection(&link, "alive", 0).await.expect(200);
        let codes = self.secrets.0.lock().unwrap().clone();
        for (code, _) in codes.iter().filter(|(_, what)| *what == "a short link's code") {
            let body = json!({ "code": code });
            assert!(matches!(app.post("", "/sessions/join/short", &body).await.status, 200 | 401));
        }
        app.join_status(&link).await.expect(200);
        app.send(app.request(Method::GET, &format!("/sessions/join/status?token={link}"))).await.expect(200);
        self.keep_video_url(&app.come(clinician, &visit).await.expect(200).text("videoJoinUrl"));
        self.keep_video_url(&app.admit_as(clinician, &visit).await.expect(200).text("videoJoinUrl"));
        self.keep_video_url(&app.join(&link).await.expect(200).text("url"));
        let own = app.get(patient, &format!("/sessions?patientId={CONSENTED}")).await.expect(200);
        assert!(!own.body["items"].as_array().unwrap().is_empty());
        app.long_enough().await;
        let ended = app.post(clinician, &visit.path("/end"), &json!({})).await.expect(200);
        app.join(&link).await.refused(409, "INVALID_STATUS_TRANSITION");
        ended
    }

    /// A visit without a link, from the patient's words to the answer, with a phone's mistakes in between.
    async fn care_without_a_link(&self, clinician: &str, patient: &str) -> Answer {
        let app = &self.app;
        let mut draft = draft();
        for (field, words) in [("chiefComplaint", "پړسوب, a lump in the breast"), ("symptoms", "night sweats")] {
            let text = json!(words);
            draft[field] = if field == "symptoms" { json!([text]) } else { text };
        }
        for words in ["پړسوب", "lump in the breast", "night sweats", "biopsy on Tuesday"] {
            self.secrets.keep("what somebody wrote", words);
        }
        let id = app.post(patient, "/async-visits", &draft).await.expect(201).text("id");
        app.post(patient, "/async-visits", &draft).await.expect(200);
        app.post(patient, "/async-visits/sync", &json!({"drafts": [draft, {"chiefComplaint": ["night sweats"]}]}))
            .await
            .expect(200);
        let mut bad = draft.clone();
        bad["locale"] = json!("lump in the breast");
        app.post(patient, "/async-visits", &bad).await.refused(400, "VALIDATION_ERROR");
        bad["patientId"] = json!(NO_CONSENT);
        bad["locale"] = json!("ps");
        app.post(clinician, "/async-visits", &bad).await.refused(409, "CLIENT_MUTATION_ID_TAKEN");
        app.get(clinician, &format!("/async-visits?patientId={CONSENTED}&claimable=true")).await.expect(200);
        let at = |what: &str| format!("/async-visits/{id}/{what}");
        app.post(clinician, &at("claim"), &json!({})).await.expect(200);
        let answer = json!({"responseText": "biopsy on Tuesday", "followUp": "in_person"});
        let answered = app.post(clinician, &at("respond"), &answer).await.expect(200);
        app.post(clinician, &at("respond"), &json!({"responseText": "biopsy on Tuesday, 9:00"}))
            .await
            .refused(409, "INVALID_STATUS_TRANSITION");
        app.get(patient, &format!("/async-visits/{id}")).await.expect(200);
        answered
    }

    /// Everything that can be refused for a reason that knows a person.
    async fn refuse(&self, clinician: &str, patient: &str) {
        let app = &self.app;
        self.create(clinician, NO_CONSENT, false).await.refused(403, "CONSENT_REQUIRED");
        self.create(clinician, NO_RECORDING_CONSENT, true).await.refused(403, "CONSENT_REQUIRED");
        self.create(patient, CONSENTED, false).await.refused(403, "ACCESS_DENIED");
        app.standins.set_licence(TENANT, Licence::None);
        self.create(clinician, CONSENTED, false).await.refused(403, "MODULE_NOT_LICENSED");
        app.standins.set_licence(TENANT, Licence::Active);
        for (name, code) in [
            (Name::Licence, "LICENCE_SERVICE_UNAVAILABLE"),
            (Name::Consent, "CONSENT_SERVICE_UNAVAILABLE"),
            (Name::Jitsi, "VIDEO_PROVIDER_UNAVAILABLE"),
        ] {
            for mode in [Mode::DOWN, Mode::WRONG, Mode::SLOW] {
                app.standins.set_mode(name, mode);
                let answer = self.create(clinician, CONSENTED, false).await;
                // Who answers something else may have answered nothing wrong.
                assert!(mode == Mode::WRONG || answer.body["code"] == code, "{}", answer.body);
            }
            app.standins.set_mode(name, Mode::UP);
        }

        // Mistakes with a person in them.
        let bad = format!("{{\"patientId\": \"{CONSENTED}/../{NO_CONSENT}\", \"scheduledStart\": \"{CONSENTED}\"}}");
        let request =
            app.request(Method::POST, "/sessions").bearer_auth(clinician).header("Content-Type", "application/json");
        app.send(request.body(bad)).await.refused(400, "VALIDATION_ERROR");
        app.post(clinician, "/sessions", &json!({"patientName": "Ahmad Rahimi"}))
            .await
            .refused(400, "VALIDATION_ERROR");
        self.secrets.keep("a patient's name", "Ahmad Rahimi");
        let query = format!("/sessions?patient={CONSENTED}&{NO_CONSENT}=1");
        app.get(clinician, &query).await.refused(400, "VALIDATION_ERROR");
        app.get(clinician, &format!("//patients/{CONSENTED}?name={NO_CONSENT}")).await.refused(404, "NOT_FOUND");
        app.get(clinician, &format!("/sessions/{CONSENTED}")).await.refused(400, "VALIDATION_ERROR");
        let request = app.request(Method::GET, "/sessions").bearer_auth(clinician);
        app.send(request.header("X-Request-Id", format!("for {CONSENTED}"))).await.expect(200);

        // Tokens that do not open.
        let forged = format!("{}x", &clinician[..clinician.len() - 1]);
        app.get(&forged, "/sessions").await.refused(401, "UNAUTHORIZED");
        app.join(&forged).await.refused(401, "TOKEN_INVALID");
        app.get("opaque-token-9fK3", "/sessions").await.refused(401, "UNAUTHORIZED");
        self.secrets.keep("an opaque token", "opaque-token-9fK3");
        let request = app.request(Method::GET, "/sessions").header("Authorization", "Basic c2VjcmV0OnNlY3JldA==");
        app.send(request).await.refused(401, "UNAUTHORIZED");
        self.secrets.keep("somebody's password", "c2VjcmV0OnNlY3JldA");
    }

    /// People are put out and visits are called off, for reasons in their own words.
    async fn call_off(&self, clinician: &str) {
        let app = &self.app;
        let visit = Visit::of(&app.post(clinician, "/sessions", &app.wish()).await.expect(201).body);
        let link = self.join_token(clinician, &visit).await;
        app.join(&link).await.expect(200);
        let put_out = json!({"reason": "husband took the phone"});
        self.secrets.keep("why somebody was put out", "husband took the phone");
        let path = visit.path(&format!("/participants/{}/remove", visit.patient));
        app.post(clinician, &path, &put_out).await.expect(200);
        app.join(&link).await.refused(401, "TOKEN_INVALID");
        let called_off = json!({"reason": "ناروغه امیندواره ده, sent to the maternity ward"});
        self.secrets.keep("why a visit was called off", "maternity ward");
        self.secrets.keep("why a visit was called off", "ناروغه");
        app.post(clinician, &visit.path("/cancel"), &called_off).await.expect(200);
        app.post(clinician, &visit.path("/cancel"), &json!({"reason": "maternity ward", "x": 1})).await.expect(400);
        app.post(clinician, &visit.path("/end"), &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_day_leaves_nothing_of_a_person_in_logs_and_metrics() {
    let mut day = Day::begin().await;
    let clinician = day.sign_in("dr-latifa", "clinician");
    let patient = day.sign_in("user-ahmad", "patient");
    assert_eq!(day.care(&clinician, &patient).await.body["encounterStatus"], "created");
    let answered = day.care_without_a_link(&clinician, &patient).await;
    assert_eq!(answered.body["encounterStatus"], "created");
    day.refuse(&clinician, &patient).await;
    day.call_off(&clinician).await;
    for (mode, status) in [(Mode::DOWN, "pending"), (Mode::down_with(422), "parked"), (Mode::WRONG, "pending")] {
        day.app.standins.set_mode(Name::Fhir, mode);
        assert_eq!(day.care(&clinician, &patient).await.body["encounterStatus"], status);
        assert_eq!(day.care_without_a_link(&clinician, &patient).await.body["encounterStatus"], status);
    }

    let metrics = day.app.metrics().await;
    assert!(metrics.contains("vcare_encounter_attempts_total"), "{metrics}");
    day.secrets.must_not_be_in("the metrics", &metrics);

    day.app.process.stop().await;
    let log = std::fs::read_to_string(day.app.process.log_file()).unwrap();
    day.secrets.must_not_be_in("the log", &log);
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    for line in &lines {
        assert_eq!(line["log_schema_version"], LOG_SCHEMA_VERSION, "{line}");
        assert_eq!(line["service"], "vcare-api", "{line}");
        for name in ["timestamp", "severity", "target"] {
            assert!(line[name].is_string(), "{name}: {line}");
        }
        let ours = line["target"].as_str().unwrap().starts_with("vcare_");
        assert!(!ours || line["message"].is_string(), "{line}");
    }
    let stopped = lines.iter().any(|line| line["message"] == "stopped");
    assert!(stopped && lines.iter().any(|line| line["severity"] == "TRACE"), "{} lines", lines.len());
    every_request_has_a_line_that_can_be_found(&lines);
}

/// By request, by trace, by tenant, and by a person who can only be recognised.
fn every_request_has_a_line_that_can_be_found(lines: &[Value]) {
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert!(requests.len() > 60, "{}", requests.len());
    let hash = actor_id_hash(&TenantId::parse(TENANT).unwrap(), &UserId::parse("dr-latifa").unwrap());
    let mut by_her = 0;
    for line in requests {
        for name in ["request_id", "trace_id", "method", "route"] {
            assert!(line[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
        }
        assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
        assert!(line["status"].is_u64() && line["took_ms"].is_f64(), "{line}");
        let route = line["route"].as_str().unwrap();
        let signed_in = route.contains("/sessions") && !route.contains("/sessions/join") && line["status"] != 401;
        if signed_in {
            assert_eq!(line["tenant_id"], TENANT, "{line}");
            assert_eq!(line["actor_id_hash"].as_str().unwrap().len(), 16, "{line}");
        }
        // A good link says whose visit it opens.
        if route.contains("/sessions/join") && matches!(line["status"].as_u64(), Some(200 | 409)) {
            assert_eq!(line["tenant_id"], TENANT, "{line}");
        }
        by_her += usize::from(line["actor_id_hash"] == hash.as_str());
        // A pattern, and never what somebody put into it.
        assert!(!route.contains("vsn_") && !route.contains("avs_") && !route.contains('?'), "{line}");
        if line["status"].as_u64().unwrap() >= 400 {
            assert!(line["code"].is_string(), "{line}");
        }
    }
    assert!(by_her > 30, "{by_her}");
}
