//! Writes the objects that a document's catalog leads to, renumbered, and nothing else of the file.

use std::collections::HashMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use vcare_domain::RejectReason;

use super::file::{File, Filter, Place, filters, inflate};
use super::jpeg::without_remarks;
use super::syntax::{DAMAGED, Part, is_delimiter, is_space, lookup, walk};

/// What says who wrote a document, when and with what; what programs keep for themselves; what opens by itself; other files.
const LEFT_OUT: [&[u8]; 9] = [
    b"Metadata",
    b"PieceInfo",
    b"LastModified",
    b"Info",
    b"OpenAction",
    b"Collection",
    b"Perms",
    b"SpiderInfo",
    b"OutputIntents",
];
/// Of a stream's dictionary: what is rewritten, and what would name another file in its place.
const LEFT_OUT_OF_STREAMS: [&[u8]; 5] = [b"Length", b"DL", b"F", b"FFilter", b"FDecodeParms"];

/// How many objects are packed together.
const TOGETHER: usize = 200;
/// The most bytes that all pages unpack to in the reader's browser.
const MOST_UNPACKED: u64 = 512 * 1024 * 1024;
/// The most pixels of a picture on a page: a sheet of A4 at 1,200 dots an inch.
const MOST_PIXELS: u64 = 140_000_000;

/// The document, in at most that many bytes.
pub(super) fn write(file: &File<'_>, most: usize) -> Result<Vec<u8>, RejectReason> {
    let mut writer = Writer {
        file,
        out: b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(),
        numbers: HashMap::new(),
        waiting: Vec::new(),
        table: vec![Entry::Free],
        packed: Vec::new(),
        unpacked: 0,
        most,
    };
    writer.number_of(file.root);
    while let Some((old, new)) = writer.waiting.pop() {
        writer.object(old, new)?;
    }
    writer.flush()?;
    writer.finish()
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Free,
    At(u32),
    In { stream: u32, index: u16 },
}

struct Writer<'f> {
    file: &'f File<'f>,
    out: Vec<u8>,
    /// The new number of each old one.
    numbers: HashMap<u32, u32>,
    /// Old and new numbers of what is to be written.
    waiting: Vec<(u32, u32)>,
    table: Vec<Entry>,
    /// Objects that wait for company.
    packed: Vec<(u32, Vec<u8>)>,
    unpacked: u64,
    most: usize,
}

