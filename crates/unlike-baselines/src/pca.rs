//! Principal components: a normal sample lies near the plane that most of the variance spans.
//!
//! Two scores. `distance`, the recommended one, is the squared distance from the mean in units of the
//! variance that probabilistic PCA gives to each direction, divided by the number of features: Hotelling's
//! T² of the leading components, and what they leave in units of its own mean variance (Tipping and Bishop,
//! "Probabilistic principal component analysis", J. R. Stat. Soc. B 61(3), 1999, eq. 8 and 9). `residual` is
//! what the leading components leave, alone: the Q statistic of Jackson and Mudholkar, "Control procedures
//! for residuals associated with principal component analysis", Technometrics 21(3), 1979.

use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting};

use crate::{
    components::{centred, leading, mean},
    linear::dot,
    samples::{
        check_scoring, check_training, damaged, get_finite, get_shape, insert_shape, map_rows,
        map_samples, row_count, saturate,
    },
};

/// Share of the mean variance below which that of a direction does not count.
const FLOOR: f64 = 1e-9;

/// Decides how many components count as normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PcaConfig {
    /// Keeps as few of the leading components as hold this share of the training set's variance,
    /// above 0 and at most 1; 0.95, as before the classic detectors in Ruff et al., "Deep one-class
    /// classification", ICML 2018. A share below 1 never keeps as many components as there are
    /// features that vary: nothing would be left to score.
    pub variance_share: f64,
    /// Keeps this many leading components instead, from 1 up, but never one without variance; not
    /// set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
}

impl Default for PcaConfig {
    fn default() -> Self {
        Self {
            variance_share: 0.95,
            components: None,
        }
    }
}

/// The mean of the training set and its leading components.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    shape: FeatureShape,
    mean: Vec<f32>,
    /// Orthonormal rows, `[components, features]`.
    components: Vec<f32>,
    /// Of the training set along each component; positive.
    variances: Vec<f32>,
    /// The mean variance of the other directions; positive.
    noise: f32,
}

impl PcaConfig {
    /// Learns mean and components.
    ///
    /// Up to 2,048 features, the components are those of all samples. Beyond, they are those of
    /// 2,048 samples, drawn with the seed; the mean is always that of all.
    ///
    /// # Errors
    /// If there is no sample, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Pca> {
        self.check()?;
        check_training(features)?;
        let mean = mean(features);
        let varying = varying(features);
        let keep = |variances: &[f64]| self.keep(variances, varying);
        let components = leading(features, &mean, seed, keep)?;
        let rows = components.col_iter().flat_map(|column| column.iter());
        let components = rows.map(|&value| value as f32).collect();
        let mut model = Pca {
            shape: features.shape().clone(),
            mean,
            components,
            variances: Vec::new(),
            noise: 1.0,
        };
        model.measure(features, varying);
        Ok(model)
    }

    fn check(&self) -> Result<()> {
        let share = self.variance_share;
        let possible = share > 0.0 && share <= 1.0;
        check_setting(
            "variance_share",
            share,
            possible,
            "a number above 0 and at most 1",
        )?;
        let count = self.components.unwrap_or(1);
        check_setting("components", count, count >= 1, "a number from 1 up")
    }

    /// How many of these variances, which descend, are kept, of so many features that vary.
    fn keep(&self, variances: &[f64], varying: usize) -> usize {
        // What rounding leaves of a zero.
        let floor = variances[0] * f64::EPSILON * variances.len() as f64;
        let rank = variances
            .iter()
            .take_while(|&&variance| variance > floor)
            .count();
        if let Some(count) = self.components {
            return count.min(rank);
        }
        let enough = self.variance_share * variances[..rank].iter().sum::<f64>();
        let mut sum = 0.0;
        let short = |variance: &&f64| {
            sum += **variance;
            sum < enough
        };
        let kept = (variances.iter().take_while(short).count() + 1).min(rank);
        if kept == varying && self.variance_share < 1.0 {
            // They span all of the space that samples move in.
            return kept.saturating_sub(1);
        }
        kept
    }
}

/// How many features take more than one value.
fn varying(features: &Features) -> usize {
    let mut samples = features.values().chunks_exact(features.shape().size());
    let Some(first) = samples.next() else {
        return 0;
    };
    let mut varies = vec![false; first.len()];
    for sample in samples {
        for ((varies, a), b) in varies.iter_mut().zip(first).zip(sample) {
            *varies |= a != b;
        }
    }
    varies.into_iter().filter(|&varies| varies).count()
}

