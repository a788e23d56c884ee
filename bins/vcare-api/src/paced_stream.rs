//! A connection that is cut when its peer reads too slowly. Otherwise a peer that stops reading would keep memory, and one of
//! the places for downloads, forever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// How many unsent bytes the kernel may buffer. Without a limit it buffers megabytes, and a peer that does not read would be
/// noticed only when they are full.
const UNSENT: u32 = 16 * 1024;
/// After such a pause between two writes it was we who had nothing to send.
const PAUSE: Duration = Duration::from_secs(1);

/// How slowly a peer may read.
#[derive(Debug, Clone, Copy)]
pub struct ReadingPace {
    /// The time in which the peer must read [`bytes`](Self::bytes).
    pub window: Duration,
    /// The number of bytes that the peer must read in each window, as long as that many are to be sent.
    pub bytes: u64,
}

/// A TCP connection whose writes fail when the peer reads more slowly than the pace.
pub struct PacedStream {
    stream: TcpStream,
    pace: ReadingPace,
    window: Option<Window>,
    /// When all that was to be sent had been taken.
    flushed: Option<Instant>,
}

/// Begins when a write has to wait.
struct Window {
    ends: Pin<Box<Sleep>>,
    written: u64,
}

impl PacedStream {
    /// Watches that connection.
    ///
    /// # Errors
    /// When the kernel cannot limit what it takes.
    pub fn new(stream: TcpStream, pace: ReadingPace) -> io::Result<Self> {
        SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT)?;
        Ok(Self { stream, pace, window: None, flushed: None })
    }

    /// The connection.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// Ends with an error when the peer has read too little; else never.
    fn poll_pace(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let pace = self.pace;
        let begin = || Window { ends: Box::pin(sleep(pace.window)), written: 0 };
        let window = self.window.get_or_insert_with(begin);
        loop {
            ready!(window.ends.as_mut().poll(cx));
            if window.written < pace.bytes {
                metrics::counter!("vcare_slow_readers_cut_total").increment(1);
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            *window = begin();
        }
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.flushed.take().is_some_and(|at| at.elapsed() >= PAUSE) {
            self.window = None;
        }
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Ready(Ok(written)) => {
                if let Some(window) = &mut self.window {
                    window.written += written as u64;
                }
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_pace(cx).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = Some(Instant::now());
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::yield_now;
    use tokio::time::{advance, pause};

    use super::*;

    const PACE: ReadingPace = ReadingPace { window: Duration::from_secs(60), bytes: 60_000 };

    async fn connected() -> (PacedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        SockRef::from(&peer).set_recv_buffer_size(4096).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (PacedStream::new(stream, PACE).unwrap(), peer)
    }

    /// Sends megabytes; answers how that ended.
    fn sending(mut stream: PacedStream) -> tokio::task::JoinHandle<io::Result<()>> {
        tokio::spawn(async move { stream.write_all(&vec![7; 16 * 1024 * 1024]).await })
    }

    /// Stops the clock. While something is always to be done, it goes on only when it is moved.
    fn stop_the_clock() {
        pause();
        tokio::spawn(async {
            loop {
                yield_now().await;
            }
        });
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_for_a_minute_is_cut() {
        let (stream, peer) = connected().await;
        // With nothing else to be done, it is a minute later at once.
        pause();
        let ended = sending(stream).await.unwrap();
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(peer);
    }

    #[tokio::test]
    async fn a_peer_that_reads_twice_as_fast_as_the_pace_is_not_cut() {
        let (stream, mut peer) = connected().await;
        stop_the_clock();
        let mut sent = sending(stream);
        let mut read = vec![0; 8192];
        // 2 kB a second, for ten minutes.
        for _ in 0..150 {
            peer.read_exact(&mut read).await.unwrap();
            advance(Duration::from_secs(4)).await;
        }
        assert!(!sent.is_finished());
        drop(peer);
        assert!((&mut sent).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn between_two_answers_no_pace_is_asked_for() {
        let (mut stream, mut peer) = connected().await;
        stop_the_clock();
        let mut read = vec![0; 1024];
        for _ in 0..3 {
            let answered = async {
                stream.write_all(&[7; 512 * 1024]).await.unwrap();
                stream.flush().await.unwrap();
            };
            let reading = async {
                let mut left = 512 * 1024;
                while left > 0 {
                    left -= peer.read(&mut read).await.unwrap();
                }
            };
            tokio::join!(answered, reading);
            advance(Duration::from_secs(3600)).await;
        }
    }
}
