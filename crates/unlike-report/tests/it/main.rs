//! What each renderer makes of a report.

mod by_group;
mod html;
mod simulation;
mod text;
mod verdict;

use unlike_core::{Label, metrics::Metrics};
use unlike_report::{Evaluation, Measured, Report, Run};

/// A report about scores whose first `n_normal` belong to normal samples; the two highest of ten
/// are flagged.
fn scored(scores: &[f64], n_normal: usize) -> Report {
    let evaluation = Evaluation {
        variants: vec![measured("residual", scores, n_normal)],
        ..Evaluation::default()
    };
    Report {
        run: Run {
            model: "EGBAD".into(),
            data: "doors.csv".into(),
            ..Run::default()
        },
        evaluation: Some(evaluation),
        ..Report::default()
    }
}

fn measured(name: &str, scores: &[f64], n_normal: usize) -> Measured {
    let labels: Vec<Label> = (0..scores.len())
        .map(|i| {
            if i < n_normal {
                Label::Normal
            } else {
                Label::Anomalous
            }
        })
        .collect();
    let flags: Vec<bool> = scores.iter().map(|&s| s >= 0.5).collect();
    Measured {
        name: name.into(),
        metrics: Metrics::with_flags(scores, &labels, &flags, Some(0.5), 0).unwrap(),
        roc: None,
        precision_recall: None,
        seconds: None,
    }
}

/// `n` scores spread evenly from `low` to `high`.
fn spread(low: f64, high: f64, n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| low + (high - low) * i as f64 / (n - 1) as f64)
}
