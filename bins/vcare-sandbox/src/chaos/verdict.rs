//! Compares what clients were told with what is there.

mod offline;
mod seconds;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use vcare_app::async_visits::ASYNC_VISIT_IDENTIFIER_SYSTEM;
use vcare_app::encounters::SESSION_IDENTIFIER_SYSTEM;

use super::plan::Course;
use super::truth::{Row, Truth};
use super::visit::Told;

/// What can be wrong with a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Something is missing.
    Lost,
    /// Something is there twice, or should not be there.
    Doubled,
    /// Its events are not in their order.
    OutOfOrder,
    /// Two places say different things, or a client was told something else.
    Wrong,
    /// A client had no good answer.
    Unanswered,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub fault: Fault,
    pub visit: String,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: visit {}: {}", self.fault, self.visit, self.what)
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    pub charged: usize,
    pub without_duration: usize,
    pub called_off: usize,
    pub no_shows: usize,
    pub offline: usize,
    /// Of all charges of live visits.
    pub charged_seconds: u64,
    /// In which a clinician was with the patient, by the periods in all Encounters of live visits.
    pub encounter_seconds: u64,
    /// The same, as far as clients can know.
    pub at_least: u64,
    pub at_most: u64,
    /// Events without those that came again.
    pub events: usize,
    /// Messages of events that were in the stream already.
    pub redelivered: usize,
}

impl Verdict {
    /// How many findings are of that fault.
    pub fn count(&self, fault: Fault) -> usize {
        self.findings.iter().filter(|finding| finding.fault == fault).count()
    }

    /// Whether what was charged is what stands in the chart and what clients saw.
    pub const fn the_sums_agree(&self) -> bool {
        self.charged_seconds == self.encounter_seconds
            && self.at_least <= self.charged_seconds
            && self.charged_seconds <= self.at_most
    }

    fn find(&mut self, fault: Fault, visit: &str, what: impl Into<String>) {
        self.findings.push(Finding { fault, visit: visit.to_owned(), what: what.into() });
    }
}

/// Judges all visits.
pub fn judge(told: &[Told], truth: &Truth) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut seen, mut events) = (BTreeSet::new(), BTreeMap::<&str, Vec<&Value>>::new());
    for event in &truth.events {
        // As every consumer does: the same id is the same event.
        if !seen.insert(event["id"].as_str().unwrap_or_default()) {
            verdict.redelivered += 1;
            continue;
        }
        let data = &event["data"];
        // An async visit's events may name a session, too: the one that it goes on with.
        if let Some(visit) = data["asyncVisitId"].as_str().or(data["sessionId"].as_str()) {
            events.entry(visit).or_default().push(event);
        }
    }
    verdict.events = seen.len();
    let mut encounters = BTreeMap::<&str, Vec<&Value>>::new();
    for encounter in &truth.encounters {
        let identifiers = encounter["identifier"].as_array().into_iter().flatten();
        let systems = [SESSION_IDENTIFIER_SYSTEM, ASYNC_VISIT_IDENTIFIER_SYSTEM];
        let ours = identifiers.filter(|one| systems.iter().any(|system| one["system"] == *system));
        for value in ours.filter_map(|one| one["value"].as_str()) {
            encounters.entry(value).or_default().push(encounter);
        }
    }
    for told in told {
        let appointment = told.plan.appointment();
        for what in &told.wrong {
            verdict.find(Fault::Wrong, &appointment, what.clone());
        }
        if let Some(unanswered) = &told.broken_off {
            verdict.find(Fault::Unanswered, &appointment, unanswered.0.clone());
        }
        let offline = told.plan.course == Course::Offline;
        let rows = if offline { &truth.offline } else { &truth.rows };
        let rows: Vec<&Row> = rows.iter().filter(|row| row.appointment == appointment).collect();
        match rows.as_slice() {
            [] if told.sessions.is_empty() => {}
            [] => verdict.find(Fault::Lost, &appointment, "it was created and is not there"),
            [row] => {
                let events = events.remove(row.session.as_str()).unwrap_or_default();
                let encounters = encounters.remove(row.identifier.as_str()).unwrap_or_default();
                Case { told, row, events, encounters, visit: appointment, verdict: &mut verdict }.judge();
            }
            several => verdict.find(Fault::Doubled, &appointment, format!("one key made {} visits", several.len())),
        }
    }
    let known: BTreeSet<String> = told.iter().map(|told| told.plan.appointment()).collect();
    for row in truth.rows.iter().chain(&truth.offline).filter(|row| !known.contains(&row.appointment)) {
        verdict.find(Fault::Wrong, &row.session, "nobody created it");
    }
    // Of visits that were found, theirs were taken out.
    for session in events.keys() {
        verdict.find(Fault::Wrong, session, "there are events of a visit that is not there");
    }
    for identifier in encounters.keys() {
        verdict.find(Fault::Wrong, identifier, "there is an Encounter of a visit that is not there");
    }
    verdict
}

