//! More of what people do in a test.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_testkit::{Name, until};

use super::people::TENANT;
use super::{Answer, TestApp, Visit};

impl TestApp {
    /// A clinician of [`TENANT`] who has nothing to do with `clinician-1`'s visits.
    pub fn other_clinician(&self) -> String {
        self.token_of(TENANT, "clinician-2", "clinician")
    }

    /// A POST that acts on that version, as `If-Match` says it.
    pub async fn post_at(&self, token: &str, path: &str, body: &Value, version: u64) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token).header("If-Match", format!("\"{version}\""));
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    /// Comes by link, with the token in the body.
    pub async fn join_by_post(&self, token: &str) -> Answer {
        let request = self.request(Method::POST, "/sessions/join").header("Content-Type", "application/json");
        self.send(request.body(json!({"token": token}).to_string())).await
    }

    /// Asks how the holder of a join token stands.
    pub async fn join_status(&self, token: &str) -> Answer {
        self.get(token, "/sessions/join/status").await
    }

    /// Waits until a neighbour was asked for something.
    pub async fn until_asked(&self, name: Name) {
        until("that neighbour is asked", async || !self.standins.requests(name).is_empty()).await;
    }

    /// Does the due work of a kind, as a worker does.
    pub async fn work(&self, kind: JobKind) -> WorkReport {
        self.app.work_due(kind, 32, &CancellationToken::new()).await.unwrap()
    }

    /// The same, as a worker goes on after the database was away: connections that died are found by asking over them.
    pub async fn work_on(&self, kind: JobKind) -> WorkReport {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.app.work_due(kind, 32, &CancellationToken::new()).await {
                Ok(report) => return report,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        }
    }

    /// Writes the Encounters that are due.
    pub async fn write_encounters(&self) -> WorkReport {
        self.work(JobKind::CreateEncounter).await
    }

    /// Comes by link on that device.
    pub async fn join_on(&self, token: &str, device: &str, take_over: bool) -> Answer {
        let request = self.request(Method::POST, "/sessions/join").header("Content-Type", "application/json");
        let body = json!({"token": token, "deviceId": device, "takeOver": take_over});
        self.send(request.body(body.to_string())).await
    }

    /// Waits for news of what the query (`since=3&place=1`) says is known.
    pub async fn wait(&self, token: &str, query: &str) -> Answer {
        self.get(token, &format!("/sessions/join/status?{query}")).await
    }

    /// Tells of the connection of a join token's holder.
    pub async fn tell_connection(&self, token: &str, state: &str, seconds_ago: u32) -> Answer {
        self.post(token, "/sessions/join/connection", &json!({"state": state, "secondsAgo": seconds_ago})).await
    }

    /// Comes as a provider.
    pub async fn come(&self, token: &str, visit: &Visit) -> Answer {
        self.post(token, &visit.path("/join"), &json!({})).await
    }

    /// Comes as a provider in an emergency: into a colleague's visit, without an invitation.
    pub async fn come_in_emergency(&self, token: &str, visit: &Visit) -> Answer {
        let request = self.request(Method::POST, &visit.path("/join")).bearer_auth(token);
        let request = request.header("X-Emergency-Reason", "no pulse, colleague cannot be reached");
        self.send(request.header("Content-Type", "application/json").body("{}")).await
    }

    pub async fn admit_as(&self, token: &str, visit: &Visit) -> Answer {
        self.post(token, &visit.path(&format!("/admit/{}", visit.patient)), &json!({})).await
    }

    pub async fn cancel(&self, visit: &Visit, reason: &str) -> Answer {
        self.post(&self.token("clinician"), &visit.path("/cancel"), &json!({"reason": reason})).await
    }

    pub async fn remove(&self, visit: &Visit, participant: &str, reason: &str) -> Answer {
        let path = visit.path(&format!("/participants/{participant}/remove"));
        self.post(&self.token("clinician"), &path, &json!({"reason": reason})).await
    }

    pub async fn invite(&self, visit: &Visit, wish: &Value) -> Answer {
        self.post(&self.token("clinician"), &visit.path("/participants"), wish).await
    }

    /// `clinician-1` invites a colleague as a further provider.
    pub async fn invite_colleague(&self, visit: &Visit, account: &str) {
        self.invite(visit, &json!({"role": "provider", "userId": account})).await.expect(201);
    }

    /// Invites an interpreter without an account, and answers their part in the visit.
    pub async fn interpreter(&self, visit: &Visit) -> String {
        let invited = self.invite(visit, &json!({"role": "interpreter"})).await.expect(201);
        let last = invited.body["participants"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["role"], "interpreter");
        last["id"].as_str().unwrap().to_owned()
    }

    /// A participant's join token, newly issued.
    pub async fn join_token_of(&self, visit: &Visit, participant: &str) -> String {
        let path = visit.path(&format!("/participants/{participant}/join-token"));
        self.post(&self.token("clinician"), &path, &json!({})).await.expect(201).text("joinToken")
    }

    /// The participant as the visit has them now.
    pub async fn participant(&self, visit: &Visit, participant: &str) -> Value {
        let session = self.read(visit).await;
        let all = session["participants"].as_array().unwrap();
        all.iter().find(|one| one["id"] == participant).unwrap().clone()
    }

    /// From here on the service's login reaches the database no more.
    pub async fn lose_the_database(&self) {
        let cut = format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", self.database.name());
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND usename = 'vcare_service'";
        self.database.execute(&cut, &[]).await.unwrap();
        self.database.rows(kill, &[]).await.unwrap();
    }

    /// It is back.
    pub async fn find_the_database(&self) {
        let grant = format!("GRANT CONNECT ON DATABASE {} TO PUBLIC", self.database.name());
        self.database.execute(&grant, &[]).await.unwrap();
    }

    /// The one event of that type.
    pub async fn only_event(&self, kind: &str) -> Value {
        let mut found = self.events_of(kind).await;
        assert_eq!(found.len(), 1, "{kind}: {found:#?}");
        found.remove(0)
    }

    /// The types of all events so far, oldest first.
    pub async fn event_types(&self) -> Vec<String> {
        let events = self.events().await;
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}
