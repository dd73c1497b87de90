//! AnoGAN: how near a generator of normal samples can come to a query.
//!
//! Schlegl, Seeböck, Waldstein, Schmidt-Erfurth, Langs, *Unsupervised Anomaly Detection with
//! Generative Adversarial Networks to Guide Marker Discovery*, IPMI 2017 (arXiv 1703.05921). The
//! authors published no code. Networks, optimisers and the search's schedule are those of the
//! AnoGAN baseline in houssamzenati/Efficient-GAN-Anomaly-Detection, folder `gan/` (Zenati et al.,
//! arXiv 1802.06222). Training is DCGAN's: Radford, Metz, Chintala (arXiv 1511.06434).
//!
//! ```text
//!     training        z ──G──▶ G(z)        D(x) → 1, D(G(z)) → 0
//!     scoring         z* = the z, found by gradient descent, whose G(z) is nearest to x
//!     optional        x ──E──▶ z ──G──▶ x̂        where the descent begins
//! ```
//!
//! | paper           | here                                                                  |
//! |-----------------|-----------------------------------------------------------------------|
//! | G, D            | [`Generator`], [`Discriminator`]                                      |
//! | f(·)            | the last hidden layer of D                                            |
//! | Γ = 500         | [`SearchConfig::steps`]                                               |
//! | λ = 0.1         | [`SearchConfig::lambda`]                                              |
//! | L_R(z)          | the part `residual`: mean \|x − G(z)\|                                |
//! | L_D(z)          | the part `discrimination`: mean \|f(x) − f(G(z))\|                    |
//! | L_D̂(z), σ      | the part `cross_entropy`: that of D(G(z)) against real                |
//! | L(z)            | what the search minimises: (1 − λ)·L_R + λ·L_D                        |
//! | A(x)            | the score `paper`: L(z*)                                              |
//! | x_R             | [`Scorer::contributions`]: \|x − G(z*)\|                              |
//!
//! Departures from the paper and that code, each with its reason:
//! 1. Queries are searched for in batches, each with its own optimiser state, so that neighbours
//!    share the processor and nothing else. Starting points come from a seed and the query's own
//!    content: a score depends on no order and no neighbour.
//! 2. The best z seen is kept, not the last: the last may be a step in the wrong direction.
//! 3. A query whose loss has stopped falling leaves the batch ([`Plateau`]); several starting points
//!    ([`SearchConfig::restarts`]) and better ones ([`Start`]) are options. [`AnoganConfig::paper`]
//!    uses none of them.
//! 4. Norms are means over their elements, so that λ means the same for every resolution;
//!    [`Reduction::Sum`] restores the paper's sums, and [`AnoganConfig::paper`] uses it.
//! 5. The recommended score is `combined`: each part in units of its own spread over held-out
//!    normals.
//! 6. The averaged weights of both networks score. The code above fetches D's with G's averager and
//!    so scores with averaged G and raw D. The average's decay starts low, as otherwise a short
//!    training would score with first weights.
//! 7. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//!    G minimises −log D(G(z)), as in both GAN codes, not log(1 − D(G(z))) as printed.
//! 8. Convolutions followed by batch norm have no bias: the norm removes it.
//! 9. For tables D has spectral norm, and searches begin at the best of many points; without both, rows
//!    of kinds that G makes seldom score as anomalies. The paper has no tables, and
//!    [`AnoganConfig::paper`] uses neither.
//! 10. E ([`Start::Encoder`]) is not the paper's but f-AnoGAN's, with three differences. It learns beside
//!     G, not after it, so that every epoch can be measured. It learns from the residual alone, which
//!     is what a start is for; descent adds D's features. Its layers mirror G's.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{
    Arrays, Error, FeatureShape, Note, Result, ScoreParts, ScoreRule, Scorer, check_setting,
};
use unlike_kernels::{bce_with_logits, l1};

