//! Visits through an API whose machine has a wrong clock.

use std::time::Instant;

use reqwest::Method;
use vcare_testkit::{FakeTime, until};

use super::place::Place;

const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_through_apis_whose_clocks_differ_is_charged_for_the_seconds_that_it_took() {
    let place = Place::start(true).await;
    let right = place.caller();
    let began = Instant::now();
    for (number, seconds) in (1..).zip([600, -600, 86_400, -86_400]) {
        let time = FakeTime::new().unwrap();
        time.step(seconds).unwrap();
        let api = place.api_at(&time).await;
        let wrong = place.caller_of(&api);
        let (begins, ends) = if number % 2 == 0 { (&right, &wrong) } else { (&wrong, &right) };
        let visit = begins.create().await.unwrap();
        begins.begin(&visit).await.unwrap();
        // What is shorter than a second is not charged.
        place.until("SELECT bool_and(clock_timestamp() > started_at + interval '1100 ms') FROM virtual_session").await;
        ends.end(&visit).await.unwrap();
        place
            .until(&format!("SELECT count(*) = {number} FROM virtual_session WHERE encounter_status = 'created'"))
            .await;
    }
    place
        .until(
            "SELECT bool_and(abs(extract(epoch FROM ended_at - clock_timestamp())) < 300 AND ended_at >= started_at
                             AND abs(extract(epoch FROM created_at - clock_timestamp())) < 300) FROM virtual_session",
        )
        .await;
    let took = began.elapsed().as_secs() + 2;
    let messages = place.all_events_arrived().await;
    let charges: Vec<_> = messages.iter().filter(|message| message.subject == CHARGEABLE).collect();
    assert_eq!(charges.len(), 4);
    for charge in charges {
        let seconds = charge.json()["data"]["durationSeconds"].as_u64().unwrap();
        assert!(seconds <= took, "{seconds} s charged, and all took {took} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_whose_clock_is_wrong_is_not_ready_until_it_is_right() {
    let place = Place::start(true).await;
    let time = FakeTime::new().unwrap();
    time.step(-600).unwrap();
    let api = place.api_at(&time).await;
    let caller = place.caller_of(&api);
    let ready = async || caller.send(Method::GET, "/health/ready", None).await.unwrap();
    let answer = ready().await;
    let clock = answer.body["checks"].as_array().unwrap().iter().find(|check| check["name"] == "clock").unwrap();
    assert_eq!((answer.status, &clock["status"]), (503, &"down".into()));
    let behind =
        clock["cause"].as_str().unwrap().strip_suffix(" s behind the database's: one of both is wrong").unwrap();
    // How long the comparison itself took is in it.
    assert!((behind.parse::<f64>().unwrap() - 600.0).abs() < 60.0, "{behind}");
    time.step(0).unwrap();
    until("it is ready", async || ready().await.status == 200).await;
    time.step(3).unwrap();
    until("it is not ready", async || ready().await.status == 503).await;
    time.step(1).unwrap();
    until("it is ready: a second is within the tolerance", async || ready().await.status == 200).await;
}
