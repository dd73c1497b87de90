//! A trained model, for Python.

use std::{path::PathBuf, sync::Arc};

use numpy::{PyArray1, PyArray3, PyArray4, PyArrayMethods, PyReadonlyArray1, ToPyArray};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};
use unlike::Judge;
use unlike_core::{Decision, Detector, Error, Explanations, ImageShape, Result};
use unlike_results::Explainer;

use crate::{
    background,
    errors::{OrRaise, all_worded, worded},
    reading,
    registry::json,
    report::Report,
    samples::Samples,
};

/// What messages call a model that came as bytes.
pub(crate) const BYTES: &str = "the bytes of a model";

/// A trained model. It does not change, and threads may share it.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Model {
    pub(crate) model: Arc<unlike::Model>,
    device: String,
}

impl Model {
    pub(crate) fn new(model: unlike::Model, device: &str) -> Self {
        Self {
            model: Arc::new(model),
            device: device.to_owned(),
        }
    }

    /// A copy that can be changed.
    fn copy(&self) -> Result<unlike::Model> {
        unlike::Model::from_bytes(&self.model.to_bytes()?, BYTES, &self.device)
    }
}

/// A decision by its name and number, as the command line has them.
pub(crate) fn decision(name: &str, value: f64) -> Result<Decision> {
    match name {
        "false_alarms" => Decision::false_alarms(value),
        "fdr" => Decision::fdr(value),
        "threshold" => Decision::threshold(value),
        "budget" => Decision::Budget(value.max(0.0) as usize).validate(),
        other => Err(Error::Setting {
            name: "decision".into(),
            found: format!("`{other}`"),
            expected: "`false_alarms`, `fdr`, `threshold` or `budget`".into(),
            hint: None,
        }),
    }
}

/// One array per name.
type Named<'py, T> = Vec<(String, Bound<'py, PyArray1<T>>)>;

/// Scores, their parts, and notes.
type Evaluated<'py> = (Bound<'py, PyArray1<f64>>, Named<'py, f32>, Vec<String>);

/// Names, and one row of contributions per sample.
type Contributions<'py> = (Vec<String>, Bound<'py, numpy::PyArray2<f32>>);

#[pymethods]
impl Model {
    /// Reads a model file, or the one in a run folder.
    #[staticmethod]
    #[pyo3(signature = (path, device="cpu"))]
    fn load(py: Python<'_>, path: PathBuf, device: &str) -> PyResult<Self> {
        let on = device.to_owned();
        let model = background::run(py, move || unlike::Model::load_on(path, &on))?;
        Ok(Self::new(model, device))
    }

