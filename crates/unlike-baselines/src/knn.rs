//! Nearest neighbours: a normal sample lies near other normal samples.
//!
//! The score is the distance to the k-th nearest of a set of training samples: Ramaswamy, Rastogi,
//! Shim, "Efficient algorithms for mining outliers from large data sets", SIGMOD 2000. The mean over
//! the k nearest, in place of it, is that of Angiulli and Pizzuti, "Fast outlier detection in high
//! dimensional spaces", PKDD 2002.

use std::cmp::Ordering;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting};

use crate::{
    samples::{
        EXACT, check_scoring, check_training, damaged, get_finite, get_shape, insert_shape,
        row_count, saturate, wholes,
    },
    search::{Neighbour, References},
};

/// Decides which distances count, and to how many training samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnnConfig {
    /// The number of neighbours, from 1 up; 5, as in PyOD. All references when there are fewer.
    pub k: usize,
    /// What is made of the k distances; the largest, as in PyOD.
    pub aggregate: Aggregate,
    /// The most training samples that are kept, from 1 up; 5,000. The time to score and the size of
    /// the model grow with it.
    ///
    /// They are the first distinct ones in a random order of the training set, by the seed. In logs
    /// such as KDD Cup 99 a few records make up most of the rows: without duplicates there is room
    /// for the others, and the frequent ones are still the likeliest to be there. Each counts as often
    /// as it occurs in the training set: a record that most rows equal has its neighbours at distance
    /// 0.
    pub references: usize,
}

/// How k distances become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The k-th.
    #[default]
    Largest,
    /// Their mean, which one rare but normal neighbourhood of fewer than k samples moves less.
    Mean,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self {
            k: 5,
            aggregate: Aggregate::Largest,
            references: 5000,
        }
    }
}

/// Training samples that others are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    shape: FeatureShape,
    k: usize,
    aggregate: Aggregate,
    references: References,
    /// How many training samples equal each reference; no more than `k` matter.
    counts: Vec<u32>,
}

impl KnnConfig {
    /// Draws the references.
    ///
    /// # Errors
    /// If there is no sample, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Knn> {
        self.check()?;
        check_training(features)?;
        let mut order: Vec<usize> = (0..features.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let distinct = first_distinct(features, &order, self.references);
        let positions: Vec<usize> = distinct.iter().map(|&(position, _)| position).collect();
        // More than k equal neighbours are as good as k, and model files hold small numbers exactly.
        let most = self.k.min(EXACT);
        let counts = distinct.iter().map(|&(_, count)| count.min(most) as u32);
        Ok(Knn::new(
            self,
            features.shape().clone(),
            features.gather(&positions),
            counts.collect(),
        ))
    }

    fn check(&self) -> Result<()> {
        check_setting("k", self.k, self.k >= 1, "a number from 1 up")?;
        check_setting(
            "references",
            self.references,
            self.references >= 1,
            "a number from 1 up",
        )
    }
}

/// The first `most` positions in this order whose samples differ from all before, ascending, and how
/// many samples equal each.
fn first_distinct(features: &Features, order: &[usize], most: usize) -> Vec<(usize, usize)> {
    let compare = |a: usize, b: usize| {
        let (a, b) = (features.sample(order[a]), features.sample(order[b]));
        // Finite values are ordered. -0 equals 0: their distance is 0, too.
        a.partial_cmp(b).unwrap_or(Ordering::Equal)
    };
    let mut ranks: Vec<usize> = (0..order.len()).collect();
    ranks.par_sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    let equal = ranks.chunk_by(|&a, &b| compare(a, b).is_eq());
    let mut distinct: Vec<(usize, usize)> = equal.map(|ranks| (ranks[0], ranks.len())).collect();
    distinct.sort_unstable();
    distinct.truncate(most);
    for (rank, _) in &mut distinct {
        *rank = order[*rank];
    }
    distinct.sort_unstable();
    distinct
}

