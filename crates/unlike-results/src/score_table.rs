//! Files of scores: CSV, JSON Lines or Parquet, by the ending of their name.

use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use unlike::Judged;
use unlike_core::{Decisions, Error, Location, Result, Samples, files::write_atomically};
use unlike_data::Skipped;

use crate::parquet_file;

/// What was found out about samples as a table: the columns `id, score, p_value, q_value,
/// anomalous`; where labelled samples told of probabilities, `probability`, `probability_low` and
/// `probability_high`; then the named parts of the score; with [rows that cannot be
/// read](Self::with_unreadable), a `reason`.
#[derive(Clone, Debug)]
pub struct ScoreTable<'a> {
    pub(crate) judged: &'a Judged,
    /// Rows in the order of the file, where some cannot be read.
    mixed: Option<Vec<Row<'a>>>,
}

/// The values of a column, by position.
pub(crate) type Numbers<'a> = Box<dyn Fn(usize) -> f64 + 'a>;

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
    /// One row group, compressed with Snappy.
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

    /// The columns of numbers after the flags: probabilities, if there are any, and the parts.
    pub(crate) fn more_numbers(&self) -> Vec<(&'a str, Numbers<'a>)> {
        let mut columns: Vec<(&str, Numbers<'a>)> = Vec::new();
        if let Some(probabilities) = &self.judged.probabilities {
            columns.push(("probability", Box::new(|i| probabilities[i].point())));
            columns.push(("probability_low", Box::new(|i| probabilities[i].low)));
            columns.push(("probability_high", Box::new(|i| probabilities[i].high)));
        }
        for (name, values) in self.judged.parts.iter() {
            columns.push((name, Box::new(move |i| values[i].into())));
        }
        columns
    }

    /// Whether there is a column of reasons.
    pub(crate) fn has_reasons(&self) -> bool {
        self.mixed.is_some()
    }

    /// All rows, in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        let mixed = self.mixed.clone();
        let all = mixed
            .is_none()
            .then(|| (0..self.judged.len()).map(Row::Judged));
        mixed.into_iter().flatten().chain(all.into_iter().flatten())
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
        let Judged {
            ids,
            scores,
            decisions,
            ..
        } = self.judged;
        let more = self.more_numbers();
        let reasons = self.has_reasons();
        self.rows().map(move |row| {
            let mut object = Map::new();
            let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
            let i = match row {
                Row::Judged(i) => i,
                Row::Unreadable(skipped) => {
                    put("id", json!(skipped.id));
                    for name in ["score", "p_value", "q_value"] {
                        put(name, Value::Null);
                    }
                    put("anomalous", json!(true));
                    for (name, _) in &more {
                        put(name, Value::Null);
                    }
                    put("reason", json!(skipped.reason));
                    return object;
                }
            };
            put("id", json!(ids[i]));
            put("score", json!(scores[i]));
            put("p_value", json!(decisions.p_values[i]));
            put("q_value", json!(decisions.q_values[i]));
            put("anomalous", json!(decisions.anomalous[i]));
            for (name, value) in &more {
                put(name, json!(value(i)));
            }
            if reasons {
                put("reason", Value::Null);
            }
            object
        })
    }

    fn write_to(&self, format: ScoreFormat, to: &mut dyn Write, path: &Path) -> Result<()> {
        match format {
            ScoreFormat::Csv => self.write_csv(to, path),
            ScoreFormat::JsonLines => {
                for object in self.objects() {
                    json_line(to, &object, path)?;
                }
                Ok(())
            }
            ScoreFormat::Parquet => parquet_file::write(self, to, path),
        }
    }

    fn write_csv(&self, to: &mut dyn Write, path: &Path) -> Result<()> {
        let Judged {
            ids,
            scores,
            decisions,
            ..
        } = self.judged;
        let more = self.more_numbers();
        let mut writer = csv::Writer::from_writer(to);
        let header = ["id", "score", "p_value", "q_value", "anomalous"].into_iter();
        let mut row = |cells: &mut dyn Iterator<Item = String>| {
            writer.write_record(cells).map_err(|e| csv_error(e, path))
        };
        let reason = self.has_reasons().then_some("reason");
        row(&mut header
            .chain(more.iter().map(|(name, _)| *name))
            .chain(reason)
            .map(str::to_owned))?;
        let Decisions {
            p_values,
            q_values,
            anomalous,
            ..
        } = decisions;
        for of in self.rows() {
            let i = match of {
                Row::Judged(i) => i,
                Row::Unreadable(skipped) => {
                    let blank = std::iter::repeat_n(String::new(), 3);
                    let parts = more.iter().map(|_| String::new());
                    row(&mut [skipped.id.clone()]
                        .into_iter()
                        .chain(blank)
                        .chain(["true".to_owned()])
                        .chain(parts)
                        .chain([skipped.reason.clone()]))?;
                    continue;
                }
            };
            let numbers = [scores[i], p_values[i], q_values[i]].map(number);
            let parts = more.iter().map(|(_, value)| number(value(i)));
            let flag = anomalous[i].to_string();
            row(&mut [ids[i].clone()]
                .into_iter()
                .chain(numbers)
                .chain([flag])
                .chain(parts)
                .chain(reason.map(|_| String::new())))?;
        }
        writer.flush().map_err(Error::io("write", path))
    }
}

/// Samples and rows that could not be read in the order of their files; both are in this order already.
fn mixed<'a>(samples: &Samples, unreadable: &'a [Skipped]) -> Vec<Row<'a>> {
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

/// The shortest text that reads back as the same number.
pub(crate) fn number(value: f64) -> String {
    format!("{value:?}")
}

/// Writes one line of JSON; `path` is for the message if that fails.
///
/// # Errors
/// If it cannot be written.
pub fn json_line(to: &mut dyn Write, document: &impl serde::Serialize, path: &Path) -> Result<()> {
    serde_json::to_writer(&mut *to, document).map_err(|e| Error::io("write", path)(e.into()))?;
    to.write_all(b"\n").map_err(Error::io("write", path))
}

/// A CSV writer's error as ours.
pub(crate) fn csv_error(error: csv::Error, path: &Path) -> Error {
    let path: PathBuf = path.to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::io("write", path)(source),
        other => Error::Malformed {
            path,
            location: Location::default(),
            found: format!("{other:?}"),
            expected: "rows of one length".into(),
            hint: None,
        },
    }
}
