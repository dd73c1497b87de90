//! f-AnoGAN: AnoGAN's question, answered by an encoder in one pass instead of a search.
//!
//! Schlegl, Seeböck, Waldstein, Langs, Schmidt-Erfurth, *f-AnoGAN: Fast unsupervised anomaly detection
//! with generative adversarial networks*, Medical Image Analysis 54 (2019). Authors' code:
//! tSchlegl/f-AnoGAN. Its first stage is WGAN-GP: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville,
//! *Improved Training of Wasserstein GANs*, NeurIPS 2017 (arXiv 1704.00028).
//!
//! ```text
//!     stage 1     z ──G──▶ G(z)        C(x) high, C(G(z)) low, slope of C near 1
//!     stage 2     x ──E──▶ E(x) ──G──▶ x̂         G and C stay as they are      (izi_f)
//! ```
//!
//! | paper                | here                                                                 |
//! |----------------------|----------------------------------------------------------------------|
//! | G, D, E              | [`Fanogan::generator`], [`Fanogan::critic`], [`Fanogan::encoder`]     |
//! | f(·)                 | C's output `f`: all of it but the last layer                         |
//! | WGAN-GP's loss, λ    | [`Fanogan::critic_loss`], [`Fanogan::penalty`] = 10                  |
//! | n_critic = 5         | [`Fanogan::critic_steps`]                                            |
//! | L_izi_f, κ           | [`Fanogan::encoder_loss`]: mean (x − x̂)² + κ·mean (f(x) − f(x̂))²; κ = 1 |
//! | A_R(x), A_D(x)       | the parts `residual` and `feature`: the same two means, of one sample |
//! | A(x)                 | the score `paper`: A_R + κ·A_D                                       |
//! | z-distance           | the part `latent`: mean (E(x) − E(x̂))²                               |
//! | pixel-wise anomaly   | [`Scorer::contributions`](unlike_core::Scorer): \|x − x̂\|            |
//!
//! Departures from the authors' code, each with its reason:
//! 1. Plain pyramids of convolutions in place of residual blocks, and no layer norm in C: its slope is
//!    then a product of weights and masks ([`Net::input_gradient`](crate::nn::Net)), whose gradients
//!    need first derivatives only. E has C's layers with batch norm in place of layer norm.
//! 2. Adam with β = (0, 0.9) trains E too, where theirs has RMSProp of decay 0.9: the same but for the
//!    correction of the average's start. Its learning rate is [`Fanogan::encoder_rate`] of the GAN's.
//! 3. One training does both stages, [`Fanogan::gan_share`] of its updates the first. No epoch of the
//!    first stage can become the model.
//! 4. Averaged weights of G and C, if there is an average, are what the second stage works with.
//! 5. E may also learn the paper's other scheme, ziz ([`Fanogan::ziz`]): the gradient of izi_f hardly
//!    leads from one kind of sample to another, and E then never finds some kinds that G makes.
//! 6. The recommended score is `combined`: each part in units of its own spread over held-out normals.
//! 7. E's tanh may reach further than ±1 ([`Fanogan::reach`], an option of theirs too): only two thirds
//!    of N(0, 1) lie within.
//! 8. Tables, which the paper has none of, get fully connected networks; recommended with columns of
//!    deviation 1 ([`Scaling::Bounded`]).

use rand::RngExt;
use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Result};
use unlike_kernels::{between, length_penalty, mean, mse, mse_rows};

use super::Kind;
use crate::backend::{Tensor, tensor};
use crate::rng::{Purpose, rng};
use crate::{method::*, nn::Activation::*, nn::*, settings::*};

/// Settings of f-AnoGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fanogan {
    /// Length of z.
    pub latent: Width,
    /// The share of all updates that trains G and C; the rest trains E.
    pub gan_share: Share,
    /// Updates of C for each of G.
    pub critic_steps: Count,
    /// λ: weight of the gradient penalty in C's loss.
    pub penalty: Weight,
    /// κ: weight of the features in E's loss and in the paper's score.
    pub kappa: Weight,
    /// Weight of the paper's other scheme, ziz, in E's loss: mean (z − E(G(z)))²; 0 is the paper.
    pub ziz: Weight,
    /// E's learning rate in units of the GAN's.
    pub encoder_rate: Positive,
    /// E(x) lies within ± this.
    pub reach: Positive,
    /// The score in use: `combined`, `paper`, `residual`, `feature` or `latent`.
    pub score: String,
    /// The layers of G, C and E.
    pub networks: FanoganNetworks,
    /// First weights, optimisers, moving average.
    pub training: Training,
}

