//! The worker as a process: it finishes what it can, and what it cannot is taken up by another.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod clocks;
mod subscribers;
mod ward;

use std::time::{Duration, Instant};

use vcare_testkit::{Mode, Name, until};

use crate::ward::Ward;

const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";

#[tokio::test(flavor = "multi_thread")]
async fn due_work_is_done_once_and_its_charge_is_published() {
    let ward = Ward::start("").await;
    ward.ended_visits(3).await;
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    let _workers = [ward.worker().await, ward.worker().await];
    ward.until("SELECT NOT EXISTS (SELECT FROM retry_job)").await;
    ward.until("SELECT count(*) = 3 FROM virtual_session WHERE encounter_status = 'created'").await;
    assert_eq!(ward.standins.encounters().len(), 3);
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    assert_eq!(ward.published(CHARGEABLE).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_that_a_power_cut_took_out_of_the_stream_are_published_again() {
    let mut ward = Ward::start("").await;
    ward.ended_visits(1).await;
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    let worker = ward.worker().await;
    until("its charge is there", async || ward.published(CHARGEABLE).await == 1).await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    ward.keep_a_copy_of_the_stream().await;
    ward.end_visits(3).await;
    ward.until("SELECT count(*) = 4 FROM virtual_session WHERE encounter_status = 'created'").await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    until("the charges are there", async || ward.published(CHARGEABLE).await == 4).await;

    ward.power_cut_of_the_stream().await;
    until("they are there again", async || ward.published(CHARGEABLE).await == 4).await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    let (_, metrics) = ward.get(&worker, "/metrics").await;
    let put_back = metrics.lines().find_map(|line| line.strip_prefix("vcare_outbox_put_back_total ")).unwrap();
    assert!(put_back.parse::<u64>().unwrap() >= 3, "{put_back}");
    // Once each: the stream knows what it has by its id.
    assert_eq!(ward.published(CHARGEABLE).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_deleted_for_its_age_is_not_published_again_and_new_events_follow_in_order() {
    let ward = Ward::start("").await;
    ward.stream_of_age(Duration::from_secs(1)).await;
    let as_it_is = [("VCARE_NATS__MANAGE_STREAM", "false")];
    ward.ended_visits(2).await;
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    let mut first = ward.worker_with(&as_it_is).await;
    let charges = |count| format!("SELECT count(*) = {count} FROM kept_event WHERE subject = '{CHARGEABLE}'");
    ward.until(&charges(2)).await;
    until("they are too old for the stream", async || ward.published(CHARGEABLE).await == 0).await;
    first.stop().await;

    // It begins by asking the stream for what was acknowledged.
    let second = ward.worker_with(&as_it_is).await;
    ward.end_visits(2).await;
    ward.until(&charges(4)).await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    let (_, metrics) = ward.get(&second, "/metrics").await;
    let put_back = metrics.lines().find_map(|line| line.strip_prefix("vcare_outbox_put_back_total "));
    assert!(put_back.is_none_or(|count| count == "0"), "{put_back:?}");
    let in_order = "SELECT NOT EXISTS (SELECT FROM kept_event a JOIN kept_event b ON a.ordering_key = b.ordering_key
                     WHERE a.position < b.position AND a.stream_sequence >= b.stream_sequence)";
    ward.until(in_order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_it_finish_the_job_that_is_under_way() {
    let ward = Ward::start("").await;
    ward.ended_visits(1).await;
    ward.standins.clear_requests(Name::Fhir);
    ward.standins.set_mode(Name::Fhir, Mode::SLOW.after(Duration::from_secs(2)));
    let mut worker = ward.worker().await;
    ward.fhir_is_asked().await;
    worker.stop().await;
    assert!(worker.log_tail().contains("stopped"), "it went by itself: {}", worker.log_tail());
    ward.until("SELECT encounter_status = 'created' FROM virtual_session").await;
    ward.until("SELECT NOT EXISTS (SELECT FROM retry_job)").await;
    assert_eq!(ward.standins.encounters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_left_to_its_lease_and_done_once_all_the_same() {
    let ward = Ward::start("[worker]\nlisten = \"127.0.0.1:0\"\npoll_ms = 100\nshutdown_seconds = 1").await;
    ward.ended_visits(1).await;
    ward.standins.clear_requests(Name::Fhir);
    ward.standins.set_mode(Name::Fhir, Mode::SLOW.after(Duration::from_secs(4)));
    let mut worker = ward.worker().await;
    ward.fhir_is_asked().await;
    let asked = Instant::now();
    worker.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(4), "it waited for {:?}", asked.elapsed());
    assert!(worker.log_tail().contains("left to their leases"), "{}", worker.log_tail());
    ward.until("SELECT lease_token IS NOT NULL AND due_at > now() FROM retry_job").await;
    ward.is_settled_by_another_worker().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_job_is_done_once_by_another() {
    let ward = Ward::start("").await;
    ward.ended_visits(1).await;
    ward.standins.clear_requests(Name::Fhir);
    ward.standins.set_mode(Name::Fhir, Mode::SLOW.after(Duration::from_secs(1)));
    let mut worker = ward.worker().await;
    ward.fhir_is_asked().await;
    worker.kill();
    ward.is_settled_by_another_worker().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_gateway_is_down_the_job_waits_longer_each_time_and_nothing_is_dropped() {
    let ward = Ward::start("").await;
    ward.ended_visits(1).await;
    let worker = ward.worker().await;
    ward.until(
        "SELECT attempts = 2 AND lease_token IS NULL AND due_at > now() AND last_error = 'status' FROM retry_job",
    )
    .await;
    ward.run("UPDATE retry_job SET due_at = now()").await;
    ward.until("SELECT attempts = 3 AND lease_token IS NULL AND due_at > now() + interval '10 s' FROM retry_job").await;
    let metrics = ward.get(&worker, "/metrics").await;
    assert_eq!(metrics.0, 200);
    assert!(metrics.1.contains("vcare_encounter_attempts_total"), "{}", metrics.1);
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    ward.run("UPDATE retry_job SET due_at = now()").await;
    ward.until("SELECT encounter_status = 'created' FROM virtual_session").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_workers_one_notes_who_fell_silent_while_none_was_there() {
    let ward = Ward::start("").await;
    ward.silent_patient().await;
    let _workers = [ward.worker().await, ward.worker().await];
    ward.until("SELECT NOT promised FROM presence_lease").await;
    ward.until(r#"SELECT participants @> '[{"role": "patient", "status": "disconnected"}]' FROM virtual_session"#)
        .await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    assert_eq!(ward.published("virtual_care.session.participant.disconnected.v1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_come_late_give_lost_visits_up_once_each() {
    let ward = Ward::start("").await;
    ward.lost_visits(4).await;
    // A gateway that is dead is no matter of theirs.
    ward.standins.set_mode(Name::Fhir, Mode::DOWN);
    let _workers = [ward.worker().await, ward.worker().await];
    ward.until(
        "SELECT count(*) = 4 FROM virtual_session WHERE status = 'failed' AND failed_at > updated_at - interval '1 s'",
    )
    .await;
    // What is left ends each of them by itself, in a day.
    ward.until(
        "SELECT NOT EXISTS (SELECT FROM retry_job WHERE kind <> 'end_by_itself') AND NOT EXISTS (SELECT FROM outbox)",
    )
    .await;
    assert_eq!(ward.published("virtual_care.session.failed.v1").await, 4);
    ward.until(
        "SELECT bool_and((segments #>> '{0,to}')::timestamptz < failed_at - interval '1 minute') FROM virtual_session",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_at_zoom_is_closed() {
    let ward = Ward::start("").await;
    let (worker, shutdown) = ward.worker_after_a_crash_at_zoom().await;
    until("it is closed", async || ward.standins.zoom().meetings().is_empty()).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_how_it_is_and_answers_nothing_else() {
    let ward = Ward::start("").await;
    let worker = ward.worker().await;
    assert_eq!(ward.get(&worker, "/health/live").await, (200, "{\"status\":\"up\"}".to_owned()));
    let (status, health) = ward.get(&worker, "/health").await;
    assert!(status == 200 && health.contains("database"), "{status} {health}");
    for path in ["/", "/api/v1/virtual-care/sessions", "/openapi.json"] {
        assert_eq!(ward.get(&worker, path).await.0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_a_database_says_so_and_stops_soon() {
    let ward = Ward::start("").await;
    let mut worker = ward.worker_with(&[("VCARE_DATABASE__URL", "postgres://vcare:hunter2@127.0.0.1:1/nowhere")]).await;
    assert_eq!(ward.get(&worker, "/health/live").await.0, 200);
    assert_eq!(ward.get(&worker, "/health/ready").await.0, 503);
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let log = std::fs::read_to_string(worker.log_file()).unwrap();
    assert!(log.contains("stopped") && !log.contains("hunter2"), "{log}");
}
