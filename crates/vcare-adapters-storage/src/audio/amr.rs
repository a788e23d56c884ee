//! AMR, narrow and wide: what telephones speak, and what the cheap ones among them record. Decoded, and written as Opus.

use codec_core::codecs::amr::{AmrCodec, AmrFrameType, AmrVariant};
use codec_core::types::{CodecConfig, CodecType, CodedFrame, FrameKind, VariableRateCodec};
use vcare_domain::{MediaType, RejectReason};

use super::opus::Recorder;
use super::{decoded, take};

const NARROW: &[u8] = b"#!AMR\n";
const WIDE: &[u8] = b"#!AMR-WB\n";

/// Whether this is a file of AMR with one channel. Of those with several we know no recorder.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(NARROW) || bytes.starts_with(WIDE)
}

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let wide = bytes.starts_with(WIDE);
    let frames = bytes.get(if wide { WIDE } else { NARROW }.len()..).unwrap_or_default();
    decoded(|| {
        let mut note = Note::new(wide)?;
        note.expect([frames].into_iter())?;
        note.hear(frames)?;
        note.finish()
    })
}

/// A frame as it is in a file.
struct Frame<'a> {
    /// Whether it came whole.
    good: bool,
    kind: AmrFrameType,
    data: &'a [u8],
}

/// The frame that begins here (RFC 4867, 5.3). One that was cut is left out.
fn frame<'a>(variant: AmrVariant, frames: &mut &'a [u8]) -> Result<Option<Frame<'a>>, RejectReason> {
    let Some([head]) = take(frames, 1) else { return Ok(None) };
    let kind = AmrFrameType::from_index(variant, head >> 3 & 15).map_err(|_| RejectReason::Damaged)?;
    Ok(take(frames, kind.octet_aligned_bytes()).map(|data| Frame { good: head & 4 == 4, kind, data }))
}

/// A note on its way from AMR to Opus.
pub(super) struct Note {
    variant: AmrVariant,
    decoder: AmrCodec,
    recorder: Recorder,
    samples: Vec<f32>,
    /// The mode that was spoken in last: what is lost or silent is heard in it.
    mode: u8,
}

impl Note {
    pub(super) fn new(wide: bool) -> Result<Self, RejectReason> {
        let (variant, codec, rate) = match wide {
            true => (AmrVariant::WideBand, CodecType::AmrWb, 16_000),
            false => (AmrVariant::NarrowBand, CodecType::AmrNb, 8_000),
        };
        let decoder = AmrCodec::new(&CodecConfig::new(codec)).map_err(|_| RejectReason::Damaged)?;
        Ok(Self { variant, decoder, recorder: Recorder::new(rate)?, samples: Vec::new(), mode: 0 })
    }

    /// Refuses what is longer than is converted, before any of it is decoded.
    pub(super) fn expect<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> Result<(), RejectReason> {
        let mut frames = 0;
        for mut piece in pieces {
            while frame(self.variant, &mut piece)?.is_some() {
                frames += 1;
            }
        }
        self.recorder.expect(frames * self.variant.frame_samples() as u64)
    }

    /// Frames one behind the other.
    pub(super) fn hear(&mut self, mut frames: &[u8]) -> Result<(), RejectReason> {
        while let Some(Frame { good, kind, data }) = frame(self.variant, &mut frames)? {
            if let AmrFrameType::Speech(mode) = kind {
                self.mode = mode.index();
            }
            let kind = match kind {
                AmrFrameType::Speech(_) => FrameKind::Speech,
                AmrFrameType::Sid(_) => FrameKind::ComfortNoise,
                AmrFrameType::NoData => FrameKind::NoData,
                AmrFrameType::SpeechLost => FrameKind::Lost,
            };
            let frame = CodedFrame { kind, mode: self.mode, quality_ok: good, data: data.to_vec() };
            let heard = self.decoder.decode_frame(&frame).map_err(|_| RejectReason::Damaged)?;
            self.samples.clear();
            self.samples.extend(heard.into_iter().map(|sample| f32::from(sample) / 32_768.0));
            self.recorder.push(&self.samples)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, RejectReason> {
        self.recorder.finish()
    }
}
