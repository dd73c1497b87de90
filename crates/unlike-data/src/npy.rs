//! NumPy arrays and archives, as tables of numbers.
//!
//! An array is read as NumPy's `numpy.lib.format` describes it (versions 1 to 3). Its header is a
//! Python dictionary of three known keys, so a general parser of Python literals is not needed;
//! pickled objects are refused.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use unlike_core::{Column, ColumnKind, Error, MISSING, Note, Result, Samples, Table, Values};
use zip::ZipArchive;

use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::{self, Source},
    words,
};

/// The first bytes of an array.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The array of samples in an archive, and the one of classes.
const SAMPLES: &str = "X";
const CLASSES: &str = "y";

/// Reads one array, `[rows, columns]`.
pub(crate) fn read_npy(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    let array = Array::parse(source, "the array", &source.bytes)?;
    assemble(source, Format::Npy, &array, None, options)
}

/// Reads the arrays `X` and, if there, `y` of an archive.
pub(crate) fn read_npz(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    let damaged = |error: zip::result::ZipError| {
        source
            .malformed(
                format!("a damaged zip archive ({error})"),
                "a NumPy archive",
            )
            .with_hint("the file was cut short or damaged; copy or download it again")
    };
    let mut archive = ZipArchive::new(Cursor::new(&source.bytes[..])).map_err(damaged)?;
    let mut names = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(damaged)?;
        names.extend(name.strip_suffix(".npy").map(str::to_owned));
    }
    if !names.iter().any(|n| n == SAMPLES) {
        let found = match names.is_empty() {
            true => "a zip archive without arrays".to_owned(),
            false => format!("an archive of the arrays {}", words::quoted(&names)),
        };
        return Err(source
            .malformed(found, format!("an array `{SAMPLES}`, [rows, columns]"))
            .with_hint("save it with numpy.savez(path, X=X, y=y)"));
    }
    let classes = match &options.label_column {
        Some(name) if name != SAMPLES => names.iter().find(|n| *n == name),
        _ => names.iter().find(|n| *n == CLASSES),
    };
    let mut load = |name: &str| {
        let mut bytes = Vec::new();
        let mut member = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
        member
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(error.into()))?;
        Ok::<_, Error>(bytes)
    };
    let samples = load(SAMPLES)?;
    let samples = Array::parse(source, &format!("the array `{SAMPLES}`"), &samples)?;
    let classes = match classes {
        Some(name) => {
            let bytes = load(name)?;
            let array = Array::parse(source, &format!("the array `{name}`"), &bytes)?;
            Some(array.classes(source, name, samples.shape[0])?)
        }
        None => None,
    };
    assemble(source, Format::Npz, &samples, classes, options)
}

/// Makes the data set of an array of samples, and of classes from an array of their own.
fn assemble(
    source: &Source,
    format: Format,
    array: &Array<'_>,
    mut classes: Option<Classes>,
    options: &ReadOptions,
) -> Result<DataSet> {
    let (rows, names) = array.table_shape(source)?;
    let mut options = options.clone();
    if classes.is_some() {
        options.label_column = None;
    }
    let roles = roles::assign(&names, &options, None, None)?;
    let missing = options
        .missing
        .iter()
        .any(|text| text.eq_ignore_ascii_case("nan"));
    let kinds = options.kinds();
    let mut columns = Vec::with_capacity(names.len());
    let mut ids = None;
    for (at, name) in names.iter().enumerate() {
        let values = match roles[at] {
            Role::Dropped => continue,
            _ => array.column(source, at, name, missing)?,
        };
        match roles[at] {
            Role::Label => classes = Some(classes_of(source, name, &values)?),
            Role::Id => ids = Some(values.iter().map(f64::to_string).collect()),
            _ => {
                let values = if kinds.get(name.as_str()) == Some(&ColumnKind::Category) {
                    let (levels, codes) = categorised(&values);
                    Values::Category {
                        levels: levels.into(),
                        codes,
                    }
                } else {
                    Values::Number(values)
                };
                columns.push(Column {
                    name: name.as_str().into(),
                    values,
                });
            }
        }
    }
    let mut table = Table::new(source.name(), columns)?;
    debug_assert_eq!(table.rows(), rows);
    if let Some(ids) = ids {
        table = table.with_ids(ids);
    }
    DataSet::new(
        &source.path,
        format,
        Samples::Table(table),
        classes,
        Convention::ZeroOne,
        &options,
    )
}

