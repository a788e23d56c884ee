//! What a JPEG says before its pixels, and the walk over all of its scans that finds out whether it is whole.

use image::metadata::Orientation;
use vcare_domain::RejectReason;

use super::huffman::Code;
use super::scans;

const DAMAGED: RejectReason = RejectReason::Damaged;

/// One colour of a picture.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) id: u8,
    /// How many blocks of it stand in each unit of the picture.
    pub(super) across: u32,
    pub(super) down: u32,
    /// Which table of quantisation it uses.
    pub(super) table: usize,
    /// Its blocks when it stands alone.
    pub(super) wide: u32,
    pub(super) high: u32,
    /// Its blocks in a row when it stands with others.
    pub(super) stride: u32,
}

/// The frame: sides and colours.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    /// The units that all colours together are cut into.
    pub(super) units: (u32, u32),
}

impl Frame {
    fn new(progressive: bool, segment: &[u8]) -> Result<Self, RejectReason> {
        let [8, h1, h2, w1, w2, count, components @ ..] = segment else { return Err(DAMAGED) };
        let (width, height) = (u32::from(u16::from_be_bytes([*w1, *w2])), u32::from(u16::from_be_bytes([*h1, *h2])));
        let count = usize::from(*count);
        if width == 0 || height == 0 || !(1..=4).contains(&count) || components.len() < count * 3 {
            return Err(DAMAGED);
        }
        let mut all = Vec::with_capacity(count);
        for one in components.chunks_exact(3).take(count) {
            let [id, sampling, table] = one else { return Err(DAMAGED) };
            let (across, down) = (u32::from(sampling >> 4), u32::from(sampling & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || *table > 3 {
                return Err(DAMAGED);
            }
            // Of one colour alone the sampling says nothing.
            let (across, down) = if count == 1 { (1, 1) } else { (across, down) };
            let table = usize::from(*table);
            all.push(Component { id: *id, across, down, table, wide: 0, high: 0, stride: 0 });
        }
        let most_across = all.iter().map(|one| one.across).max().unwrap_or(1);
        let most_down = all.iter().map(|one| one.down).max().unwrap_or(1);
        let units = (width.div_ceil(8 * most_across), height.div_ceil(8 * most_down));
        for one in &mut all {
            one.wide = (width * one.across).div_ceil(8 * most_across);
            one.high = (height * one.down).div_ceil(8 * most_down);
            one.stride = units.0 * one.across;
        }
        Ok(Self { progressive, width, height, components: all, units })
    }

    /// Whether some colours have fewer points than others.
    pub(super) fn is_sampled(&self) -> bool {
        self.components.iter().any(|one| one.across * one.down != 1)
    }

    /// Whether brightness is not the colour with most points. No device writes that, and the decoder makes other pictures
    /// of it.
    pub(super) fn is_odd(&self) -> bool {
        let first = self.components.first().map_or((1, 1), |one| (one.across, one.down));
        self.components.iter().any(|one| one.across > first.0 || one.down > first.1)
    }

    /// How many blocks all colours have together.
    pub(super) fn blocks(&self) -> u64 {
        let blocks = |one: &Component| u64::from(one.stride) * u64::from(self.units.1 * one.down);
        self.components.iter().map(blocks).sum()
    }
}

/// Walks over a JPEG from marker to marker.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    frame: Option<Frame>,
    /// The tables of quantisation, in the order of the file.
    pub(super) quantisation: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Code>; 4],
    pub(super) ac: [Option<Code>; 4],
    /// After how many units the bits start again; 0 for never.
    pub(super) restart: u32,
    /// What says which side is up may be nonsense, and the picture good.
    pub(super) orientation: Orientation,
    /// What Adobe's programs say of the colours: 0 for none of YCbCr and YCCK.
    pub(super) transform: Option<u8>,
}

impl<'a> Walk<'a> {
    /// Reads up to the first scan.
    pub(super) fn begin(bytes: &'a [u8]) -> Result<(Self, Frame), RejectReason> {
        let mut walk = Self {
            bytes,
            at: 2,
            frame: None,
            quantisation: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart: 0,
            orientation: Orientation::NoTransforms,
            transform: None,
        };
        match walk.next_scan()? {
            Next::Scan => {}
            Next::End { .. } => return Err(DAMAGED),
        }
        let frame = walk.frame.clone().ok_or(DAMAGED)?;
        Ok((walk, frame))
    }

    /// Whether each scan has a part of the colours, and the whole of those.
    pub(super) fn several_sequential_scans(&self) -> bool {
        let count = self.bytes.get(self.at + 2).copied().map(usize::from);
        self.frame.as_ref().is_some_and(|frame| !frame.progressive && Some(frame.components.len()) != count)
    }

