//! Why a row got its score: the columns that depart most from what training normals have.

use serde::Serialize;
use unlike::Model;
use unlike_core::{Detector, Error, Explanations, Result, Samples};

use crate::columns;

/// How many columns explain a row.
pub(crate) const TOP: usize = 5;

/// Explains the rows of one table.
#[derive(Debug)]
pub struct Explainer<'a> {
    samples: &'a Samples,
    names: Vec<String>,
    typical: Vec<String>,
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
    /// What training normals have there.
    pub typical: &'a str,
}

impl<'a> Explainer<'a> {
    /// Explains all of these rows.
    ///
    /// # Errors
    /// If the samples do not fit the model, or are images that have maps instead.
    pub fn new(model: &Model, samples: &'a Samples) -> Result<Self> {
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
    /// nothing are left out; at most five.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn reasons(&self, row: usize) -> Vec<Reason<'_>> {
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
}
