//! A good run, spoilt in every way that the verdict must find.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::chaos::clock::Together;
use crate::chaos::phone::Unanswered;
use crate::chaos::plan::Plan;

const SESSION: &str = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
const IDENTIFIER: &str = "019a9f05-c6cc-926f-c16c-baeac8b3511b";

fn plan(course: Course) -> Plan {
    Plan { number: 1, tenant: 0, course, clinician_first: false, creators: 1, enders: 1, talk: Duration::ZERO }
}

fn told(course: Course) -> Told {
    Told {
        plan: plan(course),
        sessions: vec![SESSION.to_owned()],
        version: 5,
        durations: vec![2],
        encounters: vec!["enc-1".to_owned()],
        together: Together::between(Duration::from_secs(2), Duration::from_secs(3)),
        wrong: Vec::new(),
        broken_off: None,
    }
}

fn event(id: u64, kind: &str, version: Option<u64>) -> Value {
    let mut event = json!({"id": format!("evt_{id}"), "type": kind, "data": {"sessionId": SESSION}});
    if let Some(version) = version {
        event["data"]["version"] = json!(version);
    }
    event
}

/// A visit that was held for two seconds, ended and charged.
fn held() -> (Told, Truth) {
    let mut events = vec![
        event(1, "virtual_care.session.created.v1", Some(1)),
        event(2, "virtual_care.session.participant.join_token_issued.v1", Some(2)),
        event(3, "virtual_care.session.participant.joined.v1", Some(3)),
        event(4, "virtual_care.session.participant.joined.v1", Some(4)),
        event(5, "virtual_care.session.participant.admitted.v1", Some(4)),
        event(6, "virtual_care.session.started.v1", Some(4)),
        event(7, "virtual_care.session.ended.v1", Some(5)),
        event(8, "virtual_care.billing.session_chargeable.v1", None),
    ];
    events[6]["data"]["durationSeconds"] = json!(2);
    events[7]["data"]["durationSeconds"] = json!(2);
    events[7]["data"]["encounterId"] = json!("enc-1");
    events[7]["data"]["providers"] = json!([{"id": "dr-amin", "seconds": 2}]);
    let row = Row {
        session: SESSION.to_owned(),
        identifier: IDENTIFIER.to_owned(),
        appointment: "chaos-1".to_owned(),
        version: 6,
        status: "ended".to_owned(),
        encounter_status: Some("created".to_owned()),
        encounter: Some("enc-1".to_owned()),
        charged: true,
    };
    let encounter = json!({
        "id": "enc-1",
        "identifier": [{"system": SESSION_IDENTIFIER_SYSTEM, "value": IDENTIFIER}],
        "length": {"value": 2},
        "participant": [{
            "type": [{"coding": [{"code": "PPRF"}]}],
            "period": {"start": "2026-03-01T12:00:00Z", "end": "2026-03-01T12:00:02Z"},
        }],
    });
    (told(Course::Talked), Truth { rows: vec![row], offline: Vec::new(), events, encounters: vec![encounter] })
}

fn faults(told: Told, truth: &Truth) -> Vec<Fault> {
    let verdict = judge(&[told], truth);
    let mut faults: Vec<Fault> = verdict.findings.iter().map(|finding| finding.fault).collect();
    faults.sort_unstable();
    faults.dedup();
    faults
}

#[test]
fn a_visit_with_all_that_belongs_to_it_is_fine_also_when_events_came_twice() {
    let (told, mut truth) = held();
    let again = truth.events[2].clone();
    truth.events.push(again);
    let verdict = judge(&[told], &truth);
    assert_eq!(verdict.findings, []);
    assert_eq!((verdict.charged, verdict.events, verdict.redelivered), (1, 8, 1));
}

