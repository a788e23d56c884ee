//! A question that is held open until there are news.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::TraceContext;
use vcare_app::sessions::Device;
use vcare_boot::SystemIds;
use vcare_domain::DeviceId;

use crate::support::{Answer, Program, TestApp};

/// Only commits of the same process are heard of, for as long as a test takes.
const NO_WATCHER: &str = "waiting.lines_ms = 0\nwaiting.watch_ms = 3600000";
const SHORT: &str = "waiting.lines_ms = 0\nwaiting.longest_seconds = 1";

/// Waits, and does something once the waiting has begun.
async fn waiting<T>(app: &TestApp, token: &str, query: &str, then: impl Future<Output = T>) -> (Answer, T) {
    let act = async {
        app.until_waited_for(1).await;
        then.await
    };
    tokio::join!(app.wait(token, query), act)
}

fn pause(answer: &Answer) -> u32 {
    assert_eq!((answer.status, answer.bytes.len()), (204, 0), "{}", answer.body);
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_who_waits_hears_at_once_that_they_were_let_in() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (visit, token) = app.waiting_visit().await;
    let (news, admitted) = waiting(&app, &token, "since=3&place=1", app.admit(&visit)).await;
    admitted.expect(200);
    assert_eq!(
        news.expect(200).body,
        json!({"destination": "direct_join", "participantStatus": "admitted", "sessionStatus": "active", "version": 4})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_the_newest_is_told_at_once() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    for query in ["since=0", "since=2", "since=3&place=2", "since=3&place=0", "since=4294967295&place=4294967295"] {
        let news = app.wait(&token, query).await.expect(200).body;
        assert_eq!((&news["version"], &news["placeInLine"]), (&json!(3), &json!(1)), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_another_process_is_heard_of() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    let elsewhere = app.database.execute("UPDATE virtual_session SET version = version + 1", &[]);
    let (news, changed) = waiting(&app, &token, "since=3", elsewhere).await;
    assert_eq!((changed.unwrap(), news.expect(200).body["version"].clone()), (1, json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_called_off_wakes_who_waits_and_is_409() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (visit, token) = app.waiting_visit().await;
    let (news, _) = waiting(&app, &token, "since=3", app.cancel(&visit, "snow")).await;
    assert_eq!(news.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_link_or_being_put_out_wakes_who_waits_and_is_401() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (visit, token) = app.waiting_visit().await;
    let (news, token) = waiting(&app, &token, "since=3", app.join_token(&visit)).await;
    news.refused(401, "TOKEN_INVALID");
    let (news, _) = waiting(&app, &token, "since=4", app.remove(&visit, &visit.patient, "wrong person")).await;
    news.refused(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moves_up_in_the_line_is_told() {
    let app = TestApp::start().await;
    let (first, _) = app.waiting_visit().await;
    app.clock.advance(Duration::MINUTE);
    let (_, token) = app.waiting_visit().await;
    let (news, _) = waiting(&app, &token, "since=3&place=2", app.admit(&first)).await;
    let news = news.expect(200).body;
    assert_eq!((&news["placeInLine"], &news["version"]), (&json!(1), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_wait_for_one_visit_both_hear() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (visit, token) = app.waiting_visit().await;
    let interpreter = app.interpreter(&visit).await;
    let theirs = app.join_token_of(&visit, &interpreter).await;
    app.join(&theirs).await.expect(200);
    let version = app.read(&visit).await["version"].as_u64().unwrap();
    let query = format!("since={version}");
    let both = async { tokio::join!(app.wait(&token, &query), app.wait(&theirs, &query)) };
    let act = async {
        // Whether both wait already or one comes late: neither misses it.
        app.until_waited_for(1).await;
        app.admit(&visit).await.expect(200);
    };
    let ((one, two), ()) = tokio::join!(both, act);
    assert_eq!(one.expect(200).body["participantStatus"], "admitted");
    assert_eq!(two.expect(200).body["participantStatus"], "waiting");
}

/// What a device that is not the one any more hears, without what is of the one request alone.
fn taken_over(answer: Answer) -> Value {
    let mut answer = answer.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    for own in ["requestId", "instance"] {
        answer.body[own].take();
    }
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_is_taken_over_hears_of_it_at_once_as_with_the_next_question() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, "phone-one", false).await.expect(200);
    let question = "since=3&place=1&deviceId=phone-one";
    let (held, joined) = waiting(&app, &token, question, app.join_on(&token, "phone-two", true)).await;
    joined.expect(200);
    assert_eq!(taken_over(held), taken_over(app.wait(&token, question).await));
    // And back; with the other one the first device's news.
    let question = "since=3&place=1&deviceId=phone-two";
    let (held, joined) = waiting(&app, &token, question, app.join_on(&token, "phone-one", true)).await;
    joined.expect(200);
    taken_over(held);
    let (held, admitted) = waiting(&app, &token, "since=3&deviceId=phone-one", app.admit(&visit)).await;
    admitted.expect(200);
    assert_eq!(held.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_takeover_by_way_of_another_process_is_heard_of() {
    let app = Program::start("waiting.lines_ms = 0").await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, "phone-one", false).await.expect(200);
    let elsewhere = async {
        app.until_somebody_waits().await;
        let two = Device { id: DeviceId::parse("phone-two").ok(), take_over: true };
        // The test composed a service of its own over the same database.
        app.app.join_by_token(&token, &two, TraceContext::begin(&SystemIds::default())).await.unwrap();
    };
    let (held, ()) = tokio::join!(app.wait(&token, "since=3&deviceId=phone-one"), elsewhere);
    taken_over(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_waits_on_undisturbed() {
    let app = TestApp::start_with(SHORT).await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, "phone-one", false).await.expect(200);
    app.join_on(&token, "phone-two", true).await.expect(200);
    let question = "since=3&place=1&deviceId=phone-two";
    // Saying so twice takes nothing from oneself.
    let (held, joined) = waiting(&app, &token, question, app.join_on(&token, "phone-two", true)).await;
    joined.expect(200);
    assert_eq!(pause(&held), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_news_the_answer_is_empty_and_says_when_to_ask_again() {
    let app = TestApp::start_with(SHORT).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        app.clock.advance(Duration::SECOND);
        tokens.push(app.waiting_visit().await.1);
    }
    let answers = futures_util::future::join_all(tokens.iter().map(|token| app.wait(token, "since=3"))).await;
    assert_eq!(answers.iter().map(pause).collect::<Vec<_>>(), [1, 1, 5, 10]);
    let names: Vec<&str> = answers[0].headers.keys().map(reqwest::header::HeaderName::as_str).collect();
    assert!(names.iter().all(|name| ["retry-after", "cache-control", "date"].contains(name)), "{names:?}");
    assert_eq!(answers[0].header("cache-control"), "no-store");
    // Waiting is a sign of life, and no change.
    assert_eq!(app.wait(&tokens[0], "since=2").await.expect(200).body["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_answers_who_waits_at_once() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    let (answer, ()) = waiting(&app, &token, "since=3", async { app.stop() }).await;
    assert!((1..=10).contains(&pause(&answer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_seat_is_told_the_news_and_else_to_come_again() {
    let app = TestApp::start_with("waiting.lines_ms = 0\nwaiting.seats = 1").await;
    let (visit, token) = app.waiting_visit().await;
    let second = async {
        let answer = app.wait(&token, "since=3").await;
        assert!((5..=15).contains(&pause(&answer)));
        app.wait(&token, "since=2").await.expect(200);
        app.admit(&visit).await.expect(200)
    };
    let (first, _) = waiting(&app, &token, "since=3", second).await;
    assert_eq!(first.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_refused_by_name() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    for name in ["since", "place"] {
        for bad in ["", "-1", "%2B1", "1.5", "x", "1e3", "0x10", "4294967296", "99999999999999999999999999", "null"] {
            app.wait(&token, &format!("{name}={bad}")).await.names_field(name);
        }
        app.wait(&token, &format!("{name}=1&{name}=2")).await.names_field(name);
    }
    app.wait(&token, "since=1&sincee=2").await.names_field("sincee");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_somebody_waits_is_no_measure_of_how_fast_we_are() {
    let app = Program::start("waiting.longest_seconds = 1").await;
    let (_, token) = app.waiting_visit().await;
    pause(&app.wait(&token, "since=3").await);
    let metrics = app.metrics().await;
    assert!(metrics.contains("vcare_long_polls_total{outcome=\"nothing\"} 1"), "{metrics}");
    assert!(metrics.lines().any(|line| line == "vcare_waiting 0"), "{metrics}");
    let slow = metrics.lines().find(|line| line.contains("duration_seconds") && line.contains("join/status"));
    assert_eq!(slow, None);
    // A line a minute and person would be the whole log.
    let log = std::fs::read_to_string(app.process.log_file()).unwrap();
    assert!(!log.contains("join/status"), "{log}");
    assert_eq!(app.wait(&token, "").await.expect(200).body["placeInLine"], json!(1));
    let _: Value = app.join_status(&token).await.expect(200).body;
}
