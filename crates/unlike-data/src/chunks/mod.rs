//! Tables that are larger than memory: some of their rows at a time.
//!
//! What is made of a row is the same as if all were read at once. Where only the whole file tells how it is
//! written (decimal marks, the order of days and months), it is looked at once before; and what is worth
//! knowing is added up.

mod drawn;
mod file;
mod input;
mod lines;
mod npy;
mod remarks;
mod survey;
mod text;
mod typed;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use unlike_core::{Note, Result, Samples};

use self::{
    file::{File, Head, open_part},
    input::Input,
};
use crate::{
    column_remarks::ColumnRemarks,
    dataset::DataSet,
    decimal::Decimal,
    read::{self, BadRows, ReadOptions},
    rows,
    several::{self, read_all},
    words,
};
pub use drawn::{Draw, Drawn, read_drawn};
pub use remarks::Remarks;

/// Rows at a time. Models take as many at once.
const ROWS: usize = 16_384;
/// Bytes of a text that are read at a time; smaller files are read at once.
const BLOCK: usize = 4 << 20;

/// What tells which rows cannot be used, by their positions, and why.
type Unfit<'a> = Box<dyn Fn(&Samples) -> BTreeMap<usize, String> + Send + 'a>;

/// Reads files as one data set, as [`read_all`] does, but some rows at a time, so that memory does not grow
/// with the files. Delimited text (packed or not), NumPy arrays, Parquet and Arrow are read so; other formats, zip
/// archives, pipes and images are read at once and make one chunk.
///
/// Columns must be told: [`ReadOptions::expect`]. Others are not even read.
///
/// ```no_run
/// use unlike_data::{Chunks, ReadOptions, Remarks};
///
/// # fn main() -> unlike_core::Result<()> {
/// # let options = ReadOptions::default();
/// let mut chunks = Chunks::open(&["flows.parquet"], &options)?;
/// let mut remarks = Remarks::default();
/// while let Some(chunk) = chunks.next()? {
///     println!("{} rows", chunk.data.samples().len());
///     remarks.merge(chunk.remarks);
/// }
/// let notes = chunks.finish(&remarks)?;
/// # Ok(())
/// # }
/// ```
pub struct Chunks<'a> {
    paths: Vec<PathBuf>,
    names: Vec<String>,
    /// As they were asked for.
    options: ReadOptions,
    /// As each file is read.
    each: ReadOptions,
    unfit: Option<Unfit<'a>>,
    rows: usize,
    block: usize,
    at_once: bool,
    /// The file that is read, and those before it.
    at: usize,
    file: Option<File>,
    heads: Vec<Head>,
    decimals: BTreeMap<String, Decimal>,
    /// Of the rows of the file so far.
    hash: u64,
    ignored: Vec<String>,
}

/// Some rows of a table.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The rows that can be used, and those that were skipped.
    pub data: DataSet,
    /// What is worth knowing about these rows.
    pub remarks: Remarks,
    /// Where the next rows begin.
    pub end: Position,
}

/// A place between rows of files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The file, counted from 0.
    file: usize,
    /// Rows of it that were read.
    rows: u64,
    /// Whether all of the file was looked at before it was read.
    surveyed: bool,
    /// What the first file said about how numbers are written.
    decimals: BTreeMap<String, Decimal>,
}

/// Rows as they were read.
struct Part {
    data: DataSet,
    remarks: BTreeMap<usize, ColumnRemarks>,
}

impl<'a> Chunks<'a> {
    /// Opens the first of these files.
    ///
    /// # Errors
    /// As [`read_all`], as far as the beginning tells.
    pub fn open(paths: &[impl AsRef<Path>], options: &ReadOptions) -> Result<Self> {
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        Ok(Self {
            names: several::short_names(&paths),
            paths: paths.into_iter().map(Path::to_owned).collect(),
            each: options.clone(),
            options: options.clone(),
            unfit: None,
            rows: ROWS,
            block: BLOCK,
            at_once: false,
            at: 0,
            file: None,
            heads: Vec::new(),
            decimals: BTreeMap::new(),
            hash: 0,
            ignored: Vec::new(),
        })
    }

