//! A column of numbers becomes one feature, and a second one if training had missing cells.

use serde::{Deserialize, Serialize};

use super::{BOUND, LIMIT, Scaling, Tails};

/// A column whose inner values take up less than one part in so many of its range has heavy tails.
const HEAVY: f64 = 1000.0;
/// One in so many of the values at either end is not among the inner ones.
const OUTER_ONE_IN: usize = 100;
/// Fewer values than this have no inner ones.
const FEWEST: usize = 5;
/// The share of the distinct values that scaling has to keep apart, per cent.
const KEPT_PERCENT: usize = 99;
/// A range of no more than so many roundings is none.
const LAST_BITS: f64 = 16.0;
/// What differs by less from a column's only value, in units of its scale, is that value in another
/// precision.
const SAME: f64 = 1e-6;

/// How a column of numbers is scaled: `(value - center) / scale`, clamped to ±[`LIMIT`]; of the bent
/// value, if the column is bent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NumberColumn {
    /// The smallest training value; 0 if there was none.
    pub min: f64,
    /// The largest training value; 0 if there was none. A range of a few last bits counts as none:
    /// then it is `min`.
    pub max: f64,
    /// What becomes 0: the middle of the range, the mean, or the only value.
    pub center: f64,
    /// What becomes 1: half the range, the standard deviation, or, for a column with one value,
    /// the larger of that value's magnitude and 1.
    pub scale: f64,
    /// The training median, which stands for missing cells; absent if training had none missing, and
    /// then none may be missing later.
    pub fill: Option<f64>,
    /// Between these lie the central 90 % of the training values; absent if there was none, and in the
    /// models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<[f64; 2]>,
    /// Absent unless the column has heavy tails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bend: Option<Bend>,
}

/// What keeps a column with heavy tails from losing the differences between its other values: each
/// value v becomes asinh((v - center) / unit), which is a straight line around the center and a
/// logarithm far from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bend {
    /// The training median.
    pub center: f64,
    /// Half the range of the inner training values, 98 % of all.
    pub unit: f64,
}

impl Bend {
    fn of(self, value: f64) -> f64 {
        // Divided first: the difference of finite numbers may be infinite. Far below where doubling
        // the largest number would be.
        let x = value / self.unit - self.center / self.unit;
        x.clamp(-1e300, 1e300).asinh()
    }

    fn is_sound(self) -> bool {
        self.center.is_finite() && self.unit.is_finite() && self.unit > 0.0
    }
}

/// How many distinct values a column had in training, and how many of them features tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Distinct {
    pub(super) values: usize,
    pub(super) features: usize,
    /// As they would be if the column were not bent.
    pub(super) unbent: usize,
}

impl Distinct {
    /// Whether features lose more differences than rounding may.
    pub(super) fn collapses(self) -> bool {
        self.features * 100 < self.values * KEPT_PERCENT
    }
}

impl NumberColumn {
    /// Fits to training values, NaN where missing.
    pub(super) fn fit(values: &[f64], scaling: Scaling, tails: Tails) -> (Self, Distinct) {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let any_missing = sorted.len() < values.len();
        let fill = any_missing.then(|| median(&sorted).unwrap_or(0.0));
        let min = sorted.first().copied().unwrap_or(0.0);
        let last = sorted.last().copied().unwrap_or(0.0);
        let max = if is_rounding(&sorted) { min } else { last };
        let usual = usual(&sorted);
        let plain = Self {
            min,
            max,
            fill,
            usual,
            bend: None,
            ..Self::scaled(&sorted, min, max, scaling)
        };
        let mut distinct = plain.distinct(&sorted);
        if min == max || tails == Tails::Keep {
            return (plain, distinct);
        }
        let inner = inner_range(&sorted);
        // Halves first: the range of finite numbers may be infinite.
        let heavy = inner > 0.0 && inner / 2.0 < (max / 2.0 - min / 2.0) / HEAVY;
        if !heavy && !distinct.collapses() {
            return (plain, distinct);
        }
        let Some(bend) = bend(&sorted, inner) else {
            return (plain, distinct);
        };
        let bent: Vec<f64> = sorted.iter().map(|&v| bend.of(v)).collect();
        let bent = Self {
            min,
            max,
            fill,
            usual,
            bend: Some(bend),
            ..Self::scaled(&bent, bend.of(min), bend.of(max), scaling)
        };
        let features = bent.distinct(&sorted).features;
        if features < distinct.features || !bent.is_sound() {
            return (plain, distinct);
        }
        distinct.features = features;
        (bent, distinct)
    }

    /// Center and scale of ascending values; the rest is for the caller to say.
    fn scaled(sorted: &[f64], min: f64, max: f64, scaling: Scaling) -> Self {
        let (center, scale) = match scaling {
            Scaling::MinMax => (min / 2.0 + max / 2.0, max / 2.0 - min / 2.0),
            Scaling::Standard => mean_and_deviation(sorted, min, max),
            Scaling::Bounded => {
                let (mean, deviation) = mean_and_deviation(sorted, min, max);
                // Each by itself: the range of finite numbers may be infinite.
                let farthest = (max / BOUND - mean / BOUND).max(mean / BOUND - min / BOUND);
                (mean, deviation.max(farthest))
            }
        };
        // A range of denormal numbers has no half; such a column counts as constant.
        let varies = min < max && scale > 0.0;
        let (center, scale) = if varies {
            (center, scale)
        } else {
            (min, min.abs().max(1.0))
        };
        Self {
            min,
            max,
            center,
            scale,
            fill: None,
            usual: None,
            bend: None,
        }
    }

