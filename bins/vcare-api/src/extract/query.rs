//! Query strings: each parameter once, and none that nobody asked for.

use std::collections::BTreeMap;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use url::form_urlencoded;

use crate::problem::Problem;

/// A query string's parameters. [`Self::take`] what is known, then [`Self::nothing_else`].
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// A parameter's value.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Refuses what was not taken.
    ///
    /// # Errors
    /// 400 naming the first unknown parameter.
    pub fn nothing_else(self) -> Result<(), Problem> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::field(name, "there is no such parameter")),
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if found.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::field(name, "must be sent once"));
            }
        }
        Ok(Self(found))
    }
}

impl FromRequest for Query {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(req.query_string()))
    }
}
