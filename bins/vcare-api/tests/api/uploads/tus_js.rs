//! The client that apps use, tus-js-client, over a link that is cut again and again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::pictures::photo;
use super::proxy::{BadLink, Trouble};
use super::{DRAFT, arrived};
use crate::support::{CONSENTED, TestApp};

/// What the client says of an upload.
pub struct Told {
    pub url: String,
    pub requests: BTreeMap<String, u64>,
    pub millis: u64,
}

/// Uploads a file, as an app does.
pub async fn upload(app: &TestApp, link: &BadLink, bytes: &[u8], chunk: usize) -> Told {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.photo", app.database.name()));
    std::fs::write(&file, bytes).unwrap();
    #[expect(clippy::disallowed_methods, reason = "where the client is, and no setting of the service")]
    let installed = std::env::var_os("VCARE_TEST_TUS").is_some();
    assert!(installed, "VCARE_TEST_TUS is set by deploy/local/test");
    let metadata = json!({
        "clientMutationId": DRAFT, "index": "0", "patientId": CONSENTED, "filename": "photo.jpg", "filetype": "image/jpeg",
    });
    let output = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/uploads/client.cjs"))
        .arg(format!("http://{}/api/v1/virtual-care/async-visits/uploads", link.address))
        .arg(app.token("patient"))
        .arg(&file)
        .arg(chunk.to_string())
        .arg(metadata.to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(240), output).await.expect("it goes on for ever").unwrap();
    let _ = std::fs::remove_file(&file);
    let told = String::from_utf8_lossy(&output.stdout);
    let told: Value =
        serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert!(told["error"].is_null(), "{told}");
    Told {
        url: told["url"].as_str().unwrap().to_owned(),
        requests: serde_json::from_value(told["requests"].clone()).unwrap(),
        millis: told["millis"].as_u64().unwrap(),
    }
}

/// The server's own address.
pub fn server(app: &TestApp) -> std::net::SocketAddr {
    app.url("").strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_uploads_through_a_link_that_is_cut_again_and_again() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let taken = photo(400, 300);
    assert!(taken.len() > 60_000, "{}", taken.len());
    // Every connection lives for 23,000 bytes: less than a chunk of the client's.
    let trouble =
        Trouble { cut_after_bytes: Some(23_000), cut_every: None, bytes_a_second: None, delay: Duration::ZERO };
    let link = BadLink::to(server(&app), trouble).await;
    let told = upload(&app, &link, &taken, 40_000).await;
    assert!(link.cuts() >= 3, "{} {:?}", link.cuts(), told.requests);
    assert!(told.requests.get("HEAD 200").is_some_and(|heads| *heads >= 3), "it resumed: {:?}", told.requests);
    let place = told.url.split("/api/v1/virtual-care").nth(1).unwrap();
    let stored = arrived(&app.database, &app.storage_folder(), place).await;
    assert!(stored == taken, "what arrived is what was taken, byte for byte");
    let (.., chunks) = app.upload_row(place).await;
    assert!(chunks >= 3, "what came before each cut was kept: {chunks}");
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("clinician"), &visit).await;
    app.open(&items[0], "url").await.expect(200);
}
