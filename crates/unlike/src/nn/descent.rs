//! Gradient descent on the inputs of frozen networks, every sample for itself.

use serde::{Deserialize, Serialize};
use unlike_kernels::{AdamStep, adam, zeros};

use crate::{
    backend::{Tensor, tensor, values},
    settings::{Count, OutOfRange, Positive, Share},
};

/// Adam on one point per sample. Everything in it is elementwise or row by row, so no sample feels
/// its neighbours; the best point seen is kept, not the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descent {
    /// Steps at most. None leaves the points where they are.
    pub steps: usize,
    /// Learning rates, in the order in which they apply.
    pub rates: Rates,
    /// When a sample stops before the last step. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
}

/// Learning rates of a descent, the first from step 0 on, each further one from a later step on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rate>", into = "Vec<Rate>")]
pub struct Rates(Vec<Rate>);

/// A learning rate of a descent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The first step that it applies to, counted from 0.
    pub from: usize,
    /// Step size.
    pub learning_rate: Positive,
}

impl TryFrom<Vec<Rate>> for Rates {
    type Error = OutOfRange;

    fn try_from(rates: Vec<Rate>) -> Result<Self, OutOfRange> {
        let starts: Vec<usize> = rates.iter().map(|rate| rate.from).collect();
        match starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b) {
            true => Ok(Self(rates)),
            false => Err(OutOfRange {
                found: format!("rates from steps {starts:?}"),
                expected: "rates from step 0 on, in ascending order",
            }),
        }
    }
}

impl From<Rates> for Vec<Rate> {
    fn from(rates: Rates) -> Self {
        rates.0
    }
}

/// When a sample's descent ends early: its loss has not fallen by this share in so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Steps without progress.
    pub patience: Count,
    /// The relative fall of the loss that counts as progress.
    pub tolerance: Share,
}

impl Descent {
    /// So many steps, with learning rates that each apply from a step on, to the end.
    ///
    /// # Panics
    /// If the first rate does not apply from step 0 on, or they are not in ascending order.
    pub fn new(steps: usize, rates: &[(usize, f32)]) -> Self {
        let rate = |&(from, rate): &(usize, f32)| Rate {
            from,
            learning_rate: Positive::of(rate),
        };
        let rates: Vec<Rate> = rates.iter().map(rate).collect();
        Self {
            steps,
            rates: Rates::try_from(rates).unwrap_or_else(|error| panic!("{error}")),
            plateau: None,
        }
    }

    /// The points with the smallest loss that descents from these starts come by, [N, latent].
    ///
    /// Each start is [N, latent]; `fixed` is what the loss knows of the samples, [N, ..] each; the loss
    /// of fixed `[M, ..]` and points `[M, latent]` is `[M]`, one number for each sample by itself.
    pub fn best<const K: usize>(
        &self,
        starts: Vec<Tensor<2>>,
        fixed: [Tensor<2>; K],
        loss: impl Fn([Tensor<2>; K], Tensor<2>) -> Tensor<1>,
    ) -> Tensor<2> {
        let [n, latent] = starts[0].dims();
        let device = starts[0].device();
        let mut best = Best {
            z: vec![0.0; n * latent],
            loss: vec![f32::INFINITY; n],
        };
        for start in starts {
            self.descend(Moving::new(fixed.clone(), start), &loss, &mut best);
        }
        tensor(best.z, [n, latent], &device)
    }

    fn descend<const K: usize>(
        &self,
        mut moving: Moving<K>,
        loss: &impl Fn([Tensor<2>; K], Tensor<2>) -> Tensor<1>,
        best: &mut Best,
    ) {
        let [n, latent] = moving.z.dims();
        let mut samples: Vec<usize> = (0..n).collect();
        // The loss at the last step that counted as progress, and the steps since then.
        let mut progress = vec![(f32::INFINITY, 0); n];
        // Once more than there are steps, because the point after the last one counts too.
        for step in 0..=self.steps {
            let z = values(moving.z.clone()); // [M, latent]
            let losses = match step < self.steps {
                true => moving.step(&self.rates, loss),
                false => values(loss(moving.fixed.clone(), moving.z.clone())),
            };
            for ((&sample, z), &loss) in samples.iter().zip(z.chunks(latent)).zip(&losses) {
                best.improve(sample, z, loss);
            }
            let Some(plateau) = self.plateau else {
                continue;
            };
            let goes_on = |&row: &usize| {
                let (mark, since) = &mut progress[samples[row]];
                match losses[row] < *mark * (1.0 - plateau.tolerance.get()) {
                    true => (*mark, *since) = (losses[row], 0),
                    false => *since += 1,
                }
                *since < plateau.patience.get()
            };
            let rows: Vec<usize> = (0..samples.len()).filter(goes_on).collect();
            if rows.is_empty() {
                break;
            }
            if rows.len() < samples.len() {
                moving.keep(&rows);
                samples = rows.into_iter().map(|row| samples[row]).collect();
            }
        }
    }
}

/// The best points so far, `[N, latent]`, and what they cost, `[N]`.
struct Best {
    z: Vec<f32>,
    loss: Vec<f32>,
}

impl Best {
    /// Takes a sample's new point if it is better.
    fn improve(&mut self, sample: usize, z: &[f32], loss: f32) {
        if loss < self.loss[sample] {
            self.loss[sample] = loss;
            self.z[sample * z.len()..][..z.len()].copy_from_slice(z);
        }
    }
}

/// The samples that still move.
pub(crate) struct Moving<const K: usize> {
    /// [M, ..] each
    fixed: [Tensor<2>; K],
    /// [M, latent]
    pub(crate) z: Tensor<2>,
    /// Adam's first and second moments of z, [M, latent].
    moments: [Tensor<2>; 2],
    step: usize,
}

impl<const K: usize> Moving<K> {
    pub(crate) fn new(fixed: [Tensor<2>; K], z: Tensor<2>) -> Self {
        Self {
            fixed,
            moments: [(); 2].map(|()| zeros(z.dims(), &z)),
            z,
            step: 0,
        }
    }

    /// Moves every z one step and gives the losses [M] where they were.
    pub(crate) fn step(
        &mut self,
        Rates(rates): &Rates,
        loss: &impl Fn([Tensor<2>; K], Tensor<2>) -> Tensor<1>,
    ) -> Vec<f32> {
        let leaf = self.z.clone().autodiff().require_grad(); // [M, latent]
        let loss = loss(self.fixed.clone(), leaf.clone()); // [M]
        let found = values(loss.clone());
        // The sum, not the mean: a sample's gradient must not depend on how many there are.
        let mut grads = loss.sum().backward();
        let gradient = leaf.grad_remove(&mut grads);
        let gradient = gradient.unwrap_or_else(|| unreachable!("the loss is one of z"));
        let applies = |rate: &&Rate| rate.from <= self.step;
        let rate = rates.iter().rev().find(applies);
        // Adam's defaults.
        let step = AdamStep {
            learning_rate: rate.map_or(0.0, |rate| rate.learning_rate.get()),
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
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

    /// Goes on with these rows only.
    fn keep(&mut self, rows: &[usize]) {
        let [m, v] = &mut self.moments;
        for all in self.fixed.iter_mut().chain([&mut self.z, m, v]) {
            let width = all.dims()[1];
            let old = values(all.clone());
            let kept = rows.iter().flat_map(|&row| &old[row * width..][..width]);
            *all = tensor(kept.copied().collect(), [rows.len(), width], &all.device());
        }
    }
}