    /// The same, at most so many rows at a time, from 1 up, and so many bytes of a text.
    #[must_use]
    pub fn of(self, rows: usize, bytes: usize) -> Self {
        Self {
            rows: rows.max(1),
            block: bytes.max(1),
            ..self
        }
    }

    /// The same, all rows at once.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self {
            at_once: true,
            ..self
        }
    }

    /// The same, without rows that cannot be used for other reasons than the file's: `unfit` names them by
    /// their positions. Where bad rows are errors, so will these be when they are used.
    #[must_use]
    pub fn without(self, unfit: impl Fn(&Samples) -> BTreeMap<usize, String> + Send + 'a) -> Self {
        Self {
            unfit: Some(Box::new(unfit)),
            ..self
        }
    }

    /// Goes on from a place where another one was, who noted these remarks.
    ///
    /// # Errors
    /// If the files are not what they were.
    pub fn resume(&mut self, from: &Position, remarks: &Remarks) -> Result<()> {
        self.decimals.clone_from(&from.decimals);
        while self.at < from.file.min(self.paths.len()) {
            self.open_next()?;
            self.close();
        }
        if from.rows > 0 && self.at < self.paths.len() {
            self.open_next()?;
            if let Some(file) = &mut self.file {
                file.skip(from)?;
            }
            self.hash = remarks.hash(self.at);
        }
        Ok(())
    }

    /// The next rows; none after the end.
    ///
    /// # Errors
    /// If a file cannot be read, or is not what is expected; the message names the place.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator that fails would have to say when it ends"
    )]
    pub fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if self.at == self.paths.len() {
                return Ok(None);
            }
            if self.file.is_none() {
                self.open_next()?;
            }
            let part = match &mut self.file {
                Some(file) => file.next(self.rows)?,
                None => None,
            };
            match part {
                Some(part) => return self.chunk(part).map(Some),
                None => self.close(),
            }
        }
    }

    /// Checks that what was read is a table, and says what is worth knowing about it. `remarks` are those
    /// of all chunks.
    ///
    /// # Errors
    /// If there was no row where one is needed, or a class that was named is not there.
    pub fn finish(&self, remarks: &Remarks) -> Result<Vec<Note>> {
        remarks.check(&self.paths, &self.options)?;
        Ok(self.notes(remarks))
    }

    /// What is worth knowing about what was read so far.
    pub fn notes(&self, remarks: &Remarks) -> Vec<Note> {
        let mut notes = Vec::new();
        let several = self.paths.len() > 1;
        if several {
            notes.push(several::files_read(&self.names));
            notes.extend(remarks.told_twice(&self.names));
        }
        let mut seen: Vec<String> = Vec::new();
        for (at, Head([first, rest])) in self.heads.iter().enumerate() {
            let mut of_file = first.clone();
            of_file.extend(remarks.comments(at));
            of_file.extend_from_slice(rest);
            of_file.extend(remarks.columns(at));
            if !several {
                notes.extend(of_file);
                continue;
            }
            for note in of_file {
                if !seen.iter().any(|text| **text == *note) {
                    seen.push(note.to_string());
                    notes.push(Note::new(format!("`{}`: ", self.names[at])).then(note));
                }
            }
        }
        notes.extend(remarks.left_out(self.options.bad_rows));
        notes
    }

    /// Columns that are not known, and were not read.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// How much of the files was read, from 0 to 1; none where that is not known.
    pub fn share(&self) -> Option<f64> {
        let of_file = match &self.file {
            None => 0.0,
            Some(file) => file.share()?,
        };
        Some((self.at as f64 + of_file) / self.paths.len().max(1) as f64)
    }

    fn open_next(&mut self) -> Result<()> {
        let path = &self.paths[self.at];
        let (options, notes) = match &self.options.remembered {
            Some(remembered) => {
                let mut remembered = remembered.clone();
                if !self.decimals.is_empty() {
                    remembered.decimals.clone_from(&self.decimals);
                }
                self.each.remembered = Some(remembered);
                let (settled, notes) = match &self.each.remembered {
                    Some(remembered) => remembered.settle(self.each.clone()),
                    None => (self.each.clone(), Vec::new()),
                };
                (settled, notes)
            }
            None => (self.each.clone(), Vec::new()),
        };
        let are_files = self.paths.iter().all(|path| is_file(path));
        let in_part = are_files && options.expect.is_some() && !self.at_once;
        let file = match in_part {
            true => open_part(path, &in_parts(&options), self.block)?,
            false => None,
        };
        let file = match file {
            Some(file) => file,
            // All at once, if none of them is large.
            None if self.at == 0 && (!in_part || self.are_small()) => {
                let data = read_all(&self.paths, &self.options)?;
                self.paths.truncate(1);
                File::Whole(Some(Box::new(data)))
            }
            None => {
                let mut options = options;
                if self.paths.len() > 1 {
                    options.normal_labels.clear();
                    options.anomalous_labels.clear();
                    options.allow_empty = true;
                }
                File::Whole(Some(Box::new(read::read(path, &options)?)))
            }
        };
        let mut head = file.head();
        if !matches!(file, File::Whole(_)) {
            head.0[0].splice(0..0, notes);
        }
        self.heads.push(head);
        for name in file.ignored() {
            if !self.ignored.contains(name) {
                self.ignored.push(name.clone());
            }
        }
        self.file = Some(file);
        Ok(())
    }

    /// Whether all files together are no larger than what is read of one at a time.
    fn are_small(&self) -> bool {
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let plain = |path: &PathBuf| Input::open(path, None).is_ok_and(|input| input.is_plain());
        self.paths.iter().map(size).sum::<u64>() <= self.block as u64
            && (self.paths.len() == 1 || self.paths.iter().all(plain))
    }

    fn close(&mut self) {
        if let Some(file) = self.file.take().filter(|_| self.at == 0)
            && self.decimals.is_empty()
        {
            self.decimals = file.decimals();
        }
        self.at += 1;
        self.hash = 0;
    }

    fn chunk(&mut self, part: Part) -> Result<Chunk> {
        let Part { data, remarks } = part;
        let mut data = data.without_left_out_note();
        if self.names.len() > 1 && self.paths.len() > 1 {
            let origin = words::limited(self.names.iter().cloned(), 3);
            data = data.of_file(&self.names[self.at], &origin)?;
        }
        if let Some(unfit) = &self.unfit
            && self.options.bad_rows != BadRows::Fail
        {
            let bad = unfit(data.samples());
            data = data.without_rows(bad, &in_parts(&self.options))?;
            data = data.without_left_out_note();
        }
        if self.paths.len() > 1
            && let Samples::Table(table) = data.samples()
        {
            let known = self.options.expect.iter().flatten();
            let known: Vec<&str> = known.map(|column| &*column.name).collect();
            self.hash = rows::folded(self.hash, table, &known);
        }
        let file = self.file.as_ref();
        let comments = file.and_then(File::comments);
        let name = |at: usize| file.map_or("", |file| file.name(at)).to_owned();
        let remarks = Remarks::of(self.at, &data, (self.hash, comments), remarks, name);
        Ok(Chunk {
            data,
            remarks,
            end: Position {
                file: self.at,
                rows: file.map_or(0, File::rows),
                surveyed: matches!(file, Some(File::Text(text)) if text.is_surveyed()),
                decimals: self.decimals.clone(),
            },
        })
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

/// Options for some rows of a file: none of them need be there, and classes that are named may be in
/// others.
fn in_parts(options: &ReadOptions) -> ReadOptions {
    ReadOptions {
        allow_empty: true,
        normal_labels: Vec::new(),
        anomalous_labels: Vec::new(),
        ..options.clone()
    }
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}
