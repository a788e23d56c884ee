//! Zoom: Server-to-Server OAuth and as much of its Meetings API as holds a visit. Written after its documentation; where
//! that is silent, after answers that people saw.

mod meetings;
mod settings;
mod token;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub use settings::{Limit, Settings};

use super::exchange::{Answer, Asked};
use meetings::Meeting;

/// Where browsers go. Nobody is there.
const WEB: &str = "https://us02web.zoom.example";

/// A Zoom. As it begins, its settings are the default ones, it has no meetings and no limit is reached.
#[derive(Debug, Default)]
pub struct Zoom {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    settings: Settings,
    limit: Option<Limit>,
    /// Tokens that were given out, and until when they are good.
    tokens: BTreeMap<String, OffsetDateTime>,
    meetings: BTreeMap<u64, Meeting>,
    /// How many there ever were.
    made: u64,
    /// Lists that go on: by their token, what comes next and until when.
    pages: BTreeMap<String, (u64, OffsetDateTime)>,
}

impl State {
    fn now(&self) -> OffsetDateTime {
        self.settings.clock.now()
    }
}

impl Zoom {
    /// Sets the account up anew. Meetings stay.
    pub fn configure(&self, settings: Settings) {
        self.state().settings = settings;
    }

    /// Changes a part of how the account is set up.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// Reaches a limit, or lifts it.
    pub fn limit(&self, limit: Option<Limit>) {
        self.state().limit = limit;
    }

    /// Makes all tokens that were given out invalid, as deactivating the app does.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// The first user plans a meeting by hand; nothing when it is not one.
    pub fn plan(&self, wanted: &Value) -> Option<Value> {
        let mut state = self.state();
        let host = state.settings.users.first()?.clone();
        state.plan(host, wanted.as_object()?).ok()
    }

    /// The host starts a meeting. Says whether there is such a one.
    pub fn start(&self, id: u64) -> bool {
        let mut state = self.state();
        state.meetings.get_mut(&id).map(|meeting| meeting.started = true).is_some()
    }

    /// Whether a meeting is under way.
    #[must_use]
    pub fn is_started(&self, id: u64) -> bool {
        self.state().meetings.get(&id).is_some_and(|meeting| meeting.started)
    }

    /// All meetings, oldest first, as they are answered.
    #[must_use]
    pub fn meetings(&self) -> Vec<Value> {
        self.state().meetings.values().map(Meeting::to_json).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Below `/zoom`.
    pub(super) fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        let mut state = self.state();
        match segments {
            ["oauth", "token"] if asked.method == "POST" => token::grant(&mut state, asked),
            ["oauth", "token"] => Answer::not_allowed("POST"),
            ["v2", rest @ ..] => state.call(asked, rest),
            _ => Answer::not_found(),
        }
    }
}

impl State {
    fn call(&mut self, asked: &Asked, segments: &[&str]) -> Answer {
        let (scope, category) = match (asked.method.as_str(), segments) {
            ("POST", ["users", _, "meetings"]) => ("meeting:write:meeting:admin", "Medium"),
            ("GET", ["users", _, "meetings"]) => ("meeting:read:list_meetings:admin", "Medium"),
            ("GET", ["meetings", _]) => ("meeting:read:meeting:admin", "Light"),
            ("DELETE", ["meetings", _]) => ("meeting:delete:meeting:admin", "Light"),
            ("PUT", ["meetings", _, "status"]) => ("meeting:update:status:admin", "Light"),
            ("POST", ["meetings", _, "registrants"]) => ("meeting:write:registrant:admin", "Light"),
            _ => return error(404, 2300, "This API endpoint is not recognized."),
        };
        if let Err(refused) = token::check(self, asked, scope) {
            return refused;
        }
        let creates = asked.method == "POST" && segments[0] == "users";
        if let Some(limit) = self.limit.filter(|limit| creates || *limit != Limit::Meetings) {
            return limited(limit, category, self.now());
        }
        match (asked.method.as_str(), segments) {
            ("POST", ["users", user, _]) => self.create(asked, user),
            ("GET", ["users", user, _]) => self.list(asked, user),
            (_, ["meetings", id, ..]) => {
                let known = id.parse().ok().filter(|id| self.meetings.contains_key(id));
                let Some(known) = known else {
                    return error(404, 3001, &format!("Meeting does not exist: {id}."));
                };
                self.on_meeting(asked, known)
            }
            _ => Answer::not_found(),
        }
    }
}

/// An error as the API tells it.
fn error(status: u16, code: u32, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}

/// A field that is wrong.
fn invalid(field: &str) -> Answer {
    let errors = [json!({"field": field, "message": "Invalid field."})];
    Answer::json(400, &json!({"code": 300, "message": "Validation Failed.", "errors": errors}))
}

/// `Retry-After` is a time, and not a number of seconds; it comes with the daily limit only.
fn limited(limit: Limit, category: &'static str, now: OffsetDateTime) -> Answer {
    let text = match limit {
        Limit::PerSecond => "You have reached the maximum per-second rate limit for this API. Try again later.",
        Limit::Daily => "You have reached the maximum daily rate limit for this API.",
        Limit::Meetings => {
            "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this \
             particular user. You may resume these requests at GMT 00:00:00."
        }
    };
    let answer = error(429, 429, text).header("x-ratelimit-category", category);
    match limit {
        Limit::PerSecond => answer.header("x-ratelimit-type", "QPS"),
        Limit::Daily => answer
            .header("x-ratelimit-type", "Daily-limit")
            .header("x-ratelimit-limit", "30000")
            .header("x-ratelimit-remaining", "0")
            .header("retry-after", timestamp((now + Duration::DAY).replace_time(time::Time::MIDNIGHT))),
        Limit::Meetings => answer,
    }
}

fn timestamp(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}
