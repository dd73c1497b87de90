//! What a report is about: the run, its data, its environment.

use serde::{Deserialize, Serialize};
use unlike_core::{ColumnKind, InputSpec};

use crate::{evaluation::Evaluation, training::Training};

/// Everything a report can show; a part that is absent or empty is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What was trained on what.
    pub run: Run,
    /// How well it works.
    pub evaluation: Option<Evaluation>,
    /// How training went.
    pub training: Option<Training>,
    /// What the detector reads, and how.
    pub data: Option<Data>,
    /// Image sheets, shown in this order.
    pub images: Vec<Image>,
    /// Machine, versions, threads: shown in the footer in this order.
    pub environment: Vec<Fact>,
}

/// What was trained on what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The model's name as a person writes it: `EGBAD`.
    pub model: String,
    /// The data set's name or path.
    pub data: String,
    /// The split in one sentence: what is normal, what is anomalous, what the test holds.
    pub protocol: Option<String>,
    /// Normal samples that the weights were fitted to.
    pub n_train: Option<u64>,
    /// Held-out normal samples, behind the choice of the epoch and the calibration.
    pub n_held_out: Option<u64>,
    /// What one sample looks like.
    pub input: Option<InputSpec>,
    /// Numbers that the detector sees at once: of a row, an image, or a place of an image.
    pub n_features: Option<u64>,
    /// What a network makes of images for the detector, in words, if it does not see pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// Of initialisation, data order and splits.
    pub seed: Option<u64>,
    /// RFC 3339, in UTC.
    pub date: Option<String>,
    /// The version of `unlike`.
    pub version: String,
    /// Wall-clock time from reading to report.
    pub seconds: Option<f64>,
    /// The command line that repeats the run.
    pub command: Option<String>,
    /// The resolved configuration, as TOML.
    pub config: Option<String>,
}

/// What the detector reads, and how it turns into numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// In the order of the training file.
    pub columns: Vec<ColumnNote>,
    /// Rules for the whole data set, one sentence each.
    pub rules: Vec<String>,
    /// What deserves attention, one sentence each: unseen categories, constant columns.
    pub notes: Vec<String>,
}

/// One input column and its preprocessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnNote {
    /// As in the training file.
    pub name: String,
    /// Number or category.
    pub kind: ColumnKind,
    /// Its preprocessing, in words.
    pub rule: String,
    /// Numbers that it becomes.
    pub n_features: u64,
    /// What deserves attention.
    #[serde(default)]
    pub note: Option<String>,
}

/// A name and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// `CPU`
    pub name: String,
    /// `2 cores, AVX2`
    pub value: String,
}

impl Fact {
    /// A name and what it is.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A PNG image with its title, embedded in the HTML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// What it shows, in a few words; also its alternative text.
    pub title: String,
    /// How to read it.
    #[serde(default)]
    pub caption: Option<String>,
    /// A whole PNG file; base64 in JSON.
    #[serde(with = "crate::json::base64_bytes")]
    pub png: Vec<u8>,
}
