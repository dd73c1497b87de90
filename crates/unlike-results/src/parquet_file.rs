//! Tables of scores as Parquet, through the column writers of the `parquet` crate.

use std::{io::Write, path::Path, sync::Arc};

use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use unlike_core::{Error, Result};

use crate::score_table::{Row, ScoreTable};

/// Writes one row group; compressed with Snappy, which every reader knows. Columns can hold null only
/// where rows could not be read.
pub(crate) fn write(table: &ScoreTable<'_>, to: &mut dyn Write, path: &Path) -> Result<()> {
    // The writer asks for `Send`, which a borrowed `dyn Write` is not: it fills a buffer first.
    let mut bytes = Vec::new();
    encode(table, &mut bytes).map_err(|e| Error::io("write", path)(std::io::Error::other(e)))?;
    to.write_all(&bytes).map_err(Error::io("write", path))
}

fn encode(table: &ScoreTable<'_>, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
    const OPTIONAL: Repetition = Repetition::OPTIONAL;
    const REQUIRED: Repetition = Repetition::REQUIRED;
    let judged = table.judged;
    let numbers = match table.has_reasons() {
        true => OPTIONAL,
        false => REQUIRED,
    };
    let number = |name: &str| field(name, Physical::DOUBLE, ConvertedType::NONE, numbers);
    let mut fields = vec![
        field("id", Physical::BYTE_ARRAY, ConvertedType::UTF8, REQUIRED)?,
        number("score")?,
        number("p_value")?,
        number("q_value")?,
        field(
            "anomalous",
            Physical::BOOLEAN,
            ConvertedType::NONE,
            REQUIRED,
        )?,
    ];
    let more = table.more_numbers();
    for (name, _) in &more {
        fields.push(number(name)?);
    }
    if table.has_reasons() {
        fields.push(field(
            "reason",
            Physical::BYTE_ARRAY,
            ConvertedType::UTF8,
            OPTIONAL,
        )?);
    }
    let schema = Type::group_type_builder("scores")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut file = SerializedFileWriter::new(bytes, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    let rows: Vec<Row<'_>> = table.rows().collect();
    let id = |row: &Row<'_>| match row {
        Row::Judged(i) => ByteArray::from(judged.ids[*i].as_str()),
        Row::Unreadable(skipped) => ByteArray::from(skipped.id.as_str()),
    };
    column::<ByteArrayType, _>(&mut group, rows.iter().map(|row| Some(id(row))), REQUIRED)?;
    let mut numbers_of = |value: &dyn Fn(usize) -> f64| {
        let value = |row: &Row<'_>| match row {
            Row::Judged(i) => Some(value(*i)),
            Row::Unreadable(_) => None,
        };
        column::<DoubleType, _>(&mut group, rows.iter().map(value), numbers)
    };
    let decisions = &judged.decisions;
    numbers_of(&|i| judged.scores[i])?;
    numbers_of(&|i| decisions.p_values[i])?;
    numbers_of(&|i| decisions.q_values[i])?;
    let flag = |row: &Row<'_>| match row {
        Row::Judged(i) => Some(decisions.anomalous[*i]),
        Row::Unreadable(_) => Some(true),
    };
    column::<BoolType, _>(&mut group, rows.iter().map(flag), REQUIRED)?;
    for (_, of) in &more {
        let value = |row: &Row<'_>| match row {
            Row::Judged(i) => Some(of(*i)),
            Row::Unreadable(_) => None,
        };
        column::<DoubleType, _>(&mut group, rows.iter().map(value), numbers)?;
    }
    if table.has_reasons() {
        let reason = |row: &Row<'_>| match row {
            Row::Judged(_) => None,
            Row::Unreadable(skipped) => Some(ByteArray::from(skipped.reason.as_str())),
        };
        column::<ByteArrayType, _>(&mut group, rows.iter().map(reason), OPTIONAL)?;
    }
    group.close()?;
    file.close()?;
    Ok(())
}

fn field(
    name: &str,
    kind: Physical,
    meaning: ConvertedType,
    repetition: Repetition,
) -> Result<Arc<Type>, ParquetError> {
    let field = Type::primitive_type_builder(name, kind)
        .with_repetition(repetition)
        .with_converted_type(meaning);
    Ok(Arc::new(field.build()?))
}

/// Writes the next column; values that are not there are null.
fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<T::T>>,
    repetition: Repetition,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "more columns than the schema has".into(),
        ));
    };
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|v| v.is_some().into()).collect();
    let levels = (repetition == Repetition::OPTIONAL).then_some(&levels[..]);
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&present, levels, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };
    use unlike::Judged;
    use unlike_core::{Decision, Decisions, Samples, ScoreParts, Table};
    use unlike_data::Skipped;

    use super::*;
    use crate::ScoreFormat;

    #[test]
    fn what_was_written_reads_back() {
        let table = Judged {
            score: "residual".into(),
            decision: Decision::FalseAlarms(0.01),
            notes: Vec::new(),
            ids: vec!["1".into(), "süß".into()],
            scores: vec![-0.5, 1e300],
            decisions: Decisions {
                p_values: vec![0.25, 1.0],
                q_values: vec![0.5, 1.0],
                anomalous: vec![true, false],
                threshold: None,
            },
            probabilities: None,
            parts: ScoreParts::new(vec![("residual".into(), vec![3.0, 4.0])]),
        };
        let read = |table: &ScoreTable<'_>| -> Vec<_> {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&table.bytes(ScoreFormat::Parquet).unwrap())
                .unwrap();
            let reader = SerializedFileReader::new(file).unwrap();
            let rows = reader.get_row_iter(None).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let rows = read(&ScoreTable::new(&table));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].get_string(0).unwrap(), "süß");
        assert_eq!(rows[1].get_double(1).unwrap(), 1e300);
        assert_eq!(rows[0].get_double(2).unwrap(), 0.25);
        assert!(rows[0].get_bool(4).unwrap());
        assert_eq!(rows[1].get_double(5).unwrap(), 4.0);
        assert_eq!(rows[0].len(), 6);

        // With rows that could not be read, at their places.
        let samples = Samples::Table(Table::from_rows("t", &["x"], &[1.0, 2.0]).unwrap());
        let skipped = [0, 5].map(|row| Skipped {
            id: row.to_string(),
            file: None,
            row,
            reason: "1 cell instead of 2".into(),
        });
        let rows = read(&ScoreTable::new(&table).with_unreadable(&samples, &skipped));
        let ids: Vec<_> = rows.iter().map(|row| row.get_string(0).unwrap()).collect();
        assert_eq!(ids, ["0", "1", "süß", "5"]);
        assert!(rows[0].get_double(1).is_err() && rows[3].get_bool(4).unwrap());
        assert_eq!(rows[2].get_double(1).unwrap(), 1e300);
        assert_eq!(rows[3].get_string(6).unwrap(), "1 cell instead of 2");
        assert!(rows[1].get_string(6).is_err());
    }
}
