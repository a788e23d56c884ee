//! What is told to those who watch the service, checked against the code: no metric without its line in the book, no rule and
//! no panel about a metric that there is not, no alert that leads nowhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of the service itself.
fn sources_of_the_service() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        for package in fs::read_dir(root().join(folder)).unwrap() {
            let source = package.unwrap().path().join("src");
            // These are no part of the service.
            if !source.to_string_lossy().contains("testkit") && !source.to_string_lossy().contains("sandbox") {
                sources(&source, &mut files);
            }
        }
    }
    files
}

/// Every metric that the service emits, with its type.
fn emitted() -> BTreeMap<String, &'static str> {
    let files = sources_of_the_service();
    let mut metrics = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for kind in ["counter", "gauge", "histogram"] {
            for call in text.split(&format!("{kind}!(")).skip(1) {
                let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                let name = name.unwrap_or_else(|| panic!("{}: a {kind} whose name is no literal", file.display()));
                let before = metrics.insert(name.to_owned(), kind);
                assert!(before.is_none_or(|before| before == kind), "{name} is of two types");
            }
        }
    }
    assert!(metrics.len() > 35, "{metrics:?}");
    metrics
}

/// What a text says of the service's metrics, series of histograms included.
fn named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')));
    words.filter(|word| word.starts_with("vcare_")).map(ToOwned::to_owned).collect()
}

/// The metric that a series in a query belongs to.
fn metric_of<'a>(series: &'a str, emitted: &BTreeMap<String, &str>) -> &'a str {
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix));
    match histogram {
        Some(name) if emitted.get(name) == Some(&"histogram") => name,
        _ => series,
    }
}

#[test]
fn every_metric_is_in_the_book_with_its_type_and_the_book_has_no_other() {
    let book = read("docs/observability.md");
    let mut documented = BTreeMap::new();
    for line in book.lines().filter(|line| line.starts_with("| `vcare_")) {
        let mut cells = line.split(" | ");
        let name = cells.next().unwrap().trim_start_matches("| `").trim_end_matches('`');
        let before = documented.insert(name.to_owned(), cells.next().unwrap().to_owned());
        assert_eq!(before, None, "{name} stands there twice");
    }
    let emitted: BTreeMap<String, String> = emitted().into_iter().map(|(name, kind)| (name, kind.to_owned())).collect();
    assert_eq!(documented, emitted);
}

