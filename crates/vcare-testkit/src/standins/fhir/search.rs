//! Which Encounters are meant.

use serde_json::Value;
use url::form_urlencoded;

use super::outcome::Issue;

const MOST: usize = 1000;

/// A search, by query or by `If-None-Exist`.
#[derive(Debug)]
pub(super) struct Search {
    identifier: Option<Token>,
    patient: Option<String>,
    pub count: usize,
}

/// `system|value`, `|value` (of no system) or `value` (of any).
#[derive(Debug)]
struct Token {
    system: Option<String>,
    value: String,
}

impl Search {
    /// A condition holds only what would stand behind the `?`. A path in front makes one real server create a duplicate
    /// and another refuse; this one refuses.
    pub fn of_condition(header: &str) -> Result<Self, Issue> {
        if header.contains('?') {
            return Err(invalid("If-None-Exist holds only what stands behind the question mark"));
        }
        let search = Self::of_query(header)?;
        if search.identifier.is_none() || search.patient.is_some() {
            return Err(invalid("If-None-Exist must be identifier=system|value"));
        }
        Ok(search)
    }

    /// What is not known is refused: passed over, it would find everybody's.
    pub fn of_query(query: &str) -> Result<Self, Issue> {
        let mut search = Self { identifier: None, patient: None, count: MOST };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "identifier" => search.identifier = Some(Token::parse(&value)?),
                "patient" | "subject" => {
                    search.patient = Some(format!("Patient/{}", value.trim_start_matches("Patient/")));
                }
                "_count" => search.count = value.parse().map_err(|_| invalid("_count is no number"))?,
                "_format" | "_sort" => {}
                other => return Err(invalid(&format!("unknown parameter {other:?}"))),
            }
        }
        Ok(search)
    }

    /// The value that one of its identifiers must have.
    pub fn identifier_value(&self) -> Option<&str> {
        self.identifier.as_ref().map(|token| token.value.as_str())
    }

    pub fn matches(&self, encounter: &Value) -> bool {
        let of_patient = |patient: &String| encounter["subject"]["reference"] == patient.as_str();
        self.identifier.as_ref().is_none_or(|token| token.matches(encounter)) && self.patient.iter().all(of_patient)
    }
}

impl Token {
    fn parse(text: &str) -> Result<Self, Issue> {
        let (system, value) = match text.split_once('|') {
            Some((system, value)) => (Some(system.to_owned()), value),
            None => (None, text),
        };
        if value.is_empty() || value.contains(char::is_whitespace) {
            return Err(invalid("identifier must be system|value"));
        }
        Ok(Self { system, value: value.to_owned() })
    }

    fn matches(&self, encounter: &Value) -> bool {
        let same = |one: &Value| {
            let system = one["system"].as_str().unwrap_or_default();
            one["value"] == self.value.as_str() && self.system.as_ref().is_none_or(|wanted| wanted == system)
        };
        encounter["identifier"].as_array().is_some_and(|all| all.iter().any(same))
    }
}

fn invalid(message: &str) -> Issue {
    Issue::new("invalid", "", message)
}
