//! What is promised of upgrades, as far as the migrations can show it.

use std::fs;
use std::path::Path;

/// The statements of a migration, in capitals, without comments and with single blanks.
fn statements(text: &str) -> Vec<String> {
    let code = text.lines().map(|line| line.split("--").next().unwrap());
    let code = code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").to_uppercase();
    code.split(';').map(|statement| statement.trim().to_owned()).collect()
}

/// What the version before would miss, and what it would be refused.
fn takes_away(statement: &str) -> bool {
    let gone = ["DROP TABLE", "DROP COLUMN", "DROP FUNCTION", "DROP ROLE", " RENAME ", "TRUNCATE", "SET NOT NULL"];
    let retyped = statement.contains("ALTER COLUMN") && statement.contains(" TYPE ");
    let demanded = statement
        .split("ADD COLUMN")
        .skip(1)
        // A column ends where the next ADD or ALTER begins.
        .filter_map(|column| column.split(", A").next())
        .any(|column| column.contains("NOT NULL") && !column.contains("DEFAULT"));
    let revoked = statement.starts_with("REVOKE") && !statement.ends_with("FROM PUBLIC");
    gone.iter().any(|word| statement.contains(word)) || retyped || demanded || revoked
}

#[test]
fn no_migration_takes_away_what_the_version_before_uses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let migration = entry.unwrap().path();
        assert!(
            !migration.join("down.sql").exists(),
            "{}: docs/upgrading.md says that none is undone",
            migration.display()
        );
        for statement in statements(&fs::read_to_string(migration.join("up.sql")).unwrap()) {
            assert!(!takes_away(&statement), "{}: {statement}", migration.display());
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_statement_that_takes_something_away_is_seen() {
    for statement in [
        "ALTER TABLE visit DROP COLUMN reason",
        "ALTER TABLE visit RENAME TO session",
        "ALTER TABLE visit ALTER COLUMN reason TYPE varchar",
        "ALTER TABLE visit ADD COLUMN a text NOT NULL DEFAULT '', ADD COLUMN b text NOT NULL",
        "REVOKE SELECT ON visit FROM vcare_api",
    ] {
        assert!(takes_away(&statement.to_uppercase()), "{statement}");
    }
    for statement in [
        "ALTER TABLE visit ADD COLUMN a text, ADD COLUMN b text NOT NULL DEFAULT ''",
        "ALTER TABLE visit ADD COLUMN a text, ADD CHECK (a IS NOT NULL OR b IS NULL)",
        "ALTER TABLE visit ALTER COLUMN reason DROP NOT NULL",
        "REVOKE ALL ON FUNCTION visits FROM PUBLIC",
    ] {
        assert!(!takes_away(&statement.to_uppercase()), "{statement}");
    }
}
