//! Scoring tables of any size: memory grows neither with the rows nor with the results.
//!
//! Rows are read, scored and placed among held-out normals some at a time. What a decision needs of all of
//! them is counted ([`Tally`]); what was found out about each waits in a file until the decision is made,
//! and is then written as a table of scores. That file also lets another process go on where one was ended.

mod frame;
mod spool;
mod write;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use unlike::{Judge, groups::GroupCounts, judge::Batch, train::Flow};
use unlike_core::{Decision, Error, Note, Result, Samples, Tally, Verdicts};
use unlike_data::{BadRows, Chunk, Chunks, Noticed, ReadOptions, Remarks, Skipped};

use self::{
    frame::{Frame, FrameNotes, Texts},
    spool::{Fingerprint, Spool},
};
use crate::{
    explanations,
    reasons::Explainer,
    score_rows::RowLayout,
    score_table::{Row, ScoreFormat, mixed},
};

/// Skipped rows that are kept in memory, at most.
const MOST_SKIPPED: usize = 10_000;

/// A table that is to be scored.
///
/// ```no_run
/// use unlike::{Judge, Model, train::Flow};
/// use unlike_data::ReadOptions;
/// use unlike_results::Scoring;
///
/// let judge = Judge::new(Model::load("runs/egbad-flows")?);
/// let options = judge.model().preprocessing().read_options(ReadOptions::default());
/// let mut scoring = Scoring::new(&judge, &["flows.parquet"], &options)?;
/// let mut scores = scoring.run(|_| Flow::Continue)?;
/// scores.save("scores.parquet")?;
/// println!("{} of {} flagged", scores.flagged(), scores.len());
/// # Ok::<(), unlike::Error>(())
/// ```
pub struct Scoring<'a> {
    judge: &'a Judge,
    chunks: Chunks<'a>,
    paths: Vec<PathBuf>,
    options: ReadOptions,
    reasons: Option<ScoreFormat>,
    resumable: Option<(PathBuf, bool)>,
    spool: Spool,
    /// Whether the spool is of this scoring, and not one that was refused.
    has_begun: bool,
    known: Known,
}

/// What is known of all rows so far.
#[derive(Default)]
struct Known {
    tally: Tally,
    remarks: Remarks,
    noticed: Noticed,
    groups: GroupCounts,
    skipped: Vec<Skipped>,
}

/// How far a scoring is.
#[derive(Clone, Copy, Debug)]
pub struct ScoringProgress {
    /// Rows that were scored.
    pub rows: u64,
    /// Of these, rows that were scored by an earlier process.
    pub resumed: u64,
    /// How much of the files was read, from 0 to 1; none where that is not known.
    pub share: Option<f64>,
}

/// What was found out about a table of any size.
pub struct BatchScores<'a> {
    judge: &'a Judge,
    spool: Spool,
    verdicts: Verdicts,
    layout: RowLayout,
    reasons: Option<ScoreFormat>,
    rows: u64,
    flagged: u64,
    skipped: Vec<Skipped>,
    n_skipped: u64,
    expected: Option<f64>,
    reading_notes: Vec<Note>,
    notes: Vec<Note>,
}

impl<'a> Scoring<'a> {
    /// Of the rows of these files, read as the model knows them; see
    /// [`read_options`](unlike_data::Preprocessing::read_options). Rows that the options skip or flag are
    /// also those that lack a value which training always had.
    ///
    /// # Errors
    /// If the model is one of images.
    pub fn new(
        judge: &'a Judge,
        paths: &[impl AsRef<Path>],
        options: &ReadOptions,
    ) -> Result<Self> {
        let model = judge.model();
        if model.preprocessing().as_table().is_none() {
            return Err(Error::Mismatch {
                origin: None,
                found: "a model of images".into(),
                expected: "a model of rows".into(),
                hint: None,
            });
        }
        let chunks = Chunks::open(paths, options)?;
        let chunks = chunks.without(|samples| model.preprocessing().unfit_rows(samples));
        // Groups are named as the whole column is read.
        let chunks = match model.grouped_by() {
            Some(_) => chunks.at_once(),
            None => chunks,
        };
        let parts = part_names(judge);
        Ok(Self {
            judge,
            chunks,
            paths: paths.iter().map(|path| path.as_ref().to_owned()).collect(),
            options: options.clone(),
            reasons: None,
            resumable: None,
            spool: Spool::new(parts, None),
            has_begun: false,
            known: Known {
                tally: judge.tally(),
                remarks: Remarks::default(),
                noticed: Noticed::default(),
                groups: GroupCounts::default(),
                skipped: Vec::new(),
            },
        })
    }

    /// The same, at most so many rows at a time, from 1 up, and so many bytes of a text.
    #[must_use]
    pub fn of(self, rows: usize, bytes: usize) -> Self {
        Self {
            chunks: self.chunks.of(rows, bytes),
            ..self
        }
    }

    /// The same, which also finds the reasons of each row, for a file of this format.
    #[must_use]
    pub fn with_reasons(self, format: ScoreFormat) -> Self {
        Self {
            reasons: Some(format),
            ..self
        }
    }

