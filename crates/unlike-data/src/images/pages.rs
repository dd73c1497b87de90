//! Files that hold more than one image: pages of TIFF, frames of GIF, WebP and PNG.

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use image::ImageFormat;

use super::formats::Format;

/// What one page of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The only image, or the first that a decoder comes to.
    First,
    /// The TIFF directory at this offset.
    Directory(u64),
    /// The frame of an animation, counted from 0, as it is shown.
    Frame(usize),
}

/// The pages of a file, one at least. A file that is damaged has one: decoding it says what is wrong.
pub(super) fn pages(format: Format, bytes: &[u8]) -> Vec<Page> {
    let frames = |count: usize| match count {
        0 | 1 => vec![Page::First],
        _ => (0..count).map(Page::Frame).collect(),
    };
    match format {
        Format::Known(ImageFormat::Tiff) => directories(bytes),
        Format::Known(ImageFormat::Gif) => frames(Gif::parse(bytes).frames),
        Format::Known(ImageFormat::WebP) => frames(webp_frames(bytes)),
        Format::Known(ImageFormat::Png) => frames(png_frames(bytes)),
        _ => vec![Page::First],
    }
}

/// The file of one TIFF directory: as it is, but with that directory first.
pub(super) fn with_directory_first(bytes: &[u8], offset: u64) -> Cow<'_, [u8]> {
    let Some(tiff) = Tiff::of(bytes) else {
        return Cow::Borrowed(bytes);
    };
    let mut changed = bytes.to_vec();
    let place = tiff.first_place();
    let number = match tiff.little {
        true => offset.to_le_bytes(),
        false => offset.to_be_bytes(),
    };
    let number = match (tiff.big, tiff.little) {
        (true, _) => &number[..],
        (false, true) => &number[..4],
        (false, false) => &number[4..],
    };
    changed[place].copy_from_slice(number);
    Cow::Owned(changed)
}

/// The directories of a TIFF file that hold images of their own: not previews, and not the masks of
/// other pages.
fn directories(bytes: &[u8]) -> Vec<Page> {
    let Some(tiff) = Tiff::of(bytes) else {
        return vec![Page::First];
    };
    let mut seen = BTreeSet::new();
    let mut pages = Vec::new();
    let mut next = tiff.number(bytes, tiff.first_place());
    while let Some(offset) = next.filter(|&offset| offset != 0 && seen.insert(offset)) {
        let Some(directory) = tiff.directory(bytes, offset) else {
            // There is a page that cannot be read: decoding it says so.
            pages.push(Page::Directory(offset));
            break;
        };
        // New subfile type: bit 0 is a preview, bit 2 a transparency mask.
        if directory.subfile_type & 0b101 == 0 {
            pages.push(Page::Directory(offset));
        }
        next = Some(directory.next);
    }
    if pages.len() < 2 {
        return vec![pages.first().copied().unwrap_or(Page::First)];
    }
    pages
}

/// How numbers are written in a TIFF file.
#[derive(Clone, Copy)]
struct Tiff {
    little: bool,
    /// BigTIFF, whose offsets have eight bytes.
    big: bool,
}

struct Directory {
    subfile_type: u64,
    next: u64,
}

impl Tiff {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (little, big) = match bytes.get(..4)? {
            b"II\x2a\0" => (true, false),
            b"MM\0\x2a" => (false, false),
            b"II\x2b\0" => (true, true),
            b"MM\0\x2b" => (false, true),
            _ => return None,
        };
        let tiff = Self { little, big };
        bytes.get(tiff.first_place())?;
        Some(tiff)
    }

    /// Where the offset of the first directory stands.
    fn first_place(self) -> Range<usize> {
        match self.big {
            true => 8..16,
            false => 4..8,
        }
    }

    /// The whole number that fills this range.
    fn number(self, bytes: &[u8], range: Range<usize>) -> Option<u64> {
        let bytes = bytes.get(range)?;
        let step = |n: u64, &byte: &u8| n << 8 | u64::from(byte);
        Some(match self.little {
            true => bytes.iter().rev().fold(0, step),
            false => bytes.iter().fold(0, step),
        })
    }

    fn directory(self, bytes: &[u8], offset: u64) -> Option<Directory> {
        let start = usize::try_from(offset).ok()?;
        let [head, entry, value, link] = match self.big {
            true => [8, 20, 12, 8],
            false => [2, 12, 8, 4],
        };
        let entries = start.checked_add(head)?;
        let count = usize::try_from(self.number(bytes, start..entries)?).ok()?;
        let end = count.checked_mul(entry)?.checked_add(entries)?;
        let next = self.number(bytes, end..end.checked_add(link)?)?;
        let mut subfile_type = 0;
        for at in (entries..end).step_by(entry) {
            if self.number(bytes, at..at + 2)? == 254 {
                subfile_type = self.number(bytes, at + value..at + value + 4)?;
            }
        }
        Some(Directory { subfile_type, next })
    }
}

