//! From p-values to decisions: how many false alarms the user is willing to see.
//!
//! *False-alarm rate a*: a sample is flagged if p ≤ a. Each new normal is then flagged with
//! probability at most a, whatever else is in the batch.
//!
//! *False-discovery rate q*: Benjamini–Hochberg over the batch (1995). The expected share of normals
//! among the flagged is at most q times the share of normals in the batch. This holds although the
//! p-values of one batch share a calibration and so depend on each other: Bates, Candès, Lei, Romano
//! and Sesia (*Testing for outliers with conformal p-values*, Annals of Statistics 2023) prove that
//! they are positively regression dependent on the normals (PRDS), which is what
//! Benjamini–Hochberg needs.
//!
//! Both promises need a calibration on normals that training has not seen. On training normals,
//! whose scores are too low, p-values of new normals come out too small and the promises break.

mod tally;

use serde::{Deserialize, Serialize};

pub use self::tally::{Tally, Verdicts};
use crate::{
    calibration::{Calibration, Place, Ties, check_rate, finite},
    error::{Error, Result},
    words,
};

/// Which samples to act on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Flag p ≤ rate, within (0, 1).
    FalseAlarms(f64),
    /// Flag q-values (Benjamini–Hochberg) of at most this false-discovery rate, within (0, 1).
    Fdr(f64),
    /// As [`Fdr`](Self::Fdr), with q-values times the share of normals in the batch as Storey estimates
    /// it, [`share_of_normals`]: flags more where many are anomalous.
    FdrStorey(f64),
    /// Flag raw scores of at least this finite value. Promises nothing.
    Threshold(f64),
    /// Flag the highest scores of the batch, at most so many, from 1 up: as many as somebody can look
    /// at. Promises nothing; see [`expected_false_alarms`](Self::expected_false_alarms).
    Budget(usize),
}

/// What was decided about each sample of a batch, in the order of the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// [`Calibration::p_value`] of each sample, in (0, 1].
    pub p_values: Vec<f64>,
    /// Benjamini–Hochberg adjusted p-values, in (0, 1]: the smallest false-discovery rate at which
    /// the sample is flagged in this batch. For [`Decision::FdrStorey`], times [`share_of_normals`].
    pub q_values: Vec<f64>,
    /// Whether each sample is flagged.
    pub anomalous: Vec<bool>,
    /// The raw score from which on samples of this batch are flagged; `None` where a
    /// false-discovery rate flags no sample, and where samples of one score can be judged differently:
    /// by groups, or with random ties.
    pub threshold: Option<f64>,
}

impl Decisions {
    /// How many samples are flagged.
    pub fn count(&self) -> usize {
        self.anomalous.iter().filter(|&&a| a).count()
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.anomalous.len()
    }

    /// Whether the batch was empty.
    pub fn is_empty(&self) -> bool {
        self.anomalous.is_empty()
    }
}

impl Decision {
    /// [`Decision::FalseAlarms`] with its range checked.
    ///
    /// # Errors
    /// If the rate is not within (0, 1).
    pub fn false_alarms(rate: f64) -> Result<Self> {
        Self::FalseAlarms(rate).validate()
    }

    /// [`Decision::Fdr`] with its range checked.
    ///
    /// # Errors
    /// If the rate is not within (0, 1).
    pub fn fdr(rate: f64) -> Result<Self> {
        Self::Fdr(rate).validate()
    }

    /// [`Decision::Threshold`] with its range checked.
    ///
    /// # Errors
    /// If the threshold is not finite.
    pub fn threshold(value: f64) -> Result<Self> {
        Self::Threshold(value).validate()
    }

