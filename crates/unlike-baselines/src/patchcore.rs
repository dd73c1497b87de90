//! Nearest neighbours among few patches that cover all: Roth et al., "Towards total recall in industrial
//! anomaly detection", CVPR 2022 (arXiv 2106.08265).
//!
//! The memory bank M is a greedy coreset (algorithm 1: the patch that is farthest from all chosen ones
//! is chosen next; Sener and Savarese 2018), found in a random projection (Johnson and Lindenstrauss), and the score of a
//! patch is its distance to the nearest in M (equation 6). Departures: the patches that are chosen among
//! are drawn at random, so that time and memory do not grow with the images; the score of an image, of
//! which equation 7 weighs the highest patch by its neighbourhood in M, comes from the standardised map,
//! as with every detector of patches.

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Features, Result, check_setting};

use crate::{
    knn::{Aggregate, Knn, KnnConfig},
    samples::check_training,
};

/// How many patches are kept, and of how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchcoreConfig {
    /// The patches that are kept, at most, from 1 up; 4,000. The time to score and the size of the
    /// model grow with it.
    pub references: usize,
    /// The patches among which they are chosen, drawn at random, at most, from 1 up; 40,000. The paper
    /// keeps 1 % or 10 % of all.
    pub candidates: usize,
}

impl Default for PatchcoreConfig {
    fn default() -> Self {
        Self {
            references: 4000,
            candidates: 40_000,
        }
    }
}

/// Dimensions of the random projection, as in the authors' code.
const PROJECTED: usize = 128;

impl PatchcoreConfig {
    /// Chooses the patches.
    ///
    /// # Errors
    /// If there is no sample, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Knn> {
        self.check()?;
        check_training(features)?;
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let n = features.len();
        let mut candidates = index::sample(rng, n, n.min(self.candidates)).into_vec();
        candidates.sort_unstable();
        let candidates = Features::new(features.shape().clone(), features.gather(&candidates));
        let chosen = greedy(&projected(&candidates, rng), self.references);
        let bank = Features::new(features.shape().clone(), candidates.gather(&chosen));
        self.neighbours(bank.len()).fit(&bank, seed)
    }

    /// A trained model from what [`Scorer::arrays`](unlike_core::Scorer::arrays) wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn restore(&self, arrays: &Arrays) -> Result<Knn> {
        self.check()?;
        Knn::from_arrays(&self.neighbours(self.references), arrays)
    }

    fn neighbours(&self, references: usize) -> KnnConfig {
        KnnConfig {
            k: 1,
            aggregate: Aggregate::Largest,
            references,
        }
    }

    fn check(&self) -> Result<()> {
        let from_1 = "a number from 1 up";
        check_setting("references", self.references, self.references >= 1, from_1)?;
        check_setting("candidates", self.candidates, self.candidates >= 1, from_1)
    }
}

/// Rows of at most [`PROJECTED`] numbers with nearly the same distances.
struct Projected {
    width: usize,
    values: Vec<f32>,
}

fn projected(features: &Features, rng: &mut ChaCha8Rng) -> Projected {
    use rand::RngExt;
    let size = features.shape().size();
    if size <= PROJECTED {
        return Projected {
            width: size,
            values: features.values().to_vec(),
        };
    }
    // Signs do as well as normals (Achlioptas 2003), up to a factor that is the same for all.
    let signs: Vec<f32> = (0..PROJECTED * size)
        .map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 })
        .collect();
    let project = |sample: &[f32]| -> Vec<f32> {
        let product = |signs: &[f32]| signs.iter().zip(sample).map(|(s, v)| s * v).sum::<f32>();
        signs.chunks_exact(size).map(product).collect()
    };
    let values = features
        .values()
        .par_chunks_exact(size)
        .flat_map_iter(project);
    Projected {
        width: PROJECTED,
        values: values.collect(),
    }
}

