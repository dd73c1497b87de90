//! ROC and precision–recall curves with pointwise bootstrap bands, and histograms, for drawing.

use serde::{Deserialize, Serialize};

use super::{
    intervals::{bootstrap, delong_of, percentile_ci95, quantile},
    ranking::Ranking,
};
use crate::{calibration::finite, error::Result, samples::Label};

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// False-positive rate (ROC) or recall (precision–recall), in [0, 1].
    pub x: f64,
    /// True-positive rate (ROC) or precision (precision–recall), in [0, 1].
    pub y: f64,
    /// 2.5 and 97.5 percentiles of `y` at this `x` over the bootstrap draws: pointwise, so that the
    /// whole curve leaves the band more often than in 5 % of cases. Where an ROC curve rises
    /// vertically, all points share the band of the top one.
    pub y_ci95: [f64; 2],
    /// The raw score from which on samples are flagged here; `None` where none is.
    pub threshold: Option<f64>,
}

/// True-positive rate against false-positive rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// From (0, 0) to (1, 1), at most as many as asked for.
    pub points: Vec<CurvePoint>,
    /// The area under the whole curve, not under the thinned points.
    pub auroc: f64,
}

/// Precision against recall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrCurve {
    /// From the lowest recall above 0 to 1, at most as many as asked for.
    pub points: Vec<CurvePoint>,
    /// The step-wise area under the whole curve, not under the thinned points.
    pub average_precision: f64,
    /// The chance level: a horizontal line.
    pub prevalence: f64,
}

/// Flagged samples down to and including a group of tied scores.
#[derive(Clone, Copy, Default)]
struct Step {
    hits: u64,
    alarms: u64,
}

fn steps(counts: impl Iterator<Item = (u64, u64)>) -> impl Iterator<Item = Step> {
    counts.scan(Step::default(), |step, (a, b)| {
        step.hits += a;
        step.alarms += b;
        Some(*step)
    })
}

/// The ROC curve, thinned to at most `points` points (at least 2) spread evenly along it.
///
/// # Errors
/// As [`auroc`](super::auroc).
pub fn roc_curve(scores: &[f64], labels: &[Label], points: usize, seed: u64) -> Result<RocCurve> {
    let ranking = Ranking::new(scores, labels)?;
    let (n1, n0) = (ranking.anomalous.len() as f64, ranking.normal.len() as f64);
    let rates = |s: Step| (s.alarms as f64 / n0, s.hits as f64 / n1);
    // Evenly in x + y, which runs from 0 to 2 and grows with every group.
    let all: Vec<Step> = steps(ranking.counts()).collect();
    let kept = thin(
        all.iter().map(|&s| rates(s).0 + rates(s).1),
        2.0,
        points.max(2) - 1,
    );
    let mut curve = vec![(0.0, 0.0, None)];
    curve.extend(kept.iter().map(|&g| {
        let (x, y) = rates(all[g]);
        (x, y, Some(ranking.groups[g].score))
    }));
    let draws = bootstrap(&ranking, seed, |draw| {
        let mut walk = steps(draw.counts(&ranking)).map(rates);
        let (mut before, mut now) = ((0.0, 0.0), (0.0, 0.0));
        let at = |&(x, ..): &(f64, f64, Option<f64>)| {
            // The highest true-positive rate with at most this false-positive rate, interpolated
            // along the segment that crosses x.
            while now.0 <= x {
                let Some(next) = walk.next() else {
                    return now.1;
                };
                before = now;
                now = next;
            }
            before.1 + (now.1 - before.1) * (x - before.0) / (now.0 - before.0)
        };
        curve.iter().map(at).collect::<Vec<f64>>()
    });
    Ok(RocCurve {
        points: with_bands(&curve, &draws),
        auroc: delong_of(&ranking).auroc,
    })
}

