//! `unlike eval`.

use std::path::{Path, PathBuf};

use clap::Args;
use unlike::{Judged, Model};
use unlike_core::{
    CodedNote,
    metrics::{Aim, ChosenThreshold, choose_threshold},
    words::{self, counted},
};
use unlike_report::{Report, terminal as text};
use unlike_results::{Evaluated, TestSet, run_report, save_evaluation};

use crate::{
    args::{Common, DataArgs, DataPaths, DecisionArgs, DeviceArg, SplitArgs, seed},
    environment::Environment,
    folders::NewFolders,
    inputs::{refuse_over, refuse_there},
    terminal::{
        self,
        failure::{Outcome, Result},
        say,
    },
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
    /// A file with labels (or several of the same columns, or a pattern in quotes), or a folder of images
    /// with one sub-folder for each label; the normals should not have been trained on
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// The folder for report.html, evaluation.json and scores.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace results that are in that folder
    #[arg(long)]
    force: bool,
    /// Another model to show beside this one (may be repeated)
    #[arg(long, value_name = "MODEL")]
    baseline: Vec<PathBuf>,
    /// The score to use, of those that `unlike inspect MODEL` lists [default: the model's]
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// Also choose a threshold by these labels: f1 (the largest), recall=R or precision=P (the least),
    /// or cost=M:A (of a missed anomaly, and of a false alarm)
    #[arg(long, value_name = "AIM")]
    choose_threshold: Option<String>,
    /// Of the bootstrap behind the intervals
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
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
            let data = DataPaths(&self.data).inputs();
            let mut inputs: Vec<&Path> = data.iter().map(PathBuf::as_path).collect();
            inputs.push(&self.model);
            inputs.extend(self.baseline.iter().map(PathBuf::as_path));
            let written = [EVALUATION, REPORT, SCORES].map(|name| folder.join(name));
            for file in &written {
                refuse_over(file, &inputs)?;
            }
            for file in &written {
                refuse_there(file, self.force)?;
            }
        }
        let aim = self.choose_threshold.as_deref();
        let aim: Option<Aim> = aim.map(str::parse).transpose()?;
        let _folders = self.out.as_deref().map(NewFolders::create).transpose()?;
        let mut model = self.device.load(&self.model)?;
        let device = self.device.describe_for(&model.config().model)?;
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        let judge = self.decision.judge(model)?;
        let model = judge.model();
        let baselines: Vec<(&PathBuf, Model)> = self
            .baseline
            .iter()
            .map(|path| Ok((path, self.device.load(path)?)))
            .collect::<Result<_>>()?;
        let data = self.reading.read_for(DataPaths(&self.data), model)?;
        let unread = data.unread_note();
        let read: Vec<CodedNote> = data.notes().iter().map(Into::into).collect();
        let skipped = data.skipped().len();
        let (data, protocol) = self.split.test_part(data)?;
        if let Some(labels) = data.labels() {
            say("labels", labels.rule());
        }
        let test = TestSet::from_data(data)?.with_seed(self.seed);
        let caution = match protocol {
            // A split keeps what was trained on out of the test set.
            Some(_) => None,
            None => test.caution(model)?,
        };
        terminal::notes(judge.notes());
        let mut evaluated = test.evaluate(&judge)?;
        terminal::notes(&evaluated.notes);
        let judged = evaluated.notes.iter().chain(judge.notes());
        let judged: Vec<CodedNote> = judged.map(Into::into).collect();
        evaluated.evaluation.notes = [read, judged].concat();
        evaluated.evaluation.cautions.extend(caution);
        if skipped > 0 {
            let rows = counted(skipped, "row");
            let left_out = format!("In none of these numbers: {rows} that could not be read.");
            evaluated.evaluation.cautions.push(left_out);
        }
        let unread = unread.map(|note| format!("In none of these numbers: {note}."));
        evaluated.evaluation.cautions.extend(unread);
        for (path, baseline) in &baselines {
            let title = baseline.config().title();
            let name = format!("{title} ({})", path.display());
            test.measure(&mut evaluated, name, baseline)?;
        }
        let Evaluated {
            judged, evaluation, ..
        } = evaluated;
        let mut evaluation = evaluation;
        if let Some(aim) = aim {
            let labels = test.labelled().labels();
            let chosen = choose_threshold(&judged.scores, labels, aim, self.seed)?;
            say("threshold", &chosen_in_words(&chosen));
            evaluation.chosen_threshold = Some(chosen);
        }
        let environment = Environment::here(common.threads(), device);
        let mut report = environment.sign(run_report(model));
        report.evaluation = Some(evaluation);
        report.run.protocol = protocol;

        if let Some(folder) = &self.out {
            save(&report, &judged, folder)?;
        }
        if common.json {
            terminal::print(&(unlike_report::json(&report)? + "\n"))?;
        } else {
            terminal::print(&text::render(&report, terminal::style()))?;
        }
        Ok(Outcome::Done)
    }
}

/// What labels chose, and how to use it.
fn chosen_in_words(chosen: &ChosenThreshold) -> String {
    let ChosenThreshold {
        aim,
        threshold,
        threshold_ci95,
        precision,
        recall,
        f1,
        false_alarm_rate,
        ..
    } = chosen;
    let [low, high] = threshold_ci95.map(words::score);
    format!(
        "--threshold {threshold:?} by {aim} on these labels ({low} to {high} in 95 of 100 draws of them): \
         precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}, false alarms {false_alarm_rate:.4}; on \
         other samples, expect less"
    )
}

/// Writes `evaluation.json`, `report.html` and `scores.csv`.
pub(super) fn save(report: &Report, judged: &Judged, folder: &Path) -> Result<()> {
    save_evaluation(report, judged, folder)?;
    say("report", &folder.join("report.html").display().to_string());
    Ok(())
}