use super::{Adversarial, Batch, Kind, Losses, Reduction, StepContext, chosen_first};
use crate::{
    backend::{Device, Tensor, tensor},
    nn::{
        Activation, Adam, AdamConfig, Average, Conv, Init, Linear, Mlp, Network, Norm, Pass,
        Visitor, Window, join, restore_averaged, restore_network, save_averaged, scoring, warmed,
    },
    rng::{self, Purpose, normals},
};
use search::AnoganScorer;
pub use search::{Discrimination, Plateau, Rate, SearchConfig, Start};

mod search;

/// The slope of every leaky ReLU (the code above).
const SLOPE: f32 = 0.1;
/// Every convolution of the pyramids halves or doubles a side.
const WINDOW: Window = Window::new(4, 2, 1);
/// Sides with which a pyramid ends at its narrow end.
const BASE: std::ops::RangeInclusive<usize> = 4..=7;
/// Levels of the deepest pyramid.
const LEVELS: usize = 6;
/// E's outputs lie within ±3, where nearly all of N(0, 1) does, whatever x is: f-AnoGAN's tanh, with
/// its authors' wider scale.
const REACH: f32 = 3.0;
/// The widest level of a pyramid has this many times the channels of the first.
const WIDEST: usize = 8;

/// Shapes, losses, search and score of AnoGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnoganConfig {
    /// Length of z.
    pub latent: usize,
    /// What the networks are made of.
    pub networks: AnoganNetworks,
    /// First weights.
    pub init: Init,
    /// Both networks' optimisers.
    pub adam: AdamConfig,
    /// Decay of the weights' moving average, which scores; 0 scores with the weights themselves.
    pub ema: f32,
    /// Standard deviation of the noise that D sees on x and on G(z) while training (Arjovsky & Bottou
    /// 2017); 0 is the paper. It too keeps D from telling x and G(z) apart at once; for tables it does
    /// less than spectral norm.
    pub noise: f32,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018, [`Spectral`](crate::nn::Spectral)), so that G has a slope to follow where D tells x and
    /// G(z) apart.
    #[serde(default)]
    pub spectral_norm: bool,
    /// How norms are taken in the search and in the score.
    pub reduction: Reduction,
    /// The score that [`Detector::score`](unlike_core::Detector::score) gives.
    pub score: AnoganScore,
    /// How z* is looked for.
    pub search: SearchConfig,
}

/// What the networks are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "networks", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnoganNetworks {
    /// For tables: fully connected.
    Dense {
        /// Widths of G's hidden layers.
        generator: Vec<usize>,
        /// Widths of D's hidden layers; the last one is the feature layer f.
        discriminator: Vec<usize>,
        /// Dropout in D while training.
        dropout: f32,
    },
    /// For square images: pyramids of strided convolutions, one level for every halving of the
    /// side until it is odd or below 8. 28 px give the networks of the code above.
    Convolutional {
        /// Channels of the level next to the image; they double with depth, up to eight times.
        width: usize,
        /// Width of the dense layer at the narrow end: of G's first and of D's feature layer f.
        dense: usize,
    },
}

/// The scores that AnoGAN offers; every one can be chosen when scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnoganScore {
    /// `residual` and `discrimination`, each in units of its spread over held-out normals.
    Combined,
    /// (1 − λ) · `residual` + λ · `discrimination`.
    Paper,
    /// (1 − λ) · `residual` + λ · `cross_entropy`.
    PaperCrossEntropy,
    /// `residual` alone.
    Residual,
    /// `discrimination` alone.
    Discrimination,
}

impl AnoganScore {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Combined,
        Self::Paper,
        Self::PaperCrossEntropy,
        Self::Residual,
        Self::Discrimination,
    ];

    /// The name in configurations, flags and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Paper => "paper",
            Self::PaperCrossEntropy => "paper-cross-entropy",
            Self::Residual => "residual",
            Self::Discrimination => "discrimination",
        }
    }

    /// The rule, fitted where it needs to be on the parts of held-out normals.
    fn rule(self, lambda: f32, held_out: &ScoreParts) -> Result<ScoreRule> {
        // Through decimal digits, so that a share of 0.1 is 0.1 in double precision too.
        let lambda: f64 = lambda.to_string().parse().unwrap_or(f64::from(lambda));
        let with = |part| ScoreRule::weighted(&[(RESIDUAL, 1.0 - lambda), (part, lambda)]);
        Ok(match self {
            Self::Combined => ScoreRule::fit_combined(held_out, &[RESIDUAL, DISCRIMINATION])?,
            Self::Paper => with(DISCRIMINATION),
            Self::PaperCrossEntropy => with(CROSS_ENTROPY),
            Self::Residual => ScoreRule::single(RESIDUAL),
            Self::Discrimination => ScoreRule::single(DISCRIMINATION),
        })
    }
}

