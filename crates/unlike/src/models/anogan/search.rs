//! The search for z*: the point of the latent space whose sample is nearest to a query.
//!
//! The descent is the paper's. It may begin, instead of at a random point, at the best of many, or
//! where an encoder points: Schlegl, Seeböck, Waldstein, Langs, Schmidt-Erfurth, *f-AnoGAN: Fast
//! unsupervised anomaly detection with generative adversarial networks*, Medical Image Analysis 54
//! (2019).

use std::sync::OnceLock;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Arrays, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting};
use unlike_kernels::{AdamStep, adam, bce_with_logits_rows, l1_rows};

use super::{CROSS_ENTROPY, DISCRIMINATION, Networks, RESIDUAL};
use crate::{
    backend::{Device, Tensor, tensor, values},
    models::{Reduction, in_batches, scoring_batch},
    nn::{Pass, network_arrays},
    rng::{self, Purpose, normals},
};

/// How z* is looked for: Adam on z, the networks frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Steps at most: the paper's Γ. None leaves z where the search begins.
    pub steps: usize,
    /// Weight of the discrimination loss, from 0 to 1: the paper's λ.
    pub lambda: f32,
    /// What is meant by the discrimination loss.
    pub discrimination: Discrimination,
    /// Where a search begins.
    #[serde(default)]
    pub start: Start,
    /// Starting points per query; the best result counts.
    pub restarts: usize,
    /// Decides the starting points, together with the query's content.
    pub seed: u64,
    /// Learning rates, in the order in which they apply; the first from step 0.
    pub rates: Vec<Rate>,
    /// When to stop before the last step. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At a point from N(0, 1), for every query another: the paper.
    #[default]
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

/// A learning rate of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The first step that it applies to, counted from 0.
    pub from: usize,
    /// Step size.
    pub learning_rate: f32,
}

/// When a query's search ends early: its loss has not fallen by this share in so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Steps without progress.
    pub patience: usize,
    /// The relative fall of the loss that counts as progress.
    pub tolerance: f32,
}

impl SearchConfig {
    /// 500 steps from one starting point, to the end.
    pub(super) fn paper() -> Self {
        let rate = |from, learning_rate| Rate {
            from,
            learning_rate,
        };
        Self {
            steps: 500,
            lambda: 0.1,
            discrimination: Discrimination::FeatureMatching,
            start: Start::Random,
            restarts: 1,
            seed: 0,
            rates: vec![rate(0, 0.01), rate(200, 0.001), rate(300, 0.0005)],
            plateau: None,
        }
    }

    /// The learning rate of a step, counted from 0.
    fn rate(&self, step: usize) -> f32 {
        let applies = |rate: &&Rate| rate.from <= step;
        let rate = self.rates.iter().rev().find(applies);
        rate.map_or(0.0, |rate| rate.learning_rate)
    }

    /// Refuses settings outside their ranges, for samples of this many numbers.
    pub(super) fn check(&self, size: usize) -> Result<()> {
        let Self {
            steps: _,
            lambda,
            discrimination: _,
            start,
            restarts,
            seed: _,
            rates,
            plateau,
        } = self;
        let share = (0.0..=1.0).contains(lambda);
        check_setting("search.lambda", lambda, share, "from 0 to 1")?;
        check_setting("search.restarts", restarts, *restarts > 0, "at least 1")?;
        if let Start::Nearest(of) = start {
            let most = CANDIDATE_NUMBERS / size.max(1);
            check_setting(
                "search.start.nearest",
                of,
                (restarts..=&most).contains(&of),
                &format!("from {restarts} (the restarts) to {most}"),
            )?;
        }
        let ordered = rates.first().is_some_and(|rate| rate.from == 0)
            && rates.windows(2).all(|pair| pair[0].from < pair[1].from);
        let starts: Vec<usize> = rates.iter().map(|rate| rate.from).collect();
        check_setting(
            "search.rates",
            format!("from steps {starts:?}"),
            ordered,
            "rates from step 0 on, in ascending order",
        )?;
        for Rate { learning_rate, .. } in rates {
            let holds = *learning_rate > 0.0 && learning_rate.is_finite();
            let name = "search.rates.learning_rate";
            check_setting(name, learning_rate, holds, "more than 0")?;
        }
        if let Some(Plateau {
            patience,
            tolerance,
        }) = plateau
        {
            let name = "search.plateau.patience";
            check_setting(name, patience, *patience > 0, "at least 1")?;
            check_setting(
                "search.plateau.tolerance",
                tolerance,
                (0.0..1.0).contains(tolerance),
                "from 0 up to, not including, 1",
            )?;
        }
        Ok(())
    }
}

