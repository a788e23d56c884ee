//! An API that is killed while people read: every answer that left has exactly one audit entry, and
//! only a request that was cut off may have an entry without an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;
use vcare_testkit::TokenSpec;

use crate::crash::Chance;
use crate::crash::place::Place;
use crate::support::{Answer, CONSENTED, OTHER_TENANT, TENANT, Visit, draft, must_be_described};

const LOOKS: u16 = 1000;
const KILLS: usize = 9;
const PEOPLE: usize = 6;

/// Words that people wrote, each in another place; no audit entry may hold one of them.
const COMPLAINT: &str = "complaint-zarghun";
const SYMPTOM: &str = "symptom-spinghar";
const CANCELLED: &str = "cancelled-lashkari";
const EMERGENCY: &str = "emergency-nomansland";

/// A request, and the answer and the audit entry that belong to it.
#[derive(Clone)]
struct Kind {
    method: Method,
    path: String,
    token: String,
    reason: Option<String>,
    status: u16,
    entry: Entry,
}

/// What an audit entry says: kind and id of what it is about, what was done, how it came out, and why.
type Entry = [String; 5];

fn entry(fields: [&str; 5]) -> Entry {
    fields.map(str::to_owned)
}

/// One request under its own id, and what was answered; `None` when it was cut off.
struct Look {
    id: String,
    kind: usize,
    answered: Option<u16>,
}

/// The service's clients.
struct Office<'a> {
    place: &'a Place,
    http: Client,
}

impl Office<'_> {
    fn token(&self, tenant: &str, user: &str, role: &str) -> String {
        let account = TokenSpec::new(user, tenant, &[role]);
        let account = if role == "patient" { account.patient(CONSENTED) } else { account };
        self.place.standins.issuer().token(&account)
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let url = format!("http://{}/api/v1/virtual-care{path}", self.place.api.address());
        let request = self.http.post(url).bearer_auth(token).header("Content-Type", "application/json");
        Answer::read(request.body(body.to_string()).send().await.unwrap()).await
    }
}

impl Kind {
    fn get(path: impl Into<String>, token: &str, status: u16, entry: Entry) -> Self {
        let (path, token) = (path.into(), token.to_owned());
        Self { method: Method::GET, path, token, reason: None, status, entry }
    }

