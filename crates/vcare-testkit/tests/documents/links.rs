//! Links from page to page, and to sections.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vcare_testkit::documents::{anchor, pages};

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let pages = pages().unwrap();
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        pages.iter().map(|page| (page.path.as_str(), page.anchors())).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for page in &pages {
        // What stands between fences is no link.
        let prose: String = page.text.split("\n```").step_by(2).collect();
        for link in prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let folder = root.join(&page.path).parent().unwrap().to_owned();
            let target = if file.is_empty() { Ok(root.join(&page.path)) } else { folder.join(file).canonicalize() };
            let Ok(target) = target else {
                wrong.push(format!("{}: {link}", page.path));
                continue;
            };
            let path = target.strip_prefix(&root).unwrap().display().to_string();
            let known = anchors.get(path.as_str());
            if !section.is_empty() && known.is_some_and(|sections| !sections.contains(section)) {
                wrong.push(format!("{}: {link} names no section", page.path));
            }
        }
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "links that lead nowhere: {wrong:#?}");
}

/// Files and folders of the repository, named by their whole path.
#[test]
fn every_file_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut count, mut wrong) = (0, Vec::new());
    for page in pages().unwrap() {
        let quoted = page.text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let whole = |path: &&str| {
            let begins = ["crates/", "bins/", "docs/", "deploy/", "migrations/", "contracts/"];
            let begins = begins.iter().any(|begin| path.starts_with(begin));
            begins && !path.contains([' ', '*', '{', '<', '…'])
        };
        for path in quoted.filter(whole) {
            count += 1;
            if !root.join(path).exists() {
                wrong.push(format!("{}: {path}", page.path));
            }
        }
    }
    assert!(count > 50, "{count}");
    assert!(wrong.is_empty(), "files that there are not: {wrong:#?}");
}

#[test]
fn a_heading_is_named_as_a_link_names_it() {
    assert_eq!(anchor("Is anything missing?"), "is-anything-missing");
    assert_eq!(anchor("A visit: `ended`, by whom"), "a-visit-ended-by-whom");
}
