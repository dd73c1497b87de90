//! EGBAD: an encoder learned together with the generator, and a score that uses both.
//!
//! Zenati, Foo, Lecouat, Manek, Chandrasekhar, *Efficient GAN-Based Anomaly Detection*, ICLR 2018
//! workshop (arXiv 1802.06222). Authors' code: houssamzenati/Efficient-GAN-Anomaly-Detection,
//! folder `bigan/`. Training is BiGAN's: Donahue, Krähenbühl, Darrell, *Adversarial Feature
//! Learning*, ICLR 2017 (arXiv 1605.09782). The residual term is that of Di Mattia et al.,
//! *A Survey on GANs for Anomaly Detection* (arXiv 1906.11632), section 3.
//!
//! ```text
//!     x ──E──▶ E(x)          D(x, E(x)) → 1, features f
//!     z ──G──▶ G(z)          D(G(z), z) → 0
//! ```
//!
//! | paper             | here                                                              |
//! |-------------------|-------------------------------------------------------------------|
//! | E, G, D           | [`Encoder`], [`Generator`], [`Discriminator`]                     |
//! | f_D               | the last hidden layer of D's joint branch                         |
//! | V(D, E, G)        | [`Egbad::discriminator_loss`], [`Egbad::generator_encoder_loss`]  |
//! | L_G               | the part `residual`: mean \|x − G(E(x))\|                         |
//! | L_D, matching     | the part `feature`: mean \|f(x, E(x)) − f(G(E(x)), E(x))\|        |
//! | L_D, σ            | the part `cross_entropy`: that of D(G(E(x)), E(x)) against real   |
//! | A(x)              | the score `paper`: α·L_G + (1 − α)·L_D, α = 0.9                   |
//!
//! Departures from the paper, each with its reason:
//! 1. Norms are means over their elements, so that α means the same for every number of columns;
//!    [`Reduction::Sum`] restores the paper's sums, and [`EgbadConfig::paper`] uses it.
//! 2. The recommended score for tables is `combined`: each part in units of its own spread over
//!    held-out normals. With fixed weights the score swings from epoch to epoch as the parts change
//!    scale.
//! 3. The averaged weights include D's in every score; the authors' `gan/` baseline mixed raw and
//!    averaged weights.
//! 4. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//! 5. The survey's residual term is an option; without it nothing makes E invert G within the
//!    number of epochs that a user waits for.
//!
//! Departures of the networks for images:
//! 6. Windows are padded alike on all sides. TensorFlow pads a 3×3 window of stride 2 on the lower
//!    and right side only, which moves E's maps by a pixel and nothing else.
//! 7. Layers before batch norm have no bias (it would cancel), ε is 1e-5, and running statistics
//!    take a tenth of each batch: PyTorch's defaults in place of TensorFlow's.
//! 8. Running statistics are averaged like the weights. The authors score averaged weights with
//!    the statistics of the raw ones, which belong to other activations. The average follows
//!    closely at first, by a decay of at most (1 + t) / (10 + t) after t steps: running variances
//!    start at 1, many times too large after weights of sd 0.02, and with a decay of
//!    0.999 for all steps that is still in the average after thousands of them.
//! 9. Sides other than 28 have deeper pyramids: the side halves while it is even and above 7.
//! 10. G rebuilds as it does when it scores. Where the residual term trains E alone, that is with
//!     running statistics: by those of E(x)'s own batch, G would undo any wrong scale of E(x).
//!     Where it trains both, the running statistics are those of E(x) and not of z.
//! 11. The recommended networks are narrower, so that two processor cores train them in minutes.
//! 12. The recommended networks for tables have spectral normalisation in D
//!     ([`EgbadConfig::spectral_norm`]), as ALAD has, the same authors' next model (arXiv 1812.02288).
//!     Without it D wins, and E and G never settle.
//!
//! Which passes normalise by which statistics, and which move the running ones:
//!
//! | network             | while D trains                | while G and E train              |
//! |---------------------|-------------------------------|----------------------------------|
//! | E                   | the batch's                   | the batch's; moves               |
//! | G(z)                | the batch's                   | the batch's; moves in case A     |
//! | G(E(x)), if trained |                               | A: running; B: the batch's; moves |
//! | D                   | real's, then fake's; both move | real's and fake's                |
//!
//! A: the residual term trains E alone, or there is none; B: it trains E and G.
//!
//! Scoring uses the running statistics of all three.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{
    Arrays, Error, FeatureShape, Features, Note, Result, ScoreParts, ScoreRule, Scorer,
    check_setting,
};
use unlike_kernels::{bce_with_logits, bce_with_logits_rows, l1, l1_rows, mse};

use super::{
    Adversarial, Batch, Kind, Losses, Reduction, StepContext, chosen_first, in_batches,
    scoring_batch,
};
use crate::{
    backend::{Device, Tensor, tensor, values},
    nn::{
        Activation, Adam, AdamConfig, Average, Conv, Init, Linear, LinearJoint, Mlp, Network, Norm,
        Pass, Visitor, Window, join, network_arrays, restore_averaged, restore_network,
        save_averaged, scoring, warmed,
    },
    rng::{self, Purpose, normals},
};

