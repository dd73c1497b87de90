//! One column of a text file while it is read: number or category, by content or as told.

use std::collections::{HashMap, HashSet};

use unlike_core::{ColumnKind, MISSING, Note, Result, Values};

use crate::{
    sniff,
    source::{self, Source},
    words,
};

/// A column with more distinct numbers than this, and fewer texts than one in `TEXTS_ONE_IN`, is a
/// column of numbers with errors in it, not a category.
const DISTINCT_NUMBERS: usize = 20;
const TEXTS_ONE_IN: usize = 10;

/// The cells that stand for a missing value.
pub(crate) struct MissingCells<'a> {
    texts: &'a [String],
    /// Whether a listed text starts with this byte: almost no cell needs a comparison.
    first_bytes: [bool; 256],
    empty: bool,
}

impl<'a> MissingCells<'a> {
    pub(crate) fn new(texts: &'a [String]) -> Self {
        let mut first_bytes = [false; 256];
        for &byte in texts.iter().filter_map(|text| text.as_bytes().first()) {
            first_bytes[usize::from(byte)] = true;
        }
        Self {
            texts,
            first_bytes,
            empty: texts.iter().any(String::is_empty),
        }
    }

    pub(crate) fn contains(&self, cell: &[u8]) -> bool {
        match cell.first() {
            None => self.empty,
            Some(&byte) => {
                self.first_bytes[usize::from(byte)]
                    && self.texts.iter().any(|text| text.as_bytes() == cell)
            }
        }
    }
}

/// Collects the cells of one column.
pub(crate) struct ColumnBuilder<'a> {
    source: &'a Source,
    name: &'a str,
    missing: &'a MissingCells<'a>,
    /// Told, not inferred.
    fixed: Option<ColumnKind>,
    cells: Cells,
}

enum Cells {
    Number(Numbers),
    Category(Categories),
}

#[derive(Default)]
struct Numbers {
    values: Vec<f64>,
    any: bool,
    texts: usize,
    first_text: Option<(u32, String)>,
    first_not_finite: Option<(u32, String)>,
}

/// What became of a column.
pub(crate) struct Built {
    pub(crate) values: Values,
    /// A sentence, if the user should know how the column was read.
    pub(crate) note: Option<String>,
    /// Whether it holds texts after numbers, and must be read again as a category.
    pub(crate) again: bool,
}

impl<'a> ColumnBuilder<'a> {
    pub(crate) fn new(
        source: &'a Source,
        name: &'a str,
        missing: &'a MissingCells<'a>,
        fixed: Option<ColumnKind>,
        rows: usize,
    ) -> Self {
        let cells = match fixed {
            Some(ColumnKind::Category) => Cells::Category(Categories::with_capacity(rows)),
            _ => Cells::Number(Numbers {
                values: Vec::with_capacity(rows),
                ..Numbers::default()
            }),
        };
        Self {
            source,
            name,
            missing,
            fixed,
            cells,
        }
    }

    /// Adds a cell; `row` is its row in the file.
    pub(crate) fn push(&mut self, cell: &[u8], row: u32) -> Result<()> {
        let cell = sniff::trimmed(cell);
        let missing = self.missing.contains(cell);
        match &mut self.cells {
            Cells::Number(numbers) if missing => numbers.values.push(f64::NAN),
            Cells::Number(numbers) => match sniff::number(cell) {
                Some(value) if value.is_finite() => {
                    numbers.any = true;
                    numbers.values.push(value);
                }
                Some(_) => {
                    if self.fixed.is_some() {
                        return Err(self.not_finite(row, &lossy(cell)));
                    }
                    numbers.any = true;
                    numbers.values.push(f64::NAN);
                    numbers
                        .first_not_finite
                        .get_or_insert_with(|| (row, lossy(cell)));
                }
                None if self.fixed.is_some() => {
                    return Err(self
                        .at(row, format!("the text `{}`", words::shortened(&lossy(cell))), "a number")
                        .with_hint(format!(
                            "correct it, or leave the cell empty if the value is missing; `{}` is a \
                             column of numbers",
                            self.name
                        )));
                }
                None if numbers.any => {
                    numbers.values.push(f64::NAN);
                    numbers.texts += 1;
                    numbers.first_text.get_or_insert_with(|| (row, lossy(cell)));
                }
                None => {
                    let mut categories = Categories::with_capacity(numbers.values.capacity());
                    categories.codes.resize(numbers.values.len(), MISSING);
                    self.cells = Cells::Category(categories);
                    return self.push(cell, row);
                }
            },
            Cells::Category(categories) if missing => categories.codes.push(MISSING),
            Cells::Category(categories) => {
                if categories.push(cell).is_err() {
                    return Err(self
                        .source
                        .not_utf8(source::cell(row.into(), self.name), cell));
                }
            }
        }
        Ok(())
    }

