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
//!    share the processor and nothing else. The starting point comes from a seed and the query's
//!    own content: a score depends on no order and no neighbour.
//! 2. The best z seen is kept, not the last: the last may be a step in the wrong direction.
//! 3. A query whose loss has stopped falling leaves the batch ([`Plateau`]); several starting points
//!    are an option ([`SearchConfig::restarts`]). [`AnoganConfig::paper`] uses neither.
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
//! 9. For tables D sees x and G(z) through noise ([`AnoganConfig::noise`]); the paper has no tables, and
//!    [`AnoganConfig::paper`] no noise.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Arrays, Error, FeatureShape, Features, Result, ScoreParts, ScoreRule, Scorer};
use unlike_kernels::{AdamStep, adam, bce_with_logits, bce_with_logits_rows, l1_rows};

use super::{
    Adversarial, Batch, Kind, Losses, Reduction, StepContext, chosen_first, in_batches, setting,
};
use crate::{
    backend::{Device, Tensor, tensor, values},
    nn::{
        Activation, Adam, AdamConfig, Average, Conv, Init, Linear, Mlp, Network, Norm, Pass,
        Visitor, Window, join, network_arrays, restore_averaged, restore_network, save_averaged,
        scoring, warmed,
    },
    rng::{self, Purpose, normals},
};

/// The slope of every leaky ReLU (the code above).
const SLOPE: f32 = 0.1;
/// Every convolution of the pyramids halves or doubles a side.
const WINDOW: Window = Window::new(4, 2, 1);
/// Sides with which a pyramid ends at its narrow end.
const BASE: std::ops::RangeInclusive<usize> = 4..=7;
/// Levels of the deepest pyramid.
const LEVELS: usize = 6;
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
    /// 2017); 0 is the paper. Rows of no-or-yes columns lie so far from anything continuous that D
    /// tells them apart without it, and G learns nothing.
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
    /// For square pictures: pyramids of strided convolutions, one level for every halving of the
    /// side until it is odd or below 8. 28 px give the networks of the code above.
    Convolutional {
        /// Channels of the level next to the picture; they double with depth, up to eight times.
        width: usize,
        /// Width of the dense layer at the narrow end: of G's first and of D's feature layer f.
        dense: usize,
    },
}

