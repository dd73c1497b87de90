//! The search for z*: the point of the latent space whose sample is nearest to a query.
//!
//! The descent is the paper's. It may begin, instead of at a random point, at the best of many, or
//! where an encoder points, as in f-AnoGAN ([`super::super::fanogan`]).

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{FeatureShape, Result, check_setting};
use unlike_kernels::{bce_with_logits_rows, l1_rows};

use super::REACH;
use crate::{
    backend::{Tensor, tensor, values},
    method::{Reduction, scoring_batch},
    nn::{Descent, Net, Pass, Trained},
    rng::{self, Purpose, normals},
    settings::{Count, Fraction},
};

/// How z* is looked for: Adam on z, the networks frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Weight of the discrimination loss: the paper's λ.
    pub lambda: Fraction,
    /// What is meant by the discrimination loss.
    pub discrimination: Discrimination,
    /// Where a search begins.
    pub start: Start,
    /// Starting points per query, at most 1,000; the best result counts.
    pub restarts: Count,
    /// How z moves; its steps are the paper's Γ.
    pub descent: Descent,
    /// The run's seed, which decides the starting points together with the query's content.
    #[serde(skip)]
    pub seed: u64,
}

/// The discrimination loss of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discrimination {
    /// |f(x) − f(G(z))|: the paper.
    FeatureMatching,
    /// Cross-entropy of D(G(z)) against "real": the variant that the paper compares with.
    CrossEntropy,
}

/// Where a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At a point from N(0, 1), for every query another: the paper.
    Random,
    /// Of this many points from N(0, 1), the same for all queries, at the one whose sample has the
    /// smallest residual. Further restarts begin at the next ones. Descent hardly leaves the kind of
    /// sample that it begins in, so where there are several kinds this is worth more than many steps.
    Nearest(usize),
    /// At E(x), with an encoder E that learns beside G to bring x and G(E(x)) together. Further
    /// restarts begin at random points.
    Encoder,
}

/// The samples of [`Start::Nearest`] hold this many numbers at most, all together: 1 GiB.
const CANDIDATE_NUMBERS: usize = 1 << 28;

/// Points of all of them are held at once, for each query of a batch.
const MOST_RESTARTS: usize = 1000;

impl Search {
    /// 500 steps from one starting point, to the end.
    pub fn paper() -> Self {
        Self {
            lambda: Fraction::of(0.1),
            discrimination: Discrimination::FeatureMatching,
            start: Start::Random,
            restarts: Count::of(1),
            descent: Descent::new(500, &[(0, 0.01), (200, 0.001), (300, 0.0005)]),
            seed: 0,
        }
    }

    /// Refuses more restarts than there is room for, and candidates that do not suffice, or take too much
    /// room for samples of this shape.
    pub(super) fn check(&self, x: &FeatureShape) -> Result<()> {
        let restarts = self.restarts.get();
        let few = restarts <= MOST_RESTARTS;
        check_setting("search.restarts", restarts, few, "from 1 to 1000")?;
        let Start::Nearest(of) = self.start else {
            return Ok(());
        };
        let (least, most) = (restarts, CANDIDATE_NUMBERS / x.size().max(1));
        let expected = format!("from {least} (the restarts) to {most}");
        check_setting(
            "search.start.nearest",
            of,
            (least..=most).contains(&of),
            &expected,
        )
    }
}

/// A search with trained networks.
pub(in crate::models) struct Searcher<'a> {
    nets: &'a Trained,
    /// G, D and E.
    networks: [&'a Net; 3],
    search: &'a Search,
    reduction: Reduction,
    latent: usize,
}

impl<'a> Searcher<'a> {
    pub(super) fn new(
        nets: &'a Trained,
        search: &'a Search,
        reduction: Reduction,
        latent: usize,
    ) -> Self {
        Self {
            nets,
            networks: nets.all(),
            search,
            reduction,
            latent,
        }
    }

    /// L(z) of each query: x [M, size], f(x) [M, f], z [M, latent] → [M].
    pub(in crate::models) fn loss(&self, x: Tensor<2>, f: Tensor<2>, z: Tensor<2>) -> Tensor<1> {
        let (reduction, lambda) = (self.reduction.into(), self.search.lambda.get());
        let [g, d, _] = self.networks;
        let gz = g.apply(z, Pass::Score); // [M, size]
        let discrimination = match self.search.discrimination {
            Discrimination::FeatureMatching => {
                let f_gz = d.tap("f", [gz.clone()], Pass::Score); // [M, f]
                l1_rows(f_gz, f, reduction) // [M]
            }
            Discrimination::CrossEntropy => {
                let logit = d.tap("logit", [gz.clone()], Pass::Score); // [M, 1]
                bce_with_logits_rows(logit, 1.0, reduction) // [M]
            }
        };
        let residual = l1_rows(gz, x, reduction); // [M]
        residual * (1.0 - lambda) + discrimination * lambda
    }

