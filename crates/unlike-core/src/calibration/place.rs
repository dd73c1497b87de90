//! Where a sample stands among held-out normals: its p-value as the fraction that it is.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Calibration;
use crate::error::Error;

/// What counts of held-out normals that score exactly as a sample does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// All of them, as scoring higher: what is promised holds, and is kept by more than need be.
    #[default]
    Above,
    /// Half of them. Promises nothing: rates hold only on average over many scores.
    Half,
    /// A random number of them, so that the sample stands anywhere among those that score as it does:
    /// p-values of new normals are then uniform, and what is promised is kept exactly.
    Random,
}

impl Ties {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Above, Self::Half, Self::Random];

    /// The name that the setting `ties` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Half => "half",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Ties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Ties {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|ties| ties.name() == text);
        named.ok_or_else(|| Error::Setting {
            name: "ties".into(),
            found: format!("`{text}`"),
            expected: format!("one of {}", Self::ALL.map(Self::name).join(", ")),
            hint: None,
        })
    }
}

/// A p-value as a fraction of whole numbers, so that comparing two of them, and one with a rate, does
/// not depend on rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Twice the numerator, 1 + the held-out normals that count as scoring higher.
    twice: u64,
    /// The denominator, n + 1.
    all: u64,
}

impl Place {
    /// The p-value.
    pub fn p_value(self) -> f64 {
        self.twice as f64 / (2 * self.all) as f64
    }

    /// The p-value as the fraction that it is: twice the numerator, and the denominator.
    pub fn fraction(self) -> [u64; 2] {
        [self.twice, self.all]
    }

    /// The place of this fraction, as [`fraction`](Self::fraction) gives it; `None` if it is no p-value.
    pub fn of_fraction([twice, all]: [u64; 2]) -> Option<Self> {
        let sound = (2..=all.checked_mul(2)?).contains(&twice);
        sound.then_some(Self { twice, all })
    }

    /// The numerator, for those among one calibration, with ties counted as scoring higher.
    pub(crate) fn rank(self) -> usize {
        (self.twice / 2) as usize
    }

    /// The p-value times a whole number, divided by another, with one rounding.
    pub(crate) fn scaled(self, times: usize, by: usize) -> f64 {
        (times as f64 * self.twice as f64) / (by as f64 * (2 * self.all) as f64)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By p-value; equal fractions by their denominators.
impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |place: &Self, by: &Self| u128::from(place.twice) * u128::from(by.all);
        product(self, other)
            .cmp(&product(other, self))
            .then(self.all.cmp(&other.all))
    }
}

impl Place {
    /// Where a sample stands among the held-out normals of several models, each with the score that its
    /// model gives the sample: cross-conformal p-values (Vovk 2015), (1 + Σₖ #{calibration k ≥ score
    /// k}) / (n + 1). Of one model, its p-value.
    ///
    /// `draw` decides where ties are random: any number, evenly distributed over all that 64 bits hold,
    /// that does not depend on the scores.
    pub fn among<'a>(
        models: impl IntoIterator<Item = (&'a Calibration, f64)>,
        ties: Ties,
        draw: u64,
    ) -> Self {
        let (mut above, mut equal, mut n) = (0u64, 0u64, 0u64);
        for (calibration, score) in models {
            let below = calibration.scores.partition_point(|&c| c < score);
            let up_to = calibration.scores.partition_point(|&c| c <= score);
            // NaN is no score: nothing is below it, and all above.
            let same = up_to.saturating_sub(below);
            above += (calibration.len() - below - same) as u64;
            equal += same as u64;
            n += calibration.len() as u64;
        }
        let twice = 2
            + 2 * above
            + match ties {
                Ties::Above => 2 * equal,
                Ties::Half => equal,
                // One of 0 to `equal`, each as likely but for 1 in 2^64.
                Ties::Random => 2 * ((u128::from(draw) * u128::from(equal + 1)) >> 64) as u64,
            };
        Self { twice, all: n + 1 }
    }
}

impl Calibration {
    /// Where a sample of this score stands; see [`Place::among`].
    pub fn place(&self, score: f64, ties: Ties, draw: u64) -> Place {
        Place::among([(self, score)], ties, draw)
    }
}
