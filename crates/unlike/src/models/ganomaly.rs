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
//! | paper             | here                                                              |
//! |-------------------|-------------------------------------------------------------------|
//! | G                 | [`Generator`]: E, the decoder and E′                              |
//! | G_E, G_D, E       | its `encoder`, `decoder` and `second_encoder`                     |
//! | D, f              | [`Discriminator`] and all of it but its last layer                |
//! | L_adv, w_adv      | the loss `adversarial`: mean (f(x̂) − f(x))²; weight 1; [`AdversarialLoss`] |
//! | L_con, w_con      | the loss `reconstruction`: mean \|x̂ − x\|; weight 50              |
//! | L_enc, w_enc      | the loss `latent`: mean (ẑ − z)²; weight 1                        |
//! | D's loss          | `discriminator`: half of −log D(x) − log(1 − D(x̂))                |
//! | A(x)              | the part and the score `latent`: mean (z − ẑ)²                    |
//!
//! The paper prints L1 for A(x), and its authors' code has the mean of squares, which gave the
//! published numbers: [`LatentNorm`]. Di Mattia et al., *A Survey on GANs for Anomaly Detection* (arXiv
//! 1906.11632, section 3), also train with cross-entropy as L_adv. Where the two differ in the learning rate (2e-3, 2e-4),
//! [`GanomalyConfig::paper`] follows the code too.
//!
//! The score has two further parts: `reconstruction`, mean |x − x̂|, and `feature`,
//! mean (f(x) − f(x̂))². They may contradict `latent`: a digit 1 among other digits is rebuilt well
//! and still unusual. All three are reported for every sample.
//!
//! Departures from the authors' code, each with its reason:
//! 1. Scoring uses batch norm's running statistics. Theirs uses those of the test batch, so that a
//!    score depends on its neighbours, and gives the label away where batches are nearly pure.
//! 2. The score is not scaled to the range of the test set: a sample can be scored alone.
//! 3. Images are in [−1, 1], the decoder's range. Theirs reach 2.8, which tanh cannot rebuild.
//! 4. D runs once on x and once on x̂, and both losses read from it (on tables, where D costs little, it
//!    runs on x̂ for each). Theirs runs twice on each. The gradients are the same; D's running
//!    statistics move once per batch and not twice.
//! 5. D drawn anew starts with a fresh optimiser, running statistics and average. Theirs keeps the
//!    optimiser's moments, which belong to weights that are gone.
//! 6. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//! 7. Tables get fully connected networks without batch norm, and a decoder without tanh, because
//!    new rows may leave the range of training. The paper has no tables.
//! 8. Images start from 16 channels, not 64: as good on MNIST at a sixteenth of the work.
//!
//! An option of neither: spectral normalisation of D ([`GanomalyConfig::spectral_norm`]).

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{
    Arrays, Error, FeatureShape, Features, Note, Result, ScoreParts, ScoreRule, Scorer,
    check_setting,
};
use unlike_kernels::{Reduction, bce_with_logits, l1, l1_rows, mse, mse_rows};

use super::{Adversarial, Batch, Kind, Losses, StepContext, chosen_first, in_batches};
use crate::{
    backend::{Device, Tensor, tensor, values},
    nn::{
        Activation, Adam, AdamConfig, Average, Conv, Init, Mlp, Network, Norm, Pass, Visitor,
        Window, join, network_arrays, restore_averaged, restore_network, save_averaged, scoring,
        warmed,
    },
    rng::{self, Purpose},
};

/// The leaky ReLU of both encoders and of D (authors' code).
const LEAKY: Activation = Activation::LeakyRelu(0.2);
/// Standard deviation of batch norm's first γ around 1 (authors' code).
const GAMMA_SPREAD: f32 = 0.02;
/// GANomaly drops nothing.
const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

/// Halves the side of an image, or doubles it.
const HALVE: Window = Window::new(4, 2, 1);
/// Keeps it.
const KEEP: Window = Window::new(3, 1, 1);
/// From 4 × 4 to a single pixel, or back.
const WHOLE: Window = Window::new(4, 1, 0);

