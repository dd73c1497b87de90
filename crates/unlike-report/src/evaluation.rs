//! How well a detector works: metrics, curves, decisions, cases.

use serde::{Deserialize, Serialize};
use unlike_core::{
    CodedNote, Label,
    metrics::{
        ChosenThreshold, FalseAlarms, GroupFalseAlarms, Metrics, PrCurve, RocCurve,
        pixel::PixelMetrics,
    },
};

use crate::{gallery::Gallery, histogram::Histogram, report::Image, thresholds::Thresholds};

/// Scores on a test set. Without labels, histogram and samples are all there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evaluation {
    /// The data set's name or path.
    pub data: String,
    /// The rule behind precision, recall and F1, as a clause: `the 20 % highest scores are
    /// flagged`.
    pub rule: Option<String>,
    /// The score variants of the model. The first is the one in use; headline, histogram, decisions
    /// and samples are its.
    pub variants: Vec<Measured>,
    /// The name of the variant that the model recommends, if that is known: the one in use may be
    /// another that somebody chose.
    pub recommended: Option<String>,
    /// What is worth knowing about the comparison, one sentence each: what has no flags, and why.
    pub remarks: Vec<String>,
    /// Numbers of other people for the same task.
    pub published: Vec<Published>,
    /// Simple methods on the same data.
    pub baselines: Vec<Measured>,
    /// The scores.
    pub histogram: Option<Histogram>,
    /// What promised false-alarm rates came to, ascending.
    pub false_alarms: Vec<FalseAlarms>,
    /// The same among the normals of each group, where groups are calibrated by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_group: Option<ByGroup>,
    /// Anomaly maps against masks, for images that have any.
    pub pixels: Option<PixelMetrics>,
    /// The two main parts of the score against each other.
    pub parts: Option<PartPair>,
    /// Why the numbers mean less than they seem to, one or more sentences each.
    pub cautions: Vec<String>,
    /// A threshold that these labels chose, if one was asked for.
    pub chosen_threshold: Option<ChosenThreshold>,
    /// What was noted while the data were read and judged, for programs; the words of no interface.
    pub notes: Vec<CodedNote>,
    /// The samples with the highest scores, highest first.
    pub most_anomalous: Vec<Case>,
    /// Anomalies with the lowest scores, lowest first.
    pub missed: Vec<Case>,
    /// Normal samples with the highest scores, highest first.
    pub flagged_normals: Vec<Case>,
    /// What other thresholds would have come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Images to look at, where samples are images with maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gallery: Option<Gallery>,
}

/// What promised false-alarm rates came to, group by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByGroup {
    /// The column, or the folder, that says which group a sample belongs to.
    pub by: String,
    /// Groups with test normals, by name; all with the same rates, ascending.
    pub groups: Vec<GroupFalseAlarms>,
}

impl Evaluation {
    /// The metrics of the score in use: the report's headline.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.variants.first().map(|v| &v.metrics)
    }
}

/// A score variant or a baseline, measured on the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// `combined`, `isolation forest`.
    pub name: String,
    /// What the test set says about it.
    pub metrics: Metrics,
    /// Drawn for the score in use, with its band, and for baselines.
    #[serde(default)]
    pub roc: Option<RocCurve>,
    /// As `roc`.
    #[serde(default)]
    pub precision_recall: Option<PrCurve>,
    /// Wall-clock time of training and scoring.
    #[serde(default)]
    pub seconds: Option<f64>,
}

/// What others printed, each value within [0, 1]; absent where they printed none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Published {
    /// The method: `EGBAD`.
    pub name: String,
    /// Paper and table.
    pub source: String,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// The step-wise area under the precision-recall curve.
    pub average_precision: Option<f64>,
    /// The share of anomalies among the flagged.
    pub precision: Option<f64>,
    /// The share of flagged among the anomalies.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall.
    pub f1: Option<f64>,
}

/// A value and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) ci95: Option<[f64; 2]>,
}

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Auroc,
    AveragePrecision,
    Precision,
    Recall,
    F1,
    F1Max,
}

impl Measure {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auroc => "AUROC",
            Self::AveragePrecision => "average precision",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
            Self::F1Max => "F1 max",
        }
    }

    /// For narrow columns.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::AveragePrecision => "AP",
            other => other.name(),
        }
    }

    /// The measured value; absent where nothing was flagged by a rule.
    pub(crate) fn of(self, metrics: &Metrics) -> Option<Estimate> {
        let m = metrics;
        let (value, ci95) = match self {
            Self::Auroc => (Some(m.auroc), Some(m.auroc_ci95)),
            Self::AveragePrecision => (Some(m.average_precision), Some(m.average_precision_ci95)),
            Self::F1Max => (Some(m.f1_max), Some(m.f1_max_ci95)),
            Self::Precision => (m.precision, m.precision_ci95),
            Self::Recall => (m.recall, m.recall_ci95),
            Self::F1 => (m.f1, m.f1_ci95),
        };
        value.map(|value| Estimate { value, ci95 })
    }

    /// The published value.
    pub(crate) fn published(self, numbers: &Published) -> Option<Estimate> {
        let value = match self {
            Self::Auroc => numbers.auroc,
            Self::AveragePrecision => numbers.average_precision,
            Self::Precision => numbers.precision,
            Self::Recall => numbers.recall,
            Self::F1 => numbers.f1,
            Self::F1Max => None,
        };
        value.map(|value| Estimate { value, ci95: None })
    }
}

/// One test sample and why it got its score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// Row number, id or file name.
    pub id: String,
    /// Higher = more anomalous.
    pub score: f64,
    /// The share of normals that are at least as strange; see
    /// [`Calibration::p_value`](unlike_core::Calibration::p_value).
    pub p_value: Option<f64>,
    /// What the sample is, if known.
    pub label: Option<Label>,
    /// Its class in the data set's own words, if known.
    pub class: Option<String>,
    /// The named parts of the score.
    pub parts: Vec<Part>,
    /// The columns that contributed most, largest first.
    pub reasons: Vec<Reason>,
    /// The sample, its reconstruction and its map.
    pub image: Option<Image>,
}

/// A named part of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `residual`, `latent`, `feature`.
    pub name: String,
    /// In the part's own units.
    pub value: f64,
}

/// Two parts of the score for some of the test samples: where they contradict each other, samples lie
/// far along one axis alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartPair {
    /// The names of the parts.
    pub names: [String; 2],
    /// Values of both for normal samples.
    pub normal: Vec<[f64; 2]>,
    /// Values of both for anomalous samples.
    pub anomalous: Vec<[f64; 2]>,
}

/// What one column contributed to a score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reason {
    /// The column's name.
    pub column: String,
    /// Its share of all columns' contributions, within [0, 1].
    pub share: f64,
    /// The cell as it stands in the file; empty when missing.
    pub found: String,
    /// What training normals have there, in words: `0 to 12, median 1`.
    pub typical: String,
}
