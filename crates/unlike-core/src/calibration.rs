//! From raw scores to p-values: split-conformal calibration on held-out normals.
//!
//! A raw score has no unit that a person could judge. Its p-value has: the share of normals, out of
//! those that were held out and the sample itself, that score at least as high. If the held-out
//! normals and a new normal are exchangeable (drawn alike, and none of them seen in training), then
//! P(p ≤ a) ≤ a for that new normal, whatever the detector and whatever the distribution of its
//! scores (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005).
//!
//! The promise is an average over draws of the held-out normals. Given one set of n of them, the
//! false-alarm rate at the threshold of rank k = ⌊a (n + 1)⌋ is itself random, Beta(k, n + 1 − k)
//! distributed when no scores tie (Vovk 2012): with n = 1,000 and a = 0.05 it lies between 0.037
//! and 0.064 in 95 of 100 cases.

mod groups;
mod place;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::error::{Error, Result};
pub use groups::GroupCalibrations;
pub use place::{Place, Ties};

/// The sorted scores of held-out normals: never empty, all finite.
///
/// Deserialising checks both, and the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Calibration {
    scores: Vec<f64>,
}

/// What a file may hold before it has been checked.
#[derive(Deserialize)]
struct Stored {
    scores: Vec<f64>,
}

impl TryFrom<Stored> for Calibration {
    type Error = Error;

    fn try_from(Stored { scores }: Stored) -> Result<Self> {
        check(&scores)?;
        match scores.windows(2).position(|w| w[0] > w[1]) {
            None => Ok(Self { scores }),
            Some(at) => Err(Error::Mismatch {
                origin: Some("calibration".into()),
                found: format!(
                    "{} after {} at position {}",
                    scores[at + 1],
                    scores[at],
                    at + 2
                ),
                expected: "scores in ascending order".into(),
                hint: None,
            }),
        }
    }
}

fn check(scores: &[f64]) -> Result<()> {
    if scores.is_empty() {
        return Err(Error::NotEnough {
            what: "held-out normals for the calibration".into(),
            found: "none".into(),
            expected: "at least 1".into(),
            hint: Some("hold out at least 99 normals to promise a false-alarm rate of 0.01".into()),
        });
    }
    finite(scores, "a score of the calibration")
}

/// Refuses scores that nothing can be ranked by.
pub(crate) fn finite(scores: &[f64], what: &str) -> Result<()> {
    match scores.iter().position(|s| !s.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::NotFinite {
            what: what.to_owned(),
            location: format!(": {} at sample {} of {}", scores[at], at + 1, scores.len()),
            hint: None,
        }),
    }
}

impl Calibration {
    /// Sorts the raw scores of normals that training has not seen.
    ///
    /// # Errors
    /// If there is no score, or one is not finite.
    pub fn fit(held_out: &[f64]) -> Result<Self> {
        check(held_out)?;
        let mut scores = held_out.to_vec();
        scores.sort_unstable_by(f64::total_cmp);
        Ok(Self { scores })
    }

    /// The number n of held-out normals, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "a calibration is never empty")]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// The held-out normals' scores, ascending.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The share of normals that score at least this high, the sample itself counted in:
    /// (1 + #{calibration ≥ score}) / (n + 1), in [1 / (n + 1), 1].
    ///
    /// NaN is no score and gets 1; [`decide`](crate::Decision::decide) refuses it.
    pub fn p_value(&self, score: f64) -> f64 {
        self.rank(score) as f64 / (self.len() + 1) as f64
    }

