//! Delimited text that is read some rows at a time.

use std::{collections::BTreeMap, path::Path};

use unlike_core::{ColumnKind, Error, Note, Result, Values};

use super::{
    Part,
    lines::{Begun, Lines},
    survey::Looked,
};
use crate::{
    builder::{Built, MissingCells, Told, usual},
    dates::Orders,
    decimal::Decimal,
    moment::Order,
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::{self, Source},
    table::{self, Columns, Layout, told},
    text::Pass,
    words,
};

/// A text, how it is read, and how far.
pub(crate) struct TextFile {
    source: Source,
    format: Format,
    options: ReadOptions,
    block: usize,
    lines: Lines,
    layout: Layout,
    roles: Vec<Role>,
    told: Vec<Told>,
    wanted: Vec<usize>,
    /// Columns that are not read, because nobody knows them.
    pub(crate) ignored: Vec<String>,
    usual: Option<Decimal>,
    /// Whether all of the file was looked at before it is read.
    is_surveyed: bool,
    /// About the encoding, and about the rest.
    pub(crate) notes: [Vec<Note>; 2],
    rows: u64,
}

impl TextFile {
    pub(crate) fn open(
        path: &Path,
        format: Format,
        options: &ReadOptions,
        block: usize,
    ) -> Result<Self> {
        let Begun {
            lines,
            layout,
            mut notes,
        } = Lines::begin(path, format, options, block)?;
        let names = &layout.shape.names;
        let mut roles = roles::assign(names, options, layout.label, layout.dropped, &mut notes[1])?;
        let ignored = roles::ignore_unknown(names, &mut roles, options);
        let mut told = told(&roles, &layout, options);
        for (told, name) in told.iter_mut().zip(names) {
            if options.makes_dates_of(name) {
                told.kind = Some(ColumnKind::Category);
            }
        }
        let wanted = (0..names.len()).filter(|&at| roles[at] != Role::Dropped);
        Ok(Self {
            source: Source::without_content(path),
            format,
            options: options.clone(),
            block,
            lines,
            wanted: wanted.collect(),
            layout,
            roles,
            told,
            ignored,
            usual: None,
            is_surveyed: false,
            notes,
            rows: 0,
        })
    }

    /// How many comments were left out so far, as a note.
    pub(crate) fn comments(&self) -> Option<Note> {
        self.lines.comments()
    }

