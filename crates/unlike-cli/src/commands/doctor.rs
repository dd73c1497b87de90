//! `unlike doctor`.

use std::{path::Path, time::Instant};

use clap::Args;
use serde_json::json;
use unlike::{
    ModelConfig, RunOptions, TrainConfig,
    models::Kind,
    train::{Flow, Observer, StepReport},
};
use unlike_core::{
    Error, Samples, Table,
    files::check_writable,
    words::{self, count},
};

use crate::{
    args::{CPU, Common},
    environment::Environment,
    terminal::{
        self,
        failure::{Outcome, Result},
        layout,
    },
};

/// Show what this machine offers, and how fast it trains
#[derive(Args, Debug)]
#[command(after_help = "\
Trains EGBAD for a second on random rows of 121 features, as many as KDD Cup 99
has.")]
pub(crate) struct DoctorArgs {}

impl DoctorArgs {
    /// Looks at the machine.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let here = Environment::here(common.threads(), CPU.to_owned());
        let adapter = unlike::backend::describe("wgpu");
        let writable = check_writable(Path::new("unlike-doctor"));
        let speed = training_speed()?;
        if common.json {
            terminal::print_json(&json!({
                "environment": here,
                "devices": unlike::backend::DEVICES,
                "graphics_adapter": adapter.ok(),
                "models": ModelConfig::names().collect::<Vec<_>>(),
                "current_folder_writable": writable.is_ok(),
                "egbad_training_samples_per_second": speed,
            }))?;
            return Ok(Outcome::Done);
        }
        let sets = match here.cpu_features.is_empty() {
            true => "none that the kernels know; they take the portable path".to_owned(),
            false => here.cpu_features.join(", "),
        };
        let facts = [
            (
                "unlike",
                format!(
                    "{}, models {}",
                    here.unlike_version,
                    ModelConfig::names().collect::<Vec<_>>().join(", ")
                ),
            ),
            ("system", format!("{}, {}", here.os, here.architecture)),
            ("processor", here.cpu.clone()),
            ("instructions", sets),
            (
                "cores",
                format!(
                    "{}; {} used",
                    here.cores,
                    words::counted(here.threads, "thread")
                ),
            ),
            (
                "memory",
                format!(
                    "{}, {} free",
                    words::memory(here.memory_bytes),
                    words::memory(here.free_memory_bytes)
                ),
            ),
            (
                "devices",
                format!("{CPU}; {}", adapter.unwrap_or_else(absent)),
            ),
            (
                "speed",
                format!(
                    "EGBAD trains on {} rows of 121 features a second",
                    count(speed as usize)
                ),
            ),
            (
                "folder",
                match writable {
                    Ok(()) => "the current folder can be written to".into(),
                    Err(error) => format!("the current folder cannot be written to ({error})"),
                },
            ),
        ];
        terminal::print(&layout::facts(&facts, terminal::style()))?;
        Ok(Outcome::Done)
    }
}

/// Why there is no graphics processor, in the words of the error.
fn absent(error: Error) -> String {
    match error {
        Error::Setting { found, .. } => format!("not {}", found.replace('`', "")),
        other => other.to_string(),
    }
}

/// Trains for a second and watches the clock.
struct Stopwatch {
    began: Instant,
    samples_per_second: f64,
}

impl Observer for Stopwatch {
    fn step(&mut self, report: &StepReport<'_>) -> Flow {
        self.samples_per_second = report.samples_per_second;
        match self.began.elapsed().as_secs_f64() < 1.0 {
            true => Flow::Continue,
            false => Flow::Interrupt,
        }
    }
}

/// Rows a second that EGBAD trains on, over one epoch of a second.
fn training_speed() -> Result<f64> {
    const WIDTH: usize = 121;
    const ROWS: usize = 20_000;
    let names: Vec<String> = (0..WIDTH).map(|i| i.to_string()).collect();
    // Any numbers will do: a multiplicative hash (Knuth, TAOCP 3, 6.4).
    let hash = |i: usize| f64::from((i as u32).wrapping_mul(2_654_435_769) >> 8);
    let values: Vec<f64> = (0..WIDTH * ROWS).map(hash).collect();
    let samples = Samples::Table(Table::from_rows("random rows", &names, &values)?);
    let config = TrainConfig {
        epochs: 1_000_000,
        ..TrainConfig::recommended_for("egbad", Kind::Table, ROWS)?
    };
    let mut watch = Stopwatch {
        began: Instant::now(),
        samples_per_second: 0.0,
    };
    match unlike::fit(&config, &samples, &RunOptions::default(), &mut watch) {
        Ok(_) | Err(Error::Interrupted) => Ok(watch.samples_per_second),
        Err(error) => Err(error.into()),
    }
}
