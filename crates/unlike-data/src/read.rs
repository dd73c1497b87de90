//! From a path to a [`DataSet`]: which format it is, and how the user wants it read.

use std::{collections::HashMap, fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};
use unlike_core::{ColumnKind, ColumnSpec, Error, Note, Result};

use crate::{
    arrow_file, arrow_messages,
    dataset::DataSet,
    dates::DatePart,
    decimal::Decimal,
    encoding::Encoding,
    images::{self, ImageOptions, Kind, List},
    json, kdd, npy, npz, parquet_file,
    reading::Reading,
    sniff,
    source::Source,
    table,
};

/// The file formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// KDD Cup 99 and NSL-KDD: comma-separated without a header, 41 columns and the label.
    Kdd,
    /// Delimited text, with or without a header.
    Csv,
    /// JSON with an object per row: one a line, or in an array.
    Json,
    /// One NumPy array, `[rows, columns]`.
    Npy,
    /// A NumPy archive with the arrays `X`, `[rows, columns]`, and, if labelled, `y`, `[rows]`.
    Npz,
    /// Columns with names and types, none of them of lists.
    Parquet,
    /// Arrow's own files, Feather among them, and its streams.
    Arrow,
    /// An image, a folder of them, in which sub-folders are classes, or a list of them.
    Images,
    /// MNIST's files of images and labels.
    Idx,
    /// CIFAR-10's batches.
    Cifar10,
}

impl Format {
    /// All formats, in the order in which messages list them.
    pub const ALL: [Self; 10] = [
        Self::Kdd,
        Self::Csv,
        Self::Json,
        Self::Npy,
        Self::Npz,
        Self::Parquet,
        Self::Arrow,
        Self::Images,
        Self::Idx,
        Self::Cifar10,
    ];

    /// The name that the setting `format` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kdd => "kdd",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Images => "images",
            Self::Idx => "idx",
            Self::Cifar10 => "cifar10",
        }
    }

    /// What the format is, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Kdd => "KDD Cup 99 or NSL-KDD records",
            Self::Csv => "delimited text",
            Self::Json => "JSON, an object per row",
            Self::Npy => "a NumPy array",
            Self::Npz => "a NumPy archive",
            Self::Parquet => "a Parquet file",
            Self::Arrow => "an Arrow or Feather file, or an Arrow stream",
            Self::Images => "an image, a folder or a list of them",
            Self::Idx => "files as MNIST has them",
            Self::Cifar10 => "batches as CIFAR-10 has them",
        }
    }

    /// What a message expects: `one of the formats kdd, csv, …`
    fn any() -> String {
        format!(
            "one of the formats {}",
            Self::ALL.map(Self::name).join(", ")
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let name = text.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| Error::Setting {
                name: "format".into(),
                found: format!("`{text}`"),
                expected: Self::any(),
                hint: None,
            })
    }
}

/// The cells that stand for a missing value unless [`ReadOptions::missing`] says otherwise.
///
/// `NaN` is not among them: files also spell failed computations so.
pub const DEFAULT_MISSING: [&str; 8] = ["", "NA", "N/A", "#N/A", "<NA>", "NULL", "null", "?"];

/// What becomes of rows of a table that cannot be read: of another number of cells, or with a text where
/// numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// The first of them is an error.
    #[default]
    Fail,
    /// They are left out, counted and named: [`DataSet::skipped`]. Who scores reports them as
    /// anomalous, with the reason.
    Flag,
    /// They are left out, counted and named: [`DataSet::skipped`].
    Skip,
}

impl BadRows {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Flag, Self::Skip];

    /// The name that the setting `bad-rows` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Flag => "flag",
            Self::Skip => "skip",
        }
    }
}

