//! Axes: a range, its ticks, and how both are labelled.

use std::ops::Range;

use plotters::coord::{
    ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
    types::RangedCoordf64,
};

use crate::{histogram::Scale, number};

/// How data values are placed on an axis.
#[derive(Clone, Copy)]
enum Place {
    On(Scale),
    Log10,
}

#[derive(Clone, Copy)]
enum Label {
    /// With this many decimals.
    Decimals(usize),
    /// As a share in percent.
    Percent,
    /// With as many digits as the value has.
    Short,
}

/// One axis of a chart. `low`, `high` and `ticks` are places, not data values.
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
    pub(super) title: String,
    place: Place,
    label: Label,
}

impl Axis {
    /// From 0 to 1, for rates and probabilities.
    pub(super) fn unit(title: &str) -> Self {
        let ticks = (0..=5).map(|i| f64::from(i) / 5.0).collect();
        let place = Place::On(Scale::Linear);
        Self {
            low: 0.0,
            high: 1.0,
            ticks,
            title: title.into(),
            place,
            label: Label::Decimals(1),
        }
    }

    /// Round ticks over a range; a range without width is widened.
    pub(super) fn linear(low: f64, high: f64, ticks: usize, title: &str) -> Self {
        let (low, high) = widened(low, high);
        let ticks = round_values(low, high, ticks);
        let step = ticks
            .windows(2)
            .map(|w| w[1] - w[0])
            .fold(f64::INFINITY, f64::min);
        let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize;
        let label = if decimals <= 6 && high.abs().max(low.abs()) < 1e6 {
            Label::Decimals(decimals)
        } else {
            Label::Short
        };
        Self {
            low,
            high,
            ticks,
            title: title.into(),
            place: Place::On(Scale::Linear),
            label,
        }
    }

    /// Whole epochs from the first to the last.
    pub(super) fn epochs(low: f64, high: f64) -> Self {
        let mut axis = Self::linear(low, high, 10, "epoch");
        let every = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
        let every = every
            .into_iter()
            .find(|e| (high - low) / e <= 12.0)
            .unwrap_or(1000.0);
        let from = (axis.low / every).ceil() as i64;
        let ticks = (from..)
            .map(|i| i as f64 * every)
            .take_while(|t| *t <= axis.high);
        axis.ticks = ticks.take(100).collect();
        axis.label = Label::Decimals(0);
        axis
    }

    /// From 0 up, labelled in percent.
    pub(super) fn percent(high: f64, title: &str) -> Self {
        let mut axis = Self::linear(0.0, high, 6, title);
        axis.label = Label::Percent;
        axis
    }

    /// Powers of ten; both ends must be positive.
    pub(super) fn log10(low: f64, high: f64, title: &str) -> Self {
        let (low, high) = widened(low.log10(), high.log10());
        // On a range of less than two powers of ten, 2 and 5 get a tick too.
        let steps: &[f64] = if high - low < 2.0 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let powers = low.floor() as i32..=high.ceil() as i32;
        let every = (powers.clone().count() / 8 + 1) as i32;
        let ticks = powers
            .filter(|power| power % every == 0)
            .flat_map(|power| steps.iter().map(move |s| f64::from(power) + s.log10()))
            .filter(|t| (low - 1e-9..=high + 1e-9).contains(t))
            .collect();
        Self {
            low,
            high,
            ticks,
            title: title.into(),
            place: Place::Log10,
            label: Label::Short,
        }
    }

    /// Raw scores on the scale of a histogram.
    pub(super) fn scores(low: f64, high: f64, scale: Scale) -> Self {
        let Scale::SymmetricLog { width } = scale else {
            return Self::linear(low, high, 8, "score");
        };
        let (from, to) = widened(scale.forward(low), scale.forward(high));
        let powers = || {
            let last = low.abs().max(high.abs()).max(width).log10().floor() as i32;
            (width.log10().floor() as i32..=last).map(|p| 10f64.powi(p))
        };
        // Powers of ten before their halves and fifths, each where there is still room.
        let mut ticks: Vec<f64> = vec![];
        for value in std::iter::once(0.0)
            .chain(powers())
            .chain(powers().map(|p| 5.0 * p))
            .chain(powers().map(|p| 2.0 * p))
            .flat_map(|v| [v, -v])
            .filter(|v| (low..=high).contains(v))
        {
            let tick = scale.forward(value);
            if ticks.iter().all(|t| (t - tick).abs() > 0.07 * (to - from)) {
                ticks.push(tick);
            }
        }
        ticks.sort_unstable_by(f64::total_cmp);
        Self {
            low: from,
            high: to,
            ticks,
            title: "score (logarithmic away from 0)".into(),
            place: Place::On(scale),
            label: Label::Short,
        }
    }

