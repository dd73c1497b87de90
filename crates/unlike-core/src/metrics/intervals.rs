//! 95 % confidence intervals: DeLong's for AUROC, Clopper–Pearson's for shares, and the bootstrap.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::distribution::{Beta, ContinuousCDF};

use super::ranking::Ranking;
use crate::{error::Result, samples::Label};

/// The 0.975 quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// AUROC with DeLong's variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delong {
    /// As [`auroc`](super::auroc).
    pub auroc: f64,
    /// The estimated variance of that AUROC; NaN where a class has a single sample.
    pub variance: f64,
    /// AUROC ± 1.96 standard errors, cut to [0, 1]; [0, 1] where a class has a single sample.
    ///
    /// At an AUROC of exactly 0 or 1, and where all scores are equal, the estimated variance is 0. The
    /// interval is then [`clopper_pearson`]'s of min(n₀, n₁) pairs without a common sample.
    pub ci95: [f64; 2],
}

/// AUROC and its variance from the samples' placements (DeLong, DeLong and Clarke-Pearson 1988), in
/// O(n log n) as in Sun and Xu 2014.
///
/// # Errors
/// As [`auroc`](super::auroc).
pub fn delong(scores: &[f64], labels: &[Label]) -> Result<Delong> {
    Ok(delong_of(&Ranking::new(scores, labels)?))
}

/// Twice the number of pairs in which the anomalous sample scores higher, ties counting half, as a
/// share: whole numbers up to one division, so that negated scores give exactly the complement.
pub(crate) fn auroc_of(ranking: &Ranking) -> f64 {
    let (n1, n0) = (
        ranking.anomalous.len() as u128,
        ranking.normal.len() as u128,
    );
    let (mut below, mut twice) = (n0, 0u128);
    for group in &ranking.groups {
        let (a, b) = (u128::from(group.anomalous), u128::from(group.normal));
        below -= b;
        twice += a * (2 * below + b);
    }
    twice as f64 / (2 * n1 * n0) as f64
}

pub(crate) fn delong_of(ranking: &Ranking) -> Delong {
    let auroc = auroc_of(ranking);
    let (n1, n0) = (ranking.anomalous.len() as f64, ranking.normal.len() as f64);
    if n1 < 2.0 || n0 < 2.0 {
        return Delong {
            auroc,
            variance: f64::NAN,
            ci95: [0.0, 1.0],
        };
    }
    let (mut above, mut below) = (0.0, n0);
    let (mut s10, mut s01) = (0.0, 0.0);
    for group in &ranking.groups {
        let (a, b) = (f64::from(group.anomalous), f64::from(group.normal));
        below -= b;
        // The share of the other class on the right side of this group, ties counting half.
        s10 += a * ((below + b / 2.0) / n0 - auroc).powi(2);
        s01 += b * ((above + a / 2.0) / n1 - auroc).powi(2);
        above += a;
    }
    let variance = s10 / (n1 - 1.0) / n1 + s01 / (n0 - 1.0) / n0;
    let pairs = ranking.anomalous.len().min(ranking.normal.len()) as u64;
    let half = Z * variance.sqrt();
    let ci95 = [(auroc - half).max(0.0), (auroc + half).min(1.0)];
    let ci95 = never_a_point(ci95, auroc, pairs);
    Delong {
        auroc,
        variance,
        ci95,
    }
}

/// The exact 95 % interval of a share, `successes` out of `trials` (Clopper and Pearson 1934); at
/// least 95 % for any true share. [0, 1] for no trials.
///
/// # Panics
/// If there are more successes than trials.
pub fn clopper_pearson(successes: u64, trials: u64) -> [f64; 2] {
    assert!(
        successes <= trials,
        "{successes} successes in {trials} trials"
    );
    let (k, n) = (successes as f64, trials as f64);
    let quantile = |a: f64, b: f64, at: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(at));
    let low = if successes == 0 {
        Ok(0.0)
    } else {
        quantile(k, n - k + 1.0, 0.025)
    };
    let high = if successes == trials {
        Ok(1.0)
    } else {
        quantile(k + 1.0, n - k, 0.975)
    };
    [low.unwrap_or(0.0), high.unwrap_or(1.0)]
}

