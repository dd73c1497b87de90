//! From scores and labels to the evaluation that a report shows.

use unlike::{Model, Scored};
use unlike_core::{
    Calibration, Decision, Label, LabelledSamples, Metrics, Result,
    metrics::{
        self, PrCurve, RocCurve,
        pixel::{PixelMetrics, PixelRanking},
    },
    words::counted,
};
use unlike_data::Masks;
use unlike_report::{Evaluation, Histogram, Measured, PartPair};

use crate::{cases, decision_args, maps, output::ScoreTable, terminal::say};

/// The false-alarm rates whose promises are checked.
const RATES: [f64; 4] = [0.001, 0.01, 0.05, 0.1];
/// Points of a curve.
const POINTS: usize = 200;
/// Dots of each label in the chart of two parts, at most.
const DOTS: usize = 400;

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
    /// Where images are anomalous, if masks say so.
    pub(crate) masks: Option<&'a Masks>,
}

impl TestSet<'_> {
    /// Measures another model on this test set.
    pub(crate) fn baseline(&self, name: impl Into<String>, model: &Model) -> Result<Measured> {
        let Scored { scores, .. } = model.evaluate(self.labelled.samples())?;
        let (roc, precision_recall) = self.curves(&scores)?;
        Ok(Measured {
            name: name.into(),
            metrics: self.metrics(&scores, model.calibration())?,
            roc: Some(roc),
            precision_recall: Some(precision_recall),
            seconds: None,
        })
    }

    /// Measures every score that the model offers, the one in use first.
    pub(crate) fn variants(
        &self,
        mut model: Model,
        table: &ScoreTable,
    ) -> Result<(Model, Vec<Measured>)> {
        let own = model.score_name().to_owned();
        let others: Vec<String> = model
            .score_names()
            .filter(|&name| name != own)
            .map(str::to_owned)
            .collect();
        let (roc, precision_recall) = self.curves(&table.scores)?;
        let mut variants = vec![Measured {
            name: own.clone(),
            metrics: self.metrics(&table.scores, model.calibration())?,
            roc: Some(roc),
            precision_recall: Some(precision_recall),
            seconds: None,
        }];
        for name in others {
            model = model.with_score(&name)?;
            let scores = model.rule().apply(&table.parts)?;
            let metrics = match self.rule {
                // A threshold is in units of the score in use; other scores have other units.
                Rule::Decision(Decision::Threshold(_)) => {
                    Metrics::new(&scores, self.labelled.labels(), self.seed)?
                }
                _ => self.metrics(&scores, model.calibration())?,
            };
            variants.push(Measured {
                name,
                metrics,
                roc: None,
                precision_recall: None,
                seconds: None,
            });
        }
        Ok((model.with_score(&own)?, variants))
    }

    /// Everything that a report shows of one model's scores.
    pub(crate) fn evaluation(
        &self,
        model: &Model,
        table: &ScoreTable,
        variants: Vec<Measured>,
    ) -> Result<Evaluation> {
        let (labels, scores) = (self.labelled.labels(), &table.scores);
        let of = |wanted: Label| -> Vec<f64> {
            let labelled = scores.iter().zip(labels);
            labelled
                .filter(|(_, label)| **label == wanted)
                .map(|(&score, _)| score)
                .collect()
        };
        let (flags, threshold) = self.rule.flags(scores, model.calibration())?;
        let held_out = model.calibration().scores();
        let lists = cases::lists(self, model, table, &flags)?;
        let pixels = self.pixels(model)?;
        Ok(Evaluation {
            data: self.labelled.samples().origin().to_owned(),
            rule: Some(self.rule.words()),
            variants,
            histogram: Histogram::new(
                held_out,
                &of(Label::Normal),
                &of(Label::Anomalous),
                &[],
                threshold,
            ),
            false_alarms: metrics::observed_false_alarms(
                scores,
                labels,
                model.calibration(),
                &RATES,
            )?,
            pixels,
            parts: self.part_pair(table),
            most_anomalous: lists.most_anomalous,
            missed: lists.missed,
            flagged_normals: lists.flagged_normals,
            ..Evaluation::default()
        })
    }

    /// The first two parts of the score, if it has more than one, for up to [`DOTS`] samples of each
    /// label, spread evenly over the test set.
    fn part_pair(&self, table: &ScoreTable) -> Option<PartPair> {
        let mut parts = table.parts.iter();
        let ((x, xs), (y, ys)) = (parts.next()?, parts.next()?);
        let points = |label: Label| {
            let positions = self.labelled.positions(label);
            let point = |i: usize| [xs[i], ys[i]];
            let step = positions.len().div_ceil(DOTS).max(1);
            positions.into_iter().step_by(step).map(point).collect()
        };
        Some(PartPair {
            names: [x.to_owned(), y.to_owned()],
            normal: points(Label::Normal),
            anomalous: points(Label::Anomalous),
        })
    }

    /// The mask of an image, if there is one.
    pub(crate) fn mask(&self, position: usize) -> Option<&[bool]> {
        self.masks?.mask(position)
    }

    /// Compares maps with masks, if a mask marks anything. Anomalous images without a mask are left
    /// out: nobody knows which of their pixels are anomalous.
    fn pixels(&self, model: &Model) -> Result<Option<PixelMetrics>> {
        let Some(masks) = self.masks else {
            return Ok(None);
        };
        let marked = |i| masks.mask(i).is_some_and(|mask| mask.contains(&true));
        if !(0..masks.len()).any(marked) {
            return Ok(None);
        }
        let labels = self.labelled.labels();
        let mut ranking = PixelRanking::new();
        let mut left_out = 0usize;
        maps::each_chunk(model, self.labelled.samples(), |first, shape, maps| {
            let size = shape[0] * shape[1];
            let clean = vec![false; size];
            for (i, map) in (first..).zip(maps.chunks_exact(size.max(1))) {
                match (masks.mask(i), labels[i]) {
                    (Some(mask), _) => ranking.add(map, mask, shape)?,
                    (None, Label::Normal) => ranking.add(map, &clean, shape)?,
                    (None, Label::Anomalous) => left_out += 1,
                }
            }
            Ok(())
        })?;
        if left_out > 0 {
            let images = counted(left_out, "anomalous image");
            say(
                "note",
                &format!("{images} without a mask left out of the pixel metrics"),
            );
        }
        ranking.metrics().map(Some)
    }

    fn metrics(&self, scores: &[f64], calibration: &Calibration) -> Result<Metrics> {
        let (flags, threshold) = self.rule.flags(scores, calibration)?;
        Metrics::with_flags(scores, self.labelled.labels(), &flags, threshold, self.seed)
    }

    fn curves(&self, scores: &[f64]) -> Result<(RocCurve, PrCurve)> {
        let labels = self.labelled.labels();
        Ok((
            metrics::roc_curve(scores, labels, POINTS, self.seed)?,
            metrics::precision_recall_curve(scores, labels, POINTS, self.seed)?,
        ))
    }
}
