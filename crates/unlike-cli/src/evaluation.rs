//! From scores and labels to the evaluation that a report shows.

use unlike::{Model, Scored};
use unlike_core::{
    Calibration, Decision, Label, LabelledSamples, Metrics, Result, metrics,
};
use unlike_report::{Contender, Curve, Evaluation, Histogram, OperatingPoint, Role};

use crate::{cases, decision_args, output::ScoreTable, run_report};

/// The false-alarm rates whose promises are checked.
const RATES: [f64; 4] = [0.001, 0.01, 0.05, 0.1];
/// Points of a curve.
const POINTS: usize = 200;

/// Which test samples are flagged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// By the calibration.
    Decision(Decision),
    /// The highest scores of the test set: the rule behind the published KDD Cup 99 numbers.
    TopFraction(f64),
}

impl Rule {
    /// Whether each sample is flagged, and from which raw score on.
    fn flags(self, scores: &[f64], calibration: &Calibration) -> Result<(Vec<bool>, Option<f64>)> {
        Ok(match self {
            Self::Decision(decision) => {
                let decisions = decision.decide(scores, calibration)?;
                (decisions.anomalous, decisions.threshold)
            }
            Self::TopFraction(fraction) => {
                let top = metrics::top_fraction(scores, fraction)?;
                (top.anomalous, Some(top.threshold))
            }
        })
    }

    /// A clause for people.
    fn words(self) -> String {
        match self {
            Self::Decision(decision) => decision_args::rule(decision),
            Self::TopFraction(fraction) => {
                format!("the {} % highest scores are flagged", 100.0 * fraction)
            }
        }
    }
}

/// Labelled samples to measure models on.
#[derive(Clone, Copy)]
pub(crate) struct TestSet<'a> {
    pub(crate) labelled: &'a LabelledSamples,
    /// What a sample is in the data set's own words, one per sample, if it has any.
    pub(crate) classes: Option<&'a [String]>,
    pub(crate) rule: Rule,
    /// Of the bootstrap.
    pub(crate) seed: u64,
}

