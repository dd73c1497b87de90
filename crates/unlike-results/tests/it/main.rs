//! What a library user gets: judges, evaluations, tables, without a command line.

mod corpora;
mod evaluating;
mod judging;
mod promises;
mod reporting;

use std::sync::OnceLock;

use unlike::{
    Label, LabelledSamples, Model, RunOptions, Samples, Table, TrainConfig,
    core::{Column, Values},
    train::Silent,
};

/// Deterministic numbers in [0, 1), without pattern.
fn noise(i: usize) -> f64 {
    let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64
}

/// Rows in which speed follows size, except in every `odd`th, which are too fast.
fn rows(from: usize, count: usize, odd: usize) -> Samples {
    let range = from..from + count;
    let size: Vec<f64> = range.clone().map(|i| noise(2 * i)).collect();
    let speed = |i: usize| {
        let excess = if i % odd == odd - 1 { 2.0 } else { 0.0 };
        2.0 * noise(2 * i) + 0.1 * noise(2 * i + 1) + excess
    };
    let speed: Vec<f64> = range.map(speed).collect();
    let column = |name: &str, values| Column {
        name: name.into(),
        values: Values::Number(values),
    };
    let columns = vec![column("size", size), column("speed", speed)];
    Samples::Table(Table::new("rows", columns).unwrap())
}

/// 200 rows that no model has seen, every tenth too fast, and labelled so.
fn test_rows() -> LabelledSamples {
    let label = |i: usize| match i % 10 {
        9 => Label::Anomalous,
        _ => Label::Normal,
    };
    let labels = (0..200).map(label).collect();
    LabelledSamples::new(rows(10_000, 200, 10), labels).unwrap()
}

fn train(model: &str, normals: usize) -> Model {
    let samples = rows(0, normals, usize::MAX);
    let config = TrainConfig {
        epochs: 1,
        members: 1,
        ..TrainConfig::recommended(model, &samples).unwrap()
    };
    unlike::fit(&config, &samples, &RunOptions::default(), &mut Silent).unwrap()
}

/// A saved model of 600 rows; models are no longer the same object in two tests, but the same bits.
fn egbad() -> Model {
    static FILE: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        train("egbad", 600).save(file.path()).unwrap();
        file
    });
    Model::load(file.path()).unwrap()
}
