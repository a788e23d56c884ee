//! Thousands who wait at once, each on a connection of their own.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use vcare_testkit::ServiceProcess;

use super::wire::{ask, question};
use crate::memory::Memory;

/// So many come at the same moment.
const AT_ONCE: usize = 64;
/// And the next ones so much later.
const BREATH: Duration = Duration::from_millis(100);
/// For how long the waiting is looked at.
const LOOK: Duration = Duration::from_secs(20);

/// What a crowd came to.
pub struct Crowd {
    people: usize,
    idle: Memory,
    waiting: Memory,
    cores: f64,
    dispersed: Duration,
}

impl Crowd {
    pub fn peak_megabytes(&self) -> u64 {
        self.waiting.peak / 1024
    }
}

/// Seconds of processor time that a process has used.
fn used(process: &ServiceProcess) -> Result<f64> {
    let id = process.id().context("the process does not run")?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let after_name = stat.rsplit_once(") ").context("this needs /proc")?.1;
    let ticks: f64 = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}

/// Comes, learns the place in line, and asks the question that is held open.
async fn come(api: &ServiceProcess, token: &str) -> Result<(TcpStream, String)> {
    let mut stream = TcpStream::connect(api.address()).await?;
    let (answer, _) = ask(&mut stream, &question(token, "", "")).await?;
    ensure!(answer.starts_with("http/1.1 200"), "{answer}");
    let version = answer.split("\"version\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or("0");
    Ok((stream, question(token, &format!("?since={version}&deviceId=d4Zk0PqLmN8x"), "")))
}

/// Lets them all come and wait, looks at the api, and stops it.
pub async fn wait(api: &mut ServiceProcess, tokens: &[String]) -> Result<Crowd> {
    let idle = Memory::of(api)?;
    let shared = &*api;
    let come = stream::iter(tokens).map(|token| come(shared, token)).buffer_unordered(AT_ONCE);
    let people: Vec<(TcpStream, String)> = come.try_collect().await?;
    let mut waiting = JoinSet::new();
    for (number, (mut stream, question)) in people.into_iter().enumerate() {
        waiting.spawn(async move { ask(&mut stream, &question).await.map(|(answer, _)| answer) });
        // People do not all ask in the same instant.
        if number % AT_ONCE == 0 {
            tokio::time::sleep(BREATH).await;
        }
    }
    // All have asked; then for a while nothing happens.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (began, used_before) = (Instant::now(), used(api)?);
    tokio::time::sleep(LOOK).await;
    let cores = (used(api)? - used_before) / began.elapsed().as_secs_f64();
    let memory = Memory::of(api)?;
    if let Some(answered) = waiting.try_join_next() {
        bail!("somebody was answered, though nothing happened: {}", answered??);
    }
    let stopped = Instant::now();
    let (_, answers) = tokio::join!(api.stop(), waiting.join_all());
    let dispersed = stopped.elapsed();
    for answer in answers {
        let answer = answer?;
        ensure!(answer.starts_with("http/1.1 204") && answer.contains("retry-after"), "{answer}");
    }
    Ok(Crowd { people: tokens.len(), idle, waiting: memory, cores, dispersed })
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |kilobytes: u64| format!("{:.1}", kilobytes as f64 / 1024.0);
        let each = self.waiting.now.saturating_sub(self.idle.now) as f64 / self.people.max(1) as f64;
        writeln!(
            f,
            "The api's resident memory in MB: {} before, {} while {} wait ({each:.1} kB each), {} at most.",
            megabytes(self.idle.now),
            megabytes(self.waiting.now),
            self.people,
            megabytes(self.waiting.peak)
        )?;
        writeln!(f, "It uses {:.2} cores while nothing happens.", self.cores)?;
        write!(f, "When it stops, all are answered and it is gone after {:.1} s.", self.dispersed.as_secs_f64())
    }
}
