//! A batch as far as decisions depend on it: how many samples stand where among held-out normals.
//!
//! q-values and flags belong to the whole batch, but what they need of it is little: p-values are whole
//! numbers of held-out normals, so there are no more different ones than normals, however many samples
//! there are. Who scores more samples than memory holds counts them here, and asks afterwards.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
};

use super::Decision;
use crate::{
    calibration::{Calibration, Place},
    error::Result,
};

/// How many samples of a batch stand at each place, and which scores are the highest where a decision
/// asks for them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: HashMap<Place, u64>,
    len: u64,
    /// The highest scores, one more than a budget has.
    highest: Option<Highest>,
}

impl Tally {
    /// Of no sample yet.
    pub fn new(decision: Decision) -> Self {
        Self {
            highest: match decision {
                Decision::Budget(count) => Some(Highest::new(count)),
                _ => None,
            },
            ..Self::default()
        }
    }

    /// Counts a sample.
    pub fn add(&mut self, score: f64, place: Place) {
        *self.counts.entry(place).or_default() += 1;
        self.len += 1;
        if let Some(highest) = &mut self.highest {
            highest.add(score);
        }
    }

    /// The number of samples.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no sample was counted.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many samples have a p-value for which this holds.
    fn count(&self, holds: impl Fn(f64) -> bool) -> u64 {
        let counts = self.counts.iter();
        counts
            .filter(|(place, _)| holds(place.p_value()))
            .map(|(_, count)| count)
            .sum()
    }
}

/// What a decision makes of a batch, for each of its samples.
#[derive(Clone, Debug)]
pub struct Verdicts {
    decision: Decision,
    q_values: HashMap<Place, f64>,
    threshold: Option<f64>,
    /// Of normals in the batch, as Storey estimates it; 1 where nobody asks.
    share: f64,
}

impl Decision {
    /// Decides about a batch that was counted.
    ///
    /// # Errors
    /// If the decision is out of range.
    pub fn settle(&self, tally: &Tally) -> Result<Verdicts> {
        self.validate()?;
        let share = match self {
            Self::FdrStorey(_) => storey(tally.count(|p| p > 0.5), tally.len),
            _ => 1.0,
        };
        Ok(Verdicts {
            decision: *self,
            q_values: benjamini_hochberg(tally, share),
            threshold: match *self {
                Self::Threshold(value) => Some(value),
                Self::Budget(_) => tally.highest.as_ref().and_then(Highest::threshold),
                Self::FalseAlarms(_) | Self::Fdr(_) | Self::FdrStorey(_) => None,
            },
            share,
        })
    }
}

impl Verdicts {
    /// The smallest false-discovery rate at which a sample at this place is flagged; 1 for a place at which
    /// the batch has no sample.
    pub fn q_value(&self, place: Place) -> f64 {
        self.q_values.get(&place).copied().unwrap_or(1.0)
    }

    /// Whether a sample of this score and place is flagged.
    pub fn is_anomalous(&self, score: f64, place: Place) -> bool {
        match self.decision {
            Decision::FalseAlarms(rate) => place.p_value() <= rate,
            Decision::Fdr(rate) | Decision::FdrStorey(rate) => self.q_value(place) <= rate,
            Decision::Threshold(_) | Decision::Budget(_) => {
                self.threshold.is_some_and(|threshold| score >= threshold)
            }
        }
    }

    /// The raw score from which on samples of this batch are flagged; see
    /// [`Decisions::threshold`](super::Decisions::threshold).
    pub fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// The same with the threshold that belongs to a rate, where one calibration placed all samples and
    /// ties count as scoring higher.
    ///
    /// # Errors
    /// If the calibration is too small for the rate.
    pub fn with_threshold_of(self, calibration: &Calibration) -> Result<Self> {
        let threshold = match self.decision {
            Decision::FalseAlarms(rate) => Some(calibration.threshold(rate)?),
            Decision::Fdr(rate) | Decision::FdrStorey(rate) => {
                let flagged = self.q_values.iter().filter(|(_, q)| **q <= rate);
                // The lowest score that has the p-value of the lowest flagged.
                let lowest = flagged.map(|(place, _)| place.rank()).max();
                lowest.map(|rank| calibration.above(rank))
            }
            Decision::Threshold(_) | Decision::Budget(_) => self.threshold,
        };
        Ok(Self { threshold, ..self })
    }

    /// Why a false-discovery rate flags nothing in this batch, where no sample can be flagged with so
    /// small a calibration; a sentence that says what calibration would do.
    ///
    /// Benjamini–Hochberg flags k of m samples if their p-values are at most q k / m. None is below
    /// 1 / (n + 1), so at least m / (q (n + 1)) samples have to be that far out.
    pub fn why_nothing(&self, tally: &Tally, calibration: &Calibration) -> Option<String> {
        let (Decision::Fdr(rate) | Decision::FdrStorey(rate)) = self.decision else {
            return None;
        };
        if tally.is_empty() || self.q_values.values().any(|&q| q <= rate) {
            return None;
        }
        let out = tally.count(|p| p <= calibration.smallest_rate());
        super::too_few_stand_out(rate / self.share, tally.len, out, calibration)
    }
}

/// The share of normals in a batch of which so many samples have p-values above one half; see
/// [`share_of_normals`](super::share_of_normals).
pub(super) fn storey(large: u64, all: u64) -> f64 {
    (2.0 * (1 + large) as f64 / all.max(1) as f64).min(1.0)
}

/// Adjusted p-values: the minimum of m p₍ⱼ₎ / j over j ≥ i, for the i-th smallest of m, times a share of
/// normals. Samples at one place have one: that of the last of them.
///
/// Computed from the whole numbers, one rounded division each, so that a q-value which equals the
/// asked rate on paper equals it here too.
fn benjamini_hochberg(tally: &Tally, share: f64) -> HashMap<Place, f64> {
    let mut places: Vec<(Place, u64)> =
        tally.counts.iter().map(|(&p, &count)| (p, count)).collect();
    places.sort_unstable();
    let (mut smallest, mut up_to) = (1.0f64, tally.len);
    let mut q_values = HashMap::with_capacity(places.len());
    for &(place, count) in places.iter().rev() {
        smallest = smallest.min(place.scaled(tally.len as usize, up_to as usize));
        up_to -= count;
        q_values.insert(place, (smallest * share).min(1.0));
    }
    q_values
}

/// The highest of some scores.
#[derive(Clone, Debug)]
struct Highest {
    /// How many may be flagged.
    count: usize,
    /// The lowest of them first; one more than may be flagged.
    scores: BinaryHeap<Reverse<Score>>,
}

/// Finite numbers are ordered.
#[derive(Clone, Copy, Debug)]
struct Score(f64);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Highest {
    fn new(count: usize) -> Self {
        Self {
            count,
            scores: BinaryHeap::new(),
        }
    }

    fn add(&mut self, score: f64) {
        if self.scores.len() <= self.count {
            self.scores.push(Reverse(Score(score)));
        } else if let Some(mut lowest) = self.scores.peek_mut()
            && Score(score) > lowest.0
        {
            *lowest = Reverse(Score(score));
        }
    }

    /// The smallest score that at most `count` samples reach; `None` if so many are equal that none can
    /// be flagged without the others.
    fn threshold(&self) -> Option<f64> {
        let scores = self.scores.iter().map(|score| score.0.0);
        let next = match self.scores.len() > self.count {
            true => self.scores.peek().map(|lowest| lowest.0.0),
            false => None,
        };
        scores
            .filter(|&s| next.is_none_or(|next| s > next))
            .reduce(f64::min)
    }
}
