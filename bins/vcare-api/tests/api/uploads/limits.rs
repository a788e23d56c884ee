//! How much one account may bring at once, how slowly, and how much in a day.

use std::time::Duration as Patience;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::{Body, Method};
use time::Duration;
use tokio::task::JoinHandle;
use vcare_testkit::until;

use super::{DRAFT, attachment, metadata, place};
use crate::support::{Answer, CONSENTED, TestApp};

const DEADLINE: Patience = Patience::from_secs(20);

/// A body that says nothing and does not end.
fn silence() -> Body {
    Body::wrap_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>())
}

impl TestApp {
    /// A request that may bring bytes and brings none.
    fn silent(&self, token: &str, place: &str) -> JoinHandle<Answer> {
        let request = self.append_request(token, place, 0, b"").body(silence());
        tokio::spawn(async move { Answer::read(request.send().await.unwrap()).await })
    }

    /// Waits until so many uploads are being written.
    async fn written(&self, uploads: i64) {
        let query = format!("SELECT count(*) = {uploads} FROM async_upload WHERE writer IS NOT NULL");
        self.database.until(&query, DEADLINE).await.unwrap();
    }

    async fn begun(&self, token: &str, index: usize) -> String {
        let created = self.begin_upload(token, 10, &attachment(&index.to_string(), "original")).await.expect(201);
        place(&created)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_brings_four_attachments_at_once_and_leaves_places_to_others() {
    let app = TestApp::start().await;
    let (patient, clinician) = (app.token("patient"), app.token("clinician"));
    let mut silent = Vec::new();
    for index in 0..4 {
        let place = app.begun(&patient, index).await;
        silent.push((app.silent(&patient, &place), place));
        app.written(i64::try_from(index).unwrap() + 1).await;
    }
    let fifth = app.begun(&patient, 4).await;
    let refused = app.append(&patient, &fifth, 0, b"OggS").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "5");
    let others = app.begun(&clinician, 0).await;
    app.append(&clinician, &others, 0, b"OggS").await.expect(204);
    // One that is superseded frees its place at once.
    let (first, at) = silent.swap_remove(0);
    app.append(&patient, &at, 0, b"OggS456789").await.expect(204);
    first.await.unwrap().refused(409, "UPLOAD_OFFSET_CONFLICT");
    app.append(&patient, &fifth, 0, b"OggS").await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_silent_requests_for_one_upload_all_but_one_end_at_once() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = app.begun(&patient, 0).await;
    let silent = join_all((0..20).map(|_| app.silent(&patient, &place)));
    let ended = async {
        let app = &app;
        // The last one goes on, until it is superseded as well.
        let taking_over = async || app.append(&patient, &place, 0, b"OggS456789").await.status == 204;
        until("all others have been superseded", taking_over).await;
    };
    let (answers, ()) = tokio::join!(silent, ended);
    for answer in answers {
        answer.unwrap().refused(409, "UPLOAD_OFFSET_CONFLICT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_request_ends_when_another_process_has_superseded_it() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = app.begun(&patient, 0).await;
    let silent = app.silent(&patient, &place);
    app.written(1).await;
    app.database.execute("UPDATE async_upload SET writer = gen_random_uuid()", &[]).await.unwrap();
    silent.await.unwrap().refused(409, "UPLOAD_OFFSET_CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_brings_next_to_nothing_is_given_up_and_what_came_is_kept() {
    let app = TestApp::start_with("attachments.stall_seconds = 1").await;
    let patient = app.token("patient");
    let place = app.begun(&patient, 0).await;
    let drops = stream::iter([b"Og".to_vec(), b"gS".to_vec()].map(Ok::<_, std::io::Error>)).chain(stream::pending());
    let request = app.append_request(&patient, &place, 0, b"").body(Body::wrap_stream(drops));
    app.send(request).await.refused(503, "SERVICE_UNAVAILABLE");
    until("what came is counted", async || app.head(&patient, &place).await.header("upload-offset") == "4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_begins_two_hundred_uploads_a_day_and_no_more_also_when_several_begin_at_once() {
    let app = TestApp::start().await;
    let fill =
        "INSERT INTO async_upload (tenant_id, id, owner_id, patient_id, client_mutation_id, attachment_index, kind,
                    length, received, folder, chunks, state, discarded_at, expires_at, checks, created_at, updated_at)
                SELECT 'hosp-kabul', gen_random_uuid(), 'patient-1', $1, gen_random_uuid(), 0, 'original', 1, 0,
                       repeat('a', 32), '{}', 'discarded', $2, $2, 0, $2, $2 FROM generate_series(1, 199)";
    let now = app.now();
    app.database.execute(fill, &[&CONSENTED, &now]).await.unwrap();
    let patient = app.token("patient");
    let wish =
        |index: u8| metadata(&[("clientMutationId", DRAFT), ("index", &index.to_string()), ("patientId", CONSENTED)]);
    let wishes: Vec<String> = (0..8).map(wish).collect();
    let answers = join_all(wishes.iter().map(|wish| app.begin_upload(&patient, 4, wish))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        let refused = refused.refused(429, "TOO_MANY_UPLOADS");
        assert_eq!(refused.header("retry-after"), "3600");
        assert_eq!(refused.header("ratelimit-policy"), "\"uploads\";q=200;w=86400");
        assert_eq!(refused.header("ratelimit"), "\"uploads\";r=0");
    }
    app.clock.advance(Duration::DAY + Duration::SECOND);
    app.begin_upload(&app.token("patient"), 4, &wish(9)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_to_be_put_together_later_are_refused_at_the_beginning() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    for concat in ["partial", "final;/async-visits/uploads/a /async-visits/uploads/b", "", "nonsense"] {
        let request = app.begin_request(&patient, 4, &attachment("0", "original")).header("Upload-Concat", concat);
        app.send(request).await.names_field("Upload-Concat");
    }
    let abilities = app.send(app.request(Method::OPTIONS, "/async-visits/uploads")).await;
    assert!(!abilities.header("tus-extension").contains("concatenation"));
    assert_eq!(app.count("async_upload").await, 0);
}
