//! The compositions on a graphics processor against the CPU's kernels, which the other tests hold
//! to a reference: every block, its output and all its gradients, on the same inputs.

use std::io::Write as _;
use std::sync::OnceLock;

use burn_tensor::wgpu::WgpuBackend;
use burn_tensor::{Device, Tensor};

use super::{close, evaluate, evaluate_on, numbers, random, tensor_on};
use crate::*;

/// Sums of a few hundred products in another order; relative to the largest value, at least 1.
const TOLERANCE: f64 = 2e-5;

/// The graphics processor, or `None`, said where nobody can miss it, on a machine without one.
fn device() -> Option<&'static Device> {
    static OPENED: OnceLock<Option<Device>> = OnceLock::new();
    let mut options = Device::wgpu_options();
    if cfg!(all(unix, not(target_vendor = "apple"))) {
        options = options.graphics_api(WgpuBackend::Vulkan);
    }
    let opened = OPENED.get_or_init(|| match options.init_with_setup() {
        Ok((device, setup)) => {
            tell(&format!("on {}", setup.adapter.get_info().name));
            Some(device)
        }
        Err(error) => {
            tell(&format!(
                "SKIPPED, ALL OF THEM: {error}. They need a graphics driver; Mesa's lavapipe is one in \
                 software (mesa-vulkan-drivers on Debian)"
            ));
            None
        }
    });
    opened.as_ref()
}

