//! Whose an upload is.

use time::Duration;

use super::pictures::photo;
use super::{DRAFT, attachment, metadata, place};
use crate::support::{NO_CONSENT, OTHER_TENANT, TENANT, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_and_another_accounts_upload_is_not_there() {
    let app = TestApp::start().await;
    let place = place(&app.begin_upload(&app.token("patient"), 8, &attachment("0", "original")).await.expect(201));
    let others = [
        app.token_of(OTHER_TENANT, "patient-1", "patient"),
        app.token_of(OTHER_TENANT, "clinician-1", "clinician"),
        app.token_of(TENANT, "patient-2", "patient"),
        app.token("clinician"),
    ];
    for token in others {
        assert_eq!(app.head(&token, &place).await.status, 404);
        app.append(&token, &place, 0, b"OggS").await.refused(404, "UPLOAD_NOT_FOUND");
        app.take_back(&token, &place).await.refused(404, "UPLOAD_NOT_FOUND");
    }
    assert_eq!(app.upload_row(&place).await, ("receiving".to_owned(), None, 0, 0));
    // The same draft's name in another tenant is another draft.
    let other = app.token_of(OTHER_TENANT, "patient-1", "patient");
    app.begin_upload(&other, 9, &attachment("0", "original")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_uploads_for_themselves_alone() {
    let app = TestApp::start().await;
    let wish = metadata(&[("clientMutationId", DRAFT), ("index", "0"), ("patientId", NO_CONSENT)]);
    app.begin_upload(&app.token("patient"), 4, &wish).await.refused(403, "ACCESS_DENIED");
    app.begin_upload(&app.token("scheduler"), 4, &wish).await.refused(403, "ACCESS_DENIED");
    assert_eq!(app.count("async_upload").await, 0);
}

/// Whoever guesses the name of another patient's draft learns nothing of it, and puts nothing into it.
#[tokio::test(flavor = "multi_thread")]
async fn another_patients_draft_of_the_same_name_is_another_draft() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let account = app.account(TENANT, "patient-9", "patient").patient(NO_CONSENT);
    let other = app.standins.issuer().token(&account);
    let wish = metadata(&[("clientMutationId", DRAFT), ("index", "0"), ("patientId", NO_CONSENT)]);
    let bytes = photo(32, 32);
    let begun = place(&app.begin_upload(&other, bytes.len(), &wish).await.expect(201));
    app.append(&other, &begun, 0, &bytes).await.expect(204);
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("clinician"), &visit).await;
    assert_eq!((items[0]["status"].as_str(), items[0]["url"].as_str()), (Some("receiving"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_for_who_may_read_the_visit() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let path = format!("/async-visits/{visit}/attachments");
    let stranger = app.standins.issuer().token(&app.account(TENANT, "patient-9", "patient").patient(NO_CONSENT));
    for token in [app.token_of(OTHER_TENANT, "clinician-1", "clinician"), stranger] {
        app.get(&token, &path).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    }
    app.get(&app.token("scheduler"), &path).await.refused(403, "ACCESS_DENIED");
    // In the queue it is there for whoever cares for patients, and what was sent in is not.
    app.get(&app.token("nurse_practitioner"), &path).await.refused(403, "ACCESS_DENIED");
    for role in ["clinician", "patient"] {
        app.get(&app.token(role), &path).await.expect(200);
    }
}

/// A link says whose, which and until when, and opens nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_what_it_says_and_nothing_else() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(2).await;
    for index in ["0", "1"] {
        app.uploaded(index, "original", &photo(32, 32)).await;
    }
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("clinician"), &visit).await;
    let path = |index: usize| {
        let url = items[index]["url"].as_str().unwrap();
        url.strip_prefix("https://care.example").map(|path| format!("/{path}")).unwrap()
    };
    let open = async |path: &str| app.send(app.request(reqwest::Method::GET, path)).await;
    open(&path(0)).await.expect(200);
    let (mine, other) = (path(0), path(1));
    let id = |path: &str| path.split(['/', '?']).find(|part| part.starts_with("upl_")).unwrap().to_owned();
    let signature = |path: &str| path.split("signature=").nth(1).unwrap().to_owned();
    let forged = [
        mine.replace(&id(&mine), &id(&other)),
        mine.replace(TENANT, OTHER_TENANT),
        mine.replace("expires=", "expires=9"),
        mine.replace(&signature(&mine), &signature(&other)),
        mine.replace("signature=1.", "signature=2."),
        mine.replace("signature=1.", "signature="),
        mine.replace("signature=", "sig="),
        mine.split("&signature").next().unwrap().to_owned(),
        mine.split('?').next().unwrap().to_owned(),
        format!("{mine}{}", "A".repeat(5000)),
    ];
    for path in forged {
        open(&path).await.refused(404, "ATTACHMENT_NOT_FOUND");
    }
    app.clock.advance(Duration::minutes(5));
    open(&mine).await.refused(410, "LINK_EXPIRED");
}
