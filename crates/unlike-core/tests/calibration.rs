//! P-values, thresholds and decisions: exact on ties, and true to what they promise.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_core::{Calibration, Decision, Error, Place, Tally, Ties};

fn scores(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-20i32..20).prop_map(|v| f64::from(v) / 8.0), n)
}

proptest! {
    #[test]
    fn p_values_are_their_definition(held_out in scores(1..40), score in -3.0..3.0f64) {
        let calibration = Calibration::fit(&held_out).unwrap();
        let at_least = held_out.iter().filter(|&&c| c >= score).count();
        let expected = (1 + at_least) as f64 / (held_out.len() + 1) as f64;
        prop_assert_eq!(calibration.p_value(score), expected);
    }

    #[test]
    fn the_threshold_agrees_with_the_p_value(
        held_out in scores(1..60), samples in scores(1..60), percent in 1u32..100
    ) {
        let calibration = Calibration::fit(&held_out).unwrap();
        let rate = f64::from(percent) / 100.0;
        let Ok(threshold) = calibration.threshold(rate) else {
            prop_assert!(rate < calibration.smallest_rate());
            return Ok(());
        };
        for score in samples.into_iter().chain([threshold, threshold.next_down()]) {
            prop_assert_eq!(score >= threshold, calibration.p_value(score) <= rate);
        }
        let decided =
            Decision::FalseAlarms(rate).decide(&held_out, &calibration).unwrap();
        let by_threshold: Vec<bool> = held_out.iter().map(|&s| s >= threshold).collect();
        prop_assert_eq!(decided.anomalous, by_threshold);
    }

    /// Rates k / (n + 1), where rounding could go either way.
    #[test]
    fn a_rate_that_is_a_p_value_flags_that_p_value(n in 1usize..400, part in 0.0..1.0f64) {
        let held_out: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let calibration = Calibration::fit(&held_out).unwrap();
        let rank = 1 + (part * (n - 1) as f64) as usize;
        let rate = rank as f64 / (n + 1) as f64;
        prop_assert_eq!(calibration.threshold(rate).unwrap(), ((n - rank) as f64).next_up());
    }

    /// Benjamini and Hochberg 1995, step by step and in whole numbers: flag the i smallest for the
    /// largest i with p₍ᵢ₎ ≤ i q / m.
    #[test]
    fn the_false_discovery_rate_is_the_step_up_rule(
        held_out in scores(1..40), samples in scores(0..40), tenths in 1usize..10
    ) {
        let calibration = Calibration::fit(&held_out).unwrap();
        let (q, all, m) = (tenths as f64 / 10.0, held_out.len() + 1, samples.len());
        if q < calibration.smallest_rate() {
            return Ok(());
        }
        let rank = |s: f64| 1 + held_out.iter().filter(|&&c| c >= s).count();
        let mut sorted: Vec<usize> = samples.iter().map(|&s| rank(s)).collect();
        sorted.sort_unstable();
        let steps = (1..=m).rev().find(|&i| 10 * m * sorted[i - 1] <= i * tenths * all);
        let cut = steps.map(|i| sorted[i - 1]);
        let expected: Vec<bool> =
            samples.iter().map(|&s| cut.is_some_and(|cut| rank(s) <= cut)).collect();

        let decided = Decision::Fdr(q).decide(&samples, &calibration).unwrap();
        prop_assert_eq!(&decided.anomalous, &expected);
        prop_assert_eq!(decided.threshold.is_some(), expected.contains(&true));
        prop_assert_eq!(decided.count(), expected.iter().filter(|&&f| f).count());
        if let Some(threshold) = decided.threshold {
            let flagged: Vec<bool> = samples.iter().map(|&s| s >= threshold).collect();
            prop_assert_eq!(flagged, expected);
        }
        // Adjusted p-values against their own definition.
        for (i, &p) in decided.p_values.iter().enumerate() {
            let mut q = 1.0f64;
            for &other in decided.p_values.iter().filter(|&&o| o >= p) {
                let place = decided.p_values.iter().filter(|&&o| o <= other).count();
                q = q.min(m as f64 * other / place as f64);
            }
            prop_assert!((decided.q_values[i] - q).abs() < 1e-12);
            prop_assert!(decided.q_values[i] >= p);
        }
    }
}