/// The slope of every leaky ReLU (authors' code).
const SLOPE: f32 = 0.1;

/// Shapes, losses and score of EGBAD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgbadConfig {
    /// Length of z.
    pub latent: usize,
    /// Shapes of E, G and D.
    pub networks: EgbadNetworks,
    /// Dropout in D while training.
    pub dropout: f32,
    /// First weights.
    pub init: Init,
    /// All three networks' optimisers.
    pub adam: AdamConfig,
    /// Decay of the weights' moving average, which scores; 0 scores with the weights themselves.
    pub ema: f32,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018, [`Spectral`](crate::nn::Spectral)). D then stretches no difference between two inputs, so
    /// that E and G still have a slope to follow: for trainings in which `d_real` stays near 1 and
    /// `d_fake` near 0. Costs a sixth of a training's time on tables.
    #[serde(default)]
    pub spectral_norm: bool,
    /// What G minimises.
    pub generator_loss: GeneratorLoss,
    /// Weight of the survey's term mean |x − G(E(x))| in E's loss; 0 is the paper.
    pub residual_weight: f32,
    /// Whose weights that term trains.
    pub residual_trains: ResidualTrains,
    /// How norms are taken in the score.
    pub reduction: Reduction,
    /// The score that [`Detector::score`](unlike_core::Detector::score) gives.
    pub score: EgbadScore,
}

/// Shapes of E, G and D. The name in a file is the field `networks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "networks", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EgbadNetworks {
    /// Fully connected layers: for tables, and for images taken as rows of pixels.
    Dense {
        /// Widths of E's hidden layers.
        encoder: Vec<usize>,
        /// Widths of G's hidden layers.
        generator: Vec<usize>,
        /// Widths of D's branch for x.
        discriminator_x: Vec<usize>,
        /// Widths of D's branch for z.
        discriminator_z: Vec<usize>,
        /// Widths of D's layers after the branches meet; the last one is the feature layer f.
        discriminator_joint: Vec<usize>,
    },
    /// Convolutions, for square images. With `width` 32, `generator` and `discriminator_joint`
    /// 1024, `discriminator_z` 512 and 28 px this is the authors' MNIST network.
    Convolutional {
        /// Channels of E's first layer. They double with every halving of the image's side, at
        /// most three times.
        width: usize,
        /// Widths of G's dense layers before its smallest maps.
        generator: Vec<usize>,
        /// Widths of D's branch for z.
        discriminator_z: Vec<usize>,
        /// Widths of D's layers after the branches meet; the last one is the feature layer f.
        discriminator_joint: Vec<usize>,
    },
}

/// What G minimises (the survey's training variants, its table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorLoss {
    /// Cross-entropy of D(G(z), z) against "real": the paper.
    CrossEntropy,
    /// Squared distance of the batch means of f(x, E(x)) and f(G(z), z) (Salimans et al. 2016).
    /// The survey names feature matching without a formula; G(z) has no x of its own to be
    /// compared with, so means are.
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

/// The scores that EGBAD offers; every one can be chosen when scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EgbadScore {
    /// `residual` and `feature`, each in units of its spread over held-out normals.
    Combined,
    /// 0.9 · `residual` + 0.1 · `feature`.
    Paper,
    /// 0.9 · `residual` + 0.1 · `cross_entropy`: the paper's σ variant.
    PaperCrossEntropy,
    /// `residual` alone: all that BiGAN itself offers.
    Residual,
    /// `feature` alone.
    Feature,
}

impl EgbadScore {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Combined,
        Self::Paper,
        Self::PaperCrossEntropy,
        Self::Residual,
        Self::Feature,
    ];

    /// The name in configurations, flags and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Paper => "paper",
            Self::PaperCrossEntropy => "paper-cross-entropy",
            Self::Residual => "residual",
            Self::Feature => "feature",
        }
    }

    /// The rule, fitted where it needs to be on the parts of held-out normals.
    fn rule(self, held_out: &ScoreParts) -> Result<ScoreRule> {
        Ok(match self {
            Self::Combined => ScoreRule::fit_combined(held_out, &[RESIDUAL, FEATURE])?,
            Self::Paper => ScoreRule::weighted(&[(RESIDUAL, 0.9), (FEATURE, 0.1)]),
            Self::PaperCrossEntropy => {
                ScoreRule::weighted(&[(RESIDUAL, 0.9), (CROSS_ENTROPY, 0.1)])
            }
            Self::Residual => ScoreRule::single(RESIDUAL),
            Self::Feature => ScoreRule::single(FEATURE),
        })
    }
}

const RESIDUAL: &str = "residual";
const FEATURE: &str = "feature";
const CROSS_ENTROPY: &str = "cross_entropy";

