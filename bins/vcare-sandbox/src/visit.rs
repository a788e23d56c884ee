//! One visit from plan to charge, told as it happens.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;
use vcare_testkit::StreamReader;

use crate::seed;
use crate::surroundings::Surroundings;

/// How long people talk. A visit of less than a second is not charged.
const TALK: Duration = Duration::from_secs(2);
/// Events arrive in milliseconds; a machine under load may need longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the visit left behind.
pub struct Summary {
    session: String,
    seconds: u64,
    encounter: String,
    charge: String,
}

impl Summary {
    /// The session's id.
    pub fn session(&self) -> &str {
        &self.session
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "One visit, one Encounter, one charge:")?;
        writeln!(f, "  session        {}  ended after {} s", self.session, self.seconds)?;
        writeln!(f, "  Encounter      Encounter/{}  (FHIR R4, class VR)", self.encounter)?;
        write!(f, "  billing event  {}  virtual_care.billing.session_chargeable.v1", self.charge)
    }
}

/// Whoever calls the API.
pub struct Caller<'a> {
    http: Client,
    base: &'a str,
    token: &'a str,
}

impl<'a> Caller<'a> {
    /// The first tenant's clinician.
    pub fn clinician(facts: &'a Value) -> Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        Ok(Self { http, base: text(facts, "api")?, token: text(&facts["tenants"][0]["tokens"], "clinician")? })
    }

    /// A visit whose patient was let in; answers its id.
    pub async fn begin_a_visit(&self) -> Result<String> {
        let start = (SystemClock.now() + time::Duration::minutes(5)).format(&Rfc3339)?;
        let session = self.post("/sessions", json!({"patientId": seed::CONSENTED, "scheduledStart": start})).await?;
        let (id, patient) = (text(&session, "id")?.to_owned(), participant(&session, "patient")?);
        let link = self.post(&format!("/sessions/{id}/participants/{patient}/join-token"), json!({})).await?;
        self.post("/sessions/join", json!({"token": text(&link, "joinToken")?})).await?;
        self.post(&format!("/sessions/{id}/admit/{patient}"), json!({})).await?;
        Ok(id)
    }

    /// Has a piece of WebM written down.
    pub async fn transcribe(&self, session: &str, audio: Vec<u8>) -> Result<()> {
        let request = self.http.post(format!("{}/sessions/{session}/ai/transcribe", self.base));
        let request = request.bearer_auth(self.token).header("Content-Type", "audio/webm");
        let response = request.body(audio).send().await?;
        let status = response.status();
        ensure!(status.is_success(), "a piece of audio was answered {status}: {}", response.text().await?);
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(self.token);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let answer: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        ensure!(status.is_success(), "{method} {path} answered {status}: {answer}");
        Ok(answer)
    }

    /// Reads a path of the API.
    pub async fn read(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("the answer has no {name}: {value}"))
}

/// Only the part of a link that is no secret.
fn shown(url: &str) -> String {
    url.split_once('#').map_or_else(|| url.to_owned(), |(address, _)| format!("{address}#…"))
}

/// The Jitsi lets in who follows that address: the token in it is signed with the secret that Prosody has.
fn opens(surroundings: &Surroundings, address: &str) -> Result<()> {
    let refused = surroundings.standins.jitsi().opens(address).err();
    ensure!(refused.is_none(), "Jitsi refuses {}: {refused:?}", shown(address));
    Ok(())
}

