//! All objects of a file, found by reading it from front to back. What the file says of where they are is not believed: readers
//! differ in what they make of it, and only what is found here is written.

use std::collections::HashMap;
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};
use vcare_domain::RejectReason;

use super::active::Watch;
use super::syntax::{DAMAGED, Lexer, Part, Token, lookup, single, walk, whole};

/// The most objects of a document.
const MOST_OBJECTS: usize = 200_000;
/// The most bytes that all its packed objects unpack to.
const MOST_UNPACKED: usize = 32 * 1024 * 1024;
/// How often something that is no part of a document is passed over.
const MOST_TRIES: u32 = 64;
/// No number of an object is higher (ISO 32000, annex C).
const MOST_NUMBER: u32 = 8_388_607;

/// Where an object stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// In the file, or in which of the unpacked.
    unpacked: Option<usize>,
    pub(super) at: usize,
    /// The bytes behind its dictionary, if it has some, in the file.
    pub(super) stream: Option<Range<usize>>,
}

/// A document's objects. A later one takes the place of one before it of the same number.
#[derive(Debug)]
pub(super) struct File<'a> {
    bytes: &'a [u8],
    unpacked: Vec<Vec<u8>>,
    /// How many bytes these have together.
    unpacked_bytes: usize,
    objects: HashMap<u32, Place>,
    pub(super) root: u32,
    /// What is wrong with it, unless it is locked: then nothing in it is what it seems.
    fault: Option<RejectReason>,
}

