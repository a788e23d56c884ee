//! Waiting over HTTP/2, as a browser asks what stands in front of the api: a header that was sent before costs a byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use h2::{client, server};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex, join, split};
use tokio::net::TcpStream;
use tokio_util::io::{InspectReader, InspectWriter};
use vcare_testkit::ServiceProcess;

use super::wire::{Bytes, QUESTIONS, STATUS, WAITING, ask, question};

/// More than is ever under way.
const ROOM: usize = 64 * 1024;

/// Half an hour of one patient's, with these headers: what its browser sends and receives on one connection, the
/// connection's own frames included. The api does not speak HTTP/2, so there is an edge here that passes each question on
/// to it. The answers' headers are the api's; an edge adds some of its own, and may not remember them. The token is sent
/// anew each time here: a browser that lets it be remembered sends less.
pub async fn half_an_hour(api: &ServiceProcess, token: &str, headers: &str) -> Result<Bytes> {
    let (phone, edge) = duplex(ROOM);
    let to_api = TcpStream::connect(api.address()).await?;
    let edge = tokio::spawn(pass_on(edge, to_api));
    let (sent, received) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (client, connection) = client::handshake(counted(phone, &sent, &received)).await?;
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await?;
    for _ in 0..QUESTIONS {
        client = client.ready().await?;
        let (answer, _) = client.send_request(asked(token, headers)?, true)?;
        let status = answer.await?.status();
        ensure!(status == StatusCode::NO_CONTENT, "{status}");
    }
    drop(client);
    connection.await??;
    edge.await??;
    Ok(Bytes { sent: sent.load(Ordering::Relaxed), received: received.load(Ordering::Relaxed) })
}

/// A stream that counts.
fn counted(
    stream: DuplexStream,
    sent: &Arc<AtomicUsize>,
    received: &Arc<AtomicUsize>,
) -> impl AsyncRead + AsyncWrite + Unpin + Send + 'static {
    let (read, write) = split(stream);
    let (sent, received) = (Arc::clone(sent), Arc::clone(received));
    let count = |all: Arc<AtomicUsize>| {
        move |bytes: &[u8]| {
            all.fetch_add(bytes.len(), Ordering::Relaxed);
        }
    };
    join(InspectReader::new(read, count(received)), InspectWriter::new(write, count(sent)))
}

/// The question as a browser sends it.
fn asked(token: &str, headers: &str) -> Result<Request<()>> {
    let mut request = Request::get(format!("https://care.example{STATUS}{WAITING}"))
        .header("authorization", format!("Bearer {token}"));
    for line in headers.lines().filter(|line| !line.starts_with("Connection")) {
        let (name, value) = line.split_once(": ").context("a header is a name and a value")?;
        request = request.header(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(request.body(())?)
}

/// Asks the api for each question that comes, over HTTP/1.1, and passes its answer on.
async fn pass_on(phone: DuplexStream, mut api: TcpStream) -> Result<()> {
    let mut connection = server::handshake(phone).await?;
    while let Some(came) = connection.accept().await {
        let (request, mut respond) = came?;
        let token = request.headers().get("authorization").context("a question has a token")?;
        let token = token.to_str()?.trim_start_matches("Bearer ");
        let (answer, _) = ask(&mut api, &question(token, WAITING, "")).await?;
        let mut lines = answer.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("an answer has a status")?;
        let mut response = Response::builder().status(status);
        for (name, value) in lines.map_while(|line| line.split_once(": ")) {
            response = response.header(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        respond.send_response(response.body(())?, true)?;
    }
    Ok(())
}
