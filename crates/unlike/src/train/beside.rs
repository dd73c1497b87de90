//! Models beside a model, trained on the same samples, of which the same are held out: a detector of an
//! image as a whole beside one of its places; other models, as an ensemble.

use std::sync::Arc;

use unlike_core::{Detector, Result, Samples, ScoreParts, ScoreRule};
use unlike_data::PreprocessingConfig;
use unlike_features::Pool;

use super::{
    Observer, RunOptions, TrainConfig,
    observer::{Flow, StepReport},
};
use crate::model::Model;

/// The part of a score that the detector of the image as a whole gives.
pub(crate) const IMAGE: &str = "image";
/// The score that adds it up with that of places.
const BOTH: &str = "both";
/// The score that adds up those of all models.
const ENSEMBLE: &str = "ensemble";

/// A model beside another. Its score is a part of the other's, of this name.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    pub(crate) name: String,
    pub(crate) model: Arc<Model>,
}

impl Beside {
    /// What the model says of samples.
    pub(crate) fn said(&self, samples: &Samples) -> Result<Vec<f32>> {
        let single = ScoreParts::single(&self.name, self.model.score(samples)?);
        Ok(single.get(&self.name).unwrap_or_default().to_vec())
    }
}

/// What a model's settings ask for beside it: the names of the parts, in their order.
pub(crate) fn names(config: &TrainConfig) -> Vec<String> {
    let pool = config.features.as_ref().and_then(|f| f.pool());
    let image = (pool == Some(Pool::Both)).then(|| IMAGE.to_owned());
    image.into_iter().chain(config.ensemble.clone()).collect()
}

/// The settings of each, with its name. Those of an image as a whole are the model's own, and networks take
/// about as many updates as those of places, of which there are `places` for each image; those of other
/// models are the recommended ones.
fn settings(
    config: &TrainConfig,
    samples: &Samples,
    places: usize,
) -> Result<Vec<(String, TrainConfig)>> {
    let of = |name: String| {
        let features = config.features.clone();
        let settings = match (&*name, &features) {
            (IMAGE, Some(features)) => TrainConfig {
                features: Some(features.clone().with_pool(Pool::Image)),
                epochs: config.epochs.saturating_mul(places.clamp(1, MORE_EPOCHS)),
                ensemble: Vec::new(),
                ..config.clone()
            },
            _ => {
                let recommended = TrainConfig::recommended_with(&name, samples, features.as_ref())?;
                TrainConfig {
                    seed: config.seed,
                    hold_out: config.hold_out,
                    preprocessing: PreprocessingConfig {
                        scaling: recommended.preprocessing.scaling,
                        ..config.preprocessing.clone()
                    },
                    ..recommended
                }
            }
        };
        Ok((name, settings))
    };
    names(config).into_iter().map(of).collect()
}

/// Models beside one that is trained, and what they say of held-out normals: those that measure epochs, and
/// those that calibrate.
#[derive(Default)]
pub(super) struct Company(Vec<(Beside, [Vec<f32>; 2])>);

/// Hears of steps alone, to say when enough is enough.
struct Steps<'a>(&'a mut dyn Observer);

impl Observer for Steps<'_> {
    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        self.0.step(report)
    }
}

impl Company {
    /// Trained on the same samples.
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
    ) -> Result<Self> {
        // Trained again where a training goes on; they end in the same bits.
        let once = RunOptions {
            resume_file: None,
            resume: false,
            ..options.clone()
        };
        let mut company = Self::default();
        for (name, settings) in settings(config, samples, places)? {
            observer.beside(&name);
            let model = super::fit(&settings, samples, &once, &mut Steps(observer))?;
            let beside = Beside {
                name,
                model: Arc::new(model),
            };
            let said = [beside.said(validation)?, beside.said(calibration)?];
            company.0.push((beside, said));
        }
        Ok(company)
    }

    /// The models.
    pub(super) fn models(&self) -> Vec<Beside> {
        self.0.iter().map(|(beside, _)| beside.clone()).collect()
    }

    /// The parts over held-out normals with those that the others say; and the scores with theirs: first the
    /// sum of the one that is recommended and theirs, each in units of its spread over held-out normals.
    pub(super) fn join(
        &self,
        [mut validation, mut calibration]: [ScoreParts; 2],
        mut rules: Vec<(String, ScoreRule)>,
    ) -> Result<(ScoreParts, Vec<(String, ScoreRule)>)> {
        let mut singles = Vec::new();
        for (Beside { name, .. }, [of_validation, of_calibration]) in &self.0 {
            validation = validation.with(name, of_validation.clone());
            calibration = calibration.with(name, of_calibration.clone());
            singles.push((name.clone(), ScoreRule::single(name)));
        }
        let is_image = |name: &str| name == IMAGE;
        for (sum, of_image) in [(BOTH, true), (ENSEMBLE, false)] {
            let others = singles.iter().filter(|s| is_image(&s.0) == of_image);
            let others: Vec<&ScoreRule> = others.map(|(_, rule)| rule).collect();
            if let (Some((_, first)), false) = (rules.first(), others.is_empty()) {
                let terms = [&[first], &others[..]].concat();
                let rule = ScoreRule::fit_sum(&validation, &terms)?;
                rules.insert(0, (sum.to_owned(), rule));
            }
        }
        rules.extend(singles);
        Ok((calibration, rules))
    }
}

/// Epochs of a network that sees one row an image, at most, in those of one that sees its places.
const MORE_EPOCHS: usize = 100;
