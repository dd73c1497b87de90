//! What a set of flags is worth: precision, recall and F1.

use super::{
    intervals::{clopper_pearson, quantile},
    ranking::same_length,
};
use crate::{
    calibration::{check_rate, finite},
    error::{Error, Result},
    samples::Label,
};

/// Flags against labels, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Anomalous and flagged.
    pub true_positives: u64,
    /// Normal and flagged: false alarms.
    pub false_positives: u64,
    /// Anomalous and not flagged.
    pub false_negatives: u64,
    /// Normal and not flagged.
    pub true_negatives: u64,
}

impl Confusion {
    /// Counts flags against labels.
    ///
    /// # Errors
    /// If there is not one flag per label.
    pub fn new(anomalous: &[bool], labels: &[Label]) -> Result<Self> {
        same_length("flags", anomalous.len(), labels.len())?;
        let mut confusion = Self::default();
        for (&flagged, label) in anomalous.iter().zip(labels) {
            *match (label, flagged) {
                (Label::Anomalous, true) => &mut confusion.true_positives,
                (Label::Normal, true) => &mut confusion.false_positives,
                (Label::Anomalous, false) => &mut confusion.false_negatives,
                (Label::Normal, false) => &mut confusion.true_negatives,
            } += 1;
        }
        Ok(confusion)
    }

    /// The share of anomalous samples among the flagged; 0 where nothing is flagged.
    pub fn precision(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// The share of flagged samples among the anomalous; 0 where none is anomalous.
    pub fn recall(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    /// The harmonic mean of precision and recall; 0 where both are.
    pub fn f1(&self) -> f64 {
        let hits = 2 * self.true_positives;
        share(hits, hits + self.false_positives + self.false_negatives)
    }

    /// The exact 95 % interval of [`precision`](Self::precision); [0, 1] where nothing is flagged.
    pub fn precision_ci95(&self) -> [f64; 2] {
        clopper_pearson(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// The exact 95 % interval of [`recall`](Self::recall); [0, 1] where none is anomalous.
    pub fn recall_ci95(&self) -> [f64; 2] {
        clopper_pearson(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    /// The 95 % interval of [`f1`](Self::f1), from the exact one of the share that it is a function
    /// of: true positives among the samples that are flagged, anomalous or both.
    pub fn f1_ci95(&self) -> [f64; 2] {
        let found = self.true_positives;
        let share = clopper_pearson(found, found + self.false_positives + self.false_negatives);
        share.map(|share| 2.0 * share / (1.0 + share))
    }

    /// The share of flagged samples among the normal; 0 where none is normal.
    pub fn false_alarm_rate(&self) -> f64 {
        share(
            self.false_positives,
            self.false_positives + self.true_negatives,
        )
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Flags by rank within a test set.
#[derive(Clone, Debug, PartialEq)]
pub struct TopFraction {
    /// Whether each sample is flagged, in the order of the scores.
    pub anomalous: Vec<bool>,
    /// The raw score from which on samples are flagged.
    pub threshold: f64,
}

/// Flags the given fraction of the test set, the rule behind the published KDD Cup 99 numbers
/// (fraction 0.2, the share of anomalies in that test set).
///
/// As in the papers' code, a score is flagged if it is at least the (1 − fraction) quantile of all
/// scores, interpolated linearly between order statistics (NumPy's `percentile`). Scores that tie
/// with the quantile are all flagged, so that more than the fraction can be. The rule needs the
/// whole test set and its share of anomalies; to decide about single samples use a
/// [`Decision`](crate::Decision).
///
/// # Errors
/// If the fraction is not within (0, 1), there is no score, or one is not finite.
pub fn top_fraction(scores: &[f64], fraction: f64) -> Result<TopFraction> {
    check_rate("top-fraction", fraction)?;
    finite(scores, "a score")?;
    if scores.is_empty() {
        return Err(Error::NotEnough {
            what: "scores to flag a fraction of".into(),
            found: "none".into(),
            expected: "at least 1".into(),
            hint: None,
        });
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let threshold = quantile(&sorted, 1.0 - fraction);
    Ok(TopFraction {
        anomalous: scores.iter().map(|&s| s >= threshold).collect(),
        threshold,
    })
}
