//! What the columns of Arrow's record batches hold, as cells of a table: the same as the same values have in
//! Parquet.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
        DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
        DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
        Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use unlike_core::Result;

use crate::{
    builder::{Cell, Cells},
    moment,
    typed::{Holds, decimal},
};

/// Milliseconds in a day.
const DAY: i64 = 86_400_000;

/// What cells of a type are read as.
pub(crate) fn holds(of: &DataType) -> Holds {
    use DataType::*;
    match of {
        Null | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16
        | Float32 | Float64 | Time32(_) | Time64(_) | Duration(_) | Decimal32(..)
        | Decimal64(..) | Decimal128(..) | Decimal256(..) => Holds::Numbers,
        Boolean | Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | Date32
        | Date64 | Timestamp(..) => Holds::Texts,
        Dictionary(_, values) => match holds(values) {
            Holds::Other(_) => Holds::Other("codes of unknown values"),
            known => known,
        },
        FixedSizeBinary(_) => Holds::Other("binary data"),
        List(_) | LargeList(_) | ListView(_) | LargeListView(_) | FixedSizeList(..) | Map(..) => {
            Holds::Other("lists")
        }
        Interval(_) => Holds::Other("durations"),
        RunEndEncoded(..) => Holds::Other("runs of values"),
        Struct(_) | Union(..) => Holds::Other("values of many types"),
    }
}

/// Whether cells of a type are dates, which are written year first.
pub(crate) fn is_date(of: &DataType) -> bool {
    match of {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => true,
        DataType::Dictionary(_, values) => is_date(values),
        _ => false,
    }
}

/// Some rows of a column.
pub(crate) struct Slice<'a> {
    pub(crate) column: &'a dyn Array,
    /// The structs that it is in, outermost first: where they are missing, it is.
    pub(crate) above: Vec<&'a dyn Array>,
    pub(crate) from: usize,
    pub(crate) rows: usize,
    /// How many rows the file has before these.
    pub(crate) before: usize,
}

