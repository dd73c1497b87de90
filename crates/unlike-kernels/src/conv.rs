use std::sync::Arc;

use burn_tensor::Tensor;

use crate::blocks::ConvInputs;
use crate::cpu::{self, conv::Packs, graph::supported};
use crate::{Activation, Dropout, aligned, composite};

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
        true => {
            let [y] = cpu::conv::conv2d(
                [ConvInputs { x, w, b }],
                None,
                stride,
                padding,
                act,
                dropout,
            );
            y
        }
        false => composite::conv2d(x, w, b, stride, padding, act, dropout),
    }
}

/// Two [`conv2d`] of the same numbers, of which each has a graph of gradients of its own: computed
/// once where that is possible.
///
/// So a network can be run once for two losses, one of which trains it while the other goes through
/// it to something else.
///
/// # Panics
/// When the shapes do not fit.
pub fn conv2d_twice(
    inputs: [ConvInputs; 2],
    stride: usize,
    padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> [Tensor<4>; 2] {
    match supported(&inputs[0].x) {
        true => cpu::conv::conv2d(inputs, None, stride, padding, act, dropout),
        false => inputs.map(|ConvInputs { x, w, b }| {
            composite::conv2d(x, w, b, stride, padding, act, dropout)
        }),
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
        true => {
            let inputs = ConvInputs { x, w, b };
            cpu::conv::conv_transpose2d(inputs, None, stride, padding, output_padding, act, dropout)
        }
        false => {
            composite::conv_transpose2d(x, w, b, stride, padding, output_padding, act, dropout)
        }
    }
}

/// The weight of a convolution that stays as it is over many calls: what the CPU kernels rearrange of
/// it, for the way there and for gradients on the way back, they do once.
#[derive(Clone)]
pub struct FrozenWeight {
    w: Tensor<4>,
    packs: Arc<[Packs; 2]>,
}

impl FrozenWeight {
    /// From `w [K, K, Ci, Co]`, outside autodiff.
    pub fn new(w: Tensor<4>) -> Self {
        Self {
            w: aligned(w),
            packs: Arc::default(),
        }
    }

    /// [`conv2d`] of `x` with this weight, always with the same stride.
    ///
    /// # Panics
    /// When the shapes do not fit, or the stride is another than before.
    pub fn conv2d(
        &self,
        x: Tensor<4>,
        b: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
        act: Activation,
    ) -> Tensor<4> {
        let w = self.w.clone();
        if !supported(&x) {
            return composite::conv2d(x, w, b, stride, padding, act, None);
        }
        let (inputs, packs) = ([ConvInputs { x, w, b }], Some(&self.packs));
        let [y] = cpu::conv::conv2d(inputs, packs, stride, padding, act, None);
        y
    }

    /// [`conv_transpose2d`] of `x` with this weight and no output padding, always with the same stride.
    ///
    /// # Panics
    /// When the shapes do not fit, or the stride is another than before.
    pub fn conv_transpose2d(
        &self,
        x: Tensor<4>,
        b: Option<Tensor<1>>,
        stride: usize,
        padding: usize,
        act: Activation,
    ) -> Tensor<4> {
        let w = self.w.clone();
        if !supported(&x) {
            return composite::conv_transpose2d(x, w, b, stride, padding, 0, act, None);
        }
        let (inputs, packs) = (ConvInputs { x, w, b }, Some(&self.packs));
        cpu::conv::conv_transpose2d(inputs, packs, stride, padding, 0, act, None)
    }
}

impl std::fmt::Debug for FrozenWeight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrozenWeight")
            .field("w", &self.w)
            .finish_non_exhaustive()
    }
}
