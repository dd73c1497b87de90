//! `unlike quickstart`: the whole line on real data, beside the published numbers.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use clap::{Args, builder::PossibleValuesParser};
use unlike::{
    Judge, Model, RunOptions, TrainConfig,
    models::MODELS,
    train::{HoldOut, Silent},
};
use unlike_core::{
    Samples,
    words::{self, counted},
};
use unlike_data::Tails;
use unlike_report::{Report, terminal as text};
use unlike_results::{
    EpochTable, Evaluated, TestSet, run_report,
    survey::{FLAGGED, Protocol, published},
};

use crate::{
    args::{Common, DeviceArg, seed},
    commands::eval,
    environment::Environment,
    find_data,
    run_folder::{Existing, RunFolder},
    terminal::{
        self, epoch_table,
        failure::{Outcome, Result},
        progress::Progress,
        say,
    },
    training::{self, RunRecord, TestRecord},
};

const EXAMPLES: &str = "\
Trains EGBAD and three baselines, and shows them beside the published numbers;
takes minutes. The data is KDD Cup 99 (10 %): network connections, 97,278 of
them normal and 396,743 attacks. The protocol is that of the EGBAD paper and of
the survey arXiv 1906.11632: attacks, the majority, are what is learned, so that
normal connections are the anomalies; at most 20 % of the test set are
anomalies, and the highest 20 % of the scores are flagged.

Examples:
  unlike quickstart
  unlike quickstart --model ganomaly
  unlike quickstart --seed 1 --epochs 5 --json";

/// Simple methods shown beside.
const BASELINES: [&str; 3] = ["pca", "knn", "iforest"];
/// Train, calibrate, score and report on the bundled KDD Cup 99 data
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QuickstartArgs {
    /// The data [default: the bundled kddcup.data_10_percent.gz]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// What to train
    #[arg(long, value_name = "M", default_value = "egbad")]
    #[arg(value_parser = PossibleValuesParser::new(with_networks()))]
    model: String,
    /// Decides every random choice
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    seed: u64,
    /// Passes over the training rows [default: as recommended for the model]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroUsize>,
    /// The folder for the results; an earlier quickstart in it is replaced
    #[arg(long, value_name = "DIR", default_value = "runs/quickstart")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArg,
}

/// The names of the models that are made of networks.
fn with_networks() -> Vec<&'static str> {
    let networks = MODELS.iter().filter(|entry| entry.networks);
    networks.map(|entry| entry.name).collect()
}

impl QuickstartArgs {
    /// Runs the protocol.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let began = Instant::now();
        self.device.check()?;
        let file = find_data::kdd(self.data.as_deref())?;
        let folder = RunFolder::prepare(&self.out, Existing::Replace, &[&file])?;
        let Protocol {
            train,
            test,
            description,
        } = Protocol::read(&file, self.seed)?;
        say(
            "data",
            &format!(
                "{}: {} to learn from, {} to test on",
                file.display(),
                counted(train.len(), "attack"),
                counted(test.labelled().labels().len(), "record")
            ),
        );

        let environment = Environment::here(common.threads(), self.device.describe()?);
        let mut table = EpochTable::new(test.labelled(), Some(FLAGGED));
        let training = Instant::now();
        let model = self.model(&folder, &environment, &train, &mut table)?;
        let judge = Judge::new(model);
        let mut evaluated = test.evaluate(&judge)?;
        terminal::notes(judge.notes());
        terminal::notes(&evaluated.notes);
        let seconds = (training.elapsed() - table.took()).as_secs_f64();
        if let Some(own) = evaluated.evaluation.variants.first_mut() {
            own.seconds = Some(seconds);
        }
        evaluated.evaluation.published = published();
        for name in BASELINES {
            self.baseline(name, &train, &test, &mut evaluated)?;
        }
        let Evaluated {
            judged, evaluation, ..
        } = evaluated;

        let mut report = environment.sign(run_report(judge.model()));
        report.evaluation = Some(evaluation);
        report.run.protocol = Some(description);
        report.run.seconds = Some(began.elapsed().as_secs_f64());
        eval::save(&report, &judged, &self.out)?;
        self.show(&report, &table, common)
    }

    /// Trains and saves the model.
    fn model(
        &self,
        folder: &RunFolder,
        environment: &Environment,
        train: &Samples,
        table: &mut EpochTable<'_>,
    ) -> Result<Model> {
        let mut config = self.config(&self.model, train)?;
        config.epochs = self.epochs.map_or(config.epochs, NonZeroUsize::get);
        let mut progress = Progress::new(train)
            .with_beginning(Box::new(|| folder.begin(&config, environment)))
            .with(RunRecord::new(folder, None));
        // A model that is slow to score would take longer than the epoch.
        if config.hold_out.limit >= HoldOut::default().limit {
            progress = progress.with(TestRecord(table));
        }
        let options = RunOptions {
            device: self.device.name().to_owned(),
            ..RunOptions::default()
        };
        let model = training::fit(
            &config,
            train,
            None,
            &options,
            progress,
            "run it again to start anew",
        )?;
        model.save(folder.model())?;
        Ok(model)
    }

    /// Fits a baseline to the same training rows and measures it on the same test set.
    fn baseline(
        &self,
        name: &str,
        train: &Samples,
        test: &TestSet,
        evaluated: &mut Evaluated,
    ) -> Result<()> {
        let began = Instant::now();
        let config = self.config(name, train)?;
        let model = unlike::fit(&config, train, &RunOptions::default(), &mut Silent)?;
        let measured = test.measure(evaluated, model.config().model.title(), &model)?;
        let seconds = began.elapsed().as_secs_f64();
        measured.seconds = Some(seconds);
        let took = words::duration(seconds);
        say("baseline", &format!("{} in {took}", measured.name));
        Ok(())
    }

    fn config(&self, name: &str, train: &Samples) -> Result<TrainConfig> {
        let mut config = TrainConfig {
            seed: self.seed,
            ..TrainConfig::recommended(name, train)?
        };
        // As in the published experiments.
        config.preprocessing.tails = Tails::Keep;
        Ok(config)
    }

    fn show(&self, report: &Report, epochs: &EpochTable<'_>, common: Common) -> Result<Outcome> {
        if common.json {
            let mut document: serde_json::Value =
                serde_json::from_str(&unlike_report::json(report)?)
                    .map_err(|e| unlike_core::Error::io("write", "stdout")(e.into()))?;
            document["test_by_epoch"] = epochs.json();
            terminal::print_json(&document)?;
        } else {
            let style = terminal::style();
            terminal::print(&text::render(report, style))?;
            let chosen = report.training.as_ref().and_then(|t| t.chosen_epoch);
            let epochs = epoch_table::text(epochs, chosen.map(|epoch| epoch as usize), style);
            if !epochs.is_empty() {
                terminal::print(&format!("\n{epochs}"))?;
            }
        }
        let out = self.out.display();
        say("next", &format!("unlike inspect {out}"));
        say(
            "next",
            &format!("unlike train YOUR.csv --model {}", self.model),
        );
        Ok(Outcome::Done)
    }
}
