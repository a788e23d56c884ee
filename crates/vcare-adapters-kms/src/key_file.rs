//! The key file: who may read it, and how it is first written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// What to do when there is no key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Refuse: a new key would make every link that was sent out worthless.
    Refuse,
    /// Draw a key and write it: for a sandbox.
    Create,
}

/// Why there is no master key. Holds nothing of the file's content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no file.
    #[error("the key file does not exist")]
    Missing,
    /// Others than its owner can use it.
    #[error("the key file's mode is {mode:03o}: others can read or change it; set it to 600")]
    TooOpen {
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, a device.
    #[error("the key file is not a regular file")]
    NotAFile,
    /// Its content is no key.
    #[error("the key file must hold 64 hex digits and nothing else")]
    Malformed,
    /// The system's random source failed.
    #[error("no random numbers for a new key")]
    NoRandom,
    /// The file cannot be read or written.
    #[error("the key file cannot be used")]
    Io(#[from] io::Error),
}

/// 64 digits and a line end.
const MAX_FILE_BYTES: u64 = 66;

pub(crate) fn read(path: &Path, if_missing: IfMissing) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let file = match (File::open(path), if_missing) {
        (Err(error), IfMissing::Create) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            File::open(path)?
        }
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => return Err(KeyFileError::Missing),
        (opened, _) => opened?,
    };
    // Of the file that was opened, not of whatever has that name by now.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile);
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize + 1));
    match file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(KeyFileError::Malformed),
        read => read?,
    };
    parse(&text).ok_or(KeyFileError::Malformed)
}

fn parse(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.strip_suffix('\n').unwrap_or(text);
    let digits = digits.strip_suffix('\r').unwrap_or(digits).as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(key)
}

/// Writes a new key beside its place and links it there: a second process that starts at the same moment either sees no
/// file or a whole one, and both end up with the same key.
fn create(path: &Path) -> Result<(), KeyFileError> {
    let mut key = Zeroizing::new([0_u8; 32]);
    SystemRandom::new().fill(&mut key[..]).map_err(|_| KeyFileError::NoRandom)?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in key.iter() {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text.push('\n');
    let mut nonce = [0_u8; 8];
    SystemRandom::new().fill(&mut nonce).map_err(|_| KeyFileError::NoRandom)?;
    let draft = path.with_extension(format!("new-{:016x}", u64::from_be_bytes(nonce)));
    let written = write(&draft, text.as_bytes()).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written?;
    Ok(removed?)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hex_digits_and_at_most_a_line_end() {
        let digits = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
        for good in [digits.clone(), format!("{digits}\n"), format!("{digits}\r\n")] {
            assert_eq!(parse(&good).map(|key| (key[0], key[1], key[31])), Some((0x01, 0x23, 0xCD)), "{}", good.len());
        }
        for bad in ["", &digits[1..], &format!("{digits}0"), &format!(" {digits}"), &digits.replace('0', "g")] {
            assert!(parse(bad).is_none(), "{} characters", bad.len());
        }
    }
}