/// Shapes, losses and score of GANomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanomalyConfig {
    /// Length of z. For tables at most a quarter of the features, or half of fewer than 8, so that z
    /// is a bottleneck there too (ADBench's rule).
    pub latent: usize,
    /// The layers of all networks.
    pub networks: GanomalyNetworks,
    /// First weights.
    pub init: Init,
    /// Both networks' optimisers.
    pub adam: AdamConfig,
    /// Decay of the weights' moving average, which scores; 0, the paper, scores with the weights
    /// themselves.
    pub ema: f32,
    /// Divides every weight of D by its largest singular value, in place of batch norm (Miyato et al.
    /// 2018, [`Spectral`](crate::nn::Spectral)): to be tried where D wins, that is where `d_real` stays
    /// near 1 and `d_fake` near 0.
    #[serde(default)]
    pub spectral_norm: bool,
    /// What G minimises to deceive D.
    #[serde(default)]
    pub adversarial_loss: AdversarialLoss,
    /// w_adv: weight of that loss in G's.
    pub adversarial_weight: f32,
    /// w_con: weight of mean |x̂ − x| in G's loss.
    pub reconstruction_weight: f32,
    /// w_enc: weight of mean (ẑ − z)² in G's loss.
    pub latent_weight: f32,
    /// D is drawn anew after a step in which its loss was below this (authors' code: 1e-5): it has
    /// won, and G learns nothing more from it. `d_reinitialised` among the losses is the share of
    /// steps in which that happened; it should stay at 0. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reinitialise_below: Option<f32>,
    /// How the part `latent` compares z and ẑ.
    pub latent_norm: LatentNorm,
    /// The score that [`Detector::score`](unlike_core::Detector::score) gives.
    pub score: GanomalyScore,
}

/// The layers of E, decoder, E′ and D. The name in a file is the field `networks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "networks", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GanomalyNetworks {
    /// Fully connected, for tables.
    Dense {
        /// Widths of E's and E′'s hidden layers; the decoder has them in reverse.
        encoder: Vec<usize>,
        /// Widths of D's hidden layers; the last one is the feature layer f.
        discriminator: Vec<usize>,
    },
    /// The paper's convolutions, for square images whose side is a power of two: each layer halves
    /// the side and doubles the channels, down to 4 × 4 pixels.
    Convolutional {
        /// Channels after the first layer.
        width: usize,
        /// Further 3 × 3 layers at half the image's side; 0 in the paper.
        extra_layers: usize,
    },
}

/// What G minimises to deceive D (the survey's training variants, its table 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdversarialLoss {
    /// mean (f(x̂) − f(x))²: the paper and its authors' code.
    #[default]
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

/// The scores that GANomaly offers; every one can be chosen when scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GanomalyScore {
    /// `latent`: the paper.
    Latent,
    /// The three parts, each in units of its spread over held-out normals.
    Combined,
    /// `reconstruction` alone.
    Reconstruction,
    /// `feature` alone.
    Feature,
}

impl GanomalyScore {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Latent,
        Self::Combined,
        Self::Reconstruction,
        Self::Feature,
    ];

    /// The name in configurations, flags and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latent => LATENT,
            Self::Combined => "combined",
            Self::Reconstruction => RECONSTRUCTION,
            Self::Feature => FEATURE,
        }
    }

    /// The rule, fitted where it needs to be on the parts of held-out normals.
    fn rule(self, held_out: &ScoreParts) -> Result<ScoreRule> {
        Ok(match self {
            Self::Latent => ScoreRule::single(LATENT),
            Self::Combined => {
                ScoreRule::fit_combined(held_out, &[RECONSTRUCTION, LATENT, FEATURE])?
            }
            Self::Reconstruction => ScoreRule::single(RECONSTRUCTION),
            Self::Feature => ScoreRule::single(FEATURE),
        })
    }
}

/// The first part, whose mean over held-out normals chooses the epoch: it alone is in units of the
/// input. The scale of z and f is the networks' own and moves from epoch to epoch, so that a smaller
/// difference need not be a better one.
const RECONSTRUCTION: &str = "reconstruction";
const LATENT: &str = "latent";
const FEATURE: &str = "feature";

