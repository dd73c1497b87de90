//! Batch normalisation with activation and dropout.

use std::sync::Arc;

use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::elementwise::{Mask, Normal};
use super::finish::{chunk_rows, total};
use super::graph::{Input, record, untracked, wrap_plain};
use super::kernels::{Kernels, kernels};
use super::memory::values;
use super::threads::{Out, parallel_if};
use crate::activation::Activation;
use crate::blocks::{BatchNormTrain, NormInputs};
use crate::dropout::Dropout;

/// Mean and biased variance of each channel of `x [rows, channels]`.
///
/// Mean and spread of each chunk are found in two passes over it and combined in order (Chan,
/// Golub and LeVeque 1979), which loses no digits where the mean is large.
pub(crate) fn moments(kernels: &Kernels, x: &[f32], channels: usize) -> (Buffer, Buffer) {
    let rows = chunk_rows(channels);
    let chunks = x.len().div_ceil((rows * channels).max(1));
    let mut partial = Buffer::zeroed(2 * chunks * channels);
    let out = Out::new(&mut partial);
    parallel_if(4 * x.len(), chunks, |chunk| {
        let first = chunk * rows * channels;
        let part = &x[first..(first + rows * channels).min(x.len())];
        // SAFETY: every task has its own two rows.
        let sums = unsafe { out.slice(2 * chunk * channels, 2 * channels) };
        let (mean, spread) = sums.split_at_mut(channels);
        (kernels.moments)(part, mean, spread);
    });
    let mut mean = vec![0.0_f64; channels];
    let mut spread = vec![0.0_f64; channels];
    let mut seen = 0.0_f64;
    for (chunk, sums) in partial.chunks_exact(2 * channels.max(1)).enumerate() {
        let count = rows.min(x.len() / channels - chunk * rows) as f64;
        let both = seen + count;
        let (means, spreads) = sums.split_at(channels);
        for i in 0..channels {
            let difference = f64::from(means[i]) - mean[i];
            mean[i] += difference * count / both;
            spread[i] += f64::from(spreads[i]) + difference * difference * seen * count / both;
        }
        seen = both;
    }
    let narrow = |values: &[f64], factor: f64| {
        let mut buffer = Buffer::new(channels);
        for (to, value) in buffer.iter_mut().zip(values) {
            *to = (value * factor) as f32;
        }
        buffer
    };
    (narrow(&mean, 1.0), narrow(&spread, 1.0 / seen.max(1.0)))
}

/// `w [..., C]` times `scale [C]`, outside autodiff and in aligned memory.
pub(crate) fn scale_columns<const D: usize>(w: Tensor<D>, scale: Tensor<1>) -> Tensor<D> {
    let shape = w.shape();
    let (w, scale) = (Input::new(w), Input::new(scale));
    let (values, scale) = (w.values(), scale.values());
    let mut scaled = Buffer::new(values.len());
    let out = Out::new(&mut scaled);
    let size = chunk_rows(scale.len()) * scale.len().max(1);
    parallel_if(values.len(), values.len().div_ceil(size), |chunk| {
        let part = &values[chunk * size..values.len().min((chunk + 1) * size)];
        // SAFETY: these elements belong to this task.
        let to = unsafe { out.slice(chunk * size, part.len()) };
        for (to, from) in to.chunks_mut(scale.len()).zip(part.chunks(scale.len())) {
            for ((to, from), scale) in to.iter_mut().zip(from).zip(scale) {
                *to = from * scale;
            }
        }
    });
    wrap_plain(scaled.into_tensor(shape))
}

/// `1 / sqrt(variance + epsilon)`
fn deviations(variance: &[f32], epsilon: f32) -> Buffer {
    let mut rates = Buffer::new(variance.len());
    for (rate, &variance) in rates.iter_mut().zip(variance) {
        *rate = 1.0 / (variance + epsilon).sqrt();
    }
    rates
}

