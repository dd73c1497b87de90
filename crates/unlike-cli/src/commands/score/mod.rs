//! `unlike score`.

mod document;

use std::{
    cell::RefCell,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Map, Value, json};
use unlike::Judge;
use unlike_core::{
    Decision, Error, Note,
    files::check_writable,
    words::{count, counted},
};
use unlike_data::{Skipped, Unread};
use unlike_results::{
    BatchScores, ScoreFormat, ScoreTable, Scoring, can_resume, explanation_files, explanations_of,
    save_explanations,
};

use self::document::Document;
use crate::{
    args::{Common, DataArgs, DataPaths, DecisionArgs, DeviceArg},
    environment::command_line,
    folders::NewFolders,
    inputs::{refuse_over, refuse_there},
    terminal::{
        self,
        failure::{Failure, Outcome, Result},
        say,
        scoring::Progress,
    },
};

const EXAMPLES: &str = "\
Columns of DATA are found by name, in any order; columns that the model does not
know, labels among them, are ignored. Columns of the result: id, score (higher =
more anomalous), p_value (the share of normals that score at least as high),
q_value (the smallest false-discovery rate at which the sample is flagged),
anomalous, then the named parts of the score; with --bad-rows flag, the reason
why a row could not be read: such rows have no score, and are anomalous.

Ids are written as they are: a spreadsheet may take one that begins with = + - @
for a formula; import that column as text, or write .parquet.

Tables of any size are scored some rows at a time: CSV (packed, too), NPY,
Parquet and Arrow files may be larger than memory.

Examples:
  unlike score runs/egbad-flows new.csv                      CSV on stdout
  unlike score runs/egbad-flows new.csv --fdr 0.1 --out s.parquet
                                 at most 10 % of the flagged are normal
  unlike score runs/egbad-flows new.csv --out s.csv --explain why
                                 and which columns made them so
  unlike score runs/egbad-flows year.parquet --out s.parquet --resume
                                 go on after an interruption
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
    /// Go on with a scoring of rows that was interrupted or killed; the results are the same as without
    /// the interruption
    #[arg(long, requires = "out")]
    resume: bool,
    /// Rows that are held at a time, for tests: results do not depend on it
    #[arg(long, value_name = "N", hide = true)]
    chunk_rows: Option<NonZeroUsize>,
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

