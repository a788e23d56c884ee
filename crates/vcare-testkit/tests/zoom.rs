//! Zoom's stand-in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Answer, ask, standins};
use vcare_testkit::standins::zoom::{Limit, Settings};
use vcare_testkit::{HandClock, Mode, Name, Standins};

/// A Zoom whose clock stands, and somebody with a token.
struct Account {
    standins: Standins,
    clock: Arc<HandClock>,
    token: String,
}

async fn account() -> Account {
    let (standins, clock) = (standins().await, HandClock::new());
    standins.zoom().configure(Settings { clock: clock.clone(), ..Settings::default() });
    let token = token(&standins).await;
    Account { standins, clock, token }
}

fn basic(client: &str) -> String {
    format!("Basic {}", STANDARD.encode(client))
}

async fn grant(standins: &Standins, client: &str, query: &str, form: &str) -> Answer {
    let url = format!("{}/oauth/token{query}", standins.zoom_url());
    let headers = [("authorization", &*basic(client)), ("content-type", "application/x-www-form-urlencoded")];
    ask("POST", &url, &headers, form).await
}

async fn token(standins: &Standins) -> String {
    let form = "grant_type=account_credentials&account_id=zoom-account";
    let granted = grant(standins, "zoom-client:zoom-client-secret", "", form).await;
    granted.json()["access_token"].as_str().unwrap().to_owned()
}

impl Account {
    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(method, &format!("{}/v2{path}", self.standins.zoom_url()), &headers, &body).await
    }

    async fn meeting(&self, body: Value) -> Value {
        let made = self.call("POST", "/users/me/meetings", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()
    }
}

