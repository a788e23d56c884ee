//! `GET /sessions/join/status`: how one stands, at once or when it changes.

use std::rc::Rc;

use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vcare_app::AppError;
use vcare_app::waiting::{Cue, Held, Look, News};
use vcare_domain::DeviceId;

use super::without_token;
use crate::answer::send_or_not_modified;
use crate::dto::JoinStatusDto;
use crate::extract::{Fields, IfNoneMatch, Query, bearer};
use crate::parking::Connection;
use crate::problem::Problem;
use crate::request::HeldOpen;
use crate::server::Api;

/// A number as we write it: digits, and no sign before them.
fn number(text: &str) -> Result<u32, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or("expected a whole number, from 0 to 4294967295")
}

/// What the caller knows, when they want to wait for what they do not.
fn look(mut query: Query) -> Result<(bool, Look), Problem> {
    let [since, place, device] = ["since", "place", "deviceId"].map(|name| query.take(name));
    let mut fields = Fields::of_parameters();
    let waits = since.is_some();
    let look = Look {
        since: fields.take_optional("since", since.as_deref().map(number)).unwrap_or_default(),
        place: fields.take_optional("place", place.as_deref().map(number)),
        device: fields.take_optional("deviceId", device.as_deref().map(DeviceId::parse)),
    };
    fields.nothing_else(query);
    Ok((waits, fields.done(Some(look))?))
}

/// See how one stands.
///
/// At once, or with `since` when the session's version is above it or the place in line is not `place`: the question is
/// held open for up to a minute, and then answered 204, with `Retry-After`. A token holds three such questions open: when one more
/// comes, the oldest is answered 204 at once. Who has come is noted as still there. Answers have a hundred bytes. When the reconnect window ended and the session `failed`, that is news at once, and `fallback` says how
/// the patient may go on. The token goes into `Authorization: Bearer`, or into the query.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/join/status", tag = "Patients", operation_id = "getWaitingRoomStatus",
    params(
        ("token" = Option<String>, Query, description = "The join token, when it is not in `Authorization`"),
        ("since" = Option<u32>, Query, description = "The session's version that is known: wait for a newer one"),
        ("place" = Option<u32>, Query, description = "The place in line that is known: wait for another one, too. 0 is none"),
        ("deviceId" = Option<String>, Query, description = "The device, as in `join`", min_length = 8, max_length = 64, pattern = "^[A-Za-z0-9_-]+$"),
        ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "How one stands", body = JoinStatusDto, headers(("ETag" = String))),
        (status = 204, description = "Nothing changed; ask again after `Retry-After` seconds", headers(("Retry-After" = u32))),
    ),
    security((), ("joinToken" = [])),
)]
pub async fn status(
    api: web::Data<Api>,
    req: HttpRequest,
    known: IfNoneMatch,
    mut query: Query,
) -> Result<HttpResponse, Problem> {
    let in_query = query.take("token");
    let (waits, look) = look(query)?;
    let token = bearer(req.headers()).or(in_query.as_deref()).ok_or_else(without_token)?;
    let connection = req.conn_data::<Rc<Connection<Awaited>>>().ok_or_else(Problem::internal)?;
    connection.is_long_poll(&req);
    if !waits {
        let status = in_time(&api, api.app.join_status(token, look.device.as_ref())).await?;
        return send_or_not_modified(&known, status.version, &JoinStatusDto::from(status));
    }
    let mut response = match news(&api, connection, token, look).await {
        Ok(News::Changed(status)) => send_or_not_modified(&known, status.version, &JoinStatusDto::from(status))?,
        Ok(News::Nothing { pause_seconds }) => {
            HttpResponse::NoContent().insert_header((RETRY_AFTER, pause_seconds)).finish()
        }
        Err(problem) => problem.response(),
    };
    response.extensions_mut().insert(HeldOpen);
    Ok(response)
}

/// What a long poll waits for on its connection: itself, and the reason to go on with it.
pub type Awaited = (Held, Cue);

/// Begins a long poll, or goes on with it when its connection was parked.
async fn news(api: &Api, connection: &Connection<Awaited>, token: &str, look: Look) -> Result<News, Problem> {
    let (mut held, mut cue) = match connection.resume().await {
        Some(awaited) => awaited,
        None => {
            let held = in_time(api, api.app.hold_open(token, look)).await?;
            connection.wait(cue_of(held, api.stop.clone())).await
        }
    };
    loop {
        if let Some(news) = in_time(api, api.app.look_again(&mut held, cue)).await? {
            return Ok(news);
        }
        (held, cue) = connection.wait(cue_of(held, api.stop.clone())).await;
    }
}

async fn cue_of(mut held: Held, stop: CancellationToken) -> Awaited {
    let cue = held.cue(&stop).await;
    (held, cue)
}

async fn in_time<T>(api: &Api, step: impl Future<Output = Result<T, AppError>>) -> Result<T, Problem> {
    Ok(timeout(api.deadline, step).await.map_err(|_| Problem::too_slow())??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_and_fits() {
        assert_eq!((number("0"), number("17"), number("4294967295")), (Ok(0), Ok(17), Ok(u32::MAX)));
        for bad in ["", "-1", "+1", " 1", "1.0", "0x1", "1e3", "4294967296", "99999999999999999999999", "۳"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }
}
