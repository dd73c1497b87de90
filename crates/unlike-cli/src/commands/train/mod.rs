//! `unlike train`.

mod plan;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use serde_json::json;
use unlike::{
    ConfigFile, Model, ModelConfig, RunOptions,
    groups::groups_of,
    judge::{USUAL_RATE, promise},
    train::ResumeFile,
};
use unlike_core::{Detector, Samples, words};
use unlike_data::{DataSet, Draw};
use unlike_results::{EpochTable, Sheets, images::sheets, run_report};

use crate::{
    args::{
        AugmentArgs, Common, DataArgs, DataPaths, DeviceArg, FeatureArgs, Preset, SplitArgs, seed,
    },
    commands::calibrate,
    environment::{Environment, command_line},
    folders::write_text,
    run_folder::RunFolder,
    terminal::{
        self, epoch_table,
        failure::{Outcome, Result},
        progress::Progress,
        say,
    },
    training::{self, RunRecord, TestRecord},
};

use plan::Plan;

const EXAMPLES: &str = "\
Trains on the normal rows or images of DATA, holds some of them out to choose
the epoch and to calibrate p-values, and writes to RUN: model.safetensors (all
that scoring needs), config.toml (every setting, for --config), report.html,
metrics.jsonl (one line per epoch), the same as an event file for TensorBoard,
environment.json and resume/. Where a model generates images, samples/ shows
what it makes of held-out normals, epoch by epoch.

Examples:
  unlike train shuttle.npz --model egbad
  unlike train flows.csv --model egbad --label-column class --normal-label ok
  unlike train flows.csv --model iforest --drop-columns id,time --seed 1
  unlike train tiles/good --model egbad --image-size 64 --flip both
  unlike train mnist --model pca --anomalous-label 2 --split merged-80-20
  unlike train mnist --model ganomaly --anomalous-label 2 --split merged-80-20
    --image-size 32 --test-each-epoch
  unlike train flows.csv --resume               go on after an interruption";

/// Learn what normal rows or images look like
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// The file (or several of the same columns, or a pattern in quotes), or folder of images, to learn from
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// What to train: an adversarial model (the first ones) or a baseline (pca and the ones after it)
    #[arg(long, value_name = "M", value_parser = PossibleValuesParser::new(ModelConfig::names()))]
    #[arg(required_unless_present_any = ["config", "resume"])]
    model: Option<String>,
    /// ConfigFile to start from (TOML); what it leaves out is as recommended, and options win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What settings start from where neither a file nor an option says
    #[arg(
        long,
        value_name = "P",
        default_value = "recommended",
        conflicts_with = "resume"
    )]
    preset: Preset,
    /// The folder for the results [default: runs/<model>-<data>]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Decides every random choice: the same seed gives the same model [default: 0]
    #[arg(long, value_name = "N", value_parser = seed)]
    seed: Option<u64>,
    /// Rows of a table to learn from, at most, drawn at random by the seed from all of DATA (or the part of
    /// it that --split takes); `all` takes all of them [default: 2000000]
    #[arg(long, value_name = "N", value_parser = rows_or_all)]
    max_training_rows: Option<usize>,
    /// Passes over the training samples, at most [default: by model and data]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroUsize>,
    /// Samples per update [default: by model and data]
    #[arg(long, value_name = "N")]
    batch_size: Option<NonZeroUsize>,
    /// Networks to train side by side from different first weights (an ensemble); scores are their mean
    /// [default: by model and data]
    #[arg(long, value_name = "N")]
    members: Option<NonZeroUsize>,
    /// Models to train beside, with recommended settings, on the same samples; the score is the sum of all
    /// their scores, each in units of its spread over normals
    #[arg(long, value_name = "M,…", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(ModelConfig::names()))]
    ensemble: Option<Vec<String>>,
    /// What becomes -1 and 1, or 0 and 1, in tables: the smallest and largest training value, or the mean and
    /// standard deviation, the latter also `bounded`, with no training value beyond ±5 [default: by model]
    #[arg(long, value_name = "HOW")]
    scaling: Option<ScalingArg>,
    /// Compare each sample with the held-out normals of its own group: a column, or `folder` for images
    #[arg(long, value_name = "COLUMN", conflicts_with = "folds")]
    calibrate_by: Option<String>,
    /// Calibrate on all normals, by so many folds (cross-conformal): for small sets; trains one model more
    /// than there are folds, and scores with all of them
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// The score that the model uses, of those it offers [default: the recommended one]
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    #[command(flatten)]
    device: DeviceArg,
    /// Go on with an interrupted training; the result is the same as without the interruption
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Start again in a folder that holds a training already, or other files of the names that it writes
    #[arg(long, alias = "force")]
    overwrite: bool,
    /// How often to save what --resume needs
    #[arg(long, value_name = "N", default_value = "2")]
    checkpoint_minutes: f64,
    /// Measure the test part of --split after every epoch, for display: neither training nor the
    /// choice of the epoch sees it
    #[arg(long, requires = "split")]
    test_each_epoch: bool,
    #[command(flatten)]
    features: FeatureArgs,
    #[command(flatten)]
    changes: AugmentArgs,
    #[command(flatten)]
    split: SplitArgs,
    #[command(flatten)]
    reading: DataArgs,
}