/// A trained AnoGAN: searches and scores, and nothing else.
pub(super) struct AnoganScorer {
    pub(super) networks: Networks,
    shape: FeatureShape,
    pub(super) latent: usize,
    pub(super) reduction: Reduction,
    pub(super) search: SearchConfig,
    device: Device,
    candidates: OnceLock<Candidates>,
}

/// Points from N(0, 1) and their samples, for [`Start::Nearest`].
struct Candidates {
    /// `[count, latent]`
    z: Vec<f32>,
    /// G(z), `[count, size]`
    samples: Vec<f32>,
}

/// The best points of a search and what they cost.
pub(super) struct Found {
    /// `[N, latent]`
    pub(super) z: Vec<f32>,
    /// `[N]`
    pub(super) loss: Vec<f32>,
}

impl Found {
    /// Takes a query's new point if it is better.
    fn improve(&mut self, query: usize, z: &[f32], loss: f32) {
        if loss < self.loss[query] {
            self.loss[query] = loss;
            self.z[query * z.len()..][..z.len()].copy_from_slice(z);
        }
    }
}

/// How one query's search goes.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    /// The loss at the last step that counted as progress.
    mark: f32,
    /// Steps since then.
    since: usize,
}

impl Progress {
    pub(super) const START: Self = Self {
        mark: f32::INFINITY,
        since: 0,
    };

    /// Whether to go on after a step that found this loss.
    pub(super) fn goes_on(&mut self, loss: f32, plateau: Plateau) -> bool {
        if loss < self.mark * (1.0 - plateau.tolerance) {
            *self = Self {
                mark: loss,
                since: 0,
            };
        } else {
            self.since += 1;
        }
        self.since < plateau.patience
    }
}

/// Gradient descent on the z of a batch of queries. Everything in it is either elementwise or row
/// by row, so no query feels its neighbours.
pub(super) struct Descent<'a> {
    scorer: &'a AnoganScorer,
    /// [M, size]
    x: Tensor<2>,
    /// f(x) [M, f]
    f: Tensor<2>,
    /// [M, latent]
    pub(super) z: Tensor<2>,
    /// Adam's first and second moments of z, [M, latent].
    moments: [Tensor<2>; 2],
    step: usize,
}

impl Descent<'_> {
    /// Adam's decays and ε in the search: its authors' defaults, as in the code above.
    const BETA1: f32 = 0.9;
    const BETA2: f32 = 0.999;
    const EPSILON: f32 = 1e-8;

    /// Moves every z one step and gives the losses [M] where they were.
    pub(super) fn step(&mut self) -> Vec<f32> {
        let search = &self.scorer.search;
        let z = self.z.clone().autodiff().require_grad(); // [M, latent]
        let loss = self.scorer.loss(self.x.clone(), self.f.clone(), z.clone()); // [M]
        let found = values(loss.clone());
        // The sum, not the mean: a query's gradient must not depend on how many there are.
        let mut grads = loss.sum().backward();
        let gradient = z.grad_remove(&mut grads);
        let gradient = gradient.unwrap_or_else(|| unreachable!("the loss is one of z"));
        let step = AdamStep {
            learning_rate: search.rate(self.step),
            beta1: Self::BETA1,
            beta2: Self::BETA2,
            epsilon: Self::EPSILON,
            weight_decay: 0.0,
            step: self.step as u64 + 1,
        };
        let [m, v] = self.moments.clone();
        let (z, m, v) = adam(self.z.clone(), gradient, m, v, &step);
        self.z = z;
        self.moments = [m, v];
        self.step += 1;
        found
    }

    /// The losses [M], and nothing moves.
    fn losses(&self) -> Vec<f32> {
        let (x, f, z) = (self.x.clone(), self.f.clone(), self.z.clone());
        values(self.scorer.loss(x, f, z))
    }

    /// Goes on with these rows only.
    fn keep(&mut self, rows: &[usize]) {
        let [m, v] = &mut self.moments;
        for all in [&mut self.x, &mut self.f, &mut self.z, m, v] {
            let width = all.dims()[1];
            let old = values(all.clone());
            let kept = rows.iter().flat_map(|&row| &old[row * width..][..width]);
            *all = tensor(kept.copied().collect(), [rows.len(), width], &all.device());
        }
    }
}

