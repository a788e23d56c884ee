//! `Idempotency-Key`: a wish that is sent again is fulfilled once and answered with the same bytes.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::Duration;
use vcare_testkit::postgres::tokio_postgres::error::SqlState;
use vcare_testkit::postgres::tokio_postgres::types::ToSql;
use vcare_testkit::{Consents, Mode, Name};

use crate::support::{Answer, CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit};

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_create_again_is_answered_with_the_same_bytes() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let first = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201);
    assert!(!is_replay(&first));
    app.clock.advance(Duration::minutes(10));
    // Even with every neighbour gone: what was done need not be decided again.
    for name in [Name::Licence, Name::Consent, Name::Jitsi] {
        app.standins.set_mode(name, Mode::DOWN);
    }
    let again = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201);
    assert!(is_replay(&again));
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(app.count("virtual_session").await, 1);
    app.only_event("virtual_care.session.created.v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_only() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let created = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201).body;
    let mut other = wish.clone();
    other["appointmentId"] = json!("appt-2");
    app.post_once(&clinician, "/sessions", &other, "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let path = format!("/sessions/{}/cancel", created["id"].as_str().unwrap());
    let reason = json!({"reason": "snow"});
    app.post_once(&clinician, &path, &reason, "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.count("virtual_session").await, 1);
    app.post_once(&clinician, &path, &reason, "key-2").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_under_one_key_side_by_side_make_one_session() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for round in 0..3 {
        let (wish, key) = (app.wish(), format!("key-{round}"));
        let all = (0..8).map(|_| app.post_once(&clinician, "/sessions", &wish, &key));
        let answers: Vec<Answer> = futures_util::future::join_all(all).await;
        let answers: Vec<Answer> = answers.into_iter().map(|answer| answer.expect(201)).collect();
        assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
        assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
        assert_eq!(app.count("virtual_session").await, round + 1);
    }
    assert_eq!(app.events_of("virtual_care.session.created.v1").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_wishes_under_one_key_side_by_side_one_is_refused() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (one, two) = (app.wish(), app.wish());
    let (one, two) = tokio::join!(
        app.post_once(&clinician, "/sessions", &one, "key-1"),
        app.post_once(&clinician, "/sessions", &two, "key-1")
    );
    let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
    won.expect(201);
    lost.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.count("virtual_session").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_its_users_and_tenants_own() {
    let app = TestApp::start().await;
    // Without an appointment, which has one visit whoever creates it.
    let wish = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(30)});
    let callers = [
        app.token("clinician"),
        app.other_clinician(),
        app.token_of(OTHER_TENANT, "clinician-1", "clinician"),
        app.token_of(OTHER_TENANT, "clinician-2", "clinician"),
    ];
    let mut ids = Vec::new();
    for caller in &callers {
        let created = app.post_once(caller, "/sessions", &wish, "key-1").await.expect(201);
        assert!(!is_replay(&created));
        ids.push(created.text("id"));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), callers.len());
    // Another of their tokens is still the same person.
    let again = app.token_of(TENANT, "clinician-1", "admin");
    assert!(is_replay(&app.post_once(&again, "/sessions", &wish, "key-1").await.expect(201)));
}

/// A refusal is no answer to keep: what stood in the way may be gone when the wish is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_wish_may_be_sent_again_under_its_key() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let wish = json!({"patientId": "pat-new", "scheduledStart": app.minutes_ahead(30)});
    app.post_once(&clinician, "/sessions", &wish, "key-1").await.refused(403, "CONSENT_REQUIRED");
    app.standins.set_consent("pat-new", Consents::TELEHEALTH);
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    app.post_once(&clinician, "/sessions", &wish, "key-1").await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    app.standins.set_mode(Name::Jitsi, Mode::UP);
    let created = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201);
    assert!(!is_replay(&created));
    let visit = Visit::of(&created.body);
    app.post_once(&clinician, &visit.path("/cancel"), &json!({"reason": ""}), "key-2").await.names_field("reason");
    app.post_once(&clinician, &visit.path("/cancel"), &json!({"reason": "snow"}), "key-2").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_replayed_as_it_was_answered_whatever_came_after() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    let interpreter = app.interpreter(&visit).await;
    let remove = visit.path(&format!("/participants/{interpreter}/remove"));
    let wishes: [(String, Value, u16); 3] = [
        (visit.path("/participants"), json!({"role": "observer"}), 201),
        (remove, json!({"reason": "double booked"}), 200),
        (visit.path("/cancel"), json!({"reason": "snow"}), 200),
    ];
    let mut answers = Vec::new();
    for (n, (path, body, status)) in wishes.iter().enumerate() {
        let answer = app.post_once(&clinician, path, body, &format!("key-{n}")).await.expect(*status);
        assert!(!is_replay(&answer), "{path}");
        answers.push(answer.bytes);
    }
    let version = app.read(&visit).await["version"].clone();
    for (n, (path, body, status)) in wishes.iter().enumerate() {
        let again = app.post_once(&clinician, path, body, &format!("key-{n}")).await.expect(*status);
        assert!(is_replay(&again), "{path}");
        assert_eq!(again.bytes, answers[n], "{path}");
    }
    assert_eq!(app.read(&visit).await["version"], version);
}

