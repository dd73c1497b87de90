//! What training tells while it runs.

use serde::{Deserialize, Serialize};
use unlike_core::{Images, Result, Samples, Scorer, mean_and_sd};

use crate::{generated, model::Model, sight::Sight};

/// Watches a training; every method may be left out.
pub trait Observer {
    /// Training begins; `history` holds the epochs that an interrupted run already did.
    fn started(&mut self, _plan: &Plan, _history: &[EpochReport]) {}

    /// A model of this name, or `image` for one of images as a whole, begins to train beside the one that
    /// [`started`](Self::started) will tell of. Of its steps the observer hears, and of nothing else.
    fn beside(&mut self, _name: &str) {}

    /// After every update; says whether to go on.
    fn step(&mut self, _report: &StepReport<'_>) -> Flow {
        Flow::Continue
    }

    /// After every epoch; says whether to go on.
    fn epoch(&mut self, _report: &EpochReport, _snapshot: &Snapshot<'_>) -> Flow {
        Flow::Continue
    }

    /// Something that the user should know but that does not stop training.
    fn warning(&mut self, _text: &str) {}
}

/// What an observer wants a training to do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// Save what resuming needs and end with [`Error::Interrupted`](crate::Error::Interrupted):
    /// resumed, the training ends in the same model as without the interruption.
    Interrupt,
    /// Be done now: the model is that of the best epoch so far, or of the last complete one, as
    /// [`EpochChoice`](super::EpochChoice) says, calibrated. Before the end of the first epoch it is
    /// made of the networks as they are.
    Finish,
}

/// How a training ended before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Epochs that were complete.
    pub after_epoch: usize,
    /// Why.
    pub reason: StopReason,
}

/// Why a training ended before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// No better epoch came: [`TrainConfig::patience`](super::TrainConfig::patience).
    Patience,
    /// The observer asked for it: [`Flow::Finish`].
    Observer,
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// What is going to happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The model's name.
    pub model: &'static str,
    /// Networks of it that train side by side.
    pub members: usize,
    /// Samples that train.
    pub n_train: usize,
    /// Held-out samples that measure every epoch.
    pub n_validation: usize,
    /// Held-out samples that calibrate.
    pub n_calibration: usize,
    /// Numbers per sample after preprocessing.
    pub features: usize,
    /// Epochs, at most.
    pub epochs: usize,
    /// Samples per update.
    pub batch_size: usize,
    /// Updates per epoch.
    pub steps_per_epoch: usize,
}

/// One update.
#[derive(Clone, Debug)]
pub struct StepReport<'a> {
    /// Counted from 1.
    pub epoch: usize,
    /// Within the epoch, counted from 1.
    pub step: usize,
    /// Named losses and monitors of this update.
    pub losses: &'a [(&'static str, f64)],
    /// Mean over this epoch so far.
    pub samples_per_second: f64,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: usize,
    /// Named losses and monitors, means over the epoch.
    pub losses: Vec<(String, f64)>,
    /// The score's parts over held-out normals.
    pub held_out: Vec<HeldOutPart>,
    /// Whether this is the epoch that would become the model if training stopped here.
    pub best_so_far: bool,
    /// What looks wrong.
    pub warnings: Vec<String>,
    /// Training speed.
    pub samples_per_second: f64,
    /// Time taken, without the measuring of held-out normals.
    pub seconds: f64,
}

impl EpochReport {
    /// The mean over held-out normals of the first part, which says how well they are reproduced:
    /// what the best epoch is small in.
    pub(super) fn criterion(&self) -> f64 {
        self.held_out.first().map_or(f64::NAN, |part| part.mean)
    }

    /// The same without the figures that differ between two runs of one training.
    pub(crate) fn without_clock(&self) -> Self {
        Self {
            samples_per_second: 0.0,
            seconds: 0.0,
            ..self.clone()
        }
    }
}

/// A part of the score over held-out normals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutPart {
    /// The part's name.
    pub part: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

impl HeldOutPart {
    pub(super) fn measure(part: &str, values: &[f32]) -> Self {
        let [mean, sd] = mean_and_sd(values);
        Self {
            part: part.to_owned(),
            mean,
            sd,
        }
    }
}

/// The model that would come out if training stopped after this epoch; made only when asked for.
pub struct Snapshot<'a> {
    model: &'a dyn Fn() -> Result<Model>,
    scorer: &'a dyn Fn() -> Box<dyn Scorer>,
    sight: &'a Sight,
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(
        model: &'a dyn Fn() -> Result<Model>,
        scorer: &'a dyn Fn() -> Box<dyn Scorer>,
        sight: &'a Sight,
    ) -> Self {
        Self {
            model,
            scorer,
            sight,
        }
    }

    /// Calibrates and returns it.
    ///
    /// # Errors
    /// If a score is not finite.
    pub fn model(&self) -> Result<Model> {
        (self.model)()
    }

    /// As [`Model::reconstructions`], without the cost of calibrating a model.
    ///
    /// # Errors
    /// As there.
    pub fn reconstructions(&self, samples: &Samples) -> Result<Option<Images>> {
        generated::reconstructions(self.sight, (self.scorer)().as_ref(), samples)
    }

    /// As [`Model::generated`], without the cost of calibrating a model.
    ///
    /// # Errors
    /// As there.
    pub fn generated(&self, count: usize, seed: u64) -> Result<Option<Images>> {
        generated::generated(self.sight, (self.scorer)().as_ref(), count, seed)
    }
}

/// How far D may win or lose before the user is told.
const ONE_SIDED: f64 = 0.02;

/// Warnings about an epoch's mean losses and monitors.
pub(super) fn warnings(losses: &[(String, f64)]) -> Vec<String> {
    let get = |name: &str| losses.iter().find(|l| l.0 == name).map(|l| l.1);
    let (Some(real), Some(fake)) = (get("d_real"), get("d_fake")) else {
        return Vec::new();
    };
    if real > 1.0 - ONE_SIDED && fake < ONE_SIDED {
        vec![format!(
            "the discriminator wins: D(x) = {real:.3}, D(G(z)) = {fake:.3}; the generator learns \
             little from it (more dropout or a lower learning rate may help)"
        )]
    } else if (real - fake).abs() < 1e-3 && real < 0.1 {
        vec![format!(
            "the discriminator tells nothing apart: D(x) = {real:.3}, D(G(z)) = {fake:.3}"
        )]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_sided_game_is_reported_and_a_balanced_one_is_not() {
        let game = |real, fake| warnings(&[("d_real".into(), real), ("d_fake".into(), fake)]);
        assert!(game(0.999, 0.001)[0].contains("discriminator wins"));
        assert!(game(0.6, 0.4).is_empty());
    }
}
