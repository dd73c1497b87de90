//! Why a row got its score: the columns that depart most from what training normals have.

use serde::Serialize;
use unlike::Model;
use unlike_core::{Detector, Error, Explanations, Result, Samples};
use unlike_data::preprocess::FittedColumn;

use crate::columns;

/// What contributes less is no reason, in units of what is typical of its column.
const FLOOR: f32 = 1.0;

/// How many columns explain a row.
pub(crate) const TOP: usize = 5;

impl Reason<'_> {
    /// What is typical, for people, who also read where the value itself is.
    pub(crate) fn typical_in_words(&self) -> String {
        match self.usual {
            Some(true) => format!("{}; unusual only beside other columns", self.typical),
            _ => self.typical.to_owned(),
        }
    }
}

/// Explains the rows of one table.
#[derive(Debug)]
pub struct Explainer<'a> {
    samples: &'a Samples,
    names: Vec<String>,
    typical: Vec<String>,
    /// The fitted columns, in the order of the names; none where features are not columns.
    fitted: Vec<&'a FittedColumn>,
    /// `[rows, names]`
    contributions: Vec<f32>,
}

/// What one column contributed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason<'a> {
    /// The column's name.
    pub column: &'a str,
    /// In units of this column's mean over held-out normals: 1 is typical.
    pub contribution: f64,
    /// Of the row's contributions, within [0, 1].
    pub share: f64,
    /// The cell as it stands in the file; empty when missing.
    pub found: String,
    /// What training normals usually have there.
    pub typical: &'a str,
    /// Whether they usually have this value, too: then it is unusual only beside those of the other
    /// columns. Absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual: Option<bool>,
}

impl<'a> Explainer<'a> {
    /// Explains all of these rows.
    ///
    /// # Errors
    /// If the samples do not fit the model, or are images that have maps instead.
    pub fn new(model: &'a Model, samples: &'a Samples) -> Result<Self> {
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
            fitted: model
                .preprocessing()
                .as_table()
                .map_or_else(Vec::new, |table| {
                    table.columns().iter().map(|(_, column)| column).collect()
                }),
            contributions: values,
        })
    }

    /// The columns that contributed most to a row's score, largest first, at most five. Those that
    /// contributed no more than is typical of them are left out, and so are those whose values
    /// training normals usually have, unless nothing else is left: then the values are unusual only beside
    /// each other.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn reasons(&self, row: usize) -> Vec<Reason<'_>> {
        let width = self.names.len();
        let row_values = &self.contributions[row * width..(row + 1) * width];
        let sum: f64 = row_values.iter().map(|&v| f64::from(v)).sum();
        let mut order: Vec<usize> = (0..width).filter(|&i| row_values[i] > FLOOR).collect();
        order.sort_by(|&a, &b| row_values[b].total_cmp(&row_values[a]));
        let unusual = |&i: &usize| self.is_usual(row, i) != Some(true);
        if order.iter().any(unusual) {
            order.retain(unusual);
        }
        order.truncate(TOP);
        let reason = |i: usize| Reason {
            column: &self.names[i],
            contribution: f64::from(row_values[i]),
            share: f64::from(row_values[i]) / sum,
            found: self.found(row, i),
            typical: self.typical.get(i).map_or("", String::as_str),
            usual: self.is_usual(row, i),
        };
        order.into_iter().map(reason).collect()
    }

    fn is_usual(&self, row: usize, column: usize) -> Option<bool> {
        let Samples::Table(table) = self.samples else {
            return None;
        };
        let fitted = self.fitted.get(column)?;
        let values = &table.column(&self.names[column])?.values;
        columns::is_usual(fitted, values, row)
    }

    fn found(&self, row: usize, column: usize) -> String {
        match self.samples {
            Samples::Table(table) => table
                .column(&self.names[column])
                .map_or_else(String::new, |c| c.values.text(row)),
            Samples::Images(_) => String::new(),
        }
    }
}
