//! Samples as networks see them: rows made once, images made whenever they are asked for.

use std::borrow::Cow;

use unlike_core::{FeatureShape, Features, Result, Samples, ScoreParts, Scorer};
use unlike_data::Preprocessing;

use crate::model::in_chunks;

/// Samples with the preprocessing that they fit.
///
/// The features of a table are about as large as the table, and are kept. Those of images are at
/// least four times as large as the images, which may lie on the disk, and are made batch by
/// batch.
pub(super) enum Prepared<'a> {
    Rows(Features),
    Images {
        preprocessing: &'a Preprocessing,
        samples: Samples,
        shape: FeatureShape,
    },
}

impl<'a> Prepared<'a> {
    pub(super) fn new(preprocessing: &'a Preprocessing, samples: Samples) -> Result<Self> {
        Ok(match samples {
            Samples::Table(_) => Self::Rows(preprocessing.transform(&samples)?.features),
            Samples::Images(_) => {
                preprocessing.bind(&samples)?;
                Self::Images {
                    preprocessing,
                    samples,
                    shape: preprocessing.shape(),
                }
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(features) => features.len(),
            Self::Images { samples, .. } => samples.len(),
        }
    }

    pub(super) fn shape(&self) -> &FeatureShape {
        match self {
            Self::Rows(features) => features.shape(),
            Self::Images { shape, .. } => shape,
        }
    }

    /// The samples at these positions, one after the other.
    ///
    /// # Errors
    /// If an image cannot be read any more, here and below.
    pub(super) fn gather(&self, positions: &[usize]) -> Result<Vec<f32>> {
        match self {
            Self::Rows(features) => Ok(features.gather(positions)),
            Self::Images {
                preprocessing,
                samples,
                ..
            } => preprocessing.bind(samples)?.gather(positions),
        }
    }

    /// All at once, for baselines.
    pub(super) fn all(&self) -> Result<Cow<'_, Features>> {
        Ok(match self {
            Self::Rows(features) => Cow::Borrowed(features),
            Self::Images {
                preprocessing,
                samples,
                ..
            } => Cow::Owned(preprocessing.transform(samples)?.features),
        })
    }

    /// The parts of the scores of all samples.
    pub(super) fn parts(&self, scorer: &dyn Scorer) -> Result<ScoreParts> {
        match self {
            Self::Rows(features) => scorer.parts(features),
            Self::Images {
                preprocessing,
                samples,
                ..
            } => {
                let mut parts = ScoreParts::default();
                in_chunks(&preprocessing.bind(samples)?, |features| {
                    parts.extend(scorer.parts(features)?);
                    Ok(())
                })?;
                Ok(parts)
            }
        }
    }

    /// The parts of the scores of so many samples at most, always the same ones.
    pub(super) fn parts_of_some(&self, scorer: &dyn Scorer, most: usize) -> Result<ScoreParts> {
        if self.len() <= most {
            return self.parts(scorer);
        }
        scorer.parts(&self.some(most)?)
    }

    /// So many samples at most, always the same ones.
    pub(super) fn some(&self, most: usize) -> Result<Features> {
        let (n, count) = (self.len(), self.len().min(most));
        // Spread evenly, because files are often sorted.
        let positions: Vec<usize> = (0..count).map(|i| i * n / count).collect();
        Ok(Features::new(
            self.shape().clone(),
            self.gather(&positions)?,
        ))
    }
}
