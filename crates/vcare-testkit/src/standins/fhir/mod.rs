//! A FHIR R4 server that knows Encounters, and of Patients whether their records were merged.

mod outcome;
mod r4;
mod search;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use self::outcome::Issue;
use self::search::Search;
use super::exchange::{Answer, Asked};
use super::journal::Journal;
use crate::machine;

/// The Encounters that there are.
#[derive(Debug)]
pub(super) struct Encounters {
    /// What `/Encounter` stands below.
    base: String,
    bearer: Option<String>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    encounters: Vec<Value>,
    /// Patients whose record was merged, and what their record refers to as the one that took its place.
    merged: HashMap<String, Option<String>>,
    /// Where those are that have an identifier of that value: a hundred thousand are not looked through for each new one.
    by_identifier: HashMap<String, Vec<usize>>,
    journal: Option<Journal>,
}

impl Book {
    fn of(encounters: Vec<Value>, journal: Journal) -> Self {
        let mut book = Self::default();
        for encounter in encounters {
            book.enter(encounter);
        }
        book.journal = Some(journal);
        book
    }

    /// Written down first: what is answered is kept.
    fn add(&mut self, encounter: Value) -> Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.add(&encounter)?;
        }
        self.enter(encounter);
        Ok(())
    }

    fn enter(&mut self, encounter: Value) {
        let place = self.encounters.len();
        for value in encounter["identifier"].as_array().into_iter().flatten().filter_map(|one| one["value"].as_str()) {
            let places = self.by_identifier.entry(value.to_owned()).or_default();
            // One that has the value twice is there once.
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        self.encounters.push(encounter);
    }

    fn is_of_merged(&self, encounter: &Value) -> bool {
        let patient = encounter["subject"]["reference"].as_str().and_then(|text| text.strip_prefix("Patient/"));
        patient.is_some_and(|patient| self.merged.contains_key(patient))
    }

    /// Those that are meant, oldest first.
    fn found(&self, search: &Search) -> Vec<&Value> {
        match search.identifier_value() {
            Some(value) => {
                let places = self.by_identifier.get(value).into_iter().flatten();
                places.map(|place| &self.encounters[*place]).filter(|one| search.matches(one)).collect()
            }
            None => self.encounters.iter().filter(|one| search.matches(one)).collect(),
        }
    }
}

impl Encounters {
    /// With those that are in the folder already, if there is one.
    pub fn open(base: String, bearer: Option<String>, folder: Option<&Path>) -> Result<Self> {
        let book = match folder {
            Some(folder) => {
                let (journal, encounters) = Journal::of_encounters(folder)?;
                Book::of(encounters, journal)
            }
            None => Book::default(),
        };
        Ok(Self { base, bearer, book: Mutex::new(book) })
    }

    pub fn all(&self) -> Vec<Value> {
        self.book().encounters.clone()
    }

    /// From here on a patient's record is out of use; `into`: what it refers to as the one that took its place.
    pub fn merge(&self, patient: &str, into: Option<&str>) {
        self.book().merged.insert(patient.to_owned(), into.map(ToOwned::to_owned));
    }

    pub fn put(&self, encounter: Value) -> String {
        let encounter = stored(encounter);
        let id = id_of(&encounter).to_owned();
        // Without a journal, which is where this is asked for, nothing can fail.
        let _ = self.book().add(encounter);
        id
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `/fhir/R4/…`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        // Anybody may read what a server can do.
        if segments == ["metadata"] && asked.reads() {
            return fhir(200, &self.capabilities());
        }
        if !self.admits(asked) {
            return refused(401, &[Issue::new("login", "", "a bearer token is needed")])
                .header("www-authenticate", "Bearer");
        }
        match segments {
            ["Encounter"] if asked.method == "POST" => self.create(asked),
            ["Encounter"] if asked.reads() => self.search(asked),
            ["Encounter", id] | ["Encounter", id, "_history", "1"] if asked.reads() => self.read(id),
            ["Patient", id] if asked.reads() => self.patient(id),
            ["Encounter", ..] | ["metadata"] => {
                let methods = if segments.len() == 1 { "GET, POST" } else { "GET" };
                let message = format!("only {methods}");
                refused(405, &[Issue::new("not-supported", "", message)]).header("allow", methods)
            }
            _ => refused(404, &[Issue::new("not-found", "", "this server knows only Encounter and Patient")]),
        }
    }

    fn admits(&self, asked: &Asked) -> bool {
        let expected = self.bearer.as_ref().map(|token| format!("Bearer {token}"));
        expected.is_none_or(|expected| asked.header("authorization") == Some(expected.as_str()))
    }