impl Writer<'_> {
    fn new_number(&mut self) -> u32 {
        let new = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
        self.table.push(Entry::Free);
        new
    }

    /// The new number of an object, which is then to be written. `None` when there is no such object.
    fn number_of(&mut self, old: u32) -> Option<u32> {
        if let Some(new) = self.numbers.get(&old) {
            return Some(*new);
        }
        self.file.object_of(old)?;
        let new = self.new_number();
        self.numbers.insert(old, new);
        self.waiting.push((old, new));
        Some(new)
    }

    fn place(&mut self, number: u32, entry: Entry) {
        if let Some(place) = self.table.get_mut(number as usize) {
            *place = entry;
        }
    }

    fn object(&mut self, old: u32, new: u32) -> Result<(), RejectReason> {
        let file = self.file;
        let (bytes, place) = file.object_of(old).ok_or(DAMAGED)?;
        let body = self.body(bytes, place)?;
        match place.stream {
            None => {
                self.packed.push((new, body));
                if self.packed.len() >= TOGETHER { self.flush() } else { Ok(()) }
            }
            Some(_) => {
                let data = self.checked(bytes, place)?;
                self.stream(new, &body, &data)
            }
        }
    }

    /// An object without its stream: as it came, but for what is left out.
    fn body(&mut self, bytes: &[u8], place: &Place) -> Result<Vec<u8>, RejectReason> {
        let mut body = Vec::new();
        let (mut depth, mut skipping): (usize, Option<usize>) = (0, None);
        let is_stream = place.stream.is_some();
        walk(bytes, place.at, |part, _| {
            let closes = matches!(part, Part::CloseArray | Part::CloseDictionary);
            let opens = matches!(part, Part::OpenArray | Part::OpenDictionary);
            depth -= usize::from(closes);
            if let Some(level) = skipping {
                // The value is over with its only part, or where what it opened is closed.
                if depth == level && !opens {
                    skipping = None;
                }
                depth += usize::from(opens);
                return Ok(());
            }
            match &part {
                Part::Key(key) if LEFT_OUT.contains(&&**key) => skipping = Some(depth),
                Part::Key(key) if is_stream && depth == 1 && LEFT_OUT_OF_STREAMS.contains(&&**key) => {
                    skipping = Some(depth);
                }
                Part::Reference(old) => match self.number_of(*old) {
                    Some(new) => body.extend_from_slice(format!("{new} 0 R ").as_bytes()),
                    None => body.extend_from_slice(b"null "),
                },
                part => written(part, &mut body),
            }
            depth += usize::from(opens);
            Ok(())
        })?;
        Ok(body)
    }

    /// A stream's bytes, if a browser can be expected to unpack them.
    fn checked(&mut self, bytes: &[u8], place: &Place) -> Result<Vec<u8>, RejectReason> {
        let data = self.file.stream(place);
        let side = |key: &[u8]| lookup(bytes, place.at, key).and_then(|at| self.file.number(bytes, at)).map(u64::from);
        if let (Some(width), Some(height)) = (side(b"Width"), side(b"Height"))
            && width * height > MOST_PIXELS
        {
            return Err(RejectReason::TooManyPixels);
        }
        let filters = filters(bytes, place.at)?;
        if filters.iter().filter(|filter| **filter == Filter::Flate).count() > 1 {
            return Err(DAMAGED);
        }
        match filters[..] {
            [Filter::Flate, ..] => {
                let mut total = self.unpacked;
                let counted = inflate(data, |piece| {
                    total += piece.len() as u64;
                    total <= MOST_UNPACKED
                });
                self.unpacked = total;
                // What cannot be unpacked to its end, readers show as far as they can.
                if counted.is_err() && total > MOST_UNPACKED {
                    return Err(DAMAGED);
                }
                Ok(data.to_vec())
            }
            [Filter::Jpeg] => Ok(without_remarks(data)),
            _ => Ok(data.to_vec()),
        }
    }

    fn stream(&mut self, number: u32, dictionary: &[u8], data: &[u8]) -> Result<(), RejectReason> {
        let entry = Entry::At(u32::try_from(self.out.len()).map_err(|_| DAMAGED)?);
        self.place(number, entry);
        let dictionary = dictionary.strip_suffix(b">> ").ok_or(DAMAGED)?;
        self.out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        self.out.extend_from_slice(dictionary);
        self.out.extend_from_slice(format!("/Length {} >>\nstream\n", data.len()).as_bytes());
        self.out.extend_from_slice(data);
        self.out.extend_from_slice(b"\nendstream\nendobj\n");
        if self.out.len() > self.most { Err(DAMAGED) } else { Ok(()) }
    }

    /// Packs the objects that wait.
    fn flush(&mut self) -> Result<(), RejectReason> {
        let packed = std::mem::take(&mut self.packed);
        if packed.is_empty() {
            return Ok(());
        }
        let stream = self.new_number();
        let (mut head, mut bodies) = (String::new(), Vec::new());
        for (index, (number, body)) in packed.iter().enumerate() {
            head.push_str(&format!("{number} {} ", bodies.len()));
            bodies.extend_from_slice(body);
            self.place(*number, Entry::In { stream, index: u16::try_from(index).unwrap_or(u16::MAX) });
        }
        let dictionary = format!("<</Type /ObjStm /N {} /First {} /Filter /FlateDecode >> ", packed.len(), head.len());
        let data = deflated(&[head.as_bytes(), &bodies].concat())?;
        self.stream(stream, dictionary.as_bytes(), &data)
    }

    fn finish(mut self) -> Result<Vec<u8>, RejectReason> {
        let root = *self.numbers.get(&self.file.root).ok_or(DAMAGED)?;
        let number = self.new_number();
        let start = u32::try_from(self.out.len()).map_err(|_| DAMAGED)?;
        self.place(number, Entry::At(start));
        let mut table = Vec::with_capacity(self.table.len() * 7);
        for entry in &self.table {
            let (kind, first, second) = match *entry {
                Entry::Free => (0, 0, u16::MAX),
                Entry::At(at) => (1, at, 0),
                Entry::In { stream, index } => (2, stream, index),
            };
            table.push(kind);
            table.extend_from_slice(&first.to_be_bytes());
            table.extend_from_slice(&second.to_be_bytes());
        }
        let dictionary =
            format!("<</Type /XRef /Size {} /W [1 4 2 ] /Root {root} 0 R /Filter /FlateDecode >> ", self.table.len());
        let data = deflated(&table)?;
        self.stream(number, dictionary.as_bytes(), &data)?;
        self.out.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        if self.out.len() > self.most { Err(DAMAGED) } else { Ok(self.out) }
    }
}

fn deflated(bytes: &[u8]) -> Result<Vec<u8>, RejectReason> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|_| DAMAGED)
}

fn written(part: &Part<'_>, to: &mut Vec<u8>) {
    match part {
        Part::Key(name) | Part::Name(name) => {
            to.push(b'/');
            for byte in name.iter() {
                if is_space(*byte) || is_delimiter(*byte) || *byte == b'#' || !(33..127).contains(byte) {
                    to.extend_from_slice(format!("#{byte:02X}").as_bytes());
                } else {
                    to.push(*byte);
                }
            }
            to.push(b' ');
        }
        Part::Number(text) | Part::Text(text) | Part::Word(text) => {
            to.extend_from_slice(text);
            to.push(b' ');
        }
        Part::OpenArray => to.push(b'['),
        Part::CloseArray => to.extend_from_slice(b"] "),
        Part::OpenDictionary => to.extend_from_slice(b"<<"),
        Part::CloseDictionary => to.extend_from_slice(b">> "),
        // By its new number, which only the writer knows.
        Part::Reference(_) => {}
    }
}
