//! What is learned from the columns of a table, and the features that they become.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Column, ColumnKind, ColumnSpec, Error, InputSpec, Note, Result, Table, Values};

use super::{CategoryColumn, NumberColumn, PreprocessingConfig, Scaling, notes::notes};

/// What training normals said about each column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct TablePreprocessing {
    config: Box<PreprocessingConfig>,
    columns: Vec<(String, FittedColumn)>,
    notes: Vec<Note>,
    /// The first feature of each column, and the number of features.
    pub(super) starts: Vec<usize>,
}

/// One column, as fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FittedColumn {
    /// Scaled.
    Number(NumberColumn),
    /// One-hot.
    Category(CategoryColumn),
}

impl FittedColumn {
    /// `number` or `category`.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) => ColumnKind::Number,
            Self::Category(_) => ColumnKind::Category,
        }
    }

    /// Whether training saw one value only, or none.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Number(number) => number.is_constant(),
            Self::Category(category) => category.is_constant(),
        }
    }

    pub(super) fn width(&self) -> usize {
        match self {
            Self::Number(number) => number.width(),
            Self::Category(category) => category.width(),
        }
    }
}

/// How numbers are scaled: under [`Scaling::Bounded`], as categories are where these make most features.
fn settled(config: &PreprocessingConfig, table: &Table) -> Scaling {
    if config.scaling != Scaling::Bounded {
        return config.scaling;
    }
    let (mut numbers, mut levels) = (0, 0);
    for column in table.columns() {
        match &column.values {
            Values::Number(_) => numbers += 1,
            Values::Category {
                levels: names,
                codes,
            } => {
                levels += CategoryColumn::fit(names, codes, config).width();
            }
        }
    }
    match levels > numbers {
        true => Scaling::MinMax,
        false => Scaling::Bounded,
    }
}

