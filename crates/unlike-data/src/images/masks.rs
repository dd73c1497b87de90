//! Where images are anomalous, as people marked it.

use std::sync::Arc;

use super::place::{Depth, Placement, Raster};

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
        let masks = positions.iter().map(|&p| self.masks[p].clone()).collect();
        Self { masks, ..*self }
    }
}

/// Brings a grey image to a mask, which is `blank` if it marks nothing.
pub(super) fn marked(
    raster: &Raster<'_>,
    placement: &Placement,
    blank: &Arc<[bool]>,
) -> Arc<[bool]> {
    let bright = |at: usize| match &raster.values {
        Depth::Byte(bytes) => bytes[at] > 127,
        Depth::Float(values) => values[at] > 0.5,
    };
    let mask: Vec<bool> = placement
        .nearest()
        .map(|at| at.is_some_and(bright))
        .collect();
    if mask.contains(&true) {
        mask.into()
    } else {
        Arc::clone(blank)
    }
}
