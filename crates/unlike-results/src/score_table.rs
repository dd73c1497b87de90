//! Files of scores: CSV, JSON Lines or Parquet, by the ending of their name.

use std::{collections::HashMap, io::Write, path::Path};

use serde_json::{Map, Value};
use unlike::Judged;
use unlike_core::{Error, Result, Samples, files::write_atomically};
use unlike_data::Skipped;

use crate::{
    parquet_file::ParquetRows,
    score_rows::{FoundRow, RowLayout, ScoredRow, csv_error, json_line, more},
};

/// What was found out about samples as a table: the columns `id, score, p_value, q_value,
/// anomalous`; where labelled samples told of probabilities, `probability`, `probability_low` and
/// `probability_high`; then the named parts of the score; with [rows that cannot be
/// read](Self::with_unreadable), a `reason`.
#[derive(Clone, Debug)]
pub struct ScoreTable<'a> {
    judged: &'a Judged,
    /// Rows in the order of the file, where some cannot be read.
    mixed: Option<Vec<Row<'a>>>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'a> {
    /// A position among those that were judged.
    Judged(usize),
    /// Anomalous, because nobody can say that it is not.
    Unreadable(&'a Skipped),
}

/// How a table of scores is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreFormat {
    /// Comma-separated, with a header; numbers are the shortest that read back as the same.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Row groups of 262,144 rows, compressed with Snappy.
    Parquet,
}

impl ScoreFormat {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// If the name ends in none of `.csv`, `.jsonl`, `.ndjson` and `.parquet`.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(Error::Setting {
                name: "out".into(),
                found: format!("`{}`", path.display()),
                expected: "a file name that ends in .csv, .jsonl or .parquet".into(),
                hint: None,
            }),
        }
    }
}

impl<'a> ScoreTable<'a> {
    /// The table of these samples.
    pub fn new(judged: &'a Judged) -> Self {
        Self {
            judged,
            mixed: None,
        }
    }

    /// With the rows of the file that could not be read, each at its place among the samples and called
    /// by its number: anomalous, without scores and p-values, and with the reason.
    #[must_use]
    pub fn with_unreadable(self, samples: &Samples, unreadable: &'a [Skipped]) -> Self {
        Self {
            mixed: Some(mixed(samples, unreadable)),
            ..self
        }
    }

    fn layout(&self) -> RowLayout {
        let Judged {
            probabilities,
            parts,
            ..
        } = self.judged;
        RowLayout::new(probabilities.is_some(), parts.names(), self.mixed.is_some())
    }

    /// All rows, in the order of the file.
    fn rows(&self) -> impl Iterator<Item = ScoredRow> {
        let mixed = self.mixed.as_ref();
        let all = mixed
            .is_none()
            .then(|| (0..self.judged.len()).map(Row::Judged));
        let mixed = mixed.into_iter().flatten().copied();
        mixed.chain(all.into_iter().flatten()).map(|row| match row {
            Row::Judged(i) => ScoredRow {
                id: self.judged.ids[i].clone(),
                found: Some(self.found(i)),
                reason: None,
            },
            Row::Unreadable(skipped) => skipped_row(skipped),
        })
    }

    fn found(&self, i: usize) -> FoundRow {
        let Judged {
            scores,
            decisions,
            probabilities,
            parts,
            ..
        } = self.judged;
        FoundRow {
            score: scores[i],
            p_value: decisions.p_values[i],
            q_value: decisions.q_values[i],
            anomalous: decisions.anomalous[i],
            more: more(probabilities.as_ref().map(|p| p[i]), parts, i),
        }
    }

    /// Writes a file, as a whole or not at all, in the format that its name asks for.
    ///
    /// # Errors
    /// If the name asks for none, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let format = ScoreFormat::of(path)?;
        write_atomically(path, |to| self.write_to(format, to, path))
    }

    /// The table in memory.
    ///
    /// # Errors
    /// If it cannot be written in this format.
    pub fn bytes(&self, format: ScoreFormat) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(format, &mut bytes, Path::new("scores"))?;
        Ok(bytes)
    }

    /// One JSON object per sample, with the columns as keys.
    pub fn objects(&self) -> impl Iterator<Item = Map<String, Value>> {
        let layout = self.layout();
        self.rows().map(move |row| layout.object(&row))
    }

    fn write_to(
        &self,
        format: ScoreFormat,
        to: &mut (dyn Write + Send),
        path: &Path,
    ) -> Result<()> {
        let layout = self.layout();
        match format {
            ScoreFormat::Csv => {
                let mut writer = csv::Writer::from_writer(to);
                let written = layout.csv_header(&mut writer).and_then(|()| {
                    self.rows()
                        .try_for_each(|row| layout.csv_row(&mut writer, &row))
                });
                written.map_err(|e| csv_error(e, path))?;
                writer.flush().map_err(Error::io("write", path))
            }
            ScoreFormat::JsonLines => {
                let mut rows = self.rows();
                rows.try_for_each(|row| json_line(to, &layout.object(&row), path))
            }
            ScoreFormat::Parquet => {
                let mut file = ParquetRows::new(&layout, to, path)?;
                self.rows().try_for_each(|row| file.push(row))?;
                file.finish()
            }
        }
    }
}

/// The row of one that could not be read.
pub(crate) fn skipped_row(skipped: &Skipped) -> ScoredRow {
    ScoredRow {
        id: skipped.id.clone(),
        found: None,
        reason: Some(skipped.reason.clone()),
    }
}

/// Where, among all rows of their files, those stand that could not be read: the first row is at 0. Both are in
/// the order of their files.
pub fn unreadable_places(samples: &Samples, unreadable: &[Skipped]) -> Vec<usize> {
    let rows = mixed(samples, unreadable).into_iter().enumerate();
    rows.filter(|(_, row)| matches!(row, Row::Unreadable(_)))
        .map(|(at, _)| at)
        .collect()
}

/// Samples and rows that could not be read in the order of their files; both are in this order already.
pub(crate) fn mixed<'a>(samples: &Samples, unreadable: &'a [Skipped]) -> Vec<Row<'a>> {
    let place = |i: usize| match samples {
        Samples::Table(table) => {
            let file = Some(table.file(i)).filter(|&file| file != table.origin());
            (file, table.row_number(i))
        }
        Samples::Images(_) => (None, u32::MAX),
    };
    let mut last = HashMap::new();
    for i in 0..samples.len() {
        last.insert(place(i).0, i);
    }
    let mut unreadable = unreadable.iter().peekable();
    let mut rows = Vec::new();
    for i in 0..samples.len() {
        let (file, number) = place(i);
        while let Some(row) = unreadable.next_if(|row| match row.file.as_deref() {
            same if same == file => row.row < number,
            // Of a file before this one.
            other => last.get(&other).is_none_or(|&last| last < i),
        }) {
            rows.push(Row::Unreadable(row));
        }
        rows.push(Row::Judged(i));
    }
    rows.extend(unreadable.map(Row::Unreadable));
    rows
}
