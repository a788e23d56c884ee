//! A private Prometheus, with the project's own rules.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use regex::{Captures, Regex};
use reqwest::Client;
use serde_json::Value;

use crate::folder::Folder;
use crate::process::{Process, command, free_port, on_path};

const PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How often it reads the metrics and evaluates the rules.
const EVERY: &str = "1s";

/// A Prometheus of one's own: on this machine only, with its data in a temporary folder, gone when it is dropped. Its program is
/// `prometheus` on the search path.
#[derive(Debug)]
pub struct Prometheus {
    // Before the folder: it must have ended when its folder goes.
    process: Option<Process>,
    folder: Folder,
    port: u16,
    http: Client,
    /// Since when it knows how the processes are. It looks for them some seconds after it has begun to evaluate rules.
    since: Instant,
}

impl Prometheus {
    /// Starts one that watches these processes, each under the name of its job, by these rules; waits until it has read each of
    /// them, and evaluated the rules, three times.
    ///
    /// # Errors
    /// When it is not installed, does not start, or refuses the rules.
    pub async fn watch(rules: &str, processes: &[(&str, SocketAddr)]) -> Result<Self> {
        let folder = Folder::open(None, "prometheus")?;
        fs::write(folder.join("rules.yml"), rules)?;
        fs::write(folder.join("prometheus.yml"), configuration(processes))?;
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let mut prometheus = Self { process: None, folder, port: 0, http, since: Instant::now() };
        let mut attempts = 3;
        loop {
            // It cannot be told to pick a port; another process may take it first.
            prometheus.port = free_port()?;
            match prometheus.run().await {
                Err(_) if attempts > 1 => attempts -= 1,
                outcome => break outcome?,
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while !prometheus.has_seen(processes.len()).await.unwrap_or(false) {
            ensure!(Instant::now() < deadline, "Prometheus reads no metrics");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        prometheus.since = Instant::now();
        Ok(prometheus)
    }

    /// The names of the alerts that are firing.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn firing(&self) -> Result<BTreeSet<String>> {
        let found = self.ask("alerts", &[]).await?;
        let alerts = found["alerts"].as_array().context("no alerts")?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        Ok(firing.filter_map(|alert| Some(alert["labels"]["alertname"].as_str()?.to_owned())).collect())
    }

    /// The names of the alerts that are firing, or have been since it knows how the processes are.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn fired(&self) -> Result<BTreeSet<String>> {
        let range = self.since.elapsed().as_millis().max(1);
        let query = format!(r#"group by (alertname) (last_over_time(ALERTS{{alertstate="firing"}}[{range}ms]))"#);
        let found = self.query(&query).await?;
        let mut fired = self.firing().await?;
        fired.extend(found.iter().filter_map(|one| Some(one["metric"]["alertname"].as_str()?.to_owned())));
        Ok(fired)
    }

    /// What a query finds now.
    ///
    /// # Errors
    /// When it does not answer, or the query is none.
    pub async fn query(&self, query: &str) -> Result<Vec<Value>> {
        let found = self.ask("query", &[("query", query)]).await?;
        found["result"].as_array().cloned().context("no result")
    }

    /// How often it has read the metrics of that job.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn readings(&self, job: &str) -> Result<u64> {
        let found = self.query(&format!("sum(count_over_time(up{{job=\"{job}\"}}[1h]))")).await?;
        let count = found.first().and_then(|one| one["value"][1].as_str()?.parse().ok());
        Ok(count.unwrap_or(0))
    }

    /// Each of the processes three times, so that what rises from here on is a rise.
    async fn has_seen(&self, processes: usize) -> Result<bool> {
        let seen = self.query("count_over_time((up == 1)[1h:1s]) >= 3").await?;
        let rules = self.ask("rules", &[]).await?;
        let groups = rules["groups"].as_array().context("no groups")?;
        let evaluated = groups.iter().all(|group| group["lastEvaluation"].as_str() > Some("1"));
        Ok(seen.len() == processes && !groups.is_empty() && evaluated)
    }

    async fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut url = url::Url::parse(&format!("http://127.0.0.1:{}/api/v1/{what}", self.port))?;
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = self.http.get(url).send().await?.bytes().await?;
        let mut answer: Value = serde_json::from_slice(&answer)?;
        ensure!(answer["status"] == "success", "Prometheus: {answer}");
        Ok(answer["data"].take())
    }

    async fn run(&mut self) -> Result<()> {
        let program =
            on_path("prometheus").context("there is no prometheus on the path: deploy/local/test installs it")?;
        let log = self.folder.log("prometheus.log")?;
        let mut command = command(&program, "TERM", None);
        let argument = |name: &str, path: &Path| format!("--{name}={}", path.display());
        command.arg(argument("config.file", &self.folder.join("prometheus.yml")));
        command.arg(argument("storage.tsdb.path", &self.folder.join("data")));
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        command.current_dir(self.folder.path());
        let mut process = Process::spawn(command, log.file()?)?;
        let deadline = Instant::now() + PATIENCE;
        while self.ask("rules", &[]).await.is_err() {
            if process.has_ended() || Instant::now() >= deadline {
                process.kill();
                bail!("prometheus did not start: {}", log.tail().trim());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end("-TERM", STOP_PATIENCE);
        }
    }
}

fn configuration(processes: &[(&str, SocketAddr)]) -> String {
    let mut text = format!(
        "global: {{scrape_interval: {EVERY}, scrape_timeout: {EVERY}, evaluation_interval: {EVERY}}}\n\
         rule_files: [rules.yml]\nscrape_configs:\n"
    );
    for (job, address) in processes {
        text.push_str(&format!("- job_name: {job}\n  static_configs: [{{targets: [\"{address}\"]}}]\n"));
    }
    text
}

/// The same rules in a world that is sixty times as fast: each `for:`, each `interval:` and each range in brackets is a sixtieth
/// of what it was, and nothing else is changed. Ages, which metrics say in seconds, are not.
///
/// # Errors
/// When there is nothing to change: then these are no rules.
pub fn sixty_times_as_fast(rules: &str) -> Result<String> {
    let duration = Regex::new(r"(?<before>\[|(?:for|interval): )(?<number>\d+)(?<unit>[smhd])(?<after>\]|\n)")?;
    let mut changed = 0;
    let fast = duration.replace_all(rules, |found: &Captures<'_>| {
        changed += 1;
        let number: u64 = found["number"].parse().unwrap_or_default();
        let seconds = match &found["unit"] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 86_400,
        };
        format!("{}{}ms{}", &found["before"], number * seconds * 1000 / 60, &found["after"])
    });
    let fast = fast.into_owned();
    ensure!(changed > 0, "no duration in the rules");
    Ok(fast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_durations_become_shorter() {
        let rules = "    interval: 30s\n      - record: a:ratio_rate5m\n        expr: sum(rate(b[5m])) > 300 and c[3d]\n        for: 1h\n";
        let fast = "    interval: 500ms\n      - record: a:ratio_rate5m\n        expr: sum(rate(b[5000ms])) > 300 and c[4320000ms]\n        for: 60000ms\n";
        assert_eq!(sixty_times_as_fast(rules).unwrap(), fast);
        assert!(sixty_times_as_fast("groups: []").is_err());
    }
}
