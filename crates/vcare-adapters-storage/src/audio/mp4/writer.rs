//! A file of our own around frames of AAC.

/// Samples of a frame, for each channel.
const FRAME: u32 = 1_024;

/// Frames of AAC: what they have in common, and how long each is.
pub(in crate::audio) struct Aac {
    pub(in crate::audio) hertz: u32,
    pub(in crate::audio) channels: u8,
    pub(in crate::audio) config: [u8; 2],
    pub(in crate::audio) sizes: Vec<u32>,
}

fn packed(kind: &[u8; 4], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let size = parts.iter().map(|part| part.len()).sum::<usize>().checked_add(8)?;
    let mut packed = Vec::with_capacity(size);
    packed.extend_from_slice(&u32::try_from(size).ok()?.to_be_bytes());
    packed.extend_from_slice(kind);
    parts.iter().for_each(|part| packed.extend_from_slice(part));
    Some(packed)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Everything up to the first byte of the first frame; the frames follow, and nothing else. It says nothing of when and with
/// what it was made.
pub(in crate::audio) fn head_of_mp4(aac: &Aac) -> Option<Vec<u8>> {
    let count = u32::try_from(aac.sizes.len()).ok()?;
    let duration = count.checked_mul(FRAME)?;
    let bytes = aac.sizes.iter().try_fold(0_u32, |sum, size| sum.checked_add(*size))?;
    let ftyp = packed(b"ftyp", &[b"M4A \0\0\0\0M4A mp42isom"])?;
    // Where the frames are shows when it is known how long all this is; how long it is does not depend on it.
    let start = ftyp.len() + film(aac, count, duration, 0)?.len() + 8;
    let moov = film(aac, count, duration, u32::try_from(start).ok()?)?;
    let mdat = [bytes.checked_add(8)?.to_be_bytes(), *b"mdat"].concat();
    Some([ftyp, moov, mdat].concat())
}

fn film(aac: &Aac, count: u32, duration: u32, start: u32) -> Option<Vec<u8>> {
    // Neither turned nor moved.
    let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let mvhd = [
        words(&[0, 0, 0, aac.hertz, duration, 0x1_0000, 0x0100_0000, 0, 0]),
        matrix.clone(),
        words(&[0, 0, 0, 0, 0, 0, 2]),
    ]
    .concat();
    let tkhd = [words(&[7, 0, 0, 1, 0, duration, 0, 0, 0, 0x0100_0000]), matrix, words(&[0, 0])].concat();
    let track = packed(b"trak", &[&packed(b"tkhd", &[&tkhd])?, &media(aac, count, duration, start)?])?;
    packed(b"moov", &[&packed(b"mvhd", &[&mvhd])?, &track])
}

fn media(aac: &Aac, count: u32, duration: u32, start: u32) -> Option<Vec<u8>> {
    // 0x55C4 is the language: unknown.
    let mdhd = packed(b"mdhd", &[&words(&[0, 0, 0, aac.hertz, duration, 0x55C4_0000])])?;
    let hdlr = packed(b"hdlr", &[&[0; 8], b"soun", &[0; 13]])?;
    let smhd = packed(b"smhd", &[&[0; 8]])?;
    let here = packed(b"url ", &[&words(&[1])])?;
    let dinf = packed(b"dinf", &[&packed(b"dref", &[&words(&[0, 1]), &here])?])?;
    let stbl = packed(
        b"stbl",
        &[
            &packed(b"stsd", &[&words(&[0, 1]), &entry(aac)?])?,
            &packed(b"stts", &[&words(&[0, 1, count, FRAME])])?,
            &packed(b"stsc", &[&words(&[0, 1, 1, count, 1])])?,
            &packed(b"stsz", &[&words(&[0, 0, count]), &words(&aac.sizes)])?,
            &packed(b"stco", &[&words(&[0, 1, start])])?,
        ],
    )?;
    packed(b"mdia", &[&mdhd, &hdlr, &packed(b"minf", &[&smhd, &dinf, &stbl])?])
}

/// What describes the codec, with the descriptors of ISO 14496-1 in it.
fn entry(aac: &Aac) -> Option<Vec<u8>> {
    let config = [&[5, 2], &aac.config[..]].concat();
    // AAC, a stream of sound; buffer and bit rates are not given.
    let decoder = [&[4, 17, 0x40, 0x15], &[0; 11][..], &config].concat();
    let stream = [&[3, 25, 0, 0, 0], &decoder[..], &[6, 1, 2]].concat();
    let esds = packed(b"esds", &[&words(&[0]), &stream])?;
    let hertz = u16::try_from(aac.hertz).unwrap_or_default();
    let mut sound = words(&[0, 1, 0, 0]);
    // Channels, and the bits that are always there.
    sound.extend_from_slice(&[0, aac.channels, 0, 16, 0, 0, 0, 0]);
    sound.extend_from_slice(&words(&[u32::from(hertz) << 16]));
    packed(b"mp4a", &[&sound, &esds])
}
