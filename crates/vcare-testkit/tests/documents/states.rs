//! `docs/state-machines.md` is what the aggregates do.

mod explore;
mod others;
mod upload;
mod visit;

use vcare_domain::{AsyncVisitStatus, ParticipantStatus, SessionStatus};
use vcare_testkit::{documents, must_be_part_of};

const PAGE: &str = "docs/state-machines.md";

#[test]
fn the_documented_states_and_transitions_are_those_of_the_code() {
    let live = visit::found();
    must_be_part_of(PAGE, "a visit", &format!("{}\n\n{}", live.visit.picture(), live.table));
    must_be_part_of(PAGE, "who comes by link", &live.by_link.picture());
    must_be_part_of(PAGE, "a provider", &live.provider.picture());
    must_be_part_of(PAGE, "a thread", &live.thread.picture());
    let (visit, encounter, table) = others::async_visit();
    must_be_part_of(PAGE, "a visit without a live link", &format!("{}\n\n{table}", visit.picture()));
    let mut encounters = live.encounter;
    encounters.merge(encounter);
    must_be_part_of(PAGE, "an Encounter", &encounters.ending(&["not_required", "created"]).picture());
    must_be_part_of(PAGE, "an upload", &upload::upload().picture());
    must_be_part_of(PAGE, "a draft", &others::draft().picture());
}

/// What each state means is said once, in the architecture.
#[test]
fn every_state_of_the_code_is_documented_with_its_meaning() {
    let page = documents::page("ARCHITECTURE.md").unwrap();
    let rows: Vec<_> = page.rows();
    let explained = |state: &str| {
        let explains =
            |row: &&documents::Row| row.cell("state").is_some_and(|cell| cell.contains(&format!("`{state}`")));
        rows.iter().any(|row| explains(&row) && row.cell("means").is_some_and(|means| !means.is_empty()))
    };
    let states = SessionStatus::ALL.iter().map(|status| status.as_str());
    let states = states.chain(AsyncVisitStatus::ALL.iter().map(|status| status.as_str()));
    for state in states.chain(ParticipantStatus::ALL.iter().map(|status| status.as_str())) {
        assert!(explained(state), "ARCHITECTURE.md does not say what {state} means");
    }
}
