//! Every model passes the conformance suite with every score that it offers, before and after it
//! is saved.

use unlike::{
    Model, ModelConfig, RunOptions, Samples, TrainConfig, core::conformance, fit, models::Kind,
};

use crate::training::{anomalies, normals, shorten};

fn trained(name: &str, rows: usize) -> Model {
    let mut config = TrainConfig::recommended_for(name, Kind::Table, rows).unwrap();
    config.epochs = 4;
    config.batch_size = 64;
    shorten(&mut config.model);
    let normal = Samples::Table(normals(rows));
    fit(
        &config,
        &normal,
        &RunOptions::default(),
        &mut unlike::train::Silent,
    )
    .unwrap()
}

#[test]
fn every_model_with_every_score_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = Samples::Table(normals(150));
    for name in ModelConfig::NAMES {
        let path = folder.path().join(name);
        trained(name, 600).save(&path).unwrap();
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
fn gross_anomalies_score_higher_than_normals() {
    let (normal, anomalous) = (Samples::Table(normals(200)), Samples::Table(anomalies(50)));
    for name in ModelConfig::NAMES {
        let violations = conformance::check_direction(&trained(name, 1500), &normal, &anomalous);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}
