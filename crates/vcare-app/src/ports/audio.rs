//! Audio that is passed on while it comes: never all of it at once, and never half of it as if it were all.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vcare_domain::AudioKind;

/// So many pieces may wait for who takes them; who feeds then waits, too.
const WAITING: usize = 4;

/// Why audio ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AudioFault {
    /// There was none.
    #[error("the audio is empty")]
    Empty,
    /// It does not begin as what it is said to be does.
    #[error("what was sent is not {}", _0.media_type())]
    OtherKind(AudioKind),
    /// There is more than is taken.
    #[error("a piece of audio may have {limit} bytes")]
    TooLong {
        /// The most bytes.
        limit: u64,
    },
    /// It came too slowly to ever end.
    #[error("the audio stopped coming")]
    Stalled,
    /// The gateway does not take it.
    #[error("the AI gateway does not take the audio")]
    NotTaken,
    /// Who sent it is gone.
    #[error("the audio could not be read to its end")]
    CutShort,
    /// It is not in the form it is said to be in.
    #[error("{message}")]
    Malformed {
        /// Where.
        field: &'static str,
        /// What is wrong with it.
        message: &'static str,
    },
}

enum Piece {
    Audio(Bytes),
    End,
}

/// What both ends know.
#[derive(Default)]
struct Fate {
    fault: OnceLock<AudioFault>,
    /// There is a fault.
    broken: CancellationToken,
    /// All of it was taken.
    over: CancellationToken,
}

impl Fate {
    fn is_broken(&self, fault: AudioFault) -> AudioFault {
        let fault = *self.fault.get_or_init(|| fault);
        self.broken.cancel();
        fault
    }
}

/// A way for audio: fed at one end, taken at the other.
#[must_use]
pub fn audio_channel() -> (AudioFeed, AudioBody) {
    let (pieces, taken) = mpsc::channel(WAITING);
    let fate = Arc::new(Fate::default());
    let feed = AudioFeed { pieces, fate: Arc::clone(&fate), done: false };
    (feed, AudioBody { pieces: taken, fate, first: None })
}

/// Where audio is fed in. Dropped before [`AudioFeed::finish`], the audio was cut short.
pub struct AudioFeed {
    pieces: mpsc::Sender<Piece>,
    fate: Arc<Fate>,
    /// It is known how it ended.
    done: bool,
}

impl Drop for AudioFeed {
    fn drop(&mut self) {
        if !self.done {
            self.fate.is_broken(AudioFault::CutShort);
        }
    }
}

impl AudioFeed {
    /// Feeds a piece; waits while enough of them wait. Answers whether anybody still takes them.
    pub async fn feed(&self, piece: Bytes) -> bool {
        self.pieces.send(Piece::Audio(piece)).await.is_ok()
    }

    /// That was all.
    pub async fn finish(mut self) {
        // Who does not take it any more needs no end either.
        let _ = self.pieces.send(Piece::End).await;
        self.done = true;
    }

    /// Nobody takes it any more: that is no fault of it.
    pub fn leave(mut self) {
        self.done = true;
    }

    /// There will be no end, because of that.
    pub fn fail(mut self, fault: AudioFault) {
        self.fate.is_broken(fault);
        self.done = true;
    }
}

/// Where audio is taken out.
pub struct AudioBody {
    pieces: mpsc::Receiver<Piece>,
    fate: Arc<Fate>,
    first: Option<Bytes>,
}

impl AudioBody {
    /// Waits for the beginning, and refuses what is not of that kind.
    ///
    /// # Errors
    /// [`AudioFault`].
    pub async fn must_be(&mut self, kind: AudioKind) -> Result<(), AudioFault> {
        let mut beginning = BytesMut::new();
        while beginning.len() < AudioKind::MAGIC_BYTES {
            match self.receive().await {
                Some(piece) => beginning.extend_from_slice(&piece?),
                None => break,
            }
        }
        if beginning.is_empty() {
            return Err(AudioFault::Empty);
        }
        if !kind.fits(&beginning) {
            return Err(AudioFault::OtherKind(kind));
        }
        self.first = Some(beginning.freeze());
        Ok(())
    }

