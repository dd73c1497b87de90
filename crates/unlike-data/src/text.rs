//! Rows and columns of a delimited text, with the row numbers that an editor shows.

use std::collections::HashMap;

use csv::ByteRecord;
use unlike_core::{Error, Note, Result};

use crate::{
    builder::{Built, ColumnBuilder, MissingCells, Told, ungroup, usual_mark},
    decimal::Decimal,
    sniff,
    source::{self, Source},
    words,
};

/// A delimited text in memory, or a stretch of one.
pub(crate) struct Text<'a> {
    pub(crate) source: &'a Source,
    bytes: &'a [u8],
    delimiter: u8,
    allow_empty: bool,
    stretch: Stretch,
    /// Whether more of the file is still to be read.
    in_part: bool,
}

/// Which rows of a file a text holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// The line on which it begins.
    pub(crate) line: u32,
    /// Whether it begins the file, with the names of the columns if there are any.
    pub(crate) is_first: bool,
    /// Whether it ends the file; otherwise its last row may be cut off, and is left for the next stretch.
    pub(crate) is_last: bool,
    /// How many rows are read, at most.
    pub(crate) most: usize,
    /// The byte that ends lines.
    pub(crate) end: u8,
    /// The decimal mark where a column leaves it open, if other stretches say.
    pub(crate) usual: Option<Decimal>,
}

/// The columns that every row must have.
pub(crate) struct Shape {
    pub(crate) names: Vec<String>,
    /// Where the number of columns comes from, as a clause for messages.
    pub(crate) from: String,
    /// Whether the first row holds the names.
    pub(crate) header: bool,
}

/// What a text holds.
pub(crate) struct Pass {
    pub(crate) built: Vec<Built>,
    /// The number in the file of each row.
    pub(crate) rows: Vec<u32>,
    /// Rows of another number of cells, where these are left out, and what is wrong with them.
    pub(crate) ragged: Vec<(u32, String)>,
    /// The bytes that were read, and the line after them.
    pub(crate) end: (usize, u32),
    /// Whether a column of numbers holds texts of which only the whole file says what they are.
    pub(crate) unsettled: bool,
}

/// Columns that rows are poured into.
pub(crate) struct Filled<'a> {
    shape: &'a Shape,
    wanted: &'a [usize],
    /// Whether rows of another number of cells are left out.
    skip: bool,
    builders: Vec<ColumnBuilder<'a>>,
    /// The number in the file of each row.
    pub(crate) rows: Vec<u32>,
    pub(crate) ragged: Vec<(u32, String)>,
}

impl<'a> Filled<'a> {
    /// Of the wanted columns, as texts if that is asked for, for so many rows.
    pub(crate) fn new(
        source: &'a Source,
        shape: &'a Shape,
        told: &[Told],
        (wanted, as_texts): (&'a [usize], bool),
        missing: &'a MissingCells<'a>,
        reserve: usize,
    ) -> Self {
        let build = |&at: &usize| {
            let builder = ColumnBuilder::new(source, &shape.names[at], missing, told[at], reserve);
            match as_texts || told[at].is_spelled() {
                true => builder.of_texts(reserve),
                false => builder,
            }
        };
        Self {
            shape,
            wanted,
            skip: told.iter().any(|t| t.skip),
            builders: wanted.iter().map(build).collect(),
            rows: Vec::with_capacity(reserve),
            ragged: Vec::new(),
        }
    }

    fn push(&mut self, cells: &ByteRecord, row: u32) -> Result<()> {
        let width = self.shape.names.len();
        if cells.len() != width {
            let found = words::counted(cells.len(), "cell");
            let reason = format!("{found} instead of {width}");
            self.ragged.push((row, reason));
            return Ok(());
        }
        for (builder, &at) in self.builders.iter_mut().zip(self.wanted) {
            builder.push(&cells[at], row)?;
        }
        self.rows.push(row);
        Ok(())
    }

    /// What became of the columns, the numbers of their rows, and the rows that are left out.
    #[allow(
        clippy::type_complexity,
        reason = "three things that belong to no type of their own"
    )]
    pub(crate) fn finish(self) -> Result<(Vec<Built>, Vec<u32>, Vec<(u32, String)>)> {
        let rows = self.rows;
        let finish = |builder: ColumnBuilder<'_>| builder.finish(&rows);
        let built = self.builders.into_iter().map(finish);
        Ok((built.collect::<Result<_>>()?, rows, self.ragged))
    }
}