/// Over seeded splits into held-out and new normals, with n so that the expected share of flagged
/// normals is the rate itself.
#[test]
fn promised_false_alarm_rates_hold_over_200_splits() {
    const SPLITS: u64 = 200;
    for (rate, ties) in [(0.01, false), (0.05, false), (0.10, false), (0.05, true)] {
        let mut observed = Vec::new();
        for seed in 0..SPLITS {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut draw = |n: usize| -> Vec<f64> {
                let skewed = |u: u32| (f64::from(u) / f64::from(u32::MAX)).powi(3);
                let value = |u| {
                    if ties {
                        (skewed(u) * 30.0).floor()
                    } else {
                        skewed(u)
                    }
                };
                (0..n).map(|_| value(rng.next_u32())).collect()
            };
            let calibration = Calibration::fit(&draw(499)).unwrap();
            let decided = Decision::FalseAlarms(rate)
                .decide(&draw(500), &calibration)
                .unwrap();
            observed.push(decided.count() as f64 / 500.0);
        }
        let mean = observed.iter().sum::<f64>() / SPLITS as f64;
        let variance = observed.iter().map(|o| (o - mean).powi(2)).sum::<f64>();
        let error = (variance / (SPLITS * (SPLITS - 1)) as f64).sqrt();
        assert!(
            mean <= rate + 3.0 * error,
            "{mean} for {rate}, standard error {error}"
        );
        // Ties make the promise conservative; without them it is kept exactly.
        assert!(
            ties || mean >= rate - 3.0 * error,
            "{mean} for {rate}, standard error {error}"
        );
        assert!(mean > 0.0);
    }
}

/// 20 anomalies far out among 200 normals.
#[test]
fn the_false_discovery_rate_holds_over_200_batches() {
    let (q, mut shares, mut found) = (0.1, 0.0, 0);
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
        let calibration =
            Calibration::fit(&(0..999).map(|_| uniform()).collect::<Vec<_>>()).unwrap();
        let batch: Vec<f64> = (0..220)
            .map(|i| uniform() + f64::from(u8::from(i < 20)))
            .collect();
        let decided = Decision::Fdr(q).decide(&batch, &calibration).unwrap();
        let wrong = decided.anomalous[20..].iter().filter(|&&f| f).count();
        shares += wrong as f64 / decided.count().max(1) as f64;
        found += decided.count() - wrong;
    }
    let rate = shares / 200.0;
    // The expected share is q · 200 / 220; the bound leaves 3 standard errors of about 0.008.
    assert!(rate <= q * 200.0 / 220.0 + 0.025, "{rate}");
    assert!(rate > 0.04, "{rate}");
    assert_eq!(found, 200 * 20);
}

#[test]
fn too_few_held_out_normals_is_an_error_with_both_numbers() {
    let calibration = Calibration::fit(&[1.0; 50]).unwrap();
    for (decision, rate) in [
        (Decision::FalseAlarms(0.01), "0.01"),
        (Decision::Fdr(0.01), "0.01"),
    ] {
        let error = decision.decide(&[1.0], &calibration).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::NotEnough { .. }), "{text}");
        assert!(
            text.contains("50, whose smallest possible rate is 1/51"),
            "{text}"
        );
        assert!(
            text.contains("at least 99 for a ") && text.contains(rate),
            "{text}"
        );
        assert!(
            error.hint().unwrap().contains("at least 0.02"),
            "{:?}",
            error.hint()
        );
    }
    // Rates that no calibration could promise.
    for rate in [1e-300, 5e-324] {
        let error = Calibration::fit(&[0.0; 920])
            .unwrap()
            .threshold(rate)
            .unwrap_err();
        assert!(error.to_string().len() < 160, "{error}");
        assert!(
            error.hint().unwrap().ends_with("at least 0.0011"),
            "{:?}",
            error.hint()
        );
    }
    // 99 are enough, 98 are not; a third needs 2.
    let sized = |n| Calibration::fit(&vec![0.0; n]).unwrap().threshold(0.01);
    assert!(sized(98).is_err() && sized(99).is_ok());
    let text = Calibration::fit(&[0.0])
        .unwrap()
        .threshold(1.0 / 3.0)
        .unwrap_err()
        .to_string();
    assert!(text.contains("at least 2 for"), "{text}");
}

