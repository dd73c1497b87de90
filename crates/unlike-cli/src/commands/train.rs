//! `unlike train`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use serde_json::json;
use unlike::{Model, ModelConfig, RunOptions, TrainConfig, train::ResumeFile};
use unlike_data::Scaling;

use crate::{
    cli::Common,
    config_file,
    data_args::DataArgs,
    environment::{Environment, command_line},
    failure::{Failure, Outcome, Result},
    observer::Progress,
    run_folder::{Existing, MetricsFile, RunFolder, write_text},
    run_report,
    terminal::{self, say},
    training,
};

const EXAMPLES: &str = "\
Examples:
  unlike train shuttle.npz --model egbad
  unlike train flows.csv --model egbad --label-column class --normal-label benign
  unlike train flows.csv --model iforest --drop-columns id,time --out runs/forest
  unlike train flows.csv --model egbad --resume   go on after an interruption

RUN gets model.safetensors (all that scoring needs), config.toml (every setting,
for --config), report.html, metrics.jsonl (one line per epoch), environment.json
and resume/.";

/// Learn what normal rows look like
///
/// Trains on the normal rows of DATA, holds some of them out to choose the epoch and to calibrate
/// p-values, and writes everything to a folder RUN.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// The file to learn from
    data: PathBuf,
    /// What to train: egbad or bigan (adversarial), pca, knn or iforest (baselines)
    #[arg(long, value_name = "M", value_parser = PossibleValuesParser::new(ModelConfig::NAMES))]
    #[arg(required_unless_present_any = ["config", "resume"], hide_possible_values = true)]
    model: Option<String>,
    /// Settings to start from (TOML); what it leaves out is as recommended, and options win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder for the results [default: runs/<model>-<data>]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Decides every random choice: the same seed gives the same model [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Passes over the training rows, at most [default: 10]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroUsize>,
    /// Rows per update [default: 256]
    #[arg(long, value_name = "N")]
    batch_size: Option<NonZeroUsize>,
    /// How numbers are scaled [default: min-max]
    #[arg(long, value_name = "HOW")]
    scaling: Option<ScalingArg>,
    /// The score that the model uses, of those it offers [default: the recommended one]
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// Where the networks live; `unlike doctor` lists what this build has
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: String,
    /// Go on with an interrupted training; the result is the same as without the interruption
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Start again in a folder that holds a training already
    #[arg(long)]
    overwrite: bool,
    /// How often to save what --resume needs
    #[arg(long, value_name = "N", default_value = "2")]
    checkpoint_minutes: f64,
    #[command(flatten)]
    reading: DataArgs,
}

/// Values of `--scaling`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScalingArg {
    /// The smallest and largest training value become -1 and 1
    MinMax,
    /// Training mean and standard deviation become 0 and 1
    Standard,
}

/// What is going to be done, checked.
struct Plan {
    config: TrainConfig,
    root: PathBuf,
    existing: Existing,
    options: RunOptions,
}

impl TrainArgs {
    /// Trains, and writes the run folder.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let began = Instant::now();
        let plan = self.plan()?;
        let folder = RunFolder::prepare(&plan.root, plan.existing)?;
        let environment = Environment::here(common.threads());
        let model = self
            .train(&plan, &folder, &environment)
            .inspect_err(|_| folder.discard())?;