    /// The next rows, at most so many; none after the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Part>> {
        loop {
            let missing = MissingCells::new(&self.options.missing);
            let delimiter = self.layout.delimiter;
            let text = self
                .lines
                .stretch(&self.source, delimiter, most, self.usual);
            let pass = text.columns(&self.layout.shape, &self.told, &self.wanted, &missing)?;
            let count = pass.rows.len() + pass.ragged.len();
            if !self.is_surveyed && (pass.unsettled || self.has_open_dates(&pass)) {
                self.survey()?;
                continue;
            }
            self.pin_dates(&pass);
            self.rows += count as u64;
            if self.lines.advance(pass.end, count, &self.source)? {
                return Ok(None);
            }
            if count > 0 {
                return self.part(pass).map(Some);
            }
        }
    }

    fn part(&self, pass: Pass) -> Result<Part> {
        let Pass {
            mut built,
            rows,
            ragged,
            ..
        } = pass;
        let mut remarks = BTreeMap::new();
        for (built, &at) in built.iter_mut().zip(&self.wanted) {
            let said = std::mem::take(&mut built.remarks);
            if self.roles[at] == Role::Feature && !self.is_date(at) {
                remarks.insert(at, said);
            }
        }
        let columns = Columns {
            source: &self.source,
            layout: &self.layout,
            roles: &self.roles,
            told: &self.told,
            columns: self.wanted.iter().copied().zip(built).collect(),
            rows,
            ragged,
        };
        Ok(Part {
            data: columns.assemble(&self.options, Vec::new())?,
            remarks,
        })
    }

    /// The name of a column.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.layout.shape.names[at]
    }

    /// The rows that were read.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// What the file says about how numbers are written.
    pub(crate) fn decimals(&self) -> BTreeMap<String, Decimal> {
        let told = self.told.iter().enumerate();
        told.filter_map(|(at, told)| {
            let usual = self.usual.unwrap_or(Decimal::Point);
            let decimal = told.fits?.decimal(told.decimal, usual)?;
            Some((self.name(at).to_owned(), decimal))
        })
        .collect()
    }

    /// How much of the file was read, from 0 to 1; none of packed files.
    pub(crate) fn share(&self) -> Option<f64> {
        self.lines.share()
    }

    /// Whether all of the file was looked at before it is read.
    pub(crate) fn is_surveyed(&self) -> bool {
        self.is_surveyed
    }

    /// Leaves out rows that were read before, by somebody who had looked at all of the file if `surveyed`.
    pub(crate) fn skip(&mut self, rows: u64, surveyed: bool) -> Result<()> {
        if surveyed {
            self.survey()?;
        }
        let most = usize::try_from(rows).unwrap_or(usize::MAX);
        let how = (&self.layout.shape, self.layout.delimiter);
        let read = self.lines.each(&self.source, how, most, |_, _| Ok(()))?;
        if read < most {
            return Err(self.source.malformed(
                words::counted(read, "row"),
                format!("{}, as when it was read before", words::count(rows)),
            ));
        }
        self.rows += rows;
        Ok(())
    }

    /// Whether columns of dates are such that only all of the file says in which order they are written.
    fn has_open_dates(&self, pass: &Pass) -> bool {
        let is_open = |(built, &at): (&Built, &usize)| {
            self.is_date(at) && self.told[at].order.is_none() && !is_year_first(&built.values)
        };
        pass.built.iter().zip(&self.wanted).any(is_open)
    }

    /// Years that come first come first to the end.
    fn pin_dates(&mut self, pass: &Pass) {
        for (built, &at) in pass.built.iter().zip(&self.wanted) {
            let is_met = match &built.values {
                Values::Category { levels, .. } => !levels.is_empty(),
                Values::Number(_) => false,
            };
            if is_met && self.told[at].order.is_none() && self.is_date(at) {
                self.told[at].order = Some(Order::Year);
            }
        }
    }

    /// Looks at all of the file, for what a part of it cannot tell: how numbers and dates are written.
    fn survey(&mut self) -> Result<()> {
        self.is_surveyed = true;
        let missing = MissingCells::new(&self.options.missing);
        let mut looked: Vec<(usize, Looked<'_>)> = Vec::new();
        for &at in &self.wanted {
            let is_number = self.told[at].kind == Some(ColumnKind::Number);
            if self.roles[at] == Role::Feature && (is_number || self.is_date(at)) {
                looked.push((at, Looked::new(&missing, self.told[at])));
            }
        }
        let Begun {
            mut lines, layout, ..
        } = Lines::begin(&self.source.path, self.format, &self.options, self.block)?;
        let how = (&layout.shape, layout.delimiter);
        lines.each(&self.source, how, usize::MAX, |cells, row| {
            for (at, looked) in &mut looked {
                if let Some(cell) = cells.get(*at) {
                    looked.add(cell, row);
                }
            }
            Ok(())
        })?;
        let otherwise = match layout.delimiter {
            b';' => Decimal::Comma,
            _ => Decimal::Point,
        };
        let says = looked.iter().filter_map(|(_, looked)| looked.says());
        let usual = usual(says, otherwise);
        self.usual = Some(usual);
        for (at, looked) in looked {
            if self.is_date(at) {
                let Some(order) = looked.order() else {
                    let first = looked.first();
                    let (row, text) = first.map_or((1, ""), |(row, text)| (*row, text));
                    return Err(table::no_date(&self.source, self.name(at), text, row));
                };
                self.told[at].order = Some(order);
                continue;
            }
            let fits = looked.fits();
            self.told[at].fits = Some(fits);
            let decimal = fits.decimal(self.told[at].decimal, usual);
            if self.rows > 0
                && decimal == Some(Decimal::Comma)
                && let Some((row, text)) = looked.first()
            {
                return Err(self.late_comma(at, *row, text));
            }
        }
        Ok(())
    }

    fn is_date(&self, at: usize) -> bool {
        self.options.makes_dates_of(self.name(at))
    }

    /// What was handed out already may have been read otherwise.
    fn late_comma(&self, at: usize, row: u32, text: &str) -> Error {
        self.source
            .malformed_at(
                source::cell(row.into(), self.name(at)),
                format!("`{}`", words::shortened(text)),
                "a number that is written as those before it",
            )
            .with_hint(
                Note::new("if all of the file has decimal commas, say ")
                    .set("decimal", Decimal::Comma),
            )
    }
}

fn is_year_first(values: &Values) -> bool {
    match values {
        Values::Category { levels, .. } => {
            let orders = Orders::of(levels.iter().map(String::as_str));
            orders.one() == Some(Order::Year)
        }
        Values::Number(_) => false,
    }
}
