//! WebM with sound alone: elements that are not needed are made void in their place, so that what points into the file
//! still points right.

use vcare_domain::RejectReason;

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
/// Who made it and with what, when, its title, and the names of files around it.
const TELLING: [u32; 10] = [0x7BA9, 0x4461, 0x4D80, 0x5741, 0x73A4, 0x7384, 0x3CB923, 0x3EB923, 0x536E, 0x22B59C];
/// What stands in a segment and is kept as it is: seek head and cues.
const KEPT: [u32; 2] = [0x114D_9B74, 0x1C53_BB6B];
/// What stands in a cluster and is kept: its time and place, and blocks of sound.
const SOUND: [u32; 6] = [0xE7, 0xA7, 0xAB, 0x5854, 0xA3, 0xA0];

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
    sound: bool,
    other: bool,
    clusters: bool,
}

pub(super) fn write_anew(bytes: &[u8]) -> Result<Vec<u8>, RejectReason> {
    let mut written = Vec::with_capacity(bytes.len());
    let mut seen = Seen::default();
    elements(bytes, Level::File, &mut written, &mut seen).ok_or(RejectReason::Damaged)?;
    if seen.sound && seen.clusters && !seen.other { Ok(written) } else { Err(RejectReason::UnknownType) }
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
            Level::File => id == EBML,
            Level::Segment => KEPT.contains(&id),
            Level::Info | Level::Track => !TELLING.contains(&id),
            Level::Tracks => false,
            Level::Cluster => SOUND.contains(&id),
        };
        let kept = kept && id != u32::from(VOID) && id != CHECKSUM;
        match (inner, id) {
            (Some(inner), _) => {
                seen.clusters |= inner == Level::Cluster;
                written.extend_from_slice(head);
                elements(body, inner, written, seen)?;
            }
            (None, id) if kept => {
                if level == Level::Track && id == TRACK_TYPE {
                    seen.sound |= body == [2];
                    seen.other |= body != [2];
                }
                written.extend_from_slice(head);
                written.extend_from_slice(body);
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
