//! Serving one connection, by one dispatcher after the other.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;

use actix_http::error::DispatchError;
use actix_service::Service;

use super::{Connection, Stream};
use crate::paced_stream::PacedStream;

/// A connection that is parked until this is dropped.
struct Parked(&'static str);

impl Parked {
    fn begin(state: &'static str) -> Self {
        metrics::gauge!("vcare_connections_put_aside", "state" => state).increment(1);
        Self(state)
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        metrics::gauge!("vcare_connections_put_aside", "state" => self.0).decrement(1);
    }
}

/// Serves a connection until it ends. One that is parked with nothing open on it is closed when `rest` is over. Without
/// `parks` none is parked, and each keeps its dispatcher as long as it lasts.
///
/// # Errors
/// As the service that answers.
pub async fn serve<T, S, R>(
    stream: PacedStream,
    service: Rc<S>,
    parks: bool,
    rest: impl Fn() -> R,
) -> Result<(), DispatchError>
where
    S: Service<(Stream<T>, Option<SocketAddr>), Response = (), Error = DispatchError>,
    R: Future<Output = ()>,
{
    let peer = stream.tcp().peer_addr().ok();
    let connection = Connection::<T>::new(stream, parks);
    loop {
        let mut dispatcher = Box::pin(service.call((Stream(Rc::clone(&connection)), peer)));
        let served = poll_fn(|cx| match dispatcher.as_mut().poll(cx) {
            Poll::Ready(served) => Poll::Ready(Some(served)),
            Poll::Pending if connection.state().is_abandoned() => Poll::Ready(Some(Ok(()))),
            // Only now: what it had to write, it has written or could not.
            Poll::Pending if connection.state().can_be_parked() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if let Some(served) = served.await {
            return served;
        }
        drop(dispatcher);
        let idle = connection.state().park();
        let _parked = Parked::begin(if idle { "idle" } else { "waiting" });
        let mut rest = idle.then(|| Box::pin(rest()));
        let again = poll_fn(|cx| match rest.as_mut().map(|rest| rest.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(false),
            // The client may have left.
            _ => connection.state().poll_parked(cx).map(|again| again.is_ok()),
        });
        if !again.await {
            return Ok(());
        }
        connection.state().unpark();
    }
}
