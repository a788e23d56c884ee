//! What is served on a connection, and when it ends.

use std::future::{pending, ready};

use actix_http::HttpService;
use actix_service::{ServiceFactory, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const QUESTION: &[u8] = b"GET /status HTTP/1.1\r\nHost: care.example\r\n\r\n";

async fn status(req: HttpRequest) -> HttpResponse {
    req.conn_data::<Rc<Connection>>().unwrap().asks(&req);
    HttpResponse::NoContent().finish()
}

/// Serves one connection, on which nothing happens for as long as `rest`; the client's end of it.
async fn serving<R: Future<Output = ()> + 'static>(rest: impl Fn() -> R + 'static) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let web = App::new().wrap(from_fn(watch_answers)).route("/status", web::get().to(status));
    let service = HttpService::build()
        .on_connect_ext(|line: &Line, data| {
            data.insert(line.connection());
        })
        .h1(map_config(web, |()| AppConfig::default()));
    let service = Rc::new(service.new_service(()).await.unwrap());
    actix_web::rt::spawn(async move { serve(stream, service, rest).await.unwrap() });
    client
}

async fn answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn a_connection_on_which_nothing_happens_for_too_long_is_closed_after_its_answer() {
    let mut client = serving(|| ready(())).await;
    client.write_all(QUESTION).await.unwrap();
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 204"));
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
}

#[actix_web::test]
async fn a_connection_serves_as_many_questions_as_come_however_they_are_cut() {
    let mut client = serving(pending).await;
    for cut in 1..QUESTION.len() {
        client.write_all(&QUESTION[..cut]).await.unwrap();
        client.flush().await.unwrap();
        tokio::task::yield_now().await;
        client.write_all(&QUESTION[cut..]).await.unwrap();
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 204"), "cut at {cut}");
    }
}

#[actix_web::test]
async fn a_body_that_comes_late_is_not_taken_for_a_question() {
    let mut client = serving(pending).await;
    let with_body = format!("GET /status HTTP/1.1\r\nHost: care.example\r\nContent-Length: {}\r\n\r\n", QUESTION.len());
    client.write_all(with_body.as_bytes()).await.unwrap();
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 204"));
    client.write_all(QUESTION).await.unwrap();
    client.shutdown().await.unwrap();
    let mut more = Vec::new();
    // Refused, if anything: it may be reset, as nobody reads what was sent.
    let _ = client.read_to_end(&mut more).await;
    assert!(!String::from_utf8_lossy(&more).contains("204"), "{}", String::from_utf8_lossy(&more));
}
