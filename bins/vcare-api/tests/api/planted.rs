//! VCARE-US-010: secrets are planted wherever one can be, and looked for wherever one could come out.

use std::fmt::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vcare_api::problem::Problem;
use vcare_app::ports::{Secret, SecretName};
use vcare_app::tenants::TenantConfigPatch;
use vcare_boot::Config;
use vcare_testkit::StreamReader;

use crate::secrets::{must_not_hold, video_token};
use crate::support::{Answer, INTERNAL_TOKEN, OTHER_TENANT, Program, TENANT, Visit, jitsi_secret, scope};

const FHIR_BEARER: &str = "planted-fhir-bearer-5tGb";
const DATABASE_PASSWORD: &str = "planted-database-password-7uJm";
/// What the tenant brings, and brings next.
const BROUGHT: [&str; 6] = [
    "planted-jitsi-secret-one-0123456789-abcdef",
    "planted-zoom-key-one-1qAz2wSx",
    "planted-zoom-secret-one-3eDc4rFv",
    "planted-jitsi-secret-two-0123456789-abcdef",
    "planted-zoom-key-two-1qAz2wSx",
    "planted-zoom-secret-two-3eDc4rFv",
];

fn credentials(of: &[&str]) -> Value {
    json!({"jitsiJwtSecret": of[0], "zoomApiKey": of[1], "zoomApiSecret": of[2]})
}

/// What gives a token away, and is in no other one.
fn signature(token: &str) -> String {
    token.split('.').nth(2).unwrap().to_owned()
}

/// A program that was used, and everything that it answered.
struct Used {
    program: Program,
    answers: String,
}

impl Used {
    fn note(&mut self, answer: &Answer) {
        let _ = writeln!(self.answers, "{:?}\n{}", answer.headers, String::from_utf8_lossy(&answer.bytes));
    }

    async fn ask(&mut self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let request = self.program.request(method, path).bearer_auth(token);
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
            None => request,
        };
        let request = if path == "/config" { request.header("If-Match", "*") } else { request };
        let answer = self.program.send(request).await;
        self.note(&answer);
        answer
    }

    async fn put_config(&mut self, body: &Value) -> Answer {
        let token = self.program.token("tenant_admin");
        self.ask(Method::PUT, "/config", &token, Some(body)).await
    }

    /// What a tenant's administrator does with credentials, and does wrong with them.
    async fn configure(&mut self) {
        self.put_config(&credentials(&BROUGHT[..3])).await.expect(200);
        self.put_config(&credentials(&BROUGHT[3..])).await.expect(200);
        for wrong in [
            json!({"jitsiJwtSecret": [BROUGHT[0]]}),
            json!({"jitsiJwtSecret": format!("{}\u{0}", BROUGHT[0])}),
            json!({"zoomApiSecret": BROUGHT[2].repeat(2000)}),
            json!({"zoomApiKey": BROUGHT[1], "maxParticipants": 99}),
            json!({"zoomApiKey": BROUGHT[1], "version": 1}),
        ] {
            let refused = self.put_config(&wrong).await;
            assert!((400..500).contains(&refused.status), "{}", refused.body);
        }
        let token = self.program.token("tenant_admin");
        self.ask(Method::GET, "/config", &token, None).await.expect(200);
        self.ask(Method::POST, "/config/test-connection", &token, None).await.expect(200);
    }

    /// A whole visit; answers the tokens that were given out for it, which belong into their answers and nowhere else.
    async fn care(&mut self) -> Vec<String> {
        let clinician = self.program.token("clinician");
        let wish = self.program.wish();
        let created = self.ask(Method::POST, "/sessions", &clinician, Some(&wish)).await.expect(201);
        let visit = Visit::of(&created.body);
        let program = &self.program;
        let link = program.join_token(&visit).await;
        program.join(&link).await.expect(200);
        let admitted = program.admit(&visit).await.expect(200).text("videoJoinUrl");
        let joined = program.join(&link).await.expect(200).text("url");
        program.long_enough().await;
        self.ask(Method::POST, &visit.path("/end"), &clinician, Some(&json!({}))).await.expect(200);
        self.ask(Method::GET, &visit.path(""), &clinician, None).await.expect(200);
        vec![
            signature(&link),
            signature(video_token(&admitted)),
            signature(video_token(&joined)),
            signature(&clinician),
        ]
    }
}

