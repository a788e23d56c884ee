//! A visit that was written offline: one answer, one Encounter, one charge.

use super::{Case, Fault, shortened};

const CHARGE: &str = "virtual_care.billing.async_visit_chargeable.v1";
const LIFE: [&str; 4] = ["submitted", "claimed", "responded", "async_visit_chargeable"];

impl Case<'_> {
    pub(super) fn judge_offline(mut self) {
        self.verdict.offline += 1;
        if self.told.broken_off.is_some() {
            return;
        }
        // Whoever is not answered claims again, and holds it for longer.
        let mut found: Vec<String> = self.events.iter().map(|event| shortened(event["type"].as_str())).collect();
        found.dedup_by(|next, claimed| *next == "claimed" && next == claimed);
        self.are_in_order(&LIFE, found);
        let charges = self.of(CHARGE);
        for (name, count) in [("Encounter", self.encounters.len()), ("charge", charges.len())] {
            match count {
                0 => self.find(Fault::Lost, format!("it has no {name}")),
                1 => {}
                many => self.find(Fault::Doubled, format!("it has {many} of: {name}")),
            }
        }
        if self.row.encounter_status.as_deref() != Some("created") || !self.row.charged {
            self.find(Fault::Lost, format!("its Encounter is recorded as {:?}", self.row.encounter_status));
        }
        let ([encounter], [charge]) = (self.encounters.as_slice(), charges.as_slice()) else { return };
        let id = encounter["id"].as_str();
        if id != self.row.encounter.as_deref() || id != charge["encounterId"].as_str() {
            self.find(Fault::Wrong, "chart, row and charge name different Encounters");
        }
    }
}
