//! `unlike sweep`.

mod job;
mod plan;

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use clap::{Args, builder::PossibleValuesParser};
use rayon::prelude::*;
use unlike::{ModelConfig, train::thread_pool};
use unlike_core::words;
use unlike_results::Criteria;

use self::job::{Job, Row};
use crate::{
    args::{Common, seed},
    environment::command_line,
    folders::NewFolders,
    terminal::{
        self,
        failure::{Failure, Outcome, Result},
        interrupt::Listener,
        layout, say,
    },
};

const EXAMPLES: &str = "\
Every DATA, model, combination of settings and seed is a training, in a process
and a run folder of its own: DIR/<data>/<model>[-<settings>]-<seed>. What failed
stops no other. The same command goes on where it was: what is trained is kept,
what was interrupted goes on, and what failed, or has another file or other
options now, is trained again.

The table compares without labels: the share of held-out normals that are false
alarms beside the promised one, and how far the highest hundredth of their
scores lies above the median, in units of the distance of the quartiles (tail).

Examples:
  unlike sweep flows.csv --models egbad,ganomaly,knn --seeds 0,1,2
  unlike sweep mvtec/* --models patchcore,padim --held-out other/* --out sweep
  unlike sweep flows.csv --models egbad,knn --set egbad.latent=8,16
    --set knn.k=1,5 -- --label-column class";

/// Train many models on many data sets, and compare them without labels
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    /// Files, patterns in quotes or folders of images to learn from, each a data set of its own
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// What to train
    #[arg(long, value_name = "M,…", value_delimiter = ',', required = true)]
    #[arg(value_parser = PossibleValuesParser::new(ModelConfig::names()))]
    models: Vec<String>,
    /// Seeds, each a training
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0", value_parser = seed)]
    seeds: Vec<u64>,
    /// Values to try of a setting, called as `unlike config` has it (epochs, hold_out.limit); of those of models, as
    /// egbad.latent
    #[arg(long, value_name = "KEY=V,…", value_parser = plan::setting)]
    set: Vec<(String, Vec<String>)>,
    /// Settings (TOML) to start from
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Other normals to compare on, one path for each DATA, in their order [default: those that calibrate,
    /// which say nothing of false alarms]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    held_out: Vec<PathBuf>,
    /// The false-alarm rate to compare with
    #[arg(long, value_name = "RATE", default_value = "0.05")]
    promised: f64,
    /// The folder for the results
    #[arg(long, value_name = "DIR", default_value = "sweep")]
    out: PathBuf,
    /// Trainings at a time, which share the threads [default: one per core, or per --threads]
    #[arg(long, value_name = "N")]
    at_once: Option<NonZeroUsize>,
    /// Options for every `unlike train`
    #[arg(last = true, value_name = "OPTIONS")]
    train: Vec<String>,
}

impl SweepArgs {
    /// Trains what is not trained, and prints the table.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let unknown = Criteria::unknown(self.promised)?;
        let jobs = self.jobs()?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = common.threads().unwrap_or(cores);
        let at_once = self.at_once.map_or(threads, NonZeroUsize::get);
        let at_once = at_once.min(jobs.len());
        let each = (threads / at_once).max(1);
        let _folders = NewFolders::create(&self.out)?;
        // Ctrl-C reaches trainings, too, which save and end.
        let listener = Listener::new();
        let done = AtomicUsize::new(0);
        let train = || {
            let one = |job| {
                let row = Job::run(job, unknown, each)?;
                let done = 1 + done.fetch_add(1, Ordering::Relaxed);
                say("run", &format!("{done} of {}: {}", jobs.len(), row.shown()));
                Some(row)
            };
            let begun = jobs
                .par_iter()
                .map(|job| (!listener.asked()).then_some(job));
            begun.map(|job| one(job?)).collect::<Option<Vec<Row<'_>>>>()
        };
        let rows = thread_pool(at_once)?.install(train);
        let Some(rows) = rows else {
            let how = command_line(&[]);
            let told = format!("what is trained is kept; go on with: {how}");
            return Err(Failure::Interrupted(told));
        };
        match common.json {
            true => terminal::print_json(&rows)?,
            false => terminal::print(&table(&rows))?,
        }
        Ok(match rows.iter().all(|row| row.error.is_some()) {
            true => Outcome::Failed,
            false => Outcome::Done,
        })
    }
}

impl Row<'_> {
    fn shown(&self) -> String {
        let run = self.job.run.display();
        match (&self.error, self.seconds) {
            (Some(why), _) => format!("{run}: failed: {why}"),
            (None, took) => format!("{run}: trained in {}", words::duration(took.unwrap_or(0.0))),
        }
    }
}

fn table(rows: &[Row<'_>]) -> String {
    let header = [
        "data",
        "model",
        "settings",
        "seed",
        "seconds",
        "promised",
        "false alarms",
        "tail",
        "error",
    ];
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let row = |row: &Row<'_>| {
        let (job, criteria) = (row.job, row.criteria);
        vec![
            job.data.clone(),
            job.model.clone(),
            job.settings.clone(),
            job.seed.to_string(),
            number(row.seconds),
            number(Some(criteria.promised)),
            number(criteria.false_alarms),
            number(criteria.tail),
            row.error.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    layout::table(&header, &rows, terminal::style())
}