/// Numbers as classes: `0`, `1`, `2.5`.
fn classes_of(source: &Source, name: &str, values: &[f64]) -> Result<Classes> {
    if let Some(row) = values.iter().position(|v| v.is_nan()) {
        return Err(source
            .malformed_at(
                source::cell(row as u64 + 1, name),
                "NaN",
                "a label in every row",
            )
            .with_hint("remove the row, or give it a class of its own"));
    }
    let (levels, codes) = categorised(values);
    Ok(Classes::new(name, levels, codes))
}

/// Distinct numbers as texts, in order of first appearance, and one code per value.
fn categorised(values: &[f64]) -> (Vec<String>, Vec<u32>) {
    let mut by_bits = HashMap::new();
    let mut levels = Vec::new();
    let code = |&value: &f64| {
        if value.is_nan() {
            return MISSING;
        }
        // Adding zero makes one class of -0 and 0.
        *by_bits.entry((value + 0.0).to_bits()).or_insert_with(|| {
            levels.push((value + 0.0).to_string());
            levels.len() as u32 - 1
        })
    };
    let codes = values.iter().map(code).collect();
    (levels, codes)
}

/// A parsed array; the data are decoded column by column.
struct Array<'a> {
    /// What messages call it.
    title: String,
    shape: Vec<usize>,
    fortran: bool,
    item: Item,
    data: &'a [u8],
}

/// How one number is stored.
#[derive(Clone, Copy)]
struct Item {
    size: usize,
    decode: fn(&[u8]) -> f64,
}

impl<'a> Array<'a> {
    fn parse(source: &Source, title: &str, bytes: &'a [u8]) -> Result<Self> {
        let bad =
            |found: String, expected: &str| source.malformed(format!("{title} {found}"), expected);
        let Some((header, data)) = split_header(bytes) else {
            return Err(bad(
                "has no NumPy header, or one that is cut short".into(),
                "a whole array",
            ));
        };
        let descr = field(header, "descr");
        let fortran = match field(header, "fortran_order").map(|v| v.starts_with("True")) {
            Some(fortran) => fortran,
            None => {
                return Err(bad(
                    "has no `fortran_order` in its header".into(),
                    "True or False",
                ));
            }
        };
        let Some(shape) = field(header, "shape").and_then(parse_shape) else {
            return Err(bad(
                "has no `shape` in its header".into(),
                "a tuple of sizes",
            ));
        };
        let descr = descr.and_then(quoted);
        let Some(item) = descr.and_then(item) else {
            let found = match descr {
                Some("|O") => "holds pickled Python objects".to_owned(),
                Some(descr) => format!("holds values of type `{}`", words::shortened(descr)),
                None => "holds records".to_owned(),
            };
            return Err(bad(found, "numbers (f4, f8, i1 to i8, u1 to u8 or bool)")
                .with_hint("convert it with numpy: X.astype(numpy.float64)"));
        };
        let wanted = shape
            .iter()
            .try_fold(item.size, |n, &size| n.checked_mul(size));
        if wanted.is_none_or(|wanted| wanted > data.len()) {
            let found = format!(
                "of shape {shape:?} has only {} bytes",
                words::count(data.len())
            );
            return Err(bad(found, "all of its data")
                .with_hint("the file was cut short; copy or download it again"));
        }
        Ok(Self {
            title: title.to_owned(),
            shape,
            fortran,
            item,
            data,
        })
    }

    /// The number of rows, and the names of the columns: their numbers from 1.
    fn table_shape(&self, source: &Source) -> Result<(usize, Vec<String>)> {
        let bad = |expected: &str| {
            source.malformed(
                format!("{} of shape {:?}", self.title, self.shape),
                expected,
            )
        };
        match self.shape[..] {
            [0, _] => Err(bad("at least one row")),
            [_, 0] => Err(bad("at least one column")),
            [rows, columns] => Ok((rows, (1..=columns).map(|i| i.to_string()).collect())),
            [_] => Err(bad("two dimensions, [rows, columns]")
                .with_hint("make it a table of one column with X.reshape(-1, 1)")),
            _ => Err(bad("two dimensions, [rows, columns]")
                .with_hint("make each sample a row with X.reshape(len(X), -1)")),
        }
    }