/// One visit, with all that there is of it.
struct Case<'a> {
    told: &'a Told,
    row: &'a Row,
    events: Vec<&'a Value>,
    encounters: Vec<&'a Value>,
    visit: String,
    verdict: &'a mut Verdict,
}

impl Case<'_> {
    fn find(&mut self, fault: Fault, what: impl Into<String>) {
        let visit = format!("{} ({})", self.visit, self.row.session);
        self.verdict.find(fault, &visit, what);
    }

    fn judge(mut self) {
        self.answers_hold();
        if self.told.plan.course == Course::Offline {
            return self.judge_offline();
        }
        let duration = self.duration();
        let chargeable = duration.is_some_and(|seconds| seconds > 0);
        match (self.row.status.as_str(), chargeable) {
            ("cancelled", _) => self.verdict.called_off += 1,
            ("no_show", _) => self.verdict.no_shows += 1,
            (_, true) => self.verdict.charged += 1,
            _ => self.verdict.without_duration += 1,
        }
        if self.told.broken_off.is_none() {
            self.events_are_those_of_its_life(chargeable);
        }
        self.versions_are_complete_and_in_order();
        self.nothing_is_said_twice();
        self.encounter_and_charge(chargeable, duration);
    }

    /// What clients were told is so.
    fn answers_hold(&mut self) {
        let (told, row) = (self.told, self.row);
        if told.sessions.iter().any(|session| *session != row.session) {
            self.find(Fault::Doubled, format!("one key was answered with several visits: {:?}", told.sessions));
        }
        if row.version < told.version {
            self.find(Fault::Lost, format!("version {} was answered, {} is there", told.version, row.version));
        }
        let status = told.plan.status();
        if told.broken_off.is_none() && row.status != status {
            self.find(Fault::Lost, format!("it was answered as {status} and is {}", row.status));
        }
        let encounter = row.encounter.as_deref();
        if told.encounters.iter().any(|answered| Some(answered.as_str()) != encounter) {
            self.find(Fault::Wrong, "another Encounter was answered than is recorded");
        }
    }

    fn of(&self, kind: &str) -> Vec<Value> {
        self.events.iter().filter(|event| event["type"] == kind).map(|event| event["data"].clone()).collect()
    }

    /// As its end was published, and if that was lost as it was answered; `None` without an end.
    fn duration(&mut self) -> Option<u64> {
        let ended = self.of("virtual_care.session.ended.v1");
        let published = ended.first().and_then(|ended| ended["durationSeconds"].as_u64());
        let duration = published.or_else(|| self.told.durations.first().copied())?;
        if self.told.durations.iter().any(|answered| *answered != duration) {
            self.find(Fault::Wrong, format!("{:?} s were answered, {duration} s published", self.told.durations));
        }
        Some(duration)
    }

    fn events_are_those_of_its_life(&mut self, chargeable: bool) {
        let expected = self.told.plan.life(chargeable);
        let found: Vec<String> = self.events.iter().map(|event| shortened(event["type"].as_str())).collect();
        self.are_in_order(&expected, found);
    }

    fn are_in_order(&mut self, expected: &[&'static str], found: Vec<String>) {
        let (mut missing, mut extra) = (Vec::new(), found.clone());
        for kind in expected {
            match extra.iter().position(|one| one == kind) {
                Some(place) => drop(extra.remove(place)),
                None => missing.push(*kind),
            }
        }
        if !missing.is_empty() {
            self.find(Fault::Lost, format!("no event says {missing:?}"));
        }
        if !extra.is_empty() {
            self.find(Fault::Doubled, format!("more events say {extra:?}"));
        }
        if missing.is_empty() && extra.is_empty() && found != expected {
            self.find(Fault::OutOfOrder, format!("{found:?}"));
        }
    }

    /// The charge is of the last change and says no version; every other change says its own.
    fn versions_are_complete_and_in_order(&mut self) {
        let versions: Vec<u64> = self.events.iter().filter_map(|event| event["data"]["version"].as_u64()).collect();
        if !versions.is_sorted() {
            self.find(Fault::OutOfOrder, format!("versions come as {versions:?}"));
        }
        let said: BTreeSet<u64> = versions.into_iter().collect();
        let last = self.row.version - u64::from(self.row.charged);
        let silent: Vec<u64> = (1..=last).filter(|version| !said.contains(version)).collect();
        if !silent.is_empty() {
            self.find(Fault::Lost, format!("no event is of version {silent:?}"));
        }
        if said.last().is_some_and(|newest| *newest > last) {
            self.find(Fault::Lost, format!("events go up to {said:?}, the visit only to {last}"));
        }
    }

    fn nothing_is_said_twice(&mut self) {
        let mut said = BTreeSet::new();
        let mut twice = Vec::new();
        for event in &self.events {
            let data = &event["data"];
            let what = format!("{} {} {}", event["type"], data["participantId"], data["version"]);
            if !said.insert(what.clone()) {
                twice.push(what);
            }
        }
        for what in twice {
            self.find(Fault::Doubled, format!("two events say {what}"));
        }
    }

    fn encounter_and_charge(&mut self, chargeable: bool, duration: Option<u64>) {
        let charges = self.of("virtual_care.billing.session_chargeable.v1");
        for (name, found) in [("Encounter", self.encounters.len()), ("charge", charges.len())] {
            match (usize::from(chargeable), found) {
                (1, 0) => self.find(Fault::Lost, format!("it has no {name}")),
                (wanted, found) if found > wanted => self.find(Fault::Doubled, format!("it has {found} of: {name}")),
                _ => {}
            }
        }
        let recorded = match (self.row.status.as_str(), chargeable) {
            ("ended", true) => Some("created"),
            ("ended", false) => Some("not_required"),
            _ => None,
        };
        if self.row.encounter_status.as_deref() != recorded || self.row.charged != chargeable {
            self.find(Fault::Lost, format!("its Encounter is recorded as {:?}", self.row.encounter_status));
        }
        let ([encounter], [charge]) = (self.encounters.as_slice(), charges.as_slice()) else { return };
        let (id, length) = (encounter["id"].as_str(), encounter["length"]["value"].as_u64());
        let in_periods = seconds::with_a_clinician(encounter);
        if id != self.row.encounter.as_deref() || id != charge["encounterId"].as_str() {
            self.find(Fault::Wrong, "chart, row and charge name different Encounters");
        }
        let charged = charge["durationSeconds"].as_u64();
        if length != duration || charged != duration {
            self.find(Fault::Wrong, "end, Encounter and charge are of different lengths");
        }
        self.seconds_are_those_that_were_spent(charged.unwrap_or_default(), in_periods);
        let named = charge["providers"].as_array().map_or(0, Vec::len);
        let there = if self.told.plan.course == Course::HandedOver { 2 } else { 1 };
        if self.told.broken_off.is_none() && named != there {
            self.find(Fault::Wrong, format!("{named} clinicians are charged, and {there} were there"));
        }
    }

    fn seconds_are_those_that_were_spent(&mut self, charged: u64, in_periods: u64) {
        if in_periods != charged {
            self.find(
                Fault::Wrong,
                format!("{charged} s are charged, and the Encounter's periods have {in_periods} s"),
            );
        }
        self.verdict.charged_seconds += charged;
        self.verdict.encounter_seconds += in_periods;
        let (at_least, at_most) = self.told.together.seconds();
        self.verdict.at_least += at_least;
        self.verdict.at_most += at_most;
        if self.told.broken_off.is_none() && !(at_least..=at_most).contains(&charged) {
            let what = format!("{charged} s are charged, and clients saw {at_least} to {at_most} s");
            self.find(Fault::Wrong, what);
        }
    }
}

/// `virtual_care.session.participant.joined.v1` is `joined`.
fn shortened(kind: Option<&str>) -> String {
    let kind = kind.unwrap_or_default().trim_end_matches(".v1");
    kind.rsplit('.').next().unwrap_or_default().to_owned()
}
