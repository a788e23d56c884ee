//! What goes into and comes out of headers.

use std::time::SystemTime;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use vcare_app::ports::{Clock, Ids};

/// Nobody is waited for longer: a broken clock or a joker must not put off a patient's Encounter by a year.
const MAX_RETRY_AFTER: Duration = Duration::HOUR;

/// Our own span in the trace that `traceparent` tells of (W3C Trace Context, version 00). `None` when it is not one.
pub(super) fn child_traceparent(traceparent: &str, ids: &dyn Ids) -> Option<String> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |text: &str| text.bytes().all(|b| b == b'0');
    let valid = version == "00"
        && parts.next().is_none()
        && (hex(trace, 32) && hex(parent, 16) && hex(flags, 2))
        && !(zero(trace) || zero(parent));
    if !valid {
        return None;
    }
    let mut span = [0; 8];
    ids.fill_random(&mut span);
    // All zeros is no span.
    let span = u64::from_be_bytes(span).max(1);
    Some(format!("00-{trace}-{span:016x}-{flags}"))
}

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
    }

    struct Draws(u8);

    impl Ids for Draws {
        fn uuid(&self) -> uuid::Uuid {
            uuid::Uuid::nil()
        }
        fn fill_random(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn our_span_is_in_the_callers_trace() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let child = child_traceparent(parent, &Draws(0xAB));
        assert_eq!(child.as_deref(), Some("00-0af7651916cd43dd8448eb211c80319c-abababababababab-01"));
        assert!(child_traceparent(parent, &Draws(0)).unwrap().contains("-0000000000000001-"));
    }

    #[test]
    fn what_is_no_trace_context_is_not_sent_on() {
        let table = [
            "",
            "hello",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx: y",
        ];
        for text in table {
            assert_eq!(child_traceparent(text, &Draws(1)), None, "{text}");
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
