//! Meetings, and the people who are registered for them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};

use super::super::exchange::{Answer, Asked};
use super::{State, WEB, error, invalid, timestamp};
use crate::machine;

/// Numbers of eleven digits: more than 32 bits hold.
const FIRST_ID: u64 = 85_746_065_000;
/// A recurring meeting without fixed times: it takes no registrations, whatever it was asked.
const NO_FIXED_TIME: u64 = 3;
const NO_REGISTRATION: u64 = 2;
const BY_HAND: u64 = 1;
const REGISTRATIONS_A_DAY: usize = 3;
const PAGE_TOKEN_LIFETIME: Duration = Duration::minutes(15);

#[derive(Debug)]
pub(super) struct Meeting {
    pub started: bool,
    host: String,
    starts: Option<OffsetDateTime>,
    approval: u64,
    /// What is answered, but for the status.
    body: Value,
    /// By address: what was answered, and on which days.
    registrants: BTreeMap<String, (Value, Vec<Date>)>,
}

impl Meeting {
    pub fn to_json(&self) -> Value {
        let mut body = self.body.clone();
        body["status"] = json!(if self.started { "started" } else { "waiting" });
        body
    }
}

impl State {
    /// `POST /v2/users/{userId}/meetings`.
    pub(super) fn create(&mut self, asked: &Asked, user: &str) -> Answer {
        let host = match self.host(user) {
            Ok(host) => host,
            Err(refused) => return refused,
        };
        let Some(wanted) = asked.object() else {
            return error(400, 300, "Request Body should be a valid JSON object.");
        };
        match self.plan(host, &wanted) {
            Ok(meeting) => Answer::json(201, &meeting),
            Err(field) => invalid(field),
        }
    }

    /// Plans a meeting, or says the first field that is wrong.
    pub(super) fn plan(&mut self, host: String, wanted: &Map<String, Value>) -> Result<Value, &'static str> {
        let wanted = Wanted::read(wanted)?;
        self.made += 1;
        let id = FIRST_ID + self.made;
        let meeting = wanted.hold(id, host, self.now());
        let answer = meeting.to_json();
        self.meetings.insert(id, meeting);
        Ok(answer)
    }

    /// `GET /v2/users/{userId}/meetings`.
    pub(super) fn list(&mut self, asked: &Asked, user: &str) -> Answer {
        let host = match self.host(user) {
            Ok(host) => host,
            Err(refused) => return refused,
        };
        let parameters = asked.parameters();
        let parameter = |name: &str| {
            let value = parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            value.filter(|value| !value.is_empty())
        };
        let size = match parameter("page_size").unwrap_or("30").parse::<usize>() {
            Ok(size @ 1..=300) => size,
            _ => return invalid("page_size"),
        };
        let now = self.now();
        let from = match parameter("next_page_token") {
            None => 0,
            Some(token) => match self.pages.get(token) {
                Some((from, until)) if now < *until => *from,
                _ => return error(400, 300, "The next page token is invalid or expired."),
            },
        };
        let which = parameter("type").unwrap_or("scheduled").to_owned();
        let wanted = |meeting: &Meeting| match which.as_str() {
            "live" => meeting.started,
            "upcoming" => meeting.starts.is_some_and(|starts| starts > now),
            _ => true,
        };
        let of_host: Vec<_> =
            self.meetings.iter().filter(|(_, meeting)| meeting.host == host && wanted(meeting)).collect();
        let mut rest = of_host.iter().filter(|(id, _)| **id >= from);
        let page: Vec<Value> = rest.by_ref().take(size).map(|(_, meeting)| listed(meeting)).collect();
        let (total, next) = (of_host.len(), rest.next().map(|(id, _)| **id));
        let mut token = String::new();
        if let Some(next) = next {
            token = machine::new_id().simple().to_string();
            self.pages.insert(token.clone(), (next, now + PAGE_TOKEN_LIFETIME));
        }
        let body = json!({"page_size": size, "total_records": total, "next_page_token": token, "meetings": page});
        Answer::json(200, &body)
    }

    /// What is asked of a meeting that there is.
    pub(super) fn on_meeting(&mut self, asked: &Asked, id: u64) -> Answer {
        let today = self.now().date();
        let Some(meeting) = self.meetings.get_mut(&id) else { return Answer::not_found() };
        match asked.method.as_str() {
            "GET" => Answer::json(200, &meeting.to_json()),
            "PUT" => match asked.object().as_ref().and_then(|body| body.get("action")).and_then(Value::as_str) {
                Some("end") => {
                    meeting.started = false;
                    Answer::empty(204)
                }
                _ => error(400, 300, "Invalid action."),
            },
            "POST" => meeting.register(asked, id, today),
            _ if meeting.started => error(400, 3002, "Sorry, you cannot delete this meeting since it's in progress."),
            _ => {
                self.meetings.remove(&id);
                Answer::empty(204)
            }
        }
    }

    fn host(&self, user: &str) -> Result<String, Answer> {
        let users = &self.settings.users;
        let found = if user == "me" { users.first() } else { users.iter().find(|one| *one == user) };
        found.cloned().ok_or_else(|| error(404, 1001, &format!("User does not exist: {user}.")))
    }
}

