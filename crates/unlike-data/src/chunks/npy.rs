//! A NumPy array that is read some rows at a time.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use unlike_core::{Error, Note, Result};

use super::Part;
use crate::{
    dataset::DataSet,
    kept::Kept,
    npy::Array,
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::Source,
};

/// An array, how it is read, and how far.
pub(crate) struct NpyFile {
    source: Source,
    file: File,
    /// Without its data, which begin here.
    array: Array<'static>,
    offset: u64,
    options: ReadOptions,
    names: Vec<String>,
    roles: Vec<Role>,
    /// Columns that are not read, because nobody knows them.
    pub(crate) ignored: Vec<String>,
    pub(crate) notes: Vec<Note>,
    rows: usize,
}

impl NpyFile {
    /// `head` is how the file begins.
    pub(crate) fn open(path: &Path, head: &[u8], options: &ReadOptions) -> Result<Self> {
        let source = Source::without_content(path);
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = opened.map_err(Error::io("read", path))?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let array = Array::begin(&source, "the array", head, size)?;
        let offset = array.offset_in(head) as u64;
        let (_, names) = array.table_shape(&source, true)?;
        let mut notes = Vec::new();
        let mut roles = roles::assign(&names, options, None, None, &mut notes)?;
        let ignored = roles::ignore_unknown(&names, &mut roles, options);
        Ok(Self {
            array: array.rows(0, array.shape[0], &[]),
            offset,
            source,
            file,
            options: options.clone(),
            names,
            roles,
            ignored,
            notes,
            rows: 0,
        })
    }

    /// The next rows, at most so many; none after the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Part>> {
        let rows = most.min(self.array.shape[0] - self.rows);
        if rows == 0 {
            return Ok(None);
        }
        let bytes = self.bytes(rows)?;
        let array = self.array.rows(self.rows, rows, &bytes);
        let columns = (&self.names[..], &self.roles[..]);
        let (data, remarks) =
            array.data(&self.source, Format::Npy, columns, None, &self.options)?;
        self.rows += rows;
        Ok(Some(Part { data, remarks }))
    }

    /// All rows of which this holds, by their positions.
    pub(crate) fn drawn(&mut self, kept: &Kept) -> Result<DataSet> {
        let width = self.array.shape[1] * self.array.item_size();
        let mut numbers = Vec::with_capacity(kept.count());
        let mut values = Vec::with_capacity(kept.count().saturating_mul(width));
        while self.rows < self.array.shape[0] {
            let rows = super::ROWS.min(self.array.shape[0] - self.rows);
            let block = self.bytes(rows)?;
            for row in (0..rows).filter(|row| kept.contains(self.rows + row)) {
                numbers.push(u32::try_from(self.rows + row + 1).unwrap_or(u32::MAX));
                self.append_row(&mut values, &block, (row, rows));
            }
            self.rows += rows;
        }
        let array = self.array.drawn(numbers, &values);
        let columns = (&self.names[..], &self.roles[..]);
        let (data, remarks) =
            array.data(&self.source, Format::Npy, columns, None, &self.options)?;
        let mut notes = self.notes.clone();
        for (at, remarks) in remarks {
            notes.extend(remarks.notes(&self.names[at]));
        }
        Ok(data.with_notes(notes))
    }

    /// Appends a row of a block of so many, value after value.
    fn append_row(&self, values: &mut Vec<u8>, block: &[u8], (row, rows): (usize, usize)) {
        let (columns, item) = (self.array.shape[1], self.array.item_size());
        if !self.array.fortran {
            values.extend(&block[row * columns * item..][..columns * item]);
            return;
        }
        for column in 0..columns {
            values.extend(&block[(column * rows + row) * item..][..item]);
        }
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.array.shape[0]
    }

    /// The values of the next rows, as they stand in the file: row by row, or column by column.
    fn bytes(&mut self, rows: usize) -> Result<Vec<u8>> {
        let (all, columns) = (self.array.shape[0], self.array.shape[1]);
        let item = self.array.item_size();
        let mut bytes = vec![0; rows * columns * item];
        let mut read = |at: usize, into: &mut [u8]| {
            let at = self.offset + (at * item) as u64;
            let sought = self.file.seek(SeekFrom::Start(at));
            let read = sought.and_then(|_| self.file.read_exact(into));
            read.map_err(Error::io("read", &self.source.path))
        };
        if self.array.fortran {
            for (column, into) in bytes.chunks_exact_mut(rows * item).enumerate() {
                read(column * all + self.rows, into)?;
            }
        } else {
            read(self.rows * columns, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// The name of a column.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.names[at]
    }

    /// The rows that were read.
    pub(crate) fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// How much of the file was read, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        self.rows as f64 / self.array.shape[0].max(1) as f64
    }

    /// Leaves out rows that were read before.
    pub(crate) fn skip(&mut self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        self.rows = self.rows.saturating_add(rows).min(self.array.shape[0]);
    }
}
