//! What is done with bytes of unknown origin: everything that unlike reads, to the end. Errors are expected;
//! panics, endless loops and memory without bounds are what is looked for.
//!
//! ```sh
//! cargo +nightly fuzz run csv          # of csv, json, npy, npz, parquet, idx, list, model, config, resume
//! ```
//!
//! What was found goes into `corpus/<target>/`, which the ordinary tests read, too.

use std::{fs, path::Path, sync::OnceLock};

use unlike::{
    ConfigFile, Judge, Model, RunOptions, Samples, TrainConfig, fit,
    train::{Flow, Silent},
};
use unlike_core::Table;
use unlike_data::{
    BadRows, Chunks, Format, Preprocessing, PreprocessingConfig, ReadOptions, Remarks, read,
};
use unlike_results::Scoring;

/// All targets.
pub const TARGETS: [&str; 10] = [
    "csv", "json", "npy", "npz", "parquet", "idx", "list", "model", "config", "resume",
];

/// Reads bytes as a target does.
///
/// # Panics
/// If there is no such target; and where there is a bug.
pub fn run(target: &str, bytes: &[u8]) {
    match target {
        "csv" => table(Format::Csv, bytes),
        "json" => table(Format::Json, bytes),
        "npy" => table(Format::Npy, bytes),
        "npz" => table(Format::Npz, bytes),
        "parquet" => table(Format::Parquet, bytes),
        "idx" => table(Format::Idx, bytes),
        "list" => table(Format::Images, bytes),
        "model" => _ = Model::from_bytes(bytes, "model.safetensors", "cpu"),
        "config" => config(bytes),
        "resume" => resume(bytes),
        other => panic!("no target `{other}`"),
    }
}

/// A folder with these bytes in a file; gone after it.
fn in_file<T>(bytes: &[u8], name: &str, f: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    f(&path)
}

/// Reads a table at once, learns from it, and reads it again in parts.
fn table(format: Format, bytes: &[u8]) {
    in_file(bytes, "data", |path| {
        for bad_rows in BadRows::ALL {
            let options = ReadOptions {
                format: Some(format),
                bad_rows,
                ..ReadOptions::default()
            };
            let Ok(data) = read(path, &options) else {
                continue;
            };
            let config = PreprocessingConfig {
                reading: data.reading().clone(),
                ..PreprocessingConfig::default()
            };
            let Ok(fitted) = Preprocessing::fit(data.samples(), &config) else {
                continue;
            };
            _ = fitted.transform(data.samples());
            let options = fitted.read_options(options);
            let Ok(chunks) = Chunks::open(&[path], &options) else {
                continue;
            };
            let mut chunks = chunks.of(3, 64);
            let mut remarks = Remarks::default();
            while let Ok(Some(chunk)) = chunks.next() {
                _ = fitted.transform(chunk.data.samples());
                remarks.merge(chunk.remarks);
            }
            _ = chunks.finish(&remarks);
        }
    });
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
