//! Functions that run with the owner's rights, whoever calls them.

use vcare_testkit::TestDatabase;

use super::all_of;
use super::intruder::{Intruder, two_tenants};
use crate::support::{OTHER_TENANT, TENANT};

/// What runs with the owner's rights is a hole in the wall: each of these is as large as its answer.
#[tokio::test(flavor = "multi_thread")]
async fn eight_functions_have_the_owners_rights_and_say_no_more_than_they_are_asked() {
    let database = TestDatabase::create().await.unwrap();
    let query = "SELECT p.proname::text, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
                        array_to_string(p.proconfig, ';'), array_to_string(p.proacl, ' ')
                 FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef ORDER BY 1";
    let functions = database.rows(query, &[]).await.unwrap();
    let told: Vec<[&str; 4]> = functions.iter().map(|row| [0, 1, 2, 3].map(|column| row.get(column))).collect();
    assert_eq!(
        told,
        [
            [
                "branding_of",
                "tenant_path text, prefix text",
                "TABLE(branding_logo_url text, branding_primary_color text)",
                "search_path=pg_catalog, pg_temp",
            ],
            ["delete_tenant_config", "", "SETOF text", "search_path=pg_catalog, pg_temp"],
            [
                "events_of_visit",
                "visit text",
                "TABLE(event_id uuid, subject text, created_at timestamp with time zone, \
                 acknowledged_at timestamp with time zone)",
                "search_path=pg_catalog, pg_temp",
            ],
            [
                "failed_visits",
                "",
                "TABLE(visits bigint, oldest timestamp with time zone)",
                "search_path=pg_catalog, pg_temp",
            ],
            [
                "session_of_room",
                "tenant_path text, room text",
                "TABLE(tenant_id text, session_id uuid)",
                "search_path=pg_catalog, pg_temp",
            ],
            [
                "short_link_of",
                "hash bytea",
                "TABLE(tenant_id text, session_id uuid, participant_id uuid, token_version integer, \
                 issued_at timestamp with time zone, expires_at timestamp with time zone)",
                "search_path=pg_catalog, pg_temp",
            ],
            [
                "unreported_transcriptions",
                "most integer",
                "TABLE(tenant_id text, id uuid)",
                "search_path=pg_catalog, pg_temp"
            ],
            [
                "visits_not_held",
                "moment timestamp with time zone, most integer",
                "TABLE(tenant_id text, id uuid)",
                "search_path=pg_catalog, pg_temp",
            ],
        ]
    );
    for row in &functions {
        let rights: &str = row.get(4);
        let grantees: Vec<&str> = rights.split(' ').filter_map(|right| right.split('=').next()).collect();
        let role = match row.get(0) {
            "failed_visits" | "unreported_transcriptions" | "visits_not_held" => "vcare_system",
            "events_of_visit" => "vcare_operator",
            _ => "vcare_api",
        };
        assert!(grantees.contains(&role) && grantees.len() == 2, "the owner and one role: {rights}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_deleted_of_the_bound_tenant_alone_and_never_while_it_has_visits() {
    let app = two_tenants().await;
    let before = all_of(&app.database, TENANT).await;
    let delete = "SELECT * FROM delete_tenant_config()";
    for bound in [TENANT, OTHER_TENANT, "nobody", ""] {
        let intruder = Intruder::api(&app.database, bound).await;
        assert_eq!(intruder.touches(delete).await, 0, "{bound}: both have visits, and nobody has none");
    }
    assert_eq!(all_of(&app.database, TENANT).await, before);
    Intruder::come(&app.database, "SET ROLE vcare_system").await.is_refused(delete).await;
    Intruder::operator(&app.database).await.is_refused(delete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_learn_of_a_visits_events_that_they_are_there_and_of_nobody_elses() {
    let app = two_tenants().await;
    let key: String = app
        .database
        .query_one("SELECT ordering_key FROM outbox WHERE ordering_key LIKE 'vsn%' LIMIT 1", &[])
        .await
        .unwrap()
        .get(0);
    app.database
        .execute("UPDATE outbox SET ordering_key = 'pat-1' WHERE ordering_key NOT LIKE 'vsn%'", &[])
        .await
        .unwrap();
    let operator = Intruder::operator(&app.database).await;
    let events = |key: &str| format!("SELECT * FROM events_of_visit('{key}')");
    assert!(operator.touches(&events(&key)).await > 0);
    for other in ["pat-1", "", "%", "vsn_", "vsn_01JBR0T000E00800000000000%"] {
        assert_eq!(operator.touches(&events(other)).await, 0, "{other}");
    }
    for question in ["body FROM outbox", "ordering_key FROM outbox", "count(*) FROM kept_event"] {
        operator.is_refused(&format!("SELECT {question}")).await;
    }
}
