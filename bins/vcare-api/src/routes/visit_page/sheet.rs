//! The page, put together from its sources and packed, once for the process.

use std::io::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const HTML: &str = include_str!("page.html");
const HELP: &str = include_str!("help.html");
const STYLE: &str = include_str!("style.css");
const GUARD: &str = include_str!("script/guard.js");
/// In the order in which they build on each other; all of them are one function's body.
const SCRIPT: [&str; 9] = [
    include_str!("script/clock.js"),
    include_str!("script/language.js"),
    include_str!("script/ask.js"),
    include_str!("script/view.js"),
    include_str!("script/clinic.js"),
    include_str!("script/line.js"),
    include_str!("script/late.js"),
    include_str!("script/wait.js"),
    include_str!("script/start.js"),
];
const WORDS: [(&str, &str); 3] = [
    ("en", include_str!("words/en.json")),
    ("fa", include_str!("words/fa.json")),
    ("ps", include_str!("words/ps.json")),
];

/// The page of this build.
pub(super) static SHEET: LazyLock<Sheet> = LazyLock::new(Sheet::put_together);

/// The page in every form in which it is sent.
pub(super) struct Sheet {
    /// Its content security policy: exactly these scripts and this style may run, and they may talk to us alone.
    pub policy: String,
    pub plain: Packed,
    pub gzip: Packed,
    pub brotli: Packed,
}

/// One form of the page.
pub(super) struct Packed {
    /// The `Content-Encoding`, if it is one.
    pub coding: Option<&'static str>,
    pub bytes: Vec<u8>,
    /// The `ETag`, with its quotes.
    pub etag: String,
}

impl Sheet {
    fn put_together() -> Self {
        let (style, guard, script) = (lean(STYLE), lean(GUARD), script());
        let page = lean(HTML)
            .replace("{{help}}", &lean(HELP))
            .replace("{{style}}", &style)
            .replace("{{guard}}", &guard)
            .replace("{{script}}", &script);
        let policy = format!(
            "default-src 'none'; script-src {} {}; style-src {}; img-src data:; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(&guard),
            hash(&script),
            hash(&style)
        );
        let mark = URL_SAFE_NO_PAD.encode(&Sha256::digest(&page)[..9]);
        let packed = |coding: Option<&'static str>, bytes| {
            let suffix = coding.map(|coding| format!("-{coding}")).unwrap_or_default();
            Packed { coding, bytes, etag: format!("\"{mark}{suffix}\"") }
        };
        let (gzip, brotli) = (gzip(page.as_bytes()), brotli(page.as_bytes()));
        Self {
            policy,
            plain: packed(None, page.into_bytes()),
            gzip: packed(Some("gzip"), gzip),
            brotli: packed(Some("br"), brotli),
        }
    }
}

/// Without indentation, empty lines and lines that are only a comment.
fn lean(source: &str) -> String {
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn script() -> String {
    let words: Vec<String> = WORDS.iter().map(|(language, words)| format!("{language}:{}", lean(words))).collect();
    let parts: Vec<String> = SCRIPT.iter().map(|part| lean(part)).collect();
    format!("(() => {{\n\"use strict\";\nconst WORDS = {{{}}};\n{}\n}})();", words.join(",\n"), parts.join("\n"))
}

/// As a content security policy names what may run.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn gzip(page: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing into memory does not fail; an empty page would be seen by every test.
    let _ = packer.write_all(page);
    packer.finish().unwrap_or_default()
}

fn brotli(page: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let _ = brotli::BrotliCompress(&mut &*page, &mut packed, &brotli::enc::BrotliEncoderParams::default());
    packed
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    type Words = BTreeMap<String, String>;

    fn words() -> Vec<(&'static str, Words)> {
        WORDS.iter().map(|(language, words)| (*language, serde_json::from_str(words).unwrap())).collect()
    }

    fn blanks(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    #[test]
    fn every_language_has_the_same_words_with_the_same_blanks() {
        let languages = words();
        let (_, english) = &languages[0];
        assert!(english.len() > 40);
        for (language, words) in &languages {
            assert_eq!(words.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language}");
            for (name, text) in words {
                assert_eq!(blanks(text), blanks(&english[name]), "{language}: {name}");
                assert!(!text.is_empty() && text.trim() == text, "{language}: {name}");
            }
            assert_eq!(words["weekdays"].split(' ').count(), 7, "{language}");
        }
    }

    #[test]
    fn every_word_is_said_somewhere_and_none_is_missing() {
        let script = script();
        let (_, english) = &words()[0];
        let said = |name: &str| {
            let mut after = script.split("words.").skip(1).filter_map(|rest| rest.strip_prefix(name));
            after.any(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
        };
        // Said by the name of a screen, a decision or an offer.
        let by_name =
            ["over", "cancelled", "failed", "bad", "old", "stayed", "chatHow", "writeHow", "video", "audio", "message"];
        let offered = ["toAudio", "toMessage"];
        for name in english.keys() {
            let name = name.as_str();
            assert!(said(name) || by_name.contains(&name) || offered.contains(&name), "nobody says {name}");
        }
        for rest in script.split("words.").skip(1) {
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(english.contains_key(&name), "there is no word {name}");
        }
    }

    #[test]
    fn what_is_put_together_has_no_gap_and_ends_where_it_should() {
        let page = String::from_utf8(SHEET.plain.bytes.clone()).unwrap();
        assert!(!page.contains("{{"), "a part is missing");
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!SHEET.gzip.bytes.is_empty() && !SHEET.brotli.bytes.is_empty());
    }
}
