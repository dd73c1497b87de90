//! Tables of scores as Parquet, through the column writers of the `parquet` crate.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

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

use crate::score_rows::{FIRST, FoundRow, RowLayout, ScoredRow};

/// Rows of a group: those that are held at a time.
const GROUP: usize = 1 << 18;

const OPTIONAL: Repetition = Repetition::OPTIONAL;
const REQUIRED: Repetition = Repetition::REQUIRED;

/// Writes rows as they come, a row group after the other, compressed with Snappy, which every reader
/// knows. Columns can hold null only where rows could not be read.
pub(crate) struct ParquetRows<'a> {
    file: SerializedFileWriter<&'a mut (dyn Write + Send)>,
    path: PathBuf,
    more: usize,
    reasons: bool,
    rows: Vec<ScoredRow>,
}

impl<'a> ParquetRows<'a> {
    /// `path` is for messages.
    pub(crate) fn new(
        layout: &RowLayout,
        to: &'a mut (dyn Write + Send),
        path: &Path,
    ) -> Result<Self> {
        let schema = schema(layout).map_err(|e| failed(path, e))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties));
        Ok(Self {
            file: file.map_err(|e| failed(path, e))?,
            path: path.to_owned(),
            more: layout.more.len(),
            reasons: layout.reasons,
            rows: Vec::new(),
        })
    }

    pub(crate) fn push(&mut self, row: ScoredRow) -> Result<()> {
        self.rows.push(row);
        match self.rows.len() {
            GROUP => self.group(),
            _ => Ok(()),
        }
    }

    /// Writes what is left, and the end of the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        // A table without rows has a group without rows.
        if !self.rows.is_empty() || self.file.flushed_row_groups().is_empty() {
            self.group()?;
        }
        self.file.close().map_err(|e| failed(&self.path, e))?;
        Ok(())
    }

    fn group(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.encode(&rows).map_err(|e| failed(&self.path, e))
    }

    fn encode(&mut self, rows: &[ScoredRow]) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let numbers = match self.reasons {
            true => OPTIONAL,
            false => REQUIRED,
        };
        let text = |text: &String| ByteArray::from(text.as_str());
        let ids = rows.iter().map(|row| Some(text(&row.id)));
        column::<ByteArrayType, _>(&mut group, ids, REQUIRED)?;
        let mut numbers_of = |value: &dyn Fn(&FoundRow) -> f64| {
            let values = rows.iter().map(|row| row.found.as_ref().map(value));
            column::<DoubleType, _>(&mut group, values, numbers)
        };
        numbers_of(&|row| row.score)?;
        numbers_of(&|row| row.p_value)?;
        numbers_of(&|row| row.q_value)?;
        let flag = |row: &ScoredRow| Some(row.found.as_ref().is_none_or(|found| found.anomalous));
        column::<BoolType, _>(&mut group, rows.iter().map(flag), REQUIRED)?;
        for at in 0..self.more {
            let values = rows.iter();
            let values = values.map(|row| row.found.as_ref().map(|found| found.more[at]));
            column::<DoubleType, _>(&mut group, values, numbers)?;
        }
        if self.reasons {
            let reasons = rows.iter().map(|row| row.reason.as_ref().map(text));
            column::<ByteArrayType, _>(&mut group, reasons, OPTIONAL)?;
        }
        group.close()?;
        Ok(())
    }
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path)(std::io::Error::other(error))
}

fn schema(layout: &RowLayout) -> Result<Type, ParquetError> {
    let numbers = match layout.reasons {
        true => OPTIONAL,
        false => REQUIRED,
    };
    let number = |name: &str| field(name, Physical::DOUBLE, ConvertedType::NONE, numbers);
    let text =
        |name: &str, repetition| field(name, Physical::BYTE_ARRAY, ConvertedType::UTF8, repetition);
    let [id, score, p_value, q_value, anomalous] = FIRST;
    let mut fields = vec![
        text(id, REQUIRED)?,
        number(score)?,
        number(p_value)?,
        number(q_value)?,
        field(anomalous, Physical::BOOLEAN, ConvertedType::NONE, REQUIRED)?,
    ];
    for name in &layout.more {
        fields.push(number(name)?);
    }
    if layout.reasons {
        fields.push(text("reason", OPTIONAL)?);
    }
    Type::group_type_builder("scores")
        .with_fields(fields)
        .build()
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
    use crate::{ScoreFormat, ScoreTable};

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
