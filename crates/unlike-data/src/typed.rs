//! Columns that a file holds with their names and types, by the rules that hold for texts: which column
//! plays which part, what is missing, which texts are numbers or dates.

use std::collections::BTreeMap;

use rayon::prelude::*;
use unlike_core::{Note, Result};

use crate::{
    builder::{Built, Cell, Cells, ColumnBuilder, MissingCells, Told, ungroup, usual_mark},
    column_remarks::ColumnRemarks,
    dataset::DataSet,
    decimal::Decimal,
    kept::Kept,
    labels::Convention,
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::Source,
    table::{Columns, Layout, told},
    text::Shape,
    words,
};

/// Where pandas keeps an index that has no name: it names rows, and is no feature.
pub(crate) const PANDAS_INDEX: &str = "__index_level_0__";

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
    /// Columns of moments in a time zone, which count as what the clock shows in UTC.
    pub(crate) zones: BTreeMap<String, String>,
}

/// Whether a time zone is the one in which moments are counted.
pub(crate) fn is_utc(zone: &str) -> bool {
    ["UTC", "Etc/UTC", "Z", "+00:00", ""].contains(&zone)
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

/// A file of typed columns, and how its cells are read: part after part, all columns of a part before the
/// next part.
pub(crate) trait Columnar: Sync {
    /// How far columns were read.
    type Reading: Send + Sync;

    /// The rows of a part where all rows are read, so that memory is used well.
    const AT_ONCE: usize;

    fn typed(&self) -> &TypedFile;

    /// How many rows there are.
    fn rows(&self) -> usize;

    /// Whether the dates in a column are such as are written year first.
    fn is_typed_date(&self, at: usize) -> bool;

    /// Begins to read these columns, before their first row.
    fn begin(&self, columns: &[usize]) -> Result<Self::Reading>;

    /// Goes on to the next part, of at most so many rows; their number, and 0 at the end.
    fn advance(&self, reading: &mut Self::Reading, most: usize) -> Result<usize>;

    /// Pours the cells that a column has in this part, once, with the numbers of their rows.
    fn pour(&self, reading: &Self::Reading, at: usize, into: &mut dyn Cells) -> Result<()>;

    /// Leaves out rows; before the first part only.
    fn skip(&self, reading: &mut Self::Reading, rows: usize) -> Result<()>;
}

/// Reads all columns that play a part, at once.
pub(crate) fn read_all(
    file: &impl Columnar,
    options: &ReadOptions,
    kept: Option<&Kept>,
    most: Option<usize>,
) -> Result<DataSet> {
    let typed = file.typed();
    if file.rows() == 0 && !options.allow_empty {
        return Err(typed.source.malformed("no rows", "at least one row"));
    }
    let plan = typed.plan(options, false)?;
    if let Some(most) = most {
        typed.check_size(&plan, file.rows(), most)?;
    }
    let mut numbers = typed.numbers(0, file.rows())?;
    numbers.retain(|&number| kept.is_none_or(|kept| kept.contains(number as usize - 1)));
    let mut reading = file.begin(&plan.wanted)?;
    let (data, _) = rows(file, &plan, numbers, options, &mut reading, kept)?;
    Ok(data.with_first_notes(plan.notes))
}

/// Reads the rows of these numbers, which come next or are those of them that are `kept`.
pub(crate) fn rows<F: Columnar>(
    file: &F,
    plan: &Plan,
    row_numbers: Vec<u32>,
    options: &ReadOptions,
    reading: &mut F::Reading,
    kept: Option<&Kept>,
) -> Result<(DataSet, BTreeMap<usize, ColumnRemarks>)> {
    let TypedFile {
        source, columns, ..
    } = file.typed();
    let rows = row_numbers.len();
    let missing = MissingCells::new(&options.missing);
    let builder = |&at: &usize| {
        let (name, holds) = &columns[at];
        let builder = ColumnBuilder::new(source, name, &missing, plan.told[at], rows);
        match *holds == Holds::Texts {
            true => builder.of_texts(rows),
            false => builder,
        }
    };
    let mut builders: Vec<ColumnBuilder<'_>> = plan.wanted.iter().map(builder).collect();
    let mut left = match kept {
        Some(_) => usize::MAX,
        None => rows,
    };
    while left > 0 {
        let part = file.advance(reading, left.min(F::AT_ONCE))?;
        if part == 0 {
            break;
        }
        let pour = |(&at, builder): (&usize, &mut ColumnBuilder<'_>)| match kept {
            Some(kept) => file.pour(reading, at, &mut OfKept { kept, builder }),
            None => file.pour(reading, at, builder),
        };
        // The first error in the order of the file, whichever column was read first.
        let wanted = plan.wanted.par_iter().zip(&mut builders);
        let poured: Vec<Result<()>> = wanted.map(pour).collect();
        poured.into_iter().collect::<Result<()>>()?;
        left -= part;
    }
    let build = |(builder, &at): (ColumnBuilder<'_>, &usize)| -> Result<Built> {
        let found = builder.len();
        if found != rows {
            let name = &columns[at].0;
            return Err(source.malformed(
                format!("column `{name}` of {}", words::counted(found, "row")),
                format!("{}, as the file says", words::count(rows)),
            ));
        }
        builder.finish(&row_numbers)
    };
    let built = builders.into_par_iter().zip(&plan.wanted).map(build);
    let built: Vec<Result<Built>> = built.collect();
    let mut built: Vec<Built> = built.into_iter().collect::<Result<_>>()?;
    ungroup(&mut built);
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
        if plan.roles[at] == Role::Feature && !options.makes_dates_of(&columns[at].0) {
            remarks.insert(at, said);
        }
    }
    let read = Columns {
        source,
        layout: &plan.layout,
        roles: &plan.roles,
        told: &plan.told,
        columns: plan.wanted.iter().copied().zip(built).collect(),
        rows: row_numbers,
        ragged: Vec::new(),
    };
    Ok((read.assemble(options, Vec::new())?, remarks))
}

/// A column of rows that are kept.
struct OfKept<'a, 'b> {
    kept: &'a Kept,
    builder: &'a mut ColumnBuilder<'b>,
}

impl Cells for OfKept<'_, '_> {
    fn push_cell(&mut self, cell: Cell<'_>, row: u32) -> Result<()> {
        match self.kept.contains(row as usize - 1) {
            true => self.builder.push_cell(cell, row),
            false => Ok(()),
        }
    }
}

/// A decimal number: a whole one of so many digits after the point.
pub(crate) fn decimal(whole: impl std::fmt::Display, scale: i64) -> f64 {
    // The nearest number of what is written; a division would round twice.
    format!("{whole}e{}", -scale).parse().unwrap_or(f64::NAN)
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
        for (role, name) in roles.iter().zip(names) {
            if let (Role::Feature, Some(zone)) = (role, self.zones.get(name)) {
                let text = format!(
                    "column `{name}` holds times of the zone {zone}, which are read as the clock shows them in UTC; \
                     text would be read as its own clock shows them"
                );
                notes.push(Note::new(text).coded("time-zone"));
            }
        }
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
