//! The server.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_http::HttpService;
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::http::header::{ALLOW, ETAG, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App as WebApp, web};
use anyhow::Context;
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vcare_app::ports::{AccessTokens, Ids, InternalTokens};
use vcare_app::{App, InLine};
use vcare_boot::{ApiConfig, Health, Metrics};
use vcare_domain::UploadId;

use crate::answer::{MUTATION_DIFFERS, MUTATION_REPLAYED, REPLAYED};
use crate::extract::AudioLimits;
use crate::limit::Limit;
use crate::paced_stream::{PacedStream, ReadingPace};
use crate::parking::{self, Stream};
use crate::problem::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::{self, X_REQUEST_ID, packing};
use crate::routes::waiting::status::Awaited;
use crate::routes::{self, CrossOrigin};
use crate::transfers::Transfers;

/// How long a connection without a request is kept. Longer than Kong keeps one, which must not send into a connection that
/// is being closed; and longer than the pauses of who waits, who would pay for each new one.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const REQUEST_HEAD: Duration = Duration::from_secs(30);
/// How long a client may take to close a connection that we closed.
const GOODBYE: Duration = Duration::from_secs(1);

/// What every route has at hand.
pub struct Api {
    /// The use cases.
    pub app: App,
    /// Checks who signs in.
    pub access_tokens: Arc<dyn AccessTokens>,
    /// Checks who calls the internal routes.
    pub internal_tokens: Arc<dyn InternalTokens>,
    /// How the process is.
    pub health: Health,
    /// The process' metrics.
    pub metrics: Metrics,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How long a request may take.
    pub deadline: Duration,
    /// How often short codes may be asked about that there are not.
    pub short_codes: Limit,
    /// Ends with the process: who waits is answered at once.
    pub stop: CancellationToken,
    /// How much audio is taken, and how slowly.
    pub audio: AudioLimits,
    /// The uploads that bring bytes.
    pub uploads: Transfers,
    /// Requests that open the same upload at the same moment.
    pub openings: InLine<UploadId>,
    /// How long an upload's request may bring next to nothing.
    pub upload_stall: Duration,
    /// The attachments that are being sent.
    pub downloads: Transfers,
}

/// Begins to listen. Answers the address, and the server to be awaited; signals are the caller's. With `parks`, connections
/// on which a long poll is open are parked.
///
/// # Errors
/// When it cannot listen there.
pub fn listen(api: Api, config: &ApiConfig, parks: bool) -> anyhow::Result<(SocketAddr, Server)> {
    let listener = TcpListener::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let api = web::Data::new(api);
    let limit = config.max_body_bytes;
    let pace = ReadingPace {
        window: Duration::from_secs(config.slow_reader_seconds.into()),
        bytes: config.slow_reader_bytes.into(),
    };
    let origins = config.cors_allow_origins.clone();
    let mut server = Server::build().disable_signals().shutdown_timeout(config.shutdown_seconds);
    if let Some(threads) = config.threads {
        server = server.workers(threads);
    }
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("vcare-api", listener, move || {
        let web = WebApp::new()
            .app_data(api.clone())
            .app_data(web::PayloadConfig::new(limit))
            .app_data(CrossOrigin(!origins.is_empty()))
            // The last is the outermost: what CORS and compression add to an answer stays.
            .wrap(from_fn(request::read_by_head))
            .wrap(from_fn(request::around))
            .wrap(Compress::default())
            .wrap(from_fn(packing::without_mark))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(parking::watch_responses::<Awaited, _>))
            .configure(routes::configure);
        let (stopping, ending) = (stopping.clone(), stopping.clone());
        let service = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            // Five seconds are not enough for a request's head on a 2G link that stalls; and who never ends one must still go.
            .client_request_timeout(REQUEST_HEAD)
            .client_disconnect_timeout(GOODBYE)
            .graceful_shutdown_signal(move || drain(stopping.clone()))
            .on_connect_ext(|stream: &Stream<Awaited>, data| {
                data.insert(stream.connection());
            })
            .h1(map_config(web, |()| AppConfig::default()));
        let service = Rc::new(service);
        fn_factory(move || {
            let (service, ending) = (Rc::clone(&service), ending.clone());
            async move {
                let answers = Rc::new(service.new_service(()).await?);
                let rest = move || rest(ending.clone());
                Ok::<_, ()>(fn_service(move |stream| {
                    let (answers, rest) = (Rc::clone(&answers), rest.clone());
                    async move { parking::serve(PacedStream::new(stream, pace)?, answers, parks, rest).await }
                }))
            }
        })
    })?;
    Ok((address, server.run()))
}

/// For so long a connection is kept on which nothing happens.
async fn rest(stopping: GracefulShutdownSignal) {
    tokio::select! {
        () = stopping.notified() => {}
        () = sleep(KEEP_ALIVE) => {}
    }
}

/// Connections without a request end with the process at once. One that was taken out of a wait by that same end has yet to
/// read its question, so each is left one turn.
async fn drain(stopping: GracefulShutdownSignal) {
    stopping.notified().await;
    yield_now().await;
}

/// Behind Kong there is none: Kong answers for its own routes. A sandbox allows every origin.
fn cors(origins: &[String]) -> Cors {
    let mut cors = Cors::default()
        // Each path answers by itself, with its own methods.
        .disable_preflight()
        .expose_headers([
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            REPLAYED,
            MUTATION_REPLAYED,
            MUTATION_DIFFERS,
            X_REQUEST_ID,
        ])
        .expose_headers([ALLOW, WWW_AUTHENTICATE, RATE_LIMIT, RATE_LIMIT_POLICY])
        .expose_headers(routes::uploads::EXPOSED);
    for origin in origins {
        cors = if origin == "*" { cors.allow_any_origin() } else { cors.allowed_origin(origin) };
    }
    cors
}
