//! Calibration on all normals, where there are few: cross-conformal p-values.
//!
//! Holding normals out costs: with 60 of them, a tenth is 6, and nothing below a rate of 1 / 7 can be
//! promised. Instead the normals are cut into folds; for each fold a model is trained on the others, and
//! calibrated on it. A new sample is scored by all of them, and compared in each with the fold that the
//! model has not seen: p = (1 + Σₖ #{fold k ≥ score k}) / (n + 1) (Vovk, *Cross-conformal predictors*,
//! 2015). All n normals count, and all but a fold's train each model.
//!
//! P(p ≤ a) ≤ a is no theorem here, as it is of normals held out once: what is proved is P(p ≤ a) ≤ 2 a,
//! nearly (Vovk and Wang 2020; Barber and others 2021). Where folds say alike, it holds as it does there;
//! see the tests.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use unlike_core::{Error, Result, Samples};

use crate::{
    model::Model,
    train::{Observer, RunOptions, Silent, TrainConfig, fit},
};

/// As [`fit`], calibrated on all samples by this many folds. What is saved holds one more model than
/// there are folds: the one that is [`fit`]ted to all samples gives scores and explanations, the others
/// p-values. The observer follows the former.
///
/// # Errors
/// As [`fit`], and if there are fewer than 2 folds, or fewer samples than folds.
pub fn fit_cross(
    config: &TrainConfig,
    samples: &Samples,
    folds: usize,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Model> {
    if folds < 2 || folds > samples.len() {
        return Err(Error::Setting {
            name: "folds".into(),
            found: folds.to_string(),
            expected: format!("from 2 to the {} normals that there are", samples.len()),
            hint: None,
        });
    }
    let model = fit(config, samples, options, observer)?;
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
    // What a fold calibrates is held out by the fold itself.
    let mut of_fold = config.clone();
    of_fold.hold_out.calibration = f64::MIN_POSITIVE;
    let once = RunOptions {
        resume_file: None,
        resume: false,
        ..options.clone()
    };
    let fold = |k: usize| -> Result<Model> {
        let part = |inside: bool| {
            let places = order.iter().enumerate();
            let mut part: Vec<usize> = places
                .filter(|(place, _)| (place % folds == k) == inside)
                .map(|(_, &at)| at)
                .collect();
            part.sort_unstable();
            samples.select(&part)
        };
        fit(&of_fold, &part(false), &once, &mut Silent)?.recalibrate(&part(true))
    };
    model.with_folds((0..folds).map(fold).collect::<Result<_>>()?)
}
