//! `docs/data-model.md` is what the migrations make.

mod classes;
mod fields;
mod people;
mod processing;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use vcare_testkit::{TestDatabase, documents, must_be_part_of};

const PAGE: &str = "docs/data-model.md";

/// Lines about each table.
type Lines = BTreeMap<String, Vec<String>>;

/// Answers of two columns: a table, and a line about it.
async fn lines(database: &TestDatabase, query: &str) -> Lines {
    let mut lines = Lines::new();
    for row in database.rows(query, &[]).await.unwrap() {
        lines.entry(row.get(0)).or_default().push(row.get(1));
    }
    lines
}

const COLUMNS: &str = "
    SELECT c.relname::text, a.attname || ' | ' || format_type(a.atttypid, a.atttypmod) || ' | '
           || CASE WHEN a.attnotnull THEN '' ELSE 'may be missing' END
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
       AND c.relname NOT LIKE '\\_\\_diesel%'
     ORDER BY c.relname, a.attnum";
const KEYS: &str = "
    SELECT c.relname::text, '`' || pg_get_constraintdef(k.oid) || '`'
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE k.contype IN ('p', 'u', 'f') AND c.relnamespace = 'public'::regnamespace
     ORDER BY c.relname, array_position(ARRAY['p', 'u', 'f']::\"char\"[], k.contype), k.conname";
const INDEXES: &str = "
    SELECT tablename::text,
           '`' || indexname || '`' || CASE WHEN indexdef LIKE 'CREATE UNIQUE%' THEN ', unique,' ELSE '' END || ' on `'
           || regexp_replace(indexdef, '^.* USING btree ', '') || '`'
      FROM pg_indexes i
     WHERE schemaname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conname = i.indexname)
     ORDER BY tablename, indexname";
const POLICIES: &str = "
    SELECT tablename::text, '`' || array_to_string(roles, ', ') || '` '
           || CASE WHEN qual = 'true' THEN 'every tenant''s rows'
                   WHEN qual = '(tenant_id = current_setting(''vcare.tenant_id''::text, true))' THEN 'one tenant''s rows'
                   ELSE qual END
      FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname, roles::text";
/// Rights on whole tables, and on columns of those of which somebody may not see or write all.
const RIGHTS: &str = "
    SELECT c.relname::text, '`' || g.role || '` ' || g.what
      FROM pg_class c CROSS JOIN LATERAL (
          SELECT r.rolname::text AS role, string_agg(lower(acl.privilege_type), ', ' ORDER BY acl.privilege_type) AS what
            FROM aclexplode(c.relacl) acl JOIN pg_roles r ON r.oid = acl.grantee
           WHERE r.rolname LIKE 'vcare\\_%' GROUP BY r.rolname
          UNION ALL
          SELECT r.rolname::text, lower(acl.privilege_type) || ' of `'
                 || string_agg(a.attname, '`, `' ORDER BY a.attnum) || '`'
            FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) acl JOIN pg_roles r ON r.oid = acl.grantee
           WHERE a.attrelid = c.oid AND r.rolname LIKE 'vcare\\_%' GROUP BY r.rolname, acl.privilege_type
      ) g
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
     ORDER BY c.relname, g.role, g.what";

/// What each column tells of people, by table and column.
fn told() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let mut told = BTreeMap::new();
    // Of other schemas this page says nothing.
    for (table, what, _, _, columns) in people::TOLD.into_iter().filter(|row| !row.0.contains('.')) {
        for column in columns.split_whitespace() {
            assert_eq!(told.insert((table, column), what), None, "{table}.{column} is there twice");
        }
    }
    told
}

#[tokio::test]
async fn the_documented_tables_are_those_of_a_migrated_database() {
    let database = TestDatabase::create().await.unwrap();
    let columns = lines(&database, COLUMNS).await;
    let [keys, indexes, policies, rights] = [
        lines(&database, KEYS).await,
        lines(&database, INDEXES).await,
        lines(&database, POLICIES).await,
        lines(&database, RIGHTS).await,
    ];
    let mut told = told();
    let mut text = String::new();
    for (table, columns) in &columns {
        writeln!(text, "### `{table}`\n\n| column | type | | of people |\n|---|---|---|---|").unwrap();
        for column in columns {
            let (name, rest) = column.split_once(" | ").unwrap();
            let what = told.remove(&(table.as_str(), name));
            let what = what
                .unwrap_or_else(|| panic!("say in TOLD in data_model/people.rs what {table}.{name} tells of people"));
            writeln!(text, "| `{name}` | {rest} | {what} |").unwrap();
        }
        text.push('\n');
        for (what, lines) in
            [("Keys", &keys), ("Indexes", &indexes), ("Row-level security", &policies), ("Rights", &rights)]
        {
            if let Some(lines) = lines.get(table) {
                writeln!(text, "- {what}: {}", lines.join("; ")).unwrap();
            }
        }
        text.push('\n');
    }
    assert!(told.is_empty(), "people.rs knows columns that there are not: {told:?}");
    must_be_part_of(PAGE, "the tables", &text);

    // What people wrote of each table is of the tables that there are.
    let described = documents::page(PAGE).unwrap().rows();
    let described = described.iter().filter_map(|row| row.cell("table"));
    let described: BTreeSet<&str> = described.map(|cell| cell.trim_matches('`')).collect();
    assert_eq!(
        described,
        columns.keys().map(String::as_str).collect(),
        "the table of who writes what, and for how long"
    );
}