#[test]
fn settings_out_of_range_are_refused() {
    for rate in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        assert!(Decision::false_alarms(rate).is_err());
        assert!(Decision::fdr(rate).is_err());
        assert!(
            Calibration::fit(&[0.0; 200])
                .unwrap()
                .threshold(rate)
                .is_err()
        );
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Decision::threshold(value).is_err());
    }
    assert_eq!(Decision::fdr(0.1).unwrap(), Decision::Fdr(0.1));
    let calibration = Calibration::fit(&[0.0]).unwrap();
    let error = Decision::Threshold(0.0)
        .decide(&[0.0, f64::NAN], &calibration)
        .unwrap_err();
    assert!(
        error.to_string().contains("NaN at sample 2 of 2"),
        "{error}"
    );
}

#[test]
fn a_threshold_flags_scores_of_at_least_it() {
    let calibration = Calibration::fit(&[1.0, 2.0, 3.0]).unwrap();
    let decided = Decision::Threshold(2.0)
        .decide(&[1.9, 2.0, 9.0], &calibration)
        .unwrap();
    assert_eq!(decided.anomalous, [false, true, true]);
    assert_eq!(decided.p_values, [0.75, 0.75, 0.25]);
    assert_eq!(decided.q_values, [0.75, 0.75, 0.75]);
    assert_eq!(
        (decided.threshold, decided.count(), decided.len()),
        (Some(2.0), 2, 3)
    );
    let nothing = Decision::Fdr(0.5).decide(&[], &calibration).unwrap();
    assert!(nothing.is_empty() && nothing.threshold.is_none());
}

