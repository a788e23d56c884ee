//! Connections that keep nothing but themselves while somebody waits: with a question held open on them, or between two.
//!
//! actix-http keeps two buffers of 8 kB for each connection, and what it runs for the question. Ten thousand wait at once; so a
//! connection on which nothing but one held question is going on is taken from it, with what was read of the question. When
//! there is a reason to go on (news, the time is up, the process ends, the client sends more), a new dispatcher reads the same
//! bytes again, and the route goes on with what it had put aside instead of beginning anew. Between two such questions it is
//! taken until the next one comes.
//!
//! Nothing that was promised to the client may depend on what is thrown away. A connection is therefore taken only when what
//! was read since the last answer is the head of this one question, byte for byte, and all answers before it are written; or
//! when it is nothing, after the whole answer to such a question that had no body.

mod answers;
mod head;
#[cfg(test)]
mod tests;

pub use answers::watch_answers;

use std::cell::{RefCell, RefMut};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::error::DispatchError;
use actix_service::Service;
use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use vcare_app::waiting::{Cue, Held};

use self::head::is_head_of;

/// A question with a longer head is answered as any other, and takes the memory that it takes.
const LONGEST_HEAD: usize = 4096;

type Waiting = LocalBoxFuture<'static, (Held, Cue)>;

/// A connection, as what reads requests from it and what answers them share it.
pub struct Connection(RefCell<State>);

struct State {
    stream: TcpStream,
    /// What was read since something was last written, up to [`LONGEST_HEAD`].
    heard: Vec<u8>,
    /// So much of it was given to who reads.
    given: usize,
    /// More was read than was kept.
    incomplete: bool,
    /// The head of one question that may be held open is all that was heard: so long is it.
    question: Option<usize>,
    /// That question has no body.
    bodiless: bool,
    /// It was answered, and nothing was heard since.
    idle: bool,
    /// An answer is waiting for the line to take it.
    blocked: bool,
    /// It is being closed.
    closing: bool,
    /// What the question waits for.
    waiting: Option<Waiting>,
    /// What it waited for, when that came while the connection was taken.
    told: Option<(Held, Cue)>,
}

impl State {
    /// What is written belongs to the question before: nothing of it may be found by the next one, which behind a gateway is
    /// somebody else's.
    fn forget(&mut self) {
        self.heard.clear();
        self.given = 0;
        self.incomplete = false;
        self.question = None;
        self.waiting = None;
        self.told = None;
    }

    fn note(&mut self, read: &[u8]) {
        self.idle = false;
        if self.incomplete || self.heard.len() + read.len() > LONGEST_HEAD {
            self.incomplete = true;
            (self.heard, self.given) = (Vec::new(), 0);
        } else {
            self.heard.extend_from_slice(read);
            self.given = self.heard.len();
        }
    }

    fn can_be_taken(&self) -> bool {
        let rests = self.idle && self.heard.is_empty();
        let waits = self.waiting.is_some() && self.asks_alone();
        (rests || waits) && !self.blocked && !self.closing
    }

    fn asks_alone(&self) -> bool {
        self.question == Some(self.heard.len())
    }
}

