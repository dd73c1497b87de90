//! A file of typed columns that is read some rows at a time.

use std::collections::BTreeMap;

use rayon::prelude::*;
use unlike_core::{ColumnKind, Result};

use super::{Part, survey::Looked};
use crate::{
    builder::{MissingCells, usual},
    decimal::Decimal,
    moment::Order,
    read::ReadOptions,
    roles::Role,
    table,
    typed::{self, Columnar, Holds, Plan},
};

/// A file, how it is read, and how far.
pub(crate) struct TypedChunks<F: Columnar> {
    file: F,
    pub(crate) plan: Plan,
    options: ReadOptions,
    reading: F::Reading,
    rows: usize,
}

impl<F: Columnar> TypedChunks<F> {
    pub(crate) fn open(file: F, options: &ReadOptions) -> Result<Self> {
        let plan = file.typed().plan(options, true)?;
        let reading = file.begin(&plan.wanted)?;
        let mut opened = Self {
            file,
            plan,
            options: options.clone(),
            reading,
            rows: 0,
        };
        opened.survey()?;
        Ok(opened)
    }

    /// The next rows, at most so many; none after the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Part>> {
        let rows = most.min(self.file.rows() - self.rows);
        if rows == 0 {
            return Ok(None);
        }
        let numbers = self.file.typed().numbers(self.rows, rows)?;
        let (file, reading) = (&self.file, &mut self.reading);
        let (data, remarks) = typed::rows(file, &self.plan, numbers, &self.options, reading, None)?;
        self.rows += rows;
        Ok(Some(Part { data, remarks }))
    }

    /// Looks at all texts that are to be numbers or dates, for what a part of them cannot tell: how they
    /// are written.
    fn survey(&mut self) -> Result<()> {
        let missing = MissingCells::new(&self.options.missing);
        let is_open = |at: &usize| {
            let (name, holds) = &self.file.typed().columns[*at];
            let is_number = self.plan.told[*at].kind == Some(ColumnKind::Number);
            *holds == Holds::Texts
                && self.plan.roles[*at] == Role::Feature
                && (is_number || self.options.makes_dates_of(name))
        };
        let open: Vec<usize> = self.plan.wanted.iter().copied().filter(is_open).collect();
        let look = |&at: &usize| (at, Looked::new(&missing, self.plan.told[at]));
        let mut looked: Vec<(usize, Looked<'_>)> = open.iter().map(look).collect();
        let untold = |at: usize| !self.file.is_typed_date(at);
        let mut reading = self.file.begin(&open)?;
        while open.iter().any(|&at| untold(at)) && self.file.advance(&mut reading, F::AT_ONCE)? > 0
        {
            let each = looked.par_iter_mut().filter(|(at, _)| untold(*at));
            let poured: Vec<Result<()>> = each
                .map(|(at, looked)| self.file.pour(&reading, *at, looked))
                .collect();
            poured.into_iter().collect::<Result<()>>()?;
        }
        let says = looked.iter().filter_map(|(_, looked)| looked.says());
        self.plan.usual = Some(usual(says, Decimal::Point));
        for (at, looked) in looked {
            let name = &self.file.typed().columns[at].0;
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
                return Err(table::no_date(&self.file.typed().source, name, text, row));
            }
        }
        Ok(())
    }

    /// The name of a column.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.file.typed().columns[at].0
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
        self.rows as f64 / self.file.rows().max(1) as f64
    }

    /// Leaves out rows that were read before.
    pub(crate) fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let rows = rows.min(self.file.rows() - self.rows);
        self.rows += rows;
        self.file.skip(&mut self.reading, rows)
    }
}
