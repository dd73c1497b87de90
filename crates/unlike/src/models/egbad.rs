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
//! 2. The recommended score is `combined`: each part in units of its own spread over held-out
//!    normals. With fixed weights the score swings from epoch to epoch as the parts change scale.
//! 3. The averaged weights include D's in every score; the authors' `gan/` baseline mixed raw and
//!    averaged weights.
//! 4. D ends in a logit and the sigmoid is folded into the loss: the same value, finite everywhere.
//! 5. The survey's residual term is an option; without it nothing makes E invert G within the
//!    number of epochs that a user waits for.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Error, FeatureShape, Features, Result, ScoreParts, ScoreRule, Scorer};
use unlike_kernels::{bce_with_logits, bce_with_logits_rows, l1, l1_rows, mse};

use super::{Adversarial, Batch, Kind, Losses, StepContext, in_batches};
use crate::{
    backend::{Device, Tensor, tensor, values},
    nn::{
        Activation, Adam, AdamConfig, Average, Init, Linear, LinearJoint, Mlp, Network, Pass,
        Visitor, join, network_arrays, restore_network,
    },
};

/// The slope of every leaky ReLU (authors' code).
const SLOPE: f32 = 0.1;

/// Shapes, losses and score of EGBAD on tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgbadConfig {
    /// Length of z.
    pub latent: usize,
    /// Widths of E's hidden layers.
    pub encoder: Vec<usize>,
    /// Widths of G's hidden layers.
    pub generator: Vec<usize>,
    /// Widths of D's branch for x.
    pub discriminator_x: Vec<usize>,
    /// Widths of D's branch for z.
    pub discriminator_z: Vec<usize>,
    /// Widths of D's layers after the branches meet; the last one is the feature layer f.
    pub discriminator_joint: Vec<usize>,
    /// Dropout in D while training.
    pub dropout: f32,
    /// First weights.
    pub init: Init,
    /// All three networks' optimisers.
    pub adam: AdamConfig,
    /// Decay of the weights' moving average, which scores; 0 scores with the weights themselves.
    pub ema: f32,
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

/// How a norm over the elements of one sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Mean over the elements.
    Mean,
    /// Sum over the elements, as printed in the paper.
    Sum,
}

impl From<Reduction> for unlike_kernels::Reduction {
    fn from(reduction: Reduction) -> Self {
        match reduction {
            Reduction::Mean => Self::Mean,
            Reduction::Sum => Self::Sum,
        }
    }
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
    /// The authors' KDD Cup 99 setting (their `bigan/kdd_utilities.py`): 121 inputs, z = 32.
    /// Train it with batches of 50.
    pub fn paper() -> Self {
        Self {
            latent: 32,
            encoder: vec![64],
            generator: vec![64, 128],
            discriminator_x: vec![128],
            discriminator_z: vec![128],
            discriminator_joint: vec![128],
            dropout: 0.2,
            init: Init::Xavier,
            adam: AdamConfig {
                learning_rate: 1e-5,
                beta1: 0.5,
                beta2: 0.999,
                clip: None,
            },
            ema: 0.9999,
            generator_loss: GeneratorLoss::CrossEntropy,
            residual_weight: 0.0,
            residual_trains: ResidualTrains::Encoder,
            reduction: Reduction::Sum,
            score: EgbadScore::Paper,
        }
    }

    /// What works: the paper's networks on scaled data, a learning rate that gets there in
    /// minutes, the survey's residual term, and the combined score.
    pub fn recommended(_kind: Kind) -> Self {
        Self {
            adam: AdamConfig {
                learning_rate: 2e-4,
                ..Self::paper().adam
            },
            ema: 0.999,
            residual_weight: 10.0,
            residual_trains: ResidualTrains::EncoderAndGenerator,
            reduction: Reduction::Mean,
            score: EgbadScore::Combined,
            ..Self::paper()
        }
    }

    /// BiGAN: the same training without the residual term, and no score of D's.
    pub fn bigan(kind: Kind) -> Self {
        Self {
            residual_weight: 0.0,
            score: EgbadScore::Residual,
            ..Self::recommended(kind)
        }
    }

