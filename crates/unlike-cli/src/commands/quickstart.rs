//! `unlike quickstart`: the whole line on real data, beside the published numbers.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use clap::{Args, builder::PossibleValuesParser};
use unlike::{Model, RunOptions, TrainConfig, train::Silent};
use unlike_core::Samples;
use unlike_report::{Measured, Report, terminal as text};

use crate::{
    cli::Common,
    commands::eval,
    decision_args::DecisionArgs,
    device_arg::DeviceArg,
    environment::Environment,
    epoch_table::EpochTable,
    evaluation::{Rule, TestSet},
    events::EventFile,
    failure::{Outcome, Result},
    find_data,
    observer::Progress,
    run_folder::{Existing, MetricsFile, RunFolder},
    run_report, scoring,
    survey::{FLAGGED, Protocol, published},
    terminal::{self, counted, say},
    training,
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
    #[arg(value_parser = PossibleValuesParser::new(["egbad", "bigan", "anogan", "ganomaly"]))]
    model: String,
    /// Decides every random choice
    #[arg(long, value_name = "N", default_value = "0")]
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

impl QuickstartArgs {
    /// Runs the protocol.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let began = Instant::now();
        self.device.check()?;
        let file = find_data::kdd(self.data.as_deref())?;
        let folder = RunFolder::prepare(&self.out, Existing::Overwrite)?;
        let Protocol {
            train,
            test,
            classes,
            description,
        } = Protocol::read(&file, self.seed)?;
        say(
            "data",
            &format!(
                "{}: {} to learn from, {} to test on",
                file.display(),
                counted(train.len(), "attack"),
                counted(test.labels().len(), "record")
            ),
        );

        let environment = Environment::here(common.threads(), self.device.describe()?);
        let mut table = EpochTable::new(&test, Some(FLAGGED));
        let training = Instant::now();
        let model = self.model(&folder, &environment, &train, &mut table)?;
        let rule = Rule::TopFraction(FLAGGED);
        let test = TestSet {
            labelled: &test,
            classes: Some(&classes),
            rule,
            seed: self.seed,
            masks: None,
        };
        let (scores, _) =
            scoring::score(&model, test.labelled.samples(), &DecisionArgs::default())?;
        let seconds = (training.elapsed() - table.took()).as_secs_f64();
        let (model, variants) = test.variants(model, &scores)?;
        let mut evaluation = test.evaluation(&model, &scores, variants)?;
        if let Some(own) = evaluation.variants.first_mut() {
            own.seconds = Some(seconds);
        }
        evaluation.published = published();
        for name in BASELINES {
            evaluation
                .baselines
                .push(self.baseline(name, &train, &test)?);
        }

        let mut report = run_report::report(&model, Some(&environment));
        report.evaluation = Some(evaluation);
        report.run.protocol = Some(description);
        report.run.seconds = Some(began.elapsed().as_secs_f64());
        eval::save(&report, &scores, &self.out)?;
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
        let mut progress = Progress::new()
            .with_beginning(Box::new(|| folder.begin(&config, environment)))
            .with_metrics(MetricsFile::new(folder.metrics()))
            .with_events(EventFile::new(folder.root()));
        // AnoGAN searches for every record: more time than an epoch takes.
        if self.model != "anogan" {
            progress = progress.with_hook(Box::new(|report, snapshot| {
                table.add(report.epoch, snapshot.model()?)
            }));
        }
        let options = RunOptions {
            device: self.device.name().to_owned(),
            ..RunOptions::default()
        };
        let model = training::fit(
            &config,
            train,
            &options,
            progress,
            "run it again to start anew",
        )?;
        model.save(folder.model())?;
        Ok(model)
    }

    /// Fits a baseline to the same training rows and measures it on the same test set.
    fn baseline(&self, name: &str, train: &Samples, test: &TestSet<'_>) -> Result<Measured> {
        let began = Instant::now();
        let config = self.config(name, train)?;
        let model = unlike::fit(&config, train, &RunOptions::default(), &mut Silent)?;
        let measured = test.baseline(run_report::model_title(&model), &model)?;
        let seconds = began.elapsed().as_secs_f64();
        say(
            "baseline",
            &format!("{} in {}", measured.name, terminal::duration(seconds)),
        );
        Ok(Measured {
            seconds: Some(seconds),
            ..measured
        })
    }

    fn config(&self, name: &str, train: &Samples) -> Result<TrainConfig> {
        Ok(TrainConfig {
            seed: self.seed,
            ..TrainConfig::recommended(name, train)?
        })
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
            let epochs = epochs.text(chosen.map(|epoch| epoch as usize), style);
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
