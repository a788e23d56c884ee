//! MPEG-4 and 3GPP with sound alone. AAC stays in its file; Opus is put into Ogg packet by packet, as not all browsers take
//! it from here; AMR and Apple's lossless codec are decoded.

mod boxes;
mod fragments;
mod samples;
mod track;
mod writer;

use opus_pure::OpusHead;
use vcare_domain::{MediaType, RejectReason};

pub(super) use writer::{Aac, head_of_mp4};

use super::decoders::Decoder;
use super::opus::Recorder;
use super::{amr, decoded, opus};
use samples::Samples;
use track::Codec;

/// Brands of files that hold sound, and their beginnings. HEIC and AVIF have others.
const BRANDS: [&[u8]; 8] = [b"M4", b"mp4", b"iso", b"3g", b"dash", b"qt  ", b"f4a", b"MSNV"];

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let brand = bytes.get(8..12).unwrap_or_default();
    // Something else that is broken is still something else.
    let broken = match BRANDS.iter().any(|known| brand.starts_with(known)) {
        true => RejectReason::Damaged,
        false => RejectReason::UnknownType,
    };
    let track = track::only(bytes).map_err(|reason| reason.unwrap_or(broken))?;
    let codec = Codec::of(track.entry).ok_or(RejectReason::Damaged)?;
    if codec == Codec::Other {
        return Err(RejectReason::UnknownType);
    }
    let samples = Samples::of(bytes, &track)?;
    match codec {
        Codec::Aac => {
            let written = boxes::rewrite(bytes).ok_or(RejectReason::Damaged)?;
            Ok((MediaType::M4a, written))
        }
        Codec::Opus(head) => decoded(|| opus_in_ogg(head, &samples)),
        Codec::Alac(cookie) => decoded(|| from_alac(cookie, &samples)),
        Codec::Amr { wide } => decoded(|| {
            let mut note = amr::Note::new(wide)?;
            note.expect(samples.iter())?;
            samples.iter().try_for_each(|sample| note.hear(sample))?;
            note.finish()
        }),
        Codec::Other => Err(RejectReason::UnknownType),
    }
}

/// The packets as they are.
fn opus_in_ogg(said: track::OpusSaid, samples: &Samples<'_>) -> Result<Vec<u8>, RejectReason> {
    let mut head = OpusHead::new(said.channels, said.rate).map_err(opus::rejected)?;
    head.pre_skip = said.pre_skip;
    head.output_gain_q8 = said.gain;
    let mut writer = opus::begin(head)?;
    samples.iter().try_for_each(|packet| writer.write_packet(packet).map_err(opus::rejected))?;
    opus::end(writer)
}

fn from_alac(cookie: [u8; 24], samples: &Samples<'_>) -> Result<Vec<u8>, RejectReason> {
    let said = track::AlacSaid::read(&cookie).ok_or(RejectReason::Damaged)?;
    if !matches!(said.channels, 1 | 2) {
        return Err(RejectReason::UnknownType);
    }
    let mut recorder = Recorder::new(said.rate)?;
    // All frames are equally long, but for the last.
    recorder.expect(samples.count().saturating_sub(1).saturating_mul(said.frame))?;
    let mut decoder = Decoder::alac(cookie)?;
    samples.iter().try_for_each(|packet| recorder.push(decoder.decode(packet, 0)?))?;
    recorder.finish()
}
