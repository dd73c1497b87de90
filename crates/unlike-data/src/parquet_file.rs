//! Parquet, through the column readers of the `parquet` crate: all columns but repeated ones, one after
//! the other, without Arrow in between. Fields of structs are columns `a.b`.

use std::path::Path;

use bytes::{Buf, Bytes, buf};
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{DataType, Int96},
    errors::{ParquetError, Result as ParquetResult},
    file::reader::{ChunkReader, FileReader, Length, SerializedFileReader},
    schema::types::ColumnDescriptor,
};
use unlike_core::{Error, Result};

use crate::{
    builder::{Cell, ColumnBuilder},
    caught::caught,
    dataset::DataSet,
    dates,
    half::half,
    read::{Format, ReadOptions},
    source::Source,
    typed::{Holds, TypedFile},
};

/// The first and last bytes of a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Where pandas keeps an index that has no name: it names rows, and is no feature.
const PANDAS_INDEX: &str = "__index_level_0__";

/// Rows that are decoded at once.
const BATCH: usize = 8192;

/// Nanoseconds in a day.
const DAY: i128 = 86_400_000_000_000;

/// Reads all columns that play a part.
pub(crate) fn read(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let most = source.most(options.max_unpacked);
    let Source { path, bytes } = source;
    let content = Content(bytes.into());
    // Only its name is still needed.
    let source = Source {
        path,
        bytes: Vec::new(),
    };
    let damaged = |error: ParquetError| damaged(&source.path, &error);
    let reader = caught(|| SerializedFileReader::new(content)).unwrap_or_else(contradictory);
    let reader = reader.map_err(damaged)?;
    let groups = reader.metadata().row_groups();
    let schema = reader.metadata().file_metadata().schema_descr();
    let mut rows = 0usize;
    for group in groups {
        let more = usize::try_from(group.num_rows()).ok();
        let sum = more.and_then(|more| rows.checked_add(more));
        rows = sum.ok_or_else(|| {
            source.malformed(
                format!("a row group of {} rows", group.num_rows()),
                "a number of rows",
            )
        })?;
    }
    let file = TypedFile {
        source: &source,
        format: Format::Parquet,
        columns: schema
            .columns()
            .iter()
            .map(|column| (column.path().parts().join("."), Meaning::of(column).holds()))
            .collect(),
        rows,
        most,
        dropped: Some(PANDAS_INDEX),
    };
    file.read(options, |at, builder| {
        let column = schema.column(at);
        let mut pour = Pour {
            meaning: Meaning::of(&column),
            nullable: column.max_def_level(),
            row: 0,
            builder,
            failed: Ok(()),
        };
        for group in 0..groups.len() {
            let of_group = caught(|| {
                let group = reader.get_row_group(group)?;
                pour.all(group.get_column_reader(at)?)
            })
            .unwrap_or_else(contradictory);
            pour.failed?;
            of_group.map_err(damaged)?;
            pour.failed = Ok(());
        }
        Ok(())
    })
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

/// The file in memory. Other than that of `parquet` for `Bytes`, it takes offsets of damaged files for
/// what they are.
struct Content(Bytes);

impl Length for Content {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl ChunkReader for Content {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let length = self.0.len().saturating_sub(start as usize);
        Ok(self.get_bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let start = usize::try_from(start).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(length)?));
        match range.filter(|range| range.end <= self.0.len()) {
            Some(range) => Ok(self.0.slice(range)),
            None => Err(ParquetError::EOF("what lies beyond its end".into())),
        }
    }
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

/// Pours the values of a column into its builder, row group after row group.
struct Pour<'a, 'b> {
    meaning: Meaning,
    /// The level at which a value is there; 0 if it always is.
    nullable: i16,
    row: u32,
    builder: &'a mut ColumnBuilder<'b>,
    /// What the builder refused.
    failed: Result<()>,
}

impl Pour<'_, '_> {
    fn all(&mut self, cells: ColumnReader) -> ParquetResult<()> {
        let meaning = self.meaning;
        match cells {
            ColumnReader::BoolColumnReader(r) => {
                self.typed(r, |pour, v| pour.cell(Cell::Truth(*v)))
            }
            ColumnReader::Int32ColumnReader(r) => self.typed(r, |pour, &v| match meaning {
                Meaning::Unsigned => pour.whole((v as u32).into()),
                _ => pour.whole(v.into()),
            }),
            ColumnReader::Int64ColumnReader(r) => self.typed(r, |pour, &v| match meaning {
                Meaning::Unsigned => pour.whole((v as u64).into()),
                _ => pour.whole(v.into()),
            }),
            ColumnReader::Int96ColumnReader(r) => {
                self.typed(r, |pour, v| pour.whole(nanoseconds(v)))
            }
            ColumnReader::FloatColumnReader(r) => {
                self.typed(r, |pour, v| pour.cell(Cell::Single(*v)))
            }
            ColumnReader::DoubleColumnReader(r) => {
                self.typed(r, |pour, v| pour.cell(Cell::Float(*v)))
            }
            ColumnReader::ByteArrayColumnReader(r) => self.typed(r, |pour, v| pour.bytes(v.data())),
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                self.typed(r, |pour, v| pour.bytes(v.data()))
            }
        }
    }

    fn typed<T: DataType>(
        &mut self,
        mut cells: ColumnReaderImpl<T>,
        mut push: impl FnMut(&mut Self, &T::T) -> Result<()>,
    ) -> ParquetResult<()> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        loop {
            values.clear();
            levels.clear();
            let (rows, ..) = cells.read_records(BATCH, Some(&mut levels), None, &mut values)?;
            if rows == 0 {
                return Ok(());
            }
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
                    return Ok(());
                }
            }
        }
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
            Meaning::Date => self.text(&dates::written_date(value as i64)),
            Meaning::Time(unit) => self.cell(Cell::Float((value * unit) as f64 / 1e9)),
            Meaning::Moment(unit) => self.text(&dates::written(value * unit)),
            _ => self.cell(Cell::Whole(value)),
        }
    }

    fn decimal(&mut self, value: i128, scale: u32) -> Result<()> {
        if scale == 0 {
            return self.cell(Cell::Whole(value));
        }
        // The nearest number of what is written; a division would round twice.
        let written = format!("{value}e-{scale}");
        self.cell(Cell::Float(written.parse().unwrap_or(f64::NAN)))
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
        assert_eq!(dates::written(moment), "1970-01-02 12:00:00.000000001");
    }
}