/// So many positions at most, ascending: the first row, then always the one that is farthest from all
/// chosen before, the first of equals. Rows that equal a chosen one are not chosen.
fn greedy(rows: &Projected, most: usize) -> Vec<usize> {
    let n = rows.values.len() / rows.width;
    let row = |at: usize| &rows.values[at * rows.width..][..rows.width];
    let mut nearest = vec![f32::INFINITY; n];
    let mut chosen = Vec::with_capacity(most.min(n));
    let mut next = 0;
    while chosen.len() < most.min(n) {
        chosen.push(next);
        let center = row(next);
        let farther = |a: (f32, usize), b: (f32, usize)| match a.0.total_cmp(&b.0).is_ge() {
            true => a,
            false => b,
        };
        // In blocks of fixed size, whose winners are compared in order: the same on any number of threads.
        let blocks = nearest.par_chunks_mut(BLOCK).enumerate();
        let winners = blocks.map(|(block, nearest)| {
            let first = block * BLOCK;
            let mut best = (f32::NEG_INFINITY, first);
            for (at, nearest) in nearest.iter_mut().enumerate() {
                *nearest = nearest.min(squared(center, row(first + at)));
                best = farther(best, (*nearest, first + at));
            }
            best
        });
        let best = winners
            .collect::<Vec<_>>()
            .into_iter()
            .reduce(farther)
            .unwrap_or((0.0, 0));
        if best.0 <= 0.0 {
            break;
        }
        next = best.1;
    }
    chosen.sort_unstable();
    chosen
}

/// Rows that a task compares.
const BLOCK: usize = 2048;

/// The squared distance, in sums side by side so that the processor adds many at once.
fn squared(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a.remainder().iter().zip(b.remainder());
    let rest: f32 = rest.map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use unlike_core::{FeatureShape, Scorer};

    use super::*;

    fn rows(width: usize, values: Vec<f32>) -> Features {
        Features::new(FeatureShape::row(width), values)
    }

    fn chosen(width: usize, values: &[f32], most: usize) -> Vec<usize> {
        let values = values.to_vec();
        greedy(&Projected { width, values }, most)
    }

    #[test]
    fn the_farthest_is_chosen_next_and_equals_only_once() {
        let line = [0.0, 1.0, 9.0, 10.0, 0.0, 5.0];
        assert_eq!(chosen(1, &line, 2), [0, 3]);
        assert_eq!(chosen(1, &line, 3), [0, 3, 5]);
        // The fifth equals the first.
        assert_eq!(chosen(1, &line, 9), [0, 1, 2, 3, 5]);
        assert_eq!(chosen(2, &[0.0; 8], 3), [0]);
    }

    #[test]
    fn a_few_rare_patches_are_kept_where_chance_would_drop_them() {
        // 3,000 patches of one kind, and three of another.
        let mut values: Vec<f32> = (0..6000).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        values.extend([50.0, 50.0, 51.0, 50.0, 50.0, 51.0]);
        let config = PatchcoreConfig {
            references: 20,
            ..PatchcoreConfig::default()
        };
        let model = config.fit(&rows(2, values), 0).unwrap();
        let score = |row: [f32; 2]| {
            let parts = model.parts(&rows(2, row.to_vec())).unwrap();
            parts.get("distance").unwrap()[0]
        };
        assert!(score([50.0, 50.0]) < 2.0 && score([25.0, 25.0]) > 20.0);
        let again = config.restore(&model.arrays()).unwrap();
        assert_eq!(again, model);
    }

    #[test]
    fn wide_features_are_projected_and_the_bank_does_not_depend_on_threads() {
        let values: Vec<f32> = (0..300 * 150)
            .map(|i| ((i * 7919 % 10_007) as f32 / 10_007.0).sin())
            .collect();
        let config = PatchcoreConfig {
            references: 25,
            ..PatchcoreConfig::default()
        };
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| config.fit(&rows(150, values.clone()), 3).unwrap())
        };
        let one = fit(1);
        assert_eq!(
            one.arrays().get("references", &[25, 150]).unwrap().len(),
            25 * 150
        );
        assert_eq!(one, fit(3));
    }

    #[test]
    fn settings_outside_their_range_are_refused() {
        for config in [
            PatchcoreConfig {
                references: 0,
                ..PatchcoreConfig::default()
            },
            PatchcoreConfig {
                candidates: 0,
                ..PatchcoreConfig::default()
            },
        ] {
            assert!(config.fit(&rows(1, vec![1.0, 2.0]), 0).is_err());
        }
    }
}