impl EgbadConfig {
    /// The authors' settings: of KDD Cup 99 (their `bigan/kdd_utilities.py`, 121 inputs; train it
    /// with batches of 50) for tables, of MNIST (`bigan/mnist_utilities.py`, 28 px; batches of 100)
    /// for images.
    pub fn paper(kind: Kind) -> Self {
        let (latent, networks, dropout, init, ema) = match kind {
            Kind::Table => {
                let networks = EgbadNetworks::Dense {
                    encoder: vec![64],
                    generator: vec![64, 128],
                    discriminator_x: vec![128],
                    discriminator_z: vec![128],
                    discriminator_joint: vec![128],
                };
                (32, networks, 0.2, Init::Xavier, 0.9999)
            }
            Kind::Images => {
                let networks = EgbadNetworks::Convolutional {
                    width: 32,
                    generator: vec![1024],
                    discriminator_z: vec![512],
                    discriminator_joint: vec![1024],
                };
                (200, networks, 0.5, Init::Normal { sd: 0.02 }, 0.999)
            }
        };
        Self {
            latent,
            networks,
            dropout,
            init,
            adam: AdamConfig {
                learning_rate: 1e-5,
                beta1: 0.5,
                beta2: 0.999,
                clip: None,
            },
            ema,
            spectral_norm: false,
            generator_loss: GeneratorLoss::CrossEntropy,
            residual_weight: 0.0,
            residual_trains: ResidualTrains::Encoder,
            reduction: Reduction::Sum,
            score: EgbadScore::Paper,
        }
    }

    /// What works: the paper's networks (for images three quarters as wide, with half the dense
    /// widths), a learning rate that gets there in minutes, the survey's residual term, and, for
    /// tables, spectral norm in D and the combined score.
    ///
    /// Spectral norm for tables: F1 on KDD Cup 99, seeds 5 to 7, 0.945, 0.960, 0.949 with it and 0.945,
    /// 0.947, 0.936 without; the least of epochs 9 to 16 is 0.942 with it and 0.718 without. AUROC on
    /// thyroid, seeds 0 to 2: 0.977, 0.982, 0.979 and 0.881, 0.885, 0.746.
    ///
    /// With images the residual term trains E alone: G then goes on generating normals only, and
    /// E learns to find the nearest of them. Their score is `paper-cross-entropy`, over means: f
    /// hardly differs between an image and what G makes of it, D's verdict does. (MNIST's test
    /// file, 0 against the others, trained 6 epochs on 7,216 of these, seed 0: AUROC 0.90,
    /// `combined` 0.75, `residual` 0.85.)
    pub fn recommended(kind: Kind) -> Self {
        let paper = Self::paper(kind);
        let (networks, residual_weight, residual_trains, score) = match kind {
            Kind::Table => (
                paper.networks,
                5.0,
                ResidualTrains::EncoderAndGenerator,
                EgbadScore::Combined,
            ),
            Kind::Images => {
                let networks = EgbadNetworks::Convolutional {
                    width: 24,
                    generator: vec![512],
                    discriminator_z: vec![256],
                    discriminator_joint: vec![512],
                };
                (
                    networks,
                    10.0,
                    ResidualTrains::Encoder,
                    EgbadScore::PaperCrossEntropy,
                )
            }
        };
        Self {
            networks,
            adam: AdamConfig {
                learning_rate: 2e-4,
                ..paper.adam
            },
            ema: 0.999,
            spectral_norm: kind == Kind::Table,
            residual_weight,
            residual_trains,
            reduction: Reduction::Mean,
            score,
            ..paper
        }
    }

    /// BiGAN: the same training without the residual term and without spectral norm, and no score of
    /// D's. Spectral norm helps E and G to agree, which only the residual term asks of them: without
    /// that term it lowered the AUROC from 0.915 to 0.663 on thyroid, from 0.947 to 0.907 on cardio
    /// (seed 0).
    pub fn bigan(kind: Kind) -> Self {
        Self {
            spectral_norm: false,
            residual_weight: 0.0,
            score: EgbadScore::Residual,
            ..Self::recommended(kind)
        }
    }