/// What the blocks of a GIF file say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gif {
    pub(super) frames: usize,
    /// A palette has an entry that is not grey.
    pub(super) colour: bool,
    /// A frame has transparent pixels.
    pub(super) transparent: bool,
}

impl Gif {
    /// Looks at all blocks, as far as they are whole.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut gif = Self::default();
        // What is damaged ends early, which is for the decoder to say.
        _ = gif.walk(bytes);
        gif
    }

    fn walk(&mut self, bytes: &[u8]) -> Option<()> {
        let mut at = 13 + self.palette(bytes, *bytes.get(10)?, 13)?;
        loop {
            match *bytes.get(at)? {
                0x21 => {
                    let control = *bytes.get(at + 1)? == 0xf9;
                    if control && *bytes.get(at + 3)? & 1 == 1 {
                        self.transparent = true;
                    }
                    at = blocks(bytes, at + 2)?;
                }
                0x2c => {
                    // Also one that ends too early, which decoding it then tells.
                    self.frames += 1;
                    let palette = self.palette(bytes, *bytes.get(at + 9)?, at + 10)?;
                    // After the palette comes the size of codes.
                    at = blocks(bytes, at + 10 + palette + 1)?;
                }
                _ => return None,
            }
        }
    }

    /// The length of a palette, from the flags before it.
    fn palette(&mut self, bytes: &[u8], flags: u8, at: usize) -> Option<usize> {
        if flags & 0x80 == 0 {
            return Some(0);
        }
        let length = 3 << ((flags & 7) + 1);
        let mut colours = bytes.get(at..at + length)?.chunks_exact(3);
        self.colour |= colours.any(|c| c[0] != c[1] || c[1] != c[2]);
        Some(length)
    }
}

/// The place after a row of GIF's blocks, each with its length before it.
fn blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// The frames of a WebP file: chunks called ANMF.
fn webp_frames(bytes: &[u8]) -> usize {
    let mut frames = 0;
    let mut at = 12_usize;
    while let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..at.saturating_add(8)) {
        frames += usize::from([a, b, c, d] == *b"ANMF");
        let length = u32::from_le_bytes([e, f, g, h]) as usize;
        // Chunks are padded to an even length.
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length % 2);
    }
    frames
}

/// The frames of a PNG file: the chunks fcTL, one before each.
fn png_frames(bytes: &[u8]) -> usize {
    let mut frames = 0;
    each_chunk(bytes, |name| {
        frames += usize::from(name == b"fcTL");
        true
    });
    frames
}

/// Whether a PNG file, of which these are the first bytes, says that it has frames.
pub(super) fn is_animated_png(start: &[u8]) -> bool {
    let mut animated = false;
    each_chunk(start, |name| {
        animated |= name == b"acTL";
        // It stands before the pixels.
        name != b"IDAT"
    });
    animated
}

/// Calls `f` with the name of each chunk of a PNG file while it returns true.
fn each_chunk(bytes: &[u8], mut f: impl FnMut(&[u8]) -> bool) {
    if !bytes.starts_with(b"\x89PNG") {
        return;
    }
    let mut at = 8_usize;
    while let Some(&[a, b, c, d, ref name @ ..]) = bytes.get(at..at.saturating_add(8)) {
        if !f(name) {
            return;
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        at = at.saturating_add(12).saturating_add(length);
    }
}
