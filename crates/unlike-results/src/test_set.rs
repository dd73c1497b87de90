//! Labelled samples, and how well models do on them: from scores and labels to what a report shows.

use unlike::{Judge, Judged, Model, groups::groups_of, judge::SEEN};
use unlike_core::{
    Calibration, Decision, Error, Label, LabelledSamples, Metrics, Note, Result, Samples,
    metrics::{
        self, PrCurve, RocCurve,
        pixel::{PixelMetrics, PixelRanking},
    },
    words::counted,
};
use unlike_data::{DataSet, Masks};
use unlike_report::{ByGroup, Evaluation, Histogram, Measured, PartPair, Thresholds};

use crate::{
    cases::Chosen,
    gallery,
    images::{maps, pixel_threshold},
};

/// The false-alarm rates whose promises are checked.
const RATES: [f64; 4] = [0.001, 0.01, 0.05, 0.1];
/// Points of a curve.
const POINTS: usize = 200;
/// Dots of each label in the chart of two parts, at most.
const DOTS: usize = 400;

/// Labelled samples to measure models on. Nothing that trains takes one.
#[derive(Clone, Debug)]
pub struct TestSet {
    labelled: LabelledSamples,
    /// As the user calls the data.
    name: String,
    classes: Option<Vec<String>>,
    masks: Option<Masks>,
    /// The share of the highest scores that is flagged, if the judge's decision is not what counts.
    top: Option<f64>,
    seed: u64,
}

/// What an evaluation found.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The test samples' scores, p-values, flags and parts, as [`Judge::judge`] gives them. Flags are
    /// those of the judge's decision, also where the test set flags the highest scores.
    pub judged: Judged,
    /// For a report.
    pub evaluation: Evaluation,
    /// What is worth telling: of the samples, and what could not be measured.
    pub notes: Vec<Note>,
}

/// Which test samples are flagged.
#[derive(Clone, Copy, Debug)]
enum Rule {
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
            Self::Decision(decision) => decision.clause(),
            Self::TopFraction(fraction) => {
                format!("the {} % highest scores are flagged", 100.0 * fraction)
            }
        }
    }
}

impl TestSet {
    /// These samples, with nothing known of them but their labels.
    pub fn new(labelled: LabelledSamples) -> Self {
        Self {
            name: labelled.samples().origin().to_owned(),
            labelled,
            classes: None,
            masks: None,
            top: None,
            seed: 0,
        }
    }

    /// What a reader found, with its classes and masks.
    ///
    /// # Errors
    /// If the data has no labels, or nothing says which classes are normal.
    pub fn from_data(data: DataSet) -> Result<Self> {
        let classes = data.classes().map(|classes| {
            let class = |i| classes.class(i).to_owned();
            (0..data.samples().len()).map(class).collect()
        });
        let (name, masks) = (data.path().display().to_string(), data.masks().cloned());
        Ok(Self {
            name,
            classes,
            masks,
            ..Self::new(data.into_labelled()?)
        })
    }

    /// With what each sample is in the data set's own words, one per sample.
    ///
    /// # Panics
    /// If there is not one per sample.
    #[must_use]
    pub fn with_classes(self, classes: Vec<String>) -> Self {
        assert_eq!(
            classes.len(),
            self.labelled.labels().len(),
            "a class for each sample"
        );
        Self {
            classes: Some(classes),
            ..self
        }
    }