impl GanomalyConfig {
    /// The authors' setting (their `options.py`), for images of 32 × 32. Train it with batches of
    /// 64 for 15 epochs. Tables, which the paper has none of, get the networks of
    /// [`recommended`](Self::recommended).
    pub fn paper(kind: Kind) -> Self {
        let (networks, latent, init) = match kind {
            Kind::Images => (
                GanomalyNetworks::Convolutional {
                    width: 64,
                    extra_layers: 0,
                },
                100,
                Init::Normal { sd: 0.02 },
            ),
            Kind::Table => (
                GanomalyNetworks::Dense {
                    encoder: vec![64, 32],
                    discriminator: vec![64, 32],
                },
                16,
                Init::Xavier,
            ),
        };
        Self {
            latent,
            networks,
            init,
            adam: AdamConfig {
                learning_rate: 2e-4,
                beta1: 0.5,
                beta2: 0.999,
                clip: None,
            },
            ema: 0.0,
            spectral_norm: false,
            adversarial_loss: AdversarialLoss::FeatureMatching,
            adversarial_weight: 1.0,
            reconstruction_weight: 50.0,
            latent_weight: 1.0,
            reinitialise_below: Some(1e-5),
            latent_norm: LatentNorm::Squared,
            score: GanomalyScore::Latent,
        }
    }

    /// What works: for images the paper's networks with a quarter of their channels and the
    /// paper's score, for tables all three parts together.
    pub fn recommended(kind: Kind) -> Self {
        let paper = Self::paper(kind);
        match kind {
            Kind::Images => Self {
                networks: GanomalyNetworks::Convolutional {
                    width: 16,
                    extra_layers: 0,
                },
                ..paper
            },
            Kind::Table => Self {
                score: GanomalyScore::Combined,
                ..paper
            },
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
    ) -> Result<Ganomaly> {
        let Self {
            latent: _,
            networks: _,
            init: _,
            adam,
            ema,
            spectral_norm: _,
            adversarial_loss: _,
            adversarial_weight: _,
            reconstruction_weight: _,
            latent_weight: _,
            reinitialise_below: _,
            latent_norm: _,
            score: _,
        } = self;
        self.check()?;
        let plan = Plan::new(self, input)?;
        let draw = &mut Draw::new(self, rng, device);
        let networks = Networks {
            generator: plan.generator(draw),
            discriminator: plan.discriminator(draw),
        };
        Ok(Ganomaly {
            config: self.clone(),
            shape: input.clone(),
            plan,
            device: device.clone(),
            average: (*ema > 0.0).then(|| Average::new(&networks)),
            networks,
            generator_adam: Adam::new(*adam),
            discriminator_adam: Adam::new(*adam),
        })
    }

    /// Refuses settings outside their ranges.
    fn check(&self) -> Result<()> {
        check_setting("latent", self.latent, self.latent > 0, "at least 1")?;
        match &self.networks {
            GanomalyNetworks::Dense {
                encoder,
                discriminator,
            } => {
                let expected = "one positive width per hidden layer";
                let holds = !encoder.contains(&0);
                check_setting("networks.encoder", format!("{encoder:?}"), holds, expected)?;
                check_setting(
                    "networks.discriminator",
                    format!("{discriminator:?}"),
                    !discriminator.is_empty() && !discriminator.contains(&0),
                    "one positive width per hidden layer; the last is the feature layer",
                )?;
            }
            GanomalyNetworks::Convolutional { width, .. } => {
                check_setting("networks.width", width, *width > 0, "at least 1")?;
            }
        }
        check_setting(
            "ema",
            self.ema,
            (0.0..1.0).contains(&self.ema),
            "from 0 up to, not including, 1",
        )?;
        for (name, weight) in [
            ("adversarial_weight", self.adversarial_weight),
            ("reconstruction_weight", self.reconstruction_weight),
            ("latent_weight", self.latent_weight),
        ] {
            let holds = weight >= 0.0 && weight.is_finite();
            check_setting(name, weight, holds, "0 or more")?;
        }
        let limit = self.reinitialise_below.unwrap_or(1.0);
        check_setting(
            "reinitialise_below",
            limit,
            limit > 0.0 && limit.is_finite(),
            "above 0",
        )
    }
}

/// The largest side that a hint proposes.
const LARGEST_HINT: usize = 256;

/// All sizes of the networks for one shape of samples.
#[derive(Clone, Debug)]
enum Plan {
    Dense {
        features: usize,
        latent: usize,
        encoder: Vec<usize>,
        discriminator: Vec<usize>,
    },
    Pyramid {
        side: usize,
        channels: usize,
        latent: usize,
        width: usize,
        extra_layers: usize,
    },
}

impl Plan {
    fn new(config: &GanomalyConfig, input: &FeatureShape) -> Result<Self> {
        let kinds = |found: &str, expected: &str| Error::Setting {
            name: "networks.networks".into(),
            found: format!("`{found}`"),
            expected: expected.into(),
            hint: None,
        };
        match (&config.networks, input) {
            (
                GanomalyNetworks::Dense {
                    encoder,
                    discriminator,
                },
                &FeatureShape::Row { width },
            ) => {
                let bottleneck = if width < 8 { width / 2 } else { width / 4 };
                Ok(Self::Dense {
                    features: width,
                    latent: config.latent.min(bottleneck.max(1)),
                    encoder: encoder.clone(),
                    discriminator: discriminator.clone(),
                })
            }
            (
                GanomalyNetworks::Convolutional {
                    width,
                    extra_layers,
                },
                &FeatureShape::Image {
                    height,
                    width: columns,
                    channels,
                },
            ) => {
                let side = height;
                if height != columns || side < 16 || !side.is_power_of_two() {
                    let near = height.max(columns).min(LARGEST_HINT).next_power_of_two();
                    let near = near.max(16);
                    return Err(Error::Mismatch {
                        origin: None,
                        found: format!("images of {columns} × {height} pixels"),
                        expected:
                            "squares with a side of 16, 32, 64, 128 or 256 (any power of two \
                                   from 16), because each layer halves it down to 4"
                                .into(),
                        hint: Some(
                            Note::new(format!("read them at {near} × {near} with "))
                                .set("image-size", near),
                        ),
                    });
                }
                Ok(Self::Pyramid {
                    side,
                    channels,
                    latent: config.latent,
                    width: *width,
                    extra_layers: *extra_layers,
                })
            }
            (GanomalyNetworks::Dense { .. }, FeatureShape::Image { .. }) => {
                Err(kinds("dense", "`convolutional` for images"))
            }
            (GanomalyNetworks::Convolutional { .. }, FeatureShape::Row { .. }) => {
                Err(kinds("convolutional", "`dense` for a table"))
            }
        }
    }

