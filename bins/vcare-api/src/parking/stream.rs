//! What actix-http reads from and writes to.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Connection;

/// The bytes of a connection, for one dispatcher after the other.
pub struct Stream<T>(pub(super) Rc<Connection<T>>);

impl<T> Stream<T> {
    /// The connection, for who answers what comes from it.
    #[must_use]
    pub fn connection(&self) -> Rc<Connection<T>> {
        Rc::clone(&self.0)
    }
}

impl<T> AsyncRead for Stream<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.state();
        if buf.remaining() == 0 || state.give_again(buf) {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut state.stream).poll_read(cx, buf))?;
        state.note(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<T> AsyncWrite for Stream<T> {
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
