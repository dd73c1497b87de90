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

/// How well the score in use and the paper's do, epoch by epoch.
pub(crate) struct EpochTable<'a> {
    test: &'a LabelledSamples,
    flagged: Option<f64>,
    scores: Vec<String>,
    rows: Vec<(usize, Vec<Measured>)>,
    took: Duration,
}

#[derive(Clone, Copy, Default)]
struct Measured {
    auroc: f64,
    average_precision: f64,
    f1: Option<f64>,
}

impl<'a> EpochTable<'a> {
    /// No epochs yet; `flagged` is the share of the test set that is flagged for F1, which is left out
    /// without it.
    pub(crate) fn new(test: &'a LabelledSamples, flagged: Option<f64>) -> Self {
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
            let f1 = |share| -> Result<f64> {
                let flags = metrics::top_fraction(&scores, share)?.anomalous;
                Ok(Confusion::new(&flags, labels)?.f1())
            };
            row.push(Measured {
                auroc: metrics::auroc(&scores, labels)?,
                average_precision: metrics::average_precision(&scores, labels)?,
                f1: self.flagged.map(f1).transpose()?,
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

    /// For a terminal; empty if no epoch was measured. `chosen` is the epoch that training kept.
    pub(crate) fn text(&self, chosen: Option<usize>, style: Style) -> String {
        let Some((last, _)) = self.rows.last() else {
            return String::new();
        };
        let second = if self.flagged.is_some() { "F1" } else { "AP" };
        let cells = |(epoch, row): &(usize, Vec<Measured>)| {
            let numbers = row
                .iter()
                .flat_map(|m| [m.f1.unwrap_or(m.average_precision), m.auroc])
                .map(|v| format!("{v:.3}"));
            std::iter::once(epoch.to_string()).chain(numbers).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        let titles = |name: &String| [format!("{name} {second}"), "AUROC".to_owned()];
        let header: Vec<String> = std::iter::once("epoch".to_owned())
            .chain(self.scores.iter().flat_map(titles))
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut text = layout::heading(
            "Test set by epoch (for display; training never sees it)",
            style,
        ) + &layout::table(&header, &rows, style);
        let auroc = |epoch| {
            let row = self.rows.iter().find(|(e, _)| Some(*e) == epoch)?;
            row.1.first().map(|m| m.auroc)
        };
        if let (Some(kept), Some(at_last), Some(best)) =
            (auroc(chosen), auroc(Some(*last)), self.best())
        {
            let chosen = chosen.unwrap_or(*last);
            text.push_str(&format!(
                "AUROC {kept:.3} at epoch {chosen}, which was chosen without labels; {at_last:.3} at the \
                 last,\n{:.3} at the best by these labels ({}), which nobody could have known.\n",
                best.1, best.0
            ));
        }
        text
    }

    /// The epoch of the highest AUROC of the score in use, and that AUROC; the first of equals.
    fn best(&self) -> Option<(usize, f64)> {
        let aurocs = self
            .rows
            .iter()
            .filter_map(|(epoch, row)| Some((*epoch, row.first()?.auroc)));
        aurocs.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// For `--json`.
    pub(crate) fn json(&self) -> Value {
        let row = |(epoch, row): &(usize, Vec<Measured>)| {
            let mut line = json!({ "epoch": epoch });
            for (name, m) in self.scores.iter().zip(row) {
                line[name] = json!({ "auroc": m.auroc, "average_precision": m.average_precision });
                if let Some(f1) = m.f1 {
                    line[name]["f1"] = f1.into();
                }
            }
            line
        };
        self.rows.iter().map(row).collect()
    }
}
