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

/// The paper's score, which is followed beside the one in use.
const PAPER: &str = "paper";

/// F1 and AUROC of the score in use and of the paper's, epoch by epoch.
pub(crate) struct EpochTable<'a> {
    test: &'a LabelledSamples,
    flagged: f64,
    scores: Vec<String>,
    rows: Vec<(usize, Vec<Measured>)>,
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
            scores: Vec::new(),
            rows: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Measures an epoch's model.
    pub(crate) fn add(&mut self, epoch: usize, mut model: Model) -> Result<()> {
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
            model = model.with_score(name)?;
            let scores = model.rule().apply(&parts)?;
            let flags = metrics::top_fraction(&scores, self.flagged)?.anomalous;
            row.push(Measured {
                f1: Confusion::new(&flags, labels)?.f1(),
                auroc: metrics::auroc(&scores, labels)?,
            });
        }
        self.rows.push((epoch, row));
        self.took += began.elapsed();
        Ok(())
    }

    /// The time that measuring took, which is none of training's.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// For a terminal; empty if no epoch was measured.
    pub(crate) fn text(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let cells = |(epoch, row): &(usize, Vec<Measured>)| {
            let numbers = row
                .iter()
                .flat_map(|m| [m.f1, m.auroc])
                .map(|v| format!("{v:.3}"));
            std::iter::once(epoch.to_string()).chain(numbers).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        let titles = |name: &String| [format!("{name} F1"), "AUROC".to_owned()];
        let header: Vec<String> = std::iter::once("epoch".to_owned())
            .chain(self.scores.iter().flat_map(titles))
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        layout::heading(
            "Test set by epoch (for display; training never sees it)",
            style,
        ) + &layout::table(&header, &rows, style)
    }

    /// For `--json`.
    pub(crate) fn json(&self) -> Value {
        let row = |(epoch, row): &(usize, Vec<Measured>)| {
            let mut line = json!({ "epoch": epoch });
            for (name, m) in self.scores.iter().zip(row) {
                line[name] = json!({ "f1": m.f1, "auroc": m.auroc });
            }
            line
        };
        self.rows.iter().map(row).collect()
    }
}
