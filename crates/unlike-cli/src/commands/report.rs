//! `unlike report`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use unlike::Model;
use unlike_core::{Error, files::check_writable};
use unlike_report::Report;

use crate::{
    cli::Common,
    environment::Environment,
    failure::{Outcome, Result},
    folders::write_text,
    inputs::refuse_over,
    run_report, sheets,
    terminal::{self, say},
};

const EXAMPLES: &str = "\
Examples:
  unlike report runs/egbad-flows                  how training went
  unlike report evaluation --out evaluation.md    an evaluation as Markdown";

/// Write the report of a training or an evaluation again
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArgs {
    /// A folder that `unlike train` or `unlike eval --out` made, or an evaluation.json
    #[arg(value_name = "RUN|EVAL")]
    source: PathBuf,
    /// Where to write it: .html, .md or .json [default: report.html beside the results]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl ReportArgs {
    /// Reads results, and renders them.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let folder = match self.source.is_dir() {
            true => self.source.as_path(),
            false => self.source.parent().unwrap_or(Path::new("")),
        };
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| folder.join("report.html"));
        let ending = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        let render: fn(&Report) -> unlike_core::Result<String> = match ending.as_deref() {
            Some("html" | "htm") => unlike_report::html,
            Some("md") => |report| Ok(unlike_report::markdown(report)),
            Some("json") => unlike_report::json,
            _ => {
                return Err(Error::Setting {
                    name: "out".into(),
                    found: format!("`{}`", out.display()),
                    expected: "a file name that ends in .html, .md or .json".into(),
                    hint: None,
                }
                .into());
            }
        };
        refuse_over(&out, &[&self.source, &self.source.join("evaluation.json")])?;
        check_writable(&out)?;
        write_text(&out, &render(&self.load()?)?)?;
        say("report", &out.display().to_string());
        if common.json {
            terminal::print_json(&json!({ "report": out.display().to_string() }))?;
        }
        Ok(Outcome::Done)
    }

    /// An evaluation if there is one, or else the training that a model file remembers.
    fn load(&self) -> Result<Report> {
        let evaluation = match self.source.is_dir() {
            true => self.source.join("evaluation.json"),
            false => self.source.clone(),
        };
        let is_json = evaluation.extension().is_some_and(|e| e == "json");
        if is_json && evaluation.exists() {
            let text =
                std::fs::read_to_string(&evaluation).map_err(Error::io("read", &evaluation))?;
            return Ok(unlike_report::from_json(
                &format!("`{}`", evaluation.display()),
                &text,
            )?);
        }
        let model = Model::load(&self.source)?;
        let environment = Environment::load(&self.source.join("environment.json"));
        let mut report = run_report::report(&model, environment.as_ref());
        if self.source.is_dir() {
            report.images.extend(sheets::of_model(&self.source)?);
        }
        Ok(report)
    }
}
