//! Runs side by side.

use std::{fs, path::Path};

use serde::Serialize;
use unlike::{About, Model};
use unlike_core::{Error, Location, Result};
use unlike_report::Report;

/// What is known of a training, for a table of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The folder or model file, as it was named.
    pub run: String,
    /// What its model says about itself.
    #[serde(flatten)]
    pub about: About,
    /// Samples that trained.
    pub n_train: usize,
    /// The epoch that was kept; none for baselines.
    pub chosen_epoch: Option<usize>,
    /// What an evaluation in the folder measured.
    pub evaluation: Option<Measures>,
}

/// The measures of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// What was tested on.
    pub data: String,
    /// Normal and anomalous test samples.
    pub n_normal: usize,
    /// As `n_normal`.
    pub n_anomalous: usize,
    /// Within [0, 1].
    pub auroc: f64,
    /// DeLong's interval.
    pub auroc_ci95: [f64; 2],
    /// Within [0, 1].
    pub average_precision: f64,
    /// Bootstrap interval.
    pub average_precision_ci95: [f64; 2],
    /// Of the decision; absent where nothing was flagged by one.
    pub f1: Option<f64>,
}

impl RunSummary {
    /// Reads a run folder or a model file, and in a folder also `evaluation.json`, which `unlike eval
    /// --out` writes there.
    ///
    /// # Errors
    /// If there is no model, or what is there is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let model = Model::load(path)?;
        let file = path.join("evaluation.json");
        let evaluation = match path.is_dir() && file.exists() {
            true => Some(measures(&file)?).flatten(),
            false => None,
        };
        Ok(Self {
            run: path.display().to_string(),
            about: model.about(),
            n_train: model.provenance().n_train,
            chosen_epoch: model.provenance().chosen_epoch,
            evaluation,
        })
    }
}

/// What an evaluation says of the score in use.
fn measures(path: &Path) -> Result<Option<Measures>> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| Error::Malformed {
        path: path.to_owned(),
        location: Location {
            row: Some(error.line() as u64),
            column: None,
        },
        found: error.to_string(),
        expected: "an evaluation that unlike wrote".into(),
        hint: None,
    })?;
    let Some(evaluation) = report.evaluation else {
        return Ok(None);
    };
    Ok(evaluation.variants.first().map(|first| {
        let metrics = &first.metrics;
        Measures {
            data: evaluation.data.clone(),
            n_normal: metrics.n_normal,
            n_anomalous: metrics.n_anomalous,
            auroc: metrics.auroc,
            auroc_ci95: metrics.auroc_ci95,
            average_precision: metrics.average_precision,
            average_precision_ci95: metrics.average_precision_ci95,
            f1: metrics.f1,
        }
    }))
}
