use burn_tensor::Tensor;

use crate::composite;
use crate::cpu::{self, graph::supported};

/// The same direction at length 1, outside autodiff; `[N]` → `[N]`. A vector of zeros stays one.
pub fn unit(x: Tensor<1>) -> Tensor<1> {
    match supported(&x) && !x.is_tracked() {
        true => cpu::spectral::unit(x),
        false => composite::unit(x),
    }
}

/// `w / sigma` for `w [rows, columns]` and `sigma [1, 1]`: what spectral normalisation does with a
/// weight and its largest singular value.
///
/// # Panics
/// When `sigma` is not one number.
pub fn over(w: Tensor<2>, sigma: Tensor<2>) -> Tensor<2> {
    match supported(&w) {
        true => cpu::spectral::over(w, sigma),
        false => composite::over(w, sigma),
    }
}
