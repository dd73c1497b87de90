//! Samples out of what Python holds in memory.

use std::sync::Arc;

use numpy::{
    PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn, ndarray::ArrayView2,
};
use pyo3::prelude::*;
use unlike_core::{Column, Error, Images, Label, Note, Result};
use unlike_data::{DataSet, Fit, Moment, Reading, Skipped};
use unlike_results::unreadable_places;

use crate::{
    arrow,
    errors::{OrRaise, all_worded},
    model::Model,
    reading::date_parts,
    values::{ORIGIN, Rules},
};

/// Rows or images, ready for a model.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Samples {
    pub(crate) samples: Arc<unlike::Samples>,
    /// How files were read, for the model to remember.
    pub(crate) reading: Reading,
    pub(crate) fit: Fit,
    /// What files held, where evaluation needs more than the samples.
    pub(crate) data: Option<Arc<DataSet>>,
    /// Rows that could not be read, where they count, and their places among all rows.
    pub(crate) unreadable: Vec<(usize, Skipped)>,
    notes: Vec<Note>,
}

impl Samples {
    /// Of memory.
    fn of(samples: unlike::Samples) -> Self {
        Self {
            samples: Arc::new(samples),
            reading: Reading::default(),
            fit: Fit::default(),
            data: None,
            unreadable: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A table of memory, whose columns these rules read.
    fn of_frame(samples: unlike::Samples, rules: Rules) -> Self {
        let (dates, notes) = rules.into_learned();
        Self {
            reading: Reading {
                dates,
                ..Reading::default()
            },
            notes,
            ..Self::of(samples)
        }
    }

    /// Rows of a file, and those among them that could not be read.
    pub(crate) fn with_unreadable(samples: unlike::Samples, unreadable: Vec<Skipped>) -> Self {
        let places = unreadable_places(&samples, &unreadable);
        Self {
            unreadable: places.into_iter().zip(unreadable).collect(),
            ..Self::of(samples)
        }
    }

    /// Of files, without the labels.
    pub(crate) fn read(
        samples: unlike::Samples,
        reading: Reading,
        fit: Fit,
        notes: &[Note],
    ) -> Self {
        Self {
            reading,
            fit,
            notes: notes.to_vec(),
            ..Self::of(samples)
        }
    }

    /// Of files, with what evaluation needs. With `flags`, rows that could not be read count.
    pub(crate) fn of_data(data: DataSet, flags: bool) -> Self {
        let skipped = match flags {
            true => data.skipped().to_vec(),
            false => Vec::new(),
        };
        let places = unreadable_places(data.samples(), &skipped);
        Self {
            unreadable: places.into_iter().zip(skipped).collect(),
            notes: data.notes().to_vec(),
            data: Some(Arc::new(data.clone())),
            ..Self::of(data.into_samples())
        }
    }
}

#[pymethods]
impl Samples {
    /// Rows of numbers, `[rows, columns]` of 32 or 64 bits. With `nan`, or for a model that was told so, NaN
    /// stands for a missing value.
    #[staticmethod]
    #[pyo3(signature = (x, names, categories, dropped, nan, model, first_row=0))]
    #[allow(clippy::too_many_arguments, reason = "Python names them")]
    fn from_array(
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        names: Option<Vec<String>>,
        categories: Vec<String>,
        dropped: Vec<String>,
        nan: bool,
        model: Option<&Model>,
        first_row: usize,
    ) -> PyResult<Self> {
        let known = model.map(Model::model);
        let nan = nan || known.is_some_and(knows_nan);
        let rules = Rules::new(&categories, dropped, known, nan, first_row);
        let samples = match x.extract::<PyReadonlyArray2<'_, f32>>() {
            Ok(x) => rows(x.as_array(), names, &rules, &categories, f64::from),
            Err(_) => {
                let x: PyReadonlyArray2<'_, f64> = x.extract()?;
                rows(x.as_array(), names, &rules, &categories, |value| value)
            }
        };
        let mut missing = unlike_data::DEFAULT_MISSING.map(str::to_owned).to_vec();
        missing.push(NAN.to_owned());
        Ok(Self {
            reading: Reading {
                missing: nan.then_some(missing),
                ..Reading::default()
            },
            ..Self::of(samples.or_raise(py)?)
        })
    }

    /// Columns of a frame, each with its name: an array of numbers or booleans; a list of texts; an array of
    /// codes, of which negative ones are missing, with the list of their texts; or an array of moments, of
    /// which the smallest number is missing, with the nanoseconds of its unit. Of moments, `dates` are made.
    #[staticmethod]
    #[pyo3(signature = (columns, ids, categories, dropped, dates, model))]
    fn from_columns(
        py: Python<'_>,
        columns: Vec<(String, Bound<'_, PyAny>)>,
        ids: Option<Vec<String>>,
        categories: Vec<String>,
        dropped: Vec<String>,
        dates: Option<Vec<String>>,
        model: Option<&Model>,
    ) -> PyResult<Self> {
        let known = model.map(Model::model);
        let dates = dates.as_deref().map(date_parts).transpose().or_raise(py)?;
        let rules = Rules::new(&categories, dropped, known, true, 0).with_dates(dates);
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        rules.check_names(&names, &categories).or_raise(py)?;
        let read = |(name, cells): &(String, Bound<'_, PyAny>)| match column(&rules, name, cells)? {
            Some(columns) => columns.or_raise(py),
            None => Err(rules.unread(name, &kind_of(cells))).or_raise(py),
        };
        let kept = columns.iter().filter(|(name, _)| !rules.is_dropped(name));
        let columns = kept.map(read).collect::<PyResult<Vec<_>>>()?;
        let table = rules.table(columns.into_iter().flatten().collect(), ids);
        Ok(Self::of_frame(table.or_raise(py)?, rules))
    }

    /// A table by its `__arrow_c_stream__`.
    #[staticmethod]
    #[pyo3(signature = (stream, categories, dropped, dates, model))]
    fn from_arrow(
        py: Python<'_>,
        stream: &Bound<'_, PyAny>,
        categories: Vec<String>,
        dropped: Vec<String>,
        dates: Option<Vec<String>>,
        model: Option<&Model>,
    ) -> PyResult<Self> {
        let known = model.map(Model::model);
        let dates = dates.as_deref().map(date_parts).transpose().or_raise(py)?;
        let rules = Rules::new(&categories, dropped, known, true, 0).with_dates(dates);
        let columns = arrow::columns(stream, &rules, &categories)?;
        let table = rules.table(columns.or_raise(py)?, None).or_raise(py)?;
        Ok(Self::of_frame(table, rules))
    }

    /// Images, `[images, height, width, channels]` or `[images, height, width]`, of bytes; `first_image` is
    /// the number of the first.
    #[staticmethod]
    #[pyo3(signature = (x, first_image=0))]
    fn from_images(
        py: Python<'_>,
        x: PyReadonlyArrayDyn<'_, u8>,
        first_image: usize,
    ) -> PyResult<Self> {
        let view = x.as_array();
        let shape = match *view.shape() {
            [_, height, width] => Some([height, width, 1]),
            [_, height, width, channels @ (1 | 3)] => Some([height, width, channels]),
            _ => None,
        };
        let images = match shape {
            Some(shape) => {
                let ids = (0..view.shape()[0]).map(|i| (first_image + i).to_string());
                Images::from_bytes(ORIGIN, shape, view.iter().copied().collect(), ids.collect())
            }
            None => Err(Error::Mismatch {
                origin: Some(ORIGIN.into()),
                found: format!("an array of bytes of shape {:?}", view.shape()),
                expected: "images, [images, height, width, channels] with 1 or 3 channels".into(),
                hint: Some("rows of a table are of another type: X.astype(float)".into()),
            }),
        };
        Ok(Self::of(unlike::Samples::Images(images.or_raise(py)?)))
    }

    fn __len__(&self) -> usize {
        self.samples.len()
    }

    /// `row` or `image`.
    #[getter]
    fn noun(&self) -> &'static str {
        self.samples.noun()
    }

    /// What is worth knowing about how they were read.
    #[getter]
    fn notes(&self) -> Vec<String> {
        all_worded(&self.notes)
    }

    /// Where, among all rows, those stand that could not be read.
    fn unreadable(&self) -> Vec<usize> {
        self.unreadable.iter().map(|(at, _)| *at).collect()
    }

    /// One name per sample.
    fn ids(&self) -> Vec<String> {
        (0..self.samples.len())
            .map(|i| self.samples.id(i))
            .collect()
    }

    /// The names of columns; nothing of images.
    fn columns(&self) -> Option<Vec<String>> {
        match &*self.samples {
            unlike::Samples::Table(table) => {
                Some(table.columns().iter().map(|c| c.name.to_string()).collect())
            }
            unlike::Samples::Images(_) => None,
        }
    }

    /// Whether each is anomalous, where files say so.
    fn labels<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<bool>>> {
        let labels = self.data.as_ref()?.labels()?;
        let anomalous = labels
            .values()
            .iter()
            .map(|&label| label == Label::Anomalous);
        Some(PyArray1::from_iter(py, anomalous))
    }
}

/// How arrays spell a missing value.
const NAN: &str = "NaN";

/// Whether the model was told in training that NaN stands for a missing value.
fn knows_nan(model: &unlike::Model) -> bool {
    let told = &model.config().preprocessing.reading.missing;
    let mut texts = told.iter().flatten();
    texts.any(|text| text.eq_ignore_ascii_case(NAN))
}

fn rows<T: numpy::Element + Copy + ToString>(
    x: ArrayView2<'_, T>,
    names: Option<Vec<String>>,
    rules: &Rules,
    categories: &[String],
    number: impl Fn(T) -> f64,
) -> Result<unlike::Samples> {
    // As files of arrays are read.
    let usual = || (1..=x.ncols()).map(|i| i.to_string()).collect();
    let names = names.unwrap_or_else(usual);
    if names.len() != x.ncols() {
        return Err(Error::Mismatch {
            origin: Some(ORIGIN.into()),
            found: format!("{} columns and {} names", x.ncols(), names.len()),
            expected: "a name for each column".into(),
            hint: None,
        });
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    rules.check_names(&all, categories)?;
    let kept = names
        .iter()
        .zip(x.columns())
        .filter(|(name, _)| !rules.is_dropped(name));
    let columns = kept.map(|(name, cells)| {
        rules.numbers(name, cells.iter().map(|&v| Some(v)), &number, |v| {
            v.to_string()
        })
    });
    rules.table(columns.collect::<Result<_>>()?, None)
}

/// What one column makes; nothing if it is of no type that is read.
fn column(
    rules: &Rules,
    name: &str,
    cells: &Bound<'_, PyAny>,
) -> PyResult<Option<Result<Vec<Column>>>> {
    if let Ok((moments, unit)) = cells.extract::<(PyReadonlyArray1<'_, i64>, i64)>() {
        let moments = moments.as_array();
        let moment = |&at: &i64| match at {
            i64::MIN => None,
            at => Some(Moment::at(i128::from(at) * i128::from(unit))),
        };
        return Ok(Some(rules.dates(name, moments.iter().map(moment))));
    }
    if rules.is_date(name)
        && let Ok(texts) = cells.extract::<Vec<Option<String>>>()
        && texts.iter().all(Option::is_none)
    {
        // Dates none of which is there need not have the type of dates.
        return Ok(Some(
            rules.dates(name, std::iter::repeat_n(None, texts.len())),
        ));
    }
    Ok(plain_column(rules, name, cells)?.map(|column| column.map(|column| vec![column])))
}

fn plain_column(
    rules: &Rules,
    name: &str,
    cells: &Bound<'_, PyAny>,
) -> PyResult<Option<Result<Column>>> {
    macro_rules! numbers {
        ($($type:ty),*) => {$(
            if let Ok(values) = cells.extract::<PyReadonlyArray1<'_, $type>>() {
                let cells = values.as_array();
                let cells = cells.iter().map(|&v| Some(v));
                return Ok(Some(rules.numbers(name, cells, |v| v as f64, |v| v.to_string())));
            }
        )*};
    }
    numbers!(f64, i64, f32, i32, u8, i16, i8, u16, u32, u64);
    if let Ok(values) = cells.extract::<PyReadonlyArray1<'_, bool>>() {
        let cells = values.as_array();
        let texts = cells.iter().map(|&v| Some(rules.boolean(name, v)));
        return Ok(Some(match rules.is_number(name) {
            true => rules.numbers(name, cells.iter().map(|&v| Some(v)), f64::from, |_| {
                String::new()
            }),
            false => rules.texts(name, texts),
        }));
    }
    if let Ok((codes, levels)) = cells.extract::<(PyReadonlyArray1<'_, i64>, Vec<String>)>() {
        let codes = codes.as_array();
        let text = |&code: &i64| levels.get(usize::try_from(code).ok()?).map(String::as_str);
        return Ok(Some(rules.texts(name, codes.iter().map(text))));
    }
    if let Ok(texts) = cells.extract::<Vec<Option<String>>>() {
        return Ok(Some(rules.texts(name, texts.iter().map(Option::as_deref))));
    }
    Ok(None)
}

/// What cells are, for a message.
fn kind_of(cells: &Bound<'_, PyAny>) -> String {
    match cells.getattr("dtype") {
        Ok(dtype) => format!("values of type {dtype}"),
        Err(_) => "values that are no texts".into(),
    }
}
