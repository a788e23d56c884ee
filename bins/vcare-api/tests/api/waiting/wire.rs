//! VCARE-US-008: what waiting costs on the wire, on real sockets.

use super::Wire;
use crate::support::TestApp;

/// What a patient may pay for half an hour.
const BUDGET: usize = 25_000;
/// Each question is held open for a minute.
const QUESTIONS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn us_008_half_an_hour_of_waiting_costs_at_most_25_kilobytes() {
    // Without a seat each question is answered at once, with the same bytes as after a minute.
    let app = TestApp::start_with("waiting.lines_ms = 0\nwaiting.seats = 0").await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let mut wire = Wire::connect(&app.url("")).await;
    let body = format!(r#"{{"token":"{token}","deviceId":"d4Zk0PqLmN8x"}}"#);
    let base = "/api/v1/virtual-care/sessions/join";
    let join = format!(
        "POST {base} HTTP/1.1\r\nHost: care.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(wire.ask(&join).await.contains("waiting_room"));
    let question = format!(
        "GET {base}/status?since=3&place=1&deviceId=d4Zk0PqLmN8x HTTP/1.1\r\nHost: care.example\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    for _ in 0..QUESTIONS {
        let answer = wire.ask(&question).await;
        assert!(answer.starts_with("http/1.1 204") && answer.contains("retry-after"), "{answer}");
    }
    app.admit(&visit).await.expect(200);
    assert!(wire.ask(&question).await.contains("direct_join"));
    let (sent, received) = (wire.sent, wire.received);
    assert!(sent + received <= BUDGET, "{sent} sent, {received} received");
    // Two thirds of it would be a surprise: then this test counts something else than it says.
    assert!(sent + received > BUDGET / 3, "{sent} sent, {received} received");
}
