//! A stand-in for ClamAV's daemon, which speaks its protocol.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What every scanner finds, by agreement, and what harms nobody; in two parts, so that none finds it here.
pub const EICAR: [&str; 2] = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-", "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// What the daemon does when it is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClamdMood {
    /// Scans.
    #[default]
    Up,
    /// Closes every connection.
    Down,
    /// Takes everything in and says nothing.
    Silent,
    /// Says something that is no verdict.
    Wrong,
    /// Finds everything too long, as a daemon does whose `StreamMaxLength` is.
    TooLong,
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mutex<ClamdMood>,
    scans: AtomicUsize,
}

/// The daemon, as long as this value lives.
#[derive(Debug)]
pub struct Clamd {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Clamd {
    /// Starts one on a free port of the loopback, up.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            })
        };
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what it does.
    pub fn be(&self, mood: ClamdMood) {
        *self.shared.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// How many streams it has heard to their end.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.shared.scans.load(Ordering::SeqCst)
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mood = *shared.mood.lock().unwrap_or_else(PoisonError::into_inner);
    if mood == ClamdMood::Down {
        return;
    }
    let Ok(bytes) = stream_in(&mut stream).await else { return };
    shared.scans.fetch_add(1, Ordering::SeqCst);
    let eicar = EICAR.concat().into_bytes();
    let found = bytes.windows(eicar.len()).any(|window| window == eicar);
    let answer: &[u8] = match (mood, found) {
        (ClamdMood::Silent, _) => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            return;
        }
        (ClamdMood::Wrong, _) => b"PONG\0",
        (ClamdMood::TooLong, _) => b"INSTREAM size limit exceeded. ERROR\0",
        (_, true) => b"stream: Win.Test.EICAR_HDB-1 FOUND\0",
        (_, false) => b"stream: OK\0",
    };
    // Whoever asked may be gone.
    let _ = stream.write_all(answer).await;
}

/// `zINSTREAM`, then pieces behind their lengths, then a length of zero.
async fn stream_in(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    if &command != b"zINSTREAM\0" {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    loop {
        let length = stream.read_u32().await?;
        if length == 0 {
            return Ok(bytes);
        }
        let start = bytes.len();
        bytes.resize(start + length as usize, 0);
        stream.read_exact(bytes.get_mut(start..).unwrap_or_default()).await?;
    }
}
