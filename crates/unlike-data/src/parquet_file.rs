//! Parquet, through the column readers of the `parquet` crate: all columns but repeated ones, one after
//! the other, without Arrow in between. Fields of structs are columns `a.b`.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Mutex, PoisonError},
};

use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{DataType, Int96},
    errors::{ParquetError, Result as ParquetResult},
    file::reader::{FileReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};
use rayon::prelude::*;
use unlike_core::{Error, Result};

use crate::{
    builder::{Cell, Cells},
    caught::caught,
    dataset::DataSet,
    half::half,
    moment,
    parquet_content::Content,
    read::{Format, ReadOptions},
    source::Source,
    typed::{self, Columnar, Holds, PANDAS_INDEX, TypedFile, is_utc},
};

/// The first and last bytes of a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Rows that are decoded at once.
const BATCH: usize = 8192;

/// Nanoseconds in a day.
const DAY: i128 = 86_400_000_000_000;

/// Reads all columns that play a part.
pub(crate) fn read(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let most = source.most(options.max_unpacked);
    let Source { path, bytes } = source;
    let file = ParquetFile::open(&path, Content::Memory(bytes.into()))?;
    typed::read_all(&file, options, None, Some(most))
}

/// A file whose columns are known.
pub(crate) struct ParquetFile {
    typed: TypedFile,
    reader: SerializedFileReader<Content>,
    rows: usize,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path, content: Content) -> Result<Self> {
        let source = Source::without_content(path);
        let reader = caught(|| SerializedFileReader::new(content)).unwrap_or_else(contradictory);
        let reader = reader.map_err(|error| damaged(path, &error))?;
        let mut rows = 0usize;
        for group in reader.metadata().row_groups() {
            let more = usize::try_from(group.num_rows()).ok();
            let sum = more.and_then(|more| rows.checked_add(more));
            rows = sum.ok_or_else(|| {
                source.malformed(
                    format!("a row group of {} rows", group.num_rows()),
                    "a number of rows",
                )
            })?;
        }
        let schema = reader.metadata().file_metadata().schema_descr();
        let columns = schema.columns().iter();
        let columns = columns
            .map(|column| (column.path().parts().join("."), Meaning::of(column).holds()))
            .collect();
        Ok(Self {
            typed: TypedFile {
                source,
                format: Format::Parquet,
                columns,
                dropped: Some(PANDAS_INDEX),
                zones: zones(&reader),
            },
            reader,
            rows,
        })
    }

    /// A column, from its first row on.
    fn column(&self, at: usize) -> Column {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let column = schema.column(at);
        Column {
            at,
            meaning: Meaning::of(&column),
            nullable: column.max_def_level(),
            group: 0,
            cells: None,
            row: 0,
        }
    }
}

/// How far columns were read, each for itself: page after page, whatever the size of row groups.
pub(crate) struct Reading {
    columns: HashMap<usize, Mutex<Column>>,
    /// The rows of this part, and of this and all before.
    part: usize,
    rows: usize,
}

impl Columnar for ParquetFile {
    type Reading = Reading;

    // One column after the other, so that few of their pages are unpacked at a time.
    const AT_ONCE: usize = usize::MAX;

    fn typed(&self) -> &TypedFile {
        &self.typed
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn is_typed_date(&self, at: usize) -> bool {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let meaning = Meaning::of(&schema.column(at));
        matches!(meaning, Meaning::Date | Meaning::Moment(_))
    }

    fn begin(&self, columns: &[usize]) -> Result<Reading> {
        let column = |&at: &usize| (at, Mutex::new(self.column(at)));
        Ok(Reading {
            columns: columns.iter().map(column).collect(),
            part: 0,
            rows: 0,
        })
    }

    fn advance(&self, reading: &mut Reading, most: usize) -> Result<usize> {
        reading.part = most.min(self.rows - reading.rows);
        reading.rows += reading.part;
        Ok(reading.part)
    }

    fn pour(&self, reading: &Reading, at: usize, into: &mut dyn Cells) -> Result<()> {
        let Some(column) = reading.columns.get(&at) else {
            return Ok(());
        };
        let mut column = column.lock().unwrap_or_else(PoisonError::into_inner);
        column.pour(self, reading.part, into)
    }

    fn skip(&self, reading: &mut Reading, rows: usize) -> Result<()> {
        let rows = rows.min(self.rows - reading.rows);
        reading.rows += rows;
        let columns = reading.columns.par_iter_mut();
        let skipped: Vec<Result<()>> = columns
            .map(|(_, column)| {
                let column = column.get_mut().unwrap_or_else(PoisonError::into_inner);
                column.skip(self, rows)
            })
            .collect();
        skipped.into_iter().collect()
    }
}

/// The time zones that pandas noted; Parquet itself knows UTC only.
fn zones(reader: &SerializedFileReader<Content>) -> BTreeMap<String, String> {
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let noted = metadata
        .into_iter()
        .flatten()
        .find(|pair| pair.key == "pandas");
    let noted = noted.and_then(|pair| pair.value.as_deref());
    let noted: serde_json::Value =
        serde_json::from_str(noted.unwrap_or_default()).unwrap_or_default();
    let columns = noted["columns"].as_array();
    let zone = |column: &serde_json::Value| {
        let name = column["field_name"].as_str()?;
        let zone = column["metadata"]["timezone"].as_str()?;
        (!is_utc(zone)).then(|| (name.to_owned(), zone.to_owned()))
    };
    columns.into_iter().flatten().filter_map(zone).collect()
}

fn damaged(path: &Path, error: &ParquetError) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        location: Default::default(),
        found: format!("damaged or unknown Parquet data ({error})"),
        expected: "a whole Parquet file".into(),
        hint: Some(
            "copy or download it again; of the ways to compress, snappy, zstd, gzip and lz4 are read"
                .into(),
        ),
    }
}

