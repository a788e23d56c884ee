//! One visit, from its plan to its end, through the API.

use std::time::Duration;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;

use super::chance::Chance;
use super::phone::{Phone, Unanswered, Wish};
use crate::seed;

/// How a visit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Called off before anybody came.
    CalledOff,
    /// Called off while the patient waits.
    CalledOffWaiting,
    /// Ended while the patient waits: nothing took place.
    NeverBegan,
    /// Ended as soon as it began: a second or none.
    Brief,
    /// They talk for more than a second.
    Talked,
}

/// What is going to happen in a visit.
#[derive(Debug, Clone)]
pub struct Plan {
    pub number: u64,
    /// One of [`seed::TENANTS`].
    pub tenant: usize,
    pub course: Course,
    /// The clinician comes before letting the patient in.
    pub clinician_first: bool,
    /// How many say the same at once.
    pub creators: u64,
    pub enders: u64,
    pub talk: Duration,
}

impl Plan {
    pub fn draw(number: u64, chance: &Chance) -> Self {
        let courses = [
            (Course::Talked, 62),
            (Course::Brief, 8),
            (Course::NeverBegan, 12),
            (Course::CalledOff, 10),
            (Course::CalledOffWaiting, 8),
        ];
        Self {
            number,
            tenant: usize::from(chance.percent(50)),
            course: chance.weighted(&courses, Course::Talked),
            clinician_first: chance.percent(30),
            creators: chance.weighted(&[(1, 70), (2, 20), (3, 10)], 1),
            enders: chance.weighted(&[(1, 50), (2, 25), (4, 25)], 1),
            talk: chance.milliseconds(1100, 2600),
        }
    }

    /// By this a visit is found again, whatever became of its id.
    pub fn appointment(&self) -> String {
        format!("chaos-{}", self.number)
    }

    fn has_link(&self) -> bool {
        self.course != Course::CalledOff
    }

    pub fn begins(&self) -> bool {
        matches!(self.course, Course::Brief | Course::Talked)
    }

    pub fn is_called_off(&self) -> bool {
        matches!(self.course, Course::CalledOff | Course::CalledOffWaiting)
    }
}

/// What the clients were told of a visit.
#[derive(Debug, Clone)]
pub struct Told {
    pub plan: Plan,
    /// Every id that was answered.
    pub sessions: Vec<String>,
    /// The newest version that was answered.
    pub version: u64,
    /// Every duration that was answered, and every Encounter.
    pub durations: Vec<u64>,
    pub encounters: Vec<String>,
    /// What should not have been answered.
    pub wrong: Vec<String>,
    /// A call had no good answer: the rest of the plan was not gone through.
    pub broken_off: Option<Unanswered>,
}

/// Goes through a plan.
pub async fn run(phone: &Phone, clinician: &str, plan: Plan, chance: &Chance) -> Told {
    let told = Told {
        plan,
        sessions: Vec::new(),
        version: 0,
        durations: Vec::new(),
        encounters: Vec::new(),
        wrong: Vec::new(),
        broken_off: None,
    };
    let mut visit = Visit { phone, clinician, chance, told };
    visit.told.broken_off = visit.go().await.err();
    visit.told
}

struct Visit<'a> {
    phone: &'a Phone,
    clinician: &'a str,
    chance: &'a Chance,
    told: Told,
}

