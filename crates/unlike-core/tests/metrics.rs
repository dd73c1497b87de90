//! Metrics against their definitions, hand computations and scikit-learn's documented examples.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_core::{
    Calibration, GroupCalibrations, Label, Metrics,
    metrics::{
        Confusion, auprc_trapezoid, auroc, average_precision, clopper_pearson, delong, even_edges,
        f1_max, false_alarms_by_group, histogram, observed_false_alarms, precision_recall_curve,
        roc_curve, top_fraction,
    },
};

use Label::{Anomalous as A, Normal as N};

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} and {b}");
}

/// Test sets with both classes and many ties.
fn test_sets() -> impl Strategy<Value = (Vec<f64>, Vec<Label>)> {
    prop::collection::vec((-8i32..8, prop::bool::weighted(0.3)), 2..60)
        .prop_map(|samples| {
            let scores = samples.iter().map(|&(s, _)| f64::from(s) / 4.0).collect();
            let labels = samples
                .iter()
                .map(|&(_, a)| if a { A } else { N })
                .collect();
            (scores, labels)
        })
        .prop_filter("both classes", |(_, labels): &(Vec<f64>, Vec<Label>)| {
            labels.contains(&A) && labels.contains(&N)
        })
}

fn of_class(scores: &[f64], labels: &[Label], class: Label) -> Vec<f64> {
    scores
        .iter()
        .zip(labels)
        .filter(|(_, l)| **l == class)
        .map(|(s, _)| *s)
        .collect()
}

fn wins(anomalous: f64, normal: f64) -> f64 {
    if anomalous > normal {
        1.0
    } else if anomalous == normal {
        0.5
    } else {
        0.0
    }
}

fn naive_auroc(scores: &[f64], labels: &[Label]) -> f64 {
    let (a, n) = (of_class(scores, labels, A), of_class(scores, labels, N));
    let sum: f64 = a
        .iter()
        .map(|&x| n.iter().map(|&y| wins(x, y)).sum::<f64>())
        .sum();
    sum / (a.len() * n.len()) as f64
}

/// DeLong, DeLong and Clarke-Pearson 1988, equations 4 to 6, pair by pair.
fn naive_delong_variance(scores: &[f64], labels: &[Label]) -> f64 {
    let (a, n) = (of_class(scores, labels, A), of_class(scores, labels, N));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let variance = |v: &[f64]| {
        let m = mean(v);
        v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (v.len() as f64 - 1.0)
    };
    let v10: Vec<f64> = a
        .iter()
        .map(|&x| mean(&n.iter().map(|&y| wins(x, y)).collect::<Vec<_>>()))
        .collect();
    let v01: Vec<f64> = n
        .iter()
        .map(|&y| mean(&a.iter().map(|&x| wins(x, y)).collect::<Vec<_>>()))
        .collect();
    variance(&v10) / a.len() as f64 + variance(&v01) / n.len() as f64
}

/// Recall and precision when all scores of at least `threshold` are flagged.
fn at(scores: &[f64], labels: &[Label], threshold: f64) -> Confusion {
    let flags: Vec<bool> = scores.iter().map(|&s| s >= threshold).collect();
    Confusion::new(&flags, labels).unwrap()
}

/// One confusion per distinct score, from the highest down.
fn naive_curve(scores: &[f64], labels: &[Label]) -> Vec<Confusion> {
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    thresholds.iter().map(|&t| at(scores, labels, t)).collect()
}

