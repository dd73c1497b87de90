//! Columns that a file holds with their names and types, by the rules that hold for texts: which column
//! plays which part, what is missing, which texts are numbers or dates.

use std::collections::BTreeMap;

use rayon::prelude::*;
use unlike_core::{Note, Result};

use crate::{
    builder::{Built, ColumnBuilder, MissingCells, Told, usual_mark},
    column_remarks::ColumnRemarks,
    dataset::DataSet,
    decimal::Decimal,
    labels::Convention,
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::Source,
    table::{Columns, Layout, told},
    text::Shape,
    words,
};

/// What a column of a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Numbers,
    /// Texts, truth values and dates, which are taken as they would be written.
    Texts,
    /// What is not read, in words: `lists`.
    Other(&'static str),
}

/// A file of typed columns, before its cells are read.
pub(crate) struct TypedFile {
    /// For messages.
    pub(crate) source: Source,
    pub(crate) format: Format,
    pub(crate) columns: Vec<(String, Holds)>,
    /// A column that is never a feature.
    pub(crate) dropped: Option<&'static str>,
}

/// Which columns are read, and as what.
pub(crate) struct Plan {
    layout: Layout,
    pub(crate) roles: Vec<Role>,
    pub(crate) told: Vec<Told>,
    pub(crate) wanted: Vec<usize>,
    /// The decimal mark where a column leaves it open, if other rows say.
    pub(crate) usual: Option<Decimal>,
    pub(crate) notes: Vec<Note>,
    /// Columns that are not read, because nobody knows them.
    pub(crate) ignored: Vec<String>,
    /// Whether what is worth knowing of columns is kept apart, to be added up.
    in_part: bool,
}

impl TypedFile {
    /// Decides which column plays which part. Where the file is read `in_part`, columns that are not known
    /// are left out if some are expected.
    pub(crate) fn plan(&self, options: &ReadOptions, in_part: bool) -> Result<Plan> {
        let width = self.columns.len();
        if width > options.max_columns {
            return Err(self
                .source
                .malformed(
                    words::counted(width, "column"),
                    format!("at most {}", words::count(options.max_columns)),
                )
                .with_hint(Note::new("allow more with ").setting("max-columns")));
        }
        let layout = Layout {
            format: self.format,
            delimiter: b',',
            shape: Shape {
                names: self.columns.iter().map(|(name, _)| name.clone()).collect(),
                from: String::new(),
                header: false,
            },
            kinds: Vec::new(),
            label: None,
            dropped: self.dropped,
            convention: Convention::ZeroOne,
        };
        let names = &layout.shape.names;
        let mut notes = Vec::new();
        let mut roles = roles::assign(names, options, None, self.dropped, &mut notes)?;
        self.leave_out_others(&mut roles, options, &mut notes)?;
        let ignored = match in_part {
            true => roles::ignore_unknown(names, &mut roles, options),
            false => Vec::new(),
        };
        let told = told(&roles, &layout, options);
        let wanted = (0..width).filter(|&at| roles[at] != Role::Dropped);
        Ok(Plan {
            wanted: wanted.collect(),
            layout,
            roles,
            told,
            usual: None,
            notes,
            ignored,
            in_part,
        })
    }

    /// Refuses to read so many rows at once if that takes more than `most` bytes: eight a cell, whatever it
    /// holds. See [`ReadOptions::max_unpacked`].
    pub(crate) fn check_size(&self, plan: &Plan, rows: usize, most: usize) -> Result<()> {
        let columns = plan.wanted.len();
        let bytes = rows.saturating_mul(columns).saturating_mul(8);
        if bytes <= most {
            return Ok(());
        }
        let found = format!(
            "{} rows × {}, which take {}",
            words::count(rows),
            words::counted(columns, "column"),
            words::memory(bytes)
        );
        let expected = format!("at most {}", words::memory(most));
        Err(self.source.malformed(found, expected).with_hint(
            Note::new("if it is what it should be, allow more MiB with ").setting("max-unpacked"),
        ))
    }

