//! A client as a phone is one: it asks again, under the same key, until it is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use super::chance::Chance;
use super::figures::Figures;
use super::world::REPLICAS;

/// How long one try may take: then the process is taken for dead or paused.
const TRY: Duration = Duration::from_secs(4);

/// Who is not answered for so long, with everything coming back in between, never will be.
const PATIENCE: Duration = Duration::from_secs(150);

/// What is asked for.
pub struct Wish<'a> {
    /// What it is, for the figures.
    pub verb: &'static str,
    pub method: Method,
    /// Who asks: an account's token, or that of a link.
    pub token: Option<&'a str>,
    /// Below `/api/v1/virtual-care`.
    pub path: String,
    /// The same for every try.
    pub key: Option<String>,
    /// Null for none.
    pub body: Value,
}

/// Why there was no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered(pub String);

/// Asks two apis, now the one, now the other.
pub struct Phone {
    http: Client,
    apis: [String; REPLICAS],
    figures: Arc<Figures>,
}

impl Phone {
    pub fn new(apis: &[String; REPLICAS], figures: Arc<Figures>) -> Result<Self> {
        let http = Client::builder().no_proxy().connect_timeout(Duration::from_secs(1)).timeout(TRY).build()?;
        Ok(Self { http, apis: apis.clone(), figures })
    }

    /// Asks until there is an answer that another try would not change.
    pub async fn ask(&self, chance: &Chance, wish: &Wish<'_>) -> Result<Value, Unanswered> {
        let begun = Instant::now();
        let mut tries: u64 = 0;
        while begun.elapsed() < PATIENCE {
            match self.attempt(chance, wish).await {
                Ok((status, answer)) if status.is_success() => {
                    self.figures.answered.time(wish.verb, begun.elapsed());
                    return Ok(answer);
                }
                Ok((status, answer)) if is_worth_a_try(status, &answer) => self.figures.retries.count(status.as_u16()),
                Ok((status, answer)) => {
                    let (verb, code) = (wish.verb, &answer["code"]);
                    return Err(Unanswered(format!("{verb} was refused after {tries} retries: {status} {code}")));
                }
                Err(error) if error.is_timeout() => self.figures.retries.count("timed out"),
                Err(_) => self.figures.retries.count("cut off"),
            }
            tries += 1;
            tokio::time::sleep(chance.milliseconds(20, 100 * tries.min(10))).await;
        }
        Err(Unanswered(format!("{} was not answered after {tries} retries", wish.verb)))
    }

    async fn attempt(&self, chance: &Chance, wish: &Wish<'_>) -> reqwest::Result<(StatusCode, Value)> {
        let api = &self.apis[usize::from(chance.percent(50))];
        let url = format!("{api}/api/v1/virtual-care{}", wish.path);
        let mut request = self.http.request(wish.method.clone(), url);
        if let Some(token) = wish.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &wish.key {
            request = request.header("Idempotency-Key", key);
        }
        if !wish.body.is_null() {
            request = request.header("Content-Type", "application/json").body(wish.body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

/// Whether the same may be answered otherwise: the service cannot now, is too busy, got the request too late because it was
/// paused, or somebody else was faster.
fn is_worth_a_try(status: StatusCode, answer: &Value) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 429) || answer["code"] == "CONCURRENT_UPDATE"
}
