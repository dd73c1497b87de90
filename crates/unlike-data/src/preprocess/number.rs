//! A column of numbers becomes one feature, and a second one if training had missing cells.

use serde::{Deserialize, Serialize};

use super::{LIMIT, Scaling};

/// How a column of numbers is scaled: `(value - center) / scale`, clamped to ±[`LIMIT`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NumberColumn {
    /// The smallest training value; 0 if there was none.
    pub min: f64,
    /// The largest training value; 0 if there was none.
    pub max: f64,
    /// What becomes 0: the middle of the range, the mean, or the only value.
    pub center: f64,
    /// What becomes 1: half the range, the standard deviation, or, for a column with one value,
    /// the larger of that value's magnitude and 1.
    pub scale: f64,
    /// The training median, which stands for missing cells; absent if training had none missing, and
    /// then none may be missing later.
    pub fill: Option<f64>,
}

impl NumberColumn {
    /// Fits to training values, NaN where missing.
    pub(super) fn fit(values: &[f64], scaling: Scaling) -> Self {
        let mut present: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        let any_missing = present.len() < values.len();
        let min = present.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let max = present.iter().copied().reduce(f64::max).unwrap_or(0.0);
        let (center, scale) = match scaling {
            // Halves first: the range of finite numbers may be infinite.
            Scaling::MinMax => (min / 2.0 + max / 2.0, max / 2.0 - min / 2.0),
            Scaling::Standard => mean_and_deviation(&present, min, max),
        };
        // A range of denormal numbers has no half; such a column counts as constant.
        let varies = min < max && scale > 0.0;
        let (center, scale) = if varies {
            (center, scale)
        } else {
            (min, min.abs().max(1.0))
        };
        let fill = any_missing.then(|| median(&mut present).unwrap_or(0.0));
        Self {
            min,
            max,
            center,
            scale,
            fill,
        }
    }

    /// Whether training saw one value only, or none.
    pub fn is_constant(&self) -> bool {
        self.min == self.max
    }

    /// How many features the column becomes.
    pub(super) fn width(&self) -> usize {
        1 + usize::from(self.fill.is_some())
    }

    /// The feature of a value that is there.
    pub(super) fn feature(&self, value: f64) -> f32 {
        ((value - self.center) / self.scale).clamp(-LIMIT, LIMIT) as f32
    }

    /// Whether a column read from a model file can be trusted to give finite features.
    pub(super) fn is_sound(&self) -> bool {
        [self.min, self.max, self.center, self.fill.unwrap_or(0.0)]
            .iter()
            .all(|v| v.is_finite())
            && self.scale.is_finite()
            && self.scale > 0.0
    }
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

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below
        .iter()
        .copied()
        .reduce(f64::max)
        .filter(|_| even)
        .unwrap_or(upper);
    Some(lower / 2.0 + upper / 2.0)
}