/// A number of rows, or all that there are.
fn rows_or_all(text: &str) -> Result<usize, String> {
    if text == "all" {
        // The largest number that files of settings hold.
        return Ok(i64::MAX as usize);
    }
    let rows = text.parse::<NonZeroUsize>();
    rows.map(NonZeroUsize::get)
        .map_err(|_| "expected a number from 1 up, or `all`".to_owned())
}

/// Values of `--scaling`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScalingArg {
    MinMax,
    Standard,
    Bounded,
}

impl TrainArgs {
    /// Trains, and writes the run folder.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let began = Instant::now();
        self.device.check()?;
        let resumed = self.resumed()?;
        let mut settings = self.settings(resumed.as_deref())?;
        if self.preset == Preset::Paper {
            settings = settings.as_in_paper();
        }
        // Before the data is read, which may take long.
        let root = resumed.unwrap_or_else(|| self.root(settings.model()));
        let paths = DataPaths(&self.data);
        let read = paths.inputs();
        let mut inputs: Vec<&Path> = read.iter().map(PathBuf::as_path).collect();
        inputs.extend(self.config.as_deref());
        let folder = RunFolder::prepare(&root, self.existing(), &inputs)?;
        let fit = self.reading.fit().or(settings.image_fit());
        let fit = fit.unwrap_or_default();
        let features = self
            .features
            .config()?
            .map_or_else(|| settings.features(), |f| Ok(Some(f)))?;
        let remembered = settings.reading();
        let by = self.calibrate_by.as_deref();
        let draw = self.draw(&settings);
        // What is tested on is not to be drawn to train on: then the part to train on is drawn from.
        let at_once = self.split.typed().is_none().then_some(draw);
        let (data, mut drawn) = self.reading.read_for_training(
            paths,
            at_once,
            by,
            fit,
            features.as_ref(),
            remembered.clone(),
        )?;
        let (unread, unread_note) = (data.unread().to_vec(), data.unread_note());
        let mut notes = data.notes().to_vec();
        let reading = data.reading().clone();
        let reading = match &remembered {
            Some(remembered) => reading.over(remembered),
            None => reading,
        };
        let by_folders = data.folder_parts().is_some();
        let (data, test) = self.split.train_part(data, self.test_each_epoch)?;
        let data = match drawn {
            Some(_) => data,
            None => {
                let (data, of_part) = data.drawn(draw);
                drawn = Some(of_part);
                data
            }
        };
        let drawn_note = drawn.and_then(|drawn| drawn.note());
        terminal::notes(drawn_note.as_slice());
        notes.extend(drawn_note);
        let mut normals = data.into_normals_for_training()?;
        let mut reading = reading;
        reading.max_training_rows = self.max_training_rows.or(reading.max_training_rows);
        let mut grouped = None;
        if let Some(by) = by {
            // Before hours are spent.
            groups_of(&normals.samples, by)?;
            grouped = Some(normals.samples.clone());
            if self.reading.drops(by) {
                normals.samples = without(normals.samples, by);
                reading.drop_columns.push(by.to_owned());
            }
        }
        let test = test.map(DataSet::into_labelled).transpose()?;
        let mut table = test.as_ref().map(|test| EpochTable::new(test, None));
        let plan = self.plan(settings, &normals.samples, fit, reading)?;
        say(
            "data",
            &format!("{}: {}", paths.shown(), normals.describe()),
        );
        let device = self.device.describe_for(&plan.config.model)?;
        let environment = Environment::here(common.threads(), device);
        let model = self.train(
            &plan,
            &normals.samples,
            grouped.as_ref(),
            &folder,
            &environment,
            table.as_mut(),
        )?;

