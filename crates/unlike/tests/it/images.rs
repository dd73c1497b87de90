//! Every model for images passes the conformance suite with every score that it offers, before and
//! after it is saved.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Error, Model, ModelConfig, RunOptions, Samples, TrainConfig,
    core::{Images, conformance},
    fit,
    models::{Kind, anogan::Anogan, bigan::Bigan, egbad::Egbad, fanogan::Fanogan},
    settings::{Width, Widths},
    train::{Augmentation, Observer, Silent, with_threads},
};

use crate::training::{StopAfter, keeping, shorten, switch_spectral_norm};

const SIDE: usize = 16;

/// Stripes of any direction, width and phase.
pub(crate) fn normals(n: usize) -> Samples {
    images(n, 21, |rng| {
        let [a, b, phase] = [0.2..1.0, -0.5..0.5, 0.0..6.3].map(|r| rng.random_range::<f32, _>(r));
        (0..SIDE * SIDE)
            .map(|i| (a * (i % SIDE) as f32 + b * (i / SIDE) as f32 + phase).sin())
            .collect()
    })
}

/// Black and white at random.
fn anomalies(n: usize) -> Samples {
    images(n, 22, |rng| {
        (0..SIDE * SIDE)
            .map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 })
            .collect()
    })
}

fn images(n: usize, seed: u64, draw: impl Fn(&mut ChaCha8Rng) -> Vec<f32>) -> Samples {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pixels = (0..n).flat_map(|_| draw(&mut rng)).collect();
    let ids = (0..n).map(|i| i.to_string()).collect();
    Samples::Images(Images::new("a test", [SIDE, SIDE, 1], pixels, ids).unwrap())
}

/// Narrow networks and a short search.
pub(crate) fn config(name: &str, samples: usize, epochs: usize) -> TrainConfig {
    let mut config = TrainConfig::recommended_for(name, Kind::Images, samples).unwrap();
    config.epochs = epochs;
    config.batch_size = 32;
    shorten(&mut config.model);
    let model = &mut config.model;
    let narrow = |egbad: &mut Egbad| {
        egbad.networks.width = Some(Width::of(8));
        egbad.networks.generator = Widths::of([64]);
        egbad.networks.discriminator_z = Widths::of([32]);
        egbad.networks.discriminator_joint = Widths::of([64]);
    };
    if let Some(egbad) = model.get_mut::<Egbad>() {
        narrow(egbad);
    }
    if let Some(Bigan(egbad)) = model.get_mut() {
        narrow(egbad);
    }
    if let Some(anogan) = model.get_mut::<Anogan>() {
        anogan.networks.width = Some(Width::of(8));
        anogan.networks.generator = Widths::of([64]);
        anogan.networks.discriminator = Widths::of([64]);
    }
    if let Some(fanogan) = model.get_mut::<Fanogan>() {
        fanogan.networks.width = Some(Width::of(8));
    }
    config
}

fn trained(name: &str) -> Model {
    let samples = normals(400);
    let config = config(name, samples.len(), 3);
    fit(&config, &samples, &RunOptions::default(), &mut Silent).unwrap()
}

fn file_of(config: &TrainConfig, options: &RunOptions, observer: &mut dyn Observer) -> Vec<u8> {
    let model = fit(config, &normals(150), options, observer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn threads_and_interruptions_change_no_bit_of_a_model_of_varied_images() {
    let all = ["egbad", "anogan", "fanogan", "ganomaly"].map(|name| config(name, 150, 2));
    let switched = all.clone().into_iter().filter_map(|config| {
        let model = switch_spectral_norm(config.model)?;
        Some(TrainConfig { model, ..config })
    });
    for mut config in all.into_iter().chain(switched) {
        let name = config.model.name();
        config.augmentation = Some(Augmentation {
            flip_horizontal: true,
            shift: 2,
            rotation: 5.0,
            ..Augmentation::default()
        });
        let on = |threads| {
            let train = || file_of(&config, &RunOptions::default(), &mut Silent);
            with_threads(threads, train).unwrap()
        };
        let one = on(1);
        assert!(one == on(2) && one == on(3), "{name}: the threads count");
        // Of f-AnoGAN's eight steps four are of the first stage.
        for stop in [2, 4, 6] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            let options = keeping(&path, false);
            let stopped = fit(&config, &normals(150), &options, &mut StopAfter(stop));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}");
            let resumed = file_of(&config, &keeping(&path, true), &mut Silent);
            assert!(resumed == one, "{name}: a stop after {stop} steps counts");
        }
    }
}

#[test]
fn every_model_with_every_score_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = normals(40);
    for name in ModelConfig::names() {
        let path = folder.path().join(name);
        let mut model = trained(name);
        model.save(&path).unwrap();
        let names: Vec<String> = model.score_names().map(str::to_owned).collect();
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        // Of a detector of pixels, contributions make one map more.
        assert_eq!(names.contains(&"map".into()), name != "simplenet");
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
    for name in ModelConfig::names() {
        let violations = conformance::check_same(&trained(name), &trained(name), &normals(20));
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn gross_anomalies_score_higher_than_normals() {
    for name in ModelConfig::names() {
        let violations = conformance::check_direction(&trained(name), &normals(60), &anomalies(40));
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}
