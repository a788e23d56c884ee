//! Who may do what: as the code has it, as `docs/permissions.md` tells it, and as the API does it.

use std::fmt::Write;

use reqwest::Method;
use serde_json::json;
use vcare_app::Role;
use vcare_app::authorisation::Permission;
use vcare_domain::Relation;

use crate::described::{self, Operation};
use crate::support::{CONSENTED, TENANT, TestApp, Visit, must_be_committed};

/// Ids of nothing.
const NO_SESSION: &str = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
const NO_PARTICIPANT: &str = "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S";

/// What a request needs.
pub fn needed(operation: &Operation) -> Permission {
    let permission = vcare_api::openapi::permissions::needed(&operation.id);
    permission.unwrap_or_else(|| panic!("the OpenAPI document does not say what {} needs", operation.id))
}

/// A permission, for people.
fn meaning(permission: Permission) -> &'static str {
    match permission {
        Permission::SessionCreate => "Create a visit",
        Permission::SessionRead => "See visits",
        Permission::SessionInvite => "Invite further people",
        Permission::SessionLink => "Issue join links (4)",
        Permission::SessionJoin => "Join a visit as its provider",
        Permission::SessionAdmit => "Let people in from the waiting room (1)",
        Permission::SessionRemove => "Put people out of a visit",
        Permission::SessionCancel => "Call a visit off before it began",
        Permission::SessionReschedule => "Move a visit that has not begun to another time",
        Permission::SessionNoShow => "Note that the patient did not come",
        Permission::SessionDelay => "Say that one comes later than planned",
        Permission::SessionFallBack => "Go on in messages",
        Permission::SessionEnd => "End a visit",
        Permission::ConnectionReport => "Tell of a connection in a visit (2)",
        Permission::LinkProbe => "Have one's own link probed, in visits in which one has a part",
        Permission::RecordingWithdraw => "Note that the consent to recording was withdrawn",
        Permission::AiTranscribe => "Have a visit written down by a machine (3)",
        Permission::AiSummary => "Have a visit summed up by a machine (3)",
        Permission::AiAcceptSummary => "Decide whether a machine's summary goes into the chart (3)",
        Permission::AsyncVisitSubmit => "Send a visit without a live link",
        Permission::AsyncVisitRead => "Read visits without a live link, and what was written in them",
        Permission::AsyncVisitReview => "Take such a visit up, give it back, answer it",
        Permission::AsyncVisitUpload => "Upload photos and voice notes for such a visit",
        Permission::AsyncVisitClose => "Close an answered one",
        Permission::ConfigRead => "Read the tenant's settings",
        Permission::ConfigWrite => "Change the tenant's settings",
        Permission::ConfigTest => "Try the tenant's video backend",
        Permission::ReconciliationRead => "See which visits lack their Encounter or charge",
    }
}

fn holds(role: Role, permission: Permission) -> bool {
    permission.roles().contains(&role)
}

fn cell(role: Role, permission: Permission) -> &'static str {
    match (holds(role, permission), role, permission) {
        (false, ..) => "–",
        (true, Role::Patient, Permission::AsyncVisitSubmit | Permission::AsyncVisitUpload) => "for themselves",
        (
            true,
            Role::Patient,
            Permission::SessionRead | Permission::SessionCancel | Permission::SessionDelay | Permission::AsyncVisitRead,
        ) => "their own",
        (true, ..) => "yes",
    }
}