#[test]
fn a_visit_that_was_called_off_has_neither_encounter_nor_charge() {
    let (mut told, mut truth) = held();
    told.plan = plan(Course::CalledOff);
    (told.version, told.durations, told.encounters) = (2, Vec::new(), Vec::new());
    truth.events.truncate(1);
    truth.events.push(event(9, "virtual_care.session.cancelled.v1", Some(2)));
    let encounters = std::mem::take(&mut truth.encounters);
    let row = &mut truth.rows[0];
    (row.version, row.charged, row.status) = (2, false, "cancelled".to_owned());
    (row.encounter_status, row.encounter) = (None, None);
    assert_eq!(faults(told.clone(), &truth), []);
    truth.encounters = encounters;
    assert_eq!(faults(told, &truth), [Fault::Doubled]);
}

#[test]
fn whatever_is_missing_or_there_twice_is_found() {
    type Break = fn(&mut Told, &mut Truth);
    let table: [(&str, Break, &[Fault]); 20] = [
        ("no row", |_, truth| truth.rows.clear(), &[Fault::Lost, Fault::Wrong]),
        ("two rows", |_, truth| truth.rows.push(truth.rows[0].clone()), &[Fault::Doubled, Fault::Wrong]),
        ("a foreign row", |_, truth| truth.rows[0].appointment.clear(), &[Fault::Lost, Fault::Wrong]),
        ("no Encounter", |_, truth| truth.encounters.clear(), &[Fault::Lost]),
        ("two Encounters", |_, truth| truth.encounters.push(truth.encounters[0].clone()), &[Fault::Doubled]),
        ("no charge", |_, truth| drop(truth.events.pop()), &[Fault::Lost]),
        ("two charges", |_, truth| repeat(truth, 7), &[Fault::Doubled]),
        ("two ends", |_, truth| repeat(truth, 6), &[Fault::Doubled]),
        ("no end", |_, truth| drop(truth.events.remove(6)), &[Fault::Lost]),
        ("no start", |_, truth| drop(truth.events.remove(5)), &[Fault::Lost]),
        ("no version 2", |_, truth| drop(truth.events.remove(1)), &[Fault::Lost]),
        ("a swap", |_, truth| truth.events.swap(6, 5), &[Fault::OutOfOrder]),
        ("charged before the end", |_, truth| truth.events.swap(7, 6), &[Fault::OutOfOrder]),
        ("an older row", |_, truth| truth.rows[0].version = 4, &[Fault::Lost]),
        ("still pending", |_, truth| truth.rows[0].encounter_status = Some("pending".to_owned()), &[Fault::Lost]),
        ("another Encounter", |_, truth| truth.encounters[0]["id"] = json!("enc-2"), &[Fault::Wrong]),
        ("another length", |told, _| told.durations.push(3), &[Fault::Wrong]),
        ("a shorter period", |_, truth| shorten(truth), &[Fault::Wrong]),
        ("another clinician", |_, truth| add_clinician(truth), &[Fault::Wrong]),
        ("two sessions", |told, _| told.sessions.push("vsn_other".to_owned()), &[Fault::Doubled]),
    ];
    for (name, spoil, expected) in table {
        let (mut told, mut truth) = held();
        spoil(&mut told, &mut truth);
        assert_eq!(faults(told, &truth), expected, "{name}");
    }
}

fn shorten(truth: &mut Truth) {
    truth.encounters[0]["participant"][0]["period"]["end"] = json!("2026-03-01T12:00:01Z");
}

fn add_clinician(truth: &mut Truth) {
    truth.events[7]["data"]["providers"] = json!([{"id": "dr-amin", "seconds": 2}, {"id": "dr-bashir", "seconds": 1}]);
}

/// The same said again, by another event.
fn repeat(truth: &mut Truth, place: usize) {
    let mut again = truth.events[place].clone();
    again["id"] = json!("evt_again");
    truth.events.push(again);
}

#[test]
fn a_visit_that_was_broken_off_must_be_whole_as_far_as_it_went() {
    let (mut told, mut truth) = held();
    told.broken_off = Some(Unanswered("end was not answered".to_owned()));
    assert_eq!(faults(told.clone(), &truth), [Fault::Unanswered], "the end came through");
    truth.events.remove(2);
    assert_eq!(faults(told, &truth), [Fault::Lost, Fault::Unanswered]);
}
