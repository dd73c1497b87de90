//! How surely a detector would decide the same about a sample, had it been trained on others drawn alike.
//!
//! A new sample that scores higher than m of n training samples is, in a uniform prior's eyes, higher than a
//! share p = (1 + m) / (2 + n) of all. Among n other training samples then Binomial(n, p) would score lower than
//! it, and where k of n are flagged, it is if more than n − k do (Perini, Vercruyssen and Davis, *Quantifying the
//! Confidence of Anomaly Detectors in Their Example-Wise Predictions*, ECML-PKDD 2020). Who would rather not
//! decide where both outcomes have a probability of at least e⁻ᵀ knows beforehand how often that will be (Perini
//! and Davis, *Unsupervised Anomaly Detection with Rejection*, NeurIPS 2023).
//!
//! All of it takes the scores of training samples for those of new ones. They are not, where a detector knows
//! its training samples by heart; and sure is not right: a decision can be stable and wrong.

use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF};

use crate::error::{Error, Result, check_setting};

/// The scores of training samples, and how many of them are flagged.
#[derive(Clone, Debug)]
pub struct Stability {
    /// Ascending, never empty.
    scores: Vec<f64>,
    threshold: f64,
}

/// What a decision costs; none is negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Of a normal that is flagged.
    pub false_positive: f64,
    /// Of an anomaly that is not.
    pub false_negative: f64,
    /// Of a sample that is rejected. None is the share of training samples that are flagged.
    pub rejection: Option<f64>,
}

/// How often nothing will be decided, and what all may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectionRates {
    /// The share of new samples that are likely to be rejected, within [0, 1].
    pub expected: f64,
    /// At most so many are, with a probability of 1 − δ, within [0, 1].
    pub at_most: f64,
    /// The expected cost of a sample is at most this.
    pub cost_at_most: f64,
}

