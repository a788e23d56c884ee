//! Real processes that are killed while bytes come in and while they are checked.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use vcare_testkit::TokenSpec;

use super::pictures::photo;
use super::{arrived, attachment, decrypted, id_of, place, upload_cipher};
use crate::crash::place::Place;
use crate::support::{Answer, CONSENTED, TENANT};

/// A patient's phone.
struct Phone {
    http: Client,
    token: String,
}

impl Phone {
    fn of(place: &Place) -> Self {
        let account = TokenSpec::new("patient-1", TENANT, &["patient"]).patient(CONSENTED);
        let http = Client::builder().no_proxy().build().unwrap();
        Self { http, token: place.standins.issuer().token(&account) }
    }

    fn request(&self, place: &Place, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/api/v1/virtual-care{path}", place.api.address());
        self.http.request(method, url).bearer_auth(&self.token).header("Tus-Resumable", "1.0.0")
    }

    async fn begin(&self, api: &Place, length: usize) -> String {
        let request = self.request(api, Method::POST, "/async-visits/uploads").header("Upload-Length", length);
        let request = request.header("Upload-Metadata", attachment("0", "original"));
        place(&Answer::read(request.send().await.unwrap()).await.expect(201))
    }

    fn append(&self, api: &Place, path: &str, offset: usize) -> RequestBuilder {
        self.request(api, Method::PATCH, path)
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream")
    }

    async fn offset(&self, api: &Place, path: &str) -> usize {
        let head = self.request(api, Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), 200);
        head.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }
}

/// A body that says nothing more after these bytes, and does not end.
fn endless(bytes: Vec<u8>) -> reqwest::Body {
    let frames = futures_util::stream::unfold(Some(bytes), |bytes| async move {
        match bytes {
            Some(bytes) => Some((Ok::<_, std::io::Error>(bytes), None)),
            None => std::future::pending().await,
        }
    });
    reqwest::Body::wrap_stream(frames)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_while_bytes_come_in_loses_none_that_it_told_of_and_doubles_none() {
    let mut api = Place::start(true).await;
    let phone = Phone::of(&api);
    let taken = photo(700, 500);
    let path = phone.begin(&api, taken.len()).await;
    let mut at = 0;
    for round in 0..4 {
        // Some that are answered, and some under way when the process dies.
        let answered = 10_000 * (round + 1);
        let sent = phone.append(&api, &path, at).body(taken[at..at + answered].to_vec()).send().await.unwrap();
        assert_eq!(sent.status(), 204);
        at += answered;
        let under_way =
            tokio::spawn(phone.append(&api, &path, at).body(endless(taken[at..at + 20_000].to_vec())).send());
        let query = format!("SELECT received > {at} OR {round} % 2 = 0 FROM async_upload");
        api.until(&query).await;
        api.kill_api().await;
        let _ = under_way.await.unwrap();
        api.api.restart().await.unwrap();
        let now = phone.offset(&api, &path).await;
        assert!((at..=at + 20_000).contains(&now), "{now} is not between {at} and what was sent");
        at = now;
    }
    let sent = phone.append(&api, &path, at).body(taken[at..].to_vec()).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let stored = arrived(&api.database, &api.storage_folder(), &path).await;
    assert!(stored == taken, "what counts is what was taken, byte for byte");
    let _worker = api.worker().await;
    let query =
        format!("SELECT state = 'ready' AND chunks = '{{}}' FROM async_upload WHERE id = '{}'", id_of(&path).as_uuid());
    api.until(&query).await;
    let row = api.database.query_one("SELECT length, content_size FROM async_upload", &[]).await.unwrap();
    assert_eq!(usize::try_from(row.get::<_, i32>(0)).unwrap(), taken.len());
    // The photo as it was taken: the same pixels, upright.
    let kept = api.stored_files();
    assert_eq!(kept.len(), 1, "what came in, counted or not, was tidied away: {kept:?}");
    let cipher = upload_cipher(&api.database, id_of(&path)).await;
    let shown = image::load_from_memory(&decrypted(&*cipher, &kept[0])).unwrap();
    let was = image::load_from_memory(&taken).unwrap();
    assert_eq!((shown.width(), shown.height()), (was.height(), was.width()));
    for told in ["rahimi", "passwd", "patient-1", CONSENTED] {
        assert!(!api.api.log_tail().contains(told), "{}", api.api.log_tail());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_a_check_leaves_it_to_the_next() {
    let api = Place::start(true).await;
    let phone = Phone::of(&api);
    let taken = photo(64, 48);
    let path = phone.begin(&api, taken.len()).await;
    phone.append(&api, &path, 0).body(taken).send().await.unwrap().error_for_status().unwrap();
    api.clamd.be(vcare_testkit::ClamdMood::Silent);
    let mut worker = api.worker().await;
    api.until("SELECT checks = 1 AND lease_token IS NOT NULL FROM async_upload").await;
    worker.kill();
    api.clamd.be(vcare_testkit::ClamdMood::Up);
    // Its lease runs out, here at once.
    api.database.execute("UPDATE async_upload SET due_at = now()", &[]).await.unwrap();
    let _next = api.worker().await;
    api.until("SELECT state = 'ready' FROM async_upload").await;
    let checks: i32 = api.database.query_one("SELECT checks FROM async_upload", &[]).await.unwrap().get(0);
    assert_eq!(checks, 2, "the one that died counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_api_processes_take_turns_at_one_upload() {
    let first = Place::start(true).await;
    let second = first.another_api().await;
    let phone = Phone::of(&first);
    let path = phone.begin(&first, 8).await;
    phone.append(&first, &path, 0).body("OggS").send().await.unwrap().error_for_status().unwrap();
    let other = |request: RequestBuilder| {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        request.url_mut().set_port(Some(second.address().port())).unwrap();
        async move { client.execute(request).await.unwrap() }
    };
    let head = other(phone.request(&first, Method::HEAD, &path)).await;
    assert_eq!(head.headers()["upload-offset"], "4");
    assert_eq!(other(phone.append(&first, &path, 4).body("efgh")).await.status(), 204);
    tokio::time::timeout(Duration::from_secs(20), async {
        assert_eq!(phone.offset(&first, &path).await, 8);
    })
    .await
    .unwrap();
}
