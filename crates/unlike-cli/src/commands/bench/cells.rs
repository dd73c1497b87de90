//! What the benchmarks of many cells share: running them, and writing what they say.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use unlike::ConfigFile;
use unlike_bench::{Bench, Cell, Cells, JOINS, Origin, Outcome as CellOutcome, Progress, Running};
use unlike_core::{files::write_atomically, words};

use crate::{
    args::{CPU, Common},
    environment::Environment,
    terminal::{
        self,
        failure::{Outcome, Result},
        say,
    },
};

/// A model's name, or those of an ensemble, of which the names of models are these.
pub(super) fn models(
    text: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Result<String, String> {
    let names: Vec<&str> = names.into_iter().collect();
    match text.split(JOINS).find(|model| !names.contains(model)) {
        None => Ok(text.to_owned()),
        Some(other) => Err(format!("`{other}`; expected {}", names.join(", "))),
    }
}

/// Where cells are kept, and how they are computed.
#[derive(Args, Debug)]
pub(super) struct CellArgs {
    /// The folder of finished cells, a small file each; those that are there are not computed again
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Cells to compute at once, on one thread each [default: one per core, or per --threads]
    #[arg(long, value_name = "N")]
    at_once: Option<NonZeroUsize>,
    /// Settings (TOML) to try in place of the recommended ones of the model that they name; keep such cells
    /// in a folder of their own
    #[arg(long, value_name = "FILE", requires = "out")]
    config: Option<PathBuf>,
    /// Try again the cells that failed
    #[arg(long)]
    retry: bool,
    /// Compute nothing; show what the cells say that are there
    #[arg(long)]
    show: bool,
    /// Go on after an interruption, which is what happens anyway
    #[arg(long)]
    resume: bool,
    /// Write the tables into this Markdown file, between the lines that name this benchmark
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Write the tables with charts to this HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What a benchmark makes of its cells.
pub(super) struct Shown {
    /// The name in the marking lines.
    pub(super) name: &'static str,
    pub(super) markdown: fn(&[Cell]) -> String,
    pub(super) html: fn(&[Cell]) -> String,
}

impl CellArgs {
    /// Computes what is missing, and shows all cells of this benchmark.
    pub(super) fn run(self, bench: &dyn Bench, shown: &Shown, common: Common) -> Result<Outcome> {
        let cells = Cells::new(self.out.join(shown.name));
        if !self.show {
            self.compute(bench, &cells, common)?;
        }
        let all = cells.all()?;
        let text = (shown.markdown)(&all);
        match common.json {
            true => terminal::print_json(&all)?,
            false => terminal::print(&text)?,
        }
        if let Some(file) = &self.into {
            let old =
                std::fs::read_to_string(file).map_err(unlike_core::Error::io("read", file))?;
            let new = unlike_bench::between_marks(&old, shown.name, &text)?;
            write(file, &new)?;
            say("tables", &file.display().to_string());
        }
        if let Some(file) = &self.html {
            write(file, &(shown.html)(&all))?;
            say("page", &file.display().to_string());
        }
        Ok(Outcome::Done)
    }

    /// The settings to try, if there are any.
    pub(super) fn settings(&self) -> Result<Option<ConfigFile>> {
        let file = self.config.as_deref();
        Ok(file
            .map(|file| ConfigFile::load(None, Some(file)))
            .transpose()?)
    }

    fn compute(&self, bench: &dyn Bench, cells: &Cells, common: Common) -> Result<()> {
        let environment = Environment::here(common.threads(), CPU.to_owned());
        let at_once = self.at_once.map_or(environment.threads, NonZeroUsize::get);
        let running = Running {
            at_once,
            threads: (environment.threads / at_once).max(1),
            retry: self.retry,
        };
        let origin = Origin {
            unlike_version: environment.unlike_version,
            date: environment.date,
            cpu: environment.cpu,
            threads: running.threads,
            at_once,
            command: environment.command,
        };
        let ran = unlike_bench::run(bench, cells, running, &origin, &|progress| {
            say("cell", &line(&progress));
        })?;
        let failed = match ran.failed {
            0 => String::new(),
            n => format!(", of which {n} failed (--retry tries them again)"),
        };
        say(
            "done",
            &format!(
                "{} computed{failed}, {} kept, in {}",
                words::counted(ran.computed, "cell"),
                ran.kept,
                cells.folder().display()
            ),
        );
        Ok(())
    }
}

fn line(progress: &Progress<'_>) -> String {
    let Progress {
        cell,
        took,
        done,
        of,
        left,
    } = progress;
    let what = match &cell.outcome {
        CellOutcome::Measured(measured) => format!("AUROC {:.3}", measured.used().auroc),
        CellOutcome::Failed(why) => format!("failed: {why}"),
    };
    format!(
        "{done} of {of}: {}: {what}, {}; {} left",
        cell.key,
        words::duration(*took),
        words::duration(*left)
    )
}

fn write(file: &std::path::Path, text: &str) -> Result<()> {
    Ok(write_atomically(file, |out| {
        out.write_all(text.as_bytes())
            .map_err(unlike_core::Error::io("write", file))
    })?)
}
