//! From models and samples to results: everything between a trained model and what a person reads.
//!
//! A command line, a Python module, a server and a notebook find here whatever they show:
//!
//! - [`ScoreTable`]: what a [`Judge`](unlike::Judge) found, as CSV, JSON Lines or Parquet.
//! - [`Scoring`] and [`BatchScores`]: the same of tables that are larger than memory.
//! - [`Explainer`] and [`Reason`]: which columns made a row strange. [`Strips`] and [`maps`]: where
//!   an image is. [`save_explanations`] writes either to a folder.
//! - [`TestSet`]: labelled samples. [`TestSet::evaluate`] measures a judge on them, every score that
//!   the model offers, and the samples that a person should look at; [`TestSet::measure`] another
//!   model beside it. [`EpochTable`] follows a training on them.
//! - [`Criteria`]: what tells models apart without labels. [`RunSummary`]: what is known of a run.
//! - [`run_report`], [`save_evaluation`], [`save_report`], [`load_report`]: reports of trainings and
//!   evaluations, from a model or from a folder, as HTML, Markdown or JSON.
//! - [`survey`]: the protocol of the published KDD Cup 99 numbers.
//!
//! Nothing here prints, exits or reads the environment. What is worth telling a user comes back as
//! [`Note`](unlike_core::Note)s.
//!
//! ```no_run
//! use std::path::Path;
//! use unlike::{Judge, Model, data};
//! use unlike_results::{ScoreTable, TestSet, run_report, save_evaluation};
//!
//! let model = Model::load("runs/egbad-flows")?;
//! let options = model.preprocessing().read_options(data::ReadOptions {
//!     label_column: Some("class".into()),
//!     ..Default::default()
//! });
//! let test = TestSet::from_data(data::read(Path::new("labelled.csv"), &options)?)?;
//! let judge = Judge::new(model);
//! let evaluated = test.evaluate(&judge)?;
//! ScoreTable::new(&evaluated.judged).save("scores.parquet")?;
//!
//! let mut report = run_report(judge.model());
//! report.evaluation = Some(evaluated.evaluation);
//! save_evaluation(&report, &evaluated.judged, "evaluation")?;
//! # Ok::<(), unlike::Error>(())
//! ```

mod cases;
mod columns;
mod compare;
mod criteria;
mod epochs;
mod explanations;
mod files;
mod gallery;
pub mod images;
mod parquet_file;
mod reasons;
mod reports;
mod run;
mod score_rows;
mod score_table;
mod scoring;
pub mod survey;
mod test_set;

pub use columns::{columns, n_features, typical};
pub use compare::{Measures, RunSummary};
pub use criteria::Criteria;
pub use epochs::{EpochTable, MeasuredEpoch, MeasuredScore};
pub use explanations::{explanation_files, explanations_of, save_explanations};
pub use images::{Raster, Sheets, Strips, maps, pixel_threshold};
pub use reasons::{Explainer, Reason};
pub use reports::{ReportFormat, load_report, save_evaluation, save_report};
pub use run::{is_monitor, run_report, short_loss_name, warning_kind};
pub use score_rows::{FoundRow, ScoredRow, json_line};
pub use score_table::{ScoreFormat, ScoreTable, unreadable_places};
pub use scoring::{BatchScores, Scoring, ScoringProgress, can_resume};
pub use test_set::{Evaluated, TestSet};