impl Pca {
    /// A trained model from what [`Scorer::arrays`] wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn from_arrays(config: &PcaConfig, arrays: &Arrays) -> Result<Self> {
        config.check()?;
        let shape = get_shape(arrays)?;
        let width = shape.size();
        let kept = row_count(arrays, "components")?;
        let most = config.components.unwrap_or(width).min(width);
        if kept > most {
            return Err(damaged(
                "components",
                format!("{kept} rows"),
                &format!("at most {most}"),
            ));
        }
        let mean = get_finite(arrays, "mean", &[width])?.to_vec();
        let components = get_finite(arrays, "components", &[kept, width])?.to_vec();
        let variances = get_finite(arrays, "variances", &[kept])?.to_vec();
        let noise = get_finite(arrays, "noise", &[1])?[0];
        let all = variances.iter().chain([&noise]);
        if let Some(variance) = all.into_iter().find(|v| **v <= 0.0) {
            return Err(damaged(
                "variances",
                variance.to_string(),
                "positive numbers",
            ));
        }
        Ok(Self {
            shape,
            mean,
            components,
            variances,
            noise,
        })
    }

    /// The variances of the training set, of which so many features vary.
    fn measure(&mut self, features: &Features, varying: usize) {
        let kept = self.components();
        let (mut along, mut left) = (vec![0.0; kept], 0.0);
        let mut scratch = Scratch::default();
        for sample in features.values().chunks_exact(self.mean.len()) {
            self.split(&mut scratch, sample);
            for (sum, length) in along.iter_mut().zip(&scratch.lengths) {
                *sum += length * length;
            }
            left += scratch.residual.iter().map(|r| r * r).sum::<f64>();
        }
        let count = features.len() as f64;
        along.iter_mut().for_each(|sum| *sum /= count);
        left /= count * varying.saturating_sub(kept).max(1) as f64;
        // Where a direction does not vary, a departure is very unusual, not infinitely so.
        let all = along.iter().sum::<f64>() + left;
        let floor = match all / (kept + 1) as f64 * FLOOR {
            floor if floor > 0.0 => floor,
            _ => 1.0,
        };
        let kept = |variance: f64| variance.max(floor).max(f64::from(f32::MIN_POSITIVE)) as f32;
        self.variances = along.into_iter().map(kept).collect();
        self.noise = kept(left);
    }

    /// How many components were kept.
    pub fn components(&self) -> usize {
        self.components.len() / self.mean.len()
    }

    /// How long a sample is along each component, and what these leave of it. One row at a time, so that
    /// no batch changes the bits.
    fn split(&self, scratch: &mut Scratch, sample: &[f32]) {
        let Scratch {
            centred: whole,
            lengths,
            residual,
            ..
        } = scratch;
        whole.clear();
        whole.extend(centred(sample, &self.mean));
        residual.clone_from(whole);
        lengths.clear();
        for component in self.components.chunks_exact(self.mean.len()) {
            let length = dot(whole, component);
            lengths.push(length);
            for (left, &direction) in residual.iter_mut().zip(component) {
                *left -= length * f64::from(direction);
            }
        }
    }

    /// The sample with every direction in units of its standard deviation, turned back to the features:
    /// the squares of its elements sum up to the squared distance.
    fn whitened<'a>(&self, scratch: &'a mut Scratch, sample: &[f32]) -> &'a [f64] {
        self.split(scratch, sample);
        let Scratch {
            lengths,
            residual,
            whitened,
            ..
        } = scratch;
        let unit = 1.0 / f64::from(self.noise).sqrt();
        whitened.clear();
        whitened.extend(residual.iter().map(|r| r * unit));
        let rows = self.components.chunks_exact(self.mean.len());
        for ((length, variance), component) in lengths.iter().zip(&self.variances).zip(rows) {
            let length = length / f64::from(*variance).sqrt();
            for (cell, &direction) in whitened.iter_mut().zip(component) {
                *cell += length * f64::from(direction);
            }
        }
        whitened
    }
}

