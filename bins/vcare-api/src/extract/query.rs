//! Query strings: each parameter once, and none that nobody asked for.

use std::collections::BTreeMap;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use url::form_urlencoded;

use super::noted::{Noted, noted};
use crate::problem::{Fault, FieldCode, FieldError, Place, Problem};

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
    /// 400 naming every unknown parameter.
    pub fn nothing_else(self) -> Result<(), Problem> {
        let unknown = self.unknown();
        if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid(unknown)) }
    }

    /// What was not taken.
    pub(super) fn unknown(self) -> Vec<FieldError> {
        let unknown = Fault(FieldCode::Unknown, "unknown parameter");
        self.0.into_keys().map(|name| FieldError::new(Place::Parameter, &name, &unknown)).collect()
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let (mut found, mut twice) = (BTreeMap::new(), Vec::<FieldError>::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if found.insert(name.to_string(), value.into_owned()).is_some() {
                let fault = Fault(FieldCode::Duplicate, "must be sent once");
                let fault = FieldError::new(Place::Parameter, &name, &fault);
                if !twice.contains(&fault) {
                    twice.push(fault);
                }
            }
        }
        if twice.is_empty() { Ok(Self(found)) } else { Err(Problem::invalid(twice)) }
    }
}

impl FromRequest for Query {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, Self::parse(req.query_string()))
    }
}
