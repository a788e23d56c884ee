//! What in a document would do something by itself, or bring something along that nobody has looked at.

use vcare_domain::RejectReason;

use super::syntax::{Part, decoded};

/// Keys under which there is a script, something that runs by itself, or another file.
const KEYS: [&[u8]; 10] = [
    b"JS",
    b"JavaScript",
    b"AA",
    b"EF",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"AF",
    b"XFA",
    b"RichMediaContent",
    b"Launch",
];

/// Names of actions, annotations and files of which the same is true. Wherever they stand: a reader may come upon them.
/// An annotation of the kind `Screen` does nothing without a rendition, and a way of mixing colours is called that, too.
const NAMES: [&[u8]; 16] = [
    b"JavaScript",
    b"Launch",
    b"SubmitForm",
    b"ImportData",
    b"GoToR",
    b"GoToE",
    b"GoTo3DView",
    b"Movie",
    b"Sound",
    b"Rendition",
    b"RichMedia",
    b"RichMediaExecute",
    b"3D",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"FileAttachment",
];

/// What a link may lead to, for who clicks on it.
const SCHEMES: [&[u8]; 4] = [b"https:", b"http:", b"mailto:", b"tel:"];

/// Looks at the parts of an object one after the other.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The part before was the key of a link.
    link: bool,
}

impl Watch {
    /// Looks at the next one.
    pub(super) fn look(&mut self, part: &Part<'_>) -> Result<(), RejectReason> {
        let link = std::mem::take(&mut self.link);
        let allowed = match part {
            Part::Key(key) => {
                self.link = **key == *b"URI";
                !KEYS.contains(&&**key)
            }
            Part::Name(name) => !NAMES.contains(&&**name),
            Part::Text(text) => !link || leads_somewhere_known(&decoded(text)),
            // A link that stands elsewhere is looked at by nobody.
            Part::Reference(_) => !link,
            _ => true,
        };
        if allowed { Ok(()) } else { Err(RejectReason::ActiveContent) }
    }
}

fn leads_somewhere_known(link: &[u8]) -> bool {
    let link = link.trim_ascii_start();
    let begins = |scheme: &&[u8]| link.get(..scheme.len()).is_some_and(|found| found.eq_ignore_ascii_case(scheme));
    SCHEMES.iter().any(begins)
}
