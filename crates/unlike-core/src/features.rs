//! What networks and baselines see: numbers, made from samples by fitted preprocessing.

use crate::images::ImageShape;

/// Samples as numbers, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    shape: FeatureShape,
    values: Vec<f32>,
}

/// The shape of one sample's features.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FeatureShape {
    /// A row of this many numbers.
    Row {
        /// The length of a row.
        width: usize,
    },
    /// What a network says of one place of an image, for detectors that tell places apart.
    Patch {
        /// The length of a row: as many numbers, the last of which is the place, counted from 0.
        width: usize,
        /// The places of an image.
        places: usize,
    },
    /// An image, channels innermost, values in [-1, 1].
    Image(ImageShape),
}

impl FeatureShape {
    /// A row of so many numbers.
    pub fn row(width: usize) -> Self {
        Self::Row { width }
    }

    /// An image of this size.
    pub fn image(height: usize, width: usize, channels: usize) -> Self {
        Self::Image(ImageShape {
            height,
            width,
            channels,
        })
    }

    /// How many numbers one sample has.
    pub fn size(&self) -> usize {
        match *self {
            Self::Row { width } | Self::Patch { width, .. } => width,
            Self::Image(shape) => shape.size(),
        }
    }
}

impl Features {
    /// Samples laid out one after the other, `[N, shape]`.
    ///
    /// # Panics
    /// If `values` is not a whole number of samples.
    pub fn new(shape: FeatureShape, values: Vec<f32>) -> Self {
        assert!(
            shape.size() > 0 && values.len().is_multiple_of(shape.size()),
            "whole samples"
        );
        Self { shape, values }
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.values.len() / self.shape.size()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &FeatureShape {
        &self.shape
    }

    /// All values, `[N, shape]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, `[N, shape]`, given away.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The numbers of one sample.
    pub fn sample(&self, position: usize) -> &[f32] {
        let size = self.shape.size();
        &self.values[position * size..(position + 1) * size]
    }

    /// Copies the samples at these positions, one after the other.
    pub fn gather(&self, positions: &[usize]) -> Vec<f32> {
        positions
            .iter()
            .flat_map(|&p| self.sample(p))
            .copied()
            .collect()
    }
}
