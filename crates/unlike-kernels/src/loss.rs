use burn_tensor::Tensor;

use crate::blocks::Reduction;
use crate::composite;
use crate::cpu::graph::supported;
use crate::cpu::loss::{Term, rows, whole};

/// Mean binary cross-entropy of `sigmoid(logits)` with one target in `[0, 1]` for all elements.
///
/// Any shape → one element. Stable for logits of any size.
pub fn bce_with_logits<const D: usize>(logits: Tensor<D>, target: f32) -> Tensor<1> {
    match supported(&logits) {
        true => whole(Term::Bce(target), logits, None),
        false => composite::bce_with_logits(logits, target),
    }
}

/// Mean absolute difference over all elements; two equal shapes → one element.
pub fn l1<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    match supported(&a) {
        true => whole(Term::L1, a, Some(b)),
        false => composite::l1(a, b),
    }
}

/// Mean squared difference over all elements; two equal shapes → one element.
pub fn mse<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    match supported(&a) {
        true => whole(Term::Mse, a, Some(b)),
        false => composite::mse(a, b),
    }
}

/// [`bce_with_logits`] of each sample by itself: `[N, ...]` → `[N]`.
pub fn bce_with_logits_rows<const D: usize>(
    logits: Tensor<D>,
    target: f32,
    reduction: Reduction,
) -> Tensor<1> {
    match supported(&logits) {
        true => rows(Term::Bce(target), logits, None, reduction),
        false => composite::bce_with_logits_rows(logits, target, reduction),
    }
}

/// [`l1`] of each sample by itself: `[N, ...]` → `[N]`.
pub fn l1_rows<const D: usize>(a: Tensor<D>, b: Tensor<D>, reduction: Reduction) -> Tensor<1> {
    match supported(&a) {
        true => rows(Term::L1, a, Some(b), reduction),
        false => composite::l1_rows(a, b, reduction),
    }
}

/// [`mse`] of each sample by itself: `[N, ...]` → `[N]`.
pub fn mse_rows<const D: usize>(a: Tensor<D>, b: Tensor<D>, reduction: Reduction) -> Tensor<1> {
    match supported(&a) {
        true => rows(Term::Mse, a, Some(b), reduction),
        false => composite::mse_rows(a, b, reduction),
    }
}
