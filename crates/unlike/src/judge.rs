//! A model with a decision: what a server, a notebook or a command asks about new samples.

use serde::{Deserialize, Serialize};
use unlike_core::{
    Calibration, Decision, Decisions, Detector, InputSpec, Note, Result, Samples, ScoreParts,
    Scores,
    words::{count, counted, rate, score},
};

use crate::model::{Model, Scored};

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
    /// What the scores are made of.
    pub parts: ScoreParts,
    /// What is worth knowing about the samples: unseen categories, columns that the model ignores.
    pub notes: Vec<Note>,
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
            notes: note.into_iter().collect(),
        }
    }

    /// The same with another decision.
    ///
    /// # Errors
    /// If its number is out of range, or the calibration is too small for it.
    pub fn with_decision(self, decision: Decision) -> Result<Self> {
        // Whether the decision is possible does not depend on samples.
        decision.decide(&[], self.model.calibration())?;
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
        let Scored {
            scores,
            parts,
            mut notes,
        } = self.model.evaluate(samples)?;
        let calibration = self.model.calibration();
        let decisions = self.decision.decide(&scores, calibration)?;
        let why_nothing = self.decision.why_nothing(&decisions, calibration);
        notes.extend(why_nothing.map(Note::from));
        if let (Decision::Budget(_), Some(expected)) =
            (self.decision, Decision::expected_false_alarms(&decisions))
        {
            notes.push(
                format!(
                    "if all {} were normal, about {} would score as high as the lowest of the {} \
                     flagged",
                    counted(decisions.len(), samples.noun()),
                    rate(expected),
                    count(decisions.count()),
                )
                .into(),
            );
        }
        Ok(Judged {
            ids: (0..samples.len()).map(|i| samples.id(i)).collect(),
            score: self.model.score_name().to_owned(),
            decision: self.decision,
            decisions,
            scores,
            parts,
            notes,
        })
    }

    /// The model, for explanations, reconstructions and all that needs no decision.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model alone again.
    pub fn into_model(self) -> Model {
        self.model
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
        let text = if scores.len() > 1 && first == last {
            format!(
                "all {} score {}: the model sees no difference between them",
                counted(scores.len(), "held-out normal"),
                score(first)
            )
        } else if last.abs() < ROUNDING && first.abs() < ROUNDING {
            format!(
                "the scores of held-out normals, up to {}, are no more than rounding: the model \
                 reproduces them exactly, and calls a sample anomalous for its last bits",
                score(last)
            )
        } else {
            return Vec::new();
        };
        vec![text.into()]
    }
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
    (Decision::FalseAlarms(smallest), Some(note.into()))
}
