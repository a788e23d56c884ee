//! Reading one JSON object into a type, and telling all that is wrong with it.
//!
//! serde stops at the first fault. To find the others, the faulty member is taken out or replaced by something that the type takes, and
//! the object is read again. What comes of that is looked at for further faults, and for nothing else.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::duplicates::duplicates;
use super::fields::Fields;
use crate::problem::{Fault, FieldCode, FieldError, MOST_FIELDS, escaped};

/// Of longer bodies only the first fault is listed: each further one costs reading the body again.
const LONGEST_SEARCHED: usize = 16 * 1024;

const UNKNOWN: &str = "unknown field";

/// A body that may be checked beyond the types of its members, for a refusal that tells everything at once.
pub trait Checked: Sized {
    /// Notes what is wrong with its members. Called only when the request is refused anyhow.
    fn check(self, _: &mut Fields) {}
}

/// Reads one JSON object.
///
/// # Errors
/// Every field that is wrong: not of its type, unknown, missing, sent twice; and, when there is such a one, what is wrong with the
/// others by [`Checked`].
pub fn parse_json<T: DeserializeOwned + Checked>(bytes: &[u8]) -> Result<T, Vec<FieldError>> {
    let whole = |code, wrong: &str| vec![FieldError::at(String::new(), &Fault(code, wrong))];
    // serde would take a list, too, for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(whole(FieldCode::Type, "is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let inner = error.inner();
        if inner.is_syntax() || inner.is_eof() {
            return whole(FieldCode::Format, &format!("is not valid JSON: {}", without_place(&inner.to_string())));
        }
        all::<T>(bytes, fault(&error))
    })?;
    json.end().map_err(|_| whole(FieldCode::Format, "unexpected data after the JSON value"))?;
    Ok(value)
}

/// The first fault, and all others that are found.
fn all<T: DeserializeOwned + Checked>(bytes: &[u8], first: FieldError) -> Vec<FieldError> {
    if bytes.len() > LONGEST_SEARCHED {
        return vec![first];
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return vec![first] };
    let mut found = vec![first];
    let known = |found: &[FieldError], new: &FieldError| found.iter().any(|error| error.pointer == new.pointer);
    for pointer in duplicates(bytes) {
        let twice = FieldError::at(pointer, &Fault(FieldCode::Duplicate, "must be sent once"));
        if !known(&found, &twice) {
            found.push(twice);
        }
    }
    for _ in 0..2 * MOST_FIELDS {
        if found.len() > MOST_FIELDS {
            break;
        }
        match read::<T>(&value) {
            Ok(whole) => {
                let mut fields = Fields::default();
                whole.check(&mut fields);
                let others = fields.into_invalid().into_iter();
                let mended = found.clone();
                found.extend(others.filter(|error| !mended.iter().any(|mended| is_within(error, mended))));
                break;
            }
            Err(mut error) => {
                let mended = mend::<T>(&mut value, &error);
                // The known names are told once.
                if error.code == FieldCode::Unknown {
                    UNKNOWN.clone_into(&mut error.detail);
                }
                if !known(&found, &error) {
                    found.push(error);
                }
                if !mended {
                    break;
                }
            }
        }
    }
    found
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| fault(&error))
}

/// Whether a fault is where another one is, or inside of that.
fn is_within(error: &FieldError, other: &FieldError) -> bool {
    match (&error.pointer, &other.pointer) {
        (Some(inner), Some(outer)) => {
            inner.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        _ => false,
    }
}

/// Takes a faulty member out, or puts something in its place that the type takes.
fn mend<T: DeserializeOwned>(value: &mut Value, error: &FieldError) -> bool {
    let Some((parent, name)) = error.pointer.as_deref().and_then(|pointer| pointer.rsplit_once('/')) else {
        return false;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    let taken = |value: &Value| read::<T>(value).err().is_none_or(|next| !is_within(&next, error));
    let members = value.pointer_mut(parent).and_then(Value::as_object_mut);
    if let Some(members) = members.filter(|_| error.code != FieldCode::Required) {
        members.remove(&name);
        if error.code == FieldCode::Unknown || taken(value) {
            return true;
        }
    }
    for stand_in in stand_ins(&error.detail) {
        match value.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.insert(name.clone(), stand_in);
            }
            Some(Value::Array(items)) => match name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                Some(item) => *item = stand_in,
                None => return false,
            },
            _ => return false,
        }
        if taken(value) {
            return true;
        }
    }
    false
}

/// Values of every kind that a member may be of; for one of several words, the first word.
fn stand_ins(expected: &str) -> impl Iterator<Item = Value> {
    let word = expected.split('`').nth(1).map(Value::from);
    let others = ["".into(), "2026-01-01T00:00:00Z".into(), 1.into(), false.into(), Value::Array(Vec::new())];
    word.into_iter().chain(others).chain([Value::Object(serde_json::Map::new())])
}

