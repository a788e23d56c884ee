//! Join links are issued, and issued anew.

use serde_json::json;
use time::Duration;

use crate::support::{TestApp, claims};

const ISSUED: &str = "virtual_care.session.participant.join_token_issued.v1";

#[tokio::test(flavor = "multi_thread")]
async fn a_join_link_holds_the_token_in_its_fragment_and_says_when_it_is_over() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let issued = app.post(&app.token("scheduler"), &path, &json!({})).await.expect(201);
    let token = issued.text("joinToken");
    assert_eq!(issued.text("joinUrl"), format!("https://care.example/visit#{token}"));
    let short = issued.text("shortUrl");
    let code = short.strip_prefix("https://care.example/v#").unwrap();
    assert!(code.len() == 22 && !token.contains(code));
    assert_eq!(issued.text("expiresAt"), app.minutes_ahead(120));
    assert_eq!(issued.header("cache-control"), "no-store");
    let event = app.only_event(ISSUED).await;
    assert_eq!(
        event["data"],
        json!({"sessionId": visit.id, "participantId": visit.patient, "tokenVersion": 1, "version": 2})
    );
    // Neither the event nor the database could be used to come.
    let signature = token.rsplit_once('.').unwrap().1;
    assert!(!event.to_string().contains(signature));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_ends_the_older_ones() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let first = app.join_token(&visit).await;
    let second = app.join_token(&visit).await;
    assert_ne!(first, second);
    app.join(&first).await.refused(401, "TOKEN_INVALID");
    app.join_status(&first).await.refused(401, "TOKEN_INVALID");
    app.join(&second).await.expect(200);
    // Also for somebody who waits: they go on waiting, by the new link.
    let third = app.join_token(&visit).await;
    app.join(&second).await.refused(401, "TOKEN_INVALID");
    assert_eq!(app.join(&third).await.expect(200).body["sessionStatus"], "waiting");
    let versions: Vec<_> = [&first, &second, &third].map(|token| claims(token)["ver"].clone()).into();
    assert_eq!(versions, [json!(1), json!(2), json!(3)]);
    // One person's new link is nothing to another's.
    let interpreter = app.interpreter(&visit).await;
    let theirs = app.join_token_of(&visit, &interpreter).await;
    app.join(&third).await.expect(200);
    app.join(&theirs).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_answers_the_same_link() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, path) =
        (app.token("clinician"), visit.path(&format!("/participants/{}/join-token", visit.patient)));
    let first = app.post_once(&clinician, &path, &json!({}), "key-1").await.expect(201);
    app.clock.advance(Duration::MINUTE);
    let again = app.post_once(&clinician, &path, &json!({}), "key-1").await.expect(201);
    assert_eq!((&again.bytes, &again.body), (&first.bytes, &first.body));
    app.join(&again.text("joinToken")).await.expect(200);
    app.only_event(ISSUED).await;
    // It is made again each time: no token rests in the database.
    let rows = app.database.rows("SELECT body FROM idempotency_key", &[]).await.unwrap();
    let token = first.text("joinToken");
    let signature = token.rsplit_once('.').unwrap().1.as_bytes();
    assert!(!rows.iter().any(|row| row.get::<_, &[u8]>(0).windows(signature.len()).any(|part| part == signature)));

    let other = app.post_once(&clinician, &path, &json!({}), "key-2").await.expect(201);
    assert_ne!(other.text("joinToken"), token);
    // The older wish is still answered as it was, though its link is dead by now.
    assert_eq!(app.post_once(&clinician, &path, &json!({}), "key-1").await.expect(201).bytes, first.bytes);
    app.join(&token).await.refused(401, "TOKEN_INVALID");
    app.join(&other.text("joinToken")).await.expect(200);
    let body = json!({"version": 5});
    app.post_once(&clinician, &path, &body, "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_issued_to_providers_strangers_or_for_a_visit_that_is_over() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let path = |participant: &str| visit.path(&format!("/participants/{participant}/join-token"));
    // A link can be forwarded; a moderator's rights must not be.
    app.post(&clinician, &path(&visit.provider), &json!({})).await.refused(409, "PROVIDERS_SIGN_IN");
    let unknown = path("vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S");
    app.post(&clinician, &unknown, &json!({})).await.refused(404, "PARTICIPANT_NOT_FOUND");
    app.cancel(&visit, "snow").await.expect(200);
    app.post(&clinician, &path(&visit.patient), &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert!(app.events_of(ISSUED).await.is_empty());
}
