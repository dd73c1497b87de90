//! How weights are drawn before training.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{rng::normals, settings::Positive};

/// The distribution of first weights; biases start at 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "init", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Init {
    /// N(0, sd²), as DCGAN does (sd 0.02).
    Normal {
        /// Standard deviation.
        sd: Positive,
    },
    /// Uniform on ±√(6 / (fan in + fan out)) (Glorot & Bengio 2010).
    Xavier {},
}

impl Init {
    /// N(0, sd²).
    ///
    /// # Panics
    /// If the deviation is not above 0.
    pub fn normal(sd: f32) -> Self {
        Self::Normal {
            sd: Positive::of(sd),
        }
    }

    /// `count` weights of a layer with this many inputs and outputs per unit.
    pub fn draw(
        self,
        rng: &mut ChaCha8Rng,
        count: usize,
        [fan_in, fan_out]: [usize; 2],
    ) -> Vec<f32> {
        match self {
            Self::Normal { sd } => {
                let scale = |v| v * sd.get();
                normals(rng, count).into_iter().map(scale).collect()
            }
            Self::Xavier {} => {
                let limit = (6.0 / (fan_in + fan_out) as f32).sqrt();
                (0..count)
                    .map(|_| rng.random_range(-limit..=limit))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, rng};

    #[test]
    fn weights_have_the_spread_that_is_asked_for() {
        let spread = |v: &[f32]| (v.iter().map(|w| w * w).sum::<f32>() / v.len() as f32).sqrt();
        let mut r = rng(0, Purpose::Initialisation, 0);
        let normal = Init::Normal {
            sd: Positive::of(0.02),
        }
        .draw(&mut r, 20_000, [1, 1]);
        assert!((spread(&normal) - 0.02).abs() < 5e-4);
        let xavier = Init::Xavier {}.draw(&mut r, 20_000, [121, 64]);
        assert!((spread(&xavier) - (2.0f32 / 185.0).sqrt()).abs() < 2e-3);
        assert!(xavier.iter().all(|w| w.abs() <= (6.0f32 / 185.0).sqrt()));
    }
}
