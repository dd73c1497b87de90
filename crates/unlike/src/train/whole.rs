//! Beside the detector of an image's places, one of the image as a whole.

use std::sync::Arc;

use unlike_core::{Detector, Result, Samples, ScoreParts, ScoreRule};
use unlike_features::Pool;

use super::{
    Observer, RunOptions, TrainConfig,
    observer::{Flow, StepReport},
};
use crate::model::Model;

/// The part of a score that the detector of the image as a whole gives.
pub(crate) const IMAGE: &str = "image";
/// The score that adds up both.
const BOTH: &str = "both";

/// A detector of images as a whole, and what it says of held-out normals.
pub(super) struct Whole {
    pub(super) model: Arc<Model>,
    pub(super) validation: Vec<f32>,
    pub(super) calibration: Vec<f32>,
}

/// Hears of steps alone, to say when enough is enough.
struct Steps<'a>(&'a mut dyn Observer);

impl Observer for Steps<'_> {
    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        self.0.step(report)
    }
}

impl Whole {
    /// Trained on the same samples, of which the same are held out, where the features ask for it. Networks take
    /// about as many updates as those of places, of which there are `places` for each image.
    ///
    /// # Errors
    /// As [`fit`](super::fit).
    pub(super) fn fit(
        config: &TrainConfig,
        samples: &Samples,
        places: usize,
        [validation, calibration]: [&Samples; 2],
        options: &RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let Some(features) = config.features.clone() else {
            return Ok(None);
        };
        if features.pool() != Some(Pool::Both) {
            return Ok(None);
        }
        let config = TrainConfig {
            features: Some(features.with_pool(Pool::Image)),
            epochs: config.epochs.saturating_mul(places.clamp(1, MORE_EPOCHS)),
            ..config.clone()
        };
        // Trained again where a training goes on; it ends in the same bits.
        let once = RunOptions {
            resume_file: None,
            resume: false,
            ..options.clone()
        };
        let model = super::fit(&config, samples, &once, &mut Steps(observer))?;
        Ok(Some(Self {
            validation: said(&model, validation)?,
            calibration: said(&model, calibration)?,
            model: Arc::new(model),
        }))
    }

    /// The scores of a model of places with the one of the whole: first the sum of the one that is recommended
    /// and that, each in units of its spread over held-out normals.
    pub(super) fn rules(
        mut rules: Vec<(String, ScoreRule)>,
        held_out: &ScoreParts,
    ) -> Result<Vec<(String, ScoreRule)>> {
        let image = ScoreRule::single(IMAGE);
        if let Some((_, recommended)) = rules.first() {
            let sum = ScoreRule::fit_sum(held_out, &[recommended, &image])?;
            rules.insert(0, (BOTH.to_owned(), sum));
        }
        rules.push((IMAGE.to_owned(), image));
        Ok(rules)
    }
}

/// Epochs of a network that sees one row an image, at most, in those of one that sees its places.
const MORE_EPOCHS: usize = 100;

/// What a model of images as a whole says of these.
pub(crate) fn said(model: &Model, samples: &Samples) -> Result<Vec<f32>> {
    let single = ScoreParts::single(IMAGE, model.score(samples)?);
    Ok(single.get(IMAGE).unwrap_or_default().to_vec())
}
