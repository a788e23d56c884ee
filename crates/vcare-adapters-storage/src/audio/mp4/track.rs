//! What a file holds: one track of sound, and in which codec.

use vcare_domain::RejectReason;

use crate::audio::{take, take_array};

/// A box: what it is called, where it begins in the file, and what is in it.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) kind: [u8; 4],
    pub(super) start: usize,
    pub(super) body: &'a [u8],
}

/// The boxes that stand one behind the other in `bytes`, which begin at `start` of the file. `None` at what is no box.
pub(super) fn parts(mut bytes: &[u8], mut start: usize) -> impl Iterator<Item = Option<Part<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let found = part(&mut bytes, &mut start);
        if found.is_none() {
            bytes = &[];
        }
        Some(found)
    })
}

fn part<'a>(bytes: &mut &'a [u8], start: &mut usize) -> Option<Part<'a>> {
    let whole = *bytes;
    let short = u32::from_be_bytes(take_array(bytes)?);
    let kind: [u8; 4] = take_array(bytes)?;
    let size = match short {
        0 => whole.len(),
        1 => usize::try_from(u64::from_be_bytes(take_array(bytes)?)).ok()?,
        short => usize::try_from(short).ok()?,
    };
    let head = whole.len() - bytes.len();
    let body = take(bytes, size.checked_sub(head)?)?;
    let part = Part { kind, start: *start, body };
    *start = start.checked_add(size)?;
    Some(part)
}

/// The first of that name.
pub(super) fn inside<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    parts(bytes, 0).map_while(|part| part).find(|part| &part.kind == kind).map(|part| part.body)
}

/// A track of sound.
pub(super) struct Track<'a> {
    /// What describes the codec: a box.
    pub(super) entry: &'a [u8],
    /// The tables that say where its samples are.
    pub(super) table: &'a [u8],
    /// What fragments have in common, when there may be some.
    pub(super) extends: Option<&'a [u8]>,
}

/// The track of a file that has no other. Without a reason: what is no file of this kind at all.
pub(super) fn only(bytes: &[u8]) -> Result<Track<'_>, Option<RejectReason>> {
    let mut film = None;
    for part in parts(bytes, 0) {
        let part = part.ok_or(None)?;
        if &part.kind == b"moov" && film.replace(part.body).is_some() {
            return Err(Some(RejectReason::Damaged));
        }
    }
    let film = film.ok_or(None)?;
    let mut tracks = parts(film, 0).map_while(|part| part).filter(|part| &part.kind == b"trak");
    let track = tracks.next().ok_or(Some(RejectReason::UnknownType))?;
    let media = inside(track.body, b"mdia").ok_or(Some(RejectReason::Damaged))?;
    // Who handles the track: sound, and no picture.
    let handler = inside(media, b"hdlr").and_then(|body| body.get(8..12)).ok_or(Some(RejectReason::Damaged))?;
    if handler != b"soun" || tracks.next().is_some() {
        return Err(Some(RejectReason::UnknownType));
    }
    let table = inside(media, b"minf").and_then(|body| inside(body, b"stbl")).ok_or(Some(RejectReason::Damaged))?;
    let mut described = inside(table, b"stsd").ok_or(Some(RejectReason::Damaged))?;
    let count = take(&mut described, 8).and_then(|head| head.get(4..8)).ok_or(Some(RejectReason::Damaged))?;
    // Sound that changes its codec on the way.
    if count != [0, 0, 0, 1] {
        return Err(Some(RejectReason::UnknownType));
    }
    let extends = inside(film, b"mvex").map(|body| inside(body, b"trex").unwrap_or_default());
    Ok(Track { entry: described, table, extends })
}

/// What Opus needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpusSaid {
    pub(super) channels: u8,
    pub(super) pre_skip: u16,
    pub(super) rate: u32,
    pub(super) gain: i16,
}

/// Which codec a track is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// As browsers play it: LC, HE and HE version 2.
    Aac,
    Alac([u8; 24]),
    Amr {
        wide: bool,
    },
    Opus(OpusSaid),
    /// Whatever else, also what is encrypted.
    Other,
}

