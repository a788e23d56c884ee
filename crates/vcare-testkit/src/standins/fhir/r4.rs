//! What an R4 Encounter must be.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::outcome::Issue;

const STATUSES: [&str; 9] =
    ["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"];

/// R4's own members; R5's `actualPeriod`, for one, is not among them.
const MEMBERS: [&str; 31] = [
    "resourceType",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "identifier",
    "status",
    "statusHistory",
    "class",
    "classHistory",
    "type",
    "serviceType",
    "priority",
    "subject",
    "episodeOfCare",
    "basedOn",
    "participant",
    "appointment",
    "period",
    "length",
    "reasonCode",
    "reasonReference",
    "diagnosis",
    "account",
    "hospitalization",
    "location",
    "serviceProvider",
    "partOf",
];

/// All that is wrong with it.
pub(super) fn issues(encounter: &Value) -> Vec<Issue> {
    let mut check = Check { issues: Vec::new() };
    check.nothing_is_empty(encounter, "Encounter");
    if let Some(encounter) = encounter.as_object() {
        check.encounter(encounter);
    }
    check.issues
}

struct Check {
    issues: Vec<Issue>,
}

impl Check {
    fn wrong(&mut self, at: &str, message: impl Into<String>) {
        self.issues.push(Issue::new("invalid", at, message));
    }

    fn expect(&mut self, holds: bool, at: &str, message: &str) {
        if !holds {
            self.wrong(at, message);
        }
    }

    /// FHIR's JSON knows no nulls, no empty texts, no empty objects and no empty arrays.
    fn nothing_is_empty(&mut self, value: &Value, at: &str) {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        self.expect(!empty, at, "is empty: leave it out");
        match value {
            Value::Array(all) => {
                for (number, one) in all.iter().enumerate() {
                    self.nothing_is_empty(one, &format!("{at}[{number}]"));
                }
            }
            Value::Object(all) => {
                for (name, one) in all {
                    self.nothing_is_empty(one, &format!("{at}.{name}"));
                }
            }
            _ => {}
        }
    }

    fn encounter(&mut self, encounter: &Map<String, Value>) {
        for name in encounter.keys() {
            if name == "id" {
                self.wrong("Encounter.id", "a new resource has no id: the server gives it");
            } else if !MEMBERS.contains(&name.as_str()) {
                self.wrong(&format!("Encounter.{name}"), "R4's Encounter has no such member");
            }
        }
        let is_encounter = encounter.get("resourceType").is_some_and(|kind| kind == "Encounter");
        self.expect(is_encounter, "Encounter.resourceType", "must be Encounter");
        let status = encounter.get("status").and_then(Value::as_str).unwrap_or_default();
        self.expect(STATUSES.contains(&status), "Encounter.status", "is required, and one of R4's codes");
        match encounter.get("class") {
            Some(class) if class.is_object() => self.coding(class, "Encounter.class"),
            _ => self.wrong("Encounter.class", "is required, and one Coding"),
        }
        if let Some(subject) = encounter.get("subject") {
            self.reference(subject, "Encounter.subject", &["Patient", "Group"]);
        }
        if let Some(provider) = encounter.get("serviceProvider") {
            self.reference(provider, "Encounter.serviceProvider", &["Organization"]);
        }
        if let Some(period) = encounter.get("period") {
            self.period(period, "Encounter.period");
        }
        if let Some(length) = encounter.get("length") {
            self.duration(length);
        }
        self.each(encounter, "identifier", Self::identifier);
        self.each(encounter, "participant", Self::participant);
        self.each(encounter, "reasonCode", Self::concept);
        self.each(encounter, "appointment", |check, one, at| check.reference(one, at, &["Appointment"]));
    }