    /// Fresh networks for rows of this width.
    ///
    /// # Errors
    /// If a setting is outside its range.
    pub fn build(
        &self,
        input: &FeatureShape,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Egbad> {
        let Self {
            latent,
            encoder,
            generator,
            discriminator_x,
            discriminator_z,
            discriminator_joint,
            dropout,
            init,
            adam,
            ema,
            generator_loss: _,
            residual_weight,
            residual_trains: _,
            reduction: _,
            score: _,
        } = self;
        let FeatureShape::Row { width } = *input else {
            return Err(Error::Mismatch {
                origin: None,
                found: "images".into(),
                expected: "a table: this EGBAD has fully connected networks".into(),
                hint: None,
            });
        };
        setting("latent", latent, *latent > 0, "at least 1")?;
        for (name, widths) in [
            ("encoder", encoder),
            ("generator", generator),
            ("discriminator_x", discriminator_x),
            ("discriminator_z", discriminator_z),
            ("discriminator_joint", discriminator_joint),
        ] {
            let expected = "one positive width per hidden layer";
            setting(name, format!("{widths:?}"), !widths.contains(&0), expected)?;
        }
        let joint = discriminator_joint;
        let expected = "at least one layer: the last is the feature layer";
        setting(
            "discriminator_joint",
            format!("{joint:?}"),
            !joint.is_empty(),
            expected,
        )?;
        setting(
            "dropout",
            dropout,
            (0.0..1.0).contains(dropout),
            "from 0 up to, not including, 1",
        )?;
        setting(
            "ema",
            ema,
            (0.0..1.0).contains(ema),
            "from 0 up to, not including, 1",
        )?;
        let weight = *residual_weight;
        setting(
            "residual_weight",
            weight,
            weight >= 0.0 && weight.is_finite(),
            "0 or more",
        )?;

        let leaky = Activation::LeakyRelu(SLOPE);
        let mut mlp = |widths: &[usize], hidden: Activation, last: Activation, dropout: f32| {
            Mlp::new(widths, [hidden, last], dropout, *init, rng, device)
        };
        let chain =
            |first: usize, hidden: &[usize], last: &[usize]| [&[first], hidden, last].concat();
        let none = Activation::Identity;
        let x_branch = chain(width, discriminator_x, &[]);
        let z_branch = chain(*latent, discriminator_z, &[]);
        let meet = x_branch[x_branch.len() - 1] + z_branch[z_branch.len() - 1];
        let networks = Networks {
            encoder: Encoder(mlp(&chain(width, encoder, &[*latent]), leaky, none, 0.0)),
            generator: Generator(mlp(
                &chain(*latent, generator, &[width]),
                Activation::Relu,
                none,
                0.0,
            )),
            discriminator: Discriminator {
                x: mlp(&x_branch, leaky, leaky, *dropout),
                z: mlp(&z_branch, leaky, leaky, *dropout),
                meet: LinearJoint::new(mlp(&[meet, joint[0]], leaky, leaky, *dropout).0.remove(0)),
                joint: mlp(joint, leaky, leaky, *dropout),
                logit: mlp(&[joint[joint.len() - 1], 1], none, none, 0.0)
                    .0
                    .remove(0),
            },
        };
        Ok(Egbad {
            config: self.clone(),
            width,
            device: device.clone(),
            average: (*ema > 0.0).then(|| Average::new(&networks)),
            networks,
            encoder_adam: Adam::new(*adam),
            generator_adam: Adam::new(*adam),
            discriminator_adam: Adam::new(*adam),
        })
    }
}

fn setting(name: &str, found: impl ToString, holds: bool, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting {
        name: name.into(),
        found: found.to_string(),
        expected: expected.into(),
        hint: None,
    })
}

/// E: x [N, width] → z [N, latent].
#[derive(Clone, Debug)]
pub struct Encoder(Mlp);

impl Encoder {
    fn forward(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        self.0.forward(x, pass, 0) // [N, latent]
    }
}

/// G: z [N, latent] → x [N, width].
#[derive(Clone, Debug)]
pub struct Generator(Mlp);