    /// The same, which keeps what another process needs to go on in a file at this path, once there is
    /// more than one chunk; and itself goes on from it if `resume`, and the file is there.
    #[must_use]
    pub fn resumable(self, path: impl Into<PathBuf>, resume: bool) -> Self {
        Self {
            resumable: Some((path.into(), resume)),
            ..self
        }
    }

    /// Scores all rows, once. `observe` hears of progress, and may end it: what was done so far is then lost,
    /// unless it is [`resumable`](Self::resumable).
    ///
    /// # Errors
    /// If the rows do not fit the model, the message names the place; if a file cannot be written;
    /// [`Error::Interrupted`]; if there is nothing to go on from that fits.
    pub fn run(&mut self, observe: impl FnMut(ScoringProgress) -> Flow) -> Result<BatchScores<'a>> {
        let ran = self.score_all(observe).and_then(|()| self.settle());
        // Rows that are refused would be refused again: there is nothing to go on with.
        let is_final = |error: &Error| !matches!(error, Error::Io { .. } | Error::Interrupted);
        if self.has_begun && ran.as_ref().is_err_and(is_final) {
            _ = self.take_spool().remove();
        }
        ran
    }

    fn score_all(&mut self, mut observe: impl FnMut(ScoringProgress) -> Flow) -> Result<()> {
        self.begin()?;
        self.has_begun = true;
        let resumed = self.known.tally.len();
        while let Some(chunk) = self.chunks.next()? {
            let frame = self.frame(chunk)?;
            self.spool.push(&frame)?;
            self.known.add(frame);
            let progress = ScoringProgress {
                rows: self.known.tally.len(),
                resumed,
                share: self.chunks.share(),
            };
            if observe(progress) == Flow::Interrupt {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    }

    fn take_spool(&mut self) -> Spool {
        std::mem::replace(&mut self.spool, Spool::new(Vec::new(), None))
    }

    /// What is worth knowing about what was read so far, when [`run`](Self::run) failed: it may tell why.
    pub fn notes(&self) -> Vec<Note> {
        self.chunks.notes(&self.known.remarks)
    }

    /// Goes on from what an earlier process left, or starts a file for another one to go on from.
    fn begin(&mut self) -> Result<()> {
        let Some((path, resume)) = self.resumable.take() else {
            return Ok(());
        };
        let Some(fingerprint) = self.fingerprint()? else {
            return Ok(());
        };
        let parts = part_names(self.judge);
        let mut end = None;
        if resume {
            let known = &mut self.known;
            let each = |frame: Frame| {
                end = Some(frame.notes.end.clone());
                known.add(frame);
                Ok(())
            };
            if let Some(spool) = Spool::resume(&path, &fingerprint, parts.clone(), each)? {
                self.spool = spool;
            }
        }
        match end {
            Some(end) => self.chunks.resume(&end, &self.known.remarks),
            None => {
                self.spool = Spool::new(parts, Some((path, fingerprint)));
                Ok(())
            }
        }
    }

    /// What scores depend on; none where data cannot be read a second time.
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        let mut data = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let found = std::fs::metadata(path).map_err(Error::io("read", path))?;
            if !found.is_file() {
                return Ok(None);
            }
            let since = found.modified().ok();
            let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let path = std::path::absolute(path).map_err(Error::io("read", path))?;
            data.push((path, found.len(), since.map_or(0, |time| time.as_nanos())));
        }
        let (judge, options) = (self.judge, &self.options);
        let digest = Sha256::digest(judge.model().to_bytes()?);
        Ok(Some(Fingerprint {
            unlike_version: env!("CARGO_PKG_VERSION").into(),
            model: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            data,
            options: format!(
                "{} {:?} {:?} {:?} {options:?}",
                judge.model().score_name(),
                judge.decision(),
                judge.ties(),
                self.reasons
            ),
        }))
    }

    fn frame(&self, chunk: Chunk) -> Result<Frame> {
        let Chunk { data, remarks, end } = chunk;
        let skipped = data.skipped().to_vec();
        let samples = data.into_samples();
        let placed = self.judge.place(&samples)?;
        let reasons = match self.reasons {
            Some(format) => self.reasons(&samples, &placed.ids, format)?,
            None => Texts::default(),
        };
        let notes = FrameNotes {
            end,
            remarks,
            noticed: placed.noticed.clone(),
            groups: placed.groups.clone(),
            skipped: standing(&samples, skipped),
        };
        Ok(Frame::new(placed, reasons, notes))
    }

    fn reasons(&self, samples: &Samples, ids: &[String], format: ScoreFormat) -> Result<Texts> {
        let explainer = Explainer::new(self.judge.model(), samples)?;
        let path = Path::new("explanations");
        let encode = |(row, id): (usize, &String)| {
            explanations::encoded(id, &explainer.reasons(row), format, path)
        };
        let encoded: Vec<Result<Vec<u8>>> = ids.par_iter().enumerate().map(encode).collect();
        let mut texts = Texts::default();
        for text in encoded {
            texts.push(&text?);
        }
        Ok(texts)
    }

    /// Decides.
    fn settle(&mut self) -> Result<BatchScores<'a>> {
        let Known {
            tally,
            remarks,
            mut noticed,
            groups,
            skipped,
        } = std::mem::take(&mut self.known);
        let judge = self.judge;
        let reading_notes = self.chunks.finish(&remarks)?;
        noticed.ignore(self.chunks.ignored().iter().cloned());
        let verdicts = judge.settle(&tally)?;
        let (mut flagged, mut largest) = (0, None::<f64>);
        let mut spool = self.take_spool();
        let mut frames = spool.frames()?;
        while let Some(frame) = frames.next()? {
            for (&score, &place) in frame.scores.iter().zip(&frame.places) {
                if verdicts.is_anomalous(score, place) {
                    flagged += 1;
                    let p_value = place.p_value();
                    largest = Some(largest.map_or(p_value, |largest| largest.max(p_value)));
                }
            }
        }
        drop(frames);
        let expected = largest.map(|p_value| p_value * tally.len() as f64);
        let batch = Batch {
            tally: &tally,
            noun: "row",
            flagged,
            expected,
        };
        let mut notes = judge.placed_notes(&noticed, &groups, "row");
        notes.extend(judge.batch_notes(&batch, &verdicts));
        let reported = self.options.bad_rows == BadRows::Flag;
        let parts = part_names(judge);
        let parts = parts.iter().map(String::as_str);
        Ok(BatchScores {
            layout: RowLayout::new(judge.model().probabilities().is_some(), parts, reported),
            judge,
            spool,
            verdicts,
            reasons: self.reasons,
            rows: tally.len(),
            flagged,
            skipped,
            n_skipped: remarks.skipped(),
            expected,
            reading_notes,
            notes,
        })
    }
}

