//! A method with its networks, as the training loop sees it.

use unlike_core::{Arrays, FeatureShape, Result, ScoreParts, ScoreRule, Scorer};

use super::{Losses, Method, NetworkScorer, Step, score};
use crate::{
    backend::{Device, tensor},
    nn::Networks,
    rng::{self, Purpose},
};

/// What one step trains on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The number of samples.
    pub len: usize,
    /// Samples for the first update of the step, `[len, features]`.
    pub x: Vec<f32>,
    /// Samples for the second, from another order of the same data, `[len, features]`; empty if no
    /// others are needed.
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
    /// Steps of the whole training.
    pub steps: u64,
    /// The run's seed.
    pub seed: u64,
    /// The schedule's factor on every learning rate.
    pub learning_rate_scale: f32,
}

/// A [`Method`] in training, whichever it is.
pub trait Trainee: Send {
    /// Length of z.
    fn latent(&self) -> usize;

    /// Whether [`Batch::x_other`] is read.
    fn needs_other_samples(&self) -> bool;

    /// One update of every network.
    ///
    /// # Errors
    /// If a loss does not reach a parameter that it should train.
    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses>;

    /// Whether it could score after so many steps of all.
    fn can_score(&self, steps: u64, of: u64) -> bool;

    /// The scores on offer, the recommended one first, fitted without labels on the parts of
    /// held-out normals.
    ///
    /// # Errors
    /// If there are no held-out normals.
    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>>;

    /// What measures held-out normals after an epoch, and how many of them at most.
    fn measure(&self) -> (Box<dyn Scorer>, usize);

    /// What would score if training stopped here.
    fn scorer(&self) -> Box<dyn Scorer>;

    /// Everything that training needs to go on from here.
    fn save(&self) -> Arrays;

    /// Goes back to what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If an array is missing or has another shape.
    fn restore(&mut self, arrays: &Arrays) -> Result<()>;
}

/// A method and its networks.
pub(crate) struct Playing<M> {
    pub(crate) method: M,
    pub(crate) nets: Networks,
}

impl<M: Method> Playing<M> {
    /// With fresh networks for samples of this shape.
    pub(crate) fn new(
        method: &M,
        shape: &FeatureShape,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let method = method.seeded(seed);
        score::check_chosen(&method.scores(), method.common().score)?;
        let rng = &mut rng::rng(seed, Purpose::Initialisation, 0);
        let plans = method.plans(shape)?;
        let nets = Networks::draw(plans, shape, method.common().training, rng, device)?;
        Ok(Self { method, nets })
    }
}

impl<M: Method> Trainee for Playing<M> {
    fn latent(&self) -> usize {
        self.method.common().latent
    }

    fn needs_other_samples(&self) -> bool {
        self.method.needs_other_samples()
    }

    fn step(&mut self, batch: Batch, context: &StepContext) -> Result<Losses> {
        let Batch {
            len,
            x,
            x_other,
            z,
            z_other,
        } = batch;
        let (size, latent) = (self.nets.shape().size(), self.method.common().latent);
        let device = self.nets.device();
        let x = tensor(x, [len, size], device); // [N, size]
        let x_other = match x_other.is_empty() {
            true => x.clone(),
            false => tensor(x_other, [len, size], device), // [N, size]
        };
        let step = Step {
            x,
            z: tensor(z, [len, latent], device), // [N, latent]
            x_other,
            z_other: tensor(z_other, [len, latent], device), // [N, latent]
            number: context.step,
            of: context.steps,
            seed: context.seed,
            rate: context.learning_rate_scale,
        };
        self.method.step(&mut self.nets, step)
    }

    fn can_score(&self, steps: u64, of: u64) -> bool {
        self.method.can_score(steps, of)
    }

    fn rules(&self, held_out: &ScoreParts) -> Result<Vec<(String, ScoreRule)>> {
        score::rules(&self.method.scores(), self.method.common().score, held_out)
    }

    fn measure(&self) -> (Box<dyn Scorer>, usize) {
        let (method, most) = self.method.measuring();
        let scorer = NetworkScorer::new(method, self.nets.trained());
        (Box::new(scorer), most)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let (method, nets) = (self.method.clone(), self.nets.trained());
        Box::new(NetworkScorer::new(method, nets))
    }

    fn save(&self) -> Arrays {
        self.nets.save()
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<()> {
        self.nets.restore(arrays)
    }
}
