//! Tables by Arrow's C stream interface: pandas, polars, pyarrow, DuckDB and others hand theirs over so.

use std::fmt::Display;

use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchReader,
    cast::AsArray,
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
    types::{
        ArrowDictionaryKeyType, ArrowPrimitiveType, Date32Type, Date64Type, Float32Type,
        Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};
use pyo3::{prelude::*, types::PyCapsule};
use unlike_core::{Column, Error, Result};
use unlike_data::Moment;

use crate::values::{ORIGIN, Rules};

/// The columns of what a capsule of the name `arrow_array_stream` holds; it is empty afterwards.
pub(crate) fn columns(
    stream: &Bound<'_, PyAny>,
    rules: &Rules,
    categories: &[String],
) -> PyResult<Result<Vec<Column>>> {
    let capsule = stream.cast::<PyCapsule>()?;
    let stream = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    #[allow(
        unsafe_code,
        reason = "a capsule of this name holds such a stream, by Arrow's PyCapsule interface; it is moved out \
                  of the capsule, which then holds a released one"
    )]
    let reader = unsafe {
        RecordBatchStreamReader::from_raw(stream.as_ptr().cast::<FFI_ArrowArrayStream>())
    };
    Ok(reader
        .map_err(damaged)
        .and_then(|reader| read(reader, rules, categories)))
}

fn damaged(error: ArrowError) -> Error {
    Error::Mismatch {
        origin: Some(ORIGIN.into()),
        found: format!("an Arrow stream that cannot be read ({error})"),
        expected: "a table".into(),
        hint: None,
    }
}

fn read(
    reader: RecordBatchStreamReader,
    rules: &Rules,
    categories: &[String],
) -> Result<Vec<Column>> {
    let schema = reader.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    rules.check_names(&names, categories)?;
    let batches = reader
        .collect::<Result<Vec<RecordBatch>, _>>()
        .map_err(damaged)?;
    let column = |(at, field): (usize, &std::sync::Arc<Field>)| {
        let chunks: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
        column(field, &chunks, rules)
    };
    let fields = schema.fields().iter().enumerate();
    let kept = fields.filter(|(_, field)| !rules.is_dropped(field.name()));
    let columns = kept.map(column).collect::<Result<Vec<_>>>()?;
    Ok(columns.into_iter().flatten().collect())
}

/// What a column makes.
fn column(field: &Field, chunks: &[&ArrayRef], rules: &Rules) -> Result<Vec<Column>> {
    let name = field.name();
    let rows: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let gone: usize = chunks.iter().map(|chunk| chunk.logical_null_count()).sum();
    if gone == rows && rules.is_date(name) {
        // Dates none of which is there need not have the type of dates.
        return rules.dates(name, std::iter::repeat_n(None, rows));
    }
    match field.data_type() {
        DataType::Date32 => dates::<Date32Type>(name, chunks, rules, 86_400_000_000_000),
        DataType::Date64 => dates::<Date64Type>(name, chunks, rules, 1_000_000),
        DataType::Timestamp(unit, zone) => {
            if let Some(zone) = zone.as_deref().filter(|zone| !UTC.contains(zone)) {
                return Err(elsewhere(name, zone));
            }
            match unit {
                TimeUnit::Second => {
                    dates::<TimestampSecondType>(name, chunks, rules, 1_000_000_000)
                }
                TimeUnit::Millisecond => {
                    dates::<TimestampMillisecondType>(name, chunks, rules, 1_000_000)
                }
                TimeUnit::Microsecond => {
                    dates::<TimestampMicrosecondType>(name, chunks, rules, 1_000)
                }
                TimeUnit::Nanosecond => dates::<TimestampNanosecondType>(name, chunks, rules, 1),
            }
        }
        _ => plain_column(field, chunks, rules).map(|column| vec![column]),
    }
}

/// Names of the time zone in which Arrow counts.
const UTC: [&str; 4] = ["UTC", "Etc/UTC", "Z", "+00:00"];

/// Dates count as their own clock shows them, which nothing here can tell of another zone.
fn elsewhere(name: &str, zone: &str) -> Error {
    Error::Mismatch {
        origin: Some(ORIGIN.into()),
        found: format!("column `{name}` holds times in the time zone {zone}"),
        expected: "times in UTC, or without a time zone".into(),
        hint: Some("take the zone away, as with polars' dt.replace_time_zone(None)".into()),
    }
}

