//! Image files in memory.

use std::{borrow::Cow, io::Cursor};

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use unlike_core::{Error, Note, Result};

use super::{
    ImageSize,
    place::{Depth, Raster},
};
use crate::source::Source;

/// The endings of files that are taken for images in a folder.
pub(super) const EXTENSIONS: [&str; 11] = [
    "bmp", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp",
];

/// Larger images are refused before memory is spent on them.
const LARGEST: u64 = 100_000_000;

/// Whether the first bytes are those of an image that can be decoded.
pub(crate) fn is_image(bytes: &[u8]) -> bool {
    // Netpbm's magic is two letters, which a text may start with.
    image::guess_format(bytes).is_ok_and(|format| match format {
        ImageFormat::Pnm => bytes.get(2).is_some_and(u8::is_ascii_whitespace),
        other => other.reading_enabled(),
    })
}

/// What an image's header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) size: ImageSize,
    pub(super) colour: bool,
    pub(super) transparent: bool,
    /// More than eight bits a value.
    pub(super) deep: bool,
}

/// Reads an image's header.
pub(super) fn header(source: &Source) -> Result<Header> {
    let mut decoder = decoder(source)?;
    let (width, height) = decoder.dimensions();
    let [width, height] = match turned(&mut decoder) {
        true => [height, width],
        false => [width, height],
    };
    let pixels = u64::from(width) * u64::from(height);
    if pixels > LARGEST || pixels == 0 {
        return Err(source.malformed(
            format!("{width} × {height} pixels"),
            format!("1 to {} million pixels", LARGEST / 1_000_000),
        ));
    }
    let colour = decoder.color_type();
    Ok(Header {
        size: ImageSize {
            height: height as usize,
            width: width as usize,
        },
        colour: colour.has_color(),
        transparent: colour.has_alpha(),
        deep: !has_bytes(colour),
    })
}

fn has_bytes(colour: ColorType) -> bool {
    matches!(
        colour,
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8
    )
}

/// Decodes an image, turned upright as its metadata say, to grey (1 channel) or colour (3).
/// Transparent pixels are laid over black.
pub(super) fn decode(source: &Source, channels: usize) -> Result<Raster<'static>> {
    #[cfg(test)]
    crate::counted::count(&source.path, crate::counted::Work::Decode);
    let mut decoder = decoder(source)?;
    let orientation = decoder.orientation().ok();
    let mut image =
        DynamicImage::from_decoder(decoder).map_err(|error| undecodable(source, &error))?;
    check_complete(source)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let size = ImageSize {
        height: image.height() as usize,
        width: image.width() as usize,
    };
    let colour = image.color();
    let values = match colour {
        ColorType::L8 => Depth::Byte(Cow::Owned(image.into_luma8().into_raw())),
        ColorType::Rgb8 => Depth::Byte(Cow::Owned(image.into_rgb8().into_raw())),
        ColorType::La8 | ColorType::Rgba8 => {
            let over_black = |p: &[u8]| {
                let alpha = u16::from(p[3]);
                [p[0], p[1], p[2]].map(|v| ((u16::from(v) * alpha + 127) / 255) as u8)
            };
            let pixels = image.into_rgba8().into_raw();
            Depth::Byte(pixels.chunks_exact(4).flat_map(over_black).collect())
        }
        _ => {
            let over_black = |p: &[f32]| [p[0] * p[3], p[1] * p[3], p[2] * p[3]];
            let pixels = image.into_rgba32f().into_raw();
            let values = pixels.chunks_exact(4).flat_map(over_black);
            Depth::Float(
                values
                    .map(|v| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) })
                    .collect(),
            )
        }
    };
    let held = if colour == ColorType::L8 { 1 } else { 3 };
    Ok(Raster {
        size,
        channels: held,
        values,
    }
    .with_channels(channels))
}

fn decoder(source: &Source) -> Result<impl ImageDecoder + '_> {
    let mut reader = ImageReader::new(Cursor::new(&source.bytes[..]))
        .with_guessed_format()
        .map_err(Error::io("read", &source.path))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * LARGEST);
    reader.limits(limits);
    reader
        .into_decoder()
        .map_err(|error| undecodable(source, &error))
}

/// Whether the metadata ask for a quarter turn, which swaps the sides.
fn turned(decoder: &mut impl ImageDecoder) -> bool {
    use image::metadata::Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let orientation = decoder.orientation();
    matches!(
        orientation,
        Ok(Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
    )
}

/// The JPEG decoder fills what is missing with grey; an image that was cut short has no end marker
/// after its last scan.
fn check_complete(source: &Source) -> Result<()> {
    let bytes = &source.bytes;
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Ok(());
    }
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    if last(0xd9) > last(0xda) {
        return Ok(());
    }
    Err(source
        .malformed("a JPEG image that ends too early", "a whole image")
        .with_hint(skip()))
}

fn undecodable(source: &Source, error: &ImageError) -> Error {
    let found = match error {
        ImageError::Unsupported(_) => format!("an image of an unsupported kind ({error})"),
        _ => format!("an image that cannot be decoded ({error})"),
    };
    source
        .malformed(found, "a whole JPEG, PNG, BMP, TIFF, WebP or Netpbm image")
        .with_hint(skip())
}

/// What to do about files that cannot be read.
pub(super) fn skip() -> Note {
    Note::new("leave such files out and count them with ").setting("skip-unreadable")
}
