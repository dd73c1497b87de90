//! From samples to what a detector sees: preprocessing, and the network that may stand behind it.

use std::{borrow::Cow, ops::Range};

use unlike_core::{
    Arrays, FeatureShape, Features, ImageShape, Result, Samples, ScoreParts, Scorer,
    samples::Images,
};
use unlike_data::{Bound, Noticed, Preprocessing};
use unlike_features::{Extraction, FeatureConfig};

use crate::train::TrainConfig;

/// Samples that are preprocessed and scored at a time, at most, so that memory does not grow with the
/// input.
const CHUNK: usize = 16_384;
/// Features of all samples of a chunk together, where images are large: 64 MB.
const CHUNK_FEATURES: usize = 1 << 24;

/// What stands between samples and a detector.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) preprocessing: Preprocessing,
    /// Makes rows of images.
    pub(crate) extraction: Option<Extraction>,
}

impl Sight {
    /// With the features that are asked for, which are not fitted yet.
    pub(crate) fn new(preprocessing: Preprocessing, config: &TrainConfig) -> Result<Self> {
        Self::made(preprocessing, config, Extraction::new)
    }

    /// As it was when the features' arrays were written.
    ///
    /// # Errors
    /// If an array is missing or cannot be such a one.
    pub(crate) fn restore(
        preprocessing: Preprocessing,
        config: &TrainConfig,
        arrays: &Arrays,
    ) -> Result<Self> {
        Self::made(preprocessing, config, |features, shape| {
            Extraction::restore(features, shape, arrays)
        })
    }

    fn made(
        preprocessing: Preprocessing,
        config: &TrainConfig,
        make: impl FnOnce(&FeatureConfig, &FeatureShape) -> Result<Option<Extraction>>,
    ) -> Result<Self> {
        let shape = preprocessing.shape();
        let extraction = match &config.features {
            Some(features) => make(features, &shape)?,
            None => None,
        };
        Ok(Self {
            preprocessing,
            extraction: extraction.map(|e| e.with_places(config.model.sees_places())),
        })
    }

    /// Samples as they are, for tests.
    #[cfg(test)]
    pub(crate) fn of(samples: &Samples) -> Self {
        Self {
            preprocessing: Preprocessing::fit(samples, &Default::default()).unwrap(),
            extraction: None,
        }
    }

    /// The shape of what a detector sees at once: a row, or an image.
    pub(crate) fn shape(&self) -> FeatureShape {
        match &self.extraction {
            Some(extraction) => extraction.shape(),
            None => self.preprocessing.shape(),
        }
    }

    /// How many of these a sample gives.
    pub(crate) fn places(&self) -> usize {
        self.extraction.as_ref().map_or(1, Extraction::places)
    }

    /// The size of the map that places make, if there are any: of an image's patches, or of its pixels.
    pub(crate) fn grid(&self) -> Option<[usize; 2]> {
        match (&self.extraction, self.preprocessing.shape()) {
            (Some(extraction), _) => extraction.grid(),
            (None, FeatureShape::Image(ImageShape { height, width, .. })) => Some([height, width]),
            (None, FeatureShape::Row { .. } | FeatureShape::Patch { .. }) => None,
        }
    }

    pub(crate) fn bind<'a>(&'a self, samples: &'a Samples) -> Result<Seen<'a>> {
        Ok(Seen {
            bound: self.preprocessing.bind(samples)?,
            extraction: self.extraction.as_ref(),
            images: match samples {
                Samples::Images(images) => self.grid().map(|grid| (images, grid)),
                Samples::Table(_) => None,
            },
        })
    }
}

/// Samples that fit a [`Sight`].
pub(crate) struct Seen<'a> {
    bound: Bound<'a>,
    extraction: Option<&'a Extraction>,
    /// Images that are seen as a map of places, and its size.
    images: Option<(&'a Images, [usize; 2])>,
}

/// What a detector sees of some samples.
pub(crate) struct Chunk<'a> {
    rows: Rows<'a>,
    /// The places of each image that show the image itself; none where samples are seen whole.
    pub(crate) regions: Vec<Region>,
}

