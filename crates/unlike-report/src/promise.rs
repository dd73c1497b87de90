//! Whether an observed false-alarm rate is compatible with the promised one.

/// A promise counts as broken when so many false alarms would be rarer than this if it held: small,
/// as several rates are checked in each report.
const SURPRISE: f64 = 0.005;

/// Whether so many false alarms among `n_normal` are no more than the promised rate and chance explain, given
/// how many held-out normals promised it.
pub(crate) fn holds(false_alarms: u64, n_normal: u64, promised: f64, n_calibration: u64) -> bool {
    chance_of_at_least(false_alarms, n_normal, promised, n_calibration) >= SURPRISE
}

/// The probability of at least `observed` false alarms among `n_normal` new normal samples when
/// the rate was promised with `n_calibration` held-out normals.
///
/// The k-th largest of n exchangeable scores, k = ⌊rate · (n + 1)⌋, is exceeded by a new one with a
/// probability that is itself Beta(k, n + 1 − k) distributed, so the count is beta-binomial: it
/// carries the sampling error of the calibration and of the test. (Vovk 2012, "Conditional validity
/// of inductive conformal predictors"; ties only lower the count.)
fn chance_of_at_least(observed: u64, n_normal: u64, rate: f64, n_calibration: u64) -> f64 {
    // The summand forgives products such as 0.29 · 100 = 28.999999999999996.
    let k = (rate * (n_calibration as f64 + 1.0) + 1e-9).floor();
    if observed == 0 || k > n_calibration as f64 {
        return 1.0;
    }
    if k < 1.0 {
        return 0.0;
    }
    let (a, b, m) = (k, n_calibration as f64 + 1.0 - k, n_normal as f64);
    // ln P(0) = ln B(a, b + m) − ln B(a, b), a product of `a` factors as `a` is a whole number.
    let mut ln_p: f64 = (0..k as u64)
        .map(|i| (-m / (b + m + i as f64)).ln_1p())
        .sum();
    let mut below = 0.0;
    for j in 0..observed.min(n_normal + 1) {
        below += ln_p.exp();
        let j = j as f64;
        ln_p += ((m - j) * (a + j)).ln() - ((j + 1.0) * (b + m - j - 1.0)).ln();
    }
    (1.0 - below).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_match_the_beta_binomial_by_hand() {
        // n = 1, rate 0.5: k = 1, U ~ Beta(1, 1), so the count among m is uniform on 0..=m.
        for observed in 0..=4u64 {
            let p = chance_of_at_least(observed, 4, 0.5, 1);
            assert!(
                (p - (5 - observed) as f64 / 5.0).abs() < 1e-12,
                "{observed}: {p}"
            );
        }
        assert!(chance_of_at_least(5, 4, 0.5, 1) < 1e-12);
    }

    #[test]
    fn the_mean_of_the_count_is_the_promised_rate() {
        // Σ P(F ≥ j) over j ≥ 1 is E[F] = m · k / (n + 1).
        let mean: f64 = (1..=300)
            .map(|j| chance_of_at_least(j, 300, 0.05, 199))
            .sum();
        assert!((mean - 300.0 * 10.0 / 200.0).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn large_counts_neither_underflow_nor_overflow() {
        let usual = chance_of_at_least(25_000, 250_000, 0.1, 100_000);
        assert!((0.3..0.7).contains(&usual), "{usual}");
        assert!(chance_of_at_least(27_000, 250_000, 0.1, 100_000) < 1e-9);
    }

    #[test]
    fn a_rate_below_what_the_calibration_can_promise_allows_none() {
        assert_eq!(chance_of_at_least(1, 100, 0.001, 99), 0.0);
        assert_eq!(chance_of_at_least(0, 100, 0.001, 99), 1.0);
    }
}
