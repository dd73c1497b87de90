//! Isolation forest: an anomaly is soon alone when samples are split at random.
//!
//! Liu, Ting, Zhou, "Isolation forest", ICDM 2008. Departures from the paper:
//! 1. A split takes one of the features that vary among its samples, as scikit-learn does: one that
//!    does not vary separates nothing, and most features of encoded categories do not.
//! 2. c(n) uses the harmonic numbers themselves; the paper writes their logarithmic estimate.
//! 3. No tree can split on a feature that never varied in training, so a forest as the paper has it
//!    takes any value there for normal. Here such a feature's departure d from its only value, in the
//!    units of preprocessing, isolates a sample by itself with the weight w = d / (1 + d): the path
//!    length is (1 - w) h + w. In rows the largest w counts; in images their mean over all pixels,
//!    because one pixel at a border that was always black is no news.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting};

use crate::{
    samples::{
        EXACT, check_scoring, check_training, damaged, get_finite, get_shape, insert_shape,
        map_rows, map_samples, row_count, saturate, subsample, wholes,
    },
    tree::{Node, Tree},
};

/// The largest subsample: every node of its tree has a number that 32-bit floats hold.
const LARGEST: usize = EXACT / 2;

/// The arrays of features that never varied, and of their values.
const CONSTANT: [&str; 2] = ["constant", "constant_value"];

/// More trees than this change nothing but the memory that they take.
const MOST_TREES: usize = 100_000;

/// Samples of all trees together, at most: their nodes then take no more than a few GiB.
const MOST_SAMPLES: usize = 1 << 26;

/// Decides how many trees are grown, and on how much; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IforestConfig {
    /// The number of trees, from 1 up; 100.
    pub trees: usize,
    /// Training samples that each tree sees, drawn without replacement, from 2 up; 256. All of them
    /// when there are fewer.
    pub subsample: usize,
}

impl Default for IforestConfig {
    fn default() -> Self {
        Self {
            trees: 100,
            subsample: 256,
        }
    }
}

/// Random trees, and the path lengths to expect below each of their nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Iforest {
    shape: FeatureShape,
    trees: Vec<Tree>,
    /// c(n) for n from 0 to the size of the subsample.
    expected: Vec<f64>,
    /// The features that had one value in all of training, and that value.
    constant: Vec<(usize, f32)>,
}

impl IforestConfig {
    /// Grows the trees, each from its own stream of the seed.
    ///
    /// # Errors
    /// If there is no sample, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Iforest> {
        self.check()?;
        check_training(features)?;
        let size = features.len().min(self.subsample);
        let most = MOST_SAMPLES / size;
        let expected = format!("at most {most} on {size} samples each");
        check_setting("trees", self.trees, self.trees <= most, &expected)?;
        // The average height of a tree of this many samples: deeper paths are normal (section 4.1).
        let depth = size.next_power_of_two().ilog2();
        let grow = |tree| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(tree);
            let mut positions = subsample(&mut rng, features.len(), size);
            Tree::grow(features, &mut positions, depth, &mut rng)
        };
        let trees = (0..self.trees as u64).into_par_iter().map(grow).collect();
        let shape = features.shape().clone();
        Ok(Iforest::new(shape, trees, constant(features)))
    }

    fn check(&self) -> Result<()> {
        let possible = (1..=MOST_TREES).contains(&self.trees);
        let expected = format!("a number from 1 to {MOST_TREES}");
        check_setting("trees", self.trees, possible, &expected)?;
        let possible = (2..=LARGEST).contains(&self.subsample);
        let expected = format!("a number from 2 to {LARGEST}");
        check_setting("subsample", self.subsample, possible, &expected)
    }
}

/// The features that have one value in all samples, and that value.
fn constant(features: &Features) -> Vec<(usize, f32)> {
    let mut samples = features.values().chunks_exact(features.shape().size());
    let first = samples.next().unwrap_or_default();
    let mut varies = vec![false; first.len()];
    for sample in samples {
        for ((varies, a), b) in varies.iter_mut().zip(first).zip(sample) {
            *varies |= a != b;
        }
    }
    let all = first.iter().copied().enumerate();
    all.filter(|&(feature, _)| !varies[feature]).collect()
}

