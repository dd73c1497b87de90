//! EGBAD: an encoder learned together with the generator, and a score that uses both.
//!
//! Zenati, Foo, Lecouat, Manek, Chandrasekhar, *Efficient GAN-Based Anomaly Detection*, ICLR 2018
//! workshop (arXiv 1802.06222). Authors' code: houssamzenati/Efficient-GAN-Anomaly-Detection,
//! folder `bigan/`. The losses and the step are BiGAN's (Donahue et al. 2017) and stand here; [`super::bigan`]
//! is this method without D's score. The residual term is that of Di Mattia et al., *A Survey on GANs
//! for Anomaly Detection* (arXiv 1906.11632), section 3.
//!
//! ```text
//!     x ──E──▶ E(x)          D(x, E(x)) → 1, features f
//!     z ──G──▶ G(z)          D(G(z), z) → 0
//! ```
//!
//! | paper          | here                                                                  |
//! |----------------|-----------------------------------------------------------------------|
//! | E, G, D        | [`Egbad::encoder`], [`Egbad::generator`], [`Egbad::discriminator`]    |
//! | f_D            | D's output `f`: the last hidden layer of its joint branch             |
//! | V(D, E, G)     | [`Egbad::discriminator_loss`], [`Egbad::generator_encoder_loss`]      |
//! | L_G            | the part `residual`: \|x − G(E(x))\|                                  |
//! | L_D, matching  | the part `feature`: \|f(x, E(x)) − f(G(E(x)), E(x))\|                 |
//! | L_D, σ         | the part `cross_entropy`: that of D(G(E(x)), E(x)) against real       |
//! | A(x)           | the score `paper`: α·L_G + (1 − α)·L_D, α = 0.9                       |
//!
//! Where paper and code differ, the code's `bigan/` is followed: losses of G and E that do not saturate, a
//! logit of D, E's first convolution activated, and a moving average of E, G and D once a step.
//!
//! Departures, each with its reason (measurements: RESULTS.md, ADR 8 and 10). In [`Egbad::paper`] too:
//! 1. Windows of images are padded alike on all sides; layers before batch norm have no bias (it would
//!    cancel); its ε and momentum are PyTorch's; sides other than 28 have deeper pyramids.
//! 2. Running statistics are averaged like the weights that they belong to; for images the decay rises
//!    to `training.ema` over the first steps, or their start would count for thousands.
//!
//! Only in [`Egbad::recommended`], or by a setting:
//! 3. Norms in the score are means, so that α means the same for any width; [`Reduction::Sum`] is the paper.
//! 4. Tables have columns of deviation 1 ([`Scaling::Bounded`]) and the score `combined`, each part in units of
//!    its own spread over held-out normals; images seen as pixels [`relative`](crate::TrainConfig::relative).
//! 5. The survey's residual term, always a mean: without it nothing makes E invert G soon enough.
//! 6. Where that term trains E alone, G rebuilds with running statistics, as it scores: by those of
//!    E(x)'s own batch it would undo any wrong scale of E(x). Where it trains both, the running statistics
//!    are those of E(x) and not of z. D's move while D trains, with real and fake.
//! 7. Spectral normalisation in D for tables ([`Egbad::spectral_norm`]), as in ALAD: without it D
//!    wins, and E and G never settle. For images, narrower networks.

use serde::{Deserialize, Serialize};
use unlike_core::{FeatureShape, Result};
use unlike_kernels::{bce_with_logits, bce_with_logits_rows, l1, l1_rows, mse};

use super::Kind;
use crate::{backend::Tensor, method::*, nn::Activation::*, nn::*, settings::*};

/// Settings of EGBAD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egbad {
    /// Length of z.
    pub latent: Width,
    /// Dropout in D while training.
    pub dropout: Share,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018): for trainings in which `d_real` stays near 1 and `d_fake` near 0.
    pub spectral_norm: bool,
    /// What G minimises.
    pub generator_loss: GeneratorLoss,
    /// Weight of the survey's term mean |x − G(E(x))| in E's loss; 0 is the paper, 1 the survey.
    pub residual_weight: Weight,
    /// Whose weights that term trains.
    pub residual_trains: ResidualTrains,
    /// How norms are taken in the score.
    pub reduction: Reduction,
    /// The score in use: `combined`, `paper`, `paper-cross-entropy`, `residual` or `feature`.
    pub score: String,
    /// Shapes of E, G and D.
    pub networks: EgbadNetworks,
    /// First weights, optimisers, moving average.
    pub training: Training,
}

