//! One thing that is asked, and what must be answered.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fill::Generators;
use super::rules::{Rules, is_empty};

/// One thing that is asked, and what must be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interaction {
    /// What it is, in words.
    pub description: String,
    /// How things are with the provider when it is asked.
    #[serde(default)]
    pub provider_states: Vec<ProviderState>,
    /// What is asked.
    pub request: Request,
    /// What must be answered.
    pub response: Response,
}

/// How things are with the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderState {
    /// In words that the provider maps to something.
    pub name: String,
    /// Of what it is said.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

/// What is asked: an example, and by which rules another request is as good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The whole path, percent-encoded.
    pub path: String,
    /// Values by name, decoded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Vec<String>>,
    /// What is not here may be there all the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// JSON where the `Content-Type` says so, else a text. Without one, any will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) matching_rules: Rules,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) generators: Generators,
}

/// What must be answered: an example, and by which rules another answer is as good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// What is not here may be there all the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// As in a [`Request`]; members that are not here may be there all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) matching_rules: Rules,
}

impl Interaction {
    /// A thing that is asked and answered, whatever the state.
    #[must_use]
    pub fn new(description: &str, request: Request, response: Response) -> Self {
        Self { description: description.to_owned(), provider_states: Vec::new(), request, response }
    }

    /// The same when that is so; `params` is a JSON object.
    #[must_use]
    pub fn given(mut self, name: &str, params: &Value) -> Self {
        let params = params.as_object().cloned().unwrap_or_default();
        self.provider_states.push(ProviderState { name: name.to_owned(), params });
        self
    }

    /// That examples keep their own rules, and that rules are about something.
    pub(super) fn check(&self) -> Result<()> {
        let Self { request, response, .. } = self;
        request.matching_rules.check(&request.headers, request.body.as_ref())?;
        response.matching_rules.check(&response.headers, response.body.as_ref())?;
        ensure!(response.matching_rules.path.is_none(), "an answer has no path");
        ensure!(response.matching_rules.query.is_empty(), "an answer has no query");
        for name in request.matching_rules.query.keys() {
            ensure!(request.query.contains_key(name), "the query has no {name}");
        }
        let wrong = request.mismatches(&request.as_asked());
        ensure!(wrong.is_empty(), "the example of a request breaks its own rules: {wrong:?}");
        let wrong = response.mismatches(&response.as_answered());
        ensure!(wrong.is_empty(), "the example of an answer breaks its own rules: {wrong:?}");
        Ok(())
    }
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            body: None,
            matching_rules: Rules::default(),
            generators: Generators::default(),
        }
    }

    /// With that in its query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.entry(name.to_owned()).or_default().push(value.to_owned());
        self
    }

    /// With that header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With that body: a text of JSON's for other content types.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Value) -> Self {
        self.body = Some(body);
        self.header("Content-Type", content_type)
    }

    /// As good when those rules hold; what they say is added to what was said before.
    #[must_use]
    pub fn matching(mut self, rules: Rules) -> Self {
        self.matching_rules.add(rules);
        self
    }

    /// With a path that is made of what the provider's state provides: `/notes/${noteId}`.
    #[must_use]
    pub fn path_of_state(mut self, expression: &str) -> Self {
        self.generators.set_path(expression);
        self
    }
}

impl Response {
    /// An answer without headers and body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: BTreeMap::new(), body: None, matching_rules: Rules::default() }
    }

    /// An answer of JSON, with any parameters of that content type.
    #[must_use]
    pub fn json(status: u16, content_type: &str, body: Value) -> Self {
        let content_type_rule = format!("^{}(;.*)?$", regex::escape(content_type));
        let rules = Rules::new().header("Content-Type", &content_type_rule);
        Self { body: Some(body), ..Self::new(status) }.header("Content-Type", content_type).matching(rules)
    }

    /// With that header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// As good when those rules hold; what they say is added to what was said before.
    #[must_use]
    pub fn matching(mut self, rules: Rules) -> Self {
        self.matching_rules.add(rules);
        self
    }
}
