//! NumPy arrays, as tables of numbers, and of images.
//!
//! An array is read as NumPy's `numpy.lib.format` describes it (versions 1 to 3). Its header is a
//! Python dictionary of three known keys, so a general parser of Python literals is not needed;
//! pickled objects are refused.

use std::collections::{BTreeMap, HashMap};

use unlike_core::{Column, ColumnKind, Error, MISSING, Result, Samples, Table, Values};

use crate::{
    builder::{MissingCells, not_finite_hint},
    column_remarks::ColumnRemarks,
    dataset::DataSet,
    half::half,
    images::{self, ImagePart},
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    roles::{self, Role},
    source::{self, Source},
    words,
};

/// The first bytes of an array.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads one array, `[rows, columns]`, or images of bytes.
pub(crate) fn read_npy(source: &Source, options: &ReadOptions) -> Result<DataSet> {
    let array = Array::parse(source, "the array", &source.bytes)?;
    if let Some(shape) = array.image_shape() {
        let part = ImagePart {
            name: "",
            shape,
            bytes: array.stored(),
        };
        return images::read_arrays(source, Format::Npy, &[part], None, Vec::new(), options);
    }
    assemble(source, Format::Npy, &array, None, options)
}

/// Makes the data set of an array of samples, and of classes from an array of their own.
pub(crate) fn assemble(
    source: &Source,
    format: Format,
    array: &Array<'_>,
    classes: Option<Classes>,
    options: &ReadOptions,
) -> Result<DataSet> {
    let (_, names) = array.table_shape(source, options.allow_empty)?;
    let mut options = options.clone();
    if classes.is_some() {
        options.label_column = None;
    }
    let mut notes = Vec::new();
    let roles = roles::assign(&names, &options, None, None, &mut notes)?;
    let (data, remarks) = array.data(source, format, (&names, &roles), classes, &options)?;
    for (at, remarks) in remarks {
        notes.extend(remarks.notes(&names[at]));
    }
    Ok(data.with_notes(notes))
}

/// Whether an array that begins so holds images.
pub(crate) fn holds_images(beginning: &Source) -> bool {
    let array = Array::begin(beginning, "the array", &beginning.bytes, usize::MAX);
    array.is_ok_and(|array| array.image_shape().is_some())
}

/// Numbers or texts as classes: `0`, `1`, `2.5`, `ok`.
pub(crate) fn classes_of(
    source: &Source,
    name: &str,
    numbers: &Numbers,
    texts: impl Iterator<Item = Option<String>>,
) -> Result<Classes> {
    let (levels, codes) = categorised(texts);
    if let Some(row) = codes.iter().position(|&code| code == MISSING) {
        return Err(source
            .malformed_at(
                source::cell(numbers.of(row).into(), name),
                "NaN",
                "a label in every row",
            )
            .with_hint("remove the row, or give it a class of its own"));
    }
    Ok(Classes::new(name, levels, codes))
}

/// Distinct texts, in order of first appearance, and one code per text.
fn categorised(texts: impl Iterator<Item = Option<String>>) -> (Vec<String>, Vec<u32>) {
    let mut by_text: HashMap<String, u32> = HashMap::new();
    let mut levels = Vec::new();
    let code = |text: Option<String>| {
        let Some(text) = text else {
            return MISSING;
        };
        if let Some(&code) = by_text.get(&text) {
            return code;
        }
        let code = levels.len() as u32;
        levels.push(text.clone());
        by_text.insert(text, code);
        code
    };
    let codes = texts.map(code).collect();
    (levels, codes)
}

/// A parsed array, or some rows of one; the data are decoded column by column.
pub(crate) struct Array<'a> {
    /// What messages call it.
    title: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) fortran: bool,
    item: Item,
    /// The numbers of these rows in the file, from 1.
    numbers: Numbers,
    data: &'a [u8],
}

/// Which rows of a file there are.
pub(crate) enum Numbers {
    /// Those after so many others.
    After(usize),
    /// These.
    Drawn(Vec<u32>),
}