/// c(n) for n from 0 to `largest`: the average length of an unsuccessful search in a binary search
/// tree of n entries, 2 H(n - 1) - 2 (n - 1) / n (equation 1).
fn expected_lengths(largest: usize) -> Vec<f64> {
    let mut harmonic = 0.0;
    let mut lengths = vec![0.0; 2.min(largest + 1)];
    for n in 2..=largest {
        harmonic += 1.0 / (n - 1) as f64;
        lengths.push(2.0 * harmonic - 2.0 * (n - 1) as f64 / n as f64);
    }
    lengths
}

impl Iforest {
    /// A trained model from what [`Scorer::arrays`] wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn from_arrays(config: &IforestConfig, arrays: &Arrays) -> Result<Self> {
        config.check()?;
        let shape = get_shape(arrays)?;
        let counts = wholes("nodes", arrays.get("nodes", &[config.trees])?, EXACT)?;
        let total = row_count(arrays, "feature")?;
        let sum: usize = counts.iter().sum();
        if sum != total {
            return Err(damaged(
                "nodes",
                format!("a sum of {sum}"),
                &total.to_string(),
            ));
        }
        let whole = |name, largest| wholes(name, arrays.get(name, &[total])?, largest);
        let feature = whole("feature", shape.size() - 1)?;
        let right = whole("right", EXACT)?;
        let size = whole("size", config.subsample)?;
        let threshold = get_finite(arrays, "threshold", &[total])?;
        let mut nodes = (0..total).map(|i| Node {
            feature: feature[i] as u32,
            threshold: threshold[i],
            right: right[i] as u32,
            size: size[i] as u32,
        });
        let mut trees = Vec::with_capacity(counts.len());
        for (at, count) in counts.into_iter().enumerate() {
            let tree = Tree::from_nodes(nodes.by_ref().take(count).collect(), shape.size());
            let sound = tree.filter(|t| trees.first().is_none_or(|f: &Tree| f.size() == t.size()));
            let Some(tree) = sound else {
                return Err(damaged(
                    "right",
                    format!("tree {} is broken", at + 1),
                    "whole trees",
                ));
            };
            trees.push(tree);
        }
        // Where all features varied there is neither of the two arrays.
        let some = CONSTANT.iter().any(|name| arrays.any_shape(name).is_ok());
        let constant = match some {
            true => {
                let [feature, value] = CONSTANT;
                let count = row_count(arrays, feature)?;
                let features = arrays.get(feature, &[count])?;
                let features = wholes(feature, features, shape.size() - 1)?;
                let values = get_finite(arrays, value, &[count])?;
                features.into_iter().zip(values.iter().copied()).collect()
            }
            false => Vec::new(),
        };
        Ok(Self::new(shape, trees, constant))
    }

    fn new(shape: FeatureShape, trees: Vec<Tree>, constant: Vec<(usize, f32)>) -> Self {
        let expected = expected_lengths(trees[0].size());
        Self {
            shape,
            trees,
            expected,
            constant,
        }
    }

    /// How much a value of a feature that never varied isolates by itself, from 0 to 1.
    fn departure(value: f32, usual: f32) -> f64 {
        let d = (f64::from(value) - f64::from(usual)).abs();
        d / (1.0 + d)
    }

    /// How much of a sample's isolation is by features that never varied, from 0 to 1.
    fn departed(&self, sample: &[f32]) -> f64 {
        let weights = self
            .constant
            .iter()
            .map(|&(feature, usual)| Self::departure(sample[feature], usual));
        match self.shape {
            FeatureShape::Row { .. } | FeatureShape::Patch { .. } => weights.fold(0.0, f64::max),
            FeatureShape::Image(_) => weights.sum::<f64>() / self.shape.size() as f64,
        }
    }

    /// The path length to expect of a sample that is in this node and below.
    fn expected(&self, node: &Node) -> f64 {
        self.expected[node.size as usize]
    }
}

