//! Files of scores: CSV, JSON Lines or Parquet, by the ending of their name.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use unlike_core::{Decisions, Error, Location, Result, ScoreParts, files::write_atomically};

use crate::parquet_file;

/// The scores of some samples: the columns `id, score, p_value, q_value, anomalous`, then the parts.
#[derive(Clone, Debug)]
pub(crate) struct ScoreTable {
    pub(crate) ids: Vec<String>,
    pub(crate) scores: Vec<f64>,
    pub(crate) decisions: Decisions,
    pub(crate) parts: ScoreParts,
}

/// How a table of scores is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScoreFormat {
    Csv,
    JsonLines,
    Parquet,
}

impl ScoreFormat {
    /// The format that a file's name asks for.
    pub(crate) fn of(path: &Path) -> Result<Self> {
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

impl ScoreTable {
    /// The number of samples.
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    /// Writes a file as a whole or not at all.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let format = ScoreFormat::of(path)?;
        write_atomically(path, |to| self.write(format, to, path))
    }

    /// The same as CSV in memory, for stdout.
    pub(crate) fn csv(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write(ScoreFormat::Csv, &mut bytes, Path::new("stdout"))?;
        Ok(bytes)
    }

    /// One JSON object per sample.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Map<String, Value>> {
        (0..self.len()).map(|i| {
            let mut object = Map::new();
            let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
            put("id", json!(self.ids[i]));
            put("score", json!(self.scores[i]));
            put("p_value", json!(self.decisions.p_values[i]));
            put("q_value", json!(self.decisions.q_values[i]));
            put("anomalous", json!(self.decisions.anomalous[i]));
            for (name, values) in self.parts.iter() {
                put(name, json!(values[i]));
            }
            object
        })
    }

    fn write(&self, format: ScoreFormat, to: &mut dyn Write, path: &Path) -> Result<()> {
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
        let mut writer = csv::Writer::from_writer(to);
        let header = ["id", "score", "p_value", "q_value", "anomalous"].into_iter();
        let mut row = |cells: &mut dyn Iterator<Item = String>| {
            writer.write_record(cells).map_err(|e| csv_error(e, path))
        };
        row(&mut header.chain(self.parts.names()).map(str::to_owned))?;
        let Decisions {
            p_values,
            q_values,
            anomalous,
            ..
        } = &self.decisions;
        for i in 0..self.len() {
            let numbers = [self.scores[i], p_values[i], q_values[i]].map(number);
            let parts = self.parts.iter().map(|(_, values)| number(values[i]));
            let flag = anomalous[i].to_string();
            row(&mut [self.ids[i].clone()]
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

/// One line of JSON.
pub(crate) fn json_line(
    to: &mut dyn Write,
    document: &impl serde::Serialize,
    path: &Path,
) -> Result<()> {
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
