//! The decoders of others: packets of one codec go in, samples of one channel come out.

use symphonia_core::audio::layouts::{CHANNEL_LAYOUT_MONO, CHANNEL_LAYOUT_STEREO};
use symphonia_core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS, CODEC_ID_ALAC, CODEC_ID_VORBIS,
};
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};
use vcare_domain::RejectReason;

/// One of them, with the parameters that it needs.
pub(super) struct Decoder {
    codec: Box<dyn AudioDecoder>,
    all: Vec<f32>,
    one: Vec<f32>,
}

impl Decoder {
    fn new<E>(codec: Result<impl AudioDecoder + 'static, E>) -> Result<Self, RejectReason> {
        let codec = codec.map_err(|_| RejectReason::Damaged)?;
        Ok(Self { codec: Box::new(codec), all: Vec::new(), one: Vec::new() })
    }

    /// Vorbis, from its first packet and its third.
    pub(super) fn vorbis(heads: Vec<u8>) -> Result<Self, RejectReason> {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_VORBIS).with_extra_data(heads.into_boxed_slice());
        Self::new(symphonia_codec_vorbis::VorbisDecoder::try_new(&parameters, &AudioDecoderOptions::default()))
    }

    /// Apple's lossless codec, from the 24 bytes that describe it.
    pub(super) fn alac(cookie: [u8; 24]) -> Result<Self, RejectReason> {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_ALAC).with_extra_data(Box::new(cookie));
        Self::new(symphonia_codec_alac::AlacDecoder::try_new(&parameters, &AudioDecoderOptions::default()))
    }

    /// ADPCM as WAV has it, Microsoft's or IMA's; each packet is a block.
    pub(super) fn adpcm(microsoft: bool, rate: u32, stereo: bool, frames: u64) -> Result<Self, RejectReason> {
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(if microsoft { CODEC_ID_ADPCM_MS } else { CODEC_ID_ADPCM_IMA_WAV })
            .with_sample_rate(rate)
            .with_channels(if stereo { CHANNEL_LAYOUT_STEREO } else { CHANNEL_LAYOUT_MONO })
            .with_max_frames_per_packet(frames)
            .with_frames_per_block(frames);
        Self::new(symphonia_codec_adpcm::AdpcmDecoder::try_new(&parameters, &AudioDecoderOptions::default()))
    }

    /// What a packet sounds like; `frames` is how long it is, for codecs that need it.
    pub(super) fn decode(&mut self, packet: &[u8], frames: u64) -> Result<&[f32], RejectReason> {
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::new(frames), packet);
        let heard = self.codec.decode_ref(&packet).map_err(|_| RejectReason::Damaged)?;
        let channels = heard.spec().channels().count().max(1);
        heard.copy_to_vec_interleaved(&mut self.all);
        self.one.clear();
        self.one.extend(self.all.chunks_exact(channels).map(mixed));
        Ok(&self.one)
    }
}

/// All channels as one.
pub(super) fn mixed(frame: &[f32]) -> f32 {
    frame.iter().sum::<f32>() / frame.len().max(1) as f32
}
