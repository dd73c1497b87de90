//! GANomaly: an encoder, a decoder and a second encoder, and a score that compares what the two
//! encoders say.
//!
//! Akcay, Atapour-Abarghouei, Breckon, *GANomaly: Semi-Supervised Anomaly Detection via
//! Adversarial Training*, ACCV 2018 (arXiv 1805.06725). Authors' code: samet-akcay/ganomaly.
//!
//! ```text
//!     x ──E──▶ z ──decoder──▶ x̂ ──E′──▶ ẑ          D(x) → 1, features f
//!     └───────────── G ───────────────┘            D(x̂) → 0
//! ```
//!
//! | paper          | here                                                                     |
//! |----------------|--------------------------------------------------------------------------|
//! | G_E, G_D, E    | the networks `encoder`, `decoder` and `second_encoder`; together G        |
//! | D, f           | `discriminator`, and its output `f`: all of it but the last layer         |
//! | L_adv, w_adv   | `adversarial`: mean (f(x̂) − f(x))²; weight 1; [`AdversarialLoss`]        |
//! | L_con, w_con   | `reconstruction`: mean \|x̂ − x\|; weight 50                              |
//! | L_enc, w_enc   | `latent`: mean (ẑ − z)²; weight 1                                        |
//! | D's loss       | `discriminator`: half of −log D(x) − log(1 − D(x̂))                       |
//! | A(x)           | the part and the score `latent`: mean (z − ẑ)²                           |
//!
//! The paper prints L1 for A(x), and its authors' code has the mean of squares, which gave the
//! published numbers: [`LatentNorm`]. Di Mattia et al., *A Survey on GANs for Anomaly Detection* (arXiv
//! 1906.11632, section 3), also train with cross-entropy as L_adv. Where the two differ in the learning
//! rate (2e-3, 2e-4), [`Ganomaly::paper`] follows the code too.
//!
//! Two further parts, `reconstruction`, mean |x − x̂|, and `feature`, mean (f(x) − f(x̂))², may contradict
//! `latent`: a digit 1 among other digits is rebuilt well and still unusual. All three are reported.
//!
//! Departures from the authors' code, each with its reason:
//! 1. Scoring uses batch norm's running statistics. Theirs uses those of the test batch, so that a
//!    score depends on its neighbours, and gives the label away where batches are nearly pure.
//! 2. The score is not scaled to the range of the test set: a sample can be scored alone.
//! 3. Images are in [−1, 1], the decoder's range. Theirs reach 2.8, which tanh cannot rebuild.
//! 4. D runs once on x and once on x̂ for both losses (on tables on x̂ for each); theirs twice on each.
//!    Gradients are the same; D's running statistics move once per batch.
//! 5. D drawn anew starts with a fresh optimiser, running statistics and average; theirs keeps moments
//!    that belong to weights that are gone.
//! 6. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//! 7. Tables, which the paper has none of, get fully connected networks without batch norm, and a
//!    decoder without tanh, because new rows may leave the range of training.
//! 8. Images start from 16 channels, not 64: as good on MNIST at a sixteenth of the work.
//! 9. Spectral normalisation of D is an option ([`Ganomaly::spectral_norm`]).

use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Result};
use unlike_kernels::{bce_with_logits, l1, l1_rows, mse, mse_rows};

use super::Kind;
use crate::rng::{Purpose, rng};
use crate::{backend::Tensor, method::*, nn::Activation::*, nn::*, settings::*};

/// Settings of GANomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ganomaly {
    /// Length of z. For tables at most a quarter of the features, or half of fewer than 8, so that z
    /// is a bottleneck there too (ADBench's rule).
    pub latent: Width,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018): to be tried where `d_real` stays near 1 and `d_fake` near 0.
    pub spectral_norm: bool,
    /// What G minimises to deceive D.
    pub adversarial_loss: AdversarialLoss,
    /// w_adv: weight of that loss in G's.
    pub adversarial_weight: Weight,
    /// w_con: weight of mean |x̂ − x| in G's loss.
    pub reconstruction_weight: Weight,
    /// w_enc: weight of mean (ẑ − z)² in G's loss.
    pub latent_weight: Weight,
    /// D is drawn anew after a step in which its loss was below this: it has won, and G learns nothing
    /// more from it. The loss `d_reinitialised` is the share of such steps. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reinitialise_below: Option<Positive>,
    /// How the part `latent` compares z and ẑ.
    pub latent_norm: LatentNorm,
    /// The score in use: `latent`, `combined`, `reconstruction` or `feature`.
    pub score: String,
    /// The layers of all networks.
    pub networks: GanomalyNetworks,
    /// First weights, optimisers, moving average.
    pub training: Training,
}

