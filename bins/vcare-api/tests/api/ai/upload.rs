//! Audio on its way: passed on while it comes, by limits.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use reqwest::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use vcare_testkit::{Mode, Name, until};

use super::asked;
use crate::support::{Answer, TestApp, Visit, audio};

const MEGABYTE: usize = 1024 * 1024;

pub(super) type Pieces = mpsc::UnboundedSender<Vec<u8>>;

/// A body whose pieces are sent when it is told to; dropped, it has ended.
pub(super) fn body() -> (Pieces, Body) {
    let (pieces, sent) = mpsc::unbounded_channel::<Vec<u8>>();
    let sent = stream::unfold(sent, |mut sent| async move { Some((sent.recv().await?, sent)) });
    (pieces, Body::wrap_stream(sent.map(Ok::<_, std::io::Error>)))
}

/// Waits until so many bytes are at the gateway.
pub(super) async fn arrived(app: &TestApp, bytes: usize) {
    until("so many bytes are there", async || app.standins.ai().arrived() >= bytes as u64).await;
}

/// A form of these parts: name, kind, bytes.
fn form(parts: &[(&str, &str, Vec<u8>)]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, kind, bytes) in parts {
        let head = "--limit\r\nContent-Disposition: form-data; name";
        form.extend(format!("{head}=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n").into_bytes());
        form.extend(bytes);
        form.extend(b"\r\n");
    }
    form.extend(b"--limit--\r\n");
    form
}

