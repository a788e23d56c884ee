//! A bad link: a proxy that cuts the line, and may be slow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// What is wrong with a link.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// Each connection is cut after so many bytes upwards.
    pub cut_after_bytes: Option<usize>,
    /// Every so often all connections are cut.
    pub cut_every: Option<Duration>,
    /// So many bytes a second go upwards, all connections together.
    pub bytes_a_second: Option<u32>,
    /// So much later everything arrives.
    pub delay: Duration,
}

/// A link to a server, as long as this value lives.
pub struct BadLink {
    pub address: SocketAddr,
    cuts: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl BadLink {
    pub async fn to(server: SocketAddr, trouble: Trouble) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        let serving = tokio::spawn(async move {
            let begun = Instant::now();
            let air = Arc::new(tokio::sync::Mutex::new(begun));
            while let Ok((client, _)) = listener.accept().await {
                let (counted, air) = (Arc::clone(&counted), Arc::clone(&air));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    if carry(client, server, trouble, begun, air).await {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self { address, cuts, serving }
    }

    /// How many connections it has cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for BadLink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Carries a connection; answers whether it cut it.
async fn carry(
    client: TcpStream,
    server: TcpStream,
    trouble: Trouble,
    begun: Instant,
    air: Arc<tokio::sync::Mutex<Instant>>,
) -> bool {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let upwards = async {
        let mut left = trouble.cut_after_bytes.unwrap_or(usize::MAX);
        let mut buffer = [0; 512];
        loop {
            let most = buffer.len().min(left);
            match from_client.read(&mut buffer[..most]).await {
                Ok(read) if read > 0 => {
                    if let Some(rate) = trouble.bytes_a_second {
                        // One piece after the other is in the air.
                        let mut free = air.lock().await;
                        let arrives =
                            (*free).max(Instant::now()) + Duration::from_secs_f64(read as f64 / f64::from(rate));
                        *free = arrives;
                        drop(free);
                        sleep_until(arrives).await;
                    }
                    if to_server.write_all(&buffer[..read]).await.is_err() {
                        return false;
                    }
                    left -= read;
                    if left == 0 {
                        return true;
                    }
                }
                _ => return false,
            }
        }
    };
    let downwards = async {
        sleep(trouble.delay).await;
        let _ = copy(&mut from_server, &mut to_client).await;
        false
    };
    let cut = async {
        match trouble.cut_every {
            Some(every) => {
                let passed = begun.elapsed().as_secs_f64() / every.as_secs_f64();
                sleep_until(begun + every.mul_f64(passed.floor() + 1.0)).await;
                true
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! { was = upwards => was, was = downwards => was, was = cut => was }
}