    /// With this share of the highest scores flagged, in place of the judge's decision: the rule
    /// behind many published numbers, which needs the whole test set at once.
    ///
    /// # Errors
    /// If the share is not above 0 and at most 1.
    pub fn flagging_top(self, share: f64) -> Result<Self> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::Setting {
                name: "share".into(),
                found: share.to_string(),
                expected: "a number above 0, at most 1".into(),
                hint: None,
            });
        }
        Ok(Self {
            top: Some(share),
            ..self
        })
    }

    /// With another seed of the bootstrap behind the intervals.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The samples with their labels.
    pub fn labelled(&self) -> &LabelledSamples {
        &self.labelled
    }

    /// What each sample is in the data set's own words, if it has any.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// Scores the samples, and measures everything that a report shows of one model: each score that
    /// it offers, the one in use first; curves; whether promises hold; maps against masks; and the
    /// samples that a person should look at, with reasons. Other models go beside it with
    /// [`measure`](Self::measure).
    ///
    /// # Errors
    /// If the samples do not fit the model, or one label is missing among them.
    pub fn evaluate(&self, judge: &Judge) -> Result<Evaluated> {
        let model = judge.model();
        let (labels, rule) = (self.labelled.labels(), self.rule(judge.decision()));
        let judged = judge.judge(self.labelled.samples())?;
        let mut notes = judged.notes.clone();
        let scores = &judged.scores;
        let of = |wanted: Label| -> Vec<f64> {
            let labelled = scores.iter().zip(labels);
            labelled
                .filter(|(_, label)| **label == wanted)
                .map(|(&score, _)| score)
                .collect()
        };
        let calibration = model.calibration();
        let (flags, threshold) = match rule {
            // Each sample as it was judged: by its group, perhaps.
            Rule::Decision(_) => {
                let decisions = &judged.decisions;
                (decisions.anomalous.clone(), decisions.threshold)
            }
            Rule::TopFraction(_) => rule.flags(scores, calibration)?,
        };
        let variants = self.variants(model, &judged, rule, (&flags, threshold))?;
        let pixels = self.pixels(model, &mut notes)?;
        let pixel_threshold = match model.has_maps() {
            true => Some(pixel_threshold(model, judge.decision(), threshold)?),
            false => None,
        };
        let chosen = Chosen::new(self, &judged, &flags);
        let gallery = match pixel_threshold {
            Some(pixels) => gallery::of(self, model, &judged, &chosen, &flags, pixels)?,
            None => None,
        };
        let [most_anomalous, missed, flagged_normals] =
            chosen.explained(self, model, &judged, pixel_threshold)?;
        let mut evaluation = Evaluation {
            data: self.labelled.samples().origin().to_owned(),
            rule: Some(rule.words()),
            recommended: model.score_names().next().map(str::to_owned),
            variants,
            histogram: Histogram::new(
                calibration.scores(),
                &of(Label::Normal),
                &of(Label::Anomalous),
                &[],
                threshold,
            ),
            false_alarms: metrics::observed_false_alarms(scores, labels, calibration, &RATES)?,
            pixels,
            parts: self.part_pair(&judged),
            most_anomalous,
            missed,
            flagged_normals,
            // Where each group has a threshold of its own, no single one is in use.
            thresholds: model.grouped_by().is_none().then(|| {
                Thresholds::new(scores, labels, threshold, |score| {
                    calibration.p_value(score)
                })
            }),
            gallery,
            ..Evaluation::default()
        };
        if let (Some(by), Some(calibrations)) = (model.grouped_by(), model.group_calibrations()) {
            evaluation.remarks.push(format!(
                "Samples are flagged by the held-out normals of their group (`{by}`); under Decisions, \
                 promised and observed false-alarm rates are those of all groups together, and then of each."
            ));
            let of = groups_of(self.labelled.samples(), by)?;
            let groups = metrics::false_alarms_by_group(scores, labels, &of, calibrations, &RATES)?;
            let by = by.to_owned();
            evaluation.by_group = Some(ByGroup { by, groups });
        }
        if evaluation.variants.len() > 1 {
            evaluation.remarks.extend(units(&judged, rule));
        }
        Ok(Evaluated {
            judged,
            evaluation,
            notes,
        })
    }

    /// Measures another model on this test set, and puts it beside what was evaluated.
    ///
    /// It is flagged by the same decision from its own calibration. Where that has no meaning for it,
    /// it is measured without flags, and a remark of the evaluation says so: a threshold is in units
    /// of one model's score, and a small calibration cannot promise every rate.
    ///
    /// # Errors
    /// If the samples do not fit the model.
    pub fn measure<'a>(
        &self,
        evaluated: &'a mut Evaluated,
        name: impl Into<String>,
        model: &Model,
    ) -> Result<&'a mut Measured> {
        let name = name.into();
        let rule = self.rule(evaluated.judged.decision);
        let scored = model.evaluate(self.labelled.samples())?;
        let (roc, precision_recall) = self.curves(&scored.scores)?;
        let other = Other::new(rule, model.calibration());
        let Evaluation {
            remarks, baselines, ..
        } = &mut evaluated.evaluation;
        let remark = match other {
            Other::Flagged => None,
            Other::Units => units(&evaluated.judged, rule),
            Other::TooFew => Some(format!(
                "{name} is calibrated on {}, too few for a {}; it is measured without flags.",
                counted(model.calibration().len(), "held-out normal"),
                evaluated.judged.decision
            )),
        };
        if let Some(remark) = remark
            && !remarks.contains(&remark)
        {
            remarks.push(remark);
        }
        baselines.push(Measured {
            name,
            metrics: self.of_other(&scored.scores, other, rule, model.calibration())?,
            roc: Some(roc),
            precision_recall: Some(precision_recall),
            seconds: None,
        });
        let last = baselines.len() - 1;
        Ok(&mut baselines[last])
    }

    /// Sentences where the model has seen these samples while it was trained, so that numbers flatter
    /// it.
    ///
    /// # Errors
    /// If an image can no longer be read.
    pub fn caution(&self, model: &Model) -> Result<Option<String>> {
        const FLATTERING: &str = "Its normal samples are no news to the model, so these numbers \
             flatter it; measure it on samples that it has not seen.";
        let origin = &model.provenance().origin;
        let normals = self.labelled.normals();
        Ok(if model.trained_on(&normals)? {
            Some(format!(
                "`{}` holds exactly the normal samples that the model was trained on. {FLATTERING}",
                self.name
            ))
        } else if let Some(share) = model.share_trained_on(&normals).filter(|&s| s >= SEEN) {
            // Row by row, so that another name or order hides nothing.
            Some(format!(
                "{:.0} % of the normal samples in `{}` equal samples that the model was trained on. \
                 {FLATTERING}",
                100.0 * share,
                self.name
            ))
        } else if *origin == self.labelled.samples().origin() {
            Some(format!(
                "The model was trained on `{origin}` too. Where its normal samples are the same, they \
                 are no news to the model, and these numbers flatter it."
            ))
        } else {
            None
        })
    }

    /// The mask of an image, if there is one, at the size that models see.
    pub(crate) fn mask(&self, position: usize) -> Option<&[bool]> {
        self.masks.as_ref()?.mask(position)
    }

    fn rule(&self, decision: Decision) -> Rule {
        self.top.map_or(Rule::Decision(decision), Rule::TopFraction)
    }

    /// Every score that the model offers, the one in use first.
    fn variants(
        &self,
        model: &Model,
        judged: &Judged,
        rule: Rule,
        (flags, threshold): (&[bool], Option<f64>),
    ) -> Result<Vec<Measured>> {
        let (roc, precision_recall) = self.curves(&judged.scores)?;
        let mut variants = vec![Measured {
            name: judged.score.clone(),
            metrics: Metrics::with_flags(
                &judged.scores,
                self.labelled.labels(),
                flags,
                threshold,
                self.seed,
            )?,
            roc: Some(roc),
            precision_recall: Some(precision_recall),
            seconds: None,
        }];
        for name in model.score_names().filter(|name| *name != judged.score) {
            let scores = model.rule_of(name)?.apply(&judged.parts)?;
            let calibration = model.calibration_of(name)?;
            let other = Other::new(rule, &calibration);
            variants.push(Measured {
                name: name.to_owned(),
                metrics: self.of_other(&scores, other, rule, &calibration)?,
                roc: None,
                precision_recall: None,
                seconds: None,
            });
        }
        Ok(variants)
    }

    /// The first two parts of the score, if it has more than one, for up to [`DOTS`] samples of each
    /// label, spread evenly over the test set.
    fn part_pair(&self, judged: &Judged) -> Option<PartPair> {
        let mut parts = judged.parts.iter();
        let ((x, xs), (y, ys)) = (parts.next()?, parts.next()?);
        let points = |label: Label| {
            let positions = self.labelled.positions(label);
            let point = |i: usize| [xs[i], ys[i]].map(f64::from);
            let step = positions.len().div_ceil(DOTS).max(1);
            positions.into_iter().step_by(step).map(point).collect()
        };
        Some(PartPair {
            names: [x.to_owned(), y.to_owned()],
            normal: points(Label::Normal),
            anomalous: points(Label::Anomalous),
        })
    }

    /// Compares maps with masks, if a mask marks anything. Anomalous images without a mask are left
    /// out: nobody knows which of their pixels are anomalous.
    fn pixels(&self, model: &Model, notes: &mut Vec<Note>) -> Result<Option<PixelMetrics>> {
        let (Some(masks), Samples::Images(images)) = (
            self.masks.as_ref().filter(|_| model.has_maps()),
            self.labelled.samples(),
        ) else {
            return Ok(None);
        };
        let marked = |i| masks.mask(i).is_some_and(|mask| mask.contains(&true));
        if !(0..masks.len()).any(marked) {
            let given = (0..masks.len())
                .filter(|&i| masks.mask(i).is_some())
                .count();
            let masks = counted(given, "mask");
            let verb = if given == 1 { "marks" } else { "mark" };
            let text = format!("{masks} {verb} nothing, so that there are no pixel metrics");
            notes.push(Note::new(text).coded("masks-without-marks"));
            return Ok(None);
        }
        let labels = self.labelled.labels();
        let mut ranking = PixelRanking::new();
        let mut left_out = 0usize;
        maps::each_chunk(model, self.labelled.samples(), |first, shape, maps| {
            let size = shape[0] * shape[1];
            let clean = vec![false; size];
            for (i, map) in (first..).zip(maps.chunks_exact(size.max(1))) {
                let mask = match (masks.mask(i), labels[i]) {
                    (Some(mask), _) => mask,
                    (None, Label::Normal) => &clean,
                    (None, Label::Anomalous) => {
                        left_out += 1;
                        continue;
                    }
                };
                // What surrounds an image of other proportions is no part of it.
                let covered @ [_, _, width, height] = images.covered(i);
                let (map, mask) = (cut(map, shape[1], covered), cut(mask, shape[1], covered));
                ranking.add(&map, &mask, [height, width])?;
            }
            Ok(())
        })?;
        if left_out > 0 {
            let images = counted(left_out, "anomalous image");
            let text = format!("{images} without a mask left out of the pixel metrics");
            notes.push(Note::new(text).coded("images-without-mask"));
        }
        ranking.metrics().map(Some)
    }

    fn metrics(&self, scores: &[f64], calibration: &Calibration, rule: Rule) -> Result<Metrics> {
        let (flags, threshold) = rule.flags(scores, calibration)?;
        Metrics::with_flags(scores, self.labelled.labels(), &flags, threshold, self.seed)
    }

    /// Metrics of a score that is not the one in use.
    fn of_other(
        &self,
        scores: &[f64],
        other: Other,
        rule: Rule,
        calibration: &Calibration,
    ) -> Result<Metrics> {
        match other {
            Other::Flagged => self.metrics(scores, calibration, rule),
            Other::Units | Other::TooFew => Metrics::new(scores, self.labelled.labels(), self.seed),
        }
    }

    fn curves(&self, scores: &[f64]) -> Result<(RocCurve, PrCurve)> {
        let labels = self.labelled.labels();
        Ok((
            metrics::roc_curve(scores, labels, POINTS, self.seed)?,
            metrics::precision_recall_curve(scores, labels, POINTS, self.seed)?,
        ))
    }
}

