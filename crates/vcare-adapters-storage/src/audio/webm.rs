//! WebM with Opus alone: elements that are not needed are made void in their place, so that what points into the file
//! still points right.

use vcare_domain::{MediaType, RejectReason};

use super::take;

const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const INFO: u32 = 0x1549_A966;
const VOID: u8 = 0xEC;
/// The checksum of the elements beside it. It would be wrong when one of them is made void.
const CHECKSUM: u32 = 0xBF;
/// A track's type: 2 is sound.
const TRACK_TYPE: u32 = 0x83;
const CODEC: u32 = 0x86;
/// Who made it and with what, when, its title, and the names of files around it.
const TELLING: [u32; 10] = [0x7BA9, 0x4461, 0x4D80, 0x5741, 0x73A4, 0x7384, 0x3CB923, 0x3EB923, 0x536E, 0x22B59C];
/// Of these, what wrote the file: it must be there, and may be empty.
const WRITERS: [u32; 2] = [0x4D80, 0x5741];
/// What stands in a segment and is kept as it is: seek head and cues.
const KEPT: [u32; 2] = [0x114D_9B74, 0x1C53_BB6B];
/// What stands in a cluster and is kept: its time and place, and blocks of sound.
const SOUND: [u32; 6] = [0xE7, 0xA7, 0xAB, 0x5854, 0xA3, 0xA0];
/// Those that are the sound.
const BLOCKS: [u32; 2] = [0xA3, 0xA0];
/// The head of every file that is written: WebM, with ids of four bytes and sizes of eight. Some browsers read Matroska of that
/// name alone, and whatever else a head says needs nobody.
const HEAD: &[u8] = b"\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\xF7\x81\x01\x42\xF2\x81\x04\x42\xF3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02";

/// An id with its marker bits, as it is usually written.
fn id(bytes: &mut &[u8]) -> Option<u32> {
    let length = usize::try_from(bytes.first()?.leading_zeros()).ok()? + 1;
    (length <= 4).then_some(())?;
    Some(take(bytes, length)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)))
}

/// A size; `None` inside says that it is not known, as recorders write it that cannot go back.
fn size(bytes: &mut &[u8]) -> Option<Option<usize>> {
    let first = *bytes.first()?;
    let length = usize::try_from(first.leading_zeros()).ok()? + 1;
    (length <= 8).then_some(())?;
    let coded = take(bytes, length)?;
    let mask = u64::MAX >> (64 - 7 * length);
    let value = coded.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)) & mask;
    if value == mask { Some(None) } else { usize::try_from(value).ok().map(Some) }
}

#[derive(Default)]
struct Seen {
    tracks: u32,
    sound: bool,
    opus: bool,
    blocks: bool,
}

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let mut written = Vec::with_capacity(bytes.len());
    let mut seen = Seen::default();
    elements(bytes, Level::File, &mut written, &mut seen).ok_or(RejectReason::Damaged)?;
    match seen {
        Seen { tracks: 1, sound: true, opus: true, blocks: true } => Ok((MediaType::Webm, written)),
        // The head of a recording that ended before it began.
        Seen { tracks: 0, .. } | Seen { sound: true, opus: true, blocks: false, .. } => Err(RejectReason::Damaged),
        _ => Err(RejectReason::UnknownType),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    File,
    Segment,
    Info,
    Tracks,
    Track,
    Cluster,
}

fn elements(mut bytes: &[u8], level: Level, written: &mut Vec<u8>, seen: &mut Seen) -> Option<()> {
    while !bytes.is_empty() {
        let whole = bytes;
        let id = id(&mut bytes)?;
        let size = size(&mut bytes)?;
        let head = whole.get(..whole.len() - bytes.len())?;
        let body = match size {
            Some(size) => take(&mut bytes, size)?,
            None if id == SEGMENT => std::mem::take(&mut bytes),
            None if id == CLUSTER => {
                let length = cluster(bytes)?;
                take(&mut bytes, length)?
            }
            None => return None,
        };
        let inner = match (level, id) {
            (Level::File, SEGMENT) => Some(Level::Segment),
            (Level::Segment, INFO) => Some(Level::Info),
            (Level::Segment, TRACKS) => Some(Level::Tracks),
            (Level::Tracks, TRACK) => Some(Level::Track),
            (Level::Segment, CLUSTER) => Some(Level::Cluster),
            _ => None,
        };
        let kept = match level {
            Level::File => false,
            Level::Segment => KEPT.contains(&id),
            Level::Info | Level::Track => !TELLING.contains(&id),
            Level::Tracks => false,
            Level::Cluster => SOUND.contains(&id),
        };
        let kept = kept && id != u32::from(VOID) && id != CHECKSUM;
        match (inner, id) {
            (Some(inner), _) => {
                seen.tracks += u32::from(inner == Level::Track);
                written.extend_from_slice(head);
                elements(body, inner, written, seen)?;
            }
            (None, id) if kept => {
                match (level, id) {
                    (Level::Track, TRACK_TYPE) => seen.sound = body == [2],
                    (Level::Track, CODEC) => seen.opus = body == b"A_OPUS",
                    (Level::Cluster, id) => seen.blocks |= BLOCKS.contains(&id),
                    _ => {}
                }
                written.extend_from_slice(head);
                written.extend_from_slice(body);
            }
            (None, EBML) if level == Level::File => written.extend_from_slice(HEAD),
            (None, id) if level == Level::Info && WRITERS.contains(&id) => {
                written.extend_from_slice(head);
                written.resize(written.len() + body.len(), 0);
            }
            // Nothing but the head and the segment stands in a file.
            (None, _) if level == Level::File => return None,
            _ => void(head.len() + body.len(), written)?,
        }
    }
    Some(())
}

/// How long a cluster is that does not say so: up to the first element that stands in none.
fn cluster(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let from = bytes.len() - rest.len();
        let id = id(&mut rest)?;
        if !SOUND.contains(&id) && id != u32::from(VOID) && id != CHECKSUM {
            return Some(from);
        }
        let length = size(&mut rest)??;
        take(&mut rest, length)?;
    }
    Some(bytes.len())
}

/// An element of that length that says nothing. The shortest has two bytes, as every element has.
fn void(length: usize, written: &mut Vec<u8>) -> Option<()> {
    written.push(VOID);
    let zeros = if length < 2 + 127 {
        let zeros = length.checked_sub(2)?;
        written.push(0x80 | u8::try_from(zeros).ok()?);
        zeros
    } else {
        let zeros = length.checked_sub(9)?;
        let coded = (u64::try_from(zeros).ok()? | 1 << 56).to_be_bytes();
        written.extend_from_slice(&coded);
        zeros
    };
    written.resize(written.len() + zeros, 0);
    Some(())
}