impl Meeting {
    /// `POST /v2/meetings/{id}/registrants`: an address of one's own for each person.
    fn register(&mut self, asked: &Asked, id: u64, today: Date) -> Answer {
        if self.approval == NO_REGISTRATION {
            return error(404, 404, &format!("Registration has not been enabled for this meeting: {id}."));
        }
        let wanted = asked.object().unwrap_or_default();
        let text = |name: &str| wanted.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(email) = text("email").filter(|email| email.contains('@')) else { return invalid("email") };
        if text("first_name").is_none() {
            return invalid("first_name");
        }
        let approved = self.approval != BY_HAND || wanted.get("auto_approve") == Some(&json!(true));
        let (answer, days) = self.registrants.entry(email.to_lowercase()).or_insert_with(|| {
            let registrant = machine::new_id().simple().to_string();
            let mut answer = json!({
                "registrant_id": registrant, "id": id, "topic": self.body["topic"], "start_time": self.body["start_time"],
            });
            if approved {
                answer["join_url"] = json!(format!("{WEB}/w/{id}?tk={}", machine::new_id().simple()));
            }
            (answer, Vec::new())
        });
        if days.iter().filter(|day| **day == today).count() >= REGISTRATIONS_A_DAY {
            let text = format!(
                "You have exceeded the daily rate limit of ({REGISTRATIONS_A_DAY}) for Add meeting registrant API \
                 requests for the registrant ({email}). You can resume these API requests at GMT 00:00:00."
            );
            return error(429, 429, &text);
        }
        days.push(today);
        Answer::json(201, answer)
    }
}

/// What somebody wants of a new meeting.
struct Wanted {
    kind: u64,
    topic: String,
    agenda: String,
    starts: Option<OffsetDateTime>,
    duration: u64,
    timezone: String,
    password: String,
    approval: u64,
    settings: Map<String, Value>,
}

impl Wanted {
    /// Or the first field that is wrong.
    fn read(body: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |field: &'static str, default: &str| match body.get(field) {
            None => Ok(default.to_owned()),
            Some(value) => value.as_str().map(str::to_owned).ok_or(field),
        };
        let number = |field: &'static str, default: u64| match body.get(field) {
            None => Ok(default),
            Some(value) => value.as_u64().ok_or(field),
        };
        let kind = number("type", 2)?;
        if !matches!(kind, 1 | 2 | 3 | 8) {
            return Err("type");
        }
        let topic = text("topic", "Zoom Meeting")?;
        if topic.chars().count() > 200 {
            return Err("topic");
        }
        // Also a time without a zone, for one that `timezone` names; such is not played.
        let starts = match body.get("start_time") {
            None => None,
            Some(value) => {
                let parsed = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
                Some(parsed.ok_or("start_time")?)
            }
        };
        let drawn = machine::new_id().simple().to_string();
        let password = text("password", &drawn[26..])?;
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "@-_*".contains(letter);
        if password.len() > 10 || !password.chars().all(allowed) {
            return Err("password");
        }
        let settings = match body.get("settings") {
            None => Map::new(),
            Some(value) => value.as_object().cloned().ok_or("settings")?,
        };
        let approval = settings.get("approval_type").and_then(Value::as_u64).unwrap_or(NO_REGISTRATION);
        if approval > NO_REGISTRATION {
            return Err("settings.approval_type");
        }
        let approval = if kind == NO_FIXED_TIME { NO_REGISTRATION } else { approval };
        let (duration, timezone) = (number("duration", 60)?, text("timezone", "UTC")?);
        let agenda = text("agenda", "")?;
        if agenda.chars().count() > 2000 {
            return Err("agenda");
        }
        Ok(Self { kind, topic, agenda, starts, duration, timezone, password, approval, settings })
    }

    fn hold(self, id: u64, host: String, now: OffsetDateTime) -> Meeting {
        let mut settings = json!({
            "host_video": false, "participant_video": false, "join_before_host": false, "mute_upon_entry": false,
            "waiting_room": true, "audio": "both", "auto_recording": "none", "meeting_authentication": false,
            "registrants_email_notification": true, "approval_type": NO_REGISTRATION,
        });
        for (name, value) in self.settings {
            settings[name] = value;
        }
        settings["approval_type"] = json!(self.approval);
        let pwd = STANDARD.encode(&self.password).replace(['+', '/', '='], "");
        let mut body = json!({
            "uuid": STANDARD.encode(machine::new_id().as_bytes()),
            "id": id,
            "host_id": format!("host{}", id % 1000),
            "host_email": host,
            "topic": self.topic,
            "agenda": self.agenda,
            "type": self.kind,
            "duration": self.duration,
            "timezone": self.timezone,
            "created_at": timestamp(now),
            "start_url": format!("{WEB}/s/{id}?zak={}", machine::new_id().simple()),
            "join_url": format!("{WEB}/j/{id}?pwd={pwd}"),
            "password": self.password,
            "encrypted_password": pwd,
            "settings": settings,
        });
        if let Some(starts) = self.starts {
            body["start_time"] = json!(timestamp(starts.to_offset(time::UtcOffset::UTC)));
        }
        if self.approval != NO_REGISTRATION {
            body["registration_url"] = json!(format!("{WEB}/meeting/register/{}", machine::new_id().simple()));
        }
        let (starts, approval) = (self.starts, self.approval);
        // An instant meeting is under way when it is made.
        Meeting { started: self.kind == 1, host, starts, approval, body, registrants: BTreeMap::new() }
    }
}

/// A list has no secrets and no settings, and of an agenda the first 250 letters.
fn listed(meeting: &Meeting) -> Value {
    let mut listed = Map::new();
    if let Some(agenda) = meeting.body["agenda"].as_str() {
        listed.insert("agenda".to_owned(), agenda.chars().take(250).collect::<String>().into());
    }
    let fields =
        ["uuid", "id", "host_id", "topic", "type", "start_time", "duration", "timezone", "created_at", "join_url"];
    for name in fields {
        if let Some(value) = meeting.body.get(name) {
            listed.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(listed)
}
