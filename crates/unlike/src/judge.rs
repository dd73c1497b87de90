//! A model with a decision: what a server, a notebook or a command asks about new samples.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use unlike_core::{
    Calibration, Decision, Decisions, Detector, InputSpec, Note, Place, Probability, Result,
    Samples, ScoreParts, Scores, Tally, Ties, Verdicts,
    words::{self, count, counted, rate, score},
};

use unlike_data::Noticed;

use crate::{
    groups::{GroupCounts, groups_of},
    model::{Model, Scored},
};

/// The false-alarm rate where nobody asks for another decision.
pub const USUAL_RATE: f64 = 0.01;

/// A model, the score of it that counts, and the decision that flags samples.
///
/// Everything that judges samples does it by [`judge`](Self::judge). A judge does not change while
/// it is used, and can be used from several threads at once: share it in an `Arc`. What it says of a
/// sample depends on the model, the score and that sample, and on nothing that happens beside; only
/// q-values, and flags at a false-discovery rate, belong to the whole batch.
///
/// ```no_run
/// use std::sync::Arc;
/// use unlike::{Decision, Judge, Model, Samples};
///
/// # fn requests() -> Vec<Samples> { Vec::new() }
/// let judge = Judge::new(Model::load("runs/egbad-flows")?)
///     .with_score("residual")?
///     .with_decision(Decision::FalseAlarms(0.001))?;
/// let judge = Arc::new(judge);
/// for samples in requests() {
///     let judge = Arc::clone(&judge);
///     std::thread::spawn(move || {
///         let judged = judge.judge(&samples)?;
///         println!("{} of {} flagged", judged.decisions.count(), judged.len());
///         Ok::<(), unlike::Error>(())
///     });
/// }
/// # Ok::<(), unlike::Error>(())
/// ```
#[derive(Debug)]
pub struct Judge {
    model: Model,
    decision: Decision,
    ties: Ties,
    notes: Vec<Note>,
}

/// What was found out about some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// One per sample: an id, file name, or the row's number in its file.
    pub ids: Vec<String>,
    /// The name of the score.
    pub score: String,
    /// One raw score per sample, finite, higher = more anomalous.
    pub scores: Scores,
    /// What flagged the samples.
    pub decision: Decision,
    /// p-values, q-values and flags, one each per sample.
    pub decisions: Decisions,
    /// How probable it is that each sample is anomalous, if labelled samples told.
    pub probabilities: Option<Vec<Probability>>,
    /// What the scores are made of.
    pub parts: ScoreParts,
    /// What is worth knowing about the samples: unseen categories, columns that the model ignores.
    pub notes: Vec<Note>,
}

/// Samples with their scores and their places among held-out normals, before anything is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// One per sample, as in [`Judged`].
    pub ids: Vec<String>,
    /// One raw score per sample.
    pub scores: Scores,
    /// What the scores are made of.
    pub parts: ScoreParts,
    /// One per sample: its p-value, as a fraction.
    pub places: Vec<Place>,
    /// What preprocessing noticed about the samples.
    pub noticed: Noticed,
    /// How many samples belong to which group, if the model compares them by groups.
    pub groups: GroupCounts,
}

/// What is known of a batch when all of it is decided.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// All of its samples.
    pub tally: &'a Tally,
    /// What people call one of them.
    pub noun: &'a str,
    /// How many are flagged.
    pub flagged: u64,
    /// [`Decision::expected_false_alarms`].
    pub expected: Option<f64>,
}

/// What a model says about itself, for those who choose or show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The kind of model: `egbad`, `pca`.
    pub model: String,
    /// The score in use.
    pub score: String,
    /// The scores on offer, the recommended one first.
    pub scores: Vec<String>,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Numbers that the detector sees at once: of a row, an image, or a place of an image.
    pub n_features: usize,
    /// Held-out normals behind p-values.
    pub n_calibration: usize,
    /// The smallest false-alarm rate that they can promise, `1 / (n_calibration + 1)`.
    pub smallest_false_alarm_rate: f64,
    /// What one sample must look like.
    pub input: InputSpec,
    /// Where the training samples came from.
    pub origin: String,
    /// The version of unlike that trained it.
    pub unlike_version: String,
}

impl Judge {
    /// A judge by the model's score, at the [usual decision](usual_decision).
    pub fn new(model: Model) -> Self {
        let (decision, note) = usual_decision(model.calibration());
        Self {
            model,
            decision,
            ties: Ties::default(),
            notes: note.into_iter().collect(),
        }
    }