    /// As plotters takes it.
    pub(super) fn coordinates(&self) -> Coordinates {
        Coordinates {
            range: (self.low..self.high).into(),
            ticks: self.ticks.clone(),
        }
    }

    /// Where a value lies, at an end if it is outside; `None` if it is not a number.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = match self.place {
            Place::On(scale) => scale.forward(value),
            Place::Log10 if value <= 0.0 => self.low,
            Place::Log10 => value.log10(),
        };
        (!place.is_nan()).then(|| place.clamp(self.low, self.high))
    }

    pub(super) fn label(&self, place: f64) -> String {
        let value = match self.place {
            Place::On(scale) => scale.backward(place),
            Place::Log10 => 10f64.powf(place),
        };
        let text = match self.label {
            Label::Decimals(n) => format!("{value:.n$}"),
            Label::Percent => return number::rate((value * 1e6).round() / 1e6),
            Label::Short => short(value),
        };
        // A true minus sign, and none before zero.
        match text.strip_prefix('-') {
            Some(digits) if digits.contains(|c| ('1'..='9').contains(&c)) => {
                format!("\u{2212}{digits}")
            }
            Some(digits) => digits.to_owned(),
            None => text,
        }
    }
}

/// A linear range with ticks of our own choice.
pub(super) struct Coordinates {
    range: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Coordinates {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.range.map(value, limit)
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        // Light points are the minor grid, which our charts do without.
        if hint.weight().allow_light_points() {
            vec![]
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.range()
    }
}

fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 1e-12 {
        "0".into()
    } else if !(0.9e-6..0.999_999e6).contains(&magnitude) {
        format!("{value:.0e}")
    } else {
        let decimals = (2.0 - magnitude.log10()).clamp(0.0, 6.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", number::count(magnitude.round() as u64))
        }
    }
}

/// A range with a width that can be drawn; from 0 to 1 where an end is not finite.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    // The difference of the ends must be finite too.
    let (low, high) = (low.max(-1e300), high.min(1e300));
    if high - low > 1e-9 * (low.abs() + high.abs()) {
        (low, high)
    } else {
        let middle = 0.5 * (low + high);
        let half = if middle == 0.0 {
            0.5
        } else {
            0.5 * middle.abs()
        };
        (middle - half, middle + half)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten within a range, at most so many. (plotters' own
/// choice counts with absolute tolerances and so fails on small ranges.)
fn round_values(low: f64, high: f64, at_most: usize) -> Vec<f64> {
    let least = (high - low) / at_most as f64;
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * power)
        .into_iter()
        .find(|s| *s >= least);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    (0..=at_most)
        .map(|i| (first + i as f64) * step)
        .take_while(|v| *v <= high + 1e-9 * step)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|t| axis.label(*t)).collect()
    }

    #[test]
    fn ticks_are_round_and_labels_short() {
        assert_eq!(
            labels(&Axis::linear(0.0, 0.31, 5, "")),
            ["0.0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(
            labels(&Axis::log10(1e-4, 1.0, "")),
            ["0.0001", "0.001", "0.01", "0.1", "1"]
        );
        assert_eq!(labels(&Axis::percent(0.25, ""))[1], "5\u{a0}%");
        let scale = Scale::SymmetricLog { width: 1.5 };
        assert_eq!(
            labels(&Axis::scores(-2.0, 900.0, scale)),
            [
                "\u{2212}1",
                "0",
                "1",
                "5",
                "10",
                "20",
                "50",
                "100",
                "200",
                "500"
            ]
        );
    }

    #[test]
    fn a_range_without_width_is_widened() {
        let ends = [
            (0.0, 0.0),
            (3.0, 3.0),
            (-1e-30, -1e-30),
            (1e300, 1e300),
            (-1e308, 1e308),
        ];
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        for (low, high) in ends.into_iter().chain([none, (f64::NAN, 1.0)]) {
            let axis = Axis::linear(low, high, 5, "");
            assert!(axis.low < axis.high, "{low} {high}");
            assert!(
                (2..=6).contains(&axis.ticks.len()),
                "{low} {high} {:?}",
                axis.ticks
            );
        }
        assert!(Axis::epochs(1.0, 1.0).place(1.0).is_some());
    }

    #[test]
    fn values_outside_are_placed_at_the_edge_and_nan_nowhere() {
        let axis = Axis::log10(0.001, 1.0, "");
        assert_eq!(axis.place(0.0), Some(-3.0));
        assert_eq!(axis.place(7.0), Some(0.0));
        assert_eq!(axis.place(f64::NAN), None);
    }
}
