//! Rooms that begin and end: the reservation that is asked, the events that are told, and ending a room from outside.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use vcare_testkit::standins::jitsi::{Address, EventSync, JicofoHealth, Occupant, Reservations, Settings};
use vcare_testkit::{HandClock, Mode, Name, Standins, until};

use crate::support::server::{Received, Server};
use crate::support::{ask, get, standins};
use crate::{NOW, token};

/// An address with a token for it.
fn url(changes: Value) -> String {
    format!("https://meet.example/acme/acme-k3j9x2qa#jwt=%22{}%22", token(changes))
}

pub fn patient() -> String {
    url(json!({"context": {"user": {"id": "pat-1", "moderator": false}, "features": {"recording": false}}}))
}

pub fn granted(duration: i64, more: Value) -> String {
    let start = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    let start = start.format(&time::format_description::well_known::Rfc3339).unwrap();
    let mut body = json!({
        "id": "vsn-1", "name": "[acme]acme-k3j9x2qa", "mail_owner": "x@y", "start_time": start, "duration": duration,
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

/// A Jitsi that asks and tells that server.
pub struct Meet {
    pub standins: Standins,
    pub clock: Arc<HandClock>,
    pub server: Server,
}

pub async fn meet(answer: impl Fn(&Received) -> (u16, String) + Send + Sync + 'static) -> Meet {
    let (standins, server) = (standins().await, Server::start(answer).await);
    let clock = HandClock::at(OffsetDateTime::from_unix_timestamp(NOW).unwrap());
    standins.jitsi().configure(Settings {
        reservations: Some(Reservations::at(format!("{}/internal/jitsi", server.url), "service-token")),
        event_sync: Some(EventSync::at(format!("{}/internal/jitsi", server.url), "service-token")),
        clock: clock.clone(),
        ..Settings::default()
    });
    Meet { standins, clock, server }
}

/// Grants every reservation, and takes every event.
pub async fn hospitable() -> Meet {
    meet(|asked| match asked.path.as_str() {
        "/internal/jitsi/conference" => (200, granted(1800, json!({}))),
        _ => (204, String::new()),
    })
    .await
}

#[tokio::test]
async fn the_first_one_in_makes_prosody_ask_and_the_last_one_out_makes_it_say_so() {
    let meet = hospitable().await;
    let jitsi = meet.standins.jitsi();
    let dr = jitsi.join(&url(json!({}))).await.unwrap();
    assert!(dr.moderator && dr.may("recording") && !dr.may("transcription"));
    let pat = jitsi.join(&patient()).await.unwrap();
    assert!(!pat.moderator && !pat.may("recording"));
    assert_eq!(jitsi.rooms(), ["[acme]acme-k3j9x2qa"]);
    assert!(jitsi.leave(&dr).await && jitsi.is_present(&pat));
    assert!(!jitsi.leave(&dr).await, "who left is gone");
    assert!(jitsi.leave(&pat).await && jitsi.rooms().is_empty());
    assert_eq!(
        meet.server.asked(),
        [
            "POST /internal/jitsi/conference",
            "POST /internal/jitsi/events/room/created",
            "POST /internal/jitsi/events/occupant/joined",
            "POST /internal/jitsi/events/occupant/joined",
            "POST /internal/jitsi/events/occupant/left",
            "POST /internal/jitsi/events/occupant/left",
            "DELETE /internal/jitsi/conference/vsn-1",
            "POST /internal/jitsi/events/room/destroyed",
        ]
    );
    let received = meet.server.received();
    assert!(received.iter().all(|one| one.header("authorization") == Some("Bearer service-token")));
    let asked = &received[0];
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let owner = dr.jid.split_once('@').unwrap().0;
    assert_eq!(
        asked.body,
        format!("name=%5bacme%5dacme-k3j9x2qa&start_time=2026-11-23T20%3a00%3a00.000Z&mail_owner={owner}%40meet.jitsi")
    );
}

#[tokio::test]
async fn events_say_who_came_and_went_and_nothing_that_the_token_did_not() {
    let meet = hospitable().await;
    let jitsi = meet.standins.jitsi();
    let dr = jitsi.join(&url(json!({}))).await.unwrap();
    let pat = jitsi.join(&patient()).await.unwrap();
    meet.clock.advance(time::Duration::minutes(5));
    jitsi.leave(&pat).await;
    jitsi.leave(&dr).await;
    let bodies: Vec<Value> =
        meet.server.received().iter().filter(|one| one.path.contains("/events/")).map(Received::json).collect();
    let room = |mut body: Value| {
        body["is_breakout"] = json!(false);
        body["room_jid"] = json!("[acme]acme-k3j9x2qa@muc.meet.jitsi");
        body["room_name"] = json!("[acme]acme-k3j9x2qa");
        body
    };
    let (here, gone) = (NOW, NOW + 300);
    let mut dr = json!({"occupant_jid": dr.jid, "name": "Dr Nine", "id": "dr-9", "joined_at": here});
    let mut pat = json!({"occupant_jid": pat.jid, "id": "pat-1", "joined_at": here});
    assert_eq!(bodies[0], room(json!({"event_name": "muc-room-created", "created_at": here})));
    let event = |name: &str, occupant: &Value, count: u64| {
        room(json!({"event_name": name, "occupant": occupant, "active_occupants_count": count}))
    };
    assert_eq!(bodies[1], event("muc-occupant-joined", &dr, 1));
    assert_eq!(bodies[2], event("muc-occupant-joined", &pat, 2));
    dr["left_at"] = json!(gone);
    pat["left_at"] = json!(gone);
    assert_eq!(bodies[3], event("muc-occupant-left", &pat, 1));
    assert_eq!(bodies[4], event("muc-occupant-left", &dr, 0));
    let destroyed = json!({
        "event_name": "muc-room-destroyed", "created_at": here, "destroyed_at": gone, "all_occupants": [dr, pat],
    });
    assert_eq!(bodies[5], room(destroyed));
}

#[tokio::test]
async fn a_room_is_full_at_the_smaller_limit_if_the_server_has_one_itself() {
    for (limit, reserved, fits) in
        [(Some(20), Some(1), 1), (Some(2), None, 2), (None, Some(1), 3), (Some(0), Some(1), 3)]
    {
        let more = reserved.map_or(json!({}), |max| json!({"max_occupants": max}));
        let meet = meet(move |_| (200, granted(60, more.clone()))).await;
        let jitsi = meet.standins.jitsi();
        jitsi.reconfigure(|settings| settings.max_participants = limit);
        for number in 1..=3 {
            let joined = jitsi.join(&patient()).await.map_err(|refusal| (refusal.condition, refusal.reservation_error));
            let expected = if number <= fits { Ok(()) } else { Err(("service-unavailable", None)) };
            assert_eq!(joined.map(|_| ()), expected, "{limit:?} {reserved:?}: number {number}");
        }
    }
}

#[tokio::test]
async fn who_moderates_depends_on_how_jitsi_is_set_up() {
    let meet = hospitable().await;
    let jitsi = meet.standins.jitsi();
    // Whether affiliations come by token, whether the first one in owns the room; then: patient, clinician after them.
    for (by_token, auto_owner, moderate) in [
        (true, false, [false, true]),
        (false, false, [false, false]),
        (true, true, [true, true]),
        (false, true, [true, false]),
    ] {
        jitsi.reconfigure(|settings| (settings.token_affiliation, settings.auto_owner) = (by_token, auto_owner));
        let pat = jitsi.join(&patient()).await.unwrap();
        let dr = jitsi.join(&url(json!({}))).await.unwrap();
        assert_eq!([pat.moderator, dr.moderator], moderate, "{by_token} {auto_owner}");
        for occupant in [pat, dr] {
            jitsi.leave(&occupant).await;
        }
    }
    let all = url(json!({"context": {"user": {"moderator": "true"}}}));
    let all = jitsi.join(&all).await.unwrap();
    assert!(all.may("livestreaming") == all.moderator, "without features a moderator may everything");
}

#[tokio::test]
async fn a_token_for_another_room_is_refused_after_the_reservation_was_asked() {
    let meet = hospitable().await;
    let refused = meet.standins.jitsi().join(&url(json!({"room": "acme-other"}))).await.unwrap_err();
    assert_eq!(refused.condition, "room-mismatch");
    let asked = meet.server.asked();
    assert_eq!(asked[0], "POST /internal/jitsi/conference");
    assert!(asked.contains(&"DELETE /internal/jitsi/conference/vsn-1".to_owned()));
    assert!(!asked.iter().any(|one| one.contains("occupant")));
}

#[tokio::test]
async fn events_that_were_kept_back_can_be_sent_twice_and_in_another_order() {
    let meet = hospitable().await;
    let jitsi = meet.standins.jitsi();
    jitsi.hold_events(true);
    let pat = jitsi.join(&patient()).await.unwrap();
    jitsi.leave(&pat).await;
    jitsi.hold_events(false);
    assert!(!meet.server.asked().iter().any(|one| one.contains("events")));
    let events = jitsi.held_events();
    let names: Vec<&str> = events.iter().map(|event| event.path).collect();
    assert_eq!(
        names,
        ["/events/room/created", "/events/occupant/joined", "/events/occupant/left", "/events/room/destroyed"]
    );
    for event in [&events[2], &events[1], &events[1]] {
        assert_eq!(jitsi.deliver(event).await, 204);
    }
    let sent = meet.server.received();
    let sent: Vec<Value> = sent[sent.len() - 3..].iter().map(Received::json).collect();
    assert_eq!(sent, [events[2].body.clone(), events[1].body.clone(), events[1].body.clone()]);
}

async fn end(standins: &Standins, query: &str, authorization: Option<&str>) -> u16 {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    ask("POST", &format!("{}/end-meeting{query}", standins.prosody_url()), &headers, "").await.status
}

#[tokio::test]
async fn a_room_is_ended_from_outside_with_any_token_of_the_host() {
    let meet = hospitable().await;
    let (standins, jitsi) = (&meet.standins, meet.standins.jitsi());
    let bearer = format!("Bearer {}", token(json!({"room": "whatever", "sub": "whatever"})));
    let room = "?conference=acme-k3j9x2qa@muc.acme.meet.jitsi";
    assert_eq!(end(standins, room, Some(&bearer)).await, 404);
    let pat: Occupant = jitsi.join(&patient()).await.unwrap();
    for (query, authorization, status) in [
        ("", Some(bearer.as_str()), 400),
        ("?conference=", None, 400),
        (room, None, 401),
        (room, Some(&bearer[7..]), 401),
        (room, Some("Bearer e30.e30.e30"), 401),
        ("?conference=acme-k3j9x2qa@muc.meet.jitsi", Some(bearer.as_str()), 404),
        ("?conference=acme-k3j9x2qa@muc.other.meet.jitsi", Some(bearer.as_str()), 404),
        ("?conference=acme-k3j9x2qa@muc.acme.meet.example", Some(bearer.as_str()), 404),
        ("?conference=nonsense", Some(bearer.as_str()), 404),
    ] {
        assert_eq!(end(standins, query, authorization).await, status, "{query} {authorization:?}");
    }
    let size = format!("{}/room-size?room=acme-k3j9x2qa&domain=meet.jitsi&subdomain=acme", standins.prosody_url());
    assert_eq!(get(&size).await.json(), json!({"participants": 1}));
    assert!(jitsi.is_present(&pat));
    assert_eq!(end(standins, room, Some(&bearer)).await, 200);
    assert!(!jitsi.is_present(&pat));
    assert_eq!(get(&size).await.status, 404);
    until("it is told that the room is gone", async || {
        meet.server.asked().last().is_some_and(|last| last.ends_with("/room/destroyed"))
    })
    .await;
    let asked = meet.server.asked();
    assert!(asked.contains(&"DELETE /internal/jitsi/conference/vsn-1".to_owned()));
    assert!(asked.contains(&"POST /internal/jitsi/events/occupant/left".to_owned()));
}

#[tokio::test]
async fn with_a_secret_for_each_tenant_a_room_is_still_ended_with_the_hosts() {
    let meet = hospitable().await;
    let tenants = [("acme".to_owned(), "acme-secret-acme-secret-acme-sec".to_owned())];
    meet.standins.jitsi().reconfigure(|settings| settings.tenant_secrets = Some(tenants.into()));
    let address = Address::new(Some("acme"), "acme-k3j9x2qa", None);
    meet.standins.jitsi().open(&address);
    let bearer = format!("Bearer {}", token(json!({})));
    assert_eq!(end(&meet.standins, "?conference=acme-k3j9x2qa@muc.acme.meet.jitsi", Some(&bearer)).await, 200);
    assert!(!meet.standins.jitsi().is_open(&address));
}

#[tokio::test]
async fn jicofo_says_how_it_is_or_that_it_does_not_look() {
    let standins = standins().await;
    let url = format!("{}/about/health", standins.jicofo_url());
    for (health, status, text) in [
        (JicofoHealth::Ok, 200, ""),
        (JicofoHealth::Hard, 500, "Internal error"),
        (JicofoHealth::Soft, 503, "No operational bridges available"),
        (JicofoHealth::NotEnabled, 404, ""),
    ] {
        standins.jitsi().reconfigure(|settings| settings.jicofo = health);
        let answer = get(&url).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, text), "{health:?}");
    }
    standins.set_mode(Name::Jicofo, Mode::DOWN);
    assert_eq!(get(&url).await.status, 503);
    standins.set_mode(Name::Prosody, Mode::down_with(502));
    assert_eq!(end(&standins, "?conference=a@muc.meet.jitsi", None).await, 502);
}
