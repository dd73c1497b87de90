//! Every epoch's model on a labelled test set: shown, never used to choose anything.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use unlike::Model;
use unlike_core::{
    LabelledSamples, Result,
    metrics::{self, Confusion},
};
use unlike_report::terminal::Style;

use crate::layout;

/// The scores that are followed: the recommended one, and the paper's.
const SCORES: [&str; 2] = ["combined", "paper"];

/// F1 and AUROC of two scores, epoch by epoch.
pub(crate) struct EpochTable<'a> {
    test: &'a LabelledSamples,
    flagged: f64,
    rows: Vec<(usize, [Measured; 2])>,
    took: Duration,
}

#[derive(Clone, Copy, Default)]
struct Measured {
    f1: f64,
    auroc: f64,
}

impl<'a> EpochTable<'a> {
    /// No epochs yet; `flagged` is the share of the test set that is flagged for F1.
    pub(crate) fn new(test: &'a LabelledSamples, flagged: f64) -> Self {
        Self {
            test,
            flagged,
            rows: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Measures an epoch's model.
    pub(crate) fn add(&mut self, epoch: usize, mut model: Model) -> Result<()> {
        let began = Instant::now();
        let parts = model.evaluate(self.test.samples())?.parts;
        let labels = self.test.labels();
        let mut row = [Measured::default(); 2];
        for (name, measured) in SCORES.into_iter().zip(&mut row) {
            model = model.with_score(name)?;
            let scores = model.rule().apply(&parts)?;
            let flags = metrics::top_fraction(&scores, self.flagged)?.anomalous;
            measured.f1 = Confusion::new(&flags, labels)?.f1();
            measured.auroc = metrics::auroc(&scores, labels)?;
        }
        self.rows.push((epoch, row));
        self.took += began.elapsed();
        Ok(())
    }

    /// The time that measuring took, which is none of training's.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// For a terminal.
    pub(crate) fn text(&self, style: Style) -> String {
        let cells = |(epoch, row): &(usize, [Measured; 2])| {
            let numbers = row
                .iter()
                .flat_map(|m| [m.f1, m.auroc])
                .map(|v| format!("{v:.3}"));
            std::iter::once(epoch.to_string()).chain(numbers).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        let header = ["epoch", "combined F1", "AUROC", "paper F1", "AUROC"];
        layout::heading(
            "Test set by epoch (for display; training never sees it)",
            style,
        ) + &layout::table(&header, &rows, style)
    }

    /// For `--json`.
    pub(crate) fn json(&self) -> Value {
        let row = |(epoch, row): &(usize, [Measured; 2])| {
            let of = |m: &Measured| json!({ "f1": m.f1, "auroc": m.auroc });
            json!({ "epoch": epoch, SCORES[0]: of(&row[0]), SCORES[1]: of(&row[1]) })
        };
        self.rows.iter().map(row).collect()
    }
}