impl TablePreprocessing {
    pub(super) fn fit(table: &Table, config: &PreprocessingConfig) -> Result<Self> {
        if config.max_levels == 0 {
            return Err(Error::Setting {
                name: "max-levels".into(),
                found: "0".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        if table.rows() == 0 {
            return Err(Error::NotEnough {
                what: format!("training rows in `{}`", table.origin()),
                found: "none".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        let config = &PreprocessingConfig {
            scaling: settled(config, table),
            ..config.clone()
        };
        let fit = |column: &Column| match &column.values {
            Values::Number(values) => {
                let (number, distinct) = NumberColumn::fit(values, config.scaling, config.tails);
                (FittedColumn::Number(number), Some(distinct))
            }
            Values::Category { levels, codes } => {
                let category = CategoryColumn::fit(levels, codes, config);
                (FittedColumn::Category(category), None)
            }
        };
        let fitted: Vec<_> = table.columns().par_iter().map(fit).collect();
        let (fitted, distinct): (Vec<FittedColumn>, Vec<_>) = fitted.into_iter().unzip();
        let notes = notes(table, &fitted, &distinct);
        let names = table.columns().iter().map(|c| c.name.to_string());
        Ok(Self::assemble(
            config.clone(),
            names.zip(fitted).collect(),
            notes,
        ))
    }

    fn assemble(
        config: PreprocessingConfig,
        columns: Vec<(String, FittedColumn)>,
        notes: Vec<Note>,
    ) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for (_, column) in &columns {
            end += column.width();
            starts.push(end);
        }
        Self {
            config: Box::new(config),
            columns,
            notes,
            starts,
        }
    }

    /// The rows with a missing value where training had none, by their positions, and which value that is.
    pub(super) fn unfit_rows(&self, table: &Table) -> BTreeMap<usize, String> {
        let mut unfit = BTreeMap::new();
        let by_name = table.by_name();
        for (name, fitted) in &self.columns {
            let column = by_name.get(name.as_str()).map(|column| &column.values);
            let (FittedColumn::Number(number), Some(Values::Number(values))) = (fitted, column)
            else {
                continue;
            };
            let missing = values.iter().enumerate().filter(|(_, v)| v.is_nan());
            for (place, _) in missing.filter(|_| number.fill.is_none()) {
                unfit
                    .entry(place)
                    .or_insert_with(|| format!("column `{name}`: a missing value"));
            }
        }
        unfit
    }

    /// The columns that a detector with this preprocessing takes.
    pub fn input(&self) -> InputSpec {
        InputSpec::Table {
            columns: self.columns_expected(),
        }
    }

    pub(super) fn columns_expected(&self) -> Vec<ColumnSpec> {
        let spec = |(name, column): &(String, FittedColumn)| ColumnSpec {
            name: name.clone(),
            kind: column.kind(),
        };
        self.columns.iter().map(spec).collect()
    }

    /// The config it was fitted with.
    pub fn config(&self) -> &PreprocessingConfig {
        &self.config
    }

    /// Name and fitted values of each column, in the order of training.
    pub fn columns(&self) -> &[(String, FittedColumn)] {
        &self.columns
    }

    /// How many features a row becomes.
    pub fn width(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// What a user should know about the training data, one sentence each.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// One name per feature: `src_bytes`, `service=http`, `service=(other)`, `age=(missing)`.
    pub fn feature_names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width());
        for (name, column) in &self.columns {
            let mut add = |level: &str| names.push(format!("{name}={level}"));
            match column {
                FittedColumn::Number(number) => {
                    let missing = number.fill.map(|_| format!("{name}=(missing)"));
                    names.extend([name.clone()].into_iter().chain(missing));
                }
                FittedColumn::Category(category) => {
                    category.levels.iter().for_each(|level| add(level));
                    if category.missing {
                        add("(missing)");
                    }
                    add("(other)");
                }
            }
        }
        names
    }

    /// For each feature, the position in [`columns`](Self::columns) that it comes from.
    pub fn feature_columns(&self) -> Vec<usize> {
        let column = |(at, (_, column)): (usize, &(String, FittedColumn))| {
            std::iter::repeat_n(at, column.width())
        };
        self.columns.iter().enumerate().flat_map(column).collect()
    }

    /// Sums what the features contribute, `[N, width]`, to what their columns contribute,
    /// `[N, columns]`.
    ///
    /// # Panics
    /// If `contributions` is not a whole number of rows.
    pub fn fold(&self, contributions: &[f32]) -> Vec<f32> {
        let width = self.width();
        assert_eq!(
            contributions.len() % width,
            0,
            "whole rows of {width} features"
        );
        contributions
            .chunks_exact(width)
            .flat_map(|row| {
                self.starts
                    .windows(2)
                    .map(|w| row[w[0]..w[1]].iter().sum::<f32>())
            })
            .collect()
    }
}

/// As [`TablePreprocessing`] stands in a model file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Saved {
    config: PreprocessingConfig,
    columns: Vec<SavedColumn>,
    notes: Vec<Note>,
}

#[derive(Serialize, Deserialize)]
struct SavedColumn {
    name: String,
    #[serde(flatten)]
    fitted: FittedColumn,
}

impl From<TablePreprocessing> for Saved {
    fn from(table: TablePreprocessing) -> Self {
        let column = |(name, fitted)| SavedColumn { name, fitted };
        Self {
            config: *table.config,
            columns: table.columns.into_iter().map(column).collect(),
            notes: table.notes,
        }
    }
}

impl TryFrom<Saved> for TablePreprocessing {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        for column in &saved.columns {
            let sound = match &column.fitted {
                FittedColumn::Number(number) => number.is_sound(),
                FittedColumn::Category(category) => category.is_sound(),
            };
            if !sound {
                return Err(format!(
                    "the preprocessing of column `{}` is damaged",
                    column.name
                ));
            }
        }
        let columns: Vec<_> = saved
            .columns
            .into_iter()
            .map(|c| (c.name, c.fitted))
            .collect();
        let mut names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if columns.is_empty() || names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("the preprocessing has no columns, or two of one name".into());
        }
        Ok(Self::assemble(saved.config, columns, saved.notes))
    }
}
