use burn_tensor::Tensor;

use crate::cpu::graph::{self, supported};

/// All numbers in one row. On the CPU cheaper than Burn's `flatten`, which an optimiser feels that
/// does it for every parameter of a small network.
pub fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    match supported(&x) {
        true => graph::reshape(x, |shape| [shape.iter().product()]),
        false => x.flatten(0, D - 1),
    }
}

/// The same numbers in another shape, as cheap as [`flat`].
///
/// # Panics
/// When the shape has room for more numbers, or for fewer.
pub fn reshaped<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    match supported(&x) {
        true => graph::reshape(x, |_| shape),
        false => x.reshape(shape),
    }
}

/// Zeros on the device of `beside`, outside autodiff.
pub fn zeros<const D: usize, const E: usize>(shape: [usize; D], beside: &Tensor<E>) -> Tensor<D> {
    match supported(beside) {
        true => graph::zeros(shape),
        false => Tensor::zeros(shape, &beside.clone().inner().device()),
    }
}
