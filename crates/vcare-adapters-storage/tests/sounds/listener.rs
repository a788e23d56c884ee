//! Hears what a file holds, by decoders that had no part in writing it where there are some.

use std::io::Cursor;

use opus_pure::{MAX_PACKET_SAMPLES, OggOpusReader, OpusDecoder, Trim};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use vcare_domain::MediaType;

/// One channel of sound.
pub struct Heard {
    pub rate: u32,
    pub samples: Vec<f32>,
}

impl Heard {
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// How loud it is in the middle, of 1.
    pub fn loudness(&self) -> f64 {
        let middle = self.middle();
        (middle.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / middle.len() as f64).sqrt()
    }

    /// The tone that is heard most in the middle, to 4 Hz, between 100 Hz and 1.3 kHz.
    pub fn tone(&self) -> f64 {
        let middle = self.middle();
        let window = |at: usize| 0.5 - 0.5 * (std::f64::consts::TAU * at as f64 / middle.len() as f64).cos();
        let middle: Vec<f64> = middle.iter().enumerate().map(|(at, it)| f64::from(*it) * window(at)).collect();
        let candidates = (25..325).map(|quarter| f64::from(quarter) * 4.0);
        let strengths = candidates.map(|hertz| (self.strength(&middle, hertz), hertz));
        strengths.max_by(|one, two| one.0.total_cmp(&two.0)).unwrap().1
    }

    /// Codecs swing in, and silence may follow.
    fn middle(&self) -> &[f32] {
        let whole = self.samples.len();
        &self.samples[whole / 5..whole / 2]
    }

    /// Goertzel's sum.
    fn strength(&self, middle: &[f64], hertz: f64) -> f64 {
        let factor = 2.0 * (std::f64::consts::TAU * hertz / f64::from(self.rate)).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in middle {
            (last, before) = (sample + factor * last - before, last);
        }
        last * last + before * before - factor * last * before
    }
}

pub fn hear(media_type: MediaType, bytes: &[u8]) -> Heard {
    match media_type {
        MediaType::Ogg => ogg(bytes),
        MediaType::Webm => webm(bytes),
        _ => other(media_type, bytes),
    }
}

fn ogg(bytes: &[u8]) -> Heard {
    let mut reader = OggOpusReader::new(Cursor::new(bytes)).unwrap();
    let channels = usize::from(reader.head().channel_count);
    let mut decoder = reader.head().decoder(48_000).unwrap();
    let mut trim = Trim::new(reader.head(), 48_000, channels).unwrap();
    let (mut block, mut samples) = (vec![0.0; MAX_PACKET_SAMPLES * channels], Vec::new());
    for packet in reader.packets() {
        let packet = packet.unwrap();
        let count = decoder.decode(&packet.data, MAX_PACKET_SAMPLES, &mut block).unwrap();
        samples.extend(trim.keep(&packet, &block[..count * channels]).chunks(channels).map(|frame| frame[0]));
    }
    Heard { rate: 48_000, samples }
}

fn webm(bytes: &[u8]) -> Heard {
    let mut decoder = OpusDecoder::new(48_000, 1).unwrap();
    let (mut block, mut samples) = (vec![0.0; MAX_PACKET_SAMPLES], Vec::new());
    packets("webm", bytes, |packet| {
        let count = decoder.decode(packet, MAX_PACKET_SAMPLES, &mut block).unwrap();
        samples.extend_from_slice(&block[..count]);
    });
    Heard { rate: 48_000, samples }
}

fn packets(extension: &str, bytes: &[u8], mut look: impl FnMut(&[u8])) {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut format = symphonia::default::get_probe()
        .probe(&hint, source, FormatOptions::default(), MetadataOptions::default())
        .unwrap();
    while let Some(packet) = format.next_packet().unwrap() {
        look(&packet.data);
    }
}

fn other(media_type: MediaType, bytes: &[u8]) -> Heard {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(media_type.extension());
    let mut format = symphonia::default::get_probe()
        .probe(&hint, source, FormatOptions::default(), MetadataOptions::default())
        .unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let told = track.codec_params.as_ref().unwrap().audio().unwrap().clone();
    let mut decoder =
        symphonia::default::get_codecs().make_audio_decoder(&told, &AudioDecoderOptions::default()).unwrap();
    let (mut rate, mut samples, mut all) = (0, Vec::new(), Vec::<f32>::new());
    while let Some(packet) = format.next_packet().unwrap() {
        let heard = decoder.decode(&packet).unwrap();
        rate = heard.spec().rate();
        let channels = heard.spec().channels().count();
        heard.copy_to_vec_interleaved(&mut all);
        samples.extend(all.chunks(channels).map(|frame| frame[0]));
    }
    Heard { rate, samples }
}
