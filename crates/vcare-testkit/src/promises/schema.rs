//! Two schemas, side by side.

use std::collections::BTreeSet;

use serde_json::Value;

/// Who must get along with the other's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Clients send it: it may be widened.
    Request,
    /// Clients read it: it may tell more.
    Response,
    /// Subscribers read it, old ones and new ones, with either schema.
    Stored,
}

/// Limits of a value: the word, and whether a greater number allows more.
const LIMITS: [(&str, bool); 10] = [
    ("maxLength", true),
    ("maxItems", true),
    ("maximum", true),
    ("exclusiveMaximum", true),
    ("maxProperties", true),
    ("minLength", false),
    ("minItems", false),
    ("minimum", false),
    ("exclusiveMinimum", false),
    ("minProperties", false),
];

/// Words of which either schema must say the same.
const SAME: [&str; 6] = ["const", "format", "pattern", "contentEncoding", "uniqueItems", "propertyNames"];

const ALTERNATIVES: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// How deep a schema that holds itself is followed.
const DEEPEST: usize = 24;

pub(super) struct Breaks<'a> {
    side: Side,
    /// The documents in which references are looked up.
    documents: (&'a Value, &'a Value),
    depth: usize,
    /// One line a break.
    pub found: Vec<String>,
}

impl<'a> Breaks<'a> {
    pub fn new(side: Side, before: &'a Value, after: &'a Value) -> Self {
        Self { side, documents: (before, after), depth: 0, found: Vec::new() }
    }

    /// Compares what two schemas say about the value at a place.
    pub fn compare(&mut self, place: &str, before: &Value, after: &Value) {
        if self.depth == DEEPEST {
            return;
        }
        self.depth += 1;
        let before = resolve(self.documents.0, before);
        let after = resolve(self.documents.1, after);
        self.types(place, before, after);
        self.words(place, before, after);
        self.limits(place, before, after);
        for word in SAME {
            // A request's value may be held to less than before.
            let freed = self.side == Side::Request && after.get(word).is_none();
            if before.get(word) != after.get(word) && !freed {
                self.say(place, &format!("'{word}' is another"));
            }
        }
        self.properties(place, before, after);
        self.inner(place, before, after);
        self.alternatives(place, before, after);
        self.depth -= 1;
    }

    fn say(&mut self, place: &str, what: &str) {
        self.found.push(format!("{place}: {what}"));
    }

    fn types(&mut self, place: &str, before: &Value, after: &Value) {
        let (before, after) = (names(&before["type"]), names(&after["type"]));
        let kept = match self.side {
            Side::Request => after.is_empty() || before.is_subset(&after) && !before.is_empty(),
            Side::Response | Side::Stored => before.is_empty() || after.is_subset(&before) && !after.is_empty(),
        };
        if !kept {
            self.say(place, &format!("was {before:?}, is {after:?}"));
        }
    }

    fn words(&mut self, place: &str, before: &Value, after: &Value) {
        let (Some(old), new) = (before["enum"].as_array(), after["enum"].as_array()) else {
            if after.get("enum").is_some() {
                self.say(place, "takes only some words now");
            }
            return;
        };
        let Some(new) = new else {
            if self.side != Side::Request {
                self.say(place, "may be any word now");
            }
            return;
        };
        for word in old.iter().filter(|word| !new.contains(word)) {
            self.say(place, &format!("the word {word} is gone"));
        }
    }

    fn limits(&mut self, place: &str, before: &Value, after: &Value) {
        for (word, more) in LIMITS {
            let (old, new) = (before[word].as_f64(), after[word].as_f64());
            let wider = match (old, new) {
                (old, new) if old == new => continue,
                (Some(_), None) => true,
                (None, _) => false,
                (Some(old), Some(new)) => (new > old) == more,
            };
            if wider != (self.side == Side::Request) {
                self.say(place, &format!("'{word}' was {}, is {}", shown(old), shown(new)));
            }
        }
    }

    fn properties(&mut self, place: &str, before: &Value, after: &Value) {
        let (old_required, new_required) = (names(&before["required"]), names(&after["required"]));
        for (name, old) in before["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{name}");
            match after["properties"].get(name) {
                Some(new) => self.compare(&place, old, new),
                None => self.say(&place, "is gone"),
            }
        }
        if self.side != Side::Request {
            for name in old_required.difference(&new_required) {
                self.say(&format!("{place}.{name}"), "may be left out now");
            }
        }
        if self.side != Side::Response {
            for name in new_required.difference(&old_required) {
                self.say(&format!("{place}.{name}"), "must be there now");
            }
        }
    }

    /// What an array holds, and what an object may hold beside its properties.
    fn inner(&mut self, place: &str, before: &Value, after: &Value) {
        for (word, what) in [("items", "[]"), ("additionalProperties", ".*")] {
            let place = format!("{place}{what}");
            match (before.get(word), after.get(word)) {
                (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) => self.compare(&place, old, new),
                (old, new) if old == new => {}
                // To take anything is more than to take something, and than nothing.
                (_, None | Some(Value::Bool(true))) if self.side == Side::Request => {}
                (None | Some(Value::Bool(true)), Some(_)) if self.side == Side::Response => {}
                _ => self.say(&place, "is another"),
            }
        }
    }

    fn alternatives(&mut self, place: &str, before: &Value, after: &Value) {
        for word in ALTERNATIVES {
            let old = before[word].as_array().map_or(&[][..], Vec::as_slice);
            let new = after[word].as_array().map_or(&[][..], Vec::as_slice);
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                self.compare(&format!("{place}.{word}[{index}]"), old, new);
            }
            let fits = match self.side {
                Side::Request => new.len() >= old.len() && (!old.is_empty() || new.is_empty()),
                Side::Response | Side::Stored => new.len() == old.len(),
            };
            if !fits {
                self.say(place, &format!("'{word}' had {}, has {}", old.len(), new.len()));
            }
        }
    }
}

/// What a reference within its document stands for; what is none is itself.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut schema = value;
    while let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        match document.pointer(pointer) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

/// One name, or a list of them.
fn names(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::String(name) => BTreeSet::from([name.as_str()]),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

fn shown(limit: Option<f64>) -> String {
    limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string())
}