    /// The next piece; `None` at the good end.
    pub async fn next(&mut self) -> Option<Result<Bytes, AudioFault>> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.receive().await,
        }
    }

    /// What is known of it, for who gives it away.
    #[must_use]
    pub fn watch(&self) -> AudioWatch {
        AudioWatch(Arc::clone(&self.fate))
    }

    async fn receive(&mut self) -> Option<Result<Bytes, AudioFault>> {
        if self.fate.over.is_cancelled() {
            return None;
        }
        match self.pieces.recv().await {
            Some(Piece::Audio(piece)) => Some(Ok(piece)),
            Some(Piece::End) => {
                self.fate.over.cancel();
                None
            }
            None => Some(Err(self.fate.is_broken(AudioFault::CutShort))),
        }
    }
}

impl fmt::Debug for AudioBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AudioBody(…)")
    }
}

/// What becomes of audio that was given away.
#[derive(Clone)]
pub struct AudioWatch(Arc<Fate>);

impl AudioWatch {
    /// Why it ended before its end, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<AudioFault> {
        self.0.fault.get().copied()
    }

    /// Whether all of it was taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.over.is_cancelled()
    }

    /// Waits until it is known that it has no end.
    pub async fn broken(&self) {
        self.0.broken.cancelled().await;
    }

    /// Waits until all of it was taken.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEBM: &[u8] = b"\x1A\x45\xDF\xA3\x9FB\x86\x81\x01B\xF7\x81";

    async fn rest(body: &mut AudioBody) -> (Vec<u8>, Option<AudioFault>) {
        let mut all = Vec::new();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece),
                Err(fault) => return (all, Some(fault)),
            }
        }
        (all, None)
    }

    #[tokio::test]
    async fn audio_comes_out_as_it_was_fed_and_its_beginning_is_looked_at() {
        let (feed, mut body) = audio_channel();
        let feeding = tokio::spawn(async move {
            for byte in WEBM {
                assert!(feed.feed(Bytes::copy_from_slice(&[*byte])).await);
            }
            assert!(feed.feed(Bytes::from_static(b"and more")).await);
            feed.finish().await;
        });
        let watch = body.watch();
        assert_eq!(body.must_be(AudioKind::WebM).await, Ok(()));
        assert!(!watch.is_over());
        assert_eq!(rest(&mut body).await, ([WEBM, b"and more"].concat(), None));
        assert!(watch.is_over() && watch.fault().is_none());
        assert!(body.next().await.is_none(), "the end stays the end");
        feeding.await.unwrap();
    }

    #[tokio::test]
    async fn half_of_it_is_never_taken_for_all_of_it() {
        let (feed, mut body) = audio_channel();
        assert!(feed.feed(Bytes::from_static(WEBM)).await);
        drop(feed);
        assert_eq!(rest(&mut body).await, (WEBM.to_vec(), Some(AudioFault::CutShort)));
        assert_eq!(body.watch().fault(), Some(AudioFault::CutShort));
        assert!(!body.watch().is_over());

        let (feed, mut body) = audio_channel();
        assert!(feed.feed(Bytes::from_static(WEBM)).await);
        feed.fail(AudioFault::Stalled);
        assert_eq!(rest(&mut body).await.1, Some(AudioFault::Stalled));
    }

    #[tokio::test]
    async fn what_is_empty_or_something_else_is_refused_before_anybody_is_asked() {
        let (feed, mut body) = audio_channel();
        feed.finish().await;
        assert_eq!(body.must_be(AudioKind::Ogg).await, Err(AudioFault::Empty));

        let (feed, mut body) = audio_channel();
        assert!(feed.feed(Bytes::from_static(b"Good morning, doctor")).await);
        assert_eq!(body.must_be(AudioKind::Ogg).await, Err(AudioFault::OtherKind(AudioKind::Ogg)));
        drop(body);
        assert!(!feed.feed(Bytes::from_static(b"more")).await, "nobody takes it any more");
    }
}