#[test]
fn a_calibration_is_checked_when_it_is_fitted_and_when_it_is_read() {
    assert!(matches!(
        Calibration::fit(&[]).unwrap_err(),
        Error::NotEnough { .. }
    ));
    assert!(matches!(
        Calibration::fit(&[0.0, f64::NAN]).unwrap_err(),
        Error::NotFinite { .. }
    ));
    let calibration = Calibration::fit(&[3.0, 0.1, 2.0]).unwrap();
    assert_eq!(calibration.scores(), [0.1, 2.0, 3.0]);
    assert_eq!((calibration.len(), calibration.smallest_rate()), (3, 0.25));
    assert_eq!(
        [
            calibration.p_value(f64::INFINITY),
            calibration.p_value(f64::NAN)
        ],
        [0.25, 1.0]
    );
    let text = serde_json::to_string(&calibration).unwrap();
    assert_eq!(text, r#"{"scores":[0.1,2.0,3.0]}"#);
    assert_eq!(
        serde_json::from_str::<Calibration>(&text).unwrap(),
        calibration
    );
    for (bad, message) in [
        (r#"{"scores":[]}"#, "none"),
        (r#"{"scores":[2.0,1.0]}"#, "1 after 2 at position 2"),
        (r#"{"scores":[1e999]}"#, "out of range"),
    ] {
        let error = serde_json::from_str::<Calibration>(bad)
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn decisions_read_as_a_person_would_say_them() {
    assert_eq!(
        Decision::FalseAlarms(0.01).to_string(),
        "false-alarm rate 0.01"
    );
    assert_eq!(Decision::Fdr(0.1).to_string(), "false-discovery rate 0.1");
    assert_eq!(Decision::Threshold(2.5).to_string(), "score at least 2.5");
    assert_eq!(Decision::Budget(1).to_string(), "budget of 1 sample");
    let json = serde_json::to_string(&Decision::FalseAlarms(0.01)).unwrap();
    assert_eq!(json, r#"{"false-alarms":0.01}"#);
}

#[test]
fn a_budget_flags_the_highest_scores_and_says_what_normals_would_do() {
    let scores: Vec<f64> = (0..99).map(f64::from).collect();
    let calibration = Calibration::fit(&scores).unwrap();
    let decide = |count, scores: &[f64]| Decision::Budget(count).decide(scores, &calibration);
    let decided = decide(2, &[1.0, 97.5, 50.0, 200.0]).unwrap();
    assert_eq!(decided.anomalous, [false, true, false, true]);
    assert_eq!(decided.threshold, Some(97.5));
    // 97.5 is reached by one normal of 99 and by itself: 2 %, of four samples.
    assert!((Decision::expected_false_alarms(&decided).unwrap() - 0.08).abs() < 1e-12);
    // No more than asked for, where scores are equal; and all, where there are no more.
    assert_eq!(decide(2, &[5.0, 4.0, 4.0]).unwrap().count(), 1);
    assert_eq!(decide(2, &[4.0, 4.0, 4.0]).unwrap().threshold, None);
    assert_eq!(decide(9, &[5.0, 4.0]).unwrap().count(), 2);
    assert!(decide(1, &[]).unwrap().is_empty());
    assert!(decide(0, &[1.0]).is_err());
}

#[test]
fn a_false_discovery_rate_that_can_flag_nothing_is_explained() {
    let calibration = Calibration::fit(&[0.0; 99]).unwrap();
    let why = |rate: f64, far: usize, all: usize| {
        let scores: Vec<f64> = (0..all).map(|i| f64::from(u8::from(i < far))).collect();
        let decision = Decision::Fdr(rate);
        let decided = decision.decide(&scores, &calibration).unwrap();
        let mut tally = Tally::new(decision);
        for &score in &scores {
            tally.add(score, calibration.place(score, Ties::Above, 0));
        }
        let verdicts = decision.settle(&tally).unwrap();
        let said = verdicts.why_nothing(&tally, &calibration);
        assert_eq!(decision.why_nothing(&decided, &calibration), said);
        (decided.count(), said)
    };
    // 1,000 samples at 5 %: at least 200 of them have to be beyond all of 99 normals.
    let (flagged, said) = why(0.05, 10, 1000);
    assert_eq!(flagged, 0);
    assert_eq!(
        said.unwrap(),
        "no sample can be flagged at a false-discovery rate of 0.05: 99 held-out normals give no \
         p-value below 0.01, which at least 200 of the 1,000 samples would have to reach, and 10 do; \
         with 1,999 of them these 10 could be"
    );
    assert_eq!(why(0.05, 200, 1000), (200, None));
    // Enough calibration, and nothing that stands out.
    assert_eq!(why(0.5, 0, 20), (0, None));
}

#[test]
fn a_place_is_a_fraction_that_can_be_written_down() {
    let calibration = Calibration::fit(&[1.0, 2.0, 2.0, 3.0]).unwrap();
    for score in [0.0, 2.0, 9.0] {
        let place = calibration.place(score, Ties::Half, 0);
        let [twice, all] = place.fraction();
        assert_eq!(place.p_value(), twice as f64 / (2 * all) as f64);
        assert_eq!(Place::of_fraction(place.fraction()), Some(place));
    }
    for bad in [[0, 5], [1, 5], [11, 5], [2, 0], [2, u64::MAX]] {
        assert_eq!(Place::of_fraction(bad), None, "{bad:?}");
    }
}