/// How to read a file, where it differs from what the file itself suggests.
///
/// Columns without a header are called by their number, from `1`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOptions {
    /// The format; recognised by content if absent.
    pub format: Option<Format>,
    /// The column that holds the classes (for NPZ: an array of the archive, or a column of `X`).
    pub label_column: Option<String>,
    /// The classes that are normal; if only these are given, all others are anomalous.
    ///
    /// If neither these nor [`anomalous_labels`](Self::anomalous_labels) are given, some classes have
    /// a known meaning: `normal.` and `normal` in KDD data; 0 (normal) and 1 (anomalous), if there are
    /// no others, in a table; sub-folders called `good` or `normal` among images.
    pub normal_labels: Vec<String>,
    /// The classes that are anomalous; if only these are given, all others are normal.
    pub anomalous_labels: Vec<String>,
    /// Columns to leave out.
    pub drop_columns: Vec<String>,
    /// The column whose cells name the rows; it is left out of the samples.
    pub id_column: Option<String>,
    /// Columns that hold categories even if they look like numbers.
    pub category_columns: Vec<String>,
    /// The character between cells, ASCII; found by content if absent.
    /// A blank stands for any number of blanks.
    pub delimiter: Option<u8>,
    /// How the characters of a text are written; if absent, UTF-8, or UTF-16 where a mark says so.
    pub encoding: Option<Encoding>,
    /// The numbers that are made of columns of dates; if absent, [`DatePart::USUAL`]. An empty list
    /// leaves such columns out; a column that is declared a category stays one.
    pub dates: Option<Vec<DatePart>>,
    /// The character, ASCII, with which lines begin that are no rows. If absent, comments are left
    /// out where a file begins with lines of `#` or `%`.
    pub comment: Option<u8>,
    /// What stands between the whole and the fraction of a number, in columns that leave it open
    /// (`1,234`); if absent, that of the other columns.
    pub decimal: Option<Decimal>,
    /// The cells that stand for a missing value, beside empty ones: these texts, and cells that spell the
    /// same number.
    /// For NPY and NPZ, NaN stands for one if the list has `NaN` in any case, and is refused otherwise.
    pub missing: Vec<String>,
    /// Whether the first row names the columns; found by content if absent.
    pub has_header: Option<bool>,
    /// The columns that a model knows: they are read as these kinds, whatever they look like.
    /// Other columns are read as their content suggests.
    pub expect: Option<Vec<ColumnSpec>>,
    /// What training was told about its data: it holds here, too, where these options say nothing
    /// else. Columns that it names need not be there.
    pub remembered: Option<Reading>,
    /// The most bytes that a packed file may become; if absent, 64 MiB and 200 times its size.
    pub max_unpacked: Option<usize>,
    /// The most columns of a delimited text.
    pub max_columns: usize,
    /// What becomes of rows that cannot be read.
    pub bad_rows: BadRows,
    /// Whether a table without rows is no error.
    pub allow_empty: bool,
    /// Leave out the column that held the labels in training: scoring needs none.
    pub without_labels: bool,
    /// How to read images.
    pub image: ImageOptions,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            label_column: None,
            normal_labels: Vec::new(),
            anomalous_labels: Vec::new(),
            drop_columns: Vec::new(),
            id_column: None,
            category_columns: Vec::new(),
            delimiter: None,
            encoding: None,
            dates: None,
            comment: None,
            decimal: None,
            missing: DEFAULT_MISSING.map(str::to_owned).to_vec(),
            has_header: None,
            expect: None,
            remembered: None,
            max_unpacked: None,
            max_columns: 1 << 17,
            bad_rows: BadRows::default(),
            allow_empty: false,
            without_labels: false,
            image: ImageOptions::default(),
        }
    }
}

impl ReadOptions {
    /// Whether training made numbers of the dates in this column.
    pub(crate) fn makes_dates_of(&self, column: &str) -> bool {
        let remembered = self.remembered.as_ref();
        remembered.is_some_and(|reading| reading.dates.contains_key(column))
    }

    /// The kinds that columns are told to be, by name.
    pub(crate) fn kinds(&self) -> HashMap<&str, ColumnKind> {
        let expected = self
            .expect
            .iter()
            .flatten()
            .map(|c| (c.name.as_str(), c.kind));
        let remembered = self.remembered.iter().flat_map(|r| &r.category_columns);
        let remembered = remembered.filter(|_| self.category_columns.is_empty());
        let declared = self
            .category_columns
            .iter()
            .chain(remembered)
            .map(|name| (&**name, ColumnKind::Category));
        expected.chain(declared).collect()
    }
}

/// Reads a file, packed (gzip, Zstandard, bzip2, xz, zip) or not, or a folder of images. Delimited text whose header names a column of
/// image files, such as `path,label,split,mask`, is read as these images.
///
/// # Errors
/// If the file cannot be read, its format is not recognised or its content is not what the format
/// asks for, or if the options name columns or classes that are not there. Messages name the file,
/// and the row and column where there is one.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<DataSet> {
    let path = path.as_ref();
    if let Some(remembered) = &options.remembered {
        let (settled, notes) = remembered.settle(options.clone());
        return Ok(read_settled(path, &settled)?.with_first_notes(notes));
    }
    read_settled(path, options)
}