#[derive(Default)]
struct Scratch {
    centred: Vec<f64>,
    lengths: Vec<f64>,
    residual: Vec<f64>,
    whitened: Vec<f64>,
}

impl Scorer for Pca {
    /// `distance`: the mean square of the whitened features. `residual`: the mean squared reconstruction
    /// error.
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        check_scoring(features, &self.shape)?;
        let width = self.mean.len() as f64;
        let both = map_samples(features, Scratch::default, |scratch, sample| {
            self.split(scratch, sample);
            let along = scratch.lengths.iter().zip(&self.variances);
            let along: f64 = along.map(|(l, &v)| l * l / f64::from(v)).sum();
            let left: f64 = scratch.residual.iter().map(|r| r * r).sum();
            let distance = along + left / f64::from(self.noise);
            [distance, left].map(|sum| saturate(sum / width))
        });
        let part = |at: usize| both.iter().map(|parts| parts[at]).collect();
        Ok(ScoreParts::new(vec![
            ("distance".to_owned(), part(0)),
            ("residual".to_owned(), part(1)),
        ]))
    }

    /// The squared whitened value of each feature.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        check_scoring(features, &self.shape)?;
        Ok(map_rows(
            features,
            Scratch::default,
            |scratch, sample, row| {
                for (cell, v) in row.iter_mut().zip(self.whitened(scratch, sample)) {
                    *cell = saturate(v * v);
                }
            },
        ))
    }

    /// How far each sample lies along each of the leading components.
    fn embeddings(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        check_scoring(features, &self.shape)?;
        let lengths = map_samples(features, Scratch::default, |scratch, sample| {
            self.split(scratch, sample);
            scratch
                .lengths
                .iter()
                .map(|&l| l as f32)
                .collect::<Vec<f32>>()
        });
        Ok(Some(lengths.concat()))
    }

    /// The projection on the leading components.
    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        check_scoring(features, &self.shape)?;
        Ok(Some(map_rows(
            features,
            Scratch::default,
            |scratch, sample, row| {
                self.split(scratch, sample);
                for ((cell, &x), r) in row.iter_mut().zip(sample).zip(&scratch.residual) {
                    *cell = (f64::from(x) - r) as f32;
                }
            },
        )))
    }

    fn arrays(&self) -> Arrays {
        let width = self.mean.len();
        let mut arrays = Arrays::new();
        insert_shape(&mut arrays, &self.shape);
        arrays.insert("mean", &[width], self.mean.clone());
        arrays.insert(
            "components",
            &[self.components(), width],
            self.components.clone(),
        );
        arrays.insert("variances", &[self.components()], self.variances.clone());
        arrays.insert("noise", &[1], vec![self.noise]);
        arrays
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::LARGEST;

    fn rows(width: usize, values: &[f32]) -> Features {
        Features::new(FeatureShape::Row { width }, values.to_vec())
    }

    fn count(components: usize) -> PcaConfig {
        PcaConfig {
            components: Some(components),
            ..Default::default()
        }
    }

    fn share_of(variance_share: f64) -> PcaConfig {
        PcaConfig {
            variance_share,
            components: None,
        }
    }

    fn residuals(model: &Pca, features: &Features) -> Vec<f64> {
        model
            .parts(features)
            .unwrap()
            .get("residual")
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect()
    }

    /// Variances 9 and 1 along the diagonals, around (10, 20).
    fn cross() -> Features {
        rows(2, &[13.0, 23.0, 7.0, 17.0, 11.0, 19.0, 9.0, 21.0])
    }

    #[test]
    fn the_residual_is_what_the_first_diagonal_leaves() {
        let config = count(1);
        let model = config.fit(&cross(), 0).unwrap();
        // (2, 0) from the mean is (1, 1) on the diagonal and (1, -1) off it.
        let query = rows(2, &[12.0, 20.0, 15.0, 25.0]);
        let scores = residuals(&model, &query);
        assert!(
            (scores[0] - 1.0).abs() < 1e-6 && scores[1] < 1e-12,
            "{scores:?}"
        );
        // Along the diagonals it is √2 long, and so are the units: 9 · 4 / 4 = 9 and 1 · 4 / 4 = 1 are the
        // variances of (x + y)/√2 and (x − y)/√2.
        let distance = model.parts(&query).unwrap();
        let distance = distance.get("distance").unwrap();
        assert!(
            (distance[0] - (2.0 / 9.0 + 2.0) / 2.0).abs() < 1e-6,
            "{distance:?}"
        );
        // What contributions sum up to, divided by the features.
        let contributions = model.contributions(&query).unwrap();
        let sum = contributions[0] + contributions[1];
        assert!((sum / 2.0 - distance[0]).abs() < 1e-6, "{contributions:?}");
        let rebuilt = model.reconstructions(&query).unwrap().unwrap();
        for (found, expected) in rebuilt.iter().zip([11.0, 21.0, 15.0, 25.0]) {
            assert!((found - expected).abs() < 1e-5, "{rebuilt:?}");
        }
    }

    #[test]
    fn a_share_keeps_as_few_components_as_hold_it() {
        // The second of two components is kept only where it is asked for.
        for (share, kept) in [(0.5, 1), (0.89, 1), (0.91, 1), (1.0, 2)] {
            let config = share_of(share);
            assert_eq!(
                config.fit(&cross(), 0).unwrap().components(),
                kept,
                "{share}"
            );
        }
    }

    #[test]
    fn something_is_left_to_score() {
        // One feature; one that varies beside one that does not; and two without any correlation.
        let one = rows(1, &[1.0, 2.0, 3.0]);
        let beside = rows(2, &[1.0, 5.0, 2.0, 5.0, 3.0, 5.0]);
        let round = rows(2, &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0]);
        for (training, far, near) in [
            (one, vec![1e6], vec![2.0]),
            (beside, vec![1e6, 5.0], vec![2.0, 5.0]),
            (round, vec![1e6, 1e5], vec![0.0, 0.0]),
        ] {
            let model = PcaConfig::default().fit(&training, 0).unwrap();
            let width = training.shape().size();
            let [far, near] = [far, near].map(|row| residuals(&model, &rows(width, &row))[0]);
            assert!(far > 1e6 && near < 1e-9, "{far} {near}");
        }
    }

    #[test]
    fn no_more_components_than_have_variance() {
        let config = count(10);
        assert_eq!(config.fit(&cross(), 0).unwrap().components(), 2);
        let line = rows(3, &[0.0, 0.0, 5.0, 1.0, 2.0, 5.0, 3.0, 6.0, 5.0]);
        for config in [count(10), share_of(1.0)] {
            let model = config.fit(&line, 0).unwrap();
            assert_eq!(model.components(), 1);
        }
        let constant = config.fit(&rows(2, &[0.1, 3.0].repeat(7)), 0).unwrap();
        assert_eq!(constant.components(), 0);
        assert_eq!(
            residuals(&constant, &rows(2, &[0.1, 3.0, 0.1, 5.0])),
            [0.0, 2.0]
        );
    }

    #[test]
    fn more_features_than_are_decomposed_still_give_the_plane() {
        let width = LARGEST + 3;
        let wave = |row: usize, i: usize| (row as f32 - 2.0) * (i as f32 * 0.01).sin() + 1.0;
        let training: Vec<f32> = (0..5)
            .flat_map(|row| (0..width).map(move |i| wave(row, i)))
            .collect();
        let model = PcaConfig::default()
            .fit(&rows(width, &training), 0)
            .unwrap();
        assert_eq!(model.components(), 1);
        let mut query: Vec<f32> = (0..width).map(|i| wave(9, i)).collect();
        assert!(residuals(&model, &rows(width, &query))[0] < 1e-9);
        query[7] += 10.0;
        let score = residuals(&model, &rows(width, &query))[0];
        assert!((score - 100.0 / width as f64).abs() < 1e-3, "{score}");
    }

    #[test]
    fn settings_outside_their_range_and_damaged_arrays_are_refused() {
        for config in [count(0), share_of(0.0), share_of(1.5), share_of(f64::NAN)] {
            assert!(config.fit(&cross(), 0).is_err(), "{config:?}");
        }
        let arrays = count(2).fit(&cross(), 0).unwrap();
        let arrays = arrays.arrays();
        let fewer = count(1);
        assert!(Pca::from_arrays(&fewer, &arrays).is_err());
        let mut damaged = arrays.clone();
        damaged.insert("mean", &[3], vec![0.0; 3]);
        assert!(Pca::from_arrays(&PcaConfig::default(), &damaged).is_err());
    }
}
