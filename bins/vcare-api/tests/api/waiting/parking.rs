//! Parking can be switched off, and whoever is no long poll sees nothing of it.

use super::Wire;
use super::put_aside::{NO_WATCHER, question};
use crate::support::Program;

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: care.example\r\nX-Request-Id: 01KA8Z0Q3CJ9XW2V5T7N4B6M8R\r\n\r\n";

/// The health as a probe sees it, without the date.
async fn health(wire: &mut Wire) -> String {
    let answer = wire.ask(HEALTH).await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("\"status\":\""), "{answer}");
    answer.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
}

/// What a probe sees of a program: alone, while somebody waits, on the connection of who waited, and behind a long poll.
async fn seen_by_a_probe(app: &Program) -> Vec<String> {
    app.until_measured("vcare_nats_connected 1").await;
    let (visit, token) = app.waiting_visit().await;
    let mut probe = Wire::connect(&app.url("")).await;
    let mut seen = vec![health(&mut probe).await];
    let mut wire = Wire::connect(&app.url("")).await;
    wire.send(&question(&token, "since=3", "")).await;
    app.until_somebody_waits().await;
    seen.push(health(&mut probe).await);
    app.admit(&visit).await.expect(200);
    assert!(wire.answer().await.contains("direct_join"));
    seen.push(health(&mut wire).await);
    wire.send(&(question(&token, "since=4", "") + HEALTH)).await;
    app.until_somebody_waits().await;
    app.end(&visit).await.expect(200);
    assert!(wire.answer().await.starts_with("http/1.1 409"));
    let behind = wire.answer().await;
    seen.push(behind.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n"));
    app.until_measured("vcare_waiting 0").await;
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn parking_can_be_switched_off_and_a_probe_sees_the_same_health_with_it_and_without() {
    let (with, without) = (
        Program::start(NO_WATCHER).await,
        Program::start(&format!("{NO_WATCHER}\nwaiting.park_connections = false")).await,
    );
    // Headers come in any order.
    let sorted = |answer: &String| {
        let mut lines: Vec<&str> = answer.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    let seen = [seen_by_a_probe(&with).await, seen_by_a_probe(&without).await]
        .map(|answers| answers.iter().map(sorted).collect::<Vec<_>>());
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].iter().all(|health| *health == seen[0][0]), "{:#?}", seen[0]);
    assert!(with.metrics().await.contains("vcare_connections_put_aside{state=\"waiting\"}"));
    assert!(!without.metrics().await.contains("vcare_connections_put_aside"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nobody_waits_is_not_parked() {
    let app = Program::start(NO_WATCHER).await;
    let mut wires = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::connect(&app.url("")).await;
        health(&mut wire).await;
        wires.push(wire);
    }
    let (_, token) = app.waiting_visit().await;
    let mut last = Wire::connect(&app.url("")).await;
    assert!(last.ask(&question(&token, "", "")).await.contains("waiting_room"));
    app.until_measured("vcare_connections_put_aside{state=\"idle\"} 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_they_wait_leaves_their_seat_without_parking_too() {
    let app = Program::start(&format!("{NO_WATCHER}\nwaiting.park_connections = false")).await;
    let (_, token) = app.waiting_visit().await;
    let mut wire = Wire::connect(&app.url("")).await;
    wire.send(&question(&token, "since=3", "")).await;
    app.until_somebody_waits().await;
    drop(wire);
    app.until_measured("vcare_waiting 0").await;
}