/// What a label is given for a value, in every call that has labels: `"kind" => kind`.
fn label_values(text: &str) -> Vec<String> {
    let calls = ["counter!(", "gauge!(", "histogram!("].iter().flat_map(|call| text.split(call).skip(1));
    calls
        .flat_map(|call| {
            let mut open = 1;
            let end = call.find(|c| {
                open += i32::from(c == '(') - i32::from(c == ')');
                open == 0
            });
            let given = call[..end.unwrap()].split("=>").skip(1);
            given
                .map(|value| value.split(", \"").next().unwrap().trim().trim_end_matches(',').to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Each value of each label makes a series that is kept until the process ends. A text that is made while the service runs may
/// be an outsider's: words are `&'static str`, from a list in the code.
#[test]
fn no_label_of_a_metric_has_a_value_that_is_made_while_the_service_runs() {
    // The router's patterns, and what we answer.
    let closed = ["route.clone()", "status.as_u16().to_string()"];
    let mut values = 0;
    for file in sources_of_the_service() {
        for value in label_values(&fs::read_to_string(&file).unwrap()) {
            let made =
                ["to_string", "to_owned", "clone", "format!", "into", "String", "Cow", "collect", "join", "display"];
            let made = made.iter().any(|way| value.contains(way)) && !closed.contains(&value.as_str());
            assert!(!made, "{}: {value}", file.display());
            values += 1;
        }
    }
    assert!(values > 50, "{values}");
}

#[test]
fn rules_and_dashboard_ask_only_for_what_there_is() {
    let emitted = emitted();
    for file in ["prometheus-rules.yml", "prometheus-rules.test.yml", "grafana-dashboard.json"] {
        let named = named_in(&read(&format!("deploy/observability/{file}")));
        assert!(named.len() > 20, "{file}: {named:?}");
        for series in named {
            let metric = metric_of(&series, &emitted);
            assert!(emitted.contains_key(metric), "{file}: nothing emits {metric}");
            // Of a histogram there are only its series.
            assert!(emitted[metric] != "histogram" || series != metric, "{file}: {series} is a histogram");
        }
    }
}

#[test]
fn every_metric_is_in_the_dashboard_or_known_to_be_elsewhere() {
    let emitted = emitted();
    let shown: BTreeSet<String> = named_in(&read("deploy/observability/grafana-dashboard.json"))
        .iter()
        .map(|series| metric_of(series, &emitted).to_owned())
        .collect();
    let missing: Vec<&str> = emitted.keys().map(String::as_str).filter(|name| !shown.contains(*name)).collect();
    // Rare, and told by an alert or by the log.
    let elsewhere = [
        "vcare_check_failed",
        "vcare_clock_difference_seconds",
        "vcare_connection_tests_total",
        "vcare_display_names_missing_total",
        "vcare_encrypted_texts_unread_total",
        "vcare_failed_visits",
        "vcare_failed_visits_oldest_age_seconds",
        "vcare_fhir_duplicate_encounters_total",
        "vcare_fhir_merged_patients_total",
        "vcare_outbox_put_back_total",
        "vcare_rate_limited_total",
        "vcare_request_ids_replaced_total",
        "vcare_short_codes_unknown_total",
        "vcare_subject_erasures_total",
        "vcare_tenant_logos_total",
        "vcare_watch_failures_total",
    ];
    assert_eq!(missing, elsewhere);
}

/// An alert of the rules, as far as a line says it.
#[derive(Debug, Default)]
struct Alert {
    name: String,
    severity: String,
    runbook: String,
}

fn alerts() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for line in read("deploy/observability/prometheus-rules.yml").lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alerts.push(Alert { name: name.to_owned(), ..Alert::default() });
        } else if let (Some(text), Some(alert)) = (line.strip_prefix("severity: "), alerts.last_mut()) {
            text.clone_into(&mut alert.severity);
        } else if let (Some(text), Some(alert)) = (line.strip_prefix("runbook: "), alerts.last_mut()) {
            text.clone_into(&mut alert.runbook);
        }
    }
    assert!(alerts.len() > 30, "{alerts:?}");
    alerts
}

/// The sections of the runbooks by the name that links use, with their text.
fn runbooks() -> BTreeMap<String, String> {
    let book = read("docs/runbooks.md");
    let mut sections = BTreeMap::new();
    for section in book.split("<a id=\"").skip(1) {
        let (name, text) = section.split_once("\"></a>\n\n").unwrap();
        assert!(text.starts_with("## "), "{name} stands before no title");
        assert_eq!(sections.insert(name.to_owned(), text.to_owned()), None, "{name} stands there twice");
    }
    assert_eq!(sections.len(), book.matches("\n## ").count(), "a title has no name in front of it");
    sections
}

#[test]
fn every_alert_leads_to_a_runbook_and_every_runbook_names_the_alerts_that_lead_to_it() {
    let mut leading: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for alert in alerts() {
        let section = alert.runbook.strip_prefix("docs/runbooks.md#").unwrap_or_else(|| panic!("{alert:?}"));
        assert!(["page", "ticket", "info"].contains(&alert.severity.as_str()), "{alert:?}");
        leading.entry(section.to_owned()).or_default().push(alert.name);
    }
    // Who is woken has the alert's name, and searches for it.
    let named = runbooks().into_iter().map(|(section, text)| {
        let line = text.lines().find(|line| line.starts_with("Alert")).unwrap_or_default();
        (section, line.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect())
    });
    assert_eq!(named.collect::<BTreeMap<_, Vec<String>>>(), leading);
}

#[test]
fn every_alert_has_a_case_in_which_it_fires() {
    let cases = read("deploy/observability/prometheus-rules.test.yml");
    let mut fires = BTreeSet::new();
    for case in cases.split("- alertname: ").skip(1) {
        if !case.lines().nth(2).unwrap().trim().ends_with("[]") {
            fires.insert(case.lines().next().unwrap());
        }
    }
    for alert in alerts() {
        assert!(fires.contains(alert.name.as_str()), "{} fires in no case", alert.name);
    }
}

#[test]
fn promises_name_rules_that_exist() {
    let rules = read("deploy/observability/prometheus-rules.yml");
    let promises = read("docs/slo.md");
    let quoted: Vec<&str> = promises.split('`').skip(1).step_by(2).collect();
    let recorded = quoted.iter().filter(|name| name.starts_with("vcare:")).map(|name| format!("- record: {name}\n"));
    let alerts = quoted.iter().filter(|name| name.starts_with("Vcare")).map(|name| format!("- alert: {name}\n"));
    let named: Vec<String> = recorded.chain(alerts).collect();
    assert!(named.len() > 8, "{named:?}");
    for name in named {
        assert!(rules.contains(&name), "{name}");
    }
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value = serde_json::from_str(&read("deploy/observability/grafana-dashboard.json")).unwrap();
    // The first that knows a data source by type and uid, and older than any that is in use.
    assert!((36..=41).contains(&dashboard["schemaVersion"].as_u64().unwrap()));
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|one| one["name"] == "datasource" && one["type"] == "datasource"));
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let mut places = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let [x, y, w] = ["x", "y", "w"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24 && places.insert((x, y)), "{title} is where another one is");
        if panel["type"] == "row" {
            continue;
        }
        let questions = panel["targets"].as_array().unwrap();
        assert!(!questions.is_empty(), "{title}");
        let names: BTreeSet<&str> = questions.iter().map(|one| one["refId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), questions.len(), "{title}");
        for source in questions.iter().chain([panel]).map(|one| &one["datasource"]) {
            assert_eq!((source["type"].as_str(), source["uid"].as_str()), (Some("prometheus"), Some("${datasource}")));
        }
    }
    // What it asks for by a recorded name is recorded.
    let rules = read("deploy/observability/prometheus-rules.yml");
    let text = dashboard.to_string();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')));
    for name in words.filter(|word| word.starts_with("vcare:")) {
        assert!(rules.contains(&format!("- record: {name}\n")), "{name}");
    }
}
