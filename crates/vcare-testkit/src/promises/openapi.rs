//! Two OpenAPI documents, side by side.

use serde_json::{Map, Value};

use super::schema::{Breaks, Side, resolve};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub(super) fn breaks(before: &Value, after: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for (path, item) in members(&before["paths"]) {
        for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
            let place = format!("{} {path}", method.to_uppercase());
            let (old, new) = (&item[method], &after["paths"][path][method]);
            if new.is_null() {
                all.push(format!("{place}: is gone"));
                continue;
            }
            Operation { place: &place, documents: (before, after), found: &mut all }.compare(old, new);
        }
    }
    all
}

struct Operation<'a> {
    place: &'a str,
    documents: (&'a Value, &'a Value),
    found: &'a mut Vec<String>,
}

impl Operation<'_> {
    fn compare(&mut self, old: &Value, new: &Value) {
        if old["operationId"] != new["operationId"] {
            self.say("has another operationId");
        }
        if old["security"] != new["security"] {
            self.say("has another security");
        }
        self.parameters(old, new);
        self.body(&old["requestBody"], &new["requestBody"]);
        for (status, answer) in members(&old["responses"]) {
            let place = format!("{}: {status}", self.place);
            match resolve(self.documents.1, &new["responses"][status]) {
                Value::Null => self.found.push(format!("{place} is gone")),
                new => {
                    let old = resolve(self.documents.0, answer);
                    self.content(Side::Response, &place, old, new);
                    self.told(&place, old, new);
                }
            }
        }
    }

    fn say(&mut self, what: &str) {
        self.found.push(format!("{}: {what}", self.place));
    }

    fn parameters(&mut self, old: &Value, new: &Value) {
        let name =
            |one: &Value| format!("{} '{}'", one["in"].as_str().unwrap_or("?"), one["name"].as_str().unwrap_or("?"));
        let list = |document: &Value, of: &Value| -> Vec<Value> {
            let all = of["parameters"].as_array().into_iter().flatten();
            all.map(|one| resolve(document, one).clone()).collect()
        };
        let (old, new) = (list(self.documents.0, old), list(self.documents.1, new));
        for parameter in &old {
            let found = new.iter().find(|other| name(other) == name(parameter));
            match found {
                None => self.say(&format!("{} is gone", name(parameter))),
                Some(other) => {
                    if other["required"] == true && parameter["required"] != true {
                        self.say(&format!("{} must be there now", name(parameter)));
                    }
                    let place = format!("{}: {}", self.place, name(parameter));
                    self.schema(Side::Request, &place, &parameter["schema"], &other["schema"]);
                }
            }
        }
        let added =
            new.iter().filter(|one| one["required"] == true && !old.iter().any(|other| name(other) == name(one)));
        for parameter in added {
            self.say(&format!("{} must be there now", name(parameter)));
        }
    }

    fn body(&mut self, old: &Value, new: &Value) {
        if new["required"] == true && old["required"] != true {
            self.say("a body must be there now");
        }
        if !old.is_null() {
            let place = format!("{}: body", self.place);
            self.content(Side::Request, &place, old, new);
        }
    }

    /// Headers that an answer carries, and the codes of its refusals: there may be more of either. A code that is not
    /// answered any more hurts nobody, unless it was given another name; so it must be said.
    fn told(&mut self, place: &str, old: &Value, new: &Value) {
        for name in members(&old["headers"]).map(|(name, _)| name).filter(|name| new["headers"].get(name).is_none()) {
            self.found.push(format!("{place}: header '{name}' is gone"));
        }
        for (kind, content) in members(&old["content"]) {
            let gone = |code: &&String| new["content"][kind]["examples"].get(code.as_str()).is_none();
            for code in members(&content["examples"]).map(|(code, _)| code).filter(gone) {
                self.found.push(format!("{place}: '{code}' is gone"));
            }
        }
    }

    /// What is sent or answered, by its media type.
    fn content(&mut self, side: Side, place: &str, old: &Value, new: &Value) {
        for (kind, content) in members(&old["content"]) {
            match new["content"].get(kind) {
                None => self.found.push(format!("{place}: {kind} is gone")),
                Some(other) => self.schema(side, place, &content["schema"], &other["schema"]),
            }
        }
    }

    fn schema(&mut self, side: Side, place: &str, old: &Value, new: &Value) {
        let mut breaks = Breaks::new(side, self.documents.0, self.documents.1);
        breaks.compare(place, old, new);
        self.found.append(&mut breaks.found);
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
