//! What is heard, written as Opus in Ogg: one channel, as much of it as a voice note may be long.

use std::io::{self, Write};

use opus_pure::{Application, Error, MAX_PACKET_BYTES, OggOpusWriter, OpusEncoder, OpusHead, OpusTags};
use vcare_domain::{MAX_UPLOAD_BYTES, RejectReason};

use super::resample::Resampler;

/// The longest note that is converted. This much of the slowest format is half a minute's work, and a worker holds an upload for
/// three.
pub(super) const MAX_SECONDS: u32 = 20 * 60;
/// The rates Opus has.
const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];
/// Rates that are recorded and converted.
const TAKEN: std::ops::RangeInclusive<u32> = 4_000..=192_000;
/// Frames of 20 ms: 50 a second.
const FRAMES_A_SECOND: u32 = 50;

/// A file that does not grow beyond what an upload may have.
#[derive(Default)]
pub(super) struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_UPLOAD_BYTES as usize {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What went wrong with a file of Opus.
pub(super) fn rejected(error: Error) -> RejectReason {
    match error {
        Error::Io(_) => RejectReason::TooLong,
        _ => RejectReason::Damaged,
    }
}

/// A file of Opus that says nothing of who made it and with what.
pub(super) fn begin(head: OpusHead) -> Result<OggOpusWriter<Bounded>, RejectReason> {
    let silent = OpusTags { vendor: String::new(), comments: Vec::new() };
    OggOpusWriter::with_tags(Bounded::default(), head, silent).map_err(rejected)
}

/// The file, when all of it is written.
pub(super) fn end(writer: OggOpusWriter<Bounded>) -> Result<Vec<u8>, RejectReason> {
    Ok(writer.finish().map_err(rejected)?.0)
}

/// Takes samples of one channel and writes them down. Holds a frame of them, and the file.
pub(super) struct Recorder {
    resampler: Resampler,
    encoder: OpusEncoder,
    writer: OggOpusWriter<Bounded>,
    pre_skip: u64,
    /// Samples in a frame.
    frame: usize,
    /// Samples at 48 kHz, by which Ogg counts, for each of ours.
    ticks: u64,
    waiting: Vec<f32>,
    packet: Vec<u8>,
    /// The packet before. The last one says where the sound ends, and which that is shows only when there is no other.
    held: Option<Vec<u8>>,
    encoded: u64,
    /// How many samples more it takes.
    left: u64,
}

impl Recorder {
    /// For samples at that rate.
    pub(super) fn new(rate: u32) -> Result<Self, RejectReason> {
        if !TAKEN.contains(&rate) {
            return Err(RejectReason::UnknownType);
        }
        let to = RATES.into_iter().find(|to| *to >= rate).unwrap_or(48_000);
        // A voice over the telephone, and everything better.
        let bits = if to <= 12_000 { 16_000 } else { 24_000 };
        let mut encoder = OpusEncoder::new(to.cast_signed(), 1, Application::Audio).map_err(rejected)?;
        encoder.bitrate_bps = bits;
        let head = OpusHead::for_encoder(&encoder, to);
        let frame = (to / FRAMES_A_SECOND) as usize;
        Ok(Self {
            resampler: Resampler::new(rate, to),
            encoder,
            pre_skip: u64::from(head.pre_skip),
            writer: begin(head)?,
            frame,
            ticks: u64::from(48_000 / to),
            waiting: Vec::new(),
            packet: vec![0; MAX_PACKET_BYTES],
            held: None,
            encoded: 0,
            // At more than 48 kHz the time is shorter, and the work the same.
            left: u64::from(rate.min(48_000)) * u64::from(MAX_SECONDS),
        })
    }

    /// Refuses a note that says beforehand that it has more samples than are taken: so much is not decoded for nothing.
    pub(super) const fn expect(&self, samples: u64) -> Result<(), RejectReason> {
        if samples > self.left { Err(RejectReason::TooLong) } else { Ok(()) }
    }

    /// Takes samples between -1 and 1. Others are brought there: a codec rings, and floats can be anything.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), RejectReason> {
        self.left = self.left.checked_sub(samples.len() as u64).ok_or(RejectReason::TooLong)?;
        let mut tame = [0.0; 512];
        for piece in samples.chunks(tame.len()) {
            for (to, from) in tame.iter_mut().zip(piece) {
                *to = if from.is_finite() { from.clamp(-1.0, 1.0) } else { 0.0 };
            }
            self.resampler.push(tame.get(..piece.len()).unwrap_or_default(), &mut self.waiting);
        }
        let whole = self.waiting.len() - self.waiting.len() % self.frame;
        let frames: Vec<f32> = self.waiting.drain(..whole).collect();
        frames.chunks_exact(self.frame).try_for_each(|frame| self.encode(frame))
    }

    fn encode(&mut self, frame: &[f32]) -> Result<(), RejectReason> {
        if let Some(before) = self.held.take() {
            self.writer.write_packet(&before).map_err(rejected)?;
        }
        let length = self.encoder.encode(frame, self.frame, &mut self.packet).map_err(rejected)?;
        self.held = self.packet.get(..length).map(<[u8]>::to_vec);
        self.encoded += 1;
        Ok(())
    }

    /// The file. What holds no sound at all is no voice note.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, RejectReason> {
        self.resampler.finish(&mut self.waiting);
        let total = self.resampler.made();
        if total == 0 {
            return Err(RejectReason::Damaged);
        }
        // The encoder is some samples behind: silence brings the last of them out. Where the sound ends is said by the last
        // packet's length.
        let needed = (total + self.pre_skip.div_ceil(self.ticks)).div_ceil(self.frame as u64);
        let missing = usize::try_from(needed.saturating_sub(self.encoded)).unwrap_or_default();
        let mut rest = std::mem::take(&mut self.waiting);
        rest.resize(missing * self.frame, 0.0);
        rest.chunks_exact(self.frame).try_for_each(|frame| self.encode(frame))?;
        let last = self.held.take().ok_or(RejectReason::Damaged)?;
        let behind = self.pre_skip + total * self.ticks;
        let length = behind.saturating_sub(self.writer.granule().unsigned_abs());
        let length = u32::try_from(length).map_err(|_| RejectReason::Damaged)?;
        self.writer.write_packet_with_duration(&last, length).map_err(rejected)?;
        end(self.writer)
    }
}