/// What was found out, in numbers.
struct Found {
    decision: Decision,
    score: String,
    threshold: Option<f64>,
    /// Within which the rate of false alarms lies, 19 times in 20.
    range: Option<[f64; 2]>,
    promise: Option<String>,
    /// How many rows or images were scored.
    scored: u64,
    noun: &'static str,
    /// How many are flagged, those that cannot be read among them.
    flagged: u64,
    unread: Vec<Unread>,
    skipped: Vec<Skipped>,
    n_skipped: u64,
    /// How many of the skipped are reported as anomalous.
    unreadable: u64,
    expected: Option<f64>,
    notes: Vec<Note>,
    /// Files that were written.
    written: Vec<PathBuf>,
    /// Of images, for a document, where no file holds them.
    scores: Option<Value>,
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
        let (found, mut batch) = match judge.model().preprocessing().as_table() {
            Some(_) => {
                let (found, batch) = self.rows(&judge, explain.as_ref(), common)?;
                (found, Some(batch))
            }
            None => (self.images(&judge, explain.as_ref(), common)?, None),
        };
        self.tell(&found);
        if common.json {
            let fields = self.document(&found, &device);
            let scores = batch.as_mut().filter(|_| self.out.is_none());
            let document = Document {
                fields,
                scores: scores.map(RefCell::new),
            };
            terminal::write_with(|to| document.write(to))?;
        }
        if let Some(batch) = batch {
            batch.finish()?;
        }
        Ok(match self.fail_on_anomaly {
            true if found.flagged > 0 => Outcome::AnomaliesFound,
            true if !found.unread.is_empty() || found.n_skipped > 0 => Outcome::Unread,
            _ => Outcome::Done,
        })
    }

    /// Scores a table of any size.
    fn rows<'a>(
        &self,
        judge: &'a Judge,
        explain: Option<&Explain<'_>>,
        common: Common,
    ) -> Result<(Found, BatchScores<'a>)> {
        let options = self
            .reading
            .options_to_score(judge.model(), self.allow_empty)?;
        let mut scoring = Scoring::new(judge, &DataPaths(&self.data).files()?, &options)?;
        if let Some(rows) = self.chunk_rows {
            scoring = scoring.of(rows.get(), 16 * rows.get());
        }
        if let Some(explain) = explain {
            scoring = scoring.with_reasons(explain.format);
        }
        // Beside a pipe or a device nothing can be kept.
        let is_special = |out: &&PathBuf| fs::metadata(out).is_ok_and(|found| !found.is_file());
        if let Some(out) = self.out.as_ref().filter(|out| !is_special(out)) {
            scoring = scoring.resumable(resume_file(out), self.resume);
        }
        let mut progress = Progress::new();
        let ran = scoring.run(|done| progress.observe(done));
        progress.finish();
        let mut scores = match ran {
            Err(Error::Interrupted) => return Err(self.interrupted()),
            Err(error) => {
                terminal::notes(&scoring.notes());
                return Err(error.into());
            }
            Ok(scores) => scores,
        };
        terminal::notes(scores.reading_notes());
        terminal::notes(scores.notes());
        terminal::notes(judge.notes());
        let mut notes = scores.reading_notes().to_vec();
        notes.extend_from_slice(scores.notes());
        notes.extend_from_slice(judge.notes());
        let mut written = Vec::new();
        if let Some(explain) = explain {
            let path = explanations_of(explain.folder, explain.format);
            scores.save_reasons(&path)?;
            written.push(path);
        }
        match &self.out {
            Some(path) => {
                scores.save(path)?;
                written.insert(0, path.clone());
            }
            // They are part of the document.
            None if common.json => {}
            None => {
                terminal::write_with(|to| scores.write(ScoreFormat::Csv, to, Path::new("stdout")))?
            }
        }
        let found = Found {
            decision: judge.decision(),
            score: judge.model().score_name().to_owned(),
            threshold: scores.threshold(),
            range: judge.range(),
            promise: judge.promise(),
            scored: scores.len(),
            noun: "row",
            flagged: scores.flagged() + scores.unreadable(),
            unread: Vec::new(),
            skipped: scores.skipped().to_vec(),
            n_skipped: scores.n_skipped(),
            unreadable: scores.unreadable(),
            expected: scores.expected_false_alarms(),
            notes,
            written,
            scores: None,
        };
        Ok((found, scores))
    }

    /// Scores images.
    fn images(
        &self,
        judge: &Judge,
        explain: Option<&Explain<'_>>,
        common: Common,
    ) -> Result<Found> {
        let model = judge.model();
        if self.resume {
            return Err(Error::Setting {
                name: "resume".into(),
                found: "a model of images".into(),
                expected: "a model of rows".into(),
                hint: None,
            }
            .into());
        }
        let data = self
            .reading
            .read_to_score(DataPaths(&self.data), model, self.allow_empty)?;
        let unread = data.unread().to_vec();
        let mut notes = data.notes().to_vec();
        let samples = data.into_samples();
        let judged = judge.judge(&samples)?;
        terminal::notes(&judged.notes);
        terminal::notes(judge.notes());
        notes.extend_from_slice(&judged.notes);
        notes.extend_from_slice(judge.notes());
        let mut written = self.out.clone().into_iter().collect::<Vec<PathBuf>>();
        if let Some(explain) = explain {
            let (folder, format) = (explain.folder, explain.format);
            written.extend(save_explanations(model, &samples, &judged, folder, format)?);
        }
        let table = ScoreTable::new(&judged);
        let mut document = None;
        match &self.out {
            Some(path) => table.save(path)?,
            None if common.json => document = Some(table.objects().map(Value::Object).collect()),
            None => terminal::write(&table.bytes(ScoreFormat::Csv)?)?,
        }
        let expected = Decision::expected_false_alarms(&judged.decisions);
        let is_budget = matches!(judged.decision, Decision::Budget(_));
        Ok(Found {
            decision: judged.decision,
            score: judged.score.clone(),
            threshold: judged.decisions.threshold,
            range: judge.range(),
            promise: judge.promise(),
            scored: judged.len() as u64,
            noun: samples.noun(),
            flagged: judged.decisions.count() as u64,
            unread,
            skipped: Vec::new(),
            n_skipped: 0,
            unreadable: 0,
            expected: expected.filter(|_| is_budget),
            notes,
            written,
            scores: document,
        })
    }

    /// What was found out, for people.
    fn tell(&self, found: &Found) {
        let scored = counted(found.scored, found.noun);
        say("scored", &format!("{scored} by `{}`", found.score));
        say(
            "flagged",
            &format!("{}: {}", count(found.flagged), found.decision.clause()),
        );
        if let Some(promise) = &found.promise {
            say("", promise);
        }
        if found.unreadable > 0 {
            let rows = counted(found.unreadable, "row");
            say("", &format!("{rows} of these could not be read"));
        }
        if !found.unread.is_empty() {
            let images = counted(found.unread.len(), "image");
            let them = if found.unread.len() == 1 {
                "it"
            } else {
                "them"
            };
            say("unread", &format!("{images}: nothing is known of {them}"));
        }
        for path in &found.written {
            say("written", &path.display().to_string());
        }
    }

    fn interrupted(&self) -> Failure {
        let is_kept = self.out.as_deref().map(resume_file).is_some_and(can_resume);
        Failure::Interrupted(match is_kept {
            true => format!(
                "what was scored is saved; go on with: {}",
                command_line(&["--resume"])
            ),
            false => "nothing was saved".into(),
        })
    }

    /// Fails before any work is done if results could not be written; gives the explanations' folder
    /// and the format of a file in it.
    fn check_outputs(&self) -> Result<Option<Explain<'_>>> {
        let data = DataPaths(&self.data).inputs();
        let mut inputs: Vec<&Path> = data.iter().map(PathBuf::as_path).collect();
        inputs.push(&self.model);
        let mut format = ScoreFormat::Csv;
        if let Some(out) = &self.out {
            format = ScoreFormat::of(out)?;
            refuse_over(out, &inputs)?;
            let left = resume_file(out);
            let goes_on = self.resume && can_resume(&left);
            refuse_there(out, self.force || goes_on)?;
            if can_resume(&left) && !self.resume && !self.force {
                return Err(Error::Setting {
                    name: "out".into(),
                    found: format!(
                        "`{}`, of which an interrupted scoring left a part: `{}`",
                        out.display(),
                        left.display()
                    ),
                    expected: "to be told what becomes of it".into(),
                    hint: Some("--resume goes on with it, --force starts again".into()),
                }
                .into());
            }
            check_writable(out)?;
        }
        let Some(folder) = &self.explain else {
            return Ok(None);
        };
        for out in explanation_files(folder, format) {
            refuse_over(&out, &inputs)?;
            refuse_there(&out, self.force || self.resume)?;
        }
        let folders = NewFolders::create(folder)?;
        Ok(Some(Explain {
            folder,
            format,
            _folders: folders,
        }))
    }

    /// What `--json` prints: a summary, and the scores unless a file holds them.
    fn document(&self, found: &Found, device: &str) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("model".into(), json!(self.model.display().to_string()));
        document.insert("data".into(), DataPaths(&self.data).json());
        document.insert("score".into(), json!(found.score));
        document.insert("device".into(), json!(device));
        document.insert("decision".into(), json!(found.decision));
        document.insert("threshold".into(), json!(found.threshold));
        document.insert("false_alarm_range".into(), json!(found.range));
        document.insert("rows".into(), json!(found.scored));
        document.insert("flagged".into(), json!(found.flagged));
        document.insert("unread".into(), json!(found.unread));
        if found.n_skipped > 0 {
            document.insert("skipped".into(), json!(found.skipped));
            document.insert("n_skipped".into(), json!(found.n_skipped));
            document.insert("flagged_skipped".into(), json!(found.unreadable));
        }
        document.insert("notes".into(), json!(terminal::coded(&found.notes)));
        if let Some(expected) = found.expected {
            document.insert("expected_false_alarms".into(), json!(expected));
        } else if let Decision::Budget(_) = found.decision {
            document.insert("expected_false_alarms".into(), Value::Null);
        }
        if let Some(path) = &self.out {
            document.insert("out".into(), json!(path.display().to_string()));
        }
        if let Some(scores) = &found.scores {
            document.insert("scores".into(), scores.clone());
        }
        document
    }
}

/// Where reasons or maps go.
struct Explain<'a> {
    folder: &'a Path,
    format: ScoreFormat,
    /// Gone again if nothing comes of them.
    _folders: NewFolders,
}

/// Where an interrupted scoring leaves what `--resume` goes on from.
fn resume_file(out: &Path) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".unlike-resume");
    path.into()
}
