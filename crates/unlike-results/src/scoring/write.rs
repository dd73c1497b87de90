//! Tables of scores and reasons, from what waited for the decision.

use std::{io::Write, path::Path};

use rayon::prelude::*;
use serde_json::{Map, Value};
use unlike::Judge;
use unlike_core::{Error, Result, Verdicts, files::write_atomically};

use super::{BatchScores, frame::Frame};
use crate::{
    explanations::{self, Decided},
    parquet_file::ParquetRows,
    score_rows::{FoundRow, RowLayout, ScoredRow, csv_error, json_line, more, probability},
    score_table::{ScoreFormat, skipped_row},
};

impl BatchScores<'_> {
    /// Writes a file, as a whole or not at all, in the format that its name asks for: what
    /// [`ScoreTable::save`](crate::ScoreTable::save) writes.
    ///
    /// # Errors
    /// If the name asks for none, or the file cannot be written.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let format = ScoreFormat::of(path)?;
        write_atomically(path, |to| self.write(format, to, path))
    }

    /// Writes the table; `path` is for the message if that fails.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(
        &mut self,
        format: ScoreFormat,
        to: &mut (dyn Write + Send),
        path: &Path,
    ) -> Result<()> {
        let Self {
            judge,
            spool,
            verdicts,
            layout,
            ..
        } = self;
        let rows = Rows {
            judge,
            verdicts,
            layout,
        };
        let mut frames = spool.frames()?;
        if format == ScoreFormat::Parquet {
            let mut file = ParquetRows::new(layout, to, path)?;
            while let Some(frame) = frames.next()? {
                rows.of(&frame).try_for_each(|row| file.push(row))?;
            }
            return file.finish();
        }
        to.write_all(&rows.header(format, path)?)
            .map_err(Error::io("write", path))?;
        loop {
            let mut some = Vec::with_capacity(rayon::current_num_threads());
            while some.len() < some.capacity()
                && let Some(frame) = frames.next()?
            {
                some.push(frame);
            }
            if some.is_empty() {
                return Ok(());
            }
            let texts = some.par_iter().map(|frame| rows.text(frame, format, path));
            for text in texts.collect::<Vec<Result<Vec<u8>>>>() {
                to.write_all(&text?).map_err(Error::io("write", path))?;
            }
        }
    }

    /// Calls `f` with one JSON object per row, with the columns as keys.
    ///
    /// # Errors
    /// What `f` returns, or if rows that wait in a file cannot be read.
    pub fn each_object(
        &mut self,
        mut f: impl FnMut(Map<String, Value>) -> Result<()>,
    ) -> Result<()> {
        let rows = Rows {
            judge: self.judge,
            verdicts: &self.verdicts,
            layout: &self.layout,
        };
        let mut frames = self.spool.frames()?;
        while let Some(frame) = frames.next()? {
            rows.of(&frame)
                .try_for_each(|row| f(rows.layout.object(&row)))?;
        }
        Ok(())
    }

    /// Writes the reasons of all rows with scores, as
    /// [`save_explanations`](crate::save_explanations) does, to the file that it names.
    ///
    /// # Errors
    /// If no reasons were [asked for](super::Scoring::with_reasons), or the file cannot be written.
    pub fn save_reasons(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Some(format) = self.reasons else {
            return Err(Error::NotEnough {
                what: "reasons".into(),
                found: "none".into(),
                expected: "to be asked for before rows are scored".into(),
                hint: None,
            });
        };
        let (spool, verdicts) = (&mut self.spool, &self.verdicts);
        write_atomically(path, |to| {
            explanations::write_header(to, format, path)?;
            let mut frames = spool.frames()?;
            while let Some(frame) = frames.next()? {
                for at in 0..frame.len() {
                    let (score, place) = (frame.scores[at], frame.places[at]);
                    let row = Decided {
                        id: &frame.id(at),
                        score,
                        p_value: place.p_value(),
                        anomalous: verdicts.is_anomalous(score, place),
                    };
                    explanations::write_row(to, &row, frame.reasons.get(at), format, path)?;
                }
            }
            Ok(())
        })
    }
}

/// What makes rows of a frame.
struct Rows<'a> {
    judge: &'a Judge,
    verdicts: &'a Verdicts,
    layout: &'a RowLayout,
}

impl Rows<'_> {
    /// In the order of the file.
    fn of(&self, frame: &Frame) -> impl Iterator<Item = ScoredRow> {
        let mut skipped = frame.notes.skipped.iter().peekable();
        let mut at = 0;
        std::iter::from_fn(move || {
            if self.layout.reasons
                && let Some((_, row)) = skipped.next_if(|(before, _)| *before as usize <= at)
            {
                return Some(skipped_row(row));
            }
            let row = (at < frame.len()).then(|| ScoredRow {
                id: frame.id(at),
                found: Some(self.found(frame, at)),
                reason: None,
            });
            at += 1;
            row
        })
    }

    fn found(&self, frame: &Frame, at: usize) -> FoundRow {
        let (score, place) = (frame.scores[at], frame.places[at]);
        let probability = probability(self.judge.model(), score);
        FoundRow {
            score,
            p_value: place.p_value(),
            q_value: self.verdicts.q_value(place),
            anomalous: self.verdicts.is_anomalous(score, place),
            more: more(probability, &frame.parts, at),
        }
    }

    fn header(&self, format: ScoreFormat, path: &Path) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if format == ScoreFormat::Csv {
            let written = self.layout.csv_header(&mut writer);
            written.map_err(|e| csv_error(e, path))?;
        }
        let bytes = writer.into_inner();
        bytes.map_err(|e| Error::io("write", path)(e.into_error()))
    }

    fn text(&self, frame: &Frame, format: ScoreFormat, path: &Path) -> Result<Vec<u8>> {
        if format == ScoreFormat::JsonLines {
            let mut text = Vec::new();
            for row in self.of(frame) {
                json_line(&mut text, &self.layout.object(&row), path)?;
            }
            return Ok(text);
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut rows = self.of(frame);
        let written = rows.try_for_each(|row| self.layout.csv_row(&mut writer, &row));
        written.map_err(|e| csv_error(e, path))?;
        let bytes = writer.into_inner();
        bytes.map_err(|e| Error::io("write", path)(e.into_error()))
    }
}
