//! Who may ask and tell inside: a tenant's own Jitsi about that tenant's rooms, a shared one about those that it was given.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use time::Duration;
use vcare_app::ports::KeyPurpose;

use super::room;
use crate::described::operations;
use crate::support::{Answer, OTHER_TENANT, TENANT, TestApp, Visit, occupant, reservation, scope};

/// Every request of a Jitsi server about one visit, by what it would change or show.
async fn requests(app: &TestApp, visit: &Visit) -> Vec<(&'static str, RequestBuilder)> {
    let (room, now) = (room(app, visit).await, app.now().unix_timestamp());
    let request = |path: &str, body: Value| app.request(Method::POST, &format!("//internal/{path}")).json(&body);
    let seen = |what: &str| {
        request(&format!("jitsi/events/occupant/{what}"), occupant(what, &room, &visit.patient, "phone", now))
    };
    let jid = format!("{room}@muc.meet.jitsi/tablet");
    let everybody = json!([{"occupant_jid": jid, "id": visit.patient, "joined_at": now - 60}]);
    let destroyed = json!({"room_name": room, "destroyed_at": now, "all_occupants": everybody});
    let file = json!({"name": "a.mp4", "size": 1, "sha256": "0".repeat(64)});
    let conference = format!("//internal/jitsi/conference/{}.{TENANT}", visit.id);
    vec![
        ("reserveConference", reservation(app, &room)),
        ("getConference", app.request(Method::GET, &conference)),
        ("closeConference", app.request(Method::DELETE, &conference)),
        ("reportOccupantJoined", seen("joined")),
        ("reportOccupantLeft", seen("left")),
        ("reportRoomCreated", request("jitsi/events/room/created", json!({"room_name": room}))),
        ("reportRoomDestroyed", request("jitsi/events/room/destroyed", destroyed)),
        ("reportRecording", request("jibri/recordings", json!({"room": room, "files": [file]}))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_inside_is_tried_here() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let mut inside: Vec<String> = operations().into_iter().filter(|one| one.internal).map(|one| one.id).collect();
    let mut tried: Vec<&str> = requests(&app, &visit).await.into_iter().map(|(id, _)| id).collect();
    inside.sort_unstable();
    tried.sort_unstable();
    assert_eq!(inside, tried);
}

/// What that token is answered on every route inside.
async fn answers(app: &TestApp, visit: &Visit, token: &str) -> Vec<(&'static str, Answer)> {
    let mut answers = Vec::new();
    for (id, request) in requests(app, visit).await {
        answers.push((id, app.send(request.bearer_auth(token)).await));
    }
    answers
}

async fn all_refused(app: &TestApp, visit: &Visit, token: &str) {
    for (id, answer) in answers(app, visit, token).await {
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("UNAUTHORIZED")), "{id}: {token}");
    }
}

