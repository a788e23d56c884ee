//! Kills, pauses and slows down, as chance has it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::chance::Chance;
use super::figures::{Figures, Kind};
use super::world::{TARGETS, Target, World};

/// The most that is broken at once.
const AT_ONCE: usize = 4;

/// A restarted process that has done nothing by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// How far clocks are set: a little, by ten minutes, by a day.
const CLOCK_STEPS: [i64; 6] = [15, -15, 600, -600, 86_400, -86_400];

/// What is done to whom, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// It crashes, and is restarted after that long.
    Kill(Target, Duration),
    /// It holds its breath for that long.
    Pause(Target, Duration),
    /// The FHIR gateway is in trouble for that long.
    Fhir(Trouble, Duration),
    /// The clock of the second process of that kind is set so many seconds ahead, or behind, for that long.
    Clock(Kind, i64, Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// It answers after so many milliseconds.
    Slow(u64),
    /// It answers with that status.
    Down(u16),
    /// It answers 200 and something else.
    Wrong,
}

impl Trouble {
    fn mode(self) -> (&'static str, Value) {
        match self {
            Self::Slow(latency) => ("slow", json!({"mode": "slow", "latencyMs": latency})),
            Self::Down(status) => ("down", json!({"mode": "down", "status": status})),
            Self::Wrong => ("wrong", json!({"mode": "wrong"})),
        }
    }
}

/// The next act, and how long to wait before it.
fn draw(chance: &Chance) -> (Duration, Act) {
    #[derive(Clone, Copy)]
    enum What {
        Kill,
        Pause,
        Fhir,
        Clock,
    }
    let wait = chance.milliseconds(100, 1900);
    let targets = TARGETS.map(|target| (target, if target.0 == Kind::Worker { 1 } else { 2 }));
    let act = match chance
        .weighted(&[(What::Kill, 56), (What::Pause, 20), (What::Fhir, 14), (What::Clock, 10)], What::Kill)
    {
        What::Kill => Act::Kill(chance.weighted(&targets, TARGETS[0]), chance.milliseconds(0, 2500)),
        What::Pause => Act::Pause(chance.weighted(&targets, TARGETS[0]), chance.milliseconds(300, 4500)),
        What::Fhir => {
            let slow = Trouble::Slow(300 + chance.below(3500));
            let down = Trouble::Down(chance.weighted(&[(503, 4), (500, 2), (429, 1), (401, 1), (404, 1)], 503));
            let trouble = chance.weighted(&[(slow, 2), (down, 2), (Trouble::Wrong, 1)], Trouble::Wrong);
            Act::Fhir(trouble, chance.milliseconds(1000, 8000))
        }
        What::Clock => {
            let kind = chance.weighted(&[(Kind::Api, 1), (Kind::Worker, 1)], Kind::Api);
            let seconds = chance.weighted(&CLOCK_STEPS.map(|seconds| (seconds, 1)), CLOCK_STEPS[0]);
            Act::Clock(kind, seconds, chance.milliseconds(2000, 6000))
        }
    };
    (wait, act)
}

/// What a saboteur needs.
#[derive(Clone)]
struct Hands {
    world: Arc<World>,
    figures: Arc<Figures>,
    fhir: Arc<Mutex<()>>,
    clocks: Arc<Mutex<()>>,
    enough: CancellationToken,
    /// How often each was killed.
    kills: Arc<std::sync::Mutex<BTreeMap<Target, u64>>>,
}

/// A process that was started again.
struct Restarted {
    target: Target,
    since: Instant,
    /// It had been killed so often by then.
    kills: u64,
}

