//! The reservation that is asked for before a room begins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vcare_testkit::standins::jitsi::{Calls, Reservations, Settings};

use crate::rooms::{granted, hospitable, meet, patient};
use crate::support::standins;

fn failed(code: u16, text: &str) -> Option<(u16, String)> {
    Some((code, text.to_owned()))
}

#[tokio::test]
async fn what_the_reservation_service_answers_reaches_the_browser() {
    let invalid = || failed(500, "Invalid response from reservation server");
    let without = |name: &str| {
        let mut body: Value = serde_json::from_str(&granted(60, json!({}))).unwrap();
        body.as_object_mut().unwrap().remove(name);
        (200, body.to_string())
    };
    let table = [
        ((200, granted(60, json!({}))), None),
        ((201, granted(60, json!({}))), None),
        ((200, granted(60, json!({"name": "[ACME]Acme-K3J9x2qa", "id": 17, "duration": "60"}))), None),
        ((200, "nonsense".to_owned()), invalid()),
        ((200, granted(60, json!({"name": "another"}))), invalid()),
        ((200, granted(60, json!({"start_time": "tomorrow"}))), invalid()),
        ((200, granted(60, json!({"duration": "long"}))), invalid()),
        (without("id"), invalid()),
        (without("name"), invalid()),
        (without("mail_owner"), invalid()),
        (without("start_time"), invalid()),
        (without("duration"), invalid()),
        ((200, granted(-1, json!({}))), failed(419, "Reservation expired")),
        ((200, granted(0, json!({}))), None),
        (
            (403, json!({"message": "this visit starts at 14:00"}).to_string()),
            failed(403, "this visit starts at 14:00"),
        ),
        ((404, String::new()), failed(404, "Rejected by reservation server")),
        ((409, "{}".to_owned()), failed(409, "Invalid response from reservation server")),
        ((302, String::new()), failed(302, "Rejected by reservation server")),
        ((503, String::new()), failed(503, "Rejected by reservation server")),
    ];
    let answer = Arc::new(Mutex::new((204, String::new())));
    let told = Arc::clone(&answer);
    let meet = meet(move |asked| match asked.path.as_str() {
        "/internal/jitsi/conference" => told.lock().unwrap().clone(),
        _ => (204, String::new()),
    })
    .await;
    let jitsi = meet.standins.jitsi();
    for (reply, expected) in table {
        *answer.lock().unwrap() = reply.clone();
        let refusal = jitsi.join(&patient()).await.err();
        assert!(refusal.iter().all(|refusal| refusal.condition == "service-unavailable"), "{reply:?}");
        assert_eq!(refusal.map(|refusal| (refusal.reservation_error.unwrap(), refusal.text)), expected, "{reply:?}");
        // Later all of it is over and forgotten.
        meet.clock.advance(time::Duration::hours(1));
        jitsi.tick().await;
        meet.clock.advance(-time::Duration::hours(1));
    }
}

#[tokio::test]
async fn a_conflict_makes_prosody_fetch_what_is_there() {
    let meet = meet(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/internal/jitsi/conference") => (409, json!({"conflict_id": "vsn-1"}).to_string()),
        ("GET", "/internal/jitsi/conference/vsn-1") => (200, granted(60, json!({}))),
        _ => (204, String::new()),
    })
    .await;
    meet.standins.jitsi().join(&patient()).await.unwrap();
    assert_eq!(meet.server.asked()[1], "GET /internal/jitsi/conference/vsn-1");
}

#[tokio::test]
async fn a_failure_is_tried_again_and_a_time_out_is_not() {
    let tries = AtomicUsize::new(0);
    let meet = meet(move |asked| match asked.path.as_str() {
        "/internal/jitsi/conference" if tries.fetch_add(1, Ordering::SeqCst) < 2 => (502, String::new()),
        "/internal/jitsi/conference" => (200, granted(60, json!({}))),
        _ => (500, String::new()),
    })
    .await;
    let jitsi = meet.standins.jitsi();
    jitsi.join(&patient()).await.unwrap();
    assert_eq!(jitsi.calls()[0].answers, [502, 502, 200]);
    assert_eq!(jitsi.calls()[1].answers, [500; 4], "an event is given up after three retries");

    // Nobody listens at a port that was given back.
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // Somebody listens, and never answers.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let calls = Calls { timeout: Duration::from_millis(300), ..Calls::default() };
    for (address, text, tried) in [
        (dead, "Rejected by reservation server", vec![0; 4]),
        (mute.local_addr().unwrap(), "Reservation lookup timed out", vec![]),
    ] {
        let fresh = standins().await;
        let service = Reservations { calls, ..Reservations::at(format!("http://{address}"), "t") };
        let clock = meet.clock.clone();
        fresh.jitsi().configure(Settings { reservations: Some(service), clock, ..Settings::default() });
        assert_eq!(fresh.jitsi().join(&patient()).await.unwrap_err().text, text);
        assert_eq!(fresh.jitsi().calls()[0].answers, tried);
    }
}

#[tokio::test]
async fn a_refusal_is_remembered_for_half_a_minute() {
    let meet = meet(|_| (403, json!({"message": "too early"}).to_string())).await;
    let jitsi = meet.standins.jitsi();
    let asked_at = [(0, 1), (30, 1), (1, 2)];
    for (seconds, asked) in asked_at {
        meet.clock.advance(time::Duration::seconds(seconds));
        assert_eq!(jitsi.join(&patient()).await.unwrap_err().text, "too early");
        assert_eq!(meet.server.asked().len(), asked, "after {seconds} seconds more");
    }
}

#[tokio::test]
async fn a_room_ends_when_its_reservation_is_over() {
    let meet = hospitable().await;
    let jitsi = meet.standins.jitsi();
    let pat = jitsi.join(&patient()).await.unwrap();
    meet.clock.advance(time::Duration::seconds(1800));
    jitsi.tick().await;
    assert!(jitsi.is_present(&pat), "the last second is still within it");
    meet.clock.advance(time::Duration::seconds(1));
    jitsi.tick().await;
    assert!(!jitsi.is_present(&pat) && jitsi.rooms().is_empty());
    let asked = meet.server.asked();
    assert_eq!(asked[asked.len() - 2], "DELETE /internal/jitsi/conference/vsn-1");
}
