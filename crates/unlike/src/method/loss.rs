//! The losses of a step, as they are reported.

use crate::backend::{Tensor, values};

/// The named losses and monitors of one step, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses(pub Vec<(&'static str, f64)>);

impl Losses {
    /// Losses, each a tensor of one element.
    pub fn new(losses: &[(&'static str, &Tensor<1>)]) -> Self {
        let mut all = Self::default();
        for (name, loss) in losses {
            all.push(name, loss);
        }
        all
    }

    /// Adds a loss.
    pub fn push(&mut self, name: &'static str, loss: &Tensor<1>) {
        let value = values(loss.clone()).first().map_or(f64::NAN, |&v| v.into());
        self.0.push((name, value));
    }

    /// Adds the mean probability that these logits [N, 1] stand for.
    pub fn push_probability(&mut self, name: &'static str, logits: Tensor<2>) {
        let logits = values(logits);
        let probability = |&l: &f32| 1.0 / (1.0 + f64::from(-l).exp());
        let sum = logits.iter().map(probability).sum::<f64>();
        self.0.push((name, sum / logits.len().max(1) as f64));
    }

    /// The loss or monitor of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|loss| loss.0 == name).map(|loss| loss.1)
    }
}