    /// A model from the bytes of its file.
    #[staticmethod]
    #[pyo3(signature = (bytes, device="cpu"))]
    fn from_bytes(py: Python<'_>, bytes: &[u8], device: &str) -> PyResult<Self> {
        let model = py.detach(|| unlike::Model::from_bytes(bytes, BYTES, device));
        Ok(Self::new(model.or_raise(py)?, device))
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.model.to_bytes()).or_raise(py)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// A pickle holds the bytes of the file, and no code.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let from_bytes = py.get_type::<Self>().getattr("from_bytes")?;
        let arguments = (self.to_bytes(py)?, &self.device);
        (from_bytes, arguments)
            .into_pyobject(py)
            .map(Bound::into_any)
    }

    /// Writes the file, as a whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.model.save(path)).or_raise(py)
    }

    /// The same model with another of its scores.
    fn with_score(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
        let model = py.detach(|| self.copy()?.with_score(name)).or_raise(py)?;
        Ok(Self::new(model, &self.device))
    }

    /// The same model with p-values from other held-out normals, and why these do not tell what it makes of
    /// new ones, if that is so.
    fn recalibrate(&self, py: Python<'_>, normals: &Samples) -> PyResult<(Self, Option<String>)> {
        let (model, samples) = (Arc::clone(&self.model), Arc::clone(&normals.samples));
        let device = self.device.clone();
        let (model, seen) = background::run(py, move || {
            let seen = model.seen(&samples, samples.origin())?;
            let copy = unlike::Model::from_bytes(&model.to_bytes()?, BYTES, &device)?;
            Ok((copy.recalibrate(&samples)?, seen))
        })?;
        Ok((Self::new(model, &self.device), seen))
    }

    /// Reads files as this model knows them; without labels unless these are wanted.
    fn read(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        options: &str,
        labels: bool,
    ) -> PyResult<Samples> {
        let options = reading::options(options).or_raise(py)?;
        let model = Arc::clone(&self.model);
        let read = move || reading::read_for(&paths, options, &model, labels);
        Ok(Samples::of_data(background::run(py, read)?))
    }

    /// Scores, the parts that they are made of, and notes.
    fn evaluate<'py>(&self, py: Python<'py>, samples: &Samples) -> PyResult<Evaluated<'py>> {
        let (model, samples) = (Arc::clone(&self.model), Arc::clone(&samples.samples));
        let scored = background::run(py, move || model.evaluate(&samples))?;
        let parts = scored.parts.iter();
        let parts = parts.map(|(name, values)| (name.to_owned(), values.to_pyarray(py)));
        let parts = parts.collect();
        let notes = all_worded(&scored.noticed.notes(self.model.preprocessing()));
        Ok((PyArray1::from_vec(py, scored.scores), parts, notes))
    }

    /// The p-values of scores.
    fn p_values<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let p_values = self.model.calibration().p_values(scores.as_slice()?);
        Ok(PyArray1::from_vec(py, p_values))
    }

    /// What is decided about a whole batch of scores: `p_values`, `q_values`, `anomalous`, `threshold`, and a
    /// `note`, if there is one.
    fn decide<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'py, f64>,
        by: &str,
        value: f64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let calibration = self.model.calibration();
        let decision = decision(by, value).or_raise(py)?;
        let decisions = decision
            .decide(scores.as_slice()?, calibration)
            .or_raise(py)?;
        let note = decision.why_nothing(&decisions, calibration);
        let told = PyDict::new(py);
        told.set_item("p_values", PyArray1::from_vec(py, decisions.p_values))?;
        told.set_item("q_values", PyArray1::from_vec(py, decisions.q_values))?;
        told.set_item("anomalous", PyArray1::from_vec(py, decisions.anomalous))?;
        told.set_item("threshold", decisions.threshold)?;
        told.set_item("note", note)?;
        Ok(told)
    }

    /// The score from which on samples are flagged unasked, and a note, if there is one.
    fn usual_threshold(&self, py: Python<'_>) -> PyResult<(f64, Option<String>)> {
        let calibration = self.model.calibration();
        let (usual, note) = unlike::judge::usual_decision(calibration);
        let decided = usual.decide(&[], calibration).or_raise(py)?;
        // A false-alarm rate always has a threshold.
        let threshold = decided.threshold.unwrap_or(f64::INFINITY);
        Ok((threshold, note.as_ref().map(worded)))
    }

    /// Names of columns and what each contributed to each sample's score.
    fn contributions<'py>(
        &self,
        py: Python<'py>,
        samples: &Samples,
    ) -> PyResult<Contributions<'py>> {
        let (model, rows) = (Arc::clone(&self.model), Arc::clone(&samples.samples));
        let count = rows.len();
        match background::run(py, move || model.explain(&rows))? {
            Explanations::Columns { names, values } => {
                let width = names.len();
                let values = PyArray1::from_vec(py, values).reshape([count, width])?;
                Ok((names, values))
            }
            Explanations::Maps { .. } => Err(self.explains_by("maps", "columns")).or_raise(py),
        }
    }

    /// Of each sample the columns that contributed most, largest first, as JSON.
    fn reasons(&self, py: Python<'_>, samples: &Samples) -> PyResult<String> {
        let (model, rows) = (Arc::clone(&self.model), Arc::clone(&samples.samples));
        background::run(py, move || {
            let explainer = Explainer::new(&model, &rows)?;
            let reasons: Vec<_> = (0..rows.len()).map(|row| explainer.reasons(row)).collect();
            let text = serde_json::to_string(&reasons);
            text.map_err(|error| Error::io("write", "JSON")(error.into()))
        })
    }

    /// Of each image a map of what is anomalous, `[images, height, width]`.
    fn maps<'py>(&self, py: Python<'py>, samples: &Samples) -> PyResult<Bound<'py, PyArray3<f32>>> {
        if !self.model.has_maps() {
            return Err(self.explains_by("columns", "maps")).or_raise(py);
        }
        let (model, images) = (Arc::clone(&self.model), Arc::clone(&samples.samples));
        let count = images.len();
        match background::run(py, move || model.explain(&images))? {
            Explanations::Maps {
                height,
                width,
                values,
            } => PyArray1::from_vec(py, values).reshape([count, height, width]),
            Explanations::Columns { .. } => Err(self.explains_by("columns", "maps")).or_raise(py),
        }
    }

    /// What the model makes of images, `[images, height, width, channels]` in [-1, 1]; nothing if it makes
    /// none.
    fn reconstructions<'py>(
        &self,
        py: Python<'py>,
        samples: &Samples,
    ) -> PyResult<Option<Bound<'py, PyArray4<f32>>>> {
        let (model, images) = (Arc::clone(&self.model), Arc::clone(&samples.samples));
        let made = background::run(py, move || {
            let made = model.reconstructions(&images)?;
            made.map(|made| Ok((made.len(), made.shape(), made.pixels()?)))
                .transpose()
        })?;
        let Some((count, shape, pixels)) = made else {
            return Ok(None);
        };
        let ImageShape {
            height,
            width,
            channels,
        } = shape;
        let pixels = PyArray1::from_vec(py, pixels);
        Ok(Some(pixels.reshape([count, height, width, channels])?))
    }

    /// A report of the training, and of an evaluation if there are samples with labels, of which `True` is
    /// anomalous; and notes.
    #[pyo3(signature = (samples, labels, threshold))]
    fn report(
        &self,
        py: Python<'_>,
        samples: Option<&Samples>,
        labels: Option<Vec<bool>>,
        threshold: f64,
    ) -> PyResult<(Report, Vec<String>)> {
        let Some(samples) = samples else {
            return Ok((
                Report::of(unlike_results::run_report(&self.model)),
                Vec::new(),
            ));
        };
        let data = samples.data.clone();
        let samples = Arc::clone(&samples.samples);
        let judge = Judge::new(self.copy().or_raise(py)?);
        let judge = judge.with_decision(decision("threshold", threshold).or_raise(py)?);
        let judge = judge.or_raise(py)?;
        background::run(py, move || {
            let (report, notes) = Report::evaluated(&judge, &samples, data.as_deref(), labels)?;
            Ok((report, all_worded(&notes)))
        })
    }

    /// What the model says about itself, as JSON.
    fn about(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &self.model.about())
    }

    /// How it came about, as JSON.
    fn provenance(&self, py: Python<'_>) -> PyResult<String> {
        json(py, self.model.provenance())
    }

    /// The settings of its training, as JSON.
    fn config(&self, py: Python<'_>) -> PyResult<String> {
        json(py, self.model.config())
    }

    /// What is worth knowing about the training data, and about the scores of held-out normals.
    fn notes(&self) -> Vec<String> {
        let mut notes = all_worded(self.model.preprocessing().notes());
        notes.extend(all_worded(&self.model.score_notes()));
        notes
    }

    /// Whether it explains images by maps; otherwise it explains samples by columns.
    #[getter]
    fn has_maps(&self) -> bool {
        self.model.has_maps()
    }

    /// Where its networks are.
    #[getter]
    fn device(&self) -> &str {
        &self.device
    }
}

impl Model {
    fn explains_by(&self, found: &str, expected: &str) -> Error {
        Error::Mismatch {
            origin: Some(format!("a model of {}", self.model.config().model.title())),
            found: format!("explanations by {found}"),
            expected: expected.into(),
            hint: Some(
                match expected {
                    "maps" => "ask `explain` for the columns",
                    _ => "ask `anomaly_map` for the maps",
                }
                .into(),
            ),
        }
    }
}
