//! From samples to what a detector sees: preprocessing, and the network that may stand behind it.

use std::ops::Range;

use unlike_core::{Arrays, FeatureShape, Features, ImageShape, Note, Result, Samples};
use unlike_data::{Bound, Preprocessing};
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
        })
    }
}

/// Samples that fit a [`Sight`].
pub(crate) struct Seen<'a> {
    bound: Bound<'a>,
    extraction: Option<&'a Extraction>,
}

impl Seen<'_> {
    /// What a user should know about the samples.
    pub(crate) fn notes(&self) -> Vec<Note> {
        self.bound.notes()
    }

    /// What a detector sees of these samples, [`places`](Sight::places) for each.
    pub(crate) fn features(&self, samples: Range<usize>) -> Result<Features> {
        Ok(self.extracted(self.bound.features(samples)?))
    }

    /// The same for samples at any positions.
    pub(crate) fn gather(&self, positions: &[usize]) -> Result<Features> {
        let values = self.bound.gather(positions)?;
        Ok(self.extracted(Features::new(self.bound.shape().clone(), values)))
    }

    fn extracted(&self, features: Features) -> Features {
        match self.extraction {
            Some(extraction) => extraction.rows(&features),
            None => features,
        }
    }

    /// Calls `f` with what a detector sees of one chunk of samples after the other.
    pub(crate) fn in_chunks(&self, mut f: impl FnMut(&Features) -> Result<()>) -> Result<()> {
        let rows = self.extraction.map_or(0, |e| e.places() * e.shape().size());
        let each = self.bound.shape().size().max(rows);
        let chunk = (CHUNK_FEATURES / each).clamp(1, CHUNK);
        let len = self.bound.len();
        for from in (0..len).step_by(chunk) {
            f(&self.features(from..len.min(from + chunk))?)?;
        }
        Ok(())
    }
}
