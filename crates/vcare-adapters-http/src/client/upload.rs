//! A body that is passed on as it comes.

use futures_util::stream;
use reqwest::Body;
use vcare_app::ports::AudioBody;

/// The audio as a body: piece by piece, as fast as the neighbour takes them. One that is cut short breaks the request off, so
/// that the neighbour does not take half of it for all of it.
pub(super) fn body(audio: AudioBody) -> Body {
    let pieces = stream::unfold(audio, |mut audio| async move {
        let piece = audio.next().await?;
        Some((piece, audio))
    });
    Body::wrap_stream(pieces)
}