proptest! {
    #[test]
    fn auroc_is_its_definition((scores, labels) in test_sets()) {
        close(auroc(&scores, &labels).unwrap(), naive_auroc(&scores, &labels), 1e-12);
    }

    #[test]
    fn auroc_of_negated_scores_is_the_complement((scores, labels) in test_sets()) {
        let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
        let sum = auroc(&scores, &labels).unwrap() + auroc(&negated, &labels).unwrap();
        close(sum, 1.0, 1e-15);
    }

    #[test]
    fn no_metric_depends_on_the_order((scores, labels) in test_sets(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        order.sort_by_cached_key(|_| rng.next_u64());
        let shuffled: Vec<f64> = order.iter().map(|&i| scores[i]).collect();
        let labels_too: Vec<Label> = order.iter().map(|&i| labels[i]).collect();
        prop_assert_eq!(auroc(&scores, &labels).unwrap(), auroc(&shuffled, &labels_too).unwrap());
        prop_assert_eq!(
            average_precision(&scores, &labels).unwrap(),
            average_precision(&shuffled, &labels_too).unwrap()
        );
        prop_assert_eq!(f1_max(&scores, &labels).unwrap(), f1_max(&shuffled, &labels_too).unwrap());
        let variances = [delong(&scores, &labels), delong(&shuffled, &labels_too)];
        let [a, b] = variances.map(|d| d.unwrap().variance.to_bits());
        prop_assert_eq!(a, b);
    }

    #[test]
    fn average_precision_and_trapezoid_are_their_definitions((scores, labels) in test_sets()) {
        let curve = naive_curve(&scores, &labels);
        let (mut steps, mut trapezoids) = (0.0, 0.0);
        let mut before = (0.0, 1.0);
        for point in &curve {
            let now = (point.recall(), point.precision());
            steps += (now.0 - before.0) * now.1;
            trapezoids += (now.0 - before.0) * (now.1 + before.1) / 2.0;
            before = now;
        }
        close(average_precision(&scores, &labels).unwrap(), steps, 1e-12);
        close(auprc_trapezoid(&scores, &labels).unwrap(), trapezoids, 1e-12);
    }

    #[test]
    fn f1_max_is_the_best_of_all_thresholds((scores, labels) in test_sets()) {
        let best = f1_max(&scores, &labels).unwrap();
        let all = naive_curve(&scores, &labels);
        close(best.f1, all.iter().map(Confusion::f1).fold(0.0, f64::max), 1e-15);
        close(best.f1, at(&scores, &labels, best.threshold).f1(), 1e-15);
    }

    #[test]
    fn delong_is_its_definition((scores, labels) in test_sets()) {
        let result = delong(&scores, &labels).unwrap();
        let naive = naive_delong_variance(&scores, &labels);
        if naive.is_nan() {
            prop_assert!(result.variance.is_nan());
            prop_assert_eq!(result.ci95, [0.0, 1.0]);
        } else {
            close(result.variance, naive, 1e-12);
        }
    }

    #[test]
    fn a_histogram_counts_every_value(values in prop::collection::vec(-1e3..1e3f64, 0..50)) {
        let edges = even_edges(&[&values], 7, 0.9).unwrap();
        prop_assert_eq!(edges.len(), 8);
        prop_assert!(edges.windows(2).all(|w| w[0] < w[1]));
        prop_assert_eq!(histogram(&values, &edges).iter().sum::<u64>(), values.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn thinned_curves_lie_on_the_whole_curve(
        (scores, labels) in test_sets(), points in 2usize..12
    ) {
        let roc = roc_curve(&scores, &labels, points, 0).unwrap().points;
        let pr = precision_recall_curve(&scores, &labels, points, 0).unwrap().points;
        prop_assert!(roc.len() <= points && pr.len() <= points);
        prop_assert_eq!((roc[0].x, roc[0].y, roc[0].threshold), (0.0, 0.0, None));
        let end = roc[roc.len() - 1];
        prop_assert_eq!((end.x, end.y), (1.0, 1.0));
        prop_assert_eq!(pr[pr.len() - 1].x, 1.0);
        for curve in [&roc, &pr] {
            prop_assert!(curve.windows(2).all(|w| w[0].x <= w[1].x));
            prop_assert!(curve.iter().all(|p| p.y_ci95[0] <= p.y_ci95[1]));
        }
        for point in &roc[1..] {
            let all = at(&scores, &labels, point.threshold.unwrap());
            prop_assert_eq!((point.x, point.y), (all.false_alarm_rate(), all.recall()));
        }
        for point in &pr {
            let all = at(&scores, &labels, point.threshold.unwrap());
            prop_assert_eq!((point.x, point.y), (all.recall(), all.precision()));
        }
    }
}

/// The example in the documentation of scikit-learn's `roc_auc_score`, `average_precision_score` and
/// `precision_recall_curve`.
#[test]
fn the_example_of_scikit_learn() {
    let (scores, labels) = ([0.1, 0.4, 0.35, 0.8], [N, N, A, A]);
    close(auroc(&scores, &labels).unwrap(), 0.75, 1e-15);
    close(
        average_precision(&scores, &labels).unwrap(),
        0.833_333_333_333_333_3,
        1e-15,
    );
    close(
        auprc_trapezoid(&scores, &labels).unwrap(),
        0.791_666_666_666_666_6,
        1e-15,
    );
    let best = f1_max(&scores, &labels).unwrap();
    assert_eq!(best.threshold, 0.35);
    close(best.f1, 0.8, 1e-15);
}

/// scikit-learn 1.9.1, NumPy and SciPy on 60 samples with ties:
///
/// ```python
/// i = np.arange(60); s = ((i * 7919) % 101) % 17 / 4
/// y = (i * i + 3 * (s * 4).astype(int)) % 7 < 2; s = s + 0.5 * y
/// roc_auc_score(y, s), average_precision_score(y, s)
/// p, r, t = precision_recall_curve(y, s); auc(r, p), max(2 * p * r / (p + r))
/// flags = s >= np.percentile(s, 80); precision_score(y, flags), recall_score(y, flags)
/// a, n = s[y], s[~y]; w = (a[:, None] > n) + (a[:, None] == n) / 2
/// w.mean(1).var(ddof=1) / len(a) + w.mean(0).var(ddof=1) / len(n)
/// ```
#[test]
fn scikit_learn_agrees_on_a_set_with_ties() {
    let (scores, labels): (Vec<f64>, Vec<Label>) = (0..60u32)
        .map(|i| {
            let quarters = (i * 7919) % 101 % 17;
            let anomalous = (i * i + 3 * quarters) % 7 < 2;
            let score = f64::from(quarters) / 4.0 + if anomalous { 0.5 } else { 0.0 };
            (score, if anomalous { A } else { N })
        })
        .unzip();
    let top = top_fraction(&scores, 0.2).unwrap();
    let threshold = Some(top.threshold);
    let m = Metrics::with_flags(&scores, &labels, &top.anomalous, threshold, 0).unwrap();
    close(m.auroc, 0.649_550_706_033_376_2, 1e-14);
    close(m.average_precision, 0.538_252_433_490_597_6, 1e-14);
    close(m.auprc_trapezoid, 0.543_243_793_408_153_5, 1e-14);
    close(m.f1_max, 0.561_403_508_771_929_8, 1e-14);
    assert_eq!(f1_max(&scores, &labels).unwrap().threshold, 1.75);
    close(
        delong(&scores, &labels).unwrap().variance,
        0.006_050_623_914_116_987,
        1e-15,
    );
    assert_eq!(m.threshold, Some(3.25));
    close(m.precision.unwrap(), 0.437_5, 1e-14);
    close(m.recall.unwrap(), 0.368_421_052_631_578_9, 1e-14);
    close(m.f1.unwrap(), 0.4, 1e-14);
    assert_eq!((m.n_normal, m.n_anomalous), (41, 19));
}

/// By hand: placements of the anomalous (1, 0.5), of the normal (0.5, 1), variances 1/8 each, so
/// that the variance of the area is 1/8/2 + 1/8/2 = 1/8.
#[test]
fn delong_by_hand() {
    let result = delong(&[0.1, 0.4, 0.35, 0.8], &[N, N, A, A]).unwrap();
    close(result.auroc, 0.75, 1e-15);
    close(result.variance, 0.125, 1e-15);
    close(
        result.ci95[0],
        0.75 - 1.959_963_984_540_054 * 0.125f64.sqrt(),
        1e-12,
    );
    assert_eq!(result.ci95[1], 1.0);
}

#[test]
fn a_perfect_and_a_constant_score() {
    let labels = [N, N, N, A];
    let perfect = Metrics::new(&[1.0, 2.0, 3.0, 4.0], &labels, 0).unwrap();
    assert_eq!(
        (perfect.auroc, perfect.average_precision, perfect.f1_max),
        (1.0, 1.0, 1.0)
    );
    let constant = Metrics::new(&[5.0; 4], &labels, 0).unwrap();
    assert_eq!((constant.auroc, constant.average_precision), (0.5, 0.25));
    assert_eq!(constant.chance_average_precision, 0.25);
    assert_eq!(constant.auroc_ci95, [0.0, 1.0]);
    assert_eq!(constant.average_precision_ci95, [0.0, 1.0]);
}

#[test]
fn a_perfect_ranking_of_few_samples_is_not_certain() {
    let labels = [vec![N; 30], vec![A; 10]].concat();
    let scores: Vec<f64> = (0..40).map(f64::from).collect();
    let ci95 = |scores: &[f64]| delong(scores, &labels).unwrap().ci95;
    // All of ten pairs without a common sample: 0.025^(1/10).
    close(ci95(&scores)[0], 0.025f64.powf(0.1), 1e-9);
    assert_eq!(ci95(&scores)[1], 1.0);
    let inverted: Vec<f64> = scores.iter().map(|s| -s).collect();
    close(ci95(&inverted)[1], 1.0 - 0.025f64.powf(0.1), 1e-9);
}

/// Normal scores N(0, 1), anomalous N(1, 1), one in five anomalous.
fn gaussian(n: usize, seed: u64) -> (Vec<f64>, Vec<Label>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = move || (rng.next_u32() as f64 + 0.5) / 2f64.powi(32);
    (0..n)
        .map(|i| {
            let anomalous = i % 5 == 0;
            let radius = (-2.0 * uniform().ln()).sqrt();
            let normal = radius * (2.0 * std::f64::consts::PI * uniform()).cos();
            (
                normal + f64::from(u8::from(anomalous)),
                if anomalous { A } else { N },
            )
        })
        .unzip()
}

#[test]
fn intervals_cover_the_truth_about_95_times_in_100() {
    // AUROC of two unit Gaussians one apart: the normal distribution function at 1/√2.
    const TRUTH: f64 = 0.760_249_938_906_523;
    let (large, large_labels) = gaussian(100_000, 99);
    let precision = average_precision(&large, &large_labels).unwrap();
    close(auroc(&large, &large_labels).unwrap(), TRUTH, 6e-3);
    let (mut area, mut ap) = (0, 0);
    for seed in 0..200 {
        let (scores, labels) = gaussian(150, seed);
        let metrics = Metrics::new(&scores, &labels, seed).unwrap();
        let covers = |[low, high]: [f64; 2], truth: f64| usize::from(low <= truth && truth <= high);
        area += covers(metrics.auroc_ci95, TRUTH);
        ap += covers(metrics.average_precision_ci95, precision);
    }
    // 190 expected; 4 standard errors are 12.
    assert!((178..=200).contains(&area), "{area} of 200");
    // Percentile intervals of a skewed statistic fall a little short.
    assert!((170..=200).contains(&ap), "{ap} of 200");
}

#[test]
fn metrics_are_the_same_on_any_number_of_threads() {
    let (scores, labels) = gaussian(2_000, 3);
    let flags = top_fraction(&scores, 0.2).unwrap();
    let measure = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let threshold = Some(flags.threshold);
            let metrics =
                Metrics::with_flags(&scores, &labels, &flags.anomalous, threshold, 7).unwrap();
            (metrics, roc_curve(&scores, &labels, 50, 7).unwrap())
        })
    };
    assert_eq!(measure(1), measure(3));
    assert_ne!(measure(1).0, Metrics::new(&scores, &labels, 7).unwrap());
}

