//! Two at once: one wins, and the other is told.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;
use vcare_domain::TenantConfigDraft;

use crate::support::{Answer, TENANT, TestApp, scope};

/// Chance decides who is first, so each race is run a few times.
const ROUNDS: usize = 4;

fn statuses(answers: &[&Answer]) -> Vec<u16> {
    let mut all: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_two_clinicians_admit_at_once_and_one_wins() {
    let app = TestApp::start().await;
    let (one, two) = (app.token("clinician"), app.other_clinician());
    for round in 1..=ROUNDS {
        let (visit, _) = app.waiting_visit().await;
        app.invite_colleague(&visit, "clinician-2").await;
        app.come(&two, &visit).await.expect(200);
        let (one, two) = tokio::join!(app.admit_as(&one, &visit), app.admit_as(&two, &visit));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        assert!(won.expect(200).body["videoJoinUrl"].is_string());
        let lost = lost.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
        assert_eq!(lost.body["currentStatus"], "admitted");
        assert_eq!(app.events_of("virtual_care.session.participant.admitted.v1").await.len(), round);
        assert_eq!(app.events_of("virtual_care.session.started.v1").await.len(), round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_two_ends_at_once_are_one_end() {
    let app = TestApp::start().await;
    let admin = app.token("admin");
    for round in 1..=ROUNDS {
        let (visit, _) = app.active_visit().await;
        app.clock.advance(Duration::MINUTE);
        let path = visit.path("/end");
        let body = json!({});
        let (one, two) = tokio::join!(app.end(&visit), app.post(&admin, &path, &body));
        assert_eq!((one.body["status"].as_str(), two.body["status"].as_str()), (Some("ended"), Some("ended")));
        assert_eq!(statuses(&[&one, &two]), [200, 200]);
        assert_eq!(app.events_of("virtual_care.session.ended.v1").await.len(), round);
        assert_eq!(app.events_of("virtual_care.billing.session_chargeable.v1").await.len(), round);
        assert_eq!(app.standins.encounters().len(), round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_two_joins_by_one_link_at_once_are_one_coming() {
    let app = TestApp::start().await;
    for round in 1..=ROUNDS {
        let visit = app.visit().await;
        let token = app.join_token(&visit).await;
        let (one, two) = tokio::join!(app.join(&token), app.join_by_post(&token));
        assert_eq!(statuses(&[&one, &two]), [200, 200], "{} {}", one.body, two.body);
        assert_eq!(app.events_of("virtual_care.session.participant.joined.v1").await.len(), round);
        assert_eq!(app.read(&visit).await["version"], 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_either_cancelled_or_begun_or_ended_never_two_of_them() {
    let app = TestApp::start().await;
    for round in 0..ROUNDS {
        let (visit, _) = app.waiting_visit().await;
        // The visit changed under the loser: it is told the state that it lost to.
        if round % 2 == 0 {
            let (cancelled, admitted) = tokio::join!(app.cancel(&visit, "snow"), app.admit(&visit));
            let status = app.read(&visit).await["status"].clone();
            let (lost, expected) =
                if cancelled.status == 200 { (admitted, "cancelled") } else { (cancelled, "active") };
            assert_eq!(lost.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"], expected);
            assert_eq!(status, expected);
        } else {
            let (cancelled, ended) = tokio::join!(app.cancel(&visit, "snow"), app.end(&visit));
            let status = app.read(&visit).await["status"].clone();
            let (lost, expected) = if cancelled.status == 200 { (ended, "cancelled") } else { (cancelled, "ended") };
            assert_eq!(lost.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"], expected);
            assert_eq!(status, expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_act_on_the_same_version_one_wins() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for _ in 0..ROUNDS {
        let visit = app.visit().await;
        let (path, observer, interpreter) =
            (visit.path("/participants"), json!({"role": "observer"}), json!({"role": "interpreter"}));
        let (one, two) =
            tokio::join!(app.post_at(&clinician, &path, &observer, 1), app.post_at(&clinician, &path, &interpreter, 1));
        let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
        assert_eq!(won.expect(201).body["version"], 2);
        assert_eq!(lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT").body["currentVersion"], 2);
    }
}

/// Without a version, the server's own read is the check: both wishes come true, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_name_no_version_both_have_their_way() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let wish = json!({"role": "observer"});
    let answers = join_all((0..4).map(|_| app.invite(&visit, &wish))).await;
    for answer in answers {
        answer.expect(201);
    }
    let session = app.read(&visit).await;
    assert_eq!((&session["version"], session["participants"].as_array().unwrap().len()), (&json!(5), 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_links_issued_at_once_the_last_one_opens() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let tokens = join_all((0..4).map(|_| app.join_token(&visit))).await;
    let answers = join_all(tokens.iter().map(|token| app.join_status(token))).await;
    let all: Vec<&Answer> = answers.iter().collect();
    assert_eq!(statuses(&all), [200, 401, 401, 401]);
}

/// One wish, sent several times at once by an impatient phone.
#[tokio::test(flavor = "multi_thread")]
async fn of_changes_under_one_key_at_once_one_is_made_and_all_are_answered_alike() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let (clinician, body) = (app.token("clinician"), json!({}));
    let at_once = async |path: &str, body: &Value, key: &str| {
        join_all((0..6).map(|_| app.post_once(&clinician, path, body, key))).await
    };
    let link = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let answers = at_once(&link, &body, "key-1").await;
    assert!(answers.iter().all(|answer| (answer.status, &answer.bytes) == (201, &answers[0].bytes)));
    app.join(&answers[0].text("joinToken")).await.expect(200);
    let answers = at_once(&visit.path("/participants"), &json!({"role": "observer"}), "key-2").await;
    assert!(answers.iter().all(|answer| (answer.status, &answer.bytes) == (201, &answers[0].bytes)));
    for answer in at_once(&visit.path(&format!("/admit/{}", visit.patient)), &body, "key-3").await {
        assert_eq!(answer.expect(200).body["participant"]["status"], "admitted");
    }
    // Created, link, joined; then one change a wish.
    assert_eq!(app.read(&visit).await["version"], 6);
    assert_eq!(app.read(&visit).await["participants"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_never_has_more_people_than_its_tenant_allows() {
    let app = TestApp::start().await;
    let mut settings = TenantConfigDraft::new(app.standins.jitsi_url(), "kabul");
    settings.max_participants = 4;
    app.app.set_tenant_config(&scope(TENANT), settings).await.unwrap();
    let visit = app.visit().await;
    let clinicians: Vec<String> =
        (2..8).map(|n| app.token_of(TENANT, &format!("clinician-{n}"), "clinician")).collect();
    let answers = join_all(clinicians.iter().map(|token| app.come_in_emergency(token, &visit))).await;
    let all: Vec<&Answer> = answers.iter().collect();
    assert_eq!(statuses(&all), [200, 200, 422, 422, 422, 422]);
    assert_eq!(app.read(&visit).await["participants"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clinician_who_joins_twice_at_once_comes_once() {
    let app = TestApp::start().await;
    let other = app.other_clinician();
    for round in 1..=ROUNDS {
        let visit = app.visit().await;
        let (one, two) = tokio::join!(app.come_in_emergency(&other, &visit), app.come_in_emergency(&other, &visit));
        assert_eq!(one.expect(200).body["participant"]["id"], two.expect(200).body["participant"]["id"]);
        assert_eq!(app.read(&visit).await["participants"].as_array().unwrap().len(), 3);
        assert_eq!(app.events_of("virtual_care.session.participant.joined.v1").await.len(), round);
    }
}

/// Put out at the very moment of being let in: whatever comes first, the link is dead afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_while_being_admitted_is_out() {
    let app = TestApp::start().await;
    for _ in 0..ROUNDS {
        let (visit, token) = app.waiting_visit().await;
        let (removed, admitted) = tokio::join!(app.remove(&visit, &visit.patient, "wrong person"), app.admit(&visit));
        removed.expect(200);
        if admitted.status != 200 {
            let lost = admitted.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
            assert_eq!(lost.body["currentStatus"], "removed");
        }
        assert_eq!(app.participant(&visit, &visit.patient).await["status"], "removed");
        app.join(&token).await.refused(401, "TOKEN_INVALID");
    }
}
