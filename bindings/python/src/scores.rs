//! Tables of scores, handed over by Arrow's C stream interface.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, RecordBatchIterator, StringArray,
    cast::AsArray, ffi_stream::FFI_ArrowArrayStream, types::Float64Type,
};
use arrow_schema::{DataType, Field, Schema};
use numpy::PyArray1;
use pyo3::{prelude::*, types::PyCapsule};
use unlike_core::{Error, Result, VennAbers, Verdicts};

use crate::{
    batch::{Found, flagged},
    values::ORIGIN,
};

/// The columns of the command line's table of scores.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Scores(RecordBatch);

impl Scores {
    pub(crate) fn new(
        found: &Found,
        verdicts: &Verdicts,
        probabilities: Option<&VennAbers>,
    ) -> Result<Self> {
        let mut columns = Columns::new(!found.unreadable.is_empty());
        let (scores, places) = (&found.scores, &found.places);
        let names = found.unreadable.iter();
        let mut ids: Vec<&str> = found.ids.iter().map(String::as_str).collect();
        names.for_each(|(at, row)| ids[*at] = &row.id);
        columns.push(
            "id",
            Arc::new(StringArray::from_iter_values(ids)),
            DataType::Utf8,
        );
        let read = || scores.iter().zip(places);
        columns.numbers("score", read().map(|(&score, place)| place.map(|_| score)));
        columns.numbers("p_value", places.iter().map(|p| p.map(|p| p.p_value())));
        let q_value = |p: &Option<_>| p.map(|p| verdicts.q_value(p));
        columns.numbers("q_value", places.iter().map(q_value));
        let flags = read().map(|(&score, &place)| Some(flagged(verdicts, score, place)));
        let flags: BooleanArray = flags.collect();
        columns.push("anomalous", Arc::new(flags), DataType::Boolean);
        if let Some(fitted) = probabilities {
            let each = || read().map(|(&s, place)| place.map(|_| fitted.probability(s)));
            columns.numbers("probability", each().map(|p| p.map(|p| p.point())));
            columns.numbers("probability_low", each().map(|p| p.map(|p| p.low)));
            columns.numbers("probability_high", each().map(|p| p.map(|p| p.high)));
        }
        for (name, values) in &found.parts {
            let read = values.iter().zip(places);
            columns.numbers(name, read.map(|(&v, place)| place.map(|_| f64::from(v))));
        }
        if columns.gaps {
            let mut reasons = vec![None; scores.len()];
            let rows = found.unreadable.iter();
            rows.for_each(|(at, row)| reasons[*at] = Some(row.reason.as_str()));
            columns.push(
                "reason",
                Arc::new(StringArray::from(reasons)),
                DataType::Utf8,
            );
        }
        let schema = Arc::new(Schema::new(columns.fields));
        let batch = RecordBatch::try_new(schema, columns.arrays);
        batch.map(Self).map_err(|error| Error::Mismatch {
            origin: Some(ORIGIN.into()),
            found: format!("scores that make no table ({error})"),
            expected: "one of each kind for each sample".into(),
            hint: None,
        })
    }
}

/// Columns as they are put together; with `gaps`, all of them can lack values.
struct Columns {
    gaps: bool,
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn new(gaps: bool) -> Self {
        Self {
            gaps,
            fields: Vec::new(),
            arrays: Vec::new(),
        }
    }

    fn push(&mut self, name: &str, array: ArrayRef, kind: DataType) {
        self.fields.push(Field::new(name, kind, self.gaps));
        self.arrays.push(array);
    }

    fn numbers(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) {
        let array: Float64Array = values.collect();
        self.push(name, Arc::new(array), DataType::Float64);
    }
}

#[pymethods]
impl Scores {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// The names of its columns.
    fn names(&self) -> Vec<String> {
        let schema = self.0.schema();
        schema.fields().iter().map(|f| f.name().clone()).collect()
    }

    /// A column: an array of numbers, NaN where there is none, or of booleans; or a list of texts. Nothing if
    /// there is none of this name.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(array) = self.0.column_by_name(name) else {
            return Ok(None);
        };
        let column = match array.data_type() {
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().iter();
                PyArray1::from_iter(py, values.map(|v| v.unwrap_or(f64::NAN))).into_any()
            }
            DataType::Boolean => {
                let values = array.as_boolean().iter();
                PyArray1::from_iter(py, values.map(Option::unwrap_or_default)).into_any()
            }
            _ => {
                let values: Vec<Option<&str>> = array.as_string::<i32>().iter().collect();
                values.into_pyobject(py)?
            }
        };
        Ok(Some(column))
    }

    /// As Arrow's PyCapsule interface asks. Whoever takes it may cast it to another schema.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = RecordBatchIterator::new([Ok(self.0.clone())], self.0.schema());
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}
