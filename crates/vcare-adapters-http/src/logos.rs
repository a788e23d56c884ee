//! Fetching tenants' logos. A tenant chooses the address, so that it is called as its Jitsi is: by a client that calls public
//! addresses only, follows nobody elsewhere, and takes no more than it asked for.

use async_trait::async_trait;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use time::Duration;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{LogoFault, LogoSource};
use vcare_domain::HttpsUrl;

use crate::client::{Call, HttpClient};

/// How long a logo may take, from the name's look-up to the last byte: an administrator waits for it.
const DEADLINE: Duration = Duration::seconds(3);
/// The longest file: a logo for a web page has a few dozen kilobytes.
const MAX_FILE_BYTES: usize = 256 * 1024;

/// Logos over https.
#[derive(Debug, Clone)]
pub struct HttpLogos {
    client: HttpClient,
}

impl HttpLogos {
    /// Logos by that client, whose policy says which addresses may be called.
    #[must_use]
    pub const fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl LogoSource for HttpLogos {
    async fn fetch(&self, url: &HttpsUrl, trace: &TraceContext) -> Result<Vec<u8>, LogoFault> {
        let url = Url::parse(url.as_str()).map_err(|_| LogoFault::NotFetched)?;
        let mut call = Call::new("logo", Method::GET, url, DEADLINE);
        call.headers.insert(ACCEPT, HeaderValue::from_static("image/png, image/jpeg, image/webp"));
        call.body_limit = MAX_FILE_BYTES;
        call.trace = Some(trace);
        let fetched = self.client.exchange(call, |answer| match answer.status.is_success() {
            true => answer.bytes().map(<[u8]>::to_vec),
            false => Err(answer.refusal()),
        });
        fetched.await.map_err(|_| LogoFault::NotFetched)
    }
}
