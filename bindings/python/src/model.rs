//! A trained model, for Python.

use std::{path::PathBuf, sync::Arc};

use numpy::{PyArray1, PyArray2, PyArray3, PyArray4, PyArrayMethods, ToPyArray};
use pyo3::{prelude::*, types::PyBytes};
use unlike::Judge;
use unlike_core::{Decision, Detector, Error, Explanations, ImageShape, Result};
use unlike_results::Explainer;

use crate::{
    background,
    batch::Batch,
    chunks::Chunks,
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
    /// It places samples; what is decided about them, those who ask say.
    judge: Arc<Judge>,
    device: String,
}

impl Model {
    pub(crate) fn new(model: unlike::Model, device: &str) -> Self {
        Self {
            judge: Arc::new(Judge::new(model)),
            device: device.to_owned(),
        }
    }

    pub(crate) fn model(&self) -> &unlike::Model {
        self.judge.model()
    }

    /// A copy that can be changed.
    fn copy(&self) -> Result<unlike::Model> {
        unlike::Model::from_bytes(&self.model().to_bytes()?, BYTES, &self.device)
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
type Contributions<'py> = (Vec<String>, Bound<'py, PyArray2<f32>>);

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
        let model = background::briefly(py, || unlike::Model::from_bytes(bytes, BYTES, device))?;
        Ok(Self::new(model, device))
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = background::briefly(py, || self.model().to_bytes())?;
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
        background::briefly(py, || self.model().save(path))
    }

    /// The same model with another of its scores.
    fn with_score(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
        let model = background::briefly(py, || self.copy()?.with_score(name))?;
        Ok(Self::new(model, &self.device))
    }

    /// The same model with p-values from other held-out normals, and why these do not tell what it makes of
    /// new ones, if that is so.
    fn recalibrate(&self, py: Python<'_>, normals: &Samples) -> PyResult<(Self, Option<String>)> {
        let (judge, samples) = (Arc::clone(&self.judge), Arc::clone(&normals.samples));
        let device = self.device.clone();
        let (model, seen) = background::run(py, move || {
            let model = judge.model();
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
        let judge = Arc::clone(&self.judge);
        let flags = options.flags_bad_rows();
        let read = move || reading::read_for(&paths, options, judge.model(), labels);
        Ok(Samples::of_data(background::run(py, read)?, flags))
    }

    /// The rows of files as this model knows them, in pieces, without labels.
    fn chunks(&self, py: Python<'_>, paths: Vec<PathBuf>, options: &str) -> PyResult<Chunks> {
        let options = reading::options(options).or_raise(py)?;
        Chunks::open(py, paths, options, Arc::clone(&self.judge))
    }

    /// An empty batch, which keeps of each sample its `scores`; or `places`, its p-value, too; or all that makes
    /// `rows` of a table.
    #[pyo3(signature = (keep, expected=0))]
    fn batch(&self, keep: &str, expected: usize) -> Batch {
        Batch::new(&self.judge, keep, expected)
    }

    /// Scores, the parts that they are made of, and notes.
    fn evaluate<'py>(&self, py: Python<'py>, samples: &Samples) -> PyResult<Evaluated<'py>> {
        let (judge, samples) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let scored = background::run(py, move || judge.model().evaluate(&samples))?;
        let parts = scored.parts.iter();
        let parts = parts.map(|(name, values)| (name.to_owned(), values.to_pyarray(py)));
        let parts = parts.collect();
        let notes = all_worded(&scored.noticed.notes(self.model().preprocessing()));
        Ok((PyArray1::from_vec(py, scored.scores), parts, notes))
    }

    /// The score from which on samples are flagged unasked, and a note, if there is one.
    fn usual_threshold(&self, py: Python<'_>) -> PyResult<(f64, Option<String>)> {
        let calibration = self.model().calibration();
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
        let (judge, rows) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let count = rows.len();
        match background::run(py, move || judge.model().explain(&rows))? {
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
        let (judge, rows) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        background::run(py, move || {
            let explainer = Explainer::new(judge.model(), &rows)?;
            let reasons: Vec<_> = (0..rows.len()).map(|row| explainer.reasons(row)).collect();
            let text = serde_json::to_string(&reasons);
            text.map_err(|error| Error::io("write", "JSON")(error.into()))
        })
    }

    /// Of each image a map of what is anomalous, `[images, height, width]`.
    fn maps<'py>(&self, py: Python<'py>, samples: &Samples) -> PyResult<Bound<'py, PyArray3<f32>>> {
        if !self.model().has_maps() {
            return Err(self.explains_by("columns", "maps")).or_raise(py);
        }
        let (judge, images) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let count = images.len();
        match background::run(py, move || judge.model().explain(&images))? {
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
        let (judge, images) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let made = background::run(py, move || {
            let made = judge.model().reconstructions(&images)?;
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

    /// The numbers by which the model knows each sample, `[samples, n]`; nothing if it has none.
    fn embeddings<'py>(
        &self,
        py: Python<'py>,
        samples: &Samples,
    ) -> PyResult<Option<Bound<'py, PyArray2<f32>>>> {
        let (judge, these) = (Arc::clone(&self.judge), Arc::clone(&samples.samples));
        let count = these.len();
        let Some(values) = background::run(py, move || judge.model().embeddings(&these))? else {
            return Ok(None);
        };
        let width = values.len() / count.max(1);
        PyArray1::from_vec(py, values)
            .reshape([count, width])
            .map(Some)
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
                Report::of(unlike_results::run_report(self.model())),
                Vec::new(),
            ));
        };
        let data = samples.data.clone();
        let samples = Arc::clone(&samples.samples);
        let decided = decision("threshold", threshold).or_raise(py)?;
        let judge = background::briefly(py, || Judge::new(self.copy()?).with_decision(decided))?;
        background::run(py, move || {
            let (report, notes) = Report::evaluated(&judge, &samples, data.as_deref(), labels)?;
            Ok((report, all_worded(&notes)))
        })
    }

    /// The scores of the held-out normals that calibrate, ascending.
    fn calibration_scores<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.model().calibration().scores())
    }

    /// What the model says about itself, as JSON.
    fn about(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &self.model().about())
    }

    /// How it came about, as JSON.
    fn provenance(&self, py: Python<'_>) -> PyResult<String> {
        json(py, self.model().provenance())
    }

    /// The settings of its training, as JSON.
    fn config(&self, py: Python<'_>) -> PyResult<String> {
        json(py, self.model().config())
    }

    /// What is worth knowing about the training data, and about the scores of held-out normals.
    fn notes(&self) -> Vec<String> {
        let mut notes = all_worded(self.model().preprocessing().notes());
        notes.extend(all_worded(&self.model().score_notes()));
        notes
    }

    /// Whether it explains images by maps; otherwise it explains samples by columns.
    #[getter]
    fn has_maps(&self) -> bool {
        self.model().has_maps()
    }

    /// Whether it reads rows of a table; otherwise it reads images.
    #[getter]
    fn reads_rows(&self) -> bool {
        self.model().preprocessing().as_table().is_some()
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
            origin: Some(format!(
                "a model of {}",
                self.model().config().model.title()
            )),
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
