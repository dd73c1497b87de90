//! Every block against a plain reference in double precision, whose gradients come from central
//! differences; kernels and composition are held to the same reference.

mod blocks;
mod losses;
mod reference;
mod slope;
mod updates;
#[cfg(feature = "wgpu")]
mod wgpu;

use burn_tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers in [-1, 1).
pub(crate) fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

pub(crate) fn tensor(values: &[f32]) -> Tensor<1> {
    tensor_on(&Device::flex(), values)
}

fn tensor_on(device: &Device, values: &[f32]) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, &device.clone().autodiff())
}

pub(crate) fn numbers<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

/// Which inputs are given as tracked tensors.
pub(crate) type Tracked<'a> = &'a [bool];

/// Output of a block and gradients of `Σ weights · output` in its tracked inputs.
pub(crate) fn evaluate(
    inputs: &[Vec<f32>],
    tracked: Tracked<'_>,
    weights: impl Fn(usize) -> Vec<f32>,
    block: impl Fn(&[Tensor<1>]) -> Tensor<1>,
) -> (Vec<f32>, Vec<Option<Vec<f32>>>) {
    evaluate_on(&Device::flex(), inputs, tracked, weights, block)
}

/// [`evaluate`] on any device.
fn evaluate_on(
    device: &Device,
    inputs: &[Vec<f32>],
    tracked: Tracked<'_>,
    weights: impl Fn(usize) -> Vec<f32>,
    block: impl Fn(&[Tensor<1>]) -> Tensor<1>,
) -> (Vec<f32>, Vec<Option<Vec<f32>>>) {
    let leaves: Vec<Tensor<1>> = inputs
        .iter()
        .zip(tracked)
        .map(|(values, &tracked)| match tracked {
            true => tensor_on(device, values).require_grad(),
            false => tensor_on(device, values),
        })
        .collect();
    let y = block(&leaves);
    let output = numbers(y.clone());
    if !tracked.contains(&true) {
        assert!(!y.is_tracked());
        return (output, vec![None; inputs.len()]);
    }
    let weights = tensor_on(device, &weights(output.len()));
    let grads = (y * weights).sum().backward();
    (
        output,
        leaves
            .iter()
            .map(|leaf| leaf.grad(&grads).map(numbers))
            .collect(),
    )
}

/// Asserts that a block agrees with the reference in its output and in its gradients.
///
/// `tolerance` is relative to the largest value of what is compared (at least 1).
pub(crate) fn check(
    inputs: &[Vec<f32>],
    tracked: Tracked<'_>,
    tolerance: f64,
    block: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    reference: impl Fn(&[Vec<f64>]) -> Vec<f64>,
) {
    let weights = |len| random(len, 77);
    let (output, gradients) = evaluate(inputs, tracked, weights, block);
    let wide: Vec<Vec<f64>> = inputs
        .iter()
        .map(|v| v.iter().map(|&v| f64::from(v)).collect())
        .collect();
    close("output", &output, &reference(&wide), tolerance);
    let weights = weights(output.len());
    let total = |inputs: &[Vec<f64>]| -> f64 {
        reference(inputs)
            .iter()
            .zip(&weights)
            .map(|(y, &w)| y * f64::from(w))
            .sum()
    };
    for (i, gradient) in gradients.iter().enumerate() {
        let Some(gradient) = gradient else {
            assert!(!tracked[i], "input {i} has no gradient");
            continue;
        };
        assert!(tracked[i], "input {i} has a gradient that nobody wants");
        // Differences to both sides; where they disagree there is a kink of a ReLU or of an
        // absolute value in between, and any slope from one to the other is right.
        let here = total(&wide);
        let sides: Vec<[f64; 2]> = (0..inputs[i].len())
            .map(|j| {
                const STEP: f64 = 1e-5;
                let mut moved = wide.clone();
                moved[i][j] += STEP;
                let up = (total(&moved) - here) / STEP;
                moved[i][j] -= 2.0 * STEP;
                [up, (here - total(&moved)) / STEP]
            })
            .collect();
        assert!(sides.iter().flatten().all(|v| v.is_finite()));
        let largest = sides
            .iter()
            .flatten()
            .fold(1.0_f64, |most, v| most.max(v.abs()));
        let mut smooth = 0;
        for (j, (&found, [up, down])) in gradient.iter().zip(sides).enumerate() {
            let (found, margin) = (f64::from(found), tolerance * largest);
            // However small a kink is: without one, both sides are the same but for rounding.
            let inside = found >= up.min(down) - margin && found <= up.max(down) + margin;
            assert!(inside, "gradient {i}[{j}]: {found}, slopes {up} and {down}");
            smooth += usize::from((up - down).abs() <= 1e-3 * largest);
        }
        assert!(2 * smooth >= gradient.len(), "more kinks than chance gives");
    }
}

pub(crate) fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    assert!(
        expected.iter().all(|v| v.is_finite()),
        "{what}: a reference"
    );
    let largest = expected.iter().fold(1.0_f64, |most, v| most.max(v.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(
            error <= tolerance * largest,
            "{what}[{i}]: {found}, expected {expected}"
        );
    }
}