fn read_settled(path: &Path, options: &ReadOptions) -> Result<DataSet> {
    if path.is_dir() {
        return images::read_folder(path, options);
    }
    let most = options.max_unpacked;
    let source = Source::load_within(path, most)?.unpacked(most)?;
    if source.bytes.trim_ascii().is_empty() && options.allow_empty {
        return DataSet::empty(path, options.format.unwrap_or(Format::Csv), options);
    }
    if source.bytes.is_empty() {
        return Err(source.malformed("an empty file", "at least one row"));
    }
    let (source, note) = decoded(source, options)?;
    let format = match options.format {
        Some(format) => format,
        None => recognise(&source)?,
    };
    // What a table's model expects are columns.
    let listing = match options.format {
        None => format == Format::Csv && options.expect.is_none(),
        Some(asked) => asked == Format::Images && !sniff::is_binary(&source.bytes),
    };
    if listing && let Some(list) = List::of(&source, options) {
        let data = images::read_list(&list, options)?;
        return Ok(data.with_first_notes(note.into_iter().collect()));
    }
    let data = read_as(source, format, options)?;
    Ok(data.with_first_notes(note.into_iter().collect()))
}

/// The source as UTF-8, where it is told or marked to be in another encoding.
fn decoded(source: Source, options: &ReadOptions) -> Result<(Source, Option<Note>)> {
    let (encoding, found) = encoding(&source.bytes, options);
    let note = found.map(|encoding| encoding.found_in(&source));
    let Some(encoding) = encoding else {
        return Ok((source, None));
    };
    let bytes = encoding.decoded(&source.bytes, &source)?;
    Ok((Source { bytes, ..source }, note))
}

/// How a text that begins so is written, if not in UTF-8; and the same again if nobody said so.
pub(crate) fn encoding(head: &[u8], options: &ReadOptions) -> (Option<Encoding>, Option<Encoding>) {
    match options.encoding {
        Some(Encoding::Utf8) => (None, None),
        Some(encoding) => (Some(encoding), None),
        None => {
            let found = sniff::utf16_mark(head).map(|_| Encoding::Utf16);
            (found, found)
        }
    }
}

fn read_as(source: Source, format: Format, options: &ReadOptions) -> Result<DataSet> {
    match format {
        Format::Json => json::read(&source, options),
        Format::Kdd => kdd::read(&source, options),
        Format::Csv => table::read_csv(&source, options),
        Format::Npy => npy::read_npy(&source, options),
        Format::Npz => npz::read_npz(&source, options),
        Format::Parquet => parquet_file::read(source, options),
        Format::Arrow => arrow_file::read(source, options),
        Format::Images | Format::Idx | Format::Cifar10 => {
            images::read_file(source, format, options)
        }
    }
}

/// Whether delimited text that begins so is a list of images.
pub(crate) fn is_listing(source: &Source, options: &ReadOptions) -> bool {
    options.format.is_none() && options.expect.is_none() && List::of(source, options).is_some()
}

/// The format of a file that begins so.
pub(crate) fn recognise(source: &Source) -> Result<Format> {
    let bytes = &source.bytes;
    let unknown = |found: &str| {
        Err(source.malformed(found, Format::any()).with_hint(
            Note::new("name the format with ")
                .setting("format")
                .text(" if it is one of these"),
        ))
    };
    if bytes.starts_with(npy::MAGIC) {
        Ok(Format::Npy)
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        Ok(Format::Npz)
    } else if bytes.starts_with(parquet_file::MAGIC) {
        Ok(Format::Parquet)
    } else if arrow_messages::is_arrow(bytes) {
        Ok(Format::Arrow)
    } else if images::is_idx(bytes) {
        Ok(Format::Idx)
    } else if let Kind::Image(_) | Kind::Own = images::kind(source) {
        Ok(Format::Images)
    } else if let Kind::Unread(name) = images::kind(source) {
        Err(images::unread(source, name))
    } else if let Some((found, hint)) = sniff::other_binary(bytes) {
        Err(source.malformed(found, Format::any()).with_hint(hint))
    } else if sniff::is_binary(bytes) {
        unknown("binary data of an unknown kind")
    } else if json::recognise(bytes) {
        Ok(Format::Json)
    } else if kdd::recognise(bytes) {
        Ok(Format::Kdd)
    } else {
        Ok(Format::Csv)
    }
}
