//! Whether a request or an answer is as agreed; if not, what is wrong, in words that name the place.

use std::collections::BTreeMap;

use serde_json::Value;

use super::interaction::{Request, Response};
use super::place::{Step, written};
use super::rules::{Matcher, Rule, Rules, matches};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Without the query, percent-encoded.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    /// By any spelling of their names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// By any spelling of their names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// What is wrong with a request. One says no more than was agreed on, but for headers.
    #[must_use]
    pub fn mismatches(&self, asked: &Asked) -> Vec<String> {
        let mut wrong = Vec::new();
        if asked.method != self.method {
            wrong.push(format!("method: {} and not {}", asked.method, self.method));
        }
        compare_text("path", self.matching_rules.path.as_ref(), &self.path, &asked.path, &mut wrong);
        let mut query: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &asked.query {
            query.entry(name).or_default().push(value);
        }
        for (name, values) in &self.query {
            let came = query.remove(name.as_str()).unwrap_or_default();
            let rule = self.matching_rules.query.get(name);
            if came.len() != values.len() {
                wrong.push(format!("query {name}: {came:?} and not {values:?}"));
            }
            for (value, came) in values.iter().zip(came) {
                compare_text(&format!("query {name}"), rule, value, came, &mut wrong);
            }
        }
        wrong.extend(query.keys().map(|name| format!("query {name}: nothing is said of it")));
        compare_headers(&self.headers, &self.matching_rules, &asked.headers, &mut wrong);
        compare_bodies(self.body.as_ref(), &self.headers, &self.matching_rules, &asked.body, true, &mut wrong);
        wrong
    }

    /// The example itself.
    #[must_use]
    pub fn as_asked(&self) -> Asked {
        let pairs = |(name, values): (&String, &Vec<String>)| {
            values.iter().map(|value| (name.clone(), value.clone())).collect::<Vec<_>>()
        };
        Asked {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.iter().flat_map(pairs).collect(),
            headers: self.headers.clone().into_iter().collect(),
            body: bytes(&self.headers, self.body.as_ref()),
        }
    }
}

impl Response {
    /// What is wrong with an answer. One may say more than was agreed on.
    #[must_use]
    pub fn mismatches(&self, answered: &Answered) -> Vec<String> {
        let mut wrong = Vec::new();
        if answered.status != self.status {
            wrong.push(format!("status: {} and not {}", answered.status, self.status));
        }
        compare_headers(&self.headers, &self.matching_rules, &answered.headers, &mut wrong);
        compare_bodies(self.body.as_ref(), &self.headers, &self.matching_rules, &answered.body, false, &mut wrong);
        wrong
    }

    /// The example itself.
    #[must_use]
    pub fn as_answered(&self) -> Answered {
        Answered {
            status: self.status,
            headers: self.headers.clone().into_iter().collect(),
            body: bytes(&self.headers, self.body.as_ref()),
        }
    }
}

/// Whether a body is JSON, by its `Content-Type`.
fn is_json(headers: &BTreeMap<String, String>) -> bool {
    let named = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let essence = named.map_or("", |(_, value)| value.split(';').next().unwrap_or_default()).trim();
    essence == "application/json" || essence.ends_with("+json")
}

fn bytes(headers: &BTreeMap<String, String>, body: Option<&Value>) -> Vec<u8> {
    match body {
        None => Vec::new(),
        Some(Value::String(text)) if !is_json(headers) => text.clone().into_bytes(),
        Some(body) => body.to_string().into_bytes(),
    }
}

fn compare_text(what: &str, rule: Option<&Rule>, example: &str, came: &str, wrong: &mut Vec<String>) {
    if !rule.map_or(example == came, |rule| rule.takes(example, came)) {
        wrong.push(format!("{what}: {came:?} and not as {example:?}"));
    }
}

fn compare_headers(
    examples: &BTreeMap<String, String>,
    rules: &Rules,
    came: &[(String, String)],
    wrong: &mut Vec<String>,
) {
    for (name, example) in examples {
        let of_name = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        let values: Vec<&str> = came.iter().filter(of_name).map(|(_, value)| value.as_str()).collect();
        if values.is_empty() {
            wrong.push(format!("header {name}: is not there"));
        } else {
            compare_text(&format!("header {name}"), rules.header.get(name), example, &values.join(", "), wrong);
        }
    }
}

fn compare_bodies(
    example: Option<&Value>,
    headers: &BTreeMap<String, String>,
    rules: &Rules,
    came: &[u8],
    strict: bool,
    wrong: &mut Vec<String>,
) {
    let Some(example) = example else { return };
    if !is_json(headers) {
        if came != bytes(headers, Some(example)) {
            wrong.push("body: is another text".to_owned());
        }
        return;
    }
    match serde_json::from_slice(came) {
        Ok(came) => Comparison { rules, strict, wrong }.compare(&mut Vec::new(), example, &came),
        Err(_) => wrong.push("body: is no JSON".to_owned()),
    }
}