const RESIDUAL: &str = "residual";
const DISCRIMINATION: &str = "discrimination";
const CROSS_ENTROPY: &str = "cross_entropy";

impl AnoganConfig {
    /// The setting of the code above for KDD Cup 99 (z = 32, batches of 50) and for MNIST
    /// (z = 200, batches of 100).
    pub fn paper(kind: Kind) -> Self {
        let (latent, networks, init, ema) = match kind {
            Kind::Table => (
                32,
                AnoganNetworks::Dense {
                    generator: vec![64, 128],
                    discriminator: vec![256, 128, 128],
                    dropout: 0.2,
                },
                Init::Xavier,
                0.9999,
            ),
            Kind::Images => (
                200,
                AnoganNetworks::Convolutional {
                    width: 64,
                    dense: 1024,
                },
                Init::Normal { sd: 0.02 },
                0.999,
            ),
        };
        Self {
            latent,
            networks,
            init,
            adam: AdamConfig {
                learning_rate: 1e-5,
                beta1: 0.5,
                beta2: 0.999,
                clip: None,
            },
            ema,
            noise: 0.0,
            spectral_norm: false,
            reduction: Reduction::Sum,
            score: AnoganScore::Paper,
            search: SearchConfig::paper(),
        }
    }

    /// What works: a learning rate that gets there in minutes, images at half the width and a
    /// shorter z (a quarter of the work), the plateau stop, and the combined score.
    ///
    /// For tables, spectral norm, and very short searches that start at the best of 1,024 points. On
    /// KDD Cup 99 (attacks normal, 4,000 test rows, 8 epochs, seed 0) AUROC is 0.99 with both, 0.81
    /// with spectral norm alone and 0.28 with the start alone; it is 0.99 with 0, 100 and 500 steps. On
    /// thyroid, whose 6 columns are fewer than z has numbers, long searches find anomalies too: AUROC
    /// 0.98, 0.97, 0.92 and 0.71 with 0, 10, 30 and 100 steps.
    pub fn recommended(kind: Kind) -> Self {
        let paper = Self::paper(kind);
        let (latent, networks, steps, start) = match kind {
            Kind::Table => (paper.latent, paper.networks, 10, Start::Nearest(1024)),
            Kind::Images => (
                64,
                AnoganNetworks::Convolutional {
                    width: 32,
                    dense: 512,
                },
                paper.search.steps,
                Start::Random,
            ),
        };
        Self {
            latent,
            networks,
            adam: AdamConfig {
                learning_rate: 2e-4,
                ..paper.adam
            },
            ema: 0.999,
            spectral_norm: kind == Kind::Table,
            reduction: Reduction::Mean,
            score: AnoganScore::Combined,
            search: SearchConfig {
                steps,
                start,
                // Less patience ends searches on their way down: z moves by at most 0.01 a step.
                plateau: Some(Plateau {
                    patience: 30,
                    tolerance: 0.01,
                }),
                ..paper.search
            },
            ..paper
        }
    }

