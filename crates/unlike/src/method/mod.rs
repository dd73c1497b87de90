//! What a paper adds to everything that is here already: its settings, its networks as data, one step
//! of training, the parts of its score. Everything else is the same for all and written once.

mod loss;
mod score;
mod scorer;
mod trainee;

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use unlike_core::{FeatureShape, Result};

pub use loss::Losses;
pub use score::{Parts, Reduction, Score};
pub(crate) use scorer::{NetworkScorer, scoring_batch};
pub(crate) use trainee::Playing;
pub use trainee::{Batch, StepContext, Trainee};
pub use unlike_data::Scaling;

use crate::{
    backend::Tensor,
    kind::Kind,
    nn::{Networks, Plan, Trained, Training},
    rng::{self, Purpose},
};

/// The settings of a model, checked by their types, as files hold them. Unknown keys are refused.
pub trait Settings:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The model's name, as flags and files spell it.
    const NAME: &'static str;

    /// The model's name, as people write it.
    const TITLE: &'static str;

    /// Whether it tells the places of an image's patches apart ([`FeatureShape::Patch`]).
    const SEES_PLACES: bool = false;

    /// Whether it sees rows only: tables, or features of images, but no pixels.
    const SEES_ROWS_ONLY: bool = false;

    /// How columns of numbers are scaled, where the model has a wish.
    const SCALING: Scaling = Scaling::MinMax;

    /// What works, by measurement.
    fn recommended(kind: Kind) -> Self;

    /// Held-out samples of each kind that are recommended, at most: fewer for a model that is slow to
    /// score.
    fn hold_out_limit() -> usize {
        10_000
    }
}

/// A model whose networks are trained step by step; the type is its settings.
///
/// `step`, the losses and the score are the paper's. Nothing here holds state: weights, averages and
/// optimisers are in [`Networks`], so that every method is saved, resumed, averaged and scored alike.
pub trait Method: Settings {
    /// The settings that all methods have.
    fn common(&self) -> Common<'_>;

    /// Name and plan of every network for samples of this shape. Weights are drawn in this order.
    ///
    /// # Errors
    /// If the networks do not take such samples.
    fn plans(&self, x: &FeatureShape) -> Result<Plans>;

    /// Whether [`Step::x_other`] is read; if not, no images are read for it.
    fn needs_other_samples(&self) -> bool {
        false
    }

    /// One update of every network, in the order of the paper.
    ///
    /// # Errors
    /// If a loss does not reach a parameter that it should train.
    fn step(&self, nets: &mut Networks, step: Step) -> Result<Losses>;

    /// Whether networks could score after so many steps of all; not while one of them has yet to
    /// learn.
    fn can_score(&self, _steps: u64, _of: u64) -> bool {
        true
    }

    /// The scores on offer.
    fn scores(&self) -> Vec<Score>;

    /// The parts of the scores of x [N, size]: one number a sample each. The mean of the first over
    /// held-out normals chooses the epoch.
    fn parts(&self, nets: &Trained, x: Tensor<2>, parts: &mut Parts<'_>);

    /// The z that the model has for x: [N, size] → [N, latent]. `None` if it has none.
    fn encode(&self, _nets: &Trained, _x: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// Samples of noise z: [N, latent] → [N, size]. `None` if nothing generates from noise.
    fn generate(&self, _nets: &Trained, _z: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// What the model makes of x: [N, size] → [N, size]. What is generated of the z that it has for x; x as it
    /// is where one of both is missing.
    fn reconstruct(&self, nets: &Trained, x: Tensor<2>) -> Tensor<2> {
        let z = self.encode(nets, x.clone()); // [N, latent]
        z.and_then(|z| self.generate(nets, z)).unwrap_or(x) // [N, size]
    }

    /// What measures held-out normals after an epoch, and how many of them at most. A model whose
    /// scoring is slow measures fewer, or less thoroughly.
    fn measuring(&self) -> (Self, usize) {
        (self.clone(), usize::MAX)
    }

    /// The same settings for a training with this seed, where something beside training draws.
    fn seeded(&self, _seed: u64) -> Self {
        self.clone()
    }
}

/// Networks by name, before there are weights.
pub type Plans = Vec<(&'static str, Plan)>;

/// The settings that all methods have.
#[derive(Clone, Copy, Debug)]
pub struct Common<'a> {
    /// Length of z; 0 if no noise is drawn.
    pub latent: usize,
    /// The name of the score that [`Detector::score`](unlike_core::Detector::score) gives.
    pub score: &'a str,
    /// How the networks start and move.
    pub training: Training,
}

impl<'a> Common<'a> {
    /// The three in their order.
    pub fn new(latent: usize, score: &'a str, training: Training) -> Self {
        Self {
            latent,
            score,
            training,
        }
    }
}

/// What one step trains on, and where in training it is.
#[derive(Clone, Debug)]
pub struct Step {
    /// Samples for the first update, [N, size].
    pub x: Tensor<2>,
    /// Noise from N(0, 1) for the first update, [N, latent].
    pub z: Tensor<2>,
    /// Samples for the second update, from another order of the same data, [N, size]; x itself if the
    /// method does not need others.
    pub x_other: Tensor<2>,
    /// Noise for the second update, [N, latent].
    pub z_other: Tensor<2>,
    /// Steps before this one.
    pub number: u64,
    /// Steps of the whole training.
    pub of: u64,
    /// The run's seed.
    pub seed: u64,
    /// The schedule's factor on every learning rate.
    pub rate: f32,
}

impl Step {
    /// Seeds for the dropout masks of this step's passes.
    pub fn dropout_seeds<const N: usize>(&self) -> [u64; N] {
        use rand::Rng;
        let mut rng = rng::rng(self.seed, Purpose::Dropout, self.number);
        std::array::from_fn(|_| rng.next_u64())
    }
}
