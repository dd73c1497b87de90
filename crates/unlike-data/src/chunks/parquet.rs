//! A Parquet file that is read some rows at a time: page by page, whatever the size of its row groups.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;
use unlike_core::{ColumnKind, Result};

use super::{Part, survey::Looked};
use crate::{
    builder::{ColumnBuilder, MissingCells, usual},
    decimal::Decimal,
    moment::Order,
    parquet_content::Content,
    parquet_file::{Column, ParquetFile as File},
    read::ReadOptions,
    roles::Role,
    table,
    typed::{Holds, Plan},
};

/// A file, how it is read, and how far.
pub(crate) struct ParquetFile {
    file: File,
    pub(crate) plan: Plan,
    options: ReadOptions,
    /// Those that are read, by their positions.
    columns: HashMap<usize, Mutex<Column>>,
    rows: usize,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        let file = File::open(path, Content::on_disk(path)?)?;
        let plan = file.typed.plan(options, true)?;
        let column = |&at: &usize| Ok((at, Mutex::new(file.column(at)?)));
        let columns = plan.wanted.iter().map(column).collect::<Result<_>>()?;
        let mut opened = Self {
            file,
            plan,
            options: options.clone(),
            columns,
            rows: 0,
        };
        opened.survey()?;
        Ok(opened)
    }

    /// The next rows, at most so many; none after the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Part>> {
        let rows = most.min(self.file.rows - self.rows);
        if rows == 0 {
            return Ok(None);
        }
        let fill = |at: usize, builder: &mut ColumnBuilder<'_>| match self.columns.get(&at) {
            Some(column) => {
                let mut column = column.lock().unwrap_or_else(PoisonError::into_inner);
                column.pour(&self.file, rows, builder)
            }
            None => Ok(()),
        };
        let typed = &self.file.typed;
        let numbers = typed.numbers(self.rows, rows)?;
        let (data, remarks) = typed.rows(&self.plan, numbers, &self.options, fill)?;
        self.rows += rows;
        Ok(Some(Part { data, remarks }))
    }

    /// Looks at all texts that are to be numbers or dates, for what a part of them cannot tell: how they
    /// are written.
    fn survey(&mut self) -> Result<()> {
        let missing = MissingCells::new(&self.options.missing);
        let is_open = |at: &usize| {
            let (name, holds) = &self.file.typed.columns[*at];
            let is_number = self.plan.told[*at].kind == Some(ColumnKind::Number);
            *holds == Holds::Texts
                && self.plan.roles[*at] == Role::Feature
                && (is_number || self.options.makes_dates_of(name))
        };
        let open: Vec<usize> = self.plan.wanted.iter().copied().filter(is_open).collect();
        let look = |&at: &usize| -> Result<(usize, Looked<'_>)> {
            let mut looked = Looked::new(&missing, self.plan.told[at]);
            if !self.file.is_typed_date(at) {
                let mut column = self.file.column(at)?;
                column.pour(&self.file, usize::MAX, &mut looked)?;
            }
            Ok((at, looked))
        };
        let looked: Vec<Result<_>> = open.par_iter().map(look).collect();
        let looked = looked.into_iter().collect::<Result<Vec<_>>>()?;
        let says = looked.iter().filter_map(|(_, looked)| looked.says());
        self.plan.usual = Some(usual(says, Decimal::Point));
        for (at, looked) in looked {
            let name = &self.file.typed.columns[at].0;
            let told = &mut self.plan.told[at];
            if !self.options.makes_dates_of(name) {
                told.fits = Some(looked.fits());
                continue;
            }
            told.kind = Some(ColumnKind::Category);
            told.order = match self.file.is_typed_date(at) {
                true => Some(Order::Year),
                false => looked.order(),
            };
            if told.order.is_none() {
                let first = looked.first();
                let (row, text) = first.map_or((1, ""), |(row, text)| (*row, text));
                return Err(table::no_date(&self.file.typed.source, name, text, row));
            }
        }
        Ok(())
    }

    /// The name of a column.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.file.typed.columns[at].0
    }

    /// The rows that were read.
    pub(crate) fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// What the file says about how numbers are written.
    pub(crate) fn decimals(&self) -> BTreeMap<String, Decimal> {
        let told = self.plan.told.iter().enumerate();
        told.filter_map(|(at, told)| {
            let usual = self.plan.usual.unwrap_or(Decimal::Point);
            let decimal = told.fits?.decimal(told.decimal, usual)?;
            Some((self.name(at).to_owned(), decimal))
        })
        .collect()
    }

    /// How much of the file was read, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        self.rows as f64 / self.file.rows.max(1) as f64
    }

    /// Leaves out rows that were read before.
    pub(crate) fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let rows = rows.min(self.file.rows - self.rows);
        let skip = |column: &mut Mutex<Column>| {
            let column = column.get_mut().unwrap_or_else(PoisonError::into_inner);
            column.skip(&self.file, rows)
        };
        let skipped: Vec<Result<()>> = self.columns.par_iter_mut().map(|(_, c)| skip(c)).collect();
        self.rows += rows;
        skipped.into_iter().collect()
    }
}