impl AnoganScorer {
    /// Searches with these networks, of samples of this shape.
    pub(super) fn new(
        networks: Networks,
        shape: FeatureShape,
        latent: usize,
        reduction: Reduction,
        search: SearchConfig,
        device: Device,
    ) -> Self {
        Self {
            networks,
            shape,
            latent,
            reduction,
            search,
            device,
            candidates: OnceLock::new(),
        }
    }

    /// L(z) of each query: x [M, size], f(x) [M, f], z [M, latent] → [M].
    pub(super) fn loss(&self, x: Tensor<2>, f: Tensor<2>, z: Tensor<2>) -> Tensor<1> {
        let (reduction, lambda) = (self.reduction.into(), self.search.lambda);
        let gz = self.networks.generator.forward(z, Pass::Score); // [M, size]
        let discriminator = &self.networks.discriminator;
        let discrimination = match self.search.discrimination {
            Discrimination::FeatureMatching => {
                let f_gz = discriminator.features(gz.clone(), Pass::Score); // [M, f]
                l1_rows(f_gz, f, reduction) // [M]
            }
            Discrimination::CrossEntropy => {
                let (logit, _) = discriminator.forward(gz.clone(), Pass::Score); // [M, 1]
                bce_with_logits_rows(logit, 1.0, reduction) // [M]
            }
        };
        let residual = l1_rows(gz, x, reduction); // [M]
        residual * (1.0 - lambda) + discrimination * lambda
    }