    /// E, the decoder and E′.
    fn generator(&self, draw: &mut Draw<'_>) -> Generator {
        Generator {
            encoder: Encoder(self.encoder(draw)),
            decoder: Decoder(self.decoder(draw)),
            second_encoder: Encoder(self.encoder(draw)),
        }
    }

    /// x → z.
    fn encoder(&self, draw: &mut Draw<'_>) -> Layers {
        match self {
            Self::Dense {
                features,
                latent,
                encoder,
                ..
            } => draw.mlp(&[&[*features], &encoder[..], &[*latent]].concat(), LEAKY),
            Self::Pyramid {
                side,
                channels,
                latent,
                ..
            } => {
                let (mut layers, width) = self.halving(draw, false);
                layers.push(draw.down([width, *latent], WHOLE)); // [N, 1, 1, latent]
                Layers::Convolutions(layers, [*side, *side, *channels])
            }
        }
    }

    /// z → x.
    fn decoder(&self, draw: &mut Draw<'_>) -> Layers {
        let relu = Activation::Relu;
        match self {
            Self::Dense {
                features,
                latent,
                encoder,
                ..
            } => {
                let hidden: Vec<usize> = encoder.iter().rev().copied().collect();
                draw.mlp(&[&[*latent], &hidden[..], &[*features]].concat(), relu)
            }
            &Self::Pyramid {
                side,
                channels,
                latent,
                width,
                extra_layers,
            } => {
                let mut deep = width * side / 8;
                let mut layers = vec![draw.normalised_up([latent, deep], WHOLE, relu)]; // 4 × 4
                while deep > width {
                    layers.push(draw.normalised_up([deep, deep / 2], HALVE, relu));
                    deep /= 2;
                }
                for _ in 0..extra_layers {
                    layers.push(draw.normalised_down([width, width], KEEP, relu)); // side / 2
                }
                let last = draw.up([width, channels], HALVE); // [N, side, side, channels]
                layers.push(last.with_activation(Activation::Tanh));
                Layers::Convolutions(layers, [1, 1, latent])
            }
        }
    }