    /// The answer's status; `None` when not all of it came.
    async fn ask(&self, http: &Client, base: &str, id: &str) -> Option<u16> {
        let path = format!("/api/v1/virtual-care{}", self.path);
        let request = http.request(self.method.clone(), format!("{base}{path}")).bearer_auth(&self.token);
        let request = match &self.reason {
            Some(reason) => request.header("X-Emergency-Reason", reason),
            None => request,
        };
        let request = match self.method {
            Method::POST => request.header("Content-Type", "application/json").body(r#"{"reason":"snow"}"#),
            _ => request,
        };
        let response = request.header("X-Request-Id", id).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.ok()?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let answer = Answer { status, headers, bytes, body };
        must_be_described(&self.method, path.split('?').next().unwrap(), &answer);
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(status, self.status, "{} {}: {}", self.method, self.path, answer.body);
        Some(status)
    }
}

/// Everything that people will look at, and everybody who is refused.
async fn kinds(place: &Place) -> Vec<Kind> {
    let office = Office { place, http: Client::builder().no_proxy().build().unwrap() };
    let clinician = office.token(TENANT, "clinician-1", "clinician");
    let (stranger, patient) =
        (office.token(TENANT, "clinician-9", "clinician"), office.token(TENANT, "pat-account", "patient"));
    let scheduler = office.token(TENANT, "scheduler-1", "scheduler");
    let elsewhere = office.token(OTHER_TENANT, "clinician-1", "clinician");
    let visit = place.caller().create().await.unwrap();
    let start = SystemClock.now().format(&Rfc3339).unwrap();
    let wish = json!({"patientId": CONSENTED, "scheduledStart": start});
    let cancelled = Visit::of(&office.post(&clinician, "/sessions", &wish).await.expect(201).body);
    let why = json!({ "reason": CANCELLED });
    office.post(&clinician, &cancelled.path("/cancel"), &why).await.expect(200);
    let mut sent = draft();
    sent["chiefComplaint"] = json!(COMPLAINT);
    sent["symptoms"] = json!([SYMPTOM]);
    let sent = office.post(&patient, "/async-visits", &sent).await.expect(201).text("id");

    let unknown = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    let own = visit.path("");
    let read = |kind: &str, id: &str, relation: &str| entry([kind, id, "READ", "SUCCESS", relation]);
    let refused = |kind: &str, id: &str, reason: &str| entry([kind, id, "READ", "FAILURE", reason]);
    let session = "VirtualSession";
    let mut all = vec![
        Kind::get(&own, &clinician, 200, read(session, &visit.id, "treating")),
        Kind::get(cancelled.path(""), &clinician, 200, read(session, &cancelled.id, "treating")),
        Kind::get(&own, &patient, 200, read(session, &visit.id, "self")),
        Kind::get(&own, &scheduler, 200, read(session, &visit.id, "scheduling")),
        Kind::get(&own, &stranger, 404, refused(session, &visit.id, "not_found")),
        Kind::get(&own, &elsewhere, 404, refused(session, &visit.id, "not_found")),
        Kind::get(format!("/sessions/{unknown}"), &clinician, 404, refused(session, unknown, "not_found")),
        Kind::get("/sessions", &clinician, 200, read(session, TENANT, "")),
        Kind::get("/sessions?limit=1", &scheduler, 200, read(session, TENANT, "")),
        Kind::get(format!("/async-visits/{sent}"), &patient, 200, read("AsyncVisit", &sent, "self")),
        Kind::get(format!("/async-visits/{sent}"), &stranger, 200, read("AsyncVisit", &sent, "pool")),
        Kind::get("/async-visits", &stranger, 200, read("AsyncVisit", TENANT, "")),
        Kind::get(format!("/async-visits/{sent}"), &scheduler, 403, refused("AsyncVisit", &sent, "role")),
        Kind::get("/async-visits", &scheduler, 403, refused("AsyncVisit", TENANT, "role")),
        Kind::get(format!("/async-visits/{sent}/attachments"), &patient, 200, read("AttachmentList", &sent, "self")),
        // Of a visit in the queue nobody sees what was sent before they have taken it up.
        Kind::get(
            format!("/async-visits/{sent}/attachments"),
            &stranger,
            403,
            refused("AttachmentList", &sent, "relation"),
        ),
    ];
    let refused_change = entry([session, &visit.id, "EVALUATE", "FAILURE", "role"]);
    let end = Kind::get(visit.path("/end"), &patient, 403, refused_change);
    all.push(Kind { method: Method::POST, ..end });
    // Opened once, before anybody is killed: that is an entry of its own.
    let helper = office.token(TENANT, "clinician-7", "clinician");
    let urgent = Kind::get(&own, &helper, 200, read(session, &visit.id, "emergency"));
    let urgent = Kind { reason: Some(format!("no pulse, {EMERGENCY}")), ..urgent };
    let base = format!("http://{}", place.api.address());
    assert_eq!(urgent.ask(&office.http, &base, "01KA8Z0Q3CJ9XW2V5T7N4B6M8R").await, Some(200));
    let taken = "SELECT count(*) = 1 FROM emergency_access WHERE reason LIKE '%' || $1";
    assert!(place.database.query_one(taken, &[&EMERGENCY]).await.unwrap().get::<_, bool>(0));
    all.push(urgent);
    all
}

/// People who read one thing after another from the running API. Each step, a request or its end, is reported.
struct Crowd {
    tasks: JoinSet<Vec<Look>>,
    steps: mpsc::UnboundedReceiver<()>,
    base: watch::Sender<Option<String>>,
}

impl Crowd {
    fn of(kinds: Vec<Kind>, looks: VecDeque<Look>) -> Self {
        let (tell, steps) = mpsc::unbounded_channel();
        let (base, known) = watch::channel(None::<String>);
        let (kinds, looks) = (Arc::new(kinds), Arc::new(Mutex::new(looks)));
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..PEOPLE {
            let (kinds, looks) = (Arc::clone(&kinds), Arc::clone(&looks));
            let (tell, mut known, http) = (tell.clone(), known.clone(), http.clone());
            tasks.spawn(async move {
                let mut done = Vec::new();
                loop {
                    let base = known.wait_for(Option::is_some).await.unwrap().clone().unwrap();
                    let Some(mut look) = looks.lock().unwrap().pop_front() else { return done };
                    let _ = tell.send(());
                    look.answered = kinds[look.kind].ask(&http, &base, &look.id).await;
                    let _ = tell.send(());
                    done.push(look);
                }
            });
        }
        Self { tasks, steps, base }
    }