    /// The column, given the row number in the file of each of its cells.
    pub(crate) fn finish(self, rows: &[u32]) -> Result<Built> {
        let (mut note, mut again) = (None, false);
        match &self.cells {
            Cells::Number(numbers) => {
                if let Some((row, text)) = &numbers.first_text {
                    let values = numbers.values.iter().filter(|v| !v.is_nan());
                    let distinct = more_than(DISTINCT_NUMBERS, values.clone().map(|v| v.to_bits()));
                    let count = values.count();
                    if distinct && numbers.texts * TEXTS_ONE_IN < count + numbers.texts {
                        return Err(self.odd_text(*row, text, count));
                    }
                    note = Some(self.not_all_numbers(*row, text));
                    again = true;
                } else if let Some((row, text)) = &numbers.first_not_finite {
                    return Err(self.not_finite(*row, text));
                } else if !numbers.any {
                    note = Some(self.no_value());
                }
            }
            Cells::Category(categories) if categories.levels.is_empty() => {
                note = Some(self.no_value());
            }
            Cells::Category(categories) if self.fixed.is_none() => {
                note = self.mixed(categories, rows)?;
            }
            Cells::Category(_) => {}
        }
        Ok(Built {
            values: self.into_values(),
            note,
            again,
        })
    }

    fn no_value(&self) -> String {
        format!("column `{}` has no value in any row", self.name)
    }

    fn into_values(self) -> Values {
        match self.cells {
            Cells::Number(numbers) => Values::Number(numbers.values),
            Cells::Category(c) => Values::Category {
                levels: c.levels.into(),
                codes: c.codes,
            },
        }
    }

    /// Looks at a category that nobody declared: numbers among its texts are a mistake in the file
    /// or worth a note.
    fn mixed(&self, categories: &Categories, rows: &[u32]) -> Result<Option<String>> {
        let name = self.name;
        let finite = |level: &String| sniff::number(level.as_bytes()).is_some_and(f64::is_finite);
        let numeric: Vec<bool> = categories.levels.iter().map(finite).collect();
        let decimal_comma = |level: &String| {
            level.matches(',').count() == 1
                && sniff::number(level.replace(',', ".").as_bytes()).is_some()
        };
        if !numeric.contains(&true) {
            let all = !numeric.is_empty() && categories.levels.iter().all(decimal_comma);
            return Ok(all.then(|| {
                format!("column `{name}` is read as a category, but looks like numbers with a decimal comma")
            }));
        }
        let of_text = |&&code: &&u32| code != MISSING && !numeric[code as usize];
        let texts = categories.codes.iter().filter(of_text).count();
        let all = categories
            .codes
            .iter()
            .filter(|&&code| code != MISSING)
            .count();
        let Some(first) = categories.codes.iter().position(|code| of_text(&code)) else {
            return Ok(None);
        };
        let (row, text) = (
            rows[first],
            &categories.levels[categories.codes[first] as usize],
        );
        let distinct = numeric.iter().filter(|&&n| n).count();
        if distinct > DISTINCT_NUMBERS && texts * TEXTS_ONE_IN < all {
            return Err(self.odd_text(row, text, all - texts));
        }
        Ok(Some(self.not_all_numbers(row, text)))
    }

    fn not_all_numbers(&self, row: u32, text: &str) -> String {
        format!(
            "column `{}` is read as a category, because not all of its cells are numbers (row {row}: \
             `{}`)",
            self.name,
            words::shortened(text)
        )
    }

    fn odd_text(&self, row: u32, text: &str, numbers: usize) -> unlike_core::Error {
        self.at(
            row,
            format!("the text `{}`", words::shortened(text)),
            format!(
                "a number, as in {} other cells of this column",
                words::count(numbers)
            ),
        )
        .with_hint(
            Note::new("correct it, leave the cell empty if the value is missing, or say ")
                .set("category-columns", self.name)
                .text(" if the column holds categories"),
        )
    }

    fn not_finite(&self, row: u32, text: &str) -> unlike_core::Error {
        self.at(row, format!("`{}`", words::shortened(text)), "a finite number").with_hint(
            "leave the cell empty, or write NA, where a value is missing; correct it where it is not",
        )
    }

    fn at(
        &self,
        row: u32,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> unlike_core::Error {
        self.source
            .malformed_at(source::cell(row.into(), self.name), found, expected)
    }
}

/// Distinct texts, coded in order of first appearance.
#[derive(Default)]
struct Categories {
    levels: Vec<String>,
    codes: Vec<u32>,
    by_text: HashMap<Box<[u8]>, u32>,
    last: Option<u32>,
}

impl Categories {
    fn with_capacity(rows: usize) -> Self {
        Self {
            codes: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    fn push(&mut self, text: &[u8]) -> Result<(), std::str::Utf8Error> {
        // Files repeat themselves: most cells are as the one above.
        let code = match self
            .last
            .filter(|&c| self.levels[c as usize].as_bytes() == text)
        {
            Some(code) => code,
            None => match self.by_text.get(text) {
                Some(&code) => code,
                None => {
                    let code = self.levels.len() as u32;
                    self.levels.push(std::str::from_utf8(text)?.to_owned());
                    self.by_text.insert(text.into(), code);
                    code
                }
            },
        };
        self.last = Some(code);
        self.codes.push(code);
        Ok(())
    }
}

fn lossy(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

fn more_than(limit: usize, values: impl Iterator<Item = u64>) -> bool {
    let mut seen = HashSet::new();
    for value in values {
        seen.insert(value);
        if seen.len() > limit {
            return true;
        }
    }
    false
}