    /// x → f, and f → the logit.
    fn discriminator(&self, draw: &mut Draw<'_>) -> Discriminator {
        match self {
            Self::Dense {
                features,
                discriminator,
                ..
            } => {
                let widths = [&[*features], &discriminator[..]].concat();
                let mut layers = draw.dense(&[&widths[..], &[1]].concat(), LEAKY);
                if draw.spectral_norm {
                    layers = layers.with_spectral_norm(draw.rng);
                }
                let Mlp(mut layers) = layers;
                let logit = layers.split_off(discriminator.len());
                Discriminator {
                    features: Layers::Dense(Mlp(layers)),
                    logit: Layers::Dense(Mlp(logit)),
                }
            }
            Self::Pyramid { side, channels, .. } => {
                let (layers, width) = self.halving(draw, draw.spectral_norm);
                let mut logit = draw.down([width, 1], WHOLE); // [N, 1, 1, 1]
                if draw.spectral_norm {
                    logit = logit.with_spectral_norm(draw.rng);
                }
                Discriminator {
                    features: Layers::Convolutions(layers, [*side, *side, *channels]),
                    logit: Layers::Convolutions(vec![logit], [4, 4, width]),
                }
            }
        }
    }

    /// The layers of an encoder, or of D, from x to 4 × 4 pixels, and the channels there.
    /// `spectral` norm takes the place of batch norm.
    fn halving(&self, draw: &mut Draw<'_>, spectral: bool) -> (Vec<Conv>, usize) {
        let &Self::Pyramid {
            side,
            channels,
            width,
            extra_layers,
            ..
        } = self
        else {
            return (Vec::new(), 0);
        };
        let first = match spectral {
            true => draw.spectral_down([channels, width], HALVE),
            false => draw.down([channels, width], HALVE),
        };
        let mut normalised = |channels, window| match spectral {
            true => draw.spectral_down(channels, window).with_bias(), // batch norm had β
            false => draw.normalised_down(channels, window, Activation::Identity),
        };
        let mut layers = vec![first.with_activation(LEAKY)]; // side / 2
        for _ in 0..extra_layers {
            layers.push(normalised([width, width], KEEP).with_activation(LEAKY));
        }
        let (mut side, mut width) = (side / 2, width);
        while side > 4 {
            layers.push(normalised([width, 2 * width], HALVE).with_activation(LEAKY));
            width *= 2;
            side /= 2;
        }
        (layers, width)
    }
}

/// Where first weights come from and go to.
struct Draw<'a> {
    init: Init,
    /// In D.
    spectral_norm: bool,
    rng: &'a mut ChaCha8Rng,
    device: &'a Device,
}

impl<'a> Draw<'a> {
    fn new(config: &GanomalyConfig, rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        Self {
            init: config.init,
            spectral_norm: config.spectral_norm,
            rng,
            device,
        }
    }

    fn dense(&mut self, widths: &[usize], hidden: Activation) -> Mlp {
        let activations = [hidden, Activation::Identity];
        Mlp::new(widths, activations, 0.0, self.init, self.rng, self.device)
    }

    fn mlp(&mut self, widths: &[usize], hidden: Activation) -> Layers {
        Layers::Dense(self.dense(widths, hidden))
    }

    /// The authors' convolutions have no biases, with or without batch norm.
    fn down(&mut self, channels: [usize; 2], window: Window) -> Conv {
        Conv::down(channels, window, self.init, self.rng, self.device)
    }

    fn up(&mut self, channels: [usize; 2], window: Window) -> Conv {
        Conv::up(channels, window, self.init, self.rng, self.device)
    }

    fn spectral_down(&mut self, channels: [usize; 2], window: Window) -> Conv {
        let conv = self.down(channels, window);
        conv.with_spectral_norm(self.rng)
    }

    fn normalised_down(&mut self, channels: [usize; 2], window: Window, act: Activation) -> Conv {
        let conv = self.down(channels, window);
        conv.with_norm(self.norm(channels[1])).with_activation(act)
    }

