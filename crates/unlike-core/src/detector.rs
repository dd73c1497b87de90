//! The contract of every detector. Six laws hold for each; [`crate::conformance`] checks them.
//!
//! 1. Higher is more anomalous; scores are finite; one per sample, the last partial batch included.
//! 2. A score depends on the model and on that sample alone: not on its batch, its order, or what
//!    was scored before.
//! 3. Training sees no labels.
//! 4. The same seed gives the same model, bit for bit, on any number of threads.
//! 5. Saving and loading changes no score.
//! 6. Bad input is an error that names its place; it never panics and is never read as zero.

use crate::{
    error::{Error, Result},
    images::ImageShape,
    samples::{self, ColumnKind, Samples},
    words,
};

/// What one sample must look like.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum InputSpec {
    /// Images of this size; other sizes are refused, not resized.
    Image(ImageShape),
    /// Rows with these columns, found by name.
    Table {
        /// The columns, in the order of training.
        columns: Vec<ColumnSpec>,
    },
}

impl InputSpec {
    /// What people call one sample: `row` or `image`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Image(_) => samples::IMAGE,
            Self::Table { .. } => samples::ROW,
        }
    }

    /// What samples are, for people: `41 columns`, `images of 32 × 24 pixels, grey (1 channel)`.
    pub fn describe(&self) -> String {
        match self {
            Self::Image(shape) => format!("images of {shape}"),
            Self::Table { columns } => words::counted(columns.len(), "column"),
        }
    }
}

/// A column that a detector expects.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ColumnSpec {
    /// As in the training file.
    pub name: String,
    /// Number or category.
    pub kind: ColumnKind,
}

/// Learned what normal looks like; says how far each sample departs from it.
pub trait Detector: Send + Sync {
    /// What one sample must look like.
    fn input(&self) -> InputSpec;

    /// One finite raw score per sample, higher = more anomalous, `scores.len() == samples.len()`.
    ///
    /// # Errors
    /// If the samples are of another kind, size or set of columns than [`input`](Self::input) says,
    /// or hold a value that training never allowed.
    fn score(&self, samples: &Samples) -> Result<Scores>;

    /// The named parts that the score is made of (residual, latent, feature, …), in the same order
    /// as the samples.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn score_parts(&self, samples: &Samples) -> Result<ScoreParts>;

    /// Where each sample departs from normal.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn explain(&self, samples: &Samples) -> Result<Explanations>;
}

/// Raw scores, one per sample, finite, higher = more anomalous.
pub type Scores = Vec<f64>;

/// The named parts of the scores of N samples.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ScoreParts {
    parts: Vec<(String, Vec<f32>)>,
}

impl ScoreParts {
    /// Parts in the order in which they are shown.
    ///
    /// # Panics
    /// If the parts differ in length.
    pub fn new(parts: Vec<(String, Vec<f32>)>) -> Self {
        assert!(
            parts.windows(2).all(|w| w[0].1.len() == w[1].1.len()),
            "parts of one length"
        );
        Self { parts }
    }

    /// The one part of a score that was computed in 64 bits; what is finite but larger than any
    /// 32-bit number becomes the largest.
    pub fn single(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let narrow = |v: f64| match v.is_finite() && v > f64::from(f32::MAX) {
            true => f32::MAX,
            false => v as f32,
        };
        Self::new(vec![(
            name.to_owned(),
            values.into_iter().map(narrow).collect(),
        )])
    }

    /// The same for parts of which it is not certain that they fit each other: those of a file.
    ///
    /// # Errors
    /// If the parts differ in length, or two have one name.
    pub fn checked(parts: Vec<(String, Vec<f32>)>) -> Result<Self> {
        let mismatch = |found: String, expected: &str| {
            Err(Error::Mismatch {
                origin: Some("parts of scores".into()),
                found,
                expected: expected.into(),
                hint: None,
            })
        };
        for (at, (name, values)) in parts.iter().enumerate() {
            let (first, others) = (&parts[0], &parts[..at]);
            if values.len() != first.1.len() {
                let found = format!(
                    "{} of `{name}` and {} of `{}`",
                    values.len(),
                    first.1.len(),
                    first.0
                );
                return mismatch(found, "as many of each");
            }
            if others.iter().any(|(other, _)| other == name) {
                return mismatch(format!("`{name}` twice"), "each once");
            }
        }
        Ok(Self { parts })
    }

    /// One part more.
    ///
    /// # Panics
    /// If its length is another.
    #[must_use]
    pub fn with(mut self, name: &str, values: Vec<f32>) -> Self {
        self.parts.push((name.to_owned(), values));
        Self::new(self.parts)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.parts.first().map_or(0, |p| p.1.len())
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names, in the order in which they are shown.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|p| p.0.as_str())
    }

    /// The scores of one part.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.parts
            .iter()
            .find(|p| p.0 == name)
            .map(|p| p.1.as_slice())
    }

    /// Name and scores of each part.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.parts.iter().map(|p| (p.0.as_str(), p.1.as_slice()))
    }

    /// Adds the parts of further samples.
    ///
    /// # Panics
    /// If the names differ.
    pub fn extend(&mut self, more: Self) {
        if self.parts.is_empty() {
            *self = more;
            return;
        }
        assert!(
            self.names().eq(more.names()),
            "the same parts in the same order"
        );
        for (mine, theirs) in self.parts.iter_mut().zip(more.parts) {
            mine.1.extend(theirs.1);
        }
    }
}

/// Where samples depart from normal.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanations {
    /// One map per image.
    Maps {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
        /// `[N, height, width]`, non-negative, higher = more anomalous.
        values: Vec<f32>,
    },
    /// One contribution per column: of the input table, or of the features that an image is seen by as
    /// a whole.
    Columns {
        /// The columns of [`InputSpec::Table`], or the names of the features.
        names: Vec<String>,
        /// `[N, names.len()]`, non-negative, higher = more anomalous.
        values: Vec<f32>,
    },
}
