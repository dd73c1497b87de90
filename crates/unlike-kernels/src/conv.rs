use burn::tensor::Tensor;

use crate::cpu::{self, graph::supported};
use crate::{Activation, Dropout, composite};

/// Convolution block over images in NHWC order: `dropout(act(conv(x, w) + b))`.
///
/// `x [N, H, W, Ci]`, `w [K, K, Ci, Co]`, `b [Co]` → `[N, H', W', Co]` with
/// `H' = (H + 2 * padding - K) / stride + 1`. A PyTorch weight `[Co, Ci, K, K]` becomes `w` by
/// `permute(2, 3, 1, 0)`.
///
/// # Panics
/// When the shapes do not fit.
pub fn conv2d(
    x: Tensor<4>,
    w: Tensor<4>,
    b: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<4> {
    match supported(&x) {
        true => cpu::conv::conv2d(x, w, b, stride, padding, act, dropout),
        false => composite::conv2d(x, w, b, stride, padding, act, dropout),
    }
}

/// Transposed convolution block over images in NHWC order: `dropout(act(conv_t(x, w) + b))`.
///
/// `x [N, H, W, Ci]`, `w [K, K, Ci, Co]`, `b [Co]` → `[N, H', W', Co]` with
/// `H' = (H - 1) * stride - 2 * padding + K + output_padding`. A PyTorch weight `[Ci, Co, K, K]`
/// becomes `w` by `permute(2, 3, 0, 1)`.
///
/// # Panics
/// When the shapes do not fit.
#[expect(
    clippy::too_many_arguments,
    reason = "the numbers of a transposed convolution"
)]
pub fn conv_transpose2d(
    x: Tensor<4>,
    w: Tensor<4>,
    b: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    output_padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<4> {
    match supported(&x) {
        true => cpu::conv::conv_transpose2d(x, w, b, stride, padding, output_padding, act, dropout),
        false => {
            composite::conv_transpose2d(x, w, b, stride, padding, output_padding, act, dropout)
        }
    }
}