    /// The same, in which held-out normals that score exactly as a sample count so.
    #[must_use]
    pub fn with_ties(self, ties: Ties) -> Self {
        Self { ties, ..self }
    }

    /// The same with another decision.
    ///
    /// # Errors
    /// If its number is out of range, or the calibration is too small for it.
    pub fn with_decision(self, decision: Decision) -> Result<Self> {
        // Whether the decision is possible does not depend on samples.
        match self.model.group_calibrations() {
            Some(groups) => {
                let all = groups.groups().map(|(_, own)| own);
                decision.check_possible(all.chain([groups.pooled()]))?;
            }
            None => decision.check_possible([self.model.calibration()])?,
        }
        Ok(Self {
            decision,
            notes: Vec::new(),
            ..self
        })
    }

    /// The same by another score of the model. A threshold stays what it is, in units of the score
    /// that it is now compared with; so choose the score first.
    ///
    /// # Errors
    /// If the model has no such score.
    pub fn with_score(self, name: &str) -> Result<Self> {
        Ok(Self {
            model: self.model.with_score(name)?,
            ..self
        })
    }

    /// Scores samples, and decides about each. No sample at all is no error.
    ///
    /// # Errors
    /// If the samples do not fit the model; the message names the place.
    pub fn judge(&self, samples: &Samples) -> Result<Judged> {
        let Placed {
            ids,
            scores,
            parts,
            places,
            noticed,
            groups,
        } = self.place(samples)?;
        let mut tally = self.tally();
        for (&score, &place) in scores.iter().zip(&places) {
            tally.add(score, place);
        }
        let verdicts = self.settle(&tally)?;
        let flag = |(&score, &place)| verdicts.is_anomalous(score, place);
        let decisions = Decisions {
            p_values: places.iter().map(|place| place.p_value()).collect(),
            q_values: places.iter().map(|&p| verdicts.q_value(p)).collect(),
            anomalous: scores.iter().zip(&places).map(flag).collect(),
            threshold: verdicts.threshold(),
        };
        let expected = Decision::expected_false_alarms(&decisions);
        let batch = Batch {
            tally: &tally,
            noun: samples.noun(),
            flagged: decisions.count() as u64,
            expected,
        };
        let mut notes = self.placed_notes(&noticed, &groups, samples.noun());
        notes.extend(self.batch_notes(&batch, &verdicts));
        Ok(Judged {
            ids,
            score: self.model.score_name().to_owned(),
            decision: self.decision,
            decisions,
            probabilities: self.model.probabilities().map(|fitted| {
                let probability = |&score: &f64| fitted.probability(score);
                scores.iter().map(probability).collect()
            }),
            scores,
            parts,
            notes,
        })
    }