impl fmt::Debug for Scoring<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoring")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

impl Known {
    fn add(&mut self, frame: Frame) {
        for (&score, &place) in frame.scores.iter().zip(&frame.places) {
            self.tally.add(score, place);
        }
        self.remarks.merge(frame.notes.remarks);
        self.noticed.merge(frame.notes.noticed);
        self.groups.merge(frame.notes.groups);
        let room = MOST_SKIPPED - self.skipped.len();
        let skipped = frame.notes.skipped.into_iter().take(room);
        self.skipped.extend(skipped.map(|(_, skipped)| skipped));
    }
}

impl BatchScores<'_> {
    /// The number of rows with scores.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many of the rows with scores are flagged.
    pub fn flagged(&self) -> u64 {
        self.flagged
    }

    /// How many rows are reported as anomalous because they cannot be read.
    pub fn unreadable(&self) -> u64 {
        match self.layout.reasons {
            true => self.n_skipped,
            false => 0,
        }
    }

    /// The first rows that were skipped, 10,000 at most, in the order of the files.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// How many rows were skipped.
    pub fn n_skipped(&self) -> u64 {
        self.n_skipped
    }

    /// The raw score from which on rows are flagged; see
    /// [`Decisions::threshold`](unlike_core::Decisions::threshold).
    pub fn threshold(&self) -> Option<f64> {
        self.verdicts.threshold()
    }

    /// As [`Decision::expected_false_alarms`], where the decision is a budget.
    pub fn expected_false_alarms(&self) -> Option<f64> {
        let is_budget = matches!(self.judge.decision(), Decision::Budget(_));
        self.expected.filter(|_| is_budget)
    }

    /// What is worth knowing about how the files were read.
    pub fn reading_notes(&self) -> &[Note] {
        &self.reading_notes
    }

    /// What is worth knowing about the rows, and about what was decided.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Takes away what another process would go on from, when all that is wanted is written.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn finish(self) -> Result<()> {
        self.spool.remove()
    }
}

impl fmt::Debug for BatchScores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchScores")
            .field("rows", &self.rows)
            .field("flagged", &self.flagged)
            .finish_non_exhaustive()
    }
}

/// Whether a file holds what another process can [go on from](Scoring::resumable).
pub fn can_resume(path: impl AsRef<Path>) -> bool {
    spool::is_there(path.as_ref())
}

/// The names of the parts of a judge's scores.
fn part_names(judge: &Judge) -> Vec<String> {
    judge.model().part_names().map(str::to_owned).collect()
}

/// Rows that were skipped, and before how many of the samples each stands.
fn standing(samples: &Samples, skipped: Vec<Skipped>) -> Vec<(u32, Skipped)> {
    let (mut before, mut places) = (0, BTreeMap::new());
    for row in mixed(samples, &skipped) {
        match row {
            Row::Judged(_) => before += 1,
            Row::Unreadable(row) => _ = places.insert(std::ptr::from_ref(row), before),
        }
    }
    let place = |row: &Skipped| places.get(&std::ptr::from_ref(row)).copied();
    let places: Vec<u32> = skipped.iter().map(|row| place(row).unwrap_or(0)).collect();
    places.into_iter().zip(skipped).collect()
}