    /// A search of these queries that begins at z [N, latent].
    pub(super) fn descent(&self, x: &[f32], z: Vec<f32>) -> Descent<'_> {
        let n = x.len() / self.shape.size();
        let x = tensor::<2>(x.to_vec(), [n, self.shape.size()], &self.device); // [N, size]
        let f = self.features(x.clone()); // [N, f]
        let z = tensor::<2>(z, [n, self.latent], &self.device); // [N, latent]
        Descent {
            scorer: self,
            x,
            f,
            moments: [z.zeros_like(), z.zeros_like()],
            z,
            step: 0,
        }
    }

    /// Searches from one starting point per query.
    pub(super) fn descend(&self, x: &[f32], z: Vec<f32>) -> Found {
        let n = x.len() / self.shape.size();
        let mut best = Found {
            z: z.clone(),
            loss: vec![f32::INFINITY; n],
        };
        let mut queries: Vec<usize> = (0..n).collect();
        let mut progress = vec![Progress::START; n];
        let mut descent = self.descent(x, z);
        // Once more than there are steps, because the point after the last one counts too.
        for step in 0..=self.search.steps {
            let z = values(descent.z.clone()); // [M, latent]
            let losses = match step < self.search.steps {
                true => descent.step(),
                false => descent.losses(),
            };
            for ((&query, z), &loss) in queries.iter().zip(z.chunks(self.latent)).zip(&losses) {
                best.improve(query, z, loss);
            }
            let Some(plateau) = self.search.plateau else {
                continue;
            };
            let goes_on = |&row: &usize| progress[queries[row]].goes_on(losses[row], plateau);
            let rows: Vec<usize> = (0..queries.len()).filter(goes_on).collect();
            if rows.is_empty() {
                break;
            }
            if rows.len() < queries.len() {
                descent.keep(&rows);
                queries = rows.into_iter().map(|row| queries[row]).collect();
            }
        }
        best
    }

    /// f(x) [N, f] of x [N, size].
    pub(super) fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.networks.discriminator.features(x, Pass::Score)
    }

    /// z* [N, latent] of the queries x [N, size].
    pub(super) fn search(&self, x: &[f32]) -> Tensor<2> {
        let (latent, n) = (self.latent, x.len() / self.shape.size());
        let mut best = Found {
            z: vec![0.0; n * latent],
            loss: vec![f32::INFINITY; n],
        };
        for start in self.starts(x) {
            let found = self.descend(x, start);
            for (query, (z, &loss)) in found.z.chunks(latent).zip(&found.loss).enumerate() {
                best.improve(query, z, loss);
            }
        }
        tensor(best.z, [n, latent], &self.device)
    }

    /// Where the searches for x [N, size] begin: [N, latent] for each restart.
    fn starts(&self, x: &[f32]) -> Vec<Vec<f32>> {
        let restarts = self.search.restarts;
        match (self.search.start, &self.networks.encoder) {
            (Start::Nearest(of), _) => self.nearest_candidates(x, of, restarts),
            (Start::Encoder, Some(encoder)) => {
                let size = self.shape.size();
                let rows = tensor(x.to_vec(), [x.len() / size, size], &self.device); // [N, size]
                let mut starts = vec![values(encoder.forward(rows, Pass::Score))]; // [N, latent]
                starts.extend(self.random_points(x, restarts - 1));
                starts
            }
            (Start::Random | Start::Encoder, _) => self.random_points(x, restarts),
        }
    }

    /// So many times a random point for each query: [N, latent].
    fn random_points(&self, x: &[f32], count: usize) -> Vec<Vec<f32>> {
        let seeded = |query| rng::rng(self.search.seed, Purpose::Search, fingerprint(query));
        let mut queries: Vec<ChaCha8Rng> = x.chunks(self.shape.size()).map(seeded).collect();
        let draw = |_| {
            let points = queries.iter_mut().map(|rng| normals(rng, self.latent));
            points.flatten().collect()
        };
        (0..count).map(draw).collect()
    }

    /// The candidates that are nearest to each query, then the next, `count` times: [N, latent].
    fn nearest_candidates(&self, x: &[f32], of: usize, count: usize) -> Vec<Vec<f32>> {
        let (size, latent) = (self.shape.size(), self.latent);
        let Candidates { z, samples } = self.candidates.get_or_init(|| self.draw_candidates(of));
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

    fn draw_candidates(&self, count: usize) -> Candidates {
        let rng = &mut rng::rng(self.search.seed, Purpose::Latent, 0);
        let z = normals(rng, count * self.latent); // [count, latent]
        let generate = |z: &[f32]| {
            let n = z.len() / self.latent;
            let z = tensor(z.to_vec(), [n, self.latent], &self.device); // [n, latent]
            values(self.networks.generator.forward(z, Pass::Score)) // [n, size]
        };
        let at_once = scoring_batch(&self.shape) * self.latent;
        Candidates {
            samples: z.chunks(at_once).flat_map(generate).collect(),
            z,
        }
    }

    /// The parts of the score for x [N, size] and z* [N, latent].
    pub(super) fn parts_at(&self, x: Tensor<2>, z: Tensor<2>) -> Vec<(&'static str, Vec<f32>)> {
        let reduction = self.reduction.into();
        let x_hat = self.networks.generator.forward(z, Pass::Score); // [N, size]
        let f = self.features(x.clone()); // [N, f]
        let (logit, f_hat) = self
            .networks
            .discriminator
            .forward(x_hat.clone(), Pass::Score); // [N, 1], [N, f]
        let cross_entropy = bce_with_logits_rows(logit, 1.0, reduction); // [N]
        vec![
            (RESIDUAL, values(l1_rows(x, x_hat, reduction))), // [N]
            (DISCRIMINATION, values(l1_rows(f, f_hat, reduction))), // [N]
            (CROSS_ENTROPY, values(cross_entropy)),
        ]
    }

    /// G(z*) of all samples, `[N, size]`.
    fn nearest(&self, features: &Features) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(features.values().len());
        in_batches(features, &self.shape, |x, _| {
            let z = self.search(&x); // [N, latent]
            all.extend(values(self.networks.generator.forward(z, Pass::Score))); // [N, size]
            Vec::new()
        })?;
        Ok(all)
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
pub(super) fn fingerprint(query: &[f32]) -> u64 {
    let mut hash = Sha256::new();
    for value in query {
        hash.update(value.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest[..8]
        .iter()
        .fold(0, |all, &b| all << 8 | u64::from(b))
}

impl Scorer for AnoganScorer {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        in_batches(features, &self.shape, |x, n| {
            let z = self.search(&x); // [N, latent]
            self.parts_at(tensor(x, [n, self.shape.size()], &self.device), z)
        })
    }

    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        let mut all = self.nearest(features)?;
        for (nearest, x) in all.iter_mut().zip(features.values()) {
            *nearest = (x - *nearest).abs();
        }
        Ok(all)
    }

    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        self.nearest(features).map(Some)
    }

    fn generated(&self, count: usize, seed: u64) -> Option<Vec<f32>> {
        let z = normals(&mut rng::rng(seed, Purpose::Latent, 0), count * self.latent);
        let z = tensor(z, [count, self.latent], &self.device); // [count, latent]
        Some(values(self.networks.generator.forward(z, Pass::Score))) // [count, size]
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        network_arrays(&self.networks, "", &mut arrays);
        arrays
    }
}