/// How z* is looked for: Adam on z, the networks frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Steps at most: the paper's Γ.
    pub steps: usize,
    /// Weight of the discrimination loss, from 0 to 1: the paper's λ.
    pub lambda: f32,
    /// What is meant by the discrimination loss.
    pub discrimination: Discrimination,
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
    fn paper() -> Self {
        let rate = |from, learning_rate| Rate {
            from,
            learning_rate,
        };
        Self {
            steps: 500,
            lambda: 0.1,
            discrimination: Discrimination::FeatureMatching,
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

    fn check(&self) -> Result<()> {
        let Self {
            steps,
            lambda,
            discrimination: _,
            restarts,
            seed: _,
            rates,
            plateau,
        } = self;
        setting("search.steps", steps, *steps > 0, "at least 1")?;
        let share = (0.0..=1.0).contains(lambda);
        setting("search.lambda", lambda, share, "from 0 to 1")?;
        setting("search.restarts", restarts, *restarts > 0, "at least 1")?;
        let ordered = rates.first().is_some_and(|rate| rate.from == 0)
            && rates.windows(2).all(|pair| pair[0].from < pair[1].from);
        let starts: Vec<usize> = rates.iter().map(|rate| rate.from).collect();
        setting(
            "search.rates",
            format!("from steps {starts:?}"),
            ordered,
            "rates from step 0 on, in ascending order",
        )?;
        for Rate { learning_rate, .. } in rates {
            let holds = *learning_rate > 0.0 && learning_rate.is_finite();
            let name = "search.rates.learning_rate";
            setting(name, learning_rate, holds, "more than 0")?;
        }
        if let Some(Plateau {
            patience,
            tolerance,
        }) = plateau
        {
            let name = "search.plateau.patience";
            setting(name, patience, *patience > 0, "at least 1")?;
            setting(
                "search.plateau.tolerance",
                tolerance,
                (0.0..1.0).contains(tolerance),
                "from 0 up to, not including, 1",
            )?;
        }
        Ok(())
    }
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

    /// What works: a learning rate that gets there in minutes, pictures at half the width and a
    /// shorter z (a quarter of the work), the plateau stop, and the combined score. For tables, noise
    /// before D: on KDD Cup 99 it took the AUROC from 0.28 without to 0.72, 0.89 and 0.87 with 0.5, 1
    /// and 2 (one seed each, so 1 was chosen with labels).
    pub fn recommended(kind: Kind) -> Self {
        let paper = Self::paper(kind);
        let (latent, networks) = match kind {
            Kind::Table => (paper.latent, paper.networks),
            Kind::Images => (
                64,
                AnoganNetworks::Convolutional {
                    width: 32,
                    dense: 512,
                },
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
            noise: match kind {
                Kind::Table => 1.0,
                Kind::Images => 0.0,
            },
            reduction: Reduction::Mean,
            score: AnoganScore::Combined,
            search: SearchConfig {
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

    /// Fresh networks for rows or pictures of this shape.
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
        setting("latent", latent, *latent > 0, "at least 1")?;
        setting(
            "ema",
            ema,
            (0.0..1.0).contains(ema),
            "from 0 up to, not including, 1",
        )?;
        let holds = *noise >= 0.0 && noise.is_finite();
        setting("noise", noise, holds, "0 or more")?;
        search.check()?;
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
                    setting(name, format!("{widths:?}"), !widths.contains(&0), expected)?;
                }
                setting(
                    "networks.discriminator",
                    "[]",
                    !discriminator.is_empty(),
                    "at least one layer: the last is the feature layer",
                )?;
                setting(
                    "networks.dropout",
                    dropout,
                    (0.0..1.0).contains(dropout),
                    "from 0 up to, not including, 1",
                )?;
                Networks::dense(
                    &[&[*latent], &generator[..], &[width]].concat(),
                    &[&[width], &discriminator[..]].concat(),
                    *dropout,
                    *spectral_norm,
                    *init,
                    rng,
                    device,
                )
            }
            (
                &AnoganNetworks::Convolutional { width, dense },
                &FeatureShape::Picture {
                    height,
                    width: columns,
                    channels,
                },
            ) => {
                setting("networks.width", width, width > 0, "at least 1")?;
                setting("networks.dense", dense, dense > 0, "at least 1")?;
                let pyramid = Pyramid::new([height, columns], channels, width)?;
                pyramid.networks(*latent, dense, *spectral_norm, *init, rng, device)
            }
            (AnoganNetworks::Dense { .. }, FeatureShape::Picture { .. }) => {
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

/// The levels of convolutional networks for one size of pictures.
struct Pyramid {
    /// Side of the narrow end.
    base: usize,
    /// Channels of a picture.
    channels: usize,
    /// Channels of G after each level, from the picture to the narrow end.
    generator: Vec<usize>,
    /// Channels of D after each level, from the picture to the narrow end.
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
            .with_hint("bring them to one of these sizes with --image-size"));
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
                picture: [base << levels, base << levels, channels],
                down,
                dense: d_dense,
                logit: match spectral_norm {
                    true => logit.with_spectral_norm(rng),
                    false => logit,
                },
            },
        }
    }
}

/// G: z [N, latent] → x [N, size]; dense layers, and a pyramid upwards for pictures.
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
/// downwards for pictures, and dense layers.
#[derive(Clone, Debug)]
pub struct Discriminator {
    /// Height, width and channels of a picture.
    picture: [usize; 3],
    down: Vec<Conv>,
    dense: Mlp,
    logit: Linear,
}

impl Discriminator {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let mut h = x; // [N, size]
        if !self.down.is_empty() {
            let [height, width, channels] = self.picture;
            let n = h.dims()[0];
            let mut picture = h.reshape([n, height, width, channels]);
            for conv in &self.down {
                picture = conv.forward(picture, pass, 0); // [N, height/2, width/2, channels]
            }
            h = picture.flatten(1, 3); // [N, height·width·channels]
        }
        let f = self.dense.forward(h, pass, 0); // [N, last of dense]
        (self.logit.forward(f.clone(), pass, 0), f) // [N, 1]
    }
}

/// G and D.
#[derive(Clone, Debug)]
pub struct Networks {
    generator: Generator,
    discriminator: Discriminator,
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
                picture: [0; 3],
                down: Vec::new(),
                dense,
                logit,
            },
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

impl Network for Networks {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.generator.visit(&join(path, "generator"), visitor);
        self.discriminator
            .visit(&join(path, "discriminator"), visitor);
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
        } = &self.networks;
        let gz = generator.forward(z, Pass::Train { dropout: 0 }); // [N, size]
        let gz = self.noisy(gz, seed); // [N, size]
        let (fake, _) = discriminator.forward(gz, Pass::Frozen { dropout: seed }); // [N, 1]
        bce_with_logits(fake, 1.0)
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
        AnoganScorer {
            networks: scoring(&self.networks, &self.average).clone(),
            shape: self.shape.clone(),
            latent: self.config.latent,
            reduction: self.config.reduction,
            search,
            device: self.device.clone(),
        }
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

        let x = tensor(batch.x, [n, size], &self.device); // [N, size]
        let z = tensor(batch.z, [n, latent], &self.device); // [N, latent]
        let DiscriminatorLoss { total, real, fake } =
            self.discriminator_loss(x, z, [seeds[0], seeds[1]]);
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

        if let Some(average) = &mut self.average {
            average.update(&self.networks, warmed(self.config.ema, context.step));
        }
        let mut report = Losses::new(&[("discriminator", &total), ("generator", &generator)]);
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
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        restore_averaged(&mut self.networks, &mut self.average, arrays)?;
        let Networks {
            generator,
            discriminator,
        } = &self.networks;
        self.generator_adam
            .restore(generator, "adam.generator", arrays)?;
        self.discriminator_adam
            .restore(discriminator, "adam.discriminator", arrays)
    }

    fn restore_scoring(&mut self, arrays: &Arrays) -> Result<()> {
        restore_network(&mut self.networks, "", arrays)?;
        self.average = None;
        Ok(())
    }
}