impl Scorer for Iforest {
    /// `isolation`: 2^(-E(h) / c(n)), from 0 to 1; 0.5 for a sample of average path length, and for
    /// the training sample when there was one only.
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        check_scoring(features, &self.shape)?;
        let average = self.expected[self.trees[0].size()];
        let scores = map_samples(
            features,
            || (),
            |(), sample| {
                let length = |tree: &Tree| {
                    let mut length = 0.0;
                    let leaf = tree.walk(sample, |_, _| length += 1.0);
                    length + self.expected(leaf)
                };
                let departed = self.departed(sample);
                if average == 0.0 {
                    // One training sample: all that can be told is whether it is this one.
                    return (departed - 1.0).exp2();
                }
                let sum: f64 = self.trees.iter().map(length).sum();
                let mean = sum / self.trees.len() as f64;
                let mean = mean - departed * (mean - 1.0).max(0.0);
                (-mean / average).exp2()
            },
        );
        Ok(ScoreParts::single("isolation", scores))
    }

    /// How many steps of a path the splits on a feature save, on average over the trees; 0 if they
    /// make paths longer.
    ///
    /// A split takes a sample from a node of n training samples to one of m, and so its expected
    /// path length from c(n) to 1 + c(m). The differences along a path add up to c(root) - h, and
    /// the score is 2^(E(c(root) - h) / c(root) - 1): this is the decomposition of a tree's
    /// prediction by Saabas ("Interpreting random forests", 2014), applied to path lengths. A feature
    /// that never varied saves its weight times all steps but one.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        check_scoring(features, &self.shape)?;
        let scratch = || vec![0.0; self.shape.size()];
        Ok(map_rows(
            features,
            scratch,
            |saved: &mut Vec<f64>, sample, row| {
                saved.fill(0.0);
                for tree in &self.trees {
                    tree.walk(sample, |branch, child| {
                        saved[branch.feature as usize] +=
                            self.expected(branch) - 1.0 - self.expected(child);
                    });
                }
                let average = self.expected[self.trees[0].size()];
                let of_one = match self.shape {
                    FeatureShape::Row { .. } | FeatureShape::Patch { .. } => 1.0,
                    FeatureShape::Image(_) => self.shape.size() as f64,
                };
                for &(feature, usual) in &self.constant {
                    let weight = Self::departure(sample[feature], usual) / of_one;
                    saved[feature] += weight * (average - 1.0).max(1.0) * self.trees.len() as f64;
                }
                for (cell, saved) in row.iter_mut().zip(saved) {
                    *cell = saturate((*saved / self.trees.len() as f64).max(0.0));
                }
            },
        ))
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        insert_shape(&mut arrays, &self.shape);
        let counts: Vec<f32> = self
            .trees
            .iter()
            .map(|tree| tree.nodes().len() as f32)
            .collect();
        arrays.insert("nodes", &[counts.len()], counts);
        let mut insert = |name, value: fn(&Node) -> f32| {
            let values: Vec<f32> = self.trees.iter().flat_map(Tree::nodes).map(value).collect();
            arrays.insert(name, &[values.len()], values);
        };
        insert("feature", |node| node.feature as f32);
        insert("threshold", |node| node.threshold);
        insert("right", |node| node.right as f32);
        insert("size", |node| node.size as f32);
        let count = self.constant.len();
        if count > 0 {
            let [feature, value] = CONSTANT;
            let features = self.constant.iter().map(|&(feature, _)| feature as f32);
            arrays.insert(feature, &[count], features.collect());
            let values = self.constant.iter().map(|&(_, value)| value);
            arrays.insert(value, &[count], values.collect());
        }
        arrays
    }
}

#[cfg(test)]
mod tests {
    use unlike_core::ImageShape;

    use super::*;