    /// Fresh networks for samples of this shape.
    ///
    /// # Errors
    /// If a setting is outside its range, or the networks do not take such samples.
    pub fn build(
        &self,
        input: &FeatureShape,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Egbad> {
        let Self {
            latent,
            networks,
            dropout,
            init,
            adam,
            ema,
            spectral_norm,
            generator_loss: _,
            residual_weight,
            residual_trains: _,
            reduction: _,
            score: _,
        } = self;
        check_setting("latent", latent, *latent > 0, "at least 1")?;
        networks.check()?;
        check_setting(
            "dropout",
            dropout,
            (0.0..1.0).contains(dropout),
            "from 0 up to, not including, 1",
        )?;
        check_setting(
            "ema",
            ema,
            (0.0..1.0).contains(ema),
            "from 0 up to, not including, 1",
        )?;
        let weight = *residual_weight;
        check_setting(
            "residual_weight",
            weight,
            weight >= 0.0 && weight.is_finite(),
            "0 or more",
        )?;

        let mut start = Start {
            init: *init,
            dropout: *dropout,
            spectral_norm: *spectral_norm,
            rng,
            device,
        };
        let networks = match networks {
            EgbadNetworks::Dense {
                encoder,
                generator,
                discriminator_x,
                discriminator_z,
                discriminator_joint,
            } => Networks::dense(
                [input.size(), *latent],
                [encoder, generator],
                [discriminator_x, discriminator_z, discriminator_joint],
                &mut start,
            ),
            EgbadNetworks::Convolutional {
                width,
                generator,
                discriminator_z,
                discriminator_joint,
            } => Networks::convolutional(
                &Pyramid::new(input, *width)?,
                *latent,
                generator,
                [discriminator_z, discriminator_joint],
                &mut start,
            ),
        };
        Ok(Egbad {
            config: self.clone(),
            shape: input.clone(),
            device: device.clone(),
            average: (*ema > 0.0).then(|| Average::new(&networks)),
            networks,
            encoder_adam: Adam::new(*adam),
            generator_adam: Adam::new(*adam),
            discriminator_adam: Adam::new(*adam),
        })
    }
}

impl EgbadNetworks {
    fn check(&self) -> Result<()> {
        let (lists, joint): (&[(&str, &Vec<usize>)], _) = match self {
            Self::Dense {
                encoder,
                generator,
                discriminator_x,
                discriminator_z,
                discriminator_joint,
            } => (
                &[
                    ("networks.encoder", encoder),
                    ("networks.generator", generator),
                    ("networks.discriminator_x", discriminator_x),
                    ("networks.discriminator_z", discriminator_z),
                ],
                discriminator_joint,
            ),
            Self::Convolutional {
                width,
                generator,
                discriminator_z,
                discriminator_joint,
            } => {
                let possible = (1..=WIDEST).contains(width);
                check_setting("networks.width", width, possible, "from 1 to 1024")?;
                (
                    &[
                        ("networks.generator", generator),
                        ("networks.discriminator_z", discriminator_z),
                    ],
                    discriminator_joint,
                )
            }
        };
        let name = "networks.discriminator_joint";
        for (name, widths) in lists.iter().copied().chain([(name, joint)]) {
            let expected = "one positive width per hidden layer";
            check_setting(name, format!("{widths:?}"), !widths.contains(&0), expected)?;
        }
        let expected = "at least one layer: the last is the feature layer";
        check_setting(name, format!("{joint:?}"), !joint.is_empty(), expected)
    }
}

/// What the layers of one network start from.
struct Start<'a> {
    init: Init,
    /// In D.
    dropout: f32,
    /// In D.
    spectral_norm: bool,
    rng: &'a mut ChaCha8Rng,
    device: &'a Device,
}

impl Start<'_> {
    fn mlp(&mut self, widths: &[usize], [hidden, last]: [Activation; 2], dropout: f32) -> Mlp {
        let activations = [hidden, last];
        Mlp::new(
            widths,
            activations,
            dropout,
            self.init,
            self.rng,
            self.device,
        )
    }

    fn linear(&mut self, sizes: [usize; 2], activation: Activation) -> Linear {
        Linear::new(sizes, activation, self.init, self.rng, self.device)
    }

    fn down(&mut self, channels: [usize; 2], window: Window) -> Conv {
        Conv::down(channels, window, self.init, self.rng, self.device)
    }

    fn up(&mut self, channels: [usize; 2], window: Window) -> Conv {
        Conv::up(channels, window, self.init, self.rng, self.device)
    }

    fn norm(&mut self, channels: usize) -> Norm {
        Norm::new(channels, 0.0, self.rng, self.device)
    }

    /// Fully connected layers of D.
    fn judging(&mut self, widths: &[usize]) -> Mlp {
        let mlp = self.mlp(widths, [Activation::LeakyRelu(SLOPE); 2], self.dropout);
        match self.spectral_norm {
            true => mlp.with_spectral_norm(self.rng),
            false => mlp,
        }
    }

    /// D's last layer.
    fn verdict(&mut self, features: usize) -> Linear {
        let logit = self.linear([features, 1], Activation::Identity);
        match self.spectral_norm {
            true => logit.with_spectral_norm(self.rng),
            false => logit,
        }
    }

    /// A convolution of D that halves the side.
    fn judging_maps(&mut self, channels: [usize; 2], norm: bool) -> Conv {
        let conv = self.down(channels, Window::new(4, 2, 1));
        let conv = match (self.spectral_norm, norm) {
            (true, _) => conv.with_bias().with_spectral_norm(self.rng),
            (false, true) => conv.with_norm(self.norm(channels[1])),
            (false, false) => conv.with_bias(),
        };
        let conv = conv.with_activation(Activation::LeakyRelu(SLOPE));
        conv.with_dropout(self.dropout)
    }

    /// D's layers after its two branches, which are this wide together.
    fn meeting(&mut self, meet: usize, joint: &[usize]) -> (LinearJoint, Mlp, Linear) {
        let Mlp(mut first) = self.judging(&[meet, joint[0]]);
        let first = LinearJoint::new(first.swap_remove(0));
        let rest = self.judging(joint);
        (first, rest, self.verdict(joint[joint.len() - 1]))
    }
}

/// Sides and channels of the maps of convolutional networks; level 0 is as large as the image,
/// each further one has half the side of that before.
#[derive(Debug, PartialEq)]
struct Pyramid {
    colours: usize,
    sides: Vec<usize>,
    channels: Vec<usize>,
}