impl<'a> File<'a> {
    /// Reads a file to its end.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, RejectReason> {
        let mut file =
            Self { bytes, unpacked: Vec::new(), unpacked_bytes: 0, objects: HashMap::new(), root: 0, fault: None };
        let mut lexer = Lexer::new(bytes, 0);
        let mut numbers: [Option<u32>; 2] = [None; 2];
        let (mut end_of_last, mut tries) = (0, MOST_TRIES);
        loop {
            let from = lexer.at;
            match lexer.token() {
                Ok(None) => break,
                Ok(Some(Token::Number(number))) => numbers = [numbers[1], whole(number)],
                Ok(Some(Token::Word(b"obj"))) => {
                    let number = numbers[0].filter(|number| *number <= MOST_NUMBER).ok_or(DAMAGED)?;
                    lexer.at = file.object(number, lexer.at)?;
                    (numbers, end_of_last) = ([None; 2], lexer.at);
                }
                Ok(Some(Token::Word(b"trailer"))) => {
                    let at = lexer.at;
                    lexer.at = walk(bytes, at, |_, _| Ok(()))?;
                    file.trailer(at)?;
                    numbers = [None; 2];
                }
                Ok(Some(_)) => numbers = [None; 2],
                // Between the objects there may be anything, but each try may read to the end of the file.
                Err(_) if tries > 0 => (lexer.at, tries) = (from.max(lexer.at) + 1, tries - 1),
                Err(_) => return Err(DAMAGED),
            }
        }
        // A file that was cut has objects behind its last end, or no end.
        let end = bytes.windows(5).rposition(|five| five == b"%%EOF").ok_or(DAMAGED)?;
        if end < end_of_last || file.root == 0 {
            return Err(DAMAGED);
        }
        file.fault.map_or(Ok(file), Err)
    }

    /// The object of that number: the bytes it stands in, and its place there.
    pub(super) fn object_of(&self, number: u32) -> Option<(&[u8], &Place)> {
        let place = self.objects.get(&number)?;
        let bytes = match place.unpacked {
            None => self.bytes,
            Some(which) => self.unpacked.get(which)?,
        };
        Some((bytes, place))
    }

    /// The bytes of a stream. Its length may stand in another object, which is known only now.
    pub(super) fn stream(&self, place: &Place) -> &'a [u8] {
        let Some(range) = place.stream.clone() else { return &[] };
        let length = lookup(self.bytes, place.at, b"Length").and_then(|at| self.number(self.bytes, at));
        let exact = length
            .and_then(|length| range.start.checked_add(length as usize))
            .filter(|end| *end <= range.end + 2 && ends_stream(self.bytes, *end));
        self.bytes.get(range.start..exact.unwrap_or(range.end)).unwrap_or_default()
    }

    /// The number that stands there, or in the object that is named there.
    pub(super) fn number(&self, bytes: &[u8], at: usize) -> Option<u32> {
        match single(bytes, at)? {
            Part::Number(number) => whole(number),
            Part::Reference(number) => {
                let (bytes, place) = self.object_of(number)?;
                match single(bytes, place.at)? {
                    Part::Number(number) => whole(number),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn trailer(&mut self, at: usize) -> Result<(), RejectReason> {
        if lookup(self.bytes, at, b"Encrypt").is_some() {
            return Err(RejectReason::Encrypted);
        }
        if let Some(Part::Reference(root)) = lookup(self.bytes, at, b"Root").and_then(|at| single(self.bytes, at)) {
            self.root = root;
        }
        Ok(())
    }

    fn keep(&mut self, number: u32, place: Place) -> Result<(), RejectReason> {
        if self.objects.len() >= MOST_OBJECTS {
            return Err(DAMAGED);
        }
        self.objects.insert(number, place);
        Ok(())
    }

    /// Reads an object that begins there, and answers where it ends.
    fn object(&mut self, number: u32, at: usize) -> Result<usize, RejectReason> {
        let mut watch = Watch::default();
        let mut active = None;
        let end = walk(self.bytes, at, |part, _| {
            active = active.or(watch.look(&part).err());
            Ok(())
        })?;
        self.fault = self.fault.or(active);
        let mut lexer = Lexer::new(self.bytes, end);
        if !matches!(lexer.token(), Ok(Some(Token::Word(b"stream")))) {
            self.keep(number, Place { unpacked: None, at, stream: None })?;
            return Ok(end);
        }
        let line = self.bytes.get(lexer.at..).unwrap_or_default();
        let from = lexer.at
            + match line {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => 0,
            };
        let range = from..self.end_of_stream(at, from)?;
        let end = range.end;
        let name = |key: &[u8]| lookup(self.bytes, at, key).and_then(|at| single(self.bytes, at));
        // These hold other objects, or say where they are. As an object that others name they would mean something again in
        // what is written.
        match name(b"Type") {
            Some(Part::Name(name)) if *name == *b"ObjStm" => {
                let unpacked = self.unpack(at, range);
                self.fault = self.fault.or(unpacked.err());
            }
            Some(Part::Name(name)) if *name == *b"XRef" => self.trailer(at)?,
            _ => self.keep(number, Place { unpacked: None, at, stream: Some(range) })?,
        }
        Ok(end)
    }

    fn end_of_stream(&self, at: usize, from: usize) -> Result<usize, RejectReason> {
        let said = match lookup(self.bytes, at, b"Length").and_then(|at| single(self.bytes, at)) {
            Some(Part::Number(length)) => whole(length).and_then(|length| from.checked_add(length as usize)),
            _ => None,
        };
        if let Some(end) = said.filter(|end| ends_stream(self.bytes, *end)) {
            return Ok(end);
        }
        let rest = self.bytes.get(from..).ok_or(DAMAGED)?;
        let length = find(rest, b"endstream").ok_or(DAMAGED)?;
        let line = match rest.get(..length).unwrap_or_default() {
            [.., b'\r', b'\n'] => 2,
            [.., b'\r' | b'\n'] => 1,
            _ => 0,
        };
        Ok(from + length - line)
    }

    /// Reads the objects that are packed in a stream.
    fn unpack(&mut self, at: usize, range: Range<usize>) -> Result<(), RejectReason> {
        let count = |key: &[u8]| match lookup(self.bytes, at, key).and_then(|at| single(self.bytes, at)) {
            Some(Part::Number(number)) => whole(number),
            _ => None,
        };
        let (many, first) = (count(b"N").ok_or(DAMAGED)?, count(b"First").ok_or(DAMAGED)? as usize);
        let packed = self.bytes.get(range).ok_or(DAMAGED)?;
        let had = self.unpacked_bytes;
        let unpacked = match filters(self.bytes, at)?[..] {
            [] => packed.to_vec(),
            [Filter::Flate] if lookup(self.bytes, at, b"DecodeParms").is_none() => {
                inflated(packed, MOST_UNPACKED.saturating_sub(had))?
            }
            // Nobody packs objects in another way.
            _ => return Err(DAMAGED),
        };
        if had + unpacked.len() > MOST_UNPACKED {
            return Err(DAMAGED);
        }
        let which = self.unpacked.len();
        let mut lexer = Lexer::new(&unpacked, 0);
        let mut whole_number = || match lexer.token() {
            Ok(Some(Token::Number(number))) => whole(number).ok_or(DAMAGED),
            _ => Err(DAMAGED),
        };
        for _ in 0..many {
            let (number, offset) = (whole_number()?, whole_number()? as usize);
            let at = first.checked_add(offset).ok_or(DAMAGED)?;
            let mut watch = Watch::default();
            walk(&unpacked, at, |part, _| watch.look(&part))?;
            if number > MOST_NUMBER {
                return Err(DAMAGED);
            }
            self.keep(number, Place { unpacked: Some(which), at, stream: None })?;
        }
        self.unpacked_bytes += unpacked.len();
        self.unpacked.push(unpacked);
        Ok(())
    }
}

/// How a stream is packed, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Flate,
    Jpeg,
    Other,
}

/// The filters of the stream whose dictionary begins there, the outermost first.
pub(super) fn filters(bytes: &[u8], at: usize) -> Result<Vec<Filter>, RejectReason> {
    let mut all = Vec::new();
    if let Some(at) = lookup(bytes, at, b"Filter") {
        walk(bytes, at, |part, _| {
            match part {
                Part::Name(name) if *name == *b"FlateDecode" || *name == *b"Fl" => all.push(Filter::Flate),
                Part::Name(name) if *name == *b"DCTDecode" || *name == *b"DCT" => all.push(Filter::Jpeg),
                Part::Name(name) if *name == *b"Crypt" => return Err(RejectReason::Encrypted),
                Part::OpenArray | Part::CloseArray => {}
                _ => all.push(Filter::Other),
            }
            if all.len() > 8 { Err(DAMAGED) } else { Ok(()) }
        })?;
    }
    Ok(all)
}

fn ends_stream(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let line = rest.iter().take(3).take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ')).count();
    rest.get(line..).is_some_and(|rest| rest.starts_with(b"endstream"))
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|found| found == text)
}

/// What is packed there, if it is not too much. What is behind it, or missing of its sum, does no harm.
fn inflated(packed: &[u8], most: usize) -> Result<Vec<u8>, RejectReason> {
    let mut unpacked = Vec::new();
    inflate(packed, |bytes| {
        let fits = bytes.len() <= most - unpacked.len();
        if fits {
            unpacked.extend_from_slice(bytes);
        }
        fits
    })?;
    Ok(unpacked)
}

/// Hands out what is packed there, piece by piece, as long as more is wanted.
pub(super) fn inflate(packed: &[u8], mut piece: impl FnMut(&[u8]) -> bool) -> Result<(), RejectReason> {
    let mut inflate = Decompress::new(true);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let rest = packed.get(usize::try_from(read).unwrap_or(usize::MAX)..).unwrap_or_default();
        let status = inflate.decompress(rest, &mut buffer, FlushDecompress::None).map_err(|_| DAMAGED)?;
        let count = usize::try_from(inflate.total_out() - written).unwrap_or(0);
        if !piece(buffer.get(..count).unwrap_or_default()) {
            return Err(DAMAGED);
        }
        if status == Status::StreamEnd {
            return Ok(());
        }
        if count == 0 && inflate.total_in() == read {
            return Err(DAMAGED);
        }
    }
}