impl Numbers {
    fn of(&self, row: usize) -> u32 {
        match self {
            Self::After(before) => u32::try_from(before + row + 1).unwrap_or(u32::MAX),
            Self::Drawn(numbers) => numbers.get(row).copied().unwrap_or(u32::MAX),
        }
    }
}

/// How one value is stored.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    size: usize,
    kind: Kind,
    /// Whether it is a byte without a sign, as images have them.
    is_byte: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Number {
        decode: fn(&[u8]) -> f64,
        /// Exactly, also where `decode` rounds; absent for NaN.
        text: fn(&[u8]) -> Option<String>,
    },
    /// UTF-32 of this byte order (`<U3`), or bytes (`|S3`), filled up with zeros.
    Text { wide: bool, little: bool },
}

impl<'a> Array<'a> {
    pub(crate) fn parse(source: &Source, title: &str, bytes: &'a [u8]) -> Result<Self> {
        Self::begin(source, title, bytes, bytes.len())
    }

    /// The array of a file of so many bytes, of which these are the first.
    pub(crate) fn begin(
        source: &Source,
        title: &str,
        bytes: &'a [u8],
        size: usize,
    ) -> Result<Self> {
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
            return Err(unread(descr, header, bad));
        };
        let wanted = shape
            .iter()
            .try_fold(item.size, |n, &size| n.checked_mul(size));
        let there = size - (bytes.len() - data.len());
        if wanted.is_none_or(|wanted| wanted > there) {
            let found = format!("of shape {shape:?} has only {} bytes", words::count(there));
            return Err(bad(found, "all of its data")
                .with_hint("the file was cut short; copy or download it again"));
        }
        Ok(Self {
            title: title.to_owned(),
            shape,
            fortran,
            item,
            numbers: Numbers::After(0),
            data,
        })
    }

    /// Some rows of it, `before` which there are others.
    pub(crate) fn rows<'b>(&self, before: usize, rows: usize, data: &'b [u8]) -> Array<'b> {
        Array {
            title: self.title.clone(),
            shape: vec![rows, self.shape[1]],
            fortran: self.fortran,
            item: self.item,
            numbers: Numbers::After(before),
            data,
        }
    }

    /// Rows of these numbers.
    pub(crate) fn drawn<'b>(&self, numbers: Vec<u32>, data: &'b [u8]) -> Array<'b> {
        Array {
            title: self.title.clone(),
            shape: vec![numbers.len(), self.shape[1]],
            fortran: false,
            item: self.item,
            numbers: Numbers::Drawn(numbers),
            data,
        }
    }

    /// `[images, height, width, channels]` if it holds images: bytes of three dimensions, or of four with 1 or
    /// 3 channels.
    pub(crate) fn image_shape(&self) -> Option<[usize; 4]> {
        let shape = match self.shape[..] {
            [n, height, width] => [n, height, width, 1],
            [n, height, width, channels @ (1 | 3)] => [n, height, width, channels],
            _ => return None,
        };
        let is_laid_out = self.item.is_byte && !self.fortran;
        (is_laid_out && shape.iter().all(|&size| size > 0)).then_some(shape)
    }

    /// How to make a table, or images, of an array that is neither.
    pub(crate) fn image_hint(&self) -> &'static str {
        let are_images = (3..=4).contains(&self.shape.len()) && !self.shape.contains(&0);
        match (are_images, self.item.is_byte) {
            (false, _) => "make each sample a row with X.reshape(len(X), -1)",
            (true, true) if self.fortran => {
                "save it row after row: numpy.save(path, numpy.ascontiguousarray(X))"
            }
            (true, true) if matches!(self.shape[1], 1 | 3) => {
                "put the channels last: numpy.moveaxis(X, 1, -1)"
            }
            (true, true) => "keep 1 or 3 channels: X[..., :3] leaves out an alpha channel",
            (true, false) => {
                "make each sample a row with X.reshape(len(X), -1); or, if they are images, bytes of \
                 them: numpy.rint(255 * X).astype(numpy.uint8) where 1 is white"
            }
        }
    }

    /// The values as they are stored, all of them.
    pub(crate) fn stored(&self) -> &'a [u8] {
        let values: usize = self.shape.iter().product();
        &self.data[..values * self.item.size]
    }

    /// How many bytes a value takes.
    pub(crate) fn item_size(&self) -> usize {
        self.item.size
    }

    /// Where the data begin in the bytes that this was parsed from.
    pub(crate) fn offset_in(&self, bytes: &[u8]) -> usize {
        bytes.len() - self.data.len()
    }

    /// The number of rows, and the names of the columns: their numbers from 1.
    pub(crate) fn table_shape(
        &self,
        source: &Source,
        allow_empty: bool,
    ) -> Result<(usize, Vec<String>)> {
        let bad = |expected: &str| {
            source.malformed(
                format!("{} of shape {:?}", self.title, self.shape),
                expected,
            )
        };
        if matches!(self.item.kind, Kind::Text { .. }) {
            return Err(source
                .malformed(format!("{} holds texts", self.title), NUMBERS)
                .with_hint(
                    "convert it with X.astype(float) if all texts spell numbers; or save a table \
                     with texts as CSV: pandas.DataFrame(X).to_csv(\"data.csv\", index=False)",
                ));
        }
        match self.shape[..] {
            [0, _] if !allow_empty => Err(bad("at least one row")),
            [_, 0] => Err(bad("at least one column")),
            [rows, columns] => Ok((rows, (1..=columns).map(|i| i.to_string()).collect())),
            [_] => Err(bad("two dimensions, [rows, columns]")
                .with_hint("make it a table of one column with X.reshape(-1, 1)")),
            _ => Err(bad(NO_TABLE).with_hint(self.image_hint())),
        }
    }

    /// The data set of these columns, and what is worth knowing of each.
    pub(crate) fn data(
        &self,
        source: &Source,
        format: Format,
        (names, roles): (&[String], &[Role]),
        mut classes: Option<Classes>,
        options: &ReadOptions,
    ) -> Result<(DataSet, BTreeMap<usize, ColumnRemarks>)> {
        let missing = MissingCells::new(&options.missing);
        let kinds = options.kinds();
        let mut columns = Vec::with_capacity(names.len());
        let mut ids = None;
        let mut remarks = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            match roles[at] {
                Role::Dropped => {}
                Role::Label => {
                    let texts = self.places(at).map(|place| self.text(place));
                    classes = Some(classes_of(source, name, &self.numbers, texts)?);
                }
                Role::Id => {
                    let texts = self.places(at).map(|place| self.text(place));
                    ids = Some(texts.map(Option::unwrap_or_default).collect());
                }
                Role::Feature => {
                    let values = self.column(source, at, name, &missing)?;
                    let values = if kinds.get(name.as_str()) == Some(&ColumnKind::Category) {
                        // A place of a missing value has no text.
                        let present = values.iter().zip(self.places(at));
                        let texts =
                            present.map(|(v, place)| self.text(place).filter(|_| !v.is_nan()));
                        let (levels, codes) = categorised(texts);
                        Values::Category {
                            levels: levels.into(),
                            codes,
                        }
                    } else {
                        remarks.insert(at, self.rounded(at, &values));
                        Values::Number(values)
                    };
                    columns.push(Column {
                        name: name.as_str().into(),
                        values,
                    });
                }
            }
        }
        let rows = self.shape[0];
        let mut table = Table::new(source.name(), columns)?;
        debug_assert_eq!(table.rows(), rows);
        if !matches!(self.numbers, Numbers::After(0)) {
            let numbers = (0..rows).map(|row| self.numbers.of(row));
            table = table.with_row_numbers(numbers.collect());
        }
        if let Some(ids) = ids {
            table = table.with_ids(ids);
        }
        let data = DataSet::new(
            &source.path,
            format,
            Samples::Table(table),
            classes,
            Convention::ZeroOne,
            options,
        )?;
        Ok((data, remarks))
    }

    /// Where the values of a column are.
    fn places(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let (rows, columns) = (self.shape[0], self.shape[1]);
        let (start, step) = if self.fortran {
            (at * rows, 1)
        } else {
            (at, columns)
        };
        (0..rows).map(move |row| start + row * step)
    }

    fn column(
        &self,
        source: &Source,
        at: usize,
        name: &str,
        missing: &MissingCells<'_>,
    ) -> Result<Vec<f64>> {
        let value = |place| match self.value(place) {
            value if missing.is_number(value) => f64::NAN,
            // Not yet known to be missing.
            value if value.is_nan() && !missing.is_nan_listed() => f64::INFINITY,
            value => value,
        };
        let values: Vec<f64> = self.places(at).map(value).collect();
        let Some(row) = values.iter().position(|v| v.is_infinite()) else {
            return Ok(values);
        };
        let found = self.places(at).nth(row).map_or(f64::NAN, |p| self.value(p));
        let hint = match found.is_nan() {
            true => not_finite_hint(found, ""),
            false => not_finite_hint(
                found,
                "put NaN in its place (in Python: X[~numpy.isfinite(X)] = numpy.nan) and say ",
            )
            .set("missing", "NaN"),
        };
        let place = source::cell(self.numbers.of(row).into(), name);
        Err(source
            .malformed_at(place, found.to_string(), "a finite number")
            .with_hint(hint))
    }

    /// How many whole numbers of a column are rounded.
    fn rounded(&self, at: usize, values: &[f64]) -> ColumnRemarks {
        use crate::decimal::EXACT;
        if self.item.size < 8 || !self.is_whole() {
            return ColumnRemarks::default();
        }
        let large = values.iter().zip(self.places(at));
        let large = large.filter(|(v, _)| v.abs() >= EXACT);
        let is_rounded =
            |(v, place): &(&f64, usize)| self.text(*place).is_some_and(|t| t != format!("{v:.0}"));
        ColumnRemarks::of_rounded(large.filter(is_rounded).count())
    }

    /// Whether the type holds whole numbers only.
    fn is_whole(&self) -> bool {
        match self.item.kind {
            Kind::Number { text, .. } => {
                text(&vec![1; self.item.size]).is_some_and(|t| !t.contains(['.', 'e']))
            }
            Kind::Text { .. } => false,
        }
    }

    /// One class for each of so many `of`.
    pub(crate) fn classes(
        &self,
        source: &Source,
        (count, what): (usize, &str),
    ) -> Result<Vec<Option<String>>> {
        let length = match self.shape[..] {
            [length] | [length, 1] => length,
            _ => {
                let found = format!("{} of shape {:?}", self.title, self.shape);
                return Err(source.malformed(found, "one dimension, [rows]"));
            }
        };
        if length != count {
            return Err(source.malformed(
                format!("{} of length {}", self.title, words::count(length)),
                format!("{}, one for each {what}", words::count(count)),
            ));
        }
        Ok((0..length).map(|i| self.text(i)).collect())
    }

    fn bytes(&self, at: usize) -> &[u8] {
        &self.data[at * self.item.size..][..self.item.size]
    }

    fn value(&self, at: usize) -> f64 {
        match self.item.kind {
            Kind::Number { decode, .. } => decode(self.bytes(at)),
            Kind::Text { .. } => f64::NAN,
        }
    }

    /// The value as a person would write it; none for NaN and for an empty text.
    fn text(&self, at: usize) -> Option<String> {
        let bytes = self.bytes(at);
        let text: String = match self.item.kind {
            Kind::Number { text, .. } => return text(bytes),
            Kind::Text { wide: false, .. } => String::from_utf8_lossy(bytes).into_owned(),
            Kind::Text { little, .. } => {
                let character = |&four: &[u8; 4]| {
                    let code = match little {
                        true => u32::from_le_bytes(four),
                        false => u32::from_be_bytes(four),
                    };
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                };
                bytes.as_chunks::<4>().0.iter().map(character).collect()
            }
        };
        let text = text.trim_end_matches('\0');
        (!text.is_empty()).then(|| text.to_owned())
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

const NO_TABLE: &str = "two dimensions, [rows, columns], or bytes as [images, height, width], with 1 or 3 \
                        channels after it if there are channels";

const NUMBERS: &str = "numbers (f2, f4, f8, i1 to i8, u1 to u8 or bool)";

/// The error about an array of a type that is not read.
fn unread(descr: Option<&str>, header: &str, bad: impl Fn(String, &str) -> Error) -> Error {
    let kind = descr.and_then(|descr| descr.get(1..2));
    let (found, hint) = match (descr, kind) {
        (_, Some("O")) => (
            "holds pickled Python objects".to_owned(),
            "save labels as texts with y.astype(str), and numbers with X.astype(float)",
        ),
        (Some(descr), Some("M" | "m")) => (
            format!("holds times (`{}`)", words::shortened(descr)),
            "convert them to numbers with X.astype(\"int64\")",
        ),
        (Some(descr), Some("c")) => (
            format!("holds complex numbers (`{}`)", words::shortened(descr)),
            "save their parts as columns: numpy.hstack([X.real, X.imag])",
        ),
        (Some(descr), _) => (
            format!("holds values of type `{}`", words::shortened(descr)),
            "convert it with numpy: X.astype(numpy.float64)",
        ),
        (None, _) => (
            match field(header, "descr") {
                Some(_) => "holds records",
                None => "has no type in its header",
            }
            .to_owned(),
            "make a table of them: pandas.DataFrame(X).to_csv(\"data.csv\", index=False), or, if all \
             fields are numbers, numpy.lib.recfunctions.structured_to_unstructured(X)",
        ),
    };
    bad(found, NUMBERS).with_hint(hint)
}

/// How values of a dtype are stored: byte order, kind and size, as in `<f8`.
fn item(descr: &str) -> Option<Item> {
    macro_rules! number {
        ($type:ty, $from:ident) => {{
            const SIZE: usize = size_of::<$type>();
            fn value(bytes: &[u8]) -> Option<$type> {
                // Arrays hand over exactly SIZE bytes.
                bytes
                    .first_chunk::<SIZE>()
                    .map(|chunk| <$type>::$from(*chunk))
            }
            let decode = |bytes: &[u8]| value(bytes).map_or(f64::NAN, |v| v as f64);
            #[allow(
                clippy::eq_op,
                reason = "NaN differs from itself; whole numbers do not"
            )]
            let text = |bytes: &[u8]| {
                let value = value(bytes).filter(|v| v == v)?;
                // Adding zero makes one of -0 and 0.
                Some((value + (0 as $type)).to_string())
            };
            Some(Item {
                size: SIZE,
                kind: Kind::Number { decode, text },
                is_byte: false,
            })
        }};
    }
    let little = !descr.starts_with('>');
    let text = |wide: bool, length: &str| {
        let length: usize = length.parse().ok().filter(|&length| length > 0)?;
        let size = length.checked_mul(if wide { 4 } else { 1 })?;
        let kind = Kind::Text { wide, little };
        Some(Item {
            size,
            kind,
            is_byte: false,
        })
    };
    match (descr.get(1..)?, little) {
        ("f2", true) => Some(of_halves(
            |bytes| half(u16::from_le_bytes(two(bytes))),
            |bytes| shown(half(u16::from_le_bytes(two(bytes)))),
        )),
        ("f2", false) => Some(of_halves(
            |bytes| half(u16::from_be_bytes(two(bytes))),
            |bytes| shown(half(u16::from_be_bytes(two(bytes)))),
        )),
        ("f4", true) => number!(f32, from_le_bytes),
        ("f4", false) => number!(f32, from_be_bytes),
        ("f8", true) => number!(f64, from_le_bytes),
        ("f8", false) => number!(f64, from_be_bytes),
        ("i1", _) => number!(i8, from_le_bytes),
        (kind @ ("u1" | "b1"), _) => number!(u8, from_le_bytes).map(|item: Item| Item {
            is_byte: kind == "u1",
            ..item
        }),
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
        (kind, _) if kind.starts_with('U') => text(true, &kind[1..]),
        (kind, _) if kind.starts_with('S') => text(false, &kind[1..]),
        _ => None,
    }
}

fn of_halves(decode: fn(&[u8]) -> f64, text: fn(&[u8]) -> Option<String>) -> Item {
    Item {
        size: 2,
        kind: Kind::Number { decode, text },
        is_byte: false,
    }
}

fn two(bytes: &[u8]) -> [u8; 2] {
    bytes.first_chunk().copied().unwrap_or_default()
}

fn shown(value: f64) -> Option<String> {
    (!value.is_nan()).then(|| (value + 0.0).to_string())
}
