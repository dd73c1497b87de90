//! From which value on a place of a map counts as anomalous.

use unlike::{Decision, Model, judge::usual_decision};
use unlike_core::Result;

/// The score that is made of a map of pixels, where a model offers it.
const MAP: &str = "map";

/// The value of a map from which on a place counts as anomalous.
///
/// Scores of maps are the mean of the map's highest places, and the threshold of such a score is the
/// map's too: a place counts if an image would be flagged whose highest places were all like it. So
/// a flagged image has such places, and an image without any is not flagged. Where the score in use
/// is another, the decision's false-alarm rate is asked of the score `map` instead, or, where the
/// decision is no such rate or it cannot be promised, the [usual](usual_decision) one.
///
/// `threshold` is what flags images by the score in use.
///
/// # Errors
/// If the calibration cannot be read.
pub fn pixel_threshold(model: &Model, decision: Decision, threshold: Option<f64>) -> Result<f64> {
    let offers_map = model.score_names().any(|name| name == MAP);
    let of_maps = !offers_map || model.score_name() == MAP;
    if let (true, Some(threshold)) = (of_maps, threshold) {
        // What is subtracted from the parts before they are summed is not subtracted from maps.
        let parts = model.rule().parts().into_iter();
        let nothing = parts.map(|name| (name.to_owned(), vec![0.0])).collect();
        let offset = model.rule().apply(&unlike_core::ScoreParts::new(nothing))?;
        let offset = offset.first().copied().unwrap_or(0.0);
        return Ok(finite(threshold - offset));
    }
    let calibration = match offers_map {
        true => model.calibration_of(MAP)?,
        false => model.calibration().clone(),
    };
    let asked = match decision {
        Decision::FalseAlarms(rate) => calibration.threshold(rate).ok(),
        Decision::Fdr(_)
        | Decision::FdrStorey(_)
        | Decision::Threshold(_)
        | Decision::Budget(_) => None,
    };
    let usual = usual_decision(&calibration).0.decide(&[], &calibration)?;
    Ok(finite(asked.or(usual.threshold).unwrap_or(f64::MAX)))
}

/// As a number that every format can write.
fn finite(threshold: f64) -> f64 {
    threshold.clamp(f64::MIN, f64::MAX)
}
