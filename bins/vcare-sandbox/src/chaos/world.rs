//! Everything that runs, each a process that can be killed: database, broker, stand-ins, two apis, two workers.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use vcare_app::ports::Ids;
use vcare_boot::SystemIds;
use vcare_testkit::{
    Durability, FakeTime, Issuer, NatsOptions, NatsServer, PostgresOptions, PrivatePostgres, ServiceProcess, SigningKey,
};

use super::figures::Kind;
use crate::place::Place;
use crate::surroundings::{DATABASE, prepare, program, set_tenants, settings};

/// Of apis and workers there are as many.
pub const REPLICAS: usize = 2;
/// Of apis and workers, this one's clock is set.
const WITH_ITS_OWN_CLOCK: usize = 1;

const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One process: of its kind, the first or the second.
pub type Target = (Kind, usize);

/// All targets, each once.
pub const TARGETS: [Target; 7] = [
    (Kind::Api, 0),
    (Kind::Api, 1),
    (Kind::Worker, 0),
    (Kind::Worker, 1),
    (Kind::Postgres, 0),
    (Kind::Nats, 0),
    (Kind::Standins, 0),
];

/// A process, of whichever kind.
pub enum Process {
    Service(Box<ServiceProcess>),
    Postgres(PrivatePostgres),
    Nats(NatsServer),
}

impl Process {
    /// As a crash does; answers whether it had ended by itself before.
    pub fn kill(&mut self) -> bool {
        match self {
            Self::Service(service) => {
                let ended = service.has_ended();
                service.kill();
                ended
            }
            Self::Postgres(postgres) => {
                postgres.kill();
                false
            }
            Self::Nats(nats) => {
                nats.kill();
                false
            }
        }
    }

    pub async fn restart(&mut self) -> Result<()> {
        match self {
            Self::Service(service) => service.restart().await,
            Self::Postgres(postgres) => postgres.restart().await,
            Self::Nats(nats) => nats.restart().await,
        }
    }

    pub fn signal(&self, signal: &str) -> Result<()> {
        match self {
            Self::Service(service) => service.signal(signal),
            Self::Postgres(postgres) => postgres.signal(signal),
            Self::Nats(nats) => nats.signal(signal),
        }
    }

    async fn stop(&mut self) {
        match self {
            Self::Service(service) => service.stop().await,
            Self::Postgres(postgres) => postgres.stop().await,
            Self::Nats(nats) => nats.stop().await,
        }
    }
}

/// Everything that runs.
pub struct World {
    processes: BTreeMap<Target, Arc<Mutex<Process>>>,
    http: Client,
    apis: [String; REPLICAS],
    workers: [String; REPLICAS],
    standins: String,
    /// What the second api and the second worker are told that the time is.
    clocks: BTreeMap<Kind, FakeTime>,
    /// Signs tokens that the stand-ins' keys are good for.
    pub issuer: Issuer,
    /// The event stream's server.
    pub nats: String,
    /// The database, as its owner.
    pub database: String,
}

impl World {
    /// Starts it all.
    pub async fn start(place: &Place) -> Result<Self> {
        // Outside the range of ports that outgoing connections get: a killed process's port must still be free.
        let ids = SystemIds::default();
        let ports = quiet_ports(&ids, 4 + 2 * REPLICAS)?;
        let (standins_port, jitsi_port) = (ports[0], ports[1]);
        let standins_folder = place.join("standins");
        let postgres = PrivatePostgres::start_with(PostgresOptions {
            folder: Some(place.postgres().to_owned()),
            durability: Durability::Durable,
            port: Some(ports[2]),
            ..PostgresOptions::default()
        });
        let nats = NatsServer::start_with(NatsOptions {
            folder: Some(place.join("nats")),
            port: Some(ports[3]),
            ..NatsOptions::default()
        });
        let played = [
            "standins".to_owned(),
            format!("--folder={}", standins_folder.display()),
            format!("--port={standins_port}"),
            format!("--jitsi-port={jitsi_port}"),
        ];
        let own = std::env::current_exe()?;
        let log = place.join("standins-log");
        let standins = ServiceProcess::start_with(&own, played, [], Some(&log));
        let (postgres, nats, standins) = tokio::try_join!(postgres, nats, standins)?;

        let base = format!("http://127.0.0.1:{standins_port}");
        fs::copy(standins_folder.join("jitsi-ca.pem"), place.join("jitsi-ca.pem"))?;
        let database = prepare(&postgres).await?;
        let settings = settings(place, &database, &nats.url(), &base, ports[4]);
        let file = place.join("vcare.toml");
        fs::write(&file, format!("{settings}\n[worker]\npoll_ms = 200\n[clock]\ncompare_seconds = 1\n"))?;
        let jitsi = format!("https://localhost:{jitsi_port}");
        // Visits that nobody ends shall end while somebody looks.
        set_tenants(&file, &jitsi, |draft| draft.auto_end_minutes = 1).await?;
        let issuer = Issuer::of_standins(&base, SigningKey::load_or_draw(&standins_folder.join("issuer.pem"))?);
        let (nats_url, owner) = (nats.url(), postgres.url(DATABASE));

        let clocks = BTreeMap::from([(Kind::Api, FakeTime::new()?), (Kind::Worker, FakeTime::new()?)]);
        let mut processes = BTreeMap::from([
            ((Kind::Postgres, 0), Process::Postgres(postgres)),
            ((Kind::Nats, 0), Process::Nats(nats)),
            ((Kind::Standins, 0), Process::Service(Box::new(standins))),
        ]);
        let address = |number: usize| format!("127.0.0.1:{}", ports[4 + number]);
        for number in 0..REPLICAS {
            for (kind, name, setting, port) in [
                (Kind::Api, "vcare-api", "VCARE_API__LISTEN", number),
                (Kind::Worker, "vcare-retry-worker", "VCARE_WORKER__LISTEN", REPLICAS + number),
            ] {
                let mut environment = vec![
                    ("VCARE_CONFIG_FILE".to_owned(), file.display().to_string()),
                    (setting.to_owned(), address(port)),
                ];
                if let Some(time) = clocks.get(&kind).filter(|_| number == WITH_ITS_OWN_CLOCK) {
                    environment.extend(time.environment());
                }
                let log = place.join(&format!("{name}-{number}"));
                let service = ServiceProcess::start(&program(name)?, environment, Some(&log)).await?;
                processes.insert((kind, number), Process::Service(Box::new(service)));
            }
        }
        let url = |number| format!("http://{}", address(number));
        Ok(Self {
            processes: processes.into_iter().map(|(target, process)| (target, Arc::new(Mutex::new(process)))).collect(),
            http: Client::builder().no_proxy().timeout(Duration::from_secs(3)).build()?,
            apis: std::array::from_fn(url),
            workers: std::array::from_fn(|number| url(REPLICAS + number)),
            standins: base,
            clocks,
            issuer,
            nats: nats_url,
            database: owner,
        })
    }