/// The layers of E, decoder, E′ and D.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanomalyNetworks {
    /// For images, the paper's convolutions: channels after the first layer. Each layer halves the side
    /// and doubles the channels, down to 4 × 4 pixels. Tables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Width>,
    /// Further 3 × 3 convolutions at half the image's side; 0 in the paper.
    pub extra_layers: Depth,
    /// For tables: widths of E's and E′'s hidden layers; the decoder has them in reverse.
    pub encoder: Widths,
    /// For tables: widths of D's hidden layers; the last one is the feature layer f.
    pub discriminator: Widths,
}

/// What G minimises to deceive D (the survey's training variants, its table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdversarialLoss {
    /// mean (f(x̂) − f(x))²: the paper and its authors' code.
    FeatureMatching,
    /// Cross-entropy of D(x̂) against "real".
    CrossEntropy,
}

/// How the part `latent` compares z and ẑ; both are means over z's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentNorm {
    /// mean (z − ẑ)²: the authors' code.
    Squared,
    /// mean |z − ẑ|: the paper's text, which has the sum; the order of the samples is the same.
    Absolute,
}

/// The first part, whose mean over held-out normals chooses the epoch: it alone is in units of the
/// input. The scale of z and f is the networks' own and moves from epoch to epoch.
const RECONSTRUCTION: &str = "reconstruction";
const LATENT: &str = "latent";
const FEATURE: &str = "feature";

/// The places of E, decoder, E′ and D among the networks; the first three are G.
const G: [usize; 3] = [0, 1, 2];
const D: usize = 3;

/// The leaky ReLU of both encoders and of D, the spread of batch norm's first γ (authors' code).
const LEAKY: Activation = LeakyRelu(0.2);
const GAMMA: f32 = 0.02;
/// Halves the side of an image, or doubles it; keeps it; from 4 × 4 to a single pixel, or back.
const HALVE: Window = Window::new(4, 2, 1);
const KEEP: Window = Window::new(3, 1, 1);
const WHOLE: Window = Window::new(4, 1, 0);

const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

impl Ganomaly {
    /// The authors' setting (their `options.py`), for images of 32 × 32; train it with batches of 64
    /// for 15 epochs.
    pub fn paper(kind: Kind) -> Self {
        let (latent, init, width, encoder, discriminator) = match kind {
            Kind::Images => (100, Init::normal(0.02), Some(64), vec![], vec![]),
            Kind::Table => (16, Init::Xavier {}, None, vec![64, 32], vec![64, 32]),
        };
        Self {
            latent: Width::of(latent),
            spectral_norm: false,
            adversarial_loss: AdversarialLoss::FeatureMatching,
            adversarial_weight: Weight::of(1.0),
            reconstruction_weight: Weight::of(50.0),
            latent_weight: Weight::of(1.0),
            reinitialise_below: Some(Positive::of(1e-5)),
            latent_norm: LatentNorm::Squared,
            score: LATENT.into(),
            networks: GanomalyNetworks {
                width: width.map(Width::of),
                extra_layers: Depth::of(0),
                encoder: Widths::of(encoder),
                discriminator: Widths::of(discriminator),
            },
            training: Training {
                init,
                adam: AdamConfig::gan(2e-4),
                ema: Share::of(0.0),
            },
        }
    }

    /// E and E′: x → z.
    fn encoder(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let layers = match pyramid {
            None => {
                let z = self.bottleneck(x);
                [hidden(&self.networks.encoder, LEAKY), vec![dense(z)]].concat()
            }
            Some(p) => {
                let z = conv(self.latent.get(), WHOLE).without_bias(); // [N, 1, 1, latent]
                [self.halving(p, false), vec![z]].concat()
            }
        };
        Plan::chain(x, [("", layers)], "z")
    }

