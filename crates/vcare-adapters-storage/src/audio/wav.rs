//! RIFF WAVE: `fmt `, `fact` and `data` are kept.

use super::{take, take_array};

/// The formats that are sound and nothing else: PCM, floats, A-law, µ-law, IMA ADPCM, and the extensible spelling.
const FORMATS: [u16; 6] = [1, 3, 6, 7, 0x11, 0xFFFE];

pub(super) fn write_anew(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let file = &mut bytes;
    (take(file, 4)? == b"RIFF").then_some(())?;
    take_array::<4>(file)?;
    (take(file, 4)? == b"WAVE").then_some(())?;
    let mut written = b"RIFF\0\0\0\0WAVE".to_vec();
    let (mut format, mut data) = (false, false);
    while !data {
        let id: [u8; 4] = take_array(file)?;
        let size = usize::try_from(u32::from_le_bytes(take_array(file)?)).ok()?;
        // A recorder that was stopped hard leaves the length of its sound at zero or at the most there is.
        let size = if &id == b"data" && (size == 0 || size > file.len()) { file.len() } else { size };
        let part = take(file, size)?;
        if size % 2 == 1 {
            let _padding = take(file, 1);
        }
        match &id {
            b"fmt " => {
                let code = u16::from_le_bytes(part.get(..2)?.try_into().ok()?);
                (FORMATS.contains(&code) && part.len() >= 16 && part.len() <= 64 && !format).then_some(())?;
                format = true;
            }
            b"fact" if part.len() == 4 => {}
            b"data" => {
                format.then_some(())?;
                data = true;
            }
            // LIST, bext, id3 and whatever else tells of place, device and person.
            _ => continue,
        }
        written.extend_from_slice(&id);
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