/// All at once, or of images in tiles, some tiles after the others.
enum Rows<'a> {
    Ready(&'a Features),
    ByTiles(&'a Extraction, &'a Features),
}

impl<'a> Chunk<'a> {
    /// Of rows that are there already.
    pub(crate) fn of(features: &'a Features) -> Self {
        Self {
            rows: Rows::Ready(features),
            regions: Vec::new(),
        }
    }

    /// All rows at once: for samples that are not seen in tiles, of which some images have many.
    ///
    /// # Errors
    /// If a network cannot be run, here and below.
    pub(crate) fn features(&self) -> Result<Cow<'a, Features>> {
        Ok(match self.rows {
            Rows::Ready(features) => Cow::Borrowed(features),
            Rows::ByTiles(extraction, images) => Cow::Owned(extraction.extract(images)?),
        })
    }

    /// Calls `f` with some rows after the others.
    pub(crate) fn each(&self, mut f: impl FnMut(&Features) -> Result<()>) -> Result<()> {
        match self.rows {
            Rows::Ready(features) => f(features),
            Rows::ByTiles(extraction, images) => {
                extraction.extract_by_tiles(images, CHUNK_FEATURES, f)
            }
        }
    }

    /// The parts that a scorer gives of rows, or those that are wanted at least; of places, each is a map
    /// after the other.
    pub(crate) fn parts(&self, scorer: &dyn Scorer, wanted: Option<&[&str]>) -> Result<ScoreParts> {
        let mut parts = ScoreParts::default();
        self.each(|features| {
            parts.extend(match wanted {
                Some(wanted) => scorer.parts_of(features, wanted)?,
                None => scorer.parts(features)?,
            });
            Ok(())
        })?;
        let Rows::ByTiles(extraction, _) = self.rows else {
            return Ok(parts);
        };
        let merged = |(name, values): (&str, &[f32])| (name.to_owned(), extraction.merged(values));
        Ok(ScoreParts::new(parts.iter().map(merged).collect()))
    }
}

/// A rectangle of a map's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Region {
    /// Those places of a map of this size whose middle is covered; one at least along each axis.
    fn of([left, top, width, height]: [usize; 4], image: ImageShape, grid: [usize; 2]) -> Self {
        let along = |from: usize, covered: usize, pixels: usize, places: usize| {
            // The middle of place i lies at pixel (i + ½) · pixels / places.
            let first = |edge: usize| {
                (2 * edge * places)
                    .saturating_sub(pixels)
                    .div_ceil(2 * pixels)
            };
            let start = first(from).min(places - 1);
            let end = first(from + covered).clamp(start + 1, places);
            (start, end - start)
        };
        let (top, height) = along(top, height, image.height, grid[0]);
        let (left, width) = along(left, width, image.width, grid[1]);
        Self {
            top,
            left,
            height,
            width,
        }
    }

    /// Top, left, height and width.
    pub(crate) fn bounds(self) -> [usize; 4] {
        [self.top, self.left, self.height, self.width]
    }

    /// Sets all other places of a map to 0.
    pub(crate) fn clear_others(self, map: &mut [f32], columns: usize) {
        let mut shown = vec![false; map.len()];
        self.places(columns).for_each(|at| shown[at] = true);
        let others = map.iter_mut().zip(shown).filter(|(_, shown)| !shown);
        others.for_each(|(value, _)| *value = 0.0);
    }

    /// Gives all other places the value of the nearest of these, so that what is made of a place and its
    /// neighbours depends on these alone.
    pub(crate) fn continue_edges(self, map: &mut [f32], columns: usize) {
        let old = map.to_vec();
        for (at, value) in map.iter_mut().enumerate() {
            let row = (at / columns).clamp(self.top, self.top + self.height - 1);
            let column = (at % columns).clamp(self.left, self.left + self.width - 1);
            *value = old[row * columns + column];
        }
    }

    /// The positions of these places in a map with rows of this length, in order.
    pub(crate) fn places(self, columns: usize) -> impl Iterator<Item = usize> {
        let rows = self.top..self.top + self.height;
        rows.flat_map(move |row| {
            let first = row * columns + self.left;
            first..first + self.width
        })
    }
}