    /// The first half of [`judge`](Self::judge): scores samples, and says where each stands among held-out
    /// normals. Neither depends on what else is in the batch, so samples can come some at a time; all of
    /// them, counted in a [`tally`](Self::tally), are what [`settle`](Self::settle) decides about.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn place(&self, samples: &Samples) -> Result<Placed> {
        let Scored {
            scores,
            parts,
            mut noticed,
        } = self.model.evaluate(samples)?;
        let model = &self.model;
        let calibration = model.calibration();
        let ids: Vec<String> = (0..samples.len()).map(|i| samples.id(i)).collect();
        let draw = |i: usize| match self.ties {
            Ties::Random => drawn(&ids[i], scores[i]),
            _ => 0,
        };
        let mut counted = GroupCounts::default();
        let places: Vec<Place> = if !model.folds().is_empty() {
            let by_fold = model.folds().iter().map(|fold| fold.score(samples));
            let by_fold: Vec<Scores> = by_fold.collect::<Result<_>>()?;
            let place = |i: usize| {
                let folds = model.folds().iter().zip(&by_fold);
                let folds = folds.map(|(fold, scores)| (fold.calibration(), scores[i]));
                Place::among(folds, self.ties, draw(i))
            };
            (0..scores.len()).map(place).collect()
        } else if let (Some(by), Some(groups)) = (model.grouped_by(), model.group_calibrations()) {
            let of = groups_of(samples, by)?;
            // It says which group a row belongs to, and so is not ignored.
            noticed = noticed.without_ignored(by);
            counted = GroupCounts::of(&of);
            let place = |i: usize| {
                let own = groups.of(&of[i]).unwrap_or(groups.pooled());
                own.place(scores[i], self.ties, draw(i))
            };
            (0..scores.len()).map(place).collect()
        } else {
            let place = |i: usize| calibration.place(scores[i], self.ties, draw(i));
            (0..scores.len()).map(place).collect()
        };
        Ok(Placed {
            ids,
            scores,
            parts,
            places,
            noticed,
            groups: counted,
        })
    }

    /// An empty batch to count samples in.
    pub fn tally(&self) -> Tally {
        Tally::new(self.decision)
    }

    /// The second half of [`judge`](Self::judge): decides about a batch.
    ///
    /// # Errors
    /// If the calibration is too small for the decision.
    pub fn settle(&self, tally: &Tally) -> Result<Verdicts> {
        let verdicts = self.decision.settle(tally)?;
        match self.is_plain() {
            true => {
                let calibration = self.model.calibration();
                self.decision.check_possible([calibration])?;
                verdicts.with_threshold_of(calibration)
            }
            false => Ok(verdicts),
        }
    }

    /// Whether one calibration places all samples, those of one score alike.
    fn is_plain(&self) -> bool {
        let model = &self.model;
        model.folds().is_empty() && model.grouped_by().is_none() && self.ties == Ties::Above
    }

    /// What is worth knowing about samples that were placed, of which `noun` is one.
    pub fn placed_notes(&self, noticed: &Noticed, groups: &GroupCounts, noun: &str) -> Vec<Note> {
        let model = &self.model;
        let mut notes = noticed.notes(model.preprocessing());
        if let (Some(by), Some(calibrations)) = (model.grouped_by(), model.group_calibrations()) {
            let rate = match self.decision {
                Decision::FalseAlarms(rate) => Some(rate),
                _ => None,
            };
            notes.extend(groups.notes(by, calibrations, rate, noun));
        }
        notes
    }

    /// What is worth knowing about what was decided.
    pub fn batch_notes(&self, batch: &Batch<'_>, verdicts: &Verdicts) -> Vec<Note> {
        let mut notes = Vec::new();
        // Of groups, each has a smallest p-value of its own.
        let once = self.model.grouped_by().is_none();
        let why_nothing = verdicts.why_nothing(batch.tally, self.model.calibration());
        let why_nothing = why_nothing.filter(|_| once);
        notes.extend(why_nothing.map(|text| Note::new(text).coded("fdr-flags-nothing")));
        if let (Decision::Budget(_), Some(expected)) = (self.decision, batch.expected) {
            let text = format!(
                "if all {} were normal, about {} would score as high as the lowest of the {} flagged",
                counted(batch.tally.len(), batch.noun),
                rate(expected),
                count(batch.flagged),
            );
            notes.push(Note::new(text).coded("budget-false-alarms"));
        }
        notes
    }

    /// How many normals the decision will flag, as a sentence, if it promises a rate: what is promised
    /// holds on average over calibrations, and this one may lie to either side.
    pub fn promise(&self) -> Option<String> {
        self.range()?;
        match self.decision {
            Decision::FalseAlarms(rate) => promise(self.model.calibration(), rate),
            _ => None,
        }
    }

    /// The share of new normals that the decision will flag lies within this range 19 times in 20, given
    /// a calibration of this size; see [`Calibration::range`]. `None` where that is not known: by groups,
    /// by folds, and where no rate is promised.
    pub fn range(&self) -> Option<[f64; 2]> {
        let once = self.model.n_folds() == 0 && self.model.grouped_by().is_none();
        match self.decision {
            Decision::FalseAlarms(rate) if once => self.model.calibration().range(rate).ok(),
            _ => None,
        }
    }

    /// The model, for explanations, reconstructions and all that needs no decision.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model alone again.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// What counts of held-out normals that score exactly as a sample.
    pub fn ties(&self) -> Ties {
        self.ties
    }

    /// What flags samples.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// What is worth knowing about the decision, before any sample is judged: that the usual rate
    /// cannot be promised, for instance.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

impl Judged {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there was no sample.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Positions, highest score first; samples of one score stay in their order.
    pub fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| self.scores[b].total_cmp(&self.scores[a]));
        order
    }
}

impl Model {
    /// What the model says about itself.
    pub fn about(&self) -> About {
        let (provenance, calibration) = (self.provenance(), self.calibration());
        About {
            model: self.config().model.name().to_owned(),
            score: self.score_name().to_owned(),
            scores: self.score_names().map(str::to_owned).collect(),
            parameters: self.parameters(),
            n_features: self.n_features(),
            n_calibration: calibration.len(),
            smallest_false_alarm_rate: calibration.smallest_rate(),
            input: self.input(),
            origin: provenance.origin.clone(),
            unlike_version: provenance.unlike_version.clone(),
        }
    }
}