    /// The numbers of so many rows after those before, from 1.
    pub(crate) fn numbers(&self, before: usize, rows: usize) -> Result<Vec<u32>> {
        let last = before.saturating_add(rows);
        let numbers = u32::try_from(before + 1).ok().zip(u32::try_from(last).ok());
        let (first, last) = numbers.ok_or_else(|| {
            let found = words::counted(last, "row");
            let expected = format!("at most {} rows", u32::MAX);
            self.source.malformed(found, expected)
        })?;
        Ok((first..=last).collect())
    }

    /// Reads the rows of these numbers. `fill` pushes the cells of the column at a position, one for each
    /// row.
    pub(crate) fn rows(
        &self,
        plan: &Plan,
        row_numbers: Vec<u32>,
        options: &ReadOptions,
        fill: impl Fn(usize, &mut ColumnBuilder<'_>) -> Result<()> + Sync,
    ) -> Result<(DataSet, BTreeMap<usize, ColumnRemarks>)> {
        let source = &self.source;
        let rows = row_numbers.len();
        let missing = MissingCells::new(&options.missing);
        let build = |&at: &usize| -> Result<Built> {
            let (name, holds) = &self.columns[at];
            let mut builder = ColumnBuilder::new(source, name, &missing, plan.told[at], rows);
            if *holds == Holds::Texts {
                builder = builder.of_texts(rows);
            }
            fill(at, &mut builder)?;
            let found = builder.len();
            if found != rows {
                return Err(source.malformed(
                    format!("column `{name}` of {}", words::counted(found, "row")),
                    format!("{}, as the file says", words::count(rows)),
                ));
            }
            builder.finish(&row_numbers)
        };
        // The first error in the order of the file, whichever column was read first.
        let built: Vec<Result<Built>> = plan.wanted.par_iter().map(build).collect();
        let mut built: Vec<Built> = built.into_iter().collect::<Result<_>>()?;
        let usual = plan.usual;
        let usual = usual.unwrap_or_else(|| usual_mark(&built, Decimal::Point));
        for (column, &at) in built.iter_mut().zip(&plan.wanted) {
            column.spell_out(plan.told[at].decimal, usual, &missing, &row_numbers);
        }
        let mut remarks = BTreeMap::new();
        for (built, &at) in built.iter_mut().zip(&plan.wanted) {
            let said = match plan.in_part {
                true => std::mem::take(&mut built.remarks),
                false => continue,
            };
            if plan.roles[at] == Role::Feature && !options.makes_dates_of(&self.columns[at].0) {
                remarks.insert(at, said);
            }
        }
        let columns = Columns {
            source,
            layout: &plan.layout,
            roles: &plan.roles,
            told: &plan.told,
            columns: plan.wanted.iter().copied().zip(built).collect(),
            rows: row_numbers,
            ragged: Vec::new(),
        };
        Ok((columns.assemble(options, Vec::new())?, remarks))
    }

    /// Columns of what is not read are no error where they play no part: dropped, or not known to the
    /// model.
    fn leave_out_others(
        &self,
        roles: &mut [Role],
        options: &ReadOptions,
        notes: &mut Vec<Note>,
    ) -> Result<()> {
        for (role, (name, holds)) in roles.iter_mut().zip(&self.columns) {
            let Holds::Other(what) = holds else {
                continue;
            };
            let expected = options.expect.as_ref();
            let is_known = expected.is_none_or(|e| e.iter().any(|c| c.name == *name));
            match *role {
                Role::Dropped => {}
                Role::Feature if !is_known => {
                    *role = Role::Dropped;
                    let text = format!("column `{name}` holds {what} and is left out");
                    notes.push(Note::new(text).coded("column-left-out"));
                }
                _ => {
                    return Err(self
                        .source
                        .malformed(
                            format!("{what} in column `{name}`"),
                            "numbers, texts, dates and truth values",
                        )
                        .with_hint(
                            Note::new("leave it out with ")
                                .set("drop-columns", name.as_str())
                                .text(", or make columns of numbers of it"),
                        ));
                }
            }
        }
        Ok(())
    }
}