/// Breaks one thing after the other until `enough`, then puts everything back. What it does, and in which order, is the
/// seed's; what it hits by it is the machine's.
///
/// # Errors
/// When a process does not come back, or ended without being killed.
pub async fn run(world: Arc<World>, figures: Arc<Figures>, seed: u64, enough: CancellationToken) -> Result<()> {
    let chance = Chance::new(seed, 0);
    let hands = Hands {
        world,
        figures,
        fhir: Arc::default(),
        clocks: Arc::default(),
        enough: enough.clone(),
        kills: Arc::default(),
    };
    let (mut acts, mut recoveries) = (JoinSet::new(), JoinSet::new());
    let (mut wait, mut act) = draw(&chance);
    let mut next = Instant::now() + wait;
    while !enough.is_cancelled() {
        tokio::select! {
            () = enough.cancelled() => {}
            Some(done) = acts.join_next() => {
                let hands = hands.clone();
                recoveries.spawn(async move { hands.watch(done??).await });
            }
            () = tokio::time::sleep_until(next.into()), if acts.len() < AT_ONCE => {
                let hands = hands.clone();
                acts.spawn(async move { hands.perform(act).await });
                (wait, act) = draw(&chance);
                next = Instant::now() + wait;
            }
        }
    }
    while let Some(done) = acts.join_next().await {
        let hands = hands.clone();
        recoveries.spawn(async move { hands.watch(done??).await });
    }
    while let Some(done) = recoveries.join_next().await {
        done??;
    }
    Ok(())
}

impl Hands {
    /// Notes when a restarted process does something again, unless it is killed before.
    async fn watch(&self, restarted: Option<Restarted>) -> Result<()> {
        let Some(Restarted { target, since, kills }) = restarted else { return Ok(()) };
        let killed_again = || self.kills_of(target, 0) != kills;
        while since.elapsed() < PATIENCE && !killed_again() {
            if self.world.works(target).await {
                self.figures.recoveries.time(target.0, since.elapsed());
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::ensure!(killed_again(), "{} {} was restarted and does nothing", target.0, target.1);
        Ok(())
    }

    fn kills_of(&self, target: Target, more: u64) -> u64 {
        let mut kills = self.kills.lock().unwrap_or_else(PoisonError::into_inner);
        let count = kills.entry(target).or_default();
        *count += more;
        *count
    }

    /// Leaves things as they are for that long, or until it is enough.
    async fn hold(&self, long: Duration) {
        self.enough.run_until_cancelled(tokio::time::sleep(long)).await;
    }

    async fn perform(&self, act: Act) -> Result<Option<Restarted>> {
        match act {
            Act::Kill(target, down) => {
                let process = self.world.process(target)?;
                let mut process = process.lock().await;
                anyhow::ensure!(!process.kill(), "{} {} ended without being killed", target.0, target.1);
                self.figures.kills.count(target.0);
                let kills = self.kills_of(target, 1);
                self.hold(down).await;
                let since = Instant::now();
                process.restart().await.with_context(|| format!("{} {}", target.0, target.1))?;
                Ok(Some(Restarted { target, since, kills }))
            }
            Act::Pause(target, hold) => {
                let process = self.world.process(target)?;
                let process = process.lock().await;
                process.signal("-STOP")?;
                self.figures.pauses.count(target.0);
                self.hold(hold).await;
                process.signal("-CONT")?;
                Ok(None)
            }
            Act::Fhir(trouble, hold) => {
                let _one = self.fhir.lock().await;
                let (name, mode) = trouble.mode();
                // Who is down or paused cannot be told, and is in trouble anyway.
                if self.world.set_fhir(&mode).await.is_ok() {
                    self.figures.fhir.count(name);
                }
                self.hold(hold).await;
                let _ = self.world.set_fhir(&json!({"mode": "up"})).await;
                Ok(None)
            }
            Act::Clock(kind, seconds, hold) => {
                let _one = self.clocks.lock().await;
                self.world.set_clock(kind, seconds)?;
                self.figures.clocks.count(format_args!("{kind} {seconds:+} s"));
                self.hold(hold).await;
                self.world.set_clock(kind, 0)?;
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_plan_and_everybody_is_hit() {
        let plan = |seed| {
            let chance = Chance::new(seed, 0);
            (0..200).map(|_| draw(&chance)).collect::<Vec<_>>()
        };
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        for target in TARGETS {
            let hit = |act: &Act| matches!(act, Act::Kill(hit, _) | Act::Pause(hit, _) if *hit == target);
            assert!(plan(7).iter().any(|(_, act)| hit(act)), "{target:?}");
        }
        assert!(plan(7).iter().any(|(_, act)| matches!(act, Act::Fhir(Trouble::Wrong, _))));
        for kind in [Kind::Api, Kind::Worker] {
            assert!(plan(7).iter().any(|(_, act)| matches!(act, Act::Clock(of, ..) if *of == kind)), "{kind}");
        }
    }
}