impl<'a> Text<'a> {
    /// `bytes` are the file's rows, line by line.
    pub(crate) fn new(source: &'a Source, bytes: &'a [u8], delimiter: u8) -> Self {
        Self {
            source,
            bytes,
            delimiter,
            allow_empty: false,
            stretch: Stretch {
                line: 1,
                is_first: true,
                is_last: true,
                most: usize::MAX,
                end: line_end(bytes),
                usual: None,
            },
            in_part: false,
        }
    }

    /// The same as a stretch of a file; one without rows is no error.
    pub(crate) fn stretch(self, stretch: Stretch) -> Self {
        Self {
            stretch,
            in_part: true,
            allow_empty: true,
            ..self
        }
    }

    /// The same, of which a text without rows is no error.
    pub(crate) fn allowing_empty(self, allow_empty: bool) -> Self {
        Self {
            allow_empty,
            ..self
        }
    }

    /// The number of cells in the first row.
    pub(crate) fn width(&self) -> Result<usize> {
        match self.rows().next()? {
            Some((first, _)) => Ok(first.len()),
            None => Err(self.blank()),
        }
    }

    /// The shape that a header gives; columns without a name get their number, and a note.
    pub(crate) fn header(&self, notes: &mut Vec<Note>) -> Result<Shape> {
        let mut names: Vec<String> = Vec::new();
        let mut seen = HashMap::new();
        let mut unnamed = Vec::new();
        let mut rows = self.rows();
        let Some((first, row)) = rows.next()? else {
            return Err(self.blank());
        };
        for (i, cell) in first.iter().map(sniff::trimmed).enumerate() {
            let number = (i + 1).to_string();
            let Ok(name) = std::str::from_utf8(cell) else {
                return Err(self
                    .source
                    .not_utf8(source::cell(row.into(), &number), cell));
            };
            if name.is_empty() {
                unnamed.push(i);
                names.push(String::new());
                continue;
            }
            let name = name.to_owned();
            if let Some(earlier) = seen.insert(name.clone(), i) {
                let found = format!(
                    "the name `{name}` for columns {} and {}",
                    earlier + 1,
                    i + 1
                );
                return Err(self
                    .source
                    .malformed_at(source::row(row.into()), found, "each name once")
                    .with_hint("rename one of them in the header"));
            }
            names.push(name);
        }
        for i in unnamed {
            let number = (i + 1).to_string();
            let called = match seen.contains_key(&number) {
                true => format!("({number})"),
                false => number.clone(),
            };
            let note =
                format!("column {number} has no name in the header; it is called `{called}`");
            notes.push(Note::new(note).coded("column-without-name"));
            names[i] = called;
        }
        Ok(Shape {
            names,
            from: format!("as in the header, row {row}"),
            header: true,
        })
    }

    /// The shape of a text without a header: columns are called by their numbers.
    pub(crate) fn numbered(&self) -> Result<Shape> {
        let mut rows = self.rows();
        let Some((first, row)) = rows.next()? else {
            return Err(self.blank());
        };
        let names = (1..=first.len()).map(|i| i.to_string()).collect();
        Ok(Shape {
            names,
            from: format!("as in row {row}"),
            header: false,
        })
    }

    /// Reads the wanted columns, and each row's number in the file.
    ///
    /// Columns that turn out to hold texts after they held numbers are read a second time, because
    /// numbers do not remember how they were written. Texts that all spell numbers (`1,234.5`, `12 %`)
    /// are then numbers again.
    pub(crate) fn columns(
        &self,
        shape: &Shape,
        told: &[Told],
        wanted: &[usize],
        missing: &MissingCells<'_>,
    ) -> Result<Pass> {
        let mut pass = self.pass(shape, told, wanted, missing, false)?;
        let built = &mut pass.built;
        let again: Vec<usize> = (0..built.len()).filter(|&i| built[i].again).collect();
        if self.in_part && again.iter().any(|&i| told[wanted[i]].fits.is_none()) {
            pass.unsettled = true;
            return Ok(pass);
        }
        if !again.is_empty() {
            let columns: Vec<usize> = again.iter().map(|&i| wanted[i]).collect();
            let second = self.pass(shape, told, &columns, missing, true)?;
            for (i, column) in again.into_iter().zip(second.built) {
                built[i] = column;
            }
        }
        let by_delimiter = match self.delimiter {
            b';' => Decimal::Comma,
            _ => Decimal::Point,
        };
        ungroup(built);
        let usual = self.stretch.usual;
        let usual = usual.unwrap_or_else(|| usual_mark(built, by_delimiter));
        for (column, &at) in built.iter_mut().zip(wanted) {
            column.spell_out(told[at].decimal, usual, missing, &pass.rows);
        }
        Ok(pass)
    }

