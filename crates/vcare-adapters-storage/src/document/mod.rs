//! PDF documents: every object is looked at, and what the pages need is rewritten.

mod active;
mod file;
mod jpeg;
mod syntax;
mod write;

use vcare_domain::RejectReason;

use crate::picture::most_written;
use file::File;
use syntax::{DAMAGED, Part, lookup, single};

/// Rewrites a document from the objects that its pages lead to: without what says who wrote it and with what, without
/// earlier versions, without a byte that is part of no object.
pub(crate) fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, RejectReason> {
    let file = File::read(bytes)?;
    let (inside, root) = file.object_of(file.root).ok_or(DAMAGED)?;
    let pages = lookup(inside, root.at, b"Pages").and_then(|at| single(inside, at));
    match pages {
        Some(Part::Reference(pages)) if file.object_of(pages).is_some() => {}
        _ => return Err(DAMAGED),
    }
    does_nothing_when_opened(&file, inside, root.at)?;
    write::write(&file, most_written(bytes.len().saturating_add(FOR_ITS_TABLES)))
}

/// A document that is packed as tightly as can be may be written with this many bytes more: nothing in it can be made smaller.
const FOR_ITS_TABLES: usize = 64 * 1024;

/// A document may say which page is shown first, and nothing else.
fn does_nothing_when_opened(file: &File<'_>, inside: &[u8], root: usize) -> Result<(), RejectReason> {
    let Some(action) = lookup(inside, root, b"OpenAction") else { return Ok(()) };
    let (inside, action) = match single(inside, action) {
        Some(Part::Reference(number)) => match file.object_of(number) {
            Some((inside, place)) => (inside, place.at),
            None => return Ok(()),
        },
        _ => (inside, action),
    };
    // A place in the document, rather than an action.
    if lookup(inside, action, b"S").is_none() && lookup(inside, action, b"Next").is_none() {
        return Ok(());
    }
    match lookup(inside, action, b"S").and_then(|at| single(inside, at)) {
        Some(Part::Name(name)) if *name == *b"GoTo" => Ok(()),
        _ => Err(RejectReason::ActiveContent),
    }
}
