//! Which models and settings there are.

use pyo3::prelude::*;
use unlike::{
    TrainConfig,
    models::{Kind, MODELS},
};
use unlike_core::Error;

use crate::errors::OrRaise;

/// Of each model its name, its name as people write it, and whether it is made of networks.
#[pyfunction]
pub(crate) fn models() -> Vec<(&'static str, String, bool)> {
    let entry = |entry: &unlike::registry::Entry| (entry.name, entry.title(), entry.networks);
    MODELS.iter().map(entry).collect()
}

/// The recommended settings of a training of this model on so many samples, `table` or `images`, as JSON.
#[pyfunction]
pub(crate) fn recommended(
    py: Python<'_>,
    model: &str,
    kind: &str,
    samples: usize,
) -> PyResult<String> {
    let kind = match kind {
        "table" => Kind::Table,
        "images" => Kind::Images,
        other => {
            return Err(Error::Setting {
                name: "kind".into(),
                found: format!("`{other}`"),
                expected: "`table` or `images`".into(),
                hint: None,
            })
            .or_raise(py);
        }
    };
    let config = TrainConfig::recommended_for(model, kind, samples).or_raise(py)?;
    json(py, &config)
}

/// A value as JSON.
pub(crate) fn json(py: Python<'_>, value: &impl serde::Serialize) -> PyResult<String> {
    let text = serde_json::to_string(value);
    text.map_err(|error| Error::io("write", "JSON")(error.into()))
        .or_raise(py)
}