    fn normalised_up(&mut self, channels: [usize; 2], window: Window, act: Activation) -> Conv {
        let conv = self.up(channels, window);
        conv.with_norm(self.norm(channels[1])).with_activation(act)
    }

    fn norm(&mut self, channels: usize) -> Norm {
        Norm::new(channels, GAMMA_SPREAD, self.rng, self.device)
    }
}

/// Layers one after the other. From outside, images are rows too, their channels innermost.
#[derive(Clone, Debug)]
enum Layers {
    Dense(Mlp),
    /// And the input's height, width and channels.
    Convolutions(Vec<Conv>, [usize; 3]),
}

impl Layers {
    /// [N, inputs] → [N, outputs].
    fn forward(&self, h: Tensor<2>, pass: Pass) -> Tensor<2> {
        match self {
            Self::Dense(mlp) => mlp.forward(h, pass, 0), // [N, outputs]
            Self::Convolutions(layers, [height, width, channels]) => {
                let [n, _] = h.dims();
                let mut h = h.reshape([n, *height, *width, *channels]); // [N, H, W, C]
                for layer in layers {
                    h = layer.forward(h, pass, 0); // [N, H', W', C']
                }
                h.flatten(1, 3) // [N, H'·W'·C']
            }
        }
    }

    /// For two losses: gradients of the first result go on to what made h, those of the second to the
    /// weights. [N, inputs] → [N, outputs], the same numbers twice.
    fn forward_twice(&self, h: Tensor<2>) -> [Tensor<2>; 2] {
        let roles = [h.clone(), h.detach()];
        match self {
            Self::Dense(_) => {
                let [frozen, trained] = roles;
                [self.forward(frozen, FROZEN), self.forward(trained, TRAIN)] // [N, outputs]
            }
            Self::Convolutions(layers, [height, width, channels]) => {
                let [n, _] = roles[0].dims();
                let mut roles = roles.map(|h| h.reshape([n, *height, *width, *channels])); // [N, H, W, C]
                for layer in layers {
                    roles = layer.forward_twice(roles, 0, 0); // [N, H', W', C']
                }
                roles.map(|h| h.flatten(1, 3)) // [N, H'·W'·C']
            }
        }
    }
}

/// E and E′: x [N, features] → z [N, latent].
#[derive(Clone, Debug)]
pub struct Encoder(Layers);

/// z [N, latent] → x̂ [N, features].
#[derive(Clone, Debug)]
pub struct Decoder(Layers);

/// G: x → z → x̂ → ẑ.
#[derive(Clone, Debug)]
pub struct Generator {
    encoder: Encoder,
    decoder: Decoder,
    second_encoder: Encoder,
}

/// What G makes of x.
struct Rebuilt {
    /// [N, latent]
    z: Tensor<2>,
    /// [N, features]
    x_hat: Tensor<2>,
    /// [N, latent]
    z_hat: Tensor<2>,
}

impl Generator {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> Rebuilt {
        let (z, x_hat) = self.reconstruct(x, pass); // [N, latent], [N, features]
        let z_hat = self.second_encoder.0.forward(x_hat.clone(), pass); // [N, latent]
        Rebuilt { z, x_hat, z_hat }
    }

    fn reconstruct(&self, x: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let z = self.encoder.0.forward(x, pass); // [N, latent]
        let x_hat = self.decoder.0.forward(z.clone(), pass); // [N, features]
        (z, x_hat)
    }
}

/// D: x [N, features] → its features f [N, F] and the logit [N, 1] after them.
#[derive(Clone, Debug)]
pub struct Discriminator {
    features: Layers,
    logit: Layers,
}

impl Discriminator {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let f = self.features.forward(x, pass); // [N, F]
        (self.logit.forward(f.clone(), pass), f) // [N, 1]
    }
}

/// G and D.
#[derive(Clone, Debug)]
pub struct Networks {
    generator: Generator,
    discriminator: Discriminator,
}

impl Network for Layers {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        match self {
            Self::Dense(mlp) => mlp.visit(path, visitor),
            Self::Convolutions(layers, _) => layers.visit(path, visitor),
        }
    }
}

impl Network for Generator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.encoder.0.visit(&join(path, "encoder"), visitor);
        self.decoder.0.visit(&join(path, "decoder"), visitor);
        self.second_encoder
            .0
            .visit(&join(path, "second_encoder"), visitor);
    }
}

