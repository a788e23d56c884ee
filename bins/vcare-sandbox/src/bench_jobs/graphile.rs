//! graphile-worker, which is known to be fast, on the same PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use vcare_testkit::ServiceProcess;
use vcare_testkit::postgres::tokio_postgres::{Client, NoTls, connect};

use super::world::{World, since_it_works, until_gone};
use crate::place::Place;

const DATABASE: &str = "graphile";
/// As many as there are cores here; one alone is slower.
const PROCESSES: usize = 2;

const COPY: &str = "
INSERT INTO graphile_worker._private_jobs (task_id)
SELECT task_id FROM graphile_worker._private_jobs, generate_series(1, $1)";

/// How it works.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// As it comes: a statement to take a job, another to complete it.
    Default,
    /// Jobs are taken and completed in batches.
    Batched,
}

/// An installed one, with a database of its own.
pub struct Graphile {
    script: PathBuf,
    folder: PathBuf,
    client: Client,
    url: String,
}

impl Graphile {
    pub async fn prepare(world: &World, place: &Place, folder: &Path) -> Result<Self> {
        let script = place.join("graphile.mjs");
        fs::write(&script, include_str!("graphile.mjs"))?;
        world.owner.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
        let url = world.postgres_url(DATABASE);
        let migrated = Command::new("node").arg(&script).arg(folder).args([&url, "migrate"]).status().await;
        ensure!(migrated.context("node")?.success(), "graphile-worker cannot make its tables");
        let (client, connection) = connect(&url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { script, folder: folder.to_owned(), client, url })
    }

    /// Does jobs that do nothing; answers how long from the start of the first process, which is loaded by then, until no
    /// job is left.
    pub async fn run(&self, world: &World, place: &Place, mode: Mode, jobs: u32) -> Result<Duration> {
        // One by its own means, and copies: a hundred thousand calls, each with its notification, take minutes.
        self.client.batch_execute("SELECT graphile_worker.add_job('noop', '{}')").await?;
        self.client.execute(COPY, &[&i32::try_from(jobs - 1)?]).await?;
        self.client.batch_execute("VACUUM ANALYZE").await?;
        world.settle_down().await?;
        let mode = if matches!(mode, Mode::Batched) { "batched" } else { "default" };
        let arguments = [&self.script, &self.folder].map(|path| path.display().to_string());
        let arguments: Vec<String> = arguments.into_iter().chain([self.url.clone(), mode.to_owned()]).collect();
        let started = (0..PROCESSES).map(async |number| {
            let log = place.join(&format!("graphile-{number}"));
            ServiceProcess::start_with(Path::new("/usr/bin/env"), node(&arguments), [], Some(&log)).await
        });
        let mut processes = futures_util::future::try_join_all(started).await?;
        until_gone(&self.client, "graphile_worker._private_jobs").await?;
        let took: Result<Vec<_>> = processes.iter().map(since_it_works).collect();
        for process in &mut processes {
            process.stop().await;
        }
        // Since the first of them began.
        Ok(took?.into_iter().max().unwrap_or_default())
    }
}

fn node(arguments: &[String]) -> Vec<String> {
    ["node".to_owned()].into_iter().chain(arguments.iter().cloned()).collect()
}
