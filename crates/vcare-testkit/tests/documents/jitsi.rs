//! Jitsi's variables stand in one table.

use std::collections::BTreeMap;
use std::path::Path;

use vcare_testkit::documents::{page, pages};

const PAGE: &str = "deploy/jitsi/README.md";

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The variables of the table, with their values where these are given literally: a list of modules goes over several rows.
fn documented_variables() -> BTreeMap<String, Option<String>> {
    let mut told: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut last = String::new();
    for row in page(PAGE).unwrap().rows().iter().filter(|row| row.heads[0] == "variable") {
        let (names, value) = (quoted(&row.cells[0]), &row.cells[1]);
        let values = if value.starts_with('`') { quoted(value) } else { Vec::new() };
        if names.is_empty() {
            let modules = told.get_mut(&last).unwrap().as_mut().unwrap();
            for value in values {
                modules.push(',');
                modules.push_str(value);
            }
            continue;
        }
        names[0].clone_into(&mut last);
        for (number, name) in names.iter().enumerate() {
            let value = match (names.len(), values.len()) {
                (_, 0) => None,
                // One value for all of them, or one for each.
                (_, 1) => Some(values[0].to_owned()),
                (1, _) => Some(values.join(",")),
                _ => Some(values[number].to_owned()),
            };
            assert_eq!(told.insert((*name).to_owned(), value), None, "{name} stands there twice");
        }
    }
    told
}

#[test]
fn the_table_of_jitsis_variables_is_the_one_of_the_example_and_there_is_no_second_one() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/jitsi/env.example");
    let example = std::fs::read_to_string(example).unwrap();
    let set: BTreeMap<&str, &str> =
        example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
    let told = documented_variables();
    let names: Vec<&str> = told.keys().map(String::as_str).collect();
    assert_eq!(names, set.keys().copied().collect::<Vec<_>>());
    for (name, value) in &told {
        let Some(value) = value else { continue };
        let mut value = value.clone();
        for variable in ["VCARE_INTERNAL_URL", "VCARE_PUBLIC_URL"] {
            value = value.replace(&format!("{{{variable}}}"), set[variable]);
        }
        assert_eq!(value, set[name.as_str()], "{name}");
    }
    for page in pages().unwrap().iter().filter(|page| page.path != PAGE) {
        for row in page.rows() {
            let again = quoted(&row.cells[0]).into_iter().find(|name| told.contains_key(*name));
            assert_eq!(again, None, "{}: a second table of Jitsi's variables", row.place);
        }
    }
}