impl Network for Discriminator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.features.visit(&join(path, "features"), visitor);
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

/// GANomaly in training.
#[derive(Clone, Debug)]
pub struct Ganomaly {
    config: GanomalyConfig,
    shape: FeatureShape,
    plan: Plan,
    device: Device,
    networks: Networks,
    average: Option<Average<Networks>>,
    generator_adam: Adam,
    discriminator_adam: Adam,
}

/// G's loss and its terms, unweighted.
struct GeneratorLoss {
    total: Tensor<1>,
    adversarial: Tensor<1>,
    reconstruction: Tensor<1>,
    latent: Tensor<1>,
}

/// What D's loss takes over from G's, where D has run already: D's logits, whose gradients reach D.
struct Seen {
    /// For x [N, 1].
    real: Tensor<2>,
    /// For x̂ [N, 1].
    fake: Tensor<2>,
}

impl Ganomaly {
    /// w_adv·L_adv + w_con·mean |x̂ − x| + w_enc·mean (ẑ − z)²; gradients reach G
    /// only. The last term pulls at E and at E′: neither z nor ẑ is detached.
    fn generator_loss(&self, x: Tensor<2>) -> (GeneratorLoss, Seen) {
        let Networks {
            generator,
            discriminator,
        } = &self.networks;
        let Rebuilt { z, x_hat, z_hat } = generator.forward(x.clone(), TRAIN);
        // D runs once on x and once on x̂, for this loss and for its own.
        let (real, f) = discriminator.forward(x.clone(), TRAIN); // [N, 1], [N, F]
        let [f_hat, f_fake] = discriminator.features.forward_twice(x_hat.clone()); // [N, F]
        let fake = discriminator.logit.forward(f_fake, TRAIN); // [N, 1]
        let adversarial = match self.config.adversarial_loss {
            AdversarialLoss::FeatureMatching => mse(f_hat, f.detach()),
            AdversarialLoss::CrossEntropy => {
                bce_with_logits(discriminator.logit.forward(f_hat, FROZEN), 1.0) // of [N, 1]
            }
        };
        let reconstruction = l1(x_hat, x);
        let latent = mse(z_hat, z);
        let total = adversarial.clone() * self.config.adversarial_weight
            + reconstruction.clone() * self.config.reconstruction_weight
            + latent.clone() * self.config.latent_weight;
        (
            GeneratorLoss {
                total,
                adversarial,
                reconstruction,
                latent,
            },
            Seen { real, fake },
        )
    }

    /// (−log D(x) − log(1 − D(x̂))) / 2; gradients reach D only.
    fn discriminator_loss(Seen { real, fake }: &Seen) -> Tensor<1> {
        (bce_with_logits(real.clone(), 1.0) + bce_with_logits(fake.clone(), 0.0)) * 0.5
    }

    /// Draws D anew from the run's seed and this step. Index 0 is that of the first weights.
    fn reinitialise_discriminator(&mut self, context: &StepContext) {
        let mut rng = rng::rng(context.seed, Purpose::Initialisation, context.step + 1);
        let draw = &mut Draw::new(&self.config, &mut rng, &self.device);
        let discriminator = self.plan.discriminator(draw);
        if let Some(average) = &mut self.average {
            average.network.discriminator = discriminator.clone();
        }
        self.networks.discriminator = discriminator;
        self.discriminator_adam = Adam::new(self.config.adam);
    }

    /// The networks that score: averaged if the configuration says so.
    fn scoring_networks(&self) -> &Networks {
        scoring(&self.networks, &self.average)
    }
}

impl Adversarial for Ganomaly {
    /// No noise is drawn: z comes from x.
    fn latent(&self) -> usize {
        0
    }