impl TestSet<'_> {
    /// Measures one ranking of the test set.
    pub(crate) fn contender(
        &self,
        name: impl Into<String>,
        role: Role,
        scores: &[f64],
        calibration: &Calibration,
    ) -> Result<Contender> {
        let (flags, threshold) = self.rule.flags(scores, calibration)?;
        let metrics =
            Metrics::with_flags(scores, self.labelled.labels(), &flags, threshold, self.seed)?;
        Ok(Contender { name: name.into(), role, metrics: shown(&metrics), seconds: None })
    }

    /// Measures another model on the same test set.
    pub(crate) fn baseline(&self, name: impl Into<String>, model: &Model) -> Result<Contender> {
        let Scored { scores, .. } = model.evaluate(self.labelled.samples())?;
        self.contender(name, Role::Baseline, &scores, model.calibration())
    }

    /// Measures every score that the model offers, the one in use first. A raw threshold flags
    /// by the score in use only: other scores have other units.
    pub(crate) fn variants(
        &self,
        mut model: Model,
        table: &ScoreTable,
    ) -> Result<(Model, Vec<Contender>)> {
        let own = model.score_name().to_owned();
        let names: Vec<String> = model.score_names().map(str::to_owned).collect();
        let role = Role::Model { recommended: true };
        let mut contenders =
            vec![self.contender(&own, role, &table.scores, model.calibration())?];
        for name in names.into_iter().filter(|name| *name != own) {
            model = model.with_score(&name)?;
            let scores = model.rule().apply(&table.parts)?;
            let role = Role::Model { recommended: false };
            let contender = match self.rule {
                Rule::Decision(Decision::Threshold(_)) => {
                    let metrics = Metrics::new(&scores, self.labelled.labels(), self.seed)?;
                    Contender { name, role, metrics: shown(&metrics), seconds: None }
                }
                _ => self.contender(name, role, &scores, model.calibration())?,
            };
            contenders.push(contender);
        }
        Ok((model.with_score(&own)?, contenders))
    }

    /// Everything that a report shows of one model's scores.
    pub(crate) fn evaluation(
        &self,
        model: &Model,
        table: &ScoreTable,
        contenders: Vec<Contender>,
    ) -> Result<Evaluation> {
        let (labels, scores) = (self.labelled.labels(), &table.scores);
        let of = |wanted: Label| -> Vec<f64> {
            let labelled = scores.iter().zip(labels);
            labelled.filter(|(_, label)| **label == wanted).map(|(&score, _)| score).collect()
        };
        let (flags, threshold) = self.rule.flags(scores, model.calibration())?;
        let held_out = model.calibration().scores();
        let lists = cases::lists(self, model, table, &flags)?;
        Ok(Evaluation {
            data: self.labelled.samples().origin().to_owned(),
            rule: Some(self.rule.words()),
            contenders,
            histogram: Histogram::new(held_out, &of(Label::Normal), &of(Label::Anomalous), &[], threshold),
            curves: vec![self.curve(model.score_name(), scores)?],
            operating_points: self.operating_points(scores, model.calibration())?,
            most_anomalous: lists.most_anomalous,
            missed: lists.missed,
            false_alarms: lists.false_alarms,
        })
    }

    fn curve(&self, name: &str, scores: &[f64]) -> Result<Curve> {
        let labels = self.labelled.labels();
        let roc = metrics::roc_curve(scores, labels, POINTS, self.seed)?.points;
        let pr = metrics::precision_recall_curve(scores, labels, POINTS, self.seed)?.points;
        let line = |points: &[metrics::CurvePoint]| points.iter().map(|p| [p.x, p.y]).collect();
        let band = |points: &[metrics::CurvePoint]| {
            points.iter().map(|p| [p.x, p.y_ci95[0], p.y_ci95[1]]).collect()
        };
        Ok(Curve {
            name: name.to_owned(),
            roc: line(&roc),
            roc_band: band(&roc),
            precision_recall: line(&pr),
            precision_recall_band: band(&pr),
        })
    }

    fn operating_points(
        &self,
        scores: &[f64],
        calibration: &Calibration,
    ) -> Result<Vec<OperatingPoint>> {
        let labels = self.labelled.labels();
        let rows = metrics::observed_false_alarms(scores, labels, calibration, &RATES)?;
        let point = |row: metrics::FalseAlarms| {
            let possible = row.threshold.is_some();
            let flagged = |t: f64| scores.iter().filter(|&&s| s >= t).count() as u64;
            OperatingPoint {
                promised: row.promised,
                threshold: row.threshold,
                n_flagged: row.threshold.map(flagged),
                n_false_alarms: possible.then_some(row.false_alarms),
                false_alarm_rate: possible.then_some(row.observed),
                false_alarm_rate_ci95: possible.then_some(row.observed_ci95),
                recall: possible.then_some(row.recall),
                recall_ci95: possible.then_some(row.recall_ci95),
                precision: possible.then_some(row.precision),
                precision_ci95: None,
            }
        };
        Ok(rows.into_iter().map(point).collect())
    }
}

/// Metrics as a report holds them.
fn shown(m: &Metrics) -> unlike_report::Metrics {
    unlike_report::Metrics {
        auroc: Some(m.auroc),
        auroc_ci95: Some(m.auroc_ci95),
        average_precision: Some(m.average_precision),
        average_precision_ci95: Some(m.average_precision_ci95),
        f1_max: Some(m.f1_max),
        f1_max_ci95: Some(m.f1_max_ci95),
        precision: m.precision,
        precision_ci95: m.precision_ci95,
        recall: m.recall,
        recall_ci95: m.recall_ci95,
        f1: m.f1,
        f1_ci95: m.f1_ci95,
        threshold: m.threshold,
        prevalence: Some(m.prevalence),
        chance_average_precision: Some(m.chance_average_precision),
        n_normal: Some(m.n_normal as u64),
        n_anomalous: Some(m.n_anomalous as u64),
    }
}

/// What a baseline is called beside others.
pub(crate) fn baseline_name(model: &Model) -> String {
    run_report::title(model.config().model.name())
}
