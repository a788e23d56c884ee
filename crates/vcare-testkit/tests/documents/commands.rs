//! Every command that a page tells somebody to type is there, and something runs it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use vcare_testkit::documents::{DocumentedCommand, page, pages, tests};
use vcare_testkit::must_be_part_of;

/// What a command begins with, and what runs it: a gate of `.ci/run`, or the test that is named. `by hand` is what no machine
/// of ours can run, and says why.
const RUN: [(&str, &str); 51] = [
    (
        "pg_dump",
        "by hand. `an_erased_patient_opens_nowhere_not_even_in_an_old_database_and_others_open_as_before` restores a copy",
    ),
    ("deploy/local/demo", "gate `demo`, with `--check`; without it `what_the_readme_tells_to_type_works`"),
    ("deploy/local/test", "gate `tests`, counting lines"),
    ("deploy/local/coverage", "gate `tests`"),
    ("deploy/local/sbom", "gate `sbom`"),
    ("deploy/local/fuzz-media", "by hand: takes minutes. Gate `tests` runs the same for a moment"),
    ("deploy/local/fuzz", "gate `fuzz`"),
    ("deploy/local/clients", "gate `clients`"),
    ("deploy/local/chaos", "`us_004_and_009_nothing_is_lost_or_doubled_whatever_is_killed`, in its short form"),
    ("deploy/local/bench-ai", "by hand: takes minutes. `the_documented_commands_are_understood` reads its options"),
    ("deploy/local/bench-jobs", "the same"),
    ("deploy/local/bench-link", "the same"),
    ("deploy/local/bench-reads", "the same"),
    ("deploy/local/bench-upload", "by hand: takes minutes. It runs the test `a_photo_over_2g`"),
    ("deploy/local/install-packages", "gate `tests`, when something is missing"),
    (".ci/run", "the build server; `every_documented_command_is_there` knows its gates"),
    ("just chaos", "as `deploy/local/chaos`"),
    ("just bench-ai", "as `deploy/local/bench-ai`"),
    ("just bench-jobs", "as `deploy/local/bench-jobs`"),
    ("just bench-link", "as `deploy/local/bench-link`"),
    ("just bench-reads", "as `deploy/local/bench-reads`"),
    ("just test", "gate `tests`"),
    ("just coverage", "as `deploy/local/coverage`"),
    ("just sbom", "as `deploy/local/sbom`"),
    ("just clients", "as `deploy/local/clients`"),
    ("just ci", "as `.ci/run`"),
    ("just contracts", "gate `tests` runs the same tests, and fails where this would write"),
    ("just bench-upload", "as `deploy/local/bench-upload`"),
    ("just pictures", "by hand: it writes pictures for people to look at"),
    (
        "vcare-admin",
        "`the_documented_commands_are_understood` reads each; each subcommand is run by a test of `bins/vcare-admin/tests`",
    ),
    ("target/debug/vcare-admin token mint", "`what_the_readme_tells_to_type_works`"),
    ("target/debug/vcare-sandbox bench-ai", "as `deploy/local/bench-ai`"),
    ("curl -s -X POST $API/sessions", "`what_the_readme_tells_to_type_works`"),
    ("curl -s $API/sessions/$SESSION", "`what_the_readme_tells_to_type_works`"),
    ("cargo fmt", "gate `fmt`"),
    ("cargo build --workspace --release", "gate `tests` builds the same without `--release`"),
    ("printf hosp-kabul", "`the_documented_hash_of_an_account_is_that_of_the_logs`"),
    ("(umask 077", "`the_documented_key_file_is_one`"),
    ("aws kms create-key", "by hand: needs an account. `ministack_keeps_the_contract` uses keys of the same kinds"),
    ("aws kms create-alias", "by hand: needs an account"),
    ("aws kms enable-key-rotation", "by hand: needs an account"),
    (
        "docker network create",
        "by hand: needs Docker. `the_overlay_names_files_and_variables_that_there_are_and_publishes_no_port` reads what it is for",
    ),
    ("docker compose", "by hand: needs Docker"),
    (
        "bin/kc.sh import",
        "by hand: needs Keycloak. `who_signed_in_at_keycloak_has_the_tenant_the_roles_and_the_patient_of_its_mappers` signs people in by the file",
    ),
    (
        "nats consumer add",
        "by hand: needs the tool `nats`. `each_reader_receives_and_acknowledges_its_own_events_and_no_others` makes consumers of the same files",
    ),
    ("nats --user", "by hand, as above"),
    ("promtool", "gate `observability`"),
    ("npx openapi-typescript", "gate `clients`"),
    ("npm install openapi-fetch", "by hand: installs"),
    ("pip install rust-just", "by hand: installs"),
    ("pipx install rust-just", "by hand: installs"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

const PAGE: &str = "docs/testing.md";
const PART: &str = "the documented commands";

/// All of all pages, without lines that only set variables, and without the list that is written from them.
fn documented() -> Vec<(DocumentedCommand, Vec<String>)> {
    let mut found = Vec::new();
    for mut page in pages().unwrap() {
        if page.path == PAGE {
            page.text.truncate(page.text.find(&format!("<!-- {PART}")).unwrap());
        }
        found.extend(page.commands().into_iter().map(|command| {
            let words = command.words();
            (command, words)
        }));
    }
    found.retain(|(_, words)| !words.is_empty());
    found
}

#[test]
fn every_documented_command_is_run_by_something() {
    let (documented, tests) = (documented(), tests().unwrap());
    assert!(documented.len() > 80, "{}", documented.len());
    let mut used = BTreeSet::new();
    for (command, words) in &documented {
        let line = words.join(" ");
        let run = RUN.iter().find(|(begin, _)| line.starts_with(begin));
        let (begin, _) = run.unwrap_or_else(|| panic!("{}: say in RUN what runs {line:?}", command.place));
        used.insert(*begin);
    }
    let mut table = "| command | what runs it |\n|---|---|\n".to_owned();
    for (begin, by) in RUN {
        assert!(used.contains(begin), "no page names {begin:?} any more");
        for name in by.split('`').skip(1).step_by(2).filter(|name| name.contains('_') && !name.contains('/')) {
            assert!(tests.contains(name), "{begin}: there is no test {name}");
        }
        writeln!(table, "| `{begin}` | {by} |").unwrap();
    }
    must_be_part_of(PAGE, PART, &table);
}

#[test]
fn every_documented_command_is_there() {
    let recipes: BTreeSet<String> = file("justfile")
        .lines()
        .filter(|line| !line.starts_with([' ', '#', '@']) && line.contains(':') && !line.contains(":="))
        .map(|line| line.split([' ', ':']).next().unwrap().to_owned())
        .collect();
    let gates = file(".ci/run").lines().find_map(|line| line.strip_prefix("gates=(").map(str::to_owned)).unwrap();
    let gates: BTreeSet<&str> = gates.trim_end_matches(')').split(' ').collect();
    let are_gates = |words: &[String]| words.iter().all(|word| gates.contains(word.as_str()) || word.starts_with("--"));
    for (command, words) in documented() {
        let place = &command.place;
        match words[0].as_str() {
            "just" => {
                assert!(recipes.contains(&words[1]), "{place}: the justfile has no recipe {}", words[1]);
                assert!(words[1] != "ci" || are_gates(&words[2..]), "{place}: {words:?}");
            }
            ".ci/run" => assert!(are_gates(&words[1..]), "{place}: {words:?}"),
            script if script.starts_with("deploy/local/") => {
                let text = file(script);
                assert!(text.starts_with("#!"), "{place}: there is no {script}");
                let known = |word: &String| !word.starts_with("--") || text.contains(word.as_str());
                assert!(text.contains("vcare-sandbox\" bench") || words[1..].iter().all(known), "{place}: {words:?}");
            }
            _ => {}
        }
    }
    // And the other way round: whoever runs before a merge knows the gates.
    let contributing = page("CONTRIBUTING.md").unwrap().rows();
    let told: BTreeSet<&str> =
        contributing.iter().filter_map(|row| row.cell("gate")).map(|gate| gate.trim_matches('`')).collect();
    assert_eq!(told, gates, "the gates that CONTRIBUTING.md lists");
}
