//! Columns found by name, checked, and turned into rows of features.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Column, ColumnKind, Error, MISSING, Note, Result, Samples, Table, Values};

use super::{CategoryColumn, FittedColumn, Noticed, NumberColumn, TablePreprocessing};
use crate::words;

/// Rows that are written together: their features fit the processor's second-level cache.
const BLOCK: usize = 256;

/// Categories of one column that have no feature of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnseenCategories {
    /// The column.
    pub column: String,
    /// How many rows hold one.
    pub rows: usize,
    /// The distinct texts, in order of first appearance in the file; an empty text is a missing cell.
    pub levels: Vec<String>,
}

impl TablePreprocessing {
    pub(super) fn bind<'a>(&'a self, samples: &'a Samples) -> Result<BoundTable<'a>> {
        let Samples::Table(table) = samples else {
            return Err(Error::Mismatch {
                origin: Some(format!("`{}`", samples.origin())),
                found: "images".into(),
                expected: format!(
                    "a table of {}",
                    words::counted(self.columns().len(), "column")
                ),
                hint: None,
            });
        };
        let by_name = table.by_name();
        self.check_names(table, &by_name)?;
        let mut columns = Vec::with_capacity(self.columns().len());
        let mut unseen = Vec::new();
        for (name, fitted) in self.columns() {
            let Some(column) = by_name.get(name.as_str()) else {
                continue;
            };
            columns.push(match (fitted, &column.values) {
                (FittedColumn::Number(number), Values::Number(values)) => {
                    check_missing(table, name, number, values)?;
                    BoundColumn::Number { number, values }
                }
                (FittedColumn::Category(category), Values::Category { levels, codes }) => {
                    let slots: Vec<usize> = levels.iter().map(|l| category.slot(l)).collect();
                    unseen.extend(find_unseen(name, category, levels, codes, &slots));
                    BoundColumn::Category {
                        category,
                        slots,
                        codes,
                    }
                }
                (_, values) => return Err(other_kind(table, name, fitted.kind(), values)),
            });
        }
        let known: HashSet<&str> = self
            .columns()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let names = table.columns().iter().map(|column| &*column.name);
        let ignored = names
            .filter(|name| !known.contains(name))
            .map(str::to_owned);
        Ok(BoundTable {
            fitted: self,
            columns,
            unseen,
            ignored: ignored.collect(),
        })
    }

    /// Every column of training must be there, under its name.
    fn check_names(&self, table: &Table, by_name: &HashMap<&str, &Column>) -> Result<()> {
        let absent: Vec<&str> = self
            .columns()
            .iter()
            .map(|(n, _)| n.as_str())
            .filter(|n| !by_name.contains_key(n))
            .collect();
        let Some(&first) = absent.first() else {
            return Ok(());
        };
        let known = |name: &str| self.columns().iter().any(|(n, _)| n == name);
        let spare = table
            .columns()
            .iter()
            .map(|c| &*c.name)
            .filter(|name| !known(name));
        let numbered = |name: &str| name.parse::<u32>().is_ok();
        let hint = if absent.len() == self.columns().len()
            && table.columns().iter().all(|c| numbered(&c.name))
        {
            Some("columns are found by name, and this file has no header to name them".into())
        } else {
            words::did_you_mean(first, spare).map(Note::from)
        };
        let plural = if absent.len() == 1 { "" } else { "s" };
        Err(Error::Mismatch {
            origin: Some(format!("`{}`", table.origin())),
            found: format!("no column{plural} {}", words::quoted(absent)),
            expected: format!(
                "the {} of training, in any order",
                words::counted(self.columns().len(), "column")
            ),
            hint,
        })
    }
}

/// A table whose columns were found and checked.
#[derive(Debug)]
pub(super) struct BoundTable<'a> {
    fitted: &'a TablePreprocessing,
    columns: Vec<BoundColumn<'a>>,
    unseen: Vec<UnseenCategories>,
    ignored: Vec<String>,
}

#[derive(Debug)]
enum BoundColumn<'a> {
    Number {
        number: &'a NumberColumn,
        values: &'a [f64],
    },
    Category {
        category: &'a CategoryColumn,
        slots: Vec<usize>,
        codes: &'a [u32],
    },
}

