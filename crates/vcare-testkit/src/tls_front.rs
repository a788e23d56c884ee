//! TLS before something that speaks without it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::standins::TlsIdentity;

/// Takes TLS connections on a port of this machine and hands what comes to another address, which speaks without TLS. Its
/// certificate is by an authority of its own, which nobody trusts who was not told to.
pub struct TlsFront {
    address: SocketAddr,
    ca_pem: String,
    serving: JoinHandle<()>,
}

impl TlsFront {
    /// Listens until it is dropped.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(before: SocketAddr) -> Result<Self> {
        let identity = TlsIdentity::draw()?;
        let acceptor = TlsAcceptor::from(Arc::new(identity.server_config()?));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust it goes away, and whoever has gone away needs no answer.
                    let Ok(mut outside) = acceptor.accept(outside).await else { return };
                    let Ok(mut inside) = TcpStream::connect(before).await else { return };
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        Ok(Self { address, ca_pem: identity.ca_pem, serving })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Who vouches for it, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