/// Sent again with all its headers: the version that it acted on is an older one by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_change_is_not_refused_for_its_version() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let send = async || {
        let request =
            app.request(reqwest::Method::POST, &visit.path("/participants")).bearer_auth(app.token("clinician"));
        let request = request.header("Idempotency-Key", "key-1").header("If-Match", "\"1\"");
        let body = json!({"role": "observer"}).to_string();
        app.send(request.header("Content-Type", "application/json").body(body)).await.expect(201)
    };
    let (first, again) = (send().await, send().await);
    assert!(is_replay(&again));
    assert_eq!((&again.bytes, &again.body["version"]), (&first.bytes, &json!(2)));
}

/// The answer to an admission holds a token, so no bytes of it are kept: the same wish gets a fresh one.
#[tokio::test(flavor = "multi_thread")]
async fn an_admission_under_its_key_again_is_200_and_not_already_admitted() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path(&format!("/admit/{}", visit.patient)));
    let first = app.post_once(&clinician, &path, &json!({}), "key-1").await.expect(200).body;
    app.clock.advance(Duration::MINUTE);
    let again = app.post_once(&clinician, &path, &json!({}), "key-1").await.expect(200).body;
    assert_eq!((&again["participant"], &again["version"]), (&first["participant"], &first["version"]));
    assert!(again["videoJoinUrl"].is_string());
    let body = json!({"version": 4});
    app.post_once(&clinician, &path, &body, "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    // Without the key it is another wish.
    app.post(&clinician, &path, &json!({})).await.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
    app.only_event("virtual_care.session.participant.admitted.v1").await;
    let kept = app.database.rows("SELECT body FROM idempotency_key", &[]).await.unwrap();
    assert!(kept.iter().all(|row| row.get::<_, &[u8]>(0).is_empty()));
}

/// Joining and ending change nothing the second time by themselves; a key is taken and makes no difference.
#[tokio::test(flavor = "multi_thread")]
async fn joining_and_ending_take_a_key_too() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    for _ in 0..2 {
        app.post_once(&clinician, &visit.path("/join"), &json!({}), "key-1").await.expect(200);
    }
    app.admit(&visit).await.expect(200);
    app.clock.advance(Duration::MINUTE);
    let first = app.post_once(&clinician, &visit.path("/end"), &json!({}), "key-2").await.expect(200);
    let again = app.post_once(&clinician, &visit.path("/end"), &json!({}), "key-2").await.expect(200);
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(app.standins.encounters().len(), 1);
    assert_eq!(first.body["patientId"], CONSENTED);
}

