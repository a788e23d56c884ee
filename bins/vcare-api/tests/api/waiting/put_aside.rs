//! Connections that are taken while a question is held open on them.

use super::Wire;
use crate::support::{Program, Visit};

/// Only commits of the same process are heard of, for as long as a test takes.
pub const NO_WATCHER: &str = "waiting.lines_ms = 0\nwaiting.watch_ms = 3600000";

pub fn question(token: &str, query: &str, headers: &str) -> String {
    format!(
        "GET /api/v1/virtual-care/sessions/join/status?{query} HTTP/1.1\r\nHost: care.example\r\n\
         Authorization: Bearer {token}\r\n{headers}\r\n"
    )
}

/// A program, and somebody who waits in it with their connection put aside.
async fn put_aside(settings: &str, headers: &str) -> (Program, Visit, String, Wire) {
    let app = Program::start(settings).await;
    let (visit, token) = app.waiting_visit().await;
    let mut wire = Wire::connect(&app.url("")).await;
    wire.send(&question(&token, "since=3", headers)).await;
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 1").await;
    (app, visit, token, wire)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_on_a_connection_that_was_put_aside_hears_the_news_and_goes_on_with_it() {
    let (app, visit, token, mut wire) =
        put_aside(NO_WATCHER, "X-Request-Id: 019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46\r\n").await;
    app.admit(&visit).await.expect(200);
    let answer = wire.answer().await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("\"version\":4"), "{answer}");
    // What the question said is still known, though nothing of it was kept but its bytes.
    assert!(answer.contains("x-request-id: 019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46"), "{answer}");
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 0").await;
    // The same connection serves the next question: held open too, answered too.
    wire.send(&question(&token, "since=4", "")).await;
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 1").await;
    app.end(&visit).await.expect(200);
    assert!(wire.answer().await.starts_with("http/1.1 409"));
    app.until_measured("vcare_waiting 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_a_gateway_shares_gives_nobody_the_answer_of_somebody_else() {
    let (app, visit, token, mut wire) = put_aside(NO_WATCHER, "").await;
    let (_, theirs) = app.waiting_visit().await;
    app.admit(&visit).await.expect(200);
    assert!(wire.answer().await.contains("direct_join"));
    // One after the other, as a gateway sends what comes from its many clients.
    assert!(wire.ask(&question(&theirs, "", "")).await.contains("waiting_room"));
    assert!(wire.ask(&question(&token, "since=0", "")).await.contains("direct_join"));
    assert!(wire.ask(&question(&theirs, "since=0", "")).await.contains("waiting_room"));
    assert!(wire.ask(&question("of nobody", "since=3", "")).await.starts_with("http/1.1 401"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_behind_a_question_that_waits_is_answered_after_it() {
    let (app, visit, token, mut wire) = put_aside(NO_WATCHER, "").await;
    let next = format!("{}{}", question("of nobody", "", ""), question(&token, "", ""));
    let (first, second) = next.split_at(next.len() / 3);
    wire.send(first).await;
    // More was said: the connection is served again, and the question waits as any other does.
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 0").await;
    app.until_somebody_waits().await;
    wire.send(second).await;
    app.admit(&visit).await.expect(200);
    let answers = [wire.answer().await, wire.answer().await, wire.answer().await];
    assert_eq!(answers.each_ref().map(|answer| &answer[9..12]), ["200", "401", "200"], "{answers:?}");
    assert!(wire.rest.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_sent_all_at_once_are_each_answered_once_and_in_order() {
    let app = Program::start(NO_WATCHER).await;
    let (visit, token) = app.waiting_visit().await;
    let mut wire = Wire::connect(&app.url("")).await;
    let all = [("since=3", ""), ("", ""), ("since=0", ""), ("since=4", "Connection: close\r\n")];
    wire.send(&all.map(|(query, headers)| question(&token, query, headers)).concat()).await;
    app.until_somebody_waits().await;
    app.admit(&visit).await.expect(200);
    for _ in 0..3 {
        assert!(wire.answer().await.contains("\"version\":4"));
    }
    app.until_somebody_waits().await;
    app.end(&visit).await.expect(200);
    assert!(wire.answer().await.starts_with("http/1.1 409"));
    assert_eq!(tokio::io::AsyncReadExt::read(&mut wire.stream, &mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_between_two_questions_is_put_aside_and_answers_whatever_comes_next() {
    const IDLE: &str = "vcare_connections_put_aside{state=\"idle\"}";
    let app = Program::start(NO_WATCHER).await;
    let (_, token) = app.waiting_visit().await;
    let mut wire = Wire::connect(&app.url("")).await;
    for _ in 0..2 {
        assert!(wire.ask(&question(&token, "", "")).await.contains("waiting_room"));
        app.until_measured(&format!("{IDLE} 1")).await;
    }
    let other = "POST /visit/probe HTTP/1.1\r\nHost: care.example\r\nContent-Type: application/octet-stream\r\n\
                 Content-Length: 4\r\n\r\n";
    wire.send(other).await;
    app.until_measured(&format!("{IDLE} 0")).await;
    assert!(wire.ask("body").await.starts_with("http/1.1 2"));
    assert!(wire.ask(&question(&token, "", "")).await.contains("waiting_room"));
    app.until_measured(&format!("{IDLE} 1")).await;
    drop(wire);
    app.until_measured(&format!("{IDLE} 0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_they_wait_leaves_their_seat() {
    let (app, _, _, wire) = put_aside(NO_WATCHER, "").await;
    drop(wire);
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 0").await;
    app.until_measured("vcare_waiting 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_put_aside_waits_all_the_same() {
    let app = Program::start("waiting.lines_ms = 0").await;
    let (visit, token) = app.waiting_visit().await;
    let padding = format!("X-Padding: {}\r\n", "p".repeat(5_000));
    let many: String = (0..70).map(|n| format!("X-Header-{n}: 1\r\n")).collect();
    for (headers, body) in [(&*padding, ""), (&many, ""), ("Content-Length: 4\r\n", "body")] {
        let version = app.read(&visit).await["version"].as_u64().unwrap();
        let mut wire = Wire::connect(&app.url("")).await;
        wire.send(&(question(&token, &format!("since={version}"), headers) + body)).await;
        app.until_somebody_waits().await;
        app.database.execute("UPDATE virtual_session SET version = version + 1", &[]).await.unwrap();
        let answer = wire.answer().await;
        assert!(answer.contains(&format!("\"version\":{}", version + 1)), "{answer}");
        app.until_measured("vcare_waiting 0").await;
    }
    assert!(!app.metrics().await.contains("state=\"waiting\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_put_aside_is_answered_when_its_time_is_up() {
    let app = Program::start("waiting.lines_ms = 0\nwaiting.longest_seconds = 1").await;
    let (_, token) = app.waiting_visit().await;
    let mut wire = Wire::connect(&app.url("")).await;
    for _ in 0..2 {
        let answer = wire.ask(&question(&token, "since=3", "")).await;
        assert!(answer.starts_with("http/1.1 204") && answer.contains("retry-after: 1"), "{answer}");
    }
    let metrics = app.metrics().await;
    // Each was one question, though each was read twice.
    assert!(metrics.contains("vcare_long_polls_total{outcome=\"nothing\"} 2"), "{metrics}");
    let asked = metrics.lines().find(|line| line.contains("requests_total") && line.contains("join/status"));
    assert!(asked.is_some_and(|line| line.ends_with(" 2")), "{asked:?}");
}

/// One who reads at a time, and a database that gives them nothing.
const ONE_READER: &str = "waiting.lines_ms = 0\nwaiting.watch_ms = 3600000\ndatabase.max_connections = 2";
const HOLD_THE_VISITS: &str = "BEGIN; LOCK TABLE virtual_session IN ACCESS EXCLUSIVE MODE";

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_at_once_are_read_in_turn_and_are_put_aside_until_then() {
    let app = Program::start(&format!("{ONE_READER}\nwaiting.polls_per_token = 5")).await;
    let (visit, token) = app.waiting_visit().await;
    let holder = app.database.client().await.unwrap();
    holder.batch_execute(HOLD_THE_VISITS).await.unwrap();
    let mut wires = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::connect(&app.url("")).await;
        wire.send(&question(&token, "since=3", "")).await;
        wires.push(wire);
    }
    app.until_measured("vcare_waiting 5").await;
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 4").await;
    holder.batch_execute("COMMIT").await.unwrap();
    app.until_measured("vcare_connections_put_aside{state=\"waiting\"} 5").await;
    app.admit(&visit).await.expect(200);
    for mut wire in wires {
        assert!(wire.answer().await.contains("direct_join"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_to_be_read_does_not_come_is_told_to_come_again() {
    let app = Program::start(&format!("{ONE_READER}\nwaiting.longest_seconds = 1")).await;
    let (_, token) = app.waiting_visit().await;
    let holder = app.database.client().await.unwrap();
    holder.batch_execute(HOLD_THE_VISITS).await.unwrap();
    let (mut first, mut second) = (Wire::connect(&app.url("")).await, Wire::connect(&app.url("")).await);
    first.send(&question(&token, "since=3", "")).await;
    app.until_measured("vcare_waiting 1").await;
    let answer = second.ask(&question(&token, "since=3", "")).await;
    let pause = answer.split("retry-after: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(answer.starts_with("http/1.1 204") && (5..=15).contains(&pause.parse().unwrap()), "{answer}");
    assert!(app.metrics().await.contains("vcare_long_polls_total{outcome=\"full\"} 1"));
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(first.answer().await.starts_with("http/1.1 204"));
}
