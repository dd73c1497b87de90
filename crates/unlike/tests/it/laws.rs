//! Every model passes the conformance suite with every score that it offers, before and after it
//! is saved.

use unlike::{
    Model, ModelConfig, RunOptions, Samples, TrainConfig,
    core::conformance,
    fit,
    models::{
        Kind,
        anogan::{Anogan, Start},
    },
    train::Silent,
};

use crate::training::{anomalies, normals, shorten, switch_spectral_norm};

fn trained(name: &str, rows: usize) -> Model {
    trained_as(name, rows, |model| model)
}

fn trained_as(name: &str, rows: usize, change: impl Fn(ModelConfig) -> ModelConfig) -> Model {
    let mut config = TrainConfig::recommended_for(name, Kind::Table, rows).unwrap();
    config.epochs = 4;
    config.batch_size = 64;
    config.members = 1;
    shorten(&mut config.model);
    config.model = change(config.model);
    let normal = Samples::Table(normals(rows));
    fit(&config, &normal, &RunOptions::default(), &mut Silent).unwrap()
}

#[test]
fn every_model_with_every_score_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = Samples::Table(normals(150));
    for name in ModelConfig::names() {
        let path = folder.path().join(name);
        let saved = trained(name, 600);
        saved.save(&path).unwrap();
        let bytes = saved.to_bytes().unwrap();
        assert!(bytes == std::fs::read(&path).unwrap(), "{name}");
        let from_bytes = Model::from_bytes(&bytes, name, "cpu").unwrap();
        let violations = conformance::check_same(&saved, &from_bytes, &some);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        let names: Vec<String> = Model::load(&path)
            .unwrap()
            .score_names()
            .map(str::to_owned)
            .collect();
        for score in names {
            let model = trained(name, 600).with_score(&score).unwrap();
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
fn spectral_norm_switched_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let (normal, anomalous) = (Samples::Table(normals(150)), Samples::Table(anomalies(50)));
    for name in ["egbad", "anogan", "ganomaly"] {
        let path = folder.path().join(name);
        let model = trained_as(name, 1500, |model| switch_spectral_norm(model).unwrap());
        model.save(&path).unwrap();
        let violations = [
            conformance::check(&model, &normal),
            conformance::check_same(&model, &Model::load(&path).unwrap(), &normal),
            conformance::check_direction(&model, &normal, &anomalous),
        ]
        .concat();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn gross_anomalies_score_higher_than_normals() {
    let (normal, anomalous) = (Samples::Table(normals(200)), Samples::Table(anomalies(50)));
    for name in ModelConfig::names() {
        let violations = conformance::check_direction(&trained(name, 1500), &normal, &anomalous);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

/// Two epochs with another seed than the usual one, and searches that draw.
fn quick(name: &str) -> TrainConfig {
    let mut config = TrainConfig::recommended_for(name, Kind::Table, 300).unwrap();
    (config.epochs, config.batch_size, config.seed) = (2, 64, 77);
    shorten(&mut config.model);
    if let Some(anogan) = config.model.get_mut::<Anogan>() {
        anogan.search.start = Start::Random;
    }
    config
}

/// A training with another seed than the usual one: what draws while it scores must draw the same
/// after loading.
#[test]
fn models_of_every_seed_score_alike_after_loading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let (normal, some) = (Samples::Table(normals(300)), Samples::Table(normals(60)));
    for name in ModelConfig::names() {
        let model = fit(&quick(name), &normal, &RunOptions::default(), &mut Silent).unwrap();
        model.save(&path).unwrap();
        let violations = conformance::check_same(&model, &Model::load(&path).unwrap(), &some);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn networks_side_by_side_keep_the_laws_and_survive_saving() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let (normal, some) = (Samples::Table(normals(300)), Samples::Table(normals(60)));
    for name in ModelConfig::names() {
        let config = quick(name);
        let fitted = |members| {
            let config = TrainConfig {
                members,
                ..config.clone()
            };
            fit(&config, &normal, &RunOptions::default(), &mut Silent)
        };
        if !config.model.has_networks() {
            let error = fitted(3).unwrap_err().to_string();
            assert!(error.contains("`members` is 3"), "{error}");
            continue;
        }
        let (one, three) = (fitted(1).unwrap(), fitted(3).unwrap());
        assert_eq!(three.parameters(), 3 * one.parameters(), "{name}");
        let scores = [&one, &three].map(|model| model.evaluate(&some).unwrap().scores);
        assert_ne!(scores[0], scores[1], "{name}: the others do not count");
        three.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        let violations = [
            conformance::check(&three, &some),
            conformance::check_same(&three, &loaded, &some),
        ]
        .concat();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn an_ensemble_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let (normal, some) = (Samples::Table(normals(300)), Samples::Table(normals(60)));
    let mut config = TrainConfig::recommended_for("knn", Kind::Table, 300).unwrap();
    config.ensemble = vec!["pca".into(), "iforest".into()];
    let fitted = |config: &TrainConfig| fit(config, &normal, &RunOptions::default(), &mut Silent);
    let model = fitted(&config).unwrap();
    assert_eq!(
        model.config().title(),
        "k nearest neighbours + PCA + isolation forest"
    );
    assert_eq!(
        model.score_names().collect::<Vec<_>>(),
        ["ensemble", "distance", "pca", "iforest"]
    );
    // Each has the say that it has alone.
    let alone = TrainConfig {
        ensemble: Vec::new(),
        ..TrainConfig::recommended_for("pca", Kind::Table, 300).unwrap()
    };
    let said = model.evaluate(&some).unwrap();
    let pca: Vec<f64> = said
        .parts
        .get("pca")
        .unwrap()
        .iter()
        .map(|&v| f64::from(v))
        .collect();
    let alone = fitted(&alone).unwrap().evaluate(&some).unwrap().scores;
    let narrow: Vec<f64> = alone.iter().map(|&v| f64::from(v as f32)).collect();
    assert_eq!(pca, narrow);
    model.save(&path).unwrap();
    for score in ["ensemble", "pca", "distance"] {
        let [model, loaded] =
            [&path, &path].map(|path| Model::load(path).unwrap().with_score(score).unwrap());
        let violations = [
            conformance::check(&model, &some),
            conformance::check_same(&model, &loaded, &some),
        ]
        .concat();
        assert!(violations.is_empty(), "{score}: {violations:#?}");
    }
    let loaded = Model::load(&path).unwrap();
    let violations = conformance::check_same(&model, &loaded, &some);
    assert!(violations.is_empty(), "{violations:#?}");
    for (ensemble, named) in [
        (["pca", "pca"], "`pca` twice"),
        (["pca", "knn"], "`knn` twice"),
    ] {
        config.ensemble = ensemble.map(str::to_owned).to_vec();
        let error = fitted(&config).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_damaged_model_is_refused_wherever_the_damage_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for name in ModelConfig::names() {
        trained(name, 300).save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let refused = |what: String, bytes: &[u8]| {
            let damaged = folder.path().join("damaged");
            std::fs::write(&damaged, bytes).unwrap();
            let loaded = Model::load(&damaged);
            assert!(loaded.is_err(), "{name}, {what}: loads");
        };
        let places = [
            0,
            4,
            9,
            100,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() - 1,
        ];
        for at in places {
            refused(format!("cut at {at}"), &whole[..at]);
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            refused(format!("byte {at} changed"), &bytes);
        }
        refused("a byte more".into(), &[&whole[..], &[0]].concat());
    }
}

#[test]
fn anogan_keeps_the_laws_wherever_its_searches_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let some = Samples::Table(normals(150));
    for start in [Start::Random, Start::Nearest(64), Start::Encoder] {
        let model = trained_as("anogan", 600, |mut model| {
            model.get_mut::<Anogan>().unwrap().search.start = start;
            model
        });
        model.save(&path).unwrap();
        let violations = [
            conformance::check(&model, &some),
            conformance::check_same(&model, &Model::load(&path).unwrap(), &some),
        ]
        .concat();
        assert!(violations.is_empty(), "{start:?}: {violations:#?}");
    }
}