/// Whether a rule that was made for one score can flag by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Flagged,
    /// A threshold means nothing in other units.
    Units,
    /// Its calibration cannot promise the rate.
    TooFew,
}

impl Other {
    fn new(rule: Rule, calibration: &Calibration) -> Self {
        match rule {
            Rule::TopFraction(_) | Rule::Decision(Decision::Budget(_)) => Self::Flagged,
            Rule::Decision(Decision::Threshold(_)) => Self::Units,
            Rule::Decision(
                Decision::FalseAlarms(rate) | Decision::Fdr(rate) | Decision::FdrStorey(rate),
            ) => match calibration.smallest_rate() <= rate {
                true => Self::Flagged,
                false => Self::TooFew,
            },
        }
    }
}

/// Why other scores have no precision, recall and F1, where the rule is a threshold.
fn units(judged: &Judged, rule: Rule) -> Option<String> {
    matches!(rule, Rule::Decision(Decision::Threshold(_))).then(|| {
        format!(
            "The threshold is in units of the score `{}`; other scores and models have other units, \
             and are measured without flags.",
            judged.score
        )
    })
}

/// Left, top, width and height of values in rows of this length.
fn cut<T: Copy>(values: &[T], row: usize, [left, top, width, height]: [usize; 4]) -> Vec<T> {
    let rows = values.chunks_exact(row).skip(top).take(height);
    rows.flat_map(|row| &row[left..left + width])
        .copied()
        .collect()
}
