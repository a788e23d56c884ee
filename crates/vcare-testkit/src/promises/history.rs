//! What earlier commits promised, and what of it was broken on purpose.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{event_breaks, openapi_breaks};

type Compare = fn(&Value, &Value) -> Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What git says; `None` when there is none, no repository, or no such thing in it.
fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
    let text = said.status.success().then(|| String::from_utf8(said.stdout).ok()).flatten()?;
    Some(text.trim_end().to_owned())
}

/// Commits whose promises must hold: what the change started from, what is committed, and what was before it.
fn earlier() -> BTreeSet<String> {
    let branches = ["origin/main", "main"].iter().filter_map(|branch| git(&["merge-base", branch, "HEAD"]));
    let steps = ["HEAD", "HEAD~1"].iter().filter_map(|step| git(&["rev-parse", "--verify", "--quiet", step]));
    branches.chain(steps).collect()
}

/// A document of version 0 promises nothing (semver.org, rule 4); from 1.0.0 on all of it must be kept.
fn promised_openapi_breaks(before: &Value, after: &Value) -> Vec<String> {
    let version = before["info"]["version"].as_str().unwrap_or_default();
    if version.starts_with("0.") { Vec::new() } else { openapi_breaks(before, after) }
}

/// How contracts of a kind are compared; `None` for what promises nothing.
fn comparison(path: &str) -> Option<Compare> {
    match path {
        "contracts/openapi/vcare-api.json" => Some(promised_openapi_breaks),
        _ if path.starts_with("contracts/") && path.ends_with(".schema.json") => Some(event_breaks),
        _ => None,
    }
}

/// Breaks that were meant, one a line with the reason: `<break>  # <reason>`. One that ends with `*` is all that begin so: a
/// response that was meant to be another one breaks every promise of each of its fields.
fn accepted() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("contracts/accepted-breaks.txt")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .filter_map(|line| line.split_once("  # ").filter(|(_, reason)| !reason.is_empty()))
        .map(|(one, _)| one.to_owned())
        .collect()
}

fn accepts(accepted: &str, one: &str) -> bool {
    accepted.strip_suffix('*').map_or(accepted == one, |begin| one.starts_with(begin))
}

/// The contracts (paths in the repository) that earlier commits promised.
#[must_use]
pub fn promised() -> BTreeSet<String> {
    let lists =
        earlier().into_iter().filter_map(|commit| git(&["ls-tree", "-r", "--name-only", &commit, "--", "contracts"]));
    let files = lists.flat_map(|list| list.lines().map(ToOwned::to_owned).collect::<Vec<_>>());
    files.filter(|path| comparison(path).is_some()).collect()
}

/// What a contract breaks of what earlier commits promised under its path, when it becomes `after`, or goes: one line a
/// break, without those that `contracts/accepted-breaks.txt` accepts.
#[must_use]
pub fn broken_promises(path: &str, after: Option<&str>) -> Vec<String> {
    let Some(compare) = comparison(path) else { return Vec::new() };
    let name = path.trim_start_matches("contracts/").trim_start_matches("events/");
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let before = earlier().into_iter().filter_map(|commit| git(&["show", &format!("{commit}:{path}")]));
    let breaks = before.flat_map(|before| match after {
        Some(after) => compare(&read(&before), &read(after)),
        None => vec!["is gone".to_owned()],
    });
    let (mut breaks, accepted): (BTreeSet<_>, _) = (breaks.map(|one| format!("{name}: {one}")).collect(), accepted());
    breaks.retain(|one| !accepted.iter().any(|accepted| accepts(accepted, one)));
    breaks.into_iter().collect()
}

/// Asserts that a contract may become `after`, or go.
///
/// # Panics
/// When it breaks a promise.
#[track_caller]
pub fn must_keep_promises(path: &str, after: Option<&str>) {
    let broken = broken_promises(path, after);
    assert!(
        broken.is_empty(),
        "{broken:#?}\nMake it a new version (v2 beside v1), or say in contracts/accepted-breaks.txt why nobody is hurt."
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{accepts, promised_openapi_breaks};

    #[test]
    fn an_openapi_document_is_a_promise_from_version_1_on() {
        let before = |version: &str| json!({"info": {"version": version}, "paths": {"/visits": {"get": {}}}});
        let after = json!({"info": {"version": "1.0.0"}, "paths": {}});
        assert!(promised_openapi_breaks(&before("0.9.0"), &after).is_empty());
        assert!(!promised_openapi_breaks(&before("1.0.0"), &after).is_empty());
        assert!(!promised_openapi_breaks(&json!({"paths": {"/visits": {"get": {}}}}), &after).is_empty());
    }

    #[test]
    fn a_star_accepts_all_breaks_of_one_response_and_no_other() {
        let all = "a.json: GET /visits: 200*";
        assert!(
            accepts(all, "a.json: GET /visits: 200.id: is gone") && accepts(all, "a.json: GET /visits: 200: was 1")
        );
        assert!(
            !accepts(all, "a.json: GET /visits: 201.id: is gone") && !accepts(all, "a.json: GET /: 200.id: is gone")
        );
        assert!(!accepts("a.json: 200", "a.json: 200.id: is gone"));
    }
}