impl Generator {
    fn forward(&self, z: Tensor<2>, pass: Pass) -> Tensor<2> {
        self.0.forward(z, pass, 0) // [N, width]
    }
}

/// D: a pair (x [N, width], z [N, latent]) → logit [N, 1] and the features f before it.
#[derive(Clone, Debug)]
pub struct Discriminator {
    x: Mlp,
    z: Mlp,
    meet: LinearJoint,
    joint: Mlp,
    logit: Linear,
}

impl Discriminator {
    fn forward(&self, x: Tensor<2>, z: Tensor<2>, pass: Pass) -> (Tensor<2>, Tensor<2>) {
        let hx = self.x.forward(x, pass, 0); // [N, last of discriminator_x]
        let hz = self.z.forward(z, pass, 100); // [N, last of discriminator_z]
        let h = self.meet.forward(hx, hz, pass, 200); // [N, first of discriminator_joint]
        let f = self.joint.forward(h, pass, 201); // [N, last of discriminator_joint]
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

impl Network for Encoder {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}

impl Network for Generator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}

impl Network for Discriminator {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
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
    width: usize,
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
        let ex = encoder.forward(x.clone(), Pass::Score); // [N, latent]
        let gz = generator.forward(z.clone(), Pass::Score); // [N, width]
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
        let gz = generator.forward(z.clone(), own); // [N, width]
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
        let weight = self.config.residual_weight;
        let ruler = match self.config.residual_trains {
            ResidualTrains::Encoder => Pass::Frozen { dropout: 0 },
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
        self.average
            .as_ref()
            .map_or(&self.networks, |average| &average.network)
    }
}

impl Adversarial for Egbad {
    fn latent(&self) -> usize {
        self.config.latent
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let (n, width, latent) = (batch.len, self.width, self.config.latent);
        let rows = |v| tensor::<2>(v, [n, width], &self.device); // [N, width]
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
            tensor::<2>(batch.x_other, [n, width], &self.device),
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
            average.update(&self.networks, self.config.ema);
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
        let chosen = self.config.score;
        let others = EgbadScore::ALL.into_iter().filter(|&s| s != chosen);
        std::iter::once(chosen)
            .chain(others)
            .map(|score| Ok((score.name().to_owned(), score.rule(held_out)?)))
            .collect()
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(EgbadScorer {
            networks: self.scoring_networks().clone(),
            shape: FeatureShape::Row { width: self.width },
            reduction: self.config.reduction,
            device: self.device.clone(),
        })
    }

    fn save(&self, arrays: &mut Arrays) {
        network_arrays(&self.networks, "networks", arrays);
        if let Some(average) = &self.average {
            network_arrays(&average.network, "average", arrays);
        }
        self.encoder_adam.save("adam.encoder", arrays);
        self.generator_adam.save("adam.generator", arrays);
        self.discriminator_adam.save("adam.discriminator", arrays);
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        restore_network(&mut self.networks, "networks", arrays)?;
        if let Some(average) = &mut self.average {
            restore_network(&mut average.network, "average", arrays)?;
        }
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
    reduction: Reduction,
    device: Device,
}

impl EgbadScorer {
    /// x [N, width] → E(x) [N, latent], G(E(x)) [N, width].
    fn reconstruct(&self, x: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let z = self.networks.encoder.forward(x.clone(), Pass::Score);
        let x_hat = self.networks.generator.forward(z.clone(), Pass::Score);
        (z, x_hat)
    }
}

impl Scorer for EgbadScorer {
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        let width = self.shape.size();
        let reduction = self.reduction.into();
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, width], &self.device); // [N, width]
            let (z, x_hat) = self.reconstruct(&x); // [N, latent], [N, width]
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
        let width = self.shape.size();
        let mut all = Vec::with_capacity(features.values().len());
        in_batches(features, &self.shape, |values_in, n| {
            let x = tensor::<2>(values_in, [n, width], &self.device); // [N, width]
            let (_, x_hat) = self.reconstruct(&x);
            all.extend(values((x - x_hat).abs())); // [N, width]
            Vec::new()
        })?;
        Ok(all)
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