#[test]
fn bootstrap_intervals_hold_the_estimate_and_shrink_with_the_test_set() {
    let width = |n| {
        let (scores, labels) = gaussian(n, 5);
        let flags = top_fraction(&scores, 0.2).unwrap();
        let m = Metrics::with_flags(&scores, &labels, &flags.anomalous, None, 1).unwrap();
        let pairs = [
            (m.auroc, m.auroc_ci95),
            (m.average_precision, m.average_precision_ci95),
            (m.auprc_trapezoid, m.auprc_trapezoid_ci95),
            (m.f1_max, m.f1_max_ci95),
            (m.precision.unwrap(), m.precision_ci95.unwrap()),
            (m.recall.unwrap(), m.recall_ci95.unwrap()),
            (m.f1.unwrap(), m.f1_ci95.unwrap()),
        ];
        for (estimate, [low, high]) in pairs {
            assert!(low < estimate && estimate < high, "{low} {estimate} {high}");
        }
        // The recall of k in n1 has a binomial interval; the bootstrap must come close to it.
        let n1 = m.n_anomalous as f64;
        let recall = m.recall.unwrap();
        let half = 1.96 * (recall * (1.0 - recall) / n1).sqrt();
        let [low, high] = m.recall_ci95.unwrap();
        assert!(
            ((high - low) / (2.0 * half) - 1.0).abs() < 0.15,
            "{low} {high} {half}"
        );
        high - low
    };
    assert!(width(2_000) < width(200) / 2.0);
}

