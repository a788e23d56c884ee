//! A connection, as what reads requests from it and what answers them share it.

use std::cell::{RefCell, RefMut};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use futures_util::future::LocalBoxFuture;
use tokio::io::ReadBuf;

use super::head::is_head_of;
use crate::paced_stream::PacedStream;

/// A long poll with a longer head is answered as any other request, and takes the memory that it takes.
const LONGEST_HEAD: usize = 4096;

/// A connection on which handlers wait for a `T`.
pub struct Connection<T>(RefCell<State<T>>);

/// What is known of a connection.
pub(super) struct State<T> {
    pub stream: PacedStream,
    /// Whether it may be parked at all.
    parks: bool,
    /// What was read since something was last written, up to [`LONGEST_HEAD`].
    received: Vec<u8>,
    /// How many of these bytes the dispatcher has read.
    given: usize,
    /// More was read than was kept.
    incomplete: bool,
    /// The length of the head, when the head of one long poll is all that was received.
    long_poll: Option<usize>,
    /// That request has no body.
    bodiless: bool,
    /// It was answered, and nothing was received since.
    idle: bool,
    /// A response is waiting for the network to take it.
    pub blocked: bool,
    /// It is being closed.
    pub closing: bool,
    /// The client sends nothing more.
    ended: bool,
    /// What the long poll waits for.
    waiting: Option<LocalBoxFuture<'static, T>>,
    /// What it waited for, when that came while the connection was parked.
    outcome: Option<T>,
}

impl<T> State<T> {
    /// What is written belongs to a request before: what was received up to here is no head of the next one alone.
    ///
    /// The next one may be waiting already: of requests that came together it is begun when the response to the one before is
    /// whole, and before that is written.
    pub fn forget(&mut self) {
        self.received.clear();
        self.given = 0;
        self.incomplete = false;
        self.long_poll = None;
    }

    /// Notes what was read; nothing is the end.
    pub fn note(&mut self, read: &[u8]) {
        self.idle = false;
        self.ended |= read.is_empty();
        if !self.parks || self.incomplete || self.received.len() + read.len() > LONGEST_HEAD {
            self.incomplete = true;
            (self.received, self.given) = (Vec::new(), 0);
        } else {
            self.received.extend_from_slice(read);
            self.given = self.received.len();
        }
    }

    /// What a new dispatcher has yet to read again, if anything, as far as there is room.
    pub fn give_again(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let again = &self.received[self.given..];
        let length = again.len().min(buf.remaining());
        buf.put_slice(&again[..length]);
        self.given += length;
        length > 0
    }

    pub fn can_be_parked(&self) -> bool {
        let rests = self.idle && self.received.is_empty();
        let waits = self.waiting.is_some() && self.is_all_received();
        (rests || waits) && self.parks && !self.blocked && !self.closing && !self.ended
    }

    /// Whether the client left while its long poll was open.
    pub fn is_abandoned(&self) -> bool {
        self.ended && self.waiting.is_some()
    }

    /// Begins to be parked: whether it is idle.
    pub fn park(&mut self) -> bool {
        self.received.shrink_to_fit();
        std::mem::take(&mut self.idle)
    }

    /// Ends to be parked: everything that was received is read again.
    pub fn unpark(&mut self) {
        self.given = 0;
    }

    fn is_all_received(&self) -> bool {
        self.long_poll == Some(self.received.len())
    }

    /// Ends when there is a reason to serve the parked connection again, or with an error when it is over.
    pub fn poll_parked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(waiting) = self.waiting.as_mut()
            && let Poll::Ready(outcome) = waiting.as_mut().poll(cx)
        {
            (self.waiting, self.outcome) = (None, Some(outcome));
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        match ready!(self.stream.tcp().poll_peek(cx, &mut ReadBuf::new(&mut byte)))? {
            0 => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<T> Connection<T> {
    pub(super) fn new(stream: PacedStream, parks: bool) -> Rc<Self> {
        Rc::new(Self(RefCell::new(State {
            stream,
            parks,
            received: Vec::new(),
            given: 0,
            incomplete: false,
            long_poll: None,
            bodiless: false,
            idle: false,
            blocked: false,
            closing: false,
            ended: false,
            waiting: None,
            outcome: None,
        })))
    }

    pub(super) fn state(&self) -> RefMut<'_, State<T>> {
        self.0.borrow_mut()
    }

    /// Notes that this request is a long poll, and whether it is all that was received.
    pub fn is_long_poll(&self, req: &HttpRequest) {
        let mut state = self.state();
        let all = state.parks && !state.incomplete && is_head_of(&state.received, req);
        state.long_poll = all.then_some(state.received.len());
        state.bodiless = !req.headers().contains_key(CONTENT_LENGTH) && !req.headers().contains_key(TRANSFER_ENCODING);
    }

    /// Notes that there is nothing more of a response. The next request is not begun yet: nothing of this one may be found by
    /// it, which behind a gateway is somebody else's.
    pub(super) fn responded(&self) {
        let mut state = self.state();
        (state.waiting, state.outcome) = (None, None);
        state.idle = state.bodiless && state.is_all_received();
    }

    /// What the long poll on this connection waited for, when the connection was parked meanwhile; `None` for a request that is
    /// read for the first time.
    pub async fn resume(&self) -> Option<T> {
        let outcome = self.state().outcome.take();
        if outcome.is_some() {
            return outcome;
        }
        let waits = self.state().waiting.is_some();
        if waits { Some(self.outcome().await) } else { None }
    }

    /// Waits for that. Meanwhile the connection may be parked, and what awaits this is dropped: the same request is then read
    /// again, and finds the rest with [`Self::resume`].
    pub async fn wait(&self, until: impl Future<Output = T> + 'static) -> T {
        self.state().waiting = Some(Box::pin(until));
        self.outcome().await
    }

    async fn outcome(&self) -> T {
        poll_fn(|cx| {
            let mut state = self.state();
            // Absent only once a response is whole, and then nobody awaits this any more.
            let Some(waiting) = state.waiting.as_mut() else { return Poll::Pending };
            let outcome = ready!(waiting.as_mut().poll(cx));
            state.waiting = None;
            Poll::Ready(outcome)
        })
        .await
    }
}
