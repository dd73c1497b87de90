//! Every block at the sizes of the models: forward, and forward with backward. Items are floating
//! point operations where a block multiplies matrices, else elements.

#![allow(missing_docs, reason = "a benchmark has no interface")]

use burn_tensor::{Device, Distribution, Tensor};
use divan::Bencher;
use divan::counter::ItemsCount;
use unlike_kernels::*;

fn main() {
    divan::main();
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 0.1), &Device::flex())
}

fn weight<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    aligned(random(shape)).autodiff().require_grad()
}

const LEAKY: Activation = Activation::LeakyRelu(0.2);

/// Batch, inputs, outputs.
const LINEAR: [[usize; 3]; 4] = [
    [50, 121, 128],
    [50, 256, 128],
    [256, 256, 128],
    [100, 6272, 1024],
];

#[divan::bench(args = LINEAR)]
fn linear_forward(bencher: Bencher<'_, '_>, [n, i, o]: [usize; 3]) {
    let (x, w, b) = (random([n, i]), weight([i, o]).inner(), random([o]));
    bencher
        .counter(ItemsCount::new(2 * n * i * o))
        .bench(|| linear(x.clone(), w.clone(), Some(b.clone()), LEAKY, None));
}

#[divan::bench(args = LINEAR)]
fn linear_train(bencher: Bencher<'_, '_>, [n, i, o]: [usize; 3]) {
    let x = random([n, i]).autodiff().require_grad();
    let (w, b) = (weight([i, o]), weight([o]));
    bencher.counter(ItemsCount::new(6 * n * i * o)).bench(|| {
        let y = linear(x.clone(), w.clone(), Some(b.clone()), LEAKY, None);
        mse(y.clone(), y.detach().zeros_like()).backward()
    });
}

/// The fully connected half of AnoGAN's generator for one image, and of its discriminator: bound by
/// the memory that the weights are read from. Items are weights.
const ROW: [&[usize]; 2] = [&[200, 1024, 6272], &[3136, 1024]];

fn row(widths: &[usize], x: Tensor<2>, weights: &[Tensor<2>]) -> Tensor<2> {
    let layers = weights
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(i, (w, _))| Dense {
            w: w.clone(),
            b: None,
            act: Activation::Relu,
            dropout: None,
            from: vec![i.checked_sub(1).map_or(Source::Input(0), Source::Layer)],
        });
    dense(vec![x], layers.collect())
}

fn frozen(widths: &[usize]) -> Vec<Tensor<2>> {
    widths
        .windows(2)
        .map(|pair| weight([pair[0], pair[1]]).inner())
        .collect()
}

fn count(widths: &[usize]) -> ItemsCount {
    ItemsCount::new(
        widths
            .windows(2)
            .map(|pair| pair[0] * pair[1])
            .sum::<usize>(),
    )
}

#[divan::bench(args = ROW)]
fn row_forward(bencher: Bencher<'_, '_>, widths: &[usize]) {
    let (x, weights) = (random([1, widths[0]]), frozen(widths));
    bencher
        .counter(count(widths))
        .bench(|| row(widths, x.clone(), &weights));
}

#[divan::bench(args = ROW)]
fn row_search(bencher: Bencher<'_, '_>, widths: &[usize]) {
    let x = random([1, widths[0]]).autodiff().require_grad();
    let weights = frozen(widths);
    bencher.counter(count(widths)).bench(|| {
        let y = row(widths, x.clone(), &weights);
        mse(y.clone(), y.detach() * 2.0).backward()
    });
}

/// Images, pixels on a side, channels in and out, kernel, stride, padding.
const CONV: [[usize; 7]; 9] = [
    [64, 32, 1, 64, 4, 2, 1],
    [64, 16, 64, 128, 4, 2, 1],
    [64, 8, 128, 256, 4, 2, 1],
    [64, 4, 256, 100, 4, 1, 0],
    [100, 28, 32, 64, 3, 2, 1],
    [1, 32, 1, 64, 4, 2, 1],
    [1, 16, 64, 128, 4, 2, 1],
    [1, 8, 128, 256, 4, 2, 1],
    [1, 4, 256, 100, 4, 1, 0],
];

