//! The boxes of a file whose sound is kept: those that are not needed are blanked in their place, so that what points into
//! the file still points right.

use crate::audio::{take, take_array};

/// Boxes that hold boxes.
const HOLDERS: [&[u8; 4]; 9] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"moof", b"traf"];
/// Boxes that are needed to play, or do no harm.
const KEPT: [&[u8; 4]; 31] = [
    b"ftyp", b"mdat", b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"smhd", b"dref", b"stsd", b"stts", b"stsc", b"stsz",
    b"stz2", b"stco", b"co64", b"elst", b"sgpd", b"sbgp", b"ctts", b"stss", b"mvex", b"mehd", b"trex", b"mfhd",
    b"tfhd", b"tfdt", b"trun", b"sidx", b"mfra", b"iods", b"styp",
];
const DEEPEST: u8 = 8;

/// The same boxes, with nothing in them but what plays the sound.
pub(super) fn rewrite(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut written = Vec::with_capacity(bytes.len());
    boxes(bytes, &mut written, 0)?;
    Some(written)
}

fn boxes(mut bytes: &[u8], written: &mut Vec<u8>, depth: u8) -> Option<()> {
    (depth <= DEEPEST).then_some(())?;
    while !bytes.is_empty() {
        let whole = bytes;
        let short = u32::from_be_bytes(take_array(&mut bytes)?);
        let kind: [u8; 4] = take_array(&mut bytes)?;
        let size = match short {
            0 if depth == 0 => u64::try_from(whole.len()).ok()?,
            1 => u64::from_be_bytes(take_array(&mut bytes)?),
            short => u64::from(short),
        };
        let head = whole.len() - bytes.len();
        let body = take(&mut bytes, usize::try_from(size).ok()?.checked_sub(head)?)?;
        let top = whole.get(..head)?;
        if HOLDERS.contains(&&kind) {
            written.extend_from_slice(top);
            boxes(body, written, depth + 1)?;
        } else if KEPT.contains(&&kind) {
            written.extend_from_slice(top);
            match &kind {
                // Behind who handles the track stands a name that some recorders fill with the device's.
                b"hdlr" => {
                    written.extend_from_slice(body.get(..24)?);
                    written.resize(written.len() + body.len().checked_sub(24)?, 0);
                }
                // When it was made and changed stands in front, in seconds since 1904.
                b"mvhd" | b"tkhd" | b"mdhd" => {
                    let times = if *body.first()? == 1 { 16 } else { 8 };
                    written.extend_from_slice(body.get(..4)?);
                    written.resize(written.len() + times, 0);
                    written.extend_from_slice(body.get(4 + times..)?);
                }
                // One entry that says "in this file": no player is to be sent elsewhere.
                b"dref" if body.len() != 20 => return None,
                _ => written.extend_from_slice(body),
            }
        } else {
            // udta, meta, uuid, free and whatever else: place, title, device, or something hidden.
            let start = written.len();
            written.extend_from_slice(top);
            written.get_mut(start + 4..start + 8)?.copy_from_slice(b"free");
            written.resize(written.len() + body.len(), 0);
        }
    }
    Some(())
}