#[test]
fn the_json_keys_are_those_of_the_design() {
    let (scores, labels) = gaussian(50, 0);
    let keys = |m: &Metrics| -> Vec<String> {
        let json = serde_json::to_value(m).unwrap();
        json.as_object().unwrap().keys().cloned().collect()
    };
    let flags = top_fraction(&scores, 0.2).unwrap();
    let metrics =
        Metrics::with_flags(&scores, &labels, &flags.anomalous, Some(flags.threshold), 0).unwrap();
    let mut expected = vec![
        "auroc",
        "auroc_ci95",
        "average_precision",
        "average_precision_ci95",
        "auprc_trapezoid",
        "auprc_trapezoid_ci95",
        "prevalence",
        "chance_average_precision",
        "f1_max",
        "f1_max_ci95",
        "precision",
        "precision_ci95",
        "recall",
        "recall_ci95",
        "f1",
        "f1_ci95",
        "threshold",
        "n_normal",
        "n_anomalous",
    ];
    expected.sort_unstable();
    let mut found = keys(&metrics);
    found.sort_unstable();
    assert_eq!(found, expected);
    let text = serde_json::to_string(&metrics).unwrap();
    assert_eq!(serde_json::from_str::<Metrics>(&text).unwrap(), metrics);
    let plain = Metrics::new(&scores, &labels, 0).unwrap();
    assert!(
        !keys(&plain)
            .iter()
            .any(|k| k.starts_with("recall") || k == "threshold")
    );
}

