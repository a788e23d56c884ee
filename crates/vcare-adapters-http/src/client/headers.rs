//! What goes into and comes out of headers.

use std::time::SystemTime;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use vcare_app::ports::Clock;

/// Nobody is waited for longer: a broken clock or a joker must not put off a patient's Encounter by a year.
const MAX_RETRY_AFTER: Duration = Duration::HOUR;

/// When the neighbour asked to be called again: seconds, a date of HTTP's or one of RFC 3339 (Zoom's), an hour at most.
pub(super) fn retry_after(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().map_or(MAX_RETRY_AFTER, Duration::seconds)
    } else {
        let date = httpdate::parse_http_date(text).map(|date: SystemTime| OffsetDateTime::from(date));
        date.ok().or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok())? - clock.now()
    };
    Some(wait.clamp(Duration::ZERO, MAX_RETRY_AFTER))
}

/// Whether a body is said to be JSON: `application/json`, or anything `application/…+json`, with any parameters.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use time::macros::datetime;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> OffsetDateTime {
            datetime!(2026-11-23 20:00:00 UTC)
        }

        fn uptime(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_longer_than_an_hour() {
        let table = [
            ("7", Some(Duration::seconds(7))),
            (" 0 ", Some(Duration::ZERO)),
            ("Mon, 23 Nov 2026 20:02:00 GMT", Some(Duration::MINUTE * 2)),
            ("Mon, 23 Nov 2026 19:00:00 GMT", Some(Duration::ZERO)),
            ("Tue, 23 Nov 2027 20:00:00 GMT", Some(MAX_RETRY_AFTER)),
            ("2026-11-23T20:02:00Z", Some(Duration::MINUTE * 2)),
            ("2026-11-24T00:32:00+04:30", Some(Duration::MINUTE * 2)),
            ("2026-11-23T19:00:00Z", Some(Duration::ZERO)),
            ("2026-11-24T00:00:00Z", Some(MAX_RETRY_AFTER)),
            ("2026-11-24", None),
            ("86400", Some(MAX_RETRY_AFTER)),
            ("99999999999999999999999", Some(MAX_RETRY_AFTER)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, &Fixed), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), &Fixed), None);
    }

    #[test]
    fn json_is_known_by_its_type_whatever_its_parameters() {
        for text in ["application/json", "Application/JSON; charset=UTF-8", "application/fhir+json;fhirVersion=4.0"] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]);
            assert!(is_json(&headers), "{text}");
        }
        for text in ["text/html", "text/json", "application/jsonp", "json", "", "text/x+json"] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]);
            assert!(!is_json(&headers), "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
