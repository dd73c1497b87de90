//! Ties, groups, Storey's estimate, ranges of promises, chosen thresholds and probabilities.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_core::{
    Calibration, Decision, GroupCalibrations, Label, Place, Ties, VennAbers,
    decision::share_of_normals,
    metrics::{Aim, Confusion, choose_threshold},
};

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    f64::from(rng.next_u32()) / f64::from(u32::MAX)
}

fn few() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-6i32..6).prop_map(f64::from), 1..40)
}

fn labelled() -> impl Strategy<Value = (Vec<f64>, Vec<Label>)> {
    let sample = ((-6i32..6).prop_map(f64::from), prop::bool::ANY);
    let both =
        |samples: &Vec<(f64, bool)>| samples.iter().any(|s| s.1) && samples.iter().any(|s| !s.1);
    prop::collection::vec(sample, 2..30)
        .prop_filter("both labels", both)
        .prop_map(|samples| {
            let label = |s: &(f64, bool)| if s.1 { Label::Anomalous } else { Label::Normal };
            (
                samples.iter().map(|s| s.0).collect(),
                samples.iter().map(label).collect(),
            )
        })
}

proptest! {
    #[test]
    fn ties_count_as_they_are_told(held_out in few(), score in -7i32..7) {
        let score = f64::from(score);
        let calibration = Calibration::fit(&held_out).unwrap();
        let count = |rule: &dyn Fn(f64) -> bool| held_out.iter().filter(|&&c| rule(c)).count() as f64;
        let (above, equal) = (count(&|c| c > score), count(&|c| c == score));
        let all = (held_out.len() + 1) as f64;
        let p = |ties, draw| calibration.place(score, ties, draw).p_value();
        prop_assert_eq!(p(Ties::Above, 7), calibration.p_value(score));
        prop_assert_eq!(p(Ties::Half, 7), (1.0 + above + equal / 2.0) / all);
        prop_assert_eq!(p(Ties::Random, 0), (1.0 + above) / all);
        prop_assert_eq!(p(Ties::Random, u64::MAX), (1.0 + above + equal) / all);
    }

    /// The regression by its definition: the value at i is the largest over a ≤ i of the smallest over
    /// b ≥ i of the mean from a to b.
    #[test]
    fn probabilities_are_isotonic_regressions_with_the_sample_in_them(
        (scores, labels) in labelled(), twice in -14i32..14
    ) {
        let score = f64::from(twice) / 2.0;
        let fitted = VennAbers::fit(&scores, &labels).unwrap();
        let with = |label: f64| {
            let mut groups: std::collections::BTreeMap<i64, (f64, f64)> = Default::default();
            let samples = scores.iter().zip(&labels);
            let samples = samples.map(|(&s, &l)| (s, f64::from(u8::from(l == Label::Anomalous))));
            for (s, label) in samples.chain([(score, label)]) {
                let group = groups.entry((2.0 * s) as i64).or_default();
                *group = (group.0 + label, group.1 + 1.0);
            }
            let at = groups.keys().position(|&key| key == i64::from(twice)).unwrap();
            let groups: Vec<(f64, f64)> = groups.into_values().collect();
            let mean = |a: usize, b: usize| {
                let sum = groups[a..=b].iter().fold((0.0, 0.0), |s, g| (s.0 + g.0, s.1 + g.1));
                sum.0 / sum.1
            };
            (0..=at)
                .map(|a| (at..groups.len()).map(|b| mean(a, b)).fold(f64::INFINITY, f64::min))
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let found = fitted.probability(score);
        prop_assert!((found.low - with(0.0)).abs() < 1e-12, "{} {}", found.low, with(0.0));
        prop_assert!((found.high - with(1.0)).abs() < 1e-12, "{} {}", found.high, with(1.0));
        prop_assert!(found.low <= found.point() + 1e-12 && found.point() <= found.high + 1e-12);
        let text = serde_json::to_string(&fitted).unwrap();
        prop_assert_eq!(serde_json::from_str::<VennAbers>(&text).unwrap(), fitted);
    }

    /// Against all thresholds, one by one.
    #[test]
    fn the_chosen_threshold_is_the_best_of_all((scores, labels) in labelled()) {
        let measure = |threshold: f64| {
            let flags: Vec<bool> = scores.iter().map(|&s| s >= threshold).collect();
            Confusion::new(&flags, &labels).unwrap()
        };
        let mut all: Vec<f64> = scores.clone();
        all.push(scores.iter().copied().fold(f64::MIN, f64::max).next_up());
        all.sort_by(|a, b| b.total_cmp(a));
        all.dedup();
        let flagged = |c: &Confusion| c.true_positives + c.false_positives;
        // The first of equals, from the highest threshold down.
        let best = |worth: &dyn Fn(&Confusion) -> Option<f64>| {
            let mut best: Option<(f64, f64)> = None;
            for &threshold in &all {
                if let Some(worth) = worth(&measure(threshold))
                    && best.is_none_or(|(most, _)| worth > most)
                {
                    best = Some((worth, threshold));
                }
            }
            best.map(|b| b.1)
        };
        let cost = |c: &Confusion| -5.0 * c.false_negatives as f64 - c.false_positives as f64;
        for (aim, expected) in [
            (Aim::F1, best(&|c| Some(c.f1()).filter(|_| flagged(c) > 0))),
            (Aim::Recall(0.6), best(&|c| (c.recall() >= 0.6).then(|| -(flagged(c) as f64)))),
            (Aim::Precision(0.7), best(&|c| {
                (c.true_positives > 0 && c.precision() >= 0.7).then(|| flagged(c) as f64)
            })),
            (Aim::Cost { missed: 5.0, false_alarm: 1.0 }, best(&|c| Some(cost(c)))),
        ] {
            let found = choose_threshold(&scores, &labels, aim, 0);
            match expected {
                Some(expected) => {
                    let found = found.unwrap();
                    prop_assert_eq!(found.threshold, expected, "{}", aim);
                    let [low, high] = found.threshold_ci95;
                    prop_assert!(low <= expected && expected <= high);
                    prop_assert_eq!(found.precision, measure(expected).precision());
                }
                None => prop_assert!(found.is_err()),
            }
        }
    }
}

#[test]
fn aims_are_texts_and_nothing_else_is_one() {
    for text in ["f1", "recall=0.9", "precision=0.5", "cost=20:1"] {
        assert_eq!(text.parse::<Aim>().unwrap().to_string(), text);
    }
    for text in [
        "f2",
        "recall",
        "recall=0",
        "precision=1.1",
        "cost=1",
        "cost=0:1",
        "cost=1:nan",
        "f1=1",
    ] {
        assert!(text.parse::<Aim>().is_err(), "{text}");
    }
}

#[test]
fn random_ties_keep_a_promise_exactly_where_others_keep_it_by_far_or_break_it() {
    const SPLITS: usize = 400;
    let rate = 0.05;
    let mut flagged = [0usize; 3];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // Scores of few values: 60 % share the highest.
    let draw = |rng: &mut ChaCha8Rng| (uniform(rng) * 2.5).min(1.0).floor();
    for _ in 0..SPLITS {
        let held_out: Vec<f64> = (0..99).map(|_| draw(&mut rng)).collect();
        let calibration = Calibration::fit(&held_out).unwrap();
        for _ in 0..100 {
            let (score, chance) = (draw(&mut rng), rng.next_u64());
            for (count, ties) in flagged.iter_mut().zip(Ties::ALL) {
                *count += usize::from(calibration.place(score, ties, chance).p_value() <= rate);
            }
        }
    }
    let [above, half, random] = flagged.map(|count| count as f64 / (SPLITS * 100) as f64);
    assert_eq!((above, half), (0.0, 0.0));
    assert!((random - rate).abs() < 0.005, "{random}");
    let held_out: Vec<f64> = (0..99).map(|_| draw(&mut rng)).collect();
    assert!(Calibration::fit(&held_out).unwrap().at_the_top() > 40);
}

#[test]
fn realised_rates_lie_within_the_range_of_the_promise() {
    // statistics: scipy.stats.beta.ppf([.025, .975], 50, 951)
    let thousand: Vec<f64> = (0..1000).map(f64::from).collect();
    let [low, high] = Calibration::fit(&thousand).unwrap().range(0.05).unwrap();
    assert!(
        (low - 0.037343).abs() < 1e-4 && (high - 0.064303).abs() < 1e-4,
        "{low} {high}"
    );
    let mut inside = 0;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..1000 {
        let held_out: Vec<f64> = (0..100).map(|_| uniform(&mut rng)).collect();
        let calibration = Calibration::fit(&held_out).unwrap();
        let [low, high] = calibration.range(0.1).unwrap();
        // Of uniform scores, so many are above the threshold.
        let rate = 1.0 - calibration.threshold(0.1).unwrap();
        inside += usize::from(low <= rate && rate <= high);
    }
    assert!((930..970).contains(&inside), "{inside}");
    let one = Calibration::fit(&[1.0]).unwrap();
    assert!(one.range(0.4).is_err());
    assert_eq!(
        one.range(0.5).unwrap().map(|v| (v * 1000.0).round()),
        [25.0, 975.0]
    );
}

#[test]
fn each_group_keeps_its_promise_where_a_pooled_one_breaks() {
    let (mut pooled, mut grouped) = ([0usize; 2], [0usize; 2]);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    // The normals of b score higher.
    let draw = |rng: &mut ChaCha8Rng, b: bool| uniform(rng) + if b { 0.8 } else { 0.0 };
    for _ in 0..200 {
        let groups: Vec<&str> = (0..400).map(|i| ["a", "a", "a", "b"][i % 4]).collect();
        let scores: Vec<f64> = groups.iter().map(|&g| draw(&mut rng, g == "b")).collect();
        let calibrations = GroupCalibrations::fit(&scores, &groups).unwrap();
        for (at, group) in ["a", "b"].into_iter().enumerate() {
            let scores: Vec<f64> = (0..100).map(|_| draw(&mut rng, group == "b")).collect();
            let decision = Decision::FalseAlarms(0.1);
            pooled[at] += decision
                .decide(&scores, calibrations.pooled())
                .unwrap()
                .count();
            let own = calibrations.of(group).unwrap();
            let places: Vec<Place> = scores
                .iter()
                .map(|&s| own.place(s, Ties::Above, 0))
                .collect();
            let decisions = decision.decide_placed(&scores, &places).unwrap();
            assert_eq!(decisions.threshold, None);
            grouped[at] += decisions.count();
        }
    }
    let [pooled, grouped] = [pooled, grouped].map(|of| of.map(|count| count as f64 / 20_000.0));
    assert!(pooled[0] < 0.02 && pooled[1] > 0.3, "{pooled:?}");
    assert!(
        grouped.iter().all(|rate| (rate - 0.1).abs() < 0.01),
        "{grouped:?}"
    );
}

#[test]
fn storeys_estimate_flags_more_and_keeps_the_rate() {
    let rate = 0.1;
    let mut false_shares = [0.0; 2];
    let mut hits = [0usize; 2];
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    const SPLITS: usize = 300;
    for _ in 0..SPLITS {
        let held_out: Vec<f64> = (0..300).map(|_| uniform(&mut rng)).collect();
        let calibration = Calibration::fit(&held_out).unwrap();
        // The first half is anomalous.
        let scores: Vec<f64> = (0..200)
            .map(|i| {
                if i < 100 {
                    0.9 + 0.2 * uniform(&mut rng)
                } else {
                    uniform(&mut rng)
                }
            })
            .collect();
        for (at, decision) in [Decision::Fdr(rate), Decision::FdrStorey(rate)]
            .into_iter()
            .enumerate()
        {
            let decisions = decision.decide(&scores, &calibration).unwrap();
            let wrong = decisions.anomalous[100..].iter().filter(|&&f| f).count();
            false_shares[at] += wrong as f64 / decisions.count().max(1) as f64 / SPLITS as f64;
            hits[at] += decisions.count() - wrong;
            if let Some(threshold) = decisions.threshold {
                let flags: Vec<bool> = scores.iter().map(|&s| s >= threshold).collect();
                assert_eq!(flags, decisions.anomalous);
            }
        }
    }
    assert!(
        false_shares[0] < 0.06 && false_shares[1] < rate + 0.01,
        "{false_shares:?}"
    );
    assert!(hits[1] as f64 > 1.02 * hits[0] as f64, "{hits:?}");
    assert_eq!(share_of_normals(&[]), 1.0);
    assert_eq!(share_of_normals(&[0.1; 8]), 0.25);
    assert_eq!(share_of_normals(&[0.9; 8]), 1.0);
}

#[test]
fn what_does_not_pair_up_is_refused() {
    assert!(GroupCalibrations::fit(&[1.0, 2.0], &["a"]).is_err());
    assert!(Decision::Fdr(0.1).decide_placed(&[1.0], &[]).is_err());
    assert!(VennAbers::fit(&[1.0, 2.0], &[Label::Normal; 2]).is_err());
    for text in [
        "{\"groups\":[]}",
        "{\"groups\":[{\"score\":1,\"anomalous\":2,\"all\":1}]}",
    ] {
        assert!(serde_json::from_str::<VennAbers>(text).is_err(), "{text}");
    }
}
