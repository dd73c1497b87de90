//! Fitted preprocessing: what training normals look like decides how every sample becomes numbers.

mod bind;
mod category;
mod image;
mod notes;
mod noticed;
mod number;
mod table;

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Features, Images, InputSpec, Note, Result, Samples};

use crate::{images::Fit, read::ReadOptions, reading::Reading};

pub use bind::UnseenCategories;
pub use category::CategoryColumn;
pub use image::ImagePreprocessing;
pub use noticed::Noticed;
pub use number::{Bend, NumberColumn};
pub use table::{FittedColumn, TablePreprocessing};

/// Features are clamped to `[-LIMIT, LIMIT]`: any finite input gives finite features, and a value a
/// million training ranges away is as strange as a detector needs to know.
pub const LIMIT: f64 = 1e6;

/// Where the farthest training value of a column lies at most, under [`Scaling::Bounded`].
pub const BOUND: f64 = 5.0;

/// How numbers are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Training minimum and maximum to -1 and 1; one-hot and missing features are -1 or 1.
    #[default]
    MinMax,
    /// Training mean and standard deviation (of the population) to 0 and 1; one-hot and missing
    /// features are 0 or 1.
    Standard,
    /// As [`Standard`](Self::Standard), but for columns of which a training value would then lie
    /// beyond ±[`BOUND`]: the farthest of these lies there. One-hot and missing features are -1 or 1, and where there are
    /// more of them than columns of numbers, numbers are scaled as under [`MinMax`](Self::MinMax).
    Bounded,
}

impl Scaling {
    /// The values of a feature that says no or yes.
    pub(crate) fn no_yes(self) -> [f32; 2] {
        match self {
            Self::MinMax | Self::Bounded => [-1.0, 1.0],
            Self::Standard => [0.0, 1.0],
        }
    }
}

/// What happens to columns of numbers with heavy tails: those whose inner values, all but the 1 % at
/// either end, take up less than a thousandth of the range, or of whose distinct training values
/// scaling alone would make features that are equal in more than 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tails {
    /// They are bent before they are scaled ([`preprocess::Bend`](Bend)), so that the differences
    /// between usual values are not lost beside a huge one.
    #[default]
    Bend,
    /// They are scaled as all others, as published experiments do.
    Keep,
}

/// How to make features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PreprocessingConfig {
    /// How numbers are scaled.
    pub scaling: Scaling,
    /// What happens to columns of numbers with heavy tails.
    #[serde(skip_serializing_if = "is_usual")]
    pub tails: Tails,
    /// The most levels of a category that get a feature of their own; the rarest beyond go to
    /// "other". At least 1.
    pub max_levels: usize,
    /// Levels in fewer training rows than this go to "other".
    pub min_level_rows: usize,
    /// How images were brought to their size when they were read ([`ImageOptions::fit`](crate::ImageOptions::fit)); saved with the
    /// model, so that the images to score are read the same way.
    pub image_fit: Fit,
    /// What was said about how the training data are to be read; saved with the model, so that new data
    /// are read alike.
    #[serde(skip_serializing_if = "is_usual")]
    pub reading: Reading,
}

/// Whether a setting need not be written down.
fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for PreprocessingConfig {
    fn default() -> Self {
        Self {
            scaling: Scaling::default(),
            tails: Tails::default(),
            max_levels: 128,
            min_level_rows: 1,
            image_fit: Fit::default(),
            reading: Reading::default(),
        }
    }
}

/// Turns samples into features, as fitted on training normals; saved in the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Preprocessing {
    /// Scaled numbers and one-hot categories.
    Table(TablePreprocessing),
    /// Images of one size, as they are.
    Image(ImagePreprocessing),
}

impl Preprocessing {
    /// Learns columns, ranges and levels from training normals, or the size of images.
    ///
    /// # Errors
    /// If there is no sample, or the config is out of range.
    pub fn fit(normals: &Samples, config: &PreprocessingConfig) -> Result<Self> {
        match normals {
            Samples::Table(table) => TablePreprocessing::fit(table, config).map(Self::Table),
            Samples::Images(images) => ImagePreprocessing::fit(images, config).map(Self::Image),
        }
    }

    /// What a detector with this preprocessing takes.
    pub fn input(&self) -> InputSpec {
        match self {
            Self::Table(table) => table.input(),
            Self::Image(image) => image.input(),
        }
    }

    /// How to read samples for a detector with this preprocessing: columns of the kinds that training
    /// had, images of its size. What `options` says beyond that stays.
    #[must_use]
    pub fn read_options(&self, options: ReadOptions) -> ReadOptions {
        match self {
            Self::Table(table) => ReadOptions {
                expect: Some(table.columns_expected()),
                remembered: Some(table.config().reading.clone()),
                ..options
            },
            Self::Image(image) => ReadOptions {
                image: image.options(options.image),
                ..options
            },
        }
    }

    /// Samples that [`bind`](Self::bind) would refuse one by one, by their positions, and why: rows with
    /// a missing value in a column of numbers where training had none.
    pub fn unfit_rows(&self, samples: &Samples) -> BTreeMap<usize, String> {
        match (self, samples) {
            (Self::Table(preprocessing), Samples::Table(table)) => preprocessing.unfit_rows(table),
            _ => BTreeMap::new(),
        }
    }