struct Comparison<'a> {
    rules: &'a Rules,
    /// Whether members that nothing is said of are wrong.
    strict: bool,
    wrong: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn says(&mut self, at: &[Step], what: &str) {
        self.wrong.push(format!("body {}: {what}", written(at)));
    }

    fn compare(&mut self, at: &mut Vec<Step>, example: &Value, came: &Value) {
        let Some(rule) = self.rules.at(at) else { return self.without_rule(at, example, came) };
        for matcher in &rule.matchers {
            match matcher {
                Matcher::Equality if example == came => {}
                Matcher::Equality => self.says(at, &format!("{came} and not {example}")),
                Matcher::Regex { regex } => {
                    let text = match came {
                        Value::String(text) => Some(text.clone()),
                        Value::Number(_) | Value::Bool(_) => Some(came.to_string()),
                        Value::Null | Value::Array(_) | Value::Object(_) => None,
                    };
                    if !text.is_some_and(|text| matches(regex, &text)) {
                        self.says(at, &format!("{came} and not as {regex}"));
                    }
                }
                Matcher::Integer if came.is_i64() || came.is_u64() => {}
                Matcher::Integer => self.says(at, &format!("{came} and no whole number")),
                Matcher::Type { min } => self.by_type(at, *min, example, came),
            }
        }
    }

    fn without_rule(&mut self, at: &mut Vec<Step>, example: &Value, came: &Value) {
        match (example, came) {
            (Value::Object(_), Value::Object(_)) => self.members(at, example, came),
            (Value::Array(examples), Value::Array(all)) => {
                if examples.len() != all.len() {
                    self.says(at, &format!("{} elements and not {}", all.len(), examples.len()));
                }
                for (number, (example, came)) in examples.iter().zip(all).enumerate() {
                    self.below(at, Step::Number(number), example, came);
                }
            }
            _ if example == came => {}
            _ => self.says(at, &format!("{came} and not {example}")),
        }
    }

    fn by_type(&mut self, at: &mut Vec<Step>, min: Option<usize>, example: &Value, came: &Value) {
        match (example, came) {
            (Value::Object(_), Value::Object(_)) => self.members(at, example, came),
            (Value::Array(examples), Value::Array(all)) => {
                if all.len() < min.unwrap_or(0) {
                    self.says(at, &format!("{} elements and not {} at least", all.len(), min.unwrap_or(0)));
                }
                let Some(example) = examples.first() else { return };
                for (number, came) in all.iter().enumerate() {
                    self.below(at, Step::Number(number), example, came);
                }
            }
            (Value::String(_), Value::String(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
            | (Value::Null, Value::Null) => {}
            _ => self.says(at, &format!("{came} and not of the kind of {example}")),
        }
    }

    fn members(&mut self, at: &mut Vec<Step>, example: &Value, came: &Value) {
        for (name, example) in example.as_object().into_iter().flatten() {
            match came.get(name) {
                Some(came) => self.below(at, Step::Name(name.clone()), example, came),
                None => self.says(at, &format!("there is no {name}")),
            }
        }
        let unknown = came.as_object().into_iter().flatten().filter(|(name, _)| example.get(name).is_none());
        for (name, _) in unknown.filter(|_| self.strict).collect::<Vec<_>>() {
            self.says(at, &format!("nothing is said of {name}"));
        }
    }

    fn below(&mut self, at: &mut Vec<Step>, step: Step, example: &Value, came: &Value) {
        at.push(step);
        self.compare(at, example, came);
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(body: Value) -> Response {
        Response::json(200, "application/json", body)
    }

    /// What an answer with that body is told.
    fn told(response: &Response, body: &Value) -> Vec<String> {
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        response.mismatches(&Answered { status: 200, headers, body: body.to_string().into_bytes() })
    }

    #[test]
    fn without_a_rule_an_answer_equals_the_example_and_may_say_more() {
        let agreed = answer(json!({"id": "a", "list": [1, 2]}));
        assert!(told(&agreed, &json!({"id": "a", "list": [1, 2], "more": null})).is_empty());
        for wrong in [
            json!({"id": "b", "list": [1, 2]}),
            json!({"list": [1, 2]}),
            json!({"id": "a", "list": [1]}),
            json!({"id": "a", "list": [1, 2, 3]}),
            json!({"id": "a", "list": [2, 1]}),
            json!({"id": "a", "list": {}}),
            json!([]),
        ] {
            assert_eq!(told(&agreed, &wrong).len(), 1 + usize::from(wrong["list"] == json!([2, 1])), "{wrong}");
        }
    }

    #[test]
    fn a_rule_is_for_its_place_and_for_what_is_below_it() {
        let example = json!({"all": [{"id": "a", "n": 1, "word": "yes"}]});
        let rules = Rules::new()
            .body("$.all", Matcher::SOME)
            .body("$.all[*].n", Matcher::Integer)
            .body("$.all[*].word", Matcher::regex("^(yes|no)$"));
        let agreed = answer(example).matching(rules);
        let of = |id: Value, n: Value, word: &str| json!({"all": [{"id": "a", "n": 1, "word": "no"}, {"id": id, "n": n, "word": word}]});
        assert!(told(&agreed, &of(json!("b"), json!(7), "yes")).is_empty());
        for (wrong, place) in [
            (of(json!(1), json!(7), "yes"), "$.all[1].id"),
            (of(json!("b"), json!(1.5), "yes"), "$.all[1].n"),
            (of(json!("b"), json!(7), "perhaps"), "$.all[1].word"),
            (json!({"all": []}), "$.all:"),
            (json!({"all": null}), "$.all:"),
            (json!({"all": [{"n": 1, "word": "no"}]}), "$.all[0]:"),
        ] {
            let told = told(&agreed, &wrong);
            assert!(told.len() == 1 && told[0].contains(place), "{wrong}: {told:?}");
        }
    }

    #[test]
    fn an_answer_has_the_status_the_headers_and_the_kind_of_body_that_were_agreed_on() {
        let agreed = answer(json!({})).header("Location", "/a/1").matching(Rules::new().header("Location", "^/a/.+$"));
        let came = |status, kind: &str, location: &str, body: &str| {
            let headers = [("CONTENT-TYPE", kind), ("location", location)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            agreed.mismatches(&Answered { status, headers, body: body.as_bytes().to_vec() })
        };
        assert!(came(200, "application/json", "/a/2", "{}").is_empty());
        for (status, kind, location, body) in [
            (201, "application/json", "/a/2", "{}"),
            (200, "text/html", "/a/2", "{}"),
            (200, "application/json", "/a/", "{}"),
            (200, "application/json", "/a/2", "<p>"),
        ] {
            assert_eq!(came(status, kind, location, body).len(), 1, "{status} {kind} {location} {body}");
        }
        assert_eq!(agreed.mismatches(&Answered { status: 200, headers: Vec::new(), body: b"{}".to_vec() }).len(), 2);
    }

    #[test]
    fn a_request_says_what_was_agreed_on_and_no_more() {
        let agreed = Request::new("POST", "/things/1")
            .query("a", "x")
            .header("Authorization", "Bearer t")
            .body("application/json", json!({"id": "a"}))
            .matching(Rules::new().path("^/things/[0-9]+$").header("Authorization", "^Bearer .+$"));
        let good = Asked { path: "/things/77".to_owned(), ..agreed.as_asked() };
        assert!(agreed.mismatches(&good).is_empty());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for wrong in [
            Asked { method: "PUT".to_owned(), ..good.clone() },
            Asked { path: "/things/x".to_owned(), ..good.clone() },
            Asked { query: vec![pair("a", "y")], ..good.clone() },
            Asked { query: vec![], ..good.clone() },
            Asked { query: vec![pair("a", "x"), pair("a", "x")], ..good.clone() },
            Asked { query: vec![pair("a", "x"), pair("b", "")], ..good.clone() },
            Asked { headers: vec![pair("content-type", "application/json")], ..good.clone() },
            Asked { body: b"{\"id\":\"a\",\"more\":1}".to_vec(), ..good.clone() },
            Asked { body: b"{}".to_vec(), ..good.clone() },
            Asked { body: Vec::new(), ..good.clone() },
        ] {
            assert_eq!(agreed.mismatches(&wrong).len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn an_expression_matches_a_whole_text() {
        let agreed =
            |regex: &str| answer(json!({"a": "word"})).matching(Rules::new().body("$.a", Matcher::regex(regex)));
        assert!(told(&agreed("wo|word"), &json!({"a": "word"})).is_empty());
        for regex in ["or", "^wo", "rd$", "("] {
            assert_eq!(told(&agreed(regex), &json!({"a": "word"})).len(), 1, "{regex}");
        }
    }

    #[test]
    fn a_text_is_compared_as_it_stands() {
        let agreed = Request::new("POST", "/").body("audio/ogg", json!("OggS"));
        assert_eq!(agreed.as_asked().body, b"OggS");
        assert!(agreed.mismatches(&agreed.as_asked()).is_empty());
        assert_eq!(agreed.mismatches(&Asked { body: b"\"OggS\"".to_vec(), ..agreed.as_asked() }).len(), 1);
    }
}
