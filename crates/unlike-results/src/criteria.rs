//! What tells trainings apart where there are no labels.

use serde::{Deserialize, Serialize};
use unlike::{Judge, Model};
use unlike_core::{Result, Samples, check_setting, metrics::tail};

/// What held-out normals say about a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// The share of normals that may have a p-value of at most this, within (0, 1).
    pub promised: f64,
    /// The share of normals that have; none without others than those that calibrate.
    pub false_alarms: Option<f64>,
    /// See [`tail`].
    pub tail: Option<f64>,
}

impl Criteria {
    /// Of a training that failed.
    ///
    /// # Errors
    /// If `promised` is not within (0, 1).
    pub fn unknown(promised: f64) -> Result<Self> {
        let within = promised > 0.0 && promised < 1.0;
        check_setting("promised", promised, within, "a number between 0 and 1")?;
        Ok(Self {
            promised,
            false_alarms: None,
            tail: None,
        })
    }

    /// Measures a model on normals that it has not seen, or without them on those that calibrate it.
    ///
    /// # Errors
    /// If `promised` is not within (0, 1), or the samples do not fit the model.
    pub fn measure(model: Model, promised: f64, held_out: Option<&Samples>) -> Result<Self> {
        let unknown = Self::unknown(promised)?;
        let Some(held_out) = held_out else {
            return Ok(Self {
                tail: tail(model.calibration().scores()),
                ..unknown
            });
        };
        let judged = Judge::new(model).judge(held_out)?;
        let p_values = &judged.decisions.p_values;
        let flagged = p_values.iter().filter(|&&p| p <= promised).count();
        Ok(Self {
            promised,
            false_alarms: (!p_values.is_empty()).then(|| flagged as f64 / p_values.len() as f64),
            tail: tail(&judged.scores),
        })
    }
}