/// The layers of G, C and E.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanoganNetworks {
    /// For images: channels of the level next to the image; they double with every halving of the
    /// side, at most thrice. Tables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Width>,
    /// Widths of G's dense layers after z.
    pub generator: Widths,
    /// Widths of C's dense layers, and of E's; the last of C's is the feature layer f. Without any, as
    /// in the paper, f is C's smallest maps.
    pub critic: Widths,
}

const RESIDUAL: &str = "residual";
const FEATURE: &str = "feature";
const LATENT: &str = "latent";

/// The places of G, C and E among the networks.
const G: usize = 0;
const C: usize = 1;
const E: usize = 2;

const LEAKY: Activation = LeakyRelu(0.2);
/// Every convolution halves or doubles a side.
const WINDOW: Window = Window::new(4, 2, 1);
const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

impl Fanogan {
    /// The authors' losses and optimiser, for images of 64 × 64; train it with batches of 64. Their
    /// first stage is 7 epochs, the second 50,000 updates.
    pub fn paper(kind: Kind) -> Self {
        let (width, generator, critic, init) = match kind {
            Kind::Images => (Some(64), vec![], vec![], Init::normal(0.02)),
            Kind::Table => (None, vec![64, 128], vec![128, 128], Init::Xavier {}),
        };
        Self {
            latent: Width::of(128),
            gan_share: Share::of(0.5),
            critic_steps: Count::of(5),
            penalty: Weight::of(10.0),
            kappa: Weight::of(1.0),
            ziz: Weight::of(0.0),
            encoder_rate: Positive::of(0.5),
            reach: Positive::of(1.0),
            score: "paper".into(),
            networks: FanoganNetworks {
                width: width.map(Width::of),
                generator: Widths::of(generator),
                critic: Widths::of(critic),
            },
            training: Training {
                init,
                adam: AdamConfig {
                    beta1: Share::of(0.0),
                    beta2: Share::of(0.9),
                    ..AdamConfig::gan(1e-4)
                },
                ema: Share::of(0.0),
            },
        }
    }

    /// G: z → x; a dense layer to the smallest maps and a pyramid upwards, for images.
    fn generator(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let z = FeatureShape::row(self.latent.get());
        let widths = &self.networks.generator[..];
        let Some(p) = pyramid else {
            let layer = |&width: &usize| dense(width).norm().act(Relu);
            let layers = widths.iter().map(layer).chain([dense(x.size())]).collect();
            return Plan::chain(&z, [("dense", layers)], "x");
        };
        let mut g = Plan::new();
        let z = g.input(&z);
        let smallest = p.smallest(p.channels(p.deepest() - 1));
        let layer = |&width: &usize| dense(width).norm().act(Relu);
        let layers: Vec<Layer> = widths.iter().chain([&smallest.size()]).map(layer).collect();
        let h = g.stack("dense", [z], layers); // [N, widths], …, [N, smallest maps]
        let h = g.reshape(h, smallest);
        let up = |level: usize| conv_up(p.channels(level - 1), WINDOW).norm().act(Relu);
        let last = conv_up(p.colours, WINDOW).act(Tanh); // [N, side, side, colours]
        let h = g.stack("up", [h], (1..p.deepest()).rev().map(up).chain([last])); // [N, double, …]
        g.output("x", h)
    }

    /// C: x → how real, and f; linear in pieces, for its slope.
    fn critic(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let mut c = Plan::new();
        let mut h = c.input(x);
        if let Some(p) = pyramid {
            let down = |level| conv(p.channels(level), WINDOW).act(LEAKY); // [N, half, half, double]
            h = c.stack("down", [h], (0..p.deepest()).map(down));
        }
        let f = c.stack("dense", [h], hidden(&self.networks.critic, LEAKY)); // [N, f]
        let real = c.layer("real", [f], dense(1)); // [N, 1]
        c.output("real", real).output("f", f)
    }