/// What `{:?}` makes of everything that holds a secret and can be printed.
async fn debug_output(program: &Program, config: &Config) -> String {
    let patch: TenantConfigPatch = serde_json::from_value(credentials(&BROUGHT[..3])).unwrap();
    let secret = Secret::new(BROUGHT[0]);
    let too_long = Secret::new(BROUGHT[2].repeat(2000));
    let refused = program.app.set_secret(&scope(TENANT), SecretName::ZoomApiSecret, &too_long).await.unwrap_err();
    let mut output =
        format!("{config:?}\n{config:#?}\n{patch:?}\n{:?}\n{secret:?}\n{refused:?}\n{refused}\n", patch.credentials());
    let _ = writeln!(output, "{:?}", Problem::from(refused));
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn us_010_no_planted_secret_comes_out_of_database_logs_events_answers_or_debug_output() {
    let settings = format!("fhir.bearer_token = \"{FHIR_BEARER}\"\nlog.filter = \"trace\"");
    let mut used = Used { program: Program::start(&settings).await, answers: String::new() };
    used.configure().await;
    let mut tokens = used.care().await;
    // The other tenant's video is signed with what is derived for it.
    let other = used.program.token_of(OTHER_TENANT, "clinician-2", "clinician");
    let wish = used.program.wish();
    let created = used.ask(Method::POST, "/sessions", &other, Some(&wish)).await.expect(201);
    let path = Visit::of(&created.body).path("/join");
    let joined = used.program.post(&other, &path, &json!({})).await.expect(200).text("videoJoinUrl");
    tokens.push(signature(video_token(&joined)));

    let Used { mut program, answers } = used;
    let debug = debug_output(&program, &Config::from_toml(&printed_configuration()).unwrap()).await;
    program.database.until("SELECT NOT EXISTS (SELECT FROM outbox)", Duration::from_secs(20)).await.unwrap();
    let events = StreamReader::connect(&program.nats.url()).await.unwrap().all().await.unwrap();
    let events: Vec<Value> = events.iter().map(|message| message.json()).collect();
    for kind in ["config.updated", "audit.recorded", "billing.session_chargeable"] {
        assert!(events.iter().any(|event| event["type"] == format!("virtual_care.{kind}.v1")), "{kind}");
    }
    let events = serde_json::to_string_pretty(&events).unwrap();
    let dump = program.database.dump().await.unwrap();
    assert!(dump.contains("COPY public.virtual_session") && dump.contains("zoomApiSecret"), "{dump}");
    program.process.stop().await;
    let log = std::fs::read_to_string(program.process.log_file()).unwrap();
    assert!(log.contains("\"TRACE\"") && answers.contains("****"));

    let master = std::fs::read_to_string(concat!(env!("CARGO_TARGET_TMPDIR"), "/master.key")).unwrap();
    let managed = jitsi_secret(OTHER_TENANT).await;
    let mut planted: Vec<Vec<u8>> = vec![managed.expose().to_vec(), master.trim().as_bytes().to_vec()];
    planted.extend([FHIR_BEARER, INTERNAL_TOKEN, DATABASE_PASSWORD].map(|text| text.as_bytes().to_vec()));
    planted.extend(BROUGHT.map(|text| text.as_bytes().to_vec()));
    for secret in &planted {
        for (text, place) in [
            (&dump, "the database"),
            (&log, "the log"),
            (&events, "an event"),
            (&answers, "an answer"),
            (&debug, "debug output"),
        ] {
            must_not_hold(text, place, secret);
        }
    }
    for token in &tokens {
        for (text, place) in [(&dump, "the database"), (&log, "the log"), (&events, "an event")] {
            must_not_hold(text, place, token.as_bytes());
        }
    }
}

/// Every setting that is a secret.
fn printed_configuration() -> String {
    let (secret, key) = (BROUGHT[2], BROUGHT[1]);
    format!(
        r#"
        profile = "development"
        links.public_base_url = "https://care.example"
        database.url = "postgres://vcare:{DATABASE_PASSWORD}@db/virtual_care"
        nats = {{ servers = ["nats://nats:4222"], user = "vcare", password = "{secret}", token = "{key}", creds = "{secret}" }}
        identity.issuer = "https://id.example/realms/ghasi"
        licence = {{ base_url = "http://identity:3000", bearer_token = "{key}" }}
        consent = {{ base_url = "http://access:3000", bearer_token = "{key}" }}
        fhir = {{ base_url = "http://fhir:3000/fhir/R4", bearer_token = "{FHIR_BEARER}" }}
        communication = {{ base_url = "http://communication:3000", bearer_token = "{FHIR_BEARER}" }}
        internal.shared_servers = [{{ token = "{INTERNAL_TOKEN}", tenants = ["{TENANT}"] }}]
        keyring.file = "/etc/vcare/master.key"
        [kms]
        provider = "aws"
        region = "eu-central-1"
        key_id = "a"
        mac_key_id = "b"
        access_key_id = "c"
        secret_access_key = "{secret}"
        "#
    )
}