/// Widths of E's, G's and D's hidden layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgbadNetworks {
    /// For images: channels of E's first convolution; they double with every halving of the side, at
    /// most thrice. Tables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Width>,
    /// E's dense layers before z.
    pub encoder: Widths,
    /// G's dense layers after z.
    pub generator: Widths,
    /// Dense layers of D's branch for x.
    pub discriminator_x: Widths,
    /// Those of its branch for z.
    pub discriminator_z: Widths,
    /// Those after the branches meet; the last is the feature layer f.
    pub discriminator_joint: Widths<1>,
}

/// What G minimises (the survey's training variants, its table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorLoss {
    /// Cross-entropy of D(G(z), z) against "real": the paper.
    CrossEntropy,
    /// Mean squared difference of the batch means of f(x, E(x)) and f(G(z), z) (Salimans et al. 2016). The
    /// survey gives no formula; G(z) has no x of its own to be compared with, so means are.
    FeatureMatching,
}

/// Whose weights the survey's residual term trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResidualTrains {
    /// E's: the survey, which adds the term to E's loss.
    Encoder,
    /// E's and G's: G also learns to rebuild what E gives it.
    EncoderAndGenerator,
}

const RESIDUAL: &str = "residual";
const FEATURE: &str = "feature";
const CROSS_ENTROPY: &str = "cross_entropy";

/// The places of E, G and D among the networks.
const E: usize = 0;
const G: usize = 1;
const D: usize = 2;

/// The leaky ReLU of E and D (authors' code).
const LEAKY: Activation = LeakyRelu(0.1);
/// Kernel, stride and padding: E's keep or halve the side of maps, G's double it and D's halve it.
const KEEP: Window = Window::new(3, 1, 1);
const HALVE: Window = Window::new(3, 2, 1);
const RESIZE: Window = Window::new(4, 2, 1);

impl Egbad {
    /// The authors' settings: of KDD Cup 99 (`bigan/kdd_utilities.py`; train it with batches of 50) for
    /// tables, of MNIST at 28 px (`bigan/mnist_utilities.py`; batches of 100) for images.
    pub fn paper(kind: Kind) -> Self {
        let (latent, dropout, networks, init, ema) = match kind {
            Kind::Table => {
                // E | G | D's x | D's z; D's joint
                let widths = EgbadNetworks::of(None, [&[64], &[64, 128], &[128], &[128]], [128]);
                (32, 0.2, widths, Init::Xavier {}, 0.9999)
            }
            Kind::Images => {
                let widths = EgbadNetworks::of(Some(32), [&[], &[1024], &[], &[512]], [1024]);
                (200, 0.5, widths, Init::normal(0.02), 0.999)
            }
        };
        Self {
            latent: Width::of(latent),
            dropout: Share::of(dropout),
            spectral_norm: false,
            generator_loss: GeneratorLoss::CrossEntropy,
            residual_weight: Weight::of(0.0),
            residual_trains: ResidualTrains::Encoder,
            reduction: Reduction::Sum,
            score: "paper".into(),
            networks,
            training: Training {
                init,
                adam: AdamConfig::gan(1e-5), // β 0.5, 0.999
                ema: Share::of(ema),
            },
        }
    }

    /// E: x → z. Convolutions first, for images.
    fn encoder(&self, x: &FeatureShape, z: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let mut maps = Vec::new();
        if let Some(p) = pyramid {
            maps.push(conv(p.channels(0), KEEP).act(LEAKY)); // [N, side, side, width]
            let half = |level| conv(p.channels(level), HALVE).norm().act(LEAKY);
            maps.extend((1..=p.deepest()).map(half)); // [N, half, half, twice]
        }
        let layers = [hidden(&self.networks.encoder, LEAKY), vec![dense(z.size())]].concat();
        Plan::chain(x, [("maps", maps), ("layers", layers)], "z")
    }

    /// G: z → x. Transposed convolutions last, for images.
    fn generator(&self, x: &FeatureShape, z: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let widths = &self.networks.generator[..];
        let Some(p) = pyramid else {
            let layers = [hidden(widths, Relu), vec![dense(x.size())]].concat();
            return Plan::chain(z, [("layers", layers)], "x");
        };
        let mut g = Plan::new();
        let z = g.input(z);
        let smallest = p.smallest(p.channels(p.deepest()));
        let layers = [widths, &[smallest.size()]].concat();
        let layer = |&width: &usize| dense(width).norm().act(Relu);
        let h = g.stack("layers", [z], layers.iter().map(layer)); // [N, widths], …, [N, smallest]
        let h = g.reshape(h, smallest);
        let up = |level| conv_up(p.channels(level), RESIZE).norm().act(Relu); // [N, double, double, half]
        let last = conv_up(p.colours, RESIZE).act(Tanh); // [N, side, side, colours]
        let h = g.stack("maps", [h], (1..p.deepest()).rev().map(up).chain([last]));
        g.output("x", h)
    }

