//! As much XML as a BOSH login needs: the outermost element and the first one in it.

/// An element's start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The outermost element and its first child.
pub(super) fn read(text: &str) -> Option<(Element, Option<Element>)> {
    let (outer, closed, rest) = start_tag(text)?;
    if closed {
        return Some((outer, None));
    }
    if rest.trim_start().starts_with("</") {
        return Some((outer, None));
    }
    let (inner, ..) = start_tag(rest)?;
    Some((outer, Some(inner)))
}

/// An element, whether it closes itself, and what follows.
fn start_tag(text: &str) -> Option<(Element, bool, &str)> {
    let mut rest = text.trim_start();
    if rest.starts_with("<?") {
        rest = rest.split_once("?>")?.1.trim_start();
    }
    let rest = rest.strip_prefix('<')?;
    let end = rest.find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '>'))?;
    let (name, mut rest) = rest.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Some((Element { name: name.to_owned(), attributes }, true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Element { name: name.to_owned(), attributes }, false, after));
        }
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        attributes.push((key.trim().to_owned(), unescaped(value)));
        rest = after;
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_element_and_its_first_child_are_read() {
        let (body, child) =
            read("<?xml version='1.0'?>\n<body rid='1' to=\"a&amp;b\">\n <auth mechanism='X'/></body>").unwrap();
        assert_eq!((body.name.as_str(), body.attribute("to"), body.attribute("sid")), ("body", Some("a&b"), None));
        assert_eq!(child.unwrap().attribute("mechanism"), Some("X"));
        for empty in ["<body/>", "<body></body>", "<body rid='2' > </body>"] {
            assert!(read(empty).unwrap().1.is_none(), "{empty}");
        }
        for broken in ["", "body", "<body", "<body rid=1/>", "<body rid='1/>", "<body>text</body>"] {
            assert!(read(broken).is_none(), "{broken}");
        }
    }
}