    /// Fresh networks for rows or images of this shape.
    ///
    /// # Errors
    /// If a setting is outside its range, or the layers are not made for the shape.
    pub fn build(
        &self,
        input: &FeatureShape,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Anogan> {
        let Self {
            latent,
            networks,
            init,
            adam,
            ema,
            noise,
            spectral_norm,
            reduction: _,
            score: _,
            search,
        } = self;
        check_setting("latent", latent, *latent > 0, "at least 1")?;
        check_setting(
            "ema",
            ema,
            (0.0..1.0).contains(ema),
            "from 0 up to, not including, 1",
        )?;
        let holds = *noise >= 0.0 && noise.is_finite();
        check_setting("noise", noise, holds, "0 or more")?;
        search.check(input.size())?;
        let with_encoder = search.start == Start::Encoder;
        let networks = match (networks, input) {
            (
                AnoganNetworks::Dense {
                    generator,
                    discriminator,
                    dropout,
                },
                &FeatureShape::Row { width },
            ) => {
                for (name, widths) in [
                    ("networks.generator", generator),
                    ("networks.discriminator", discriminator),
                ] {
                    let expected = "one positive width per hidden layer";
                    check_setting(name, format!("{widths:?}"), !widths.contains(&0), expected)?;
                }
                check_setting(
                    "networks.discriminator",
                    "[]",
                    !discriminator.is_empty(),
                    "at least one layer: the last is the feature layer",
                )?;
                check_setting(
                    "networks.dropout",
                    dropout,
                    (0.0..1.0).contains(dropout),
                    "from 0 up to, not including, 1",
                )?;
                let generator = [&[*latent], &generator[..], &[width]].concat();
                let networks = Networks::dense(
                    &generator,
                    &[&[width], &discriminator[..]].concat(),
                    *dropout,
                    *spectral_norm,
                    *init,
                    rng,
                    device,
                );
                Networks {
                    encoder: with_encoder.then(|| Encoder::dense(&generator, *init, rng, device)),
                    ..networks
                }
            }
            (
                &AnoganNetworks::Convolutional { width, dense },
                &FeatureShape::Image {
                    height,
                    width: columns,
                    channels,
                },
            ) => {
                check_setting("networks.width", width, width > 0, "at least 1")?;
                check_setting("networks.dense", dense, dense > 0, "at least 1")?;
                let pyramid = Pyramid::new([height, columns], channels, width)?;
                let networks = pyramid.networks(*latent, dense, *spectral_norm, *init, rng, device);
                Networks {
                    encoder: with_encoder.then(|| pyramid.encoder(*latent, *init, rng, device)),
                    ..networks
                }
            }
            (AnoganNetworks::Dense { .. }, FeatureShape::Image { .. }) => {
                return Err(mismatch("images", "a table: these layers are `dense`"));
            }
            (AnoganNetworks::Convolutional { .. }, FeatureShape::Row { .. }) => {
                return Err(mismatch(
                    "a table",
                    "images: these layers are `convolutional`",
                ));
            }
        };
        Ok(Anogan {
            config: self.clone(),
            shape: input.clone(),
            device: device.clone(),
            average: (*ema > 0.0).then(|| Average::new(&networks)),
            networks,
            generator_adam: Adam::new(*adam),
            discriminator_adam: Adam::new(*adam),
            encoder_adam: Adam::new(*adam),
        })
    }
}

fn mismatch(found: &str, expected: &str) -> Error {
    Error::Mismatch {
        origin: None,
        found: found.into(),
        expected: expected.into(),
        hint: None,
    }
}

/// The levels of convolutional networks for one size of images.
struct Pyramid {
    /// Side of the narrow end.
    base: usize,
    /// Channels of an image.
    channels: usize,
    /// Channels of G after each level, from the image to the narrow end.
    generator: Vec<usize>,
    /// Channels of D after each level, from the image to the narrow end.
    discriminator: Vec<usize>,
}

impl Pyramid {
    fn new([height, width]: [usize; 2], channels: usize, first: usize) -> Result<Self> {
        let (mut base, mut levels) = (height, 0);
        while base.is_multiple_of(2) && base > *BASE.end() {
            base /= 2;
            levels += 1;
        }
        let fits = height == width && BASE.contains(&base) && (1..=LEVELS).contains(&levels);
        if !fits {
            return Err(mismatch(
                &format!("images of {width} × {height}"),
                "square ones of 28, 32, 64, 128 or 256 pixels a side",
            )
            .with_hint(Note::new("bring them to one of these sizes with ").setting("image-size")));
        }
        let wider = |level: usize| first * (1 << level.min(LEVELS)).min(WIDEST);
        Ok(Self {
            base,
            channels,
            generator: (0..levels).map(wider).collect(),
            // As in the code above, whose two levels have the same channels.
            discriminator: (0..levels)
                .map(|level| wider(level.saturating_sub(1)))
                .collect(),
        })
    }