/// The largest `width`.
const WIDEST: usize = 1024;
/// How often channels double at most.
const DOUBLINGS: usize = 3;
/// Common sides that the networks take.
const SIDES: [usize; 5] = [28, 32, 64, 128, 256];

impl Pyramid {
    fn new(input: &FeatureShape, width: usize) -> Result<Self> {
        let (found, hint) = match *input {
            FeatureShape::Image {
                height,
                width: across,
                channels: colours,
            } => {
                let halves =
                    |side: &usize| (*side > 7 && side.is_multiple_of(2)).then_some(side / 2);
                let sides: Vec<usize> = std::iter::successors(Some(height), halves).collect();
                if height == across && sides.len() > 1 && sides[sides.len() - 1] <= 7 {
                    let doubled = |level: usize| width << level.min(DOUBLINGS);
                    let channels = (0..sides.len()).map(doubled).collect();
                    return Ok(Self {
                        colours,
                        sides,
                        channels,
                    });
                }
                let far = |side: &usize| side.abs_diff(height.max(across));
                let nearest = SIDES.into_iter().min_by_key(far).unwrap_or(SIDES[0]);
                (
                    format!("images of {across} x {height} pixels"),
                    Note::new("resize them with ").set("image-size", nearest),
                )
            }
            FeatureShape::Row { width } => (
                format!("rows of {width} features"),
                "tables take `networks = \"dense\"` under `[model.networks]`".into(),
            ),
        };
        Err(Error::Mismatch {
            origin: None,
            found,
            expected: "square images of 28, 32, 64, 128 or 256 pixels, which convolutions halve"
                .into(),
            hint: Some(hint),
        })
    }
}

/// Convolutions over images that come and go as rows.
#[derive(Clone, Debug)]
struct Maps {
    /// Height, width and channels of what comes in.
    input: [usize; 3],
    convs: Vec<Conv>,
}

impl Maps {
    /// x [N, H·W·C] → [N, H'·W'·C'].
    fn forward(&self, x: Tensor<2>, pass: Pass, first_layer: u64) -> Tensor<2> {
        let [height, width, channels] = self.input;
        let n = x.dims()[0];
        let mut h = x.reshape([n, height, width, channels]); // [N, H, W, C]
        for (conv, number) in self.convs.iter().zip(first_layer..) {
            h = conv.forward(h, pass, number); // a level up or down
        }
        h.flatten(1, 3) // [N, H'·W'·C']
    }
}

/// E: x [N, size] → z [N, latent].
#[derive(Clone, Debug)]
pub struct Encoder {
    maps: Option<Maps>,
    layers: Mlp,
}

impl Encoder {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        let h = match &self.maps {
            Some(maps) => maps.forward(x, pass, 0), // [N, smallest maps]
            None => x,                              // [N, size]
        };
        self.layers.forward(h, pass, 0) // [N, latent]
    }
}

/// G: z [N, latent] → x [N, size].
#[derive(Clone, Debug)]
pub struct Generator {
    layers: Mlp,
    maps: Option<Maps>,
}

impl Generator {
    fn forward(&self, z: Tensor<2>, pass: Pass) -> Tensor<2> {
        let h = self.layers.forward(z, pass, 0); // [N, smallest maps], or already [N, size]
        match &self.maps {
            Some(maps) => maps.forward(h, pass, 0), // [N, size]
            None => h,
        }
    }
}

/// D: a pair (x [N, size], z [N, latent]) → logit [N, 1] and the features f before it.
#[derive(Clone, Debug)]
pub struct Discriminator {
    maps: Option<Maps>,
    x: Mlp,
    z: Mlp,
    meet: LinearJoint,
    joint: Mlp,
    logit: Linear,
}

impl Discriminator {
    fn forward(&self, x: Tensor<2>, z: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let x = match &self.maps {
            Some(maps) => maps.forward(x, pass, 300), // [N, smallest maps]
            None => x,                                // [N, size]
        };
        // x → [N, last of discriminator_x] and z → [N, last of discriminator_z], then both together →
        // [N, first of discriminator_joint], …
        let (branches, layers) = ([(&self.x, x), (&self.z, z)], [0, 100, 200, 201]);
        let f = self
            .meet
            .forward_between(branches, &self.joint, pass, layers); // [N, last of discriminator_joint]
        (self.logit.forward(f.clone(), pass, 0), f) // [N, 1]
    }
}

/// E, G and D.
#[derive(Clone, Debug)]
pub struct Networks {
    encoder: Encoder,
    generator: Generator,
    discriminator: Discriminator,
}

