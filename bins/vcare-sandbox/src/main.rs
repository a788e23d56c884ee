//! `vcare-sandbox`: the whole service on one machine, for newcomers and for who builds against it.

#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_ai;
mod bench_jobs;
mod bench_link;
mod bench_reads;
mod chaos;
mod memory;
mod place;
mod seed;
mod standins;
mod surroundings;
mod up;
mod visit;
mod with;

use clap::{Parser, Subcommand};

/// The virtual care service on this machine, with a database, an event broker and stand-ins for its neighbours.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything, run one visit, and stay up until Ctrl-C.
    Up {
        /// Run the visit in a sandbox of its own, print a summary, and stop.
        #[arg(long)]
        check: bool,
    },
    /// Start everything, run a program beside it, and stop.
    With(with::Options),
    /// Run many visits while everything is killed, paused and made slow, and prove that nothing is lost or doubled.
    Chaos(chaos::Options),
    /// Measure what audio costs the api while it passes through: `deploy/local/bench-ai`.
    #[command(hide = true)]
    BenchAi(bench_ai::Options),
    /// Measure how fast durable work is done: `deploy/local/bench-jobs`.
    #[command(hide = true)]
    BenchJobs(bench_jobs::Options),
    /// Measure what waiting costs, on the wire and in memory: `deploy/local/bench-link`.
    #[command(hide = true)]
    BenchLink(bench_link::Options),
    /// Measure what a read costs, audit included: `deploy/local/bench-reads`.
    #[command(hide = true)]
    BenchReads(bench_reads::Options),
    /// Play the neighbours, for a chaos that kills them.
    #[command(hide = true)]
    Standins(standins::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    vcare_boot::install_crypto();
    match Arguments::parse().command {
        Command::Up { check: true } => up::check().await,
        Command::Up { check: false } => up::stay().await,
        Command::With(options) => Box::pin(with::run(options)).await,
        Command::Chaos(options) => Box::pin(chaos::run(options)).await,
        Command::BenchAi(options) => Box::pin(bench_ai::run(options)).await,
        Command::BenchJobs(options) => Box::pin(bench_jobs::run(options)).await,
        Command::BenchLink(options) => Box::pin(bench_link::run(options)).await,
        Command::BenchReads(options) => Box::pin(bench_reads::run(options)).await,
        Command::Standins(options) => standins::serve(options).await,
    }
}

#[cfg(test)]
mod tests {
    use vcare_testkit::documents;

    use super::*;

    /// The commands whose options are read here.
    const OURS: [&str; 5] = ["chaos", "bench-ai", "bench-jobs", "bench-link", "bench-reads"];

    /// Options of what takes too long to be run before each merge are read at least.
    #[test]
    fn the_documented_commands_are_understood() {
        let mut count = 0;
        for command in documents::pages().unwrap().iter().flat_map(documents::Page::commands) {
            let words = command.words();
            let ours = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["just", name, rest @ ..] => Some((*name, rest.to_vec())),
                ["target/debug/vcare-sandbox", name, rest @ ..] => Some((*name, rest.to_vec())),
                [script, rest @ ..] => script.strip_prefix("deploy/local/").map(|name| (name, rest.to_vec())),
                [] => None,
            };
            // Other scripts have nothing of ours to read their options.
            let ours = ours.filter(|(name, _)| OURS.contains(name));
            let Some((name, rest)) = ours else { continue };
            count += 1;
            let read = Arguments::try_parse_from(["vcare-sandbox", name].into_iter().chain(rest));
            assert!(read.is_ok(), "{}: {}", command.place, read.err().unwrap());
        }
        assert!(count > 8, "{count}");
    }
}
