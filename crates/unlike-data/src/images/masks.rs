//! Where images are anomalous, as people marked it.

use std::sync::Arc;

use image::{DynamicImage, GrayImage, ImageFormat, Rgba};
use unlike_core::Result;

use super::{
    ImageSize, decode,
    formats::{self, Format, Kind},
    pages::Page,
    place::Placement,
};
use crate::source::Source;

/// A mask for each image that has one, at the images' size.
///
/// Masks are scaled by nearest neighbour, so that they stay masks. Those that mark nothing share
/// their memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Masks {
    height: usize,
    width: usize,
    masks: Vec<Option<Arc<[bool]>>>,
}

impl Masks {
    pub(super) fn new([height, width]: [usize; 2], masks: Vec<Option<Arc<[bool]>>>) -> Self {
        debug_assert!(masks.iter().flatten().all(|m| m.len() == height * width));
        Self {
            height,
            width,
            masks,
        }
    }

    /// `[height, width]` in pixels.
    pub fn shape(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// One per image.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The image's mask, `[height, width]`, true where it is anomalous; absent if it has none.
    pub fn mask(&self, position: usize) -> Option<&[bool]> {
        self.masks[position].as_deref()
    }

    /// The masks of the images at these positions, in this order.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            masks: positions.iter().map(|&p| self.masks[p].clone()).collect(),
            ..*self
        }
    }
}

/// What a mask's file marks, at the file's own size.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) size: ImageSize,
    marked: Vec<bool>,
}

impl Marks {
    /// Reads a page of a mask: whatever is not zero is marked.
    ///
    /// - With transparency: what is neither transparent nor black, or, where all that is seen is black,
    ///   what is seen.
    /// - With a palette: what is not black, or what is not of the palette's first colour, whichever is
    ///   less but not nothing. Programs differ in what they put first, and marks are the smaller part.
    /// - JPEG blurs what it stores: what is brighter than half is marked, or than half of the brightest
    ///   where that is dark.
    pub(super) fn read(source: &Source, page: Page) -> Result<Self> {
        let image = decode::pixels(source, page)?;
        let size = ImageSize {
            height: image.height() as usize,
            width: image.width() as usize,
        };
        let Kind::Image(Format::Known(format)) = formats::of_source(source) else {
            return Ok(Self::of(size, &image));
        };
        if format == ImageFormat::Jpeg {
            let marked = bright(&image.into_luma8());
            return Ok(Self { size, marked });
        }
        let marks = Self::of(size, &image);
        let Some(first) = decode::palette(format, &source.bytes) else {
            return Ok(marks);
        };
        let other = image.into_rgb8().pixels().map(|p| p.0 != first).collect();
        let other = Self {
            size,
            marked: other,
        };
        let less = (1..marks.count()).contains(&other.count());
        Ok(if less { other } else { marks })
    }

    fn count(&self) -> usize {
        self.marked.iter().filter(|marked| **marked).count()
    }

    fn of(size: ImageSize, image: &DynamicImage) -> Self {
        let values = image.to_rgba32f();
        let seen = |p: &Rgba<f32>| p[3] > 0.0;
        let coloured = |p: &Rgba<f32>| seen(p) && p.0[..3].iter().any(|v| *v != 0.0);
        let marked: Vec<bool> = values.pixels().map(coloured).collect();
        let hidden = values.pixels().any(|p| !seen(p));
        let marked = match hidden && !marked.contains(&true) {
            true => values.pixels().map(seen).collect(),
            false => marked,
        };
        Self { size, marked }
    }

    /// Marks what another mask of the same image marks, too.
    pub(super) fn and(mut self, other: &Self) -> Self {
        for (mine, &theirs) in self.marked.iter_mut().zip(&other.marked) {
            *mine |= theirs;
        }
        self
    }

    /// Brings it to where its image was brought; it is `blank` if it marks nothing.
    pub(super) fn placed(&self, placement: &Placement, blank: &Arc<[bool]>) -> Arc<[bool]> {
        let mask: Vec<bool> = placement
            .nearest()
            .map(|at| at.is_some_and(|at| self.marked[at]))
            .collect();
        if mask.contains(&true) {
            mask.into()
        } else {
            Arc::clone(blank)
        }
    }
}

fn bright(image: &GrayImage) -> Vec<bool> {
    /// What is darker is noise.
    const NOISE: u8 = 16;
    let brightest = image.pixels().map(|p| p[0]).max().unwrap_or(0);
    let limit = match brightest {
        NOISE..128 => brightest / 2,
        _ => 127,
    };
    image.pixels().map(|p| p[0] > limit).collect()
}
