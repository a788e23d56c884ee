//! One visit, from its plan to its end, through the API.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;

use super::chance::Chance;
use super::clock::{Call, Together};
use super::offline;
use super::phone::{Phone, Unanswered, Wish};
use super::plan::{Course, Plan};
use crate::seed;

/// How long a patient is waited for, and what a killed worker and a stopped database take.
const GIVEN_UP: Duration = Duration::from_secs(240);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Who cares for the patients of a tenant.
pub struct Staff {
    /// The token of the clinician who creates the visits.
    pub first: String,
    /// The patient's token.
    pub patient: String,
    /// The token and the account of the one who takes visits over.
    pub second: String,
    pub second_account: String,
}

fn in_minutes(minutes: i64) -> String {
    (SystemClock.now() + time::Duration::minutes(minutes)).format(&Rfc3339).unwrap_or_default()
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
    /// How long they were together.
    pub together: Together,
    /// What should not have been answered.
    pub wrong: Vec<String>,
    /// A call had no good answer: the rest of the plan was not gone through.
    pub broken_off: Option<Unanswered>,
}

/// Goes through a plan.
pub async fn run(phone: &Phone, staff: &Staff, plan: Plan, chance: &Chance) -> Told {
    let told = Told {
        plan,
        sessions: Vec::new(),
        version: 0,
        durations: Vec::new(),
        encounters: Vec::new(),
        together: Together::default(),
        wrong: Vec::new(),
        broken_off: None,
    };
    let mut visit = Visit { phone, staff, chance, told };
    visit.told.broken_off = match visit.told.plan.course {
        Course::Offline => offline::go(phone, staff, chance, &mut visit.told).await.err(),
        _ => visit.go().await.err(),
    };
    visit.told
}

struct Visit<'a> {
    phone: &'a Phone,
    staff: &'a Staff,
    chance: &'a Chance,
    told: Told,
}