/// What the decoder says by a panic.
fn contradictory<T>() -> ParquetResult<T> {
    Err(ParquetError::General(
        "values that contradict each other".into(),
    ))
}

/// What the values of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    /// Numbers, as they are stored.
    Number,
    /// Texts or truth values.
    Text,
    /// 32 or 64 bits without a sign.
    Unsigned,
    /// Whole numbers of this many digits after the point.
    Decimal(u32),
    /// Days.
    Date,
    /// Since midnight, in units of so many nanoseconds.
    Time(i128),
    /// Since the beginning of 1970, in units of so many nanoseconds.
    Moment(i128),
    /// 16-bit floating-point numbers.
    Half,
    Uuid,
    Other(&'static str),
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Self {
        const MILLI: i128 = 1_000_000;
        const MICRO: i128 = 1_000;
        if column.max_rep_level() > 0 {
            return Self::Other("lists");
        }
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => MILLI,
            TimeUnit::MICROS => MICRO,
            TimeUnit::NANOS => 1,
        };
        let decimal = |scale: i32| match u32::try_from(scale) {
            Ok(scale) if scale <= 76 => Self::Decimal(scale),
            _ => Self::Other("decimal numbers of an unknown kind"),
        };
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Integer(of)), _) if !of.is_signed => Self::Unsigned,
            (Some(LogicalType::Decimal(of)), _) => decimal(of.scale),
            (Some(LogicalType::Date), _) => Self::Date,
            (Some(LogicalType::Time(of)), _) => Self::Time(unit(&of.unit)),
            (Some(LogicalType::Timestamp(of)), _) => Self::Moment(unit(&of.unit)),
            (Some(LogicalType::Float16), _) => Self::Half,
            (Some(LogicalType::Uuid), _) => Self::Uuid,
            (Some(LogicalType::Bson), _) => Self::Other("binary data"),
            (Some(LogicalType::Geometry(_) | LogicalType::Geography(_)), _) => {
                Self::Other("geometries")
            }
            (Some(LogicalType::Variant(_)), _) => Self::Other("values of many types"),
            (Some(_), _) => Self::Number,
            (
                None,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Self::Unsigned,
            (None, ConvertedType::DECIMAL) => decimal(column.type_scale()),
            (None, ConvertedType::DATE) => Self::Date,
            (None, ConvertedType::TIME_MILLIS) => Self::Time(MILLI),
            (None, ConvertedType::TIME_MICROS) => Self::Time(MICRO),
            (None, ConvertedType::TIMESTAMP_MILLIS) => Self::Moment(MILLI),
            (None, ConvertedType::TIMESTAMP_MICROS) => Self::Moment(MICRO),
            (None, ConvertedType::INTERVAL) => Self::Other("durations"),
            (None, ConvertedType::BSON) => Self::Other("binary data"),
            (None, _) if column.physical_type() == Physical::INT96 => Self::Moment(1),
            (None, _) if column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY => {
                Self::Other("binary data")
            }
            (None, _) => Self::Number,
        }
        .checked(column)
    }

    /// Numbers and texts that are stored in another way than they can be are unknown.
    fn checked(self, column: &ColumnDescriptor) -> Self {
        use Physical::{BOOLEAN, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY, INT32, INT64, INT96};
        let physical = column.physical_type();
        let fits = match self {
            Self::Unsigned | Self::Time(_) => matches!(physical, INT32 | INT64),
            Self::Date => physical == INT32,
            Self::Moment(_) => matches!(physical, INT64 | INT96),
            Self::Half => physical == FIXED_LEN_BYTE_ARRAY && column.type_length() == 2,
            Self::Uuid => physical == FIXED_LEN_BYTE_ARRAY && column.type_length() == 16,
            Self::Decimal(_) => {
                matches!(physical, INT32 | INT64 | BYTE_ARRAY)
                    || (physical == FIXED_LEN_BYTE_ARRAY && column.type_length() <= 16)
            }
            Self::Number | Self::Text => physical != FIXED_LEN_BYTE_ARRAY,
            Self::Other(_) => true,
        };
        match fits {
            true if self == Self::Number && matches!(physical, BOOLEAN | BYTE_ARRAY) => Self::Text,
            true => self,
            false => Self::Other("values of an unknown kind"),
        }
    }

    fn holds(self) -> Holds {
        match self {
            Self::Other(what) => Holds::Other(what),
            Self::Text | Self::Date | Self::Moment(_) | Self::Uuid => Holds::Texts,
            Self::Number | Self::Unsigned | Self::Decimal(_) | Self::Time(_) | Self::Half => {
                Holds::Numbers
            }
        }
    }
}

