//! Model files, settings, and what scoring goes on from.

use std::{fs, sync::OnceLock};

use unlike::{
    ConfigFile, Judge, Model, RunOptions, Samples, TrainConfig, fit,
    train::{Flow, Silent},
};
use unlike_core::Table;
use unlike_data::ReadOptions;
use unlike_results::Scoring;

use super::readers::in_file;

/// All targets.
pub const TARGETS: [&str; 3] = ["model", "config", "resume"];

/// Reads bytes as a target does.
///
/// # Panics
/// If there is no such target; and where there is a bug.
pub fn run(target: &str, bytes: &[u8]) {
    match target {
        "model" => _ = Model::from_bytes(bytes, "model.safetensors", "cpu"),
        "config" => config(bytes),
        "resume" => resume(bytes),
        other => panic!("no target `{other}`"),
    }
}

fn rows() -> Samples {
    let values: Vec<f64> = (0..240u32).map(|i| f64::from(i * i % 17)).collect();
    Samples::Table(Table::from_rows("t", &["a", "b"], &values).expect("a table"))
}

fn config(bytes: &[u8]) {
    in_file(bytes, "config.toml", |path| {
        for model in [None, Some("pca"), Some("egbad")] {
            if let Ok(settings) = ConfigFile::load(model, Some(path)) {
                _ = settings.reading();
                _ = settings.features();
                _ = settings.for_samples(&rows(), None);
            }
        }
    });
}

/// Goes on from what an interrupted scoring is said to have left.
fn resume(bytes: &[u8]) {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    let judge = JUDGE.get_or_init(|| {
        let config = TrainConfig::recommended("pca", &rows()).expect("settings");
        let model = fit(&config, &rows(), &RunOptions::default(), &mut Silent);
        Judge::new(model.expect("a model"))
    });
    in_file(bytes, "left", |left| {
        let data = left.with_file_name("data.csv");
        fs::write(&data, "a,b\n".to_owned() + &"1,2\n3,4\n".repeat(20)).expect("a file");
        let options = judge
            .model()
            .preprocessing()
            .read_options(ReadOptions::default());
        let scoring = Scoring::new(judge, &[&data], &options).expect("a model of rows");
        let mut scoring = scoring.of(3, 16).resumable(left, true);
        if let Ok(mut scores) = scoring.run(|_| Flow::Continue) {
            assert_eq!(scores.len(), 40);
            scores
                .save(left.with_file_name("scores.csv"))
                .expect("scores");
        }
    });
}