impl Connection {
    fn new(stream: TcpStream) -> Rc<Self> {
        Rc::new(Self(RefCell::new(State {
            stream,
            heard: Vec::new(),
            given: 0,
            incomplete: false,
            question: None,
            bodiless: false,
            idle: false,
            blocked: false,
            closing: false,
            waiting: None,
            told: None,
        })))
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// Notes whether this question, of who waits, is all that was heard.
    pub fn asks(&self, req: &HttpRequest) {
        let mut state = self.state();
        let all = !state.incomplete && is_head_of(&state.heard, req);
        state.question = all.then_some(state.heard.len());
        state.bodiless = !req.headers().contains_key(CONTENT_LENGTH) && !req.headers().contains_key(TRANSFER_ENCODING);
    }

    /// Notes that there is nothing more of an answer.
    fn answered(&self) {
        let mut state = self.state();
        state.idle = state.bodiless && state.asks_alone();
    }

    /// What the question on this connection waited for, when it was put aside.
    pub async fn resume(&self) -> Option<(Held, Cue)> {
        let told = self.state().told.take();
        if told.is_some() {
            return told;
        }
        let waits = self.state().waiting.is_some();
        if waits { Some(self.cue().await) } else { None }
    }

    /// Waits for a reason to go on with a question. Meanwhile the connection may be taken, and what awaits this with it: the
    /// same question is then asked again, and finds the rest with [`Self::resume`].
    pub async fn put_aside(&self, mut held: Held, stop: CancellationToken) -> (Held, Cue) {
        self.state().waiting = Some(Box::pin(async move {
            let cue = held.cue(&stop).await;
            (held, cue)
        }));
        self.cue().await
    }

    async fn cue(&self) -> (Held, Cue) {
        poll_fn(|cx| {
            let mut state = self.state();
            // Absent only once an answer was begun, and then nobody awaits this any more.
            let Some(waiting) = state.waiting.as_mut() else { return Poll::Pending };
            let told = ready!(waiting.as_mut().poll(cx));
            state.waiting = None;
            Poll::Ready(told)
        })
        .await
    }

    /// Ends when there is a reason to serve the connection again, or with an error when it is over.
    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.state();
        if let Some(waiting) = state.waiting.as_mut()
            && let Poll::Ready(told) = waiting.as_mut().poll(cx)
        {
            (state.waiting, state.told) = (None, Some(told));
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        match ready!(state.stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)))? {
            0 => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

/// What actix-http reads from and writes to.
pub struct Line(Rc<Connection>);

impl Line {
    /// The connection, for who answers what comes from it.
    #[must_use]
    pub fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.0)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.state();
        let again = &state.heard[state.given..];
        if !again.is_empty() {
            let length = again.len().min(buf.remaining());
            buf.put_slice(&again[..length]);
            state.given += length;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut state.stream).poll_read(cx, buf))?;
        state.note(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let state = &mut *self.0.state();
        state.forget();
        let written = Pin::new(&mut state.stream).poll_write(cx, buf);
        state.blocked = written.is_pending();
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.state().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.state();
        state.closing = true;
        Pin::new(&mut state.stream).poll_shutdown(cx)
    }
}

/// A connection that is taken until this is dropped.
struct Taken(&'static str);

impl Taken {
    fn begin(state: &'static str) -> Self {
        metrics::gauge!("vcare_connections_put_aside", "state" => state).increment(1);
        Self(state)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        metrics::gauge!("vcare_connections_put_aside", "state" => self.0).decrement(1);
    }
}

/// Serves a connection until it ends. One on which nothing happens is closed when `rest` is over.
///
/// # Errors
/// As the service that answers.
pub async fn serve<S, R>(stream: TcpStream, service: Rc<S>, rest: impl Fn() -> R) -> Result<(), DispatchError>
where
    S: Service<(Line, Option<SocketAddr>), Response = (), Error = DispatchError>,
    R: Future<Output = ()>,
{
    let peer = stream.peer_addr().ok();
    let connection = Connection::new(stream);
    loop {
        let mut dispatcher = Box::pin(service.call((Line(Rc::clone(&connection)), peer)));
        let served = poll_fn(|cx| match dispatcher.as_mut().poll(cx) {
            Poll::Ready(served) => Poll::Ready(Some(served)),
            // Only now: what it had to write, it has written or could not.
            Poll::Pending if connection.state().can_be_taken() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if let Some(served) = served.await {
            return served;
        }
        drop(dispatcher);
        connection.state().heard.shrink_to_fit();
        let idle = std::mem::take(&mut connection.state().idle);
        let _taken = Taken::begin(if idle { "idle" } else { "waiting" });
        let mut rest = idle.then(|| Box::pin(rest()));
        let again = poll_fn(|cx| match rest.as_mut().map(|rest| rest.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(false),
            // Whoever asked may have gone.
            _ => connection.poll_taken(cx).map(|again| again.is_ok()),
        });
        if !again.await {
            return Ok(());
        }
        connection.state().given = 0;
    }
}
