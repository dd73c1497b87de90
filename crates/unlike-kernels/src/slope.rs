//! What the penalty on a critic's slope is made of, and the way back through its layers.

use burn_tensor::Tensor;

use crate::composite;
use crate::cpu::{self, graph::supported};

/// The last two axes swapped, `[.., A, B]` → `[.., B, A]`, and contiguous.
///
/// # Panics
/// For fewer than two axes.
pub fn swap_last<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match supported(&x) {
        true => cpu::slope::swap_last(x),
        false => x.swap_dims(D - 2, D - 1),
    }
}

/// `gradient` where y is above 0, and `below · gradient` elsewhere: the way back through a ReLU
/// (`below` 0) or a leaky one that gave y. No gradient flows to y.
///
/// # Panics
/// When the shapes differ.
pub fn through_slope<const D: usize>(gradient: Tensor<D>, y: Tensor<D>, below: f32) -> Tensor<D> {
    match supported(&gradient) && !y.is_tracked() {
        true => cpu::slope::through_slope(gradient, y, below),
        false => composite::through_slope(gradient, y, below),
    }
}

/// `a + (b - a) · share` for a and b `[N, M]` and one share a row, `[N, 1]`; outside autodiff.
///
/// # Panics
/// When the shapes do not fit.
pub fn between(a: Tensor<2>, b: Tensor<2>, share: Tensor<2>) -> Tensor<2> {
    let tracked = [&a, &b, &share].iter().any(|x| x.is_tracked());
    match supported(&a) && !tracked {
        true => cpu::slope::between(a, b, share),
        false => composite::between(a, b, share),
    }
}

/// The mean over rows of `(√(‖row‖² + ε) - 1)²`, `[N, M]` → `[1]`: how far lengths are from 1.
pub fn length_penalty(x: Tensor<2>) -> Tensor<1> {
    match supported(&x) {
        true => cpu::slope::length_penalty(x),
        false => composite::length_penalty(x),
    }
}

/// The mean of all elements, `[1]`.
pub fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    match supported(&x) {
        true => cpu::slope::mean(x),
        false => x.mean(),
    }
}

/// `|a - b|` of each element; outside autodiff.
///
/// # Panics
/// When the shapes differ.
pub fn distances<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    match supported(&a) && !a.is_tracked() && !b.is_tracked() {
        true => cpu::slope::distances(a, b),
        false => (a - b).abs(),
    }
}
