//! The matrix of everybody, every route and every state: as the API answers it, as the policy says it, as it is committed.

use std::fmt::Write;

use serde_json::json;
use vcare_app::Role;
use vcare_app::authorisation::Permission;
use vcare_domain::Relation;

use super::people::Who;
use crate::described::{self, Operation};
use crate::permissions::needed;
use crate::support::{CONSENTED, TestApp, Visit, draft, must_be_committed};

const SESSION_STATES: [&str; 7] = ["scheduled", "waiting", "active", "failed", "ended", "cancelled", "no_show"];
const ASYNC_STATES: [&str; 4] = ["submitted", "under_review", "responded", "closed"];

/// What somebody is, as far as the policy goes.
fn standing(who: Who) -> (Role, Option<Relation>) {
    match who {
        Who::Own => (Role::Patient, Some(Relation::Own)),
        Who::Proxy => (Role::Patient, Some(Relation::Proxy)),
        Who::OtherPatient => (Role::Patient, None),
        Who::Treating => (Role::Clinician, Some(Relation::Treating)),
        Who::TreatingNurse => (Role::NursePractitioner, Some(Relation::Treating)),
        Who::Invited => (Role::Clinician, Some(Relation::Invited)),
        Who::Assigned => (Role::Clinician, Some(Relation::Assigned)),
        Who::Emergency => (Role::Clinician, Some(Relation::Emergency)),
        Who::Creator => (Role::Clinician, Some(Relation::Scheduling)),
        Who::Scheduler => (Role::Scheduler, Some(Relation::Scheduling)),
        Who::Admin => (Role::Admin, Some(Relation::Scheduling)),
        Who::TenantAdmin => (Role::TenantAdmin, Some(Relation::Scheduling)),
        Who::PlatformAdmin => (Role::PlatformAdmin, Some(Relation::Scheduling)),
        Who::Stranger => (Role::Clinician, None),
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is done, or would be in another state.
    Allowed,
    /// 403: they may know of the visit, and not do that.
    Denied,
    /// 404: they must not know of the visit.
    NotFound,
}

fn expected(who: Who, permission: Permission, seen_by: Permission, asynchronous: bool, open: bool) -> Outcome {
    let (role, relation) = standing(who);
    if !permission.roles().contains(&role) {
        return Outcome::Denied;
    }
    // A visit in the queue is there for whoever cares for patients; a live one with a provider is not.
    let queue = (asynchronous && open).then_some(Relation::Pool);
    let relation = match relation {
        // They have no part in what is written offline but by the policy's own relations.
        Some(Relation::Invited | Relation::Scheduling) if asynchronous => None,
        Some(Relation::Treating) if asynchronous && (open || who == Who::TreatingNurse) => None,
        other => other,
    };
    let permits =
        |permission| [relation, queue].into_iter().flatten().any(|relation| relation.permits(role, permission));
    match (permits(permission), permits(seen_by)) {
        (true, _) => Outcome::Allowed,
        (false, true) => Outcome::Denied,
        (false, false) => Outcome::NotFound,
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "yes",
        Outcome::Denied => "403",
        Outcome::NotFound => "404",
    }
}

/// A visit in that state with the parts of everybody.
async fn visit_in(app: &TestApp, state: &str) -> Visit {
    let visit = app.visit_of_everybody().await;
    if matches!(state, "waiting" | "active" | "failed" | "ended") {
        let token = app.join_token(&visit).await;
        app.join(&token).await.expect(200);
    }
    if matches!(state, "active" | "failed" | "ended") {
        app.admit(&visit).await.expect(200);
    }
    match state {
        "failed" => app.fail(&visit).await,
        "ended" => {
            app.end(&visit).await.expect(200);
        }
        "no_show" => {
            // Not by moving the clock: an emergency access lasts for half an hour.
            let now = json!({"scheduledStart": app.minutes_ahead(0), "allowOverlap": true});
            app.patch(&app.token("clinician"), &visit, &now).await.expect(200);
            app.post(&app.token("clinician"), &visit.path("/no-show"), &json!({})).await.expect(200);
        }
        "cancelled" => {
            app.cancel(&visit, "the patient asked for it").await.expect(200);
        }
        _ => {}
    }
    visit
}

/// An async visit in that state, which `clinician-1` has taken up.
async fn async_visit_in(app: &TestApp, state: &str) -> String {
    let id = app.post(&Who::Own.token(app), "/async-visits", &draft()).await.expect(201).text("id");
    if state != "submitted" {
        app.review(&id, "claim", &json!({})).await.expect(200);
    }
    if matches!(state, "responded" | "closed") {
        app.respond(&id).await.expect(200);
    }
    if state == "closed" {
        app.review(&id, "close", &json!({})).await.expect(200);
    }
    id
}

/// How a request was answered, by its code: what else is wrong with it is a matter of state.
async fn answered(app: &TestApp, operation: &Operation, path: &str, who: Who) -> Outcome {
    let request = app.request(operation.method.clone(), path);
    let request = operation.fill(request, &app.wish()).bearer_auth(who.token(app));
    let answer = app.send(request).await;
    match answer.body["code"].as_str() {
        Some("ACCESS_DENIED") => Outcome::Denied,
        Some("SESSION_NOT_FOUND" | "ASYNC_VISIT_NOT_FOUND") => Outcome::NotFound,
        _ => Outcome::Allowed,
    }
}

struct Matrix {
    page: String,
    wrong: Vec<String>,
}

impl Matrix {
    fn begin(&mut self, title: &str) {
        let names = Who::ALL.map(Who::name).join(" | ");
        write!(self.page, "\n### {title}\n\n| | {names} |\n|---|{}\n", "---|".repeat(Who::ALL.len())).unwrap();
    }

    fn row(&mut self, operation: &Operation, state: &str, cells: &[(Who, Outcome, Outcome)]) {
        let shown: Vec<_> = cells.iter().map(|(_, answered, _)| word(*answered)).collect();
        writeln!(self.page, "| `{} {}` | {} |", operation.method, operation.template, shown.join(" | ")).unwrap();
        for (who, answered, expected) in cells.iter().filter(|(_, answered, expected)| answered != expected) {
            self.wrong.push(format!("{} {state} {}: {answered:?}, not {expected:?}", operation.id, who.name()));
        }
    }
}

async fn live(app: &TestApp, matrix: &mut Matrix) {
    for state in SESSION_STATES {
        matrix.begin(&format!("A visit that is {state}"));
        let shared = visit_in(app, state).await;
        for operation in described::signed_in().filter(Operation::of_a_session) {
            let permission = needed(&operation);
            let mut cells = Vec::new();
            for who in Who::ALL {
                let mut expected = expected(who, permission, Permission::SessionRead, false, false);
                // The state has a word in this: a link of somebody inside is only for providers.
                if operation.id == "issueJoinToken"
                    && state == "active"
                    && !matches!(who, Who::Treating | Who::TreatingNurse)
                    && expected == Outcome::Allowed
                {
                    expected = Outcome::Denied;
                }
                let fresh = expected == Outcome::Allowed && permission != Permission::SessionRead;
                let visit = if fresh { visit_in(app, state).await } else { shared.clone() };
                let path = operation.path(&visit.id, &visit.patient);
                cells.push((who, answered(app, &operation, &path, who).await, expected));
            }
            matrix.row(&operation, state, &cells);
        }
    }
}

async fn written_offline(app: &TestApp, matrix: &mut Matrix) {
    for state in ASYNC_STATES {
        matrix.begin(&format!("An async visit that is {state}"));
        let shared = async_visit_in(app, state).await;
        let open = matches!(state, "submitted" | "under_review");
        let of_a_visit = |operation: &Operation| operation.template.contains("{asyncVisitId}");
        for operation in described::signed_in().filter(of_a_visit) {
            let permission = needed(&operation);
            let mut cells = Vec::new();
            for who in Who::ALL {
                let claims = who == Who::Treating && state == "under_review";
                let mut expected = expected(who, permission, Permission::AsyncVisitRead, true, open && !claims);
                if claims {
                    expected = Outcome::Allowed;
                }
                // What was sent in is not shown in the queue.
                let (_, relation) = standing(who);
                let sees = matches!(
                    relation,
                    Some(Relation::Own | Relation::Proxy | Relation::Assigned | Relation::Emergency)
                );
                if operation.id == "listAttachments" && open && !claims && !sees && expected == Outcome::Allowed {
                    expected = Outcome::Denied;
                }
                let fresh = expected == Outcome::Allowed && permission != Permission::AsyncVisitRead;
                let id = if fresh { async_visit_in(app, state).await } else { shared.clone() };
                let path = operation.template.replace("{asyncVisitId}", &id);
                cells.push((who, answered(app, &operation, &path, who).await, expected));
            }
            matrix.row(&operation, state, &cells);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_everybody_in_every_state_as_the_documented_matrix_says() {
    let app = TestApp::start().await;
    app.tell_relations();
    // Who treats is known by the visit alone.
    app.standins.unassign(Who::Treating.account(), CONSENTED);
    app.standins.set_provider_consent(Who::Treating.account(), true);
    let first = app.visit_of_everybody().await;
    app.open_emergency(&first).await;
    let mut matrix = Matrix { page: HEAD.to_owned(), wrong: Vec::new() };
    live(&app, &mut matrix).await;
    written_offline(&app, &mut matrix).await;
    assert_eq!(matrix.wrong, Vec::<String>::new());
    must_be_committed("docs/access-matrix.md", &matrix.page);
}

const HEAD: &str = "\
# Who may do what to a visit, route by route

What everybody is answered on every route, for a visit in every state: `yes` the access policy lets them (whether the
visit's state allows it is another question: then the answer is 409), `403` they may know of the visit but not do that,
`404` they must not know that it is there. Self, proxy and the others are people with one relation to the visit and one
role each; somebody with several may do what any of them may. A live visit here has a planned clinician and an invited
nurse practitioner; an async visit was taken up by the treating clinician.

This page is written by the test `access::matrix`, which sends every one of these requests; `just contracts` writes it
anew.
";