impl Networks {
    /// The authors' KDD Cup 99 networks, of any width and depth.
    fn dense(
        [size, latent]: [usize; 2],
        [encoder, generator]: [&[usize]; 2],
        [x, z, joint]: [&[usize]; 3],
        start: &mut Start,
    ) -> Self {
        let (leaky, none) = (Activation::LeakyRelu(SLOPE), Activation::Identity);
        let encoder = [&[size], encoder, &[latent]].concat();
        let generator = [&[latent], generator, &[size]].concat();
        let (x, z) = ([&[size], x].concat(), [&[latent], z].concat());
        let meet = x[x.len() - 1] + z[z.len() - 1];

        let encoder = Encoder {
            maps: None,
            layers: start.mlp(&encoder, [leaky, none], 0.0),
        };
        let generator = Generator {
            layers: start.mlp(&generator, [Activation::Relu, none], 0.0),
            maps: None,
        };
        let (x, z) = (start.judging(&x), start.judging(&z));
        let (meet, joint, logit) = start.meeting(meet, joint);
        let discriminator = Discriminator {
            maps: None,
            x,
            z,
            meet,
            joint,
            logit,
        };
        Self {
            encoder,
            generator,
            discriminator,
        }
    }

    /// The authors' MNIST networks, of any width, for images of any side that halves.
    fn convolutional(
        pyramid: &Pyramid,
        latent: usize,
        generator: &[usize],
        [z, joint]: [&[usize]; 2],
        start: &mut Start,
    ) -> Self {
        let Pyramid {
            colours,
            sides,
            channels,
        } = pyramid;
        let (leaky, relu) = (Activation::LeakyRelu(SLOPE), Activation::Relu);
        let deepest = sides.len() - 1;
        let image = [sides[0], sides[0], *colours];
        let smallest = [sides[deepest], sides[deepest], channels[deepest]];
        let flat = smallest.iter().product::<usize>();

        let full = start.down([*colours, channels[0]], Window::new(3, 1, 1));
        let mut convs = vec![full.with_bias().with_activation(leaky)]; // [N, side, side, width]
        for level in 1..=deepest {
            let between = [channels[level - 1], channels[level]];
            let conv = start.down(between, Window::new(3, 2, 1));
            let conv = conv.with_norm(start.norm(between[1]));
            convs.push(conv.with_activation(leaky)); // [N, half, half, twice]
        }
        let encoder = Encoder {
            maps: Some(Maps {
                input: image,
                convs,
            }),
            layers: start.mlp(&[flat, latent], [Activation::Identity; 2], 0.0),
        };

        let widths = [&[latent], generator, &[flat]].concat();
        let mut layers = Vec::new();
        for pair in widths.windows(2) {
            let layer = start.linear([pair[0], pair[1]], relu).without_bias();
            layers.push(layer.with_norm(start.norm(pair[1]))); // [N, dense], …, [N, flat]
        }
        let mut convs = Vec::new();
        for level in (2..=deepest).rev() {
            let between = [channels[level], channels[level - 1]];
            let conv = start.up(between, Window::new(4, 2, 1));
            let conv = conv.with_norm(start.norm(between[1]));
            convs.push(conv.with_activation(relu)); // [N, double, double, half]
        }
        let last = start.up([channels[1], *colours], Window::new(4, 2, 1));
        convs.push(last.with_bias().with_activation(Activation::Tanh)); // [N, side, side, colours]
        let generator = Generator {
            layers: Mlp(layers),
            maps: Some(Maps {
                input: smallest,
                convs,
            }),
        };

        // 2, 2, 4, 8, 8 … times `width`: D stays a level behind E.
        let behind = |level: usize| channels[level.saturating_sub(1).max(1)];
        let mut convs = vec![start.judging_maps([*colours, behind(1)], false)]; // [N, half, half, 2 · width]
        for level in 2..=deepest {
            let between = [behind(level - 1), behind(level)];
            convs.push(start.judging_maps(between, true)); // [N, half, half, …]
        }
        let z = [&[latent], z].concat();
        let meet = sides[deepest] * sides[deepest] * behind(deepest) + z[z.len() - 1];
        let z = start.judging(&z);
        let (meet, joint, logit) = start.meeting(meet, joint);
        let discriminator = Discriminator {
            maps: Some(Maps {
                input: image,
                convs,
            }),
            x: Mlp(Vec::new()),
            z,
            meet,
            joint,
            logit,
        };
        Self {
            encoder,
            generator,
            discriminator,
        }
    }
}

impl Network for Maps {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.convs.visit(path, visitor);
    }
}

fn visit_maps(maps: &mut Option<Maps>, path: &str, visitor: &mut impl Visitor) {
    if let Some(maps) = maps {
        maps.visit(&join(path, "maps"), visitor);
    }
}

impl Network for Encoder {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        visit_maps(&mut self.maps, path, visitor);
        self.layers.visit(path, visitor);
    }
}

impl Network for Generator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.layers.visit(path, visitor);
        visit_maps(&mut self.maps, path, visitor);
    }
}

impl Network for Discriminator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        visit_maps(&mut self.maps, path, visitor);
        self.x.visit(&join(path, "x"), visitor);
        self.z.visit(&join(path, "z"), visitor);
        self.meet.visit(&join(path, "meet"), visitor);
        self.joint.visit(&join(path, "joint"), visitor);
        self.logit.visit(&join(path, "logit"), visitor);
    }
}