    /// E: x → z; C's layers with batch norm, and tanh.
    fn encoder(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let mut down = Vec::new();
        if let Some(p) = pyramid {
            down.push(conv(p.channels(0), WINDOW).act(LEAKY)); // [N, half, half, width]
            let further = |level| conv(p.channels(level), WINDOW).norm().act(LEAKY);
            down.extend((1..p.deepest()).map(further)); // [N, half, half, double]
        }
        let z = dense(self.latent.get()).act(Tanh); // [N, latent]
        let layers = [hidden(&self.networks.critic, LEAKY), vec![z]].concat();
        Plan::chain(x, [("down", down), ("dense", layers)], "z")
    }

    /// mean C(G(z)) − mean C(x) + λ·mean (‖∇C(x̃)‖ − 1)² with x̃ anywhere between x and G(z); gradients
    /// reach C only. Gives the sum, then mean C(x) − mean C(G(z)) and the last mean.
    pub(super) fn critic_loss(&self, nets: &Networks, step: &Step) -> [Tensor<1>; 3] {
        let [g, c, _] = nets.all();
        let (x, n) = (step.x.clone(), step.x.dims()[0]);
        let gz = g.apply(step.z.clone(), FROZEN); // [N, size]
        let distance = mean(c.apply(x.clone(), TRAIN)) - mean(c.apply(gz.clone(), TRAIN));
        let mut rng = rng(step.seed, Purpose::Interpolation, step.number);
        let share = (0..n).map(|_| rng.random::<f32>()).collect();
        let share: Tensor<2> = tensor(share, [n, 1], &x.device());
        let slope = c.input_gradient(between(gz, x, share)); // [N, size]
        let penalty = length_penalty(slope);
        let total = penalty.clone() * self.penalty.get() - distance.clone();
        [total, distance, penalty]
    }

    /// −mean C(G(z)); gradients reach G only.
    pub(super) fn generator_loss(nets: &Networks, z: Tensor<2>) -> Tensor<1> {
        let [g, c, _] = nets.all();
        let gz = g.apply(z, TRAIN); // [N, size]
        mean(c.apply(gz, FROZEN)).neg()
    }

    /// mean (x − x̂)² + κ·mean (f(x) − f(x̂))², and ziz if it counts, G and C as they score; gradients
    /// reach E only. Gives the sum and its terms, unweighted.
    pub(super) fn encoder_loss(&self, nets: &Networks, [x, z]: [Tensor<2>; 2]) -> [Tensor<1>; 4] {
        let [g, c, e] = nets.all();
        let ex = e.apply(x.clone(), TRAIN) * self.reach.get(); // [N, latent]
        let x_hat = g.apply(ex, Pass::Score); // [N, size]
        let [f, f_hat] = [x.clone(), x_hat.clone()].map(|x| c.tap("f", [x], Pass::Score)); // [N, f]
        let (residual, feature) = (mse(x_hat, x), mse(f_hat, f));
        let izi_f = residual.clone() + feature.clone() * self.kappa.get();
        if self.ziz.get() == 0.0 {
            return [izi_f, residual, feature.clone(), feature.zeros_like()];
        }
        let gz = g.apply(z.clone(), Pass::Score); // [N, size]
        // The same weights; the copy's running statistics, those of generated samples, are dropped.
        let ez = e.clone().apply(gz, TRAIN) * self.reach.get(); // [N, latent]
        let ziz = mse(ez, z);
        [izi_f + ziz.clone() * self.ziz.get(), residual, feature, ziz]
    }

    /// The updates of the first stage, out of so many.
    fn gan_steps(&self, of: u64) -> u64 {
        (of as f64 * f64::from(self.gan_share.get())) as u64
    }

    /// x [N, size] → E(x) [N, latent] and x̂ [N, size].
    fn rebuilt(&self, nets: &Trained, x: Tensor<2>) -> [Tensor<2>; 2] {
        let [g, _, e] = nets.all();
        let z = e.apply(x, Pass::Score) * self.reach.get(); // [N, latent]
        let x_hat = g.apply(z.clone(), Pass::Score); // [N, size]
        [z, x_hat]
    }
}

impl Settings for Fanogan {
    const NAME: &'static str = "fanogan";
    const TITLE: &'static str = "f-AnoGAN";
    const SCALING: Scaling = Scaling::Bounded;

