//! RIFF WAVE. PCM that browsers play is kept, with `fmt ` and `data` alone around it; other spellings of sound are written as
//! Opus.

use vcare_domain::{MediaType, RejectReason};

use super::decoders::{Decoder, mixed};
use super::opus::Recorder;
use super::{decoded, take, take_array};

/// What stands behind the code in the extensible spelling's name of a format.
const EXTENSIBLE: &[u8] = b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71";
/// Rates and channels that browsers play.
const PLAYED_RATES: std::ops::RangeInclusive<u32> = 3_000..=384_000;
const PLAYED_CHANNELS: std::ops::RangeInclusive<u16> = 1..=8;

/// How the sound is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Whole numbers or floats that browsers read.
    Played,
    Pcm32,
    Float64,
    ALaw,
    MuLaw,
    Adpcm {
        microsoft: bool,
    },
}

/// What `fmt ` says.
struct Format<'a> {
    said: &'a [u8],
    spelling: Spelling,
    channels: u16,
    rate: u32,
    /// Bytes of a block: of one sample of each channel, or of those that are packed together.
    block: u16,
}

fn number(part: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(part.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

impl<'a> Format<'a> {
    fn read(part: &'a [u8]) -> Result<Self, RejectReason> {
        Self::parse(part).ok_or(RejectReason::Damaged)?
    }

    /// `None` for what is no format at all.
    fn parse(part: &'a [u8]) -> Option<Result<Self, RejectReason>> {
        let channels = number(part, 2)?;
        let rate = u32::from_le_bytes(part.get(4..8)?.try_into().ok()?);
        let (block, bits) = (number(part, 12)?, number(part, 14)?);
        (channels > 0 && rate > 0 && block > 0).then_some(())?;
        let (code, said) = match number(part, 0)? {
            0xFFFE if part.get(26..40) == Some(EXTENSIBLE) => (number(part, 24)?, part.get(..40)?),
            1 => (1, part.get(..16)?),
            code => (code, part),
        };
        let spelling = match (code, bits) {
            (1, 8 | 16 | 24) | (3, 32) => Spelling::Played,
            (1, 32) => Spelling::Pcm32,
            (3, 64) => Spelling::Float64,
            (6, 8) => Spelling::ALaw,
            (7, 8) => Spelling::MuLaw,
            (2, 4) => Spelling::Adpcm { microsoft: true },
            (0x11, 4) => Spelling::Adpcm { microsoft: false },
            // GSM, MP3, AC-3 and a hundred others.
            _ => return Some(Err(RejectReason::UnknownType)),
        };
        let played = PLAYED_RATES.contains(&rate) && PLAYED_CHANNELS.contains(&channels);
        if (spelling == Spelling::Played && !played) || (spelling != Spelling::Played && channels > 2) {
            return Some(Err(RejectReason::UnknownType));
        }
        let packed = matches!(spelling, Spelling::Adpcm { .. });
        (packed || u32::from(block) * 8 == u32::from(channels) * u32::from(bits)).then_some(())?;
        Some(Ok(Self { said, spelling, channels, rate, block }))
    }

    /// What `fmt ` says when it is rewritten: a float has a count of further bytes, which is 0.
    fn written(&self) -> Vec<u8> {
        match number(self.said, 0) {
            Some(3) => [self.said.get(..16).unwrap_or_default(), &[0, 0]].concat(),
            _ => self.said.to_vec(),
        }
    }
}

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let Parts { format, length, data } = parts(bytes).ok_or(RejectReason::Damaged)?;
    let format = Format::read(format)?;
    if data.len() < usize::from(format.block) {
        return Err(RejectReason::Damaged);
    }
    match format.spelling {
        Spelling::Played => {
            let kept = kept(&format.written(), data).ok_or(RejectReason::Damaged)?;
            Ok((MediaType::Wav, kept))
        }
        Spelling::Adpcm { microsoft } => decoded(|| unpacked(&format, microsoft, length, data)),
        Spelling::Pcm32 => {
            decoded(|| read(&format, data, |bytes: [u8; 4]| i32::from_le_bytes(bytes) as f32 / 2_147_483_648.0))
        }
        Spelling::Float64 => decoded(|| read(&format, data, |bytes: [u8; 8]| f64::from_le_bytes(bytes) as f32)),
        Spelling::ALaw => decoded(|| read(&format, data, |[byte]| f32::from(a_law(byte)) / 32_768.0)),
        Spelling::MuLaw => decoded(|| read(&format, data, |[byte]| f32::from(mu_law(byte)) / 32_768.0)),
    }
}

/// What `fmt ` and `data` hold, and how many samples `fact` says there are.
struct Parts<'a> {
    format: &'a [u8],
    length: Option<u32>,
    data: &'a [u8],
}