    /// z* [N, latent] of the queries x [N, size].
    pub(in crate::models) fn nearest(&self, x: Tensor<2>) -> Tensor<2> {
        let f = self.networks[1].tap("f", [x.clone()], Pass::Score); // [N, f]
        let starts = self.starts(&x).into_iter().map(|z| self.points(z)); // [N, latent] each
        let loss = |[x, f]: [Tensor<2>; 2], z| self.loss(x, f, z);
        self.search.descent.best(starts.collect(), [x, f], loss)
    }

    /// Where the searches for x [N, size] begin: [N, latent] for each restart.
    fn starts(&self, x: &Tensor<2>) -> Vec<Vec<f32>> {
        let restarts = self.search.restarts.get();
        match self.search.start {
            Start::Nearest(of) => self.nearest_candidates(&values(x.clone()), of, restarts),
            Start::Encoder => {
                let encoded = self.networks[2].apply(x.clone(), Pass::Score) * REACH; // [N, latent]
                let others = self.random_points(&values(x.clone()), restarts - 1);
                [vec![values(encoded)], others].concat()
            }
            Start::Random => self.random_points(&values(x.clone()), restarts),
        }
    }

    /// So many times a random point for each query: [N, latent].
    fn random_points(&self, x: &[f32], count: usize) -> Vec<Vec<f32>> {
        let seeded = |query| rng::rng(self.search.seed, Purpose::Search, fingerprint(query));
        let size = self.nets.shape().size();
        let mut queries: Vec<ChaCha8Rng> = x.chunks(size).map(seeded).collect();
        let draw = |_| {
            let points = queries.iter_mut().map(|rng| normals(rng, self.latent));
            points.flatten().collect()
        };
        (0..count).map(draw).collect()
    }

    /// The candidates that are nearest to each query, then the next, `count` times: [N, latent].
    fn nearest_candidates(&self, x: &[f32], of: usize, count: usize) -> Vec<Vec<f32>> {
        let (size, latent) = (self.nets.shape().size(), self.latent);
        let candidates = self.nets.once(|| self.draw_candidates(of));
        let [z, samples] = &*candidates;
        let nearer = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let rank = |query: &[f32]| -> Vec<usize> {
            let residuals = samples.chunks(size).map(|sample| distance(query, sample));
            let mut all: Vec<(f32, usize)> = residuals.zip(0..).collect();
            all.select_nth_unstable_by(count - 1, nearer);
            all.truncate(count);
            all.sort_unstable_by(nearer);
            all.into_iter().map(|(_, candidate)| candidate).collect()
        };
        let ranked: Vec<Vec<usize>> = x.par_chunks(size).map(rank).collect();
        let point = |candidate: usize| &z[candidate * latent..][..latent];
        let of_rank = |rank: usize| {
            let points = ranked.iter().flat_map(|candidates| point(candidates[rank]));
            points.copied().collect()
        };
        (0..count).map(of_rank).collect()
    }

    /// Points from N(0, 1), `[count, latent]`, and their samples G(z), `[count, size]`.
    fn draw_candidates(&self, count: usize) -> [Vec<f32>; 2] {
        let rng = &mut rng::rng(self.search.seed, Purpose::Latent, 0);
        let z = normals(rng, count * self.latent); // [count, latent]
        let at_once = scoring_batch(self.nets.shape()) * self.latent;
        let made = |z: &[f32]| values(self.networks[0].apply(self.points(z.to_vec()), Pass::Score));
        let samples = z.chunks(at_once).flat_map(made).collect(); // [count, size]
        [z, samples]
    }

    /// Numbers as points [N, latent].
    fn points(&self, z: Vec<f32>) -> Tensor<2> {
        let n = z.len() / self.latent;
        tensor(z, [n, self.latent], self.nets.device())
    }
}

/// Σ|a − b|, in sums side by side so that the processor adds many at once.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (mut sums, mut rest) = ([0.0f32; LANES], 0.0);
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in a.remainder().iter().zip(b.remainder()) {
        rest += (a - b).abs();
    }
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += (a - b).abs();
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// A number that stands for the content of one sample.
fn fingerprint(query: &[f32]) -> u64 {
    let mut hash = Sha256::new();
    for value in query {
        hash.update(value.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    u64::from_be_bytes(std::array::from_fn(|i| digest[i]))
}
