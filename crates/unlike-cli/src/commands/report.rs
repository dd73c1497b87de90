//! `unlike report`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use unlike_core::files::check_writable;
use unlike_report::Report;
use unlike_results::{ReportFormat, load_report, save_report};

use crate::{
    args::Common,
    environment::Environment,
    inputs::{is_same, refuse_over, refuse_there},
    terminal::{
        self,
        failure::{Outcome, Result},
        say,
    },
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
    /// Replace another file that is there already
    #[arg(long)]
    force: bool,
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
        ReportFormat::of(&out)?;
        let read = ["evaluation.json", "environment.json"].map(|name| folder.join(name));
        refuse_over(&out, &[&self.source, &read[0], &read[1]])?;
        let own = is_same(&out, &folder.join("report.html"));
        refuse_there(&out, self.force || own)?;
        check_writable(&out)?;
        save_report(&self.load()?, &out)?;
        say("report", &out.display().to_string());
        if common.json {
            terminal::print_json(&json!({ "report": out.display().to_string() }))?;
        }
        Ok(Outcome::Done)
    }

    /// What was saved; a training, with the machine that did it.
    fn load(&self) -> Result<Report> {
        let report = load_report(&self.source)?;
        let environment = match report.evaluation {
            Some(_) => None,
            None => Environment::load(&self.source.join("environment.json")),
        };
        Ok(match environment {
            Some(environment) => environment.sign(report),
            None => report,
        })
    }
}
