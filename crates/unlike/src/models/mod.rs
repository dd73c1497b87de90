//! The models, one paper a file, and the list of them.

pub mod anogan;
pub mod egbad;
pub mod ganomaly;
#[cfg(test)]
pub(crate) mod golden;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_baselines::{EcodConfig, IforestConfig, KnnConfig, PcaConfig};
use unlike_core::{
    Arrays, Error, FeatureShape, Features, Result, Samples, ScoreParts, ScoreRule, Scorer,
};

use crate::{
    backend::{Device, Tensor, values},
    rng::{self, Purpose},
};
use anogan::AnoganConfig;
use egbad::EgbadConfig;
use ganomaly::GanomalyConfig;

/// Which model, and its settings. The name in a file is the field `model`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum ModelConfig {
    /// EGBAD, [`egbad`].
    Egbad(EgbadConfig),
    /// BiGAN: EGBAD's training without its score.
    Bigan(EgbadConfig),
    /// AnoGAN, [`anogan`].
    Anogan(AnoganConfig),
    /// GANomaly, [`ganomaly`].
    Ganomaly(GanomalyConfig),
    /// Baseline: what a linear projection cannot reproduce.
    Pca(PcaConfig),
    /// Baseline: the distance to the nearest training samples.
    Knn(KnnConfig),
    /// Baseline: how quickly random splits isolate a sample.
    Iforest(IforestConfig),
    /// Baseline: how far in the tails of its columns a sample lies.
    Ecod(EcodConfig),
}

/// What samples are, for settings that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows of columns: fully connected networks.
    Table,
    /// Images: convolutions.
    Images,
}

impl From<&Samples> for Kind {
    fn from(samples: &Samples) -> Self {
        match samples {
            Samples::Table(_) => Self::Table,
            Samples::Images(_) => Self::Images,
        }
    }
}

impl ModelConfig {
    /// The names of all models, as flags and files spell them.
    pub const NAMES: [&str; 8] = [
        "egbad", "bigan", "anogan", "ganomaly", "pca", "knn", "iforest", "ecod",
    ];

    /// The recommended settings of the model of this name for samples of this kind.
    ///
    /// # Errors
    /// If there is no such model.
    pub fn by_name(name: &str, kind: Kind) -> Result<Self> {
        Ok(match name {
            "egbad" => Self::Egbad(EgbadConfig::recommended(kind)),
            "bigan" => Self::Bigan(EgbadConfig::bigan(kind)),
            "ganomaly" => Self::Ganomaly(GanomalyConfig::recommended(kind)),
            "anogan" => Self::Anogan(AnoganConfig::recommended(kind)),
            "pca" => Self::Pca(PcaConfig::default()),
            "knn" => Self::Knn(KnnConfig::default()),
            "iforest" => Self::Iforest(IforestConfig::default()),
            "ecod" => Self::Ecod(EcodConfig::default()),
            other => {
                return Err(Error::Setting {
                    name: "model".into(),
                    found: format!("`{other}`"),
                    expected: format!("one of {}", Self::NAMES.join(", ")),
                    hint: None,
                });
            }
        })
    }

