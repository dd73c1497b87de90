#![doc = include_str!("../../../README.md")]

pub mod backend;
mod file;
mod fingerprint;
mod generated;
pub mod judge;
pub mod model;
pub mod models;
pub mod nn;
pub mod rng;
pub mod settings;
pub mod train;

pub use judge::{About, Judge, Judged};
pub use model::{Model, Provenance, Scored};
pub use models::ModelConfig;
pub use settings::Settings;
pub use train::{RunOptions, TrainConfig, fit};
pub use unlike_core as core;
pub use unlike_core::{
    Calibration, Decision, Decisions, Detector, Error, Explanations, InputSpec, Label,
    LabelledSamples, Note, Result, Samples, ScoreParts, Scores, Table,
};
pub use unlike_data as data;