    fn networks(
        &self,
        latent: usize,
        dense: usize,
        spectral_norm: bool,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Networks {
        let Self {
            base,
            channels,
            ref generator,
            ref discriminator,
        } = *self;
        let levels = generator.len();
        let norm = |channels, rng: &mut ChaCha8Rng| Norm::new(channels, 0.0, rng, device);
        let mut normed = |[inputs, outputs]: [usize; 2], activation| {
            let layer = Linear::new([inputs, outputs], activation, init, rng, device);
            layer.with_norm(norm(outputs, rng))
        };
        let leaky = Activation::LeakyRelu(SLOPE);
        let narrow = [generator, discriminator].map(|widths| base * base * widths[levels - 1]);
        let g_dense = vec![
            normed([latent, dense], Activation::Relu),
            normed([dense, narrow[0]], Activation::Relu),
        ];
        let d_dense = match spectral_norm {
            true => Mlp::new(&[narrow[1], dense], [leaky; 2], 0.0, init, rng, device)
                .with_spectral_norm(rng),
            false => Mlp(vec![normed([narrow[1], dense], leaky)]),
        };
        let up = (0..levels).rev().map(|level| match level {
            0 => Conv::up([generator[0], channels], WINDOW, init, rng, device)
                .with_bias()
                .with_activation(Activation::Tanh),
            _ => {
                let outputs = generator[level - 1];
                Conv::up([generator[level], outputs], WINDOW, init, rng, device)
                    .with_norm(norm(outputs, rng))
                    .with_activation(Activation::Relu)
            }
        });
        let up = up.collect();
        let down = (0..levels).map(|level| {
            let outputs = discriminator[level];
            let inputs = match level {
                0 => channels,
                _ => discriminator[level - 1],
            };
            let conv = Conv::down([inputs, outputs], WINDOW, init, rng, device);
            match level {
                _ if spectral_norm => conv.with_bias().with_spectral_norm(rng),
                0 => conv.with_bias(),
                _ => conv.with_norm(norm(outputs, rng)),
            }
            .with_activation(leaky)
        });
        let down = down.collect();
        let logit = Linear::new([dense, 1], Activation::Identity, init, rng, device);
        Networks {
            generator: Generator {
                dense: Mlp(g_dense),
                base: [base, base, generator[levels - 1]],
                up,
            },
            discriminator: Discriminator {
                image: [base << levels, base << levels, channels],
                down,
                dense: d_dense,
                logit: match spectral_norm {
                    true => logit.with_spectral_norm(rng),
                    false => logit,
                },
            },
            encoder: None,
        }
    }

    /// E: G's pyramid the other way round, and one dense layer.
    fn encoder(&self, latent: usize, init: Init, rng: &mut ChaCha8Rng, device: &Device) -> Encoder {
        let (side, levels) = (self.base << self.generator.len(), self.generator.len());
        let channels = [&[self.channels], &self.generator[..]].concat();
        let down = (0..levels).map(|level| {
            let between = [channels[level], channels[level + 1]];
            let conv = Conv::down(between, WINDOW, init, rng, device);
            match level {
                0 => conv.with_bias(),
                _ => conv.with_norm(Norm::new(between[1], 0.0, rng, device)),
            }
            .with_activation(Activation::LeakyRelu(SLOPE))
        });
        let down = down.collect();
        let widths = [self.base * self.base * channels[levels], latent];
        Encoder {
            image: [side, side, self.channels],
            down,
            dense: Mlp::new(&widths, [Activation::Tanh; 2], 0.0, init, rng, device),
        }
    }
}

/// G: z [N, latent] → x [N, size]; dense layers, and a pyramid upwards for images.
#[derive(Clone, Debug)]
pub struct Generator {
    dense: Mlp,
    /// Height, width and channels of what enters the pyramid.
    base: [usize; 3],
    up: Vec<Conv>,
}

impl Generator {
    fn forward(&self, z: Tensor<2>, pass: Pass) -> Tensor<2> {
        let n = z.dims()[0];
        let h = self.dense.forward(z, pass, 0); // [N, last of dense]
        if self.up.is_empty() {
            return h; // [N, width]
        }
        let [height, width, channels] = self.base;
        let mut h = h.reshape([n, height, width, channels]);
        for conv in &self.up {
            h = conv.forward(h, pass, 0); // [N, 2·height, 2·width, channels]
        }
        h.flatten(1, 3) // [N, height·width·channels]
    }
}

/// D: x [N, size] → logit [N, 1] and the features f [N, last of dense] before it; a pyramid
/// downwards for images, and dense layers.
#[derive(Clone, Debug)]
pub struct Discriminator {
    /// Height, width and channels of an image.
    image: [usize; 3],
    down: Vec<Conv>,
    dense: Mlp,
    logit: Linear,
}

impl Discriminator {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let f = self.features(x, pass); // [N, last of dense]
        (self.logit.forward(f.clone(), pass, 0), f) // [N, 1]
    }

