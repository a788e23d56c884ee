//! Workers on machines whose clocks are wrong.

use vcare_testkit::{FakeTime, Mode, Name, ServiceProcess, until};

use crate::ward::Ward;

/// How far the worker says that its clock is ahead.
async fn shown_difference(ward: &Ward, worker: &ServiceProcess) -> f64 {
    let (_, metrics) = ward.get(worker, "/metrics").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("vcare_clock_difference_seconds "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_wrong_says_so_and_does_nothing_until_it_is_right() {
    let ward = Ward::start("").await;
    ward.ended_visits(1).await;
    ward.lost_visits(1).await;
    ward.standins.clear_requests(Name::Fhir);
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    let time = FakeTime::new().unwrap();
    for (seconds, how) in [(600, " s ahead of"), (-600, " s behind"), (86_400, " s ahead of")] {
        time.step(seconds).unwrap();
        let mut worker = ward.worker_at(&time).await;
        let (status, health) = ward.get(&worker, "/health/ready").await;
        assert!(status == 503 && health.contains(how), "{status} {health}");
        assert!((shown_difference(&ward, &worker).await - seconds as f64).abs() < 1.0);
        // By then it would have looked for due jobs ten times.
        until("it logs that the clocks differ", async || worker.log_tail().contains("clock and the database's differ"))
            .await;
        worker.stop().await;
    }
    assert!(ward.standins.requests(Name::Fhir).is_empty(), "an Encounter was posted");
    ward.until("SELECT bool_and(attempts <= 1 AND lease_token IS NULL) FROM retry_job").await;
    ward.until("SELECT NOT EXISTS (SELECT FROM virtual_session WHERE status = 'failed')").await;

    let worker = ward.worker_at(&time).await;
    time.step(0).unwrap();
    until("it is ready", async || ward.get(&worker, "/health/ready").await.0 == 200).await;
    ward.until("SELECT count(*) = 1 FROM virtual_session WHERE encounter_status = 'created'").await;
    ward.until("SELECT count(*) = 1 FROM virtual_session WHERE status = 'failed'").await;
    assert_eq!(ward.standins.encounters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_set_while_it_works_stops_and_goes_on_when_it_is_set_right() {
    let ward = Ward::start("").await;
    let time = FakeTime::new().unwrap();
    let worker = ward.worker_at(&time).await;
    assert_eq!(ward.get(&worker, "/health/ready").await.0, 200);
    time.step(86_400).unwrap();
    until("it is not ready", async || ward.get(&worker, "/health/ready").await.0 == 503).await;
    ward.ended_visits(1).await;
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    ward.until("SELECT bool_and(attempts <= 1 AND lease_token IS NULL) FROM retry_job").await;
    time.step(0).unwrap();
    until("it is ready", async || ward.get(&worker, "/health/ready").await.0 == 200).await;
    ward.until("SELECT encounter_status = 'created' FROM virtual_session").await;
    assert_eq!(ward.standins.encounters().len(), 1);
}