    async fn steps(&mut self, count: usize) {
        for _ in 0..count {
            let step = tokio::time::timeout(Duration::from_secs(30), self.steps.recv()).await;
            step.expect("nobody looks any more").expect("everybody has gone");
        }
    }

    fn goes_to(&self, place: &Place) {
        self.base.send_replace(Some(format!("http://{}", place.api.address())));
    }
}

/// What was written down, by the request that it is of.
async fn entries(place: &Place) -> BTreeMap<String, Vec<Entry>> {
    let mut entries = BTreeMap::<String, Vec<Entry>>::new();
    for row in place.database.rows("SELECT subject, body FROM outbox ORDER BY position", &[]).await.unwrap() {
        assert_eq!(row.get::<_, &str>(0), "virtual_care.audit.recorded.v1", "a read changes nothing");
        let text = std::str::from_utf8(row.get(1)).unwrap();
        for words in [COMPLAINT, SYMPTOM, CANCELLED, EMERGENCY, "no pulse"] {
            assert!(!text.contains(words), "{words} stands in {text}");
        }
        let event: Value = serde_json::from_str(text).unwrap();
        let of = |name: &str| event["data"][name].as_str().unwrap_or_default();
        let why = ["relation", "reason"].into_iter().find_map(|name| event["data"]["metadata"][name].as_str());
        let fields = [of("resourceType"), of("resourceId"), of("action"), of("outcome"), why.unwrap_or_default()];
        entries.entry(event["correlationid"].as_str().unwrap().to_owned()).or_default().push(entry(fields));
    }
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_answered_by_an_api_that_is_killed_is_in_the_audit_once() {
    let mut place = Place::start(false).await;
    let chance = Chance::of(&place);
    let seed = chance.1;
    let kinds = kinds(&place).await;
    // Nothing is published, so that what is written from here on stays to be counted.
    place.database.execute("DELETE FROM outbox", &[]).await.unwrap();
    let many = u8::try_from(kinds.len()).unwrap();
    let look =
        |number: u16| Look { id: Uuid::from_u128(number.into()).to_string(), kind: chance.below(many), answered: None };
    let mut crowd = Crowd::of(kinds.clone(), (0..LOOKS).map(look).collect());
    for _ in 0..KILLS {
        crowd.goes_to(&place);
        // Each look is two steps: there are enough for all, and the last are for an API that stays.
        crowd.steps(20 + chance.below(160)).await;
        crowd.base.send_replace(None);
        place.kill_api().await;
        place.api.restart().await.unwrap();
    }
    crowd.goes_to(&place);
    let looks: Vec<Look> = crowd.tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(looks.len(), usize::from(LOOKS));
    let entries = entries(&place).await;

    let (mut cut_off, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for look in &looks {
        let kind = &kinds[look.kind];
        let written = entries.get(&look.id).map_or(&[][..], Vec::as_slice);
        let what = format!("{} {} {}; seed {seed}", look.id, kind.method, kind.path);
        match look.answered {
            Some(_) => {
                assert_eq!(written, std::slice::from_ref(&kind.entry), "{what}");
                seen.insert(look.kind);
            }
            None => {
                assert!(written.is_empty() || written == std::slice::from_ref(&kind.entry), "{what}: {written:?}");
                cut_off.insert(look.id.as_str());
            }
        }
    }
    let asked: BTreeSet<&str> = looks.iter().map(|look| look.id.as_str()).collect();
    let strangers: Vec<_> = entries.keys().filter(|id| !asked.contains(id.as_str())).collect();
    assert!(strangers.is_empty(), "entries that nobody asked for: {strangers:?}; seed {seed}");
    // Guards what was just seen: there was something to be seen.
    assert_eq!(seen.len(), kinds.len(), "seed {seed}");
    assert!((KILLS..usize::from(LOOKS) / 4).contains(&cut_off.len()), "{} were cut off; seed {seed}", cut_off.len());
}