fn page() -> String {
    let mut page = "\
# Who may do what

People sign in at the platform's identity provider, which says in which tenant they are and in which roles. Nobody sees
or changes anything of another tenant. Who has several roles may do what any of them may; a role that is not listed here
gives no right. Patients and guests who come by a join link have no role: the link opens one visit for one person and
nothing else.

## Roles

What somebody in a role can be allowed at all. Whether it counts for one visit depends also on the
[relation](#relations) to the visit and its patient (5).

"
    .to_owned();
    let names = Role::ALL.map(|role| role.as_str().replace('_', " "));
    writeln!(page, "| | {} |", names.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(names.len())).unwrap();
    for permission in Permission::ALL {
        let cells = Role::ALL.map(|role| cell(role, permission));
        writeln!(page, "| {} | {} |", meaning(permission), cells.join(" | ")).unwrap();
    }
    page.push_str(
        "\n(1) A provider of the visit may always; anybody else only while one of its providers is in it.\n\n(2) \
         Of the caller's own; a provider of the visit also that another participant's was lost.\n\n\
         (3) Only of a visit whose provider they are.\n\n\
         (4) A link for a participant who is inside is issued by a provider of the visit alone, and puts the participant \
         back: they are `invited` until they open the link. Patients, and those who act for them, issue their own link \
         alone. Providers sign in and have none.\n\n\
         (5) A visit that the caller has nothing to do with is 404, like one that does not exist; what the relation does not \
         permit on a visit that the caller may see is 403. Creating is about no visit yet: there the role counts, and \
         patients create for themselves and as proxies.\n\n",
    );
    page.push_str(&relations());
    page.push_str(
        "## Requests\n\n\
         What each request of the API needs, by the names that the platform gives to permissions.\n\n\
         | request | permission |\n|---|---|\n",
    );
    for operation in described::signed_in() {
        let Operation { method, template, .. } = &operation;
        writeln!(page, "| `{method} {template}` | `{}` |", needed(&operation).as_str()).unwrap();
    }
    page.push_str(
        "\nThis page is written by the test `permissions` from `crates/vcare-domain/src/access`; `just contracts` writes it \
         again.\n",
    );
    page
}

/// A role, where there is little room.
const fn short(role: Role) -> &'static str {
    match role {
        Role::Clinician => "C",
        Role::NursePractitioner => "N",
        Role::Scheduler => "S",
        Role::Admin => "A",
        Role::TenantAdmin => "T",
        Role::PlatformAdmin => "PA",
        Role::Patient => "P",
    }
}

/// What somebody is to a visit in that relation, for people.
const fn whose(relation: Relation) -> &'static str {
    match relation {
        Relation::Own => "the patient, by the token claim `patient_id`. Excludes every other relation",
        Relation::Proxy => "acts for the patient: access-policy says so",
        Relation::Treating => {
            "a provider of the session who was not removed, or the planned one; claimed or answered the async visit"
        }
        Relation::Submitter => "a clinician who sent the async visit for the patient",
        Relation::Invited => "a participant with an account who is not a provider: an interpreter, an observer",
        Relation::Assigned => "has the patient in their care: access-policy says so",
        Relation::Emergency => "has opened an emergency access to the patient, in the last 30 minutes",
        Relation::Pool => "any clinician, while nobody cares for the patient in this visit",
        Relation::Scheduling => "plans visits; of clinicians, who created this session",
    }
}

/// What each relation permits to which roles, and which view it has.
fn relations() -> String {
    let mut part =
        "## Relations\n\nThe closest relation that permits the request counts; the closest one is on the left. \
                    [0032](decisions/0032-access-inside-a-tenant.md) says why.\n\n"
            .to_owned();
    let names = Relation::ALL.map(Relation::as_str);
    writeln!(part, "| | {} |", names.join(" | ")).unwrap();
    writeln!(part, "|---|{}", "---|".repeat(names.len())).unwrap();
    for permission in Permission::ALL {
        let cells = Relation::ALL.map(|relation| {
            let permitted = Role::ALL.into_iter().filter(|role| relation.permits(*role, permission));
            let permitted: Vec<_> = permitted.map(short).collect();
            if permitted.is_empty() { "–".to_owned() } else { permitted.join(" ") }
        });
        if cells.iter().any(|cell| cell != "–") {
            writeln!(part, "| {} | {} |", meaning(permission), cells.join(" | ")).unwrap();
        }
    }
    let roles = Role::ALL.map(|role| format!("{} {}", short(role), role.as_str().replace('_', " ")));
    writeln!(part, "\nThe roles: {}. What is about no visit is left out.\n", roles.join(", ")).unwrap();
    part.push_str(
        "What a response shows depends on the relation in which it was permitted. `audience` in the response names the view; \
         of an async visit the view `scheduler` is called `queue`.\n\n| relation | who it is | audience |\n|---|---|---|\n",
    );
    for relation in Relation::ALL {
        let (name, audience) = (relation.as_str(), relation.audience().as_str());
        writeln!(part, "| `{name}` | {} | `{audience}` |", whose(relation)).unwrap();
    }
    part.push('\n');
    part
}

