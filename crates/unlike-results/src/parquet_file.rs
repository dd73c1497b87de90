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
use unlike::Judged;
use unlike_core::{Error, Result};

/// Writes one row group; compressed with Snappy, which every reader knows.
pub(crate) fn write(table: &Judged, to: &mut dyn Write, path: &Path) -> Result<()> {
    // The writer asks for `Send`, which a borrowed `dyn Write` is not: it fills a buffer first.
    let mut bytes = Vec::new();
    encode(table, &mut bytes).map_err(|e| Error::io("write", path)(std::io::Error::other(e)))?;
    to.write_all(&bytes).map_err(Error::io("write", path))
}

fn encode(table: &Judged, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
    let mut fields = vec![
        field("id", Physical::BYTE_ARRAY, ConvertedType::UTF8)?,
        field("score", Physical::DOUBLE, ConvertedType::NONE)?,
        field("p_value", Physical::DOUBLE, ConvertedType::NONE)?,
        field("q_value", Physical::DOUBLE, ConvertedType::NONE)?,
        field("anomalous", Physical::BOOLEAN, ConvertedType::NONE)?,
    ];
    for name in table.parts.names() {
        fields.push(field(name, Physical::DOUBLE, ConvertedType::NONE)?);
    }
    let schema = Type::group_type_builder("scores")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut file = SerializedFileWriter::new(bytes, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    let ids: Vec<ByteArray> = table.ids.iter().map(|id| id.as_str().into()).collect();
    column::<ByteArrayType, _>(&mut group, &ids)?;
    column::<DoubleType, _>(&mut group, &table.scores)?;
    column::<DoubleType, _>(&mut group, &table.decisions.p_values)?;
    column::<DoubleType, _>(&mut group, &table.decisions.q_values)?;
    column::<BoolType, _>(&mut group, &table.decisions.anomalous)?;
    for (_, values) in table.parts.iter() {
        let values: Vec<f64> = values.iter().map(|&v| v.into()).collect();
        column::<DoubleType, _>(&mut group, &values)?;
    }
    group.close()?;
    file.close()?;
    Ok(())
}

fn field(name: &str, kind: Physical, meaning: ConvertedType) -> Result<Arc<Type>, ParquetError> {
    let field = Type::primitive_type_builder(name, kind)
        .with_repetition(Repetition::REQUIRED)
        .with_converted_type(meaning);
    Ok(Arc::new(field.build()?))
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "more columns than the schema has".into(),
        ));
    };
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };
    use unlike_core::{Decision, Decisions, ScoreParts};

    use super::*;

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
            parts: ScoreParts::new(vec![("residual".into(), vec![3.0, 4.0])]),
        };
        let mut bytes = Vec::new();
        write(&table, &mut bytes, Path::new("s.parquet")).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].get_string(0).unwrap(), "süß");
        assert_eq!(rows[1].get_double(1).unwrap(), 1e300);
        assert_eq!(rows[0].get_double(2).unwrap(), 0.25);
        assert!(rows[0].get_bool(4).unwrap());
        assert_eq!(rows[1].get_double(5).unwrap(), 4.0);
    }
}