impl BoundTable<'_> {
    pub(super) fn unseen(&self) -> &[UnseenCategories] {
        &self.unseen
    }

    pub(super) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// What is worth knowing about the rows.
    pub(super) fn noticed(&self, rows: usize) -> Noticed {
        let mut noticed = Noticed::new(rows, &self.ignored);
        let columns = self.fitted.columns().iter().zip(&self.columns);
        for (at, ((name, _), column)) in columns.enumerate() {
            if let Some(unseen) = self.unseen.iter().find(|unseen| unseen.column == *name) {
                noticed.unseen(at, unseen);
            }
            if let BoundColumn::Number { number, values } = column {
                let mut far = values.iter().filter(|&&v| number.is_far(v));
                if let Some(&first) = far.next() {
                    noticed.far(at, 1 + far.count(), first);
                }
            }
        }
        noticed
    }

    /// Fills `out` with whole rows from row `first` on.
    pub(super) fn write(&self, first: usize, out: &mut [f32]) {
        let width = self.fitted.width();
        if out.len() <= BLOCK * width {
            return self.write_block(first, out, width);
        }
        out.par_chunks_mut(BLOCK * width)
            .enumerate()
            .for_each(|(block, rows)| self.write_block(first + block * BLOCK, rows, width));
    }

    fn write_block(&self, first: usize, out: &mut [f32], width: usize) {
        let [no, yes] = self.fitted.config().scaling.no_yes();
        let rows = first..first + out.len() / width;
        for (column, &start) in self.columns.iter().zip(&self.fitted.starts) {
            match column {
                BoundColumn::Number { number, values } => {
                    let values = &values[rows.clone()];
                    for (row, &value) in out.chunks_exact_mut(width).zip(values) {
                        row[start] = match number.fill {
                            Some(fill) => {
                                row[start + 1] = if value.is_nan() { yes } else { no };
                                number.feature(if value.is_nan() { fill } else { value })
                            }
                            None => number.feature(value),
                        };
                    }
                }
                BoundColumn::Category {
                    category,
                    slots,
                    codes,
                } => {
                    let end = start + category.width();
                    for (row, &code) in out.chunks_exact_mut(width).zip(&codes[rows.clone()]) {
                        row[start..end].fill(no);
                        let slot = match code {
                            MISSING => category.missing_slot(),
                            code => slots[code as usize],
                        };
                        row[start + slot] = yes;
                    }
                }
            }
        }
    }
}

fn check_missing(table: &Table, name: &str, number: &NumberColumn, values: &[f64]) -> Result<()> {
    let missing = values
        .iter()
        .position(|v| v.is_nan())
        .filter(|_| number.fill.is_none());
    let Some(row) = missing else {
        return Ok(());
    };
    Err(Error::Mismatch {
        origin: Some(place(table, row, name)),
        found: "a missing value".into(),
        expected: "a number, because training had none missing in this column".into(),
        hint: Some("fill the cell, or train on rows some of which lack this value".into()),
    })
}

fn other_kind(table: &Table, name: &str, kind: ColumnKind, values: &Values) -> Error {
    let first = (0..table.rows()).find(|&row| !values.text(row).is_empty());
    let (origin, example) = match first {
        Some(row) => (
            place(table, row, name),
            format!(" (`{}`)", words::shortened(&values.text(row))),
        ),
        None => (
            format!("`{}`, column `{name}`", table.origin()),
            String::new(),
        ),
    };
    Error::Mismatch {
        origin: Some(origin),
        found: format!("a {}{example}", values.kind()),
        expected: format!("a {kind}, as in training"),
        hint: None,
    }
}

fn place(table: &Table, row: usize, column: &str) -> String {
    format!(
        "`{}`, row {}, column `{column}`",
        table.file(row),
        table.row_number(row)
    )
}

fn find_unseen(
    name: &str,
    category: &CategoryColumn,
    levels: &Arc<[String]>,
    codes: &[u32],
    slots: &[usize],
) -> Option<UnseenCategories> {
    let mut counts = vec![0; levels.len() + 1];
    for &code in codes {
        counts[(code as usize).min(levels.len())] += 1;
    }
    let other = category.other();
    let level = |at: usize| levels.get(at).map_or("", String::as_str);
    let slot = |at: usize| slots.get(at).copied().unwrap_or(category.missing_slot());
    let unseen: Vec<usize> = (0..counts.len())
        .filter(|&at| counts[at] > 0 && slot(at) == other)
        .collect();
    let rows = unseen.iter().map(|&at| counts[at]).sum();
    (rows > 0).then(|| UnseenCategories {
        column: name.to_owned(),
        rows,
        levels: unseen.iter().map(|&at| level(at).to_owned()).collect(),
    })
}
