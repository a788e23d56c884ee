//! `/problems`: a page for every code, at the address that its problems have as their `type`. Written from the table of codes.

use std::fmt::Write;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, web};

use crate::problem::{Code, Problem};

/// Nothing in a page runs, is fetched or frames it.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// They change with a release only.
const KEEP: &str = "public, max-age=3600";

/// All codes, by status.
pub async fn index() -> HttpResponse {
    let mut list = String::new();
    for code in Code::ALL {
        let (page, name) = (code.page(), code.as_str());
        // Writing into a string does not fail.
        let _ = writeln!(
            list,
            "<li>{} <a href=\"problems/{page}\"><code>{name}</code></a>: {}</li>",
            code.status(),
            escaped(code.title())
        );
    }
    let words = "Every refusal of the virtual care service is <code>application/problem+json</code> \
                 (<a href=\"https://www.rfc-editor.org/rfc/rfc9457\">RFC 9457</a>) with one of these codes. A code never changes.";
    page("Problems", &format!("<p>{words}</p>\n<ul>\n{list}</ul>"))
}

/// One code: what it means, and an example.
///
/// # Errors
/// 404 `NOT_FOUND` when there is no such code.
pub async fn read(page_of: web::Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::of_page(&page_of).ok_or_else(Problem::nothing_here)?;
    let example = code.example();
    let body = serde_json::to_string_pretty(example.details()).map_err(|_| Problem::internal())?;
    let mut headers = String::new();
    for (name, value) in example.headers() {
        let _ = writeln!(headers, "{name}: {}", value.to_str().unwrap_or_default());
    }
    let words = format!(
        "<p><code>{}</code>, HTTP status {}: {}.</p>\n<h2>Example</h2>\n<pre>{}\n{}</pre>\n<p><a href=\"../problems\">All problems</a></p>",
        code.as_str(),
        code.status(),
        marked(code.means()),
        escaped(&headers),
        escaped(&body)
    );
    Ok(page(code.title(), &words))
}

fn page(title: &str, words: &str) -> HttpResponse {
    let title = escaped(title);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, KEEP))
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
             <body>\n<h1>{title}</h1>\n{words}\n</body>\n</html>\n"
        ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Words in backquotes are code.
fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) }).collect()
}
