//! How far a few normals lie from the others.

use super::intervals::quantile;

/// How far the highest hundredth of normals' scores lies above their median, in units of the distance of the
/// quartiles: the longer this tail, the more are false alarms near misses. It needs no labels but that all are
/// normal. Scores of different detectors can be compared by it, since it has no unit.
///
/// None where at least half of the scores are one number, or there are none. NaN, of samples that could not be
/// read, does not count.
pub fn tail(scores: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = scores.iter().copied().filter(|s| !s.is_nan()).collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let [low, middle, high, most] = [0.25, 0.5, 0.75, 0.99].map(|at| quantile(&sorted, at));
    (high > low).then(|| (most - middle) / (high - low))
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn a_tail_has_no_unit_and_grows_with_what_is_far() {
        let even: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(tail(&even), Some(0.98));
        let scaled: Vec<f64> = even.iter().rev().map(|s| 4.0 * s - 7.0).collect();
        assert_eq!(tail(&scaled), Some(0.98));
        let far: Vec<f64> = even
            .iter()
            .map(|&s| if s > 97.0 { 300.0 } else { s })
            .collect();
        assert_eq!(tail(&far), Some(5.0));
        assert_eq!(tail(&[1.0, f64::NAN, 1.0, 1.0]), None);
        assert_eq!(tail(&[]), None);
    }
}
