//! Samples as networks see them: rows made once, images made whenever they are asked for.

use std::borrow::Cow;

use rand::seq::index::sample;
use unlike_core::{FeatureShape, Features, Result, Samples, ScoreParts, Scorer};
use unlike_features::Extraction;

use crate::{
    rng::{self, Purpose},
    sight::{Chunk, Sight},
};

/// Rows that patches of training images give, at most, and the length of the recommended ones: 160 MB. Of
/// more, every image gives as many, drawn anew for each.
const PATCHES: usize = 1 << 18;
const WIDTH: usize = 152;

/// Rows of this length that patches of training images give, at most: of longer ones than the recommended,
/// as many as are no larger together.
pub(super) fn most_rows(width: usize) -> usize {
    PATCHES.min(PATCHES * WIDTH / width.max(1)).max(1)
}

/// Rows that measure an epoch, at most, where images give many each.
const MEASURED: usize = 1 << 14;

/// Samples with what they are seen by.
///
/// The features of a table are about as large as the table, and are kept. Those of images are at
/// least four times as large as the images, which may lie on the disk, and are made batch by
/// batch.
pub(crate) enum Prepared<'a> {
    Rows(Features),
    Images {
        sight: &'a Sight,
        samples: Samples,
        shape: FeatureShape,
    },
}

impl<'a> Prepared<'a> {
    pub(super) fn new(sight: &'a Sight, samples: Samples) -> Result<Self> {
        let seen = sight.bind(&samples)?;
        Ok(match samples {
            Samples::Table(_) => Self::Rows(seen.features(0..samples.len())?),
            Samples::Images(_) => Self::Images {
                sight,
                samples,
                shape: sight.shape(),
            },
        })
    }

    /// Rows of features of training images, with the step that makes them fitted to them.
    pub(super) fn fit(sight: &mut Sight, samples: &Samples, seed: u64) -> Result<Option<Self>> {
        if sight.extraction.is_none() {
            return Ok(None);
        }
        let most = most_rows(sight.shape().size());
        let rows = some_rows(sight, samples, most, seed)?;
        let fit = |extraction: &mut Extraction| extraction.fit(rows);
        let rows = sight.extraction.as_mut().map(fit).transpose()?;
        Ok(rows.map(Self::Rows))
    }

    /// What measures an epoch, where that is not these samples as they are.
    pub(super) fn measured(&self, seed: u64) -> Result<Option<Self>> {
        match self {
            Self::Images { sight, samples, .. } if sight.extraction.is_some() => {
                Ok(Some(Self::Rows(some_rows(sight, samples, MEASURED, seed)?)))
            }
            _ => Ok(None),
        }
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
            Self::Images { sight, samples, .. } => {
                Ok(sight.bind(samples)?.gather(positions)?.into_values())
            }
        }
    }

    /// All at once, for baselines.
    pub(super) fn all(&self) -> Result<Cow<'_, Features>> {
        Ok(match self {
            Self::Rows(features) => Cow::Borrowed(features),
            Self::Images { sight, samples, .. } => {
                Cow::Owned(sight.bind(samples)?.features(0..samples.len())?)
            }
        })
    }

    /// Calls `f` with what a detector sees of some of the samples after the others.
    pub(crate) fn in_chunks(&self, mut f: impl FnMut(&Chunk<'_>) -> Result<()>) -> Result<()> {
        match self {
            Self::Rows(features) => f(&Chunk::of(features)),
            Self::Images { sight, samples, .. } => sight.bind(samples)?.in_chunks(f),
        }
    }

    /// The parts that a scorer gives of so many of these at most, always the same ones.
    pub(super) fn parts_of_some(&self, scorer: &dyn Scorer, most: usize) -> Result<ScoreParts> {
        if self.len() > most {
            return scorer.parts(&self.some(most)?);
        }
        let mut parts = ScoreParts::default();
        self.in_chunks(|chunk| {
            parts.extend(chunk.parts(scorer, None)?);
            Ok(())
        })?;
        Ok(parts)
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

/// So many rows of features of these images at most, of places that show the images themselves, as many
/// of each where it has them.
fn some_rows(sight: &Sight, samples: &Samples, most: usize, seed: u64) -> Result<Features> {
    let places = sight.places();
    let each = (most / samples.len().max(1)).clamp(1, places);
    let mut values = Vec::with_capacity(samples.len() * each * sight.shape().size());
    let mut image = 0;
    sight.bind(samples)?.in_chunks(|chunk| {
        // Rows of the chunk that are wanted, in order.
        let mut wanted = Vec::new();
        let mut choose = |first: usize, mut chosen: Vec<usize>| {
            if chosen.len() > each {
                let mut rng = rng::rng(seed, Purpose::Patches, image);
                let mut drawn = sample(&mut rng, chosen.len(), each).into_vec();
                drawn.sort_unstable();
                chosen = drawn.into_iter().map(|at| chosen[at]).collect();
            }
            wanted.extend(chosen.into_iter().map(|place| first + place));
            image += 1;
        };
        match &sight.extraction {
            Some(extraction) if sight.grid().is_some() => {
                for (first, region) in (0..).step_by(places).zip(&chunk.regions) {
                    choose(first, extraction.rows_within(region.bounds()));
                }
            }
            _ => (0..chunk.features()?.len()).for_each(|first| choose(first, vec![0])),
        }
        let mut passed = 0;
        let mut wanted = wanted.into_iter().peekable();
        chunk.each(|rows| {
            while let Some(row) = wanted.next_if(|row| *row < passed + rows.len()) {
                values.extend_from_slice(rows.sample(row - passed));
            }
            passed += rows.len();
            Ok(())
        })
    })?;
    Ok(Features::new(sight.shape(), values))
}