    fn rows(width: usize, values: &[f32]) -> Features {
        Features::new(FeatureShape::Row { width }, values.to_vec())
    }

    fn scores(model: &Iforest, features: &Features) -> Vec<f64> {
        model
            .parts(features)
            .unwrap()
            .get("isolation")
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect()
    }

    /// A filled square of 20 by 20 points, from 0 to 1.
    fn square() -> Features {
        let point = |i: usize| [(i % 20) as f32 / 19.0, (i / 20) as f32 / 19.0];
        rows(2, &(0..400).flat_map(point).collect::<Vec<_>>())
    }

    #[test]
    fn expected_lengths_are_those_of_the_paper() {
        let lengths = expected_lengths(256);
        assert_eq!(lengths[..3], [0.0, 0.0, 1.0]);
        // 2 (1 + 1/2) - 4/3, and 2 (1 + 1/2 + 1/3) - 6/4.
        assert!((lengths[3] - 5.0 / 3.0).abs() < 1e-12);
        assert!((lengths[4] - 13.0 / 6.0).abs() < 1e-12);
        // The paper's estimate: H(i) is about ln(i) + 0.5772156649, the error below 1/(2 i).
        let estimate = 2.0 * (255f64.ln() + 0.577_215_664_9) - 2.0 * 255.0 / 256.0;
        assert!((lengths[256] - estimate).abs() < 2.0 / (2.0 * 255.0));
    }

    #[test]
    fn two_training_samples_give_a_path_of_one() {
        // One split, whatever it is: every path has length 1, which is c(2).
        let model = IforestConfig::default()
            .fit(&rows(1, &[0.0, 1.0]), 0)
            .unwrap();
        assert_eq!(scores(&model, &rows(1, &[-5.0, 0.5, 9.0])), [0.5; 3]);
    }

    #[test]
    fn an_outlier_among_the_training_samples_ranks_first() {
        let mut values = square().values().to_vec();
        values.extend([0.5, 30.0]);
        let config = IforestConfig {
            subsample: 512,
            ..Default::default()
        };
        let model = config.fit(&rows(2, &values), 0).unwrap();
        let scores = scores(&model, &rows(2, &values));
        let (outlier, inside) = scores.split_last().unwrap();
        assert!(
            inside.iter().all(|s| s < outlier) && *outlier > 0.7,
            "{outlier}"
        );
        let contributions = model.contributions(&rows(2, &[0.5, 30.0])).unwrap();
        assert!(
            contributions[1] > 2.0 * contributions[0],
            "{contributions:?}"
        );
    }

    #[test]
    fn contributions_add_up_to_the_exponent_where_none_is_negative() {
        let line: Vec<f32> = (0..300).map(|i| i as f32).collect();
        let model = IforestConfig::default().fit(&rows(1, &line), 3).unwrap();
        let query = rows(1, &[-10.0]);
        let average = model.expected[256];
        let saved = f64::from(model.contributions(&query).unwrap()[0]);
        let exponent = (saved - average) / average;
        assert!((scores(&model, &query)[0] - exponent.exp2()).abs() < 1e-6);
    }

    #[test]
    fn equal_samples_and_a_single_one_score_a_half_and_what_departs_more() {
        for count in [1, 2, 300] {
            let training = rows(2, &[3.0, 4.0].repeat(count));
            let model = IforestConfig::default().fit(&training, 0).unwrap();
            let found = scores(&model, &rows(2, &[3.0, 4.0, 3.0, 4.5, 99.0, 4.0]));
            assert!((found[0] - 0.5).abs() < 1e-12, "{found:?}");
            // Two samples have paths of length 1 already, which nothing shortens.
            assert!(count == 2 || found.is_sorted_by(|a, b| a < b), "{found:?}");
            let contributions = model.contributions(&rows(2, &[3.0, 9.0])).unwrap();
            assert!(contributions[0] == 0.0 && contributions[1] > 0.0);
        }
    }

