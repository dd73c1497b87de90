use burn_tensor::Tensor;

use crate::blocks::AdamStep;
use crate::composite;
use crate::cpu::{self, graph::supported};

/// One Adam update of one tensor: `(param, m, v)` after it.
///
/// All four tensors have the same shape and are outside autodiff. On the CPU the update happens in
/// place where nobody else holds the memory of `param`, `m` or `v`; the first one may move them to
/// aligned memory. So after a backward pass, when the graph is gone:
///
/// ```
/// # use burn_tensor::{Device, Tensor};
/// # use unlike_kernels::{Activation, AdamStep, adam, linear, mse};
/// # let device = Device::flex();
/// # let step = AdamStep {
/// #     learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, step: 1,
/// # };
/// # let x = Tensor::<2>::ones([8, 4], &device).autodiff();
/// let mut w = Tensor::<2>::ones([4, 3], &device).autodiff().require_grad();
/// let (m, v) = (Tensor::zeros([4, 3], &device), Tensor::zeros([4, 3], &device));
///
/// let loss = mse(linear(x, w.clone(), None, Activation::Tanh, None), Tensor::zeros([8, 3], &device));
/// let mut grads = loss.backward();
/// drop(loss);
/// if let Some(grad) = w.grad_remove(&mut grads) {
///     // `inner` moves the tensor out of autodiff; no clone of `w` is alive.
///     let (updated, m, v) = adam(w.inner(), grad, m, v, &step);
///     w = updated.autodiff().require_grad();
/// }
/// ```
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

/// [`adam`] of all parameters of a network at once, each flattened: `[param, grad, m, v]` in,
/// `(param, m, v)` out, in the same order. Saves what a loop over threads costs for each tensor.
pub fn adam_all(
    all: Vec<[Tensor<1>; 4]>,
    step: &AdamStep,
) -> Vec<(Tensor<1>, Tensor<1>, Tensor<1>)> {
    match all.first().is_some_and(|[param, ..]| supported(param)) {
        true => cpu::optim::adam_all(all, step),
        false => all
            .into_iter()
            .map(|[p, g, m, v]| composite::adam(p, g, m, v, step))
            .collect(),
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
