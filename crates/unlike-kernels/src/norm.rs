use burn_tensor::Tensor;

use crate::blocks::{BatchNormTrain, NormInputs};
use crate::cpu::{self, graph::supported};
use crate::{Activation, Dropout, composite};

/// Batch normalisation over the last axis with the statistics of the batch, then activation and
/// dropout: `dropout(act(gamma * (x - mean) / sqrt(variance + epsilon) + beta))`.
///
/// `x [..., C]`, `gamma [C]`, `beta [C]`. Ioffe and Szegedy 2015 (arXiv 1502.03167), algorithm 1.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    act: Activation,
    dropout: Option<Dropout>,
) -> BatchNormTrain<D> {
    match supported(&x) {
        true => {
            let inputs = NormInputs { x, gamma, beta };
            let [out] = cpu::norm::batch_norm_train([inputs], epsilon, act, dropout);
            out
        }
        false => composite::batch_norm_train(x, gamma, beta, epsilon, act, dropout),
    }
}

/// Two [`batch_norm_train`] of the same numbers, of which each has a graph of gradients of its own:
/// computed once where that is possible. Like [`conv2d_twice`](crate::conv2d_twice).
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm_train_twice<const D: usize>(
    inputs: [NormInputs<D>; 2],
    epsilon: f32,
    act: Activation,
    dropout: Option<Dropout>,
) -> [BatchNormTrain<D>; 2] {
    match supported(&inputs[0].x) {
        true => cpu::norm::batch_norm_train(inputs, epsilon, act, dropout),
        false => inputs.map(|NormInputs { x, gamma, beta }| {
            composite::batch_norm_train(x, gamma, beta, epsilon, act, dropout)
        }),
    }
}

/// Batch normalisation over the last axis with given statistics, then activation.
///
/// `x [..., C]`; `mean`, `variance`, `gamma`, `beta` are `[C]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm_eval<const D: usize>(
    x: Tensor<D>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    act: Activation,
) -> Tensor<D> {
    match supported(&x) {
        true => cpu::norm::batch_norm_eval(x, mean, variance, gamma, beta, epsilon, act),
        false => composite::batch_norm_eval(x, mean, variance, gamma, beta, epsilon, act),
    }
}

/// Folds batch normalisation with given statistics into the layer before it, for scoring: the
/// weight `[..., O]` and the bias `[O]` of a layer that does both.
///
/// `w` is the weight of a [`linear`](crate::linear), [`conv2d`](crate::conv2d) or
/// [`conv_transpose2d`](crate::conv_transpose2d) layer, whose last axis is the normalised one, and
/// `b` its bias; `mean`, `variance`, `gamma`, `beta` are `[O]`. Do it once, not for every batch.
///
/// # Panics
/// When the shapes do not fit.
pub fn fold_batch_norm<const D: usize>(
    w: Tensor<D>,
    b: Option<Tensor<1>>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
) -> (Tensor<D>, Tensor<1>) {
    let outputs = w.dims()[D - 1];
    assert_eq!(
        mean.dims(),
        [outputs],
        "fold_batch_norm: the statistics do not fit the weight"
    );
    let shape = w.shape();
    let scale = gamma / (variance + epsilon).sqrt();
    let centred = match b {
        Some(b) => b - mean,
        None => mean.neg(),
    };
    let w = match supported(&w) && !w.is_autodiff() {
        true => cpu::norm::scale_columns(w, scale.clone()),
        false => {
            let rows = shape.num_elements() / outputs.max(1);
            let w = w.reshape([rows, outputs]) * scale.clone().unsqueeze::<2>();
            w.reshape(shape)
        }
    };
    (w, beta + centred * scale)
}
