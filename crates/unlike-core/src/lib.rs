//! The vocabulary of `unlike`, without a tensor framework.
//!
//! The way of the data is one line: files → reader → [`Samples`] → fitted preprocessing →
//! [`Features`] → [`Detector`] → [`Scores`] → [`Calibration`] → [`Decisions`] → report.
//! Each arrow is one type of this crate.
//!
//! - [`Samples`] are rows of named columns, or images of one size, as they stand in the user's
//!   files. They have no labels; [`LabelledSamples`] adds them for evaluation.
//! - A [`Detector`] gives each sample a raw score, higher = more anomalous, that depends on nothing
//!   but the model and that sample. Raw scores of two detectors cannot be compared.
//! - A [`Calibration`] turns raw scores into p-values, which can: the share of normals that score at
//!   least as high. It needs normals that training has not seen.
//! - A [`Decision`] says which samples to act on: at most this share of false alarms, at most this
//!   share of wrong ones among the flagged, or a plain threshold.
//! - [`Metrics`] measure a detector on labelled samples, each number with its 95 % interval.
//! - [`conformance`] checks that a detector keeps the six laws that the rest relies on.
//!
//! A detector is one `impl`. This one scores by the distance from the mean:
//!
//! ```
//! use unlike_core::{
//!     Calibration, ColumnKind, ColumnSpec, Decision, Detector, Error, Explanations, InputSpec,
//!     Label, Metrics, Result, Samples, ScoreParts, Scores, Table, Values, conformance,
//! };
//!
//! struct FromMean {
//!     column: String,
//!     mean: f64,
//! }
//!
//! impl Detector for FromMean {
//!     fn input(&self) -> InputSpec {
//!         let column = ColumnSpec { name: self.column.clone(), kind: ColumnKind::Number };
//!         InputSpec::Table { columns: vec![column] }
//!     }
//!
//!     fn score(&self, samples: &Samples) -> Result<Scores> {
//!         let refuse = |found: String| Error::Mismatch {
//!             origin: Some(samples.origin().to_owned()),
//!             found,
//!             expected: format!("numbers in column `{}`", self.column),
//!             hint: None,
//!         };
//!         let Samples::Table(table) = samples else { return Err(refuse("images".into())) };
//!         match table.column(&self.column).map(|c| &c.values) {
//!             Some(Values::Number(values)) => match values.iter().position(|v| v.is_nan()) {
//!                 None => Ok(values.iter().map(|v| (v - self.mean).abs()).collect()),
//!                 Some(at) => Err(refuse(format!("nothing in row {}", table.row_number(at)))),
//!             },
//!             Some(Values::Category { .. }) => Err(refuse("categories".into())),
//!             None => Err(refuse("no such column".into())),
//!         }
//!     }
//!
//!     fn score_parts(&self, samples: &Samples) -> Result<ScoreParts> {
//!         Ok(ScoreParts::single("distance", self.score(samples)?))
//!     }
//!
//!     fn explain(&self, samples: &Samples) -> Result<Explanations> {
//!         let values = self.score(samples)?.iter().map(|&s| s as f32).collect();
//!         Ok(Explanations::Columns { names: vec![self.column.clone()], values })
//!     }
//! }
//!
//! let rows = |values: &[f64]| Table::from_rows("doors.csv", &["seconds"], values);
//! let detector = FromMean { column: "seconds".into(), mean: 10.0 };
//!
//! // Normals that training has not seen make the calibration: 19 of them can promise 0.05.
//! let held_out: Vec<f64> = (1..=19).map(|i| 10.0 + f64::from(i) / 10.0).collect();
//! let held_out = Samples::Table(rows(&held_out)?);
//! let calibration = Calibration::fit(&detector.score(&held_out)?)?;
//!
//! // New samples: scores, p-values, decisions.
//! let new = Samples::Table(rows(&[10.3, 9.5, 14.0])?);
//! let scores = detector.score(&new)?;
//! let decisions = Decision::false_alarms(0.05)?.decide(&scores, &calibration)?;
//! assert_eq!(decisions.p_values, [0.9, 0.8, 0.05]);
//! assert_eq!(decisions.anomalous, [false, false, true]);
//!
//! // With labels: how good is it?
//! let labels = [Label::Normal, Label::Normal, Label::Anomalous];
//! assert_eq!(Metrics::new(&scores, &labels, 0)?.auroc, 1.0);
//!
//! // And does it keep the laws?
//! assert_eq!(conformance::check(&detector, &held_out), []);
//! # Ok::<(), Error>(())
//! ```

pub mod calibration;
pub mod conformance;
pub mod decision;
pub mod detector;
pub mod error;
pub mod features;
pub mod files;
mod images;
pub mod metrics;
mod note;
pub mod probability;
pub mod samples;
pub mod score;
pub mod scorer;
pub mod stability;
pub mod words;

pub use calibration::{Calibration, GroupCalibrations, Place, Ties};
pub use conformance::Violation;
pub use decision::{Decision, Decisions, Tally, Verdicts};
pub use detector::{ColumnSpec, Detector, Explanations, InputSpec, ScoreParts, Scores};
pub use error::{Error, Location, Result, check_setting};
pub use features::{FeatureShape, Features};
pub use images::{Frame, ImageShape};
pub use metrics::Metrics;
pub use note::{CodedNote, Note, serialize_coded};
pub use probability::{Probability, VennAbers};
pub use samples::{
    Column, ColumnKind, ImageSource, Images, Label, LabelledSamples, MISSING, Samples, Table,
    Values,
};
pub use score::{ScoreRule, mean_and_sd};
pub use scorer::{Array, Arrays, Scorer};
pub use stability::Stability;
