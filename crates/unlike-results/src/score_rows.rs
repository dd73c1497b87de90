//! One row of a table of scores, as each format writes it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use unlike::Model;
use unlike_core::{Error, Location, Probability, Result, ScoreParts};

/// What one sample of a table of scores says.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRow {
    /// Its id, or the number of its row.
    pub id: String,
    /// What was found out; nothing of a row that cannot be read, which is anomalous.
    pub found: Option<FoundRow>,
    /// Why it cannot be read.
    pub reason: Option<String>,
}

/// What was found out about a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// Finite, higher = more anomalous.
    pub score: f64,
    /// In (0, 1].
    pub p_value: f64,
    /// In (0, 1].
    pub q_value: f64,
    /// Whether it is flagged.
    pub anomalous: bool,
    /// The columns after these, in their order: probabilities, if there are any, and the parts.
    pub more: Vec<f64>,
}

/// The columns of a table of scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowLayout {
    /// The columns of numbers after the flags.
    pub(crate) more: Vec<String>,
    /// Whether there is a column of reasons.
    pub(crate) reasons: bool,
}

/// The columns before those.
pub(crate) const FIRST: [&str; 5] = ["id", "score", "p_value", "q_value", "anomalous"];

impl RowLayout {
    /// With the columns of probabilities, if there are any, and of these parts.
    pub(crate) fn new<'a>(
        probabilities: bool,
        parts: impl Iterator<Item = &'a str>,
        reasons: bool,
    ) -> Self {
        let mut more: Vec<String> = Vec::new();
        if probabilities {
            more.extend(["probability", "probability_low", "probability_high"].map(String::from));
        }
        more.extend(parts.map(String::from));
        Self { more, reasons }
    }

    /// Writes the names of the columns.
    pub(crate) fn csv_header(&self, to: &mut csv::Writer<impl Write>) -> csv::Result<()> {
        let more = self.more.iter().map(String::as_str);
        let reason = self.reasons.then_some("reason");
        to.write_record(FIRST.into_iter().chain(more).chain(reason))
    }

    /// Writes a line.
    pub(crate) fn csv_row(
        &self,
        to: &mut csv::Writer<impl Write>,
        row: &ScoredRow,
    ) -> csv::Result<()> {
        to.write_field(&row.id)?;
        match &row.found {
            Some(found) => {
                for value in [found.score, found.p_value, found.q_value] {
                    to.write_field(number(value))?;
                }
                to.write_field(if found.anomalous { "true" } else { "false" })?;
                for &value in &found.more {
                    to.write_field(number(value))?;
                }
            }
            None => {
                for cell in ["", "", "", "true"] {
                    to.write_field(cell)?;
                }
                for _ in &self.more {
                    to.write_field("")?;
                }
            }
        }
        if self.reasons {
            to.write_field(row.reason.as_deref().unwrap_or_default())?;
        }
        to.write_record(None::<&[u8]>)
    }

    /// The row with the columns as keys.
    pub(crate) fn object(&self, row: &ScoredRow) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("id", json!(row.id));
        let found = row.found.as_ref();
        put("score", json!(found.map(|f| f.score)));
        put("p_value", json!(found.map(|f| f.p_value)));
        put("q_value", json!(found.map(|f| f.q_value)));
        put("anomalous", json!(found.is_none_or(|f| f.anomalous)));
        for (at, name) in self.more.iter().enumerate() {
            put(name, json!(found.map(|f| f.more[at])));
        }
        if self.reasons {
            put("reason", json!(row.reason));
        }
        object
    }
}

/// The numbers after the flags: of one sample's probability, if there is one, and of its parts.
pub(crate) fn more(probability: Option<Probability>, parts: &ScoreParts, at: usize) -> Vec<f64> {
    let mut more = Vec::with_capacity(6);
    if let Some(probability) = probability {
        more.extend([probability.point(), probability.low, probability.high]);
    }
    more.extend(parts.iter().map(|(_, values)| f64::from(values[at])));
    more
}

/// How probable it is that a sample of this score is anomalous, if labelled samples told the model.
pub(crate) fn probability(model: &Model, score: f64) -> Option<Probability> {
    Some(model.probabilities()?.probability(score))
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
