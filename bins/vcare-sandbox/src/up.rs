//! The two ways to run the sandbox.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::Value;
use vcare_boot::until_signal;

use crate::place::Place;
use crate::surroundings::Surroundings;
use crate::visit;

/// Starts everything, runs one visit, and stays up until Ctrl-C.
pub async fn stay() -> Result<()> {
    let shutdown = until_signal()?;
    let place = Place::lasting()?;
    let facts_file = FactsFile::at(place.join("sandbox.json"));
    println!("Starting the virtual care service. Everything it writes is in {}", place.root().display());
    let starting = Box::pin(Surroundings::start(&place, true, |what| println!("  … {what}")));
    let Some(started) = shutdown.run_until_cancelled(starting).await else { return Ok(()) };
    let surroundings = started?;
    facts_file.write(&surroundings.facts)?;
    let visited = shutdown.run_until_cancelled(Box::pin(visit::run(&surroundings))).await;
    match visited {
        Some(Ok(summary)) => {
            tell(&surroundings, &place, summary.session());
            shutdown.cancelled().await;
        }
        Some(Err(error)) => {
            surroundings.stop().await;
            return Err(error);
        }
        None => {}
    }
    println!("\nStopping.");
    surroundings.stop().await;
    Ok(())
}

/// Runs one visit in a sandbox of its own.
pub async fn check() -> Result<()> {
    let shutdown = until_signal()?;
    let place = Place::passing("check")?;
    let starting = Box::pin(Surroundings::start(&place, false, |what| println!("  … {what}")));
    let Some(started) = shutdown.run_until_cancelled(starting).await else { anyhow::bail!("interrupted") };
    let surroundings = started?;
    let visited = shutdown.run_until_cancelled(Box::pin(visit::run(&surroundings))).await;
    let (api, worker) = (surroundings.api.log_tail(), surroundings.worker.log_tail());
    surroundings.stop().await;
    match visited {
        Some(Ok(summary)) => {
            println!("\n{summary}");
            Ok(())
        }
        Some(Err(error)) => {
            println!("\nThe api's last lines:\n{api}\nThe worker's:\n{worker}");
            Err(error)
        }
        None => anyhow::bail!("interrupted"),
    }
}

/// `sandbox.json`, which is there while the sandbox is up.
pub struct FactsFile(PathBuf);

impl FactsFile {
    /// To be written there.
    pub const fn at(file: PathBuf) -> Self {
        Self(file)
    }

    pub fn write(&self, facts: &Value) -> Result<()> {
        ensure!(facts.is_object(), "no facts");
        // Whole or not at all: somebody may be waiting for it.
        let draft = self.0.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec_pretty(facts)?)?;
        Ok(fs::rename(draft, &self.0)?)
    }
}

impl Drop for FactsFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn tell(surroundings: &Surroundings, place: &Place, visit: &str) {
    let root = format!("http://{}", surroundings.api.address());
    let base = surroundings.standins.base_url();
    println!(
        "
The service is up.

  API            {root}/api/v1/virtual-care
  documentation  {root}/docs
  health         {root}/health           worker: http://{worker}/health
  metrics        {root}/metrics          worker: http://{worker}/metrics
  stand-ins      {base}   how to make them slow, wrong or down
  database       {database}
  events         {nats}, stream VIRTUAL_CARE
  tokens         {facts}: one for each relation to a patient, see README.md
  logs           {logs}

Try it:

  TOKEN=$(python3 -c 'import json; print(json.load(open(\"{facts}\"))[\"tenants\"][0][\"tokens\"][\"clinician\"])')
  curl -s {root}/api/v1/virtual-care/sessions -H \"Authorization: Bearer $TOKEN\"

See what others see of it: the patient, a clinician in whose care the patient is, the scheduler, and a clinician who has
nothing to do with the patient (404, or a reason in X-Emergency-Reason):

  for WHO in patient assigned_clinician scheduler unrelated_clinician; do
    TOKEN=$(python3 -c 'import json, sys; print(json.load(open(\"{facts}\"))[\"tenants\"][0][\"tokens\"][sys.argv[1]])' $WHO)
    curl -s {root}/api/v1/virtual-care/sessions/{visit} -H \"Authorization: Bearer $TOKEN\"; echo
  done

Take the FHIR gateway down, end a visit, and watch its Encounter follow when it is back:

  curl -X PUT {base}/_control/fhir -d '{{\"mode\":\"down\"}}' -H 'Content-Type: application/json'
  curl -X PUT {base}/_control/fhir -d '{{\"mode\":\"up\"}}' -H 'Content-Type: application/json'

Ctrl-C stops everything.",
        worker = surroundings.worker.address(),
        database = surroundings.facts["database"].as_str().unwrap_or_default(),
        nats = surroundings.facts["nats"].as_str().unwrap_or_default(),
        facts = place.join("sandbox.json").display(),
        logs = surroundings.api.log_file().display(),
    );
}