    /// D: (x, z) → logit and f.
    fn discriminator(&self, x: &FeatureShape, z: &FeatureShape, pyramid: Option<&Pyramid>) -> Plan {
        let (spectral, dropout) = (self.spectral_norm, self.dropout.get());
        let layer = |layer: Layer| layer.spectral(spectral).act(LEAKY).dropout(dropout);
        let wide = |&width: &usize| layer(dense(width));
        let mut d = Plan::new();
        let (mut x, z) = (d.input(x), d.input(z));
        if let Some(p) = pyramid {
            // 2, 2, 4, 8, 8 … times `width`, [N, half, half, …]: D stays a level behind E.
            let down = |level: usize| match (level, conv(p.channels((level - 1).max(1)), RESIZE)) {
                (1, conv) => layer(conv),
                (_, conv) => layer(conv.spectral_or_norm(spectral)),
            };
            x = d.stack("maps", [x], (1..=p.deepest()).map(down));
        }
        let x = d.stack("x", [x], self.networks.discriminator_x.iter().map(wide)); // [N, last of these]
        let z = d.stack("z", [z], self.networks.discriminator_z.iter().map(wide)); // [N, last of these]
        let joint = self.networks.discriminator_joint.iter().map(wide);
        let f = d.stack("joint", [x, z], joint); // of both side by side: [N, f]
        let logit = d.layer("logit", [f], dense(1).spectral(spectral)); // [N, 1]
        d.output("logit", logit).output("f", f)
    }

    /// −log D(x, E(x)) − log(1 − D(G(z), z)); gradients reach D only. And the logits.
    pub(super) fn discriminator_loss(
        nets: &Networks,
        [x, z]: [Tensor<2>; 2],
        seeds: [u64; 2],
    ) -> (Tensor<1>, [Tensor<2>; 2]) {
        let [e, g, d] = nets.all();
        let [on_real, on_fake] = seeds.map(|dropout| Pass::Train { dropout });
        let still = Pass::Frozen { dropout: 0 };
        let ex = e.apply(x.clone(), still); // [N, latent]
        let gz = g.apply(z.clone(), still); // [N, size]
        let real = d.tap("logit", [x, ex], on_real); // [N, 1]
        let fake = d.tap("logit", [gz, z], on_fake); // [N, 1]
        let total = bce_with_logits(real.clone(), 1.0) + bce_with_logits(fake.clone(), 0.0);
        (total, [real, fake])
    }

    /// G: −log D(G(z), z), or feature matching. E: −log(1 − D(x, E(x))) and the survey's residual.
    /// Gradients reach G and E only. And the residual, if it counts.
    pub(super) fn generator_encoder_loss(
        &self,
        nets: &Networks,
        [x, z]: [Tensor<2>; 2],
        seeds: [u64; 2],
    ) -> ([Tensor<1>; 2], Option<Tensor<1>>) {
        let [e, g, d] = nets.all();
        let own = Pass::Train { dropout: 0 };
        let [on_real, on_fake] = seeds.map(|dropout| Pass::Frozen { dropout });
        let weight = self.residual_weight.get();
        let both = self.residual_trains == ResidualTrains::EncoderAndGenerator;
        let gz = match weight > 0.0 && both {
            // The same weights; the copy's running statistics are dropped (departure 6).
            true => g.clone().apply(z.clone(), own), // [N, size]
            false => g.apply(z.clone(), own),        // [N, size]
        };
        let ex = e.apply(x.clone(), own); // [N, latent]
        let [fake, f_fake] = d.forward([gz, z], on_fake); // [N, 1], [N, f]
        let [real, f_real] = d.forward([x.clone(), ex.clone()], on_real); // [N, 1], [N, f]
        let generator = match self.generator_loss {
            GeneratorLoss::CrossEntropy => bce_with_logits(fake, 1.0),
            GeneratorLoss::FeatureMatching => {
                mse(f_fake.mean_dim(0), f_real.detach().mean_dim(0)) // of [1, f]
            }
        };
        let adversarial = bce_with_logits(real, 0.0);
        let rebuilding = if both { own } else { Pass::Score };
        let residual = (weight > 0.0).then(|| l1(g.apply(ex, rebuilding), x));
        let encoder = match &residual {
            Some(residual) => adversarial + residual.clone() * weight,
            None => adversarial,
        };
        ([generator, encoder], residual)
    }
}

impl EgbadNetworks {
    fn of(width: Option<usize>, [e, g, x, z]: [&[usize]; 4], joint: [usize; 1]) -> Self {
        Self {
            width: width.map(Width::of),
            encoder: Widths::of(e),
            generator: Widths::of(g),
            discriminator_x: Widths::of(x),
            discriminator_z: Widths::of(z),
            discriminator_joint: Widths::of(joint),
        }
    }
}

