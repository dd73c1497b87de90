//! One training with its progress and its records: shared by `train` and `quickstart`.

use unlike::{
    Model, RunOptions, TrainConfig,
    train::{EpochReport, Snapshot},
};
use unlike_core::{Error, Samples};
use unlike_results::{EpochTable, Sheets};

use crate::{
    events::EventFile,
    run_folder::{MetricsFile, RunFolder},
    terminal::{
        failure::{Failure, Result},
        progress::{Progress, Record},
    },
};

/// Trains, and calibrates by folds if there are any; `how_to_go_on` is what an interrupted user reads.
pub(crate) fn fit(
    config: &TrainConfig,
    samples: &Samples,
    folds: Option<usize>,
    options: &RunOptions,
    mut progress: Progress<'_>,
    how_to_go_on: &str,
) -> Result<Model> {
    let result = match folds {
        Some(folds) => unlike::fit_cross(config, samples, folds, options, &mut progress),
        None => unlike::fit(config, samples, options, &mut progress),
    };
    if result.is_ok() {
        progress.begin()?;
    }
    match (result, progress.finish()) {
        (_, Some(error)) => Err(error.into()),
        (Err(Error::Interrupted), None) => Err(Failure::Interrupted(how_to_go_on.to_owned())),
        (result, None) => Ok(result?),
    }
}

/// What epochs leave in a run folder: a line of metrics, an event for TensorBoard, and a sheet of
/// images where the model makes any.
pub(crate) struct RunRecord<'a> {
    metrics: MetricsFile,
    events: EventFile,
    sheets: Option<&'a Sheets>,
}

impl<'a> RunRecord<'a> {
    /// In this folder.
    pub(crate) fn new(folder: &RunFolder, sheets: Option<&'a Sheets>) -> Self {
        Self {
            metrics: MetricsFile::new(folder.metrics()),
            events: EventFile::new(folder.root()),
            sheets,
        }
    }
}

impl Record for RunRecord<'_> {
    fn start(&mut self, history: &[EpochReport]) -> unlike_core::Result<()> {
        self.metrics.start(history)?;
        self.events.start(history, |epoch| match self.sheets {
            Some(sheets) => sheets.earlier(epoch),
            None => Ok(None),
        })
    }

    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> unlike_core::Result<()> {
        self.metrics.append(report)?;
        let sheet = match self.sheets {
            Some(sheets) if sheets.is_due(report.epoch) => sheets.add(report.epoch, snapshot)?,
            _ => None,
        };
        self.events.append(report, sheet.as_ref())
    }
}

/// Measures every epoch's model; for display only.
pub(crate) struct TestRecord<'a, 'test>(pub(crate) &'a mut EpochTable<'test>);

impl Record for TestRecord<'_, '_> {
    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> unlike_core::Result<()> {
        self.0.add(report.epoch, &snapshot.model()?)
    }
}
