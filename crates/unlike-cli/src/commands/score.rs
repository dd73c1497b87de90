//! `unlike score`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use unlike::Judged;
use unlike_core::{
    Decision, Note,
    files::check_writable,
    words::{count, counted},
};
use unlike_data::{Skipped, Unread};
use unlike_results::{ScoreFormat, ScoreTable, explanation_files, save_explanations};

use crate::{
    args::{Common, DataArgs, DataPaths, DecisionArgs, DeviceArg},
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
anomalous, then the named parts of the score; with --bad-rows flag, the reason
why a row could not be read: such rows have no score, and are anomalous.

Examples:
  unlike score runs/egbad-flows new.csv                      CSV on stdout
  unlike score runs/egbad-flows new.csv --fdr 0.1 --out s.parquet
                                 at most 10 % of the flagged are normal
  unlike score runs/egbad-flows new.csv --out s.csv --explain why
                                 and which columns made them so
  unlike score runs/egbad-flows new.csv --fail-on-anomaly > s.csv
                                 exit code 1 if a sample is flagged, 3 if none
                                 is, but a row or an image was not read";

/// Score rows or images, and flag some
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScoreArgs {
    /// A folder that `unlike train` made, or a model file
    model: PathBuf,
    /// The file (or several of the same columns, or a pattern in quotes), or folder of images, to score
    #[arg(required = true)]
    data: Vec<PathBuf>,
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
    /// DATA without rows gives empty results; without this it is an error
    #[arg(long)]
    allow_empty: bool,
    /// End with exit code 1 if a sample is flagged, or else with 3 if a row was left out by --bad-rows
    /// skip, or an image was not read: of a format that is not read, or damaged and left out by
    /// --skip-unreadable
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

/// What was found out, for a document.
struct Found<'a> {
    judged: &'a Judged,
    table: &'a ScoreTable<'a>,
    unread: &'a [Unread],
    skipped: &'a [Skipped],
    /// How many of the skipped are reported as anomalous.
    unreadable: usize,
    notes: &'a [Note],
    /// Within which the rate of false alarms lies, 19 times in 20.
    range: Option<[f64; 2]>,
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
        let data = self
            .reading
            .read_to_score(DataPaths(&self.data), model, self.allow_empty)?;
        let unread = data.unread().to_vec();
        let skipped = data.skipped().to_vec();
        let mut notes = data.notes().to_vec();
        let samples = data.into_samples();
        let judged = judge.judge(&samples)?;
        terminal::notes(&judged.notes);
        terminal::notes(judge.notes());
        notes.extend_from_slice(&judged.notes);
        notes.extend_from_slice(judge.notes());

        let explained = match &explain {
            None => Vec::new(),
            Some((folder, format, _)) => {
                save_explanations(model, &samples, &judged, folder, *format)?
            }
        };
        let reported = self.reading.reports_bad_rows();
        let table = match reported {
            true => ScoreTable::new(&judged).with_unreadable(&samples, &skipped),
            false => ScoreTable::new(&judged),
        };
        match &self.out {
            Some(path) => table.save(path)?,
            None if common.json => {}
            None => terminal::write(&table.bytes(ScoreFormat::Csv)?)?,
        }
        let unreadable = if reported { skipped.len() } else { 0 };
        let flagged = judged.decisions.count() + unreadable;
        let scored = counted(judged.len(), samples.noun());
        say("scored", &format!("{scored} by `{}`", judged.score));
        say(
            "flagged",
            &format!("{}: {}", count(flagged), judged.decision.clause()),
        );
        if let Some(promise) = judge.promise() {
            say("", &promise);
        }
        if unreadable > 0 {
            let rows = counted(unreadable, "row");
            say("", &format!("{rows} of these could not be read"));
        }
        if !unread.is_empty() {
            let images = counted(unread.len(), "image");
            let them = if unread.len() == 1 { "it" } else { "them" };
            say("unread", &format!("{images}: nothing is known of {them}"));
        }
        for path in self.out.iter().chain(&explained) {
            say("written", &path.display().to_string());
        }
        if common.json {
            let found = Found {
                judged: &judged,
                table: &table,
                unread: &unread,
                skipped: &skipped,
                unreadable,
                notes: &notes,
                range: judge.range(),
            };
            terminal::print_json(&self.document(&found, &device))?;
        }
        Ok(match self.fail_on_anomaly {
            true if flagged > 0 => Outcome::AnomaliesFound,
            true if !unread.is_empty() || !skipped.is_empty() => Outcome::Unread,
            _ => Outcome::Done,
        })
    }

    /// Fails before any work is done if results could not be written; gives the explanations' folder
    /// and the format of a file in it.
    fn check_outputs(&self) -> Result<Option<(&Path, ScoreFormat, NewFolders)>> {
        let data = DataPaths(&self.data).inputs();
        let mut inputs: Vec<&Path> = data.iter().map(PathBuf::as_path).collect();
        inputs.push(&self.model);
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
    fn document(&self, found: &Found<'_>, device: &str) -> Value {
        let &Found {
            judged,
            table,
            unread,
            skipped,
            unreadable,
            notes,
            ..
        } = found;
        let mut document = Map::new();
        document.insert("model".into(), json!(self.model.display().to_string()));
        document.insert("data".into(), DataPaths(&self.data).json());
        document.insert("score".into(), json!(judged.score));
        document.insert("device".into(), json!(device));
        document.insert("decision".into(), json!(judged.decision));
        document.insert("threshold".into(), json!(judged.decisions.threshold));
        document.insert("false_alarm_range".into(), json!(found.range));
        document.insert("rows".into(), json!(judged.len()));
        document.insert(
            "flagged".into(),
            json!(judged.decisions.count() + unreadable),
        );
        document.insert("unread".into(), json!(unread));
        if !skipped.is_empty() {
            document.insert("skipped".into(), json!(skipped));
            document.insert("flagged_skipped".into(), json!(unreadable));
        }
        document.insert("notes".into(), json!(terminal::coded(notes)));
        if let Decision::Budget(_) = judged.decision {
            let expected = Decision::expected_false_alarms(&judged.decisions);
            document.insert("expected_false_alarms".into(), json!(expected));
        }
        match &self.out {
            Some(path) => document.insert("out".into(), json!(path.display().to_string())),
            None => {
                let scores = table.objects().map(Value::Object);
                document.insert("scores".into(), scores.collect())
            }
        };
        Value::Object(document)
    }
}