/// What serde says, with where and without the value, which may be a secret in the wrong field.
fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let message = error.inner().to_string();
    let message = without_place(&message);
    let at = |name: Option<&str>| pointer(error.path(), name);
    let named = |start: &str| message.strip_prefix(start)?.split_once('`').map(|(name, rest)| (name.to_owned(), rest));
    if let Some((name, _)) = named("missing field `") {
        return FieldError::at(format!("{}/{}", at(None), escaped(&name)), &Fault(FieldCode::Required, "is missing"));
    }
    if let Some((name, _)) = named("duplicate field `") {
        return FieldError::at(at(Some(&name)), &Fault(FieldCode::Duplicate, "must be sent once"));
    }
    if let Some((name, _)) = named("unknown field `") {
        // A name may hold anything, which its path knows; what is expected stands behind it.
        let named_by_path = matches!(error.path().iter().next_back(), Some(Segment::Map { .. }));
        let known = message.rsplit_once("`, expected ").map(|(_, known)| format!("{UNKNOWN}, expected {known}"));
        let words = known.unwrap_or_else(|| UNKNOWN.to_owned());
        let name = Some(name.as_str()).filter(|_| !named_by_path);
        return FieldError::at(at(name), &Fault(FieldCode::Unknown, words));
    }
    let code = match message.split(':').next() {
        Some("invalid type") => FieldCode::Type,
        Some("invalid value") => FieldCode::Range,
        Some("invalid length") => FieldCode::Length,
        _ => FieldCode::Format,
    };
    FieldError::at(at(None), &Fault(code, without_value(message)))
}

/// Where that is. The path of an unknown or duplicate field ends in its name already, when it has one.
fn pointer(path: &Path, name: Option<&str>) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in path {
        match segment {
            Segment::Map { key } => segments.push(escaped(key)),
            Segment::Seq { index } => segments.push(index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    if let Some(name) = name.map(escaped)
        && segments.last() != Some(&name)
    {
        segments.push(name);
    }
    segments.iter().map(|segment| format!("/{segment}")).collect()
}

/// `serde_json` adds a place in the text, which means nothing to who sees a field's name.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

fn without_value(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((start, expected)) if start.starts_with("invalid ") || start.starts_with("unknown variant ") => {
            format!("expected {}", expected.replace("u32", "a whole number").replace("f64", "a number"))
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Side {
        Left,
        Right,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        side: Side,
        count: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        name: String,
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
        size: Option<u32>,
    }

    impl Checked for Outer {
        fn check(self, fields: &mut Fields) {
            if self.name.is_empty() {
                fields.wrong("name", "must not be empty");
            }
            if self.size == Some(7) {
                fields.wrong("size", Fault(FieldCode::Range, "must not be 7"));
            }
        }
    }

    fn wrong(text: &str) -> Vec<(String, FieldCode)> {
        let found = parse_json::<Outer>(text.as_bytes()).unwrap_err();
        let mut found: Vec<_> = found.into_iter().map(|error| (error.pointer.unwrap(), error.code)).collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    fn expected(all: &[(&str, FieldCode)]) -> Vec<(String, FieldCode)> {
        all.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect()
    }

    #[test]
    fn all_faults_of_an_object_are_told_at_once() {
        use FieldCode::{Duplicate, Format, Range, Required, Type, Unknown};
        let table: &[(&str, &[(&str, FieldCode)])] = &[
            ("{}", &[("/name", Required)]),
            ("[]", &[("", Type)]),
            ("{", &[("", Format)]),
            (
                r#"{"name": 1, "x": 1, "y/z": 2, "size": "a"}"#,
                &[("/name", Type), ("/size", Type), ("/x", Unknown), ("/y~1z", Unknown)],
            ),
            (r#"{"x": 1, "size": -1}"#, &[("/name", Required), ("/size", Range), ("/x", Unknown)]),
            (
                r#"{"name": "a", "name": "b", "inner": {"side": "up", "count": 300, "more": 1}}"#,
                &[("/inner/count", Range), ("/inner/more", Unknown), ("/inner/side", Format), ("/name", Duplicate)],
            ),
            (
                r#"{"name": "a", "list": [{"side": "left"}, {"side": null, "count": 1}]}"#,
                &[("/list/0/count", Required), ("/list/1/side", Type)],
            ),
            // What stands in for a fault is not told as one, and what is checked afterwards is.
            (r#"{"name": 1, "size": 7}"#, &[("/name", Type), ("/size", Range)]),
            (r#"{"name": "", "x": 1}"#, &[("/name", Format), ("/x", Unknown)]),
        ];
        for (text, all) in table {
            assert_eq!(wrong(text), expected(all), "{text}");
        }
    }

    #[test]
    fn no_more_faults_are_told_than_anybody_reads_and_no_value_is() {
        let many: String = (0..200).map(|n| format!(r#""f{n}": 1, "#)).collect();
        assert!(wrong(&format!(r#"{{{many} "name": "a"}}"#)).len() <= MOST_FIELDS + 1);
        let found =
            parse_json::<Outer>(br#"{"name": {"secret": 1}, "inner": {"side": "hunter2", "count": 1}}"#).unwrap_err();
        let told = serde_json::to_string(&found).unwrap();
        assert!(!told.contains("hunter2") && told.contains("expected `left` or `right`"), "{told}");
    }
}
