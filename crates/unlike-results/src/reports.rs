//! Reports as files.

use std::path::Path;

use unlike::{Judged, Model};
use unlike_core::{Error, Result};
use unlike_report::Report;

use crate::{ScoreTable, files::write, images::sheets, run::run_report};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// One page that needs nothing else.
    Html,
    /// Text that code hosts show.
    Markdown,
    /// The numbers themselves, which [`load_report`] reads again.
    Json,
}

impl ReportFormat {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// If the name ends in none of `.html`, `.htm`, `.md` and `.json`.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("md") => Ok(Self::Markdown),
            Some("json") => Ok(Self::Json),
            _ => Err(Error::Setting {
                name: "out".into(),
                found: format!("`{}`", path.display()),
                expected: "a file name that ends in .html, .md or .json".into(),
                hint: None,
            }),
        }
    }

    /// The report as text.
    ///
    /// # Errors
    /// If a number cannot be written.
    pub fn render(self, report: &Report) -> Result<String> {
        match self {
            Self::Html => unlike_report::html(report),
            Self::Markdown => Ok(unlike_report::markdown(report)),
            Self::Json => unlike_report::json(report),
        }
    }
}

/// Writes a report as a file, in the format that its name asks for.
///
/// # Errors
/// If the name asks for none, or the file cannot be written.
pub fn save_report(report: &Report, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    write(path, ReportFormat::of(path)?.render(report)?.as_bytes())
}

/// Writes what an evaluation found to a folder that is there: `evaluation.json`, `report.html` and
/// `scores.csv`.
///
/// # Errors
/// If a file cannot be written.
pub fn save_evaluation(report: &Report, judged: &Judged, folder: impl AsRef<Path>) -> Result<()> {
    let folder = folder.as_ref();
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    save_report(report, folder.join("evaluation.json"))?;
    save_report(report, folder.join("report.html"))?;
    ScoreTable::new(judged).save(folder.join("scores.csv"))
}

/// The report of a folder or file: an `evaluation.json` if there is one, or else what a model file
/// remembers of its training, with its sheet of images.
///
/// # Errors
/// If there is neither, or it cannot be read.
pub fn load_report(source: impl AsRef<Path>) -> Result<Report> {
    let source = source.as_ref();
    let evaluation = match source.is_dir() {
        true => source.join("evaluation.json"),
        false => source.to_owned(),
    };
    let is_json = evaluation.extension().is_some_and(|e| e == "json");
    if is_json && evaluation.exists() {
        let text = std::fs::read_to_string(&evaluation).map_err(Error::io("read", &evaluation))?;
        return unlike_report::from_json(&format!("`{}`", evaluation.display()), &text);
    }
    let mut report = run_report(&Model::load(source)?);
    if source.is_dir() {
        report.images.extend(sheets::of_model(source)?);
    }
    Ok(report)
}
