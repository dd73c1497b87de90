//! `unlike eval`.

use std::path::{Path, PathBuf};

use clap::Args;
use unlike::Model;
use unlike_core::LabelledSamples;
use unlike_report::{Report, terminal as text};

use crate::{
    cli::Common,
    data_args::DataArgs,
    decision_args::DecisionArgs,
    device_arg::DeviceArg,
    environment::Environment,
    evaluation::{Rule, TestSet},
    failure::{Outcome, Result},
    folders::{NewFolders, write_text},
    inputs::refuse_over,
    output::ScoreTable,
    run_report, scoring,
    split_args::SplitArgs,
    terminal::{self, say},
};

/// What is written into a folder.
const EVALUATION: &str = "evaluation.json";
const REPORT: &str = "report.html";
const SCORES: &str = "scores.csv";

const EXAMPLES: &str = "\
Prints how well the model's scores tell anomalies from normal rows, whether
promised false-alarm rates hold, and what was most anomalous. Intervals are 95 %
intervals; precision, recall and F1 are those of the decision.

Examples:
  unlike eval runs/egbad-shuttle shuttle.npz
  unlike eval runs/egbad-flows test.csv --label-column class --out evaluation
  unlike eval runs/egbad-flows test.csv --baseline runs/pca-flows
  unlike eval runs/pca-mnist mnist --anomalous-label 2 --split merged-80-20";

/// Measure a model on labelled rows or images
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvalArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
    /// A file with labels, or a folder of images with one sub-folder for each label; the normals
    /// should not have been trained on
    data: PathBuf,
    /// The folder for report.html, evaluation.json and scores.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Another model to show beside this one (may be repeated)
    #[arg(long, value_name = "MODEL")]
    baseline: Vec<PathBuf>,
    /// The score to use, of those that `unlike inspect MODEL` lists [default: the model's]
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// Of the bootstrap behind the intervals
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    split: SplitArgs,
    #[command(flatten)]
    reading: DataArgs,
}

impl EvalArgs {
    /// Scores labelled rows, and compares scores with labels.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        if let Some(folder) = &self.out {
            for name in [EVALUATION, REPORT, SCORES] {
                refuse_over(&folder.join(name), &[&self.data, &self.model])?;
            }
        }
        let _folders = self.out.as_deref().map(NewFolders::create).transpose()?;
        let mut model = Model::load_on(&self.model, self.device.name())?;
        let device = self.device.describe_for(&model.config().model)?;
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        let baselines: Vec<(&PathBuf, Model)> = self
            .baseline
            .iter()
            .map(|path| Ok((path, Model::load_on(path, self.device.name())?)))
            .collect::<Result<_, unlike_core::Error>>()?;
        let data = self.reading.read_for(&self.data, &model)?;
        let (data, protocol) = self.split.test_part(data)?;
        let classes = data.classes().map(|classes| {
            let class = |i| classes.class(i).to_owned();
            (0..data.samples().len())
                .map(class)
                .collect::<Vec<String>>()
        });
        if let Some(labels) = data.labels() {
            say("labels", labels.rule());
        }
        let masks = data.masks().cloned();
        let labelled: LabelledSamples = data.into_labelled()?;
        let caution = match protocol {
            // A split keeps what was trained on out of the test set.
            Some(_) => None,
            None => trained_on(&model, &labelled, &self.data)?,
        };
        let (table, decision) = scoring::score(&model, labelled.samples(), &self.decision)?;
        let test = TestSet {
            labelled: &labelled,
            classes: classes.as_deref(),
            rule: Rule::Decision(decision),
            seed: self.seed,
            masks: masks.as_ref(),
        };
        let (model, variants) = test.variants(model, &table)?;
        let mut evaluation = test.evaluation(&model, &table, variants)?;
        evaluation.cautions.extend(caution);
        for (path, baseline) in &baselines {
            let name = format!("{} ({})", run_report::model_title(baseline), path.display());
            evaluation.baselines.push(test.baseline(name, baseline)?);
        }
        let environment = Environment::here(common.threads(), device);
        let mut report = run_report::report(&model, Some(&environment));
        report.evaluation = Some(evaluation);
        report.run.protocol = protocol;

        if let Some(folder) = &self.out {
            save(&report, &table, folder)?;
        }
        if common.json {
            terminal::print(&(unlike_report::json(&report)? + "\n"))?;
        } else {
            terminal::print(&text::render(&report, terminal::style()))?;
        }
        Ok(Outcome::Done)
    }
}

/// A sentence where the model has seen these samples while it was trained.
fn trained_on(model: &Model, labelled: &LabelledSamples, data: &Path) -> Result<Option<String>> {
    const FLATTERING: &str = "Its normal samples are no news to the model, so these numbers flatter \
         it; measure it on samples that it has not seen.";
    let origin = &model.provenance().origin;
    Ok(if model.trained_on(&labelled.normals())? {
        Some(format!(
            "`{}` holds exactly the normal samples that the model was trained on. {FLATTERING}",
            data.display()
        ))
    } else if *origin == labelled.samples().origin() {
        Some(format!(
            "The model was trained on `{origin}` too. Where its normal samples are the same, they are \
             no news to the model, and these numbers flatter it."
        ))
    } else {
        None
    })
}

/// Writes `evaluation.json`, `report.html` and `scores.csv`.
pub(crate) fn save(report: &Report, table: &ScoreTable, folder: &Path) -> Result<()> {
    write_text(&folder.join(EVALUATION), &unlike_report::json(report)?)?;
    write_text(&folder.join(REPORT), &unlike_report::html(report)?)?;
    table.save(&folder.join(SCORES))?;
    say("report", &folder.join(REPORT).display().to_string());
    Ok(())
}
