//! Experiments that are computed cell by cell: a model, a set, a seed. Each finished cell is a small
//! file, so that hours are never lost, and all tables are made from these files.
//!
//! - [`Survey`]: the experiment of arXiv 1906.11632, on all its sets and classes.
//! - [`Tables`]: every model on a folder of tables.
//! - [`run`]: computes the cells that are not there yet, several at once.
//! - [`Cells`]: where they are kept.
//! - [`survey_markdown`], [`tables_markdown`] and their likes: what all cells say.
//!
//! Labels measure; none chooses anything. What they would have chosen stands beside it, marked.

mod cell;
mod chart;
mod experiment;
mod page;
mod published;
mod ranks;
mod run;
mod show;
mod survey;
mod tables;

pub use cell::{
    BestEpoch, Cell, Cells, FalseAlarmRate, Key, Measured, Origin, Outcome, Preset, Ranked, Seconds,
};
pub use experiment::{Experiment, JOINS};
pub use page::between_marks;
pub use ranks::Ranking;
pub use run::{Bench, Progress, Ran, Running, run};
pub use show::{survey_html, survey_markdown, tables_html, tables_markdown};
pub use survey::{DESK_TEST, DESK_TRAIN, SURVEY_FEATURES, SURVEY_MODELS, Set, Survey, Task};
pub use tables::{HALF, Tables, table_models};
