//! Every block as a composition of Burn's own operations: what runs on GPU devices, and what the
//! CPU kernels are tested against.

use burn_tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn_tensor::{Tensor, activation, module};

use crate::activation::Activation;
use crate::blocks::SLOPE_EPSILON;
use crate::blocks::SPECTRAL_EPSILON;
use crate::blocks::{AdamStep, BatchNormTrain, Dense, Reduction, Source};
use crate::dropout::Dropout;

fn finish<const D: usize>(y: Tensor<D>, act: Activation, dropout: Option<Dropout>) -> Tensor<D> {
    let y = act.compose(y);
    match dropout {
        Some(dropout) => dropout.compose(y),
        None => y,
    }
}

pub(crate) fn linear(
    x: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<1>>,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let y = x.matmul(w);
    let y = match b {
        Some(b) => y + b.unsqueeze::<2>(),
        None => y,
    };
    finish(y, act, dropout)
}

pub(crate) fn dense(xs: &[Tensor<2>], layers: Vec<Dense>) -> Tensor<2> {
    let mut outputs: Vec<Tensor<2>> = Vec::new();
    for Dense {
        w,
        b,
        act,
        dropout,
        from,
    } in layers
    {
        let input = |source: &Source| match *source {
            Source::Input(i) => xs[i].clone(),
            Source::Layer(i) => outputs[i].clone(),
        };
        let x = match &from[..] {
            [one] => input(one),
            several => Tensor::cat(several.iter().map(input).collect(), 1),
        };
        outputs.push(linear(x, w, b, act, dropout));
    }
    outputs.swap_remove(outputs.len() - 1)
}

pub(crate) fn conv2d(
    x: Tensor<4>,
    w: Tensor<4>,
    b: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<4> {
    let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
    let y = module::conv2d(x.permute([0, 3, 1, 2]), w.permute([3, 2, 0, 1]), b, options);
    finish(y.permute([0, 2, 3, 1]), act, dropout)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the numbers of a transposed convolution"
)]
pub(crate) fn conv_transpose2d(
    x: Tensor<4>,
    w: Tensor<4>,
    b: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
    output_padding: usize,
    act: Activation,
    dropout: Option<Dropout>,
) -> Tensor<4> {
    let options =
        ConvTransposeOptions::new([stride; 2], [padding; 2], [output_padding; 2], [1; 2], 1);
    let y = module::conv_transpose2d(x.permute([0, 3, 1, 2]), w.permute([2, 3, 0, 1]), b, options);
    finish(y.permute([0, 2, 3, 1]), act, dropout)
}

/// `[..., C]` as `[M, C]`.
fn rows<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let shape = x.dims();
    let channels = shape[D - 1];
    let rows = shape[..D - 1].iter().product::<usize>();
    x.reshape([rows, channels])
}

pub(crate) fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    act: Activation,
    dropout: Option<Dropout>,
) -> BatchNormTrain<D> {
    let shape = x.shape();
    let x = rows(x);
    let mean = x.clone().mean_dim(0);
    let centred = x - mean.clone();
    let variance = centred.clone().square().mean_dim(0);
    let scale = gamma.unsqueeze::<2>() / (variance.clone() + epsilon).sqrt();
    let y = centred * scale + beta.unsqueeze::<2>();
    BatchNormTrain {
        y: finish(y.reshape(shape), act, dropout),
        mean: mean.squeeze_dim::<1>(0).inner(),
        variance: variance.squeeze_dim::<1>(0).inner(),
    }
}

pub(crate) fn batch_norm_eval<const D: usize>(
    x: Tensor<D>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    act: Activation,
) -> Tensor<D> {
    let shape = x.shape();
    let scale = gamma / (variance + epsilon).sqrt();
    let shift = beta - mean * scale.clone();
    let y = rows(x) * scale.unsqueeze::<2>() + shift.unsqueeze::<2>();
    act.compose(y.reshape(shape))
}

/// `softplus(x) - target * x`, which is binary cross-entropy of `sigmoid(x)` without overflow.
fn bce_elements<const D: usize>(logits: Tensor<D>, target: f32) -> Tensor<D> {
    let softplus = activation::relu(logits.clone()) + (logits.clone().abs().neg().exp()).log1p();
    softplus - logits * target
}

pub(crate) fn bce_with_logits<const D: usize>(logits: Tensor<D>, target: f32) -> Tensor<1> {
    bce_elements(logits, target).mean()
}

pub(crate) fn l1<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    (a - b).abs().mean()
}

pub(crate) fn mse<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    (a - b).square().mean()
}

fn reduce_rows<const D: usize>(elements: Tensor<D>, reduction: Reduction) -> Tensor<1> {
    let samples = elements.dims()[0];
    let each = elements
        .shape()
        .num_elements()
        .checked_div(samples)
        .unwrap_or(1);
    let elements = elements.reshape([samples, each]);
    let reduced = match reduction {
        Reduction::Mean => elements.mean_dim(1),
        Reduction::Sum => elements.sum_dim(1),
    };
    reduced.reshape([samples])
}

pub(crate) fn bce_with_logits_rows<const D: usize>(
    logits: Tensor<D>,
    target: f32,
    reduction: Reduction,
) -> Tensor<1> {
    reduce_rows(bce_elements(logits, target), reduction)
}

pub(crate) fn l1_rows<const D: usize>(
    a: Tensor<D>,
    b: Tensor<D>,
    reduction: Reduction,
) -> Tensor<1> {
    reduce_rows((a - b).abs(), reduction)
}

pub(crate) fn mse_rows<const D: usize>(
    a: Tensor<D>,
    b: Tensor<D>,
    reduction: Reduction,
) -> Tensor<1> {
    reduce_rows((a - b).square(), reduction)
}

pub(crate) fn adam<const D: usize>(
    param: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    step: &AdamStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let grad = match step.weight_decay {
        0.0 => grad,
        decay => grad + param.clone() * decay,
    };
    let m = m * step.beta1 + grad.clone() * (1.0 - step.beta1);
    let v = v * step.beta2 + grad.square() * (1.0 - step.beta2);
    let (rate, root) = step.corrections();
    let update = m.clone() * rate / (v.clone().sqrt() * root + step.epsilon);
    (param - update, m, v)
}

pub(crate) fn ema<const D: usize>(average: Tensor<D>, value: Tensor<D>, decay: f32) -> Tensor<D> {
    average * decay + value * (1.0 - decay)
}

pub(crate) fn unit(x: Tensor<1>) -> Tensor<1> {
    let length = x.clone().square().sum_dim(0).sqrt(); // [1]
    x / length.clamp_min(SPECTRAL_EPSILON)
}

pub(crate) fn over(w: Tensor<2>, sigma: Tensor<2>) -> Tensor<2> {
    let columns = w.dims()[1];
    // Spread over a row first: the way back then sums along one axis at a time, in a fixed order.
    w * sigma.recip().expand([1, columns])
}

pub(crate) fn through_slope<const D: usize>(
    gradient: Tensor<D>,
    y: Tensor<D>,
    below: f32,
) -> Tensor<D> {
    let positive = y.greater_elem(0.0).float(); // 0 or 1
    gradient * (positive * (1.0 - below) + below)
}

pub(crate) fn between(a: Tensor<2>, b: Tensor<2>, share: Tensor<2>) -> Tensor<2> {
    a.clone() + (b - a) * share
}

pub(crate) fn length_penalty(x: Tensor<2>) -> Tensor<1> {
    let length = (x.square().sum_dim(1) + SLOPE_EPSILON).sqrt(); // [N, 1]
    (length - 1.0).square().mean()
}
