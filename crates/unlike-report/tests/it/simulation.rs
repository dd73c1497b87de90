//! A report of realistic size and numbers, from simulated scores: KDD Cup 99's counts and columns,
//! score distributions as EGBAD's. The same seed gives the same report.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_core::{
    Calibration, ColumnKind, ColumnSpec, InputSpec, Label, Result,
    metrics::{Metrics, observed_false_alarms, precision_recall_curve, roc_curve, top_fraction},
};
use unlike_report::{
    Case, ColumnNote, Data, Evaluation, Fact, Gallery, HeldOut, Histogram, Measured, Part,
    Published, Reason, Report, Run, Series, Thresholds, Tile, Training, Warning,
};

/// A complete PNG file of one grey pixel.
pub(crate) const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, 0x49, 0x44, 0x41, 0x54,
    0x78, 0x9c, 0x63, 0x68, 0, 0, 0, 0x82, 0, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0, 0, 0, 0, 0x49, 0x45,
    0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Puts images where the lists of samples are.
#[allow(dead_code, reason = "the example has no images")]
pub(crate) fn hang_gallery(report: &mut Report) {
    let Some(evaluation) = &mut report.evaluation else {
        return;
    };
    let tile = |(i, case): (usize, &Case)| Tile {
        case: Case {
            id: format!("screws/a folder of a long name/{}.png", case.id),
            reasons: Vec::new(),
            ..case.clone()
        },
        size: [[300, 200], [40, 400], [28, 28], [900, 90]][i % 4],
        picture: PIXEL.into(),
        map: PIXEL.into(),
        covered: [0.0, 0.0, 28.0, 28.0],
        boxes: vec![[4, 5, 10, 8]],
        regions: vec![vec![[4.0, 5.0], [14.0, 5.0], [9.5, 13.0]]],
        mask: (i % 2 == 0).then(|| vec![vec![[6.0, 6.0], [10.0, 6.0], [10.0, 10.0]]]),
    };
    let tiles = |cases: &[Case]| cases.iter().enumerate().map(tile).collect::<Vec<_>>();
    evaluation.gallery = Some(Gallery {
        pixel_threshold: 4.25,
        most_anomalous: tiles(&evaluation.most_anomalous),
        borderline: Vec::new(),
        false_alarms: tiles(&evaluation.flagged_normals),
        missed: tiles(&evaluation.missed),
    });
}

const RATES: [f64; 5] = [0.0001, 0.001, 0.01, 0.05, 0.1];

/// Scores of held-out normals, and of test samples with their labels.
struct Scores {
    held_out: Vec<f64>,
    test: Vec<f64>,
    labels: Vec<Label>,
}

impl Scores {
    fn of(&self, label: Label) -> Vec<f64> {
        let pairs = self.test.iter().zip(&self.labels);
        pairs
            .filter(|(_, l)| **l == label)
            .map(|(&s, _)| s)
            .collect()
    }
}

/// A run with `n_normal` normal test samples, a quarter as many anomalies, and 5,000 held-out
/// normals.
pub(crate) fn report(n_normal: usize, seed: u64) -> Result<Report> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |missed, distance| {
        let mut test: Vec<f64> = (0..n_normal).map(|_| normal_score(&mut random)).collect();
        let anomalies = (0..n_normal / 4).map(|_| anomalous_score(&mut random, missed, distance));
        test.extend(anomalies);
        let label = |i| {
            if i < n_normal {
                Label::Normal
            } else {
                Label::Anomalous
            }
        };
        Scores {
            labels: (0..test.len()).map(label).collect(),
            test,
            held_out: (0..5_000).map(|_| normal_score(&mut random)).collect(),
        }
    };
    let combined = draw(0.048, 2.9);
    let paper = draw(0.09, 2.0);
    let baselines = [
        ("isolation forest", draw(0.09, 2.6), 9.4),
        ("PCA", draw(0.16, 2.2), 2.1),
        ("k nearest neighbours", draw(0.075, 2.5), 61.0),
    ];
    let model = measured("combined", &combined, true, Some(171.0))?;
    let calibration = Calibration::fit(&combined.held_out)?;
    let (normal, anomalous) = (combined.of(Label::Normal), combined.of(Label::Anomalous));
    let threshold = model.metrics.threshold;
    Ok(Report {
        run: run(&columns()),
        evaluation: Some(Evaluation {
            notes: Vec::new(),
            chosen_threshold: None,
            data: "kddcup.data_10_percent.gz, second half".into(),
            rule: Some("the 20 % highest scores are flagged".into()),
            recommended: Some("combined".into()),
            remarks: Vec::new(),
            variants: vec![model, measured("paper (0.9, 0.1)", &paper, false, None)?],
            published: published(),
            baselines: baselines
                .iter()
                .map(|(name, scores, seconds)| measured(name, scores, true, Some(*seconds)))
                .collect::<Result<_>>()?,
            histogram: Histogram::new(&combined.held_out, &normal, &anomalous, &[], threshold),
            false_alarms: observed_false_alarms(
                &combined.test,
                &combined.labels,
                &calibration,
                &RATES,
            )?,
            by_group: None,
            pixels: None,
            cautions: vec![],
            parts: None,
            most_anomalous: cases(&calibration, &combined, None, true, 6),
            missed: cases(&calibration, &combined, Some(Label::Anomalous), false, 3),
            flagged_normals: cases(&calibration, &combined, Some(Label::Normal), true, 3),
            thresholds: Some(Thresholds::new(
                &combined.test,
                &combined.labels,
                threshold,
                |score| calibration.p_value(score),
            )),
            gallery: None,
        }),
        training: Some(training(&mut random)),
        data: Some(data(&columns())),
        images: vec![],
        environment: vec![
            Fact::new("CPU", "2 cores, AVX2"),
            Fact::new("memory peak", "0.9 GB"),
            Fact::new("device", "flex (CPU), 2 threads"),
            Fact::new("system", "Linux x86_64"),
        ],
    })
}

