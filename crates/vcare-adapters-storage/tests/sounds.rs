//! Voice notes as real recorders write them, with a title, a place and a device in each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "sounds/listener.rs"]
mod listener;
#[path = "sounds/samples.rs"]
mod samples;

use bytes::Bytes;
use samples::{Becomes, SAMPLES, Sample};
use vcare_adapters_storage::{Inspector, recognise};
use vcare_app::ports::{ContentInspector, InspectError, Recognised, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn look(bytes: &[u8]) -> Result<Showable, InspectError> {
    Inspector::default().inspect(UploadKind::Original, Bytes::copy_from_slice(bytes)).await
}

/// A sample by its name.
fn sample(name: &str) -> &'static Sample {
    SAMPLES.iter().find(|sample| sample.name == name).unwrap()
}

fn position(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).position(|window| window == text).unwrap()
}

const UNKNOWN: Option<InspectError> = Some(InspectError::Rejected(RejectReason::UnknownType));
const DAMAGED: Option<InspectError> = Some(InspectError::Rejected(RejectReason::Damaged));

#[tokio::test]
async fn each_kind_of_recording_becomes_what_the_table_says() {
    for sample in SAMPLES {
        let looked = look(sample.bytes).await.map(|shown| shown.media_type);
        let expected = match sample.becomes {
            Becomes::Kept(media_type) => Ok(media_type),
            Becomes::Converted => Ok(MediaType::Ogg),
            Becomes::Refused(reason) => Err(InspectError::Rejected(reason)),
        };
        assert_eq!(looked, expected, "{}", sample.name);
    }
}

/// Whatever is shown is decoded again, and what was recorded is in it.
#[tokio::test]
async fn the_tone_that_was_recorded_is_heard_in_what_is_shown() {
    for Sample { name, bytes, becomes, seconds, hertz } in SAMPLES {
        if matches!(becomes, Becomes::Refused(_)) {
            continue;
        }
        let shown = look(bytes).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        // For who wants to hear them.
        let file = format!("{}/{name}.{}", env!("CARGO_TARGET_TMPDIR"), shown.media_type.extension());
        std::fs::write(file, &shown.bytes).unwrap();
        let heard = listener::hear(shown.media_type, &shown.bytes);
        assert!(heard.loudness() > 0.02, "{name} is silent: {}", heard.loudness());
        assert!((heard.tone() - hertz).abs() <= 4.0, "{name} sounds at {} Hz", heard.tone());
        assert!((heard.seconds() / seconds - 1.0).abs() < 0.1, "{name} lasts {} s", heard.seconds());
    }
}

#[tokio::test]
async fn a_voice_note_loses_what_tells_of_people_and_places() {
    for Sample { name, bytes, .. } in SAMPLES {
        let Ok(shown) = look(bytes).await else { continue };
        for text in ["Ahmad", "Kabul", "34.5553", "Lavf"] {
            assert!(!holds(&shown.bytes, text), "{name} still tells {text}");
        }
        let again = look(&shown.bytes).await.unwrap_or_else(|error| panic!("{name} again: {error}"));
        assert_eq!(again.bytes, shown.bytes, "{name}: what is written anew is not changed by it");
    }
    let telling = |sample: &&Sample| ["Ahmad", "Kabul"].iter().any(|text| holds(sample.bytes, text));
    assert!(SAMPLES.iter().filter(telling).count() > 25, "the samples tell something");
}

#[tokio::test]
async fn a_kept_sound_is_kept_bit_by_bit() {
    for name in ["tone-opus.ogg", "tone-16.wav", "tone-float.wav", "tone.mp3", "tone-aac.m4a", "tone-opus.webm"] {
        let Sample { bytes, .. } = sample(name);
        let shown = look(bytes).await.unwrap();
        // The last quarter of each of these files is sound, or tables that point at it.
        let half = bytes.len() / 2;
        let piece = &bytes[half..half + 100];
        assert!(shown.bytes.windows(100).any(|window| window == piece), "{name}");
    }
}

/// The length of the ADTS frame that begins here, header included.
fn adts_frame(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, four, five, six, ..] = *bytes else { return None };
    Some(usize::from(four & 3) << 11 | usize::from(five) << 3 | usize::from(six >> 5))
}

/// Frames of AAC go into another file, and stay what they are.
#[tokio::test]
async fn frames_of_aac_are_put_into_mpeg_4_as_they_are() {
    let adts = sample("tone.aac").bytes;
    let shown = look(adts).await.unwrap();
    assert_eq!(shown.media_type, MediaType::M4a);
    let mut rest = adts;
    let mut sound = Vec::new();
    while let Some(length) = adts_frame(rest) {
        sound.extend_from_slice(&rest[7..length]);
        rest = &rest[length..];
    }
    assert_eq!(shown.bytes[position(&shown.bytes, b"mdat") + 4..], sound);
}