    /// The same decision if its number is in range.
    ///
    /// # Errors
    /// If a rate is not within (0, 1), or a threshold is not finite.
    pub fn validate(self) -> Result<Self> {
        match self {
            Self::FalseAlarms(rate) => check_rate("false-alarms", rate)?,
            Self::Fdr(rate) | Self::FdrStorey(rate) => check_rate("fdr", rate)?,
            Self::Threshold(value) if value.is_finite() => {}
            Self::Budget(count) if count > 0 => {}
            Self::Budget(count) => {
                return Err(Error::Setting {
                    name: "budget".into(),
                    found: count.to_string(),
                    expected: "a number of samples from 1 up".into(),
                    hint: None,
                });
            }
            Self::Threshold(value) => {
                return Err(Error::Setting {
                    name: "threshold".into(),
                    found: value.to_string(),
                    expected: "a finite raw score".into(),
                    hint: None,
                });
            }
        }
        Ok(self)
    }

    /// What is flagged, as a clause for people: `samples with a p-value of at most 0.01 are flagged`.
    pub fn clause(&self) -> String {
        match self {
            Self::FalseAlarms(rate) => format!(
                "samples with a p-value of at most {} are flagged",
                words::rate(*rate)
            ),
            Self::Fdr(rate) | Self::FdrStorey(rate) => format!(
                "samples with a q-value of at most {} are flagged",
                words::rate(*rate)
            ),
            Self::Threshold(value) => format!("samples that score at least {value} are flagged"),
            Self::Budget(count) => {
                format!(
                    "the {} are flagged",
                    words::counted(*count, "highest score")
                )
            }
        }
    }

    /// How many of the flagged would be flagged if the whole batch were normal, on average: the share of
    /// normals that score as high as the lowest of them, times the size of the batch. `None` where
    /// nothing is flagged.
    pub fn expected_false_alarms(decisions: &Decisions) -> Option<f64> {
        let flagged = decisions.p_values.iter().zip(&decisions.anomalous);
        let largest = flagged.filter(|(_, f)| **f).map(|(&p, _)| p);
        let largest = largest.reduce(f64::max)?;
        Some(largest * decisions.len() as f64)
    }

    /// As [`Verdicts::why_nothing`], of a batch that is in memory.
    pub fn why_nothing(&self, decisions: &Decisions, calibration: &Calibration) -> Option<String> {
        let (rate, share) = match *self {
            Self::Fdr(rate) => (rate, 1.0),
            Self::FdrStorey(rate) => (rate, share_of_normals(&decisions.p_values)),
            Self::FalseAlarms(_) | Self::Threshold(_) | Self::Budget(_) => return None,
        };
        if decisions.is_empty() || decisions.count() > 0 {
            return None;
        }
        let smallest = calibration.smallest_rate();
        let out = decisions.p_values.iter().filter(|&&p| p <= smallest);
        let (all, out) = (decisions.len() as u64, out.count() as u64);
        too_few_stand_out(rate / share, all, out, calibration)
    }

    /// Decides about each sample of a batch.
    ///
    /// With n held-out normals and m samples, the smallest possible q-value of a group of k samples
    /// is m / (k (n + 1)): a false-discovery rate close to 1 / (n + 1) can be reached only by
    /// flagging nearly the whole batch. Only a rate below 1 / (n + 1), which no batch can reach, is
    /// an error.
    ///
    /// # Errors
    /// If the decision is out of range, a score is not finite, or the calibration is too small for
    /// any sample to be flagged at this rate.
    pub fn decide(&self, scores: &[f64], calibration: &Calibration) -> Result<Decisions> {
        finite(scores, "a score")?;
        self.check_possible([calibration])?;
        let place = |&score: &f64| calibration.place(score, Ties::Above, 0);
        let places: Vec<Place> = scores.iter().map(place).collect();
        let verdicts = self.settle(&self.tally(scores, &places)?)?;
        Ok(verdicts
            .with_threshold_of(calibration)?
            .about(scores, &places))
    }

