//! Every model for pictures passes the conformance suite with every score that it offers, before and
//! after it is saved.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Model, RunOptions, Samples, TrainConfig,
    core::{Images, conformance},
    fit,
    models::Kind,
};

/// The models that take pictures.
const NAMES: [&str; 1] = ["ganomaly"];

const SIDE: usize = 16;

/// Stripes of any direction, width and phase.
fn normals(n: usize) -> Samples {
    pictures(n, 21, |rng| {
        let [a, b, phase] = [0.2..1.0, -0.5..0.5, 0.0..6.3].map(|r| rng.random_range::<f32, _>(r));
        (0..SIDE * SIDE)
            .map(|i| (a * (i % SIDE) as f32 + b * (i / SIDE) as f32 + phase).sin())
            .collect()
    })
}

/// Black and white at random.
fn anomalies(n: usize) -> Samples {
    pictures(n, 22, |rng| {
        (0..SIDE * SIDE)
            .map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 })
            .collect()
    })
}

fn pictures(n: usize, seed: u64, draw: impl Fn(&mut ChaCha8Rng) -> Vec<f32>) -> Samples {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pixels = (0..n).flat_map(|_| draw(&mut rng)).collect();
    let ids = (0..n).map(|i| i.to_string()).collect();
    Samples::Images(Images::new("a test", [SIDE, SIDE, 1], pixels, ids).unwrap())
}

fn trained(name: &str) -> Model {
    let samples = normals(400);
    let mut config = TrainConfig::recommended_for(name, Kind::Images, samples.len()).unwrap();
    config.epochs = 3;
    config.batch_size = 32;
    fit(
        &config,
        &samples,
        &RunOptions::default(),
        &mut unlike::train::Silent,
    )
    .unwrap()
}

#[test]
fn every_model_with_every_score_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = normals(40);
    for name in NAMES {
        let path = folder.path().join(name);
        let mut model = trained(name);
        model.save(&path).unwrap();
        let names: Vec<String> = model.score_names().map(str::to_owned).collect();
        for score in names {
            model = model.with_score(&score).unwrap();
            let violations = conformance::check(&model, &some);
            assert!(violations.is_empty(), "{name}, {score}: {violations:#?}");
            let loaded = Model::load(&path).unwrap().with_score(&score).unwrap();
            let violations = conformance::check_same(&model, &loaded, &some);
            assert!(violations.is_empty(), "{name}, {score}: {violations:#?}");
            assert_eq!(model.calibration(), loaded.calibration(), "{name}, {score}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_model() {
    for name in NAMES {
        let violations = conformance::check_same(&trained(name), &trained(name), &normals(20));
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn gross_anomalies_score_higher_than_normals() {
    for name in NAMES {
        let violations = conformance::check_direction(&trained(name), &normals(60), &anomalies(40));
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}