    /// The name, as flags and files spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Egbad(_) => "egbad",
            Self::Bigan(_) => "bigan",
            Self::Ganomaly(_) => "ganomaly",
            Self::Anogan(_) => "anogan",
            Self::Pca(_) => "pca",
            Self::Knn(_) => "knn",
            Self::Iforest(_) => "iforest",
            Self::Ecod(_) => "ecod",
        }
    }

    /// Whether it is made of networks, which live on a device; baselines are not.
    pub fn has_networks(&self) -> bool {
        match self {
            Self::Egbad(_) | Self::Bigan(_) | Self::Anogan(_) | Self::Ganomaly(_) => true,
            Self::Pca(_) | Self::Knn(_) | Self::Iforest(_) | Self::Ecod(_) => false,
        }
    }

    /// A fresh network to train, or `None` for baselines, which are fitted in one go.
    ///
    /// # Errors
    /// If a setting is outside its range, or the model does not take such features.
    pub fn adversarial(
        &self,
        input: &FeatureShape,
        seed: u64,
        device: &Device,
    ) -> Result<Option<Box<dyn Adversarial>>> {
        let rng: &mut ChaCha8Rng = &mut rng::rng(seed, Purpose::Initialisation, 0);
        Ok(match self {
            Self::Egbad(config) | Self::Bigan(config) => {
                Some(Box::new(config.build(input, rng, device)?))
            }
            Self::Ganomaly(config) => Some(Box::new(config.build(input, rng, device)?)),
            Self::Anogan(config) => Some(Box::new(config.build(input, rng, device)?)),
            Self::Pca(_) | Self::Knn(_) | Self::Iforest(_) | Self::Ecod(_) => None,
        })
    }

    /// Fits a baseline.
    ///
    /// # Errors
    /// If the model is not a baseline, or there is too little to fit it to.
    pub fn baseline(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>> {
        Ok(match self {
            Self::Pca(config) => Box::new(config.fit(features, seed)?),
            Self::Knn(config) => Box::new(config.fit(features, seed)?),
            Self::Iforest(config) => Box::new(config.fit(features, seed)?),
            Self::Ecod(config) => Box::new(config.fit(features, seed)?),
            Self::Egbad(_) | Self::Bigan(_) | Self::Anogan(_) | Self::Ganomaly(_) => {
                return Err(Error::Setting {
                    name: "model".into(),
                    found: format!("`{}`", self.name()),
                    expected: "a baseline".into(),
                    hint: None,
                });
            }
        })
    }

    /// Rebuilds a trained model from what [`Scorer::arrays`] gave.
    ///
    /// # Errors
    /// If an array is missing or has another shape than the settings ask for.
    pub fn restore(
        &self,
        input: &FeatureShape,
        arrays: &Arrays,
        device: &Device,
    ) -> Result<Box<dyn Scorer>> {
        Ok(match self {
            Self::Egbad(_) | Self::Bigan(_) | Self::Anogan(_) | Self::Ganomaly(_) => {
                let network = self.adversarial(input, 0, device)?;
                let mut network = network.unwrap_or_else(|| unreachable!("these are adversarial"));
                network.restore_scoring(arrays)?;
                network.scorer()
            }
            Self::Pca(config) => Box::new(unlike_baselines::Pca::from_arrays(config, arrays)?),
            Self::Knn(config) => Box::new(unlike_baselines::Knn::from_arrays(config, arrays)?),
            Self::Iforest(config) => {
                Box::new(unlike_baselines::Iforest::from_arrays(config, arrays)?)
            }
            Self::Ecod(config) => Box::new(unlike_baselines::Ecod::from_arrays(config, arrays)?),
        })
    }
}

/// The rule of every score that a model offers, the chosen one first.
pub(crate) fn chosen_first<S: Copy + PartialEq>(
    chosen: S,
    all: &[S],
    rule: impl Fn(S) -> Result<(String, ScoreRule)>,
) -> Result<Vec<(String, ScoreRule)>> {
    let others = all.iter().copied().filter(|&score| score != chosen);
    std::iter::once(chosen).chain(others).map(rule).collect()
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

/// A model that is trained by playing networks against each other.
pub trait Adversarial: Send {
    /// Length of z.
    fn latent(&self) -> usize;

    /// Whether [`step`](Self::step) reads [`Batch::x_other`]; if not, it is empty, and no images are
    /// read for it.
    fn needs_other_samples(&self) -> bool {
        true
    }

    /// One update of every network, in the order of the paper.
    ///
    /// # Errors
    /// If a loss does not reach a parameter that it should train.
    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses>;

    /// The scores on offer, the recommended one first, fitted without labels on the parts of
    /// held-out normals.
    ///
    /// # Errors
    /// If there are no held-out normals.
    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>>;

    /// What measures held-out normals after an epoch, and how many of them at most. A model whose
    /// scoring is slow measures fewer, or less thoroughly.
    fn measure(&self) -> (Box<dyn Scorer>, usize) {
        (self.scorer(), usize::MAX)
    }

    /// What would score if training stopped here.
    fn scorer(&self) -> Box<dyn Scorer>;

    /// Everything that training needs to go on from here.
    fn save(&self, arrays: &mut Arrays);

    /// Goes back to what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If an array is missing or has another shape.
    fn restore(&mut self, arrays: &Arrays) -> Result<()>;

    /// Takes the weights that [`Scorer::arrays`] gave; training cannot go on from them.
    ///
    /// # Errors
    /// If an array is missing or has another shape.
    fn restore_scoring(&mut self, arrays: &Arrays) -> Result<()>;
}

/// What one step trains on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The number of samples.
    pub len: usize,
    /// Samples for the first update of the step, `[len, features]`.
    pub x: Vec<f32>,
    /// Samples for the second, from another order of the same data, `[len, features]`.
    pub x_other: Vec<f32>,
    /// Latent samples from N(0, 1) for the first update, `[len, latent]`.
    pub z: Vec<f32>,
    /// Latent samples for the second, `[len, latent]`.
    pub z_other: Vec<f32>,
}