        let measuring = table.as_ref().map_or(Duration::ZERO, EpochTable::took);
        let seconds = (began.elapsed() - measuring).as_secs_f64();
        let mut report = environment.sign(run_report(&model));
        report.run.seconds = Some(seconds);
        report.images.extend(sheets::of_model(folder.root())?);
        if let Some(note) = unread_note {
            report.data.get_or_insert_default().notes.push(note);
        }
        write_text(&folder.report(), &unlike_report::html(&report)?)?;
        let next = self.next(&model, paths, folder.root(), by_folders);
        summary(&model, &folder, &next, seconds);
        if common.json {
            notes.extend_from_slice(model.preprocessing().notes());
            notes.extend(model.score_notes());
            let mut document = json!({
                "run": folder.root().display().to_string(),
                "model": folder.model().display().to_string(),
                "score": model.score_name(),
                "scores": model.score_names().collect::<Vec<_>>(),
                "parameters": model.parameters(),
                "smallest_false_alarm_rate": model.calibration().smallest_rate(),
                "range_at_usual_rate": model.calibration().range(USUAL_RATE).ok(),
                "groups": calibrate::group_sizes(&model),
                "folds": model.n_folds(),
                "seconds": seconds,
                "unread": unread,
                "rows_drawn": drawn.map(|drawn| json!({"rows": drawn.rows, "of": drawn.of})),
                "notes": terminal::coded(&notes),
                "device": environment.device,
                "provenance": model.provenance(),
            });
            if let Some(table) = &table {
                document["test_by_epoch"] = table.json();
            }
            terminal::print_json(&document)?;
        } else if let Some(table) = &table {
            let chosen = model.provenance().chosen_epoch;
            terminal::print(&epoch_table::text(table, chosen, terminal::style()))?;
        }
        Ok(Outcome::Done)
    }

    /// How many rows are taken, and by which seed.
    fn draw(&self, settings: &ConfigFile) -> Draw {
        let remembered = settings.reading().and_then(|r| r.max_training_rows);
        Draw {
            rows: self
                .max_training_rows
                .or(remembered)
                .unwrap_or(Draw::USUAL_ROWS),
            seed: self.seed.or(settings.seed()).unwrap_or_default(),
        }
    }

    /// What to do next: with the part of DATA that was kept apart, if there is one, or with other data;
    /// never with what was trained on.
    fn next(&self, model: &Model, data: DataPaths<'_>, root: &Path, by_folders: bool) -> String {
        let root = terminal::quoted(&root.display().to_string());
        let noun = model.input().noun();
        match self.split.typed() {
            Some(split) => format!(
                "unlike eval {root} {}{} {split}",
                data.typed(),
                self.reading.typed()
            ),
            None if by_folders => format!("unlike eval {root} {}", data.typed()),
            None => format!(
                "unlike score {root} with new {noun}s, or unlike eval {root} with labelled ones that it was \
                 not trained on"
            ),
        }
    }

    /// Trains and saves the model.
    fn train(
        &self,
        plan: &Plan,
        samples: &Samples,
        grouped: Option<&Samples>,
        folder: &RunFolder,
        environment: &Environment,
        table: Option<&mut EpochTable<'_>>,
    ) -> Result<Model> {
        folder.check_resumed(&plan.config, samples)?;
        let sheets = Sheets::new(folder.root(), &plan.config, samples)?;
        let mut progress = Progress::new(samples)
            .with_beginning(Box::new(|| folder.begin(&plan.config, environment)))
            .with(RunRecord::new(folder, sheets.as_ref()));
        if let Some(table) = table {
            progress = progress.with(TestRecord(table));
        }
        let how_to_go_on = format!(
            "the state is saved; go on with: {}",
            command_line(&["--resume"])
        );
        let options = RunOptions {
            device: self.device.name().to_owned(),
            resume_file: Some(ResumeFile(folder.state())),
            checkpoint_every: plan.checkpoint_every,
            resume: self.resume,
        };
        let mut model = training::fit(
            &plan.config,
            samples,
            self.folds,
            &options,
            progress,
            &how_to_go_on,
        )?;
        if let (Some(by), Some(grouped)) = (&self.calibrate_by, grouped) {
            model = model.grouped_as_trained(grouped, by)?;
            say("groups", &calibrate::in_words(&model));
        }
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        terminal::notes(model.preprocessing().notes());
        terminal::notes(&model.score_notes());
        model.save(folder.model())?;
        if let Some(sheets) = &sheets {
            sheets.finish(&model)?;
        }
        Ok(model)
    }
}

/// Where everything is, and what to do next.
fn summary(model: &Model, folder: &RunFolder, next: &str, seconds: f64) {
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
            words::duration(seconds)
        ),
    );
    say(
        "promise",
        &format!(
            "{} calibrate p-values: false-alarm rates from {} up can be promised",
            words::counted(model.calibration().len(), "held-out normal"),
            words::rate(model.calibration().smallest_rate())
        ),
    );
    if model.n_folds() > 0 {
        let folds = words::counted(model.n_folds(), "fold");
        let text =
            format!("cross-conformal, by {folds}: rates hold on average, and within their double");
        say("", &text);
    } else if model.grouped_by().is_none()
        && let Some(promise) = promise(model.calibration(), USUAL_RATE)
    {
        say("", &promise);
    }
    say("model", &folder.model().display().to_string());
    say("report", &folder.report().display().to_string());
    say("next", next);
}

/// The same rows without a column.
fn without(samples: Samples, column: &str) -> Samples {
    match samples {
        Samples::Table(table) => Samples::Table(table.without(&[column])),
        images => images,
    }
}