/// The factor and the shift that normalisation comes to.
pub(crate) fn affine(mean: &[f32], rate: &[f32], gamma: &[f32], beta: &[f32]) -> (Buffer, Buffer) {
    let (mut scale, mut shift) = (Buffer::new(mean.len()), Buffer::new(mean.len()));
    for i in 0..mean.len() {
        scale[i] = gamma[i] * rate[i];
        shift[i] = beta[i] - mean[i] * scale[i];
    }
    (scale, shift)
}

/// `dropout(act(x * scale + shift))`
fn normalise(
    kernels: &Kernels,
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    act: Activation,
    dropout: Option<Dropout>,
) -> Buffer {
    let len = chunk_rows(scale.len()) * scale.len();
    let mut y = Buffer::new(x.len());
    let out = Out::new(&mut y);
    parallel_if(2 * x.len(), x.len().div_ceil(len.max(1)), |chunk| {
        let first = chunk * len;
        let x = &x[first..(first + len).min(x.len())];
        // SAFETY: every task has its own chunk.
        let y = unsafe { out.slice(first, x.len()) };
        let mask = dropout.map(|dropout| Mask::new(dropout, first));
        (kernels.normalise)(x, scale, shift, y, act, mask);
    });
    y
}

fn check<const D: usize>(x: &Tensor<D>, channels: &[&Tensor<1>]) -> usize {
    let shape = x.dims();
    assert!(
        channels.iter().all(|v| v.dims() == [shape[D - 1]]),
        "batch norm: the parameters do not fit {} channels",
        shape[D - 1]
    );
    shape[D - 1]
}

/// The same numbers `COUNT` times, each with a graph of gradients of its own: computed once.
pub(crate) fn batch_norm_train<const D: usize, const COUNT: usize>(
    inputs: [NormInputs<D>; COUNT],
    epsilon: f32,
    act: Activation,
    dropout: Option<Dropout>,
) -> [BatchNormTrain<D>; COUNT] {
    let NormInputs { x, gamma, beta } = &inputs[0];
    let channels = check(x, &[gamma, beta]);
    let shape = x.shape();
    let kernels = kernels();
    let inputs = inputs.map(|NormInputs { x, gamma, beta }| {
        vec![Input::new(x), Input::new(gamma), Input::new(beta)]
    });
    let [x, gamma, beta] = [0, 1, 2].map(|i| inputs[0][i].values());
    let (mean, variance) = moments(kernels, x, channels);
    let rate = deviations(&variance, epsilon);
    let (scale, shift) = affine(&mean, &rate, gamma, beta);
    let y = normalise(kernels, x, &scale, &shift, act, dropout);
    let y = y.into_tensor(shape.clone());
    let [mean, variance] = [mean, variance].map(|v| v.into_tensor([channels]));
    let factors = Arc::new([rate, scale, shift]);
    inputs.map(|inputs| {
        let statistics = [&mean, &variance].map(|v| untracked(v.clone(), &[&inputs[0]]));
        let wanted: Vec<bool> = inputs.iter().map(Input::tracked).collect();
        let x = inputs[0].tensor().clone();
        let (mean, factors, shape) = (mean.clone(), Arc::clone(&factors), shape.clone());
        let y = record(y.clone(), inputs, move |_| {
            Box::new(move |dy| {
                let [rate, scale, shift] = &*factors;
                let normal = Normal {
                    mean: values(&mean),
                    rate,
                    scale,
                    shift,
                };
                let (dx, dgamma, dbeta) = backward(
                    kernels,
                    values(&x),
                    values(&dy),
                    normal,
                    act,
                    dropout,
                    wanted[0],
                );
                vec![
                    dx.map(|dx| dx.into_tensor(shape)),
                    wanted[1].then(|| dgamma.into_tensor([channels])),
                    wanted[2].then(|| dbeta.into_tensor([channels])),
                ]
            })
        });
        let [mean, variance] = statistics;
        BatchNormTrain { y, mean, variance }
    })
}

