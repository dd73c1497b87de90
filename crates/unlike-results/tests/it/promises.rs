//! Whether promises are kept: 200 random splits of each of five tables, by detectors that train in
//! milliseconds.

use std::path::Path;

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use unlike::{
    Decision, Judge, Label, LabelledSamples, Model, RunOptions, Samples, Table, TrainConfig,
    core::{Column, Values},
    data::{ReadOptions, read},
    fit, fit_cross,
    groups::groups_of,
    train::Silent,
};

const SPLITS: usize = 200;
const DETECTORS: [&str; 3] = ["pca", "knn", "ecod"];

fn bundled(name: &str, rows: usize) -> LabelledSamples {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data")
        .join(name);
    let labelled = read(path, &ReadOptions::default())
        .unwrap()
        .into_labelled()
        .unwrap();
    // Evenly over the file, which may be in order.
    let step = (labelled.labels().len() / rows).max(1);
    let some: Vec<usize> = (0..labelled.labels().len()).step_by(step).collect();
    labelled.select(&some)
}

/// Normals around a plane, or of heavy tails and few values; anomalies off it, or far out.
fn generated(heavy: bool) -> LabelledSamples {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut uniform = || (f64::from(rng.next_u32()) + 0.5) / (1u64 << 32) as f64;
    let mut columns = vec![Vec::new(); 4];
    let label = |i: usize| {
        if i % 12 == 11 {
            Label::Anomalous
        } else {
            Label::Normal
        }
    };
    for i in 0..1500 {
        let odd = label(i) == Label::Anomalous;
        let [a, b, c] = [uniform(), uniform(), uniform()];
        let row = match heavy {
            true => {
                let tail = (1.0 / a).powf(0.7);
                let factor = if odd { 8.0 } else { 1.0 };
                [
                    (tail * factor).floor(),
                    (b * 6.0).floor(),
                    tail + c,
                    (c * 3.0).floor(),
                ]
            }
            false => [a, b, a + b + 0.05 * c + if odd { 0.5 } else { 0.0 }, a - b],
        };
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let column = |(i, values): (usize, Vec<f64>)| Column {
        name: format!("c{i}").into(),
        values: Values::Number(values),
    };
    let columns = columns.into_iter().enumerate().map(column).collect();
    let labels = (0..1500).map(label).collect();
    LabelledSamples::new(
        Samples::Table(Table::new("generated", columns).unwrap()),
        labels,
    )
    .unwrap()
}

fn tables() -> [(&'static str, LabelledSamples); 5] {
    [
        ("cardio", bundled("cardio.npz", 1800)),
        ("thyroid", bundled("thyroid.npz", 1800)),
        ("KDD Cup 99", bundled("kddcup.data_10_percent.gz", 6000)),
        ("plane", generated(false)),
        ("heavy tails", generated(true)),
    ]
}

/// A model of some of the samples, calibrated on others.
fn calibrated(detector: &str, samples: &Samples, train: &[usize], calibrate: &[usize]) -> Model {
    let train = samples.select(train);
    let config = TrainConfig::recommended(detector, &train).unwrap();
    let model = fit(&config, &train, &RunOptions::default(), &mut Silent).unwrap();
    model.recalibrate(&samples.select(calibrate)).unwrap()
}

struct Drawn {
    normals: Vec<usize>,
    anomalies: Vec<usize>,
}

fn drawn(labelled: &LabelledSamples, seed: usize) -> Drawn {
    let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
    let [mut normals, mut anomalies] =
        [Label::Normal, Label::Anomalous].map(|label| labelled.positions(label));
    normals.shuffle(&mut rng);
    anomalies.shuffle(&mut rng);
    anomalies.truncate(20);
    Drawn { normals, anomalies }
}

/// The mean, and three of its standard errors over the splits.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 3.0 * (variance / n).sqrt())
}

#[test]
fn false_alarm_and_false_discovery_rates_hold_on_five_tables() {
    const RATES: [f64; 3] = [0.01, 0.05, 0.1];
    const FDRS: [f64; 3] = [0.05, 0.1, 0.2];
    for (name, labelled) in tables() {
        let split = |seed: usize| {
            let Drawn { normals, anomalies } = drawn(&labelled, seed);
            let model = calibrated(
                DETECTORS[seed % 3],
                labelled.samples(),
                &normals[..250],
                &normals[250..449],
            );
            let test: Vec<usize> = [&normals[449..649], &anomalies].concat();
            let scores = model
                .evaluate(&labelled.samples().select(&test))
                .unwrap()
                .scores;
            let decide = |decision: Decision| {
                let decisions = decision.decide(&scores, model.calibration()).unwrap();
                let wrong = decisions.anomalous[..200].iter().filter(|&&f| f).count();
                (wrong as f64, decisions.count().max(1) as f64)
            };
            let alarms = RATES.map(|rate| decide(Decision::FalseAlarms(rate)).0 / 200.0);
            let fdr = FDRS.map(|rate| {
                let (wrong, flagged) = decide(Decision::Fdr(rate));
                wrong / flagged
            });
            let storey = FDRS.map(|rate| {
                let (wrong, flagged) = decide(Decision::FdrStorey(rate));
                wrong / flagged
            });
            (alarms, fdr, storey)
        };
        let splits: Vec<_> = (0..SPLITS).into_par_iter().map(split).collect();
        for (i, rate) in RATES.into_iter().enumerate() {
            let alarms: Vec<f64> = splits.iter().map(|s| s.0[i]).collect();
            let (mean, error) = mean_and_error(&alarms);
            assert!(mean <= rate + error, "{name}: {mean} at {rate}");
            // Few values tie, and then less is kept than promised.
            assert!(
                mean >= rate - error || name == "heavy tails" || name == "KDD Cup 99",
                "{name}: {mean} at {rate}"
            );
        }
        for (i, rate) in FDRS.into_iter().enumerate() {
            for of in [
                |s: &([f64; 3], [f64; 3], [f64; 3])| s.1,
                |s: &([f64; 3], [f64; 3], [f64; 3])| s.2,
            ] {
                let shares: Vec<f64> = splits.iter().map(|s| of(s)[i]).collect();
                let (mean, error) = mean_and_error(&shares);
                assert!(mean <= rate + error, "{name}: {mean} at {rate}");
            }
        }
    }
}

#[test]
fn rates_hold_in_each_group() {
    let rate = 0.1;
    let labelled = bundled("kddcup.data_10_percent.gz", 12_000);
    let split = |seed: usize| {
        let Drawn { normals, .. } = drawn(&labelled, seed);
        let samples = labelled.samples();
        let by = "protocol_type";
        let held_out = samples.select(&normals[300..900]);
        let model = calibrated(
            DETECTORS[seed % 3],
            samples,
            &normals[..300],
            &normals[300..900],
        )
        .with_groups(by, &groups_of(&held_out, by).unwrap())
        .unwrap();
        let test = samples.select(&normals[900..1500]);
        let groups = groups_of(&test, by).unwrap();
        let judge = Judge::new(model)
            .with_decision(Decision::FalseAlarms(rate))
            .unwrap();
        let flags = judge.judge(&test).unwrap().decisions.anomalous;
        ["tcp", "udp"].map(|group| {
            let of = groups.iter().zip(&flags).filter(|(g, _)| *g == group);
            let (mut all, mut flagged) = (0, 0);
            of.for_each(|(_, &f)| {
                all += 1;
                flagged += usize::from(f);
            });
            f64::from(flagged as u32) / f64::from(all as u32)
        })
    };
    let splits: Vec<[f64; 2]> = (0..SPLITS).into_par_iter().map(split).collect();
    for group in 0..2 {
        let rates: Vec<f64> = splits.iter().map(|s| s[group]).collect();
        let (mean, error) = mean_and_error(&rates);
        assert!(
            mean <= rate + error && mean > 0.3 * rate,
            "group {group}: {mean}"
        );
    }
}

#[test]
fn few_normals_calibrate_by_folds() {
    let labelled = bundled("cardio.npz", 1800);
    for (normals_there, rate) in [(40, 0.05), (60, 0.05), (100, 0.02)] {
        let split = |seed: usize| {
            let Drawn { normals, anomalies } = drawn(&labelled, seed);
            let train = labelled.samples().select(&normals[..normals_there]);
            let detector = DETECTORS[seed % 3];
            let config = TrainConfig::recommended(detector, &train).unwrap();
            let model = fit_cross(&config, &train, 5, &RunOptions::default(), &mut Silent).unwrap();
            assert_eq!(
                (model.n_folds(), model.calibration().len()),
                (5, normals_there)
            );
            let judge = Judge::new(model)
                .with_decision(Decision::FalseAlarms(rate))
                .unwrap();
            let test = [&normals[200..400], &anomalies].concat();
            let judged = judge.judge(&labelled.samples().select(&test)).unwrap();
            let flags = &judged.decisions.anomalous;
            let share =
                |flags: &[bool]| flags.iter().filter(|&&f| f).count() as f64 / flags.len() as f64;
            (share(&flags[..200]), share(&flags[200..]))
        };
        let splits: Vec<(f64, f64)> = (0..SPLITS).into_par_iter().map(split).collect();
        let (mean, error) = mean_and_error(&splits.iter().map(|s| s.0).collect::<Vec<_>>());
        assert!(
            mean <= rate + error && mean > 0.3 * rate,
            "{normals_there}: {mean} at {rate}"
        );
        let (found, _) = mean_and_error(&splits.iter().map(|s| s.1).collect::<Vec<_>>());
        assert!(found > 3.0 * rate, "{normals_there}: {found} of anomalies");
    }
    // Held out once, a tenth of as many could promise nothing of the kind.
    let train = labelled
        .samples()
        .select(&labelled.positions(Label::Normal)[..60]);
    let config = TrainConfig::recommended("pca", &train).unwrap();
    let model = fit(&config, &train, &RunOptions::default(), &mut Silent).unwrap();
    assert!(model.calibration().smallest_rate() > 0.05);
}

#[test]
fn groups_folds_and_probabilities_are_in_the_file() {
    let labelled = generated(false);
    let normals = labelled.normals();
    let config = TrainConfig::recommended("pca", &normals).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let judged = |model: Model| {
        model.save(file.path()).unwrap();
        let loaded = Model::load(file.path()).unwrap();
        let [one, other] =
            [model, loaded].map(|m| Judge::new(m).judge(labelled.samples()).unwrap());
        assert_eq!(one, other);
        one
    };
    let crossed = fit_cross(&config, &normals, 3, &RunOptions::default(), &mut Silent).unwrap();
    let plain = fit(&config, &normals, &RunOptions::default(), &mut Silent).unwrap();
    let by_folds = judged(crossed);
    assert_eq!(by_folds.decisions.threshold, None);
    let model = plain.with_probabilities(&labelled).unwrap();
    let probable = judged(model).probabilities.unwrap();
    let mean = |label: Label| {
        let of = labelled.positions(label);
        of.iter().map(|&i| probable[i].point()).sum::<f64>() / of.len() as f64
    };
    assert!(mean(Label::Anomalous) > 0.5 && mean(Label::Normal) < 0.1);

    let heavy = generated(true);
    let normals = heavy.normals();
    let config = TrainConfig::recommended("ecod", &normals).unwrap();
    let grouped = fit(&config, &normals, &RunOptions::default(), &mut Silent).unwrap();
    let grouped = grouped.grouped_as_trained(&normals, "c3").unwrap();
    let sizes: Vec<usize> = grouped
        .group_calibrations()
        .unwrap()
        .groups()
        .map(|(_, c)| c.len())
        .collect();
    assert_eq!(
        (sizes.len(), sizes.iter().sum::<usize>()),
        (3, grouped.calibration().len())
    );
    grouped.save(file.path()).unwrap();
    let loaded = Model::load(file.path()).unwrap();
    assert_eq!(loaded.group_calibrations(), grouped.group_calibrations());
    let judge = Judge::new(loaded)
        .with_decision(Decision::FalseAlarms(0.02))
        .unwrap();
    let notes = judge.judge(heavy.samples()).unwrap().notes;
    assert!(notes.iter().all(|note| note.code() != "groups-unseen"));
    // A group that no held-out normal belongs to, and no column at all.
    let Samples::Table(table) = heavy.samples() else {
        panic!("a table")
    };
    let other = Column {
        name: "c3".into(),
        values: Values::Number(vec![7.0; table.rows()]),
    };
    let mut columns = table.clone().without(&["c3"]).columns().to_vec();
    assert!(
        groups_of(
            &Samples::Table(Table::new("t", columns.clone()).unwrap()),
            "c3"
        )
        .is_err()
    );
    columns.push(other);
    let judged = judge
        .judge(&Samples::Table(Table::new("t", columns).unwrap()))
        .unwrap();
    let note = judged
        .notes
        .iter()
        .find(|note| note.code() == "groups-unseen")
        .unwrap();
    assert!(
        note.starts_with("1,500 rows of groups by `c3` without held-out normals"),
        "{note}"
    );
}
