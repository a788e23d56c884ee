//! Times that are none, or make no visit.

use serde_json::{Value, json};

use super::{Bench, with, wrong_field};

/// No instant, wherever one is asked for.
const NO_INSTANTS: [&str; 22] = [
    "",
    " ",
    "tomorrow",
    "2026-11-24",
    "2026-11-24T09:30:00",
    "2026-11-24 09:30:00",
    "24.11.2026 09:30",
    "2026-02-30T09:30:00Z",
    "2026-13-01T09:30:00Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24T09:60:00Z",
    "2026-11-24T09:30:00+25:00",
    "2026-11-24T09:30:00Asia/Kabul",
    "2026-11-24T09:30:00Z; DROP TABLE outbox",
    "2026-11-24T09:30:00Z\u{0}",
    "۲۰۲۶-۱۱-۲۴T۰۹:۳۰:۰۰Z",
    "2026-W48-2T09:30:00Z",
    "+12026-11-24T09:30:00Z",
    "1795512600",
    // No year 10000 and no year -1: as UTC these are none.
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999999-00:01",
    "0000-01-01T00:00:00+23:59",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_has_a_date_that_is_one_a_time_and_a_zone() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    for field in ["scheduledStart", "scheduledEnd"] {
        let mut wish = |name: String, value: Value| {
            let mut wish = bench.app.wish();
            wish[field] = value;
            cases.push(wrong_field(format!("{field} {name}"), bench.post_json("/sessions", &wish), field));
        };
        for text in NO_INSTANTS {
            wish(text.to_owned(), json!(text));
        }
        for value in [json!(1_795_512_600), json!(true), json!(["2026-11-24T09:30:00Z"]), json!({"at": 1})] {
            wish(value.to_string(), value);
        }
        wish("of 60 kB".to_owned(), json!("2".repeat(60_000)));
    }
    for field in ["from", "to"] {
        for text in NO_INSTANTS {
            let request = bench.get(&with("/sessions", field, text));
            cases.push(wrong_field(format!("{field} {text}"), request, field));
        }
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_near_ends_after_it_starts_and_lasts_at_most_12_hours() {
    let bench = Bench::start().await;
    let ahead = |minutes: i64| bench.app.minutes_ahead(minutes);
    let (day, year) = (24 * 60, 366 * 24 * 60);
    let visits = [
        ("the epoch", "1970-01-01T00:00:00Z".to_owned(), None, "scheduledStart"),
        ("year 0", "0000-01-01T00:00:00Z".to_owned(), None, "scheduledStart"),
        ("year 9999", "9999-12-31T23:59:59Z".to_owned(), None, "scheduledStart"),
        ("a day and a minute ago", ahead(-day - 1), None, "scheduledStart"),
        ("more than two years ahead", ahead(2 * year + 1), None, "scheduledStart"),
        ("an end before the start", ahead(30), Some(ahead(29)), "scheduledEnd"),
        ("an end at the start", ahead(30), Some(ahead(30)), "scheduledEnd"),
        ("an end in year 0", ahead(30), Some("0000-01-01T00:00:00Z".to_owned()), "scheduledEnd"),
        ("an end in year 9999", ahead(30), Some("9999-12-31T23:59:59Z".to_owned()), "scheduledEnd"),
        ("13 hours", ahead(30), Some(ahead(30 + 13 * 60)), "scheduledEnd"),
        ("12 hours and a minute", ahead(30), Some(ahead(30 + 12 * 60 + 1)), "scheduledEnd"),
    ];
    let cases = visits.into_iter().map(|(name, start, end, field)| {
        let mut wish = bench.app.wish();
        wish["scheduledStart"] = json!(start);
        if let Some(end) = end {
            wish["scheduledEnd"] = json!(end);
        }
        wrong_field(name, bench.post_json("/sessions", &wish), field)
    });
    bench.refuse(cases.collect()).await;
}
