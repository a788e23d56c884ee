//! Every setting, read off the code: what `vcare-admin config reference` prints and docs/configuration.md holds.

use std::fmt::Write;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::{Config, Sensitive};

/// Says that a setting is never printed; in a setting's schema.
const SECRET: &str = "x-secret";
/// What a setting without a default does, in words; in a setting's schema.
const IN_WORDS: &str = "x-default";

impl JsonSchema for Sensitive {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sensitive".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", SECRET: true})
    }
}

/// All settings as Markdown, a table a section: key, variable, default, meaning.
#[must_use]
pub fn settings_reference() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>().to_value();
    let no_sections = Map::new();
    let sections = schema["$defs"].as_object().unwrap_or(&no_sections);
    let (mut at_the_top, mut text) = (Vec::new(), String::new());
    for (name, property) in properties(&schema) {
        match section(property, sections) {
            Some(section) => write_section(&mut text, name, property, section),
            None => at_the_top.push(row(None, name, property, is_required(&schema, name))),
        }
    }
    format!("### At the top\n\n{HEAD}{}{text}", at_the_top.concat())
}

const HEAD: &str = "| key | variable | default | meaning |\n|---|---|---|---|\n";

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
}

/// What a property refers to, directly or as one of two: itself or null.
fn section<'a>(property: &Value, sections: &'a Map<String, Value>) -> Option<&'a Value> {
    let one_of = property["anyOf"].as_array().into_iter().flatten();
    let name = std::iter::once(property).chain(one_of).find_map(|schema| schema["$ref"].as_str())?;
    let found = sections.get(name.rsplit('/').next()?)?;
    found.get("properties").is_some().then_some(found)
}

fn write_section(text: &mut String, name: &str, property: &Value, section: &Value) {
    let more = description(section).split_once("\n\n").map(|(_, more)| format!("\n\n{more}")).unwrap_or_default();
    // Writing to a text cannot fail.
    let _ = write!(text, "\n### `[{name}]`\n\n{}{more}\n\n{HEAD}", description(property));
    for (key, setting) in properties(section) {
        text.push_str(&row(Some(name), key, setting, is_required(section, key)));
    }
}

fn row(section: Option<&str>, key: &str, setting: &Value, required: bool) -> String {
    let path = section.map_or_else(|| key.to_owned(), |section| format!("{section}__{key}"));
    let secret = if is_secret(setting) { ", *secret*" } else { "" };
    let default = match (setting[IN_WORDS].as_str(), &setting["default"]) {
        (Some(words), _) => words.to_owned(),
        _ if required => "required".to_owned(),
        (None, Value::Null) => "none".to_owned(),
        (None, Value::Array(items)) if items.is_empty() => "none".to_owned(),
        (None, Value::String(text)) => format!("`{text}`"),
        (None, other) => format!("`{other}`"),
    };
    let meaning = description(setting).replace('\n', " ");
    format!("| `{key}` | `VCARE_{}` | {default}{secret} | {meaning} |\n", path.to_uppercase())
}

/// A setting is secret that is a [`Sensitive`], may be one, or holds some.
fn is_secret(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.contains_key(SECRET) || fields.values().any(is_secret),
        Value::Array(items) => items.iter().any(is_secret),
        _ => false,
    }
}

fn description(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_with_its_variable_default_and_meaning() {
        let reference = settings_reference();
        for line in [
            "| `profile` | `VCARE_PROFILE` | `production` | ",
            "| `listen` | `VCARE_API__LISTEN` | `127.0.0.1:3031` | ",
            "| `threads` | `VCARE_API__THREADS` | one a core | ",
            "| `url` | `VCARE_DATABASE__URL` | required, *secret* | ",
            "| `bearer_token` | `VCARE_CONSENT__BEARER_TOKEN` | none, *secret* | ",
            "| `shared_servers` | `VCARE_INTERNAL__SHARED_SERVERS` | none, *secret* | ",
            "| `inline_deadline_ms` | `VCARE_FHIR__INLINE_DEADLINE_MS` | `2000` | ",
            "| `create_if_missing` | `VCARE_KEYRING__CREATE_IF_MISSING` | `false` | ",
        ] {
            assert!(reference.contains(line), "{line}\n{reference}");
        }
    }

    #[test]
    fn every_setting_says_what_it_means() {
        for line in settings_reference().lines().filter(|line| line.starts_with("| `")) {
            assert!(line.split(" | ").nth(3).is_some_and(|meaning| meaning.len() > 3), "{line}");
        }
    }
}