    /// Refuses a rate that none of these calibrations can promise.
    ///
    /// # Errors
    /// If the decision is out of range, or all of the calibrations are too small for any sample to be
    /// flagged at this rate.
    pub fn check_possible<'a>(
        &self,
        calibrations: impl IntoIterator<Item = &'a Calibration>,
    ) -> Result<()> {
        self.validate()?;
        let (what, rate) = match *self {
            Self::FalseAlarms(rate) => ("false-alarm rate", rate),
            Self::Fdr(rate) | Self::FdrStorey(rate) => ("false-discovery rate", rate),
            Self::Threshold(_) | Self::Budget(_) => return Ok(()),
        };
        let largest = calibrations.into_iter().max_by_key(|c| c.len());
        match largest {
            Some(largest) if largest.smallest_rate() > rate => Err(largest.too_few(what, rate)),
            _ => Ok(()),
        }
    }

    /// Decides about samples whose places among held-out normals are known, each perhaps among those of
    /// its own group: see [`Calibration::place`]. No threshold belongs to a rate then.
    ///
    /// # Errors
    /// If the decision is out of range, or there is not one place per score.
    pub fn decide_placed(&self, scores: &[f64], places: &[Place]) -> Result<Decisions> {
        Ok(self
            .settle(&self.tally(scores, places)?)?
            .about(scores, places))
    }

    /// A batch that is in memory, counted.
    fn tally(&self, scores: &[f64], places: &[Place]) -> Result<Tally> {
        if scores.len() != places.len() {
            return Err(Error::Mismatch {
                origin: None,
                found: format!("{} places for {} scores", places.len(), scores.len()),
                expected: "one per score".into(),
                hint: None,
            });
        }
        let mut tally = Tally::new(*self);
        for (&score, &place) in scores.iter().zip(places) {
            tally.add(score, place);
        }
        Ok(tally)
    }
}

impl Verdicts {
    /// What is decided about each of these samples of the batch.
    fn about(&self, scores: &[f64], places: &[Place]) -> Decisions {
        let samples = || scores.iter().zip(places);
        Decisions {
            p_values: places.iter().map(|place| place.p_value()).collect(),
            q_values: places.iter().map(|&place| self.q_value(place)).collect(),
            anomalous: samples()
                .map(|(&score, &place)| self.is_anomalous(score, place))
                .collect(),
            threshold: self.threshold(),
        }
    }
}

/// Why so many samples that stand out, of all of a batch, are too few for a false-discovery rate.
fn too_few_stand_out(
    rate: f64,
    samples: u64,
    out: u64,
    calibration: &Calibration,
) -> Option<String> {
    let smallest = calibration.smallest_rate();
    let needed = (samples as f64 * smallest / rate).ceil().max(1.0) as u64;
    if out >= needed || needed == 1 {
        // Some could be flagged, and none stands out.
        return None;
    }
    let enough = |stand_out: u64| {
        words::count(((samples as f64 / (rate * stand_out as f64)).ceil() as u64).max(2) - 1)
    };
    let normals = words::counted(calibration.len(), "held-out normal");
    Some(format!(
        "no sample can be flagged at a false-discovery rate of {}: {normals} give no p-value below \
         {}, which at least {} of the {} would have to reach, and {} do; with {} of them {}",
        words::rate(rate),
        words::rate(smallest),
        words::count(needed),
        words::counted(samples, "sample"),
        words::count(out),
        enough(out.max(1)),
        match out {
            0 | 1 => "one could be flagged".to_owned(),
            out => format!("these {} could be", words::count(out)),
        },
    ))
}

/// The share of normals in a batch as its p-values suggest: those above one half are nearly all of
/// normals, of which half have such a one. (1 + #{p > ½}) / (m / 2), at most 1 (Storey, Taylor and
/// Siegmund 2004); with p-values of held-out normals, the false-discovery rate stays what was asked for
/// (Bates, Candès, Lei, Romano and Sesia 2023).
pub fn share_of_normals(p_values: &[f64]) -> f64 {
    let large = p_values.iter().filter(|&&p| p > 0.5).count();
    tally::storey(large as u64, p_values.len() as u64)
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FalseAlarms(rate) => write!(f, "false-alarm rate {rate}"),
            Self::Fdr(rate) => write!(f, "false-discovery rate {rate}"),
            Self::FdrStorey(rate) => write!(f, "false-discovery rate {rate}, by Storey's estimate"),
            Self::Threshold(value) => write!(f, "score at least {value}"),
            Self::Budget(count) => write!(f, "budget of {}", words::counted(*count, "sample")),
        }
    }
}