impl Codec {
    /// By what describes it; `None` for what cannot be read.
    pub(super) fn of(entry: &[u8]) -> Option<Self> {
        let entry = parts(entry, 0).next()??;
        // QuickTime's sound has versions, with more in front of what stands inside.
        let skipped = match entry.body.get(8..10)? {
            [0, 1] => 28 + 16,
            [0, 2] => 28 + 36,
            _ => 28,
        };
        let inner = entry.body.get(skipped..)?;
        // QuickTime has what describes a codec in a box more.
        let said = |kind| inside(inner, kind).or_else(|| inside(inside(inner, b"wave")?, kind));
        match &entry.kind {
            b"samr" => Some(Self::Amr { wide: false }),
            b"sawb" => Some(Self::Amr { wide: true }),
            b"alac" => Some(Self::Alac(*said(b"alac")?.get(4..)?.first_chunk()?)),
            b"Opus" => opus(said(b"dOps")?),
            b"mp4a" => match said(b"esds") {
                Some(said) => aac(said.get(4..)?),
                None => Some(Self::Other),
            },
            _ => Some(Self::Other),
        }
    }
}

fn opus(said: &[u8]) -> Option<Codec> {
    let [version, channels, skip @ .., family] = said.first_chunk::<11>()?;
    let [one, two, a, b, c, d, high, low] = *skip;
    let said = OpusSaid {
        channels: *channels,
        pre_skip: u16::from_be_bytes([one, two]),
        rate: u32::from_be_bytes([a, b, c, d]),
        gain: i16::from_be_bytes([high, low]),
    };
    let plain = *version == 0 && *family == 0 && matches!(channels, 1 | 2);
    Some(if plain { Codec::Opus(said) } else { Codec::Other })
}

/// What an elementary stream's descriptor says (ISO 14496-1, 7.2.6).
fn aac(mut said: &[u8]) -> Option<Codec> {
    let mut stream = descriptor(&mut said, 3)?;
    let flags = *take(&mut stream, 3)?.last()?;
    // What it depends on, where it is, whose clock it goes by.
    for (flag, length) in [(0x80, 2), (0x40, 0), (0x20, 2)] {
        if flags & flag != 0 {
            let length = if length == 0 { usize::from(*take(&mut stream, 1)?.first()?) } else { length };
            take(&mut stream, length)?;
        }
    }
    let mut config = descriptor(&mut stream, 4)?;
    let object = *take(&mut config, 13)?.first()?;
    // MPEG-4 audio, which is a dozen codecs; or MPEG-2 AAC LC.
    if object != 0x40 {
        return Some(if object == 0x67 { Codec::Aac } else { Codec::Other });
    }
    let specific = descriptor(&mut config, 5)?;
    // LC, HE, and HE version 2. Others are lossless, for telephones, or too new for some browsers.
    Some(if matches!(specific.first()? >> 3, 2 | 5 | 29) { Codec::Aac } else { Codec::Other })
}

fn descriptor<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    (take(bytes, 1)? == [tag]).then_some(())?;
    let mut length = 0_usize;
    for _ in 0..4 {
        let byte = *take(bytes, 1)?.first()?;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return take(bytes, length);
        }
    }
    None
}

/// What the cookie of Apple's lossless codec says.
pub(super) struct AlacSaid {
    pub(super) channels: u8,
    pub(super) rate: u32,
    /// Samples of a frame.
    pub(super) frame: u64,
}

impl AlacSaid {
    /// `None` for what no encoder writes. The length of a frame is memory.
    pub(super) fn read(mut cookie: &[u8]) -> Option<Self> {
        let frame = u32::from_be_bytes(take_array(&mut cookie)?);
        let [version, depth, _, _, _, channels] = take_array(&mut cookie)?;
        let rate = u32::from_be_bytes(*cookie.last_chunk()?);
        let good = (1..=16_384).contains(&frame) && version == 0 && matches!(depth, 16 | 20 | 24 | 32);
        good.then_some(Self { channels, rate, frame: u64::from(frame) })
    }
}