    /// Reads the bits of every scan, and makes nothing of them: are they all there?
    pub(super) fn check(mut self) -> Result<(), RejectReason> {
        let frame = self.frame.clone().ok_or(DAMAGED)?;
        let mut seen = scans::Seen::new(&frame);
        // A decoder reads no more, and each costs time.
        for _ in 0..scans::MOST_SCANS {
            let head = self.segment()?;
            self.at = scans::read(&self, &frame, head, self.bytes, self.at, &mut seen)?;
            if !frame.progressive && seen.every_colour() {
                // Telephones leave the end marker out, or write other things than pictures behind the last bit.
                return Ok(());
            }
            if let Next::End { marked } = self.next_scan()? {
                let whole = if marked { seen.every_colour() } else { seen.every_bit() };
                return if whole { Ok(()) } else { Err(DAMAGED) };
            }
        }
        Err(DAMAGED)
    }

    fn marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let at = rest.iter().position(|byte| *byte == 0xFF)?;
            let fill = rest.get(at..)?.iter().position(|byte| *byte != 0xFF)?;
            let marker = *rest.get(at + fill)?;
            self.at += at + fill + 1;
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    fn segment(&mut self) -> Result<&'a [u8], RejectReason> {
        let length: [u8; 2] =
            self.bytes.get(self.at..self.at + 2).and_then(|two| two.try_into().ok()).ok_or(DAMAGED)?;
        let end = self.at + usize::from(u16::from_be_bytes(length));
        let segment = self.bytes.get(self.at + 2..end).ok_or(DAMAGED)?;
        self.at = end;
        Ok(segment)
    }

    fn next_scan(&mut self) -> Result<Next, RejectReason> {
        loop {
            let Some(marker) = self.marker() else { return Ok(Next::End { marked: false }) };
            match marker {
                0xDA => return Ok(Next::Scan),
                0xD9 => return Ok(Next::End { marked: true }),
                0x01 | 0xD0..=0xD8 => {}
                0xC0..=0xC2 => {
                    let segment = self.segment()?;
                    if self.frame.is_some() {
                        return Err(DAMAGED);
                    }
                    self.frame = Some(Frame::new(marker == 0xC2, segment)?);
                }
                0xC4 => self.codes()?,
                0xDB => self.quantisers()?,
                0xDD => {
                    let segment = self.segment()?;
                    let [high, low, ..] = segment else { return Err(DAMAGED) };
                    self.restart = u32::from(u16::from_be_bytes([*high, *low]));
                }
                // Lossless, differential, arithmetic: nothing that a telephone writes, or that is decoded here.
                0xC3 | 0xC5..=0xCF => return Err(DAMAGED),
                0xE1 => {
                    let exif = self.segment()?.strip_prefix(b"Exif\0\0");
                    if let Some(found) = exif.and_then(Orientation::from_exif_chunk) {
                        self.orientation = found;
                    }
                }
                0xEE => {
                    let adobe = self.segment()?.strip_prefix(b"Adobe");
                    self.transform = adobe.and_then(|rest| rest.get(6)).copied().or(self.transform);
                }
                _ => {
                    self.segment()?;
                }
            }
        }
    }

    fn codes(&mut self) -> Result<(), RejectReason> {
        let mut rest = self.segment()?;
        while let Some((which, behind)) = rest.split_first() {
            let (counts, behind) = behind.split_first_chunk::<16>().ok_or(DAMAGED)?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = behind.get(..count).ok_or(DAMAGED)?;
            let tables = if which >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(usize::from(which & 15)).ok_or(DAMAGED)? = Some(Code::new(counts, symbols)?);
            rest = behind.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn quantisers(&mut self) -> Result<(), RejectReason> {
        let mut rest = self.segment()?;
        while let Some((which, behind)) = rest.split_first() {
            let wide = which >> 4 != 0;
            let length = if wide { 128 } else { 64 };
            let values = behind.get(..length).ok_or(DAMAGED)?;
            let mut table = [0_u16; 64];
            for (at, value) in table.iter_mut().enumerate() {
                let byte = |at: usize| values.get(at).copied().unwrap_or(0);
                *value = if wide { u16::from_be_bytes([byte(2 * at), byte(2 * at + 1)]) } else { byte(at).into() };
            }
            *self.quantisation.get_mut(usize::from(which & 15)).ok_or(DAMAGED)? = Some(table);
            rest = behind.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

enum Next {
    Scan,
    End { marked: bool },
}
