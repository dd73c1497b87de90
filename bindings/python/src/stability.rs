//! What scores alone say: how surely samples are decided about, how well labels agree, how long the tail is.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use unlike_core::{Label, metrics, stability};

use crate::errors::OrRaise;

/// See the library's `Stability`.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Stability(stability::Stability);

#[pymethods]
impl Stability {
    #[new]
    fn new(py: Python<'_>, trained: PyReadonlyArray1<'_, f64>, threshold: f64) -> PyResult<Self> {
        let stability = stability::Stability::new(&trained.as_array().to_vec(), threshold);
        stability.map(Self).or_raise(py)
    }

    /// Of each score, the probability that another such detector decides the same.
    fn confidence<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'py, f64>,
    ) -> Bound<'py, PyArray1<f64>> {
        let scores = scores.as_array();
        let confidence: Vec<f64> = scores.iter().map(|&s| self.0.confidence(s)).collect();
        confidence.into_pyarray(py)
    }

    /// Whether each score is rejected.
    fn rejected<'py>(
        &self,
        py: Python<'py>,
        scores: PyReadonlyArray1<'py, f64>,
        t: f64,
    ) -> Bound<'py, PyArray1<bool>> {
        let scores = scores.as_array();
        let rejected: Vec<bool> = scores.iter().map(|&s| self.0.is_rejected(s, t)).collect();
        rejected.into_pyarray(py)
    }

    /// What share is rejected, likely and at most, and what a sample costs at most; costs are those of a false
    /// positive, a false negative and a rejection.
    fn rejection(
        &self,
        py: Python<'_>,
        t: f64,
        delta: f64,
        costs: (f64, f64, Option<f64>),
    ) -> PyResult<(f64, f64, f64)> {
        let (false_positive, false_negative, rejection) = costs;
        let costs = stability::Costs {
            false_positive,
            false_negative,
            rejection,
        };
        let rates = self.0.rejection(t, delta, costs).or_raise(py)?;
        Ok((rates.expected, rates.at_most, rates.cost_at_most))
    }
}

/// How far the highest scores of normals lie above the others.
#[pyfunction]
pub(crate) fn tail(scores: PyReadonlyArray1<'_, f64>) -> Option<f64> {
    metrics::tail(&scores.as_array().to_vec())
}

/// The area under the ROC curve of scores.
#[pyfunction]
pub(crate) fn auroc(
    py: Python<'_>,
    scores: PyReadonlyArray1<'_, f64>,
    anomalous: Vec<bool>,
) -> PyResult<f64> {
    let label = |anomalous| match anomalous {
        true => Label::Anomalous,
        false => Label::Normal,
    };
    let labels: Vec<Label> = anomalous.into_iter().map(label).collect();
    metrics::auroc(&scores.as_array().to_vec(), &labels).or_raise(py)
}
