//! SimpleNet: features of normals against the same features with noise.
//!
//! Liu, Zhou, Xu, Wang, *SimpleNet: A Simple Network for Image Anomaly Detection and Localization*, CVPR
//! 2023 (arXiv 2303.15140). Authors' code: DonaldRR/SimpleNet. The noise that climbs is the global half
//! of Chen et al., *A Unified Anomaly Synthesis Strategy with Gradient Ascent*, ECCV 2024 (arXiv
//! 2407.09359; cqylunlun/GLASS).
//!
//! ```text
//!     x ──A──▶ q               D(q) ≥ m
//!              q + ε = q⁻      D(q⁻) ≤ −m        ε ~ N(0, σ²)
//! ```
//!
//! | paper           | here                                                                     |
//! |-----------------|--------------------------------------------------------------------------|
//! | F, f            | what stands before this file: a frozen network (`--features lite0`)      |
//! | G_θ, q          | A, [`Simplenet::adaptor`]                                                |
//! | D_ψ             | [`Simplenet::discriminator`]                                             |
//! | σ, th⁺ and th⁻  | [`Simplenet::noise`], [`Simplenet::margin`] = m                          |
//! | L               | [`Simplenet::loss`]                                                      |
//! | s = −D(q)       | the part `discriminator`                                                 |
//!
//! Departures, each with its reason. In [`Simplenet::paper`] too:
//! 1. Weight decay (1e-5 of D; of A, .01 times its rate) is left out: it moves weights by less than a
//!    hundredth over a training. A has no bias, which would move q and q⁻ alike: D's batch norm takes
//!    that away again.
//! 2. An image's score is the mean of its highest places, as with every detector here, not the highest.
//! 3. The epoch is chosen without labels: the loss of held-out normals against noise that no step drew.
//!    The authors kept the epoch whose test AUROC was best.
//!
//! Only in [`Simplenet::recommended`], or by a setting:
//! 4. σ is in units of what normals differ by, because features are standardised before, the same for
//!    any: .015 was made for one network's.
//! 5. Averaged weights, a narrower D, and rates for minutes.
//! 6. Rows of tables are features like any others.

use serde::{Deserialize, Serialize};
use unlike_core::{Error, FeatureShape, Note, Result};
use unlike_kernels::mean;

use super::Kind;
use crate::backend::{Tensor, tensor};
use crate::rng::{Purpose, normals, rng};
use crate::{method::*, nn::Activation::*, nn::*, settings::*};

/// Settings of SimpleNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simplenet {
    /// σ, the standard deviation of the noise, in units of the features.
    pub noise: Positive,
    /// m: how far D is to tell normals and noise from 0.
    pub margin: Positive,
    /// A's learning rate in units of D's.
    pub adaptor_rate: Positive,
    /// Steps by which the noise climbs to where D takes it for normal; 0 is the paper.
    pub ascent_steps: usize,
    /// The length of such a step.
    pub ascent: Positive,
    /// The score in use: `discriminator`.
    pub score: String,
    /// The widths of D's hidden layers.
    pub hidden: Widths<1>,
    /// First weights, optimisers, moving average.
    pub training: Training,
    /// Whether it measures an epoch, by the loss on held-out samples.
    #[serde(skip)]
    pub(super) measures: bool,
}

const SCORE: &str = "discriminator";
const HELD_OUT: &str = "held_out_loss";

/// The places of A and D among the networks.
const A: usize = 0;
const D: usize = 1;

const LEAKY: Activation = LeakyRelu(0.2);
const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

/// Samples of noise that measure an epoch, the same for every held-out sample, which no step draws.
const PROBES: u64 = 4;
const FIRST_PROBE: u64 = u64::MAX >> 9;

/// A sample that D takes for an anomaly goes back to the normals in so many steps of at most this.
const RETURN: (usize, f32) = (20, 0.1);

