//! Which tokens log in and which rooms they open, as Prosody with Jitsi's plugins was seen to do it.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_adapters_http::JitsiVideo;
use vcare_app::ports::{RoomWish, VideoGrant, VideoProvider};
use vcare_domain::{
    ParticipantId, ParticipantRole, RoomName, Schedule, TenantConfig, TenantConfigDraft, TenantId, TimeZoneName,
    Version,
};
use vcare_testkit::standins::jitsi::Address;
use vcare_testkit::{HandClock, Name, Standins};

use crate::support::{ask_over, client, trace};
use crate::{NOW, OneSecret, SECRET, changed, claims, connected, prosody, signed, token};

async fn bosh(standins: &Standins, query: &str, body: &str) -> String {
    let stream = connected(standins).await;
    let headers = [("content-type", "text/xml; charset=utf-8")];
    let answer = ask_over(stream, "POST", "localhost", &format!("/http-bind?{query}"), &headers, body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    answer.body
}

const HELLO: &str = "<body rid='7' to='meet.jitsi' wait='60' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0' \
                     xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh'/>";

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// Logs in by BOSH, and answers what Prosody says: condition and text of a refusal.
async fn log_in(standins: &Standins, query: &str) -> Result<(), (String, String)> {
    let hello = bosh(standins, query, HELLO).await;
    assert!(hello.contains("<mechanism>ANONYMOUS</mechanism>"), "{hello}");
    let sid = between(&hello, "sid='", "'").unwrap();
    let auth = format!(
        "<body rid='8' sid='{sid}' xmlns='http://jabber.org/protocol/httpbind'>\
         <auth mechanism='ANONYMOUS' xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></body>"
    );
    let answer = bosh(standins, query, &auth).await;
    if answer.contains("<success ") {
        return Ok(());
    }
    let failure = between(&answer, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>", "</failure>").unwrap();
    let condition = between(failure, "<", "/>").unwrap().to_owned();
    let text = between(failure, "<text>", "</text>").unwrap();
    Err((condition, text.replace("&apos;", "'")))
}

fn refused(condition: &str, text: &str) -> Result<(), (String, String)> {
    Err((condition.to_owned(), text.to_owned()))
}

#[tokio::test]
async fn a_login_is_accepted_or_refused_as_prosody_does() {
    let standins = prosody().await;
    let ok = json!({"typ": "JWT", "alg": "HS256"});
    let with_header = |header: Value| signed(SECRET, &header, &claims());
    let null_room = {
        let mut claims = claims();
        claims["room"] = Value::Null;
        signed(SECRET, &ok, &claims)
    };
    let good = token(json!({}));
    let (start, _) = good.rsplit_once('.').unwrap();
    let not_allowed = |text: &str| refused("not-allowed", text);
    let (invalid_token, invalid_signature) = (not_allowed("Invalid token"), not_allowed("Invalid signature"));
    let expired = |since: i64, valid: i64| {
        not_allowed(&format!("Not acceptable by exp ({since} sec since expired, valid for:{valid} sec)"))
    };
    let table = [
        ("as it should be", good.clone(), Ok(())),
        ("one part", "eyJ".to_owned(), invalid_token.clone()),
        ("two parts", start.to_owned(), invalid_token.clone()),
        ("four parts", format!("{good}.eyJ"), invalid_token),
        ("no JSON in the header", format!("e30x.{}", good.split_once('.').unwrap().1), not_allowed("Invalid header")),
        ("no typ", with_header(json!({"alg": "HS256"})), not_allowed("Invalid typ")),
        ("typ in small letters", with_header(json!({"typ": "jwt", "alg": "HS256"})), not_allowed("Invalid typ")),
        ("no alg", with_header(json!({"typ": "JWT"})), not_allowed("Invalid or incorrect alg")),
        ("alg HS512", with_header(json!({"typ": "JWT", "alg": "HS512"})), not_allowed("Invalid or incorrect alg")),
        ("alg none", with_header(json!({"typ": "JWT", "alg": "none"})), not_allowed("Invalid or incorrect alg")),
        ("a kid", with_header(json!({"typ": "JWT", "alg": "HS256", "kid": "k-1"})), Ok(())),
        ("another secret", signed("another-secret-another-secret-abc", &ok, &claims()), invalid_signature.clone()),
        ("the secret in capitals", signed(&SECRET.to_uppercase(), &ok, &claims()), invalid_signature.clone()),
        ("signature changed", format!("{start}.AAAA"), invalid_signature.clone()),
        ("typ wrong and signature too", signed("x", &json!({"alg": "HS256"}), &claims()), not_allowed("Invalid typ")),
        ("expired and the secret wrong", signed("x", &ok, &changed(json!({"exp": 1}))), invalid_signature),
        ("exp is now", token(json!({"exp": NOW})), expired(0, 0)),
        ("exp was a second ago", token(json!({"exp": NOW - 1, "iat": NOW - 11})), expired(1, 10)),
        ("exp in a fraction of a second", token(json!({"exp": NOW as f64 + 0.5})), Ok(())),
        ("exp as text", token(json!({"exp": "2030-01-01"})), not_allowed("exp must be number")),
        ("no exp", token(json!({"exp": null})), Ok(())),
        ("nbf is now", token(json!({"nbf": NOW})), Ok(())),
        ("nbf in a second", token(json!({"nbf": NOW + 1})), not_allowed("Not acceptable by nbf")),
        ("nbf as text", token(json!({"nbf": "now"})), not_allowed("nbf must be number")),
        ("no nbf", token(json!({"nbf": null})), Ok(())),
        ("iat to come", token(json!({"iat": NOW + 9_999})), Ok(())),
        ("no iat", token(json!({"iat": null})), Ok(())),
        ("no iss", token(json!({"iss": null})), not_allowed("'iss' claim is missing")),
        ("another iss", token(json!({"iss": "other"})), not_allowed("invalid 'iss' claim")),
        ("no aud", token(json!({"aud": null})), not_allowed("'aud' claim is missing")),
        ("another aud", token(json!({"aud": "other"})), not_allowed("invalid 'aud' claim")),
        ("aud a list", token(json!({"aud": ["vcare"]})), not_allowed("invalid 'aud' claim")),
        ("no room", token(json!({"room": null})), refused("not-authorized", "room claim is missing")),
        ("room is null", null_room, Ok(())),
        ("no sub", token(json!({"sub": null})), refused("not-authorized", "sub claim is missing")),
        ("no context", token(json!({"context": null})), Ok(())),
    ];
    for (what, token, expected) in table {
        let query = format!("room=acme-k3j9x2qa&prefix=acme&token={token}");
        assert_eq!(log_in(&standins, &query).await, expected, "{what}");
        let said = standins.jitsi().log_in(Some(&token), Some("acme")).map(|_| ());
        let said = said.map_err(|refusal| (refusal.condition.to_owned(), refusal.text));
        assert_eq!(said, expected, "{what}, asked of the stand-in itself");
    }
    assert_eq!(log_in(&standins, "room=acme-k3j9x2qa").await, not_allowed("token required"));
    let path = &standins.requests(Name::Jitsi)[0].path;
    assert_eq!(path, "/http-bind?room=acme-k3j9x2qa&prefix=acme&token=masked");
}

#[tokio::test]
async fn issuers_and_audiences_may_be_several_or_any() {
    let standins = prosody().await;
    let table = [
        (vec!["other", "vcare"], vec!["vcare"], json!({}), true),
        (vec!["*"], vec!["vcare"], json!({"iss": "whoever"}), true),
        (vec!["*"], vec!["vcare"], json!({"iss": null}), false),
        (vec!["vcare"], vec!["*"], json!({"aud": ["a", "list"]}), true),
        (vec!["vcare"], vec!["*"], json!({"aud": null}), false),
    ];
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    for (issuers, audiences, changes, accepted) in table {
        standins.jitsi().reconfigure(|settings| {
            settings.accepted_issuers = owned(issuers);
            settings.accepted_audiences = owned(audiences);
        });
        assert_eq!(standins.jitsi().log_in(Some(&token(changes.clone())), None).is_ok(), accepted, "{changes}");
    }
}

#[tokio::test]
async fn a_login_must_be_addressed_to_the_xmpp_domain() {
    let standins = prosody().await;
    let query = format!("room=r&token={}", token(json!({})));
    for (body, condition) in [
        (HELLO.replace("meet.jitsi", "meet.example"), "improper-addressing"),
        (HELLO.replace("to='meet.jitsi'", ""), "improper-addressing"),
        (HELLO.replace("rid='7'", ""), "bad-request"),
        ("hello".to_owned(), "bad-request"),
        ("<body rid='1' sid='nobody'/>".to_owned(), "item-not-found"),
    ] {
        let answer = bosh(&standins, &query, &body).await;
        assert!(answer.contains(&format!("type='terminate' condition='{condition}'")), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_session_knows_its_token_from_its_beginning_and_ends_when_it_is_told() {
    let standins = prosody().await;
    let hello = bosh(&standins, "room=r", HELLO).await;
    let sid = between(&hello, "sid='", "'").unwrap();
    let auth = |mechanism: &str| format!("<body rid='8' sid='{sid}'><auth mechanism='{mechanism}'/></body>");
    let late = bosh(&standins, &format!("token={}", token(json!({}))), &auth("ANONYMOUS")).await;
    assert!(late.contains("<not-allowed/><text>token required</text>"), "{late}");
    let plain = bosh(&standins, "", &auth("PLAIN")).await;
    assert!(plain.contains("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-mechanism/>"), "{plain}");
    let bye = bosh(&standins, "", &format!("<body rid='9' sid='{sid}' type='terminate'/>")).await;
    assert!(bye.contains("type='terminate'") && !bye.contains("condition"), "{bye}");
    assert!(bosh(&standins, "", &auth("ANONYMOUS")).await.contains("condition='item-not-found'"));
}

#[tokio::test]
async fn with_a_secret_for_each_tenant_no_other_secret_opens() {
    let standins = prosody().await;
    let (acme, other) = ("acme-secret-acme-secret-acme-sec", "other-secret-other-secret-other-s");
    let secrets = [("acme", acme), ("other", other)].map(|(tenant, secret)| (tenant.to_owned(), secret.to_owned()));
    standins.jitsi().reconfigure(|settings| settings.tenant_secrets = Some(secrets.into()));
    let table = [
        ("prefix=acme", acme, Ok(())),
        ("prefix=ACME", acme, Ok(())),
        ("prefix=acme", other, refused("not-allowed", "Invalid signature")),
        ("prefix=acme", SECRET, refused("not-allowed", "Invalid signature")),
        ("prefix=nobody", acme, refused("not-allowed", "unknown tenant")),
        ("prefix=nobody", SECRET, refused("not-allowed", "unknown tenant")),
        ("prefix=", SECRET, refused("not-allowed", "unknown tenant")),
        ("a=b", SECRET, refused("not-allowed", "unknown tenant")),
    ];
    for (prefix, secret, expected) in table {
        let token = signed(secret, &json!({"typ": "JWT", "alg": "HS256"}), &claims());
        assert_eq!(log_in(&standins, &format!("{prefix}&token={token}")).await, expected, "{prefix} {secret}");
    }
    // The key says whose token it is, and not the token.
    for (sub, room_of, opens) in [("other", "other", false), ("other", "acme", true), ("*", "other", false)] {
        let token = signed(acme, &json!({"typ": "JWT", "alg": "HS256"}), &changed(json!({"sub": sub})));
        let login = standins.jitsi().log_in(Some(&token), Some("acme")).unwrap();
        let room = Address::new(Some(room_of), "acme-k3j9x2qa", None);
        assert_eq!(standins.jitsi().verify_room(&login, &room).is_ok(), opens, "{sub} {room_of}");
    }
}

#[tokio::test]
async fn a_token_opens_its_own_room_only() {
    let standins = prosody().await;
    let mismatch = Err(("room-mismatch", "Room does not match the room from token"));
    let elsewhere = Err(("not-allowed", "Room and token mismatched"));
    let named = |room: &str, sub: &str| json!({"room": room, "sub": sub});
    // Verification of domains, tenant in the address, room in the address, the token's room and sub.
    let table = [
        (false, None, "acme-1", named("acme-1", "whatever"), Ok(())),
        (false, Some("acme"), "acme-1", named("acme-1", "other"), Ok(())),
        (false, Some("acme"), "ACME-1", named("Acme-1", "acme"), Ok(())),
        (false, None, "acme-2", named("acme-1", "acme"), mismatch),
        (false, None, "acme-2", named("*", "acme"), Ok(())),
        (false, Some("acme"), "acme-1", named("acme/acme-1", "acme"), mismatch),
        (true, Some("acme"), "acme-1", named("acme-1", "acme"), Ok(())),
        (true, Some("Acme"), "acme-1", named("acme-1", "aCME"), Ok(())),
        (true, Some("acme"), "acme-2", named("acme-1", "acme"), mismatch),
        (true, Some("other"), "acme-1", named("acme-1", "acme"), elsewhere),
        (true, Some("acme"), "acme-1", named("acme-1", "meet.jitsi"), elsewhere),
        (true, Some("acme"), "acme-1", named("acme-1", "*"), Ok(())),
        (true, Some("acme"), "acme-1", named("*", "acme"), Ok(())),
        (true, None, "acme-1", named("acme-1", "meet.jitsi"), Ok(())),
        (true, None, "acme-1", named("acme-1", "meet.example"), elsewhere),
        (true, None, "acme-1", named("acme-1", "acme"), elsewhere),
        (true, None, "acme-1", named("*", "*"), Ok(())),
    ];
    for (verified, tenant, room, changes, expected) in table {
        standins.jitsi().reconfigure(|settings| settings.domain_verification = verified);
        let token = token(changes.clone());
        let path = tenant.map(|tenant| format!("{tenant}/{room}")).unwrap_or_else(|| room.to_owned());
        let url = format!("https://meet.example/{path}#jwt=%22{token}%22&config.prejoinConfig.enabled=false");
        let opened = standins.jitsi().opens(&url);
        let opened = opened.as_ref().map(|_| ()).map_err(|refusal| (refusal.condition, refusal.text.as_str()));
        assert_eq!(opened, expected, "{verified} {path} {changes}");
    }
    let mut null_room = claims();
    null_room["room"] = Value::Null;
    let token = signed(SECRET, &json!({"typ": "JWT", "alg": "HS256"}), &null_room);
    assert!(standins.jitsi().opens(&format!("https://meet.example/acme/acme-1#jwt=%22{token}%22")).is_err());
}

#[test]
fn a_browser_reads_the_token_as_json_from_the_fragment() {
    let token = |url: &str| Address::parse(url).unwrap().token;
    let some = Some("a.b-c".to_owned());
    assert_eq!(token("https://meet.example/acme/room#jwt=%22a.b-c%22"), some);
    assert_eq!(token("https://meet.example/acme/room#config.x=1&jwt=%22a.b-c%22"), some);
    assert_eq!(token("https://meet.example/acme/room?jwt=a.b-c"), some);
    assert_eq!(token("https://meet.example/acme/room#jwt=a.b-c"), None, "without quotes it is dropped");
    assert_eq!(token("https://meet.example/acme/room"), None);
    assert_eq!(Address::parse("https://meet.example/Acme/My%20Room").unwrap().node(), "[acme]my room");
    for none in ["https://meet.example/", "https://meet.example/a/b/c", "https://meet.example/a//", "nonsense"] {
        assert_eq!(Address::parse(none), None, "{none}");
    }
}

#[tokio::test]
async fn what_the_service_signs_opens_its_room_and_only_a_provider_moderates() {
    let standins = prosody().await;
    let video = JitsiVideo::new(client(&[standins.ca_pem()]), client(&[]), Arc::new(OneSecret), HandClock::new());
    let at = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    for tenant in [None, Some("acme")] {
        let mut draft = TenantConfigDraft::new(standins.jitsi_url(), "acme");
        draft.jitsi_tenant = tenant.map(str::to_owned);
        let config = TenantConfig::check(TenantId::parse("tenant-a").unwrap(), Version::FIRST, draft).unwrap();
        let name = RoomName::parse("acme-k3j9x2qa").unwrap();
        let schedule = Schedule::plan(at, None, TimeZoneName::utc(), at).unwrap();
        let trace = trace();
        let wish = RoomWish { name: &name, schedule: &schedule, trace: &trace };
        let room = video.create_room(&config, &wish).await.unwrap();
        for role in [ParticipantRole::Provider, ParticipantRole::Patient] {
            let grant = VideoGrant {
                room: &room,
                participant_id: ParticipantId::from_uuid(Uuid::nil()),
                role,
                name: None,
                recording_enabled: true,
                link: None,
                issued_at: at,
                expires_at: at + time::Duration::HOUR,
                trace: &trace,
            };
            let url = video.join_url(&config, &grant).await.unwrap();
            let login = standins.jitsi().opens(&url).unwrap();
            let provider = role == ParticipantRole::Provider;
            assert_eq!(
                (login.moderates(), login.feature("recording")),
                (provider, Some(provider)),
                "{tenant:?} {role:?}"
            );
            assert_eq!(login.feature("livestreaming"), Some(false));
            assert_eq!(login.user_id(), Some(grant.participant_id.to_string().as_str()));
        }
    }
}
