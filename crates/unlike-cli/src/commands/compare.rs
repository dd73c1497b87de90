//! `unlike compare`.

use std::path::PathBuf;

use clap::Args;
use unlike_core::words::count;
use unlike_results::RunSummary;

use crate::{
    args::Common,
    terminal::{
        self,
        failure::{Outcome, Result},
        layout, say,
    },
};

const EXAMPLES: &str = "\
Measures are those of the evaluation in a run's folder, if there is one. Numbers
of different test sets say nothing about each other.

Examples:
  unlike eval runs/egbad-flows test.csv --out runs/egbad-flows
  unlike eval runs/knn-flows test.csv --out runs/knn-flows
  unlike compare runs/*-flows";

/// Show runs side by side
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// Folders that `unlike train` made, or model files
    #[arg(required = true)]
    run: Vec<PathBuf>,
}

impl CompareArgs {
    /// Prints a table.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let runs: Vec<RunSummary> = self
            .run
            .iter()
            .map(RunSummary::read)
            .collect::<unlike_core::Result<_>>()?;
        let mut tests: Vec<(&str, usize, usize)> = runs
            .iter()
            .filter_map(|run| run.evaluation.as_ref())
            .map(|e| (e.data.as_str(), e.n_normal, e.n_anomalous))
            .collect();
        tests.sort_unstable();
        tests.dedup();
        if tests.len() > 1 {
            say("note", "these were measured on different test sets");
        }
        match common.json {
            true => terminal::print_json(&runs)?,
            false => terminal::print(&table(&runs))?,
        }
        Ok(Outcome::Done)
    }
}

fn table(runs: &[RunSummary]) -> String {
    let header = [
        "run",
        "model",
        "score",
        "trained on",
        "calibrated on",
        "AUROC",
        "average precision",
        "F1",
    ];
    let interval = |value: f64, [low, high]: [f64; 2]| format!("{value:.3} ({low:.3}-{high:.3})");
    let row = |run: &RunSummary| {
        let dash = || "-".to_owned();
        let measured = run.evaluation.as_ref();
        vec![
            run.run.clone(),
            run.about.model.clone(),
            run.about.score.clone(),
            count(run.n_train),
            count(run.about.n_calibration),
            measured.map_or_else(dash, |m| interval(m.auroc, m.auroc_ci95)),
            measured.map_or_else(dash, |m| {
                interval(m.average_precision, m.average_precision_ci95)
            }),
            measured
                .and_then(|m| m.f1)
                .map_or_else(dash, |f1| format!("{f1:.3}")),
        ]
    };
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    layout::table(&header, &rows, terminal::style())
}
