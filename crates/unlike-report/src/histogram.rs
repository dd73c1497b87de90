//! Scores, counted in bins: small whatever the number of samples.

use serde::{Deserialize, Serialize};
use unlike_core::metrics;

/// How many scores of each group fall into each bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The axis on which all bins have one width.
    pub scale: Scale,
    /// Ascending; one more than there are bins.
    pub edges: Vec<f64>,
    /// Held-out normals; empty if there are none, as for the other groups.
    #[serde(default)]
    pub held_out: Vec<u64>,
    /// Test samples labelled normal.
    #[serde(default)]
    pub normal: Vec<u64>,
    /// Test samples labelled anomalous.
    #[serde(default)]
    pub anomalous: Vec<u64>,
    /// Test samples without a label.
    #[serde(default)]
    pub unlabelled: Vec<u64>,
    /// Scores of at least this are flagged.
    #[serde(default)]
    pub threshold: Option<f64>,
}

/// The axis of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Scale {
    /// Equal distances for equal differences.
    Linear,
    /// The inverse hyperbolic sine of score / `width`: linear around 0, logarithmic far from it, on
    /// both sides.
    SymmetricLog {
        /// Where the one passes into the other; positive.
        width: f64,
    },
}

impl Scale {
    pub(crate) fn forward(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::SymmetricLog { width } => (value / width).asinh(),
        }
    }

    pub(crate) fn backward(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::SymmetricLog { width } => place.sinh() * width,
        }
    }
}

/// A range this many times wider than the normals' calls for a logarithmic axis: on a linear one
/// the normals would share three bins out of sixty.
const WIDE: f64 = 20.0;
const BINS: usize = 60;

impl Histogram {
    /// Counts the scores of held-out normals, of normal and anomalous test samples, and of test
    /// samples without a label; scores that are not finite are left out. `None` if none is left.
    pub fn new(
        held_out: &[f64],
        normal: &[f64],
        anomalous: &[f64],
        unlabelled: &[f64],
        threshold: Option<f64>,
    ) -> Option<Self> {
        let groups = [held_out, normal, anomalous, unlabelled];
        let finite = || {
            groups
                .iter()
                .flat_map(|g| g.iter().copied())
                .filter(|s| s.is_finite())
        };
        let low = finite().min_by(f64::total_cmp)?;
        let high = finite().max_by(f64::total_cmp)?;
        let reference = groups.iter().find(|g| g.iter().any(|s| s.is_finite()))?;
        let scale = choose_scale(reference, low, high);
        let (from, to) = (scale.forward(low), scale.forward(high));
        // A constant score gets bins of a visible width around it.
        let (from, to) = if to - from > 1e-9 * (from.abs() + to.abs()) {
            (from, to)
        } else {
            let half = 0.5 * from.abs().max(1.0);
            (from - half, to + half)
        };
        let width = (to - from) / BINS as f64;
        let edges: Vec<f64> = (0..=BINS)
            .map(|i| scale.backward(from + width * i as f64))
            .collect();
        let count = |scores: &[f64]| {
            let finite: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
            if finite.is_empty() {
                vec![]
            } else {
                metrics::histogram(&finite, &edges)
            }
        };
        Some(Self {
            scale,
            held_out: count(held_out),
            normal: count(normal),
            anomalous: count(anomalous),
            unlabelled: count(unlabelled),
            edges,
            threshold,
        })
    }
}

fn choose_scale(reference: &[f64], low: f64, high: f64) -> Scale {
    let mut sorted: Vec<f64> = reference
        .iter()
        .copied()
        .filter(|s| s.is_finite())
        .collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let spread = at(0.95) - at(0.05);
    if high - low <= WIDE * spread {
        return Scale::Linear;
    }
    // Wide enough that the normals' own bulk stays in the linear part.
    let width = (0.5 * spread)
        .max(at(0.5).abs())
        .max(1e-6 * high - 1e-6 * low);
    if width > 0.0 {
        Scale::SymmetricLog { width }
    } else {
        Scale::Linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_score_is_counted_once() {
        let held_out: Vec<f64> = (0..1000).map(|i| f64::from(i) / 100.0).collect();
        let h = Histogram::new(&held_out, &[1.0, f64::NAN, 10.0], &[1e7], &[], Some(3.0)).unwrap();
        assert_eq!(h.held_out.iter().sum::<u64>(), 1000);
        assert_eq!(h.normal.iter().sum::<u64>(), 2);
        assert_eq!(h.anomalous.last(), Some(&1));
        assert!(h.unlabelled.is_empty());
        assert!(matches!(h.scale, Scale::SymmetricLog { .. }));
        assert!(h.edges.windows(2).all(|e| e[0] < e[1]), "{:?}", h.edges);
    }

    #[test]
    fn scores_of_one_magnitude_get_a_linear_axis() {
        let held_out: Vec<f64> = (0..100).map(f64::from).collect();
        let h = Histogram::new(&held_out, &[], &[200.0], &[], None).unwrap();
        assert_eq!(h.scale, Scale::Linear);
        assert_eq!((h.edges[0], h.edges[60]), (0.0, 200.0));
    }

    #[test]
    fn a_constant_score_has_a_histogram() {
        for value in [0.0, 5.0, -1e9] {
            let h = Histogram::new(&[value; 7], &[value], &[], &[], None).unwrap();
            assert_eq!(h.held_out.iter().sum::<u64>(), 7);
            assert!(h.edges.windows(2).all(|e| e[0] < e[1]));
        }
    }

    #[test]
    fn without_a_finite_score_there_is_none() {
        assert_eq!(Histogram::new(&[], &[f64::INFINITY], &[], &[], None), None);
    }
}