    fn pass(
        &self,
        shape: &Shape,
        told: &[Told],
        wanted: &[usize],
        missing: &MissingCells<'_>,
        as_texts: bool,
    ) -> Result<Pass> {
        let reserve = self.rows_at_most(shape.names.len());
        let columns = (wanted, as_texts);
        let mut filled = Filled::new(self.source, shape, told, columns, missing, reserve);
        let (_, end) = self.fill(&mut filled, None)?;
        if filled.rows.is_empty() && filled.ragged.is_empty() && !self.allow_empty {
            return Err(self
                .source
                .malformed("a header and no rows", "at least one row below the header"));
        }
        let (built, rows, ragged) = filled.finish()?;
        Ok(Pass {
            built,
            rows,
            ragged,
            end,
            unsettled: false,
        })
    }

    /// Pours rows into columns, those of them that are kept; gives how many there were, and their end.
    pub(crate) fn fill(
        &self,
        filled: &mut Filled<'_>,
        mut is_kept: Option<&mut dyn FnMut() -> bool>,
    ) -> Result<(usize, (usize, u32))> {
        let width = filled.shape.names.len();
        let mut rows = self.rows().at_most(width);
        let mut header = filled.shape.header && self.stretch.is_first;
        let mut count = 0;
        while count < self.stretch.most
            && let Some((cells, row)) = rows.next()?
        {
            if cells.len() != width && (header || !filled.skip) {
                return Err(self.ragged(cells, row, filled.shape));
            }
            if std::mem::take(&mut header) {
                continue;
            }
            count += 1;
            if is_kept.as_mut().is_none_or(|is_kept| is_kept()) {
                filled.push(cells, row)?;
            }
        }
        Ok((count, rows.end()))
    }

    /// Calls `f` with the cells of each row below the header; gives how many there were, and their end.
    pub(crate) fn each(
        &self,
        shape: &Shape,
        mut f: impl FnMut(&ByteRecord, u32) -> Result<()>,
    ) -> Result<(usize, (usize, u32))> {
        let mut rows = self.rows().at_most(shape.names.len());
        let mut header = shape.header && self.stretch.is_first;
        let mut count = 0;
        while count < self.stretch.most
            && let Some((cells, row)) = rows.next()?
        {
            if std::mem::take(&mut header) {
                continue;
            }
            f(cells, row)?;
            count += 1;
        }
        Ok((count, rows.end()))
    }

    fn blank(&self) -> Error {
        self.source
            .malformed("only blank lines", "at least one row")
    }

    fn ragged(&self, cells: &ByteRecord, row: u32, shape: &Shape) -> Error {
        let width = shape.names.len();
        let first = cells.get(0).unwrap_or_default();
        let comment = ["#", "%", "//", ";"]
            .into_iter()
            .find(|mark| first.starts_with(mark.as_bytes()));
        let hint = if let Some(mark) = comment {
            Note::new(format!(
                "a line that begins with `{mark}` looks like a comment; leave such lines out with "
            ))
            .set("comment", &mark[..1])
        } else if cells.len() == width + 1 && cells[width].trim_ascii().is_empty() {
            let delimiter = char::from(self.delimiter).escape_default();
            format!(
                "it ends with the delimiter `{delimiter}`, after which another cell begins: take that away, \
                 or end the first row with it, too"
            )
            .into()
        } else if cells.len() > 1 && width == 1 && shape.header {
            let above = words::counted(row.saturating_sub(1) as usize, "line");
            format!("if the table begins here, take out the {above} above it").into()
        } else if cells.len() > width {
            let delimiter = char::from(self.delimiter).escape_default();
            format!("put cells that contain the delimiter `{delimiter}` in quotes").into()
        } else {
            "the row is incomplete; leave a cell empty where a value is missing".into()
        };
        let found = words::counted(cells.len(), "cell");
        self.source
            .malformed_at(
                source::row(row.into()),
                found,
                format!("{width}, {}", shape.from),
            )
            .with_hint(hint)
    }

    /// A bound on the number of rows, for reserving memory: proportional to the file even if most
    /// of its lines are blank.
    fn rows_at_most(&self, width: usize) -> usize {
        let end = self.stretch.end;
        let lines = self.bytes.iter().filter(|&&b| b == end).count() + 1;
        let most = lines.min(self.bytes.len() / width.max(1) + 1);
        most.min(self.stretch.most)
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            source: self.source,
            bytes: self.bytes,
            reader: sniff::reader(self.bytes, self.delimiter),
            record: ByteRecord::new(),
            end: self.stretch.end,
            is_last: self.stretch.is_last,
            at: 0,
            number: self.stretch.line,
            is_cut: false,
            delimiter: self.delimiter,
            most_cells: usize::MAX,
            bounded: 0,
        }
    }
}

