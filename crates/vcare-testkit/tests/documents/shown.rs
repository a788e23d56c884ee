//! Every failure and every threat has a test that shows what is said of it.

use std::path::Path;

use vcare_testkit::documents::{page, sources, tests};

/// The pages of which every row of every table says by which tests it is shown.
const SHOWN: [&str; 2] = ["docs/failure-modes.md", "docs/security-model.md"];

#[test]
fn every_row_of_failures_and_threats_names_tests_that_there_are() {
    let tests = tests().unwrap();
    assert!(tests.len() > 1000, "{}", tests.len());
    let mut wrong = Vec::new();
    for path in SHOWN {
        let rows = page(path).unwrap().rows();
        assert!(rows.len() > 20, "{path}: {}", rows.len());
        for row in rows {
            let what = format!("{}: {}", row.place, row.cells[0]);
            if row.cells.len() != row.heads.len() {
                wrong.push(format!("{what} has {} cells and not {}", row.cells.len(), row.heads.len()));
                continue;
            }
            let named: Vec<&str> = row.cell("shown by").unwrap_or_default().split('`').skip(1).step_by(2).collect();
            if named.is_empty() {
                wrong.push(format!("{what} names no test"));
            }
            let missing = named.into_iter().filter(|name| !tests.contains(*name));
            wrong.extend(missing.map(|name| format!("{what}: there is no test {name}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_word_of_the_glossary_is_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources: String = sources().unwrap().into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let rows = page("docs/glossary.md").unwrap().rows();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let places: Vec<&str> = row.cell("in the code").unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!places.is_empty(), "{}: {} is nowhere", row.place, row.cells[0]);
        for place in places {
            // The last name of a path is what is declared.
            let name = place.rsplit("::").next().unwrap();
            let declared = ["struct ", "enum ", "trait ", "fn ", "    "].iter().any(|kind| {
                let declared = format!("{kind}{name}");
                sources.match_indices(&declared).any(|(at, _)| {
                    let next = sources[at + declared.len()..].chars().next();
                    next.is_some_and(|sign| !sign.is_alphanumeric() && sign != '_')
                })
            });
            assert!(declared || root.join(place).exists(), "{}: there is no {place}", row.place);
        }
    }
}
