#![doc = include_str!("../../../README.md")]

pub mod backend;
mod file;
mod fingerprint;
mod generated;
pub mod model;
pub mod models;
#[cfg(test)]
mod mutations;
pub mod nn;
pub mod rng;
pub mod train;

pub use model::{Model, Provenance, Scored};
pub use models::ModelConfig;
pub use train::{RunOptions, TrainConfig, fit};
pub use unlike_core as core;
pub use unlike_core::{
    Calibration, Decision, Decisions, Detector, Error, Explanations, InputSpec, Label,
    LabelledSamples, Result, Samples, ScoreParts, Scores, Table,
};
pub use unlike_data as data;