fn measured(name: &str, scores: &Scores, drawn: bool, seconds: Option<f64>) -> Result<Measured> {
    let (test, labels) = (&*scores.test, &*scores.labels);
    let top = top_fraction(test, 0.2)?;
    Ok(Measured {
        name: name.into(),
        metrics: Metrics::with_flags(test, labels, &top.anomalous, Some(top.threshold), 0)?,
        roc: if drawn {
            Some(roc_curve(test, labels, 500, 0)?)
        } else {
            None
        },
        precision_recall: match drawn {
            true => Some(precision_recall_curve(test, labels, 500, 0)?),
            false => None,
        },
        seconds,
    })
}

fn published() -> Vec<Published> {
    [
        ("Zenati et al. 2018", 0.9200, 0.9582, 0.9372),
        ("the survey, table 3", 0.9412, 0.9562, 0.9486),
    ]
    .map(|(source, precision, recall, f1)| Published {
        name: "EGBAD".into(),
        source: source.into(),
        precision: Some(precision),
        recall: Some(recall),
        f1: Some(f1),
        ..Published::default()
    })
    .into()
}

fn gauss(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Two parts in units of their spread, summed: mostly below zero, with a long tail.
fn normal_score(random: &mut ChaCha8Rng) -> f64 {
    (0.75 * gauss(random)).exp() * 1.3 - 1.7
}

fn anomalous_score(random: &mut ChaCha8Rng, missed: f64, distance: f64) -> f64 {
    if random.random::<f64>() < missed {
        normal_score(random) + 1.0
    } else {
        (distance + 0.8 * gauss(random)).exp() + 1.0
    }
}

const REASONS: [[(&str, f64, &str, &str); 3]; 3] = [
    [
        ("src_bytes", 0.61, "5135678", "0 to 54,540, median 1,032"),
        ("duration", 0.14, "4451", "0"),
        ("service", 0.08, "ftp_data", "ecr_i (71 %), private (22 %)"),
    ],
    [
        ("hot", 0.34, "30", "0 to 2, median 0"),
        ("num_failed_logins", 0.22, "4", "0"),
        ("flag", 0.17, "SF", "SF (77 %), S0 (21 %)"),
    ],
    [
        ("dst_host_srv_diff_host_rate", 0.28, "0.67", "0 to 0.02"),
        ("srv_count", 0.26, "1", "2 to 511, median 510"),
        ("logged_in", 0.19, "1", "0 (99.6 %)"),
    ],
];

fn cases(
    calibration: &Calibration,
    scores: &Scores,
    only: Option<Label>,
    highest: bool,
    n: usize,
) -> Vec<Case> {
    let mut order: Vec<usize> = (0..scores.test.len())
        .filter(|&i| only.is_none_or(|label| scores.labels[i] == label))
        .collect();
    order.sort_by(|&a, &b| scores.test[b].total_cmp(&scores.test[a]));
    if !highest {
        order.reverse();
    }
    let case = |(i, &at): (usize, &usize)| {
        let (score, label) = (scores.test[at], scores.labels[at]);
        Case {
            id: format!("row {}", 1_000 + 7 * at),
            score,
            p_value: Some(calibration.p_value(score)),
            label: Some(label),
            class: Some(
                if label == Label::Normal {
                    "smurf."
                } else {
                    "normal."
                }
                .into(),
            ),
            parts: vec![
                Part {
                    name: "residual".into(),
                    value: 0.7 * score,
                },
                Part {
                    name: "feature".into(),
                    value: 0.3 * score,
                },
            ],
            reasons: REASONS[i % REASONS.len()]
                .map(|(column, share, found, typical)| Reason {
                    column: column.into(),
                    share,
                    found: found.into(),
                    typical: typical.into(),
                })
                .into(),
            image: None,
        }
    };
    order.iter().take(n).enumerate().map(case).collect()
}

const EPOCHS: u32 = 10;
const STEPS: u32 = 120;

fn training(random: &mut ChaCha8Rng) -> Training {
    let mut loss = |name: &str, start: f64, end: f64| {
        let points = (1..=EPOCHS * STEPS).map(|step| {
            let epoch = f64::from(step) / f64::from(STEPS);
            let fall = (-epoch / 1.5).exp();
            [
                epoch,
                (end + (start - end) * fall) * (1.0 + 0.12 * gauss(random)),
            ]
        });
        Series::new(name, points.collect::<Vec<_>>())
    };
    let losses = vec![
        loss("G", 0.9, 1.9),
        loss("E", 1.4, 2.3),
        loss("D", 1.38, 0.62),
    ];
    let epochs = || (1..=EPOCHS).map(f64::from);
    Training {
        losses,
        monitors: vec![
            Series::new(
                "D(x, E(x))",
                epochs().map(|e| [e, 0.5 + 0.24 * (1.0 - (-e / 2.0).exp())]),
            ),
            Series::new(
                "D(G(z), z)",
                epochs().map(|e| [e, 0.5 - 0.28 * (1.0 - (-e / 2.0).exp())]),
            ),
        ],
        held_out: (1..=EPOCHS)
            .map(|epoch| {
                let rest = (-f64::from(epoch) / 2.0).exp();
                HeldOut {
                    epoch,
                    mean: 0.11 + 0.5 * rest,
                    sd: 0.06 + 0.16 * rest,
                }
            })
            .collect(),
        chosen_epoch: Some(8),
        chosen_because: Some("lowest mean score of held-out normals".into()),
        warnings: vec![Warning {
            epoch: Some(3),
            message: "the discriminator is winning: D(x, E(x)) − D(G(z), z) is 0.62; a lower \
                      learning rate for D may help"
                .into(),
        }],
    }
}

fn columns() -> Vec<ColumnSpec> {
    let categories = ["protocol_type", "service", "flag", "land", "logged_in"];
    let numbers = [
        "duration",
        "src_bytes",
        "dst_bytes",
        "wrong_fragment",
        "urgent",
        "hot",
        "num_failed_logins",
        "num_compromised",
        "root_shell",
        "num_root",
        "count",
        "srv_count",
        "serror_rate",
        "same_srv_rate",
        "dst_host_count",
        "dst_host_srv_diff_host_rate",
    ];
    let column = |kind| {
        move |&name: &&str| ColumnSpec {
            name: name.into(),
            kind,
        }
    };
    categories
        .iter()
        .map(column(ColumnKind::Category))
        .chain(numbers.iter().map(column(ColumnKind::Number)))
        .collect()
}

fn run(columns: &[ColumnSpec]) -> Run {
    Run {
        model: "EGBAD".into(),
        data: "kddcup.data_10_percent.gz".into(),
        protocol: Some(
            "The survey’s protocol for KDD Cup 99: a seeded 50/50 split, trained on attacks, \
             “normal.” records are the anomalies, the test half thinned to 20 % anomalies."
                .into(),
        ),
        n_train: Some(193_371),
        n_held_out: Some(5_000),
        input: Some(InputSpec::Table { columns: columns.to_vec() }),
        n_features: Some(121),
        features: None,
        seed: Some(0),
        date: Some("2026-03-01T09:30:12Z".into()),
        version: "0.1.0".into(),
        seconds: Some(192.4),
        command: Some("unlike quickstart --seed 0".into()),
        config: Some("model = \"egbad\"\nlatent_dim = 32\nepochs = 10\nbatch_size = 256\nscore = \"combined\"\n\n[optimiser]\nlearning_rate = 2e-4\nbetas = [0.5, 0.999]\n".into()),
    }
}

fn data(columns: &[ColumnSpec]) -> Data {
    let note = |c: &ColumnSpec| ColumnNote {
        name: c.name.clone(),
        kind: c.kind,
        rule: match c.kind {
            ColumnKind::Number => "min–max to [−1, 1]".into(),
            ColumnKind::Category => "one-hot with “other”".into(),
        },
        n_features: if c.kind == ColumnKind::Number { 1 } else { 4 },
        note: (c.name == "urgent").then(|| "constant in training".into()),
    };
    Data {
        columns: columns.iter().map(note).collect(),
        rules: vec!["Missing cells become the training median, with an indicator column.".into()],
        notes: vec![
            "3 values of “service” did not occur in training and were read as “other”.".into(),
        ],
    }
}