impl Seen<'_> {
    /// What is worth knowing about the samples.
    pub(crate) fn noticed(&self) -> Noticed {
        self.bound.noticed()
    }

    /// What a detector sees of these samples, [`places`](Sight::places) for each.
    pub(crate) fn features(&self, samples: Range<usize>) -> Result<Features> {
        self.extracted(self.bound.features(samples)?)
    }

    /// The same for samples at any positions.
    pub(crate) fn gather(&self, positions: &[usize]) -> Result<Features> {
        let values = self.bound.gather(positions)?;
        self.extracted(Features::new(self.bound.shape().clone(), values))
    }

    fn extracted(&self, features: Features) -> Result<Features> {
        match self.extraction {
            Some(extraction) => extraction.extract(&features),
            None => Ok(features),
        }
    }

    /// What shows the image itself in a map of it of this size; `None` for samples that have no maps.
    pub(crate) fn region(&self, sample: usize, map: [usize; 2]) -> Option<Region> {
        let (images, _) = self.images?;
        Some(Region::of(images.covered(sample), images.shape(), map))
    }

    fn regions(&self, samples: Range<usize>) -> Vec<Region> {
        let Some((_, grid)) = self.images else {
            return Vec::new();
        };
        let region = |sample| self.region(sample, grid);
        samples.filter_map(region).collect()
    }

    /// Calls `f` with what a detector sees of one chunk of samples after the other.
    pub(crate) fn in_chunks(&self, mut f: impl FnMut(&Chunk<'_>) -> Result<()>) -> Result<()> {
        let tiled = self.extraction.filter(|extraction| extraction.is_tiled());
        let at_once = self.extraction.filter(|extraction| !extraction.is_tiled());
        let rows = at_once.map_or(0, |e| e.places() * e.shape().size());
        let each = self.bound.shape().size().max(rows);
        let chunk = (CHUNK_FEATURES / each).clamp(1, CHUNK);
        let len = self.bound.len();
        for from in (0..len).step_by(chunk) {
            let samples = from..len.min(from + chunk);
            let seen = match tiled {
                Some(_) => self.bound.features(samples.clone())?,
                None => self.features(samples.clone())?,
            };
            f(&Chunk {
                rows: match tiled {
                    Some(extraction) => Rows::ByTiles(extraction, &seen),
                    None => Rows::Ready(&seen),
                },
                regions: self.regions(samples),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_belong_to_an_image_if_their_middle_does() {
        let image = ImageShape::from([32, 64, 1]);
        let of = |covered, grid| {
            let Region {
                top,
                left,
                height,
                width,
            } = Region::of(covered, image, grid);
            [left, top, width, height]
        };
        // All of it; pixel by pixel; the middle half along x, whose edges cut places in two.
        assert_eq!(of([0, 0, 64, 32], [4, 8]), [0, 0, 8, 4]);
        assert_eq!(of([5, 3, 7, 2], [32, 64]), [5, 3, 7, 2]);
        assert_eq!(of([12, 0, 40, 32], [4, 8]), [1, 0, 5, 4]);
        assert_eq!(of([13, 0, 40, 32], [4, 8]), [2, 0, 5, 4]);
        // One place at least.
        assert_eq!(of([30, 31, 1, 1], [4, 8]), [4, 3, 1, 1]);
    }

    #[test]
    fn what_is_no_place_of_an_image_is_cleared_or_continued() {
        let region = Region {
            top: 1,
            left: 1,
            height: 1,
            width: 2,
        };
        let map: Vec<f32> = (0..12).map(|v| v as f32).collect();
        assert_eq!(region.places(4).collect::<Vec<_>>(), [5, 6]);
        let mut cleared = map.clone();
        region.clear_others(&mut cleared, 4);
        assert_eq!(cleared, [0., 0., 0., 0., 0., 5., 6., 0., 0., 0., 0., 0.]);
        let mut continued = map;
        region.continue_edges(&mut continued, 4);
        assert_eq!(continued, [5., 5., 6., 6.].repeat(3));
    }
}