/// A trained AnoGAN: searches and scores, and nothing else.
struct AnoganScorer {
    networks: Networks,
    shape: FeatureShape,
    latent: usize,
    reduction: Reduction,
    search: SearchConfig,
    device: Device,
}

/// The best points of a search and what they cost.
struct Found {
    /// `[N, latent]`
    z: Vec<f32>,
    /// `[N]`
    loss: Vec<f32>,
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
struct Progress {
    /// The loss at the last step that counted as progress.
    mark: f32,
    /// Steps since then.
    since: usize,
}

impl Progress {
    const START: Self = Self {
        mark: f32::INFINITY,
        since: 0,
    };

    /// Whether to go on after a step that found this loss.
    fn goes_on(&mut self, loss: f32, plateau: Plateau) -> bool {
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
struct Descent<'a> {
    scorer: &'a AnoganScorer,
    /// [M, size]
    x: Tensor<2>,
    /// f(x) [M, f]
    f: Tensor<2>,
    /// [M, latent]
    z: Tensor<2>,
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
    fn step(&mut self) -> Vec<f32> {
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
    /// L(z) of each query: x [M, size], f(x) [M, f], z [M, latent] → [M].
    fn loss(&self, x: Tensor<2>, f: Tensor<2>, z: Tensor<2>) -> Tensor<1> {
        let (reduction, lambda) = (self.reduction.into(), self.search.lambda);
        let gz = self.networks.generator.forward(z, Pass::Score); // [M, size]
        let (logit, f_gz) = self.networks.discriminator.forward(gz.clone(), Pass::Score); // [M, 1], [M, f]
        let residual = l1_rows(gz, x, reduction); // [M]
        let discrimination = match self.search.discrimination {
            Discrimination::FeatureMatching => l1_rows(f_gz, f, reduction),
            Discrimination::CrossEntropy => bce_with_logits_rows(logit, 1.0, reduction),
        }; // [M]
        residual * (1.0 - lambda) + discrimination * lambda
    }

    /// A search of these queries that begins at z [N, latent].
    fn descent(&self, x: &[f32], z: Vec<f32>) -> Descent<'_> {
        let n = x.len() / self.shape.size();
        let x = tensor::<2>(x.to_vec(), [n, self.shape.size()], &self.device); // [N, size]
        let (_, f) = self.networks.discriminator.forward(x.clone(), Pass::Score); // [N, f]
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
    fn descend(&self, x: &[f32], z: Vec<f32>) -> Found {
        let n = x.len() / self.shape.size();
        let mut best = Found {
            z: z.clone(),
            loss: vec![f32::INFINITY; n],
        };
        let mut queries: Vec<usize> = (0..n).collect();
        let mut progress = vec![Progress::START; n];
        let mut descent = self.descent(x, z);
        // Once more than there are steps, because the point after the last one counts too.
        for _ in 0..=self.search.steps {
            let z = values(descent.z.clone()); // [M, latent]
            let losses = descent.step();
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

    /// z* [N, latent] of the queries x [N, size].
    fn search(&self, x: &[f32]) -> Tensor<2> {
        let (size, latent) = (self.shape.size(), self.latent);
        let n = x.len() / size;
        let mut starts: Vec<ChaCha8Rng> = x
            .chunks(size)
            .map(|query| rng::rng(self.search.seed, Purpose::Search, fingerprint(query)))
            .collect();
        let mut start = || -> Vec<f32> {
            let points = starts.iter_mut().map(|rng| normals(rng, latent));
            points.flatten().collect() // [N, latent]
        };
        let mut best = self.descend(x, start());
        for _ in 1..self.search.restarts {
            let other = self.descend(x, start());
            for (query, (z, &loss)) in other.z.chunks(latent).zip(&other.loss).enumerate() {
                best.improve(query, z, loss);
            }
        }
        tensor(best.z, [n, latent], &self.device)
    }

    /// The parts of the score for x [N, size] and z* [N, latent].
    fn parts_at(&self, x: Tensor<2>, z: Tensor<2>) -> Vec<(&'static str, Vec<f32>)> {
        let reduction = self.reduction.into();
        let Networks {
            generator,
            discriminator,
        } = &self.networks;
        let x_hat = generator.forward(z, Pass::Score); // [N, size]
        let (_, f) = discriminator.forward(x.clone(), Pass::Score); // [N, f]
        let (logit, f_hat) = discriminator.forward(x_hat.clone(), Pass::Score); // [N, 1], [N, f]
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

/// A number that stands for the content of one sample.
fn fingerprint(query: &[f32]) -> u64 {
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

#[cfg(test)]
#[path = "anogan_golden.rs"]
mod golden;
#[cfg(test)]
#[path = "anogan_tests.rs"]
mod tests;
