//! From a decoded image to one of the size that a model wants.

use std::{borrow::Cow, path::Path};

use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{F32, U8, U8x3},
};
use unlike_core::{Error, Frame};

use super::{Fit, ImageSize};

/// The longest side of an image that a model can be asked for.
pub(super) const LARGEST_SIDE: usize = 4096;

/// A decoded image, rows from the top, channels innermost.
pub(super) struct Raster<'a> {
    pub(super) size: ImageSize,
    pub(super) channels: usize,
    pub(super) values: Depth<'a>,
}

/// Eight bits a value, as most images have, or numbers from 0 to 1.
#[derive(Debug, PartialEq)]
pub(super) enum Depth<'a> {
    Byte(Cow<'a, [u8]>),
    Float(Vec<f32>),
}

impl Depth<'_> {
    /// One byte a value, the nearest.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Byte(bytes) => Cow::Borrowed(bytes),
            Self::Float(values) => values.iter().map(|v| (v * 255.0).round() as u8).collect(),
        }
    }

    /// Fills `out` with as many values in [-1, 1].
    pub(super) fn write(&self, out: &mut [f32]) {
        match self {
            Self::Byte(bytes) => {
                for (value, &byte) in out.iter_mut().zip(bytes.iter()) {
                    *value = f32::from(byte) / 127.5 - 1.0;
                }
            }
            Self::Float(values) => {
                for (out, value) in out.iter_mut().zip(values) {
                    // A filter may leave the range by rounding.
                    *out = (value * 2.0 - 1.0).clamp(-1.0, 1.0);
                }
            }
        }
    }
}

impl<'a> Raster<'a> {
    pub(super) fn from_bytes(size: ImageSize, channels: usize, bytes: &'a [u8]) -> Self {
        Self {
            size,
            channels,
            values: Depth::Byte(Cow::Borrowed(bytes)),
        }
    }

    /// Grey from colour by luminance, colour from grey by repetition.
    pub(super) fn with_channels(self, channels: usize) -> Self {
        // The weights of ITU-R BT.709.
        let luminance = |[r, g, b]: [f32; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let values = match (self.channels, channels, self.values) {
            (3, 1, Depth::Byte(bytes)) => {
                let grey = |p: &[u8]| luminance([p[0], p[1], p[2]].map(f32::from)).round() as u8;
                Depth::Byte(bytes.chunks_exact(3).map(grey).collect())
            }
            (3, 1, Depth::Float(values)) => {
                let grey = |p: &[f32]| luminance([p[0], p[1], p[2]]);
                Depth::Float(values.chunks_exact(3).map(grey).collect())
            }
            (1, 3, Depth::Byte(bytes)) => Depth::Byte(bytes.iter().flat_map(|&v| [v; 3]).collect()),
            (1, 3, Depth::Float(values)) => {
                Depth::Float(values.iter().flat_map(|&v| [v; 3]).collect())
            }
            (_, _, values) => values,
        };
        Self {
            size: self.size,
            channels,
            values,
        }
    }
}

/// Which part of an image goes where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    from: ImageSize,
    /// Left, top, width and height of the part that is used.
    source: [f64; 4],
    to: ImageSize,
    /// Left, top, width and height of the part that is covered.
    target: [usize; 4],
    /// Whether the edges of what is covered are continued around it; else there is black.
    continued: bool,
}

/// Why an image cannot be brought to a size.
#[derive(Debug)]
pub(super) struct Refusal {
    found: String,
    expected: String,
}

impl Refusal {
    pub(super) fn into_error(self, path: &Path) -> Error {
        Error::Malformed {
            path: path.to_owned(),
            location: Default::default(),
            found: self.found,
            expected: self.expected,
            hint: None,
        }
    }
}

impl Placement {
    pub(super) fn new(from: ImageSize, to: ImageSize, fit: Fit) -> Result<Self, Refusal> {
        let [from_width, from_height] = [from.width as f64, from.height as f64];
        let [to_width, to_height] = [to.width as f64, to.height as f64];
        let whole = [0.0, 0.0, from_width, from_height];
        let everywhere = [0, 0, to.width, to.height];
        let scales = [to_width / from_width, to_height / from_height];
        let (source, target) = match fit {
            Fit::Stretch => (whole, everywhere),
            Fit::Crop => {
                let scale = scales[0].max(scales[1]);
                let width = (to_width / scale).min(from_width);
                let height = (to_height / scale).min(from_height);
                let left = (from_width - width) / 2.0;
                let top = (from_height - height) / 2.0;
                ([left, top, width, height], everywhere)
            }
            Fit::Keep | Fit::Letterbox => {
                let scale = scales[0].min(scales[1]);
                let side = |from: f64, to: usize| ((from * scale).round() as usize).clamp(1, to);
                (
                    whole,
                    centred(
                        [side(from_width, to.width), side(from_height, to.height)],
                        to,
                    ),
                )
            }
            Fit::Pad if from.width > to.width || from.height > to.height => {
                return Err(Refusal {
                    found: format!("{} × {} pixels", from.width, from.height),
                    expected: format!(
                        "at most {} × {}, because padding does not shrink",
                        to.width, to.height
                    ),
                });
            }
            Fit::Pad => (whole, centred([from.width, from.height], to)),
        };
        Ok(Self {
            from,
            source,
            to,
            target,
            continued: fit == Fit::Keep,
        })
    }

    /// The same for those who look at images.
    pub(super) fn frame(&self) -> Frame {
        Frame {
            original: [self.from.width, self.from.height],
            seen: self.source,
            placed: self.target,
        }
    }

