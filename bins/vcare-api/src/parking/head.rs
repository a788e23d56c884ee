//! The head of a request, as it came over the line.

use actix_web::HttpRequest;

/// A request with more headers is answered as any other, and takes the memory that it takes.
const MOST_HEADERS: usize = 64;

/// Whether a text is the head of this request and nothing else.
pub(super) fn is_head_of(text: &[u8], req: &HttpRequest) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let whole = matches!(head.parse(text), Ok(httparse::Status::Complete(length)) if length == text.len());
    whole
        && head.method == Some(req.method().as_str())
        && head.path == req.uri().path_and_query().map(|path| path.as_str())
        && head.headers.len() == req.headers().len()
        && head
            .headers
            .iter()
            .all(|header| req.headers().get_all(header.name).any(|value| value.as_bytes() == header.value))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request() -> HttpRequest {
        let request = TestRequest::get().uri("/status?since=3").insert_header(("host", "care.example"));
        request.append_header(("via", "one")).append_header(("via", "two")).to_http_request()
    }

    #[test]
    fn the_head_of_a_request_is_that_and_nothing_else() {
        let head = "GET /status?since=3 HTTP/1.1\r\nHost: care.example\r\nVia:  one\r\nVIA: two\r\n\r\n";
        assert!(is_head_of(head.as_bytes(), &request()));
        for (from, to) in [
            ("GET", "PUT"),
            ("since=3", "since=4"),
            ("/status", "http://care.example/status"),
            ("care.example", "other.example"),
            ("Via:  one\r\n", ""),
            ("two", "three"),
            ("two", "two\r\nx-more: 1"),
            ("HTTP/1.1", "HTTP/1.1 "),
        ] {
            let other = head.replacen(from, to, 1);
            assert_ne!(other, head);
            assert!(!is_head_of(other.as_bytes(), &request()), "{other}");
        }
        for part in 0..head.len() {
            assert!(!is_head_of(&head.as_bytes()[..part], &request()), "{part} bytes of it");
        }
        assert!(!is_head_of(format!("{head}GET").as_bytes(), &request()), "more than it");
        assert!(!is_head_of(format!("tail of a body\r\n{head}").as_bytes(), &request()), "something before it");
    }
}
