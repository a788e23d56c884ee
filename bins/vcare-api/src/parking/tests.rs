//! What is served on a connection, and when it ends.

use std::cell::Cell;
use std::future::{pending, ready};
use std::rc::Rc;

use actix_http::{HttpService, KeepAlive};
use actix_service::{ServiceFactory, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpRequest, HttpResponse, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::paced_stream::{PacedStream, ReadingPace};

const LONG_POLL: &[u8] = b"GET /status HTTP/1.1\r\nHost: care.example\r\n\r\n";

/// What handlers wait for. It may never arrive.
#[derive(Clone)]
pub struct News {
    pub arrived: watch::Sender<bool>,
    /// How often a long poll went on with what it had waited for.
    pub resumed: Rc<Cell<u32>>,
}

impl News {
    pub fn none() -> Self {
        Self { arrived: watch::Sender::new(false), resumed: Rc::default() }
    }
}

/// A long poll; with `at-once` one that is answered without waiting.
async fn status(req: HttpRequest, news: Data<News>) -> HttpResponse {
    let connection = req.conn_data::<Rc<Connection<bool>>>().unwrap();
    connection.is_long_poll(&req);
    if req.query_string().contains("at-once") {
        return HttpResponse::NoContent().finish();
    }
    if connection.resume().await.is_some() {
        news.resumed.set(news.resumed.get() + 1);
    } else {
        let mut arrived = news.arrived.subscribe();
        connection.wait(async move { arrived.wait_for(|arrived| *arrived).await.is_ok() }).await;
    }
    HttpResponse::Ok().body(format!("news for {}", req.query_string()))
}

async fn echo(body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().body(body)
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().body("{\"status\":\"up\"}")
}

/// Serves one connection, on which nothing happens for as long as `rest`; the client's end of it.
pub async fn serving<R: Future<Output = ()> + 'static>(
    parks: bool,
    news: News,
    rest: impl Fn() -> R + 'static,
) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let web = App::new()
        .app_data(Data::new(news))
        .wrap(from_fn(watch_responses::<bool, _>))
        .route("/status", web::get().to(status))
        .route("/echo", web::post().to(echo))
        .route("/health", web::get().to(health));
    let service = HttpService::build()
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(std::time::Duration::ZERO)
        .on_connect_ext(|stream: &Stream<bool>, data| {
            data.insert(stream.connection());
        })
        .h1(map_config(web, |()| AppConfig::default()));
    let service = Rc::new(service.new_service(()).await.unwrap());
    // How a connection ends that carried nonsense is the client's to see.
    let pace = ReadingPace { window: std::time::Duration::from_secs(60), bytes: 60_000 };
    let stream = PacedStream::new(stream, pace).unwrap();
    actix_web::rt::spawn(async move { serve(stream, service, parks, rest).await.ok() });
    client
}

async fn response(client: &mut TcpStream) -> String {
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(response).unwrap()
}

#[actix_web::test]
async fn a_connection_on_which_nothing_happens_for_too_long_is_closed_after_its_response() {
    let mut client = serving(true, News::none(), || ready(())).await;
    client.write_all(b"GET /status?at-once HTTP/1.1\r\nHost: care.example\r\n\r\n").await.unwrap();
    assert!(response(&mut client).await.starts_with("HTTP/1.1 204"));
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
}

#[actix_web::test]
async fn a_body_that_comes_late_is_not_taken_for_a_request() {
    let mut client = serving(true, News::none(), pending).await;
    let length = LONG_POLL.len();
    let with_body = format!("GET /status?at-once HTTP/1.1\r\nHost: care.example\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(with_body.as_bytes()).await.unwrap();
    assert!(response(&mut client).await.starts_with("HTTP/1.1 204"));
    client.write_all(LONG_POLL).await.unwrap();
    client.shutdown().await.unwrap();
    let mut more = Vec::new();
    // Refused, if anything: it may be reset, as nobody reads what was sent.
    let _ = client.read_to_end(&mut more).await;
    assert!(!String::from_utf8_lossy(&more).contains("204"), "{}", String::from_utf8_lossy(&more));
}

#[actix_web::test]
async fn who_closes_their_side_while_they_wait_has_gone_with_parking_and_without() {
    for parks in [true, false] {
        let news = News::none();
        let mut client = serving(parks, news.clone(), pending).await;
        client.write_all(LONG_POLL).await.unwrap();
        while news.arrived.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(news.arrived.receiver_count(), 0, "nobody waits any more");
    }
}

/// Both are read at once: the second one waits before the first one's response is written.
#[actix_web::test]
async fn a_long_poll_right_behind_another_request_is_answered() {
    for parks in [true, false] {
        let news = News::none();
        let mut client = serving(parks, news.clone(), pending).await;
        let both = [b"GET /health HTTP/1.1\r\nHost: care.example\r\n\r\n", LONG_POLL].concat();
        client.write_all(&both).await.unwrap();
        while news.arrived.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        news.arrived.send_replace(true);
        let mut received = String::new();
        while !received.contains("news for") {
            received.push(char::from(client.read_u8().await.unwrap()));
        }
        assert!(received.contains("\"up\""), "{received}");
    }
}
