//! How well scores separate labelled samples, with 95 % intervals.
//!
//! Everything here is a pure function of scores and labels. Scores are raw scores, higher = more
//! anomalous; anomalous samples are the positives.
//!
//! Average precision, precision and F1 grow with the share of anomalies in the test set, the
//! *prevalence*; AUROC does not (Fourure et al., ECML-PKDD 2021). So [`Metrics`] always holds the
//! prevalence, which is also what a random ranking reaches in average precision.

mod by_group;
mod curves;
mod false_alarms;
mod flags;
mod intervals;
pub mod pixel;
mod ranking;
mod tail;
mod thresholds;

pub use by_group::{GroupFalseAlarms, ObservedRate, false_alarms_by_group};
pub use curves::{
    CurvePoint, PrCurve, RocCurve, even_edges, histogram, precision_recall_curve, roc_curve,
};
pub use false_alarms::{FalseAlarms, observed_false_alarms};
pub use flags::{Confusion, TopFraction, top_fraction};
pub use intervals::{Delong, clopper_pearson, delong, replicates};
pub(crate) use ranking::labelled;
pub use ranking::{BestF1, auprc_trapezoid, auroc, average_precision, f1_max};
pub use tail::tail;
pub use thresholds::{Aim, ChosenThreshold, choose_threshold};

use serde::{Deserialize, Serialize};

use crate::{error::Result, samples::Label};
use intervals::{bootstrap, delong_of, never_a_point, percentile_ci95};
use ranking::{Ranking, Summary, same_length, summarise};

/// What a test set says about a detector. The names are the keys of every JSON document.
///
/// `*_ci95` is `[low, high]`. AUROC's interval is DeLong's; those of the flags are exact
/// ([`clopper_pearson`]); the others are percentiles of [`replicates`] bootstrap draws within each
/// class. Where a class has a single sample all intervals but those of the flags are `[0, 1]`.
///
/// No interval is a point. Where every draw gives one value (all anomalies above all normals, or all
/// scores equal) the bootstrap knows nothing; the interval is then [`clopper_pearson`]'s of as many
/// pairs without a common sample as there are, min(n₀, n₁).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// See [`auroc`].
    pub auroc: f64,
    /// DeLong's interval, see [`delong`].
    pub auroc_ci95: [f64; 2],
    /// See [`average_precision`].
    pub average_precision: f64,
    /// Bootstrap interval.
    pub average_precision_ci95: [f64; 2],
    /// See [`auprc_trapezoid`].
    pub auprc_trapezoid: f64,
    /// Bootstrap interval.
    pub auprc_trapezoid_ci95: [f64; 2],
    /// The share of anomalous samples in the test set.
    pub prevalence: f64,
    /// What a random ranking reaches in average precision: the prevalence.
    pub chance_average_precision: f64,
    /// The best F1 of any threshold, chosen with the test labels; see [`f1_max`].
    pub f1_max: f64,
    /// Bootstrap interval; each draw has its own best threshold.
    pub f1_max_ci95: [f64; 2],
    /// Of the flags, as the four fields that follow: present where flags were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Clopper–Pearson interval, of the flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision_ci95: Option<[f64; 2]>,
    /// See [`Confusion::recall`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// Clopper–Pearson interval, of the anomalous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall_ci95: Option<[f64; 2]>,
    /// See [`Confusion::f1`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Clopper–Pearson interval, of those that are flagged, anomalous or both: F1 is 2 J / (1 + J),
    /// where J is the share of them that are both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1_ci95: Option<[f64; 2]>,
    /// The raw score from which on samples were flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Normal samples in the test set.
    pub n_normal: usize,
    /// Anomalous samples in the test set.
    pub n_anomalous: usize,
}

impl Metrics {
    /// Measures scores. The seed drives the bootstrap alone.
    ///
    /// # Errors
    /// If there is not one label per score, a score is not finite, or a class is missing.
    pub fn new(scores: &[f64], labels: &[Label], seed: u64) -> Result<Self> {
        Self::measure(scores, labels, None, seed)
    }

    /// Measures scores, and flags that were set by a [`Decision`](crate::Decision) or by
    /// [`top_fraction`].
    ///
    /// # Errors
    /// As [`new`](Self::new), and if there is not one flag per score.
    pub fn with_flags(
        scores: &[f64],
        labels: &[Label],
        anomalous: &[bool],
        threshold: Option<f64>,
        seed: u64,
    ) -> Result<Self> {
        let mut metrics = Self::measure(scores, labels, Some(anomalous), seed)?;
        metrics.threshold = threshold;
        Ok(metrics)
    }

    fn measure(
        scores: &[f64],
        labels: &[Label],
        flags: Option<&[bool]>,
        seed: u64,
    ) -> Result<Self> {
        let ranking = Ranking::new(scores, labels)?;
        let confusion = match flags {
            None => None,
            Some(flags) => {
                same_length("flags", flags.len(), scores.len())?;
                Some(Confusion::new(flags, labels)?)
            }
        };
        let draws: Vec<Summary> = bootstrap(&ranking, seed, |draw| {
            summarise(draw.counts(&ranking), ranking.anomalous.len() as u64)
        });
        let (n_normal, n_anomalous) = (ranking.normal.len(), ranking.anomalous.len());
        let alone = n_anomalous < 2 || n_normal < 2;
        let pairs = n_anomalous.min(n_normal) as u64;
        let summary = ranking.summary();
        let of_ranks = |value: fn(&Summary) -> f64| {
            if alone {
                return [0.0, 1.0];
            }
            let ci95 = percentile_ci95(draws.iter().map(value).collect());
            never_a_point(ci95, value(&summary), pairs)
        };
        let delong = delong_of(&ranking);
        let prevalence = ranking.anomalous.len() as f64 / scores.len() as f64;
        Ok(Self {
            auroc: delong.auroc,
            auroc_ci95: delong.ci95,
            average_precision: summary.average_precision,
            average_precision_ci95: of_ranks(|s| s.average_precision),
            auprc_trapezoid: summary.auprc_trapezoid,
            auprc_trapezoid_ci95: of_ranks(|s| s.auprc_trapezoid),
            prevalence,
            chance_average_precision: prevalence,
            f1_max: summary.f1_max,
            f1_max_ci95: of_ranks(|s| s.f1_max),
            precision: confusion.map(|c| c.precision()),
            precision_ci95: confusion.map(|c| c.precision_ci95()),
            recall: confusion.map(|c| c.recall()),
            recall_ci95: confusion.map(|c| c.recall_ci95()),
            f1: confusion.map(|c| c.f1()),
            f1_ci95: confusion.map(|c| c.f1_ci95()),
            threshold: None,
            n_normal,
            n_anomalous,
        })
    }

    /// A sentence for the reader if AUROC is below one half, which means that normals outrank
    /// anomalies.
    pub fn below_chance(&self) -> Option<String> {
        let [low, high] = self.auroc_ci95;
        let sure = if high < 0.5 {
            "the scores rank normals above these anomalies"
        } else {
            "the scores do not tell these anomalies from normals"
        };
        (self.auroc < 0.5).then(|| {
            format!(
                "AUROC {:.3} (95 % interval {low:.3} to {high:.3}) is below chance (0.5): {sure}",
                self.auroc
            )
        })
    }
}