/// Past libtest, which keeps what passing tests print to itself.
fn tell(what: &str) {
    let line = format!("\n*** tests on a graphics processor: {what} ***\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn shaped<const D: usize>(x: &Tensor<1>, shape: [usize; D]) -> Tensor<D> {
    x.clone().reshape(shape)
}

/// Asserts that a block of inputs of these lengths gives the same on both devices.
fn agrees(name: &str, lengths: &[usize], block: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    let Some(device) = device() else {
        return;
    };
    let inputs: Vec<Vec<f32>> = (1..)
        .zip(lengths)
        .map(|(seed, &length)| random(length, seed))
        .collect();
    let weights = |length| random(length, 77);
    let all = vec![true; inputs.len()];
    let none = vec![false; inputs.len()];
    let (expected, expected_gradients) = evaluate(&inputs, &all, weights, &block);
    let (found, gradients) = evaluate_on(device, &inputs, &all, weights, &block);
    close(name, &found, &wide(&expected), TOLERANCE);
    for (i, (found, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
        let name = format!("{name}, gradient {i}");
        let (Some(found), Some(expected)) = (found, expected) else {
            panic!("{name}: missing");
        };
        close(&name, found, &wide(expected), TOLERANCE);
    }
    let (untracked, _) = evaluate_on(device, &inputs, &none, weights, &block);
    close(name, &untracked, &wide(&expected), TOLERANCE);
}

const ACTIVATIONS: [Activation; 5] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu(0.2),
    Activation::Tanh,
    Activation::Sigmoid,
];

const DROPOUT: Option<Dropout> = Some(Dropout {
    probability: 0.3,
    seed: 4,
});

#[test]
fn fully_connected_blocks() {
    for (i, act) in ACTIVATIONS.into_iter().enumerate() {
        let dropout = DROPOUT.filter(|_| i % 2 == 0);
        agrees("linear", &[7 * 33, 33 * 20, 20], |v| {
            let (x, w) = (shaped(&v[0], [7, 33]), shaped(&v[1], [33, 20]));
            linear(x, w, Some(v[2].clone()), act, dropout).reshape([7 * 20])
        });
    }
    agrees("linear without bias", &[40 * 121, 121 * 64], |v| {
        let (x, w) = (shaped(&v[0], [40, 121]), shaped(&v[1], [121, 64]));
        linear(x, w, None, Activation::Tanh, None).reshape([40 * 64])
    });
    agrees("joint linear", &[6 * 9, 6 * 5, 14 * 11, 11], |v| {
        let (x1, x2) = (shaped(&v[0], [6, 9]), shaped(&v[1], [6, 5]));
        let w = shaped(&v[2], [14, 11]);
        linear_joint(x1, x2, w, Some(v[3].clone()), Activation::Tanh, DROPOUT).reshape([6 * 11])
    });
}

/// EGBAD's discriminator: two branches, then layers over both.
#[test]
fn fully_connected_networks() {
    let (n, [a, b], widths) = (20, [9, 4], [[9, 6], [4, 5], [11, 7], [7, 1]]);
    let mut lengths = vec![n * a, n * b];
    for [rows, columns] in widths {
        lengths.extend([rows * columns, columns]);
    }
    agrees("dense", &lengths, |v| {
        let from = [
            vec![Source::Input(0)],
            vec![Source::Input(1)],
            vec![Source::Layer(0), Source::Layer(1)],
            vec![Source::Layer(2)],
        ];
        let layers = widths.into_iter().zip(from).enumerate();
        let layers = layers.map(|(l, (shape, from))| Dense {
            w: shaped(&v[2 + 2 * l], shape),
            b: Some(v[3 + 2 * l].clone()),
            act: Activation::LeakyRelu(0.2),
            dropout: DROPOUT,
            from,
        });
        let xs = vec![shaped(&v[0], [n, a]), shaped(&v[1], [n, b])];
        dense(xs, layers.collect()).reshape([n])
    });
}

/// The windows of the papers' networks, and odd ones.
#[test]
fn convolutions() {
    for (size, [ci, co], [kernel, stride, padding], biased) in [
        (8, [3, 16], [4, 2, 1], false),
        (4, [16, 5], [4, 1, 0], true),
        (7, [4, 6], [5, 2, 2], true),
        (6, [2, 3], [3, 1, 1], false),
    ] {
        let n = 3;
        let mut lengths = vec![n * size * size * ci, kernel * kernel * ci * co];
        if biased {
            lengths.push(co);
        }
        for act in ACTIVATIONS {
            let operands = |v: &[Tensor<1>]| {
                let x = shaped(&v[0], [n, size, size, ci]);
                (
                    x,
                    shaped(&v[1], [kernel, kernel, ci, co]),
                    v.get(2).cloned(),
                )
            };
            agrees(&format!("conv2d, {act:?}"), &lengths, |v| {
                let (x, w, b) = operands(v);
                conv2d(x, w, b, stride, padding, act, DROPOUT).flatten(0, 3)
            });
            agrees(&format!("conv_transpose2d, {act:?}"), &lengths, |v| {
                let (x, w, b) = operands(v);
                let extra = stride - 1;
                conv_transpose2d(x, w, b, stride, padding, extra, act, DROPOUT).flatten(0, 3)
            });
        }
    }
}

#[test]
fn batch_norms() {
    let (shape, c, len) = ([5, 4, 3, 8], 8, 5 * 4 * 3 * 8);
    for act in ACTIVATIONS {
        agrees(&format!("batch norm, {act:?}"), &[len, c, c], |v| {
            let x = shaped(&v[0], shape);
            let found = batch_norm_train(x, v[1].clone(), v[2].clone(), 1e-2, act, DROPOUT);
            found.y.flatten(0, 3)
        });
        agrees(&format!("fixed batch norm, {act:?}"), &[len, c, c], |v| {
            let (x, device) = (shaped(&v[0], shape), v[0].device());
            let mean = tensor_on(&device, &random(c, 8));
            let variance = tensor_on(&device, &random(c, 9)).square();
            batch_norm_eval(x, mean, variance, v[1].clone(), v[2].clone(), 1e-2, act).flatten(0, 3)
        });
    }
    let Some(device) = device() else {
        return;
    };
    let [on_cpu, found] = [&Device::flex(), device].map(|device| {
        let part = |length, seed| tensor_on(device, &random(length, seed));
        let x = part(len, 1).require_grad().reshape(shape);
        let (gamma, beta) = (part(c, 2), part(c, 3));
        let BatchNormTrain { mean, variance, .. } =
            batch_norm_train(x, gamma.clone(), beta.clone(), 1e-2, ACTIVATIONS[0], None);
        // Running statistics are made of them, and those must not remember the graph.
        assert!(!mean.is_tracked() && !variance.is_tracked());
        let w = part(12 * c, 4).reshape([12, c]);
        let statistics = [mean.clone(), variance.clone()];
        let (w, b) = fold_batch_norm(w, None, mean, variance, gamma, beta, 1e-2);
        let folded = [w.reshape([12 * c]), b];
        statistics
            .into_iter()
            .chain(folded)
            .map(numbers)
            .collect::<Vec<_>>()
    });
    for (found, expected) in found.iter().zip(&on_cpu) {
        close(
            "statistics and folded weights",
            found,
            &wide(expected),
            TOLERANCE,
        );
    }
}

#[test]
fn losses() {
    let (n, each) = (5, 60);
    let lengths = [n * each; 2];
    let rows = |x: &Tensor<1>| shaped(x, [n, each]);
    for target in [0.0, 0.9, 1.0] {
        let logits = |x: &Tensor<1>| rows(x) * 8.0;
        agrees("bce", &lengths[..1], |v| {
            bce_with_logits(logits(&v[0]), target)
        });
        agrees("bce of rows", &lengths[..1], |v| {
            bce_with_logits_rows(logits(&v[0]), target, Reduction::Sum)
        });
    }
    agrees("l1", &lengths, |v| l1(rows(&v[0]), rows(&v[1])));
    agrees("mse", &lengths, |v| mse(rows(&v[0]), rows(&v[1])));
    for reduction in [Reduction::Mean, Reduction::Sum] {
        agrees("l1 of rows", &lengths, |v| {
            l1_rows(rows(&v[0]), rows(&v[1]), reduction)
        });
        agrees("mse of rows", &lengths, |v| {
            mse_rows(rows(&v[0]), rows(&v[1]), reduction)
        });
    }
}

#[test]
fn updates() {
    let Some(device) = device() else {
        return;
    };
    let [expected, found] = [&Device::flex(), device].map(|device| {
        let part = |seed| tensor_on(device, &random(77, seed)).inner();
        let zeros = || part(0) * 0.0;
        let (mut p, mut m, mut v) = (part(1), zeros(), zeros());
        let mut average = part(2);
        for t in 1..=5 {
            let step = AdamStep {
                learning_rate: 0.01,
                beta1: 0.5,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.1,
                step: t,
            };
            (p, m, v) = adam(p, part(t + 10), m, v, &step);
            let all = adam_all(vec![[p, part(t + 20), m, v]], &step);
            (p, m, v) = all.into_iter().next().unwrap();
            average = aligned(ema(average, p.clone(), 0.9));
        }
        [p, m, v, average].map(numbers)
    });
    for (found, expected) in found.iter().zip(&expected) {
        close("adam and average", found, &wide(expected), TOLERANCE);
    }
}

/// AnoGAN's search: the gradient goes to the latent through networks that have none.
#[test]
fn a_gradient_through_fixed_weights() {
    let Some(device) = device() else {
        return;
    };
    let [expected, found] = [&Device::flex(), device].map(|device| {
        let part = |length, seed| tensor_on(device, &random(length, seed)).inner();
        let z = tensor_on(device, &random(4 * 10, 1)).require_grad();
        let x = linear(
            shaped(&z, [4, 10]),
            part(10 * 48, 2).reshape([10, 48]),
            Some(part(48, 3)),
            Activation::Relu,
            None,
        );
        let x = conv_transpose2d(
            x.reshape([4, 4, 4, 3]),
            part(16 * 3 * 2, 4).reshape([4, 4, 3, 2]),
            Some(part(2, 5)),
            2,
            1,
            0,
            Activation::Tanh,
            None,
        );
        let loss = l1_rows(
            x,
            part(4 * 8 * 8 * 2, 6).reshape([4, 8, 8, 2]),
            Reduction::Sum,
        );
        let grads = loss.clone().sum().backward();
        let gradient = z.grad(&grads).unwrap();
        assert!(!gradient.is_autodiff());
        [numbers(loss), numbers(gradient)]
    });
    for (found, expected) in found.iter().zip(&expected) {
        close("search", found, &wide(expected), TOLERANCE);
    }
}
