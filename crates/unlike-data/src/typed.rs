//! Columns that a file holds with their names and types, by the rules that hold for texts: which column
//! plays which part, what is missing, which texts are numbers or dates.

use rayon::prelude::*;
use unlike_core::{Note, Result};

use crate::{
    builder::{Built, ColumnBuilder, MissingCells, usual_mark},
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
pub(crate) struct TypedFile<'a> {
    /// For messages.
    pub(crate) source: &'a Source,
    pub(crate) format: Format,
    pub(crate) columns: Vec<(String, Holds)>,
    pub(crate) rows: usize,
    /// The most bytes that its cells may take; see [`ReadOptions::max_unpacked`].
    pub(crate) most: usize,
    /// A column that is never a feature.
    pub(crate) dropped: Option<&'static str>,
}

impl TypedFile<'_> {
    /// Reads all columns that play a part. `fill` pushes the cells of the column at a position, one for
    /// each row; rows count from 1.
    pub(crate) fn read(
        &self,
        options: &ReadOptions,
        fill: impl Fn(usize, &mut ColumnBuilder<'_>) -> Result<()> + Sync,
    ) -> Result<DataSet> {
        let Self { source, rows, .. } = *self;
        let width = self.columns.len();
        if rows == 0 && !options.allow_empty {
            return Err(source.malformed("no rows", "at least one row"));
        }
        let count = u32::try_from(rows).map_err(|_| {
            let found = words::counted(rows, "row");
            source.malformed(found, format!("at most {} rows", u32::MAX))
        })?;
        if width > options.max_columns {
            return Err(source
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
        let told = told(&roles, &layout, options);
        let wanted: Vec<usize> = (0..width)
            .filter(|&at| roles[at] != Role::Dropped)
            .collect();
        // Eight bytes a cell, whatever it holds.
        let bytes = rows.saturating_mul(wanted.len()).saturating_mul(8);
        if bytes > self.most {
            let found = format!(
                "{} rows × {}, which take {}",
                words::count(rows),
                words::counted(wanted.len(), "column"),
                words::memory(bytes)
            );
            let expected = format!("at most {}", words::memory(self.most));
            return Err(source.malformed(found, expected).with_hint(
                Note::new("if it is what it should be, allow more MiB with ")
                    .setting("max-unpacked"),
            ));
        }
        let row_numbers: Vec<u32> = (1..=count).collect();
        let missing = MissingCells::new(&options.missing);
        let build = |&at: &usize| -> Result<Built> {
            let (name, holds) = &self.columns[at];
            let mut builder = ColumnBuilder::new(source, name, &missing, told[at], rows);
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
        let built: Vec<Result<Built>> = wanted.par_iter().map(build).collect();
        let mut built: Vec<Built> = built.into_iter().collect::<Result<_>>()?;
        let usual = usual_mark(&built, Decimal::Point);
        for (column, &at) in built.iter_mut().zip(&wanted) {
            column.spell_out(&names[at], told[at].decimal, usual, &missing, &row_numbers);
        }
        let columns = Columns {
            source,
            layout: &layout,
            roles: &roles,
            told: &told,
            columns: wanted.into_iter().zip(built).collect(),
            rows: row_numbers,
            ragged: Vec::new(),
        };
        columns.assemble(options, notes)
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