impl Visit<'_> {
    async fn go(&mut self) -> Result<(), Unanswered> {
        let created = self.create().await?;
        let id = text(&created, "id")?;
        let patient = created["participants"].as_array().into_iter().flatten().find(|one| one["role"] == "patient");
        let patient = text(patient.unwrap_or(&Value::Null), "id")?;
        match self.told.plan.course {
            Course::CalledOff => return self.cancel(&id).await,
            Course::NobodyLooked => return Ok(()),
            Course::NotAttended => {
                let noted = self.once("no_show", format!("/sessions/{id}/no-show"), json!({})).await?;
                self.must_be(&noted, "no_show");
                return Ok(());
            }
            _ => {}
        }
        self.breathe().await;
        let path = format!("/sessions/{id}/participants/{patient}/join-token");
        let link = text(&self.once("link", path, json!({})).await?, "joinToken")?;
        if self.told.plan.course == Course::Late {
            self.is_late(&id, &link).await?;
        }
        self.join(&link, "waiting_room").await?;
        match self.told.plan.course {
            Course::NeverBegan => self.end(&id, None).await,
            Course::CalledOffWaiting if self.chance.percent(50) => self.cancel(&id).await,
            Course::CalledOffWaiting => {
                let cancelled = self.by_link("cancel", "/sessions/join/cancel", json!({"token": link})).await?;
                self.note(&cancelled);
                Ok(())
            }
            _ => self.hold(&id, &patient, &link).await,
        }
    }

    async fn hold(&mut self, id: &str, patient: &str, link: &str) -> Result<(), Unanswered> {
        self.breathe().await;
        if self.told.plan.clinician_first {
            let joined = self.once("come", format!("/sessions/{id}/join"), json!({})).await?;
            self.note(&joined);
        }
        let admit = self.once("admit", format!("/sessions/{id}/admit/{patient}"), json!({}));
        let (admitted, begun) = Call::of(admit).await;
        self.note(&admitted?);
        if self.told.plan.course != Course::Brief {
            self.join(link, "direct_join").await?;
            sleep(self.told.plan.talk).await;
        }
        match self.told.plan.course {
            Course::Forgotten => {
                let path = format!("/sessions/{id}/connection");
                let (left, over) = Call::of(self.once("leave", path, json!({"state": "lost"}))).await;
                self.note(&left?);
                self.told.together.add(begun, over);
                self.lose(link).await.0?;
                Ok(())
            }
            Course::Resumed => {
                let (lost, over) = self.lose(link).await;
                lost?;
                self.told.together.add(begun, over);
                self.until_failed(id).await?;
                let (back, again) = Call::of(self.enter(link)).await;
                self.is_led(&back?, "direct_join");
                sleep(self.told.plan.talk).await;
                self.end(id, Some(again)).await
            }
            Course::HandedOver => {
                let invitation = json!({"userId": self.staff.second_account, "role": "provider"});
                let invited = self.once("invite", format!("/sessions/{id}/participants"), invitation).await?;
                self.note(&invited);
                let joined = self.once_as(&self.staff.second, "take_over", format!("/sessions/{id}/join"), json!({}));
                let joined = joined.await?;
                self.note(&joined);
                let path = format!("/sessions/{id}/connection");
                let left = self.once("leave", path, json!({"state": "lost"})).await?;
                self.note(&left);
                sleep(self.told.plan.talk).await;
                self.end(id, Some(begun)).await
            }
            _ => self.end(id, Some(begun)).await,
        }
    }

    /// The patient says so, and the clinician moves the visit. The link stays.
    async fn is_late(&mut self, id: &str, link: &str) -> Result<(), Unanswered> {
        let delayed = self.by_link("delay", "/sessions/join/delay", json!({"token": link, "minutes": 10})).await?;
        self.note(&delayed);
        let wish = Wish {
            verb: "move",
            method: Method::PATCH,
            token: Some(&self.staff.first),
            path: format!("/sessions/{id}"),
            key: Some(self.key("move")),
            body: json!({"scheduledStart": in_minutes(10), "allowOverlap": true}),
        };
        let moved = self.phone.ask(self.chance, &wish).await?;
        self.must_be(&moved, "scheduled");
        Ok(())
    }

    /// The patient's phone says that its connection was lost.
    async fn lose(&mut self, link: &str) -> (Result<(), Unanswered>, Call) {
        let wish = Wish {
            verb: "lose",
            method: Method::POST,
            token: Some(link),
            path: "/sessions/join/connection".to_owned(),
            key: None,
            body: json!({"state": "lost"}),
        };
        let (answer, call) = Call::of(self.phone.ask(self.chance, &wish)).await;
        (answer.map(|status| self.note(&status)), call)
    }

    /// Waits until a worker has given the visit up.
    async fn until_failed(&mut self, id: &str) -> Result<(), Unanswered> {
        let deadline = Instant::now() + GIVEN_UP;
        while Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
            let wish = Wish {
                verb: "read",
                method: Method::GET,
                token: Some(&self.staff.first),
                path: format!("/sessions/{id}"),
                key: None,
                body: Value::Null,
            };
            let read = self.phone.ask(self.chance, &wish).await?;
            self.note(&read);
            if read["status"] == "failed" {
                return Ok(());
            }
        }
        Err(Unanswered("nobody gave the visit up whose patient was lost".to_owned()))
    }

    async fn cancel(&mut self, id: &str) -> Result<(), Unanswered> {
        let reason = json!({"reason": "called off by chance"});
        let cancelled = self.once("cancel", format!("/sessions/{id}/cancel"), reason).await?;
        self.must_be(&cancelled, "cancelled");
        Ok(())
    }

    /// Several at once, under one key: all get the same visit.
    async fn create(&mut self) -> Result<Value, Unanswered> {
        let wish = Wish {
            verb: "create",
            method: Method::POST,
            token: Some(&self.staff.first),
            path: "/sessions".to_owned(),
            key: Some(self.key("create")),
            body: json!({
                "patientId": seed::CONSENTED,
                "appointmentId": self.told.plan.appointment(),
                "scheduledStart": in_minutes(self.told.plan.planned_in()),
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

    /// Several at once, without a key: ending twice changes nothing. `since`: they are together since that call.
    async fn end(&mut self, id: &str, since: Option<Call>) -> Result<(), Unanswered> {
        let ender = if self.told.plan.course == Course::HandedOver { &self.staff.second } else { &self.staff.first };
        let wish = Wish {
            verb: "end",
            method: Method::POST,
            token: Some(ender),
            path: format!("/sessions/{id}/end"),
            key: None,
            body: json!({}),
        };
        let (answers, over) = Call::of(self.together(&wish, self.told.plan.enders)).await;
        if let Some(since) = since {
            self.told.together.add(since, over);
        }
        for answer in answers {
            let answer = answer?;
            self.must_be(&answer, "ended");
            self.told.durations.extend(answer["durationSeconds"].as_u64());
            self.told.encounters.extend(answer["encounterId"].as_str().map(ToOwned::to_owned));
        }
        Ok(())
    }

    async fn join(&mut self, link: &str, destination: &str) -> Result<(), Unanswered> {
        let joined = self.enter(link).await?;
        self.is_led(&joined, destination);
        Ok(())
    }

    async fn enter(&self, link: &str) -> Result<Value, Unanswered> {
        self.by_link("join", "/sessions/join", json!({"token": link})).await
    }

    fn is_led(&mut self, joined: &Value, destination: &str) {
        if joined["destination"] != destination {
            self.told.wrong.push(format!("joining led to {} instead of {destination}", joined["destination"]));
        }
        self.note(joined);
    }

    async fn by_link(&self, verb: &'static str, path: &str, body: Value) -> Result<Value, Unanswered> {
        let wish = Wish { verb, method: Method::POST, token: None, path: path.to_owned(), key: None, body };
        self.phone.ask(self.chance, &wish).await
    }

    async fn once(&self, verb: &'static str, path: String, body: Value) -> Result<Value, Unanswered> {
        self.once_as(&self.staff.first, verb, path, body).await
    }

    async fn once_as(&self, who: &str, verb: &'static str, path: String, body: Value) -> Result<Value, Unanswered> {
        let wish = Wish { verb, method: Method::POST, token: Some(who), path, key: Some(self.key(verb)), body };
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

pub(super) fn text(value: &Value, name: &str) -> Result<String, Unanswered> {
    value[name].as_str().map(ToOwned::to_owned).ok_or_else(|| Unanswered(format!("an answer has no {name}")))
}
