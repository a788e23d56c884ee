//! The same bytes are answered the same with parking and without: pipelined or one after the other, in whatever pieces they
//! come, cut short, followed by nonsense, by a client that closes its side or leaves it open. `PROPTEST_CASES` says how many
//! are tried.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestCaseError, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::tests::{News, serving};

/// Within so long every connection must have ended.
const DEADLINE: Duration = Duration::from_secs(10);

/// The response to bytes that are no request. The connection is closed after it.
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

/// The same response when these bytes are the first that a dispatcher reads, as they are after the connection was parked: it
/// names what it does anyway.
const REFUSED_FIRST: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A request, and the status it is answered with once there are news.
type Request = (Vec<u8>, u16);

fn request(head: &str, body: &str, status: u16) -> Request {
    (format!("{head}\r\nHost: care.example\r\n\r\n{body}").into_bytes(), status)
}

/// HEAD is left out. actix-http remembers only the method of the last request that it read: when a pipelined HEAD is read early,
/// the responses to the requests before it are sent without their bodies.
fn a_request() -> impl Strategy<Value = Request> {
    let long = format!("GET /status?padded HTTP/1.1\r\nX-Padding: {}", "p".repeat(5000));
    let fixed = vec![
        request("GET /health HTTP/1.1", "", 200),
        request("GET /nowhere HTTP/1.1", "", 404),
        request("DELETE /status HTTP/1.1", "", 404),
        request("GET /status?at-once HTTP/1.1", "", 204),
        request("GET /status?with-body HTTP/1.1\r\nContent-Length: 4", "body", 200),
        request("GET /status?at-once HTTP/1.1\r\nContent-Length: 4", "body", 204),
        request(&long, "", 200),
        request("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200),
    ];
    let like_a_request = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let echo = select(vec!["", "x", like_a_request])
        .prop_map(|body| request(&format!("POST /echo HTTP/1.1\r\nContent-Length: {}", body.len()), body, 200));
    prop_oneof![
        4 => (0..100_u8).prop_map(|n| request(&format!("GET /status?since={n} HTTP/1.1"), "", 200)),
        4 => select(fixed),
        1 => echo,
    ]
}

/// What one client does with a connection.
#[derive(Debug, Clone)]
struct Script {
    requests: Vec<Request>,
    /// Bytes after the requests that are no request. A server stops reading after such bytes, so it does not notice that the
    /// client leaves.
    nonsense: &'static str,
    /// Where it is cut short, when it is.
    end: Option<Index>,
    /// Where it is cut into pieces, and how long the server has between two.
    cuts: Vec<(Index, u8)>,
    /// Whether the client closes its side before there are news.
    leaves: bool,
}

fn a_script() -> impl Strategy<Value = Script> {
    let nonsense = prop_oneof![6 => Just(""), 1 => select(vec!["\r\n", "GET", "\0\0\0\0", "GET / HTTP/9.9\r\n\r\n"])];
    let cuts = vec((any::<Index>(), 0..120_u8), 0..8);
    (vec(a_request(), 1..6), nonsense, prop::option::weighted(0.3, any::<Index>()), cuts, any::<bool>()).prop_map(
        |(requests, nonsense, end, cuts, leaves)| {
            let nonsense = if leaves { "" } else { nonsense };
            Script { requests, nonsense, end, cuts, leaves }
        },
    )
}

impl Script {
    /// The pieces, each with how often the server is let before the next.
    fn pieces(&self) -> Vec<(Vec<u8>, u8)> {
        let mut bytes = self.requests.iter().map(|(bytes, _)| bytes.as_slice()).collect::<Vec<_>>().concat();
        bytes.extend_from_slice(self.nonsense.as_bytes());
        if let Some(end) = &self.end {
            bytes.truncate(end.index(bytes.len()));
        }
        let mut cuts: Vec<(usize, u8)> =
            self.cuts.iter().map(|(cut, turns)| (cut.index(bytes.len() + 1), *turns)).collect();
        cuts.push((bytes.len(), 120));
        cuts.sort_unstable();
        let mut begin = 0;
        cuts.into_iter().map(|(end, turns)| (bytes[std::mem::replace(&mut begin, end)..end].to_vec(), turns)).collect()
    }

    /// Plays it; answers what the client received, without dates, and how often the connection was parked.
    async fn play(&self, parks: bool) -> (String, u32) {
        let (news, idle) = (News::none(), Rc::new(Cell::new(0)));
        let counted = Rc::clone(&idle);
        let client = serving(parks, news.clone(), move || {
            counted.set(counted.get() + 1);
            pending()
        });
        let (mut reads, mut writes) = client.await.into_split();
        let received = actix_web::rt::spawn(async move {
            let mut received = Vec::new();
            // A connection that carried nonsense may be reset.
            reads.read_to_end(&mut received).await.ok();
            received
        });
        for (piece, turns) in self.pieces() {
            // Nobody may listen any more.
            writes.write_all(&piece).await.ok();
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        }
        if !self.leaves {
            news.arrived.send_replace(true);
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        }
        writes.shutdown().await.ok();
        let received = timeout(DEADLINE, received).await.unwrap().unwrap();
        let received = String::from_utf8(received).unwrap();
        let undated: String = received.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect();
        (undated.replace(REFUSED_FIRST, REFUSED), idle.get() + news.resumed.get())
    }
}

#[test]
fn the_same_bytes_are_answered_the_same_with_parking_and_without() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let seen = Cell::new((0_u32, 0_u32));
    let outcome = runner.run(&a_script(), |script| {
        let (with, without) =
            actix_web::rt::System::new().block_on(async { (script.play(true).await, script.play(false).await) });
        prop_assert_eq!(&with.0, &without.0);
        prop_assert_eq!(without.1, 0, "switched off, none is parked");
        let whole = !script.leaves && script.end.is_none() && script.nonsense.is_empty();
        // After a response the dispatcher closes the connection while a body has not been read to its end, be it the body of that
        // request or of one behind it: what follows may be answered or not.
        let has_body = |bytes: &[u8]| bytes.starts_with(b"POST") || bytes.ends_with(b"body");
        let read = script
            .requests
            .iter()
            .enumerate()
            .all(|(place, (bytes, _))| !has_body(bytes) || (place == 0 && bytes.starts_with(b"POST")));
        if whole && read {
            let statuses: Vec<u16> = with.0.split("HTTP/1.1 ").skip(1).map(|rest| rest[..3].parse().unwrap()).collect();
            let expected: Vec<u16> = script.requests.iter().map(|(_, status)| *status).collect();
            prop_assert_eq!(statuses, expected, "each request is answered once, and in order");
        }
        let (before, all) = seen.get();
        seen.set((before + u32::from(with.1 > 0), all + 1));
        Ok::<(), TestCaseError>(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    let (parked, cases) = seen.get();
    // On a busy machine few of them are at rest for long enough.
    assert!(parked > 0, "of {cases} connections none was parked");
}
