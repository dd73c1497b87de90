//! Why a row got its score: the columns that depart most from what training normals have.

use std::path::Path;

use serde::Serialize;
use serde_json::json;
use unlike::Model;
use unlike_core::{Detector, Error, Explanations, Result, Samples, files::write_atomically};

use crate::{
    columns,
    output::{ScoreFormat, ScoreTable, csv_error, json_line, number},
};

/// How many columns explain a row.
pub(crate) const TOP: usize = 5;

/// Explains the rows of one table.
pub(crate) struct Explainer<'a> {
    samples: &'a Samples,
    names: Vec<String>,
    typical: Vec<String>,
    /// `[rows, names]`
    contributions: Vec<f32>,
}

/// What one column contributed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Reason<'a> {
    pub(crate) column: &'a str,
    /// In units of this column's mean over held-out normals: 1 is typical.
    pub(crate) contribution: f64,
    /// Of the row's contributions, within [0, 1].
    pub(crate) share: f64,
    /// The cell as it stands in the file; empty when missing.
    pub(crate) found: String,
    /// What training normals have there.
    pub(crate) typical: &'a str,
}

impl<'a> Explainer<'a> {
    /// Explains all of these samples.
    pub(crate) fn new(model: &Model, samples: &'a Samples) -> Result<Self> {
        let Explanations::Columns { names, values } = model.explain(samples)? else {
            return Err(Error::Mismatch {
                origin: Some(samples.origin().to_owned()),
                found: "maps".into(),
                expected: "one contribution per column".into(),
                hint: None,
            });
        };
        let typical = columns::typical(model.preprocessing());
        Ok(Self {
            samples,
            names,
            typical,
            contributions: values,
        })
    }

    /// The columns that contributed most to a row's score, largest first; those that contributed
    /// nothing are left out.
    pub(crate) fn reasons(&self, row: usize) -> Vec<Reason<'_>> {
        let width = self.names.len();
        let row_values = &self.contributions[row * width..(row + 1) * width];
        let sum: f64 = row_values.iter().map(|&v| f64::from(v)).sum();
        let mut order: Vec<usize> = (0..width).filter(|&i| row_values[i] > 0.0).collect();
        order.sort_by(|&a, &b| row_values[b].total_cmp(&row_values[a]));
        order.truncate(TOP);
        let reason = |i: usize| Reason {
            column: &self.names[i],
            contribution: f64::from(row_values[i]),
            share: f64::from(row_values[i]) / sum,
            found: self.found(row, i),
            typical: self.typical.get(i).map_or("", String::as_str),
        };
        order.into_iter().map(reason).collect()
    }

    fn found(&self, row: usize, column: usize) -> String {
        match self.samples {
            Samples::Table(table) => table
                .column(&self.names[column])
                .map_or_else(String::new, |c| c.values.text(row)),
            Samples::Images(_) => String::new(),
        }
    }

    /// Writes every row's reasons: one line per row in JSON Lines, one per reason in CSV.
    pub(crate) fn save(&self, path: &Path, scores: &ScoreTable) -> Result<()> {
        write_atomically(path, |to| match ScoreFormat::of(path)? {
            ScoreFormat::JsonLines => (0..scores.len()).try_for_each(|row| {
                let line = json!({
                    "id": scores.ids[row],
                    "score": scores.scores[row],
                    "p_value": scores.decisions.p_values[row],
                    "anomalous": scores.decisions.anomalous[row],
                    "reasons": self.reasons(row),
                });
                json_line(to, &line, path)
            }),
            ScoreFormat::Csv | ScoreFormat::Parquet => {
                let mut writer = csv::Writer::from_writer(to);
                let mut write =
                    |cells: &[&str]| writer.write_record(cells).map_err(|e| csv_error(e, path));
                write(&[
                    "id",
                    "rank",
                    "column",
                    "contribution",
                    "share",
                    "found",
                    "typical",
                ])?;
                for row in 0..scores.len() {
                    for (reason, rank) in self.reasons(row).iter().zip(1..) {
                        let Reason {
                            column,
                            contribution,
                            share,
                            found,
                            typical,
                        } = reason;
                        let (rank, contribution, share) =
                            (format!("{rank}"), number(*contribution), number(*share));
                        write(&[
                            &scores.ids[row],
                            &rank,
                            column,
                            &contribution,
                            &share,
                            found,
                            typical,
                        ])?;
                    }
                }
                writer.flush().map_err(Error::io("write", path))
            }
        })
    }
}