/// The interval, or where it has no width, the exact one of as many pairs: a method that sees no
/// variation knows nothing about the next test set.
pub(crate) fn never_a_point([low, high]: [f64; 2], estimate: f64, pairs: u64) -> [f64; 2] {
    if high - low > f64::EPSILON {
        return [low, high];
    }
    let ordered = (estimate * pairs as f64).round() as u64;
    let [low, high] = clopper_pearson(ordered.min(pairs), pairs);
    [low.min(estimate), high.max(estimate)]
}

/// How often each sample was drawn in one bootstrap replicate, in the order of
/// [`Ranking::anomalous`] and [`Ranking::normal`].
pub(crate) struct Draw {
    pub(crate) anomalous: Vec<u32>,
    pub(crate) normal: Vec<u32>,
}

impl Draw {
    fn redraw(&mut self, rng: &mut ChaCha8Rng) {
        for counts in [&mut self.anomalous, &mut self.normal] {
            counts.fill(0);
            let n = counts.len() as u64;
            for _ in 0..n {
                // A 32-bit number times n, shifted back: uneven by less than n / 2³².
                counts[((u64::from(rng.next_u32()) * n) >> 32) as usize] += 1;
            }
        }
    }

    /// The drawn counts by group of tied scores, as [`Ranking::counts`].
    pub(crate) fn counts(&self, ranking: &Ranking) -> impl Iterator<Item = (u64, u64)> {
        let (mut a, mut b) = (self.anomalous.iter(), self.normal.iter());
        let take = |n: u32, counts: &mut std::slice::Iter<'_, u32>| {
            counts.take(n as usize).map(|&c| u64::from(c)).sum::<u64>()
        };
        ranking
            .groups
            .iter()
            .map(move |g| (take(g.anomalous, &mut a), take(g.normal, &mut b)))
    }
}

/// The number of bootstrap replicates for a test set of n samples: 1,000 up to 100,000 samples, then
/// fewer so that the work stays bounded, at least 200.
pub fn replicates(n: usize) -> usize {
    (100_000_000 / n.max(1)).clamp(200, 1000)
}

/// Draws the test set anew, with replacement, and evaluates each draw.
///
/// Each class is drawn by itself (stratified): the prevalence is a choice of whoever built the test
/// set, and the intervals say what other samples of the same two classes would have given. Every
/// replicate has a random stream of its own, so that results do not depend on the threads.
pub(crate) fn bootstrap<T: Send>(
    ranking: &Ranking,
    seed: u64,
    evaluate: impl Fn(&Draw) -> T + Sync,
) -> Vec<T> {
    let n = ranking.anomalous.len() + ranking.normal.len();
    let empty = || Draw {
        anomalous: vec![0; ranking.anomalous.len()],
        normal: vec![0; ranking.normal.len()],
    };
    (0..replicates(n) as u64)
        .into_par_iter()
        .map_init(empty, |draw, replicate| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(replicate);
            draw.redraw(&mut rng);
            evaluate(draw)
        })
        .collect()
}

/// The 2.5 and 97.5 percentiles; [0, 1] for no values.
pub(crate) fn percentile_ci95(mut values: Vec<f64>) -> [f64; 2] {
    if values.is_empty() {
        return [0.0, 1.0];
    }
    values.sort_unstable_by(f64::total_cmp);
    [quantile(&values, 0.025), quantile(&values, 0.975)]
}

/// The quantile of sorted, non-empty values by linear interpolation between order statistics
/// (type 7 of Hyndman and Fan 1996, NumPy's default).
pub(crate) fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    // Weighted rather than `low + (high - low) …`, which overflows for values far apart.
    (low * (1.0 - place.fract()) + high * place.fract()).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_order_statistics() {
        let descending: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        assert_eq!(percentile_ci95(descending), [25.0, 975.0]);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[-f64::MAX, f64::MAX], 0.5), 0.0);
        assert_eq!(percentile_ci95(vec![]), [0.0, 1.0]);
    }

    #[test]
    fn replicates_are_bounded() {
        assert_eq!(
            [0, 5_000, 250_000, usize::MAX].map(replicates),
            [1000, 1000, 400, 200]
        );
    }
}
