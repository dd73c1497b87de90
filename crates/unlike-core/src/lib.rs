//! The vocabulary of `unlike`, without a tensor framework.
//!
//! The way of the data is one line: files → reader → [`Samples`] → fitted preprocessing →
//! [`Features`] → [`Detector`] → [`Scores`] → [`Calibration`] → [`Decisions`] → report.
//! Each arrow is one type of this crate.

pub mod calibration;
pub mod conformance;
pub mod decision;
pub mod detector;
pub mod error;
pub mod features;
pub mod metrics;
pub mod samples;
pub mod score;

pub use calibration::Calibration;
pub use decision::{Decision, Decisions};
pub use detector::{
    ColumnSpec, Detector, Explanations, InputSpec, ScoreParts, Scores,
};
pub use error::{Error, Location, Result};
pub use features::{FeatureShape, Features};
pub use samples::{
    Column, ColumnKind, Images, Label, LabelledSamples, MISSING, Samples, Table, Values,
};
pub use score::ScoreRule;