impl Stability {
    /// Of these training samples, those that score at least `threshold` are flagged.
    ///
    /// # Errors
    /// If there are none, or a number is not finite.
    pub fn new(trained: &[f64], threshold: f64) -> Result<Self> {
        crate::calibration::finite(trained, "a score of a training sample")?;
        check_setting(
            "threshold",
            threshold,
            threshold.is_finite(),
            "a finite number",
        )?;
        if trained.is_empty() {
            return Err(Error::NotEnough {
                what: "scores of training samples".into(),
                found: "none".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        let mut scores = trained.to_vec();
        scores.sort_unstable_by(f64::total_cmp);
        Ok(Self { scores, threshold })
    }

    /// The probabilities, within [0, 1], that another such detector flags a sample of this score, and that it
    /// does not. Of NaN, which is flagged, they are 1 and 0.
    pub fn flagged(&self, score: f64) -> [f64; 2] {
        if score.is_nan() {
            return [1.0, 0.0];
        }
        let (n, lower) = (self.n(), self.scores.partition_point(|&s| s <= score));
        let p = (1 + lower) as f64 / (2 + n) as f64;
        // p lies strictly between 0 and 1.
        Binomial::new(p, n).map_or([0.0, 1.0], |others| {
            let at_most = n - self.n_flagged();
            [others.sf(at_most), others.cdf(at_most)]
        })
    }

    /// The probability that another such detector decides as this one does, within [0, 1].
    pub fn confidence(&self, score: f64) -> f64 {
        let [flagged, not] = self.flagged(score);
        match score < self.threshold {
            true => not,
            false => flagged,
        }
    }

    /// Whether flagged and not flagged both have a probability of at least e⁻ᵀ: the larger `t`, the more are
    /// rejected.
    pub fn is_rejected(&self, score: f64, t: f64) -> bool {
        self.flagged(score).iter().all(|&p| p >= (-t).exp())
    }

    /// How often new samples are rejected, if they score as those that trained do.
    ///
    /// Expected are q₂ − q₁, between the shares of higher samples at which the one and the other outcome has the
    /// probability e⁻ᵀ. At most: the share of training samples that are rejected and twice the distance,
    /// √(ln(2 / δ) / 2n), by which their distribution differs from that of all (Dvoretzky, Kiefer and Wolfowitz;
    /// Massart 1990), because what is rejected lies between two scores. The cost is that of Theorem 3.8 of the
    /// paper.
    ///
    /// # Errors
    /// If `t` is not above 0, `delta` not within (0, 1), or a cost negative or not finite.
    pub fn rejection(&self, t: f64, delta: f64, costs: Costs) -> Result<RejectionRates> {
        check_setting("T", t, t > 0.0 && t.is_finite(), "a number above 0")?;
        check_setting(
            "delta",
            delta,
            delta > 0.0 && delta < 1.0,
            "between 0 and 1",
        )?;
        let (n, k) = (self.n() as f64, self.n_flagged() as f64);
        let share = k / n;
        let Costs {
            false_positive,
            false_negative,
            rejection,
        } = costs;
        let rejection = rejection.unwrap_or(share);
        for (name, cost) in [
            ("c_fp", false_positive),
            ("c_fn", false_negative),
            ("c_r", rejection),
        ] {
            let possible = cost >= 0.0 && cost.is_finite();
            check_setting(name, cost, possible, "a finite number, 0 or more")?;
        }
        // Where none is flagged, none ever is, and nothing is in doubt.
        let [low, high] = Beta::new(k, n - k + 1.0).map_or([0.0; 2], |higher| {
            let rare = (-t).exp().min(0.5);
            // By symmetry, since 1 − e⁻ᵀ has no room for e⁻ᵀ.
            let other = Beta::new(n - k + 1.0, k).map_or(0.0, |lower| lower.inverse_cdf(rare));
            [higher.inverse_cdf(rare), 1.0 - other]
        });
        let rejected = self.scores.iter().filter(|&&s| self.is_rejected(s, t));
        let apart = ((2.0 / delta).ln() / (2.0 * n)).sqrt();
        Ok(RejectionRates {
            expected: high - low,
            at_most: (rejected.count() as f64 / n + 2.0 * apart).min(1.0),
            cost_at_most: low.min(share) * false_positive
                + (1.0 - high).min(share) * false_negative
                + (high - low) * rejection,
        })
    }

    fn n(&self) -> u64 {
        self.scores.len() as u64
    }

    fn n_flagged(&self) -> u64 {
        let below = self.scores.partition_point(|&s| s < self.threshold);
        (self.scores.len() - below) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        false_positive: 1.0,
        false_negative: 1.0,
        rejection: None,
    };

    fn of_hundred() -> Stability {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        Stability::new(&scores, 90.0).unwrap()
    }

    #[test]
    fn a_decision_is_surest_far_from_the_threshold() {
        let stability = of_hundred();
        // By SciPy: binom.sf(90, 100, p).
        for (score, flagged) in [
            (-1.0, 2.874_480_910_209_5e-171),
            (80.0, 0.003_087_688_094_121_616),
            (88.0, 0.247_514_027_186_438_67),
            (89.0, 0.352_787_472_733_215_37),
            (90.0, 0.477_384_131_999_628_3),
            (91.0, 0.611_838_425_253_244_5),
            (99.0, 0.999_999_936_380_068_5),
        ] {
            let [yes, no] = stability.flagged(score);
            assert!((yes - flagged).abs() < 1e-10, "{score}: {yes}");
            assert!((yes + no - 1.0).abs() < 1e-12);
            let decided = if score >= 90.0 { yes } else { no };
            assert_eq!(stability.confidence(score), decided);
        }
        assert_eq!(stability.confidence(f64::NAN), 1.0);
    }

    #[test]
    fn samples_near_the_threshold_are_rejected_and_their_share_is_known() {
        let stability = of_hundred();
        let rejected = |t| {
            let scores = 0..100;
            scores
                .filter(|&s| stability.is_rejected(f64::from(s), t))
                .collect::<Vec<_>>()
        };
        assert!(rejected(0.5).is_empty());
        assert!(rejected(2.0).iter().all(|s| (84..96).contains(s)));
        assert!(rejected(2.0).len() < rejected(8.0).len());
        // By SciPy: beta.ppf(e⁻ᵀ, 10, 91), 1 − beta.ppf(e⁻ᵀ, 91, 10).
        for (t, expected, cost) in [
            (2.0, 0.064_681_220_100_197_11, 0.173_723_583_851_431_16),
            (8.0, 0.198_996_638_833_673_8, 0.146_385_948_106_840_94),
            (32.0, 0.439_800_847_990_950_65, 0.145_945_307_652_086_13),
        ] {
            let rates = stability.rejection(t, 0.1, COSTS).unwrap();
            assert!((rates.expected - expected).abs() < 1e-9, "{rates:?}");
            assert!((rates.cost_at_most - cost).abs() < 1e-9, "{rates:?}");
            assert!(rates.at_most >= rejected(t).len() as f64 / 100.0);
        }
        // No more than e⁻ᵀ = 0.6 can be: the shares are where both are a half.
        let none = stability.rejection(0.5, 0.1, COSTS).unwrap();
        assert!(none.expected.abs() < 1e-9, "{none:?}");
    }

    #[test]
    fn where_nothing_is_flagged_nothing_is_in_doubt() {
        let stability = Stability::new(&[1.0, 2.0], 3.0).unwrap();
        assert_eq!(stability.flagged(2.5), [0.0, 1.0]);
        let rates = stability.rejection(32.0, 0.1, COSTS).unwrap();
        assert_eq!((rates.expected, rates.cost_at_most), (0.0, 0.0));
        assert!(!stability.is_rejected(2.5, 32.0));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(Stability::new(&[], 0.0).is_err());
        assert!(Stability::new(&[f64::NAN], 0.0).is_err());
        let stability = of_hundred();
        for (t, delta, cost) in [(0.0, 0.1, 1.0), (1.0, 1.0, 1.0), (1.0, 0.1, -1.0)] {
            let costs = Costs {
                false_positive: cost,
                ..COSTS
            };
            assert!(stability.rejection(t, delta, costs).is_err());
        }
    }
}