    #[test]
    fn a_feature_that_never_varied_is_no_blind_spot() {
        let line: Vec<f32> = (0..300).flat_map(|i| [i as f32 / 150.0, 5.0]).collect();
        let config = IforestConfig::default();
        let model = config.fit(&rows(2, &line), 0).unwrap();
        let queries = [1.0, 5.0, 1.0, 5.000_001, 1.0, 6.0, 1.0, -1e6];
        let found = scores(&model, &rows(2, &queries));
        assert!(
            (found[1] - found[0]).abs() < 1e-3,
            "a last bit is no anomaly"
        );
        assert!(found[2] > found[1] && found[3] > found[2] && found[3] > 0.9);
        let again = Iforest::from_arrays(&config, &model.arrays()).unwrap();
        assert_eq!(scores(&again, &rows(2, &queries)), found);
        let mut damaged = model.arrays();
        damaged.insert("constant", &[1], vec![2.0]);
        assert!(Iforest::from_arrays(&config, &damaged).is_err());

        // Of images, one pixel counts for little, and all of them for much.
        let shape = FeatureShape::Image(ImageShape {
            height: 10,
            width: 10,
            channels: 1,
        });
        let black = Features::new(shape.clone(), vec![-1.0; 2000]);
        let model = config.fit(&black, 0).unwrap();
        let mut images = vec![-1.0; 100];
        images.extend([-1.0; 99]);
        images.push(1.0);
        images.extend([1.0; 100]);
        let found = scores(&model, &Features::new(shape, images));
        assert!(
            (found[0] - 0.5).abs() < 1e-12 && found[1] < 0.51 && found[2] > 0.6,
            "{found:?}"
        );
    }

    #[test]
    fn paths_are_at_most_as_deep_as_an_average_tree() {
        let model = IforestConfig::default().fit(&square(), 0).unwrap();
        for tree in &model.trees {
            let mut longest = 0;
            for sample in square().values().chunks_exact(2) {
                let mut length = 0;
                tree.walk(sample, |_, _| length += 1);
                longest = longest.max(length);
            }
            assert!(longest <= 8, "{longest}");
        }
    }

    #[test]
    fn settings_outside_their_range_are_refused() {
        for (trees, subsample) in [(0, 256), (1_000_000_000, 256), (100, 1), (100, LARGEST + 1)] {
            assert!(
                IforestConfig { trees, subsample }
                    .fit(&square(), 0)
                    .is_err()
            );
        }
        // Each in its range, and together more than memory holds.
        let thousand = rows(1, &[0.5; 1000]);
        let (trees, subsample) = (MOST_TREES, 1000);
        let error = IforestConfig { trees, subsample }.fit(&thousand, 0);
        let error = error.unwrap_err().to_string();
        assert_eq!(
            error,
            "`trees` is 100000; expected at most 67108 on 1000 samples each"
        );
    }

    #[test]
    fn arrays_of_another_forest_and_broken_trees_are_refused() {
        let config = IforestConfig {
            trees: 3,
            subsample: 16,
        };
        let arrays = config.fit(&square(), 0).unwrap().arrays();
        assert!(Iforest::from_arrays(&config, &arrays).is_ok());
        for other in [
            IforestConfig {
                trees: 4,
                subsample: 16,
            },
            IforestConfig {
                trees: 3,
                subsample: 8,
            },
        ] {
            assert!(Iforest::from_arrays(&other, &arrays).is_err());
        }
        // Each cell of each array in turn: to itself, out of range, or another number of samples.
        for name in ["right", "size", "feature", "nodes"] {
            let array = arrays.any_shape(name).unwrap();
            for value in [-1.0, 0.5, 1e9, f32::NAN] {
                let mut damaged = array.values.clone();
                damaged[0] = value;
                let mut broken = arrays.clone();
                broken.insert(name, &array.shape, damaged);
                assert!(
                    Iforest::from_arrays(&config, &broken).is_err(),
                    "{name} {value}"
                );
            }
        }
    }
}