    /// The decoder: z → x̂.
    fn decoder(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let Some(p) = pyramid else {
            let z = FeatureShape::row(self.bottleneck(x));
            let widths: Vec<usize> = self.networks.encoder.iter().rev().copied().collect();
            let layers = [hidden(&widths, Relu), vec![dense(x.size())]].concat();
            return Plan::chain(&z, [("", layers)], "x");
        };
        let normed = |layer: Layer| layer.norm_drawn(GAMMA).act(Relu);
        let deepest = p.deepest() - 1;
        let mut layers = vec![normed(conv_up(p.width << deepest, WHOLE))]; // [N, 4, 4, deepest]
        let up = |level: usize| normed(conv_up(p.width << level, HALVE));
        layers.extend((0..deepest).rev().map(up)); // [N, double, double, half]
        let extra = |_| normed(conv(p.width, KEEP)); // [N, side / 2, side / 2, width]
        layers.extend((0..self.networks.extra_layers.get()).map(extra));
        layers.push(conv_up(p.colours, HALVE).without_bias().act(Tanh)); // [N, side, side, colours]
        let z = FeatureShape::image(1, 1, self.latent.get());
        Plan::chain(&z, [("", layers)], "x")
    }

    /// D: x → f and the logit.
    fn discriminator(&self, x: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let spectral = self.spectral_norm;
        let (layers, logit) = match pyramid {
            None => (hidden(&self.networks.discriminator, LEAKY), dense(1)),
            Some(p) => (self.halving(p, spectral), conv(1, WHOLE).without_bias()),
        };
        let judging = layers.into_iter().chain([logit]);
        let mut d = Plan::new();
        let x = d.input(x);
        let values = d.stack_values("", [x], judging.map(|layer| layer.spectral(spectral)));
        let [.., f, logit] = values[..] else {
            // A D of one layer reads its verdict from x itself.
            return d.output("logit", values[0]).output("f", x);
        };
        d.output("logit", logit).output("f", f)
    }

    /// The layers of an encoder, or of D, from x to 4 × 4 pixels. The authors' convolutions have no
    /// biases; `spectral` norm takes the place of batch norm, which had β.
    fn halving(&self, p: &Pyramid, spectral: bool) -> Vec<Layer> {
        let normed = |layer: Layer| match spectral {
            true => layer.act(LEAKY),
            false => layer.norm_drawn(GAMMA).act(LEAKY),
        };
        let first = conv(p.width, HALVE).without_bias().act(LEAKY); // [N, side / 2, side / 2, width]
        let extra = (0..self.networks.extra_layers.get()).map(|_| normed(conv(p.width, KEEP)));
        let down = |level: usize| normed(conv(p.width << level, HALVE)); // [N, half, half, double]
        let downs = (1..p.deepest()).map(down);
        [first].into_iter().chain(extra).chain(downs).collect()
    }

    /// The length of z for rows.
    fn bottleneck(&self, x: &FeatureShape) -> usize {
        let most = x.size() / if x.size() < 8 { 2 } else { 4 };
        self.latent.get().min(most.max(1))
    }

    /// w_adv·L_adv + w_con·mean |x̂ − x| + w_enc·mean (ẑ − z)²; gradients reach G only. The last term
    /// pulls at E and at E′: neither z nor ẑ is detached. Gives the sum, then L_adv, L_con, L_enc; and
    /// D's logits for x and x̂, whose gradients reach D.
    pub(super) fn generator_loss(
        &self,
        nets: &Networks,
        x: Tensor<2>,
    ) -> ([Tensor<1>; 4], [Tensor<2>; 2]) {
        let [e, decoder, e2, d] = nets.all();
        let z = e.apply(x.clone(), TRAIN); // [N, latent]
        let x_hat = decoder.apply(z.clone(), TRAIN); // [N, features]
        let z_hat = e2.apply(x_hat.clone(), TRAIN); // [N, latent]

        // D runs once on x and once on x̂, for this loss and for its own.
        let [real, f] = d.forward([x.clone()], TRAIN); // [N, 1], [N, F]
        let [f_hat, f_fake] = d.tap_twice("f", x_hat.clone()); // [N, F]
        let fake = d.after("f", f_fake, TRAIN); // [N, 1]
        let adversarial = match self.adversarial_loss {
            AdversarialLoss::FeatureMatching => mse(f_hat, f.detach()),
            AdversarialLoss::CrossEntropy => bce_with_logits(d.after("f", f_hat, FROZEN), 1.0),
        };
        let (reconstruction, latent) = (l1(x_hat, x), mse(z_hat, z));
        let total = adversarial.clone() * self.adversarial_weight.get()
            + reconstruction.clone() * self.reconstruction_weight.get()
            + latent.clone() * self.latent_weight.get();
        ([total, adversarial, reconstruction, latent], [real, fake])
    }

