//! What must not come in.

use std::path::PathBuf;

use reqwest::Method;

use super::pictures::{bomb, photo};
use super::{DRAFT, attachment, metadata, place};
use crate::support::{CONSENTED, TestApp};

const TEN_MIB: usize = 10 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_are_refused_before_a_byte_of_them_is_sent() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    for (kind, most) in [("original", TEN_MIB), ("preview", 16 * 1024)] {
        for length in [most + 1, 50_000_000, usize::MAX] {
            app.begin_upload(&patient, length, &attachment("0", kind)).await.refused(413, "PAYLOAD_TOO_LARGE");
        }
        app.begin_upload(&patient, most, &attachment("0", kind)).await.expect(201);
    }
    assert_eq!(app.count("async_upload").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bytes_than_were_announced_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 4, &attachment("0", "original")).await.expect(201));
    app.append(&patient, &place, 0, b"OggSe").await.refused(413, "PAYLOAD_TOO_LARGE");
    // Without a length on the request, nobody knows before they have come.
    let frames = futures_util::stream::iter([b"Ogg".to_vec(), b"Se".to_vec()].map(Ok::<_, std::io::Error>));
    let request = app.append_request(&patient, &place, 0, b"").body(reqwest::Body::wrap_stream(frames));
    app.send(request).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(app.head(&patient, &place).await.header("upload-offset"), "0");
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_at_a_wrong_offset_are_refused_with_the_right_one() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201));
    app.append(&patient, &place, 0, b"OggS").await.expect(204);
    for offset in [0, 3, 5, 10, 4_294_967_299, usize::MAX] {
        let refused = app.append(&patient, &place, offset, b"x").await.refused(409, "UPLOAD_OFFSET_CONFLICT");
        assert_eq!(refused.body["currentOffset"], 4, "{offset}");
    }
    assert_eq!(app.upload_row(&place).await, ("receiving".to_owned(), None, 4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tus_request_is_refused() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201));
    let url = app.url(&format!("/api/v1/virtual-care{place}"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for request in [client.patch(&url), client.patch(&url).header("Tus-Resumable", "0.2.2")] {
        let refused = app.send(request.bearer_auth(&patient)).await.refused(412, "TUS_VERSION_UNSUPPORTED");
        assert_eq!(refused.header("tus-version"), "1.0.0");
    }

    let patch = || app.request(Method::PATCH, &place).bearer_auth(&patient);
    let json = patch().header("Upload-Offset", "0").header("Content-Type", "application/json").body("{}");
    app.send(json).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let stream = || patch().header("Content-Type", "application/offset+octet-stream");
    app.send(stream()).await.names_field("Upload-Offset");
    for bad in ["-1", "+1", "1.0", "x", "", "0x10"] {
        app.send(stream().header("Upload-Offset", bad)).await.names_field("Upload-Offset");
    }
    let begin = || app.request(Method::POST, "/async-visits/uploads").bearer_auth(&patient);
    app.send(begin().header("Upload-Metadata", attachment("1", "original"))).await.names_field("Upload-Length");
    app.begin_upload(&patient, 0, &attachment("1", "original")).await.names_field("Upload-Length");
    app.send(begin().header("Upload-Defer-Length", "1")).await.names_field("Upload-Defer-Length");
    app.send(begin().header("Upload-Length", "1")).await.names_field("Upload-Metadata");
    for bad in ["upl_1", "..%2F..%2Fetc%2Fpasswd", "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R"] {
        app.get(&patient, &format!("/async-visits/attachments/{bad}")).await.names_field("uploadId");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_has_ten_attachments_and_an_index_is_no_path() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    app.begin_upload(&patient, 4, &attachment("9", "original")).await.expect(201);
    for index in ["10", "255", "-1", "../9", "9\0", ""] {
        app.begin_upload(&patient, 4, &attachment(index, "original")).await.names_field("Upload-Metadata");
    }
    for (field, pairs) in [
        ("patientId", [("clientMutationId", DRAFT), ("index", "0"), ("patientId", "../../root")]),
        ("clientMutationId", [("clientMutationId", "../../root"), ("index", "0"), ("patientId", CONSENTED)]),
    ] {
        let answer = app.begin_upload(&patient, 4, &metadata(&pairs)).await.names_field("Upload-Metadata");
        assert!(answer.body["errors"][0]["detail"].as_str().unwrap().starts_with(&format!("{field}: ")));
    }
}

/// No word of what comes from outside is in a name of the storage, and none in a log line or a row.
#[tokio::test(flavor = "multi_thread")]
async fn a_filename_is_kept_nowhere() {
    let app = TestApp::start().await;
    app.uploaded("0", "original", &photo(64, 48)).await;
    for file in app.stored_files() {
        let name = file.strip_prefix(app.storage_folder()).unwrap().to_str().unwrap();
        assert!(name.chars().all(|c| c == '/' || c.is_ascii_hexdigit()), "{name}");
        assert_eq!(name.len(), 2 + 1 + 32 + 1 + 32, "{name}");
    }
    let row = app.database.query_one("SELECT u::text FROM async_upload u", &[]).await.unwrap();
    let row: String = row.get(0);
    assert!(!row.contains("passwd") && !row.contains("ahmad rahimi") && !row.contains("image/"), "{row}");
}

/// Whatever it is called and however it begins.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_it_seems_is_rejected_with_its_reason_and_erased() {
    let app = TestApp::start().await;
    let mut cut = photo(64, 48);
    cut.truncate(20);
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1rest of it".to_vec();
    let table = [
        (b"PK\x03\x04\x14\0\0\0\x08\0 a zip named .jpg".to_vec(), "unknown_type"),
        (b"<html><script>alert(1)</script></html>".to_vec(), "unknown_type"),
        (b"GIF89a".to_vec(), "unknown_type"),
        (heic, "unknown_type"),
        (cut, "damaged"),
        (bomb(50_000, 50_000), "too_many_pixels"),
        (bomb(16_000, 16_000), "too_many_pixels"),
        (bomb(8, 200_000), "too_many_pixels"),
        ([b"RIFF\x10\0\0\0WAVEfmt \x10\0\0\0".as_slice(), &[0xFF; 8]].concat(), "damaged"),
    ];
    for (index, (bytes, reason)) in table.iter().enumerate() {
        let patient = app.token("patient");
        let created =
            app.begin_upload(&patient, bytes.len(), &attachment(&index.to_string(), "original")).await.expect(201);
        let place = place(&created);
        let appended = app.append(&patient, &place, 0, bytes).await;
        // By its first bytes, where they say enough.
        assert_eq!(appended.status, if *reason == "unknown_type" { 415 } else { 204 }, "{index}");
        app.look_after_uploads().await;
        let (state, told, ..) = app.upload_row(&place).await;
        assert_eq!((state.as_str(), told.as_deref()), ("rejected", Some(*reason)), "{index}");
    }
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
    let sound = [b"ID3\x03\0\0\0\0\0\0".as_slice(), &[0xFF, 0xFB, 0x90, 0]].concat();
    let place = app.uploaded("0", "preview", &sound).await;
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&place).await.1.as_deref(), Some("not_a_picture"));
}