/// Runs the visit, and tells of it line by line.
pub async fn run(surroundings: &Surroundings) -> Result<Summary> {
    let Surroundings { facts, nats, .. } = surroundings;
    let clinician = Caller::clinician(facts)?;
    let start = SystemClock.now() + time::Duration::minutes(5);
    println!("\nA visit, from plan to charge:\n");

    let created = json!({
        "patientId": seed::CONSENTED,
        // One appointment has one visit, and a sandbox may be asked for several.
        "appointmentId": format!("appt-demo-{}", start.unix_timestamp()),
        "scheduledStart": start.format(&Rfc3339)?,
    });
    let session = clinician.post("/sessions", created).await?;
    let id = text(&session, "id")?.to_owned();
    println!("  The clinician plans a visit: licence and consent are on file, the video server is up.");
    println!("    {id}, {}, room {}", text(&session, "status")?, text(&session, "roomName")?);

    let patient = participant(&session, "patient")?;
    let link = clinician.post(&format!("/sessions/{id}/participants/{patient}/join-token"), json!({})).await?;
    println!("  The patient is sent a link: {}", shown(text(&link, "joinUrl")?));

    let token = json!({"token": text(&link, "joinToken")?});
    let joined = clinician.post("/sessions/join", token.clone()).await?;
    ensure!(joined["destination"] == "waiting_room", "the patient was not led to the waiting room: {joined}");
    println!(
        "  The patient opens it and is led to the waiting room; the session was {}.",
        text(&joined, "sessionStatus")?
    );

    let admitted = clinician.post(&format!("/sessions/{id}/admit/{patient}"), json!({})).await?;
    println!("  The clinician lets the patient in, and gets the room: {}", shown(text(&admitted, "videoJoinUrl")?));
    opens(surroundings, text(&admitted, "videoJoinUrl")?)?;
    let joined = clinician.post("/sessions/join", token).await?;
    ensure!(joined["destination"] == "direct_join", "the patient was not led to the room: {joined}");
    println!("  The same link now leads the patient there too: {}", shown(text(&joined, "url")?));
    opens(surroundings, text(&joined, "url")?)?;

    println!("  They talk for {} seconds.", TALK.as_secs());
    tokio::time::sleep(TALK).await;

    let mut ended = clinician.post(&format!("/sessions/{id}/end"), json!({})).await?;
    let seconds = ended["durationSeconds"].as_u64().unwrap_or_default();
    println!("  The clinician ends the visit after {seconds} s.");
    let deadline = SystemClock.now() + PATIENCE;
    while ended["encounterId"].is_null() {
        wait(deadline, "the Encounter").await?;
        ended = clinician.call(Method::GET, &format!("/sessions/{id}"), None).await?;
    }
    let encounter = text(&ended, "encounterId")?.to_owned();
    println!("  Its Encounter is in the chart: Encounter/{encounter}");

    let events = StreamReader::connect(&nats.url()).await?;
    let of_this_visit = |events: &[vcare_testkit::StoredMessage]| {
        let mine =
            events.iter().map(vcare_testkit::StoredMessage::json).filter(|event| event["data"]["sessionId"] == *id);
        mine.collect::<Vec<_>>()
    };
    let is_charge = |event: &Value| event["type"] == "virtual_care.billing.session_chargeable.v1";
    let stored = events.wait_for(|all| of_this_visit(all).iter().any(is_charge), PATIENCE).await?;
    let mine = of_this_visit(&stored);
    println!("  Its events, in order:");
    for event in &mine {
        println!("    {}  {}", text(event, "id")?, text(event, "type")?);
    }
    let charges: Vec<&Value> = mine.iter().filter(|event| is_charge(event)).collect();
    let [charge] = charges.as_slice() else { bail!("{} charges for one visit", charges.len()) };
    ensure!(charge["data"]["encounterId"] == *encounter, "the charge names another Encounter: {charge}");
    ensure!(charge["data"]["durationSeconds"] == seconds, "the charge is for another duration: {charge}");
    Ok(Summary { session: id, seconds, encounter, charge: text(charge, "id")?.to_owned() })
}

async fn wait(deadline: OffsetDateTime, what: &str) -> Result<()> {
    ensure!(SystemClock.now() < deadline, "{what} did not come");
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

fn participant(session: &Value, role: &str) -> Result<String> {
    let all = session["participants"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|participant| participant["role"] == role);
    text(found.context("the visit has no patient")?, "id").map(ToOwned::to_owned)
}