    /// One p-value per score, in the same order.
    pub fn p_values(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|&s| self.p_value(s)).collect()
    }

    /// The smallest p-value and so the smallest false-alarm rate that can be promised, 1 / (n + 1).
    pub fn smallest_rate(&self) -> f64 {
        1.0 / (self.len() + 1) as f64
    }

    /// How often new normals may really be flagged at this false-alarm rate, given held-out normals as
    /// these: in 95 of 100 sets of n of them, the share is within this range. Where scores tie it can
    /// only be smaller.
    ///
    /// The 2.5 and 97.5 percentiles of Beta(k, n + 1 − k), k = ⌊rate (n + 1)⌋ (Vovk 2012).
    ///
    /// # Errors
    /// As [`threshold`](Self::threshold).
    pub fn range(&self, rate: f64) -> Result<[f64; 2]> {
        self.threshold(rate)?;
        let (k, n) = (self.largest_rank(rate) as f64, self.len() as f64);
        let quantile = |at| match Beta::new(k, n + 1.0 - k) {
            Ok(beta) => beta.inverse_cdf(at),
            // At a rank of n + 1, of which all are.
            Err(_) => 1.0,
        };
        Ok([quantile(0.025), quantile(0.975)])
    }

    /// How many of the held-out normals have the highest of their scores.
    ///
    /// Where it is the highest that the detector gives, no new sample can score above them, and no
    /// p-value is below (1 + this) / (n + 1), whatever the number of normals.
    pub fn at_the_top(&self) -> usize {
        let top = self.scores[self.len() - 1];
        self.len() - self.scores.partition_point(|&c| c < top)
    }

    /// The smallest raw score that is flagged at this false-alarm rate: `score >= threshold`
    /// exactly when `p_value(score) <= rate`.
    ///
    /// That is the next number after a held-out normal's score, because a score that ties with that
    /// normal has too large a p-value. Where that normal scores `f64::MAX` it is infinity: nothing
    /// can be flagged.
    ///
    /// # Errors
    /// If the rate is not within (0, 1), or below [`smallest_rate`](Self::smallest_rate).
    pub fn threshold(&self, rate: f64) -> Result<f64> {
        check_rate("false-alarms", rate)?;
        let rank = self.largest_rank(rate);
        if rank == 0 {
            Err(self.too_few("false-alarm rate", rate))
        } else {
            Ok(self.above(rank))
        }
    }

    /// The p-value's numerator, 1 + #{calibration ≥ score}, in 1..=n+1.
    pub(crate) fn rank(&self, score: f64) -> usize {
        1 + self.len() - self.scores.partition_point(|&c| c < score)
    }

    /// The largest rank whose p-value is at most `rate`; 0 if there is none.
    ///
    /// The multiplication may round to the wrong side of a whole number, the comparison with the
    /// p-value as [`p_value`](Self::p_value) computes it decides.
    fn largest_rank(&self, rate: f64) -> usize {
        let all = self.len() + 1;
        let p = |rank: usize| rank as f64 / all as f64;
        let mut rank = ((rate * all as f64) as usize).min(all);
        while rank < all && p(rank + 1) <= rate {
            rank += 1;
        }
        while p(rank) > rate {
            rank -= 1;
        }
        rank
    }

    /// The smallest raw score whose rank is at most this one (1..=n).
    pub(crate) fn above(&self, rank: usize) -> f64 {
        self.scores[self.len() - rank].next_up()
    }

    /// The error for a rate that this many held-out normals cannot promise.
    pub(crate) fn too_few(&self, what: &str, rate: f64) -> Error {
        let mut needed = (1.0 / rate).ceil();
        if 1.0 / needed > rate {
            needed += 1.0;
        }
        let expected = match needed {
            few if few < 1e15 => format!("{}", few - 1.0),
            many => format!("{many:.0e}"),
        };
        Error::NotEnough {
            what: "held-out normals in the calibration".into(),
            found: format!(
                "{}, whose smallest possible rate is 1/{}",
                self.len(),
                self.len() + 1
            ),
            expected: format!("at least {expected} for a {what} of {rate:?}"),
            hint: Some(
                format!(
                    "calibrate on more normals, or ask for a rate of at least {}",
                    round_up(self.smallest_rate())
                )
                .into(),
            ),
        }
    }
}

/// Two significant digits, rounded up so that the rate is possible.
fn round_up(rate: f64) -> f64 {
    let unit = 10f64.powi(rate.log10().floor() as i32 - 1);
    let text = format!("{:.1e}", (rate / unit).ceil() * unit);
    text.parse().map_or(rate, |rounded: f64| rounded.max(rate))
}

/// Refuses rates outside (0, 1).
pub(crate) fn check_rate(name: &str, rate: f64) -> Result<()> {
    if rate > 0.0 && rate < 1.0 {
        return Ok(());
    }
    Err(Error::Setting {
        name: name.to_owned(),
        found: rate.to_string(),
        expected: "a number above 0 and below 1".into(),
        hint: Some("write 5 % as 0.05".into()),
    })
}