    fn needs_other_samples(&self) -> bool {
        false
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let size = self.shape.size();
        let x = tensor::<2>(batch.x, [batch.len, size], &self.device); // [N, features]
        let rate = context.learning_rate_scale;

        // Both losses are read from D as it is before either update, as in the authors' loop.
        let (g, seen) = self.generator_loss(x);
        let mut grads = g.total.backward();
        self.generator_adam
            .step(&mut self.networks.generator, &mut grads, rate)?;
        drop(grads);

        let d = Self::discriminator_loss(&seen);
        let mut grads = d.backward();
        self.discriminator_adam
            .step(&mut self.networks.discriminator, &mut grads, rate)?;
        drop(grads);

        if let Some(average) = &mut self.average {
            average.update(&self.networks, warmed(self.config.ema, context.step));
        }
        let mut report = Losses::new(&[
            ("discriminator", &d),
            ("generator", &g.total),
            (RECONSTRUCTION, &g.reconstruction),
            (LATENT, &g.latent),
            ("adversarial", &g.adversarial),
        ]);
        report.push_probability("d_real", seen.real);
        report.push_probability("d_fake", seen.fake);
        if let Some(limit) = self.config.reinitialise_below {
            let won = report.0[0].1 < f64::from(limit);
            if won {
                self.reinitialise_discriminator(context);
            }
            report.0.push(("d_reinitialised", f64::from(u8::from(won))));
        }
        Ok(report)
    }

    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>> {
        let rule = |score: GanomalyScore| Ok((score.name().to_owned(), score.rule(held_out)?));
        chosen_first(self.config.score, &GanomalyScore::ALL, rule)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(GanomalyScorer {
            networks: self.scoring_networks().clone(),
            shape: self.shape.clone(),
            latent_norm: self.config.latent_norm,
            device: self.device.clone(),
        })
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

/// A trained GANomaly: scores, and nothing else.
struct GanomalyScorer {
    networks: Networks,
    shape: FeatureShape,
    latent_norm: LatentNorm,
    device: Device,
}

impl GanomalyScorer {
    /// Calls `f` with batches of x and their x̂, both [N, features].
    fn reconstructed(
        &self,
        features: &Features,
        mut f: impl FnMut(Tensor<2>, Tensor<2>),
    ) -> Result<()> {
        let size = self.shape.size();
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, size], &self.device); // [N, features]
            let (_, x_hat) = self.networks.generator.reconstruct(x.clone(), Pass::Score);
            f(x, x_hat);
            Vec::new()
        })?;
        Ok(())
    }
}

impl Scorer for GanomalyScorer {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        self.parts_of(features, &[RECONSTRUCTION, LATENT, FEATURE])
    }

    /// `feature`, for which D runs twice, is left out where nobody wants it.
    fn parts_of(&self, features: &Features, wanted: &[&str]) -> Result<ScoreParts> {
        let size = self.shape.size();
        let Networks {
            generator,
            discriminator,
        } = &self.networks;
        let latent_rows = match self.latent_norm {
            LatentNorm::Squared => mse_rows::<2>,
            LatentNorm::Absolute => l1_rows::<2>,
        };
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, size], &self.device); // [N, features]
            let Rebuilt { z, x_hat, z_hat } = generator.forward(x.clone(), Pass::Score);
            let mean = Reduction::Mean;
            let mut parts = vec![
                (
                    RECONSTRUCTION,
                    values(l1_rows(x.clone(), x_hat.clone(), mean)),
                ), // [N]
                (LATENT, values(latent_rows(z, z_hat, mean))), // [N]
            ];
            if wanted.contains(&FEATURE) {
                let f = discriminator.features.forward(x, Pass::Score); // [N, F]
                let f_hat = discriminator.features.forward(x_hat, Pass::Score); // [N, F]
                parts.push((FEATURE, values(mse_rows(f, f_hat, mean)))); // [N]
            }
            parts
        })
    }

    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(features.values().len());
        self.reconstructed(features, |x, x_hat| {
            all.extend(values((x - x_hat).abs())); // [N, features]
        })?;
        Ok(all)
    }

    fn reconstructions(&self, features: &Features) -> Result<Option<Vec<f32>>> {
        let mut all = Vec::with_capacity(features.values().len());
        self.reconstructed(features, |_, x_hat| {
            all.extend(values(x_hat)); // [N, features]
        })?;
        Ok(Some(all))
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        network_arrays(&self.networks, "", &mut arrays);
        arrays
    }
}

#[cfg(test)]
#[path = "ganomaly_golden.rs"]
mod golden;

#[cfg(test)]
#[path = "ganomaly_tests.rs"]
mod tests;
