//! Empirical tails: an anomaly lies in the tails of the distributions of its features.
//!
//! Li, Zhao, Hu, Botta, Ionescu, Chen, "ECOD: unsupervised outlier detection using empirical
//! cumulative distribution functions", TKDE 2022 (arXiv 2201.00382). Departures from the paper:
//! 1. Each feature decides for itself which tail counts, as in the authors' own code (PyOD); the
//!    paper adds up the left tails, the right tails and the longer tails, and takes the largest sum.
//! 2. A new sample counts itself in each tail, (1 + count) / (n + 1): a value beyond all of training
//!    has a small probability instead of none, and no other new sample matters.
//! 3. The distributions come from at most [`EcodConfig::references`] training samples.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting};

use crate::samples::{
    check_scoring, check_training, damaged, get_finite, get_shape, insert_shape, subsample,
};

/// Samples that are scored together.
const BLOCK: usize = 256;

/// Decides how finely tails are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcodConfig {
    /// The most training samples whose values are kept, drawn with the seed; 10,000. The smallest
    /// tail probability is 1 / (references + 1).
    pub references: usize,
}

impl Default for EcodConfig {
    fn default() -> Self {
        Self { references: 10_000 }
    }
}

/// The values of the training samples, by feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Ecod {
    shape: FeatureShape,
    /// Ascending for each feature, `[features, references]`.
    sorted: Vec<f32>,
    /// Positive for a feature whose long tail is on the right, `[features]`.
    skewness: Vec<f32>,
    /// -ln((1 + count) / (references + 1)) for each count.
    surprises: Vec<f64>,
}

impl EcodConfig {
    /// Sorts the values of each feature.
    ///
    /// # Errors
    /// If there is no sample, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Ecod> {
        self.check()?;
        check_training(features)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = subsample(&mut rng, features.len(), self.references);
        let mut sorted = vec![0.0; rows.len() * features.shape().size()];
        let skewness = sorted
            .par_chunks_exact_mut(rows.len())
            .enumerate()
            .map(|(feature, values)| {
                for (value, &row) in values.iter_mut().zip(&rows) {
                    *value = features.sample(row)[feature];
                }
                values.sort_unstable_by(f32::total_cmp);
                skewness(values)
            })
            .collect();
        Ok(Ecod::new(features.shape().clone(), sorted, skewness))
    }

    fn check(&self) -> Result<()> {
        check_setting(
            "references",
            self.references,
            self.references >= 1,
            "a number from 1 up",
        )
    }
}

/// The third standardised moment; 0 for values that do not vary.
fn skewness(values: &[f32]) -> f32 {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let moment = |power| {
        values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(power))
            .sum::<f64>()
            / n
    };
    let variance = moment(2);
    // What rounding leaves of the variance of equal values.
    if variance <= (mean * f64::EPSILON * n).powi(2) {
        return 0.0;
    }
    (moment(3) / variance.powf(1.5)) as f32
}

impl Ecod {
    /// A trained model from what [`Scorer::arrays`] wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn from_arrays(config: &EcodConfig, arrays: &Arrays) -> Result<Self> {
        config.check()?;
        let shape = get_shape(arrays)?;
        let width = shape.size();
        let rows = arrays
            .any_shape("sorted")?
            .shape
            .last()
            .copied()
            .unwrap_or(0);
        if rows == 0 || rows > config.references {
            let expected = format!("1 to {}", config.references);
            return Err(damaged(
                "sorted",
                format!("{rows} values a feature"),
                &expected,
            ));
        }
        let sorted = get_finite(arrays, "sorted", &[width, rows])?.to_vec();
        if !sorted.chunks_exact(rows).all(|values| values.is_sorted()) {
            return Err(damaged(
                "sorted",
                "values out of order",
                "values that ascend",
            ));
        }
        let skewness = get_finite(arrays, "skewness", &[width])?.to_vec();
        Ok(Self::new(shape, sorted, skewness))
    }

    fn new(shape: FeatureShape, sorted: Vec<f32>, skewness: Vec<f32>) -> Self {
        let rows = sorted.len() / skewness.len();
        let surprise = |count| -((1 + count) as f64 / (rows + 1) as f64).ln();
        let surprises = (0..=rows).map(surprise).collect();
        Self {
            shape,
            sorted,
            skewness,
            surprises,
        }
    }

    /// How surprising this value of a feature is: -ln of a tail probability, from 0 up.
    fn surprise(&self, feature: usize, value: f32) -> f64 {
        let rows = self.surprises.len() - 1;
        let values = &self.sorted[feature * rows..(feature + 1) * rows];
        let below = values.partition_point(|&v| v < value);
        let equal = match values.get(below) {
            Some(&v) if v == value => values[below..].partition_point(|&v| v == value),
            _ => 0,
        };
        let left = self.surprises[below + equal];
        let right = self.surprises[rows - below];
        let long = match self.skewness[feature] {
            s if s < 0.0 => left,
            s if s > 0.0 => right,
            _ => left + right,
        };
        long.max((left + right) / 2.0)
    }
}

