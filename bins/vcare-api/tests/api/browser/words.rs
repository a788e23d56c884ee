//! What the page says, in its own words.

use std::collections::BTreeMap;

/// The words of one language.
pub struct Words(BTreeMap<String, String>);

/// The languages, as their files are called, as a document names them, and in which direction they are written.
pub const LANGUAGES: [(&str, &str, &str); 3] = [("en", "en", "ltr"), ("fa", "fa-AF", "rtl"), ("ps", "ps", "rtl")];

impl Words {
    pub fn of(language: &str) -> Self {
        let words = match language {
            "fa" => include_str!("../../../src/routes/visit_page/words/fa.json"),
            "ps" => include_str!("../../../src/routes/visit_page/words/ps.json"),
            _ => include_str!("../../../src/routes/visit_page/words/en.json"),
        };
        Self(serde_json::from_str(words).unwrap())
    }

    pub fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// The same with its blanks filled.
    pub fn fill(&self, name: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.get(name).to_owned();
        for (blank, value) in values {
            text = text.replace(&format!("{{{blank}}}"), value);
        }
        text
    }
}
