//! Values that a provider's state provides: an id that the provider drew stands where the example has one.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::interaction::Request;
use super::place;

/// Where a provider's values go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Generators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Generator>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    query: BTreeMap<String, Generator>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    header: BTreeMap<String, Generator>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    body: BTreeMap<String, Generator>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Generator {
    /// A text with `${name}` in the places of values.
    ProviderState { expression: String },
}

impl Generators {
    pub fn set_path(&mut self, expression: &str) {
        self.path = Some(Generator::ProviderState { expression: expression.to_owned() });
    }
}

impl Generator {
    fn text(&self, values: &Map<String, Value>) -> Result<String> {
        let Self::ProviderState { expression } = self;
        let (mut text, mut rest) = (String::new(), expression.as_str());
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { bail!("{expression:?} has an open end") };
            text.push_str(before);
            match values.get(name) {
                Some(Value::String(value)) => text.push_str(value),
                Some(value @ Value::Number(_)) => text.push_str(&value.to_string()),
                _ => bail!("no state provides {name}"),
            }
            rest = after;
        }
        Ok(text + rest)
    }
}

impl Request {
    /// The request with what the states provide in its places.
    ///
    /// # Errors
    /// When a value is provided by none, or its place is not there.
    pub fn filled(&self, values: &Map<String, Value>) -> Result<Self> {
        let mut filled = self.clone();
        let Generators { path, query, header, body } = &self.generators;
        if let Some(generator) = path {
            filled.path = generator.text(values)?;
        }
        for (name, generator) in query {
            let Some(values_of) = filled.query.get_mut(name) else { bail!("the query has no {name}") };
            *values_of = vec![generator.text(values)?];
        }
        for (name, generator) in header {
            let Some(header) = filled.headers.get_mut(name) else { bail!("there is no header {name}") };
            *header = generator.text(values)?;
        }
        for (text, generator) in body {
            let place = place::parse(text)?;
            let there = filled.body.as_mut().and_then(|body| place::at(body, &place));
            let Some(there) = there else { bail!("nothing is at {text}") };
            *there = json!(generator.text(values)?);
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let text = json!({
            "method": "POST", "path": "/a/1/b/2", "query": {"t": ["x"]}, "headers": {"Authorization": "Bearer x",
            "Content-Type": "application/json"}, "body": {"at": "then", "list": ["x"]},
            "generators": {
                "path": {"type": "ProviderState", "expression": "/a/${first}/b/${second}"},
                "query": {"t": {"type": "ProviderState", "expression": "${token}"}},
                "header": {"Authorization": {"type": "ProviderState", "expression": "Bearer ${token}"}},
                "body": {"$.list[0]": {"type": "ProviderState", "expression": "${first}"}},
            },
        });
        serde_json::from_value(text).unwrap()
    }

    fn values(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_a_state_provides_stands_in_its_places() {
        let filled = request().filled(&values(json!({"first": "vsn_1", "second": 7, "token": "abc"}))).unwrap();
        assert_eq!((filled.path.as_str(), &filled.query["t"][..]), ("/a/vsn_1/b/7", &["abc".to_owned()][..]));
        assert_eq!(filled.headers["Authorization"], "Bearer abc");
        assert_eq!(filled.body, Some(json!({"at": "then", "list": ["vsn_1"]})));
    }

    #[test]
    fn a_value_that_nobody_provides_is_an_error() {
        assert!(request().filled(&values(json!({"first": "vsn_1", "token": "abc"}))).is_err());
        assert!(request().filled(&values(json!({"first": [], "second": 7, "token": "abc"}))).is_err());
    }

    #[test]
    fn a_generator_that_is_not_known_is_refused() {
        let unknown = json!({"method": "GET", "path": "/", "generators": {"path": {"type": "RandomInt"}}});
        assert!(serde_json::from_value::<Request>(unknown).is_err());
    }
}