fn dates<T: ArrowPrimitiveType>(
    name: &str,
    chunks: &[&ArrayRef],
    rules: &Rules,
    unit: i128,
) -> Result<Vec<Column>>
where
    i128: From<T::Native>,
{
    let cells = chunks.iter().flat_map(|chunk| chunk.as_primitive::<T>());
    rules.dates(
        name,
        cells.map(|at| Some(Moment::at(i128::from(at?) * unit))),
    )
}

fn plain_column(field: &Field, chunks: &[&ArrayRef], rules: &Rules) -> Result<Column> {
    let name = field.name();
    match field.data_type() {
        DataType::Float64 => numbers::<Float64Type>(name, chunks, rules, |v| v),
        DataType::Float32 => numbers::<Float32Type>(name, chunks, rules, f64::from),
        DataType::Int8 => numbers::<Int8Type>(name, chunks, rules, f64::from),
        DataType::Int16 => numbers::<Int16Type>(name, chunks, rules, f64::from),
        DataType::Int32 => numbers::<Int32Type>(name, chunks, rules, f64::from),
        DataType::Int64 => numbers::<Int64Type>(name, chunks, rules, |v| v as f64),
        DataType::UInt8 => numbers::<UInt8Type>(name, chunks, rules, f64::from),
        DataType::UInt16 => numbers::<UInt16Type>(name, chunks, rules, f64::from),
        DataType::UInt32 => numbers::<UInt32Type>(name, chunks, rules, f64::from),
        DataType::UInt64 => numbers::<UInt64Type>(name, chunks, rules, |v| v as f64),
        DataType::Boolean => {
            let cells = chunks.iter().flat_map(|chunk| chunk.as_boolean());
            match rules.is_number(name) {
                true => rules.numbers(name, cells, f64::from, |_| String::new()),
                false => rules.texts(
                    name,
                    cells.map(|cell| cell.map(|value| rules.boolean(name, value))),
                ),
            }
        }
        DataType::Null => {
            let rows = chunks.iter().map(|chunk| chunk.len()).sum();
            rules.texts(name, std::iter::repeat_n(None, rows))
        }
        DataType::Utf8 => rules.texts(name, chunks.iter().flat_map(|c| c.as_string::<i32>())),
        DataType::LargeUtf8 => rules.texts(name, chunks.iter().flat_map(|c| c.as_string::<i64>())),
        DataType::Utf8View => rules.texts(name, chunks.iter().flat_map(|c| c.as_string_view())),
        DataType::Dictionary(keys, values) => {
            let told = match **keys {
                DataType::Int8 => levels::<Int8Type>(name, chunks, rules),
                DataType::Int16 => levels::<Int16Type>(name, chunks, rules),
                DataType::Int32 => levels::<Int32Type>(name, chunks, rules),
                DataType::Int64 => levels::<Int64Type>(name, chunks, rules),
                DataType::UInt8 => levels::<UInt8Type>(name, chunks, rules),
                DataType::UInt16 => levels::<UInt16Type>(name, chunks, rules),
                DataType::UInt32 => levels::<UInt32Type>(name, chunks, rules),
                DataType::UInt64 => levels::<UInt64Type>(name, chunks, rules),
                _ => None,
            };
            told.unwrap_or_else(|| Err(rules.unread(name, &format!("categories of {values}"))))
        }
        other => Err(rules.unread(name, &format!("values of Arrow's type {other}"))),
    }
}

fn numbers<T: ArrowPrimitiveType>(
    name: &str,
    chunks: &[&ArrayRef],
    rules: &Rules,
    number: impl Fn(T::Native) -> f64,
) -> Result<Column>
where
    T::Native: Display,
{
    let cells = chunks.iter().flat_map(|chunk| chunk.as_primitive::<T>());
    rules.numbers(name, cells, number, |value| value.to_string())
}

/// A column of codes; nothing if they are not codes of texts.
fn levels<K: ArrowDictionaryKeyType>(
    name: &str,
    chunks: &[&ArrayRef],
    rules: &Rules,
) -> Option<Result<Column>> {
    let mut cells: Vec<Option<&str>> = Vec::new();
    for chunk in chunks {
        let codes = chunk.as_dictionary::<K>();
        let values = codes.values();
        let text = |at: usize| {
            if values.is_null(at) {
                return Some(None);
            }
            Some(Some(match values.data_type() {
                DataType::Utf8 => values.as_string::<i32>().value(at),
                DataType::LargeUtf8 => values.as_string::<i64>().value(at),
                DataType::Utf8View => values.as_string_view().value(at),
                _ => return None,
            }))
        };
        for key in codes.keys_iter() {
            cells.push(match key {
                None => None,
                Some(at) => text(at)?,
            });
        }
    }
    Some(rules.texts(name, cells.into_iter()))
}
