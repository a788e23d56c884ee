//! `schema.rs` is written by hand; it says what the migrations make.

use std::collections::BTreeMap;

use vcare_testkit::TestDatabase;

const SCHEMA: &str = include_str!("../../src/schema.rs");

/// A table's primary key and its columns, in their order.
type Tables = BTreeMap<String, (String, Vec<String>)>;

/// What `diesel::table!` says.
fn written() -> Tables {
    let mut tables = Tables::new();
    for block in SCHEMA.split("diesel::table! {").skip(1) {
        let (head, rest) = block.split_once('{').unwrap();
        let (name, key) = head.trim().trim_end_matches(')').split_once(" (").unwrap();
        let columns = rest.split_once('}').unwrap().0.lines().map(|line| line.trim().trim_end_matches(','));
        let columns = columns.filter(|line| !line.is_empty()).map(ToOwned::to_owned);
        tables.insert(name.to_owned(), (key.to_owned(), columns.collect()));
    }
    tables
}

fn diesels(kind: &str, nullable: bool) -> String {
    let name = match kind {
        "text" => "Text",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "bool" => "Bool",
        "uuid" => "Uuid",
        "bytea" => "Bytea",
        "jsonb" => "Jsonb",
        "timestamptz" => "Timestamptz",
        "_text" => "Array<Text>",
        other => panic!("say here how diesel calls {other}"),
    };
    if nullable { format!("Nullable<{name}>") } else { name.to_owned() }
}

#[tokio::test]
async fn the_written_schema_is_the_migrated_one() {
    let database = TestDatabase::create().await.unwrap();
    let columns = database
        .rows(
            "SELECT table_name::text, column_name::text, udt_name::text, is_nullable = 'YES'
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'
             ORDER BY table_name, ordinal_position",
            &[],
        )
        .await
        .unwrap();
    let mut migrated = Tables::new();
    for row in columns {
        let column = format!("{} -> {}", row.get::<_, &str>(1), diesels(row.get(2), row.get(3)));
        migrated.entry(row.get(0)).or_default().1.push(column);
    }
    let keys = database
        .rows(
            "SELECT c.relname::text, string_agg(a.attname, ', ' ORDER BY array_position(i.indkey::int2[], a.attnum))
             FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
             WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname",
            &[],
        )
        .await
        .unwrap();
    for row in keys {
        if let Some(table) = migrated.get_mut(row.get::<_, &str>(0)) {
            table.0 = row.get(1);
        }
    }
    assert_eq!(written(), migrated);
    assert!(migrated.len() >= 5);
}
