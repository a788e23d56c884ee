//! Pages of lists: how long one is, in which order, and where the next one is.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, LINK};
use serde::Serialize;
use time::OffsetDateTime;
use url::form_urlencoded;
use vcare_app::Caller;
use vcare_app::ports::{Order, Paging};
use vcare_domain::{InvalidText, UserId};

use crate::extract::{Fields, Instant, Query};
use crate::problem::{Fault, FieldCode, Problem};

/// How many items a page has when nobody says.
const DEFAULT_LIMIT: u8 = 20;
/// How many items a page has at most.
const MAX_LIMIT: u8 = 100;

/// How many items a page has. More than there may be is cut to the most: who asks for all of a list wants many, and goes on by
/// the cursor.
fn limit(text: &str) -> Result<u8, Fault<&'static str>> {
    const EXPECTED: Fault<&str> = Fault(FieldCode::Range, "expected a whole number from 1; more than 100 is 100");
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    match text.trim_start_matches('0') {
        "" => Err(EXPECTED),
        digits => Ok(digits.parse().unwrap_or(MAX_LIMIT).min(MAX_LIMIT)),
    }
}

fn order(text: &str) -> Result<Order, &'static str> {
    let all = [Order::Ascending, Order::Descending];
    all.into_iter().find(|order| order.as_str() == text).ok_or("expected asc or desc")
}

/// Takes `order`, `cursor` and `limit` from a query.
pub fn take(query: &mut Query, fields: &mut Fields) -> (Paging, u8) {
    let order = fields.take_optional("order", query.take("order").as_deref().map(order));
    let limit = fields.take_optional("limit", query.take("limit").as_deref().map(limit));
    (Paging { order, cursor: query.take("cursor") }, limit.unwrap_or(DEFAULT_LIMIT))
}

/// The word for the caller's own account.
const ME: &str = "me";

/// An account, or `me` for the caller's own.
///
/// # Errors
/// As of [`UserId::parse`].
pub fn account(text: String, caller: &Caller) -> Result<UserId, InvalidText> {
    if text == ME { Ok(caller.user_id.clone()) } else { UserId::parse(text) }
}

/// A point in time.
///
/// # Errors
/// As of [`Instant::parse`].
pub fn instant(text: &str) -> Result<OffsetDateTime, String> {
    Instant::parse(text).map(|instant| instant.0)
}

/// `true` or `false`.
///
/// # Errors
/// What was expected, for people.
pub fn flag(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "expected true or false")
}

/// Several words with commas between them.
///
/// # Errors
/// What was expected instead of the first that is none, for people.
pub fn several<T>(text: &str, one: impl Fn(&str) -> Result<T, &'static str>) -> Result<Vec<T>, &'static str> {
    text.split(',').map(one).collect()
}

/// Sends a page, and where the next one is: in the body, and in `Link` (RFC 8288). That address is a query alone, relative to
/// the one that was asked for: whatever a gateway has put in front of our paths stays.
///
/// # Errors
/// 500 when it cannot be written, which cannot be.
pub fn send(asked: &str, next: Option<&str>, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        let link = format!("<?{}>; rel=\"next\"", following(asked, next));
        response.insert_header((LINK, HeaderValue::from_str(&link).map_err(|_| Problem::internal())?));
    }
    let body = serde_json::to_vec(body).map_err(|_| Problem::internal())?;
    Ok(response.content_type("application/json").body(body))
}

/// The query of the next page: the same, with that cursor.
fn following(asked: &str, next: &str) -> String {
    let others = form_urlencoded::parse(asked.as_bytes()).filter(|(name, _)| name != "cursor");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", next).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_above_the_most_is_the_most_and_none_and_words_are_refused() {
        let huge = "9".repeat(5000);
        for (text, expected) in
            [("1", 1), ("20", 20), ("100", 100), ("101", 100), ("256", 100), ("007", 7), (&huge, 100)]
        {
            assert_eq!(limit(text), Ok(expected), "{text:.20}");
        }
        for text in ["", "0", "000", "-1", "+5", "1e1", "5.0", " 5", "ten", "٥"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was_behind_every_gateway() {
        let asked = "status=waiting,active&cursor=old&patientId=a%3Eb%22+c&limit=500";
        let next = following(asked, "c-_9");
        assert_eq!(next, "status=waiting%2Cactive&patientId=a%3Eb%22+c&limit=500&cursor=c-_9");
        let behind = reqwest::Url::parse(&format!("https://hospital.example/clinic/api/sessions?{asked}")).unwrap();
        let found = behind.join(&format!("?{next}")).unwrap();
        assert_eq!(found.path(), "/clinic/api/sessions");
        let pairs: Vec<_> = found.query_pairs().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(pairs, ["status waiting,active", "patientId a>b\" c", "limit 500", "cursor c-_9"]);
        assert_eq!(following("", "c"), "cursor=c");
    }
}
