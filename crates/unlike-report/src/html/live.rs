//! What a reader of the page can move: the threshold.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest, Sha256};
use unlike_core::{
    Error, Result,
    metrics::{Confusion, Metrics},
    words,
};

use crate::{
    evaluation::Evaluation,
    number,
    summary::Figure,
    text::harmless,
    thresholds::{Step, Thresholds},
};

/// The only script of the page. Browsers run it because its hash is named, and nothing else.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) text: String,
    /// As Content Security Policy writes it, `sha256-…`.
    pub(super) hash: String,
}

impl Script {
    pub(super) fn new() -> Self {
        // Line ends as they stand on the page, whatever the source has.
        let text = harmless(include_str!("../../templates/report.js"));
        let hash = format!("sha256-{}", STANDARD.encode(Sha256::digest(&text)));
        Self { text, hash }
    }
}

/// The decision table at each threshold, as text.
pub(super) struct Live {
    /// In a sentence, with `{0}` and so on where the cells of a step belong.
    template: String,
    steps: Vec<Shown>,
    pub(super) in_use: usize,
    threshold: Option<f64>,
}

/// Threshold, p-value, found, missed, false alarms, precision, recall and F1; then the intervals of
/// the last three.
type Cells = [String; 11];

/// A step as the page's script reads it.
#[derive(Serialize)]
struct Shown(Option<f64>, Cells);

#[derive(Serialize)]
struct Data<'a> {
    template: &'a str,
    in_use: usize,
    steps: &'a [Shown],
}

impl Live {
    /// `None` without thresholds, or where they cannot be counted against the metrics.
    pub(super) fn new(evaluation: &Evaluation) -> Option<Self> {
        let thresholds: &Thresholds = evaluation.thresholds.as_ref()?;
        let metrics = evaluation.metrics()?;
        let used = thresholds.steps.get(thresholds.in_use)?;
        let (anomalies, normals) = (metrics.n_anomalous as u64, metrics.n_normal as u64);
        let counted = |s: &Step| s.found <= anomalies && s.false_alarms <= normals;
        if !thresholds.steps.iter().all(counted) {
            return None;
        }
        let show = |step| Shown(step_threshold(step), cells(step, metrics));
        Some(Self {
            template: format!(
                "Threshold {{0}}, p-value {{1}}: {{2}} of {} found, {{3}} missed; {{4}} of {} \
                 flagged.",
                words::counted(metrics.n_anomalous, "anomalous sample"),
                words::counted(metrics.n_normal, "normal sample"),
            ),
            steps: thresholds.steps.iter().map(show).collect(),
            in_use: thresholds.in_use,
            threshold: used.threshold,
        })
    }

    /// The number of the last step.
    pub(super) fn last(&self) -> usize {
        self.steps.len() - 1
    }

    /// Whether the decision in use flags this score.
    pub(super) fn flags(&self, score: f64) -> bool {
        self.threshold.is_some_and(|threshold| score >= threshold)
    }

    fn cells(&self) -> &Cells {
        &self.steps[self.in_use].1
    }

    /// The decision in use, in a sentence.
    pub(super) fn words(&self) -> String {
        let numbered = self.cells().iter().enumerate();
        numbered.fold(self.template.clone(), |text, (i, cell)| {
            text.replace(&format!("{{{i}}}"), cell)
        })
    }

    /// The table at the decision in use; the note is the interval, where there is one.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let names = [
            "found",
            "missed",
            "false alarms",
            "precision",
            "recall",
            "F1",
        ];
        let figure = |(i, name): (usize, &'static str)| Figure {
            name,
            value: self.cells()[2 + i].clone(),
            note: match i {
                0..3 => String::new(),
                _ => self.cells()[5 + i].clone(),
            },
        };
        names.into_iter().enumerate().map(figure).collect()
    }

    /// For the page's script; harmless inside of an element.
    pub(super) fn json(&self) -> Result<String> {
        let data = Data {
            template: &self.template,
            in_use: self.in_use,
            steps: &self.steps,
        };
        let text = serde_json::to_string(&data);
        let text = text.map_err(|e| Error::io("render", "report.html")(e.into()))?;
        Ok(text.replace('<', "\\u003c"))
    }
}

fn step_threshold(step: &Step) -> Option<f64> {
    step.threshold.filter(|threshold| threshold.is_finite())
}

fn cells(step: &Step, metrics: &Metrics) -> Cells {
    let (anomalies, normals) = (metrics.n_anomalous as u64, metrics.n_normal as u64);
    let counts = Confusion {
        true_positives: step.found,
        false_positives: step.false_alarms,
        false_negatives: anomalies - step.found,
        true_negatives: normals - step.false_alarms,
    };
    [
        step_threshold(step).map_or("above every score".into(), number::score),
        step.p_value.map_or(number::NONE.into(), number::p_value),
        number::count(step.found),
        number::count(counts.false_negatives),
        number::count(step.false_alarms),
        number::unit(counts.precision()),
        number::unit(counts.recall()),
        number::unit(counts.f1()),
        number::unit_interval(counts.precision_ci95()),
        number::unit_interval(counts.recall_ci95()),
        number::unit_interval(counts.f1_ci95()),
    ]
}
