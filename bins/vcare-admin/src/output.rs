//! How answers are written.

use clap::ValueEnum;
use comfy_table::Table;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How answers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs: one JSON value.
    Json,
}

/// A row of an answer.
pub trait Row: Serialize {
    /// Its fields, in the order in which people read them.
    const COLUMNS: &'static [&'static str];
}

impl Output {
    /// Writes rows.
    pub fn rows<R: Row>(self, rows: &[R]) -> anyhow::Result<()> {
        if self == Self::Json {
            println!("{}", serde_json::to_string_pretty(rows)?);
            return Ok(());
        }
        if rows.is_empty() {
            println!("none");
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(R::COLUMNS);
        for row in rows {
            let row = serde_json::to_value(row)?;
            table.add_row(R::COLUMNS.iter().map(|column| cell(&row[column])));
        }
        println!("{table}");
        Ok(())
    }

    /// Writes one value, for programs.
    pub fn value(self, value: &impl Serialize) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(value)?);
        Ok(())
    }

    /// Writes all of one thing: for people a line a field.
    pub fn record<R: Row>(self, row: &R) -> anyhow::Result<()> {
        if self == Self::Json {
            return self.rows(std::slice::from_ref(row));
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        let row = serde_json::to_value(row)?;
        for column in R::COLUMNS {
            table.add_row([(*column).to_owned(), cell(&row[column])]);
        }
        println!("{table}");
        Ok(())
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number and its noun, in the plural where needed: `1 job`, `2 jobs`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// An age, for people.
pub fn age(age: time::Duration) -> String {
    let seconds = age.whole_seconds().max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// An instant, as RFC 3339 has it.
pub fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn one_is_one_and_all_other_numbers_are_several() {
        assert_eq!([0, 1, 2].map(|number| count(number, "job")), ["0 jobs", "1 job", "2 jobs"]);
    }

    #[test]
    fn an_age_is_told_in_its_greatest_useful_unit() {
        let told = [59, 119, 120, 7199, 7200, 172_799, 172_800].map(|seconds| age(Duration::seconds(seconds)));
        assert_eq!(told, ["59 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
    }
}