    fn features(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        let h = downwards(x, self.image, &self.down, pass); // [N, first of dense]
        self.dense.forward(h, pass, 0) // [N, last of dense]
    }
}

/// E: x [N, size] → z [N, latent], G the other way round.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// Height, width and channels of an image.
    image: [usize; 3],
    down: Vec<Conv>,
    dense: Mlp,
}

impl Encoder {
    /// For rows; the widths are G's, those of z and of x included.
    fn dense(generator: &[usize], init: Init, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let widths: Vec<usize> = generator.iter().rev().copied().collect();
        let activations = [Activation::LeakyRelu(SLOPE), Activation::Tanh];
        Self {
            image: [0; 3],
            down: Vec::new(),
            dense: Mlp::new(&widths, activations, 0.0, init, rng, device),
        }
    }

    fn forward(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        let h = downwards(x, self.image, &self.down, pass); // [N, first of dense]
        self.dense.forward(h, pass, 0) * REACH // [N, latent]
    }
}

/// x [N, size] through a pyramid of convolutions, if there is one: [N, what comes out].
fn downwards(x: Tensor<2>, image: [usize; 3], down: &[Conv], pass: Pass) -> Tensor<2> {
    if down.is_empty() {
        return x;
    }
    let ([height, width, channels], n) = (image, x.dims()[0]);
    let mut h = x.reshape([n, height, width, channels]);
    for conv in down {
        h = conv.forward(h, pass, 0); // [N, height/2, width/2, channels]
    }
    h.flatten(1, 3) // [N, height·width·channels]
}

/// G and D, and E if searches begin where it points.
#[derive(Clone, Debug)]
pub struct Networks {
    generator: Generator,
    discriminator: Discriminator,
    encoder: Option<Encoder>,
}

impl Networks {
    /// Fully connected networks with these widths, those of inputs and of G's output included.
    fn dense(
        generator: &[usize],
        discriminator: &[usize],
        dropout: f32,
        spectral_norm: bool,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let (relu, leaky) = (Activation::Relu, Activation::LeakyRelu(SLOPE));
        let none = Activation::Identity;
        let features = discriminator[discriminator.len() - 1];
        let generator = Mlp::new(generator, [relu, none], 0.0, init, rng, device);
        let mut dense = Mlp::new(discriminator, [leaky, leaky], dropout, init, rng, device);
        let mut logit = Linear::new([features, 1], none, init, rng, device);
        if spectral_norm {
            (dense, logit) = (dense.with_spectral_norm(rng), logit.with_spectral_norm(rng));
        }
        Self {
            generator: Generator {
                dense: generator,
                base: [0; 3],
                up: Vec::new(),
            },
            discriminator: Discriminator {
                image: [0; 3],
                down: Vec::new(),
                dense,
                logit,
            },
            encoder: None,
        }
    }
}

