//! Lists of visits: what they can be narrowed by, what is on them, and the way from page to page.

mod asked_for;
mod cursors;
mod keys;
mod moved;
mod summaries;

use serde_json::{Value, json};

use crate::support::{CONSENTED, TestApp, Visit};

/// The items of a page.
fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

/// The ids on a page.
fn ids(page: &Value) -> Vec<String> {
    items(page).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

impl TestApp {
    /// A visit of [`CONSENTED`] with `clinician-1`, so many minutes ahead.
    async fn visit_in(&self, minutes: i64) -> Visit {
        let wish = json!({"patientId": CONSENTED, "scheduledStart": self.minutes_ahead(minutes)});
        Visit::of(&self.post(&self.token("clinician"), "/sessions", &wish).await.expect(201).body)
    }

    /// The ids of what is listed on one page.
    async fn ids(&self, token: &str, path: &str) -> Vec<String> {
        let page = self.get(token, path).await.expect(200);
        assert_eq!((&page.body["nextCursor"], page.header("link")), (&Value::Null, ""), "{path}");
        ids(&page.body)
    }
}
