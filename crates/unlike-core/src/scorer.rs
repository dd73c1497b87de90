//! What stands behind a saved model: something that scores features and can be written as arrays.

use std::collections::BTreeMap;

use crate::{
    detector::ScoreParts,
    error::{Error, Result},
    features::Features,
};

/// The part of a [`Detector`](crate::Detector) after preprocessing: a network or a baseline.
///
/// The laws of [`crate::detector`] hold here too. Samples are independent: the caller may cut
/// `features` into batches anywhere.
pub trait Scorer: Send + Sync {
    /// The named parts of the score, one value per sample and part, finite, higher = more
    /// anomalous.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn parts(&self, features: &Features) -> Result<ScoreParts>;

    /// Some parts of the score only, bit for bit those of [`parts`](Self::parts); possibly others
    /// beside them. A scorer for which some parts are costly leaves those out.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn parts_of(&self, features: &Features, _wanted: &[&str]) -> Result<ScoreParts> {
        self.parts(features)
    }

    /// How much each feature departs from normal, `[N, features.shape().size()]`, non-negative,
    /// higher = more anomalous.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>>;

    /// [`parts_of`](Self::parts_of), or all parts if none are named, and
    /// [`contributions`](Self::contributions). A scorer for which both are one work does it once.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn parts_and_contributions(
        &self,
        features: &Features,
        wanted: Option<&[&str]>,
    ) -> Result<(ScoreParts, Vec<f32>)> {
        let parts = match wanted {
            Some(wanted) => self.parts_of(features, wanted)?,
            None => self.parts(features)?,
        };
        Ok((parts, self.contributions(features)?))
    }

    /// What the model makes of each sample, `[N, features.shape().size()]`: the nearest thing to it
    /// that it can generate. `None` for models that generate nothing.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn reconstructions(&self, _features: &Features) -> Result<Option<Vec<f32>>> {
        Ok(None)
    }

    /// The few numbers by which the model knows each sample, `[N, n]`, the same n for all. `None` for models
    /// that have none.
    ///
    /// # Errors
    /// If the features have another shape than in training.
    fn embeddings(&self, _features: &Features) -> Result<Option<Vec<f32>>> {
        Ok(None)
    }

    /// `count` samples out of nothing but noise, `[count, size]`. `None` for models that have no
    /// generator of this kind.
    fn generated(&self, _count: usize, _seed: u64) -> Option<Vec<f32>> {
        None
    }

    /// Everything that was learned, by name; what a model file stores.
    fn arrays(&self) -> Arrays;
}

/// Named arrays of 32-bit floats, ordered by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays(BTreeMap<String, Array>);

/// A row-major array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The lengths of the axes; empty for a single number.
    pub shape: Vec<usize>,
    /// As many as the shape multiplies up to.
    pub values: Vec<f32>,
}

impl Arrays {
    /// No arrays yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an array, replacing one of the same name.
    ///
    /// # Panics
    /// If `values` does not fill the shape.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        let name = name.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "array `{name}`"
        );
        self.0.insert(
            name,
            Array {
                shape: shape.to_vec(),
                values,
            },
        );
    }

    /// The array of this name with this shape.
    ///
    /// # Errors
    /// If there is none, or it has another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let array = self.any_shape(name)?;
        if array.shape == shape {
            return Ok(&array.values);
        }
        Err(Error::Mismatch {
            origin: Some(format!("array `{name}`")),
            found: format!("shape {:?}", array.shape),
            expected: format!("{shape:?}"),
            hint: None,
        })
    }

    /// The array of this name, whatever its shape.
    ///
    /// # Errors
    /// If there is none.
    pub fn any_shape(&self, name: &str) -> Result<&Array> {
        self.0.get(name).ok_or_else(|| Error::Mismatch {
            origin: None,
            found: format!("no array `{name}`"),
            expected: "every array of the model".into(),
            hint: Some("the file is damaged, or from another version".into()),
        })
    }

    /// Adds all arrays of others, with this before their names.
    pub fn add(&mut self, prefix: &str, others: &Self) {
        let named = |(name, array): (&String, &Array)| (format!("{prefix}{name}"), array.clone());
        self.0.extend(others.0.iter().map(named));
    }

    /// The arrays whose names begin so, without this.
    #[must_use]
    pub fn under(&self, prefix: &str) -> Self {
        let stripped = |(name, array): (&String, &Array)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), array.clone()))
        };
        Self(self.0.iter().filter_map(stripped).collect())
    }

    /// Name and array, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.0.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The number of arrays.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no arrays.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