async fn all_answered(app: &TestApp, visit: &Visit, token: &str) {
    for (id, answer) in answers(app, visit, token).await {
        assert!([200, 204].contains(&answer.status), "{id}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_inside_is_answered_without_a_token_of_a_tenants_jitsi() {
    let app = TestApp::start().await;
    let (visit, join_token) = app.active_visit().await;
    let before = app.read(&visit).await;
    for (id, request) in requests(&app, &visit).await {
        let answer = app.send(request).await;
        assert_eq!(answer.status, 401, "{id}");
    }
    let good = app.internal_token(TENANT, 1).await;
    let (body, mac) = good.rsplit_once('.').unwrap();
    let other_first = if mac.starts_with('A') { "B" } else { "A" };
    for junk in [
        app.token("platform_admin"),
        join_token,
        "x".repeat(40),
        "vci_".to_owned(),
        format!("vci_{TENANT}"),
        format!("vci_{TENANT}.1"),
        format!("{body}."),
        format!("{body}.{other_first}{}", &mac[1..]),
        format!("{body}.{}", &mac[..42]),
        format!("{good}A"),
        format!("{good}="),
        format!("vci_.1.{mac}"),
        format!("vci_{TENANT}.0.{mac}"),
        format!("vci_{TENANT}.01.{mac}"),
        format!("vci_{TENANT}.-1.{mac}"),
        format!("vci_{TENANT}.99999999999.{mac}"),
        format!("vci_{OTHER_TENANT}.1.{mac}"),
        format!("vci_hosp-nowhere.1.{mac}"),
        good.to_uppercase(),
        good.trim_start_matches("vci_").to_owned(),
        app.internal_token("hosp-nowhere", 1).await,
    ] {
        all_refused(&app, &visit, &junk).await;
    }
    assert_eq!(app.read(&visit).await, before);
    // An empty token, and two of them.
    for headers in [vec![""], vec!["Bearer"], vec!["Bearer "], vec![good.as_str()], vec!["Bearer x", "Bearer y"]] {
        let request = headers
            .iter()
            .fold(reservation(&app, "kabul-abcdefgh"), |request, value| request.header("Authorization", *value));
        app.send(request).await.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_jitsi_asks_and_tells_about_its_rooms() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    all_answered(&app, &visit, &app.internal_token(TENANT, 1).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_jitsi_is_answered_as_if_there_were_no_such_room_and_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let before = (app.read(&visit).await, app.events().await.len());
    let token = app.internal_token(OTHER_TENANT, 1).await;
    let mut nobodys = visit.clone();
    nobodys.id = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R".to_owned();
    let room = room(&app, &visit).await;
    for (id, answer) in answers(&app, &visit, &token).await {
        match id {
            "reserveConference" => {
                let expected = json!({"message": "This link does not lead to a visit."});
                assert_eq!((answer.status, &answer.body), (403, &expected));
                let unknown = app.send(reservation(&app, "kabul-nosuchrm").bearer_auth(&token)).await;
                assert_eq!((unknown.status, &unknown.body), (403, &expected), "the same");
            }
            "getConference" | "closeConference" => {
                let expected = json!({"message": "there is no such conference"});
                assert_eq!((answer.status, &answer.body), (404, &expected), "{id}");
            }
            // Nothing follows from it, whose room it ever is.
            "reportRoomCreated" => assert_eq!(answer.status, 204),
            _ => {
                let mut answer = answer.refused(404, "SESSION_NOT_FOUND").body;
                assert!(!answer.to_string().contains(TENANT) && !answer.to_string().contains(&room), "{answer}");
                for of_the_request in ["requestId", "instance"] {
                    answer[of_the_request].take();
                }
                let unknown = json!({"room": "kabul-nosuchrm", "files": []});
                let unknown = app.tell_as(&token, "//internal/jibri/recordings", &unknown).await;
                let mut unknown = unknown.refused(404, "SESSION_NOT_FOUND").body;
                for of_the_request in ["requestId", "instance"] {
                    unknown[of_the_request].take();
                }
                assert_eq!(answer, unknown, "{id}");
            }
        }
    }
    assert_eq!((app.read(&visit).await, app.events().await.len()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_jitsi_acts_for_the_tenants_that_it_was_given_and_for_no_other() {
    let of_both = "shared-by-kabul-and-herat-0123456789";
    let of_herat = "shared-by-herat-and-ghazni-0123456789";
    let app = TestApp::start_with(&format!(
        "internal.shared_servers = [
             {{ token = \"{of_both}\", tenants = [\"{OTHER_TENANT}\", \"{TENANT}\"] }},
             {{ token = \"{of_herat}\", tenants = [\"{OTHER_TENANT}\", \"hosp-ghazni\"] }},
         ]"
    ))
    .await;
    let (visit, _) = app.active_visit().await;
    let before = app.read(&visit).await;
    for (id, answer) in answers(&app, &visit, of_herat).await {
        assert!([403, 404].contains(&answer.status) || id == "reportRoomCreated", "{id}: {}", answer.body);
    }
    assert_eq!(app.read(&visit).await, before);
    all_answered(&app, &visit, of_both).await;
    all_refused(&app, &visit, "shared-by-kabul-and-herat-012345678").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_no_shared_server_only_the_tenants_own_tokens_are_taken() {
    let app = TestApp::start_with("internal.shared_servers = []").await;
    let (visit, _) = app.active_visit().await;
    all_refused(&app, &visit, crate::support::INTERNAL_TOKEN).await;
    all_answered(&app, &visit, &app.internal_token(TENANT, 1).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_tokens_are_taken_until_the_older_one_is_retired() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (first, second) = (app.internal_token(TENANT, 1).await, app.internal_token(TENANT, 2).await);
    assert_ne!(first, second);
    all_refused(&app, &visit, &second).await;
    app.app.rotate_key(&scope(TENANT), KeyPurpose::InternalToken).await.unwrap();
    all_answered(&app, &visit, &first).await;
    all_answered(&app, &visit, &second).await;
    // A token of one version does not pass as another.
    let (_, mac) = first.rsplit_once('.').unwrap();
    all_refused(&app, &visit, &format!("vci_{TENANT}.2.{mac}")).await;
    all_refused(&app, &visit, &app.internal_token(TENANT, 3).await).await;
    app.app.retire_key(&scope(TENANT), KeyPurpose::InternalToken).await.unwrap();
    all_refused(&app, &visit, &first).await;
    all_answered(&app, &visit, &second).await;
    // Its other keys went on as they were.
    app.join_token(&visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_token_cannot_be_checked_the_answer_is_503() {
    let app = TestApp::start_with("database.connection_timeout_ms = 3000").await;
    let (visit, _) = app.active_visit().await;
    let token = app.internal_token(TENANT, 1).await;
    // Nothing of this needs the database but the token itself, of which nothing is remembered any more after that.
    let created =
        async || app.tell_as(&token, "//internal/jitsi/events/room/created", &json!({"room_name": "x"})).await;
    created().await.expect(204);
    let reserved = reservation(&app, &room(&app, &visit).await).bearer_auth(&token);
    app.lose_the_database().await;
    created().await.expect(204);
    app.clock.advance(Duration::seconds(30));
    created().await.refused(503, "SERVICE_UNAVAILABLE");
    app.send(reserved).await.refused(503, "SERVICE_UNAVAILABLE");
    // What is no token of ours needs no answer from anybody.
    app.send(reservation(&app, "kabul-abcdefgh").bearer_auth("x".repeat(40))).await.refused(401, "UNAUTHORIZED");
}
