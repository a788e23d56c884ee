//! The two listeners, on a thread of their own.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, BytesMut, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, Result, anyhow};
use futures_util::StreamExt;
use rustls::ServerConfig;
use tokio::sync::oneshot;

use super::exchange::{Answer, Asked};
use super::office::Office;

/// A little more than the largest body that a neighbour takes: what is too long is refused by the neighbour.
const BODY_LIMIT: usize = 40 * 1024 * 1024;

pub(super) struct Listeners {
    platform: TcpListener,
    jitsi: TcpListener,
}

pub(super) struct Addresses {
    pub base_url: String,
    pub jitsi_url: String,
}

impl Listeners {
    pub fn bind(port: Option<u16>, jitsi_port: Option<u16>) -> Result<Self> {
        let bind = |port: Option<u16>| {
            let port = port.unwrap_or(0);
            TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} cannot be had"))
        };
        Ok(Self { platform: bind(port)?, jitsi: bind(jitsi_port)? })
    }

    pub fn addresses(&self) -> Result<Addresses> {
        let port = self.platform.local_addr()?.port();
        let jitsi_port = self.jitsi.local_addr()?.port();
        Ok(Addresses {
            base_url: format!("http://127.0.0.1:{port}"),
            jitsi_url: format!("https://localhost:{jitsi_port}"),
        })
    }
}

#[derive(Debug)]
pub(super) struct Server {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub async fn start(listeners: Listeners, tls: ServerConfig, office: Arc<Office>) -> Result<Self> {
        let (started, handle) = oneshot::channel();
        let thread = std::thread::Builder::new().name("vcare-standins".to_owned()).spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                match serve(listeners, tls, office) {
                    Ok(server) => {
                        let _ = started.send(Ok(server.handle()));
                        let _ = server.await;
                    }
                    Err(error) => {
                        let _ = started.send(Err(error));
                    }
                }
            });
        })?;
        let handle = handle.await.map_err(|_| anyhow!("the stand-ins did not start"))??;
        Ok(Self { handle, thread: Some(thread) })
    }

    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Told at once; that it has stopped need not be awaited.
        drop(self.handle.stop(false));
    }
}

fn serve(listeners: Listeners, tls: ServerConfig, office: Arc<Office>) -> Result<actix_web::dev::Server> {
    let office = Data::from(office);
    let app = move || App::new().app_data(office.clone()).default_service(web::to(answer));
    // Nothing in here waits but by sleeping, so one worker does for all.
    let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(1);
    let server = server.listen(listeners.platform)?.listen_rustls_0_23(listeners.jitsi, tls)?;
    Ok(server.run())
}

/// Reads a body as it comes; `None` for one that is cut short or too long. Who hears audio says how much of it has come.
async fn read(request: &HttpRequest, mut payload: Payload, office: &Office) -> Option<Bytes> {
    let heard = request.uri().path().starts_with("/api/v1/ai/");
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.ok()?;
        if heard {
            office.ai.arrives(piece.len());
        }
        if body.len() + piece.len() > BODY_LIMIT {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body.freeze())
}

async fn answer(request: HttpRequest, payload: Payload, office: Data<Office>) -> HttpResponse {
    let Some(body) = read(&request, payload, &office).await else { return HttpResponse::BadRequest().finish() };
    let mut asked = Asked {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.query_string().to_owned(),
        headers: Default::default(),
        body,
    };
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let entry = asked.headers.entry(name.as_str().to_owned()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(&value);
    }
    // The listener with TLS is Jitsi's.
    if request.app_config().secure() {
        respond(office.answer_as_jitsi(&asked).await)
    } else {
        let mut response = respond(office.answer(&asked).await);
        // Pages of whoever develops a front end may ask all of it.
        let headers = response.headers_mut();
        for (name, value) in [("access-control-allow-origin", "*"), ("access-control-expose-headers", "etag, location")]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

fn respond(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(answer.status);
    for header in answer.headers {
        response.insert_header(header);
    }
    response.body(answer.body)
}