        let seconds = began.elapsed().as_secs_f64();
        let mut report = run_report::report(&model, Some(&environment));
        report.run.seconds = Some(seconds);
        write_text(&folder.report(), &unlike_report::html(&report)?)?;
        summary(&model, &folder, &self.data, seconds);
        if common.json {
            let document = json!({
                "run": folder.root(),
                "model": folder.model(),
                "score": model.score_name(),
                "scores": model.score_names().collect::<Vec<_>>(),
                "parameters": model.parameters(),
                "smallest_false_alarm_rate": model.calibration().smallest_rate(),
                "seconds": seconds,
                "provenance": model.provenance(),
            });
            terminal::print_json(&document)?;
        }
        Ok(Outcome::Done)
    }

    /// Settings from the recommended ones, the file and the options, the latter winning.
    fn plan(&self) -> Result<Plan> {
        let resumed = self.out.as_ref().map(|root| root.join("config.toml"));
        let resumed =
            resumed.filter(|_| self.resume && self.config.is_none() && self.model.is_none());
        let file = self.config.as_ref().or(resumed.as_ref());
        let mut config = config_file::load(self.model.as_deref(), file.map(PathBuf::as_path))?;
        config.seed = self.seed.unwrap_or(config.seed);
        config.epochs = self.epochs.map_or(config.epochs, NonZeroUsize::get);
        config.batch_size = self.batch_size.map_or(config.batch_size, NonZeroUsize::get);
        if let Some(scaling) = self.scaling {
            config.preprocessing.scaling = match scaling {
                ScalingArg::MinMax => Scaling::MinMax,
                ScalingArg::Standard => Scaling::Standard,
            };
        }
        config.check()?;
        unlike::backend::device(&self.device)?;
        let minutes = self.checkpoint_minutes;
        let checkpoint_every = Duration::try_from_secs_f64(60.0 * minutes).map_err(|_| {
            Failure::Error(unlike_core::Error::Setting {
                name: "checkpoint-minutes".into(),
                found: minutes.to_string(),
                expected: "a number of minutes, 0 or more".into(),
                hint: None,
            })
        })?;
        let root = self
            .out
            .clone()
            .unwrap_or_else(|| default_root(&config, &self.data));
        let existing = match (self.resume, self.overwrite) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Overwrite,
            _ => Existing::Refuse,
        };
        let options = RunOptions {
            device: self.device.clone(),
            resume_file: Some(ResumeFile(root.join("resume").join("state.safetensors"))),
            checkpoint_every,
            resume: self.resume,
        };
        Ok(Plan {
            config,
            root,
            existing,
            options,
        })
    }
    /// Trains and saves the model.
    fn train(&self, plan: &Plan, folder: &RunFolder, environment: &Environment) -> Result<Model> {
        let normals = self.reading.read(&self.data)?.normals_for_training()?;
        say(
            "data",
            &format!("{}: {}", self.data.display(), normals.describe()),
        );
        write_text(&folder.config(), &plan.config.to_toml()?)?;
        write_text(&folder.environment(), &environment.json()?)?;
        let progress = Progress::new().with_metrics(MetricsFile::new(folder.metrics()));
        let how_to_go_on = format!(
            "the state is saved; go on with: {}",
            command_line(&["--resume"])
        );
        let samples = &normals.samples;
        let mut model = training::fit(
            &plan.config,
            samples,
            &plan.options,
            progress,
            &how_to_go_on,
        )?;
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        terminal::notes(model.preprocessing().notes());
        model.save(folder.model())?;
        Ok(model)
    }
}

/// `runs/egbad-shuttle` for `data/shuttle.npz`.
fn default_root(config: &TrainConfig, data: &Path) -> PathBuf {
    let name = data
        .file_name()
        .unwrap_or(data.as_os_str())
        .to_string_lossy();
    let stem = name
        .split('.')
        .find(|part| !part.is_empty())
        .unwrap_or("data");
    Path::new("runs").join(format!("{}-{stem}", config.model.name()))
}

/// Where everything is, and what to do next.
fn summary(model: &Model, folder: &RunFolder, data: &Path, seconds: f64) {
    let provenance = model.provenance();
    let kept = match (provenance.chosen_epoch, provenance.epochs.len()) {
        (Some(epoch), epochs) if epochs > 0 => format!("; epoch {epoch} of {epochs} is kept"),
        _ => String::new(),
    };
    say(
        "trained",
        &format!(
            "{} in {}{kept}",
            model.config().model.name(),
            terminal::duration(seconds)
        ),
    );
    say(
        "promise",
        &format!(
            "{} calibrate p-values: false-alarm rates from {} up can be promised",
            terminal::counted(model.calibration().len(), "held-out normal"),
            terminal::rate(model.calibration().smallest_rate())
        ),
    );
    let root = folder.root().display();
    say("model", &folder.model().display().to_string());
    say("report", &folder.report().display().to_string());
    say(
        "next",
        &format!(
            "unlike eval {root} {} (with labels), or unlike score {root} NEW",
            data.display()
        ),
    );
}
