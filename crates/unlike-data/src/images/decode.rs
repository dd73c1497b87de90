//! Image files in memory.

use std::{borrow::Cow, io::Cursor};

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image as Jpeg2000};
use image::{
    AnimationDecoder, ColorType, DynamicImage, Frames, GrayAlphaImage, GrayImage, ImageDecoder,
    ImageError, ImageFormat, ImageReader, ImageResult, Limits, RgbImage, RgbaImage,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
};
use unlike_core::{Error, Note, Result};

use super::{
    ImageSize,
    formats::{self, Format, Kind},
    pages::{self, Gif, Page},
    place::{Depth, Raster},
};
use crate::source::Source;

/// Larger images are refused before memory is spent on them.
const LARGEST: u64 = 100_000_000;

/// How errors begin of images that are whole, but of a kind that is not read, as some TIFF files are.
pub(super) const UNSUPPORTED: &str = "an image of an unsupported kind";

/// What an image's header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) page: Page,
    pub(super) size: ImageSize,
    pub(super) colour: bool,
    pub(super) transparent: bool,
    /// More than eight bits a value.
    pub(super) deep: bool,
    /// Pixels are places in a palette.
    pub(super) palette: bool,
}

impl Header {
    /// What its values are, in words.
    pub(super) fn mode(&self) -> String {
        let colour = match (self.palette, self.colour) {
            (true, _) => "palette",
            (false, true) => "colour",
            (false, false) => "grey",
        };
        let bits = if self.deep { ", more than 8 bits" } else { "" };
        let alpha = if self.transparent {
            ", transparency"
        } else {
            ""
        };
        format!("{colour}{bits}{alpha}")
    }
}

/// The pages of a file, one at least.
pub(super) fn pages(source: &Source) -> Result<Vec<Page>> {
    Ok(pages::pages(format(source)?, &source.bytes))
}

/// Reads the headers of a file's images, one at least.
pub(super) fn headers(source: &Source) -> Result<Vec<Header>> {
    let format = format(source)?;
    let pages = pages::pages(format, &source.bytes);
    match pages.first() {
        // Frames are shown on one canvas.
        Some(Page::Frame(_)) => {
            let header = header(source, format, Page::First)?;
            Ok(pages
                .iter()
                .map(|&page| Header { page, ..header })
                .collect())
        }
        _ => pages
            .into_iter()
            .map(|page| header(source, format, page))
            .collect(),
    }
}

fn header(source: &Source, format: Format, page: Page) -> Result<Header> {
    let header = match format {
        Format::Jpeg2000 => {
            let image = jpeg_2000(source)?;
            Header {
                format,
                page,
                size: size(image.width(), image.height()),
                colour: image.color_space().num_channels() > 1,
                transparent: image.has_alpha(),
                deep: false,
                palette: false,
            }
        }
        Format::Known(known) => {
            let bytes = page_bytes(&source.bytes, page);
            let mut decoder = decoder(source, known, &bytes)?;
            let (width, height) = decoder.dimensions();
            let colour = decoder.color_type();
            let gif = (known == ImageFormat::Gif).then(|| Gif::parse(&source.bytes));
            Header {
                format,
                page,
                size: match turned(&mut decoder) {
                    true => size(height, width),
                    false => size(width, height),
                },
                // The decoder of GIF gives colour and transparency whether there are any or not.
                colour: gif.map_or(colour.has_color(), |gif| gif.colour),
                transparent: gif.map_or(colour.has_alpha(), |gif| gif.transparent),
                deep: !has_bytes(colour),
                palette: palette(known, &source.bytes).is_some(),
            }
        }
    };
    let ImageSize { height, width } = header.size;
    let pixels = width as u64 * height as u64;
    if pixels > LARGEST || pixels == 0 {
        return Err(source.malformed(
            format!("{width} × {height} pixels"),
            format!("1 to {} million pixels", LARGEST / 1_000_000),
        ));
    }
    Ok(header)
}

fn size(width: u32, height: u32) -> ImageSize {
    ImageSize {
        height: height as usize,
        width: width as usize,
    }
}

