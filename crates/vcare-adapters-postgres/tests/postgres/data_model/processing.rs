//! `docs/processing.md` says of everything that tells of people why it is kept, on what basis, for whom and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use vcare_testkit::{TestDatabase, must_be_part_of};

use super::classes::{CLASSES, Class};
use super::fields::{EVENT_FIELDS, LOG_FIELDS, METRIC_LABELS};
use super::people::TOLD;
use super::written;

const PAGE: &str = "docs/processing.md";
const TABLE: &str = "crates/vcare-adapters-postgres/tests/postgres/data_model/fields.rs";

/// The class of each field of a list.
fn classes(list: &[(Class, &'static str)]) -> BTreeMap<&'static str, Class> {
    let mut classes = BTreeMap::new();
    for (class, fields) in list {
        for field in fields.split_whitespace() {
            assert_eq!(classes.insert(field, *class), None, "{field} is there twice");
        }
    }
    classes
}

/// What there is, each with its class. `say` names the list that a new one is added to.
fn classed<'a>(
    list: &[(Class, &'static str)],
    found: impl IntoIterator<Item = &'a String>,
    say: &str,
) -> BTreeMap<Class, BTreeSet<&'a str>> {
    let mut known = classes(list);
    let mut by_class: BTreeMap<Class, BTreeSet<&str>> = BTreeMap::new();
    let mut missing = Vec::new();
    for field in found {
        match known.remove(field.as_str()) {
            Some(class) => {
                by_class.entry(class).or_default().insert(field);
            }
            None => missing.push(field),
        }
    }
    assert!(missing.is_empty(), "give each of {missing:?} a class: add it to {say} in {TABLE}");
    assert!(known.is_empty(), "{say} in {TABLE} has what there is not: {known:?}");
    by_class
}

fn rows(by_class: &BTreeMap<Class, BTreeSet<&str>>) -> String {
    let mut text = "| class | fields |\n|---|---|\n".to_owned();
    for (class, fields) in by_class {
        let fields: Vec<&str> = fields.iter().copied().collect();
        writeln!(text, "| {} | `{}` |", class.processing().name, fields.join("`, `")).unwrap();
    }
    text
}

#[test]
fn the_documented_classes_of_data_are_those_of_the_code() {
    let mut text =
        "| class | purpose | legal basis (GDPR) | recipients | in the database |\n|---|---|---|---|---|\n".to_owned();
    for of in &CLASSES {
        let line = [of.name, of.purpose, of.basis, of.recipients, of.retention].join(" | ");
        writeln!(text, "| {line} |").unwrap();
    }
    must_be_part_of(PAGE, "the classes", &text);
}

/// Every column of every schema of ours, as table and column.
const COLUMNS: &str = "
    SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, a.attname::text
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p')
       AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE '\\_\\_diesel%'";

#[tokio::test]
async fn every_column_has_a_class_and_a_key() {
    let database = TestDatabase::create().await.unwrap();
    let found = database.rows(COLUMNS, &[]).await.unwrap();
    let found: BTreeSet<(String, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    let classed: BTreeSet<(String, String)> = TOLD
        .iter()
        .flat_map(|(table, _, _, _, columns)| columns.split_whitespace().map(|column| (*table, column)))
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();
    let missing: Vec<_> = found.difference(&classed).collect();
    assert!(missing.is_empty(), "give each of {missing:?} a class and a key: add it to TOLD in data_model/people.rs");
    let gone: Vec<_> = classed.difference(&found).collect();
    assert!(gone.is_empty(), "TOLD in data_model/people.rs has columns that there are not: {gone:?}");

    let mut text = "| table | columns | what they tell | class | key |\n|---|---|---|---|---|\n".to_owned();
    let mut nothing = 0;
    for (table, what, class, key, columns) in TOLD {
        let columns: Vec<&str> = columns.split_whitespace().collect();
        if what.is_empty() {
            assert_eq!(class, Class::Nothing, "{table}: {columns:?}");
            nothing += columns.len();
            continue;
        }
        let (class, columns) = (class.processing().name, columns.join("`, `"));
        writeln!(text, "| `{table}` | `{columns}` | {what} | {class} | {} |", key.as_str()).unwrap();
    }
    write!(text, "\nThe other {nothing} columns tell nothing of a person.").unwrap();
    must_be_part_of(PAGE, "the columns", &text);
}

/// The paths of all values that a schema allows.
fn paths(schema: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return paths(&root["$defs"][name], root, path, found);
    }
    let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|choice| schema[choice].as_array()).flatten();
    let parts: Vec<&Value> = choices.filter(|part| part["type"] != "null").collect();
    for part in &parts {
        paths(part, root, path, found);
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            paths(property, root, &below(name), found);
        }
    } else if schema["additionalProperties"].is_object() {
        found.insert(below("*"));
    } else if schema["items"].is_object() {
        paths(&schema["items"], root, &format!("{path}[]"), found);
    } else if parts.is_empty() {
        found.insert(path.to_owned());
    }
}

#[test]
fn every_field_of_every_event_has_a_class() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/events");
    let (mut found, mut events) = (BTreeSet::new(), 0);
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        if file.to_str().is_some_and(|name| name.ends_with(".schema.json")) {
            let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            paths(&schema, &schema, "", &mut found);
            events += 1;
        }
    }
    assert!(events > 30 && found.contains("data.patientId"), "{events}: {found:?}");
    must_be_part_of(PAGE, "the fields of events", &rows(&classed(&EVENT_FIELDS, &found, "EVENT_FIELDS")));
}

/// What every line has, whatever is logged.
const IN_EVERY_LINE: [&str; 6] = ["timestamp", "severity", "service", "log_schema_version", "target", "message"];

#[test]
fn every_field_of_a_log_line_or_span_has_a_class() {
    let mut found = written::fields();
    found.extend(IN_EVERY_LINE.map(str::to_owned));
    assert!(found.len() > 40, "{found:?}");
    must_be_part_of(PAGE, "the fields of logs and spans", &rows(&classed(&LOG_FIELDS, &found, "LOG_FIELDS")));
}

#[test]
fn every_label_of_a_metric_has_a_class_and_none_is_of_a_person() {
    let found = written::labels();
    let by_class = classed(&METRIC_LABELS, &found, "METRIC_LABELS");
    assert!(by_class.keys().all(|class| *class == Class::Nothing), "a series is kept until the process ends");
    must_be_part_of(PAGE, "the labels of metrics", &rows(&by_class));
}
