//! How the stream is kept: on how many servers, and how much room there is for it.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{DiscardPolicy, StorageType};
use serde::Deserialize;

use crate::contents;
use crate::error::NatsError;
use crate::subscription::SET_ASIDE_STREAM;

/// How much of some room is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUse {
    /// The bytes that are used.
    pub used: u64,
    /// The most there may be; `None`: as much as the servers have.
    pub limit: Option<u64>,
}

impl StorageUse {
    /// Of a stream -1 and 0 mean that there is no limit; of an account nothing is said then.
    fn of(used: u64, limit: Option<i64>) -> Self {
        Self { used, limit: limit.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0) }
    }

    /// How full it is, in percent; `None` where there is no limit.
    #[must_use]
    pub fn percent(self) -> Option<u64> {
        self.limit.map(|limit| self.used.saturating_mul(100) / limit)
    }
}

/// How the stream is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStanding {
    /// How many servers hold each event.
    pub replicas: usize,
    /// Those of them that are gone, or not up to date.
    pub behind: Vec<String>,
    /// How long it keeps events; zero: for ever.
    pub max_age: Duration,
    /// How long messages are kept that were set aside; zero: for ever. `None` when there is no stream for them yet, or when we may
    /// not ask.
    pub set_aside_max_age: Option<Duration>,
    /// Whether it is on disks.
    pub on_file: bool,
    /// What the stream itself may take up.
    pub stream: StorageUse,
    /// Whether a full stream drops its oldest events; else it refuses new ones.
    pub drops_oldest: bool,
    /// What all streams of our account may take up; `None` when we may not ask.
    pub account: Option<StorageUse>,
}

/// Looks at it. `None` when there is no stream.
pub(crate) async fn look(jetstream: &Context) -> Result<Option<StreamStanding>, NatsError> {
    let Some(stream) = contents::stream(jetstream).await? else { return Ok(None) };
    let info = stream.cached_info();
    let peers = info.cluster.iter().flat_map(|cluster| &cluster.replicas);
    // Who may publish need not be let ask about either. Side by side: a question that is not allowed takes its whole deadline.
    let (account, set_aside) =
        tokio::join!(jetstream.request("INFO", b""), contents::named(jetstream, SET_ASIDE_STREAM));
    let account = match account {
        Ok(Response::Ok(account)) => Some(account),
        Ok(Response::Err { .. }) | Err(_) => None,
    };
    let set_aside = set_aside.ok().flatten();
    Ok(Some(StreamStanding {
        replicas: info.config.num_replicas,
        behind: peers.filter(|peer| peer.offline || !peer.current).map(|peer| peer.name.clone()).collect(),
        max_age: info.config.max_age,
        set_aside_max_age: set_aside.map(|stream| stream.cached_info().config.max_age),
        on_file: info.config.storage == StorageType::File,
        stream: StorageUse::of(info.state.bytes, Some(info.config.max_bytes)),
        drops_oldest: info.config.discard == DiscardPolicy::Old,
        account: account.map(|account| of_account(&account, info.config.num_replicas)),
    }))
}

/// What a server says of an account, as far as it is looked at: older servers say less than the client wants to hear.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Account {
    storage: u64,
    limits: Limits,
    tiers: HashMap<String, Tier>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tier {
    storage: u64,
    limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Limits {
    max_storage: Option<i64>,
}

/// An account has one limit, or one for each number of replicas.
fn of_account(account: &Account, replicas: usize) -> StorageUse {
    match account.tiers.get(&format!("R{replicas}")) {
        Some(tier) => StorageUse::of(tier.storage, tier.limits.max_storage),
        None => StorageUse::of(account.storage, account.limits.max_storage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_without_a_limit_is_never_full() {
        assert_eq!(StorageUse::of(900, Some(1000)).percent(), Some(90));
        assert_eq!(StorageUse::of(u64::MAX, Some(1)).percent(), Some(u64::MAX));
        for none in [Some(-1), Some(0), None] {
            assert_eq!(StorageUse::of(900, none).percent(), None, "{none:?}");
        }
    }
}