#[test]
fn what_cannot_be_measured_is_an_error_that_says_why() {
    let error = auroc(&[1.0, 2.0], &[N, N]).unwrap_err().to_string();
    assert!(
        error.contains("anomalous samples") && error.contains("none among 2"),
        "{error}"
    );
    let error = Metrics::new(&[1.0, 2.0], &[A, A], 0)
        .unwrap_err()
        .to_string();
    assert!(error.contains("normal samples"), "{error}");
    assert!(auroc(&[], &[]).is_err());
    let error = auroc(&[1.0, f64::NAN], &[N, A]).unwrap_err().to_string();
    assert!(error.contains("NaN at sample 2 of 2"), "{error}");
    let error = auroc(&[1.0], &[N, A]).unwrap_err().to_string();
    assert!(error.contains("2 labels for 1 scores"), "{error}");
    let error = Metrics::with_flags(&[1.0, 2.0], &[N, A], &[true], None, 0).unwrap_err();
    assert!(
        error.to_string().contains("1 flags for 2 scores"),
        "{error}"
    );
    for fraction in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(top_fraction(&[1.0], fraction).is_err());
    }
    assert!(top_fraction(&[], 0.2).is_err());
}

#[test]
fn below_chance_says_how_sure_it_is() {
    let labels = [vec![A; 20], vec![N; 20]].concat();
    let inverted: Vec<f64> = (0..40).map(f64::from).collect();
    let text = Metrics::new(&inverted, &labels, 0)
        .unwrap()
        .below_chance()
        .unwrap();
    assert!(
        text.contains("0.000") && text.contains("rank normals above"),
        "{text}"
    );
    let (scores, labels) = ([1.0, 2.0, 3.0, 4.0], [N, A, A, N]);
    let mut metrics = Metrics::new(&scores, &labels, 0).unwrap();
    assert_eq!(metrics.below_chance(), None);
    metrics.auroc = 0.45;
    metrics.auroc_ci95 = [0.3, 0.6];
    assert!(metrics.below_chance().unwrap().contains("do not tell"));
}

/// NumPy: `s >= np.percentile(s, 80)`.
#[test]
fn the_top_fraction_is_the_published_rule() {
    let scores: Vec<f64> = (1..=10).map(f64::from).collect();
    let top = top_fraction(&scores, 0.2).unwrap();
    close(top.threshold, 8.2, 1e-12);
    assert_eq!(top.anomalous.iter().filter(|&&f| f).count(), 2);
    let eleven: Vec<f64> = (1..=11).map(f64::from).collect();
    let top = top_fraction(&eleven, 0.2).unwrap();
    assert_eq!(
        (top.threshold, top.anomalous.iter().filter(|&&f| f).count()),
        (9.0, 3)
    );
    let tied = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(
        top_fraction(&tied, 0.2)
            .unwrap()
            .anomalous
            .iter()
            .filter(|&&f| f)
            .count(),
        5
    );
}