    /// `POST [base]/Encounter`, conditional if the header says so. Looking and writing are one step: two that race
    /// create one.
    fn create(&self, asked: &Asked) -> Answer {
        if !matches!(asked.content_type().as_str(), "application/fhir+json" | "application/json") {
            return refused(415, &[Issue::new("not-supported", "", "send application/fhir+json")]);
        }
        let Some(encounter) = asked.object().map(Value::Object) else {
            return refused(400, &[Issue::new("structure", "", "the body is no JSON object")]);
        };
        let issues = r4::issues(&encounter);
        if !issues.is_empty() {
            return refused(400, &issues);
        }
        let condition = match asked.header("if-none-exist").map(Search::of_condition).transpose() {
            Ok(condition) => condition,
            Err(issue) => return refused(400, &[issue]),
        };
        let mut book = self.book();
        let minimal = asked.header("prefer").is_some_and(|prefer| prefer.contains("return=minimal"));
        let matches: Vec<&Value> = match &condition {
            Some(condition) => book.found(condition),
            None => Vec::new(),
        };
        match matches.as_slice() {
            [] if book.is_of_merged(&encounter) => {
                let message = "the patient's record was merged into another one";
                refused(422, &[Issue::new("business-rule", "Encounter.subject", message)])
            }
            [] => {
                let encounter = stored(encounter);
                let answer = self.written(201, &encounter, minimal);
                match book.add(encounter) {
                    Ok(()) => answer,
                    Err(error) => refused(500, &[Issue::new("exception", "", error.to_string())]),
                }
            }
            [existing] => self.written(200, existing, minimal),
            several => {
                let message = format!("{} Encounters match If-None-Exist", several.len());
                refused(412, &[Issue::new("multiple-matches", "", message)])
            }
        }
    }

    fn written(&self, status: u16, encounter: &Value, minimal: bool) -> Answer {
        let answer = if minimal { Answer::empty(status) } else { fhir(status, encounter) };
        let location = format!("{}/Encounter/{}/_history/1", self.base, id_of(encounter));
        answer.header("location", location).header("etag", "W/\"1\"")
    }

    fn read(&self, id: &str) -> Answer {
        let book = self.book();
        match book.encounters.iter().find(|one| id_of(one) == id) {
            Some(encounter) => fhir(200, encounter).header("etag", "W/\"1\""),
            None => refused(404, &[Issue::new("not-found", "", "no such Encounter")]),
        }
    }

    /// A patient, as far as anybody asks: everybody is there, and in use unless their record was merged.
    fn patient(&self, id: &str) -> Answer {
        let mut patient = json!({"resourceType": "Patient", "id": id, "active": true});
        if let Some(into) = self.book().merged.get(id) {
            patient["active"] = json!(false);
            if let Some(other) = into {
                patient["link"] = json!([{"other": {"reference": other}, "type": "replaced-by"}]);
            }
        }
        fhir(200, &patient).header("etag", "W/\"1\"")
    }

    fn search(&self, asked: &Asked) -> Answer {
        let search = match Search::of_query(&asked.query) {
            Ok(search) => search,
            Err(issue) => return refused(400, &[issue]),
        };
        let book = self.book();
        let found = book.found(&search);
        let entry = |one: &&Value| {
            let url = format!("{}/Encounter/{}", self.base, id_of(one));
            json!({"fullUrl": url, "resource": one, "search": {"mode": "match"}})
        };
        let mut bundle = json!({
            "resourceType": "Bundle",
            "type": "searchset",
            "total": found.len(),
            "link": [{"relation": "self", "url": format!("{}/Encounter?{}", self.base, asked.query)}],
        });
        // FHIR knows no empty arrays.
        let entries: Vec<Value> = found.iter().take(search.count).map(entry).collect();
        if !entries.is_empty() {
            bundle["entry"] = Value::Array(entries);
        }
        fhir(200, &bundle)
    }

    fn capabilities(&self) -> Value {
        json!({
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-11-23",
            "kind": "instance",
            "implementation": {"description": "A stand-in that knows Encounters", "url": self.base},
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{
                "mode": "server",
                "resource": [{
                    "type": "Encounter",
                    "interaction": [{"code": "read"}, {"code": "vread"}, {"code": "create"}, {"code": "search-type"}],
                    "versioning": "versioned",
                    "conditionalCreate": true,
                    "searchParam": [
                        {"name": "identifier", "type": "token"},
                        {"name": "patient", "type": "reference"},
                    ],
                }, {
                    "type": "Patient",
                    "interaction": [{"code": "read"}],
                }],
            }],
        })
    }
}

fn id_of(encounter: &Value) -> &str {
    encounter["id"].as_str().unwrap_or_default()
}

/// With what a server adds.
fn stored(mut encounter: Value) -> Value {
    encounter["id"] = json!(machine::new_id());
    encounter["meta"]["versionId"] = json!("1");
    encounter["meta"]["lastUpdated"] = json!(machine::now().format(&Rfc3339).unwrap_or_default());
    encounter
}

fn fhir(status: u16, resource: &Value) -> Answer {
    Answer::new(status, "application/fhir+json", resource.to_string())
}

fn refused(status: u16, issues: &[Issue]) -> Answer {
    fhir(status, &outcome::of(issues))
}
