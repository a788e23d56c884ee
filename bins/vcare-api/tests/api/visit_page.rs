//! The waiting room's page as it is sent: its weight, its forms, what it may do, and what it is written in.

use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::{Answer, TestApp};

/// What fits the first flight of a TCP connection (ten segments), headers included.
const FLIGHT: usize = 14_000;

async fn page(app: &TestApp, path: &str, accepts: &str) -> Answer {
    app.send(app.request(Method::GET, &format!("/{path}")).header("Accept-Encoding", accepts)).await.expect(200)
}

/// What stands between a tag's opening and closing, for each of its kind.
fn insides<'p>(page: &'p str, tag: &str) -> Vec<&'p str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    page.split(&*open).skip(1).map(|rest| rest.split(&*close).next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_whole_page_is_one_answer_that_fits_the_first_flight_of_packets() {
    let app = TestApp::start().await;
    let address = app.url("");
    let address = address.strip_prefix("http://").unwrap();
    for (path, coding) in [("/visit", "gzip"), ("/visit", "br"), ("/v", "gzip, deflate, br, zstd")] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: care.example\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        assert!(all.starts_with(b"HTTP/1.1 200"), "{coding}");
        assert!(all.len() > 2_000 && all.len() <= FLIGHT, "{path} as {coding} weighs {} bytes", all.len());
    }
    let page = String::from_utf8(page(&app, "/visit", "identity").await.bytes).unwrap();
    for foreign in ["http://", "https://", "src=", "@import", "url(", "<iframe", "<img", "//cdn"] {
        assert!(!page.contains(foreign), "it loads something: {foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_sent_as_the_browser_takes_it_and_every_form_is_the_same_page() {
    let app = TestApp::start().await;
    let plain = page(&app, "/visit", "identity").await;
    assert_eq!(plain.header("content-encoding"), "");
    let mut gunzipped = Vec::new();
    let gzip = page(&app, "/visit", "gzip").await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*gzip.bytes), &mut gunzipped).unwrap();
    assert!(gunzipped == plain.bytes);
    let mut unpacked = Vec::new();
    let brotli = page(&app, "/v", "gzip, br").await;
    assert_eq!(brotli.header("content-encoding"), "br");
    brotli::BrotliDecompress(&mut &*brotli.bytes, &mut unpacked).unwrap();
    assert!(unpacked == plain.bytes);
    let tags = [&plain, &gzip, &brotli].map(|answer| answer.header("etag").to_owned());
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    for answer in [plain, gzip, brotli] {
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_has_the_page_is_told_so_in_a_few_bytes() {
    let app = TestApp::start().await;
    let first = page(&app, "/visit", "gzip").await;
    let (tag, kept) = (first.header("etag"), first.header("cache-control"));
    assert!(kept.contains("public") && kept.contains("stale-while-revalidate"), "{kept}");
    let again = async |known: &str, accepts: &str| {
        let request = app.request(Method::GET, "//visit").header("Accept-Encoding", accepts);
        app.send(request.header("If-None-Match", known)).await
    };
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = again(&known, "gzip").await.expect(304);
        assert!(again.bytes.is_empty());
        assert_eq!((again.header("etag"), again.header("cache-control")), (tag, kept));
        assert_eq!(again.header("vary"), "Accept-Encoding");
    }
    again("\"other\"", "gzip").await.expect(200);
    // What it has is packed, and now it takes it plain.
    again(tag, "identity").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_stands_in_the_page_may_run_and_it_may_talk_to_us_alone() {
    let app = TestApp::start().await;
    let answer = page(&app, "/visit", "identity").await;
    let policy = answer.header("content-security-policy").to_owned();
    let parts: Vec<&str> = policy.split("; ").collect();
    for part in
        ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(parts.contains(&part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert!(answer.header("permissions-policy").contains("camera=()"));
    let page = String::from_utf8(answer.bytes).unwrap();
    for (tag, source, count) in [("script", "script-src", 2), ("style", "style-src", 1)] {
        let allowed = parts.iter().find(|part| part.starts_with(source)).unwrap();
        let inside = insides(&page, tag);
        assert_eq!((inside.len(), allowed.matches("sha256-").count()), (count, count), "{tag}");
        for inside in inside {
            let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inside)));
            assert!(allowed.contains(&hash), "{tag} {hash} is not in {allowed}");
        }
    }
    // Nothing is left for a policy to forbid: no handler and no style in the markup.
    for forbidden in [" onclick=", " onload=", " style=", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

/// Chrome 60 and Firefox 60: their language is ECMAScript 2017, and these are what came later.
const TOO_NEW: [&str; 14] = [
    "fetch(",
    "AbortController",
    ".flat(",
    ".flatMap(",
    ".replaceAll(",
    ".matchAll(",
    "fromEntries",
    ".at(",
    ".finally(",
    "allSettled",
    "replaceChildren",
    "toggleAttribute",
    "structuredClone",
    "globalThis",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_script_is_one_that_a_phone_of_2017_understands() {
    let app = TestApp::start().await;
    let page = String::from_utf8(page(&app, "/visit", "identity").await.bytes).unwrap();
    let scripts = insides(&page, "script");
    // The guard runs where the script does not, so it is older still.
    for (script, language) in [(scripts[0], "--ecma3"), (scripts[1], "--ecma2017")] {
        let mut acorn = Command::new("acorn");
        acorn.args([language, "--silent", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut acorn = acorn.spawn().expect("there is no acorn on the path: deploy/local/test installs it");
        acorn.stdin.take().unwrap().write_all(script.as_bytes()).await.unwrap();
        let told = acorn.wait_with_output().await.unwrap();
        assert!(told.status.success(), "{language}: {}", String::from_utf8_lossy(&told.stderr));
    }
    for new in TOO_NEW {
        assert!(!scripts[1].contains(new), "{new}");
    }
    let style = insides(&page, "style")[0];
    for new in ["gap:", "inset:", "clamp(", "min(", "max(", "margin-inline", "aspect-ratio", ":is(", ":where("] {
        assert!(!style.contains(new), "{new}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_script_reads_what_to_do_in_three_languages() {
    let app = TestApp::start().await;
    let page = String::from_utf8(page(&app, "/visit", "identity").await.bytes).unwrap();
    let without = insides(&page, "noscript")[0];
    for (language, word) in [("en", "Chrome"), ("fa-AF", "کلینیک"), ("ps", "کلینیک")] {
        let part = without.split("<p ").find(|part| part.contains(&format!("lang=\"{language}\""))).unwrap();
        assert!(part.contains(word), "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_bytes_come_and_go_as_are_asked_for_and_none_of_them_are_kept() {
    let app = TestApp::start().await;
    let asked = |query: &str| app.request(Method::GET, &format!("//visit/probe{query}"));
    let down = async |query: &str| app.send(asked(query).header("Accept-Encoding", "gzip, br")).await;
    for (query, bytes) in [("", 1), ("?bytes=0", 0), ("?bytes=2048", 2048), ("?bytes=32768", 32_768)] {
        let answer = down(query).await.expect(200);
        assert_eq!(answer.bytes.len(), bytes, "{query}");
        assert_eq!(answer.header("cache-control"), "no-store, no-transform");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
    }
    // A line that packs what it carries must not look wider than it is.
    let noise = down("?bytes=32768").await.bytes;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &noise).unwrap();
    assert!(packer.finish().unwrap().len() > noise.len());
    for query in ["?bytes=32769", "?bytes=-1", "?bytes=1e3", "?bytes=", "?bytes=99999999999999999999", "?bytes=NaN"] {
        app.send(asked(query)).await.names_field("bytes");
    }
    app.send(asked("?bytes=1&token=x")).await.names_field("token");
    let up = async |bytes: usize| app.send(app.request(Method::POST, "//visit/probe").body(vec![7; bytes])).await;
    for bytes in [0, 1, 2048, 16_384] {
        let answer = up(bytes).await.expect(204);
        assert!(answer.bytes.is_empty());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    up(16_385).await.refused(413, "PAYLOAD_TOO_LARGE");
    up(4_000_000).await.refused(413, "PAYLOAD_TOO_LARGE");
}

/// A token in the query is a mistake of somebody's: it opens nothing, and the page is the same for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_whatever_its_query_says() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let with = page(&app, &format!("/visit?token={token}&lang=fa"), "gzip").await;
    assert!(with.bytes == page(&app, "/visit", "gzip").await.bytes);
    assert_eq!(app.read(&visit).await["status"], "scheduled");
}