/// Cells of a row that are read even where far fewer are expected, so that the row can be named and left out.
const MOST_CELLS: usize = 1 << 17;

/// The byte that ends lines; a file without any line feed is one of carriage returns.
pub(crate) fn line_end(bytes: &[u8]) -> u8 {
    if bytes.contains(&b'\n') { b'\n' } else { b'\r' }
}

/// The rows that are not blank, one after the other.
struct Rows<'a> {
    source: &'a Source,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    end: u8,
    is_last: bool,
    /// Lines are counted up to here, and this is the line there.
    at: usize,
    number: u32,
    /// Whether the row there may be cut off.
    is_cut: bool,
    delimiter: u8,
    most_cells: usize,
    /// No line that begins before this place has more cells than that.
    bounded: usize,
}

impl Rows<'_> {
    /// The same, but for rows of far more cells than this, which are an error before they fill the memory.
    fn at_most(self, width: usize) -> Self {
        Self {
            most_cells: width.max(MOST_CELLS),
            ..self
        }
    }

    /// Looks ahead, a window at a time, for a line that holds too many cells.
    fn check_length(&mut self) -> Result<()> {
        const WINDOW: usize = 1 << 20;
        let from = self.reader.position().byte() as usize;
        while self.bounded <= from && from < self.bytes.len() {
            let rest = &self.bytes[from..];
            let window = &rest[..rest.len().min(WINDOW)];
            let is_end = |byte: &&u8| **byte == self.end;
            if let Some(last) = window.iter().rposition(|byte| is_end(&byte)) {
                self.bounded = from + last + 1;
                continue;
            }
            let cells = sniff::cells_of_first_row(rest, self.delimiter);
            if cells > self.most_cells {
                let before = self.bytes[self.at..].iter().take(from - self.at);
                let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
                let ends = before.chain(blank).filter(is_end).count() as u64;
                return Err(self.source.malformed_at(
                    source::row(u64::from(self.number) + ends),
                    words::counted(cells, "cell"),
                    format!("at most {} in a row", words::count(self.most_cells)),
                ));
            }
            let line = rest
                .iter()
                .position(|byte| is_end(&byte))
                .unwrap_or(rest.len());
            self.bounded = from + line + 1;
        }
        Ok(())
    }

    /// The next row's cells, and the line on which it starts.
    fn next(&mut self) -> Result<Option<(&ByteRecord, u32)>> {
        loop {
            if self.most_cells < usize::MAX {
                self.check_length()?;
            }
            let more = self
                .reader
                .read_byte_record(&mut self.record)
                .map_err(|error| self.source.malformed(error.to_string(), "delimited text"))?;
            if !more {
                self.count_to(self.bytes.len());
                return Ok(None);
            }
            let start = self.record.position().map_or(0, |p| p.byte() as usize);
            self.count_to(start);
            // The reader skips blank lines after it notes the position.
            let blank = self.bytes[self.at..]
                .iter()
                .take_while(|b| b"\r\n".contains(b))
                .count();
            self.count_to(self.at + blank);
            if !self.is_last && self.is_at_end() {
                self.is_cut = true;
                return Ok(None);
            }
            if self.record.len() == 1
                && self.record[0].trim_ascii().is_empty()
                && self.bytes.get(self.at) != Some(&b'"')
            {
                continue;
            }
            self.check_closed()?;
            return Ok(Some((&self.record, self.number)));
        }
    }

    /// A quote that is never closed swallows the rest of the file.
    fn check_closed(&self) -> Result<()> {
        if self.is_at_end() && self.record.as_slice().contains(&self.end) {
            let quotes = self.bytes[self.at..].iter().filter(|&&b| b == b'"').count();
            if quotes % 2 == 1 {
                return Err(self
                    .source
                    .malformed_at(
                        source::row(self.number.into()),
                        "a quote that is not closed before the end of the file",
                        "a closing quote",
                    )
                    .with_hint(
                        "close it, or write it twice inside quotes if it is part of the text",
                    ));
            }
        }
        Ok(())
    }

    /// Whether nothing follows the row.
    fn is_at_end(&self) -> bool {
        self.reader.position().byte() as usize >= self.bytes.len()
    }

    /// How far rows were read, and the line there.
    fn end(mut self) -> (usize, u32) {
        if !self.is_cut {
            self.count_to(self.reader.position().byte() as usize);
        }
        (self.at, self.number)
    }

    fn count_to(&mut self, to: usize) {
        let to = to.clamp(self.at, self.bytes.len());
        let ends = self.bytes[self.at..to]
            .iter()
            .filter(|&&b| b == self.end)
            .count();
        self.number = self.number.saturating_add(ends as u32);
        self.at = to;
    }
}
