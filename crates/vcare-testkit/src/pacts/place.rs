//! Places in a JSON text: `$.decisions[*].gate`.

use anyhow::{Result, bail};
use serde_json::Value;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Number(usize),
    /// `*`: any member, or any element.
    Any,
}

/// Reads a place.
pub(super) fn parse(text: &str) -> Result<Vec<Step>> {
    let Some(mut rest) = text.strip_prefix('$') else { bail!("{text:?} does not begin with $") };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            (if name == "*" { Step::Any } else { Step::Name(name.to_owned()) }, after)
        } else if let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let quoted = inside.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let step = match (quoted, inside.parse()) {
                (Some(name), _) => Step::Name(name.to_owned()),
                (None, Ok(number)) => Step::Number(number),
                (None, Err(_)) if inside == "*" => Step::Any,
                _ => bail!("{text:?} has a step that is not known"),
            };
            (step, after)
        } else {
            bail!("{text:?} has a step that is not known")
        };
        if step == Step::Name(String::new()) {
            bail!("{text:?} has an empty step");
        }
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

/// How closely a rule's place fits: `None` when it is about another one. Longer is closer, and so is named.
pub(super) fn fits(rule: &[Step], at: &[Step]) -> Option<(usize, usize)> {
    let same = |(rule, at): (&Step, &Step)| *rule == Step::Any || rule == at;
    if rule.len() > at.len() || !rule.iter().zip(at).all(same) {
        return None;
    }
    Some((rule.len(), rule.iter().filter(|step| **step != Step::Any).count()))
}

/// What is at a place without `*`.
pub(super) fn at<'v>(value: &'v mut Value, place: &[Step]) -> Option<&'v mut Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::Number(number) => value.get_mut(number),
        Step::Any => None,
    })
}

/// Whether anything is at a place; `*` is anything that there is.
pub(super) fn exists(value: &Value, place: &[Step]) -> bool {
    let Some((step, rest)) = place.split_first() else { return true };
    match step {
        Step::Name(name) => value.get(name).is_some_and(|value| exists(value, rest)),
        Step::Number(number) => value.get(number).is_some_and(|value| exists(value, rest)),
        Step::Any => match value {
            Value::Array(all) => all.iter().any(|value| exists(value, rest)),
            Value::Object(all) => all.values().any(|value| exists(value, rest)),
            _ => false,
        },
    }
}

/// A place, as it is written.
pub(super) fn written(place: &[Step]) -> String {
    place.iter().fold("$".to_owned(), |text, step| match step {
        Step::Name(name) => format!("{text}.{name}"),
        Step::Number(number) => format!("{text}[{number}]"),
        Step::Any => format!("{text}[*]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["$", "$.a", "$.a.b[0].c", "$.a[*].b", "$[3]"] {
            assert_eq!(written(&parse(text).unwrap()), text);
        }
        assert_eq!(parse("$['x-y'].*").unwrap(), [Step::Name("x-y".to_owned()), Step::Any]);
        for text in ["", "a", "$a", "$.", "$..a", "$[", "$[a]", "$[-1]", "$.a[?(@.b)]"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_closest_rule_is_the_longest_and_then_the_most_named() {
        let at = parse("$.a[0].b").unwrap();
        let close = |text: &str| fits(&parse(text).unwrap(), &at);
        assert!(close("$.a[0].b") > close("$.a[*].b") && close("$.a[*].b") > close("$.a[0]"));
        assert!(close("$.a[0]") > close("$"));
        for other in ["$.b", "$.a[1]", "$.a[0].b.c"] {
            assert_eq!(close(other), None, "{other}");
        }
    }
}