impl Knn {
    /// A trained model from what [`Scorer::arrays`] wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn from_arrays(config: &KnnConfig, arrays: &Arrays) -> Result<Self> {
        config.check()?;
        let shape = get_shape(arrays)?;
        let rows = row_count(arrays, "references")?;
        if rows == 0 || rows > config.references {
            let expected = format!("1 to {}", config.references);
            return Err(damaged("references", format!("{rows} rows"), &expected));
        }
        let references = get_finite(arrays, "references", &[rows, shape.size()])?.to_vec();
        let counts = wholes(
            "counts",
            arrays.get("counts", &[rows])?,
            config.k.min(EXACT),
        )?;
        if counts.contains(&0) {
            return Err(damaged("counts", "0", "1 or more"));
        }
        let counts = counts.into_iter().map(|count| count as u32).collect();
        Ok(Self::new(config, shape, references, counts))
    }

    fn new(
        config: &KnnConfig,
        shape: FeatureShape,
        references: Vec<f32>,
        counts: Vec<u32>,
    ) -> Self {
        let references = References::new(shape.size(), references);
        Self {
            shape,
            k: config.k,
            aggregate: config.aggregate,
            references,
            counts,
        }
    }
}

impl Scorer for Knn {
    /// `distance`: the Euclidean distance to the k-th nearest reference, or the mean of the k.
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        check_scoring(features, &self.shape)?;
        let score = |_: &[f32], nearest: &[Neighbour]| {
            let equal = |neighbour: &Neighbour| {
                let count = self.counts[neighbour.position] as usize;
                std::iter::repeat_n(neighbour.squared.sqrt(), count)
            };
            let distances = nearest.iter().flat_map(equal).take(self.k);
            match self.aggregate {
                Aggregate::Largest => distances.fold(0.0, f64::max),
                Aggregate::Mean => {
                    let (sum, count) =
                        distances.fold((0.0, 0), |(sum, count), d| (sum + d, count + 1));
                    sum / f64::from(count)
                }
            }
        };
        let scores = self
            .references
            .map_nearest(features.values(), self.k, score);
        Ok(ScoreParts::single("distance", scores))
    }

    /// The squared difference of each feature to that of the nearest reference.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        check_scoring(features, &self.shape)?;
        let differences = |sample: &[f32], nearest: &[Neighbour]| -> Vec<f32> {
            let reference = nearest.iter().flat_map(|n| self.references.row(n.position));
            let difference = |(&a, &b)| f64::from(a) - f64::from(b);
            sample
                .iter()
                .zip(reference)
                .map(difference)
                .map(|d| saturate(d * d))
                .collect()
        };
        Ok(self
            .references
            .map_nearest(features.values(), 1, differences)
            .concat())
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        insert_shape(&mut arrays, &self.shape);
        let shape = [self.references.len(), self.shape.size()];
        arrays.insert("references", &shape, self.references.values().to_vec());
        let counts = self.counts.iter().map(|&count| count as f32).collect();
        arrays.insert("counts", &[self.counts.len()], counts);
        arrays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(width: usize, values: &[f32]) -> Features {
        Features::new(FeatureShape::Row { width }, values.to_vec())
    }

    fn scores(config: &KnnConfig, training: &Features, queries: &Features) -> Vec<f64> {
        let parts = config.fit(training, 0).unwrap().parts(queries).unwrap();
        parts
            .get("distance")
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect()
    }

    #[test]
    fn distances_to_points_on_a_line() {
        let training = rows(1, &[0.0, 1.0, 3.0, 7.0]);
        let queries = rows(1, &[0.0, 5.0]);
        let config = KnnConfig {
            k: 2,
            ..Default::default()
        };
        assert_eq!(scores(&config, &training, &queries), [1.0, 2.0]);
        let config = KnnConfig {
            k: 3,
            aggregate: Aggregate::Mean,
            ..Default::default()
        };
        assert_eq!(
            scores(&config, &training, &queries),
            [4.0_f32 / 3.0, 8.0 / 3.0].map(f64::from)
        );
    }

    #[test]
    fn contributions_are_squared_differences_to_the_nearest() {
        let training = rows(2, &[0.0, 0.0, 10.0, 10.0]);
        let model = KnnConfig::default().fit(&training, 0).unwrap();
        let contributions = model
            .contributions(&rows(2, &[1.0, -2.0, 10.0, 7.0]))
            .unwrap();
        assert_eq!(contributions, [1.0, 4.0, 0.0, 9.0]);
    }

    #[test]
    fn a_value_is_kept_once_however_often_it_occurs() {
        let training = rows(
            2,
            &[1.0, 0.0, 2.0, 5.0, 1.0, -0.0, 1.0, 0.0, 2.0, 5.0, 0.0, 9.0],
        );
        let first = |order: &[usize], most| first_distinct(&training, order, most);
        assert_eq!(first(&[0, 1, 2, 3, 4, 5], 9), [(0, 3), (1, 2), (5, 1)]);
        assert_eq!(first(&[3, 2, 5, 0, 4, 1], 9), [(3, 3), (4, 2), (5, 1)]);
        assert_eq!(first(&[3, 2, 5, 0, 4, 1], 2), [(3, 3), (5, 1)]);
        let arrays = KnnConfig::default().fit(&training, 0).unwrap().arrays();
        assert_eq!(arrays.any_shape("references").unwrap().shape, [3, 2]);
    }

    #[test]
    fn equal_training_samples_are_as_many_neighbours() {
        // Six times 0 and three times 10: the fifth nearest of all nine rows.
        let mut values = vec![0.0; 6];
        values.extend([10.0; 3]);
        let training = rows(1, &values);
        let queries = rows(1, &[0.0, 4.0, 10.0, 12.0]);
        let found = scores(&KnnConfig::default(), &training, &queries);
        assert_eq!(found, [0.0, 4.0, 10.0, 12.0]);
        let mean = KnnConfig {
            aggregate: Aggregate::Mean,
            ..Default::default()
        };
        assert_eq!(scores(&mean, &training, &queries), [0.0, 4.0, 4.0, 6.0]);
        // As saved.
        let config = KnnConfig::default();
        let arrays = config.fit(&training, 0).unwrap().arrays();
        let again = Knn::from_arrays(&config, &arrays).unwrap();
        assert_eq!(again, config.fit(&training, 0).unwrap());
        for count in [0.0, 0.5, 6.0] {
            let mut damaged = arrays.clone();
            damaged.insert("counts", &[2], vec![1.0, count]);
            assert!(Knn::from_arrays(&config, &damaged).is_err(), "{count}");
        }
    }

    #[test]
    fn fewer_references_than_k_all_count() {
        let training = rows(1, &[0.0, 4.0]);
        assert_eq!(
            scores(&KnnConfig::default(), &training, &rows(1, &[1.0])),
            [3.0]
        );
    }

    #[test]
    fn values_beyond_the_range_of_32_bit_squares_stay_finite() {
        let training = rows(2, &[-3e38, 0.0, 3e38, 1.0]);
        let model = KnnConfig::default().fit(&training, 0).unwrap();
        let query = rows(2, &[3e38, -3e38]);
        assert!(model.parts(&query).unwrap().get("distance").unwrap()[0].is_finite());
        assert!(
            model
                .contributions(&query)
                .unwrap()
                .iter()
                .all(|c| c.is_finite())
        );
    }

    #[test]
    fn settings_outside_their_range_and_damaged_arrays_are_refused() {
        let training = rows(1, &[0.0, 4.0]);
        for config in [
            KnnConfig {
                k: 0,
                ..Default::default()
            },
            KnnConfig {
                references: 0,
                ..Default::default()
            },
        ] {
            assert!(config.fit(&training, 0).is_err());
        }
        let arrays = KnnConfig::default().fit(&training, 0).unwrap().arrays();
        let few = KnnConfig {
            references: 1,
            ..Default::default()
        };
        assert!(Knn::from_arrays(&few, &arrays).is_err());
        let mut damaged = arrays.clone();
        damaged.insert("references", &[2, 1], vec![0.0, f32::NAN]);
        assert!(Knn::from_arrays(&KnnConfig::default(), &damaged).is_err());
        damaged.insert("references", &[1, 2], vec![0.0, 1.0]);
        assert!(Knn::from_arrays(&KnnConfig::default(), &damaged).is_err());
    }
}
