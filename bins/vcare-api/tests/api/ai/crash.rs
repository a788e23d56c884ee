//! Real processes that are killed: what was accepted is in the chart once, and what was not decided on is nowhere.

use std::time::Duration;

use serde_json::json;
use vcare_testkit::{Mode, Name};

use crate::support::Program;

const PATIENCE: Duration = Duration::from_secs(40);

async fn until(program: &Program, query: &str) {
    program.database.until(query, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_before_the_chart_answers_leaves_it_to_the_workers_which_write_once() {
    let mut program = Program::start("").await;
    let (visit, _) = program.active_visit().await;
    let draft = program.draft(&visit).await;
    program.standins.set_mode(Name::Chart, Mode::SLOW);
    let accepting = program.request(reqwest::Method::POST, &visit.path("/ai/accept-summary"));
    let accepting =
        accepting.bearer_auth(program.token("clinician")).json(&json!({"draftId": draft, "accepted": true}));
    let accepting = tokio::spawn(accepting.send());
    until(&program, "SELECT count(*) = 1 FROM ai_draft WHERE status = 'accepted'").await;
    program.process.kill();
    assert!(accepting.await.unwrap().is_err(), "the API was killed before it answered");
    program.standins.set_mode(Name::Chart, Mode::UP);
    let _workers = [program.worker().await, program.worker().await];
    until(&program, "SELECT delivery = 'done' AND sealed IS NULL FROM ai_draft").await;
    until(&program, "SELECT NOT EXISTS (SELECT FROM retry_job)").await;
    let notes = program.standins.notes();
    assert_eq!((notes.len(), notes[0]["sections"].as_array().unwrap().len()), (1, 1), "{notes:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_while_a_machine_writes_leaves_nothing() {
    let mut program = Program::start("").await;
    let (visit, _) = program.active_visit().await;
    program.standins.set_mode(Name::Ai, Mode::SLOW);
    let asking = program.request(reqwest::Method::POST, &visit.path("/ai/summary"));
    let asking = asking.bearer_auth(program.token("clinician")).json(&json!({"transcript": "The cough is better."}));
    let asking = tokio::spawn(asking.send());
    program.until_asked(Name::Ai).await;
    program.process.kill();
    assert!(asking.await.unwrap().is_err());
    assert_eq!(program.count("ai_draft").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_erases_what_nobody_decided_on() {
    let program = Program::start("").await;
    let (visit, _) = program.active_visit().await;
    program.draft(&visit).await;
    program.database.execute("UPDATE ai_draft SET expires_at = now()", &[]).await.unwrap();
    let _workers = [program.worker().await, program.worker().await];
    until(&program, "SELECT status = 'expired' AND sealed IS NULL FROM ai_draft").await;
}