#[test]
fn flags_are_counted() {
    let confusion = Confusion::new(&[true, true, false, false, true], &[A, N, A, N, A]).unwrap();
    assert_eq!(
        confusion,
        Confusion {
            true_positives: 2,
            false_positives: 1,
            false_negatives: 1,
            true_negatives: 1
        }
    );
    close(confusion.precision(), 2.0 / 3.0, 1e-15);
    close(confusion.recall(), 2.0 / 3.0, 1e-15);
    close(confusion.f1(), 2.0 / 3.0, 1e-15);
    close(confusion.false_alarm_rate(), 0.5, 1e-15);
    assert_eq!(Confusion::default().precision(), 0.0);
}

/// SciPy's `binomtest(k, n).proportion_ci(method='exact')`, and the closed forms at the ends.
#[test]
fn clopper_pearson_known_values() {
    for (k, n, expected) in [
        (5, 10, [0.187_086_028_447_404_5, 0.812_913_971_552_595_7]),
        (
            1,
            1_000,
            [2.531_748_749_167_463_4e-5, 0.005_558_924_279_849_9],
        ),
        (
            150,
            20_000,
            [0.006_351_314_344_784_567, 0.008_795_125_962_797_927],
        ),
    ] {
        let [low, high] = clopper_pearson(k, n);
        close(low, expected[0], 1e-10);
        close(high, expected[1], 1e-10);
    }
    let [low, high] = clopper_pearson(0, 20);
    assert_eq!(low, 0.0);
    // 1 − 0.025^(1/20)
    close(high, 1.0 - 0.025f64.powf(0.05), 1e-9);
    let [low, high] = clopper_pearson(20, 20);
    close(low, 0.025f64.powf(0.05), 1e-9);
    assert_eq!(high, 1.0);
    assert_eq!(clopper_pearson(0, 0), [0.0, 1.0]);
}

/// The definition: at the bounds, the tails of the binomial distribution are 2.5 % each.
#[test]
fn clopper_pearson_inverts_the_binomial_tails() {
    for (k, n) in [(3u64, 40u64), (17, 60), (58, 60), (150, 20_000)] {
        let [low, high] = clopper_pearson(k, n);
        let tail = |p: f64, range: std::ops::RangeInclusive<u64>| -> f64 {
            range
                .map(|i| {
                    (ln_choose(n, i) + i as f64 * p.ln() + (n - i) as f64 * (-p).ln_1p()).exp()
                })
                .sum()
        };
        close(1.0 - tail(low, 0..=k - 1), 0.025, 1e-7);
        close(tail(high, 0..=k), 0.025, 1e-7);
    }
}

fn ln_choose(n: u64, k: u64) -> f64 {
    (1..=k)
        .map(|i| (((n - k + i) as f64) / i as f64).ln())
        .sum()
}

#[test]
fn promised_rates_are_compared_with_observed_ones() {
    let calibration = Calibration::fit(&(0..99).map(f64::from).collect::<Vec<_>>()).unwrap();
    let scores: Vec<f64> = (0..100)
        .map(|i| f64::from(i) + 0.5)
        .chain([97.2, 500.0])
        .collect();
    let labels = [vec![N; 100], vec![A; 2]].concat();
    let rows = observed_false_alarms(&scores, &labels, &calibration, &[0.005, 0.01, 0.1]).unwrap();
    assert_eq!(rows[0].threshold, None);
    assert_eq!((rows[0].observed, rows[0].recall), (0.0, 0.0));
    // Rank 1: only above the highest held-out score, 98.
    assert_eq!(rows[1].threshold, Some(98f64.next_up()));
    assert_eq!(
        (rows[1].false_alarms, rows[1].observed, rows[1].recall),
        (2, 0.02, 0.5)
    );
    close(rows[1].precision, 1.0 / 3.0, 1e-15);
    assert_eq!((rows[2].observed, rows[2].recall), (0.11, 1.0));
    let [low, high] = rows[2].observed_ci95;
    assert!(low < 0.11 && 0.11 < high);
    assert!(observed_false_alarms(&scores, &labels, &calibration, &[1.0]).is_err());
}