/// Samples of which this share equals what the model was trained on are not new to it.
pub const SEEN: f64 = 0.2;

impl Model {
    /// Why these normals do not tell what the model makes of new ones, if that is so: it was trained on
    /// them. `name` is what people call them.
    ///
    /// # Errors
    /// If an image can no longer be read.
    pub fn seen(&self, normals: &Samples, name: &str) -> Result<Option<String>> {
        let origin = &self.provenance().origin;
        Ok(if self.trained_on(normals)? {
            Some(format!(
                "`{name}` holds exactly the normal samples that the model was trained on"
            ))
        } else if let Some(share) = self.share_trained_on(normals).filter(|&s| s >= SEEN) {
            Some(format!(
                "{:.0} % of the normal samples in `{name}` equal samples that the model was trained on",
                100.0 * share
            ))
        } else if origin == normals.origin() && self.share_trained_on(normals).is_none() {
            Some(format!("the model was trained on `{origin}`, too"))
        } else {
            None
        })
    }

    /// What is worth knowing about the scores of held-out normals: that all are equal, or rounding.
    pub fn score_notes(&self) -> Vec<Note> {
        /// Features are 32-bit numbers around 1; a squared difference of their last bits.
        const ROUNDING: f64 = 1e-13;
        let scores = self.calibration().scores();
        let (Some(&first), Some(&last)) = (scores.first(), scores.last()) else {
            return Vec::new();
        };
        let (text, code) = if scores.len() > 1 && first == last {
            let text = format!(
                "all {} score {}: the model sees no difference between them",
                counted(scores.len(), "held-out normal"),
                score(first)
            );
            (text, "scores-all-equal")
        } else if last.abs() < ROUNDING && first.abs() < ROUNDING {
            let text = format!(
                "the scores of held-out normals, up to {}, are no more than rounding: the model \
                 reproduces them exactly, and calls a sample anomalous for its last bits",
                score(last)
            );
            (text, "scores-are-rounding")
        } else {
            return self.saturation_note().into_iter().collect();
        };
        vec![Note::new(text).coded(code)]
    }

    /// Where several held-out normals have the highest score, how small a p-value can be that does not
    /// lie above it.
    fn saturation_note(&self) -> Option<Note> {
        let calibration = self.calibration();
        let (top, n) = (calibration.at_the_top(), calibration.len());
        let text = format!(
            "{} of {} share the highest score, {}: samples that score no higher have no p-value below \
             {}",
            count(top),
            counted(n, "held-out normal"),
            score(calibration.scores()[n - 1]),
            rate((1 + top) as f64 / (n + 1) as f64),
        );
        (top > 1).then(|| Note::new(text).coded("scores-tie-at-the-top"))
    }
}

/// How many normals are flagged at a rate, given a calibration of this size; `None` if it cannot promise
/// the rate.
pub fn promise(calibration: &Calibration, rate: f64) -> Option<String> {
    let [low, high] = calibration.range(rate).ok()?;
    Some(format!(
        "at a rate of {}, this calibration ({}) flags {} to {} % of new normals, 19 times in 20",
        words::rate(rate),
        counted(calibration.len(), "normal"),
        words::rate(100.0 * low),
        words::rate(100.0 * high),
    ))
}

/// A number for a sample that depends on nothing but its name and its score: the same sample stands at
/// the same place whatever is judged beside it.
fn drawn(id: &str, score: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, score.to_bits()).hash(&mut hasher);
    hasher.finish()
}

/// A false-alarm rate of [`USUAL_RATE`]; or the smallest that this calibration can promise, and a note
/// that says so.
pub fn usual_decision(calibration: &Calibration) -> (Decision, Option<Note>) {
    let smallest = calibration.smallest_rate();
    if smallest <= USUAL_RATE {
        return (Decision::FalseAlarms(USUAL_RATE), None);
    }
    let note = format!(
        "the model is calibrated on {}, too few to promise a false-alarm rate of {USUAL_RATE}; \
         flagging at {}, the smallest that they can promise",
        counted(calibration.len(), "held-out normal"),
        rate(smallest)
    );
    (
        Decision::FalseAlarms(smallest),
        Some(Note::new(note).coded("rate-not-promised")),
    )
}
