//! The names of fields and labels that stand in the sources of the service: in the macros of logs, spans and metrics.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LOGS: [&str; 7] = ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "event!(", "span!("];
const METRICS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source of the service itself, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        for package in fs::read_dir(root.join(folder)).unwrap() {
            let package = package.unwrap().path();
            let name = package.file_name().unwrap().to_string_lossy().into_owned();
            if !name.contains("testkit") && !name.contains("sandbox") {
                below(&package.join("src"), &mut files);
            }
        }
    }
    let text = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
    };
    files.into_iter().map(|file| (file.clone(), text(&file))).collect()
}

/// The arguments of a call, from behind its bracket on: texts and comments may have commas and brackets.
fn arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut argument, mut depth) = (Vec::new(), String::new(), 0);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => {
                argument.push(sign);
                while let Some(inside) = signs.next() {
                    argument.push(inside);
                    match inside {
                        '\\' => argument.extend(signs.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                continue;
            }
            '/' if signs.peek() == Some(&'/') => {
                for inside in signs.by_ref() {
                    if inside == '\n' {
                        break;
                    }
                }
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(std::mem::take(&mut argument).trim().to_owned());
                continue;
            }
            _ => {}
        }
        argument.push(sign);
    }
    arguments.push(argument.trim().to_owned());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

/// The field that an argument of a log line or a span sets: `name = value`, or the name of a variable.
fn field(argument: &str) -> Option<String> {
    if argument.starts_with('"') || argument.starts_with("target:") || argument.starts_with("parent:") {
        return None;
    }
    let name = argument.trim_start_matches(['%', '?']);
    let name: String = name.chars().take_while(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '.')).collect();
    assert!(!name.is_empty(), "which field is {argument:?}?");
    Some(name)
}

/// Every call of `macro_name`, as the text before it and its arguments.
fn calls<'a>(text: &'a str, macro_name: &'a str) -> impl Iterator<Item = (&'a str, Vec<String>)> + 'a {
    text.match_indices(macro_name).map(|(at, found)| (&text[..at], arguments(&text[at + found.len()..])))
}

/// Every field of a log line or a span.
pub fn fields() -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for (file, text) in sources() {
        let file = file.display();
        for name in LOGS {
            for (before, arguments) in calls(&text, name) {
                let before = before.trim_end_matches(|sign: char| sign.is_ascii_lowercase() || sign == '_');
                // `debug_assert!`-like names of others, and words of documents, have no such path before them.
                if before.ends_with("tracing::") {
                    fields.extend(arguments.iter().filter_map(|argument| field(argument)));
                } else {
                    let line = before.rsplit('\n').next().unwrap();
                    assert!(
                        line.trim_start().starts_with("//"),
                        "{file}: write tracing::{name} so that its fields are seen"
                    );
                }
            }
        }
        for (_, arguments) in calls(&text, "tracing::instrument(") {
            assert!(arguments.iter().any(|argument| argument == "skip_all"), "{file}: a span of all arguments");
            let named = arguments.iter().filter_map(|argument| argument.strip_prefix("fields("));
            for inside in named {
                fields.extend(self::arguments(inside).iter().filter_map(|argument| field(argument)));
            }
        }
        for (_, arguments) in calls(&text, ".record(") {
            let name = arguments.first().and_then(|name| name.strip_prefix('"')?.strip_suffix('"'));
            fields.extend(name.map(ToOwned::to_owned));
        }
    }
    fields
}

/// Every label of a metric.
pub fn labels() -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for (_, text) in sources() {
        for name in METRICS {
            for (_, arguments) in calls(&text, name) {
                let named = arguments.iter().filter_map(|argument| argument.split_once("=>"));
                labels.extend(named.map(|(label, _)| label.trim().trim_matches('"').to_owned()));
            }
        }
    }
    labels
}

#[test]
fn fields_are_found_whatever_stands_in_texts_and_comments() {
    let call = "target: T, a = f(1, 2), // x = (\n %b, ?c.d, e.f = \"g, (h\\\" = 1\", \"a text, with = signs\"); i = 1";
    let fields: Vec<String> = arguments(call).iter().filter_map(|argument| field(argument)).collect();
    assert_eq!(fields, ["a", "b", "c.d", "e.f"]);
}
