//! VAE: a small variational autoencoder, the yardstick that is no adversarial model.
//!
//! Kingma, Welling, *Auto-Encoding Variational Bayes*, ICLR 2014 (arXiv 1312.6114).
//!
//! ```text
//!     x ──E──▶ μ, log σ²      z = μ + σ·ε ──D──▶ x̂        ε ~ N(0, 1)
//! ```
//!
//! | paper                        | here                                                          |
//! |------------------------------|---------------------------------------------------------------|
//! | q_φ(z\|x) = N(μ, σ²)          | E, [`Vae::encoder`]                                           |
//! | p_θ(x\|z) = N(x̂, s²)          | D, [`Vae::decoder`]; s is [`Vae::spread`]                     |
//! | z = μ + σ ⊙ ε (section 2.4)  | [`Vae::bound`]                                                |
//! | D_KL (appendix B)            | [`divergence`]: ½ Σ (μ² + σ² − log σ² − 1)                    |
//! | −L, the negated bound (eq. 7) | [`Vae::bound`]: Σ (x − x̂)² / 2s² + D_KL, per element of x     |
//! | Gaussian MLP (appendix C.2)  | hidden layers of [`Vae::hidden`], tanh                        |
//!
//! Departures, each with its reason. In [`Vae::paper`] too:
//! 1. One ε a sample and update, as in the paper; no ε when it scores, so that a sample has one score.
//! 2. s is given, not learned: where it can be learned, it goes to 0 with the training error.
//! 3. Adam, which came in the same year, in place of Adagrad.
//!
//! Only in [`Vae::recommended`], or by a setting:
//! 4. ReLU, averaged weights.

use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Result};
use unlike_kernels::{mean, mse, mse_rows};

use super::Kind;
use crate::backend::Tensor;
use crate::{method::*, nn::Activation::*, nn::*, settings::*};

/// Settings of the VAE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vae {
    /// Length of z.
    pub latent: Width,
    /// s, the decoder's standard deviation, in units of the features.
    pub spread: Positive,
    /// Whether hidden layers are ReLU, not tanh.
    pub relu: bool,
    /// The score in use: `bound`, `reconstruction` or `divergence`.
    pub score: String,
    /// Widths of E's hidden layers; D's are the same, the other way round.
    pub hidden: Widths,
    /// First weights, optimisers, moving average.
    pub training: Training,
}

const BOUND: &str = "bound";
const RECONSTRUCTION: &str = "reconstruction";
const DIVERGENCE: &str = "divergence";

/// The places of E and D among the networks.
const E: usize = 0;
const D: usize = 1;

const TRAIN: Pass = Pass::Train { dropout: 0 };

/// log σ² is kept within ± this, so that its exponential is finite.
const LOG_VARIANCE: f32 = 10.0;

impl Vae {
    /// The paper's networks for MNIST: one hidden layer of 500, z of 20, batches of 100.
    pub fn paper(kind: Kind) -> Self {
        Self {
            latent: Width::of(match kind {
                Kind::Images => 20,
                Kind::Table => 8,
            }),
            spread: Positive::of(0.3),
            relu: false,
            score: BOUND.into(),
            hidden: match kind {
                Kind::Images => Widths::of([500]),
                Kind::Table => Widths::of([128]),
            },
            training: Training {
                init: Init::Xavier {},
                adam: AdamConfig {
                    beta1: Share::of(0.9),
                    ..AdamConfig::gan(1e-3)
                },
                ema: Share::of(0.0),
            },
        }
    }

    fn activation(&self) -> Activation {
        match self.relu {
            true => Relu,
            false => Tanh,
        }
    }

    /// E: x → μ and log σ².
    fn encoder(&self, x: &FeatureShape) -> Plan {
        let mut e = Plan::new();
        let h = e.input(x);
        let h = e.stack("dense", [h], hidden(&self.hidden, self.activation())); // [N, hidden]
        let mean = e.layer("mean", [h], dense(self.latent.get())); // [N, latent]
        let log_variance = e.layer("log_variance", [h], dense(self.latent.get())); // [N, latent]
        e.output("mean", mean).output("log_variance", log_variance)
    }

    /// D: z → x̂.
    fn decoder(&self, x: &FeatureShape) -> Plan {
        let widths: Vec<usize> = self.hidden.iter().rev().copied().collect();
        let last = match x {
            FeatureShape::Image(_) => dense(x.size()).act(Tanh),
            _ => dense(x.size()),
        };
        let layers = [hidden(&widths, self.activation()), vec![last]].concat(); // [N, size]
        Plan::chain(
            &FeatureShape::row(self.latent.get()),
            [("dense", layers)],
            "x",
        )
    }