#[test]
fn histogram_edges_and_outer_bins() {
    let edges = even_edges(&[&[0.0, 1.0], &[4.0]], 4, 1.0).unwrap();
    assert_eq!(edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        histogram(&[-9.0, 0.5, 1.0, 4.0, 70.0], &edges),
        [2, 1, 0, 2]
    );
    let constant = even_edges(&[&[3.0; 5]], 2, 0.99).unwrap();
    assert_eq!(constant, [2.5, 3.0, 3.5]);
    assert!(even_edges(&[&[f64::NAN]], 2, 1.0).is_err());
}

#[test]
fn bands_of_a_perfect_ranking_have_no_width() {
    let labels = [vec![N; 60], vec![A; 20]].concat();
    let scores: Vec<f64> = (0..80).map(f64::from).collect();
    let pr = precision_recall_curve(&scores, &labels, 10, 0).unwrap();
    assert!(
        pr.points
            .iter()
            .all(|p| p.y == 1.0 && p.y_ci95 == [1.0, 1.0])
    );
    let roc = roc_curve(&scores, &labels, 10, 0).unwrap();
    assert!(roc.points.iter().all(|p| p.y_ci95 == [1.0, 1.0]));
}

#[test]
fn curve_bands_hold_the_curve_and_areas_belong_to_the_whole_curve() {
    let (scores, labels) = gaussian(3_000, 8);
    let roc = roc_curve(&scores, &labels, 40, 1).unwrap();
    assert_eq!(roc.points.len(), 40);
    close(roc.auroc, auroc(&scores, &labels).unwrap(), 0.0);
    let inside = |p: &&unlike_core::metrics::CurvePoint| p.y_ci95[0] <= p.y && p.y <= p.y_ci95[1];
    assert!(roc.points[1..].iter().filter(inside).count() >= 38);
    let pr = precision_recall_curve(&scores, &labels, 40, 1).unwrap();
    assert!(pr.points.iter().filter(inside).count() >= 36);
    close(pr.prevalence, 0.2, 1e-15);
    close(
        pr.average_precision,
        average_precision(&scores, &labels).unwrap(),
        0.0,
    );
    // Bands are wide where few samples decide, and meet at the end.
    let width = |p: &unlike_core::metrics::CurvePoint| p.y_ci95[1] - p.y_ci95[0];
    assert!(width(&pr.points[0]) > 3.0 * width(&pr.points[38]));
}

#[test]
fn each_group_is_held_to_its_own_promise() {
    // Of a, nine held-out normals from 0 to 8; of b, four of ten times as much.
    let held_out: Vec<f64> = (0..9)
        .map(f64::from)
        .chain([0.0, 10.0, 20.0, 30.0])
        .collect();
    let of: Vec<&str> = [["a"; 9].as_slice(), &["b"; 4]].concat();
    let calibrations = GroupCalibrations::fit(&held_out, &of).unwrap();
    let scores = [9.0, 7.9, 3.0, 1.0, 30.5, 29.0, 31.0, 99.0, 100.0];
    let labels = [N, N, N, N, N, N, A, N, N];
    let groups = ["a", "a", "a", "a", "b", "b", "b", "c", "d"].map(str::to_owned);
    let found =
        false_alarms_by_group(&scores, &labels, &groups, &calibrations, &[0.1, 0.2]).unwrap();
    let shown: Vec<(Option<&str>, u64, u64)> = found
        .iter()
        .map(|g| (g.group.as_deref(), g.n_held_out, g.n_normal))
        .collect();
    // c and d have no held-out normals, and are compared with all.
    assert_eq!(shown, [(Some("a"), 9, 4), (Some("b"), 4, 2), (None, 13, 2)]);
    let counts = |at: usize| -> Vec<(bool, u64)> {
        let rates = found[at].rates.iter();
        rates
            .map(|r| (r.threshold.is_some(), r.false_alarms))
            .collect()
    };
    // One in ten is promised by nine: above all of them; two in ten: above the second.
    assert_eq!(counts(0), [(true, 1), (true, 2)]);
    assert_eq!(counts(1), [(false, 0), (true, 1)]);
    assert_eq!(counts(2), [(true, 2), (true, 2)]);
    let rate = found[1].rates[1];
    assert_eq!(rate.observed, 0.5);
    assert_eq!(rate.observed_ci95, clopper_pearson(1, 2));
    assert!(false_alarms_by_group(&scores, &labels, &groups[1..], &calibrations, &[0.1]).is_err());
    assert!(false_alarms_by_group(&scores, &labels, &groups, &calibrations, &[0.0]).is_err());
}