    fn each(&mut self, encounter: &Map<String, Value>, name: &str, check: impl Fn(&mut Self, &Value, &str)) {
        let at = format!("Encounter.{name}");
        match encounter.get(name) {
            None => {}
            Some(Value::Array(all)) => {
                for (number, one) in all.iter().enumerate() {
                    check(self, one, &format!("{at}[{number}]"));
                }
            }
            Some(_) => self.wrong(&at, "must be an array"),
        }
    }

    fn text(&mut self, of: &Value, name: &str, at: &str) {
        self.expect(of[name].is_string(), &format!("{at}.{name}"), "must be a text");
    }

    fn coding(&mut self, coding: &Value, at: &str) {
        self.text(coding, "system", at);
        self.text(coding, "code", at);
    }

    /// A system must be a URI.
    fn identifier(&mut self, identifier: &Value, at: &str) {
        self.text(identifier, "value", at);
        let system = identifier["system"].as_str().unwrap_or("urn:none");
        self.expect(url::Url::parse(system).is_ok(), &format!("{at}.system"), "must be an absolute URI");
    }

    fn participant(&mut self, participant: &Value, at: &str) {
        for name in participant.as_object().into_iter().flatten().map(|(name, _)| name.as_str()) {
            let known = ["id", "extension", "modifierExtension", "type", "period", "individual"].contains(&name);
            self.expect(known, &format!("{at}.{name}"), "R4's participant has no such member");
        }
        self.expect(participant.is_object(), at, "must be an object");
        if let Some(individual) = participant.get("individual") {
            let kinds = ["Practitioner", "PractitionerRole", "RelatedPerson"];
            self.reference(individual, &format!("{at}.individual"), &kinds);
        }
        if let Some(period) = participant.get("period") {
            self.period(period, &format!("{at}.period"));
        }
        match participant.get("type") {
            None => {}
            Some(Value::Array(types)) => {
                for (number, one) in types.iter().enumerate() {
                    self.concept(one, &format!("{at}.type[{number}]"));
                }
            }
            Some(_) => self.wrong(&format!("{at}.type"), "must be an array"),
        }
    }

    fn concept(&mut self, concept: &Value, at: &str) {
        let codings = concept["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.expect(!codings.is_empty() || concept["text"].is_string(), at, "has neither coding nor text");
        for (number, coding) in codings.iter().enumerate() {
            self.coding(coding, &format!("{at}.coding[{number}]"));
        }
    }

    /// By `Kind/id`, by an absolute address, or by identifier alone.
    fn reference(&mut self, reference: &Value, at: &str, kinds: &[&str]) {
        let Some(target) = reference.get("reference") else {
            let identified = reference["identifier"].is_object() || reference["display"].is_string();
            return self.expect(identified, at, "must be a Reference");
        };
        let text = target.as_str().unwrap_or_default();
        let relative = text.split_once('/').is_some_and(|(kind, id)| kinds.contains(&kind) && is_id(id));
        let absolute = ["urn:uuid:", "http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        self.expect(relative || absolute, at, &format!("must refer to {}", kinds.join(" or ")));
    }

    fn instant(&mut self, period: &Value, name: &str, at: &str) -> Option<OffsetDateTime> {
        let value = period.get(name)?;
        let read = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        self.expect(read.is_some(), &format!("{at}.{name}"), "must be a time with a zone");
        read
    }

    fn period(&mut self, period: &Value, at: &str) {
        self.expect(period.is_object(), at, "must be one Period");
        let (start, end) = (self.instant(period, "start", at), self.instant(period, "end", at));
        if let (Some(start), Some(end)) = (start, end) {
            self.expect(start <= end, at, "ends before it starts (per-1)");
        }
    }

    /// A Duration has a unit of time by UCUM (drt-1).
    fn duration(&mut self, length: &Value) {
        let at = "Encounter.length";
        self.expect(length["value"].is_number(), at, "must be a Duration with a number as its value");
        let ucum = length["system"] == "http://unitsofmeasure.org" && length["code"].is_string();
        self.expect(ucum, at, "must have its unit by UCUM (drt-1)");
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}
