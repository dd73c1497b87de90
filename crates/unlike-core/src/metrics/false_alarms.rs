//! Promised against observed false alarms.

use serde::{Deserialize, Serialize};

use super::{flags::Confusion, intervals::clopper_pearson, ranking::both_classes};
use crate::{calibration::Calibration, error::Result, samples::Label};

/// What one promised false-alarm rate came to on a labelled test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// The rate that was asked for.
    pub promised: f64,
    /// The raw score from which on samples are flagged; `None` where the calibration is too small
    /// to promise this rate, so that nothing is flagged.
    pub threshold: Option<f64>,
    /// The share of the test normals that are flagged.
    pub observed: f64,
    /// Clopper–Pearson interval of the observed rate.
    ///
    /// It covers the chance in the test set, not that in the calibration, which has the same
    /// variance where there are as many held-out as test normals; see
    /// [`calibration`](crate::calibration).
    pub observed_ci95: [f64; 2],
    /// How many test normals are flagged.
    pub false_alarms: u64,
    /// The share of the anomalies that are flagged.
    pub recall: f64,
    /// Clopper–Pearson interval of the recall.
    pub recall_ci95: [f64; 2],
    /// The share of anomalies among the flagged; 0 where nothing is flagged.
    pub precision: f64,
}

/// One row per promised rate, in the order given.
///
/// # Errors
/// If a rate is not within (0, 1), there is not one label per score, a score is not finite, or a
/// class is missing.
pub fn observed_false_alarms(
    scores: &[f64],
    labels: &[Label],
    calibration: &Calibration,
    rates: &[f64],
) -> Result<Vec<FalseAlarms>> {
    crate::calibration::finite(scores, "a score")?;
    super::ranking::same_length("labels", labels.len(), scores.len())?;
    let anomalous = labels.iter().filter(|&&l| l == Label::Anomalous).count();
    both_classes(labels.len() - anomalous, anomalous)?;
    let row = |&promised: &f64| {
        crate::calibration::check_rate("false-alarms", promised)?;
        let threshold = calibration.threshold(promised).ok();
        let flags: Vec<bool> = scores
            .iter()
            .map(|&s| threshold.is_some_and(|t| s >= t))
            .collect();
        let found = Confusion::new(&flags, labels)?;
        let normals = found.false_positives + found.true_negatives;
        Ok(FalseAlarms {
            promised,
            threshold,
            observed: found.false_alarm_rate(),
            observed_ci95: clopper_pearson(found.false_positives, normals),
            false_alarms: found.false_positives,
            recall: found.recall(),
            recall_ci95: clopper_pearson(found.true_positives, anomalous as u64),
            precision: found.precision(),
        })
    };
    rates.iter().map(row).collect()
}
