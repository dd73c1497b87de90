#![doc = include_str!("../../../README.md")]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "a paper's file is read beside the paper, private parts and all"
)]

pub mod backend;
mod complexity;
mod config_file;
mod cross;
pub mod described;
mod file;
mod fingerprint;
mod generated;
pub mod groups;
pub mod judge;
mod kind;
mod looks;
mod members;
pub mod method;
pub mod model;
pub mod models;
#[cfg(test)]
#[path = "tests/mutations.rs"]
mod mutations;
pub mod nn;
mod places;
pub mod presets;
pub mod registry;
pub mod rng;
pub mod settings;
mod sight;
pub mod train;

pub use config_file::ConfigFile;
pub use cross::fit_cross;
pub use fingerprint::Sketch;
pub use judge::{About, Judge, Judged, Placed};
pub use model::{Model, Provenance, Scored};
pub use registry::ModelConfig;
pub use train::{RunOptions, TrainConfig, fit};
pub use unlike_core as core;
pub use unlike_core::{
    Calibration, Decision, Decisions, Detector, Error, Explanations, InputSpec, Label,
    LabelledSamples, Note, Probability, Result, Samples, ScoreParts, Scores, Table, Ties,
};
pub use unlike_data as data;
pub use unlike_features as features;
pub use unlike_kernels as kernels;