    /// Whether a value lies where the central 90 % of the training values do, or is the only one that
    /// training saw. Not known of the models of earlier versions.
    pub fn is_usual(&self, value: f64) -> Option<bool> {
        self.usual.map(|[low, high]| (low..=high).contains(&value))
    }

    fn distinct(&self, sorted: &[f64]) -> Distinct {
        // -0 and 0 are one value, and the same feature. A range that counts as none is one value.
        let count = |same: &dyn Fn(f64, f64) -> bool| {
            let changes = sorted.windows(2).filter(|w| !same(w[0], w[1])).count();
            changes + usize::from(!sorted.is_empty())
        };
        let features = count(&|a, b| self.feature(a) == self.feature(b));
        Distinct {
            values: match self.min == self.max {
                true => usize::from(!sorted.is_empty()),
                false => count(&|a, b| a == b),
            },
            features,
            unbent: features,
        }
    }

    /// Whether training saw one value only, or none.
    pub fn is_constant(&self) -> bool {
        self.min == self.max
    }

    /// Whether a value is so far outside what training saw that its distance from there means little:
    /// ten times the range away.
    pub(super) fn is_far(&self, value: f64) -> bool {
        /// Of a value that never varied, in units of `scale`.
        const OF_CONSTANT: f64 = 1e-3;
        const RANGES: f64 = 10.0;
        if value.is_nan() {
            return false;
        }
        if self.is_constant() {
            return (value / self.scale - self.min / self.scale).abs() > OF_CONSTANT;
        }
        let half = self.max / 2.0 - self.min / 2.0;
        let away = (self.min / 2.0 - value / 2.0).max(value / 2.0 - self.max / 2.0);
        away > RANGES * half
    }

    /// How many features the column becomes.
    pub(super) fn width(&self) -> usize {
        1 + usize::from(self.fill.is_some())
    }

    /// The feature of a value that is there.
    pub(super) fn feature(&self, value: f64) -> f32 {
        let value = self.bend.map_or(value, |bend| bend.of(value));
        let scaled = ((value - self.center) / self.scale).clamp(-LIMIT, LIMIT);
        if self.is_constant() && scaled.abs() <= SAME {
            return 0.0;
        }
        scaled as f32
    }

    /// Whether a column read from a model file can be trusted to give finite features.
    pub(super) fn is_sound(&self) -> bool {
        [self.min, self.max, self.center, self.fill.unwrap_or(0.0)]
            .iter()
            .all(|v| v.is_finite())
            && self.scale.is_finite()
            && self.scale > 0.0
            && self.bend.is_none_or(Bend::is_sound)
            && self.usual.is_none_or(|[low, high]| low <= high)
    }
}

/// The values between which 90 % of ascending values lie, ends included.
fn usual(sorted: &[f64]) -> Option<[f64; 2]> {
    let outer = sorted.len() / 20;
    let (low, high) = (sorted.get(outer)?, sorted.get(sorted.len() - 1 - outer)?);
    Some([*low, *high])
}

/// Whether ascending values differ by no more than their last bits: of 64-bit numbers, or of 32-bit
/// numbers if that is what all of them are. Whole numbers are exact.
fn is_rounding(sorted: &[f64]) -> bool {
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
        return true;
    };
    let largest = min.abs().max(max.abs());
    // Halves first: the range of finite numbers may be infinite.
    let is_within = |epsilon: f64| max / 2.0 - min / 2.0 <= LAST_BITS / 2.0 * epsilon * largest;
    let whole = |v: &f64| v.fract() == 0.0;
    if min == max {
        return true;
    }
    if !is_within(f64::from(f32::EPSILON)) || sorted.iter().all(whole) {
        return false;
    }
    is_within(f64::EPSILON) || sorted.iter().all(|&v| f64::from(v as f32) == v)
}

/// The range of ascending values without the outermost at either end; 0 for few values.
fn inner_range(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n < FEWEST {
        return 0.0;
    }
    let outer = (n / OUTER_ONE_IN).max(1);
    sorted[n - 1 - outer] - sorted[outer]
}

/// A bend for ascending values with this inner range.
fn bend(sorted: &[f64], inner: f64) -> Option<Bend> {
    let center = median(sorted)?;
    let unit = if inner > 0.0 {
        inner / 2.0
    } else {
        // Most values are one: the usual distance of the others from it.
        let mut away: Vec<f64> = sorted.iter().map(|v| (v - center).abs()).collect();
        away.retain(|&distance| distance > 0.0);
        away.sort_unstable_by(f64::total_cmp);
        median(&away)?
    };
    let bend = Bend { center, unit };
    bend.is_sound().then_some(bend)
}

/// In units of the largest magnitude, so that squares and sums stay finite.
fn mean_and_deviation(values: &[f64], min: f64, max: f64) -> (f64, f64) {
    let unit = min.abs().max(max.abs());
    if unit == 0.0 {
        return (0.0, 0.0);
    }
    let n = values.len() as f64;
    let mean = values.iter().map(|v| v / unit).sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|v| (v / unit - mean).powi(2))
        .sum::<f64>()
        / n;
    (mean * unit, variance.sqrt() * unit)
}

/// Of ascending values.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let &upper = sorted.get(middle)?;
    let lower = match sorted.len().is_multiple_of(2) {
        true => sorted[middle - 1],
        false => upper,
    };
    Some(lower / 2.0 + upper / 2.0)
}