impl Network for Networks {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.encoder.visit(&join(path, "encoder"), visitor);
        self.generator.visit(&join(path, "generator"), visitor);
        self.discriminator
            .visit(&join(path, "discriminator"), visitor);
    }
}

/// EGBAD in training.
#[derive(Clone, Debug)]
pub struct Egbad {
    config: EgbadConfig,
    shape: FeatureShape,
    device: Device,
    networks: Networks,
    average: Option<Average<Networks>>,
    encoder_adam: Adam,
    generator_adam: Adam,
    discriminator_adam: Adam,
}

/// D's loss and the logits it was read from.
struct DiscriminatorLoss {
    total: Tensor<1>,
    real: Tensor<2>,
    fake: Tensor<2>,
}

/// The losses of G and E.
struct GeneratorEncoderLoss {
    generator: Tensor<1>,
    encoder: Tensor<1>,
    residual: Option<Tensor<1>>,
}

impl Egbad {
    /// −log D(x, E(x)) − log(1 − D(G(z), z)); gradients reach D only.
    fn discriminator_loss(&self, x: Tensor<2>, z: Tensor<2>, seeds: [u64; 2]) -> DiscriminatorLoss {
        let Networks {
            encoder,
            generator,
            discriminator,
        } = &self.networks;
        let [real, fake] = seeds.map(|dropout| Pass::Train { dropout });
        let still = Pass::Frozen { dropout: 0 };
        let ex = encoder.forward(x.clone(), still); // [N, latent]
        let gz = generator.forward(z.clone(), still); // [N, size]
        let (real, _) = discriminator.forward(x, ex, real); // [N, 1]
        let (fake, _) = discriminator.forward(gz, z, fake); // [N, 1]
        let total = bce_with_logits(real.clone(), 1.0) + bce_with_logits(fake.clone(), 0.0);
        DiscriminatorLoss { total, real, fake }
    }

    /// G: −log D(G(z), z), or feature matching. E: −log(1 − D(x, E(x))) and the survey's residual.
    /// Gradients reach G and E only.
    fn generator_encoder_loss(
        &self,
        x: Tensor<2>,
        z: Tensor<2>,
        seeds: [u64; 2],
    ) -> GeneratorEncoderLoss {
        let Networks {
            encoder,
            generator,
            discriminator,
        } = &self.networks;
        let own = Pass::Train { dropout: 0 };
        let [real, fake] = seeds.map(|dropout| Pass::Frozen { dropout });
        let weight = self.config.residual_weight;
        let moved_by_ex =
            weight > 0.0 && self.config.residual_trains == ResidualTrains::EncoderAndGenerator;
        let gz = match moved_by_ex {
            // The same weights; the copy's running statistics are dropped.
            true => generator.clone().forward(z.clone(), own), // [N, size]
            false => generator.forward(z.clone(), own),        // [N, size]
        };
        let ex = encoder.forward(x.clone(), own); // [N, latent]
        let (fake, f_fake) = discriminator.forward(gz, z, fake); // [N, 1], [N, f]
        let (real, f_real) = discriminator.forward(x.clone(), ex.clone(), real); // [N, 1], [N, f]
        let generator_loss = match self.config.generator_loss {
            GeneratorLoss::CrossEntropy => bce_with_logits(fake, 1.0),
            GeneratorLoss::FeatureMatching => {
                mse(f_fake.mean_dim(0), f_real.detach().mean_dim(0)) // of [1, f]
            }
        };
        let adversarial = bce_with_logits(real, 0.0);
        let ruler = match self.config.residual_trains {
            // Running statistics: see departure 10.
            ResidualTrains::Encoder => Pass::Score,
            ResidualTrains::EncoderAndGenerator => own,
        };
        let residual = (weight > 0.0).then(|| l1(generator.forward(ex, ruler), x));
        let encoder = match &residual {
            Some(residual) => adversarial + residual.clone() * weight,
            None => adversarial,
        };
        GeneratorEncoderLoss {
            generator: generator_loss,
            encoder,
            residual,
        }
    }

    /// The networks that score: averaged if the configuration says so.
    fn scoring_networks(&self) -> &Networks {
        scoring(&self.networks, &self.average)
    }
}

