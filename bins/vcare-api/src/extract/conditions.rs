//! `If-Match` and `If-None-Match` (RFC 9110, 13.1).

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use vcare_app::tenants::ConfigCondition;
use vcare_domain::{ExpectedVersions, Version};

use super::noted::{Noted, noted};
use crate::problem::{Fault, FieldCode, Problem};

/// What a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// One of these.
    These(Vec<EntityTag>),
}

/// One entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EntityTag {
    weak: bool,
    opaque: Vec<u8>,
}

/// The tags of all headers of that name: several of them are one list.
fn tags(headers: &HeaderMap, name: &'static str) -> Result<Option<Tags>, Problem> {
    let lines: Vec<&[u8]> = headers.get_all(name).map(HeaderValue::as_bytes).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let parsed = parse(&lines.join(&b','));
    parsed.map(Some).ok_or_else(|| Problem::header(name, "expected * or entity tags, as \"3\" or \"3\", \"4\""))
}

fn parse(list: &[u8]) -> Option<Tags> {
    if list.trim_ascii() == b"*" {
        return Some(Tags::Any);
    }
    let (mut rest, mut tags) = (list, Vec::new());
    loop {
        // A list may have elements with nothing in them (RFC 9110, 5.6.1.2).
        let start = rest.iter().position(|byte| !b" \t,".contains(byte)).unwrap_or(rest.len());
        rest = &rest[start..];
        if rest.is_empty() {
            break;
        }
        let weak = rest.strip_prefix(b"W/");
        let opened = weak.unwrap_or(rest).strip_prefix(b"\"")?;
        let end = opened.iter().position(|byte| *byte == b'"')?;
        let (opaque, behind) = (&opened[..end], opened[end + 1..].trim_ascii_start());
        let is_tag = opaque.iter().all(|byte| matches!(byte, 0x21..=0x7e | 0x80..));
        if !is_tag || !(behind.is_empty() || behind.starts_with(b",")) {
            return None;
        }
        tags.push(EntityTag { weak: weak.is_some(), opaque: opaque.to_vec() });
        rest = behind;
    }
    (!tags.is_empty()).then_some(Tags::These(tags))
}

/// The version that a tag of ours names: alone, or in front of the digest of what was shown.
fn version(opaque: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(opaque).ok()?;
    let (number, digest) = text.split_once('-').map_or((text, None), |(number, digest)| (number, Some(digest)));
    let is_digest = |digest: &str| !digest.is_empty() && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let version = number.parse().ok().filter(|_| is_number && digest.is_none_or(is_digest));
    version.map(Version::new)
}

/// The versions the caller acts on, as `If-Match: "<version>"`: one, or a list of which any will do.
///
/// Tags are compared strongly (RFC 9110, 13.1.1): a weak one matches nothing, and neither does one that is none of ours.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// The header of a request.
    ///
    /// # Errors
    /// 400 when it is no list of entity tags.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        tags(headers, "If-Match").map(Self)
    }

    /// The versions that it names; `None` when any will do.
    fn versions(&self) -> Option<ExpectedVersions> {
        let Some(Tags::These(tags)) = &self.0 else { return None };
        let strong = tags.iter().filter(|tag| !tag.weak);
        Some(ExpectedVersions::any_of(strong.filter_map(|tag| version(&tag.opaque)).collect()))
    }

    /// The same condition is the same text, however it was written.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut numbers: Vec<u32> = match &self.0 {
            None => return String::new(),
            Some(Tags::Any) => return "*".to_owned(),
            Some(Tags::These(_)) => {
                self.versions().iter().flat_map(ExpectedVersions::as_slice).map(|version| version.get()).collect()
            }
        };
        numbers.sort_unstable();
        numbers.dedup();
        format!("{numbers:?}")
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, Self::of(req.headers()))
    }
}

/// The versions the caller acts on, from header or body.
///
/// # Errors
/// 400 when both are there and the body's is none of the header's, or when the body's is none.
#[expect(clippy::needless_pass_by_value, reason = "a request's condition is read once")]
pub fn expected_version(header: IfMatch, body: Option<u32>) -> Result<Option<ExpectedVersions>, Problem> {
    let Some(number) = body else { return Ok(header.versions()) };
    let seen = Version::new(number);
    match header.versions() {
        _ if number == 0 => Err(Problem::field("version", Fault(FieldCode::Range, "counts from 1"))),
        Some(versions) if versions.as_slice().is_empty() => Ok(Some(versions)),
        Some(versions) if !versions.contain(seen) => {
            Err(Problem::field("version", Fault(FieldCode::Conflict, "differs from If-Match")))
        }
        _ => Ok(Some(seen.into())),
    }
}

/// What the caller has already, as `If-None-Match`.
///
/// Tags are compared weakly (RFC 9110, 13.1.2): what they were packed for on their way makes no difference.
#[derive(Debug, Clone)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Whether the caller has what that tag, with its quotes, is of.
    #[must_use]
    pub fn has(&self, etag: &str) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|tag| tag.opaque == etag.trim_matches('"').as_bytes()),
        }
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, tags(req.headers(), "If-None-Match").map(Self))
    }
}

