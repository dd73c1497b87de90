//! `unlike score`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use unlike::Judged;
use unlike_core::{
    Decision,
    files::check_writable,
    words::{count, counted},
};
use unlike_data::{Skipped, Unread};
use unlike_results::{ScoreFormat, ScoreTable, explanation_files, save_explanations};

use crate::{
    args::{Common, DataArgs, DecisionArgs, DeviceArg},
    folders::NewFolders,
    inputs::{refuse_over, refuse_there},
    terminal::{
        self,
        failure::{Outcome, Result},
        say,
    },
};

const EXAMPLES: &str = "\
Columns of DATA are found by name, in any order; columns that the model does not
know, labels among them, are ignored. Columns of the result: id, score (higher =
more anomalous), p_value (the share of normals that score at least as high),
q_value (the smallest false-discovery rate at which the sample is flagged),
anomalous, then the named parts of the score.

Examples:
  unlike score runs/egbad-flows new.csv                      CSV on stdout
  unlike score runs/egbad-flows new.csv --fdr 0.1 --out s.parquet
                                 at most 10 % of the flagged are normal
  unlike score runs/egbad-flows new.csv --out s.csv --explain why
                                 and which columns made them so
  unlike score runs/egbad-flows new.csv --fail-on-anomaly > s.csv
                                 exit code 1 if a sample is flagged, 3 if none
                                 is, but an image was not read";

/// Score rows or images, and flag some
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScoreArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
    /// The file, or folder of images, to score
    data: PathBuf,
    /// Where to write the scores: a .csv, .jsonl or .parquet file [default: CSV on stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace results that are there already
    #[arg(long)]
    force: bool,
    /// Also write, to this folder, why samples got their scores. For rows: the columns that
    /// contributed most (explanations.csv). For images: all anomaly maps (maps.npy), which image
    /// each belongs to and boxes around where it is high (maps.csv), and the maps of the flagged
    /// over their images, highest score first, 10 to 100 of them (overlays/, most-anomalous.png)
    #[arg(long, value_name = "DIR")]
    explain: Option<PathBuf>,
    /// End with exit code 1 if a sample is flagged, or else with 3 if an image was not read: of a
    /// format that is not read, or damaged and left out by --skip-unreadable
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
        let explain = self.check_outputs()?;
        let mut model = self.device.load(&self.model)?;
        let device = self.device.describe_for(&model.config().model)?;
        if let Some(name) = &self.score {
            model = model.with_score(name)?;
        }
        let judge = self.decision.judge(model)?;
        let model = judge.model();
        let data = self.reading.read_to_score(&self.data, model)?;
        let unread = data.unread().to_vec();
        let skipped = data.skipped().to_vec();
        let samples = data.into_samples();
        let judged = judge.judge(&samples)?;
        terminal::notes(&judged.notes);
        terminal::notes(judge.notes());

        let explained = match &explain {
            None => Vec::new(),
            Some((folder, format, _)) => {
                save_explanations(model, &samples, &judged, folder, *format)?
            }
        };
        let table = ScoreTable::new(&judged);
        match &self.out {
            Some(path) => table.save(path)?,
            None if common.json => {}
            None => terminal::write(&table.bytes(ScoreFormat::Csv)?)?,
        }
        let flagged = judged.decisions.count();
        let scored = counted(judged.len(), samples.noun());
        say("scored", &format!("{scored} by `{}`", judged.score));
        say(
            "flagged",
            &format!("{}: {}", count(flagged), judged.decision.clause()),
        );
        if !unread.is_empty() {
            let images = counted(unread.len(), "image");
            let them = if unread.len() == 1 { "it" } else { "them" };
            say("unread", &format!("{images}: nothing is known of {them}"));
        }
        for path in self.out.iter().chain(&explained) {
            say("written", &path.display().to_string());
        }
        if common.json {
            terminal::print_json(&self.document(&judged, &unread, &skipped, &device))?;
        }
        Ok(match self.fail_on_anomaly {
            true if flagged > 0 => Outcome::AnomaliesFound,
            true if !unread.is_empty() => Outcome::Unread,
            _ => Outcome::Done,
        })
    }

    /// Fails before any work is done if results could not be written; gives the explanations' folder
    /// and the format of a file in it.
    fn check_outputs(&self) -> Result<Option<(&Path, ScoreFormat, NewFolders)>> {
        let inputs = [self.data.as_path(), self.model.as_path()];
        let mut format = ScoreFormat::Csv;
        if let Some(out) = &self.out {
            format = ScoreFormat::of(out)?;
            refuse_over(out, &inputs)?;
            refuse_there(out, self.force)?;
            check_writable(out)?;
        }
        let Some(folder) = &self.explain else {
            return Ok(None);
        };
        for out in explanation_files(folder, format) {
            refuse_over(&out, &inputs)?;
            refuse_there(&out, self.force)?;
        }
        let folders = NewFolders::create(folder)?;
        Ok(Some((folder, format, folders)))
    }

    /// What `--json` prints: a summary, and the scores unless a file holds them.
    fn document(
        &self,
        judged: &Judged,
        unread: &[Unread],
        skipped: &[Skipped],
        device: &str,
    ) -> Value {
        let mut document = Map::new();
        document.insert("model".into(), json!(self.model.display().to_string()));
        document.insert("data".into(), json!(self.data.display().to_string()));
        document.insert("score".into(), json!(judged.score));
        document.insert("device".into(), json!(device));
        document.insert("decision".into(), json!(judged.decision));
        document.insert("threshold".into(), json!(judged.decisions.threshold));
        document.insert("rows".into(), json!(judged.len()));
        document.insert("flagged".into(), json!(judged.decisions.count()));
        document.insert("unread".into(), json!(unread));
        if !skipped.is_empty() {
            document.insert("skipped".into(), json!(skipped));
        }
        if let Decision::Budget(_) = judged.decision {
            let expected = Decision::expected_false_alarms(&judged.decisions);
            document.insert("expected_false_alarms".into(), json!(expected));
        }
        match &self.out {
            Some(path) => document.insert("out".into(), json!(path.display().to_string())),
            None => {
                let scores = ScoreTable::new(judged).objects();
                document.insert("scores".into(), scores.map(Value::Object).collect())
            }
        };
        Value::Object(document)
    }
}
