//! How an attachment comes to who opens it: whole, in parts, and by slow readers.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use vcare_testkit::until;

use super::pictures::photo;
use crate::support::{Answer, Program, TestApp};

const MEGABYTE: usize = 1024 * 1024;

impl TestApp {
    /// An address of an attachment, as [`TestApp::request`] takes it.
    fn opened_by(item: &Value) -> String {
        format!("/{}", item["url"].as_str().unwrap().strip_prefix("https://care.example").unwrap())
    }

    /// An attachment that is ready, and what the clinician's list says of it.
    async fn ready(&self, bytes: &[u8]) -> Value {
        let visit = self.submitted_with(1).await;
        self.uploaded("0", "original", bytes).await;
        let item = async || self.attachments(&self.token("clinician"), &visit).await[0].clone();
        // Two processes agree about the time but for some milliseconds.
        until("it is ready", async || {
            self.look_after_uploads().await;
            item().await["url"].is_string()
        })
        .await;
        item().await
    }

    async fn ask_for(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request =
            headers.iter().fold(self.request(method, path), |request, (name, value)| request.header(*name, *value));
        self.send(request).await
    }
}

/// A voice note of so many bytes of sound.
pub fn wav(bytes: usize) -> Vec<u8> {
    let size = |more: usize| u32::try_from(bytes + more).unwrap().to_le_bytes();
    let format = [&[1, 0, 1, 0][..], &8000_u32.to_le_bytes(), &16_000_u32.to_le_bytes(), &[2, 0, 16, 0]].concat();
    let sound = (0..bytes).map(|at| u8::try_from(at % 251).unwrap());
    let head = [&b"RIFF"[..], &size(36), b"WAVEfmt ", &16_u32.to_le_bytes(), &format, b"data", &size(0)].concat();
    head.into_iter().chain(sound).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_and_a_cut_download_get_the_part_that_they_ask_for() {
    let app = TestApp::start().await;
    let item = app.ready(&wav(200_000)).await;
    let path = TestApp::opened_by(&item);
    let whole = app.ask_for(Method::GET, &path, &[("Accept-Encoding", "gzip, br")]).await.expect(200);
    let size = whole.bytes.len();
    let etag = whole.header("etag").to_owned();
    assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), ("bytes", &*size.to_string()));
    assert_eq!(whole.header("cache-control"), "private, no-store, no-transform");
    // As Safari asks, as a download that was cut asks, and over the border of what is read at once.
    for (range, from, to) in [
        ("bytes=0-1", 0, 2),
        ("bytes=100000-", 100_000, size),
        ("bytes=-5", size - 5, size),
        ("bytes=65530-65545", 65_530, 65_546),
    ] {
        let part = app.ask_for(Method::GET, &path, &[("Range", range), ("If-Range", &etag)]).await.expect(206);
        assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{size}", to - 1), "{range}");
        assert!(part.bytes == whole.bytes[from..to], "{range}");
        assert_eq!((part.header("etag"), part.header("content-type")), (&*etag, "audio/wav"));
    }
    let other = app.ask_for(Method::GET, &path, &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]).await;
    assert_eq!(other.expect(200).bytes.len(), size, "a part of something else would be mixed in");
    for range in ["bytes=0-1,5-6", "lines=1-2", "nonsense"] {
        assert_eq!(app.ask_for(Method::GET, &path, &[("Range", range)]).await.expect(200).bytes.len(), size, "{range}");
    }
    let refused = app.ask_for(Method::GET, &path, &[("Range", &format!("bytes={size}-"))]).await;
    let refused = refused.refused(416, "RANGE_NOT_SATISFIABLE");
    assert_eq!(refused.header("content-range"), format!("bytes */{size}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_how_long_an_attachment_is_and_each_opening_is_audited() {
    let app = TestApp::start().await;
    let item = app.ready(&photo(64, 48)).await;
    let path = TestApp::opened_by(&item);
    let opened = async || {
        let events = app.all_events().await;
        let of = |event: &&Value| {
            event["data"]["eventType"] == "RECORD_READ" && event["data"]["resourceType"] == "Attachment"
        };
        let read: Vec<Value> = events.iter().filter(of).cloned().collect();
        assert!(read.iter().all(|event| event["data"]["actorId"] == "clinician-1"), "{read:?}");
        read.len()
    };
    let before = opened().await;
    let head = app.ask_for(Method::HEAD, &path, &[]).await.expect(200);
    let whole = app.ask_for(Method::GET, &path, &[]).await.expect(200);
    assert_eq!((head.header("content-length"), head.bytes.len()), (&*whole.bytes.len().to_string(), 0));
    assert_eq!((head.header("accept-ranges"), head.header("etag")), ("bytes", whole.header("etag")));
    app.ask_for(Method::GET, &path, &[("Range", "bytes=0-1")]).await.expect(206);
    assert_eq!(opened().await, before + 3);
    // What nobody saw is not said to have been read.
    app.ask_for(Method::GET, &path, &[("Range", "bytes=99999999-")]).await.refused(416, "RANGE_NOT_SATISFIABLE");
    for file in app.stored_files() {
        std::fs::remove_file(file).unwrap();
    }
    app.ask_for(Method::GET, &path, &[]).await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(opened().await, before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_attachment_already_is_sent_nothing_and_the_opening_is_audited_all_the_same() {
    let app = TestApp::start().await;
    let path = TestApp::opened_by(&app.ready(&photo(64, 48)).await);
    let etag = app.ask_for(Method::GET, &path, &[]).await.expect(200).header("etag").to_owned();
    let opened = async || {
        let events = app.all_events().await;
        events.iter().filter(|event| event["data"]["resourceType"] == "Attachment").count()
    };
    let before = opened().await;
    for known in [etag.clone(), format!("W/{etag}"), "*".to_owned()] {
        for method in [Method::GET, Method::HEAD] {
            // Before any range is looked at.
            let headers = [("If-None-Match", &*known), ("Range", "bytes=99999999-")];
            let answer = app.ask_for(method, &path, &headers).await.expect(304);
            assert_eq!((answer.header("etag"), answer.bytes.len()), (&*etag, 0));
        }
    }
    assert_eq!(opened().await, before + 6);
    app.ask_for(Method::GET, &path, &[("If-None-Match", "\"upl_1\""), ("Range", "bytes=0-1")]).await.expect(206);
    let elsewhere = path.replace("signature=", "signature=x");
    app.ask_for(Method::GET, &elsewhere, &[("If-None-Match", "*")]).await.refused(404, "ATTACHMENT_NOT_FOUND");
}

/// Begins to download, and reads nothing.
async fn stalled(app: &TestApp, path: &str) -> TcpStream {
    let address = app.url("").strip_prefix("http://").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("GET {} HTTP/1.1\r\nHost: care.example\r\n\r\n", path.strip_prefix('/').unwrap());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.readable().await.unwrap();
    stream.peek(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_too_much_at_once_is_asked_to_come_again_and_who_does_not_read_is_cut() {
    let app = TestApp::start_with(
        "attachments.downloads_per_account = 2\napi.slow_reader_seconds = 1\napi.slow_reader_bytes = 1000",
    )
    .await;
    let item = app.ready(&wav(8 * MEGABYTE)).await;
    let path = TestApp::opened_by(&item);
    let readers = [stalled(&app, &path).await, stalled(&app, &path).await];
    let refused = app.ask_for(Method::GET, &path, &[]).await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "5");
    let again =
        async || app.ask_for(Method::GET, &path, &[("Range", "bytes=0-0")]).await.status == StatusCode::PARTIAL_CONTENT;
    until("both were cut", again).await;
    drop(readers);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figure is what one wants to know")]
async fn eight_readers_that_read_nothing_cost_the_api_less_than_two_megabytes() {
    let program = Program::start("").await;
    let item = program.ready(&wav(10 * MEGABYTE - 100)).await;
    let path = TestApp::opened_by(&item);
    // All threads have answered, and the allocator has what it keeps.
    for _ in 0..4 {
        program.ask_for(Method::GET, &path, &[]).await.expect(200);
    }
    let before = program.memory("VmRSS");
    let mut readers = Vec::new();
    for _ in 0..8 {
        readers.push(stalled(&program, &path).await);
    }
    // Another one reads all of it meanwhile: by then the others have been sent what they are going to be sent.
    program.ask_for(Method::GET, &path, &[]).await.expect(200);
    let grown = program.memory("VmRSS").saturating_sub(before);
    println!("eight readers that read nothing: {before} kB before, {grown} kB more");
    assert!(grown < 2 * 1024, "{grown} kB");
    drop(readers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_on_a_thin_line_gets_all_of_it() {
    let app = TestApp::start_with("api.slow_reader_seconds = 1\napi.slow_reader_bytes = 20000").await;
    let item = app.ready(&wav(200_000)).await;
    let whole = app.ask_for(Method::GET, &TestApp::opened_by(&item), &[]).await.expect(200).bytes;
    let mut thin = stalled(&app, &TestApp::opened_by(&item)).await;
    let mut read = Vec::new();
    let mut paced = tokio::time::interval(Duration::from_millis(100));
    while !read.ends_with(&whole[whole.len() - 1000..]) {
        paced.tick().await;
        let mut piece = [0; 8192];
        let length = tokio::io::AsyncReadExt::read(&mut thin, &mut piece).await.unwrap();
        assert_ne!(length, 0, "it was cut after {} bytes", read.len());
        read.extend_from_slice(&piece[..length]);
    }
}
