//! What readers produce and detectors consume: samples as they stand in the user's files.

use std::{collections::HashMap, sync::Arc};

mod stack;

use crate::error::{Error, Result};
pub use crate::images::{ImageSource, Images};

/// A set of samples of one kind, without labels.
///
/// Training takes this type, so it cannot see labels; see [`LabelledSamples`].
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// Rows of named columns.
    Table(Table),
    /// Images of one size.
    Images(Images),
}

/// One sample of a table.
pub(crate) const ROW: &str = "row";
/// One sample of images.
pub(crate) const IMAGE: &str = "image";

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Table(table) => table.rows(),
            Self::Images(images) => images.len(),
        }
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What people call one of them: `row` or `image`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Table(_) => ROW,
            Self::Images(_) => IMAGE,
        }
    }

    /// The samples at these positions, in this order; positions may repeat.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        match self {
            Self::Table(table) => Self::Table(table.select(positions)),
            Self::Images(images) => Self::Images(images.select(positions)),
        }
    }

    /// One name per sample: an id column or file name where there is one, the row number in the
    /// file otherwise.
    pub fn id(&self, position: usize) -> String {
        match self {
            Self::Table(table) => table.id(position),
            Self::Images(images) => images.id(position),
        }
    }

    /// Where the samples came from, for messages.
    pub fn origin(&self) -> &str {
        match self {
            Self::Table(table) => &table.origin,
            Self::Images(images) => images.origin(),
        }
    }
}

/// Rows of named columns, held by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    origin: Arc<str>,
    columns: Vec<Column>,
    row_numbers: Vec<u32>,
    ids: Option<Vec<String>>,
    files: Option<Files>,
}

/// The files that rows came from, where these are several.
#[derive(Clone, Debug, PartialEq)]
struct Files {
    names: Arc<[String]>,
    /// A position in `names` for each row.
    of_rows: Vec<u32>,
}

/// One named column of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Unique in its table.
    pub name: Arc<str>,
    /// One value per row.
    pub values: Values,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Finite numbers; NaN stands for a missing cell and for nothing else (readers refuse files
    /// that spell NaN or infinity out).
    Number(Vec<f64>),
    /// Each code is a position in `levels`; [`MISSING`] stands for a missing cell.
    Category {
        /// The distinct texts, in order of first appearance.
        levels: Arc<[String]>,
        /// One per row.
        codes: Vec<u32>,
    },
}

/// The code of a missing cell in a category column.
pub const MISSING: u32 = u32::MAX;

impl Values {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `number` or `category`.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) => ColumnKind::Number,
            Self::Category { .. } => ColumnKind::Category,
        }
    }

    /// The cell as a person would write it; empty when missing.
    pub fn text(&self, row: usize) -> String {
        match self {
            Self::Number(values) if values[row].is_nan() => String::new(),
            Self::Number(values) => values[row].to_string(),
            Self::Category { codes, .. } if codes[row] == MISSING => String::new(),
            Self::Category { levels, codes } => levels[codes[row] as usize].clone(),
        }
    }

    fn select(&self, positions: &[usize]) -> Self {
        match self {
            Self::Number(v) => Self::Number(positions.iter().map(|&p| v[p]).collect()),
            Self::Category { levels, codes } => Self::Category {
                levels: Arc::clone(levels),
                codes: positions.iter().map(|&p| codes[p]).collect(),
            },
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Texts out of a finite set.
    Category,
}

impl std::fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Number => "number",
            Self::Category => "category",
        })
    }
}

impl Table {
    /// A table of these columns. `origin` names the source in messages (a file name, say).
    ///
    /// # Errors
    /// If columns differ in length, names repeat, or a number is infinite.
    pub fn new(origin: impl Into<Arc<str>>, columns: Vec<Column>) -> Result<Self> {
        let origin = origin.into();
        let rows = columns.first().map_or(0, |c| c.values.len());
        let mismatch = |found: String, expected: String| Error::Mismatch {
            origin: Some(origin.to_string()),
            found,
            expected,
            hint: None,
        };
        let mut names = std::collections::HashSet::new();
        for column in &columns {
            if column.values.len() != rows {
                return Err(mismatch(
                    format!("column `{}` has {} rows", column.name, column.values.len()),
                    format!("{rows}, as in column `{}`", columns[0].name),
                ));
            }
            if !names.insert(&column.name) {
                return Err(mismatch(
                    format!("two columns named `{}`", column.name),
                    "each name once".into(),
                ));
            }
            match &column.values {
                Values::Number(values) => {
                    if let Some(row) = values.iter().position(|v| v.is_infinite()) {
                        return Err(mismatch(
                            format!(
                                "{} in row {}, column `{}`",
                                values[row],
                                row + 1,
                                column.name
                            ),
                            "a finite number".into(),
                        ));
                    }
                }
                Values::Category { levels, codes } => {
                    let bad = |&c: &u32| c != MISSING && c as usize >= levels.len();
                    if let Some(row) = codes.iter().position(bad) {
                        return Err(mismatch(
                            format!(
                                "code {} in row {}, column `{}`",
                                codes[row],
                                row + 1,
                                column.name
                            ),
                            format!("a code below {}", levels.len()),
                        ));
                    }
                }
            }
        }
        let rows = u32::try_from(rows)
            .map_err(|_| mismatch(format!("{rows} rows"), format!("at most {} rows", u32::MAX)))?;
        Ok(Self {
            origin,
            columns,
            row_numbers: (1..=rows).collect(),
            ids: None,
            files: None,
        })
    }