/// Some recorders write a checksum after each header: a bit of the header says so.
#[tokio::test]
async fn frames_of_aac_with_checksums_are_taken_as_those_without() {
    let without = sample("tone.aac").bytes;
    let mut rest = without;
    let mut with = Vec::new();
    while let Some(length) = adts_frame(rest) {
        // 13 bits, of which the last three are the first of a byte.
        let [_, first, second, third] = (u32::try_from(length + 2).unwrap() << 5).to_be_bytes();
        let mut head: [u8; 7] = rest[..7].try_into().unwrap();
        head[1] &= 0xFE;
        head[3] = head[3] & 0xFC | first;
        head[4] = second;
        head[5] = head[5] & 0x1F | third;
        with.extend_from_slice(&head);
        with.extend_from_slice(&[0x12, 0x34]);
        with.extend_from_slice(&rest[7..length]);
        rest = &rest[length..];
    }
    assert_eq!(recognise(&with), Recognised::Possible);
    assert_eq!(look(&with).await.unwrap().bytes, look(without).await.unwrap().bytes);
}

/// What a recorder that was cut leaves behind.
#[tokio::test]
async fn half_a_recording_is_damaged_or_half_as_long() {
    let halves = [
        ("tone-opus.ogg", None),
        ("tone-opus.webm", None),
        ("tone-vorbis.ogg", None),
        ("tone-aac.m4a", None),
        ("tone-alac.m4a", None),
        ("tone-opus.mp4", None),
        ("tone-amr-nb.3gp", None),
        ("tone-aac-fragments.m4a", None),
        ("tone-nb.amr", Some(MediaType::Ogg)),
        ("tone-wb.amr", Some(MediaType::Ogg)),
        ("tone.aac", Some(MediaType::M4a)),
        ("tone.mp3", Some(MediaType::Mp3)),
        ("tone-16.wav", Some(MediaType::Wav)),
        ("tone-ima-stereo.wav", Some(MediaType::Ogg)),
        ("tone-mulaw.wav", Some(MediaType::Ogg)),
    ];
    for (name, becomes) in halves {
        let Sample { bytes, seconds, .. } = sample(name);
        let half = look(&bytes[..bytes.len() / 2]).await;
        let Some(media_type) = becomes else {
            assert_eq!(half.err(), DAMAGED, "{name}");
            continue;
        };
        let shown = half.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(shown.media_type, media_type, "{name}");
        let heard = listener::hear(media_type, &shown.bytes);
        assert!((heard.seconds() / (seconds / 2.0) - 1.0).abs() < 0.3, "{name} lasts {} s", heard.seconds());
        assert!((heard.tone() - 440.0).abs() <= 6.0, "{name} sounds at {} Hz", heard.tone());
    }
}

#[tokio::test]
async fn the_brand_of_a_file_does_not_say_what_is_in_it() {
    // Speech of a telephone under the brand of Apple's music, and AAC under that of a telephone.
    for (name, brand, media_type) in
        [("tone-amr-nb.3gp", b"M4A ", MediaType::Ogg), ("tone-aac.m4a", b"3gp6", MediaType::M4a)]
    {
        let mut bytes = sample(name).bytes.to_vec();
        bytes[8..12].copy_from_slice(brand);
        assert_eq!(look(&bytes).await.unwrap().media_type, media_type, "{name}");
    }
}

#[tokio::test]
async fn a_codec_that_is_not_known_is_refused_by_its_name() {
    for (name, from, to) in [
        ("tone-amr-nb.3gp", &b"samr"[..], &b"sqcp"[..]),
        ("tone-aac.m4a", b"mp4a", b"enca"),
        // The codec in AAC's descriptor: what was LC becomes a kind for telephones.
        ("tone-aac.m4a", b"\x05\x80\x80\x80\x05\x12", b"\x05\x80\x80\x80\x05\xBA"),
        ("tone-aac.m4a", b"\x04\x80\x80\x80\x17\x40", b"\x04\x80\x80\x80\x17\xA5"),
        ("tone-opus.webm", b"A_OPUS", b"A_AAC\0"),
        ("tone-opus.webm", b"\x83\x81\x02", b"\x83\x81\x01"),
        ("tone-16.wav", b"fmt \x10\0\0\0\x01\0", b"fmt \x10\0\0\0\x55\0"),
    ] {
        let mut bytes = sample(name).bytes.to_vec();
        let at = position(&bytes, from);
        bytes[at..at + to.len()].copy_from_slice(to);
        assert_eq!(look(&bytes).await.err(), UNKNOWN, "{name}: {to:?}");
    }
}

/// Phones write HE-AAC so; what is inside is LC with something on top.
#[tokio::test]
async fn aac_of_the_efficient_kinds_is_kept() {
    for kind in [0x2A, 0xEA] {
        let mut bytes = sample("tone-aac.m4a").bytes.to_vec();
        let at = position(&bytes, b"\x05\x80\x80\x80\x05\x12") + 5;
        bytes[at] = kind;
        assert_eq!(look(&bytes).await.unwrap().media_type, MediaType::M4a, "{kind:#x}");
    }
}

