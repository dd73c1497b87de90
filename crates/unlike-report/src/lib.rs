//! Reports of training and evaluation: one HTML file without external assets, Markdown, JSON, and
//! text for a terminal.
//!
//! A [`Report`] is plain data. Whoever trains or evaluates fills in what there is; the renderers
//! leave out what there is not. [`html`], [`markdown`] and [`terminal`] show the same numbers,
//! formatted by the same code; [`json`] writes the numbers themselves, and [`from_json`] reads them
//! back, so that a report can be rendered again later.
//!
//! All texts (file names, column names, categories) are untrusted: the HTML escapes them, and
//! control characters never reach a terminal.
//!
//! ```
//! use unlike_core::{Label, metrics::Metrics};
//! use unlike_report::{Evaluation, Measured, Report, Run};
//!
//! let labels = [Label::Normal, Label::Normal, Label::Anomalous, Label::Anomalous];
//! let metrics = Metrics::new(&[0.1, 0.4, 0.3, 0.9], &labels, 0)?;
//! let variant =
//!     Measured { name: "residual".into(), metrics, roc: None, precision_recall: None, seconds: None };
//! let report = Report {
//!     run: Run { model: "EGBAD".into(), data: "shuttle.npz".into(), ..Run::default() },
//!     evaluation: Some(Evaluation { variants: vec![variant], ..Evaluation::default() }),
//!     ..Report::default()
//! };
//! assert!(unlike_report::html(&report)?.contains("0.750"));
//! # Ok::<(), unlike_report::Error>(())
//! ```

mod chart;
mod columns;
mod evaluation;
mod gallery;
mod histogram;
mod html;
mod json;
mod markdown;
mod number;
mod promise;
mod report;
mod summary;
mod table;
pub mod terminal;
mod text;
mod thresholds;
mod training;
mod verdict;

pub use evaluation::{ByGroup, Case, Evaluation, Measured, Part, PartPair, Published, Reason};
pub use gallery::{Gallery, Tile};
pub use histogram::{Histogram, Scale};
pub use html::html;
pub use json::{FORMAT_VERSION, from_json, json};
pub use markdown::markdown;
pub use report::{ColumnNote, Data, Fact, Image, Report, Run};
pub use thresholds::{Step, Thresholds};
pub use training::{HeldOut, Series, Training, Warning};
pub use unlike_core::{Error, Result};
pub use verdict::{Tone, Verdict, verdict};