impl Adversarial for Egbad {
    fn latent(&self) -> usize {
        self.config.latent
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let (n, size, latent) = (batch.len, self.shape.size(), self.config.latent);
        let rows = |v| tensor::<2>(v, [n, size], &self.device); // [N, size]
        let noise = |v| tensor::<2>(v, [n, latent], &self.device); // [N, latent]
        let rate = context.learning_rate_scale;
        let seeds = context.dropout_seeds::<4>();

        let (x, z) = (rows(batch.x), noise(batch.z));
        let DiscriminatorLoss { total, real, fake } =
            self.discriminator_loss(x, z, [seeds[0], seeds[1]]);
        let mut grads = total.backward();
        let d = &mut self.networks.discriminator;
        self.discriminator_adam.step(d, &mut grads, rate)?;
        drop(grads);

        // Another batch and fresh noise, as in the authors' loop.
        let (x, z) = (
            tensor::<2>(batch.x_other, [n, size], &self.device),
            tensor::<2>(batch.z_other, [n, latent], &self.device),
        );
        let losses = self.generator_encoder_loss(x, z, [seeds[2], seeds[3]]);
        let mut grads = (losses.generator.clone() + losses.encoder.clone()).backward();
        self.generator_adam
            .step(&mut self.networks.generator, &mut grads, rate)?;
        self.encoder_adam
            .step(&mut self.networks.encoder, &mut grads, rate)?;
        drop(grads);

        if let Some(average) = &mut self.average {
            let decay = match self.config.networks {
                EgbadNetworks::Dense { .. } => self.config.ema,
                EgbadNetworks::Convolutional { .. } => warmed(self.config.ema, context.step), // departure 8
            };
            average.update(&self.networks, decay);
        }
        let mut report = Losses::new(&[
            ("discriminator", &total),
            ("generator", &losses.generator),
            ("encoder", &losses.encoder),
        ]);
        if let Some(residual) = &losses.residual {
            report.push("residual", residual);
        }
        report.push_probability("d_real", real);
        report.push_probability("d_fake", fake);
        Ok(report)
    }

    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>> {
        let rule = |score: EgbadScore| Ok((score.name().to_owned(), score.rule(held_out)?));
        chosen_first(self.config.score, &EgbadScore::ALL, rule)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(EgbadScorer {
            networks: self.scoring_networks().clone(),
            shape: self.shape.clone(),
            latent: self.config.latent,
            reduction: self.config.reduction,
            device: self.device.clone(),
        })
    }

    fn save(&self, arrays: &mut Arrays) {
        save_averaged(&self.networks, &self.average, arrays);
        self.encoder_adam.save("adam.encoder", arrays);
        self.generator_adam.save("adam.generator", arrays);
        self.discriminator_adam.save("adam.discriminator", arrays);
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        restore_averaged(&mut self.networks, &mut self.average, arrays)?;
        let Networks {
            encoder,
            generator,
            discriminator,
        } = &self.networks;
        self.encoder_adam.restore(encoder, "adam.encoder", arrays)?;
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

/// A trained EGBAD: scores, and nothing else.
struct EgbadScorer {
    networks: Networks,
    shape: FeatureShape,
    latent: usize,
    reduction: Reduction,
    device: Device,
}

/// The stream of [`Purpose::Latent`] that shown samples are drawn from; steps, which have the
/// others, do not get there.
const SHOWN: u64 = u64::MAX >> 8;

impl EgbadScorer {
    /// x [N, size] → E(x) [N, latent], G(E(x)) [N, size].
    fn reconstruct(&self, x: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let z = self.networks.encoder.forward(x.clone(), Pass::Score);
        let x_hat = self.networks.generator.forward(z.clone(), Pass::Score);
        (z, x_hat)
    }
}

impl Scorer for EgbadScorer {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        let size = self.shape.size();
        let reduction = self.reduction.into();
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, size], &self.device); // [N, size]
            let (z, x_hat) = self.reconstruct(&x); // [N, latent], [N, size]
            let d = &self.networks.discriminator;
            let (_, f) = d.forward(x.clone(), z.clone(), Pass::Score); // [N, f]
            let (logit, f_hat) = d.forward(x_hat.clone(), z, Pass::Score); // [N, 1], [N, f]
            vec![
                (RESIDUAL, values(l1_rows(x, x_hat, reduction))), // [N]
                (FEATURE, values(l1_rows(f, f_hat, reduction))),  // [N]
                (
                    CROSS_ENTROPY,
                    values(bce_with_logits_rows(logit, 1.0, reduction)),
                ), // [N]
            ]
        })
    }

    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        let size = self.shape.size();
        let mut all = Vec::with_capacity(features.values().len());
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, size], &self.device); // [N, size]
            let (_, x_hat) = self.reconstruct(&x);
            all.extend(values((x - x_hat).abs())); // [N, size]
            Vec::new()
        })?;
        Ok(all)
    }

    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        let size = self.shape.size();
        let mut all = Vec::with_capacity(features.values().len());
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, size], &self.device); // [N, size]
            let (_, x_hat) = self.reconstruct(&x);
            all.extend(values(x_hat)); // [N, size]
            Vec::new()
        })?;
        Ok(Some(all))
    }

    fn generated(&self, count: usize, seed: u64) -> Option<Vec<f32>> {
        let latent = self.latent;
        let noise = normals(&mut rng::rng(seed, Purpose::Latent, SHOWN), count * latent);
        let mut all = Vec::with_capacity(count * self.shape.size());
        for z in noise.chunks(scoring_batch(&self.shape) * latent) {
            let n = z.len() / latent;
            let z = tensor::<2>(z.to_vec(), [n, latent], &self.device); // [N, latent]
            all.extend(values(self.networks.generator.forward(z, Pass::Score))); // [N, size]
        }
        Some(all)
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        network_arrays(&self.networks, "", &mut arrays);
        arrays
    }
}

#[cfg(test)]
#[path = "egbad_golden.rs"]
mod golden;
#[cfg(test)]
#[path = "egbad_images.rs"]
mod images;
