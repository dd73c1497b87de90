use burn_tensor::Tensor;

use crate::blocks::{Dense, Source};
use crate::cpu::{self, graph::supported};
use crate::{Activation, Dropout, composite};

/// Fully connected block: `dropout(act(x · w + b))`.
///
/// `x [N, I]`, `w [I, O]` (PyTorch's `Linear.weight` transposed), `b [O]` → `[N, O]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear(
    x: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<1>>,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    match supported(&x) {
        true => {
            let from = vec![Source::Input(0)];
            cpu::dense::dense(
                vec![x],
                vec![Dense {
                    w,
                    b,
                    act,
                    dropout,
                    from,
                }],
            )
        }
        false => composite::linear(x, w, b, act, dropout),
    }
}

/// [`linear`] of the concatenation `[x1, x2]`, without building it.
///
/// `x1 [N, I1]`, `x2 [N, I2]`, `w [I1 + I2, O]`, `b [O]` → `[N, O]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear_joint(
    x1: Tensor<2>,
    x2: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<1>>,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    match supported(&x1) {
        true => {
            let from = vec![Source::Input(0), Source::Input(1)];
            cpu::dense::dense(
                vec![x1, x2],
                vec![Dense {
                    w,
                    b,
                    act,
                    dropout,
                    from,
                }],
            )
        }
        false => composite::linear(Tensor::cat(vec![x1, x2], 1), w, b, act, dropout),
    }
}

/// A whole network of fully connected blocks as one operation: the output of the last layer.
///
/// The same numbers as one [`linear`] or [`linear_joint`] for each layer, bit for bit, at a
/// fraction of the cost where batches and layers are small. `xs` are `[N, …]`.
///
/// # Panics
/// When the shapes do not fit, when a layer takes the output of itself or of a later one, or when
/// there is no layer.
pub fn dense(xs: Vec<Tensor<2>>, layers: Vec<Dense>) -> Tensor<2> {
    assert!(
        !xs.is_empty() && !layers.is_empty(),
        "dense: no input, or no layer"
    );
    match supported(&xs[0]) {
        true => cpu::dense::dense(xs, layers),
        false => composite::dense(&xs, layers),
    }
}