#[tokio::test]
async fn a_note_longer_than_is_converted_is_told_so() {
    // 21 minutes of frames that say that nothing was said.
    let long = [&b"#!AMR\n"[..], &vec![0x7C; 21 * 60 * 50]].concat();
    assert_eq!(look(&long).await.err(), Some(InspectError::Rejected(RejectReason::TooLong)));
    let mut wav = sample("tone-mulaw.wav").bytes.to_vec();
    let at = position(&wav, b"data");
    wav.truncate(at + 4);
    wav.extend_from_slice(&u32::MAX.to_le_bytes());
    // At the slowest rate that is taken, so that the file is no larger than an upload may be.
    let rate = position(&wav, b"fmt ") + 12;
    wav[rate..rate + 4].copy_from_slice(&4_000_u32.to_le_bytes());
    wav.resize(wav.len() + 4_000 * 60 * 21, 0xFF);
    assert_eq!(look(&wav).await.err(), Some(InspectError::Rejected(RejectReason::TooLong)));
}

#[tokio::test]
async fn a_file_without_any_sound_is_damaged() {
    let nothing = [
        b"#!AMR\n".to_vec(),
        b"#!AMR-WB\n\x04".to_vec(),
        sample("tone-16.wav").bytes[..position(sample("tone-16.wav").bytes, b"data") + 8].to_vec(),
        sample("tone-ima.wav").bytes[..position(sample("tone-ima.wav").bytes, b"data") + 20].to_vec(),
    ];
    for bytes in nothing {
        assert_eq!(look(&bytes).await.err(), DAMAGED, "{:?}", &bytes[..6]);
    }
    // A table that says there are no samples.
    let mut bytes = sample("tone-aac.m4a").bytes.to_vec();
    let at = position(&bytes, b"stsz") + 12;
    bytes[at..at + 4].fill(0);
    assert_eq!(look(&bytes).await.err(), DAMAGED);
}

#[tokio::test]
async fn a_tag_of_mp3_does_not_make_mp3_of_what_is_behind_it() {
    for name in ["tone.flac", "tone.mp2"] {
        let tagged = [&b"ID3\x03\0\0\0\0\0\x04\0\0\0\0"[..], sample(name).bytes].concat();
        assert_eq!(look(&tagged).await.err(), UNKNOWN, "{name}");
    }
}

/// Steps that grow with each sample, which the decoder of ADPCM does not expect: it may trip, and the note is damaged.
#[tokio::test]
async fn a_note_that_a_decoder_trips_over_is_no_failure_of_ours() {
    let mut wav = sample("tone-ms.wav").bytes.to_vec();
    let block = position(&wav, b"data") + 8;
    wav[block..block + 7].copy_from_slice(&[0, 0xFF, 0x7F, 0, 0, 0, 0]);
    wav[block + 7..block + 1_000].fill(0x88);
    assert_ne!(look(&wav).await.err(), Some(InspectError::Failed));
}

#[tokio::test]
async fn what_hangs_behind_a_voice_note_is_not_kept() {
    for Sample { name, bytes, becomes, .. } in SAMPLES {
        if matches!(becomes, Becomes::Refused(_)) {
            continue;
        }
        let archive = [bytes, &b"PK\x03\x04 an archive that tells of Ahmad PK\x05\x06"[..]].concat();
        match look(&archive).await {
            Ok(shown) => assert!(!holds(&shown.bytes, "PK\x03\x04"), "{name}"),
            Err(error) => assert_eq!(error, InspectError::Rejected(RejectReason::Damaged), "{name}"),
        }
    }
}

/// As a browser records that cannot go back and write lengths: where a cluster ends, only what follows tells.
#[tokio::test]
async fn a_title_behind_clusters_of_unknown_length_is_not_kept() {
    let mut live = sample("note.webm").bytes.to_vec();
    for id in [[0x18, 0x53, 0x80, 0x67], [0x1F, 0x43, 0xB6, 0x75]] {
        let at = live.windows(4).position(|window| window == id).unwrap() + 4;
        let length = live[at].leading_zeros() + 1;
        live[at] |= u8::MAX.checked_shr(length).unwrap_or(0);
        live[at + 1..at + length as usize].fill(0xFF);
    }
    // Such a file has no cues.
    live.truncate(live.windows(4).rposition(|window| window == [0x1C, 0x53, 0xBB, 0x6B]).unwrap());
    let plain = look(&live).await.unwrap();
    live.extend_from_slice(b"\x12\x54\xC3\x67\x85Kabul");
    let shown = look(&live).await.unwrap();
    assert!(!holds(&shown.bytes, "Kabul"));
    assert_eq!(shown.bytes[..plain.bytes.len()], plain.bytes, "the sound is the same");
}

#[tokio::test]
async fn a_film_is_no_voice_note() {
    let mut film = sample("note.m4a").bytes.to_vec();
    let at = position(&film, b"soun");
    film[at..at + 4].copy_from_slice(b"vide");
    assert_eq!(look(&film).await.err(), Some(InspectError::Rejected(RejectReason::UnknownType)));
}