fn pixels(size: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    (size + 2 * padding - kernel) / stride + 1
}

#[divan::bench(args = CONV)]
fn conv2d_forward(bencher: Bencher<'_, '_>, [n, size, ci, co, k, s, p]: [usize; 7]) {
    let (x, w) = (random([n, size, size, ci]), weight([k, k, ci, co]).inner());
    let side = pixels(size, k, s, p);
    bencher
        .counter(ItemsCount::new(2 * n * side * side * k * k * ci * co))
        .bench(|| conv2d(x.clone(), w.clone(), None, s, p, LEAKY, None));
}

#[divan::bench(args = CONV)]
fn conv2d_train(bencher: Bencher<'_, '_>, [n, size, ci, co, k, s, p]: [usize; 7]) {
    let x = random([n, size, size, ci]).autodiff().require_grad();
    let w = weight([k, k, ci, co]);
    let side = pixels(size, k, s, p);
    bencher
        .counter(ItemsCount::new(6 * n * side * side * k * k * ci * co))
        .bench(|| {
            let y = conv2d(x.clone(), w.clone(), None, s, p, LEAKY, None);
            mse(y.clone(), y.detach().zeros_like()).backward()
        });
}

#[divan::bench(args = CONV)]
fn conv_transpose2d_forward(bencher: Bencher<'_, '_>, [n, size, co, ci, k, s, p]: [usize; 7]) {
    let side = pixels(size, k, s, p);
    let (x, w) = (random([n, side, side, ci]), weight([k, k, ci, co]).inner());
    bencher
        .counter(ItemsCount::new(2 * n * side * side * k * k * ci * co))
        .bench(|| conv_transpose2d(x.clone(), w.clone(), None, s, p, 0, LEAKY, None));
}

#[divan::bench(args = CONV)]
fn conv_transpose2d_train(bencher: Bencher<'_, '_>, [n, size, co, ci, k, s, p]: [usize; 7]) {
    let side = pixels(size, k, s, p);
    let x = random([n, side, side, ci]).autodiff().require_grad();
    let w = weight([k, k, ci, co]);
    bencher
        .counter(ItemsCount::new(6 * n * side * side * k * k * ci * co))
        .bench(|| {
            let y = conv_transpose2d(x.clone(), w.clone(), None, s, p, 0, LEAKY, None);
            mse(y.clone(), y.detach().zeros_like()).backward()
        });
}

const NORM: [[usize; 2]; 2] = [[64 * 16 * 16, 128], [64 * 4 * 4, 256]];

#[divan::bench(args = NORM)]
fn batch_norm(bencher: Bencher<'_, '_>, [rows, c]: [usize; 2]) {
    let x = random([rows, c]).autodiff().require_grad();
    let (gamma, beta) = (weight([c]), weight([c]));
    bencher.counter(ItemsCount::new(rows * c)).bench(|| {
        let y = batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-5, LEAKY, None).y;
        mse(y.clone(), y.detach().zeros_like()).backward()
    });
}

#[divan::bench(args = [50, 64 * 32 * 32, 64 * 64 * 64 * 3])]
fn losses(bencher: Bencher<'_, '_>, n: usize) {
    let (a, b) = (
        random([n]).autodiff().require_grad(),
        random([n]).autodiff(),
    );
    bencher.counter(ItemsCount::new(n)).bench(|| {
        let loss =
            bce_with_logits(a.clone(), 1.0) + l1(a.clone(), b.clone()) + mse(a.clone(), b.clone());
        loss.backward()
    });
}

#[divan::bench(args = [128, 32_768, 2_097_152])]
fn adam_step(bencher: Bencher<'_, '_>, n: usize) {
    let step = AdamStep {
        learning_rate: 1e-4,
        beta1: 0.5,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        step: 9,
    };
    let grad = random([n]);
    let fresh = || [random([n]), random([n]), random([n]).abs()].map(aligned);
    bencher
        .counter(ItemsCount::new(n))
        .with_inputs(fresh)
        .bench_values(|[p, m, v]| adam(p, grad.clone(), m, v, &step));
}
