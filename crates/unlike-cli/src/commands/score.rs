//! `unlike score`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use unlike::Model;
use unlike_core::{Decision, Samples, files::check_writable};

use crate::{
    cli::Common,
    data_args::DataArgs,
    decision_args::{self, DecisionArgs},
    device_arg::DeviceArg,
    explanations::Explainer,
    failure::{Outcome, Result},
    folders::NewFolders,
    inputs::refuse_over,
    map_files,
    output::{ScoreFormat, ScoreTable},
    scoring,
    terminal::{self, count, counted, say},
};

const EXAMPLES: &str = "\
Columns of DATA are found by name, in any order; columns that the model does not
know, labels among them, are ignored. Columns of the result: id, score (higher =
more anomalous), p_value (the share of normal rows that score at least as high),
q_value (the smallest false-discovery rate at which the row is flagged),
anomalous, then the named parts of the score.

Examples:
  unlike score runs/egbad-flows new.csv                      CSV on stdout
  unlike score runs/egbad-flows new.csv --fdr 0.1 --out s.parquet
                                 at most 10 % of the flagged are normal
  unlike score runs/egbad-flows new.csv --out s.csv --explain why
                                 and which columns made them so
  unlike score runs/egbad-flows new.csv --fail-on-anomaly > s.csv
                                 exit code 1 if a row is flagged";

/// Score the rows of a file, and flag some
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScoreArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
    /// The file to score
    data: PathBuf,
    /// Where to write the scores: a .csv, .jsonl or .parquet file [default: CSV on stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write, to this folder, why samples got their scores. For rows: the columns that
    /// contributed most (explanations.csv). For images: all anomaly maps (maps.npy), and the maps
    /// of the flagged over their images, highest score first, 10 to 100 of them (overlays/,
    /// most-anomalous.png)
    #[arg(long, value_name = "DIR")]
    explain: Option<PathBuf>,
    /// End with exit code 1 if a row is flagged
    #[arg(long)]
    fail_on_anomaly: bool,
    /// The score to use, of those that `unlike inspect MODEL` lists [default: the model's]
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    reading: DataArgs,
}

impl ScoreArgs {
    /// Scores, and writes the scores.
    pub(crate) fn run(self, common: Common) -> Result<Outcome> {
        let explanations = self.check_outputs()?;
        let mut model = Model::load_on(&self.model, self.device.name())?;
        let device = self.device.describe_for(&model.config().model)?;
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        let samples = self.reading.read_for(&self.data, &model)?.into_samples();
        let (table, decision) = scoring::score(&model, &samples, &self.decision)?;

        let explained = match &explanations {
            None => Vec::new(),
            Some((folder, ending, _)) => match samples {
                Samples::Images(_) => map_files::save(&model, &samples, &table, folder)?,
                Samples::Table(_) => {
                    let path = folder.join("explanations").with_extension(ending);
                    Explainer::new(&model, &samples)?.save(&path, &table)?;
                    vec![path]
                }
            },
        };
        match &self.out {
            Some(path) => table.save(path)?,
            None if common.json => {}
            None => terminal::write(&table.csv()?)?,
        }
        let flagged = table.decisions.count();
        let noun = match samples {
            Samples::Images(_) => "image",
            Samples::Table(_) => "row",
        };
        say(
            "scored",
            &format!("{} by `{}`", counted(table.len(), noun), model.score_name()),
        );
        say(
            "flagged",
            &format!("{}: {}", count(flagged), decision_args::rule(decision)),
        );
        for path in self.out.iter().chain(&explained) {
            say("written", &path.display().to_string());
        }
        if common.json {
            terminal::print_json(&self.document(&model, &table, decision, &device))?;
        }
        Ok(match self.fail_on_anomaly && flagged > 0 {
            true => Outcome::AnomaliesFound,
            false => Outcome::Done,
        })
    }

    /// Fails before any work is done if results could not be written; gives the explanations' folder
    /// and the ending of a file in it.
    fn check_outputs(&self) -> Result<Option<(&Path, &'static str, NewFolders)>> {
        let inputs = [self.data.as_path(), self.model.as_path()];
        let mut ending = "csv";
        if let Some(out) = &self.out {
            if ScoreFormat::of(out)? == ScoreFormat::JsonLines {
                ending = "jsonl";
            }
            refuse_over(out, &inputs)?;
            check_writable(out)?;
        }
        let Some(folder) = &self.explain else {
            return Ok(None);
        };
        refuse_over(&folder.join("explanations").with_extension(ending), &inputs)?;
        for name in map_files::NAMES {
            refuse_over(&folder.join(name), &inputs)?;
        }
        let folders = NewFolders::create(folder)?;
        Ok(Some((folder, ending, folders)))
    }

    /// What `--json` prints: a summary, and the scores unless a file holds them.
    fn document(
        &self,
        model: &Model,
        table: &ScoreTable,
        decision: Decision,
        device: &str,
    ) -> Value {
        let mut document = Map::new();
        document.insert("model".into(), json!(self.model.display().to_string()));
        document.insert("data".into(), json!(self.data.display().to_string()));
        document.insert("score".into(), json!(model.score_name()));
        document.insert("device".into(), json!(device));
        document.insert("decision".into(), json!(decision));
        document.insert("threshold".into(), json!(table.decisions.threshold));
        document.insert("rows".into(), json!(table.len()));
        document.insert("flagged".into(), json!(table.decisions.count()));
        match &self.out {
            Some(path) => document.insert("out".into(), json!(path.display().to_string())),
            None => document.insert(
                "scores".into(),
                table.objects().map(Value::Object).collect(),
            ),
        };
        Value::Object(document)
    }
}