/// On what condition settings are written: `If-Match` for those that there are, `If-None-Match: *` for a tenant's first.
///
/// # Errors
/// 428 without one of them, 400 when they, or the body's version, contradict each other.
pub fn config_condition(
    if_match: IfMatch,
    if_none_match: &IfNoneMatch,
    body: Option<u32>,
) -> Result<ConfigCondition, Problem> {
    match (&if_match.0, &if_none_match.0) {
        (None, None) => Err(Problem::precondition_required()),
        (Some(_), Some(_)) => {
            Err(Problem::header("If-None-Match", Fault(FieldCode::Conflict, "is not taken beside If-Match")))
        }
        (None, Some(Tags::These(_))) => Err(Problem::header("If-None-Match", "expected *: there are no settings yet")),
        (None, Some(Tags::Any)) if body.is_some() => Err(Problem::field(
            "version",
            Fault(FieldCode::Conflict, "is not taken beside If-None-Match: there is none yet"),
        )),
        (None, Some(Tags::Any)) => Ok(ConfigCondition::New),
        (Some(_), None) => {
            let versions = expected_version(if_match, body)?;
            Ok(versions.map_or(ConfigCondition::Existing, ConfigCondition::At))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Option<IfMatch> {
        parse(header.as_bytes()).map(|tags| IfMatch(Some(tags)))
    }

    fn versions(header: &str) -> Option<Vec<u32>> {
        of(header).unwrap().versions().map(|all| all.as_slice().iter().map(|version| version.get()).collect())
    }

    #[test]
    fn if_match_names_versions_one_or_several() {
        assert_eq!(versions("*"), None);
        for (header, expected) in [
            ("\"7\"", vec![7]),
            ("  \"7\" ", vec![7]),
            ("\"7\", \"8\"", vec![7, 8]),
            ("\"7\",\"8\"", vec![7, 8]),
            (",\"7\" , ,\t\"8\",", vec![7, 8]),
            ("\"7-0123456789abcdef\"", vec![7]),
            ("\"4294967295\"", vec![u32::MAX]),
        ] {
            assert_eq!(versions(header), Some(expected), "{header}");
        }
    }

    #[test]
    fn a_weak_tag_and_one_of_somebody_else_match_nothing() {
        for header in [
            "W/\"7\"",
            "W/\"7\", W/\"8\"",
            "\"\"",
            "\"0\"",
            "\"07\"",
            "\"-1\"",
            "\"+1\"",
            "\"7-\"",
            "\"7-xyz\"",
            "\"99999999999\"",
            "\"a,b\"",
            "\"W/7\"",
            "\"7\\\"",
        ] {
            assert_eq!(versions(header), Some(vec![]), "{header}");
        }
        assert_eq!(versions("W/\"7\", \"8\""), Some(vec![8]));
    }

    #[test]
    fn what_is_no_list_of_entity_tags_is_malformed() {
        for bad in
            ["7", "", " ", ",", "\"7", "7\"", "w/\"7\"", "W/ \"7\"", "\"7\" \"8\"", "\"7\"8", "*, \"7\"", "\"7 8\""]
        {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_version_in_the_body_must_be_one_of_the_headers() {
        let expected = |header: &str, body| expected_version(of(header).unwrap(), body);
        assert_eq!(expected("\"3\"", Some(3)).unwrap(), Some(Version::new(3).into()));
        assert_eq!(expected("\"2\", \"3\"", Some(3)).unwrap(), Some(Version::new(3).into()));
        assert_eq!(expected("*", Some(3)).unwrap(), Some(Version::new(3).into()));
        assert_eq!(expected_version(IfMatch(None), Some(4)).unwrap(), Some(Version::new(4).into()));
        assert_eq!(expected_version(IfMatch(None), None).unwrap(), None);
        assert_eq!(expected("W/\"3\"", Some(3)).unwrap(), Some(ExpectedVersions::any_of(Vec::new())));
        assert!(expected("\"3\"", Some(4)).is_err());
        assert!(expected_version(IfMatch(None), Some(0)).is_err());
    }

    #[test]
    fn the_same_condition_is_the_same_text() {
        let text = |header: &str| of(header).unwrap().canonical();
        assert_eq!(text("\"3\", \"4\""), text(" \"4\",\"3\",\"3\""));
        assert_eq!(text("\"3-0123456789abcdef\""), text("\"3\""));
        let others = ["\"3\"", "\"4\"", "*", "W/\"3\"", "\"3\", \"4\""].map(text);
        for (n, one) in others.iter().enumerate() {
            assert!(!others[n + 1..].contains(one) && !one.is_empty(), "{one}");
        }
        assert_eq!(IfMatch(None).canonical(), "");
    }

    #[test]
    fn if_none_match_is_compared_weakly() {
        let has = |header: &str| IfNoneMatch(parse(header.as_bytes())).has("\"3-0f\"");
        for header in ["*", "\"3-0f\"", "W/\"3-0f\"", "\"1\", \"3-0f\""] {
            assert!(has(header), "{header}");
        }
        for header in ["\"3\"", "\"3-0e\"", "W/\"4-0f\""] {
            assert!(!has(header), "{header}");
        }
        assert!(!IfNoneMatch(None).has("\"3-0f\""));
    }
}