async fn send(app: &TestApp, visit: &Visit, body: impl Into<Body>) -> Answer {
    let request = app.request(reqwest::Method::POST, &visit.path("/ai/transcribe")).bearer_auth(app.token("clinician"));
    app.send(request.header("Content-Type", "multipart/form-data; boundary=limit").body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_is_at_the_gateway_before_all_of_it_has_come() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (pieces, body) = body();
    let clinician = app.token("clinician");
    let sending = app.transcribe(&clinician, &visit, body);
    let telling = async {
        pieces.send(audio(40_000)).unwrap();
        arrived(&app, 40_000).await;
        assert!(asked(&app, "/audio/transcriptions").is_empty(), "it has not ended");
        pieces.send(vec![0x55; 10_000]).unwrap();
        drop(pieces);
    };
    let (answer, ()) = tokio::join!(sending, telling);
    answer.expect(200);
    assert_eq!(asked(&app, "/audio/transcriptions")[0].body, "(50000 bytes)");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_megabytes_are_taken_and_no_more() {
    let app = TestApp::start_with("ai.max_audio_bytes = 1048576").await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    app.transcribe(&clinician, &visit, audio(MEGABYTE)).await.expect(200);
    let said = app.transcribe(&clinician, &visit, audio(MEGABYTE + 1)).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert!(said.text("detail").contains("1048576"), "{}", said.body);
    // One that does not say how long it is.
    app.standins.clear_requests(Name::Ai);
    let (pieces, body) = body();
    for piece in audio(2 * MEGABYTE).chunks(50_000) {
        pieces.send(piece.to_vec()).unwrap();
    }
    drop(pieces);
    app.transcribe(&clinician, &visit, body).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert!(app.standins.requests(Name::Ai).is_empty(), "the gateway has heard no half of it");

    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    app.transcribe(&clinician, &visit, audio(30 * MEGABYTE)).await.expect(200);
    let said = app.transcribe(&clinician, &visit, audio(31 * MEGABYTE)).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert!(said.text("detail").contains("31457280"), "{}", said.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_stops_coming_is_ended_and_the_gateway_hears_no_half_of_it() {
    let app = TestApp::start_with("ai.stall_seconds = 1").await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let (pieces, still) = body();
    pieces.send(audio(40_000)).unwrap();
    app.transcribe(&clinician, &visit, still).await.refused(408, "UPLOAD_STALLED");
    let (nothing, never) = body();
    app.transcribe(&clinician, &visit, never).await.refused(408, "UPLOAD_STALLED");
    // Byte by byte is no progress either.
    let (drops, dripping) = body();
    let drip = async {
        drops.send(audio(100)).unwrap();
        while drops.send(vec![0x55]).is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let sending = app.transcribe(&clinician, &visit, dripping);
    tokio::select! {
        answer = sending => { answer.refused(408, "UPLOAD_STALLED"); }
        () = drip => panic!("nobody answered"),
    }
    drop((pieces, nothing));
    assert!(app.standins.requests(Name::Ai).is_empty());
    // It is nobody's fault but the line's: the gateway is asked again at once.
    app.transcribe(&clinician, &visit, audio(500)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_in_the_middle_leaves_no_half_and_frees_the_seat() {
    let app = TestApp::start_with("ai.parallel_per_visit = 1").await;
    let (visit, _) = app.active_visit().await;
    let (pieces, body) = body();
    pieces.send(audio(40_000)).unwrap();
    let sending = tokio::spawn(app.to_transcribe(&app.token("clinician"), &visit).body(body).send());
    arrived(&app, 40_000).await;
    sending.abort();
    let heard = async || app.transcribe(&app.token("clinician"), &visit, audio(500)).await.status == 200;
    until("the seat is free", heard).await;
    assert_eq!(asked(&app, "/audio/transcriptions").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_visit_two_pieces_are_under_way_and_a_third_is_told_to_wait() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    app.standins.set_mode(Name::Ai, Mode::UP.after(Duration::from_secs(1)));
    let (first, second, third) = tokio::join!(
        app.transcribe(&clinician, &visit, audio(500)),
        app.transcribe(&clinician, &visit, audio(500)),
        async {
            until("they are at the gateway", async || app.standins.requests(Name::Ai).len() >= 2).await;
            app.transcribe(&clinician, &visit, audio(500)).await
        },
    );
    first.expect(200);
    second.expect(200);
    assert_eq!(third.refused(429, "TOO_MANY_AT_ONCE").header("retry-after"), "1");
    app.transcribe(&clinician, &visit, audio(500)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_the_audio_as_its_one_part_is_taken_too() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    send(&app, &visit, form(&[("audio", "audio/webm;codecs=opus", audio(5000))])).await.expect(200);
    let asked = asked(&app, "/audio/transcriptions").remove(0);
    assert_eq!(asked.header("content-type"), Some("audio/webm"));
    assert_eq!(asked.body, "(5000 bytes)");
    app.standins.clear_requests(Name::Ai);

    let words = b"Good morning, doctor".to_vec();
    let named: [(&str, Vec<u8>); 4] = [
        ("another part", form(&[("language", "text/plain", words.clone())])),
        ("no part", form(&[])),
        ("an empty part", form(&[("audio", "audio/webm", Vec::new())])),
        ("two parts", form(&[("audio", "audio/webm", audio(5000)), ("audio", "audio/webm", audio(50))])),
    ];
    for (name, body) in named {
        let answer = send(&app, &visit, body).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        answer.names_field("audio");
    }
    for kind in ["text/plain", "audio/webm"] {
        let text = form(&[("audio", kind, words.clone())]);
        send(&app, &visit, text).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    send(&app, &visit, form(&[("audio", "audio/webm", audio(31 * MEGABYTE))])).await.refused(413, "PAYLOAD_TOO_LARGE");
    let cut = form(&[("audio", "audio/webm", audio(5000))]);
    send(&app, &visit, cut[..cut.len() - 12].to_vec()).await.names_field("audio");
    send(&app, &visit, words).await.refused(400, "VALIDATION_ERROR");
    let unlimited =
        app.request(reqwest::Method::POST, &visit.path("/ai/transcribe")).bearer_auth(app.token("clinician"));
    let unlimited = unlimited.header("Content-Type", "multipart/form-data").body(audio(500));
    app.send(unlimited).await.refused(400, "VALIDATION_ERROR");
    assert!(app.standins.requests(Name::Ai).is_empty());
}

/// It opens its door, and takes nothing in.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_takes_nothing_is_not_waited_for_for_ever() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!("ai.base_url = \"http://{}\"\nai.stall_seconds = 1", deaf.local_addr().unwrap());
    let app = TestApp::start_with(&settings).await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let listening = async {
        let _held = deaf.accept().await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = app.transcribe(&clinician, &visit, audio(30 * MEGABYTE)) => {
            answer.refused(503, "AI_UNAVAILABLE");
        }
        () = listening => {}
    }
}

/// It answers before it has heard all of it: that is no transcript of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_half_of_the_audio_is_none() {
    let hasty = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = TestApp::start_with(&format!("ai.base_url = \"http://{}\"", hasty.local_addr().unwrap())).await;
    let (visit, _) = app.active_visit().await;
    let (pieces, body) = body();
    let clinician = app.token("clinician");
    let answering = async {
        let (mut socket, _) = hasty.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(socket.read(&mut head).await.unwrap() > 0);
        let said = r#"{"text": "The cough is better."}"#;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        socket.write_all(format!("{head}content-length: {}\r\n\r\n{said}", said.len()).as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    };
    pieces.send(audio(100_000)).unwrap();
    tokio::select! {
        answer = app.transcribe(&clinician, &visit, body) => {
            answer.refused(503, "AI_UNAVAILABLE");
        }
        () = answering => {}
    }
    drop(pieces);
}