async fn sent_as(app: &TestApp, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = app.request(Method::POST, path).bearer_auth(app.token("clinician"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.header("Content-Type", "application/json").body(body.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_in_other_bytes_and_with_a_quoted_key_is_the_same_request() {
    let app = TestApp::start().await;
    let start = app.minutes_ahead(30);
    let body = format!(r#"{{"patientId":"{CONSENTED}","scheduledStart":"{start}","recordingEnabled":false}}"#);
    let other_bytes = format!(
        "{{ \"recordingEnabled\" : false,\n\t\"scheduledStart\": \"{start}\", \"\\u0070atientId\": \"{CONSENTED}\" }}"
    );
    let first = sent_as(&app, "/sessions", &[("Idempotency-Key", "abc")], &body).await.expect(201);
    for (key, body) in [("abc", &other_bytes), ("\"abc\"", &body), (" \"abc\" ", &other_bytes)] {
        let again = sent_as(&app, "/sessions", &[("Idempotency-Key", key)], body).await.expect(201);
        assert!(is_replay(&again), "{key}");
        assert_eq!(again.bytes, first.bytes);
    }
    assert_eq!(app.count("virtual_session").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_carries_the_tag_and_the_place_of_the_first_answer() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let created = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201);
    let visit = Visit::of(&created.body);
    let invite = json!({"role": "observer"});
    let invited = app.post_once(&clinician, &visit.path("/participants"), &invite, "key-2").await.expect(201);
    let report = json!({"state": "alive"});
    app.come(&clinician, &visit).await.expect(200);
    let reported = app.post_once(&clinician, &visit.path("/connection"), &report, "key-3").await.expect(200);
    let cancel = json!({"reason": "snow"});
    let cancelled = app.post_once(&clinician, &visit.path("/cancel"), &cancel, "key-4").await.expect(200);
    let sent = [
        ("/sessions".to_owned(), &wish, "key-1", created),
        (visit.path("/participants"), &invite, "key-2", invited),
        (visit.path("/connection"), &report, "key-3", reported),
        (visit.path("/cancel"), &cancel, "key-4", cancelled),
    ];
    for (path, body, key, first) in sent {
        let again = app.post_once(&clinician, &path, body, key).await.expect(first.status);
        assert!(is_replay(&again) && !is_replay(&first), "{path}");
        for header in ["etag", "location", "content-type"] {
            assert_eq!(again.header(header), first.header(header), "{path} {header}");
        }
        assert!(!again.header("etag").is_empty(), "{path}");
    }
}

/// Their answers hold a token, and are made anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_an_admission_that_are_asked_for_again_say_that_they_are_replayed() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let link = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let issued = app.post_once(&clinician, &link, &json!({}), "key-1").await.expect(201);
    let again = app.post_once(&clinician, &link, &json!({}), "key-1").await.expect(201);
    assert_eq!((is_replay(&issued), is_replay(&again)), (false, true));
    app.join(&issued.text("joinToken")).await.expect(200);
    app.come(&clinician, &visit).await.expect(200);
    let admit = visit.path(&format!("/admit/{}", visit.patient));
    let admitted = app.post_once(&clinician, &admit, &json!({}), "key-2").await.expect(200);
    let again = app.post_once(&clinician, &admit, &json!({}), "key-2").await.expect(200);
    assert_eq!((is_replay(&admitted), is_replay(&again)), (false, true));
    assert_eq!(again.header("etag"), admitted.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_is_acted_on_is_part_of_the_request() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path("/participants");
    let invite = async |condition: &str| {
        let headers = [("Idempotency-Key", "key-1"), ("If-Match", condition)];
        sent_as(&app, &path, &headers, r#"{"role":"observer"}"#).await
    };
    invite("\"1\", \"7\"").await.expect(201);
    assert!(is_replay(&invite("\"7\",\"1\"").await.expect(201)), "the same list");
    for other in ["\"1\"", "\"2\"", "*", "W/\"1\""] {
        invite(other).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    }
    let bare = sent_as(&app, &path, &[("Idempotency-Key", "key-1")], r#"{"role":"observer"}"#).await;
    bare.refused(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_nowhere_kept_as_it_was_sent() {
    let app = TestApp::start().await;
    let key = "pat-ahmad-rahimi-on-monday";
    app.post_once(&app.token("clinician"), "/sessions", &app.wish(), key).await.expect(201);
    let kept = app.database.rows("SELECT t::text FROM idempotency_key AS t", &[]).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].get::<_, &str>(0).contains(key));
}

/// The version before keeps a key as it was sent, and another fingerprint: for 48 hours both are there.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_version_before_answered_is_replayed() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (wish, path) = (app.wish().to_string(), "/api/v1/virtual-care/sessions");
    let mut hash = Sha256::new();
    for part in ["POST", path, &wish] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let body = json!({"id": "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R", "version": 1}).to_string();
    let by_the_version_before =
        "INSERT INTO idempotency_key (tenant_id, actor, key, fingerprint, status, body, created_at)
         VALUES ($1, $2, $3, $4, 201, $5, now())";
    let fingerprint = hash.finalize().to_vec();
    for key in ["key-1", "\"key-2\""] {
        let values: [&(dyn ToSql + Sync); 5] = [&TENANT, &"clinician-1", &key, &fingerprint, &body.as_bytes()];
        app.database.execute(by_the_version_before, &values).await.unwrap();
    }
    for key in ["key-1", "\"key-1\"", "key-2", "\"key-2\""] {
        let again = sent_as(&app, "/sessions", &[("Idempotency-Key", key)], &wish).await.expect(201);
        assert_eq!((is_replay(&again), again.bytes), (true, body.clone().into_bytes()), "{key}");
        assert_eq!(again.headers["etag"], "\"1\"");
        assert_eq!(again.headers["location"], format!("{path}/vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R"));
    }
    app.post_once(&clinician, "/sessions", &app.wish(), "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.count("virtual_session").await, 0);
}

/// What the version before would do again is not committed: the key is taken.
#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_cannot_take_a_key_that_this_one_took() {
    let app = TestApp::start().await;
    app.post_once(&app.token("clinician"), "/sessions", &app.wish(), "key-1").await.expect(201);
    let by_the_version_before =
        "INSERT INTO idempotency_key (tenant_id, actor, key, fingerprint, status, body, created_at)
         VALUES ($1, $2, $3, sha256(''), 201, '', now())";
    for key in ["key-1", "\"key-1\""] {
        let client = app.database.client().await.unwrap();
        let taken = client.execute(by_the_version_before, &[&TENANT, &"clinician-1", &key]).await.unwrap_err();
        assert_eq!(taken.code(), Some(&SqlState::UNIQUE_VIOLATION), "{key}");
    }
    for (tenant, actor, key) in
        [(TENANT, "clinician-1", "key-2"), (TENANT, "clinician-2", "key-1"), (OTHER_TENANT, "clinician-1", "key-1")]
    {
        app.database.execute(by_the_version_before, &[&tenant, &actor, &key]).await.unwrap();
    }
}