/// Where in training a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepContext {
    /// Steps taken before this one.
    pub step: u64,
    /// The run's seed.
    pub seed: u64,
    /// The schedule's factor on every learning rate.
    pub learning_rate_scale: f32,
}

impl StepContext {
    /// Seeds for the dropout masks of this step's passes.
    pub fn dropout_seeds<const N: usize>(&self) -> [u64; N] {
        use rand::Rng;
        let mut rng = rng::rng(self.seed, Purpose::Dropout, self.step);
        std::array::from_fn(|_| rng.next_u64())
    }
}

/// The named losses and monitors of one step, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses(pub Vec<(&'static str, f64)>);

impl Losses {
    /// Losses, each a tensor of one element.
    pub fn new(losses: &[(&'static str, &Tensor<1>)]) -> Self {
        let mut all = Self::default();
        for (name, loss) in losses {
            all.push(name, loss);
        }
        all
    }

    /// Adds a loss.
    pub fn push(&mut self, name: &'static str, loss: &Tensor<1>) {
        self.0.push((
            name,
            values(loss.clone())
                .first()
                .map_or(f64::NAN, |&v| f64::from(v)),
        ));
    }

    /// Adds the mean probability that these logits [N, 1] stand for.
    pub fn push_probability(&mut self, name: &'static str, logits: Tensor<2>) {
        let logits = values(logits);
        let sum = logits
            .iter()
            .map(|&l| 1.0 / (1.0 + f64::from(-l).exp()))
            .sum::<f64>();
        self.0.push((name, sum / logits.len().max(1) as f64));
    }
}

/// The samples that a network sees at once while scoring: enough to fill the processor, little
/// enough to stay in its cache.
const SCORING_BATCH: usize = 512;
/// The numbers that these samples have at most: the maps inside a network take many times as much.
const SCORING_NUMBERS: usize = 1 << 19;

/// The number of samples that a network sees at once while scoring.
pub(crate) fn scoring_batch(shape: &FeatureShape) -> usize {
    (SCORING_NUMBERS / shape.size().max(1)).clamp(1, SCORING_BATCH)
}

/// Scores features batch by batch, the last partial one included.
///
/// # Errors
/// If the features have another shape than the model.
pub(crate) fn in_batches(
    features: &Features,
    shape: &FeatureShape,
    mut parts: impl FnMut(Vec<f32>, usize) -> Vec<(&'static str, Vec<f32>)>,
) -> Result<ScoreParts> {
    if features.shape() != shape {
        return Err(Error::Mismatch {
            origin: None,
            found: format!("features of shape {:?}", features.shape()),
            expected: format!("{shape:?}"),
            hint: None,
        });
    }
    let mut all = ScoreParts::default();
    for batch in features
        .values()
        .chunks(scoring_batch(shape) * shape.size())
    {
        let widen = |(name, scores): (&str, Vec<f32>)| {
            (name.to_owned(), scores.into_iter().map(f64::from).collect())
        };
        let scored = parts(batch.to_vec(), batch.len() / shape.size());
        all.extend(ScoreParts::new(scored.into_iter().map(widen).collect()));
    }
    Ok(all)
}
