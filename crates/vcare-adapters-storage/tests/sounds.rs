//! Voice notes as real recorders write them, with a title, a place and a device in each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use bytes::Bytes;
use proptest::prelude::{Just, any, prop_oneof, proptest};
use proptest::strategy::Strategy;
use vcare_adapters_storage::Inspector;
use vcare_app::ports::{ContentInspector, InspectError, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

/// Half a second each, by ffmpeg 5.1 with `-metadata title="Ahmad Rahimi"` and so on.
const SAMPLES: [(&str, &[u8], MediaType); 6] = [
    ("ogg", include_bytes!("samples/note.ogg"), MediaType::Ogg),
    ("m4a", include_bytes!("samples/note.m4a"), MediaType::M4a),
    ("m4a in fragments", include_bytes!("samples/frag.m4a"), MediaType::M4a),
    ("mp3", include_bytes!("samples/note.mp3"), MediaType::Mp3),
    ("wav", include_bytes!("samples/note.wav"), MediaType::Wav),
    ("webm", include_bytes!("samples/note.webm"), MediaType::Webm),
];

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn look(bytes: &[u8]) -> Result<Showable, InspectError> {
    Inspector::default().inspect(UploadKind::Original, Bytes::copy_from_slice(bytes)).await
}

#[tokio::test]
async fn a_voice_note_keeps_its_sound_and_loses_what_tells_of_people_and_places() {
    for (name, sample, media_type) in SAMPLES {
        let told = ["Ahmad", "Kabul", "34.5553", "Lavf"];
        assert!(told.iter().any(|text| holds(sample, text)), "{name}");
        let shown = look(sample).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(shown.media_type, media_type, "{name}");
        for text in told {
            assert!(!holds(&shown.bytes, text), "{name} still tells {text}");
        }
        // For who wants to hear them.
        let file = format!("{}/{}.{}", env!("CARGO_TARGET_TMPDIR"), name.replace(' ', "-"), media_type.extension());
        std::fs::write(file, &shown.bytes).unwrap();
        let again = look(&shown.bytes).await.unwrap_or_else(|error| panic!("{name} again: {error}"));
        assert_eq!(again.bytes, shown.bytes, "{name}: what is written anew is not changed by it");
    }
}

#[tokio::test]
async fn what_hangs_behind_a_voice_note_is_not_kept() {
    for (name, sample, _) in SAMPLES {
        let archive = [sample, b"PK\x03\x04 an archive that tells of Ahmad PK\x05\x06"].concat();
        match look(&archive).await {
            Ok(shown) => assert!(!holds(&shown.bytes, "PK\x03\x04"), "{name}"),
            Err(error) => assert_eq!(error, InspectError::Rejected(RejectReason::Damaged), "{name}"),
        }
    }
}

/// As a browser records that cannot go back and write lengths: where a cluster ends, only what follows tells.
#[tokio::test]
async fn a_title_behind_clusters_of_unknown_length_is_not_kept() {
    let mut live = SAMPLES[5].1.to_vec();
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
    let mut film = SAMPLES[1].1.to_vec();
    let at = film.windows(4).position(|window| window == b"soun").unwrap();
    film[at..at + 4].copy_from_slice(b"vide");
    assert_eq!(look(&film).await.err(), Some(InspectError::Rejected(RejectReason::UnknownType)));
}

/// Where and how a sample is damaged.
fn damage() -> impl Strategy<Value = (usize, usize, u8, bool)> {
    (0..SAMPLES.len(), any::<proptest::sample::Index>(), prop_oneof![Just(0), Just(255), any::<u8>()], any::<bool>())
        .prop_map(|(which, at, byte, cut)| (which, at.index(SAMPLES[which].1.len()), byte, cut))
}

proptest! {
    #[test]
    fn whatever_is_damaged_is_refused_or_written_anew_and_brings_nothing_down(
        (which, at, byte, cut) in damage(),
    ) {
        let mut bytes = SAMPLES[which].1.to_vec();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(look(&bytes)) {
            Ok(shown) => assert!(shown.bytes.len() <= bytes.len() + 8),
            Err(InspectError::Rejected(_)) => {}
            Err(InspectError::Failed) => panic!("it brought the inspector down"),
        }
    }
}