fn parts(mut bytes: &[u8]) -> Option<Parts<'_>> {
    let file = &mut bytes;
    (take(file, 4)? == b"RIFF").then_some(())?;
    take_array::<4>(file)?;
    (take(file, 4)? == b"WAVE").then_some(())?;
    let (mut format, mut length) = (None, None);
    loop {
        let id: [u8; 4] = take_array(file)?;
        let size = usize::try_from(u32::from_le_bytes(take_array(file)?)).ok()?;
        // A recorder that was stopped hard leaves the length of its sound at zero or at the most there is.
        let size = if &id == b"data" && (size == 0 || size > file.len()) { file.len() } else { size };
        let part = take(file, size)?;
        if size % 2 == 1 {
            let _padding = take(file, 1);
        }
        match &id {
            b"fmt " if format.is_none() && part.len() >= 16 => format = Some(part),
            b"fmt " => return None,
            b"fact" => length = part.first_chunk().map(|samples| u32::from_le_bytes(*samples)),
            b"data" => return Some(Parts { format: format?, length, data: part }),
            // LIST, bext, id3 and whatever else tells of place, device and person.
            _ => {}
        }
    }
}

fn kept(format: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut written = b"RIFF\0\0\0\0WAVE".to_vec();
    for (id, part) in [(b"fmt ", format), (b"data", data)] {
        written.extend_from_slice(id);
        written.extend_from_slice(&u32::try_from(part.len()).ok()?.to_le_bytes());
        written.extend_from_slice(part);
        if part.len() % 2 == 1 {
            written.push(0);
        }
    }
    let size = u32::try_from(written.len() - 8).ok()?.to_le_bytes();
    written.get_mut(4..8)?.copy_from_slice(&size);
    Some(written)
}

/// Samples of `N` bytes each, one channel beside the other.
fn read<const N: usize>(format: &Format<'_>, data: &[u8], sample: fn([u8; N]) -> f32) -> Result<Vec<u8>, RejectReason> {
    let mut recorder = Recorder::new(format.rate)?;
    recorder.expect(data.len() as u64 / u64::from(format.block))?;
    let mut mono = Vec::new();
    for piece in data.chunks(usize::from(format.block) * 1_024) {
        mono.clear();
        for block in piece.chunks_exact(usize::from(format.block)) {
            let (samples, _) = block.as_chunks::<N>();
            let (mut frame, channels) = ([0.0; 2], samples.len().min(2));
            for (to, from) in frame.iter_mut().zip(samples) {
                *to = sample(*from);
            }
            mono.push(mixed(frame.get(..channels).unwrap_or_default()));
        }
        recorder.push(&mono)?;
    }
    recorder.finish()
}

/// Blocks of four bits a sample. The last one is filled up beyond where the sound ends, and only `fact` says where that is.
fn unpacked(format: &Format<'_>, microsoft: bool, length: Option<u32>, data: &[u8]) -> Result<Vec<u8>, RejectReason> {
    let (block, channels) = (u64::from(format.block), u64::from(format.channels));
    // The first one or two samples of a block stand in its head, which has 7 or 4 bytes for each channel.
    let (head, whole) = if microsoft { (7, 2) } else { (4, 1) };
    let packed = block.checked_sub(head * channels).ok_or(RejectReason::Damaged)? * 2 / channels;
    // IMA packs two channels by eight samples.
    let packed = if !microsoft && channels == 2 { packed / 8 * 8 } else { packed / 2 * 2 };
    let frames = packed + whole;
    let mut recorder = Recorder::new(format.rate)?;
    recorder.expect(data.len() as u64 / block * frames)?;
    let mut decoder = Decoder::adpcm(microsoft, format.rate, channels == 2, frames)?;
    let mut left = length.filter(|length| *length > 0).map_or(usize::MAX, |length| length as usize);
    // A last block that was cut is left out.
    for block in data.chunks_exact(usize::from(format.block)) {
        let sound = decoder.decode(block, frames)?;
        let sound = sound.get(..left).unwrap_or(sound);
        left -= sound.len();
        recorder.push(sound)?;
    }
    recorder.finish()
}

/// G.711 as Europe's telephones have it.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (byte >> 4 & 7, i16::from(byte & 15) << 4);
    let size = match exponent {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -size } else { size }
}

/// G.711 as America's and Japan's have it.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let size = (((i16::from(byte & 15) << 3) + 0x84) << (byte >> 4 & 7)) - 0x84;
    if byte & 0x80 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::{a_law, mu_law};

    /// From the tables of G.711, at 16 bits.
    #[test]
    fn telephone_samples_are_as_loud_as_the_standard_says() {
        assert_eq!([0xD5, 0x55, 0xAA, 0x2A, 0x80].map(a_law), [8, -8, 32_256, -32_256, 5_504]);
        assert_eq!([0xFF, 0x7F, 0x80, 0x00, 0xF0].map(mu_law), [0, 0, 32_124, -32_124, 120]);
    }
}