/// A column, and how far it was read: row group after row group, page after page.
struct Column {
    at: usize,
    meaning: Meaning,
    /// The level at which a value is there; 0 if it always is.
    nullable: i16,
    /// The row group that is read next.
    group: usize,
    /// What is left of the one that is being read.
    cells: Option<ColumnReader>,
    row: u32,
}

impl Column {
    /// Pours the next values, at most so many, into a builder.
    fn pour(&mut self, file: &ParquetFile, most: usize, builder: &mut dyn Cells) -> Result<()> {
        let mut left = most;
        while left > 0 {
            let mut cells = match self.cells.take() {
                Some(cells) => cells,
                None if self.group == file.reader.num_row_groups() => return Ok(()),
                None => self.next_group(file)?,
            };
            let mut pour = Pour {
                meaning: self.meaning,
                nullable: self.nullable,
                row: self.row,
                builder,
                failed: Ok(()),
            };
            let read = caught(|| pour.some(&mut cells, left)).unwrap_or_else(contradictory);
            self.row = pour.row;
            pour.failed?;
            let read = read.map_err(|error| damaged(&file.typed.source.path, &error))?;
            // The end of the row group otherwise.
            if read > 0 {
                self.cells = Some(cells);
            }
            left -= read;
        }
        Ok(())
    }

    fn next_group(&mut self, file: &ParquetFile) -> Result<ColumnReader> {
        let cells = caught(|| {
            let group = file.reader.get_row_group(self.group)?;
            group.get_column_reader(self.at)
        });
        self.group += 1;
        cells
            .unwrap_or_else(contradictory)
            .map_err(|error| damaged(&file.typed.source.path, &error))
    }

    /// Leaves out rows that were read before.
    fn skip(&mut self, file: &ParquetFile, rows: usize) -> Result<()> {
        let mut left = rows;
        let groups = file.reader.metadata().row_groups();
        while let Some(group) = groups.get(self.group)
            && left >= group.num_rows() as usize
        {
            left -= group.num_rows() as usize;
            self.row = self.row.saturating_add(group.num_rows() as u32);
            self.group += 1;
        }
        self.pour(file, left, &mut Nowhere)
    }
}

/// Cells that are not wanted.
struct Nowhere;

impl Cells for Nowhere {
    fn push_cell(&mut self, _: Cell<'_>, _: u32) -> Result<()> {
        Ok(())
    }
}

/// Pours values of a column into its builder.
struct Pour<'a> {
    meaning: Meaning,
    nullable: i16,
    row: u32,
    builder: &'a mut dyn Cells,
    /// What the builder refused.
    failed: Result<()>,
}