impl Simplenet {
    /// The authors' settings, for Wide-ResNet-50's 1,536 features of a place; their batches are the
    /// places of 8 images.
    pub fn paper() -> Self {
        Self {
            noise: Positive::of(0.015),
            margin: Positive::of(0.5),
            adaptor_rate: Positive::of(0.5),
            ascent_steps: 0,
            ascent: Positive::of(0.001),
            score: SCORE.into(),
            hidden: Widths::of([1024]),
            training: Training {
                init: Init::Xavier {},
                adam: AdamConfig {
                    beta1: Share::of(0.9),
                    ..AdamConfig::gan(2e-4)
                },
                ema: Share::of(0.0),
            },
            measures: false,
        }
    }

    /// A: x → q, as wide as x.
    fn adaptor(&self, x: &FeatureShape) -> Plan {
        Plan::chain(x, [("layers", vec![dense(x.size()).without_bias()])], "q")
    }

    /// D: q → high for normals.
    fn discriminator(&self, q: &FeatureShape) -> Plan {
        let layer = |&width: &usize| dense(width).norm().act(LEAKY); // [N, hidden]
        let hidden = self.hidden.iter().map(layer);
        let layers = hidden.chain([dense(1).without_bias()]).collect(); // [N, 1]
        Plan::chain(q, [("layers", layers)], "normal")
    }

    /// mean max(0, m − D(q)) + mean max(0, m + D(q⁻)) for ε = σ · `noise`; both halves pass D together, as
    /// one batch. Gradients reach A and D. Gives the sum, D(q) and D(q⁻).
    pub(super) fn loss(
        &self,
        nets: &Networks,
        [x, noise]: [Tensor<2>; 2],
    ) -> (Tensor<1>, [Tensor<2>; 2]) {
        let [a, d] = nets.all();
        let n = x.dims()[0];
        let q = a.apply(x, TRAIN); // [N, size]
        let fake = match self.ascent_steps {
            0 => q.clone() + noise * self.noise.get(), // [N, size]
            _ => self.climbed(d, q.clone(), noise),    // [N, size]
        };
        let both = d.apply(Tensor::cat(vec![q, fake], 0), TRAIN); // [2N, 1]
        let [real, fake] = [both.clone().narrow(0, 0, n), both.narrow(0, n, n)]; // [N, 1]
        let total = mean(self.short(real.clone().neg())) + mean(self.short(fake.clone()));
        (total, [real, fake])
    }

    /// max(0, m + v): what is left of the margin.
    fn short(&self, v: Tensor<2>) -> Tensor<2> {
        (v + self.margin.get()).clamp_min(0.0)
    }

    /// q⁻ moved to where D finds it more normal, step by step, but never nearer to q than the usual
    /// length of the noise, nor further than twice that: GLASS's ascent, truncated around q.
    fn climbed(&self, d: &Net, q: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
        let length = |v: Tensor<2>| v.square().sum_dim(1).sqrt() + 1e-10; // [N, 1]
        let base = q.clone().inner(); // [N, size]
        let shortest = self.noise.get() * (q.dims()[1] as f32).sqrt();
        let mut moved = base.clone() + noise.inner() * self.noise.get(); // [N, size]
        for _ in 0..self.ascent_steps {
            let at = moved.clone().autodiff().require_grad(); // [N, size]
            let mut grads = d.apply(at.clone(), FROZEN).sum().backward();
            let slope = at.grad_remove(&mut grads);
            let slope = slope.unwrap_or_else(|| unreachable!("D reads what moves")); // [N, size]
            moved = moved + slope.clone() / length(slope) * self.ascent.get();
        }
        let away = moved - base; // [N, size]
        let far = length(away.clone()); // [N, 1]
        let kept = far.clone().clamp(shortest, 2.0 * shortest) / far;
        q + away * kept
    }

    /// One update of A and D.
    pub(super) fn update(
        &self,
        nets: &mut Networks,
        [x, noise]: [Tensor<2>; 2],
        rate: f32,
    ) -> Result<Losses> {
        let (loss, [real, fake]) = self.loss(nets, [x, noise]);
        let rates = [(A, rate * self.adaptor_rate.get()), (D, rate)];
        nets.minimise_each(&loss, rates)?;
        let mut report = Losses::new(&[("hinge", &loss)]);
        report.push("real", &mean(real));
        report.push("noise", &mean(fake));
        Ok(report)
    }