    /// The shape of one sample's features.
    pub fn shape(&self) -> FeatureShape {
        match self {
            Self::Table(table) => FeatureShape::Row {
                width: table.width(),
            },
            Self::Image(image) => image.shape(),
        }
    }

    /// How many numbers one sample becomes.
    pub fn width(&self) -> usize {
        self.shape().size()
    }

    /// What a user should know about the training data, one sentence each.
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Table(table) => table.notes(),
            Self::Image(_) => &[],
        }
    }

    /// The preprocessing of tables, if this is one.
    pub fn as_table(&self) -> Option<&TablePreprocessing> {
        match self {
            Self::Table(table) => Some(table),
            Self::Image(_) => None,
        }
    }

    /// Checks all samples once, so that features can then be made of any range of them.
    ///
    /// # Errors
    /// If the samples are of another kind or size, a column is missing or of another kind, or a
    /// number is missing in a column where training had none missing.
    pub fn bind<'a>(&'a self, samples: &'a Samples) -> Result<Bound<'a>> {
        let inner = match self {
            Self::Table(table) => Inner::Table(table.bind(samples)?),
            Self::Image(image) => Inner::Image(image.bind(samples)?),
        };
        Ok(Bound {
            inner,
            shape: self.shape(),
            len: samples.len(),
        })
    }

    /// The features of all samples.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn transform(&self, samples: &Samples) -> Result<Transformed> {
        let bound = self.bind(samples)?;
        Ok(Transformed {
            features: bound.features(0..bound.len())?,
            notes: bound.noticed().notes(self),
        })
    }
}

/// Features, and what a user should know about how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformed {
    /// One row or image per sample, in the samples' order.
    pub features: Features,
    /// One sentence each: categories that training did not know, counted per column.
    pub notes: Vec<Note>,
}

/// Samples that fit a [`Preprocessing`]: features of any range of them can be made, batch by batch.
#[derive(Debug)]
pub struct Bound<'a> {
    inner: Inner<'a>,
    shape: FeatureShape,
    len: usize,
}

#[derive(Debug)]
enum Inner<'a> {
    Table(bind::BoundTable<'a>),
    Image(&'a Images),
}

impl Bound<'_> {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The features of these samples.
    ///
    /// # Errors
    /// If an image cannot be read any more; never for tables.
    ///
    /// # Panics
    /// If the range is not within `0..len()`.
    pub fn features(&self, samples: Range<usize>) -> Result<Features> {
        let mut values = vec![0.0; samples.len() * self.shape.size()];
        self.write(samples, &mut values)?;
        Ok(Features::new(self.shape.clone(), values))
    }

    /// As [`features`](Self::features), into memory that is there already: one sample after the
    /// other, every value overwritten.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    ///
    /// # Panics
    /// If the range is not within `0..len()`, or `out` is not of its size.
    pub fn write(&self, samples: Range<usize>, out: &mut [f32]) -> Result<()> {
        assert!(
            samples.start <= samples.end && samples.end <= self.len,
            "samples that exist"
        );
        assert_eq!(
            out.len(),
            samples.len() * self.shape.size(),
            "room for the samples"
        );
        match &self.inner {
            Inner::Table(table) => {
                table.write(samples.start, out);
                Ok(())
            }
            Inner::Image(images) => image::write(images, out, |place| samples.start + place),
        }
    }

    /// The features of samples at any positions, one after the other; positions may repeat.
    ///
    /// Rows of a table are made one at a time here, which [`features`](Self::features) does faster.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    ///
    /// # Panics
    /// If a position is not below `len()`.
    pub fn gather(&self, positions: &[usize]) -> Result<Vec<f32>> {
        assert!(
            positions.iter().all(|&p| p < self.len),
            "samples that exist"
        );
        let size = self.shape.size();
        let mut values = vec![0.0; positions.len() * size];
        match &self.inner {
            Inner::Table(table) => {
                for (&position, out) in positions.iter().zip(values.chunks_exact_mut(size)) {
                    table.write(position, out);
                }
            }
            Inner::Image(images) => image::write(images, &mut values, |place| positions[place])?,
        }
        Ok(values)
    }

    /// The shape of one sample's features.
    pub fn shape(&self) -> &FeatureShape {
        &self.shape
    }

    /// Categories that training did not know; each becomes "other".
    pub fn unseen(&self) -> &[UnseenCategories] {
        match &self.inner {
            Inner::Table(table) => table.unseen(),
            Inner::Image(_) => &[],
        }
    }

    /// Columns of the samples that training did not have; they are ignored.
    pub fn ignored_columns(&self) -> &[String] {
        match &self.inner {
            Inner::Table(table) => table.ignored(),
            Inner::Image(_) => &[],
        }
    }

    /// What is worth knowing about these samples.
    pub fn noticed(&self) -> Noticed {
        match &self.inner {
            Inner::Table(table) => table.noticed(self.len),
            Inner::Image(_) => Noticed::default(),
        }
    }
}