impl Network for Generator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.dense.visit(&join(path, "dense"), visitor);
        self.up.visit(&join(path, "up"), visitor);
    }
}

impl Network for Discriminator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.down.visit(&join(path, "down"), visitor);
        self.dense.visit(&join(path, "dense"), visitor);
        self.logit.visit(&join(path, "logit"), visitor);
    }
}

impl Network for Encoder {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.down.visit(&join(path, "down"), visitor);
        self.dense.visit(&join(path, "dense"), visitor);
    }
}

impl Network for Networks {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.generator.visit(&join(path, "generator"), visitor);
        self.discriminator
            .visit(&join(path, "discriminator"), visitor);
        if let Some(encoder) = &mut self.encoder {
            encoder.visit(&join(path, "encoder"), visitor);
        }
    }
}

/// AnoGAN in training.
#[derive(Clone, Debug)]
pub struct Anogan {
    config: AnoganConfig,
    shape: FeatureShape,
    device: Device,
    networks: Networks,
    average: Option<Average<Networks>>,
    generator_adam: Adam,
    discriminator_adam: Adam,
    encoder_adam: Adam,
}

/// D's loss and the logits it was read from.
struct DiscriminatorLoss {
    total: Tensor<1>,
    real: Tensor<2>,
    fake: Tensor<2>,
}

/// Held-out normals that measure an epoch, at most. A search for each of 10,000 would take longer
/// than the epoch; the mean over these is known to a few per cent of its spread.
const MEASURED: usize = 256;
/// Search steps that measure an epoch, at most: most of the way down, at a fifth of the cost.
const MEASURED_STEPS: usize = 100;

impl Anogan {
    /// −log D(x) − log(1 − D(G(z))); gradients reach D only.
    fn discriminator_loss(&self, x: Tensor<2>, z: Tensor<2>, seeds: [u64; 2]) -> DiscriminatorLoss {
        let Networks {
            generator,
            discriminator,
            encoder: _,
        } = &self.networks;
        let [real, fake] = seeds.map(|dropout| Pass::Train { dropout });
        let gz = generator.forward(z, Pass::Frozen { dropout: 0 }); // [N, size]
        let (x, gz) = (self.noisy(x, seeds[0]), self.noisy(gz, seeds[1])); // [N, size]
        let (real, _) = discriminator.forward(x, real); // [N, 1]
        let (fake, _) = discriminator.forward(gz, fake); // [N, 1]
        let total = bce_with_logits(real.clone(), 1.0) + bce_with_logits(fake.clone(), 0.0);
        DiscriminatorLoss { total, real, fake }
    }

    /// −log D(G(z)); gradients reach G only.
    fn generator_loss(&self, z: Tensor<2>, seed: u64) -> Tensor<1> {
        let Networks {
            generator,
            discriminator,
            encoder: _,
        } = &self.networks;
        let gz = generator.forward(z, Pass::Train { dropout: 0 }); // [N, size]
        let gz = self.noisy(gz, seed); // [N, size]
        let (fake, _) = discriminator.forward(gz, Pass::Frozen { dropout: seed }); // [N, 1]
        bce_with_logits(fake, 1.0)
    }

    /// |x − G(E(x))| of an encoder; gradients reach it only.
    fn encoder_loss(&self, encoder: &Encoder, x: Tensor<2>) -> Tensor<1> {
        let ex = encoder.forward(x.clone(), Pass::Train { dropout: 0 }); // [N, latent]
        // With running statistics, as in the search.
        l1(self.networks.generator.forward(ex, Pass::Score), x)
    }

    /// x [N, size] and noise, if there is to be any.
    fn noisy(&self, x: Tensor<2>, seed: u64) -> Tensor<2> {
        if self.config.noise == 0.0 {
            return x;
        }
        let mut rng = rng::rng(seed, Purpose::Noise, 0);
        let noise = normals(&mut rng, x.dims().iter().product());
        let noise: Tensor<2> = tensor(noise, x.dims(), &self.device); // [N, size]
        x + noise * self.config.noise
    }