impl Scorer for Ecod {
    /// `tail`: the sum over the features of -ln of the tail probability, where each feature takes
    /// its longer tail, or the mean of both tails if that is more.
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        check_scoring(features, &self.shape)?;
        let width = self.skewness.len();
        // One feature of many samples after the other: its values then stay in the cache.
        let block = |samples: &[f32]| {
            let mut scores = vec![0.0; samples.len() / width];
            for feature in 0..width {
                for (score, sample) in scores.iter_mut().zip(samples.chunks_exact(width)) {
                    *score += self.surprise(feature, sample[feature]);
                }
            }
            scores
        };
        let blocks = features.values().par_chunks(BLOCK * width);
        let scores: Vec<f64> = blocks.flat_map_iter(block).collect();
        Ok(ScoreParts::single("tail", scores))
    }

    /// The terms of the score.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        check_scoring(features, &self.shape)?;
        let width = self.skewness.len();
        let mut rows = features.values().to_vec();
        rows.par_chunks_mut(BLOCK * width).for_each(|rows| {
            for feature in 0..width {
                for row in rows.chunks_exact_mut(width) {
                    row[feature] = self.surprise(feature, row[feature]) as f32;
                }
            }
        });
        Ok(rows)
    }

    fn arrays(&self) -> Arrays {
        let width = self.skewness.len();
        let mut arrays = Arrays::new();
        insert_shape(&mut arrays, &self.shape);
        arrays.insert(
            "sorted",
            &[width, self.sorted.len() / width],
            self.sorted.clone(),
        );
        arrays.insert("skewness", &[width], self.skewness.clone());
        arrays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(width: usize, values: &[f32]) -> Features {
        Features::new(FeatureShape::Row { width }, values.to_vec())
    }

    fn scores(training: &Features, queries: &Features) -> Vec<f64> {
        let model = EcodConfig::default().fit(training, 0).unwrap();
        model
            .parts(queries)
            .unwrap()
            .get("tail")
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        let close = found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(
            close && found.len() == expected.len(),
            "{found:?} {expected:?}"
        );
    }

    #[test]
    fn the_longer_tail_counts() {
        // Skewed to the right. Of 4 and the query itself, 4 is passed on the right by 5 of 5, ...
        let right = [1.0, 1.0, 2.0, 9.0];
        let ln = |count: f64| -(count / 5.0f64).ln();
        let found = scores(&rows(1, &right), &rows(1, &[10.0, 9.0, 1.5, 0.0]));
        // ..., and below all of them the mean of the tails is more than the right tail.
        assert_close(
            &found,
            &[ln(1.0), ln(2.0), ln(3.0), (ln(1.0) + ln(5.0)) / 2.0],
        );
        let left: Vec<f32> = right.iter().map(|v| -v).collect();
        assert_close(
            &scores(&rows(1, &left), &rows(1, &[-10.0, -9.0, -1.5, 0.0])),
            &found,
        );
    }

    #[test]
    fn without_skewness_both_tails_add_up() {
        let found = scores(&rows(1, &[-1.0, 0.0, 1.0]), &rows(1, &[0.0, 5.0]));
        let ln = |count: f64| -(count / 4.0f64).ln();
        assert_close(&found, &[2.0 * ln(3.0), ln(4.0) + ln(1.0)]);
    }

    #[test]
    fn contributions_are_the_terms_of_the_score() {
        let training = rows(2, &[0.0, 5.0, 1.0, 5.0, 2.0, 5.0, 9.0, 5.0]);
        let query = rows(2, &[20.0, 5.0, 1.0, 6.0]);
        let model = EcodConfig::default().fit(&training, 0).unwrap();
        let contributions = model.contributions(&query).unwrap();
        let sums = contributions
            .chunks(2)
            .map(|c| f64::from(c[0]) + f64::from(c[1]));
        for (sum, score) in sums.zip(scores(&training, &query)) {
            assert!((sum - score).abs() < 1e-6);
        }
        assert!(contributions[0] > 0.0 && contributions[1] == 0.0);
    }

    #[test]
    fn skewness_is_the_third_standardised_moment() {
        // Deviations -1, -1, -1, 3: 6 / 3^1.5.
        assert!((skewness(&[1.0, 1.0, 1.0, 5.0]) - 2.0 / 3f32.sqrt()).abs() < 1e-6);
        assert_eq!(skewness(&[0.1; 7]), 0.0);
        assert_eq!(skewness(&[3.0]), 0.0);
        assert!(skewness(&[f32::MIN, f32::MIN, f32::MAX]).is_finite());
    }

    #[test]
    fn settings_outside_their_range_and_damaged_arrays_are_refused() {
        let training = rows(1, &[0.0, 1.0, 2.0]);
        assert!(EcodConfig { references: 0 }.fit(&training, 0).is_err());
        let arrays = EcodConfig::default().fit(&training, 0).unwrap().arrays();
        assert!(Ecod::from_arrays(&EcodConfig { references: 2 }, &arrays).is_err());
        let mut damaged = arrays.clone();
        damaged.insert("sorted", &[1, 3], vec![0.0, 2.0, 1.0]);
        assert!(Ecod::from_arrays(&EcodConfig::default(), &damaged).is_err());
        damaged.insert("sorted", &[1, 0], vec![]);
        assert!(Ecod::from_arrays(&EcodConfig::default(), &damaged).is_err());
    }
}
