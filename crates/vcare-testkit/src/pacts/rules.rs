//! By which rules something is as good as an example.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::{self, Step};

/// Rules for each part of a request or an answer. Where there is none, it must equal the example.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Rule>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) query: BTreeMap<String, Rule>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) header: BTreeMap<String, Rule>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) body: BTreeMap<String, Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    combine: Combine,
    pub matchers: Vec<Matcher>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Combine {
    #[serde(rename = "AND")]
    And,
}

/// When something is as good as the example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "match", rename_all = "lowercase", deny_unknown_fields)]
pub enum Matcher {
    /// When it is the same.
    Equality,
    /// When it is a text, a number or a truth value that the expression matches from its beginning to its end.
    Regex {
        /// The expression.
        regex: String,
    },
    /// When it is of the same kind, and so is all in it; of a list every element is as the example's first.
    Type {
        /// Of a list: how many it has at least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<usize>,
    },
    /// When it is a whole number.
    Integer,
}

impl Matcher {
    /// Of the same kind.
    pub const TYPE: Self = Self::Type { min: None };
    /// A list with something in it.
    pub const SOME: Self = Self::Type { min: Some(1) };

    /// By that expression.
    #[must_use]
    pub fn regex(regex: &str) -> Self {
        Self::Regex { regex: regex.to_owned() }
    }
}

impl From<Matcher> for Rule {
    fn from(matcher: Matcher) -> Self {
        Self { combine: Combine::And, matchers: vec![matcher] }
    }
}

/// Whether there is nothing to be written down.
pub(super) fn is_empty<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Rules {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One for a place in the body, like `$.decisions[*].gate`, and for all below it that have none of their own.
    #[must_use]
    pub fn body(mut self, place: &str, matcher: Matcher) -> Self {
        self.body.insert(place.to_owned(), matcher.into());
        self
    }

    /// A regular expression for a header.
    #[must_use]
    pub fn header(mut self, name: &str, regex: &str) -> Self {
        self.header.insert(name.to_owned(), Matcher::regex(regex).into());
        self
    }

    /// A regular expression for the path.
    #[must_use]
    pub fn path(mut self, regex: &str) -> Self {
        self.path = Some(Matcher::regex(regex).into());
        self
    }

    pub(super) fn add(&mut self, more: Self) {
        self.path = more.path.or(self.path.take());
        self.query.extend(more.query);
        self.header.extend(more.header);
        self.body.extend(more.body);
    }

    /// That every rule can be applied, and is about something that the example has.
    pub(super) fn check(&self, headers: &BTreeMap<String, String>, body: Option<&Value>) -> Result<()> {
        let texts = self.path.iter().chain(self.query.values()).chain(self.header.values());
        for rule in texts.clone().chain(self.body.values()) {
            ensure!(!rule.matchers.is_empty(), "a rule says nothing");
            for matcher in &rule.matchers {
                if let Matcher::Regex { regex } = matcher {
                    Regex::new(regex).with_context(|| format!("{regex:?} is no regular expression"))?;
                }
            }
        }
        for rule in texts {
            let known = |matcher: &Matcher| matches!(matcher, Matcher::Equality | Matcher::Regex { .. });
            ensure!(rule.matchers.iter().all(known), "texts match by equality or regex");
        }
        for name in self.header.keys() {
            ensure!(headers.contains_key(name), "there is no header {name}");
        }
        for text in self.body.keys() {
            let place = place::parse(text)?;
            ensure!(body.is_some_and(|body| place::exists(body, &place)), "nothing is at {text}");
        }
        Ok(())
    }

    /// The rule for a place in the body: the closest one.
    pub(super) fn at(&self, at: &[Step]) -> Option<&Rule> {
        let fitting = self.body.iter().filter_map(|(text, rule)| {
            let closeness = place::fits(&place::parse(text).ok()?, at)?;
            Some((closeness, rule))
        });
        fitting.max_by_key(|(closeness, _)| *closeness).map(|(_, rule)| rule)
    }
}

impl Rule {
    /// Whether a text is as good as the example.
    pub fn takes(&self, example: &str, text: &str) -> bool {
        self.matchers.iter().all(|matcher| match matcher {
            Matcher::Equality => text == example,
            Matcher::Regex { regex } => matches(regex, text),
            Matcher::Type { .. } | Matcher::Integer => false,
        })
    }
}

/// Whether an expression matches a whole text, as Pact's own verifier takes it; one that cannot be read matches none.
pub(super) fn matches(regex: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{regex})$")).is_ok_and(|regex| regex.is_match(text))
}
