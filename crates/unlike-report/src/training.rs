//! How training went, epoch by epoch.

use serde::{Deserialize, Serialize};

/// How training went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// The losses of generator, encoder and discriminator.
    pub losses: Vec<Series>,
    /// The discriminator's output on real and on generated samples, within [0, 1].
    pub monitors: Vec<Series>,
    /// The scores of held-out normals, one entry per epoch.
    pub held_out: Vec<HeldOut>,
    /// The epoch whose weights were kept, counted from 1.
    pub chosen_epoch: Option<u32>,
    /// Why that one, as a clause: `lowest held-out reconstruction error`.
    pub chosen_because: Option<String>,
    /// What training complained about, in order.
    pub warnings: Vec<Warning>,
}

/// A quantity over the course of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// `G`, `D(G(z))`.
    pub name: String,
    /// Epoch (a fraction within an epoch) and value, ascending, finite.
    pub points: Vec<[f64; 2]>,
    /// How many values were not finite and are not among the points.
    #[serde(default)]
    pub n_not_finite: u64,
}

impl Series {
    /// Keeps the finite points and counts the others.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let (mut finite, mut n_not_finite) = (Vec::new(), 0);
        for point in points {
            if point.iter().all(|v| v.is_finite()) {
                finite.push(point);
            } else {
                n_not_finite += 1;
            }
        }
        Self {
            name: name.into(),
            points: finite,
            n_not_finite,
        }
    }
}

/// The scores of held-out normals after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean score.
    pub mean: f64,
    /// Standard deviation of the scores.
    pub sd: f64,
}

/// Something that training complained about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// When, counted from 1.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// What, and what to do about it.
    pub message: String,
}