    /// (−log D(x) − log(1 − D(x̂))) / 2; gradients reach D only.
    pub(super) fn discriminator_loss([real, fake]: [Tensor<2>; 2]) -> Tensor<1> {
        (bce_with_logits(real, 1.0) + bce_with_logits(fake, 0.0)) * 0.5
    }
}

impl Settings for Ganomaly {
    const NAME: &'static str = "ganomaly";
    const TITLE: &'static str = "GANomaly";

    /// What works: for images the paper's networks with a quarter of their channels and the paper's
    /// score, for tables all three parts together.
    fn recommended(kind: Kind) -> Self {
        let mut ganomaly = Self::paper(kind);
        match kind {
            Kind::Images => ganomaly.networks.width = Some(Width::of(16)),
            Kind::Table => ganomaly.score = "combined".into(),
        }
        ganomaly
    }
}

impl Method for Ganomaly {
    fn common(&self) -> Common<'_> {
        Common::new(0, &self.score, self.training) // no noise is drawn: z comes from x
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        let p = Pyramid::of(x, self.networks.width, 4..=4)?;
        Ok(vec![
            ("encoder", self.encoder(x, p.as_ref())),
            ("decoder", self.decoder(x, p.as_ref())),
            ("second_encoder", self.encoder(x, p.as_ref())),
            ("discriminator", self.discriminator(x, p.as_ref())),
        ])
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        // Both losses are read from D as it is before either update, as in the authors' loop.
        let ([g, adversarial, reconstruction, latent], [real, fake]) =
            self.generator_loss(nets, step.x);
        nets.minimise(&g, G, step.rate)?;
        let d = Self::discriminator_loss([real.clone(), fake.clone()]);
        nets.minimise(&d, [D], step.rate)?;
        nets.average_warmed(step.number);

        let mut report = Losses::new(&[
            ("discriminator", &d),
            ("generator", &g),
            (RECONSTRUCTION, &reconstruction),
            (LATENT, &latent),
            ("adversarial", &adversarial),
        ]);
        report.push_probability("d_real", real);
        report.push_probability("d_fake", fake);
        if let Some(limit) = self.reinitialise_below {
            let won = report.0[0].1 < f64::from(limit.get());
            if won {
                // Index 0 is that of the first weights.
                let rng = &mut rng(step.seed, Purpose::Initialisation, step.number + 1);
                nets.redraw(D, rng)?;
            }
            report.0.push(("d_reinitialised", f64::from(u8::from(won))));
        }
        Ok(report)
    }

    fn scores(&self) -> Vec<Score> {
        vec![
            Score::single(LATENT),
            Score::combined(&[RECONSTRUCTION, LATENT, FEATURE]),
            Score::single(RECONSTRUCTION),
            Score::single(FEATURE),
        ]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let [e, decoder, e2, d] = nets.all();
        let mean = Reduction::Mean.into();
        let z = e.apply(x.clone(), Pass::Score); // [N, latent]
        let x_hat = decoder.apply(z.clone(), Pass::Score); // [N, features]
        parts.show(&x_hat);
        parts.add(RECONSTRUCTION, || l1_rows(x.clone(), x_hat.clone(), mean)); // [N]
        parts.add(LATENT, || {
            let z_hat = e2.apply(x_hat.clone(), Pass::Score); // [N, latent]
            match self.latent_norm {
                LatentNorm::Squared => mse_rows(z, z_hat, mean), // [N]
                LatentNorm::Absolute => l1_rows(z, z_hat, mean), // [N]
            }
        });
        parts.add(FEATURE, || {
            let [f, f_hat] = [x, x_hat].map(|x| d.tap("f", [x], Pass::Score)); // [N, F]
            mse_rows(f, f_hat, mean) // [N]
        });
    }

    fn encode(&self, nets: &Trained, x: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<4>()[0].apply(x, Pass::Score)) // [N, latent]
    }

    /// x̂; G's decoder is no generator of noise.
    fn reconstruct(&self, nets: &Trained, x: Tensor<2>) -> Tensor<2> {
        let [e, decoder, _, _] = nets.all();
        decoder.apply(e.apply(x, Pass::Score), Pass::Score) // [N, latent] → [N, features]
    }
}