    /// The loss of each held-out sample, against noise that no step drew: [N, size] → [N].
    fn held_out_loss(&self, nets: &Trained, x: Tensor<2>) -> Tensor<1> {
        let [a, d] = nets.all();
        let [n, size] = x.dims();
        let q = a.apply(x, Pass::Score); // [N, size]
        let mut sum = self.short(d.apply(q.clone(), Pass::Score).neg()); // [N, 1]
        for probe in 0..PROBES {
            let drawn = normals(&mut rng(0, Purpose::Noise, FIRST_PROBE + probe), size);
            let noise = tensor(drawn, [1, size], &q.device()) * self.noise.get(); // [1, size]
            let fake = d.apply(q.clone() + noise, Pass::Score); // [N, 1]
            sum = sum + self.short(fake) / PROBES as f32;
        }
        sum.reshape([n])
    }
}

impl Settings for Simplenet {
    const NAME: &'static str = "simplenet";
    const TITLE: &'static str = "SimpleNet";
    const SEES_ROWS_ONLY: bool = true;
    const SCALING: Scaling = Scaling::Standard; // departure 4

    /// Departures 4 to 6. Measurements: RESULTS.md.
    fn recommended(_: Kind) -> Self {
        let mut simplenet = Self::paper();
        simplenet.noise = Positive::of(0.5);
        simplenet.hidden = Widths::of([128]);
        simplenet.training.ema = Share::of(0.999);
        simplenet
    }
}

impl Method for Simplenet {
    fn common(&self) -> Common<'_> {
        Common::new(0, &self.score, self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        if let FeatureShape::Image(_) = x {
            return Err(Error::Setting {
                name: "features".into(),
                found: "pixels".into(),
                expected: "features of a network, which SimpleNet tells from noise".into(),
                hint: Some(Note::new("let a network look at them with ").set("features", "lite0")),
            });
        }
        let q = FeatureShape::row(x.size());
        Ok(vec![
            ("adaptor", self.adaptor(x)),
            ("discriminator", self.discriminator(&q)),
        ])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let [n, size] = step.x.dims();
        let drawn = normals(&mut rng(step.seed, Purpose::Noise, step.number), n * size);
        let noise = tensor(drawn, [n, size], &step.x.device()); // [N, size]
        let report = self.update(nets, [step.x, noise], step.rate)?;
        nets.average_warmed(step.number);
        Ok(report)
    }

    fn scores(&self) -> Vec<Score> {
        vec![Score::single(if self.measures { HELD_OUT } else { SCORE })]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let [a, d] = nets.all();
        parts.add(HELD_OUT, || self.held_out_loss(nets, x.clone())); // [N]
        parts.add(SCORE, || {
            let q = a.apply(x.clone(), Pass::Score); // [N, size]
            let normal: Tensor<2> = d.apply(q, Pass::Score); // [N, 1]
            normal.neg().reshape([x.dims()[0]])
        });
    }

    /// The nearest sample that D takes for normal, by descent from x.
    fn reconstruct(&self, nets: &Trained, x: Tensor<2>) -> Tensor<2> {
        let [a, d] = nets.all();
        let (steps, rate) = RETURN;
        let loss = |[x]: [Tensor<2>; 1], at: Tensor<2>| {
            let q = a.apply(at.clone(), Pass::Score); // [M, size]
            let normal = d.apply(q, Pass::Score); // [M, 1]
            let moved = (at - x).abs().mean_dim(1); // [M, 1]
            let loss = self.short(normal.neg()) + moved;
            let n = loss.dims()[0];
            loss.reshape([n])
        };
        Descent::new(steps, &[(0, rate)]).best(vec![x.clone()], [x], loss) // [N, size]
    }

    fn measuring(&self) -> (Self, usize) {
        let measures = Self {
            measures: true,
            ..self.clone()
        };
        (measures, usize::MAX)
    }
}