    /// What works: narrower networks, a shorter z that E may reach two deviations of, moving averages,
    /// and the combined score. Measurements: RESULTS.md.
    fn recommended(kind: Kind) -> Self {
        let mut fanogan = Self::paper(kind);
        match kind {
            Kind::Table => {
                fanogan.latent = Width::of(32);
                fanogan.critic_steps = Count::of(1);
            }
            Kind::Images => {
                fanogan.latent = Width::of(64);
                fanogan.networks.width = Some(Width::of(32));
            }
        }
        fanogan.training.adam.learning_rate = Positive::of(5e-4);
        fanogan.training.ema = Share::of(0.999);
        fanogan.ziz = Weight::of(1.0);
        fanogan.encoder_rate = Positive::of(1.0);
        fanogan.reach = Positive::of(3.0);
        fanogan.score = "combined".into();
        fanogan
    }
}

impl Method for Fanogan {
    fn common(&self) -> Common<'_> {
        Common::new(self.latent.get(), &self.score, self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        let pyramid = Pyramid::of(x, self.networks.width, 4..=7)?;
        let pyramid = pyramid.as_ref();
        Ok(vec![
            ("generator", self.generator(x, pyramid)),
            ("critic", self.critic(x, pyramid)),
            ("encoder", self.encoder(x, pyramid)),
        ])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let first = self.gan_steps(step.of);
        if step.number >= first {
            if step.number == first {
                nets.adopt_average(&[G, C]); // departure 4
            }
            let [encoder, residual, feature, ziz] = self.encoder_loss(nets, [step.x, step.z]);
            nets.minimise(&encoder, [E], step.rate * self.encoder_rate.get())?;
            nets.average_warmed(step.number - first);
            let named = [
                ("encoder", &encoder),
                (RESIDUAL, &residual),
                (FEATURE, &feature),
            ];
            let mut report = Losses::new(&named);
            if self.ziz.get() > 0.0 {
                report.push("ziz", &ziz);
            }
            return Ok(report);
        }
        let [critic, distance, penalty] = self.critic_loss(nets, &step);
        nets.minimise(&critic, [C], step.rate)?;
        let named = [
            ("critic", &critic),
            ("distance", &distance),
            ("penalty", &penalty),
        ];
        let mut report = Losses::new(&named);
        if (step.number + 1).is_multiple_of(self.critic_steps.get() as u64) {
            let generator = Self::generator_loss(nets, step.z_other);
            nets.minimise(&generator, [G], step.rate)?;
            report.push("generator", &generator);
        }
        nets.average_warmed(step.number);
        Ok(report)
    }

    fn can_score(&self, steps: u64, of: u64) -> bool {
        steps > self.gan_steps(of)
    }

    fn scores(&self) -> Vec<Score> {
        let kappa = f64::from(self.kappa.get());
        vec![
            Score::combined(&[RESIDUAL, FEATURE]),
            Score::weighted("paper", &[(RESIDUAL, 1.0), (FEATURE, kappa)]),
            Score::single(RESIDUAL),
            Score::single(FEATURE),
            Score::single(LATENT),
        ]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let [_, c, e] = nets.all();
        let mean = Reduction::Mean.into();
        let [z, x_hat] = self.rebuilt(nets, x.clone()); // [N, latent], [N, size]
        parts.show(&x_hat);
        parts.add(RESIDUAL, || mse_rows(x.clone(), x_hat.clone(), mean)); // [N]
        parts.add(FEATURE, || {
            let [f, f_hat] = [x, x_hat.clone()].map(|x| c.tap("f", [x], Pass::Score)); // [N, f]
            mse_rows(f, f_hat, mean) // [N]
        });
        parts.add(LATENT, || {
            let z_hat = e.apply(x_hat, Pass::Score) * self.reach.get(); // [N, latent]
            mse_rows(z, z_hat, mean) // [N]
        });
    }

    fn encode(&self, nets: &Trained, x: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<3>()[E].apply(x, Pass::Score) * self.reach.get()) // [N, latent]
    }

    fn generate(&self, nets: &Trained, z: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<3>()[G].apply(z, Pass::Score)) // [N, size]
    }
}