impl Pour<'_> {
    /// The next values, at most so many; none at the end.
    fn some(&mut self, cells: &mut ColumnReader, most: usize) -> ParquetResult<usize> {
        let meaning = self.meaning;
        match cells {
            ColumnReader::BoolColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.cell(Cell::Truth(*v)))
            }
            ColumnReader::Int32ColumnReader(r) => self.typed(r, most, |pour, &v| match meaning {
                Meaning::Unsigned => pour.whole((v as u32).into()),
                _ => pour.whole(v.into()),
            }),
            ColumnReader::Int64ColumnReader(r) => self.typed(r, most, |pour, &v| match meaning {
                Meaning::Unsigned => pour.whole((v as u64).into()),
                _ => pour.whole(v.into()),
            }),
            ColumnReader::Int96ColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.whole(nanoseconds(v)))
            }
            ColumnReader::FloatColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.cell(Cell::Single(*v)))
            }
            ColumnReader::DoubleColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.cell(Cell::Float(*v)))
            }
            ColumnReader::ByteArrayColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.bytes(v.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                self.typed(r, most, |pour, v| pour.bytes(v.data()))
            }
        }
    }

    fn typed<T: DataType>(
        &mut self,
        cells: &mut ColumnReaderImpl<T>,
        most: usize,
        mut push: impl FnMut(&mut Self, &T::T) -> Result<()>,
    ) -> ParquetResult<usize> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let most = most.min(BATCH);
        let (rows, ..) = cells.read_records(most, Some(&mut levels), None, &mut values)?;
        let mut present = values.iter();
        for row in 0..rows {
            let is_there =
                self.nullable == 0 || levels.get(row).is_some_and(|&l| l >= self.nullable);
            self.row = self.row.saturating_add(1);
            let value = if is_there { present.next() } else { None };
            let pushed = match value {
                Some(value) => push(self, value),
                None => self.cell(Cell::Missing),
            };
            if pushed.is_err() {
                self.failed = pushed;
                break;
            }
        }
        Ok(rows)
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<()> {
        self.builder.push_cell(cell, self.row)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.cell(Cell::Text(text.as_bytes()))
    }

    /// A whole number, for what it means.
    fn whole(&mut self, value: i128) -> Result<()> {
        match self.meaning {
            Meaning::Decimal(scale) => self.decimal(value, scale),
            Meaning::Date => self.text(&moment::written_date(value as i64)),
            Meaning::Time(unit) => self.cell(Cell::Float((value * unit) as f64 / 1e9)),
            Meaning::Moment(unit) => self.text(&moment::written(value * unit)),
            _ => self.cell(Cell::Whole(value)),
        }
    }

    fn decimal(&mut self, value: i128, scale: u32) -> Result<()> {
        if scale == 0 {
            return self.cell(Cell::Whole(value));
        }
        self.cell(Cell::Float(typed::decimal(value, scale.into())))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        match self.meaning {
            Meaning::Decimal(scale) => match big_endian(bytes) {
                Some(value) => self.decimal(value, scale),
                None => self.cell(Cell::Float(f64::INFINITY)),
            },
            Meaning::Half => {
                let bits = bytes.first_chunk().copied().unwrap_or_default();
                self.cell(Cell::Float(half(u16::from_le_bytes(bits))))
            }
            Meaning::Uuid => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                self.text(&digits)
            }
            _ => self.cell(Cell::Text(bytes)),
        }
    }
}

/// A whole number of any length in two's complement; none if 128 bits do not hold it.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start: i128 = if negative { -1 } else { 0 };
    bytes.iter().try_fold(start, |value, &byte| {
        Some(value.checked_mul(256)? | i128::from(byte))
    })
}

/// Since the beginning of 1970: nanoseconds of a day, and a Julian day number.
fn nanoseconds(value: &Int96) -> i128 {
    const JULIAN_DAY_OF_1970: i128 = 2_440_588;
    let [low, high, day] = [0, 1, 2].map(|i| i128::from(value.data()[i]));
    (day - JULIAN_DAY_OF_1970) * DAY + (high << 32 | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_any_length_keep_their_sign() {
        assert_eq!(big_endian(&[]), Some(0));
        assert_eq!(big_endian(&[0xff]), Some(-1));
        assert_eq!(big_endian(&[0x00, 0xff]), Some(255));
        assert_eq!(big_endian(&[0xfe, 0x0c]), Some(-500));
        let lowest = i128::from_be_bytes([0x80; 16]);
        assert_eq!(big_endian(&[0x80; 16]), Some(lowest));
        let mut longer = [0xff; 20];
        longer[19] = 0xfb;
        assert_eq!(big_endian(&longer), Some(-5));
        assert_eq!(big_endian(&[1; 17]), None);
    }

    #[test]
    fn old_moments_count_from_a_julian_day() {
        let mut value = Int96::new();
        // 12:00:00.000000001 on 2 January 1970.
        let nanoseconds_of_day = 43_200_000_000_001u64;
        value.set_data(
            nanoseconds_of_day as u32,
            (nanoseconds_of_day >> 32) as u32,
            2_440_589,
        );
        let moment = nanoseconds(&value);
        assert_eq!(moment::written(moment), "1970-01-02 12:00:00.000000001");
    }
}