fn backward(
    kernels: &Kernels,
    x: &[f32],
    dy: &[f32],
    normal: Normal<'_>,
    act: Activation,
    dropout: Option<Dropout>,
    wanted: bool,
) -> (Option<Buffer>, Buffer, Buffer) {
    let channels = normal.mean.len();
    let len = chunk_rows(channels) * channels;
    let chunks = x.len().div_ceil(len.max(1));
    let mask = |first| dropout.map(|dropout| Mask::new(dropout, first));
    let mut partial = Buffer::zeroed(2 * chunks * channels);
    let out = Out::new(&mut partial);
    parallel_if(4 * x.len(), chunks, |chunk| {
        let (first, end) = (chunk * len, ((chunk + 1) * len).min(x.len()));
        // SAFETY: every task has its own two rows.
        let sums = unsafe { out.slice(2 * chunk * channels, 2 * channels) };
        (kernels.normal_sums)(
            &x[first..end],
            &dy[first..end],
            normal,
            sums,
            act,
            mask(first),
        );
    });
    let sums = total(&partial, 2 * channels);
    let dx = wanted.then(|| {
        let mut dx = Buffer::new(x.len());
        let out = Out::new(&mut dx);
        let share = 1.0 / (x.len() / channels.max(1)).max(1) as f32;
        parallel_if(4 * x.len(), chunks, |chunk| {
            let (first, end) = (chunk * len, ((chunk + 1) * len).min(x.len()));
            // SAFETY: every task has its own chunk.
            let dx = unsafe { out.slice(first, end - first) };
            let (x, dy) = (&x[first..end], &dy[first..end]);
            (kernels.normal_backward)(x, dy, normal, &sums, share, dx, act, mask(first));
        });
        dx
    });
    let part = |range: std::ops::Range<usize>| {
        let mut buffer = Buffer::new(channels);
        buffer.copy_from_slice(&sums[range]);
        buffer
    };
    (dx, part(0..channels), part(channels..2 * channels))
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
    let channels = check(&x, &[&mean, &variance, &gamma, &beta]);
    let shape = x.shape();
    let kernels = kernels();
    let [mean, variance] = [mean, variance].map(Input::new);
    let inputs = vec![Input::new(x), Input::new(gamma), Input::new(beta)];
    let rate = deviations(variance.values(), epsilon);
    let (scale, shift) = affine(mean.values(), &rate, inputs[1].values(), inputs[2].values());
    let y = normalise(kernels, inputs[0].values(), &scale, &shift, act, None);
    let wanted: Vec<bool> = inputs.iter().map(Input::tracked).collect();
    let x = inputs[0].tensor().clone();
    record(y.into_tensor(shape.clone()), inputs, move |_| {
        Box::new(move |dy| {
            let normal = Normal {
                mean: mean.values(),
                rate: &rate,
                scale: &scale,
                shift: &shift,
            };
            // With fixed statistics the gradient flows through the affine map alone: that is the
            // general formula without the shares of the sums.
            let (x, dy) = (values(&x), values(&dy));
            let parameters = (wanted[1] || wanted[2])
                .then(|| backward(kernels, x, dy, normal, act, None, false));
            let dx = wanted[0].then(|| {
                let zeros = Buffer::zeroed(2 * channels);
                let mut dx = Buffer::new(x.len());
                let out = Out::new(&mut dx);
                let len = chunk_rows(channels) * channels;
                parallel_if(4 * x.len(), x.len().div_ceil(len.max(1)), |chunk| {
                    let (first, end) = (chunk * len, ((chunk + 1) * len).min(x.len()));
                    // SAFETY: every task has its own chunk.
                    let dx = unsafe { out.slice(first, end - first) };
                    let (x, dy) = (&x[first..end], &dy[first..end]);
                    (kernels.normal_backward)(x, dy, normal, &zeros, 0.0, dx, act, None);
                });
                dx.into_tensor(shape)
            });
            let (dgamma, dbeta) = match parameters {
                Some((_, dgamma, dbeta)) => (
                    wanted[1].then(|| dgamma.into_tensor([channels])),
                    wanted[2].then(|| dbeta.into_tensor([channels])),
                ),
                None => (None, None),
            };
            vec![dx, dgamma, dbeta]
        })
    })
}