    fn column(&self, source: &Source, at: usize, name: &str, missing: bool) -> Result<Vec<f64>> {
        let (rows, columns) = (self.shape[0], self.shape[1]);
        let (start, step) = if self.fortran {
            (at * rows, 1)
        } else {
            (at, columns)
        };
        let values: Vec<f64> = (0..rows)
            .map(|row| self.value(start + row * step))
            .collect();
        let refused = |v: &f64| v.is_infinite() || (v.is_nan() && !missing);
        match values.iter().position(refused) {
            None => Ok(values),
            Some(row) => Err(source
                .malformed_at(
                    source::cell(row as u64 + 1, name),
                    values[row].to_string(),
                    "a finite number",
                )
                .with_hint(
                    Note::new("if NaN stands for a missing value, say ").set("missing", "NaN"),
                )),
        }
    }

    /// One class per row of `X`.
    fn classes(&self, source: &Source, name: &str, rows: usize) -> Result<Classes> {
        let length = match self.shape[..] {
            [length] | [length, 1] => length,
            _ => {
                let found = format!("{} of shape {:?}", self.title, self.shape);
                return Err(source.malformed(found, "one dimension, [rows]"));
            }
        };
        if length != rows {
            return Err(source.malformed(
                format!("{} of length {}", self.title, words::count(length)),
                format!("{}, one for each row of `{SAMPLES}`", words::count(rows)),
            ));
        }
        let values: Vec<f64> = (0..length).map(|i| self.value(i)).collect();
        classes_of(source, name, &values)
    }

    fn value(&self, at: usize) -> f64 {
        (self.item.decode)(&self.data[at * self.item.size..][..self.item.size])
    }
}

/// The header's text, and the data after it.
fn split_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (&[major, _minor], rest) = rest.split_first_chunk()?;
    let (length, rest) = if major == 1 {
        let (length, rest) = rest.split_first_chunk()?;
        (u16::from_le_bytes(*length) as usize, rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        (u32::from_le_bytes(*length) as usize, rest)
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// What follows `'key':` in a header.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?
        .split_once('\'')
        .map(|(text, _)| text)
}

fn parse_shape(text: &str) -> Option<Vec<usize>> {
    let (inner, _) = text.strip_prefix('(')?.split_once(')')?;
    let sizes = inner
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    sizes
        .map(|size| size.trim_end_matches('L').parse().ok())
        .collect()
}

/// How values of a dtype are stored: byte order, kind and size, as in `<f8`.
fn item(descr: &str) -> Option<Item> {
    macro_rules! number {
        ($type:ty, $from:ident) => {{
            const SIZE: usize = size_of::<$type>();
            // `value` and `classes` hand over exactly SIZE bytes.
            let decode = |bytes: &[u8]| {
                bytes
                    .first_chunk()
                    .map_or(f64::NAN, |chunk| <$type>::$from(*chunk) as f64)
            };
            Some(Item { size: SIZE, decode })
        }};
    }
    let little = !descr.starts_with('>');
    match (descr.get(1..)?, little) {
        ("f4", true) => number!(f32, from_le_bytes),
        ("f4", false) => number!(f32, from_be_bytes),
        ("f8", true) => number!(f64, from_le_bytes),
        ("f8", false) => number!(f64, from_be_bytes),
        ("i1", _) => number!(i8, from_le_bytes),
        ("u1" | "b1", _) => number!(u8, from_le_bytes),
        ("i2", true) => number!(i16, from_le_bytes),
        ("i2", false) => number!(i16, from_be_bytes),
        ("u2", true) => number!(u16, from_le_bytes),
        ("u2", false) => number!(u16, from_be_bytes),
        ("i4", true) => number!(i32, from_le_bytes),
        ("i4", false) => number!(i32, from_be_bytes),
        ("u4", true) => number!(u32, from_le_bytes),
        ("u4", false) => number!(u32, from_be_bytes),
        ("i8", true) => number!(i64, from_le_bytes),
        ("i8", false) => number!(i64, from_be_bytes),
        ("u8", true) => number!(u64, from_le_bytes),
        ("u8", false) => number!(u64, from_be_bytes),
        _ => None,
    }
}