    /// Tables of the same columns, one after the other. Rows keep the numbers that they have in their
    /// files, and are called by file and number where they have no ids.
    ///
    /// Columns are found by name. Where one holds no value at all in some of the tables, the others
    /// say which kind it is.
    ///
    /// # Errors
    /// If there is no table, a column is not in all of them, or not of one kind.
    pub fn stacked(origin: impl Into<Arc<str>>, tables: Vec<Self>) -> Result<Self> {
        stack::stacked(origin.into(), tables)
    }

    /// A table of numbers from rows laid out one after the other, `[rows, names.len()]`.
    ///
    /// # Errors
    /// If `values` is not a whole number of rows, a name repeats, or a number is infinite.
    pub fn from_rows(
        origin: impl Into<Arc<str>>,
        names: &[impl AsRef<str>],
        values: &[f64],
    ) -> Result<Self> {
        let width = names.len();
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::Mismatch {
                origin: Some(origin.into().to_string()),
                found: format!("{} values", values.len()),
                expected: format!("a whole number of rows of {width} columns"),
                hint: None,
            });
        }
        let columns = names
            .iter()
            .enumerate()
            .map(|(j, name)| Column {
                name: name.as_ref().into(),
                values: Values::Number(values.iter().skip(j).step_by(width).copied().collect()),
            })
            .collect();
        Self::new(origin, columns)
    }

    /// Gives each row the number it has in its file, counted as an editor does.
    ///
    /// # Panics
    /// If there is not one number per row.
    #[must_use]
    pub fn with_row_numbers(mut self, row_numbers: Vec<u32>) -> Self {
        assert_eq!(row_numbers.len(), self.rows(), "one row number per row");
        self.row_numbers = row_numbers;
        self
    }

    /// Gives each row a name of its own, shown instead of its number.
    ///
    /// # Panics
    /// If there is not one id per row.
    #[must_use]
    pub fn with_ids(mut self, ids: Vec<String>) -> Self {
        assert_eq!(ids.len(), self.rows(), "one id per row");
        self.ids = Some(ids);
        self
    }

    /// The same under another name in messages.
    #[must_use]
    pub fn called(self, origin: impl Into<Arc<str>>) -> Self {
        Self {
            origin: origin.into(),
            ..self
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.row_numbers.len()
    }

    /// The columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| &*c.name == name)
    }

    /// All columns by their names, for those who look up many.
    pub fn by_name(&self) -> HashMap<&str, &Column> {
        self.columns.iter().map(|c| (&*c.name, c)).collect()
    }

    /// The same rows without these columns; names that do not occur are ignored.
    #[must_use]
    pub fn without(mut self, names: &[impl AsRef<str>]) -> Self {
        self.columns
            .retain(|c| !names.iter().any(|n| n.as_ref() == &*c.name));
        self
    }

    /// Where the rows came from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The file that the row came from.
    pub fn file(&self, row: usize) -> &str {
        match &self.files {
            Some(files) => &files.names[files.of_rows[row] as usize],
            None => &self.origin,
        }
    }

    /// The row's number in its file.
    pub fn row_number(&self, row: usize) -> u32 {
        self.row_numbers[row]
    }

    /// The row's id, or its number in the file, after the file's name where there are several.
    pub fn id(&self, row: usize) -> String {
        match (&self.ids, &self.files) {
            (Some(ids), _) => ids[row].clone(),
            (None, Some(_)) => format!("{}:{}", self.file(row), self.row_numbers[row]),
            (None, None) => self.row_numbers[row].to_string(),
        }
    }

    /// The rows at these positions, in this order.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        let column = |c: &Column| Column {
            name: c.name.clone(),
            values: c.values.select(positions),
        };
        Self {
            origin: self.origin.clone(),
            columns: self.columns.iter().map(column).collect(),
            row_numbers: positions.iter().map(|&p| self.row_numbers[p]).collect(),
            ids: self
                .ids
                .as_ref()
                .map(|ids| positions.iter().map(|&p| ids[p].clone()).collect()),
            files: self.files.as_ref().map(|files| Files {
                names: Arc::clone(&files.names),
                of_rows: positions.iter().map(|&p| files.of_rows[p]).collect(),
            }),
        }
    }
}

/// What a labelled sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// One of those a detector learns from.
    Normal,
    /// One that it should find.
    Anomalous,
}

/// Samples with a label each, for evaluation. [`normals`](Self::normals) is the only way from here
/// to training.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledSamples {
    samples: Samples,
    labels: Vec<Label>,
}

impl LabelledSamples {
    /// Pairs samples with labels.
    ///
    /// # Errors
    /// If there is not one label per sample.
    pub fn new(samples: Samples, labels: Vec<Label>) -> Result<Self> {
        if samples.len() == labels.len() {
            return Ok(Self { samples, labels });
        }
        Err(Error::Mismatch {
            origin: Some(samples.origin().to_owned()),
            found: format!("{} labels", labels.len()),
            expected: format!("{}, one per sample", samples.len()),
            hint: None,
        })
    }

    /// The samples without their labels.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// One label per sample.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// How many carry this label.
    pub fn count(&self, label: Label) -> usize {
        self.labels.iter().filter(|&&l| l == label).count()
    }

    /// The positions that carry this label, ascending.
    pub fn positions(&self, label: Label) -> Vec<usize> {
        (0..self.labels.len())
            .filter(|&i| self.labels[i] == label)
            .collect()
    }

    /// The normal samples: what training may see.
    pub fn normals(&self) -> Samples {
        self.samples.select(&self.positions(Label::Normal))
    }

    /// The labelled samples at these positions, in this order.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            samples: self.samples.select(positions),
            labels: positions.iter().map(|&p| self.labels[p]).collect(),
        }
    }
}
