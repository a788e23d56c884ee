//! The crash test in its short form. `just chaos` is the long one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

/// The number behind a figure's name, in a line of its own.
fn figure(report: &str, name: &str) -> u64 {
    let value = report.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let digits: String = value.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no figure {name:?} in:\n{report}"))
}

#[test]
fn us_004_and_009_nothing_is_lost_or_doubled_whatever_is_killed() {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_vcare-sandbox"));
    let output = chaos.args(["chaos", "--visits", "25", "--seed", "3", "--minutes", "0.2"]).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(figure(&report, "visits"), 25, "{report}");
    assert!(figure(&report, "kills") >= 4, "{report}");
    assert!(figure(&report, "clocks set") >= 1, "{report}");
    assert!(figure(&report, "Encounters") >= 8, "{report}");
    for fault in ["stuck", "lost", "doubled", "out of order", "wrong", "unanswered"] {
        assert_eq!(figure(&report, fault), 0, "{report}");
    }
}
