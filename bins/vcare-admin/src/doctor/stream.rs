//! The event stream.

use std::time::Duration;

use vcare_boot::{Config, Profile, Service, StorageUse, StreamStanding};

use super::Findings;

/// How long NATS is given to answer.
const NATS_PATIENCE: Duration = Duration::from_secs(5);
/// The percentage of use from which storage counts as nearly full.
const NEARLY_FULL: u64 = 80;
/// NATS' default for `sync_interval`, in minutes.
const SYNC_MINUTES: u32 = 2;

pub(super) async fn look(config: &Config, service: &Service, found: &mut Findings) {
    let connected = tokio::time::timeout(NATS_PATIENCE, async {
        while !service.events.health() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    if connected.is_err() {
        let advice = "see nats.servers, and whether they are up";
        return found.warning("nats", format!("no connection: events wait in the outbox, and care goes on: {advice}"));
    }
    if let Err(error) = service.events.ensure_stream().await {
        return found.problem("nats", format!("{error}: run `vcare-admin stream setup`"));
    }
    match service.events.stream_standing().await {
        Ok(Some(standing)) => {
            found.ok("nats", "connected, and the stream is there");
            replicas(config, &standing, found);
            age(config, &standing, found);
            storage(&standing, found);
        }
        Ok(None) => found.problem("nats", "connected, and there is no stream: run `vcare-admin stream setup`"),
        Err(error) => {
            found.warning(
                "nats",
                format!(
                    "connected, and the stream cannot be looked at: {error}: see the permissions in docs/deployment.md"
                ),
            );
        }
    }
    disk(config, found);
}

fn replicas(config: &Config, standing: &StreamStanding, found: &mut Findings) {
    let StreamStanding { replicas, behind, .. } = standing;
    let wanted = config.nats.replicas;
    let check = "stream replicas";
    if *replicas < wanted {
        let advice = "run `vcare-admin stream setup` once the cluster has as many servers";
        found.problem(check, format!("{replicas} of {wanted} (nats.replicas): {advice}"));
    } else if !behind.is_empty() {
        let advice = "are these servers up, and can they reach the others?";
        found.warning(check, format!("{replicas}, of which are gone or behind: {}: {advice}", behind.join(", ")));
    } else if *replicas < 3 && config.profile == Profile::Production {
        let advice = "set nats.replicas = 3 on a cluster of three";
        found.warning(check, format!("{replicas}: who loses that server's disk loses the events in it: {advice}"));
    } else {
        found.ok(check, format!("{replicas}, as configured"));
    }
}

/// What is kept for longer is a problem as well: events hold ids of people, and the setting says when they have an end.
fn age(config: &Config, standing: &StreamStanding, found: &mut Findings) {
    let (check, setting) = ("stream age", "nats.stream_max_age_days");
    let wanted = config.nats.stream_max_age();
    let is_longer = |age: &Duration| age.is_zero() || *age > wanted;
    let days = in_days(wanted);
    let shorten = format!("run `vcare-admin stream setup --shorten`, which deletes older ones, or raise {setting}");
    if is_longer(&standing.max_age) {
        let kept = in_days(standing.max_age);
        found.problem(check, format!("events are kept {kept}, and should be {days} ({setting}): {shorten}"));
    } else if let Some(age) = standing.set_aside_max_age.filter(is_longer) {
        let kept = in_days(age);
        found
            .problem(check, format!("messages set aside are kept {kept}, and should be {days} ({setting}): {shorten}"));
    } else if standing.max_age < wanted {
        let kept = in_days(standing.max_age);
        let advice = "run `vcare-admin stream setup`";
        found.problem(check, format!("events are kept only {kept}, and should be {days} ({setting}): {advice}"));
    } else {
        found.ok(check, format!("events are kept {days}, as configured"));
    }
}

fn in_days(age: Duration) -> String {
    const DAY: u64 = 24 * 3600;
    match age.as_secs() {
        0 => "for ever".to_owned(),
        seconds if seconds % DAY == 0 => format!("for {} days", seconds / DAY),
        seconds => format!("for {seconds} seconds"),
    }
}

fn storage(standing: &StreamStanding, found: &mut Findings) {
    let check = "stream storage";
    if !standing.on_file {
        let advice = "create it again with file storage";
        return found.problem(check, format!("the stream is in memory: a restart of NATS loses its events: {advice}"));
    }
    let full = |room: StorageUse| room.percent().filter(|percent| *percent >= NEARLY_FULL);
    if let Some(percent) = standing.account.and_then(full) {
        let advice = "give the account more (max_file, or the limits of its JWT), or the stream a shorter life (nats.stream_max_age_days)";
        return found.problem(check, format!("the account's is {percent} % full; then no event is taken: {advice}"));
    }
    match full(standing.stream) {
        Some(percent) if standing.drops_oldest => found.warning(
            check,
            format!("the stream is {percent} % full; then its oldest events go before their time: raise its max_bytes"),
        ),
        Some(percent) => {
            found.problem(check, format!("the stream is {percent} % full; then no event is taken: raise its max_bytes"))
        }
        None => found.ok(check, room(standing)),
    }
}

/// How much there is, and who decides how much there may be.
fn room(StreamStanding { stream, account, .. }: &StreamStanding) -> String {
    let used = format!("on file, {} MiB", stream.used / (1024 * 1024));
    match (stream.percent(), account.map(StorageUse::percent)) {
        (Some(percent), _) => format!("{used}, {percent} % of its max_bytes"),
        (None, Some(Some(percent))) => format!("{used}; the account's is {percent} % full"),
        (None, Some(None)) => format!("{used}; no limit but the servers' max_file_store and their disks: watch those"),
        (None, None) => format!("{used}; our user may not ask how full the account is ($JS.API.INFO): watch the disks"),
    }
}

/// What no client can read is said all the same: nobody else would.
fn disk(config: &Config, found: &mut Findings) {
    let kept = config.nats.keep_published_minutes;
    let where_to = "sync_interval in the servers' jetstream block cannot be read by a client";
    if kept > SYNC_MINUTES {
        let advice = "a power cut loses nothing while it is less than that";
        found.ok("stream disk", format!("{where_to}; events are kept for {kept} minutes after it: {advice}"));
    } else {
        let advice = "set it to always there, or nats.keep_published_minutes above 2";
        found.warning("stream disk", format!("{where_to}; by default a power cut loses two minutes: {advice}"));
    }
}