/// Status, code and message of a refusal.
fn refusal(answer: &Answer) -> (u16, u64, String) {
    let body = answer.json();
    (answer.status, body["code"].as_u64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

fn refused(status: u16, code: u64, message: &str) -> (u16, u64, String) {
    (status, code, message.to_owned())
}

#[tokio::test]
async fn an_app_gets_a_token_for_its_own_account_with_its_own_secret() {
    let standins = standins().await;
    let (ours, grant_ours) =
        ("zoom-client:zoom-client-secret", "grant_type=account_credentials&account_id=zoom-account");
    let in_query = format!("?{grant_ours}");
    for (query, form) in [("", grant_ours), (&*in_query, "")] {
        let granted = grant(&standins, ours, query, form).await;
        assert_eq!(granted.status, 200);
        let granted = granted.json();
        assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("bearer"), &json!(3600)));
        assert!(granted["scope"].as_str().unwrap().contains("meeting:write:meeting:admin"));
    }
    for (client, form, reason, error) in [
        ("zoom-client:wrong", grant_ours, "Invalid client_id or client_secret", "invalid_client"),
        ("other:zoom-client-secret", grant_ours, "Invalid client_id or client_secret", "invalid_client"),
        (ours, "grant_type=client_credentials", "unsupported grant type", "unsupported_grant_type"),
        (ours, "account_id=zoom-account", "unsupported grant type", "unsupported_grant_type"),
        (ours, "grant_type=account_credentials&account_id=other", "Bad Request", "invalid_request"),
        (ours, "grant_type=account_credentials", "Bad Request", "invalid_request"),
    ] {
        let answer = grant(&standins, client, "", form).await;
        assert_eq!((answer.status, answer.json()), (400, json!({"reason": reason, "error": error})), "{client} {form}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_an_hour_and_for_its_scopes() {
    let mut account = account().await;
    assert_eq!(account.call("GET", "/users/me/meetings", Value::Null).await.status, 200);
    account.clock.advance(time::Duration::seconds(3599));
    assert_eq!(account.call("GET", "/users/me/meetings", Value::Null).await.status, 200);
    account.clock.advance(time::Duration::SECOND);
    let expired = account.call("GET", "/users/me/meetings", Value::Null).await;
    assert_eq!(refusal(&expired), refused(401, 124, "Access token is expired."));
    account.token = token(&account.standins).await;
    assert_eq!(account.call("GET", "/users/me/meetings", Value::Null).await.status, 200);
    account.standins.zoom().reconfigure(|settings| settings.scopes.retain(|scope| !scope.contains("list")));
    let missing = account.call("GET", "/users/me/meetings", Value::Null).await;
    let text = "Invalid access token, does not contain scopes:[meeting:read:list_meetings:admin].";
    assert_eq!(refusal(&missing), refused(400, 4711, text));
    account.standins.zoom().revoke_tokens();
    let revoked = account.call("GET", "/users/me/meetings", Value::Null).await;
    assert_eq!(refusal(&revoked), refused(401, 124, "Invalid access token."));
    let none = ask("GET", &format!("{}/v2/meetings/1", account.standins.zoom_url()), &[], "").await;
    assert_eq!(refusal(&none), refused(401, 124, "Invalid access token."));
}

#[tokio::test]
async fn a_meeting_is_made_held_ended_and_deleted() {
    let account = account().await;
    let made = account
        .meeting(json!({
            "topic": "Visit", "type": 2, "start_time": "2026-11-23T21:00:00Z", "duration": 30, "password": "abc-123",
            "settings": {"waiting_room": false, "join_before_host": true},
        }))
        .await;
    let id = made["id"].as_u64().unwrap();
    assert!(id > u64::from(u32::MAX), "it needs more than 32 bits");
    let seen = ["topic", "type", "start_time", "duration", "password", "status", "created_at", "timezone"];
    assert_eq!(
        seen.map(|name| made[name].clone()),
        [
            json!("Visit"),
            json!(2),
            json!("2026-11-23T21:00:00Z"),
            json!(30),
            json!("abc-123"),
            json!("waiting"),
            json!("2026-11-23T20:00:00Z"),
            json!("UTC"),
        ]
    );
    let settings = &made["settings"];
    assert_eq!((&settings["waiting_room"], &settings["join_before_host"]), (&json!(false), &json!(true)));
    assert_eq!(settings["approval_type"], 2, "nobody registers unless it was asked for");
    assert!(made["join_url"].as_str().unwrap().contains(&format!("/j/{id}?pwd=")));
    assert!(made["start_url"].as_str().unwrap().contains("zak=") && made["uuid"].is_string());
    let path = format!("/meetings/{id}");
    assert_eq!(account.call("GET", &path, Value::Null).await.json(), made);

    let zoom = account.standins.zoom();
    assert!(zoom.start(id));
    assert_eq!(account.call("GET", &path, Value::Null).await.json()["status"], "started");
    let running = account.call("DELETE", &path, Value::Null).await;
    assert_eq!(refusal(&running), refused(400, 3002, "Sorry, you cannot delete this meeting since it's in progress."));
    let status = format!("{path}/status");
    assert_eq!(account.call("PUT", &status, json!({"action": "stop"})).await.status, 400);
    assert_eq!(account.call("PUT", &status, json!({"action": "end"})).await.status, 204);
    assert!(!zoom.is_started(id));
    assert_eq!(account.call("DELETE", &path, Value::Null).await.status, 204);
    let gone = refused(404, 3001, &format!("Meeting does not exist: {id}."));
    for (method, path) in [("GET", &path), ("DELETE", &path), ("PUT", &status)] {
        assert_eq!(refusal(&account.call(method, path, json!({"action": "end"})).await), gone, "{method} {path}");
    }
    assert!(zoom.meetings().is_empty() && !zoom.start(id));
}

#[tokio::test]
async fn what_is_no_meeting_is_refused_with_the_field() {
    let account = account().await;
    for (body, field) in [
        (json!({"type": 5}), "type"),
        (json!({"type": "2"}), "type"),
        (json!({"topic": "x".repeat(201)}), "topic"),
        (json!({"agenda": "x".repeat(2001)}), "agenda"),
        (json!({"start_time": "tomorrow"}), "start_time"),
        (json!({"duration": -1}), "duration"),
        (json!({"password": "far too long a text"}), "password"),
        (json!({"password": "a b"}), "password"),
        (json!({"settings": {"approval_type": 3}}), "settings.approval_type"),
    ] {
        let answer = account.call("POST", "/users/me/meetings", body.clone()).await;
        assert_eq!(refusal(&answer), refused(400, 300, "Validation Failed."), "{body}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    let nobody = account.call("POST", "/users/nobody/meetings", json!({})).await;
    assert_eq!(refusal(&nobody), refused(404, 1001, "User does not exist: nobody."));
    let named = account.call("POST", "/users/visits@hospital.example/meetings", json!({})).await;
    assert_eq!(named.status, 201);
    assert_eq!(account.call("GET", "/nonsense", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_registrant_gets_an_address_of_their_own() {
    let account = account().await;
    let plain = account.meeting(json!({})).await;
    let register = async |meeting: &Value, body: Value| {
        account.call("POST", &format!("/meetings/{}/registrants", meeting["id"]), body).await
    };
    let person = |name: &str| json!({"first_name": name, "email": format!("{name}@visits.example")});
    let off = format!("Registration has not been enabled for this meeting: {}.", plain["id"]);
    assert_eq!(refusal(&register(&plain, person("p-1")).await), refused(404, 404, &off));
    // A recurring meeting without fixed times takes none, and does not say so when it is made.
    let endless = account.meeting(json!({"type": 3, "settings": {"approval_type": 0}})).await;
    assert_eq!(
        (&endless["settings"]["approval_type"], register(&endless, person("p-1")).await.status),
        (&json!(2), 404)
    );

    let open = account.meeting(json!({"topic": "Visit", "settings": {"approval_type": 0}})).await;
    assert!(open["registration_url"].is_string());
    let (one, two) = (register(&open, person("p-1")).await, register(&open, person("p-2")).await);
    assert_eq!((one.status, two.status), (201, 201));
    let (one, two) = (one.json(), two.json());
    assert_eq!((&one["id"], &one["topic"]), (&open["id"], &json!("Visit")));
    assert!(one["join_url"].is_string() && one["join_url"] != two["join_url"]);
    assert_eq!(register(&open, person("p-1")).await.json(), one, "who registers again is the same");
    for (body, field) in [
        (json!({"first_name": "p-3"}), "email"),
        (json!({"first_name": "p-3", "email": "p-3"}), "email"),
        (json!({"email": "p-3@visits.example"}), "first_name"),
    ] {
        assert_eq!(register(&open, body).await.json()["errors"][0]["field"], field);
    }
    // Three times a day; then not before midnight.
    assert_eq!(register(&open, person("p-1")).await.status, 201);
    assert_eq!(register(&open, person("p-1")).await.status, 429);
    assert_eq!(register(&open, person("p-2")).await.status, 201);

    let by_hand = account.meeting(json!({"settings": {"approval_type": 1}})).await;
    assert!(register(&by_hand, person("p-1")).await.json().get("join_url").is_none(), "somebody has to approve it");
    let mut approved = person("p-2");
    approved["auto_approve"] = json!(true);
    assert!(register(&by_hand, approved).await.json()["join_url"].is_string());
}

#[tokio::test]
async fn a_list_goes_on_with_its_token_for_a_quarter_of_an_hour() {
    let account = account().await;
    account.standins.zoom().reconfigure(|settings| settings.users.push("other@hospital.example".to_owned()));
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(
            account.meeting(json!({"start_time": "2026-11-24T08:00:00Z", "agenda": "x".repeat(300)})).await["id"]
                .clone(),
        );
    }
    account.call("POST", "/users/other@hospital.example/meetings", json!({})).await;
    let list = async |query: &str| account.call("GET", &format!("/users/me/meetings?{query}"), Value::Null).await;
    let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = list(&format!("type=scheduled&page_size=2&next_page_token={token}")).await.json();
        assert_eq!((&page["page_size"], &page["total_records"]), (&json!(2), &json!(5)));
        for meeting in page["meetings"].as_array().unwrap() {
            assert!(meeting.get("start_url").is_none() && meeting.get("password").is_none());
            assert_eq!(meeting["agenda"].as_str().unwrap().len(), 250, "it is cut");
            found.push(meeting["id"].clone());
        }
        pages += 1;
        token = page["next_page_token"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((found, pages), (ids.clone(), 3));
    account.standins.zoom().start(ids[0].as_u64().unwrap());
    assert_eq!(list("type=live").await.json()["total_records"], 1);
    assert_eq!(list("type=upcoming").await.json()["total_records"], 5);
    let token = list("page_size=1").await.json()["next_page_token"].as_str().unwrap().to_owned();
    account.clock.advance(time::Duration::minutes(15));
    for token in [&token, "nonsense"] {
        let answer = list(&format!("next_page_token={token}")).await;
        assert_eq!(refusal(&answer), refused(400, 300, "The next page token is invalid or expired."));
    }
    for size in ["0", "301", "many"] {
        assert_eq!(list(&format!("page_size={size}")).await.json()["errors"][0]["field"], "page_size");
    }
}

#[tokio::test]
async fn limits_are_told_with_the_headers_that_zoom_sends() {
    let account = account().await;
    let zoom = account.standins.zoom();
    let seen = |answer: &Answer| {
        ["retry-after", "x-ratelimit-category", "x-ratelimit-type", "x-ratelimit-remaining"]
            .map(|name| answer.header(name).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    zoom.limit(Some(Limit::PerSecond));
    let answer = account.call("POST", "/users/me/meetings", json!({})).await;
    let text = "You have reached the maximum per-second rate limit for this API. Try again later.";
    assert_eq!(refusal(&answer), refused(429, 429, text));
    assert_eq!(seen(&answer), [None, some("Medium"), some("QPS"), None]);

    zoom.limit(Some(Limit::Daily));
    let answer = account.call("GET", "/meetings/1", Value::Null).await;
    assert_eq!(answer.status, 429);
    assert_eq!(seen(&answer), [some("2026-11-24T00:00:00Z"), some("Light"), some("Daily-limit"), some("0")]);

    zoom.limit(Some(Limit::Meetings));
    let answer = account.call("POST", "/users/me/meetings", json!({})).await;
    assert!(refusal(&answer).2.contains("daily rate limit (100) of Meeting Create/Update"), "{}", answer.body);
    assert_eq!(seen(&answer), [None, some("Medium"), None, None]);
    assert_eq!(account.call("GET", "/users/me/meetings", Value::Null).await.status, 200, "only who makes meetings");
    zoom.limit(None);
    account.meeting(json!({})).await;
}

#[tokio::test]
async fn it_is_down_and_wrong_as_it_was_told_and_remembers_what_it_was_asked() {
    let account = account().await;
    for (mode, status) in [(Mode::DOWN, 503), (Mode::down_with(500), 500), (Mode::WRONG, 200), (Mode::UP, 404)] {
        account.standins.set_mode(Name::Zoom, mode);
        assert_eq!(account.call("GET", "/meetings/1", Value::Null).await.status, status, "{mode:?}");
    }
    let asked = account.standins.requests(Name::Zoom);
    assert_eq!((asked.len(), asked[1].path.as_str()), (5, "/zoom/v2/meetings/1"));
}
