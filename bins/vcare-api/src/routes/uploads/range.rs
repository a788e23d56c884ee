//! `Range` and `If-Range` (RFC 9110, 13.1.5 and 14): which part of an attachment is asked for.

use std::ops::Range;
use std::str::FromStr;

use actix_web::http::header::{self, HeaderMap};

/// What of an attachment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it: without `Range`, and with one that a server may pass over.
    Whole,
    /// These bytes.
    Of(Range<u32>),
}

impl Part {
    /// Reads the headers of a request for something of that many bytes.
    ///
    /// # Errors
    /// When none of the bytes exist that are asked for: 416.
    pub fn asked(headers: &HeaderMap, etag: &str, size: u32) -> Result<Self, ()> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(range) = text(header::RANGE) else { return Ok(Self::Whole) };
        // A date cannot be right: we tell none.
        if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(etag) {
            return Ok(Self::Whole);
        }
        // Other units, several ranges, and what is none: a server may pass them over, and the whole is always right.
        let Ok(header::Range::Bytes(ranges)) = header::Range::from_str(range) else { return Ok(Self::Whole) };
        let [one] = ranges.as_slice() else { return Ok(Self::Whole) };
        let (first, last) = one.to_satisfiable_range(size.into()).ok_or(())?;
        let first = u32::try_from(first).map_err(drop)?;
        let end = u32::try_from(last.saturating_add(1)).map_err(drop)?;
        Ok(Self::Of(first..end.min(size)))
    }

    /// Which bytes that are, of an attachment of this size.
    #[must_use]
    pub fn bytes(&self, size: u32) -> Range<u32> {
        match self {
            Self::Whole => 0..size,
            Self::Of(bytes) => bytes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Result<Part, ()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(if_range) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(if_range).unwrap());
        }
        Part::asked(&headers, "\"upl_1\"", 1000)
    }

    #[test]
    fn one_range_of_bytes_is_a_part_and_what_a_server_may_pass_over_is_the_whole() {
        let of = |bytes| Ok(Part::Of(bytes));
        for (range, expected) in [
            ("bytes=0-0", of(0..1)),
            ("bytes=0-1", of(0..2)),
            ("bytes=10-", of(10..1000)),
            ("bytes=990-5000", of(990..1000)),
            ("bytes=-10", of(990..1000)),
            ("bytes=-5000", of(0..1000)),
            ("bytes=999-999", of(999..1000)),
            ("bytes=1000-", Err(())),
            ("bytes=5000-6000", Err(())),
            ("bytes=-0", Err(())),
            ("bytes=0-1,5-6", Ok(Part::Whole)),
            ("bytes=6-5", Ok(Part::Whole)),
            ("bytes=x-y", Ok(Part::Whole)),
            ("bytes=", Ok(Part::Whole)),
            ("lines=0-1", Ok(Part::Whole)),
            ("bytes=18446744073709551616-", Ok(Part::Whole)),
        ] {
            assert_eq!(asked(range, None), expected, "{range}");
        }
    }

    #[test]
    fn a_part_of_something_else_is_not_mixed_in() {
        assert_eq!(asked("bytes=1-2", Some("\"upl_1\"")), Ok(Part::Of(1..3)));
        for other in ["\"upl_2\"", "W/\"upl_1\"", "Mon, 30 Nov 2026 08:00:00 GMT", ""] {
            assert_eq!(asked("bytes=1-2", Some(other)), Ok(Part::Whole), "{other}");
        }
    }
}