impl Settings for Egbad {
    const NAME: &'static str = "egbad";
    const TITLE: &'static str = "EGBAD";
    const SCALING: Scaling = Scaling::Bounded;

    /// Departures 3 to 7, and a learning rate that gets there in minutes. With images the residual trains
    /// E alone: G goes on generating normals only, and E finds the nearest. Measurements: RESULTS.md, ADR 10.
    fn recommended(kind: Kind) -> Self {
        let mut egbad = Self::paper(kind);
        egbad.training.adam.learning_rate = Positive::of(2e-4);
        egbad.training.ema = Share::of(0.999);
        egbad.reduction = Reduction::Mean;
        match kind {
            Kind::Table => {
                egbad.spectral_norm = true;
                egbad.residual_weight = Weight::of(5.0);
                egbad.residual_trains = ResidualTrains::EncoderAndGenerator;
                egbad.score = "combined".into();
            }
            Kind::Images => {
                egbad.networks = EgbadNetworks::of(Some(24), [&[], &[512], &[], &[256]], [512]);
                egbad.residual_weight = Weight::of(10.0);
                egbad.score = "paper-cross-entropy".into();
            }
        }
        egbad
    }
}

impl Method for Egbad {
    fn common(&self) -> Common<'_> {
        Common::new(self.latent.get(), &self.score, self.training)
    }

    fn plans(&self, x: &FeatureShape) -> Result<Plans> {
        let z = FeatureShape::row(self.latent.get());
        let pyramid = Pyramid::of(x, self.networks.width, 4..=7)?;
        let pyramid = pyramid.as_ref();
        Ok(vec![
            ("encoder", self.encoder(x, &z, pyramid)),
            ("generator", self.generator(x, &z, pyramid)),
            ("discriminator", self.discriminator(x, &z, pyramid)),
        ])
    }

    fn needs_other_samples(&self) -> bool {
        true
    }

    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses> {
        let [s0, s1, s2, s3] = step.dropout_seeds();
        let (d, [real, fake]) = Self::discriminator_loss(nets, [step.x, step.z], [s0, s1]);
        nets.minimise(&d, [D], step.rate)?;

        // Another batch and fresh noise, as in the authors' loop.
        let others = [step.x_other, step.z_other];
        let ([g, e], residual) = self.generator_encoder_loss(nets, others, [s2, s3]);
        // One sum for both: only g depends on G, and e on E (on G too, if the residual trains both).
        nets.minimise(&(g.clone() + e.clone()), [G, E], step.rate)?;

        match self.networks.width {
            None => nets.average(),
            Some(_) => nets.average_warmed(step.number), // departure 2
        }
        let mut report = Losses::new(&[("discriminator", &d), ("generator", &g), ("encoder", &e)]);
        residual.iter().for_each(|r| report.push(RESIDUAL, r));
        report.push_probability("d_real", real);
        report.push_probability("d_fake", fake);
        Ok(report)
    }

    fn scores(&self) -> Vec<Score> {
        let paper = |name, part| Score::weighted(name, &[(RESIDUAL, 0.9), (part, 0.1)]); // α = 0.9
        vec![
            Score::combined(&[RESIDUAL, FEATURE]),
            paper("paper", FEATURE),
            paper("paper-cross-entropy", CROSS_ENTROPY),
            Score::single(RESIDUAL),
            Score::single(FEATURE),
        ]
    }

    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>) {
        let [e, g, d] = nets.all();
        let reduction = self.reduction.into();
        let distance = |a, b| l1_rows(a, b, reduction);
        let z = e.apply(x.clone(), Pass::Score); // [N, latent]
        let x_hat = g.apply(z.clone(), Pass::Score); // [N, size]
        parts.show(&x_hat);
        parts.add(RESIDUAL, || distance(x.clone(), x_hat.clone())); // [N]
        if parts.want(&[FEATURE, CROSS_ENTROPY]) {
            let [logit, f_hat] = d.forward([x_hat, z.clone()], Pass::Score); // [N, 1], [N, f]
            parts.add(FEATURE, || distance(d.tap("f", [x, z], Pass::Score), f_hat)); // [N]
            let verdict = || bce_with_logits_rows(logit, 1.0, reduction);
            parts.add(CROSS_ENTROPY, verdict); // [N]
        }
    }

    fn encode(&self, nets: &Trained, x: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<3>()[E].apply(x, Pass::Score)) // [N, latent]
    }

    fn generate(&self, nets: &Trained, z: Tensor<2>) -> Option<Tensor<2>> {
        Some(nets.all::<3>()[G].apply(z, Pass::Score)) // [N, size]
    }
}