    /// x [N, size] → μ and log σ² [N, latent].
    fn encoded(e: &Net, x: Tensor<2>, pass: Pass) -> [Tensor<2>; 2] {
        let [mean, log_variance] = e.forward([x], pass);
        [mean, log_variance.clamp(-LOG_VARIANCE, LOG_VARIANCE)]
    }

    /// Σ (x − x̂)² / 2s² + D_KL, divided by the length of x, the mean over samples. Gradients reach E and D.
    /// Gives the sum, mean (x − x̂)², and mean D_KL.
    pub(super) fn bound(&self, nets: &Networks, [x, noise]: [Tensor<2>; 2]) -> [Tensor<1>; 3] {
        let [e, d] = nets.all();
        let size = x.dims()[1] as f32;
        let [mu, log_variance] = Self::encoded(e, x.clone(), TRAIN); // [N, latent], twice
        let z = mu.clone() + (log_variance.clone() * 0.5).exp() * noise; // [N, latent]
        let x_hat = d.apply(z, TRAIN); // [N, size]
        let (reconstruction, divergence) = (mse(x_hat, x), mean(divergence(mu, log_variance)));
        let total = reconstruction.clone() * self.precision() + divergence.clone() / size;
        [total, reconstruction, divergence]
    }

    /// 1 / 2s²
    fn precision(&self) -> f32 {
        0.5 / self.spread.get().powi(2)
    }

    /// One update of E and D.
    pub(super) fn update(
        &self,
        nets: &mut Networks,
        inputs: [Tensor<2>; 2],
        rate: f32,
    ) -> Result<Losses> {
        let [bound, reconstruction, divergence] = self.bound(nets, inputs);
        nets.minimise(&bound, [E, D], rate)?;
        Ok(Losses::new(&[
            (BOUND, &bound),
            (RECONSTRUCTION, &reconstruction),
            (DIVERGENCE, &divergence),
        ]))
    }
}

/// ½ Σ (μ² + σ² − log σ² − 1), of each sample: [N, latent], twice → [N, 1].
fn divergence(mu: Tensor<2>, log_variance: Tensor<2>) -> Tensor<2> {
    let terms = mu.square() + log_variance.clone().exp() - log_variance - 1.0; // [N, latent]
    terms.sum_dim(1) * 0.5
}

impl Settings for Vae {
    const NAME: &'static str = "vae";
    const TITLE: &'static str = "VAE";

    /// Departure 4. Measurements: RESULTS.md.
    fn recommended(kind: Kind) -> Self {
        let mut vae = Self::paper(kind);
        vae.relu = true;
        vae.training.ema = Share::of(0.999);
        vae
    }
}

impl Method for Vae {
    fn common(&self) -> Common<'_> {
        Common::new(self.latent.get(), &self.score, self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        Ok(vec![
            ("encoder", self.encoder(x)),
            ("decoder", self.decoder(x)),
        ])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let report = self.update(nets, [step.x, step.z], step.rate)?;
        nets.average_warmed(step.number);
        Ok(report)
    }

    fn scores(&self) -> Vec<Score> {
        vec![
            Score::single(BOUND),
            Score::single(RECONSTRUCTION),
            Score::single(DIVERGENCE),
        ]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let [e, d] = nets.all();
        let [n, size] = x.dims();
        let [mu, log_variance] = Self::encoded(e, x.clone(), Pass::Score); // [N, latent], twice
        let x_hat = d.apply(mu.clone(), Pass::Score); // [N, size]
        parts.show(&x_hat);
        let rebuilt = mse_rows(x, x_hat, Reduction::Mean.into()); // [N]
        let apart: Tensor<1> = divergence(mu, log_variance).reshape([n]);
        parts.add(BOUND, || {
            rebuilt.clone() * self.precision() + apart.clone() / size as f32 // [N]
        });
        parts.add(RECONSTRUCTION, || rebuilt); // [N]
        parts.add(DIVERGENCE, || apart); // [N]
    }

    /// μ
    fn encode(&self, nets: &Trained, x: Tensor<2>) -> Option<Tensor<2>> {
        let [mu, _] = Self::encoded(nets.all::<2>()[E], x, Pass::Score);
        Some(mu) // [N, latent]
    }

    fn generate(&self, nets: &Trained, z: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<2>()[D].apply(z, Pass::Score)) // [N, size]
    }
}