impl Visit<'_> {
    async fn go(&mut self) -> Result<(), Unanswered> {
        let created = self.create().await?;
        let id = text(&created, "id")?;
        let patient = created["participants"].as_array().into_iter().flatten().find(|one| one["role"] == "patient");
        let patient = text(patient.unwrap_or(&Value::Null), "id")?;
        if self.told.plan.has_link() {
            self.breathe().await;
            let path = format!("/sessions/{id}/participants/{patient}/join-token");
            let link = self.once("link", path, json!({})).await?;
            let token = json!({"token": text(&link, "joinToken")?});
            self.join(&token, "waiting_room").await?;
            if self.told.plan.begins() {
                self.breathe().await;
                if self.told.plan.clinician_first {
                    let joined = self.once("come", format!("/sessions/{id}/join"), json!({})).await?;
                    self.note(&joined);
                }
                let admitted = self.once("admit", format!("/sessions/{id}/admit/{patient}"), json!({})).await?;
                self.note(&admitted);
            }
            if self.told.plan.course == Course::Talked {
                self.join(&token, "direct_join").await?;
                sleep(self.told.plan.talk).await;
            }
        }
        if self.told.plan.is_called_off() {
            let reason = json!({"reason": "called off by chance"});
            let cancelled = self.once("cancel", format!("/sessions/{id}/cancel"), reason).await?;
            self.must_be(&cancelled, "cancelled");
            return Ok(());
        }
        self.end(&id).await
    }

    /// Several at once, under one key: all get the same visit.
    async fn create(&mut self) -> Result<Value, Unanswered> {
        let start = SystemClock.now() + time::Duration::minutes(5);
        let wish = Wish {
            verb: "create",
            token: Some(self.clinician),
            path: "/sessions".to_owned(),
            key: Some(self.key("create")),
            body: json!({
                "patientId": seed::CONSENTED,
                "appointmentId": self.told.plan.appointment(),
                "scheduledStart": start.format(&Rfc3339).unwrap_or_default(),
            }),
        };
        let answers = self.together(&wish, self.told.plan.creators).await;
        let mut first = None;
        for answer in answers {
            let answer = answer?;
            self.must_be(&answer, "scheduled");
            self.told.sessions.push(text(&answer, "id")?);
            first.get_or_insert(answer);
        }
        first.ok_or_else(|| Unanswered("nobody created it".to_owned()))
    }

    /// Several at once, without a key: ending twice changes nothing.
    async fn end(&mut self, id: &str) -> Result<(), Unanswered> {
        let wish = Wish {
            verb: "end",
            token: Some(self.clinician),
            path: format!("/sessions/{id}/end"),
            key: None,
            body: json!({}),
        };
        for answer in self.together(&wish, self.told.plan.enders).await {
            let answer = answer?;
            self.must_be(&answer, "ended");
            self.told.durations.extend(answer["durationSeconds"].as_u64());
            self.told.encounters.extend(answer["encounterId"].as_str().map(ToOwned::to_owned));
        }
        Ok(())
    }

    async fn join(&mut self, token: &Value, destination: &str) -> Result<(), Unanswered> {
        let wish =
            Wish { verb: "join", token: None, path: "/sessions/join".to_owned(), key: None, body: token.clone() };
        let joined = self.phone.ask(self.chance, &wish).await?;
        if joined["destination"] != destination {
            self.told.wrong.push(format!("joining led to {} instead of {destination}", joined["destination"]));
        }
        self.note(&joined);
        Ok(())
    }

    async fn once(&self, verb: &'static str, path: String, body: Value) -> Result<Value, Unanswered> {
        let wish = Wish { verb, token: Some(self.clinician), path, key: Some(self.key(verb)), body };
        self.phone.ask(self.chance, &wish).await
    }

    async fn together(&self, wish: &Wish<'_>, callers: u64) -> Vec<Result<Value, Unanswered>> {
        let calls: Vec<_> = (0..callers).map(|_| Box::pin(self.phone.ask(self.chance, wish))).collect();
        futures_util::future::join_all(calls).await
    }

    fn key(&self, verb: &str) -> String {
        format!("{}-{verb}", self.told.plan.appointment())
    }

    fn note(&mut self, answer: &Value) {
        self.told.version = self.told.version.max(answer["version"].as_u64().unwrap_or_default());
    }

    fn must_be(&mut self, answer: &Value, status: &str) {
        if answer["status"] != status {
            self.told.wrong.push(format!("the answer says {} instead of {status}", answer["status"]));
        }
        self.note(answer);
    }

    /// People are not machines.
    async fn breathe(&self) {
        sleep(self.chance.milliseconds(0, 300)).await;
    }
}

fn text(value: &Value, name: &str) -> Result<String, Unanswered> {
    value[name].as_str().map(ToOwned::to_owned).ok_or_else(|| Unanswered(format!("an answer has no {name}")))
}