    /// Where the apis are.
    pub const fn apis(&self) -> &[String; REPLICAS] {
        &self.apis
    }

    /// A process. Who holds the lock is the only one who does something to it.
    pub fn process(&self, target: Target) -> Result<Arc<Mutex<Process>>> {
        self.processes.get(&target).cloned().with_context(|| format!("there is no {target:?}"))
    }

    /// Tells the FHIR stand-in how to behave. One that is down is not told.
    pub async fn set_fhir(&self, mode: &Value) -> Result<()> {
        let call = self.http.put(format!("{}/_control/fhir", self.standins));
        let answer = call.header("Content-Type", "application/json").body(mode.to_string()).send().await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Sets the clock of the second process of a kind: so many seconds ahead of this machine's, or behind it.
    pub fn set_clock(&self, kind: Kind, seconds: i64) -> Result<()> {
        self.clocks.get(&kind).with_context(|| format!("{kind} has no clock of its own"))?.step(seconds)
    }

    /// Whether a process does what it is there for: for database and broker, as the service sees it.
    pub async fn works(&self, (kind, number): Target) -> bool {
        match kind {
            Kind::Api => self.is_ready(&self.apis[number]).await,
            Kind::Worker => self.is_ready(&self.workers[number]).await,
            Kind::Standins => self.get(&format!("{}/_control", self.standins)).await.is_some(),
            Kind::Postgres => self.any_api(|report| report["status"] != "down").await,
            Kind::Nats => self.any_api(|report| report["status"] == "up").await,
        }
    }

    /// Brings everything up that is not, tells the stand-ins to behave, and waits until all is well.
    pub async fn heal(&self) -> Result<()> {
        for kind in self.clocks.keys() {
            self.set_clock(*kind, 0)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.set_fhir(&json!({"mode": "up"})).await {
            if Instant::now() >= deadline {
                return Err(error.context("the stand-ins do not come back"));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        for target in TARGETS {
            while !self.works(target).await {
                if Instant::now() >= deadline {
                    bail!("{} {} does not come back", target.0, target.1);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    /// Stops it all, in the order in which it does not hurt.
    pub async fn stop(self) {
        for kind in [Kind::Api, Kind::Worker, Kind::Standins, Kind::Nats, Kind::Postgres] {
            for ((_, _), process) in self.processes.iter().filter(|((of, _), _)| *of == kind) {
                process.lock().await.stop().await;
            }
        }
    }

    async fn is_ready(&self, url: &str) -> bool {
        self.get(&format!("{url}/health/ready")).await.is_some()
    }

    async fn any_api(&self, good: impl Fn(&Value) -> bool) -> bool {
        for api in &self.apis {
            if self.get(&format!("{api}/health")).await.is_some_and(|report| good(&report)) {
                return true;
            }
        }
        false
    }

    async fn get(&self, url: &str) -> Option<Value> {
        let answer = self.http.get(url).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }
}

/// Free ports. Each is kept bound until all are chosen, so that no port is chosen twice.
fn quiet_ports(ids: &SystemIds, count: usize) -> Result<Vec<u16>> {
    let mut bound = Vec::with_capacity(count);
    for _ in 0..1000 {
        if bound.len() == count {
            let ports = bound.iter().map(TcpListener::local_addr);
            return Ok(ports.map(|address| address.map(|address| address.port())).collect::<Result<_, _>>()?);
        }
        let mut bytes = [0; 2];
        ids.fill_random(&mut bytes);
        let port = 20_000 + u16::from_be_bytes(bytes) % 12_000;
        bound.extend(TcpListener::bind(("127.0.0.1", port)));
    }
    bail!("no free port");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_chosen_twice() {
        let ports = quiet_ports(&SystemIds::default(), 400).unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 400);
    }
}