/// The first entry of a palette, if pixels are places in one.
pub(super) fn palette(format: ImageFormat, bytes: &[u8]) -> Option<[u8; 3]> {
    match format {
        ImageFormat::Png if bytes.get(25) == Some(&3) => {
            let at = bytes.windows(4).position(|name| name == b"PLTE")? + 4;
            bytes.get(at..at + 3)?.try_into().ok()
        }
        ImageFormat::Gif if bytes.get(10)? & 0x80 != 0 => bytes.get(13..16)?.try_into().ok(),
        ImageFormat::Bmp if matches!(bytes.get(28)?, 1 | 4 | 8) => {
            let header: [u8; 4] = bytes.get(14..18)?.try_into().ok()?;
            let at = 14 + u32::from_le_bytes(header) as usize;
            // Blue comes first.
            bytes.get(at..at + 3).map(|c| [c[2], c[1], c[0]])
        }
        _ => None,
    }
}

fn has_bytes(colour: ColorType) -> bool {
    matches!(
        colour,
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8
    )
}

/// Decodes an image, turned upright as its metadata say, to grey (1 channel) or colour (3).
/// Transparent pixels are laid over black.
pub(super) fn decode(source: &Source, page: Page, channels: usize) -> Result<Raster<'static>> {
    Ok(raster(pixels(source, page)?, channels))
}

/// Decodes some pages of a file, in this order, and gives each to `f`. Frames of an animation are
/// gone through once.
pub(super) fn each_page(
    source: &Source,
    wanted: &[Page],
    channels: usize,
    mut f: impl FnMut(Result<Raster<'static>>),
) {
    if let [Page::Frame(_), _, ..] = wanted {
        let frames = format(source).and_then(|format| frames(source, format));
        let mut frames = match frames {
            Ok(frames) => frames.enumerate(),
            Err(_) => {
                wanted
                    .iter()
                    .for_each(|&page| f(decode(source, page, channels)));
                return;
            }
        };
        for page in wanted {
            let image = frames.find(|(at, _)| *page == Page::Frame(*at));
            f(frame(source, image.map(|(_, frame)| frame)).map(|image| raster(image, channels)));
        }
        return;
    }
    wanted
        .iter()
        .for_each(|&page| f(decode(source, page, channels)));
}

/// An image's pixels, turned upright, as the file has them.
pub(super) fn pixels(source: &Source, page: Page) -> Result<DynamicImage> {
    #[cfg(test)]
    crate::counted::count(&source.path, crate::counted::Work::Decode);
    let known = match (format(source)?, page) {
        (Format::Jpeg2000, _) => return decode_jpeg_2000(source),
        (format, Page::Frame(at)) => {
            return frame(source, frames(source, format)?.nth(at));
        }
        (Format::Known(known), _) => known,
    };
    let bytes = page_bytes(&source.bytes, page);
    let mut decoder = decoder(source, known, &bytes)?;
    let orientation = decoder.orientation().ok();
    let mut image =
        DynamicImage::from_decoder(decoder).map_err(|error| undecodable(source, &error))?;
    check_complete(source)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

fn raster(image: DynamicImage, channels: usize) -> Raster<'static> {
    let size = size(image.width(), image.height());
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
    Raster {
        size,
        channels: held,
        values,
    }
    .with_channels(channels)
}

fn format(source: &Source) -> Result<Format> {
    match formats::of_source(source) {
        Kind::Image(format) => Ok(format),
        Kind::Own => Ok(Format::Known(ImageFormat::Png)),
        Kind::Unread(name) => Err(unread(source, name)),
        Kind::Other => Err(source
            .malformed(
                "an image that cannot be decoded (its first bytes are those of no known format)",
                format!("a whole {} image", formats::READ),
            )
            .with_hint(skip())),
    }
}

/// An image of a format that is not read.
pub(crate) fn unread(source: &Source, name: &str) -> Error {
    source
        .malformed(
            format!("an image of the format {name}"),
            format!("{} images", formats::READ),
        )
        .with_hint("save it as PNG or TIFF, which lose nothing")
}

fn page_bytes(bytes: &[u8], page: Page) -> Cow<'_, [u8]> {
    match page {
        Page::Directory(offset) => pages::with_directory_first(bytes, offset),
        Page::First | Page::Frame(_) => Cow::Borrowed(bytes),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * LARGEST);
    limits
}