/// The precision–recall curve, thinned to at most `points` points (at least 1) spread evenly in
/// recall. At each recall it holds the highest precision, so that it is a curve to draw as steps
/// down to the left.
///
/// # Errors
/// As [`auroc`](super::auroc).
pub fn precision_recall_curve(
    scores: &[f64],
    labels: &[Label],
    points: usize,
    seed: u64,
) -> Result<PrCurve> {
    let ranking = Ranking::new(scores, labels)?;
    let n1 = ranking.anomalous.len() as f64;
    let rates = |s: Step| {
        (
            s.hits as f64 / n1,
            s.hits as f64 / (s.hits + s.alarms) as f64,
        )
    };
    let all: Vec<Step> = steps(ranking.counts()).collect();
    // Only groups with anomalous samples: there recall grows, and precision is the highest of its
    // recall.
    let rising: Vec<usize> = (0..all.len())
        .filter(|&g| ranking.groups[g].anomalous > 0)
        .collect();
    let kept = thin(rising.iter().map(|&g| rates(all[g]).0), 1.0, points.max(1));
    let curve: Vec<_> = kept
        .iter()
        .map(|&k| {
            let (x, y) = rates(all[rising[k]]);
            (x, y, Some(ranking.groups[rising[k]].score))
        })
        .collect();
    let draws = bootstrap(&ranking, seed, |draw| {
        let mut walk = steps(draw.counts(&ranking));
        let mut now = Step::default();
        let at = |&(x, ..): &(f64, f64, Option<f64>)| {
            let wanted = (x * n1).round() as u64;
            while now.hits < wanted {
                let Some(next) = walk.next() else { break };
                now = next;
            }
            rates(now).1
        };
        curve.iter().map(at).collect::<Vec<f64>>()
    });
    Ok(PrCurve {
        points: with_bands(&curve, &draws),
        average_precision: ranking.summary().average_precision,
        prevalence: n1 / scores.len() as f64,
    })
}

/// Positions of at most `count` values of an ascending sequence that ends at `end`: all if there are
/// no more, otherwise the first at or above each of as many even steps, the last always among them.
fn thin(values: impl ExactSizeIterator<Item = f64>, end: f64, count: usize) -> Vec<usize> {
    if values.len() <= count {
        return (0..values.len()).collect();
    }
    let mut kept = Vec::new();
    let mut step = 1;
    for (at, value) in values.enumerate() {
        // The last value may miss `end` by a rounding error.
        if value + 1e-9 < end * step as f64 / count as f64 {
            continue;
        }
        kept.push(at);
        while step <= count && value + 1e-9 >= end * step as f64 / count as f64 {
            step += 1;
        }
        if step > count {
            break;
        }
    }
    kept
}

fn with_bands(curve: &[(f64, f64, Option<f64>)], draws: &[Vec<f64>]) -> Vec<CurvePoint> {
    let point = |(at, &(x, y, threshold)): (usize, &(f64, f64, Option<f64>))| CurvePoint {
        x,
        y,
        y_ci95: percentile_ci95(draws.iter().map(|d| d[at]).collect()),
        threshold,
    };
    curve.iter().enumerate().map(point).collect()
}

/// `bins + 1` edges of equal width around several groups of values, for [`histogram`].
///
/// `coverage`, in (0, 1], is the central share of all values that the edges must span: raw scores
/// have long tails, and one extreme value would leave all others in one bin.
///
/// # Errors
/// If a value is not finite.
pub fn even_edges(groups: &[&[f64]], bins: usize, coverage: f64) -> Result<Vec<f64>> {
    let mut all: Vec<f64> = groups.concat();
    finite(&all, "a value of the histogram")?;
    all.sort_unstable_by(f64::total_cmp);
    let bins = bins.max(1);
    let tail = (1.0 - coverage.clamp(0.0, 1.0)) / 2.0;
    let (low, high) = match all.is_empty() {
        true => (0.0, 1.0),
        false => (quantile(&all, tail), quantile(&all, 1.0 - tail)),
    };
    // A single value gets a bin around it.
    let half = 0.5f64.max(low.abs() * 1e-9);
    let (low, high) = if low < high {
        (low, high)
    } else {
        (low - half, high + half)
    };
    let edge = |k: usize| {
        let at = k as f64 / bins as f64;
        low * (1.0 - at) + high * at
    };
    Ok((0..=bins).map(edge).collect())
}

/// How many values lie between each two neighbouring edges, the upper one excluded; values outside
/// are counted in the first and the last bin, so that the counts add up to `values.len()`.
///
/// # Panics
/// If there are fewer than 2 edges.
pub fn histogram(values: &[f64], edges: &[f64]) -> Vec<u64> {
    assert!(edges.len() >= 2, "a bin has two edges");
    let inner = &edges[1..edges.len() - 1];
    let mut counts = vec![0; edges.len() - 1];
    for &value in values {
        counts[inner.partition_point(|&e| e <= value)] += 1;
    }
    counts
}