    /// The image at the size.
    pub(super) fn place(&self, raster: Raster<'_>) -> Result<Depth<'static>, Refusal> {
        let channels = raster.channels;
        Ok(match self.scaled(raster)? {
            Depth::Byte(scaled) => {
                Depth::Byte(Cow::Owned(self.surrounded(scaled.into_owned(), channels)))
            }
            Depth::Float(scaled) => Depth::Float(self.surrounded(scaled, channels)),
        })
    }

    /// Puts the covered part where it belongs, on zeros or between its continued edges.
    fn surrounded<T: Copy + Default>(&self, scaled: Vec<T>, channels: usize) -> Vec<T> {
        let [left, top, width, height] = self.target;
        if [width, height] == [self.to.width, self.to.height] {
            return scaled;
        }
        let mut out = vec![T::default(); self.to.height * self.to.width * channels];
        let row_size = width * channels;
        if self.continued {
            let places = (0..self.to.height).flat_map(|y| (0..self.to.width).map(move |x| (x, y)));
            for ((x, y), pixel) in places.zip(out.chunks_exact_mut(channels)) {
                let x = x.saturating_sub(left).min(width - 1);
                let y = y.saturating_sub(top).min(height - 1);
                pixel.copy_from_slice(&scaled[y * row_size + x * channels..][..channels]);
            }
            return out;
        }
        for (y, row) in (top..top + height).zip(scaled.chunks_exact(row_size)) {
            let start = (y * self.to.width + left) * channels;
            out[start..start + row_size].copy_from_slice(row);
        }
        out
    }

    /// The used part at the size of the covered part.
    fn scaled(&self, raster: Raster<'_>) -> Result<Depth<'static>, Refusal> {
        let [_, _, width, height] = self.target;
        let same = self.source == [0.0, 0.0, width as f64, height as f64];
        match raster.values {
            Depth::Byte(bytes) if same => Ok(Depth::Byte(Cow::Owned(bytes.into_owned()))),
            Depth::Float(values) if same => Ok(Depth::Float(values)),
            Depth::Byte(bytes) if raster.channels == 1 => {
                let scaled = self.resized(self.view::<U8>(&bytes)?)?;
                Ok(Depth::Byte(scaled.pixels().iter().map(|p| p.0).collect()))
            }
            Depth::Byte(bytes) => {
                let scaled = self.resized(self.view::<U8x3>(&bytes)?)?;
                Ok(Depth::Byte(
                    scaled.pixels().iter().flat_map(|p| p.0).collect(),
                ))
            }
            Depth::Float(values) => {
                // One channel after the other: images of this depth are rare, and every kind of
                // pixel costs the compiler seconds.
                let mut all = vec![0.0; width * height * raster.channels];
                for channel in 0..raster.channels {
                    let values = values.iter().skip(channel).step_by(raster.channels);
                    let plane: Vec<F32> = values.map(|&v| F32::new(v)).collect();
                    let [width, height] = self.source_sides();
                    let view = TypedImageRef::new(width, height, &plane).map_err(refused)?;
                    let scaled = self.resized(view)?;
                    let places = all.iter_mut().skip(channel).step_by(raster.channels);
                    for (value, pixel) in places.zip(scaled.pixels()) {
                        *value = pixel.0;
                    }
                }
                Ok(Depth::Float(all))
            }
        }
    }

    fn source_sides(&self) -> [u32; 2] {
        [side(self.from.width), side(self.from.height)]
    }

    fn view<'b, P: PixelTrait>(&self, bytes: &'b [u8]) -> Result<TypedImageRef<'b, P>, Refusal> {
        let [width, height] = self.source_sides();
        TypedImageRef::from_buffer(width, height, bytes).map_err(refused)
    }

    /// The pixel's type is a parameter so that the resizer is compiled for those that occur only:
    /// it has more than a dozen.
    fn resized<P: PixelTrait>(
        &self,
        view: TypedImageRef<'_, P>,
    ) -> Result<TypedImage<'static, P>, Refusal> {
        let [_, _, width, height] = self.target;
        let [left, top, part_width, part_height] = self.source;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(left, top, part_width, part_height);
        let mut scaled = TypedImage::new(side(width), side(height));
        Resizer::new()
            .resize_typed(&view, &mut scaled, &options)
            .map_err(refused)?;
        Ok(scaled)
    }

    /// The nearest source pixel of each pixel of `[height, width]`; `None` where nothing is covered.
    pub(super) fn nearest(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let [left, top, width, height] = self.target;
        let [from_left, from_top, from_width, from_height] = self.source;
        let position =
            |at: usize, start: usize, length: usize, from: f64, size: f64, end: usize| {
                let inside = at.checked_sub(start).filter(|&i| i < length)?;
                let centre = from + (inside as f64 + 0.5) * size / length as f64;
                Some((centre as usize).min(end - 1))
            };
        (0..self.to.height).flat_map(move |y| {
            let y = position(y, top, height, from_top, from_height, self.from.height);
            (0..self.to.width).map(move |x| {
                let x = position(x, left, width, from_left, from_width, self.from.width);
                Some(y? * self.from.width + x?)
            })
        })
    }
}

/// A rectangle of this width and height in the middle.
fn centred([width, height]: [usize; 2], to: ImageSize) -> [usize; 4] {
    [
        (to.width - width) / 2,
        (to.height - height) / 2,
        width,
        height,
    ]
}

/// Sizes were checked to be small where images come in.
fn side(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal {
        found: format!("an image that cannot be scaled ({error})"),
        expected: "pixels in memory".into(),
    }
}
