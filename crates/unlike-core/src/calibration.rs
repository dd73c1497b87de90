//! From raw scores to p-values: split-conformal calibration on held-out normals.

use serde::{Deserialize, Serialize};

/// The sorted scores of held-out normals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    scores: Vec<f64>,
}
