//! `/visit` and `/v`: the page that a join link opens. Its token stands in the fragment and never reaches a server by
//! itself. Page, style, script and words are one answer that fits a phone's first flight of packets.

mod probe;
mod sheet;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, Encoding, Header, HeaderName,
    IfNoneMatch, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

pub use probe::{__path_receive, __path_send, receive, send};
use sheet::{Packed, SHEET};

/// A link that is tapped again opens at once, also on a dead line; a page that changed is everywhere within the hour.
const KEEP: &str = "public, max-age=3600, stale-while-revalidate=604800, stale-if-error=604800";

/// Powers that the page does not need. The video room is another page, and asks for its own.
const NO_POWERS: &str = "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()";

/// The waiting room's page.
pub async fn page(req: HttpRequest) -> HttpResponse {
    let packed = chosen(&req);
    let known = IfNoneMatch::parse(&req).is_ok_and(|known| knows(&known, packed));
    let mut answer = HttpResponse::build(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    answer
        .insert_header((ETAG, packed.etag.as_str()))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((CACHE_CONTROL, KEEP));
    if known {
        return answer.finish();
    }
    if let Some(coding) = packed.coding {
        answer.insert_header((CONTENT_ENCODING, coding));
    }
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, SHEET.policy.as_str()))
        .insert_header((HeaderName::from_static("permissions-policy"), NO_POWERS))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .body(Bytes::from_static(&packed.bytes))
}

/// The form of the page that this browser takes and that is the shortest.
fn chosen(req: &HttpRequest) -> &'static Packed {
    let takes = AcceptEncoding::parse(req).ok();
    let ours = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    match takes.and_then(|takes| takes.negotiate(ours.iter())) {
        Some(coding) if coding == Encoding::brotli() => &SHEET.brotli,
        Some(coding) if coding == Encoding::gzip() => &SHEET.gzip,
        _ => &SHEET.plain,
    }
}

fn knows(known: &IfNoneMatch, packed: &Packed) -> bool {
    match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| packed.etag == format!("\"{}\"", tag.tag())),
    }
}
