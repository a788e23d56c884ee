//! Access tokens: given out, and looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use time::Duration;
use url::form_urlencoded;

use super::super::exchange::{Answer, Asked};
use super::{State, error};
use crate::machine;

const LIFETIME: Duration = Duration::HOUR;

/// `POST /oauth/token` with `grant_type=account_credentials` and `account_id`, in a form or in the query. The older
/// tokens stay good.
pub(super) fn grant(state: &mut State, asked: &Asked) -> Answer {
    let refused = |reason: &str, error: &str| Answer::json(400, &json!({"reason": reason, "error": error}));
    let mut parameters = asked.parameters();
    if asked.content_type() == "application/x-www-form-urlencoded" {
        parameters.extend(form_urlencoded::parse(&asked.body).into_owned());
    }
    let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let settings = &state.settings;
    let basic = STANDARD.encode(format!("{}:{}", settings.client_id, settings.client_secret));
    if asked.header("authorization") != Some(&format!("Basic {basic}")) {
        return refused("Invalid client_id or client_secret", "invalid_client");
    }
    if parameter("grant_type") != Some("account_credentials") {
        return refused("unsupported grant type", "unsupported_grant_type");
    }
    if parameter("account_id") != Some(&settings.account_id) {
        return refused("Bad Request", "invalid_request");
    }
    let token = machine::new_id().simple().to_string();
    let body = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": LIFETIME.whole_seconds(),
        "scope": settings.scopes.join(" "),
    });
    let until = state.now() + LIFETIME;
    state.tokens.insert(token, until);
    Answer::json(200, &body)
}

/// Whether the token that came is good for that.
pub(super) fn check(state: &State, asked: &Asked, scope: &str) -> Result<(), Answer> {
    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| state.tokens.get(token)) {
        None => Err(error(401, 124, "Invalid access token.")),
        Some(until) if state.now() >= *until => Err(error(401, 124, "Access token is expired.")),
        Some(_) if state.settings.scopes.iter().any(|one| one == scope) => Ok(()),
        Some(_) => Err(error(400, 4711, &format!("Invalid access token, does not contain scopes:[{scope}]."))),
    }
}
