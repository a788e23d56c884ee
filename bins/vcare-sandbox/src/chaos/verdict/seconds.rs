//! How long clinicians were with the patient, by the periods in an Encounter.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The seconds in which at least one clinician took part. Two who were there at once count once.
pub fn with_a_clinician(encounter: &Value) -> u64 {
    let instant =
        |text: &Value| OffsetDateTime::parse(text.as_str()?, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    let cares = |one: &&Value| {
        let codings = one["type"].as_array().into_iter().flatten().flat_map(|kind| kind["coding"].as_array());
        codings.flatten().any(|coding| coding["code"] == "PPRF" || coding["code"] == "SPRF")
    };
    let people = encounter["participant"].as_array().into_iter().flatten().filter(cares);
    let mut stretches: Vec<(i64, i64)> =
        people.filter_map(|one| Some((instant(&one["period"]["start"])?, instant(&one["period"]["end"])?))).collect();
    stretches.sort_unstable();
    let (mut seconds, mut until) = (0, i64::MIN);
    for (from, to) in stretches {
        seconds += (to - from.max(until)).max(0);
        until = until.max(to);
    }
    u64::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(code: &str, from: &str, to: &str) -> Value {
        json!({"type": [{"coding": [{"code": code}]}], "period": {
            "start": format!("2026-03-01T12:{from}Z"), "end": format!("2026-03-01T12:{to}Z"),
        }})
    }

    #[test]
    fn two_clinicians_at_once_count_once_and_a_translator_does_not_count() {
        let encounter = json!({"participant": [
            part("SPRF", "05:00", "08:00"), part("PPRF", "00:00", "06:30"), part("TRANS", "00:00", "30:00"),
            part("PPRF", "20:00", "20:07"),
        ]});
        assert_eq!(with_a_clinician(&encounter), 8 * 60 + 7);
        assert_eq!(with_a_clinician(&json!({})), 0);
    }
}