impl Slice<'_> {
    /// All rows. `levels` are those of the rows before, which are often the same.
    pub(crate) fn pour(&self, into: &mut dyn Cells, levels: &mut Levels) -> Result<()> {
        use DataType::*;
        match self.column.data_type() {
            Int8 => self.whole::<Int8Type>(into),
            Int16 => self.whole::<Int16Type>(into),
            Int32 => self.whole::<Int32Type>(into),
            Int64 => self.whole::<Int64Type>(into),
            UInt8 => self.whole::<UInt8Type>(into),
            UInt16 => self.whole::<UInt16Type>(into),
            UInt32 => self.whole::<UInt32Type>(into),
            UInt64 => self.whole::<UInt64Type>(into),
            Float16 => self.numbers::<Float16Type>(into, |v| Cell::Float(v.to_f64())),
            Float32 => self.numbers::<Float32Type>(into, Cell::Single),
            Float64 => self.numbers::<Float64Type>(into, Cell::Float),
            Decimal32(_, scale) => self.decimals::<Decimal32Type>(into, *scale),
            Decimal64(_, scale) => self.decimals::<Decimal64Type>(into, *scale),
            Decimal128(_, scale) => self.decimals::<Decimal128Type>(into, *scale),
            Decimal256(_, scale) => self.decimals::<Decimal256Type>(into, *scale),
            Time32(TimeUnit::Second) => self.seconds::<Time32SecondType>(into, 1_000_000_000),
            Time32(_) => self.seconds::<Time32MillisecondType>(into, 1_000_000),
            Time64(TimeUnit::Microsecond) => self.seconds::<Time64MicrosecondType>(into, 1_000),
            Time64(_) => self.seconds::<Time64NanosecondType>(into, 1),
            Duration(TimeUnit::Second) => self.seconds::<DurationSecondType>(into, 1_000_000_000),
            Duration(TimeUnit::Millisecond) => {
                self.seconds::<DurationMillisecondType>(into, 1_000_000)
            }
            Duration(TimeUnit::Microsecond) => self.seconds::<DurationMicrosecondType>(into, 1_000),
            Duration(TimeUnit::Nanosecond) => self.seconds::<DurationNanosecondType>(into, 1),
            Date32 => self.dates::<Date32Type>(into, |days| moment::written_date(days.into())),
            Date64 => self.dates::<Date64Type>(into, |milliseconds| {
                moment::written_date(milliseconds.div_euclid(DAY))
            }),
            Timestamp(TimeUnit::Second, _) => {
                self.moments::<TimestampSecondType>(into, 1_000_000_000)
            }
            Timestamp(TimeUnit::Millisecond, _) => {
                self.moments::<TimestampMillisecondType>(into, 1_000_000)
            }
            Timestamp(TimeUnit::Microsecond, _) => {
                self.moments::<TimestampMicrosecondType>(into, 1_000)
            }
            Timestamp(TimeUnit::Nanosecond, _) => self.moments::<TimestampNanosecondType>(into, 1),
            Boolean => {
                let cells = self.column.as_boolean();
                self.each(into, |into, at, row| {
                    into.push_cell(Cell::Truth(cells.value(at)), row)
                })
            }
            Utf8 => {
                let cells = self.column.as_string::<i32>();
                self.texts(into, |at| cells.value(at).as_bytes())
            }
            LargeUtf8 => {
                let cells = self.column.as_string::<i64>();
                self.texts(into, |at| cells.value(at).as_bytes())
            }
            Utf8View => {
                let cells = self.column.as_string_view();
                self.texts(into, |at| cells.value(at).as_bytes())
            }
            Binary => {
                let cells = self.column.as_binary::<i32>();
                self.texts(into, |at| cells.value(at))
            }
            LargeBinary => {
                let cells = self.column.as_binary::<i64>();
                self.texts(into, |at| cells.value(at))
            }
            BinaryView => {
                let cells = self.column.as_binary_view();
                self.texts(into, |at| cells.value(at))
            }
            Dictionary(..) => self.codes(into, levels),
            // Of others, no column is read.
            _ => self.each(into, |into, _, row| into.push_cell(Cell::Missing, row)),
        }
    }

    /// All rows; `push` those that are there, by their positions in the column and in the file.
    fn each(
        &self,
        into: &mut dyn Cells,
        mut push: impl FnMut(&mut dyn Cells, usize, u32) -> Result<()>,
    ) -> Result<()> {
        for at in self.from..self.from + self.rows {
            let number = self.before + (at - self.from) + 1;
            let row = u32::try_from(number).unwrap_or(u32::MAX);
            let is_missing = self.column.is_null(at) || self.above.iter().any(|a| a.is_null(at));
            match is_missing {
                true => into.push_cell(Cell::Missing, row)?,
                false => push(into, at, row)?,
            }
        }
        Ok(())
    }

    fn numbers<T: ArrowPrimitiveType>(
        &self,
        into: &mut dyn Cells,
        cell: impl Fn(T::Native) -> Cell<'static>,
    ) -> Result<()> {
        let cells = self.column.as_primitive::<T>();
        self.each(into, |into, at, row| {
            into.push_cell(cell(cells.value(at)), row)
        })
    }

    fn whole<T: ArrowPrimitiveType>(&self, into: &mut dyn Cells) -> Result<()>
    where
        i128: From<T::Native>,
    {
        self.numbers::<T>(into, |value| Cell::Whole(value.into()))
    }

    fn decimals<T: ArrowPrimitiveType>(&self, into: &mut dyn Cells, scale: i8) -> Result<()>
    where
        T::Native: std::fmt::Display,
    {
        self.numbers::<T>(into, |value| Cell::Float(decimal(value, scale.into())))
    }

    /// Lengths of time in units of so many nanoseconds.
    fn seconds<T: ArrowPrimitiveType>(&self, into: &mut dyn Cells, unit: i128) -> Result<()>
    where
        i128: From<T::Native>,
    {
        self.numbers::<T>(into, |value| {
            Cell::Float((i128::from(value) * unit) as f64 / 1e9)
        })
    }

    fn dates<T: ArrowPrimitiveType>(
        &self,
        into: &mut dyn Cells,
        written: impl Fn(T::Native) -> String,
    ) -> Result<()> {
        let cells = self.column.as_primitive::<T>();
        self.each(into, |into, at, row| {
            into.push_cell(Cell::Text(written(cells.value(at)).as_bytes()), row)
        })
    }

    /// Moments since the beginning of 1970, in units of so many nanoseconds.
    fn moments<T: ArrowPrimitiveType>(&self, into: &mut dyn Cells, unit: i128) -> Result<()>
    where
        i128: From<T::Native>,
    {
        self.dates::<T>(into, |value| moment::written(i128::from(value) * unit))
    }

    fn texts<'a>(&self, into: &mut dyn Cells, text: impl Fn(usize) -> &'a [u8]) -> Result<()> {
        self.each(into, |into, at, row| {
            into.push_cell(Cell::Text(text(at)), row)
        })
    }

    /// Values by their numbers.
    fn codes(&self, into: &mut dyn Cells, levels: &mut Levels) -> Result<()> {
        let codes = self.column.as_any_dictionary();
        let known = levels.of.as_ref();
        if !known.is_some_and(|of| Arc::ptr_eq(of, codes.values())) {
            levels.values.clear();
            let all = Slice {
                column: codes.values(),
                above: Vec::new(),
                from: 0,
                rows: codes.values().len(),
                before: 0,
            };
            all.pour(levels, &mut Levels::default())?;
            levels.of = Some(codes.values().clone());
        }
        let keys = match levels.values.is_empty() {
            true => Vec::new(),
            false => codes.normalized_keys(),
        };
        self.each(into, |into, at, row| {
            let value = keys.get(at).and_then(|&key| levels.values.get(key));
            into.push_cell(value.map_or(Cell::Missing, Value::cell), row)
        })
    }
}

/// The values of codes, and the array that holds them.
#[derive(Default)]
pub(crate) struct Levels {
    of: Option<ArrayRef>,
    values: Vec<Value>,
}

enum Value {
    Plain(Cell<'static>),
    Text(Vec<u8>),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Plain(cell) => *cell,
            Self::Text(text) => Cell::Text(text),
        }
    }
}

impl Cells for Levels {
    fn push_cell(&mut self, cell: Cell<'_>, _: u32) -> Result<()> {
        self.values.push(match cell {
            Cell::Text(text) => Value::Text(text.to_vec()),
            Cell::Missing => Value::Plain(Cell::Missing),
            Cell::Float(value) => Value::Plain(Cell::Float(value)),
            Cell::Single(value) => Value::Plain(Cell::Single(value)),
            Cell::Whole(value) => Value::Plain(Cell::Whole(value)),
            Cell::Truth(value) => Value::Plain(Cell::Truth(value)),
        });
        Ok(())
    }
}
