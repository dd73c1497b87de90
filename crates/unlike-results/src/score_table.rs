//! Files of scores: CSV, JSON Lines or Parquet, by the ending of their name.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use unlike::Judged;
use unlike_core::{Decisions, Error, Location, Result, files::write_atomically};

use crate::parquet_file;

/// What was found out about samples as a table: the columns `id, score, p_value, q_value,
/// anomalous`, then the named parts of the score.
#[derive(Clone, Copy, Debug)]
pub struct ScoreTable<'a>(&'a Judged);

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
        Self(judged)
    }

    /// Writes a file, as a whole or not at all, in the format that its name asks for.
    ///
    /// # Errors
    /// If the name asks for none, or the file cannot be written.
    pub fn save(self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let format = ScoreFormat::of(path)?;
        write_atomically(path, |to| self.write_to(format, to, path))
    }

    /// The table in memory.
    ///
    /// # Errors
    /// If it cannot be written in this format.
    pub fn bytes(self, format: ScoreFormat) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(format, &mut bytes, Path::new("scores"))?;
        Ok(bytes)
    }

    /// One JSON object per sample, with the columns as keys.
    pub fn objects(self) -> impl Iterator<Item = Map<String, Value>> {
        let Judged {
            ids,
            scores,
            decisions,
            parts,
            ..
        } = self.0;
        (0..scores.len()).map(move |i| {
            let mut object = Map::new();
            let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
            put("id", json!(ids[i]));
            put("score", json!(scores[i]));
            put("p_value", json!(decisions.p_values[i]));
            put("q_value", json!(decisions.q_values[i]));
            put("anomalous", json!(decisions.anomalous[i]));
            for (name, values) in parts.iter() {
                put(name, json!(values[i]));
            }
            object
        })
    }

    fn write_to(self, format: ScoreFormat, to: &mut dyn Write, path: &Path) -> Result<()> {
        match format {
            ScoreFormat::Csv => self.write_csv(to, path),
            ScoreFormat::JsonLines => {
                for object in self.objects() {
                    json_line(to, &object, path)?;
                }
                Ok(())
            }
            ScoreFormat::Parquet => parquet_file::write(self.0, to, path),
        }
    }

    fn write_csv(self, to: &mut dyn Write, path: &Path) -> Result<()> {
        let Judged {
            ids,
            scores,
            decisions,
            parts,
            ..
        } = self.0;
        let mut writer = csv::Writer::from_writer(to);
        let header = ["id", "score", "p_value", "q_value", "anomalous"].into_iter();
        let mut row = |cells: &mut dyn Iterator<Item = String>| {
            writer.write_record(cells).map_err(|e| csv_error(e, path))
        };
        row(&mut header.chain(parts.names()).map(str::to_owned))?;
        let Decisions {
            p_values,
            q_values,
            anomalous,
            ..
        } = decisions;
        for i in 0..scores.len() {
            let numbers = [scores[i], p_values[i], q_values[i]].map(number);
            let parts = parts.iter().map(|(_, values)| number(values[i].into()));
            let flag = anomalous[i].to_string();
            row(&mut [ids[i].clone()]
                .into_iter()
                .chain(numbers)
                .chain([flag])
                .chain(parts))?;
        }
        writer.flush().map_err(Error::io("write", path))
    }
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