fn decoder<'a>(
    source: &Source,
    format: ImageFormat,
    bytes: &'a [u8],
) -> Result<impl ImageDecoder + 'a> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    reader
        .into_decoder()
        .map_err(|error| undecodable(source, &error))
}

fn frames(source: &Source, format: Format) -> Result<Frames<'_>> {
    let bytes = Cursor::new(&source.bytes[..]);
    let frames = match format {
        Format::Known(ImageFormat::Gif) => GifDecoder::new(bytes).map(|d| d.into_frames()),
        Format::Known(ImageFormat::WebP) => WebPDecoder::new(bytes).map(|d| d.into_frames()),
        _ => PngDecoder::with_limits(bytes, limits())
            .and_then(PngDecoder::apng)
            .map(|d| d.into_frames()),
    };
    frames.map_err(|error| undecodable(source, &error))
}

fn frame(source: &Source, frame: Option<ImageResult<image::Frame>>) -> Result<DynamicImage> {
    match frame {
        Some(Ok(frame)) => Ok(frame.into_buffer().into()),
        Some(Err(error)) => Err(undecodable(source, &error)),
        None => Err(source
            .malformed("an animation that ends too early", "all of its frames")
            .with_hint(skip())),
    }
}

fn jpeg_2000(source: &Source) -> Result<Jpeg2000<'_>> {
    Jpeg2000::new(&source.bytes, &DecodeSettings::default())
        .map_err(|error| undecodable_text(source, &error.to_string()))
}

/// Eight bits a value, whatever the file has.
fn decode_jpeg_2000(source: &Source) -> Result<DynamicImage> {
    let failed = |error: &str| undecodable_text(source, error);
    let image = jpeg_2000(source)?;
    let (width, height) = (image.width(), image.height());
    let mut context = DecoderContext::default();
    let decoded = image
        .decode(&mut context)
        .map_err(|error| failed(&error.to_string()))?;
    let bytes = decoded.data_u8();
    let transparent = image.has_alpha();
    let decoded: Option<DynamicImage> = match (image.color_space().num_channels(), transparent) {
        (1, false) => GrayImage::from_raw(width, height, bytes).map(Into::into),
        (1, true) => GrayAlphaImage::from_raw(width, height, bytes).map(Into::into),
        (3, false) => RgbImage::from_raw(width, height, bytes).map(Into::into),
        (3, true) => RgbaImage::from_raw(width, height, bytes).map(Into::into),
        (4, false) if matches!(image.color_space(), ColorSpace::CMYK) => {
            // Ink takes light away, black ink from all colours.
            let light = |p: &[u8]| {
                let ink = |v: u8| u16::from(255 - v) * u16::from(255 - p[3]) / 255;
                [p[0], p[1], p[2]].map(|v| ink(v) as u8)
            };
            let light = bytes.chunks_exact(4).flat_map(light).collect();
            RgbImage::from_raw(width, height, light).map(Into::into)
        }
        (channels, _) => return Err(failed(&format!("{channels} channels"))),
    };
    decoded.ok_or_else(|| failed("channels of different sizes"))
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
    match error {
        ImageError::Unsupported(_) => source
            .malformed(
                format!("{UNSUPPORTED} ({error})"),
                format!("a whole {} image", formats::READ),
            )
            .with_hint(skip()),
        _ => undecodable_text(source, &error.to_string()),
    }
}

fn undecodable_text(source: &Source, error: &str) -> Error {
    source
        .malformed(
            format!("an image that cannot be decoded ({error})"),
            format!("a whole {} image", formats::READ),
        )
        .with_hint(skip())
}

/// What to do about files that cannot be read.
pub(super) fn skip() -> Note {
    Note::new("leave such files out and count them with ").setting("skip-unreadable")
}
