//! Every epoch's model on a labelled test set: shown, never used to choose anything.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use unlike::Model;
use unlike_core::{
    LabelledSamples, Result,
    metrics::{self, Confusion},
};

/// The paper's score, which is followed beside the one in use.
const PAPER: &str = "paper";

/// How well the score in use and the paper's do, epoch by epoch.
#[derive(Debug)]
pub struct EpochTable<'a> {
    test: &'a LabelledSamples,
    flagged: Option<f64>,
    scores: Vec<String>,
    epochs: Vec<MeasuredEpoch>,
    took: Duration,
}

/// One epoch's model on the test set.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredEpoch {
    /// Counted from 1.
    pub epoch: usize,
    /// In the order of [`EpochTable::scores`].
    pub scores: Vec<MeasuredScore>,
}

/// One score of one epoch's model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MeasuredScore {
    /// See [`metrics::auroc`].
    pub auroc: f64,
    /// See [`metrics::average_precision`].
    pub average_precision: f64,
    /// Of the share that is flagged, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
}

impl<'a> EpochTable<'a> {
    /// No epochs yet; `flagged` is the share of the test set that is flagged for F1, which is left out
    /// without it.
    pub fn new(test: &'a LabelledSamples, flagged: Option<f64>) -> Self {
        Self {
            test,
            flagged,
            scores: Vec::new(),
            epochs: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Measures an epoch's model.
    ///
    /// # Errors
    /// If the test set does not fit the model.
    pub fn add(&mut self, epoch: usize, model: &Model) -> Result<()> {
        let began = Instant::now();
        if self.scores.is_empty() {
            let used = model.score_name();
            let papers = model.score_names().filter(|&n| n == PAPER && n != used);
            self.scores = std::iter::once(used)
                .chain(papers)
                .map(str::to_owned)
                .collect();
        }
        let parts = model.evaluate(self.test.samples())?.parts;
        let labels = self.test.labels();
        let mut row = Vec::with_capacity(self.scores.len());
        for name in &self.scores {
            let scores = model.rule_of(name)?.apply(&parts)?;
            let f1 = |share| -> Result<f64> {
                let flags = metrics::top_fraction(&scores, share)?.anomalous;
                Ok(Confusion::new(&flags, labels)?.f1())
            };
            row.push(MeasuredScore {
                auroc: metrics::auroc(&scores, labels)?,
                average_precision: metrics::average_precision(&scores, labels)?,
                f1: self.flagged.map(f1).transpose()?,
            });
        }
        self.epochs.push(MeasuredEpoch { epoch, scores: row });
        self.took += began.elapsed();
        Ok(())
    }

    /// The time that measuring took, which is none of training's.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The scores that are followed: the one in use, then the paper's if that is another. Empty
    /// before the first epoch.
    pub fn scores(&self) -> &[String] {
        &self.scores
    }

    /// The epochs so far, in their order.
    pub fn epochs(&self) -> &[MeasuredEpoch] {
        &self.epochs
    }

    /// Whether F1 is measured.
    pub fn has_f1(&self) -> bool {
        self.flagged.is_some()
    }

    /// The AUROC of the score in use at this epoch, if it was measured.
    pub fn auroc(&self, epoch: usize) -> Option<f64> {
        let measured = self.epochs.iter().find(|m| m.epoch == epoch)?;
        measured.scores.first().map(|score| score.auroc)
    }

    /// The epoch of the highest AUROC of the score in use, and that AUROC; the first of equals.
    pub fn best(&self) -> Option<(usize, f64)> {
        let aurocs = self
            .epochs
            .iter()
            .filter_map(|m| Some((m.epoch, m.scores.first()?.auroc)));
        aurocs.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// One JSON object per epoch: its number, and what was measured by the name of each score.
    pub fn json(&self) -> Value {
        let row = |MeasuredEpoch { epoch, scores }: &MeasuredEpoch| {
            let mut line = json!({ "epoch": epoch });
            for (name, measured) in self.scores.iter().zip(scores) {
                line[name] = json!(measured);
            }
            line
        };
        self.epochs.iter().map(row).collect()
    }
}
