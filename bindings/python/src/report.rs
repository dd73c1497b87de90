//! Reports of trainings and evaluations.

use std::path::PathBuf;

use pyo3::prelude::*;
use unlike::Judge;
use unlike_core::{Error, Label, LabelledSamples, Note, Result};
use unlike_data::DataSet;
use unlike_results::{ReportFormat, TestSet, run_report, save_report};

use crate::background;

/// What a report shows.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Report(unlike_report::Report);

impl Report {
    pub(crate) fn of(report: unlike_report::Report) -> Self {
        Self(report)
    }

    /// Of a training, and of how the judge did on labelled samples. Labels that are given count before those
    /// of files.
    pub(crate) fn evaluated(
        judge: &Judge,
        samples: &unlike::Samples,
        data: Option<&DataSet>,
        labels: Option<Vec<bool>>,
    ) -> Result<(Self, Vec<Note>)> {
        let test = match (labels, data) {
            (None, Some(data)) => TestSet::from_data(data.clone())?,
            (labels, _) => {
                let label = |anomalous| match anomalous {
                    true => Label::Anomalous,
                    false => Label::Normal,
                };
                let labels = labels.unwrap_or_default().into_iter().map(label);
                TestSet::new(LabelledSamples::new(samples.clone(), labels.collect())?)
            }
        };
        let evaluated = test.evaluate(judge)?;
        let mut report = run_report(judge.model());
        report.evaluation = Some(evaluated.evaluation);
        Ok((Self(report), evaluated.notes))
    }

    fn text(&self, py: Python<'_>, format: ReportFormat) -> PyResult<String> {
        background::briefly(py, || format.render(&self.0))
    }
}

#[pymethods]
impl Report {
    /// One page that needs nothing else.
    fn html(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py, ReportFormat::Html)
    }

    /// Text that code hosts show.
    fn markdown(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py, ReportFormat::Markdown)
    }

    /// The numbers themselves.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py, ReportFormat::Json)
    }

    /// Writes a file, in the format that its name asks for.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        background::briefly(py, || save_report(&self.0, path))
    }
}

/// The report of a run folder, an evaluation or a model file.
#[pyfunction]
pub(crate) fn load_report(py: Python<'_>, path: PathBuf) -> PyResult<Report> {
    background::run(py, move || {
        let report: Result<_, Error> = unlike_results::load_report(path);
        Ok(Report(report?))
    })
}