    fn scorer_with(&self, search: SearchConfig) -> AnoganScorer {
        AnoganScorer::new(
            scoring(&self.networks, &self.average).clone(),
            self.shape.clone(),
            self.config.latent,
            self.config.reduction,
            search,
            self.device.clone(),
        )
    }
}

impl Adversarial for Anogan {
    fn latent(&self) -> usize {
        self.config.latent
    }

    fn needs_other_samples(&self) -> bool {
        false
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let (n, size, latent) = (batch.len, self.shape.size(), self.config.latent);
        let rate = context.learning_rate_scale;
        let seeds = context.dropout_seeds::<3>();

        let x = tensor::<2>(batch.x, [n, size], &self.device); // [N, size]
        let z = tensor(batch.z, [n, latent], &self.device); // [N, latent]
        let DiscriminatorLoss { total, real, fake } =
            self.discriminator_loss(x.clone(), z, [seeds[0], seeds[1]]);
        let mut grads = total.backward();
        self.discriminator_adam
            .step(&mut self.networks.discriminator, &mut grads, rate)?;
        drop(grads);

        let z = tensor(batch.z_other, [n, latent], &self.device); // [N, latent]
        let generator = self.generator_loss(z, seeds[2]);
        let mut grads = generator.backward();
        self.generator_adam
            .step(&mut self.networks.generator, &mut grads, rate)?;
        drop(grads);

        let encoder = self.networks.encoder.as_ref();
        let encoder = encoder.map(|encoder| self.encoder_loss(encoder, x));
        if let (Some(network), Some(loss)) = (&mut self.networks.encoder, &encoder) {
            let mut grads = loss.backward();
            self.encoder_adam.step(network, &mut grads, rate)?;
        }

        if let Some(average) = &mut self.average {
            average.update(&self.networks, warmed(self.config.ema, context.step));
        }
        let mut report = Losses::new(&[("discriminator", &total), ("generator", &generator)]);
        if let Some(loss) = &encoder {
            report.push("encoder", loss);
        }
        report.push_probability("d_real", real);
        report.push_probability("d_fake", fake);
        Ok(report)
    }

    fn measure(&self) -> (Box<dyn Scorer>, usize) {
        let search = self.config.search.clone();
        let scorer = self.scorer_with(SearchConfig {
            steps: search.steps.min(MEASURED_STEPS),
            restarts: 1,
            ..search
        });
        (Box::new(scorer), MEASURED)
    }

    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>> {
        let lambda = self.config.search.lambda;
        let rule =
            |score: AnoganScore| Ok((score.name().to_owned(), score.rule(lambda, held_out)?));
        chosen_first(self.config.score, &AnoganScore::ALL, rule)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(self.scorer_with(self.config.search.clone()))
    }

    fn save(&self, arrays: &mut Arrays) {
        save_averaged(&self.networks, &self.average, arrays);
        self.generator_adam.save("adam.generator", arrays);
        self.discriminator_adam.save("adam.discriminator", arrays);
        if self.networks.encoder.is_some() {
            self.encoder_adam.save("adam.encoder", arrays);
        }
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        restore_averaged(&mut self.networks, &mut self.average, arrays)?;
        let Networks {
            generator,
            discriminator,
            encoder,
        } = &self.networks;
        self.generator_adam
            .restore(generator, "adam.generator", arrays)?;
        self.discriminator_adam
            .restore(discriminator, "adam.discriminator", arrays)?;
        match encoder {
            Some(encoder) => self.encoder_adam.restore(encoder, "adam.encoder", arrays),
            None => Ok(()),
        }
    }

    fn restore_scoring(&mut self, arrays: &Arrays) -> Result<()> {
        restore_network(&mut self.networks, "", arrays)?;
        self.average = None;
        Ok(())
    }
}

#[cfg(test)]
#[path = "anogan_golden.rs"]
mod golden;
#[cfg(test)]
#[path = "anogan_tests.rs"]
mod tests;
