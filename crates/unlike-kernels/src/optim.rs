use burn::tensor::Tensor;

use crate::composite;
use crate::cpu::{self, graph::supported};

/// The numbers of one Adam update (Kingma and Ba 2015, arXiv 1412.6980), as PyTorch defines them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Step size.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the corrected second moment.
    pub epsilon: f32,
    /// L2 penalty, added to the gradient (PyTorch's `Adam`, not `AdamW`); 0 for none.
    pub weight_decay: f32,
    /// Which update this is, counted from 1, for the bias correction.
    pub step: u64,
}

impl AdamStep {
    /// `learning_rate / (1 - beta1^t)` and `1 / sqrt(1 - beta2^t)`.
    pub(crate) fn corrections(&self) -> (f32, f32) {
        let t = self.step as f64;
        let first = 1.0 - f64::from(self.beta1).powf(t);
        let second = 1.0 - f64::from(self.beta2).powf(t);
        ((f64::from(self.learning_rate) / first) as f32, (1.0 / second.sqrt()) as f32)
    }
}

/// One Adam update of one tensor: `(param, m, v)` after it.
///
/// All four tensors have the same shape and are outside autodiff.
pub fn adam<const D: usize>(
    param: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    step: &AdamStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    match supported(&param) {
        true => cpu::optim::adam(param, grad, m, v, step),
        false => composite::adam(param, grad, m, v, step),
    }
}

/// Exponential moving average: `decay * average + (1 - decay) * value`.
///
/// Both tensors have the same shape and are outside autodiff.
pub fn ema<const D: usize>(average: Tensor<D>, value: Tensor<D>, decay: f32) -> Tensor<D> {
    match supported(&average) {
        true => cpu::optim::ema(average, value, decay),
        false => composite::ema(average, value, decay),
    }
}

/// The same numbers in memory that begins at a cache line, where the CPU kernels read weights
/// fastest; for weights that are loaded once and score many batches.
///
/// Weights that [`adam`] or [`ema`] updated, and those of [`fold_batch_norm`](crate::fold_batch_norm),
/// are there already. `x` is outside autodiff; on other devices it is returned as it is.
pub fn aligned<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match supported(&x) {
        true => cpu::optim::aligned(x),
        false => x,
    }
}