#[test]
fn the_permission_matrix_is_the_committed_contract() {
    must_be_committed("docs/permissions.md", &page());
}

/// What a role may do is refused by something else, if at all: here there is no such session. What it may not do is refused
/// for that, on a session that there is.
#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_allowed_to_the_roles_of_the_matrix_and_to_no_other() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let before = app.read(&visit).await;
    for role in Role::ALL {
        let token = app.token(role.as_str());
        for operation in described::signed_in() {
            let permission = needed(&operation);
            let allowed = holds(role, permission);
            let (session, participant) =
                if allowed { (NO_SESSION, NO_PARTICIPANT) } else { (visit.id.as_str(), visit.patient.as_str()) };
            let request = app.request(operation.method.clone(), &operation.path(session, participant));
            let request = operation.fill(request, &app.wish());
            let answer = app.send(request.bearer_auth(&token)).await;
            let what = format!("{} as {}: {}", operation.id, role.as_str(), answer.body);
            if allowed {
                assert!(matches!(answer.status, 200 | 201 | 404), "{what}");
            } else {
                assert_eq!(answer.status, 403, "{what}");
                let answer = answer.refused(403, "ACCESS_DENIED");
                if operation.method != Method::HEAD {
                    assert_eq!(answer.body["detail"], format!("needs {}", permission.as_str()));
                }
            }
        }
    }
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_roles_add_up_and_unknown_ones_give_nothing() {
    let app = TestApp::start().await;
    let token = |roles: &[&str]| {
        let account = app.account(TENANT, "somebody-1", "none").claim("realm_access", json!({"roles": roles}));
        app.standins.issuer().token(&account)
    };
    for roles in [&[][..], &["surgeon"], &["Clinician"], &["clinician "], &["offline_access", "uma_authorization"]] {
        let token = token(roles);
        app.get(&token, "/sessions").await.refused(403, "ACCESS_DENIED");
        app.post(&token, "/sessions", &app.wish()).await.refused(403, "ACCESS_DENIED");
    }
    // A nurse practitioner may not read settings, an admin may not join visits; who is both may do both.
    let both = token(&["nurse_practitioner", "surgeon", "admin"]);
    let created = app.post(&app.token("scheduler"), "/sessions", &app.wish()).await.expect(201);
    app.come(&both, &Visit::of(&created.body)).await.expect(200);
    app.get(&both, "/config").await.expect(200);
}

/// Roles are the caller's, wherever the provider puts them; nobody gains one by asking for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_taken_from_the_token_alone() {
    let app = TestApp::start().await;
    let account = app.account(TENANT, "clinician-7", "none").claim("roles", json!(["clinician"]));
    let token = app.standins.issuer().token(&account);
    app.post(&token, "/sessions", &app.wish()).await.expect(201);
    let patient = app.token("patient");
    let request = app.request(Method::POST, "/sessions").bearer_auth(&patient).header("X-Roles", "clinician");
    let body = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(30)});
    let request = request.header("Content-Type", "application/json").body(body.to_string());
    app.send(request).await.refused(403, "ACCESS_DENIED");
}
