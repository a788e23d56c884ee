//! Which tokens log in, and which rooms they open: Prosody's checks, in Prosody's order and with its words.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value};

use super::address::Address;
use super::refusal::Refusal;
use super::settings::Settings;

/// Who logged in, as far as their token told.
#[derive(Debug, Clone)]
pub struct Login {
    claims: Map<String, Value>,
}

impl Login {
    /// Claim `context.user.id`.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user("id")
    }

    /// Whether `mod_token_affiliation` makes them an owner.
    #[must_use]
    pub fn moderates(&self) -> bool {
        let user = self.context("user");
        let moderator = user.and_then(|user| user.get("moderator")).is_some_and(is_true);
        moderator || matches!(self.user("affiliation"), Some("owner" | "moderator" | "teacher"))
    }

    /// What `context.features` says of one; nothing where the token has no features. What is not listed is off.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<bool> {
        Some(self.context("features")?.get(name).is_some_and(is_true))
    }

    pub(super) fn user(&self, field: &str) -> Option<&str> {
        self.context("user")?.get(field)?.as_str()
    }

    fn context(&self, part: &str) -> Option<&Map<String, Value>> {
        self.claims.get("context")?.get(part)?.as_object()
    }
}

fn is_true(value: &Value) -> bool {
    *value == true || value == "true"
}

/// The key for a login by the URL's tenant: the host's, or with our module the tenant's and no other.
fn key<'a>(settings: &'a Settings, tenant: Option<&str>) -> Result<&'a str, Refusal> {
    let Some(secrets) = &settings.tenant_secrets else { return Ok(&settings.app_secret) };
    let secret = tenant.and_then(|tenant| secrets.get(&tenant.to_lowercase()));
    secret.map(String::as_str).ok_or_else(|| Refusal::not_allowed("unknown tenant"))
}

/// A login at a URL with that tenant.
pub(super) fn log_in(settings: &Settings, token: Option<&str>, tenant: Option<&str>) -> Result<Login, Refusal> {
    let mut login = verify(settings, key(settings, tenant)?, token)?;
    if let Some(tenant) = tenant.filter(|_| settings.tenant_secrets.is_some()) {
        // The key says whose token it is, and not the token.
        login.claims.insert("sub".to_owned(), tenant.to_lowercase().into());
    }
    Ok(login)
}

/// Verifies a token.
pub(super) fn verify(settings: &Settings, key: &str, token: Option<&str>) -> Result<Login, Refusal> {
    let token = token.ok_or_else(|| Refusal::not_allowed("token required"))?;
    let claims = signed(key, token).map_err(Refusal::not_allowed)?;
    times(&claims, settings.now()).map_err(Refusal::not_allowed)?;
    listed(&claims, "iss", &settings.accepted_issuers).map_err(Refusal::not_allowed)?;
    listed(&claims, "aud", &settings.accepted_audiences).map_err(Refusal::not_allowed)?;
    for name in ["room", "sub"] {
        if !claims.contains_key(name) {
            return Err(Refusal::new("not-authorized", format!("{name} claim is missing")));
        }
    }
    Ok(Login { claims })
}

fn signed(key: &str, token: &str) -> Result<Map<String, Value>, &'static str> {
    // Lua's pattern finds what is between dots; nothing between two is no part.
    let parts: Vec<&str> = token.split('.').filter(|part| !part.is_empty()).collect();
    let [header, body, signature] = parts[..] else { return Err("Invalid token") };
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
    };
    let header_fields = object(header).ok_or("Invalid header")?;
    let claims = object(body).ok_or("Invalid body")?;
    let tag = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| "Invalid signature")?;
    if header_fields.get("typ").is_none_or(|typ| typ != "JWT") {
        return Err("Invalid typ");
    }
    if header_fields.get("alg").is_none_or(|alg| alg != "HS256") {
        return Err("Invalid or incorrect alg");
    }
    // The bytes of the text, whatever it looks like: neither hex nor base64 is decoded.
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::verify(&key, format!("{header}.{body}").as_bytes(), &tag).map_err(|_| "Invalid signature")?;
    Ok(claims)
}

/// No leeway. A token without times has none to be past.
fn times(claims: &Map<String, Value>, now: i64) -> Result<(), String> {
    let number = |name: &str| match claims.get(name) {
        // What Lua takes for absent. A null is something.
        None | Some(Value::Bool(false)) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("{name} must be number")),
    };
    let (exp, nbf) = (number("exp")?, number("nbf")?);
    #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are such, too")]
    let now = now as f64;
    if let Some(exp) = exp.filter(|exp| now >= *exp) {
        let valid = claims.get("iat").and_then(Value::as_f64).map(|iat| format!(", valid for:{} sec", exp - iat));
        let since = now - exp;
        return Err(format!("Not acceptable by exp ({since} sec since expired{})", valid.unwrap_or_default()));
    }
    match nbf.filter(|nbf| now < *nbf) {
        Some(_) => Err("Not acceptable by nbf".to_owned()),
        None => Ok(()),
    }
}

/// Compared as one value: a list never equals a text that is in it.
fn listed(claims: &Map<String, Value>, name: &str, accepted: &[String]) -> Result<(), String> {
    let claim = claims.get(name).ok_or_else(|| format!("'{name}' claim is missing"))?;
    if accepted.iter().any(|one| one == "*" || claim == one) {
        return Ok(());
    }
    Err(format!("invalid '{name}' claim"))
}

/// Whether a login opens that room, once the room is there.
pub(super) fn verify_room(settings: &Settings, login: &Login, address: &Address) -> Result<(), Refusal> {
    // A null passes the login, and then the comparison breaks.
    let text = |name: &str| login.claims.get(name).and_then(Value::as_str).map(str::to_lowercase);
    let room = text("room").ok_or_else(|| Refusal::new("internal-server-error", ""))?;
    if room != "*" && room != address.room {
        return Err(Refusal::new("room-mismatch", "Room does not match the room from token"));
    }
    if !settings.domain_verification {
        return Ok(());
    }
    let expected = address.tenant.as_deref().unwrap_or(&settings.xmpp_domain).to_lowercase();
    match text("sub") {
        Some(sub) if sub == "*" || sub == expected => Ok(()),
        _ => Err(Refusal::not_allowed("Room and token mismatched")),
    }
}
